"""Scaled dot product attention, with everything that ONNX lets it have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.sizes import Size, cut, reshape, size_of, sizes_of
from samara.graph import dtypes
from samara.graph.dtypes import DType
from samara.graph.graph import Tensor


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Which keys a query sees.

    Attributes:
        mask: bool (True is seen), or what is added to the scores; it broadcasts to [batch, heads, queries, keys], and
            keys after its last axis are not seen.
        causal: whether a query sees no key after its own place.
        before: the place of the first query: a size, or a number for each example [batch].
        left: how many keys before its own place a query sees; None for all.
        right: how many after it.
        filled: how many keys of each example there are, [batch]; None for all.
    """

    mask: Tensor | None = None
    causal: bool = False
    before: Size = 0
    left: int | None = None
    right: int | None = None
    filled: Tensor | None = None


def attention(
    b: Any,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    sight: Sight,
    scale: float | None = None,
    softcap: float = 0.0,
    precision: DType | None = None,
    stage: int | None = None,
) -> tuple[Tensor, Tensor | None]:
    """softmax(q k^T * scale + bias) v, zeros for a query that sees nothing.

    Args:
        b: builds ops.
        q: [batch, heads, queries, size].
        k: [batch, heads / groups, keys, size]; each head is for `groups` of q's one after the other.
        v: [batch, heads / groups, keys, any size].
        sight: which keys a query sees.
        scale: 1 / sqrt(size) when None.
        softcap: scores become softcap * tanh(scores / softcap), unless 0.
        precision: the type in which weights are computed; that of q when None.
        stage: of the scores to give too: 0 as they are, 1 after softcap, 2 after the bias, 3 the weights.

    Returns:
        The result, and the scores or None.

    Raises:
        ValueError: the numbers of heads or the size of a head move, or do not fit.
    """
    heads, shared, size = ((t.shape or ())[a] for t, a in ((q, 1), (k, 1), (q, 3)))
    if not (isinstance(heads, int) and isinstance(shared, int) and isinstance(size, int)):
        raise ValueError("the number of heads, or their size, moves")
    if not shared or heads % shared:
        raise ValueError(f"{heads} heads of queries for {shared} of keys")
    scale = 1 / math.sqrt(size) if scale is None else scale
    given = {}
    scores = given[0] = _scores(b, q, k, scale, heads // shared)
    if softcap:
        cap = b.like(softcap, scores)
        scores = b.multiply(b.tanh(b.divide(scores, cap)), cap)
    given[1] = scores
    bias = _bias(b, sight, size_of(b, q, 2), size_of(b, k, 2), q.dtype)
    scores = given[2] = scores if bias is None else b.add(scores, bias)
    wide = scores if precision in (None, scores.dtype) else b.cast(scores, dtype=precision)
    weights = softmax_in_steps(b, wide, -1)
    if bias is not None and (sight.mask, sight.filled, sight.left, sight.right) != (None,) * 4:
        # Decided by the bias: the scores of such a row may be anything, and its weights are no numbers.
        most = b.reduce_max(bias, axes=(-1,), keepdims=True)
        seen = b.greater(most, b.like(-np.inf, most))
        weights = b.where(seen, weights, b.like(0, weights))
    weights = given[3] = weights if weights.dtype is q.dtype else b.cast(weights, dtype=q.dtype)
    y = _in_groups(b, weights, v, heads // shared, transpose_y=False)
    return y, None if stage is None else given[stage]


def softmax_in_steps(b: Any, x: Tensor, axis: int) -> Tensor:
    """Softmax as ONNX defines it: exp(x - max) over its sum, each step rounded to the type.

    float16 alone tells this from one op that is rounded at its end.
    """
    if x.dtype is not dtypes.float16:
        made: Tensor = b.softmax(x, axis=axis)
        return made
    power = b.exp(b.subtract(x, b.reduce_max(x, axes=(axis,), keepdims=True)))
    made = b.divide(power, b.reduce_sum(power, axes=(axis,), keepdims=True))
    return made


def rotary_embedding(
    b: Any, x: Tensor, cosines: Tensor, sines: Tensor, *, size: int, interleaved: bool = False
) -> Tensor:
    """The first `size` numbers of each head turned in pairs: Su et al. (2021), RoFormer.

    Args:
        b: builds ops.
        x: [..., head size].
        cosines: of the angles, what broadcasts to [..., size / 2].
        sines: as cosines.
        size: how many numbers are turned; the rest of a head stays as it is.
        interleaved: whether a pair is two neighbours; else one of the first and one of the second half.

    Raises:
        ValueError: the size is odd, or greater than that of a head.
    """
    axis = len(x.shape or ()) - 1
    whole = (x.shape or ())[axis]
    if not isinstance(whole, int) or size % 2 or not 0 < size <= whole:
        raise ValueError(f"{size} numbers of a head of {whole} do not make pairs")
    step = 2 if interleaved else 1
    left = cut(b, x, axis, 0, size - 1 if interleaved else size // 2, step)
    right = cut(b, x, axis, 1 if interleaved else size // 2, size, step)
    real = b.subtract(b.multiply(cosines, left), b.multiply(sines, right))
    imaginary = b.add(b.multiply(sines, left), b.multiply(cosines, right))
    if interleaved:
        pairs = b.concat([b.expand_dims(t, axis=axis + 1) for t in (real, imaginary)], axis=axis + 1)
        parts = [reshape(b, pairs, [*sizes_of(b, x)[:-1], size])]
    else:
        parts = [real, imaginary]
    if size < whole:
        parts.append(cut(b, x, axis, size, None))
    made: Tensor = parts[0] if len(parts) == 1 else b.concat(parts, axis=axis)
    return made


def heads_apart(b: Any, x: Tensor, heads: int) -> Tensor:
    """[batch, length, heads * size] as [batch, heads, length, size].

    Raises:
        ValueError: the last axis does not divide.
    """
    width = (x.shape or ())[2]
    if not isinstance(width, int) or heads < 1 or width % heads:
        raise ValueError(f"an axis of {width} does not divide into {heads} heads")
    apart = reshape(b, x, [size_of(b, x, 0), size_of(b, x, 1), heads, width // heads])
    made: Tensor = b.transpose(apart, permutation=(0, 2, 1, 3))
    return made


def heads_together(b: Any, x: Tensor) -> Tensor:
    """[batch, heads, length, size] as [batch, length, heads * size]."""
    heads, size = ((x.shape or ())[a] for a in (1, 3))
    if not (isinstance(heads, int) and isinstance(size, int)):
        raise ValueError("the number of heads, or their size, moves")
    turned = b.transpose(x, permutation=(0, 2, 1, 3))
    return reshape(b, turned, [size_of(b, x, 0), size_of(b, x, 2), heads * size])


def _scores(b: Any, q: Tensor, k: Tensor, scale: float, groups: int) -> Tensor:
    if q.dtype is dtypes.float16:
        # Half of the scale for each, so that the product stays in range.
        root = b.like(math.sqrt(scale), q)
        q, k = b.multiply(q, root), b.multiply(k, root)
    elif scale != 1:
        q = b.multiply(q, b.like(scale, q))
    return _in_groups(b, q, k, groups, transpose_y=True)


def _in_groups(b: Any, x: Tensor, y: Tensor, groups: int, *, transpose_y: bool) -> Tensor:
    """The matrix product of x [batch, heads, ..] and y [batch, heads / groups, ..], of which no copies are made."""
    if groups == 1:
        made: Tensor = b.matmul(x, y, transpose_y=transpose_y)
        return made
    batch, heads, rows, columns = sizes_of(b, x)
    assert isinstance(heads, int)
    apart = reshape(b, x, [batch, heads // groups, groups, rows, columns])
    product = b.matmul(apart, b.expand_dims(y, axis=2), transpose_y=transpose_y)
    return reshape(b, product, [batch, heads, rows, size_of(b, product, -1)])


def _bias(b: Any, sight: Sight, queries: Size, keys: Size, dtype: DType) -> Tensor | None:
    """What is added to scores [batch, heads, queries, keys]: -inf where nothing is seen."""
    seen = _seen(b, sight, queries, keys)
    mask = None if sight.mask is None else _lengthened(b, sight.mask, keys)
    if mask is not None and mask.dtype is dtypes.bool_:
        seen = mask if seen is None else b.logical_and(seen, mask)
        mask = None
    if mask is not None and mask.dtype is not dtype:
        mask = b.cast(mask, dtype=dtype)
    if seen is None:
        return mask
    never = b.constant(np.asarray(-np.inf, dtype.numpy))
    zero = b.constant(np.asarray(0, dtype.numpy))
    made: Tensor = b.where(seen, zero if mask is None else mask, never)
    return made


def _seen(b: Any, sight: Sight, queries: Size, keys: Size) -> Tensor | None:
    """Where a query sees a key by their places, or None when everywhere."""
    key = _count(b, keys)
    found: list[Tensor] = []
    if sight.causal or sight.left is not None or sight.right is not None:
        query = b.expand_dims(_count(b, queries), axis=1)
        before = sight.before
        if not isinstance(before, int):
            if before.shape:
                before = b.reshape(before, np.asarray([-1, 1, 1, 1], np.int32))
            query = b.add(query, b.cast(before, dtype=dtypes.int32))
        elif before:
            query = b.add(query, b.like(before, query))
        if sight.causal:
            found.append(b.less_equal(key, query))
        if sight.left is not None:
            found.append(b.less_equal(b.subtract(query, key), b.like(sight.left, key)))
        if sight.right is not None:
            found.append(b.less_equal(b.subtract(key, query), b.like(sight.right, key)))
    if sight.filled is not None:
        filled = b.reshape(b.cast(sight.filled, dtype=dtypes.int32), np.asarray([-1, 1, 1, 1], np.int32))
        found.append(b.less(key, filled))
    made = None
    for one in found:
        made = one if made is None else b.logical_and(made, one)
    return made


def _count(b: Any, size: Size) -> Tensor:
    """0, 1, ... as int32."""
    if isinstance(size, int):
        made: Tensor = b.constant(np.arange(size, dtype=np.int32))
        return made
    made = b.range(np.int32(0), size, np.int32(1))
    return made


def _lengthened(b: Any, mask: Tensor, keys: Size) -> Tensor:
    """A mask whose last axis has all keys; those that it has not are not seen."""
    length = (mask.shape or ())[-1]
    if not isinstance(length, int) or not isinstance(keys, int) or length >= keys:
        return mask
    shape: Sequence[Any] = (*sizes_of(b, mask)[:-1], keys - length)
    if not all(isinstance(s, int) for s in shape):
        raise ValueError("a mask with fewer keys than there are, whose shape moves")
    value = False if mask.dtype is dtypes.bool_ else -np.inf
    rest = b.constant(np.full(shape, value, mask.dtype.numpy))
    made: Tensor = b.concat([mask, rest], axis=len(shape) - 1)
    return made


__all__ = ["Sight", "attention", "heads_apart", "heads_together", "rotary_embedding", "softmax_in_steps"]
