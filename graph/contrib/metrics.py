"""`tf.metrics` with the predictions first, as contrib had them: `tf.contrib.metrics`, `slim.metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from samara.graph import metrics
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor


def _turned(function: Callable[..., Any]) -> Callable[..., Any]:
    def streaming(predictions: Any, labels: Any, *args: Any, **kwargs: Any) -> Any:
        return function(labels, predictions, *args, **kwargs)

    streaming.__doc__ = f"`metrics.{function.__name__}` with the predictions first."
    return streaming


streaming_accuracy = _turned(metrics.accuracy)
streaming_auc = _turned(metrics.auc)
streaming_mean_absolute_error = _turned(metrics.mean_absolute_error)
streaming_mean_iou = _turned(metrics.mean_iou)
streaming_mean_squared_error = _turned(metrics.mean_squared_error)
streaming_precision = _turned(metrics.precision)
streaming_recall = _turned(metrics.recall)
streaming_root_mean_squared_error = _turned(metrics.root_mean_squared_error)
streaming_mean = metrics.mean
streaming_percentage_less = metrics.percentage_below


def accuracy(predictions: Any, labels: Any, weights: Any = None, name: str | None = None) -> Tensor:
    """The share of predictions that are the labels, in this batch."""
    found = convert_to_tensor(predictions)
    b = found.graph.b
    with found.graph.name_scope(name or "accuracy"):
        right = b.cast(b.equal(found, labels), dtype="float32")
        if weights is None:
            made: Tensor = b.reduce_mean(right)
            return made
        scaled = b.cast(convert_to_tensor(weights), dtype="float32")
        made = b.divide(b.reduce_sum(b.multiply(right, scaled)), b.reduce_sum(scaled))
        return made


def aggregate_metrics(*value_update_tuples: tuple[Any, Any]) -> tuple[list[Any], list[Any]]:
    """The values of several metrics, and their update operations.

    Raises:
        ValueError: there are none.
    """
    if not value_update_tuples:
        raise ValueError("aggregate_metrics needs a metric")
    values, updates = zip(*value_update_tuples, strict=True)
    return list(values), list(updates)


def aggregate_metric_map(
    names_to_tuples: Mapping[str, tuple[Any, Any]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of several metrics by their names, and their update operations."""
    return (
        {name: value for name, (value, _) in names_to_tuples.items()},
        {name: update for name, (_, update) in names_to_tuples.items()},
    )


__all__ = [
    "accuracy",
    "aggregate_metric_map",
    "aggregate_metrics",
    "streaming_accuracy",
    "streaming_auc",
    "streaming_mean",
    "streaming_mean_absolute_error",
    "streaming_mean_iou",
    "streaming_mean_squared_error",
    "streaming_percentage_less",
    "streaming_precision",
    "streaming_recall",
    "streaming_root_mean_squared_error",
]
