"""Resizing along any axes: each output element is a few input elements, weighted.

Which ones, and their weights, follows from the sizes: Keys, Cubic convolution interpolation for digital image
processing (1981) for cubic; the coordinate transformations are those of ONNX's Resize.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph import dtypes
from samara.graph.graph import Tensor

Array = np.ndarray[Any, Any]

# Up to this many elements for each output, slices are weighted and added; beyond, a matrix does it.
_FEW = 6


def resize(
    b: Any,
    x: Tensor,
    *,
    axes: Sequence[int],
    sizes: Sequence[int],
    scales: Sequence[float],
    mode: str = "nearest",
    coordinates: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_a: float = -0.75,
    exclude_outside: bool = False,
    antialias: bool = False,
    roi: Sequence[tuple[float, float]] | None = None,
    extrapolation_value: float = 0.0,
) -> Tensor:
    """X resized along axes.

    Args:
        b: builds ops.
        x: any tensor whose sizes along the axes are numbers.
        axes: which axes change.
        sizes: the output's size along each of them.
        scales: the factor along each of them, which need not be that of the sizes exactly.
        mode: nearest, linear or cubic.
        coordinates: half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric,
            tf_half_pixel_for_nn or tf_crop_and_resize.
        nearest_mode: round_prefer_floor, round_prefer_ceil, floor or ceil.
        cubic_a: the coefficient of cubic interpolation.
        exclude_outside: whether elements outside count nothing, instead of repeating the edge.
        antialias: whether an axis that shrinks is averaged over all that an output element covers.
        roi: for tf_crop_and_resize, the part of each axis, from 0 to 1.
        extrapolation_value: for tf_crop_and_resize, what is outside.

    Raises:
        ValueError: an unknown mode, or a size that moves.
    """
    shape = x.shape or ()
    dtype = x.dtype
    rank = len(shape)
    inside: Any = None
    y: Any = x
    if mode != "nearest" and not dtype.is_floating:
        y = b.cast(y, dtype=dtypes.float32)
    for position, axis in enumerate(axes):
        size = shape[axis]
        if not isinstance(size, int):
            raise ValueError(f"resizing a size that moves, {size}")
        part = roi[position] if roi is not None else (0.0, 1.0)
        where = _coordinates(coordinates, size, sizes[position], scales[position], part)
        indices, weights = _taps(
            where, size, scales[position], mode, nearest_mode, cubic_a, exclude_outside, antialias
        )
        spread = [-1 if a == axis else 1 for a in range(rank)]
        if coordinates == "tf_crop_and_resize":
            within = ((where >= 0) & (where <= size - 1)).reshape(spread)
            inside = within if inside is None else inside & within
        y = _weighted(b, y, axis, indices, weights, spread)
    if inside is not None and not inside.all():
        outside = b.constant(np.asarray(extrapolation_value, y.dtype.numpy))
        y = b.where(b.constant(inside), y, outside)
    made: Tensor = y if y.dtype is dtype else b.cast(y, dtype=dtype)
    return made


def _weighted(b: Any, x: Any, axis: int, indices: Array, weights: Array, spread: list[int]) -> Any:
    shape: Any = x.shape
    size = int(shape[axis])
    count = indices.shape[1]
    same = np.array_equal(indices[:, 0], np.arange(size)) and bool(np.all(weights[:, 0] == 1))
    if same and bool(np.all(weights[:, 1:] == 0)):
        return x
    if count > _FEW:
        matrix = np.zeros((size, len(indices)), np.float64)
        for tap in range(count):
            np.add.at(matrix, (indices[:, tap], np.arange(len(indices))), weights[:, tap])
        rank = len(shape)
        last = [a for a in range(rank) if a != axis] + [axis]
        product = b.matmul(b.transpose(x, permutation=tuple(last)), b.constant(matrix.astype(x.dtype.numpy)))
        back = tuple(last.index(a) for a in range(rank))
        return b.transpose(product, permutation=back)
    total = None
    for tap in range(count):
        if not weights[:, tap].any():
            continue
        part = b.gather(x, b.constant(indices[:, tap].astype(np.int32)), axis=axis)
        if not np.all(weights[:, tap] == 1):
            part = b.multiply(part, b.constant(weights[:, tap].reshape(spread).astype(x.dtype.numpy)))
        total = part if total is None else b.add(total, part)
    assert total is not None
    return total


def _coordinates(kind: str, size: int, count: int, scale: float, part: tuple[float, float]) -> Array:
    """Where each output element lies in the input."""
    at = np.arange(count, dtype=np.float64)
    if kind == "half_pixel":
        return (at + 0.5) / scale - 0.5
    if kind == "half_pixel_symmetric":
        adjustment = count / (scale * size)
        return size / 2 * (1 - adjustment) + (at + 0.5) / scale - 0.5
    if kind == "pytorch_half_pixel":
        return (at + 0.5) / scale - 0.5 if count > 1 else np.zeros(count)
    if kind == "align_corners":
        return at * (size - 1) / (scale * size - 1) if count > 1 else np.zeros(count)
    if kind == "asymmetric":
        return at / scale
    if kind == "tf_half_pixel_for_nn":
        return (at + 0.5) / scale
    if kind == "tf_crop_and_resize":
        start, end = part
        if count > 1:
            return start * (size - 1) + at * (end - start) * (size - 1) / (scale * size - 1)
        return np.full(count, 0.5 * (start + end) * (size - 1))
    raise ValueError(f"coordinate transformation {kind!r} is unknown")


def _taps(
    where: Array,
    size: int,
    scale: float,
    mode: str,
    nearest_mode: str,
    cubic_a: float,
    exclude_outside: bool,
    antialias: bool,
) -> tuple[Array, Array]:
    """For each output element the input elements [count, taps] and their weights."""
    floor = np.floor(where).astype(np.int64)
    ratio = where - floor
    if mode == "nearest":
        return np.clip(_nearest(where, nearest_mode), 0, size - 1)[:, None], np.ones((len(where), 1))
    shrink = min(scale, 1.0) if antialias else 1.0
    reach = {"linear": 1, "cubic": 2}.get(mode)
    if reach is None:
        raise ValueError(f"mode {mode!r} is unknown: expected nearest, linear or cubic")
    first = math.floor(-reach / shrink) + 1
    offsets = np.arange(first, 2 - first)
    distances = np.abs((offsets[None, :] - ratio[:, None]) * shrink)
    if mode == "linear":
        weights = np.clip(1 - distances, 0, None)
    else:
        near = ((cubic_a + 2) * distances - (cubic_a + 3)) * distances * distances + 1
        far = ((distances - 5) * distances + 8) * distances * cubic_a - 4 * cubic_a
        weights = np.where(distances <= 1, near, np.where(distances < 2, far, 0.0))
    indices = floor[:, None] + offsets[None, :]
    if exclude_outside:
        weights = np.where((indices >= 0) & (indices < size), weights, 0.0)
    if exclude_outside or antialias:
        weights = weights / weights.sum(axis=1, keepdims=True)
    return np.clip(indices, 0, size - 1), weights


def _nearest(where: Array, kind: str) -> Array:
    if kind == "round_prefer_floor":
        found = np.ceil(where - 0.5)
    elif kind == "round_prefer_ceil":
        found = np.floor(where + 0.5)
    elif kind == "floor":
        found = np.floor(where)
    elif kind == "ceil":
        found = np.ceil(where)
    else:
        raise ValueError(f"nearest mode {kind!r} is unknown")
    return found.astype(np.int64)


__all__ = ["resize"]
