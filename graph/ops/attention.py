"""Scaled dot product attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph import dims, dtypes
from samara.graph.dims import Dimension
from samara.graph.ops._table import OPS, Choice, OpDef, attribute
from samara.graph.ops.indexing import size_along

CAUSAL = Choice(name="Causal", values=("none", "start", "end"))

# Queries that share a work item of the kernels, and those of them that are computed abreast.
_ITEM = 128
_LANES = 16
_FLOAT32_BYTES = 4


def _fits(size: Dimension, whole: Dimension, *, grouped: bool) -> bool:
    """Whether an axis of `size` can be that of an operand where the query has `whole`."""
    if size == 1 or dims.merge(size, whole) is not None:
        return True
    return grouped and isinstance(size, int) and isinstance(whole, int) and size > 0 and whole % size == 0


def _shape(op: Any) -> Any:
    query, key, value, mask = op.shapes
    rank = len(query)
    if rank < 2:
        op.fail(f"query must have rank 2 or more, not {rank}")
    for name, shape in (("key", key), ("value", value)):
        if len(shape) != rank:
            op.fail(f"{name} must have the rank of query, {rank}, not {len(shape)}")
        for axis, (size, whole) in enumerate(zip(shape[:-2], query[:-2], strict=True)):
            if not _fits(size, whole, grouped=axis == rank - 3):
                op.fail(f"axis {axis} of {name} is {size}, which does not fit {whole} of query")
    op.merge(query[-1], key[-1], "the sizes of query and key")
    keys = op.merge(key[-2], value[-2], "the lengths of key and value")
    if not 0 <= op.a.softcap < float("inf"):
        op.fail(f"softcap is {op.a.softcap}, expected a finite number of at least 0")
    if mask is not None:
        if op.dtypes[3] not in (dtypes.bool_, op.dtypes[0]):
            op.fail("mask must be bool, or of the type of query")
        scores = (*query[:-1], keys)
        if len(mask) > rank or not all(
            _fits(size, whole, grouped=False) for size, whole in zip(mask[::-1], scores[::-1], strict=False)
        ):
            op.fail(f"mask does not broadcast to {dims.text(scores)}")
    return (*query[:-1], value[-1])


def _scratch(op: Any) -> Dimension:
    """The queries and the sums of those that each work item computes abreast, in float32."""
    *lead, queries, size = op.inputs[0].shape
    items = dims.product((*lead, dims.ceil_divide(queries, _ITEM)))
    return dims.product((items, size + op.inputs[2].shape[-1], _LANES * _FLOAT32_BYTES))


def _spread(xp: Any, x: Any, query: Any) -> Any:
    """An operand with as many heads as the query."""
    if x.ndim < 3 or x.shape[-3] in (1, query.shape[-3]):
        return x
    *lead, heads, rows, columns = x.shape
    times = query.shape[-3] // heads
    wide = xp.broadcast_to(xp.expand_dims(x, axis=-3), (*lead, heads, times, rows, columns))
    return xp.reshape(wide, (*lead, heads * times, rows, columns))


def _reference(xp: Any, op: Any, query: Any, key: Any, value: Any, mask: Any) -> Any:
    dtype = query.dtype
    if dtype == xp.float16:
        query, key, value = (xp.astype(t, xp.float32) for t in (query, key, value))
    key, value = _spread(xp, key, query), _spread(xp, value, query)
    scores = op.a.scale * xp.matmul(query, xp.matrix_transpose(key))
    queries, keys = scores.shape[-2:]
    if op.a.softcap:
        scores = op.a.softcap * xp.tanh(scores / op.a.softcap)
    never = xp.full_like(scores, float("-inf"))
    if mask is not None:
        scores = (
            xp.where(mask, scores, never) if mask.dtype == xp.bool else scores + xp.astype(mask, scores.dtype)
        )
    if op.a.causal != "none":
        before = keys - queries if op.a.causal == "end" else 0
        seen = xp.arange(keys) <= xp.expand_dims(xp.arange(queries), axis=1) + before
        scores = xp.where(seen, scores, never)
    if not keys:
        return xp.zeros((*scores.shape[:-1], value.shape[-1]), dtype=dtype)
    top = xp.max(scores, axis=-1, keepdims=True)
    power = xp.exp(scores - xp.where(top == float("-inf"), xp.zeros_like(top), top))
    total = xp.sum(power, axis=-1, keepdims=True)
    blind = total == 0
    y = xp.matmul(power, value) / xp.where(blind, xp.ones_like(total), total)
    return xp.astype(xp.where(blind, xp.full_like(y, float("nan" if op.a.blind_nan else 0)), y), dtype)


# The gradient ---------------------------------------------------------------------------------------------------


def _resized(b: Any, x: Any, sizes: Any) -> Any:
    """A tensor in a shape of numbers and scalars."""
    return b.reshape(
        x, b.stack([b.constant(np.int32(s)) if isinstance(s, int) else s for s in sizes], axis=0)
    )


def _apart(b: Any, x: Any, groups: int) -> Any:
    """Heads in groups that share one of the keys': [.., heads / groups, groups, rows, columns]."""
    if groups == 1 or len(x.shape) < 3:
        return x
    if x.shape[-3] == 1:
        return b.expand_dims(x, axis=-3)
    axes = range(len(x.shape) - 3)
    heads = x.shape[-3]
    inner = (size_along(b, x, len(x.shape) + axis) for axis in (-2, -1))
    return _resized(b, x, [*(size_along(b, x, a) for a in axes), heads // groups, groups, *inner])


def _seen(b: Any, op: Any, scores: Any) -> Any:
    rank = len(scores.shape)
    queries, keys = (size_along(b, scores, rank + axis) for axis in (-2, -1))

    def places(size: Any) -> Any:
        return b.range(np.int32(0), np.int32(size) if isinstance(size, int) else size, np.int32(1))

    last = b.expand_dims(places(queries), axis=1)
    if op.a.causal == "end":
        last = b.add(
            last, b.subtract(*(b.constant(np.int32(s)) if isinstance(s, int) else s for s in (keys, queries)))
        )
    return b.less_equal(places(keys), last)


def _gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    query, key, value, mask = op.inputs
    groups = 1
    if len(query.shape) > 2 and query.shape[-3] != key.shape[-3] and key.shape[-3] != 1:
        groups = query.shape[-3] // key.shape[-3]
    q, dy = _apart(b, query, groups), _apart(b, dy, groups)
    k, v = (b.expand_dims(t, axis=-3) for t in (key, value)) if groups > 1 else (key, value)
    scores = b.multiply(b.matmul(q, k, transpose_y=True), b.like(op.a.scale, q))
    slope = None
    if op.a.softcap:
        cap = b.like(op.a.softcap, scores)
        bent = b.tanh(b.divide(scores, cap))
        scores, slope = b.multiply(bent, cap), b.subtract(b.like(1, bent), b.square(bent))
    never, zero = b.like(-np.inf, scores), b.like(0, scores)
    if mask is not None:
        bias = _apart(b, mask, groups)
        scores = b.where(bias, scores, never) if mask.dtype is dtypes.bool_ else b.add(scores, bias)
    if op.a.causal != "none":
        scores = b.where(_seen(b, op, scores), scores, never)
    weights = b.softmax(scores, axis=-1)
    if not op.a.blind_nan:
        blind = b.equal(b.reduce_max(scores, axes=(-1,), keepdims=True), never)
        weights = b.where(blind, zero, weights)
    dweights = b.matmul(dy, v, transpose_y=True)
    along = b.reduce_sum(b.multiply(weights, dweights), axes=(-1,), keepdims=True)
    dbias = dscores = b.multiply(weights, b.subtract(dweights, along))
    if slope is not None:
        dscores = b.multiply(dscores, slope)
    dscores = b.multiply(dscores, b.like(op.a.scale, dscores))
    found = [
        (query, b.matmul(dscores, k)),
        (key, b.unbroadcast(b.matmul(dscores, q, transpose_x=True), k)),
        (value, b.unbroadcast(b.matmul(weights, dy, transpose_x=True), v)),
    ]
    made = [d if groups == 1 else b.reshape(d, b.sizes(t)) for t, d in found]
    if mask is None or mask.dtype is dtypes.bool_:
        return [*made, None]
    dmask = b.unbroadcast(dbias, bias)
    return [*made, dmask if groups == 1 else b.reshape(dmask, b.sizes(mask))]


OPS.register(
    OpDef(
        name="attention",
        opcode=203,
        inputs=("query: T", "key: T", "value: T", "mask: M?"),
        outputs=("y: T",),
        types={"T": dtypes.FLOATS, "M": (dtypes.bool_, *dtypes.FLOATS)},
        attributes=(
            attribute("scale", "float", doc="What the products are multiplied by, most often 1 / sqrt(D)."),
            attribute(
                "causal",
                CAUSAL,
                "none",
                "Whether a query sees no key after its own place: the first query and the first key are at one place "
                "(start), or the last ones are (end), as with a cache of keys.",
            ),
            attribute(
                "softcap", "float", 0.0, "What products c become, softcap * tanh(c / softcap); 0 for c."
            ),
            attribute(
                "blind_nan",
                "bool",
                False,
                "Whether a query that sees no key gives NaN, as a softmax of nothing but -inf does, and not 0.",
            ),
        ),
        doc="softmax(scale * query @ key^T + mask) @ value, of query [.., H, M, D], key [.., G, N, D] and value "
        "[.., G, N, E]: [.., H, M, E]. H is a multiple of G, and as many heads of query as that says share one of key, "
        "one after the other; other leading dimensions broadcast to those of query. mask broadcasts to [.., H, M, N]: "
        "it is added, or, bool, tells which keys a query sees; a key with -inf is not seen. Without keys y is 0. The "
        "weights are never in memory as a whole: Milakov and Gimelshein (2018), Online normalizer calculation for "
        "softmax. float16 is computed in float32.",
        shape=_shape,
        reference=_reference,
        gradient=_gradient,
        scratch=_scratch,
    ),
)
