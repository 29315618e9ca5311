"""Cases of reading and writing at places that index tensors name."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases._case import Case, Input
from tests.cases.elementwise import wrapped

MOVED = ("float32", "float16", "int8", "int64", "bool", "float64")


def _gather_elements(a: Any, x: Any, indices: Any) -> Any:
    y = np.zeros(indices.shape, dtype=x.dtype)
    axis = a.axis % x.ndim
    for place in np.ndindex(*indices.shape):
        y[place] = x[(*place[:axis], indices[place], *place[axis + 1 :])]
    return y


def _put(reduction: str, old: Any, new: Any, dtype: Any) -> Any:
    functions = {
        "none": lambda p, q: q,
        "add": lambda p, q: p + q,
        "multiply": lambda p, q: p * q,
        "maximum": max,
        "minimum": min,
    }
    result = functions[reduction](old.item(), new.item())
    return wrapped(result, dtype) if dtype.kind in "iu" else result


def _scatter_elements(a: Any, x: Any, indices: Any, updates: Any) -> Any:
    y = x.copy()
    axis = a.axis % x.ndim
    for place in np.ndindex(*indices.shape):
        target = (*place[:axis], indices[place], *place[axis + 1 :])
        y[target] = _put(a.reduction, y[target], updates[place], x.dtype)
    return y


def _gather_nd(a: Any, x: Any, indices: Any) -> Any:
    batch, depth = a.batch_dims, indices.shape[-1]
    y = np.zeros((*indices.shape[:-1], *x.shape[batch + depth :]), dtype=x.dtype)
    for place in np.ndindex(*indices.shape[:-1]):
        y[place] = x[(*place[:batch], *indices[place])]
    return y


def _scatter_nd(a: Any, x: Any, indices: Any, updates: Any) -> Any:
    y = x.copy()
    for place in np.ndindex(*indices.shape[:-1]):
        row = tuple(indices[place])
        for inner in np.ndindex(*updates.shape[len(place) :]):
            y[(*row, *inner)] = _put(a.reduction, y[(*row, *inner)], updates[(*place, *inner)], x.dtype)
    return y


ORACLES = {
    "gather_elements": _gather_elements,
    "scatter_elements": _scatter_elements,
    "gather_nd": _gather_nd,
    "scatter_nd": _scatter_nd,
}

REDUCTIONS = ("none", "add", "multiply", "maximum", "minimum")
NUMBERS = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64", "float64")
# x, axis, indices
_LINES: list[tuple[tuple[int, ...], int, tuple[int, ...]]] = [
    ((1,), 0, (1,)),
    ((5,), 0, (3,)),
    ((5,), -1, (17,)),
    ((5, 3), 0, (4, 3)),
    ((5, 3), 1, (5, 2)),
    ((5, 3), 1, (2, 7)),
    ((5, 3), -2, (2, 2)),
    ((2, 3, 4), 1, (2, 2, 4)),
    ((2, 1, 3, 2, 1, 3), 2, (2, 1, 5, 2, 1, 2)),
    ((5, 3), 0, (0, 3)),
    ((5, 3), 1, (0, 3)),
    ((0, 3), 0, (0, 3)),
    ((0, 3), 1, (0, 2)),
    ((4, 0), 1, (2, 0)),
]
# x, indices, batch_dims
_TUPLES: list[tuple[tuple[int, ...], tuple[int, ...], int]] = [
    ((5,), (1,), 0),
    ((5,), (17, 1), 0),
    ((5, 3), (4, 1), 0),
    ((5, 3), (4, 2), 0),
    ((5, 3), (2, 3, 2), 0),
    ((2, 3, 4), (3, 2), 0),
    ((2, 3, 4), (2, 2, 3), 0),
    ((2, 3, 4), (2, 1), 1),
    ((2, 3, 4), (2, 5, 2), 1),
    ((2, 3, 4), (2, 3, 2, 1), 2),
    ((2, 1, 3, 2, 1, 3), (2, 1, 2, 2), 1),
    ((5, 3), (0, 2), 0),
    ((0, 3), (0, 1), 0),
    ((5, 0), (3, 1), 0),
]


def _unique(generator: np.random.Generator, shape: Any, axis: int, size: int) -> Any:
    """Indices that differ along an axis, so that results do not depend on the order of updates."""
    keys = generator.random(tuple(size if i == axis else n for i, n in enumerate(shape)))
    order = np.argsort(keys, axis=axis)
    return np.take(order, range(shape[axis]), axis=axis)


CASES: list[Case] = []
_generator = np.random.default_rng(11)
for _number, (_x, _axis, _indices) in enumerate(_LINES):
    _size = _x[_axis]
    _type = ("int32", "int64")[_number % 2]
    _given = Input(shape=_indices, dtype=_type, low=-_size, high=max(_size - 1, 0))
    _attributes = {"axis": _axis}
    CASES.append(
        Case(op="gather_elements", inputs=(Input(shape=_x), _given), attributes=_attributes, dtypes=MOVED)
    )
    for _reduction in REDUCTIONS if _number in (1, 5, 8) else ("none", "add"):
        CASES.append(
            Case(
                op="scatter_elements",
                inputs=(Input(shape=_x), _given, Input(shape=_indices)),
                attributes={**_attributes, "reduction": _reduction},
                dtypes=NUMBERS if _reduction != "none" else MOVED,
                gradient=_reduction == "add",
            )
        )
    if _indices[_axis] <= _size and 0 not in _indices:
        _places = _unique(_generator, _indices, _axis % len(_x), _size)
        _fixed = Input(shape=_indices, dtype=_type, values=_places)
        CASES.append(
            Case(
                op="scatter_elements",
                inputs=(Input(shape=_x), _fixed, Input(shape=_indices)),
                attributes=_attributes,
                label="different",
            )
        )
for _number, (_x, _indices, _batch) in enumerate(_TUPLES):
    _depth = _indices[-1]
    _sizes = _x[_batch : _batch + _depth]
    _type = ("int64", "int32")[_number % 2]
    _places = np.stack([_generator.integers(-n, max(n, 1), _indices[:-1]) for n in _sizes], axis=-1)
    _given = Input(shape=_indices, dtype=_type, values=_places)
    CASES.append(
        Case(
            op="gather_nd",
            inputs=(Input(shape=_x), _given),
            attributes={"batch_dims": _batch},
            dtypes=MOVED,
            gradient=_batch == 0,
        )
    )
    if _batch:
        continue
    _updates = Input(shape=(*_indices[:-1], *_x[_depth:]))
    for _reduction in REDUCTIONS if _number in (1, 2, 5) else ("none", "add"):
        CASES.append(
            Case(
                op="scatter_nd",
                inputs=(Input(shape=_x), _given, _updates),
                attributes={"reduction": _reduction},
                dtypes=NUMBERS if _reduction != "none" else MOVED,
                gradient=_reduction == "add",
            )
        )
CASES += [
    Case(
        op="scatter_nd",
        inputs=(
            Input(shape=(4, 3)),
            Input(shape=(3, 1), dtype="int64", values=[[2], [-4], [1]]),
            Input(shape=(3, 3)),
        ),
        label="different",
    ),
    Case(
        op="scatter_nd",
        inputs=(
            Input(shape=(200,)),
            Input(shape=(2, 1), dtype="int64", values=[[150], [3]]),
            Input(shape=(2,)),
        ),
        attributes={"reduction": "add"},
        dtypes=("float32",),
        label="long",
    ),
    Case(
        op="scatter_nd",
        inputs=(
            Input(shape=(3, 150)),
            Input(shape=(4, 1), dtype="int64", values=[[1], [2], [1], [-1]]),
            Input(shape=(4, 150)),
        ),
        attributes={"reduction": "maximum"},
        dtypes=("float32", "float16", "int8"),
        gradient=False,
        label="wide",
    ),
    Case(
        op="gather_elements",
        inputs=(Input(shape=(4, 3)), Input(shape=(4, 2), dtype="int32", low=-3, high=2)),
        attributes={"axis": 1},
        label="every-dtype",
    ),
    Case(
        op="gather_nd",
        inputs=(Input(shape=(4, 3)), Input(shape=(5, 1), dtype="int32", low=-4, high=3)),
        label="every-dtype",
    ),
    *(
        Case(op=op, inputs=inputs, attributes=attributes, dtypes=("float32",), dynamic=True, label="dynamic")
        for op, inputs, attributes in [
            (
                "gather_elements",
                (Input(shape=(4, 3)), Input(shape=(4, 2), dtype="int32", low=-3, high=2)),
                {"axis": 1},
            ),
            ("gather_nd", (Input(shape=(4, 3)), Input(shape=(4, 1), dtype="int32", low=-4, high=3)), {}),
            (
                "scatter_elements",
                (Input(shape=(4, 3)), Input(shape=(4, 2), dtype="int32", low=0, high=1), Input(shape=(4, 2))),
                {"axis": 1, "reduction": "add"},
            ),
            (
                "scatter_nd",
                (Input(shape=(4, 3)), Input(shape=(4, 1), dtype="int32", low=0, high=3), Input(shape=(4, 3))),
                {"reduction": "add"},
            ),
        ]
    ),
]
