"""Loop variables whose shape changes from step to step, gradients through them, and how often a loop runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, ShapeError
from tests.graph.programs._run import check_gradient

GENERATOR = np.random.default_rng(12)


def run(fetches: Any, feeds: Any = None) -> Any:
    found = []
    for backend in ("numpy", "torch"):
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            session.run(tf.global_variables_initializer())
            found.append(session.run(fetches, feeds))
    for one, other in zip(*(v if isinstance(v, list) else [v] for v in found), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    return found[0]


def x64(shape: Any) -> Any:
    return tf.placeholder(tf.float64, shape)


def loop_op(tensor: Any) -> Any:
    return tensor.op


def test_a_variable_that_is_appended_to() -> None:
    x, w = x64([]), x64([])

    def step(i: Any, held: Any) -> Any:
        return i + 1, tf.concat([held, tf.expand_dims(tf.reduce_sum(held) * w + x, 0)], 0)

    for start, size in ((tf.zeros([0], tf.float64), 0), (tf.ones([2], tf.float64), 2)):
        n, y = tf.while_loop(
            lambda i, v: i < 4,
            step,
            [0, start],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
        )
        assert y.get_shape().as_list() == [None]
        assert loop_op(y).a.varying == (1,)
        wanted = [1.0] * size
        for _ in range(4):
            wanted.append(sum(wanted) * 0.5 + 2)
        feeds = {x: 2.0, w: 0.5}
        found = run([n, y], feeds)
        assert found[0] == 4
        np.testing.assert_allclose(found[1], wanted)
        for source in (x, w):
            check_gradient(tf.square(y), source, feeds, second=True)


def test_a_size_that_is_not_known_may_change_without_an_invariant() -> None:
    x, w = x64([None, 2]), x64([2, 2])
    y = tf.while_loop(
        lambda v: tf.shape(v)[0] < 10, lambda v: tf.concat([v, tf.tanh(tf.matmul(v, w))], 0), [x]
    )
    feeds = {x: GENERATOR.uniform(-1, 1, (3, 2)), w: GENERATOR.uniform(-1, 1, (2, 2))}
    v = feeds[x]
    while len(v) < 10:
        v = np.concatenate([v, np.tanh(v @ feeds[w])])
    assert y.get_shape().as_list() == [None, 2]
    np.testing.assert_allclose(run(y, feeds), v)
    run(tf.gradients(y, [x, w]), feeds)
    for source in (x, w):
        check_gradient(tf.square(y), source, feeds, second=True)
    shrinking = tf.while_loop(lambda v: tf.shape(v)[0] > 1, lambda v: v[1:] * v[:-1], [x])
    np.testing.assert_allclose(run(shrinking, feeds), np.prod(feeds[x][[0, 1, 1, 2]], 0, keepdims=True))
    check_gradient(shrinking, x, feeds, second=True)


def test_a_rank_that_is_not_known_may_change() -> None:
    x = x64([2])
    y = tf.while_loop(lambda v: tf.rank(v) < 4, lambda v: tf.stack([v, v * 2.0]), [x], [tf.TensorShape(None)])
    assert y.get_shape().ndims is None
    assert run(y, {x: [1.0, 2.0]}).shape == (2, 2, 2, 2)[-4:]


def test_a_number_may_change_only_with_an_invariant() -> None:
    with pytest.raises(ShapeError, match=r"loop variable 0 must keep its shape"):
        tf.while_loop(lambda v: tf.size(v) < 9, lambda v: tf.concat([v, v], 0), [tf.zeros([2])])
    with pytest.raises(ShapeError, match=r"loop variable 0 must keep its shape"):
        tf.while_loop(
            lambda v: tf.size(v) < 9,
            lambda v: tf.concat([v, v], 0),
            [tf.zeros([2, 3])],
            [tf.TensorShape([2, None])],
        )


def test_an_invariant_that_is_not_needed_costs_nothing() -> None:
    x = tf.placeholder(tf.float32, [3])
    _, y = tf.while_loop(
        lambda i, v: i < 3,
        lambda i, v: (i + 1, v * 2.0),
        [0, x],
        [tf.TensorShape([]), tf.TensorShape([None])],
    )
    assert loop_op(y).a.varying == ()
    assert y.get_shape().as_list() == [3]
    inner = tf.while_loop(
        lambda v: tf.reduce_sum(v) < 9,
        lambda v: tf.while_loop(lambda u: u[0] < 1, lambda u: u * 2, [v], [tf.TensorShape([None])]) + 1,
        [x],
        [tf.TensorShape(None)],
    )
    assert loop_op(inner).a.varying == ()
    np.testing.assert_array_equal(run(inner, {x: [0.25, 0, 0]}), [4, 3, 3])


def test_the_values_of_a_step_may_change_their_shape() -> None:
    """The variables keep their shape, and what is between has as many elements as the step has a number."""
    x = x64([5])

    def step(i: Any, held: Any) -> Any:
        part = tf.sin(x[:i] * held)
        return i + 1, held + tf.reduce_sum(part * part)

    _, y = tf.while_loop(lambda i, _: i < 5, step, [0, tf.constant(0.5, tf.float64)])
    v = GENERATOR.uniform(-1, 1, 5)
    held = 0.5
    for i in range(5):
        held += (np.sin(v[:i] * held) ** 2).sum()
    np.testing.assert_allclose(run(y, {x: v}), held)
    check_gradient(y, x, {x: v}, second=True)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_training_step_runs_the_loop_once(backend: str) -> None:
    """Each step draws a number: were there two runs, the gradient would be that of other numbers."""
    x, count = tf.placeholder(tf.float32, [4]), tf.Variable(0)
    w = tf.Variable(1.0)

    def step(i: Any, held: Any) -> Any:
        with tf.control_dependencies([count.assign_add(1)]):
            return i + 1, held * w * tf.random_uniform([], 1.0, 2.0) + x[i]

    _, y = tf.while_loop(lambda i, _: i < 4, step, [0, 1.0])
    (dw, dx) = tf.gradients(y, [w, x])
    (ddw,) = tf.gradients(dw, w)
    (other,) = tf.gradients(y * y, w)
    with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
        session.run(tf.global_variables_initializer())
        feeds = {x: [1.0, 2.0, 3.0, 4.0]}
        value, slope, parts = session.run([y, dw, dx], feeds)
        assert session.run(count) == 4
        # y = r0 r1 r2 r3 w^4 + x0 r1 r2 r3 w^3 + ...: dx tells the products of what was drawn, at w = 1.
        assert parts[3] == 1 < parts[2] < parts[1] < parts[0]
        first = value - np.dot(parts, [1, 2, 3, 4])
        np.testing.assert_allclose(
            slope, 4 * first + 3 * parts[0] + 2 * 2 * parts[1] + 3 * parts[2], rtol=1e-5
        )
        session.run([ddw, dw, y, other, dx], feeds)
        assert session.run(count) == 8
        one, two, twice = session.run([y, dw, other], feeds)
        np.testing.assert_allclose(twice, 2 * one * two, rtol=1e-5)


def test_the_loop_of_inference_stays_as_it_is() -> None:
    x = x64([3])
    y = tf.scan(lambda a, v: a * v, x)
    graph = y.graph
    before = [op.name for op in graph.operations]
    loops = [op for op in graph.operations if op.type == "while_loop"]
    steps = [len(op.a.step.outputs) for op in loops]
    tf.gradients(y, x)
    assert [op.name for op in graph.operations][: len(before)] == before
    assert [len(op.a.step.outputs) for op in loops] == steps


def test_a_variable_that_is_written_over_is_copied_first() -> None:
    """A step may compute in place, and still neither feeds, constants nor variables change."""
    start = np.arange(9000.0)
    x, c, v = x64([9000]), tf.constant(start), tf.Variable(start)
    loops = [tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2 + 1), [0, t])[1] for t in (x, c, v)]
    held = tf.while_loop(
        lambda i, a, b: i < 3, lambda i, a, b: (i + 1, a + 1, a), [0, tf.identity(c), tf.identity(c)]
    )
    for backend in ("numpy", "torch"):
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                for found in session.run(loops, {x: start}):
                    np.testing.assert_array_equal(found, start * 8 + 7)
                _, a, b = session.run(held)
                np.testing.assert_array_equal(a, start + 3)
                np.testing.assert_array_equal(b, start + 2)
            np.testing.assert_array_equal(session.run(v), start)
    np.testing.assert_array_equal(start, np.arange(9000.0))


def test_what_nothing_reads_of_a_loop_is_not_computed() -> None:
    """A variable that only raises itself, and would fail, is left alone; one that the condition reads is not."""
    x = x64([3])
    _, y, z = tf.while_loop(
        lambda i, a, b: i < 4, lambda i, a, b: (i + 1, a + x, tf.gather(b, i) + b), [0, x, x]
    )
    np.testing.assert_array_equal(run(y, {x: [1.0, 2.0, 3.0]}), [5, 10, 15])
    with pytest.raises(GraphError, match="index 3 is outside"):
        run([y, z], {x: [1.0, 2.0, 3.0]})


def test_gradients_of_a_programs_own_stay_where_shapes_are_found_anew() -> None:
    @tf.custom_gradient
    def doubled(x: Any) -> Any:
        return x * 2.0, lambda dy: dy * 10.0

    x = x64([None])
    grown = tf.while_loop(lambda v: tf.size(v) < 5, lambda v: tf.concat([v, doubled(v)], 0), [x])
    feeds = {x: [1.0, 2.0]}
    np.testing.assert_allclose(run(grown, feeds), [1, 2, 2, 4, 2, 4, 4, 8])
    np.testing.assert_allclose(run(tf.gradients(grown, x)[0], feeds), [121, 121])


def test_a_session_of_a_cluster_runs_the_loop_once_too() -> None:
    server = tf.train.Server.create_local_server()
    x, count = tf.placeholder(tf.float32, []), tf.Variable(0)

    def step(i: Any, held: Any) -> Any:
        with tf.control_dependencies([count.assign_add(1)]):
            return i + 1, held * tf.random_uniform([], 1.0, 2.0)

    _, y = tf.while_loop(lambda i, _: i < 4, step, [0, x])
    with tf.Session(server.target) as session:
        session.run(tf.global_variables_initializer())
        value, slope = session.run([y, *tf.gradients(y, x)], {x: 3.0})
        np.testing.assert_allclose(slope * 3, value, rtol=1e-5)
        assert session.run(count) == 4
