"""Layers as functions: one definition gives the class and the function, with TensorFlow 1.15's arguments."""

from __future__ import annotations

import inspect
import pydoc
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.nn._naive import convolution

KERNEL = "kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer "
KERNEL += "kernel_constraint bias_constraint trainable name"
WINDOW = "filters kernel_size strides padding data_format"
POOL = "pool_size strides padding data_format name"
CONVOLUTION = f"{WINDOW} dilation_rate activation use_bias {KERNEL}"
TRANSPOSED = f"{WINDOW} activation use_bias {KERNEL}"
SEPARABLE = f"{WINDOW} dilation_rate depth_multiplier activation use_bias depthwise_initializer"
SEPARABLE += (
    " pointwise_initializer bias_initializer depthwise_regularizer pointwise_regularizer bias_regularizer"
)
SEPARABLE += " activity_regularizer depthwise_constraint pointwise_constraint bias_constraint trainable name"
NORMAL = "axis momentum epsilon center scale beta_initializer gamma_initializer moving_mean_initializer"
NORMAL += " moving_variance_initializer beta_regularizer gamma_regularizer beta_constraint gamma_constraint"
RENORM = "renorm renorm_clipping renorm_momentum fused"

# What tf.layers of TensorFlow 1.15 has: the arguments of a class, and of its function after `inputs`.
ARGUMENTS: dict[str, tuple[str, str, str]] = {
    "AveragePooling1D": (POOL, "average_pooling1d", POOL),
    "AveragePooling2D": (POOL, "average_pooling2d", POOL),
    "AveragePooling3D": (POOL, "average_pooling3d", POOL),
    "BatchNormalization": (
        f"{NORMAL} {RENORM} trainable virtual_batch_size adjustment name",
        "batch_normalization",
        f"{NORMAL} training trainable name reuse {RENORM} virtual_batch_size adjustment",
    ),
    "Conv1D": (CONVOLUTION, "conv1d", f"{CONVOLUTION} reuse"),
    "Conv2D": (CONVOLUTION, "conv2d", f"{CONVOLUTION} reuse"),
    "Conv2DTranspose": (TRANSPOSED, "conv2d_transpose", f"{TRANSPOSED} reuse"),
    "Conv3D": (CONVOLUTION, "conv3d", f"{CONVOLUTION} reuse"),
    "Conv3DTranspose": (TRANSPOSED, "conv3d_transpose", f"{TRANSPOSED} reuse"),
    "Dense": (f"units activation use_bias {KERNEL}", "dense", f"units activation use_bias {KERNEL} reuse"),
    "Dropout": ("rate noise_shape seed name", "dropout", "rate noise_shape seed training name"),
    "Flatten": ("data_format", "flatten", "name data_format"),
    "MaxPooling1D": (POOL, "max_pooling1d", POOL),
    "MaxPooling2D": (POOL, "max_pooling2d", POOL),
    "MaxPooling3D": (POOL, "max_pooling3d", POOL),
    "SeparableConv1D": (SEPARABLE, "separable_conv1d", f"{SEPARABLE} reuse"),
    "SeparableConv2D": (SEPARABLE, "separable_conv2d", f"{SEPARABLE} reuse"),
}


def names(given: Any) -> list[str]:
    """What an argument may be called, in order."""
    parameters = inspect.signature(given).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


@pytest.mark.parametrize("label", ARGUMENTS)
def test_arguments_are_those_of_tensorflow(label: str) -> None:
    of_class, label_of_function, of_function = ARGUMENTS[label]
    layer, function = getattr(tf.layers, label), getattr(tf.layers, label_of_function)
    assert names(layer) == of_class.split()
    assert names(function) == ["inputs", *of_function.split()]
    shared = inspect.signature(layer).parameters
    for name, parameter in inspect.signature(function).parameters.items():
        # `flatten` of TensorFlow has a default of its own for data_format, which means the same.
        if name in shared and label != "Flatten":
            assert (parameter.default, parameter.annotation) == (
                shared[name].default,
                shared[name].annotation,
            )


@pytest.mark.parametrize("label", [label for label in ARGUMENTS if label not in ("Dropout", "Flatten")])
def test_help_names_every_argument(label: str) -> None:
    function = getattr(tf.layers, ARGUMENTS[label][1])
    text = pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert f"{function.__name__}(inputs: 'Any', " in text
    assert function.__name__ == ARGUMENTS[label][1]
    assert all(f"\n        {name}: " in text for name in names(function))
    assert "kwargs" not in text


def test_a_wrong_call_says_what_is_wrong() -> None:
    x = tf.zeros([2, 3])
    with tf.Graph().as_default():
        with pytest.raises(TypeError, match=r"dense: missing a required argument: 'units'.*\(inputs"):
            tf.layers.dense(x)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="dense: got an unexpected keyword argument 'unit'"):
            tf.layers.dense(x, 3, unit=3)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="max_pooling2d: got an unexpected keyword argument 'reuse'"):
            tf.layers.max_pooling2d(x, 2, 2, reuse=True)
        with pytest.raises(TypeError, match="Dense has no argument unit"):
            tf.layers.Dense(3, unit=3)  # type: ignore[call-arg]


def test_all_arguments_may_be_named_or_in_order() -> None:
    with tf.Graph().as_default():
        x = np.ones((2, 4, 4, 1), np.float32)
        first = tf.layers.conv2d_transpose(
            inputs=x, filters=2, kernel_size=2, activation=tf.tanh, name="turned", use_bias=False
        )
        order = [2, 2, 1, "valid", "channels_last", tf.tanh, False, *[None] * 7, True, "turned", True]
        again = tf.layers.conv2d_transpose(x, *order)
        layer = tf.layers.Conv2DTranspose(2, 2, 1, "valid", "channels_last", tf.tanh, False, reuse=True)
        named = tf.layers.Conv2DTranspose(2, 2, use_bias=False, _scope="turned", _reuse=True)
        assert [v.name for v in tf.global_variables()] == ["turned/kernel:0"]
        with pytest.raises(ValueError, match="name it to reuse it"):
            layer(x)
        last = tf.tanh(named(x))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            wanted, *found = session.run([first, again, last])
        assert wanted.any()
        for one in found:
            np.testing.assert_array_equal(one, wanted)


@pytest.mark.parametrize(("padding", "strides", "rate"), [("same", 2, 1), ("valid", 1, 2), ("valid", 3, 1)])
def test_separable_convolution_of_signals(padding: str, strides: int, rate: int) -> None:
    generator = np.random.default_rng(5)
    with tf.Graph().as_default():
        x = generator.normal(size=(2, 11, 3))
        y = tf.layers.separable_conv1d(x, 4, 3, strides, padding, "channels_last", rate, 2, name="s")
        turned = np.moveaxis(x, -1, 1)
        first = tf.layers.separable_conv1d(
            turned, 4, 3, strides, padding, "channels_first", rate, 2, name="s", reuse=True
        )
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            each, mix, bias = (generator.normal(size=v.shape) for v in tf.global_variables())
            for variable, value in zip(tf.global_variables(), (each, mix, bias), strict=True):
                variable.load(value, session)
            found, found_first = session.run([y, first])
        assert (each.shape, mix.shape, bias.shape) == ((3, 3, 2), (1, 6, 4), (4,))
        alone = [
            convolution(x[..., c : c + 1], each[:, c : c + 1], [strides], padding.upper(), [rate])
            for c in range(3)
        ]
        wanted = np.concatenate(alone, -1) @ mix[0] + bias
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
        np.testing.assert_allclose(found_first, np.moveaxis(wanted, -1, 1), rtol=1e-9)


def test_separable_layers_take_the_initial_value_of_their_bias_in_its_place() -> None:
    with tf.Graph().as_default():
        x = np.zeros((1, 3, 3, 2), np.float32)
        given = [
            3,
            2,
            1,
            "valid",
            "channels_last",
            1,
            1,
            None,
            True,
            None,
            None,
            tf.constant_initializer(2.5),
        ]
        layer = tf.layers.SeparableConv2D(*given)
        made = [layer(x), tf.layers.separable_conv2d(x, *given)]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for value in session.run(made):
                np.testing.assert_array_equal(value, np.full((1, 2, 2, 3), 2.5, np.float32))
