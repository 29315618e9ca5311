"""Special functions: the logarithm of the gamma function, its derivatives, and the complement of the error function.

The gamma function's are asymptotic series, for arguments raised by their recurrences, and reflections for the left half
(Abramowitz and Stegun, "Handbook of mathematical functions", 6.1.17, 6.1.41, 6.3.7, 6.3.18, 6.4.6, 6.4.7, 6.4.11); the
complement of the error function is the continued fraction of 7.1.14 where the argument is large.
"""

from __future__ import annotations

import math
from typing import Any

from samara.graph import dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

_WHY_NOT = "the C runtime has no kernel for it. Compute it before the export, or make its result an input."
# B_2, B_4, ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_RAISED = 10


def _wide(xp: Any, x: Any) -> Any:
    return xp.astype(x, xp.float64)


def _lgamma(xp: Any, op: Any, given: Any) -> Any:
    x = _wide(xp, given)
    left = x < 0.5
    z = xp.where(left, 1 - x, x)
    product = xp.ones_like(z)
    for i in range(_RAISED):
        product = product * xp.minimum(z + i, xp.full_like(z, 1e25))
    y = z + _RAISED
    series = (y - 0.5) * xp.log(y) - y + 0.5 * math.log(2 * math.pi)
    for k, number in enumerate(_BERNOULLI, 1):
        series = series + number / (2 * k * (2 * k - 1)) / y ** (2 * k - 1)
    right = series - xp.log(product)
    # Large arguments need no raising, which would lose digits.
    big = z > 1e5
    plain = (z - 0.5) * xp.log(z) - z + 0.5 * math.log(2 * math.pi) + 1 / (12 * z)
    right = xp.where(big, plain, right)
    sine = xp.abs(xp.sin(math.pi * (x - xp.floor(x))))
    reflected = math.log(math.pi) - xp.log(sine) - right
    found = xp.where(left, reflected, right)
    found = xp.where(xp.isinf(x), xp.full_like(x, math.inf), found)
    return xp.astype(found, op.output_dtypes[0])


def _polygamma(xp: Any, op: Any, given: Any) -> Any:
    n = op.a.order
    x = _wide(xp, given)
    left = x < 0.5 if n < 2 else xp.zeros_like(x) > 0
    z = xp.where(left, 1 - x, x)
    y = z + _RAISED
    sign = -1.0 if n % 2 == 0 else 1.0
    if n == 0:
        series = xp.log(y) - 0.5 / y
        for k, number in enumerate(_BERNOULLI, 1):
            series = series - number / (2 * k) / y ** (2 * k)
        for i in range(_RAISED):
            series = series - 1 / (z + i)
        fraction = x - xp.floor(x)
        reflected = series - math.pi / xp.tan(math.pi * fraction)
        found = xp.where(left, reflected, series)
        found = xp.where(left & (fraction == 0), xp.full_like(x, math.nan), found)
    else:
        # Far to the left there is more to be raised.
        left_of = -float(xp.min(x)) if n > 1 and math.prod(x.shape) else 0.0
        raised = _RAISED + (math.ceil(min(left_of, 10_000)) if left_of > 0 else 0)
        y = z + raised
        series = math.factorial(n - 1) / y**n + math.factorial(n) / (2 * y ** (n + 1))
        for k, number in enumerate(_BERNOULLI, 1):
            weight = math.factorial(2 * k + n - 1) / math.factorial(2 * k)
            series = series + number * weight / y ** (2 * k + n)
        for i in range(raised):
            series = series + math.factorial(n) / (z + i) ** (n + 1)
        series = sign * series
        if n == 1:
            sine = xp.sin(math.pi * (x - xp.floor(x)))
            found = xp.where(left, math.pi**2 / (sine * sine) - series, series)
        else:
            found = xp.where(x > -10_000, series, xp.full_like(x, math.nan))
    return xp.astype(found, op.output_dtypes[0])


def _erfc(xp: Any, op: Any, given: Any) -> Any:
    from samara.graph.ops.elementwise import erf_of

    x = _wide(xp, given)
    size = xp.abs(x)
    far = xp.maximum(size, xp.ones_like(size))
    fraction = far
    for k in range(120, 0, -1):
        fraction = far + (k / 2) / fraction
    tail = xp.exp(-far * far) / (math.sqrt(math.pi) * fraction)
    tail = xp.where(x < 0, 2 - tail, tail)
    return xp.astype(xp.where(size > 1, tail, 1 - erf_of(xp, x)), op.output_dtypes[0])


def _erfc_gradient(b: Any, op: Any, dy: Any) -> Any:
    (x,) = op.inputs
    slope = b.multiply(b.like(-2 / math.sqrt(math.pi), x), b.exp(b.negative(b.square(x))))
    return [b.multiply(dy, slope)]


def _function(name: str, opcode: int, doc: str, reference: Any, gradient: Any, **fields: Any) -> OpDef:
    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.FLOATS},
        doc=doc,
        shape=lambda op: op.shapes[0],
        reference=reference,
        gradient=gradient,
        device="none",
        why_not=_WHY_NOT,
        any_rank=True,
        **fields,
    )


OPS.register(
    _function(
        "lgamma",
        520,
        "The logarithm of the magnitude of the gamma function.",
        _lgamma,
        lambda b, op, dy: [b.multiply(dy, b.polygamma(op.inputs[0], order=0))],
    ),
    _function(
        "polygamma",
        521,
        "The derivatives of lgamma: of order 0 the first, digamma. From order 2 on arguments below -10000 give NaN.",
        _polygamma,
        lambda b, op, dy: [b.multiply(dy, b.polygamma(op.inputs[0], order=op.a.order + 1))],
        attributes=(attribute("order", "int", 0, "0 for digamma, 1 for its derivative, and so on."),),
    ),
    _function(
        "erfc",
        522,
        "1 - erf(x), exact to the last digits where it is small.",
        _erfc,
        _erfc_gradient,
    ),
)
