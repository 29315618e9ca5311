"""Fixed-point multipliers and activation ranges, as TensorFlow Lite derives them from scales.

Scales are float32. Whether a product of them is rounded to float32 before it goes on in double differs from kernel to
kernel, and shows in the last bit of a multiplier: callers say it by what they pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.graph.dtypes import DType

F = np.float32


@dataclass(frozen=True, kw_only=True)
class Multiplier:
    """The real number multiplier * 2^(shift - 31)."""

    multiplier: int
    shift: int

    def named(self, prefix: str = "") -> dict[str, int]:
        """As attributes of an op."""
        return {f"{prefix}multiplier": self.multiplier, f"{prefix}shift": self.shift}


def round_away(value: float) -> int:
    """The nearest integer, halves away from 0."""
    return math.floor(value + 0.5) if value >= 0 else -math.floor(-value + 0.5)


def multiplier_of(real: float) -> Multiplier:
    """The fixed-point multiplier nearest to a real one that is not negative."""
    if real == 0.0:
        return Multiplier(multiplier=0, shift=0)
    fraction, shift = math.frexp(real)
    multiplier = round_away(fraction * 2.0**31)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < -31:
        return Multiplier(multiplier=0, shift=0)
    return Multiplier(multiplier=multiplier, shift=shift)


def multipliers_of(reals: Any) -> np.ndarray[Any, Any]:
    """Multipliers in row 0, shifts in row 1."""
    found = [multiplier_of(float(r)) for r in np.asarray(reals, np.float64).reshape(-1)]
    return np.array([[m.multiplier for m in found], [m.shift for m in found]], np.int32)


def parts_of(reals: Any) -> np.ndarray[Any, Any]:
    """Numbers of float64 in three rows of int32: (row 0 * 2^27 + row 1) * 2^(row 2)."""
    columns = []
    for real in np.asarray(reals, np.float64).reshape(-1):
        fraction, exponent = math.frexp(float(real))
        high_, low = divmod(int(fraction * 2.0**53), 2**27)
        columns.append((high_, low, exponent - 53 if real else 0))
    made: np.ndarray[Any, Any] = np.asarray(columns, np.int32).reshape(-1, 3).T
    return np.ascontiguousarray(made)


def limits(dtype: DType) -> tuple[int, int]:
    """The least and the largest integer that a type stores."""
    found = np.iinfo(dtype.numpy)
    return int(found.min), int(found.max)


def activation_range(activation: str, scale: Any, zero_point: int, dtype: DType) -> tuple[int, int]:
    """The integers that a fused activation lets through.

    Args:
        activation: "none", "relu", "relu6" or "relu_n1_to_1".
        scale: of the output.
        zero_point: of the output.
        dtype: of the output.
    """
    low, high = limits(dtype)

    def stored(real: float) -> int:
        return zero_point + round_away(float(F(real) / F(scale)))

    if activation == "relu":
        low = max(low, stored(0.0))
    elif activation == "relu6":
        low, high = max(low, stored(0.0)), min(high, stored(6.0))
    elif activation == "relu_n1_to_1":
        low, high = max(low, stored(-1.0)), min(high, stored(1.0))
    elif activation != "none":
        raise ValueError(activation)
    return low, high


# The arithmetic itself, for tables --------------------------------------------------------------------------------


def wrap(value: int) -> int:
    """The low 32 bits, as a signed number."""
    return (value + 2**31) % 2**32 - 2**31


def saturate(value: int, bits: int = 32) -> int:
    """Within what `bits` bits store."""
    return min(max(value, -(1 << (bits - 1))), (1 << (bits - 1)) - 1)


def round_shift(value: int, bits: int) -> int:
    """The quotient value / 2^bits, rounded to the nearest, halves away from 0."""
    if bits <= 0:
        return value
    return (value + (1 << (bits - 1)) - (value < 0)) >> bits


def high(x: int, y: int, bits: int = 32) -> int:
    """The product x * y / 2^(bits - 1), rounded to the nearest, halves up; saturated."""
    return saturate((x * y + (1 << (bits - 2))) >> (bits - 1), bits)


def scaled(value: int, by: Multiplier) -> int:
    """A number times a fixed-point multiplier, rounded as the kernels do."""
    shifted = wrap(value << max(by.shift, 0))
    return round_shift((shifted * by.multiplier + 2**30) >> 31, max(-by.shift, 0))


def exp_on_negative_values(value: int, integer_bits: int) -> int:
    """The exponential of a fixed-point number that is not positive, with 31 fraction bits."""
    fraction_bits = 31 - integer_bits
    if value == 0:
        return 2**31 - 1
    quarter = 1 << (fraction_bits - 2)
    rest = (value & (quarter - 1)) - quarter
    result = _exp_of_quarter(saturate(rest << integer_bits))
    remainder = rest - value
    factors = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
    for exponent, factor in zip(range(-2, 5), factors, strict=True):
        if integer_bits > exponent and remainder & (1 << (fraction_bits + exponent)):
            result = high(result, factor)
    return result


def _exp_of_quarter(value: int) -> int:
    """The same for -1/4..0, by four terms around -1/8."""
    x = value + (1 << 28)
    x2 = high(x, x)
    x3, x4 = high(x2, x), high(x2, x2)
    tail = round_shift(high(round_shift(x4, 2) + x3, 715827883) + x2, 1)
    return 1895147668 + high(1895147668, x + tail)


def one_over_one_plus(value: int) -> int:
    """1 / (1 + value) for value in 0..1, both with 31 fraction bits."""
    half = (value + 2**31) // 2
    x = 1515870810 + high(half, -1010580540)
    for _ in range(3):
        x = wrap(x + saturate(high(x, 2**29 - high(half, x)) << 2))
    return saturate(x << 1)


def inverse_root(value: int) -> Multiplier:
    """1 / sqrt(value) of a positive number of 32 bits: five steps of Newton's method from 1."""
    if value <= 1:
        return Multiplier(multiplier=2**31 - 1, shift=0)
    right = 11
    while value >= 1 << 29:
        value, right = value // 4, right + 1
    pairs = (31 - value.bit_length()) // 2 - 1
    right -= pairs
    value = (value << (2 * pairs)) >> 1
    half = round_shift(value, 1)
    x = 1 << 28
    for _ in range(5):
        cube = saturate(high(high(x, x), x) << 6)
        x = saturate(wrap(high(3 << 27, x) - high(half, cube)) << 3)
    x = high(x, 1518500250)
    return Multiplier(multiplier=x << max(-right, 0), shift=-max(right, 0))
