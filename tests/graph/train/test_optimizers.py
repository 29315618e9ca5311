"""Optimizers against closed forms and plain numpy, and what they add to a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError

Array = np.ndarray[Any, Any]
START = np.array([1.0, -2.0, 3.0])
CURVATURE = np.array([1.0, 0.5, 2.0])


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def path(optimizer: Any, steps: int, dtype: str = "float64") -> list[Array]:
    """Where the optimizer is after each step down sum(CURVATURE * w^2) / 2."""
    w = tf.Variable(START.astype(dtype))
    loss = tf.reduce_sum(tf.square(w) * CURVATURE.astype(dtype)) * 0.5
    step = optimizer.minimize(loss)
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(steps):
            session.run(step)
            found.append(session.run(w))
    return found


def test_gradient_descent_has_a_closed_form() -> None:
    found = path(tf.train.GradientDescentOptimizer(0.1), 8)
    expected = [START * (1 - 0.1 * CURVATURE) ** t for t in range(1, 9)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_a_linear_recurrence(nesterov: bool) -> None:
    found = path(tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=nesterov), 8)
    # (w, velocity) of each coordinate goes through the same matrix at each step.
    for i, c in enumerate(CURVATURE):
        velocity = np.array([c, 0.9])
        step = np.array([c, 0.0]) + 0.9 * velocity if nesterov else velocity
        matrix = np.stack([np.array([1.0, 0.0]) - 0.1 * step, velocity])
        for t, w in enumerate(found, 1):
            expected = np.linalg.matrix_power(matrix, t) @ [START[i], 0.0]
            np.testing.assert_allclose(w[i], expected[0], rtol=1e-12)


def adam(rate: Callable[[int], float], steps: int) -> list[Array]:
    """Algorithm 1 of the paper, with its bias-corrected moments written out."""
    w, m, v = START.copy(), np.zeros(3), np.zeros(3)
    found = []
    for t in range(1, steps + 1):
        g = CURVATURE * w
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        # The paper's more efficient order moves epsilon inside the correction.
        w = w - rate(t) * m_hat / (np.sqrt(v_hat) + 1e-8 / np.sqrt(1 - 0.999**t))
        found.append(w)
    return found


def test_adam_is_the_papers() -> None:
    found = path(tf.train.AdamOptimizer(0.05), 20)
    np.testing.assert_allclose(found, adam(lambda t: 0.05, 20), rtol=1e-12)


def test_adam_in_float32() -> None:
    found = path(tf.train.AdamOptimizer(0.05), 20, "float32")
    assert found[0].dtype == np.float32
    np.testing.assert_allclose(found, adam(lambda t: 0.05, 20), rtol=1e-4, atol=1e-5)


def test_the_learning_rate_may_be_fed() -> None:
    rate = tf.placeholder(tf.float32, [])
    w = tf.Variable(START)
    step = tf.train.AdamOptimizer(rate).minimize(tf.reduce_sum(tf.square(w) * CURVATURE) * 0.5)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for t in range(1, 6):
            session.run(step, {rate: 0.1 / t})
        np.testing.assert_allclose(session.run(w), adam(lambda t: 0.1 / t, 5)[-1], rtol=1e-6)


def test_all_variables_move_from_the_old_values() -> None:
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    step = tf.train.GradientDescentOptimizer(1.0).minimize(a * b)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        assert session.run([a, b]) == [-1, 1]


def test_global_step_counts_and_var_list_chooses() -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    count = tf.Variable(0, trainable=False)
    step = tf.train.GradientDescentOptimizer(0.5).minimize(a + b, global_step=count, var_list=b)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(step)
        assert session.run([a, b, count]) == [1, -0.5, 3]


def test_gradients_can_be_changed_on_the_way() -> None:
    a, unused = tf.Variable([3.0, 4.0]), tf.Variable(1.0)
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(tf.reduce_sum(a * [3.0, 4.0]))
    assert [v for _, v in pairs] == [a, unused]
    assert pairs[1][0] is None
    clipped, norm = tf.clip_by_global_norm([g for g, _ in pairs], 1.0)
    step = optimizer.apply_gradients(list(zip(clipped, [v for _, v in pairs], strict=True)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(norm) == 5
        session.run(step)
        np.testing.assert_allclose(session.run(a), [2.4, 3.2], rtol=1e-6)
        assert session.run(unused) == 1


def test_slots_are_variables_with_names_that_are_not_trained() -> None:
    with tf.name_scope("layer"):
        w = tf.Variable([1.0, 2.0], name="w")
    optimizer = tf.train.AdamOptimizer(0.1)
    optimizer.minimize(tf.reduce_sum(w))
    assert tf.trainable_variables() == [w]
    assert optimizer.get_slot_names() == ["m", "v"]
    slot = optimizer.get_slot(w, "m")
    assert slot is not None
    assert slot.name == "layer/w/Adam/m:0"
    assert slot.shape == (2,)
    assert optimizer.get_slot(w, "velocity") is None
    assert slot in tf.global_variables()


def test_nothing_to_train() -> None:
    w = tf.Variable(1.0, name="w")
    with pytest.raises(GraphError, match=r"no variable has a gradient; the variables were w:0"):
        tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0) * 2)
    assert w in tf.trainable_variables()


def trained(seed: int) -> tuple[list[float], list[Array]]:
    generator = np.random.default_rng(0)
    images, labels = generator.normal(size=(64, 6, 6, 1)), generator.integers(0, 3, 64)
    images[labels == 1] += 1
    with tf.Graph().as_default():
        tf.set_random_seed(seed)
        x, label = tf.placeholder(tf.float32, [None, 6, 6, 1]), tf.placeholder(tf.int64, [None])
        filters = tf.Variable(tf.truncated_normal([3, 3, 1, 4], stddev=0.3))
        y = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(x, filters, 1, "SAME")), 2, 2, "VALID")
        y = tf.nn.dropout(tf.reshape(y, [-1, 36]), keep_prob=0.9)
        logits = tf.matmul(y, tf.Variable(tf.random_normal([36, 3], stddev=0.2))) + tf.Variable(tf.zeros([3]))
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
        step = tf.train.AdamOptimizer(0.02).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            feeds = {x: images, label: labels}
            losses = [session.run([step, loss], feeds)[1] for _ in range(30)]
            return losses, session.run(tf.global_variables())


def test_training_lowers_the_loss_and_repeats_bit_by_bit() -> None:
    losses, values = trained(seed=3)
    assert losses[-1] < 0.8 * losses[0]
    again, same = trained(seed=3)
    assert losses == again
    for a, b in zip(values, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert trained(seed=4)[0] != losses
