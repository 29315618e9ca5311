"""Computes once what several operations compute alike."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from samara.graph.graph import Tensor
from samara.graph.rewrite import ModelGraph, Visit, copy, transform


def merge_common_subexpressions(model: ModelGraph) -> ModelGraph | None:
    """Gives operations with the same op, inputs and attributes one result; constants with the same value too."""
    seen: dict[Any, list[Tensor]] = {}
    merged = False

    def visit(visit: Visit) -> list[Tensor] | None:
        nonlocal merged
        op = visit.op
        if op.definition.stateful or op.type == "placeholder" or not op.outputs or op.control_inputs:
            return None
        if any(t is not None and t.op.type == "variable" for t in visit.inputs):
            return None
        key = (op.type, tuple(map(id, visit.inputs)), _attributes(op.attributes))
        merged = merged or key in seen
        if key not in seen:
            seen[key] = copy(visit.b.graph, op, visit.inputs)
        return seen[key]

    rewritten = transform(model, visit)
    return rewritten if merged else None


def _attributes(attributes: dict[str, Any]) -> tuple[Any, ...]:
    return tuple((name, _hashable(value)) for name, value in attributes.items())


def _hashable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).digest()
    return value
