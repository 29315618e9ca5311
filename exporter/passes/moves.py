"""Cancels transposes and reshapes that undo each other, or that an op can do without."""

from __future__ import annotations

from samara.graph import dims
from samara.graph.dims import Dim
from samara.graph.graph import Operation, Tensor
from samara.graph.rewrite import ModelGraph, Visit, transform

_RESHAPES = ("reshape", "expand_dims", "squeeze")


def cancel_moves(model: ModelGraph) -> ModelGraph | None:
    """Joins a transpose of a transpose and a reshape of a reshape; drops those that change nothing.

    A transpose between reshapes that join axes and part them again goes without those. A transpose that only moves axes
    of size 1 becomes a reshape, which costs nothing on a device.
    """
    return transform(model, _visit)


def turn_products(model: ModelGraph) -> ModelGraph | None:
    """Leaves a transpose that turns the matrices of a product to the product itself."""
    return transform(model, _matmul)


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


def _matmul(visit: Visit) -> list[Tensor] | None:
    if visit.op.type != "matmul":
        return None
    inputs = list(visit.inputs)
    attributes = dict(visit.op.attributes)
    for index, flag in enumerate(("transpose_x", "transpose_y")):
        factor = inputs[index]
        if factor is None or factor.op.type != "transpose" or factor.shape is None:
            continue
        rank = len(factor.shape)
        permutation = _permutation(factor.op.a.permutation, rank)
        turned = [*permutation[:-2], permutation[-1], permutation[-2]]
        # What keeps the last axis in its place copies whole rows, and is often what other products need too.
        if turned[-1] != rank - 1:
            continue
        origin = factor.op.inputs[0]
        inputs[index] = origin
        if turned != list(range(rank)):
            (inputs[index],) = visit.b.graph.apply(
                "transpose", [origin], {"permutation": turned}, name=visit.derived("turned")
            ).outputs
        attributes[flag] = not attributes[flag]
    if inputs == list(visit.inputs):
        return None
    return visit.make("matmul", inputs, attributes)


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
    if source.op.type == "transpose" and visit.single_use(0):
        return _regrouped(visit, source.op)
    return None


def _regrouped(visit: Visit, transpose: Operation) -> list[Tensor] | None:
    """A transpose between reshapes that only join axes and part them again, as a transpose of the parted ones."""
    joined, parted = transpose.inputs[0], visit.op.outputs[0].shape
    if joined is None or joined.shape is None or joined.op.type not in _RESHAPES or parted is None:
        return None
    origin = joined.op.inputs[0]
    if origin is None or origin.shape is None or origin.op.type == "variable":
        return None
    groups = _groups(origin.shape, joined.shape)
    if groups is None:
        return None
    order = _permutation(transpose.a.permutation, len(joined.shape))
    permutation = [axis for group in order for axis in groups[group]]
    if tuple(origin.shape[axis] for axis in permutation) != tuple(parted):
        return None
    return visit.make("transpose", [origin], {"permutation": permutation})


def _groups(fine: dims.Shape, coarse: dims.Shape) -> list[list[int]] | None:
    """Which axes of one shape make each axis of another; None when they are not such groups."""
    groups: list[list[int]] = []
    axis = 0
    for size in coarse:
        group: list[int] = []
        while axis < len(fine) and (not group or dims.product([fine[a] for a in group]) != size):
            group.append(axis)
            axis += 1
        if dims.product([fine[a] for a in group]) != size:
            return None
        groups.append(group)
    if groups:
        groups[-1] += [a for a in range(axis, len(fine)) if fine[a] == 1]
    return groups if sum(len(g) for g in groups) == len(fine) else None


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
