"""What tf.nn and tf.layers are composed of gives the same on both backends, gradients included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

pytest.importorskip("torch")

RANDOM = np.random.default_rng(37)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def normal(*sizes: int) -> Any:
    return tf.constant(RANDOM.normal(size=sizes))


def rnn() -> Any:
    outputs, state = tf.nn.bidirectional_dynamic_rnn(
        tf.nn.rnn_cell.GRUCell(3),
        tf.nn.rnn_cell.LSTMCell(4, use_peepholes=True, num_proj=2),
        normal(3, 5, 2),
        np.array([5, 0, 2]),
        dtype=tf.float64,
    )
    return [*outputs, state[0], *state[1]]


def network() -> Any:
    y = tf.layers.conv2d(normal(2, 6, 6, 3), 4, 3, activation=tf.nn.crelu)
    y = tf.layers.batch_normalization(y, training=True)
    y = tf.layers.max_pooling2d(y, 2, 2)
    y = tf.contrib.layers.layer_norm(tf.contrib.layers.conv2d_transpose(y, 2, 3, 2))
    y = tf.layers.dense(tf.layers.flatten(y), 5, tf.nn.softplus)
    loss = tf.reduce_sum(tf.square(y))
    return [y, *tf.gradients(loss, [v.as_graph_tensor() for v in tf.trainable_variables()])]


def volumes() -> Any:
    x, w = normal(1, 3, 4, 4, 2), normal(2, 2, 2, 2, 3)
    y = tf.nn.avg_pool3d(tf.nn.conv3d(x, w, 1, "SAME"), 2, 1, "SAME")
    return [y, *tf.gradients(tf.reduce_sum(tf.square(y)), [x, w]), tf.nn.max_pool3d(x, 2, 2, "SAME")]


def images() -> Any:
    x = normal(2, 5, 5, 3)
    values = [*tf.nn.max_pool_with_argmax(x, 2, 2, "SAME"), tf.nn.lrn(x, 1, 1.0, 0.2, 0.75)]
    values += [
        tf.nn.dilation2d(x, normal(2, 2, 3), 1, 1, "SAME"),
        tf.nn.erosion2d(x, normal(2, 2, 3), 2, 1, "VALID"),
    ]
    return [*values, *tf.nn.weighted_moments(x, [0, 1], np.ones((2, 5, 5, 1)))]


def rows() -> Any:
    table = [normal(3, 2), normal(2, 2)]
    values = [tf.nn.embedding_lookup(table, np.array([4, 0, 1]), max_norm=1.0), *tf.nn.top_k(normal(3, 4), 2)]
    return [*values, tf.nn.in_top_k(normal(3, 4), np.array([1, 7, 0]), 2)]


@pytest.mark.parametrize("build", [rnn, network, volumes, images, rows], ids=lambda f: f.__name__)
def test_both_backends_agree(build: Callable[[], Any]) -> None:
    fetches = build()
    one, other = tf.Session(), tf.Session(config=tf.ConfigProto(backend="torch"))
    for session in (one, other):
        session.run(tf.global_variables_initializer())
    for variable in tf.global_variables():
        variable.load(one.run(variable), other)
    for a, b in zip(one.run(fetches), other.run(fetches), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
