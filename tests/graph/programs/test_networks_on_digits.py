"""Programs in the style of the time, on scikit-learn's digits: they train as numpy says, learn, and run on a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs import _networks as naive


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        yield graph


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any]:
    """Images [1797, 64] from 0 to 1, and what they show."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.target))
    return (found.data[order] / 16).astype(np.float32), found.target[order].astype(np.int64)


def trains(
    session: tf.Session,
    feeds: Callable[[Any, Any], dict[Any, Any]],
    train: Any,
    loss: Any,
    variables: dict[str, Any],
    step: Callable[..., float],
    data: tuple[Any, Any],
    rate: float,
    shape: tuple[int, ...],
) -> None:
    """Three steps that have the losses and end with the variables that numpy's have."""
    held = {name: session.run(v).astype(np.float64) for name, v in variables.items()}
    for k in range(3):
        x, y = data[0][32 * k : 32 * k + 32], data[1][32 * k : 32 * k + 32]
        wanted = step(held, x.astype(np.float64).reshape(shape), y, rate)
        found, _ = session.run([loss, train], feed_dict=feeds(x, y))
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
    for name, variable in variables.items():
        np.testing.assert_allclose(session.run(variable), held[name], rtol=1e-3, atol=2e-6)


def learns(
    session: tf.Session,
    feeds: Callable[[Any, Any], dict[Any, Any]],
    train: Any,
    accuracy: Any,
    data: Any,
    steps: int,
) -> float:
    """How many of the last 297 images are told, after some steps on the others."""
    for k in range(steps):
        first = 50 * k % 1500
        session.run(train, feed_dict=feeds(data[0][first : first + 50], data[1][first : first + 50]))
    return float(accuracy.eval(feeds(data[0][1500:], data[1][1500:]), session))


def runs_on_a_device(path: Path, session: tf.Session, outputs: Any, x: Any, images: Any) -> None:
    """The exported file computes what the session does, for one image and for several."""
    signature = tf.Signature(outputs, inputs={"x": x}, shapes={"x": [tf.Dim("n", 1, 8), *x.shape[1:]]})
    tf.export_model(signature, path / "m.smr", session=session)
    model = tf.load(path / "m.smr")
    for count in (1, 8):
        part = images[:count].reshape(-1, *x.shape[1:])
        wanted = session.run(outputs["y"], {x: part})
        np.testing.assert_allclose(model.run(x=part), wanted, rtol=1e-4, atol=1e-6)


def test_dense_network(digits: Any, tmp_path: Path) -> None:
    x = tf.placeholder("float", [None, 64], name="x")
    y_ = tf.placeholder("float", [None, 10])

    def weight_variable(shape: list[int]) -> tf.Variable:
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

    def bias_variable(shape: list[int]) -> tf.Variable:
        return tf.Variable(tf.constant(0.1, shape=shape))

    w1, b1 = weight_variable([64, 32]), bias_variable([32])
    hidden = tf.nn.relu(tf.matmul(x, w1) + b1)
    w2, b2 = weight_variable([32, 10]), bias_variable([10])
    y = tf.nn.softmax(tf.matmul(hidden, w2) + b2)
    cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y), reduction_indices=[1]))
    train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
    correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct_prediction, "float"))

    def feeds(images: Any, labels: Any) -> dict[Any, Any]:
        return {x: images, y_: np.eye(10)[labels]}

    sess = tf.InteractiveSession()
    sess.run(tf.initialize_all_variables())
    variables = {"W1": w1, "b1": b1, "W2": w2, "b2": b2}
    trains(sess, feeds, train_step, cross_entropy, variables, naive.dense_step, digits, 0.5, (-1, 64))
    assert learns(sess, feeds, train_step, accuracy, digits, 200) > 0.9
    runs_on_a_device(tmp_path, sess, {"y": y}, x, digits[0])
    sess.close()


def test_convolutional_network(digits: Any, tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="x")
    label = tf.placeholder(tf.int64, [None])
    net = tf.contrib.layers.conv2d(x, 6, 3, scope="conv")
    net = tf.contrib.layers.max_pool2d(net, 2)
    net = tf.contrib.layers.flatten(net)
    logits = tf.layers.dense(net, 10, name="logits")
    loss = tf.losses.sparse_softmax_cross_entropy(label, logits)
    global_step = tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(0.3).minimize(loss, global_step=global_step)
    faster = tf.train.AdamOptimizer(0.01).minimize(loss)
    accuracy = tf.reduce_mean(tf.to_float(tf.nn.in_top_k(logits, label, 1)))

    def feeds(images: Any, labels: Any) -> dict[Any, Any]:
        return {x: images.reshape(-1, 8, 8, 1), label: labels}

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        names = ("conv/weights", "conv/biases", "logits/kernel", "logits/bias")
        variables = {
            k: tf.get_default_graph().get_tensor_by_name(f"{n}:0") for k, n in zip("KbWc", names, strict=True)
        }
        shape = (-1, 8, 8, 1)
        trains(sess, feeds, train, loss, variables, naive.convolutional_step, digits, 0.3, shape)
        assert sess.run(global_step) == 3
        assert learns(sess, feeds, faster, accuracy, digits, 120) > 0.9
        runs_on_a_device(tmp_path, sess, {"y": tf.nn.softmax(logits)}, x, digits[0])


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_recurrent_network(kind: str, digits: Any, tmp_path: Path) -> None:
    """Each image is a sequence of eight rows."""
    x = tf.placeholder(tf.float32, [None, 8, 8], name="x")
    label = tf.placeholder(tf.int64, [None])
    cell = tf.contrib.rnn.BasicLSTMCell(16)
    if kind == "static":
        outputs, _ = tf.contrib.rnn.static_rnn(cell, tf.unstack(x, 8, 1), dtype=tf.float32)
        last = outputs[-1]
    else:
        _, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
        last = state.h
    weights = tf.get_variable("W", [16, 10])
    bias = tf.get_variable("a", [10], initializer=tf.zeros_initializer())
    logits = tf.nn.xw_plus_b(last, weights, bias)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    optimizer = tf.train.AdamOptimizer(0.02)
    grads = optimizer.compute_gradients(loss)
    clipped, _ = tf.clip_by_global_norm([g for g, _ in grads], 5.0)
    faster = optimizer.apply_gradients(zip(clipped, [v for _, v in grads], strict=True))
    accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(logits, 1), label)))

    def feeds(images: Any, labels: Any) -> dict[Any, Any]:
        return {x: images.reshape(-1, 8, 8), label: labels}

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        named = {v.name[:-2]: v for v in tf.trainable_variables()}
        names = ("rnn/basic_lstm_cell/kernel", "rnn/basic_lstm_cell/bias", "W", "a")
        variables = {k: named[n] for k, n in zip("KbWa", names, strict=True)}
        trains(sess, feeds, train, loss, variables, naive.lstm_step, digits, 0.5, (-1, 8, 8))
        assert learns(sess, feeds, faster, accuracy, digits, 90) > 0.8
        runs_on_a_device(tmp_path, sess, {"y": tf.nn.softmax(logits)}, x, digits[0])
