"""Recurrent networks against numpy, written out and in a loop: forward, names, gradients, export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ShapeError
from samara.exporter.export import export_model
from samara.pyruntime.model import load
from tests.graph.nn import _cells as naive
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
    numpy_of,
    session,
    values,
    zeros,
)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_forward(kind: str, lengths: Any) -> None:
    made = both(cell_of(kind), lengths)
    s = session()
    step, state = numpy_of(kind, values(s, "rnn/"))
    wanted = naive.over(step, X, state, lengths)
    for x, (y, end) in made:
        found = s.run([y, end], {x: X})
        close(found[0], wanted[0])
        close(found[1], wanted[1])
    shorter = s.run(made[0][1][0], {made[0][0]: X[:2, :0]})
    assert shorter.shape == (2, 0, wanted[0].shape[-1])


def test_variables_have_the_names_and_shapes_of_tensorflow() -> None:
    x = tf.zeros([BATCH, TIME, DEPTH])
    for number, kind in enumerate(KINDS):
        with tf.variable_scope(f"n{number}"):
            tf.nn.dynamic_rnn(cell_of(kind), x, dtype=tf.float32)
    found = {v.name: list(v.shape) for v in tf.trainable_variables()}
    assert found == {
        "n0/rnn/basic_rnn_cell/kernel:0": [10, 6],
        "n0/rnn/basic_rnn_cell/bias:0": [6],
        "n1/rnn/gru_cell/gates/kernel:0": [10, 12],
        "n1/rnn/gru_cell/gates/bias:0": [12],
        "n1/rnn/gru_cell/candidate/kernel:0": [10, 6],
        "n1/rnn/gru_cell/candidate/bias:0": [6],
        "n2/rnn/basic_lstm_cell/kernel:0": [10, 24],
        "n2/rnn/basic_lstm_cell/bias:0": [24],
        "n3/rnn/lstm_cell/kernel:0": [6, 24],
        "n3/rnn/lstm_cell/bias:0": [24],
        "n3/rnn/lstm_cell/w_f_diag:0": [6],
        "n3/rnn/lstm_cell/w_i_diag:0": [6],
        "n3/rnn/lstm_cell/w_o_diag:0": [6],
        "n3/rnn/lstm_cell/projection/kernel:0": [6, 2],
    }
    s = tf.Session()
    s.run(tf.global_variables_initializer())
    assert (s.run("n1/rnn/gru_cell/gates/bias:0") == 1).all()
    assert (s.run("n2/rnn/basic_lstm_cell/bias:0") == 0).all()


def test_a_first_state() -> None:
    c, h = RANDOM.normal(size=(2, BATCH, UNITS))
    state = CELLS.LSTMStateTuple(tf.constant(c), tf.constant(h))
    made = both(cell_of("basic_lstm"), LENGTHS, state)
    s = session()
    step, _ = numpy_of("basic_lstm", values(s, "rnn/"))
    wanted = naive.over(step, X, (c, h), LENGTHS)
    for x, (y, end) in made:
        assert isinstance(end, CELLS.LSTMStateTuple)
        close(s.run([y, end.c, end.h], {x: X}), (wanted[0], *wanted[1]))


def test_cells_one_upon_the_other() -> None:
    cell = CELLS.MultiRNNCell([CELLS.BasicLSTMCell(UNITS), CELLS.ResidualWrapper(CELLS.GRUCell(UNITS))])
    assert cell.state_size == ((UNITS, UNITS), UNITS)
    made = both(cell, LENGTHS)
    s = session()
    v = values(s, "rnn/multi_rnn_cell/")
    first = naive.lstm(v["cell_0/basic_lstm_cell/kernel"], v["cell_0/basic_lstm_cell/bias"])
    names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
    second = naive.gru(*(v[f"cell_1/gru_cell/{n}"] for n in names))

    def residual(x: Any, h: Any) -> Any:
        y, h = second(x, h)
        return x + y, h

    wanted = naive.over(naive.stacked(first, residual), X, (zeros(UNITS, UNITS), zeros(UNITS)[0]), LENGTHS)
    for x, (y, end) in made:
        close(s.run([y, *end[0], end[1]], {x: X}), (wanted[0], *wanted[1][0], wanted[1][1]))
    assert len(cell.trainable_variables) == len(tf.trainable_variables()) == 6


def test_states_joined_into_one() -> None:
    lstm = CELLS.BasicLSTMCell(UNITS, state_is_tuple=False)
    y, state = tf.nn.dynamic_rnn(lstm, tf.constant(X), dtype=tf.float64)
    s = session()
    v = values(s, "rnn/basic_lstm_cell/")
    wanted = naive.over(naive.lstm(v["kernel"], v["bias"]), X, zeros(UNITS, UNITS))
    close(s.run([y, state]), [wanted[0], np.concatenate(wanted[1], 1)])
    cell = CELLS.MultiRNNCell([CELLS.GRUCell(2), CELLS.GRUCell(3)], state_is_tuple=False)
    y, state = cell(tf.constant(X[:, 0]), cell.zero_state(BATCH, tf.float64))
    assert (cell.state_size, y.shape, state.shape) == (5, (BATCH, 3), (BATCH, 5))
    with pytest.raises(ValueError, match="need state_is_tuple=True"):
        CELLS.MultiRNNCell([CELLS.BasicLSTMCell(2)], state_is_tuple=False)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_both_directions(lengths: Any) -> None:
    def cells() -> tuple[Any, Any]:
        return CELLS.GRUCell(UNITS), CELLS.BasicLSTMCell(2)

    forward, backward = cells()
    (fw, bw), (fw_end, bw_end) = tf.nn.bidirectional_dynamic_rnn(
        forward, backward, tf.constant(X), lengths, dtype=tf.float64
    )
    with tf.variable_scope("bidirectional_rnn", reuse=True) as scope:
        major = tf.nn.bidirectional_dynamic_rnn(
            forward,
            backward,
            tf.constant(X.transpose(1, 0, 2)),
            lengths,
            dtype=tf.float64,
            time_major=True,
            scope=scope,
        )
        static = tf.nn.static_bidirectional_rnn(
            forward,
            backward,
            tf.unstack(tf.constant(X), axis=1),
            dtype=tf.float64,
            sequence_length=lengths,
            scope=scope,
        )
    s = session()
    v = values(s, "bidirectional_rnn/")
    names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
    counts = [TIME] * BATCH if lengths is None else lengths
    turned = X.copy()
    for n, count in enumerate(counts):
        turned[n, :count] = X[n, :count][::-1]
    one = naive.over(naive.gru(*(v[f"fw/gru_cell/{n}"] for n in names)), X, zeros(UNITS)[0], lengths)
    step = naive.lstm(v["bw/basic_lstm_cell/kernel"], v["bw/basic_lstm_cell/bias"])
    two, end = naive.over(step, turned, zeros(2, 2), lengths)
    for n, count in enumerate(counts):
        two[n, :count] = two[n, :count][::-1].copy()
    close(s.run([fw, fw_end, bw, *bw_end]), [one[0], one[1], two, *end])
    found = s.run([major[0][0], major[0][1], *major[1][1]])
    close([f.transpose(1, 0, 2) for f in found[:2]] + found[2:], [one[0], two, *end])
    close(s.run(tf.stack(static[0], axis=1)), np.concatenate([one[0], two], -1))
    close(s.run([static[1], *static[2]]), [one[1], *end])


def test_old_names() -> None:
    assert tf.nn.rnn is tf.nn.static_rnn
    assert tf.nn.bidirectional_rnn is tf.nn.static_bidirectional_rnn


class Leaky(CELLS.RNNCell):
    """A cell that a user wrote, whose variable is made where it is used."""

    state_size = output_size = 3

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        with tf.variable_scope(scope or "leaky"):
            w = tf.get_variable("w", [DEPTH, 3], tf.float64)
            after = 0.5 * state + tf.matmul(inputs, w)
        return after, after


def test_a_cell_of_ones_own() -> None:
    y, _ = tf.nn.dynamic_rnn(Leaky(), tf.constant(X), dtype=tf.float64)
    assert [v.name for v in tf.trainable_variables()] == ["rnn/leaky/w:0"]
    with tf.variable_scope("rnn", reuse=True) as scope:
        outputs, _ = tf.nn.static_rnn(
            Leaky(), tf.unstack(tf.constant(X), axis=1), dtype=tf.float64, scope=scope
        )
    s = session()
    w, state = s.run("rnn/leaky/w:0"), np.zeros((BATCH, 3))
    found, listed = s.run([y, tf.stack(outputs, 1)])
    for t in range(TIME):
        state = 0.5 * state + X[:, t] @ w
        close(found[:, t], state)
        close(listed[:, t], state)


def test_one_cell_has_one_set_of_variables() -> None:
    cell = CELLS.GRUCell(UNITS)
    x = tf.constant(X[:, 0])
    state = cell.zero_state(BATCH, tf.float64)
    first, state = cell(x, state)
    second, _ = cell(x, state)
    assert len(tf.global_variables()) == 4
    CELLS.GRUCell(UNITS)(x, state)
    assert {v.name.split("/")[0] for v in tf.global_variables()} == {"gru_cell", "gru_cell_1"}
    s = session()
    step, zero = numpy_of("gru", values(s))
    one, held = step(X[:, 0], zero)
    close(s.run([first, second]), [one, step(X[:, 0], held)[0]])


def test_what_is_refused() -> None:
    cell = CELLS.GRUCell(UNITS)
    with pytest.raises(ValueError, match="needs an initial_state, or dtype"):
        tf.nn.dynamic_rnn(cell, tf.constant(X))
    with pytest.raises(ValueError, match="list of inputs"):
        tf.nn.static_rnn(cell, tf.constant(X), dtype=tf.float64)
    with pytest.raises(ShapeError, match=r"has shape \[3\], expected \[batch, time"):
        tf.nn.dynamic_rnn(cell, tf.zeros([3]), dtype=tf.float32)
    with pytest.raises(ShapeError, match="expected one number for each of 3 sequences"):
        tf.nn.dynamic_rnn(cell, tf.constant(X), [1, 2], dtype=tf.float64)
    with pytest.raises(ValueError, match="last dimension of its input"):
        tf.nn.dynamic_rnn(cell, tf.placeholder(tf.float32, [None, None, None]), dtype=tf.float32)


# Dropout ----------------------------------------------------------------------------------------------------------


def test_dropout_of_inputs_and_outputs() -> None:
    class Same(CELLS.RNNCell):
        state_size = output_size = DEPTH

        def call(self, inputs: Any, state: Any) -> Any:
            return inputs, state

    keep = tf.placeholder(tf.float64, [])
    cell = CELLS.DropoutWrapper(Same(), input_keep_prob=keep, output_keep_prob=0.5, seed=2)
    x = tf.placeholder(tf.float64, [None, None, DEPTH])
    y, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float64)
    found = tf.Session().run(y, {x: np.ones((50, 20, DEPTH)), keep: 0.8})
    assert set(np.unique(found.round(9))) == {0.0, 2.5}
    assert abs((found > 0).mean() - 0.4) < 0.03
    # Neither all steps nor all sequences drop the same.
    assert not (found == found[:, :1]).all()
    assert not (found == found[:1]).all()
    fixed = CELLS.DropoutWrapper(Same(), output_keep_prob=0.5, variational_recurrent=True, dtype=tf.float64)
    y, _ = tf.nn.dynamic_rnn(fixed, x, dtype=tf.float64)
    found = tf.Session().run(y, {x: np.ones((50, 20, DEPTH))})
    assert (found == found[:1, :1]).all()
    with pytest.raises(ValueError, match="input_keep_prob is 0"):
        CELLS.DropoutWrapper(Same(), input_keep_prob=0.0)
    with pytest.raises(ValueError, match="variational_recurrent needs dtype"):
        CELLS.DropoutWrapper(Same(), input_keep_prob=0.5, variational_recurrent=True)


def test_dropout_of_states_leaves_the_cells_of_an_lstm() -> None:
    cell = CELLS.DropoutWrapper(CELLS.BasicLSTMCell(40), state_keep_prob=0.5)
    _, state = cell(tf.ones([30, DEPTH]), cell.zero_state(30, tf.float32))
    c, h = session().run(state)
    assert (c != 0).all()
    assert 0.4 < (h == 0).mean() < 0.6
    every = CELLS.DropoutWrapper(
        CELLS.BasicLSTMCell(40), state_keep_prob=0.5, dropout_state_filter_visitor=lambda s: True
    )
    _, state = every(tf.ones([30, DEPTH]), every.zero_state(30, tf.float32))
    assert 0.4 < (session().run(state).c == 0).mean() < 0.6


def test_a_cell_on_a_device() -> None:
    cell = tf.nn.rnn_cell.DeviceWrapper(tf.nn.rnn_cell.GRUCell(2), "/cpu:0")
    y, _ = cell(tf.constant(X[:, 0]), cell.zero_state(BATCH, tf.float64))
    assert y.device.lower().endswith("cpu:0")


# Export -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["basic_lstm", "gru"])
def test_a_loop_runs_on_a_device(tmp_path: Path, kind: str) -> None:
    x = tf.placeholder(tf.float32, [2, TIME, DEPTH], "x")
    y, end = tf.nn.dynamic_rnn(cell_of(kind), x, dtype=tf.float32)
    last = end.h if kind == "basic_lstm" else end
    s = session()
    value = RANDOM.normal(size=(2, TIME, DEPTH)).astype(np.float32)
    outputs = {"y": y, "last": last}
    report = export_model(outputs, tmp_path / "m.smr", inputs={"x": x}, session=s, samples=[{"x": value}])
    assert report.programs[0].ops["while_loop"] == 1
    found = load(tmp_path / "m.smr").run(x=value)
    wanted = s.run(outputs, {x: value})
    for name in outputs:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, atol=1e-6)


def test_a_device_runs_any_number_of_sequences_of_any_length(tmp_path: Path) -> None:
    x, n = tf.placeholder(tf.float32, [None, None, DEPTH], "x"), tf.placeholder(tf.int32, [None], "n")
    cell = CELLS.MultiRNNCell([CELLS.LSTMCell(UNITS), CELLS.GRUCell(2)])
    y, state = tf.nn.dynamic_rnn(cell, x, n, dtype=tf.float32)
    s = session()
    outputs = {"y": y, "h": state[1]}
    batch, time = tf.Dim("batch", 1, 4), tf.Dim("time", 1, 9)
    shapes = {"x": [batch, time, DEPTH], "n": [batch]}
    export_model(tf.Signature(outputs, inputs={"x": x, "n": n}, shapes=shapes), tmp_path / "m.smr", session=s)
    model = load(tmp_path / "m.smr")
    for b, t in ((1, 2), (4, 9), (2, 5)):
        value = RANDOM.normal(size=(b, t, DEPTH)).astype(np.float32)
        lengths = RANDOM.integers(0, t + 1, b).astype(np.int32)
        found, wanted = model.run(x=value, n=lengths), s.run(outputs, {x: value, n: lengths})
        for name in outputs:
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-6)
