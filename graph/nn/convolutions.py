"""Convolutions over the axes of signals and images, and their transposes."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.nn._format import (
    channels_first,
    padding_of,
    spatial,
    to_channels_last,
    with_channels_last,
)
from samara.graph.nn.volumes import conv3d


def _sizes(shape: Any, first: bool = False) -> Any:
    """The shape of an output, its channels last."""
    if isinstance(shape, (list, tuple)):
        listed = list(shape)
        listed = [listed[0], *listed[2:], listed[1]] if first else listed
        if any(hasattr(d, "as_graph_tensor") for d in listed):
            return listed
        return np.asarray(listed, np.int32)
    if first:
        shape = convert_to_tensor(shape)
        return shape.graph.b.gather(shape, np.asarray([0, 2, 3, 1], np.int32), axis=0)
    return shape if hasattr(shape, "as_graph_tensor") else np.asarray(shape, np.int32)


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Convolution of input [N, H, W, C] with a filter [KH, KW, C, O].

    Args:
        input: the images.
        filter: the filter.
        strides: [1, h, w, 1], [h, w] or one number; 1 when None.
        padding: "SAME", "VALID" (also when None) or [[0, 0], [top, bottom], [left, right], [0, 0]].
        use_cudnn_on_gpu: has no meaning here.
        data_format: "NHWC", or "NCHW", which is transposed before and after.
        dilations: as strides.
        name: the operation's.
        filters: the filter by its later name.
    """
    chosen = filter if filter is not None else filters

    def compute(tensor: Tensor) -> Tensor:
        result: Tensor = tensor.graph.b.conv2d(
            tensor,
            chosen,
            strides=spatial(1 if strides is None else strides, "strides", 2, data_format),
            dilations=spatial(dilations, "dilations", 2, data_format),
            name=name,
            **padding_of("VALID" if padding is None else padding, data_format),
        )
        return result

    return with_channels_last(input, data_format, compute)


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Convolution of each channel with its own filters [KH, KW, C, M]; output channel c * M + m."""

    def compute(tensor: Tensor) -> Tensor:
        result: Tensor = tensor.graph.b.depthwise_conv2d(
            tensor,
            filter,
            strides=spatial(strides, "strides", 2, data_format),
            dilations=spatial(1 if rate is None else rate, "rate", 2, data_format),
            name=name,
            **padding_of(padding, data_format),
        )
        return result

    return with_channels_last(input, data_format, compute)


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """`depthwise_conv2d` with TensorFlow's other order of arguments."""
    return depthwise_conv2d(input, filter, strides, padding, dilations, name, data_format)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
) -> Tensor:
    """A depthwise convolution, then one of 1 by 1 that mixes the channels [1, 1, C * M, O]."""

    def compute(tensor: Tensor) -> Tensor:
        with tensor.graph.name_scope(name or "separable_conv2d"):
            numbers = spatial(strides, "strides", 2, data_format)
            rates = 1 if rate is None else rate
            explicit = padding
            if not isinstance(padding, str) and channels_first(data_format):
                explicit = [padding[0], padding[2], padding[3], padding[1]]
            each = depthwise_conv2d(tensor, depthwise_filter, numbers, explicit, rates)
            return conv2d(each, pointwise_filter, 1, "VALID")

    return with_channels_last(input, data_format, compute)


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of conv2d for its input, which has the shape `input_sizes`."""
    sizes = _sizes(input_sizes, channels_first(data_format))

    def compute(tensor: Tensor) -> Tensor:
        result: Tensor = tensor.graph.b.conv2d_backprop_input(
            sizes,
            filter,
            tensor,
            strides=spatial(strides, "strides", 2, data_format),
            dilations=spatial(dilations, "dilations", 2, data_format),
            name=name,
            **padding_of(padding, data_format),
        )
        return result

    return with_channels_last(out_backprop, data_format, compute)


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of conv2d for its filter, which has the shape `filter_sizes`."""
    return _backprop_filter(
        "conv2d", input, filter_sizes, out_backprop, strides, padding, data_format, dilations, name
    )


def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of depthwise_conv2d for its input, which has the shape `input_sizes`."""
    sizes = _sizes(input_sizes, channels_first(data_format))

    def compute(tensor: Tensor) -> Tensor:
        result: Tensor = tensor.graph.b.depthwise_conv2d_backprop_input(
            sizes,
            filter,
            tensor,
            strides=spatial(strides, "strides", 2, data_format),
            dilations=spatial(dilations, "dilations", 2, data_format),
            name=name,
            **padding_of(padding, data_format),
        )
        return result

    return with_channels_last(out_backprop, data_format, compute)


def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of depthwise_conv2d for its filter, which has the shape `filter_sizes`."""
    return _backprop_filter(
        "depthwise_conv2d", input, filter_sizes, out_backprop, strides, padding, data_format, dilations, name
    )


def _backprop_filter(
    op: str,
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str,
    dilations: Any,
    name: str | None,
) -> Tensor:
    x, dy = convert_to_tensor(input), convert_to_tensor(out_backprop)
    if channels_first(data_format):
        x, dy = to_channels_last(x), to_channels_last(dy)
    result: Tensor = getattr(x.graph.b, f"{op}_backprop_filter")(
        x,
        _sizes(filter_sizes),
        dy,
        strides=spatial(strides, "strides", 2, data_format),
        dilations=spatial(dilations, "dilations", 2, data_format),
        name=name,
        **padding_of(padding, data_format),
    )
    return result


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The gradient of conv2d for its input: filter [KH, KW, output channels, input channels]."""
    return conv2d_backprop_input(
        output_shape,
        filter if filter is not None else filters,
        value if value is not None else input,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=1 if dilations is None else dilations,
        name=name,
    )


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Any, name: str | None = None) -> Tensor:
    """Convolution with a filter whose taps are `rate` elements apart."""
    return conv2d(value, filters, 1, padding, dilations=int(rate), name=name)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: Any, name: str | None = None
) -> Tensor:
    """The gradient of atrous_conv2d for its input, which has the shape `output_shape`."""
    return conv2d_backprop_input(
        output_shape, filters, value, strides=1, padding=padding, dilations=int(rate), name=name
    )


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Convolution of value [N, W, C] with a filter [K, C, O]; data_format "NWC" (also when None) or "NCW"."""
    given = value if value is not None else input
    step = spatial(1 if stride is None else stride, "stride", 1, data_format)
    apart = spatial(1 if dilations is None else dilations, "dilations", 1, data_format)

    def compute(tensor: Tensor) -> Tensor:
        b = tensor.graph.b
        with tensor.graph.name_scope(name or "conv1d"):
            flat = b.expand_dims(tensor, axis=1)
            made = b.conv2d(
                flat,
                b.expand_dims(filters, axis=0),
                strides=(1, *step),
                dilations=(1, *apart),
                padding="VALID" if padding is None else padding,
            )
            squeezed: Tensor = b.squeeze(made, axes=(1,))
        return squeezed

    return with_channels_last(given, data_format, compute, 1)


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The gradient of conv1d for its input: filters [K, output channels, input channels]; output_shape three sizes."""
    first = channels_first(data_format, 1)
    sizes = list(output_shape) if isinstance(output_shape, (list, tuple, np.ndarray)) else None
    if sizes is None:
        sizes = [output_shape[i] for i in range(3)]
    n, w, c = (sizes[0], sizes[2], sizes[1]) if first else sizes

    def compute(tensor: Tensor) -> Tensor:
        b = tensor.graph.b
        with tensor.graph.name_scope(name or "conv1d_transpose"):
            made = b.conv2d_backprop_input(
                _sizes([n, 1, w, c]),
                b.expand_dims(filters, axis=0),
                b.expand_dims(tensor, axis=1),
                strides=(1, *spatial(strides, "strides", 1, data_format)),
                dilations=(1, *spatial(1 if dilations is None else dilations, "dilations", 1, data_format)),
                padding=padding,
            )
            squeezed: Tensor = b.squeeze(made, axes=(1,))
        return squeezed

    return with_channels_last(input, data_format, compute, 1)


def convolution(
    input: Any,
    filter: Any = None,
    padding: Any = "VALID",
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Convolution over as many axes as the filter [K, .., C, O] has, 1 to 3."""
    tensor = convert_to_tensor(input)
    chosen = convert_to_tensor(filter if filter is not None else filters)
    rank = len(chosen.get_shape()) - 2
    apart = dilation_rate if dilation_rate is not None else dilations
    steps = 1 if strides is None else strides
    rates = 1 if apart is None else apart
    if rank == 1:
        return conv1d(tensor, chosen, steps, padding, data_format=data_format, dilations=rates, name=name)
    if rank == 2:
        return conv2d(
            tensor, chosen, steps, padding, data_format=data_format or "NHWC", dilations=rates, name=name
        )
    if rank == 3:
        return conv3d(
            tensor, chosen, steps, padding, data_format=data_format or "NDHWC", dilations=rates, name=name
        )
    raise ValueError(f"convolution: the filter has rank {rank + 2}, expected 3 to 5")


__all__ = [
    "atrous_conv2d",
    "atrous_conv2d_transpose",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_backprop_filter",
    "conv2d_backprop_input",
    "conv2d_transpose",
    "convolution",
    "depthwise_conv2d",
    "depthwise_conv2d_native",
    "depthwise_conv2d_native_backprop_filter",
    "depthwise_conv2d_native_backprop_input",
    "separable_conv2d",
]
