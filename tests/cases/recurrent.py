"""Cases of recurrent layers. The oracles compute one number at a time, sequence by sequence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _dot(h: Any, column: Any) -> float:
    return math.fsum(float(a) * float(b) for a, b in zip(h, column, strict=True))


def _run(a: Any, gates: Any, sizes: Any, states: Any, lengths: Any, step: Callable[..., Any]) -> Any:
    """All sequences; `step(given, *states)` gives the next states of one."""
    steps, batch = (gates.shape[1], gates.shape[0]) if a.batch_first else gates.shape[:2]
    y = np.zeros((*gates.shape[:2], sizes[0]))
    last = [np.zeros((batch, size)) for size in sizes]
    for n in range(batch):
        now = [
            np.zeros(size) if given is None else given[n] for size, given in zip(sizes, states, strict=True)
        ]
        order = list(range(steps if lengths is None else lengths[n]))
        for t in reversed(order) if a.reverse else order:
            place = (n, t) if a.batch_first else (t, n)
            now = step(gates[place], *now)
            y[place] = now[0]
        for kept, value in zip(last, now, strict=True):
            kept[n] = value
    return (y, *last)


def _lstm(
    a: Any, gates: Any, recurrent: Any, state: Any, cell: Any, lengths: Any = None, projection: Any = None
) -> Any:
    outputs, cells = recurrent.shape[0], recurrent.shape[1] // 4

    def step(given: Any, h: Any, c: Any) -> Any:
        sums = [given[k] + _dot(h, recurrent[:, k]) for k in range(4 * cells)]
        new, out = np.zeros(cells), np.zeros(cells)
        for k in range(cells):
            i, f, g, o = (sums[k + part * cells] for part in range(4))
            new[k] = _sigmoid(f) * c[k] + _sigmoid(i) * math.tanh(g)
            if a.cell_clip:
                new[k] = min(max(new[k], -a.cell_clip), a.cell_clip)
            out[k] = _sigmoid(o) * math.tanh(new[k])
        if projection is not None:
            out = np.array([_dot(out, projection[:, k]) for k in range(outputs)])
        return out, new

    return _run(a, gates, (outputs, cells), (state, cell), lengths, step)


def _gru(a: Any, gates: Any, recurrent: Any, state: Any, lengths: Any = None, bias: Any = None) -> Any:
    cells = recurrent.shape[0]

    def step(given: Any, h: Any) -> Any:
        z, r = (
            [_sigmoid(given[p + k] + _dot(h, recurrent[:, p + k])) for k in range(cells)] for p in (0, cells)
        )
        new = np.zeros(cells)
        for k in range(cells):
            column = recurrent[:, 2 * cells + k]
            if a.reset_after:
                fresh = r[k] * (_dot(h, column) + (0 if bias is None else bias[k]))
            else:
                fresh = _dot([p * q for p, q in zip(r, h, strict=True)], column)
            new[k] = (1 - z[k]) * math.tanh(given[2 * cells + k] + fresh) + z[k] * h[k]
        return (new,)

    return _run(a, gates, (cells,), (state,), lengths, step)


def _rnn(a: Any, gates: Any, recurrent: Any, state: Any, lengths: Any = None) -> Any:
    def step(given: Any, h: Any) -> Any:
        sums = [given[k] + _dot(h, recurrent[:, k]) for k in range(len(h))]
        return (np.array([math.tanh(s) if a.activation == "tanh" else max(s, 0.0) for s in sums]),)

    return _run(a, gates, (recurrent.shape[0],), (state,), lengths, step)


ORACLES = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}


def _case(
    op: str,
    steps: int,
    batch: int,
    cells: int,
    *,
    start: bool = True,
    lengths: Any = None,
    constant: bool = False,
    outputs: int | None = None,
    bias: bool = False,
    dynamic: bool = False,
    label: str = "",
    **attributes: Any,
) -> Case:
    count = {"lstm": 4, "gru": 3, "rnn": 1}[op]
    rows = cells if outputs is None else outputs
    first = (batch, steps) if attributes.get("batch_first") else (steps, batch)
    inputs: list[Input | None] = [
        Input(shape=(*first, count * cells)),
        Input(shape=(rows, count * cells), low=-1, high=1, constant=constant),
        Input(shape=(batch, rows), low=-1, high=1) if start else None,
    ]
    if op == "lstm":
        inputs.append(Input(shape=(batch, cells)) if start else None)
    inputs.append(None if lengths is None else Input(shape=(batch,), dtype="int32", values=lengths))
    if op == "lstm":
        inputs.append(None if outputs is None else Input(shape=(cells, outputs), constant=constant))
    if op == "gru":
        inputs.append(Input(shape=(cells,)) if bias else None)
    words = [label, "" if start else "nostart", "lengths" if lengths else "", "constant" if constant else ""]
    return Case(op=op, inputs=tuple(inputs), attributes=attributes, label="".join(words), dynamic=dynamic)


def _common(op: str) -> list[Case]:
    """What all three have."""
    return [
        _case(op, 1, 1, 1),
        _case(op, 1, 1, 1, start=False),
        _case(op, 5, 3, 4, constant=True),
        _case(op, 4, 2, 16, constant=True, start=False),
        _case(op, 3, 2, 17, constant=True),
        _case(op, 2, 1, 33, constant=True),
        _case(op, 3, 1, 32, constant=True),
        _case(op, 4, 1, 48, constant=True, reverse=True, start=False),
        _case(op, 0, 1, 16, constant=True),
        _case(op, 2, 3, 15),
        _case(op, 4, 3, 5, reverse=True),
        _case(op, 4, 3, 5, batch_first=True),
        _case(op, 4, 3, 5, reverse=True, batch_first=True),
        _case(op, 4, 5, 3, lengths=[4, 0, 1, 3, 2]),
        _case(op, 4, 5, 3, lengths=[2, 0, 1, 3, 2], reverse=True),
        _case(op, 4, 4, 3, lengths=[2, 1, 0, 3], reverse=True, batch_first=True, start=False),
        _case(op, 0, 2, 3),
        _case(op, 0, 2, 3, batch_first=True, start=False),
        _case(op, 3, 0, 3),
        _case(op, 5, 3, 4, constant=True, batch_first=True, start=False, dynamic=True, label="moves"),
    ]


CASES = [
    *_common("lstm"),
    _case("lstm", 4, 2, 5, cell_clip=0.25),
    _case("lstm", 3, 2, 6, outputs=4),
    _case("lstm", 3, 2, 6, outputs=17, constant=True, cell_clip=0.5, reverse=True),
    _case("lstm", 3, 3, 5, outputs=3, lengths=[1, 3, 2], start=False),
    *_common("gru"),
    _case("gru", 3, 1, 32, constant=True, reset_after=True, bias=True),
    _case("gru", 3, 1, 80, constant=True, reset_after=True, reverse=True, start=False),
    _case("gru", 4, 2, 5, reset_after=True),
    _case("gru", 4, 2, 17, reset_after=True, bias=True, constant=True),
    _case("gru", 4, 3, 5, reset_after=True, bias=True, reverse=True, batch_first=True, lengths=[0, 4, 1]),
    *_common("rnn"),
    _case("rnn", 4, 2, 5, activation="relu"),
    _case("rnn", 3, 2, 17, activation="relu", reverse=True, constant=True),
]
