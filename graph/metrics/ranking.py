"""Metrics of the k classes that are predicted first, against sets of true classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float32, int64
from samara.graph.graph import Tensor
from samara.graph.metrics.running import Collections, Metric, finished, full_weights, metric_variable, scope
from samara.graph.weighting import quotient, total


def _sets(labels: Any, places: Tensor) -> tuple[Tensor, Tensor]:
    """Labels as int64 [..., labels] beside places [..., k], and 1 where a label is the first of its kind in a row."""
    labels = convert_to_tensor(labels)
    b = labels.graph.b
    labels = b.cast(labels, dtype=int64)
    if labels.shape is None or places.shape is None:
        raise ShapeError("the ranks of labels and predictions must be known")
    if len(labels.shape) == len(places.shape) - 1:
        labels = b.expand_dims(labels, axis=-1)
    count = labels.shape[-1] if len(labels.shape) == len(places.shape) else None
    if not isinstance(count, int):
        raise ShapeError(
            f"labels {dims.text(labels.shape)} must have the rank of the predictions, {len(places.shape)}, and a last "
            "dimension that is known"
        )
    same = b.equal(b.expand_dims(labels, axis=-1), b.expand_dims(labels, axis=-2))
    earlier = np.tril(np.ones((count, count), bool), -1)
    repeated = b.reduce_any(b.logical_and(same, earlier), axes=(-1,))
    return labels, b.cast(b.logical_not(repeated), dtype=float32)


def _found(labels: Tensor, places: Tensor) -> Tensor:
    """1 in the shape of places [..., k] where the class is among the labels [..., labels] of its row."""
    b = labels.graph.b
    equal = b.equal(b.expand_dims(places, axis=-1), b.expand_dims(labels, axis=-2))
    hits: Tensor = b.cast(b.reduce_any(equal, axes=(-1,)), dtype=float32)
    return hits


def _best(predictions: Any, k: int) -> Tensor:
    tensor = convert_to_tensor(predictions)
    _, places = tensor.graph.b.top_k(tensor, np.int32(k), output_type=int64)
    indices: Tensor = places
    return indices


def _batch(values: Tensor, weights: Any) -> Tensor:
    """The weighted sum of a value for each row."""
    full = full_weights(weights, values)
    return total(values if full is None else values.graph.b.multiply(values, full))


def _at_k(
    what: str,
    labels: Any,
    places: Tensor,
    class_id: int | None,
    weights: Any,
    metrics: Collections,
    updates: Collections,
) -> Metric:
    labels, first = _sets(labels, places)
    b = labels.graph.b
    hits, among = _found(labels, places), b.ones_like(b.cast(places, dtype=float32))
    if class_id is not None:
        chosen = b.cast(b.equal(places, np.int64(class_id)), dtype=float32)
        hits, among = b.multiply(hits, chosen), chosen
        first = b.multiply(first, b.cast(b.equal(labels, np.int64(class_id)), dtype=float32))
    right = b.reduce_sum(hits, axes=(-1,))
    whole = b.reduce_sum(among if what == "precision" else first, axes=(-1,))
    others = "false_positive" if what == "precision" else "false_negative"
    sums = [metric_variable((), f"{name}_at_k") for name in ("true_positive", others)]
    batches = [_batch(right, weights), _batch(whole - right, weights)]
    return finished(sums, batches, lambda tp, wrong: quotient(tp, tp + wrong), metrics, updates)


def precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """How often one of the k largest predictions of a row is one of its labels.

    Args:
        labels: class numbers [..., labels], or [...] for one label a row.
        predictions: numbers [..., classes].
        k: how many of them count.
        class_id: counts this class only; all when None.
        weights: of the rows.
        metrics_collections: names of collections that the value joins.
        updates_collections: names of collections that the update joins.
        name: the name scope.
    """
    with scope(name, f"precision_at_{k}", labels, predictions):
        given = class_id, weights, metrics_collections, updates_collections
        return _at_k("precision", labels, _best(predictions, k), *given)


def recall_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """How often a label of a row is one of its k largest predictions; arguments as for `precision_at_k`."""
    with scope(name, f"recall_at_{k}", labels, predictions):
        given = class_id, weights, metrics_collections, updates_collections
        return _at_k("recall", labels, _best(predictions, k), *given)


def precision_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """As `precision_at_k`, of the classes [..., k] that are predicted first instead of predictions."""
    with scope(name, f"precision_at_{k or 'top'}", labels, predictions_idx) as b:
        given = class_id, weights, metrics_collections, updates_collections
        return _at_k("precision", labels, b.cast(predictions_idx, dtype=int64), *given)


def recall_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """As `recall_at_k`, of the classes [..., k] that are predicted first instead of predictions."""
    with scope(name, f"recall_at_{k or 'top'}", labels, predictions_idx) as b:
        given = class_id, weights, metrics_collections, updates_collections
        return _at_k("recall", labels, b.cast(predictions_idx, dtype=int64), *given)


def average_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The mean over rows of the precisions at those of the first k places that hold a label, over min(labels, k)."""
    with scope(name, f"average_precision_at_{k}", labels, predictions) as b:
        places = _best(predictions, k)
        labels, first = _sets(labels, places)
        hits = _found(labels, places)
        upto = b.matmul(hits, np.triu(np.ones((k, k), np.float32)))
        precision = b.divide(upto, np.arange(1, k + 1, dtype=np.float32))
        possible = b.minimum(b.reduce_sum(first, axes=(-1,)), np.float32(k))
        average = quotient(b.reduce_sum(b.multiply(precision, hits), axes=(-1,)), possible)
        sums = [metric_variable((), n) for n in ("total", "max")]
        batches = [_batch(average, weights), _batch(b.ones_like(average), weights)]
        return finished(sums, batches, quotient, metrics_collections, updates_collections)


sparse_average_precision_at_k = average_precision_at_k
sparse_precision_at_k = precision_at_k

__all__ = [
    "average_precision_at_k",
    "precision_at_k",
    "precision_at_top_k",
    "recall_at_k",
    "recall_at_top_k",
    "sparse_average_precision_at_k",
    "sparse_precision_at_k",
]
