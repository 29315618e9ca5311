"""tf.layers against numpy: what they compute, their variables, sharing, regularizing and running statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.nn._naive import convolution, pooling

RANDOM = np.random.default_rng(29)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def session() -> tf.Session:
    """A session in which each variable holds random numbers."""
    made = tf.Session()
    made.run(tf.global_variables_initializer())
    for variable in tf.global_variables():
        variable.load(RANDOM.uniform(0.2, 1.5, size=variable.shape), made)
    return made


def shapes() -> dict[str, list[int]]:
    return {v.name[:-2]: list(v.shape) for v in tf.global_variables()}


def close(found: Any, wanted: Any) -> None:
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10)


def test_dense() -> None:
    x = RANDOM.normal(size=(3, 2, 5))
    y = tf.layers.dense(x, 4, tf.nn.relu)
    plain = tf.layers.dense(x, 2, use_bias=False, name="plain")
    shared = tf.layers.dense(x * 2, 2, use_bias=False, name="plain", reuse=True)
    assert shapes() == {"dense/kernel": [5, 4], "dense/bias": [4], "plain/kernel": [5, 2]}
    s = session()
    kernel, bias, weights = s.run(["dense/kernel:0", "dense/bias:0", "plain/kernel:0"])
    close(s.run(y), np.maximum(x @ kernel + bias, 0))
    close(s.run([plain, shared]), [x @ weights, 2 * x @ weights])
    layer = tf.layers.Dense(7, name="it")
    first, second = layer(tf.constant(x)), layer.apply(tf.constant(x + 1))
    assert (layer.name, layer.scope_name, layer.count_params()) == ("it", "it", 42)
    assert [v.name for v in layer.trainable_weights] == ["it/kernel:0", "it/bias:0"]
    s = session()
    a, b, kernel, bias = s.run([first, second, layer.kernel, layer.bias])
    close([a, b], [x @ kernel + bias, (x + 1) @ kernel + bias])
    started = tf.layers.dense(x, 2, kernel_initializer=np.ones((5, 2)), bias_initializer=np.array([1.0, 2.0]))
    s.run(tf.global_variables_initializer())
    close(s.run(started), x @ np.ones((5, 2)) + [1, 2])
    with pytest.raises(ValueError, match="Dense: the last dimension of its input"):
        tf.layers.dense(tf.placeholder(tf.float32, [3, None]), 2)


def test_names_are_counted_and_scopes_kept() -> None:
    x = tf.zeros([2, 3])
    tf.layers.dense(tf.layers.dense(x, 3), 3)
    with tf.variable_scope("net"):
        tf.layers.dense(x, 3)
    with tf.variable_scope("net", reuse=True):
        tf.layers.dense(x, 3)
    assert {n.rpartition("/")[0] for n in shapes()} == {"dense", "dense_1", "net/dense"}


def test_convolutions() -> None:
    for rank, function in ((1, tf.layers.conv1d), (2, tf.layers.conv2d), (3, tf.layers.conv3d)):
        x = RANDOM.normal(size=(2, *(7, 6, 5)[:rank], 3))
        y = function(x, 4, (3, 2, 2)[:rank], 2, "same", activation=tf.nn.tanh, name=f"c{rank}")
        spread = function(x, 4, 2, padding="valid", dilation_rate=2, use_bias=False, name=f"d{rank}")
        first = function(
            np.moveaxis(x, -1, 1), 4, (3, 2, 2)[:rank], 2, "same", "channels_first", activation=tf.nn.tanh,
            name=f"c{rank}", reuse=True,
        )  # fmt: skip
        s = session()
        kernel, bias, other = s.run([f"c{rank}/kernel:0", f"c{rank}/bias:0", f"d{rank}/kernel:0"])
        wanted = np.tanh(convolution(x, kernel, [2] * rank, "SAME") + bias)
        close(s.run(y), wanted)
        close(s.run(first), np.moveaxis(wanted, -1, 1))
        close(s.run(spread), convolution(x, other, [1] * rank, "VALID", [2] * rank))


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_transposed_convolutions(padding: str) -> None:
    for rank in (2, 3):
        x = RANDOM.normal(size=(2, *(3, 4, 2)[:rank], 3))
        classes = {2: tf.layers.Conv2DTranspose, 3: tf.layers.Conv3DTranspose}
        function = {2: tf.layers.conv2d_transpose, 3: tf.layers.conv3d_transpose}[rank]
        y = function(x, 5, 3, strides=2, padding=padding, name=f"t{rank}")
        larger = [2 * n + (0 if padding == "same" else 1) for n in x.shape[1:-1]]
        assert y.shape == (2, *larger, 5)
        s = session()
        kernel, bias = s.run([f"t{rank}/kernel:0", f"t{rank}/bias:0"])
        assert kernel.shape == (*[3] * rank, 5, 3)
        # Transposed: its product with any image is that of the image's convolution with x.
        image = RANDOM.normal(size=y.shape)
        forward = convolution(image, kernel, [2] * rank, padding.upper())
        np.testing.assert_allclose(((s.run(y) - bias) * image).sum(), (forward * x).sum())
        layer = classes[rank](2, 2, 2, padding, "channels_first")
        assert layer(tf.constant(np.moveaxis(x, -1, 1))).shape[1] == 2
    sizes = tf.placeholder(tf.float32, [None, None, 4, 3])
    y = tf.layers.conv2d_transpose(sizes, 2, 3, 2, "same")
    assert y.shape[2:] == (8, 2)
    assert session().run(y, {sizes: np.zeros((5, 3, 4, 3))}).shape == (5, 6, 8, 2)


def test_separable_convolution() -> None:
    x = RANDOM.normal(size=(2, 5, 4, 3))
    y = tf.layers.separable_conv2d(x, 4, (3, 2), padding="same", depth_multiplier=2)
    assert shapes() == {
        "separable_conv2d/depthwise_kernel": [3, 2, 3, 2],
        "separable_conv2d/pointwise_kernel": [1, 1, 6, 4],
        "separable_conv2d/bias": [4],
    }
    s = session()
    each, mix, bias = (s.run(v) for v in tf.global_variables())
    channels = [convolution(x[..., c : c + 1], each[:, :, c : c + 1], (1, 1), "SAME") for c in range(3)]
    close(s.run(y), np.concatenate(channels, -1) @ mix[0, 0] + bias)


def test_pooling() -> None:
    functions = {
        "MAX": (tf.layers.max_pooling1d, tf.layers.max_pooling2d, tf.layers.max_pooling3d),
        "AVG": (tf.layers.average_pooling1d, tf.layers.average_pooling2d, tf.layers.average_pooling3d),
    }
    classes = {
        "MAX": (tf.layers.MaxPooling1D, tf.layers.MaxPooling2D, tf.layers.MaxPooling3D),
        "AVG": (tf.layers.AveragePooling1D, tf.layers.AveragePooling2D, tf.layers.AveragePooling3D),
    }
    for kind, by_rank in functions.items():
        for rank, function in enumerate(by_rank, 1):
            x = RANDOM.normal(size=(2, *(7, 6, 5)[:rank], 3))
            wanted = pooling(x, (3,) * rank, (2,) * rank, "SAME", kind)
            close(tf.Session().run(function(x, 3, 2, "same")), wanted)
            layer = classes[kind][rank - 1](3, 2, "same", "channels_first")
            close(tf.Session().run(layer(np.moveaxis(x, -1, 1))), np.moveaxis(wanted, -1, 1))


def test_flatten_and_dropout() -> None:
    x = RANDOM.normal(size=(4, 3, 2, 5))
    open_sizes = tf.placeholder(tf.float64, [None, 3, None, 5])
    assert tf.layers.flatten(tf.constant(x)).shape == (4, 30)
    close(tf.Session().run(tf.layers.flatten(open_sizes), {open_sizes: x}), x.reshape(4, 30))
    turned = tf.layers.Flatten("channels_first")(tf.constant(x))
    close(tf.Session().run(turned), np.moveaxis(x, 1, -1).reshape(4, 30))
    training = tf.placeholder(tf.bool, [])
    ones = np.ones((100, 50))
    y, never = tf.layers.dropout(ones, 0.25, training=training), tf.layers.Dropout(0.25)(ones)
    s = tf.Session()
    close(s.run(y, {training: False}), ones)
    close(s.run(never), ones)
    found = s.run(y, {training: True})
    assert set(np.unique(found.round(9))) == {0.0, round(4 / 3, 9)}
    assert abs((found == 0).mean() - 0.25) < 0.03
    assert (s.run(tf.layers.dropout(ones, 1.0, training=True)) == 0).all()


def test_regularizers_and_activities_join_their_collection() -> None:
    x = tf.constant(RANDOM.normal(size=(2, 3)))
    half = tf.contrib.layers.l2_regularizer(0.5)
    layer = tf.layers.Dense(4, kernel_regularizer=half, activity_regularizer=tf.reduce_sum)
    y = layer(x)
    layer(x)
    with tf.variable_scope("c"):
        tf.layers.conv2d(tf.zeros([1, 3, 3, 1], tf.float64), 2, 2, bias_regularizer=half)
    losses = tf.get_default_graph().get_collection("regularization_losses")
    assert len(losses) == 4
    s = session()
    kernel = s.run(layer.kernel)
    close(s.run(layer.losses[:2]), [0.25 * (kernel**2).sum(), s.run(tf.reduce_sum(y))])
    bias = s.run("c/conv2d/bias:0")
    assert any(abs(v - 0.25 * (bias**2).sum()) < 1e-9 for v in s.run(losses))


def test_the_regularizer_of_a_scope_is_for_what_has_none_of_its_own() -> None:
    with tf.variable_scope("net", regularizer=tf.contrib.layers.l1_regularizer(1.0)):
        layer = tf.layers.Dense(2, kernel_regularizer=tf.contrib.layers.l2_regularizer(2.0))
        layer(tf.zeros([1, 3], tf.float64))
    losses = tf.get_default_graph().get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert layer.losses == losses
    s = session()
    kernel, bias = s.run([layer.kernel, layer.bias])
    close(s.run(losses), [(kernel**2).sum(), abs(bias).sum()])


# Batch normalization ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("rank", [2, 4])
def test_batch_normalization(axis: int, rank: int) -> None:
    x = RANDOM.normal(2, 3, size=(6, 4) if rank == 2 else (3, 4, 5, 4))
    axes = tuple(a for a in range(rank) if a != axis % rank)
    training = tf.placeholder(tf.bool, [])
    given = tf.placeholder(tf.float64, x.shape)
    y = tf.layers.batch_normalization(given, axis, momentum=0.9, epsilon=1e-2, training=training)
    assert set(shapes()) == {
        f"batch_normalization/{n}" for n in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    assert [v.op.name.rpartition("/")[2] for v in tf.trainable_variables()] == ["gamma", "beta"]
    updates = tf.get_default_graph().get_collection("update_ops")
    assert len(updates) == 2
    s = session()

    def read() -> Any:
        return s.run(
            [f"batch_normalization/{n}:0" for n in ("gamma", "beta", "moving_mean", "moving_variance")]
        )

    gamma, beta, mean, variance = read()

    def wide(v: Any) -> Any:
        return v.reshape([-1 if a == axis % rank else 1 for a in range(rank)])

    def normal(m: Any, v: Any) -> Any:
        return (x - wide(m)) / np.sqrt(wide(v) + 1e-2) * wide(gamma) + wide(beta)

    close(s.run([y, *updates], {given: x, training: False})[0], normal(mean, variance))
    close(read()[2:], [mean, variance])
    close(s.run([y, *updates], {given: x, training: True})[0], normal(x.mean(axes), x.var(axes)))
    count = x.size / 4
    of_batch = x.var(axes) * (count / (count - 1) if rank == 4 else 1)
    close(read()[2:], [0.9 * mean + 0.1 * x.mean(axes), 0.9 * variance + 0.1 * of_batch])


def test_batch_normalization_of_python_bools() -> None:
    x = tf.constant(RANDOM.normal(size=(5, 3)))
    tf.layers.batch_normalization(x, center=False, scale=False, training=False)
    assert not tf.get_default_graph().get_collection("update_ops")
    layer = tf.layers.BatchNormalization(trainable=False)
    layer(x, training=True)
    assert len(layer.updates) == 2
    assert not tf.trainable_variables()
    with pytest.raises(ValueError, match="renorm is not supported"):
        tf.layers.batch_normalization(x, renorm=True)


def test_a_layer_of_ones_own() -> None:
    class Scale(tf.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.factor = self.add_variable("factor", [input_shape[-1]])

        def call(self, inputs: Any, times: int = 1) -> Any:
            return inputs * self.factor * times

    layer = Scale()
    x = RANDOM.normal(size=(2, 3))
    y = layer(tf.constant(x), times=2)
    assert shapes() == {"scale/factor": [3]}
    s = session()
    close(s.run(y), 2 * x * s.run(layer.factor))
    assert len(layer.variables) == len(layer.weights) == 1
    assert not layer.non_trainable_weights


def test_convolutional_layers_share_their_variables_between_calls() -> None:
    classes = {1: tf.layers.Conv1D, 2: tf.layers.Conv2D, 3: tf.layers.Conv3D}
    for rank, layer_class in classes.items():
        layer = layer_class(2, 2, name=f"shared{rank}")
        x = tf.constant(RANDOM.normal(size=(1, *[3] * rank, 2)))
        one, two = layer(x), layer(2 * x)
        assert len(layer.variables) == 2
        s = session()
        bias = s.run(layer.bias)
        close(s.run(two) - bias, 2 * (s.run(one) - bias))
    separable = tf.layers.SeparableConv2D(3, 2)
    assert separable(tf.zeros([1, 4, 4, 2])).shape == (1, 3, 3, 3)
    assert len(separable.variables) == 3


def test_the_gradient_of_batch_normalization_when_the_graph_decides() -> None:
    training = tf.placeholder(tf.bool, [])
    x, value = tf.placeholder(tf.float64, [5, 3]), RANDOM.normal(size=(5, 3))
    probe = RANDOM.normal(size=(5, 3))
    losses = []
    for flag in (training, True, False):
        y = tf.layers.batch_normalization(x, training=flag, name="bn", reuse=flag is not training)
        losses.append(tf.reduce_sum(y * probe))
    s = session()
    decided, in_training, otherwise = (tf.gradients(loss, [x, *tf.trainable_variables()]) for loss in losses)
    for flag, wanted in ((True, in_training), (False, otherwise)):
        for a, b in zip(s.run(decided, {training: flag, x: value}), s.run(wanted, {x: value}), strict=True):
            close(a, b)
