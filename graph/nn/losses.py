"""The cross entropies and other losses of `tf.nn`, one value for each sample or element.

TensorFlow 0.x called the cross entropies with (logits, labels) in this order; 1.x takes keywords only. Arguments by
position are therefore logits first here, except for `softmax_cross_entropy_with_logits_v2`, which 0.x did not have.
"""

from __future__ import annotations

import math
from typing import Any

from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import int32, int64
from samara.graph.graph import Tensor
from samara.graph.weighting import same_shape


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the sum of squares."""
    tensor = convert_to_tensor(t)
    b = tensor.graph.b
    squares = b.square(tensor) if tensor.shape == () else b.reduce_sum(b.square(tensor))
    result: Tensor = b.multiply(squares, b.like(0.5, tensor), name=name)
    return result


def _logits_and_labels(what: str, positional: tuple[Any, ...], labels: Any, logits: Any) -> tuple[Any, Any]:
    """The two by keyword, or by position in TensorFlow 0.x's order, logits first."""
    names = [n for n, v in (("logits", logits), ("labels", labels)) if v is None]
    if len(positional) > len(names):
        raise TypeError(f"{what} takes logits and labels once each")
    given = dict(zip(names, positional, strict=False))
    logits, labels = given.get("logits", logits), given.get("labels", labels)
    if labels is None or logits is None:
        raise ValueError(f"{what} needs labels= and logits=")
    return labels, logits


def softmax_cross_entropy_with_logits(
    *positional: Any,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: int | None = None,
) -> Tensor:
    """-sum of labels * log_softmax(logits) along an axis, the last one by default; no gradient goes to the labels.

    Args:
        positional: (logits, labels), as TensorFlow 0.x has them; keywords are the better way.
        labels: a distribution along the axis, of the shape of the logits.
        logits: numbers whose softmax are probabilities.
        dim: the axis, under its old name.
        name: the operation's name.
        axis: the axis.

    Returns:
        A tensor without the axis.

    Raises:
        ShapeError: labels and logits have not one shape.
        ValueError: one of them is missing.
    """
    labels, logits = _logits_and_labels("softmax_cross_entropy_with_logits", positional, labels, logits)
    logits = convert_to_tensor(logits)
    labels = logits.graph.b.stop_gradient(logits.graph.convert(labels, _own_dtype(labels, logits)))
    return softmax_cross_entropy_with_logits_v2(labels, logits, dim if axis is None else axis, name)


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """-sum of labels * log_softmax(logits) along an axis, the last one by default; gradients go to both."""
    logits = convert_to_tensor(logits)
    b = logits.graph.b
    chosen = axis if axis is not None else dim if dim is not None else -1
    labels = logits.graph.convert(labels, _own_dtype(labels, logits))
    if labels.dtype is not logits.dtype:
        labels = b.cast(labels, dtype=logits.dtype)
    rank = None if logits.shape is None else len(logits.shape)
    if chosen not in (-1, None if rank is None else rank - 1):
        if rank is None:
            raise ValueError(f"axis {chosen} of {logits.name} cannot be found: its rank is not known")
        order = [a for a in range(rank) if a != chosen % rank] + [chosen % rank]
        labels, logits = (b.transpose(t, permutation=tuple(order)) for t in (labels, logits))
    result: Tensor = b.softmax_cross_entropy_with_logits(labels, logits, name=name)
    return result


def _own_dtype(value: Any, like: Tensor) -> Any:
    """The dtype that a value without one takes."""
    return None if hasattr(value, "as_graph_tensor") else like.dtype


def sparse_softmax_cross_entropy_with_logits(
    *positional: Any, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """-log_softmax(logits) at the class that each label names, along the last axis.

    Args:
        positional: (logits, labels), as TensorFlow 0.x has them; keywords are the better way.
        labels: class numbers, integers of the shape of the logits without the last axis.
        logits: numbers whose softmax are probabilities.
        name: the operation's name.

    Raises:
        ShapeError: the labels' shape is not that of the logits without the last axis.
        ValueError: one of the two is missing.
    """
    labels, logits = _logits_and_labels(
        "sparse_softmax_cross_entropy_with_logits", positional, labels, logits
    )
    logits = convert_to_tensor(logits)
    b = logits.graph.b
    labels = logits.graph.convert(labels)
    if labels.dtype.is_integer and labels.dtype not in (int32, int64):
        labels = b.cast(labels, dtype=int32)
    result: Tensor = b.sparse_softmax_cross_entropy_with_logits(labels, logits, name=name)
    return result


def sigmoid_cross_entropy_with_logits(
    *positional: Any, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """For each element -z * log(sigmoid(x)) - (1 - z) * log(1 - sigmoid(x)), z the label and x the logit.

    Args:
        positional: (logits, labels), as TensorFlow 0.x has them; keywords are the better way.
        labels: numbers in [0, 1] of the shape of the logits.
        logits: numbers whose sigmoid are probabilities.
        name: the operation's name.

    Raises:
        ShapeError: labels and logits have not one shape.
        ValueError: one of them is missing.
    """
    labels, logits = _logits_and_labels("sigmoid_cross_entropy_with_logits", positional, labels, logits)
    logits = convert_to_tensor(logits)
    labels = logits.graph.convert(labels, _own_dtype(labels, logits))
    result: Tensor = logits.graph.b.sigmoid_cross_entropy_with_logits(labels, logits, name=name)
    return result


def weighted_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    pos_weight: Any = None,
    name: str | None = None,
    targets: Any = None,
) -> Tensor:
    """-q * z * log(sigmoid(x)) - (1 - z) * log(1 - sigmoid(x)), q = pos_weight: how much a 1 that is missed counts.

    Computed as (1 - z) * x + (1 + (q - 1) * z) * (log1p(exp(-|x|)) + max(-x, 0)), which does not overflow.
    """
    labels = targets if labels is None else labels
    if labels is None or logits is None or pos_weight is None:
        raise ValueError("weighted_cross_entropy_with_logits needs labels=, logits= and pos_weight=")
    logits = convert_to_tensor(logits)
    b = logits.graph.b
    labels = logits.graph.convert(labels, _own_dtype(labels, logits))
    same_shape(labels, logits, "logits")
    with logits.graph.name_scope(name or "logistic_loss"):
        factor = 1.0 + (b.constant(pos_weight, logits.dtype) - 1.0) * labels
        tail = b.log1p(b.exp(b.negative(b.abs(logits)))) + b.relu(b.negative(logits))
        result: Tensor = (1.0 - labels) * logits + factor * tail
        return result


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """The negative log likelihood of counts under Poisson distributions: exp(c) - z * c, c the log of the mean.

    With `compute_full_loss` also z * log(z) - z + log(2 pi z) / 2, Stirling's approximation of log(z!), for z > 1.
    """
    log_input = convert_to_tensor(log_input)
    b = builder(log_input)
    targets = log_input.graph.convert(targets, _own_dtype(targets, log_input))
    same_shape(targets, log_input, "log_input")
    with log_input.graph.name_scope(name or "log_poisson_loss"):
        result: Tensor = b.subtract(b.exp(log_input), b.multiply(log_input, targets))
        if compute_full_loss:
            one = b.like(1, targets)
            inside = b.logical_and(b.greater_equal(targets, b.like(0, one)), b.less_equal(targets, one))
            # Where the term is left out its logarithm is that of 1.
            z = b.where(inside, one, targets)
            stirling = z * b.log(z) - z + 0.5 * b.log(2.0 * math.pi * z)
            result = result + b.where(inside, b.like(0, one), stirling)
        return result


__all__ = [
    "l2_loss",
    "log_poisson_loss",
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]
