"""Element-wise ops and reductions beyond the case table: refusals, second derivatives, unknown ranks, accuracy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import GraphError, SamaraError, ShapeError
from samara.exporter.export import export_model
from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.gradients import gradients
from samara.graph.graph import Graph
from samara.pyruntime.model import load


def placeholder(graph: Graph, shape: Any, dtype: str = "float64") -> Any:
    return graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}).outputs[0]


@pytest.mark.parametrize(
    ("op", "dtype", "message"),
    [
        *(
            (op, d, "zero")
            for op in ("floor_divide", "floor_mod")
            for d in ("int8", "uint8", "int32", "int64")
        ),
        *(("power", d, "negative power") for d in ("int8", "int32", "int64")),
    ],
)
def test_integers_that_have_no_result_are_refused(op: str, dtype: str, message: str, tmp_path: Path) -> None:
    graph = Graph()
    x, y = placeholder(graph, (3, 70), dtype), placeholder(graph, (70,), dtype)
    z = getattr(graph.b, op)(x, y)
    good = {x: np.full((3, 70), 2, dtype), y: np.ones(70, dtype)}
    bad = np.ones(70, dtype)
    bad[66] = 0 if message == "zero" else -1
    session = Session(graph=graph)
    with pytest.raises(GraphError, match=message):
        session.run(z, {**good, y: bad})
    path = tmp_path / "model.smr"
    export_model({"z": z}, path, inputs={"x": x, "y": y}, samples=[{"x": good[x], "y": good[y]}])
    model = load(path)
    np.testing.assert_array_equal(model.run(x=good[x], y=good[y]), session.run(z, good))
    with pytest.raises(SamaraError, match=message):
        model.run(x=good[x], y=bad)


def test_extreme_of_no_elements_has_no_place(tmp_path: Path) -> None:
    graph = Graph()
    x = placeholder(graph, (Dim("n", 0, 4), 3), "float32")
    y = graph.b.argmax(x, axis=0)
    path = tmp_path / "model.smr"
    export_model({"y": y}, path, inputs={"x": x}, samples=[{"x": np.eye(3, dtype=np.float32)}])
    model = load(path)
    np.testing.assert_array_equal(model.run(x=np.eye(3, dtype=np.float32)), [0, 1, 2])
    with pytest.raises(SamaraError, match="without elements"):
        model.run(x=np.zeros((0, 3), np.float32))
    with pytest.raises(ShapeError, match="no elements"):
        graph.b.argmax(placeholder(graph, (0, 3), "float32"), axis=0)


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "message"),
    [
        ("add", [(2, 3), (4,)], {}, "cannot broadcast 3 and 4"),
        ("where", [(2,), (2, 3), (4,)], {}, "cannot broadcast"),
        ("clip", [(2,)], {"minimum": 1.0, "maximum": 0.5}, "minimum 1.0 must not be above"),
        ("clip", [(2,)], {"minimum": math.nan}, "NaN"),
        ("reduce_sum", [(2, 3)], {"axes": (2,)}, "axis 2 is outside"),
        ("reduce_sum", [(2, 3)], {"axes": (0, -2)}, "twice"),
        ("reduce_sum", [()], {"axes": (0,)}, "axis 0 is outside"),
        ("argmax", [(2, 3)], {"axis": 2}, "axis 2 is outside"),
        ("argmax", [(2, 3)], {"axis": 0, "output_type": "float32"}, "expected int32 or int64"),
    ],
)
def test_contradictions_are_refused(op: str, shapes: Any, attributes: Any, message: str) -> None:
    graph = Graph()
    types = ["bool", "float32", "float32"] if op == "where" else ["float32"] * 3
    inputs = [placeholder(graph, s, t) for s, t in zip(shapes, types, strict=False)]
    with pytest.raises(ShapeError, match=message):
        graph.apply(op, inputs, attributes)


SMOOTH: list[tuple[str, tuple[float, float], dict[str, Any]]] = [
    ("square", (-2, 2), {}),
    ("reciprocal", (0.5, 2), {}),
    ("sqrt", (0.5, 2), {}),
    ("rsqrt", (0.5, 2), {}),
    ("exp", (-2, 2), {}),
    ("expm1", (-2, 2), {}),
    ("log", (0.5, 2), {}),
    ("log1p", (-0.5, 2), {}),
    ("sin", (-2, 2), {}),
    ("cos", (-2, 2), {}),
    ("tan", (-1, 1), {}),
    ("asin", (-0.8, 0.8), {}),
    ("acos", (-0.8, 0.8), {}),
    ("atan", (-2, 2), {}),
    ("sinh", (-2, 2), {}),
    ("cosh", (-2, 2), {}),
    ("tanh", (-2, 2), {}),
    ("erf", (-2, 2), {}),
    ("sigmoid", (-2, 2), {}),
    ("softplus", (-2, 2), {}),
    ("softsign", (0.2, 2), {}),
    ("selu", (-2, 2), {}),
    ("elu", (-2, 2), {"alpha": 0.7}),
    ("silu", (-2, 2), {}),
    ("hard_swish", (-2, 2), {}),
    ("gelu", (-2, 2), {}),
    ("gelu", (-2, 2), {"approximate": "tanh"}),
    ("reduce_sum", (-2, 2), {"axes": (1,)}),
    ("reduce_mean", (-2, 2), {"axes": (0,), "keepdims": True}),
    ("reduce_max", (-2, 2), {"axes": (0,)}),
    ("reduce_prod", (0.5, 2), {"axes": (1,)}),
    ("reduce_prod", (0.5, 2), {}),
]


def check_second_derivative(graph: Graph, y: Any, x: Any, value: Any, others: Any = None) -> None:
    """The gradient of a weighted sum of the gradient of y**2, against differences of that gradient."""
    b = graph.b
    generator = np.random.default_rng(3)
    (first,) = gradients(b.square(y), x)
    weights = generator.uniform(0.5, 1.5, value.shape)
    (second,) = gradients(b.multiply(first, b.constant(weights)), x)
    session = Session(graph=graph)
    feeds = {**(others or {}), x: value}
    found = session.run(second, feeds)
    step = 1e-5
    for index in np.ndindex(*value.shape):
        high, low = value.copy(), value.copy()
        high[index] += step
        low[index] -= step
        difference = session.run(first, {**feeds, x: high}) - session.run(first, {**feeds, x: low})
        expected = float((difference * weights).sum()) / (2 * step)
        assert found[index] == pytest.approx(expected, rel=2e-5, abs=2e-5)


@pytest.mark.parametrize(("op", "limits", "attributes"), SMOOTH)
@pytest.mark.parametrize("shape", [(3, 4), (None, 4), (None, None)], ids=str)
def test_second_derivative(op: str, limits: Any, attributes: Any, shape: Any) -> None:
    graph = Graph()
    x = placeholder(graph, shape)
    y = graph.apply(op, [x], attributes).outputs[0]
    check_second_derivative(graph, y, x, np.random.default_rng(5).uniform(*limits, (3, 4)))


@pytest.mark.parametrize(
    "value",
    [
        [[1.5, 2.0, -0.5], [0.0, 2.0, 3.0]],
        [[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]],
        [[0.0, 3.0, 0.0], [0.0, 0.5, 1.0]],
    ],
)
def test_second_derivative_of_a_product_with_zeros(value: Any) -> None:
    graph = Graph()
    x = placeholder(graph, (2, 3))
    y = graph.b.add(graph.b.reduce_prod(x, axes=(1,)), graph.b.like(0.5, x))
    check_second_derivative(graph, y, x, np.asarray(value))


@pytest.mark.parametrize(
    "op",
    ["add", "subtract", "multiply", "divide", "power", "squared_difference", "atan2", "maximum", "floor_mod"],
)
@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (3,)), ((), (2,))], ids=str)
@pytest.mark.parametrize("unknown", [False, True])
def test_second_derivative_of_two_operands(op: str, shapes: Any, unknown: bool) -> None:
    generator = np.random.default_rng(11)
    values = [generator.uniform(0.6, 2.5, s) for s in shapes]
    for wanted in (0, 1):
        graph = Graph()
        inputs = [placeholder(graph, None if unknown else s) for s in shapes]
        z = getattr(graph.b, op)(*inputs)
        check_second_derivative(
            graph, z, inputs[wanted], np.asarray(values[wanted]), {inputs[1 - wanted]: values[1 - wanted]}
        )


def test_ties_share_the_gradient() -> None:
    graph = Graph()
    x = placeholder(graph, (2, 3))
    feeds = {x: [[1.0, 4.0, 4.0], [4.0, 0.0, -1.0]]}
    session = Session(graph=graph)
    by_axis = gradients(graph.b.reduce_max(x, axes=(1,)), x)
    over_all = gradients(graph.b.reduce_max(x), x)
    np.testing.assert_array_equal(session.run(by_axis[0], feeds), [[0, 0.5, 0.5], [1, 0, 0]])
    np.testing.assert_allclose(session.run(over_all[0], feeds), [[0, 1 / 3, 1 / 3], [1 / 3, 0, 0]])


def test_derivatives_at_the_corners() -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, (3,))
    y = b.constant(np.array([0.0, 1.0, 2.0]))
    session = Session(graph=graph)
    (dx,) = gradients(b.power(x, y), x)
    np.testing.assert_array_equal(session.run(dx, {x: np.zeros(3)}), [0, 1, 0])
    (clipped,) = gradients(b.clip(x, minimum=-1.0, maximum=1.0), x)
    np.testing.assert_array_equal(session.run(clipped, {x: [-1.0, 1.0, 1.1]}), [1, 1, 0])
    (larger,) = gradients(b.maximum(x, y), x)
    np.testing.assert_array_equal(session.run(larger, {x: [0.0, 0.5, 2.5]}), [1, 0, 1])


@pytest.mark.parametrize(
    ("shape", "target"), [((2, 3, 4), (3, 1)), ((4,), ()), ((2, 3), (2, 3)), ((0, 3), (1, 3))]
)
def test_sum_to_a_shape_that_is_fed(shape: Any, target: Any) -> None:
    value = np.random.default_rng(0).uniform(-1, 1, shape)
    lead = len(shape) - len(target)
    axes = tuple(a for a in range(len(shape)) if a < lead or target[a - lead] == 1)
    expected = value.sum(axis=axes).reshape(target)
    for known in (shape, None):
        graph = Graph()
        x, sizes = placeholder(graph, known), placeholder(graph, (None,), "int32")
        y = graph.b.sum_to(x, sizes)
        assert y.shape is None
        (dx,) = gradients(y, x)
        session = Session(graph=graph)
        found, gradient = session.run([y, dx], {x: value, sizes: np.asarray(target, np.int32)})
        np.testing.assert_allclose(found, expected)
        np.testing.assert_array_equal(gradient, np.ones(shape))


def test_sum_to_refuses_what_does_not_broadcast() -> None:
    graph = Graph()
    with pytest.raises(ShapeError, match="axis 0"):
        graph.b.sum_to(placeholder(graph, (2, 3)), np.array([2], np.int32))
    with pytest.raises(ShapeError, match="rank"):
        graph.b.sum_to(placeholder(graph, (3,)), np.array([1, 3], np.int32))
    x, sizes = placeholder(graph, None), placeholder(graph, (1,), "int32")
    with pytest.raises(GraphError, match="broadcasting"):
        Session(graph=graph).run(
            graph.b.sum_to(x, sizes), {x: np.ones((2, 3)), sizes: np.array([2], np.int32)}
        )


def test_reductions_of_unknown_rank() -> None:
    value = np.random.default_rng(1).uniform(0.5, 2, (2, 3, 4))
    for op in ("reduce_sum", "reduce_mean", "reduce_prod", "reduce_max"):
        for axes in ((), (1,), (0, 2)):
            results = []
            for shape in ((2, 3, 4), None):
                graph = Graph()
                x = placeholder(graph, shape)
                y = getattr(graph.b, op)(x, axes=axes)
                (dx,) = gradients(graph.b.square(y), x)
                results.append(Session(graph=graph).run([y, dx], {x: value}))
            for known, unknown in zip(*results, strict=True):
                np.testing.assert_array_equal(known, unknown)


def test_erf_is_accurate() -> None:
    value = np.concatenate([np.linspace(-8, 8, 2001), 10.0 ** -np.arange(1, 300, 7)])
    for dtype, limit in ((np.float64, 4e-15), (np.float32, 6e-7)):
        graph = Graph()
        x = placeholder(graph, value.shape, np.dtype(dtype).name)
        given = value.astype(dtype)
        found = Session(graph=graph).run(graph.b.erf(x), {x: given})
        expected = np.array([math.erf(v) for v in given.tolist()])
        np.testing.assert_allclose(found, expected, rtol=limit, atol=1e-45)


def test_float16_is_rounded_once() -> None:
    value = np.random.default_rng(2).uniform(-2, 2, 200).astype(np.float16)
    graph = Graph()
    x = graph.b.constant(value, dtypes.float16)
    for op in ("square", "sigmoid", "gelu", "softplus"):
        wide = getattr(graph.b, op)(graph.b.constant(value.astype(np.float32)))
        narrow = getattr(graph.b, op)(x)
        found, expected = Session(graph=graph).run([narrow, wide])
        np.testing.assert_array_equal(found, expected.astype(np.float16))
