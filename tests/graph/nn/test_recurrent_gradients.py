"""The gradients of recurrent networks: of a loop, of the steps written out, and by small steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.nn._recurrent import (
    BATCH,
    CELLS,
    DEPTH,
    KINDS,
    LENGTHS,
    RANDOM,
    TIME,
    UNITS,
    X,
    both,
    cell_of,
    close,
    session,
    values,
)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_steps_written_out(kind: str) -> None:
    weights = RANDOM.normal(size=(BATCH, TIME, 1))
    made = both(cell_of(kind), LENGTHS)
    variables = tf.trainable_variables()
    losses = []
    for _, (y, end) in made:
        ends = list(end) if isinstance(end, tuple) else [end]
        losses.append(tf.reduce_sum(y * weights) + tf.add_n([tf.reduce_sum(tf.square(e)) for e in ends]))
    s = session()
    x = made[0][0]
    found = [s.run(tf.gradients(loss, variables), {x: X}) for loss in losses]
    for others in found[:-1]:
        for a, b in zip(others, found[-1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-11)
    for variable, grad in zip(variables, found[0], strict=True):
        value = s.run(variable)
        for place in {tuple(RANDOM.integers(0, n) for n in value.shape) for _ in range(3)}:
            slopes = []
            for sign in (1, -1):
                moved = value.copy()
                moved[place] += sign * 1e-6
                variable.load(moved, s)
                slopes.append(s.run(losses[0], {x: X}))
            variable.load(value, s)
            assert abs((slopes[0] - slopes[1]) / 2e-6 - grad[place]) < 1e-6


def test_the_gradient_of_what_is_dropped() -> None:
    """The loop computes its steps again for the gradient, with the same draws."""
    cell = CELLS.DropoutWrapper(CELLS.BasicRNNCell(UNITS), output_keep_prob=0.5, seed=9)
    y, _ = tf.nn.dynamic_rnn(cell, tf.constant(X), dtype=tf.float64)
    kernel = tf.trainable_variables()[0]
    s = session()
    probe = RANDOM.normal(size=(BATCH, TIME, UNITS))
    grad = tf.gradients(tf.reduce_sum(y * probe), kernel)[0]
    bare = s.run([y, grad])
    h, total = np.zeros((BATCH, UNITS)), np.zeros(kernel.shape)
    v = values(s, "rnn/basic_rnn_cell/")
    kept = (bare[0] != 0) * 2.0
    states = [h]
    for t in range(TIME):
        states.append(np.tanh(np.concatenate([X[:, t], states[-1]], 1) @ v["kernel"] + v["bias"]))
    back = np.zeros((BATCH, UNITS))
    for t in reversed(range(TIME)):
        back = (back + probe[:, t] * kept[:, t]) * (1 - states[t + 1] ** 2)
        total += np.concatenate([X[:, t], states[t]], 1).T @ back
        back = back @ v["kernel"][DEPTH:].T
    close(bare[1], total)


def test_a_cell_of_ones_own_that_drops() -> None:
    class Dropping(CELLS.RNNCell):
        state_size = output_size = DEPTH

        def call(self, inputs: Any, state: Any) -> Any:
            return tf.nn.dropout(inputs, 0.5), state

    x = tf.placeholder(tf.float64, [None, None, DEPTH])
    y, _ = tf.nn.dynamic_rnn(Dropping(), x, dtype=tf.float64)
    found, slopes = session().run([y, tf.gradients(y, x)[0]], {x: X})
    np.testing.assert_array_equal(slopes, np.where(found == 0, 0, 2))
    assert 0 < (found == 0).mean() < 1
