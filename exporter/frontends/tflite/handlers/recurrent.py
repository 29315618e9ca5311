"""Recurrent nodes, which keep their state from run to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from samara.exporter.frontends.compose import control
from samara.exporter.frontends.tflite.handlers import hybrid
from samara.exporter.frontends.tflite.handlers._registry import (
    apply_activation,
    beneath_casts,
    fixed,
    handler,
    needs_float,
    shape_of,
)
from samara.exporter.frontends.tflite.node import Node, Operand, Reading, Unsupported
from samara.graph.graph import Tensor

F = np.float32
# Longer sequences become a loop.
_WRITTEN_OUT = 4
# step(reading, what the input weights make of the step's input, states): the output and the next states.
Step = Callable[[Reading, Tensor, Sequence[Tensor]], tuple[Tensor, list[Tensor]]]


def _scan(
    r: Reading, step: Step, x: Tensor, states: Sequence[Tensor], *, axis: int, backward: bool
) -> tuple[Tensor, list[Tensor]]:
    """Takes a step for each index of an axis of x; what the steps give is stacked along it, in the order of x."""
    length = shape_of(x)[axis]
    if length == 0:
        raise Unsupported("a sequence of length 0")
    if isinstance(length, int) and length <= _WRITTEN_OUT:
        parts = r.b.split(x, axis=axis, sizes=(1,) * length)
        found: dict[int, Tensor] = {}
        current = list(states)
        for place in range(length)[::-1] if backward else range(length):
            found[place], current = step(r, r.b.squeeze(parts[place], axes=(axis,)), current)
        return r.b.stack([found[i] for i in range(length)], axis=axis), current

    def one(b: Any, *values: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        out, after = step(replace(r, b=b), values[-1], values[:-1])
        return after, [out]

    after, (y,) = control.scan(
        r.b,
        one,
        states=states,
        inputs=[x],
        input_axes=[axis],
        input_reversed=[backward],
        output_axes=[axis],
        output_reversed=[backward],
    )
    return y, after


def _product(r: Reading, x: Tensor, weights: Sequence[Operand], asymmetric: bool) -> Tensor:
    """Rows times the transposes of several matrices, side by side."""
    if all(hybrid.is_hybrid(w) for w in weights):
        return hybrid.product(r, x, weights, asymmetric=asymmetric)
    needs_float(*weights)
    matrix = beneath_casts(r, [w.data for w in weights], lambda parts: r.b.concat(parts, axis=0))
    made: Tensor = r.b.matmul(x, matrix, transpose_y=True)
    return made


def _are_real(*weights: Operand | None) -> bool:
    return not any(w is not None and hybrid.is_hybrid(w) for w in weights)


def _side_by_side(r: Reading, weights: Sequence[Operand]) -> Tensor:
    """The transposes of several matrices."""
    needs_float(*weights)

    def joined(parts: Sequence[Tensor]) -> Any:
        return r.b.transpose(r.b.concat(list(parts), axis=0), permutation=(1, 0))

    made: Tensor = beneath_casts(r, [w.data for w in weights], joined)
    return made


def _real(r: Reading, operand: Operand) -> Tensor:
    """A vector of weights as real numbers."""
    if operand.scale is None or operand.value is None:
        return operand.data
    return r.b.constant(operand.value.astype(F) * operand.scale.astype(F))


@dataclass(frozen=True)
class _Lstm:
    """An LSTM cell: its weights by gate (input, forget, cell, output; no input gate couples it to the forget gate)."""

    weights: Sequence[Operand | None]
    recurrent: Sequence[Operand | None]
    peephole: Sequence[Operand | None]
    bias: Sequence[Operand | None]
    norm: Sequence[Operand | None]
    projection: Operand | None
    projection_bias: Operand | None
    activation: str
    cell_clip: float
    projection_clip: float
    asymmetric: bool

    def inputs(self, r: Reading, x: Tensor) -> Tensor:
        """What the input weights of all gates make of all steps."""
        return _product(r, x, self._given(self.weights), self.asymmetric)

    def step(self, r: Reading, x: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step: what `inputs` made of its input, with the output and the cell of the step before."""
        b = r.b
        h, c = states
        recurrent = self._given(self.recurrent)
        sums = b.add(x, _product(r, h, recurrent, self.asymmetric))
        parts = dict(
            zip(self._gates, b.split(sums, axis=1, sizes=tuple(w.shape[0] for w in recurrent)), strict=True)
        )
        forget = b.sigmoid(self._gate(r, 1, parts[1], c))
        into = b.sigmoid(self._gate(r, 0, parts[0], c)) if 0 in parts else b.subtract(F(1), forget)
        fresh = apply_activation(r, self.activation, self._gate(r, 2, parts[2], None))
        c = b.add(b.multiply(forget, c), b.multiply(into, fresh))
        if self.cell_clip > 0:
            c = b.clip(c, minimum=-self.cell_clip, maximum=self.cell_clip)
        out = b.sigmoid(self._gate(r, 3, parts[3], c))
        h = b.multiply(out, apply_activation(r, self.activation, c))
        if self.projection is not None:
            h = _product(r, h, [self.projection], self.asymmetric)
            if self.projection_bias is not None:
                h = b.add(h, self.projection_bias.data)
            if self.projection_clip > 0:
                h = b.clip(h, minimum=-self.projection_clip, maximum=self.projection_clip)
        return h, [h, c]

    def whole(
        self, r: Reading, given: Tensor, states: Sequence[Tensor], options: Mapping[str, Any]
    ) -> list[Tensor] | None:
        """All steps in one op, from what `inputs` made of them; None where it has no such op."""
        others = (*self.peephole, *self.norm, self.projection_bias)
        if self.activation != "tanh" or self.weights[0] is None or any(o is not None for o in others):
            return None
        if not _are_real(*self.recurrent, self.projection) or (self.projection and self.projection_clip > 0):
            return None
        biases = [o for o in self.bias if o is not None]
        if len(biases) == 4:
            given = r.b.add(given, r.b.concat([o.data for o in biases], axis=0))
        elif biases:
            return None
        projection = None if self.projection is None else _side_by_side(r, [self.projection])
        matrix = _side_by_side(r, self._given(self.recurrent))
        made: list[Tensor] = r.b.lstm(
            given, matrix, *states, None, projection, cell_clip=max(self.cell_clip, 0.0), **options
        )
        return made

    @property
    def _gates(self) -> list[int]:
        return [g for g in range(4) if g != 0 or self.weights[0] is not None]

    def _given(self, weights: Sequence[Operand | None]) -> list[Operand]:
        found = [w for w in (weights[g] for g in self._gates) if w is not None]
        if len(found) != len(self._gates):
            raise Unsupported("weights are missing")
        return found

    def _gate(self, r: Reading, gate: int, y: Tensor, c: Tensor | None) -> Tensor:
        """The argument of a gate's function."""
        b = r.b
        peephole = self.peephole[{0: 0, 1: 1, 3: 2}[gate]] if gate != 2 else None
        if peephole is not None and c is not None:
            y = b.add(y, b.multiply(c, _real(r, peephole)))
        norm, bias = self.norm[gate], self.bias[gate]
        if norm is not None:
            mean = b.reduce_mean(y, axes=(-1,), keepdims=True)
            centered = b.subtract(y, mean)
            variance = b.reduce_mean(b.square(centered), axes=(-1,), keepdims=True)
            y = b.multiply(centered, b.rsqrt(b.add(variance, F(1e-8))))
            y = b.multiply(y, _real(r, norm))
        made: Tensor = y if bias is None else b.add(y, bias.data)
        return made


def _cell(node: Node, first: int, norm: int | None) -> _Lstm:
    """The cell whose weights are the inputs from `first` on."""
    o = node.options

    def some(start: int, count: int) -> list[Operand | None]:
        return [node.optional(start + i) for i in range(count)]

    return _Lstm(
        weights=some(first, 4),
        recurrent=some(first + 4, 4),
        peephole=some(first + 8, 3),
        bias=some(first + 11, 4),
        norm=[None] * 4 if norm is None else some(norm, 4),
        projection=node.optional(first + 15),
        projection_bias=node.optional(first + 16),
        activation=o["fused_activation_function"],
        cell_clip=float(o["cell_clip"]),
        projection_clip=float(o["proj_clip"]),
        asymmetric=bool(o["asymmetric_quantize_inputs"]),
    )


def _sequence(
    r: Reading, node: Node, cell: _Lstm | _Rnn, states: Sequence[int], x: Operand, *, backward: bool = False
) -> Tensor:
    """Goes through a sequence, from the states at these inputs, which are written."""
    if len(shape_of(x.data)) != 3:
        raise Unsupported(f"a sequence of shape {list(shape_of(x.data))}, expected batch, steps and features")
    operands = [node.input(i) for i in states]
    axis = 0 if node.options["time_major"] else 1
    given = cell.inputs(r, x.data)
    before = [s.data for s in operands]
    found = cell.whole(r, given, before, {"reverse": backward, "batch_first": axis == 1})
    if found is None:
        y, after = _scan(r, cell.step, given, before, axis=axis, backward=backward)
    else:
        y, *after = found
    r.updates.extend(zip(operands, after, strict=True))
    return y


@handler("UNIDIRECTIONAL_SEQUENCE_LSTM")
def _sequence_lstm(r: Reading, node: Node) -> list[Tensor]:
    needs_float(node.input(0))
    if node.options["diagonal_recurrent_tensors"]:
        raise Unsupported("recurrent weights that are diagonals")
    return [_sequence(r, node, _cell(node, 1, 20), (18, 19), node.input(0))]


@handler("LSTM")
def _lstm(r: Reading, node: Node) -> list[Tensor]:
    needs_float(node.input(0))
    if node.options["kernel_type"] == "basic":
        return _basic_lstm(r, node)
    states = [node.input(18), node.input(19)]
    cell = _cell(node, 1, 20)
    y, after = cell.step(r, cell.inputs(r, node.input(0).data), [s.data for s in states])
    r.updates.extend(zip(states, after, strict=True))
    return [y]


def _basic_lstm(r: Reading, node: Node) -> list[Tensor]:
    """One matrix for all gates: input, cell, forget, output."""
    x, h, weights, bias, c = (node.input(i) for i in range(5))
    needs_float(h, weights, bias, c)
    both = r.b.concat([x.data, h.data], axis=-1)
    gates = r.b.matmul(both, weights.data, bias.data, transpose_y=True)
    size = weights.shape[0] // 4
    into, fresh, forget, out = r.b.split(gates, axis=1, sizes=(size,) * 4)
    cell = r.b.add(
        r.b.multiply(r.b.sigmoid(into), r.b.tanh(fresh)), r.b.multiply(r.b.sigmoid(forget), c.data)
    )
    y = r.b.multiply(r.b.sigmoid(out), r.b.tanh(cell))
    r.updates.extend([(h, y), (c, cell)])
    return [y, cell, both, gates][: len(node.outputs)]


@handler("BIDIRECTIONAL_SEQUENCE_LSTM")
def _both_lstm(r: Reading, node: Node) -> list[Tensor]:
    needs_float(node.input(0))
    if any(node.optional(i) is not None for i in range(40, 48)):
        raise Unsupported("weights for an auxiliary input")
    back = node.optional(39) or node.input(0)
    forward = _sequence(r, node, _cell(node, 1, None), (35, 36), node.input(0))
    backward = _sequence(r, node, _cell(node, 18, None), (37, 38), back, backward=True)
    return _merged(r, node, forward, backward)


def _merged(r: Reading, node: Node, forward: Tensor, backward: Tensor) -> list[Tensor]:
    if node.options["merge_outputs"]:
        return [r.b.concat([forward, backward], axis=2)]
    return [forward, backward]


@dataclass(frozen=True)
class _Rnn:
    """A simple recurrent cell."""

    weights: Operand
    recurrent: Operand
    bias: Operand
    activation: str
    asymmetric: bool

    def inputs(self, r: Reading, x: Tensor) -> Tensor:
        """What the input weights make of all steps."""
        return _product(r, x, [self.weights], self.asymmetric)

    def step(self, r: Reading, x: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step: what `inputs` made of its input, with the output of the step before."""
        y = r.b.add(x, _product(r, states[0], [self.recurrent], self.asymmetric))
        y = apply_activation(r, self.activation, r.b.add(y, self.bias.data))
        return y, [y]

    def whole(
        self, r: Reading, given: Tensor, states: Sequence[Tensor], options: Mapping[str, Any]
    ) -> list[Tensor] | None:
        """All steps in one op, from what `inputs` made of them; None where it has no such op."""
        if self.activation not in ("tanh", "relu") or not _are_real(self.recurrent):
            return None
        matrix = _side_by_side(r, [self.recurrent])
        given = r.b.add(given, self.bias.data)
        made: list[Tensor] = r.b.rnn(given, matrix, *states, activation=self.activation, **options)
        return made


def _simple(node: Node, first: int) -> _Rnn:
    """The cell whose weights are the inputs from `first` on."""
    return _Rnn(
        weights=node.input(first),
        recurrent=node.input(first + 1),
        bias=node.input(first + 2),
        activation=node.options["fused_activation_function"],
        asymmetric=bool(node.options["asymmetric_quantize_inputs"]),
    )


@handler("RNN")
def _rnn(r: Reading, node: Node) -> list[Tensor]:
    needs_float(node.input(0))
    state = node.input(4)
    cell = _simple(node, 1)
    y, after = cell.step(r, cell.inputs(r, node.input(0).data), [state.data])
    r.updates.append((state, after[0]))
    return [y]


@handler("UNIDIRECTIONAL_SEQUENCE_RNN")
def _sequence_rnn(r: Reading, node: Node) -> list[Tensor]:
    needs_float(node.input(0))
    return [_sequence(r, node, _simple(node, 1), (4,), node.input(0))]


@handler("BIDIRECTIONAL_SEQUENCE_RNN")
def _both_rnn(r: Reading, node: Node) -> list[Tensor]:
    needs_float(node.input(0))
    if any(node.optional(i) is not None for i in (10, 11)):
        raise Unsupported("weights for an auxiliary input")
    back = node.optional(9) or node.input(0)
    forward = _sequence(r, node, _simple(node, 1), (4,), node.input(0))
    backward = _sequence(r, node, _simple(node, 5), (8,), back, backward=True)
    return _merged(r, node, forward, backward)


@handler("SVDF")
def _svdf(r: Reading, node: Node) -> list[Tensor]:
    """A filter over features of the last steps, with weights of low rank."""
    x, features, times, bias, state = (*(node.input(i) for i in range(3)), node.optional(3), node.input(4))
    needs_float(x, state)
    rank = int(node.options["rank"])
    filters, memory = times.shape
    if rank < 1 or filters % rank:
        raise Unsupported(f"rank {rank} with {filters} filters")
    now = _product(r, x.data, [features], bool(node.options["asymmetric_quantize_inputs"]))
    (batch,) = fixed(x.data, [0], "the batch")
    held = r.b.reshape(state.data, np.asarray([batch, filters, memory], np.int32))
    later = r.b.strided_slice(
        held, begin=(0, 0, 1), end=(0, 0, 0), strides=(1, 1, 1), begin_mask=3, end_mask=7
    )
    held = r.b.concat([later, r.b.expand_dims(now, axis=2)], axis=2)
    summed = r.b.reduce_sum(r.b.multiply(held, _real(r, times)), axes=(2,))
    by_unit = r.b.reshape(summed, np.asarray([batch, filters // rank, rank], np.int32))
    y: Any = r.b.reduce_sum(by_unit, axes=(2,))
    if bias is not None:
        y = r.b.add(y, bias.data)
    r.updates.append((state, r.b.reshape(held, r.b.sizes(state.data))))
    return [apply_activation(r, node.options["fused_activation_function"], y)]
