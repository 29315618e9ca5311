"""Ops that go along an axis in order: running sums and products, and the largest or smallest elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute
from samara.graph.ops.indexing import size_along

_SIZES = (dtypes.int32, dtypes.int64)


# Running sums and products -------------------------------------------------------------------------------------


def _running_shape(op: Any) -> Any:
    (x,) = op.shapes
    op.axis(op.a.axis, len(x))
    return x


def _running(xp: Any, op: Any, x: Any, start: int, join: Callable[[Any, Any], Any]) -> Any:
    wide = xp.astype(x, xp.float32) if x.dtype == xp.float16 else x
    axis = op.a.axis % x.ndim
    y = xp.empty(x.shape, dtype=wide.dtype)
    before = (slice(None),) * axis
    total = xp.full((*x.shape[:axis], *x.shape[axis + 1 :]), start, dtype=wide.dtype)
    places = range(x.shape[axis])
    for i in reversed(places) if op.a.reverse else places:
        key = (*before, i)
        joined = xp.astype(join(total, wide[key]), wide.dtype)
        y[key] = total if op.a.exclusive else joined
        total = joined
    return xp.astype(y, x.dtype)


def _cumulative_sum_gradient(b: Any, op: Any, dy: Any) -> Any:
    return [b.cumulative_sum(dy, axis=op.a.axis, exclusive=op.a.exclusive, reverse=not op.a.reverse)]


def _cumulative_prod_gradient(b: Any, op: Any, dy: Any) -> Any:
    """For each pair of elements the product without one of them, which zeros in x leave exact: [..., left out, i]."""
    (x,) = op.inputs
    rank = len(x.shape)
    axis = op.a.axis % rank
    last = (*(i for i in range(rank) if i != axis), axis)
    back = tuple(last.index(i) for i in range(rank))
    rows, grads = (b.transpose(t, permutation=last) for t in (x, dy))
    size = size_along(b, x, axis)
    numbers = b.range(0, size, 1)
    same = b.equal(b.expand_dims(numbers, axis=1), b.expand_dims(numbers, axis=0))
    without = b.where(same, b.like(1, x), b.expand_dims(rows, axis=-2))
    products = b.cumulative_prod(without, axis=-1, exclusive=op.a.exclusive, reverse=op.a.reverse)
    left, right = b.expand_dims(numbers, axis=1), b.expand_dims(numbers, axis=0)
    if op.a.reverse:
        left, right = right, left
    reached = (b.less if op.a.exclusive else b.less_equal)(left, right)
    parts = b.where(reached, b.multiply(products, b.expand_dims(grads, axis=-2)), b.like(0, x))
    return [b.transpose(b.reduce_sum(parts, axes=(-1,)), permutation=back)]


def _cumulative(name: str, opcode: int, doc: str, reference: Any, gradient: Any) -> OpDef:
    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.NUMBERS},
        attributes=(
            attribute("axis", "int", doc="The axis to go along."),
            attribute("exclusive", "bool", False, "Whether the element itself is left out."),
            attribute("reverse", "bool", False, "Whether to go from the end to the begin."),
        ),
        doc=doc,
        shape=_running_shape,
        reference=reference,
        gradient=gradient,
    )


# Largest and smallest ------------------------------------------------------------------------------------------


def _top_k_shape(op: Any) -> Any:
    x, count = op.shapes
    if op.a.output_type not in _SIZES:
        op.fail(f"output_type is {op.a.output_type.name}, expected int32 or int64")
    if count not in (None, ()):
        op.fail(f"k must be a scalar, not of shape {dims.text(count)}")
    known = op.value(1)
    k = dims.Dim() if known is None else known[0]
    if x is None:
        return [None, None]
    axis = op.axis(op.a.axis, len(x))
    low, high = dims.bounds(k)
    if high < 0 or low > dims.bounds(x[axis])[1]:
        op.fail(f"k is {k}, axis {op.a.axis} has size {x[axis]}")
    return [(*x[:axis], k, *x[axis + 1 :])] * 2


def _top_k(xp: Any, op: Any, x: Any, k: Any) -> Any:
    axis, k = op.a.axis % x.ndim, int(k)
    count = x.shape[axis]
    if not 0 <= k <= count:
        raise ValueError(f"k is {k}, axis {axis} has size {count}")
    # Sorting puts NaN last; for the largest first, the elements are sorted and read backwards.
    if op.a.largest:
        order = count - 1 - xp.flip(xp.argsort(xp.flip(x, axis=axis), axis=axis, stable=True), axis=axis)
    else:
        order = xp.argsort(x, axis=axis, stable=True)
    first = (*[slice(None)] * axis, slice(0, k))
    order = order[first]
    return xp.take_along_axis(x, order, axis=axis), xp.astype(order, op.output_dtypes[1])


def _top_k_gradient(b: Any, op: Any, dvalues: Any, dindices: Any) -> Any:
    if dvalues is None:
        return [None, None]
    x = op.inputs[0]
    zeros = b.zeros_like(x)
    return [b.scatter_elements(zeros, op.outputs[1], dvalues, axis=op.a.axis, reduction="add"), None]


OPS.register(
    _cumulative(
        "cumulative_sum",
        50,
        "Running sums along an axis: y[i] = x[0] + ... + x[i]. Integers wrap around; the device adds floating-point "
        "numbers in float64 and rounds each once.",
        lambda xp, op, x: _running(xp, op, x, 0, lambda total, element: total + element),
        _cumulative_sum_gradient,
    ),
    _cumulative(
        "cumulative_prod",
        51,
        "Running products along an axis: y[i] = x[0] * ... * x[i]. Integers wrap around; the device multiplies "
        "floating-point numbers in float64 and rounds each once.",
        lambda xp, op, x: _running(xp, op, x, 1, lambda total, element: total * element),
        _cumulative_prod_gradient,
    ),
    OpDef(
        name="top_k",
        opcode=52,
        inputs=("x: T", "k: S shape_only"),
        outputs=("values: T", "indices: @output_type"),
        types={"T": dtypes.NUMBERS, "S": _SIZES},
        attributes=(
            attribute("axis", "int", -1, "The axis along which to look, from -rank to rank - 1."),
            attribute("largest", "bool", True, "Whether the largest come first, or the smallest."),
            attribute("output_type", "dtype", dtypes.int64, "int32 or int64, of the indices."),
        ),
        doc="The k largest or smallest elements along an axis, in order, and where they are. Of equal elements that "
        "with the lower index comes first; NaN counts as larger than any number.",
        shape=_top_k_shape,
        reference=_top_k,
        gradient=_top_k_gradient,
        any_rank=True,
    ),
)
