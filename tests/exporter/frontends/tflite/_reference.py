"""Runs .tflite files by the reference kernels of LiteRT, and through Samara, to compare."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara
from samara.exporter.report import ExportReport

Array = np.ndarray[Any, Any]


def interpreter(data: bytes, *, reference: bool = True) -> Any:
    """A fresh interpreter of a file, its tensors allocated; with other kernels where the reference lacks one."""
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is the oracle")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = litert.Interpreter(
            model_content=data,
            num_threads=1,
            experimental_op_resolver_type=(
                litert.OpResolverType.BUILTIN_REF
                if reference
                else litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            ),
        )
    made.allocate_tensors()
    return made


def run(interpreter: Any, inputs: Sequence[Array]) -> list[Array]:
    """What a run gives, the state being as the run before left it."""
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], np.asarray(array, order="C"))
    interpreter.invoke()
    return [np.array(interpreter.get_tensor(d["index"])) for d in interpreter.get_output_details()]


def listed(found: Any) -> list[Array]:
    """What a loaded model gave, as a list."""
    return list(found.values()) if isinstance(found, dict) else [found]


def export(data: bytes, folder: Path, **options: Any) -> tuple[ExportReport, Path]:
    """Exports a file's bytes."""
    (folder / "m.tflite").write_bytes(data)
    return samara.export_model(folder / "m.tflite", folder / "m.smr", **options), folder / "m.smr"


def agree(
    data: bytes,
    folder: Path,
    inputs: Sequence[Sequence[Array]],
    *,
    tolerance: float = 1e-5,
    reference: bool = True,
) -> ExportReport:
    """Compares runs, one after the other in one context, with those of the reference kernels.

    Args:
        data: the file.
        folder: where to write.
        inputs: for each run the inputs in order.
        tolerance: of floats, relative to the largest of an output; integers must be equal.
        reference: whether LiteRT has a reference kernel.
    """
    oracle = interpreter(data, reference=reference)
    report, path = export(data, folder, inputs=list(inputs[0]) or None, tolerance=max(tolerance, 1e-4))
    assert ("reference" if reference else "default kernels") in report.oracle
    context = samara.load(path).context()
    for given in inputs:
        expected = run(oracle, given)
        found = listed(context.run(*given))
        assert len(found) == len(expected)
        for got, want in zip(found, expected, strict=True):
            assert got.dtype == want.dtype
            assert got.shape == want.shape
            if want.dtype.kind == "f":
                limit = tolerance * max(float(np.abs(want[np.isfinite(want)]).max(initial=0)), 1e-3)
                np.testing.assert_allclose(got, want, rtol=0, atol=limit)
            else:
                np.testing.assert_array_equal(got, want)
    return report
