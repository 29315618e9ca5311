"""`tf.losses` and the losses of `tf.nn` against numpy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

Array = np.ndarray[Any, Any]
L = tf.losses
R = L.Reduction
GENERATOR = np.random.default_rng(11)
LABELS = GENERATOR.random((5, 4))
PREDICTIONS = GENERATOR.random((5, 4))
LOGITS = GENERATOR.normal(size=(5, 4)) * 2
BITS = GENERATOR.integers(0, 2, (5, 4)).astype(float)
HOT = np.eye(4)[[0, 3, 1, 1, 2]]


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def run(fetch: Any, feeds: Any = None) -> Any:
    with tf.Session() as session:
        return session.run(fetch, feeds)


def log_softmax(x: Array) -> Array:
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def smoothed(labels: Array, smoothing: float, centre: float) -> Array:
    return labels * (1 - smoothing) + smoothing * centre


def binary(z: Array, x: Array) -> Array:
    p = 1 / (1 + np.exp(-x))
    found: Array = -z * np.log(p) - (1 - z) * np.log(1 - p)
    return found


ERROR = np.abs(LABELS - PREDICTIONS)
# Each loss as it is called with weights and further arguments, and what it is for each element.
LOSSES: dict[str, tuple[Callable[..., Any], Array]] = {
    "absolute_difference": (lambda **k: L.absolute_difference(LABELS, PREDICTIONS, **k), ERROR),
    "mean_squared_error": (lambda **k: L.mean_squared_error(LABELS, PREDICTIONS, **k), ERROR**2),
    "hinge_loss": (lambda **k: L.hinge_loss(BITS, LOGITS, **k), np.maximum(0, 1 - (2 * BITS - 1) * LOGITS)),
    "huber_loss": (
        lambda **k: L.huber_loss(LABELS, PREDICTIONS, delta=0.3, **k),
        np.where(ERROR <= 0.3, ERROR**2 / 2, 0.3 * ERROR - 0.045),
    ),
    "log_loss": (
        lambda **k: L.log_loss(BITS, PREDICTIONS, epsilon=1e-3, **k),
        -BITS * np.log(PREDICTIONS + 1e-3) - (1 - BITS) * np.log(1 - PREDICTIONS + 1e-3),
    ),
    "cosine_distance": (
        lambda **k: L.cosine_distance(LABELS, PREDICTIONS, axis=1, **k),
        1 - (LABELS * PREDICTIONS).sum(1, keepdims=True),
    ),
    "sigmoid_cross_entropy": (lambda **k: L.sigmoid_cross_entropy(BITS, LOGITS, **k), binary(BITS, LOGITS)),
    "sigmoid_cross_entropy, smoothing": (
        lambda **k: L.sigmoid_cross_entropy(BITS, LOGITS, label_smoothing=0.2, **k),
        binary(smoothed(BITS, 0.2, 0.5), LOGITS),
    ),
    "softmax_cross_entropy": (
        lambda **k: L.softmax_cross_entropy(HOT, LOGITS, **k),
        -(HOT * log_softmax(LOGITS)).sum(-1),
    ),
    "softmax_cross_entropy, smoothing": (
        lambda **k: L.softmax_cross_entropy(HOT, LOGITS, label_smoothing=0.1, **k),
        -(smoothed(HOT, 0.1, 0.25) * log_softmax(LOGITS)).sum(-1),
    ),
    "sparse_softmax_cross_entropy": (
        lambda **k: L.sparse_softmax_cross_entropy(HOT.argmax(1), LOGITS, **k),
        -(HOT * log_softmax(LOGITS)).sum(-1),
    ),
}


def reduced(losses: Array, weights: Array, reduction: str) -> Array:
    weighted, spread = losses * weights, np.broadcast_to(weights, losses.shape)
    divisor = {
        R.NONE: None,
        R.SUM: 1.0,
        R.MEAN: spread.sum(),
        R.SUM_OVER_BATCH_SIZE: losses.size,
        R.SUM_BY_NONZERO_WEIGHTS: np.count_nonzero(spread),
    }[reduction]
    if divisor is None:
        return weighted
    return np.asarray(weighted.sum() / divisor if divisor else 0.0)


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    build, losses = LOSSES[name]
    rows = np.array([0.5, 0.0, 2.0, 1.0, 0.0]).reshape((5,) + (1,) * (losses.ndim - 1))
    full = rows * (np.arange(losses.size).reshape(losses.shape) % 3)
    fetches, expected = [build()], [reduced(losses, np.ones(()), R.SUM_BY_NONZERO_WEIGHTS)]
    for weights, reduction in itertools.product([np.asarray(0.7), np.asarray(0.0), rows, full], R.all()):
        fetches.append(build(weights=weights, reduction=reduction))
        expected.append(reduced(losses, weights, reduction))
    for found, wanted in zip(run(fetches), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6)


# No element is nearer than 0.05 to where a derivative jumps.
APART = LABELS + np.where(BITS > 0, 0.2, -0.4)
MARGINS = np.where(np.abs(LOGITS * (2 * BITS - 1) - 1) < 0.05, LOGITS + 0.2, LOGITS)
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Array]] = {
    "absolute_difference": (lambda x: L.absolute_difference(LABELS, x), APART),
    "mean_squared_error": (lambda x: L.mean_squared_error(LABELS, x), PREDICTIONS),
    "hinge_loss": (lambda x: L.hinge_loss(BITS, x), MARGINS),
    "huber_loss": (lambda x: L.huber_loss(LABELS, x, delta=0.3), APART),
    "log_loss": (lambda x: L.log_loss(BITS, x), PREDICTIONS.clip(0.1, 0.9)),
    "cosine_distance": (lambda x: L.cosine_distance(LABELS, x, axis=1), PREDICTIONS),
    "mean_pairwise_squared_error": (lambda x: L.mean_pairwise_squared_error(LABELS, x), PREDICTIONS),
    "sigmoid_cross_entropy": (lambda x: L.sigmoid_cross_entropy(BITS, x, label_smoothing=0.2), LOGITS),
    "softmax_cross_entropy": (lambda x: L.softmax_cross_entropy(HOT, x, label_smoothing=0.1), LOGITS),
    "sparse_softmax_cross_entropy": (lambda x: L.sparse_softmax_cross_entropy(HOT.argmax(1), x), LOGITS),
    "weighted_cross_entropy": (lambda x: tf.nn.weighted_cross_entropy_with_logits(BITS, x, 3.0), LOGITS),
    "log_poisson_loss": (lambda x: tf.nn.log_poisson_loss(LABELS * 5, x, compute_full_loss=True), LOGITS),
    "l2_loss": (lambda x: tf.nn.l2_loss(x), LOGITS),  # noqa: PLW0108
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_losses_are_their_differences(name: str) -> None:
    build, at = FUNCTIONS[name]
    x = tf.placeholder(tf.float64, at.shape)
    loss = tf.reduce_sum(tf.cast(build(x), tf.float64))
    gradient = tf.gradients(loss, x)[0]
    direction = np.random.default_rng(3).uniform(-1, 1, at.shape)
    # `tf.losses` computes in float32, which leaves few digits of a difference.
    step = 1e-2
    with tf.Session() as session:
        slope = float(np.sum(session.run(gradient, {x: at}) * direction))
        ends = [session.run(loss, {x: at + s * step * direction}) for s in (-2, -1, 1, 2)]
    # The five-point formula: its error is of the fourth order.
    expected = float((ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step))
    assert slope == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_sparse_labels_and_weights_may_have_a_column_too_much() -> None:
    weights = GENERATOR.random((5, 1))
    found = L.sparse_softmax_cross_entropy(HOT.argmax(1)[:, None], LOGITS, weights)
    expected = -(HOT * log_softmax(LOGITS)).sum(-1) * weights[:, 0]
    np.testing.assert_allclose(run(found), expected.mean(), rtol=1e-6)


@pytest.mark.parametrize("weights", [1.0, np.array([[1.0], [0.0], [2.0], [0.5], [1.0]])])
def test_mean_pairwise_squared_error(weights: Any) -> None:
    found = run(L.mean_pairwise_squared_error(LABELS, PREDICTIONS, weights))
    d, expected = PREDICTIONS - LABELS, 0.0
    for row, weight in zip(d, np.broadcast_to(np.ravel(weights), 5), strict=True):
        pairs = [(a - b) ** 2 for a, b in itertools.permutations(row, 2)]
        expected += weight * float(np.mean(pairs))
    assert found == pytest.approx(expected, rel=1e-5)
    assert run(L.mean_pairwise_squared_error(LABELS, PREDICTIONS, 0.0)) == 0


def test_the_total_sums_losses_and_what_regularizers_add() -> None:
    with pytest.raises(ValueError, match="there is no total loss"):
        L.get_total_loss()
    assert run(L.get_regularization_loss()) == 0
    with tf.name_scope("first"):
        one = L.mean_squared_error(LABELS, PREDICTIONS)
    two = L.absolute_difference(LABELS, PREDICTIONS)
    kept_out = L.absolute_difference(LABELS, PREDICTIONS, loss_collection=None)
    penalty = tf.constant(0.25)
    tf.get_default_graph().add_to_collection("regularization_losses", penalty)
    L.add_loss(tf.constant(2.0))
    assert kept_out not in L.get_losses()
    assert L.get_losses()[:2] == [one, two]
    assert L.get_losses("first") == [one]
    assert L.get_regularization_losses() == [penalty]
    expected = (ERROR**2).mean() + ERROR.mean() + 2
    found = run([L.get_total_loss(), L.get_total_loss(add_regularization_losses=False)])
    np.testing.assert_allclose(found, [expected + 0.25, expected], rtol=1e-6)


def test_regularizers_of_variables_are_in_the_total() -> None:
    w = tf.get_variable(
        "w", [3, 2], regularizer=lambda v: 0.1 * tf.nn.l2_loss(v), initializer=tf.ones_initializer()
    )
    L.mean_squared_error([1.0, 2.0], [1.0, 4.0])
    assert len(L.get_regularization_losses()) == 1
    with tf.Session() as session:
        session.run(w.initializer)
        np.testing.assert_allclose(session.run(L.get_total_loss()), 2.0 + 0.3, rtol=1e-6)


def test_what_losses_refuse() -> None:
    with pytest.raises(tf.ShapeError, match=r"labels \[5, 4\] and predictions \[4, 5\] must have one shape"):
        L.mean_squared_error(LABELS, PREDICTIONS.T)
    with pytest.raises(tf.ShapeError, match=r"weights \[5\] do not fit values \[5, 4\]"):
        L.mean_squared_error(LABELS, PREDICTIONS, np.ones(5))
    with pytest.raises(ValueError, match="reduction='mean': expected one of"):
        L.mean_squared_error(LABELS, PREDICTIONS, reduction="mean")
    with pytest.raises(ValueError, match="reduction='mean'"):
        R.validate("mean")
    with pytest.raises(ValueError, match="needs an axis"):
        L.cosine_distance(LABELS, PREDICTIONS)


def test_no_gradient_is_lost_where_the_weights_are_0() -> None:
    w = tf.placeholder(tf.float32, [5, 4])
    loss = L.compute_weighted_loss(tf.square(w), tf.cast(w > 10.0, tf.float32))
    np.testing.assert_array_equal(run(tf.gradients(loss, w)[0], {w: LABELS}), np.zeros((5, 4)))


# tf.nn ---------------------------------------------------------------------------------------------------------


def test_cross_entropies_by_keyword_by_the_old_order_and_along_an_axis() -> None:
    soft = np.exp(log_softmax(LABELS))
    dense = -(soft * log_softmax(LOGITS)).sum(-1)
    numbers = HOT.argmax(1)
    sparse = -(HOT * log_softmax(LOGITS)).sum(-1)
    n = tf.nn
    pairs = [
        (n.softmax_cross_entropy_with_logits(labels=soft, logits=LOGITS), dense),
        (n.softmax_cross_entropy_with_logits(LOGITS, soft), dense),
        (n.softmax_cross_entropy_with_logits(LOGITS, labels=soft), dense),
        (n.softmax_cross_entropy_with_logits_v2(soft, LOGITS), dense),
        (n.softmax_cross_entropy_with_logits_v2(soft.T, LOGITS.T, axis=0), dense),
        (n.softmax_cross_entropy_with_logits(labels=soft.T, logits=LOGITS.T, dim=0), dense),
        (n.sparse_softmax_cross_entropy_with_logits(labels=numbers, logits=LOGITS), sparse),
        (n.sparse_softmax_cross_entropy_with_logits(LOGITS, numbers), sparse),
        (n.sparse_softmax_cross_entropy_with_logits(LOGITS, numbers.astype(np.uint8)), sparse),
        (n.sigmoid_cross_entropy_with_logits(labels=BITS, logits=LOGITS), binary(BITS, LOGITS)),
        (n.sigmoid_cross_entropy_with_logits(LOGITS, BITS), binary(BITS, LOGITS)),
        (n.l2_loss(LOGITS), (LOGITS**2).sum() / 2),
        (n.l2_loss(3.0), 4.5),
    ]
    for found, expected in zip(run([f for f, _ in pairs]), [e for _, e in pairs], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="needs labels= and logits="):
        n.sigmoid_cross_entropy_with_logits(logits=LOGITS)
    with pytest.raises(TypeError, match="once each"):
        n.sigmoid_cross_entropy_with_logits(LOGITS, BITS, labels=BITS)


def test_gradients_go_to_labels_in_the_second_version_only() -> None:
    labels, logits = tf.constant(HOT), tf.constant(LOGITS)
    first = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    second = tf.nn.softmax_cross_entropy_with_logits_v2(labels, logits)
    assert tf.gradients(first, labels) == [None]
    np.testing.assert_allclose(run(tf.gradients(second, labels)[0]), -log_softmax(LOGITS), rtol=1e-12)


def test_weighted_and_poisson() -> None:
    p = 1 / (1 + np.exp(-LOGITS))
    weighted = -3.0 * BITS * np.log(p) - (1 - BITS) * np.log(1 - p)
    np.testing.assert_allclose(
        run(tf.nn.weighted_cross_entropy_with_logits(BITS, LOGITS, 3.0)), weighted, rtol=1e-10
    )
    assert run(tf.nn.weighted_cross_entropy_with_logits([0.0, 1.0], [-200.0, -200.0], 2.0)).tolist() == [
        0,
        400,
    ]
    counts = np.array([0.0, 0.5, 1.0, 2.0, 7.0])
    logs = np.array([0.1, -0.5, 0.3, 1.0, 2.0])
    plain = np.exp(logs) - counts * logs
    np.testing.assert_allclose(run(tf.nn.log_poisson_loss(counts, logs)), plain, rtol=1e-10)
    full = run(tf.nn.log_poisson_loss(counts, logs, compute_full_loss=True))
    exact = plain + [math.lgamma(c + 1) for c in counts]
    np.testing.assert_allclose(full[[0, 2, 3, 4]], exact[[0, 2, 3, 4]], atol=0.05)
    assert full[1] == pytest.approx(plain[1])
    stirling = 7 * np.log(7) - 7 + 0.5 * np.log(2 * np.pi * 7)
    assert full[4] == pytest.approx(plain[4] + stirling)


# Sampled losses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["uniform", "log_uniform"])
@pytest.mark.parametrize("unique", [True, False])
def test_samplers_draw_as_they_say(kind: str, unique: bool) -> None:
    tf.set_random_seed(5)
    classes = 8
    sampler = getattr(tf.nn, f"{kind}_candidate_sampler")
    true = np.arange(classes, dtype=np.int64).reshape(4, 2)
    sampled, true_count, sampled_count = sampler(true, 2, 4, unique, classes, seed=3)
    counts, expected = np.zeros(classes), np.zeros(classes)
    with tf.Session() as session:
        for _ in range(600):
            drawn, of_true, of_drawn = session.run([sampled, true_count, sampled_count])
            assert drawn.dtype == np.int64
            assert not unique or len(set(drawn.tolist())) == 4
            np.add.at(counts, drawn, 1)
            expected += of_true.reshape(-1)
            np.testing.assert_allclose(of_drawn, of_true.reshape(-1)[drawn], rtol=1e-6)
    if not unique:
        c = np.arange(classes)
        p = (
            np.full(classes, 1 / classes)
            if kind == "uniform"
            else np.log((c + 2) / (c + 1)) / np.log(classes + 1)
        )
        np.testing.assert_allclose(expected / 600, 4 * p, rtol=1e-5)
    # Five deviations of counts of 600 runs.
    np.testing.assert_allclose(counts, expected, atol=5 * math.sqrt(600 * 4 * 0.25), rtol=0.1)


def table(classes: int, size: int) -> tuple[Array, Array, Array, Array]:
    g = np.random.default_rng(4)
    return (
        g.normal(size=(classes, size)).astype(np.float32),
        g.normal(size=classes).astype(np.float32),
        g.normal(size=(3, size)).astype(np.float32),
        np.array([[1, 4], [0, 2], [6, 6]]),
    )


@pytest.mark.parametrize("remove", [False, True])
def test_sampled_losses_of_given_candidates(remove: bool) -> None:
    weights, biases, inputs, labels = table(7, 5)
    drawn = np.array([2, 5, 4])
    q_true = np.random.default_rng(1).random((3, 2)).astype(np.float32)
    q_drawn = np.array([0.3, 0.7, 0.9], np.float32)
    logits, wanted = np.zeros((3, 5)), np.zeros((3, 5))
    for row in range(3):
        for i, (c, q) in enumerate(
            [*zip(labels[row], q_true[row], strict=True), *zip(drawn, q_drawn, strict=True)]
        ):
            logits[row, i] = inputs[row] @ weights[c] + biases[c] - np.log(q)
            if i < 2:
                wanted[row, i] = 0.5
            elif remove and c in labels[row]:
                logits[row, i] = -1e30
    sampled = (tf.constant(drawn), tf.constant(q_true), tf.constant(q_drawn))
    arguments: Any = {"num_sampled": 3, "num_classes": 7, "num_true": 2, "sampled_values": sampled}
    arguments["remove_accidental_hits"] = remove
    nce = tf.nn.nce_loss(weights, biases, labels, inputs, **arguments)
    old = tf.nn.nce_loss(weights, biases, inputs, labels, **arguments)
    softmax = tf.nn.sampled_softmax_loss(weights, biases, labels, inputs, **arguments)
    found = run([nce, old, softmax])
    entropies = np.where(
        logits < -1e29, 0.0, np.maximum(logits, 0) - logits * wanted + np.log1p(np.exp(-np.abs(logits)))
    )
    np.testing.assert_allclose(found[0], entropies.sum(1), rtol=1e-5)
    np.testing.assert_array_equal(found[0], found[1])
    shifted = logits - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    np.testing.assert_allclose(found[2], -(wanted * np.where(wanted, logs, 0)).sum(1), rtol=1e-5)


@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_a_table_in_parts(strategy: str) -> None:
    weights, biases, inputs, labels = table(7, 5)
    drawn = (tf.constant([2, 5, 3]), tf.ones([3, 2]), tf.ones([3]))
    cut: Callable[[Array], list[Array]] = (
        (lambda t: [t[i::3] for i in range(3)]) if strategy == "mod" else (lambda t: [t[:3], t[3:5], t[5:]])
    )
    whole = tf.nn.nce_loss(weights, biases, labels, inputs, 3, 7, 2, drawn)
    parts = tf.nn.nce_loss(cut(weights), cut(biases), labels, inputs, 3, 7, 2, drawn, False, strategy)
    found = run([whole, parts])
    np.testing.assert_array_equal(*found)


def test_training_with_sampled_classes_finds_the_classes() -> None:
    tf.set_random_seed(1)
    rows = tf.Variable(tf.random_normal([20, 20], stddev=0.1))
    weights, biases = tf.Variable(tf.zeros([20, 20])), tf.Variable(tf.zeros([20]))
    ids = np.arange(20)
    inputs = tf.gather(rows, ids)
    loss = tf.reduce_mean(tf.nn.nce_loss(weights, biases, ids[:, None], inputs, 6, 20))
    step = tf.train.AdamOptimizer(0.1).minimize(loss)
    logits = tf.matmul(inputs, weights, transpose_b=True) + biases
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(100):
            session.run(step)
        assert np.array_equal(session.run(logits).argmax(1), ids)


def test_what_sampled_losses_refuse() -> None:
    weights, biases, inputs, labels = table(7, 5)
    with pytest.raises(tf.ShapeError, match="no 9 different classes among range_max=7"):
        tf.nn.nce_loss(weights, biases, labels, inputs, 9, 7, 2)
    with pytest.raises(tf.ShapeError, match=r"must have the shape \[batch, num_true=1\]"):
        tf.nn.sampled_softmax_loss(weights, biases, labels, inputs, 3, 7)
    with pytest.raises(ValueError, match="partition_strategy='row'"):
        tf.nn.nce_loss([weights, weights], biases, labels, inputs, 3, 14, 2, partition_strategy="row")
