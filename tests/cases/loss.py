"""Cases of softmax and the cross entropies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _rows(x: Any, axis: int) -> Any:
    """The index of every row along an axis, with the axis itself as a slice."""
    axis %= x.ndim
    for place in np.ndindex(*x.shape[:axis], *x.shape[axis + 1 :]):
        yield (*place[:axis], slice(None), *place[axis:])


def _log_sum(row: Any) -> float:
    if any(math.isnan(v) for v in row) or max(row) == math.inf:
        return math.nan
    return max(row) + math.log(math.fsum(math.exp(v - max(row)) for v in row))


def _log_softmax(a: Any, x: Any) -> Any:
    y = np.zeros(x.shape)
    for row in _rows(x, a.axis):
        if x[row].size:
            y[row] = x[row] - _log_sum(x[row])
    return y


def _softmax(a: Any, x: Any) -> Any:
    return np.exp(_log_softmax(a, x))


def _dense(a: Any, labels: Any, logits: Any) -> Any:
    loss = np.zeros(logits.shape[:-1])
    for row in np.ndindex(*loss.shape):
        loss[row] = math.fsum(
            z * (_log_sum(logits[row]) - x) for z, x in zip(labels[row], logits[row], strict=True)
        )
    return loss


def _sparse(a: Any, labels: Any, logits: Any) -> Any:
    loss = np.zeros(labels.shape)
    for row in np.ndindex(*labels.shape):
        loss[row] = _log_sum(logits[row]) - logits[row][labels[row]]
    return loss


def _sigmoid(a: Any, labels: Any, logits: Any) -> Any:
    loss = np.zeros(logits.shape)
    for place in np.ndindex(*logits.shape):
        z, x = labels[place], logits[place]
        # log(sigmoid(x)) and log(1 - sigmoid(x)), from the side on which the exponential is small.
        small = math.log1p(math.exp(-abs(x)))
        loss[place] = z * (small + max(-x, 0)) + (1 - z) * (small + max(x, 0))
    return loss


ORACLES = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "softmax_cross_entropy_with_logits": _dense,
    "sparse_softmax_cross_entropy_with_logits": _sparse,
    "sigmoid_cross_entropy_with_logits": _sigmoid,
}

LOGITS = [(1,), (17,), (0,), (3, 1), (4, 10), (5, 33), (2, 3, 4), (0, 3), (1, 2, 1, 3, 2, 2)]


def _axis_cases(op: str) -> list[Case]:
    cases = [Case(op=op, inputs=(Input(shape=s),), dynamic=len(s) > 1 and s[0] > 0) for s in LOGITS]
    shape = (2, 3, 4, 5)
    cases += [Case(op=op, inputs=(Input(shape=shape),), attributes={"axis": i}) for i in (0, 1, 2, -4, -2)]
    cases += [Case(op=op, inputs=(Input(shape=(3, 0, 2)),), attributes={"axis": i}) for i in (0, 1)]
    cases.append(
        Case(op=op, inputs=(Input(shape=(3, 40), low=-300, high=300),), gradient=False, label="large")
    )
    cases.append(Case(op=op, inputs=(Input(shape=(2, 1000)),), label="long"))
    special = [[0, -np.inf, 1], [np.nan, 0, 1], [1, 2, np.nan], [-np.inf, 3, -np.inf]]
    cases.append(Case(op=op, inputs=(Input(shape=(4, 3), values=special),), gradient=False, label="special"))
    return cases


def _pairs(op: str, shapes: Any) -> list[Case]:
    labels = {"low": 0, "high": 1}
    cases = [
        Case(op=op, inputs=(Input(shape=s, **labels), Input(shape=s)), dynamic=len(s) > 1 and s[0] > 0)
        for s in shapes
    ]
    large = (Input(shape=(3, 5), **labels), Input(shape=(3, 5), low=-80, high=80))
    cases.append(Case(op=op, inputs=large, label="large"))
    hot = Input(shape=(4, 4), values=np.eye(4).tolist(), constant=True)
    cases.append(Case(op=op, inputs=(hot, Input(shape=(4, 4))), label="constant"))
    return cases


def _sparse_case(shape: Any, *, dtype: str = "int32", label: str = "", **keywords: Any) -> Case:
    labels = Input(shape=shape[:-1], dtype=dtype, low=0, high=max(shape[-1] - 1, 0))
    return Case(
        op="sparse_softmax_cross_entropy_with_logits",
        inputs=(labels, Input(shape=shape, **keywords)),
        dynamic=len(shape) > 1 and shape[0] > 0 and shape[-1] > 1,
        label=f"{dtype}{label}",
    )


CASES = [
    *_axis_cases("softmax"),
    *_axis_cases("log_softmax"),
    *_pairs("softmax_cross_entropy_with_logits", [*LOGITS, (3, 0)]),
    *(_sparse_case(s, dtype=d) for s in LOGITS if s != (0,) for d in ("int32", "int64")),
    _sparse_case((2, 1000), label="long"),
    _sparse_case((3, 5), low=-80, high=80, label="large"),
    *_pairs("sigmoid_cross_entropy_with_logits", [(), *LOGITS]),
]
