"""Cases of matrix products."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _matmul(a: Any, x: Any, y: Any, bias: Any) -> Any:
    x = np.swapaxes(x, -1, -2) if a.transpose_x else x
    y = np.swapaxes(y, -1, -2) if a.transpose_y else y
    lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x = np.broadcast_to(x, lead + x.shape[-2:])
    y = np.broadcast_to(y, lead + y.shape[-2:])
    z = np.zeros((*lead, x.shape[-2], y.shape[-1]), x.dtype)
    for place in np.ndindex(*z.shape):
        *batch, i, j = place
        z[place] = sum(
            (x[(*batch, i, k)] * y[(*batch, k, j)] for k in range(x.shape[-1])), start=z.dtype.type(0)
        )
    if bias is not None:
        z = z + bias
    if a.activation != "none":
        z = np.clip(z, 0, 6 if a.activation == "relu6" else None)
    return z


ORACLES = {"matmul": _matmul}


def _case(x: Any, y: Any, *, bias: bool = False, constant: bool = False, **attributes: Any) -> Case:
    columns = y[-2] if attributes.get("transpose_y") else y[-1]
    inputs = (
        Input(shape=x),
        Input(shape=y, constant=constant),
        Input(shape=(columns,), constant=constant) if bias else None,
    )
    return Case(op="matmul", inputs=inputs, attributes=attributes, label="constant" if constant else "")


CASES = [
    *(
        _case((m, k), (k, n), constant=c)
        for (m, k, n), c in product(
            [(1, 1, 1), (2, 3, 15), (3, 5, 16), (1, 17, 17), (4, 4, 33)], (False, True)
        )
    ),
    _case((3, 4), (4, 18), bias=True),
    _case((3, 4), (4, 18), bias=True, constant=True, activation="relu"),
    _case((5, 7), (7, 3), bias=True, activation="relu6"),
    _case((4, 3), (4, 17), transpose_x=True),
    _case((3, 4), (17, 4), transpose_y=True),
    _case((3, 4), (17, 4), transpose_y=True, constant=True),
    _case((4, 3), (17, 4), transpose_x=True, transpose_y=True, bias=True),
    _case((2, 3, 4), (2, 4, 5)),
    _case((2, 3, 4), (4, 5), constant=True),
    _case((2, 1, 3, 4), (3, 4, 2)),
    _case((3, 4), (2, 4, 5), transpose_x=False, bias=True),
    _case((0, 4), (4, 5)),
    _case((3, 0), (0, 5), bias=True),
    Case(
        op="matmul",
        inputs=(Input(shape=(4, 3)), Input(shape=(3, 5), constant=True), None),
        dynamic=True,
        label="dynamic",
    ),
]
