"""Prints what models take of memory, and of time until the first result.

    python runtime_c/tools/footprint.py [--times N] MODEL.smr...

A line is: file and its megabytes, ops of the first signature, KiB of a context beyond its arena, KiB of the arena, and
three times as multiples of the least of some steady runs: from opening the file to the first result, the same as it
would be if there were nothing beside a run but the pages of the file and the context, and those pages alone. Each is
the least of N fresh processes (default 12), processor time. A file is in the page cache as the library reads it in: on
Linux it is put out of it before. `make test-c` builds the smr_bench that is asked.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def _ask(program: Path, *arguments: str) -> dict[str, Any]:
    command = [str(program), "--json", "--processor", *arguments]
    told: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
    return told


def _put_out(model: Path) -> None:
    """Has the system forget what it keeps of a file; how it keeps it depends on who has read it."""
    if hasattr(os, "posix_fadvise"):
        with model.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(program: Path, model: Path, times: int) -> str:
    """The line of a model."""
    _put_out(model)
    _ask(program, "--runs", "1", str(model))
    told = [_ask(program, "--runs", "20", str(model)) for _ in range(times)]
    floor = min(_ask(program, "--floor", str(model))["floor_us"] for _ in range(times))
    steady, first = (min(t[key] for t in told) for key in ("least_us", "first_us"))
    context, arena = told[0]["context_bytes"], told[0]["arena_bytes"]
    return (
        f"{model.name:<48}{model.stat().st_size / 1e6:>8.2f}{told[0]['ops']:>6}{(context - arena) / 1024:>9.1f}"
        f"{arena / 1024:>9.0f}{first / steady:>9.2f}{1 + floor / steady:>9.2f}{floor / steady:>9.2f}"
    )


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=12, help="processes for each figure")
    parser.add_argument("models", type=Path, nargs="+", help="files")
    options = parser.parse_args(arguments)
    program = next((p for p in (ROOT / "build" / "release").rglob("smr_bench") if p.is_file()), None)
    if program is None:
        sys.exit("no smr_bench in build/release: run `make test-c`")
    print(f"{'file':<48}{'MB':>8}{'ops':>6}{'context':>9}{'arena':>9}{'first':>9}{'least':>9}{'pages':>9}")
    for model in options.models:
        print(measure(program, model, options.times), flush=True)


if __name__ == "__main__":
    main()
