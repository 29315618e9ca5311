"""A small convolutional network for scikit-learn's bundled handwritten digits, 8x8 pixels, trained with Adam."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import trange

import samara as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from digit_images import bundled
from shifting import shifted

Array = np.ndarray[Any, Any]
EPOCHS = 12
BATCH = 32
LEARNING_RATE = 3e-3
HELD_BACK = 400
SEED = 5


@dataclass(frozen=True)
class Trained:
    """The trained network and its data.

    Attributes:
        session: holds the variables.
        image: the placeholder, float32 [?, 8, 8, 1] in 0..1.
        scores: the probabilities, float32 [?, 10].
        train_images, test_images: float32 [n, 8, 8, 1].
        test_labels: int64 [n].
    """

    session: tf.Session
    image: tf.Tensor
    scores: tf.Tensor
    train_images: Array
    test_images: Array
    test_labels: Array


def _weights(shape: tuple[int, ...], name: str) -> tf.Variable:
    """He et al., "Delving deep into rectifiers" (2015): variance 2 / inputs."""
    inputs = int(np.prod(shape[:-1]))
    return tf.Variable(tf.truncated_normal(shape, stddev=(2.0 / inputs) ** 0.5), name=name)


def network(image: tf.Tensor) -> tf.Tensor:
    """The logits [n, 10] of images [n, 8, 8, 1]."""
    y = image
    for number, (inputs, outputs) in enumerate([(1, 16), (16, 32)], 1):
        with tf.name_scope(f"conv{number}"):
            y = tf.nn.conv2d(
                y, _weights((3, 3, inputs, outputs), "filter"), strides=[1, 1, 1, 1], padding="SAME"
            )
            y = tf.nn.relu(tf.nn.bias_add(y, tf.Variable(tf.zeros([outputs]), name="bias")))
    y = tf.nn.max_pool(y, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID", name="pool")
    with tf.name_scope("dense"):
        y = tf.reshape(y, [-1, 4 * 4 * 32])
        return tf.matmul(y, _weights((4 * 4 * 32, 10), "weights")) + tf.Variable(tf.zeros([10]), name="bias")


def train() -> Trained:
    """Trains on all but the last images, which are held back."""
    data = bundled(HELD_BACK, SEED)
    train_images, train_labels = data.train_images, data.train_labels

    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(SEED)
        image = tf.placeholder(tf.float32, [None, 8, 8, 1], name="image")
        label = tf.placeholder(tf.int64, [None], name="label")
        logits = network(image)
        scores = tf.nn.softmax(logits, name="scores")
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
        rate = tf.placeholder(tf.float32, [], name="learning_rate")
        step = tf.train.AdamOptimizer(rate).minimize(loss)
        initialize = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(initialize)
    generator = np.random.default_rng(SEED)
    with trange(EPOCHS, desc="training", unit="epoch", disable=None) as epochs:
        for epoch in epochs:
            order = generator.permutation(len(train_images))
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                done = (epoch + start / len(order)) / EPOCHS
                _, value = session.run(
                    [step, loss],
                    {
                        image: shifted(train_images[chosen], 1, generator),
                        label: train_labels[chosen],
                        rate: LEARNING_RATE * (1 - done),
                    },
                )
            epochs.set_postfix(loss=f"{value:.4f}")
    return Trained(session, image, scores, train_images, data.test_images, data.test_labels)
