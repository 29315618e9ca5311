"""Random draws: reproducible by their seeds, new in every run, of the right distribution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import ExportError, ShapeError
from samara.exporter.export import export_model
from samara.graph.execution.session import Session
from samara.graph.gradients import gradients
from samara.graph.graph import Graph

DRAWS = ("random_uniform", "random_normal", "truncated_normal")


def drawn(
    op: str, *, graph_seed: int | None = None, runs: int = 1, shape: Any = (50,), **attributes: Any
) -> list[Any]:
    graph = Graph()
    graph.seed = graph_seed
    y = getattr(graph.b, op)(np.asarray(shape, np.int32), **attributes)
    assert y.shape == tuple(shape)
    session = Session(graph=graph)
    return [session.run(y) for _ in range(runs)]


@pytest.mark.parametrize("op", DRAWS)
def test_seeds_decide_the_draws(op: str) -> None:
    first = drawn(op, graph_seed=1, runs=2, seed=5)
    again = drawn(op, graph_seed=1, runs=2, seed=5)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    for other in (drawn(op, graph_seed=2, seed=5), drawn(op, graph_seed=1, seed=6), drawn(op), drawn(op)):
        assert not np.array_equal(first[0], other[0])
    np.testing.assert_array_equal(drawn(op, seed=0), drawn(op, seed=0))
    np.testing.assert_array_equal(drawn(op, graph_seed=0), drawn(op, graph_seed=0))


def test_two_operations_draw_differently() -> None:
    graph = Graph()
    graph.seed = 3
    pair = [graph.b.random_normal([20]) for _ in range(2)]
    a, c = Session(graph=graph).run(pair)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform(dtype: str) -> None:
    (y,) = drawn("random_uniform", graph_seed=1, shape=(200, 100), minimum=-2.0, maximum=3.0, dtype=dtype)
    assert y.dtype == dtype
    assert y.min() >= -2
    assert y.max() < 3
    wide = y.astype(np.float64)
    assert abs(wide.mean() - 0.5) < 0.05
    assert abs(wide.var() - 25 / 12) < 0.1
    counts = np.histogram(wide, 10, (-2, 3))[0]
    assert counts.min() > 1800
    assert counts.max() < 2200


def test_uniform_never_reaches_its_maximum() -> None:
    (y,) = drawn(
        "random_uniform", graph_seed=1, shape=(100000,), minimum=2048.0, maximum=2050.0, dtype="float16"
    )
    assert set(np.unique(y)) == {2048.0}


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_uniform_integers(dtype: str) -> None:
    low = 0 if dtype == "uint8" else -3
    (y,) = drawn("random_uniform", graph_seed=1, shape=(1000,), minimum=low, maximum=5, dtype=dtype)
    assert y.dtype == dtype
    assert set(np.unique(y)) == set(range(low, 5))


@pytest.mark.parametrize("op", ["random_normal", "truncated_normal"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_normal(op: str, dtype: str) -> None:
    (y,) = drawn(op, graph_seed=1, shape=(40000,), mean=1.0, stddev=2.0, dtype=dtype)
    assert y.dtype == dtype
    wide = y.astype(np.float64)
    assert abs(wide.mean() - 1) < 0.05
    if op == "random_normal":
        assert abs(wide.std() - 2) < 0.05
        assert (abs(wide - 1) > 4).any()
    else:
        assert abs(wide.std() - 2 * 0.8796) < 0.05
        assert abs(wide - 1).max() <= 4.01


def test_shuffle() -> None:
    graph = Graph()
    graph.seed = 1
    x = np.arange(60, dtype=np.int16).reshape(20, 3)
    y = graph.b.random_shuffle(x)
    assert y.shape == (20, 3)
    session = Session(graph=graph)
    first, second = session.run(y), session.run(y)
    for found in (first, second):
        assert not np.array_equal(found, x)
        np.testing.assert_array_equal(found[np.argsort(found[:, 0])], x)
    assert not np.array_equal(first, second)


def test_dropout_can_be_composed() -> None:
    """Of a tensor of unknown size; gradients go through what is kept and stop at the draw."""
    graph = Graph()
    graph.seed = 1
    b = graph.b
    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": (None, 10)}).outputs[0]
    kept = b.cast(
        b.greater_equal(b.random_uniform(b.shape(x), dtype=x.dtype), b.like(0.25, x)), dtype=x.dtype
    )
    y = b.multiply(x, b.multiply(kept, b.like(1 / 0.75, x)))
    assert y.shape is not None
    assert y.shape[1] == 10
    (dx,) = gradients(y, x)
    values, slope = Session(graph=graph).run([y, dx], {x: np.ones((300, 10))})
    np.testing.assert_allclose(values, slope)
    assert set(np.unique(values)) == {np.float32(0), np.float32(1 / 0.75)}
    assert 0.7 < (values > 0).mean() < 0.8


@pytest.mark.parametrize("op", [*DRAWS, "random_shuffle"])
def test_no_device_draws(op: str, tmp_path: Path) -> None:
    graph = Graph()
    y = getattr(graph.b, op)(np.array([2, 3], np.int32))
    with pytest.raises(ExportError, match=rf"{op} .*test_random_ops.*same output"):
        export_model({"y": y}, tmp_path / "m.smr", inputs={}, session=Session(graph=graph))


def test_refusals() -> None:
    b = Graph().b
    with pytest.raises(ShapeError, match="below maximum"):
        b.random_uniform([2], minimum=1.0, maximum=1.0)
    with pytest.raises(ShapeError, match="int32 cannot be drawn"):
        b.random_normal([2], dtype="int32")
    with pytest.raises(ShapeError, match="stddev"):
        b.random_normal([2], stddev=-1.0)
    with pytest.raises(ShapeError, match="negative"):
        b.random_normal([-2])
    with pytest.raises(ShapeError, match="rank 1"):
        b.random_normal(5)
    with pytest.raises(ShapeError, match="rank 1"):
        b.random_shuffle(5)
