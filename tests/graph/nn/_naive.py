"""Convolution and pooling over any number of axes, window by window."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def windows(
    x: Any, size: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: str, fill: float
) -> tuple[tuple[int, ...], Callable[[tuple[int, ...]], Any]]:
    """How many windows there are along each axis of [N, .., C], and the one at a place: [N, *size, C]."""
    counts, around = [], [(0, 0)]
    for n, k, s, d in zip(x.shape[1:-1], size, strides, rates, strict=True):
        reach = (k - 1) * d + 1
        if padding == "SAME":
            count = -(-n // s)
            total = max((count - 1) * s + reach - n, 0)
            around.append((total // 2, total - total // 2))
        else:
            count = (n - reach) // s + 1
            around.append((0, 0))
        counts.append(count)
    held = np.pad(x, [*around, (0, 0)], constant_values=fill)

    def at(place: tuple[int, ...]) -> Any:
        parts = [
            slice(p * s, p * s + (k - 1) * d + 1, d)
            for p, k, s, d in zip(place, size, strides, rates, strict=True)
        ]
        return held[(slice(None), *parts, slice(None))]

    return tuple(counts), at


def each_window(
    x: Any,
    size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    compute: Callable[[Any], Any],
    rates: Sequence[int] | None = None,
    fill: float = 0.0,
) -> Any:
    """What `compute` gives of each window, [N, C], at its place."""
    counts, at = windows(x, size, strides, rates or [1] * len(size), padding, fill)
    made = {place: compute(at(place)) for place in itertools.product(*map(range, counts))}
    first = next(iter(made.values()))
    y = np.zeros((x.shape[0], *counts, first.shape[-1]), first.dtype)
    for place, value in made.items():
        y[(slice(None), *place)] = value
    return y


def convolution(
    x: Any, w: Any, strides: Sequence[int], padding: str, rates: Sequence[int] | None = None
) -> Any:
    """Convolution of [N, .., C] with a filter [K, .., C, O]."""
    axes = list(range(1, w.ndim)), list(range(w.ndim - 1))
    return each_window(x, w.shape[:-2], strides, padding, lambda part: np.tensordot(part, w, axes), rates)


def pooling(x: Any, size: Sequence[int], strides: Sequence[int], padding: str, kind: str) -> Any:
    """The largest or the mean of each window, padding left out."""
    axes = tuple(range(1, len(size) + 1))
    function = np.nanmax if kind == "MAX" else np.nanmean
    return each_window(x, size, strides, padding, lambda part: function(part, axis=axes), fill=np.nan)
