"""What tests of recurrent networks share: cells of all kinds, their networks, and what numpy makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np

import samara as tf
from tests.graph.nn import _cells as naive

RANDOM = np.random.default_rng(23)
BATCH, TIME, DEPTH, UNITS = 3, 5, 4, 6
X = RANDOM.normal(size=(BATCH, TIME, DEPTH))
LENGTHS = np.array([5, 2, 0], np.int32)
CELLS = tf.nn.rnn_cell


def session() -> tf.Session:
    """A session in which each variable holds random numbers."""
    made = tf.Session()
    made.run(tf.global_variables_initializer())
    for variable in tf.global_variables():
        variable.load(RANDOM.normal(0, 0.5, size=variable.shape), made)
    return made


def values(made: tf.Session, prefix: str = "") -> dict[str, Any]:
    """The variables by what follows a prefix in their names."""
    found = {
        v.name[len(prefix) : -2]: made.run(v) for v in tf.global_variables() if v.name.startswith(prefix)
    }
    assert found
    return found


def zeros(*sizes: int) -> Any:
    return tuple(np.zeros((BATCH, s)) for s in sizes)


def close(found: Any, wanted: Any) -> None:
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            close(a, b)
        return
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def both(cell: Any, lengths: Any = None, state: Any = None) -> list[Any]:
    """The networks in a loop, of sizes not known and of known ones, and the one that is written out."""
    loose = tf.placeholder(tf.float64, [None, None, DEPTH], "x")
    fixed = tf.constant(X)
    options = {"sequence_length": lengths, "initial_state": state, "dtype": tf.float64}
    made = [
        tf.nn.dynamic_rnn(cell, loose, **options),
        _again(cell, fixed, options),
        _major(cell, loose, options),
        _static(cell, fixed, options),
    ]
    return [(loose, m) for m in made]


def _again(cell: Any, x: Any, options: Any) -> Any:
    with tf.variable_scope("rnn", reuse=True) as scope:
        return tf.nn.dynamic_rnn(cell, x, scope=scope, **options)


def _major(cell: Any, x: Any, options: Any) -> Any:
    with tf.variable_scope("rnn", reuse=True) as scope:
        turned = tf.transpose(x, [1, 0, 2])
        y, state = tf.nn.dynamic_rnn(cell, turned, time_major=True, scope=scope, **options)
    return tf.transpose(y, [1, 0, 2]), state


def _static(cell: Any, x: Any, options: Any) -> Any:
    with tf.variable_scope("rnn", reuse=True) as scope:
        y, state = tf.nn.static_rnn(cell, tf.unstack(x, axis=1), scope=scope, **options)
    return tf.stack(y, axis=1), state


def numpy_of(kind: str, v: dict[str, Any]) -> tuple[Any, Any]:
    """The step in numpy, and the first state."""
    if kind == "basic_rnn":
        return naive.rnn(v["basic_rnn_cell/kernel"], v["basic_rnn_cell/bias"]), zeros(UNITS)[0]
    if kind == "gru":
        names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
        return naive.gru(*(v[f"gru_cell/{n}"] for n in names)), zeros(UNITS)[0]
    if kind == "basic_lstm":
        step = naive.lstm(v["basic_lstm_cell/kernel"], v["basic_lstm_cell/bias"], forget_bias=0.25)
        return step, zeros(UNITS, UNITS)
    step = naive.lstm(
        v["lstm_cell/kernel"],
        v["lstm_cell/bias"],
        peepholes=[v[f"lstm_cell/w_{g}_diag"] for g in "fio"],
        cell_clip=0.5,
        projection=v["lstm_cell/projection/kernel"],
        proj_clip=0.3,
    )
    return step, zeros(UNITS, 2)


def cell_of(kind: str) -> Any:
    if kind == "basic_rnn":
        return CELLS.BasicRNNCell(UNITS)
    if kind == "gru":
        return CELLS.GRUCell(UNITS)
    if kind == "basic_lstm":
        return CELLS.BasicLSTMCell(UNITS, forget_bias=0.25)
    return CELLS.LSTMCell(UNITS, use_peepholes=True, cell_clip=0.5, num_proj=2, proj_clip=0.3)


KINDS = ("basic_rnn", "gru", "basic_lstm", "lstm")
