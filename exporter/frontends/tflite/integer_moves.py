"""Nodes that change the scale of integers or move them."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.tflite import tables
from samara.exporter.frontends.tflite.integer_scales import (
    F,
    handler,
    ratio,
    same_scale,
    scale_of,
    scales_of,
    zero_point_of,
)
from samara.exporter.frontends.tflite.multipliers import (
    limits,
)
from samara.exporter.frontends.tflite.node import Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor


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
            **ratio(scale_of(x), scale_of(y)).named(),
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
    if x.scale is not None and x.scale.size > 1:
        return [_dequantized(r, x, y)]
    return [r.b.dequantize(x.data, scale=float(scale_of(x)), zero_point=zero_point_of(x), dtype=y.dtype)]


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
    if x.dtype is dtypes.int16:
        return x.data  # as it is, whatever it stands for
    if x.dtype is not dtypes.uint8:
        raise Unsupported("a concatenation of different scales", "quantize the model with one scale for them")
    made: Tensor = r.b.lookup_table(x.data, tables.rescaled_by_float(scales_of(x, y)))
    return made


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


def _dequantized(r: Reading, x: Operand, y: Operand) -> Tensor:
    """With a scale for each index along an axis."""
    assert x.scale is not None
    shape = [1] * len(x.shape)
    shape[x.axis] = x.scale.size
    zero_points = np.zeros(x.scale.shape) if x.zero_point is None else x.zero_point
    zero_points = np.broadcast_to(zero_points, x.scale.shape).astype(np.int32).reshape(shape)
    offsets = r.b.subtract(r.b.cast(x.data, dtype=dtypes.int32), zero_points)
    made: Tensor = r.b.multiply(
        r.b.cast(offsets, dtype=y.dtype), x.scale.reshape(shape).astype(y.dtype.numpy)
    )
    return made


@handler("SPACE_TO_BATCH_ND")
def _space_to_batch(r: Reading, node: Node) -> list[Tensor]:
    """The border is what stands for 0."""
    x, blocks, paddings = node.input(0), node.input(1).value, node.input(2).value
    if blocks is None or paddings is None:
        raise Unsupported("blocks or paddings that are computed")
    count = blocks.size
    sizes = node.output.shape[1 : 1 + count]
    rest = node.output.shape[1 + count :]
    if not all(isinstance(d, int) for d in (*sizes, *rest)):
        raise Unsupported("sizes that are not known")
    around = ((0, 0), *paddings.reshape(-1, 2).tolist(), *((0, 0) for _ in rest))
    flat = tuple(int(p) for pair in around for p in pair)
    padded = r.b.pad(x.data, paddings=flat, value=float(zero_point_of(node.output)))
    split = [n for size, block in zip(sizes, blocks.reshape(-1).tolist(), strict=True) for n in (size, block)]
    parts = r.b.reshape(padded, np.asarray([-1, *split, *rest], np.int32))
    order = (*range(2, 2 + 2 * count, 2), 0, *range(1, 1 + 2 * count, 2))
    moved = r.b.transpose(parts, permutation=(*order, *range(1 + 2 * count, 1 + 2 * count + len(rest))))
    return [r.b.reshape(moved, np.asarray([-1, *sizes, *rest], np.int32))]


@handler("RESIZE_BILINEAR")
def _resize_bilinear(r: Reading, node: Node) -> list[Tensor]:
    x, size = node.input(0), node.input(1).value
    same_scale(node, x, node.output)
    if size is None:
        raise Unsupported("a size that is computed")
    if x.dtype is dtypes.uint8:
        return [_resized_by_float(r, node, x, [int(s) for s in size.reshape(-1)])]
    return [
        r.b.integer_resize_bilinear(
            x.data,
            size=tuple(int(s) for s in size.reshape(-1)),
            align_corners=bool(node.options.get("align_corners", False)),
            half_pixel_centers=bool(node.options.get("half_pixel_centers", False)),
        )
    ]


def _resized_by_float(r: Reading, node: Node, x: Operand, size: list[int]) -> Tensor:
    """Images of uint8: by float32, in the order of the reference kernel."""
    sides = x.shape[1:3]
    if not all(isinstance(d, int) and d > 0 for d in sides):
        raise Unsupported("images of a size that is not known")
    image = r.b.cast(x.data, dtype=dtypes.float32)
    corners: list[Tensor] = []
    weights: list[tuple[Any, Any]] = []
    for axis in (0, 1):
        low, high_, rest = _places(node, int(sides[axis]), size[axis])
        shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
        weights.append(((F(1) - rest).reshape(shape), rest.reshape(shape)))
        corners = [
            r.b.gather(c, place, axis=axis + 1) for c in (corners or [image]) for place in (low, high_)
        ]
    # Above left, above right, below left, below right; the kernel adds below left before above right.
    (up, down), (left, right) = weights
    parts = [
        r.b.multiply(r.b.multiply(corner, vertical), horizontal)
        for corner, vertical, horizontal in (
            (corners[0], up, left),
            (corners[2], down, left),
            (corners[1], up, right),
            (corners[3], down, right),
        )
    ]
    total = parts[0]
    for part in parts[1:]:
        total = r.b.add(total, part)
    made: Tensor = r.b.cast(r.b.add(total, F(0.5)), dtype=dtypes.uint8)
    return made


def _places(node: Node, size: int, into: int) -> tuple[Any, Any, Any]:
    """For each output position the two input positions beside it, and how far it is from the first."""
    step = F(size) / F(into)
    if node.options.get("align_corners", False) and into > 1:
        step = F(size - 1) / F(into - 1)
    half = F(0.5) if node.options.get("half_pixel_centers", False) else F(0)
    real = (np.arange(into).astype(F) + half) * step - half
    low = np.clip(np.floor(real).astype(np.int32), 0, size - 1)
    high_ = np.clip(np.ceil(real).astype(np.int32), 0, size - 1)
    return low, high_, real - low.astype(F)
