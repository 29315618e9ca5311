"""Cases of resizing images of integers. The oracle computes with Python integers and fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from tests.cases._case import Case, Input
from tests.cases.fixed_point import away


def _resize(a: Any, x: Any) -> Any:
    def places(size: int, into: int) -> list[tuple[int, int, Fraction]]:
        step = (1024 * size + into // 2) // into
        if a.align_corners and into > 1:
            step = (1024 * (size - 1) + (into - 1) // 2) // (into - 1)
        found = []
        for i in range(into):
            place = Fraction(
                min(i * step + (step // 2 - 512 if a.half_pixel_centers else 0), 1024 * size), 1024
            )
            low = min(max(int(place), 0), size - 1)
            found.append((low, max(min(-int(-place // 1), size - 1), 0), place - low))
        return found

    rows, columns = places(x.shape[1], a.size[0]), places(x.shape[2], a.size[1])
    result = np.zeros((x.shape[0], *a.size, x.shape[3]), x.dtype)
    for n, k in np.ndindex(x.shape[0], x.shape[3]):
        for i, (top, bottom, down) in enumerate(rows):
            for j, (left, right, along) in enumerate(columns):
                values = [[int(x[n, r, c, k]) for c in (left, right)] for r in (top, bottom)]
                upper, lower = (v[0] * (1 - along) + v[1] * along for v in values)
                result[n, i, j, k] = away(upper * (1 - down) + lower * down)
    return result


ORACLES = {"integer_resize_bilinear": _resize}

_SIZES: list[tuple[tuple[int, ...], tuple[int, int]]] = [
    ((1, 1, 1, 1), (1, 1)),
    ((2, 3, 4, 2), (5, 7)),
    ((1, 7, 5, 3), (3, 2)),
    ((1, 4, 4, 17), (8, 8)),
    ((1, 2, 6, 1), (1, 13)),
    ((0, 2, 2, 3), (3, 3)),
    ((1, 2, 2, 0), (3, 3)),
]

CASES = [
    Case(
        op="integer_resize_bilinear",
        inputs=(Input(shape=shape, dtype=dtype, low=np.iinfo(dtype).min, high=np.iinfo(dtype).max),),
        attributes={"size": size, **options},
        dtypes=(dtype,),
        gradient=False,
        dynamic=shape[0] > 0 and dtype == "int8",
    )
    for shape, size in _SIZES
    for options in ({}, {"align_corners": True}, {"half_pixel_centers": True})
    for dtype in ("int8", "int16")
]
