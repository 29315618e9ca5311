"""Cases of resampling. The oracle is a function on the line that is sampled at each place, with Fractions."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from tests.cases._case import Case, Input

HALF = Fraction(1, 2)


def _place(a: Any, size: int, count: int, at: int) -> Fraction:
    """The formulas of ONNX's Resize."""
    scale = Fraction(float(np.float32(a.scale))) if a.scale else Fraction(count, size)
    length = scale * size
    kind = a.coordinates
    middle = (at if kind == "asymmetric" else at + HALF) / scale
    if a.scale:
        middle = Fraction(float(np.float32(float(middle))))
    if kind in ("asymmetric", "tf_half_pixel_for_nn"):
        return middle
    if kind == "align_corners":
        return at * (size - 1) / (length - 1) if count > 1 else Fraction(0)
    if kind == "tf_crop_and_resize":
        begin, end = Fraction(a.begin), Fraction(a.end)
        if count == 1:
            return HALF * (begin + end) * (size - 1)
        return begin * (size - 1) + at * (end - begin) * (size - 1) / (length - 1)
    if kind == "pytorch_half_pixel" and count == 1:
        return Fraction(0)
    moved = size * HALF * (1 - count / length) if kind == "half_pixel_symmetric" else 0
    return moved + middle - HALF


def _kernel(a: Any, d: Fraction) -> Fraction:
    d, c = abs(d), Fraction(a.cubic_a)
    if a.mode == "linear":
        return max(1 - d, Fraction(0))
    if d <= 1:
        return (c + 2) * d**3 - (c + 3) * d**2 + 1
    return c * d**3 - 5 * c * d**2 + 8 * c * d - 4 * c if d < 2 else Fraction(0)


def _row(a: Any, size: int, count: int, at: int) -> list[Fraction] | None:
    """How much of each input element an output element has."""
    place = _place(a, size, count, at)
    if a.coordinates == "tf_crop_and_resize" and not 0 <= place <= size - 1:
        return None
    row = [Fraction(0)] * size
    if a.mode == "nearest":
        index = {
            "round_prefer_floor": ceil(place - HALF),
            "round_prefer_ceil": floor(place + HALF),
            "floor": floor(place),
            "ceil": ceil(place),
        }[a.rounding]
        row[min(max(index, 0), size - 1)] = Fraction(1)
        return row
    scale = Fraction(float(np.float32(a.scale))) if a.scale else Fraction(count, size)
    shrink = min(scale, Fraction(1)) if a.antialias else Fraction(1)
    reach = ceil(2 / shrink) + 1
    for index in range(floor(place) - reach, floor(place) + reach + 1):
        weight = _kernel(a, (index - place) * shrink)
        if a.exclude_outside and not 0 <= index < size:
            continue
        row[min(max(index, 0), size - 1)] += weight
    if a.antialias or a.exclude_outside:
        total = sum(row)
        row = [w / total if total else Fraction(0) for w in row]
    return row


def _sum(row: list[Fraction], x: Any) -> Any:
    """Elements weighted; of integers, where a half rounds up or down, in the arithmetic that the op promises."""
    number = np.float32 if x.dtype.kind in "iu" else np.float64
    total = np.zeros(x.shape[1:], number)
    for weight, element in zip(row, x, strict=True):
        if weight:
            total = total + number(float(weight)) * element.astype(number)
    return total


def _resample(a: Any, x: Any, size: Any) -> Any:
    count = int(size[0])
    moved = np.moveaxis(x, a.axis, 0)
    y = np.zeros((count, *moved.shape[1:]), np.float64)
    for at in range(count if x.size else 0):
        row = _row(a, moved.shape[0], count, at)
        if row is None:
            y[at] = a.extrapolation_value
        else:
            y[at] = _sum(row, moved)
    y = np.moveaxis(y, 0, a.axis)
    if x.dtype.kind in "iu" and a.mode != "nearest":
        y = np.clip(np.round(y), np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    return y.astype(x.dtype)


ORACLES = {"resample": _resample}


def _case(shape: tuple[int, ...], axis: int, size: int, **attributes: Any) -> Case:
    weighted = attributes.get("mode", "linear") != "nearest"
    whole = weighted and any(attributes.get(k) for k in ("antialias", "exclude_outside"))
    types = ("float32", "float16", *(("int8", "uint8") if not whole else ())) if weighted else None
    return Case(
        op="resample",
        inputs=(
            Input(shape=shape, low=-100, high=100),
            Input(shape=(1,), dtype="int32", values=[size], constant=True),
        ),
        attributes={"axis": axis, **attributes},
        dtypes=types,
        dynamic=axis > 0 and shape[0] > 0,
    )


_COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
)
_SIZES = [(4, 8), (8, 4), (5, 7), (7, 1), (1, 6), (3, 65)]

CASES = [
    *(
        _case((2, a, 3), 1, b, mode=m, coordinates=c)
        for a, b in _SIZES
        for c in _COORDINATES
        for m in ("linear", "cubic")
    ),
    *(
        _case((2, a, 3), 1, b, mode="nearest", coordinates=c, rounding=r)
        for a, b in ((4, 8), (5, 2), (1, 3))
        for c in _COORDINATES
        for r in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    ),
    # Axes, and sizes around what is computed side by side.
    *(_case((3, *(inner,) * (inner > 0)), 0, 5) for inner in (0, 1, 15, 16, 17, 33)),
    _case((2, 3, 2, 2, 1, 2), -1, 3, mode="cubic"),
    _case((2, 4, 130), 2, 200),
    _case((2, 4, 130), 2, 200, mode="nearest"),
    _case((2, 4, 7), 2, 130, mode="nearest", coordinates="asymmetric", rounding="floor"),
    # A scale that is not that of the sizes.
    *(
        _case((2, 5, 3), 1, 7, scale=1.5, coordinates=c, mode=m)
        for c in _COORDINATES[:5]
        for m in ("linear", "nearest")
    ),
    _case((2, 8, 3), 1, 3, scale=0.4375, mode="cubic", coordinates="half_pixel_symmetric"),
    _case((2, 9, 3), 1, 15, scale=1.7, mode="nearest", coordinates="asymmetric", rounding="floor"),
    _case((2, 9, 3), 1, 5, scale=0.6, mode="nearest", coordinates="asymmetric", rounding="floor"),
    # Edges and antialiasing, up to more taps than are held at a time.
    *(
        _case((2, a, 3), 1, b, mode=m, exclude_outside=e, antialias=s)
        for a, b in ((4, 9), (9, 4))
        for m in ("linear", "cubic")
        for e, s in ((True, False), (False, True), (True, True))
    ),
    _case((2, 9, 3), 1, 4, mode="cubic", cubic_a=-0.5, exclude_outside=True, antialias=True),
    _case((2, 300), 1, 2, antialias=True),
    _case((2, 300, 17), 1, 2, antialias=True, mode="cubic"),
    # Parts.
    *(
        _case(
            (2, 6, 3), 1, n, mode=m, coordinates="tf_crop_and_resize", begin=b, end=e, extrapolation_value=9.0
        )
        for m in ("linear", "cubic", "nearest")
        for n, b, e in ((4, 0.25, 0.75), (5, -0.5, 1.25), (1, 0.5, 1.0), (3, 1.0, 0.0))
    ),
    # Nothing.
    _case((0, 3), 1, 4),
    _case((3, 0), 0, 4, mode="nearest"),
    _case((3, 2), 1, 0),
]
