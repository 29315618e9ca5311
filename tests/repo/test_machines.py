"""The C runtime on other processors, under emulators: it compiles without a warning, and its own tests hold.

That is the golden files, random nodes by every kernel of the emulated processor against the generic ones, guard pages
where there are pages, and the floating-point environment. `make test-machines` tries many more random nodes.
"""

from __future__ import annotations

import os

import pytest

from tests.repo._builds import AARCH64, ARMV7, WASM, Machine, run

# What says nothing about a processor and takes an emulator long.
LEFT_OUT = "^(corrupt|allocation)$"


@pytest.mark.slow
@pytest.mark.parametrize("machine", [AARCH64, ARMV7, WASM], ids=lambda m: m.name)
def test_machine(machine: Machine) -> None:
    machine.command()
    folder = machine.library()
    percent = os.environ.get("SMR_TEST_PERCENT", "25")
    for processor in machine.processors:
        env = {"QEMU_CPU": processor, "SMR_TEST_PERCENT": percent}
        run("ctest", "--test-dir", folder, "--output-on-failure", "-E", LEFT_OUT, env=env)
