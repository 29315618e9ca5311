"""Metrics that are means: of errors, of hits, of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float32, int64
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
from samara.graph.weighting import element_count, quotient, same_shape, squeezed, total


def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The weighted mean of all values; 0 before the first."""
    with scope(name, "mean", values):
        return _mean(values, weights, metrics_collections, updates_collections)


def _mean(values: Any, weights: Any, metrics: Collections, updates: Collections, then: Any = None) -> Metric:
    """`then` of the mean of values, within a scope."""
    values = floats(values)
    full = full_weights(weights, values)
    b = values.graph.b
    if full is None:
        batches = [total(values), element_count(values, float32)]
    else:
        batches = [total(b.multiply(values, full)), total(full)]
    sums = [metric_variable((), n) for n in ("total", "count")]

    def result(summed: Tensor, count: Tensor) -> Tensor:
        found = quotient(summed, count)
        return found if then is None else then(found)

    return finished(sums, batches, result, metrics, updates)


def mean_tensor(
    values: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The weighted mean of each element over the batches, in the shape of `values`.

    Raises:
        ValueError: the shape is not known.
    """
    with scope(name, "mean", values):
        values = floats(values)
        if values.shape is None or any(not isinstance(d, int) for d in values.shape):
            raise ValueError(f"mean_tensor: the shape of {values.name} is not known")
        b = values.graph.b
        full = full_weights(weights, values)
        full = b.ones_like(values) if full is None else full
        sums = [metric_variable(values.shape, n) for n in ("total_tensor", "count_tensor")]
        batches = [b.multiply(values, full), full]
        return finished(sums, batches, quotient, metrics_collections, updates_collections)


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """How often predictions are equal to labels."""
    with scope(name, "accuracy", labels, predictions) as b:
        labels, predictions = squeezed(labels, predictions)
        same_shape(labels, predictions)
        if labels.dtype is not predictions.dtype:
            predictions = b.cast(predictions, dtype=labels.dtype)
        return _mean(b.equal(labels, predictions), weights, metrics_collections, updates_collections)


def _pair(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    labels, predictions = squeezed(labels, predictions)
    same_shape(labels, predictions)
    return floats(labels), floats(predictions)


def mean_absolute_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The mean of |labels - predictions|."""
    with scope(name, "mean_absolute_error", labels, predictions) as b:
        labels, predictions = _pair(labels, predictions)
        error = b.abs(b.subtract(labels, predictions))
        return _mean(error, weights, metrics_collections, updates_collections)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The mean of (labels - predictions)^2."""
    with scope(name, "mean_squared_error", labels, predictions) as b:
        error = b.squared_difference(*_pair(labels, predictions))
        return _mean(error, weights, metrics_collections, updates_collections)


def root_mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The square root of the mean of (labels - predictions)^2."""
    with scope(name, "root_mean_squared_error", labels, predictions) as b:
        error = b.squared_difference(*_pair(labels, predictions))
        return _mean(error, weights, metrics_collections, updates_collections, b.sqrt)


def mean_relative_error(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The mean of |labels - predictions| / normalizer, where a normalizer of 0 gives 0."""
    with scope(name, "mean_relative_error", labels, predictions) as b:
        labels, predictions = _pair(labels, predictions)
        normalizer = floats(normalizer)
        none = b.equal(normalizer, b.like(0, normalizer))
        error = b.divide(
            b.abs(b.subtract(labels, predictions)), b.where(none, b.like(1, normalizer), normalizer)
        )
        error = b.where(none, b.like(0, error), error)
        return _mean(error, weights, metrics_collections, updates_collections)


def mean_cosine_distance(
    labels: Any,
    predictions: Any,
    dim: int,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """1 - the mean of the sum of labels * predictions along `dim`, in which both have unit length already."""
    with scope(name, "mean_cosine_distance", labels, predictions) as b:
        labels, predictions = _pair(labels, predictions)
        products = b.reduce_sum(b.multiply(labels, predictions), axes=(dim,), keepdims=True)
        return _mean(products, weights, metrics_collections, updates_collections, lambda m: 1.0 - m)


def percentage_below(
    values: Any,
    threshold: Any,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The fraction of values below a threshold, between 0 and 1."""
    with scope(name, "percentage_below_threshold", values) as b:
        values = convert_to_tensor(values)
        below = b.less(values, b.constant(threshold, values.dtype))
        return _mean(below, weights, metrics_collections, updates_collections)


def _flat_classes(labels: Any, predictions: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Labels and predictions as int64, and weights as float32, all of rank 1."""
    labels, predictions = squeezed(labels, predictions)
    same_shape(labels, predictions)
    b = labels.graph.b
    ones = b.ones_like(floats(labels))
    full = full_weights(weights, ones)
    flat = np.array([-1], np.int32)
    one, other = (b.reshape(b.cast(t, dtype=int64), flat) for t in (labels, predictions))
    return one, other, b.reshape(ones if full is None else full, flat)


def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """For each class true positives / (true positives + false positives + false negatives), and the mean of those.

    Classes that were neither a label nor a prediction do not count. The update gives the mean as well, where
    TensorFlow's gives the confusion matrix.
    """
    with scope(name, "mean_iou", labels, predictions) as b:
        truth, found, full = _flat_classes(labels, predictions, weights)
        pairs = b.add(b.multiply(truth, b.like(num_classes, truth)), found)
        counted = b.unsorted_segment_sum(full, pairs, np.asarray(num_classes**2, np.int32))
        batch = b.reshape(counted, np.array([num_classes, num_classes], np.int32))

        def result(matrix: Tensor) -> Tensor:
            hits = b.reduce_sum(b.multiply(matrix, np.eye(num_classes, dtype=np.float32)), axes=(0,))
            either = b.reduce_sum(matrix, axes=(0,)) + b.reduce_sum(matrix, axes=(1,)) - hits
            seen = b.cast(b.greater(either, b.like(0, either)), dtype=float32)
            return quotient(total(quotient(hits, either)), total(seen))

        cells = metric_variable((num_classes, num_classes), "total_confusion_matrix")
        return finished([cells], [batch], result, metrics_collections, updates_collections)


def mean_per_class_accuracy(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Metric:
    """The mean over all classes of how often the samples of a class are predicted; 0 for a class without samples.

    The update gives the mean as well, where TensorFlow's gives the accuracy of each class.
    """
    with scope(name, "mean_per_class_accuracy", labels, predictions) as b:
        truth, found, full = _flat_classes(labels, predictions, weights)
        hits = b.multiply(b.cast(b.equal(truth, found), dtype=float32), full)
        count = np.asarray(num_classes, np.int32)
        batches = [b.unsorted_segment_sum(values, truth, count) for values in (hits, full)]
        sums = [metric_variable((num_classes,), n) for n in ("count", "total")]
        return finished(
            sums,
            batches,
            lambda right, all_: b.reduce_mean(quotient(right, all_)),
            metrics_collections,
            updates_collections,
        )


__all__ = [
    "accuracy",
    "mean",
    "mean_absolute_error",
    "mean_cosine_distance",
    "mean_iou",
    "mean_per_class_accuracy",
    "mean_relative_error",
    "mean_squared_error",
    "mean_tensor",
    "percentage_below",
    "root_mean_squared_error",
]
