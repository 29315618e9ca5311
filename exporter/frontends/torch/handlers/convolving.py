"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.compose.convolution import conv, conv_transpose
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph.graph import Tensor


def _spread(values: Any, count: int) -> tuple[int, ...]:
    """A number for each of `count` axes, from one number or a list."""
    listed = [values] if isinstance(values, int) else list(values)
    return tuple(int(v) for v in (listed * count if len(listed) == 1 else listed))


def _pads(
    r: Reader, padding: Any, weight: Tensor, strides: Sequence[int], dilations: Sequence[int]
) -> tuple[int, ...]:
    """Begins and ends, from numbers or a word."""
    assert weight.shape is not None
    count = r.rank(weight) - 2
    if padding == "valid":
        return (0,) * (2 * count)
    if padding == "same":
        reach = [
            d * (r.number(k, "the size of the filter") - 1)
            for k, d in zip(weight.shape[2:], dilations, strict=True)
        ]
        return (*(n // 2 for n in reach), *(n - n // 2 for n in reach))
    begins = _spread(padding, count)
    return (*begins, *begins)


def convolution(
    r: Reader,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    """A convolution of one example, or of a batch."""
    count = r.rank(weight) - 2
    strides, dilations = _spread(stride, count), _spread(dilation, count)
    pads = _pads(r, padding, weight, strides, dilations)
    single = r.rank(x) == count + 1
    x = r.b.expand_dims(x, axis=0) if single else x
    try:
        y = conv(r.b, x, weight, bias, strides=strides, pads=pads, dilations=dilations, groups=groups)
    except ValueError as error:
        raise r.unsupported(str(error)) from None
    return r.b.squeeze(y, axes=(0,)) if single else y


def transposed_convolution(
    r: Reader,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    """A transposed convolution of one example, or of a batch."""
    count = r.rank(weight) - 2
    single = r.rank(x) == count + 1
    x = r.b.expand_dims(x, axis=0) if single else x
    try:
        y = conv_transpose(
            r.b,
            x,
            weight,
            bias,
            strides=_spread(stride, count),
            pads=_spread(padding, count) * 2,
            output_padding=_spread(output_padding, count),
            dilations=_spread(dilation, count),
            groups=groups,
        )
    except ValueError as error:
        raise r.unsupported(str(error)) from None
    return r.b.squeeze(y, axes=(0,)) if single else y


@handles("aten.conv1d", "aten.conv2d", "aten.conv3d")
def convolve(
    r: Reader,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    return convolution(r, x, weight, bias, stride, padding, dilation, groups)


@handles("aten.conv_transpose1d", "aten.conv_transpose2d", "aten.conv_transpose3d")
def convolve_transposed(
    r: Reader,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    return transposed_convolution(r, x, weight, bias, stride, padding, output_padding, groups, dilation)


@handles("aten.convolution", "aten._convolution")
def general_convolution(
    r: Reader,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    *rest: Any,
) -> Tensor:
    if transposed:
        return transposed_convolution(r, x, weight, bias, stride, padding, output_padding, groups, dilation)
    return convolution(r, x, weight, bias, stride, padding, dilation, groups)
