"""A training step is a graph like any other: exported, it trains in the C runtime as it does in a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf

BATCH, STEPS = 16, 12
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.03, 0.9),
    "nesterov": lambda: tf.train.MomentumOptimizer(0.03, 0.9, use_nesterov=True),
    "adam": lambda: tf.train.AdamOptimizer(0.01),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.05),
    "adadelta": lambda: tf.train.AdadeltaOptimizer(0.5, epsilon=1e-4),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.005, momentum=0.5, epsilon=1e-3, centered=True),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "proximal": lambda: tf.train.ProximalAdagradOptimizer(0.05, l1_regularization_strength=0.01),
}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_trains_in_the_c_runtime_as_in_a_session(name: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 3, (STEPS, BATCH))
    images = (generator.normal(size=(STEPS, BATCH, 6, 6, 1)) * 0.5).astype(np.float32)
    images[..., 0] += np.where(labels[..., None, None] == 1, 1.0, 0.0).astype(np.float32)
    images[:, :, :3, :, 0] += np.where(labels[..., None, None] == 2, 1.0, 0.0).astype(np.float32)

    with tf.Graph().as_default():
        tf.set_random_seed(1)
        image = tf.placeholder(tf.float32, [None, 6, 6, 1], name="image")
        label = tf.placeholder(tf.int64, [None], name="label")
        filters = tf.Variable(tf.truncated_normal([3, 3, 1, 4], stddev=0.4), name="filters")
        bias = tf.Variable(tf.zeros([4]), name="bias")
        y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(image, filters, 1, "SAME"), bias))
        y = tf.reshape(tf.nn.max_pool(y, 2, 2, "VALID"), [-1, 3 * 3 * 4])
        weights = tf.Variable(tf.truncated_normal([3 * 3 * 4, 3], stddev=0.2), name="weights")
        logits = tf.matmul(y, weights)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
        count = tf.Variable(0, trainable=False, name="count")
        with tf.control_dependencies([OPTIMIZERS[name]().minimize(loss, global_step=count)]):
            trained = tf.identity(loss, name="loss")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            shapes = {"image": [BATCH, 6, 6, 1], "label": [BATCH]}
            tf.export_model(
                [
                    tf.Signature({"loss": trained}, name="train", shapes=shapes),
                    tf.Signature({"logits": logits}, name="predict", shapes={"image": shapes["image"]}),
                ],
                tmp_path / "step.smr",
            )
            context = tf.load(tmp_path / "step.smr").context()
            losses = []
            for x, numbers in zip(images, labels, strict=True):
                expected = session.run(trained, {image: x, label: numbers})
                found = context.run(image=x, label=numbers, signature="train")
                np.testing.assert_allclose(found, expected, rtol=1e-5)
                losses.append(expected)
            assert np.mean(losses[-3:]) < 0.8 * losses[0]
            np.testing.assert_allclose(
                context.run(images[0], signature="predict"),
                session.run(logits, {image: images[0]}),
                rtol=1e-4,
                atol=1e-5,
            )
            states = context.states()
            values = {v.op.name: session.run(v) for v in tf.global_variables()}
            assert set(states) == set(values)
            for variable, value in values.items():
                np.testing.assert_allclose(states[variable], value, rtol=1e-4, atol=1e-5, err_msg=variable)
            assert states["count"] == STEPS
