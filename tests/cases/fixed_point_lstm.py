"""Cases of the LSTM on integers. The oracle computes with Python integers and fractions, one number at a time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from tests.cases._case import Case, Input
from tests.cases.fixed_point import away, given, scaled, up

_LIMIT = 2**15


def _short(value: int) -> int:
    return min(max(value, -_LIMIT), _LIMIT - 1)


def _product(x: int, y: int) -> int:
    return _short(up(Fraction(x * y, _LIMIT)))


def _exponential(a: int, integer_bits: int) -> int:
    """exp(a) for a <= 0, by the terms around -1/8 and the binary digits of what is left, as the kernels do."""
    one = 2 ** (15 - integer_bits)
    if a == 0:
        return _LIMIT - 1
    if integer_bits > 5 and a < -32 * one:
        return 0
    quarter = one // 4
    rest = a % quarter - quarter
    quarters = (rest - a) // quarter
    x = rest * 2**integer_bits + _LIMIT // 8
    square = _product(x, x)
    terms = _product(away(Fraction(_product(square, square), 4)) + _product(square, x), 10923) + square
    result = _short(28918 + _product(28918, x + away(Fraction(terms, 2))))
    for digit, factor in enumerate((25520, 19875, 12055, 4435, 600, 11, 0)):
        if digit - 2 < integer_bits and quarters >> digit & 1:
            result = _product(result, factor)
    return result


def _newton(a: int) -> int:
    half = (a + _LIMIT) // 2
    x = 23130 + _product(half, -15420)
    for _ in range(3):
        x += _short(4 * _product(x, 8192 - _product(half, x)))
    return x


def logistic(a: int) -> int:
    """Of a number with 12 fraction bits."""
    if a == 0:
        return _LIMIT // 2
    result = _short(2 * _newton(_exponential(-abs(a), 3)))
    return result if a > 0 else _LIMIT - 1 - result


def tanh(a: int, integer_bits: int) -> int:
    """Of a number with so many integer bits."""
    result = _short(4 * (_newton(_exponential(-abs(a), integer_bits + 1)) - 8192))
    return 0 if a == 0 else result if a > 0 else -result


def _lstm(
    a: Any,
    x: Any,
    weights: Any,
    recurrent: Any,
    bias: Any,
    multipliers: Any,
    state: Any,
    cell: Any,
    projection: Any = None,
    projection_bias: Any = None,
) -> Any:
    state, cell = state.copy(), cell.copy()
    batch, steps, _ = x.shape
    count, cells, _ = weights.shape
    y = np.zeros((batch, steps, recurrent.shape[2]), np.int8)
    last = np.zeros((batch, cells), np.int8)

    def byte(value: int) -> int:
        return min(max(value, -128), 127)

    for n in range(batch):
        for t in range(steps):
            hidden = np.zeros(cells, np.int64)
            new = cell[n].astype(int)
            for c in range(cells):
                sums = []
                for g in range(count):
                    first = int(bias[0, g, c]) + sum(
                        int(p) * int(q) for p, q in zip(x[n, t], weights[g, c], strict=True)
                    )
                    second = int(bias[1, g, c]) + sum(
                        int(p) * int(q) for p, q in zip(state[n], recurrent[g, c], strict=True)
                    )
                    by = multipliers[:, :, g].astype(int)
                    total = _short(scaled(first, *map(int, by[0]))) + scaled(second, *map(int, by[1]))
                    sums.append(_short(total))
                forget, out = logistic(sums[-3]), logistic(sums[-1])
                take = logistic(sums[0]) if count == 4 else _LIMIT - 1 - forget
                value = _short(
                    away(Fraction(forget * int(cell[n, c]), 2**15))
                    + away(Fraction(take * tanh(sums[-2], 3), 2 ** (30 + a.cell_scale_log2)))
                )
                if a.cell_clip:
                    value = min(max(value, -a.cell_clip), a.cell_clip)
                new[c] = value
                released = scaled(
                    out * tanh(value, 15 + a.cell_scale_log2), a.hidden_multiplier, a.hidden_shift
                )
                hidden[c] = byte(released + a.hidden_zero_point)
            cell[n], last[n] = new, hidden
            if projection is not None:
                for o in range(y.shape[2]):
                    acc = int(projection_bias[o]) + sum(
                        int(p) * int(q) for p, q in zip(hidden, projection[o], strict=True)
                    )
                    value = scaled(acc, a.projection_multiplier, a.projection_shift)
                    value = byte(value + a.output_zero_point)
                    clip = a.projection_clip or 128
                    y[n, t, o] = min(max(value, -clip), clip)
            else:
                y[n, t] = hidden
            state[n] = y[n, t]
    return y, state.astype(np.int8), cell.astype(np.int16), last


ORACLES = {"fixed_point_lstm": _lstm}


def _case(
    batch: int,
    steps: int,
    inputs: int,
    cells: int,
    *,
    gates: int = 4,
    outputs: int | None = None,
    label: str = "",
    **attributes: Any,
) -> Case:
    generator = np.random.default_rng(batch + 10 * steps + 100 * cells + gates)

    def draw(dtype: str, low: int, high: int, *shape: int) -> Input:
        return given(dtype, generator.integers(low, high, shape, endpoint=True))

    size = cells if outputs is None else outputs
    multipliers = np.stack(
        [generator.integers(2**30, 2**31, (2, gates)), generator.integers(-4, -1, (2, gates))], axis=1
    )
    given_inputs: list[Input] = [
        Input(shape=(batch, steps, inputs), dtype="int8", low=-128, high=127),
        draw("int8", -127, 127, gates, cells, inputs),
        draw("int8", -127, 127, gates, cells, size),
        draw("int32", -9000, 9000, 2, gates, cells),
        given("int32", multipliers),
        Input(shape=(batch, size), dtype="int8", low=-128, high=127),
        Input(shape=(batch, cells), dtype="int16", low=-(2**15), high=2**15 - 1),
    ]
    filled = {"cell_scale_log2": -11, "hidden_multiplier": 1_400_000_000, "hidden_shift": -21, **attributes}
    if outputs is not None:
        given_inputs += [draw("int8", -127, 127, size, cells), draw("int32", -900, 900, size)]
        filled.update(projection_multiplier=1_500_000_000, projection_shift=-7, output_zero_point=3)
    return Case(
        op="fixed_point_lstm",
        inputs=tuple(given_inputs),
        attributes=filled,
        dtypes=("int8",),
        gradient=False,
        label=label,
    )


CASES = [
    _case(1, 1, 1, 1),
    _case(1, 4, 5, 3, label="plain"),
    _case(3, 3, 7, 17, hidden_zero_point=-9, cell_clip=20000),
    _case(2, 3, 4, 5, gates=3),
    _case(2, 2, 3, 6, outputs=4),
    _case(1, 3, 3, 5, outputs=7, gates=3, projection_clip=60),
    *(_case(1, 2, 3, 33, cell_scale_log2=k) for k in range(-15, -8)),
    *(_case(1, 2, inputs, 9) for inputs in (15, 16, 17, 31, 33, 70)),
    _case(1, 2, 40, 17, outputs=33),
    _case(2, 0, 3, 4),
    _case(0, 2, 3, 4),
]
