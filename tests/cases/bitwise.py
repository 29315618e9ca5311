"""Cases of bit operations, shifts and division toward zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases._case import Case, Input
from tests.cases.elementwise import (
    INTEGERS,
    SIGNED_INTEGERS,
    crossed,
    each,
    extremes,
    few,
    pairs,
    plain,
    values,
)

_FLOATS = ("float32", "float16", "float64")
_BITS = {"int8": 8, "uint8": 8, "int16": 16, "int32": 32, "int64": 64}


def _divide(x: Any, y: Any) -> Any:
    if isinstance(x, float):
        return float(math.trunc(x / y))
    return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


def _rest(x: Any, y: Any) -> Any:
    return math.fmod(x, y) if isinstance(x, float) else x - _divide(x, y) * y


def _bitcast(a: Any, x: Any) -> Any:
    sizes = np.dtype(x.dtype).itemsize, np.dtype(a.dtype.numpy).itemsize
    raw = b"".join(element.tobytes() for element in x.flat)
    parts = [raw[i : i + sizes[1]] for i in range(0, len(raw), sizes[1])]
    found = np.array([np.frombuffer(part, a.dtype.numpy)[0] for part in parts], a.dtype.numpy)
    shape = x.shape[:-1] if sizes[1] > sizes[0] else x.shape
    return found.reshape(shape if sizes[1] >= sizes[0] else (*shape, sizes[0] // sizes[1]))


_bitcast.as_stored = True

ORACLES = {
    "bitcast": _bitcast,
    "bitwise_and": plain(lambda x, y: x & y),
    "bitwise_or": plain(lambda x, y: x | y),
    "bitwise_xor": plain(lambda x, y: x ^ y),
    "bitwise_not": plain(lambda x: ~x),
    "shift_left": each(lambda a, x, y: x << y),
    "shift_right": each(lambda a, x, y: x >> y),
    "truncate_divide": plain(_divide),
    "truncate_mod": plain(_rest),
}

CASES: list[Case] = [
    *few("bitwise_not", low=-100, high=100),
    *pairs("shift_left", (-100, 100), (0, 9)),
    *pairs("shift_right", (-100, 100), (0, 9)),
    *pairs("truncate_divide", (-20, 20), (1, 7), gradient=False),
    *pairs("truncate_divide", (-20, 20), (-7, -1), dtypes=(*_FLOATS, *SIGNED_INTEGERS), gradient=False),
    *pairs("truncate_mod", (-20, 20), (3, 7), gradient=False),
    *pairs("truncate_mod", (-20, 20), (-7, -3), dtypes=(*_FLOATS, *SIGNED_INTEGERS), gradient=False),
    values("truncate_mod", [7.3, -7.3, 5.1], [2.0, 2.5, -3.3], dtype=_FLOATS, label="smooth", gradient=True),
    values(
        "truncate_mod", [0.0, -0.0, 5.0, -5.0], [3.0, 3.0, np.inf, -np.inf], dtype=_FLOATS, label="special"
    ),
]
for _op in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    CASES += pairs(_op, (-100, 100), (-100, 100))
for _dtype in INTEGERS:
    _all = extremes(_dtype) if _dtype != "uint8" else [0, 1, 2, 127, 128, 255]
    for _op in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        CASES.append(values(_op, *crossed(_all), dtype=_dtype, label="extremes"))
    _shifts = [[n] for n in (0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 100) if n <= np.iinfo(_dtype).max]
    for _op in ("shift_left", "shift_right"):
        CASES.append(values(_op, _all, _shifts, dtype=_dtype, label="extremes"))
    _divisors = [[e] for e in _all if e]
    for _op in ("truncate_divide", "truncate_mod"):
        CASES.append(values(_op, _all, _divisors, dtype=_dtype, label="extremes"))
CASES.append(
    Case(
        op="bitwise_xor",
        inputs=(Input(shape=(5, 3)), Input(shape=(3,))),
        dtypes=("int32",),
        label="wide",
    )
)

_SIZES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "int16": 2, "int8": 1, "uint8": 1}
for _new, _size in _SIZES.items():
    _same = tuple(n for n, s in _SIZES.items() if s == _size)
    _larger = tuple(n for n, s in _SIZES.items() if s > _size)
    _bool = ("bool",) if _size == 1 else ()
    CASES += [
        Case(op="bitcast", inputs=(Input(shape=s, low=-100, high=100),), attributes={"dtype": _new}, dtypes=d)
        for s in ((), (3, 5), (0, 2), (65,))
        for d in ((*_same, *_bool), _larger)
        if d
    ]
    for _old in (n for n, s in _SIZES.items() if s < _size):
        for _rest in ((), (3, 7), (0,)):
            _shape = (*_rest, _size // _SIZES[_old])
            _inputs = (Input(shape=_shape, low=-100, high=100),)
            CASES.append(Case(op="bitcast", inputs=_inputs, attributes={"dtype": _new}, dtypes=(_old,)))
CASES.append(
    Case(
        op="bitcast",
        inputs=(Input(shape=(3, 5)),),
        attributes={"dtype": "int16"},
        dtypes=("float32",),
        dynamic=True,
    )
)
