"""Arguments that the functions of `tf.nn` share: tensors, windows and the order of axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor

_NAMES = {1: "width", 2: "height, width", 3: "depth, height, width"}


def spatial(values: Any, what: str, rank: int = 2, data_format: str | None = None) -> tuple[int, ...]:
    """The numbers along the axes of an image, of one number, one for each of these axes, or one for each axis."""
    if np.ndim(values) == 0:
        return (int(values),) * rank
    listed = [int(v) for v in values]
    if len(listed) == 1:
        return (listed[0],) * rank
    if len(listed) == rank + 2:
        first = 2 if channels_first(data_format, rank) else 1
        others = listed[:first] + listed[first + rank :]
        if others == [1, 1]:
            return tuple(listed[first : first + rank])
    if len(listed) == rank:
        return tuple(listed)
    raise ValueError(f"{what}={list(values)}: expected [1, {_NAMES[rank]}, 1] or [{_NAMES[rank]}]")


def channels_first(data_format: str | None, rank: int = 2) -> bool:
    """Whether a format has its channels second.

    Raises:
        ValueError: it is not a format of images of that rank.
    """
    last = {1: "NWC", 2: "NHWC", 3: "NDHWC"}[rank]
    first = {1: "NCW", 2: "NCHW", 3: "NCDHW"}[rank]
    if data_format in (None, last, "NHWC", "channels_last"):
        return False
    if data_format in (first, "NCHW", "channels_first"):
        return True
    raise ValueError(f"data_format={data_format!r}: expected {last!r}, or {first!r}, which is transposed")


def with_channels_last(
    value: Any, data_format: str | None, compute: Callable[[Tensor], Tensor], rank: int = 2
) -> Tensor:
    """What `compute` makes of a tensor [N, .., C]; one [N, C, ..] is transposed before and after."""
    tensor = convert_to_tensor(value)
    if not channels_first(data_format, rank):
        return compute(tensor)
    made: Tensor = to_channels_first(compute(to_channels_last(tensor, rank)), rank)
    return made


def to_channels_last(tensor: Tensor, rank: int = 2) -> Tensor:
    """[N, C, ..] as [N, .., C]."""
    turned: Tensor = tensor.graph.b.transpose(tensor, permutation=(0, *range(2, rank + 2), 1))
    return turned


def to_channels_first(tensor: Tensor, rank: int = 2) -> Tensor:
    """[N, .., C] as [N, C, ..]."""
    turned: Tensor = tensor.graph.b.transpose(tensor, permutation=(0, rank + 1, *range(1, rank + 1)))
    return turned


def padding_of(padding: Any, data_format: str | None = None) -> dict[str, Any]:
    """The attributes of a window over height and width."""
    if isinstance(padding, str):
        return {"padding": padding}
    explicit = [tuple(int(p) for p in pair) for pair in padding]
    first = 2 if channels_first(data_format) else 1
    if len(explicit) != 4 or any(p != (0, 0) for p in explicit[:first] + explicit[first + 2 :]):
        raise ValueError(
            f"padding={padding!r}: expected 'SAME', 'VALID' or [[0, 0], [top, bottom], [left, right], [0, 0]]"
        )
    return {"padding": "explicit", "paddings": (*explicit[first], *explicit[first + 1])}


def along(padding: str, size: Any, taps: int, stride: int, dilation: int, what: str) -> tuple[int, int, int]:
    """The padding before and after one axis, and the number of windows along it.

    Raises:
        ValueError: the size is not a number, or the padding is not known.
    """
    if not isinstance(size, int):
        raise ValueError(f"{what} must be a number when the graph is built, not {size}")
    reach = (taps - 1) * dilation + 1
    word = str(padding).upper()
    if word == "VALID":
        if size < reach:
            raise ValueError(f"a window that reaches over {reach} does not fit in {what}, {size}")
        return 0, 0, (size - reach) // stride + 1
    if word != "SAME":
        raise ValueError(f"padding={padding!r}: expected 'SAME' or 'VALID'")
    count = -(-size // stride)
    total = max((count - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2, count


def every(
    tensor: Tensor, axes: Sequence[int], firsts: Sequence[int], steps: Sequence[int], counts: Sequence[int]
) -> Tensor:
    """`count` elements along each of some axes, from one on in steps."""
    rank = len(tensor.shape or ())
    begin, end, strides, mask = [0] * rank, [0] * rank, [1] * rank, (1 << rank) - 1
    for axis, first, step, count in zip(axes, firsts, steps, counts, strict=True):
        begin[axis], strides[axis], end[axis] = first, step, first + (count - 1) * step + 1
        mask &= ~(1 << axis)
    part: Tensor = tensor.graph.b.strided_slice(tensor, begin=begin, end=end, strides=strides, end_mask=mask)
    return part


def folded(tensor: Tensor, axes: int) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """A tensor with its first axes as one, and what takes them apart again."""
    b = tensor.graph.b
    shape = tensor.shape or ()
    rest = shape[axes:]
    if all(isinstance(d, int) for d in rest):
        flat = b.reshape(tensor, np.asarray([-1, *rest], np.int32))
    else:
        sizes = b.shape(tensor)
        flat = b.reshape(tensor, b.concat([np.asarray([-1], np.int32), sizes[axes:]], axis=0))

    def unfolded(made: Tensor) -> Tensor:
        lead, tail = shape[:axes], (made.shape or ())[1:]
        if sum(not isinstance(d, int) for d in (*lead, *tail)) <= 1:
            wanted = np.asarray([d if isinstance(d, int) else -1 for d in (*lead, *tail)], np.int32)
            whole: Tensor = b.reshape(made, wanted)
        else:
            whole = b.reshape(made, b.concat([b.shape(tensor)[:axes], b.shape(made)[1:]], axis=0))
        whole.set_shape((*lead, *tail))
        return whole

    return flat, unfolded
