"""The optimizers' ways against numpy: each paper's algorithm written out here, over 25 steps down a curved valley."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

Array = np.ndarray[Any, Any]
Rule = Callable[[Array, Array, int, dict[str, Any]], Array]
STEPS = 25
START = np.array([[0.9, -1.7, 0.4], [2.5, -0.3, 0.0]])
CURVATURE = np.array([[1.0, 0.5, 2.0], [0.1, 3.0, 1.5]])
CENTRE = np.array([[0.2, 0.4, 0.4], [-1.0, -0.3, 0.5]])


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def slope(w: Array) -> Array:
    """The gradient of sum(curvature * (w - centre)^2) / 2 + sum(cos(3 w)) / 10."""
    found: Array = CURVATURE * (w - CENTRE) - 0.3 * np.sin(3 * w)
    return found


def walked(rule: Rule) -> list[Array]:
    """Where a rule `new = rule(w, gradient, t, memory)` goes, t from 1, in double precision."""
    w, memory, found = START.copy(), {}, []
    for t in range(1, STEPS + 1):
        w = rule(w, slope(w), t, memory)
        found.append(w)
    return found


def trained(make: Callable[[Any], Any], dtype: str) -> list[Array]:
    count = tf.train.create_global_step()
    w = tf.Variable(START.astype(dtype))
    loss = (
        tf.reduce_sum(tf.square(w - CENTRE.astype(dtype)) * CURVATURE.astype(dtype)) * 0.5
        + tf.reduce_sum(tf.cos(w * 3.0)) * 0.1
    )
    step = make(count).minimize(loss, global_step=count)
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(STEPS):
            session.run(step)
            found.append(session.run(w))
        assert session.run(count) == STEPS
    return found


def descent(rate: float) -> Rule:
    return lambda w, g, t, memory: w - rate * g


def momentum(rate: float, mu: float, nesterov: bool) -> Rule:
    """Sutskever et al. (2013), equations (1)-(4), with velocities in units of -rate as gradients add up."""

    def rule(w: Array, g: Array, t: int, memory: dict[str, Any]) -> Array:
        velocity = mu * memory.get("v", 0.0) - rate * g
        memory["v"] = velocity
        return w + mu * velocity - rate * g if nesterov else w + velocity

    return rule


def adagrad(rate: float, first: float) -> Rule:
    def rule(w: Array, g: Array, t: int, memory: dict[str, Any]) -> Array:
        memory["G"] = memory.get("G", np.full(w.shape, first)) + g**2
        return w - rate / np.sqrt(memory["G"]) * g

    return rule


def adagrad_da(rate: float, first: float, l1: float, l2: float) -> Rule:
    """The minimiser of <mean gradient, w> + l1 |w| + l2 |w|^2 / 2 + <w, H w> / (2 t rate), by coordinates."""

    def rule(w: Array, g: Array, t: int, memory: dict[str, Any]) -> Array:
        memory["s"] = memory.get("s", 0.0) + g
        memory["q"] = memory.get("q", first) + g**2
        mean, curve = memory["s"] / t, l2 + np.sqrt(memory["q"]) / (t * rate)
        return np.where(
            mean > l1, -(mean - l1) / curve, np.where(mean < -l1, -(mean + l1) / curve, np.zeros_like(w))
        )

    return rule


def adadelta(rate: float, rho: float, epsilon: float) -> Rule:
    def rms(values: Array) -> Array:
        return np.sqrt(values + epsilon)

    def rule(w: Array, g: Array, t: int, memory: dict[str, Any]) -> Array:
        squares, updates = memory.setdefault("E", (np.zeros_like(w), np.zeros_like(w)))
        squares = rho * squares + (1 - rho) * g**2
        delta = -rms(updates) / rms(squares) * g
        memory["E"] = squares, rho * updates + (1 - rho) * delta**2
        return w + rate * delta

    return rule


def adam(rate: float, beta1: float, beta2: float, epsilon: float) -> Rule:
    """Algorithm 1 with the bias-corrected moments written out; epsilon in the units of the uncorrected root."""

    def rule(w: Array, g: Array, t: int, memory: dict[str, Any]) -> Array:
        memory["m"] = beta1 * memory.get("m", 0.0) + (1 - beta1) * g
        memory["v"] = beta2 * memory.get("v", 0.0) + (1 - beta2) * g**2
        corrected = memory["m"] / (1 - beta1**t), memory["v"] / (1 - beta2**t)
        return w - rate * corrected[0] / (np.sqrt(corrected[1]) + epsilon / np.sqrt(1 - beta2**t))

    return rule


def rmsprop(rate: float, decay: float, mu: float, epsilon: float, centered: bool) -> Rule:
    def rule(w: Array, g: Array, t: int, memory: dict[str, Any]) -> Array:
        memory["n"] = decay * memory.get("n", np.ones_like(w)) + (1 - decay) * g**2
        memory["g"] = decay * memory.get("g", 0.0) + (1 - decay) * g if centered else np.zeros_like(w)
        memory["d"] = mu * memory.get("d", 0.0) - rate * g / np.sqrt(memory["n"] - memory["g"] ** 2 + epsilon)
        found: Array = w + memory["d"]
        return found

    return rule


def ftrl(
    rate: float,
    power: float = -0.5,
    first: float = 0.1,
    l1: float = 0.0,
    l2: float = 0.0,
    shrink: float = 0.0,
) -> Rule:
    """Algorithm 1, one coordinate after the other; its beta is 0, its lambda_2 twice l2, its root any power."""

    def rule(w: Array, g: Array, t: int, memory: dict[str, Any]) -> Array:
        z, n = memory.setdefault("z", np.zeros(w.shape)), memory.setdefault("n", np.full(w.shape, first))
        new = np.empty_like(w)
        for i in np.ndindex(w.shape):
            sigma = ((n[i] + g[i] ** 2) ** -power - n[i] ** -power) / rate
            z[i] += g[i] + 2 * shrink * w[i] - sigma * w[i]
            n[i] += g[i] ** 2
            if abs(z[i]) <= l1:
                new[i] = 0.0
            else:
                new[i] = -1 / (n[i] ** -power / rate + 2 * l2) * (z[i] - np.sign(z[i]) * l1)
        return new

    return rule


def proximal(rate: float, l1: float, l2: float, first: float | None) -> Rule:
    """A step and then the penalties' proximal map, by cases; with `first`, the rates of Adagrad."""

    def rule(w: Array, g: Array, t: int, memory: dict[str, Any]) -> Array:
        memory["G"] = memory.get("G", first or 0.0) + g**2
        rates = np.full(w.shape, rate) if first is None else rate / np.sqrt(memory["G"])
        point = w - rates * g
        new = np.zeros_like(w)
        for i in np.ndindex(w.shape):
            threshold = rates[i] * l1
            if point[i] > threshold:
                new[i] = (point[i] - threshold) / (1 + rates[i] * l2)
            elif point[i] < -threshold:
                new[i] = (point[i] + threshold) / (1 + rates[i] * l2)
        return new

    return rule


T = tf.train
WAYS: dict[str, tuple[Callable[[Any], Any], Rule]] = {
    "descent": (lambda count: T.GradientDescentOptimizer(0.2), descent(0.2)),
    "momentum": (lambda count: T.MomentumOptimizer(0.05, 0.9), momentum(0.05, 0.9, False)),
    "nesterov": (
        lambda count: T.MomentumOptimizer(0.05, 0.8, use_nesterov=True),
        momentum(0.05, 0.8, True),
    ),
    "adagrad": (lambda count: T.AdagradOptimizer(0.4), adagrad(0.4, 0.1)),
    "adagrad, another start": (lambda count: T.AdagradOptimizer(0.1, 2.0), adagrad(0.1, 2.0)),
    "adagrad_da": (lambda count: T.AdagradDAOptimizer(0.3, count), adagrad_da(0.3, 0.1, 0.0, 0.0)),
    "adagrad_da, penalties": (
        lambda count: T.AdagradDAOptimizer(0.5, count, 0.2, 0.15, 0.3),
        adagrad_da(0.5, 0.2, 0.15, 0.3),
    ),
    "adadelta, the paper's": (lambda count: T.AdadeltaOptimizer(1.0, 0.95, 1e-6), adadelta(1.0, 0.95, 1e-6)),
    "adadelta, defaults": (lambda count: T.AdadeltaOptimizer(), adadelta(0.001, 0.95, 1e-8)),
    "adam": (lambda count: T.AdamOptimizer(), adam(0.001, 0.9, 0.999, 1e-8)),
    "adam, large epsilon": (lambda count: T.AdamOptimizer(0.1, 0.8, 0.95, 0.1), adam(0.1, 0.8, 0.95, 0.1)),
    "rmsprop": (lambda count: T.RMSPropOptimizer(0.05), rmsprop(0.05, 0.9, 0.0, 1e-10, False)),
    "rmsprop, momentum": (
        lambda count: T.RMSPropOptimizer(0.02, 0.8, 0.7, 1e-3),
        rmsprop(0.02, 0.8, 0.7, 1e-3, False),
    ),
    "rmsprop, centered": (
        lambda count: T.RMSPropOptimizer(0.02, 0.9, 0.5, 1e-2, centered=True),
        rmsprop(0.02, 0.9, 0.5, 1e-2, True),
    ),
    "ftrl": (lambda count: T.FtrlOptimizer(0.5), ftrl(0.5)),
    "ftrl, penalties": (
        lambda count: T.FtrlOptimizer(
            0.4, initial_accumulator_value=0.3, l1_regularization_strength=0.4, l2_regularization_strength=0.2
        ),
        ftrl(0.4, first=0.3, l1=0.4, l2=0.2),
    ),
    "ftrl, another power and shrinkage": (
        lambda count: T.FtrlOptimizer(
            0.3,
            -0.7,
            l1_regularization_strength=0.1,
            l2_shrinkage_regularization_strength=0.05,
        ),
        ftrl(0.3, -0.7, l1=0.1, shrink=0.05),
    ),
    "proximal descent": (
        lambda count: T.ProximalGradientDescentOptimizer(0.1, 0.5, 0.3),
        proximal(0.1, 0.5, 0.3, None),
    ),
    "proximal adagrad": (
        lambda count: T.ProximalAdagradOptimizer(0.5, 0.2, 0.3, 0.1),
        proximal(0.5, 0.3, 0.1, 0.2),
    ),
    "a schedule": (
        lambda count: T.MomentumOptimizer(T.exponential_decay(0.1, count, 5, 0.7, staircase=True), 0.0),
        lambda w, g, t, memory: w - 0.1 * 0.7 ** ((t - 1) // 5) * g,
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WAYS)
def test_the_way_is_the_papers(name: str, dtype: str) -> None:
    make, rule = WAYS[name]
    found, expected = trained(make, dtype), walked(rule)
    assert found[0].dtype == dtype
    # A schedule is computed in float32.
    tolerance = 1e-12 if dtype == "float64" and name != "a schedule" else 2e-5
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    if "penalties" in name or "proximal" in name:
        assert np.any(np.asarray(found) == 0), "no coordinate was ever held at 0: the penalty does nothing"


def test_ftrl_without_a_start_or_gradient_stays() -> None:
    w = tf.Variable([1.0, 2.0])
    step = tf.train.FtrlOptimizer(0.1, initial_accumulator_value=0.0).minimize(tf.reduce_sum(w * [0.0, 1.0]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        assert np.all(np.isfinite(session.run(w)))


def test_rows_that_a_step_does_not_read_have_the_gradient_0() -> None:
    table = tf.Variable(np.ones((4, 2), np.float32))
    optimizer = tf.train.MomentumOptimizer(1.0, 0.5)
    step = optimizer.minimize(tf.reduce_sum(tf.gather(table, tf.constant([1, 1, 3]))))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        np.testing.assert_array_equal(session.run(table)[:, 0], [1, -1, 1, 0])
        slot = optimizer.get_slot(table, "momentum")
        assert slot is not None
        np.testing.assert_array_equal(session.run(slot)[:, 0], [0, 2, 0, 1])


def test_gradients_are_clipped_by_their_average_norm() -> None:
    t = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    average = np.linalg.norm(t) / 12
    with tf.Session() as session:
        for limit in (0.1, 0.2, 5.0):
            found = session.run(tf.clip_by_average_norm(t, limit))
            np.testing.assert_allclose(found, t * min(1.0, limit / average), rtol=1e-5)


def test_a_constraint_holds_after_each_step() -> None:
    w = tf.Variable([1.0, 0.05], constraint=lambda value: tf.maximum(value, 0.0))
    optimizer = tf.train.MomentumOptimizer(0.1, 0.5)
    step = optimizer.minimize(tf.reduce_sum(w))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for expected in ([0.9, 0.0], [0.75, 0.0]):
            session.run(step)
            np.testing.assert_allclose(session.run(w), expected, rtol=1e-6)
        # What moves is kept as it is.
        np.testing.assert_allclose(session.run(optimizer.get_slot(w, "momentum")), [1.5, 1.5])


def test_what_an_optimizer_refuses() -> None:
    w = tf.Variable(1.0)
    loss = tf.square(w)
    with pytest.raises(ValueError, match="gate_gradients=7"):
        tf.train.GradientDescentOptimizer(0.1).compute_gradients(loss, gate_gradients=7)
    with pytest.raises(ValueError, match=r"initial_accumulator_value=0\.0: it must be above 0"):
        tf.train.AdagradOptimizer(0.1, 0.0)
    with pytest.raises(ValueError, match=r"learning_rate_power=0\.5"):
        tf.train.FtrlOptimizer(0.1, learning_rate_power=0.5)
    with pytest.raises(ValueError, match="l1_regularization_strength=-1"):
        tf.train.FtrlOptimizer(0.1, l1_regularization_strength=-1)


def test_arguments_of_minimize_by_position() -> None:
    count = tf.train.get_or_create_global_step()
    assert tf.train.get_or_create_global_step() is count
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    optimizer = tf.train.AdamOptimizer(lambda: tf.constant(0.5))
    gate = tf.train.Optimizer.GATE_GRAPH
    step = optimizer.minimize(a * b, count, [a], gate, None, True, "training", tf.constant(2.0))
    assert step.name.startswith("training/")
    assert optimizer.get_name() == "Adam"
    assert {v.op.name.rpartition("/")[2] for v in optimizer.variables()} == {
        "m",
        "v",
        "beta1_power",
        "beta2_power",
    }
    slot = optimizer.get_slot(a, "m")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        assert session.run(b) == 1
        np.testing.assert_allclose(session.run(a), 0.5, rtol=1e-4)
        np.testing.assert_allclose(session.run(slot), 0.2, rtol=1e-6)
        assert tf.train.global_step(session, count) == 1


def test_one_step_counter_a_graph() -> None:
    assert tf.train.get_global_step() is None
    count = tf.train.create_global_step()
    assert tf.train.get_global_step() is count
    assert count.op.name == "global_step"
    with pytest.raises(tf.GraphError, match="already has the step counter global_step:0"):
        tf.train.create_global_step()
    with pytest.raises(TypeError, match="cannot count steps"):
        tf.train.assert_global_step(tf.Variable(1.0))
    with tf.Graph().as_default() as other:
        plain = tf.Variable(0, name="global_step", trainable=False)
        assert tf.train.get_global_step(other) is plain
        other.add_to_collection("global_step", plain)
        other.add_to_collection("global_step", plain)
        with pytest.raises(tf.GraphError, match="2 step counters"):
            tf.train.get_global_step()
