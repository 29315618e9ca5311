"""raw_rnn: against dynamic_rnn, with functions that decide inputs, outputs and the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

GENERATOR = np.random.default_rng(21)
X = GENERATOR.uniform(-1, 1, (5, 3, 2))
LENGTHS = [5, 2, 3]


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        tf.set_random_seed(5)
        yield made


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("batch", [3, None])
def test_it_computes_what_dynamic_rnn_does(backend: str, batch: int | None) -> None:
    x, lengths = tf.placeholder(tf.float64, [5, batch, 2]), tf.placeholder(tf.int32, [batch])
    count = tf.shape(x)[1]
    given = tf.TensorArray(tf.float64, 5).unstack(x)
    cell = tf.nn.rnn_cell.LSTMCell(4, dtype=tf.float64)

    def loop_fn(time: Any, output: Any, state: Any, loop_state: Any) -> Any:
        assert loop_state is None
        state = cell.zero_state(batch or count, tf.float64) if output is None else state
        finished = time >= lengths
        following = tf.cond(
            tf.reduce_all(finished),
            lambda: tf.zeros([batch or count, 2], tf.float64),
            lambda: given.read(time),
        )
        return finished, following, state, output, None

    emitted, state, last = tf.nn.raw_rnn(cell, loop_fn)
    assert last is None
    assert isinstance(emitted, tf.TensorArray)
    outputs = emitted.stack()
    assert outputs.get_shape().as_list() == [None, batch, 4]
    wanted, ends = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float64, time_major=True)
    kernel, _ = variables = tf.trainable_variables()
    assert [v.name for v in variables] == ["rnn/lstm_cell/kernel:0", "rnn/lstm_cell/bias:0"]
    fetches = []
    for y, s in ((outputs, state), (wanted, ends)):
        loss = tf.reduce_sum(tf.square(y)) + tf.reduce_sum(s.c * s.h)
        slopes = tf.gradients(loss, [x, *variables])
        (twice,) = tf.gradients(tf.reduce_sum(slopes[1] * tf.cos(kernel)), kernel)
        fetches.append([y, s.c, s.h, *slopes, twice])
    with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
        session.run(tf.global_variables_initializer())
        for one, other in zip(*session.run(fetches, {x: X, lengths: LENGTHS}), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
        shorter = session.run(outputs, {x: X, lengths: [1, 2, 1]})
        assert shorter.shape == (2, 3, 4)
        assert not shorter[1, [0, 2]].any()


def test_a_decoder_is_fed_what_it_gave_and_counts_in_its_loop_state() -> None:
    """Each output is the next input; other things are emitted; the loop state is nested and holds a TensorArray."""
    cell = tf.nn.rnn_cell.BasicRNNCell(3)
    start = tf.placeholder(tf.float32, [2, 3])

    def loop_fn(time: Any, output: Any, state: Any, loop_state: Any) -> Any:
        if output is None:
            emit = (tf.zeros([3]), {"best": tf.zeros([], tf.int64)})
            return tf.zeros([2], tf.bool), start, tf.zeros([2, 3]), emit, (tf.TensorArray(tf.float32, 4), 0.0)
        sums, total = loop_state
        sums = sums.write(time - 1, tf.reduce_sum(output))
        emit = (output * 2, {"best": tf.argmax(output, 1)})
        return tf.fill([2], time >= 4), output, state, emit, (sums, total + 1.0)

    (doubled, best), state, (sums, total) = tf.nn.raw_rnn(cell, loop_fn, scope="decoder")
    kernel, bias = tf.trainable_variables()
    assert kernel.name == "decoder/basic_rnn_cell/kernel:0"
    slope = tf.gradients(tf.reduce_sum(doubled.stack()) + tf.reduce_sum(tf.square(sums.stack())), start)[0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        given = GENERATOR.uniform(-1, 1, (2, 3)).astype(np.float32)
        fetches = [doubled.stack(), best["best"].stack(), state, sums.stack(), total, slope, kernel, bias]
        a, b, c, d, e, f, w, bias_value = session.run(fetches, {start: given})

        def decoded(x: Any) -> list[Any]:
            h, outputs = np.zeros((2, 3)), []
            for _ in range(4):
                h = x = np.tanh(np.concatenate([x, h], 1) @ w + bias_value)
                outputs.append(h)
            return outputs

        wanted = np.stack(decoded(given))
        np.testing.assert_allclose(a, wanted * 2, rtol=1e-5)
        np.testing.assert_array_equal(b, wanted.argmax(2))
        np.testing.assert_allclose(c, wanted[-1], rtol=1e-5)
        np.testing.assert_allclose(d, wanted.sum((1, 2)), rtol=1e-5)
        assert e == 4

        def loss(x: Any) -> Any:
            y = np.stack(decoded(x))
            return 2 * y.sum() + (y.sum((1, 2)) ** 2).sum()

        for place in np.ndindex(2, 3):
            moved = np.zeros((2, 3))
            moved[place] = 1e-5
            np.testing.assert_allclose(
                f[place], (loss(given + moved) - loss(given - moved)) / 2e-5, rtol=1e-3, atol=1e-4
            )


def test_none_is_emitted_when_all_are_finished_at_once() -> None:
    cell = tf.nn.rnn_cell.GRUCell(3)

    def loop_fn(time: Any, output: Any, state: Any, _: Any) -> Any:
        state = cell.zero_state(2, tf.float32) if state is None else state
        return tf.fill([2], True), tf.zeros([2, 1]), state, output, None

    emitted, state, _ = tf.nn.raw_rnn(cell, loop_fn)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        outputs, last = session.run([emitted.stack(), state])
    assert outputs.shape == (0, 2, 3)
    assert not last.any()


def test_other_structures_are_refused() -> None:
    cell = tf.nn.rnn_cell.GRUCell(3)

    def loop_fn(wrong: str) -> Any:
        def call(time: Any, output: Any, state: Any, loop_state: Any) -> Any:
            first = output is None
            state = cell.zero_state(2, tf.float32) if first else state
            following = tf.zeros([2, 1])
            pair = (following, following)
            return (
                tf.fill([2], True),
                pair if wrong == "input" and not first else following,
                (state, state) if wrong == "state" and not first else state,
                (output, output) if wrong == "emits" and not first else output,
                ((0,) if wrong == "loop state" and not first else 0),
            )

        return call

    for wrong in ("input", "state", "emits", "loop state"):
        with pytest.raises(ValueError, match=wrong):
            tf.nn.raw_rnn(cell, loop_fn(wrong), scope=wrong.replace(" ", "_"))
