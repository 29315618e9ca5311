"""Functions of one integer: tables of 256 bytes, or of 513 knots for int16."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite import tables
from samara.exporter.frontends.tflite.integer_scales import (
    F,
    Signed,
    expect_scale,
    handler,
    look_up,
    scales_of,
)
from samara.exporter.frontends.tflite.multipliers import Multiplier, limits, multiplier_of
from samara.exporter.frontends.tflite.node import Array, Node, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

_RELUS: dict[str, tuple[float | None, float | None]] = {
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}


def _gelu(node: Node) -> Callable[[Any], Any]:
    """In float32, operation by operation, with functions of the C library as if these were rounded correctly."""

    def by_tanh(value: Any) -> Any:
        v = F(value)
        inner = F(math.sqrt(2 / math.pi)) * (v + F(0.044715) * v * v * v)
        return F(0.5) * v * (F(1) + F(math.tanh(inner)))

    def by_erf(value: Any) -> Any:
        v = F(value)
        return F(0.5) * v * F(math.erfc(-v * F(math.sqrt(0.5))))

    return by_tanh if node.options.get("approximate", False) else by_erf


def _logistic(value: Any) -> Any:
    return F(1) / (F(1) + F(np.exp(-np.float64(value))))


def _float(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function in double, which gives infinity and NaN instead of raising."""
    return lambda v: function(np.float64(v))


def _table(node: Node, s: tables.Scales) -> Array:
    kind = node.kind
    if kind in _RELUS:
        return tables.rescaled(s, *_RELUS[kind])
    if kind == "LEAKY_RELU":
        return tables.leaky_relu(s, node.options.get("alpha", 0.0))
    if kind == "HARD_SWISH":
        return tables.hard_swish(s)
    if kind == "ABS":
        return tables.absolute(s)
    if kind == "RSQRT":
        return tables.inverse_root(s)
    if kind == "SQRT":
        return tables.square_root(s)
    if kind == "GELU":
        return tables.of_reals(s, _gelu(node))
    functions: dict[str, Callable[[Any], Any]] = {
        "LOGISTIC": _logistic,
        "TANH": _float(np.tanh),
        "EXP": _float(np.exp),
        "LOG": _float(np.log),
        "ELU": _float(lambda v: v if v >= 0 else np.expm1(v)),
    }
    return tables.of_reals(s, functions[kind])


@handler(
    *_RELUS,
    "LEAKY_RELU",
    "HARD_SWISH",
    "ABS",
    "SQRT",
    "GELU",
    "LOGISTIC",
    "TANH",
    "EXP",
    "LOG",
    "RSQRT",
    "ELU",
)
def _unary(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0), node.output
    if x.dtype is not y.dtype:
        raise Unsupported(f"{x.dtype.name} in and {y.dtype.name} out")
    if x.dtype is dtypes.int16:
        return [_short(r, node, scales_of(x, y))]
    return look_up(r, node, _table(node, scales_of(x, y)))


def _short(r: Reading, node: Node, s: tables.Scales) -> Tensor:
    kind, x = node.kind, node.input(0).data
    made: Tensor
    if kind in ("LOGISTIC", "TANH"):
        expect_scale(node.output, 1 / 32768, 0)
        made = r.b.fixed_point_sigmoid(x, tables.sigmoids(), **_argument(s), tanh=kind == "TANH")
    elif kind in _RELUS:
        made = _rescaled(r, node, s, s.single_ratio)
    elif kind == "LEAKY_RELU":
        alpha = F(node.options.get("alpha", 0.0))
        if alpha < 0:
            raise Unsupported(f"a slope of {float(alpha):g} for int16", "use int8 for it")
        negative = multiplier_of(float(F(F(s.scale * alpha) / s.output_scale)))
        positive = _rescaled(r, node, s, s.single_ratio)
        below = _rescaled(r, node, s, negative)
        made = r.b.where(r.b.greater_equal(x, r.b.like(s.zero_point, x)), positive, below)
    elif kind == "EXP":
        made = r.b.interpolated_lookup_table(x, tables.knots_between(s, _float(np.exp)))
    elif kind == "SQRT":
        made = _root(r, node, s)
    elif kind in ("GELU", "LOG", "RSQRT"):
        made = r.b.interpolated_lookup_table(x, tables.knots_between(s, _knotted(node, s)))
    elif kind == "ABS":
        made = _absolute(r, node, s)
    else:
        raise Unsupported("the element type int16", "use int8 for it")
    return made


def _knotted(node: Node, s: tables.Scales) -> Callable[[Any], Any]:
    """A function of int16, in float32; where it has no value, it is at one end."""
    if node.kind == "GELU":
        return _gelu(node)
    if node.kind == "LOG":
        least = F(F(-(2**15) - s.output_zero_point) * F(s.output_scale))
        return lambda v: least if v <= 0 else F(np.log(np.float64(v)))
    most = F(F(2**15 - 1) * F(s.output_scale))
    return lambda v: most if v <= 0 else F(1) / F(np.sqrt(F(v)))


def _root(r: Reading, node: Node, s: tables.Scales) -> Tensor:
    """In float32, rounded down; what is negative counts as 0."""
    real = r.b.multiply(r.b.cast(node.input(0).data, dtype=dtypes.float32), F(s.scale))
    root = r.b.sqrt(r.b.maximum(real, F(0)))
    stored = r.b.floor(r.b.divide(root, F(s.output_scale)))
    low, high = limits(s.dtype)
    made: Tensor = r.b.cast(r.b.clip(stored, minimum=float(low), maximum=float(high)), dtype=s.dtype)
    return made


def _absolute(r: Reading, node: Node, s: tables.Scales) -> Tensor:
    x, least = node.input(0).data, s.zero_point
    wide = r.b.abs(r.b.subtract(r.b.cast(x, dtype=dtypes.int32), np.int32(least)))
    y = Signed(node.output)
    same = Multiplier(multiplier=1 << 30, shift=1)
    by = same if s.scale == s.output_scale else s.single_ratio
    made: Tensor = r.b.fixed_point_rescale(wide, **by.named(), **y.range(node, "none"), dtype=y.dtype)
    return made


def _rescaled(r: Reading, node: Node, s: tables.Scales, by: Multiplier) -> Tensor:
    word = {"RELU": "relu", "RELU6": "relu6", "RELU_N1_TO_1": "relu_n1_to_1"}.get(node.kind, "none")
    y = Signed(node.output)
    made: Tensor = r.b.fixed_point_rescale(
        node.input(0).data,
        input_zero_point=s.zero_point,
        **by.named(),
        **y.range(node, word),
        dtype=y.dtype,
    )
    return made


def _argument(s: tables.Scales) -> dict[str, int]:
    """What takes x to its argument times 12288."""
    fraction, exponent = math.frexp(float(s.scale))
    if fraction == 0.5 and exponent - 1 in (-12, -11):
        return {"multiplier": 3 << (exponent + 11), "shift": 0}
    real, shift = float(s.scale) * 4096.0 * 3.0, 0
    while real <= 32767.0 / 2.0 and shift <= 30:
        real, shift = real * 2.0, shift + 1
    if shift > 30:
        raise Unsupported(f"the scale {float(s.scale):g}")
    return {"multiplier": int(real), "shift": shift}


@handler("NEG")
def _neg(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0)
    if x.dtype is dtypes.uint8:
        raise Unsupported("the element type uint8", "use int8 for it")
    if x.dtype is dtypes.int16:
        return [r.b.subtract(r.b.like(0, x.data), x.data)]
    return look_up(r, node, tables.negated(scales_of(x, node.output)))
