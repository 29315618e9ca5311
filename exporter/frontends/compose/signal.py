"""Fourier transforms, windows, the mel scale. The last axis of a signal holds the real, or both parts of a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.sizes import Size, cut, move, size_of, sizes_of, vector
from samara.graph import dtypes
from samara.graph.dtypes import DType
from samara.graph.graph import Tensor

Array = np.ndarray[Any, Any]

# The terms of windows: a[0] - a[1] cos(t) + a[2] cos(2 t).
HANN = (0.5, 0.5)
HAMMING = (25 / 46, 21 / 46)
BLACKMAN = (0.42, 0.5, 0.08)


def dft(
    b: Any,
    x: Tensor,
    *,
    axis: int,
    length: int | None = None,
    inverse: bool = False,
    onesided: bool = False,
) -> Tensor:
    """The discrete Fourier transform along an axis, as ONNX has it.

    Args:
        b: builds ops.
        x: [..., 1] real or [..., 2] complex.
        axis: one that is not the last.
        length: of the transform: x is cut or filled with zeros; None for the size of the axis.
        inverse: whether to transform back.
        onesided: forward, gives the first length // 2 + 1 frequencies; back, takes these and gives real numbers.

    Raises:
        ValueError: the last axis is neither 1 nor 2, or the length is not positive.
    """
    shape = x.shape or ()
    if not shape or shape[-1] not in (1, 2):
        raise ValueError("the last axis holds the real part, or the real and the imaginary part")
    if length is not None and length < 1:
        raise ValueError(f"a transform of length {length}")
    axis %= len(shape)
    last = len(shape) - 1
    if axis == last:
        raise ValueError("the transform is along the axis that holds the parts of complex numbers")
    narrow = x.dtype
    if narrow not in (dtypes.float32, dtypes.float64):
        x = b.cast(x, dtype=dtypes.float32)
    order = [*(a for a in range(last) if a != axis), axis, last]
    x = move(b, x, order)
    if inverse and onesided:
        y = _real_of_half(b, x, length)
    else:
        x = x if length is None else _fitted(b, x, length)
        size = size_of(b, x, -2)
        if shape[-1] == 1 and not inverse and _halves(size, onesided):
            y = b.rfft(b.squeeze(x, axes=(last,)))
            y = y if onesided else _mirrored(b, y, even=True)
        else:
            y = b.fft(_complex(b, x), inverse=inverse)
            y = _first_half(b, y) if onesided else y
    y = move(b, y, [order.index(a) for a in range(last + 1)])
    return y if y.dtype is narrow else b.cast(y, dtype=narrow)


def stft(
    b: Any, x: Tensor, *, step: int, length: int, window: Tensor | None = None, onesided: bool = True
) -> Tensor:
    """Fourier transforms of overlapping frames of signals.

    Args:
        b: builds ops.
        x: [batch, samples, 1 or 2].
        step: how far a frame begins after the one before.
        length: of a frame.
        window: [length], what frames are multiplied with; 1 when None.
        onesided: whether to give the first length // 2 + 1 frequencies only.

    Returns:
        [batch, frames, frequencies, 2].
    """
    parts = (x.shape or ())[-1]
    # Each part is a signal: [batch, parts, frames, length].
    frames = b.frame(b.transpose(x, permutation=(0, 2, 1)), frame_length=length, frame_step=step)
    if window is not None:
        frames = b.multiply(frames, b.cast(window, dtype=x.dtype))
    turned = (
        b.expand_dims(b.squeeze(frames, axes=(1,)), axis=3)
        if parts == 1
        else b.transpose(frames, permutation=(0, 2, 3, 1))
    )
    return dft(b, turned, axis=2, onesided=onesided)


def window(b: Any, size: Size, terms: Sequence[float], *, periodic: bool, dtype: DType) -> Tensor:
    """A window of cosines of one turn: its last element is before its first (periodic), or like it."""
    kind = dtype if dtype in dtypes.FLOATS else dtypes.float32
    if isinstance(size, int):
        turn = 2 * math.pi * np.arange(size) / max(size if periodic else size - 1, 1)
        values = sum((-1) ** k * a * np.cos(k * turn) for k, a in enumerate(terms))
        made: Tensor = b.constant(np.asarray(values).astype(dtype.numpy))
        return made
    wide = dtypes.float32 if kind is dtypes.float16 else kind
    count = b.cast(b.reshape(size, vector(b, [])), dtype=dtypes.int32)
    places = b.cast(b.range(np.int32(0), count, np.int32(1)), dtype=wide)
    whole = b.cast(count if periodic else b.subtract(count, b.like(1, count)), dtype=wide)
    turn = b.divide(b.multiply(places, b.like(2 * math.pi, places)), b.maximum(whole, b.like(1, whole)))
    total = b.like(terms[0], turn)
    for k, a in enumerate(terms[1:], 1):
        total = b.add(
            total, b.multiply(b.cos(b.multiply(turn, b.like(k, turn))), b.like((-1) ** k * a, turn))
        )
    found: Tensor = total if dtype is wide else b.cast(total, dtype=dtype)
    return found


def mel_weights(bins: int, length: int, rate: int, lowest: float, highest: float) -> Array:
    """Weights [length // 2 + 1, bins] of frequencies in triangles that are even on the mel scale, as ONNX has them.

    Args:
        bins: how many triangles.
        length: of the transform that gave the frequencies.
        rate: samples in a second.
        lowest: where the first triangle begins, in hertz.
        highest: where the last one ends.

    Raises:
        ValueError: the triangles do not lie among the frequencies.
    """
    if bins < 1 or length < 1 or rate < 1 or not 0 <= lowest <= highest:
        raise ValueError(f"{bins} bins of a transform of {length} at {rate} Hz, {lowest} Hz to {highest} Hz")
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (lowest, highest))
    mels = low + (high - low) / (bins + 2) * np.arange(bins + 2)
    corners = np.floor((length + 1) * (700 * (10 ** (mels / 2595) - 1)) / rate).astype(int)
    count = length // 2 + 1
    if corners.max() >= count:
        raise ValueError(f"{highest} Hz lies above the frequencies, which end at {rate / 2} Hz")
    weights = np.zeros((count, bins))
    places = np.arange(count)
    for column, (left, middle, right) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        rising = (places >= left) & (places <= middle)
        falling = (places >= middle) & (places < right)
        if middle > left:
            weights[rising, column] = (places[rising] - left) / (middle - left)
        else:
            weights[middle, column] = 1
        weights[falling, column] = (right - places[falling]) / max(right - middle, 1)
    return weights


def _halves(size: Size, onesided: bool) -> bool:
    """Whether the transform of real numbers is one of half as many complex ones."""
    return size % 2 == 0 if isinstance(size, int) else onesided


def _mirrored(b: Any, y: Tensor, *, even: bool) -> Tensor:
    """All n frequencies, given the first n // 2 + 1 [..., 2] of those that real numbers have.

    The others are the conjugates in reverse order, but for the first and, when n is even, the middle one.
    """
    axis = len(y.shape or ()) - 2
    rest = cut(b, cut(b, y, axis, 1, -1 if even else None), axis, None, None, -1)
    conjugates = b.multiply(rest, b.constant(np.array([1, -1]).astype(y.dtype.numpy)))
    made: Tensor = b.concat([y, conjugates], axis=axis)
    return made


def _complex(b: Any, x: Tensor) -> Tensor:
    """[..., 1 or 2] as [..., 2]."""
    if (x.shape or ())[-1] == 2:
        return x
    made: Tensor = b.concat([x, b.zeros_like(x)], axis=len(x.shape or ()) - 1)
    return made


def _fitted(b: Any, x: Tensor, length: int) -> Tensor:
    """[..., n, parts] as [..., length, parts]: cut, or filled with zeros."""
    size = size_of(b, x, -2)
    axis = len(x.shape or ()) - 2
    if size == length:
        return x
    if isinstance(size, int) and size > length:
        return cut(b, x, axis, None, length)
    sizes = sizes_of(b, x)
    sizes[axis] = length if not isinstance(size, int) else length - size
    zeros = b.broadcast_to(b.like(0, x), vector(b, sizes))
    filled = b.concat([x, zeros], axis=axis)
    return filled if isinstance(size, int) else cut(b, filled, axis, None, length)


def _first_half(b: Any, y: Tensor) -> Tensor:
    """The first n // 2 + 1 of n frequencies [..., n, 2]."""
    shape = y.shape or ()
    if not isinstance(shape[-2], int):
        raise ValueError(f"the first half of a size that moves, {shape[-2]}, of complex numbers")
    return cut(b, y, len(shape) - 2, None, shape[-2] // 2 + 1)


def _real_of_half(b: Any, x: Tensor, length: int | None) -> Tensor:
    """The real numbers [..., n, 1] that have frequencies [..., n // 2 + 1, 2]; without a length n is even."""
    axis = len(x.shape or ()) - 2
    x = _complex(b, x)
    if length is not None:
        x = _fitted(b, x, length // 2 + 1)
    y = b.fft(_mirrored(b, x, even=length is None or length % 2 == 0), inverse=True)
    # One frequency alone is a transform of length 1 or 2.
    if length is not None:
        y = cut(b, y, axis, None, length)
    return cut(b, y, axis + 1, 0, 1)


__all__ = ["BLACKMAN", "HAMMING", "HANN", "dft", "mel_weights", "stft", "window"]
