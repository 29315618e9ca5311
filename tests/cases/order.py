"""Cases of running sums and products, and of the largest and smallest elements."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases._case import Case, Input
from tests.cases.elementwise import wrapped

FLOATS = ("float32", "float16", "float64")
INTEGERS = ("int8", "uint8", "int16", "int32", "int64")


def _running(start: int, join: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def oracle(a: Any, x: Any) -> Any:
        y = np.zeros_like(x)
        axis = a.axis % x.ndim
        for place in np.ndindex(*x.shape):
            line = [x[(*place[:axis], i, *place[axis + 1 :])].item() for i in range(x.shape[axis])]
            at = place[axis]
            taken = line[at + a.exclusive :] if a.reverse else line[: at + (not a.exclusive)]
            total = functools.reduce(join, taken, start)
            y[place] = wrapped(total, x.dtype) if x.dtype.kind in "iu" else total
        return y

    return oracle


def _top_k(a: Any, x: Any, k: Any) -> Any:
    axis, k = a.axis % x.ndim, int(k)
    shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
    values, indices = np.zeros(shape, x.dtype), np.zeros(shape, np.int64)

    def rank(element: Any) -> tuple[bool, Any]:
        number = element[0].item()
        if math.isnan(number):
            return (True, 0)
        return (False, number)

    for place in np.ndindex(*x.shape[:axis], *x.shape[axis + 1 :]):
        before, after = place[:axis], place[axis:]
        line = [(x[(*before, i, *after)], i) for i in range(x.shape[axis])]
        # Sorting keeps the order of equal elements, also with reverse.
        line.sort(key=rank, reverse=a.largest)
        for i, (value, index) in enumerate(line[:k]):
            values[(*before, i, *after)] = value
            indices[(*before, i, *after)] = index
    return [values, indices]


ORACLES = {
    "cumulative_sum": _running(0, lambda x, y: x + y),
    "cumulative_prod": _running(1, lambda x, y: x * y),
    "top_k": _top_k,
}

CASES: list[Case] = []
_LINES: list[tuple[tuple[int, ...], int]] = [
    ((1,), 0),
    ((67,), 0),
    ((3, 5), 0),
    ((3, 5), -1),
    ((2, 3, 4), 1),
    ((2, 1, 3, 2, 1, 2), 2),
    ((0, 3), 0),
    ((0, 3), 1),
]
for _shape, _axis in _LINES:
    for _number, _flags in enumerate(
        [{}, {"exclusive": True}, {"reverse": True}, {"exclusive": True, "reverse": True}]
    ):
        _attributes = {"axis": _axis, **_flags}
        _types = None if _number == 0 else ("float32", "int8", "float64")
        CASES.append(
            Case(op="cumulative_sum", inputs=(Input(shape=_shape),), attributes=_attributes, dtypes=_types)
        )
        CASES.append(
            Case(
                op="cumulative_prod",
                inputs=(Input(shape=_shape, low=0.5, high=1.5),),
                attributes=_attributes,
                dtypes=FLOATS,
            )
        )
CASES += [
    Case(
        op="cumulative_prod",
        inputs=(Input(shape=(9, 2), low=-5, high=5),),
        attributes={"axis": 0},
        dtypes=INTEGERS,
        label="wraps",
    ),
    Case(
        op="cumulative_sum",
        inputs=(Input(shape=(300,), low=0, high=127),),
        attributes={"axis": 0},
        dtypes=INTEGERS,
        label="wraps",
    ),
    Case(
        op="cumulative_sum",
        inputs=(Input(shape=(4, 3)),),
        attributes={"axis": 0},
        dtypes=("float32",),
        dynamic=True,
        label="dynamic",
    ),
]


def _picked(shape: Any, k: int, axis: int, **keywords: Any) -> Case:
    attributes = {"axis": axis, **keywords.pop("attributes", {})}
    count = Input(values=k, dtype="int64", constant=True)
    return Case(
        op="top_k", inputs=(Input(shape=shape, low=-3, high=3), count), attributes=attributes, **keywords
    )


for _shape, _k, _axis in [
    ((1,), 1, 0),
    ((1,), 0, 0),
    ((133,), 5, 0),
    ((133,), 133, -1),
    ((133,), 1, -1),
    ((7, 5), 3, 0),
    ((7, 5), 5, 1),
    ((2, 9, 3), 4, 1),
    ((2, 1, 3, 2, 1, 5), 2, 2),
    ((0, 4), 2, 1),
    ((3, 0), 0, 1),
]:
    for _largest in (True, False):
        # Integers in a narrow range tie often.
        _flags = {"largest": _largest, "output_type": "int64" if _largest else "int32"}
        CASES.append(_picked(_shape, _k, _axis, attributes=_flags, label=f"{_k}", gradient=True))
_INF, _NAN = math.inf, math.nan
for _largest in (True, False):
    for _values, _types, _label in [
        ([1.0, _NAN, -_INF, 3.0, _NAN, _INF, 2.0], ("float32", "float16"), "nan"),
        ([0.0, -0.0, 1.0, -0.0, 0.0], ("float32", "float16"), "zeros"),
        ([-128, 127, 0, -128, 127], INTEGERS[:1], "extremes"),
        ([255, 0, 128, 127], ("uint8",), "extremes"),
        ([-(2**63), 2**63 - 1, 0, -1], ("int64",), "extremes"),
    ]:
        _size = Input(values=len(_values), dtype="int64", constant=True)
        CASES.append(
            Case(
                op="top_k",
                inputs=(Input(shape=(len(_values),), values=_values), _size),
                attributes={"largest": _largest},
                dtypes=_types,
                gradient=False,
                label=f"{_label}-{_largest}",
            )
        )
CASES.append(_picked((4, 7), 3, 1, dtypes=("float32",), dynamic=True, label="dynamic"))
