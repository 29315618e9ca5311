"""`tf.losses` with the predictions first, as contrib had them: `tf.contrib.losses`, `slim.losses`."""

from __future__ import annotations

from typing import Any

from samara.graph import losses
from samara.graph.graph import Tensor
from samara.graph.losses import (
    add_loss,
    compute_weighted_loss,
    get_losses,
    get_regularization_losses,
    get_total_loss,
)


def absolute_difference(
    predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None
) -> Tensor:
    """The mean distance."""
    return losses.absolute_difference(labels, predictions, weights, scope)


def cosine_distance(
    predictions: Any,
    labels: Any = None,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: Any = None,
    dim: int | None = None,
) -> Tensor:
    """The mean of 1 less the inner products along an axis."""
    return losses.cosine_distance(labels, predictions, axis if axis is not None else dim, weights, scope)


def hinge_loss(logits: Any, labels: Any = None, scope: Any = None) -> Tensor:
    """The mean of max(0, 1 - logits) for labels of 1 and max(0, 1 + logits) for labels of 0."""
    return losses.hinge_loss(labels, logits, scope=scope)


def log_loss(
    predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7, scope: Any = None
) -> Tensor:
    """The mean of -labels log(predictions) - (1 - labels) log(1 - predictions)."""
    return losses.log_loss(labels, predictions, weights, epsilon, scope)


def mean_pairwise_squared_error(
    predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None
) -> Tensor:
    """The mean squared difference between differences of pairs of elements."""
    return losses.mean_pairwise_squared_error(labels, predictions, weights, scope)


def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Tensor:
    """The mean squared distance."""
    return losses.mean_squared_error(labels, predictions, weights, scope)


def sigmoid_cross_entropy(
    logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None
) -> Tensor:
    """The mean cross entropy of sigmoid(logits)."""
    return losses.sigmoid_cross_entropy(multi_class_labels, logits, weights, label_smoothing, scope)


def softmax_cross_entropy(
    logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None
) -> Tensor:
    """The mean cross entropy of softmax(logits)."""
    return losses.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0, scope: Any = None) -> Tensor:
    """The mean cross entropy of softmax(logits), for labels that are class numbers."""
    return losses.sparse_softmax_cross_entropy(labels, logits, weights, scope)


__all__ = [
    "absolute_difference",
    "add_loss",
    "compute_weighted_loss",
    "cosine_distance",
    "get_losses",
    "get_regularization_losses",
    "get_total_loss",
    "hinge_loss",
    "log_loss",
    "mean_pairwise_squared_error",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]
