"""From times to figures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.network import Array


@dataclass(frozen=True)
class Latency:
    """Microseconds of a call: percentiles in which each round counts alike, and the least of all.

    rounds: the median of each round.
    """

    least: float
    median: float
    p10: float
    p90: float
    calls: int
    rounds: tuple[float, ...]


def latency(rounds: Sequence[Sequence[int]]) -> Latency:
    """The figures of rounds of calls, each in nanoseconds."""
    times = np.concatenate([np.asarray(r, np.float64) for r in rounds]) / 1000
    parts = np.concatenate([np.full(len(r), 1 / len(r)) for r in rounds])
    found = np.quantile(times, (0.1, 0.5, 0.9), weights=parts, method="inverted_cdf")
    p10, median, p90 = (round(float(t), 3) for t in found)
    each = tuple(round(statistics.median(r) / 1000, 3) for r in rounds)
    return Latency(round(float(times.min()), 3), median, p10, p90, len(times), each)


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
