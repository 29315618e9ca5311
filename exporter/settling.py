"""What constants decide of a graph that was trained: the branch that is taken, the dropout that drops nothing.

The values of tensors are followed as ranges, so that `less(random_uniform(...), 1.0)` is known to be true, and what is
multiplied by it to stay as it is. What is multiplied by 0 is taken for 0: an update of a running average by a share of
0 is none, and noise of deviation 0 adds nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from samara.exporter.passes.constant_folding import fold_constants
from samara.exporter.passes.control_flow import take_known_branches
from samara.graph.control import same_shape
from samara.graph.graph import Body, Operation, Tensor
from samara.graph.rewrite import ModelGraph, Visit, as_body, as_model, in_bodies, needed, transform

# From, to, and whether the end is left out.
Range = tuple[float, float, bool]

_ROUNDS = 10
_SMALL_ELEMENTS = 4096
# Their elements are elements of their first input.
_MOVING = frozenset(
    {
        "broadcast_to",
        "expand_dims",
        "gather",
        "identity",
        "reshape",
        "slice",
        "split",
        "squeeze",
        "stop_gradient",
        "strided_slice",
        "tile",
        "transpose",
    }
)
_COMPARING = {
    "less": lambda x, y: _below(x, y, strictly=True),
    "less_equal": lambda x, y: _below(x, y, strictly=False),
    "greater": lambda x, y: _below(y, x, strictly=True),
    "greater_equal": lambda x, y: _below(y, x, strictly=False),
}


def settle(model: ModelGraph) -> ModelGraph:
    """The model without what constants decide: branches not taken, draws that change nothing, writes of nothing new."""
    return _repeated(model, lambda m: _settle_values(m, {}))


def take_branches(model: ModelGraph) -> ModelGraph:
    """The model with the branches that constants choose; what they draw and compute stays as it is."""
    return _repeated(model, lambda m: None)


def _repeated(model: ModelGraph, last: Callable[[ModelGraph], ModelGraph | None]) -> ModelGraph:
    for _ in range(_ROUNDS):
        before = model
        for run in (fold_constants, take_known_branches):
            model = run(model) or model
            model = in_bodies(model, run) or model
        model = last(model) or model
        if model is before:
            break
    return model


def _settle_values(model: ModelGraph, given: Mapping[int, Range]) -> ModelGraph | None:
    ranges = _ranges(needed(model.outputs), given)

    def visit(visit: Visit) -> list[Tensor] | None:
        if visit.op.type in ("cond", "while_loop"):
            return _in_bodies(visit, ranges, model)
        if visit.op.type == "is_variable_initialized":
            return visit.constants([np.asarray(True)])
        if visit.op.type == "assign":
            return _update(visit, ranges)
        return _neutral(visit, ranges)

    return transform(model, visit, lose_writes=True)


def _in_bodies(visit: Visit, ranges: Mapping[int, Range], model: ModelGraph) -> list[Tensor] | None:
    """The operation with its bodies settled, by what is known of that which they are given and do not change."""
    op = visit.op
    changed: dict[str, Any] = {}
    for name, body in op.bodies.items():
        changes = 0 if op.type == "cond" else len(op.outputs)
        outside = op.inputs[1:] if op.type == "cond" else op.inputs
        given = {
            id(inner): ranges[id(outer)]
            for number, (inner, outer) in enumerate(zip(body.inputs, outside, strict=True))
            if number >= changes and id(outer) in ranges
        }
        found = _settle_body(model, body, given)
        if found is not None:
            changed[name] = found
    if not changed:
        return None
    first = 1 if op.type == "cond" else 0
    return visit.make(op.type, [*visit.inputs[:first], visit.inputs[first:]], {**op.attributes, **changed})


def _settle_body(model: ModelGraph, body: Body, given: Mapping[int, Range]) -> Body | None:
    found = _settle_values(as_model(model, body), given)
    return None if found is None else as_body(found)


def _neutral(visit: Visit, ranges: Mapping[int, Range]) -> list[Tensor] | None:
    """What an operation leaves as it is, because its other operand is all 1 or all 0."""
    op = visit.op
    if op.type not in ("multiply", "divide", "add", "subtract"):
        return None
    value = 1.0 if op.type in ("multiply", "divide") else 0.0
    for kept, other in ((0, 1), (1, 0)):
        if _only(ranges, op.inputs[other]) == value:
            tensor = op.inputs[kept]
            assert tensor is not None
            if same_shape(tensor, op.outputs[0]):
                return [visit.copied(tensor)]
        if op.type in ("divide", "subtract"):
            break
    return None


def _update(visit: Visit, ranges: Mapping[int, Range]) -> list[Tensor] | None:
    """The value of a variable in the place of a write that would add 0 to it."""
    variable, value = visit.op.inputs
    assert variable is not None
    assert value is not None
    if value.op.type not in ("add", "subtract") or value.op.inputs[0] is not variable:
        return None
    return [visit.copied(value)] if _only(ranges, value.op.inputs[1]) == 0.0 else None


def _only(ranges: Mapping[int, Range], tensor: Tensor | None) -> float | None:
    """The value that all elements of a tensor have, where that is known."""
    low, high, _ = ranges.get(id(tensor), (-math.inf, math.inf, False))
    return low if low == high else None


def _ranges(order: Iterable[Operation], given: Mapping[int, Range]) -> dict[int, Range]:
    found = dict(given)
    for op in order:
        range_ = _range(op, [found.get(id(t)) for t in op.inputs])
        if range_ is not None:
            found.update((id(t), range_) for t in op.outputs if id(t) not in found)
    return found


def _range(op: Operation, inputs: Sequence[Range | None]) -> Range | None:
    if op.type == "constant":
        return _constant(np.asarray(op.a.value))
    if op.type == "random_uniform":
        low, high = op.a.minimum, op.a.maximum
        return (int(low), int(high) - 1, False) if op.a.dtype.is_integer else (low, high, True)
    first = inputs[0] if inputs else None
    if op.type == "multiply" and (0.0, 0.0, False) in inputs:
        return (0.0, 0.0, False)
    if first is None:
        return None
    if op.type in _MOVING:
        return first
    low, high, opened = first
    if op.type == "cast":
        return _cast(op, first)
    if op.type == "floor":
        return (math.floor(low), high - 1 if opened and high == math.floor(high) else math.floor(high), False)
    if op.type == "negative" and not opened:
        return (-high, -low, False)
    if len(inputs) != 2 or inputs[1] is None:
        return None
    if op.type in _COMPARING:
        return _COMPARING[op.type](first, inputs[1])
    other_low, other_high, other_opened = inputs[1]
    if op.type == "add":
        return (low + other_low, high + other_high, opened or other_opened)
    if op.type == "subtract" and not other_opened:
        return (low - other_high, high - other_low, opened)
    if op.type == "multiply" and not (opened or other_opened):
        corners = [a * b for a in (low, high) for b in (other_low, other_high)]
        return (min(corners), max(corners), False)
    return None


def _constant(value: Any) -> Range | None:
    if (
        not 0 < value.size <= _SMALL_ELEMENTS
        or value.dtype.kind not in "fiub"
        or not np.isfinite(value).all()
    ):
        return None
    return (float(value.min()), float(value.max()), False)


def _cast(op: Operation, given: Range) -> Range | None:
    (source,) = op.given_inputs
    low, high, _ = given
    target = op.outputs[0].dtype
    if target is source.dtype:
        return given
    if target.is_floating:
        # Rounding may reach the end.
        return (low, high, False)
    if low == high and low in (0.0, 1.0):
        return given
    return None


def _below(x: Range, y: Range, *, strictly: bool) -> Range | None:
    """Whether all of x are below all of y: 1, or 0, where one is known."""
    if x[1] < y[0] or (x[1] == y[0] and (x[2] or not strictly)):
        return (1.0, 1.0, False)
    if x[0] > y[1] or (x[0] == y[1] and (y[2] or strictly)):
        return (0.0, 0.0, False)
    return None


__all__ = ["settle", "take_branches"]
