"""Computes once what several operations compute alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.graph import Operation, Tensor
from samara.graph.rewrite import ModelGraph, Visit, needed, transform


def merge_common_subexpressions(model: ModelGraph) -> ModelGraph | None:
    """Gives operations with the same op, inputs and attributes one result; constants with the same value too."""
    seen: dict[Any, Operation] = {}
    first: dict[int, Tensor] = {}
    merged: dict[Operation, Operation] = {}
    for op in needed(model.outputs):
        if op.stateful or op.type == "placeholder" or not op.outputs or op.control_inputs:
            continue
        if any(t.op.type == "variable" for t in op.given_inputs):
            continue
        inputs = tuple(None if t is None else id(first.get(id(t), t)) for t in op.inputs)
        same = seen.setdefault((op.type, inputs, _attributes(op.attributes)), op)
        if same is not op:
            merged[op] = same
            first.update((id(t), kept) for t, kept in zip(op.outputs, same.outputs, strict=True))
    if not merged:
        return None

    def visit(visit: Visit) -> list[Tensor] | None:
        same = merged.get(visit.op)
        return None if same is None else [visit.copied(t) for t in same.outputs]

    return transform(model, visit)


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
