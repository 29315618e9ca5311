"""Fixed-point arithmetic as in TensorFlow Lite: a real multiplier is an integer below 2^31 and a power of two.

Everything is computed in int64 on numbers that fit int32, where a shift to the right rounds down.
"""

from __future__ import annotations

from typing import Any


def wide(xp: Any, value: Any) -> Any:
    """A number or an array as int64."""
    return xp.astype(value, xp.int64) if hasattr(value, "dtype") else xp.asarray(value, dtype=xp.int64)


def wrap(value: Any) -> Any:
    """The low 32 bits, as a signed number."""
    return ((value + 2**31) & (2**32 - 1)) - 2**31


def clamp(xp: Any, value: Any, low: int, high: int) -> Any:
    """Within low..high."""
    return xp.minimum(xp.maximum(value, wide(xp, low)), wide(xp, high))


def round_shift(xp: Any, value: Any, bits: Any) -> Any:
    """The quotient value / 2^bits, rounded to the nearest, halves away from 0."""
    bits = wide(xp, bits)
    half = (wide(xp, 1) << bits) >> 1
    negative = wide(xp, value < 0) * wide(xp, bits > 0)
    return (value + half - negative) >> bits


def high(xp: Any, x: Any, y: Any) -> Any:
    """The product x * y / 2^31, rounded to the nearest, halves up; saturated."""
    return clamp(xp, (x * y + 2**30) >> 31, -(2**31), 2**31 - 1)


def multiply(xp: Any, x: Any, multiplier: Any, shift: Any) -> Any:
    """The product x * multiplier * 2^(shift - 31), rounded after the multiplication and after a shift right."""
    shift = wide(xp, shift)
    zero = wide(xp, 0)
    shifted = wrap(wide(xp, x) << xp.maximum(shift, zero))
    return round_shift(xp, (shifted * wide(xp, multiplier) + 2**30) >> 31, xp.maximum(-shift, zero))


def multiply_wide(xp: Any, x: Any, multiplier: Any, shift: Any) -> Any:
    """The same for sums of 64 bits, with 16 bits of the multiplier."""
    reduced = xp.minimum((wide(xp, multiplier) + 2**15) >> 16, wide(xp, 0x7FFF))
    total = 15 - wide(xp, shift)
    return wrap((wide(xp, x) * reduced + (wide(xp, 1) << (total - 1))) >> total)


def finish(xp: Any, op: Any, value: Any, dtype: Any) -> Any:
    """The output's zero point plus value, within its activation range."""
    shifted = clamp(xp, value + op.a.output_zero_point, op.a.activation_min, op.a.activation_max)
    return xp.astype(shifted, dtype)


def check(op: Any, multiplier: int, shift: int) -> None:
    """Refuses a multiplier or a shift that the kernels cannot compute with."""
    if not 0 <= multiplier < 2**31 or not -31 <= shift <= 30:
        op.fail(f"a multiplier of {multiplier} with a shift of {shift}: expected 0..2^31 - 1 with -31..30")
