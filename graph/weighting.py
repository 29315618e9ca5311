"""What losses and metrics have in common: weights beside values, labels beside predictions, safe quotients."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor


def quotient(numerator: Any, denominator: Any) -> Tensor:
    """The numerator / denominator where the denominator is not 0, and 0 elsewhere."""
    b = numerator.graph.b
    none = b.equal(denominator, b.like(0, denominator))
    # A divisor of 1 where the quotient is not used keeps gradients finite.
    safe = b.where(none, b.like(1, denominator), denominator)
    divided: Tensor = b.where(none, b.like(0, numerator), b.divide(numerator, safe))
    return divided


def weights_for(weights: Any, values: Tensor) -> Tensor:
    """Weights as a tensor of the dtype of `values`, checked.

    Raises:
        ShapeError: weights are no scalar and have not the rank of `values`, or a dimension is neither 1 nor that of
            `values`.
    """
    tensor = convert_to_tensor(weights)
    if tensor.dtype is not values.dtype:
        tensor = tensor.graph.b.cast(tensor, dtype=values.dtype)
    if tensor.shape is None or values.shape is None or tensor.shape == ():
        return tensor
    fits = len(tensor.shape) == len(values.shape) and all(
        w == 1 or dims.equal(w, v) is not False for w, v in zip(tensor.shape, values.shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"weights {dims.text(tensor.shape)} do not fit values {dims.text(values.shape)}: they must be a scalar, or "
            "have the same rank with each dimension 1 or that of the values"
        )
    return tensor


def spread(weights: Tensor, values: Tensor) -> Tensor:
    """Weights in the shape of `values`."""
    b = values.graph.b
    if weights.shape is not None and weights.shape == values.shape:
        return weights
    spread_: Tensor = b.multiply(weights, b.ones_like(values))
    return spread_


def total(values: Tensor, axes: tuple[int, ...] = (), keepdims: bool = False) -> Tensor:
    """The sum of all values, or along axes."""
    if values.shape == ():
        return values
    summed: Tensor = values.graph.b.reduce_sum(values, axes=axes, keepdims=keepdims)
    return summed


def same_shape(labels: Tensor, predictions: Tensor, what: str = "predictions") -> None:
    """Refuses labels and predictions that cannot have one shape.

    Raises:
        ShapeError: they cannot.
    """
    a, c = labels.shape, predictions.shape
    if a is None or c is None:
        return
    if len(a) != len(c) or any(dims.equal(x, y) is False for x, y in zip(a, c, strict=True)):
        raise ShapeError(f"labels {dims.text(a)} and {what} {dims.text(c)} must have one shape")


def squeezed(labels: Any, predictions: Any, rank_difference: int = 0) -> tuple[Tensor, Tensor]:
    """Labels and predictions without a last dimension of 1 that one of them has too much.

    Args:
        labels: as they are given.
        predictions: the same.
        rank_difference: by how much the rank of predictions is above that of labels when neither has too much.
    """
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    if labels.shape is None or predictions.shape is None:
        return labels, predictions
    difference = len(predictions.shape) - len(labels.shape) - rank_difference
    b = labels.graph.b
    if difference == 1 and _may_be_one(predictions.shape[-1]):
        predictions = b.squeeze(predictions, axes=(-1,))
    elif difference == -1 and _may_be_one(labels.shape[-1]):
        labels = b.squeeze(labels, axes=(-1,))
    return labels, predictions


def _may_be_one(size: Any) -> bool:
    return size == 1 or not isinstance(size, int)


def element_count(values: Tensor, dtype: Any) -> Tensor:
    """The number of elements as a scalar of `dtype`."""
    b = values.graph.b
    if values.shape is not None:
        count = dims.product(values.shape)
        if isinstance(count, int):
            constant: Tensor = b.constant(np.asarray(count, dtype.numpy))
            return constant
    counted: Tensor = b.cast(b.reduce_prod(b.shape(values)), dtype=dtype)
    return counted
