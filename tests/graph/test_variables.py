"""Variables: initial values, assignment, collections, sharing by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, ShapeError


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


def test_initial_values() -> None:
    a = tf.Variable(3)
    b = tf.Variable([1.0, 2.0], dtype=tf.float64, name="b")
    c = tf.Variable(lambda: tf.random_normal([2, 3]), trainable=False)
    d = tf.Variable(b.initialized_value() * 2)
    assert (a.dtype, b.dtype, b.shape, c.shape) == (tf.int32, tf.float64, (2,), (2, 3))
    assert b.get_shape().as_list() == [2]
    assert b.name == "b:0"
    found = run([a, b, c, d])
    assert found[0] == 3
    np.testing.assert_array_equal(found[3], [2, 4])
    assert tf.global_variables() == [a, b, c, d] == tf.all_variables()
    assert tf.trainable_variables() == [a, b, d]


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_the_initialized_value_is_that_of_the_variable_once_it_has_one(backend: str) -> None:
    a = tf.Variable(lambda: tf.random_normal([3]), name="a")
    value = a.initialized_value()
    b = tf.Variable(a.initialized_value() * 2)
    c = tf.Variable(np.float32(4), validate_shape=False)
    with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
        # The initial value, in the same run the same.
        for found, wanted in (
            session.run([value, a.initial_value]),
            session.run([b.initializer.outputs[0], 2 * value]),
        ):
            np.testing.assert_array_equal(found, wanted)
        assert session.run(c.initialized_value()) == 4
        assert not session.run(tf.is_variable_initialized(a))
        session.run(tf.global_variables_initializer())
        first, again, double = session.run([a, value, b])
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(2 * first, double)
        a.load([5.0, 6.0, 7.0], session)
        session.run(b.initializer)
        np.testing.assert_array_equal(session.run(value), [5, 6, 7])
        np.testing.assert_array_equal(session.run(b), [10, 12, 14])


def test_averages_start_at_the_values_of_restored_variables() -> None:
    v = tf.Variable(1.0)
    average = tf.train.ExponentialMovingAverage(0.5)
    step = average.apply([v])
    with tf.Session() as session:
        v.load(8.0, session)
        session.run(average.average(v).initializer)
        session.run(step)
        assert session.run(average.average(v)) == 8


def test_a_variable_is_taken_apart() -> None:
    a, b = tf.Variable([1.0, 2.0])
    assert run([a, b]) == [1, 2]
    with pytest.raises(TypeError, match="iterated"):
        list(tf.Variable(1.0))


def test_an_initial_value_must_have_a_shape() -> None:
    with pytest.raises(ValueError, match=r"'w': the shape of its initial value, \[\?, 2\]"):
        tf.Variable(tf.placeholder(tf.float32, [None, 2]), name="w")


def test_assignment() -> None:
    v = tf.Variable([1.0, 2.0])
    add, sub = tf.assign_add(v, [1.0, 1.0], name="more"), tf.assign_sub(v, [0.5, 0.5])
    write = tf.assign(v, [7.0, 8.0])
    assert add.op.name == "more"
    with tf.Session() as session:
        session.run(v.initializer)
        for operation, expected in ((add, [2, 3]), (sub, [1.5, 2.5]), (write, [7, 8])):
            np.testing.assert_array_equal(session.run(operation), expected)
            np.testing.assert_array_equal(session.run(v), expected)


def test_assignment_refuses() -> None:
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"\[2\].*\[3\]|2 and 3"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="int32"):
        v.assign(tf.constant([1, 2]))
    with pytest.raises(TypeError, match="is not a variable"):
        tf.get_default_graph().b.assign(tf.constant([1.0, 2.0]), [1.0, 2.0])


def test_some_variables_can_be_initialized() -> None:
    a, b = tf.Variable(1), tf.Variable(2)
    with tf.Session() as session:
        session.run(tf.variables_initializer([b]))
        assert session.run(b) == 2
        with pytest.raises(GraphError, match="no value yet"):
            session.run(a)


def test_an_initializer_ignores_the_control_dependencies_around() -> None:
    x = tf.placeholder(tf.float32, [])
    with tf.control_dependencies([x]):
        v = tf.Variable(lambda: tf.constant(1.0) * 2)
    assert run(v) == 2


def test_get_variable_shares_by_name() -> None:
    with tf.variable_scope("layer") as scope:
        w = tf.get_variable("w", [2, 3])
        with pytest.raises(GraphError, match=r"'layer/w' exists already.*test_variables\.py"):
            tf.get_variable("w", [2, 3])
    with tf.variable_scope("layer", reuse=True):
        assert tf.get_variable("w") is w
        with pytest.raises(ValueError, match="has shape"):
            tf.get_variable("w", [3, 3])
        with pytest.raises(GraphError, match="does not exist"):
            tf.get_variable("b", [3])
    with tf.variable_scope(scope, reuse=True):
        assert tf.get_variable("w") is w
    with tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
        assert tf.get_variable("w") is w
        assert tf.get_variable("b", [3], initializer=np.zeros(3)).name == "layer/b:0"
    assert w.name == "layer/w:0"


def test_variable_scopes_nest_and_hand_down() -> None:
    with tf.variable_scope("a", initializer=lambda shape, dtype: np.full(shape, 5.0)):
        with tf.variable_scope("b"):
            v = tf.get_variable("v", [2])
            y = tf.identity(v, name="y")
        tf.get_variable_scope().reuse_variables()
        with tf.variable_scope("b", reuse=False):
            assert tf.get_variable("v") is v
    assert v.name == "a/b/v:0"
    assert y.name == "a/b/y:0"
    np.testing.assert_array_equal(run(v), [5, 5])
    assert tf.get_variable("top", 3).name == "top:0"
    names = []
    for _ in range(2):
        with tf.variable_scope(None, default_name="dense"):
            names.append(tf.get_variable("w", [1]).name)
    assert names == ["dense/w:0", "dense_1/w:0"]


def test_the_default_initializer_is_glorots() -> None:
    w = run(tf.get_variable("w", [3, 3, 20, 30]))
    limit = np.sqrt(6 / (9 * 50))
    assert np.abs(w).max() <= limit
    assert abs(w.std() - limit / np.sqrt(3)) < 0.05 * limit
    with pytest.raises(ValueError, match="needs a shape"):
        tf.get_variable("v")
