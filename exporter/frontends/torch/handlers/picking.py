"""Parts of tensors: slices, splits, indices, and writing into parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose import index as index_
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dims, dtypes
from samara.graph.dims import Dim, Dimension
from samara.graph.graph import Tensor
from samara.graph.ops.indexing import axis_slice
from samara.graph.rewrite import constant_value

_FAR = 2**31


def part(r: Reader, x: Tensor, axis: int, start: Any, end: Any, step: int = 1) -> Tensor:
    """x[start:end:step] along an axis, as Python means it; bounds may be dimensions."""
    assert x.shape is not None
    size = x.shape[axis]
    begin, stop = _bound(start, size), _bound(end, size)
    if begin in (None, 0) and stop is None and step == 1:
        return x
    if isinstance(begin, Dim) or isinstance(stop, Dim):
        return _between(r, x, axis, begin or 0, size if stop is None else stop, step)
    made: Tensor = r.b.strided_slice(x, **axis_slice(axis, begin, stop, step))
    return made


def _bound(bound: Any, size: Dimension) -> Dimension | None:
    """A bound, None for that of the axis; one that moves with the axis counts from its end."""
    if bound is None or (isinstance(bound, int) and bound >= _FAR):
        return None
    if isinstance(bound, int):
        if isinstance(size, int):
            return max(-size, bound) if bound < 0 else min(bound, size)
        return bound
    difference = bound - size
    if isinstance(difference, int):
        return None if difference >= 0 else difference
    return bound


def _between(r: Reader, x: Tensor, axis: int, begin: Dimension, end: Dimension, step: int) -> Tensor:
    """A slice whose bounds change with the inputs: its elements are picked by their numbers."""
    b = r.b
    assert x.shape is not None
    size = x.shape[axis]

    def placed(bound: Dimension) -> Dimension:
        if dims.bounds(bound)[1] <= 0 and bound != 0:
            return dims.maximum(bound + size, 0)
        if dims.bounds(bound)[0] < 0:
            raise r.unsupported(f"the bound {bound} of a slice may have either sign")
        return dims.minimum(bound, size)

    first, last = placed(begin), placed(end)
    count = dims.ceil_divide(dims.maximum(last - first, 0), step)
    numbers = b.range(r.symbols.scalar(0), r.symbols.scalar(count), r.symbols.scalar(1))
    if step != 1:
        numbers = b.multiply(numbers, r.symbols.scalar(step))
    if first != 0:
        numbers = b.add(numbers, r.symbols.scalar(first))
    made: Tensor = b.gather(x, numbers, axis=axis)
    return made


@handles("aten.slice.Tensor", "aten.slice_copy")
def slice_(r: Reader, x: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Tensor:
    return part(r, x, r.axis(dim, x), start, end, step)


@handles("aten.narrow", "aten.narrow_copy")
def narrow(r: Reader, x: Tensor, dim: int, start: Any, length: Any) -> Tensor:
    return part(r, x, r.axis(dim, x), start, start + length)


@handles("aten.select.int", "aten.select_copy")
def select(r: Reader, x: Tensor, dim: int, index: Any) -> Tensor:
    axis = r.axis(dim, x)
    assert x.shape is not None
    if isinstance(index, Dim):
        moved = index - x.shape[axis]
        if not isinstance(moved, int):
            return r.b.gather(x, r.symbols.scalar(index), axis=axis, from_end=True)
        index = moved
    attributes = axis_slice(axis, index, None)
    attributes["end"] = (*attributes["end"][:-1], index + 1)
    attributes["end_mask"] &= ~(1 << axis)
    return r.b.strided_slice(x, shrink_axis_mask=1 << axis, **attributes)


@handles("aten.split.Tensor", "aten.split_copy.Tensor", "aten.chunk")
def split(r: Reader, x: Tensor, size: Any, dim: int = 0) -> list[Tensor]:
    axis = r.axis(dim, x)
    return _split(r, x, axis, [r.symbols.dimension(m.shape[axis]) for m in r.meta])


@handles("aten.split_with_sizes", "aten.split_with_sizes_copy", "aten.split.sizes", "aten.tensor_split")
def split_with_sizes(r: Reader, x: Tensor, sizes: Any, dim: int = 0) -> list[Tensor]:
    axis = r.axis(dim, x)
    return _split(r, x, axis, [r.symbols.dimension(m.shape[axis]) for m in r.meta])


def _split(r: Reader, x: Tensor, axis: int, sizes: Sequence[Dimension]) -> list[Tensor]:
    if len(sizes) == 1:
        return [x]
    if sum(isinstance(s, Dim) for s in sizes) <= 1:
        listed = [s if isinstance(s, int) else None for s in sizes]
        return list(r.b.split(x, axis=axis, sizes=listed))
    found, start = [], 0
    for size in sizes:
        found.append(part(r, x, axis, start, start + size))
        start = start + size  # type: ignore[assignment]
    return found


@handles("aten.unbind", "aten.unbind_copy")
def unbind(r: Reader, x: Tensor, dim: int = 0) -> list[Tensor]:
    axis = r.axis(dim, x)
    count = len(r.meta)
    if count == 1:
        return [r.b.squeeze(x, axes=(axis,))]
    return [r.b.squeeze(t, axes=(axis,)) for t in r.b.split(x, axis=axis, sizes=(1,) * count)]


@handles("aten.diagonal", "aten.diagonal_copy")
def diagonal(r: Reader, x: Tensor, offset: int = 0, first: int = 0, second: int = 1) -> Tensor:
    first, second = r.axis(first, x), r.axis(second, x)
    assert x.shape is not None
    rest = [a for a in range(r.rank(x)) if a not in (first, second)]
    x = r.b.transpose(x, permutation=(*rest, first, second))
    assert x.shape is not None
    rows, columns = (r.number(n, "an axis of a diagonal") for n in x.shape[-2:])
    count = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    start = max(offset, 0) - min(offset, 0) * columns
    flat = r.reshape(x, (*x.shape[:-2], rows * columns))
    numbers = start + np.arange(count, dtype=np.int32) * (columns + 1)
    return r.b.gather(flat, numbers, axis=len(rest))


@handles("aten.unfold")
def unfold(r: Reader, x: Tensor, dim: int, size: int, step: int) -> Tensor:
    axis = r.axis(dim, x)
    assert x.shape is not None
    length = r.number(x.shape[axis], "the axis that is unfolded")
    count = (length - size) // step + 1
    numbers = np.arange(count, dtype=np.int32)[:, None] * step + np.arange(size, dtype=np.int32)
    picked = r.b.gather(x, numbers, axis=axis)
    rank = r.rank(x)
    order = [a for a in range(rank + 1) if a != axis + 1]
    return r.b.transpose(picked, permutation=(*order, axis + 1))


# By index ---------------------------------------------------------------------------------------------------------


def wrapped(r: Reader, index: Tensor, size: Dimension) -> Tensor:
    """Indices with those below 0 counted from the end."""
    value = constant_value(index)
    if value is not None and isinstance(size, int):
        return r.b.constant(np.where(value < 0, value + size, value).astype(value.dtype))
    if _is_not_negative(index):
        return index
    b = r.b
    zero = b.like(0, index)
    made: Tensor = b.where(b.less(index, zero), b.add(index, r.tensor(size, index.dtype)), index)
    return made


def _is_not_negative(index: Tensor, depth: int = 8) -> bool:
    """Whether indices are seen to be 0 or more: made of counting, and of comparing."""
    op = index.op
    if depth == 0:
        return False
    inputs = op.given_inputs
    if op.type == "constant":
        return bool(np.all(np.asarray(op.a.value) >= 0))
    if op.type == "range":
        return all(_is_not_negative(t, depth - 1) for t in inputs)
    if op.type in ("argmax", "argmin", "shape"):
        return True
    if op.type in ("add", "multiply", "maximum", "floor_divide", "concat", "stack"):
        return all(_is_not_negative(t, depth - 1) for t in inputs)
    if op.type in (
        "cast",
        "reshape",
        "expand_dims",
        "squeeze",
        "broadcast_to",
        "transpose",
        "gather",
        "identity",
    ):
        return inputs[0].dtype in (dtypes.bool_, dtypes.uint8) or _is_not_negative(inputs[0], depth - 1)
    return False


def _integer(r: Reader, index: Tensor) -> Tensor:
    return index if index.dtype in (dtypes.int32, dtypes.int64) else r.cast(index, dtypes.int64)


@handles("aten.embedding")
def embedding(r: Reader, weight: Tensor, indices: Tensor, *rest: Any) -> Tensor:
    return r.b.gather(weight, _integer(r, indices), axis=0)


@handles("aten.index_select")
def index_select(r: Reader, x: Tensor, dim: int, index: Tensor) -> Tensor:
    index = r.reshape(index, (1,)) if r.rank(index) == 0 else index
    if r.rank(x) == 0:
        return x
    return r.b.gather(x, _integer(r, index), axis=r.axis(dim, x))


class Positions:
    """Index tensors of x[i, :, j], joined to one that numbers the elements of the indexed axes.

    Attributes:
        x: with the indexed axes next to each other and merged into axis `axis`.
        numbers: into that axis.
        order: the axes of what was given, in the order of `x` before merging.
    """

    def __init__(self, r: Reader, x: Tensor, indices: Sequence[Tensor | None]) -> None:
        assert x.shape is not None
        self.r = r
        axes = [a for a, i in enumerate(indices) if i is not None]
        given = [i for i in indices if i is not None]
        together = axes == list(range(axes[0], axes[0] + len(axes)))
        rank = r.rank(x)
        self.axis = axes[0] if together else 0
        rest = [a for a in range(rank) if a not in axes]
        self.order = tuple([*rest[: self.axis], *axes, *rest[self.axis :]])
        self.arranged = x if self.order == tuple(range(rank)) else r.b.transpose(x, permutation=self.order)
        shape = self.arranged.shape
        assert shape is not None
        self.count = len(axes)
        self.sizes = shape[self.axis : self.axis + self.count]
        self.merged = (*shape[: self.axis], dims.product(self.sizes), *shape[self.axis + self.count :])
        self.x = r.reshape(self.arranged, self.merged)
        numbers: Tensor | None = None
        wide = (
            [r.cast(_integer(r, i), dtypes.int64) for i in given]
            if len(given) > 1
            else [_integer(r, given[0])]
        )
        for index, size in zip(wide, self.sizes, strict=True):
            index = wrapped(r, index, size)
            scaled = None if numbers is None else r.b.multiply(numbers, r.tensor(size, index.dtype))
            numbers = index if scaled is None else r.b.add(scaled, index)
        assert numbers is not None
        self.numbers = numbers

    def restored(self, merged: Tensor) -> Tensor:
        """What has the shape of `x`, in the arrangement that was given."""
        assert self.arranged.shape is not None
        split = self.r.reshape(merged, self.arranged.shape)
        if self.order == tuple(range(len(self.order))):
            return split
        back = tuple(int(i) for i in np.argsort(self.order))
        made: Tensor = self.r.b.transpose(split, permutation=back)
        return made


@handles("aten.index.Tensor", "aten._unsafe_index.Tensor")
def index(r: Reader, x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    if any(i is not None and i.dtype is dtypes.bool_ for i in indices):
        return _where_true(r, x, indices)
    positions = Positions(r, x, indices)
    numbers = positions.numbers
    return r.b.gather(positions.x, numbers, axis=positions.axis, from_end=not _is_not_negative(numbers))


def _where_true(r: Reader, x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    """The elements for which a mask is true; their number depends on data."""
    first = next(a for a, i in enumerate(indices) if i is not None)
    mask = indices[first]
    if mask is None or len([i for i in indices if i is not None]) > 1:
        raise r.unsupported("it indexes with a mask and with other indices", "index in two steps")
    order = [*range(first, first + r.rank(mask)), *range(first), *range(first + r.rank(mask), r.rank(x))]
    turned = x if not first else r.b.transpose(x, permutation=tuple(order))
    found = index_.masked(r.b, turned, mask)
    if not first:
        return found
    # The found axis goes back to where the mask was.
    back = (*range(1, first + 1), 0, *range(first + 1, r.rank(found)))
    return r.b.transpose(found, permutation=back)


@handles("aten.gather")
def gather(r: Reader, x: Tensor, dim: int, index: Tensor, sparse: bool = False) -> Tensor:
    if r.rank(x) == 0:
        return r.broadcast(x, index.shape or ())
    return r.b.gather_elements(x, _integer(r, index), axis=r.axis(dim, x))


@handles("aten.take")
def take(r: Reader, x: Tensor, index: Tensor) -> Tensor:
    flat = r.reshape(x, (dims.product(x.shape or ()),))
    return r.b.gather(flat, _integer(r, index), axis=0, from_end=True)


# Writing into parts -----------------------------------------------------------------------------------------------


@handles("aten.slice_scatter")
def slice_scatter(
    r: Reader, x: Tensor, source: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Tensor:
    axis = r.axis(dim, x)
    assert x.shape is not None
    size = x.shape[axis]
    source = r.cast(source, x.dtype)
    if step != 1:
        count = r.number(size, "the axis that is written in steps")
        numbers = np.arange(count)[slice(start, end, step)]
        return _rows(r, x, axis, r.b.constant(numbers), source, "none")
    begin, stop = _bound(start, size), _bound(end, size)
    pieces = [source]
    if begin not in (None, 0):
        pieces.insert(0, part(r, x, axis, None, begin))
    if stop is not None and stop != size:
        pieces.append(part(r, x, axis, stop, None))
    return r.b.concat(pieces, axis=axis) if len(pieces) > 1 else r.broadcast(source, x.shape)


@handles("aten.select_scatter")
def select_scatter(r: Reader, x: Tensor, source: Tensor, dim: int, index: Any) -> Tensor:
    axis = r.axis(dim, x)
    assert x.shape is not None
    size = x.shape[axis]
    place = r.number(index, "the index")
    place = place + r.number(size, "the axis that is indexed") if place < 0 else place
    row = r.b.expand_dims(r.cast(source, x.dtype), axis=axis)
    return slice_scatter(r, x, row, axis, place, place + 1)


_REDUCTIONS = {
    "sum": "add",
    "add": "add",
    "prod": "multiply",
    "multiply": "multiply",
    "amax": "maximum",
    "amin": "minimum",
}


def _scattered(
    r: Reader, x: Tensor, dim: int, index: Tensor, updates: Any, reduction: str = "none"
) -> Tensor:
    """X with updates at indices along an axis; of updates longer than the indices the first count."""
    b = r.b
    scalar = r.rank(x) == 0
    if scalar:
        x, index = r.reshape(x, (1,)), r.reshape(index, (1,))
    assert index.shape is not None
    if isinstance(updates, Tensor) and r.rank(updates):
        for axis, size in enumerate(index.shape):
            updates = part(r, updates, axis, 0, size)
        updates = r.cast(updates, x.dtype)
    else:
        updates = r.broadcast(r.tensor(updates, x.dtype), index.shape)
    made: Tensor = b.scatter_elements(
        x, _integer(r, index), updates, axis=r.axis(dim, x), reduction=reduction
    )
    return r.reshape(made, ()) if scalar else made


@handles("aten.scatter.src", "aten.scatter.value")
def scatter(r: Reader, x: Tensor, dim: int, index: Tensor, updates: Any) -> Tensor:
    return _scattered(r, x, dim, index, updates)


@handles("aten.scatter.reduce", "aten.scatter.value_reduce")
def scatter_with(r: Reader, x: Tensor, dim: int, index: Tensor, updates: Any, reduce: str) -> Tensor:
    return _scattered(r, x, dim, index, updates, _REDUCTIONS[reduce])


@handles("aten.scatter_add")
def scatter_add(r: Reader, x: Tensor, dim: int, index: Tensor, updates: Tensor) -> Tensor:
    return _scattered(r, x, dim, index, updates, "add")


@handles("aten.scatter_reduce.two")
def scatter_reduce(
    r: Reader, x: Tensor, dim: int, index: Tensor, updates: Tensor, reduce: str, include_self: bool = True
) -> Tensor:
    if reduce not in _REDUCTIONS:
        raise r.unsupported(f"it reduces by {reduce}", "use sum, prod, amax or amin")
    if not include_self:
        # What is written to starts with the number that changes nothing.
        limits = np.finfo(x.dtype.numpy) if x.dtype.is_floating else np.iinfo(x.dtype.numpy)
        lowest, highest = (-np.inf, np.inf) if x.dtype.is_floating else (limits.min, limits.max)
        neutral = {"sum": 0, "prod": 1, "amax": lowest, "amin": highest}[reduce]
        x = _scattered(r, x, dim, index, r.tensor(neutral, x.dtype))
    return _scattered(r, x, dim, index, updates, _REDUCTIONS[reduce])


@handles("aten.index_put", "aten._unsafe_index_put")
def index_put(
    r: Reader, x: Tensor, indices: Sequence[Tensor | None], values: Any, accumulate: bool = False, *rest: Any
) -> Tensor:
    masks = [i for i in indices if i is not None and i.dtype is dtypes.bool_]
    values = r.tensor(values, x.dtype)
    if masks:
        # A mask with one value for all places is a choice.
        (mask,) = masks
        if len([i for i in indices if i is not None]) > 1 or accumulate or values.shape not in ((), (1,)):
            raise r.unsupported("it writes where a mask is true", "use torch.where")
        lead = next(a for a, i in enumerate(indices) if i is not None)
        tail = r.rank(x) - lead - r.rank(mask)
        mask = r.reshape(mask, (*(1,) * lead, *(mask.shape or ()), *(1,) * tail))
        return r.b.where(mask, r.reshape(values, ()), x)
    positions = Positions(r, x, indices)
    assert positions.numbers.shape is not None
    merged = positions.merged
    # The written rows, with the merged axis first.
    order = (positions.axis, *(a for a in range(len(merged)) if a != positions.axis))
    table = positions.x if positions.axis == 0 else r.b.transpose(positions.x, permutation=order)
    shape = (*merged[: positions.axis], *positions.numbers.shape, *merged[positions.axis + 1 :])
    written = r.broadcast(values, shape)
    count = len(positions.numbers.shape)
    if positions.axis:
        axes = range(positions.axis, positions.axis + count)
        rest_of = [a for a in range(len(shape)) if a not in axes]
        written = r.b.transpose(written, permutation=(*axes, *rest_of))
    numbers = r.b.expand_dims(positions.numbers, axis=count)
    y = r.b.scatter_nd(table, numbers, written, reduction="add" if accumulate else "none")
    if positions.axis:
        y = r.b.transpose(y, permutation=tuple(int(i) for i in np.argsort(order)))
    return positions.restored(y)


def _rows(r: Reader, x: Tensor, dim: int, index: Tensor, values: Any, reduction: str) -> Tensor:
    """X with whole slices along an axis written."""
    b = r.b
    axis = r.axis(dim, x)
    assert x.shape is not None
    index = _integer(r, r.reshape(index, (1,)) if r.rank(index) == 0 else index)
    assert index.shape is not None
    values = r.tensor(values, x.dtype)
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    values = r.reshape(values, shape) if r.rank(values) == len(shape) else r.broadcast(values, shape)
    order = (axis, *(a for a in range(r.rank(x)) if a != axis))
    back = tuple(int(i) for i in np.argsort(order))
    turned = [t if axis == 0 else b.transpose(t, permutation=order) for t in (x, values)]
    y = b.scatter_nd(turned[0], b.expand_dims(index, axis=1), turned[1], reduction=reduction)
    made: Tensor = y if axis == 0 else b.transpose(y, permutation=back)
    return made


@handles("aten.index_copy")
def index_copy(r: Reader, x: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    return _rows(r, x, dim, index, source, "none")


@handles("aten.index_fill")
def index_fill(r: Reader, x: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    return _rows(r, x, dim, index, value, "none")


@handles("aten.index_add")
def index_add(r: Reader, x: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any = 1) -> Tensor:
    source = r.cast(source, x.dtype)
    source = source if alpha == 1 else r.b.multiply(source, r.tensor(alpha, x.dtype))
    return _rows(r, x, dim, index, source, "add")
