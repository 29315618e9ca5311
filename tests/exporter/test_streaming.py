"""Recurrent layers that keep their state in the context: what comes in pieces gives what it gives at once."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.ops import OPS
from samara.graph.variables import Variable, global_variables_initializer
from samara.pyruntime.model import Model, load

Array = np.ndarray[Any, Any]

INPUTS, CELLS, STEPS = 3, 5, 12
KINDS = {"lstm": 4, "gru": 3, "rnn": 1}


def random(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)


def layer(graph: Graph, kind: str, steps: Any, states: list[Any]) -> list[Tensor]:
    """A recurrent layer over the placeholder x [1, steps, INPUTS]."""
    b, columns = graph.b, KINDS[kind] * CELLS
    made = graph.apply("placeholder", [], {"dtype": "float32", "shape": (1, steps, INPUTS)}, name="x")
    gates = b.matmul(made.outputs[0], random(INPUTS, columns), random(columns))
    found: list[Tensor] = getattr(b, kind)(gates, random(CELLS, columns), *states, batch_first=True)
    return found


def at_once(kind: str, x: Array) -> Array:
    """The outputs for a whole sequence."""
    graph = Graph()
    y, *_ = layer(graph, kind, STEPS, [])
    found: Array = Session(graph=graph).run(y, {graph.operations[0].outputs[0]: x})
    return found


def streaming(kind: str, path: Path, **options: Any) -> Model:
    """The layer as a file whose states are variables, for pieces of 1 to 6 steps."""
    graph = Graph()
    with graph.as_default(), Session(graph=graph).as_default() as session:
        count = sum(o.name.startswith("new_") for o in OPS[kind].results)
        variables = [Variable(np.zeros((1, CELLS), np.float32), name=f"state{i}") for i in range(count)]
        session.run(global_variables_initializer())
        y, *after = layer(graph, kind, Dim("steps", 1, 6), [v.read_value() for v in variables])
        written = [v.assign(t) for v, t in zip(variables, after, strict=True)]
        with graph.control_dependencies([w.op for w in written]):
            out = graph.b.identity(y)
        export_model({"y": out}, path, **options)
    return load(path)


def in_pieces(context: Any, x: Array, *sizes: int) -> Array:
    places = np.cumsum((0, *sizes))
    return np.concatenate([context.run(x[:, a:b]) for a, b in itertools.pairwise(places)], axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_give_the_whole(kind: str, tmp_path: Path) -> None:
    x = random(1, STEPS, INPUTS)
    expected = at_once(kind, x)
    model = streaming(kind, tmp_path / "m.smr")
    for sizes in ((1,) * STEPS, (4, 1, 6, 1), (6, 6)):
        np.testing.assert_allclose(in_pieces(model.context(), x, *sizes), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_state_is_reset_saved_and_loaded(kind: str, tmp_path: Path) -> None:
    x = random(1, STEPS, INPUTS)
    expected = at_once(kind, x)
    model = streaming(kind, tmp_path / "m.smr")
    first = model.context()
    np.testing.assert_allclose(in_pieces(first, x[:, :5], 5), expected[:, :5], rtol=0, atol=1e-6)
    kept = first.states()
    assert all(np.abs(s).max() > 0 for s in kept.values())
    second = model.context()
    second.load_states(kept)
    for context in (first, second):
        np.testing.assert_allclose(in_pieces(context, x[:, 5:], 6, 1), expected[:, 5:], rtol=0, atol=1e-6)
    first.load_states(kept)
    np.testing.assert_allclose(in_pieces(first, x[:, 5:], 3, 4), expected[:, 5:], rtol=0, atol=1e-6)
    first.reset()
    assert all(not np.any(s) for s in first.states().values())
    np.testing.assert_allclose(in_pieces(first, x, 6, 6), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_pieces_of_integers_give_the_same_bits(kind: str, tmp_path: Path) -> None:
    x = random(1, STEPS, INPUTS)
    samples = [{"x": x[:, :6]}, {"x": x[:, 6:]}]
    model = streaming(kind, tmp_path / "m.smr", samples=samples, quantize="int8")
    assert f"quantized_{kind}" in {op.op for op in model.ops()}
    found = [
        in_pieces(model.context(), x, *sizes) for sizes in ((6, 6), (1,) * STEPS, (5, 2, 1, 4), (3, 3, 1, 5))
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
    np.testing.assert_allclose(found[0], at_once(kind, x), atol=0.03)
