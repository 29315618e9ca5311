"""Convolutions of 3 by 3 taps by minimal filtering, where fewer products are worth the larger filter.

A transformed filter has four times the bytes of the one it is made of, so a model spends them where they save most: on
the convolutions with the most positions for each weight, as far as its budget goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.graph import Operation, Tensor
from samara.graph.ops.winograd import TILE, transformed
from samara.graph.rewrite import ModelGraph, Visit, constant_value, needed, transform

# What all filters together may add to a file: so many bytes, or this part of its constants if that is more.
BUDGET = 1 << 20
SHARE = 0.4

# Fewer channels on either side cost more to transform than they save, and so do fewer tiles. A larger filter costs more
# bytes than it saves time: it has few positions, and is read from memory rather than from a cache.
_CHANNELS = 16
_TILES = 4
_LARGEST = 4 << 20


def transform_filters(model: ModelGraph) -> ModelGraph | None:
    """Turns float32 convolutions of 3 by 3 taps with strides of 1 into `winograd_conv2d`, within the budget."""
    operations = needed(model.outputs)
    bytes_ = sum(op.a.value.nbytes for op in operations if op.type == "constant")
    left = max(BUDGET, int(SHARE * bytes_))
    candidates = [(_positions(op), op) for op in operations if _fits(op)]
    chosen: set[Operation] = set()
    for positions, op in sorted(candidates, key=lambda c: -c[0]):
        filter_ = constant_value(op.inputs[1])
        if filter_ is not None and positions > 0 and 3 * filter_.nbytes <= left:
            left -= 3 * filter_.nbytes
            chosen.add(op)
    return (
        transform(model, lambda visit: _rewritten(visit) if visit.op in chosen else None) if chosen else None
    )


def _fits(op: Operation) -> bool:
    filter_ = constant_value(op.inputs[1]) if op.type == "conv2d" else None
    return (
        filter_ is not None
        and filter_.dtype == np.float32
        and filter_.shape[:2] == (3, 3)
        and min(filter_.shape[2:]) >= _CHANNELS
        and 4 * filter_.nbytes <= _LARGEST
        and tuple(op.a.strides) == tuple(op.a.dilations) == (1, 1)
        and op.a.groups == 1
    )


def _positions(op: Operation) -> int:
    """How many pixels the output has; 0 for too few, or for as many as only a run knows."""
    shape = op.outputs[0].shape
    if shape is None or not all(isinstance(n, int) for n in shape[1:3]):
        return 0
    height, width = (int(n) for n in shape[1:3])  # type: ignore[arg-type]
    tiles = -(-height // TILE) * -(-width // TILE)
    # What tiles have beyond the edge is computed in vain.
    wasted = tiles * TILE * TILE > 1.7 * height * width
    return 0 if tiles < _TILES or wasted else height * width


def _rewritten(visit: Visit) -> list[Tensor]:
    op = visit.op
    paddings: tuple[Any, ...] = {"same": (1, 1, 1, 1), "valid": (0, 0, 0, 0)}.get(op.a.padding, op.a.paddings)
    filter_ = constant_value(visit.inputs[1])
    assert filter_ is not None
    points = visit.constant(transformed(filter_), "points")
    attributes = {"paddings": tuple(paddings), "activation": op.a.activation}
    return visit.make("winograd_conv2d", [visit.inputs[0], points, visit.inputs[2]], attributes)
