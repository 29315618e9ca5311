"""A process that runs one file in one runtime, told what to do by lines of JSON on its standard input.

    python -m benchmarks.worker RUNTIME FILE INPUT.npy THREADS

`open` opens the file and runs it, `outputs` saves the results, `round` times calls. Each answer is a line of JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.runtimes import Runtime, create

_STEADY_RUNS = 5
_LEAST_CALLS = 2
# Slower calls are not repeated only to warm the caches.
_SLOW = 0.02
_CLOCKS = {"wall": time.perf_counter_ns, "processor": time.process_time_ns}


def main() -> None:
    """Answers until the input ends."""
    # Libraries print too: they get the standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, path, given, threads = sys.argv[1:]
    runtime = create(name)
    array = np.load(given)
    runtime.prepare()
    gc.collect()
    gc.freeze()
    _forget_peak()
    before = _memory()
    _answer(answers, {"memory": before})
    for line in sys.stdin:
        order = json.loads(line)
        match order["do"]:
            case "open":
                told = _open(runtime, path, int(threads), array, _CLOCKS[order["clock"]])
            case "outputs":
                np.savez(order["path"], *runtime.outputs())
                told = {}
            case "round":
                told = {"times": _round(runtime, order["seconds"], _CLOCKS[order["clock"]])}
            case other:
                raise ValueError(f"unknown order {other!r}")
        _answer(answers, told)


def _answer(answers: Any, told: dict[str, Any]) -> None:
    print(json.dumps(told), file=answers, flush=True)


def _open(runtime: Runtime, path: str, threads: int, array: Any, clock: Callable[[], int]) -> dict[str, Any]:
    """Times from the path to the first result; then what memory has grown to after a few runs."""
    start = clock()
    runtime.open(path, threads, array)
    runtime.renew()
    call = runtime.call()
    call()
    first = clock() - start
    for _ in range(_STEADY_RUNS):
        runtime.renew()
        call()
    return {"first_us": first / 1000, "memory": _memory(), "library": _library(runtime)}


def _round(runtime: Runtime, seconds: float, clock: Callable[[], int]) -> list[int]:
    """Nanoseconds of each call for about as long as told, and of a few at least."""
    call, renew = runtime.call(), runtime.renew
    times: list[int] = []
    gc.disable()
    start = clock()
    warm = start + int(seconds * 1e8)
    while True:
        renew()
        begin = clock()
        call()
        end = clock()
        if end >= warm or end - begin > _SLOW * 1e9:
            break
    stop = clock() + int(seconds * 1e9)
    while True:
        renew()
        begin = clock()
        call()
        end = clock()
        times.append(end - begin)
        if end >= stop and len(times) >= _LEAST_CALLS:
            break
    gc.enable()
    return times


def _memory() -> dict[str, int]:
    """Bytes that the process has in memory: anonymous, all, and the most there ever were."""
    found = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        word, _, rest = line.partition(":")
        if word in ("RssAnon", "VmRSS", "VmHWM"):
            found[word] = int(rest.split()[0]) * 1024
    return {"anonymous": found["RssAnon"], "all": found["VmRSS"], "most": found["VmHWM"]}


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _library(runtime: Runtime) -> dict[str, int]:
    """Sizes of the shared objects of the runtime that are mapped now."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    paths = {line.partition("/")[2] for line in lines if ".so" in line and "/" in line}
    found = {f"/{p}" for p in paths if any(part in f"/{p}" for part in runtime.library)}
    return {Path(p).name: Path(p).stat().st_size for p in sorted(found) if Path(p).exists()}


if __name__ == "__main__":
    main()
