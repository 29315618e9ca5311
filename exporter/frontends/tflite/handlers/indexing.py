"""Reading and writing at places that are data."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.handlers._registry import (
    axis_of,
    constant,
    fixed,
    handler,
    integers,
    shape_of,
)
from samara.exporter.frontends.tflite.node import Node, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor


@handler("GATHER", moves=True)
def _gather(r: Reading, node: Node) -> list[Tensor]:
    x, indices = node.input(0).data, _indices(r, node.input(1).data)
    axis = axis_of(int(node.options["axis"]), len(shape_of(x)))
    batch = int(node.options["batch_dims"])
    if batch < 0:
        batch += len(shape_of(indices))
    return [r.b.gather(x, indices, axis=axis, batch_dims=batch)]


def _indices(r: Reading, indices: Tensor) -> Tensor:
    """Indices of a type that ops take."""
    if indices.dtype in (dtypes.int32, dtypes.int64):
        return indices
    made: Tensor = r.b.cast(indices, dtype=dtypes.int32)
    return made


@handler("EMBEDDING_LOOKUP", moves=True)
def _embedding_lookup(r: Reading, node: Node) -> list[Tensor]:
    """Rows of a table; rows of bytes are made real numbers."""
    table, places = node.input(1), _indices(r, node.input(0).data)
    rows = r.b.gather(table.data, places, axis=0)
    if table.dtype is node.output.dtype:
        return [rows]
    scale, zero_point = table.scale, table.zero_point
    known = scale is not None and zero_point is not None and not np.any(zero_point)
    if not known or table.dtype is not dtypes.int8 or node.output.dtype is not dtypes.float32:
        raise Unsupported(f"a table of {table.dtype.name} for an output of {node.output.dtype.name}")
    assert scale is not None
    by: Any = scale
    if scale.size > 1:
        if table.axis != 0:
            raise Unsupported(f"scales along axis {table.axis} of a table")
        by = r.b.gather(scale, places, axis=0)
        for axis in range(1, len(shape_of(table.data))):
            by = r.b.expand_dims(by, axis=axis)
    return [r.b.multiply(r.b.cast(rows, dtype=dtypes.float32), by)]


@handler("GATHER_ND", moves=True)
def _gather_nd(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.gather_nd(node.input(0).data, _indices(r, node.input(1).data))]


@handler("SCATTER_ND", moves=True)
def _scatter_nd(r: Reading, node: Node) -> list[Tensor]:
    updates = node.input(1).data
    zeros = r.b.broadcast_to(r.b.like(0, updates), node.input(2).data)
    return [r.b.scatter_nd(zeros, _indices(r, node.input(0).data), updates, reduction="add")]


@handler("SPARSE_TO_DENSE")
def _sparse_to_dense(r: Reading, node: Node) -> list[Tensor]:
    indices, values, default = _indices(r, node.input(0).data), node.input(2).data, node.input(3).data
    base = r.b.broadcast_to(default, node.input(1).data)
    rank = len(shape_of(indices))
    if rank == 0:
        indices = r.b.reshape(indices, np.asarray([1, 1], np.int32))
    elif rank == 1:
        indices = r.b.expand_dims(indices, axis=1)
    (count,) = fixed(indices, [0], "the number of indices")
    if shape_of(values) != (count,):
        values = r.b.broadcast_to(values, np.asarray([count], np.int32))
    return [r.b.scatter_nd(base, indices, values)]


@handler("DYNAMIC_UPDATE_SLICE", moves=True)
def _dynamic_update_slice(r: Reading, node: Node) -> list[Tensor]:
    """Writes a block at a place, which is moved so that the block fits."""
    x, update = node.input(0).data, node.input(1).data
    begin = r.b.cast(node.input(2).data, dtype=dtypes.int32)
    rank = len(shape_of(x))
    if rank == 0:
        return [r.b.identity(update)]
    whole = fixed(x, range(rank), "all sizes")
    sizes = fixed(update, range(rank), "all sizes of the update")
    if any(s > w for s, w in zip(sizes, whole, strict=True)):
        raise Unsupported(f"an update of {sizes} in a tensor of {whole}")
    last = np.asarray([w - s for w, s in zip(whole, sizes, strict=True)], np.int32)
    begin = r.b.minimum(r.b.maximum(begin, np.zeros(rank, np.int32)), last)
    # Only axes in which the update is smaller need an index.
    depth = max((i + 1 for i in range(rank) if sizes[i] != whole[i]), default=0)
    if depth == 0:
        return [r.b.identity(update)]
    grid = np.stack(np.meshgrid(*(np.arange(s) for s in sizes[:depth]), indexing="ij"), axis=-1)
    head = r.b.strided_slice(begin, begin=(0,), end=(depth,), strides=(1,))
    return [r.b.scatter_nd(x, r.b.add(head, grid.astype(np.int32)), update)]


@handler("REVERSE_SEQUENCE", moves=True)
def _reverse_sequence(r: Reading, node: Node) -> list[Tensor]:
    x, lengths = node.input(0).data, node.input(1).data
    shape = shape_of(x)
    rank = len(shape)
    along = axis_of(int(node.options["seq_dim"]), rank, "the axis that is reversed")
    batch = axis_of(int(node.options["batch_dim"]), rank, "the batch axis")
    if along == batch:
        raise Unsupported("the axis that is reversed is the batch axis")
    size, count = fixed(x, [along, batch], "the sizes of sequence and batch")
    order = [batch, along] + [a for a in range(rank) if a not in (along, batch)]
    turned = r.b.transpose(x, permutation=tuple(order))
    steps = np.arange(size, dtype=np.int32).reshape(1, size)
    lengths = r.b.reshape(r.b.cast(lengths, dtype=dtypes.int32), np.asarray([count, 1], np.int32))
    back = r.b.subtract(r.b.subtract(lengths, np.int32(1)), steps)
    indices = r.b.where(r.b.less(steps, lengths), back, steps)
    made = r.b.gather(turned, indices, axis=1, batch_dims=1)
    return [r.b.transpose(made, permutation=tuple(int(i) for i in np.argsort(order)))]


@handler("SEGMENT_SUM")
def _segment_sum(r: Reading, node: Node) -> list[Tensor]:
    ids = constant(node, 1, "the segments")
    if np.any(np.diff(ids) < 0) or np.any(ids < 0):
        raise Unsupported("segments that do not rise from 0 on")
    count = np.asarray(int(ids[-1]) + 1 if ids.size else 0, np.int32)
    return [r.b.unsorted_segment_sum(node.input(0).data, node.input(1).data, count)]


@handler("UNSORTED_SEGMENT_SUM", "UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_MIN")
def _unsorted_segment(r: Reading, node: Node) -> list[Tensor]:
    data, ids = node.input(0).data, node.input(1).data
    (count,) = integers(node, 2, "the number of segments")
    if count < 1:
        raise Unsupported(f"{count} segments")
    kind = node.kind.rpartition("_")[2].lower()
    dtype = np.dtype(data.dtype.numpy)
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    reduction, first = {
        "sum": ("add", 0),
        "prod": ("multiply", 1),
        "max": ("maximum", limits.min),
        "min": ("minimum", limits.max),
    }[kind]
    lead = len(shape_of(ids))
    rest = fixed(data, range(lead, len(shape_of(data))), "the sizes of a segment")
    start = r.b.broadcast_to(np.asarray(first, dtype), np.asarray([count + 1, *rest], np.int32))
    # Negative segments are left out: they go to one more, which is cut off.
    ids = r.b.where(r.b.less(ids, np.int32(0)), np.int32(count), ids)
    made = r.b.scatter_nd(start, r.b.expand_dims(ids, axis=lead), data, reduction=reduction)
    rank = 1 + len(rest)
    return [r.b.strided_slice(made, begin=[0] * rank, end=[count, *rest], strides=[1] * rank)]
