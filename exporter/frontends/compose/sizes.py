"""Sizes that may move: those that are known are numbers, the others int32 scalars that a graph computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.dims import Dimension
from samara.graph.graph import Tensor
from samara.graph.inference import known_value
from samara.graph.ops.indexing import axis_slice, size_along

Size = int | Tensor


def size_of(b: Any, x: Tensor, axis: int) -> Size:
    """The size of an axis."""
    found: Size = size_along(b, x, axis % len(x.shape or ()))
    return found


def sizes_of(b: Any, x: Tensor) -> list[Size]:
    """The sizes of all axes."""
    return [size_of(b, x, axis) for axis in range(len(x.shape or ()))]


def product_of(b: Any, sizes: Sequence[Size]) -> Size:
    """The product of sizes; 1 of none."""
    number = 1
    moving: Tensor | None = None
    for size in sizes:
        if isinstance(size, int):
            number *= size
        else:
            moving = size if moving is None else b.multiply(moving, size)
    if moving is None:
        return number
    return moving if number == 1 else b.multiply(moving, b.like(number, moving))


def sum_of(b: Any, left: Size, right: Size) -> Size:
    """The sum of two sizes."""
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    tensor = right if isinstance(left, int) else left
    assert not isinstance(tensor, int)
    added: Size = b.add(*(b.like(s, tensor) if isinstance(s, int) else s for s in (left, right)))
    return added


def vector(b: Any, sizes: Sequence[Size]) -> Any:
    """Sizes as an operand: an array where all are numbers."""
    if all(isinstance(s, int) for s in sizes):
        return np.asarray(list(sizes), dtype=np.int32)
    return b.stack([b.constant(np.int32(s)) if isinstance(s, int) else s for s in sizes], axis=0)


def dimension(size: Size) -> Dimension | None:
    """A size as a dimension, where the graph determines it."""
    if isinstance(size, int):
        return size
    known = known_value(size)
    return None if known is None else known[0]


def reshape(b: Any, x: Tensor, sizes: Sequence[Size]) -> Tensor:
    """The tensor in another shape, which holds as many elements."""
    if x.shape is not None and x.shape == tuple(map(dimension, sizes)):
        return x
    numbers = [s for s in sizes if isinstance(s, int)]
    made: Tensor
    if len(numbers) == len(sizes) - 1 and 0 not in numbers:
        made = b.reshape(x, np.asarray([s if isinstance(s, int) else -1 for s in sizes], dtype=np.int32))
    else:
        made = b.reshape(x, vector(b, sizes))
    return made


def cut(b: Any, x: Tensor, axis: int, begin: int | None, end: int | None, step: int = 1) -> Tensor:
    """A slice of one axis; None is the axis's own begin or end."""
    made: Tensor = b.strided_slice(x, **axis_slice(axis % len(x.shape or ()), begin, end, step))
    return made


def move(b: Any, x: Tensor, permutation: Sequence[int]) -> Tensor:
    """The axes in another order; the tensor itself where that is the same."""
    if list(permutation) == list(range(len(permutation))):
        return x
    made: Tensor = b.transpose(x, permutation=tuple(permutation))
    return made


__all__ = [
    "Size",
    "cut",
    "dimension",
    "move",
    "product_of",
    "reshape",
    "size_of",
    "sizes_of",
    "sum_of",
    "vector",
]
