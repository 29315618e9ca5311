"""A network as a param and a bin file of ncnn, with the fusions that its own converter makes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.formats.scales import activation_scales, quantized_weight, weight_scales
from benchmarks.network import Array, Layer, Network

_MAGIC = 7767517
_INT8_WEIGHTS = 0x000D4B38
# Activations that are part of a convolution or a matrix product, and their parameters.
_FUSED: dict[str, tuple[int, tuple[float, ...]]] = {
    "": (0, ()),
    "relu": (1, ()),
    "relu6": (3, (0.0, 6.0)),
    "sigmoid": (4, ()),
    "hard_swish": (6, (1 / 6, 0.5)),
}
_ALONE: dict[str, tuple[str, dict[int, Any]]] = {
    "relu": ("ReLU", {}),
    "relu6": ("Clip", {0: 0.0, 1: 6.0}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("TanH", {}),
    "silu": ("Swish", {}),
    "gelu": ("GELU", {}),
    "hard_swish": ("HardSwish", {0: 1 / 6, 1: 0.5}),
    "hard_sigmoid": ("HardSigmoid", {0: 1 / 6, 1: 0.5}),
}
_MULTIPLY = 2


def write(network: Network, path: Path) -> None:
    """Float32; the weights go to a file of the same name that ends in .bin."""
    _Writer(network, None).save(path)


def write_int8(network: Network, path: Path) -> None:
    """Int8 convolutions and matrix products of vectors; what lies between them stays float, as ncnn has it.

    Raises:
        NotImplementedError: the network has nothing else.
    """
    if len(network.input.shape) == 2:
        raise NotImplementedError("only convolutions and products of vectors are written in int8")
    largest = {
        name: max(abs(-128 - s.zero_point), abs(127 - s.zero_point)) * s.scale
        for name, s in activation_scales(network).items()
    }
    _Writer(network, {name: 127 / value for name, value in largest.items()}).save(path)


class _Writer:
    def __init__(self, network: Network, scales: dict[str, float] | None) -> None:
        self.network, self.scales = network, scales
        self.lines: list[tuple[str, str, list[str], list[str], dict[int, Any]]] = []
        self.data: list[bytes] = []
        self.producers = {layer.name: layer for layer in network.layers}
        self.readers: dict[str, list[Layer]] = {}
        for layer in network.layers:
            for name in layer.inputs:
                self.readers.setdefault(name, []).append(layer)
        # A projection in front of an attention or behind it is part of ncnn's layer.
        self.merged = {
            name
            for layer in network.layers
            if layer.kind == "attention"
            for name in (*layer.inputs, self.readers[layer.name][0].name)
        }

    def save(self, path: Path) -> None:
        shape = self.network.input.shape
        sizes = dict(zip({1: (0,), 2: (1, 0), 3: (2, 1, 0)}[len(shape)], shape, strict=True))
        self.line("Input", "input", [], ["input"], dict(sorted(sizes.items())))
        for layer in self.network.layers:
            if layer.kind == "attention":
                self.attention(layer)
            elif layer.name not in self.merged:
                self.layer(layer)
        lines = self.with_splits()
        blobs = sum(len(outputs) for _, _, _, outputs, _ in lines)
        text = [str(_MAGIC), f"{len(lines)} {blobs}"]
        for kind, name, inputs, outputs, parameters in lines:
            told = [
                f"{k}={_number(v)}" if not isinstance(v, tuple) else _array(k, v)
                for k, v in parameters.items()
            ]
            text.append(" ".join([kind, name, str(len(inputs)), str(len(outputs)), *inputs, *outputs, *told]))
        path.write_text("\n".join(text) + "\n")
        path.with_suffix(".bin").write_bytes(b"".join(self.data))

    def line(
        self, kind: str, name: str, inputs: list[str], outputs: list[str], parameters: dict[int, Any]
    ) -> None:
        self.lines.append((kind, name, inputs, outputs, parameters))

    def with_splits(self) -> list[tuple[str, str, list[str], list[str], dict[int, Any]]]:
        """The layers, and one that hands on each blob which several layers read."""
        counts: dict[str, int] = {}
        for _, _, inputs, _, _ in self.lines:
            for name in inputs:
                counts[name] = counts.get(name, 0) + 1
        left = {name: iter(range(count)) for name, count in counts.items() if count > 1}
        found = []
        for kind, layer, inputs, outputs, parameters in self.lines:
            read = [f"{name}_{next(left[name])}" if name in left else name for name in inputs]
            found.append((kind, layer, read, outputs, parameters))
            for name in outputs:
                if name in left:
                    copies = [f"{name}_{i}" for i in range(counts[name])]
                    found.append(("Split", f"{name}_split", [name], copies, {}))
        return found

    # Weights ----------------------------------------------------------------------------------------------

    def weight(self, array: Array) -> None:
        """A weight that says how it is stored."""
        self.data += [np.uint32(0).tobytes(), np.ascontiguousarray(array, np.float32).tobytes()]

    def plain(self, array: Any) -> None:
        self.data.append(np.ascontiguousarray(array, np.float32).tobytes())

    def weight_and_bias(self, layer: Layer) -> int:
        """Writes both; returns the parameter that tells of int8 scales."""
        weight, bias = self.network.of(layer, "weight"), self.network.of(layer, "bias")
        if self.scales is None:
            self.weight(weight)
            self.plain(bias)
            return 0
        scales = weight_scales(weight, 0)
        stored = quantized_weight(weight, scales, 0).tobytes()
        self.data += [np.uint32(_INT8_WEIGHTS).tobytes(), stored, b"\0" * (-len(stored) % 4)]
        self.plain(bias)
        self.plain(1 / scales)
        self.plain([self.scales[layer.inputs[0]]])
        readers = self.readers.get(layer.name, [])
        fused = layer.kind == "conv" and layer.activation in _FUSED and layer.name not in self.network.outputs
        if fused and readers and all(r.kind == "conv" for r in readers):
            self.plain([self.scales[layer.name]])
            return 101
        return 1

    # Layers -----------------------------------------------------------------------------------------------

    def layer(self, layer: Layer) -> None:
        weighted = layer.kind in ("conv", "dense")
        fused = not layer.activation or (weighted and layer.activation in _FUSED)
        result = layer.name if fused else f"{layer.name}.linear"
        if layer.kind == "activate":
            result = layer.inputs[0]
        else:
            self.linear(
                layer, list(layer.inputs), result, _FUSED[layer.activation] if fused and weighted else (0, ())
            )
        if not fused:
            kind, parameters = _ALONE[layer.activation]
            self.line(kind, f"{layer.name}.activation", [result], [layer.name], parameters)

    def linear(
        self, layer: Layer, inputs: list[str], result: str, fused: tuple[int, tuple[float, ...]]
    ) -> None:
        name, attributes, shape = layer.name, layer.attributes, layer.output.shape
        activation: dict[int, Any] = {9: fused[0], 10: fused[1]} if fused[1] else {9: fused[0]}
        match layer.kind:
            case "conv":
                top, left, bottom, right = attributes["pads"]
                (kh, kw), (sh, sw) = attributes["kernel"], attributes["strides"]
                size, groups = self.network.of(layer, "weight").size, attributes["groups"]
                window: dict[int, Any] = {0: shape[0], 1: kw, 3: sw, 4: left, 5: 1, 6: size}
                scaled = self.weight_and_bias(layer)
                if groups > 1:
                    window[7] = groups
                if scaled:
                    window[8] = scaled
                window |= {**activation, 11: kh, 13: sh, 14: top, 15: right, 16: bottom}
                self.line(
                    "ConvolutionDepthWise" if groups > 1 else "Convolution", name, inputs, [result], window
                )
            case "dense":
                size = self.network.of(layer, "weight").size
                scaled = self.weight_and_bias(layer)
                parameters = {0: shape[-1], 1: 1, 2: size, **({8: scaled} if scaled else {}), **activation}
                self.line("InnerProduct", name, inputs, [result], parameters)
            case "add":
                self.line("BinaryOp", name, inputs, [result], {0: 0})
            case "multiply":
                self.line("BinaryOp", name, inputs, [result], {0: _MULTIPLY})
            case "max_pool":
                top, left, bottom, right = attributes["pads"]
                (kh, kw), (sh, sw) = attributes["kernel"], attributes["strides"]
                window = {0: 0, 1: kw, 2: sw, 3: left, 5: 1, 11: kh, 12: sh, 13: top, 14: right, 15: bottom}
                self.line("Pooling", name, inputs, [result], window)
            case "global_average":
                flat = f"{name}.flat"
                self.line("Pooling", f"{name}.pool", inputs, [flat], {0: 1, 4: 1})
                self.line("Reshape", name, [flat], [result], {0: 1, 1: 1, 2: shape[0]})
            case "flatten":
                self.line("Flatten", name, inputs, [result], {})
            case "concat":
                self.line("Concat", name, inputs, [result], {0: 0})
            case "upsample":
                self.line("Interp", name, inputs, [result], {0: 1, 1: 2.0, 2: 2.0})
            case "softmax":
                self.line("Softmax", name, inputs, [result], {0: len(shape) - 1, 1: 1})
            case "layer_norm":
                self.plain(self.network.of(layer, "gamma"))
                self.plain(self.network.of(layer, "beta"))
                parameters = {0: shape[-1], 1: attributes["epsilon"], 2: 1}
                self.line("LayerNorm", name, inputs, [result], parameters)
            case "lstm":
                self.lstm(layer, inputs, result)
            case other:
                raise ValueError(f"layer kind {other!r}")

    def attention(self, layer: Layer) -> None:
        projections = [self.producers[name] for name in layer.inputs]
        last = self.readers[layer.name][0]
        sources = [p.inputs[0] for p in projections]
        for part in (*projections, last):
            self.weight(self.network.of(part, "weight"))
            self.plain(self.network.of(part, "bias"))
        width = layer.output.shape[-1]
        size = self.network.of(last, "weight").size
        parameters = {0: width, 1: layer.attributes["heads"], 2: size, 3: width, 4: width}
        inputs = sources[:1] if len(set(sources)) == 1 else sources
        self.line("MultiHeadAttention", layer.name, inputs, [last.name], parameters)

    def lstm(self, layer: Layer, inputs: list[str], result: str) -> None:
        def gates(array: Array) -> Array:
            """Input, forget, output, cell: the order of ncnn."""
            i, f, g, o = np.split(array, 4)
            return np.concatenate([i, f, o, g])

        weight = self.network.of(layer, "weight")
        for array in (weight, self.network.of(layer, "bias"), self.network.of(layer, "recurrent")):
            self.weight(gates(array))
        parameters = {0: layer.attributes["hidden"], 1: weight.size, 2: 0}
        self.line("LSTM", layer.name, inputs, [result], parameters)


def _number(value: Any) -> str:
    return str(int(value)) if isinstance(value, (int, np.integer)) else f"{value:e}"


def _array(key: int, values: Sequence[float]) -> str:
    return ",".join([f"{-23300 - key}={len(values)}", *map(_number, values)])
