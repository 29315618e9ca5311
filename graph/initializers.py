"""Initial values of variables: what `get_variable` is given as `initializer=`.

Each is called with a shape and an element type, and gives a tensor of the default graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.dtypes import as_dtype, float32
from samara.graph.graph import get_default_graph

# The standard deviation of a standard normal distribution that is cut off beyond two.
_TRUNCATED_STDDEV = 0.87962566103423978


class Initializer:
    """Base of all initializers.

    Args:
        dtype: the element type where the caller names none.
    """

    def __init__(self, dtype: Any = float32) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None) -> Any:
        """The initial value of a variable of that shape."""
        sizes = tuple(int(n) for n in np.atleast_1d(np.asarray(shape, np.int64)))
        return self._value(sizes, self.dtype if dtype is None else as_dtype(dtype))

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no value")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        config = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return {**config, "dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An initializer of what `get_config` gave."""
        return cls(**config)


class Zeros(Initializer):
    """Zeros."""

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.zeros(shape, dtype.numpy)


class Ones(Initializer):
    """Ones."""

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.ones(shape, dtype.numpy)


class Constant(Initializer):
    """Given values.

    Args:
        value: a number, or values in the order of rows: where they are fewer than the variable has, the last repeats.
        dtype: the element type where the caller names none.
        verify_shape: whether the values must have the variable's shape.
    """

    def __init__(self, value: Any = 0, dtype: Any = float32, verify_shape: bool = False) -> None:
        super().__init__(dtype)
        self.value = value
        self.verify_shape = verify_shape

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        values = np.asarray(self.value)
        count = math.prod(shape)
        if self.verify_shape and values.shape != shape:
            raise TypeError(f"the values have shape {list(values.shape)}, the variable {list(shape)}")
        if values.size > max(count, 1):
            raise ValueError(f"{values.size} values are too many for a variable of shape {list(shape)}")
        flat = values.reshape(-1)
        filled = np.concatenate([flat, np.repeat(flat[-1:], count - flat.size)])[:count]
        return filled.reshape(shape).astype(dtype.numpy)


class RandomUniform(Initializer):
    """Values between two, equally likely.

    Args:
        minval: the least.
        maxval: what all are below; 1 when None.
        seed: the draw's own seed.
        dtype: the element type where the caller names none.
    """

    def __init__(
        self, minval: float = 0, maxval: float | None = None, seed: int | None = None, dtype: Any = float32
    ) -> None:
        super().__init__(dtype)
        self.minval, self.maxval, self.seed = minval, 1 if maxval is None else maxval, seed

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return _draw("random_uniform", shape, dtype, self.seed, minimum=self.minval, maximum=self.maxval)


class RandomNormal(Initializer):
    """Values of a normal distribution.

    Args:
        mean: its mean.
        stddev: its standard deviation.
        seed: the draw's own seed.
        dtype: the element type where the caller names none.
    """

    _op = "random_normal"

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: int | None = None, dtype: Any = float32
    ) -> None:
        super().__init__(dtype)
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return _draw(self._op, shape, dtype, self.seed, mean=self.mean, stddev=self.stddev)


class TruncatedNormal(RandomNormal):
    """Values of a normal distribution, those farther than two deviations from the mean drawn again."""

    _op = "truncated_normal"


class UniformUnitScaling(Initializer):
    """Values between -a and a with a = factor * sqrt(3 / inputs), where inputs counts all sizes but the last.

    The scale of what goes through a linear layer is kept (Sussillo and Abbott, "Random walk initialization for training
    very deep feedforward networks", 2014).

    Args:
        factor: what the range is multiplied with.
        seed: the draw's own seed.
        dtype: the element type where the caller names none.
    """

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(dtype)
        self.factor, self.seed = factor, seed

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        limit = math.sqrt(3.0 / max(1, math.prod(shape[:-1]))) * self.factor
        return _draw("random_uniform", shape, dtype, self.seed, minimum=-limit, maximum=limit)


class VarianceScaling(Initializer):
    """Values whose variance is scale / n, where n counts the inputs, the outputs or the mean of both.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), take the mean
    and scale 1; He and others, "Delving deep into rectifiers" (2015), the inputs and scale 2.

    Args:
        scale: what the variance is multiplied with.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "normal" or "truncated_normal" (cut off at two deviations), "untruncated_normal" or "uniform".
        seed: the draw's own seed.
        dtype: the element type where the caller names none.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = float32,
    ) -> None:
        super().__init__(dtype)
        if scale <= 0:
            raise ValueError(f"scale is {scale}, it must be above 0")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode is {mode!r}, expected fan_in, fan_out or fan_avg")
        distribution = distribution.lower()
        if distribution not in ("normal", "truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f"distribution is {distribution!r}, expected normal, truncated_normal, untruncated_normal or uniform"
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        inputs, outputs = fans(shape)
        count = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
        variance = self.scale / max(1.0, count)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return _draw("random_uniform", shape, dtype, self.seed, minimum=-limit, maximum=limit)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return _draw("random_normal", shape, dtype, self.seed, stddev=stddev)
        return _draw("truncated_normal", shape, dtype, self.seed, stddev=stddev / _TRUNCATED_STDDEV)


class GlorotUniform(VarianceScaling):
    """Evenly drawn values whose variance is 2 / (inputs + outputs), by Glorot and Bengio (2010)."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {"seed": self.seed, "dtype": self.dtype.name}


class GlorotNormal(VarianceScaling):
    """Normally drawn values whose variance is 2 / (inputs + outputs), by Glorot and Bengio (2010)."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {"seed": self.seed, "dtype": self.dtype.name}


class Orthogonal(Initializer):
    """A matrix with orthonormal rows or columns, whichever are fewer; all axes but the last are taken for rows.

    Drawn evenly among all such matrices (Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", 2014; Mezzadri, "How to generate random matrices from the classical
    compact groups", 2007).

    Args:
        gain: what the matrix is multiplied with.
        seed: the draw's own seed.
        dtype: the element type where the caller names none.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(dtype)
        self.gain, self.seed = gain, seed

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        if len(shape) < 2:
            raise ValueError(f"an orthogonal matrix needs rank 2 or more, the shape is {list(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        b = get_default_graph().b
        tall = (max(rows, columns), min(rows, columns))
        q, r = b.qr(_draw("random_normal", tall, dtype, self.seed))
        eye = np.eye(tall[1], dtype=dtype.numpy)
        q = b.multiply(q, b.sign(b.reduce_sum(b.multiply(r, eye), axes=(1,))))
        if rows < columns:
            q = b.transpose(q)
        return b.multiply(b.reshape(q, np.asarray(shape, np.int32)), b.like(self.gain, q))


class Identity(Initializer):
    """The identity matrix.

    Args:
        gain: what it is multiplied with.
        dtype: the element type where the caller names none.
    """

    def __init__(self, gain: float = 1.0, dtype: Any = float32) -> None:
        super().__init__(dtype)
        self.gain = gain

    def _value(self, shape: tuple[int, ...], dtype: Any) -> Any:
        if len(shape) != 2:
            raise ValueError(f"an identity matrix has rank 2, the shape is {list(shape)}")
        return self.gain * np.eye(*shape, dtype=dtype.numpy)


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """How many inputs and how many outputs a weight of that shape joins; filters count their taps."""
    if len(shape) < 2:
        count = shape[0] if shape else 1
        return count, count
    taps = math.prod(shape[:-2])
    return taps * shape[-2], taps * shape[-1]


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Normally drawn values whose variance is 2 / inputs, for layers with rectifiers, by He and others (2015)."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Evenly drawn values whose variance is 2 / inputs, for layers with rectifiers, by He and others (2015)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Normally drawn values whose variance is 1 / inputs (LeCun and others, "Efficient backprop", 1998)."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Evenly drawn values whose variance is 1 / inputs (LeCun and others, "Efficient backprop", 1998)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def xavier_initializer(
    uniform: bool = True, seed: int | None = None, dtype: Any = float32
) -> VarianceScaling:
    """Glorot and Bengio's initializer (2010), evenly or normally drawn."""
    return VarianceScaling(1.0, "fan_avg", "uniform" if uniform else "truncated_normal", seed, dtype)


def xavier_initializer_conv2d(
    uniform: bool = True, seed: int | None = None, dtype: Any = float32
) -> VarianceScaling:
    """The same for the filters of a convolution, whose taps count."""
    return xavier_initializer(uniform, seed, dtype)


def default(shape: Sequence[int], dtype: Any) -> Any:
    """The initial value where nobody names one: GlorotUniform's, or zeros for what is no floating-point number."""
    return (GlorotUniform() if as_dtype(dtype).is_floating else Zeros())(shape, dtype)


def _draw(op: str, shape: tuple[int, ...], dtype: Any, seed: int | None, **attributes: Any) -> Any:
    build = getattr(get_default_graph().b, op)
    return build(np.asarray(shape, np.int32), dtype=dtype, seed=-1 if seed is None else seed, **attributes)


zeros, zeros_initializer = Zeros, Zeros
ones, ones_initializer = Ones, Ones
constant, constant_initializer = Constant, Constant
random_uniform, random_uniform_initializer = RandomUniform, RandomUniform
random_normal, random_normal_initializer = RandomNormal, RandomNormal
truncated_normal, truncated_normal_initializer = TruncatedNormal, TruncatedNormal
uniform_unit_scaling, uniform_unit_scaling_initializer = UniformUnitScaling, UniformUnitScaling
variance_scaling, variance_scaling_initializer = VarianceScaling, VarianceScaling
orthogonal, orthogonal_initializer = Orthogonal, Orthogonal
glorot_uniform, glorot_uniform_initializer = GlorotUniform, GlorotUniform
glorot_normal, glorot_normal_initializer = GlorotNormal, GlorotNormal
identity = Identity

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "Identity",
    "Initializer",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "UniformUnitScaling",
    "VarianceScaling",
    "Zeros",
    "constant",
    "constant_initializer",
    "default",
    "fans",
    "glorot_normal",
    "glorot_normal_initializer",
    "glorot_uniform",
    "glorot_uniform_initializer",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "ones_initializer",
    "orthogonal",
    "orthogonal_initializer",
    "random_normal",
    "random_normal_initializer",
    "random_uniform",
    "random_uniform_initializer",
    "truncated_normal",
    "truncated_normal_initializer",
    "uniform_unit_scaling",
    "uniform_unit_scaling_initializer",
    "variance_scaling",
    "variance_scaling_initializer",
    "xavier_initializer",
    "xavier_initializer_conv2d",
    "zeros",
    "zeros_initializer",
]
