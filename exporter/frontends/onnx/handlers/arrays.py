"""Ops that move elements, and those that make and measure tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.compose import index
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dims, dtypes
from samara.graph.dims import Dimension
from samara.graph.graph import Tensor

_ENDLESS = 2**31 - 1


@op("Constant")
def _constant(node: Node) -> Any:
    for name, kind in (
        ("value", None),
        ("sparse_value", None),
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in node.attributes:
            return node.b.constant(np.asarray(node.attributes[name], kind))
    node.fail("a constant of strings is not supported")


@op("Shape")
def _shape(node: Node) -> Any:
    b = node.b
    shape: Tensor = b.shape(node.input(), output_type=dtypes.int64)
    start, end = int(node.attr("start", 0)), node.attr("end")
    if start == 0 and end is None:
        return shape
    rank = node.rank()
    first, stop, _ = slice(start, end).indices(rank)
    return b.strided_slice(shape, begin=[first], end=[max(stop, first)], strides=[1])


@op("Size")
def _size(node: Node) -> Any:
    b = node.b
    return b.reduce_prod(b.shape(node.input(), output_type=dtypes.int64), axes=(0,))


@op("Reshape")
def _reshape(node: Node) -> Any:
    x = node.input()
    if "shape" in node.attributes:
        sizes: Any = tuple(int(n) for n in node.attributes["shape"])
        target: Any = np.asarray(sizes, np.int64)
    else:
        sizes, target = node.sizes(1), node.input(1)
    if sizes is None:
        return _moving_reshape(node, x, target)
    if not node.attr("allowzero", 0) and any(isinstance(d, int) and d == 0 for d in sizes):
        shape = node.shape()
        if len(shape) < len(sizes) and any(d == 0 for d in sizes[len(shape) :]):
            node.fail(f"shape {list(sizes)} copies an axis that the input of rank {len(shape)} does not have")
        sizes = tuple(shape[i] if isinstance(d, int) and d == 0 else d for i, d in enumerate(sizes))
        target = None
    return reshaped(node, x, sizes, target)


def _moving_reshape(node: Node, x: Tensor, target: Tensor) -> Any:
    """A reshape to sizes of which one is data."""
    count = (target.shape or (None,))[0]
    if not isinstance(count, int):
        node.fail("the rank of its result is not known")
    known = [index.known(node.b, index.element(node.b, target, i)) for i in range(count)]
    if sum(k is None for k in known) > 1 or any(isinstance(k, int) and k <= 0 for k in known):
        node.fail(
            "the shape is computed by the graph", "give it, constants={name: shape}, where it is an input"
        )
    return index.reshape(node.b, x, target)


def reshaped(node: Node, x: Tensor, sizes: tuple[Dimension, ...], target: Any = None) -> Any:
    """A reshape to sizes of which some move: numbers where they can be told, with one left open."""
    b = node.b
    moving = [i for i, d in enumerate(sizes) if not isinstance(d, int)]
    if not moving:
        return b.reshape(x, np.asarray(sizes, np.int64))
    if len(moving) == 1 and -1 not in sizes:
        alone: Tensor = b.reshape(x, np.asarray([d if isinstance(d, int) else -1 for d in sizes], np.int64))
        if alone.shape is not None and dims.equal(alone.shape[moving[0]], sizes[moving[0]]):
            return alone
    return b.reshape(x, target if target is not None else sizes_of(node, x, sizes))


def sizes_of(node: Node, x: Tensor, sizes: tuple[Dimension, ...]) -> Any:
    """Sizes as a tensor, each moving one taken from the shape of x."""
    b = node.b
    shape = x.shape or ()
    parts: list[Any] = []
    whole = None
    for size in sizes:
        if isinstance(size, int):
            parts.append(b.constant([size], dtypes.int64))
            continue
        axis = next((i for i, d in enumerate(shape) if dims.equal(d, size)), None)
        if axis is None:
            node.fail(f"the size {size} is none of the input's, {dims.text(shape)}")
        whole = b.shape(x, output_type=dtypes.int64) if whole is None else whole
        parts.append(b.strided_slice(whole, begin=[axis], end=[axis + 1], strides=[1]))
    return b.concat(parts, axis=0)


@op("Flatten")
def _flatten(node: Node) -> Any:
    shape = node.shape()
    axis = int(node.attr("axis", 1))
    axis = axis + len(shape) if axis < 0 else axis
    first, rest = dims.product(shape[:axis]), dims.product(shape[axis:])
    sizes: tuple[Dimension, ...] = (first, rest)
    if isinstance(rest, int):
        sizes = (-1, rest) if not isinstance(first, int) else sizes
    elif isinstance(first, int):
        sizes = (first, -1)
    elif axis == 1:
        b = node.b
        head = b.strided_slice(
            b.shape(node.input(), output_type=dtypes.int64), begin=[0], end=[1], strides=[1]
        )
        return b.reshape(node.input(), b.concat([head, b.constant([-1], dtypes.int64)], axis=0))
    else:
        node.fail(f"two sizes that move, {first} and {rest}")
    return node.b.reshape(node.input(), np.asarray(sizes, np.int64))


@op("Transpose")
def _transpose(node: Node) -> Any:
    permutation = node.attr("perm") or list(range(node.rank()))[::-1]
    return node.b.transpose(node.input(), permutation=tuple(permutation)) if permutation else node.input()


@op("Concat")
def _concat(node: Node) -> Any:
    given = [t for t in node.inputs if t is not None]
    return node.b.concat(given, axis=node.axis())


@op("Split")
def _split(node: Node) -> list[Tensor]:
    axis = node.axis()
    count = len(node.output_names)
    sizes = node.numbers("split", 1)
    if not sizes:
        size = node.shape()[axis]
        if not isinstance(size, int):
            node.fail(f"equal parts of a size that moves, {size}", "give the sizes of the parts")
        part = -(-size // count)
        sizes = [max(min(part, size - i * part), 0) for i in range(count)]
    made: list[Tensor] = node.b.split(node.input(), axis=axis, sizes=tuple(sizes))
    return made


@op("Squeeze")
def _squeeze(node: Node) -> Any:
    axes = node.numbers("axes", 1)
    if axes is not None and not axes:
        return node.b.identity(node.input())
    return node.b.squeeze(node.input(), axes=tuple(axes or ()))


@op("Unsqueeze")
def _unsqueeze(node: Node) -> Any:
    axes = node.numbers("axes", 1) or []
    rank = node.rank() + len(axes)
    result = node.input()
    for axis in sorted(a % rank for a in axes):
        result = node.b.expand_dims(result, axis=axis)
    return result if axes else node.b.identity(result)


@op("Expand")
def _expand(node: Node) -> Any:
    b, x = node.b, node.input()
    sizes = node.sizes(1)
    if sizes is None:
        return index.expand(b, x, node.input(1))
    shape = node.shape()
    rank = max(len(shape), len(sizes))
    own = (1,) * (rank - len(shape)) + tuple(shape)
    asked = (1,) * (rank - len(sizes)) + tuple(sizes)
    merged: list[Dimension] = []
    for a, c in zip(own, asked, strict=True):
        size = dims.broadcast(a, c)
        if size is None:
            node.fail(f"shape {dims.text(shape)} does not expand to {dims.text(tuple(sizes))}")
        merged.append(size)
    if all(isinstance(d, int) for d in merged):
        return b.broadcast_to(x, np.asarray(merged, np.int64))
    if tuple(merged) == tuple(asked):
        made = b.broadcast_to(x, node.input(1))
        return made
    # A product with ones broadcasts in both directions.
    ones = b.broadcast_to(b.like(1, x) if x.dtype is not dtypes.bool_ else b.constant(True), node.input(1))
    return b.logical_and(x, ones) if x.dtype is dtypes.bool_ else b.multiply(x, ones)


@op("Gather")
def _gather(node: Node) -> Any:
    b, x, indices = node.b, node.input(0), node.input(1)
    axis = node.axis()
    value = node.value(1)
    size = node.shape()[axis]
    if value is not None:
        if isinstance(size, int):
            value = np.where(value < 0, value + size, value)
        if np.any(value < 0) and value.ndim == 0:
            entry = [0] * axis + [int(value)]
            mask = (1 << axis) - 1
            return b.strided_slice(
                x,
                begin=entry,
                end=[e + 1 for e in entry],
                strides=[1] * (axis + 1),
                begin_mask=mask,
                end_mask=mask,
                shrink_axis_mask=1 << axis,
            )
        if not np.any(value < 0):
            return b.gather(x, b.constant(value.astype(indices.dtype.numpy)), axis=axis)
    wrapped = b.where(
        b.less(indices, b.like(0, indices)), b.add(indices, _size_along(node, x, axis, indices)), indices
    )
    return b.gather(x, wrapped, axis=axis)


def _size_along(node: Node, x: Tensor, axis: int, like: Tensor) -> Any:
    """The size of an axis as a scalar of another tensor's dtype."""
    b = node.b
    size = x.shape[axis] if x.shape is not None else None
    if isinstance(size, int):
        return b.like(size, like)
    return b.cast(
        b.strided_slice(
            b.shape(x, output_type=dtypes.int64),
            begin=[axis],
            end=[axis + 1],
            strides=[1],
            shrink_axis_mask=1,
        ),
        dtype=like.dtype,
    )


@op("Slice")
def _slice(node: Node) -> Any:
    b, x = node.b, node.input()
    rank = node.rank()
    starts, ends = node.numbers_or_none("starts", 1), node.numbers_or_none("ends", 2)
    axes, steps = node.numbers("axes", 3), node.numbers("steps", 4)
    if starts is None or ends is None:
        return _moving_slice(node, axes, steps)
    axes = [a % rank for a in axes] if axes is not None else list(range(len(starts)))
    steps = steps or [1] * len(starts)
    shape = node.shape()
    begin, end, strides = [0] * rank, [0] * rank, [1] * rank
    begin_mask = end_mask = (1 << rank) - 1
    for axis, first, stop, step in zip(axes, starts, ends, steps, strict=True):
        size = shape[axis]
        if isinstance(size, int):
            first, stop, step = slice(first, stop, step).indices(size)
            # Of a slice that runs backwards to the front the end is -1, which would count from the end.
            open_end = step < 0 and stop < 0
        else:
            open_end = stop >= _ENDLESS if step > 0 else stop <= -_ENDLESS
            if first >= _ENDLESS or first <= -_ENDLESS:
                first = -1 if first > 0 else 0
                begin_mask |= 1 << axis
                begin[axis], strides[axis] = 0, step
                end[axis] = 0 if open_end else stop
                end_mask = end_mask if open_end else end_mask & ~(1 << axis)
                continue
        begin[axis], strides[axis] = first, step
        begin_mask &= ~(1 << axis)
        if not open_end:
            end[axis] = stop
            end_mask &= ~(1 << axis)
    return b.strided_slice(x, begin=begin, end=end, strides=strides, begin_mask=begin_mask, end_mask=end_mask)


def _moving_slice(node: Node, axes: list[int] | None, steps: list[int] | None) -> Any:
    b = node.b
    starts, ends = (b.cast(node.input(i), dtype=dtypes.int64) for i in (1, 2))
    return index.slice_(b, node.input(), starts, ends, axes, steps)


@op("Pad")
def _pad(node: Node) -> Any:
    b, x = node.b, node.input()
    rank = node.rank()
    pads = node.numbers("pads", 1)
    if pads is None:
        node.fail("it has no pads")
    axes = node.numbers("axes", 3)
    axes = [a % rank for a in axes] if axes is not None else list(range(rank))
    pairs = [(0, 0)] * rank
    for position, axis in enumerate(axes):
        pairs[axis] = (pads[position], pads[position + len(axes)])
    mode = node.attr("mode", "constant")
    value = node.attr("value", 0.0)
    if node.given(2) is not None:
        constant = node.value(2)
        value = node.input(2) if constant is None else constant.reshape(-1)[0]
    whole = [p for p, _ in pairs] + [q for _, q in pairs]
    return index.pad(b, x, whole, mode, value if mode == "constant" else None)


@op("Tile")
def _tile(node: Node) -> Any:
    return index.tile(node.b, node.input(), node.input(1))


@op("ConstantOfShape")
def _constant_of_shape(node: Node) -> Any:
    b = node.b
    value = np.asarray(node.attr("value", np.zeros(1, np.float32))).reshape(())
    sizes = node.sizes(0)
    if sizes is not None and all(isinstance(d, int) for d in sizes):
        return b.broadcast_to(b.constant(value), np.asarray(sizes, np.int64))
    return b.broadcast_to(b.constant(value), node.input())


@op("Range")
def _range(node: Node) -> Any:
    values = [node.value(i) for i in range(3)]
    if all(v is not None for v in values):
        limits: list[Any] = [v.reshape(())[()] for v in values if v is not None]
        return node.b.constant(np.arange(*limits, dtype=node.dtype.numpy))
    start, limit, delta = (node.input(i) for i in range(3))
    return index.range_(node.b, start, limit, delta)


@op("OneHot")
def _one_hot(node: Node) -> Any:
    b, indices = node.b, node.input(0)
    depth = int(node.constant(1, "depth").reshape(-1)[0])
    values = node.input(2)
    rank = node.rank()
    axis = int(node.attr("axis", -1))
    axis = axis + rank + 1 if axis < 0 else axis
    whole = b.cast(indices, dtype=dtypes.int64)
    within = b.where(b.less(whole, b.like(0, whole)), b.add(whole, b.like(depth, whole)), whole)
    hot = b.one_hot(within, depth=depth, axis=axis, dtype=dtypes.int32)
    pair = [
        b.strided_slice(values, begin=[i], end=[i + 1], strides=[1], shrink_axis_mask=1) for i in range(2)
    ]
    return b.where(b.equal(hot, b.like(1, hot)), pair[1], pair[0])


@op("EyeLike")
def _eye_like(node: Node) -> Any:
    from samara.exporter.frontends.onnx.values import DTYPES

    shape = node.shape()
    if len(shape) != 2 or not all(isinstance(d, int) for d in shape):
        node.fail(f"shape {dims.text(shape)} is not that of a matrix of fixed size")
    dtype = DTYPES[node.attributes["dtype"]] if "dtype" in node.attributes else node.dtype
    rows, columns = (int(d) for d in shape if isinstance(d, int))
    return node.b.constant(np.eye(rows, columns, int(node.attr("k", 0)), dtype=dtype.numpy))
