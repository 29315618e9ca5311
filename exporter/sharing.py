"""Ops that move nothing where their operands lie in each other: along the outermost axis, and along the last."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from samara.graph.graph import Operation, Tensor
from samara.graph.ops.indexing import entries_of


def views(op: Operation) -> list[tuple[int, int]]:
    """The outputs of an op that are bytes of its first input: the number of each, and from which byte on it is.

    Bytes count as if the rows of the input lay together.
    """
    if op.definition.view:
        return [(0, 0)]
    sizes = _fixed(op)
    if op.type == "strided_slice" and sizes:
        offset = _slice_offset(op, sizes[0])
        return [] if offset is None else [(0, offset * op.outputs[0].dtype.size)]
    if op.type == "split" and sizes and _outermost(sizes[0], op.a.axis):
        return list(enumerate(_starts(op.outputs)))
    return []


def joins(op: Operation) -> list[tuple[int, int]]:
    """The inputs of an op that can lie in its output: the number of each, and at which byte it then begins."""
    sizes = _fixed(op)
    if op.type in ("concat", "stack") and sizes and _outermost(sizes[-1], op.a.axis):
        return list(enumerate(_starts(op.given_inputs)))
    return []


def columns(op: Operation) -> list[tuple[int, int]]:
    """The inputs of an op whose rows can lie in those of its output: the number of each, and from which byte on."""
    sizes = _fixed(op)
    if op.type != "concat" or not sizes or _outermost(sizes[-1], op.a.axis):
        return []
    if op.a.axis not in (-1, len(sizes[-1]) - 1) or any(0 in shape for shape in sizes):
        return []
    widths = [row_bytes(t) for t in op.given_inputs]
    return [(i, sum(widths[:i])) for i in range(len(widths))]


def cuts(op: Operation) -> list[tuple[int, int]]:
    """The outputs of an op whose rows are pieces of those of its first input: each number and first byte."""
    sizes = _fixed(op)
    if op.type not in ("split", "strided_slice") or not sizes or any(0 in shape for shape in sizes):
        return []
    shape = sizes[0]
    if _outermost(shape, -1):
        return []
    if op.type == "split":
        widths = [row_bytes(t) for t in op.outputs]
        last = op.a.axis in (-1, len(shape) - 1)
        return [(i, sum(widths[:i])) for i in range(len(widths))] if last else []
    for entry in entries_of(op.a, len(shape)):
        if entry.new:
            continue
        begin, size = entry.range(shape[entry.axis])
        if entry.axis < len(shape) - 1:
            if size != shape[entry.axis] or (size > 1 and entry.stride != 1):
                return []
        elif sizes[-1][-1:] == (size,) and size < shape[-1] and (size == 1 or entry.stride == 1):
            return [(0, begin * op.outputs[0].dtype.size)]
    return []


def rigid(op: Operation) -> set[int]:
    """The tensors, by identity, whose rows must lie together for an op that takes or gives them."""
    taken, given = op.definition.operands, op.definition.results
    found = {id(t) for i, t in enumerate(op.inputs) if not taken[min(i, len(taken) - 1)].strided}
    return found | {id(t) for i, t in enumerate(op.outputs) if not given[min(i, len(given) - 1)].strided}


def copied(outputs: Iterable[Tensor]) -> Iterator[Operation]:
    """The ops that must not share bytes, because an output would then begin in the middle of another tensor."""
    for tensor in outputs:
        while (at := dict(views(tensor.op)).get(tensor.index)) is not None:
            if at:
                yield tensor.op
                break
            source = tensor.op.inputs[0]
            assert source is not None
            tensor = source


def fixed_shape(tensor: Tensor) -> tuple[int, ...] | None:
    """The sizes of a tensor when none of them moves."""
    sizes = tuple(d for d in tensor.shape or () if isinstance(d, int))
    return sizes if tensor.shape is not None and len(sizes) == len(tensor.shape) else None


def byte_count(tensor: Tensor) -> int:
    """The bytes of a tensor of which the sizes are fixed."""
    shape = fixed_shape(tensor)
    assert shape is not None
    return math.prod(shape) * tensor.dtype.size


def row_bytes(tensor: Tensor) -> int:
    """The bytes of a row along the last axis of a tensor of which the sizes are fixed; 0 of a scalar."""
    shape = fixed_shape(tensor)
    return shape[-1] * tensor.dtype.size if shape else 0


def _fixed(op: Operation) -> list[tuple[int, ...]]:
    """The shapes of all operands; none when one of them moves."""
    found = [fixed_shape(tensor) for tensor in (*op.given_inputs, *op.outputs)]
    known = [shape for shape in found if shape is not None]
    return known if len(known) == len(found) else []


def _outermost(shape: Sequence[int], axis: int) -> bool:
    return bool(shape) and math.prod(shape[: axis % len(shape)]) == 1


def _starts(parts: Sequence[Tensor]) -> list[int]:
    sizes = [byte_count(t) for t in parts]
    return [sum(sizes[:i]) for i in range(len(sizes))]


def _slice_offset(op: Operation, shape: tuple[int, ...]) -> int | None:
    """Where the elements of a slice begin in its input, if they lie together there."""
    begins, sizes = [0] * len(shape), list(shape)
    for entry in entries_of(op.a, len(shape)):
        if entry.new:
            continue
        begin, size = entry.range(shape[entry.axis])
        if size < 1 or (size > 1 and entry.stride != 1) or not 0 <= begin <= shape[entry.axis] - size:
            return None
        begins[entry.axis], sizes[entry.axis] = begin, size
    cut = [axis for axis, size in enumerate(sizes) if size != shape[axis]]
    if cut and math.prod(sizes[: cut[-1]]) != 1:
        return None
    return sum(begin * math.prod(shape[axis + 1 :]) for axis, begin in enumerate(begins))
