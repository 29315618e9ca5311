"""Quantized programs of PT2E: real numbers as integers and back, by `quantized_decomposed`."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dtypes
from samara.graph.graph import Tensor
from samara.graph.rewrite import constant_value

_STORED = (dtypes.int8, dtypes.uint8, dtypes.int16)


def _number(value: Any) -> float | None:
    """A number, or what a constant of one element holds."""
    if isinstance(value, (int, float)):
        return value
    found = constant_value(value) if isinstance(value, Tensor) else None
    return None if found is None or found.size != 1 else found.reshape(()).item()


def _along(r: Reader, values: Any, axis: int, rank: int) -> Any:
    """One number for each place of an axis, so that it broadcasts."""
    if not isinstance(values, Tensor) or r.rank(values) != 1:
        return values
    return r.reshape(values, (*(1,) * (axis % rank), *(values.shape or ()), *(1,) * (rank - 1 - axis % rank)))


def _quantized(r: Reader, x: Tensor, scale: Any, zero: Any, low: Any, high: Any) -> Tensor:
    b = r.b
    dtype = r.dtype
    step, offset = _number(scale), _number(zero)
    lowest, highest = (_number(v) for v in (low, high))
    if lowest is None or highest is None:
        raise r.unsupported("its bounds change with the inputs")
    limits = np.iinfo(dtype.numpy)
    if step is not None and offset is not None and dtype in _STORED and limits.min <= offset <= limits.max:
        y = b.quantize(x, scale=step, zero_point=int(offset), dtype=dtype)
        if lowest <= limits.min and highest >= limits.max:
            return y
        low_, high_ = (
            np.asarray(v, dtype.numpy) for v in (max(lowest, limits.min), min(highest, limits.max))
        )
        return b.minimum(b.maximum(y, low_), high_)
    wide = r.cast(x, dtypes.float32)
    inverse = (
        b.like(1.0 / step, wide)
        if step is not None
        else r.cast(b.reciprocal(r.tensor(scale)), dtypes.float32)
    )
    rounded = b.add(b.round(b.multiply(wide, inverse)), r.tensor(zero, dtypes.float32))
    return r.cast(b.clip(rounded, minimum=float(lowest), maximum=float(highest)), dtype)


def _dequantized(r: Reader, x: Tensor, scale: Any, zero: Any) -> Tensor:
    b = r.b
    step, offset = _number(scale), 0 if zero is None else _number(zero)
    limits = np.iinfo(x.dtype.numpy)
    if step is not None and offset is not None and x.dtype in _STORED and limits.min <= offset <= limits.max:
        return b.dequantize(x, scale=step, zero_point=int(offset), dtype=r.dtype)
    wide = r.cast(x, dtypes.float32)
    if zero is not None:
        wide = b.subtract(wide, r.tensor(zero, dtypes.float32))
    return r.cast(b.multiply(wide, r.tensor(scale, dtypes.float32)), r.dtype)


@handles("quantized_decomposed.quantize_per_tensor")
def quantize_per_tensor(
    r: Reader, x: Tensor, scale: Any, zero: Any, low: Any, high: Any, dtype: Any
) -> Tensor:
    return _quantized(r, x, scale, zero, low, high)


@handles("quantized_decomposed.dequantize_per_tensor")
def dequantize_per_tensor(
    r: Reader, x: Tensor, scale: Any, zero: Any, low: Any, high: Any, dtype: Any, out: Any = None
) -> Tensor:
    return _dequantized(r, x, scale, zero)


@handles("quantized_decomposed.quantize_per_channel")
def quantize_per_channel(
    r: Reader, x: Tensor, scales: Tensor, zeros: Tensor, axis: int, low: Any, high: Any, dtype: Any
) -> Tensor:
    rank = r.rank(x)
    return _quantized(r, x, _along(r, scales, axis, rank), _along(r, zeros, axis, rank), low, high)


@handles("quantized_decomposed.dequantize_per_channel")
def dequantize_per_channel(
    r: Reader,
    x: Tensor,
    scales: Tensor,
    zeros: Tensor | None,
    axis: int,
    low: Any,
    high: Any,
    dtype: Any,
    out: Any = None,
) -> Tensor:
    rank = r.rank(x)
    return _dequantized(r, x, _along(r, scales, axis, rank), _along(r, zeros, axis, rank))


@handles("quantized_decomposed.quantize_per_token")
def quantize_per_token(
    r: Reader, x: Tensor, scales: Tensor, zeros: Tensor, low: Any, high: Any, dtype: Any
) -> Tensor:
    return _quantized(r, x, scales, zeros, low, high)


@handles("quantized_decomposed.dequantize_per_token")
def dequantize_per_token(
    r: Reader, x: Tensor, scales: Tensor, zeros: Tensor, low: Any, high: Any, dtype: Any, out: Any
) -> Tensor:
    return _dequantized(r, x, scales, zeros)


@handles("quantized_decomposed.choose_qparams.tensor")
def choose_scale(r: Reader, x: Tensor, low: int, high: int, smallest: float, dtype: Any) -> list[Tensor]:
    """A scale and a zero point whose integers span the values of x, and 0."""
    b = r.b
    axes = tuple(range(r.rank(x)))
    zero = b.like(0, x)
    least = b.minimum(b.reduce_min(x, axes=axes), zero)
    most = b.maximum(b.reduce_max(x, axes=axes), zero)
    step = b.maximum(b.divide(b.subtract(most, least), b.like(high - low, x)), b.like(smallest, x))
    offset = b.subtract(b.like(low, x), b.round(b.divide(least, step)))
    offset = b.clip(offset, minimum=float(low), maximum=float(high))
    scale_meta, zero_meta = r.meta
    return [
        r.reshape(r.cast(t, r.dtype_of(meta.dtype)), meta.shape)
        for t, meta in ((step, scale_meta), (offset, zero_meta))
    ]


@handles("quantized_decomposed.convert_element_type")
def convert(r: Reader, x: Tensor, dtype: Any) -> Tensor:
    return r.cast(x, r.dtype)
