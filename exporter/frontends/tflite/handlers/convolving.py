"""Convolutions, matrix products and pools."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.compose import convolution
from samara.exporter.frontends.tflite.handlers import hybrid
from samara.exporter.frontends.tflite.handlers._registry import (
    activated,
    beneath_casts,
    fixed,
    fused,
    handler,
    integers,
    needs_float,
    shape_of,
)
from samara.exporter.frontends.tflite.node import Node, Operand, Reading, Unsupported
from samara.graph.graph import Tensor


def _window(node: Node) -> dict[str, Any]:
    o = node.options
    return {"strides": (int(o["stride_h"]), int(o["stride_w"])), "padding": o["padding"]}


def _dilated(node: Node) -> dict[str, Any]:
    o = node.options
    return {**_window(node), "dilations": (int(o["dilation_h_factor"]), int(o["dilation_w_factor"]))}


def _bias(node: Node, index: int) -> Tensor | None:
    found = node.optional(index)
    needs_float(found)
    return None if found is None else found.data


def _turned(r: Reading, weights: Operand, permutation: tuple[int, ...]) -> Tensor:
    return beneath_casts(r, [weights.data], lambda parts: r.b.transpose(parts[0], permutation=permutation))


@handler("CONV_2D")
def _conv_2d(r: Reading, node: Node) -> list[Tensor]:
    x, weights = node.input(0), node.input(1)
    needs_float(x)
    channels, depth = shape_of(x.data)[3], weights.shape[3]
    if not isinstance(channels, int) or depth == 0 or channels % depth:
        raise Unsupported(f"{channels} channels with a filter for {depth}")
    attributes = {**_dilated(node), "groups": channels // depth}
    if hybrid.is_hybrid(weights):
        return [hybrid.conv(r, node, x.data, weights, attributes)]
    filters = _turned(r, weights, (1, 2, 3, 0))
    activation, more = fused(node)
    y = r.b.conv2d(x.data, filters, _bias(node, 2), **attributes, **activation)
    return [activated(r, node, y) if more else y]


@handler("DEPTHWISE_CONV_2D")
def _depthwise_conv_2d(r: Reading, node: Node) -> list[Tensor]:
    x, weights = node.input(0), node.input(1)
    needs_float(x)
    channels = shape_of(x.data)[3]
    _, rows, columns, outputs = weights.shape
    if not isinstance(channels, int) or channels == 0 or outputs % channels:
        raise Unsupported(f"{channels} channels with {outputs} outputs")
    if hybrid.is_hybrid(weights):
        return [hybrid.depthwise(r, node, x.data, weights, _dilated(node), channels)]
    shape = np.asarray([rows, columns, channels, outputs // channels], np.int32)
    activation, more = fused(node)
    y = r.b.depthwise_conv2d(
        x.data, r.b.reshape(weights.data, shape), _bias(node, 2), **_dilated(node), **activation
    )
    return [activated(r, node, y) if more else y]


@handler("FULLY_CONNECTED")
def _fully_connected(r: Reading, node: Node) -> list[Tensor]:
    x, weights = node.input(0), node.input(1)
    needs_float(x)
    if node.options["weights_format"] != "default":
        raise Unsupported("shuffled weights", "convert the model without them")
    _outputs, depth = weights.shape
    data = flat(r, node, x, depth)
    if hybrid.is_hybrid(weights):
        return [hybrid.fully_connected(r, node, data, weights)]
    activation, more = fused(node)
    y = r.b.matmul(data, weights.data, _bias(node, 2), transpose_y=True, **activation)
    return [activated(r, node, y) if more else y]


def flat(r: Reading, node: Node, x: Operand, depth: Any) -> Tensor:
    """The data of a fully connected node: rows of `depth` elements, unless leading axes are kept."""
    shape = shape_of(x.data)
    keep = bool(node.options["keep_num_dims"])
    if (keep and shape and shape[-1] == depth) or (len(shape) == 2 and shape[-1] == depth):
        return x.data
    if keep or not isinstance(depth, int):
        raise Unsupported(f"an input of shape {list(shape)} with weights for {depth}")
    made: Tensor = r.b.reshape(x.data, np.asarray([-1, depth], np.int32))
    return made


@handler("BATCH_MATMUL")
def _batch_matmul(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0), node.input(1)
    options = {"transpose_x": bool(node.options["adj_x"]), "transpose_y": bool(node.options["adj_y"])}
    if hybrid.is_hybrid(y):
        return [hybrid.batch_matmul(r, node, x.data, y)]
    return [r.b.matmul(x.data, y.data, **options)]


@handler("TRANSPOSE_CONV")
def _transpose_conv(r: Reading, node: Node) -> list[Tensor]:
    weights, x = node.input(1), node.input(2)
    needs_float(x, weights)
    sizes = node.input(0).data
    filters = _turned(r, weights, (1, 2, 0, 3))
    y = r.b.conv2d_backprop_input(sizes, filters, x.data, **_window(node))
    bias = _bias(node, 3)
    return [activated(r, node, y if bias is None else r.b.add(y, bias))]


@handler("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")
def _pool(r: Reading, node: Node) -> list[Tensor]:
    x, o = node.input(0), node.options
    needs_float(x)
    attributes = {**_window(node), "pool_size": (int(o["filter_height"]), int(o["filter_width"]))}
    if node.kind == "MAX_POOL_2D":
        y = r.b.max_pool2d(x.data, **attributes)
    elif node.kind == "AVERAGE_POOL_2D":
        y = r.b.average_pool2d(x.data, **attributes)
    else:
        y = r.b.sqrt(r.b.average_pool2d(r.b.square(x.data), **attributes))
    return [activated(r, node, y)]


@handler("CONV_3D")
def _conv_3d(r: Reading, node: Node) -> list[Tensor]:
    """The sum over the filter's depth of convolutions of planes."""
    x, weights, o = node.input(0), node.input(1), node.options
    needs_float(x, weights)
    batch, depth, height, width, channels = fixed(x.data, range(5), "all sizes")
    taps, _rows, _columns, inner, outputs = weights.shape
    stride, dilation = int(o["stride_d"]), int(o["dilation_d_factor"])
    if stride < 1 or dilation < 1 or inner == 0 or channels % inner:
        raise Unsupported(
            f"stride {stride}, dilation {dilation}, {channels} channels with a filter for {inner}"
        )
    span = (taps - 1) * dilation + 1
    planes = -(-depth // stride) if o["padding"] == "same" else (depth - span) // stride + 1
    if planes < 1:
        raise Unsupported(f"a filter of depth {span} over {depth}")
    missing = max((planes - 1) * stride + span - depth, 0) if o["padding"] == "same" else 0
    data = x.data
    if missing:
        data = r.b.pad(data, paddings=(0, 0, missing // 2, missing - missing // 2, 0, 0, 0, 0, 0, 0))
    total: Any = None
    for tap in range(taps):
        first = tap * dilation
        end = first + (planes - 1) * stride + 1
        part = r.b.strided_slice(
            data, begin=(0, first), end=(0, end), strides=(1, stride), begin_mask=1, end_mask=1
        )
        merged = r.b.reshape(part, np.asarray([batch * planes, height, width, channels], np.int32))
        filters = r.b.strided_slice(
            weights.data, begin=(tap,), end=(tap + 1,), strides=(1,), shrink_axis_mask=1
        )
        y = r.b.conv2d(merged, filters, None, **_dilated(node), groups=channels // inner)
        total = y if total is None else r.b.add(total, y)
    _, high, wide, _ = fixed(total, range(4), "all sizes")
    total = r.b.reshape(total, np.asarray([batch, planes, high, wide, outputs], np.int32))
    bias = _bias(node, 2)
    return [activated(r, node, total if bias is None else r.b.add(total, bias))]


@handler("CONV_3D_TRANSPOSE")
def _conv_3d_transpose(r: Reading, node: Node) -> list[Tensor]:
    weights, x, o = node.input(1), node.input(2), node.options
    needs_float(weights, x)
    sizes = integers(node, 0, "the output shape")
    strides, dilations = (
        [int(o[name.format(a)]) for a in "dhw"] for name in ("stride_{}", "dilation_{}_factor")
    )
    given = fixed(x.data, (1, 2, 3), "the sizes of the volume")
    kernel = weights.shape[:3]
    if len(sizes) != 5 or min(*strides, *dilations) < 1:
        raise Unsupported(f"an output of {sizes} with strides {strides} and dilations {dilations}")
    before, after, more = [], [], []
    for size, stride, taps, dilation, wanted in zip(
        given, strides, kernel, dilations, sizes[1:4], strict=True
    ):
        surplus = (size - 1) * stride + (taps - 1) * dilation + 1 - wanted
        cut = max(surplus, 0) if o["padding"] == "same" else 0
        before.append(cut // 2)
        after.append(max(surplus, 0) - cut // 2)
        more.append(max(-surplus, 0))
    y = convolution.conv_transpose(
        r.b,
        r.b.transpose(x.data, permutation=(0, 4, 1, 2, 3)),
        r.b.transpose(weights.data, permutation=(4, 3, 0, 1, 2)),
        strides=strides,
        pads=(*before, *after),
        output_padding=more,
        dilations=dilations,
    )
    y = r.b.transpose(y, permutation=(0, 2, 3, 4, 1))
    bias = _bias(node, 3)
    return [activated(r, node, y if bias is None else r.b.add(y, bias))]
