"""`tensor[...]` as the op strided_slice."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.graph import Tensor


def slice_of(tensor: Tensor, key: Any) -> Tensor:
    """Numpy's basic indexing: integers, slices with steps, None and one Ellipsis; integers may be scalar tensors.

    Raises:
        TypeError: the key holds something else.
    """
    keys = key if isinstance(key, tuple) else (key,)
    if any(_is_data(k) for k in keys):
        return _by_data(tensor, keys)
    begin, end, strides = [], [], []
    masks = dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0)
    for place, entry in enumerate(keys):
        bit = 1 << place
        first, last, step = 0, 0, 1
        if entry is None:
            masks["new_axis_mask"] |= bit
        elif entry is Ellipsis:
            if masks["ellipsis_mask"]:
                raise TypeError("a slice can hold only one `...`")
            masks["ellipsis_mask"] |= bit
        elif isinstance(entry, slice):
            if entry.start is None:
                masks["begin_mask"] |= bit
            if entry.stop is None:
                masks["end_mask"] |= bit
            first, last = entry.start or 0, entry.stop or 0
            step = 1 if entry.step is None else entry.step
        elif hasattr(entry, "__index__") and not isinstance(entry, bool):
            first, last = int(entry), int(entry) + 1
            masks["shrink_axis_mask"] |= bit
        else:
            raise TypeError(
                f"{tensor.name} cannot be indexed with {entry!r}: use integers, slices, None and `...`, or gather"
            )
        begin.append(first)
        end.append(last)
        strides.append(step)
    sliced: Tensor = tensor.graph.b.strided_slice(tensor, begin=begin, end=end, strides=strides, **masks)
    return sliced


def _is_data(entry: Any) -> bool:
    """Whether an entry of a key holds a tensor."""
    parts = (entry.start, entry.stop, entry.step) if isinstance(entry, slice) else (entry,)
    return any(hasattr(p, "as_graph_tensor") for p in parts)


def _by_data(tensor: Tensor, keys: tuple[Any, ...]) -> Tensor:
    """Indexing in which some numbers are data: those axes one by one, from the last on, then all others at once."""
    if tensor.shape is None:
        raise TypeError(f"{tensor.name}: its rank must be known to index it with tensors")
    given = sum(k is not None and k is not Ellipsis for k in keys)
    if given > len(tensor.shape):
        raise TypeError(f"{tensor.name} has rank {len(tensor.shape)}, the key has {given} entries")
    spread: list[Any] = []
    for k in keys:
        spread += [slice(None)] * (len(tensor.shape) - given) if k is Ellipsis else [k]
    b = tensor.graph.b
    rest: list[Any] = []
    axis = 0
    axes = []
    for k in spread:
        axes.append(axis)
        axis += k is not None
    for k, at in reversed(list(zip(spread, axes, strict=True))):
        if k is None or not _is_data(k):
            rest.insert(0, k)
        elif isinstance(k, slice):
            tensor = _part(b, tensor, k, at)
            rest.insert(0, slice(None))
        else:
            index = k.as_graph_tensor()
            if index.shape not in (None, ()):
                raise TypeError(
                    f"{tensor.name} cannot be indexed with {index.name} of rank 1 or more: use gather"
                )
            tensor = b.gather(tensor, index, axis=at, from_end=True)
    if all(k == slice(None) for k in rest):
        return tensor
    return slice_of(tensor, tuple(rest))


def _part(b: Any, tensor: Tensor, key: slice, axis: int) -> Tensor:
    """Elements of one axis from one number to another; below 0 they count from its end, and are kept within it."""
    if key.step not in (None, 1):
        raise TypeError(f"{tensor.name}: a slice between tensors has no step but 1")
    rank = len(tensor.shape or ())
    whole = b.shape(tensor)
    size = whole[axis]
    ends = []
    for value, other in ((key.start, np.int32(0)), (key.stop, size)):
        if value is None:
            ends.append(other)
            continue
        number = b.cast(b.constant(value), dtype="int32")
        number = b.where(b.less(number, np.int32(0)), b.add(number, size), number)
        ends.append(b.minimum(b.maximum(number, np.int32(0)), size))
    begin, end = ends
    count = b.maximum(b.subtract(end, begin), np.int32(0))
    # Of nothing, the place is of no matter.
    begin = b.minimum(begin, b.subtract(size, count))
    begins = b.stack([begin if i == axis else np.int32(0) for i in range(rank)], axis=0)
    sizes = b.stack([count if i == axis else whole[i] for i in range(rank)], axis=0)
    made: Tensor = b.slice(tensor, begins, sizes, strides=(1,) * rank)
    known = [None if i == axis else n for i, n in enumerate(tensor.shape or ())]
    made.set_shape(known)
    return made
