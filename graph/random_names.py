"""Random values of the public vocabulary."""

from __future__ import annotations

from typing import Any

from samara.graph.convert import builder, sizes
from samara.graph.dtypes import float32
from samara.graph.graph import Tensor, get_default_graph


def set_random_seed(seed: int | None) -> None:
    """The seed that the default graph's random operations share, for sessions made from now on."""
    get_default_graph().seed = seed


def _seed(seed: int | None) -> int:
    return -1 if seed is None else seed


def random_normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values of a normal distribution."""
    result: Tensor = builder(shape).random_normal(
        sizes(shape), mean=mean, stddev=stddev, dtype=dtype, seed=_seed(seed), name=name
    )
    return result


def truncated_normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values of a normal distribution, those farther than two deviations from the mean drawn again."""
    result: Tensor = builder(shape).truncated_normal(
        sizes(shape), mean=mean, stddev=stddev, dtype=dtype, seed=_seed(seed), name=name
    )
    return result


def random_uniform(
    shape: Any,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values between minval (included) and maxval (excluded), equally likely."""
    result: Tensor = builder(shape).random_uniform(
        sizes(shape), minimum=minval, maximum=maxval, dtype=dtype, seed=_seed(seed), name=name
    )
    return result


__all__ = [
    "random_normal",
    "random_uniform",
    "set_random_seed",
    "truncated_normal",
]
