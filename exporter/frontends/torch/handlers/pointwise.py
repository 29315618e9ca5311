"""Element by element: arithmetic, comparisons, functions, activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dtypes
from samara.graph.graph import Tensor

# Functions of one tensor; integers are cast to floats first.
_FLOAT_FUNCTIONS = {
    "aten.acos": "acos",
    "aten.acosh": "acosh",
    "aten.asin": "asin",
    "aten.asinh": "asinh",
    "aten.atan": "atan",
    "aten.atanh": "atanh",
    "aten.cos": "cos",
    "aten.cosh": "cosh",
    "aten.erf": "erf",
    "aten.exp": "exp",
    "aten.expm1": "expm1",
    "aten.log": "log",
    "aten.log1p": "log1p",
    "aten.reciprocal": "reciprocal",
    "aten.rsqrt": "rsqrt",
    "aten.sigmoid": "sigmoid",
    "aten.sin": "sin",
    "aten.sinh": "sinh",
    "aten.sqrt": "sqrt",
    "aten.tan": "tan",
    "aten.tanh": "tanh",
    "aten.silu": "silu",
    "aten.mish": "mish",
    "aten.hardsigmoid": "hard_sigmoid",
    "aten.hardswish": "hard_swish",
    "aten.selu": "selu",
}
# Functions of one tensor that keep its element type.
_SAME_FUNCTIONS = {
    "aten.abs": "abs",
    "aten.neg": "negative",
    "aten.relu": "relu",
    "aten.relu6": "relu6",
    "aten.sgn": "sign",
    "aten.sign": "sign",
    "aten.square": "square",
}
# Functions that are the identity on integers.
_ROUNDINGS = {
    "aten.ceil": "ceil",
    "aten.floor": "floor",
    "aten.round.default": "round",
    "aten.trunc": "trunc",
}
_BINARY = {
    "aten.maximum": "maximum",
    "aten.minimum": "minimum",
    "aten.remainder": "floor_mod",
    "aten.floor_divide": "floor_divide",
}
_COMPARISONS = {
    "aten.eq": "equal",
    "aten.ne": "not_equal",
    "aten.lt": "less",
    "aten.le": "less_equal",
    "aten.gt": "greater",
    "aten.ge": "greater_equal",
}
_LOGICAL = {"and": "logical_and", "or": "logical_or", "xor": "logical_xor"}


def _unary(op: str, *, to_float: bool) -> Callable[..., Tensor]:
    def build(r: Reader, x: Any, *rest: Any) -> Tensor:
        r.needs(op)
        x = r.cast(x, r.dtype) if to_float else x
        made: Tensor = getattr(r.b, op)(x)
        return made

    return build


for _name, _op in _FLOAT_FUNCTIONS.items():
    handles(_name)(_unary(_op, to_float=True))
for _name, _op in _SAME_FUNCTIONS.items():
    handles(_name)(_unary(_op, to_float=False))


def _rounding(op: str) -> Callable[..., Tensor]:
    def build(r: Reader, x: Tensor) -> Tensor:
        if not x.dtype.is_floating:
            return x
        if op == "trunc":
            return truncated(r, x)
        made: Tensor = getattr(r.b, op)(x)
        return made

    return build


for _name, _op in _ROUNDINGS.items():
    handles(_name)(_rounding(_op))


def truncated(r: Reader, x: Tensor) -> Tensor:
    """The integer part of real numbers."""
    made: Tensor = r.b.multiply(r.b.sign(x), r.b.floor(r.b.abs(x)))
    return made


def _binary(op: str) -> Callable[..., Tensor]:
    def build(r: Reader, x: Any, y: Any) -> Tensor:
        x, y = r.promoted(x, y)
        if x.dtype is dtypes.bool_:
            return getattr(r.b, {"maximum": "logical_or", "minimum": "logical_and"}[op])(x, y)
        made: Tensor = getattr(r.b, op)(x, y)
        return made

    return build


for _name, _op in _BINARY.items():
    handles(_name)(_binary(_op))


def _comparison(op: str) -> Callable[..., Tensor]:
    def build(r: Reader, x: Any, y: Any) -> Tensor:
        x, y = r.promoted(x, y)
        if x.dtype is dtypes.bool_ and op not in ("equal", "not_equal"):
            x, y = r.cast(x, dtypes.int32), r.cast(y, dtypes.int32)
        made: Tensor = getattr(r.b, op)(x, y)
        return made

    return build


for _name, _op in _COMPARISONS.items():
    handles(_name)(_comparison(_op))


def _logical(op: str) -> Callable[..., Tensor]:
    def build(r: Reader, x: Any, y: Any) -> Tensor:
        made: Tensor = getattr(r.b, op)(r.tensor(x, dtypes.bool_), r.tensor(y, dtypes.bool_))
        return made

    return build


def _bitwise(word: str) -> Callable[..., Tensor]:
    def build(r: Reader, x: Any, y: Any) -> Tensor:
        x, y = r.promoted(x, y)
        op = f"logical_{word}" if x.dtype is dtypes.bool_ else f"bitwise_{word}"
        r.needs(op)
        made: Tensor = getattr(r.b, op)(x, y)
        return made

    return build


for _word, _op in _LOGICAL.items():
    handles(f"aten.logical_{_word}")(_logical(_op))
    handles(f"aten.bitwise_{_word}", f"aten.__{_word}__")(_bitwise(_word))


@handles("aten.logical_not")
def logical_not(r: Reader, x: Tensor) -> Tensor:
    return r.b.logical_not(r.cast(x, dtypes.bool_))


@handles("aten.bitwise_not")
def bitwise_not(r: Reader, x: Tensor) -> Tensor:
    if x.dtype is dtypes.bool_:
        return r.b.logical_not(x)
    r.needs("bitwise_not")
    return r.b.bitwise_not(x)


@handles("aten.bitwise_left_shift", "aten.__lshift__")
def shift_left(r: Reader, x: Any, y: Any) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.shift_left(x, y)


@handles("aten.bitwise_right_shift", "aten.__rshift__")
def shift_right(r: Reader, x: Any, y: Any) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.shift_right(x, y)


# Arithmetic -------------------------------------------------------------------------------------------------------


def _scaled(r: Reader, y: Tensor, factor: Any) -> Tensor:
    return (
        y if isinstance(factor, (int, float)) and factor == 1 else r.b.multiply(y, r.tensor(factor, y.dtype))
    )


@handles("aten.add")
def add(r: Reader, x: Any, y: Any, alpha: Any = 1) -> Tensor:
    x, y = r.promoted(x, y)
    if x.dtype is dtypes.bool_:
        return r.b.logical_or(x, y)
    return r.b.add(x, _scaled(r, y, alpha))


@handles("aten.sub")
def subtract(r: Reader, x: Any, y: Any, alpha: Any = 1) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.subtract(x, _scaled(r, y, alpha))


@handles("aten.rsub")
def subtract_from(r: Reader, x: Any, y: Any, alpha: Any = 1) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.subtract(y, _scaled(r, x, alpha))


@handles("aten.mul")
def multiply(r: Reader, x: Any, y: Any) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.logical_and(x, y) if x.dtype is dtypes.bool_ else r.b.multiply(x, y)


@handles("aten.div", "aten.true_divide")
def divide(r: Reader, x: Any, y: Any, rounding_mode: str | None = None) -> Tensor:
    if rounding_mode is None:
        x, y = r.promoted(x, y, to_float=True)
        return r.b.divide(x, y)
    x, y = r.promoted(x, y)
    return r.b.floor_divide(x, y) if rounding_mode == "floor" else _quotient(r, x, y)


def _quotient(r: Reader, x: Tensor, y: Tensor) -> Tensor:
    """X / y rounded towards 0."""
    made: Tensor = truncated(r, r.b.divide(x, y)) if x.dtype.is_floating else r.b.truncate_divide(x, y)
    return made


@handles("aten.fmod")
def rest_towards_zero(r: Reader, x: Any, y: Any) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.truncate_mod(x, y)


@handles("aten.pow")
def power(r: Reader, x: Any, y: Any) -> Tensor:
    b = r.b
    if isinstance(x, Tensor) and isinstance(y, (int, float)):
        x = r.cast(x, r.dtype)
        if y == 1:
            return x
        if y == 2:
            return b.square(x)
        if y == 3:
            return b.multiply(b.square(x), x)
        if x.dtype.is_floating and y in (0.5, -0.5, -1):
            return {0.5: b.sqrt, -0.5: b.rsqrt, -1: b.reciprocal}[y](x)
        return b.power(x, r.tensor(y, x.dtype))
    x, y = r.promoted(x, y)
    return b.power(x, y)


@handles("aten.exp2")
def power_of_two(r: Reader, x: Tensor) -> Tensor:
    x = r.cast(x, r.dtype)
    return r.b.power(r.b.like(2, x), x)


@handles("aten.log2")
def logarithm_of_base_two(r: Reader, x: Tensor) -> Tensor:
    x = r.cast(x, r.dtype)
    return r.b.multiply(r.b.log(x), r.b.like(1 / math.log(2), x))


@handles("aten.log10")
def logarithm_of_base_ten(r: Reader, x: Tensor) -> Tensor:
    x = r.cast(x, r.dtype)
    return r.b.multiply(r.b.log(x), r.b.like(1 / math.log(10), x))


@handles("aten.erfc")
def complement_of_erf(r: Reader, x: Tensor) -> Tensor:
    x = r.cast(x, r.dtype)
    return r.b.subtract(r.b.like(1, x), r.b.erf(x))


@handles("aten.atan2")
def atan2(r: Reader, y: Any, x: Any) -> Tensor:
    y, x = r.promoted(y, x, to_float=True)
    return r.b.atan2(y, x)


@handles("aten.frac")
def fraction(r: Reader, x: Tensor) -> Tensor:
    return r.b.subtract(x, truncated(r, x))


@handles("aten.round.decimals")
def round_to_decimals(r: Reader, x: Tensor, decimals: int) -> Tensor:
    scale = r.b.like(10.0**decimals, x)
    return r.b.divide(r.b.round(r.b.multiply(x, scale)), scale)


@handles("aten.addcmul")
def add_product(r: Reader, x: Any, y: Any, z: Any, value: Any = 1) -> Tensor:
    x, y, z = r.promoted(x, y, z)
    return r.b.add(x, _scaled(r, r.b.multiply(y, z), value))


@handles("aten.addcdiv")
def add_quotient(r: Reader, x: Any, y: Any, z: Any, value: Any = 1) -> Tensor:
    x, y, z = r.promoted(x, y, z)
    return r.b.add(x, _scaled(r, r.b.divide(y, z), value))


@handles("aten.lerp")
def interpolate(r: Reader, x: Any, y: Any, weight: Any) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.add(x, r.b.multiply(r.tensor(weight, x.dtype), r.b.subtract(y, x)))


@handles("aten.hypot")
def hypotenuse(r: Reader, x: Any, y: Any) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.sqrt(r.b.add(r.b.square(x), r.b.square(y)))


@handles("aten.xlogy")
def x_log_y(r: Reader, x: Any, y: Any) -> Tensor:
    x, y = r.promoted(x, y, to_float=True)
    b = r.b
    product = b.multiply(x, b.log(y))
    zero = b.logical_and(b.equal(x, b.like(0, x)), b.logical_not(b.is_nan(y)))
    return b.where(zero, b.like(0, x), product)


# Choices ----------------------------------------------------------------------------------------------------------


@handles("aten.where.self", "aten.where.ScalarSelf", "aten.where.ScalarOther", "aten.where.Scalar")
def where(r: Reader, condition: Tensor, x: Any, y: Any) -> Tensor:
    x, y = r.promoted(x, y)
    return r.b.where(r.cast(condition, dtypes.bool_), x, y)


@handles("aten.masked_fill")
def masked_fill(r: Reader, x: Tensor, mask: Tensor, value: Any) -> Tensor:
    return r.b.where(mask, r.tensor(value, x.dtype), x)


@handles("aten.clamp", "aten.clip", "aten.hardtanh")
def clamp(r: Reader, x: Tensor, minimum: Any = None, maximum: Any = None) -> Tensor:
    x = r.cast(x, r.dtype)
    plain = all(v is None or isinstance(v, (int, float)) for v in (minimum, maximum))
    if plain and x.dtype.is_floating:
        low = -math.inf if minimum is None else float(minimum)
        high = math.inf if maximum is None else float(maximum)
        if low == 0 and high == math.inf:
            return r.b.relu(x)
        if low <= high:
            return r.b.relu6(x) if (low, high) == (0, 6) else r.b.clip(x, minimum=low, maximum=high)
    if minimum is not None:
        x = r.b.maximum(x, r.tensor(minimum, x.dtype))
    if maximum is not None:
        x = r.b.minimum(x, r.tensor(maximum, x.dtype))
    return x


@handles("aten.clamp_min")
def clamp_min(r: Reader, x: Tensor, minimum: Any) -> Tensor:
    return clamp(r, x, minimum, None)


@handles("aten.clamp_max")
def clamp_max(r: Reader, x: Tensor, maximum: Any) -> Tensor:
    return clamp(r, x, None, maximum)


@handles("aten.isnan")
def is_nan(r: Reader, x: Tensor) -> Tensor:
    return r.b.is_nan(x) if x.dtype.is_floating else r.b.filled(r.cast(x, dtypes.bool_), False)


@handles("aten.isinf")
def is_inf(r: Reader, x: Tensor) -> Tensor:
    return r.b.is_inf(x) if x.dtype.is_floating else r.b.filled(r.cast(x, dtypes.bool_), False)


@handles("aten.isfinite")
def is_finite(r: Reader, x: Tensor) -> Tensor:
    return r.b.is_finite(x) if x.dtype.is_floating else r.b.filled(r.cast(x, dtypes.bool_), True)


@handles("aten.nan_to_num")
def nan_to_num(r: Reader, x: Tensor, nan: Any = None, positive: Any = None, negative: Any = None) -> Tensor:
    if not x.dtype.is_floating:
        return x
    b = r.b
    limits = np.finfo(x.dtype.numpy)
    infinite = b.is_inf(x)
    above = b.greater(x, b.like(0, x))
    high = b.like(float(limits.max) if positive is None else positive, x)
    low = b.like(float(limits.min) if negative is None else negative, x)
    x = b.where(infinite, b.where(above, high, low), x)
    return b.where(b.is_nan(x), b.like(0.0 if nan is None else nan, x), x)


# Activations ------------------------------------------------------------------------------------------------------


@handles("aten.gelu")
def gelu(r: Reader, x: Tensor, approximate: str = "none") -> Tensor:
    return r.b.gelu(x, approximate=approximate)


@handles("aten.leaky_relu")
def leaky_relu(r: Reader, x: Tensor, slope: Any = 0.01) -> Tensor:
    return r.b.leaky_relu(x, alpha=float(slope))


@handles("aten.prelu", "aten._prelu_kernel")
def prelu(r: Reader, x: Tensor, slope: Tensor) -> Tensor:
    if r.rank(slope) == 1:
        assert slope.shape is not None
        shape = [1] * r.rank(x)
        if r.rank(x) > 1:
            shape[1] = r.number(slope.shape[0], "the number of channels")
        slope = r.reshape(slope, shape)
    return r.b.prelu(x, r.cast(slope, x.dtype))


@handles("aten.elu")
def elu(r: Reader, x: Tensor, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0) -> Tensor:
    y = r.b.elu(_scaled(r, x, input_scale), alpha=float(alpha))
    if input_scale != 1:
        y = r.b.where(r.b.greater(x, r.b.like(0, x)), x, y)
    return _scaled(r, y, scale)


@handles("aten.celu")
def celu(r: Reader, x: Tensor, alpha: Any = 1.0) -> Tensor:
    b = r.b
    low = b.multiply(b.expm1(b.divide(b.minimum(x, b.like(0, x)), b.like(alpha, x))), b.like(alpha, x))
    return b.add(b.relu(x), low)


@handles("aten.softplus")
def softplus(r: Reader, x: Tensor, beta: Any = 1, threshold: Any = 20) -> Tensor:
    b = r.b
    scaled = _scaled(r, x, beta)
    y = b.softplus(scaled)
    y = y if beta == 1 else b.divide(y, b.like(beta, x))
    return b.where(b.greater(scaled, b.like(threshold, x)), x, y)


@handles("aten.log_sigmoid", "aten.log_sigmoid_forward")
def log_sigmoid(r: Reader, x: Tensor) -> Any:
    y = r.b.negative(r.b.softplus(r.b.negative(x)))
    return [y, None] if isinstance(r.meta, (tuple, list)) else y


@handles("aten.threshold")
def threshold(r: Reader, x: Tensor, limit: Any, value: Any) -> Tensor:
    return r.b.where(r.b.greater(x, r.tensor(limit, x.dtype)), x, r.tensor(value, x.dtype))


@handles("aten.hardshrink")
def hard_shrink(r: Reader, x: Tensor, lambd: Any = 0.5) -> Tensor:
    return r.b.where(r.b.greater(r.b.abs(x), r.b.like(lambd, x)), x, r.b.like(0, x))


@handles("aten.softshrink")
def soft_shrink(r: Reader, x: Tensor, lambd: Any = 0.5) -> Tensor:
    b = r.b
    limit = float(lambd)
    return b.subtract(x, b.clip(x, minimum=-limit, maximum=limit))


@handles("aten.glu")
def gated_linear_unit(r: Reader, x: Tensor, axis: int = -1) -> Tensor:
    assert x.shape is not None
    axis = r.axis(axis, x)
    size = r.number(x.shape[axis], "the size of the axis that is halved")
    first, second = r.b.split(x, axis=axis, sizes=(size // 2, size // 2))
    return r.b.multiply(first, r.b.sigmoid(second))


# Copies -----------------------------------------------------------------------------------------------------------


@handles(
    "aten.clone",
    "aten.alias",
    "aten.detach",
    "aten.detach_",
    "aten.contiguous",
    "aten.lift_fresh_copy",
    "aten.lift_fresh",
    "aten.positive",
    "aten.dropout",
    "aten.feature_dropout",
    "aten.alpha_dropout",
)
def same(r: Reader, x: Tensor, *rest: Any) -> Tensor:
    return x


@handles("aten.native_dropout")
def native_dropout(r: Reader, x: Tensor, p: Any, train: Any) -> list[Tensor]:
    if train:
        raise r.unsupported("it drops elements at random", "export the module after module.eval()")
    return [x, r.b.filled(r.cast(x, dtypes.bool_), True)]


@handles(
    "aten._to_copy", "aten.to", "aten.type_as", "prims.convert_element_type", "aten.float", "aten._cast_Float"
)
def cast(r: Reader, x: Tensor, *rest: Any) -> Tensor:
    return r.cast(x, r.dtype)


@handles("aten.copy")
def copy(r: Reader, x: Tensor, source: Tensor, *rest: Any) -> Tensor:
    return r.broadcast(r.cast(source, x.dtype), x.shape or ())
