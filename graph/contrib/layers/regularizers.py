"""Regularizers and initializers of contrib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float32
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.initializers import VarianceScaling, xavier_initializer, xavier_initializer_conv2d
from samara.graph.layer import REGULARIZATION_LOSSES
from samara.graph.vocabulary.mathematics import add_n

Regularizer = Callable[[Any], "Tensor | None"]


def _checked(scale: Any, what: str) -> float:
    if isinstance(scale, bool) or not isinstance(scale, (int, float)):
        raise ValueError(f"{what}: scale must be a number, not {scale!r}")
    if scale < 0:
        raise ValueError(f"{what}: scale is {scale}, expected at least 0")
    return float(scale)


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """Makes a function: scale times the sum of magnitudes; None where the scale is 0.

    Raises:
        ValueError: the scale is negative or no number.
    """
    factor = _checked(scale, "l1_regularizer")

    def l1(weights: Any, name: str | None = None) -> Tensor | None:
        if factor == 0:
            return None
        tensor = convert_to_tensor(weights)
        b = tensor.graph.b
        with tensor.graph.name_scope(scope or name or "l1_regularizer"):
            made: Tensor = b.multiply(b.like(factor, tensor), b.reduce_sum(b.abs(tensor)))
        return made

    return l1


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """Makes a function: scale times half the sum of squares; None where the scale is 0.

    Raises:
        ValueError: the scale is negative or no number.
    """
    factor = _checked(scale, "l2_regularizer")

    def l2(weights: Any, name: str | None = None) -> Tensor | None:
        if factor == 0:
            return None
        tensor = convert_to_tensor(weights)
        b = tensor.graph.b
        with tensor.graph.name_scope(scope or name or "l2_regularizer"):
            made: Tensor = b.multiply(b.like(factor / 2, tensor), b.reduce_sum(b.square(tensor)))
        return made

    return l2


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None) -> Regularizer:
    """Makes a function: the sum of both regularizers."""
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope or "l1_l2_regularizer")


def sum_regularizer(regularizer_list: Sequence[Regularizer | None], scope: str | None = None) -> Regularizer:
    """Makes a function: the sum of what several regularizers give."""
    functions = [r for r in regularizer_list if r is not None]

    def total(weights: Any) -> Tensor | None:
        with get_default_graph().name_scope(scope or "sum_regularizer"):
            found = [t for t in (r(weights) for r in functions) if t is not None]
            return add_n(found) if found else None

    return total


def apply_regularization(regularizer: Regularizer, weights_list: Sequence[Any] | None = None) -> Tensor:
    """The sum of a regularizer over weights, which joins REGULARIZATION_LOSSES.

    Args:
        regularizer: the function.
        weights_list: what it is applied to; the collection WEIGHTS when None.

    Raises:
        ValueError: there are no weights.
    """
    graph = get_default_graph()
    weights = graph.get_collection("weights") if weights_list is None else list(weights_list)
    if not weights:
        raise ValueError("apply_regularization: there are no weights to regularize")
    with graph.name_scope("get_regularization_penalty"):
        found = [t for t in (regularizer(w) for w in weights) if t is not None]
        total = add_n(found) if found else graph.convert(np.float32(0))
    graph.add_to_collection(REGULARIZATION_LOSSES, total)
    return total


def variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: int | None = None,
    dtype: Any = float32,
) -> VarianceScaling:
    """Draws of variance factor / n, where n are the inputs, the outputs or the mean of both ("FAN_AVG").

    With 2 and "FAN_IN" it is He et al.'s, "Delving Deep into Rectifiers", 2015.
    """
    return VarianceScaling(factor, mode.lower(), "uniform" if uniform else "truncated_normal", seed, dtype)


__all__ = [
    "apply_regularization",
    "l1_l2_regularizer",
    "l1_regularizer",
    "l2_regularizer",
    "sum_regularizer",
    "variance_scaling_initializer",
    "xavier_initializer",
    "xavier_initializer_conv2d",
]
