"""Models of several integer nodes, as networks of pictures have them, with random shapes and scales."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.exporter.frontends.tflite._integer_models import Generator, Made, integer, numbers, quantized
from tests.exporter.frontends.tflite._writer import Node, T, constant, write


class _Chain:
    """A model that grows node by node.

    Args:
        rng: makes sizes and values.
        dtype: of the data: "int8", "uint8" or "int16".
        open_batch: whether the file says that there may be other numbers of pictures.
    """

    def __init__(self, rng: Generator, dtype: str, *, open_batch: bool) -> None:
        self.rng, self.dtype, self.open_batch = rng, dtype, open_batch
        self.tensors: list[T] = []
        self.nodes: list[Node] = []
        self.last = self.add(quantized(rng, dtype, (1, 8, 8, 3)))

    def add(self, tensor: T) -> int:
        if tensor.data is None and self.open_batch:
            tensor = replace(tensor, signature=(-1, *tensor.shape[1:]))
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensors[self.last].shape)

    def then(self, op: str, others: list[T], y: T, options: str = "", **values: Any) -> None:
        inputs = [self.last, *(self.add(t) for t in others)]
        self.last = self.add(y)
        self.nodes.append(Node(op=op, inputs=inputs, outputs=[self.last], options=options, values=values))

    def result(self, shape: Any, spread: float) -> T:
        """An output as wide as sums of so many products are."""
        scale = float(self.tensors[self.last].scale) * spread
        return quantized(self.rng, self.dtype, shape, scale=float(np.float32(scale)))

    def weights(self, shape: Any, channels: int, axis: int) -> tuple[T, T]:
        """Filter and bias."""
        rng = self.rng
        if self.dtype == "uint8":
            values, scale, kind = (
                rng.integers(0, 256, shape),
                float(np.float32(rng.uniform(0.002, 0.01))),
                "uint8",
            )
            filters = constant(values, kind, scale=scale, zero_point=integer(rng, 100, 150))
        else:
            scales = rng.uniform(0.002, 0.01, channels).astype("float32")
            filters = constant(rng.integers(-127, 128, shape), "int8", scale=scales, axis=axis)
        wide = "int64" if self.dtype == "int16" else "int32"
        scale = np.float32(self.tensors[self.last].scale) * np.float32(filters.scale)
        return filters, constant(rng.integers(-200, 200, channels), wide, scale=scale)

    def conv(self) -> None:
        n, h, w, c = self.shape
        depth = integer(self.rng, 1, 9)
        filters, bias = self.weights((depth, 3, 3, c), depth, 0)
        activation = integer(self.rng, 0, 3)
        window = {"Padding": 0, "StrideH": 1, "StrideW": 1, "FusedActivationFunction": activation}
        self.then(
            "CONV_2D", [filters, bias], self.result((n, h, w, depth), 0.6 * c**0.5), "Conv2DOptions", **window
        )

    def depthwise(self) -> None:
        n, h, w, c = self.shape
        filters, bias = self.weights((1, 3, 3, c), c, 3)
        window = {"Padding": 0, "StrideH": 1, "StrideW": 1, "DepthMultiplier": 1}
        options = "DepthwiseConv2DOptions"
        self.then("DEPTHWISE_CONV_2D", [filters, bias], self.result((n, h, w, c), 0.6), options, **window)

    def twice(self) -> None:
        """The data and itself, moved."""
        before = self.last
        self.activation()
        kind = ("ADD", "SUB")[integer(self.rng, 0, 1)]
        inputs = [before, self.last]
        self.last = self.add(self.result(self.shape, 1.5))
        options = "AddOptions" if kind == "ADD" else "SubOptions"
        values = {"PotScaleInt16": False}
        self.nodes.append(Node(op=kind, inputs=inputs, outputs=[self.last], options=options, values=values))

    def activation(self) -> None:
        kind = ("RELU", "RELU6", "LEAKY_RELU")[integer(self.rng, 0, 2)]
        options = ("LeakyReluOptions", {"Alpha": 0.2}) if kind == "LEAKY_RELU" else ("", {})
        self.then(kind, [], self.result(self.shape, 0.9), options[0], **options[1])

    def pool(self) -> None:
        n, h, w, c = self.shape
        y = replace(self.tensors[self.last], shape=(n, (h + 1) // 2, (w + 1) // 2, c))
        kind = ("MAX_POOL_2D", "AVERAGE_POOL_2D")[integer(self.rng, 0, 1)]
        window = {"Padding": 0, "StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
        self.then(kind, [], y, "Pool2DOptions", **window)

    def pad(self) -> None:
        n, h, w, c = self.shape
        y = replace(self.tensors[self.last], shape=(n, h + 1, w + 2, c))
        self.then("PAD", [constant([[0, 0], [1, 0], [1, 1], [0, 0]], "int32")], y, "PadOptions")

    def head(self) -> None:
        """Means, a fully connected layer, softmax."""
        n, _, _, c = self.shape
        self.then("MEAN", [constant([1, 2], "int32")], self.result((n, c), 0.5), "ReducerOptions")
        filters, bias = self.weights((5, c), 1 if self.dtype == "int16" else 5, 0)
        bias = replace(bias, shape=(5,), data=np.resize(bias.data, 5))
        options = "FullyConnectedOptions"
        self.then("FULLY_CONNECTED", [filters, bias], self.result((n, 5), 0.5 * c**0.5), options)
        unit = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)}[self.dtype]
        y = T(shape=(n, 5), dtype=self.dtype, scale=unit[0], zero_point=unit[1])
        self.then("SOFTMAX", [], y, "SoftmaxOptions", Beta=1.0)


def chain(rng: Generator, dtype: str, *, open_batch: bool = False) -> Made:
    """A model of some ten nodes."""
    made = _Chain(rng, dtype, open_batch=open_batch)
    made.conv()
    steps = [made.conv, made.depthwise, made.twice, made.activation, made.pool, made.pad]
    for _ in range(5):
        steps[integer(rng, 0, len(steps) - 1)]()
    made.head()
    return write(made.tensors, made.nodes, [0], [made.last]), [numbers(rng, made.tensors[0])]
