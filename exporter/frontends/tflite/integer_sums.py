"""Nodes that sum products of integers: convolutions and matrix products."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite import integer_short
from samara.exporter.frontends.tflite.integer_scales import (
    F,
    Signed,
    handler,
)
from samara.exporter.frontends.tflite.multipliers import (
    multiplier_of,
    multipliers_of,
    parts_of,
)
from samara.exporter.frontends.tflite.node import Array, Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor


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
        if filter_.dtype not in (dtypes.int8, dtypes.uint8):
            raise Unsupported(f"weights of {filter_.dtype.name}, expected int8 or uint8")
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
        # Bytes of 0..255 become 128 less by their first bit.
        self.weights = (filter_.value ^ np.uint8(128)).view(np.int8) if self.shift else filter_.value
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
        rows = weights.reshape(-1, self.bias.size)
        sums = rows.sum(axis=0, dtype=np.int64) - rows.shape[0] * self.filter_zero_point
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
    # Sums of products of int16 have 64 bits.
    wide = dtypes.int64 if dtypes.int16 in (x.dtype, y.dtype) else dtypes.int32
    sides = [
        r.b.subtract(r.b.cast(s.tensor(r), dtype=wide), np.asarray(s.zero_point, wide.numpy)) for s in (x, y)
    ]
    product = r.b.matmul(
        *sides,
        transpose_x=bool(node.options.get("adj_x", False)),
        transpose_y=bool(node.options.get("adj_y", False)),
    )
    by = multiplier_of(float(F(x.scale * y.scale)) / float(z.scale))
    made = r.b.fixed_point_rescale(product, **by.named(), **z.range(node), dtype=z.dtype)
    return z.written(r, made)


# The weights are spread over the pixels of a stride; more than the filter has taps would only be zeros.
_WIDEST_STRIDE = 64


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
        if stride > max(taps, _WIDEST_STRIDE):
            raise Unsupported(f"a stride of {stride} for a filter of {taps}")
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
