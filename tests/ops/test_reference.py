"""Every case: the shape rule and the table's reference against the family's oracle."""

from __future__ import annotations

import numpy as np
import pytest

from samara.graph.backends import numpy as numpy_backend
from samara.graph.dims import Dim
from tests.cases._case import Case
from tests.ops._graphs import assert_close, build, tolerance
from tests.ops.conftest import family, over_cases


def has_axes(case: Case) -> bool:
    return any(given is not None and given.shape for given in case.flat_inputs())


@over_cases(lambda case, dtype: True)
def test_reference_matches_oracle(
    family_name: str, case: Case, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_backend, "overrides", {})
    check_against_oracle(family_name, case, dtype)


@over_cases(lambda case, dtype: case.op in numpy_backend.overrides)
def test_numpy_matches_oracle(
    family_name: str, case: Case, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_against_oracle(family_name, case, dtype)
    # As little at a time as can be.
    monkeypatch.setattr(numpy_backend, "_BLOCK_BYTES", 1)
    check_against_oracle(family_name, case, dtype)


def check_against_oracle(family_name: str, case: Case, dtype: str) -> None:
    made = build(case, dtype)
    results = made.session().run(list(made.op.outputs), made.feeds)
    oracle = family(family_name).ORACLES[case.op]
    inputs = list(made.inputs)
    if not getattr(oracle, "as_stored", False):
        inputs = [a.astype(np.float64) if a is not None and a.dtype.kind == "f" else a for a in inputs]
    expected = oracle(made.op.a, *case.grouped(inputs))
    expected = list(expected) if isinstance(expected, (tuple, list)) else [expected]
    assert len(results) == len(expected)
    for result, wanted, tensor in zip(results, expected, made.op.outputs, strict=True):
        assert result.dtype == tensor.dtype.numpy
        assert tensor.shape is not None
        for inferred, size in zip(tensor.shape, result.shape, strict=True):
            assert isinstance(inferred, Dim) or inferred == size, (
                f"inferred {tensor.shape}, found {result.shape}"
            )
        assert_close(result, wanted, tolerance(case, result), case.id)


@over_cases(lambda case, dtype: has_axes(case) and dtype == case.dtype_names()[0])
def test_unknown_dimensions_give_the_same(family_name: str, case: Case, dtype: str) -> None:
    known = build(case, dtype)
    unknown = build(case, dtype, unknown=True)
    expected = known.session().run(list(known.op.outputs), known.feeds)
    results = unknown.session().run(list(unknown.op.outputs), unknown.feeds)
    for result, wanted, tensor in zip(results, expected, unknown.op.outputs, strict=True):
        np.testing.assert_array_equal(result, wanted)
        if tensor.shape is not None:
            assert len(tensor.shape) == result.ndim
            for inferred, size in zip(tensor.shape, result.shape, strict=True):
                assert isinstance(inferred, Dim) or inferred == size
