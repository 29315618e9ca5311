"""Element-wise ops: arithmetic, comparison, logic, unary functions and activations, with broadcasting.

Integer arithmetic wraps around in the element type. float16 is computed in float32 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samara.graph import dtypes
from samara.graph.dtypes import DType
from samara.graph.ops._table import OPS, Attribute, Choice, OpDef, attribute

APPROXIMATE = Choice(name="Approximate", values=("none", "tanh"))

_BOOL = (dtypes.bool_,)
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805
_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715


def in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reference that computes float16 in float32, and everything else as it is."""

    def reference(xp: Any, op: Any, *inputs: Any) -> Any:
        dtype = inputs[0].dtype
        if dtype != xp.float16:
            return function(xp, op, *inputs)
        wide = [xp.astype(xp.asarray(x), xp.float32) for x in inputs]
        return xp.astype(xp.asarray(function(xp, op, *wide)), dtype)

    return reference


# Two operands --------------------------------------------------------------------------------------------------


def binary(
    name: str,
    opcode: int,
    doc: str,
    reference: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    *,
    types: tuple[DType, ...] = dtypes.NUMBERS,
    quant: str = "float_only",
) -> OpDef:
    """An op T, T -> T; `gradient(b, x, y, z, dz)` gives both gradients before they are summed to the shapes."""

    def both(b: Any, op: Any, dz: Any) -> list[Any]:
        assert gradient is not None
        x, y = op.inputs
        dx, dy = gradient(b, x, y, op.outputs[0], dz)
        return [b.unbroadcast(dx, x), b.unbroadcast(dy, y)]

    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: T strided", "y: T strided"),
        outputs=("z: T strided",),
        types={"T": types},
        doc=doc,
        shape=lambda op: op.broadcast(*op.shapes),
        reference=reference,
        gradient=None if gradient is None else both,
        quant=quant,
        in_place=True,
    )


def refuse_zero(xp: Any, y: Any) -> None:
    """Refuses integers to divide by of which one is 0."""
    if xp.isdtype(y.dtype, "integral") and bool(xp.any(y == 0)):
        raise ZeroDivisionError("integer division by zero")


def _floor_divide(xp: Any, op: Any, x: Any, y: Any) -> Any:
    refuse_zero(xp, y)
    return x // y


def _floor_mod(xp: Any, op: Any, x: Any, y: Any) -> Any:
    refuse_zero(xp, y)
    return x % y


def _power(xp: Any, op: Any, x: Any, y: Any) -> Any:
    if xp.isdtype(y.dtype, "integral") and bool(xp.any(y < 0)):
        raise ValueError("an integer cannot be raised to a negative power: cast to a floating-point type")
    return xp.pow(x, y)


def _power_gradient(b: Any, x: Any, y: Any, z: Any, dz: Any) -> Any:
    # Where y is 0 the derivative by x is 0, also at x = 0; where x is not positive that by y is taken to be 0.
    one = b.like(1, x)
    less = b.where(b.equal(y, b.like(0, y)), one, b.subtract(y, one))
    logarithm = b.log(b.where(b.greater(x, b.like(0, x)), x, one))
    return b.multiply(dz, b.multiply(y, b.power(x, less))), b.multiply(dz, b.multiply(z, logarithm))


def _prelu_gradient(b: Any, x: Any, y: Any, z: Any, dz: Any) -> Any:
    positive, zero = b.greater(x, b.like(0, x)), b.like(0, x)
    return b.where(positive, dz, b.multiply(dz, y)), b.where(positive, zero, b.multiply(dz, x))


def _chosen(comparison: str) -> Callable[..., Any]:
    """The gradient of a choice between x and y: all of it goes to the chosen one, to x where they are equal."""

    def gradient(b: Any, x: Any, y: Any, z: Any, dz: Any) -> Any:
        first, zero = getattr(b, comparison)(x, y), b.like(0, dz)
        return b.where(first, dz, zero), b.where(first, zero, dz)

    return gradient


def _divide_gradient(b: Any, x: Any, y: Any, z: Any, dz: Any) -> Any:
    dx = b.divide(dz, y)
    return dx, b.negative(b.multiply(dx, z))


def _squared_difference_gradient(b: Any, x: Any, y: Any, z: Any, dz: Any) -> Any:
    dx = b.multiply(dz, b.multiply(b.like(2, x), b.subtract(x, y)))
    return dx, b.negative(dx)


def _atan2_gradient(b: Any, x: Any, y: Any, z: Any, dz: Any) -> Any:
    scaled = b.divide(dz, b.add(b.square(x), b.square(y)))
    return b.multiply(scaled, y), b.negative(b.multiply(scaled, x))


OPS.register(
    binary(
        "add",
        256,
        "The sum x + y, element by element, with broadcasting.",
        lambda xp, op, x, y: x + y,
        lambda b, x, y, z, dz: (dz, dz),
        quant="add",
    ),
    binary(
        "subtract",
        257,
        "The difference x - y, element by element, with broadcasting.",
        lambda xp, op, x, y: x - y,
        lambda b, x, y, z, dz: (dz, b.negative(dz)),
        quant="subtract",
    ),
    binary(
        "multiply",
        258,
        "The product x * y, element by element, with broadcasting.",
        lambda xp, op, x, y: x * y,
        lambda b, x, y, z, dz: (b.multiply(dz, y), b.multiply(dz, x)),
        quant="multiply",
    ),
    binary(
        "divide",
        259,
        "The quotient x / y of floating-point numbers, with broadcasting; integers have floor_divide.",
        lambda xp, op, x, y: x / y,
        _divide_gradient,
        types=dtypes.FLOATS,
    ),
    binary(
        "floor_divide",
        260,
        "The quotient x / y rounded towards minus infinity, with broadcasting. Division of an integer by zero is an "
        "error of the run.",
        _floor_divide,
        None,
    ),
    binary(
        "floor_mod",
        261,
        "The rest x - floor(x / y) * y, which has the sign of y, with broadcasting. Division of an integer by zero is "
        "an error of the run.",
        _floor_mod,
        lambda b, x, y, z, dz: (dz, b.negative(b.multiply(dz, b.floor_divide(x, y)))),
    ),
    binary(
        "power",
        262,
        "The power x ** y, element by element, with broadcasting. A negative exponent of an integer is an error of "
        "the run.",
        _power,
        _power_gradient,
    ),
    binary(
        "maximum",
        263,
        "The larger of x and y, with broadcasting; NaN where either is NaN. The gradient goes to x where both are "
        "equal.",
        lambda xp, op, x, y: xp.maximum(x, y),
        _chosen("greater_equal"),
    ),
    binary(
        "minimum",
        264,
        "The smaller of x and y, with broadcasting; NaN where either is NaN. The gradient goes to x where both are "
        "equal.",
        lambda xp, op, x, y: xp.minimum(x, y),
        _chosen("less_equal"),
    ),
    binary(
        "squared_difference",
        265,
        "The square (x - y)**2, element by element, with broadcasting.",
        in_float32(lambda xp, op, x, y: (x - y) * (x - y)),
        _squared_difference_gradient,
    ),
    binary(
        "atan2",
        266,
        "The angle of the point (y, x): the arc tangent of x / y in the quadrant that the signs say, in -pi..pi.",
        lambda xp, op, x, y: xp.atan2(x, y),
        _atan2_gradient,
        types=dtypes.FLOATS,
    ),
    binary(
        "prelu",
        352,
        "x where it is positive, and the slope y times x elsewhere, with broadcasting. The derivative at 0 is y.",
        in_float32(lambda xp, op, x, y: xp.where(x > 0, x, y * x)),
        _prelu_gradient,
        types=dtypes.FLOATS,
    ),
)


# Comparison, logic, choice -------------------------------------------------------------------------------------


def _comparison(
    name: str, opcode: int, doc: str, reference: Callable[..., Any], types: tuple[DType, ...]
) -> OpDef:
    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: T strided", "y: T strided"),
        outputs=("z: bool strided",),
        types={"T": types},
        doc=doc,
        shape=lambda op: op.broadcast(*op.shapes),
        reference=reference,
        in_place=types == _BOOL,
        texts=types == dtypes.ALL,
    )


def _test(name: str, opcode: int, doc: str, reference: Callable[..., Any], types: tuple[DType, ...]) -> OpDef:
    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: T strided",),
        outputs=("y: bool strided",),
        types={"T": types},
        doc=doc,
        shape=lambda op: op.shapes[0],
        reference=reference,
        in_place=types == _BOOL,
    )


def _where_gradient(b: Any, op: Any, dz: Any) -> list[Any]:
    condition, x, y = op.inputs
    zero = b.like(0, dz)
    return [
        None,
        b.unbroadcast(b.where(condition, dz, zero), x),
        b.unbroadcast(b.where(condition, zero, dz), y),
    ]


OPS.register(
    _comparison("equal", 270, "Whether x is equal to y.", lambda xp, op, x, y: x == y, dtypes.ALL),
    _comparison("not_equal", 271, "Whether x differs from y.", lambda xp, op, x, y: x != y, dtypes.ALL),
    _comparison("less", 272, "Whether x is less than y.", lambda xp, op, x, y: x < y, dtypes.NUMBERS),
    _comparison("less_equal", 273, "Whether x is at most y.", lambda xp, op, x, y: x <= y, dtypes.NUMBERS),
    _comparison("greater", 274, "Whether x is greater than y.", lambda xp, op, x, y: x > y, dtypes.NUMBERS),
    _comparison(
        "greater_equal", 275, "Whether x is at least y.", lambda xp, op, x, y: x >= y, dtypes.NUMBERS
    ),
    _comparison(
        "logical_and", 280, "Whether x and y are true.", lambda xp, op, x, y: xp.logical_and(x, y), _BOOL
    ),
    _comparison(
        "logical_or", 281, "Whether x or y is true.", lambda xp, op, x, y: xp.logical_or(x, y), _BOOL
    ),
    _comparison(
        "logical_xor",
        282,
        "Whether one of x and y is true.",
        lambda xp, op, x, y: xp.logical_xor(x, y),
        _BOOL,
    ),
    _test("logical_not", 283, "Whether x is false.", lambda xp, op, x: xp.logical_not(x), _BOOL),
    OpDef(
        name="where",
        opcode=285,
        inputs=("condition: bool strided", "x: T strided", "y: T strided"),
        outputs=("z: T strided",),
        types={"T": dtypes.ALL},
        doc="The element of x where condition is true and that of y elsewhere; all three broadcast.",
        shape=lambda op: op.broadcast(*op.shapes),
        reference=lambda xp, op, condition, x, y: xp.where(condition, x, y),
        gradient=_where_gradient,
        in_place=True,
        texts=True,
    ),
    _test("is_nan", 286, "Whether x is not a number.", lambda xp, op, x: xp.isnan(x), dtypes.FLOATS),
    _test(
        "is_inf", 287, "Whether x is infinite, of either sign.", lambda xp, op, x: xp.isinf(x), dtypes.FLOATS
    ),
    _test("is_finite", 288, "Whether x is a finite number.", lambda xp, op, x: xp.isfinite(x), dtypes.FLOATS),
)


# One operand ---------------------------------------------------------------------------------------------------


def _unary(
    name: str,
    opcode: int,
    doc: str,
    reference: Callable[..., Any],
    derivative: Callable[..., Any] | None,
    *,
    types: tuple[DType, ...] = dtypes.FLOATS,
    attributes: tuple[Attribute, ...] = (),
    shape: Callable[..., Any] = lambda op: op.shapes[0],
    mask: bool = False,
) -> OpDef:
    """An op T -> T; `derivative(b, op, x, y)` is dy/dx, or with `mask` a bool tensor that says where it is 0, not 1."""

    def gradient(b: Any, op: Any, dy: Any) -> list[Any]:
        assert derivative is not None
        slope = derivative(b, op, op.inputs[0], op.outputs[0])
        return [b.where(slope, b.like(0, dy), dy) if mask else b.multiply(dy, slope)]

    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: T strided",),
        outputs=("y: T strided",),
        types={"T": types},
        attributes=attributes,
        doc=doc,
        shape=shape,
        reference=in_float32(reference),
        gradient=None if derivative is None else gradient,
        quant="table",
        in_place=True,
    )


def _legendre(count: int) -> list[tuple[float, float]]:
    """Nodes and weights of Gauss-Legendre quadrature on 0..1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return [((float(t) + 1) / 2, float(w) / 2) for t, w in zip(nodes, weights, strict=True)]


# For |x| <= 6, beyond which erf is 1 in float64, this many nodes leave an error of a few units of the last place.
_ERF_NODES = _legendre(24)


def erf_of(xp: Any, x: Any) -> Any:
    """2/sqrt(pi) * x * the integral of exp(-(x t)**2) over t in 0..1, by quadrature; from 6 on 1 to the last bit."""
    bounded = xp.minimum(xp.maximum(x, xp.full_like(x, -6)), xp.full_like(x, 6))
    total = xp.zeros_like(x)
    for node, weight in _ERF_NODES:
        scaled = bounded * node
        total = total + weight * xp.exp(-(scaled * scaled))
    return xp.where(xp.abs(bounded) == 6, xp.sign(bounded), _TWO_OVER_ROOT_PI * bounded * total)


def _sigmoid(xp: Any, x: Any) -> Any:
    return 1 / (1 + xp.exp(-x))


def _between(xp: Any, x: Any, low: float, high: float) -> Any:
    return xp.clip(x, low, high)


def _gelu(xp: Any, op: Any, x: Any) -> Any:
    if op.a.approximate == "tanh":
        # (1 + tanh(u)) / 2 is sigmoid(2 u), which keeps its accuracy where it is small.
        return x * _sigmoid(xp, 2 * _ROOT_TWO_OVER_PI * (x + _GELU_CUBIC * x * x * x))
    return 0.5 * x * (1 + erf_of(xp, x * math.sqrt(0.5)))


def _gelu_derivative(b: Any, op: Any, x: Any, y: Any) -> Any:
    one, half = b.like(1, x), b.like(0.5, x)
    square = b.square(x)
    if op.a.approximate == "tanh":
        cubic = b.multiply(x, b.add(one, b.multiply(b.like(_GELU_CUBIC, x), square)))
        t = b.tanh(b.multiply(b.like(_ROOT_TWO_OVER_PI, x), cubic))
        slope = b.add(
            b.like(_ROOT_TWO_OVER_PI, x), b.multiply(b.like(3 * _GELU_CUBIC * _ROOT_TWO_OVER_PI, x), square)
        )
        tail = b.multiply(b.multiply(x, slope), b.subtract(one, b.square(t)))
        return b.multiply(half, b.add(b.add(one, t), tail))
    density = b.multiply(b.like(1 / math.sqrt(2 * math.pi), x), b.exp(b.multiply(b.like(-0.5, x), square)))
    distribution = b.multiply(half, b.add(one, b.erf(b.multiply(b.like(math.sqrt(0.5), x), x))))
    return b.add(distribution, b.multiply(x, density))


def _silu_derivative(b: Any, op: Any, x: Any, y: Any) -> Any:
    s, one = b.sigmoid(x), b.like(1, x)
    return b.multiply(s, b.add(one, b.multiply(x, b.subtract(one, s))))


def _mish_derivative(b: Any, op: Any, x: Any, y: Any) -> Any:
    t, one = b.tanh(b.softplus(x)), b.like(1, x)
    return b.add(t, b.multiply(b.multiply(x, b.sigmoid(x)), b.subtract(one, b.square(t))))


def _slope_below_zero(b: Any, x: Any, alpha: float, scale: float = 1.0) -> Any:
    """The derivative of scale * (x if x > 0 else alpha * (exp(x) - 1))."""
    zero = b.like(0, x)
    below = b.multiply(b.like(scale * alpha, x), b.exp(b.minimum(x, zero)))
    return b.where(b.greater(x, zero), b.like(scale, x), below)


def _inside(b: Any, x: Any, low: float, high: float) -> Any:
    """Whether low < x < high."""
    return b.logical_and(b.greater(x, b.like(low, x)), b.less(x, b.like(high, x)))


def _hard_swish_derivative(b: Any, op: Any, x: Any, y: Any) -> Any:
    inner = b.add(b.multiply(x, b.like(1 / 3, x)), b.like(0.5, x))
    outer = b.where(b.greater(x, b.like(0, x)), b.like(1, x), b.like(0, x))
    return b.where(_inside(b, x, -3, 3), inner, outer)


def _clip_shape(op: Any) -> Any:
    if not op.a.minimum <= op.a.maximum:
        op.fail(f"minimum {op.a.minimum} must not be above maximum {op.a.maximum}, and neither may be NaN")
    return op.shapes[0]


def _clip(xp: Any, op: Any, x: Any) -> Any:
    low, high = op.a.minimum, op.a.maximum
    if xp.isdtype(x.dtype, "integral"):
        # The file holds the bounds as float32. An integer lies between them when it is at least the ceiling of
        # one and at most the floor of the other.
        limits = xp.iinfo(x.dtype)
        low = _integer_bound(float(np.ceil(np.float32(low))), limits)
        high = _integer_bound(float(np.floor(np.float32(high))), limits)
    return _between(xp, x, low, high)


def _integer_bound(value: float, limits: Any) -> int:
    if value <= limits.min:
        return int(limits.min)
    return int(limits.max) if value >= limits.max else int(value)


def _clipped(b: Any, op: Any, x: Any, y: Any) -> Any:
    return b.logical_or(b.less(x, b.like(op.a.minimum, x)), b.greater(x, b.like(op.a.maximum, x)))


OPS.register(
    _unary(
        "negative",
        290,
        "The negative of x.",
        lambda xp, op, x: -x,
        lambda b, op, x, y: b.like(-1, x),
        types=dtypes.SIGNED,
    ),
    _unary(
        "abs",
        291,
        "The absolute value of x; the least integer of a type is its own.",
        lambda xp, op, x: xp.abs(x),
        lambda b, op, x, y: b.sign(x),
        types=dtypes.SIGNED,
    ),
    _unary(
        "sign",
        292,
        "The sign of x: -1, 0 or 1; NaN of NaN.",
        lambda xp, op, x: xp.sign(x),
        None,
        types=dtypes.SIGNED,
    ),
    _unary(
        "square",
        293,
        "The square x * x.",
        lambda xp, op, x: x * x,
        lambda b, op, x, y: b.multiply(b.like(2, x), x),
        types=dtypes.NUMBERS,
    ),
    _unary(
        "reciprocal",
        294,
        "The reciprocal 1 / x.",
        lambda xp, op, x: 1 / x,
        lambda b, op, x, y: b.negative(b.square(y)),
    ),
    _unary(
        "sqrt",
        295,
        "The square root of x.",
        lambda xp, op, x: xp.sqrt(x),
        lambda b, op, x, y: b.divide(b.like(0.5, x), y),
    ),
    _unary(
        "rsqrt",
        296,
        "The reciprocal square root 1 / sqrt(x).",
        lambda xp, op, x: 1 / xp.sqrt(x),
        lambda b, op, x, y: b.multiply(b.like(-0.5, x), b.multiply(y, b.square(y))),
    ),
    _unary(
        "exp",
        297,
        "The exponential e**x.",
        lambda xp, op, x: xp.exp(x),
        lambda b, op, x, y: y,
    ),
    _unary(
        "expm1",
        298,
        "The exponential less one, e**x - 1, accurate near 0.",
        lambda xp, op, x: xp.expm1(x),
        lambda b, op, x, y: b.exp(x),
    ),
    _unary(
        "log",
        299,
        "The natural logarithm of x.",
        lambda xp, op, x: xp.log(x),
        lambda b, op, x, y: b.reciprocal(x),
    ),
    _unary(
        "log1p",
        300,
        "The natural logarithm of 1 + x, accurate near 0.",
        lambda xp, op, x: xp.log1p(x),
        lambda b, op, x, y: b.reciprocal(b.add(x, b.like(1, x))),
    ),
    _unary("floor", 301, "The largest integer not above x.", lambda xp, op, x: xp.floor(x), None),
    _unary("ceil", 302, "The smallest integer not below x.", lambda xp, op, x: xp.ceil(x), None),
    _unary(
        "round", 303, "The nearest integer to x, the even one of two.", lambda xp, op, x: xp.round(x), None
    ),
    _unary("sin", 304, "The sine of x.", lambda xp, op, x: xp.sin(x), lambda b, op, x, y: b.cos(x)),
    _unary(
        "cos", 305, "The cosine of x.", lambda xp, op, x: xp.cos(x), lambda b, op, x, y: b.negative(b.sin(x))
    ),
    _unary(
        "tan",
        306,
        "The tangent of x.",
        lambda xp, op, x: xp.tan(x),
        lambda b, op, x, y: b.add(b.square(y), b.like(1, x)),
    ),
    _unary(
        "asin",
        307,
        "The arc sine of x, in -pi/2..pi/2.",
        lambda xp, op, x: xp.asin(x),
        lambda b, op, x, y: b.rsqrt(b.subtract(b.like(1, x), b.square(x))),
    ),
    _unary(
        "acos",
        308,
        "The arc cosine of x, in 0..pi.",
        lambda xp, op, x: xp.acos(x),
        lambda b, op, x, y: b.negative(b.rsqrt(b.subtract(b.like(1, x), b.square(x)))),
    ),
    _unary(
        "atan",
        309,
        "The arc tangent of x, in -pi/2..pi/2.",
        lambda xp, op, x: xp.atan(x),
        lambda b, op, x, y: b.reciprocal(b.add(b.square(x), b.like(1, x))),
    ),
    _unary(
        "sinh", 310, "The hyperbolic sine of x.", lambda xp, op, x: xp.sinh(x), lambda b, op, x, y: b.cosh(x)
    ),
    _unary(
        "cosh",
        311,
        "The hyperbolic cosine of x.",
        lambda xp, op, x: xp.cosh(x),
        lambda b, op, x, y: b.sinh(x),
    ),
    _unary(
        "tanh",
        312,
        "The hyperbolic tangent of x.",
        lambda xp, op, x: xp.tanh(x),
        lambda b, op, x, y: b.subtract(b.like(1, x), b.square(y)),
    ),
    _unary(
        "asinh",
        349,
        "The inverse hyperbolic sine of x.",
        lambda xp, op, x: xp.asinh(x),
        lambda b, op, x, y: b.rsqrt(b.add(b.square(x), b.like(1, x))),
    ),
    _unary(
        "acosh",
        350,
        "The inverse hyperbolic cosine of x, from 0 on; NaN below 1.",
        lambda xp, op, x: xp.acosh(x),
        lambda b, op, x, y: b.rsqrt(b.subtract(b.square(x), b.like(1, x))),
    ),
    _unary(
        "atanh",
        351,
        "The inverse hyperbolic tangent of x; NaN outside -1..1.",
        lambda xp, op, x: xp.atanh(x),
        lambda b, op, x, y: b.reciprocal(b.subtract(b.like(1, x), b.square(x))),
    ),
    _unary(
        "erf",
        313,
        "The error function 2/sqrt(pi) * integral of exp(-t**2) over t in 0..x.",
        lambda xp, op, x: erf_of(xp, x),
        lambda b, op, x, y: b.multiply(b.like(_TWO_OVER_ROOT_PI, x), b.exp(b.negative(b.square(x)))),
    ),
)


# Activations ---------------------------------------------------------------------------------------------------

OPS.register(
    _unary(
        "relu",
        330,
        "The larger of x and 0; NaN of NaN, where the derivative is 1. The derivative at 0 is 0.",
        lambda xp, op, x: xp.maximum(x, xp.zeros_like(x)),
        lambda b, op, x, y: b.less_equal(y, b.like(0, y)),
        types=dtypes.SIGNED,
        mask=True,
    ),
    _unary(
        "relu6",
        331,
        "x limited to 0..6; NaN of NaN, where the derivative is 1. The derivative at 0 and at 6 is 0.",
        lambda xp, op, x: _between(xp, x, 0, 6),
        lambda b, op, x, y: b.logical_or(b.less_equal(x, b.like(0, x)), b.greater_equal(x, b.like(6, x))),
        types=dtypes.SIGNED,
        mask=True,
    ),
    _unary(
        "sigmoid",
        332,
        "The logistic function 1 / (1 + exp(-x)).",
        lambda xp, op, x: _sigmoid(xp, x),
        lambda b, op, x, y: b.multiply(y, b.subtract(b.like(1, x), y)),
    ),
    _unary(
        "softplus",
        333,
        "The smooth relu log(1 + exp(x)).",
        lambda xp, op, x: xp.maximum(x, xp.zeros_like(x)) + xp.log1p(xp.exp(-xp.abs(x))),
        lambda b, op, x, y: b.sigmoid(x),
    ),
    _unary(
        "softsign",
        334,
        "The quotient x / (1 + |x|).",
        lambda xp, op, x: x / (1 + xp.abs(x)),
        lambda b, op, x, y: b.reciprocal(b.square(b.add(b.abs(x), b.like(1, x)))),
    ),
    _unary(
        "selu",
        335,
        f"The scaled exponential linear unit: {_SELU_SCALE} * (x if x > 0 else {_SELU_ALPHA} * (exp(x) - 1)).",
        lambda xp, op, x: (
            _SELU_SCALE * xp.where(x < 0, _SELU_ALPHA * xp.expm1(xp.minimum(x, xp.zeros_like(x))), x)
        ),
        lambda b, op, x, y: _slope_below_zero(b, x, _SELU_ALPHA, _SELU_SCALE),
    ),
    _unary(
        "silu",
        336,
        "The product x * sigmoid(x), also known as swish.",
        lambda xp, op, x: x * _sigmoid(xp, x),
        _silu_derivative,
    ),
    _unary(
        "hard_sigmoid",
        337,
        "The piecewise linear sigmoid relu6(x + 3) / 6.",
        lambda xp, op, x: _between(xp, x + 3, 0, 6) / 6,
        lambda b, op, x, y: b.where(_inside(b, x, -3, 3), b.like(1 / 6, x), b.like(0, x)),
    ),
    _unary(
        "hard_swish",
        338,
        "The product x * relu6(x + 3) / 6.",
        lambda xp, op, x: x * (_between(xp, x + 3, 0, 6) / 6),
        _hard_swish_derivative,
    ),
    _unary(
        "mish",
        339,
        "The product x * tanh(softplus(x)): Misra, Mish: a self regularized non-monotonic activation function (2019).",
        lambda xp, op, x: x * xp.tanh(xp.maximum(x, xp.zeros_like(x)) + xp.log1p(xp.exp(-xp.abs(x)))),
        _mish_derivative,
    ),
    _unary(
        "clip",
        1,
        "x limited to minimum..maximum; NaN of NaN. The derivative is 1 at the limits and at NaN. For integers the "
        "limits count as float32.",
        _clip,
        _clipped,
        types=dtypes.NUMBERS,
        mask=True,
        attributes=(
            attribute("minimum", "float", -math.inf, "The least value of the output."),
            attribute("maximum", "float", math.inf, "The greatest value of the output, not below minimum."),
        ),
        shape=_clip_shape,
    ),
    _unary(
        "leaky_relu",
        2,
        "x where it is positive, and alpha * x elsewhere. The derivative at 0 is alpha.",
        lambda xp, op, x: xp.where(x > 0, x, op.a.alpha * x),
        lambda b, op, x, y: b.where(b.greater(x, b.like(0, x)), b.like(1, x), b.like(op.a.alpha, x)),
        attributes=(attribute("alpha", "float", 0.2, "The slope for negative x."),),
    ),
    _unary(
        "elu",
        3,
        "The exponential linear unit: x where it is positive, and alpha * (exp(x) - 1) elsewhere.",
        lambda xp, op, x: xp.where(x < 0, op.a.alpha * xp.expm1(xp.minimum(x, xp.zeros_like(x))), x),
        lambda b, op, x, y: _slope_below_zero(b, x, op.a.alpha),
        attributes=(attribute("alpha", "float", 1.0, "What it tends to for negative x, but for the sign."),),
    ),
    _unary(
        "gelu",
        4,
        "The Gaussian error linear unit: x * (1 + erf(x / sqrt(2))) / 2, or its approximation "
        "x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x**3))) / 2.",
        _gelu,
        _gelu_derivative,
        attributes=(attribute("approximate", APPROXIMATE, "none", "none, or tanh for the approximation."),),
    ),
)
