"""Sizes that depend on data, from the graph to the C runtime and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import ExportError, GraphError, SamaraError
from samara.exporter.export import export_model
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph
from samara.pyruntime.model import Model, load


def placeholder(graph: Graph, name: str, shape: Any, dtype: str = "float32") -> Any:
    return graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name=name).outputs[0]


def first_rows(graph: Graph, n: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first `count` rows of x, and what follows from them."""
    b = graph.b
    x, count = placeholder(graph, "x", [n, 3]), placeholder(graph, "count", [], "int64")
    rows = b.strided_slice(
        b.shape(x, output_type="int64"), begin=(0,), end=(1,), strides=(1,), shrink_axis_mask=1
    )
    size = b.dimension(count, rows, symbol=Dim("found"))
    part = b.slice(x, np.zeros(2, np.int64), b.stack([size, b.constant(np.int64(3))]), strides=(1, 1))
    flat = b.relu(b.reshape(part, b.stack([b.multiply(size, b.constant(np.int64(3)))])))
    total = b.reduce_sum(part, axes=(0,))
    return {"x": x, "count": count}, {"part": part, "flat": flat, "total": total}


def exported(tmp_path: Path, n: Any = None, count: int = 4) -> Model:
    graph = Graph()
    inputs, outputs = first_rows(graph, Dim("n", 1, 10) if n is None else n)
    sample = {"x": np.ones((10, 3), np.float32), "count": np.int64(count)}
    export_model(outputs, tmp_path / "m.smr", inputs=inputs, samples=[sample])
    return load(tmp_path / "m.smr")


def test_outputs_have_their_true_sizes(tmp_path: Path) -> None:
    model = exported(tmp_path)
    assert model.dimensions == {"n": (1, 10), "found": (0, 10)}
    assert model.computed == {"found"}
    generator = np.random.default_rng(0)
    for rows in (10, 1, 7, 10, 3):
        x = generator.standard_normal((rows, 3)).astype(np.float32)
        for count in (rows, 0, rows // 2):
            found = model.run(x=x, count=np.int64(count))
            np.testing.assert_array_equal(found["part"], x[:count])
            np.testing.assert_array_equal(found["flat"], np.maximum(x[:count], 0).reshape(-1))
            np.testing.assert_allclose(found["total"], x[:count].sum(axis=0), atol=1e-5)


def test_a_size_outside_the_bounds_ends_the_run_and_nothing_else(tmp_path: Path) -> None:
    model = exported(tmp_path)
    x = np.arange(15, dtype=np.float32).reshape(5, 3)
    for count, message in (
        (11, 'dimension "found" is from 0 to 10, not 11'),
        (-1, "not -1"),
        (6, "of size 5"),
    ):
        with pytest.raises(SamaraError, match=message):
            model.run(x=x, count=np.int64(count))
        np.testing.assert_array_equal(model.run(x=x, count=np.int64(2))["part"], x[:2])


def test_sessions_give_true_sizes_and_can_be_fed() -> None:
    graph = Graph()
    inputs, outputs = first_rows(graph, None)
    session = Session(graph=graph)
    x = np.arange(15, dtype=np.float32).reshape(5, 3)
    feeds = {inputs["x"]: x, inputs["count"]: np.int64(2)}
    assert session.run(outputs["part"], feeds).shape == (2, 3)
    assert session.run(outputs["total"], {outputs["part"]: x[:4]}).tolist() == x[:4].sum(axis=0).tolist()
    with pytest.raises(GraphError, match="from 0 to 5, not 6"):
        session.run(outputs["part"], {**feeds, inputs["count"]: np.int64(6)})


def test_the_bound_is_what_the_memory_is_planned_for(tmp_path: Path) -> None:
    assert exported(tmp_path, n=10).dimensions == {"found": (0, 10)}
    graph = Graph()
    inputs, outputs = first_rows(graph, None)
    with pytest.raises(ExportError, match="shapes="):
        export_model(outputs, tmp_path / "none.smr", inputs=inputs)


def test_a_number_that_is_known_sets_nothing(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, "x", [4, 3])
    size = b.dimension(b.constant(np.int64(2)), b.constant(np.int64(4)), symbol=Dim("found"))
    part = b.slice(x, np.zeros(2, np.int64), b.stack([size, b.constant(np.int64(3))]), strides=(1, 1))
    assert part.shape == (2, 3)
    export_model(part, tmp_path / "m.smr", inputs={"x": x})
    model = load(tmp_path / "m.smr")
    assert not model.dimensions
    value = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_array_equal(model.run(value), value[:2])


def test_one_size_may_come_from_another(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, "x", [8])
    first, second = (placeholder(graph, name, [], "int32") for name in ("first", "second"))
    outer = b.dimension(first, b.constant(8), symbol=Dim("outer"))
    part = b.slice(x, [0], b.reshape(outer, [1]), strides=(1,))
    inner = b.dimension(second, outer, symbol=Dim("inner"))
    y = b.concat([b.slice(part, [0], b.reshape(inner, [1]), strides=(1,)), part], axis=0)
    inputs = {"x": x, "first": first, "second": second}
    sample = {"x": np.ones(8, np.float32), "first": np.int32(5), "second": np.int32(2)}
    export_model(y, tmp_path / "m.smr", inputs=inputs, samples=[sample])
    model = load(tmp_path / "m.smr")
    value = np.arange(8, dtype=np.float32)
    for i, k in ((8, 8), (5, 2), (0, 0), (3, 3)):
        found = model.run(x=value, first=np.int32(i), second=np.int32(k))
        np.testing.assert_array_equal(found, np.concatenate([value[:k], value[:i]]))
    with pytest.raises(SamaraError, match="of size 5"):
        model.run(x=value, first=np.int32(5), second=np.int32(6))


def test_one_name_is_one_size(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, "x", [8])
    parts = []
    for name, limit in (("first", 8), ("second", 8)):
        count = placeholder(graph, name, [], "int32")
        size = b.dimension(count, b.constant(limit), symbol=Dim("found"))
        parts.append(b.slice(x, [0], b.reshape(size, [1]), strides=(1,)))
    with pytest.raises(ExportError, match="second time"):
        export_model({"a": parts[0], "b": parts[1]}, tmp_path / "m.smr")
