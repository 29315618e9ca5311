"""Attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dtypes
from samara.graph.graph import Tensor
from samara.graph.rewrite import constant_value

# Far below any score, and far from overflow when a score is added.
_NEVER = {dtypes.float16: -3e4}
_NEVER_ELSE = -1e30


@handles("aten.scaled_dot_product_attention")
def attention(
    r: Reader,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    dropout: float = 0.0,
    causal: bool = False,
    scale: float | None = None,
    shared_heads: bool = False,
) -> Tensor:
    b = r.b
    assert query.shape is not None
    if dropout:
        raise r.unsupported("it drops attention at random", "export the module after module.eval()")
    size = r.number(query.shape[-1], "the size of a head")
    scale = 1 / math.sqrt(size) if scale is None else scale
    if shared_heads:
        key, value = (_repeated(r, t, query) for t in (key, value))
    scores = b.matmul(b.multiply(query, b.like(scale, query)), key, transpose_y=True)
    if causal:
        mask = _causal(r, query, key)
    never = b.like(_NEVER.get(scores.dtype, _NEVER_ELSE), scores)
    if mask is not None and mask.dtype is dtypes.bool_:
        scores = b.where(mask, scores, never)
    elif mask is not None:
        scores = b.add(scores, r.cast(mask, scores.dtype))
    weights = b.softmax(scores, axis=-1)
    if mask is not None and mask.dtype is dtypes.bool_ and not causal and not _sees_something(mask):
        # A row that sees nothing gives zeros.
        weights = b.where(mask, weights, b.like(0, weights))
    return b.matmul(weights, value)


def _sees_something(mask: Tensor) -> bool:
    found = constant_value(mask)
    return found is not None and bool(np.all(np.any(found, axis=-1)))


def _repeated(r: Reader, x: Tensor, query: Tensor) -> Tensor:
    """Each head as often as it takes to have one for each of the query's."""
    assert x.shape is not None
    assert query.shape is not None
    heads = r.number(query.shape[-3], "the number of heads") // r.number(x.shape[-3], "the number of heads")
    if heads == 1:
        return x
    lead, rest = x.shape[:-2], x.shape[-2:]
    wide = r.broadcast(r.b.expand_dims(x, axis=len(lead)), (*lead, heads, *rest))
    return r.reshape(wide, (*query.shape[:-2], *rest))


def _causal(r: Reader, query: Tensor, key: Tensor) -> Tensor:
    """[queries, keys]: whether a query may see a key, those up to its own place."""
    assert query.shape is not None
    assert key.shape is not None
    rows, columns = query.shape[-2], key.shape[-2]
    b = r.b
    if isinstance(rows, int) and isinstance(columns, int):
        return b.constant(np.tri(rows, columns, dtype=np.bool_))

    def count(size: Any) -> Tensor:
        made: Tensor = b.range(r.symbols.scalar(0), r.symbols.scalar(size), r.symbols.scalar(1))
        return made

    made: Tensor = b.less_equal(count(columns), b.expand_dims(count(rows), axis=1))
    return made
