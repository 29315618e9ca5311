"""A generated corpus: ONNX nodes with all their options, exported and held to onnxruntime.

`make corpus` runs it with many more examples.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samara import Dim, load
from samara.exporter.export import export_model
from samara.exporter.frontends import import_model
from tests.exporter.frontends.corpus import examples
from tests.exporter.frontends.onnx import corpus

onnxruntime = pytest.importorskip("onnxruntime")

# Exporting costs more than what is exported, so that one file has several cases.
TOGETHER = 10

# How much larger a size that moves may become; blocks of 2 and of 3 still fit.
LARGER = 24

Arrays = Mapping[str, np.ndarray[Any, Any]]


def close(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], name: str) -> None:
    """Equal shape and element type; equal values, floats up to a part of themselves and of what is usual."""
    assert found.shape == expected.shape, name
    assert found.dtype == expected.dtype, name
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected, err_msg=name)
        return
    tolerance = 1e-2 if expected.dtype == np.float16 else 5e-5
    finite = np.abs(expected[np.isfinite(expected)].astype(np.float64))
    # Now and then an array has a few numbers beside which all others vanish.
    scale = min(max(float(finite.max(initial=0.0)), 1e-3), 10.0)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def by_onnxruntime(model: Any) -> Any:
    """Runs a model as it stands."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [o.name for o in session.get_outputs()]
    return lambda fed: dict(zip(names, session.run(None, dict(fed)), strict=True))


def same(found: Arrays, expected: Arrays) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        close(np.asarray(found[name]), array, name)


def agrees(cases: Sequence[corpus.Case], others: Sequence[Sequence[corpus.Case]] = ()) -> None:
    """Exports cases as one model, and compares session and file with onnxruntime, for their inputs and others'."""
    model, fed = corpus.model_of(cases)
    run = by_onnxruntime(model)
    shapes = {
        f"{name}_{number}": [
            Dim(f"{name}_{number}_{axis}", size, size + LARGER) if axis in one.moving.get(name, ()) else size
            for axis, size in enumerate(array.shape)
        ]
        for number, one in enumerate(cases)
        for name, array in one.inputs.items()
    }
    imported = import_model(model, shapes=shapes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.smr"
        export_model(imported, path, samples=[fed])
        context = load(path).context()
        for arrays in (fed, *(corpus.model_of(o)[1] for o in others)):
            expected = run(arrays)
            same(imported.run(arrays), expected)
            found = context.run(**arrays)
            same(found if isinstance(found, dict) else {next(iter(expected)): found}, expected)


def several(cases: Any) -> Any:
    return st.lists(cases, min_size=4, max_size=TOGETHER)


@given(several(corpus.POINTWISE))
@examples(3)
def test_element_by_element(cases: list[corpus.Case]) -> None:
    agrees(cases)


@given(several(corpus.AXES))
@examples(3)
def test_along_axes(cases: list[corpus.Case]) -> None:
    agrees(cases)


@given(several(corpus.PLACES))
@examples(3)
def test_places(cases: list[corpus.Case]) -> None:
    agrees(cases)


@given(several(corpus.WINDOWS))
@examples(3)
def test_windows(cases: list[corpus.Case]) -> None:
    agrees(cases)


@given(several(corpus.MIXTURES))
@examples(3)
def test_products_norms_and_chains(cases: list[corpus.Case]) -> None:
    agrees(cases)


@given(st.lists(corpus.MOVING, min_size=3, max_size=TOGETHER))
@examples(3)
def test_sizes_that_move(drawn: list[tuple[corpus.Case, ...]]) -> None:
    first, *others = zip(*drawn, strict=True)
    agrees(first, others)
