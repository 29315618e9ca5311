"""Learning rates that change with the step: each function gives a scalar tensor to pass to an optimizer.

`global_step` is the variable that `minimize(..., global_step=)` counts up. Rates and steps are computed in the dtype of
`learning_rate`, float32 for a number.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import float32
from samara.graph.graph import Tensor, as_array


@contextlib.contextmanager
def _scope(name: str | None, default: str, *values: Any) -> Iterator[Any]:
    """The builder of the values' graph, within a name scope."""
    b = builder(*values)
    with b.graph.name_scope(name or default):
        yield b


def _numbers(like: Any, *values: Any) -> list[Tensor]:
    """Numbers and tensors as tensors of the dtype of the first."""
    first = convert_to_tensor(like)
    b = first.graph.b
    first = first if first.dtype.is_floating else b.cast(first, dtype=float32)
    return [first, *(b.cast(b.constant(v), dtype=first.dtype) for v in values)]


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """learning_rate * decay_rate ^ (global_step / decay_steps); whole exponents only when `staircase`."""
    with _scope(name, "ExponentialDecay", learning_rate, global_step) as b:
        rate, step, steps, base = _numbers(learning_rate, global_step, decay_steps, decay_rate)
        exponent = b.divide(step, steps)
        made: Tensor = b.multiply(rate, b.power(base, b.floor(exponent) if staircase else exponent))
        return made


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """learning_rate * e ^ (-decay_rate * global_step / decay_steps); whole quotients only when `staircase`."""
    with _scope(name, "NaturalExpDecay", learning_rate, global_step) as b:
        rate, step, steps, base = _numbers(learning_rate, global_step, decay_steps, decay_rate)
        quotient = b.divide(step, steps)
        quotient = b.floor(quotient) if staircase else quotient
        made: Tensor = b.multiply(rate, b.exp(b.negative(b.multiply(base, quotient))))
        return made


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """learning_rate / (1 + decay_rate * global_step / decay_steps); whole quotients only when `staircase`."""
    with _scope(name, "InverseTimeDecay", learning_rate, global_step) as b:
        rate, step, steps, base = _numbers(learning_rate, global_step, decay_steps, decay_rate)
        quotient = b.divide(step, steps)
        quotient = b.floor(quotient) if staircase else quotient
        made: Tensor = b.divide(rate, b.add(b.like(1, rate), b.multiply(base, quotient)))
        return made


def piecewise_constant(
    x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None
) -> Tensor:
    """values[0] up to and including x = boundaries[0], values[1] up to boundaries[1], and so on.

    Raises:
        ValueError: there is not one value more than boundaries, or the boundaries do not rise.
    """
    if len(values) != len(boundaries) + 1:
        raise ValueError(
            f"piecewise_constant: {len(boundaries)} boundaries need {len(boundaries) + 1} values, not {len(values)}"
        )
    if all(isinstance(v, (int, float)) for v in boundaries) and list(boundaries) != sorted(boundaries):
        raise ValueError(f"piecewise_constant: the boundaries {list(boundaries)} do not rise")
    with _scope(name, "PiecewiseConstant", x, *boundaries, *values) as b:
        tensor = convert_to_tensor(x)
        kind = np.result_type(*(v.dtype.numpy if hasattr(v, "dtype") else as_array(v).dtype for v in values))
        listed = [b.cast(b.constant(v), dtype=kind) for v in values]
        found: Tensor = listed[-1]
        for limit, value in reversed(list(zip(boundaries, listed, strict=False))):
            if isinstance(limit, float) and tensor.dtype.is_integer:
                limit = math.floor(limit)
            found = b.where(b.less_equal(tensor, b.cast(b.constant(limit), dtype=tensor.dtype)), value, found)
        return found


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Tensor:
    """(learning_rate - end) * (1 - global_step / decay_steps) ^ power + end, with `end` from decay_steps on.

    When `cycle`, decay_steps is instead multiplied by the least whole number that makes it reach global_step.
    """
    with _scope(name, "PolynomialDecay", learning_rate, global_step) as b:
        rate, step, steps, end, exponent = _numbers(
            learning_rate, global_step, decay_steps, end_learning_rate, power
        )
        one = b.like(1, rate)
        if cycle:
            steps = b.multiply(steps, b.maximum(one, b.ceil(b.divide(step, steps))))
        else:
            step = b.minimum(step, steps)
        left = b.power(b.subtract(one, b.divide(step, steps)), exponent)
        made: Tensor = b.add(b.multiply(b.subtract(rate, end), left), end)
        return made


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: Any = 0.0, name: str | None = None
) -> Tensor:
    """learning_rate * ((1 - alpha) * (1 + cos(pi * global_step / decay_steps)) / 2 + alpha), alpha from then on.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), without restarts.
    """
    with _scope(name, "CosineDecay", learning_rate, global_step) as b:
        rate, step, steps, least = _numbers(learning_rate, global_step, decay_steps, alpha)
        return _between(b, rate, least, b.divide(b.minimum(step, steps), steps))


def _between(b: Any, rate: Any, least: Any, fraction: Any) -> Tensor:
    """From rate down to least * rate along half a cosine."""
    half = b.like(0.5, rate)
    cosine = b.multiply(half, b.add(b.like(1, rate), b.cos(b.multiply(b.like(math.pi, rate), fraction))))
    made: Tensor = b.multiply(rate, b.add(b.multiply(b.subtract(b.like(1, rate), least), cosine), least))
    return made


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: float = 2.0,
    m_mul: Any = 1.0,
    alpha: Any = 0.0,
    name: str | None = None,
) -> Tensor:
    """Cosine decay that starts again: each period t_mul times as long and m_mul times as high as the one before.

    Loshchilov and Hutter (2017), equation (5).
    """
    with _scope(name, "SGDRDecay", learning_rate, global_step) as b:
        rate, step, steps, height, least = _numbers(
            learning_rate, global_step, first_decay_steps, m_mul, alpha
        )
        one = b.like(1, rate)
        done = b.divide(step, steps)
        if t_mul == 1:
            period = b.floor(done)
            fraction = b.subtract(done, period)
        else:
            # Period i starts at (1 - t^i) / (1 - t) of the first one's length, and is t^i long.
            growth = b.like(t_mul, rate)
            grown = b.subtract(one, b.multiply(done, b.like(1 - t_mul, rate)))
            nearest = b.round(b.divide(b.log(grown), b.like(math.log(t_mul), rate)))
            begins = b.divide(b.subtract(one, b.power(growth, nearest)), b.like(1 - t_mul, rate))
            # The logarithm may round to either side of the step at which a period starts: that step decides.
            period = b.subtract(nearest, b.cast(b.greater(begins, done), dtype=rate.dtype))
            length = b.power(growth, period)
            begun = b.divide(b.subtract(one, length), b.like(1 - t_mul, rate))
            fraction = b.divide(b.subtract(done, begun), length)
        high = b.multiply(rate, b.power(height, period))
        cosine = _between(b, one, b.like(0, rate), fraction)
        made: Tensor = b.add(
            b.multiply(high, b.multiply(b.subtract(one, least), cosine)), b.multiply(rate, least)
        )
        return made


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: float = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Tensor:
    """learning_rate * ((alpha + linear) * cosine + beta): linear goes from 1 to 0, cosine through num_periods.

    Bello et al., "Neural optimizer search with reinforcement learning" (2017).
    """
    with _scope(name, "LinearCosineDecay", learning_rate, global_step) as b:
        rate, step, steps, offset, least = _numbers(learning_rate, global_step, decay_steps, alpha, beta)
        fraction = b.divide(b.minimum(step, steps), steps)
        linear = b.subtract(b.like(1, rate), fraction)
        return _wave(b, rate, fraction, linear, num_periods, offset, least)


def _wave(b: Any, rate: Any, fraction: Any, linear: Any, num_periods: float, alpha: Any, beta: Any) -> Tensor:
    angle = b.multiply(b.like(2 * math.pi * num_periods, rate), fraction)
    cosine = b.multiply(b.like(0.5, rate), b.add(b.like(1, rate), b.cos(angle)))
    made: Tensor = b.multiply(rate, b.add(b.multiply(b.add(alpha, linear), cosine), beta))
    return made


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: Any = 1.0,
    variance_decay: Any = 0.55,
    num_periods: float = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Tensor:
    """`linear_cosine_decay` with normal noise of variance initial_variance / (1 + step) ^ variance_decay on linear."""
    with _scope(name, "NoisyLinearCosineDecay", learning_rate, global_step) as b:
        rate, step, steps, first, exponent, offset, least = _numbers(
            learning_rate, global_step, decay_steps, initial_variance, variance_decay, alpha, beta
        )
        step = b.minimum(step, steps)
        fraction = b.divide(step, steps)
        variance = b.divide(first, b.power(b.add(b.like(1, rate), step), exponent))
        draw = b.random_normal(np.zeros(0, np.int32), dtype=rate.dtype)
        linear = b.add(b.subtract(b.like(1, rate), fraction), b.multiply(draw, b.sqrt(variance)))
        return _wave(b, rate, fraction, linear, num_periods, offset, least)
