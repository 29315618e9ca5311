"""Shapes and movements of the public vocabulary."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.convert import builder, convert_to_tensor, sizes
from samara.graph.dtypes import float32, int32
from samara.graph.graph import Tensor
from samara.graph.math_names import reduce_prod, reduce_sum


def shape(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The shape, as a tensor."""
    result: Tensor = builder(input).shape(input, output_type=out_type, name=name)
    return result


def size(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The number of elements."""
    return reduce_prod(shape(input, out_type=out_type), name=name)


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions."""
    tensor = convert_to_tensor(input)
    if tensor.shape is not None:
        return convert_to_tensor(len(tensor.shape), int32)
    sizes_ = shape(tensor)
    return reduce_sum(tensor.graph.b.ones_like(sizes_), name=name)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape; one dimension may be -1."""
    result: Tensor = builder(tensor, shape).reshape(tensor, sizes(shape), name=name)
    return result


def transpose(a: Any, perm: Any = None, name: str | None = None) -> Tensor:
    """Axes in another order; reversed when `perm` is None."""
    result: Tensor = builder(a).transpose(a, permutation=() if perm is None else tuple(perm), name=name)
    return result


def expand_dims(
    input: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """A dimension of size 1 put in at `axis`."""
    chosen = axis if axis is not None else dim
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


def concat(values: Any, axis: Any, name: str | None = None) -> Tensor:
    """Tensors joined along an axis. TensorFlow 0.x's order, `concat(axis, values)`, is understood too."""
    if isinstance(values, int):
        values, axis = axis, values
    listed = list(values) if isinstance(values, (list, tuple)) else [values]
    result: Tensor = builder(*listed).concat(listed, axis=int(axis), name=name)
    return result


def split(value: Any, num_or_size_splits: Any, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """A tensor cut along an axis: into equal parts for a number, into parts of the given sizes for a list.

    Raises:
        ShapeError: the parts do not add up to the dimension.
    """
    tensor = convert_to_tensor(value)
    if isinstance(num_or_size_splits, int):
        count = num_or_size_splits
        whole = None if tensor.shape is None else tensor.shape[axis]
        if not isinstance(whole, int) or count < 1 or whole % count:
            raise ShapeError(
                f"{tensor.name}: dimension {axis} is {whole}, which does not split into {count} equal parts"
            )
        sizes = [whole // count] * count
    else:
        sizes = [int(s) for s in num_or_size_splits]
        whole = None if tensor.shape is None else tensor.shape[axis]
        if -1 in sizes and isinstance(whole, int):
            sizes[sizes.index(-1)] = whole - builtins.sum(s for s in sizes if s != -1)
    result: list[Tensor] = tensor.graph.b.split(tensor, axis=axis, sizes=sizes, name=name)
    return result


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


def slice(input_: Any, begin: Sequence[int], size: Sequence[int], name: str | None = None) -> Tensor:
    """The block that starts at `begin` with the sizes `size`; -1 is all that is left."""
    ends = [b + s for b, s in zip(begin, size, strict=True)]
    mask = builtins.sum(1 << i for i, s in enumerate(size) if s == -1)
    result: Tensor = builder(input_).strided_slice(
        input_, begin=begin, end=ends, strides=[1] * len(ends), end_mask=mask, name=name
    )
    return result


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
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: float = 0
) -> Tensor:
    """A tensor with values around it; `paddings` is [[before, after], ...] for each dimension."""
    flat = tuple(int(p) for p in np.asarray(paddings).reshape(-1))
    result: Tensor = builder(tensor).pad(tensor, paddings=flat, mode=mode, value=constant_values, name=name)
    return result


def tile(input: Any, multiples: Sequence[int], name: str | None = None) -> Tensor:
    """A tensor repeated along each dimension."""
    result: Tensor = builder(input).tile(input, multiples=tuple(multiples), name=name)
    return result


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


def one_hot(
    indices: Any,
    depth: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    axis: int = -1,
    dtype: Any = float32,
    name: str | None = None,
) -> Tensor:
    """on_value where the index is, off_value elsewhere, along a new axis of size `depth`."""
    result: Tensor = builder(indices).one_hot(
        indices, depth=depth, on_value=on_value, off_value=off_value, axis=axis, dtype=dtype, name=name
    )
    return result


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A tensor repeated along dimensions of size 1 to a larger shape."""
    result: Tensor = builder(input, shape).broadcast_to(input, sizes(shape), name=name)
    return result


pack, unpack = stack, unstack

__all__ = [
    "broadcast_to",
    "concat",
    "expand_dims",
    "gather",
    "one_hot",
    "pack",
    "pad",
    "rank",
    "reshape",
    "shape",
    "size",
    "slice",
    "split",
    "squeeze",
    "stack",
    "strided_slice",
    "tile",
    "transpose",
    "unpack",
    "unstack",
]
