"""Every op of the table is whole: documented, computed by a reference, run by a kernel, driven by cases."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest

from samara.graph.ops import OPS
from samara.pyruntime._native import ffi, lib
from tests.conftest import ROOT

BY_NAME = {op.name: op for op in OPS}


def kernels() -> set[tuple[str, str]]:
    found = set()
    op, kernel = ffi.new("const char **"), ffi.new("const char **")
    for index in range(lib.smr_kernel_count()):
        assert lib.smr_kernel(index, op, kernel, ffi.NULL) == lib.SMR_OK
        found.add((ffi.string(op[0]).decode(), ffi.string(kernel[0]).decode()))
    return found


def cases() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for path in sorted((ROOT / "tests" / "cases").glob("[!_]*.py")):
        for case in importlib.import_module(f"tests.cases.{path.stem}").CASES:
            found.setdefault(case.op, []).append(case)
    return found


KERNELS = kernels()
CASES = cases()


def test_ops_are_defined() -> None:
    for name, op in BY_NAME.items():
        assert callable(op.shape), name
        assert callable(op.reference), name
        assert op.doc.strip().endswith("."), f"the doc of {name} is not a sentence"
        assert len(op.doc.split()) >= 3, name
        for attribute in op.attributes:
            assert attribute.doc.strip(), f"attribute {attribute.name} of {name} is not documented"


def test_ops_have_a_generic_kernel_and_cases() -> None:
    for name in (name for name, op in BY_NAME.items() if op.device == "kernel"):
        assert (name, "generic") in KERNELS, (
            f"runtime_c/src/kernels/generic/kernels.inc has no row for {name}"
        )
        assert CASES.get(name), f"tests/cases/<family>.py has no case for {name}"


def test_kernels_and_cases_are_of_known_ops() -> None:
    assert {op for op, _ in KERNELS} <= BY_NAME.keys()
    assert CASES.keys() <= BY_NAME.keys()


@pytest.mark.parametrize("folder", ["generic", "x86", "arm", "wasm"])
def test_rows_of_the_registry_are_sorted(folder: str) -> None:
    """The registry looks for the rows of an op by halving the list."""
    text = (ROOT / "runtime_c" / "src" / "kernels" / folder / "kernels.inc").read_text()
    names = re.findall(r"^SMR_KERNEL(?:_IF)?\((\w+),", text, re.MULTILINE)
    opcodes = [BY_NAME[name.lower()].opcode for name in names]
    assert len(opcodes) > 1
    assert opcodes == sorted(opcodes)
