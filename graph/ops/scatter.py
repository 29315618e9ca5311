"""Ops that read and write elements at places that index tensors name: gather_elements, gather_nd and their reverse.

Indices are from -size to size - 1 of the axis they count along; below 0 they count from its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

REDUCTION = Choice(name="ScatterReduction", values=("none", "add", "multiply", "maximum", "minimum"))

_INDICES = (dtypes.int32, dtypes.int64)
_REDUCTION = attribute("reduction", REDUCTION, "none", "How an update and what is there become one.")


def counted_indices(xp: Any, indices: Any, size: int) -> Any:
    """Indices of an axis, counted from its begin, as int64; refuses those outside it."""
    indices = xp.astype(indices, xp.int64)
    wrong = (indices < -size) | (indices >= size)
    if xp.any(wrong):
        flat = xp.reshape(indices, (-1,))
        first = int(flat[xp.reshape(wrong, (-1,))][0])
        raise ValueError(f"index {first} is outside {-size}..{size - 1}")
    return xp.where(indices < 0, indices + size, indices)


def _check_reduction(op: Any) -> None:
    if op.a.reduction != "none" and op.dtypes[0] is dtypes.bool_:
        op.fail(f"reduction {op.a.reduction} of bool: it has none only")


# Along an axis -------------------------------------------------------------------------------------------------


def _check_lines(op: Any, x: Any, indices: Any, axis: int) -> None:
    if len(indices) != len(x):
        op.fail(f"indices have rank {len(indices)}, x has rank {len(x)}")
    for i, (size, bound) in enumerate(zip(indices, x, strict=True)):
        if i != axis and dims.bounds(size)[0] > dims.bounds(bound)[1]:
            op.fail(f"axis {i} of indices has size {size}, more than the {bound} of x")


def _gather_elements_shape(op: Any) -> Any:
    x, indices = op.shapes
    _check_lines(op, x, indices, op.axis(op.a.axis, len(x)))
    return indices


def _flat_places(xp: Any, shape: Sequence[int], indices: Any, axis: int) -> Any:
    """For each element of indices the number of the element of x that it names."""
    for i, (size, bound) in enumerate(zip(indices.shape, shape, strict=True)):
        if i != axis and size > bound:
            raise ValueError(f"axis {i} of indices has size {size}, more than the {bound} of x")
    places = counted_indices(xp, indices, shape[axis]) * math.prod(shape[axis + 1 :])
    for i, size in enumerate(indices.shape):
        if i != axis:
            along = xp.arange(size, dtype=xp.int64) * math.prod(shape[i + 1 :])
            places = places + xp.reshape(along, [size if k == i else 1 for k in range(indices.ndim)])
    return xp.reshape(places, (-1,))


def _gather_elements(xp: Any, op: Any, x: Any, indices: Any) -> Any:
    places = _flat_places(xp, x.shape, indices, op.a.axis % x.ndim)
    return xp.reshape(xp.take(xp.reshape(x, (-1,)), places, axis=0), indices.shape)


def _gather_elements_gradient(b: Any, op: Any, dy: Any) -> Any:
    x, indices = op.inputs
    return [b.scatter_elements(b.zeros_like(x), indices, dy, axis=op.a.axis, reduction="add"), None]


def _scatter_elements_shape(op: Any) -> Any:
    x, indices, updates = op.shapes
    _check_reduction(op)
    _check_lines(op, x, indices, op.axis(op.a.axis, len(x)))
    if len(updates) != len(indices):
        op.fail(f"updates have rank {len(updates)}, indices have rank {len(indices)}")
    for i, (a, c) in enumerate(zip(updates, indices, strict=True)):
        op.merge(a, c, f"axis {i} of updates and of indices")
    return x


def _joined(xp: Any, reduction: str, old: Any, new: Any) -> Any:
    if reduction == "add":
        return old + new
    if reduction == "multiply":
        return old * new
    if reduction == "maximum":
        return xp.maximum(old, new)
    return xp.minimum(old, new) if reduction == "minimum" else new


def scattered(xp: Any, reduction: str, rows: Any, places: Any, updates: Any) -> Any:
    """A copy of rows with the updates put in, one after the other."""
    y = xp.asarray(rows, copy=True)
    for i in range(places.shape[0]):
        place = int(places[i])
        y[place, ...] = _joined(xp, reduction, y[place, ...], updates[i, ...])
    return y


def scatter_elements(
    xp: Any, op: Any, x: Any, indices: Any, updates: Any, put: Callable[..., Any] = scattered
) -> Any:
    """The reference of the op; `put` does what `scattered` does."""
    if updates.shape != indices.shape:
        raise ValueError(f"updates have shape {list(updates.shape)}, indices {list(indices.shape)}")
    places = _flat_places(xp, x.shape, indices, op.a.axis % x.ndim)
    y = put(xp, op.a.reduction, xp.reshape(x, (-1,)), places, xp.reshape(updates, (-1,)))
    return xp.reshape(y, x.shape)


def _scatter_gradient(b: Any, op: Any, dy: Any, gather: str, **attributes: Any) -> Any:
    """Of reduction add, and of none where no place is written twice."""
    _, indices, updates = op.inputs
    if op.a.reduction not in ("none", "add"):
        return [None, None, None]
    taken = getattr(b, gather)(dy, indices, **attributes)
    if op.a.reduction == "add":
        return [dy, None, taken]
    return [getattr(b, op.type)(dy, indices, b.zeros_like(updates), **attributes), None, taken]


# By tuples of indices ------------------------------------------------------------------------------------------


def _depth(op: Any, x: Any, indices: Any, batch: int) -> int | None:
    """How many axes of x a tuple of indices names, if that is known."""
    if not indices:
        op.fail("indices must have rank 1 or more")
    depth = indices[-1]
    if not isinstance(depth, int):
        return None
    if depth < 1 or batch + depth > len(x):
        op.fail(f"the last axis of indices has size {depth}, which must be from 1 to {len(x) - batch}")
    return depth


def _gather_nd_shape(op: Any) -> Any:
    x, indices = op.shapes
    batch = op.a.batch_dims
    if not 0 <= batch < min(len(x), len(indices)):
        op.fail(f"batch_dims {batch} is outside 0..{min(len(x), len(indices)) - 1}")
    depth = _depth(op, x, indices, batch)
    if depth is None:
        return None
    shared = tuple(op.merge(x[i], indices[i], f"batch axis {i}") for i in range(batch))
    return (*shared, *indices[batch:-1], *x[batch + depth :])


def _rows_named(xp: Any, sizes: Sequence[int], tuples: Any) -> Any:
    """The number of the row of [prod(sizes), ...] that each tuple of indices, a row of `tuples`, names."""
    rows = xp.zeros(tuples.shape[0], dtype=xp.int64)
    for i, size in enumerate(sizes):
        rows = rows * size + counted_indices(xp, tuples[:, i], size)
    return rows


def _gather_nd(xp: Any, op: Any, x: Any, indices: Any) -> Any:
    batch, depth = op.a.batch_dims, indices.shape[-1]
    groups, sizes, tail = math.prod(x.shape[:batch]), x.shape[batch : batch + depth], x.shape[batch + depth :]
    picked = math.prod(indices.shape[batch:-1])
    rows = xp.reshape(_rows_named(xp, sizes, xp.reshape(indices, (groups * picked, depth))), (groups, picked))
    first = xp.reshape(xp.arange(groups, dtype=xp.int64) * math.prod(sizes), (groups, 1))
    table = xp.reshape(x, (groups * math.prod(sizes), math.prod(tail)))
    taken = xp.take(table, xp.reshape(rows + first, (-1,)), axis=0)
    return xp.reshape(taken, (*indices.shape[:-1], *tail))


def _gather_nd_gradient(b: Any, op: Any, dy: Any) -> Any:
    x, indices = op.inputs
    if op.a.batch_dims:
        return [None, None]
    return [b.scatter_nd(b.zeros_like(x), indices, dy, reduction="add"), None]


def _scatter_nd_shape(op: Any) -> Any:
    x, indices, updates = op.shapes
    _check_reduction(op)
    depth = _depth(op, x, indices, 0)
    if depth is None:
        return x
    expected = (*indices[:-1], *x[depth:])
    if len(updates) != len(expected):
        op.fail(f"updates have rank {len(updates)}, expected {len(expected)}: shape {dims.text(expected)}")
    for i, (a, c) in enumerate(zip(updates, expected, strict=True)):
        op.merge(a, c, f"axis {i} of updates")
    return x


def scatter_nd(
    xp: Any, op: Any, x: Any, indices: Any, updates: Any, put: Callable[..., Any] = scattered
) -> Any:
    """The reference of the op; `put` does what `scattered` does."""
    depth = indices.shape[-1]
    sizes, inner = x.shape[:depth], math.prod(x.shape[depth:])
    if updates.shape != (*indices.shape[:-1], *x.shape[depth:]):
        raise ValueError(f"updates of shape {list(updates.shape)} for indices {list(indices.shape)}")
    count = math.prod(indices.shape[:-1])
    rows = _rows_named(xp, sizes, xp.reshape(indices, (count, depth)))
    table = xp.reshape(x, (math.prod(sizes), inner))
    y = put(xp, op.a.reduction, table, rows, xp.reshape(updates, (count, inner)))
    return xp.reshape(y, x.shape)


_SCATTERED = (
    "Updates are put in one after the other in their order, so that the last one stays where reduction is none; "
    "sums and products are rounded to the element type each time."
)

OPS.register(
    OpDef(
        name="gather_elements",
        opcode=46,
        inputs=("x: T", "indices: I"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "I": _INDICES},
        attributes=(attribute("axis", "int", 0, "The axis that indices count along."),),
        doc="Elements of x, each with its own index along an axis: y[i, ...] = x[i with indices[i, ...] in the place "
        "of axis]. The other axes of indices are at most as long as those of x. An index below 0 counts from the end.",
        shape=_gather_elements_shape,
        reference=_gather_elements,
        gradient=_gather_elements_gradient,
        quant="same",
    ),
    OpDef(
        name="scatter_elements",
        opcode=47,
        inputs=("x: T", "indices: I", "updates: T"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "I": _INDICES},
        attributes=(attribute("axis", "int", 0, "The axis that indices count along."), _REDUCTION),
        doc="x with updates put where gather_elements with the same indices takes from. " + _SCATTERED,
        shape=_scatter_elements_shape,
        reference=scatter_elements,
        gradient=lambda b, op, dy: _scatter_gradient(b, op, dy, "gather_elements", axis=op.a.axis),
    ),
    OpDef(
        name="gather_nd",
        opcode=48,
        inputs=("x: T", "indices: I"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "I": _INDICES},
        attributes=(attribute("batch_dims", "int", 0, "How many leading axes x and indices share."),),
        doc="Slices of x by tuples of indices, the last axis of `indices`: y[b, k, i] = x[b, *indices[b, k], i], where "
        "b, k and i stand for any number of axes. An index below 0 counts from the end.",
        shape=_gather_nd_shape,
        reference=_gather_nd,
        gradient=_gather_nd_gradient,
        quant="same",
        texts=True,
    ),
    OpDef(
        name="scatter_nd",
        opcode=49,
        inputs=("x: T", "indices: I", "updates: T"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "I": _INDICES},
        attributes=(_REDUCTION,),
        doc="x with the slices of updates put where gather_nd with the same indices takes from. "
        + _SCATTERED,
        shape=_scatter_nd_shape,
        reference=scatter_nd,
        gradient=lambda b, op, dy: _scatter_gradient(b, op, dy, "gather_nd"),
        texts=True,
    ),
)
