"""Pooling with channels first, over one or two spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.compose.layout import from_image, to_image, two
from samara.graph.graph import Tensor


def max_pool(
    b: Any,
    x: Tensor,
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: bool = False,
) -> Tensor:
    """The largest value of each window of x [N, C, spatial...]; padding does not take part.

    Args:
        b: builds ops.
        x: the input.
        kernel: the window along each spatial axis.
        strides: along each spatial axis.
        pads: before each spatial axis, then after each.
        dilations: steps between the elements of a window.
        ceil_mode: whether a last window may reach over the end, as long as it begins before it.
    """
    if any(d != 1 for d in dilations):
        raise ValueError(f"dilations {list(dilations)} of a pool")
    return from_image(
        b, b.max_pool2d(to_image(b, x), **_window(x, kernel, strides, pads, ceil_mode)), len(kernel)
    )


def average_pool(
    b: Any,
    x: Tensor,
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
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
        pads: before each spatial axis, then after each.
        dilations: steps between the elements of a window.
        ceil_mode: whether a last window may reach over the end, as long as it begins before it.
        count_include_pad: whether padding counts, as zeros.
    """
    window = _window(x, kernel, strides, pads, ceil_mode)
    widened = window["paddings"] != _window(x, kernel, strides, pads, False)["paddings"]
    if any(d != 1 for d in dilations) or (widened and count_include_pad):
        raise ValueError(f"dilations {list(dilations)}, or ceil_mode with count_include_pad, of a pool")
    made = b.average_pool2d(to_image(b, x), **window, count_include_pad=count_include_pad)
    return from_image(b, made, len(kernel))


def _window(
    x: Tensor, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], ceil_mode: bool
) -> dict[str, Any]:
    spatial = len(kernel)
    before, after = list(pads[:spatial]), list(pads[spatial:])
    if ceil_mode:
        assert x.shape is not None
        for axis, size in enumerate(x.shape[2:]):
            if not isinstance(size, int):
                raise ValueError(f"ceil_mode on a size that moves, {size}")
            after[axis] += _overhang(size, kernel[axis], strides[axis], before[axis], after[axis])
    first, last = two(before, 0), two(after, 0)
    return {
        "pool_size": two(kernel, 1),
        "strides": two(strides, 1),
        "padding": "explicit",
        "paddings": (first[0], last[0], first[1], last[1]),
    }


def _overhang(size: int, kernel: int, stride: int, before: int, after: int) -> int:
    """How far the last window reaches over the padding."""
    windows = -(-(size + before + after - kernel) // stride) + 1
    if (windows - 1) * stride >= size + before:
        windows -= 1
    return max((windows - 1) * stride + kernel - (size + before + after), 0)


__all__ = ["average_pool", "max_pool"]
