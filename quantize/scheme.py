"""How real numbers become integers: the options, and the choice of scales and zero points."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.errors import QuantizationError

Array = np.ndarray[Any, Any]

# Scales keep well within what quantize and dequantize take, so that products of two do too.
_LEAST_SCALE = 1e-15
_LARGEST_SCALE = 1e15

# The largest magnitude of a bias before zero points are folded in: half of what int32 holds is left to the sum.
_LARGEST_BIAS = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Int8:
    """Choices of a quantization to int8.

    Attributes:
        inputs: "float32" for a file that takes real numbers, "int8" for one that takes them quantized.
        outputs: the same for what it returns.
        keep_float: names of operations or of op types that keep computing with real numbers; "*" and "?" are
            wildcards.
    """

    inputs: str = "float32"
    outputs: str = "float32"
    keep_float: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs"):
            if getattr(self, name) not in ("float32", "int8"):
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected 'float32' or 'int8'")
        keep: Any = self.keep_float
        if isinstance(keep, str):
            raise TypeError(f"keep_float is a tuple of names: ({keep!r},)")
        object.__setattr__(self, "keep_float", tuple(keep))

    def keeps(self, name: str, type_: str) -> bool:
        """Whether an operation stays in float."""
        return any(fnmatch.fnmatchcase(name, p) or fnmatch.fnmatchcase(type_, p) for p in self.keep_float)


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantization:
    """What the integers of a tensor stand for: real = scale * (stored - zero_point).

    Attributes:
        scale: float32; one number, or one for each index of `axis`.
        zero_point: int32; the same.
        axis: along which scales differ, or None.
    """

    scale: Any
    zero_point: Any
    axis: int | None = None

    def _along(self, values: Any, dtype: Any, rank: int) -> Array:
        array = np.asarray(values, dtype=dtype)
        if self.axis is None:
            return array.reshape(())
        shape = [1] * rank
        shape[self.axis] = -1
        return array.reshape(shape)

    def dequantize(self, array: Array) -> Array:
        """The real numbers, computed as the op dequantize does."""
        array = np.asarray(array)
        offset = array.astype(np.int32) - self._along(self.zero_point, np.int32, array.ndim)
        return np.asarray(offset.astype(np.float32) * self._along(self.scale, np.float32, array.ndim))

    def quantize(self, array: Array, dtype: Any = np.int8) -> Array:
        """The integers, computed as the op quantize does."""
        array = np.asarray(array)
        limits = np.iinfo(dtype)
        zero_point = self._along(self.zero_point, np.int32, array.ndim)
        with np.errstate(over="ignore", invalid="ignore"):
            inverse = np.float32(1.0) / self._along(self.scale, np.float32, array.ndim)
            scaled = np.asarray(array.astype(np.float32) * inverse)
        scaled = np.where(np.isnan(scaled), np.float32(0.0), scaled)
        clamped = np.clip(scaled, limits.min - zero_point, limits.max - zero_point)
        return np.asarray((np.round(clamped).astype(np.int32) + zero_point).astype(dtype))


def of_range(low: float, high: float) -> Quantization:
    """The scale and zero point of a tensor whose values lie between `low` and `high`.

    The real number 0 is always representable, exactly.
    """
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    if low == high:
        return Quantization(scale=np.float32(1.0), zero_point=np.int32(0))
    scale = np.float32(min(max((high - low) / 255.0, _LEAST_SCALE), _LARGEST_SCALE))
    zero_point = np.clip(np.round(-128.0 - low / float(scale)), -128, 127)
    return Quantization(scale=scale, zero_point=np.int32(zero_point))


def multiplier_of(ratio: Any) -> Any:
    """A multiplier of the integer ops: float32, and finite."""
    return np.minimum(ratio, 3e38).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """Filter, bias and multiplier of an integer convolution or matrix product.

    Attributes:
        filter: int8, in the shape of the weights, within -127..127.
        scale: float32, of each output channel's weights.
        bias: int32, with the input's zero point folded in.
        multiplier: float32: input scale * scale / output scale.
    """

    filter: Array
    scale: Array
    bias: Array
    multiplier: Array


def linear(
    weights: Array,
    bias: Array | None,
    *,
    x: Quantization,
    y: Quantization,
    what: str,
    scale: Array | None = None,
) -> Linear:
    """Quantizes weights [..., K rows, O] with one scale for each output channel.

    Args:
        weights: as a matrix, one column for each output channel.
        bias: [O], or None.
        x: of the input.
        y: of the output.
        what: names the operation in messages.
        scale: of each output channel's weights; chosen by their range when None.

    Raises:
        QuantizationError: weights are not finite, or a sum could leave 32 bits.
    """
    wide = np.asarray(weights, np.float64)
    offset = np.zeros(wide.shape[1]) if bias is None else np.asarray(bias, np.float64)
    if not (np.isfinite(wide).all() and np.isfinite(offset).all()):
        raise QuantizationError(f"{what}: its weights or bias are infinite or no numbers")
    x_scale, y_scale = float(x.scale), float(y.scale)
    # A channel whose bias dwarfs its weights takes a coarser scale, in which the bias fits.
    if scale is None:
        needed = np.maximum(
            np.abs(wide).max(axis=0, initial=0.0) / 127.0, np.abs(offset) / (x_scale * _LARGEST_BIAS)
        )
        scale = np.where(needed == 0.0, 1.0, np.clip(needed, _LEAST_SCALE, _LARGEST_SCALE)).astype(np.float32)
        least = -127
    else:
        least = -128
    steps = scale.astype(np.float64)
    filter_ = np.clip(np.round(wide / steps), least, 127).astype(np.int64)
    folded = np.round(offset / (x_scale * steps)) - int(x.zero_point) * filter_.sum(axis=0)
    worst = 128 * np.abs(filter_).sum(axis=0) + np.abs(folded)
    if worst.max(initial=0) > 2**31 - 1:
        channel = int(np.argmax(worst))
        raise QuantizationError(
            f"{what}: the sum for output channel {channel} over {wide.shape[0]} weights and its bias can reach "
            f"{worst[channel]:.0f}, more than 32 bits hold; Int8(keep_float=...) with its name leaves it in float"
        )
    multiplier = multiplier_of(x_scale * steps / y_scale)
    return Linear(
        filter=filter_.astype(np.int8), scale=scale, bias=folded.astype(np.int32), multiplier=multiplier
    )


__all__ = ["Int8", "Linear", "Quantization", "linear", "multiplier_of", "of_range"]
