"""Pooling and morphology against windows taken one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.nn._naive import each_window, pooling, windows

RANDOM = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    return tf.Session().run(fetches, feeds)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("kind", ["MAX", "AVG"])
def test_pooling_of_any_rank(kind: str, padding: str) -> None:
    functions = {
        "MAX": (tf.nn.max_pool1d, tf.nn.max_pool2d, tf.nn.max_pool3d),
        "AVG": (tf.nn.avg_pool1d, tf.nn.avg_pool2d, tf.nn.avg_pool3d),
    }
    for rank in (1, 2, 3):
        x = RANDOM.normal(size=(2, *(7, 6, 5)[:rank], 3))
        size, steps = (3, 2, 3)[:rank], (2, 2, 1)[:rank]
        wanted = pooling(x, size, steps, padding, kind)
        function = functions[kind][rank - 1]
        for made in (
            function(x, size, steps, padding),
            function(x, [1, *size, 1], [1, *steps, 1], padding),
            tf.nn.pool(x, size, kind, padding, strides=steps),
        ):
            assert made.shape == wanted.shape
            np.testing.assert_allclose(run(made), wanted, rtol=1e-12)
        layout = ("NCW", "NCHW", "NCDHW")[rank - 1]
        turned = function(np.moveaxis(x, -1, 1), [1, 1, *size], [1, 1, *steps], padding, layout)
        np.testing.assert_allclose(run(turned), np.moveaxis(wanted, -1, 1), rtol=1e-12)


def test_the_old_names_and_sizes_that_are_not_known() -> None:
    value = RANDOM.normal(size=(2, 4, 5, 6, 2))
    x = tf.placeholder(tf.float64, [None, None, 5, None, 2])
    y = tf.nn.avg_pool3d(x, 2, 2, "SAME")
    np.testing.assert_allclose(run(y, {x: value}), pooling(value, (2, 2, 2), (2, 2, 2), "SAME", "AVG"))
    image = value[:, 0]
    found = run([tf.nn.max_pool(image, [1, 2, 2, 1], 1, "VALID"), tf.nn.avg_pool(image, 2, 2, "SAME")])
    np.testing.assert_allclose(found[0], pooling(image, (2, 2), (1, 1), "VALID", "MAX"))
    np.testing.assert_allclose(found[1], pooling(image, (2, 2), (2, 2), "SAME", "AVG"))
    with pytest.raises(ValueError, match="next to each other"):
        tf.nn.pool(image, [2, 2], "MAX", "SAME", dilation_rate=[2, 1])
    with pytest.raises(ValueError, match="expected 'MAX' or 'AVG'"):
        tf.nn.pool(image, [2, 2], "SUM", "SAME")


def test_the_gradient_of_volumes() -> None:
    value = RANDOM.normal(size=(1, 3, 3, 3, 2))
    x = tf.placeholder(tf.float64, value.shape)
    session = tf.Session()
    for function in (tf.nn.max_pool3d, tf.nn.avg_pool3d):
        loss = tf.reduce_sum(tf.square(function(x, 2, 1, "SAME")))
        found = session.run(tf.gradients(loss, x)[0], {x: value})
        for place in itertools.product(range(1), range(3), range(3), range(3), range(2)):
            more, less = value.copy(), value.copy()
            more[place] += 1e-6
            less[place] -= 1e-6
            slope = (session.run(loss, {x: more}) - session.run(loss, {x: less})) / 2e-6
            assert abs(slope - found[place]) < 1e-6


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("batch", [False, True])
def test_places_of_maxima(padding: str, batch: bool) -> None:
    x = RANDOM.permutation(2 * 5 * 6 * 3).reshape(2, 5, 6, 3).astype(np.float32)
    y, place = tf.nn.max_pool_with_argmax(
        x, [1, 3, 2, 1], [1, 2, 2, 1], padding, include_batch_in_index=batch
    )
    assert place.dtype == tf.int64
    largest, found = run([y, place])
    np.testing.assert_array_equal(largest, pooling(x, (3, 2), (2, 2), padding, "MAX"))
    images = x.reshape(1, -1) if batch else x.reshape(2, -1)
    for n in range(2):
        np.testing.assert_array_equal(images[0 if batch else n][found[n]], largest[n])
    tied = run(tf.nn.max_pool_with_argmax(np.zeros((1, 4, 4, 1)), 2, 2, "VALID", Targmax=tf.int32)[1])
    np.testing.assert_array_equal(tied.reshape(-1), [0, 2, 8, 10])


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_morphology(padding: str) -> None:
    x, kernel = RANDOM.normal(size=(2, 6, 5, 3)), RANDOM.normal(size=(2, 3, 3))
    for step, rate in ((1, 2), (2, 1)):
        wanted = each_window(
            x, (2, 3), [step] * 2, padding, lambda part: (part + kernel).max((1, 2)), [rate] * 2, -np.inf
        )
        made = tf.nn.dilation2d(x, kernel, [1, step, step, 1], [1, rate, rate, 1], padding)
        np.testing.assert_allclose(run(made), wanted)
        # The windows of an erosion lie where those of the dilation of -x by the turned kernel lie.
        counts, at = windows(x, (2, 3), [step] * 2, [rate] * 2, padding, np.inf)
        found = run(tf.nn.erosion2d(x, kernel, [1, step, step, 1], [1, rate, rate, 1], padding))
        assert found.shape == (2, *counts, 3)
        for place in itertools.product(*map(range, counts)):
            wanted = (at(place) - kernel[::-1, ::-1]).min((1, 2))
            np.testing.assert_allclose(found[:, place[0], place[1]], wanted)
