"""Prints how large the library is with all generic kernels, for each compiler that is there.

    python runtime_c/tools/size.py [--json]

Text is code and read-only data; data here is constants that hold addresses (.data.rel.ro), read-only
once they are loaded. Built as it ships (-O2) and for size (-Os).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

RUNTIME = Path(__file__).resolve().parent.parent
BUILD = RUNTIME.parent / "build" / "size"
TARGETS = {
    "x86-64": ("", ""),
    "aarch64": ("aarch64-linux-gnu-", "aarch64-linux.cmake"),
    "armv7": ("arm-linux-gnueabihf-", "armv7-linux.cmake"),
}
VARIANTS = {
    "O2": ("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG"),
    "Os": ("-DCMAKE_BUILD_TYPE=MinSizeRel",),
    "Os, no error text": ("-DCMAKE_BUILD_TYPE=MinSizeRel", "-DSMR_NO_ERROR_STRINGS=ON"),
}


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def measure(target: str, variant: str) -> tuple[int, int, int] | None:
    """Text, data and bss bytes; None without a compiler for the target."""
    prefix, toolchain = TARGETS[target]
    if shutil.which(f"{prefix}gcc") is None:
        return None
    folder = str(BUILD / f"{target}-{variant.replace(', ', '-').replace(' ', '-')}")
    options = [f"-DCMAKE_TOOLCHAIN_FILE={RUNTIME / 'cmake' / 'toolchains' / toolchain}"] if toolchain else []
    _run("cmake", "-S", str(RUNTIME), "-B", folder, *VARIANTS[variant], *options)
    _run("cmake", "--build", folder)
    totals = _run(f"{prefix}size", "-t", f"{folder}/libsamara.a").splitlines()[-1].split()
    return int(totals[0]), int(totals[1]), int(totals[2])


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    as_json = parser.parse_args(arguments).json
    rows = {f"{t} {v}": size for t in TARGETS for v in VARIANTS if (size := measure(t, v)) is not None}
    if as_json:
        found = {name: dict(zip(("text", "data", "bss"), size, strict=True)) for name, size in rows.items()}
        print(json.dumps(found, indent=2))
        return
    print(f"{'libsamara.a':<28}{'text':>10}{'data':>8}{'bss':>6}  bytes")
    for name, (text, data, bss) in rows.items():
        print(f"{name:<28}{text:>10}{data:>8}{bss:>6}")
    for target, (prefix, _) in TARGETS.items():
        if shutil.which(f"{prefix}gcc") is None:
            print(f"{target}: no {prefix}gcc")


if __name__ == "__main__":
    main()
