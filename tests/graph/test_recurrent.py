"""Recurrent layers in graphs: training through them, and what their shape rules refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara
from samara.errors import GraphError, ShapeError
from samara.graph.dims import Dim
from samara.graph.gradients import gradients
from samara.graph.graph import Graph, Tensor


def placeholder(graph: Graph, *shape: Any, dtype: str = "float32") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}).outputs[0]


@pytest.mark.parametrize(("op", "gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
def test_a_layer_learns(op: str, gates: int) -> None:
    """To tell whether the first number of a sequence is positive."""
    random = np.random.default_rng(3)
    graph = Graph()
    with graph.as_default(), samara.Session(graph=graph) as session:
        x = placeholder(graph, 6, 32, 2)
        wanted = placeholder(graph, 32, 1)
        weights = [
            samara.Variable(random.uniform(-0.5, 0.5, shape).astype(np.float32))
            for shape in ((2, gates * 8), (8, gates * 8), (8, 1))
        ]
        products = graph.b.matmul(x, weights[0].read_value())
        y, *_ = getattr(graph.b, op)(products, weights[1].read_value())
        last = graph.b.strided_slice(
            y, begin=(5, 0, 0), end=(6, 32, 8), strides=(1, 1, 1), shrink_axis_mask=1
        )
        error = graph.b.subtract(graph.b.matmul(last, weights[2].read_value()), wanted)
        loss = samara.reduce_mean(samara.square(error))
        step = samara.train.AdamOptimizer(0.03).minimize(loss)
        session.run(samara.global_variables_initializer())
        losses = []
        for _ in range(150):
            data = random.standard_normal((6, 32, 2)).astype(np.float32)
            feed = {x: data, wanted: np.sign(data[0, :, :1])}
            losses.append(session.run([loss, step], feed)[0])
    assert np.mean(losses[-20:]) < 0.6 * np.mean(losses[:20])


def test_the_gradient_needs_a_fixed_number_of_steps() -> None:
    graph = Graph()
    gates = placeholder(graph, Dim("steps", 1, 9), 2, 12)
    y, _ = graph.b.gru(gates, np.zeros((4, 12), np.float32))
    with pytest.raises(GraphError, match=r"its gradient needs a fixed number of steps; there are steps"):
        gradients(y, gates)


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "message"),
    [
        ("lstm", [(3, 2, 10), (5, 10)], {}, "10 columns are not those of 4 gates"),
        ("lstm", [(3, 2, 12), (5, 12)], {}, "cells and outputs, which differ only with a projection"),
        ("lstm", [(3, 2, 12), (3, 12)], {"cell_clip": -1.0}, "cell_clip is -1.0"),
        ("gru", [(3, 2, 12), (4, 9)], {}, "the columns of gates and of recurrent"),
        ("gru", [(3, 2, 12), (4, 12), (3, 4)], {}, "the batch of gates and of state"),
        ("rnn", [(3, 2, 4), (4, 4), (2, 5)], {}, "the columns of state"),
        ("rnn", [(3, 4), (4, 4)], {}, "gates must have rank 3, not 2"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(op: str, shapes: Any, attributes: Any, message: str) -> None:
    graph = Graph()
    with pytest.raises(ShapeError, match=message):
        getattr(graph.b, op)(*(placeholder(graph, *s) for s in shapes), **attributes)


def test_a_bias_without_reset_after_is_refused() -> None:
    graph = Graph()
    tensors = [placeholder(graph, *s) for s in ((3, 2, 12), (4, 12))]
    with pytest.raises(ShapeError, match="bias is for reset_after"):
        graph.b.gru(*tensors, None, None, placeholder(graph, 4))
