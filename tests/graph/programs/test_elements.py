"""Picking, ordering, counting and joining elements, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ShapeError
from tests.graph.programs._run import check_gradient, run

GENERATOR = np.random.default_rng(5)
X = GENERATOR.uniform(-1, 1, (4, 5))


def placeholder(shape: Any) -> Any:
    return tf.placeholder(tf.float64, shape)


def test_gathering() -> None:
    x = placeholder([4, 5])
    picks = np.array([[0, 2], [4, 4], [1, 0], [3, 3]])
    for made, expected in (
        (tf.batch_gather(x, picks), np.take_along_axis(X, picks, 1)),
        (tf.gather(x, [2, 0, 2], axis=1), X[:, [2, 0, 2]]),
        (tf.gather_nd(x, [[0, 1], [3, 4], [0, 1]]), X[[0, 3, 0], [1, 4, 1]]),
        (tf.gather_nd(x, [[2]]), X[[2]]),
    ):
        np.testing.assert_allclose(run(made, {x: X}), expected)
        check_gradient(tf.square(made), x, {x: X}, second=True)


def test_scattering() -> None:
    u = placeholder([3, 2])
    updates = GENERATOR.uniform(-1, 1, (3, 2))
    y = tf.scatter_nd([[0], [3], [0]], u, [5, 2])
    expected = np.zeros((5, 2))
    np.add.at(expected, [0, 3, 0], updates)
    np.testing.assert_allclose(run(y, {u: updates}), expected)
    check_gradient(tf.square(y), u, {u: updates}, second=True)
    base = np.arange(6.0).reshape(3, 2)
    places, values = [[0], [2]], np.array([[10.0, 20.0], [30.0, 40.0]])
    for function, expected in (
        (tf.tensor_scatter_update, [[10, 20], [2, 3], [30, 40]]),
        (tf.tensor_scatter_add, [[10, 21], [2, 3], [34, 45]]),
        (tf.tensor_scatter_sub, [[-10, -19], [2, 3], [-26, -35]]),
    ):
        np.testing.assert_array_equal(run(function(base, places, values)), expected)


def test_boolean_mask_and_where() -> None:
    x = placeholder([4, 5])
    rows = np.array([True, False, True, True])
    for made, expected in (
        (tf.boolean_mask(x, rows), X[rows]),
        (tf.boolean_mask(x, x > 0), X[X > 0]),
        (tf.boolean_mask(x, [True, False, False, True, True], axis=1), X[:, [0, 3, 4]]),
    ):
        np.testing.assert_allclose(run(made, {x: X}), expected)
        check_gradient(tf.square(made), x, {x: X}, second=True)
    np.testing.assert_array_equal(run(tf.where(x > 0), {x: X}), np.argwhere(X > 0))
    np.testing.assert_array_equal(run(tf.where(rows)), [[0], [2], [3]])
    np.testing.assert_allclose(run(tf.where(rows, x, -x), {x: X}), np.where(rows[:, None], X, -X))
    np.testing.assert_allclose(run(tf.where(x > 0, x, tf.zeros_like(x)), {x: X}), np.maximum(X, 0))
    with pytest.raises(ValueError, match="both x and y"):
        tf.where(rows, x)
    with pytest.raises(ShapeError, match="rank of the mask"):
        tf.boolean_mask(x, tf.placeholder(tf.bool))


def test_unique() -> None:
    data = np.array([4, 1, 4, 7, 1, 4], np.int64)
    y, idx = tf.unique(data)
    z, places, counts = tf.unique_with_counts(tf.constant(data), out_idx=tf.int64)
    assert isinstance(tf.unique(data), tf.Unique)
    assert isinstance(tf.unique_with_counts(data), tf.UniqueWithCounts)
    found = run([y, idx, z, places, counts])
    np.testing.assert_array_equal(found[0], [4, 1, 7])
    np.testing.assert_array_equal(found[1], [0, 1, 0, 2, 1, 0])
    np.testing.assert_array_equal(found[4], [3, 2, 1])
    assert (found[1].dtype, found[3].dtype, found[4].dtype) == (np.int32, np.int64, np.int64)
    out, at = tf.setdiff1d([1, 2, 3, 4, 5, 2], [2, 4])
    assert isinstance(tf.listdiff([1], [2]), tf.Difference)
    np.testing.assert_array_equal(run(out), [1, 3, 5])
    np.testing.assert_array_equal(run(at), [0, 2, 4])


def test_ordering() -> None:
    x = placeholder([4, None])
    found = run(
        [tf.sort(x), tf.sort(x, axis=0, direction="DESCENDING"), tf.argsort(x), *tf.nn.top_k(x, 2)], {x: X}
    )
    np.testing.assert_allclose(found[0], np.sort(X))
    np.testing.assert_allclose(found[1], -np.sort(-X, axis=0))
    np.testing.assert_array_equal(found[2], np.argsort(X))
    np.testing.assert_array_equal(found[4], np.argsort(-X)[:, :2])
    assert found[4].dtype == np.int32
    assert isinstance(tf.top_k([1.0], 1), tf.TopK)
    check_gradient(tf.sort(x) * np.arange(5.0), x, {x: X})
    with pytest.raises(ValueError, match="direction"):
        tf.sort(x, direction="UP")
    np.testing.assert_array_equal(run(tf.invert_permutation([2, 0, 3, 1])), [1, 3, 0, 2])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
def test_running_sums_and_products(exclusive: bool, reverse: bool) -> None:
    x = placeholder([4, 5])
    data = X.copy()
    data[1, 2] = 0.0
    for function, join, first in ((tf.cumsum, np.add, 0.0), (tf.cumprod, np.multiply, 1.0)):
        for axis in (0, 1):
            turned = np.flip(data, axis) if reverse else data
            expected = join.accumulate(turned, axis)
            if exclusive:
                expected = np.roll(expected, 1, axis)
                expected[(slice(None),) * axis + (0,)] = first
            expected = np.flip(expected, axis) if reverse else expected
            y = function(x, axis, exclusive=exclusive, reverse=reverse)
            np.testing.assert_allclose(run(y, {x: data}), expected)
            check_gradient(
                tf.square(y) * np.cos(np.arange(20.0)).reshape(4, 5), x, {x: data}, second=axis == 1
            )


IDS = np.array([0, 0, 2, 3])
SHUFFLED = np.array([3, 0, 3, 2])


@pytest.mark.parametrize("kind", ["sum", "prod", "max", "min", "mean"])
def test_segments(kind: str) -> None:
    data = X.copy()
    data[1, 1] = 0.0
    joins = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "mean": np.mean}
    x = placeholder([4, 5])
    ordered = getattr(tf, f"segment_{kind}")(x, IDS)
    loose = getattr(tf, f"unsorted_segment_{kind}")(x, SHUFFLED, 5)
    empty = {"prod": 1.0, "max": -np.finfo(np.float64).max, "min": np.finfo(np.float64).max}

    def expected(ids: Any, count: int, nothing: float) -> Any:
        return np.stack(
            [
                joins[kind](data[ids == i], axis=0) if (ids == i).any() else np.full(5, nothing)
                for i in range(count)
            ]
        )

    np.testing.assert_allclose(run(ordered, {x: data}), expected(IDS, 4, 1.0 if kind == "prod" else 0.0))
    np.testing.assert_allclose(run(loose, {x: data}), expected(SHUFFLED, 5, empty.get(kind, 0.0)))
    for y in (tf.square(ordered) * np.cos(np.arange(20.0)).reshape(4, 5), tf.gather(loose, [0, 2, 3]) ** 2.0):
        check_gradient(y, x, {x: data}, second=kind in ("sum", "mean", "prod"))


def test_products_of_segments_have_second_derivatives() -> None:
    x = placeholder([4])
    y = tf.segment_prod(x, [0, 0, 0, 1])
    check_gradient(y, x, {x: np.array([2.0, -3.0, 0.5, 4.0])}, second=True)
    check_gradient(y, x, {x: np.array([2.0, 0.0, 0.5, 4.0])})
    (flat,) = tf.gradients(y, x)
    np.testing.assert_array_equal(run(flat, {x: [2.0, 0.0, 0.0, 4.0]}), [0, 0, 0, 1])
    whole = run(tf.segment_max(np.array([3, -5, 7], np.int32), [0, 0, 2]))
    np.testing.assert_array_equal(whole, [3, 0, 7])


def test_sparse_segments() -> None:
    x = placeholder([4, 5])
    picks, ids = [3, 1, 1], [0, 0, 2]
    for function, divisors in (
        (tf.sparse_segment_sum, (1, 1)),
        (tf.sparse_segment_mean, (2, 1)),
        (tf.sparse_segment_sqrt_n, (np.sqrt(2), 1)),
    ):
        y = function(x, picks, ids)
        expected = np.stack([(X[3] + X[1]) / divisors[0], np.zeros(5), X[1] / divisors[1]])
        np.testing.assert_allclose(run(y, {x: X}), expected)
        check_gradient(tf.square(y), x, {x: X}, second=True)
    root = tf.unsorted_segment_sqrt_n(x, [1, 1, 1, 0], 2)
    np.testing.assert_allclose(run(root, {x: X}), np.stack([X[3], X[:3].sum(0) / np.sqrt(3)]))


def test_counting() -> None:
    data = np.array([1, 5, 1, 2, 5, 5])
    weights = np.arange(6.0)
    np.testing.assert_array_equal(run(tf.bincount(data)), np.bincount(data))
    np.testing.assert_array_equal(run(tf.bincount(data, minlength=8)), np.bincount(data, minlength=8))
    np.testing.assert_array_equal(run(tf.bincount(data, maxlength=3)), [0, 2, 1])
    np.testing.assert_allclose(run(tf.bincount(data, weights=weights)), np.bincount(data, weights))
    np.testing.assert_array_equal(run(tf.bincount(np.zeros(0, np.int32))), np.zeros(0))
    values = GENERATOR.normal(size=50)
    clipped = np.clip(values, -1, 1 - 1e-12)
    np.testing.assert_array_equal(
        run(tf.histogram_fixed_width(values, [-1.0, 1.0], nbins=7)), np.histogram(clipped, 7, (-1, 1))[0]
    )
    np.testing.assert_array_equal(
        run(tf.histogram_fixed_width_bins([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], [0.0, 5.0], nbins=5)),
        [0, 0, 1, 2, 4, 4],
    )
    labels, guesses = [0, 2, 1, 2, 2], [0, 2, 2, 1, 2]
    np.testing.assert_array_equal(
        run(tf.confusion_matrix(labels, guesses)), [[1, 0, 0], [0, 0, 1], [0, 1, 2]]
    )
    heavy = tf.confusion_matrix(labels, guesses, num_classes=4, dtype=tf.float32, weights=[1, 2, 3, 4, 5])
    assert heavy.get_shape().as_list() == [4, 4]
    np.testing.assert_array_equal(run(heavy)[2], [0, 4, 7, 0])
    np.testing.assert_array_equal(run(tf.count_nonzero([[0, 3], [0, 0]], axis=1)), [1, 0])


def test_masks_and_sequences() -> None:
    np.testing.assert_array_equal(run(tf.sequence_mask([1, 3])), [[1, 0, 0], [1, 1, 1]])
    mask = run(tf.sequence_mask([[0], [2]], maxlen=4, dtype=tf.float32))
    np.testing.assert_array_equal(mask, [[[0, 0, 0, 0]], [[1, 1, 0, 0]]])
    x = placeholder([4, 5])
    y = tf.reverse_sequence(x, [1, 5, 0, 3], seq_axis=1, batch_axis=0)
    expected = X.copy()
    for i, n in enumerate([1, 5, 0, 3]):
        expected[i, :n] = X[i, :n][::-1]
    np.testing.assert_allclose(run(y, {x: X}), expected)
    check_gradient(y * np.arange(5.0), x, {x: X})
    turned = tf.reverse_sequence(tf.transpose(x), [1, 5, 0, 3], seq_dim=0, batch_dim=1)
    np.testing.assert_allclose(run(turned, {x: X}), expected.T)
    with pytest.raises(TypeError, match="seq_axis"):
        tf.reverse_sequence(x, [1, 1, 1, 1])


def test_one_hot_values() -> None:
    np.testing.assert_array_equal(
        run(tf.one_hot([1, -1], 3, on_value=5, off_value=2)), [[2, 5, 2], [2, 2, 2]]
    )
    assert run(tf.one_hot([0], 2, on_value=5, off_value=2)).dtype == np.int32
    np.testing.assert_array_equal(run(tf.one_hot([1, 0], 2, axis=0)), [[0, 1], [1, 0]])
    assert tf.select is tf.where
