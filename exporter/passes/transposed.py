"""Transposed convolutions as convolutions, which have kernels.

A transposed convolution of stride S writes S * S phases: the pixels whose row and column leave the same rest. Each
phase sees only every S-th tap, so all of them together are one convolution of stride 1 with S * S times the outputs,
whose channels then become pixels. Sums, their order apart, are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.graph.graph import Operation, Tensor
from samara.graph.ops import _window
from samara.graph.rewrite import ModelGraph, Visit, constant_value, transform

Array = np.ndarray[Any, Any]


def lower_transposed(model: ModelGraph) -> ModelGraph | None:
    """Writes `conv2d_backprop_input` of a constant filter as `conv2d`, with the bias and activation that follow it."""
    return transform(model, _visit)


@dataclass(frozen=True)
class _Axis:
    """One axis of a transposed convolution: output `S * t + phase - cut` is made of inputs `t + first` on.

    Attributes:
        stride: how many phases there are.
        cut: how many outputs before the first are made in vain.
        first: the first input that one of the phases sees.
        taps: how many inputs they see.
        positions: how often.
        after: how many inputs they see after the last.
        sources: by phase and tap, which tap of the given filter it is; absent for none.
    """

    stride: int
    cut: int
    first: int
    taps: int
    positions: int
    after: int
    sources: dict[tuple[int, int], int]


def _axis(size: int, taps: int, stride: int, before: int, output: int) -> _Axis | None:
    """The phases of an axis with the fewest taps; None where they do not even reach the edges of the input."""
    choices = []
    for cut in range(stride):
        seen = {}
        for phase in range(stride):
            at = phase + before - cut
            for tap in range(at % stride, taps, stride):
                seen[phase, (at - tap) // stride] = tap
        places = [place for _, place in seen]
        first, last = min(places), max(places)
        positions = -(-(output + cut) // stride)
        after = positions - size + last
        if first <= 0 and after >= 0:
            sources = {(phase, place - first): tap for (phase, place), tap in seen.items()}
            choices.append(_Axis(stride, cut, first, last - first + 1, positions, after, sources))
    return min(choices, key=lambda c: c.taps) if choices else None


def _visit(visit: Visit) -> list[Tensor] | None:
    """An activation after a bias after a transposed convolution, or less."""
    op, activation, bias = visit.op, "none", None
    if op.type in ("relu", "relu6"):
        activation = op.type
        op = _source(visit, op, 0)
    if op.type == "add":
        for index in (0, 1):
            value, source = constant_value(op.inputs[1 - index]), _source(visit, op, index)
            if value is not None and source.type == "conv2d_backprop_input":
                bias = _by_channel(value, source.outputs[0].shape)
                if bias is None or op.outputs[0].shape != source.outputs[0].shape:
                    return None
                op = source
                break
    if op.type != "conv2d_backprop_input" or op.control_inputs:
        return None
    return _lowered(visit, op, bias, activation)


def _source(visit: Visit, op: Operation, index: int) -> Operation:
    """What alone gives an operation its input; the operation itself where that has other readers."""
    tensor = op.inputs[index]
    return op if tensor is None or visit.readers(tensor) > 1 or op.control_inputs else tensor.op


def _by_channel(value: Array, shape: Any) -> Array | None:
    channels = shape[-1] if shape else None
    if not isinstance(channels, int) or value.ndim > 4 or any(n != 1 for n in value.shape[:-1]):
        return None
    return np.broadcast_to(value.reshape(-1), channels) if value.size in (1, channels) else None


def _lowered(visit: Visit, op: Operation, bias: Array | None, activation: str) -> list[Tensor] | None:
    filter_, shape, seen = constant_value(op.inputs[1]), op.outputs[0].shape, op.inputs[2]
    assert seen is not None
    if filter_ is None or shape is None or seen.shape is None or tuple(op.a.dilations) != (1, 1):
        return None
    sizes = [n for n in (*shape[1:3], *seen.shape[1:3]) if isinstance(n, int)]
    if len(sizes) < 4 or 0 in sizes or 0 in filter_.shape:
        return None
    pads = _window.pads(op.a, (sizes[0], sizes[1]), (filter_.shape[0], filter_.shape[1]))
    rows, columns = (
        _axis(sizes[2 + i], filter_.shape[i], op.a.strides[i], pads[i][0], sizes[i]) for i in (0, 1)
    )
    if rows is None or columns is None:
        return None
    groups, phases = op.a.groups, rows.stride * columns.stride
    attributes = {
        "padding": "explicit",
        "paddings": (-rows.first, rows.after, -columns.first, columns.after),
        "groups": groups,
        "activation": activation,
    }
    constants = [visit.constant(phase_filter(filter_, rows, columns, groups), "filter")]
    if bias is not None:
        # By group, phase and channel of the group, as the filter's outputs are.
        spread = np.broadcast_to(bias.reshape(groups, 1, -1), (groups, phases, bias.size // groups))
        constants.append(visit.constant(spread.reshape(-1).astype(filter_.dtype), "bias"))
    if phases == 1 and not rows.cut and not columns.cut:
        return visit.make("conv2d", [visit.copied(seen), *constants], attributes)
    y = _helper(visit, "conv2d", [visit.copied(seen), *constants], "phases", **attributes)
    return _pixels(visit, y, rows, columns, groups, sizes[:2])


def phase_filter(filter_: Array, rows: _Axis, columns: _Axis, groups: int) -> Array:
    """A filter [KH, KW, C / groups, O] as that of all phases: [UH, UW, O / groups, groups * SH * SW * (C / groups)]."""
    channels, outputs = filter_.shape[2], filter_.shape[3] // groups
    made = np.zeros(
        (rows.taps, columns.taps, outputs, groups, rows.stride, columns.stride, channels), filter_.dtype
    )
    for (i, y), ky in rows.sources.items():
        for (j, x), kx in columns.sources.items():
            made[y, x, :, :, i, j] = filter_[ky, kx].reshape(channels, groups, outputs).transpose(2, 1, 0)
    return made.reshape(rows.taps, columns.taps, outputs, -1)


def _pixels(
    visit: Visit, y: Tensor, rows: _Axis, columns: _Axis, groups: int, sizes: list[int]
) -> list[Tensor]:
    """Phases [N, H, W, groups, SH, SW, C] as pixels [N, H * SH, W * SW, groups * C], less what is cut."""
    height, width = rows.positions * rows.stride, columns.positions * columns.stride
    channels = (y.shape or ())[-1]
    assert isinstance(channels, int)
    channels //= rows.stride * columns.stride
    phases = (rows.stride, columns.stride, channels // groups)
    split: tuple[int, ...] = (-1, rows.positions, columns.positions, groups, *phases)
    order: tuple[int, ...] = (0, 1, 4, 2, 5, 3, 6)
    if groups == 1:
        split, order = (-1, rows.positions, columns.positions, *phases), (0, 1, 3, 2, 4, 5)
    apart = _helper(visit, "reshape", [y, _sizes(visit, split, "split")], "apart")
    turned = _helper(visit, "transpose", [apart], "turned", permutation=order)
    whole = [turned, _sizes(visit, (-1, height, width, channels), "whole")]
    if [height, width] == sizes:
        return visit.make("reshape", whole)
    begin, end = (0, rows.cut, columns.cut), (0, rows.cut + sizes[0], columns.cut + sizes[1])
    window = {"begin": begin, "end": end, "strides": (1, 1, 1), "begin_mask": 1, "end_mask": 1}
    return visit.make("strided_slice", [_helper(visit, "reshape", whole, "pixels")], window)


def _sizes(visit: Visit, sizes: tuple[int, ...], what: str) -> Tensor:
    return visit.constant(np.array(sizes, np.int32), what)


def _helper(visit: Visit, kind: str, inputs: list[Tensor], what: str, **attributes: Any) -> Tensor:
    return visit.b.graph.apply(kind, inputs, attributes, name=visit.derived(what)).outputs[0]
