"""Convolutions with channels first, over one or two spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.compose.layout import from_image, to_image, two
from samara.graph.graph import Tensor


def conv(
    b: Any,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    groups: int = 1,
) -> Tensor:
    """The convolution of x [N, C, spatial...] with weight [O, C / groups, spatial...], plus bias [O].

    Args:
        b: builds ops.
        x: the input.
        weight: the filters.
        bias: one number for each output channel.
        strides: along each spatial axis.
        pads: zeros before each spatial axis, then after each.
        dilations: along each spatial axis.
        groups: groups of channels that do not see each other.
    """
    spatial = len(strides)
    image = to_image(b, x)
    attributes = _window(spatial, strides, pads, dilations)
    filters: Tensor = weight if spatial == 2 else b.expand_dims(weight, axis=2)
    shape = filters.shape or ()
    channels = image.shape[3] if image.shape is not None else None
    if groups > 1 and shape[1] == 1 and channels == groups:
        parted = b.reshape(filters, [groups, shape[0] // groups, *shape[2:]])
        y = b.depthwise_conv2d(image, b.transpose(parted, permutation=(2, 3, 0, 1)), bias, **attributes)
    else:
        turned = b.transpose(filters, permutation=(2, 3, 1, 0))
        y = b.conv2d(image, turned, bias, **attributes, groups=groups)
    return from_image(b, y, spatial)


def _window(
    spatial: int, strides: Sequence[int], pads: Sequence[int], dilations: Sequence[int]
) -> dict[str, Any]:
    before, after = two(pads[:spatial], 0), two(pads[spatial:], 0)
    return {
        "strides": two(strides, 1),
        "padding": "explicit",
        "paddings": (before[0], after[0], before[1], after[1]),
        "dilations": two(dilations, 1),
    }


__all__ = ["conv"]
