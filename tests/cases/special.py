"""Cases of special functions, which run in sessions only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases._case import Case, Input, unary


def _polygamma(a: Any, x: Any) -> Any:
    """The series of reciprocal powers, and the integral of what is left of it."""
    n, order = 20000, a.order

    def at(value: float) -> float:
        if order == 0:
            last = value + n
            return (
                math.log(last)
                - 0.5 / last
                - 1 / (12 * last**2)
                - math.fsum(1 / (value + i) for i in range(n))
            )
        sign = (-1) ** (order + 1) * math.factorial(order)
        left = (value + n - 0.5) ** -order / order
        return sign * (math.fsum((value + i) ** -(order + 1.0) for i in range(n)) + left)

    return np.vectorize(at, otypes=[np.float64])(x)


ORACLES = {
    "lgamma": lambda a, x: np.vectorize(math.lgamma, otypes=[np.float64])(x),
    "erfc": lambda a, x: np.vectorize(math.erfc, otypes=[np.float64])(x),
    "polygamma": _polygamma,
}

CASES = [
    *unary("lgamma", low=0.1, high=6.0),
    *unary("erfc", low=-3.0, high=3.0),
    Case(
        op="erfc",
        inputs=(Input(shape=(6,), values=[0.0, 4.0, 5.0, 6.0, 7.0, 8.0]),),
        dtypes=("float32", "float64"),
    ),
    Case(op="lgamma", inputs=(Input(shape=(3,), values=[-0.5, -1.25, -2.75]),), label="left"),
    *(
        Case(op="polygamma", inputs=(Input(shape=s, low=0.5, high=3.0),), attributes={"order": order})
        for order in (0, 1, 2)
        for s in [(), (5,), (2, 3)]
    ),
    Case(
        op="polygamma", inputs=(Input(shape=(3,), values=[-0.5, -1.25, -2.75]),), label="left", gradient=False
    ),
]
