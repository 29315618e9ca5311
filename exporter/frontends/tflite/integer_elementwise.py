"""Nodes that combine two integers: sums, products, extremes and comparisons."""

from __future__ import annotations

import math

from samara.exporter.frontends.tflite.integer_scales import (
    INT32,
    F,
    Signed,
    handler,
    ratio,
    scale_of,
    zero_point_of,
)
from samara.exporter.frontends.tflite.multipliers import (
    Multiplier,
    multiplier_of,
)
from samara.exporter.frontends.tflite.node import Node, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor


@handler("ADD", "SUB", "SQUARED_DIFFERENCE")
def _add(r: Reading, node: Node) -> list[Tensor]:
    x, y, z = Signed(node.input(0)), Signed(node.input(1)), Signed(node.output)
    powers = _powers_of_two(node, x, y, z)
    if powers is not None:
        # Both inputs are shifted to the right by what their scales are smaller; a shift to the left keeps the bits.
        left_shift, (first, second) = 1, powers
        made = r.b.fixed_point_binary(
            x.tensor(r),
            y.tensor(r),
            kind="add" if node.kind == "ADD" else "subtract",
            left_shift=left_shift,
            **Multiplier(multiplier=1 << 30, shift=first).named("x_"),
            **Multiplier(multiplier=1 << 30, shift=second).named("y_"),
            **Multiplier(multiplier=1 << 30, shift=1).named(),
            **z.range(node),
        )
        return [made]
    left_shift = 15 if x.dtype is dtypes.int16 else 20
    if node.kind == "SQUARED_DIFFERENCE":
        left_shift = 0 if x.dtype is dtypes.int16 else 7
    twice = 2.0 * max(float(x.scale), float(y.scale))
    square = node.kind == "SQUARED_DIFFERENCE"
    last = (twice * twice if square else twice) / (
        float(1 << (left_shift * (2 if square else 1))) * float(z.scale)
    )
    kind = {"ADD": "add", "SUB": "subtract", "SQUARED_DIFFERENCE": "squared_difference"}[node.kind]
    made = r.b.fixed_point_binary(
        x.tensor(r),
        y.tensor(r),
        kind=kind,
        x_zero_point=x.zero_point,
        y_zero_point=y.zero_point,
        left_shift=left_shift,
        **ratio(x.scale, twice).named("x_"),
        **ratio(y.scale, twice).named("y_"),
        **multiplier_of(last).named(),
        **z.range(node),
    )
    return z.written(r, made)


def _powers_of_two(node: Node, x: Signed, y: Signed, z: Signed) -> tuple[int, int] | None:
    """How far int16 of older models go to the left: scales are powers of two, and no zero points."""
    if (
        node.kind == "SQUARED_DIFFERENCE"
        or x.dtype is not dtypes.int16
        or x.zero_point
        or y.zero_point
        or z.zero_point
    ):
        return None
    parts = [math.frexp(float(s.scale)) for s in (x, y, z)]
    if not node.options.get("pot_scale_int16", True) or any(fraction != 0.5 for fraction, _ in parts):
        return None
    first, second = (exponent - parts[2][1] for _, exponent in parts[:2])
    if first > 0 or second > 0 or (first and second) or min(first, second) < -31:
        raise Unsupported("scales of which none of the inputs has that of the output, or a larger one")
    return first, second


@handler("MUL")
def _mul(r: Reading, node: Node) -> list[Tensor]:
    x, y, z = Signed(node.input(0)), Signed(node.input(1)), Signed(node.output)
    real = float(F(F(x.scale * y.scale) / z.scale))
    made = r.b.fixed_point_binary(
        x.tensor(r),
        y.tensor(r),
        kind="multiply",
        x_zero_point=x.zero_point,
        y_zero_point=y.zero_point,
        **multiplier_of(real).named(),
        **z.range(node),
    )
    return z.written(r, made)


@handler("DIV")
def _div(r: Reading, node: Node) -> list[Tensor]:
    raise Unsupported(
        "a quotient of integers, whose reference kernel shifts by more bits than there are",
        "leave it in floating point",
    )


@handler("MINIMUM", "MAXIMUM")
def _extreme(r: Reading, node: Node) -> list[Tensor]:
    # The stored integers, whatever their scales.
    x, y = node.input(0), node.input(1)
    return [(r.b.minimum if node.kind == "MINIMUM" else r.b.maximum)(x.data, y.data)]


_COMPARISONS = {
    "EQUAL": "equal",
    "NOT_EQUAL": "not_equal",
    "GREATER": "greater",
    "GREATER_EQUAL": "greater_equal",
    "LESS": "less",
    "LESS_EQUAL": "less_equal",
}


@handler(*_COMPARISONS)
def _compare(r: Reading, node: Node) -> list[Tensor]:
    if node.input(0).dtype is dtypes.int16 and node.kind not in ("EQUAL", "NOT_EQUAL"):
        # The stored integers, whatever their scales.
        return [getattr(r.b, _COMPARISONS[node.kind])(node.input(0).data, node.input(1).data)]
    sides = [
        r.b.fixed_point_rescale(
            o.data,
            input_zero_point=zero_point_of(o),
            left_shift=8,
            **multiplier_of(float(scale_of(o))).named(),
            **INT32,
        )
        for o in (node.input(0), node.input(1))
    ]
    return [getattr(r.b, _COMPARISONS[node.kind])(*sides)]


@handler("PRELU")
def _prelu(r: Reading, node: Node) -> list[Tensor]:
    x, alpha, y = Signed(node.input(0)), Signed(node.input(1)), Signed(node.output)
    if x.dtype is dtypes.int16:
        raise Unsupported("int16, which the reference kernel reads as bytes", "use int8 for it")
    data = x.tensor(r)
    limits_ = y.range(node)
    same = r.b.fixed_point_rescale(
        data,
        input_zero_point=x.zero_point,
        **multiplier_of(float(F(x.scale / y.scale))).named(),
        **limits_,
        dtype=y.dtype,
    )
    negative = r.b.fixed_point_binary(
        data,
        alpha.tensor(r),
        kind="multiply",
        x_zero_point=x.zero_point,
        y_zero_point=alpha.zero_point,
        **multiplier_of(float(F(F(x.scale * alpha.scale) / y.scale))).named(),
        **limits_,
    )
    return y.written(r, r.b.where(r.b.greater_equal(data, r.b.like(x.zero_point, data)), same, negative))
