"""Convolutions of volumes: for each tap along the depth one convolution of images, all of them added up."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.gradients import gradients
from samara.graph.graph import Tensor
from samara.graph.nn._format import (
    along,
    channels_first,
    every,
    folded,
    spatial,
    to_channels_last,
    with_channels_last,
)


def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Convolution of input [N, D, H, W, C] with a filter [KD, KH, KW, C, O].

    Args:
        input: the volumes; their depth and that of the filter are known numbers.
        filter: the filter.
        strides: [1, d, h, w, 1], [d, h, w] or one number; 1 when None.
        padding: "SAME" or "VALID" (also when None).
        data_format: "NDHWC", or "NCDHW", which is transposed before and after.
        dilations: as strides.
        name: the name scope.
        filters: the filter by its later name.

    Raises:
        ValueError: a depth is not known, or the padding is neither.
    """
    steps = spatial(1 if strides is None else strides, "strides", 3, data_format)
    apart = spatial(dilations, "dilations", 3, data_format)
    taps = convert_to_tensor(filter if filter is not None else filters)
    word = "VALID" if padding is None else padding

    def compute(tensor: Tensor) -> Tensor:
        with tensor.graph.name_scope(name or "conv3d"):
            return _conv3d(tensor, taps, steps, apart, word)

    return with_channels_last(input, data_format, compute, 3)


def _conv3d(x: Tensor, taps: Tensor, steps: Any, apart: Any, padding: str) -> Tensor:
    b = x.graph.b
    shape, depth = x.get_shape(), taps.get_shape()[0]
    if len(shape) != 5 or len(taps.get_shape()) != 5 or not isinstance(depth, int):
        raise ValueError(
            f"conv3d: input {x.shape} and filter {taps.shape}: expected [N, D, H, W, C] and [KD, KH, KW, C, O], "
            "the depths known"
        )
    before, after, count = along(padding, shape[1], depth, steps[0], apart[0], "the depth of conv3d's input")
    if before or after:
        x = b.pad(x, paddings=(0, 0, before, after, 0, 0, 0, 0, 0, 0))
    total: Tensor | None = None
    for tap in range(depth):
        part = every(x, [1], [tap * apart[0]], [steps[0]], [count])
        flat, unfolded = folded(part, 2)
        made = b.conv2d(
            flat,
            b.squeeze(every(taps, [0], [tap], [1], [1]), axes=(0,)),
            strides=steps[1:],
            dilations=apart[1:],
            padding=padding,
        )
        whole = unfolded(made)
        total = whole if total is None else b.add(total, whole)
    assert total is not None
    return total


def conv3d_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of conv3d for its input, whose shape `input_sizes` is a list of known numbers."""
    sizes = [int(d) for d in input_sizes]
    if channels_first(data_format, 3):
        sizes = [sizes[0], *sizes[2:], sizes[1]]
    steps = spatial(strides, "strides", 3, data_format)
    apart = spatial(dilations, "dilations", 3, data_format)
    taps = convert_to_tensor(filter)

    def compute(dy: Tensor) -> Tensor:
        with dy.graph.name_scope(name or "conv3d_backprop_input"):
            b = dy.graph.b
            x = b.broadcast_to(b.like(0, dy), np.asarray(sizes, np.int32))
            # A convolution is linear, so that its gradient does not depend on where it is taken.
            (dx,) = gradients(_conv3d(x, taps, steps, apart, padding), [x], [dy])
        assert dx is not None
        return dx

    return with_channels_last(out_backprop, data_format, compute, 3)


def conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of conv3d for its filter, whose shape `filter_sizes` is a list of known numbers."""
    x, dy = convert_to_tensor(input), convert_to_tensor(out_backprop)
    if channels_first(data_format, 3):
        x, dy = to_channels_last(x, 3), to_channels_last(dy, 3)
    steps = spatial(strides, "strides", 3, data_format)
    apart = spatial(dilations, "dilations", 3, data_format)
    with x.graph.name_scope(name or "conv3d_backprop_filter"):
        b = x.graph.b
        taps = b.broadcast_to(b.like(0, x), np.asarray([int(d) for d in filter_sizes], np.int32))
        (dw,) = gradients(_conv3d(x, taps, steps, apart, padding), [taps], [dy])
    assert dw is not None
    return dw


conv3d_backprop_filter_v2 = conv3d_backprop_filter


def conv3d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The gradient of conv3d for its input: filter [KD, KH, KW, output channels, input channels]."""
    return conv3d_backprop_input(
        output_shape,
        filter if filter is not None else filters,
        value if value is not None else input,
        strides=1 if strides is None else strides,
        padding=padding,
        data_format=data_format,
        dilations=1 if dilations is None else dilations,
        name=name,
    )


__all__ = [
    "conv3d",
    "conv3d_backprop_filter",
    "conv3d_backprop_filter_v2",
    "conv3d_backprop_input",
    "conv3d_transpose",
]
