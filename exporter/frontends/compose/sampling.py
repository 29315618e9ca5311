"""Reading images between their pixels, at places that the graph computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.convolution import conv_transpose
from samara.exporter.frontends.compose.sizes import Size, cut, product_of, reshape, size_of, sizes_of
from samara.graph import dtypes
from samara.graph.graph import Tensor


def _fixed(x: Tensor, first: int) -> list[int]:
    sizes = list((x.shape or ())[first:])
    if not all(isinstance(d, int) for d in sizes):
        raise ValueError(f"spatial sizes that move, {sizes}")
    return [int(d) for d in sizes if isinstance(d, int)]


def _real(b: Any, size: Size, like: Tensor, plus: float = 0.0, times: float = 1.0) -> Any:
    """(size + plus) * times, as a scalar of a tensor's dtype."""
    if isinstance(size, int):
        return b.like((size + plus) * times, like)
    scalar = b.cast(size, dtype=like.dtype)
    scalar = b.add(scalar, b.like(plus, like)) if plus else scalar
    return b.multiply(scalar, b.like(times, like)) if times != 1 else scalar


def _within(b: Any, place: Any, size: Size) -> Any:
    """Places no further than the first and the last element."""
    if isinstance(size, int):
        return b.clip(place, minimum=0.0, maximum=float(size - 1))
    return b.maximum(b.minimum(place, _real(b, size, place, -1)), b.like(0, place))


def _counting(b: Any, size: Size, like: Tensor) -> Any:
    """0, 1, ... for each element of an axis, in a tensor's dtype."""
    if isinstance(size, int):
        return b.constant(np.arange(size, dtype=like.dtype.numpy))
    return b.cast(b.range(np.int32(0), size, np.int32(1)), dtype=like.dtype)


def _times(b: Any, index: Any, size: Size) -> Any:
    """Whole numbers times a size."""
    return b.multiply(index, b.constant(np.int32(size)) if isinstance(size, int) else size)


class _Pixels:
    """The pixels of x [N, C, spatial...], to be read at whole places [N, P] of each image."""

    def __init__(self, b: Any, x: Tensor) -> None:
        self.b = b
        batch, channels, *self.sizes = sizes_of(b, x)
        last = b.transpose(x, permutation=(0, *range(2, len(x.shape or ())), 1))
        self.flat = reshape(b, last, [batch, product_of(b, self.sizes), channels])

    def at(self, places: Sequence[Tensor], *, zeros: bool) -> Any:
        """Pixels [N, P, C] at integers given as real numbers, one for each axis; 0 outside, or the edge's."""
        b = self.b
        index: Any = None
        inside: Any = None
        for place, size in zip(places, self.sizes, strict=True):
            if zeros:
                within = b.logical_and(
                    b.greater_equal(place, b.like(0, place)),
                    b.less_equal(place, _real(b, size, place, -1)),
                )
                inside = within if inside is None else b.logical_and(inside, within)
            whole = b.cast(_within(b, place, size), dtype=dtypes.int32)
            index = whole if index is None else b.add(_times(b, index, size), whole)
        pixels = b.gather(self.flat, index, axis=1, batch_dims=1)
        if inside is not None:
            pixels = b.where(b.expand_dims(inside, axis=2), pixels, b.like(0, pixels))
        return pixels

    def linear(self, places: Sequence[Tensor], *, zeros: bool) -> Any:
        """Pixels [N, P, C] between their neighbours along each axis."""
        b = self.b
        floors = [b.floor(p) for p in places]
        ratios = [b.subtract(p, f) for p, f in zip(places, floors, strict=True)]
        total: Any = None
        for corner in range(2 ** len(places)):
            corners, weight = [], None
            for axis, (f, r) in enumerate(zip(floors, ratios, strict=True)):
                upper = corner >> axis & 1
                corners.append(b.add(f, b.like(1, f)) if upper else f)
                factor = r if upper else b.subtract(b.like(1, r), r)
                weight = factor if weight is None else b.multiply(weight, factor)
            part = b.multiply(self.at(corners, zeros=zeros), b.expand_dims(weight, axis=2))
            total = part if total is None else b.add(total, part)
        return total


def grid_sample(
    b: Any,
    x: Tensor,
    grid: Tensor,
    *,
    mode: str = "linear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> Tensor:
    """X [N, C, spatial...] read at places grid [N, spatial..., axes] from -1 to 1, the last axis first.

    Args:
        b: builds ops.
        x: images or volumes.
        grid: where each output element lies.
        mode: linear, nearest (half to even) or cubic (over two axes, coefficient -0.75).
        padding_mode: zeros, border or reflection.
        align_corners: whether -1 and 1 are the centres of the outermost pixels, rather than their outer edges.
    """
    pixels = _Pixels(b, x)
    spatial = len(pixels.sizes)
    batch, *out, _ = sizes_of(b, grid)
    flat = reshape(b, grid, [batch, product_of(b, out), spatial])
    places, limits = [], []
    for axis, size in enumerate(pixels.sizes):
        g = b.squeeze(cut(b, flat, 2, spatial - 1 - axis, spatial - axis), axes=(2,))
        if align_corners:
            place = b.multiply(b.add(g, b.like(1, g)), _real(b, size, g, -1, 0.5))
            limits.append((0.0, _real(b, size, g, -1)))
        else:
            place = b.subtract(b.multiply(b.add(g, b.like(1, g)), _real(b, size, g, 0, 0.5)), b.like(0.5, g))
            limits.append((-0.5, _real(b, size, g)))
        places.append(place)
    zeros = padding_mode == "zeros"
    if mode == "cubic":
        y = _cubic(b, pixels, places, limits, padding_mode)
    else:
        moved = [
            _into(b, p, size, limit, padding_mode)
            for p, size, limit in zip(places, pixels.sizes, limits, strict=True)
        ]
        if mode == "nearest":
            y = pixels.at([b.round(p) for p in moved], zeros=zeros)
        else:
            y = pixels.linear(moved, zeros=zeros)
    image = reshape(b, y, [batch, *out, size_of(b, x, 1)])
    made: Tensor = b.transpose(image, permutation=(0, spatial + 1, *range(1, spatial + 1)))
    return made


def affine_grid(b: Any, theta: Tensor, sizes: Sequence[Size], *, align_corners: bool = False) -> Tensor:
    """The grid [N, spatial..., axes] that reads images as the matrices theta [N, axes, axes + 1] turn them.

    Args:
        b: builds ops.
        theta: of each image, what its places are multiplied with: the last axis first, then 1.
        sizes: of the spatial axes.
        align_corners: as in grid_sample.
    """
    spatial = len(sizes)
    made: Any = None
    for axis, size in enumerate(sizes):
        steps = _counting(b, size, theta)
        if align_corners:
            # The only element of an axis is at 1, as onnxruntime has it.
            last = _real(b, size, theta, -1)
            back = b.multiply(b.subtract(last, steps), b.like(2, theta))
            place = b.subtract(b.like(1, theta), b.divide(back, b.maximum(last, b.like(1, theta))))
        else:
            twice = b.add(b.multiply(steps, b.like(2, theta)), b.like(1, theta))
            place = b.subtract(b.divide(twice, _real(b, size, theta)), b.like(1, theta))
        # theta's columns are the last axis first.
        column = cut(b, theta, 2, spatial - 1 - axis, spatial - axis)
        column = b.reshape(column, [-1, *(1,) * spatial, spatial])
        place = b.reshape(place, [-1 if a == axis else 1 for a in range(spatial)] + [1])
        part = b.multiply(column, place)
        made = part if made is None else b.add(made, part)
    shift = b.reshape(cut(b, theta, 2, spatial, None), [-1, *(1,) * spatial, spatial])
    grid: Tensor = b.add(made, shift)
    return grid


def _into(b: Any, place: Any, size: Size, limit: tuple[float, Any], padding_mode: str) -> Any:
    """Places outside the image as the padding has them."""
    if padding_mode == "border":
        return _within(b, place, size)
    if padding_mode == "reflection":
        return _within(b, _reflected(b, place, limit), size)
    return place


def _reflected(b: Any, place: Any, limit: tuple[float, Any]) -> Any:
    """Places mirrored at the limits, a lowest place and how much is above it, until they lie between them."""
    low, span = limit
    away = b.abs(b.subtract(place, b.like(low, place)))
    # Where nothing is above it, nothing is left of any place.
    turns = b.floor(b.divide(away, b.maximum(span, b.like(1, place))))
    rest = b.subtract(away, b.multiply(turns, span))
    half = b.multiply(turns, b.like(0.5, place))
    even = b.equal(half, b.floor(half))
    return b.add(b.where(even, rest, b.subtract(span, rest)), b.like(low, place))


def _cubic(
    b: Any, pixels: _Pixels, places: Sequence[Any], limits: Sequence[tuple[float, Any]], padding_mode: str
) -> Any:
    if len(places) != 2:
        raise ValueError("cubic sampling over other than two axes")
    floors = [b.floor(p) for p in places]
    weights = [_cubic_weights(b, b.subtract(p, f)) for p, f in zip(places, floors, strict=True)]
    total: Any = None
    for i in range(4):
        for j in range(4):
            taps = []
            for f, offset, size, limit in zip(floors, (i - 1, j - 1), pixels.sizes, limits, strict=True):
                taps.append(_into(b, b.add(f, b.like(offset, f)), size, limit, padding_mode))
            if padding_mode == "reflection":
                taps = [b.round(t) for t in taps]
            weight = b.expand_dims(b.multiply(weights[0][i], weights[1][j]), axis=2)
            part = b.multiply(pixels.at(taps, zeros=padding_mode == "zeros"), weight)
            total = part if total is None else b.add(total, part)
    return total


def _cubic_weights(b: Any, ratio: Any, a: float = -0.75) -> list[Any]:
    def like(value: float) -> Any:
        return b.like(value, ratio)

    def polynomial(t: Any, coefficients: Sequence[float]) -> Any:
        value = like(coefficients[0])
        for c in coefficients[1:]:
            value = b.add(b.multiply(value, t), like(c))
        return value

    one = like(1)
    near, far = (a + 2, -(a + 3), 0.0, 1.0), (a, -5 * a, 8 * a, -4 * a)
    return [
        polynomial(b.add(ratio, one), far),
        polynomial(ratio, near),
        polynomial(b.subtract(one, ratio), near),
        polynomial(b.subtract(like(2), ratio), far),
    ]


def roi_align(
    b: Any,
    x: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    *,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    half_pixel: bool = True,
    largest: bool = False,
) -> Tensor:
    """Regions of x [N, C, H, W] as images [R, C, height, width]: He et al., Mask R-CNN (2017).

    Args:
        b: builds ops.
        x: the images.
        rois: [R, 4]: left, top, right, bottom.
        batch_indices: [R]: the image of each region.
        output_size: height and width.
        spatial_scale: from the regions' coordinates to those of x.
        sampling_ratio: samples along each axis of an output pixel, at least 1.
        half_pixel: whether coordinates are those of the pixels' corners.
        largest: whether a pixel is the largest weighted neighbour of its samples, instead of their mean.
    """
    _, channels, height, width = sizes_of(b, x)
    per_axis = []
    offset = 0.5 if half_pixel else 0.0
    for axis, (count, size) in enumerate(zip(output_size, (height, width), strict=True)):
        low, high = (
            b.subtract(
                b.multiply(
                    b.strided_slice(
                        rois, begin=[0, c], end=[0, c + 1], strides=[1, 1], begin_mask=1, end_mask=1
                    ),
                    b.like(spatial_scale, rois),
                ),
                b.like(offset, rois),
            )
            for c in (1 - axis, 3 - axis)
        )
        length = b.subtract(high, low)
        if not half_pixel:
            length = b.maximum(length, b.like(1, length))
        steps = (np.arange(count * sampling_ratio) + 0.5) / (count * sampling_ratio)
        place = b.add(low, b.multiply(length, b.constant(steps.astype(np.float32)[None])))
        per_axis.append(_roi_neighbours(b, place, size))
    (y_low, y_high, y_ratio, y_inside), (x_low, x_high, x_ratio, x_inside) = per_axis
    last = b.transpose(x, permutation=(0, 2, 3, 1))
    flat = reshape(b, last, [product_of(b, sizes_of(b, last)[:3]), channels])
    first = _times(b, b.cast(batch_indices, dtype=dtypes.int32), product_of(b, [height, width]))
    images = b.reshape(first, [-1, 1, 1])
    inside = b.logical_and(b.expand_dims(y_inside, axis=2), b.expand_dims(x_inside, axis=1))
    parts = []
    for y_at, y_weight in ((y_low, b.subtract(b.like(1, y_ratio), y_ratio)), (y_high, y_ratio)):
        for x_at, x_weight in ((x_low, b.subtract(b.like(1, x_ratio), x_ratio)), (x_high, x_ratio)):
            row = _times(b, b.expand_dims(y_at, axis=2), width)
            index = b.add(b.add(row, b.expand_dims(x_at, axis=1)), images)
            weight = b.multiply(b.expand_dims(y_weight, axis=2), b.expand_dims(x_weight, axis=1))
            weight = b.where(inside, weight, b.like(0, weight))
            parts.append(b.multiply(b.gather(flat, index, axis=0), b.expand_dims(weight, axis=3)))
    joined = parts[0]
    for part in parts[1:]:
        joined = b.maximum(joined, part) if largest else b.add(joined, part)
    split = [output_size[0], sampling_ratio, output_size[1], sampling_ratio, channels]
    samples = reshape(b, joined, [size_of(b, rois, 0), *split])
    reduce = b.reduce_max if largest else b.reduce_mean
    made: Tensor = b.transpose(reduce(samples, axes=(2, 4)), permutation=(0, 3, 1, 2))
    return made


def _roi_neighbours(b: Any, place: Any, size: Size) -> tuple[Any, Any, Any, Any]:
    """The pixels around places along one axis, how far between them, and whether the place is near the image."""
    inside = b.logical_and(
        b.greater_equal(place, b.like(-1, place)), b.less_equal(place, _real(b, size, place))
    )
    within = _within(b, place, size)
    low = b.floor(within)
    high = b.minimum(b.add(low, b.like(1, low)), _real(b, size, low, -1))
    return (
        b.cast(low, dtype=dtypes.int32),
        b.cast(high, dtype=dtypes.int32),
        b.subtract(within, low),
        inside,
    )


def max_roi_pool(
    b: Any, x: Tensor, rois: Tensor, *, output_size: tuple[int, int], spatial_scale: float
) -> Tensor:
    """The largest pixels of regions of x [N, C, H, W], [R, C, height, width]: Girshick, Fast R-CNN (2015).

    Args:
        b: builds ops.
        x: the images.
        rois: [R, 5]: the image of each region, and its first and last column and row: left, top, right, bottom.
        output_size: height and width: as many parts, which may overlap, are made of a region; 0 is that of none.
        spatial_scale: from the regions' coordinates to those of x, which are rounded.
    """

    def column(at: int) -> Any:
        return cut(b, rois, 1, at, at + 1)

    def whole(at: int) -> Any:
        # Half rounds away from zero.
        scaled = b.multiply(column(at), b.like(spatial_scale, rois))
        return b.multiply(b.sign(scaled), b.floor(b.add(b.abs(scaled), b.like(0.5, scaled))))

    batch = b.squeeze(b.cast(column(0), dtype=dtypes.int32), axes=(1,))
    found: Any = b.gather(x, batch, axis=0)
    some: Any = None
    # Largest along rows, then along columns: each part is all of its rows within all of its columns.
    for axis, count in ((3, output_size[1]), (2, output_size[0])):
        size = size_of(b, x, axis)
        first = whole(1 + (3 - axis))
        length = b.add(b.subtract(whole(3 + (3 - axis)), first), b.like(1, first))
        step = b.divide(b.maximum(length, b.like(1, length)), b.like(count, length))
        places = _counting(b, size, rois)
        parts, any_of = [], []
        for part in range(count):
            begin = b.add(b.floor(b.multiply(step, b.like(part, step))), first)
            end = b.add(b.ceil(b.multiply(step, b.like(part + 1, step))), first)
            taken = b.logical_and(b.greater_equal(places, begin), b.less(places, end))
            along = b.expand_dims(b.expand_dims(taken, axis=1), axis=2 if axis == 3 else 3)
            parts.append(
                b.reduce_max(b.where(along, found, b.like(-np.inf, found)), axes=(axis,), keepdims=True)
            )
            any_of.append(b.reduce_any(along, axes=(axis,), keepdims=True))
        found = b.concat(parts, axis=axis) if count > 1 else parts[0]
        there = b.concat(any_of, axis=axis) if count > 1 else any_of[0]
        some = there if some is None else b.logical_and(some, there)
    pooled: Tensor = b.where(some, found, b.like(0, found))
    return pooled


def col2im(
    b: Any,
    x: Tensor,
    *,
    image: Sequence[int],
    block: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
) -> Tensor:
    """Blocks [N, C * elements, blocks] added up where they lie in images [N, C, spatial...].

    It is a transposed convolution whose filter puts each element of a block into its place.
    """
    spatial = len(image)
    shape: Any = x.shape
    elements = int(np.prod(block))
    channels = shape[1] // elements
    counts, extra = [], []
    for axis in range(spatial):
        reach = (block[axis] - 1) * dilations[axis] + 1
        room = image[axis] + pads[axis] + pads[spatial + axis]
        counts.append((room - reach) // strides[axis] + 1)
        extra.append(room - reach - (counts[-1] - 1) * strides[axis])
    batch = shape[0] if isinstance(shape[0], int) else -1
    blocks = b.reshape(x, [batch, channels * elements, *counts])
    filters = np.tile(np.eye(elements, dtype=x.dtype.numpy), (channels, 1)).reshape(-1, 1, *block)
    return conv_transpose(
        b,
        blocks,
        b.constant(filters),
        strides=strides,
        pads=pads,
        output_padding=extra,
        dilations=dilations,
        groups=channels,
    )


def deform_conv(
    b: Any,
    x: Tensor,
    weight: Tensor,
    offset: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    groups: int = 1,
    offset_groups: int = 1,
) -> Tensor:
    """A convolution whose filter elements are moved by offsets: Zhu et al., Deformable ConvNets v2 (2018).

    Args:
        b: builds ops.
        x: [N, C, H, W], of fixed size.
        weight: [O, C / groups, KH, KW].
        offset: [N, offset_groups * KH * KW * 2, OH, OW]: for each filter element, down and right.
        bias: [O].
        mask: [N, offset_groups * KH * KW, OH, OW]: factors.
        strides: height, width.
        pads: top, left, bottom, right.
        dilations: height, width.
        groups: groups of channels that do not see each other.
        offset_groups: groups of channels that share offsets.
    """
    sizes: Any = x.shape
    taps: Any = weight.shape
    batch, channels = sizes[0], sizes[1]
    rows, columns = _fixed(offset, 2)
    outputs, _, kh, kw = taps
    count = kh * kw
    first = batch if isinstance(batch, int) else -1
    moved = b.reshape(offset, [first, offset_groups, count, 2, rows * columns])
    factors = None if mask is None else b.reshape(mask, [first, offset_groups, count, rows * columns])
    base_y = (np.arange(rows) * strides[0] - pads[0]).repeat(columns)
    base_x = np.tile(np.arange(columns) * strides[1] - pads[1], rows)

    def pick(tensor: Any, *indices: int) -> Any:
        begin = [0, *indices]
        return b.strided_slice(
            tensor,
            begin=begin,
            end=[i + 1 for i in begin],
            strides=[1] * len(begin),
            begin_mask=1,
            end_mask=1,
            shrink_axis_mask=((1 << len(begin)) - 1) & ~1,
        )

    per_group = channels // offset_groups
    parts = b.split(x, axis=1, sizes=(per_group,) * offset_groups) if offset_groups > 1 else [x]
    columns_of = []
    for tap in range(count):
        read = []
        for group in range(offset_groups):
            y = b.add(
                pick(moved, group, tap, 0), b.constant((base_y + tap // kw * dilations[0]).astype(np.float32))
            )
            z = b.add(
                pick(moved, group, tap, 1), b.constant((base_x + tap % kw * dilations[1]).astype(np.float32))
            )
            pixels = _Pixels(b, parts[group]).linear([y, z], zeros=True)
            if factors is not None:
                pixels = b.multiply(pixels, b.expand_dims(pick(factors, group, tap), axis=2))
            read.append(pixels)
        columns_of.append(b.concat(read, axis=2) if len(read) > 1 else read[0])
    stacked = b.stack(columns_of, axis=2)
    per_channel = channels // groups
    results = []
    for group in range(groups):
        low, high = group * per_channel, (group + 1) * per_channel
        part = b.strided_slice(
            stacked, begin=[0, 0, 0, low], end=[0, 0, 0, high], strides=[1] * 4, begin_mask=7, end_mask=7
        )
        flat = b.reshape(part, [first, rows * columns, count * per_channel])
        share = outputs // groups
        own = b.strided_slice(weight, begin=[group * share], end=[(group + 1) * share], strides=[1])
        matrix = b.reshape(b.transpose(own, permutation=(2, 3, 1, 0)), [count * per_channel, share])
        results.append(b.matmul(flat, matrix))
    joined = b.concat(results, axis=2) if groups > 1 else results[0]
    if bias is not None:
        joined = b.add(joined, bias)
    image = b.reshape(joined, [first, rows, columns, outputs])
    made: Tensor = b.transpose(image, permutation=(0, 3, 1, 2))
    return made


__all__ = ["affine_grid", "col2im", "deform_conv", "grid_sample", "max_roi_pool", "roi_align"]
