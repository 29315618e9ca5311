"""Rows of tables by number, and the largest elements of rows."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor

TopKV2 = namedtuple("TopKV2", ["values", "indices"])
TopKV2.__doc__ = "The largest elements of rows, and where they are."


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: float | None = None,
) -> Tensor:
    """The rows of a table that `ids` name: a tensor of shape [*ids.shape, *row.shape].

    Args:
        params: the table; or a list of tables that share its rows out.
        ids: int32 or int64.
        partition_strategy: how a list shares them: "mod", row i is row i // n of table i % n; or "div", each table has
            consecutive rows, the first ones one more where they do not divide evenly.
        name: the name scope.
        validate_indices: has no meaning here: a row that does not exist is an error of the run.
        max_norm: rows of a larger norm are scaled down to it.

    Raises:
        ValueError: the strategy is neither, or the sizes of shared tables are not known.
    """
    if isinstance(params, (list, tuple)) and params and hasattr(params[0], "as_graph_tensor"):
        tables = [convert_to_tensor(p) for p in params]
    else:
        tables = [convert_to_tensor(params)]
    graph = tables[0].graph
    b = graph.b
    with graph.name_scope(name or "embedding_lookup"):
        wanted = b.constant(ids)
        if len(tables) == 1:
            rows = b.gather(tables[0], wanted, axis=0)
        else:
            place = _place(b, tables, wanted, partition_strategy)
            rows = b.gather(b.concat(tables, axis=0), place, axis=0)
        if max_norm is not None:
            first = len(wanted.get_shape())
            axes = tuple(range(first, len(rows.get_shape())))
            norm = b.sqrt(b.reduce_sum(b.square(rows), axes=axes, keepdims=True))
            limit = b.constant(max_norm, rows.dtype)
            rows = b.multiply(rows, b.divide(limit, b.maximum(norm, limit)))
    found: Tensor = rows
    return found


def _place(b: Any, tables: list[Tensor], ids: Tensor, strategy: str) -> Tensor:
    """The numbers of rows in all tables put one after the other."""
    counts = [t.get_shape()[0] for t in tables]
    if strategy == "div":
        # Consecutive rows stay consecutive.
        total = sum(c for c in counts if isinstance(c, int))
        each, more = divmod(total, len(tables))
        if counts != [each + (i < more) for i in range(len(tables))]:
            raise ValueError(
                f"embedding_lookup: tables of {counts} rows do not share {total} rows out evenly"
            )
        return ids
    if strategy != "mod":
        raise ValueError(f"embedding_lookup: partition_strategy={strategy!r}: expected 'mod' or 'div'")
    if not all(isinstance(c, int) for c in counts):
        raise ValueError(f"embedding_lookup: tables of {counts} rows: their sizes must be known")
    starts = np.cumsum([0, *counts[:-1]]).astype(ids.dtype.numpy)
    number = b.constant(len(tables), ids.dtype)
    table = b.floor_mod(ids, number)
    place: Tensor = b.add(b.gather(starts, table, axis=0), b.floor_divide(ids, number))
    return place


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopKV2:
    """The k largest elements of each row (the last axis), the largest first, and where they are (int32)."""
    tensor = convert_to_tensor(input)
    values, indices = tensor.graph.b.top_k(tensor, k, output_type=int32, name=name or "TopKV2")
    return TopKV2(values, indices)


def in_top_k(predictions: Any, targets: Any, k: int, name: str | None = None) -> Tensor:
    """Whether the class `targets[i]` is among the k largest predictions [i, classes]; equal ones all count as in.

    A target that is no class, or whose prediction is not finite, is not.
    """
    tensor = convert_to_tensor(predictions)
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "in_top_k"):
        wanted = b.constant(targets)
        classes = b.shape(tensor, output_type=wanted.dtype)[1]
        valid = b.logical_and(b.greater_equal(wanted, b.like(0, wanted)), b.less(wanted, classes))
        place = b.where(valid, wanted, b.zeros_like(wanted))
        chosen = b.gather(tensor, b.expand_dims(place, axis=1), axis=1, batch_dims=1)
        better = b.reduce_sum(b.cast(b.greater(tensor, chosen), dtype=int32), axes=(1,))
        finite = b.is_finite(b.squeeze(chosen, axes=(1,)))
        among = b.less(better, b.constant(k, int32))
        result: Tensor = b.logical_and(b.logical_and(valid, finite), among)
    return result


__all__ = [
    "TopKV2",
    "embedding_lookup",
    "in_top_k",
    "top_k",
]
