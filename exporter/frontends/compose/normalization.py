"""Normalizations with channels first, or along any axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.graph import dtypes
from samara.graph.graph import Tensor


def _wide(b: Any, x: Tensor) -> Tensor:
    """Numbers to compute with: float16 becomes float32."""
    made: Tensor = b.cast(x, dtype=dtypes.float32) if x.dtype is dtypes.float16 else x
    return made


def _channels(b: Any, parameter: Tensor, rank: int) -> Tensor:
    """One number for each channel, [C], in a shape that broadcasts over [N, C, spatial...]."""
    made: Tensor = b.reshape(parameter, [-1, *(1,) * (rank - 2)]) if rank > 2 else parameter
    return made


def batch_norm(
    b: Any, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias for x [N, C, spatial...] by given statistics [C]."""
    rank = len(x.shape or ())
    kind = variance.dtype
    root = b.sqrt(b.add(variance, b.like(epsilon, variance)))
    factor = b.divide(b.cast(scale, dtype=kind), root)
    shift = b.subtract(b.cast(bias, dtype=kind), b.multiply(mean, factor))
    factor, shift = (b.cast(_channels(b, t, rank), dtype=x.dtype) for t in (factor, shift))
    made: Tensor = b.add(b.multiply(x, factor), shift)
    return made


def _normalized(b: Any, x: Tensor, axes: Sequence[int], epsilon: float) -> Tensor:
    """Input along axes with mean 0 and variance 1; x is float32."""
    centred = b.subtract(x, b.reduce_mean(x, axes=tuple(axes), keepdims=True))
    variance = b.reduce_mean(b.square(centred), axes=tuple(axes), keepdims=True)
    made: Tensor = b.multiply(centred, b.rsqrt(b.add(variance, b.like(epsilon, x))))
    return made


def instance_norm(b: Any, x: Tensor, scale: Tensor | None, bias: Tensor | None, *, epsilon: float) -> Tensor:
    """Input [N, C, spatial...] with each channel of each image normalized by its own statistics; parameters are [C]."""
    rank = len(x.shape or ())
    y = _normalized(b, _wide(b, x), range(2, rank), epsilon)
    return _affine(b, y, x, scale, bias, rank)


def group_norm(
    b: Any, x: Tensor, scale: Tensor | None, bias: Tensor | None, *, groups: int, epsilon: float
) -> Tensor:
    """Input [N, C, spatial...] with groups of channels normalized by their own statistics; parameters are [C]."""
    rank = len(x.shape or ())
    sizes = b.shape(x)
    wide = _wide(b, x)
    head = b.strided_slice(sizes, begin=[0], end=[1], strides=[1])
    parted = b.reshape(wide, b.concat([head, b.constant([groups, -1], dtypes.int32)], axis=0))
    y = b.layer_normalization(parted, None, None, axis=-1, epsilon=epsilon)
    return _affine(b, b.reshape(y, sizes), x, scale, bias, rank)


def _affine(b: Any, y: Tensor, x: Tensor, scale: Tensor | None, bias: Tensor | None, rank: int) -> Tensor:
    if scale is not None:
        y = b.multiply(y, b.cast(_channels(b, scale, rank), dtype=y.dtype))
    if bias is not None:
        y = b.add(y, b.cast(_channels(b, bias, rank), dtype=y.dtype))
    made: Tensor = b.cast(y, dtype=x.dtype) if y.dtype is not x.dtype else y
    return made


def layer_norm(
    b: Any, x: Tensor, scale: Tensor | None, bias: Tensor | None, *, axis: int, epsilon: float
) -> Tensor:
    """Input with the axes from `axis` on normalized together; parameters broadcast to these axes."""
    shape = x.shape or ()
    sizes = tuple(shape[axis % len(shape) :])
    fits = all(t is None or (t.shape is not None and tuple(t.shape) == sizes) for t in (scale, bias))
    if fits:
        made: Tensor = b.layer_normalization(
            x, scale, bias, axis=axis % len(shape) - len(shape), epsilon=epsilon
        )
        return made
    y: Tensor = b.layer_normalization(x, None, None, axis=axis % len(shape) - len(shape), epsilon=epsilon)
    y = y if scale is None else b.multiply(y, scale)
    return y if bias is None else b.add(y, bias)


def rms_norm(b: Any, x: Tensor, scale: Tensor | None, *, axis: int, epsilon: float) -> Tensor:
    """X over the root of the mean of its squares along the axes from `axis` on: Zhang and Sennrich (2019)."""
    rank = len(x.shape or ())
    wide = _wide(b, x)
    axes = tuple(range(axis % rank, rank))
    mean = b.reduce_mean(b.square(wide), axes=axes, keepdims=True)
    y = b.multiply(wide, b.rsqrt(b.add(mean, b.like(epsilon, wide))))
    y = b.cast(y, dtype=x.dtype) if y.dtype is not x.dtype else y
    made: Tensor = y if scale is None else b.multiply(y, scale)
    return made


def local_response_norm(b: Any, x: Tensor, *, size: int, alpha: float, beta: float, bias: float) -> Tensor:
    """Input [N, C, ...] / (bias + alpha / size * sum of squares over `size` channels around each) ** beta."""
    rank = len(x.shape or ())
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    pads = [0] * (2 * rank)
    pads[2], pads[3] = before, after
    padded = b.pad(b.square(x), paddings=tuple(pads))
    assert x.shape is not None
    mask = ((1 << rank) - 1) & ~2
    total = None
    for first in range(size):
        begin, end = [0] * rank, [0] * rank
        begin[1], end[1] = first, first - (size - 1)
        part = b.strided_slice(
            padded,
            begin=begin,
            end=end,
            strides=[1] * rank,
            begin_mask=mask,
            end_mask=mask | (2 if end[1] == 0 else 0),
        )
        total = part if total is None else b.add(total, part)
    spread = b.add(b.multiply(total, b.like(alpha / size, x)), b.like(bias, x))
    made: Tensor = b.divide(x, b.power(spread, b.like(beta, x)))
    return made


def lp_norm(b: Any, x: Tensor, *, axis: int, p: int) -> Tensor:
    """X over its p-norm along an axis, for p 1 or 2; zeros stay zeros."""
    if p == 1:
        norm = b.reduce_sum(b.abs(x), axes=(axis,), keepdims=True)
    else:
        norm = b.sqrt(b.reduce_sum(b.square(x), axes=(axis,), keepdims=True))
    zero = b.equal(norm, b.like(0, x))
    made: Tensor = b.divide(x, b.where(zero, b.like(1, x), norm))
    return made


def mean_variance_norm(b: Any, x: Tensor, *, axes: Sequence[int]) -> Tensor:
    """(x - mean) / (standard deviation + 1e-9) along axes."""
    mean = b.reduce_mean(x, axes=tuple(axes), keepdims=True)
    squares = b.reduce_mean(b.square(x), axes=tuple(axes), keepdims=True)
    deviation = b.sqrt(b.subtract(squares, b.square(mean)))
    made: Tensor = b.divide(b.subtract(x, mean), b.add(deviation, b.like(1e-9, x)))
    return made


__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "lp_norm",
    "mean_variance_norm",
    "rms_norm",
]
