"""Activations, tables and the largest elements of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

RANDOM = np.random.default_rng(17)
X = RANDOM.normal(size=(3, 5))


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    return tf.Session().run(fetches, feeds)


def test_activations() -> None:
    w, b = RANDOM.normal(size=(5, 2)), RANDOM.normal(size=2)
    positive, negative = np.maximum(X, 0), np.maximum(-X, 0)
    sparse = np.where(X > 0, 0, X)
    with np.errstate(over="ignore"):
        pairs = [
            (tf.nn.crelu(X), np.concatenate([positive, negative], -1)),
            (tf.nn.crelu(X, axis=0), np.concatenate([positive, negative], 0)),
            (tf.nn.leaky_relu(X), np.where(X > 0, X, 0.2 * X)),
            (tf.nn.sigmoid(x=X), 1 / (1 + np.exp(-X))),
            (tf.nn.tanh(x=X), np.tanh(X)),
            (tf.nn.swish(features=X), X / (1 + np.exp(-X))),
            (tf.nn.softmax(X, dim=0), np.exp(X) / np.exp(X).sum(0)),
            (tf.nn.log_softmax(X, axis=1), X - np.log(np.exp(X).sum(1, keepdims=True))),
            (tf.nn.xw_plus_b(X, w, b, name="xwb"), X @ w + b),
            (tf.nn.relu_layer(X, w, b), np.maximum(X @ w + b, 0)),
            (tf.nn.zero_fraction(sparse), np.float32((X > 0).mean())),
        ]
    for found, wanted in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-7)


def test_bias_add() -> None:
    images, bias = RANDOM.normal(size=(2, 3, 4, 5)), RANDOM.normal(size=5)
    np.testing.assert_allclose(run(tf.nn.bias_add(images, bias)), images + bias)
    found = run(tf.nn.bias_add(images, bias[:3], data_format="NCHW", name="b"))
    np.testing.assert_allclose(found, images + bias[:3, None, None])
    np.testing.assert_allclose(run(tf.nn.bias_add(X, bias, "N...C")), X + bias)
    with pytest.raises(ValueError, match="the bias has rank 2"):
        tf.nn.bias_add(X, X)


def test_dropout_with_sizes_left_open() -> None:
    x = tf.placeholder(tf.float32, [None, 20, 30])
    y = tf.nn.dropout(x, 0.5, noise_shape=[None, 1, 30], seed=4)
    found = run(y, {x: np.ones((10, 20, 30))})
    assert (found == found[:, :1]).all()
    assert set(np.unique(found)) == {0.0, 2.0}
    assert 0.3 < (found[:, 0] > 0).mean() < 0.7


def test_embedding_lookup() -> None:
    table = RANDOM.normal(size=(7, 4))
    ids = np.array([[0, 3, 6], [5, 5, 1]], np.int64)
    np.testing.assert_array_equal(run(tf.nn.embedding_lookup(table, ids)), table[ids])
    shared = [tf.constant(table[i::3]) for i in range(3)]
    np.testing.assert_array_equal(run(tf.nn.embedding_lookup(shared, ids)), table[ids])
    consecutive = [tf.constant(t) for t in (table[:3], table[3:5], table[5:])]
    found = run(tf.nn.embedding_lookup(consecutive, ids, partition_strategy="div"))
    np.testing.assert_array_equal(found, table[ids])
    norms = np.linalg.norm(table[ids], axis=-1, keepdims=True)
    found = run(tf.nn.embedding_lookup(table, ids, max_norm=1.0))
    np.testing.assert_allclose(found, table[ids] / np.maximum(norms, 1))
    with pytest.raises(ValueError, match="expected 'mod' or 'div'"):
        tf.nn.embedding_lookup(shared, ids, "hash")
    with pytest.raises(ValueError, match="do not share 7 rows out evenly"):
        tf.nn.embedding_lookup(consecutive[::-1], ids, "div")


def test_the_gradient_of_a_table() -> None:
    table = tf.constant(RANDOM.normal(size=(5, 2)))
    rows = tf.nn.embedding_lookup(table, np.array([1, 1, 4]))
    (found,) = run(tf.gradients(tf.reduce_sum(rows), table))
    np.testing.assert_array_equal(found, np.array([0, 2, 0, 0, 1.0])[:, None] * np.ones(2))


def test_top_k() -> None:
    values, indices = tf.nn.top_k(X, 3)
    largest = tf.nn.top_k(X, k=2, sorted=False)
    assert isinstance(largest, tf.nn.TopKV2)
    found = run([values, indices, largest.values])
    order = np.argsort(-X, axis=-1)
    np.testing.assert_array_equal(found[1], order[:, :3])
    assert found[1].dtype == np.int32
    np.testing.assert_array_equal(found[0], np.take_along_axis(X, order[:, :3], -1))
    np.testing.assert_array_equal(np.sort(found[2]), np.sort(X)[:, 3:])
    assert run(tf.nn.top_k(X)[0]).shape == (3, 1)


def test_in_top_k() -> None:
    predictions = np.array(
        [[0.1, 0.4, 0.4, 0.2], [1, 2, 3, 4], [np.inf, 1, 2, 3], [4, 3, 2, 1], [1, 2, 3, 4]]
    )
    targets = np.array([2, 1, 0, 7, 2], np.int32)
    # The first is among the largest with the one that equals it; inf and class 7 are not.
    for k, wanted in ((1, [1, 0, 0, 0, 0]), (2, [1, 0, 0, 0, 1]), (3, [1, 1, 0, 0, 1])):
        found = run(tf.nn.in_top_k(predictions.astype(np.float32), targets, k))
        np.testing.assert_array_equal(found, np.array(wanted, bool))
