"""TensorArrays: all methods, in loops and branches, and gradients through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, ShapeError
from tests.graph.programs._run import check_gradient

GENERATOR = np.random.default_rng(11)
X = GENERATOR.uniform(-1, 1, (5, 3))


def run(fetches: Any, feeds: Any = None) -> Any:
    """The values on numpy, which torch gives too."""
    found = []
    for backend in ("numpy", "torch"):
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            found.append(session.run(fetches, feeds))
    leaves = [np.asarray(v) for v in found[0]] if isinstance(found[0], list) else [np.asarray(found[0])]
    others = [np.asarray(v) for v in found[1]] if isinstance(found[1], list) else [np.asarray(found[1])]
    for one, other in zip(leaves, others, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-12)
    return found[0]


def x64(shape: Any) -> Any:
    return tf.placeholder(tf.float64, shape)


def test_known_numbers_make_a_list() -> None:
    x = x64([3])
    array = tf.TensorArray(tf.float64, 3)
    array = array.write(0, x).write(2, x * 2).write(tf.constant(1), x - 1)
    v = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(run(array.stack(), {x: v}), [v, v - 1, v * 2])
    np.testing.assert_array_equal(run(array.pack(), {x: v}), [v, v - 1, v * 2])
    np.testing.assert_array_equal(run(array.concat(), {x: v}), np.concatenate([v, v - 1, v * 2]))
    np.testing.assert_array_equal(run(array.read(2), {x: v}), v * 2)
    np.testing.assert_array_equal(run(array.gather([2, 0]), {x: v}), [v * 2, v])
    assert run(array.size()) == 3
    assert array.dtype is tf.float64
    assert array.element_shape.as_list() == [3]
    assert not array.dynamic_size
    # A list writes no array.
    assert not {"dynamic_update_slice", "array_write"} & {op.type for op in array.flow.graph.operations}
    assert array.close().type == "no_op"


def test_numbers_that_are_data() -> None:
    x, i = x64([None, 3]), tf.placeholder(tf.int32, [])
    array = tf.TensorArray(tf.float64, size=tf.shape(x)[0], clear_after_read=False).unstack(x)
    changed = array.write(i, x[0] + 10)
    feeds = {x: X, i: 3}
    wanted = X.copy()
    wanted[3] = X[0] + 10
    np.testing.assert_array_equal(run(changed.stack(), feeds), wanted)
    np.testing.assert_array_equal(run([array.read(i), changed.read(i)], feeds), [X[3], X[0] + 10])
    np.testing.assert_array_equal(run(changed.gather([i, i - 1]), feeds), wanted[[3, 2]])
    np.testing.assert_array_equal(run(changed.concat(), feeds), wanted.ravel())
    assert run(changed.size(), feeds) == 5
    for y in (changed.stack(), changed.read(i) * changed.read(0), changed.gather([i, 0]), changed.concat()):
        check_gradient(tf.square(y), x, feeds, second=True)
    with pytest.raises(GraphError, match="index 5 is outside"):
        run(array.read(i), {x: X, i: 5})


def test_scatter_and_unstack_leave_the_rest() -> None:
    x = x64([2, 3])
    array = tf.TensorArray(tf.float64, 4).scatter([3, 1], x)
    wanted = np.zeros((4, 3))
    wanted[[3, 1]] = X[:2]
    np.testing.assert_array_equal(run(array.stack(), {x: X[:2]}), wanted)
    more = array.unstack(x * 2)
    wanted[:2] = X[:2] * 2
    np.testing.assert_array_equal(run(more.stack(), {x: X[:2]}), wanted)
    assert run(more.size()) == 4
    check_gradient(tf.square(more.stack()), x, {x: X[:2]}, second=True)
    grown = tf.TensorArray(tf.float64, 0, dynamic_size=True).scatter([4], x[:1])
    np.testing.assert_array_equal(run(grown.stack(), {x: X[:2]}), [*np.zeros((4, 3)), X[0]])
    assert run(grown.size(), {x: X[:2]}) == 5
    np.testing.assert_array_equal(
        run(tf.TensorArray(tf.float64, 0, dynamic_size=True).unpack(x).stack(), {x: X[:2]}), X[:2]
    )
    with pytest.raises(ShapeError, match="has 1 elements"):
        tf.TensorArray(tf.float64, 1).unstack(x)


@pytest.mark.parametrize("known", [True, False])
def test_split_and_concat_of_different_lengths(known: bool) -> None:
    x, lengths = x64([None, 3]), tf.placeholder(tf.int64, [3])
    given: Any = [1, 0, 4] if known else lengths
    parts = tf.TensorArray(tf.float64, 3, infer_shape=False).split(x, given)
    feeds = {x: X, lengths: [1, 0, 4]}
    for number, wanted in enumerate((X[:1], X[1:1], X[1:])):
        np.testing.assert_array_equal(run(parts.read(number), feeds), wanted)
    turned = tf.TensorArray(tf.float64, 3, infer_shape=False)
    for number in range(3):
        turned = turned.write(number, parts.read(2 - number) * (number + 1.0))
    np.testing.assert_array_equal(run(turned.concat(), feeds), [*X[1:], *X[:1] * 3])
    check_gradient(tf.square(turned.concat()), x, feeds, second=True)
    with pytest.raises(ShapeError, match="how many parts"):
        parts.split(x, tf.placeholder(tf.int32, [None]))


def test_writes_in_a_loop() -> None:
    """The shape of the elements is known from what the body writes, and what a step reads was written before."""
    x, w = x64([None, 3]), x64([3, 3])
    count = tf.shape(x)[0]

    def step(i: Any, held: Any, made: Any) -> Any:
        held = tf.tanh(tf.squeeze(tf.matmul(held[tf.newaxis], w), 0) + x[i])
        return i + 1, held, made.write(i, held * 2)

    array = tf.TensorArray(tf.float64, size=count)
    _, _, array = tf.while_loop(lambda i, *_: i < count, step, (0, tf.zeros([3], tf.float64), array))
    y = array.stack()
    assert y.get_shape().as_list() == [None, 3]
    assert array.element_shape.as_list() == [3]
    weights = GENERATOR.uniform(-0.5, 0.5, (3, 3))
    feeds = {x: X, w: weights}
    held, wanted = np.zeros(3), []
    for row in X:
        held = np.tanh(held @ weights + row)
        wanted.append(held * 2)
    np.testing.assert_allclose(run(y, feeds), wanted)
    for source in (x, w):
        check_gradient(tf.square(y), source, feeds, second=True)
    run([tf.gradients(y, [x, w])[1]], feeds)
    # The elements before the loop are zeros, and no step means none.
    assert run(y, {x: np.zeros((0, 3)), w: weights}).shape == (0, 3)


def test_a_fibonacci_of_reads_and_writes() -> None:
    x = x64([2])
    array = tf.TensorArray(tf.float64, 8, clear_after_read=False).write(0, x[0]).write(1, x[1])
    _, array = tf.while_loop(
        lambda i, a: i < 8, lambda i, a: (i + 1, a.write(i, a.read(i - 1) * a.read(i - 2))), (2, array)
    )
    v = [1.1, 0.9]
    for _ in range(6):
        v.append(v[-1] * v[-2])
    np.testing.assert_allclose(run(array.stack(), {x: v[:2]}), v)
    check_gradient(array.stack(), x, {x: v[:2]}, second=True)


@pytest.mark.parametrize("size", [0, 2])
def test_an_array_that_grows(size: int) -> None:
    x, limit = x64([3]), x64([])

    def step(i: Any, held: Any, array: Any) -> Any:
        return i + 1, held * 1.5, array.write(i, held)

    array = tf.TensorArray(tf.float64, size=size, dynamic_size=True)
    steps, _, array = tf.while_loop(lambda i, h, a: tf.reduce_sum(h) < limit, step, (0, x, array))
    y = array.stack()
    assert y.get_shape().as_list() == [None, 3]
    v = np.array([1.0, 0.5, 0.25])
    wanted = [v * 1.5**k for k in range(5)]
    np.testing.assert_allclose(run(y, {x: v, limit: 9.0}), wanted)
    assert run([steps, array.size()], {x: v, limit: 9.0}) == [5, 5]
    check_gradient(tf.square(y), x, {x: v, limit: 9.0}, second=True)
    assert run(y, {x: v, limit: 0.0}).shape == (size, 3)


def test_arrays_in_nested_structures_and_branches() -> None:
    x = x64([None])
    count = tf.size(x)

    def step(i: Any, held: Any) -> Any:
        even, (odd, total) = held["even"], held["rest"]
        even, odd = tf.cond(
            tf.equal(i % 2, 0),
            lambda: (even.write(i // 2, x[i]), odd),
            lambda: (even, odd.write(i // 2, -x[i])),
        )
        return i + 1, {"even": even, "rest": (odd, total + x[i])}

    arrays = [tf.TensorArray(tf.float64, (count + 1) // 2, name=n) for n in ("even", "odd")]
    zero = tf.constant(0.0, tf.float64)
    _, held = tf.while_loop(lambda i, _: i < count, step, (0, {"even": arrays[0], "rest": (arrays[1], zero)}))
    even, (odd, total) = held["even"], held["rest"]
    v = X[:, 0]
    found = run([even.stack(), odd.stack(), total], {x: v})
    np.testing.assert_array_equal(found[0], v[::2])
    np.testing.assert_array_equal(found[1], [*-v[1::2], 0])
    np.testing.assert_allclose(found[2], v.sum())
    check_gradient(tf.square(even.stack()) * (odd.stack() + 2), x, {x: v}, second=True)
    with pytest.raises(TypeError, match="TensorArray of one function"):
        tf.cond(x[0] > 0, lambda: even, lambda: zero)
    with pytest.raises(TypeError, match="loop variable 1"):
        tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a.read(0)), (0, even))


def test_elements_whose_size_only_the_body_tells() -> None:
    """How many numbers are kept is data; each element must have as many."""
    x = x64([4, None])
    mask = tf.placeholder(tf.bool, [None])
    _, array = tf.while_loop(
        lambda i, a: i < 4,
        lambda i, a: (i + 1, a.write(i, tf.boolean_mask(x[i] * 2, mask))),
        (0, tf.TensorArray(tf.float64, 4)),
    )
    feeds = {x: X[:4], mask: [True, False, True]}
    np.testing.assert_array_equal(run(array.stack(), feeds), X[:4][:, [0, 2]] * 2)
    check_gradient(tf.square(array.stack()), x, feeds)


def test_identity_waits_and_other_arrays_are_made_of_handles() -> None:
    v = tf.Variable(1.0)
    array = tf.TensorArray(tf.float32, 2, element_shape=[2])
    with tf.control_dependencies([tf.assign(v, 3.0)]):
        waiting = array.write(0, [1.0, 2.0]).identity()
    same = tf.TensorArray(tf.float32, handle=waiting.handle, flow=waiting.flow)
    with tf.Session() as session:
        session.run(v.initializer)
        assert same.size().eval() == 2
        np.testing.assert_array_equal(session.run(same.read(0)), [1, 2])
        assert session.run(v) == 3
        np.testing.assert_array_equal(session.run(array.stack()), np.zeros((2, 2)))


def test_writes_to_an_array_of_gradients_add_up() -> None:
    i = tf.placeholder(tf.int32, [])
    array = tf.TensorArray(tf.float64, 3).unstack(x64([3, 2]))
    made = array.grad("mine").write(i, [1.0, 2.0]).write(i, [3.0, 4.0]).write(0, [1.0, 1.0])
    np.testing.assert_array_equal(
        run(made.stack(), {i: 2, array.flow: np.ones((3, 2))}), [[1, 1], [0, 0], [4, 6]]
    )


def test_what_does_not_fit_is_refused() -> None:
    array = tf.TensorArray(tf.float32, 2)
    with pytest.raises(IndexError, match="2 elements and no number 2"):
        array.write(2, 1.0)
    with pytest.raises(IndexError, match="no number -1"):
        array.read(-1)
    with pytest.raises(GraphError, match="give element_shape"):
        array.stack()
    with pytest.raises(ShapeError, match=r"\[3\] in an array of elements of shape \[2\]"):
        array.write(0, [1.0, 2.0]).write(1, [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="int32"):
        array.write(0, tf.constant(1))
    with pytest.raises(ValueError, match="needs a size"):
        tf.TensorArray(tf.float32)
    with pytest.raises(ShapeError, match="scalars"):
        tf.TensorArray(tf.float32, 1).write(0, 1.0).concat()
    with pytest.raises(ShapeError, match="scalar"):
        array.unstack(1.0)
    assert "float32" in repr(array)


def test_an_element_of_another_shape_is_an_error_of_the_run() -> None:
    x = x64([4])
    _, array = tf.while_loop(
        lambda i, a: i < 3,
        lambda i, a: (i + 1, a.write(i, tf.boolean_mask(x, x > tf.cast(i, tf.float64)))),
        (0, tf.TensorArray(tf.float64, 3)),
    )
    with pytest.raises(GraphError, match=r"shape \[2\] in an array of elements of shape \[3\]"):
        run(array.stack(), {x: [0.5, 1.5, 2.5, -1.0]})


def test_texts() -> None:
    x = tf.placeholder(tf.string, [None])
    count = tf.size(x)
    _, array = tf.while_loop(
        lambda i, a: i < count,
        lambda i, a: (i + 1, a.write(i, x[count - 1 - i])),
        (0, tf.TensorArray(tf.string, count)),
    )
    _, grown = tf.while_loop(
        lambda i, a: i < count,
        lambda i, a: (i + 1, a.write(i, array.read(i))),
        (0, tf.TensorArray(tf.string, 0, dynamic_size=True)),
    )
    for backend in ("numpy", "torch"):
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            found = session.run([array.stack(), grown.stack()], {x: ["a", "bc"]})
        assert [list(f) for f in found] == [[b"bc", b"a"]] * 2
