"""What runs of a branch or of a step, and when: writes, prints, assertions and queues in them."""

from __future__ import annotations

from typing import Any

import pytest

import samara as tf
from samara.errors import GraphError


@pytest.fixture(params=["numpy", "torch"])
def session(request: pytest.FixtureRequest) -> Any:
    """Makes a session with all variables initialized."""

    def make() -> tf.Session:
        made = tf.Session(config=tf.ConfigProto(backend=request.param))
        made.run(tf.global_variables_initializer())
        return made

    return make


def test_a_write_that_is_given_back_runs_with_its_branch(session: Any) -> None:
    p, v = tf.placeholder(tf.bool, []), tf.Variable(1.0)
    tensor = tf.cond(p, lambda: tf.assign(v, 10.0), lambda: tf.identity(v))
    done = tf.cond(p, lambda: tf.assign_add(v, 5.0).op, tf.no_op)
    assert done.dtype is tf.bool
    with session() as s:
        assert [s.run(tensor, {p: False}), s.run(v)] == [1, 1]
        assert [s.run(tensor, {p: True}), s.run(v)] == [10, 10]
        assert [s.run(done, {p: False}), s.run(v)] == [False, 10]
        assert [s.run(done, {p: True}), s.run(v)] == [True, 15]
        # An operation may wait for it, as in a training step.
        with tf.control_dependencies([done]):
            after = v.read_value()
        assert s.run(after, {p: True}) == 20


def test_a_write_that_nothing_waits_for_does_not_run(session: Any) -> None:
    p, v = tf.placeholder(tf.bool, []), tf.Variable(1.0)

    def forgets() -> Any:
        tf.assign(v, 10.0)
        return tf.constant(2.0)

    def waits() -> Any:
        with tf.control_dependencies([tf.assign(v, 10.0)]):
            return tf.constant(2.0)

    def step(i: Any) -> Any:
        v.assign_add(1.0)
        return i + 1

    def counting(i: Any) -> Any:
        with tf.control_dependencies([v.assign_add(1.0)]):
            return i + 1

    forgotten, awaited = (tf.cond(p, f, lambda: 3.0) for f in (forgets, waits))
    loops = [tf.while_loop(lambda i: i < 4, f, [tf.constant(0)]) for f in (step, counting)]
    with session() as s:
        assert [s.run(forgotten, {p: True}), s.run(v)] == [2, 1]
        assert [s.run(awaited, {p: False}), s.run(v)] == [3, 1]
        assert [s.run(awaited, {p: True}), s.run(v)] == [2, 10]
        assert [s.run(loops[0]), s.run(v)] == [4, 10]
        assert [s.run(loops[1]), s.run(v)] == [4, 14]


def test_what_is_made_outside_runs_whichever_branch_does(session: Any) -> None:
    p, v = tf.placeholder(tf.bool, []), tf.Variable(1.0)
    write = tf.assign_add(v, 1.0)

    def waits() -> Any:
        with tf.control_dependencies([write]):
            return tf.constant(2.0)

    waiting = tf.cond(p, waits, lambda: 3.0)
    given = tf.cond(p, lambda: write.op, tf.no_op)
    inner = tf.while_loop(lambda i: i < 3, lambda i: tf.cond(p, waits, lambda: 1.0) + i, [tf.constant(0.0)])
    with session() as s:
        assert [s.run(waiting, {p: False}), s.run(v)] == [3, 2]
        assert [s.run(waiting, {p: True}), s.run(v)] == [2, 3]
        assert [s.run(given, {p: False}), s.run(v)] == [False, 4]
        # Once, however often the step runs that waits for it.
        assert [s.run(inner, {p: False}), s.run(v)] == [3, 5]


def test_prints_assertions_and_queues_in_branches_and_steps(session: Any, capfd: Any) -> None:
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
    queue = tf.FIFOQueue(9, [tf.float32], shapes=[[]])
    put = tf.cond(p, lambda: queue.enqueue(x), tf.no_op)
    shown = tf.cond(p, lambda: tf.Print(x, [x], "seen: "), lambda: x)

    def checked() -> Any:
        with tf.control_dependencies([tf.Assert(x > 0, [x])]):
            return tf.identity(x)

    safe = tf.cond(p, checked, lambda: -x)

    def step(i: Any) -> Any:
        with tf.control_dependencies([queue.enqueue(tf.to_float(i))]):
            return i + 1

    filled = tf.while_loop(lambda i: i < 3, step, [tf.constant(0)])
    with session() as s:
        s.run([put, shown, safe], {p: False, x: -7.0})
        assert "seen" not in capfd.readouterr().err
        assert s.run(queue.size()) == 0
        s.run([put, shown, safe], {p: True, x: 7.0})
        assert "seen: [7" in capfd.readouterr().err
        assert s.run(queue.size()) == 1
        with pytest.raises((GraphError, tf.errors.InvalidArgumentError)):
            s.run(safe, {p: True, x: -7.0})
        s.run(filled)
        assert [s.run(queue.dequeue()) for _ in range(4)] == [7, 0, 1, 2]


def test_a_training_step_writes_what_its_loop_writes_once(session: Any) -> None:
    """The gradient needs the steps again, and their writes are not repeated."""
    v, w = tf.Variable(0.0, trainable=False), tf.Variable(2.0)

    def step(i: Any, a: Any) -> Any:
        with tf.control_dependencies([v.assign_add(1.0)]):
            return i + 1, a * w

    _, y = tf.while_loop(lambda i, a: i < 3, step, [0, 1.0])
    train = tf.train.GradientDescentOptimizer(0.5).minimize(y, var_list=[w])
    with session() as s:
        s.run(train)
        assert s.run([v, w]) == [3, 2 - 0.5 * 12]
        s.run([train, y])
        assert s.run(v) == 6


def test_what_a_branch_made_runs_there_only() -> None:
    p, v = tf.placeholder(tf.bool, []), tf.Variable(1.0)
    made: list[Any] = []

    def branch() -> Any:
        made.append(tf.assign(v, 3.0))
        return made[0]

    tf.cond(p, branch, lambda: 1.0)
    with (
        tf.control_dependencies([made[0]]),
        pytest.raises(GraphError, match=r"made in the branch of a cond.*let the function return it"),
    ):
        tf.no_op()
