"""Tables and the chart from the JSON of one or several runs.

python -m benchmarks.report build/bench/run.json --write docs/benchmarks.md --chart docs/benchmarks.png
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.chart import draw
from benchmarks.runtimes import RUNTIMES, create
from benchmarks.table import Run, markdown, medians, tables

_HEAD = Path(__file__).parent / "head.md"
# A machine whose neighbours take more of it than this is not quiet.
_STOLEN = 0.02


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", type=Path, help="JSON files; figures are medians over them")
    parser.add_argument("--write", type=Path, help="a Markdown page; printed when left out")
    parser.add_argument("--chart", type=Path, help="a picture: .png, .svg")
    options = parser.parse_args(arguments)
    runs = [json.loads(path.read_text()) for path in options.runs]
    text = page(runs)
    if options.write:
        options.write.write_text(text)
    else:
        print(text)
    if options.chart:
        draw(medians(runs), options.chart)
    return 0


def page(runs: Sequence[Run]) -> str:
    """The page: what is measured and how, on which machine, and the tables."""
    return "\n\n".join(
        [
            _HEAD.read_text().strip(),
            f"## What each column is\n\n{_columns(runs)}",
            f"## The machine\n\n{_machine(runs[-1]['machine'])}\n\n{_quiet(runs)}",
            f"## Figures\n\n{tables(runs)}\n",
        ]
    )


def _columns(runs: Sequence[Run]) -> str:
    versions = runs[-1].get("versions", {})
    rows = []
    for name in RUNTIMES:
        runtime = create(name)
        for precision, note in runtime.notes.items():
            rows.append([runtime.title, versions.get(name, "absent"), precision, note])
    return markdown(["runtime", "version", "precision", "what is measured"], rows)


def _machine(machine: dict[str, Any]) -> str:
    caches = ", ".join(f"{name} {size >> 10} KiB" for name, size in machine["caches"].items())
    lines = [f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; {caches} for a core."]
    limits = machine["limits"]
    for title, part in (("multiplications, 1e9/s", "rates"), ("reads, GB/s", "reads")):
        names = list(next(iter(limits.values()))[part])
        rows = [[t, *(f"{limits[t][part][n]:.1f}" for n in names)] for t in limits]
        lines.append(markdown([f"threads: {title}", *names], rows))
    return "\n\n".join(lines)


def _quiet(runs: Sequence[Run]) -> str:
    cases = [case for run in runs for case in run["cases"]]
    loads = [float(case["load_average"]) for case in cases]
    stolen = max(case["stolen"] for case in cases)
    clocks = " and ".join(sorted({run.get("clock", "wall") for run in runs}))
    quiet = max(loads) < runs[-1]["machine"]["cores"] and stolen < _STOLEN
    return (
        f"Runs: {len(runs)}, timed by the {clocks} clock. The load average was {min(loads):.1f} to {max(loads):.1f} "
        f"meanwhile, and at most {100 * stolen:.1f} % of the processors' time was stolen by neighbours."
        + ("" if quiet else " That is not quiet: these figures are for finding mistakes, not for claims.")
    )


if __name__ == "__main__":
    raise SystemExit(main())
