"""Prints how large the shared library is, with everything and with what one network needs, for each compiler there is.

    python runtime_c/tools/size.py [--json]

Text is code and read-only data; data is constants that hold addresses (.data.rel.ro), read-only once they are loaded.
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
# The ops of MobileNetV2 quantized to int8: `samara inspect --ops`.
MOBILENET_V2_INT8 = (
    "dequantize",
    "quantize",
    "quantized_add",
    "quantized_conv2d",
    "quantized_depthwise_conv2d",
    "quantized_matmul",
    "quantized_mean",
    "reshape",
)
RELEASE = ("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG")
SMALL = ("-DCMAKE_BUILD_TYPE=MinSizeRel", "-DSMR_NO_ERROR_STRINGS=ON")
# By name: options, and the ops that are built in, all when there are none.
VARIANTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "everything": (RELEASE, ()),
    "MobileNetV2 int8": (RELEASE, MOBILENET_V2_INT8),
    "MobileNetV2 int8, plain C, -Os, no error text": (
        (*SMALL, "-DSMR_GENERIC_KERNELS=ON"),
        MOBILENET_V2_INT8,
    ),
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
    folder = BUILD / f"{target}-{''.join(c if c.isalnum() else '-' for c in variant)}"
    folder.mkdir(parents=True, exist_ok=True)
    variables, ops = VARIANTS[variant]
    options = [*variables, "-DSMR_BUILD_SHARED=ON"]
    if toolchain:
        options.append(f"-DCMAKE_TOOLCHAIN_FILE={RUNTIME / 'cmake' / 'toolchains' / toolchain}")
    if ops:
        (folder / "ops.txt").write_text("\n".join(ops) + "\n")
        options.append(f"-DSMR_OPS_FILE={folder / 'ops.txt'}")
    _run("cmake", "-S", str(RUNTIME), "-B", str(folder), *options)
    _run("cmake", "--build", str(folder), "--target", "samara_shared")
    totals = _run(f"{prefix}size", f"{folder}/libsamara.so").splitlines()[-1].split()
    return int(totals[0]), int(totals[1]), int(totals[2])


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    as_json = parser.parse_args(arguments).json
    rows = {f"{t}, {v}": size for t in TARGETS for v in VARIANTS if (size := measure(t, v)) is not None}
    if as_json:
        found = {name: dict(zip(("text", "data", "bss"), size, strict=True)) for name, size in rows.items()}
        print(json.dumps(found, indent=2))
        return
    print(f"{'libsamara.so':<56}{'text':>10}{'data':>8}{'bss':>6}  bytes")
    for name, (text, data, bss) in rows.items():
        print(f"{name:<56}{text:>10}{data:>8}{bss:>6}")
    for target, (prefix, _) in TARGETS.items():
        if shutil.which(f"{prefix}gcc") is None:
            print(f"{target}: no {prefix}gcc")


if __name__ == "__main__":
    main()
