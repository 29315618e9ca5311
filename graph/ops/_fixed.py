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


def high(xp: Any, x: Any, y: Any, bits: int = 32) -> Any:
    """The product x * y / 2^(bits - 1), rounded to the nearest, halves up; saturated."""
    return saturate(xp, (x * y + 2 ** (bits - 2)) >> (bits - 1), bits)


def saturate(xp: Any, value: Any, bits: int) -> Any:
    """Within what a signed integer of so many bits stores."""
    return clamp(xp, value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


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


def multiply_real(xp: Any, x: Any, parts: Any) -> Any:
    """The product of x and (parts[0] * 2^27 + parts[1]) * 2^parts[2] in float64, rounded half away from 0."""
    high_, low, exponent = (xp.astype(parts[i, :], xp.float64) for i in range(3))
    real = (high_ * 2.0**27 + low) * xp.pow(xp.asarray(2.0, dtype=xp.float64), exponent)
    bound = xp.asarray(2.0**40, dtype=xp.float64)
    value = xp.minimum(xp.maximum(xp.astype(x, xp.float64) * real, -bound), bound)
    whole = xp.trunc(value)
    half = xp.astype(xp.abs(value - whole) >= 0.5, xp.float64)
    return wide(xp, whole + half * xp.sign(value))


def rows(op: Any) -> int:
    """How many rows the multipliers of an op have, by its rounding."""
    return 3 if op.a.rounding == "tflite_real" else 2


def rescale(xp: Any, op: Any, acc: Any, multiplier: Any) -> Any:
    """Exact sums times the multipliers of their outputs, which are last, in the rounding of the op."""
    if op.a.rounding == "tflite_real":
        return multiply_real(xp, acc, multiplier)
    if op.a.rounding == "tflite_wide":
        return multiply_wide(xp, acc, multiplier[0, :], multiplier[1, :])
    return multiply(xp, wrap(wide(xp, acc)), multiplier[0, :], multiplier[1, :])


def finish(xp: Any, op: Any, value: Any, dtype: Any) -> Any:
    """The output's zero point plus value, within its activation range."""
    shifted = clamp(xp, value + op.a.output_zero_point, op.a.activation_min, op.a.activation_max)
    return xp.astype(shifted, dtype)


def check(op: Any, multiplier: int, shift: int) -> None:
    """Refuses a multiplier or a shift that the kernels cannot compute with."""
    if not 0 <= multiplier < 2**31 or not -31 <= shift <= 30:
        op.fail(f"a multiplier of {multiplier} with a shift of {shift}: expected 0..2^31 - 1 with -31..30")


# Functions of 16 bits with fixed-point inputs; results have 15 fraction bits ------------------------------------------

_EXPONENTIALS = (
    1672461947,
    1302514674,
    790015084,
    290630308,
    39332535,
    720401,
    242,
)  # of -1/4, -1/2, ... -16


def _short(value: int) -> int:
    """A constant with 31 fraction bits, with 15."""
    return (value + 2**15) >> 16


def _exponential(xp: Any, a: Any, integer_bits: int) -> Any:
    """exp(a) for a <= 0: four terms around -1/8, then a factor for each power of two in what is left."""
    fraction_bits = 15 - integer_bits
    quarter = 2 ** (fraction_bits - 2)
    rest = (a & (quarter - 1)) - quarter
    x = (rest << integer_bits) + 2**12
    x2 = high(xp, x, x, 16)
    x3, x4 = high(xp, x2, x, 16), high(xp, x2, x2, 16)
    third = wide(xp, _short(715827883))
    tail = round_shift(xp, high(xp, round_shift(xp, x4, 2) + x3, third, 16) + x2, 1)
    around = wide(xp, _short(1895147668))
    result = saturate(xp, around + high(xp, around, x + tail, 16), 16)
    remainder = rest - a
    for exponent, factor in zip(range(-2, 5), _EXPONENTIALS, strict=True):
        if integer_bits > exponent:
            has = (remainder & 2 ** (fraction_bits + exponent)) != 0
            result = xp.where(has, high(xp, result, wide(xp, _short(factor)), 16), result)
    if integer_bits > 5:
        result = xp.where(a < -(2 ** (fraction_bits + 5)), wide(xp, 0), result)
    return xp.where(a == 0, wide(xp, 2**15 - 1), result)


def _newton(xp: Any, a: Any) -> Any:
    """2 / (1 + a) for a in 0..1, with 13 fraction bits: three steps of Newton's method."""
    half = (a + 2**15) // 2
    x = _short(1515870810) + high(xp, half, wide(xp, _short(-1010580540)), 16)
    for _ in range(3):
        x = x + saturate(xp, high(xp, x, 2**13 - high(xp, half, x, 16), 16) << 2, 16)
    return x


def logistic(xp: Any, a: Any, integer_bits: int) -> Any:
    """1 / (1 + exp(-a))."""
    result = saturate(xp, _newton(xp, _exponential(xp, xp.where(a > 0, -a, a), integer_bits)) << 1, 16)
    return xp.where(a == 0, wide(xp, 2**14), xp.where(a > 0, result, 2**15 - 1 - result))


def tanh(xp: Any, a: Any, integer_bits: int) -> Any:
    """(1 - exp(-2a)) / (1 + exp(-2a))."""
    twice = _exponential(xp, xp.where(a > 0, -a, a), integer_bits + 1)
    result = saturate(xp, (_newton(xp, twice) - 2**13) << 2, 16)
    return xp.where(a == 0, wide(xp, 0), xp.where(a < 0, -result, result))
