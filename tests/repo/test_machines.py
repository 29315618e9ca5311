"""The C runtime on other processors, under emulators: it compiles without a warning, and its own tests hold.

That is the golden files, random nodes by every kernel of the emulated processor against the generic ones, guard pages
where there are pages, and the floating-point environment. `make test-machines` tries many more random nodes.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

import pytest

from tests.conftest import ROOT
from tests.repo.conftest import build, run

TOOLCHAINS = ROOT / "runtime_c" / "cmake" / "toolchains"

# What says nothing about a processor and takes an emulator long.
LEFT_OUT = "^(corrupt|allocation)$"


@dataclass(frozen=True)
class Machine:
    """A toolchain file, the programs that it needs, and the processors that its emulator is told to be."""

    toolchain: str
    needs: tuple[str, ...]
    processors: tuple[str, ...]


MACHINES = {
    # Raspberry Pi 4: NEON; Raspberry Pi 5: with its dot product and half precision; a recent phone: with i8mm.
    "aarch64": Machine(
        "aarch64-linux",
        ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
        ("cortex-a72", "cortex-a76", "max,sve=off"),
    ),
    "armv7": Machine("armv7-linux", ("arm-linux-gnueabihf-gcc", "qemu-arm"), ("cortex-a7",)),
    "wasm": Machine("wasm32-wasi", ("clang-19", "wasm-ld-19", "node"), ("wasm",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MACHINES)
def test_machine(name: str) -> None:
    machine = MACHINES[name]
    missing = [program for program in machine.needs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}")
    if name == "wasm" and not os.path.exists("/usr/lib/wasm32-wasi/libc.a"):
        pytest.skip("no C library for WASI (Debian: wasi-libc)")
    folder = build(
        ROOT / "runtime_c",
        ROOT / "build" / f"repo-{name}",
        f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAINS / machine.toolchain}.cmake",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DSMR_WERROR=ON",
        "-DSMR_BUILD_TESTS=ON",
        "-DSMR_BUILD_TOOLS=ON",
    )
    percent = os.environ.get("SMR_TEST_PERCENT", "25")
    for processor in machine.processors:
        env = {"QEMU_CPU": processor, "SMR_TEST_PERCENT": percent}
        run("ctest", "--test-dir", folder, "--output-on-failure", "-E", LEFT_OUT, env=env)
