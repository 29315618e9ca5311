"""What people train with TensorFlow 1's words, as a file: the C runtime computes what the session does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf

Array = np.ndarray[Any, Any]
Cells = tf.nn.rnn_cell
BATCH, STEPS, DEPTH, SIZE = 3, 5, 4, 6


@pytest.fixture(autouse=True)
def session() -> Iterator[tf.Session]:
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        with tf.Session() as made:
            yield made


def values(*shape: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def check(outputs: Mapping[str, Any], fed: Mapping[str, Array], path: Path, **arguments: Any) -> Any:
    """Exports with the fed arrays as the sample, and compares with the session; returns the report."""
    session = tf.get_default_session()
    session.run(tf.global_variables_initializer())
    report = tf.export_model(outputs, path / "m.smr", samples=[fed], **arguments)
    graph = tf.get_default_graph()
    wanted = session.run(outputs, {graph.get_tensor_by_name(f"{n}:0"): a for n, a in fed.items()})
    found = tf.load(path / "m.smr").run(**fed)
    for name, array in wanted.items():
        got = found[name] if isinstance(found, dict) else found
        assert got.dtype == (np.float32 if array.dtype == np.float64 else array.dtype)
        np.testing.assert_allclose(got, array, rtol=1e-4, atol=1e-5, err_msg=name)
    return report


# Recurrent networks -----------------------------------------------------------------------------------------

CELLS: dict[str, Callable[[], Any]] = {
    "rnn": lambda: Cells.BasicRNNCell(SIZE),
    "gru": lambda: Cells.GRUCell(SIZE),
    "basic_lstm": lambda: Cells.BasicLSTMCell(SIZE),
    "lstm": lambda: Cells.LSTMCell(SIZE, use_peepholes=True, num_proj=4, cell_clip=2.0),
    "several": lambda: Cells.MultiRNNCell(
        [Cells.ResidualWrapper(Cells.GRUCell(DEPTH)), Cells.BasicLSTMCell(SIZE)]
    ),
}


def dynamic(cell: Callable[[], Any], x: Any, lengths: Any) -> Any:
    return tf.nn.dynamic_rnn(cell(), x, sequence_length=lengths, dtype=tf.float32)


def static(cell: Callable[[], Any], x: Any, lengths: Any) -> Any:
    steps, state = tf.nn.static_rnn(cell(), tf.unstack(x, axis=1), sequence_length=lengths, dtype=tf.float32)
    return tf.stack(steps, axis=1), state


def bidirectional(cell: Callable[[], Any], x: Any, lengths: Any) -> Any:
    both, states = tf.nn.bidirectional_dynamic_rnn(
        cell(), cell(), x, sequence_length=lengths, dtype=tf.float32
    )
    return tf.concat(both, 2), states


def leaves(state: Any) -> list[Any]:
    return [t for s in state for t in leaves(s)] if isinstance(state, (list, tuple)) else [state]


@pytest.mark.parametrize("network", [dynamic, static, bidirectional], ids=lambda f: f.__name__)
@pytest.mark.parametrize("cell", CELLS)
def test_a_recurrent_network(cell: str, network: Callable[..., Any], tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [BATCH, STEPS, DEPTH], "x")
    lengths = tf.placeholder(tf.int64, [BATCH], "lengths")
    y, state = network(CELLS[cell], x, lengths)
    outputs = {"y": y, **{f"state{i}": t for i, t in enumerate(leaves(state))}}
    check(outputs, {"x": values(BATCH, STEPS, DEPTH), "lengths": np.array([5, 2, 0])}, tmp_path)


# Embeddings, averages, images, heads ------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_a_lookup_in_parts(strategy: str, tmp_path: Path) -> None:
    ids = tf.placeholder(tf.int64, [2, 3], "ids")
    parts = [tf.Variable(values(n, SIZE, seed=n)) for n in (4, 4, 3)]
    y = tf.nn.embedding_lookup(parts, ids, partition_strategy=strategy)
    check({"y": y}, {"ids": np.array([[0, 5, 10], [3, 4, 9]])}, tmp_path)


def test_averages_of_weights(session: tf.Session, tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [2, 3], "x")
    weights = tf.Variable(values(3, 2), name="weights")
    averages = tf.train.ExponentialMovingAverage(0.5)
    update = averages.apply([weights])
    y = tf.matmul(x, averages.average(weights))
    session.run(tf.global_variables_initializer())
    session.run(weights.assign(values(3, 2, seed=2)))
    session.run(update)
    report = tf.export_model({"y": y}, tmp_path / "m.smr")
    assert not report.states
    wanted = values(2, 3) @ ((values(3, 2) + values(3, 2, seed=2)) / 2)
    np.testing.assert_allclose(tf.load(tmp_path / "m.smr")(values(2, 3)), wanted, rtol=1e-5)


def test_a_network_behind_images(tmp_path: Path) -> None:
    """Bytes of a camera go in; what prepares them is part of the file."""
    image = tf.placeholder(tf.uint8, [20, 24, 3], "image")
    x = tf.image.convert_image_dtype(image, tf.float32)
    x = tf.image.central_crop(tf.image.resize_image_with_crop_or_pad(x, 16, 18), 0.5)
    x = tf.image.per_image_standardization(tf.image.rgb_to_grayscale(x))
    x = tf.image.resize_bilinear(tf.expand_dims(x, 0), [6, 6])
    y = tf.layers.conv2d((x - [0.5]) / [0.25], 4, 3, activation=tf.nn.relu)
    given = np.random.default_rng(1).integers(0, 256, (20, 24, 3)).astype(np.uint8)
    check({"y": tf.layers.flatten(y)}, {"image": given}, tmp_path)


def test_heads_of_several_types(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [None, 6], "x")
    logits = tf.layers.dense(x, 5)
    best = tf.argmax(logits, 1)
    largest, places = tf.nn.top_k(logits, 3)
    outputs = {
        "best": best,
        "narrow": tf.cast(best, tf.int32),
        "one_hot": tf.one_hot(best, 5),
        "largest": largest,
        "places": places,
        "probabilities": tf.nn.softmax(logits),
        "certain": tf.reduce_max(logits, 1) > 0.0,
    }
    sizes = {"x": [tf.Dim("batch", 1, 4), 6]}
    check(outputs, {"x": values(2, 6)}, tmp_path, shapes=sizes)
    found = tf.load(tmp_path / "m.smr").run(x=values(3, 6))
    assert {n: a.dtype.name for n, a in found.items()} == {
        "best": "int64",
        "narrow": "int32",
        "one_hot": "float32",
        "largest": "float32",
        "places": "int32",
        "probabilities": "float32",
        "certain": "bool",
    }


def test_float64_is_told(tmp_path: Path) -> None:
    ids = tf.placeholder(tf.int64, [2, 3], "ids")
    table = tf.Variable(values(7, 4).astype(np.float64), name="table")
    y = tf.layers.dense(tf.reduce_mean(tf.nn.embedding_lookup(table, ids), 1), 2)
    report = check({"y": y}, {"ids": np.array([[0, 5, 6], [3, 4, 1]])}, tmp_path)
    assert re.match(r"\d+ float64 tensors are float32 in the file: table:0", report.warnings[0])


def test_sizes_that_are_not_known_are_told(session: tf.Session, tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [None, None, None, 3], "x")
    anything = tf.placeholder(tf.float32, name="anything")
    y = tf.reduce_mean(tf.layers.conv2d(x, 4, 3), [1, 2]) * anything
    with pytest.raises(tf.ExportError) as told:
        tf.export_model({"y": y}, tmp_path / "m.smr")
    first, second = told.value.problems[:2]
    assert re.match(
        r"input 'x' \(made at .*\) has shape .*shapes=\{'x': \[1, 1, 1, 3\]\}, or Dim\('n', 1, 8\)", first
    )
    assert re.match(r"input 'anything' \(made at .*\) has shape", second)
    assert "constants={'anything': 1.0}" in second
    sizes = {"x": [1, tf.Dim("height", 4, 9), tf.Dim("width", 4, 9), 3]}
    session.run(tf.global_variables_initializer())
    tf.export_model({"y": y}, tmp_path / "m.smr", shapes=sizes, constants={"anything": 2.0})
    wanted = session.run(y, {x: values(1, 7, 5, 3), anything: 2.0})
    np.testing.assert_allclose(tf.load(tmp_path / "m.smr")(values(1, 7, 5, 3)), wanted, rtol=1e-4, atol=1e-6)


def test_a_running_state_is_kept(session: tf.Session, tmp_path: Path) -> None:
    """Inference that updates a variable: the file starts from the session's value and goes on."""
    x = tf.placeholder(tf.float32, [1, 3], "x")
    mean = tf.Variable(tf.zeros([1, 3]), trainable=False, name="mean")
    update = tf.assign_sub(mean, 0.1 * (mean - x))
    with tf.control_dependencies([update]):
        y = x - mean.read_value()
    session.run(tf.global_variables_initializer())
    session.load(mean, np.ones([1, 3]))
    report = tf.export_model({"y": y}, tmp_path / "m.smr")
    assert report.states == ("mean",)
    model = tf.load(tmp_path / "m.smr")
    for seed in range(4):
        given = values(1, 3, seed=seed)
        np.testing.assert_allclose(model(given), session.run(y, {x: given}), rtol=1e-5, atol=1e-6)


# Integers ---------------------------------------------------------------------------------------------------


def convolutional(training: Any) -> Any:
    x = tf.placeholder(tf.float32, [1, 12, 12, 1], "x")
    y = tf.layers.conv2d(x, 8, 3, padding="same", use_bias=False)
    y = tf.nn.relu(tf.layers.batch_normalization(y, training=training))
    y = tf.layers.flatten(tf.layers.max_pooling2d(y, 2, 2))
    return tf.layers.dense(tf.layers.dropout(y, 0.5, training=training), 5)


def features(training: Any) -> Any:
    x = tf.placeholder(tf.float32, [4, 7], "x")
    y = (x - values(7)) / (np.abs(values(7, seed=2)) + 0.5)
    return tf.layers.dense(tf.layers.dense(y, 16, tf.nn.tanh), 3)


def recurrent(training: Any) -> Any:
    x = tf.placeholder(tf.float32, [1, 4, 6], "x")
    outputs, _ = tf.nn.static_rnn(Cells.BasicLSTMCell(8), tf.unstack(x, axis=1), dtype=tf.float32)
    return tf.layers.dense(outputs[-1], 3)


@pytest.mark.parametrize("network", [convolutional, features, recurrent], ids=lambda f: f.__name__)
def test_integers(network: Callable[..., Any], session: tf.Session, tmp_path: Path) -> None:
    training = tf.placeholder(tf.bool, [], "training")
    y = network(training)
    session.run(tf.global_variables_initializer())
    x = tf.get_default_graph().get_tensor_by_name("x:0")
    samples = [{"x": values(*x.get_shape().as_list(), seed=s)} for s in range(8)]
    report = tf.export_model(
        {"y": y}, tmp_path / "m.smr", samples=samples, quantize="int8", constants={training: False}
    )
    assert report.warnings == ()  # nothing is left in float
    model = tf.load(tmp_path / "m.smr")
    found = np.stack([model(s["x"]) for s in samples])
    wanted = np.stack([session.run(y, {x: s["x"], training: False}) for s in samples])
    noise = np.square(found - wanted).mean() / np.square(wanted).mean()
    assert noise < 10 ** (-25 / 10)  # 25 dB
