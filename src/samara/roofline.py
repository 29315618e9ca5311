"""What a machine can do at most, measured by a small C program (roofline.c) that the machine's own compiler builds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).parent / "roofline.c"


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


def measure(program: Path, threads: int, trials: int, sizes: Mapping[str, int]) -> dict[str, Any]:
    """The best of some trials, of all threads together.

    Args:
        program: what `build` has built.
        threads: how many measure at the same time.
        trials: how often, for 20 milliseconds each.
        sizes: bytes that each thread reads, by the name of what has room for them.

    Returns:
        "rates", 1e9 multiplications a second by the kind of instruction, whose name begins with "float32" or "int8";
        and "reads", GB/s by the names of `sizes`.
    """
    told = [f"{name}={size}" for name, size in sizes.items()]
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
