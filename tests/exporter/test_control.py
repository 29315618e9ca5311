"""Models with cond and while_loop: what the C runtime computes is what a session does, and where bodies lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ExecutionError, ExportError
from samara.exporter.export import ExportReport, export_model
from samara.exporter.passes import PASSES
from samara.graph import control
from samara.graph.dims import Dim
from samara.pyruntime.model import Model, load


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        yield made


Samples = Sequence[Mapping[str, Any]]


def exported(
    path: Path, outputs: Any, inputs: Mapping[str, Any], samples: Samples, **options: Any
) -> tuple[Model, ExportReport]:
    """Exports, and compares each sample with a session."""
    report = export_model(outputs, path / "m.smr", inputs=inputs, samples=samples, **options)
    model = load(path / "m.smr")
    session = options.get("session") or tf.Session()
    names = list(model.signatures["main"].outputs)
    for sample in samples:
        wanted = session.run(outputs, {inputs[n]: v for n, v in sample.items()})
        found = model.run(**sample)
        for info in names:
            got = found[info.name] if isinstance(found, dict) else found
            np.testing.assert_allclose(got, wanted[info.name], rtol=1e-5, err_msg=info.name)
    return model, report


def flags(**arrays: Any) -> list[dict[str, Any]]:
    return [{**arrays, "p": np.bool_(v)} for v in (True, False)]


@pytest.mark.parametrize("disable", [(), tuple(PASSES)])
def test_cond(tmp_path: Path, disable: Any) -> None:
    x, p = tf.placeholder("float32", [2, 3], "x"), tf.placeholder("bool", [], "p")
    y, z = tf.cond(p, lambda: [tf.tanh(x * 2.0), x], lambda: [x, tf.reshape(x - 1.0, [2, 3])])
    samples = flags(x=np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3))
    model, report = exported(tmp_path, {"y": y, "z": z}, {"x": x, "p": p}, samples, disable=disable)
    assert not report.warnings
    assert [q.caller for q in model.programs[1:]] == [(0, len(model.ops()) - 1)] * 2
    assert report.programs[0].ops["tanh"] == 1


def test_a_branch_that_no_sample_runs_is_told(tmp_path: Path) -> None:
    x, p = tf.placeholder("float32", [2], "x"), tf.placeholder("bool", [], "p")
    y = tf.cond(p, lambda: tf.exp(x), lambda: tf.tanh(x))
    samples = flags(x=np.zeros(2, np.float32))[:1]
    _, report = exported(tmp_path, {"y": y}, {"x": x, "p": p}, samples)
    assert any("no sample runs 1 bodies" in w and "else_body" in w for w in report.warnings)


@pytest.mark.parametrize("disable", [(), tuple(PASSES)])
def test_variables_that_change_places(tmp_path: Path, disable: Any) -> None:
    x, n = tf.placeholder("float32", [5], "x"), tf.placeholder("int32", [], "n")
    i, a, b, c = tf.while_loop(
        lambda i, a, b, c: i < n, lambda i, a, b, c: (i + 1, b, a, a + b * c), [0, x, x * 2.0, x + 1.0]
    )
    samples = [{"x": np.arange(5, dtype=np.float32), "n": np.int32(k)} for k in (0, 1, 2, 3, 6)]
    exported(tmp_path, {"i": i, "a": a, "b": b, "c": c}, {"x": x, "n": n}, samples, disable=disable)


@pytest.mark.parametrize("disable", [(), tuple(PASSES)])
def test_one_value_as_several_variables_and_invariants(tmp_path: Path, disable: Any) -> None:
    x, n = tf.placeholder("float32", [4], "x"), tf.placeholder("int32", [], "n")
    y = x * 2.0
    a, b, k = tf.while_loop(lambda a, b, i: i < n, lambda a, b, i: (a + y, b * a, i + 1), [y, y, 0])
    samples = [{"x": np.arange(4, dtype=np.float32), "n": np.int32(k)} for k in (0, 1, 4)]
    exported(tmp_path, {"a": a, "b": b, "k": k}, {"x": x, "n": n}, samples, disable=disable)


def test_what_is_computed_in_place_is_not_copied(tmp_path: Path) -> None:
    x, n = tf.placeholder("float32", [1000], "x"), tf.placeholder("int32", [], "n")
    _, y = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, tf.tanh(a)), [0, tf.exp(x)])
    model, report = exported(
        tmp_path, {"y": y}, {"x": x, "n": n}, [{"x": np.ones(1000, np.float32), "n": np.int32(3)}]
    )
    # The variable lives where exp wrote, that on x, and the step works there too.
    assert report.arena_bytes <= 4096 + 4 * 64
    (step,) = (q for q in model.programs if q.name.endswith("/step"))
    assert [t.storage for t in step.tensors if t.bytes == 4000] == ["argument", "result"]


def test_bodies_within_bodies(tmp_path: Path) -> None:
    x, n, p = (
        tf.placeholder(t, s, m) for t, s, m in (("float32", [3], "x"), ("int32", [], "n"), ("bool", [], "p"))
    )

    def step(i: Any, a: Any) -> Any:
        _, inner = tf.while_loop(lambda j, c: j < i, lambda j, c: (j + 1, c + x), [0, a])
        return i + 1, tf.cond(p, lambda: inner * 0.5, lambda: inner - a)

    _, y = tf.while_loop(lambda i, a: i < n, step, [0, x])
    samples = [{**f, "n": np.int32(k)} for k in (0, 1, 4) for f in flags(x=np.float32([1, 2, 3]))]
    model, _ = exported(tmp_path, {"y": y}, {"x": x, "n": n, "p": p}, samples)
    assert len(model.programs) == 7


def test_dimensions_that_change(tmp_path: Path) -> None:
    x, p = tf.placeholder("float32", [None, 3], "x"), tf.placeholder("bool", [], "p")
    y = tf.cond(p, lambda: tf.nn.softmax(x), lambda: x * 2.0)
    _, z = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + x), [0, y])
    samples = [f for k in (5, 2) for f in flags(x=np.ones((k, 3), np.float32))]
    exported(tmp_path, {"y": y, "z": z}, {"x": x, "p": p}, samples, shapes={"x": [Dim("n", 1, 8), 3]})


def test_state_is_read_and_written_in_bodies(tmp_path: Path) -> None:
    x, p = tf.placeholder("float32", [2], "x"), tf.placeholder("bool", [], "p")
    total, scale = tf.Variable(np.zeros(2, np.float32), name="total"), tf.Variable(3.0, name="scale")
    y = tf.cond(p, lambda: total.assign_add(x * scale), lambda: total + x)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    export_model({"y": y}, tmp_path / "m.smr", samples=flags(x=np.float32([1, 2])), session=session)
    context = load(tmp_path / "m.smr").context()
    for value in (True, True, False, True):
        found = context.run(x=np.float32([1, 2]), p=np.bool_(value))
        np.testing.assert_array_equal(found, session.run(y, {x: [1, 2], p: value}))
    np.testing.assert_array_equal(context.states()["total"], session.run(total))


def test_a_loop_that_goes_on_ends_the_run(tmp_path: Path, graph: tf.Graph) -> None:
    n = tf.placeholder("int32", [], "n")
    (i,) = control.while_loop(graph, lambda i: i < n, lambda i: i + 1, [tf.constant(0)], maximum_trip_count=7)
    model, _ = exported(tmp_path, {"i": i}, {"n": n}, [{"n": np.int32(7)}])
    with pytest.raises(ExecutionError, match=r"after 7 steps.*maximum_trip_count"):
        model.run(n=np.int32(8))
    assert model.run(n=np.int32(5)) == 5


def test_passes_run_in_bodies(tmp_path: Path) -> None:
    x, p = tf.placeholder("float32", [2, 4], "x"), tf.placeholder("bool", [], "p")
    w = np.ones((4, 4), np.float32)
    y = tf.cond(p, lambda: tf.nn.relu(tf.matmul(x, w) + np.ones(4, np.float32)), lambda: x)
    _, report = exported(tmp_path, {"y": y}, {"x": x, "p": p}, flags(x=np.ones((2, 4), np.float32)))
    assert report.programs[0].ops == {"cond": 1, "matmul": 1}


def test_what_a_device_cannot_do_is_told_of_bodies_too(tmp_path: Path) -> None:
    p = tf.placeholder("bool", [], "p")
    y = tf.cond(p, lambda: tf.random_normal([2]), lambda: tf.zeros([2]))
    with pytest.raises(ExportError, match="random"):
        export_model({"y": y}, tmp_path / "m.smr")
    assert not list(tmp_path.iterdir())


def test_shapes_that_agree_only_at_some_sizes_are_refused(tmp_path: Path) -> None:
    x, p = tf.placeholder("float32", [None], "x"), tf.placeholder("bool", [], "p")
    y = tf.cond(p, lambda: x, lambda: tf.zeros([5]))
    with pytest.raises(ExportError, match=r"of shape \[n\] by one branch and \[5\] by the other"):
        export_model({"y": y}, tmp_path / "m.smr", shapes={"x": [Dim("n", 1, 8)]})


def test_a_known_predicate_leaves_its_branch(tmp_path: Path, graph: tf.Graph) -> None:
    x = tf.placeholder("float32", [3], "x")
    known = tf.less(tf.constant(1), tf.constant(2))
    y = tf.cond(known, lambda: tf.exp(x), lambda: tf.cond(tf.less(x[0], 0.0), lambda: x, lambda: -x))
    _, report = exported(tmp_path, {"y": y}, {"x": x}, [{"x": np.float32([1, 2, 3])}])
    assert report.programs[0].ops == {"exp": 1}


def test_constants_move_into_bodies_and_unused_inputs_go(tmp_path: Path, graph: tf.Graph) -> None:
    x, p = tf.placeholder("float32", [2, 4], "x"), tf.placeholder("bool", [], "p")
    w = tf.constant(np.ones((4, 4), np.float32)) * 2.0
    (y,) = control.cond(graph, p, lambda a, b, c: tf.matmul(a, b), lambda a, b, c: a + 1.0, [x, w, x * 3.0])
    model, report = exported(tmp_path, {"y": y}, {"x": x, "p": p}, flags(x=np.ones((2, 4), np.float32)))
    (op,) = model.ops()
    assert len(op.inputs) == 2
    assert report.programs[0].ops == {"cond": 1, "matmul": 1, "add": 1}
    _, z = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.matmul(a, w)), [0, x])
    model, _ = exported(tmp_path, {"z": z}, {"x": x}, [{"x": np.ones((2, 4), np.float32)}])
    assert [op.op for op in model.ops()] == ["while_loop"]
    assert len(model.ops()[0].inputs) == 2
