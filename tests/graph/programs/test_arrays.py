"""Shapes, cutting, joining and moving, old orders of arguments, and indexing, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ShapeError
from tests.graph.programs._run import check_gradient, run

GENERATOR = np.random.default_rng(8)
X = GENERATOR.uniform(-1, 1, (4, 6, 3))


def placeholder(shape: Any) -> Any:
    return tf.placeholder(tf.float64, shape)


def same(found: Any, expected: Any, feeds: Any = None) -> None:
    np.testing.assert_array_equal(run(found, feeds), expected)


def test_old_and_new_orders_of_arguments() -> None:
    a, b = np.ones((2, 3)), np.zeros((2, 3))
    same(tf.concat([a, b], 0), np.concatenate([a, b], 0))
    same(tf.concat(1, [a, b]), np.concatenate([a, b], 1))
    same(tf.concat(values=[a, b], axis=-1), np.concatenate([a, b], -1))
    wide = np.arange(12.0).reshape(2, 6)
    for parts in (
        tf.split(wide, 3, axis=1),
        tf.split(1, 3, wide),
        tf.split(split_dim=1, num_split=3, value=wide),
    ):
        assert len(parts) == 3
        same(parts[1], wide[:, 2:4])
    sizes = tf.placeholder(tf.int32, [3])
    parts = tf.split(wide, sizes, axis=1)
    for part, expected in zip(run(parts, {sizes: [1, 0, 5]}), np.split(wide, [1, 1], axis=1), strict=True):
        np.testing.assert_array_equal(part, expected)
    same(tf.split(wide, [4, -1], 1)[1], wide[:, 4:])
    same(tf.pack([a, b]), np.stack([a, b]))
    same(tf.parallel_stack([a, b]), np.stack([a, b]))
    same(tf.unpack(wide)[1], wide[1])


def test_constants_of_the_graph_as_axes() -> None:
    x = placeholder([4, 6, 3])
    one = tf.constant(1)
    for made, expected in (
        (tf.concat([x, x], axis=one), np.concatenate([X, X], 1)),
        (tf.expand_dims(x, tf.rank(x) - 1), X[:, :, None]),
        (tf.reduce_sum(x, axis=tf.constant([0, 2])), X.sum((0, 2))),
        (tf.reduce_sum(x, tf.range(1, tf.rank(x))), X.sum((1, 2))),
        (tf.argmax(x, one), X.argmax(1)),
        (tf.split(x, 2, axis=one)[1], X[:, 3:]),
        (tf.pad(x, tf.constant([[0, 0], [1, 2], [0, 0]])), np.pad(X, [[0, 0], [1, 2], [0, 0]])),
        (tf.one_hot([1, 0], tf.constant(3)), np.eye(3)[[1, 0]]),
    ):
        np.testing.assert_allclose(run(made, {x: X}), expected)
    with pytest.raises(TypeError, match="axis must be known"):
        tf.concat([x, x], axis=tf.placeholder(tf.int32, []))


def test_slicing_with_data() -> None:
    x = placeholder([4, 6, 3])
    i, k = tf.placeholder(tf.int32, []), tf.placeholder(tf.int32, [])
    feeds = {x: X, i: 1, k: -2}
    for made, expected in (
        (x[i], X[1]),
        (x[:, i], X[:, 1]),
        (x[k], X[-2]),
        (x[i:], X[1:]),
        (x[:k], X[:-2]),
        (x[i:k, ..., 0], X[1:-2, ..., 0]),
        (x[..., i, tf.newaxis], X[..., 1, None]),
        (x[::2, i:4, i], X[::2, 1:4, 1]),
        (x[i, None, k], X[1, None, -2]),
        (x[k:i], X[-2:1]),
        (x[:, ::-1], X[:, ::-1]),
        (x[-1, 4:1:-2], X[-1, 4:1:-2]),
        (tf.slice(x, [i, 0, 1], [2, -1, i]), X[1:3, :, 1:2]),
        (tf.slice(x, tf.stack([i, 0, 1]), [2, -1, 1]), X[1:3, :, 1:2]),
        (tf.slice(x, [1, 2, 0], tf.stack([i, 3, 1])), X[1:2, 2:5, :1]),
        (tf.slice(x, [1, 2, 0], [-1, 3, -1]), X[1:, 2:5]),
    ):
        np.testing.assert_array_equal(run(made, feeds), expected)
        if expected.size:
            check_gradient(tf.square(made), x, feeds, second=made.shape is not None and len(made.shape) == 2)
    with pytest.raises(TypeError, match="use gather"):
        x[tf.constant([1, 2])]
    with pytest.raises(TypeError, match="step"):
        x[i:k:2]


def test_turning_and_repeating() -> None:
    x = placeholder([4, 6, 3])
    n = tf.placeholder(tf.int32, [3])
    feeds = {x: X, n: [1, 2, 3]}
    for made, expected in (
        (tf.reverse(x, [1]), X[:, ::-1]),
        (tf.reverse(x, [True, False, True]), X[::-1, :, ::-1]),
        (tf.reverse_v2(x, [-1, 0]), X[::-1, :, ::-1]),
        (tf.repeat(x, 2, axis=1), np.repeat(X, 2, axis=1)),
        (tf.repeat(x, 2), np.repeat(X, 2)),
        (tf.tile(x, [1, 2, 1]), np.tile(X, [1, 2, 1])),
        (tf.tile(x, n), np.tile(X, [1, 2, 3])),
        (
            tf.pad(x, [[1, 0], [0, 2], [1, 1]], constant_values=3),
            np.pad(X, [[1, 0], [0, 2], [1, 1]], constant_values=3),
        ),
        (tf.pad(x, [[1, 0], [0, 2], [1, 1]], "REFLECT"), np.pad(X, [[1, 0], [0, 2], [1, 1]], "reflect")),
        (tf.pad(x, [[2, 1], [0, 2], [3, 1]], "SYMMETRIC"), np.pad(X, [[2, 1], [0, 2], [3, 1]], "symmetric")),
        (tf.transpose(x, perm=[2, 0, 1]), X.transpose(2, 0, 1)),
    ):
        np.testing.assert_array_equal(run(made, feeds), expected)
        check_gradient(tf.square(made), x, feeds)


def test_blocks() -> None:
    x = placeholder([4, 6, 3])
    images = tf.expand_dims(tf.transpose(x, [1, 0, 2]), 0)
    picture = X.transpose(1, 0, 2)[None]
    blocks = tf.space_to_batch(images, [[0, 0], [1, 1]], block_size=2)
    padded = np.pad(picture, [(0, 0), (0, 0), (1, 1), (0, 0)])
    expected = np.concatenate([padded[:, i::2, k::2] for i in range(2) for k in range(2)])
    np.testing.assert_array_equal(run(blocks, {x: X}), expected)
    np.testing.assert_array_equal(run(tf.batch_to_space(blocks, [[0, 0], [1, 1]], 2), {x: X}), picture)
    lines = tf.space_to_batch_nd(x, [2], [[0, 0]])
    np.testing.assert_array_equal(run(lines, {x: X}), np.concatenate([X[:, 0::2], X[:, 1::2]]))
    np.testing.assert_array_equal(run(tf.batch_to_space_nd(lines, [2], [[1, 2]]), {x: X}), X[:, 1:-2])
    depth = tf.space_to_depth(images, 2)
    expected = np.concatenate([picture[:, i::2, k::2] for i in range(2) for k in range(2)], axis=-1)
    np.testing.assert_array_equal(run(depth, {x: X}), expected)
    np.testing.assert_array_equal(run(tf.depth_to_space(depth, 2), {x: X}), picture)
    for y in (blocks, depth):
        check_gradient(tf.square(y), x, {x: X})
    anything = placeholder([None, None, None, 3])
    np.testing.assert_array_equal(run(tf.space_to_depth(anything, 2), {anything: picture}), expected)
    np.testing.assert_array_equal(
        run(tf.space_to_batch(anything, [[0, 0], [0, 0]], 2), {anything: picture}).shape, (4, 3, 2, 3)
    )
    with pytest.raises(ShapeError, match="multiple of the block"):
        tf.space_to_depth(tf.zeros([1, 3, 4, 1]), 2)
    with pytest.raises(ValueError, match="NHWC"):
        tf.depth_to_space(tf.zeros([1, 4, 2, 2]), 2, data_format="NCHW")


def test_grids() -> None:
    a, b, c = [1, 2, 3], [4, 5], [6, 7, 8, 9]
    for indexing in ("xy", "ij"):
        for found, expected in zip(
            run(tf.meshgrid(a, b, c, indexing=indexing)), np.meshgrid(a, b, c, indexing=indexing), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
    x, y = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None])
    found = run(tf.meshgrid(x, y), {x: a, y: b})
    np.testing.assert_array_equal(found, np.meshgrid(a, b))
    with pytest.raises(ValueError, match="indexing"):
        tf.meshgrid(a, indexing="ji")


def test_shapes() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    assert [s.tolist() for s in run(tf.shape_n([x, [1.0, 2.0]]), {x: np.zeros((5, 3))})] == [[5, 3], [2]]
    assert tf.broadcast_static_shape([2, 1, 3], [4, 1]).as_list() == [2, 4, 3]
    assert tf.broadcast_static_shape(None, [4]).ndims is None
    with pytest.raises(ShapeError, match="do not broadcast"):
        tf.broadcast_static_shape([2], [3])
    same(tf.broadcast_dynamic_shape(tf.constant([2, 1, 3]), tf.constant([4, 1])), [2, 4, 3])
    s = x.get_shape()
    assert (s[1].value, s[0].value, s.ndims, s.rank, s.as_list()) == (3, None, 2, 2, [None, 3])
    assert isinstance(s[1], tf.Dimension)
    assert x.shape.as_list() == [None, 3]
    assert [d.value for d in s.dims] == [None, 3]
    assert s[1:].as_list() == [3]
    longer = s + (4,)  # noqa: RUF005
    assert longer.as_list() == s.concatenate([4]).as_list() == [None, 3, 4]
    assert s.merge_with([2, None]).as_list() == [2, 3]
    assert s.is_compatible_with([7, 3])
    assert not s.is_compatible_with([7, 4])
    assert not s.is_fully_defined()
    assert tf.TensorShape([2, 3]).num_elements() == 6
    assert tf.TensorShape([2, 3]) == (2, 3)
    assert str(tf.TensorShape(None)) == "<unknown>"
    assert s.with_rank(2) is s
    for refuses in (
        lambda: s.assert_has_rank(3),
        lambda: s.assert_is_compatible_with([1]),
        s.assert_is_fully_defined,
    ):
        with pytest.raises(ShapeError):
            refuses()
    unknown = tf.placeholder("float")
    assert unknown.get_shape().ndims is None
    unknown.set_shape([None, 2])
    assert unknown.get_shape().as_list() == [None, 2]
    rows = int(tf.zeros([4, 2]).shape[0])
    assert rows == 4
