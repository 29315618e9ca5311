"""Reductions, and what runs along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dims, dtypes
from samara.graph.graph import Tensor


def _axes(r: Reader, x: Tensor, dim: Any) -> tuple[int, ...]:
    """Axes from a number, a list, or None for all; an empty list means all too."""
    listed = [] if dim is None else [dim] if isinstance(dim, int) else list(dim)
    return tuple(r.axis(a, x) for a in listed) or tuple(range(r.rank(x)))


def _reduce(r: Reader, op: str, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    if r.rank(x) == 0:
        return x
    made: Tensor = getattr(r.b, op)(x, axes=_axes(r, x, dim), keepdims=keepdim)
    return made


@handles("aten.sum.dim_IntList")
def total(r: Reader, x: Tensor, dim: Any = None, keepdim: Any = False, dtype: Any = None) -> Tensor:
    return _reduce(r, "reduce_sum", r.cast(x, r.dtype), dim, bool(keepdim))


@handles("aten.sum.default")
def total_of_all(r: Reader, x: Tensor, dtype: Any = None) -> Tensor:
    return _reduce(r, "reduce_sum", r.cast(x, r.dtype), None, False)


@handles("aten.mean.dim")
def mean(r: Reader, x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    return _reduce(r, "reduce_mean", r.cast(x, r.dtype), dim, keepdim)


@handles("aten.mean.default")
def mean_of_all(r: Reader, x: Tensor, dtype: Any = None) -> Tensor:
    return _reduce(r, "reduce_mean", r.cast(x, r.dtype), None, False)


@handles("aten.prod.dim_int")
def product(r: Reader, x: Tensor, dim: int, keepdim: bool = False, dtype: Any = None) -> Tensor:
    return _reduce(r, "reduce_prod", r.cast(x, r.dtype), dim, keepdim)


@handles("aten.prod.default")
def product_of_all(r: Reader, x: Tensor, dtype: Any = None) -> Tensor:
    return _reduce(r, "reduce_prod", r.cast(x, r.dtype), None, False)


@handles("aten.amax")
def largest(r: Reader, x: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    if x.dtype is dtypes.bool_:
        return _reduce(r, "reduce_any", x, dim, keepdim)
    return _reduce(r, "reduce_max", x, dim, keepdim)


@handles("aten.amin")
def smallest(r: Reader, x: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    if x.dtype is dtypes.bool_:
        return _reduce(r, "reduce_all", x, dim, keepdim)
    return _reduce(r, "reduce_min", x, dim, keepdim)


@handles("aten.max.default")
def largest_of_all(r: Reader, x: Tensor) -> Tensor:
    return largest(r, x)


@handles("aten.min.default")
def smallest_of_all(r: Reader, x: Tensor) -> Tensor:
    return smallest(r, x)


def _with_index(r: Reader, word: str, x: Tensor, dim: int, keepdim: bool) -> list[Tensor]:
    if r.rank(x) == 0:
        return [x, r.b.constant(np.asarray(0, np.int64))]
    axis = r.axis(dim, x)
    wide = r.cast(x, dtypes.int32) if x.dtype is dtypes.bool_ else x
    values = getattr(r.b, f"reduce_{word}")(wide, axes=(axis,), keepdims=keepdim)
    indices = getattr(r.b, f"arg{word}")(wide, axis=axis, keepdims=keepdim, output_type=dtypes.int64)
    return [r.cast(values, x.dtype), indices]


@handles("aten.max.dim")
def largest_with_index(r: Reader, x: Tensor, dim: int, keepdim: bool = False) -> list[Tensor]:
    return _with_index(r, "max", x, dim, keepdim)


@handles("aten.min.dim")
def smallest_with_index(r: Reader, x: Tensor, dim: int, keepdim: bool = False) -> list[Tensor]:
    return _with_index(r, "min", x, dim, keepdim)


def _index(r: Reader, op: str, x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    x = r.cast(x, dtypes.int32) if x.dtype is dtypes.bool_ else x
    rank = r.rank(x)
    if rank == 0:
        return r.b.constant(np.asarray(0, np.int64))
    if dim is None:
        flat = r.reshape(x, (dims.product(x.shape or ()),))
        found: Tensor = getattr(r.b, op)(flat, axis=0, output_type=dtypes.int64)
        return r.reshape(found, (1,) * rank) if keepdim else found
    made: Tensor = getattr(r.b, op)(x, axis=r.axis(dim, x), keepdims=keepdim, output_type=dtypes.int64)
    return made


@handles("aten.argmax")
def argmax(r: Reader, x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    return _index(r, "argmax", x, dim, keepdim)


@handles("aten.argmin")
def argmin(r: Reader, x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    return _index(r, "argmin", x, dim, keepdim)


@handles("aten.any")
def any_true(r: Reader, x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    # Of uint8 alone torch gives numbers.
    return r.cast(_reduce(r, "reduce_any", r.cast(x, dtypes.bool_), dim, keepdim), r.dtype)


@handles("aten.all")
def all_true(r: Reader, x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    # Of uint8 alone torch gives numbers.
    return r.cast(_reduce(r, "reduce_all", r.cast(x, dtypes.bool_), dim, keepdim), r.dtype)


# Moments ----------------------------------------------------------------------------------------------------------


def _moments(r: Reader, x: Tensor, dim: Any, correction: Any, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The variance and the mean."""
    b = r.b
    axes = _axes(r, x, dim)
    centre = b.reduce_mean(x, axes=axes, keepdims=True)
    squares = b.square(b.subtract(x, centre))
    correction = 1 if correction is None else correction
    if correction == 0:
        variance = b.reduce_mean(squares, axes=axes, keepdims=keepdim)
    else:
        divisor = b.subtract(b.size_of(x, axes), b.like(correction, x))
        summed = b.reduce_sum(squares, axes=axes, keepdims=keepdim)
        variance = b.divide(summed, b.relu(divisor))
    mean_ = centre if keepdim else b.squeeze(centre, axes=axes) if axes else centre
    return variance, mean_


@handles("aten.var.correction")
def variance(r: Reader, x: Tensor, dim: Any = None, correction: Any = None, keepdim: bool = False) -> Tensor:
    return _moments(r, x, dim, correction, keepdim)[0]


@handles("aten.std.correction")
def deviation(r: Reader, x: Tensor, dim: Any = None, correction: Any = None, keepdim: bool = False) -> Tensor:
    return r.b.sqrt(_moments(r, x, dim, correction, keepdim)[0])


@handles("aten.var_mean.correction")
def variance_and_mean(
    r: Reader, x: Tensor, dim: Any = None, correction: Any = None, keepdim: bool = False
) -> list[Tensor]:
    return list(_moments(r, x, dim, correction, keepdim))


@handles("aten.std_mean.correction")
def deviation_and_mean(
    r: Reader, x: Tensor, dim: Any = None, correction: Any = None, keepdim: bool = False
) -> list[Tensor]:
    variance_, mean_ = _moments(r, x, dim, correction, keepdim)
    return [r.b.sqrt(variance_), mean_]


@handles("aten.linalg_vector_norm")
def vector_norm(
    r: Reader, x: Tensor, order: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    b = r.b
    x = b.abs(r.cast(x, r.dtype))
    if order == 2:
        return b.sqrt(_reduce(r, "reduce_sum", b.square(x), dim, keepdim))
    if order == 1:
        return _reduce(r, "reduce_sum", x, dim, keepdim)
    if order == float("inf"):
        return _reduce(r, "reduce_max", x, dim, keepdim)
    if order == float("-inf"):
        return _reduce(r, "reduce_min", x, dim, keepdim)
    if order == 0:
        nonzero = r.cast(b.not_equal(x, b.like(0, x)), x.dtype)
        return _reduce(r, "reduce_sum", nonzero, dim, keepdim)
    powers = _reduce(r, "reduce_sum", b.power(x, b.like(order, x)), dim, keepdim)
    return b.power(powers, b.like(1.0 / order, x))


@handles("aten.logsumexp")
def log_sum_exp(r: Reader, x: Tensor, dim: Sequence[int], keepdim: bool = False) -> Tensor:
    b = r.b
    x = r.cast(x, r.dtype)
    axes = _axes(r, x, dim)
    top = b.reduce_max(x, axes=axes, keepdims=True)
    top = b.where(b.is_finite(top), top, b.like(0, x))
    summed = b.log(b.reduce_sum(b.exp(b.subtract(x, top)), axes=axes, keepdims=True))
    result = b.add(summed, top)
    return result if keepdim else b.squeeze(result, axes=axes)


# Along an axis ----------------------------------------------------------------------------------------------------


def _softmax(r: Reader, op: str, x: Tensor, dim: int) -> Tensor:
    x = r.cast(x, r.dtype)
    if r.rank(x) == 0:
        return r.b.like(1.0 if op == "softmax" else 0.0, x)
    made: Tensor = getattr(r.b, op)(x, axis=r.axis(dim, x))
    return made


@handles("aten.softmax.int", "aten._softmax")
def softmax(r: Reader, x: Tensor, dim: int, *rest: Any) -> Tensor:
    return _softmax(r, "softmax", x, dim)


@handles("aten.log_softmax.int", "aten._log_softmax")
def log_softmax(r: Reader, x: Tensor, dim: int, *rest: Any) -> Tensor:
    return _softmax(r, "log_softmax", x, dim)


@handles("aten._safe_softmax")
def safe_softmax(r: Reader, x: Tensor, dim: int, *rest: Any) -> Tensor:
    b = r.b
    x = r.cast(x, r.dtype)
    axis = r.axis(dim, x)
    masked = b.equal(b.reduce_max(x, axes=(axis,), keepdims=True), b.like(-np.inf, x))
    return b.where(masked, b.like(0, x), b.softmax(x, axis=axis))


@handles("aten.cumsum")
def running_sum(r: Reader, x: Tensor, dim: int, dtype: Any = None) -> Tensor:
    x = r.cast(x, r.dtype)
    return r.b.cumulative_sum(x, axis=r.axis(dim, x)) if r.rank(x) else x


@handles("aten.cumprod")
def running_product(r: Reader, x: Tensor, dim: int, dtype: Any = None) -> Tensor:
    x = r.cast(x, r.dtype)
    return r.b.cumulative_prod(x, axis=r.axis(dim, x)) if r.rank(x) else x


def _ordered(r: Reader, x: Tensor, count: Any, dim: int, descending: bool) -> list[Tensor]:
    if r.rank(x) == 0:
        return [x, r.b.constant(np.asarray(0, np.int64))]
    k = r.symbols.scalar(r.symbols.dimension(count))
    wide = r.cast(x, dtypes.int32) if x.dtype is dtypes.bool_ else x
    values, indices = r.b.top_k(wide, k, axis=r.axis(dim, x), largest=descending, output_type=dtypes.int64)
    return [r.cast(values, x.dtype), indices]


@handles("aten.topk")
def topk(
    r: Reader, x: Tensor, k: Any, dim: int = -1, largest: bool = True, sorted_: bool = True
) -> list[Tensor]:
    return _ordered(r, x, k, dim, largest)


@handles("aten.sort.default")
def sort(r: Reader, x: Tensor, dim: int = -1, descending: bool = False) -> list[Tensor]:
    return _ordered(r, x, x.shape[dim] if x.shape else 1, dim, descending)


@handles("aten.sort.stable")
def stable_sort(
    r: Reader, x: Tensor, stable: Any = None, dim: int = -1, descending: bool = False
) -> list[Tensor]:
    return _ordered(r, x, x.shape[dim] if x.shape else 1, dim, descending)


@handles("aten.argsort.default")
def argsort(r: Reader, x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    return _ordered(r, x, x.shape[dim] if x.shape else 1, dim, descending)[1]


@handles("aten.argsort.stable")
def stable_argsort(r: Reader, x: Tensor, stable: Any, dim: int = -1, descending: bool = False) -> Tensor:
    return _ordered(r, x, x.shape[dim] if x.shape else 1, dim, descending)[1]
