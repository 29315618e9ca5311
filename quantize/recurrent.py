"""Recurrent layers as integers: which of them, the ranges of their cells, and what they are built of.

An integer op computes the product of the inputs and their weights too, which in a float graph is a matmul before it:
so what the gates are given never becomes int8.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.graph import Operation, Tensor
from samara.graph.ops.quant_recurrent import (
    BLOCK,
    CURVES,
    LARGEST_CELL_BITS,
    LARGEST_STATE_BITS,
    LEAST_CELL_BITS,
    LEAST_STATE_BITS,
)
from samara.graph.rewrite import constant_value
from samara.quantize.scheme import Linear, Quantization, linear, of_range

Array = np.ndarray[Any, Any]

# The ops, each the name of its rule.
LAYERS = ("lstm", "gru", "rnn")

# Inputs of all, then those of lstm, and of gru.
_GATES, _RECURRENT, _STATE = range(3)
_CELL, _PROJECTION = 3, 5
NEW_CELL = 2
_BIAS = 4

_LENGTHS = {"lstm": 4, "gru": 3, "rnn": 3}
_COUNTS = {"lstm": 4, "gru": 3, "rnn": 1}

# Steps in 1 that the states of all ops can have.
_MOST_STEPS = 2**LARGEST_STATE_BITS - 1

# What a gate's sum stands for has 11 fraction bits.
_GATE = Quantization(scale=np.float32(2.0**-11), zero_point=np.int32(0))


def _input(op: Operation, index: int) -> Tensor | None:
    return op.inputs[index] if index < len(op.inputs) else None


def state_of(op: Operation) -> Tensor | None:
    """The state before the first step, if one is given."""
    return _input(op, _STATE)


def cell_of(op: Operation) -> Tensor | None:
    """The same of the cell of an lstm."""
    return _input(op, _CELL)


def lengths_of(op: Operation) -> Tensor | None:
    """The lengths of its sequences, if they are given."""
    return _input(op, _LENGTHS[op.type])


def product_of(op: Operation) -> Operation:
    """The product of the inputs and their weights, of an op that has no problem."""
    gates = op.inputs[_GATES]
    assert gates is not None
    return gates.op


def problem(op: Operation) -> str:
    """Why it has no integer arithmetic, or ""."""
    gates = op.inputs[_GATES]
    if op.type == "lstm" and _input(op, _PROJECTION) is not None:
        return "it has a projection"
    if op.type == "rnn" and op.a.activation != "tanh":
        return f"it has {op.a.activation} for tanh"
    if constant_value(op.inputs[_RECURRENT]) is None:
        return "its weights are not constant"
    bias = _input(op, _BIAS) if op.type == "gru" else None
    if bias is not None and constant_value(bias) is None:
        return "its bias is not constant"
    assert gates is not None
    if gates.op.type != "matmul":
        return "what its gates are given is no product of inputs and constant weights"
    if gates.op.attributes.get("activation", "none") != "none":
        return "what its gates are given goes through a function"
    return ""


def observed(op: Operation) -> list[Tensor]:
    """What is needed for the ranges of its states and cells."""
    wanted = [state_of(op)]
    if op.type == "lstm":
        wanted += [op.inputs[_GATES], cell_of(op), lengths_of(op)]
    return [t for t in wanted if t is not None]


def largest_cell(op: Operation, values: dict[int, Array]) -> float:
    """The largest magnitude of a cell of an lstm in any step, by the values of `observed`, of identities of tensors."""

    def value(tensor: Tensor | None) -> Array | None:
        constant = constant_value(tensor)
        return constant if tensor is None or constant is not None else values[id(tensor)]

    gates, recurrent = value(op.inputs[_GATES]), value(op.inputs[_RECURRENT])
    state, cell, lengths = value(state_of(op)), value(cell_of(op)), value(lengths_of(op))
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
    """What the int16 of the cells of an lstm stand for, of which this is the largest magnitude."""
    return _fixed_point(largest, LEAST_CELL_BITS, LARGEST_CELL_BITS)


def kept_quantization(largest: float) -> Quantization:
    """The same of the states of a gru between its steps."""
    return _fixed_point(largest, LEAST_STATE_BITS, LARGEST_STATE_BITS)


def _fixed_point(largest: float, least: int, bits: int) -> Quantization:
    while bits > least and largest * 2.0**bits > 32767:
        bits -= 1
    return Quantization(scale=np.float32(2.0**-bits), zero_point=np.int32(0))


def bits_of(scale: Quantization) -> int:
    """The fraction bits of these."""
    return round(-math.log2(float(scale.scale)))


def state_quantization(low: float, high: float) -> Quantization:
    """What the int8 of states stand for: their scale is one by an integer."""
    steps = int(np.clip(np.floor(1.0 / float(of_range(low, high).scale)), 1, _MOST_STEPS))
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


def in_blocks(gates: Any, count: int) -> Any:
    """Columns of so many gates as an integer op has them; None for none."""
    if gates is None:
        return None
    each = np.split(np.atleast_2d(gates), count, axis=1)
    rows, cells = each[0].shape
    padded = [np.pad(gate, ((0, 0), (0, -cells % BLOCK))).reshape(rows, -1, BLOCK) for gate in each]
    return np.stack(padded, axis=2).reshape(*np.shape(gates)[:-1], -1)


def lstm(
    site: Any, state: Tensor | None, cell: Tensor | None, lengths: Tensor | None, bits: int
) -> list[Tensor]:
    """The integer op of an lstm.

    Args:
        site: a Site, whose x are the inputs.
        state: before the first step, quantized as the output is.
        cell: the same with so many fraction bits.
        lengths: of the sequences.
        bits: the fraction bits of cells.
    """
    clip = site.op.a.cell_clip
    attributes = {
        "cell_bits": bits,
        "cell_clip": int(np.clip(round(clip * 2**bits), 1, 32767)) if clip > 0 else 0,
    }
    return _made(site, [state, cell, lengths], attributes)


def gru(site: Any, state: Tensor | None, lengths: Tensor | None, bits: int) -> list[Tensor]:
    """The integer op of a gru.

    Args:
        site: a Site, whose x are the inputs.
        state: before the first step, as int16 with so many fraction bits.
        lengths: of the sequences.
        bits: the fraction bits of states.
    """
    return _made(site, [state, lengths], {"reset_after": site.op.a.reset_after, "state_bits": bits})


def rnn(site: Any, state: Tensor | None, lengths: Tensor | None) -> list[Tensor]:
    """The integer op of an rnn.

    Args:
        site: a Site, whose x are the inputs.
        state: before the first step, quantized as the output is.
        lengths: of the sequences.
    """
    return _made(site, [state, lengths], {})


def _made(site: Any, states: Sequence[Tensor | None], attributes: dict[str, Any]) -> list[Tensor]:
    op = site.op
    gates = _COUNTS[op.type]
    product = product_of(op)
    weights, recurrent = constant_value(product.inputs[1]), constant_value(op.inputs[_RECURRENT])
    assert weights is not None
    assert recurrent is not None
    weights = weights.T if product.a.transpose_y else weights
    bias = constant_value(product.inputs[2]) if len(product.inputs) > 2 else None
    what = f"{op.type} {op.name!r}"
    sides = [
        linear(in_blocks(weights, gates), in_blocks(bias, gates), x=site.scales[0], y=_GATE, what=what),
        linear(
            in_blocks(recurrent, gates), in_blocks(_recurrent_bias(op), gates), x=site.y, y=_GATE, what=what
        ),
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
        **attributes,
        "output_multiplier": round(1.0 / float(site.y.scale)),
        "output_zero_point": int(site.y.zero_point),
    }
    made: list[Tensor] = site.graph.apply(
        f"quantized_{op.type}", [site.x[0], *tensors, *states], attributes, name=site.name, exact_name=True
    ).outputs
    return made


def _recurrent_bias(op: Operation) -> Array | None:
    """What is added to the product of the state: a gru's reset gate multiplies it with that."""
    bias = constant_value(_input(op, _BIAS)) if op.type == "gru" else None
    return None if bias is None else np.concatenate([np.zeros(2 * len(bias), bias.dtype), bias])


def _weights(site: Any, side: Linear, name: str) -> Tensor:
    tensor: Tensor = site.constant(side.filter, name)
    zeros = np.zeros(side.scale.shape, np.int32)
    site.note(tensor, Quantization(scale=side.scale, zero_point=zeros, axis=1))
    return tensor


def states(op: Operation) -> Sequence[Tensor]:
    """The tensors that are written at the scale of its output: the states after each step and after the last."""
    return op.outputs[:2]


__all__ = [
    "LAYERS",
    "NEW_CELL",
    "bits_of",
    "cell_of",
    "cell_quantization",
    "curves",
    "gru",
    "in_blocks",
    "kept_quantization",
    "largest_cell",
    "lengths_of",
    "lstm",
    "observed",
    "problem",
    "product_of",
    "rnn",
    "state_of",
    "state_quantization",
    "states",
]
