"""Running an exported file over test images, beside the session that it came from, and telling both in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import trange

import samara as tf
from samara.exporter.report import ExportReport

Array = np.ndarray[Any, Any]
LATENCY_RUNS = 300


@dataclass(frozen=True)
class Row:
    """What the table tells of one way to run a network."""

    name: str
    accuracy: float
    file_bytes: int | None = None
    arena: int | None = None
    bound: int | None = None
    microseconds: float | None = None
    parity: str = ""


def accuracy(scores: Array, labels: Array) -> float:
    """The share of images, in percent, whose largest score is that of their label."""
    return 100.0 * float(np.mean(np.argmax(scores, axis=-1) == labels))


def median_microseconds(run: Callable[[], Any]) -> float:
    """The median time of one call."""
    times = []
    for _ in range(LATENCY_RUNS):
        start = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - start)
    return float(np.median(times)) / 1000


def file_row(name: str, path: Path, report: ExportReport, images: Array, labels: Array) -> tuple[Row, Array]:
    """Verifies a file and runs it over all images, one at a time as a device would.

    The time is that of the ops in the C runtime, as a C program would see it.
    """
    model = tf.load(path)
    model.verify()
    order = trange(len(images), desc=f"{name}", unit="image", leave=False, disable=None)
    scores = np.concatenate([model(images[i : i + 1]) for i in order])
    profile = model.profile(images[:1], repetitions=LATENCY_RUNS)
    noise = [r.signal_to_noise for r in report.layers if r.signal_to_noise is not None]
    if report.quantized:
        parity = f"bit-exact, worst layer {min(noise):.0f} dB"
    else:
        parity = f"{max(r.source_error or 0.0 for r in report.layers):.1e} of largest"
    plan = report.programs[0].plan
    row = Row(
        name=name,
        accuracy=accuracy(scores, labels),
        file_bytes=report.file_bytes,
        arena=plan.arena,
        bound=plan.bound_order,
        microseconds=sum(r.microseconds for r in profile.rows),
        parity=parity,
    )
    return row, scores


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""

    def cell(value: float | None, form: str) -> str:
        return "-" if value is None else form.format(value)

    cells = [
        ("", "accuracy", "file", "arena", "proven bound", "median of one image", "parity with the session")
    ]
    cells += [
        (
            r.name,
            f"{r.accuracy:.2f} %",
            cell(r.file_bytes, "{:,} B"),
            cell(r.arena, "{:,} B"),
            cell(r.bound, "{:,} B"),
            cell(r.microseconds, "{:,.1f} us"),
            r.parity or "-",
        )
        for r in rows
    ]
    widths = [max(len(c[i]) for c in cells) for i in range(len(cells[0]))]
    return "\n".join(
        "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in cells
    )
