"""Random values: their distributions, and what seeds say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ShapeError
from tests.graph.programs._run import run


def test_moments() -> None:
    n = 20000
    for made, mean, deviation in (
        (tf.random_gamma([n], 3.0, beta=2.0), 1.5, np.sqrt(3) / 2),
        (tf.random_gamma([n], [0.5])[:, 0], 0.5, np.sqrt(0.5)),
        (tf.random_poisson(4.0, [n]), 4.0, 2.0),
        (tf.random_poisson([2], [n], dtype=tf.float64)[:, 0], 2.0, np.sqrt(2)),
        (tf.random_exponential([n], rate=2.0), 0.5, 0.5),
    ):
        values = run(made)
        assert values.shape == (n,)
        assert abs(values.mean() - mean) < 5 * deviation / np.sqrt(n)
        assert abs(values.std() / deviation - 1) < 0.1
        assert values.min() >= 0
    assert tf.random_gamma([2, 3], [[1.0], [2.0]]).get_shape().as_list() == [2, 3, 2, 1]


def test_limits_of_even_draws() -> None:
    low = tf.placeholder(tf.float32, [2])
    moved = run(tf.random_uniform([1000, 2], low, low + 2.0), {low: [0, 5]})
    assert moved.min(0)[1] >= 5
    np.testing.assert_allclose(moved.mean(0), [1, 6], atol=0.15)
    assert set(run(tf.random_uniform([200], maxval=3, dtype=tf.int32)).tolist()) == {0, 1, 2}
    assert 0.9 < run(tf.random_uniform([200])).max() < 1
    with pytest.raises(ValueError, match="needs a maxval"):
        tf.random_uniform([2], dtype=tf.int32)


def test_multinomial() -> None:
    logits = np.log([[0.1, 0.6, 0.3], [0.5, 0.25, 0.25]]).astype(np.float32)
    draws = tf.multinomial(logits, 10000)
    assert draws.get_shape().as_list() == [2, 10000]
    found = run(draws)
    assert found.dtype == np.int64
    for row, expected in zip(found, np.exp(logits), strict=True):
        np.testing.assert_allclose(np.bincount(row) / 10000, expected, atol=0.03)
    assert run(tf.multinomial(logits, 5, output_dtype=tf.int32)).dtype == np.int32


def test_shuffling_and_cropping() -> None:
    x = np.arange(100)
    shuffled = run(tf.random_shuffle(x, seed=3))
    assert not np.array_equal(shuffled, x)
    np.testing.assert_array_equal(np.sort(shuffled), x)
    images = tf.placeholder(tf.int32, [None, 5])
    part = tf.random_crop(images, [3, -1])
    assert part.get_shape().as_list() == [3, 5]
    data = np.arange(40).reshape(8, 5)
    starts = set()
    with tf.Session() as session:
        for _ in range(60):
            found = session.run(part, {images: data})
            first = found[0, 0] // 5
            np.testing.assert_array_equal(found, data[first : first + 3])
            starts.add(int(first))
    assert starts == set(range(6))
    with pytest.raises(ShapeError, match="random_crop"):
        tf.random_crop(tf.zeros([2, 2]), [3, 1])


@pytest.mark.parametrize(
    "draw",
    [
        lambda: tf.random_normal([3], seed=1),
        lambda: tf.random_uniform([3], seed=1),
        lambda: tf.truncated_normal([3], seed=1),
        lambda: tf.random_gamma([3], 2.0, seed=1),
        lambda: tf.random_poisson(3.0, [30], seed=1),
        lambda: tf.multinomial([[0.0, 0.0, 0.0]], 30, seed=1),
        lambda: tf.random_exponential([3], seed=1),
        lambda: tf.random_crop(tf.range(1000), [3], seed=1),
    ],
)
def test_seeds(draw: Any) -> None:
    """Equal seeds of graph and operation give equal sequences; the draws of a sequence differ."""
    found = []
    for seed in (5, 5, 6):
        with tf.Graph().as_default():
            tf.set_random_seed(seed)
            x = draw()
            with tf.Session() as session:
                found.append([session.run(x) for _ in range(2)])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0][0], found[0][1])


def test_sequences() -> None:
    np.testing.assert_allclose(run(tf.lin_space(1.0, 3.0, 5)), np.linspace(1, 3, 5))
    assert run(tf.constant([1, 2], shape=[2, 2])).tolist() == [[1, 2], [2, 2]]
    with pytest.raises(TypeError, match="expected"):
        tf.constant([1, 2], shape=[2, 2], verify_shape=True)
    with pytest.raises(ValueError, match="do not fit"):
        tf.constant([1, 2, 3], shape=[2])


def test_deviations_that_are_tensors() -> None:
    tf.set_random_seed(3)
    deviation = 1.0 / tf.sqrt(tf.constant(4.0))
    mean = tf.placeholder(tf.float32, [2])
    drawn = tf.random_normal([20000, 2], mean, deviation)
    cut = tf.truncated_normal([20000, 2], stddev=np.array([1.0, 3.0]), mean=mean, name="cut")
    assert cut.op.name == "cut"
    plain, truncated = run([drawn, cut], {mean: [5.0, -5.0]})
    np.testing.assert_allclose(plain.mean(0), [5, -5], atol=0.03)
    np.testing.assert_allclose(plain.std(0), [0.5, 0.5], atol=0.02)
    assert (np.abs(truncated - [5, -5]) <= [2, 6]).all()
    # The deviation of a normal distribution that is cut at two of its own.
    np.testing.assert_allclose(truncated.std(0), [0.88, 2.64], rtol=0.03)
