"""The C runtime on other processors, and on Windows: it compiles without a warning, and its own tests hold.

That is the golden files, random nodes by every kernel of the emulated processor against the generic ones, guard pages
where there are pages, and the floating-point environment. `make test-machines` tries many more random nodes.
"""

from __future__ import annotations

import os

import pytest

from tests.repo._builds import AARCH64, ARMV7, WASM, WINDOWS, Machine, run

# What says nothing about a processor and takes an emulator long.
LEFT_OUT = "^(corrupt|allocation)$"


@pytest.mark.slow
@pytest.mark.parametrize("machine", [AARCH64, ARMV7, WASM, WINDOWS], ids=lambda m: m.name)
def test_machine(machine: Machine) -> None:
    machine.command()
    folder = machine.library()
    percent = os.environ.get("SMR_TEST_PERCENT", "25")
    for processor in machine.processors:
        env = {"QEMU_CPU": processor, "SMR_TEST_PERCENT": percent}
        left_out = () if machine is WINDOWS else ("-E", LEFT_OUT)
        run("ctest", "--test-dir", folder, "--output-on-failure", *left_out, env=env)
