"""What a trained graph has that a device cannot run is told, with its way out, and the way out works."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf

THIS = re.escape(Path(__file__).name)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        yield


def from_queue() -> Any:
    return tf.FIFOQueue(3, [tf.float32], shapes=[[4]]).dequeue()


def from_batches() -> Any:
    row = tf.train.slice_input_producer([np.ones((6, 4), np.float32)])[0]
    return tf.train.shuffle_batch([row], 2, capacity=9, min_after_dequeue=2)


def from_files() -> Any:
    _, line = tf.TextLineReader().read(tf.train.string_input_producer(["a.csv", "b.csv"]))
    return tf.stack(tf.decode_csv(line, [[0.0]] * 4))


def from_bytes() -> Any:
    return tf.reshape(tf.cast(tf.decode_raw(tf.read_file("a.bin"), tf.uint8), tf.float32), [4])


def drawn() -> Any:
    return tf.random_normal([4])


def drawn_in_a_loop() -> Any:
    start = [tf.constant(0), tf.zeros([4])]
    return tf.while_loop(lambda i, _: i < 3, lambda i, a: [i + 1, a + tf.random_uniform([4])], start)[1]


CASES = {
    from_queue: ["queue", "dequeue"],
    from_batches: ["queue", "dequeue_many"],
    from_files: ["queue", "read_record", "decode_csv|string_to_number"],
    from_bytes: ["read_file", "decode_raw"],
    drawn: ["random_normal"],
    drawn_in_a_loop: ["random_uniform"],
}
QUEUE = "Export from a tensor behind the queue: name the dequeued tensors as the inputs"
FILE = "Export from the tensor behind it: name that as an input"
DRAW = "Feed the values instead, make the tensor an input of the export"
WAYS = {
    "queue": QUEUE,
    "dequeue": QUEUE,
    "dequeue_many": QUEUE,
    "random_normal": DRAW,
    "random_uniform": DRAW,
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_the_way_out_is_told_and_works(make: Callable[[], Any], tmp_path: Path) -> None:
    x = make()
    x.set_shape([2, 4] if make is from_batches else [4])
    weights = tf.Variable(tf.random_normal([4]))
    y = tf.nn.relu(x * weights)
    path = tmp_path / "m.smr"
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.ExportError) as told:
            tf.export_model({"y": y}, path)
        assert not path.exists()
        for ops in CASES[make]:
            (problem,) = [p for p in told.value.problems if re.match(rf"({ops}) '", p)][:1]
            assert re.search(rf"\(made at .*{THIS}:\d+\): ", problem), problem
            assert WAYS.get(ops, FILE) in problem
        # As the message says: the tensor itself is the input of the file.
        tf.export_model({"y": y}, path, inputs={"x": x})
        given = np.random.default_rng(1).normal(size=x.get_shape().as_list()).astype(np.float32)
        np.testing.assert_allclose(tf.load(path)(given), session.run(y, {x: given}), rtol=1e-6)


def test_a_training_step_is_fed_by_a_queue_and_its_network_is_exported(tmp_path: Path) -> None:
    """The graph that trains stays as it is; the file begins behind the queue."""
    data = np.random.default_rng(2).normal(size=(40, 3)).astype(np.float32)
    row, label = tf.train.slice_input_producer([data, data.sum(1, keepdims=True)], seed=4)
    x, wanted = tf.train.batch([row, label], 5)
    y = tf.layers.dense(tf.nn.dropout(x, 1.0), 1)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.losses.mean_squared_error(wanted, y))
    with tf.train.MonitoredSession() as session:
        for _ in range(60):
            session.run(step)
        for tensor in (x, wanted):
            assert tensor.op.type == "dequeue_many"
        tf.export_model({"y": y}, tmp_path / "m.smr", inputs={"x": x}, session=session)
    found = np.stack([tf.load(tmp_path / "m.smr").run(x=data[i : i + 5]) for i in (0, 5)])
    np.testing.assert_allclose(found.ravel(), data[:10].sum(1), atol=0.05)
