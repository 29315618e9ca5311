"""Holds a composition to an oracle: in a session, and as a file in the C runtime with sizes that move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samara import load
from samara.exporter.export import export_model
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph

Array = np.ndarray[Any, Any]


def close(found: Array, expected: Array, tolerance: float, what: str) -> None:
    """Equal shape and type, values up to a part of the largest."""
    assert found.shape == expected.shape, f"{what}: {found.shape}, expected {expected.shape}"
    assert found.dtype == expected.dtype, what
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected, err_msg=what)
        return
    limit = tolerance * max(float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)), 1e-3)
    np.testing.assert_allclose(
        found.astype(np.float64), expected.astype(np.float64), rtol=0, atol=limit, err_msg=what
    )


def agrees(
    build: Callable[..., Any],
    arrays: Sequence[Array],
    expected: Any,
    *,
    path: Path | None = None,
    moving: Mapping[int, Sequence[str | None]] | None = None,
    tolerance: float = 2e-5,
) -> Any:
    """Builds `build(b, *tensors)` on the arrays and compares its outputs, None left out, with what is expected.

    Args:
        build: the composition.
        arrays: the inputs.
        expected: an array, or a list of them.
        path: where to write a file, which is run too; None to use the session only.
        moving: for an input, a name for each axis whose size may move (None for one that is fixed); the graph knows
            these axes as bounded dimensions, and the file is planned for more than the arrays have.
        tolerance: the greatest difference over the greatest magnitude.

    Returns:
        The report of the export, or the outputs.
    """
    graph = Graph()
    named: dict[str, Dim] = {}
    tensors = []
    for number, array in enumerate(arrays):
        names = (moving or {}).get(number, [None] * array.ndim)
        shape = [
            n if name is None else named.setdefault(name, Dim(name, 0, n + 3))
            for n, name in zip(array.shape, names, strict=True)
        ]
        attributes = {"dtype": array.dtype.name, "shape": shape}
        tensors.append(graph.apply("placeholder", [], attributes, name=f"x{number}").outputs[0])
    made = build(graph.b, *tensors)
    wanted = expected if isinstance(expected, (list, tuple)) else [expected]
    outputs = [t for t in (made if isinstance(made, (list, tuple)) else [made]) if t is not None]
    assert len(outputs) == len(wanted)
    found = Session(graph=graph).run(outputs, dict(zip(tensors, arrays, strict=True)))
    for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
        close(np.asarray(one), np.asarray(other), tolerance, f"output {number} of a session")
    if path is None:
        return outputs
    inputs = {f"x{i}": t for i, t in enumerate(tensors)}
    sample = {f"x{i}": a for i, a in enumerate(arrays)}
    report = export_model(
        {f"y{i}": t for i, t in enumerate(outputs)},
        path / "m.smr",
        inputs=inputs,
        samples=[sample],
        tolerance=max(tolerance, 1e-4),
    )
    results = load(path / "m.smr").run(**sample)
    results = list(results.values()) if isinstance(results, dict) else [results]
    for number, (one, other) in enumerate(zip(results, wanted, strict=True)):
        close(one, np.asarray(other), tolerance, f"output {number} of the file")
    return report
