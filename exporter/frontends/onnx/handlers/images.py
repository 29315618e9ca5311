"""Resizing, sampling, and what is made of windows of images."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from samara.exporter.frontends.compose import convolution, image, pooling, sampling
from samara.exporter.frontends.compose.sizes import Size, size_of
from samara.exporter.frontends.onnx.handlers.network import fixed_shape, window
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dims, dtypes


@op("Resize", "Upsample")
def _resize(node: Node) -> Any:
    old = node.type == "Upsample" or node.opset < 11
    axes = [int(a) % node.rank() for a in node.attr("axes") or range(node.rank())]
    sizes, scales, changing = _resized(node, axes, 1 if old else 2)
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


def _resized(node: Node, axes: list[int], index: int) -> tuple[list[Size], list[float], list[int]]:
    """The size of each axis, its scale (0: that of the sizes), and which axes change at all."""
    lengths = [node.shape()[a] for a in axes]
    scales: Any = node.attr("scales")
    if scales is None and node.given(index) is not None and node.input(index).shape != (0,):
        scales = [float(s) for s in node.constant(index, "the scales").reshape(-1)]
    if scales:
        if not (len(scales) == len(axes) and all(s > 0 and np.isfinite(s) for s in scales)):
            node.fail(f"scales {scales} are not {len(axes)} positive numbers")
        sizes = [_scaled(node, a, s) for a, s in zip(axes, scales, strict=True)]
        return sizes, scales, [i for i, s in enumerate(scales) if s != 1.0]
    if node.type == "Upsample" or node.given(3) is None:
        node.fail("it has neither scales nor sizes")
    wanted = node.sizes(3)
    if wanted is None or len(wanted) != len(axes):
        node.fail("the sizes must follow from the shapes of the model's inputs, one for each axis")
    policy = node.attr("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        changing = [i for i, n in enumerate(lengths) if wanted[i] != n]
        return [_element(node, 3, i) for i in range(len(axes))], [0.0] * len(axes), changing
    if not all(isinstance(n, int) for n in (*wanted, *lengths)):
        node.fail(
            f"{policy} of sizes that move, {dims.text(tuple(lengths))} to {dims.text(wanted)}",
            "fix them: shapes={...}",
        )
    ratios = [int(s) / int(n) for s, n in zip(wanted, lengths, strict=True)]  # type: ignore[arg-type]
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    kept: list[Size] = [int(np.floor(ratio * int(n) + 0.5)) for n in lengths]  # type: ignore[arg-type]
    return kept, [ratio] * len(axes), list(range(len(axes)))


def _element(node: Node, index: int, place: int) -> Size:
    """An element of a small integer input."""
    known = node.sizes(index)
    if known is not None and isinstance(known[place], int):
        return int(known[place])  # type: ignore[arg-type]
    element: Size = node.b.strided_slice(
        node.b.cast(node.input(index), dtype=dtypes.int32),
        begin=(place,),
        end=(place + 1,),
        strides=(1,),
        shrink_axis_mask=1,
    )
    return element


def _scaled(node: Node, axis: int, scale: float) -> Size:
    """The size of an axis times a float32, rounded down."""
    size = size_of(node.b, node.input(), axis)
    if isinstance(size, int):
        return int(np.floor(np.float32(size) * np.float32(scale)))
    if scale == 1.0:
        return size
    b = node.b
    ratio = Fraction(scale).limit_denominator(1000)
    if np.float32(float(ratio)) != np.float32(scale):
        ratio = Fraction(float(np.float32(scale)))
    if ratio.denominator == 1:
        return b.multiply(size, b.like(ratio.numerator, size))  # type: ignore[no-any-return]
    wide = b.multiply(b.cast(size, dtype=dtypes.int64), np.int64(ratio.numerator))
    made: Size = b.cast(b.floor_divide(wide, np.int64(ratio.denominator)), dtype=dtypes.int32)
    return made


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


@op("AffineGrid")
def _affine_grid(node: Node) -> Any:
    count = node.shape(1)[0]
    if not isinstance(count, int):
        node.fail("how many axes its size has is not known")
    sizes = [_element(node, 1, i) for i in range(2, count)]
    return sampling.affine_grid(
        node.b, node.input(0), sizes, align_corners=bool(node.attr("align_corners", 0))
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


@op("MaxRoiPool")
def _max_roi_pool(node: Node) -> Any:
    height, width = (int(n) for n in node.attr("pooled_shape"))
    return sampling.max_roi_pool(
        node.b,
        node.input(0),
        node.input(1),
        output_size=(height, width),
        spatial_scale=node.attr("spatial_scale", 1.0),
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
            # An output of size * stride lacks the same at every size.
            total = (kernel[axis] - 1) * dilations[axis] + 1 + extra[axis] - strides[axis]
            if wanted:
                if not isinstance(size, int):
                    node.fail(f"an output shape for a size that moves, {size}")
                total += size * strides[axis] - int(wanted[axis])
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
