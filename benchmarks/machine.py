"""What the machine is, and what it can do at most."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.network import Network
from samara import roofline

_WEIGHT_BYTES = {"float32": 4, "int8": 1}


def describe(folder: Path, threads: Sequence[int], trials: int = 7) -> dict[str, Any]:
    """The processor, its caches in bytes, and its limits for each number of threads: the best of `trials`.

    Raises:
        OSError, subprocess.CalledProcessError: as `roofline.build` says.
    """
    program = folder / "roofline"
    roofline.build(program)
    caches = roofline.caches()
    sizes = roofline.sizes(caches)
    limits = {str(count): roofline.measure(program, count, trials, sizes) for count in threads}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "caches": caches,
        "limits": limits,
    }


def limit(network: Network, precision: str, machine: Mapping[str, Any], threads: int) -> float:
    """Microseconds that a run takes at least.

    The sum over the layers of the longer of two times: that of the multiplications at the highest rate, and that of
    reading the weights once, each byte from the fastest cache that still has room for it. Activations are taken to
    cost nothing.
    """
    limits = machine["limits"][str(threads)]
    rate = roofline.peaks(limits)[precision]
    width = _WEIGHT_BYTES[precision]
    byte = _nanoseconds_of_a_byte(network.weight_count * width, machine["caches"], limits["reads"])
    return sum(max(layer.macs / rate, layer.weight_count * width * byte) / 1000 for layer in network.layers)


def _nanoseconds_of_a_byte(size: int, caches: Mapping[str, int], reads: Mapping[str, float]) -> float:
    """The mean over `size` bytes that fill one cache after the other, then memory."""
    left, time, filled = size, 0.0, 0
    for name, room in sorted(caches.items()):
        here = min(left, max(room - filled, 0))
        time += here / reads[name]
        left, filled = left - here, max(room, filled)
    return (time + left / reads["memory"]) / max(size, 1)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        word, _, rest = line.partition(":")
        if word.strip() in ("model name", "Model"):
            return rest.strip()
    return platform.machine()
