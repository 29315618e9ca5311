"""Cancels transposes and reshapes that undo each other."""

from __future__ import annotations

from samara.graph.dims import Dim
from samara.graph.graph import Tensor
from samara.graph.rewrite import ModelGraph, Visit, transform

_RESHAPES = ("reshape", "expand_dims", "squeeze")


def cancel_moves(model: ModelGraph) -> ModelGraph | None:
    """Joins a transpose of a transpose and a reshape of a reshape; drops those that change nothing.

    A transpose that only moves axes of size 1 becomes a reshape, which costs nothing on a device.
    """
    return transform(model, _visit)


def _visit(visit: Visit) -> list[Tensor] | None:
    if visit.op.type == "transpose":
        return _transpose(visit)
    if visit.op.type in _RESHAPES:
        return _reshape(visit)
    return None


def _permutation(op_permutation: tuple[int, ...], rank: int) -> list[int]:
    return [a % rank for a in op_permutation] if op_permutation else list(reversed(range(rank)))


def _transpose(visit: Visit) -> list[Tensor] | None:
    source = visit.inputs[0]
    if source is None or source.shape is None:
        return None
    rank = len(source.shape)
    permutation = _permutation(visit.op.a.permutation, rank)
    if permutation == list(range(rank)):
        return [source]
    before = source.op
    if before.type == "transpose":
        first = _permutation(before.a.permutation, rank)
        joined = [first[axis] for axis in permutation]
        origin = before.inputs[0]
        assert origin is not None
        if joined == list(range(rank)):
            return [origin]
        return visit.make("transpose", [origin], {"permutation": joined})
    moving = [axis for axis in permutation if source.shape[axis] != 1]
    if moving == sorted(moving):
        return _reshaped(visit, source)
    return None


def _reshape(visit: Visit) -> list[Tensor] | None:
    source = visit.inputs[0]
    result = visit.op.outputs[0]
    if source is None or source.shape is None or result.shape is None:
        return None
    if source.shape == result.shape:
        return [source] if source.op.type != "variable" else None
    if source.op.type in _RESHAPES:
        origin = source.op.inputs[0]
        assert origin is not None
        if origin.shape == result.shape and origin.op.type != "variable":
            return [origin]
        return _reshaped(visit, origin)
    return None


def _reshaped(visit: Visit, source: Tensor) -> list[Tensor] | None:
    """A reshape to the shape of the operation's output, when that can be written with one open dimension."""
    shape = visit.op.outputs[0].shape
    assert shape is not None
    if sum(isinstance(d, Dim) for d in shape) > 1:
        return None
    target = [-1 if isinstance(d, Dim) else d for d in shape]
    made = visit.make("reshape", [source, target])
    made[0].shape = shape
    return made
