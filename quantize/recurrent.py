"""Recurrent layers as integers: which of them, the ranges of their cells, and what they are built of.

The integer op computes the product of the inputs and their weights too, which in a float graph is a matmul before it:
so what the gates are given never becomes int8.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.graph import Operation, Tensor
from samara.graph.ops.quant_recurrent import BLOCK, CURVES, LARGEST_CELL_BITS, LEAST_CELL_BITS
from samara.graph.rewrite import constant_value
from samara.quantize.scheme import Linear, Quantization, linear, of_range

Array = np.ndarray[Any, Any]

# Inputs and outputs of the op lstm.
GATES, RECURRENT, STATE, CELL, LENGTHS, PROJECTION = range(6)
NEW_CELL = 2

# What a gate's sum stands for has 11 fraction bits.
_GATE = Quantization(scale=np.float32(2.0**-11), zero_point=np.int32(0))


def product_of(op: Operation) -> Operation:
    """The product of the inputs and their weights, of an op that has no problem."""
    gates = op.inputs[GATES]
    assert gates is not None
    return gates.op


def problem(op: Operation) -> str:
    """Why it has no integer arithmetic, or ""."""
    gates = op.inputs[GATES]
    if len(op.inputs) > PROJECTION and op.inputs[PROJECTION] is not None:
        return "it has a projection"
    if constant_value(op.inputs[RECURRENT]) is None:
        return "its weights are not constant"
    assert gates is not None
    if gates.op.type != "matmul":
        return "what its gates are given is no product of inputs and constant weights"
    if gates.op.attributes.get("activation", "none") != "none":
        return "what its gates are given goes through a function"
    return ""


def observed(op: Operation) -> list[Tensor]:
    """What is needed for the ranges of its states and cells."""
    wanted = [op.inputs[i] for i in (GATES, STATE, CELL, LENGTHS) if i < len(op.inputs)]
    return [t for t in wanted if t is not None]


def largest_cell(op: Operation, values: dict[int, Array]) -> float:
    """The largest magnitude of a cell in any step, from the values of `observed`, by the identities of its tensors."""

    def value(index: int) -> Array | None:
        tensor = op.inputs[index] if index < len(op.inputs) else None
        constant = constant_value(tensor)
        return constant if tensor is None or constant is not None else values[id(tensor)]

    gates, recurrent = value(GATES), value(RECURRENT)
    state, cell, lengths = value(STATE), value(CELL), value(LENGTHS)
    assert gates is not None
    assert recurrent is not None
    if op.a.batch_first:
        gates = gates.swapaxes(0, 1)
    steps, batch, columns = gates.shape
    size = columns // 4
    h = np.zeros((batch, size), np.float32) if state is None else state
    c = np.zeros((batch, size), np.float32) if cell is None else cell
    largest = float(np.abs(c).max(initial=0.0))
    for t in reversed(range(steps)) if op.a.reverse else range(steps):
        sums = gates[t] + h @ recurrent
        enter, keep, leave = (
            0.5 * np.tanh(0.5 * sums[:, k * size : (k + 1) * size]) + 0.5 for k in (0, 1, 3)
        )
        after = keep * c + enter * np.tanh(sums[:, 2 * size : 3 * size])
        if op.a.cell_clip > 0:
            after = np.clip(after, -op.a.cell_clip, op.a.cell_clip)
        goes_on = np.ones((batch, 1), bool) if lengths is None else (lengths > t)[:, None]
        c, h = np.where(goes_on, after, c), np.where(goes_on, leave * np.tanh(after), h)
        largest = max(largest, float(np.abs(c).max(initial=0.0)))
    return largest


def cell_quantization(largest: float) -> Quantization:
    """What the int16 of cells stand for, of which this is the largest magnitude."""
    bits = LARGEST_CELL_BITS
    while bits > LEAST_CELL_BITS and largest * 2.0**bits > 32767:
        bits -= 1
    return Quantization(scale=np.float32(2.0**-bits), zero_point=np.int32(0))


def state_quantization(low: float, high: float) -> Quantization:
    """What the int8 of states stand for: their scale is one by an integer."""
    steps = int(np.clip(np.floor(1.0 / float(of_range(low, high).scale)), 1, 32767))
    zero_point = np.clip(np.round(-128.0 - min(low, 0.0) * steps), -128, 127)
    return Quantization(scale=np.float32(1.0 / steps), zero_point=np.int32(zero_point))


def curves() -> Array:
    """Value, slope and bend of tanh from each quarter below 4 to the next, with 15 fraction bits.

    Between the ends, where it is exact, the parabola is the nearest one by least squares.
    """
    knots = np.tanh(np.arange(CURVES + 1) / 4)
    at = np.arange(1, 1024) / 1024
    bent = at * at - at
    found = np.zeros((3, CURVES))
    for k, (begin, end) in enumerate(itertools.pairwise(knots)):
        off = np.tanh((k + at) / 4) - begin - (end - begin) * at
        bend = (bent * off).sum() / (bent * bent).sum()
        found[:, k] = begin, end - begin - bend, bend
    return np.round(found * 2**15).astype(np.int16)


def in_blocks(gates: Any) -> Any:
    """Columns of gates as the integer op has them; None for none."""
    if gates is None:
        return None
    each = np.split(np.atleast_2d(gates), 4, axis=1)
    rows, cells = each[0].shape
    padded = [np.pad(gate, ((0, 0), (0, -cells % BLOCK))).reshape(rows, -1, BLOCK) for gate in each]
    return np.stack(padded, axis=2).reshape(*np.shape(gates)[:-1], -1)


def lstm(
    site: Any, state: Tensor | None, cell: Tensor | None, lengths: Tensor | None, bits: int
) -> list[Tensor]:
    """The integer op.

    Args:
        site: a Site, whose x are the inputs.
        state: before the first step, quantized as the output is.
        cell: the same with so many fraction bits.
        lengths: of the sequences.
        bits: the fraction bits of cells.
    """
    op = site.op
    product = product_of(op)
    weights, recurrent = constant_value(product.inputs[1]), constant_value(op.inputs[RECURRENT])
    assert weights is not None
    assert recurrent is not None
    weights = weights.T if product.a.transpose_y else weights
    bias = constant_value(product.inputs[2]) if len(product.inputs) > 2 else None
    what = f"{op.type} {op.name!r}"
    sides = [
        linear(in_blocks(weights), in_blocks(bias), x=site.scales[0], y=_GATE, what=what),
        linear(in_blocks(recurrent), None, x=site.y, y=_GATE, what=what),
    ]
    tensors = [
        _weights(site, sides[0], "filter"),
        _weights(site, sides[1], "recurrent"),
        site.constant(np.stack([s.bias for s in sides]), "bias"),
        site.constant(np.stack([s.multiplier for s in sides]), "multiplier"),
        site.constant(curves(), "tanh"),
    ]
    attributes = {
        "reverse": op.a.reverse,
        "batch_first": op.a.batch_first,
        "cell_bits": bits,
        "cell_clip": int(np.clip(round(op.a.cell_clip * 2**bits), 1, 32767)) if op.a.cell_clip > 0 else 0,
        "output_multiplier": round(1.0 / float(site.y.scale)),
        "output_zero_point": int(site.y.zero_point),
    }
    made: list[Tensor] = site.graph.apply(
        "quantized_lstm",
        [site.x[0], *tensors, state, cell, lengths],
        attributes,
        name=site.name,
        exact_name=True,
    ).outputs
    return made


def _weights(site: Any, side: Linear, name: str) -> Tensor:
    tensor: Tensor = site.constant(side.filter, name)
    zeros = np.zeros(side.scale.shape, np.int32)
    site.note(tensor, Quantization(scale=side.scale, zero_point=zeros, axis=1))
    return tensor


def states(op: Operation) -> Sequence[Tensor]:
    """The tensors that are written at the scale of its output: the states after each step and after the last."""
    return op.outputs[:NEW_CELL]


__all__ = [
    "CELL",
    "LENGTHS",
    "NEW_CELL",
    "STATE",
    "cell_quantization",
    "curves",
    "in_blocks",
    "largest_cell",
    "lstm",
    "observed",
    "problem",
    "product_of",
    "state_quantization",
    "states",
]
