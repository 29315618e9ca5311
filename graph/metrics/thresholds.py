"""Metrics of probabilities that become a yes above a threshold: counts at many thresholds, and areas under curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.dtypes import bool_, float32
from samara.graph.graph import Tensor
from samara.graph.metrics.running import (
    Collections,
    Metric,
    finished,
    floats,
    full_weights,
    metric_variable,
    scope,
)
from samara.graph.weighting import quotient, same_shape, squeezed

_EPSILON = 1e-7
_KINDS = ("true_positives", "false_negatives", "true_negatives", "false_positives")


def _counts(labels: Any, predictions: Any, weights: Any, thresholds: Sequence[float]) -> dict[str, Tensor]:
    """For each kind of answer the weighted numbers in the batch, one for each threshold."""
    labels, predictions = squeezed(labels, predictions)
    same_shape(labels, predictions)
    b = labels.graph.b
    predictions = floats(predictions)
    truth = labels if labels.dtype is bool_ else b.not_equal(labels, b.like(0, labels))
    ones = b.ones_like(predictions)
    full = full_weights(weights, ones)
    flat = np.array([-1, 1], np.int32)
    yes = b.reshape(b.multiply(b.cast(truth, dtype=float32), ones if full is None else full), flat)
    every = b.reshape(ones if full is None else full, flat)
    limits = np.asarray(thresholds, np.float32)
    above = b.cast(b.greater(b.reshape(predictions, flat), limits), dtype=float32)
    hits, said, positives, everything = (
        b.reduce_sum(v, axes=(0,)) for v in (b.multiply(above, yes), b.multiply(above, every), yes, every)
    )
    return {
        "true_positives": hits,
        "false_negatives": positives - hits,
        "false_positives": said - hits,
        "true_negatives": everything - positives - (said - hits),
    }


def _at_thresholds(
    kinds: tuple[str, ...],
    result: Any,
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any,
    metrics: Collections,
    updates: Collections,
) -> Metric:
    counted = _counts(labels, predictions, weights, thresholds)
    sums = [metric_variable((len(thresholds),), kind) for kind in kinds]
    return finished(sums, [counted[kind] for kind in kinds], result, metrics, updates)


def _count_at(
    kind: str,
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any,
    metrics: Collections,
    updates: Collections,
    name: str | None,
) -> Metric:
    with scope(name, kind, labels, predictions):
        return _at_thresholds(
            (kind,), lambda count: count, labels, predictions, thresholds, weights, metrics, updates
        )


def true_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """For each threshold how often the label is yes and the prediction above it."""
    given = labels, predictions, thresholds, weights, metrics_collections, updates_collections, name
    return _count_at("true_positives", *given)


def false_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """For each threshold how often the label is no and the prediction above it."""
    given = labels, predictions, thresholds, weights, metrics_collections, updates_collections, name
    return _count_at("false_positives", *given)


def false_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """For each threshold how often the label is yes and the prediction not above it."""
    given = labels, predictions, thresholds, weights, metrics_collections, updates_collections, name
    return _count_at("false_negatives", *given)


def true_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """For each threshold how often the label is no and the prediction not above it."""
    given = labels, predictions, thresholds, weights, metrics_collections, updates_collections, name
    return _count_at("true_negatives", *given)


def precision_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """For each threshold the precision of what is above it; 0 where nothing is."""
    with scope(name, "precision_at_thresholds", labels, predictions):
        return _at_thresholds(
            ("true_positives", "false_positives"),
            lambda right, wrong: quotient(right, right + wrong),
            labels,
            predictions,
            thresholds,
            weights,
            metrics_collections,
            updates_collections,
        )


def recall_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """For each threshold the fraction of the true that is above it; 0 where nothing is true."""
    with scope(name, "recall_at_thresholds", labels, predictions):
        return _at_thresholds(
            ("true_positives", "false_negatives"),
            lambda right, missed: quotient(right, right + missed),
            labels,
            predictions,
            thresholds,
            weights,
            metrics_collections,
            updates_collections,
        )


def _even(count: int) -> list[float]:
    """Thresholds from just below 0 to just above 1."""
    if count < 2:
        raise ValueError(f"num_thresholds={count}: two or more are needed")
    return [-_EPSILON, *((i + 1) / (count - 1) for i in range(count - 2)), 1.0 + _EPSILON]


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> Metric:
    """The area under a curve of which each threshold gives a point.

    Args:
        labels: yes or no.
        predictions: probabilities in [0, 1].
        weights: of the samples.
        num_thresholds: how many points, evenly spread over [0, 1].
        metrics_collections: names of collections that the value joins.
        updates_collections: names of collections that the update joins.
        curve: "ROC", of true against false positive rates, or "PR", of precision against recall.
        name: the name scope.
        summation_method: between two points "trapezoidal" takes a line, "minoring" the lower, "majoring" the higher
            one; "careful_interpolation" is Davis and Goadrich, "The relationship between precision-recall and ROC
            curves" (2006), for PR.
        thresholds: further ones than 0 and 1, instead of `num_thresholds`.

    Raises:
        ValueError: `curve` or `summation_method` is not known.
    """
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve={curve!r}: expected 'ROC' or 'PR'")
    methods = ("trapezoidal", "minoring", "majoring", "careful_interpolation")
    if summation_method not in methods:
        raise ValueError(f"summation_method={summation_method!r}: expected one of {', '.join(methods)}")
    limits = _even(num_thresholds) if thresholds is None else [-_EPSILON, *sorted(thresholds), 1.0 + _EPSILON]
    with scope(name, "auc", labels, predictions) as b:

        def result(tp: Tensor, fn: Tensor, tn: Tensor, fp: Tensor) -> Tensor:
            if curve == "PR" and summation_method == "careful_interpolation":
                return _careful(b, tp, fp, fn)
            recall = (tp + _EPSILON) / (tp + fn + _EPSILON)
            x, y = fp / (fp + tn + _EPSILON), recall
            if curve == "PR":
                x, y = recall, (tp + _EPSILON) / (tp + fp + _EPSILON)
            left, right = y[:-1], y[1:]
            if summation_method == "minoring":
                height = b.minimum(left, right)
            elif summation_method == "majoring":
                height = b.maximum(left, right)
            else:
                height = 0.5 * (left + right)
            area: Tensor = b.reduce_sum((x[:-1] - x[1:]) * height)
            return area

        return _at_thresholds(
            _KINDS, result, labels, predictions, limits, weights, metrics_collections, updates_collections
        )


def _careful(b: Any, tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
    """The area under precision and recall where true and false positives are linear in between thresholds.

    With P = tp + fp and tp = slope * P + intercept, the integral of tp / P over d tp from one threshold to the next is
    slope * (difference of tp + intercept * log of the ratio of P).
    """
    more = tp[:-1] - tp[1:]
    positives = tp + fp
    slope = quotient(more, positives[:-1] - positives[1:])
    intercept = tp[1:] - slope * positives[1:]
    ratio = quotient(positives[:-1], positives[1:])
    ratio = b.where(b.greater(ratio, b.like(0, ratio)), ratio, b.like(1, ratio))
    area: Tensor = b.reduce_sum(quotient(slope * (more + intercept * b.log(ratio)), tp[1:] + fn[1:]))
    return area


def sensitivity_at_specificity(
    labels: Any,
    predictions: Any,
    specificity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The true positive rate at the threshold whose true negative rate is nearest to `specificity`."""
    _fraction(specificity, "specificity")
    with scope(name, "sensitivity_at_specificity", labels, predictions) as b:

        def result(tp: Tensor, fn: Tensor, tn: Tensor, fp: Tensor) -> Tensor:
            distance = b.abs(tn / (tn + fp + _EPSILON) - specificity)
            place = b.argmin(distance, axis=0)
            chosen: Tensor = b.gather(tp / (tp + fn + _EPSILON), place, axis=0)
            return chosen

        limits, collections = _even(num_thresholds), (metrics_collections, updates_collections)
        return _at_thresholds(_KINDS, result, labels, predictions, limits, weights, *collections)


def specificity_at_sensitivity(
    labels: Any,
    predictions: Any,
    sensitivity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The true negative rate at the highest threshold whose true positive rate is nearest to `sensitivity`."""
    _fraction(sensitivity, "sensitivity")
    with scope(name, "specificity_at_sensitivity", labels, predictions) as b:
        limits, collections = _even(num_thresholds), (metrics_collections, updates_collections)

        def result(tp: Tensor, fn: Tensor, tn: Tensor, fp: Tensor) -> Tensor:
            distance = b.abs(tp / (tp + fn + _EPSILON) - sensitivity)
            nearest = b.equal(distance, b.reduce_min(distance, keepdims=True))
            places = np.arange(len(limits), dtype=np.float32)
            place = b.argmax(b.where(nearest, places, np.float32(-1)), axis=0)
            chosen: Tensor = b.gather(tn / (tn + fp + _EPSILON), place, axis=0)
            return chosen

        return _at_thresholds(_KINDS, result, labels, predictions, limits, weights, *collections)


def _fraction(value: float, what: str) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{what}={value}: it must be between 0 and 1")


__all__ = [
    "auc",
    "false_negatives_at_thresholds",
    "false_positives_at_thresholds",
    "precision_at_thresholds",
    "recall_at_thresholds",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "true_negatives_at_thresholds",
    "true_positives_at_thresholds",
]
