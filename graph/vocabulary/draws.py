"""Random values of the public vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.convert import builder, convert_to_tensor, sizes
from samara.graph.dtypes import as_dtype, float32, int32, int64
from samara.graph.graph import Tensor, get_default_graph


def set_random_seed(seed: int | None) -> None:
    """The seed that the default graph's random operations share, for sessions made from now on."""
    get_default_graph().seed = seed


def _seed(seed: int | None) -> int:
    return -1 if seed is None else seed


def _normal(
    op: Callable[[Any], Any],
    shape: Any,
    mean: Any,
    stddev: Any,
    dtype: Any,
    seed: int | None,
    name: str | None,
) -> Tensor:
    """Draws of an op; a mean or a deviation that is a tensor or an array is applied to them."""
    b, kind = builder(shape, mean, stddev), as_dtype(dtype)
    draw = op(b)
    if isinstance(mean, (int, float, np.number)) and isinstance(stddev, (int, float, np.number)):
        result: Tensor = draw(sizes(shape), mean=mean, stddev=stddev, dtype=kind, seed=_seed(seed), name=name)
        return result
    drawn = draw(sizes(shape), dtype=kind, seed=_seed(seed))
    spread: Tensor = b.add(b.multiply(drawn, b.constant(stddev, kind)), b.constant(mean, kind), name=name)
    return spread


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values of a normal distribution; mean and deviation may be tensors."""
    return _normal(lambda b: b.random_normal, shape, mean, stddev, dtype, seed, name)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values of a normal distribution, those farther than two deviations from the mean drawn again."""
    return _normal(lambda b: b.truncated_normal, shape, mean, stddev, dtype, seed, name)


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values between minval (included) and maxval (excluded; 1 when None), equally likely.

    Both may be tensors when the values are floating-point numbers.

    Raises:
        ValueError: integers are to be drawn and there is no maxval.
    """
    kind = as_dtype(dtype)
    if maxval is None:
        if not kind.is_floating:
            raise ValueError(f"random_uniform of {kind.name} needs a maxval")
        maxval = 1
    b = builder(shape, minval, maxval)
    if not (isinstance(minval, (int, float, np.number)) and isinstance(maxval, (int, float, np.number))):
        drawn = b.random_uniform(sizes(shape), dtype=kind, seed=_seed(seed))
        low, high = b.constant(minval, kind), b.constant(maxval, kind)
        spread: Tensor = b.add(b.multiply(drawn, b.subtract(high, low)), low, name=name)
        return spread
    result: Tensor = b.random_uniform(
        sizes(shape), minimum=minval, maximum=maxval, dtype=kind, seed=_seed(seed), name=name
    )
    return result


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The slices along the first axis in random order."""
    result: Tensor = builder(value).random_shuffle(value, seed=_seed(seed), name=name)
    return result


def random_gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values of gamma distributions of shape alpha and rate beta: `shape` of each, so [*shape, *alpha.shape]."""
    b = builder(shape, alpha, beta)
    kind = as_dtype(dtype)
    drawn: Tensor = b.random_gamma(
        sizes(shape), b.constant(alpha, kind), dtype=kind, seed=_seed(seed), name=name
    )
    if beta is None:
        return drawn
    scaled: Tensor = b.divide(drawn, b.constant(beta, kind))
    return scaled


def random_poisson(
    lam: Any, shape: Any, dtype: Any = float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Values of Poisson distributions of rates `lam`: `shape` of each, so [*shape, *lam.shape]."""
    b = builder(lam, shape)
    rate = b.constant(lam)
    drawn: Tensor = b.random_poisson(
        sizes(shape),
        rate if rate.dtype.is_floating else b.cast(rate, dtype=float32),
        dtype=dtype,
        seed=_seed(seed),
        name=name,
    )
    return drawn


def random_exponential(
    shape: Any, rate: float = 1.0, dtype: Any = float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Values of an exponential distribution, -log(1 - u) / rate of even draws u."""
    b = builder(shape)
    drawn = b.random_uniform(sizes(shape), dtype=dtype, seed=_seed(seed))
    made: Tensor = b.divide(b.negative(b.log1p(b.negative(drawn))), b.like(rate, drawn), name=name)
    return made


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A part of `value` of the given sizes, at a place drawn by chance; -1 keeps an axis whole."""
    tensor = convert_to_tensor(value)
    b = tensor.graph.b
    held = tensor.get_shape()
    wanted = [int(n) for n in size]
    if held.ndims != len(wanted):
        raise ShapeError(f"random_crop: size has {len(wanted)} entries, {tensor.name} has rank {held.ndims}")
    whole = [int(n) if isinstance(n, int) else b.shape(tensor)[i] for i, n in enumerate(held)]
    begins, counts = [], []
    draws = b.random_uniform(np.asarray([len(wanted)], np.int32), seed=_seed(seed))
    for i, (n, most) in enumerate(zip(wanted, whole, strict=True)):
        count = most if n == -1 else n
        if isinstance(most, int) and n > most:
            raise ShapeError(f"random_crop: {n} of dimension {i}, which is {most}")
        room = b.cast(b.add(b.subtract(b.constant(most), count), np.int32(1)), dtype=float32)
        begins.append(b.cast(b.floor(b.multiply(draws[i], room)), dtype=int32))
        counts.append(b.constant(np.int32(count) if isinstance(count, int) else count))
    made: Tensor = b.slice(
        tensor, b.stack(begins, axis=0), b.stack(counts, axis=0), strides=[1] * len(wanted), name=name
    )
    made.set_shape([None if n == -1 else n for n in wanted])
    return made


def multinomial(
    logits: Any, num_samples: Any, seed: int | None = None, name: str | None = None, output_dtype: Any = None
) -> Tensor:
    """For each row of logits, numbers of columns drawn with the probabilities softmax(logits)."""
    made: Tensor = builder(logits, num_samples).multinomial(
        logits,
        num_samples,
        dtype=int64 if output_dtype is None else output_dtype,
        seed=_seed(seed),
        name=name,
    )
    return made


__all__ = [
    "multinomial",
    "random_crop",
    "random_exponential",
    "random_gamma",
    "random_normal",
    "random_poisson",
    "random_shuffle",
    "random_uniform",
    "set_random_seed",
    "truncated_normal",
]
