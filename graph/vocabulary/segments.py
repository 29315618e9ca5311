"""Sums, products and extremes of the slices that share a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samara.graph.convert import builder
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor

_KINDS = {
    "sum": ("add", "sums"),
    "prod": ("multiply", "products"),
    "max": ("maximum", "largest elements"),
    "min": ("minimum", "smallest elements"),
}


def _joined(b: Any, data: Any, ids: Any, count: Any, kind: str, empty: float | None = None) -> Any:
    """What the slices with each number give; `empty` where there are none, which starts the joining otherwise."""
    if kind == "sum":
        return b.unsorted_segment_sum(data, ids, count)
    op, _ = _KINDS[kind]
    flat, rows = _rows(b, data, ids)
    if kind == "prod":
        return _product(b, flat, rows, count)
    limits = None if data.dtype.is_floating else np.iinfo(data.dtype.numpy)
    least = data.dtype.is_floating and float(np.finfo(data.dtype.numpy).max)
    first = (
        (-least if kind == "max" else least)
        if limits is None
        else (limits.min if kind == "max" else limits.max)
    )
    shape = b.concat([b.reshape(count, np.asarray([1], np.int32)), b.shape(flat)[1:]], axis=0)
    found = b.scatter_nd(
        b.broadcast_to(b.constant(np.asarray(first, data.dtype.numpy)), shape),
        b.expand_dims(b.stop_gradient(rows), axis=-1),
        b.stop_gradient(flat),
        reduction=op,
    )
    if data.dtype.is_floating:
        found = _with_gradient(b, found, flat, rows, count)
    if empty is not None:
        held = b.unsorted_segment_sum(b.broadcast_to(np.int32(1), b.shape(rows)), rows, count)
        some = b.greater(held, np.int32(0))
        for _ in range(len(data.shape) - len(ids.shape)):
            some = b.expand_dims(some, axis=-1)
        found = b.where(some, found, b.like(empty, data))
    return found


def _with_gradient(b: Any, found: Any, flat: Any, rows: Any, count: Any) -> Any:
    """The extremes, as a sum through which gradients go: equal among the elements that are the extreme."""
    here = b.cast(b.equal(b.gather(found, rows, axis=0), flat), dtype=flat.dtype)
    many = b.gather(b.unsorted_segment_sum(here, rows, count), rows, axis=0)
    share = b.stop_gradient(b.divide(here, b.maximum(many, b.like(1, many))))
    through = b.unsorted_segment_sum(b.multiply(share, b.subtract(flat, b.stop_gradient(flat))), rows, count)
    return b.add(b.stop_gradient(found), through)


def _product(b: Any, flat: Any, rows: Any, count: Any) -> Any:
    """Products of what is not zero, times the one element that is.

    Where two or more are zero, the product and its first derivatives are. The values are exact products; the
    derivatives, of any order, are those of exp(sum of logarithms).
    """
    zero = b.equal(flat, b.like(0, flat))
    zeros = b.unsorted_segment_sum(b.cast(zero, dtype=int32), rows, count)
    shape = b.concat([b.reshape(count, np.asarray([1], np.int32)), b.shape(flat)[1:]], axis=0)
    one = b.like(1, flat)
    rest = b.where(zero, one, flat)
    places = b.expand_dims(rows, axis=-1)
    plain = b.scatter_nd(b.broadcast_to(one, shape), places, b.stop_gradient(rest), reduction="multiply")
    single = b.unsorted_segment_sum(b.where(zero, flat, b.like(0, flat)), rows, count)
    if flat.dtype.is_floating:
        logs = b.unsorted_segment_sum(b.log(b.abs(rest)), rows, count)
        plain = b.multiply(b.stop_gradient(plain), b.exp(b.subtract(logs, b.stop_gradient(logs))))
    of_zeros = b.where(b.equal(zeros, np.int32(1)), single, b.like(0, flat))
    return b.multiply(plain, b.where(b.equal(zeros, np.int32(0)), one, of_zeros))


def _rows(b: Any, data: Any, ids: Any) -> tuple[Any, Any]:
    """The slices that ids number, in one row after the other."""
    if len(ids.shape) == 1:
        return data, ids
    rest = b.shape(data)[len(ids.shape) :]
    one = np.asarray([-1], np.int32)
    return b.reshape(data, b.concat([one, rest], axis=0)), b.reshape(ids, one)


def _given(data: Any, segment_ids: Any) -> tuple[Any, Tensor, Tensor]:
    b = builder(data, segment_ids)
    return b, b.constant(data), b.cast(b.constant(segment_ids), dtype=int32)


def _count(b: Any, num_segments: Any) -> Any:
    return b.cast(b.constant(num_segments), dtype=int32)


def _unsorted(kind: str) -> Callable[..., Tensor]:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
        b, values, ids = _given(data, segment_ids)
        made: Tensor = b.identity(_joined(b, values, ids, _count(b, num_segments), kind), name=name)
        return made

    function.__name__ = function.__qualname__ = f"unsorted_segment_{kind}"
    function.__doc__ = (
        f"The {_KINDS[kind][1]} of the slices of `data` with each of the numbers 0 to num_segments - 1."
    )
    return function


def _sorted(kind: str) -> Callable[..., Tensor]:
    def function(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        b, values, ids = _given(data, segment_ids)
        count = b.add(ids[-1], np.int32(1))
        empty = 1.0 if kind == "prod" else 0.0
        made: Tensor = b.identity(_joined(b, values, ids, count, kind, empty), name=name)
        return made

    function.__name__ = function.__qualname__ = f"segment_{kind}"
    function.__doc__ = (
        f"The {_KINDS[kind][1]} of the slices of `data` with each number; `segment_ids` are in order, and their last "
        "says how many there are."
    )
    return function


unsorted_segment_sum = _unsorted("sum")
unsorted_segment_prod = _unsorted("prod")
unsorted_segment_max = _unsorted("max")
unsorted_segment_min = _unsorted("min")
segment_sum = _sorted("sum")
segment_prod = _sorted("prod")
segment_max = _sorted("max")
segment_min = _sorted("min")


def _divided(b: Any, values: Any, ids: Any, count: Any, root: bool, name: str | None) -> Tensor:
    sums = b.unsorted_segment_sum(values, ids, count)
    ones = b.broadcast_to(b.like(1, values), b.shape(ids))
    held = b.maximum(b.unsorted_segment_sum(ones, ids, count), b.like(1, values))
    for _ in range(len(values.shape) - len(ids.shape)):
        held = b.expand_dims(held, axis=-1)
    made: Tensor = b.divide(sums, b.sqrt(held) if root else held, name=name)
    return made


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The means of the slices of `data` with each of the numbers 0 to num_segments - 1; 0 where there are none."""
    b, values, ids = _given(data, segment_ids)
    return _divided(b, values, ids, _count(b, num_segments), False, name)


def unsorted_segment_sqrt_n(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The sums of the slices of `data` with each number, divided by the square root of how many they are."""
    b, values, ids = _given(data, segment_ids)
    return _divided(b, values, ids, _count(b, num_segments), True, name)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The means of the slices of `data` with each number; `segment_ids` are in order."""
    b, values, ids = _given(data, segment_ids)
    return _divided(b, values, ids, b.add(ids[-1], np.int32(1)), False, name)


def _sparse(data: Any, indices: Any, segment_ids: Any, num_segments: Any) -> tuple[Any, Tensor, Tensor, Any]:
    b, values, ids = _given(data, segment_ids)
    count = b.add(ids[-1], np.int32(1)) if num_segments is None else _count(b, num_segments)
    return b, b.gather(values, indices, axis=0), ids, count


def sparse_segment_sum(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The sums of the slices of `data` that `indices` name, by the numbers of `segment_ids`, which are in order."""
    b, rows, ids, count = _sparse(data, indices, segment_ids, num_segments)
    made: Tensor = b.unsorted_segment_sum(rows, ids, count, name=name)
    return made


def sparse_segment_mean(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The means of the slices of `data` that `indices` name, by the numbers of `segment_ids`, which are in order."""
    return _divided(*_sparse(data, indices, segment_ids, num_segments), False, name)


def sparse_segment_sqrt_n(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The sums of the slices that `indices` name, divided by the square root of how many they are."""
    return _divided(*_sparse(data, indices, segment_ids, num_segments), True, name)


__all__ = [
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "sparse_segment_mean",
    "sparse_segment_sqrt_n",
    "sparse_segment_sum",
    "unsorted_segment_max",
    "unsorted_segment_mean",
    "unsorted_segment_min",
    "unsorted_segment_prod",
    "unsorted_segment_sqrt_n",
    "unsorted_segment_sum",
]
