"""Resizing, sampling, and what is made of windows of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.compose import convolution, image, pooling, sampling
from samara.exporter.frontends.onnx.handlers.network import fixed_shape, window
from samara.exporter.frontends.onnx.node import Node, op


@op("Resize", "Upsample")
def _resize(node: Node) -> Any:
    old = node.type == "Upsample" or node.opset < 11
    rank = node.rank()
    shape = node.shape()
    axes = [int(a) % rank for a in node.attr("axes") or range(rank)]
    scales: Any = node.attr("scales")
    sizes: Any = None
    if scales is None:
        given = node.value(1 if old else 2)
        scales = None if given is None or given.size == 0 else [float(s) for s in given.reshape(-1)]
        if not old and scales is None and node.given(3) is not None:
            sizes = [int(s) for s in node.constant(3, "the sizes").reshape(-1)]
        if scales is None and sizes is None:
            node.constant(1 if old else 2, "the scales")
            node.fail("it has neither scales nor sizes")
    lengths = [shape[a] for a in axes]
    changing = [i for i, a in enumerate(axes) if not _is_same(i, scales, sizes, lengths)]
    for i in changing:
        if not isinstance(lengths[i], int):
            node.fail(f"resizing a size that moves, {lengths[i]}", "fix the input's shape: shapes={...}")
    policy = node.attr("keep_aspect_ratio_policy", "stretch")
    if sizes is not None:
        ratios = [s / n if isinstance(n, int) else 1.0 for s, n in zip(sizes, lengths, strict=True)]
        if policy != "stretch":
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            sizes = [int(np.floor(ratio * n + 0.5)) if isinstance(n, int) else 0 for n in lengths]
            ratios = [ratio] * len(lengths)
        scales = ratios
        if policy != "stretch":
            changing = list(range(len(axes)))
    else:
        sizes = [
            int(np.floor(n * s + 1e-9)) if isinstance(n, int) else 0
            for n, s in zip(lengths, scales, strict=True)
        ]
    coordinates = "asymmetric" if old else node.attr("coordinate_transformation_mode", "half_pixel")
    roi = None
    if coordinates == "tf_crop_and_resize":
        parts = node.constant(1, "the region").reshape(2, -1)
        roi = [(float(parts[0, i]), float(parts[1, i])) for i in range(len(axes))]
        changing = list(range(len(axes)))
    mode = node.attr("mode", "nearest")
    return image.resize(
        node.b,
        node.input(),
        axes=[axes[i] for i in changing],
        sizes=[sizes[i] for i in changing],
        scales=[scales[i] for i in changing],
        mode={"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode),
        coordinates=coordinates,
        nearest_mode="floor" if old else node.attr("nearest_mode", "round_prefer_floor"),
        cubic_a=node.attr("cubic_coeff_a", -0.75),
        exclude_outside=bool(node.attr("exclude_outside", 0)),
        antialias=bool(node.attr("antialias", 0)),
        roi=None if roi is None else [roi[i] for i in changing],
        extrapolation_value=node.attr("extrapolation_value", 0.0),
    )


def _is_same(index: int, scales: Any, sizes: Any, lengths: Any) -> bool:
    return bool(scales[index] == 1.0 if scales is not None else sizes[index] == lengths[index])


@op("GridSample")
def _grid_sample(node: Node) -> Any:
    mode = node.attr("mode", "linear")
    return sampling.grid_sample(
        node.b,
        node.input(0),
        node.input(1),
        mode={"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode),
        padding_mode=node.attr("padding_mode", "zeros"),
        align_corners=bool(node.attr("align_corners", 0)),
    )


@op("RoiAlign")
def _roi_align(node: Node) -> Any:
    ratio = int(node.attr("sampling_ratio", 0))
    if ratio < 1:
        node.fail("a number of samples that depends on the size of each region", "give sampling_ratio, as 2")
    default = "half_pixel" if node.opset >= 16 else "output_half_pixel"
    return sampling.roi_align(
        node.b,
        node.input(0),
        node.input(1),
        node.input(2),
        output_size=(int(node.attr("output_height", 1)), int(node.attr("output_width", 1))),
        spatial_scale=node.attr("spatial_scale", 1.0),
        sampling_ratio=ratio,
        half_pixel=node.attr("coordinate_transformation_mode", default) == "half_pixel",
        largest=node.attr("mode", "avg") == "max",
    )


@op("Col2Im")
def _col2im(node: Node) -> Any:
    size = [int(v) for v in node.constant(1, "the size of the image").reshape(-1)]
    block = [int(v) for v in node.constant(2, "the size of the blocks").reshape(-1)]
    spatial = len(size)
    return sampling.col2im(
        node.b,
        node.input(0),
        image=size,
        block=block,
        strides=node.attr("strides") or [1] * spatial,
        pads=node.attr("pads") or [0] * (2 * spatial),
        dilations=node.attr("dilations") or [1] * spatial,
    )


@op("DeformConv")
def _deform_conv(node: Node) -> Any:
    weight = fixed_shape(node, 1, "the weights")
    kernel = [int(k) for k in node.attr("kernel_shape") or weight[2:]]
    return sampling.deform_conv(
        node.b,
        node.input(0),
        node.input(1),
        node.input(2),
        node.given(3),
        node.given(4),
        groups=int(node.attr("group", 1)),
        offset_groups=int(node.attr("offset_group", 1)),
        **window(node, kernel),
    )


@op("ConvTranspose")
def _conv_transpose(node: Node) -> Any:
    weight = fixed_shape(node, 1, "the weights")
    kernel = [int(k) for k in node.attr("kernel_shape") or weight[2:]]
    spatial = len(kernel)
    strides = [int(s) for s in node.attr("strides") or [1] * spatial]
    dilations = [int(d) for d in node.attr("dilations") or [1] * spatial]
    extra = [int(p) for p in node.attr("output_padding") or [0] * spatial]
    pads = [int(p) for p in node.attr("pads") or [0] * (2 * spatial)]
    auto = node.attr("auto_pad", "NOTSET")
    wanted = node.attr("output_shape")
    if wanted or auto in ("SAME_UPPER", "SAME_LOWER"):
        before, after = [], []
        for axis, size in enumerate(node.shape()[2:]):
            if not isinstance(size, int):
                node.fail(f"an output shape for a size that moves, {size}")
            whole = (size - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1 + extra[axis]
            total = whole - (int(wanted[axis]) if wanted else size * strides[axis])
            # What the convolution lacks is added after it.
            extra[axis] += max(-total, 0)
            first = max(total, 0) // 2 if auto == "SAME_UPPER" else (max(total, 0) + 1) // 2
            before.append(first)
            after.append(max(total, 0) - first)
        pads = before + after
    elif auto == "VALID":
        pads = [0] * (2 * spatial)
    return convolution.conv_transpose(
        node.b,
        node.input(0),
        node.input(1),
        node.given(2),
        strides=strides,
        pads=pads,
        output_padding=extra,
        dilations=dilations,
        groups=int(node.attr("group", 1)),
    )


@op("LpPool")
def _lp_pool(node: Node) -> Any:
    kernel = [int(k) for k in node.attr("kernel_shape")]
    return pooling.lp_pool(
        node.b,
        node.input(),
        kernel=kernel,
        ceil_mode=bool(node.attr("ceil_mode", 0)),
        p=int(node.attr("p", 2)),
        **window(node, kernel),
    )


@op("GlobalLpPool")
def _global_lp_pool(node: Node) -> Any:
    b, x = node.b, node.input()
    p = int(node.attr("p", 2))
    total = b.reduce_sum(b.power(b.abs(x), b.like(p, x)), axes=tuple(range(2, node.rank())), keepdims=True)
    return b.power(total, b.like(1.0 / p, x))
