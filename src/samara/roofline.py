"""What a machine can do at most, measured by a small C program (roofline.c) that the machine's own compiler builds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).parent / "roofline.c"
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_BEYOND_CACHES = 256 << 20


def build(program: Path) -> None:
    """Builds the program that measures.

    Raises:
        OSError: there is no C compiler CC or cc.
        subprocess.CalledProcessError: it cannot build the program.
    """
    command = [
        os.environ.get("CC", "cc"),
        "-O3",
        "-march=native",
        "-pthread",
        str(_SOURCE),
        "-o",
        str(program),
    ]
    subprocess.run(command, check=True, capture_output=True)


def caches() -> dict[str, int]:
    """The size of each level of the data cache as one core sees it, where the system tells."""
    found = {}
    for index in sorted(_CACHES.glob("index*")):
        kind, level, size = ((index / f).read_text().strip() for f in ("type", "level", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = int(size.rstrip("KMG")) * {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
    return found


def sizes(levels: Mapping[str, int]) -> dict[str, int]:
    """What `measure` reads, of each of the caches and of memory."""
    # Half of a cache is sure to stay in it, but for what is shared with neighbours.
    found = {name: max(size // (8 if name == "L3" else 2), 1 << 12) for name, size in levels.items()}
    return {**found, "memory": _BEYOND_CACHES}


def measure(program: Path, threads: int, trials: int, buffers: Mapping[str, int]) -> dict[str, Any]:
    """The best of some trials, of all threads together.

    Args:
        program: what `build` has built.
        threads: how many measure at the same time.
        trials: how often, for 20 milliseconds each.
        buffers: bytes that each thread reads, by the name of what has room for them.

    Returns:
        "rates", 1e9 multiplications a second by the kind of instruction, whose name begins with "float32" or "int8";
        and "reads", GB/s by the names of `buffers`.
    """
    told = [f"{name}={size}" for name, size in buffers.items()]
    shown = subprocess.run(
        [str(program), str(threads), str(trials), *told], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def peaks(limits: Mapping[str, Any]) -> dict[str, float]:
    """The highest rate of "float32" and of "int8" in what `measure` returns. Int8 may be computed in float too."""
    rates = {name: float(rate) for name, rate in limits["rates"].items()}
    number = max(rate for name, rate in rates.items() if name.startswith("float32"))
    return {"float32": number, "int8": max([number, *(r for n, r in rates.items() if n.startswith("int8"))])}
