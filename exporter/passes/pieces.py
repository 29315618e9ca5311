"""Joins a tensor that was cut into pieces as it is, where a concatenation has them all again, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from samara.exporter.sharing import fixed_shape
from samara.graph.graph import Tensor
from samara.graph.ops.indexing import entries_of
from samara.graph.rewrite import ModelGraph, Visit, transform


def join_pieces(model: ModelGraph) -> ModelGraph | None:
    """Writes concat([a, b, c]) where a and b are all of x as concat([x, c]).

    Then x can lie in the whole, and the pieces that others read are pieces of it there.
    """
    return transform(model, _visit)


def _visit(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    shape = fixed_shape(op.outputs[0])
    if op.type != "concat" or not shape:
        return None
    axis = op.a.axis % len(shape)
    joined: list[Tensor | None] = []
    place = 0
    while place < len(visit.inputs):
        source, end = _whole(visit.inputs[place:], axis)
        joined.append(source if source is not None else visit.inputs[place])
        place += max(end, 1)
    if len(joined) == len(visit.inputs):
        return None
    return joined[:1] if len(joined) == 1 else visit.make("concat", [joined], {"axis": op.a.axis})  # type: ignore[return-value]


def _whole(parts: Sequence[Tensor | None], axis: int) -> tuple[Tensor | None, int]:
    """The tensor of which the first of these are the pieces, and how many they are; None when there is none."""
    source, size = None, 0
    for count, part in enumerate(parts, 1):
        piece = None if part is None else _piece(part, axis)
        if piece is None or piece[1] != size or (source is not None and piece[0] is not source):
            break
        source, size = piece[0], piece[2]
        if size == (fixed_shape(source) or ())[axis]:
            return source, count
    return None, 0


def _piece(tensor: Tensor, axis: int) -> tuple[Tensor, int, int] | None:
    """What a tensor is a piece of along an axis, from which index to which."""
    op = tensor.op
    source = op.inputs[0] if op.type in ("split", "strided_slice") and not op.control_inputs else None
    # What a variable held when it was cut must be kept apart from what it holds later.
    source = None if source is None or source.op.type == "variable" else source
    shape = None if source is None else fixed_shape(source)
    own = fixed_shape(tensor)
    if source is None or shape is None or own is None or len(own) != len(shape):
        return None
    if op.type == "split":
        if op.a.axis % len(shape) != axis:
            return None
        sizes = [(fixed_shape(t) or ())[axis] for t in op.outputs[: tensor.index]]
        return source, sum(sizes), sum(sizes) + own[axis]
    entries = entries_of(op.a, len(shape))
    if any(entry.new or entry.shrink or entry.stride != 1 for entry in entries):
        return None
    ranges = [entry.range(size) for entry, size in zip(entries, shape, strict=True)]
    if any(
        found != (0, size) for i, (found, size) in enumerate(zip(ranges, shape, strict=True)) if i != axis
    ):
        return None
    return source, ranges[axis][0], sum(ranges[axis])


__all__ = ["join_pieces"]
