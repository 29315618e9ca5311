"""What the machine is, and what it can do at most."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.network import Network
from samara import roofline

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_BEYOND_CACHES = 256 << 20
_WEIGHT_BYTES = {"float32": 4, "int8": 1}


def describe(folder: Path, threads: Sequence[int], trials: int = 7) -> dict[str, Any]:
    """The processor, its caches in bytes, and its limits for each number of threads: the best of `trials`.

    Raises:
        OSError, subprocess.CalledProcessError: as `roofline.build` says.
    """
    program = folder / "roofline"
    roofline.build(program)
    caches = _caches()
    # Half of a cache is sure to stay in it, but for what is shared with neighbours.
    sizes = {name: max(size // (8 if name == "L3" else 2), 1 << 12) for name, size in caches.items()}
    sizes["memory"] = _BEYOND_CACHES
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


def _caches() -> dict[str, int]:
    """The size of each level of the data cache as one core sees it."""
    found = {}
    for index in sorted(_CACHES.glob("index*")):
        kind, level, size = ((index / f).read_text().strip() for f in ("type", "level", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = int(size.rstrip("KMG")) * {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        word, _, rest = line.partition(":")
        if word.strip() in ("model name", "Model"):
            return rest.strip()
    return platform.machine()
