"""Tensors taken apart by numbers, put together again, and turned round, of the public vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor
from samara.graph.vocabulary.arrays import concat, reshape, shape
from samara.graph.vocabulary.constants import zeros
from samara.graph.vocabulary.elements import boolean_mask, tensor_scatter_update


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list[Tensor]:
    """The slices of `data` with the number 0, with the number 1, and so on.

    Args:
        data: [*partitions.shape, ...].
        partitions: a number for each slice.
        num_partitions: how many numbers there are; slices with others are left out.
        name: the name scope.
    """
    tensor, numbers = convert_to_tensor(data), convert_to_tensor(partitions)
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "DynamicPartition"):
        return [
            boolean_mask(tensor, b.equal(numbers, b.like(number, numbers)))
            for number in range(num_partitions)
        ]


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """The slices of several tensors, each at the place of the result that its index says.

    There are as many places as the largest index and 1 more; those that no index names hold zeros. Where two name one
    place the last of them stands there.

    Raises:
        ValueError: there is nothing to stitch, or not an index tensor for each tensor of data.
    """
    places = [convert_to_tensor(i) for i in indices]
    if not places or len(places) != len(data):
        raise ValueError(f"dynamic_stitch: {len(places)} tensors of indices for {len(data)} of data")
    first = convert_to_tensor(data[0])
    values = [first, *(convert_to_tensor(d, first.dtype) for d in data[1:])]
    b = first.graph.b
    rank = len(places[0].shape or ())
    rest = shape(first)[rank:]
    with first.graph.name_scope(name or "DynamicStitch"):
        flat = concat([reshape(p, [-1]) for p in places], 0)
        rows = concat([reshape(v, concat([[-1], rest], 0)) for v in values], 0)
        count = b.add(b.reduce_max(flat), b.like(1, flat))
        sizes = concat([reshape(b.cast(count, dtype=int32), [1]), rest], 0)
        made = tensor_scatter_update(zeros(sizes, first.dtype), b.expand_dims(flat, axis=-1), rows)
    if first.shape is not None and places[0].shape is not None:
        made.set_shape([None, *first.shape[rank:]])
    return made


parallel_stitch = dynamic_stitch


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements moved along axes; those that leave at the end come in at the beginning.

    Args:
        input: a tensor.
        shift: how far, towards larger indices; a number or a scalar, or a list for several axes.
        axis: a number, or a list.
        name: the name scope.
    """
    tensor = convert_to_tensor(input)
    b = tensor.graph.b
    shifts = list(shift) if isinstance(shift, (list, tuple)) else [shift]
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if len(shifts) != len(axes):
        raise ValueError(f"roll: {len(shifts)} shifts for {len(axes)} axes")
    with tensor.graph.name_scope(name or "Roll"):
        for by, along in zip(shifts, axes, strict=True):
            size = shape(tensor)[along]
            start = b.cast(by, dtype=int32) if hasattr(by, "as_graph_tensor") else np.int32(by)
            places = b.floor_mod(b.subtract(b.range(np.int32(0), size, np.int32(1)), start), size)
            tensor = b.gather(tensor, places, axis=int(along))
    return tensor


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """The coordinates, one row for each dimension, of elements that are numbered row after row."""
    b = builder(indices, dims)
    numbers = b.constant(indices)
    sizes = b.constant(dims, numbers.dtype)
    count = int(sizes.shape[0]) if sizes.shape is not None and isinstance(sizes.shape[0], int) else None
    if count is None:
        raise ValueError("unravel_index: how many dimensions there are is not known")
    with numbers.graph.name_scope(name or "UnravelIndex"):
        rows = []
        left = numbers
        for axis in reversed(range(count)):
            rows.append(b.floor_mod(left, sizes[axis]))
            left = b.floor_divide(left, sizes[axis])
        made: Tensor = b.stack(rows[::-1], axis=0)
        return made


__all__ = ["dynamic_partition", "dynamic_stitch", "parallel_stitch", "roll", "unravel_index"]
