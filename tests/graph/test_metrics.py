"""`tf.metrics` over several batches against scikit-learn and numpy on all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

import samara as tf

Array = np.ndarray[Any, Any]
M = tf.metrics
SAMPLES, BATCH, CLASSES = 300, 60, 4
G = np.random.default_rng(8)
TRUE = G.integers(0, 2, SAMPLES)
SCORES = np.clip(G.normal(0.35 + 0.3 * TRUE, 0.2), 0.001, 0.999).astype(np.float32)
SAID = (SCORES > 0.55).astype(np.int64)
CLASS = G.integers(0, CLASSES, SAMPLES)
GUESS = np.where(G.random(SAMPLES) < 0.6, CLASS, G.integers(0, CLASSES, SAMPLES))
WEIGHTS = G.integers(0, 3, SAMPLES).astype(np.float32)
REALS, ESTIMATES = G.normal(size=SAMPLES), G.normal(size=SAMPLES)
LIMITS = [0.2, 0.55, 0.9]


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def fed(build: Callable[..., Any], *columns: Array) -> tuple[Any, Any]:
    """(value, last update) of a metric that is given the columns in batches, after what it had was reset."""
    feeds = [tf.placeholder(c.dtype, [None, *c.shape[1:]]) for c in columns]
    value, update = build(*feeds)
    batches = [
        {f: c[i : i + BATCH] for f, c in zip(feeds, columns, strict=True)} for i in range(0, SAMPLES, BATCH)
    ]
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        np.testing.assert_array_equal(session.run(value), np.asarray(session.run(value)))
        session.run(update, batches[0])
        session.run(tf.local_variables_initializer())
        for batch in batches:
            last = session.run(update, batch)
        return session.run(value), last


def positives(scores: Array, limit: float) -> Array:
    return scores > np.float32(limit)


def confusion(weights: Array | None = None) -> Array:
    found: Array = sk.confusion_matrix(CLASS, GUESS, sample_weight=weights)
    return found


def iou(matrix: Array) -> float:
    hits = np.diag(matrix)
    return float(np.mean(hits / (matrix.sum(0) + matrix.sum(1) - hits)))


W = {"sample_weight": WEIGHTS}
ABSOLUTE = np.abs(REALS - ESTIMATES)
METRICS: dict[str, tuple[Callable[..., Any], tuple[Array, ...], Any]] = {
    "mean": (M.mean, (REALS,), REALS.mean()),
    "mean, weights": (M.mean, (REALS, WEIGHTS), np.average(REALS, weights=WEIGHTS)),
    "mean of integers": (M.mean, (CLASS,), CLASS.mean()),
    "accuracy": (M.accuracy, (CLASS, GUESS), sk.accuracy_score(CLASS, GUESS)),
    "accuracy, weights": (M.accuracy, (CLASS, GUESS, WEIGHTS), sk.accuracy_score(CLASS, GUESS, **W)),
    "accuracy, a column": (M.accuracy, (CLASS[:, None], GUESS), sk.accuracy_score(CLASS, GUESS)),
    "accuracy, two types": (M.accuracy, (CLASS, GUESS.astype(np.int32)), sk.accuracy_score(CLASS, GUESS)),
    "mean_squared_error": (M.mean_squared_error, (REALS, ESTIMATES), sk.mean_squared_error(REALS, ESTIMATES)),
    "root_mean_squared_error": (
        M.root_mean_squared_error,
        (REALS, ESTIMATES, WEIGHTS),
        np.sqrt(sk.mean_squared_error(REALS, ESTIMATES, **W)),
    ),
    "mean_absolute_error": (M.mean_absolute_error, (REALS, ESTIMATES), ABSOLUTE.mean()),
    "mean_relative_error": (
        M.mean_relative_error,
        (REALS, ESTIMATES, WEIGHTS),
        np.where(WEIGHTS > 0, ABSOLUTE / np.maximum(WEIGHTS, 1), 0).mean(),
    ),
    "mean_cosine_distance": (
        lambda a, b: M.mean_cosine_distance(a, b, 1),
        (np.stack([REALS, ESTIMATES], 1), np.stack([ESTIMATES, REALS**2], 1)),
        1 - (REALS * ESTIMATES + ESTIMATES * REALS**2).mean(),
    ),
    "percentage_below": (lambda x: M.percentage_below(x, 0.3), (REALS,), (REALS < 0.3).mean()),
    "mean_iou": (lambda a, b: M.mean_iou(a, b, CLASSES), (CLASS, GUESS), iou(confusion())),
    "mean_iou, weights": (
        lambda a, b, w: M.mean_iou(a, b, CLASSES, w),
        (CLASS, GUESS, WEIGHTS),
        iou(confusion(WEIGHTS)),
    ),
    "mean_iou, a class that never comes": (
        lambda a, b: M.mean_iou(a, b, CLASSES + 1),
        (CLASS, GUESS),
        iou(confusion()),
    ),
    "mean_per_class_accuracy": (
        lambda a, b, w: M.mean_per_class_accuracy(a, b, CLASSES, w),
        (CLASS, GUESS, WEIGHTS),
        sk.balanced_accuracy_score(CLASS, GUESS, **W),
    ),
    "true_positives": (M.true_positives, (TRUE, SAID), (TRUE & SAID).sum()),
    "true_negatives": (M.true_negatives, (TRUE, SAID), ((1 - TRUE) & (1 - SAID)).sum()),
    "false_positives": (M.false_positives, (TRUE, SAID, WEIGHTS), (((1 - TRUE) & SAID) * WEIGHTS).sum()),
    "false_negatives": (M.false_negatives, (TRUE > 0, SAID > 0), (TRUE & (1 - SAID)).sum()),
    "precision": (M.precision, (TRUE, SAID), sk.precision_score(TRUE, SAID)),
    "precision, weights": (M.precision, (TRUE, SAID, WEIGHTS), sk.precision_score(TRUE, SAID, **W)),
    "recall": (M.recall, (TRUE, SAID), sk.recall_score(TRUE, SAID)),
    "recall, weights": (M.recall, (TRUE, SAID, WEIGHTS), sk.recall_score(TRUE, SAID, **W)),
    "true_positives_at_thresholds": (
        lambda a, b: M.true_positives_at_thresholds(a, b, LIMITS),
        (TRUE, SCORES),
        [(positives(SCORES, t) & (TRUE == 1)).sum() for t in LIMITS],
    ),
    "false_positives_at_thresholds": (
        lambda a, b, w: M.false_positives_at_thresholds(a, b, LIMITS, w),
        (TRUE, SCORES, WEIGHTS),
        [((positives(SCORES, t) & (TRUE == 0)) * WEIGHTS).sum() for t in LIMITS],
    ),
    "false_negatives_at_thresholds": (
        lambda a, b: M.false_negatives_at_thresholds(a, b, LIMITS),
        (TRUE, SCORES),
        [(~positives(SCORES, t) & (TRUE == 1)).sum() for t in LIMITS],
    ),
    "true_negatives_at_thresholds": (
        lambda a, b, w: M.true_negatives_at_thresholds(a, b, LIMITS, w),
        (TRUE, SCORES, WEIGHTS),
        [((~positives(SCORES, t) & (TRUE == 0)) * WEIGHTS).sum() for t in LIMITS],
    ),
    "precision_at_thresholds": (
        lambda a, b, w: M.precision_at_thresholds(a, b, LIMITS, w),
        (TRUE, SCORES, WEIGHTS),
        [sk.precision_score(TRUE, positives(SCORES, t), zero_division=0.0, **W) for t in LIMITS],
    ),
    "recall_at_thresholds": (
        lambda a, b: M.recall_at_thresholds(a, b, LIMITS),
        (TRUE, SCORES),
        [sk.recall_score(TRUE, positives(SCORES, t)) for t in LIMITS],
    ),
}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_batches_is_that_of_all_samples(name: str) -> None:
    build, columns, expected = METRICS[name]
    value, last = fed(build, *columns)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(value, last)


def test_the_mean_of_tensors_is_by_element() -> None:
    values, weights = G.normal(size=(5, 3, 2)), G.random((5, 3, 1))
    x, w = tf.placeholder(tf.float32, [3, 2]), tf.placeholder(tf.float32, [3, 1])
    value, update = M.mean_tensor(x, w)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        np.testing.assert_array_equal(session.run(value), np.zeros((3, 2)))
        for v, u in zip(values, weights, strict=True):
            session.run(update, {x: v, w: u})
        expected = (values * weights).sum(0) / weights.sum(0)
        np.testing.assert_allclose(session.run(value), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="is not known"):
        M.mean_tensor(tf.placeholder(tf.float32, [None]))


def test_the_area_under_roc_and_pr_curves() -> None:
    roc, _ = fed(lambda a, b: M.auc(a, b, num_thresholds=2000), TRUE, SCORES)
    assert roc == pytest.approx(sk.roc_auc_score(TRUE, SCORES), abs=1e-3)
    roc, _ = fed(lambda a, b, w: M.auc(a, b, w, 2000), TRUE, SCORES, WEIGHTS)
    assert roc == pytest.approx(sk.roc_auc_score(TRUE, SCORES, **W), abs=1e-3)
    low, careful, line, high = (
        fed(
            lambda a, b, m=method: M.auc(a, b, num_thresholds=2000, curve="PR", summation_method=m),
            TRUE,
            SCORES,
        )[0]
        for method in ("minoring", "careful_interpolation", "trapezoidal", "majoring")
    )
    assert low < line < high
    precision, recall, _ = sk.precision_recall_curve(TRUE, SCORES)
    assert line == pytest.approx(sk.auc(recall, precision), abs=2e-3)
    assert careful == pytest.approx(sk.average_precision_score(TRUE, SCORES), abs=5e-3)


def test_careful_interpolation_is_the_integral_between_two_points() -> None:
    # Two thresholds inside: true and false positives go from (1, 2) to (3, 4), and on to all, (4, 6).
    scores = np.array([0.9] * 3 + [0.5] * 4 + [0.1] * 3, np.float32)
    labels = np.array([1, 0, 0, 1, 1, 0, 0, 1, 0, 0])
    value, update = M.auc(
        labels, scores, curve="PR", summation_method="careful_interpolation", thresholds=[0.7, 0.3]
    )
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(update)
        found = session.run(value)
    expected = 0.0
    for (tp, fp), (tp2, fp2) in [((0, 0), (1, 2)), ((1, 2), (3, 4)), ((3, 4), (4, 6))]:
        t = (np.arange(20000) + 0.5) / 20000
        along, other = tp + t * (tp2 - tp), fp + t * (fp2 - fp)
        expected += float(np.mean(along / (along + other))) * (tp2 - tp) / 4
    assert found == pytest.approx(expected, abs=1e-4)


def test_one_rate_at_another() -> None:
    limits = np.linspace(0, 1, 200)
    said = [positives(SCORES, t) for t in limits[1:-1]]
    sensitivity = np.array([1.0, *(s[TRUE == 1].mean() for s in said), 0.0])
    specificity = np.array([0.0, *(1 - s[TRUE == 0].mean() for s in said), 1.0])
    found, _ = fed(lambda a, b: M.sensitivity_at_specificity(a, b, 0.8), TRUE, SCORES)
    assert found == pytest.approx(sensitivity[np.argmin(np.abs(specificity - 0.8))], rel=1e-5)
    found, _ = fed(lambda a, b: M.specificity_at_sensitivity(a, b, 0.7), TRUE, SCORES)
    distance = np.abs(sensitivity - 0.7)
    last = len(limits) - 1 - np.argmin(distance[::-1])
    assert found == pytest.approx(specificity[last], rel=1e-5)


RANKS = G.normal(size=(SAMPLES, 6)).astype(np.float32)
SETS = G.integers(0, 7, (SAMPLES, 3))
"""Labels with repetitions, and with a class that no prediction has."""


def ranked(k: int, class_id: int | None = None) -> tuple[float, float]:
    """Precision and recall, counted row by row with sets."""
    said = right = true = 0.0
    for scores, labels, weight in zip(RANKS, SETS, WEIGHTS, strict=True):
        first, wanted = set(np.argsort(-scores)[:k].tolist()), set(labels.tolist())
        if class_id is not None:
            first, wanted = first & {class_id}, wanted & {class_id}
        right += weight * len(first & wanted)
        said += weight * len(first)
        true += weight * len(wanted)
    return right / said, right / true


@pytest.mark.parametrize("class_id", [None, 2])
@pytest.mark.parametrize("k", [1, 3])
def test_the_first_places(k: int, class_id: int | None) -> None:
    precision, recall = ranked(k, class_id)
    columns = SETS, RANKS, WEIGHTS
    best = np.argsort(-RANKS, axis=1)[:, :k]
    found = [
        fed(lambda a, b, w: M.precision_at_k(a, b, k, class_id, w), *columns)[0],
        fed(lambda a, b, w: M.sparse_precision_at_k(a, b, k, class_id, w), *columns)[0],
        fed(lambda a, b, w: M.precision_at_top_k(a, b, k, class_id, w), SETS, best, WEIGHTS)[0],
        fed(lambda a, b, w: M.recall_at_k(a, b, k, class_id, w), *columns)[0],
        fed(lambda a, b, w: M.recall_at_top_k(a, b, None, class_id, w), SETS, best, WEIGHTS)[0],
    ]
    np.testing.assert_allclose(found, [precision] * 3 + [recall] * 2, rtol=1e-5)


def test_the_first_places_of_one_label() -> None:
    value, _ = fed(lambda a, b: M.recall_at_k(a, b, 2), SETS[:, 0] % 6, RANKS)
    assert value == pytest.approx(sk.top_k_accuracy_score(SETS[:, 0] % 6, RANKS, k=2, labels=range(6)))


def test_the_average_precision_of_the_first_places() -> None:
    k, expected = 4, 0.0
    for scores, labels, weight in zip(RANKS, SETS, WEIGHTS, strict=True):
        wanted, right, score = set(labels.tolist()), 0, 0.0
        for place, said in enumerate(np.argsort(-scores)[:k].tolist(), 1):
            if said in wanted:
                right += 1
                score += right / place
        expected += weight * score / min(len(wanted), k)
    for metric in (M.average_precision_at_k, M.sparse_average_precision_at_k):
        value, _ = fed(lambda a, b, w, metric=metric: metric(a, b, k, w), SETS, RANKS, WEIGHTS)
        assert value == pytest.approx(expected / WEIGHTS.sum(), rel=1e-5)
    with pytest.raises(tf.ShapeError, match="must have the rank of the predictions"):
        M.recall_at_k(tf.constant(1), tf.zeros([2, 2, 2]), 1)


def test_a_metric_joins_collections_and_keeps_local_variables() -> None:
    value, update = M.accuracy([1, 0], [1, 1], None, ["values", "all"], "updates", "hits")
    graph = tf.get_default_graph()
    assert graph.get_collection("values") == graph.get_collection("all") == [value]
    assert graph.get_collection("updates") == [update]
    local = tf.local_variables()
    assert [v.name for v in local] == ["hits/total:0", "hits/count:0"]
    assert graph.get_collection("metric_variables") == local
    assert tf.global_variables() == []
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        assert session.run(value) == 0
        before, after = session.run([value, update])
        assert (before, after) == (0, 0.5)


def test_what_metrics_refuse() -> None:
    with pytest.raises(tf.ShapeError, match=r"labels \[2\] and predictions \[3\]"):
        M.accuracy([1, 0], [1, 1, 0])
    with pytest.raises(tf.ShapeError, match=r"weights \[3\] do not fit values \[2\]"):
        M.mean([1.0, 2.0], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="curve='roc'"):
        M.auc([1], [0.5], curve="roc")
    with pytest.raises(ValueError, match="summation_method='line'"):
        M.auc([1], [0.5], summation_method="line")
    with pytest.raises(ValueError, match="num_thresholds=1"):
        M.auc([1], [0.5], num_thresholds=1)
    with pytest.raises(ValueError, match="specificity=2"):
        M.sensitivity_at_specificity([1], [0.5], 2)
    _, update = M.mean_iou([5], [0], 3)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        with pytest.raises(tf.GraphError, match="segment"):
            session.run(update)
