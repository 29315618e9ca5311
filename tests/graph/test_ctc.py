"""Connectionist temporal classification against all paths, and against torch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import samara as tf

Array = np.ndarray[Any, Any]


def run(
    logits: Array, labels: Array, label_length: Any, logit_length: Any, **keywords: Any
) -> tuple[Array, Array]:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(logits.dtype, [None, *logits.shape[1:]])
        loss = tf.nn.ctc_loss_v2(labels, x, label_length, logit_length, **keywords)
        weights = np.arange(1, loss.shape[0] + 1).astype(logits.dtype)
        gradient = tf.gradients(tf.reduce_sum(loss * weights), x)[0]
        found, slope = session.run([loss, gradient], {x: logits})
        return found, slope


def by_paths(logits: Array, wanted: list[int], blank: int) -> float:
    """Summed over every path whose repetitions and blanks taken out leave the labels."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        merged = [c for c, _ in itertools.groupby(path) if c != blank]
        if merged == wanted:
            total += float(np.prod([p[t, c] for t, c in enumerate(path)]))
    return -float(np.log(total)) if total else np.inf


@pytest.mark.parametrize("blank", [0, -1])
def test_every_path_counts(blank: int) -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(4, 5, 3))
    classes = [1, 2] if blank == 0 else [0, 1]
    one, other = classes
    labels = np.array([[one, other], [one, one], [other, 0], [0, 0], [one, one]])
    label_length, logit_length = [2, 2, 1, 0, 2], [4, 4, 3, 2, 2]
    found, _ = run(logits, labels, label_length, logit_length, blank_index=blank)
    expected = [
        by_paths(logits[:n, i], labels[i, :k].tolist(), blank % 3)
        for i, (k, n) in enumerate(zip(label_length, logit_length, strict=True))
    ]
    assert expected[4] == np.inf
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_and_gradients_are_those_of_torch(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(2)
    logits = generator.normal(size=(12, 6, 7)).astype(dtype) * 2
    labels = generator.integers(1, 7, (6, 5))
    label_length, logit_length = np.array([5, 3, 0, 1, 4, 5]), np.array([12, 10, 12, 7, 12, 3])
    found, slope = run(logits, labels, label_length, logit_length)
    x = torch.tensor(logits, requires_grad=True)
    losses = torch.nn.functional.ctc_loss(
        x.log_softmax(2),
        torch.tensor(labels),
        torch.tensor(logit_length),
        torch.tensor(label_length),
        reduction="none",
        zero_infinity=True,
    )
    (losses * torch.arange(1, 7)).sum().backward()
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    assert np.isinf(found[5])
    np.testing.assert_allclose(found[:5], losses.detach().numpy()[:5], rtol=tolerance)
    np.testing.assert_allclose(slope, x.grad.numpy(), atol=tolerance * 10)
    turned, _ = run(logits.swapaxes(0, 1).copy(), labels, label_length, logit_length, logits_time_major=False)
    np.testing.assert_array_equal(turned, found)


def test_training_reads_the_labels_off() -> None:
    wanted = np.array([[1, 2, 2, 3]])
    with tf.Graph().as_default():
        logits = tf.Variable(np.zeros((9, 1, 4), np.float32))
        loss = tf.reduce_sum(tf.nn.ctc_loss_v2(wanted, logits, [4], [9]))
        step = tf.train.AdamOptimizer(0.3).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(60):
                session.run(step)
            best = session.run(logits)[:, 0].argmax(1).tolist()
            assert session.run(loss) < 0.1
    assert [c for c, _ in itertools.groupby(best) if c] == wanted[0].tolist()


def test_what_it_refuses() -> None:
    logits, labels = tf.zeros([4, 2, 3]), np.array([[1], [5]])
    with pytest.raises(tf.ShapeError, match="batch of logits"):
        tf.nn.ctc_loss_v2(labels[:1], logits, [1], [4])
    with pytest.raises(tf.ShapeError, match="blank is 3"):
        tf.nn.ctc_loss_v2(labels, logits, [1, 1], [4, 4], blank_index=3)
    with pytest.raises(tf.ShapeError, match=r"number of classes .* is not known"):
        tf.nn.ctc_loss_v2(labels, tf.placeholder(tf.float32), [1, 1], [4, 4], blank_index=-1)
    variable = tf.Variable(np.zeros((4, 2, 3), np.float32))
    slope = tf.gradients(tf.nn.ctc_loss_v2(labels, variable, [1, 1], [4, 4]), variable)[0]
    with pytest.raises(tf.GraphError, match="its gradient has no gradient"):
        tf.gradients(slope, variable)
    with tf.Session() as session:
        with pytest.raises(tf.GraphError, match=r"a label is outside 0\.\.2"):
            session.run(tf.nn.ctc_loss_v2(labels, logits, [1, 1], [4, 4]))
        with pytest.raises(tf.GraphError, match="a length is above"):
            session.run(tf.nn.ctc_loss_v2(labels, logits, [2, 0], [4, 4]))
