"""Array and indexing ops beyond single cases: unknown dimensions, second derivatives, known values, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import ExecutionError, GraphError, ShapeError
from samara.exporter.export import export_model
from samara.graph.backends import numpy as numpy_backend
from samara.graph.dims import Dim
from samara.graph.execution.session import Call, Session, State
from samara.graph.gradients import gradients
from samara.graph.graph import Graph, Tensor
from samara.graph.ops import OPS
from samara.pyruntime.model import load
from tests.cases import array, indexing
from tests.cases._case import Case
from tests.ops._graphs import CaseGraph, build

DIFFERENTIABLE = [
    case
    for case in (*array.CASES, *indexing.CASES)
    if case.gradient and OPS[case.op].gradient is not None and "float64" in case.dtype_names()
]


@pytest.fixture
def graph() -> Any:
    with Graph().as_default() as made:
        yield made


def placeholder(graph: Graph, shape: Any, dtype: str = "float32") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name="x").outputs[0]


def first_gradients(made: CaseGraph) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """The floating-point inputs, their gradients, and the placeholders of the weights of the outputs."""
    wanted = [t for t in made.feeds if t.dtype.is_floating]
    outputs = list(made.op.outputs)
    weights = [
        made.graph.apply("placeholder", [], {"dtype": "float64", "shape": t.shape}).outputs[0]
        for t in outputs
    ]
    found = gradients(outputs, wanted, grad_ys=weights)
    assert all(g is not None for g in found)
    return wanted, [g for g in found if g is not None], weights


def weigh(made: CaseGraph, weights: list[Tensor], seed: int) -> dict[Tensor, Any]:
    generator = np.random.default_rng(seed)
    values = made.session().run(list(made.op.outputs), made.feeds)
    return {w: generator.uniform(0.5, 1.5, v.shape) for w, v in zip(weights, values, strict=True)}


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda c: c.id)
def test_gradients_with_unknown_dimensions(case: Case) -> None:
    results = []
    for unknown in (False, True):
        made = build(case, "float64", unknown=unknown)
        wanted, found, weights = first_gradients(made)
        feeds = {**made.feeds, **weigh(made, weights, 3)}
        results.append(made.session().run(found, feeds))
        for tensor, value in zip(wanted, results[-1], strict=True):
            assert value.shape == made.feeds[tensor].shape
    for known, unknown_ in zip(*results, strict=True):
        np.testing.assert_allclose(known, unknown_, rtol=1e-12)


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda c: c.id)
def test_gradients_are_linear_in_their_weights(case: Case) -> None:
    """These ops are linear, so the derivative of a gradient by its weights is the op itself."""
    made = build(case, "float64")
    wanted, found, weights = first_gradients(made)
    session = made.session()
    feeds = {**made.feeds, **weigh(made, weights, 3)}
    again = gradients(found, weights, grad_ys=wanted)
    assert all(g is not None for g in again)
    constant = case.op in ("pad", "concat")
    if constant and (case.attributes.get("value") or case.label == "constant"):
        return
    expected = session.run(list(made.op.outputs), feeds)
    for value, wanted_value in zip(session.run(again, feeds), expected, strict=True):
        np.testing.assert_allclose(value, wanted_value, rtol=1e-12)


@pytest.mark.parametrize("batch_dims", [0, 1])
def test_gather_gradient_with_one_unknown_dimension(graph: Graph, batch_dims: int) -> None:
    x = placeholder(graph, (None, 4, 3), "float64")
    picked = np.array([[3, 0], [1, 1]], dtype=np.int32)
    y = graph.b.gather(x, picked if batch_dims else picked[0], axis=1, batch_dims=batch_dims)
    (dx,) = gradients(y, x)
    assert dx is not None
    assert dx.shape is not None
    assert dx.shape[1:] == (4, 3)
    found = Session(graph=graph).run(dx, {x: np.zeros((2, 4, 3))})
    counts = np.array([[1, 0, 0, 1], [0, 2, 0, 0]]) if batch_dims else np.array([[1, 0, 0, 1]] * 2)
    np.testing.assert_array_equal(found, np.repeat(counts[:, :, None], 3, axis=2))


def test_numpy_override_equals_the_reference() -> None:
    for case in indexing.CASES:
        if case.op == "unsorted_segment_sum":
            for dtype in case.dtype_names():
                made = build(case, dtype)
                call = Call(made.op, State(None))
                fast = numpy_backend.overrides[case.op](np, call, *made.inputs)
                slow = OPS[case.op].reference(np, call, *made.inputs)
                assert fast.dtype == slow.dtype
                np.testing.assert_array_equal(fast, slow)


# Shapes ---------------------------------------------------------------------------------------------------------


def test_reshape_with_sizes_of_the_graph(graph: Graph) -> None:
    b = graph.b
    n = Dim("n")
    x = placeholder(graph, (n, 4, 6))
    sizes = b.shape(x)
    assert b.reshape(x, b.stack([sizes[0], -1])).shape == (n, 24)
    assert b.reshape(x, [sizes[0] * 2, -1]).shape == (n * 2, 12)
    assert b.reshape(x, b.concat([sizes[:1], [24]], axis=0)).shape == (n, 24)
    assert b.reshape(x, sizes[::-1]).shape == (6, 4, n)
    assert b.reshape(x, [-1, sizes[2]]).shape == (n * 4, 6)
    assert b.reshape(x, b.gather(sizes, [2, 0, 1], axis=0)).shape == (6, n, 4)
    assert b.reshape(x, b.split(sizes, axis=0, sizes=(1, 2))[0] * 24).shape == (n * 24,)
    assert b.broadcast_to(1.0, b.broadcast_to(sizes[0], [2])).shape == (n, n)
    assert b.range(0, sizes[0], 2).shape == ((n + 1) // 2,)
    assert b.range(sizes[0], 0, -1).shape == (n,)


def test_shapes_of_which_some_values_are_known(graph: Graph) -> None:
    b = graph.b
    count = placeholder(graph, (), "int32")
    made = b.broadcast_to(0.0, [count, 3])
    assert made.shape is not None
    assert made.shape[1] == 3
    assert isinstance(made.shape[0], Dim)
    any_shape = placeholder(graph, (None,), "int32")
    assert b.broadcast_to(0.0, any_shape).shape is None
    three = placeholder(graph, (3,), "int32")
    assert len(b.broadcast_to(0.0, three).shape) == 3


def test_empty_lists_are_shapes(graph: Graph) -> None:
    assert graph.b.reshape(graph.b.constant([5.0]), []).shape == ()
    assert graph.b.broadcast_to(1.0, ()).shape == ()


def test_slices_of_unknown_size(graph: Graph) -> None:
    n = Dim("n", minimum=4)
    x = placeholder(graph, (n, 3))
    for found, expected in [
        (x[1:], n - 1),
        (x[:-1], n - 1),
        (x[-2:], 2),
        (x[:3], 3),
        (x[1:-1], n - 2),
        (x[::2], (n + 1) // 2),
        (x[::-1], n),
        (x[-3:-1], 2),
    ]:
        assert found.shape == (expected, 3)
    assert x[-1].shape == (3,)
    assert x[..., None].shape == (n, 3, 1)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_inferred_sizes_of_slices(graph: Graph, size: int) -> None:
    n = Dim("n")
    x = placeholder(graph, (n,))
    (symbol,) = n.symbols
    ends = [None, -9, -3, -1, 0, 1, 2, 9]
    for begin in ends:
        for end in ends:
            for step in (1, 2, 3, -1, -2):
                (inferred,) = x[begin:end:step].shape
                known = inferred.evaluate({symbol: size}) if isinstance(inferred, Dim) else inferred
                assert known == len(range(size)[begin:end:step]), (
                    f"{begin}:{end}:{step} of {size}: {inferred}"
                )


@pytest.mark.parametrize(
    ("build_it", "message"),
    [
        (lambda b, x: b.reshape(x, (5, -1)), "no multiple of 5"),
        (lambda b, x: b.reshape(x, (5, 5)), "holds 25"),
        (lambda b, x: b.reshape(x, (-1, -1)), "at most one -1"),
        (lambda b, x: b.reshape(x, (-2, 6)), "negative"),
        (lambda b, x: b.reshape(x, (0, -1)), "any size"),
        (lambda b, x: b.expand_dims(x, axis=3), "axis 3 is outside -3..2"),
        (lambda b, x: b.squeeze(x, axes=(1,)), "squeezed"),
        (lambda b, x: b.transpose(x, permutation=(0,)), "permutation"),
        (lambda b, x: b.transpose(x, permutation=(1, 1)), "twice"),
        (lambda b, x: b.concat([x, b.constant([[1.0]])], axis=1), "axis 0"),
        (lambda b, x: b.concat([x, b.constant([1.0])], axis=0), "rank"),
        (lambda b, x: b.stack([x, b.constant([[1.0]])], axis=0), "axis 0"),
        (lambda b, x: b.split(x, axis=1, sizes=(2, 3)), "must be equal"),
        (lambda b, x: b.split(x, axis=1, sizes=(9, None)), "less than"),
        (lambda b, x: b.split(x, axis=1, sizes=(None, None)), "at most one"),
        (lambda b, x: b.pad(x, paddings=(1, 1)), "4 numbers"),
        (lambda b, x: b.pad(x, paddings=(1, 1, 0, -1)), "from 0 on"),
        (lambda b, x: b.pad(x, paddings=(3, 0, 0, 0), mode="reflect"), "mode reflect"),
        (lambda b, x: b.tile(x, multiples=(2,)), "2 numbers"),
        (lambda b, x: b.broadcast_to(x, (4,)), "does not broadcast"),
        (lambda b, x: b.broadcast_to(x, (3, 5)), "must be equal"),
        (lambda b, x: b.range(0, 5, 0), "delta is 0"),
        (lambda b, x: b.range([1], 5, 1), "scalar"),
        (lambda b, x: b.shape(x, output_type="int8"), "int32 or int64"),
        (lambda b, x: x[3], "outside axis 0 of size 3"),
        (lambda b, x: x[0, 0, 0], "cannot be sliced along 3 axes"),
        (lambda b, x: b.strided_slice(x, begin=(0,), end=(1,), strides=(0,)), "stride 0 is 0"),
        (lambda b, x: b.strided_slice(x, begin=(0,), end=(1, 2), strides=(1,)), "1, 2 and 1 entries"),
        (lambda b, x: b.gather(x, [0], axis=2), "axis 2"),
        (lambda b, x: b.gather(x, [0], axis=0, batch_dims=1), "batch_dims 1"),
        (lambda b, x: b.unsorted_segment_sum(x, [0, 1], 2), "axis 0"),
        (lambda b, x: b.unsorted_segment_sum(x, [0, 1, 0], -2), "num_segments is -2"),
        (lambda b, x: b.one_hot([1], depth=-1), "depth is -1"),
    ],
)
def test_contradictions_are_refused(graph: Graph, build_it: Any, message: str) -> None:
    x = graph.b.constant(np.ones((3, 4), np.float32))
    with pytest.raises(ShapeError, match=message):
        build_it(graph.b, x)


# Data -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [5, -1])
@pytest.mark.parametrize(("op", "name"), [("gather", "index"), ("unsorted_segment_sum", "segment")], ids=str)
def test_indices_outside(graph: Graph, tmp_path: Path, op: str, name: str, wrong: int) -> None:
    b = graph.b
    indices = placeholder(graph, (3,), "int32")
    x = b.constant(np.arange(15, dtype=np.float32).reshape(5, 3))
    y = b.gather(x, indices, axis=0) if op == "gather" else b.unsorted_segment_sum(x[:3], indices, 5)
    session = Session(graph=graph)
    good, bad = np.array([0, 4, 2], np.int32), np.array([0, wrong, 2], np.int32)
    with pytest.raises(GraphError, match=f"{name} {wrong} is outside 0..4"):
        session.run(y, {indices: bad})
    export_model({"y": y}, tmp_path / "m.smr", inputs={"indices": indices}, samples=[{"indices": good}])
    model = load(tmp_path / "m.smr")
    np.testing.assert_array_equal(model.run(good), session.run(y, {indices: good}))
    with pytest.raises(ExecutionError, match=f"{name} {wrong} is outside 0 to 4"):
        model.run(bad)


def test_view_of_a_state_is_a_copy(graph: Graph, tmp_path: Path) -> None:
    """identity of a variable holds its value before a later assignment, and assign's output is the value."""
    b = graph.b
    variable = graph.apply("variable", [], {"dtype": "float32", "shape": (3,)}, name="v").outputs[0]
    x = placeholder(graph, (3,))
    before = b.identity(variable)
    with graph.control_dependencies([before.op]):
        written = b.assign(variable, b.add(x, before))
    session = Session(graph=graph)
    session.variables["v"] = np.array([1, 2, 3], np.float32)
    ones = np.ones(3, np.float32)
    export_model(
        {"before": before, "written": written},
        tmp_path / "m.smr",
        inputs={"x": x},
        samples=[{"x": ones}],
        session=session,
    )
    context = load(tmp_path / "m.smr").context()
    for step in range(1, 4):
        found = context.run(ones)
        np.testing.assert_array_equal(found["before"], np.array([1, 2, 3]) + step - 1)
        np.testing.assert_array_equal(found["written"], np.array([1, 2, 3]) + step)
        np.testing.assert_array_equal(context.states()["v"], found["written"])


def test_shapes_are_computed_on_the_device(graph: Graph, tmp_path: Path) -> None:
    """Sizes that follow a named dimension: ranges, shapes, reshapes, and the gradient of a gather by batches."""
    b = graph.b
    n = Dim("n", 1, 6)
    x = placeholder(graph, (n, 4, 3))
    sizes = b.shape(x)
    picked = b.cast(b.reshape(x, b.stack([sizes[0], -1]))[:, :2], dtype="int32")
    y = b.gather(x, b.minimum(b.maximum(picked, 0), 3), axis=1, batch_dims=1)
    outputs = {
        "range": b.range(0, sizes[0], 1),
        "sizes": b.multiply(sizes, 2),
        "rows": b.reshape(x, b.stack([-1, sizes[2]])),
        "zeros": b.broadcast_to(0.5, b.stack([sizes[0], 2])),
        "slope": gradients(y, x)[0],
        "tail": x[-1],
        "joined": b.concat([x[1:], x[:1]], axis=0),
    }
    session = Session(graph=graph)
    generator = np.random.default_rng(1)
    path = tmp_path / "m.smr"
    sample = {"x": generator.uniform(0, 4, (6, 4, 3)).astype(np.float32)}
    export_model(outputs, path, inputs={"x": x}, samples=[sample])
    context = load(path).context()
    for size in (1, 2, 5, 6, 3):
        value = generator.uniform(0, 4, (size, 4, 3)).astype(np.float32)
        found = context.run(value)
        for name, expected in zip(outputs, session.run(list(outputs.values()), {x: value}), strict=True):
            np.testing.assert_allclose(found[name], expected, rtol=1e-6, err_msg=f"{name} of {size}")
