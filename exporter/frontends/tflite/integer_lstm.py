"""The LSTM on integers: int8 data and weights, int16 cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.integer_scales import F, handler, scale_of, zero_point_of
from samara.exporter.frontends.tflite.multipliers import multiplier_of
from samara.exporter.frontends.tflite.node import Array, Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

_GATES = ("input", "forget", "cell", "output")
_FILTER, _RECURRENT, _PEEPHOLE, _BIAS, _PROJECTION, _STATE, _NORM = 1, 5, 9, 12, 16, 18, 20


def _constant(node: Node, index: int) -> Operand:
    operand = node.input(index)
    if operand.value is None:
        raise Unsupported(f"input {index} is computed")
    return operand


def _values(operands: Sequence[Operand]) -> Array:
    """Constants of one shape, stacked."""
    shapes = {o.shape for o in operands}
    if len(shapes) > 1:
        raise Unsupported(f"weights of different shapes, {', '.join(str(list(s)) for s in sorted(shapes))}")
    return np.stack([o.value for o in operands if o.value is not None])


def _folded(weights: Operand, zero_point: int, bias: Any) -> Array:
    """The bias with what the zero point of the data takes away."""
    assert weights.value is not None
    sums = weights.value.astype(np.int64).sum(axis=1) * -zero_point
    folded = sums if bias is None else sums + np.asarray(bias, np.int64).reshape(-1)
    if np.any(np.abs(folded) >= 2**31):
        raise Unsupported("a bias that leaves 32 bits")
    made: Array = folded.astype(np.int32)
    return made


def _check(node: Node) -> None:
    if len(node.inputs) <= _STATE + 1:
        raise Unsupported(f"the basic kernel of {len(node.inputs)} inputs", "convert the model anew")
    if node.input(0).dtype is not dtypes.int8:
        raise Unsupported(f"data of {node.input(0).dtype.name}", "quantize the model to int8")
    if node.options.get("diagonal_recurrent_tensors", False):
        raise Unsupported("diagonal recurrent weights")
    if node.options.get("fused_activation_function", "tanh") != "tanh":
        raise Unsupported(f"the activation {node.options['fused_activation_function']}")
    if any(node.optional(i) is not None for i in range(_PEEPHOLE, _PEEPHOLE + 3)):
        raise Unsupported("peephole connections of integers")
    if any(node.optional(i) is not None for i in range(_NORM, _NORM + 4)):
        raise Unsupported("layer normalization of integers")
    if len(node.intermediates) != 5:
        raise Unsupported(f"{len(node.intermediates)} intermediate scales, expected 5")
    if node.input(_STATE + 1).dtype is not dtypes.int16:
        raise Unsupported(f"cells of {node.input(_STATE + 1).dtype.name}, expected int16")


@handler("UNIDIRECTIONAL_SEQUENCE_LSTM", "LSTM")
def _lstm(r: Reading, node: Node) -> list[Tensor]:
    _check(node)
    x, state, cell = node.input(0), node.input(_STATE), node.input(_STATE + 1)
    gates = [g for g in range(4) if g > 0 or node.optional(_FILTER) is not None]
    filters = [_constant(node, _FILTER + g) for g in gates]
    recurrents = [_constant(node, _RECURRENT + g) for g in gates]
    sides = ((x, filters), (state, recurrents))
    biases, multipliers = [], []
    for side, (data, weights) in enumerate(sides):
        found = [multiplier_of(float(F(F(scale_of(data) * scale_of(w)) / F(2.0**-12)))) for w in weights]
        multipliers.append([[m.multiplier for m in found], [m.shift for m in found]])
        biases.append(
            [
                _folded(w, zero_point_of(data), _constant(node, _BIAS + g).value if side == 0 else None)
                for g, w in zip(gates, weights, strict=True)
            ]
        )
    fraction, exponent = math.frexp(float(scale_of(cell)))
    if fraction != 0.5:
        raise Unsupported(f"cells of the scale {float(scale_of(cell)):g}, expected a power of two")
    hidden = node.intermediates[4]
    # With a projection the kernel takes the zero point away instead of adding it, from the projection's bias too.
    hidden_zero_point = zero_point_of(hidden) * (1 if node.optional(_PROJECTION) is None else -1)
    released = multiplier_of(float(F(2.0**-15 / float(scale_of(hidden)) * 2.0**-15)))
    arguments: list[Any] = []
    attributes: dict[str, Any] = {}
    if node.optional(_PROJECTION) is not None:
        projection, bias = _constant(node, _PROJECTION), node.optional(_PROJECTION + 1)
        real = F(F(scale_of(projection) * scale_of(hidden)) / scale_of(state))
        arguments = [
            projection.value,
            _folded(projection, hidden_zero_point, None if bias is None else bias.value),
        ]
        attributes = {
            **multiplier_of(float(real)).named("projection_"),
            "output_zero_point": zero_point_of(state),
            "projection_clip": _clip(node.options.get("proj_clip", 0.0), scale_of(state), 127),
        }
    single = len(x.shape) == 2
    time_major = bool(node.options.get("time_major", False))
    sequence = r.b.expand_dims(x.data, axis=1) if single else x.data
    sequence = r.b.transpose(sequence, permutation=(1, 0, 2)) if time_major and not single else sequence
    y, new_state, new_cell, _ = r.b.fixed_point_lstm(
        sequence,
        _values(filters),
        _values(recurrents),
        np.asarray(biases[0] + biases[1]).reshape(2, len(gates), -1),
        np.asarray(multipliers, np.int32),
        state.data,
        cell.data,
        *arguments,
        cell_scale_log2=exponent - 1,
        cell_clip=_clip(node.options.get("cell_clip", 0.0), scale_of(cell), 2**15 - 1),
        **released.named("hidden_"),
        hidden_zero_point=hidden_zero_point,
        **attributes,
    )
    r.updates.append((state, new_state))
    r.updates.append((cell, new_cell))
    if single:
        return [new_state]
    return [r.b.transpose(y, permutation=(1, 0, 2)) if time_major else y]


def _clip(real: float, scale: Any, most: int) -> int:
    return min(int(F(real) / scale), most) if real > 0 else 0
