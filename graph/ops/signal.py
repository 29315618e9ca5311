"""Signals: overlapping frames and Fourier transforms. A complex number is the last axis, of size 2: real, imaginary."""

from __future__ import annotations

from typing import Any

from samara.errors import ShapeError
from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute
from samara.graph.ops.indexing import axis_slice, size_along

_TYPES = {"T": (dtypes.float32, dtypes.float64)}


# Frames -----------------------------------------------------------------------------------------------------------


def _frame_shape(op: Any) -> Any:
    x = op.shapes[0]
    if not x:
        op.fail("x must have rank 1 or more: its last axis is cut into frames")
    length, step = op.a.frame_length, op.a.frame_step
    if length < 1 or step < 1:
        op.fail(f"frame_length {length} and frame_step {step} must be at least 1")
    return (*x[:-1], dims.maximum((x[-1] - length) // step + 1, 0), length)


def _frame(xp: Any, op: Any, x: Any) -> Any:
    length, step = op.a.frame_length, op.a.frame_step
    starts = range(0, x.shape[-1] - length + 1, step)
    if not starts:
        return xp.zeros((*x.shape[:-1], 0, length), dtype=x.dtype)
    return xp.stack([x[..., s : s + length] for s in starts], axis=-2)


def _frame_gradient(b: Any, op: Any, dy: Any) -> Any:
    x = op.inputs[0]
    if x.shape is None or any(not isinstance(d, int) for d in x.shape):
        raise ShapeError(f"frame {op.name!r}: the gradient needs a fixed shape of x")
    *lead, size = x.shape
    length, step = op.a.frame_length, op.a.frame_step
    count = max((size - length) // step + 1, 0)
    places = [f * step + i for f in range(count) for i in range(length)]
    rows = dims.product(lead)
    flat = b.transpose(b.reshape(dy, [rows, count * length]), permutation=(1, 0))
    summed = b.unsorted_segment_sum(flat, b.constant(places, dtypes.int32), b.constant(size, dtypes.int32))
    return [b.reshape(b.transpose(summed, permutation=(1, 0)), list(x.shape))]


# Fourier transforms -----------------------------------------------------------------------------------------------


def _fft_shape(op: Any) -> Any:
    x = op.shapes[0]
    if len(x) < 2 or dims.merge(x[-1], 2) is None:
        op.fail(f"x must be complex, [.., n, 2], its shape is {dims.text(x)}")
    return (*x[:-1], 2)


def _pairs(xp: Any, z: Any, dtype: Any) -> Any:
    return xp.astype(xp.stack((xp.real(z), xp.imag(z)), axis=-1), dtype)


def _complex(xp: Any, x: Any) -> Any:
    kind = xp.complex64 if x.dtype == xp.float32 else xp.complex128
    real, imaginary = (xp.astype(x[..., i], kind) for i in (0, 1))
    return real + imaginary * 1j


def _fft(xp: Any, op: Any, x: Any) -> Any:
    if 0 in x.shape:
        return x
    transform = xp.fft.ifft if op.a.inverse else xp.fft.fft
    return _pairs(xp, transform(_complex(xp, x), axis=-1), x.dtype)


def _times_size(b: Any, y: Any, x: Any, axis: int) -> Any:
    """The gradient y of x times the size of an axis of x."""
    size = size_along(b, x, axis)
    return b.multiply(y, b.like(size, y) if isinstance(size, int) else b.cast(size, dtype=y.dtype))


def _fft_gradient(b: Any, op: Any, dy: Any) -> Any:
    x = op.inputs[0]
    back = b.fft(dy, inverse=not op.a.inverse)
    if not op.a.inverse:
        return [_times_size(b, back, x, len(x.shape) - 2)]
    size = size_along(b, x, len(x.shape) - 2)
    return [b.divide(back, b.like(size, back) if isinstance(size, int) else b.cast(size, dtype=back.dtype))]


def _rfft_shape(op: Any) -> Any:
    x = op.shapes[0]
    if not x:
        op.fail("x must have rank 1 or more: its last axis is transformed")
    return (*x[:-1], x[-1] // 2 + 1, 2)


def _rfft(xp: Any, op: Any, x: Any) -> Any:
    if 0 in x.shape:
        return xp.zeros((*x.shape[:-1], x.shape[-1] // 2 + 1, 2), dtype=x.dtype)
    return _pairs(xp, xp.fft.rfft(x, axis=-1), x.dtype)


def _rfft_gradient(b: Any, op: Any, dy: Any) -> Any:
    """The real part of the transform back, with the frequencies that were not written as zeros."""
    x = op.inputs[0]
    axis = len(x.shape) - 1
    # As many frequencies again as make the transform at least as long as x.
    doubled = b.concat([dy, b.zeros_like(dy)], axis=axis)
    if not isinstance(x.shape[-1], int):
        raise ShapeError(f"rfft {op.name!r}: the gradient needs a fixed size of the last axis")
    whole = b.strided_slice(doubled, **axis_slice(axis, None, x.shape[-1]))
    back = b.strided_slice(b.fft(whole, inverse=True), **_real_part(axis + 1))
    return [_times_size(b, back, x, axis)]


def _real_part(axis: int) -> dict[str, Any]:
    return {**axis_slice(axis, 0, 1), "shrink_axis_mask": 1 << axis}


OPS.register(
    OpDef(
        name="fft",
        opcode=123,
        inputs=("x: T",),
        outputs=("y: T",),
        types=_TYPES,
        attributes=(attribute("inverse", "bool", False, "Whether to transform back, which divides by n."),),
        doc="The discrete Fourier transform of complex numbers x [.., n, 2]: y[k] is the sum over j of x[j] * "
        "exp(-2 pi i j k / n), with + and divided by n for the inverse. n may be any number; one whose prime factors "
        "are at most 61 is fast. Cooley and Tukey (1965).",
        shape=_fft_shape,
        reference=_fft,
        gradient=_fft_gradient,
    ),
    OpDef(
        name="frame",
        opcode=124,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": (*dtypes.FLOATS, dtypes.int8, dtypes.int16, dtypes.int32)},
        attributes=(
            attribute("frame_length", "int", doc="The size of a frame."),
            attribute("frame_step", "int", doc="How far a frame begins after the one before."),
        ),
        doc="Overlapping frames of the last axis: x [.., n] becomes y [.., frames, frame_length] with y[.., f, i] = "
        "x[.., f * frame_step + i]; frames that would go past the end are left out.",
        shape=_frame_shape,
        reference=_frame,
        gradient=_frame_gradient,
        quant="same",
    ),
    OpDef(
        name="rfft",
        opcode=450,
        inputs=("x: T",),
        outputs=("y: T",),
        types=_TYPES,
        doc="The discrete Fourier transform of real numbers x [.., n], as y [.., n // 2 + 1, 2]: the frequencies that "
        "tell the others. An even n whose half has prime factors of at most 61 is fast.",
        shape=_rfft_shape,
        reference=_rfft,
        gradient=_rfft_gradient,
    ),
)
