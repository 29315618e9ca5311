"""tf.contrib.layers, tf.contrib.rnn and arg_scope against numpy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.nn._naive import convolution, pooling

RANDOM = np.random.default_rng(31)
LAYERS = tf.contrib.layers


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def session() -> tf.Session:
    """A session in which each variable holds random numbers."""
    made = tf.Session()
    made.run(tf.global_variables_initializer())
    for variable in tf.global_variables():
        variable.load(RANDOM.uniform(-1, 1.5, size=variable.shape), made)
    return made


def shapes() -> dict[str, list[int]]:
    return {v.name[:-2]: list(v.shape) for v in tf.global_variables()}


def close(found: Any, wanted: Any) -> None:
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10)


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def test_fully_connected() -> None:
    x = RANDOM.normal(size=(4, 3))
    made = {
        "rectified": LAYERS.fully_connected(x, 5, scope="a"),
        "linear": LAYERS.linear(x, 5, scope="a", reuse=True),
        "bare": LAYERS.fully_connected(x, 2, activation_fn=None, biases_initializer=None, scope="b"),
        "relu6": LAYERS.relu6(x, 5, scope="a", reuse=True),
        "relu": LAYERS.relu(x, 5, scope="a", reuse=True),
        "elu": LAYERS.elu(x, 5, scope="a", reuse=True),
    }
    LAYERS.fully_connected(x, 5)
    assert shapes() == {
        "a/weights": [3, 5],
        "a/biases": [5],
        "b/weights": [3, 2],
        "fully_connected/weights": [3, 5],
        "fully_connected/biases": [5],
    }
    s = session()
    w, b, bare = s.run(["a/weights:0", "a/biases:0", "b/weights:0"])
    found, y = s.run(made), x @ w + b
    close(found["linear"], y)
    close(found["rectified"], relu(y))
    close(found["relu"], relu(y))
    close(found["relu6"], np.clip(y, 0, 6))
    close(found["elu"], np.where(y > 0, y, np.expm1(y)))
    close(found["bare"], x @ bare)


def test_convolutions() -> None:
    x = RANDOM.normal(size=(2, 6, 5, 3))
    y = LAYERS.conv2d(x, 4, [3, 2], stride=2, scope="c")
    first = LAYERS.convolution2d(
        np.moveaxis(x, -1, 1), 4, [3, 2], 2, data_format="NCHW", reuse=True, scope="c"
    )
    spread = LAYERS.convolution(x, 4, 2, rate=2, padding="VALID", activation_fn=None)
    signal = LAYERS.conv1d(x[:, 0], 2, 3, activation_fn=None, scope="signal")
    LAYERS.conv3d(tf.zeros([1, 2, 2, 2, 1]), 2, 1, scope="volume")
    assert LAYERS.convolution1d is LAYERS.convolution3d is LAYERS.convolution
    assert shapes()["Conv/weights"] == [2, 2, 3, 4]
    assert shapes()["volume/weights"] == [1, 1, 1, 1, 2]
    s = session()
    w, b = s.run(["c/weights:0", "c/biases:0"])
    wanted = relu(convolution(x, w, (2, 2), "SAME") + b)
    close(s.run(y), wanted)
    close(s.run(first), np.moveaxis(wanted, -1, 1))
    w, b = s.run(["Conv/weights:0", "Conv/biases:0"])
    close(s.run(spread), convolution(x, w, (1, 1), "VALID", (2, 2)) + b)
    w, b = s.run(["signal/weights:0", "signal/biases:0"])
    close(s.run(signal), convolution(x[:, 0], w, (1,), "SAME") + b)


def test_transposed_and_separable_convolutions() -> None:
    x = RANDOM.normal(size=(2, 4, 3, 3))
    up = LAYERS.conv2d_transpose(x, 2, 3, 2, activation_fn=None, biases_initializer=None)
    larger = LAYERS.convolution2d_transpose(x, 2, 3, 2, padding="VALID", scope="v")
    assert (up.shape, larger.shape) == ((2, 8, 6, 2), (2, 9, 7, 2))
    mixed = LAYERS.separable_conv2d(x, 4, [2, 2], 2, activation_fn=None, scope="s")
    each = LAYERS.separable_convolution2d(x, None, [2, 2], 2, activation_fn=None, scope="e")
    s = session()
    w = s.run("Conv2d_transpose/weights:0")
    image = RANDOM.normal(size=up.shape)
    np.testing.assert_allclose((s.run(up) * image).sum(), (convolution(image, w, (2, 2), "SAME") * x).sum())

    def channels(w: Any) -> Any:
        return np.concatenate(
            [convolution(x[..., c : c + 1], w[:, :, c : c + 1], (1, 1), "SAME") for c in range(3)], -1
        )

    w, mix, b = s.run(["s/depthwise_weights:0", "s/pointwise_weights:0", "s/biases:0"])
    close(s.run(mixed), channels(w) @ mix[0, 0] + b)
    w, b = s.run(["e/depthwise_weights:0", "e/biases:0"])
    close(s.run(each), channels(w) + b)


def test_layers_without_variables() -> None:
    x = RANDOM.normal(size=(2, 5, 4, 3))
    s = tf.Session()
    close(s.run(LAYERS.max_pool2d(x, 2)), pooling(x, (2, 2), (2, 2), "VALID", "MAX"))
    close(s.run(LAYERS.avg_pool2d(x, [3, 2], 1, "SAME")), pooling(x, (3, 2), (1, 1), "SAME", "AVG"))
    close(s.run(LAYERS.flatten(x, outputs_collections="ends")), x.reshape(2, -1))
    assert len(tf.get_default_graph().get_collection("ends")) == 1
    close(s.run(LAYERS.softmax(x)), np.exp(x) / np.exp(x).sum(-1, keepdims=True))
    close(s.run(LAYERS.one_hot_encoding(np.array([2, 0]), 3, 5.0, -1.0)), [[-1, -1, 5], [5, -1, -1]])
    training = tf.placeholder(tf.bool, [])
    y = LAYERS.dropout(np.ones((50, 50)), 0.8, is_training=training)
    assert (s.run(y, {training: False}) == 1).all()
    found = s.run(y, {training: True})
    assert set(np.unique(found)) == {0.0, 1.25}
    assert abs((found == 0).mean() - 0.2) < 0.05


def test_stacks() -> None:
    x = RANDOM.normal(size=(3, 4))
    y = LAYERS.stack(x, LAYERS.fully_connected, [5, 2], scope="deep", activation_fn=None)
    assert set(shapes()) == {f"deep/fully_connected_{i}/{n}" for i in (1, 2) for n in ("weights", "biases")}
    s = session()
    w1, b1, w2, b2 = (s.run(v) for v in tf.global_variables())
    close(s.run(y), (x @ w1 + b1) @ w2 + b2)


def test_embed_sequence() -> None:
    ids = np.array([[3, 0], [1, 1]])
    y = LAYERS.embed_sequence(ids, 4, 2, scope="words")
    again = LAYERS.embed_sequence(ids[:1], 4, 2, scope="words", reuse=True)
    LAYERS.embed_sequence(ids, 4, 2)
    assert shapes() == {"words/embeddings": [4, 2], "EmbedSequence/embeddings": [4, 2]}
    s = session()
    table = s.run("words/embeddings:0")
    close(s.run([y[0], again[0]]), [table[ids[0]]] * 2)
    with pytest.raises(ValueError, match="needs vocab_size and embed_dim"):
        LAYERS.embed_sequence(ids, 4)


def test_normalizations() -> None:
    x = RANDOM.normal(1, 2, size=(5, 3, 4))
    y = LAYERS.layer_norm(x, begin_norm_axis=2, activation_fn=tf.nn.relu)
    whole = LAYERS.layer_norm(x, center=False, scale=False)
    batch = LAYERS.batch_norm(x[:, 0], decay=0.9, scale=True, updates_collections=None, scope="bn")
    assert not tf.get_default_graph().get_collection("update_ops")
    noted = LAYERS.batch_norm(x[:, 0], is_training=tf.constant(False), activation_fn=tf.nn.relu)
    assert shapes() == {
        "LayerNorm/beta": [4],
        "LayerNorm/gamma": [4],
        "bn/gamma": [4],
        "bn/beta": [4],
        "bn/moving_mean": [4],
        "bn/moving_variance": [4],
        "BatchNorm/beta": [4],
        "BatchNorm/moving_mean": [4],
        "BatchNorm/moving_variance": [4],
    }
    s = session()
    s.graph.get_collection("trainable_variables")
    v = {n: abs(s.run(f"{n}:0")) for n in shapes()}
    for variable in tf.global_variables():
        variable.load(v[variable.name[:-2]], s)
    centred = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    close(s.run(y), relu(centred * v["LayerNorm/gamma"] + v["LayerNorm/beta"]))
    axes = {"axis": (1, 2), "keepdims": True}
    close(s.run(whole), (x - x.mean(**axes)) / x.std(**axes))
    flat = x[:, 0]
    normal = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-3)
    close(s.run(batch), normal * v["bn/gamma"] + v["bn/beta"])
    close(s.run("bn/moving_mean:0"), 0.9 * v["bn/moving_mean"] + 0.1 * flat.mean(0))
    spread = np.sqrt(v["BatchNorm/moving_variance"] + 1e-3)
    close(s.run(noted), relu((flat - v["BatchNorm/moving_mean"]) / spread + v["BatchNorm/beta"]))
    with pytest.raises(ValueError, match="zero_debias_moving_mean is not supported"):
        LAYERS.batch_norm(x, zero_debias_moving_mean=True)


def test_a_normalizer_instead_of_biases() -> None:
    LAYERS.conv2d(
        tf.zeros([1, 4, 4, 2]), 3, 3, normalizer_fn=LAYERS.batch_norm, normalizer_params={"scale": True}
    )
    assert set(shapes()) == {
        "Conv/weights",
        *(f"Conv/BatchNorm/{n}" for n in ("gamma", "beta", "moving_mean", "moving_variance")),
    }


def test_regularizers() -> None:
    x = RANDOM.normal(size=(3, 2))
    s = tf.Session()
    total = LAYERS.apply_regularization(LAYERS.l2_regularizer(0.3), [tf.constant(x), tf.constant(x)])
    pairs = [
        (LAYERS.l1_regularizer(0.3)(x), 0.3 * abs(x).sum()),
        (LAYERS.l2_regularizer(0.3)(x), 0.15 * (x**2).sum()),
        (LAYERS.l1_l2_regularizer(0.3, 0.4)(x), 0.3 * abs(x).sum() + 0.2 * (x**2).sum()),
        (LAYERS.sum_regularizer([LAYERS.l1_regularizer(1.0), None])(x), abs(x).sum()),
        (total, 0.3 * (x**2).sum()),
    ]
    for found, wanted in pairs:
        close(s.run(found), wanted)
    assert tf.get_default_graph().get_collection("regularization_losses") == [total]
    assert LAYERS.l1_regularizer(0.0)(x) is None
    with pytest.raises(ValueError, match="scale is -1, expected at least 0"):
        LAYERS.l2_regularizer(-1)
    with pytest.raises(ValueError, match="there are no weights"):
        LAYERS.apply_regularization(LAYERS.l2_regularizer(1.0))
    LAYERS.fully_connected(x, 2, weights_regularizer=LAYERS.l2_regularizer(1.0), scope="f")
    LAYERS.fully_connected(x, 2, weights_regularizer=LAYERS.l2_regularizer(1.0), scope="f", reuse=True)
    assert len(tf.get_default_graph().get_collection("regularization_losses")) == 2


def test_initializers() -> None:
    even = LAYERS.xavier_initializer(seed=1)([300, 200], dtype=tf.float32)
    normal = LAYERS.xavier_initializer(uniform=False, seed=1)([300, 200], dtype=tf.float32)
    he = LAYERS.variance_scaling_initializer(seed=2)([3, 3, 40, 50], dtype=tf.float32)
    taps = LAYERS.xavier_initializer_conv2d(seed=3)([3, 3, 40, 50], dtype=tf.float32)
    found = tf.Session().run([even, normal, he, taps])
    assert abs(found[0]).max() <= np.sqrt(6 / 500)
    for value, variance in zip(found, (2 / 500, 2 / 500, 2 / 360, 2 / 810), strict=True):
        assert abs(value.var() / variance - 1) < 0.06
        assert abs(value.mean()) < 0.01


def test_arg_scope() -> None:
    framework = tf.contrib.framework
    x = tf.zeros([2, 4, 4, 3])
    penalty = LAYERS.l2_regularizer(0.1)
    with framework.arg_scope(
        [LAYERS.conv2d, LAYERS.fully_connected], activation_fn=None, weights_regularizer=penalty
    ):
        with framework.arg_scope([LAYERS.conv2d], padding="VALID", stride=2) as inner:
            y = LAYERS.conv2d(x, 5, 2, scope="a")
            assert LAYERS.conv2d(x, 5, 2, stride=1, scope="b").shape == (2, 3, 3, 5)
        z = LAYERS.conv2d(x, 5, 2, scope="c")
    assert (y.shape, z.shape, y.op.type) == ((2, 2, 2, 5), (2, 4, 4, 5), "add")
    assert len(tf.get_default_graph().get_collection("regularization_losses")) == 3
    with framework.arg_scope(inner):
        assert LAYERS.conv2d(x, 5, 2, scope="d").shape == (2, 2, 2, 5)
    assert LAYERS.conv2d(x, 5, 2, scope="e").op.type == "relu"

    @framework.add_arg_scope
    def mine(a: int, b: int = 1) -> int:
        return a + b

    with framework.arg_scope([mine], b=10):
        assert (mine(1), mine(1, b=2)) == (11, 3)
    assert (mine(1), framework.has_arg_scope(mine)) == (2, True)
    with pytest.raises(ValueError, match="needs the decorator add_arg_scope"), framework.arg_scope([len]):
        pass
    assert framework.get_global_step() is None
    assert framework.get_or_create_global_step() is tf.contrib.framework.get_global_step()


def test_optimize_loss() -> None:
    x, step = tf.Variable(np.array([3.0, -4.0])), tf.train.create_global_step()
    loss = tf.reduce_sum(tf.square(x)) / 2
    noted = tf.Variable(0.0, trainable=False)
    tf.get_default_graph().add_to_collection("update_ops", noted.assign_add(1.0))
    plain = LAYERS.optimize_loss(loss, step, 0.1, "SGD")
    clipped = LAYERS.optimize_loss(loss, step, 0.1, "SGD", clip_gradients=1.0)
    scaled = LAYERS.optimize_loss(
        loss,
        step,
        0.1,
        tf.train.GradientDescentOptimizer,
        gradient_multipliers={x: 2.0},
        increment_global_step=False,
    )
    decayed = LAYERS.optimize_loss(
        loss, step, 0.1, "SGD", learning_rate_decay_fn=lambda rate, at: rate / (1.0 + tf.to_float(at))
    )
    s = tf.Session()
    s.run(tf.global_variables_initializer())
    value = np.array([3.0, -4.0])

    def after(train: Any, factor: float) -> None:
        nonlocal value
        np.testing.assert_allclose(s.run(train), (value**2).sum() / 2)
        value = value * (1 - factor)
        np.testing.assert_allclose(s.run(x), value, rtol=1e-6)

    after(plain, 0.1)
    after(clipped, 0.1 / np.linalg.norm(value))
    after(scaled, 0.2)
    after(decayed, 0.1 / 3)
    assert (s.run(step), s.run(noted)) == (3, 4)
    LAYERS.optimize_loss(loss, step, 0.1, tf.train.AdamOptimizer(0.1), gradient_noise_scale=0.1)
    with pytest.raises(ValueError, match="expected one of Adagrad, Adam"):
        LAYERS.optimize_loss(loss, step, 0.1, "Newton")


def test_recurrent_cells_under_their_old_names() -> None:
    rnn = tf.contrib.rnn
    for name in (
        "BasicLSTMCell",
        "BasicRNNCell",
        "GRUCell",
        "LSTMCell",
        "LSTMStateTuple",
        "MultiRNNCell",
        "RNNCell",
    ):
        assert getattr(rnn, name) is getattr(tf.nn.rnn_cell, name)
    for name in ("DropoutWrapper", "ResidualWrapper", "DeviceWrapper"):
        assert getattr(rnn, name) is getattr(tf.nn.rnn_cell, name)
    assert rnn.static_rnn is tf.nn.static_rnn
    assert rnn.static_bidirectional_rnn is tf.nn.static_bidirectional_rnn
    x = RANDOM.normal(size=(2, 3))
    cell = rnn.InputProjectionWrapper(rnn.OutputProjectionWrapper(rnn.BasicRNNCell(4), 2), 5)
    y, _ = cell(tf.constant(x), cell.zero_state(2, tf.float64))
    assert y.shape == (2, 2)
    assert (cell.state_size, cell.output_size, len(cell.variables)) == (4, 2, 6)
    s = session()
    into, into_bias, out, out_bias, kernel, bias = (
        s.run(next(v for v in tf.global_variables() if v.name == f"{n}:0"))
        for n in (
            "input_projection_wrapper/kernel",
            "input_projection_wrapper/bias",
            "input_projection_wrapper/output_projection_wrapper/kernel",
            "input_projection_wrapper/output_projection_wrapper/bias",
            "input_projection_wrapper/output_projection_wrapper/basic_rnn_cell/kernel",
            "input_projection_wrapper/output_projection_wrapper/basic_rnn_cell/bias",
        )
    )
    h = np.tanh(np.concatenate([x @ into + into_bias, np.zeros((2, 4))], 1) @ kernel + bias)
    close(s.run(y), h @ out + out_bias)
