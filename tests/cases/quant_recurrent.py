"""Cases of the recurrent layers on integers. The oracle computes with Python integers, one number at a time."""

from __future__ import annotations

from collections.abc import Iterator
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


def _steps(a: Any, x: Any, lengths: Any) -> Iterator[tuple[int, tuple[int, int]]]:
    """The sequences and the places of the steps that are taken, in their order."""
    steps, batch = (x.shape[1], x.shape[0]) if a.batch_first else x.shape[:2]
    for n in range(batch):
        order = range(steps if lengths is None else int(lengths[n]))
        for t in reversed(order) if a.reverse else order:
            yield n, ((n, t) if a.batch_first else (t, n))


def _start(a: Any, x: Any, cells: int) -> tuple[Any, int]:
    """An output that says nothing, and the batch."""
    return np.full((*x.shape[:2], cells), a.output_zero_point, np.int8), x.shape[0 if a.batch_first else 1]


def _columns(k: int, gates: int) -> range:
    """The columns of the gates of a cell."""
    first = k // 16 * 16 * gates + k % 16
    return range(first, first + 16 * gates, 16)


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
    y, batch = _start(a, x, size)
    last = np.full((batch, size), a.output_zero_point, np.int8) if state is None else state.copy()
    cells = np.zeros((batch, size), np.int16) if cell is None else cell.copy()
    for n, place in _steps(a, x, lengths):
        before = last[n].copy()
        for k in range(size):
            gates = []
            for column in _columns(k, 4):
                given = _sum(x[place], weights[:, column], bias[0, column], multiplier[0, column])
                more = _sum(before, recurrent[:, column], bias[1, column], multiplier[1, column])
                gates.append(_short(given + more))
            last[n, k], cells[n, k] = _cell(a, table, gates, int(cells[n, k]))
        y[place] = last[n]
    return y, last, cells


def _byte(a: Any, state: int) -> int:
    """A state as the output has it, whose steps in 1 are so many."""
    steps = _nearest(Fraction(state * a.output_multiplier, 2**a.state_bits))
    return min(max(steps + a.output_zero_point, -128), 127)


def _gru(
    a: Any,
    x: Any,
    weights: Any,
    recurrent: Any,
    bias: Any,
    multiplier: Any,
    table: Any,
    state: Any = None,
    lengths: Any = None,
) -> Any:
    size = recurrent.shape[0]
    y, batch = _start(a, x, size)
    states = np.zeros((batch, size), np.int16) if state is None else state.copy()
    for n, place in _steps(a, x, lengths):
        h = [int(v) for v in states[n]]
        read = np.int8([_byte(a, v) for v in h])
        sums = np.zeros((3, 2, size), np.int64)
        for k in range(size):
            for gate, column in enumerate(_columns(k, 3)):
                sums[gate, 0, k] = _sum(x[place], weights[:, column], bias[0, column], multiplier[0, column])
                sums[gate, 1, k] = _sum(read, recurrent[:, column], bias[1, column], multiplier[1, column])
        update, reset = (
            [_sigmoid(table, _short(int(given + more))) for given, more in sums[gate].T] for gate in (0, 1)
        )
        if not a.reset_after:
            left = np.int8([_byte(a, _product(r, v)) for r, v in zip(reset, h, strict=True)])
            for k in range(size):
                column = _columns(k, 3)[2]
                sums[2, 1, k] = _sum(left, recurrent[:, column], bias[1, column], multiplier[1, column])
        for k in range(size):
            given, more = (int(v) for v in sums[2, :, k])
            fresh = _short(given + (_product(reset[k], more) if a.reset_after else more))
            new = _nearest(Fraction(_curve(table, _short(2 * fresh)), 2 ** (15 - a.state_bits)))
            states[n, k] = new + _product(update[k], _short(h[k] - new))
            y[(*place, k)] = _byte(a, int(states[n, k]))
    last = np.int8([[_byte(a, int(v)) for v in row] for row in states]).reshape(batch, size)
    return y, last, states


def _rnn(
    a: Any,
    x: Any,
    weights: Any,
    recurrent: Any,
    bias: Any,
    multiplier: Any,
    table: Any,
    state: Any = None,
    lengths: Any = None,
) -> Any:
    size = recurrent.shape[0]
    y, batch = _start(a, x, size)
    last = np.full((batch, size), a.output_zero_point, np.int8) if state is None else state.copy()
    for n, place in _steps(a, x, lengths):
        before = last[n].copy()
        for k in range(size):
            given = _sum(x[place], weights[:, k], bias[0, k], multiplier[0, k])
            more = _sum(before, recurrent[:, k], bias[1, k], multiplier[1, k])
            out = _curve(table, _short(2 * _short(given + more)))
            out = _product(out, a.output_multiplier) + a.output_zero_point
            last[n, k] = min(max(out, -128), 127)
        y[place] = last[n]
    return y, last


ORACLES = {"quantized_lstm": _lstm, "quantized_gru": _gru, "quantized_rnn": _rnn}


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
    op: str = "quantized_lstm",
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
    """`reach` is about how large the sum of an input's or the state's products is."""
    generator = np.random.default_rng([steps, batch, inputs, cells])
    first = (batch, steps) if attributes.get("batch_first") else (steps, batch)
    columns = -(-cells // 16) * 16 * {"quantized_lstm": 4, "quantized_gru": 3, "quantized_rnn": 1}[op]
    matrices = [
        generator.integers(-weights, min(weights, 127), (rows, columns), np.int8, endpoint=True)
        for rows in (inputs, cells)
    ]
    typical = [70.0 * 70.0 * np.sqrt(rows) for rows in (inputs, cells)]
    multiplier = np.stack([2**11 * reach / t * generator.uniform(0.3, 1.0, columns) for t in typical])
    state = Input(shape=(batch, cells), dtype="int8", low=-128, high=127)
    kept = Input(shape=(batch, cells), dtype="int16", low=-20000, high=20000)
    states = {"quantized_lstm": [state, kept], "quantized_gru": [kept], "quantized_rnn": [state]}[op]
    operands: list[Input | None] = [
        Input(shape=(*first, inputs), dtype="int8", low=-128, high=127),
        *(_constant(m) for m in matrices),
        _constant(generator.integers(-bias, bias, (2, columns), np.int32, endpoint=True)),
        _constant(multiplier.astype(_F)),
        _constant(tanh_table() if table is None else table),
        *(s if start else None for s in states),
        None if lengths is None else Input(shape=(batch,), dtype="int32", values=lengths),
    ]
    given = {"cell_bits": 11} if op == "quantized_lstm" else {}
    given |= {"output_multiplier": 127, **attributes}
    return Case(
        op=op,
        inputs=tuple(operands),
        attributes=given,
        label=label,
        dynamic=dynamic,
    )


def _gru_case(*sizes: int, state_bits: int = 14, **options: Any) -> Case:
    return _case(*sizes, op="quantized_gru", state_bits=state_bits, **options)


def _rnn_case(*sizes: int, **options: Any) -> Case:
    return _case(*sizes, op="quantized_rnn", **options)


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
    *(
        _gru_case(1, 1, 1, 1, start=start, reset_after=after)
        for start in (False, True)
        for after in (False, True)
    ),
    _gru_case(5, 3, 4, 4),
    _gru_case(5, 3, 4, 4, reset_after=True),
    _gru_case(4, 1, 3, 16, start=False),
    _gru_case(4, 1, 3, 16, start=False, reset_after=True),
    _gru_case(3, 2, 17, 17, output_zero_point=-5),
    _gru_case(2, 1, 33, 33, reset_after=True, output_zero_point=11),
    _gru_case(3, 1, 40, 32, output_multiplier=255, output_zero_point=-128),
    _gru_case(4, 1, 20, 48, reverse=True, start=False, state_bits=8),
    _gru_case(3, 1, 5, 80, output_zero_point=127, output_multiplier=16383),
    _gru_case(2, 1, 7, 160, state_bits=9, output_multiplier=60, reset_after=True),
    _gru_case(0, 1, 4, 16),
    _gru_case(0, 2, 3, 5, batch_first=True, start=False),
    _gru_case(3, 0, 3, 4),
    _gru_case(20, 1, 6, 32, label="long"),
    _gru_case(18, 2, 9, 20, reset_after=True, label="long"),
    _gru_case(4, 3, 5, 15, reverse=True, reset_after=True),
    _gru_case(4, 9, 8, 16, batch_first=True),
    _gru_case(4, 9, 8, 16, batch_first=True, reset_after=True),
    _gru_case(4, 5, 3, 18, lengths=[4, 0, 1, 3, 2]),
    _gru_case(4, 5, 3, 18, lengths=[2, 0, 1, 3, 2], reverse=True, output_zero_point=3, reset_after=True),
    _gru_case(4, 4, 3, 32, lengths=[2, 1, 0, 3], reverse=True, batch_first=True, start=False),
    _gru_case(4, 3, 3, 5, lengths=[0, 0, 0]),
    *(_gru_case(3, 2, 9, 32, table=_wild(), reset_after=after, label="wild") for after in (False, True)),
    _gru_case(3, 1, 9, 17, table=_wild(), reach=1e30, reset_after=True, label="infinite"),
    _gru_case(3, 1, 12, 32, reach=30.0, label="saturated"),
    *(_gru_case(3, 2, 12, 32, weights=128, reset_after=after, label="least") for after in (False, True)),
    _gru_case(5, 3, 4, 4, batch_first=True, start=False, dynamic=True, reset_after=True, label="moves"),
    _gru_case(5, 3, 4, 16, batch_first=True, dynamic=True, label="moves"),
    *(_rnn_case(1, 1, 1, 1, start=start) for start in (False, True)),
    _rnn_case(5, 3, 4, 4),
    _rnn_case(3, 2, 17, 17, output_zero_point=-5),
    _rnn_case(4, 1, 40, 48, reverse=True, start=False, output_multiplier=255),
    _rnn_case(2, 1, 7, 160, output_zero_point=127, output_multiplier=32767),
    _rnn_case(0, 1, 4, 16),
    _rnn_case(0, 2, 3, 5, batch_first=True, start=False),
    _rnn_case(3, 0, 3, 4),
    _rnn_case(18, 2, 9, 20, label="long"),
    _rnn_case(4, 9, 8, 16, batch_first=True, reverse=True),
    _rnn_case(4, 5, 3, 18, lengths=[2, 0, 1, 3, 2], reverse=True, output_zero_point=3),
    _rnn_case(4, 4, 3, 32, lengths=[2, 1, 0, 3], batch_first=True, start=False),
    _rnn_case(3, 2, 9, 32, table=_wild(), label="wild"),
    _rnn_case(3, 1, 9, 17, table=_wild(), reach=1e30, label="infinite"),
    _rnn_case(3, 2, 12, 32, weights=128, label="least"),
    _rnn_case(5, 3, 4, 4, batch_first=True, start=False, dynamic=True, label="moves"),
]
