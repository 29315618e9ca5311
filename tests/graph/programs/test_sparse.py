"""Sparse tensors against the same computations on whole arrays of numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs._run import check_gradient, run, run_on_both

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(7)


def sparse(shape: tuple[int, ...], share: float = 0.4, dtype: Any = np.float32) -> tuple[Any, Array]:
    """A random sparse value in the order of rows, and the whole array; no element that is there is 0."""
    held = RNG.random(shape) < share
    whole = np.where(held, RNG.uniform(0.5, 2, shape) * RNG.choice([-1, 1], shape), 0).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        whole = np.where(held, RNG.integers(1, 9, shape), 0).astype(dtype)
    places = np.argwhere(held).astype(np.int64)
    return tf.SparseTensorValue(places, whole[held], np.asarray(shape, np.int64)), whole


def whole_of(value: Any) -> Array:
    """The whole array of a sparse value, whose places must be in order and different."""
    assert isinstance(value, tf.SparseTensorValue)
    shape = tuple(int(n) for n in value.dense_shape)
    made = np.zeros(shape, np.asarray(value.values).dtype)
    places = [tuple(int(i) for i in p) for p in value.indices]
    assert places == sorted(set(places))
    for place, element in zip(places, value.values, strict=True):
        made[place] = element
    return made


# What it is ----------------------------------------------------------------------------------------------------


def test_feeds_fetches_and_parts() -> None:
    value, whole = sparse((3, 5))
    known = tf.sparse_placeholder(tf.float32, [3, 5], name="known")
    partly = tf.sparse_placeholder(tf.float32, [None, 5])
    free = tf.sparse.placeholder(tf.float32)
    fixed = tf.SparseTensor(value.indices.tolist(), value.values.tolist(), [3, 5])
    assert known.values.name == "known/values:0"
    assert isinstance(fixed, tf.sparse.SparseTensor)
    assert [s.get_shape().as_list() for s in (known, partly, fixed)] == [[3, 5], [None, 5], [3, 5]]
    assert free.shape.ndims is None
    assert (known.dtype, known.graph) == (tf.float32, tf.get_default_graph())
    assert known.op is known.values.op
    feeds = {
        known: value,
        partly: tuple(value),
        free: [value.indices.tolist(), value.values.tolist(), [3, 5]],
    }
    found = run({"a": [known, partly], "b": free, "c": fixed}, feeds)
    for one in (*found["a"], found["b"], found["c"]):
        assert isinstance(one, tf.SparseTensorValue)
        np.testing.assert_array_equal(whole_of(one), whole)
    with tf.Session() as session:
        np.testing.assert_array_equal(whole_of(fixed.eval()), whole)
        np.testing.assert_array_equal(session.run(known, {known: value}).values, value.values)
        # Its parts are ordinary tensors.
        parts = {free.indices: value.indices, free.values: value.values * 2, free.dense_shape: [3, 5]}
        np.testing.assert_array_equal(whole_of(session.run(free, parts)), whole * 2)
        # The step that was compiled is used again, with other elements.
        fewer = tf.SparseTensorValue(value.indices[:2], value.values[:2], [3, 5])
        assert len(session.run(known, {known: fewer}).values) == 2


def test_what_is_refused() -> None:
    value, _ = sparse((3, 5))
    with pytest.raises(tf.ShapeError, match="have sizes 2 and 1, expected equal"):
        tf.SparseTensor([[0, 1], [1, 0]], [1.0], [2, 2])
    with pytest.raises(tf.ShapeError, match="the indices' columns and the dense_shape"):
        tf.SparseTensor([[0, 1]], [1.0], [2, 2, 2])
    with pytest.raises(tf.ShapeError, match=r"expected \[n, rank\]"):
        tf.SparseTensor([0, 1], [1.0, 2.0], [2])
    x = tf.sparse_placeholder(tf.float32, [3, 5])
    with tf.Session() as session:
        with pytest.raises(tf.FeedError, match="the SparseTensor has shape \\[3, 5\\], the feed \\[4, 5\\]"):
            session.run(x, {x: (value.indices, value.values, [4, 5])})
        with pytest.raises(tf.FeedError, match="feed a SparseTensorValue"):
            session.run(x, {x: value.values})
        with pytest.raises(tf.FeedError, match="must be fed"):
            session.run(x)
    with pytest.raises(TypeError, match="cannot be iterated over"):
        list(x)
    with pytest.raises(TypeError, match="expected a SparseTensor, found Tensor"):
        tf.sparse_reorder(tf.zeros([2]))
    with pytest.raises(TypeError, match="expected a SparseTensor or"):
        tf.SparseTensor.from_value(3)
    with pytest.raises(tf.ShapeError, match="its rank is not known"):
        tf.sparse_transpose(tf.sparse_placeholder(tf.float32))


def test_ordinary_functions_take_the_elements() -> None:
    value, whole = sparse((2, 3, 4))
    x = tf.SparseTensor.from_value(value)
    assert tf.SparseTensor.from_value(x) is x
    assert tf.convert_to_tensor_or_sparse_tensor(x) is x
    assert isinstance(tf.convert_to_tensor_or_sparse_tensor(value), tf.SparseTensor)
    assert isinstance(tf.convert_to_tensor_or_sparse_tensor([1, 2]), tf.Tensor)
    with pytest.raises(TypeError, match="expected int32: use cast"):
        tf.convert_to_tensor_or_sparse_tensor(x, tf.int32)
    row = np.asarray([1.0, 2, 3, 4], np.float32)
    pairs = [
        (tf.cast(x, tf.int32), whole.astype(np.int32)),
        (tf.to_int64(x), whole.astype(np.int64)),
        (tf.abs(x), np.abs(whole)),
        (tf.square(x), whole**2),
        (-x, -whole),
        (x * 2.0, whole * 2),
        (x * row, whole * row),
        (x / tf.constant(row), whole / row),
    ]
    found = run_on_both([p[0] for p in pairs])
    for one, (_, expected) in zip(found, pairs, strict=True):
        np.testing.assert_allclose(whole_of(one), expected, rtol=1e-6)
    assert [v.tolist() for v in run_on_both([tf.shape(x), tf.size(x), tf.rank(x)])] == [[2, 3, 4], 24, 3]


def test_indexed_slices_become_tensors() -> None:
    rows = RNG.normal(size=(3, 2)).astype(np.float32)
    slices = tf.IndexedSlices(tf.constant(rows), tf.constant([2, 0, 2]), tf.constant([4, 2]))
    expected = np.zeros((4, 2), np.float32)
    np.add.at(expected, [2, 0, 2], rows)
    np.testing.assert_allclose(run(tf.convert_to_tensor(slices)), expected, rtol=1e-6)
    np.testing.assert_allclose(run(slices + 1.0), expected + 1, rtol=1e-6)
    assert (slices.dtype, slices.op, slices.graph) == (tf.float32, slices.values.op, slices.values.graph)
    with pytest.raises(tf.GraphError, match="no dense_shape"):
        tf.convert_to_tensor(tf.IndexedSlices(rows, [2, 0, 2]))


# Wholes --------------------------------------------------------------------------------------------------------


def test_to_dense_and_back() -> None:
    value, whole = sparse((4, 3))
    x = tf.sparse_placeholder(tf.float32, [4, 3])
    dense = tf.sparse_tensor_to_dense(x)
    assert dense.get_shape().as_list() == [4, 3]
    nine = np.where(whole == 0, 9, whole)
    back = tf.sparse.from_dense(dense)
    found = run_on_both([dense, tf.sparse.to_dense(x, default_value=9.0), back], {x: value})
    np.testing.assert_array_equal(found[0], whole)
    np.testing.assert_array_equal(found[1], nine)
    np.testing.assert_array_equal(whole_of(found[2]), whole)
    words = tf.SparseTensor([[0, 1], [1, 0]], ["a", "bc"], [2, 2])
    assert run_on_both(tf.sparse_tensor_to_dense(words)).tolist() == [[b"", b"a"], [b"bc", b""]]
    assert run_on_both(tf.sparse_tensor_to_dense(words, "-")).tolist() == [[b"-", b"a"], [b"bc", b"-"]]
    assert run_on_both(tf.sparse.from_dense(tf.constant(["", "x"]))).values.tolist() == [b"x"]
    free = tf.sparse_placeholder(tf.float32)
    np.testing.assert_array_equal(run(tf.sparse_tensor_to_dense(free), {free: value}), whole)


def test_sparse_to_dense() -> None:
    pairs = [
        (tf.sparse_to_dense(2, [4], 7), [0, 0, 7, 0]),
        (tf.sparse_to_dense([1, 3], [4], [5.0, 6.0], default_value=-1.0), [-1, 5, -1, 6]),
        (tf.sparse_to_dense([[0, 1], [1, 0]], tf.constant([2, 2]), 3), [[0, 3], [3, 0]]),
        (tf.sparse_to_dense([0, 2], [3], True, False), [True, False, True]),
        (tf.sparse_to_dense([1], [2], ["b"], ""), [b"", b"b"]),
    ]
    for found, (_, expected) in zip(run_on_both([p[0] for p in pairs]), pairs, strict=True):
        assert found.tolist() == expected
    with tf.Session() as session, pytest.raises(tf.GraphError, match="index 4 is outside"):
        session.run(tf.sparse_to_dense([4], [4], [1.0]))


def test_eye() -> None:
    found = run_on_both([tf.sparse.eye(3), tf.sparse.eye(2, 4, tf.int32), tf.sparse.eye(4, 2)])
    for one, expected in zip(found, (np.eye(3), np.eye(2, 4), np.eye(4, 2)), strict=True):
        np.testing.assert_array_equal(whole_of(one), expected)


# Arranged anew -------------------------------------------------------------------------------------------------


def shuffled(value: Any) -> Any:
    order = RNG.permutation(len(value.values))
    return tf.SparseTensorValue(value.indices[order], value.values[order], value.dense_shape)


@pytest.mark.parametrize("shape", [(3, 4), None])
def test_reorder_and_reshape(shape: Any) -> None:
    value, whole = sparse((3, 4))
    x = tf.sparse_placeholder(tf.float32, shape)
    fetches = [
        tf.sparse_reorder(x),
        tf.sparse_reshape(tf.sparse_reorder(x), [2, -1]),
        tf.sparse_reshape(tf.sparse_reorder(x), tf.constant([2, 3, 2])),
    ]
    if shape:
        assert fetches[1].get_shape().as_list() == [2, 6]
        fetches.append(tf.sparse.expand_dims(tf.sparse_reorder(x), 1))
        fetches.append(tf.sparse.expand_dims(tf.sparse_reorder(x)))
    found = run_on_both(fetches, {x: shuffled(value)})
    for one, size in zip(found, [(3, 4), (2, 6), (2, 3, 2), (3, 1, 4), (3, 4, 1)], strict=False):
        np.testing.assert_array_equal(whole_of(one), whole.reshape(size))
    if shape:
        with pytest.raises(tf.ShapeError, match="12 elements do not fit"):
            tf.sparse_reshape(x, [5, -1])
        with pytest.raises(tf.ShapeError, match="12 elements do not fit"):
            tf.sparse_reshape(x, [5, 2])


def test_transpose_retain_and_reset_shape() -> None:
    value, whole = sparse((2, 3, 4))
    x = tf.SparseTensor.from_value(value)
    large = tf.sparse_retain(x, tf.abs(x.values) > 1)
    fetches = [
        tf.sparse_transpose(x),
        tf.sparse_transpose(x, [1, 0, 2]),
        large,
        tf.sparse_reset_shape(x, [3, 3, 5]),
        tf.sparse_reset_shape(tf.sparse_reset_shape(x, [9, 9, 9])),
    ]
    assert fetches[0].get_shape().as_list() == [4, 3, 2]
    found = [whole_of(v) for v in run_on_both(fetches)]
    np.testing.assert_array_equal(found[0], whole.transpose())
    np.testing.assert_array_equal(found[1], whole.transpose(1, 0, 2))
    np.testing.assert_array_equal(found[2], np.where(np.abs(whole) > 1, whole, 0))
    np.testing.assert_array_equal(found[3], np.pad(whole, [(0, 1), (0, 0), (0, 1)]))
    last = np.argwhere(whole).max(0) + 1
    np.testing.assert_array_equal(found[4], whole[: last[0], : last[1], : last[2]])
    with pytest.raises(tf.ShapeError, match="is smaller than the whole"):
        tf.sparse_reset_shape(x, [2, 2, 4])
    with pytest.raises(tf.ShapeError, match="no order of 3 axes"):
        tf.sparse_transpose(x, [0, 1, 1])


@pytest.mark.parametrize("known", [True, False])
def test_slice_split_and_concat(known: bool) -> None:
    value, whole = sparse((4, 7))
    second, other = sparse((4, 3))
    x = tf.sparse_placeholder(tf.float32, [4, 7] if known else [None, None])
    y = tf.sparse_placeholder(tf.float32, [4, 3] if known else [None, None])
    parts = tf.sparse_split(sp_input=x, num_split=3, axis=1)
    block = tf.sparse_slice(x, [1, 2], [2, 20])
    both = tf.sparse_concat(-1, [x, y, x])
    uneven = tf.sparse_concat(0, [x, y], expand_nonconcat_dim=True)
    found = run_on_both([*parts, block, both, uneven], {x: value, y: second})
    expected = [
        *np.split(whole, [3, 5], axis=1),
        whole[1:3, 2:],
        np.concatenate([whole, other, whole], 1),
        np.concatenate([whole, np.pad(other, [(0, 0), (0, 4)])], 0),
    ]
    for one, array in zip(found, expected, strict=True):
        np.testing.assert_array_equal(whole_of(one), array)
    if known:
        assert [p.get_shape().as_list() for p in parts] == [[4, 3], [4, 2], [4, 2]]
        with pytest.raises(tf.ShapeError, match="axis 1 has sizes 7 and 3"):
            tf.sparse_concat(0, [x, y])
    with pytest.raises(tf.ShapeError, match="axis 2 is outside"):
        tf.sparse_concat(2, [x, y])
    with pytest.raises(TypeError, match="needs sp_input"):
        tf.sparse_split(sp_input=x)


def test_fill_empty_rows() -> None:
    x = tf.sparse_placeholder(tf.int32)
    filled, empty = tf.sparse_fill_empty_rows(x, -3)
    feed = tf.SparseTensorValue([[1, 0], [1, 2], [3, 1]], [5, 6, 7], [5, 3])
    value, rows = run_on_both([filled, empty], {x: feed})
    assert whole_of(value).tolist() == [[-3, 0, 0], [5, 0, 6], [-3, 0, 0], [0, 7, 0], [-3, 0, 0]]
    assert rows.tolist() == [True, False, True, False, True]
    none = tf.SparseTensorValue(np.zeros((0, 2)), np.zeros(0), [2, 2])
    assert run_on_both(filled, {x: none}).values.tolist() == [-3, -3]


def test_merge_and_indicator() -> None:
    ids = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [2, 0]], [3, 1, 0, 3], [3, 2])
    weights = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [2, 0]], [0.5, 0.25, 2.0, 4.0], [3, 2])
    merged, marks = run_on_both([tf.sparse_merge(ids, weights, 4), tf.sparse_to_indicator(ids, 4)])
    expected = np.zeros((3, 4))
    expected[[0, 0, 1, 2], [3, 1, 0, 3]] = [0.5, 0.25, 2, 4]
    np.testing.assert_array_equal(whole_of(merged), expected)
    np.testing.assert_array_equal(marks, expected != 0)
    pairs = tf.sparse_merge([ids, ids], weights, [4, 5])
    assert whole_of(run_on_both(pairs)).shape == (3, 4, 5)


# Computed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_sums_of_two(known: bool) -> None:
    (left, a), (right, b) = sparse((5, 6)), sparse((5, 6))
    x = tf.sparse_placeholder(tf.float32, [5, 6] if known else None)
    y = tf.sparse_placeholder(tf.float32, [5, 6] if known else None)
    fetches = [
        tf.sparse_add(x, y),
        tf.sparse_maximum(x, y),
        tf.sparse_minimum(x, y),
        tf.sparse_add(x, y, 0.7),
        tf.sparse_add(x, tf.constant(b)),
        tf.sparse_add(b, x),
    ]
    found = run_on_both(fetches, {x: left, y: right})
    np.testing.assert_allclose(whole_of(found[0]), a + b, rtol=1e-6)
    assert len(found[0].values) == np.count_nonzero((a != 0) | (b != 0))
    np.testing.assert_array_equal(whole_of(found[1]), np.maximum(a, b))
    np.testing.assert_array_equal(whole_of(found[2]), np.minimum(a, b))
    np.testing.assert_allclose(whole_of(found[3]), np.where(np.abs(a + b) >= 0.7, a + b, 0), rtol=1e-6)
    assert (np.abs(found[3].values) >= 0.7).all()
    np.testing.assert_allclose(found[4], a + b, rtol=1e-6)
    np.testing.assert_allclose(found[5], a + b, rtol=1e-6)
    with pytest.raises(TypeError, match="must be a SparseTensor"):
        tf.sparse_add(a, b)
    with pytest.raises(tf.ShapeError, match="the ranks differ"):
        tf.sparse_add(tf.sparse.eye(2), tf.SparseTensor([[1]], [1.0], [2]))


def test_products_of_matrices() -> None:
    value, whole = sparse((5, 4))
    right, left = RNG.normal(size=(4, 3)).astype("f"), RNG.normal(size=(5, 3)).astype("f")
    x = tf.sparse_placeholder(tf.float32)
    fetches = [
        tf.sparse_tensor_dense_matmul(x, right),
        tf.sparse_tensor_dense_matmul(x, tf.constant(left), adjoint_a=True),
        tf.sparse.matmul(x, right.T.copy(), adjoint_b=True),
    ]
    found = run_on_both(fetches, {x: shuffled(value)})
    for one, expected in zip(found, (whole @ right, whole.T @ left, whole @ right), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(tf.ShapeError, match="4 columns of the sparse matrix, 5 rows"):
        tf.sparse_tensor_dense_matmul(tf.SparseTensor.from_value(value), left)
    with pytest.raises(tf.ShapeError, match="expected two matrices"):
        tf.sparse_tensor_dense_matmul(x, [1.0, 2.0])


@pytest.mark.parametrize("axis", [None, 0, -1, [0, 2], [1, 0]])
def test_reductions(axis: Any) -> None:
    value, whole = sparse((3, 4, 2))
    x = tf.sparse_placeholder(tf.float32, [3, 4, 2])
    over = tuple(range(3)) if axis is None else tuple(np.atleast_1d(axis))
    low = np.where(whole == 0, -np.inf, whole)
    most = np.where(np.isfinite(low.max(over)), low.max(over), 0)
    for keep in (False, True):
        fetches = [
            tf.sparse_reduce_sum(x, axis, keepdims=keep),
            tf.sparse_reduce_max(x, reduction_axes=axis, keep_dims=keep),
            tf.sparse_reduce_sum_sparse(x, axis, keepdims=keep),
            tf.sparse_reduce_max_sparse(x, axis, keepdims=keep),
        ]
        found = run_on_both(fetches, {x: value})
        sums = whole.sum(over, keepdims=keep)
        largest = most.reshape(sums.shape)
        np.testing.assert_allclose(found[0], sums, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found[1], largest)
        if sums.shape:
            np.testing.assert_allclose(whole_of(found[2]), sums, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(whole_of(found[3]), largest)
        assert fetches[0].get_shape().as_list() == list(sums.shape)


def test_reduction_of_all_needs_no_rank() -> None:
    value, whole = sparse((3, 4))
    x = tf.sparse.placeholder(tf.float32)
    np.testing.assert_allclose(run_on_both(tf.sparse.reduce_sum(x), {x: value}), whole.sum(), rtol=1e-5)
    with pytest.raises(tf.ShapeError, match=r"axes \[2\] of a SparseTensor of rank 2"):
        tf.sparse.reduce_max(tf.sparse.eye(2), 2)


def test_softmax() -> None:
    value, whole = sparse((4, 6), 0.6)
    x = tf.SparseTensor.from_value(value)
    powers = np.where(whole == 0, 0, np.exp(whole.astype(np.float64)))
    expected = powers / np.maximum(powers.sum(-1, keepdims=True), 1e-30)
    np.testing.assert_allclose(whole_of(run_on_both(tf.sparse_softmax(x))), expected, rtol=1e-5)
    with pytest.raises(tf.ShapeError, match="expected 2 or more"):
        tf.sparse_softmax(tf.SparseTensor([[1]], [1.0], [2]))


def test_gradients_by_values_and_matrices() -> None:
    value, _ = sparse((4, 3), 0.7, np.float64)
    v = tf.placeholder(tf.float64, value.values.shape)
    x = tf.SparseTensor(value.indices, v, value.dense_shape)
    w = tf.placeholder(tf.float64, [3, 2])
    other, weights = RNG.normal(size=(3, 2)), RNG.normal(size=(4, 3))
    feeds = {v: value.values, w: other}
    product = tf.square(tf.sparse_tensor_dense_matmul(x, w))
    for of in (v, w):
        check_gradient(product, of, feeds, second=True)
    doubled = tf.sparse_add(x, tf.sparse_slice(x * weights, [0, 0], [4, 3]))
    check_gradient(tf.square(tf.sparse_tensor_to_dense(doubled)), v, {v: value.values}, second=True)
    soft = tf.sparse_tensor_to_dense(tf.sparse_softmax(x)) * weights
    check_gradient(soft, v, {v: value.values}, second=True)
    sums = tf.square(tf.sparse_reduce_sum(tf.sparse_transpose(x), 0))
    check_gradient(sums, v, {v: value.values}, second=True)


def test_a_sparse_logistic_regression_learns_and_exports(tmp_path: Path) -> None:
    """A program of the time: rows of few words, a sparse placeholder, and a matrix that is trained."""
    count, words = 40, 12
    whole = (RNG.random((count, words)) < 0.3).astype(np.float32)
    truth = RNG.normal(size=words)
    labels = (whole @ truth > 0).astype(np.float32)
    places = np.argwhere(whole).astype(np.int64)
    x = tf.sparse_placeholder(tf.float32, shape=[count, words], name="x")
    y = tf.placeholder(tf.float32, [count])
    w = tf.Variable(tf.zeros([words, 1]))
    b = tf.Variable(0.0)
    logits = tf.squeeze(tf.sparse_tensor_dense_matmul(x, w), [1]) + b
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
    step = tf.train.AdamOptimizer(0.3).minimize(loss)
    feed = tf.SparseTensorValue(places, np.ones(len(places), np.float32), [count, words])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        first = session.run(loss, {x: feed, y: labels})
        for _ in range(60):
            session.run(step, {x: feed, y: labels})
        assert session.run(loss, {x: feed, y: labels}) < 0.3 * first
        expected = session.run(logits, {x: feed})
        shapes = {"indices": [len(places), 2], "values": [len(places)]}
        tf.export_model(
            {"logits": logits},
            tmp_path / "m.smr",
            inputs={"indices": x.indices, "values": x.values},
            shapes=shapes,
            session=session,
        )
    found = tf.load(tmp_path / "m.smr").run(indices=places, values=feed.values)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_embeddings_of_sparse_numbers() -> None:
    table = RNG.normal(size=(7, 3)).astype(np.float32)
    ids = [[2, 5], [1], [6, 6, 0]]
    heavy = [[1.0, 3.0], [0.5], [2.0, 1.0, 4.0]]
    places = [[r, c] for r, row in enumerate(ids) for c in range(len(row))]
    numbers = tf.SparseTensor(places, [i for row in ids for i in row], [3, 3])
    weights = tf.SparseTensor(places, [v for row in heavy for v in row], [3, 3])
    w = tf.Variable(table)

    def expected(combiner: str, weighted: bool) -> Array:
        rows = []
        for row, factors in zip(ids, heavy, strict=True):
            f = np.asarray(factors if weighted else [1.0] * len(row))
            total = (table[row] * f[:, None]).sum(0)
            by = {"sum": 1, "mean": f.sum(), "sqrtn": np.sqrt((f**2).sum())}[combiner]
            rows.append(total / by)
        return np.asarray(rows)

    for combiner in ("sum", "mean", "sqrtn"):
        for given in (None, weights):
            one = tf.nn.embedding_lookup_sparse(w, numbers, given, combiner=combiner)
            several = tf.nn.embedding_lookup_sparse(
                [tf.constant(table[0::2]), tf.constant(table[1::2])], numbers, given, combiner=combiner
            )
            for found in run_on_both([one, several]):
                np.testing.assert_allclose(found, expected(combiner, given is not None), rtol=1e-5)
    with pytest.raises(ValueError, match="expected one of"):
        tf.nn.embedding_lookup_sparse(w, numbers, None, combiner="max")
    (slope,) = tf.gradients(tf.nn.embedding_lookup_sparse(w, numbers, weights, combiner="sum"), w)
    by_hand = np.zeros_like(table)
    for row, factors in zip(ids, heavy, strict=True):
        for i, f in zip(row, factors, strict=True):
            by_hand[i] += f
    np.testing.assert_allclose(run(slope), by_hand, rtol=1e-6)


def test_safe_embeddings() -> None:
    table = RNG.normal(size=(5, 2)).astype(np.float32)
    ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0], [3, 0]], tf.constant([4, -1, 1, -2]), [5, 2])
    weights = tf.SparseTensor([[0, 0], [0, 1], [2, 0], [3, 0]], [2.0, 1.0, 0.0, 1.0], [5, 2])
    lookup = tf.nn.safe_embedding_lookup_sparse
    cube = tf.SparseTensor([[0, 1, 0], [1, 0, 1]], [3, 2], [2, 2, 2])
    found = run_on_both(
        [
            lookup([tf.constant(table)], ids),
            lookup([tf.constant(table)], ids, default_id=3),
            lookup([tf.constant(table)], ids, weights),
            lookup([tf.constant(table)], cube),
        ]
    )
    zero = np.zeros(2)
    np.testing.assert_allclose(found[0], [table[4], zero, table[1], zero, zero])
    np.testing.assert_allclose(found[1], [table[4], table[3], table[1], table[3], table[3]])
    np.testing.assert_allclose(found[2], [table[4], zero, zero, zero, zero])
    np.testing.assert_allclose(found[3], [[zero, table[3]], [table[2], zero]])


# Sequences -----------------------------------------------------------------------------------------------------


def distance(left: Any, right: Any) -> int:
    """By recursion over the last elements."""
    if not left or not right:
        return len(left) + len(right)
    same = distance(left[:-1], right[:-1]) + (left[-1] != right[-1])
    return min(same, distance(left[:-1], right) + 1, distance(left, right[:-1]) + 1)


def rows_of(texts: list[str]) -> Any:
    places = [[r, c] for r, text in enumerate(texts) for c in range(len(text))]
    return tf.SparseTensor(
        np.asarray(places, np.int64).reshape(-1, 2), list("".join(texts)), [len(texts), max(map(len, texts))]
    )


def test_edit_distance() -> None:
    left, right = ["kitten", "abc", "", "same", ""], ["sitting", "", "xy", "same", ""]
    plain = [float(distance(a, b)) for a, b in zip(left, right, strict=True)]
    divided = [3 / 7, np.inf, 1.0, 0.0, 0.0]
    assert plain == [3, 3, 2, 0, 0]
    a, b = rows_of(left), rows_of(right)
    found = run_on_both([tf.edit_distance(a, b), tf.edit_distance(a, b, normalize=False)])
    np.testing.assert_allclose(found, [divided, plain])
    numbers = [
        tf.SparseTensor([[0, 0, 0], [1, 1, 0], [1, 1, 1]], values, [2, 2, 2])
        for values in ([1, 2, 3], [1, 2, 4])
    ]
    np.testing.assert_allclose(run_on_both(tf.edit_distance(*numbers)), [[0, 0], [0, 0.5]])
    with pytest.raises(TypeError, match="expected string"):
        tf.edit_distance(a, numbers[0])
    with pytest.raises(tf.ShapeError, match="different ranks"):
        tf.edit_distance(numbers[0], tf.SparseTensor([[0]], [1], [2]))


def test_branches_and_loops_give_sparse_tensors() -> None:
    which, count = tf.placeholder(tf.bool, []), tf.placeholder(tf.int32, [])
    value, whole = sparse((3, 4))
    x = tf.SparseTensor.from_value(value)
    chosen = tf.cond(which, lambda: tf.sparse_transpose(x), lambda: tf.sparse_reshape(x, [4, 3]))
    assert isinstance(chosen, tf.SparseTensor)
    for truth, expected in ((True, whole.T), (False, whole.reshape(4, 3))):
        np.testing.assert_array_equal(whole_of(run_on_both(chosen, {which: truth, count: 0})), expected)
    _, doubled = tf.while_loop(lambda i, s: i < count, lambda i, s: (i + 1, tf.sparse_add(s, s)), (0, x))
    np.testing.assert_allclose(whole_of(run_on_both(doubled, {count: 3})), whole * 8, rtol=1e-6)
