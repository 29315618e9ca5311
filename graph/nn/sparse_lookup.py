"""Rows of tables put together by sparse tensors of their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import int32, int64
from samara.graph.graph import Tensor
from samara.graph.nn.selection import embedding_lookup
from samara.graph.sparse.arranging import fill_empty_rows, reshape, retain
from samara.graph.sparse.tensor import SparseTensor, as_sparse, product, rank_of, sizes_of, vector

_COMBINERS = ("mean", "sqrtn", "sum")


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: float | None = None,
) -> Tensor:
    """For each row of numbers the sum or mean of the rows of a table that they name.

    Args:
        params: the table, or a list of tables that share its rows out, as for `embedding_lookup`.
        sp_ids: a SparseTensor [rows, any] of int32 or int64 in the order of rows, at least one in each row.
        sp_weights: a SparseTensor with as many weights; None for 1 everywhere.
        partition_strategy: "mod" or "div", as for `embedding_lookup`.
        name: the name scope.
        combiner: "sum" of the weighted rows; "mean", that divided by the sum of the weights; or "sqrtn", divided by the
            root of the sum of their squares. "mean" when None.
        max_norm: rows of a larger norm are scaled down to it.

    Returns:
        [rows, *row.shape], where rows goes to the last that has a number.

    Raises:
        ValueError: the combiner is none of the three.
    """
    how = combiner or "mean"
    if how not in _COMBINERS:
        raise ValueError(f"embedding_lookup_sparse: combiner={combiner!r}: expected one of {_COMBINERS}")
    ids = as_sparse(sp_ids)
    weights = None if sp_weights is None else as_sparse(sp_weights)
    with ids.graph.name_scope(name or "embedding_lookup_sparse"):
        b = ids.graph.b
        place = b.cast(ids.indices[:, 0], dtype=int32)
        count = b.add(place[-1], np.int32(1))
        rows = embedding_lookup(params, ids.values, partition_strategy, max_norm=max_norm)
        if weights is None:
            factor = b.broadcast_to(b.like(1, rows), b.shape(place))
        else:
            factor = b.cast(weights.values, dtype=rows.dtype)
        many = len(rows.get_shape()) - 1
        sums = b.unsorted_segment_sum(b.multiply(rows, _stretched(b, factor, many)), place, count)
        if how == "sum":
            return sums  # type: ignore[no-any-return]
        if how == "mean":
            total = b.unsorted_segment_sum(factor, place, count)
        else:
            total = b.sqrt(b.unsorted_segment_sum(b.square(factor), place, count))
        # A row without numbers, before the last, stays 0.
        total = (
            b.where(b.equal(total, b.like(0, total)), b.like(1, total), total) if weights is None else total
        )
        made: Tensor = b.divide(sums, _stretched(b, total, many))
        return made


def _stretched(b: Any, values: Any, axes: int) -> Any:
    for _ in range(axes):
        values = b.expand_dims(values, axis=-1)
    return values


def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str = "mean",
    default_id: int | None = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: float | None = None,
) -> Tensor:
    """`embedding_lookup_sparse` for rows that may be empty.

    Args:
        embedding_weights: the table, or a list of tables.
        sparse_ids: a SparseTensor [..., any] of int32 or int64 in the order of rows; numbers below 0 are left out.
        sparse_weights: a SparseTensor with as many weights; with another combiner than "sum", what has no positive
            weight is left out.
        combiner: "mean", "sqrtn" or "sum".
        default_id: the number that an empty row has; zeros come out of it when None.
        name: the name scope.
        partition_strategy: "mod" or "div", as for `embedding_lookup`.
        max_norm: rows of a larger norm are scaled down to it.

    Returns:
        [..., *row.shape].
    """
    ids = as_sparse(sparse_ids)
    weights = None if sparse_weights is None else as_sparse(sparse_weights)
    with ids.graph.name_scope(name or "embedding_lookup"):
        b = ids.graph.b
        rank = 2 if ids.get_shape().ndims is None else rank_of(ids)
        lead = sizes_of(ids, 2)[:-1]
        if rank != 2:
            flat = vector(b, [product(b, lead), sizes_of(ids)[-1]])
            ids = reshape(ids, flat)
            weights = None if weights is None else SparseTensor(ids.indices, weights.values, ids.dense_shape)
        held = b.greater_equal(ids.values, b.like(0, ids.values))
        if weights is not None and combiner != "sum":
            held = b.logical_and(held, b.greater(weights.values, b.like(0, weights.values)))
        weights = None if weights is None else retain(weights, held)
        ids, empty = fill_empty_rows(retain(ids, held), default_id or 0)
        if weights is not None:
            weights, _ = fill_empty_rows(weights, 1)
        rows = embedding_lookup_sparse(
            embedding_weights, ids, weights, partition_strategy, combiner=combiner, max_norm=max_norm
        )
        many = len(rows.get_shape()) - 1
        if default_id is None:
            rows = b.where(_stretched(b, empty, many), b.like(0, rows), rows)
        width = b.shape(rows, output_type=int64)[1:]
        whole = b.concat([convert_to_tensor(vector(b, lead), int64), width], axis=0)
        made: Tensor = b.reshape(rows, whole)
        return made


__all__ = ["embedding_lookup_sparse", "safe_embedding_lookup_sparse"]
