"""Symbolic differentiation beyond single ops: composition, second derivatives, unknown sizes, what stops it."""

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


def test_gradients_of_gradients_of_a_cube() -> None:
    x = tf.placeholder(tf.float64, [])
    y = x**3
    derivatives = [y]
    for _ in range(3):
        derivatives += tf.gradients(derivatives[-1], x)
    np.testing.assert_allclose(run(derivatives, {x: 2.0}), [8, 12, 12, 6])


@pytest.mark.parametrize("sparse", [False, True])
def test_hessian_vector_product_of_softmax_cross_entropy(sparse: bool) -> None:
    generator = np.random.default_rng(0)
    logits = tf.placeholder(tf.float64, [None, 5])
    vector = tf.placeholder(tf.float64, [None, 5])
    numbers = generator.integers(0, 5, 4)
    if sparse:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=numbers, logits=logits)
    else:
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=np.eye(5)[numbers], logits=logits)
    (gradient,) = tf.gradients(losses, logits)
    (product,) = tf.gradients(tf.reduce_sum(gradient * vector), logits)
    z, v = generator.normal(size=(2, 4, 5))
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    found, slope = run([product, gradient], {logits: z, vector: v})
    np.testing.assert_allclose(slope, p - np.eye(5)[numbers], atol=1e-12)
    np.testing.assert_allclose(found, p * v - p * (p * v).sum(-1, keepdims=True), atol=1e-12)


def test_broadcasting_with_an_unknown_batch() -> None:
    x = tf.placeholder(tf.float64, [None, 3])
    row, column, one = (
        tf.Variable(np.ones(3)),
        tf.placeholder(tf.float64, [None, 1]),
        tf.Variable(np.ones(())),
    )
    y = x * row + column * one
    gradients = tf.gradients(y, [x, row, column, one])
    a, c = np.arange(6.0).reshape(2, 3), np.array([[5.0], [7.0]])
    found = run(gradients, {x: a, column: c})
    for array, expected in zip(found, [np.ones((2, 3)), a.sum(0), [[3], [3]], 36], strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("sizes", [(1, 4), (4, 1), (4, 4)])
def test_broadcasting_that_only_the_run_decides(sizes: tuple[int, int]) -> None:
    x, y = (tf.placeholder(tf.float64, [None]) for _ in range(2))
    dx, dy = tf.gradients(x * y, [x, y])
    a, b = (np.arange(1.0, n + 1) for n in sizes)
    found = run([dx, dy], {x: a, y: b})
    assert [f.shape for f in found] == [a.shape, b.shape]
    np.testing.assert_array_equal(found[0], b if len(a) > 1 and len(b) > 1 else np.full(len(a), b.sum()))


def test_a_whole_network_against_finite_differences() -> None:
    generator = np.random.default_rng(1)
    x, label = tf.placeholder(tf.float64, [None, 8, 8, 2]), tf.placeholder(tf.int64, [None])
    filters = tf.Variable(generator.normal(size=(3, 3, 2, 4)) * 0.3)
    bias = tf.Variable(generator.normal(size=4) * 0.1)
    weights = tf.Variable(generator.normal(size=(4 * 4 * 4, 5)) * 0.2)
    y = tf.nn.conv2d(x, filters, [1, 1, 1, 1], "SAME")
    mean, variance = tf.nn.moments(y, [0, 1, 2])
    y = tf.nn.batch_normalization(y, mean, variance, bias, None, 1e-3)
    y = tf.nn.max_pool(tf.nn.relu(y), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    logits = tf.matmul(tf.reshape(y, [-1, 4 * 4 * 4]), weights)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
    variables = [filters, bias, weights]
    gradients = tf.gradients(loss, [*variables, x])
    feeds = {x: generator.normal(size=(3, 8, 8, 2)), label: [0, 4, 2]}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run(gradients, feeds)
        values = [*session.run(variables), feeds[x]]
        for variable, value, gradient in zip([*variables, x], values, found, strict=True):
            direction = generator.normal(size=value.shape)
            ends = [
                session.run(loss, {**feeds, variable: value + sign * 1e-6 * direction}) for sign in (1, -1)
            ]
            slope = (ends[0] - ends[1]) / 2e-6
            np.testing.assert_allclose(slope, np.sum(gradient * direction), rtol=1e-6, atol=1e-8)


def test_independent_and_integer_tensors_have_no_gradient() -> None:
    x, y = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
    n = tf.placeholder(tf.int32, [])
    found = tf.gradients(x * 2 + tf.to_float(n), [x, y, n])
    assert found[0] is not None
    assert found[1:] == [None, None]
    assert tf.gradients(tf.to_float(tf.argmax(x)), x) == [None]
    with pytest.raises(TypeError, match="floating-point"):
        tf.gradients(n, x)


def test_stop_gradient_and_stop_gradients() -> None:
    x = tf.placeholder(tf.float32, [])
    y = x * x
    z = y * x
    (whole,) = tf.gradients(z, x)
    (cut,) = tf.gradients(z, x, stop_gradients=[y])
    (stopped,) = tf.gradients(tf.stop_gradient(y) * x, x)
    both = tf.gradients(z, [x, y], stop_gradients=[y])
    assert run([whole, cut, stopped], {x: 3.0}) == [27, 9, 9]
    assert run(both, {x: 3.0}) == [9, 3]


def test_several_ys_start_gradients_and_repeated_use() -> None:
    x = tf.placeholder(tf.float32, [2])
    y, z = x * 2, x * x
    (total,) = tf.gradients([y, z], x)
    (weighted,) = tf.gradients([y, z], [x], grad_ys=[[1.0, 10.0], None])
    found = run([total, weighted], {x: [1, 2]})
    np.testing.assert_array_equal(found, [[4, 6], [4, 24]])
    with pytest.raises(ValueError, match="grad_ys has 1 entries for 2"):
        tf.gradients([y, z], x, grad_ys=[1.0])


@pytest.mark.parametrize("start", [1.0, np.ones(3), np.ones((5, 2))])
def test_a_start_has_the_shape_of_its_y(start: Any) -> None:
    x = tf.placeholder(tf.float32, [2])
    y = tf.exp(x, name="y")
    with pytest.raises(ShapeError, match=r"y:0 \[2\] cannot start from \["):
        tf.gradients(y, x, grad_ys=[start])


def test_what_is_no_tensor() -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    for ys, xs in (("x", x), (x, "x:0"), (x, 3), (np.ones(2), x)):
        with pytest.raises(TypeError, match="neither a tensor nor a variable"):
            tf.gradients(ys, xs)


def test_a_tensor_on_the_way_and_a_y_itself() -> None:
    x = tf.placeholder(tf.float32, [])
    y = x * x
    z = y * 3
    assert run(tf.gradients(z, [z, y, x]), {x: 2.0}) == [1, 3, 12]
    assert run(tf.gradients([z, y], [y]), {x: 2.0}) == [4]


def test_unused_outputs_of_an_operation() -> None:
    x = tf.placeholder(tf.float32, [6])
    _, second, _ = tf.split(x, 3)
    (dx,) = tf.gradients(second * [1.0, 2.0], x)
    np.testing.assert_array_equal(run(dx, {x: np.zeros(6)}), [0, 0, 1, 2, 0, 0])


def test_gradients_take_no_control_dependencies_of_the_forward_pass() -> None:
    x = tf.placeholder(tf.float32, [])
    counter = tf.Variable(0)
    with tf.control_dependencies([counter.assign_add(1)]):
        y = x * x
    (dx,) = tf.gradients(y, x)
    with tf.Session() as session:
        session.run(counter.initializer)
        assert session.run(dx, {x: 3.0}) == 6
        assert session.run(counter) == 0


def test_gradient_operations_are_named_by_what_they_differentiate() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    (dx,) = tf.gradients(tf.exp(x, name="grow"), x)
    assert dx is not None
    assert dx.op.name.startswith("gradients/grow_grad/")


def test_a_constant_within_a_loop_has_no_gradient_and_says_so() -> None:
    with tf.Graph().as_default():
        x, n = tf.constant(2.0, name="x"), tf.placeholder(tf.bool, [])
        y = tf.cond(n, lambda: x * 3.0, lambda: x)
        with pytest.raises(GraphError, match=r"cond 'cond' has constant x:0 within it.*tf\.identity"):
            tf.gradients(y, x)
        x = tf.identity(x)
        y = tf.cond(n, lambda: x * 3.0, lambda: x)
        assert tf.Session().run(tf.gradients(y, x), {n: True}) == [3.0]
