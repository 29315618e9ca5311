"""Functions of numbers, against numpy and Python's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs._run import check_gradient, run

GENERATOR = np.random.default_rng(2)
X = GENERATOR.uniform(0.2, 3, (3, 4))
SMALL = GENERATOR.uniform(-0.9, 0.9, (3, 4))


def placeholder(shape: Any) -> Any:
    return tf.placeholder(tf.float64, shape)


def digamma(x: float) -> float:
    """The limit of log(n) - 1/x - ... - 1/(x + n), with the terms that are left."""
    n = 4000
    return math.log(x + n) - 0.5 / (x + n) - 1 / (12 * (x + n) ** 2) - sum(1 / (x + i) for i in range(n))


@pytest.mark.parametrize(
    ("name", "oracle", "data"),
    [
        ("lgamma", np.vectorize(math.lgamma), X),
        ("lgamma", np.vectorize(math.lgamma), np.array([-2.5, -0.25, 1e-8, 0.5, 9.0, 50.0, 1e5 + 1, 1e12])),
        ("digamma", np.vectorize(digamma), X),
        (
            "digamma",
            lambda x: np.vectorize(digamma)(1 - x) - np.pi / np.tan(np.pi * x),
            np.array([-2.5, -0.25, 0.3]),
        ),
        (
            "erfc",
            np.vectorize(math.erfc),
            np.array([-6.0, -1.5, -0.5, 0.0, 0.9, 1.0, 1.1, 2.5, 5.0, 10.0, 25.0]),
        ),
        ("asinh", np.arcsinh, SMALL),
        ("acosh", np.arccosh, 1 + X),
        ("atanh", np.arctanh, SMALL),
        ("log_sigmoid", lambda x: np.log(1 / (1 + np.exp(-x))), SMALL),
    ],
)
def test_functions(name: str, oracle: Any, data: Any) -> None:
    x = placeholder(data.shape)
    y = getattr(tf, name)(x)
    np.testing.assert_allclose(run(y, {x: data}), oracle(data), rtol=1e-11, atol=1e-13)
    if np.abs(data).max() < 30:
        check_gradient(y, x, {x: data}, second=True, tolerance=2e-5)
    single = tf.placeholder(tf.float32, data.shape)
    wide = oracle(data.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(run(getattr(tf, name)(single), {single: data}), wide, rtol=1e-6, atol=1e-7)


def test_polygamma_and_lbeta() -> None:
    x = placeholder([3, 4])
    for order in (1, 2, 3):
        n = np.arange(200000.0)
        terms = math.factorial(order) * (-1) ** (order + 1) * (X[..., None] + n) ** -(order + 1.0)
        tail = math.factorial(order) * (-1) ** (order + 1) * (X + 200000 - 0.5) ** -float(order) / order
        found = run(tf.polygamma(order, x), {x: X})
        np.testing.assert_allclose(found, terms.sum(-1) + tail, rtol=1e-9)
        check_gradient(tf.polygamma(order, x), x, {x: X}, tolerance=2e-4)
    lgamma = np.vectorize(math.lgamma)
    y = tf.lbeta(x)
    np.testing.assert_allclose(run(y, {x: X}), lgamma(X).sum(-1) - lgamma(X.sum(-1)))
    check_gradient(y, x, {x: X}, second=True, tolerance=2e-5)


def test_reductions() -> None:
    x = placeholder([3, 4])
    for made, expected in (
        (tf.reduce_logsumexp(x, 1), np.log(np.exp(X).sum(1))),
        (tf.reduce_logsumexp(x, keepdims=True), np.log(np.exp(X).sum(keepdims=True))),
        (
            tf.reduce_logsumexp(x, reduction_indices=[0], keep_dims=True),
            np.log(np.exp(X).sum(0, keepdims=True)),
        ),
        (tf.reduce_variance(x, 0), X.var(0)),
        (tf.reduce_std(x, 1, keepdims=True), X.std(1, keepdims=True)),
        (tf.reduce_euclidean_norm(x, 1), np.linalg.norm(X, axis=1)),
        (tf.clip_by_average_norm(x, 0.1), X * 0.1 / (np.linalg.norm(X) / 12)),
        (tf.accumulate_n([x, 2 * x, x], shape=[3, 4]), 4 * X),
        (tf.add_n([x, x]), 2 * X),
        (tf.scalar_mul(3, x), 3 * X),
    ):
        np.testing.assert_allclose(run(made, {x: X}), expected)
        check_gradient(tf.sin(made), x, {x: X}, second=True)
    huge = np.array([1000.0, 1000.0, -np.inf], np.float32)
    np.testing.assert_allclose(run(tf.reduce_logsumexp(huge)), 1000 + np.log(2), rtol=1e-6)
    assert run(tf.reduce_logsumexp(np.array([-np.inf, -np.inf]))) == -np.inf


def test_quotients() -> None:
    a, b = np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)
    np.testing.assert_array_equal(run(tf.truncatediv(a, b)), [3, -3, -3, 3])
    np.testing.assert_array_equal(run(tf.truncatemod(a, b)), np.fmod(a, b))
    np.testing.assert_array_equal(run(tf.floor_mod(a, b)), np.mod(a, b))
    np.testing.assert_array_equal(run(tf.truncatediv(a * 1.5, b * 1.0)), np.trunc(a * 1.5 / b))
    x, y = np.array([1.0, 0.0, 3.0, 0.0]), np.array([2.0, 0.0, 0.0, 5.0])
    t = placeholder([4])
    np.testing.assert_allclose(run(tf.div_no_nan(x, t), {t: y}), [0.5, 0, 0, 0])
    np.testing.assert_allclose(run(tf.xdivy(t, y), {t: x}), [0.5, 0, np.inf, 0])
    np.testing.assert_allclose(run(tf.xlogy(t, y), {t: x}), [np.log(2), 0, -np.inf, 0])
    np.testing.assert_allclose(
        run(tf.multiply_no_nan(np.array([np.nan, 2, np.inf, 1]), t), {t: [0, 3, 0, 1]}), [0, 6, 0, 1]
    )
    for made in (tf.div_no_nan(x, t), tf.multiply_no_nan(x, t)):
        assert np.isfinite(run(tf.gradients(made, t)[0], {t: y})).all()
    safe = {t: np.array([1.0, 2.0, 3.0, 4.0])}
    for made in (tf.div_no_nan(x, t), tf.xdivy(t, np.arange(1.0, 5.0)), tf.xlogy(t, np.arange(1.0, 5.0))):
        check_gradient(tf.square(made), t, safe, second=True)


def test_bits() -> None:
    a, b = np.array([12, 10, -1], np.int16), np.array([10, 3, 5], np.int16)
    for name, expected in {
        "bitwise_and": a & b,
        "bitwise_or": a | b,
        "bitwise_xor": a ^ b,
        "left_shift": a << b,
        "right_shift": a >> b,
    }.items():
        np.testing.assert_array_equal(run(getattr(tf.bitwise, name)(a, b)), expected)
    np.testing.assert_array_equal(run(tf.bitwise.invert(a)), ~a)


def test_conversions() -> None:
    x = tf.constant([1.7, -2.5, 300.0])
    assert [run(f(x)).dtype for f in (tf.to_double, tf.to_int64)] == [np.float64, np.int64]
    np.testing.assert_array_equal(run(tf.to_int64(x)), [1, -2, 300])
    np.testing.assert_array_equal(run(tf.saturate_cast(x, tf.uint8)), [1, 0, 255])
    np.testing.assert_array_equal(run(tf.saturate_cast([-5, 70000, 7], tf.int16)), [-5, 32767, 7])
    np.testing.assert_array_equal(run(tf.approximate_equal([1.0, 2.0], [1.0000001, 2.1])), [True, False])
    found = run(tf.identity_n([x, [1]]))
    np.testing.assert_array_equal(found[1], [1])


@pytest.mark.parametrize(
    "other", [2.0, np.float64(2.0), np.array([2.0, 3.0])], ids=["number", "numpy", "array"]
)
def test_operators_on_either_side(other: Any) -> None:
    data = np.array([1.5, -2.5])
    x = placeholder([2])
    for found, expected in (
        (x + other, data + other),
        (other + x, other + data),
        (x - other, data - other),
        (other - x, other - data),
        (x * other, data * other),
        (other * x, other * data),
        (x / other, data / other),
        (other / x, other / data),
        (x // other, data // other),
        (other // x, other // data),
        (x % other, data % other),
        (other % x, other % data),
        (abs(x) ** other, abs(data) ** other),
        (other**x, other**data),
        (x < other, data < other),
        (other < x, other < data),
        (x >= other, data >= other),
        (other >= x, other >= data),
        (-x, -data),
        (abs(x), abs(data)),
    ):
        assert isinstance(found, tf.Tensor)
        np.testing.assert_allclose(run(found, {x: data}), expected)
    flags = tf.constant([True, False])
    for found, expected in (
        (flags & True, [True, False]),
        (np.array([True, True]) & flags, [True, False]),
        (flags | np.array([False, True]), [True, True]),
        (True ^ flags, [False, True]),
        (~flags, [False, True]),
    ):
        np.testing.assert_array_equal(run(found), expected)
    square = np.array([[1.0, 2.0], [3.0, 4.0]])
    m = placeholder([2, 2])
    np.testing.assert_allclose(run(m @ square, {m: square}), square @ square)
    np.testing.assert_allclose(run(square @ m, {m: square}), square @ square)


def test_element_types_say_their_limits() -> None:
    assert (tf.int8.max, tf.int8.min, tf.float32.max) == (127, -128, np.finfo(np.float32).max)
    assert tf.float32.base_dtype is tf.float32
    assert tf.bool.is_bool
    assert not tf.int32.is_bool
    with pytest.raises(TypeError, match="no least"):
        _ = tf.bool.max


def test_arguments_of_gradients() -> None:
    x, z = placeholder([2]), placeholder([2])
    y = tf.square(x)
    found = tf.gradients(y, [x, z], [[2.0, 3.0]], "g", True, True, None, None, "zero")
    np.testing.assert_array_equal(run(found, {x: [1, 2], z: [0, 0]}), [[4, 12], [0, 0]])
    assert tf.gradients(y, [x, z])[1] is None
    (stopped,) = tf.gradients(y * tf.sin(x), x, stop_gradients=[y])
    np.testing.assert_allclose(run(stopped, {x: [1, 2]}), [1, 4] * np.cos([1, 2]))
    with pytest.raises(ValueError, match="expected 'none' or 'zero'"):
        tf.gradients(y, x, unconnected_gradients="ones")
    assert run(tf.argmax([1, 3, 2], axis=None)) == 1


def test_hessians() -> None:
    x, w = placeholder([3]), placeholder([2, 2])
    a = GENERATOR.uniform(-1, 1, (3, 3))
    y = (
        tf.reduce_sum(tf.tensordot(x, tf.tensordot(a, x, 1), 1))
        + tf.reduce_sum(x**3.0)
        + tf.reduce_sum(tf.sin(w))
    )
    first, second = tf.hessians(y, [x, w])
    data = GENERATOR.uniform(-1, 1, 3)
    angles = GENERATOR.uniform(-1, 1, (2, 2))
    found = run([first, second], {x: data, w: angles})
    np.testing.assert_allclose(found[0], a + a.T + np.diag(6 * data))
    expected = np.zeros((2, 2, 2, 2))
    for i, k in np.ndindex(2, 2):
        expected[i, k, i, k] = -np.sin(angles[i, k])
    np.testing.assert_allclose(found[1], expected)
    with pytest.raises(ValueError, match="not known"):
        tf.hessians(tf.reduce_sum(placeholder([None])), placeholder([None]))
