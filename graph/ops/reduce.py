"""Reductions over axes: sums, means, products, extremes, logic, and the places of extremes.

Sums and products of integers wrap around in the element type. The device accumulates floating-point numbers in
float64 and rounds once; the reference accumulates in the element type, float16 in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from samara.graph import dims, dtypes
from samara.graph.dims import Dim
from samara.graph.dtypes import DType
from samara.graph.ops._table import OPS, OpDef, attribute

_SIZES = (dtypes.int32, dtypes.int64)


def _axes(op: Any, rank: int) -> tuple[int, ...]:
    """The axes of an operation of the graph, counted from 0; no axes mean all."""
    return tuple(sorted(a % rank for a in op.a.axes)) if op.a.axes else tuple(range(rank))


def _reduced_shape(op: Any) -> Any:
    (x,) = op.shapes
    axes = op.axes(op.a.axes, len(x)) if op.a.axes else range(len(x))
    if op.a.keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(x))
    return tuple(d for i, d in enumerate(x) if i not in axes)


def _keywords(op: Any) -> dict[str, Any]:
    return {"axis": tuple(op.a.axes) or None, "keepdims": op.a.keepdims}


def _summed(name: str) -> Callable[..., Any]:
    """A reference by the array namespace's `sum` or `prod`, which accumulates float16 in float32."""

    def reference(xp: Any, op: Any, x: Any) -> Any:
        wide = xp.float32 if x.dtype == xp.float16 else x.dtype
        return xp.astype(xp.asarray(getattr(xp, name)(x, dtype=wide, **_keywords(op))), x.dtype)

    return reference


def _mean(xp: Any, op: Any, x: Any) -> Any:
    wide = xp.float32 if x.dtype == xp.float16 else x.dtype
    count = math.prod(x.shape[a] for a in _axes(op, x.ndim))
    return xp.astype(xp.asarray(xp.sum(x, dtype=wide, **_keywords(op)) / count), x.dtype)


def _extreme(name: str) -> Callable[..., Any]:
    """A reference by `max` or `min`; over no elements it is the least, or the greatest, value of the type."""

    def reference(xp: Any, op: Any, x: Any) -> Any:
        axes = _axes(op, x.ndim)
        if all(x.shape[a] for a in axes):
            return getattr(xp, name)(x, **_keywords(op))
        sign = -1 if name == "max" else 1
        if xp.isdtype(x.dtype, "integral"):
            limits = xp.iinfo(x.dtype)
            value = limits.min if name == "max" else limits.max
        else:
            value = sign * xp.inf
        kept = [1 if i in axes else n for i, n in enumerate(x.shape) if op.a.keepdims or i not in axes]
        return xp.full(tuple(kept), value, dtype=x.dtype)

    return reference


def _restored(b: Any, op: Any, tensor: Any) -> Any:
    """A tensor of the shape of the output, with the axes that the op has removed put back with size 1."""
    x = op.inputs[0]
    if op.a.keepdims or (x.shape is None and not op.a.axes):
        return tensor
    for axis in sorted(op.a.axes) if x.shape is None else _axes(op, len(x.shape)):
        tensor = b.expand_dims(tensor, axis=axis)
    return tensor


def _sum_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    return [b.broadcast_to(_restored(b, op, dy), b.sizes(op.inputs[0]))]


def _mean_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    x = op.inputs[0]
    if x.shape is None and not op.a.axes:
        count = b.cast(b.reduce_prod(b.shape(x)), dtype=x.dtype)
    else:
        count = b.size_of(x, op.a.axes if x.shape is None else _axes(op, len(x.shape)))
    return [b.broadcast_to(_restored(b, op, b.divide(dy, count)), b.sizes(x))]


def _over_same_axes(b: Any, op: Any, name: str, tensor: Any) -> Any:
    return getattr(b, name)(tensor, axes=op.a.axes, keepdims=True)


def _prod_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    """The product of the other elements, and right where elements are zero, also when differentiated once more.

    It is (product of the others that are not zero) * (product of the others that are zero). The first is
    `rest / filled`; the second depends on how many zeros there are: the last `where` names it.
    """
    x = op.inputs[0]
    zero, one = b.like(0, x), b.like(1, x)
    is_zero = b.equal(x, zero)
    zeros = _over_same_axes(b, op, "reduce_sum", b.where(is_zero, one, zero))
    filled = b.where(is_zero, one, x)
    rest = _over_same_axes(b, op, "reduce_prod", filled)
    only = _over_same_axes(b, op, "reduce_sum", b.where(is_zero, x, zero))
    of_one = b.where(is_zero, one, only)
    of_two = b.where(is_zero, b.subtract(only, x), zero)
    of_more = b.where(b.equal(zeros, b.like(2, x)), of_two, zero)
    of_some = b.where(b.equal(zeros, one), of_one, of_more)
    others = b.multiply(b.divide(rest, filled), b.where(b.equal(zeros, zero), one, of_some))
    return [b.multiply(_restored(b, op, dy), others)]


def _extreme_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    """Shared equally by the elements that are equal to the result."""
    x = op.inputs[0]
    chosen = b.where(b.equal(x, _restored(b, op, op.outputs[0])), b.like(1, x), b.like(0, x))
    share = b.divide(_restored(b, op, dy), _over_same_axes(b, op, "reduce_sum", chosen))
    return [b.multiply(chosen, share)]


_BLOCKS = 8
_LINE = 64
"""What threads share a reduction of rows by: as many blocks, the results of each in lines of a cache."""
_SHARED = 16 * 1024
"""Bytes of an input that is worth it."""


def _scratch(op: Any) -> int:
    """The results of blocks of rows, of float32 that is reduced over all axes but the last."""
    x = op.inputs[0].shape
    axes = _axes(op, len(x))
    kept = [i for i, d in enumerate(x) if i not in axes and d != 1]
    if op.inputs[0].dtype != dtypes.float32 or not all(isinstance(d, int) for d in x) or kept != [len(x) - 1]:
        return 0
    return _BLOCKS * -(-4 * x[-1] // _LINE) * _LINE if 4 * math.prod(x) >= _SHARED else 0


def _reduction(
    name: str,
    opcode: int,
    doc: str,
    reference: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    *,
    types: tuple[DType, ...] = dtypes.NUMBERS,
    quant: str = "float_only",
) -> OpDef:
    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": types},
        attributes=(
            attribute("axes", "ints", (), "The axes that go, from -rank to rank - 1; none means all."),
            attribute("keepdims", "bool", False, "Whether they stay, with size 1."),
        ),
        doc=doc,
        shape=_reduced_shape,
        reference=reference,
        gradient=gradient,
        quant=quant,
        scratch=_scratch,
    )


# Places of extremes --------------------------------------------------------------------------------------------


def _place_shape(op: Any) -> Any:
    (x,) = op.shapes
    axis = op.axis(op.a.axis, len(x))
    if op.a.output_type not in _SIZES:
        op.fail(f"output_type is {op.a.output_type.name}, expected int32 or int64")
    if x[axis] == 0:
        op.fail(f"axis {op.a.axis} has no elements, so none is the first or last")
    return (*x[:axis], *([1] if op.a.keepdims else []), *x[axis + 1 :])


def _place(name: str, opcode: int, doc: str) -> OpDef:
    def reference(xp: Any, op: Any, x: Any) -> Any:
        found = getattr(xp, name)(x, axis=op.a.axis, keepdims=op.a.keepdims)
        return xp.astype(xp.asarray(found), op.output_dtypes[0])

    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: T",),
        outputs=("y: @output_type",),
        types={"T": dtypes.NUMBERS},
        attributes=(
            attribute("axis", "int", doc="The axis along which to look, from -rank to rank - 1."),
            attribute("keepdims", "bool", False, "Whether it stays, with size 1."),
            attribute("output_type", "dtype", dtypes.int64, "int32 or int64."),
        ),
        doc=doc,
        shape=_place_shape,
        reference=reference,
    )


# The reverse of broadcasting -----------------------------------------------------------------------------------


def _sum_to_shape(op: Any) -> Any:
    x, sizes = op.shapes
    target = op.value(1)
    if target is None:
        if sizes is None:
            return None
        if len(sizes) != 1:
            op.fail(f"shape must have rank 1, not {len(sizes)}")
        return tuple(Dim() for _ in range(sizes[0])) if isinstance(sizes[0], int) else None
    if x is not None:
        lead = len(x) - len(target)
        if lead < 0:
            op.fail(f"rank {len(x)} cannot be summed to rank {len(target)}")
        for axis, size in enumerate(target):
            if size != 1 and dims.equal(size, x[lead + axis]) is False and dims.equal(size, 1) is False:
                op.fail(f"axis {axis} of {dims.text(target)} must be 1, or {x[lead + axis]} as in x")
    return target


def _sum_to(xp: Any, op: Any, x: Any, shape: Any) -> Any:
    target = tuple(int(n) for n in shape)
    lead = x.ndim - len(target)
    summed = [a for a in range(x.ndim) if a < lead or (target[a - lead] == 1 and x.shape[a] != 1)]
    if lead < 0 or any(n not in (1, m) for n, m in zip(target, x.shape[lead:], strict=True)):
        raise ValueError(f"shape {list(x.shape)} does not come from {list(target)} by broadcasting")
    wide = xp.float32 if x.dtype == xp.float16 else x.dtype
    total = xp.astype(xp.asarray(xp.sum(x, axis=tuple(summed), dtype=wide)), x.dtype) if summed else x
    return xp.reshape(total, target)


OPS.register(
    _reduction("reduce_sum", 70, "The sum over axes; over no elements 0.", _summed("sum"), _sum_gradient),
    _reduction(
        "reduce_mean",
        71,
        "The mean over axes; over no elements NaN.",
        _mean,
        _mean_gradient,
        types=dtypes.FLOATS,
        quant="mean",
    ),
    _reduction(
        "reduce_prod", 72, "The product over axes; over no elements 1.", _summed("prod"), _prod_gradient
    ),
    _reduction(
        "reduce_max",
        73,
        "The largest element over axes; NaN where one is NaN; over no elements the least value of the type. Elements "
        "that share the maximum share the gradient equally.",
        _extreme("max"),
        _extreme_gradient,
        quant="same",
    ),
    _reduction(
        "reduce_min",
        74,
        "The smallest element over axes; NaN where one is NaN; over no elements the greatest value of the type. "
        "Elements that share the minimum share the gradient equally.",
        _extreme("min"),
        _extreme_gradient,
        quant="same",
    ),
    _reduction(
        "reduce_any",
        75,
        "Whether any element over axes is true; over no elements false.",
        lambda xp, op, x: xp.any(x, **_keywords(op)),
        None,
        types=(dtypes.bool_,),
    ),
    _reduction(
        "reduce_all",
        76,
        "Whether all elements over axes are true; over no elements true.",
        lambda xp, op, x: xp.all(x, **_keywords(op)),
        None,
        types=(dtypes.bool_,),
    ),
    _place(
        "argmax",
        77,
        "Where along an axis the largest element is: the first of equal ones, the first NaN if any.",
    ),
    _place(
        "argmin",
        78,
        "Where along an axis the smallest element is: the first of equal ones, the first NaN if any.",
    ),
    OpDef(
        name="sum_to",
        opcode=80,
        inputs=("x: T", "shape: S shape_only"),
        outputs=("y: T",),
        types={"T": dtypes.NUMBERS, "S": _SIZES},
        doc="The sum over the axes along which a tensor of shape `shape` would be broadcast to the shape of x, so "
        "that the output has shape `shape`: the gradient of broadcasting.",
        shape=_sum_to_shape,
        reference=_sum_to,
        gradient=lambda b, op, dy: [b.broadcast_to(dy, b.sizes(op.inputs[0])), None],
        any_rank=True,
    ),
)
