"""The figures of runs as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.runtimes import RUNTIMES, create

Run = dict[str, Any]
OURS = "samara"


def medians(runs: Sequence[Run]) -> dict[tuple[str, str, int], dict[str, dict[str, Any]]]:
    """For each case and runtime its figures: the median over the runs that have them."""
    found: dict[tuple[str, str, int], dict[str, list[dict[str, Any]]]] = {}
    for run in runs:
        for case in run["cases"]:
            cell = found.setdefault((case["network"], case["precision"], case["threads"]), {})
            for name, told in case["runtimes"].items():
                cell.setdefault(name, []).append(told)
    return {
        key: {name: _median(tolds) for name, tolds in by_runtime.items()} for key, by_runtime in found.items()
    }


def _median(tolds: list[dict[str, Any]]) -> dict[str, Any]:
    good = [t for t in tolds if "absent" not in t]
    if not good:
        return {"absent": tolds[-1]["absent"]}
    told = dict(good[-1])
    for key in ("first_us", "anonymous_bytes", "memory_bytes"):
        told[key] = statistics.median(g[key] for g in good)
    told["latency"] = {
        key: statistics.median(g["latency"][key] for g in good) for key in ("median", "p10", "p90")
    }
    return told


def ratio(cell: dict[str, dict[str, Any]]) -> tuple[float, str] | None:
    """Our latency in parts of the best peer's, and who that is."""
    times = {n: t["latency"]["median"] for n, t in cell.items() if "absent" not in t}
    peers = {n: t for n, t in times.items() if n != OURS}
    if OURS not in times or not peers:
        return None
    best = min(peers, key=lambda n: peers[n])
    return times[OURS] / peers[best], best


def table(runs: Sequence[Run]) -> str:
    """All tables."""
    figures = medians(runs)
    names = [n for n in RUNTIMES if any(n in cell for cell in figures.values())]
    return _latencies(figures, names)


def _latencies(figures: dict[Any, dict[str, dict[str, Any]]], names: list[str]) -> str:
    head = ["network", "precision", "threads", *(create(n).title for n in names), "ratio to the best peer"]
    rows = []
    for (network, precision, threads), cell in figures.items():
        row = [network, precision, str(threads)]
        row += [_cell(cell.get(name)) for name in names]
        compared = ratio(cell)
        row.append(f"{compared[0]:.2f}" if compared else "")
        rows.append(row)
    return markdown(head, rows)


def _cell(told: dict[str, Any] | None) -> str:
    return microseconds(told["latency"]["median"]) if told and "absent" not in told else "-"


def microseconds(value: float) -> str:
    """With three digits, as in 4.65, 46.5, 465, 4,650."""
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up; numbers to the right."""
    cells = [list(head), *(list(r) for r in rows)]
    widths = [max(3, *(len(r[i]) for r in cells)) for i in range(len(head))]
    right = [all(not r[i] or r[i][0] in "-0123456789" for r in rows) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = [
            c.rjust(w) if to_right else c.ljust(w) for c, w, to_right in zip(row, widths, right, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = "|".join(f"{'-' * (w + 1)}:" if r else "-" * (w + 2) for w, r in zip(widths, right, strict=True))
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])
