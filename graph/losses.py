"""Losses with weights and collections, with TensorFlow 1's names and arguments: `tf.losses`.

Each gives a scalar, unless its reduction is NONE, and adds it to the collection "losses", which `get_total_loss` sums.
Labels, predictions and weights are taken as float32, the cross entropies in the dtype of their logits; a weight is a
scalar, or has the rank of the losses with each dimension 1 or theirs. Where all weights are 0 a mean is 0.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import float32
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.nn.losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from samara.graph.vocabulary.mathematics import add_n
from samara.graph.weighting import (
    element_count,
    quotient,
    same_shape,
    spread,
    squeezed,
    total,
    weights_for,
)

LOSSES = "losses"
REGULARIZATION_LOSSES = "regularization_losses"


class Reduction:
    """What becomes of the losses, each times its weight.

    Attributes:
        NONE: they stay as they are.
        SUM: their sum.
        MEAN: their sum divided by that of the weights.
        SUM_OVER_BATCH_SIZE: their sum divided by the number of losses.
        SUM_BY_NONZERO_WEIGHTS: their sum divided by the number of weights that are not 0; the usual one.
        SUM_OVER_NONZERO_WEIGHTS: another name of that.
    """

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS)

    @classmethod
    def validate(cls, key: str) -> None:
        """Raises ValueError when `key` is none of them."""
        if key not in cls.all():
            raise ValueError(f"reduction={key!r}: expected one of {', '.join(cls.all())}")


@contextlib.contextmanager
def _scope(scope: str | None, default: str, *values: Any) -> Iterator[Any]:
    b = builder(*values)
    with b.graph.name_scope(scope or default):
        yield b


def _floats(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    """Labels and predictions as float32 tensors of one shape."""
    if labels is None or predictions is None:
        raise ValueError("labels and predictions must be given")
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    same_shape(labels, predictions)
    b = builder(labels, predictions)
    return b.cast(labels, dtype=float32), b.cast(predictions, dtype=float32)


def _present(weights: Tensor, values: Tensor) -> Tensor:
    """1 in the shape of `values` where the weight is not 0, and 0 elsewhere."""
    b = values.graph.b
    return spread(b.cast(b.not_equal(weights, b.like(0, weights)), dtype=weights.dtype), values)


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Losses times weights, reduced, and added to a collection.

    The arithmetic is in float32, the result in the dtype of `losses`.

    Raises:
        ShapeError: the weights do not fit.
        ValueError: `reduction` is none of Reduction's.
    """
    Reduction.validate(reduction)
    with _scope(scope, "weighted_loss", losses) as b:
        given = convert_to_tensor(losses)
        values = b.cast(given, dtype=float32)
        factors = weights_for(weights, values)
        loss: Tensor = b.multiply(values, factors)
        if reduction != Reduction.NONE:
            loss = total(loss)
            if reduction == Reduction.MEAN:
                loss = quotient(loss, total(spread(factors, values)))
            elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
                loss = quotient(loss, element_count(values, float32))
            elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
                loss = quotient(loss, total(_present(factors, values)))
        loss = b.cast(loss, dtype=given.dtype)
        add_loss(loss, loss_collection)
        return loss


def add_loss(loss: Tensor, loss_collection: str | None = LOSSES) -> None:
    """Adds a loss to the collection that the total is made of; None adds it to none."""
    if loss_collection:
        loss.graph.add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = LOSSES) -> list[Tensor]:
    """The losses of a collection of the default graph, those whose name starts with `scope`."""
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """The losses that regularizers of variables added."""
    return get_default_graph().get_collection(REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """The sum of the losses that regularizers added; 0 when there are none."""
    found = get_regularization_losses(scope)
    if not found:
        return convert_to_tensor(0.0)
    with found[0].graph.name_scope(name):
        return add_n(found)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses of the default graph, regularization losses included.

    Raises:
        ValueError: there are none.
    """
    found = get_losses(scope)
    if add_regularization_losses:
        found = found + get_regularization_losses(scope)
    if not found:
        raise ValueError('the collection "losses" is empty: there is no total loss')
    with found[0].graph.name_scope(name):
        return add_n(found)


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """|predictions - labels|."""
    with _scope(scope, "absolute_difference", labels, predictions) as b:
        labels, predictions = _floats(labels, predictions)
        losses = b.abs(b.subtract(predictions, labels))
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """(predictions - labels)^2."""
    with _scope(scope, "mean_squared_error", labels, predictions) as b:
        labels, predictions = _floats(labels, predictions)
        losses = b.squared_difference(predictions, labels)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """max(0, 1 - t * logits), where t is -1 for labels 0 and 1 for labels 1."""
    with _scope(scope, "hinge_loss", labels, logits) as b:
        labels, logits = _floats(labels, logits)
        losses = b.relu(1.0 - (2.0 * labels - 1.0) * logits)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """x^2 / 2 for x = |predictions - labels| up to delta, and delta * x - delta^2 / 2 beyond.

    Huber, "Robust estimation of a location parameter" (1964).
    """
    with _scope(scope, "huber_loss", labels, predictions) as b:
        labels, predictions = _floats(labels, predictions)
        error = b.abs(b.subtract(predictions, labels))
        near = b.minimum(error, b.like(delta, error))
        losses = 0.5 * b.square(near) + delta * (error - near)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """-labels * log(predictions + epsilon) - (1 - labels) * log(1 - predictions + epsilon)."""
    with _scope(scope, "log_loss", labels, predictions) as b:
        labels, predictions = _floats(labels, predictions)
        true = labels * b.log(predictions + epsilon)
        losses = -true - (1.0 - labels) * b.log(1.0 - predictions + epsilon)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def cosine_distance(
    labels: Any,
    predictions: Any,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    dim: int | None = None,
) -> Tensor:
    """1 - sum of labels * predictions along an axis, which must have unit length already.

    Raises:
        ValueError: no axis is given.
    """
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("cosine_distance needs an axis")
    with _scope(scope, "cosine_distance_loss", labels, predictions) as b:
        labels, predictions = _floats(labels, predictions)
        losses = 1.0 - b.reduce_sum(b.multiply(labels, predictions), axes=(axis,), keepdims=True)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
) -> Tensor:
    """For each sample, the mean of (d_i - d_j)^2 over pairs i != j of its elements, d = predictions - labels.

    The result is the weighted sum over the samples of the first axis. Weights are a scalar, or have the rank of the
    labels with 1 in every dimension but the first.
    """
    with _scope(scope, "mean_pairwise_squared_error", labels, predictions) as b:
        labels, predictions = _floats(labels, predictions)
        if labels.shape is None:
            raise ValueError(f"mean_pairwise_squared_error: the rank of {labels.name} is not known")
        d = b.subtract(predictions, labels)
        factors = weights_for(weights, d)
        axes = tuple(range(1, len(labels.shape)))

        def summed(values: Tensor) -> Tensor:
            return total(values, axes, True) if axes else values

        count = summed(_present(factors, d))
        # sum over i != j of (d_i - d_j)^2 = 2 n sum d^2 - 2 (sum d)^2, of n (n - 1) pairs.
        squares = 2.0 * quotient(summed(b.square(d)), b.maximum(count - 1.0, b.like(0, count)))
        mixed = 2.0 * quotient(b.square(summed(d)), count * (count - 1.0))
        loss = total(b.multiply(squares - mixed, factors))
        result: Tensor = b.where(b.greater(total(count), b.like(0, loss)), loss, b.like(0, loss))
        add_loss(result, loss_collection)
        return result


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of sigmoid(logits) for each class; smoothing moves labels towards 1/2."""
    with _scope(scope, "sigmoid_cross_entropy_loss", multi_class_labels, logits) as b:
        logits = convert_to_tensor(logits)
        labels = b.cast(multi_class_labels, dtype=logits.dtype)
        same_shape(labels, logits, "logits")
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of softmax(logits) along the last axis; smoothing moves labels towards 1 / classes.

    No gradient goes to the labels.
    """
    with _scope(scope, "softmax_cross_entropy_loss", onehot_labels, logits) as b:
        logits = convert_to_tensor(logits)
        labels = b.cast(onehot_labels, dtype=logits.dtype)
        same_shape(labels, logits, "logits")
        if label_smoothing > 0:
            classes = b.size_of(logits, (len(logits.shape or (0,)) - 1,))
            labels = labels * (1 - label_smoothing) + b.divide(b.like(label_smoothing, classes), classes)
        losses = softmax_cross_entropy_with_logits_v2(labels=b.stop_gradient(labels), logits=logits)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of softmax(logits) along the last axis, for labels that are class numbers.

    A last dimension of 1 that the labels have too much is left out, and one of the weights as well.
    """
    with _scope(scope, "sparse_softmax_cross_entropy_loss", labels, logits):
        labels, logits = squeezed(labels, logits, 1)
        losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        weights = convert_to_tensor(weights)
        if (
            weights.shape is not None
            and losses.shape is not None
            and len(weights.shape) == len(losses.shape) + 1
        ):
            _, weights = squeezed(losses, weights)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


__all__ = [
    "Reduction",
    "absolute_difference",
    "add_loss",
    "compute_weighted_loss",
    "cosine_distance",
    "get_losses",
    "get_regularization_loss",
    "get_regularization_losses",
    "get_total_loss",
    "hinge_loss",
    "huber_loss",
    "log_loss",
    "mean_pairwise_squared_error",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]
