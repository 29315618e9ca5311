"""Every case of every op with its tensors between guard pages: no kernel touches what is not its own.

The program is tests/runtime_c/test_guard_nodes.c; what it is given here are the cases of the op table, of their first
type and int8, and networks with tensors in the rows of others.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from samara import export_model
from samara.graph.ops import OPS
from tests.conftest import ROOT
from tests.exporter.test_channel_joins import network
from tests.golden.make_golden import cases_file
from tests.ops.conftest import FAMILIES, family
from tests.ops.test_kernel import on_device

PROGRAM = next(iter((ROOT / "build" / "release").rglob("test_guard_nodes")), None)


def check_guards(path: Path) -> None:
    if PROGRAM is None:
        pytest.skip("no test_guard_nodes in build/release: run `make test-c`")
    done = subprocess.run([str(PROGRAM), str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exited with {done.returncode}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize("name", FAMILIES)
def test_kernels_stay_between_guards(name: str, tmp_path: Path) -> None:
    cases = {
        f"{number}_{case.id}_{dtype}": (case, dtype)
        for number, case in enumerate(family(name).CASES)
        for dtype in sorted({case.dtype_names()[0], "int8"} & set(case.dtype_names()))
        if on_device(case, dtype) and not any(o.state for o in OPS[case.op].operands)
    }
    if not cases:
        pytest.skip(f"no op of {name} has a kernel without state")
    cases_file(cases)(tmp_path / "cases.smr")
    check_guards(tmp_path / "cases.smr")


@pytest.mark.parametrize("quantize", [None, "int8"])
@pytest.mark.parametrize("widths", [(16, 64), (9, 23, 5)], ids=str)
def test_kernels_stay_in_their_rows(widths: tuple[int, ...], quantize: str | None, tmp_path: Path) -> None:
    """What lies between the rows of a tensor is other tensors'."""
    net, y = network(widths)
    samples = net.draw.normal(size=(2, 14, 13, 3)).astype("float32")
    options: Any = {"samples": samples, "quantize": quantize, "disable": ["row_strips"]}
    report = export_model(y, tmp_path / "rows.smr", **options)
    assert len(report.programs[0].plan.rows) == 2 * len(widths)
    check_guards(tmp_path / "rows.smr")
