"""The LSTM on integers of TensorFlow Lite: int8 data and weights, int16 gates and cells."""

from __future__ import annotations

from typing import Any

from samara.graph.ops import _fixed
from samara.graph.ops._table import OPS, OpDef, attribute

_GATES = ("input", "forget", "cell", "output")


def _shape(op: Any) -> Any:
    batch, steps, inputs = op.require_rank(0, 3)
    gates, cells, columns = op.require_rank(1, 3)
    op.merge(columns, inputs, "the columns of filter and the features of x")
    if gates not in (3, 4):
        op.fail(
            f"filter has {gates} gates, expected 4, or 3 where the input gate is what the forget gate leaves"
        )
    recurrent = op.require_rank(2, 3)
    outputs = recurrent[2]
    op.merge(recurrent[0], gates, "the gates of filter and recurrent")
    op.merge(recurrent[1], cells, "the cells of filter and recurrent")
    for index, expected in ((3, (2, gates, cells)), (4, (2, 2, gates))):
        for found, size in zip(op.require_rank(index, 3), expected, strict=True):
            op.merge(found, size, op.definition.operands[index].name)
    for index, size in ((5, outputs), (6, cells)):
        found = op.require_rank(index, 2)
        op.merge(found[0], batch, "the batch")
        op.merge(found[1], size, op.definition.operands[index].name)
    if len(op.shapes) > 7 and op.shapes[7] is not None:
        rows, depth = op.require_rank(7, 2)
        op.merge(rows, outputs, "the rows of projection")
        op.merge(depth, cells, "the columns of projection")
        if len(op.shapes) < 9 or op.shapes[8] is None:
            op.fail("projection comes with projection_bias")
        (size,) = op.require_rank(8, 1)
        op.merge(size, outputs, "projection_bias")
    else:
        op.merge(cells, outputs, "cells and outputs, which differ only with a projection")
    if not -15 <= op.a.cell_scale_log2 <= -9:
        op.fail(f"cell_scale_log2 is {op.a.cell_scale_log2}, expected -15 to -9")
    for prefix in ("hidden", "projection"):
        _fixed.check(op, getattr(op.a, f"{prefix}_multiplier"), getattr(op.a, f"{prefix}_shift"))
    return [(batch, steps, outputs), (batch, outputs), (batch, cells), (batch, cells)]


def _sum(xp: Any, data: Any, weights: Any, bias: Any) -> Any:
    """Exact, in float64."""
    return _fixed.wide(xp, _float(xp, data) @ xp.matrix_transpose(_float(xp, weights))) + _fixed.wide(
        xp, bias
    )


def _float(xp: Any, value: Any) -> Any:
    return xp.astype(value, xp.float64)


def _reference(
    xp: Any,
    op: Any,
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
    a = op.a
    state, cell = _fixed.wide(xp, state), _fixed.wide(xp, cell)
    count = weights.shape[0]
    names = _GATES[4 - count :]
    hidden = xp.zeros_like(cell)
    written = []
    for step in range(x.shape[1]):
        gates = {}
        for index, name in enumerate(names):
            gate: Any = 0
            for side, (data, w) in enumerate(((x[:, step, :], weights), (state, recurrent))):
                acc = _sum(xp, data, w[index, :, :], bias[side, index, :])
                by = multipliers[side, :, index]
                gate = _fixed.saturate(xp, gate + _fixed.multiply(xp, acc, by[0], by[1]), 16)
            gates[name] = (_fixed.tanh if name == "cell" else _fixed.logistic)(xp, gate, 3)
        first = gates["input"] if count == 4 else 2**15 - 1 - gates["forget"]
        kept = _fixed.round_shift(xp, gates["forget"] * cell, 15)
        new = _fixed.round_shift(xp, first * gates["cell"], 30 + a.cell_scale_log2)
        cell = _fixed.saturate(xp, kept + new, 16)
        if a.cell_clip > 0:
            cell = _fixed.clamp(xp, cell, -a.cell_clip, a.cell_clip)
        hidden = gates["output"] * _fixed.tanh(xp, cell, 15 + a.cell_scale_log2)
        hidden = _fixed.multiply(xp, hidden, a.hidden_multiplier, a.hidden_shift)
        hidden = state = _fixed.saturate(xp, hidden + a.hidden_zero_point, 8)
        if projection is not None:
            acc = _sum(xp, state, projection, projection_bias)
            scaled = _fixed.multiply(xp, acc, a.projection_multiplier, a.projection_shift)
            state = _fixed.saturate(xp, scaled + a.output_zero_point, 8)
            if a.projection_clip > 0:
                state = _fixed.clamp(xp, state, -a.projection_clip, a.projection_clip)
        written.append(xp.astype(state, xp.int8))
    shape = (x.shape[0], 0, recurrent.shape[2])
    y = xp.stack(written, axis=1) if written else xp.zeros(shape, dtype=xp.int8)
    return y, xp.astype(state, xp.int8), xp.astype(cell, xp.int16), xp.astype(hidden, xp.int8)


OPS.register(
    OpDef(
        name="fixed_point_lstm",
        opcode=176,
        inputs=(
            "x: int8",
            "filter: int8",
            "recurrent: int8",
            "bias: int32",
            "multipliers: int32",
            "output_state: int8",
            "cell_state: int16",
            "projection: int8?",
            "projection_bias: int32?",
        ),
        outputs=("y: int8", "new_output_state: int8", "new_cell_state: int16", "hidden: int8"),
        attributes=(
            attribute("cell_scale_log2", "int", doc="The scale of the cell state is 2 to this, -15 to -9."),
            attribute("cell_clip", "int", 0, "What the magnitude of a cell may be; 0 for any."),
            attribute("hidden_multiplier", "int", doc="Rescales the output gate times the tanh of the cell."),
            attribute("hidden_shift", "int", doc="Its power of two."),
            attribute("hidden_zero_point", "int", 0, "The integer that stands for the real number 0."),
            attribute("projection_multiplier", "int", 0, "Rescales what the projection gives."),
            attribute("projection_shift", "int", 0, "Its power of two."),
            attribute("output_zero_point", "int", 0, "The zero point of what the projection gives."),
            attribute(
                "projection_clip", "int", 0, "What the magnitude of a projected output may be; 0 for any."
            ),
        ),
        doc="The LSTM of TensorFlow Lite on integers, over the steps of x [N, T, I]. filter [G, C, I] and recurrent "
        "[G, C, O] have the gates input, forget, cell and output; with G = 3 the first is left out and is 1 - forget. "
        "bias [2, G, C] goes with filter and with recurrent and has what the zero points take away in it; "
        "multipliers [2, 2, G] are the fixed-point multipliers and shifts to int16 with 12 fraction bits, for each of "
        "both. Without projection [O, C], O is C. It gives the outputs [N, T, O], the states after the last step, and "
        "what the cells let out in that step, before the projection.",
        shape=_shape,
        reference=_reference,
        quant="integer",
    ),
)
