"""Ops that pick elements by position: strided slices, gather, its adjoint, and one-hot vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from samara.errors import ShapeError
from samara.graph import dims, dtypes
from samara.graph.dims import Dim, Dimension, Shape
from samara.graph.ops._table import OPS, OpDef, attribute

# Strided slices ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One place of a strided slice: a range of an axis, one index of it, or a new axis of size 1.

    `begin` and `end` are None where the range starts or ends with the axis.
    """

    axis: int
    begin: int | None = None
    end: int | None = None
    stride: int = 1
    shrink: bool = False
    new: bool = False

    def range(self, size: int) -> tuple[int, int]:
        """The first index and the number of indices of an axis of `size`."""
        if self.shrink:
            assert self.begin is not None
            if not -size <= self.begin < size:
                raise IndexError(f"index {self.begin} is outside axis {self.axis} of size {size}")
            return self.begin % size, 1
        indices = range(*slice(self.begin, self.end, self.stride).indices(size))
        return indices.start, len(indices)

    def size(self, size: Dimension) -> Dimension:
        """The number of indices of an axis of `size`."""
        if isinstance(size, int):
            return self.range(size)[1]
        if self.shrink:
            return 1
        if self.stride < 0:
            return dims.maximum(dims.ceil_divide(_backward(self.begin, self.end, size), -self.stride), 0)
        return dims.ceil_divide(dims.maximum(_forward(self.begin, self.end, size), 0), self.stride)


def _forward(begin: int | None, end: int | None, size: Dim) -> Dimension:
    """The length of a range with stride 1, or a negative number, in the simplest form."""
    begin = begin or 0
    if begin >= 0:
        if end is None or end < 0:
            return size + (end or 0) - begin
        return dims.minimum(size, end) - begin
    if end is None or end < 0:
        return dims.minimum(size, -begin) + (end or 0)
    return dims.minimum(size, end) - dims.maximum(size + begin, 0)


def _backward(begin: int | None, end: int | None, size: Dim) -> Dimension:
    """The length of a range with stride -1, or a negative number."""

    def place(index: int) -> Dimension:
        return dims.minimum(size - 1, index) if index >= 0 else dims.maximum(size + index, -1)

    first = size - 1 if begin is None else place(begin)
    last = -1 if end is None else place(end)
    return first - last


def entries_of(a: Any, rank: int) -> list[Entry]:
    """The entries of a strided slice of a tensor of `rank`, with the ellipsis written out.

    Raises:
        ValueError: the attributes contradict each other or the rank.
    """
    count = len(a.begin)
    if len(a.end) != count or len(a.strides) != count:
        raise ValueError(f"begin, end and strides have {count}, {len(a.end)} and {len(a.strides)} entries")
    dots = [i for i in range(count) if a.ellipsis_mask >> i & 1]
    if len(dots) > 1:
        raise ValueError("a slice can hold only one ellipsis")
    new = [i for i in range(count) if a.new_axis_mask >> i & 1 and i not in dots]
    rest = rank - (count - len(dots) - len(new))
    if rest < 0:
        raise ValueError(f"a tensor of rank {rank} cannot be sliced along {rank - rest} axes")
    entries: list[Entry] = []
    axis = 0
    for i in range(count):
        if i in dots:
            entries += [Entry(axis + k) for k in range(rest)]
            axis += rest
        elif i in new:
            entries.append(Entry(axis, new=True))
        else:
            if a.strides[i] == 0:
                raise ValueError(f"stride {i} is 0")
            if a.shrink_axis_mask >> i & 1:
                if a.strides[i] < 0:
                    raise ValueError(f"entry {i} is one index, so its stride must be positive")
                entries.append(Entry(axis, a.begin[i], shrink=True))
            else:
                begin = None if a.begin_mask >> i & 1 else a.begin[i]
                end = None if a.end_mask >> i & 1 else a.end[i]
                entries.append(Entry(axis, begin, end, a.strides[i]))
            axis += 1
    return entries + [Entry(k) for k in range(axis, rank)]


def axis_slice(axis: int, begin: int | None, end: int | None, stride: int = 1) -> dict[str, Any]:
    """The attributes of a strided slice of one axis, None for the axis's own begin or end."""
    before = (1 << axis) - 1
    return {
        "begin": (0,) * axis + (begin or 0,),
        "end": (0,) * axis + (end or 0,),
        "strides": (1,) * axis + (stride,),
        "begin_mask": before | (begin is None) << axis,
        "end_mask": before | (end is None) << axis,
    }


def size_along(b: Any, tensor: Any, axis: int) -> Any:
    """The size of an axis as a scalar operand: a number when it is known, else a slice of the op `shape`."""
    if tensor.shape is not None and isinstance(tensor.shape[axis], int):
        return tensor.shape[axis]
    return b.strided_slice(b.shape(tensor), begin=(axis,), end=(axis + 1,), strides=(1,), shrink_axis_mask=1)


def known_shape(op: Any, index: int) -> Shape | None:
    """The shape that the values of input `index` say, with unknown dimensions where the values are not known."""
    values = op.value(index)
    length = op.shapes[index]
    if length is not None and len(length) != 1:
        op.fail(f"{op.definition.operands[index].name} must have rank 1, not {len(length)}")
    if values is None:
        known = length is not None and isinstance(length[0], int)
        return tuple(Dim() for _ in range(length[0])) if known else None
    for axis, size in enumerate(values):
        if isinstance(size, int) and size < 0:
            op.fail(f"axis {axis} of the shape {dims.text(values)} is negative")
    return tuple(values)


def _sliced_shape(op: Any, shape: Shape) -> Shape:
    try:
        entries = entries_of(op.a, len(shape))
        sizes = [1 if e.new else e.size(shape[e.axis]) for e in entries]
    except (ValueError, IndexError) as error:
        op.fail(str(error))
    return tuple(size for e, size in zip(entries, sizes, strict=True) if not e.shrink)


def _key(entries: Sequence[Entry], shape: Sequence[int]) -> tuple[tuple[slice, ...], tuple[int, ...]]:
    """Slices with positive steps of all axes, and the axes to be flipped afterwards."""
    key, flipped = [], []
    for entry in entries:
        if entry.new:
            continue
        begin, size = entry.range(shape[entry.axis])
        last = begin + (size - 1) * entry.stride
        if size == 0:
            key.append(slice(0, 0))
        elif entry.stride > 0:
            key.append(slice(begin, last + 1, entry.stride))
        else:
            key.append(slice(last, begin + 1, -entry.stride))
            flipped.append(entry.axis)
    return tuple(key), tuple(flipped)


def _strided_slice(xp: Any, op: Any, x: Any) -> Any:
    entries = entries_of(op.a, x.ndim)
    key, flipped = _key(entries, x.shape)
    within: Any = (*key, ...)
    y = x[within]
    y = xp.flip(y, axis=flipped) if flipped else y
    return xp.reshape(y, tuple(1 if e.new else y.shape[e.axis] for e in entries if not e.shrink))


def _strided_slice_gradient(xp: Any, op: Any, dy: Any, shape: Any) -> Any:
    sizes = tuple(int(n) for n in shape)
    key, flipped = _key(entries_of(op.a, len(sizes)), sizes)
    dx = xp.zeros(sizes, dtype=dy.dtype)
    dy = xp.reshape(dy, dx[key].shape)
    dx[key] = xp.flip(dy, axis=flipped) if flipped else dy
    return dx


def _strided_slice_gradient_shape(op: Any) -> Any:
    shape = known_shape(op, 1)
    if shape is not None and op.shapes[0] is not None:
        expected = _sliced_shape(op, shape)
        if len(expected) != len(op.shapes[0]):
            op.fail(f"a slice of {dims.text(shape)} has shape {dims.text(expected)}")
        for axis, (found, size) in enumerate(zip(op.shapes[0], expected, strict=True)):
            op.merge(found, size, f"axis {axis} of dy and of the slice")
    return shape


# Slices whose begin is data ------------------------------------------------------------------------------------


def _slice_shape(op: Any) -> Any:
    x, begin, _ = op.shapes
    shape = known_shape(op, 2)
    if begin is not None and len(begin) != 1:
        op.fail(f"begin must have rank 1, not {len(begin)}")
    if x is None:
        return shape
    count = len(x)
    for what, length in (("begin", begin and begin[0]), ("size", None if shape is None else len(shape))):
        if length is not None and dims.equal(length, count) is False:
            op.fail(f"{what} has {length} entries, x has rank {count}")
    if len(op.a.strides) != count or 0 in op.a.strides:
        op.fail(f"strides {list(op.a.strides)} must be {count} numbers other than 0, one for each axis")
    if shape is None:
        return tuple(Dim() for _ in x)
    for axis, (size, whole) in enumerate(zip(shape, x, strict=True)):
        if dims.bounds(size)[0] > dims.bounds(whole)[1]:
            op.fail(f"{size} elements of axis {axis}, which has {whole}")
    return shape


def _slice(xp: Any, op: Any, x: Any, begin: Any, size: Any) -> Any:
    key, flipped = [], []
    for axis, (stride, first, count) in enumerate(
        zip(op.a.strides, begin.tolist(), size.tolist(), strict=True)
    ):
        last = first + (count - 1) * stride
        if count and not (0 <= first < x.shape[axis] and 0 <= last < x.shape[axis]):
            raise ValueError(f"elements {first} to {last} of axis {axis} of size {x.shape[axis]}")
        if stride > 0 or not count:
            key.append(slice(first, last + 1, stride) if count else slice(0, 0))
        else:
            key.append(slice(last, first + 1, -stride))
            flipped.append(axis)
    y = xp.asarray(x[tuple(key)], copy=True)
    return xp.flip(y, axis=tuple(flipped)) if flipped else y


def _slice_gradient(b: Any, op: Any, dy: Any) -> Any:
    x, begin, _ = op.inputs
    if not x.shape:
        return [dy if x.shape == () else None, None, None]
    places: Any = None
    weight: Any = b.constant(1)
    for axis in reversed(range(len(x.shape))):
        first = b.cast(b.strided_slice(begin, **axis_slice(0, axis, axis + 1)), dtype=dtypes.int32)
        along = b.range(0, size_along(b, dy, axis), 1)
        along = b.multiply(b.add(first, b.multiply(along, b.like(op.a.strides[axis], along))), weight)
        for _ in range(len(x.shape) - 1 - axis):
            along = b.expand_dims(along, axis=-1)
        places = along if places is None else b.add(places, along)
        weight = b.multiply(weight, b.constant(size_along(b, x, axis)))
    flat = b.zeros_like(b.reshape(x, [-1]))
    summed = b.scatter_elements(flat, b.reshape(places, [-1]), b.reshape(dy, [-1]), axis=0, reduction="add")
    return [b.reshape(summed, b.sizes(x)), None, None]


def _dimension_shape(op: Any) -> Any:
    for index, operand in enumerate(op.definition.operands):
        if op.shapes[index] not in (None, ()):
            op.fail(f"{operand.name} must be a scalar, not of shape {dims.text(op.shapes[index])}")
    return ()


def _dimension(xp: Any, op: Any, value: Any, limit: Any) -> Any:
    symbol = op.a.symbol.symbol
    largest = min(symbol.maximum, max(int(limit), symbol.minimum))
    if not symbol.minimum <= int(value) <= largest:
        raise ValueError(f"dimension {symbol.name} is from {symbol.minimum} to {largest}, not {int(value)}")
    return value


_SLICE = (
    attribute("begin", "ints", doc="The first index of each entry; below 0 it counts from the end."),
    attribute("end", "ints", doc="The index that each entry stops before; below 0 it counts from the end."),
    attribute("strides", "ints", doc="The step of each entry; below 0 it runs backwards."),
    attribute("begin_mask", "int", 0, "Bit i: entry i starts where the axis does."),
    attribute("end_mask", "int", 0, "Bit i: entry i ends where the axis does."),
    attribute("ellipsis_mask", "int", 0, "Bit i: entry i stands for all axes that no other entry is for."),
    attribute("new_axis_mask", "int", 0, "Bit i: entry i is a new axis of size 1."),
    attribute("shrink_axis_mask", "int", 0, "Bit i: entry i is the index begin[i], and its axis goes away."),
)


# Gather --------------------------------------------------------------------------------------------------------


def _gather_shape(op: Any) -> Any:
    x, indices = op.shapes
    axis = op.axis(op.a.axis, len(x))
    batch = op.a.batch_dims
    if not 0 <= batch <= min(axis, len(indices)):
        op.fail(f"batch_dims {batch} is outside 0..{min(axis, len(indices))}")
    shared = tuple(op.merge(x[i], indices[i], f"batch axis {i}") for i in range(batch))
    return (*shared, *x[batch:axis], *indices[batch:], *x[axis + 1 :])


def _check_indices(xp: Any, what: str, indices: Any, size: int) -> None:
    indices = xp.reshape(indices, (-1,))
    wrong = (indices < 0) | (indices >= size)
    if xp.any(wrong):
        raise ValueError(f"{what} {int(indices[wrong][0])} is outside 0..{size - 1}")


def _gather(xp: Any, op: Any, x: Any, indices: Any) -> Any:
    axis, batch = op.a.axis % x.ndim, op.a.batch_dims
    count = x.shape[axis]
    if op.a.from_end:
        indices = xp.where(indices < 0, indices + count, indices)
    if axis == 0 and indices.ndim == 0:
        index = int(indices)
        if not 0 <= index < count:
            raise ValueError(f"index {index} is outside 0..{count - 1}")
        return x[index, ...]
    shape = (*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :])
    _check_indices(xp, "index", indices, count)
    # As [batch, outer, count, inner] and [batch, picked], with rows numbered through all batches.
    groups = math.prod(x.shape[:batch])
    outer, inner = math.prod(x.shape[batch:axis]), math.prod(x.shape[axis + 1 :])
    picked = math.prod(indices.shape[batch:])
    rows = xp.permute_dims(xp.reshape(x, (groups, outer, count, inner)), (0, 2, 1, 3))
    first = xp.reshape(xp.arange(groups, dtype=xp.int64) * count, (groups, 1))
    numbers = xp.reshape(
        xp.astype(xp.reshape(indices, (groups, picked)), xp.int64) + first, (groups * picked,)
    )
    taken = xp.take(xp.reshape(rows, (groups * count, outer * inner)), numbers, axis=0)
    taken = xp.permute_dims(xp.reshape(taken, (groups, picked, outer, inner)), (0, 2, 1, 3))
    return xp.reshape(taken, shape)


def _gather_gradient(b: Any, op: Any, dy: Any) -> Any:
    x, indices = op.inputs
    batch, axis = op.a.batch_dims, op.a.axis
    if op.a.from_end:
        count = b.cast(b.constant(size_along(b, x, axis)), dtype=indices.dtype)
        indices = b.where(b.less(indices, b.like(0, indices)), b.add(indices, count), indices)
    if axis == 0:
        return [b.unsorted_segment_sum(dy, indices, size_along(b, x, 0)), None]
    if x.shape is None or indices.shape is None:
        raise ShapeError(f"{op.name}: the gradient of gather along axis {axis} needs known ranks")
    axis %= len(x.shape)
    picked = len(indices.shape) - batch
    # From [batch, outer, picked, inner] to [batch, picked, outer, inner], summed to [batch * count, outer, inner].
    order = [*range(batch), *range(axis, axis + picked), *range(batch, axis)]
    dy = b.transpose(dy, permutation=(*order, *range(axis + picked, len(x.shape) - 1 + picked)))
    sizes = b.constant(b.sizes(x))
    count = size_along(b, x, axis)
    number, groups = indices, None
    if batch:
        groups = b.reduce_prod(b.strided_slice(sizes, **axis_slice(0, 0, batch)), axes=(0,))
        first = b.cast(b.range(0, b.multiply(groups, count), count), dtype=indices.dtype)
        lead = b.strided_slice(sizes, **axis_slice(0, 0, batch))
        first = b.reshape(first, b.concat([lead, [1] * picked], axis=0) if picked else lead)
        number = b.add(indices, first)
        count = b.multiply(groups, count)
    dx = b.unsorted_segment_sum(dy, number, count)
    if batch:
        parts = [(0, batch), (axis, axis + 1), (batch, axis), (axis + 1, len(x.shape))]
        target = [b.strided_slice(sizes, **axis_slice(0, i, k)) for i, k in parts if i < k]
        dx = b.reshape(dx, b.concat(target, axis=0))
    back = [*range(batch), *range(batch + 1, axis + 1), batch, *range(axis + 1, len(x.shape))]
    return [b.transpose(dx, permutation=back), None]


def _segment_shape(op: Any) -> Any:
    data, ids, count = op.shapes
    known = op.value(2)
    if count is not None and count != ():
        op.fail(f"num_segments must be a scalar, not of shape {dims.text(count)}")
    if known is not None and isinstance(known[0], int) and known[0] < 0:
        op.fail(f"num_segments is {known[0]}")
    if data is None or ids is None:
        return None
    if len(ids) > len(data):
        op.fail(f"segment_ids has rank {len(ids)}, more than the {len(data)} of data")
    for axis, (a, c) in enumerate(zip(data, ids, strict=False)):
        op.merge(a, c, f"axis {axis} of data and segment_ids")
    return (Dim() if known is None else known[0], *data[len(ids) :])


def _segment_sum(xp: Any, op: Any, data: Any, ids: Any, count: Any) -> Any:
    count, tail = int(count), data.shape[ids.ndim :]
    _check_indices(xp, "segment", ids, count)
    wide = xp.float32 if data.dtype == xp.float16 else data.dtype
    total = xp.zeros((count, *tail), dtype=wide)
    numbers = xp.reshape(ids, (-1,))
    rows = xp.reshape(data, (math.prod(ids.shape), *tail))
    for i in range(numbers.shape[0]):
        total[int(numbers[i]), ...] += xp.astype(rows[i, ...], wide)
    return xp.astype(total, data.dtype)


# One-hot -------------------------------------------------------------------------------------------------------


def _one_hot_shape(op: Any) -> Any:
    (indices,) = op.shapes
    if op.a.depth < 0:
        op.fail(f"depth is {op.a.depth}")
    axis = op.axis(op.a.axis, len(indices) + 1)
    return (*indices[:axis], op.a.depth, *indices[axis:])


def _one_hot(xp: Any, op: Any, indices: Any) -> Any:
    axis = op.a.axis % (indices.ndim + 1)
    places = xp.reshape(
        xp.arange(op.a.depth, dtype=xp.int64),
        [op.a.depth if i == axis else 1 for i in range(indices.ndim + 1)],
    )
    hot = xp.astype(xp.expand_dims(indices, axis=axis), xp.int64) == places
    on = scalar(xp, op.a.on_value, op.output_dtypes[0])
    off = scalar(xp, op.a.off_value, op.output_dtypes[0])
    return xp.where(hot, on, off)


def scalar(xp: Any, value: float, dtype: Any) -> Any:
    """A floating-point attribute as a scalar of `dtype`: the file's float32, cast as the op cast does."""
    if dtype == xp.float64:
        return xp.asarray(value, dtype=xp.float64)
    return cast_array(xp, xp.asarray(value, dtype=xp.float32), dtype)


def cast_array(xp: Any, x: Any, dtype: Any) -> Any:
    """What the op cast computes."""
    x = xp.asarray(x)
    if x.dtype == dtype:
        return x
    if dtype == xp.bool:
        return x != 0
    if not xp.isdtype(x.dtype, "real floating"):
        if dtype == xp.float16:
            x = xp.astype(x, xp.float32)
        return xp.astype(x, dtype)
    if xp.isdtype(dtype, "real floating"):
        return xp.astype(x, dtype)
    # Toward zero, within the integers of the type. Their bounds, as powers of two, are exact from float32 on.
    x = xp.astype(x, xp.float32) if x.dtype == xp.float16 else x
    limits = xp.iinfo(dtype)
    low, high = float(limits.min), float(limits.max // 2 + 1) * 2
    whole = xp.trunc(x)
    above, below = whole >= high, whole < low
    inside = ~(above | below | xp.isnan(x))
    y = xp.astype(xp.where(inside, whole, xp.zeros_like(whole)), dtype)
    y = xp.where(above, xp.asarray(int(limits.max), dtype=dtype), y)
    return xp.where(below, xp.asarray(int(limits.min), dtype=dtype), y)


OPS.register(
    OpDef(
        name="strided_slice",
        opcode=26,
        inputs=("x: T strided",),
        outputs=("y: T strided",),
        types={"T": dtypes.ALL},
        attributes=_SLICE,
        doc="The part of a tensor that x[begin:end:stride, ...] names. Entries are for the axes from the first on, "
        "with the meaning that Python and TensorFlow give them: ranges are cut to the axis, an index must be inside.",
        shape=lambda op: _sliced_shape(op, op.shapes[0]),
        reference=_strided_slice,
        gradient=lambda b, op, dy: [b.strided_slice_gradient(dy, b.sizes(op.inputs[0]), **op.attributes)],
        quant="same",
        texts=True,
    ),
    OpDef(
        name="strided_slice_gradient",
        opcode=27,
        inputs=("dy: T", "shape: S shape_only"),
        outputs=("dx: T",),
        types={"T": dtypes.ALL, "S": (dtypes.int32, dtypes.int64)},
        attributes=_SLICE,
        doc="Zeros of the given shape with dy in the place that strided_slice with the same attributes takes from.",
        shape=_strided_slice_gradient_shape,
        reference=_strided_slice_gradient,
        gradient=lambda b, op, ddx: [b.strided_slice(ddx, **op.attributes), None],
        any_rank=True,
    ),
    OpDef(
        name="slice",
        opcode=45,
        inputs=("x: T", "begin: I", "size: S shape_only"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "I": (dtypes.int32, dtypes.int64), "S": (dtypes.int32, dtypes.int64)},
        attributes=(
            attribute("strides", "ints", doc="The step along each axis; below 0 it runs backwards."),
        ),
        doc="A part of a tensor whose place is data: along each axis `size` elements from `begin` on, counted from 0. "
        "Elements outside the axis are an error of the run.",
        shape=_slice_shape,
        reference=_slice,
        gradient=_slice_gradient,
        quant="same",
        any_rank=True,
        texts=True,
    ),
    OpDef(
        name="dimension",
        opcode=56,
        inputs=("value: I", "limit: I shape_only"),
        outputs=("size: I",),
        types={"I": (dtypes.int32, dtypes.int64)},
        attributes=(attribute("symbol", "symbol", doc="The named size, with its bounds."),),
        doc="A number of the data that becomes a size: shapes that are made of the output hold the named dimension, "
        "whose value a run sets here. It is at most `limit`, which bounds the memory; a number outside the bounds is "
        "an error of the run.",
        shape=_dimension_shape,
        reference=_dimension,
        any_rank=True,
    ),
    OpDef(
        name="gather",
        opcode=30,
        inputs=("x: T", "indices: I"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "I": (dtypes.int32, dtypes.int64)},
        attributes=(
            attribute("axis", "int", 0, "The axis of x that is indexed."),
            attribute("batch_dims", "int", 0, "How many leading axes x and indices share; at most axis."),
            attribute("from_end", "bool", False, "Whether an index below 0 counts from the end of the axis."),
        ),
        doc="Slices of x along an axis, by index: y[b, o, k, i] = x[b, o, indices[b, k], i], where b, o, k and i "
        "stand for any number of axes. An index outside 0..size-1 (with from_end: -size..size-1) is an error.",
        shape=_gather_shape,
        reference=_gather,
        gradient=_gather_gradient,
        quant="same",
        texts=True,
    ),
    OpDef(
        name="unsorted_segment_sum",
        opcode=365,
        inputs=("data: T", "segment_ids: I", "num_segments: S shape_only"),
        outputs=("sums: T",),
        types={
            "T": dtypes.NUMBERS,
            "I": (dtypes.int32, dtypes.int64),
            "S": (dtypes.int32, dtypes.int64),
        },
        doc="Sums of the slices of data that have the same id: sums[s] is the sum of data[i] over all i with "
        "segment_ids[i] = s, where i stands for as many axes as segment_ids has. Slices are added in their order, "
        "float16 in float32. An id outside 0..num_segments-1 is an error.",
        shape=_segment_shape,
        reference=_segment_sum,
        gradient=lambda b, op, dy: [b.gather(dy, op.inputs[1], axis=0), None, None],
        any_rank=True,
    ),
    OpDef(
        name="one_hot",
        opcode=32,
        inputs=("indices: I",),
        outputs=("y: @dtype",),
        types={"I": dtypes.INTEGERS},
        attributes=(
            attribute("depth", "int", doc="The size of the new axis."),
            attribute("on_value", "float", 1.0, "The value at the index."),
            attribute("off_value", "float", 0.0, "The value everywhere else."),
            attribute("axis", "int", -1, "Where the new axis is in the output."),
            attribute("dtype", "dtype", dtypes.float32, "The element type of the output."),
        ),
        doc="A new axis that holds on_value at the index and off_value elsewhere; for an index outside 0..depth-1 it "
        "holds off_value only. The values are cast to the output's type as cast does.",
        shape=_one_hot_shape,
        reference=_one_hot,
    ),
)
