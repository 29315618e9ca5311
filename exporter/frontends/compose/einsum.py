"""Einstein summation, lowered to moves, matrix products, products and sums."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.sizes import Size, move, product_of, reshape, size_of
from samara.graph import dtypes
from samara.graph.graph import Tensor

_PRODUCT_TYPES = (*dtypes.FLOATS, dtypes.int32, dtypes.int64)


@dataclass(frozen=True)
class _Factor:
    """A tensor with a label for each axis."""

    x: Tensor
    labels: str


def einsum(b: Any, equation: str, operands: Sequence[Tensor]) -> Tensor:
    """The sum of products that an equation names, as in numpy: "bij,bjk->bik", "...ii->...i", "i,j".

    Sizes may move. An axis of size 1 broadcasts where its size is a number. Factors are joined from left to right.

    Raises:
        ValueError: the equation does not fit the operands.
    """
    if not operands:
        raise ValueError(f"equation {equation!r} without operands")
    dtype = operands[0].dtype
    if dtype not in _PRODUCT_TYPES:
        operands = [b.cast(x, dtype=dtypes.int32) for x in operands]
    terms, result = _parsed(equation, [len(x.shape or ()) for x in operands])
    factors = [_diagonal(b, x, labels) for x, labels in zip(operands, terms, strict=True)]
    sizes = _sizes(b, equation, factors)
    factors = [_without_ones(b, f, sizes) for f in factors]
    made = factors[0]
    for place, other in enumerate(factors[1:], 1):
        wanted = set(result).union(*(f.labels for f in factors[place + 1 :]))
        made = _joined(b, _summed(b, made, wanted | set(other.labels)), other, wanted, sizes)
    made = _summed(b, made, set(result))
    y = move(b, made.x, [made.labels.index(c) for c in result])
    return y if y.dtype is dtype else b.cast(y, dtype=dtype)


def _parsed(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The labels of each operand and of the result; an ellipsis becomes digits, the last one of them 0."""
    text = equation.replace(" ", "")
    if not re.fullmatch(r"[A-Za-z.,]*(->[A-Za-z.]*)?", text):
        raise ValueError(f"equation {equation!r} is not one of einsum")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"equation {equation!r} has {len(terms)} operands, given are {len(ranks)}")
    spread, most = [], 0
    for term, rank in zip(terms, ranks, strict=True):
        named = len(term.replace("...", ""))
        hidden = rank - named
        if term.count(".") not in (0, 3) or hidden < 0 or (hidden and "..." not in term) or hidden > 10:
            raise ValueError(f"term {term!r} of equation {equation!r} does not fit rank {rank}")
        most = max(most, hidden)
        spread.append(term.replace("...", "9876543210"[10 - hidden :]))
    ellipsis = "9876543210"[10 - most :]
    if not arrow:
        counts = "".join(terms).replace(".", "")
        right = "..." + "".join(sorted(c for c in set(counts) if counts.count(c) == 1))
    result = right.replace("...", ellipsis)
    if len(set(result)) != len(result) or not set(result) <= set("".join(spread)) or "." in result:
        raise ValueError(
            f"the result {right!r} of equation {equation!r} has a label twice, or one of no operand"
        )
    return spread, result


def _diagonal(b: Any, x: Tensor, labels: str) -> _Factor:
    """The elements at which axes with one label have one index."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            places = [i for i, c in enumerate(labels) if c == label][:2]
            rest = [i for i in range(len(labels)) if i not in places]
            x = move(b, x, [*rest, *places])
            size = size_of(b, x, -1)
            if isinstance(size, int) and size != size_of(b, x, -2):
                raise ValueError(f"label {label!r} stands for sizes {size_of(b, x, -2)} and {size}")
            flat = reshape(b, x, [*(size_of(b, x, i) for i in range(len(rest))), product_of(b, [size, size])])
            x = b.gather(flat, _steps(b, size), axis=len(rest))
            labels = "".join(labels[i] for i in rest) + label
    return _Factor(x, labels)


def _steps(b: Any, size: Size) -> Any:
    """Where the diagonal of a square lies: 0, size + 1, ..."""
    if isinstance(size, int):
        return np.arange(size, dtype=np.int32) * np.int32(size + 1)
    return b.multiply(b.range(np.int32(0), size, np.int32(1)), b.add(size, b.like(1, size)))


def _sizes(b: Any, equation: str, factors: Sequence[_Factor]) -> dict[str, Size]:
    """The size that each label stands for."""
    sizes: dict[str, Size] = {}
    for factor in factors:
        for axis, label in enumerate(factor.labels):
            size, known = size_of(b, factor.x, axis), sizes.get(label, 1)
            if isinstance(known, int) and isinstance(size, int) and 1 not in (known, size) and known != size:
                raise ValueError(f"label {label!r} of equation {equation!r} stands for {known} and {size}")
            # A number tells more than a size that moves, unless it is 1.
            if known == 1 or (not isinstance(known, int) and isinstance(size, int) and size != 1):
                sizes[label] = size
    return sizes


def _without_ones(b: Any, factor: _Factor, sizes: dict[str, Size]) -> _Factor:
    """The factor without axes of size 1 that broadcast against others."""
    shape = factor.x.shape
    assert shape is not None
    ones = [i for i, c in enumerate(factor.labels) if shape[i] == 1 and sizes[c] != 1]
    if not ones:
        return factor
    kept = "".join(c for i, c in enumerate(factor.labels) if i not in ones)
    return _Factor(b.squeeze(factor.x, axes=tuple(ones)), kept)


def _summed(b: Any, factor: _Factor, wanted: set[str]) -> _Factor:
    """The factor summed over the axes whose labels are not wanted."""
    axes = tuple(i for i, c in enumerate(factor.labels) if c not in wanted)
    if not axes:
        return factor
    return _Factor(b.reduce_sum(factor.x, axes=axes), "".join(c for c in factor.labels if c in wanted))


def _joined(b: Any, left: _Factor, right: _Factor, wanted: set[str], sizes: dict[str, Size]) -> _Factor:
    """The product of two factors, summed over the labels that both have and nobody wants."""
    right = _summed(b, right, wanted | set(left.labels))
    both = [c for c in left.labels if c in right.labels]
    inner = [c for c in both if c not in wanted]
    batch = [c for c in both if c in wanted]
    rows = [c for c in left.labels if c not in both]
    columns = [c for c in right.labels if c not in both]
    if not inner:
        return _multiplied(b, left, right, [*batch, *rows, *columns])
    x, transpose_x = _matrix(b, left, batch, rows, inner, sizes)
    y, transpose_y = _matrix(b, right, batch, inner, columns, sizes)
    z = b.matmul(x, y, transpose_x=transpose_x, transpose_y=transpose_y)
    if len(rows) != 1 or len(columns) != 1:
        lead = [size_of(b, z, i) for i in range(len(batch))]
        z = reshape(b, z, [*lead, *(sizes[c] for c in [*rows, *columns])])
    return _Factor(z, "".join([*batch, *rows, *columns]))


def _matrix(
    b: Any, factor: _Factor, batch: list[str], first: list[str], second: list[str], sizes: dict[str, Size]
) -> tuple[Tensor, bool]:
    """The factor as matrices [batch..., first, second], or the other way round where that moves nothing."""
    turned = list(factor.labels) == [*batch, *second, *first] and bool(first) and bool(second)
    groups = [second, first] if turned else [first, second]
    x = move(b, factor.x, [factor.labels.index(c) for c in [*batch, *groups[0], *groups[1]]])
    if any(len(g) != 1 for g in groups):
        lead = [size_of(b, x, i) for i in range(len(batch))]
        x = reshape(b, x, [*lead, *(product_of(b, [sizes[c] for c in g]) for g in groups)])
    return x, turned


def _multiplied(b: Any, left: _Factor, right: _Factor, labels: list[str]) -> _Factor:
    """The product of two factors of which nothing is summed, in the order of the left one's labels if possible."""
    labels = [*left.labels, *(c for c in labels if c not in left.labels)]

    def spread(factor: _Factor) -> Tensor:
        own = [c for c in labels if c in factor.labels]
        x = move(b, factor.x, [factor.labels.index(c) for c in own])
        first = next((i for i, c in enumerate(labels) if c in own), len(labels))
        missing = [i - first for i, c in enumerate(labels) if c not in own and i > first]
        for axis in missing:
            x = b.expand_dims(x, axis=axis)
        return x

    return _Factor(b.multiply(spread(left), spread(right)), "".join(labels))


__all__ = ["einsum"]
