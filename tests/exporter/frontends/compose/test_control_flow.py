"""Branches and loops of other frameworks: built, run by a session and on a device, against loops in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import ExecutionError, ShapeError
from samara.exporter.export import Signature, export_model
from samara.exporter.frontends.compose import control
from samara.exporter.passes import PASSES
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.pyruntime.model import Model, load


class Case:
    """A graph with placeholders, which is exported and compared with what a function of arrays gives."""

    def __init__(self, folder: Path) -> None:
        self.graph = Graph()
        self.inputs: dict[str, Tensor] = {}
        self._folder = folder

    @property
    def b(self) -> Any:
        return self.graph.b

    def placeholder(self, name: str, dtype: str, shape: Sequence[Any]) -> Tensor:
        attributes = {"dtype": dtype, "shape": shape}
        self.inputs[name] = self.graph.apply("placeholder", [], attributes, name=name).outputs[0]
        return self.inputs[name]

    def check(
        self,
        outputs: Sequence[Tensor],
        expected: Callable[..., Sequence[Any]],
        samples: Sequence[dict[str, Any]],
        disable: Sequence[str] = (),
    ) -> Model:
        named = {f"output{i}": t for i, t in enumerate(outputs)}
        path = self._folder / "m.smr"
        export_model([Signature(named, inputs=self.inputs)], path, samples=samples, disable=disable)
        model, session = load(path), Session(graph=self.graph)
        for sample in samples:
            wanted = [np.asarray(v) for v in expected(**sample)]
            in_session = session.run(list(outputs), {self.inputs[n]: a for n, a in sample.items()})
            found = model.run(**sample)
            found = list(found.values()) if isinstance(found, dict) else [found]
            for a, c, want in zip(in_session, found, wanted, strict=True):
                assert np.shape(a) == c.shape == want.shape
                np.testing.assert_allclose(a, want, rtol=1e-5)
                np.testing.assert_allclose(c, want, rtol=1e-5)
        return model


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def floats(*shape: int) -> np.ndarray[Any, Any]:
    return (np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape) - 2.0) * 0.25


@pytest.mark.parametrize("dtype", ["bool", "int64"])
def test_a_predicate_of_one_element(case: Case, dtype: str) -> None:
    x, p = case.placeholder("x", "float32", [3]), case.placeholder("p", dtype, [1])
    y = control.cond(case.b, p, lambda b, a: [b.exp(a)], lambda b, a: [b.negative(a)], [x])
    samples = [{"x": floats(3), "p": np.asarray([v], dtype)} for v in (0, 1)]
    case.check(y, lambda x, p: [np.exp(x) if p[0] else -x], samples)


def test_a_predicate_that_is_known_leaves_one_branch(case: Case) -> None:
    x = case.placeholder("x", "float32", [3])
    y = control.cond(case.b, np.asarray([True]), lambda b: [b.exp(x)], lambda b: [b.concat([x, x], axis=0)])
    assert y[0].op.type == "exp"


def test_while_loop(case: Case) -> None:
    x, n = case.placeholder("x", "float32", [3]), case.placeholder("n", "int32", [1])
    one = np.int32(1)
    _, y = control.while_loop(
        case.b,
        lambda b, i, a: b.less(i, n),
        lambda b, i, a: [b.add(i, one), b.add(a, x)],
        [np.zeros(1, np.int32), x],
    )
    samples = [{"x": floats(3), "n": np.asarray([k], np.int32)} for k in (0, 3)]
    case.check([y], lambda x, n: [x * (1 + n[0])], samples)


def _powers(case: Case, x: Tensor, **options: Any) -> list[Tensor]:
    """Doubles x at each step and collects the sums."""

    def step(b: Any, i: Tensor, goes_on: Tensor, a: Tensor) -> Any:
        return goes_on, [b.add(a, a)], [b.add(a, b.cast(i, dtype="float32")), i]

    finals, collected = control.loop(case.b, step, carried=[x], **options)
    return [*finals, *collected]


def _expected_powers(x: Any, trips: int) -> list[Any]:
    sums = [x * 2.0**i + i for i in range(trips)]
    return [
        x * 2.0**trips,
        np.stack(sums) if sums else np.zeros((0, *x.shape), np.float32),
        np.arange(trips, dtype=np.int64),
    ]


@pytest.mark.parametrize("disable", [(), tuple(PASSES)])
@pytest.mark.parametrize("trips", [0, 1, 2, 7])
def test_loop_of_known_length(case: Case, trips: int, disable: Sequence[str]) -> None:
    x = case.placeholder("x", "float32", [2, 3])
    outputs = _powers(case, x, trip_count=np.asarray([trips], np.int64))
    assert [t.shape for t in outputs] == [(2, 3), (trips, 2, 3), (trips,)]
    model = case.check(outputs, lambda x: _expected_powers(x, trips), [{"x": floats(2, 3)}], disable)
    assert sum(op.op == "while_loop" for op in model.ops()) == (trips > 1)


def test_loop_of_a_length_that_data_decide(case: Case) -> None:
    x, n = case.placeholder("x", "float32", [2]), case.placeholder("n", "int64", [])
    outputs = _powers(case, x, trip_count=n, maximum_trip_count=9)
    samples = [{"x": floats(2), "n": np.int64(k)} for k in (9, 0, 1, 4)]
    model = case.check(outputs, lambda x, n: _expected_powers(x, int(n)), samples)
    with pytest.raises(ExecutionError, match="after 9 steps"):
        model.run(x=floats(2), n=np.int64(10))


def test_loop_that_a_condition_ends(case: Case) -> None:
    x, n, c = (case.placeholder(m, t, []) for m, t in (("x", "float32"), ("n", "int64"), ("c", "bool")))

    def step(b: Any, i: Tensor, goes_on: Tensor, a: Tensor) -> Any:
        after = b.multiply(a, np.float32(2.0))
        return b.less(after, np.float32(50.0)), [after], [after]

    finals, collected = control.loop(
        case.b, step, trip_count=n, condition=c, carried=[x], maximum_trip_count=8
    )

    def expected(x: Any, n: Any, c: Any) -> list[Any]:
        collected, i, goes_on = [], 0, bool(c)
        while i < n and goes_on:
            x, i = x * 2, i + 1
            collected.append(x)
            goes_on = x < 50
        return [x, np.asarray(collected, np.float32)]

    samples = [
        {"x": np.float32(v), "n": np.int64(n), "c": np.bool_(c)}
        for v, n, c in [(3, 8, True), (3, 2, True), (60, 8, True), (3, 8, False)]
    ]
    case.check([*finals, *collected], expected, samples)


def test_loop_without_a_limit_is_ended_by_its_condition(case: Case) -> None:
    x = case.placeholder("x", "float32", [])
    limit = np.asarray(np.iinfo(np.int64).max)

    def step(b: Any, i: Tensor, goes_on: Tensor, a: Tensor) -> Any:
        after = b.add(a, np.float32(1.0))
        return b.less(after, np.float32(30.0)), [after], []

    (y,), _ = control.loop(case.b, step, trip_count=limit, carried=[x])
    case.check([y], lambda x: [max(np.float32(30.0), x + 1)], [{"x": np.float32(v)} for v in (-3, 99)])


def test_steps_that_change_a_shape_are_written_out_when_they_are_few(case: Case) -> None:
    x = case.placeholder("x", "float32", [2])

    def step(b: Any, i: Tensor, goes_on: Tensor, a: Tensor) -> Any:
        return goes_on, [b.concat([a, x], axis=0)], []

    (y,), _ = control.loop(case.b, step, trip_count=np.asarray(3), carried=[x])
    assert y.shape == (8,)
    case.check([y], lambda x: [np.tile(x, 4)], [{"x": floats(2)}])
    n = case.placeholder("n", "int64", [])
    with pytest.raises(ShapeError, match="keep its shape"):
        control.loop(case.b, step, trip_count=n, carried=[x])


@pytest.mark.parametrize("disable", [(), tuple(PASSES)])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("axis", "to"), [(0, 0), (1, 0), (0, 1), (-1, -1)])
def test_scan(case: Case, axis: int, to: int, reverse: bool, disable: Sequence[str]) -> None:
    x, s = case.placeholder("x", "float32", [5, 4]), case.placeholder("s", "float32", [])
    size = 4 if axis == 0 else 5

    def step(b: Any, total: Tensor, row: Tensor) -> Any:
        total = b.add(total, b.reduce_sum(row, axes=(0,)))
        return [total], [b.multiply(row, total)]

    states, scanned = control.scan(
        case.b,
        step,
        states=[s],
        inputs=[x],
        input_axes=[axis],
        input_reversed=[reverse],
        output_axes=[to],
        output_reversed=[not reverse],
    )
    assert size in (scanned[0].shape or ())

    def expected(x: Any, s: Any) -> list[Any]:
        rows, made = np.moveaxis(x, axis, 0), []
        for row in rows[::-1] if reverse else rows:
            s = s + row.sum()
            made.append(row * s)
        return [s, np.stack(made if reverse else made[::-1], axis=to)]

    case.check([*states, *scanned], expected, [{"x": floats(5, 4), "s": np.float32(0.5)}], disable)


def test_scan_over_a_dimension_that_changes(case: Case) -> None:
    x = case.placeholder("x", "float32", [Dim("n", 0, 6), 2])
    w = case.placeholder("w", "float32", [2])
    states, scanned = control.scan(
        case.b,
        lambda b, a, r: ([b.add(b.multiply(a, w), r)], [a]),
        states=[np.zeros(2, np.float32)],
        inputs=[x],
    )
    assert scanned[0].shape == x.shape

    def expected(x: Any, w: Any) -> list[Any]:
        a, made = np.zeros(2, np.float32), []
        for row in x:
            made.append(a)
            a = a * w + row
        return [a, np.asarray(made, np.float32).reshape(-1, 2)]

    samples = [{"x": floats(n, 2), "w": np.float32([0.5, 2.0])} for n in (6, 3, 1, 0)]
    case.check([*states, *scanned], expected, samples)


def test_what_a_loop_collects_is_written_where_it_lies(case: Case) -> None:
    x = case.placeholder("x", "float32", [100, 10])
    _, (y,) = control.scan(case.b, lambda b, r: ([], [b.exp(r)]), states=[], inputs=[x])
    model = case.check([y], lambda x: [np.exp(x)], [{"x": floats(100, 10) * 0.01}])
    (step,) = (p for p in model.programs if p.name.endswith("/step"))
    (update,) = (op for op in step.ops if op.op == "dynamic_update_slice")
    places = [
        (step.tensors[i].storage, step.tensors[i].offset) for i in (update.inputs[0], update.outputs[0])
    ]
    assert places == [("argument", 1), ("result", 1)]
