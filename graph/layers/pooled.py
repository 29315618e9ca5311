"""Layers that pool signals, images and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from samara.graph.graph import Tensor
from samara.graph.layer import Layer, LayerOptions
from samara.graph.layers.as_function import as_function
from samara.graph.nn import pooling
from samara.graph.nn._format import channels_first, spatial

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Pool(Layer):
    """The largest value, or the mean, of windows.

    Args:
        pool_size: the size of a window, one number or one for each axis.
        strides: the same.
        padding: "valid" or "same".
        data_format: "channels_last", or "channels_first", which is transposed before and after.
        name: the name of its scope.
        kwargs: `dtype`.
    """

    _rank = 2
    _function: Callable[..., Tensor]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = spatial(pool_size, "pool_size", self._rank)
        self.strides = spatial(strides, "strides", self._rank)
        self.padding = padding
        self.data_format = data_format

    def call(self, inputs: Any) -> Any:
        """The output."""
        first = channels_first(self.data_format, self._rank)
        layout = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}[self._rank][first]
        return type(self)._function(inputs, self.pool_size, self.strides, self.padding.upper(), layout)


class MaxPooling1D(_Pool):
    """The largest value of each window of signals [N, W, C]."""

    _rank = 1
    _function = staticmethod(pooling.max_pool1d)


class MaxPooling2D(_Pool):
    """The largest value of each window of images [N, H, W, C]."""

    _rank = 2
    _function = staticmethod(pooling.max_pool2d)


class MaxPooling3D(_Pool):
    """The largest value of each window of volumes [N, D, H, W, C]."""

    _rank = 3
    _function = staticmethod(pooling.max_pool3d)


class AveragePooling1D(_Pool):
    """The mean of each window of signals [N, W, C]."""

    _rank = 1
    _function = staticmethod(pooling.avg_pool1d)


class AveragePooling2D(_Pool):
    """The mean of each window of images [N, H, W, C]."""

    _rank = 2
    _function = staticmethod(pooling.avg_pool2d)


class AveragePooling3D(_Pool):
    """The mean of each window of volumes [N, D, H, W, C]."""

    _rank = 3
    _function = staticmethod(pooling.avg_pool3d)


average_pooling1d = as_function(AveragePooling1D)
average_pooling2d = as_function(AveragePooling2D)
average_pooling3d = as_function(AveragePooling3D)
max_pooling1d = as_function(MaxPooling1D)
max_pooling2d = as_function(MaxPooling2D)
max_pooling3d = as_function(MaxPooling3D)


__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "average_pooling1d",
    "average_pooling2d",
    "average_pooling3d",
    "max_pooling1d",
    "max_pooling2d",
    "max_pooling3d",
]
