"""Ops that move elements without computing on them, and casts, shapes and ranges."""

from __future__ import annotations

import math
from typing import Any

from samara.graph import dims, dtypes
from samara.graph.dims import Dim, Dimension
from samara.graph.ops._table import OPS, Choice, OpDef, attribute
from samara.graph.ops.indexing import axis_slice, cast_array, known_shape, scalar, size_along

PAD_MODE = Choice(name="PadMode", values=("constant", "reflect", "symmetric", "edge", "wrap"))
_SHAPE = (dtypes.int32, dtypes.int64)


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)


# Views ---------------------------------------------------------------------------------------------------------


def _reshape_shape(op: Any) -> Any:
    x = op.shapes[0]
    values = op.value(1)
    if values is None or -1 not in values:
        shape = known_shape(op, 1)
        if values is not None and shape is not None and x is not None:
            _same_count(op, x, shape)
        return shape
    rest = [d for d in values if d != -1]
    if len(values) - len(rest) != 1 or op.shapes[1] == ():
        op.fail(f"shape {dims.text(values)} must have rank 1 and at most one -1")
    if any(isinstance(d, int) and d < 0 for d in rest):
        op.fail(f"shape {dims.text(values)} has a negative size")
    return tuple(_inferred(op, x, values, dims.product(rest)) if d == -1 else d for d in values)


def _inferred(op: Any, x: Any, values: Any, known: Dimension) -> Dimension:
    """The size that -1 stands for."""
    if x is None:
        return Dim()
    total = dims.product(x)
    if known == 0:
        op.fail(f"-1 in shape {dims.text(values)} could be any size, since the others hold no elements")
    if isinstance(total, int) and isinstance(known, int) and total % known:
        op.fail(f"{total} elements do not fit shape {dims.text(values)}: {total} is no multiple of {known}")
    return total // known


def _same_count(op: Any, x: Any, shape: Any) -> None:
    found, expected = dims.product(x), dims.product(shape)
    if dims.equal(found, expected) is False:
        op.fail(f"{found} elements do not fit shape {dims.text(shape)}, which holds {expected}")


def _expand_dims_shape(op: Any) -> Any:
    (x,) = op.shapes
    axis = op.axis(op.a.axis, len(x) + 1)
    return (*x[:axis], 1, *x[axis:])


def _squeeze_shape(op: Any) -> Any:
    (x,) = op.shapes
    if op.a.axes:
        axes = op.axes(op.a.axes, len(x))
        for axis in axes:
            op.merge(x[axis], 1, f"axis {axis} and the size of a squeezed axis")
    else:
        if any(dims.equal(d, 1) is None for d in x):
            return None
        axes = [i for i, d in enumerate(x) if d == 1]
    return tuple(d for i, d in enumerate(x) if i not in axes)


def _squeeze(xp: Any, op: Any, x: Any) -> Any:
    axes = op.a.axes or [i for i, n in enumerate(x.shape) if n == 1]
    return xp.squeeze(x, axis=tuple(axes)) if axes else x


# Joining and splitting -----------------------------------------------------------------------------------------


def _concat_shape(op: Any) -> Any:
    first = op.shapes[0]
    axis = op.axis(op.a.axis, len(first))
    joined = list(first)
    for number, shape in enumerate(op.shapes[1:], 1):
        if len(shape) != len(first):
            op.fail(f"values[{number}] has rank {len(shape)}, values[0] has rank {len(first)}")
        for i, size in enumerate(shape):
            joined[i] = (
                joined[i] + size if i == axis else op.merge(joined[i], size, f"axis {i} of values[{number}]")
            )
    return tuple(joined)


def _concat_gradient(b: Any, op: Any, dy: Any) -> Any:
    axis = op.a.axis
    sizes = [size_along(b, x, axis if x.shape is None else axis % len(x.shape)) for x in op.inputs]
    if len(sizes) == 1:
        return [dy]
    if all(isinstance(n, int) for n in sizes):
        return b.split(dy, axis=axis, sizes=sizes)
    grads, start = [], b.constant(0)
    for size in sizes:
        end = b.add(start, size)
        grads.append(b.gather(dy, b.range(start, end, 1), axis=axis))
        start = end
    return grads


def _split_shape(op: Any) -> Any:
    (x,) = op.shapes
    sizes = list(op.a.sizes)
    unknown = [i for i, n in enumerate(sizes) if not isinstance(n, int)]
    if not sizes or len(unknown) > 1:
        op.fail(f"sizes {dims.text(tuple(sizes))} must be one or more numbers, of which at most one is None")
    if x is None:
        return [None] * len(sizes)
    axis = op.axis(op.a.axis, len(x))
    given = sum(n for n in sizes if isinstance(n, int))
    if unknown:
        sizes[unknown[0]] = rest = x[axis] - given
        if dims.bounds(rest)[1] < 0:
            op.fail(f"axis {axis} has size {x[axis]}, less than the {given} of the parts")
    else:
        op.merge(x[axis], given, f"the size of axis {axis} and of all parts")
    return [(*x[:axis], n, *x[axis + 1 :]) for n in sizes]


def _split(xp: Any, op: Any, x: Any) -> Any:
    axis = op.a.axis % x.ndim
    given = sum(n for n in op.a.sizes if isinstance(n, int))
    sizes = [n if isinstance(n, int) else x.shape[axis] - given for n in op.a.sizes]
    if sum(sizes) != x.shape[axis] or min(sizes) < 0:
        raise ValueError(f"axis {axis} of size {x.shape[axis]} cannot be split into {sizes}")
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    before = [slice(None)] * axis
    keys = [(*before, slice(end - n, end)) for n, end in zip(sizes, ends, strict=True)]
    return [x[key] for key in keys]


def _given_grads(b: Any, op: Any, grads: Any) -> list[Any]:
    return [b.zeros_like(t) if g is None else g for t, g in zip(op.outputs, grads, strict=True)]


def _stack_shape(op: Any) -> Any:
    first = op.shapes[0]
    axis = op.axis(op.a.axis, len(first) + 1)
    merged = list(first)
    for number, shape in enumerate(op.shapes[1:], 1):
        if len(shape) != len(first):
            op.fail(f"values[{number}] has rank {len(shape)}, values[0] has rank {len(first)}")
        pairs = enumerate(zip(merged, shape, strict=True))
        merged = [op.merge(a, c, f"axis {i} of values[{number}]") for i, (a, c) in pairs]
    return (*merged[:axis], len(op.shapes), *merged[axis:])


def _stack_gradient(b: Any, op: Any, dy: Any) -> Any:
    axis = op.a.axis
    parts = b.split(dy, axis=axis, sizes=(1,) * len(op.inputs))
    return [b.squeeze(part, axes=(axis,)) for part in parts]


# Moving --------------------------------------------------------------------------------------------------------


def _permutation(a: Any, rank: int) -> tuple[int, ...]:
    return tuple(p % rank for p in a.permutation) if a.permutation else tuple(range(rank))[::-1]


def _transpose_shape(op: Any) -> Any:
    (x,) = op.shapes
    if op.a.permutation:
        if len(op.a.permutation) != len(x):
            op.fail(f"permutation {list(op.a.permutation)} is not one of {len(x)} axes")
        op.axes(op.a.permutation, len(x))
    return tuple(x[i] for i in _permutation(op.a, len(x)))


def _transpose_gradient(b: Any, op: Any, dy: Any) -> Any:
    if not op.a.permutation:
        return [b.transpose(dy)]
    forward = _permutation(op.a, len(op.a.permutation))
    return [b.transpose(dy, permutation=tuple(forward.index(i) for i in range(len(forward))))]


def _pairs(a: Any) -> list[tuple[int, int]]:
    return list(zip(a.paddings[::2], a.paddings[1::2], strict=True))


def _pad_shape(op: Any) -> Any:
    (x,) = op.shapes
    if len(op.a.paddings) != 2 * len(x) or any(p < 0 for p in op.a.paddings):
        op.fail(f"paddings {list(op.a.paddings)} must be {2 * len(x)} numbers from 0 on, two for each axis")
    for axis, (size, pair) in enumerate(zip(x, _pairs(op.a), strict=True)):
        largest = dims.bounds(size)[1] - (op.a.mode == "reflect")
        if op.a.mode in ("reflect", "symmetric", "wrap") and max(pair) > max(largest, 0):
            op.fail(f"axis {axis} of size {size} cannot be padded by {list(pair)} in mode {op.a.mode}")
        if op.a.mode == "edge" and size == 0 and max(pair):
            op.fail(f"axis {axis} has no edge, since its size is 0")
    return tuple(n + p + q for n, (p, q) in zip(x, _pairs(op.a), strict=True))


def _padded_index(mode: str, index: int, size: int) -> int:
    """The index that an index outside 0..size-1 repeats."""
    last = size - 1
    if mode == "wrap":
        return index % size
    if mode == "edge":
        return min(max(index, 0), last)
    shift = 0 if mode == "reflect" else 1
    if index < 0:
        return -index - shift
    return 2 * last - index + shift if index > last else index


def _pad(xp: Any, op: Any, x: Any) -> Any:
    if op.a.mode == "constant":
        shape = tuple(n + p + q for n, (p, q) in zip(x.shape, _pairs(op.a), strict=True))
        y = xp.zeros(shape, dtype=x.dtype)
        y[...] = scalar(xp, op.a.value, x.dtype)
        y[tuple(slice(p, p + n) for n, (p, _) in zip(x.shape, _pairs(op.a), strict=True))] = x
        return y
    for axis, (p, q) in enumerate(_pairs(op.a)):
        size = x.shape[axis]
        if (p or q) and max(p, q) + (op.a.mode == "reflect") > size and (op.a.mode != "edge" or size == 0):
            raise ValueError(
                f"axis {axis} of size {size} cannot be padded by {p} and {q} in mode {op.a.mode}"
            )
        indices = [_padded_index(op.a.mode, i, size) for i in range(-p, size + q)]
        x = xp.take(x, xp.asarray(indices, dtype=xp.int64), axis=axis)
    return x


def _pad_gradient(b: Any, op: Any, dy: Any) -> Any:
    for axis, (p, q) in enumerate(_pairs(op.a)):
        if not (p or q):
            continue
        dx = b.strided_slice(dy, **axis_slice(axis, p, -q if q else None))
        for begin, end, at in _mirrors(op.a.mode, p, q):
            forward = op.a.mode in ("edge", "wrap")
            part = b.strided_slice(dy, **axis_slice(axis, begin, end, 1 if forward else -1))
            if op.a.mode == "edge":
                part = b.reduce_sum(part, axes=(axis,), keepdims=True)
            dx = b.add(dx, b.strided_slice_gradient(part, b.sizes(dx), **axis_slice(axis, *at)))
        dy = dx
    return [dy]


def _mirrors(mode: str, p: int, q: int) -> list[tuple[int | None, int | None, tuple[int, int | None]]]:
    """What pads at the front and at the back.

    Each is a range of the output, backwards but for edge and wrap, and the range of the input that it repeats.
    """
    if mode == "edge":
        return [(None, p, (0, 1))] * (p > 0) + [(-q, None, (-1, None))] * (q > 0)
    if mode == "reflect":
        return [(p - 1, None, (1, p + 1))] * (p > 0) + [(None, -q - 1, (-q - 1, -1))] * (q > 0)
    if mode == "symmetric":
        return [(p - 1, None, (0, p))] * (p > 0) + [(None, -q - 1, (-q, None))] * (q > 0)
    if mode == "wrap":
        return [(None, p, (-p, None))] * (p > 0) + [(-q, None, (0, q))] * (q > 0)
    return []


def _tile_shape(op: Any) -> Any:
    (x,) = op.shapes
    if len(op.a.multiples) != len(x) or any(m < 0 for m in op.a.multiples):
        op.fail(f"multiples {list(op.a.multiples)} must be {len(x)} numbers from 0 on, one for each axis")
    return tuple(n * m for n, m in zip(x, op.a.multiples, strict=True))


def _tile_gradient(b: Any, op: Any, dy: Any) -> Any:
    (x,) = op.inputs
    source = b.constant(b.sizes(x))
    for axis, multiple in enumerate(op.a.multiples):
        if multiple == 1:
            continue
        sizes = b.constant(b.sizes(dy))
        parts = [
            b.strided_slice(sizes, **axis_slice(0, 0, axis)),
            b.constant([multiple]),
            b.strided_slice(source, **axis_slice(0, axis, axis + 1)),
            b.strided_slice(sizes, **axis_slice(0, axis + 1, None)),
        ]
        dy = b.reduce_sum(b.reshape(dy, b.concat(parts, axis=0)), axes=(axis,))
    return [dy]


def _broadcast_shape(op: Any) -> Any:
    target, x = known_shape(op, 1), op.shapes[0]
    if target is None or x is None:
        return target
    lead = len(target) - len(x)
    if lead < 0:
        op.fail(f"a tensor of rank {len(x)} does not broadcast to {dims.text(target)}")
    merged = list(target)
    for i, size in enumerate(x):
        if size == 1 or merged[lead + i] == size:
            continue
        if isinstance(size, int) or target[lead + i] == 1:
            merged[lead + i] = op.merge(target[lead + i], size, f"axis {i} of x and of the shape")
    return tuple(merged)


def _cast_gradient(b: Any, op: Any, dy: Any) -> Any:
    (x,) = op.inputs
    return [b.cast(dy, dtype=x.dtype) if x.dtype.is_floating and dy.dtype.is_floating else None]


# Shapes and ranges ---------------------------------------------------------------------------------------------


def _shape_shape(op: Any) -> Any:
    if op.a.output_type not in _SHAPE:
        op.fail(f"output_type must be int32 or int64, not {op.a.output_type.name}")
    return (Dim() if op.shapes[0] is None else len(op.shapes[0]),)


def _range_count(start: Any, limit: Any, delta: Any) -> int:
    """The number of elements; integers are counted exactly, floating-point numbers in float64."""
    if delta == 0:
        raise ValueError("delta is 0")
    count: int = -((start - limit) // delta) if isinstance(delta, int) else math.ceil((limit - start) / delta)
    return max(count, 0)


def _range_shape(op: Any) -> Any:
    for index, operand in enumerate(op.definition.operands):
        if op.shapes[index] not in (None, ()):
            op.fail(f"{operand.name} must be a scalar, not of shape {dims.text(op.shapes[index])}")
    if all(t.op.type == "constant" for t in op.inputs):
        try:
            return (_range_count(*(t.op.a.value.item() for t in op.inputs)),)
        except (ValueError, OverflowError) as error:
            op.fail(str(error))
    values = [op.value(i) for i in range(3)]
    if any(v is None for v in values):
        return (Dim(),)
    start, limit, delta = (v[0] for v in values)
    if not isinstance(delta, int):
        # In Python -(a // b) rounds a / -b up, whatever the sign of b is.
        return (dims.maximum(-((start - limit) // delta), 0),)
    if delta == 0:
        op.fail("delta is 0")
    return (dims.maximum(dims.ceil_divide((limit - start) * (1 if delta > 0 else -1), abs(delta)), 0),)


def _range(xp: Any, op: Any, start: Any, limit: Any, delta: Any) -> Any:
    number = float if xp.isdtype(start.dtype, "real floating") else int
    count = _range_count(number(start), number(limit), number(delta))
    wide = xp.float32 if start.dtype == xp.float16 else start.dtype
    start, steps, delta = (xp.astype(xp.asarray(v), wide) for v in (start, xp.arange(count), delta))
    return xp.astype(start + steps * delta, op.output_dtypes[0])


OPS.register(
    OpDef(
        name="identity",
        opcode=360,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        doc="The tensor itself.",
        shape=lambda op: op.shapes[0],
        reference=lambda xp, op, x: x,
        gradient=lambda b, op, dy: [dy],
        quant="same",
        view=True,
        any_rank=True,
        texts=True,
    ),
    OpDef(
        name="stop_gradient",
        opcode=361,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        doc="The tensor itself, which gradients take for a constant.",
        shape=lambda op: op.shapes[0],
        reference=lambda xp, op, x: x,
        quant="same",
        view=True,
        any_rank=True,
        texts=True,
    ),
    OpDef(
        name="reshape",
        opcode=362,
        inputs=("x: T", "shape: S shape_only"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "S": _SHAPE},
        doc="The same elements in the same order with another shape. One size may be -1: it becomes what is left.",
        shape=_reshape_shape,
        reference=lambda xp, op, x, shape: xp.reshape(x, _sizes(shape)),
        gradient=lambda b, op, dy: [b.reshape(dy, b.sizes(op.inputs[0])), None],
        quant="same",
        view=True,
        any_rank=True,
        texts=True,
    ),
    OpDef(
        name="expand_dims",
        opcode=20,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(attribute("axis", "int", doc="Where the new axis is in the output."),),
        doc="The same elements with a new axis of size 1.",
        shape=_expand_dims_shape,
        reference=lambda xp, op, x: xp.expand_dims(x, axis=op.a.axis),
        gradient=lambda b, op, dy: [b.squeeze(dy, axes=(op.a.axis,))],
        quant="same",
        view=True,
        texts=True,
    ),
    OpDef(
        name="squeeze",
        opcode=21,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(attribute("axes", "ints", (), "Axes of size 1; none means all that have it."),),
        doc="The same elements without some axes of size 1.",
        shape=_squeeze_shape,
        reference=_squeeze,
        gradient=lambda b, op, dy: [b.reshape(dy, b.sizes(op.inputs[0]))],
        quant="same",
        view=True,
        texts=True,
    ),
    OpDef(
        name="transpose",
        opcode=22,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(
            attribute("permutation", "ints", (), "The axis of x that each axis of y is; none reverses them."),
        ),
        doc="The axes in another order: axis i of y is axis permutation[i] of x.",
        shape=_transpose_shape,
        reference=lambda xp, op, x: xp.permute_dims(x, _permutation(op.a, x.ndim)),
        gradient=_transpose_gradient,
        quant="same",
        texts=True,
    ),
    OpDef(
        name="concat",
        opcode=23,
        inputs=("values: T* strided",),
        outputs=("y: T strided",),
        types={"T": dtypes.ALL},
        attributes=(attribute("axis", "int", doc="The axis along which they follow each other."),),
        doc="Tensors one after the other along an axis; their other sizes are equal.",
        shape=_concat_shape,
        reference=lambda xp, op, *values: xp.concat(values, axis=op.a.axis),
        gradient=_concat_gradient,
        quant="concat",
        texts=True,
    ),
    OpDef(
        name="split",
        opcode=24,
        inputs=("x: T strided",),
        outputs=("parts: T* strided",),
        types={"T": dtypes.ALL},
        attributes=(
            attribute("axis", "int", doc="The axis that is cut."),
            attribute(
                "sizes", "shape", doc="The size of each part; one may be None, which takes what is left."
            ),
        ),
        doc="A tensor cut along an axis into parts of the given sizes.",
        shape=_split_shape,
        reference=_split,
        gradient=lambda b, op, *grads: [b.concat(_given_grads(b, op, grads), axis=op.a.axis)],
        quant="same",
        any_rank=True,
        texts=True,
    ),
    OpDef(
        name="stack",
        opcode=25,
        inputs=("values: T*",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(attribute("axis", "int", 0, "Where the new axis is in the output."),),
        doc="Tensors of one shape side by side along a new axis.",
        shape=_stack_shape,
        reference=lambda xp, op, *values: xp.stack(values, axis=op.a.axis),
        gradient=_stack_gradient,
        quant="concat",
        texts=True,
    ),
    OpDef(
        name="pad",
        opcode=28,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(
            attribute(
                "paddings", "ints", doc="For each axis the number of elements before and after.", limit=16
            ),
            attribute("mode", PAD_MODE, "constant", "What the new elements are."),
            attribute(
                "value", "float", 0.0, "Of mode constant; it is cast to the tensor's type as cast does."
            ),
        ),
        doc="A tensor with a margin. Mode constant fills it with a value, reflect mirrors the tensor at its outermost "
        "elements, symmetric mirrors it so that these come twice, edge repeats them, wrap continues at the other end.",
        shape=_pad_shape,
        reference=_pad,
        gradient=_pad_gradient,
        quant="pad",
    ),
    OpDef(
        name="tile",
        opcode=29,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(attribute("multiples", "ints", doc="How often the tensor comes along each axis."),),
        doc="A tensor repeated along its axes: y[i, ...] = x[i mod n, ...], where n is the size of the axis.",
        shape=_tile_shape,
        reference=lambda xp, op, x: xp.tile(x, op.a.multiples),
        gradient=_tile_gradient,
        quant="same",
        texts=True,
    ),
    OpDef(
        name="broadcast_to",
        opcode=363,
        inputs=("x: T", "shape: S shape_only"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "S": _SHAPE},
        doc="A tensor repeated along new leading axes and along its axes of size 1, so that it has the given shape.",
        shape=_broadcast_shape,
        # A copy, because what numpy gives here cannot be written.
        reference=lambda xp, op, x, shape: xp.asarray(xp.broadcast_to(x, _sizes(shape)), copy=True),
        gradient=lambda b, op, dy: [b.unbroadcast(dy, op.inputs[0]), None],
        quant="same",
        any_rank=True,
        texts=True,
    ),
    OpDef(
        name="cast",
        opcode=33,
        inputs=("x: S",),
        outputs=("y: @dtype",),
        types={"S": dtypes.ALL},
        attributes=(attribute("dtype", "dtype", doc="The element type of the output."),),
        doc="Another element type. Floating-point numbers become integers toward zero, the nearest integer of the type "
        "where they lie outside it, and 0 for NaN; integers that do not fit wrap around; bool is whether x is not 0. "
        "Integers become float16 by way of float32.",
        shape=lambda op: op.shapes[0],
        reference=lambda xp, op, x: cast_array(xp, x, op.output_dtypes[0]),
        gradient=_cast_gradient,
        in_place=True,
        any_rank=True,
    ),
    OpDef(
        name="shape",
        opcode=34,
        inputs=("x: T",),
        outputs=("sizes: @output_type",),
        types={"T": dtypes.ALL},
        attributes=(attribute("output_type", "dtype", dtypes.int32, "int32 or int64."),),
        doc="The sizes of the axes of a tensor.",
        shape=_shape_shape,
        reference=lambda xp, op, x: xp.asarray(x.shape, dtype=op.output_dtypes[0]),
        any_rank=True,
        texts=True,
    ),
    OpDef(
        name="range",
        opcode=364,
        inputs=("start: T", "limit: T", "delta: T"),
        outputs=("y: T",),
        types={"T": dtypes.NUMBERS},
        doc="The numbers start, start + delta, start + 2 * delta, ... that come before limit. Each is computed as "
        "start + i * delta, float16 in float32.",
        shape=_range_shape,
        reference=_range,
        any_rank=True,
    ),
)
