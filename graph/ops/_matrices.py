"""Matrices that others are masked with, for sizes that are numbers and sizes that are not known yet."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.graph import Tensor


def transposed(b: Any, x: Any) -> Tensor:
    """The last two axes swapped."""
    rank = len(x.shape)
    made: Tensor = b.transpose(x, permutation=(*range(rank - 2), rank - 1, rank - 2))
    return made


def band(b: Any, x: Any, lower: int, upper: int) -> Tensor:
    """Ones as far as `lower` below and `upper` above the diagonal of matrices like x, zeros elsewhere; -1 for all."""
    rows, columns = x.shape[-2:]
    if isinstance(rows, int) and isinstance(columns, int):
        offset = np.arange(columns)[None, :] - np.arange(rows)[:, None]
        kept = (lower < 0) | (-offset <= lower)
        kept &= (upper < 0) | (offset <= upper)
        return b.constant(kept.astype(x.dtype.numpy))  # type: ignore[no-any-return]
    sizes = b.shape(x)
    down = b.expand_dims(b.range(np.int32(0), sizes[-2], np.int32(1)), axis=1)
    along = b.expand_dims(b.range(np.int32(0), sizes[-1], np.int32(1)), axis=0)
    offset = b.subtract(along, down)
    kept = b.logical_and(
        b.less_equal(b.negative(offset), np.int32(2**30 if lower < 0 else lower)),
        b.less_equal(offset, np.int32(2**30 if upper < 0 else upper)),
    )
    made: Tensor = b.cast(kept, dtype=x.dtype)
    return made


def eye_like(b: Any, x: Any) -> Tensor:
    """The identity of the size of the matrices x."""
    return band(b, x, 0, 0)


def diagonal(b: Any, x: Any) -> Tensor:
    """The diagonals of square matrices."""
    made: Tensor = b.reduce_sum(b.multiply(x, eye_like(b, x)), axes=(-1,))
    return made


def with_diagonal(b: Any, d: Any) -> Tensor:
    """Square matrices with these diagonals, zero elsewhere."""
    column = b.expand_dims(d, axis=-1)
    size = b.expand_dims(d, axis=-2)
    like = b.multiply(column, size)
    made: Tensor = b.multiply(column, eye_like(b, like))
    return made
