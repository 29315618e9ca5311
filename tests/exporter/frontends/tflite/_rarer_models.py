"""Models of one integer node of the rarer kinds, and of the rarer ways of the common ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.exporter.frontends.tflite._integer_models import (
    MODELS,
    Generator,
    Made,
    integer,
    model,
    numbers,
    one,
    quantized,
)
from tests.exporter.frontends.tflite._writer import Node, T, constant, write

for _op, _options in (
    ("EQUAL", "EqualOptions"),
    ("NOT_EQUAL", "NotEqualOptions"),
    ("LESS", "LessOptions"),
    ("LESS_EQUAL", "LessEqualOptions"),
    ("GREATER", "GreaterOptions"),
    ("GREATER_EQUAL", "GreaterEqualOptions"),
):

    @model(f"{_op.lower()}-int16", _op, _options)
    def _compare(rng: Generator, op: str, options: str) -> Made:
        x, y = quantized(rng, "int16", (40,)), quantized(rng, "int16", (40,))
        return one(rng, op, [x, y], T(shape=(40,), dtype="bool"), options)


def _unary(rng: Generator, op: str, dtype: str) -> Made:
    """All integers of a type, or those that a function has a value for."""
    info = np.iinfo(dtype)
    low = 0 if op in ("SQRT", "RSQRT") else int(info.min)
    values = np.arange(low, info.max + 1).astype(dtype)
    x, y = quantized(rng, dtype, values.shape), quantized(rng, dtype, values.shape)
    content, _ = one(rng, op, [x], y)
    return content, [values]


for _op in ("ABS", "SQRT", "LOG", "RSQRT", "NEG"):
    model(f"{_op.lower()}-int16", _op, "int16")(_unary)
model("neg-int8", "NEG", "int8")(_unary)
for _op in ("RELU_N1_TO_1", "RELU_0_TO_1"):
    model(f"{_op.lower()}-uint8", _op, "uint8")(_unary)


@model("minimum-scales", "MINIMUM")
@model("maximum-scales", "MAXIMUM")
def _extreme_of_scales(rng: Generator, op: str) -> Made:
    x, y, z = (quantized(rng, "int8", (4, 5)) for _ in "xyz")
    return one(rng, op, [x, y], z, "MaximumMinimumOptions")


@model("concatenation-scales-int16")
def _concatenation(rng: Generator) -> Made:
    x, y, z = (quantized(rng, "int16", (4, n)) for n in (2, 3, 5))
    return one(rng, "CONCATENATION", [x, y], z, "ConcatenationOptions", Axis=1)


@model("reshape-scales")
def _reshape(rng: Generator) -> Made:
    x, y = quantized(rng, "int8", (4, 6)), quantized(rng, "int8", (24,))
    return one(rng, "RESHAPE", [x, constant([-1], "int32")], y, "ReshapeOptions")


@model("max-pool-scales", "MAX_POOL_2D")
@model("average-pool-scales", "AVERAGE_POOL_2D")
def _pool(rng: Generator, op: str) -> Made:
    x, y = quantized(rng, "int8", (1, 4, 4, 2)), quantized(rng, "int8", (1, 2, 2, 2))
    window = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
    padding = integer(rng, 0, 1)
    return one(rng, op, [x], y, "Pool2DOptions", Padding=padding, **window)


@model("l2-normalization-int8", "int8")
@model("l2-normalization-uint8", "uint8")
def _l2_normalization(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (integer(rng, 1, 4), integer(rng, 1, 30)))
    y = replace(x, scale=1 / 128, zero_point=0 if dtype == "int8" else 128)
    content, (array,) = one(rng, "L2_NORMALIZATION", [x], y, "L2NormOptions")
    if rng.random() < 0.3:
        # What stands for 0, or nearly.
        array = np.clip(int(x.zero_point) + rng.integers(-1, 2, x.shape), *_ends(dtype)).astype(dtype)
    return content, [array]


def _ends(dtype: str) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


@model("reduce-prod-int8", "int8")
@model("reduce-prod-int16", "int16")
def _reduce_prod(rng: Generator, dtype: str) -> Made:
    axes = [[1], [0, 2], [0, 1, 2], [-1]][integer(rng, 0, 3)]
    shape = tuple(integer(rng, 1, 3) for _ in range(3))
    keep = bool(rng.random() < 0.5)
    reduced = {a % 3 for a in axes}
    into = tuple(1 if i in reduced else d for i, d in enumerate(shape) if keep or i not in reduced)
    x = quantized(rng, dtype, shape, scale=0.02 if dtype == "int8" else 1e-4)
    y = quantized(rng, dtype, into)
    return one(rng, "REDUCE_PROD", [x, constant(axes, "int32")], y, "ReducerOptions", KeepDims=keep)


@model("batch-matmul-int16")
def _batch_matmul(rng: Generator) -> Made:
    rows, depth, columns = integer(rng, 1, 5), integer(rng, 1, 40), integer(rng, 1, 6)
    x, y = quantized(rng, "int16", (2, rows, depth)), quantized(rng, "int16", (2, depth, columns))
    scale = float(x.scale) * float(y.scale) * 9000.0 * depth**0.5
    z = quantized(rng, "int16", (2, rows, columns), scale=scale)
    return one(rng, "BATCH_MATMUL", [x, y], z, "BatchMatMulOptions")


@model("resize-bilinear-uint8")
def _resize_bilinear(rng: Generator) -> Made:
    x = quantized(rng, "uint8", (2, integer(rng, 1, 8), integer(rng, 1, 8), 3))
    size, where = [integer(rng, 1, 9), integer(rng, 1, 9)], integer(rng, 0, 2)
    values = {"AlignCorners": where == 1, "HalfPixelCenters": where == 2}
    y = replace(x, shape=(2, *size, 3))
    return one(rng, "RESIZE_BILINEAR", [x, constant(size, "int32")], y, "ResizeBilinearOptions", **values)


def svdf(rng: Generator) -> Made:
    """A layer with a memory."""
    batch, features, memory, rank = (
        integer(rng, 1, 2),
        integer(rng, 1, 9),
        integer(rng, 2, 6),
        integer(rng, 1, 3),
    )
    units = integer(rng, 1, 5)
    filters = rank * units
    scales = [float(s) for s in np.exp(rng.uniform(np.log(0.005), np.log(0.05), 4))]
    tensors = [
        quantized(rng, "int8", (batch, features), scale=scales[0]),
        constant(rng.integers(-127, 128, (filters, features)), "int8", scale=scales[1]),
        constant(rng.integers(-(2**11), 2**11, (filters, memory)), "int16", scale=scales[2] / 256),
        constant(rng.integers(-3000, 3000, (units,)), "int32", scale=1e-4),
        T(shape=(batch, memory * filters), dtype="int16", scale=scales[3] / 100, variable=True),
        quantized(rng, "int8", (batch, units), scale=scales[3]),
    ]
    bias = 3 if rng.random() < 0.7 else -1
    node = Node(
        op="SVDF",
        inputs=[0, 1, 2, bias, 4],
        outputs=[5],
        options="SVDFOptions",
        values={"Rank": rank, "FusedActivationFunction": 1},
    )
    return write(tensors, [node], [0], [5]), [numbers(rng, tensors[0])]


MODELS["svdf"] = svdf


def _halves(values: Any, **keywords: Any) -> T:
    """A constant of 4 bits, two in a byte."""
    flat = np.asarray(values, np.int8).reshape(-1)
    flat = np.concatenate([flat, np.zeros(flat.size % 2, np.int8)])
    packed = (flat[::2] & 15) | (flat[1::2] << 4)
    return T(shape=np.shape(values), dtype="int4", data=packed.astype(np.int8), **keywords)


@model("fully-connected-int4", "FULLY_CONNECTED", "FullyConnectedOptions", (5, 7), (3, 7), (3, 5))
@model("conv-int4", "CONV_2D", "Conv2DOptions", (3, 2, 2, 3), (1, 4, 4, 3), (1, 4, 4, 3))
@model(
    "depthwise-int4", "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", (1, 2, 2, 3), (1, 4, 4, 3), (1, 4, 4, 3)
)
def _weights_of_4_bits(rng: Generator, op: str, options: str, weights: Any, shape: Any, into: Any) -> Made:
    channels = into[-1]
    scales = rng.uniform(0.05, 0.2, channels)
    axis = 3 if op == "DEPTHWISE_CONV_2D" else 0
    x, y = quantized(rng, "int8", shape), quantized(rng, "int8", into)
    filters = _halves(rng.integers(-7, 8, weights), scale=scales, zero_point=0, axis=axis)
    bias = constant(rng.integers(-50, 50, channels), "int32", scale=float(x.scale) * scales)
    values = {} if op == "FULLY_CONNECTED" else {"StrideH": 1, "StrideW": 1}
    if op == "DEPTHWISE_CONV_2D":
        values["DepthMultiplier"] = 1
    return one(rng, op, [x, filters, bias], y, options, **values)
