"""Every case on the C runtime: export a graph of the one op, load the file, run it, compare with the reference.

Integers must be equal, floats within the case's tolerance of the largest value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.exporter.passes import PASSES
from samara.graph.dims import Dim
from samara.graph.ops import OPS
from samara.pyruntime.abilities import instruction_sets
from samara.pyruntime.model import Model, load
from samara.pyruntime.pool import Pool, shared_pool
from tests.cases._case import Case
from tests.ops._graphs import assert_close, build, tolerance
from tests.ops.conftest import over_cases

THREADS = 3


@pytest.fixture(scope="module", autouse=True)
def _pool() -> Pool:
    """Held while tests run, so that their contexts share it."""
    return shared_pool(THREADS)


def on_device(case: Case, dtype: str) -> bool:
    return (
        OPS[case.op].device == "kernel" and dtype != "float64" and "float64" not in case.attributes.values()
    )


def _export(case: Case, dtype: str, path: Path) -> None:
    # Without passes: they may turn the op into another, or fold it away.
    made = build(case, dtype)
    inputs = {t.op.name: t for t in made.feeds}
    outputs = {f"output{i}": t for i, t in enumerate(made.op.outputs)}
    sample = {t.op.name: a for t, a in made.feeds.items()}
    export_model(
        outputs,
        path,
        inputs=inputs,
        samples=[sample],
        session=made.session(),
        disable=tuple(PASSES),
        tolerance=1e-2,
        golden=0,
    )
    expected = made.session().run(list(made.op.outputs), made.feeds)
    model = load(path)
    if all(Path(o.op).name != case.op for o in model.ops()):
        raise AssertionError(f"the file has no {case.op}: {model.ops()}")
    for found in _on_instruction_sets(model, sample):
        for result, wanted in zip(found, expected, strict=True):
            assert result.dtype == wanted.dtype
            assert_close(result, wanted, tolerance(case, wanted), case.id)


def _on_instruction_sets(model: Model, sample: dict[str, np.ndarray]) -> Iterator[list[np.ndarray]]:
    """The outputs of each kernel that this processor can run the file with, the plain C one last."""
    before = None
    for isa in reversed([name for name, offered in instruction_sets().items() if offered]):
        context = model.context(isa)
        if context.kernels() != before:
            before = context.kernels()
            found = _listed(context.run(**sample))
            for alone, together in zip(found, _together(model, isa, sample), strict=True):
                assert alone.dtype == together.dtype
                assert alone.shape == together.shape
                assert alone.tobytes() == together.tobytes(), f"{isa}: several threads compute something else"
            yield found


def _together(model: Model, isa: str, sample: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs when each op is cut into as many parts as it can be, for several threads."""
    return _listed(model.context(isa, THREADS, least_parallel_ns=1).run(**sample))


def _listed(outputs: dict[str, np.ndarray] | np.ndarray) -> list[np.ndarray]:
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]


@over_cases(on_device)
def test_kernel_matches_reference(family_name: str, case: Case, dtype: str, tmp_path: Path) -> None:
    _export(case, dtype, tmp_path / "case.smr")


@over_cases(lambda case, dtype: on_device(case, dtype) and case.dynamic and dtype == case.dtype_names()[0])
def test_kernel_follows_dimensions(family_name: str, case: Case, dtype: str, tmp_path: Path) -> None:
    """The first axis as a named dimension: planned at a larger size, run at the case's."""
    made = build(case, dtype, unknown=True)
    expected = made.session().run(list(made.op.outputs), made.feeds)
    sample = {t.op.name: a for t, a in made.feeds.items()}
    largest = max(a.shape[0] for a in sample.values() if a.ndim)
    shapes = {name: [Dim("n", 1, largest + 3), *a.shape[1:]] if a.ndim else [] for name, a in sample.items()}
    path = tmp_path / "dynamic.smr"
    outputs = {f"output{i}": t for i, t in enumerate(made.op.outputs)}
    export_model(
        outputs,
        path,
        inputs={t.op.name: t for t in made.feeds},
        shapes=shapes,
        samples=[sample],
        tolerance=1e-2,
        golden=0,
    )
    for found in _on_instruction_sets(load(path), sample):
        for result, wanted in zip(found, expected, strict=True):
            assert_close(result, wanted, tolerance(case, np.asarray(wanted)), case.id)
