"""Loops, folds and scans, and gradients through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, ShapeError
from tests.graph.programs._run import check_gradient, run

GENERATOR = np.random.default_rng(3)
ROWS = GENERATOR.uniform(-1, 1, (5, 3))
W = GENERATOR.uniform(-1, 1, (3, 3))


def placeholder(shape: Any) -> Any:
    return tf.placeholder(tf.float64, shape)


@pytest.mark.parametrize("rows", [5, None])
def test_scan_equals_its_steps(rows: int | None) -> None:
    x = placeholder([rows, 3])
    w = tf.placeholder(tf.float64, [3, 3])
    start = tf.zeros([3], tf.float64)

    def step(a: Any, v: Any) -> Any:
        return tf.tanh(tf.reshape(tf.matmul(tf.reshape(a, [1, 3]), w), [3]) + v)

    y = tf.scan(step, x, initializer=start)
    assert y.get_shape().as_list() == [rows, 3]
    expected, a = [], np.zeros(3)
    for row in ROWS:
        a = np.tanh(a @ W + row)
        expected.append(a)
    feeds = {x: ROWS, w: W}
    np.testing.assert_allclose(run(y, feeds), expected)
    # Against the same steps written out, whose gradients are those of plain operations.
    states, held = [], start
    for i in range(5):
        held = step(held, x[i])
        states.append(held)
    unrolled = tf.stack(states)
    weights = GENERATOR.uniform(-1, 1, (5, 3))
    one, other = (tf.gradients(tf.reduce_sum(t * weights), [x, w]) for t in (y, unrolled))
    for a, b in zip(run(one, feeds), run(other, feeds), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    twice = [tf.gradients(tf.reduce_sum(tf.square(g[1])), [x, w]) for g in (one, other)]
    for a, b in zip(*(run(t, feeds) for t in twice), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_scan_backwards_and_without_a_start() -> None:
    x = placeholder([4])
    values = np.array([1.0, 2.0, 3.0, 4.0])
    forwards = tf.scan(lambda a, v: a * 2 + v, x)
    backwards = tf.scan(lambda a, v: a * 2 + v, x, reverse=True)
    nested = tf.scan(
        lambda a, v: (a[0] + v[0], a[1] * v[1]),
        (x, x + 1),
        initializer=(tf.constant(0.0, tf.float64), tf.constant(1.0, tf.float64)),
    )
    np.testing.assert_allclose(run(forwards, {x: values}), [1, 4, 11, 26])
    np.testing.assert_allclose(run(backwards, {x: values}), [1 + 2 * (2 + 2 * 11), 2 + 2 * 11, 11, 4])
    sums, products = run(nested, {x: values})
    np.testing.assert_allclose(sums, np.cumsum(values))
    np.testing.assert_allclose(products, np.cumprod(values + 1))
    check_gradient(tf.square(forwards), x, {x: values}, second=True)
    check_gradient(tf.square(backwards), x, {x: values}, second=True)


def test_map_fn() -> None:
    x = placeholder([None, 3])
    y = tf.map_fn(lambda row: tf.sin(row) * tf.reduce_sum(row), x)
    np.testing.assert_allclose(run(y, {x: ROWS}), np.sin(ROWS) * ROWS.sum(1, keepdims=True))
    check_gradient(y, x, {x: ROWS}, second=True)
    lengths = tf.map_fn(
        lambda pair: tf.cast(pair[0] * 2, tf.int32) + pair[1], (x[:, 0], tf.range(5)), dtype=tf.int32
    )
    np.testing.assert_array_equal(
        run(lengths, {x: ROWS}), np.trunc(ROWS[:, 0] * 2).astype(int) + np.arange(5)
    )
    both = tf.map_fn(lambda v: (v + 1, v > 0), np.array([1.0, -2.0]), dtype=(tf.float64, tf.bool))
    found = run(list(both))
    np.testing.assert_array_equal(found[0], [2, -1])
    np.testing.assert_array_equal(found[1], [True, False])
    stopped = tf.map_fn(lambda v: v * v, x[:, 0], back_prop=False)
    assert tf.gradients(stopped, x) == [None]
    with pytest.raises(TypeError, match="dtype says int32"):
        tf.map_fn(lambda v: v, x, dtype=tf.int32)
    with pytest.raises(ShapeError, match="scalar"):
        tf.map_fn(lambda v: v, tf.constant(1.0))


def test_map_fn_of_results_of_unknown_size() -> None:
    x = placeholder([None, None])
    y = tf.map_fn(lambda row: row[1:] * 2, x)
    np.testing.assert_allclose(run(y, {x: ROWS}), ROWS[:, 1:] * 2)
    check_gradient(tf.square(y), x, {x: ROWS}, second=True)


def test_folds() -> None:
    x = placeholder([None])
    values = np.array([2.0, -1.0, 0.5])
    left = tf.foldl(lambda a, v: a * 0.5 - v, x)
    right = tf.foldr(lambda a, v: a * 0.5 - v, x)
    started = tf.foldl(lambda a, v: tf.sin(a) + v * a, x, initializer=tf.constant(0.25, tf.float64))
    np.testing.assert_allclose(
        run([left, right], {x: values}), [(2 * 0.5 + 1) * 0.5 - 0.5, (0.5 * 0.5 + 1) * 0.5 - 2]
    )
    a = 0.25
    for v in values:
        a = np.sin(a) + v * a
    np.testing.assert_allclose(run(started, {x: values}), a)
    for y in (left, right, started):
        check_gradient(y * y, x, {x: values}, second=True)


def test_while_loop_gradients_by_data() -> None:
    """The number of steps is data: x -> x^2 until it exceeds a limit; and a weight outside of the loop."""
    x, limit, w = placeholder([]), placeholder([]), placeholder([])
    steps, y = tf.while_loop(
        lambda i, v: v < limit, lambda i, v: (i + 1, v * v * w), [tf.constant(0), x], maximum_iterations=30
    )
    feeds = {x: 1.3, limit: 9.0, w: 1.1}
    a, count = 1.3, 0
    while a < 9:
        a, count = a * a * 1.1, count + 1
    np.testing.assert_allclose(run([steps, y], feeds), [count, a])
    for source in (x, w):
        check_gradient(y, source, feeds, second=True)
    none = {x: 20.0, limit: 9.0, w: 1.1}
    assert run(tf.gradients(y, [x, w]), none) == [1.0, 0.0]


def test_invariants_of_shapes() -> None:
    x = placeholder([3])
    invariants = [tf.TensorShape([]), tf.TensorShape([None])]
    _, y = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2.0), [0, x], invariants)
    np.testing.assert_array_equal(run(y, {x: [1.0, 2.0, 3.0]}), [8, 16, 24])
    with pytest.raises(ShapeError, match="its invariant"):
        tf.while_loop(lambda v: v[0] < 3, lambda v: v, [x], shape_invariants=[tf.TensorShape([2])])
    with pytest.raises(TypeError, match="1 shape_invariants for 2"):
        tf.while_loop(lambda i, v: i < 3, lambda i, v: (i, v), [0, x], [tf.TensorShape([])])


def test_a_loop_without_gradients() -> None:
    x = placeholder([])
    y = tf.while_loop(lambda v: v < 9.0, lambda v: v * 2.0, [x], back_prop=False)
    assert tf.gradients(y, x) == [None]
    assert run(y, {x: 1.0}) == 16


def test_a_loop_within_a_loop_and_a_cond_within() -> None:
    x = placeholder([])

    def inner(v: Any) -> Any:
        return tf.while_loop(lambda k, u: k < 2, lambda k, u: (k + 1, u * x + 0.1), [tf.constant(0), v])[1]

    def step(i: Any, v: Any) -> Any:
        return i + 1, tf.cond(v > 1.0, lambda: v * 0.5, lambda: inner(v))

    _, y = tf.while_loop(lambda i, v: i < 4, step, [tf.constant(0), x])
    value = 1.2
    a = value
    for _ in range(4):
        if a > 1:
            a = a * 0.5
        else:
            for _ in range(2):
                a = a * value + 0.1
    np.testing.assert_allclose(run(y, {x: value}), a)
    check_gradient(y, x, {x: value}, second=True)


def test_gradients_of_variables_that_only_a_loop_reads() -> None:
    w = tf.get_variable("w", initializer=np.array([0.5, -0.25]))
    x = placeholder([3, 2])
    y = tf.scan(lambda a, v: tf.tanh(a * w + v), x, initializer=tf.zeros([2], tf.float64))
    data = GENERATOR.uniform(-1, 1, (3, 2))
    held, states = tf.zeros([2], tf.float64), []
    for i in range(3):
        held = tf.tanh(held * w + x[i])
        states.append(held)
    first, second = (tf.gradients(tf.reduce_sum(tf.square(t - 0.5)), w)[0] for t in (y, tf.stack(states)))
    found = run([first, second, *tf.gradients(first, w), *tf.gradients(second, w)], {x: data})
    np.testing.assert_allclose(found[0], found[1])
    np.testing.assert_allclose(found[2], found[3])
    assert np.abs(found[0]).min() > 1e-3


def test_dropout_in_a_branch_has_the_gradient_of_what_it_dropped() -> None:
    x = tf.placeholder(tf.float32, [None, 50])
    training = tf.placeholder_with_default(False, [])
    y = tf.cond(training, lambda: tf.nn.dropout(x * 2, 0.5), lambda: x * 2)
    (dx,) = tf.gradients(y, x)
    value, gradient = run([y, dx], {x: np.ones((2, 50)), training: True})
    np.testing.assert_allclose(gradient, value)
    assert 0 < (value == 0).sum() < 100
    np.testing.assert_allclose(run(y, {x: np.ones((1, 50))}), 2 * np.ones((1, 50)))


def test_case_takes_the_first_that_holds() -> None:
    x = placeholder([])
    y = tf.case([(x < 0.0, lambda: -x), (x < 2.0, lambda: x * x)], default=lambda: x * x * x)
    for value, expected, slope in ((-3.0, 3, -1), (1.5, 2.25, 3), (3.0, 27, 27)):
        np.testing.assert_allclose(run([y, *tf.gradients(y, x)], {x: value}), [expected, slope])


def test_the_gradient_of_a_loop_that_draws_is_that_of_what_it_drew() -> None:
    x = placeholder([4])
    y = tf.map_fn(lambda v: v * v * tf.random_normal([], dtype=tf.float64), x)
    values, slopes = run([y, *tf.gradients(y, x)], {x: np.full(4, 2.0)})
    np.testing.assert_allclose(slopes, values)
    assert len(set(values)) == 4
    # A branch is computed again, and draws before it; a loop in a loop cannot.
    z = tf.map_fn(
        lambda u: tf.map_fn(lambda v: v * tf.random_normal([], dtype=tf.float64), u), placeholder([2, 2])
    )
    with pytest.raises(GraphError, match="would draw other numbers"):
        tf.gradients(z, z.graph.get_operations()[-1].inputs[0])
