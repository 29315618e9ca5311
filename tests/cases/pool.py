"""Cases of pooling and its gradients."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _windows(a: Any, size: Any) -> list[list[list[int]]]:
    """For height and width, the pixels of each window in order, those of the padding too."""
    found = []
    for axis in (0, 1):
        taps, stride = a.pool_size[axis], a.strides[axis]
        if a.padding == "same":
            count = int(np.ceil(size[axis] / stride))
            lead = max((count - 1) * stride + taps - size[axis], 0) // 2
        else:
            lead, after = a.paddings[2 * axis : 2 * axis + 2] if a.padding == "explicit" else (0, 0)
            count = (size[axis] + lead + after - taps) // stride + 1
        found.append([[i * stride + k - lead for k in range(taps)] for i in range(count)])
    return found


def _each(a: Any, shape: Any) -> Any:
    """Every output index with its real pixels in row-major order."""
    n, h, w, c = shape
    rows, columns = _windows(a, (h, w))
    for b, oy, ox, k in np.ndindex(n, len(rows), len(columns), c):
        pixels = [(b, y, x, k) for y in rows[oy] for x in columns[ox] if 0 <= y < h and 0 <= x < w]
        yield (b, oy, ox, k), pixels


def _empty(a: Any, shape: Any, dtype: Any) -> Any:
    rows, columns = _windows(a, shape[1:3])
    return np.zeros((shape[0], len(rows), len(columns), shape[3]), dtype=dtype)


def _max(a: Any, x: Any) -> Any:
    y = _empty(a, x.shape, x.dtype)
    for o, pixels in _each(a, x.shape):
        values = [x[p] for p in pixels]
        y[o] = np.nan if any(np.isnan(v) for v in values) else max(values)
    return y


def _count(a: Any, pixels: Any) -> int:
    return a.pool_size[0] * a.pool_size[1] if a.count_include_pad else len(pixels)


def _average(a: Any, x: Any) -> Any:
    y = _empty(a, x.shape, np.float64)
    for o, pixels in _each(a, x.shape):
        y[o] = sum(x[p] for p in pixels) / _count(a, pixels)
    return y


def _max_gradient(a: Any, x: Any, y: Any, dy: Any) -> Any:
    dx = np.zeros(x.shape)
    for o, pixels in _each(a, x.shape):
        values = [x[p] for p in pixels]
        if y[o] == y[o]:
            dx[pixels[values.index(y[o])]] += dy[o]
    return dx


def _max_pick(a: Any, x: Any, y: Any, values: Any) -> Any:
    picked = np.zeros(y.shape)
    for o, pixels in _each(a, x.shape):
        places = [p for p in pixels if x[p] == y[o]]
        picked[o] = values[places[0]] if places else 0
    return picked


def _average_gradient(a: Any, sizes: Any, dy: Any) -> Any:
    dx = np.zeros([int(s) for s in sizes])
    for o, pixels in _each(a, dx.shape):
        for p in pixels:
            dx[p] += dy[o] / _count(a, pixels)
    return dx


ORACLES = {
    "max_pool2d": _max,
    "average_pool2d": _average,
    "max_pool2d_gradient": _max_gradient,
    "average_pool2d_gradient": _average_gradient,
    "max_pool2d_pick": _max_pick,
}

WINDOWS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1, 2, 2, 1), {"pool_size": (2, 2)}),
    ((2, 4, 6, 3), {"pool_size": (2, 2), "strides": (2, 2)}),
    ((1, 5, 7, 2), {"pool_size": (2, 3), "strides": (2, 1), "padding": "same"}),
    ((2, 5, 5, 15), {"pool_size": (3, 3), "strides": (2, 2), "padding": "same"}),
    ((1, 4, 4, 16), {"pool_size": (3, 3), "padding": "same"}),
    ((1, 3, 4, 17), {"pool_size": (1, 2), "strides": (3, 3)}),
    ((1, 6, 5, 33), {"pool_size": (2, 2), "strides": (2, 3), "padding": "same"}),
    ((1, 3, 3, 1), {"pool_size": (5, 4), "strides": (2, 2), "padding": "same"}),
    ((1, 7, 7, 2), {"pool_size": (1, 1), "strides": (3, 2)}),
    ((1, 6, 6, 2), {"pool_size": (3, 2), "strides": (2, 2), "padding": "explicit", "paddings": (1, 2, 0, 1)}),
    ((1, 2, 3, 2), {"pool_size": (4, 3), "padding": "explicit", "paddings": (3, 1, 2, 2)}),
    ((2, 7, 3, 2), {"pool_size": (7, 3)}),
    ((0, 4, 4, 2), {"pool_size": (2, 2)}),
    ((1, 4, 4, 0), {"pool_size": (2, 2)}),
]


def _filled(attributes: Any) -> Any:
    """The attributes with their defaults."""
    return SimpleNamespace(
        **{
            "strides": (1, 1),
            "padding": "valid",
            "paddings": (0, 0, 0, 0),
            "count_include_pad": False,
            **attributes,
        }
    )


def _pooled_shape(shape: Any, attributes: Any) -> tuple[int, ...]:
    return _empty(_filled(attributes), shape, np.float64).shape


def _with_maxima(op: str, shape: Any, attributes: Any, *, constant: bool) -> Case:
    """A case on x, its maxima, and a third operand; eighths make ties, and are exact in float16."""
    x = np.random.default_rng(len(op) + sum(shape)).integers(-6, 7, shape) / 8
    y = _max(_filled(attributes), x)
    third = y.shape if op == "max_pool2d_gradient" else shape

    def given(values: Any) -> Input:
        return Input(shape=values.shape, values=values.tolist() if values.size else None, constant=constant)

    return Case(
        op=op,
        inputs=(given(x), given(y), Input(shape=third)),
        attributes=attributes,
        gradient=constant,
        dynamic=not constant and shape[0] > 0,
        label="constant" if constant else "",
    )


_NAN = np.arange(18, dtype=np.float64).reshape(1, 3, 3, 2)
_NAN[0, 1, 2, 0] = np.nan
_NAN[0, 0, 0, 1] = np.nan

CASES = [
    *(Case(op="max_pool2d", inputs=(Input(shape=s),), attributes=a, dynamic=s[0] == 2) for s, a in WINDOWS),
    *(
        Case(
            op="max_pool2d",
            inputs=(Input(shape=(1, 5, 5, 3), low=-128, high=127),),
            attributes=a,
            dtypes=("int8", "int16", "int32"),
            label="range",
        )
        for a in ({"pool_size": (2, 2)}, {"pool_size": (3, 3), "padding": "same"})
    ),
    Case(
        op="max_pool2d",
        inputs=(Input(shape=_NAN.shape, values=_NAN.tolist()),),
        attributes={"pool_size": (2, 2)},
        dtypes=("float32", "float16", "float64"),
        gradient=False,
        label="nan",
    ),
    Case(
        op="max_pool2d",
        inputs=(Input(shape=(1, 3, 3, 1), values=[[[[-np.inf]] * 3] * 3]),),
        attributes={"pool_size": (2, 2), "padding": "same"},
        dtypes=("float32", "float16"),
        gradient=False,
        label="infinite",
    ),
    Case(
        op="max_pool2d",
        inputs=(Input(shape=(1, 3, 3, 1), values=[[[[-128]] * 3] * 3]),),
        attributes={"pool_size": (2, 2), "padding": "same"},
        dtypes=("int8",),
        label="lowest",
    ),
    *(
        Case(op="average_pool2d", inputs=(Input(shape=s),), attributes={**a, **more}, dynamic=s[0] == 2)
        for s, a in WINDOWS
        for more in ({}, {"count_include_pad": True})
    ),
    *(
        _with_maxima(op, s, a, constant=constant)
        for op in ("max_pool2d_gradient", "max_pool2d_pick")
        for s, a in WINDOWS
        for constant in (False, True)
    ),
    *(
        Case(
            op="average_pool2d_gradient",
            inputs=(
                Input(shape=(4,), dtype="int32", values=s, constant=True),
                Input(shape=_pooled_shape(s, a)),
            ),
            attributes={**a, **more},
        )
        for s, a in WINDOWS
        for more in ({}, {"count_include_pad": True})
    ),
]
