"""Convolutions of one to three axes against windows taken one by one, and their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.nn._naive import convolution, each_window

RANDOM = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    return tf.Session().run(fetches, feeds)


def close(found: Any, wanted: Any) -> None:
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11)


def numeric(function: Any, x: Any) -> Any:
    """The derivatives of a function of an array, by small steps."""
    grad, eps = np.zeros_like(x), 1e-5
    for place in np.ndindex(*x.shape):
        more, less = x.copy(), x.copy()
        more[place] += eps
        less[place] -= eps
        grad[place] = (function(more) - function(less)) / (2 * eps)
    return grad


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("rate", [1, 2])
def test_conv_of_any_rank(padding: str, stride: int, rate: int) -> None:
    if stride > 1 and rate > 1:
        stride = 1
    functions = {1: tf.nn.conv1d, 2: tf.nn.conv2d, 3: tf.nn.conv3d}
    for rank, function in functions.items():
        x = RANDOM.normal(size=(2, *(7, 6, 5)[:rank], 3))
        w = RANDOM.normal(size=(*(3, 2, 2)[:rank], 3, 4))
        wanted = convolution(x, w, [stride] * rank, padding, [rate] * rank)
        close(run(function(x, w, stride, padding, dilations=rate)), wanted)
        close(run(tf.nn.convolution(x, w, padding, [stride] * rank, [rate] * rank)), wanted)
        first = np.moveaxis(x, -1, 1)
        layout = ("NCW", "NCHW", "NCDHW")[rank - 1]
        steps = [1, 1, *[stride] * rank]
        turned = function(first, w, steps, padding, data_format=layout, dilations=[1, 1, *[rate] * rank])
        close(run(turned), np.moveaxis(wanted, -1, 1))


def test_sizes_that_are_not_known() -> None:
    x = tf.placeholder(tf.float64, [None, 4, None, None, 2])
    w = RANDOM.normal(size=(2, 3, 3, 2, 3))
    y = tf.nn.conv3d(x, w, [1, 2, 1, 1, 1], "SAME")
    assert y.shape[1] == 2
    value = RANDOM.normal(size=(3, 4, 5, 6, 2))
    close(run(y, {x: value}), convolution(value, w, (2, 1, 1), "SAME"))
    with pytest.raises(ValueError, match="depth of conv3d's input must be a number"):
        tf.nn.conv3d(tf.placeholder(tf.float64, [1, None, 4, 4, 2]), w, 1, "SAME")


def test_depthwise_and_separable() -> None:
    x = RANDOM.normal(size=(2, 6, 5, 3))
    each, mix = RANDOM.normal(size=(3, 2, 3, 2)), RANDOM.normal(size=(1, 1, 6, 4))

    def compute(part: Any) -> Any:
        return np.einsum("nyxc,yxcm->ncm", part, each).reshape(2, -1)

    for rate, strides in ((1, 2), (2, 1)):
        wanted = each_window(x, (3, 2), [strides] * 2, "SAME", compute, [rate] * 2)
        numbers, rates = [1, strides, strides, 1], [rate, rate]
        close(run(tf.nn.depthwise_conv2d(x, each, numbers, "SAME", rates)), wanted)
        close(run(tf.nn.depthwise_conv2d_native(x, each, numbers, "SAME", dilations=rates)), wanted)
        close(run(tf.nn.separable_conv2d(x, each, mix, numbers, "SAME", rates)), wanted @ mix[0, 0])
    first = np.moveaxis(x, -1, 1)
    wanted = each_window(x, (3, 2), (1, 1), "VALID", compute) @ mix[0, 0]
    found = tf.nn.separable_conv2d(first, each, mix, [1, 1, 1, 1], "VALID", data_format="NCHW")
    close(run(found), np.moveaxis(wanted, -1, 1))


def test_atrous() -> None:
    x, w = RANDOM.normal(size=(1, 8, 7, 2)), RANDOM.normal(size=(3, 3, 2, 3))
    close(run(tf.nn.atrous_conv2d(x, w, 2, "VALID")), convolution(x, w, (1, 1), "VALID", (2, 2)))
    dy = RANDOM.normal(size=(1, 4, 3, 3))
    wanted = numeric(lambda x: (convolution(x, w, (1, 1), "VALID", (2, 2)) * dy).sum(), x)
    found = run(tf.nn.atrous_conv2d_transpose(dy, w, [1, 8, 7, 2], 2, "VALID"))
    np.testing.assert_allclose(found, wanted, atol=1e-8)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_transposes_and_backprops_are_the_gradients(padding: str) -> None:
    for rank in (1, 2, 3):
        x = RANDOM.normal(size=(2, *(5, 4, 4)[:rank], 2))
        w = RANDOM.normal(size=(*(3, 2, 2)[:rank], 2, 3))
        dy = RANDOM.normal(size=convolution(x, w, [2] * rank, padding).shape)
        dx = numeric(lambda x: (convolution(x, w, [2] * rank, padding) * dy).sum(), x)  # noqa: B023
        dw = numeric(lambda w: (convolution(x, w, [2] * rank, padding) * dy).sum(), w)  # noqa: B023
        found: list[Any]
        if rank == 1:
            found = [tf.nn.conv1d_transpose(dy, w, x.shape, 2, padding)]
            turned = tf.nn.conv1d_transpose(np.moveaxis(dy, -1, 1), w, [2, 2, 5], 2, padding, "NCW")
        elif rank == 2:
            found = [
                tf.nn.conv2d_transpose(dy, w, x.shape, [1, 2, 2, 1], padding),
                tf.nn.conv2d_backprop_input(x.shape, w, dy, [1, 2, 2, 1], padding),
            ]
            filters = tf.nn.conv2d_backprop_filter(x, w.shape, dy, [1, 2, 2, 1], padding)
            turned = tf.nn.conv2d_transpose(np.moveaxis(dy, -1, 1), w, [2, 2, 5, 4], 2, padding, "NCHW")
        else:
            found = [
                tf.nn.conv3d_transpose(dy, w, x.shape, 2, padding),
                tf.nn.conv3d_backprop_input(x.shape, w, dy, 2, padding),
            ]
            filters = tf.nn.conv3d_backprop_filter(x, w.shape, dy, 2, padding)
            np.testing.assert_allclose(
                run(tf.nn.conv3d_backprop_filter_v2(x, w.shape, dy, 2, padding)), dw, atol=1e-8
            )
            turned = tf.nn.conv3d_transpose(np.moveaxis(dy, -1, 1), w, [2, 2, 5, 4, 4], 2, padding, "NCDHW")
        for y in run(found):
            np.testing.assert_allclose(y, dx, atol=1e-8)
        np.testing.assert_allclose(run(turned), np.moveaxis(dx, -1, 1), atol=1e-8)
        if rank > 1:
            np.testing.assert_allclose(run(filters), dw, atol=1e-8)


def test_depthwise_backprops() -> None:
    x, w = RANDOM.normal(size=(1, 5, 4, 2)), RANDOM.normal(size=(2, 2, 2, 2))
    sizes = tf.placeholder(tf.int32, [4])
    y = tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME")
    dy = RANDOM.normal(size=(1, 5, 4, 4))
    dx = tf.nn.depthwise_conv2d_native_backprop_input(sizes, w, dy, 1, "SAME")
    dw = tf.nn.depthwise_conv2d_native_backprop_filter(x, w.shape, dy, 1, "SAME")
    assert y.shape == (1, 5, 4, 4)

    def forward(x: Any, w: Any) -> Any:
        def compute(part: Any) -> Any:
            return np.einsum("nyxc,yxcm->ncm", part, w).reshape(1, -1)

        return (each_window(x, (2, 2), (1, 1), "SAME", compute) * dy).sum()

    found = run([dx, dw], {sizes: x.shape})
    np.testing.assert_allclose(found[0], numeric(lambda x: forward(x, w), x), atol=1e-8)
    np.testing.assert_allclose(found[1], numeric(lambda w: forward(x, w), w), atol=1e-8)


def test_the_gradient_of_conv3d_and_its_gradient() -> None:
    x, w = tf.placeholder(tf.float64, [1, 3, 3, 3, 1]), RANDOM.normal(size=(2, 2, 2, 1, 2))
    value = RANDOM.normal(size=(1, 3, 3, 3, 1))
    y = tf.reduce_sum(tf.square(tf.nn.conv3d(x, w, 1, "SAME")))
    (dx,) = tf.gradients(y, x)
    wanted = numeric(lambda x: (convolution(x, w, (1, 1, 1), "SAME") ** 2).sum(), value)
    np.testing.assert_allclose(run(dx, {x: value}), wanted, atol=1e-7)
    direction = RANDOM.normal(size=value.shape)
    (ddx,) = tf.gradients(tf.reduce_sum(dx * direction), x)
    session = tf.Session()
    wanted = numeric(lambda v: (session.run(dx, {x: v}) * direction).sum(), value)
    np.testing.assert_allclose(run(ddx, {x: value}), wanted, atol=1e-7)


def test_what_is_refused() -> None:
    x, w = np.zeros((1, 4, 4, 2)), np.zeros((3, 3, 2, 2))
    with pytest.raises(ValueError, match="data_format='NWHC': expected 'NHWC', or 'NCHW'"):
        tf.nn.conv2d(x, w, 1, "SAME", data_format="NWHC")
    with pytest.raises(ValueError, match=r"strides=\[2, 1, 1, 1\]: expected \[1, height, width, 1\]"):
        tf.nn.conv2d(x, w, [2, 1, 1, 1], "SAME")
    with pytest.raises(ValueError, match=r"padding=.*expected 'SAME', 'VALID' or"):
        tf.nn.conv2d(x, w, 1, [[1, 0], [0, 0], [0, 0], [0, 0]])
    with pytest.raises(ValueError, match="rank 6, expected 3 to 5"):
        tf.nn.convolution(x, np.zeros((1,) * 6))
