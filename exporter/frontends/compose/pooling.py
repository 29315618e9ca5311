"""Pooling with channels first, over one, two or three spatial axes.

Plain windows over one or two axes are one op. Any other pool goes over one axis after another, as sums or maxima of
slices: a window of a pool is the product of its axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.layout import from_image, to_image, two
from samara.exporter.frontends.compose.sizes import size_of, vector
from samara.graph import dtypes
from samara.graph.graph import Tensor


def max_pool(
    b: Any,
    x: Tensor,
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int] | None,
    dilations: Sequence[int],
    ceil_mode: bool = False,
) -> Tensor:
    """The largest value of each window of x [N, C, spatial...]; padding does not take part.

    Args:
        b: builds ops.
        x: the input.
        kernel: the window along each spatial axis.
        strides: along each spatial axis.
        pads: before each spatial axis, then after each; None, in plain windows over one or two axes, for what gives
            ceil(size / stride) of them, the odd one after.
        dilations: steps between the elements of a window.
        ceil_mode: whether a last window may reach over the end, as long as it begins before it.

    Raises:
        ValueError: the windows are not plain, and there are no pads.
    """
    if pads is None:
        window = _same(kernel, strides, dilations)
        return from_image(b, b.max_pool2d(to_image(b, x), **window), len(kernel))
    widths = padding_of(x, kernel, strides, pads, dilations, ceil_mode)
    if len(kernel) <= 2 and all(d == 1 for d in dilations):
        window = _clipped(x, kernel, strides, widths)
        return from_image(b, b.max_pool2d(to_image(b, x), **window), len(kernel))
    least = -np.inf if x.dtype.is_floating else np.iinfo(x.dtype.numpy).min
    for axis, (k, s, d, w) in enumerate(zip(kernel, strides, dilations, widths, strict=True), 2):
        x = _along(b, x, axis, k, s, d, w, float(least), "maximum")
    return x


def average_pool(
    b: Any,
    x: Tensor,
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int] | None,
    dilations: Sequence[int],
    ceil_mode: bool = False,
    count_include_pad: bool = False,
) -> Tensor:
    """The mean of each window of x [N, C, spatial...].

    Args:
        b: builds ops.
        x: the input.
        kernel: the window along each spatial axis.
        strides: along each spatial axis.
        pads: before each spatial axis, then after each; None as in max_pool.
        dilations: steps between the elements of a window.
        ceil_mode: whether a last window may reach over the end, as long as it begins before it.
        count_include_pad: whether padding counts, as zeros; what reaches over it never does.

    Raises:
        ValueError: the windows are not plain, and there are no pads.
    """
    spatial = len(kernel)
    if pads is None:
        window = {**_same(kernel, strides, dilations), "count_include_pad": count_include_pad}
        return from_image(b, b.average_pool2d(to_image(b, x), **window), spatial)
    widths = padding_of(x, kernel, strides, pads, dilations, ceil_mode)
    given = list(zip(pads[:spatial], pads[spatial:], strict=True))
    if spatial <= 2 and all(d == 1 for d in dilations):
        if count_include_pad and widths != given:
            # What counts becomes elements; what is left to pad does not count.
            x = b.pad(x, paddings=(0, 0, 0, 0, *(p for pair in given for p in pair)))
            widths = [(0, w[1] - g[1]) for w, g in zip(widths, given, strict=True)]
            count_include_pad = False
        window = (
            _window(kernel, strides, widths) if count_include_pad else _clipped(x, kernel, strides, widths)
        )
        made = b.average_pool2d(to_image(b, x), **window, count_include_pad=count_include_pad)
        return from_image(b, made, spatial)
    dtype = x.dtype
    sums = b.cast(x, dtype=dtypes.float32) if dtype is dtypes.float16 else x
    rank = len(x.shape or ())
    for axis, (k, s, d, w) in enumerate(zip(kernel, strides, dilations, widths, strict=True), 2):
        size = (x.shape or ())[axis]
        sums = _along(b, sums, axis, k, s, d, w, 0.0, "add")
        inside = given[axis - 2] if count_include_pad else (0, 0)
        if not isinstance(size, int):
            if w == inside:
                sums = b.multiply(sums, b.like(1.0 / k, sums))
                continue
            sizes = [size_of(b, x, axis) if a == axis else 1 for a in range(rank)]
            ones: Any = b.broadcast_to(b.like(1, sums), vector(b, sizes))
            if any(inside):
                ones = b.pad(ones, paddings=_on_axis(rank, axis, inside), value=1.0)
            beyond = (w[0] - inside[0], w[1] - inside[1])
            counted = _along(b, ones, axis, k, s, d, beyond, 0.0, "add")
            sums = b.divide(sums, b.maximum(counted, b.like(1, counted)))
            continue
        count = (size + w[0] + w[1] - ((k - 1) * d + 1)) // s + 1
        first = np.arange(count)[:, None] * s - w[0] + np.arange(k)[None, :] * d
        counts = ((first >= -inside[0]) & (first < size + inside[1])).sum(axis=1)
        # The elements of a window with dilations may lie on both sides of a short axis: of none, it is 0.
        counts = np.maximum(counts, 1).reshape([-1 if a == axis else 1 for a in range(rank)])
        sums = b.multiply(sums, b.constant(np.asarray(1.0 / counts, sums.dtype.numpy)))
    return b.cast(sums, dtype=dtype) if dtype is dtypes.float16 else sums


def lp_pool(
    b: Any,
    x: Tensor,
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: bool = False,
    p: int = 2,
) -> Tensor:
    """The p-norm of each window of x [N, C, spatial...]: (sum of |x| ** p) ** (1 / p). Arguments as in max_pool."""
    widths = padding_of(x, kernel, strides, pads, dilations, ceil_mode)
    powers = b.square(x) if p == 2 else b.power(b.abs(x), b.like(p, x))
    if len(kernel) <= 2 and all(d == 1 for d in dilations):
        window = _window(kernel, strides, widths)
        means = b.average_pool2d(to_image(b, powers), **window, count_include_pad=True)
        powers = from_image(b, b.multiply(means, b.like(math.prod(kernel), means)), len(kernel))
    else:
        for axis, (k, s, d, w) in enumerate(zip(kernel, strides, dilations, widths, strict=True), 2):
            powers = _along(b, powers, axis, k, s, d, w, 0.0, "add")
    norm: Tensor = b.sqrt(powers) if p == 2 else b.power(powers, b.like(1.0 / p, x))
    return norm


def _along(
    b: Any,
    x: Tensor,
    axis: int,
    kernel: int,
    stride: int,
    dilation: int,
    width: tuple[int, int],
    fill: float,
    join: str,
) -> Tensor:
    """Windows along one axis: the slices that each of their elements makes, joined."""
    padded = b.pad(x, paddings=_on_axis(len(x.shape or ()), axis, width), value=fill) if any(width) else x
    joined: Any = None
    for element in range(kernel):
        part = part_along(b, padded, axis, element, kernel, dilation, stride)
        joined = part if joined is None else getattr(b, join)(joined, part)
    made: Tensor = joined
    return made


def _on_axis(rank: int, axis: int, width: tuple[int, int]) -> tuple[int, ...]:
    """Paddings of all axes that have some along one."""
    return tuple(w for a in range(rank) for w in (width if a == axis else (0, 0)))


def part_along(b: Any, x: Tensor, axis: int, element: int, kernel: int, dilation: int, stride: int) -> Tensor:
    """Of each window along an axis, one element."""
    rank = len(x.shape or ())
    others = ((1 << rank) - 1) & ~(1 << axis)
    begin, end, strides = [0] * rank, [0] * rank, [1] * rank
    begin[axis], end[axis], strides[axis] = element * dilation, (element - kernel + 1) * dilation, stride
    made: Tensor = b.strided_slice(
        x,
        begin=begin,
        end=end,
        strides=strides,
        begin_mask=others,
        end_mask=others | (1 << axis if end[axis] == 0 else 0),
    )
    return made


def padding_of(
    x: Tensor,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: bool,
) -> list[tuple[int, int]]:
    """The padding before and after each spatial axis, with what the last windows of ceil_mode reach over."""
    spatial = len(kernel)
    widths = list(zip(pads[:spatial], pads[spatial:], strict=True))
    if ceil_mode:
        assert x.shape is not None
        for axis, size in enumerate(x.shape[2:]):
            before, after = widths[axis]
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            if isinstance(size, int):
                more = _overhang(size, reach, strides[axis], before, after)
            else:
                # At any size as many windows: a stride less one more rounds their number up, and in what the
                # window reaches less one no window begins after the end.
                more = max(min(strides[axis] - 1, reach - 1 - after), 0)
            widths[axis] = (before, after + more)
    return widths


def _clipped(
    x: Tensor, kernel: Sequence[int], strides: Sequence[int], widths: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """As _window, for a pool that padding does not take part in: a window that is wider than its axis is that axis."""
    sizes = (x.shape or ())[2:]
    axes = list(zip(sizes, kernel, strides, widths, strict=True))
    wide = [isinstance(n, int) and w[0] == 0 and k > n >= 1 and n + w[1] < k + s for n, k, s, w in axes]
    return _window(
        [n if beyond else k for beyond, (n, k, _, _) in zip(wide, axes, strict=True)],  # type: ignore[misc]
        strides,
        [(0, 0) if beyond else w for beyond, (_, _, _, w) in zip(wide, axes, strict=True)],
    )


def _same(kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> dict[str, Any]:
    if len(kernel) > 2 or any(d != 1 for d in dilations):
        raise ValueError(
            "padding that depends on sizes that move, of windows with dilations or over three axes"
        )
    return {"pool_size": two(kernel, 1), "strides": two(strides, 1), "padding": "same"}


def _window(
    kernel: Sequence[int], strides: Sequence[int], widths: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    first, last = two([w[0] for w in widths], 0), two([w[1] for w in widths], 0)
    return {
        "pool_size": two(kernel, 1),
        "strides": two(strides, 1),
        "padding": "explicit",
        "paddings": (first[0], last[0], first[1], last[1]),
    }


def _overhang(size: int, reach: int, stride: int, before: int, after: int) -> int:
    """How far the last window reaches over the padding."""
    windows = -(-(size + before + after - reach) // stride) + 1
    if (windows - 1) * stride >= size + before:
        windows -= 1
    return max((windows - 1) * stride + reach - (size + before + after), 0)


__all__ = ["average_pool", "lp_pool", "max_pool", "padding_of", "part_along"]
