"""Element by element: arithmetic, comparisons, functions, selection."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.handlers._registry import activated, handler, shape_of
from samara.exporter.frontends.tflite.node import Node, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

_UNARY = {
    "ABS": "abs",
    "CEIL": "ceil",
    "COS": "cos",
    "EXP": "exp",
    "ELU": "elu",
    "FLOOR": "floor",
    "HARD_SWISH": "hard_swish",
    "LOG": "log",
    "LOGICAL_NOT": "logical_not",
    "LOGISTIC": "sigmoid",
    "NEG": "negative",
    "RELU": "relu",
    "RELU6": "relu6",
    "ROUND": "round",
    "RSQRT": "rsqrt",
    "SIGN": "sign",
    "SIN": "sin",
    "SQRT": "sqrt",
    "SQUARE": "square",
    "TANH": "tanh",
}
_BINARY = {
    "ADD": "add",
    "ATAN2": "atan2",
    "BITWISE_XOR": "bitwise_xor",
    "EQUAL": "equal",
    "FLOOR_DIV": "floor_divide",
    "FLOOR_MOD": "floor_mod",
    "GREATER": "greater",
    "GREATER_EQUAL": "greater_equal",
    "LESS": "less",
    "LESS_EQUAL": "less_equal",
    "LOGICAL_AND": "logical_and",
    "LOGICAL_OR": "logical_or",
    "MAXIMUM": "maximum",
    "MINIMUM": "minimum",
    "MUL": "multiply",
    "NOT_EQUAL": "not_equal",
    "POW": "power",
    "RIGHT_SHIFT": "shift_right",
    "SQUARED_DIFFERENCE": "squared_difference",
    "SUB": "subtract",
}


@handler(*_UNARY)
def _unary(r: Reading, node: Node) -> list[Tensor]:
    attributes = {"alpha": 1.0} if node.kind == "ELU" else {}
    return [getattr(r.b, _UNARY[node.kind])(node.input(0).data, **attributes)]


@handler(*_BINARY)
def _binary(r: Reading, node: Node) -> list[Tensor]:
    made = getattr(r.b, _BINARY[node.kind])(node.input(0).data, node.input(1).data)
    return [activated(r, node, made)]


@handler("DIV")
def _div(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0).data, node.input(1).data
    made = r.b.divide(x, y) if x.dtype.is_floating else r.b.truncate_divide(x, y)
    return [activated(r, node, made)]


@handler("ADD_N")
def _add_n(r: Reading, node: Node) -> list[Tensor]:
    made = node.input(0).data
    for index in range(1, len(node.inputs)):
        made = r.b.add(made, node.input(index).data)
    return [made]


@handler("RELU_N1_TO_1")
def _relu_n1_to_1(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.clip(node.input(0).data, minimum=-1.0, maximum=1.0)]


@handler("RELU_0_TO_1")
def _relu_0_to_1(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.clip(node.input(0).data, minimum=0.0, maximum=1.0)]


@handler("LEAKY_RELU")
def _leaky_relu(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.leaky_relu(node.input(0).data, alpha=float(node.options["alpha"]))]


@handler("PRELU")
def _prelu(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.prelu(node.input(0).data, node.input(1).data)]


@handler("GELU")
def _gelu(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.gelu(node.input(0).data, approximate="tanh" if node.options["approximate"] else "none")]


@handler("CAST", moves=True)
def _cast(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.cast(node.input(0).data, dtype=node.output.dtype)]


@handler("DEQUANTIZE")
def _dequantize(r: Reading, node: Node) -> list[Tensor]:
    # Weights of 16 bits; integers are not for here.
    if node.input(0).dtype is not dtypes.float16:
        raise Unsupported(f"an input of {node.input(0).dtype.name} without a scale")
    return [r.b.cast(node.input(0).data, dtype=node.output.dtype)]


@handler("SELECT", "SELECT_V2", moves=True)
def _select(r: Reading, node: Node) -> list[Tensor]:
    condition, x, y = (node.input(i).data for i in range(3))
    rank = len(shape_of(x))
    if node.kind == "SELECT" and len(shape_of(condition)) == 1 and rank > 1:
        # One truth for each index of the first axis.
        for _ in range(rank - 1):
            condition = r.b.expand_dims(condition, axis=len(shape_of(condition)))
    return [r.b.where(condition, x, y)]


@handler("BITCAST", moves=True)
def _bitcast(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.bitcast(node.input(0).data, dtype=node.output.dtype)]


@handler("FAKE_QUANT")
def _fake_quant(r: Reading, node: Node) -> list[Tensor]:
    """Rounds to the numbers that an integer could stand for."""
    o, x, F = node.options, node.input(0).data, np.float32
    bits = int(o["num_bits"])
    if not 2 <= bits <= 16 or not -math.inf < o["min"] <= 0.0 <= o["max"] < math.inf or o["min"] == o["max"]:
        raise Unsupported(f"{bits} bits from {o['min']:g} to {o['max']:g}")
    low, high = F(1 if o["narrow_range"] else 0), F((1 << bits) - 1)
    scale = F((F(o["max"]) - F(o["min"])) / (high - low))
    zero = F(low - F(o["min"]) / scale)
    nudged = low if zero < low else high if zero > high else F(np.floor(zero + F(0.5)))
    least, most = F((low - nudged) * scale), F((high - nudged) * scale)
    clamped = r.b.clip(x, minimum=float(least), maximum=float(most))
    steps = r.b.multiply(r.b.subtract(clamped, least), F(F(1) / scale))
    whole = r.b.floor(r.b.add(steps, F(0.5)))
    return [r.b.add(r.b.multiply(whole, scale), least)]


@handler("BUCKETIZE")
def _bucketize(r: Reading, node: Node) -> list[Tensor]:
    """How many boundaries are not above an element."""
    x = node.input(0).data
    boundaries = np.asarray(node.options["boundaries"], np.float32)
    if not len(boundaries):
        return [r.b.cast(r.b.zeros_like(x), dtype=dtypes.int32)]
    last: Any = r.b.expand_dims(x, axis=len(shape_of(x)))
    if not x.dtype.is_floating:
        last = r.b.cast(last, dtype=dtypes.float32)
    above = r.b.cast(r.b.greater_equal(last, boundaries), dtype=dtypes.int32)
    return [r.b.reduce_sum(above, axes=(-1,))]
