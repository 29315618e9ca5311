"""What a network is for every runtime: a list of layers, written once and turned into each runtime's own format.

Shapes leave out the batch, which is 1: an image is (channels, height, width), a sequence (rows, width), a vector
(width,). A builder makes shapes only; weights are drawn by `draw`, which takes time and memory.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

ACTIVATIONS = ("", "relu", "relu6", "sigmoid", "hard_sigmoid", "hard_swish", "silu", "gelu", "tanh")


@dataclass(frozen=True)
class Value:
    """A tensor of a network, without its batch."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class Layer:
    """A step of a network.

    Attributes:
        kind: conv, dense, add, multiply, activate, max_pool, global_average, flatten, concat, upsample, softmax,
            layer_norm, attention or lstm.
        inputs: the names of what it reads.
        output: what it writes.
        activation: applied to the result of a conv, dense, add or activate.
        attributes: of its kind: see the method of `Builder`.
        weights: the shapes of its weights, by name.
        macs: how many multiplications with a weight or between activations it does.
    """

    kind: str
    inputs: tuple[str, ...]
    output: Value
    activation: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Shape] = field(default_factory=dict)
    macs: int = 0

    @property
    def name(self) -> str:
        """A layer is called as what it writes."""
        return self.output.name

    @property
    def weight_count(self) -> int:
        """How many numbers its weights are."""
        return sum(math.prod(s) for s in self.weights.values())


@dataclass
class Network:
    """A whole network. `weights` holds arrays by "layer.weight" once they are drawn."""

    name: str
    input: Value
    layers: list[Layer]
    outputs: tuple[str, ...]
    weights: dict[str, Array] = field(default_factory=dict)

    @property
    def macs(self) -> int:
        """Multiplications of a run."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weight_count(self) -> int:
        """Numbers in all weights."""
        return sum(layer.weight_count for layer in self.layers)

    def values(self) -> dict[str, Value]:
        """All tensors by name."""
        return {v.name: v for v in (self.input, *(layer.output for layer in self.layers))}

    def of(self, layer: Layer, weight: str) -> Array:
        """A drawn weight of a layer."""
        return self.weights[f"{layer.name}.{weight}"]

    def draw(self, seed: int = 0) -> None:
        """Draws weights: normal, with the variance that keeps that of the activations; small biases."""
        generator = np.random.default_rng(seed)
        for layer in self.layers:
            for name, shape in layer.weights.items():
                if name in ("bias", "beta"):
                    array = generator.normal(size=shape, scale=0.1)
                elif name == "gamma":
                    array = generator.normal(size=shape, scale=0.1, loc=1.0)
                else:
                    array = generator.normal(size=shape, scale=math.prod(shape[1:]) ** -0.5)
                self.weights[f"{layer.name}.{name}"] = array.astype(np.float32)

    def example(self, seed: int) -> Array:
        """An input: with its batch, in this file's order of axes."""
        return np.random.default_rng(seed).normal(size=(1, *self.input.shape)).astype(np.float32)

    def digest(self) -> str:
        """A text that changes with the layers."""
        told = repr((self.name, self.input, self.layers, self.outputs))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


class Builder:
    """Adds layers to a network, one call each; every call returns the name of what it wrote."""

    def __init__(self, name: str, shape: Shape) -> None:
        self._name = name
        self._input = Value("input", shape)
        self._layers: list[Layer] = []
        self._shapes: dict[str, Shape] = {"input": shape}

    def finish(self, *outputs: str) -> Network:
        """The network whose results are `outputs`."""
        return Network(self._name, self._input, self._layers, outputs)

    def shape(self, name: str) -> Shape:
        """The shape of a tensor."""
        return self._shapes[name]

    def conv(
        self,
        x: str,
        channels: int,
        kernel: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        same: bool = False,
        groups: int = 1,
        activation: str = "",
    ) -> str:
        """A convolution. Borders: half a kernel on each side, or `same`: what TensorFlow calls SAME."""
        depth, height, width = self._shapes[x]
        kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
        sh, sw = (stride, stride) if isinstance(stride, int) else stride
        pads = (
            same_pads((height, width), (kh, kw), (sh, sw)) if same else (kh // 2, kw // 2, kh // 2, kw // 2)
        )
        top, left, bottom, right = pads
        shape = (channels, (height + top + bottom - kh) // sh + 1, (width + left + right - kw) // sw + 1)
        return self._add(
            "conv",
            (x,),
            shape,
            activation=activation,
            attributes={"kernel": (kh, kw), "strides": (sh, sw), "pads": pads, "groups": groups},
            weights={"weight": (channels, depth // groups, kh, kw), "bias": (channels,)},
            macs=math.prod(shape) * (depth // groups) * kh * kw,
        )

    def depthwise(
        self, x: str, kernel: int, *, stride: int = 1, same: bool = False, activation: str = ""
    ) -> str:
        """A convolution of each channel with its own filter."""
        depth = self._shapes[x][0]
        return self.conv(x, depth, kernel, stride=stride, same=same, groups=depth, activation=activation)

    def dense(self, x: str, width: int, *, activation: str = "") -> str:
        """A matrix product with every row, and a bias."""
        *rows, depth = self._shapes[x]
        return self._add(
            "dense",
            (x,),
            (*rows, width),
            activation=activation,
            weights={"weight": (width, depth), "bias": (width,)},
            macs=math.prod(rows) * depth * width,
        )

    def add(self, x: str, y: str, *, activation: str = "") -> str:
        """The sum of two tensors of one shape."""
        return self._add("add", (x, y), self._shapes[x], activation=activation)

    def multiply(self, x: str, y: str) -> str:
        """An image times a factor for each channel, of shape (channels, 1, 1)."""
        return self._add("multiply", (x, y), self._shapes[x])

    def activate(self, x: str, activation: str) -> str:
        """An activation alone."""
        return self._add("activate", (x,), self._shapes[x], activation=activation)

    def max_pool(self, x: str, kernel: int, *, stride: int, pad: int = 0) -> str:
        """The largest value of each window; borders do not count."""
        depth, height, width = self._shapes[x]
        shape = (depth, (height + 2 * pad - kernel) // stride + 1, (width + 2 * pad - kernel) // stride + 1)
        attributes = {
            "kernel": (kernel, kernel),
            "strides": (stride, stride),
            "pads": (pad, pad, pad, pad),
        }
        return self._add("max_pool", (x,), shape, attributes=attributes)

    def global_average(self, x: str) -> str:
        """The mean of each channel, as an image of one pixel."""
        return self._add("global_average", (x,), (self._shapes[x][0], 1, 1))

    def flatten(self, x: str) -> str:
        """An image of one pixel as a vector."""
        channels, *size = self._shapes[x]
        if size != [1, 1]:
            raise ValueError(f"{x} has {size} pixels; the order of a larger image depends on the runtime")
        return self._add("flatten", (x,), (channels,))

    def concat(self, *xs: str) -> str:
        """Images one after the other along their channels."""
        depth = sum(self._shapes[x][0] for x in xs)
        return self._add("concat", xs, (depth, *self._shapes[xs[0]][1:]))

    def upsample(self, x: str) -> str:
        """Each pixel twice in both directions."""
        depth, height, width = self._shapes[x]
        return self._add("upsample", (x,), (depth, 2 * height, 2 * width))

    def softmax(self, x: str) -> str:
        """Along the last axis."""
        return self._add("softmax", (x,), self._shapes[x])

    def layer_norm(self, x: str) -> str:
        """Of each row, with a factor and a shift for each column."""
        width = self._shapes[x][-1]
        weights: dict[str, Shape] = {"gamma": (width,), "beta": (width,)}
        return self._add("layer_norm", (x,), self._shapes[x], attributes={"epsilon": 1e-5}, weights=weights)

    def attention(self, query: str, key: str, value: str, heads: int) -> str:
        """softmax(q k' / sqrt(d)) v for each head; heads lie side by side in the columns."""
        rows, width = self._shapes[query]
        return self._add(
            "attention",
            (query, key, value),
            (rows, width),
            attributes={"heads": heads},
            macs=2 * rows * rows * width,
        )

    def lstm(self, x: str, hidden: int) -> str:
        """A recurrent layer over the rows, from zero states. Gates of the weights: input, forget, cell, output."""
        steps, depth = self._shapes[x]
        weights = {"weight": (4 * hidden, depth), "recurrent": (4 * hidden, hidden), "bias": (4 * hidden,)}
        return self._add(
            "lstm",
            (x,),
            (steps, hidden),
            attributes={"hidden": hidden},
            weights=weights,
            macs=steps * 4 * hidden * (depth + hidden),
        )

    def _add(
        self,
        kind: str,
        inputs: tuple[str, ...],
        shape: Shape,
        *,
        activation: str = "",
        attributes: dict[str, Any] | None = None,
        weights: dict[str, Shape] | None = None,
        macs: int = 0,
    ) -> str:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r} is none of {', '.join(ACTIVATIONS[1:])}")
        name = f"{kind}_{len(self._layers)}"
        layer = Layer(kind, inputs, Value(name, shape), activation, attributes or {}, weights or {}, macs)
        self._layers.append(layer)
        self._shapes[name] = shape
        return name


def same_pads(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Pixels added at the top, left, bottom and right by what TensorFlow calls SAME."""
    totals = [
        max((math.ceil(n / s) - 1) * s + k - n, 0) for n, k, s in zip(size, kernel, stride, strict=True)
    ]
    return (totals[0] // 2, totals[1] // 2, totals[0] - totals[0] // 2, totals[1] - totals[1] // 2)
