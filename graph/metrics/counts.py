"""Metrics that count right and wrong answers to yes-or-no questions."""

from __future__ import annotations

from typing import Any

from samara.graph.dtypes import bool_, float32
from samara.graph.graph import Tensor
from samara.graph.metrics.running import Collections, Metric, finished, full_weights, metric_variable, scope
from samara.graph.weighting import quotient, same_shape, squeezed, total

_KINDS = {
    "true_positives": (True, True),
    "false_positives": (False, True),
    "false_negatives": (True, False),
    "true_negatives": (False, False),
}


def _counts(labels: Any, predictions: Any, weights: Any, kinds: tuple[str, ...]) -> list[Tensor]:
    """For each kind the weighted number of such answers in the batch; what is not 0 is a yes."""
    labels, predictions = squeezed(labels, predictions)
    same_shape(labels, predictions)
    b = labels.graph.b
    truth, said = (t if t.dtype is bool_ else b.not_equal(t, b.like(0, t)) for t in (labels, predictions))
    found = []
    for kind in kinds:
        truly, positively = _KINDS[kind]
        both = b.logical_and(
            truth if truly else b.logical_not(truth), said if positively else b.logical_not(said)
        )
        values = b.cast(both, dtype=float32)
        full = full_weights(weights, values)
        found.append(total(values if full is None else b.multiply(values, full)))
    return found


def _count(
    kind: str,
    labels: Any,
    predictions: Any,
    weights: Any,
    metrics: Collections,
    updates: Collections,
    name: str | None,
) -> Metric:
    with scope(name, kind, labels, predictions):
        batches = _counts(labels, predictions, weights, (kind,))
        return finished([metric_variable((), "count")], batches, lambda count: count, metrics, updates)


def true_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """How often label and prediction are yes."""
    collections = metrics_collections, updates_collections
    return _count("true_positives", labels, predictions, weights, *collections, name)


def false_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """How often the prediction is yes and the label no."""
    collections = metrics_collections, updates_collections
    return _count("false_positives", labels, predictions, weights, *collections, name)


def false_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """How often the prediction is no and the label yes."""
    collections = metrics_collections, updates_collections
    return _count("false_negatives", labels, predictions, weights, *collections, name)


def true_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """How often label and prediction are no."""
    collections = metrics_collections, updates_collections
    return _count("true_negatives", labels, predictions, weights, *collections, name)


def precision(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """True positives / (true positives + false positives); 0 when nothing was predicted."""
    return _ratio(
        "precision",
        "false_positives",
        labels,
        predictions,
        weights,
        metrics_collections,
        updates_collections,
        name,
    )


def recall(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """True positives / (true positives + false negatives); 0 when no label was yes."""
    return _ratio(
        "recall",
        "false_negatives",
        labels,
        predictions,
        weights,
        metrics_collections,
        updates_collections,
        name,
    )


def _ratio(
    what: str,
    others: str,
    labels: Any,
    predictions: Any,
    weights: Any,
    metrics: Collections,
    updates: Collections,
    name: str | None,
) -> Metric:
    with scope(name, what, labels, predictions):
        kinds = ("true_positives", others)
        sums = [metric_variable((), kind) for kind in kinds]
        batches = _counts(labels, predictions, weights, kinds)
        return finished(sums, batches, lambda right, wrong: quotient(right, right + wrong), metrics, updates)


__all__ = [
    "false_negatives",
    "false_positives",
    "precision",
    "recall",
    "true_negatives",
    "true_positives",
]
