"""Leaves out operations that give back what they are given, and plain forms of ops that have a shorter one."""

from __future__ import annotations

import numpy as np

from samara.graph.graph import Tensor
from samara.graph.rewrite import ModelGraph, Visit, constant_value, transform


def remove_identities(model: ModelGraph) -> ModelGraph | None:
    """Drops identity, stop_gradient and casts to the same type.

    Writes maximum(x, 0) and clip(x, 0, 6) as relu and relu6, which linear ops can do themselves.
    """
    return transform(model, _visit)


def _visit(visit: Visit) -> list[Tensor] | None:
    op, source = visit.op, visit.inputs[0] if visit.inputs else None
    if source is None:
        return None
    if op.type in ("identity", "stop_gradient") or (
        op.type == "cast" and source.dtype is op.outputs[0].dtype
    ):
        # What a variable held at this place must be kept apart from what it holds later.
        return None if source.op.type == "variable" else [source]
    if op.type == "maximum" and source.dtype.is_floating:
        for tensor, other in ((source, visit.inputs[1]), (visit.inputs[1], source)):
            value = constant_value(other)
            if (
                value is not None
                and tensor is not None
                and not np.any(value)
                and tensor.shape == op.outputs[0].shape
            ):
                return visit.make("relu", [tensor])
    if op.type == "clip" and source.dtype.is_floating and (op.a.minimum, op.a.maximum) == (0.0, 6.0):
        return visit.make("relu6", [source])
    return None
