"""What `samara bench` measures of one file: latency, opening, memory, and where the time goes."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from samara import roofline

if TYPE_CHECKING:
    from samara.pyruntime.model import Context, SignatureInfo
    from samara.pyruntime.profile import Limits, Profile

_MOST_PROFILED = 50


@dataclass(frozen=True)
class Latency:
    """Microseconds of a run."""

    median_us: float
    p10_us: float
    p90_us: float
    runs: int


@dataclass(frozen=True)
class Figures:
    """All that is measured.

    Attributes:
        first_us: from the file's name to the end of the first run.
        grown_bytes: by how much anonymous memory has grown then; None where the system does not tell.
        file_bytes, context_bytes, arena_bytes: as `Model.memory` has them.
        threads: the latency for each number of threads.
    """

    signature: str
    first_us: float
    grown_bytes: int | None
    file_bytes: int
    context_bytes: int
    arena_bytes: int
    threads: dict[int, Latency]
    profile: Profile

    def as_json(self, limits: Limits | None = None) -> dict[str, Any]:
        """Plain numbers and texts; `limits` are told where they are known."""
        told = {k: v for k, v in self.__dict__.items() if k not in ("threads", "profile")}
        threads = {str(count): asdict(latency) for count, latency in self.threads.items()}
        ops = [
            {**row.__dict__, "gmacs": row.rate, "of_limit": None if limits is None else row.part(limits)}
            for row in self.profile.rows
        ]
        return {
            **told,
            "limits": None if limits is None else asdict(limits),
            "threads": threads,
            "profiled_us": self.profile.microseconds,
            "ops": ops,
        }

    def as_text(self, limits: Limits | None = None) -> str:
        """For people; `limits` as `Profile.table` takes them."""
        lines = [
            f"{count} thread{'s' if count > 1 else ''}: median {f.median_us:.1f} us, p10 {f.p10_us:.1f}, "
            f"p90 {f.p90_us:.1f} over {f.runs} runs"
            for count, f in self.threads.items()
        ]
        median = next(iter(self.threads.values())).median_us
        lines.append(
            f"first result {self.first_us / 1e3:.2f} ms after opening, {self.first_us / median:.1f} runs"
        )
        grown = "" if self.grown_bytes is None else f"; anonymous memory grew by {self.grown_bytes:,} B"
        lines.append(
            f"file {self.file_bytes:,} B, mapped; context {self.context_bytes:,} B, of it arena "
            f"{self.arena_bytes:,} B{grown}"
        )
        return "\n".join([*lines, "", self.profile.table(limits)])


def measure(path: str, signature: str | None, seconds: float, threads: Sequence[int] = (1,)) -> Figures:
    """Opens a file and runs a signature of it, the first when None, on zeros.

    Args:
        path: the `.smr` file.
        signature: its name.
        seconds: how long each number of threads is measured.
        threads: the numbers of threads; opening and the profile are those of the first.

    Raises:
        KeyError: the file has no such signature.
        ArgumentStatusError: there cannot be so many threads.
    """
    import numpy as np

    from samara.pyruntime.model import load

    before = _anonymous()
    start = time.perf_counter()
    model = load(path)
    context = model.context(threads=threads[0])
    info = model.signature(signature)
    inputs = [np.zeros(t.shape, t.dtype) for t in info.inputs]
    context.run(*inputs, signature=info.name)
    first = time.perf_counter() - start
    after = _anonymous()
    latencies = {threads[0]: _latency(context, info, inputs, seconds)}
    for count in threads[1:]:
        latencies[count] = _latency(model.context(threads=count), info, inputs, seconds)
    fewest = min(latency.runs for latency in latencies.values())
    repetitions = max(min(fewest // 4, _MOST_PROFILED), 3)
    memory = model.memory
    return Figures(
        signature=info.name,
        first_us=first * 1e6,
        grown_bytes=None if before is None or after is None else after - before,
        file_bytes=memory.file,
        context_bytes=memory.context,
        arena_bytes=memory.arena,
        threads=latencies,
        profile=context.profile(*inputs, signature=info.name, repetitions=repetitions),
    )


def limits_of(path: str) -> Limits:
    """What a run of the project's benchmark found of one thread.

    Raises:
        ValueError: the file is not what the benchmark writes.
    """
    try:
        machine = json.loads(Path(path).read_text())["machine"]
        return _limits(machine["limits"]["1"], machine["caches"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} is not the JSON that `make bench` writes") from None


def measured_limits() -> Limits | None:
    """The same, measured now, which takes about three seconds; None where no C compiler can build what measures."""
    with TemporaryDirectory() as folder:
        program = Path(folder) / "roofline"
        try:
            roofline.build(program)
        except (OSError, subprocess.CalledProcessError):
            return None
        caches = roofline.caches()
        return _limits(roofline.measure(program, 1, 3, roofline.sizes(caches)), caches)


def _limits(measured: Mapping[str, Any], caches: Mapping[str, int]) -> Limits:
    from samara.pyruntime.profile import Limits

    reads = measured["reads"]
    levels = tuple((int(size), float(reads[name])) for name, size in sorted(caches.items()))
    return Limits(**roofline.peaks(measured), levels=levels, memory=float(reads["memory"]))


def _latency(context: Context, info: SignatureInfo, inputs: list[Any], seconds: float) -> Latency:
    import numpy as np

    times = context.timed(*inputs, signature=info.name, seconds=seconds)
    low, median, high = (float(np.percentile(times, p)) / 1000 for p in (10, 50, 90))
    return Latency(median, low, high, len(times))


def _anonymous() -> int | None:
    """Bytes of anonymous memory of this process, where the system tells."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    _, found, rest = status.partition("RssAnon:")
    return int(rest.split()[0]) * 1024 if found else None
