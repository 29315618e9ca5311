"""Constants that are stored without most of their zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.flatfile import DamagedError, Table

Array = np.ndarray[Any, Any]
# Elements of the dense array; more are no weights.
_LARGEST = 2**30


def densify(
    sparsity: Table, dtype: np.dtype[Any], raw: memoryview, shape: Sequence[int], where: str
) -> Array:
    """The dense array.

    Dimensions are stored in the order of traversal: those of the array, then those within blocks. A dense one has
    every index; a compressed one lists the indices that are there for each position of the dimensions before it.

    Raises:
        DamagedError: the record contradicts itself or the shape.
    """
    order = [int(v) for v in sparsity["traversal_order"]]
    blocks = [int(v) for v in sparsity["block_map"]]
    levels = sparsity["dim_metadata"]
    rank = len(shape)
    total = rank + len(blocks)
    if sorted(order) != list(range(total)) or len(levels) != total:
        raise DamagedError(f"{where}: the order of traversal {order} is not one of {total} dimensions")
    if any(not 0 <= a < rank for a in blocks) or len(set(blocks)) != len(blocks):
        raise DamagedError(f"{where}: blocks along the axes {blocks} of {rank}")
    sizes = list(shape) + [0] * len(blocks)
    for place, axis in enumerate(order):
        if axis >= rank:
            size = levels[place]["dense_size"]
            array_axis = blocks[axis - rank]
            if size <= 0 or shape[array_axis] % size:
                raise DamagedError(f"{where}: blocks of {size} along an axis of {shape[array_axis]}")
            sizes[axis] = size
            sizes[array_axis] = shape[array_axis] // size
    dense = int(np.prod(shape, dtype=np.int64)) if rank else 1
    if dense > _LARGEST:
        raise DamagedError(f"{where} has {dense} elements")
    # For each stored position so far, its index in every dimension of the traversal.
    indices = np.zeros((1, total), np.int64)
    for place, axis in enumerate(order):
        indices = _expanded(levels[place], indices, axis, sizes[axis], dense, f"{where}: dimension {place}")
    values = (
        np.frombuffer(raw, dtype.newbyteorder("<")) if len(raw) % dtype.itemsize == 0 else np.zeros(0, dtype)
    )
    if len(values) != len(indices):
        raise DamagedError(f"{where} has {len(raw)} bytes for {len(indices)} stored elements")
    result = np.zeros(tuple(shape), dtype)
    place_of = [indices[:, a] for a in range(rank)]
    for number, axis in enumerate(blocks):
        place_of[axis] = place_of[axis] * sizes[rank + number] + indices[:, rank + number]
    if rank:
        result[tuple(place_of)] = values
    elif len(values) == 1:
        result[...] = values[0]
    return result


def _expanded(level: Table, indices: Array, axis: int, size: int, dense: int, where: str) -> Array:
    count = len(indices)
    if level["format"] == 0:
        if level["dense_size"] != size:
            raise DamagedError(f"{where} has {level['dense_size']} indices, expected {size}")
        if count * size > dense:
            raise DamagedError(f"{where} has more elements than the tensor")
        made = np.repeat(indices, size, axis=0)
        made[:, axis] = np.tile(np.arange(size), count)
        return made
    if level["format"] != 1 or level["array_segments"] is None or level["array_indices"] is None:
        raise DamagedError(f"{where} is of an unknown format, or lacks its indices")
    segments = level["array_segments"][1]["values"].astype(np.int64)
    listed = level["array_indices"][1]["values"].astype(np.int64)
    steps = np.diff(segments)
    if len(segments) != count + 1 or segments[0] != 0 or np.any(steps < 0) or segments[-1] != len(listed):
        raise DamagedError(f"{where} has segments that do not fit its indices")
    if len(listed) > dense or np.any((listed < 0) | (listed >= size)):
        raise DamagedError(f"{where} has indices outside 0..{size - 1}")
    made = np.repeat(indices, steps, axis=0)
    made[:, axis] = listed
    return made


__all__ = ["densify"]
