"""Holds an imported module to torch: in a session, and as a file in the C runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara import load
from samara.exporter.export import export_model
from samara.exporter.frontends import ImportedModel, import_model

torch = pytest.importorskip("torch")

Array = np.ndarray[Any, Any]


class Function(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *x: Any) -> Any:
        return self.function(*x)


def close(found: Array, expected: Array, tolerance: float = 1e-4) -> None:
    """Equal shape and element type; equal values, floats up to a part of the largest."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    finite = np.abs(expected[np.isfinite(expected)].astype(np.float64))
    scale = max(float(finite.max(initial=0.0)), 1e-3)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)


def agrees(module: Any, inputs: Any, *, tolerance: float = 1e-4, shapes: Any = None) -> ImportedModel:
    """Imports a module and compares what the graph computes with what the module does."""
    if not isinstance(module, torch.nn.Module):
        module = Function(module)
    imported = import_model(module.eval(), inputs=inputs, shapes=shapes)
    assert imported.samples is not None
    assert imported.oracle is not None
    run = imported.oracle.start()
    for sample in imported.samples[0]:
        expected = run("main", sample)
        found = imported.run(sample)
        assert list(found) == list(expected)
        for name in expected:
            close(found[name], expected[name], tolerance)
    return imported


def exported(
    module: Any,
    inputs: Any,
    path: Path,
    *,
    shapes: Any = None,
    samples: Sequence[Mapping[str, Any]] | None = None,
) -> Any:
    """Exports a module, which proves each layer and the outputs, and loads the file."""
    if not isinstance(module, torch.nn.Module):
        module = Function(module)
    report = export_model(module.eval(), path, inputs=inputs, shapes=shapes, samples=samples)
    assert report.oracle.startswith("torch")
    assert report.outputs
    return load(path)
