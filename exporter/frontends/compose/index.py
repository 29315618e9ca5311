"""Parts of tensors whose place or size may be data: slices, masks, unique elements, boxes, reshapes, ranges, pads.

Where a size is known, or follows from the sizes of the inputs, nothing of it is computed on the device. Where it
depends on data, an op `dimension` sets it while the model runs, within the bound that the other sizes give.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph import dims, dtypes
from samara.graph.dims import Dim, Dimension
from samara.graph.graph import Tensor
from samara.graph.ops.indexing import axis_slice
from samara.graph.rewrite import constant_value

# Sizes ---------------------------------------------------------------------------------------------------------


def known(b: Any, tensor: Tensor) -> Dimension | None:
    """The value of an integer scalar when it is known, or follows from the sizes of the inputs."""
    values = b.known_value(tensor)
    if not values or (isinstance(values[0], Dim) and values[0].anonymous):
        return None
    return values[0]  # type: ignore[no-any-return]


def _long(b: Any, value: Any) -> Tensor:
    """An integer or an integer tensor as int64."""
    tensor: Tensor = b.constant(np.int64(value)) if isinstance(value, int) else b.constant(value)
    return tensor if tensor.dtype is dtypes.int64 else b.cast(tensor, dtype=dtypes.int64)


def _scalar(b: Any, tensor: Tensor) -> Tensor:
    """A tensor of one element as a scalar."""
    return tensor if tensor.shape == () else b.reshape(tensor, np.zeros(0, np.int64))


def element(b: Any, tensor: Tensor, index: int) -> Tensor:
    """One element of a tensor of rank 1, as an int64 scalar."""
    picked: Tensor = b.strided_slice(
        tensor, begin=(index,), end=(index + 1,), strides=(1,), shrink_axis_mask=1
    )
    return _long(b, picked)


def size_along(b: Any, x: Tensor, axis: int) -> Tensor:
    """The size of an axis, as an int64 scalar."""
    if x.shape is not None and isinstance(x.shape[axis], int):
        return _long(b, x.shape[axis])
    return element(b, b.shape(x, output_type=dtypes.int64), axis)


def count_of(b: Any, x: Tensor) -> Tensor:
    """The number of elements, as an int64 scalar."""
    return b.reduce_prod(_long(b, b.constant(b.sizes(x))), axes=(0,)) if x.shape else _long(b, 1)


def sized(b: Any, value: Tensor, limit: Any = None, *, name: str, least: int = 0) -> Tensor:
    """A number as a size, as an int64 scalar.

    Args:
        b: builds ops.
        value: the number.
        limit: the largest that it can be: a number or a tensor whose value follows from sizes; None for no limit,
            with which nothing can be exported.
        name: what the size is called, but for a number that tells it from others.
        least: the smallest that it can be.
    """
    value = _long(b, value)
    if known(b, value) is not None:
        return value
    unique = b.graph.unique_name(name)
    bound = dims.LARGEST if limit is None else limit
    made: Tensor = b.dimension(value, _long(b, bound), symbol=Dim(unique, least), name=f"{unique}/size")
    return made


def _vector(b: Any, scalars: Sequence[Tensor]) -> Tensor:
    made: Tensor = b.stack(list(scalars), axis=0)
    return made


def first(b: Any, x: Tensor, count: Tensor, axis: int = 0) -> Tensor:
    """The first `count` elements along an axis; `count` is a size."""
    assert x.shape is not None
    axis %= len(x.shape)
    size = [count if i == axis else size_along(b, x, i) for i in range(len(x.shape))]
    begin = np.zeros(len(x.shape), np.int64)
    made: Tensor = b.slice(x, begin, _vector(b, size), strides=(1,) * len(x.shape))
    return made


# Found elements ------------------------------------------------------------------------------------------------


def non_zero(b: Any, x: Tensor, name: str = "non_zero") -> Tensor:
    """Where x is not 0: int64 [rank, n], in the order of x; a scalar counts as one element of rank 1."""
    x = b.reshape(x, np.ones(1, np.int64)) if x.shape == () else x
    indices, count = b.non_zero(x, name=name)
    return first(b, indices, sized(b, count, count_of(b, x), name=f"{name}_count"), axis=1)


def compress(b: Any, x: Tensor, condition: Tensor, axis: int | None = None, name: str = "compress") -> Tensor:
    """The slices of x along an axis for which `condition`, of rank 1 and at most as long, is true.

    Without an axis x counts as one of rank 1.
    """
    if axis is None:
        x, axis = b.reshape(x, np.array([-1], np.int64)), 0
    places = b.reshape(non_zero(b, condition, name=name), np.array([-1], np.int64))
    made: Tensor = b.gather(x, places, axis=axis)
    return made


def masked(b: Any, x: Tensor, mask: Tensor, name: str = "masked") -> Tensor:
    """The slices x[i, ...] for which mask[i] is true, where i stands for as many axes as the mask has."""
    places = b.transpose(non_zero(b, mask, name=name), permutation=(1, 0))
    made: Tensor = b.gather_nd(x, places)
    return made


def unique(
    b: Any, x: Tensor, axis: int | None = None, *, in_order: bool = True, name: str = "unique"
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The different slices of x along an axis, or its different elements.

    Returns:
        The slices; where each comes first; which of them each slice of x is; how often each comes. The last three
        are int64, of rank 1.
    """
    if axis is None:
        x, axis = b.reshape(x, np.array([-1], np.int64)), 0
    assert x.shape is not None
    axis %= len(x.shape)
    order = (axis, *(i for i in range(len(x.shape)) if i != axis))
    lines = x if axis == 0 else b.transpose(x, permutation=order)
    places, inverse, counts, count = b.unique(lines, sorted=in_order, name=name)
    size = sized(b, count, size_along(b, lines, 0), name=f"{name}_count")
    places = first(b, places, size)
    return b.gather(x, places, axis=axis), places, inverse, first(b, counts, size)


def non_max_suppression(
    b: Any,
    boxes: Tensor,
    scores: Tensor,
    max_output: Any = None,
    iou_threshold: Any = None,
    score_threshold: Any = None,
    *,
    center_point_box: bool = False,
    name: str = "non_max_suppression",
) -> Tensor:
    """The boxes to keep, as ONNX has it: int64 [n, 3], each image, class and box.

    Args:
        b: builds ops.
        boxes: [images, boxes, 4].
        scores: [images, classes, boxes].
        max_output: the most of each class, a number or a tensor of one; None means none at all.
        iou_threshold: the largest overlap that two may have; None means 0.
        score_threshold: scores must be above it; None means all.
        center_point_box: whether boxes are (x, y, width, height) of their middle, or two corners (y, x, y, x).
        name: of the operation.
    """

    def scalar(value: Any, otherwise: float) -> Tensor:
        if value is None or isinstance(value, (int, float)):
            return b.like(otherwise if value is None else value, scores)  # type: ignore[no-any-return]
        given = _scalar(b, b.constant(value))
        return given if given.dtype is scores.dtype else b.cast(given, dtype=scores.dtype)

    most = _scalar(b, _long(b, 0 if max_output is None else max_output))
    iou, least = scalar(iou_threshold, 0.0), scalar(score_threshold, -math.inf)
    room = size_along(b, boxes, 1)
    if known(b, most) is not None:
        room = b.maximum(b.minimum(room, most), b.like(0, most))
    selected, count, _ = b.non_max_suppression(
        boxes, scores, room, most, iou, least, center_point_box=center_point_box, name=name
    )
    return first(b, selected, sized(b, count, size_along(b, selected, 0), name=f"{name}_count"))


# Slices --------------------------------------------------------------------------------------------------------


def _counted(b: Any, bound: Tensor, size: Tensor) -> Tensor:
    """A bound of a slice, counted from the begin of the axis."""
    value = known(b, bound)
    if value is not None:
        low, high = dims.bounds(value)
        if low >= 0:
            return bound
        if high < 0:
            return b.add(bound, size)  # type: ignore[no-any-return]
    zero = b.like(0, bound)
    return b.where(b.less(bound, zero), b.add(bound, size), bound)  # type: ignore[no-any-return]


def _range_along(b: Any, size: Tensor, start: Tensor, end: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """The first index of a slice and the number of its elements, as Python has it."""
    one = b.like(1, size)
    low, high = (b.like(0, size), size) if step > 0 else (b.like(-1, size), b.subtract(size, one))
    begin, stop = (b.minimum(b.maximum(_counted(b, t, size), low), high) for t in (start, end))
    way = b.subtract(stop, begin) if step > 0 else b.subtract(begin, stop)
    if abs(step) != 1:
        way = b.floor_divide(b.add(way, b.like(abs(step) - 1, way)), b.like(abs(step), way))
    return begin, b.maximum(way, b.like(0, way))


def slice_(
    b: Any,
    x: Tensor,
    starts: Tensor,
    ends: Tensor,
    axes: Sequence[int] | None = None,
    steps: Sequence[int] | None = None,
    name: str = "slice",
) -> Tensor:
    """x[start:end:step] along some axes, with Python's meaning of bounds, which may be data.

    Args:
        b: builds ops.
        x: what is sliced.
        starts: integers, of rank 1.
        ends: integers, of rank 1.
        axes: the axis of each; None for the first ones.
        steps: the step of each, not 0; None for 1.
        name: of sizes that depend on data.
    """
    assert x.shape is not None
    assert starts.shape is not None
    rank = len(x.shape)
    if axes is None:
        axes = range(int(starts.shape[0]))  # type: ignore[arg-type]
    axes = [a % rank for a in axes]
    steps = steps or [1] * len(axes)
    begin = [_long(b, 0)] * rank
    size = [size_along(b, x, i) for i in range(rank)]
    strides = [1] * rank
    for i, (axis, step) in enumerate(zip(axes, steps, strict=True)):
        start, end = element(b, starts, i), element(b, ends, i)
        whole = size[axis]
        begin[axis], length = _range_along(b, whole, start, end, step)
        size[axis] = sized(b, length, whole, name=f"{name}_size")
        strides[axis] = step
    if not rank:
        return x
    made: Tensor = b.slice(x, _vector(b, begin), _vector(b, size), strides=tuple(strides))
    return made


# Shapes --------------------------------------------------------------------------------------------------------


def reshape(b: Any, x: Tensor, shape: Tensor, name: str = "reshape") -> Tensor:
    """The elements of x in a shape of which two sizes may be data, or one beside a -1."""
    assert shape.shape is not None
    targets = [element(b, shape, i) for i in range(int(shape.shape[0]))]  # type: ignore[arg-type]
    values = [known(b, t) for t in targets]
    if values.count(None) + values.count(-1) > 2:
        raise ValueError(f"{values.count(None)} sizes of a shape depend on data, of which one can be bounded")
    for i in reversed(range(len(targets))):
        if values[i] is not None:
            continue
        if -1 in values:
            targets[i] = sized(b, targets[i], count_of(b, x), name=f"{name}_size", least=1)
        else:
            # What is left is what it must be; so the memory of x is enough.
            targets[i], values[i] = _long(b, -1), -1
    made: Tensor = b.reshape(x, _vector(b, targets) if targets else np.zeros(0, np.int64))
    return made


def expand(b: Any, x: Tensor, shape: Tensor, limit: Any = None, name: str = "expand") -> Tensor:
    """Broadcasts x with a shape that may be data; sizes of 1 in the shape leave those of x as they are.

    Args:
        b: builds ops.
        x: what is broadcast.
        shape: int64, of rank 1.
        limit: the largest that a size which depends on data can be.
        name: of such sizes.
    """
    assert x.shape is not None
    assert shape.shape is not None
    targets = [element(b, shape, i) for i in range(int(shape.shape[0]))]  # type: ignore[arg-type]
    for i, size in enumerate(reversed(x.shape), 1):
        if i <= len(targets) and known(b, targets[-i]) is None and size != 1:
            # Whatever else it is must be the size of x.
            targets[-i] = _long(b, 1)
    targets = [sized(b, t, limit, name=f"{name}_size") for t in targets]
    ones = b.broadcast_to(b.like(1, x), _vector(b, targets) if targets else np.zeros(0, np.int64))
    if x.dtype is dtypes.bool_:
        return b.logical_and(x, ones)  # type: ignore[no-any-return]
    return b.multiply(x, ones)  # type: ignore[no-any-return]


def range_(
    b: Any, start: Tensor, limit: Tensor, delta: Tensor, most: Any = None, name: str = "range"
) -> Tensor:
    """start, start + delta, ... up to before limit, which may be data; `most` is the largest number of them."""
    if all(known(b, t) is not None or constant_value(t) is not None for t in (start, limit, delta)):
        return b.range(start, limit, delta)  # type: ignore[no-any-return]
    if start.dtype.is_integer:
        count = b.negative(b.floor_divide(b.subtract(start, limit), delta))
    else:
        count = b.cast(b.ceil(b.divide(b.subtract(limit, start), delta)), dtype=dtypes.int64)
    count = _long(b, count)
    size = sized(b, b.maximum(count, b.like(0, count)), most, name=f"{name}_size")
    steps = b.range(_long(b, 0), size, _long(b, 1))
    steps = steps if start.dtype is dtypes.int64 else b.cast(steps, dtype=start.dtype)
    return b.add(start, b.multiply(steps, delta))  # type: ignore[no-any-return]


def tile(b: Any, x: Tensor, repeats: Tensor, limit: Any = None, name: str = "tile") -> Tensor:
    """Repeats x along its axes, as often as `repeats`, int64 of rank 1, says; that may be data, up to `limit`."""
    assert x.shape is not None
    rank = len(x.shape)
    if not rank:
        return x
    counts = [known(b, element(b, repeats, i)) for i in range(rank)]
    numbers = [n for n in counts if isinstance(n, int)]
    if len(numbers) == rank:
        return b.tile(x, multiples=tuple(numbers))  # type: ignore[no-any-return]
    targets = [sized(b, element(b, repeats, i), limit, name=f"{name}_size") for i in range(rank)]
    moving = [i for i in range(rank) if not isinstance(counts[i], int)]
    if any(n != 1 for n in numbers):
        x = b.tile(x, multiples=tuple(n if isinstance(n, int) else 1 for n in counts))
    for axis in moving:
        size = [size_along(b, x, i) for i in range(rank)]
        wide = b.expand_dims(x, axis=axis)
        wide = b.broadcast_to(wide, _vector(b, [*size[:axis], targets[axis], *size[axis:]]))
        joined = b.multiply(targets[axis], size[axis])
        x = b.reshape(wide, _vector(b, [*size[:axis], joined, *size[axis + 1 :]]))
    return x


# Margins -------------------------------------------------------------------------------------------------------


def pad(b: Any, x: Tensor, pads: Sequence[int], mode: str = "constant", value: Any = None) -> Tensor:
    """Puts a margin round x; a number below 0 takes elements away.

    Args:
        b: builds ops.
        x: what is padded.
        pads: for each axis what comes before, then for each what comes after.
        mode: constant, reflect, symmetric, edge or wrap; reflect and wrap may go round more than once.
        value: of mode constant: a number, or a scalar tensor of the type of x; None for 0.
    """
    assert x.shape is not None
    rank = len(x.shape)
    pairs = [(pads[i], pads[rank + i]) for i in range(rank)]
    for axis, (before, after) in enumerate(pairs):
        if before < 0 or after < 0:
            x = b.strided_slice(x, **axis_slice(axis, max(-before, 0), min(after, 0) or None))
    left = [(max(p, 0), max(q, 0)) for p, q in pairs]
    while any(p or q for p, q in left):
        now = [_possible(mode, pair, x, axis) for axis, pair in enumerate(left)]
        if not any(p or q for p, q in now):
            raise ValueError(f"a tensor of shape {dims.text(x.shape)} cannot be padded in mode {mode}")
        x = _padded(b, x, now, mode, value)
        left = [(p - i, q - k) for (p, q), (i, k) in zip(left, now, strict=True)]
    return x


def _possible(mode: str, pair: tuple[int, int], x: Tensor, axis: int) -> tuple[int, int]:
    """How much of a margin can be added at a time: with wrap and reflect, what is there is repeated."""
    assert x.shape is not None
    size = x.shape[axis]
    if mode not in ("reflect", "wrap") or not isinstance(size, int):
        return pair
    room = size - (mode == "reflect")
    if max(pair) <= room:
        return pair
    # Whole periods first, so that what is added later continues as if it were added now.
    if mode == "wrap":
        return room * (pair[0] >= room), room * (pair[1] >= room)
    return min(pair[0], room), min(pair[1], room)


def _padded(b: Any, x: Tensor, pairs: Sequence[tuple[int, int]], mode: str, value: Any) -> Tensor:
    paddings = tuple(p for pair in pairs for p in pair)
    if mode != "constant":
        return b.pad(x, paddings=paddings, mode=mode)  # type: ignore[no-any-return]
    if isinstance(value, Tensor):
        constant = constant_value(value)
        value = value if constant is None else constant
    if value is None:
        return b.pad(x, paddings=paddings)  # type: ignore[no-any-return]
    if not isinstance(value, Tensor):
        number = np.asarray(value, x.dtype.numpy).reshape(())
        # Python compares integers with numbers exactly.
        if x.dtype.is_floating or float(np.float32(number)) == number.item():
            return b.pad(x, paddings=paddings, value=float(number))  # type: ignore[no-any-return]
        value = b.constant(number)
    # A number that the attribute cannot hold, or one that is data.
    inside = b.pad(b.broadcast_to(b.constant(np.bool_(True)), b.sizes(x)), paddings=paddings)
    made: Tensor = b.where(inside, b.pad(x, paddings=paddings), _scalar(b, value))
    return made


__all__ = [
    "compress",
    "count_of",
    "element",
    "expand",
    "first",
    "known",
    "masked",
    "non_max_suppression",
    "non_zero",
    "pad",
    "range_",
    "reshape",
    "size_along",
    "sized",
    "slice_",
    "tile",
    "unique",
]
