"""From times to figures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.network import Array


@dataclass(frozen=True)
class Latency:
    """Microseconds of a call: medians over the rounds of each round's figures; and the least of all calls."""

    least: float
    median: float
    p10: float
    p90: float
    calls: int
    rounds: tuple[float, ...]


def latency(rounds: Sequence[Sequence[int]]) -> Latency:
    """The figures of rounds of calls, each in nanoseconds."""
    figures = [np.percentile(times, (10, 50, 90)) / 1000 for times in rounds]
    p10, median, p90 = (statistics.median(float(f[i]) for f in figures) for i in range(3))
    each = tuple(round(float(f[1]), 3) for f in figures)
    least = min(min(times) for times in rounds) / 1000
    return Latency(
        round(least, 3), round(median, 3), round(p10, 3), round(p90, 3), sum(map(len, rounds)), each
    )


def difference(found: Sequence[Array], source: Sequence[Array]) -> dict[str, float]:
    """How far outputs are from those of the float source.

    largest: the largest difference, in parts of the largest value; worst output counts.
    noise: the root of the mean square of the difference, in parts of the deviation of the source.
    """
    largest, noise = 0.0, 0.0
    for mine, theirs in zip(found, source, strict=True):
        if mine.shape != theirs.shape:
            raise ValueError(f"an output has shape {list(mine.shape)}, expected {list(theirs.shape)}")
        gap = mine.astype(np.float64) - theirs
        if not np.isfinite(gap).all():
            raise ValueError("an output is not finite")
        scale = float(np.abs(theirs).max()) or 1.0
        spread = float(theirs.std()) or scale
        largest = max(largest, float(np.abs(gap).max()) / scale)
        noise = max(noise, float(np.sqrt(np.square(gap).mean())) / spread)
    return {"largest": float(f"{largest:.3g}"), "noise": float(f"{noise:.3g}")}
