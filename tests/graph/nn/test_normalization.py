"""Means, variances and normalizations against numpy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

RANDOM = np.random.default_rng(13)
X = RANDOM.normal(2.0, 3.0, size=(4, 3, 5, 6))


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    return tf.Session().run(fetches, feeds)


def close(found: Any, wanted: Any, rtol: float = 1e-10) -> None:
    for a, b in zip(found, wanted, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol)


@pytest.mark.parametrize("axes", [[0], [0, 1, 2], [1, 3], [-1]])
def test_moments(axes: list[int]) -> None:
    along = tuple(axes)
    for kept in (False, True):
        wanted = [X.mean(along, keepdims=kept), X.var(along, keepdims=kept)]
        close(run(tf.nn.moments(X, axes, None, "m", kept)), wanted)
        close(run(tf.nn.moments(X, axes, keepdims=kept)), wanted)
        statistics = tf.nn.sufficient_statistics(X, axes, keep_dims=kept)
        assert statistics[3] is None
        close(run(tf.nn.normalize_moments(*statistics)), wanted)
        shifted = tf.nn.sufficient_statistics(X, axes, shift=1.5, keepdims=kept)
        count = np.prod([X.shape[a] for a in axes])
        total, squares = (X - 1.5).sum(along, keepdims=kept), ((X - 1.5) ** 2).sum(along, keepdims=kept)
        close(run(list(shifted)), [count, total, squares, 1.5])
        close(run(tf.nn.normalize_moments(*shifted)), wanted)
        weights = RANDOM.integers(0, 4, size=(4, 3, 5, 1)) + 0.5
        full = np.broadcast_to(weights, X.shape)
        mean = np.average(X, along, full)
        spread = np.average((X - np.average(X, along, full, keepdims=True)) ** 2, along, full)
        if kept:
            mean, spread = (np.expand_dims(v, along) for v in (mean, spread))
        close(run(tf.nn.weighted_moments(X, axes, weights, keep_dims=kept)), [mean, spread])


def test_moments_of_small_floats_are_of_wide_sums() -> None:
    x = np.full((1000,), 100.0, np.float16)
    mean, variance = run(tf.nn.moments(x, [0]))
    assert (mean, variance) == (100, 0)
    assert mean.dtype == np.float16


def test_batch_normalizations() -> None:
    mean, variance = X.mean((0, 1, 2)), X.var((0, 1, 2))
    gamma, beta = RANDOM.normal(size=(2, 6))
    normal = (X - mean) / np.sqrt(variance + 1e-3)
    found = [
        tf.nn.batch_normalization(X, mean, variance, beta, gamma, 1e-3),
        tf.nn.batch_normalization(X, mean, variance, None, None, tf.constant(1e-3, tf.float64)),
        tf.nn.batch_norm_with_global_normalization(X, mean, variance, beta, gamma, 1e-3, True),
        tf.nn.batch_norm_with_global_normalization(X, mean, variance, beta, gamma, 1e-3, False),
    ]
    close(run(found), [normal * gamma + beta, normal, normal * gamma + beta, normal + beta])
    y, batch_mean, batch_variance = tf.nn.fused_batch_norm(X, gamma, beta, epsilon=1e-3)
    count = X.size / 6
    close(run([y, batch_mean, batch_variance]), [normal * gamma + beta, mean, variance * count / (count - 1)])
    first = np.moveaxis(X, -1, 1)
    turned = tf.nn.fused_batch_norm(
        first, gamma, beta, mean, variance, 1e-3, data_format="NCHW", is_training=False
    )
    close(run(turned), [np.moveaxis(normal * gamma + beta, -1, 1), mean, variance])
    with pytest.raises(ValueError, match="is_training=False, and needed there"):
        tf.nn.fused_batch_norm(X, gamma, beta, is_training=False)


def test_the_gradient_goes_through_the_statistics_of_a_batch() -> None:
    x = tf.placeholder(tf.float64, X.shape)
    direction = RANDOM.normal(size=X.shape)
    y = tf.nn.fused_batch_norm(x, np.ones(6), np.zeros(6))[0]
    (dx,) = tf.gradients(tf.reduce_sum(y * direction), x)
    session = tf.Session()
    found = session.run(dx, {x: X})
    for place in [(0, 0, 0, 0), (3, 1, 2, 5), (1, 2, 4, 3)]:
        more, less = X.copy(), X.copy()
        more[place] += 1e-5
        less[place] -= 1e-5
        slope = ((session.run(y, {x: more}) - session.run(y, {x: less})) * direction).sum() / 2e-5
        assert abs(slope - found[place]) < 1e-7


def test_norms() -> None:
    small = X.copy()
    small[0] = 0
    for axis in (None, -1, [1, 2]):
        along = None if axis is None else tuple(np.atleast_1d(axis))
        wanted = small / np.sqrt(np.maximum((small**2).sum(along, keepdims=True), 1e-4))
        close([run(tf.nn.l2_normalize(small, axis, 1e-4))], [wanted])
        close([run(tf.nn.l2_normalize(small, epsilon=1e-4, dim=axis))], [wanted])
    layer = tf.nn.layer_norm(X, np.arange(6.0), np.ones(6), epsilon=1e-3)
    centred = X - X.mean(-1, keepdims=True)
    close([run(layer)], [centred / np.sqrt(X.var(-1, keepdims=True) + 1e-3) * np.arange(6.0) + 1])


def test_local_response_normalization() -> None:
    wanted = np.zeros_like(X)
    for c in range(6):
        squares = (X[..., max(0, c - 2) : c + 3] ** 2).sum(-1)
        wanted[..., c] = X[..., c] / (1.5 + 0.3 * squares) ** 0.75
    close([run(tf.nn.lrn(X, 2, 1.5, 0.3, 0.75))], [wanted])
    assert tf.nn.lrn is tf.nn.local_response_normalization
    with pytest.raises(ValueError, match="the channels of"):
        tf.nn.lrn(tf.placeholder(tf.float32, [1, 2, 2, None]))
