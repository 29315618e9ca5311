"""Where the largest element of each window is, and elements put back there: with channels first."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.pooling import padding_of, part_along
from samara.exporter.frontends.compose.sizes import Size, product_of, sizes_of
from samara.graph import dtypes
from samara.graph.graph import Tensor


def max_pool_indices(
    b: Any,
    x: Tensor,
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: bool = False,
    whole: bool = False,
    column_major: bool = False,
) -> tuple[Tensor, Tensor]:
    """The largest value of each window of x [N, C, spatial...], and its place as an int64; the first of equal ones.

    Args:
        b: builds ops.
        x: the input.
        kernel: the window along each spatial axis.
        strides: along each spatial axis.
        pads: before each spatial axis, then after each.
        dilations: steps between the elements of a window.
        ceil_mode: whether a last window may reach over the end, as long as it begins before it.
        whole: whether places are counted through all of x, instead of through the image that they are in.
        column_major: whether places that are next to each other along the first spatial axis follow each other.
    """
    rank = len(x.shape or ())
    widths = padding_of(x, kernel, strides, pads, dilations, ceil_mode)
    sizes = sizes_of(b, x)
    least = -np.inf if x.dtype.is_floating else np.iinfo(x.dtype.numpy).min
    both = (0, 0, 0, 0, *(w for pair in widths for w in pair))
    padded = b.pad(x, paddings=both, value=float(least)) if any(both) else x
    counted = []  # along each spatial axis, what an element of it adds to a place
    for axis in range(2, rank):
        inner = sizes[2:axis] if column_major else sizes[axis + 1 :]
        steps = b.multiply(_numbers(b, sizes[axis]), _long(b, product_of(b, inner)))
        if any(widths[axis - 2]):
            steps = b.pad(steps, paddings=widths[axis - 2])
        counted.append(_placed(b, steps, axis, rank))
    best: Any = None
    place: Any = None
    for taps in itertools.product(*(range(k) for k in kernel)):
        part: Any = padded
        here: Any = None
        for axis, tap in enumerate(taps, 2):
            options = (axis, tap, kernel[axis - 2], dilations[axis - 2], strides[axis - 2])
            part = part_along(b, part, *options)
            steps = part_along(b, counted[axis - 2], *options)
            here = steps if here is None else b.add(here, steps)
        if best is None:
            best, place = part, b.broadcast_to(here, b.sizes(part))
            continue
        larger = b.greater(part, best)
        best, place = b.where(larger, part, best), b.where(larger, here, place)
    if whole:
        area = product_of(b, sizes[2:])
        for axis, step in ((0, product_of(b, [sizes[1], area])), (1, area)):
            before = b.multiply(_numbers(b, sizes[axis]), _long(b, step))
            place = b.add(place, _placed(b, before, axis, rank))
    return best, place


def max_unpool(b: Any, x: Tensor, indices: Tensor, sizes: Sequence[int], *, whole: bool = False) -> Tensor:
    """Zeros [N, C, *sizes] with the elements of x [N, C, spatial...] at the places that max_pool_indices gives.

    Raises:
        ValueError: the sizes of x move.
    """
    shape = x.shape or ()
    if not all(isinstance(n, int) for n in shape):
        raise ValueError("places are put back in images of fixed size only")
    images, area = int(np.prod([int(n) for n in shape[:2]])), int(np.prod(sizes))  # type: ignore[arg-type]
    places = b.cast(indices, dtype=dtypes.int64)
    rows = [1, images * int(np.prod([int(n) for n in shape[2:]]))]  # type: ignore[arg-type]
    if not whole:
        rows = [images, rows[1] // max(images, 1)]
    zeros = b.broadcast_to(b.like(0, x), np.array([rows[0], images * area // max(rows[0], 1)], np.int32))
    target = np.array(rows, np.int32)
    flat = b.scatter_elements(zeros, b.reshape(places, target), b.reshape(x, target), axis=1)
    made: Tensor = b.reshape(flat, np.array([*shape[:2], *sizes], np.int32))
    return made


def _numbers(b: Any, size: Size) -> Any:
    """0, 1, ... for each element of an axis."""
    if isinstance(size, int):
        return b.constant(np.arange(size, dtype=np.int64))
    return b.cast(b.range(np.int32(0), size, np.int32(1)), dtype=dtypes.int64)


def _long(b: Any, size: Size) -> Any:
    return b.constant(np.int64(size)) if isinstance(size, int) else b.cast(size, dtype=dtypes.int64)


def _placed(b: Any, vector: Any, axis: int, rank: int) -> Any:
    """A vector along one axis of many."""
    return b.reshape(vector, np.array([-1 if a == axis else 1 for a in range(rank)], np.int32))


__all__ = ["max_pool_indices", "max_unpool"]
