"""Integer arithmetic: what a quantized graph computes with. docs/arithmetic.md says why it is the same everywhere.

A stored integer q stands for the real number scale * (q - zero_point). Ops take zero points and multipliers as
attributes and constants, so that each is a function of integers alone. All of them end in one requantization:

    output = output_zero_point + round(clamp(float32(acc) * multiplier))

of an exact int32 `acc`, with one conversion, one float32 multiplication, a clamp to the output's range and rounding
half to even. A reference computes sums of integers below 2^53 in float64, which is exact in any order. Sums of products
can end in the fixed-point rule of TFLite instead, see _fixed.py.
"""

from __future__ import annotations

import math
from typing import Any

from samara.graph import dims, dtypes
from samara.graph.dims import Dimension
from samara.graph.dtypes import DType
from samara.graph.ops import _fixed, _window
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

# How results are rounded. "native": one float32 multiplication and rounding half to even. The others as the
# reference kernels of TensorFlow Lite do: "tflite" with fixed-point multipliers, "tflite_wide" with sums of 64 bits
# and 16 bits of the multiplier, "tflite_real" by one float64 multiplication and rounding half away from 0.
ROUNDING = Choice(name="Rounding", values=("native", "tflite", "tflite_wide", "tflite_real"))

# Where float32 scales and their reciprocals are normal numbers, with or without flushing of subnormal ones.
LEAST_SCALE = 1e-30
LARGEST_SCALE = 1e30

# The largest magnitude of the integer multipliers of quantized_add: 2 * 255 times it fits int32.
LARGEST_MULTIPLIER = 1 << 22

# How many differences of bytes can be summed in int32.
_LARGEST_SUM = (2**31 - 1) // 255

STORED: tuple[DType, ...] = (dtypes.int8, dtypes.uint8, dtypes.int16)
_LIMITS = {dtypes.int8: (-128, 127), dtypes.uint8: (0, 255), dtypes.int16: (-32768, 32767)}


def limits(dtype: DType) -> tuple[int, int]:
    """The least and the largest number that an integer type stores."""
    return _LIMITS[dtype]


def _zero_point(name: str) -> Any:
    return attribute(name, "int", 0, "The integer that stands for the real number 0.")


_MULTIPLIER = attribute("multiplier", "float", doc="What the exact integer result is multiplied by.")
_OUTPUT = (
    _zero_point("output_zero_point"),
    attribute("activation_min", "int", -128, "The least integer written."),
    attribute("activation_max", "int", 127, "The largest integer written."),
    attribute("rounding", ROUNDING, "native", "How the result is rounded."),
)


_FILTER_ZERO_POINT = _zero_point("filter_zero_point")
_MULTIPLIERS = {"M": (dtypes.float32, dtypes.int32)}


# Shape rules ----------------------------------------------------------------------------------------------------


def _check_zero_point(op: Any, name: str, dtype: DType) -> None:
    low, high = limits(dtype)
    value = getattr(op.a, name)
    if not low <= value <= high:
        op.fail(f"{name} is {value}, outside {low}..{high}")


def _check_scale(op: Any, scale: float) -> None:
    if not LEAST_SCALE <= scale <= LARGEST_SCALE:
        op.fail(f"scale is {scale:g}, outside {LEAST_SCALE:g}..{LARGEST_SCALE:g}")


def _check_multiplier(op: Any) -> None:
    if not 0.0 <= op.a.multiplier < math.inf:
        op.fail(f"multiplier is {op.a.multiplier:g}, expected a number that is not negative")


def _check_output(op: Any) -> None:
    _check_zero_point(op, "output_zero_point", dtypes.int8)
    if not -128 <= op.a.activation_min <= op.a.activation_max <= 127:
        op.fail(
            f"activation_min {op.a.activation_min} and activation_max {op.a.activation_max} are no range of int8"
        )


def _check_native(op: Any) -> None:
    if op.a.rounding != "native":
        op.fail(f"rounding is {op.a.rounding!r}, this op knows only 'native'")


def _stored_dtype(op: Any) -> None:
    if op.a.dtype not in STORED:
        op.fail(f"dtype is {op.a.dtype.name}, expected one of {', '.join(d.name for d in STORED)}")


def _quantize_shape(op: Any) -> Any:
    if op.a.rounding not in ("native", "tflite"):
        op.fail(f"rounding is {op.a.rounding!r}, expected 'native' or 'tflite'")
    _stored_dtype(op)
    _check_scale(op, op.a.scale)
    _check_zero_point(op, "zero_point", op.a.dtype)
    return op.shapes[0]


def _dequantize_shape(op: Any) -> Any:
    if op.a.dtype not in (dtypes.float32, dtypes.float16):
        op.fail(f"dtype is {op.a.dtype.name}, expected float32 or float16")
    _check_scale(op, op.a.scale)
    _check_zero_point(op, "zero_point", op.dtypes[0])
    return op.shapes[0]


def _requantize_shape(op: Any) -> Any:
    _stored_dtype(op)
    _check_native(op)
    _check_multiplier(op)
    _check_zero_point(op, "input_zero_point", op.dtypes[0])
    _check_zero_point(op, "output_zero_point", op.a.dtype)
    return op.shapes[0]


def _lookup_shape(op: Any) -> Any:
    (size,) = op.require_rank(1, 1)
    op.merge(size, 256, "table")
    return op.shapes[0]


def _positions(op: Any, x: Any, taps: Any) -> tuple[Dimension, Dimension]:
    """The height and width of the output of a window that slides over x [N, H, W, C]."""
    _window.check_window(op, taps)
    return _window.output_size(op, 0, x[1], taps[0]), _window.output_size(op, 1, x[2], taps[1])


def _check_channels(op: Any, channels: Dimension) -> None:
    """Bias and multiplier have an element for each output channel, which are pairs with the rounding of TFLite."""
    (size,) = op.require_rank(2, 1)
    op.merge(size, channels, "bias")
    fixed = op.a.rounding != "native"
    if op.a.rounding == "tflite_wide":
        op.fail("rounding 'tflite_wide' is for sums of 64 bits")
    expected = dtypes.int32 if fixed else dtypes.float32
    if op.dtypes[3] != expected:
        op.fail(f"multiplier is {op.dtypes[3].name}, rounding {op.a.rounding!r} needs {expected.name}")
    if fixed:
        pair, size = op.require_rank(3, 2)
        op.merge(pair, _fixed.rows(op), "the rows of multiplier")
    else:
        (size,) = op.require_rank(3, 1)
    op.merge(size, channels, "multiplier")
    _check_zero_point(op, "filter_zero_point", dtypes.int8)


def _conv2d_shape(op: Any) -> Any:
    x, w = op.require_rank(0, 4), op.require_rank(1, 4)
    if op.a.groups < 1 or (isinstance(w[3], int) and w[3] % op.a.groups):
        op.fail(f"groups={op.a.groups} does not divide the {w[3]} output channels")
    op.merge(x[3], w[2] * op.a.groups, f"the channels of x and of the filter times groups={op.a.groups}")
    _check_channels(op, w[3])
    _check_zero_point(op, "input_zero_point", dtypes.int8)
    _check_output(op)
    return (x[0], *_positions(op, x, w[:2]), w[3])


def _depthwise_shape(op: Any) -> Any:
    x, w = op.require_rank(0, 4), op.require_rank(1, 4)
    outputs = op.merge(x[3], w[2], "the channels of x and of the filter") * w[3]
    _check_channels(op, outputs)
    _check_zero_point(op, "input_zero_point", dtypes.int8)
    _check_output(op)
    return (x[0], *_positions(op, x, w[:2]), outputs)


def _matmul_shape(op: Any) -> Any:
    shape = op.shapes[0]
    depth, outputs = op.require_rank(1, 2)
    if not shape:
        op.fail("x must have rank 1 or more")
    op.merge(shape[-1], depth, "columns of x and rows of filter")
    _check_channels(op, outputs)
    _check_output(op)
    return (*shape[:-1], outputs)


def _add_shape(op: Any) -> Any:
    for name in ("x_multiplier", "y_multiplier"):
        if abs(getattr(op.a, name)) > LARGEST_MULTIPLIER:
            op.fail(f"{name} is {getattr(op.a, name)}, its magnitude may be {LARGEST_MULTIPLIER}")
    return _binary_shape(op)


def _binary_shape(op: Any) -> Any:
    _check_zero_point(op, "x_zero_point", dtypes.int8)
    _check_zero_point(op, "y_zero_point", dtypes.int8)
    _check_multiplier(op)
    _check_native(op)
    _check_output(op)
    return op.broadcast(op.shapes[0], op.shapes[1])


def _average_pool_shape(op: Any) -> Any:
    x = op.require_rank(0, 4)
    if len(op.a.pool_size) != 2 or math.prod(op.a.pool_size) > _LARGEST_SUM:
        op.fail(
            f"pool_size must be height and width of at most {_LARGEST_SUM} elements, not {list(op.a.pool_size)}"
        )
    _check_zero_point(op, "input_zero_point", dtypes.int8)
    _check_multiplier(op)
    _check_native(op)
    _check_output(op)
    return (x[0], *_positions(op, x, op.a.pool_size), x[3])


def _mean_shape(op: Any) -> Any:
    shape = op.shapes[0]
    axes = op.axes(op.a.axes, len(shape)) if op.a.axes else range(len(shape))
    count = dims.bounds(dims.product([shape[i] for i in axes]))[0]
    if count > _LARGEST_SUM:
        op.fail(f"the sum of {count} elements can leave 32 bits")
    _check_zero_point(op, "input_zero_point", dtypes.int8)
    _check_multiplier(op)
    _check_native(op)
    _check_output(op)
    if op.a.keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def _softmax_shape(op: Any) -> Any:
    shape = op.shapes[0]
    op.axis(op.a.axis, len(shape))
    (size,) = op.require_rank(1, 1)
    op.merge(size, 256, "table")
    _check_multiplier(op)
    _check_native(op)
    _check_output(op)
    return shape


# References -----------------------------------------------------------------------------------------------------


def _as(xp: Any, value: Any, dtype: Any) -> Any:
    return xp.astype(xp.asarray(value), dtype)


def _number(xp: Any, value: float) -> Any:
    return xp.asarray(value, dtype=xp.float32)


def _round_clamped(xp: Any, scaled: Any, zero_point: int, low: int, high: int, dtype: Any) -> Any:
    """zero_point + round(clamp(scaled)), within low..high."""
    clamped = xp.maximum(scaled, _number(xp, low - zero_point))
    clamped = xp.minimum(clamped, _number(xp, high - zero_point))
    return _as(xp, _as(xp, xp.round(clamped), xp.int32) + zero_point, dtype)


def _half_away(xp: Any, value: Any) -> Any:
    """The nearest integer, halves away from 0, without an addition that rounds."""
    whole = xp.trunc(value)
    half = xp.abs(value - whole) >= _number(xp, 0.5)
    return xp.where(half, whole + xp.sign(value), whole)


def _requantized(xp: Any, op: Any, acc: Any, multiplier: Any) -> Any:
    """The end of every op that writes int8, see the module."""
    scaled = _as(xp, acc, xp.float32) * multiplier
    a = op.a
    return _round_clamped(xp, scaled, a.output_zero_point, a.activation_min, a.activation_max, xp.int8)


def _written(xp: Any, op: Any, acc: Any, multiplier: Any) -> Any:
    """The same for the ops that can also end in the fixed-point rule of TFLite; multiplier is then a pair of rows."""
    if op.a.rounding == "native":
        return _requantized(xp, op, acc, multiplier)
    return _fixed.finish(xp, op, _fixed.rescale(xp, op, acc, multiplier), xp.int8)


def _quantize(xp: Any, op: Any, x: Any) -> Any:
    low, high = limits(op.a.dtype)
    if op.a.rounding == "tflite":
        scaled = _as(xp, x, xp.float32) / _number(xp, op.a.scale)
        scaled = xp.where(xp.isnan(scaled), _number(xp, 0.0), scaled)
        scaled = xp.minimum(scaled, _number(xp, high - op.a.zero_point))
        scaled = _half_away(xp, xp.maximum(scaled, _number(xp, low - op.a.zero_point)))
        return _round_clamped(xp, scaled, op.a.zero_point, low, high, op.output_dtypes[0])
    inverse = _number(xp, 1.0) / _number(xp, op.a.scale)
    scaled = _as(xp, x, xp.float32) * inverse
    scaled = xp.where(xp.isnan(scaled), _number(xp, 0.0), scaled)
    return _round_clamped(xp, scaled, op.a.zero_point, low, high, op.output_dtypes[0])


def _dequantize(xp: Any, op: Any, x: Any) -> Any:
    offset = _as(xp, _as(xp, x, xp.int32) - op.a.zero_point, xp.float32)
    return _as(xp, offset * _number(xp, op.a.scale), op.output_dtypes[0])


def _requantize(xp: Any, op: Any, x: Any) -> Any:
    low, high = limits(op.a.dtype)
    acc = _as(xp, x, xp.int32) - op.a.input_zero_point
    scaled = _as(xp, acc, xp.float32) * _number(xp, op.a.multiplier)
    return _round_clamped(xp, scaled, op.a.output_zero_point, low, high, op.output_dtypes[0])


def _look_up(xp: Any, table: Any, index: Any) -> Any:
    return xp.reshape(xp.take(table, xp.reshape(index, (-1,)), axis=0), index.shape)


def _lookup(xp: Any, op: Any, x: Any, table: Any) -> Any:
    index = xp.asarray(_as(xp, x, xp.int64) + (128 if x.dtype == xp.int8 else 0))
    return _look_up(xp, table, index)


def _taps(xp: Any, op: Any, x: Any, taps: Any, border: int) -> Any:
    """For each tap of a window its row, its column, and what all windows see of x [N, H, W, C] through it."""
    taps = (int(taps[0]), int(taps[1]))
    size = _window.positions(op.a, x.shape[1:3], taps)
    x = _window.padded(xp, op.a, x, taps, border)
    for ky in range(taps[0]):
        for kx in range(taps[1]):
            yield ky, kx, x[_window.tap(op.a, ky, kx, size)]


def _conv2d(xp: Any, op: Any, x: Any, w: Any, bias: Any, multiplier: Any) -> Any:
    depth, outputs = w.shape[2], w.shape[3] // op.a.groups
    exact = xp.astype(w, xp.float64) - op.a.filter_zero_point
    acc: Any = 0
    for ky, kx, seen in _taps(xp, op, x, w.shape[:2], op.a.input_zero_point):
        flat = xp.reshape(xp.astype(seen, xp.float64), (math.prod(seen.shape[:3]), seen.shape[3]))
        products = [
            flat[:, g * depth : (g + 1) * depth] @ exact[ky, kx, :, g * outputs : (g + 1) * outputs]
            for g in range(op.a.groups)
        ]
        acc = acc + xp.reshape(xp.concat(products, axis=1), (*seen.shape[:3], w.shape[3]))
    return _written(xp, op, xp.astype(acc, xp.int32) + bias, multiplier)


def _depthwise(xp: Any, op: Any, x: Any, w: Any, bias: Any, multiplier: Any) -> Any:
    weights = xp.astype(w, xp.int32) - op.a.filter_zero_point
    acc: Any = 0
    for ky, kx, seen in _taps(xp, op, x, w.shape[:2], op.a.input_zero_point):
        product = xp.expand_dims(xp.astype(seen, xp.int32), axis=-1) * weights[ky, kx, :, :]
        acc = acc + xp.reshape(product, (*seen.shape[:3], w.shape[2] * w.shape[3]))
    return _written(xp, op, acc + bias, multiplier)


def _matmul(xp: Any, op: Any, x: Any, w: Any, bias: Any, multiplier: Any) -> Any:
    depth, outputs = w.shape
    flat = xp.reshape(xp.astype(x, xp.float64), (math.prod(x.shape[:-1]), depth))
    weights = xp.astype(w, xp.float64) - op.a.filter_zero_point
    acc = xp.astype(flat @ weights, xp.int32) + bias
    return xp.reshape(_written(xp, op, acc, multiplier), (*x.shape[:-1], outputs))


def _add(xp: Any, op: Any, x: Any, y: Any) -> Any:
    a = op.a
    acc = (_as(xp, x, xp.int32) - a.x_zero_point) * a.x_multiplier
    acc = acc + (_as(xp, y, xp.int32) - a.y_zero_point) * a.y_multiplier
    return _requantized(xp, op, acc, _number(xp, a.multiplier))


def _multiply(xp: Any, op: Any, x: Any, y: Any) -> Any:
    acc = (_as(xp, x, xp.int32) - op.a.x_zero_point) * (_as(xp, y, xp.int32) - op.a.y_zero_point)
    return _requantized(xp, op, acc, _number(xp, op.a.multiplier))


def _average_pool(xp: Any, op: Any, x: Any) -> Any:
    offsets = xp.astype(x, xp.int32) - op.a.input_zero_point
    inside = xp.full((1, *x.shape[1:3], 1), 1, dtype=xp.int32)
    acc: Any = sum(seen for _, _, seen in _taps(xp, op, offsets, op.a.pool_size, 0))
    count: Any = sum(
        seen for _, _, seen in _taps(xp, op, inside, op.a.pool_size, int(op.a.count_include_pad))
    )
    count = xp.maximum(count, xp.asarray(1, dtype=xp.int32))
    return _requantized(xp, op, acc, _number(xp, op.a.multiplier) / xp.astype(count, xp.float32))


def _mean(xp: Any, op: Any, x: Any) -> Any:
    axes = tuple(sorted({a % x.ndim for a in op.a.axes})) if op.a.axes else tuple(range(x.ndim))
    count = max(math.prod(x.shape[a] for a in axes), 1)
    offsets = xp.astype(x, xp.int32) - op.a.input_zero_point
    acc = xp.sum(offsets, axis=axes, dtype=xp.int32, keepdims=op.a.keepdims) if axes else offsets
    return _requantized(xp, op, acc, _number(xp, op.a.multiplier) / _number(xp, count))


def _softmax(xp: Any, op: Any, x: Any, table: Any) -> Any:
    axis = op.a.axis
    if 0 in x.shape:
        return x
    wide = xp.astype(x, xp.int64)
    exponentials = _look_up(xp, table, xp.max(wide, axis=axis, keepdims=True) - wide)
    total = xp.sum(exponentials, axis=axis, dtype=xp.int32, keepdims=True)
    return _requantized(xp, op, exponentials, _number(xp, op.a.multiplier) / xp.astype(total, xp.float32))


OPS.register(
    OpDef(
        name="quantize",
        opcode=160,
        inputs=("x: T strided",),
        outputs=("y: @dtype strided",),
        types={"T": (dtypes.float32, dtypes.float16)},
        attributes=(
            attribute("scale", "float", doc="The real number that one step stands for."),
            _zero_point("zero_point"),
            attribute("dtype", "dtype", dtypes.int8, "int8, uint8 or int16."),
            attribute("rounding", ROUNDING, "native", "How the result is rounded."),
        ),
        doc="Real numbers as integers: zero_point + round(x * float32(1 / scale)), half to even, clamped to what the "
        "type stores. With rounding tflite: zero_point + round(x / scale), half away from 0. NaN becomes zero_point.",
        shape=_quantize_shape,
        reference=_quantize,
        quant="integer",
    ),
    OpDef(
        name="dequantize",
        opcode=161,
        inputs=("x: T strided",),
        outputs=("y: @dtype strided",),
        types={"T": STORED},
        attributes=(
            attribute("scale", "float", doc="The real number that one step stands for."),
            _zero_point("zero_point"),
            attribute("dtype", "dtype", dtypes.float32, "float32 or float16."),
        ),
        doc="The real numbers that integers stand for: float32(x - zero_point) * scale.",
        shape=_dequantize_shape,
        reference=_dequantize,
        quant="integer",
    ),
    OpDef(
        name="requantize",
        opcode=162,
        inputs=("x: T strided",),
        outputs=("y: @dtype strided",),
        types={"T": STORED},
        attributes=(
            _zero_point("input_zero_point"),
            _MULTIPLIER,
            _zero_point("output_zero_point"),
            attribute("dtype", "dtype", dtypes.int8, "int8, uint8 or int16."),
            attribute("rounding", ROUNDING, "native", "How the result is rounded."),
        ),
        doc="Integers of one scale as integers of another, with acc = x - input_zero_point and multiplier = "
        "input scale / output scale.",
        shape=_requantize_shape,
        reference=_requantize,
        quant="integer",
        in_place=True,
    ),
    OpDef(
        name="quantized_conv2d",
        opcode=163,
        inputs=("x: int8 strided", "filter: int8 packed", "bias: int32", "multiplier: M"),
        outputs=("y: int8 strided",),
        types=_MULTIPLIERS,
        attributes=(
            *_window.window_attributes(_window.DILATIONS),
            attribute("groups", "int", 1, "Groups of channels that do not see each other."),
            _zero_point("input_zero_point"),
            *_OUTPUT,
            _FILTER_ZERO_POINT,
        ),
        doc="conv2d on integers: x [N, H, W, C], filter [KH, KW, C / groups, O], and acc = bias[o] + sum x * (filter - "
        "filter_zero_point), where the border holds input_zero_point. bias [O] has -input_zero_point * sum(filter - "
        "filter_zero_point) in it; multiplier [O] is input scale * filter scale / output scale, or with rounding "
        "tflite int32 [2, O]: fixed-point multipliers and shifts, with tflite_real int32 [3, O]: (row 0 * 2^27 + row "
        "1) * 2^(row 2).",
        shape=_conv2d_shape,
        reference=_conv2d,
        quant="integer",
    ),
    OpDef(
        name="quantized_depthwise_conv2d",
        opcode=164,
        inputs=("x: int8 strided", "filter: int8", "bias: int32", "multiplier: M"),
        outputs=("y: int8 strided",),
        types=_MULTIPLIERS,
        attributes=(
            *_window.window_attributes(_window.DILATIONS),
            _zero_point("input_zero_point"),
            *_OUTPUT,
            _FILTER_ZERO_POINT,
        ),
        doc="depthwise_conv2d on integers: x [N, H, W, C], filter [KH, KW, C, M], output channel c * M + m; the rest "
        "as in quantized_conv2d.",
        shape=_depthwise_shape,
        reference=_depthwise,
        quant="integer",
    ),
    OpDef(
        name="quantized_matmul",
        opcode=165,
        inputs=("x: int8", "filter: int8 packed", "bias: int32", "multiplier: M"),
        outputs=("y: int8",),
        types=_MULTIPLIERS,
        attributes=(*_OUTPUT, _FILTER_ZERO_POINT),
        doc="matmul on integers: x [..., K], filter [K, N], and acc = bias[n] + sum x * (filter - filter_zero_point). "
        "bias [N] has -input zero point * sum(filter - filter_zero_point) in it; multiplier as in quantized_conv2d.",
        shape=_matmul_shape,
        reference=_matmul,
        quant="integer",
    ),
    OpDef(
        name="quantized_add",
        opcode=166,
        inputs=("x: int8 strided", "y: int8 strided"),
        outputs=("z: int8 strided",),
        attributes=(
            _zero_point("x_zero_point"),
            _zero_point("y_zero_point"),
            attribute("x_multiplier", "int", doc="What x is multiplied by: at most 2^22 in magnitude."),
            attribute("y_multiplier", "int", doc="The same for y; negative for a difference."),
            _MULTIPLIER,
            *_OUTPUT,
        ),
        doc="A sum or difference of integers of different scales, with broadcasting: acc = (x - x_zero_point) * "
        "x_multiplier + (y - y_zero_point) * y_multiplier.",
        shape=_add_shape,
        reference=_add,
        quant="integer",
        in_place=True,
    ),
    OpDef(
        name="quantized_multiply",
        opcode=167,
        inputs=("x: int8 strided", "y: int8 strided"),
        outputs=("z: int8 strided",),
        attributes=(_zero_point("x_zero_point"), _zero_point("y_zero_point"), _MULTIPLIER, *_OUTPUT),
        doc="A product, with broadcasting: acc = (x - x_zero_point) * (y - y_zero_point), and multiplier = x scale * y "
        "scale / output scale.",
        shape=_binary_shape,
        reference=_multiply,
        quant="integer",
        in_place=True,
    ),
    OpDef(
        name="quantized_average_pool2d",
        opcode=168,
        inputs=("x: int8 strided",),
        outputs=("y: int8 strided",),
        attributes=(
            attribute("pool_size", "ints", doc="Height and width of the window.", limit=2),
            *_window.window_attributes(),
            attribute("count_include_pad", "bool", False, "Whether the border counts, as zeros."),
            _zero_point("input_zero_point"),
            _MULTIPLIER,
            *_OUTPUT,
        ),
        doc="The mean of a window gliding over x [N, H, W, C]: acc = the sum of x - input_zero_point, multiplied by "
        "multiplier / float32(count).",
        shape=_average_pool_shape,
        reference=_average_pool,
        quant="integer",
    ),
    OpDef(
        name="quantized_mean",
        opcode=169,
        inputs=("x: int8",),
        outputs=("y: int8",),
        attributes=(
            attribute("axes", "ints", (), "The axes to reduce; all when empty."),
            attribute("keepdims", "bool", False, "Whether reduced axes stay, with size 1."),
            _zero_point("input_zero_point"),
            _MULTIPLIER,
            *_OUTPUT,
        ),
        doc="The mean over axes: acc = the sum of x - input_zero_point, multiplied by multiplier / float32(count). The "
        "mean of nothing is the real number 0.",
        shape=_mean_shape,
        reference=_mean,
        quant="integer",
    ),
    OpDef(
        name="quantized_softmax",
        opcode=170,
        inputs=("x: int8", "table: int32"),
        outputs=("y: int8",),
        attributes=(
            attribute("axis", "int", -1, "The axis along which the results add up to 1."),
            _MULTIPLIER,
            *_OUTPUT,
        ),
        doc="softmax by a table: acc = table[max(x) - x], multiplied by multiplier / float32(sum of acc). table[d] is "
        "exp(-input scale * d) in fixed point, at most 2^24, and small enough for its sum to fit int32.",
        shape=_softmax_shape,
        reference=_softmax,
        quant="integer",
        in_place=True,
    ),
    OpDef(
        name="lookup_table",
        opcode=410,
        inputs=("x: T strided", "table: U"),
        outputs=("y: U strided",),
        types={"T": (dtypes.int8, dtypes.uint8), "U": (dtypes.int8, dtypes.uint8)},
        doc="Any function of one byte: table[x - least], where least is what the type of x stores least.",
        shape=_lookup_shape,
        reference=_lookup,
        quant="integer",
        in_place=True,
    ),
)
