"""Normalizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose import normalization
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph.graph import Tensor


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
    y = normalization.batch_norm(b, x, scale, bias, mean, variance, epsilon)
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
    axes = range(r.rank(x) - len(shape), r.rank(x))
    return normalization.rms_norm(r.b, x, scale, axes=axes, epsilon=epsilon)


def _grouped(
    r: Reader, x: Tensor, scale: Tensor | None, bias: Tensor | None, groups: int, epsilon: float
) -> Tensor:
    """Each example normalized in groups of channels."""
    return normalization.group_norm(r.b, x, scale, bias, groups=groups, epsilon=epsilon)


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
