"""Every file of every format version loads and reproduces its recorded outputs, for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from samara.graph.ops import OPS
from samara.pyruntime.model import load
from tests.golden.make_golden import FILES, FOLDER

GOLDEN = sorted(Path(__file__).parent.glob("v*/*.smr"))


def test_all_golden_files_are_there() -> None:
    assert {p.stem for p in GOLDEN if p.parent == FOLDER} >= set(FILES)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_golden_file(path: Path) -> None:
    model = load(path)
    assert all(model.golden(name) for name in model.signatures)
    # Floats may differ by what libm differs from machine to machine; float16 by one unit of its last place.
    model.verify(
        1e-3 if any(t.dtype.name == "float16" for s in model.signatures for t in model.tensors(s)) else 1e-5
    )


def test_every_op_is_in_a_golden_file() -> None:
    found = {
        op.op for path in GOLDEN for model in [load(path)] for s in model.signatures for op in model.ops(s)
    }
    missing = {op.name for op in OPS if op.device == "kernel"} - found
    assert not missing, (
        f"no golden file has {', '.join(sorted(missing))}: make a new one with tests/golden/make_golden.py"
    )
