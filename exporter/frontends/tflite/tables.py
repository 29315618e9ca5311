"""Functions of one integer as tables, as the kernels of TensorFlow Lite compute them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.multipliers import (
    F,
    Multiplier,
    exp_on_negative_values,
    high,
    limits,
    multiplier_of,
    round_away,
    round_shift,
    saturate,
    scaled,
)
from samara.exporter.frontends.tflite.multipliers import (
    inverse_root as inverse_root_of,
)
from samara.graph.dtypes import DType

Array = np.ndarray[Any, Any]

_DIFFERENCE_BITS = 5  # integer bits of a scaled difference
_FINE = 20  # how many bits finer an inverse root is than its argument


def softmax(scale: Any, beta: Any) -> Array:
    """The exponentials of the 256 differences that bytes can have, with 31 fraction bits."""
    real = min(float(beta) * float(scale) * 2.0 ** (31 - _DIFFERENCE_BITS), 2.0**31 - 1.0)
    by = multiplier_of(real)
    return np.asarray([_exponential(-d, by) for d in range(256)], np.int32)


def _exponential(difference: int, by: Multiplier) -> int:
    least = -math.floor((2.0**_DIFFERENCE_BITS - 1) * 2.0 ** (31 - _DIFFERENCE_BITS) / 2.0**by.shift)
    if difference < least:
        return 0
    return exp_on_negative_values(scaled(difference, by), _DIFFERENCE_BITS)


# Functions of one byte --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Scales:
    """What the numbers of a function's argument and of its result stand for."""

    dtype: DType
    scale: Any
    zero_point: int
    output_scale: Any
    output_zero_point: int

    @property
    def arguments(self) -> range:
        """All integers of the type, rising."""
        low, high = limits(self.dtype)
        return range(low, high + 1)

    def clamped(self, value: int) -> int:
        """Within what the type stores."""
        low, high = limits(self.dtype)
        return min(max(value, low), high)

    @property
    def ratio(self) -> Multiplier:
        """From the argument's scale to the result's, divided in double."""
        return multiplier_of(float(self.scale) / float(self.output_scale))

    @property
    def single_ratio(self) -> Multiplier:
        """The same, divided in float32."""
        return multiplier_of(float(F(self.scale) / F(self.output_scale)))

    def array(self, values: Iterable[int]) -> Array:
        """A table of results, clamped."""
        return np.asarray([self.clamped(v) for v in values], self.dtype.numpy)


def of_reals(s: Scales, function: Callable[[Any], Any]) -> Array:
    """A function of real numbers, by float32.

    Args:
        s: the scales.
        function: gives infinity or NaN where it has no value; the least integer is written for NaN.
    """
    inverse = F(1) / F(s.output_scale)
    least, most = limits(s.dtype)
    found = []
    with np.errstate(all="ignore"):
        for q in s.arguments:
            real = float(F(F(function(F(s.scale) * F(q - s.zero_point))) * inverse))
            far = abs(real) >= 2.0**31 or math.isnan(real)
            value = (most if real > 0 else least) if far else round_away(real) + s.output_zero_point
            found.append(value)
    return s.array(found)


def square_root(s: Scales) -> Array:
    """The square root by float32, rounded down; that of a negative number is 0."""
    reals = [F(s.scale) * F(max(q - s.zero_point, 0)) for q in s.arguments]
    return s.array(math.floor(F(F(np.sqrt(v)) / F(s.output_scale))) + s.output_zero_point for v in reals)


def rescaled(s: Scales, low: float | None, high: float | None) -> Array:
    """A relu: the argument itself, rescaled, between two real numbers."""
    least, most = limits(s.dtype)
    if low is not None:
        least = max(least, s.output_zero_point + round_away(float(F(low) / F(s.output_scale))))
    if high is not None:
        most = min(most, s.output_zero_point + round_away(float(F(high) / F(s.output_scale))))
    by = s.single_ratio
    found = (s.output_zero_point + scaled(q - s.zero_point, by) for q in s.arguments)
    return s.array(min(max(v, least), most) for v in found)


def rescaled_by_float(s: Scales) -> Array:
    """The argument at another scale, by float32."""
    ratio = F(F(s.scale) * F(F(1) / F(s.output_scale)))
    bias = F(F(-s.zero_point) * ratio)
    return s.array(round_away(float(F(F(F(q) * ratio) + bias))) + s.output_zero_point for q in s.arguments)


def leaky_relu(s: Scales, alpha: Any) -> Array:
    """The argument, or alpha times it where it is negative."""
    same = s.single_ratio
    negative = multiplier_of(float(F(F(s.scale) * F(alpha)) / F(s.output_scale)))
    found = []
    for q in s.arguments:
        value = q - s.zero_point
        found.append(s.output_zero_point + scaled(value, same if value >= 0 else negative))
    return s.array(found)


def absolute(s: Scales) -> Array:
    """The magnitude, rescaled where the scales differ."""
    by = s.ratio
    equal = float(s.scale) == float(s.output_scale)
    magnitudes = (abs(q - s.zero_point) for q in s.arguments)
    return s.array((m if equal else scaled(m, by)) + s.output_zero_point for m in magnitudes)


def hard_swish(s: Scales) -> Array:
    """The product of x and relu6(x + 3) / 6, in 16 bits."""
    fine = F(F(1.0 / 128.0) * F(s.scale))
    output = multiplier_of(float(F(fine / F(s.output_scale))))
    gate = multiplier_of(float(F(fine / F(3.0 / 32768.0))))
    return s.array(_hard_swish(q - s.zero_point, output, gate) + s.output_zero_point for q in s.arguments)


def _short(by: Multiplier) -> int:
    return 2**15 - 1 if by.multiplier >= 2**31 - 1 - 2**15 else (by.multiplier + 2**15) >> 16


def _hard_swish(value: int, output: Multiplier, gate: Multiplier) -> int:
    value = saturate(value << 7, 16)
    scaled_ = high(value, _short(output), 16)
    share = value
    if gate.shift > 0:
        share = saturate(share << (gate.shift - 1), 16)
    share = high(share, _short(gate), 16)
    if gate.shift > 0:
        share = saturate(share << 1, 16)
    share = round_shift(share, -gate.shift)
    share = (share + 2**15) >> 1
    product = share * scaled_
    halved = product >> 15 if product >= 0 else -(-product >> 15)
    return round_shift(halved, -output.shift)


def negated(s: Scales) -> Array:
    """The stored integers negated, whatever they stand for; the least one stays."""
    low, _ = limits(s.dtype)
    return s.array(q if q == low else -q for q in s.arguments)


def inverse_root(s: Scales) -> Array:
    """1 / sqrt(x); the largest integer where x is not positive."""
    scale = 1.0 / float(F(F(np.sqrt(F(s.scale))) * F(s.output_scale)))
    by = multiplier_of(scale)
    by = Multiplier(multiplier=by.multiplier, shift=by.shift - _FINE)
    found = []
    for q in s.arguments:
        value = q - s.zero_point
        root = inverse_root_of(value)
        fine = scaled(1, Multiplier(multiplier=root.multiplier, shift=root.shift + _FINE))
        found.append(limits(s.dtype)[1] if value <= 0 else scaled(fine, by) + s.output_zero_point)
    return s.array(found)


# Functions of int16 ---------------------------------------------------------------------------------------------


def knots(
    function: Callable[[float], float],
    low: Any,
    high_: Any,
    output_low: Any,
    output_high: Any,
    number: Callable[[Any], Any] = F,
) -> Array:
    """513 knots of a function between low and high; its results go from output_low to output_high.

    Args:
        function: gives infinity where it has no value.
        low: the least argument.
        high_: the largest.
        output_low: the least result.
        output_high: the largest.
        number: what it is computed in: float32, or `float`.
    """
    step = number((number(high_) - number(low)) / number(512))
    half = number(step / number(2))
    inverse = number(number(2**16) / (number(output_high) - number(output_low)))

    def at(real: Any) -> Any:
        return number(number(function(float(number(real)))) * inverse)

    def rounded(value: Any) -> Any:
        return number(round_away(float(value))) if math.isfinite(float(value)) else value

    found = []
    with np.errstate(all="ignore"):
        for i in range(512):
            real = number(number(low) + number(number(i) * step))
            here, middle = rounded(at(real)), rounded(at(real + half))
            after = at(number(low) + number(number(i + 1) * step))
            bias = rounded((rounded((after + here) / number(2)) - middle) / number(2))
            found.append(_stored(here - bias))
        found.append(_stored(rounded(at(high_))))
    return np.asarray(found, np.int16)


def _stored(value: Any) -> int:
    real = float(value)
    return saturate(int(real), 16) if math.isfinite(real) else 2**15 - 1 if real > 0 else -(2**15)


def knots_between(s: Scales, function: Callable[[float], float]) -> Array:
    """The same over all that the argument's type stores, for all that the result's does."""
    ends = [
        F(scale) * F(end - zero_point)
        for scale, zero_point in ((s.scale, s.zero_point), (s.output_scale, s.output_zero_point))
        for end in limits(s.dtype)
    ]
    return knots(function, *ends)


def sigmoids() -> Array:
    """2^16 times the logistic function of multiples of 1/24, and half of what lines between them are too low."""

    def exact(place: float) -> float:
        return 2.0**16 / (1 + math.exp(-place / 24))

    low = [exact(i) + (exact(i + 0.5) - (exact(i) + exact(i + 1)) / 2) / 2 for i in range(256)]
    return np.asarray([*(round_away(v) for v in low[:-1]), 2**16 - 1], np.int32)
