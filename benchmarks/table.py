"""The figures of runs as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.networks import OVERHEAD
from benchmarks.runtimes import RUNTIMES, create

Run = dict[str, Any]
Key = tuple[str, str, int]
Cell = dict[str, dict[str, Any]]
OURS = "samara"


def medians(runs: Sequence[Run]) -> dict[Key, Cell]:
    """For each case and runtime its figures: the median over the runs that have them."""
    found: dict[Key, dict[str, list[dict[str, Any]]]] = {}
    for number, run in enumerate(runs):
        for case in run["cases"]:
            cell = found.setdefault((case["network"], case["precision"], case["threads"]), {})
            for name, told in case["runtimes"].items():
                cell.setdefault(name, []).append({**told, "limit_us": case["limit_us"], "run": number})
    return {key: {name: _median(tolds) for name, tolds in cell.items()} for key, cell in found.items()}


def _median(tolds: list[dict[str, Any]]) -> dict[str, Any]:
    good = [t for t in tolds if "absent" not in t]
    if not good:
        return {"absent": tolds[-1]["absent"]}
    told = dict(good[-1])
    for key in ("first_us", "anonymous_bytes", "memory_bytes", "limit_us"):
        told[key] = statistics.median(g[key] for g in good)
    told["latency"] = {
        key: statistics.median(g["latency"][key] for g in good) for key in ("median", "p10", "p90")
    }
    told["rounds"] = {
        (g["run"], number): time for g in good for number, time in enumerate(g["latency"]["rounds"])
    }
    return told


def ratio(cell: Cell) -> tuple[float, str] | None:
    """Our latency in parts of the best peer's, and who that is.

    That in parts of one peer's is the median over the rounds of all runs of the ratio in each: what the machine did in
    a round it did to both.
    """
    rounds = {name: told["rounds"] for name, told in cell.items() if "absent" not in told}
    ours = rounds.pop(OURS, {})
    found = {}
    for name, theirs in rounds.items():
        each = [ours[key] / time for key, time in theirs.items() if key in ours]
        if each:
            found[name] = statistics.median(each)
    return max((part, name) for name, part in found.items()) if found else None


def tables(runs: Sequence[Run]) -> str:
    """All tables, each under a heading."""
    figures = medians(runs)
    names = [n for n in RUNTIMES if any(n in cell for cell in figures.values())]
    measured = {key: cell for key, cell in figures.items() if key[0] != OVERHEAD}
    parts = []
    for precision in sorted({key[1] for key in measured}):
        for threads in sorted({key[2] for key in measured}):
            cells = {k[0]: c for k, c in measured.items() if k[1:] == (precision, threads)}
            if cells:
                title = f"{precision}, {threads} thread{'s' if threads > 1 else ''}: median microseconds"
                title += ", and how much of the limit that is"
                parts.append(_section(title, _latencies(cells, names)))
    overhead = {k: c for k, c in figures.items() if k[:2] == (OVERHEAD, "float32")}
    if overhead:
        parts.append(
            _section(
                "What a call costs: microseconds of a network of one ReLU", _each(overhead, names, _time)
            )
        )
    one = {k: c for k, c in measured.items() if k[2] == min(key[2] for key in measured)}
    for title, show in _COSTS.items():
        parts.append(_section(title, _each(one, names, show)))
    parts.append(_section("Library: KiB of shared objects that a process maps", _libraries(figures, names)))
    parts.append(_section("What is not measured, and why", _absences(figures, names)))
    return "\n\n".join(parts)


def _section(title: str, body: str) -> str:
    return f"### {title}\n\n{body}"


def _latencies(cells: dict[str, Cell], names: list[str]) -> str:
    titles = [create(n).title for n in names]
    head = ["network", "limit", *titles, "Samara p10..p90", "ratio to the best peer"]
    rows = []
    for network, cell in cells.items():
        ours, compared = cell.get(OURS, {"absent": ""}), ratio(cell)
        limits = [told["limit_us"] for told in cell.values() if "absent" not in told]
        row = [network, microseconds(limits[0]) if limits else "-"]
        row += [_shown(cell.get(name), _time_and_part) for name in names]
        row.append(_shown(ours, _spread))
        row.append(f"{compared[0]:.2f} ({create(compared[1]).title})" if compared else "-")
        rows.append(row)
    return markdown(head, rows)


def _each(cells: dict[Key, Cell], names: list[str], show: Callable[[dict[str, Any]], str]) -> str:
    """A row for each network and precision."""
    rows = [
        [network, precision, *(_shown(cell.get(name), show) for name in names)]
        for (network, precision, _), cell in cells.items()
    ]
    return markdown(["network", "precision", *(create(n).title for n in names)], rows)


def _shown(told: dict[str, Any] | None, show: Callable[[dict[str, Any]], str]) -> str:
    return show(told) if told and "absent" not in told else "-"


def _time(told: dict[str, Any]) -> str:
    return microseconds(told["latency"]["median"])


def _time_and_part(told: dict[str, Any]) -> str:
    """How much of the machine's limit that is, too."""
    return f"{_time(told)} ({100 * told['limit_us'] / told['latency']['median']:.0f}%)"


def _spread(told: dict[str, Any]) -> str:
    return f"{microseconds(told['latency']['p10'])}..{microseconds(told['latency']['p90'])}"


def _first(told: dict[str, Any]) -> str:
    return f"{told['first_us'] / 1000:.2f} ({told['first_us'] / told['latency']['median']:.1f}x)"


_COSTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "From the file's name to the first result: milliseconds, and in parts of a steady run": _first,
    "Growth of anonymous memory at its peak: KiB": lambda t: f"{t['anonymous_bytes'] / 1024:,.0f}",
    "Growth of all memory at its peak, mapped files included: KiB": lambda t: (
        f"{t['memory_bytes'] / 1024:,.0f}"
    ),
    "Size of the file: KiB": lambda t: f"{t['file_bytes'] / 1024:,.0f}",
    "Difference from the float source: largest, in parts of the largest value": lambda t: (
        f"{t['difference']['largest']:.1e}"
    ),
}


def _libraries(figures: dict[Key, Cell], names: list[str]) -> str:
    rows = []
    for name in names:
        told = next((c[name] for c in figures.values() if "library_bytes" in c.get(name, {})), None)
        if told:
            sizes = told["library_bytes"]
            objects = ", ".join(sorted(sizes, key=lambda n: -sizes[n])[:4])
            rows.append([create(name).title, f"{sum(sizes.values()) / 1024:,.0f}", objects])
    return markdown(["runtime", "KiB", "of it the largest"], rows)


def _absences(figures: dict[Key, Cell], names: list[str]) -> str:
    """Cases that share a reason in one row."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for (network, precision, threads), cell in figures.items():
        for name in names:
            if "absent" in cell.get(name, {}):
                reason = found.setdefault((name, cell[name]["absent"]), {})
                reason[
                    f"{network} {precision}" if threads == 1 else f"{network} {precision} {threads} threads"
                ] = None
    rows = [
        [create(name).title, reason.replace("|", "/"), _few(list(cases))]
        for (name, reason), cases in found.items()
    ]
    return markdown(["runtime", "why", "cases"], rows) if rows else "Everything is."


def _few(words: list[str]) -> str:
    return ", ".join(words) if len(words) < 5 else f"{', '.join(words[:3])} and {len(words) - 3} more"


def microseconds(value: float) -> str:
    """With three digits, as in 4.65, 46.5, 465, 4,650."""
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up; numbers to the right."""
    cells = [list(head), *(list(r) for r in rows)]
    widths = [max(3, *(len(r[i]) for r in cells)) for i in range(len(head))]
    right = [all(r[i][:1] in "-0123456789" for r in rows) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = [
            c.rjust(w) if to_right else c.ljust(w) for c, w, to_right in zip(row, widths, right, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = "|".join(f"{'-' * (w + 1)}:" if r else "-" * (w + 2) for w, r in zip(widths, right, strict=True))
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])
