"""`tensor[...]` as the op strided_slice."""

from __future__ import annotations

from typing import Any

from samara.graph.graph import Tensor


def slice_of(tensor: Tensor, key: Any) -> Tensor:
    """Numpy's basic indexing: integers, slices with steps, None and one Ellipsis.

    Raises:
        TypeError: the key holds something else.
    """
    keys = key if isinstance(key, tuple) else (key,)
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
