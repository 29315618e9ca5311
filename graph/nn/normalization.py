"""Means and variances, and what is normalized by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float16, float32
from samara.graph.graph import Tensor
from samara.graph.nn._format import channels_first, to_channels_first, to_channels_last


def _axes(axes: Any) -> tuple[int, ...]:
    return tuple(int(a) for a in np.atleast_1d(np.asarray(axes, np.int64)))


def _kept(keep_dims: bool | None, keepdims: bool | None) -> bool:
    return bool(keep_dims if keep_dims is not None else keepdims)


def moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance along axes: the variance of the values, not an estimate from a sample.

    `shift` has no meaning here: the variance is that of the differences from the mean. float16 is computed in float32.
    """
    tensor = convert_to_tensor(x)
    b, along, kept = tensor.graph.b, _axes(axes), _kept(keep_dims, keepdims)
    with tensor.graph.name_scope(name or "moments"):
        wide = b.cast(tensor, dtype=float32) if tensor.dtype is float16 else tensor
        mean = b.reduce_mean(wide, axes=along, keepdims=True)
        variance = b.reduce_mean(b.squared_difference(wide, b.stop_gradient(mean)), axes=along, keepdims=kept)
        if not kept:
            mean = b.squeeze(mean, axes=along)
        if tensor.dtype is float16:
            mean, variance = b.cast(mean, dtype=float16), b.cast(variance, dtype=float16)
    return mean, variance


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance along axes of values that count as often as `frequency_weights`, which broadcasts, says."""
    tensor = convert_to_tensor(x)
    b, along, kept = tensor.graph.b, _axes(axes), _kept(keep_dims, keepdims)
    with tensor.graph.name_scope(name or "weighted_moments"):
        weights = b.cast(b.constant(frequency_weights), dtype=tensor.dtype)
        weights = b.add(weights, b.zeros_like(tensor))
        total = b.reduce_sum(weights, axes=along, keepdims=True)
        mean = b.divide(b.reduce_sum(b.multiply(tensor, weights), axes=along, keepdims=True), total)
        squares = b.multiply(weights, b.squared_difference(tensor, mean))
        variance = b.divide(b.reduce_sum(squares, axes=along, keepdims=True), total)
        if not kept:
            mean, variance = b.squeeze(mean, axes=along), b.squeeze(variance, axes=along)
    return mean, variance


def sufficient_statistics(
    x: Any,
    axes: Any,
    shift: Any = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """What mean and variance along axes are made of: the count, the sum and the sum of squares, and the shift.

    With `shift` the sums are of x - shift.
    """
    tensor = convert_to_tensor(x)
    b, along, kept = tensor.graph.b, _axes(axes), _kept(keep_dims, keepdims)
    with tensor.graph.name_scope(name or "sufficient_statistics"):
        count = b.size_of(tensor, along)
        start = None if shift is None else b.constant(shift, tensor.dtype)
        values = tensor if start is None else b.subtract(tensor, start)
        squares = b.square(values)
        total = b.reduce_sum(values, axes=along, keepdims=kept)
        of_squares = b.reduce_sum(squares, axes=along, keepdims=kept)
    return count, total, of_squares, start


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance of what `sufficient_statistics` gives; shift None for none."""
    total = convert_to_tensor(mean_ss)
    b = total.graph.b
    with total.graph.name_scope(name or "normalize"):
        each = b.reciprocal(b.constant(counts, total.dtype))
        shifted = b.multiply(total, each)
        mean = shifted if shift is None else b.add(shifted, shift)
        variance = b.subtract(b.multiply(variance_ss, each), b.square(shifted))
    return mean, variance


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: float,
    name: str | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset; scale and offset may be None."""
    tensor = convert_to_tensor(x)
    b = tensor.graph.b
    statistics = b.constant(mean, tensor.dtype)
    if (
        statistics.shape is not None
        and len(statistics.shape) == 1
        and isinstance(variance_epsilon, (int, float))
    ):
        scale = b.ones_like(statistics) if scale is None else scale
        offset = b.zeros_like(statistics) if offset is None else offset
        normal: Tensor = b.batch_normalization(
            tensor, scale, offset, statistics, variance, epsilon=variance_epsilon, name=name
        )
        return normal
    factor = b.rsqrt(b.add(b.constant(variance, tensor.dtype), b.constant(variance_epsilon, tensor.dtype)))
    factor = factor if scale is None else b.multiply(factor, scale)
    normal = b.multiply(b.subtract(tensor, statistics), factor, name=None if offset is not None else name)
    return normal if offset is None else b.add(normal, offset, name=name)


def batch_norm_with_global_normalization(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: float = 1e-3,
    scale_after_normalization: bool = False,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Tensor:
    """`batch_normalization` with the oldest arguments; gamma counts only with `scale_after_normalization`."""
    return batch_normalization(
        t if t is not None else input,
        m if m is not None else mean,
        v if v is not None else variance,
        beta,
        gamma if scale_after_normalization else None,
        variance_epsilon,
        name,
    )


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalization of each channel of [N, H, W, C] by the batch, or by given statistics.

    Args:
        x: the images.
        scale: [C].
        offset: [C].
        mean: [C], when not training.
        variance: [C], when not training.
        epsilon: what is added to the variance.
        data_format: "NHWC", or "NCHW", which is transposed before and after.
        is_training: whether the statistics are those of the batch.
        name: the name scope.

    Returns:
        What is normalized, the mean, and the variance; that of a batch as an estimate from a sample, that is times
        n / (n - 1), as running statistics take it.

    Raises:
        ValueError: mean and variance are missing, or given in training.
    """
    if is_training == (mean is not None or variance is not None) or (mean is None) != (variance is None):
        raise ValueError("fused_batch_norm: mean and variance are for is_training=False, and needed there")
    tensor = convert_to_tensor(x)
    first = channels_first(data_format)
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "FusedBatchNorm"):
        images = to_channels_last(tensor) if first else tensor
        if is_training:
            mean, used = moments(images, [0, 1, 2])
            count = b.size_of(images, (0, 1, 2))
            more = b.divide(count, b.maximum(b.subtract(count, b.like(1, images)), b.like(1, images)))
            variance = b.multiply(used, more)
        else:
            mean, used = b.constant(mean, tensor.dtype), b.constant(variance, tensor.dtype)
            variance = used
        normal = b.batch_normalization(images, scale, offset, mean, used, epsilon=epsilon)
        return to_channels_first(normal) if first else normal, mean, variance


def layer_norm(
    x: Any,
    scale: Any = None,
    offset: Any = None,
    axis: int = -1,
    epsilon: float = 1e-5,
    name: str | None = None,
) -> Tensor:
    """X with mean 0 and variance 1 along the axes from `axis` on, times scale, plus offset."""
    tensor = convert_to_tensor(x)
    result: Tensor = tensor.graph.b.layer_normalization(
        tensor, scale, offset, axis=axis, epsilon=epsilon, name=name
    )
    return result


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Tensor:
    """X divided by its norm along an axis or axes (of all when None): x / sqrt(max(sum of squares, epsilon))."""
    tensor = convert_to_tensor(x)
    chosen = axis if axis is not None else dim
    b = tensor.graph.b
    along = () if chosen is None else _axes(chosen)
    if chosen is None:
        along = tuple(range(len(tensor.get_shape())))
    with tensor.graph.name_scope(name or "l2_normalize"):
        squares = b.reduce_sum(b.square(tensor), axes=along, keepdims=True)
        result: Tensor = b.multiply(tensor, b.rsqrt(b.maximum(squares, b.like(epsilon, tensor))))
    return result


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """Input [N, H, W, C] divided by (bias + alpha * s) ** beta, s the sum of squares of the channels around.

    These are the ones that are at most `depth_radius` away. Krizhevsky et al., "ImageNet classification with deep
    convolutional neural networks", 2012.

    Raises:
        ValueError: the number of channels is not known.
    """
    tensor = convert_to_tensor(input)
    channels = tensor.get_shape()[-1]
    if not isinstance(channels, int):
        raise ValueError(f"local_response_normalization: the channels of {tensor.name} are not known")
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "LRN"):
        apart = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels)))
        band = (apart <= depth_radius).astype(tensor.dtype.numpy)
        sums = b.matmul(b.square(tensor), band)
        base = b.add(b.like(bias, tensor), b.multiply(b.like(alpha, tensor), sums))
        result: Tensor = b.divide(tensor, b.power(base, b.like(beta, tensor)))
    return result


lrn = local_response_normalization


__all__ = [
    "batch_norm_with_global_normalization",
    "batch_normalization",
    "fused_batch_norm",
    "l2_normalize",
    "layer_norm",
    "local_response_normalization",
    "lrn",
    "moments",
    "normalize_moments",
    "sufficient_statistics",
    "weighted_moments",
]
