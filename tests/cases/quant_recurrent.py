"""Cases of the recurrent layers on integers. The oracle computes with Python integers, one number at a time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from tests.cases._case import Case, Input

_F = np.float32
_ONE = 2**15


def _short(value: int) -> int:
    return min(max(value, -_ONE), _ONE - 1)


def _nearest(value: Fraction) -> int:
    """Halves up."""
    return (value + Fraction(1, 2)).__floor__()


def _product(x: int, y: int) -> int:
    return _nearest(Fraction(x * y, _ONE))


def _curve(table: Any, x: int) -> int:
    """Of 12 fraction bits."""
    size = min(abs(x), 4 * 2**12 - 1)
    value, slope, bend = (int(v) for v in table[:, size // 2**10])
    rest = size % 2**10 * 2**5
    value = _short(value + _product(rest, _short(slope + _product(rest, bend))))
    return _short(-value) if x < 0 else value


def _sigmoid(table: Any, x: int) -> int:
    """Of 11 fraction bits: (1 + tanh(x / 2)) / 2."""
    return (Fraction(_curve(table, x), 2) + _ONE // 2).__floor__()


def _sum(x: Any, column: Any, bias: int, multiplier: Any) -> int:
    acc = int(np.dot(x.astype(np.int64), column.astype(np.int64))) + int(bias)
    assert -(2**31) <= acc < 2**31
    with np.errstate(over="ignore"):
        scaled = float(_F(acc) * _F(multiplier))
    return int(_short(round(min(max(scaled, -1e9), 1e9))))


def _cell(a: Any, table: Any, gates: list[int], cell: int) -> tuple[int, int]:
    i, f, g, o = gates
    new = _product(_sigmoid(table, i), _curve(table, _short(2 * g)))
    new = _nearest(Fraction(new, 2 ** (15 - a.cell_bits)))
    cell = _short(_product(_sigmoid(table, f), cell) + new)
    if a.cell_clip:
        cell = min(max(cell, -a.cell_clip), a.cell_clip)
    out = _product(_sigmoid(table, o), _curve(table, _short(cell * 2 ** (12 - a.cell_bits))))
    out = _product(out, a.output_multiplier) + a.output_zero_point
    return min(max(out, -128), 127), cell


def _lstm(
    a: Any,
    x: Any,
    weights: Any,
    recurrent: Any,
    bias: Any,
    multiplier: Any,
    table: Any,
    state: Any = None,
    cell: Any = None,
    lengths: Any = None,
) -> Any:
    size = recurrent.shape[0]
    steps, batch = (x.shape[1], x.shape[0]) if a.batch_first else x.shape[:2]
    y = np.full((*x.shape[:2], size), a.output_zero_point, np.int8)
    last = np.full((batch, size), a.output_zero_point, np.int8) if state is None else state.copy()
    cells = np.zeros((batch, size), np.int16) if cell is None else cell.copy()
    for n in range(batch):
        order = range(steps if lengths is None else int(lengths[n]))
        for t in reversed(order) if a.reverse else order:
            place = (n, t) if a.batch_first else (t, n)
            before = last[n].copy()
            for k in range(size):
                gates = []
                first = k // 16 * 64 + k % 16
                for column in range(first, first + 64, 16):
                    given = _sum(x[place], weights[:, column], bias[0, column], multiplier[0, column])
                    more = _sum(before, recurrent[:, column], bias[1, column], multiplier[1, column])
                    gates.append(_short(given + more))
                last[n, k], cells[n, k] = _cell(a, table, gates, int(cells[n, k]))
            y[place] = last[n]
    return y, last, cells


ORACLES = {"quantized_lstm": _lstm}


def _constant(array: Any) -> Input:
    array = np.asarray(array)
    return Input(shape=array.shape, dtype=array.dtype.name, values=array, constant=True)


def tanh_table() -> Any:
    """A table of tanh: the chord of each quarter, and half of what the middle is off it at both ends."""
    knots = np.tanh(np.arange(17) / 4) * _ONE
    off = np.tanh((np.arange(16) + 0.5) / 4) * _ONE - (knots[1:] + knots[:-1]) / 2
    return np.round([knots[:-1], np.diff(knots) + 4 * off, -4 * off]).astype(np.int16)


def _case(
    steps: int,
    batch: int,
    inputs: int,
    cells: int,
    *,
    start: bool = True,
    lengths: Any = None,
    table: Any = None,
    weights: int = 127,
    reach: float = 3.0,
    bias: int = 2000,
    dynamic: bool = False,
    label: str = "",
    **attributes: Any,
) -> Case:
    """`reach` is about how large the sum of an input's or the state's products becomes."""
    generator = np.random.default_rng([steps, batch, inputs, cells])
    first = (batch, steps) if attributes.get("batch_first") else (steps, batch)
    columns = -(-cells // 16) * 64
    matrices = [
        generator.integers(-weights, min(weights, 127), (rows, columns), np.int8, endpoint=True)
        for rows in (inputs, cells)
    ]
    typical = [70.0 * 70.0 * np.sqrt(rows) for rows in (inputs, cells)]
    multiplier = np.stack([2**11 * reach / t * generator.uniform(0.3, 1.0, columns) for t in typical])
    state = Input(shape=(batch, cells), dtype="int8", low=-128, high=127)
    operands: list[Input | None] = [
        Input(shape=(*first, inputs), dtype="int8", low=-128, high=127),
        *(_constant(m) for m in matrices),
        _constant(generator.integers(-bias, bias, (2, columns), np.int32, endpoint=True)),
        _constant(multiplier.astype(_F)),
        _constant(tanh_table() if table is None else table),
        state if start else None,
        Input(shape=(batch, cells), dtype="int16", low=-20000, high=20000) if start else None,
        None if lengths is None else Input(shape=(batch,), dtype="int32", values=lengths),
    ]
    given = {"cell_bits": 11, "output_multiplier": 127, **attributes}
    return Case(op="quantized_lstm", inputs=tuple(operands), attributes=given, label=label, dynamic=dynamic)


def _wild() -> Any:
    """A table of nothing, in whose numbers everything saturates that can."""
    return np.random.default_rng(7).choice([-32768, -32767, -1, 0, 32767], (3, 16)).astype(np.int16)


CASES = [
    _case(1, 1, 1, 1),
    _case(1, 1, 1, 1, start=False),
    _case(5, 3, 4, 4),
    _case(4, 1, 3, 16, start=False),
    _case(3, 2, 17, 17, output_zero_point=-5),
    _case(2, 1, 33, 33),
    _case(3, 1, 40, 32, cell_bits=12, output_multiplier=255, output_zero_point=-128),
    _case(4, 1, 20, 48, reverse=True, start=False, cell_bits=8),
    _case(3, 1, 5, 80, output_zero_point=127, output_multiplier=32767),
    _case(2, 1, 7, 160, cell_bits=9),
    _case(0, 1, 4, 16),
    _case(0, 2, 3, 5, batch_first=True, start=False),
    _case(3, 0, 3, 4),
    _case(20, 1, 6, 32, cell_clip=900, label="long"),
    _case(18, 2, 9, 20, label="long"),
    _case(4, 3, 5, 15, reverse=True),
    _case(4, 9, 8, 16, batch_first=True),
    _case(4, 3, 5, 6, reverse=True, batch_first=True, cell_clip=2500),
    _case(4, 5, 3, 18, lengths=[4, 0, 1, 3, 2]),
    _case(4, 5, 3, 18, lengths=[2, 0, 1, 3, 2], reverse=True, output_zero_point=3),
    _case(4, 4, 3, 32, lengths=[2, 1, 0, 3], reverse=True, batch_first=True, start=False),
    _case(4, 3, 3, 5, lengths=[0, 0, 0]),
    _case(3, 2, 9, 32, table=_wild(), label="wild"),
    _case(3, 1, 9, 17, table=_wild(), reach=1e30, label="infinite"),
    _case(3, 1, 12, 32, reach=30.0, label="saturated"),
    _case(3, 2, 12, 32, weights=128, label="least"),
    _case(5, 3, 4, 4, batch_first=True, start=False, dynamic=True, label="moves"),
    _case(5, 3, 4, 16, batch_first=True, dynamic=True, label="moves"),
]
