"""Models of one integer node of the rarer kinds, and of the rarer ways of the common ones."""

from __future__ import annotations

import numpy as np

from tests.exporter.frontends.tflite._integer_models import Generator, Made, integer, model, one, quantized
from tests.exporter.frontends.tflite._writer import T, constant

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
