"""tf.contrib.seq2seq against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf

BATCH, TIME, CLASSES = 3, 5, 4
RANDOM = np.random.default_rng(77)
LOGITS = RANDOM.normal(size=(BATCH, TIME, CLASSES))
TARGETS = RANDOM.integers(0, CLASSES, (BATCH, TIME))
WEIGHTS = RANDOM.random((BATCH, TIME)) * (RANDOM.random((BATCH, TIME)) > 0.3)
WEIGHTS[:, -1] = 0


def losses() -> Any:
    """Those of the steps, weighted."""
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(p, TARGETS[..., None], -1)[..., 0]) * WEIGHTS


def ratio(total: Any, size: Any) -> Any:
    return np.where(size == 0, 0.0, total / np.where(size == 0, 1, size))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ((), losses().sum() / WEIGHTS.sum()),
        ((True, False), ratio(losses().sum(1), WEIGHTS.sum(1))),
        ((False, True), ratio(losses().sum(0), WEIGHTS.sum(0))),
        ((False, False), losses()),
        ((False, False, True, True), losses().sum() / np.count_nonzero(WEIGHTS)),
        ((False, False, True, False), ratio(losses().sum(1), np.count_nonzero(WEIGHTS, 1))),
        ((False, False, False, True), ratio(losses().sum(0), np.count_nonzero(WEIGHTS, 0))),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_sequence_loss(options: tuple[bool, ...], wanted: Any, known: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        logits = tf.placeholder(tf.float64, LOGITS.shape if known else [None, None, CLASSES])
        targets = tf.placeholder(tf.int64, TARGETS.shape if known else [None, None])
        weights = tf.placeholder(tf.float64, WEIGHTS.shape if known else [None, None])
        loss = tf.contrib.seq2seq.sequence_loss(logits, targets, weights, *options)
        found = session.run(loss, {logits: LOGITS, targets: TARGETS, weights: WEIGHTS})
    assert found.shape == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_another_loss() -> None:
    with tf.Graph().as_default(), tf.Session() as session:

        def rows(labels: Any, logits: Any) -> Any:
            return tf.reduce_sum(logits, 1) + tf.cast(labels, tf.float64)

        loss = tf.contrib.seq2seq.sequence_loss(LOGITS, TARGETS, WEIGHTS, softmax_loss_function=rows)
        wanted = ((LOGITS.sum(-1) + TARGETS) * WEIGHTS).sum() / WEIGHTS.sum()
        np.testing.assert_allclose(session.run(loss), wanted, rtol=1e-12)


def test_what_is_refused() -> None:
    loss = tf.contrib.seq2seq.sequence_loss
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="logits of sequence_loss have rank 2: expected 3"):
            loss(LOGITS[0], TARGETS, WEIGHTS)
        with pytest.raises(ValueError, match="sum_over_timesteps are both True"):
            loss(LOGITS, TARGETS, WEIGHTS, sum_over_timesteps=True)
        with pytest.raises(ValueError, match="sum_over_batch are both True"):
            loss(LOGITS, TARGETS, WEIGHTS, sum_over_batch=True)
