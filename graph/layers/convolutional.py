"""Layers that convolve signals, images and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from samara.graph.convert import convert_to_tensor
from samara.graph.layer import Layer, LayerOptions, first_given, zeros
from samara.graph.layers.as_function import as_function
from samara.graph.layers.shared import finished
from samara.graph.nn import activations
from samara.graph.nn._format import channels_first, spatial
from samara.graph.nn.convolutions import conv1d as _conv1d
from samara.graph.nn.convolutions import conv2d as _conv2d
from samara.graph.nn.convolutions import conv2d_transpose as _conv2d_transpose
from samara.graph.nn.convolutions import separable_conv2d as _separable_conv2d
from samara.graph.nn.volumes import conv3d as _conv3d
from samara.graph.nn.volumes import conv3d_transpose as _conv3d_transpose

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Conv(Layer):
    """Convolution, plus a bias, through an activation.

    Args:
        filters: the number of channels of the output.
        kernel_size: the size of the filter, one number or one for each axis.
        strides: the same.
        padding: "valid" or "same".
        data_format: "channels_last", or "channels_first", which is transposed before and after.
        dilation_rate: as strides.
        activation: a function; None for none.
        use_bias: whether there is a bias.
        kernel_initializer: of the filter; the scope's, else Glorot and Bengio's, when None.
        bias_initializer: of the bias; zeros when None.
        kernel_regularizer: a function of the filter, whose value joins REGULARIZATION_LOSSES.
        bias_regularizer: the same of the bias.
        activity_regularizer: the same of the output.
        kernel_constraint: what optimizers apply to the filter.
        bias_constraint: the same to the bias.
        trainable: whether optimizers train the variables.
        name: the name of its scope.
        kwargs: `dtype`, of the variables.
    """

    _rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        rank = self._rank
        self.filters = int(filters)
        self.kernel_size = spatial(kernel_size, "kernel_size", rank)
        self.strides = spatial(strides, "strides", rank)
        self.padding = padding
        self.data_format = data_format
        self.dilation_rate = spatial(dilation_rate, "dilation_rate", rank)
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.activity_regularizer = activity_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.kernel: Any = None
        self.bias: Any = None

    @property
    def _first(self) -> bool:
        return channels_first(self.data_format, self._rank)

    def _channels(self, shape: Any) -> int:
        if len(shape) != self._rank + 2:
            raise ValueError(
                f"{type(self).__name__}: its input has rank {len(shape)}, expected {self._rank + 2}"
            )
        channels = shape[1 if self._first else -1]
        if not isinstance(channels, int):
            raise ValueError(
                f"{type(self).__name__}: the channels of its input, of shape {tuple(shape)}, are not known"
            )
        return int(channels)

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, channels, self.filters]

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` and `bias`."""
        self.kernel = self.add_weight(
            "kernel",
            self._kernel_shape(self._channels(input_shape)),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._add_bias()

    def _add_bias(self) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                [self.filters],
                initializer=first_given(self.bias_initializer, zeros),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    @property
    def _around(self) -> list[int]:
        """Strides with those of batch and channels, in the order of the format."""
        return [1, 1, *self.strides] if self._first else [1, *self.strides, 1]

    def call(self, inputs: Any) -> Any:
        """The output."""
        return self._plus(self._convolved(inputs))

    def _convolved(self, inputs: Any) -> Any:
        function: Any = {1: _conv1d, 2: _conv2d, 3: _conv3d}[self._rank]
        return function(
            inputs,
            self.kernel,
            self.strides,
            self.padding,
            data_format=_layout(self._first, self._rank),
            dilations=self.dilation_rate,
        )

    def _plus(self, made: Any) -> Any:
        if self.use_bias:
            layout = "NCHW" if self._first else None
            if self._first and self._rank != 2:
                layout = _layout(True, self._rank)
            made = activations.bias_add(made, self.bias, data_format=layout)
        return finished(self, made)


def _layout(first: bool, rank: int) -> str:
    return {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}[rank][first]


class Conv1D(_Conv):
    """Convolution of signals [N, W, C]."""

    _rank = 1


class Conv2D(_Conv):
    """Convolution of images [N, H, W, C]."""


class Conv3D(_Conv):
    """Convolution of volumes [N, D, H, W, C]."""

    _rank = 3


class Conv2DTranspose(_Conv):
    """Transposed convolution of images [N, H, W, C]: the gradient of a convolution for its input.

    With padding "same" an output is `strides` times as large as its input, with "valid" larger by what the filter
    reaches beyond a stride. The arguments are those of Conv2D, without `dilation_rate`.

    Args:
        filters: the number of channels of the output.
        kernel_size: the size of the filter, one number or one for each axis.
        strides: the same.
        padding: "valid" or "same".
        data_format: "channels_last", or "channels_first", which is transposed before and after.
        activation: a function; None for none.
        use_bias: whether there is a bias.
        kernel_initializer: of the filter; the scope's, else Glorot and Bengio's, when None.
        bias_initializer: of the bias; zeros when None.
        kernel_regularizer: a function of the filter, whose value joins REGULARIZATION_LOSSES.
        bias_regularizer: the same of the bias.
        activity_regularizer: the same of the output.
        kernel_constraint: what optimizers apply to the filter.
        bias_constraint: the same to the bias.
        trainable: whether optimizers train the variables.
        name: the name of its scope.
        kwargs: `dtype`, of the variables.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            1,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            trainable,
            name,
            **kwargs,
        )

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, self.filters, channels]

    def _convolved(self, inputs: Any) -> Any:
        tensor = convert_to_tensor(inputs)
        b = tensor.graph.b
        shape = tensor.get_shape()
        from_axis = 2 if self._first else 1
        sizes: list[Any] = []
        for axis in range(self._rank):
            size = shape[from_axis + axis]
            whole = size if isinstance(size, int) else b.shape(tensor)[from_axis + axis]
            more = (
                0 if self.padding.lower() == "same" else max(self.kernel_size[axis] - self.strides[axis], 0)
            )
            sizes.append(whole * self.strides[axis] + more)
        batch = shape[0] if isinstance(shape[0], int) else b.shape(tensor)[0]
        wanted = [batch, self.filters, *sizes] if self._first else [batch, *sizes, self.filters]
        function = _conv2d_transpose if self._rank == 2 else _conv3d_transpose
        return function(
            tensor, self.kernel, wanted, self._around, self.padding, _layout(self._first, self._rank)
        )


class Conv3DTranspose(Conv2DTranspose):
    """Transposed convolution of volumes, whose sizes must be known: see Conv2DTranspose."""

    _rank = 3


class SeparableConv2D(_Conv):
    """A convolution of each channel of images [N, H, W, C] by itself, then one that mixes them.

    Args:
        filters: the number of channels of the output.
        kernel_size: the size of the filters.
        strides: one number, or one for each axis.
        padding: "valid" or "same".
        data_format: "channels_last", or "channels_first", which is transposed before and after.
        dilation_rate: as strides.
        depth_multiplier: how many filters each channel has.
        activation: a function; None for none.
        use_bias: whether there is a bias.
        depthwise_initializer: of the filters of channels.
        pointwise_initializer: of what mixes them.
        bias_initializer: of the bias; zeros when None.
        depthwise_regularizer: a function of the filters of channels.
        pointwise_regularizer: a function of what mixes them.
        bias_regularizer: a function of the bias.
        activity_regularizer: a function of the output.
        depthwise_constraint: what optimizers apply to the filters of channels.
        pointwise_constraint: the same to what mixes them.
        bias_constraint: the same to the bias.
        trainable: whether optimizers train the variables.
        name: the name of its scope.
        kwargs: `dtype`, of the variables.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = None,
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )
        self.depth_multiplier = int(depth_multiplier)
        self.depthwise_initializer, self.pointwise_initializer = depthwise_initializer, pointwise_initializer
        self.depthwise_regularizer, self.pointwise_regularizer = depthwise_regularizer, pointwise_regularizer
        self.depthwise_constraint, self.pointwise_constraint = depthwise_constraint, pointwise_constraint

    def build(self, input_shape: Any) -> None:
        """Makes `depthwise_kernel`, `pointwise_kernel` and `bias`."""
        channels = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            [*self.kernel_size, channels, self.depth_multiplier],
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            [*[1] * self._rank, channels * self.depth_multiplier, self.filters],
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self._add_bias()

    def _convolved(self, inputs: Any) -> Any:
        return _separable_conv2d(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            self._around,
            self.padding.upper(),
            self.dilation_rate,
            data_format=_layout(self._first, 2),
        )


class SeparableConv1D(SeparableConv2D):
    """A convolution of each channel of signals [N, W, C] by itself, then one that mixes them."""

    _rank = 1

    def _convolved(self, inputs: Any) -> Any:
        tensor = convert_to_tensor(inputs)
        b, row = tensor.graph.b, 2 if self._first else 1
        made = _separable_conv2d(
            b.expand_dims(tensor, axis=row),
            b.expand_dims(self.depthwise_kernel, axis=0),
            b.expand_dims(self.pointwise_kernel, axis=0),
            (1, *self.strides),
            self.padding.upper(),
            (1, *self.dilation_rate),
            data_format=_layout(self._first, 2),
        )
        return b.squeeze(made, axes=(row,))


conv1d = as_function(Conv1D)
conv2d = as_function(Conv2D)
conv3d = as_function(Conv3D)
conv2d_transpose = as_function(Conv2DTranspose)
conv3d_transpose = as_function(Conv3DTranspose)
separable_conv1d = as_function(SeparableConv1D)
separable_conv2d = as_function(SeparableConv2D)


__all__ = [
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "SeparableConv1D",
    "SeparableConv2D",
    "conv1d",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "separable_conv1d",
    "separable_conv2d",
]
