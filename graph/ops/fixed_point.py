"""Integer arithmetic as the reference kernels of TensorFlow Lite do it, bit for bit: what imported models compute with.

docs/arithmetic.md has the formulas. A multiplier is a fixed-point one, an integer below 2^31 and a power of two, see
_fixed.py. Convolutions and matrix products of bytes are in quant.py, with their rounding "tflite".
"""

from __future__ import annotations

import math
from typing import Any

from samara.graph import dims, dtypes
from samara.graph.ops import _fixed, _window
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

BINARY = Choice(name="FixedPointBinary", values=("add", "subtract", "multiply", "squared_difference"))

_LIMITS = {
    dtypes.int8: (-128, 127),
    dtypes.uint8: (0, 255),
    dtypes.int16: (-(2**15), 2**15 - 1),
    dtypes.int32: (-(2**31), 2**31 - 1),
}
BYTES = (dtypes.int8, dtypes.uint8)
STORED = (*BYTES, dtypes.int16)
WRITTEN = tuple(_LIMITS)

# How many integers of 16 bits can be summed in 32.
_LARGEST_SUM = (2**31 - 1) // 2**15

_ACTIVATION = (
    attribute("activation_min", "int", -128, "The least integer written."),
    attribute("activation_max", "int", 127, "The largest integer written."),
)


def _zero_point(name: str) -> Any:
    return attribute(name, "int", 0, "The integer that stands for the real number 0.")


def _multiplier(prefix: str = "", default: Any = 0) -> tuple[Any, Any]:
    return (
        attribute(f"{prefix}multiplier", "int", default, "A fixed-point multiplier, 0..2^31 - 1."),
        attribute(f"{prefix}shift", "int", 0, "Its power of two, -31..30."),
    )


def _check_zero_point(op: Any, name: str, dtype: Any) -> None:
    low, high = _LIMITS[dtype]
    if not low <= getattr(op.a, name) <= high:
        op.fail(f"{name} is {getattr(op.a, name)}, outside {low}..{high}")


def _check_activation(op: Any, dtype: Any) -> None:
    low, high = _LIMITS[dtype]
    if not low <= op.a.activation_min <= op.a.activation_max <= high:
        op.fail(
            f"activation_min {op.a.activation_min} and activation_max {op.a.activation_max} are no range of "
            f"{dtype.name}"
        )


def _check_dtype(op: Any, allowed: Any) -> None:
    if op.a.dtype not in allowed:
        op.fail(f"dtype is {op.a.dtype.name}, expected one of {', '.join(d.name for d in allowed)}")


def _check_left_shift(op: Any, dtype: Any) -> None:
    most = max(31 - dtype.size * 8, 0)
    if not 0 <= op.a.left_shift <= most:
        op.fail(f"left_shift is {op.a.left_shift}, {dtype.name} allows 0..{most}")


# Rescaling and element by element --------------------------------------------------------------------------------


def _rescale_shape(op: Any) -> Any:
    _check_dtype(op, WRITTEN)
    if op.dtypes[0] is dtypes.int64:
        if op.a.left_shift or op.a.input_zero_point or op.a.shift > 14:
            op.fail("int64 allows no left_shift, no input_zero_point, and a shift of at most 14")
    else:
        _check_left_shift(op, op.dtypes[0])
        _check_zero_point(op, "input_zero_point", op.dtypes[0])
    _check_zero_point(op, "output_zero_point", op.a.dtype)
    _check_activation(op, op.a.dtype)
    _fixed.check(op, op.a.multiplier, op.a.shift)
    return op.shapes[0]


def _rescale(xp: Any, op: Any, x: Any) -> Any:
    if x.dtype == xp.int64:
        bounded = _fixed.clamp(xp, x, 1 - 2**47, 2**47 - 1)
        scaled = _fixed.multiply_wide(xp, bounded, op.a.multiplier, op.a.shift)
        return _fixed.finish(xp, op, scaled, op.output_dtypes[0])
    offset = _fixed.wrap((_fixed.wide(xp, x) - op.a.input_zero_point) << op.a.left_shift)
    return _fixed.finish(
        xp, op, _fixed.multiply(xp, offset, op.a.multiplier, op.a.shift), op.output_dtypes[0]
    )


def _binary_shape(op: Any) -> Any:
    dtype = op.dtypes[0]
    for name in ("x_zero_point", "y_zero_point", "output_zero_point"):
        _check_zero_point(op, name, dtype)
    _check_activation(op, dtype)
    _check_left_shift(op, dtype)
    for prefix in ("x_", "y_", ""):
        _fixed.check(op, getattr(op.a, f"{prefix}multiplier"), getattr(op.a, f"{prefix}shift"))
    return op.broadcast(op.shapes[0], op.shapes[1])


def _binary(xp: Any, op: Any, x: Any, y: Any) -> Any:
    a = op.a
    x, y = _fixed.wide(xp, x) - a.x_zero_point, _fixed.wide(xp, y) - a.y_zero_point
    if a.kind == "multiply":
        acc = x * y
    else:
        x = _fixed.multiply(xp, x << a.left_shift, a.x_multiplier, a.x_shift)
        y = _fixed.multiply(xp, y << a.left_shift, a.y_multiplier, a.y_shift)
        acc = _fixed.wrap(x + y if a.kind == "add" else x - y)
        if a.kind == "squared_difference":
            acc = acc * acc
    acc = _fixed.wrap(acc)
    return _fixed.finish(xp, op, _fixed.multiply(xp, acc, a.multiplier, a.shift), op.output_dtypes[0])


# Means and sums --------------------------------------------------------------------------------------------------


def _average_pool_shape(op: Any) -> Any:
    x = op.require_rank(0, 4)
    if len(op.a.pool_size) != 2 or min(op.a.pool_size) < 1 or math.prod(op.a.pool_size) > _LARGEST_SUM:
        op.fail(
            f"pool_size must be height and width of at most {_LARGEST_SUM} elements, not {list(op.a.pool_size)}"
        )
    _check_activation(op, op.dtypes[0])
    _window.check_window(op, op.a.pool_size)
    size = [_window.output_size(op, axis, x[1 + axis], op.a.pool_size[axis]) for axis in (0, 1)]
    return (x[0], *size, x[3])


def _average_pool(xp: Any, op: Any, x: Any) -> Any:
    taps = (int(op.a.pool_size[0]), int(op.a.pool_size[1]))
    size = _window.positions(op.a, x.shape[1:3], taps)
    ones = xp.full((1, *x.shape[1:3], 1), 1, dtype=xp.int64)
    total: Any = 0
    count: Any = 0
    padded = _window.padded(xp, op.a, _fixed.wide(xp, x), taps, 0)
    inside = _window.padded(xp, op.a, ones, taps, 0)
    for ky in range(taps[0]):
        for kx in range(taps[1]):
            seen = _window.tap(op.a, ky, kx, size)
            total, count = total + padded[seen], count + inside[seen]
    count = xp.maximum(count, _fixed.wide(xp, 1))
    whole = (xp.abs(total) + count // 2) // count
    mean = xp.where(total < 0, -whole, whole)
    return xp.astype(_fixed.clamp(xp, mean, op.a.activation_min, op.a.activation_max), op.output_dtypes[0])


def _sum_shape(op: Any) -> Any:
    shape = op.shapes[0]
    axes = op.axes(op.a.axes, len(shape)) if op.a.axes else range(len(shape))
    count = dims.bounds(dims.product([shape[i] for i in axes]))[0]
    low, high = _LIMITS[op.dtypes[0]]
    if count > (2**31 - 1) // max(-low, high):
        op.fail(f"the sum of {count} elements can leave 32 bits")
    if op.a.keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def _sum(xp: Any, op: Any, x: Any) -> Any:
    axes = tuple(sorted({a % x.ndim for a in op.a.axes})) if op.a.axes else tuple(range(x.ndim))
    wide = xp.astype(x, xp.int32)
    return xp.sum(wide, axis=axes, dtype=xp.int32, keepdims=op.a.keepdims) if axes else wide


# Softmax ---------------------------------------------------------------------------------------------------------

_ACCUMULATED_BITS = 12  # integer bits of the sum of exponentials


def leading_zeros(xp: Any, value: Any) -> Any:
    """Of the 32 bits of a positive number."""
    bits: Any = 0
    for power in range(32):
        bits = bits + _fixed.wide(xp, value >= 2**power)
    return 32 - bits


def reciprocal(xp: Any, value: Any) -> Any:
    """1 / (1 + value) for value in 0..1, both with 31 fraction bits: three steps of Newton's method."""
    half = (value + 2**31 - 1 + 1) // 2
    x = 1515870810 + _fixed.high(xp, half, _fixed.wide(xp, -1010580540))
    for _ in range(3):
        rest = 2**29 - _fixed.high(xp, half, x)
        x = x + _fixed.clamp(xp, _fixed.high(xp, x, rest) << 2, -(2**31), 2**31 - 1)
    return _fixed.clamp(xp, x << 1, -(2**31), 2**31 - 1)


def _softmax_shape(op: Any) -> Any:
    _check_dtype(op, (dtypes.int8, dtypes.int16))
    if not op.shapes[0]:
        op.fail("x must have rank 1 or more")
    (size,) = op.require_rank(1, 1)
    op.merge(size, 256, "table")
    return op.shapes[0]


def _softmax(xp: Any, op: Any, x: Any, table: Any) -> Any:
    dtype = op.output_dtypes[0]
    if 0 in x.shape:
        return xp.astype(x, dtype)
    low, high = _LIMITS[op.a.dtype]
    wide = _fixed.wide(xp, x)
    place = xp.max(wide, axis=-1, keepdims=True) - wide
    terms = xp.reshape(xp.take(_fixed.wide(xp, table), xp.reshape(place, (-1,)), axis=0), x.shape)
    total = xp.sum(_fixed.round_shift(xp, terms, _ACCUMULATED_BITS), axis=-1, keepdims=True)
    total = xp.minimum(total, _fixed.wide(xp, 2**31 - 1))
    headroom = leading_zeros(xp, total)
    scale = reciprocal(xp, (total << headroom) - 2**31)
    exponent = _ACCUMULATED_BITS - headroom + 31 - op.a.dtype.size * 8
    shifted = _fixed.round_shift(xp, _fixed.high(xp, scale, terms), exponent) + low
    return xp.astype(_fixed.clamp(xp, shifted, low, high), dtype)


# L2 normalization -------------------------------------------------------------------------------------------------

# How many squares of differences of bytes can be summed in 32 bits.
LARGEST_NORM = (2**31 - 1) // 255**2


def inverse_root(xp: Any, value: Any) -> tuple[Any, Any]:
    """1 / sqrt(value) of positive numbers as multipliers and shifts: five steps of Newton's method from 1."""
    large = value >= 2**29
    scaled = xp.where(large, value // 4, value)
    pairs = (leading_zeros(xp, scaled) - 1) // 2 - 1
    right = 11 + _fixed.wide(xp, large) - pairs
    scaled = (scaled << (2 * pairs)) >> 1
    half = _fixed.round_shift(xp, scaled, 1)
    x = xp.full(value.shape, 2**28, dtype=xp.int64)
    for _ in range(5):
        cube = _fixed.saturate(xp, _fixed.high(xp, _fixed.high(xp, x, x), x) << 6, 32)
        step = _fixed.high(xp, _fixed.wide(xp, 3 << 27), x) - _fixed.high(xp, half, cube)
        x = _fixed.saturate(xp, _fixed.wrap(step) << 3, 32)
    x = _fixed.high(xp, x, _fixed.wide(xp, 1518500250)) << xp.maximum(-right, _fixed.wide(xp, 0))
    small = value <= 1
    shift = xp.where(small, _fixed.wide(xp, 0), -xp.maximum(right, _fixed.wide(xp, 0)))
    return xp.where(small, _fixed.wide(xp, 2**31 - 1), x), shift


def _normalize_shape(op: Any) -> Any:
    shape = op.shapes[0]
    if not shape:
        op.fail("x must have rank 1 or more")
    _check_zero_point(op, "input_zero_point", op.dtypes[0])
    if not 0 <= op.a.left_shift <= 7:
        op.fail(f"left_shift is {op.a.left_shift}, outside 0..7")
    size = dims.bounds(shape[-1])[0]
    if size > LARGEST_NORM:
        op.fail(f"the sum of {size} squares can leave 32 bits")
    return shape


def _normalize(xp: Any, op: Any, x: Any) -> Any:
    if 0 in x.shape:
        return x
    offset = _fixed.wide(xp, x) - op.a.input_zero_point
    multiplier, shift = inverse_root(xp, xp.sum(offset * offset, axis=-1, keepdims=True))
    y = _fixed.multiply(xp, offset << op.a.left_shift, multiplier, shift + (7 - op.a.left_shift))
    return xp.astype(_fixed.saturate(xp, y, 8), x.dtype)


OPS.register(
    OpDef(
        name="fixed_point_rescale",
        opcode=171,
        inputs=("x: T",),
        outputs=("y: @dtype",),
        types={"T": (*WRITTEN, dtypes.int64)},
        attributes=(
            _zero_point("input_zero_point"),
            attribute("left_shift", "int", 0, "How far x - input_zero_point is shifted to the left first."),
            *_multiplier(),
            _zero_point("output_zero_point"),
            *_ACTIVATION,
            attribute("dtype", "dtype", dtypes.int8, "int8, uint8, int16 or int32."),
        ),
        doc="Integers of one scale as integers of another, in fixed point: output_zero_point + ((x - "
        "input_zero_point) * 2^left_shift) times the multiplier, clamped. The QUANTIZE of TensorFlow Lite between "
        "integers. Sums in int64, below 2^47, are rounded as tflite_wide says.",
        shape=_rescale_shape,
        reference=_rescale,
        quant="integer",
    ),
    OpDef(
        name="fixed_point_binary",
        opcode=172,
        inputs=("x: T", "y: T"),
        outputs=("z: T",),
        types={"T": (dtypes.int8, dtypes.int16)},
        attributes=(
            attribute("kind", BINARY, doc="add, subtract, multiply or squared_difference."),
            _zero_point("x_zero_point"),
            _zero_point("y_zero_point"),
            attribute(
                "left_shift", "int", 0, "How far both are shifted to the left before they are rescaled."
            ),
            *_multiplier("x_"),
            *_multiplier("y_"),
            *_multiplier(),
            _zero_point("output_zero_point"),
            *_ACTIVATION,
        ),
        doc="Sums, differences and products of integers of different scales in fixed point, with broadcasting, as "
        "TensorFlow Lite computes them. Both are rescaled by their own multipliers, but not for multiply; the result "
        "is rescaled by the last one.",
        shape=_binary_shape,
        reference=_binary,
        quant="integer",
        in_place=True,
    ),
    OpDef(
        name="integer_average_pool2d",
        opcode=173,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": STORED},
        attributes=(
            attribute("pool_size", "ints", doc="Height and width of the window.", limit=2),
            *_window.window_attributes(),
            *_ACTIVATION,
        ),
        doc="The mean of the stored integers of a window gliding over x [N, H, W, C], rounded to the nearest, halves "
        "away from 0, and clamped; the border does not count.",
        shape=_average_pool_shape,
        reference=_average_pool,
        quant="integer",
    ),
    OpDef(
        name="integer_sum",
        opcode=174,
        inputs=("x: T",),
        outputs=("y: int32",),
        types={"T": STORED},
        attributes=(
            attribute("axes", "ints", (), "The axes to reduce; all when empty."),
            attribute("keepdims", "bool", False, "Whether reduced axes stay, with size 1."),
        ),
        doc="The exact sum of the stored integers over axes.",
        shape=_sum_shape,
        reference=_sum,
        quant="integer",
    ),
    OpDef(
        name="fixed_point_softmax",
        opcode=175,
        inputs=("x: int8", "table: int32"),
        outputs=("y: @dtype",),
        attributes=(attribute("dtype", "dtype", dtypes.int8, "int8 or int16."),),
        doc="softmax along the last axis in fixed point, as TensorFlow Lite computes it. table[d] is exp(-input scale "
        "* d) with 31 fraction bits. The output has the scale 1/256 (int8) or 1/65536 (int16), its least integer "
        "stands for 0.",
        shape=_softmax_shape,
        reference=_softmax,
        quant="integer",
    ),
    OpDef(
        name="fixed_point_l2_normalize",
        opcode=181,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": (dtypes.int8,)},
        attributes=(
            _zero_point("input_zero_point"),
            attribute(
                "left_shift", "int", 0, "How far x - input_zero_point is shifted to the left first, 0..7."
            ),
        ),
        doc="x / sqrt(sum x^2) along the last axis in fixed point, as TensorFlow Lite computes it. The output has the "
        "scale 1/128.",
        shape=_normalize_shape,
        reference=_normalize,
        quant="integer",
    ),
)
