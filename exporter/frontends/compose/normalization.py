"""Normalizations of tensors with channels first, or along any axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.sizes import move, product_of, reshape, size_of, sizes_of
from samara.graph import dtypes
from samara.graph.dims import Dimension
from samara.graph.graph import Tensor


def batch_norm(
    b: Any,
    x: Tensor,
    scale: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    epsilon: float = 1e-5,
) -> Tensor:
    """X [N, C, ...] normalized by given statistics of each channel, which may be of another float type than x.

    Args:
        b: builds ops.
        x: the input; a vector holds channels.
        scale: [C]; 1 when None.
        bias: [C]; 0 when None.
        mean: [C].
        variance: [C].
        epsilon: what is added to the variance.
    """
    if scale is None:
        scale = b.ones_like(variance)
    if bias is None:
        bias = b.zeros_like(mean)
    rank = len(x.shape or ())
    narrow = x.dtype
    # Statistics that are more exact than the data take part as they are.
    widest = max((t.dtype for t in (x, scale, bias, mean, variance)), key=lambda d: d.size)
    values = [_cast(b, t, widest) for t in (x, scale, bias, mean, variance)]
    last = [0, *range(2, rank), 1] if rank > 2 else list(range(rank))
    first = [0, rank - 1, *range(1, rank - 1)] if rank > 2 else last
    y = b.batch_normalization(move(b, values[0], last), *values[1:], epsilon=epsilon)
    return _cast(b, move(b, y, first), narrow)


def instance_norm(
    b: Any, x: Tensor, scale: Tensor | None, bias: Tensor | None, *, epsilon: float = 1e-5
) -> Tensor:
    """Each channel of each example of x [N, C, ...] normalized by its own mean and variance."""
    rest = product_of(b, [size_of(b, x, a) for a in range(2, len(x.shape or ()))])
    flat = reshape(b, x, [size_of(b, x, 0), size_of(b, x, 1), rest])
    y = reshape(b, b.layer_normalization(flat, None, None, axis=2, epsilon=epsilon), sizes_of(b, x))
    return _by_channel(b, y, scale, bias)


def group_norm(
    b: Any, x: Tensor, scale: Tensor | None, bias: Tensor | None, *, groups: int, epsilon: float = 1e-5
) -> Tensor:
    """Each example of x [N, C, ...] normalized in `groups` groups of channels.

    Args:
        b: builds ops.
        x: the input.
        scale: [C], or [groups] where one number is for a group; 1 when None.
        bias: as scale; 0 when None.
        groups: how many; C is a multiple of it.
        epsilon: what is added to the variance.
    """
    assert x.shape is not None
    channels = x.shape[1]
    if not isinstance(channels, int):
        raise ValueError(f"a number of channels that moves, {channels}")
    if groups < 1 or channels % groups:
        raise ValueError(f"{channels} channels in {groups} groups")

    def spread(values: Tensor | None) -> Tensor | None:
        if values is None or values.shape != (groups,) or groups == channels:
            return values
        made: Tensor = b.gather(values, np.arange(channels, dtype=np.int32) // (channels // groups))
        return made

    if groups == channels:
        return instance_norm(b, x, scale, bias, epsilon=epsilon)
    rest = product_of(b, [size_of(b, x, a) for a in range(2, len(x.shape))])
    sizes = [size_of(b, x, 0), groups, product_of(b, [channels // groups, rest])]
    y = b.layer_normalization(reshape(b, x, sizes), None, None, axis=2, epsilon=epsilon)
    return _by_channel(b, reshape(b, y, sizes_of(b, x)), spread(scale), spread(bias))


def layer_norm(
    b: Any,
    x: Tensor,
    scale: Tensor | None,
    bias: Tensor | None,
    *,
    axes: Sequence[int],
    epsilon: float = 1e-5,
) -> Tensor:
    """X normalized over some of its axes by their own mean and variance.

    Args:
        b: builds ops.
        x: the input.
        scale: of the shape of these axes in their order in x, or what broadcasts to it; 1 when None.
        bias: as scale; 0 when None.
        axes: any of them.
        epsilon: what is added to the variance.
    """

    def normalized(moved: Tensor, first: int) -> Tensor:
        fits = all(_fits(t, moved, first) for t in (scale, bias))
        y: Tensor = b.layer_normalization(
            moved, scale if fits else None, bias if fits else None, axis=first, epsilon=epsilon
        )
        return y if fits else _scaled(b, y, scale, bias)

    return _with_axes_last(b, x, axes, normalized)


def rms_norm(
    b: Any, x: Tensor, scale: Tensor | None, *, axes: Sequence[int], epsilon: float = 1e-5
) -> Tensor:
    """X divided by the root of the mean of its squares over some of its axes; scale as in `layer_norm`."""

    def normalized(moved: Tensor, first: int) -> Tensor:
        fits = _fits(scale, moved, first)
        y: Tensor = b.rms_normalization(moved, scale if fits else None, axis=first, epsilon=epsilon)
        return y if fits else _scaled(b, y, scale, None)

    return _with_axes_last(b, x, axes, normalized)


def local_response_norm(
    b: Any, x: Tensor, *, size: int, alpha: float, beta: float, bias: float, axis: int = 1
) -> Tensor:
    """X / (bias + alpha * m)**beta, where m is the mean of the squares of `size` neighbours along an axis.

    Of an even number of neighbours the greater half comes after the element. What lies outside counts as 0.
    """
    rank = len(x.shape or ())
    axis %= rank
    wide = _wide(b, x)
    sizes = sizes_of(b, x)
    # As an image whose height is the axis.
    image = reshape(
        b, b.square(wide), [product_of(b, sizes[:axis]), sizes[axis], 1, product_of(b, sizes[axis + 1 :])]
    )
    mean = b.average_pool2d(
        image,
        pool_size=(size, 1),
        strides=(1, 1),
        padding="explicit",
        paddings=((size - 1) // 2, size // 2, 0, 0),
        count_include_pad=True,
    )
    base = b.add(b.multiply(reshape(b, mean, sizes), b.like(alpha, wide)), b.like(bias, wide))
    factor = b.rsqrt(base) if beta == 0.5 else b.power(base, b.like(-beta, wide))
    return _cast(b, b.multiply(wide, factor), x.dtype)


def lp_norm(b: Any, x: Tensor, *, axes: Sequence[int], p: float, epsilon: float = 0.0) -> Tensor:
    """X divided by its p-norm along axes, which counts as epsilon where it is less; zeros stay zeros."""
    wide = _wide(b, x)
    over = {"axes": tuple(axes), "keepdims": True}
    if p == 1:
        norm = b.reduce_sum(b.abs(wide), **over)
    elif p == 2:
        norm = b.sqrt(b.reduce_sum(b.square(wide), **over))
    elif p == float("inf"):
        norm = b.reduce_max(b.abs(wide), **over)
    elif p > 0:
        total = b.reduce_sum(b.power(b.abs(wide), b.like(p, wide)), **over)
        norm = b.power(total, b.like(1 / p, wide))
    else:
        raise ValueError(f"the norm of order {p}")
    if epsilon > 0:
        norm = b.maximum(norm, b.like(epsilon, wide))
    else:
        norm = b.where(b.equal(norm, b.like(0, wide)), b.like(1, wide), norm)
    return _cast(b, b.divide(wide, norm), x.dtype)


def mean_variance_norm(b: Any, x: Tensor, *, axes: Sequence[int], epsilon: float = 1e-9) -> Tensor:
    """(x - mean) / (standard deviation + epsilon) over axes."""
    wide = _wide(b, x)
    over = {"axes": tuple(axes), "keepdims": True}
    centred = b.subtract(wide, b.reduce_mean(wide, **over))
    deviation = b.sqrt(b.reduce_mean(b.square(centred), **over))
    return _cast(b, b.divide(centred, b.add(deviation, b.like(epsilon, wide))), x.dtype)


def _cast(b: Any, x: Tensor, dtype: Any) -> Tensor:
    made: Tensor = x if x.dtype is dtype else b.cast(x, dtype=dtype)
    return made


def _wide(b: Any, x: Tensor) -> Tensor:
    """float16 as float32, so that each step of a composition is not rounded to it."""
    return _cast(b, x, dtypes.float32) if x.dtype is dtypes.float16 else x


def _by_channel(b: Any, y: Tensor, scale: Tensor | None, bias: Tensor | None) -> Tensor:
    """The tensor [N, C, ...] with a factor and a term for each channel."""
    rank = len(y.shape or ())

    def spread(values: Tensor | None) -> Tensor | None:
        if values is None or rank <= 2:
            return values
        return reshape(b, values, [size_of(b, values, 0), *[1] * (rank - 2)])

    return _scaled(b, y, spread(scale), spread(bias))


def _scaled(b: Any, y: Tensor, scale: Tensor | None, bias: Tensor | None) -> Tensor:
    """The tensor times a factor, plus a term; they may be of other float types than it."""
    dtype = y.dtype
    for op, given in (("multiply", scale), ("add", bias)):
        if given is not None:
            wider = max(y.dtype, given.dtype, key=lambda d: d.size)
            y = getattr(b, op)(_cast(b, y, wider), _cast(b, given, wider))
    return _cast(b, y, dtype)


def _fits(given: Tensor | None, x: Tensor, first: int) -> bool:
    """Whether an operand has the type of x and the shape of its axes from `first` on."""
    if given is None:
        return True
    shape: tuple[Dimension, ...] = tuple(x.shape or ())
    return given.dtype is x.dtype and given.shape is not None and tuple(given.shape) == shape[first:]


def _with_axes_last(b: Any, x: Tensor, axes: Sequence[int], normalized: Any) -> Tensor:
    """Applies a function of a tensor and its first normalized axis with these axes moved to the end."""
    rank = len(x.shape or ())
    inner = sorted({a % rank for a in axes})
    order = [a for a in range(rank) if a not in inner] + inner
    y = normalized(move(b, x, order), rank - len(inner))
    return move(b, y, [order.index(a) for a in range(rank)])


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
