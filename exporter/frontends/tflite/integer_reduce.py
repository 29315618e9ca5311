"""Nodes that take integers together: pools, means, softmax."""

from __future__ import annotations

from samara.exporter.frontends.tflite import integer_short, tables
from samara.exporter.frontends.tflite.integer_scales import (
    F,
    Signed,
    handler,
    ratio,
    same_scale,
    scale_of,
    unsigned,
    zero_point_of,
)
from samara.exporter.frontends.tflite.multipliers import (
    Multiplier,
    activation_range,
    limits,
)
from samara.exporter.frontends.tflite.node import Node, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor


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
    by = ratio(scale_of(x), scale_of(y))
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
    same_scale(node, node.input(0), node.output)
    build = r.b.reduce_max if node.kind == "REDUCE_MAX" else r.b.reduce_min
    axes = _axes(node)
    return [
        build(node.input(0).data, axes=axes, keepdims=bool(node.options.get("keep_dims")))
        if axes
        else node.input(0).data
    ]


@handler("LOG_SOFTMAX")
def _log_softmax(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0), node.output
    real = r.b.dequantize(x.data, scale=float(scale_of(x)), zero_point=zero_point_of(x))
    result = r.b.log_softmax(real)
    attributes = {"scale": float(scale_of(y)), "zero_point": zero_point_of(y), "dtype": y.dtype}
    return [r.b.quantize(result, **attributes, rounding="tflite")]


@handler("SOFTMAX")
def _softmax(r: Reading, node: Node) -> list[Tensor]:
    x, y = Signed(node.input(0)), node.output
    beta = F(node.options.get("beta", 1.0))
    if x.dtype is dtypes.int16:
        return [integer_short.softmax(r, node.input(0).data, x.scale, beta)]
    into = dtypes.int16 if y.dtype is dtypes.int16 else dtypes.int8
    made = r.b.fixed_point_softmax(x.tensor(r), tables.softmax(x.scale, beta), dtype=into)
    return [unsigned(r, made) if y.dtype is dtypes.uint8 else made]
