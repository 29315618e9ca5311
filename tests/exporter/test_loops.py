"""Loops with TensorArrays in files, and what of loops a device cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ExportError
from samara.exporter.export import export_model
from samara.graph.dims import Dim
from samara.pyruntime.model import load


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        yield made


def compared(path: Path, output: Any, x: Any, samples: list[Any], **options: Any) -> Any:
    """Exports, and compares each sample with a session."""
    report = export_model(
        {"y": output}, path / "m.smr", inputs={"x": x}, samples=[{"x": s} for s in samples], **options
    )
    model, session = load(path / "m.smr"), options.get("session") or tf.Session()
    for sample in samples:
        np.testing.assert_allclose(
            model.run(x=sample), session.run(output, {x: sample}), rtol=1e-5, atol=1e-6
        )
    return report


def rows(count: int) -> Any:
    return np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)


@pytest.mark.parametrize("size", [4, None])
def test_an_array_that_a_loop_writes_and_reads(tmp_path: Path, size: int | None) -> None:
    """Its elements have the shape that the body tells; its size is a number, or that of an input."""
    x = tf.placeholder(tf.float32, [size, 3], "x")
    count = size if size is not None else tf.shape(x)[0]
    given = tf.TensorArray(tf.float32, count).unstack(x)

    def step(i: Any, total: Any, made: Any) -> Any:
        total = total * 0.5 + given.read(i)
        return i + 1, total, made.write(count - 1 - i, tf.tanh(total))

    _, _, made = tf.while_loop(
        lambda i, *_: i < count, step, (0, tf.zeros([3]), tf.TensorArray(tf.float32, count))
    )
    y = made.stack() + tf.reduce_sum(made.gather([0, 1]), 0)
    shapes = {} if size is not None else {"shapes": {"x": [Dim("n", 2, 8), 3]}}
    report = compared(tmp_path, y, x, [rows(4)] if size else [rows(4), rows(2), rows(8)], **shapes)
    assert report.programs[0].ops["while_loop"] == 1


def test_arrays_of_known_numbers_and_in_branches(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [3, 2], "x")
    parts = tf.TensorArray(tf.float32, 2, infer_shape=False).split(x, [1, 2])
    array = tf.TensorArray(tf.float32, 3).write(0, x[0]).write(2, x[1] * 2.0)
    chosen = tf.cond(x[0, 0] > 0, lambda: array.write(1, x[2]), lambda: array)
    y = tf.concat([chosen.stack(), parts.read(1), tf.TensorArray(tf.float32, 2).unstack(x[:2]).stack()], 0)
    samples = [np.float32([[s, 2], [3, 4], [5, 6]]) for s in (1, -1)]
    compared(tmp_path, y, x, samples)


def test_a_recurrent_network_by_raw_rnn_is_trained_and_its_twin_exported(tmp_path: Path) -> None:
    """raw_rnn itself emits into an array that grows; with its weights, dynamic_rnn goes into a file."""
    x = tf.placeholder(tf.float32, [4, 1, 3], "x")
    cell = tf.nn.rnn_cell.GRUCell(2)
    array = tf.TensorArray(tf.float32, 4, clear_after_read=False).unstack(x)

    def loop_fn(time: Any, output: Any, state: Any, _: Any) -> Any:
        state = cell.zero_state(1, tf.float32) if output is None else state
        return tf.fill([1], time >= 4), array.read(tf.minimum(time, 3)), state, output, None

    emitted, _, _ = tf.nn.raw_rnn(cell, loop_fn)
    raw = emitted.stack()
    y, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, time_major=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        given = np.random.default_rng(0).normal(size=(4, 1, 3)).astype(np.float32)
        np.testing.assert_allclose(*session.run([raw, y], {x: given}), rtol=1e-6)
        with pytest.raises(ExportError, match=r"array_write '.*without dynamic_size"):
            export_model({"y": raw}, tmp_path / "m.smr", inputs={"x": x}, session=session)
        compared(tmp_path, y, x, [given], session=session)


def test_a_variable_that_grows_is_told_with_its_way_out(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [3], "x")
    _, grown = tf.while_loop(
        lambda i, v: i < 2,
        lambda i, v: (i + 1, tf.concat([v, v[:1] * 2.0], 0)),
        [0, x],
        [tf.TensorShape([]), tf.TensorShape([None])],
    )
    with pytest.raises(
        ExportError, match=r"while_loop '.*made at .*changes the shape of loop variable 1.*TensorArray"
    ):
        export_model({"y": grown}, tmp_path / "m.smr", inputs={"x": x})
    # As the message says.
    held = tf.TensorArray(tf.float32, 5).scatter([0, 1, 2], x)
    _, held = tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a.write(i, a.read(0) * 2.0)), (3, held))
    y = held.stack()
    compared(tmp_path, y, x, [np.float32([1, 2, 3])])
    with tf.Session() as session:
        np.testing.assert_array_equal(*session.run([y, grown], {x: [1, 2, 3]}))


def test_the_gradient_of_a_loop_is_told(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [3], "x")
    _, y = tf.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, v * v), [0, x])
    (slope,) = tf.gradients(y, x)
    with pytest.raises(ExportError, match=r"while_history.*Write the steps out"):
        export_model({"y": slope}, tmp_path / "m.smr", inputs={"x": x})
    compared(tmp_path, y, x, [np.float32([0.5, 1, 2])])


def test_a_case_without_a_default(tmp_path: Path) -> None:
    """That a predicate is true is checked in Python; in a file the last function is the default."""
    x = tf.placeholder(tf.float32, [2], "x")
    y = tf.case([(x[0] < 0, lambda: -x), (x[0] < 9, lambda: x * 2.0)], exclusive=False)
    compared(tmp_path, y, x, [np.float32([-1, 2]), np.float32([1, 2])])
