"""Samplers of candidate classes, for the losses in sampled_losses.py.

A sampler gives (classes drawn, expected count of each true class, expected count of each class drawn). The counts are
those of Jean et al., "On using very large target vocabulary for neural machine translation" (2015): with probability p
of a class in one draw, p * num_sampled, or 1 - (1 - p)^tries when classes are drawn until all are different.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float32, int64
from samara.graph.graph import Tensor

Sampled = tuple[Tensor, Tensor, Tensor]


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Sampled:
    """Classes below range_max, all equally likely."""

    def probability(b: Any, classes: Tensor) -> Tensor:
        found: Tensor = b.filled(b.cast(classes, dtype=float32), 1.0 / range_max)
        return found

    return _sampled(
        "uniform", probability, true_classes, num_true, num_sampled, unique, range_max, seed, name
    )


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Sampled:
    """Classes c below range_max with the probabilities log((c + 2) / (c + 1)) / log(range_max + 1).

    That is about Zipf's law, for classes in the order of decreasing frequency.
    """

    def probability(b: Any, classes: Tensor) -> Tensor:
        above = b.add(b.cast(classes, dtype=float32), b.constant(1.0))
        found: Tensor = b.divide(b.log1p(b.reciprocal(above)), b.constant(math.log(range_max + 1)))
        return found

    return _sampled(
        "log_uniform", probability, true_classes, num_true, num_sampled, unique, range_max, seed, name
    )


def _sampled(
    kind: str,
    probability: Callable[[Any, Tensor], Tensor],
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None,
    name: str | None,
) -> Sampled:
    true = convert_to_tensor(true_classes)
    b = true.graph.b
    if true.shape is not None and (len(true.shape) != 2 or dims.equal(true.shape[1], num_true) is False):
        raise ShapeError(
            f"true_classes {dims.text(true.shape)} must have the shape [batch, num_true={num_true}]"
        )
    with true.graph.name_scope(name or f"{kind}_candidate_sampler"):
        classes, tries = b.draw_candidates(
            num_sampled=num_sampled,
            range_max=range_max,
            unique=unique,
            log_uniform=kind == "log_uniform",
            seed=-1 if seed is None else seed,
        )

        def expected(found: Tensor) -> Tensor:
            p = probability(b, found)
            if not unique:
                counted: Tensor = b.multiply(p, b.constant(float(num_sampled)))
            else:
                missed = b.multiply(b.cast(tries, dtype=float32), b.log1p(b.negative(p)))
                counted = b.negative(b.expm1(missed))
            return counted

        return classes, expected(b.cast(true, dtype=int64)), expected(classes)


__all__ = ["log_uniform_candidate_sampler", "uniform_candidate_sampler"]
