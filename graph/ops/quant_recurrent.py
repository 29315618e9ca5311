"""Recurrent layers on integers: int8 data, weights and states, int16 gates and what is kept between steps.

Unlike those of recurrent.py they are given the inputs, not what these give to the gates: sums of int32 become int16
with 11 fraction bits without a tensor of them. docs/arithmetic.md has the formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from samara.graph import dims
from samara.graph.dims import Dimension
from samara.graph.ops import _fixed
from samara.graph.ops._table import OPS, OpDef, attribute

# Entries of a table of curves, and numbers of one: value, slope and curvature.
CURVES = 16
_CURVE = 3

# Fraction bits of a cell.
LEAST_CELL_BITS = 8
LARGEST_CELL_BITS = 12

# The same of a state of quantized_gru.
LEAST_STATE_BITS = 8
LARGEST_STATE_BITS = 14

# Cells whose gates are side by side, as columns of matrices.
BLOCK = 16
_LSTM_GATES = 4
_GRU_GATES = 3
_RNN_GATES = 1


def columns_of(cells: int, gates: int) -> int:
    """How many columns the matrices have: cells are padded to whole blocks."""
    return gates * _rounded_up(cells, BLOCK)


def _rounded_up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _check_shapes(op: Any, gates: int, states: Sequence[int], lengths: int) -> Any:
    """The shapes of y and of a state; `states` and `lengths` are numbers of inputs."""
    first, second, inputs = op.require_rank(0, 3)
    steps, batch = (second, first) if op.a.batch_first else (first, second)
    rows, columns = op.require_rank(1, 2)
    cells, more = op.require_rank(2, 2)
    op.merge(rows, inputs, "the rows of filter and the features of x")
    op.merge(columns, more, "the columns of filter and recurrent")
    if not all(isinstance(d, int) and d >= 1 for d in (rows, columns, cells)):
        op.fail(f"filter [{rows}, {columns}] and recurrent [{cells}, {more}] must be constants with elements")
    op.merge(columns, columns_of(cells, gates), f"the columns of filter and {gates} gates of the cells")
    for index in (3, 4):
        sides, count = op.require_rank(index, 2)
        name = op.definition.operands[index].name
        op.merge(sides, 2, f"the rows of {name}")
        op.merge(count, columns, f"the columns of {name}")
    numbers, curves = op.require_rank(5, 2)
    op.merge(numbers, _CURVE, "the rows of table")
    op.merge(curves, CURVES, "the columns of table")
    for index in states:
        if op.shapes[index] is not None:
            found = op.require_rank(index, 2)
            name = op.definition.operands[index].name
            op.merge(found[0], batch, f"the batch of x and of {name}")
            op.merge(found[1], cells, f"the columns of {name}")
    if op.shapes[lengths] is not None:
        op.merge(op.require_rank(lengths, 1)[0], batch, "the batch of x and of lengths")
    if not -128 <= op.a.output_zero_point <= 127:
        op.fail(f"output_zero_point is {op.a.output_zero_point}, outside -128..127")
    y = (batch, steps, cells) if op.a.batch_first else (steps, batch, cells)
    return y, (batch, cells)


def _lstm_shape(op: Any) -> Any:
    y, state = _check_shapes(op, _LSTM_GATES, (6, 7), 8)
    if not LEAST_CELL_BITS <= op.a.cell_bits <= LARGEST_CELL_BITS:
        op.fail(f"cell_bits is {op.a.cell_bits}, expected {LEAST_CELL_BITS} to {LARGEST_CELL_BITS}")
    if not 0 <= op.a.cell_clip <= 32767:
        op.fail(f"cell_clip is {op.a.cell_clip}, expected 0 to 32767")
    if not 1 <= op.a.output_multiplier <= 32767:
        op.fail(f"output_multiplier is {op.a.output_multiplier}, expected 1 to 32767")
    return [y, state, state]


def _gru_shape(op: Any) -> Any:
    y, state = _check_shapes(op, _GRU_GATES, (6,), 7)
    if not LEAST_STATE_BITS <= op.a.state_bits <= LARGEST_STATE_BITS:
        op.fail(f"state_bits is {op.a.state_bits}, expected {LEAST_STATE_BITS} to {LARGEST_STATE_BITS}")
    most = 2**op.a.state_bits - 1
    if not 1 <= op.a.output_multiplier <= most:
        op.fail(f"output_multiplier is {op.a.output_multiplier}, expected 1 to {most}")
    return [y, state, state]


def _rnn_shape(op: Any) -> Any:
    y, state = _check_shapes(op, _RNN_GATES, (6,), 7)
    if not 1 <= op.a.output_multiplier <= 32767:
        op.fail(f"output_multiplier is {op.a.output_multiplier}, expected 1 to 32767")
    return [y, state]


def _scratch(gates: int) -> Callable[[Any], Dimension]:
    """What sums begin with; what the inputs give to the gates, int16 of cells, two states and the inputs themselves."""

    def scratch(op: Any) -> Dimension:
        inputs, columns = (int(size) for size in op.inputs[1].shape)
        first, second, _ = op.inputs[0].shape
        batch: Dimension = first if op.a.batch_first else second
        rows = dims.product((first, second, 2 * columns + _rounded_up(inputs, 4)))
        return rows + dims.product((batch, 4 * columns // gates)) + 8 * columns

    return scratch


# Numbers of 16 bits, as int64 -----------------------------------------------------------------------------------


def _short(xp: Any, x: Any) -> Any:
    return _fixed.saturate(xp, x, 16)


def _product(xp: Any, x: Any, y: Any) -> Any:
    """Of two numbers with 15 fraction bits, halves up."""
    return (x * y + (1 << 14)) // (1 << 15)


def _curve(xp: Any, table: Any, x: Any) -> Any:
    """The odd function of a table at x with 12 fraction bits; magnitudes of 4 and more are what is next to 4."""
    magnitude = _fixed.clamp(xp, xp.abs(x), 0, (1 << 14) - 1)
    index, rest = magnitude // 1024, magnitude % 1024 * 32
    value, slope, bend = (
        xp.reshape(xp.take(table[k, :], xp.reshape(index, (-1,)), axis=0), index.shape) for k in range(_CURVE)
    )
    slope = _short(xp, slope + _product(xp, rest, bend))
    value = _short(xp, value + _product(xp, rest, slope))
    return xp.where(x < 0, _short(xp, -value), value)


def _sigmoid(xp: Any, table: Any, x: Any) -> Any:
    """Of 11 fraction bits, which are 12 of half of it."""
    return _curve(xp, table, x) // 2 + (1 << 14)


def _doubled(xp: Any, x: Any, times: int) -> Any:
    return _short(xp, x * (1 << times))


def _sums(xp: Any, gates: int, x: Any, weights: Any, bias: Any, multiplier: Any) -> Any:
    """Products of int8, exact in float64, as numbers with 11 fraction bits: [gates][N, cells]."""
    acc = xp.astype(x, xp.float64) @ xp.astype(weights, xp.float64)
    acc = xp.astype(acc, xp.int32) + bias
    scaled = xp.astype(acc, xp.float32) * multiplier
    low, high = (xp.asarray(v, dtype=xp.float32) for v in (-32768.0, 32767.0))
    rounded = _fixed.wide(xp, xp.round(xp.minimum(xp.maximum(scaled, low), high)))
    batch, columns = rounded.shape
    blocks = xp.reshape(rounded, (batch, columns // (gates * BLOCK), gates, BLOCK))
    return xp.reshape(xp.permute_dims(blocks, (2, 0, 1, 3)), (gates, batch, columns // gates))


def _run(
    xp: Any,
    op: Any,
    x: Any,
    cells: int,
    states: Sequence[Any],
    lengths: Any,
    step: Callable[..., Sequence[Any]],
) -> list[Any]:
    """The outputs of all steps, as int8, then the states after the last.

    `step(given, *states)` gives the output, then the states.
    """
    if op.a.batch_first:
        x = xp.permute_dims(x, (1, 0, 2))
    steps, batch = x.shape[:2]
    if lengths is not None and bool(xp.any((lengths < 0) | (lengths > steps))):
        raise ValueError(f"lengths must be 0 to {steps}")
    rest = xp.zeros((batch, cells), dtype=xp.int64) + op.a.output_zero_point
    written = [rest] * steps
    for t in reversed(range(steps)) if op.a.reverse else range(steps):
        out, *after = step(x[t, :, :], *states)
        if lengths is None:
            states, written[t] = after, out
        else:
            goes_on = xp.expand_dims(lengths > t, axis=1)
            states = [xp.where(goes_on, a, s) for a, s in zip(after, states, strict=True)]
            written[t] = xp.where(goes_on, out, rest)
    shape = (batch, 0, cells) if op.a.batch_first else (0, batch, cells)
    y = xp.stack(written, axis=1 if op.a.batch_first else 0) if written else xp.zeros(shape, dtype=xp.int64)
    return [xp.astype(y, xp.int8), *states]


def _start(xp: Any, op: Any, x: Any, cells: int, state: Any, value: int) -> Any:
    """A state before the first step."""
    if state is not None:
        return _fixed.wide(xp, state)
    return xp.zeros((x.shape[0 if op.a.batch_first else 1], cells), dtype=xp.int64) + value


# LSTM -----------------------------------------------------------------------------------------------------------


def _lstm(
    xp: Any,
    op: Any,
    x: Any,
    weights: Any,
    recurrent: Any,
    bias: Any,
    multiplier: Any,
    table: Any,
    state: Any,
    cell: Any,
    lengths: Any,
) -> Any:
    a = op.a
    size = recurrent.shape[0]
    table = _fixed.wide(xp, table)
    clip = a.cell_clip or 32768

    def step(given: Any, h: Any, c: Any) -> Any:
        sums = _sums(xp, _LSTM_GATES, given, weights, bias[0, :], multiplier[0, :])
        more = _sums(xp, _LSTM_GATES, h, recurrent, bias[1, :], multiplier[1, :])
        gates = _short(xp, sums + more)
        i, f, g, o = (gates[k, :, :size] for k in range(_LSTM_GATES))
        new = _product(xp, _sigmoid(xp, table, i), _curve(xp, table, _doubled(xp, g, 1)))
        kept = _product(xp, _sigmoid(xp, table, f), c)
        after = _short(xp, kept + _product(xp, new, 1 << a.cell_bits))
        after = _fixed.clamp(xp, after, -clip, min(clip, 32767))
        out = _curve(xp, table, _doubled(xp, after, LARGEST_CELL_BITS - a.cell_bits))
        out = _product(xp, _product(xp, _sigmoid(xp, table, o), out), a.output_multiplier)
        out = _fixed.saturate(xp, out + a.output_zero_point, 8)
        return out, out, after

    states = [_start(xp, op, x, size, state, a.output_zero_point), _start(xp, op, x, size, cell, 0)]
    y, h, c = _run(xp, op, x, size, states, lengths, step)
    return y, xp.astype(h, xp.int8), xp.astype(c, xp.int16)


# GRU ------------------------------------------------------------------------------------------------------------


def _gru(
    xp: Any,
    op: Any,
    x: Any,
    weights: Any,
    recurrent: Any,
    bias: Any,
    multiplier: Any,
    table: Any,
    state: Any,
    lengths: Any,
) -> Any:
    a = op.a
    size = recurrent.shape[0]
    table = _fixed.wide(xp, table)

    def rounded(h: Any) -> Any:
        """A state as the matrix takes it and as the output is."""
        steps = _product(xp, h, a.output_multiplier << (15 - a.state_bits))
        return _fixed.saturate(xp, steps + a.output_zero_point, 8)

    def of_state(h: Any) -> Any:
        sums = _sums(xp, _GRU_GATES, rounded(h), recurrent, bias[1, :], multiplier[1, :])
        return sums[:, :, :size]

    def step(given: Any, h: Any) -> Any:
        sums = _sums(xp, _GRU_GATES, given, weights, bias[0, :], multiplier[0, :])[:, :, :size]
        more = of_state(h)
        z, r = (_sigmoid(xp, table, _short(xp, sums[k, :, :] + more[k, :, :])) for k in range(2))
        fresh = _product(xp, r, more[2, :, :]) if a.reset_after else of_state(_product(xp, r, h))[2, :, :]
        new = _curve(xp, table, _doubled(xp, _short(xp, sums[2, :, :] + fresh), 1))
        new = _product(xp, new, 1 << a.state_bits)
        after = _short(xp, new + _product(xp, z, _short(xp, h - new)))
        return rounded(after), after

    y, h = _run(xp, op, x, size, [_start(xp, op, x, size, state, 0)], lengths, step)
    return y, xp.astype(rounded(h), xp.int8), xp.astype(h, xp.int16)


# Simple ---------------------------------------------------------------------------------------------------------


def _rnn(
    xp: Any,
    op: Any,
    x: Any,
    weights: Any,
    recurrent: Any,
    bias: Any,
    multiplier: Any,
    table: Any,
    state: Any,
    lengths: Any,
) -> Any:
    a = op.a
    size = recurrent.shape[0]
    table = _fixed.wide(xp, table)

    def step(given: Any, h: Any) -> Any:
        sums = _sums(xp, _RNN_GATES, given, weights, bias[0, :], multiplier[0, :])
        more = _sums(xp, _RNN_GATES, h, recurrent, bias[1, :], multiplier[1, :])
        out = _curve(xp, table, _doubled(xp, _short(xp, sums + more)[0, :, :size], 1))
        out = _product(xp, out, a.output_multiplier) + a.output_zero_point
        out = _fixed.saturate(xp, out, 8)
        return out, out

    states = [_start(xp, op, x, size, state, a.output_zero_point)]
    y, h = _run(xp, op, x, size, states, lengths, step)
    return y, xp.astype(h, xp.int8)


_OPERANDS = (
    "x: int8",
    "filter: int8 packed",
    "recurrent: int8 packed",
    "bias: int32",
    "multiplier: float32",
    "table: int16",
)
_REVERSE = attribute("reverse", "bool", False, "Whether steps are taken from the last to the first.")
_BATCH_FIRST = attribute(
    "batch_first", "bool", False, "Whether x and y have the batch first and the steps second."
)
_OUTPUT = (
    attribute(
        "output_multiplier",
        "int",
        doc="Steps of the output in 1: its scale is 1 / output_multiplier.",
    ),
    attribute("output_zero_point", "int", 0, "The integer that stands for the real number 0."),
)
_ENDS = (
    "With lengths [N] each sequence has so many steps: after them y is output_zero_point and the states stay; in "
    "reverse the last of them comes first."
)

OPS.register(
    OpDef(
        name="quantized_lstm",
        opcode=182,
        inputs=(*_OPERANDS, "state: int8?", "cell: int16?", "lengths: int32?"),
        outputs=("y: int8", "new_state: int8", "new_cell: int16"),
        attributes=(
            _REVERSE,
            _BATCH_FIRST,
            attribute("cell_bits", "int", doc="Fraction bits of a cell, 8 to 12."),
            attribute("cell_clip", "int", 0, "What the magnitude of a cell may be; 0 for any."),
            *_OUTPUT,
        ),
        doc="lstm on integers, with the product of the inputs in it: x [T, N, I], filter [I, G] and recurrent [C, G]. "
        "The columns G have for each 16 cells, the last padded, 16 of each gate. Both give sums with bias [2, G], "
        "which has -zero point * sum(weights) in it; multiplier [2, G] makes them numbers with 11 fraction bits. "
        "Their sum goes through sigmoid or tanh: table [3, 16] has value, slope and bend of tanh from each quarter "
        f"below 4 to the next, with 15 fraction bits. state, new_state and y have one scale. {_ENDS}",
        shape=_lstm_shape,
        reference=_lstm,
        quant="integer",
        scratch=_scratch(_LSTM_GATES),
    ),
    OpDef(
        name="quantized_gru",
        opcode=183,
        inputs=(*_OPERANDS, "state: int16?", "lengths: int32?"),
        outputs=("y: int8", "last: int8", "new_state: int16"),
        attributes=(
            _REVERSE,
            _BATCH_FIRST,
            attribute(
                "reset_after",
                "bool",
                False,
                "Whether the reset gate multiplies what recurrent makes of the state, not the state.",
            ),
            attribute("state_bits", "int", doc="Fraction bits of a state, 8 to 14."),
            *_OUTPUT,
        ),
        doc="gru on integers: what quantized_lstm is of lstm, with three gates for each 16 cells. States are numbers "
        "with state_bits fraction bits between the steps; recurrent is given them as y has them, and so it is what the "
        "reset gate leaves of them without reset_after. With it the bias of recurrent is part of what the gate "
        f"multiplies. last is new_state as y has it. {_ENDS}",
        shape=_gru_shape,
        reference=_gru,
        quant="integer",
        scratch=_scratch(_GRU_GATES),
    ),
    OpDef(
        name="quantized_rnn",
        opcode=184,
        inputs=(*_OPERANDS, "state: int8?", "lengths: int32?"),
        outputs=("y: int8", "new_state: int8"),
        attributes=(_REVERSE, _BATCH_FIRST, *_OUTPUT),
        doc="rnn with tanh on integers: what quantized_lstm is of lstm, with one gate. state, new_state and y have one "
        f"scale. {_ENDS}",
        shape=_rnn_shape,
        reference=_rnn,
        quant="integer",
        scratch=_scratch(_RNN_GATES),
    ),
)
