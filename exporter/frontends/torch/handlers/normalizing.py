"""Normalizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose import normalization
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dims
from samara.graph.graph import Tensor


def _filled(r: Reader, value: float, like: Tensor, shape: Sequence[Any]) -> Tensor:
    made: Tensor = r.b.constant(np.full([int(s) for s in shape], value, like.dtype.numpy))
    return made


def _by_channel(r: Reader, values: Tensor, rank: int) -> Tensor:
    """[C] as [C, 1, 1], so that it meets axis 1 of a tensor of `rank`."""
    assert values.shape is not None
    return r.reshape(values, (*values.shape, *(1,) * (rank - 2)))


@handles("aten.batch_norm", "aten._native_batch_norm_legit_no_training", "aten.native_batch_norm")
def batch_norm(
    r: Reader,
    x: Tensor,
    scale: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    *rest: Any,
) -> Any:
    b = r.b
    # (training,) momentum, epsilon (, cudnn)
    several = isinstance(r.meta, (list, tuple))
    training = bool(rest[0]) if isinstance(rest[0], bool) else False
    epsilon = float(rest[2] if isinstance(rest[0], bool) else rest[1])
    rank = r.rank(x)
    assert x.shape is not None
    if training or mean is None or variance is None:
        axes = tuple(a for a in range(rank) if a != 1)
        centred = b.subtract(x, b.reduce_mean(x, axes=axes, keepdims=True))
        spread = b.reduce_mean(b.square(centred), axes=axes, keepdims=True)
        y = b.multiply(centred, b.rsqrt(b.add(spread, b.like(epsilon, x))))
        y = y if scale is None else b.multiply(y, _by_channel(r, scale, rank))
        y = y if bias is None else b.add(y, _by_channel(r, bias, rank))
        return [y, None, None] if several else y
    channels = mean.shape
    assert channels is not None
    scale = scale if scale is not None else _filled(r, 1.0, mean, channels)
    bias = bias if bias is not None else _filled(r, 0.0, mean, channels)
    last = (0, *range(2, rank), 1)
    first = (0, rank - 1, *range(1, rank - 1))
    y = b.transpose(x, permutation=last) if rank > 2 else x
    y = b.batch_normalization(
        y, *(r.cast(t, x.dtype) for t in (scale, bias, mean, variance)), epsilon=epsilon
    )
    y = b.transpose(y, permutation=first) if rank > 2 else y
    return [y, None, None] if several else y


@handles("aten.layer_norm", "aten.native_layer_norm")
def layer_norm(
    r: Reader,
    x: Tensor,
    shape: Sequence[Any],
    scale: Tensor | None = None,
    bias: Tensor | None = None,
    epsilon: float = 1e-5,
    *rest: Any,
) -> Any:
    y = r.b.layer_normalization(x, scale, bias, axis=r.rank(x) - len(shape), epsilon=epsilon)
    return [y, None, None] if isinstance(r.meta, (list, tuple)) else y


@handles("aten.rms_norm")
def rms_norm(
    r: Reader, x: Tensor, shape: Sequence[Any], scale: Tensor | None = None, epsilon: Any = None
) -> Tensor:
    epsilon = float(np.finfo(x.dtype.numpy).eps) if epsilon is None else float(epsilon)
    return normalization.rms_norm(r.b, x, scale, axis=r.rank(x) - len(shape), epsilon=epsilon)


def _grouped(
    r: Reader, x: Tensor, scale: Tensor | None, bias: Tensor | None, groups: int, epsilon: float
) -> Tensor:
    """Each example normalized in groups of channels."""
    b = r.b
    rank = r.rank(x)
    assert x.shape is not None
    channels = r.number(x.shape[1], "the number of channels")
    rest = dims.product(x.shape[2:])
    grouped = r.reshape(x, (x.shape[0], groups, channels // groups * rest))
    y = r.reshape(b.layer_normalization(grouped, None, None, axis=2, epsilon=epsilon), x.shape)
    y = y if scale is None else b.multiply(y, _by_channel(r, scale, rank))
    return y if bias is None else b.add(y, _by_channel(r, bias, rank))


@handles("aten.group_norm")
def group_norm(
    r: Reader,
    x: Tensor,
    groups: int,
    scale: Tensor | None = None,
    bias: Tensor | None = None,
    epsilon: float = 1e-5,
    *rest: Any,
) -> Tensor:
    return _grouped(r, x, scale, bias, groups, epsilon)


@handles("aten.native_group_norm")
def native_group_norm(
    r: Reader,
    x: Tensor,
    scale: Tensor | None,
    bias: Tensor | None,
    n: Any,
    c: Any,
    hw: Any,
    groups: int,
    epsilon: float,
) -> Any:
    return [_grouped(r, x, scale, bias, groups, epsilon), None, None]


@handles("aten.instance_norm")
def instance_norm(
    r: Reader,
    x: Tensor,
    scale: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    epsilon: float,
    cudnn: bool,
) -> Tensor:
    assert x.shape is not None
    if not use_input_stats:
        made: Tensor = batch_norm(r, x, scale, bias, mean, variance, False, momentum, epsilon)
        return made
    return _grouped(r, x, scale, bias, r.number(x.shape[1], "the number of channels"), epsilon)
