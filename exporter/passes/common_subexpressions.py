"""Computes once what several operations compute alike."""

from __future__ import annotations

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
        if op.stateful or op.type == "placeholder" or not op.outputs or op.control_inputs:
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
    return _Value(value) if isinstance(value, np.ndarray) else value


class _Value:
    """An array as a key: hashed by a few of its bytes, and compared by all."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self._array = array
        few = array.reshape(-1)[:: max(1, array.size // 64)]
        self._hash = hash((array.dtype.str, array.shape, few.tobytes()))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Value):
            return NotImplemented
        one, two = self._array, other._array
        if one is two:
            return True
        # As bytes, so that NaN is itself and 0 is not -0.
        return (
            one.dtype == two.dtype
            and one.shape == two.shape
            and bool(np.array_equal(_bytes(one), _bytes(two)))
        )


def _bytes(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
