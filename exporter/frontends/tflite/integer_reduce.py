"""Nodes that take integers together: pools, means, softmax."""

from __future__ import annotations

import math

import numpy as np

from samara.exporter.frontends.tflite import integer_short, tables
from samara.exporter.frontends.tflite.integer_scales import (
    INT32,
    F,
    Signed,
    expect_scale,
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
    multiplier_of,
)
from samara.exporter.frontends.tflite.node import Node, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

# How many factors a product may have: each is an op.
_MOST_FACTORS = 64


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


@handler("REDUCE_PROD")
def _product(r: Reading, node: Node) -> list[Tensor]:
    """Factor by factor, each product rescaled."""
    x, y, axes = node.input(0), node.output, _axes(node)
    if x.dtype is dtypes.uint8:
        raise Unsupported("the element type uint8", "use int8 for it")
    shape = x.shape
    if not all(isinstance(d, int) for d in shape):
        raise Unsupported("a product of sizes that are not known")
    kept = [i for i in range(len(shape)) if i not in axes]
    count = math.prod(shape[i] for i in axes)
    if not 1 <= count <= _MOST_FACTORS:
        raise Unsupported(f"a product of {count} numbers", f"use at most {_MOST_FACTORS}")
    real = float(scale_of(x)) / float(scale_of(y)) ** (1.0 / count)
    by = multiplier_of(real).named()
    rows = r.b.transpose(x.data, permutation=(*kept, *axes))
    rows = r.b.reshape(rows, np.asarray([math.prod(shape[i] for i in kept), count], np.int32))
    # The kernel's products have 64 bits, and are rounded as such.
    wide = r.b.subtract(r.b.cast(rows, dtype=dtypes.int64), np.int64(zero_point_of(x)))
    total: Tensor | None = None
    for i in range(count):
        factor = r.b.strided_slice(
            wide, begin=(0, i), end=(0, i + 1), strides=(1, 1), begin_mask=1, end_mask=1
        )
        if total is not None:
            product = r.b.fixed_point_rescale(r.b.multiply(total, factor), **by, **INT32)
            factor = r.b.cast(product, dtype=dtypes.int64)
        total = factor
    low, high = limits(y.dtype)
    made = r.b.fixed_point_rescale(
        total,
        **by,
        output_zero_point=zero_point_of(y),
        activation_min=low,
        activation_max=high,
        dtype=y.dtype,
    )
    keep = bool(node.options.get("keep_dims", False))
    into = [1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes]
    return [r.b.reshape(made, np.asarray(into, np.int32))]


@handler("L2_NORMALIZATION")
def _l2_normalization(r: Reading, node: Node) -> list[Tensor]:
    x, y = Signed(node.input(0)), Signed(node.output)
    if x.dtype is dtypes.int16:
        raise Unsupported("the element type int16", "use int8 for it")
    if node.options.get("fused_activation_function", "none") != "none":
        raise Unsupported("a normalization with an activation")
    if (float(y.scale), y.zero_point) != (1 / 128, 0):
        raise Unsupported("an output whose scale is not 1/128, or whose zero point is not in the middle")
    made = r.b.fixed_point_l2_normalize(
        x.tensor(r), input_zero_point=x.zero_point, left_shift=7 if x.shift else 0
    )
    return y.written(r, made)


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
    if y.dtype is dtypes.int16:
        expect_scale(y, *((1 / 32768, 0) if x.dtype is dtypes.int16 else (1 / 65536, -(2**15))))
    else:
        expect_scale(y, 1 / 256, 0 if y.dtype is dtypes.uint8 else -128)
    if x.dtype is dtypes.int16:
        return [integer_short.softmax(r, node.input(0).data, x.scale, beta)]
    into = dtypes.int16 if y.dtype is dtypes.int16 else dtypes.int8
    made = r.b.fixed_point_softmax(x.tensor(r), tables.softmax(x.scale, beta), dtype=into)
    return [unsigned(r, made) if y.dtype is dtypes.uint8 else made]
