"""A network as a torch module: the float source that every runtime is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (as everyone calls it)

from benchmarks.network import Array, Layer, Network

_ACTIVATIONS: dict[str, Any] = {
    "": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "silu": F.silu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
}


class Source(torch.nn.Module):
    """Runs the layers of a network whose weights are drawn; images are (1, channels, height, width)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self._recurrent = torch.nn.ModuleDict()
        for name, array in network.weights.items():
            self.register_buffer(name.replace(".", "_"), torch.from_numpy(array))
        for layer in network.layers:
            if layer.kind == "lstm":
                self._recurrent[layer.name] = self._lstm(layer)

    def forward(self, x: Any) -> tuple[Any, ...]:
        """The outputs of the network."""
        values = {self.network.input.name: x}
        for layer in self.network.layers:
            values[layer.name] = self.step(layer, *(values[name] for name in layer.inputs))
        return tuple(values[name] for name in self.network.outputs)

    def weight(self, layer: Layer, name: str) -> Any:
        """A weight of a layer."""
        return getattr(self, f"{layer.name}_{name}")

    def step(self, layer: Layer, *inputs: Any) -> Any:
        """What a layer makes of its inputs."""
        return _ACTIVATIONS[layer.activation](self.linear(layer, *inputs))

    def linear(self, layer: Layer, *inputs: Any) -> Any:
        """The same before its activation."""
        x, attributes = inputs[0], layer.attributes
        match layer.kind:
            case "conv":
                top, left, bottom, right = attributes["pads"]
                padding = (top, left)
                if (top, left) != (bottom, right):
                    x, padding = F.pad(x, (left, right, top, bottom)), (0, 0)
                weight, bias = self.weight(layer, "weight"), self.weight(layer, "bias")
                groups = attributes["groups"]
                return F.conv2d(x, weight, bias, attributes["strides"], padding, groups=groups)
            case "dense":
                return F.linear(x, self.weight(layer, "weight"), self.weight(layer, "bias"))
            case "add":
                return x + inputs[1]
            case "multiply":
                return x * inputs[1]
            case "activate":
                return x
            case "max_pool":
                padding = attributes["pads"][:2]
                return F.max_pool2d(x, attributes["kernel"], attributes["strides"], padding)
            case "global_average":
                return x.mean((2, 3), keepdim=True)
            case "flatten":
                return x.flatten(1)
            case "concat":
                return torch.cat(inputs, 1)
            case "upsample":
                return F.interpolate(x, scale_factor=2.0, mode="nearest")
            case "softmax":
                return F.softmax(x, -1)
            case "layer_norm":
                gamma, beta = self.weight(layer, "gamma"), self.weight(layer, "beta")
                return F.layer_norm(x, (x.shape[-1],), gamma, beta, attributes["epsilon"])
            case "attention":
                heads = attributes["heads"]
                rows, width = layer.output.shape
                q, k, v = (i.reshape(1, rows, heads, width // heads).transpose(1, 2) for i in inputs)
                return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, rows, width)
            case "lstm":
                return self._recurrent[layer.name](x)[0]
        raise ValueError(f"layer kind {layer.kind!r}")

    def _lstm(self, layer: Layer) -> torch.nn.LSTM:
        module = torch.nn.LSTM(
            self.weight(layer, "weight").shape[1], layer.output.shape[-1], batch_first=True
        )
        with torch.no_grad():
            module.weight_ih_l0.copy_(self.weight(layer, "weight"))
            module.weight_hh_l0.copy_(self.weight(layer, "recurrent"))
            module.bias_ih_l0.copy_(self.weight(layer, "bias"))
            module.bias_hh_l0.zero_()
        return module


def settle(network: Network, seed: int = 1) -> None:
    """Scales the weights of each conv and dense layer so that what it makes, before its bias, has deviation 1."""
    source = Source(network).eval()
    values = {network.input.name: torch.from_numpy(network.example(seed))}
    with torch.inference_mode():
        for layer in network.layers:
            inputs = [values[name] for name in layer.inputs]
            if layer.kind in ("conv", "dense"):
                weight = source.weight(layer, "weight")
                bias = source.weight(layer, "bias")
                if layer.kind == "conv":
                    bias = bias.reshape(-1, 1, 1)
                # The mean of squares, not the variance: a single pixel or row has none.
                weight /= (source.linear(layer, *inputs) - bias).square().mean().sqrt()
            values[layer.name] = source.step(layer, *inputs)
    network.weights = {name: np.ascontiguousarray(array) for name, array in network.weights.items()}


def run(network: Network, inputs: list[Array]) -> list[list[Array]]:
    """The outputs for each input."""
    source = Source(network).eval()
    with torch.inference_mode():
        return [[y.numpy() for y in source(torch.from_numpy(x))] for x in inputs]


def ranges(network: Network, inputs: list[Array]) -> dict[str, tuple[float, float]]:
    """The least and the largest value of every tensor, and of what an activation reads as "layer.linear"."""
    source = Source(network).eval()
    found: dict[str, tuple[float, float]] = {}

    def note(name: str, value: Any) -> Any:
        low, high = found.get(name, (0.0, 0.0))
        found[name] = (min(low, float(value.min())), max(high, float(value.max())))
        return value

    with torch.inference_mode():
        for x in inputs:
            values = {network.input.name: note(network.input.name, torch.from_numpy(x))}
            for layer in network.layers:
                linear = source.linear(layer, *(values[name] for name in layer.inputs))
                if layer.activation:
                    note(f"{layer.name}.linear", linear)
                values[layer.name] = note(layer.name, _ACTIVATIONS[layer.activation](linear))
    return found
