"""Fixed-point arithmetic on int16, as TensorFlow Lite has it: convolution with int8 filters, functions by tables."""

from __future__ import annotations

import math
from typing import Any

from samara.graph.ops import _fixed, _window
from samara.graph.ops._table import OPS, OpDef, attribute
from samara.graph.ops.quant import ROUNDING

_LOW, _HIGH = -(2**15), 2**15 - 1
_KNOTS = 513  # of a table that is interpolated
_SIGMOIDS = 256  # of a table of the logistic function


def _conv_shape(op: Any) -> Any:
    x, w = op.require_rank(0, 4), op.require_rank(1, 4)
    if op.a.groups < 1 or (isinstance(w[3], int) and w[3] % op.a.groups):
        op.fail(f"groups={op.a.groups} does not divide the {w[3]} output channels")
    op.merge(x[3], w[2] * op.a.groups, f"the channels of x and of the filter times groups={op.a.groups}")
    (size,) = op.require_rank(2, 1)
    op.merge(size, w[3], "bias")
    pair, size = op.require_rank(3, 2)
    op.merge(pair, _fixed.rows(op), "the rows of multiplier")
    if op.a.rounding == "native":
        op.fail("rounding is 'native', expected one of TensorFlow Lite")
    op.merge(size, w[3], "multiplier")
    if not _LOW <= op.a.activation_min <= op.a.activation_max <= _HIGH:
        op.fail(
            f"activation_min {op.a.activation_min} and activation_max {op.a.activation_max} are no range of int16"
        )
    _window.check_window(op, w[:2])
    return (x[0], *(_window.output_size(op, axis, x[1 + axis], w[axis]) for axis in (0, 1)), w[3])


def _conv(xp: Any, op: Any, x: Any, w: Any, bias: Any, multiplier: Any) -> Any:
    """In float64, where sums of products of 23 bits are exact."""
    taps = (int(w.shape[0]), int(w.shape[1]))
    size = _window.positions(op.a, x.shape[1:3], taps)
    depth, outputs = w.shape[2], w.shape[3] // op.a.groups
    padded = _window.padded(xp, op.a, xp.astype(x, xp.float64), taps, 0)
    weights = xp.astype(w, xp.float64)
    acc: Any = 0
    for ky in range(taps[0]):
        for kx in range(taps[1]):
            seen = padded[_window.tap(op.a, ky, kx, size)]
            flat = xp.reshape(seen, (math.prod(seen.shape[:3]), seen.shape[3]))
            products = [
                flat[:, g * depth : (g + 1) * depth] @ weights[ky, kx, :, g * outputs : (g + 1) * outputs]
                for g in range(op.a.groups)
            ]
            acc = acc + xp.reshape(xp.concat(products, axis=1), (*seen.shape[:3], w.shape[3]))
    scaled = _fixed.rescale(xp, op, _fixed.wide(xp, acc) + _fixed.wide(xp, bias), multiplier)
    return xp.astype(_fixed.clamp(xp, scaled, op.a.activation_min, op.a.activation_max), xp.int16)


def _table_shape(size: int) -> Any:
    def shape(op: Any) -> Any:
        for index in range(1, len(op.shapes)):
            (found,) = op.require_rank(index, 1)
            op.merge(found, size, op.definition.operands[index].name)
        if hasattr(op.a, "multiplier") and (not 0 <= op.a.multiplier < 2**31 or not -31 <= op.a.shift <= 30):
            op.fail(f"a multiplier of {op.a.multiplier} with a shift of {op.a.shift}")
        return op.shapes[0]

    return shape


def _look_up(xp: Any, table: Any, place: Any) -> Any:
    return xp.reshape(xp.take(_fixed.wide(xp, table), xp.reshape(place, (-1,)), axis=0), place.shape)


def interpolated(xp: Any, x: Any, table: Any) -> Any:
    """A table of 513 knots, 128 apart, between which it is a line."""
    place = 256 + (x >> 7)
    low, high = _look_up(xp, table, place), _look_up(xp, table, place + 1)
    return low + (((high - low) * (x & 127) + 64) >> 7)


def _interpolated(xp: Any, op: Any, x: Any, table: Any) -> Any:
    result = interpolated(xp, xp.asarray(_fixed.wide(xp, x)), table)
    return xp.astype(_fixed.clamp(xp, result, _LOW, _HIGH), xp.int16)


def _sigmoid(xp: Any, op: Any, x: Any, table: Any) -> Any:
    bits = 8 if op.a.tanh else 9  # of a place between two entries
    shift = op.a.shift
    scaled = _fixed.wrap(_fixed.wide(xp, x) * op.a.multiplier + ((1 << shift) >> 1)) >> shift
    magnitude = xp.asarray(xp.abs(scaled))
    place = xp.minimum(magnitude >> bits, _fixed.wide(xp, _SIGMOIDS - 2))
    low, high = _look_up(xp, table, place), _look_up(xp, table, place + 1)
    line = (low << bits) + (magnitude & (2**bits - 1)) * (high - low)
    last = 0xFFFF << 8 if op.a.tanh else 0x7FFF << 10
    line = xp.where(magnitude >> bits >= _SIGMOIDS - 1, _fixed.wide(xp, last), line)
    if op.a.tanh:
        result = xp.where(scaled >= 0, line - 2**23 + 2**7, 2**23 - line + 2**7 - 1) >> 8
    else:
        result = xp.where(scaled >= 0, line + 2**9, 2**25 - line + 2**9 - 1) >> 10
    return xp.astype(_fixed.clamp(xp, result, _LOW, _HIGH), xp.int16)


def _leading_zeros(xp: Any, value: Any) -> Any:
    bits: Any = 0
    for power in range(32):
        bits = bits + _fixed.wide(xp, value >= 2**power)
    return 32 - bits


def _softmax_shape(op: Any) -> Any:
    if not op.shapes[0]:
        op.fail("x must have rank 1 or more")
    return _table_shape(_KNOTS)(op)


def _softmax(xp: Any, op: Any, x: Any, exponentials: Any, reciprocals: Any) -> Any:
    if 0 in x.shape:
        return x
    wide = _fixed.wide(xp, x)
    difference = wide - xp.max(wide, axis=-1, keepdims=True)
    scaled = _fixed.multiply(xp, difference, op.a.multiplier, op.a.shift) + _HIGH
    terms = interpolated(xp, _fixed.clamp(xp, scaled, _LOW, _HIGH), exponentials)
    total = _fixed.clamp(xp, xp.sum(terms, axis=-1, keepdims=True), 1, 2**31 - 1)
    headroom = _leading_zeros(xp, total)
    place = (((total << (headroom - 1)) + 2**13) >> 14) - 2**15 - 2**16
    scale = interpolated(xp, _fixed.clamp(xp, place, _LOW, _HIGH), reciprocals)
    bits = 31 - headroom
    half = (_fixed.wide(xp, 1) << bits) >> 1
    return xp.astype(_fixed.clamp(xp, (terms * scale + half) >> bits, 0, _HIGH), xp.int16)


OPS.register(
    OpDef(
        name="quantized_conv2d_int16",
        opcode=177,
        inputs=("x: int16", "filter: int8", "bias: int64", "multiplier: int32"),
        outputs=("y: int16",),
        attributes=(
            *_window.window_attributes(_window.DILATIONS),
            attribute("groups", "int", 1, "Groups of channels that do not see each other."),
            attribute("activation_min", "int", _LOW, "The least integer written."),
            attribute("activation_max", "int", _HIGH, "The largest integer written."),
            attribute("rounding", ROUNDING, "tflite_wide", "How the result is rounded; not native."),
        ),
        doc="conv2d on integers of 16 bits, all zero points 0, as TensorFlow Lite computes it: x [N, H, W, C], "
        "filter [KH, KW, C / groups, O], acc = bias[o] + sum x * filter, rescaled by multiplier as in "
        "quantized_conv2d. It also serves for depthwise convolution (groups = C) and matrix products (1 by 1).",
        shape=_conv_shape,
        reference=_conv,
        quant="integer",
    ),
    OpDef(
        name="interpolated_lookup_table",
        opcode=411,
        inputs=("x: int16", "table: int16"),
        outputs=("y: int16",),
        doc="A function of int16 by a table of 513 knots, the numbers -32768 to 32768 in steps of 128, between which "
        "it is a line: table[i] + round((table[i + 1] - table[i]) * rest / 128), halves up.",
        shape=_table_shape(_KNOTS),
        reference=_interpolated,
        quant="integer",
        in_place=True,
    ),
    OpDef(
        name="fixed_point_sigmoid",
        opcode=178,
        inputs=("x: int16", "table: int32"),
        outputs=("y: int16",),
        attributes=(
            attribute("multiplier", "int", doc="x * multiplier / 2^shift is the argument times 12288."),
            attribute("shift", "int", 0, "0 to 30."),
            attribute("tanh", "bool", False, "Whether it is tanh, which is 2 * logistic(2x) - 1."),
        ),
        doc="The logistic function or tanh of int16, with 15 fraction bits, as TensorFlow Lite computes them: between "
        "the 256 entries of table, 2^16 * logistic(i / 24), they are lines.",
        shape=_table_shape(_SIGMOIDS),
        reference=_sigmoid,
        quant="integer",
        in_place=True,
    ),
    OpDef(
        name="fixed_point_softmax_int16",
        opcode=179,
        inputs=("x: int16", "exponentials: int16", "reciprocals: int16"),
        outputs=("y: int16",),
        attributes=(
            attribute(
                "multiplier", "int", doc="Rescales differences so that 65535 is 10; a fixed-point multiplier."
            ),
            attribute("shift", "int", 0, "Its power of two, -31..30."),
        ),
        doc="softmax of int16 along the last axis, with 15 fraction bits, as TensorFlow Lite computes it: exp(-10..0) "
        "and 1 / (1 + 0..1) by tables of 513 knots.",
        shape=_softmax_shape,
        reference=_softmax,
        quant="integer",
    ),
)
