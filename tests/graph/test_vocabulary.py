"""TensorFlow 1's names: what each computes, old spellings, and a listing that runs as it stands."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ShapeError
from samara.graph import names

X = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, -0.75]], np.float32)
Y = np.array([2.0, -0.5, 3.0], np.float32)
WHOLE = np.array([[7, -7, 5], [3, 4, -9]], np.int32)
B = np.array([[True, False, True], [False, False, True]])


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


UNARY: dict[str, Any] = {
    "abs": np.abs,
    "negative": np.negative,
    "neg": np.negative,
    "sign": np.sign,
    "square": np.square,
    "exp": np.exp,
    "expm1": np.expm1,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "erf": np.vectorize(math.erf),
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "atan": np.arctan,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "rint": np.round,
    "reciprocal": np.reciprocal,
    "inv": np.reciprocal,
    "sigmoid": sigmoid,
    "is_nan": np.isnan,
    "is_inf": np.isinf,
    "is_finite": np.isfinite,
    "identity": np.array,
    "stop_gradient": np.array,
}
SMALL = {"asin": np.arcsin, "acos": np.arccos}
POSITIVE = {"sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "log": np.log, "log1p": np.log1p}
BINARY: dict[str, Any] = {
    "add": np.add,
    "subtract": np.subtract,
    "sub": np.subtract,
    "multiply": np.multiply,
    "mul": np.multiply,
    "divide": np.divide,
    "div": np.divide,
    "truediv": np.divide,
    "realdiv": np.divide,
    "floordiv": np.floor_divide,
    "floor_div": np.floor_divide,
    "mod": np.mod,
    "floormod": np.mod,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "squared_difference": lambda x, y: (x - y) ** 2,
    "atan2": np.arctan2,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}


@pytest.mark.parametrize("name", sorted(UNARY | POSITIVE | SMALL))
def test_unary(name: str) -> None:
    x = np.abs(X) if name in POSITIVE else X / 4 if name in SMALL else X
    y = getattr(tf, name)(x, name="it")
    assert y.op.name == "it"
    np.testing.assert_allclose(run(y), (UNARY | POSITIVE | SMALL)[name](x), rtol=1e-5)


@pytest.mark.parametrize("name", sorted(BINARY))
def test_binary(name: str) -> None:
    variable = tf.Variable(Y)
    for left, right in ((tf.constant(X), Y), (X, variable)):
        found = run(getattr(tf, name)(left, right))
        np.testing.assert_allclose(found, BINARY[name](X, Y), rtol=1e-5)
    assert getattr(tf, name)(X, Y, name="it").op.name == "it"


def test_power_and_logic() -> None:
    np.testing.assert_allclose(run(tf.pow(np.abs(X), 2.5)), np.abs(X) ** 2.5, rtol=1e-5)
    for name in ("logical_and", "logical_or", "logical_xor"):
        np.testing.assert_array_equal(run(getattr(tf, name)(B, ~B[:1])), getattr(np, name)(B, ~B[:1]))
    np.testing.assert_array_equal(run(tf.logical_not(B)), ~B)


def test_division_of_integers() -> None:
    quotient = run(tf.divide(WHOLE, 2))
    assert quotient.dtype == np.float32
    np.testing.assert_array_equal(quotient, WHOLE / 2)
    np.testing.assert_array_equal(run(tf.constant(WHOLE) / 2), WHOLE / 2)
    for found in run([tf.div(WHOLE, 2), tf.floordiv(WHOLE, 2), tf.constant(WHOLE) // 2]):
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, WHOLE // 2)


def test_python_operators() -> None:
    x, i, b = tf.constant(X), tf.constant(WHOLE), tf.constant(B)
    pairs = [
        (1 - x, 1 - X),
        (2 / x, 2 / X),
        (x**2, X**2),
        (2.0**x, 2.0**X),
        (-x, -X),
        (abs(x), abs(X)),
        (i % 4, WHOLE % 4),
        (17 // i, 17 // WHOLE),
        (x > 0, X > 0),
        (x <= Y, X <= Y),
        (b & ~b, B & ~B),
        (b | True, B | True),
        (b ^ B, B ^ B),
        (x @ X.T, X @ X.T),
        (Y + x, X + Y),
        (Y * tf.Variable(X), X * Y),
        (x[1, ::-1], X[1, ::-1]),
        (x[..., None, 1:], X[..., None, 1:]),
    ]
    for found, expected in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_tensor_is_no_condition() -> None:
    with pytest.raises(TypeError, match="no value while the graph is built"):
        bool(tf.constant(1.0) > 0)


# Values -----------------------------------------------------------------------------------------------------------


def test_dtypes() -> None:
    assert tf.as_dtype("float") is tf.float32
    assert tf.as_dtype(np.int64) is tf.int64
    assert (tf.double, tf.half) == (tf.float64, tf.float16)
    assert tf.placeholder("float").dtype is tf.float32
    assert tf.constant(1).dtype is tf.int32
    assert tf.constant([1.5]).dtype is tf.float32
    assert tf.constant(np.float64(1.5)).dtype is tf.float64
    assert tf.constant(True).dtype is tf.bool
    assert tf.constant(1, tf.float16).dtype is tf.float16
    for whole in (2**31, -(2**31) - 1, 2**40, -(2**63)):
        assert tf.constant(whole).dtype is tf.int64
        assert run(tf.constant(whole)) == whole
    assert tf.constant([2**31 - 1, -(2**31)]).dtype is tf.int32
    with pytest.raises(TypeError, match="complex64"):
        tf.as_dtype(np.complex64)


def test_values() -> None:
    pairs = [
        (tf.constant(3, shape=[2, 2]), np.full((2, 2), 3)),
        (tf.constant([1, 2, 3, 4], shape=[2, 2]), [[1, 2], [3, 4]]),
        (tf.zeros([2, 3]), np.zeros((2, 3))),
        (tf.ones([2], tf.int32), [1, 1]),
        (tf.fill([2, 2], 5.0), np.full((2, 2), 5)),
        (tf.zeros_like(WHOLE), np.zeros_like(WHOLE)),
        (tf.ones_like(X, dtype=tf.int64), np.ones((2, 3))),
        (tf.linspace(0.0, 1.0, 5), np.linspace(0, 1, 5)),
        (tf.range(4), [0, 1, 2, 3]),
        (tf.range(1, 2, 0.25), [1, 1.25, 1.5, 1.75]),
        (tf.range(5, 0, -2), [5, 3, 1]),
        (tf.fill(tf.shape(X), 2), np.full((2, 3), 2)),
    ]
    for found, expected in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(found, expected)
    assert tf.zeros([3], name="nothing").op.name == "nothing"


def test_lists_may_hold_tensors() -> None:
    x = tf.placeholder(tf.float32, [None, 6])
    y = tf.reshape(x, [tf.shape(x)[0] * 2, 3])
    assert run(y, {x: np.zeros((2, 6))}).shape == (4, 3)
    n = tf.constant(3, tf.int64)
    assert tf.stack([n, 4]).dtype is tf.int64
    assert run(tf.constant([1, 2]) + [n_ for n_ in tf.unstack(tf.constant([5, 6]))]).tolist() == [6, 8]


def test_random_values() -> None:
    tf.set_random_seed(4)
    normal, uniform = tf.random_normal([2000], 1.0, 2.0), tf.random_uniform([2000], -1, 3)
    cut = tf.truncated_normal([2000], stddev=0.5)
    a, b, c = run([normal, uniform, cut])
    assert abs(a.mean() - 1) < 0.2
    assert abs(a.std() - 2) < 0.2
    assert b.min() >= -1
    assert b.max() < 3
    assert np.abs(c).max() <= 1
    np.testing.assert_array_equal(run(normal), run(normal))


# Shapes and selection ---------------------------------------------------------------------------------------------


def test_shapes_and_selection() -> None:
    pairs = [
        (tf.shape(X), [2, 3]),
        (tf.size(X), 6),
        (tf.rank(X), 2),
        (tf.reshape(X, [3, -1]), X.reshape(3, 2)),
        (tf.transpose(X), X.T),
        (tf.transpose(X[None], [2, 0, 1]), X[None].transpose(2, 0, 1)),
        (tf.expand_dims(X, 1), X[:, None]),
        (tf.expand_dims(X, dim=-1), X[..., None]),
        (tf.squeeze(X[None, :, None]), X),
        (tf.squeeze(X[None, :, None], [2]), X[None]),
        (tf.squeeze(X[None], squeeze_dims=[0]), X),
        (tf.concat([X, X], 1), np.concatenate([X, X], 1)),
        (tf.concat(0, [X, X]), np.concatenate([X, X])),
        (tf.stack([X, X], axis=1), np.stack([X, X], 1)),
        (tf.pack([X, X]), np.stack([X, X])),
        (tf.split(X, 3, 1)[2], X[:, 2:]),
        (tf.split(X, [1, -1], 1)[1], X[:, 1:]),
        (tf.unstack(X)[1], X[1]),
        (tf.unpack(X, axis=1)[2], X[:, 2]),
        (tf.slice(X, [0, 1], [2, -1]), X[:, 1:]),
        (tf.strided_slice(X, [0, 2], [2, 0], [1, -1]), X[:, 2:0:-1]),
        (tf.pad(X, [[1, 0], [0, 2]]), np.pad(X, [(1, 0), (0, 2)])),
        (tf.pad(X, [[0, 0], [1, 1]], "REFLECT"), np.pad(X, [(0, 0), (1, 1)], "reflect")),
        (tf.pad(X, [[0, 0], [1, 1]], constant_values=7), np.pad(X, [(0, 0), (1, 1)], constant_values=7)),
        (tf.tile(X, [2, 1]), np.tile(X, (2, 1))),
        (tf.gather(X, [2, 0], axis=1), X[:, [2, 0]]),
        (tf.gather(X, 1), X[1]),
        (tf.one_hot([0, 2], 3), np.eye(3)[[0, 2]]),
        (tf.broadcast_to(Y, [2, 3]), np.broadcast_to(Y, (2, 3))),
        (tf.where(B, X, tf.zeros_like(X)), np.where(B, X, 0)),
        (tf.select(B, X, X * 2), np.where(B, X, X * 2)),
        (tf.cast(X, tf.int32), X.astype(np.int32)),
        (tf.to_float(WHOLE), WHOLE),
        (tf.to_int32(X), X.astype(np.int32)),
    ]
    for number, (found, expected) in enumerate(
        zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True)
    ):
        np.testing.assert_allclose(found, expected, err_msg=str(number))


def test_the_rank_of_a_tensor_of_unknown_rank() -> None:
    x = tf.placeholder(tf.float32)
    assert run([tf.rank(x), tf.size(x)], {x: np.zeros((2, 1, 3))}) == [3, 6]


def test_cuts_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="does not split into 2 equal parts"):
        tf.split(X, 2, axis=1)
    with pytest.raises(ShapeError, match="give num"):
        tf.unstack(tf.placeholder(tf.float32, [None, 2]))
    with pytest.raises(TypeError, match="needs an axis"):
        tf.expand_dims(X)


# Reductions, matrices, clipping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_reductions(name: str) -> None:
    function, plain = getattr(tf, f"reduce_{name}"), getattr(np, name)
    pairs = [
        (function(X), plain(X)),
        (function(X, 0), plain(X, 0)),
        (function(X, axis=[0, 1]), plain(X)),
        (function(X, 1, keepdims=True), plain(X, 1, keepdims=True)),
        (function(X, reduction_indices=[1], keep_dims=True), plain(X, 1, keepdims=True)),
        (function(X, []), X),
    ]
    for found, expected in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_other_reductions() -> None:
    pairs = [
        (tf.reduce_any(B, 1), B.any(1)),
        (tf.reduce_all(B, 0), B.all(0)),
        (tf.argmax(X, 1), X.argmax(1)),
        (tf.arg_max(X, dimension=0), X.argmax(0)),
        (tf.arg_min(X, 1), X.argmin(1)),
        (tf.argmin(X, -1, output_type=tf.int32), X.argmin(-1)),
        (tf.add_n([X, X, X]), 3 * X),
    ]
    for found, expected in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert tf.argmax(X).dtype is tf.int64


def test_matmul() -> None:
    pairs = [
        (tf.matmul(X, X, transpose_b=True), X @ X.T),
        (tf.matmul(X, X, transpose_a=True), X.T @ X),
        (tf.matmul(X[None], X.T), (X @ X.T)[None]),
    ]
    for found, expected in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_clipping() -> None:
    norm = np.sqrt((X**2).sum())
    (a, b), found = tf.clip_by_global_norm([tf.constant(X), None], 1.0)
    assert b is None
    pairs = [
        (tf.clip_by_value(X, -1, 1), np.clip(X, -1, 1)),
        (tf.clip_by_value(X, tf.constant(-1.0), Y), np.minimum(np.maximum(X, -1), Y)),
        (tf.clip_by_norm(X, 1.0), X / norm),
        (tf.clip_by_norm(X, 100.0), X),
        (a, X / norm),
        (found, norm),
        (tf.global_norm([tf.constant(X), None, tf.constant(X)]), np.sqrt(2) * norm),
    ]
    for got, expected in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)


# Neural networks --------------------------------------------------------------------------------------------------

RELUS: dict[str, Any] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * np.expm1(x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "log_softmax": lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
}


@pytest.mark.parametrize("name", sorted(RELUS))
def test_activations(name: str) -> None:
    y = getattr(tf.nn, name)(X * 3, name="it")
    assert y.op.name == "it"
    np.testing.assert_allclose(run(y), RELUS[name](X * 3), rtol=1e-5, atol=1e-6)


def test_gelu() -> None:
    exact, tanh = run([tf.nn.gelu(X), tf.nn.gelu(X, approximate=True)])
    inner = np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)
    np.testing.assert_allclose(tanh, 0.5 * X * (1 + np.tanh(inner)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(exact, tanh, atol=2e-3)


def test_convolution_arguments() -> None:
    x, w = (
        np.random.default_rng(0).normal(size=(2, 7, 7, 3)),
        np.random.default_rng(1).normal(size=(3, 3, 3, 4)),
    )
    shapes = {
        tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME"): (2, 4, 4, 4),
        tf.nn.conv2d(x, w, strides=[2, 2], padding="VALID"): (2, 3, 3, 4),
        tf.nn.conv2d(x, w, 1, [[0, 0], [1, 0], [2, 2], [0, 0]]): (2, 6, 9, 4),
        tf.nn.conv2d(x, w, 1, "VALID", dilations=[1, 2, 2, 1]): (2, 3, 3, 4),
        tf.nn.depthwise_conv2d(x, w[..., :2], [1, 1, 1, 1], "SAME"): (2, 7, 7, 6),
        tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"): (2, 4, 4, 3),
        tf.nn.avg_pool(x, 3, 2, "VALID"): (2, 3, 3, 3),
        tf.nn.conv2d_transpose(np.zeros((2, 4, 4, 4)), w, [2, 8, 8, 3], [1, 2, 2, 1]): (2, 8, 8, 3),
    }
    for tensor, shape in shapes.items():
        assert tensor.shape == shape
    for found, shape in zip(run(list(shapes)), shapes.values(), strict=True):
        assert found.shape == shape


def test_conv2d_transpose_is_the_adjoint_of_conv2d() -> None:
    generator = np.random.default_rng(0)
    x, w = generator.normal(size=(2, 6, 6, 3)), generator.normal(size=(3, 3, 3, 4))
    y = generator.normal(size=(2, 3, 3, 4))
    forward = tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
    backward = tf.nn.conv2d_transpose(y, w, [2, 6, 6, 3], [1, 2, 2, 1], "SAME")
    a, b = run([forward, backward])
    np.testing.assert_allclose((a * y).sum(), (b * x).sum())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data_format": "NWHC"}, "expected 'NHWC', or 'NCHW'"),
        ({"strides": [2, 1, 1, 1]}, r"expected \[1, height, width, 1\]"),
        ({"strides": [1, 1, 1]}, r"expected \[1, height, width, 1\]"),
        ({"padding": [[1, 1]] * 4}, "expected 'SAME'"),
    ],
)
def test_convolution_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tf.nn.conv2d(
            np.zeros((1, 4, 4, 1)), np.zeros((3, 3, 1, 1)), **{"strides": 1, "padding": "SAME", **arguments}
        )


def test_normalizations() -> None:
    x = np.random.default_rng(0).normal(size=(4, 3, 3, 2))
    mean, variance = tf.nn.moments(x, [0, 1, 2])
    kept, _ = tf.nn.moments(x, [0, 1, 2], keep_dims=True)
    scaled = tf.nn.batch_normalization(x, mean, variance, [1.0, 2.0], [3.0, 4.0], 1e-3)
    plain = tf.nn.batch_normalization(x, mean, variance, None, None, 1e-3)
    broad = tf.nn.batch_normalization(x, x.mean((0, 1, 2), keepdims=True), 2.0, 1.0, None, 1e-3)
    layer = tf.nn.layer_norm(x, axis=-1, epsilon=1e-3)
    expected = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-3)
    assert kept.shape == (1, 1, 1, 2)
    pairs = [
        (mean, x.mean((0, 1, 2))),
        (variance, x.var((0, 1, 2))),
        (plain, expected),
        (scaled, expected * [3, 4] + [1, 2]),
        (broad, (x - x.mean((0, 1, 2))) / np.sqrt(2.001) + 1),
        (layer, (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)),
    ]
    for found, wanted in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


def test_moments_have_the_gradient_of_mean_and_variance() -> None:
    x = tf.placeholder(tf.float64, [5])
    mean, variance = tf.nn.moments(x, [0])
    values = np.array([1.0, 2, 4, 8, 16])
    found = run([tf.gradients(mean, x)[0], tf.gradients(variance, x)[0]], {x: values})
    np.testing.assert_allclose(found, [np.full(5, 0.2), 2 * (values - values.mean()) / 5])


def test_dropout() -> None:
    x = np.ones((100, 100), np.float32)
    with pytest.raises(ValueError, match="not both"):
        tf.nn.dropout(x)
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        tf.nn.dropout(x, rate=1.0)
    keep = tf.placeholder(tf.float32, [])
    y, rows = tf.nn.dropout(x, keep), tf.nn.dropout(x, rate=0.5, noise_shape=[100, 1], seed=3)
    found, by_row = run([y, rows], {keep: 0.8})
    assert set(np.unique(found)) == {0.0, np.float32(1.25)}
    assert abs((found > 0).mean() - 0.8) < 0.03
    assert (by_row == by_row[:, :1]).all()
    assert 0 < (by_row > 0).mean() < 1
    np.testing.assert_array_equal(run(y, {keep: 1.0}), x)


def test_losses() -> None:
    logits, labels = X.astype(np.float64) * 2, np.array([2, 0])
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    soft = np.array([[0.2, 0.3, 0.5], [1, 0, 0]])
    pairs = [
        (tf.nn.l2_loss(X), (X**2).sum() / 2),
        (tf.nn.softmax_cross_entropy_with_logits(labels=soft, logits=logits), -(soft * log_p).sum(-1)),
        (tf.nn.softmax_cross_entropy_with_logits_v2(labels=soft, logits=logits), -(soft * log_p).sum(-1)),
        (
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits),
            -log_p[[0, 1], labels],
        ),
        (
            tf.nn.sigmoid_cross_entropy_with_logits(labels=soft, logits=logits),
            -(soft * np.log(sigmoid(logits)) + (1 - soft) * np.log(1 - sigmoid(logits))),
        ),
        (tf.nn.bias_add(X, Y), X + Y),
    ]
    for found, expected in zip(run([p[0] for p in pairs]), [p[1] for p in pairs], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


# The vocabulary itself --------------------------------------------------------------------------------------------


def test_every_function_is_documented_and_found_by_its_name() -> None:
    for name in names.__all__:
        value = getattr(tf, name)
        assert value is getattr(names, name)
        if callable(value):
            assert value.__doc__, name


def test_every_name_is_tested() -> None:
    text = "".join(p.read_text() for p in Path(__file__).parent.rglob("test_*.py"))
    used = re.findall(r"\b(?:tf|CELLS|LAYERS|framework|layers|rnn|slim)((?:\.\w+)+)|\"(\w+)\"", text)
    words = {word for dotted, quoted in used for word in [*dotted.split("."), quoted]} | {
        f"reduce_{n}" for n in ("sum", "mean", "max", "min", "prod")
    }
    words |= {f"{n}_candidate_sampler" for n in ("uniform", "log_uniform")}
    words |= {f"{u}segment_{n}" for u in ("", "unsorted_") for n in ("sum", "mean", "max", "min", "prod")}
    rooms = (names, names.nn, names.nn.rnn_cell, names.layers, names.contrib.layers, names.contrib.rnn)
    listed = {n for room in (*rooms, names.contrib.framework) for n in room.__all__}
    assert not {n for n in listed if not n.startswith("_")} - words
    for part in (
        names.app,
        names.bitwise,
        names.gfile,
        names.image,
        names.initializers,
        names.linalg,
        names.logging,
    ):
        values = {n: getattr(part, n) for n in part.__all__ if not n.startswith("DEFINE_")}
        tested = [v for n, v in values.items() if n in words]
        assert not [n for n, v in values.items() if not any(v is t for t in tested)], part.__name__


def test_classes_of_the_vocabulary() -> None:
    x = tf.convert_to_tensor([[1, 2]], dtype=tf.int16, name="x")
    assert isinstance(x, tf.Tensor)
    assert isinstance(x.op, tf.Operation)
    assert isinstance(x.dtype, tf.DType)
    assert isinstance(x.get_shape(), tf.TensorShape)
    assert isinstance(tf.get_variable_scope(), tf.VariableScope)
    assert tf.initialize_variables is tf.variables_initializer
    assert (run(x).dtype, x.dtype) == (np.int16, tf.int16)
    assert tf.convert_to_tensor(x) is x


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'convolve'"):
        _ = tf.convolve


def test_a_listing_of_the_time_runs_as_it_stands() -> None:
    generator = np.random.default_rng(0)
    x_data = generator.random(100).astype(np.float32)
    y_data = x_data * 0.1 + 0.3

    w = tf.Variable(tf.random_uniform([1], -1.0, 1.0), name="W")
    b = tf.Variable(tf.zeros([1]))
    y = w * x_data + b
    loss = tf.reduce_mean(tf.square(y - y_data))
    optimizer = tf.train.GradientDescentOptimizer(0.5)
    train = optimizer.minimize(loss)
    init = tf.initialize_all_variables()
    sess = tf.Session()
    sess.run(init)
    for _ in range(201):
        sess.run(train)
    np.testing.assert_allclose(sess.run(w), [0.1], atol=1e-3)
    np.testing.assert_allclose(sess.run(b), [0.3], atol=1e-3)
    sess.close()


def test_bitcast_is_of_bytes() -> None:
    bits = run(tf.bitcast(X, tf.int32))
    np.testing.assert_array_equal(bits, X.view(np.int32))
    np.testing.assert_array_equal(run(tf.bitcast(bits, tf.float32)), X)
    parts = run(tf.bitcast(X, tf.uint8, name="parts"))
    assert parts.shape == (2, 3, 4)
    np.testing.assert_array_equal(parts.reshape(2, 12), X.view(np.uint8))
    np.testing.assert_array_equal(run(tf.bitcast(parts, "float32")), X)
    # Whatever the strides are.
    turned = run(tf.bitcast(tf.transpose(tf.constant(X)), tf.int32))
    np.testing.assert_array_equal(turned, X.view(np.int32).T)
    x = tf.placeholder(tf.int16, [None, None])
    assert len(tf.bitcast(x, tf.int32).shape) == 1
    with pytest.raises(ShapeError, match="the last axis and the elements of float32 in one of float64"):
        tf.bitcast(X, tf.float64)
    with pytest.raises(ShapeError, match="which a scalar has not"):
        tf.bitcast(np.int8(3), tf.int32)
    with pytest.raises(ShapeError, match="compare with 0"):
        tf.bitcast(np.int8(3), tf.bool)
