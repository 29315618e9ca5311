"""Computes at export what depends on constants only."""

from __future__ import annotations

import math

import numpy as np

from samara.graph import dims
from samara.graph.execution.session import compute
from samara.graph.graph import Tensor
from samara.graph.rewrite import ModelGraph, Visit, constant_value, transform

# An op that only repeats its input (broadcast, tile) would swell the file; up to this many bytes that is no matter.
_SMALL_BYTES = 4096


def fold_constants(model: ModelGraph) -> ModelGraph | None:
    """Replaces ops on constants by their values, and `shape` of a tensor whose dimensions are numbers."""
    return transform(model, _visit)


def _visit(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    if op.definition.device != "kernel" or op.stateful:
        return None
    if op.type == "shape":
        shape = op.inputs[0].shape if op.inputs[0] is not None else None
        if shape is None or any(not isinstance(d, int) for d in shape):
            return None
        return visit.constants([np.asarray(shape, dtype=op.outputs[0].dtype.numpy)])
    values = [constant_value(t) for t in visit.inputs]
    if any(v is None and t is not None for v, t in zip(values, visit.inputs, strict=True)):
        return None
    limit = max(sum(v.nbytes for v in values if v is not None), _SMALL_BYTES)
    # Before anything is computed: what says how often to repeat its input may say any number.
    if sum(map(_bytes, op.outputs)) > limit:
        return None
    results = compute(op, values)
    return visit.constants(results) if sum(r.nbytes for r in results) <= limit else None


def _bytes(tensor: Tensor) -> int:
    """How large a tensor is at least."""
    least = (dims.bounds(d)[0] for d in tensor.shape or ())
    return math.prod(least) * tensor.dtype.size
