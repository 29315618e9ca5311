"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph.graph import Tensor


def _pair(values: Any, otherwise: Sequence[int] = ()) -> tuple[int, int]:
    listed = [values] if isinstance(values, int) else list(values)
    listed = listed or list(otherwise)
    return (int(listed[0]), int(listed[-1]))


def _pads(
    r: Reader, x: Tensor, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], ceil_mode: bool
) -> tuple[int, int, int, int]:
    """Top, bottom, left and right; in ceil mode the end grows so that the last window fits."""
    assert x.shape is not None
    found = []
    for size, k, s, p in zip(x.shape[-2:], kernel, strides, pads, strict=True):
        extra = 0
        if ceil_mode:
            n = r.number(size, "an axis that is pooled with ceil_mode")
            windows = -(-(n + 2 * p - k) // s) + 1
            # The last window begins inside the input or the padding before it.
            if (windows - 1) * s >= n + p:
                windows -= 1
            extra = (windows - 1) * s + k - (n + 2 * p)
        found += [p, p + extra]
    return found[0], found[1], found[2], found[3]


def _pool(r: Reader, op: str, x: Tensor, **attributes: Any) -> Tensor:
    b = r.b
    single = r.rank(x) == 3
    x = b.expand_dims(x, axis=0) if single else x
    y = getattr(b, op)(b.transpose(x, permutation=(0, 2, 3, 1)), padding="explicit", **attributes)
    y = b.transpose(y, permutation=(0, 3, 1, 2))
    made: Tensor = b.squeeze(y, axes=(0,)) if single else y
    return made


@handles("aten.max_pool2d")
def max_pool2d(
    r: Reader,
    x: Tensor,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    size = _pair(kernel)
    strides = _pair(stride, size)
    if _pair(dilation) != (1, 1):
        raise r.unsupported("it has a dilation")
    pads = _pads(r, x, size, strides, _pair(padding), ceil_mode)
    return _pool(r, "max_pool2d", x, pool_size=size, strides=strides, paddings=pads)
