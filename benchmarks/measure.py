"""Measuring a case: one network, precision and number of threads, in every runtime, taking turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import difference, latency
from benchmarks.files import prepared, read, size, written
from benchmarks.machine import limit
from benchmarks.network import Array, Network
from benchmarks.process import Worker, WorkerError
from benchmarks.runtimes import Runtime, create

# What the outputs may differ by, in the terms of `figures.difference`.
LARGEST_FLOAT = 1e-3
NOISE_INT8 = 0.5
# Threads of the last runtime that still look for work would disturb the next.
_PAUSE = 0.005
# Rounds of slow calls, and how much longer than planned all of them may take before there are no more.
_LEAST_ROUNDS = 7
_LONGER = 1.5
_EXAMPLE = 5


@dataclass(frozen=True)
class Case:
    """What is measured at one time."""

    network: str
    precision: str
    threads: int

    def __str__(self) -> str:
        return f"{self.network} {self.precision} {self.threads} thread{'s' if self.threads > 1 else ''}"


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds of `seconds` for each runtime, and how many times a file is opened.

    Rounds are short, so that all runtimes see the same states of a machine that is slower or faster for a while. Where
    calls take longer than a round there are fewer.

    `clock` is "wall", or "processor": the time that a process had a processor, of all its threads together. That is the
    latency of one thread on a machine that is shared with other work, and none of several threads.
    """

    rounds: int = 40
    seconds: float = 0.02
    opened: int = 3
    clock: str = "wall"


class Bench:
    """Files, sources' outputs and workers below one folder."""

    def __init__(self, folder: Path, plan: Plan, machine: dict[str, Any]) -> None:
        self._models, self._scratch = folder / "models", folder / "scratch"
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._plan, self._machine = plan, machine
        self._network: Network | None = None
        self._source: list[Array] = []

    def network(self, name: str) -> Network:
        """A network with its weights; the last one is kept."""
        if self._network is None or self._network.name != name:
            from benchmarks import source

            self._network = prepared(name, self._models)
            example = self._network.example(_EXAMPLE)
            self._source = source.run(self._network, [example])[0]
            turned = example.transpose(0, 2, 3, 1) if example.ndim == 4 else example
            np.save(self._scratch / "input-first.npy", example)
            np.save(self._scratch / "input-last.npy", np.ascontiguousarray(turned))
        return self._network

    def case(self, case: Case, runtimes: Sequence[str], say: Callable[[str], None]) -> dict[str, Any]:
        """Measures a case.

        Returns:
            What the table and the chart are made from; of a runtime that could not be measured, why.

        Raises:
            ValueError: several threads are to be timed by the processor's clock.
        """
        if case.threads > 1 and self._plan.clock != "wall":
            raise ValueError("several threads are timed by the wall clock only")
        network = self.network(case.network)
        told: dict[str, dict[str, Any]] = {}
        with ExitStack() as stack:
            ready: dict[str, Worker] = {}
            for name in runtimes:
                say(f"{case}: {name} opens")
                found, worker = self._start(case, network, create(name), name, stack)
                told[name] = found
                if worker is not None:
                    ready[name] = worker
            before = _processor()
            for name, rounds in self._rounds(ready, told, say, case):
                told[name]["latency"] = asdict(latency(rounds))
            after = _processor()
        return {
            **asdict(case),
            "macs": network.macs,
            "weights": network.weight_count,
            "limit_us": round(limit(network, case.precision, self._machine, case.threads), 3),
            "stolen": round((after["steal"] - before["steal"]) / max(after["all"] - before["all"], 1), 4),
            "load_average": Path("/proc/loadavg").read_text().split()[0],
            "runtimes": told,
        }

    def _start(
        self, case: Case, network: Network, runtime: Runtime, name: str, stack: ExitStack
    ) -> tuple[dict[str, Any], Worker | None]:
        """A worker that has opened its file and agrees with the source, and what opening it told."""
        if case.threads > runtime.most_threads:
            return {"absent": f"runs on {runtime.most_threads} thread"}, None
        if case.precision not in runtime.files:
            return {"absent": f"no {case.precision} file is written for it"}, None
        try:
            path = written(network, runtime.files[case.precision], self._models)
        except Exception as error:
            text = str(error).strip().splitlines()
            told = isinstance(error, NotImplementedError) and text
            kind = "" if told else f"{type(error).__name__}: "
            return {"absent": f"{kind}{text[0] if text else ''}"[:300]}, None
        given = self._scratch / ("input-last.npy" if runtime.channels_last else "input-first.npy")
        opened: list[dict[str, Any]] = []
        try:
            for number in range(self._plan.opened):
                last = number == self._plan.opened - 1
                with ExitStack() as kept:
                    worker = kept.enter_context(
                        Worker(name, path, given, case.threads, self._scratch / f"{name}.log")
                    )
                    read(path, runtime.files[case.precision])
                    told = worker.order("open", watch=True, clock=self._plan.clock)
                    opened.append(_grown(worker, told))
                    if last:
                        gap = self._difference(worker, network, runtime)
                        stack.enter_context(kept.pop_all())
        except (WorkerError, ValueError) as failure:
            return {"absent": str(failure)}, None
        found = {
            "file_bytes": size(path, runtime.files[case.precision]),
            "difference": gap,
            "library_bytes": told["library"],
            **{k: statistics.median(o[k] for o in opened) for k in opened[0]},
        }
        wrong = gap["largest"] > LARGEST_FLOAT if case.precision == "float32" else gap["noise"] > NOISE_INT8
        if wrong:
            return {**found, "absent": f"wrong: differs from the source, {gap}"}, None
        return found, worker

    def _difference(self, worker: Worker, network: Network, runtime: Runtime) -> dict[str, float]:
        path = self._scratch / "outputs.npz"
        worker.order("outputs", path=str(path))
        with np.load(path) as stored:
            found = [stored[key] for key in stored.files]
        if runtime.channels_last:
            found = [y.transpose(0, 3, 1, 2) if y.ndim == 4 else y for y in found]
        shapes = [(1, *network.values()[name].shape) for name in network.outputs]
        sized = [y.reshape(s) if y.size == np.prod(s) else y for y, s in zip(found, shapes, strict=True)]
        return difference(sized, self._source)

    def _rounds(
        self,
        ready: dict[str, Worker],
        told: dict[str, dict[str, Any]],
        say: Callable[[str], None],
        case: Case,
    ) -> Iterator[tuple[str, list[list[int]]]]:
        """The rounds of each runtime; the first in a turn is another one each time."""
        times: dict[str, list[list[int]]] = {name: [] for name in ready}
        plan = self._plan
        end = time.monotonic() + _LONGER * plan.rounds * (plan.seconds + _PAUSE) * len(ready)
        for number in range(plan.rounds):
            if number >= _LEAST_ROUNDS and time.monotonic() > end:
                break
            names = [name for name in ready if "absent" not in told[name]]
            first = number % max(len(names), 1)
            for name in (*names[first:], *names[:first]):
                say(f"{case}: round {number + 1} of {plan.rounds}, {name}")
                try:
                    told_times = ready[name].order("round", seconds=plan.seconds, clock=plan.clock)
                    times[name].append(told_times["times"])
                except WorkerError as failure:
                    told[name]["absent"] = str(failure)
                time.sleep(_PAUSE)
        return ((name, rounds) for name, rounds in times.items() if "absent" not in told[name])


def _grown(worker: Worker, told: dict[str, Any]) -> dict[str, float]:
    """What opening a file and running it a few times cost."""
    memory, before = told["memory"], worker.before
    anonymous = max(worker.most_anonymous, memory["anonymous"])
    return {
        "first_us": round(told["first_us"], 1),
        "anonymous_bytes": anonymous - before["anonymous"],
        "memory_bytes": memory["most"] - before["all"],
    }


def _processor() -> dict[str, int]:
    """Ticks of all processors since the machine started."""
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return {"all": sum(fields), "steal": fields[7]}
