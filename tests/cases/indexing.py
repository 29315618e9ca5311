"""Cases of strided slices, gather, segment sums and one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.dims import Dim
from tests.cases._case import Case, Input

MOVED = ("float32", "float16", "int8", "int64", "bool", "float64")


def _places(a: Any, shape: Any) -> tuple[list[Any], list[int]]:
    """What a strided slice takes: for each axis of x a list of indices, or for a kept axis of y its place among them;
    and the shape of y. Walks by hand, as the definition says."""
    count = len(a.begin)
    used = sum(1 for i in range(count) if not (a.ellipsis_mask >> i & 1 or a.new_axis_mask >> i & 1))
    taken: list[list[int]] = []
    result: list[int] = []
    seen_dots = False

    def whole(axes: int) -> None:
        for _ in range(axes):
            taken.append(list(range(shape[len(taken)])))
            result.append(len(taken[-1]))

    for i in range(count):
        if a.ellipsis_mask >> i & 1:
            seen_dots = True
            whole(len(shape) - used)
        elif a.new_axis_mask >> i & 1:
            result.append(1)
        elif a.shrink_axis_mask >> i & 1:
            n = shape[len(taken)]
            taken.append([a.begin[i] if a.begin[i] >= 0 else a.begin[i] + n])
        else:
            n, step = shape[len(taken)], a.strides[i]
            at = a.begin[i] if a.begin[i] >= 0 else a.begin[i] + n
            stop = a.end[i] if a.end[i] >= 0 else a.end[i] + n
            if a.begin_mask >> i & 1:
                at = 0 if step > 0 else n - 1
            if a.end_mask >> i & 1:
                stop = n if step > 0 else -1
            if step > 0:
                at, stop = max(at, 0), min(stop, n)
            else:
                at, stop = min(at, n - 1), max(stop, -1)
            found = []
            while (at < stop) if step > 0 else (at > stop):
                found.append(at)
                at += step
            taken.append(found)
            result.append(len(found))
    if not seen_dots:
        whole(len(shape) - used)
    return taken, result


def _strided_slice(a: Any, x: Any) -> Any:
    taken, shape = _places(a, x.shape)
    flat = [
        x[tuple(t[i] for t, i in zip(taken, place, strict=True))] for place in np.ndindex(*map(len, taken))
    ]
    return np.array(flat, dtype=x.dtype).reshape(shape)


def _strided_slice_gradient(a: Any, dy: Any, shape: Any) -> Any:
    dx = np.zeros([int(n) for n in shape], dtype=dy.dtype)
    taken, _ = _places(a, dx.shape)
    elements = [dy[place] for place in np.ndindex(*dy.shape)]
    for element, place in zip(elements, np.ndindex(*map(len, taken)), strict=True):
        dx[tuple(t[i] for t, i in zip(taken, place, strict=True))] = element
    return dx


def _gather(a: Any, x: Any, indices: Any) -> Any:
    axis, batch = a.axis % x.ndim, a.batch_dims
    shape = (*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :])
    y = np.zeros(shape, dtype=x.dtype)
    end = axis + indices.ndim - batch
    for place in np.ndindex(*shape):
        index = indices[(*place[:batch], *place[axis:end])]
        y[place] = x[(*place[:axis], index, *place[end:])]
    return y


def _segment_sum(a: Any, data: Any, ids: Any, count: Any) -> Any:
    tail = data.shape[ids.ndim :]
    if data.dtype.kind == "f":
        sums = np.zeros((int(count), *tail))
        for place in np.ndindex(*ids.shape):
            sums[ids[place]] += data[place]
        return sums
    exact = np.zeros((int(count), *tail), dtype=object)
    for place in np.ndindex(*ids.shape):
        exact[ids[place]] = exact[ids[place]] + data[place].astype(object)
    limits = np.iinfo(data.dtype)
    return ((exact - limits.min) % 2**limits.bits + limits.min).astype(data.dtype)


def _one_hot(a: Any, indices: Any) -> Any:
    axis = a.axis % (indices.ndim + 1)
    type_ = a.dtype.numpy
    y = np.full((*indices.shape[:axis], a.depth, *indices.shape[axis:]), a.off_value).astype(type_)
    for place in np.ndindex(*indices.shape):
        if 0 <= indices[place] < a.depth:
            y[(*place[:axis], indices[place], *place[axis:])] = a.on_value
    return y


def _slice(a: Any, x: Any, begin: Any, size: Any) -> Any:
    y = np.zeros([int(n) for n in size], dtype=x.dtype)
    for place in np.ndindex(*y.shape):
        y[place] = x[tuple(int(p) + i * s for p, i, s in zip(begin, place, a.strides, strict=True))]
    return y


ORACLES = {
    "slice": _slice,
    "dimension": lambda a, value, limit: value,
    "strided_slice": _strided_slice,
    "strided_slice_gradient": _strided_slice_gradient,
    "gather": _gather,
    "unsorted_segment_sum": _segment_sum,
    "one_hot": _one_hot,
}


def _attributes(key: Any) -> dict[str, Any]:
    """Python's notation as the attributes."""
    begin, end, strides = [], [], []
    masks = dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0)
    for i, entry in enumerate(key):
        first, last, step = 0, 0, 1
        if entry is None:
            masks["new_axis_mask"] |= 1 << i
        elif entry is Ellipsis:
            masks["ellipsis_mask"] |= 1 << i
        elif isinstance(entry, slice):
            masks["begin_mask"] |= (entry.start is None) << i
            masks["end_mask"] |= (entry.stop is None) << i
            first, last, step = entry.start or 0, entry.stop or 0, entry.step or 1
        else:
            first, last = entry, entry + 1
            masks["shrink_axis_mask"] |= 1 << i
        begin.append(first)
        end.append(last)
        strides.append(step)
    return {"begin": begin, "end": end, "strides": strides, **{k: v for k, v in masks.items() if v}}


_S = np.s_
_SLICES: list[tuple[Any, tuple[Any, ...]]] = [
    ((), ()),
    ((), (Ellipsis, None)),
    ((17,), (_S[:],)),
    ((17,), (_S[3:9],)),
    ((17,), (_S[-5:],)),
    ((17,), (_S[:-5],)),
    ((17,), (_S[-50:50],)),
    ((17,), (_S[::2],)),
    ((17,), (_S[1:16:5],)),
    ((17,), (_S[::-1],)),
    ((17,), (_S[12:2:-3],)),
    ((17,), (_S[-3:-50:-1],)),
    ((17,), (_S[50::-4],)),
    ((17,), (_S[5:5],)),
    ((17,), (_S[9:3],)),
    ((17,), (_S[3:9:-1],)),
    ((17,), (_S[20:],)),
    ((17,), (0,)),
    ((17,), (-17,)),
    ((17,), (None, 16)),
    ((3, 4), (_S[:], 2)),
    ((3, 4), (-1,)),
    ((3, 4), (1, -4)),
    ((3, 4), (Ellipsis, _S[1:3])),
    ((3, 4), (_S[::-1], _S[::-1])),
    ((3, 4), (None, _S[1:], None, _S[:2], None)),
    ((3, 16), (_S[:], _S[1::2])),
    ((2, 5, 3), (_S[:], _S[1:4], _S[::2])),
    ((2, 5, 3), (Ellipsis,)),
    ((2, 5, 3), (1, Ellipsis, None, 0)),
    ((2, 5, 3), (_S[:], _S[::-2], _S[:])),
    ((1, 4, 4, 3), (_S[:], _S[::2], _S[1::2], _S[:])),
    ((2, 1, 3, 2, 1, 4), (_S[:], 0, _S[1:], Ellipsis, _S[3:0:-2])),
    ((0, 3), (_S[:], _S[1:])),
    ((0, 3), (_S[::-1], 1)),
    ((3, 0), (_S[1:], _S[:5])),
    ((3, 4), (_S[1:1],)),
]


def _sliced(shape: Any, key: Any) -> tuple[int, ...]:
    return np.zeros(shape)[key].shape


CASES: list[Case] = []
for _shape, _key in _SLICES:
    CASES.append(
        Case(op="strided_slice", inputs=(Input(shape=_shape),), attributes=_attributes(_key), dtypes=MOVED)
    )
    _sizes = Input(shape=(len(_shape),), dtype="int32", values=_shape, constant=True)
    CASES.append(
        Case(
            op="strided_slice_gradient",
            inputs=(Input(shape=_sliced(_shape, _key)), _sizes),
            attributes=_attributes(_key),
            dtypes=("float32", "float16", "int8", "int64", "float64"),
            label=f"of{list(_shape)}",
        )
    )
CASES += [
    Case(
        op="strided_slice",
        inputs=(Input(shape=(4, 5)),),
        attributes=_attributes((_S[1:], _S[::2])),
        label="every-dtype",
    ),
    Case(
        op="strided_slice_gradient",
        inputs=(Input(shape=(3, 3)), Input(shape=(2,), dtype="int64", values=(4, 5), constant=True)),
        attributes=_attributes((_S[1:], _S[::2])),
        label="every-dtype",
    ),
    *(
        Case(
            op="strided_slice",
            inputs=(Input(shape=(5, 3)),),
            attributes=_attributes(key),
            dtypes=("float32",),
            dynamic=True,
            label="dynamic",
        )
        for key in [
            (_S[1:],),
            (_S[:3],),
            (_S[-3:],),
            (_S[:-2],),
            (_S[2:-1],),
            (_S[1:4:2],),
            (_S[-4:-1],),
            (_S[::2],),
            (_S[::-1],),
            (_S[-2::-1],),
            (_S[3:0:-2],),
            (-1,),
            (0,),
            (_S[:], _S[1:]),
        ]
    ),
]

for _shape, _begin, _size, _strides in [
    ((), (), (), ()),
    ((17,), (0,), (17,), (1,)),
    ((17,), (3,), (5,), (2,)),
    ((17,), (16,), (17,), (-1,)),
    ((17,), (9,), (0,), (1,)),
    ((3, 5), (1, 4), (2, 2), (1, -3)),
    ((2, 1, 3, 2, 1, 4), (1, 0, 0, 1, 0, 3), (1, 1, 3, 1, 1, 2), (1, 1, 1, 1, 1, -2)),
    ((0, 3), (0, 1), (0, 2), (1, 1)),
    ((3, 5), (0, 0), (0, 5), (1, 1)),
]:
    _count = len(_shape)
    CASES.append(
        Case(
            op="slice",
            inputs=(
                Input(shape=_shape),
                Input(shape=(_count,), dtype="int64", values=_begin),
                Input(shape=(_count,), dtype="int32", values=_size, constant=True),
            ),
            attributes={"strides": _strides},
            dtypes=None if _count == 2 else MOVED,
            label=f"{_begin}{_size}",
        )
    )
CASES += [
    Case(
        op="dimension",
        inputs=(Input(values=value), Input(values=7, constant=True)),
        attributes={"symbol": Dim("found", 1, 9)},
        label=f"{value}",
    )
    for value in (1, 5, 7)
]

for _shape, _indices, _axis, _batch in [
    ((5,), (), 0, 0),
    ((5,), (3,), 0, 0),
    ((1,), (17,), 0, 0),
    ((5, 3), (4,), 0, 0),
    ((5, 3), (4,), 1, 0),
    ((5, 3), (), -1, 0),
    ((5, 3), (2, 4), 0, 0),
    ((5, 3), (2, 2), -1, 0),
    ((2, 3, 4), (2, 1, 2), 1, 0),
    ((2, 3, 4), (2, 2), 1, 1),
    ((2, 3, 4), (2,), 1, 1),
    ((2, 3, 4), (2, 2), 2, 1),
    ((2, 3, 4, 2), (2, 3, 2), 2, 2),
    ((2, 3, 2, 4), (2, 3), 3, 1),
    ((2, 1, 3, 2, 2), (2, 3), -2, 1),
    ((0, 3), (0,), 0, 0),
    ((0, 3), (2,), 1, 0),
    ((3, 0), (2,), 0, 0),
    ((4, 3), (0, 2), 0, 0),
]:
    for _type in ("int32", "int64"):
        _size = _shape[_axis]
        CASES.append(
            Case(
                op="gather",
                inputs=(
                    Input(shape=_shape),
                    Input(shape=_indices, dtype=_type, low=0, high=max(_size - 1, 0)),
                ),
                attributes={"axis": _axis, "batch_dims": _batch},
                dtypes=MOVED if _type == "int32" else ("float32",),
                label=_type,
            )
        )
CASES.append(
    Case(
        op="gather",
        inputs=(Input(shape=(4, 3)), Input(shape=(5,), dtype="int32", low=0, high=3)),
        attributes={"axis": 0},
        label="every-dtype",
    )
)
CASES.append(
    Case(
        op="gather",
        inputs=(Input(shape=(4, 3)), Input(shape=(4, 2), dtype="int32", low=0, high=2)),
        attributes={"axis": 1, "batch_dims": 1},
        dtypes=("float32",),
        dynamic=True,
        label="dynamic",
    )
)

for _shape, _indices, _axis, _batch in [
    ((5,), (7,), 0, 0),
    ((2, 5, 3), (2, 4), 1, 1),
    ((2, 5, 3), (2, 2), 1, 0),
]:
    CASES.append(
        Case(
            op="gather",
            inputs=(Input(shape=_shape), Input(shape=_indices, dtype="int64", low=-5, high=4)),
            attributes={"axis": _axis, "batch_dims": _batch, "from_end": True},
            dtypes=MOVED,
        )
    )

for _data, _ids, _count in [
    ((6,), (6,), 3),
    ((17,), (17,), 1),
    ((6, 4), (6,), 5),
    ((33, 2), (33,), 16),
    ((4, 3), (4, 3), 4),
    ((4, 3, 65), (4, 3), 4),
    ((3,), (), 2),
    ((), (), 2),
    ((0, 3), (0,), 2),
    ((2, 0), (2,), 2),
    ((0,), (0,), 0),
    ((2, 1, 2, 3, 1), (2, 1), 3),
]:
    CASES.append(
        Case(
            op="unsorted_segment_sum",
            inputs=(
                Input(shape=_data, low=-100, high=100),
                Input(shape=_ids, dtype="int32", low=0, high=_count - 1),
                Input(dtype="int32", values=_count, constant=True),
            ),
            label=f"{_count}",
        )
    )
CASES.append(
    Case(
        op="unsorted_segment_sum",
        inputs=(
            Input(shape=(5, 2)),
            Input(shape=(5,), dtype="int64", values=(1, 1, 0, 3, 1)),
            Input(dtype="int64", values=4, constant=True),
        ),
        dtypes=("float32",),
        label="int64",
    )
)

for _shape, _depth, _axis in [
    ((), 3, -1),
    ((4,), 5, -1),
    ((4,), 5, 0),
    ((17,), 1, -1),
    ((2, 3), 4, -1),
    ((2, 3), 4, 1),
    ((2, 3), 16, 0),
    ((2, 3), 4, -3),
    ((0, 2), 3, 1),
    ((3,), 0, 0),
    ((2, 1, 2, 1, 2), 3, 2),
]:
    CASES.append(
        Case(
            op="one_hot",
            inputs=(Input(shape=_shape, low=-1, high=_depth),),
            attributes={"depth": _depth, "axis": _axis},
        )
    )
for _type in ("float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"):
    CASES.append(
        Case(
            op="one_hot",
            inputs=(Input(shape=(7,), low=-1, high=4),),
            attributes={
                "depth": 4,
                "dtype": _type,
                "on_value": 3.0,
                "off_value": 0.0 if _type == "bool" else 1.0,
            },
            dtypes=("int32",),
        )
    )
CASES.append(
    Case(
        op="one_hot",
        inputs=(Input(shape=(3,), low=0, high=3),),
        attributes={"depth": 4, "on_value": 0.25, "off_value": -1.5},
        dtypes=("int64",),
        dynamic=True,
    )
)
