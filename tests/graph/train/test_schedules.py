"""Learning rate schedules and moving averages against numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

T = tf.train


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def polynomial(step: float, steps: float, end: float, power: float, cycle: bool) -> float:
    if cycle:
        steps *= max(1, math.ceil(step / steps))
    return (0.5 - end) * (1 - min(step, steps) / steps) ** power + end


def restarts(step: float, first: float, t_mul: float, m_mul: float, alpha: float) -> float:
    """Period by period, as the paper tells it."""
    height, length = 0.5, first
    while step >= length:
        step, length, height = step - length, length * t_mul, height * m_mul
    return (height * (1 - alpha)) * 0.5 * (1 + math.cos(math.pi * step / length)) + 0.5 * alpha


def linear_cosine(step: float, steps: float, periods: float, alpha: float, beta: float) -> float:
    step = min(step, steps)
    cosine = 0.5 * (1 + math.cos(2 * math.pi * periods * step / steps))
    return 0.5 * ((alpha + (steps - step) / steps) * cosine + beta)


SCHEDULES: dict[str, tuple[Callable[[Any], Any], Callable[[int], float]]] = {
    "exponential": (lambda s: T.exponential_decay(0.5, s, 7, 0.8), lambda s: 0.5 * 0.8 ** (s / 7)),
    "exponential, stairs": (
        lambda s: T.exponential_decay(0.5, s, 7, 0.8, staircase=True),
        lambda s: 0.5 * 0.8 ** (s // 7),
    ),
    "natural": (lambda s: T.natural_exp_decay(0.5, s, 7, 0.8), lambda s: 0.5 * math.exp(-0.8 * s / 7)),
    "natural, stairs": (
        lambda s: T.natural_exp_decay(0.5, s, 7, 0.8, True),
        lambda s: 0.5 * math.exp(-0.8 * (s // 7)),
    ),
    "inverse time": (lambda s: T.inverse_time_decay(0.5, s, 7, 0.8), lambda s: 0.5 / (1 + 0.8 * s / 7)),
    "inverse time, stairs": (
        lambda s: T.inverse_time_decay(0.5, s, 7, 0.8, True),
        lambda s: 0.5 / (1 + 0.8 * (s // 7)),
    ),
    "piecewise": (
        lambda s: T.piecewise_constant(s, [5, 12], [1.0, 0.5, 0.1]),
        lambda s: 1.0 if s <= 5 else 0.5 if s <= 12 else 0.1,
    ),
    "piecewise, limits with a fraction": (
        lambda s: T.piecewise_constant_decay(s, [5.5], [1.0, 0.5]),
        lambda s: 1.0 if s <= 5 else 0.5,
    ),
    "polynomial": (
        lambda s: T.polynomial_decay(0.5, s, 9, 0.01, 2.0),
        lambda s: polynomial(s, 9, 0.01, 2.0, False),
    ),
    "polynomial, cycle": (
        lambda s: T.polynomial_decay(0.5, s, 9, 0.01, 0.5, cycle=True),
        lambda s: polynomial(s, 9, 0.01, 0.5, True),
    ),
    "cosine": (
        lambda s: T.cosine_decay(0.5, s, 15, 0.1),
        lambda s: 0.5 * (0.9 * 0.5 * (1 + math.cos(math.pi * min(s, 15) / 15)) + 0.1),
    ),
    "restarts": (
        lambda s: T.cosine_decay_restarts(0.5, s, 5, m_mul=0.8, alpha=0.1),
        lambda s: restarts(s, 5, 2.0, 0.8, 0.1),
    ),
    "restarts, another growth": (
        lambda s: T.cosine_decay_restarts(0.5, s, 4, 1.5),
        lambda s: restarts(s, 4, 1.5, 1.0, 0.0),
    ),
    "restarts, equal periods": (
        lambda s: T.cosine_decay_restarts(0.5, s, 6, 1.0, 0.5),
        lambda s: restarts(s, 6, 1.0, 0.5, 0.0),
    ),
    "linear cosine": (
        lambda s: T.linear_cosine_decay(0.5, s, 20, 1.5, 0.2, 0.01),
        lambda s: linear_cosine(s, 20, 1.5, 0.2, 0.01),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name: str) -> None:
    build, expected = SCHEDULES[name]
    step = tf.placeholder(tf.int64, [])
    rate = build(step)
    assert rate.shape == ()
    with tf.Session() as session:
        found = [session.run(rate, {step: s}) for s in range(33)]
    assert found[0].dtype == np.float32
    np.testing.assert_allclose(found, [expected(s) for s in range(33)], rtol=3e-6, atol=1e-7)


def test_a_schedule_follows_the_counter_and_keeps_a_wide_dtype() -> None:
    count = T.get_or_create_global_step()
    rate = T.exponential_decay(tf.constant(0.1, tf.float64), count, 1, 0.5)
    assert rate.dtype is tf.float64
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for s in range(4):
            np.testing.assert_allclose(session.run(rate), 0.1 * 0.5**s, rtol=1e-14)
            session.run(count.assign_add(1))


def test_the_noise_of_a_noisy_schedule() -> None:
    step = tf.placeholder(tf.int64, [])
    rate = T.noisy_linear_cosine_decay(0.5, step, 10, initial_variance=0.25, variance_decay=0.5)
    with tf.Session() as session:
        for s in (0, 3):
            draws = np.asarray([session.run(rate, {step: s}) for _ in range(600)])
            cosine = 0.5 * (1 + math.cos(math.pi * s / 10))
            assert abs(draws.mean() - linear_cosine(s, 10, 0.5, 0.0, 0.001)) < 0.06
            assert draws.std() == pytest.approx(0.5 * cosine * 0.5 / (1 + s) ** 0.25, rel=0.15)


def test_piecewise_refuses() -> None:
    with pytest.raises(ValueError, match="2 boundaries need 3 values, not 2"):
        T.piecewise_constant(tf.constant(1), [1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="do not rise"):
        T.piecewise_constant(tf.constant(1), [2, 1], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("updates", [False, True])
def test_averages_of_variables(updates: bool) -> None:
    w = tf.Variable([1.0, -1.0], name="layer/w")
    count = tf.Variable(0, trainable=False, name="count")
    averages = T.ExponentialMovingAverage(0.9, num_updates=count if updates else None)
    moved = w.assign_add([0.5, 2.0])
    counted = count.assign_add(1)
    with tf.control_dependencies([moved, counted]):
        update = averages.apply([w])
    average = averages.average(w)
    assert average is not None
    assert average.name == "layer/w/ExponentialMovingAverage:0"
    assert averages.average_name(w) == "layer/w/ExponentialMovingAverage"
    assert averages.average_name(count) == "count/ExponentialMovingAverage"
    assert averages.average(count) is None
    assert average not in tf.trainable_variables()
    expected = value = np.array([1.0, -1.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for t in range(1, 15):
            session.run(update)
            value = value + np.array([0.5, 2.0])
            decay = min(0.9, (1 + t) / (10 + t)) if updates else 0.9
            expected = decay * expected + (1 - decay) * value
            np.testing.assert_allclose(session.run(average), expected, rtol=1e-5)
    names = averages.variables_to_restore()
    assert names == {"layer/w/ExponentialMovingAverage": w, "count": count}
    with pytest.raises(tf.GraphError, match="has a moving average already"):
        averages.apply([w])
    with pytest.raises(TypeError, match="count:0 is int32"):
        averages.apply([count])


@pytest.mark.parametrize("debias", [False, True])
def test_averages_of_tensors_start_from_0(debias: bool) -> None:
    x = tf.placeholder(tf.float32, [2])
    averages = T.ExponentialMovingAverage(0.8, zero_debias=debias)
    tensor = x * 2.0
    update = averages.apply([tensor])
    values = np.random.default_rng(1).normal(size=(9, 2)).astype(np.float32)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for t, value in enumerate(values, 1):
            session.run(update, {x: value})
            weights = 0.2 * 0.8 ** np.arange(t)[::-1]
            mean = (weights[:, None] * values[:t] * 2).sum(0) / (weights.sum() if debias else 1)
            np.testing.assert_allclose(session.run(averages.average(tensor)), mean, rtol=1e-4, atol=1e-6)
