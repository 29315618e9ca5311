"""Cases of the reductions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases._case import Case, Input
from tests.cases.elementwise import larger, smaller, wrapped

FLOATS = ("float32", "float16", "float64")
INTEGERS = ("int8", "uint8", "int16", "int32", "int64")


# Oracles: one Python loop over the elements of each group ------------------------------------------------------


def grouped(
    x: Any, axes: Any, keepdims: bool, function: Callable[[list[Any]], Any], dtype: Any = None
) -> Any:
    """`function` of the list of the elements that come together, for each element of the output."""
    axes = {a % x.ndim for a in axes} if axes else set(range(x.ndim))
    kept = [i for i in range(x.ndim) if i not in axes]
    result = np.zeros([x.shape[i] for i in kept], dtype=dtype or x.dtype)
    groups: dict[tuple[int, ...], list[Any]] = {index: [] for index in np.ndindex(*result.shape)}
    for index in itertools.product(*map(range, x.shape)):
        groups[tuple(index[i] for i in kept)].append(x[index].item())
    for index, elements in groups.items():
        value = function(elements)
        result[index] = wrapped(value, result.dtype) if result.dtype.kind in "iu" else value
    return result.reshape([1 if i in axes else n for i, n in enumerate(x.shape)]) if keepdims else result


def reduction(function: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """An oracle of an op with axes and keepdims."""
    return lambda a, x: grouped(x, a.axes, a.keepdims, function)


def total(elements: list[Any]) -> Any:
    return math.fsum(elements) if any(isinstance(e, float) for e in elements) else sum(elements)


def extreme(choose: Callable[[Any, Any], Any], empty: str) -> Callable[..., Any]:
    """An oracle of reduce_max or reduce_min; `empty` is the numpy limit that stands for no elements."""

    def oracle(a: Any, x: Any) -> Any:
        floats = {"min": -math.inf, "max": math.inf}
        limit = getattr(np.iinfo(x.dtype), empty) if x.dtype.kind in "iu" else floats[empty]

        def chosen(elements: list[Any]) -> Any:
            value = elements[0] if elements else limit
            for e in elements[1:]:
                value = choose(value, e)
            return value

        return grouped(x, a.axes, a.keepdims, chosen)

    return oracle


def place(before: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    """An oracle of argmax or argmin."""

    def first(elements: list[Any]) -> int:
        best = 0
        for i, e in enumerate(elements):
            if not math.isnan(elements[best]) and (math.isnan(e) or before(e, elements[best])):
                best = i
        return best

    return lambda a, x: grouped(x, (a.axis,), a.keepdims, first, np.int64)


def sum_to(a: Any, x: Any, shape: Any) -> Any:
    result = np.zeros(tuple(shape), dtype=np.float64 if x.dtype.kind == "f" else object)
    lead = x.ndim - result.ndim
    for index in itertools.product(*map(range, x.shape)):
        target = tuple(0 if n == 1 else i for i, n in zip(index[lead:], result.shape, strict=True))
        result[target] += x[index].item()
    if x.dtype.kind == "f":
        return result
    return np.array([wrapped(int(v), x.dtype) for v in result.reshape(-1)], dtype=x.dtype).reshape(
        result.shape
    )


ORACLES: dict[str, Callable[..., Any]] = {
    "reduce_sum": reduction(total),
    "reduce_mean": reduction(lambda elements: total(elements) / len(elements) if elements else math.nan),
    "reduce_prod": reduction(math.prod),
    "reduce_max": extreme(larger, "min"),
    "reduce_min": extreme(smaller, "max"),
    "reduce_any": reduction(any),
    "reduce_all": reduction(all),
    "argmax": place(lambda e, best: e > best),
    "argmin": place(lambda e, best: e < best),
    "sum_to": sum_to,
}


# Cases ---------------------------------------------------------------------------------------------------------

SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()),
    ((1,), (0,)),
    ((67,), (0,)),
    ((3, 5), (0,)),
    ((3, 5), (-1,)),
    ((3, 5), ()),
    ((2, 130), (1,)),
    ((5, 130), (0,)),
    ((2, 3, 4), (1,)),
    ((2, 3, 4), (-3, 2)),
    ((2, 4, 3, 17), (1, 2)),
    ((2, 3, 1, 4, 2), (0, 3)),
    ((2, 1, 3, 2, 1, 2), (5, 0, 2)),
    ((0, 3), (1,)),
]
EMPTY: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((0, 3), (0,)), ((2, 0, 4), (1, 2)), ((0,), ())]


def swept(
    op: str, shapes: Any, *, low: float = -2.0, high: float = 2.0, dtype: str = "T", **keywords: Any
) -> list[Case]:
    """The op over shapes and axes, with keepdims off and on by turns."""
    return [
        Case(
            op=op,
            inputs=(Input(shape=shape, low=low, high=high, dtype=dtype),),
            attributes={"axes": axes, "keepdims": i % 2 == 1},
            **keywords,
        )
        for i, (shape, axes) in enumerate([*shapes, *shapes[:3]] if len(shapes) % 2 else shapes)
    ]


def valued(op: str, values: Any, dtypes: tuple[str, ...], label: str, **keywords: Any) -> Case:
    """A case of chosen elements."""
    given = Input(shape=np.shape(values), values=values)
    return Case(op=op, inputs=(given,), dtypes=dtypes, label=label, **keywords)


def placed(op: str, shape: tuple[int, ...], axis: int, **keywords: Any) -> Case:
    """A case of argmax or argmin; integers in a narrow range tie often."""
    attributes = {"axis": axis, **keywords}
    return Case(op=op, inputs=(Input(shape=shape, low=-3, high=3),), attributes=attributes)


def summed(shape: tuple[int, ...], target: tuple[int, ...]) -> Case:
    """A case of sum_to."""
    sizes = Input(shape=(len(target),), values=target, dtype="int32", constant=True)
    return Case(op="sum_to", inputs=(Input(shape=shape), sizes), label=f"to{list(target)}")


NAN, INF = math.nan, math.inf
ZEROS = [[1.5, 2.0, -0.5], [0.0, 2.0, 3.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]

CASES: list[Case] = [
    *swept("reduce_sum", SHAPES),
    *swept("reduce_mean", SHAPES),
    *swept("reduce_prod", SHAPES[1:9], low=0.5, high=1.5, dtypes=FLOATS),
    *swept("reduce_prod", SHAPES[1:9], low=-3, high=3, dtypes=INTEGERS),
    *swept("reduce_max", SHAPES),
    *swept("reduce_min", SHAPES),
    *swept("reduce_any", SHAPES[:9]),
    *swept("reduce_all", SHAPES[:9]),
    *(
        case
        for op in (
            "reduce_sum",
            "reduce_mean",
            "reduce_prod",
            "reduce_max",
            "reduce_min",
            "reduce_any",
            "reduce_all",
        )
        for case in swept(op, EMPTY, gradient=False)
    ),
    *(
        Case(
            op=op,
            inputs=(Input(shape=(40000,)),),
            dtypes=("float32", "float16"),
            gradient=False,
            label="long",
        )
        for op in ("reduce_sum", "reduce_mean")
    ),
    Case(
        op="reduce_mean",
        inputs=(Input(shape=(5000, 3), low=999, high=1001),),
        attributes={"axes": (0,)},
        dtypes=("float32",),
        gradient=False,
        label="far_from_zero",
    ),
    *(
        Case(
            op=op,
            inputs=(Input(shape=shape),),
            attributes={"axes": (1, 2), "keepdims": True},
            dtypes=("float32", "float16"),
            gradient=False,
            label="blocks",
        )
        for op in ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min")
        for shape in ((1, 7, 7, 97), (1, 8, 1, 513), (1, 67, 9, 16), (1, 131, 64, 1))
    ),
    Case(op="reduce_sum", inputs=(Input(shape=(300,), low=0, high=127),), dtypes=INTEGERS, label="wraps"),
    valued("reduce_sum", [2**31 - 1, 2**31 - 1, 5], ("int32", "int64"), "wraps"),
    valued("reduce_sum", [2**63 - 1, 2**63 - 1, 5], ("int64",), "wraps"),
    valued("reduce_prod", [100, 77, 33, 51], INTEGERS, "wraps"),
    valued("reduce_prod", ZEROS, FLOATS, "zeros", attributes={"axes": (1,)}),
    valued("reduce_prod", ZEROS[1], FLOATS, "zeros"),
]
for op in ("reduce_max", "reduce_min"):
    CASES += [
        valued(op, [1.0, NAN, 3.0, INF, -INF], ("float32", "float16"), "nan", gradient=False),
        valued(op, [[-INF, INF], [INF, -INF]], FLOATS, "infinite", attributes={"axes": (1,)}, gradient=False),
        valued(op, [-INF, -INF], FLOATS, "infinite", gradient=False),
        valued(op, [INF, INF], FLOATS, "infinite_above", gradient=False),
        valued(op, [-128, -3, 127], ("int8", "int16"), "extremes"),
        valued(op, [-(2**63), 5, 2**63 - 1], ("int64",), "extremes"),
        Case(
            op=op,
            inputs=(Input(shape=(2, 70), low=100, high=127),),
            attributes={"axes": (1,)},
            dtypes=INTEGERS,
        ),
    ]
for op in ("argmax", "argmin"):
    CASES += [
        placed(op, (1,), 0),
        placed(op, (133,), 0),
        placed(op, (133,), -1, output_type="int32"),
        placed(op, (4, 32), 1),
        placed(op, (3, 200), 1),
        placed(op, (3, 7), 0),
        placed(op, (3, 7), 1),
        placed(op, (2, 5, 3), 1, keepdims=True),
        placed(op, (2, 3, 2, 2, 2, 3), 2, output_type="int32", keepdims=True),
        placed(op, (0, 4), 1),
        valued(op, [1.0, NAN, 3.0, NAN], ("float32", "float16"), "nan", attributes={"axis": 0}),
        valued(
            op, [1.0] * 70 + [NAN, 3.0, NAN, *[-3.0] * 70], ("float32",), "late-nan", attributes={"axis": 0}
        ),
        valued(op, [0.0] * 40 + [5.0, -5.0] * 30, ("float32",), "late-ties", attributes={"axis": 0}),
        valued(op, [INF, -INF, INF, -INF], ("float32", "float16"), "infinite", attributes={"axis": 0}),
        valued(op, [[5, -(2**63), 2**63 - 1, 2**63 - 1]], ("int64",), "extremes", attributes={"axis": 1}),
        valued(op, [[2, 9, 9, 2], [0, 0, 0, 0]], INTEGERS, "ties", attributes={"axis": 1}),
    ]
for op, axes in [("reduce_sum", (0,)), ("reduce_mean", (1,)), ("reduce_mean", (0, 2)), ("reduce_max", ())]:
    given = Input(shape=(5, 3, 4))
    CASES.append(Case(op=op, inputs=(given,), attributes={"axes": axes}, dynamic=True, label="dynamic"))
CASES.append(
    Case(op="argmax", inputs=(Input(shape=(5, 3)),), attributes={"axis": 0}, dynamic=True, label="dynamic")
)
CASES += [
    summed((), ()),
    summed((5,), ()),
    summed((5,), (1,)),
    summed((2, 3, 4), (4,)),
    summed((2, 3, 4), (3, 1)),
    summed((2, 3, 4), (2, 3, 4)),
    summed((2, 3, 4), (1, 3, 1)),
    summed((1, 3, 1), (1, 3, 1)),
    summed((0, 3), (1, 3)),
    summed((0, 3), (0, 1)),
]
