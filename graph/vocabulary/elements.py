"""Picking, ordering and counting elements."""

from __future__ import annotations

import builtins
from typing import Any, NamedTuple

import numpy as np

from samara.errors import ShapeError
from samara.graph.convert import builder, convert_to_tensor, known, sizes
from samara.graph.dtypes import as_dtype, bool_, float32, int32, int64
from samara.graph.graph import Tensor


class TopK(NamedTuple):
    """The largest elements and where they are."""

    values: Tensor
    indices: Tensor


class Unique(NamedTuple):
    """The different elements, and for each element which of them it is."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """The different elements, for each element which of them it is, and how often each comes."""

    y: Tensor
    idx: Tensor
    count: Any


class Difference(NamedTuple):
    """The elements of one list that another has not, and where they are."""

    out: Tensor
    idx: Tensor


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: int = 0,
    batch_dims: int = 0,
) -> Tensor:
    """The slices of `params` along an axis that `indices` name."""
    result: Tensor = builder(params, indices).gather(
        params, indices, axis=axis, batch_dims=batch_dims, name=name
    )
    return result


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """Slices of `params` along the last axis of `indices`, whose other axes both share."""
    places = convert_to_tensor(indices)
    last = len(places.shape or ()) - 1
    return gather(params, places, name=name, axis=last, batch_dims=last)


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """The slices of `params` that tuples of indices, the last axis of `indices`, name."""
    result: Tensor = builder(params, indices).gather_nd(params, indices, batch_dims=batch_dims, name=name)
    return result


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of a shape, with the slices of `updates` added where tuples of indices say."""
    b = builder(indices, updates, shape)
    values = b.constant(updates)
    zeros = b.broadcast_to(b.like(0, values), sizes(shape))
    result: Tensor = b.scatter_nd(zeros, indices, values, reduction="add", name=name)
    return result


def tensor_scatter_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with the slices that tuples of indices name replaced by `updates`."""
    result: Tensor = builder(tensor, indices, updates).scatter_nd(tensor, indices, updates, name=name)
    return result


def tensor_scatter_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with `updates` added to the slices that tuples of indices name."""
    result: Tensor = builder(tensor, indices, updates).scatter_nd(
        tensor, indices, updates, reduction="add", name=name
    )
    return result


def tensor_scatter_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with `updates` subtracted from the slices that tuples of indices name."""
    b = builder(tensor, indices, updates)
    return tensor_scatter_add(tensor, indices, b.negative(updates), name)


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None) -> Tensor:
    """The slices for which the mask holds, along the axes of the mask, which begin at `axis` (0 when None).

    Raises:
        ShapeError: the rank of the mask is not known, or is 0.
    """
    x, held = convert_to_tensor(tensor), convert_to_tensor(mask)
    b = x.graph.b
    first = int(axis or 0)
    if held.shape is None or not held.shape:
        raise ShapeError(f"boolean_mask: the rank of the mask {held.name} must be known, and be 1 or more")
    rank = len(held.shape)
    places = b.reshape(_true_places(b.reshape(held, np.asarray([-1], np.int32))), np.asarray([-1], np.int32))
    if rank > 1:
        if x.shape is None:
            raise ShapeError(f"boolean_mask: the rank of {x.name} is not known")
        whole = b.constant(b.sizes(x))
        parts = [whole[:first], np.asarray([-1], np.int32), whole[first + rank :]]
        x = b.reshape(x, b.concat([p if isinstance(p, Tensor) else b.constant(p) for p in parts], axis=0))
    result: Tensor = b.gather(x, places, axis=first, name=name)
    return result


def _true_places(held: Any) -> Tensor:
    """The places of the elements that are not 0 or False: [how many, rank], int64."""
    b = builder(held)
    indices, count = b.non_zero(held)
    rank = len(convert_to_tensor(held).shape or ())
    kept = b.slice(
        indices,
        np.zeros(2, np.int32),
        b.stack([np.int32(rank), b.cast(count, dtype=int32)], axis=0),
        strides=(1, 1),
    )
    places: Tensor = b.transpose(kept)
    return places


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """X where the condition holds and y elsewhere; or, given the condition alone, the places where it holds.

    Of x and y with a rank above that of a condition of rank 1, whole slices are taken. The places are [how many, rank],
    in the order of rows.

    Raises:
        ValueError: only one of x and y is given.
    """
    if (x is None) != (y is None):
        raise ValueError("where takes both x and y, or neither")
    b = builder(condition, x, y)
    if x is None:
        tensor = convert_to_tensor(condition)
        if tensor.shape is None:
            raise ShapeError(f"where: the rank of {tensor.name} is not known")
        places = _true_places(tensor)
        result: Tensor = b.identity(places, name=name)
        return result
    chosen = b.constant(condition)
    if chosen.shape is not None and len(chosen.shape) == 1:
        # One condition for each slice, as TensorFlow has it.
        rank = max(
            len(getattr(b.constant(v) if not hasattr(v, "as_graph_tensor") else v, "shape", ()) or ())
            for v in (x, y)
        )
        for _ in builtins.range(rank - 1):
            chosen = b.expand_dims(chosen, axis=-1)
    result = b.where(chosen, x, y, name=name)
    return result


def unique(x: Any, out_idx: Any = int32, name: str | None = None) -> Unique:
    """The different elements of a list in the order in which they first come, and for each element which it is."""
    y, idx, _ = unique_with_counts(x, out_idx, name)
    return Unique(y, idx)


def unique_with_counts(x: Any, out_idx: Any = int32, name: str | None = None) -> UniqueWithCounts:
    """What `unique` gives, and how often each of the different elements comes."""
    tensor = convert_to_tensor(x)
    b = tensor.graph.b
    first, inverse, counts, count = b.unique(tensor, sorted=False, name=name)
    start, size = np.zeros(1, np.int32), b.reshape(b.cast(count, dtype=int32), np.asarray([1], np.int32))
    y = b.gather(tensor, b.slice(first, start, size, strides=(1,)), axis=0)
    often = b.cast(b.slice(counts, start, size, strides=(1,)), dtype=as_dtype(out_idx))
    return UniqueWithCounts(y, b.cast(inverse, dtype=as_dtype(out_idx)), often)


def setdiff1d(x: Any, y: Any, index_dtype: Any = int32, name: str | None = None) -> Difference:
    """The elements of list x that are not in list y, in their order, and where they are."""
    b = builder(x, y)
    left = b.constant(x)
    same = b.equal(b.expand_dims(left, axis=1), b.expand_dims(b.constant(y, left.dtype), axis=0))
    kept = b.logical_not(b.reduce_any(same, axes=(1,)))
    places = b.reshape(_true_places(kept), np.asarray([-1], np.int32))
    return Difference(b.gather(left, places, axis=0, name=name), b.cast(places, dtype=as_dtype(index_dtype)))


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopK:
    """The k largest elements along the last axis, from the largest on, and where they are."""
    values, indices = builder(input, k).top_k(input, k, output_type=int32, name=name)
    return TopK(values, indices)


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The elements along an axis in order; direction "DESCENDING" puts the largest first."""
    found: Tensor = _ordered(values, axis, direction, name)[0]
    return found


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """Where the elements along an axis are that `sort` puts in order; equal ones stay in theirs."""
    found: Tensor = _ordered(values, axis, direction, name)[1]
    return found


def _ordered(values: Any, axis: int, direction: str, name: str | None) -> Any:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction is {direction!r}, expected ASCENDING or DESCENDING")
    tensor = convert_to_tensor(values)
    b = tensor.graph.b
    size = tensor.shape[axis] if tensor.shape is not None else None
    count = np.int32(size) if isinstance(size, int) else b.shape(tensor)[axis]
    return b.top_k(tensor, count, axis=axis, largest=direction == "DESCENDING", output_type=int32, name=name)


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The permutation y with y[x[i]] = i."""
    b = builder(x)
    places = b.constant(x)
    size = b.shape(places)[0]
    numbers = b.range(b.like(0, places), b.cast(size, dtype=places.dtype), b.like(1, places))
    result: Tensor = b.scatter_nd(b.zeros_like(places), b.expand_dims(places, axis=-1), numbers, name=name)
    return result


def cumsum(
    x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Running sums along an axis; `exclusive` leaves the element itself out, `reverse` goes from the end."""
    result: Tensor = builder(x).cumulative_sum(x, axis=axis, exclusive=exclusive, reverse=reverse, name=name)
    return result


def cumprod(
    x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Running products along an axis; `exclusive` leaves the element itself out, `reverse` goes from the end."""
    result: Tensor = builder(x).cumulative_prod(x, axis=axis, exclusive=exclusive, reverse=reverse, name=name)
    return result


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = int32,
    name: str | None = None,
) -> Tensor:
    """How often each number from 0 to the largest comes in an integer tensor, or the sums of the weights of each.

    Args:
        arr: numbers from 0 on.
        weights: of the shape of `arr`; the result has their element type.
        minlength: the least length of the result.
        maxlength: its largest length; numbers from there on count nothing.
        dtype: the result's element type where there are no weights.
        name: the operation's.
    """
    values = convert_to_tensor(arr)
    b = values.graph.b
    flat = b.reshape(b.cast(values, dtype=int32), np.asarray([-1], np.int32))
    padded = b.concat([flat, b.constant(np.asarray([-1], np.int32))], axis=0)
    length = b.add(b.reduce_max(padded), np.int32(1))
    if minlength is not None:
        length = b.maximum(length, b.cast(b.constant(minlength), dtype=int32))
    kind = as_dtype(dtype)
    if weights is not None:
        heavy = b.reshape(b.constant(weights), np.asarray([-1], np.int32))
    else:
        heavy = b.broadcast_to(np.ones((), kind.numpy), b.shape(flat))
    if maxlength is not None:
        most = b.cast(b.constant(maxlength), dtype=int32)
        length = b.minimum(length, most)
        inside = b.less(flat, most)
        heavy = b.where(inside, heavy, b.like(0, heavy))
        flat = b.where(inside, flat, np.int32(0))
        length_ = b.maximum(length, np.int32(1))
        sums = b.unsorted_segment_sum(heavy, flat, length_)
        result: Tensor = b.slice(
            sums, np.zeros(1, np.int32), b.reshape(length, np.asarray([1], np.int32)), strides=(1,), name=name
        )
        return result
    result = b.unsorted_segment_sum(heavy, flat, length, name=name)
    return result


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: int = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """In which of `nbins` equal parts of a range each value lies; values outside are in the first or the last."""
    x = convert_to_tensor(values)
    b = x.graph.b
    low, high = (b.constant(v, x.dtype) for v in _two(b, value_range))
    scaled = b.divide(b.subtract(x, low), b.subtract(high, low))
    found = b.floor(b.multiply(b.like(nbins, x), scaled))
    clipped = b.clip(found, minimum=0.0, maximum=float(nbins - 1))
    result: Tensor = b.cast(clipped, dtype=as_dtype(dtype), name=name)
    return result


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: int = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """How many values lie in each of `nbins` equal parts of a range; values outside are in the first or the last."""
    bins = histogram_fixed_width_bins(values, value_range, nbins)
    b = bins.graph.b
    flat = b.reshape(bins, np.asarray([-1], np.int32))
    ones = b.broadcast_to(np.ones((), as_dtype(dtype).numpy), b.shape(flat))
    result: Tensor = b.unsorted_segment_sum(ones, flat, np.int32(nbins), name=name)
    return result


def _two(b: Any, values: Any) -> Any:
    if hasattr(values, "as_graph_tensor"):
        tensor = values.as_graph_tensor()
        return tensor[0], tensor[1]
    return np.asarray(values).tolist()


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: int | None = None,
    dtype: Any = int32,
    name: str | None = None,
    weights: Any = None,
) -> Tensor:
    """How often each class (row) is predicted to be each class (column).

    Args:
        labels: a list of integers, the classes.
        predictions: a list of integers, what they are predicted to be.
        num_classes: the number of classes; the largest that comes and 1 when None.
        dtype: the result's element type.
        name: the operation's.
        weights: what each pair counts; 1 when None.
    """
    b = builder(labels, predictions, weights)
    rows, columns = (b.cast(b.constant(v), dtype=int32) for v in (labels, predictions))
    if num_classes is None:
        count = b.add(b.maximum(b.reduce_max(rows), b.reduce_max(columns)), np.int32(1))
    else:
        count = b.constant(np.int32(num_classes))
    kind = as_dtype(dtype)
    if weights is None:
        heavy = b.broadcast_to(np.ones((), kind.numpy), b.shape(rows))
    else:
        heavy = b.cast(b.constant(weights), dtype=kind)
    zeros = b.broadcast_to(np.zeros((), kind.numpy), b.stack([count, count], axis=0))
    pairs = b.stack([rows, columns], axis=1)
    result: Tensor = b.scatter_nd(zeros, pairs, heavy, reduction="add", name=name)
    if num_classes is not None:
        result.set_shape([num_classes, num_classes])
    return result


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = bool_, name: str | None = None) -> Tensor:
    """For each length n a row of `maxlen` elements, the first n of them True; the longest is the row's when None."""
    tensor = convert_to_tensor(lengths)
    b = tensor.graph.b
    most = b.reduce_max(tensor) if maxlen is None else b.constant(maxlen, tensor.dtype)
    numbers = b.range(b.like(0, tensor), most, b.like(1, tensor))
    held = b.less(numbers, b.expand_dims(tensor, axis=-1))
    kind = as_dtype(dtype)
    result: Tensor = b.identity(held if kind is bool_ else b.cast(held, dtype=kind), name=name)
    return result


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """The first seq_lengths[i] elements along an axis turned round, for each i along the batch axis.

    Raises:
        TypeError: seq_axis is missing.
    """
    along = seq_axis if seq_axis is not None else seq_dim
    if along is None:
        raise TypeError("reverse_sequence needs seq_axis")
    batch = batch_axis if batch_axis is not None else batch_dim or 0
    x = convert_to_tensor(input)
    b = x.graph.b
    if x.shape is None:
        raise ShapeError(f"reverse_sequence: the rank of {x.name} is not known")
    rank = len(x.shape)
    along, batch = along % rank, batch % rank
    order = (batch, along, *(i for i in builtins.range(rank) if i not in (along, batch)))
    turned = b.transpose(x, permutation=order)
    lengths = b.expand_dims(b.cast(b.constant(seq_lengths), dtype=int64), axis=-1)
    size = b.cast(b.shape(turned)[1], dtype=int64)
    numbers = b.range(np.int64(0), size, np.int64(1))
    places = b.where(
        b.less(numbers, lengths),
        b.subtract(b.subtract(lengths, np.int64(1)), numbers),
        b.expand_dims(numbers, axis=0),
    )
    taken = b.gather(turned, places, axis=1, batch_dims=1)
    back = tuple(order.index(i) for i in builtins.range(rank))
    result: Tensor = b.transpose(taken, permutation=back, name=name)
    return result


def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """on_value where the index is, off_value elsewhere, along a new axis of size `depth`.

    The element type is that of the values where they are given, else float32.
    """
    given = [v for v in (on_value, off_value) if v is not None]
    kind = as_dtype(dtype) if dtype is not None else convert_to_tensor(given[0]).dtype if given else float32
    numbers = [
        float(v) if not hasattr(v, "as_graph_tensor") else v
        for v in (1 if on_value is None else on_value, 0 if off_value is None else off_value)
    ]
    b = builder(indices, *given)
    along = -1 if axis is None else axis
    if all(isinstance(v, float) for v in numbers):
        result: Tensor = b.one_hot(
            indices,
            depth=int(known(depth, "depth")),
            on_value=numbers[0],
            off_value=numbers[1],
            axis=along,
            dtype=kind,
            name=name,
        )
        return result
    here = b.one_hot(indices, depth=int(known(depth, "depth")), axis=along, dtype=bool_)
    result = b.where(
        here,
        b.constant(on_value, kind) if not hasattr(on_value, "as_graph_tensor") else on_value,
        b.constant(0 if off_value is None else off_value, kind),
        name=name,
    )
    return result


listdiff = setdiff1d
select = where

__all__ = [
    "Difference",
    "TopK",
    "Unique",
    "UniqueWithCounts",
    "argsort",
    "batch_gather",
    "bincount",
    "boolean_mask",
    "confusion_matrix",
    "cumprod",
    "cumsum",
    "gather",
    "gather_nd",
    "histogram_fixed_width",
    "histogram_fixed_width_bins",
    "invert_permutation",
    "listdiff",
    "one_hot",
    "reverse_sequence",
    "scatter_nd",
    "select",
    "sequence_mask",
    "setdiff1d",
    "sort",
    "tensor_scatter_add",
    "tensor_scatter_sub",
    "tensor_scatter_update",
    "top_k",
    "unique",
    "unique_with_counts",
    "where",
]
