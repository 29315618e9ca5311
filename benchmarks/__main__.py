"""Samara beside other runtimes on this machine.

    python -m benchmarks --networks ds_cnn,mobilenet_v2 --runtimes samara,onnxruntime --json build/bench/run.json

What has been measured is kept in the JSON file after every case: an interrupted run loses only the case that it was in.
Beside it are a page and a chart of the run in the end (.md, .png).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.chart import draw
from benchmarks.machine import describe
from benchmarks.measure import Bench, Case, Plan
from benchmarks.networks import NETWORKS
from benchmarks.report import page
from benchmarks.runtimes import RUNTIMES, create
from benchmarks.table import medians, tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is asked for; returns the exit status."""
    options = _parser().parse_args(arguments)
    from tqdm import tqdm

    options.folder.mkdir(parents=True, exist_ok=True)
    machine = describe(options.folder, options.threads)
    bench = Bench(
        options.folder, Plan(options.rounds, options.seconds, options.opened, options.clock), machine
    )
    cases = [Case(n, p, t) for n in options.networks for p in options.precisions for t in options.threads]
    run: dict[str, Any] = {
        "machine": machine,
        "versions": _versions(options.runtimes),
        "clock": options.clock,
        "cases": [],
    }
    path = options.json or options.folder / "run.json"
    status = 0
    try:
        with tqdm(cases, disable=None) as progress:
            for case in progress:
                run["cases"].append(bench.case(case, options.runtimes, progress.set_description))
                _save(run, path)
    except KeyboardInterrupt:
        print("interrupted; what was measured is kept", file=sys.stderr)
        status = 130
    print(tables([run]))
    if run["cases"]:
        path.with_suffix(".md").write_text(page([run]))
        draw(medians([run]), path.with_suffix(".png"))
        print(f"\n{path}, and as a page and a chart: .md, .png")
    return status


def _versions(names: Sequence[str]) -> dict[str, str]:
    """The versions of the runtimes that are installed."""
    found = {}
    for name in names:
        package = next(iter(create(name).packages), "samara")
        try:
            found[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _save(run: dict[str, Any], path: Path) -> None:
    staged = path.with_suffix(".part")
    staged.write_text(json.dumps(run, indent=1))
    staged.replace(path)


def _some_of(known: Sequence[str]) -> Any:
    def chosen(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return chosen


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--networks", type=_some_of(list(NETWORKS)), default=list(NETWORKS))
    parser.add_argument("--runtimes", type=_some_of(list(RUNTIMES)), default=list(RUNTIMES))
    precisions = ["float32", "int8"]
    parser.add_argument("--precisions", type=_some_of(precisions), default=precisions)
    parser.add_argument("--threads", type=lambda t: [int(n) for n in t.split(",")], default=[1, 2])
    plan = Plan()
    parser.add_argument("--rounds", type=int, default=plan.rounds)
    parser.add_argument("--seconds", type=float, default=plan.seconds, help="of a round")
    clock = "processor: the time of the process alone, for one thread on a busy machine"
    parser.add_argument("--clock", choices=("wall", "processor"), default=plan.clock, help=clock)
    parser.add_argument("--opened", type=int, default=plan.opened, help="how many times a file is opened")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--json", type=Path, help="where the figures go; FOLDER/run.json when left out")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
