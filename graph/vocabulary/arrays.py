"""Shapes and movements of the public vocabulary."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.convert import builder, convert_to_tensor, known, sizes
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor
from samara.graph.shapes import TensorShape
from samara.graph.vocabulary.mathematics import reduce_prod, reduce_sum


def shape(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The shape, as a tensor."""
    if hasattr(input, "with_values"):
        input = input.dense_shape
        made: Tensor = input.graph.b.cast(input, dtype=out_type, name=name)
        return made
    result: Tensor = builder(input).shape(input, output_type=out_type, name=name)
    return result


def size(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The number of elements."""
    return reduce_prod(shape(input, out_type=out_type), name=name)


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions."""
    if hasattr(input, "with_values"):
        return size(input.dense_shape, name)
    tensor = convert_to_tensor(input)
    if tensor.shape is not None:
        return convert_to_tensor(len(tensor.shape), int32)
    sizes_ = shape(tensor)
    return reduce_sum(tensor.graph.b.ones_like(sizes_), name=name)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape; one dimension may be -1."""
    result: Tensor = builder(tensor, shape).reshape(tensor, sizes(shape), name=name)
    return result


def transpose(a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False) -> Tensor:
    """Axes in another order; reversed when `perm` is None."""
    order = () if perm is None else tuple(int(p) for p in perm)
    result: Tensor = builder(a).transpose(a, permutation=order, name=name)
    return result


def expand_dims(
    input: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """A dimension of size 1 put in at `axis`."""
    chosen = known(axis if axis is not None else dim, "axis")
    if chosen is None:
        raise TypeError("expand_dims needs an axis")
    result: Tensor = builder(input).expand_dims(input, axis=chosen, name=name)
    return result


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """Dimensions of size 1 taken out: all, or those of `axis`."""
    chosen = axis if axis is not None else squeeze_dims
    axes = () if chosen is None else tuple(np.atleast_1d(chosen).tolist())
    result: Tensor = builder(input).squeeze(input, axes=axes, name=name)
    return result


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors joined along an axis. TensorFlow 0.x's order, `concat(axis, values)`, is understood too."""
    if isinstance(values, (int, np.integer)):
        values, axis = axis, values
    listed = list(values) if isinstance(values, (list, tuple)) else [values]
    result: Tensor = builder(*listed).concat(listed, axis=int(known(axis, "axis")), name=name)
    return result


def split(
    value: Any = None,
    num_or_size_splits: Any = None,
    axis: Any = 0,
    num: int | None = None,
    name: str | None = None,
    split_dim: int | None = None,
    num_split: int | None = None,
) -> list[Tensor]:
    """A tensor cut along an axis: into equal parts for a number, into parts of the given sizes for a list.

    TensorFlow 0.x's order, `split(split_dim, num_split, value)`, is understood too: its first argument is a number.

    Args:
        value: the tensor.
        num_or_size_splits: how many parts, or their sizes, of which one may be -1 for what is left.
        axis: along which.
        num: how many parts, where the sizes are a tensor.
        name: the operation's.
        split_dim: TensorFlow 0.x's axis.
        num_split: TensorFlow 0.x's number of parts.

    Raises:
        ShapeError: the parts do not add up to the dimension, or the dimension is not known.
    """
    if isinstance(value, (int, np.integer)) and not isinstance(axis, (int, np.integer)):
        value, axis = axis, value
    axis = int(known(axis if split_dim is None else split_dim, "axis"))
    parts = num_or_size_splits if num_split is None else num_split
    tensor = convert_to_tensor(value)
    whole = None if tensor.shape is None else tensor.shape[axis]
    if hasattr(parts, "as_graph_tensor"):
        return _split_by(tensor, parts.as_graph_tensor(), axis, num)
    if isinstance(parts, (int, np.integer)):
        count = int(parts)
        if not isinstance(whole, int) or count < 1 or whole % count:
            raise ShapeError(
                f"{tensor.name}: dimension {axis} is {whole}, which does not split into {count} equal parts"
            )
        sizes = [whole // count] * count
    else:
        sizes = [int(s) for s in parts]
        if -1 in sizes and isinstance(whole, int):
            sizes[sizes.index(-1)] = whole - builtins.sum(s for s in sizes if s != -1)
    result: list[Tensor] = tensor.graph.b.split(tensor, axis=axis, sizes=sizes, name=name)
    return result


def _split_by(tensor: Tensor, lengths: Tensor, axis: int, num: int | None) -> list[Tensor]:
    """Parts whose sizes are data."""
    count = num if num is not None else (lengths.shape[0] if lengths.shape else None)
    if not isinstance(count, int):
        raise ShapeError(f"{lengths.name}: how many parts there are is not known: give num")
    if tensor.shape is None:
        raise ShapeError(f"{tensor.name}: its rank is not known")
    b = tensor.graph.b
    rank = len(tensor.shape)
    axis %= rank
    ends = b.cumulative_sum(lengths, axis=0)
    whole = b.shape(tensor, output_type=lengths.dtype)
    made = []
    for i in builtins.range(count):
        begin = [b.like(0, lengths)] * rank
        size = [whole[k] for k in builtins.range(rank)]
        begin[axis], size[axis] = b.subtract(ends[i], lengths[i]), lengths[i]
        made.append(b.slice(tensor, b.stack(begin, axis=0), b.stack(size, axis=0), strides=[1] * rank))
    return made


def stack(values: Sequence[Any], axis: int = 0, name: str | None = None) -> Tensor:
    """Tensors joined along a new axis."""
    result: Tensor = builder(*values).stack(list(values), axis=axis, name=name)
    return result


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The slices along an axis, as a list."""
    tensor = convert_to_tensor(value)
    count = num if num is not None else (tensor.shape[axis] if tensor.shape is not None else None)
    if not isinstance(count, int):
        raise ShapeError(f"{tensor.name}: the size of dimension {axis} is not known: give num")
    parts = split(tensor, [1] * count, axis)
    return [squeeze(p, [axis]) for p in parts]


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block that starts at `begin` with the sizes `size`; -1 is all that is left.

    Both may be tensors, or lists that hold tensors; -1 must then be a number of the list.
    """
    tensor = convert_to_tensor(input_)
    b = tensor.graph.b
    starts, counts = (_numbers(v) for v in (begin, size))
    if starts is not None and counts is not None:
        ends = [p + n for p, n in zip(starts, counts, strict=True)]
        mask = builtins.sum(1 << i for i, n in enumerate(counts) if n == -1)
        result: Tensor = b.strided_slice(
            tensor, begin=starts, end=ends, strides=[1] * len(ends), end_mask=mask, name=name
        )
        return result
    places = b.constant(begin)
    if counts is not None:
        size = list(counts)
    if isinstance(size, (list, tuple)):
        whole = b.shape(tensor, output_type=places.dtype)
        left = [b.subtract(whole[i], places[i]) if _is_rest(n) else n for i, n in enumerate(size)]
        size = b.stack([b.cast(b.constant(n), dtype=places.dtype) for n in left], axis=0)
    rank = len(tensor.shape) if tensor.shape is not None else (places.shape or (None,))[0]
    if not isinstance(rank, int):
        raise ShapeError(f"slice: the rank of {tensor.name} is not known")
    result = b.slice(tensor, places, size, strides=[1] * rank, name=name)
    return result


def _is_rest(value: Any) -> bool:
    return not hasattr(value, "as_graph_tensor") and int(value) == -1


def _numbers(values: Any) -> list[int] | None:
    """The values as a list of numbers, when they are known."""
    if hasattr(values, "as_graph_tensor"):
        tensor = values.as_graph_tensor()
        values = tensor.op.a.value if tensor.op.type == "constant" else None
    if values is None or (
        isinstance(values, (list, tuple)) and any(hasattr(v, "as_graph_tensor") for v in values)
    ):
        return None
    return [int(v) for v in np.asarray(values).reshape(-1)]


def strided_slice(
    input_: Any,
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int] | None = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    name: str | None = None,
) -> Tensor:
    """Elements from begin to end in steps, for each dimension; the masks are TensorFlow's."""
    result: Tensor = builder(input_).strided_slice(
        input_,
        begin=begin,
        end=end,
        strides=[1] * len(begin) if strides is None else strides,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
        name=name,
    )
    return result


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0
) -> Tensor:
    """A tensor with values around it; `paddings` is [[before, after], ...] for each dimension.

    Modes "REFLECT" and "SYMMETRIC" mirror the tensor, without and with its edge.
    """
    flat = tuple(int(p) for p in np.asarray(known(paddings, "paddings")).reshape(-1))
    if mode.upper() == "SYMMETRIC":
        return _mirrored(convert_to_tensor(tensor), flat, name)
    result: Tensor = builder(tensor).pad(tensor, paddings=flat, mode=mode, value=constant_values, name=name)
    return result


def _along(tensor: Tensor, axis: int, key: Any) -> Any:
    keys = (*(builtins.slice(None),) * axis, key)
    return tensor[keys]


def _mirrored(tensor: Tensor, flat: Sequence[int], name: str | None) -> Tensor:
    b = tensor.graph.b
    for axis in builtins.range(len(flat) // 2):
        before, after = flat[2 * axis : 2 * axis + 2]
        if not (before or after):
            continue
        parts = [tensor]
        if before:
            parts.insert(0, _along(tensor, axis, builtins.slice(before - 1, None, -1)))
        if after:
            parts.append(_along(tensor, axis, builtins.slice(None, -after - 1, -1)))
        tensor = b.concat(parts, axis=axis)
    result: Tensor = b.identity(tensor, name=name)
    return result


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """A tensor repeated along each dimension; `multiples` may be a tensor, of a tensor of known rank."""
    tensor = convert_to_tensor(input)
    b = tensor.graph.b
    counts = _numbers(multiples)
    if counts is not None:
        result: Tensor = b.tile(tensor, multiples=tuple(counts), name=name)
        return result
    if tensor.shape is None:
        raise ShapeError(f"tile: the rank of {tensor.name} is not known")
    times, whole = b.constant(multiples), b.shape(tensor)
    spread, final = [], []
    rank = len(tensor.shape)
    for i in builtins.range(rank):
        count = b.cast(times[i], dtype=int32)
        spread += [count, whole[i]]
        final.append(b.multiply(count, whole[i]))
        tensor = b.expand_dims(tensor, axis=2 * i)
    wide = b.broadcast_to(tensor, b.stack(spread, axis=0)) if rank else tensor
    result = b.reshape(wide, b.stack(final, axis=0), name=name) if rank else b.identity(wide, name=name)
    return result


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """The elements along some axes turned round. A list of bools says it of each axis, as in TensorFlow 0.x."""
    x = convert_to_tensor(tensor)
    axes = [axis] if isinstance(axis, (int, np.integer)) else list(axis)
    if axes and all(isinstance(a, (bool, np.bool_)) for a in axes):
        axes = [i for i, turned in enumerate(axes) if turned]
    if x.shape is None:
        raise ShapeError(f"reverse: the rank of {x.name} is not known")
    counted = {int(a) % len(x.shape) for a in axes}
    keys = tuple(builtins.slice(None, None, -1 if i in counted else 1) for i in builtins.range(len(x.shape)))
    result: Tensor = x.graph.b.identity(x[keys] if counted else x, name=name)
    return result


reverse_v2 = reverse


def repeat(input: Any, repeats: int, axis: int | None = None, name: str | None = None) -> Tensor:
    """Each element along an axis so many times in a row; of the flat tensor when there is no axis."""
    tensor = convert_to_tensor(input)
    b = tensor.graph.b
    if axis is None:
        tensor, axis = b.reshape(tensor, np.asarray([-1], np.int32)), 0
    rank = len(tensor.shape or ())
    axis %= rank
    wide = b.tile(
        b.expand_dims(tensor, axis=axis + 1),
        multiples=[int(repeats) if i == axis + 1 else 1 for i in builtins.range(rank + 1)],
    )
    whole = b.constant(b.sizes(tensor))
    parts = [whole[:axis], np.asarray([-1], np.int32), whole[axis + 1 :]]
    result: Tensor = b.reshape(wide, b.concat([b.constant(p) for p in parts], axis=0), name=name)
    return result


def shape_n(input: Any, out_type: Any = int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors."""
    return [shape(t, name, out_type) for t in input]


def meshgrid(*args: Any, **kwargs: Any) -> list[Tensor]:
    """Of n lists, n tensors of rank n that together hold all combinations of their elements.

    Args:
        *args: tensors of rank 1.
        **kwargs: indexing="xy" (the first two axes swapped, as pictures have them) or "ij", and name.
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", None)
    if kwargs or indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: expected indexing='xy' or 'ij', found {kwargs or indexing!r}")
    tensors = [convert_to_tensor(a) for a in args]
    if not tensors:
        return []
    b = tensors[0].graph.b
    count = len(tensors)
    axes = list(builtins.range(count))
    if indexing == "xy" and count > 1:
        axes[:2] = [1, 0]
    sizes_: list[Any] = [None] * count
    shaped = []
    for tensor, axis in zip(tensors, axes, strict=True):
        flat = b.reshape(tensor, np.asarray([-1], np.int32))
        sizes_[axis] = b.constant(b.sizes(flat))
        for i in builtins.range(count):
            flat = flat if i == axis else b.expand_dims(flat, axis=i)
        shaped.append(flat)
    whole = b.concat(sizes_, axis=0)
    return [b.broadcast_to(t, whole, name=name) for t in shaped]


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape that two shapes, known in part or in full, broadcast to.

    Raises:
        ShapeError: they do not.
    """
    x, y = TensorShape(shape_x), TensorShape(shape_y)
    if x.ndims is None or y.ndims is None:
        return TensorShape(None)
    rank = max(len(x), len(y))
    merged = [
        dims.broadcast(a, c)
        for a, c in zip((1,) * (rank - len(x)) + tuple(x), (1,) * (rank - len(y)) + tuple(y), strict=True)
    ]
    if None in merged:
        raise ShapeError(f"shapes {x} and {y} do not broadcast")
    return TensorShape(merged)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that two shapes, lists of sizes, broadcast to."""
    b = builder(shape_x, shape_y)
    x, y = b.constant(shape_x), b.constant(shape_y)
    rank = max(n.shape[0] if n.shape and isinstance(n.shape[0], int) else 0 for n in (x, y))
    both = []
    for n in (x, y):
        lead = rank - int(n.shape[0])
        both.append(b.concat([b.constant(np.ones(lead, n.dtype.numpy)), n], axis=0) if lead else n)
    one = b.like(1, x)
    result: Tensor = b.where(b.equal(both[0], one), both[1], both[0])
    return result


def parallel_stack(values: Sequence[Any], name: str = "parallel_stack") -> Tensor:
    """Tensors joined along a new first axis."""
    return stack(values, name=name)


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Blocks of the axes after the first, padded with zeros, moved to the first: [prod(block) * batch, ...]."""
    x = convert_to_tensor(input)
    b = x.graph.b
    block = [int(n) for n in np.asarray(block_shape).reshape(-1)]
    around = np.asarray(paddings).reshape(-1, 2).tolist()
    rank, count = len(x.shape or ()), len(block)
    x = b.pad(x, paddings=[0, 0, *(int(p) for pair in around for p in pair), *[0, 0] * (rank - count - 1)])
    whole = _parts(b, x)
    cut: list[Any] = [whole[0]]
    for i, n in enumerate(block, 1):
        cut += [_floor_of(b, whole[i], n), n]
    x = b.reshape(x, _shape_of(b, [*cut, *whole[count + 1 :]]))
    order = [
        *builtins.range(2, 2 * count + 1, 2),
        0,
        *builtins.range(1, 2 * count, 2),
        *builtins.range(2 * count + 1, rank + count),
    ]
    x = b.transpose(x, permutation=order)
    final = [_times(b, whole[0], int(np.prod(block))), *cut[1::2], *whole[count + 1 :]]
    result: Tensor = b.reshape(x, _shape_of(b, final), name=name)
    return result


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """The reverse of space_to_batch_nd, with `crops` taken off."""
    x = convert_to_tensor(input)
    b = x.graph.b
    block = [int(n) for n in np.asarray(block_shape).reshape(-1)]
    around = np.asarray(crops).reshape(-1, 2).tolist()
    rank, count = len(x.shape or ()), len(block)
    whole = _parts(b, x)
    batch = _floor_of(b, whole[0], int(np.prod(block)))
    x = b.reshape(x, _shape_of(b, [*block, batch, *whole[1:]]))
    order: list[int] = [count]
    for i in builtins.range(count):
        order += [count + 1 + i, i]
    x = b.transpose(x, permutation=[*order, *builtins.range(2 * count + 1, rank + count)])
    x = b.reshape(
        x,
        _shape_of(
            b, [batch, *(_times(b, whole[i + 1], n) for i, n in enumerate(block)), *whole[count + 1 :]]
        ),
    )
    keys = [builtins.slice(None)] + [builtins.slice(int(p), -int(q) if q else None) for p, q in around]
    result: Tensor = b.identity(x[tuple(keys)], name=name)
    return result


def space_to_batch(
    input: Any, paddings: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """Blocks of rows and columns, padded with zeros, moved to the first axis."""
    block = [block_size] * 2 if block_shape is None else block_shape
    return space_to_batch_nd(input, block, paddings, name)


def batch_to_space(
    input: Any, crops: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """The reverse of space_to_batch, with `crops` taken off."""
    block = [block_size] * 2 if block_shape is None else block_shape
    return batch_to_space_nd(input, block, crops, name)


def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Blocks of rows and columns moved to the channels.

    Raises:
        ValueError: the data_format is not NHWC.
    """
    _only_nhwc("space_to_depth", data_format)
    x = convert_to_tensor(input)
    b = x.graph.b
    n, h, w, c = _parts(b, x)
    height, width = (_floor_of(b, v, block_size) for v in (h, w))
    x = b.reshape(x, _shape_of(b, [n, height, block_size, width, block_size, c]))
    x = b.transpose(x, permutation=(0, 1, 3, 2, 4, 5))
    result: Tensor = b.reshape(x, _shape_of(b, [n, height, width, _times(b, c, block_size**2)]), name=name)
    return result


def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Channels moved to blocks of rows and columns.

    Raises:
        ValueError: the data_format is not NHWC.
    """
    _only_nhwc("depth_to_space", data_format)
    x = convert_to_tensor(input)
    b = x.graph.b
    n, h, w, c = _parts(b, x)
    depth = _floor_of(b, c, block_size**2)
    x = b.reshape(x, _shape_of(b, [n, h, w, block_size, block_size, depth]))
    x = b.transpose(x, permutation=(0, 1, 3, 2, 4, 5))
    final = [n, _times(b, h, block_size), _times(b, w, block_size), depth]
    result: Tensor = b.reshape(x, _shape_of(b, final), name=name)
    return result


def _only_nhwc(what: str, data_format: str) -> None:
    if data_format != "NHWC":
        raise ValueError(
            f"{what}: data_format {data_format!r}: only NHWC is there; transpose before and after"
        )


def _parts(b: Any, x: Tensor) -> list[Any]:
    """The sizes: numbers where they are known, else scalars."""
    if x.shape is None:
        raise ShapeError(f"the rank of {x.name} is not known")
    whole: Any = None if x.get_shape().is_fully_defined() else b.shape(x)
    return [int(n) if isinstance(n, int) else whole[i] for i, n in enumerate(x.shape)]


def _floor_of(b: Any, size: Any, by: int) -> Any:
    if isinstance(size, int):
        if size % by:
            raise ShapeError(f"a dimension of {size} is not a multiple of the block's {by}")
        return size // by
    return b.floor_divide(size, np.int32(by))


def _times(b: Any, size: Any, by: int) -> Any:
    return size * by if isinstance(size, int) else b.multiply(size, np.int32(by))


def _shape_of(b: Any, parts: Sequence[Any]) -> Any:
    if all(isinstance(n, int) for n in parts):
        return np.asarray(parts, np.int32)
    return b.stack([n if isinstance(n, Tensor) else np.int32(n) for n in parts], axis=0)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A tensor repeated along dimensions of size 1 to a larger shape."""
    result: Tensor = builder(input, shape).broadcast_to(input, sizes(shape), name=name)
    return result


newaxis = None
pack, unpack = stack, unstack

__all__ = [
    "batch_to_space",
    "batch_to_space_nd",
    "broadcast_dynamic_shape",
    "broadcast_static_shape",
    "broadcast_to",
    "concat",
    "depth_to_space",
    "expand_dims",
    "meshgrid",
    "newaxis",
    "pack",
    "pad",
    "parallel_stack",
    "rank",
    "repeat",
    "reshape",
    "reverse",
    "reverse_v2",
    "shape",
    "shape_n",
    "size",
    "slice",
    "space_to_batch",
    "space_to_batch_nd",
    "space_to_depth",
    "split",
    "squeeze",
    "stack",
    "strided_slice",
    "tile",
    "transpose",
    "unpack",
    "unstack",
]
