"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.compose.convolution import conv
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
    b = r.b
    count = r.rank(weight) - 2
    strides, dilations = _spread(stride, count), _spread(dilation, count)
    begins, extra = _spread(padding, count), _spread(output_padding, count)
    single = r.rank(x) == count + 1
    x = b.expand_dims(x, axis=0) if single else x
    if count == 1:
        x, weight = b.expand_dims(x, axis=2), b.expand_dims(weight, axis=2)
        strides, dilations, begins, extra = (1, *strides), (1, *dilations), (0, *begins), (0, *extra)
    elif count != 2:
        raise r.unsupported("it convolves along three axes")
    assert weight.shape is not None
    assert x.shape is not None
    sizes = [
        (n - 1) * s - 2 * p + d * (r.number(k, "the size of the filter") - 1) + e + 1
        for n, s, p, d, k, e in zip(
            x.shape[2:], strides, begins, dilations, weight.shape[2:], extra, strict=True
        )
    ]
    outputs = r.number(weight.shape[1], "the number of channels") * groups
    # The filter of the convolution whose gradient this is: [KH, KW, O / groups, I].
    taps = b.transpose(weight, permutation=(2, 3, 1, 0))
    y = b.conv2d_backprop_input(
        r.symbols.vector((x.shape[0], *sizes, outputs)),
        taps,
        b.transpose(x, permutation=(0, 2, 3, 1)),
        strides=strides,
        padding="explicit",
        paddings=(begins[0], begins[0] - extra[0], begins[1], begins[1] - extra[1]),
        dilations=dilations,
        groups=groups,
    )
    y = y if bias is None else b.add(y, bias)
    y = b.transpose(y, permutation=(0, 3, 1, 2))
    y = b.squeeze(y, axes=(2,)) if count == 1 else y
    made: Tensor = b.squeeze(y, axes=(0,)) if single else y
    return made


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
def conv_transpose(
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
