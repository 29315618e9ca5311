"""Nodes that compute with integers, bit for bit as the reference kernels of TensorFlow Lite."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite import integer_short, tables
from samara.exporter.frontends.tflite.multipliers import (
    Multiplier,
    activation_range,
    limits,
    multiplier_of,
    multipliers_of,
    parts_of,
)
from samara.exporter.frontends.tflite.node import Array, Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

F = np.float32
Handler = Callable[[Reading, Node], Sequence[Tensor]]
HANDLERS: dict[str, Handler] = {}

# Which input the data is, where it is not the first.
_DATA = {"TRANSPOSE_CONV": 2}

_STORED = (dtypes.int8, dtypes.uint8, dtypes.int16)


def handles(node: Node) -> bool:
    """Whether a node computes with integers that stand for real numbers, in a way that these handlers know."""
    if node.kind not in HANDLERS:
        return False
    if node.kind in ("QUANTIZE", "DEQUANTIZE"):
        return True
    first = next((o for o in node.inputs[_DATA.get(node.kind, 0) :] if o is not None), None)
    return first is not None and first.dtype in _STORED and first.scale is not None


def handler(*kinds: str) -> Callable[[Handler], Handler]:
    """Registers a function as the handler of kinds of nodes."""

    def register(function: Handler) -> Handler:
        for kind in kinds:
            HANDLERS[kind] = function
        return function

    return register


# Scales ----------------------------------------------------------------------------------------------------------


def scale_of(operand: Operand) -> Any:
    """The one scale of a tensor, as a float32."""
    if operand.scale is None or operand.scale.size != 1:
        raise Unsupported(
            f"tensor {operand.name!r} has {0 if operand.scale is None else operand.scale.size} scales"
        )
    scale = F(operand.scale.reshape(-1)[0])
    if not 0.0 < float(scale) < math.inf:
        raise Unsupported(f"tensor {operand.name!r} has the scale {float(scale):g}")
    return scale


def zero_point_of(operand: Operand) -> int:
    """The one zero point of a tensor."""
    if operand.zero_point is None or operand.zero_point.size == 0:
        return 0
    zero_point = int(operand.zero_point.reshape(-1)[0])
    low, high = limits(operand.dtype)
    if not low <= zero_point <= high:
        raise Unsupported(f"tensor {operand.name!r} has the zero point {zero_point}, outside {low}..{high}")
    return zero_point


def _ratio(numerator: Any, denominator: Any) -> Multiplier:
    return multiplier_of(float(numerator) / float(denominator))


class Signed:
    """A tensor of uint8 seen as int8, with everything 128 less; int8 and int16 are as they are."""

    def __init__(self, operand: Operand) -> None:
        self.operand = operand
        self.shift = 128 if operand.dtype is dtypes.uint8 else 0
        self.dtype = dtypes.int8 if self.shift else operand.dtype
        self.zero_point = zero_point_of(operand) - self.shift
        self.scale = scale_of(operand)

    def tensor(self, r: Reading) -> Tensor:
        """The numbers of an input."""
        return signed(r, self.operand.data)

    def value(self) -> Array | None:
        """The numbers of a constant."""
        value = self.operand.value
        return None if value is None else (value.astype(np.int32) - self.shift).astype(self.dtype.numpy)

    def range(self, node: Node, activation: str | None = None) -> dict[str, int]:
        """Zero point and activation range of the output of a node, as attributes; None for the fused activation."""
        activation = activation or node.options.get("fused_activation_function", "none")
        try:
            low, high = activation_range(
                activation, self.scale, self.zero_point + self.shift, self.operand.dtype
            )
        except ValueError:
            raise Unsupported(f"the fused activation {activation}") from None
        return {
            "output_zero_point": self.zero_point,
            "activation_min": low - self.shift,
            "activation_max": high - self.shift,
        }

    def written(self, r: Reading, tensor: Tensor) -> list[Tensor]:
        """What a handler returns for an output whose numbers these are."""
        return [unsigned(r, tensor) if self.shift else tensor]


_TO_SIGNED = {"input_zero_point": 128, "multiplier": 1.0, "output_zero_point": 0, "dtype": dtypes.int8}
_TO_UNSIGNED = {"input_zero_point": 0, "multiplier": 1.0, "output_zero_point": 128, "dtype": dtypes.uint8}


def signed(r: Reading, x: Tensor) -> Tensor:
    """Bytes of 0..255 as -128..127; others stay."""
    if x.dtype is not dtypes.uint8:
        return x
    if x.op.type == "requantize" and x.op.attributes == {**x.op.attributes, **_TO_UNSIGNED}:
        source = x.op.inputs[0]
        if source is not None and source.dtype is dtypes.int8:
            return source
    made: Tensor = r.b.requantize(x, **_TO_SIGNED)
    return made


def unsigned(r: Reading, x: Tensor) -> Tensor:
    """The way back."""
    made: Tensor = r.b.requantize(x, **_TO_UNSIGNED)
    return made


def _same_scale(node: Node, *operands: Operand) -> None:
    """Refuses what only moves integers when their scales differ."""
    scales = {(float(scale_of(o)), zero_point_of(o)) for o in operands}
    if len(scales) > 1:
        raise Unsupported(
            "inputs and outputs of different scales", "quantize the model with one scale for them"
        )


def look_up(r: Reading, node: Node, table: Any) -> list[Tensor]:
    """A function of one byte, by its results for the bytes in rising order."""
    return [r.b.lookup_table(node.input(0).data, np.asarray(table, node.output.dtype.numpy))]


# Sums of products ------------------------------------------------------------------------------------------------


def _window(node: Node) -> dict[str, Any]:
    o = node.options
    return {
        "strides": (int(o["stride_h"]), int(o["stride_w"])),
        "dilations": (int(o.get("dilation_h_factor", 1)), int(o.get("dilation_w_factor", 1))),
        "padding": o.get("padding", "same"),
    }


class _Sums:
    """The constants of a sum of products: filter, bias and multipliers.

    Args:
        node: its output says the scale of the result.
        x: the data.
        filter_: the weights, a constant.
        bias: None when there is none.
        outputs: the number of output channels.
    """

    def __init__(self, node: Node, x: Operand, filter_: Operand, bias: Operand | None, outputs: int) -> None:
        if filter_.value is None or (bias is not None and bias.value is None):
            raise Unsupported("weights or a bias that are computed")
        self.x = Signed(x)
        self.y = Signed(node.output)
        scales = filter_.scale
        if scales is None or scales.size not in (1, outputs):
            raise Unsupported(
                f"{outputs} outputs with {0 if scales is None else scales.size} scales of the weights"
            )
        self.shift = 128 if filter_.dtype is dtypes.uint8 else 0
        zero_points = np.zeros(1, np.int64) if filter_.zero_point is None else filter_.zero_point
        if zero_points.size > 1 and np.any(zero_points != zero_points[0]):
            raise Unsupported("weights with several zero points")
        self.filter_zero_point = (int(zero_points.reshape(-1)[0]) if zero_points.size else 0) - self.shift
        if scales.size == 1 and node.kind != "FULLY_CONNECTED":  # which multiplies in float64
            products = np.asarray([float(F(self.x.scale) * F(scales.reshape(-1)[0]))])
        else:
            products = np.float64(self.x.scale) * scales.reshape(-1).astype(np.float64)
        reals = np.broadcast_to(products / np.float64(self.y.scale), (outputs,))
        if not np.all((reals >= 0) & (reals < 2.0**30)):
            raise Unsupported("weights with scales that are negative or no numbers")
        self.rounding = "tflite"
        self.multipliers = multipliers_of(reals)
        if node.kind == "FULLY_CONNECTED":
            self.rounding, self.multipliers = "tflite_real", parts_of(reals)
        self.weights = (filter_.value.astype(np.int32) - self.shift).astype(np.int8)
        # Sums of int16 have as many bits as the bias.
        if (
            self.x.dtype is dtypes.int16
            and self.rounding == "tflite"
            and (bias is None or bias.dtype is dtypes.int64)
        ):
            self.rounding = "tflite_wide"
        self.bias = (
            np.zeros(outputs, np.int64) if bias is None else np.asarray(bias.value, np.int64).reshape(-1)
        )
        if self.bias.size != outputs:
            raise Unsupported(f"{outputs} outputs with a bias of {self.bias.size}")

    def tiled(self, times: int) -> _Sums:
        """The same outputs several times, one after the other."""
        made = copy.copy(self)
        made.multipliers = np.tile(self.multipliers, (1, times))
        made.bias = np.tile(self.bias, times)
        return made

    def folded(self, weights: Array) -> Array:
        """The bias with what the zero point of the input takes away; weights [..., outputs]."""
        sums = (weights.astype(np.int64) - self.filter_zero_point).reshape(-1, self.bias.size).sum(axis=0)
        folded = self.bias - self.x.zero_point * sums
        if np.any(np.abs(folded) >= 2**31):
            raise Unsupported("a bias that leaves 32 bits")
        made: Array = folded.astype(np.int32)
        return made

    def short_attributes(self, node: Node) -> dict[str, Any]:
        """What the op on int16 needs."""
        if self.x.zero_point or self.y.zero_point or self.filter_zero_point:
            raise Unsupported("zero points of int16")
        limits_ = self.y.range(node)
        found: dict[str, Any] = {k: limits_[k] for k in ("activation_min", "activation_max")}
        return {**found, "rounding": self.rounding}

    def attributes(self, node: Node) -> dict[str, Any]:
        """What the ops on bytes need."""
        return {
            **self.y.range(node),
            "rounding": self.rounding,
            "filter_zero_point": self.filter_zero_point,
        }


@handler("CONV_2D")
def _conv_2d(r: Reading, node: Node) -> list[Tensor]:
    x, filter_ = node.input(0), node.input(1)
    outputs, _, _, depth = _filter_shape(filter_, 4)
    sums = _Sums(node, x, filter_, node.optional(2), outputs)
    weights = np.transpose(sums.weights, (1, 2, 3, 0))
    channels = x.shape[3]
    if not isinstance(channels, int) or depth == 0 or channels % depth:
        raise Unsupported(f"{channels} channels with a filter for {depth}")
    return _conv(r, node, sums, weights, _window(node), channels // depth)


def _conv(
    r: Reading, node: Node, sums: _Sums, weights: Array, window: dict[str, Any], groups: int
) -> list[Tensor]:
    if sums.x.dtype is dtypes.int16:
        attributes = {**window, **sums.short_attributes(node)}
        return [
            integer_short.conv(
                r,
                sums.x.tensor(r),
                weights,
                sums.bias,
                sums.multipliers,
                groups=groups,
                attributes=attributes,
            )
        ]
    y = r.b.quantized_conv2d(
        sums.x.tensor(r),
        weights,
        sums.folded(weights),
        sums.multipliers,
        groups=groups,
        input_zero_point=sums.x.zero_point,
        **window,
        **sums.attributes(node),
    )
    return sums.y.written(r, y)


def _filter_shape(filter_: Operand, rank: int) -> tuple[int, ...]:
    if filter_.value is None:
        raise Unsupported("weights that are computed")
    if filter_.value.ndim != rank:
        raise Unsupported(f"weights of rank {filter_.value.ndim}, expected {rank}")
    return tuple(filter_.value.shape)


@handler("DEPTHWISE_CONV_2D")
def _depthwise_conv_2d(r: Reading, node: Node) -> list[Tensor]:
    x, filter_ = node.input(0), node.input(1)
    _, rows, columns, outputs = _filter_shape(filter_, 4)
    channels = x.shape[3]
    if not isinstance(channels, int) or channels == 0 or outputs % channels:
        raise Unsupported(f"{channels} channels with {outputs} outputs")
    sums = _Sums(node, x, filter_, node.optional(2), outputs)
    if sums.x.dtype is dtypes.int16:
        weights = sums.weights.reshape(rows, columns, 1, outputs)
        return _conv(r, node, sums, weights, _window(node), channels)
    weights = sums.weights.reshape(rows, columns, channels, outputs // channels)
    y = r.b.quantized_depthwise_conv2d(
        sums.x.tensor(r),
        weights,
        sums.folded(weights),
        sums.multipliers,
        input_zero_point=sums.x.zero_point,
        **_window(node),
        **sums.attributes(node),
    )
    return sums.y.written(r, y)


@handler("FULLY_CONNECTED")
def _fully_connected(r: Reading, node: Node) -> list[Tensor]:
    x, filter_ = node.input(0), node.input(1)
    outputs, depth = _filter_shape(filter_, 2)
    sums = _Sums(node, x, filter_, node.optional(2), outputs)
    data = sums.x.tensor(r)
    keep = bool(node.options.get("keep_num_dims", False))
    if data.shape is None:
        raise Unsupported("an input of unknown rank")
    if not keep and (len(data.shape) != 2 or data.shape[-1] != depth):
        data = r.b.reshape(data, np.asarray([-1, depth], np.int32))
    weights = np.ascontiguousarray(sums.weights.T)
    if sums.x.dtype is dtypes.int16:
        return [
            integer_short.matmul(
                r,
                data,
                weights,
                sums.bias,
                sums.multipliers,
                attributes=sums.short_attributes(node),
            )
        ]
    y = r.b.quantized_matmul(data, weights, sums.folded(weights), sums.multipliers, **sums.attributes(node))
    return sums.y.written(r, y)


@handler("BATCH_MATMUL")
def _batch_matmul(r: Reading, node: Node) -> list[Tensor]:
    x, y, z = Signed(node.input(0)), Signed(node.input(1)), Signed(node.output)
    if dtypes.int16 in (x.dtype, y.dtype):
        raise Unsupported("a matrix product of two int16", "use int8 for it")
    sides = [r.b.subtract(r.b.cast(s.tensor(r), dtype=dtypes.int32), np.int32(s.zero_point)) for s in (x, y)]
    product = r.b.matmul(
        *sides,
        transpose_x=bool(node.options.get("adj_x", False)),
        transpose_y=bool(node.options.get("adj_y", False)),
    )
    by = multiplier_of(float(F(x.scale * y.scale)) / float(z.scale))
    made = r.b.fixed_point_rescale(product, **by.named(), **z.range(node), dtype=dtypes.int8)
    return z.written(r, made)


@handler("TRANSPOSE_CONV")
def _transpose_conv(r: Reading, node: Node) -> list[Tensor]:
    """A convolution that gives, for each pixel of the input, the stride * stride pixels of the output beside it."""
    sizes, filter_, x = node.input(0).value, node.input(1), node.input(2)
    if sizes is None:
        raise Unsupported("a size of the output that is computed")
    outputs, rows, columns, _ = _filter_shape(filter_, 4)
    sums = _Sums(node, x, filter_, node.optional(3), outputs)
    strides = (int(node.options["stride_h"]), int(node.options["stride_w"]))
    data = sums.x.tensor(r)
    heights = [d for d in (data.shape or ())[1:3] if isinstance(d, int)]
    if len(heights) != 2:
        raise Unsupported("a height or width that is not known")
    paddings: list[int] = []
    crops, counts = [], []
    weights = np.transpose(sums.weights, (1, 2, 3, 0))
    for axis, taps in ((0, rows), (1, columns)):
        stride, size, into = strides[axis], heights[axis], int(sizes[1 + axis])
        positions = (
            -(-into // stride)
            if node.options.get("padding", "same") == "same"
            else (into - taps) // stride + 1
        )
        crop = max((positions - 1) * stride + taps - into, 0) // 2
        reach = -(-taps // stride)
        count = -(-(into + crop) // stride)
        # Tap stride * j + phase is seen by the output's pixel j pixels of the input further on.
        extra = [(0, 0)] * weights.ndim
        extra[2 * axis] = (0, reach * stride - taps)
        weights = np.pad(weights, extra, constant_values=sums.filter_zero_point)
        weights = weights.reshape(*weights.shape[: 2 * axis], reach, stride, *weights.shape[2 * axis + 1 :])
        paddings += [reach - 1, max(count - size, 0)]
        crops.append(crop)
        counts.append(max(count, size))
    # [reach, phase, reach, phase, channels, outputs] to [reach, reach, channels, phase, phase, outputs]
    weights = weights[::-1, :, ::-1].transpose(0, 2, 4, 1, 3, 5)
    phases = strides[0] * strides[1]
    weights = np.ascontiguousarray(weights).reshape(*weights.shape[:3], phases * outputs)
    tiled = sums.tiled(phases)
    window = {"strides": (1, 1), "dilations": (1, 1), "padding": "explicit", "paddings": tuple(paddings)}
    (made,) = _conv(r, node, tiled, weights, window, 1)
    blocks = np.asarray([-1, *counts, *strides, outputs], np.int32)
    made = r.b.transpose(r.b.reshape(made, blocks), permutation=(0, 1, 3, 2, 4, 5))
    whole = np.asarray([-1, counts[0] * strides[0], counts[1] * strides[1], outputs], np.int32)
    made = r.b.reshape(made, whole)
    ends = tuple(c + int(s) for c, s in zip(crops, sizes[1:3], strict=True))
    return [
        r.b.strided_slice(
            made, begin=(0, *crops, 0), end=(0, *ends, 0), strides=(1, 1, 1, 1), begin_mask=9, end_mask=9
        )
    ]


# Element by element ----------------------------------------------------------------------------------------------


@handler("ADD", "SUB", "SQUARED_DIFFERENCE")
def _add(r: Reading, node: Node) -> list[Tensor]:
    x, y, z = Signed(node.input(0)), Signed(node.input(1)), Signed(node.output)
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
        **_ratio(x.scale, twice).named("x_"),
        **_ratio(y.scale, twice).named("y_"),
        **multiplier_of(last).named(),
        **z.range(node),
    )
    return z.written(r, made)


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


@handler("MINIMUM", "MAXIMUM")
def _extreme(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0), node.input(1)
    _same_scale(node, x, y, node.output)
    return [(r.b.minimum if node.kind == "MINIMUM" else r.b.maximum)(x.data, y.data)]


_COMPARISONS = {
    "EQUAL": "equal",
    "NOT_EQUAL": "not_equal",
    "GREATER": "greater",
    "GREATER_EQUAL": "greater_equal",
    "LESS": "less",
    "LESS_EQUAL": "less_equal",
}
_INT32 = {"activation_min": -(2**31), "activation_max": 2**31 - 1, "dtype": dtypes.int32}


@handler(*_COMPARISONS)
def _compare(r: Reading, node: Node) -> list[Tensor]:
    sides = [
        r.b.fixed_point_rescale(
            o.data,
            input_zero_point=zero_point_of(o),
            left_shift=8,
            **multiplier_of(float(scale_of(o))).named(),
            **_INT32,
        )
        for o in (node.input(0), node.input(1))
    ]
    return [getattr(r.b, _COMPARISONS[node.kind])(*sides)]


@handler("PRELU")
def _prelu(r: Reading, node: Node) -> list[Tensor]:
    x, alpha, y = Signed(node.input(0)), Signed(node.input(1)), Signed(node.output)
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


# Pooling, means and softmax --------------------------------------------------------------------------------------


@handler("AVERAGE_POOL_2D", "MAX_POOL_2D")
def _pool(r: Reading, node: Node) -> list[Tensor]:
    o, x, y = node.options, node.input(0), node.output
    window = {
        "pool_size": (int(o["filter_height"]), int(o["filter_width"])),
        "strides": (int(o["stride_h"]), int(o["stride_w"])),
        "padding": o.get("padding", "same"),
    }
    activation = o.get("fused_activation_function", "none")
    low, high = activation_range(activation, scale_of(y), zero_point_of(y), y.dtype)
    if node.kind == "AVERAGE_POOL_2D":
        return [r.b.integer_average_pool2d(x.data, activation_min=low, activation_max=high, **window)]
    made = r.b.max_pool2d(x.data, **window)
    if (low, high) != limits(y.dtype):
        made = r.b.minimum(r.b.maximum(made, r.b.like(low, made)), r.b.like(high, made))
    return [made]


def _axes(node: Node) -> tuple[int, ...]:
    rank, value = len(node.input(0).shape), node.input(1).value
    if value is None:
        raise Unsupported("axes that are computed")
    return tuple(sorted({int(a) % max(rank, 1) for a in value.reshape(-1)}))


@handler("MEAN", "SUM")
def _mean(r: Reading, node: Node) -> list[Tensor]:
    x, y, axes = node.input(0), node.output, _axes(node)
    count = 1
    for axis in axes:
        size = x.shape[axis]
        if not isinstance(size, int):
            raise Unsupported(f"the mean over a size that is not known, {size}")
        count *= size
    by = _ratio(scale_of(x), scale_of(y))
    if node.kind == "MEAN" and count > 0:
        # The division by the count goes into the multiplier, as many bits up as it has.
        bits = min(count.bit_length() - 1, 32, 31 + by.shift)
        by = Multiplier(multiplier=(by.multiplier << bits) // count, shift=by.shift - bits)
    # Without axes nothing is reduced, while no axes are all of them in the op.
    keep = bool(node.options.get("keep_dims", False))
    total = (
        r.b.integer_sum(x.data, axes=axes, keepdims=keep) if axes else r.b.cast(x.data, dtype=dtypes.int32)
    )
    low, high = limits(y.dtype)
    return [
        r.b.fixed_point_rescale(
            total,
            input_zero_point=count * zero_point_of(x),
            **by.named(),
            output_zero_point=zero_point_of(y),
            activation_min=low,
            activation_max=high,
            dtype=y.dtype,
        )
    ]


@handler("REDUCE_MAX", "REDUCE_MIN")
def _reduce_extreme(r: Reading, node: Node) -> list[Tensor]:
    _same_scale(node, node.input(0), node.output)
    build = r.b.reduce_max if node.kind == "REDUCE_MAX" else r.b.reduce_min
    axes = _axes(node)
    return [
        build(node.input(0).data, axes=axes, keepdims=bool(node.options.get("keep_dims")))
        if axes
        else node.input(0).data
    ]


@handler("SOFTMAX")
def _softmax(r: Reading, node: Node) -> list[Tensor]:
    x, y = Signed(node.input(0)), node.output
    beta = F(node.options.get("beta", 1.0))
    if x.dtype is dtypes.int16:
        return [integer_short.softmax(r, node.input(0).data, x.scale, beta)]
    into = dtypes.int16 if y.dtype is dtypes.int16 else dtypes.int8
    made = r.b.fixed_point_softmax(x.tensor(r), tables.softmax(x.scale, beta), dtype=into)
    return [unsigned(r, made) if y.dtype is dtypes.uint8 else made]


# Quantize and dequantize -----------------------------------------------------------------------------------------


@handler("QUANTIZE")
def _quantize(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0), node.output
    if x.dtype in (dtypes.float32, dtypes.float16):
        return [
            r.b.quantize(
                x.data,
                scale=float(scale_of(y)),
                zero_point=zero_point_of(y),
                dtype=y.dtype,
                rounding="tflite",
            )
        ]
    low, high = limits(y.dtype)
    return [
        r.b.fixed_point_rescale(
            x.data,
            input_zero_point=zero_point_of(x),
            **_ratio(scale_of(x), scale_of(y)).named(),
            output_zero_point=zero_point_of(y),
            activation_min=low,
            activation_max=high,
            dtype=y.dtype,
        )
    ]


@handler("DEQUANTIZE")
def _dequantize(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0), node.output
    if x.dtype is dtypes.float16:
        return [r.b.cast(x.data, dtype=y.dtype)]
    return [r.b.dequantize(x.data, scale=float(scale_of(x)), zero_point=zero_point_of(x), dtype=y.dtype)]


# What moves integers ---------------------------------------------------------------------------------------------


@handler("CONCATENATION")
def _concatenation(r: Reading, node: Node) -> list[Tensor]:
    y = node.output
    axis = int(node.options.get("axis", 0))
    if node.options.get("fused_activation_function", "none") != "none":
        raise Unsupported("a concatenation with an activation")
    return [r.b.concat([_at_scale(r, node.input(i), y) for i in range(len(node.inputs))], axis=axis)]


def _at_scale(r: Reading, x: Operand, y: Operand) -> Tensor:
    """Bytes at another scale by float32, as the concatenation of uint8 does it."""
    if (scale_of(x), zero_point_of(x)) == (scale_of(y), zero_point_of(y)):
        return x.data
    if x.dtype is not dtypes.uint8:
        raise Unsupported("a concatenation of different scales", "quantize the model with one scale for them")
    made: Tensor = r.b.lookup_table(x.data, tables.rescaled_by_float(scales_of(x, y)))
    return made


def scales_of(x: Operand, y: Operand) -> tables.Scales:
    """What the numbers of an input and of an output stand for."""
    return tables.Scales(
        dtype=x.dtype,
        scale=scale_of(x),
        zero_point=zero_point_of(x),
        output_scale=scale_of(y),
        output_zero_point=zero_point_of(y),
    )


@handler("PAD", "PADV2")
def _pad(r: Reading, node: Node) -> list[Tensor]:
    x, paddings = node.input(0), node.input(1).value
    if paddings is None:
        raise Unsupported("paddings that are computed")
    value = zero_point_of(node.output)
    if node.kind == "PADV2":
        given = node.input(2).value
        if given is None:
            raise Unsupported("a padding value that is computed")
        value = int(given.reshape(-1)[0])
    return [r.b.pad(x.data, paddings=tuple(int(p) for p in paddings.reshape(-1)), value=float(value))]
