"""cond, while_loop and case: building them, running them, differentiating them, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, ShapeError
from samara.graph import control
from samara.graph.dims import Dim


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        yield made


def run(fetches: Any, feeds: Any = None) -> Any:
    return tf.Session().run(fetches, feeds)


def test_cond_runs_one_branch() -> None:
    x, p = tf.placeholder("float32", [3], "x"), tf.placeholder("bool", [], "p")
    y = tf.cond(p, lambda: x * 2.0, lambda: x - 1.0)
    assert y.shape == (3,)
    np.testing.assert_array_equal(run(y, {x: [1, 2, 3], p: True}), [2, 4, 6])
    np.testing.assert_array_equal(run(y, {x: [1, 2, 3], p: False}), [0, 1, 2])


def test_cond_gives_the_structure_of_its_branches() -> None:
    p = tf.placeholder("bool", [])
    found = tf.cond(p, lambda: {"a": tf.constant(1), "b": (2, 3.0)}, lambda: {"a": 4, "b": (5, 6.0)})
    assert run(found, {p: False}) == {"a": 4, "b": (5, 6.0)}
    assert run(tf.cond(p, lambda: [tf.constant(1)], lambda: [2]), {p: True}) == 1
    assert run(tf.cond(p, lambda: [tf.constant(1)], lambda: [2], strict=True), {p: True}) == [1]
    with pytest.raises(TypeError, match="same structure"):
        tf.cond(p, lambda: [1, 2], lambda: (1, 2))


def test_branches_take_constants_and_variables_with_them(graph: tf.Graph) -> None:
    x, p = tf.placeholder("float32", []), tf.placeholder("bool", [])
    weight, scale = tf.Variable(3.0, name="weight"), tf.constant(2.0)
    y = tf.cond(p, lambda: x * scale, lambda: x * weight)
    (op,) = (o for o in graph.operations if o.type == "cond")
    assert [t.name for t in op.inputs] == [p.name, x.name]
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    assert session.run(y, {x: 5.0, p: True}) == 10.0
    assert session.run(y, {x: 5.0, p: False}) == 15.0
    session.run(weight.assign(4.0))
    assert session.run(y, {x: 5.0, p: False}) == 20.0


def test_a_branch_writes_only_when_it_runs() -> None:
    p = tf.placeholder("bool", [])
    count = tf.Variable(0, name="count")

    def counted() -> Any:
        with tf.control_dependencies([count.assign_add(1)]):
            return tf.constant(7)

    y = tf.cond(p, counted, lambda: 8)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    assert [session.run(y, {p: v}) for v in (True, False, True)] == [7, 8, 7]
    assert session.run(count) == 2


def test_bodies_within_bodies_take_tensors_from_outside() -> None:
    x, n = tf.placeholder("int32", []), tf.placeholder("int32", [])
    step = lambda i, a: (i + 1, tf.cond(tf.equal(tf.mod(i, 2), 0), lambda: a + x, lambda: a * 2))  # noqa: E731
    _, total = tf.while_loop(lambda i, a: i < n, step, [0, x])
    assert run(total, {x: 3, n: 4}) == ((3 + 3) * 2 + 3) * 2


def test_case() -> None:
    x = tf.placeholder("int32", [])
    pairs = [(tf.less(x, 0), lambda: tf.constant(-1)), (tf.less(x, 10), lambda: x + 100)]
    y = tf.case(pairs, default=lambda: tf.constant(0))
    assert [run(y, {x: v}) for v in (-5, 5, 50)] == [-1, 105, 0]
    open_end = tf.case([*pairs, (tf.less(x, 20), lambda: x)])
    assert [run(open_end, {x: v}) for v in (5, 15)] == [105, 15]
    with pytest.raises(GraphError, match="no predicate is true"):
        run(open_end, {x: 70})
    apart = tf.case({tf.less(x, 0): lambda: 1, tf.less(x, 10): lambda: 2}, default=lambda: 3, exclusive=True)
    assert [run(apart, {x: v}) for v in (5, 15)] == [2, 3]
    with pytest.raises(GraphError, match="more than one"):
        run(apart, {x: -1})
    assert run(tf.case([(tf.less(x, 0), lambda: {"a": x})]), {x: -3}) == {"a": -3}


def test_while_loop_in_old_spelling() -> None:
    i, total = tf.while_loop(lambda i, t: i < 5, lambda i, t: [i + 1, t + tf.to_float(i)], [0, 0.0])
    assert run([i, total]) == [5, 10.0]
    assert run(tf.while_loop(lambda i: i < 5, lambda i: i + 1, [tf.constant(0)])) == 5
    assert run(tf.while_loop(lambda i: i < 50, lambda i: i + 1, [0], maximum_iterations=3)) == 3
    found = tf.while_loop(
        lambda d: d["i"] < 3, lambda d: [{"i": d["i"] + 1, "x": d["x"] * 2.0}], [{"i": 0, "x": 1.0}]
    )
    assert run(found) == {"i": 3, "x": 8.0}
    with pytest.raises(TypeError, match="structure of loop_vars"):
        tf.while_loop(lambda i, t: i < 5, lambda i, t: [i, [t]], [0, 0])


def test_the_trip_count_is_bounded(graph: tf.Graph) -> None:
    (endless,) = control.while_loop(
        graph, lambda i: i >= 0, lambda i: i + 1, [tf.constant(0)], maximum_trip_count=9
    )
    with pytest.raises(GraphError, match=r"after 9 steps.*maximum_trip_count"):
        run(endless)


def test_shapes_are_merged_and_contradictions_refused(graph: tf.Graph) -> None:
    p, n = tf.placeholder("bool", []), tf.placeholder("float32", [Dim("n"), 3])
    assert tf.cond(p, lambda: n, lambda: n * 2.0).shape == n.shape
    either = tf.cond(p, lambda: tf.zeros([2, 4]), lambda: tf.zeros([3, 4]))
    assert either.get_shape().as_list() == [None, 4]
    assert tf.cond(p, lambda: tf.zeros([2]), lambda: 1.0).get_shape().ndims is None
    assert [run(either, {p: v}).shape for v in (True, False)] == [(2, 4), (3, 4)]
    with pytest.raises(ShapeError, match=r"loop variable 0 must keep its shape.*\[2\] and \[4\]"):
        tf.while_loop(lambda x: tf.constant(True), lambda x: tf.concat([x, x], 0), [tf.zeros([2])])
    with pytest.raises(ShapeError, match="must be a scalar"):
        tf.cond(tf.placeholder("bool", [1]), lambda: 1, lambda: 2)
    grown = tf.placeholder("float32", [None])
    bigger = tf.while_loop(lambda x: tf.less(tf.size(x), 9), lambda x: tf.concat([x, x], 0), [grown])
    np.testing.assert_array_equal(run(bigger, {grown: [1.0, 2.0]}), [1, 2] * 8)
    (kept,) = control.while_loop(
        graph, lambda x: tf.less(tf.size(x), 9), lambda x: tf.concat([x, x], 0), [grown]
    )
    with pytest.raises(GraphError, match="keeps its shape"):
        run(kept, {grown: [1.0, 2.0]})


def test_types_that_differ_are_refused() -> None:
    p = tf.placeholder("bool", [])
    with pytest.raises(ShapeError, match="float32 of one branch and int32 of the other"):
        tf.cond(p, lambda: tf.constant(1.0), lambda: tf.constant(1))
    with pytest.raises(ShapeError, match="is int32 and the step makes it float32"):
        tf.while_loop(lambda i: i < 3, tf.to_float, [tf.constant(0)])
    with pytest.raises(TypeError, match="expected bool"):
        tf.while_loop(lambda i: i, lambda i: i, [tf.constant(0)])
    with pytest.raises(ValueError, match="1 tensors and the other 2"):
        tf.cond(p, lambda: 1, lambda: [1, 2])
    with pytest.raises(TypeError, match="known now"):
        tf.cond(True, lambda: 1, lambda: 2)
    with pytest.raises(ValueError, match="true_fn must give something"):
        tf.cond(p, lambda: None, lambda: None)
    with pytest.raises(TypeError, match="must give tensors"):
        tf.while_loop(lambda i: i < 3, lambda i: [None], [tf.constant(0)])


def test_a_tensor_of_a_body_stays_in_it() -> None:
    p, kept = tf.placeholder("bool", []), []

    def branch() -> Any:
        kept.append(tf.constant(1.0))
        return kept[0]

    tf.cond(p, branch, lambda: 2.0)
    with pytest.raises(GraphError, match="finalized"):
        tf.add(kept[0], 1.0)
    with pytest.raises(GraphError, match="another graph"):
        tf.get_default_graph().convert(kept[0])


def test_gradients_go_through_cond() -> None:
    x, w, p = tf.placeholder("float64", [3]), tf.placeholder("float64", [3]), tf.placeholder("bool", [])
    y = tf.cond(p, lambda: [x * x * w, tf.sin(x)], lambda: [x + 1.0, w * 3.0])
    gx, gw = tf.gradients(y, [x, w])
    feeds = {x: [0.1, 0.5, 2.0], w: [1.0, -1.0, 3.0]}
    a, b = (np.asarray(v) for v in feeds.values())
    then, other = (run([gx, gw], {**feeds, p: v}) for v in (True, False))
    np.testing.assert_allclose(then, [2 * a * b + np.cos(a), a * a])
    np.testing.assert_allclose(other, [np.ones(3), np.full(3, 3.0)])
    (second,) = tf.gradients(gx, x)
    np.testing.assert_allclose(run(second, {**feeds, p: True}), 2 * b - np.sin(a))


def test_gradients_reach_variables_that_only_branches_read() -> None:
    p, q = tf.placeholder("bool", []), tf.placeholder("bool", [])
    v, w = tf.Variable(np.float64([2.0, 3.0]), name="v"), tf.Variable(np.float64([5.0, 7.0]), name="w")
    y = tf.cond(p, lambda: tf.cond(q, lambda: v * v * w, lambda: v + 0.0), lambda: tf.sin(w) + 0.0 * v)
    gv, gw = tf.gradients(tf.reduce_sum(y) + tf.reduce_sum(w), [v, w])
    (second,) = tf.gradients(gv, v)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        a, b = session.run([v, w])
        for choice, wanted in {
            (True, True): (2 * a * b, a * a + 1),
            (True, False): (np.ones(2), np.ones(2)),
            (False, True): (np.zeros(2), np.cos(b) + 1),
        }.items():
            feeds = dict(zip((p, q), choice, strict=True))
            np.testing.assert_allclose(session.run([gv, gw], feeds), wanted)
        np.testing.assert_allclose(session.run(second, {p: True, q: True}), 2 * b)
    looped = tf.while_loop(lambda a: tf.reduce_sum(a) < 9.0, lambda a: a * v, [v], name="grow")
    (gv,) = tf.gradients(looped, v)
    (second,) = tf.gradients(gv, v)
    with tf.Session() as session:
        session.run(v.initializer)
        np.testing.assert_allclose(session.run([looped, gv, second]), [[4, 9], [4, 6], [2, 2]])


def test_the_gradient_of_a_loop_that_draws_and_writes() -> None:
    """The loop runs once: its gradient is that of the numbers it drew, and what it writes is written once a step."""
    x = tf.placeholder("float32", [])
    y = tf.while_loop(lambda a: a < 9.0, lambda a: a * (2.0 + tf.random_uniform([])), [x], name="grow")
    value, slope = run([y, *tf.gradients(y, x)], {x: 1.5})
    np.testing.assert_allclose(slope, value / 1.5, rtol=1e-6)
    v = tf.Variable(0.0, name="v")
    z = tf.while_loop(
        lambda a: a < 9.0, lambda a: a * 2.0 * tf.stop_gradient(v.assign_add(1.0)), [x], name="count"
    )
    (dz,) = tf.gradients(z, x)
    with tf.Session() as session:
        for fetches, wanted in (([z, dz], [24, 48]), (z, 24), (dz, 48)):
            session.run(v.initializer)
            np.testing.assert_array_equal(session.run(fetches, {x: 0.5}), wanted)
            assert session.run(v) == 3.0
    t = tf.while_loop(lambda a: a < 9.0, lambda a: a * v + v.assign_add(1.0), [x], name="both")
    with pytest.raises(GraphError, match=r"while_loop 'both'.*variable 'v' as it was.*tf.identity"):
        tf.gradients(t, x)


def test_the_text_of_a_graph_has_its_bodies(graph: tf.Graph) -> None:
    p = tf.placeholder("bool", [], name="p")
    tf.cond(p, lambda: tf.constant(1.0) * 2.0, lambda: 3.0)
    assert "multiply" in str(graph)
