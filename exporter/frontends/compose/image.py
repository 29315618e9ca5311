"""Resizing along any axes: the op resample along each of them, where sizes may move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.sizes import Size, dimension, vector
from samara.graph import dtypes
from samara.graph.graph import Tensor

MODES = ("nearest", "linear", "cubic")


def resize(
    b: Any,
    x: Tensor,
    *,
    axes: Sequence[int],
    sizes: Sequence[Size],
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
        x: any tensor.
        axes: which axes change.
        sizes: the output's size along each of them.
        scales: the factor along each of them, which need not be that of the sizes exactly; 0 for that of the sizes.
        mode: nearest, linear or cubic.
        coordinates: half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric,
            tf_half_pixel_for_nn or tf_crop_and_resize.
        nearest_mode: round_prefer_floor, round_prefer_ceil, floor or ceil.
        cubic_a: the coefficient of cubic interpolation.
        exclude_outside: whether elements outside count nothing, instead of repeating the edge.
        antialias: whether an axis that shrinks is averaged over all that an output element covers.
        roi: for tf_crop_and_resize, the part of each axis, from 0 to 1.
        extrapolation_value: for tf_crop_and_resize, what is outside.
    """
    dtype = x.dtype
    y: Any = x
    if mode != "nearest" and not dtype.is_floating:
        y = b.cast(y, dtype=dtypes.float32)
    for position, axis in enumerate(axes):
        begin, end = roi[position] if roi is not None else (0.0, 1.0)
        scale = float(np.float32(scales[position]))
        old, new = (x.shape or ())[axis], dimension(sizes[position])
        if isinstance(old, int) and isinstance(new, int) and scale == np.float32(new / max(old, 1)):
            scale = 0.0
        given: dict[str, Any] = {
            "rounding": nearest_mode if mode == "nearest" else None,
            "cubic_a": cubic_a if mode == "cubic" else None,
            "scale": scale,
            "exclude_outside": exclude_outside,
            "antialias": antialias,
        }
        if coordinates == "tf_crop_and_resize":
            given |= {"begin": begin, "end": end, "extrapolation_value": extrapolation_value}
        elif new is not None and new == old and scale in (0.0, 1.0) and coordinates != "tf_half_pixel_for_nn":
            continue
        given = {name: value for name, value in given.items() if value}
        wanted = vector(b, [sizes[position]])
        y = b.resample(y, wanted, axis=axis, mode=mode, coordinates=coordinates, **given)
    made: Tensor = y if y.dtype is dtype else b.cast(y, dtype=dtype)
    return made


__all__ = ["MODES", "resize"]
