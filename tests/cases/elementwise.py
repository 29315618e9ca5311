"""Cases of the element-wise ops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases._case import Case, Input, binary, unary

FLOATS = ("float32", "float16", "float64")
SIGNED_INTEGERS = ("int8", "int16", "int32", "int64")
INTEGERS = (*SIGNED_INTEGERS, "uint8")


# Oracles: Python's own numbers, one element at a time ----------------------------------------------------------


def wrapped(value: int, dtype: Any) -> int:
    """The low bits of an integer, as the type reads them."""
    bits = dtype.itemsize * 8
    value &= (1 << bits) - 1
    return value - (1 << bits) if dtype.kind == "i" and value >> (bits - 1) else value


def each(function: Callable[..., Any], result: Any = None) -> Callable[..., Any]:
    """An oracle that calls `function(a, *elements)` for each element; integers wrap around."""

    def oracle(a: Any, *inputs: Any) -> Any:
        shape = np.broadcast_shapes(*(i.shape for i in inputs))
        dtype = np.dtype(result or inputs[-1].dtype)
        rows = zip(*(np.broadcast_to(i, shape).reshape(-1).tolist() for i in inputs), strict=True)
        values = [function(a, *row) for row in rows]
        if dtype.kind in "iu":
            values = [wrapped(v, dtype) for v in values]
        return np.array(values, dtype=dtype).reshape(shape)

    return oracle


def limited(x: float, low: float, high: float) -> float:
    return x if math.isnan(x) else max(low, min(high, x))


def larger(x: float, y: float) -> float:
    return math.nan if math.isnan(x) or math.isnan(y) else max(x, y)


def smaller(x: float, y: float) -> float:
    return math.nan if math.isnan(x) or math.isnan(y) else min(x, y)


def sign(x: float) -> float:
    return x if math.isnan(x) else (x > 0) - (x < 0)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def gelu(approximate: str, x: float) -> float:
    if approximate == "tanh":
        return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * (1 - 0.5 * math.erfc(x / math.sqrt(2)))


def clip(a: Any, x: float) -> float:
    if isinstance(x, int):
        return (
            x
            if a.minimum <= x <= a.maximum
            else math.ceil(a.minimum)
            if x < a.minimum
            else math.floor(a.maximum)
        )
    return limited(x, a.minimum, a.maximum)


def plain(function: Callable[..., Any], result: Any = None) -> Callable[..., Any]:
    """An oracle of a function that takes elements only."""
    return each(lambda a, *elements: function(*elements), result)


ORACLES: dict[str, Callable[..., Any]] = {
    "add": plain(lambda x, y: x + y),
    "subtract": plain(lambda x, y: x - y),
    "multiply": plain(lambda x, y: x * y),
    "divide": plain(lambda x, y: x / y),
    "floor_divide": plain(lambda x, y: x // y),
    "floor_mod": plain(lambda x, y: x % y),
    "power": plain(lambda x, y: x**y),
    "maximum": plain(larger),
    "minimum": plain(smaller),
    "squared_difference": plain(lambda x, y: (x - y) ** 2),
    "atan2": plain(math.atan2),
    "equal": plain(lambda x, y: x == y, bool),
    "not_equal": plain(lambda x, y: x != y, bool),
    "less": plain(lambda x, y: x < y, bool),
    "less_equal": plain(lambda x, y: x <= y, bool),
    "greater": plain(lambda x, y: x > y, bool),
    "greater_equal": plain(lambda x, y: x >= y, bool),
    "logical_and": plain(lambda x, y: x and y),
    "logical_or": plain(lambda x, y: x or y),
    "logical_xor": plain(lambda x, y: x is not y),
    "logical_not": plain(lambda x: not x),
    "where": plain(lambda condition, x, y: x if condition else y),
    "is_nan": plain(math.isnan, bool),
    "is_inf": plain(math.isinf, bool),
    "is_finite": plain(math.isfinite, bool),
    "negative": plain(lambda x: -x),
    "abs": plain(abs),
    "sign": plain(sign),
    "square": plain(lambda x: x * x),
    "reciprocal": plain(lambda x: 1 / x),
    "sqrt": plain(math.sqrt),
    "rsqrt": plain(lambda x: x**-0.5),
    "exp": plain(math.exp),
    "expm1": plain(math.expm1),
    "log": plain(math.log),
    "log1p": plain(math.log1p),
    "floor": plain(math.floor),
    "ceil": plain(math.ceil),
    "round": plain(round),
    "sin": plain(math.sin),
    "cos": plain(math.cos),
    "tan": plain(math.tan),
    "asin": plain(math.asin),
    "acos": plain(math.acos),
    "atan": plain(math.atan),
    "sinh": plain(math.sinh),
    "cosh": plain(math.cosh),
    "tanh": plain(math.tanh),
    "erf": plain(math.erf),
    "asinh": plain(math.asinh),
    "acosh": plain(math.acosh),
    "atanh": plain(math.atanh),
    "prelu": plain(lambda x, y: x if x > 0 else y * x),
    "relu": plain(lambda x: larger(x, 0)),
    "relu6": plain(lambda x: limited(x, 0, 6)),
    "sigmoid": plain(sigmoid),
    "softplus": plain(lambda x: math.log1p(math.exp(x))),
    "softsign": plain(lambda x: x / (1 + abs(x))),
    "selu": plain(lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x))),
    "silu": plain(lambda x: x * sigmoid(x)),
    "hard_sigmoid": plain(lambda x: limited(x / 6 + 0.5, 0, 1)),
    "hard_swish": plain(lambda x: x * limited(x / 6 + 0.5, 0, 1)),
    "mish": plain(lambda x: x * math.tanh(math.log1p(math.exp(x)))),
    "clip": each(clip),
    "leaky_relu": each(lambda a, x: x if x > 0 else a.alpha * x),
    "elu": each(lambda a, x: x if x > 0 else a.alpha * math.expm1(x)),
    "gelu": each(lambda a, x: gelu(a.approximate, x)),
}


# Cases ---------------------------------------------------------------------------------------------------------


def few(op: str, *, low: float = -2.0, high: float = 2.0, **keywords: Any) -> list[Case]:
    """A unary op whose shapes are those of every other one: `unary` has them all for one of them."""
    return [
        Case(op=op, inputs=(Input(shape=s, low=low, high=high),), **keywords) for s in [(), (65,), (3, 5)]
    ]


def pairs(op: str, x: tuple[float, float], y: tuple[float, float], **keywords: Any) -> list[Case]:
    """A binary op whose operands have ranges of their own."""
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((3, 7), (3, 7)),
        ((2, 1, 4), (3, 1)),
        ((70,), ()),
    ]
    return [
        Case(
            op=op,
            inputs=(Input(shape=a, low=x[0], high=x[1]), Input(shape=b, low=y[0], high=y[1])),
            label=f"{x[0]}..{x[1]}_{y[0]}..{y[1]}",
            **keywords,
        )
        for a, b in shapes
    ]


def values(op: str, *operands: Any, dtype: str | tuple[str, ...], label: str, **keywords: Any) -> Case:
    """A case of chosen elements, without gradient unless asked for."""
    inputs = tuple(Input(shape=np.shape(v), values=v) for v in operands)
    dtypes = (dtype,) if isinstance(dtype, str) else dtype
    return Case(op=op, inputs=inputs, dtypes=dtypes, label=label, **{"gradient": False, **keywords})


def extremes(dtype: str) -> list[int]:
    limits = np.iinfo(dtype)
    return [int(limits.min), int(limits.min) + 1, -1, 0, 1, 2, int(limits.max) - 1, int(limits.max)]


def crossed(elements: list[Any]) -> tuple[list[Any], list[list[Any]]]:
    """Every element with every other, by broadcasting."""
    return elements, [[e] for e in elements]


NAN, INF = math.nan, math.inf
SPECIAL = [NAN, -INF, -2.5, -0.0, 0.0, 1.5, INF]

CASES: list[Case] = [
    *binary("add"),
    *binary("multiply"),
    *pairs("subtract", (-5, 5), (-5, 5)),
    *pairs("divide", (-5, 5), (0.5, 3)),
    *pairs("divide", (-5, 5), (-3, -0.5)),
    *pairs("floor_divide", (-20, 20), (1, 7)),
    *pairs("floor_divide", (-20, 20), (-7, -1), dtypes=(*FLOATS, *SIGNED_INTEGERS)),
    *pairs("floor_mod", (-20, 20), (3, 7), gradient=False),
    *pairs("floor_mod", (-20, 20), (-7, -3), dtypes=(*FLOATS, *SIGNED_INTEGERS), gradient=False),
    values("floor_mod", [7.3, -7.3, 5.1], [2.0, 2.5, -3.3], dtype=FLOATS, label="smooth", gradient=True),
    *pairs("power", (0.2, 3), (-2, 2), dtypes=FLOATS),
    *pairs("power", (-3, 3), (0, 4), dtypes=INTEGERS),
    values("power", [-2.0, 0.0, 2.0, -1.5], [3.0, 2.0, 0.0, 2.0], dtype=FLOATS, label="signs"),
    values("power", [-2.0, 1.5, -1.0], [3.0], dtype=("float32",), label="negative_base"),
    *pairs("maximum", (-5, 5), (-5, 5)),
    *pairs("minimum", (-5, 5), (-5, 5)),
    *pairs("squared_difference", (-5, 5), (-5, 5)),
    *pairs("atan2", (-2, 2), (-2, 2)),
    values("atan2", [0.0, 1.0, -1.0, 0.0], [-1.0, 0.0, 0.0, 1.0], dtype=("float32", "float16"), label="axes"),
]
for dtype in SIGNED_INTEGERS:
    for op in ("add", "subtract", "multiply", "maximum", "minimum", "squared_difference"):
        CASES.append(values(op, *crossed(extremes(dtype)), dtype=dtype, label="extremes"))
    divisors = [[e] for e in extremes(dtype) if e]
    CASES.append(values("floor_divide", extremes(dtype), divisors, dtype=dtype, label="extremes"))
    CASES.append(values("floor_mod", extremes(dtype), divisors, dtype=dtype, label="extremes"))
    exponents = [[0], [1], [2], [3], [63], [64], [127]]
    CASES.append(values("power", extremes(dtype), exponents, dtype=dtype, label="extremes"))
    for op in ("negative", "abs", "sign", "square", "relu", "relu6"):
        CASES.append(values(op, extremes(dtype), dtype=dtype, label="extremes"))
for op in ("add", "subtract", "multiply", "maximum", "minimum", "squared_difference"):
    CASES.append(values(op, *crossed([0, 1, 2, 100, 127, 128, 254, 255]), dtype="uint8", label="extremes"))
for op in ("maximum", "minimum", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    CASES.append(values(op, *crossed(SPECIAL), dtype=("float32", "float16"), label="special"))

CASES += [*binary("equal"), *binary("less")]
for op in ("not_equal", "less_equal", "greater", "greater_equal"):
    CASES += pairs(op, (-2, 2), (-2, 2))
for op in ("logical_and", "logical_or", "logical_xor"):
    CASES += pairs(op, (0, 1), (0, 1))
CASES += [
    Case(
        op="equal",
        inputs=(Input(shape=(3, 4), dtype="bool"), Input(shape=(4,), dtype="bool")),
        dtypes=("bool",),
    ),
    *few("logical_not"),
    *(values(op, SPECIAL, dtype=FLOATS, label="special") for op in ("is_nan", "is_inf", "is_finite")),
]
for condition, x, y in [
    ((), (), ()),
    ((33,), (33,), (33,)),
    ((3, 1), (3, 4), (3, 4)),
    ((4,), (3, 1), ()),
    ((2, 1, 1), (1, 3, 1), (1, 1, 5)),
    ((), (2, 3), (3,)),
    ((0, 2), (2,), ()),
]:
    CASES.append(
        Case(op="where", inputs=(Input(shape=condition, dtype="bool"), Input(shape=x), Input(shape=y)))
    )

CASES += [
    *few("negative"),
    *few("abs"),
    *few("sign"),
    *few("square"),
    *few("reciprocal", low=0.3, high=2),
    *few("reciprocal", low=-2, high=-0.3, label="below"),
    *few("sqrt", low=0.1, high=5),
    *few("rsqrt", low=0.1, high=5),
    *unary("exp"),
    *few("expm1"),
    values("expm1", [1e-6, -1e-6, 3e-5], dtype="float32", label="small"),
    *few("log", low=0.1, high=5),
    *few("log1p", low=-0.7, high=5),
    values("log1p", [1e-6, -1e-6, 3e-5], dtype="float32", label="small"),
    *few("floor", low=-5, high=5),
    *few("ceil", low=-5, high=5),
    *few("round", low=-5, high=5),
    values(
        "round", [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997], dtype=("float32", "float64"), label="halves"
    ),
    *few("sin", low=-8, high=8),
    *few("cos", low=-8, high=8),
    *few("tan", low=-1.3, high=1.3),
    *few("asin", low=-0.9, high=0.9),
    *few("acos", low=-0.9, high=0.9),
    *few("atan", low=-8, high=8),
    *few("sinh", low=-3, high=3),
    *few("cosh", low=-3, high=3),
    *few("tanh", low=-5, high=5),
    *few("erf", low=-4, high=4),
    *few("asinh", low=-8, high=8),
    *few("acosh", low=1.1, high=8),
    *few("atanh", low=-0.9, high=0.9),
    *pairs("prelu", (-3, 3), (-1, 1)),
    values("erf", [-30.0, -6.5, 1e-4, 7.0, INF, NAN], dtype=("float32", "float64"), label="tails"),
    *unary("relu", low=-3, high=3),
    values("relu", SPECIAL, dtype=("float32", "float16"), label="special"),
    *few("relu6", low=-4, high=10),
    values("relu6", SPECIAL, dtype=("float32", "float16"), label="special"),
    *few("sigmoid", low=-8, high=8),
    values(
        "sigmoid", [-100.0, 100.0, -INF, INF], dtype=("float32", "float64"), label="tails", tolerance=1e-6
    ),
    *few("softplus", low=-8, high=8),
    *few("softsign", low=-8, high=8),
    *few("selu", low=-5, high=5),
    *few("silu", low=-8, high=8),
    *few("hard_sigmoid", low=-5, high=5),
    *few("hard_swish", low=-5, high=5),
    *few("mish", low=-8, high=8),
    *few("clip", low=-3, high=3, attributes={"minimum": -1.5, "maximum": 1.25}),
    *few("clip", low=-3, high=3, attributes={"maximum": 1.0}),
    *few("clip", low=-3, high=3, attributes={"minimum": -0.5}),
    *few("clip", low=-3, high=3),
    *few("clip", low=-100, high=100, attributes={"minimum": -1e30, "maximum": 50.0}, dtypes=INTEGERS),
    values("clip", SPECIAL, dtype="float32", label="special", attributes={"minimum": -1.0, "maximum": 1.0}),
    *few("leaky_relu"),
    *few("leaky_relu", attributes={"alpha": 0.01}),
    *few("leaky_relu", attributes={"alpha": -1.5}),
    *few("elu", low=-4, high=4),
    *few("elu", low=-4, high=4, attributes={"alpha": 0.3}),
    *few("gelu", low=-4, high=4),
    *few("gelu", low=-4, high=4, attributes={"approximate": "tanh"}),
]
for x, y in [((5, 3), (5, 3)), ((5, 1), (5, 4)), ((5, 2, 3), ())]:
    CASES.append(Case(op="multiply", inputs=(Input(shape=x), Input(shape=y)), dynamic=True, label="dynamic"))
CASES.append(Case(op="tanh", inputs=(Input(shape=(5, 3)),), dynamic=True, label="dynamic"))
for dtype in INTEGERS:
    bounds = {"minimum": 100.5, "maximum": 1e30}
    CASES.append(values("clip", [0, 99, 100, 101, 127], dtype=dtype, label="rounded", attributes=bounds))
