"""What the gradients of loops need: values of each step, kept by the loop as it runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, OpDef, attribute
from samara.graph.ops.control import run_loop


def kept_tensors(op: Any) -> Sequence[Any]:
    """What a while_history keeps of each step, tensors of its step."""
    return op.a.step.outputs[len(op.inputs) - 1 - op.a.invariants :]  # type: ignore[no-any-return]


def _kept_shapes(op: Any) -> list[Any]:
    steps = Dim()
    shapes: list[Any] = [()]
    for number, tensor in enumerate(kept_tensors(op)):
        if number in op.a.ragged:
            shapes += [(Dim(),), (steps, Dim() if tensor.shape is None else len(tensor.shape))]
        else:
            shapes.append((steps, *tensor.shape))
    return shapes


def _kept_types(op: Any) -> list[Any]:
    types: list[Any] = [dtypes.int32]
    for number, tensor in enumerate(kept_tensors(op)):
        types += [tensor.dtype, dtypes.int32] if number in op.a.ragged else [tensor.dtype]
    return types


class Rows:
    """Arrays of one shape, which stand for the array that they would be if stacked, where only whole rows are read."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows
        self.shape = (len(rows), *rows[0].shape)
        self.ndim = len(self.shape)

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        return self._rows[key[0]]


def loop_and_history(xp: Any, op: Any, *inputs: Any) -> list[Any]:
    """What the loop gives, and after that what a while_history of it gives."""
    values, kept, trips = run_loop(op, inputs[1:])
    made = [*values, xp.asarray(trips, dtype=xp.int32)]
    kinds = iter(op.output_dtypes[1:])
    for number, (tensor, held) in enumerate(zip(kept_tensors(op.operation), kept, strict=True)):
        kind = next(kinds)
        if number in op.a.ragged:
            rank = held[0].ndim if held else len(tensor.shape or ())
            extents = xp.asarray([list(h.shape) for h in held], dtype=next(kinds))
            flat = [xp.reshape(h, (-1,)) for h in held]
            made.append(xp.concat(flat) if flat else xp.zeros((0,), dtype=kind))
            made.append(xp.reshape(extents, (len(held), rank)))
        elif held:
            made.append(Rows(held) if number in op.unstacked else xp.stack(held))
        else:
            sizes = (d if isinstance(d, int) else 0 for d in tensor.shape or ())
            made.append(xp.zeros((0, *sizes), dtype=kind))
    return made


def _history(xp: Any, op: Any, *inputs: Any) -> Any:
    count = len(inputs) - 1 - op.a.invariants
    return loop_and_history(xp, op, *inputs)[count:]


def _history_gradient(b: Any, op: Any, *grads: Any) -> Any:
    from samara.graph.loop_gradients import loop_gradient

    before, outputs = {}, iter(grads[1:])
    for number in range(len(kept_tensors(op))):
        before[number] = next(outputs)
        if number in op.a.ragged:
            next(outputs)
    return [None, *loop_gradient(b, op, {}, {n: g for n, g in before.items() if g is not None})]


def _place(xp: Any, extents: Any, index: Any) -> tuple[int, tuple[int, ...]]:
    number = int(index)
    if not 0 <= number < extents.shape[0]:
        raise ValueError(f"index {number} is outside 0..{extents.shape[0] - 1}")
    sizes = xp.prod(xp.astype(extents, xp.int64), axis=1)
    return int(xp.sum(sizes[:number])), tuple(int(n) for n in extents[number, :])


def _at(xp: Any, op: Any, flat: Any, extents: Any, index: Any) -> Any:
    start, shape = _place(xp, extents, index)
    return xp.reshape(flat[start : start + math.prod(shape)], shape)


def _at_shape(op: Any) -> Any:
    _, extents, _ = op.shapes
    if extents is None or not isinstance(extents[1], int):
        return None
    return tuple(Dim() for _ in range(extents[1]))


def _at_gradient(b: Any, op: Any, dy: Any) -> Any:
    flat, extents, index = op.inputs
    return [b.ragged_put(b.zeros_like(flat), extents, index, dy), None, None]


def _put(xp: Any, op: Any, flat: Any, extents: Any, index: Any, value: Any) -> Any:
    start, shape = _place(xp, extents, index)
    made = xp.asarray(flat, copy=True)
    made[start : start + math.prod(shape)] = xp.reshape(value, (-1,))
    return made


def _put_shape(op: Any) -> Any:
    return op.shapes[0]


def _put_gradient(b: Any, op: Any, dy: Any) -> Any:
    _, extents, index, value = op.inputs
    return [
        b.ragged_put(dy, extents, index, b.zeros_like(value)),
        None,
        None,
        b.ragged_at(dy, extents, index),
    ]


_WHY = (
    "it is for the gradients of loops whose steps give results of different shapes, and how much memory that needs is "
    "known after the loop only. Export what the loop gives, without the gradient."
)

OPS.register(
    OpDef(
        name="while_history",
        opcode=504,
        inputs=("loop: any", "inputs: any*"),
        outputs=("history: any*",),
        attributes=(
            attribute("condition", "graph", doc="That of the loop."),
            attribute("step", "graph", doc="That of the loop, with more outputs: what is kept."),
            attribute("maximum_trip_count", "int", doc="That of the loop."),
            attribute("invariants", "int", 0, "That of the loop."),
            attribute("varying", "shape", (), "That of the loop."),
            attribute(
                "ragged", "shape", (), "The numbers of what is kept whose shape differs from step to step."
            ),
        ),
        doc="The number of steps of a while_loop, and values of each step, one after the other along a new first axis. "
        "What has another shape in each step is joined to one row, with the shapes as a second output. `loop` is an "
        "output of the loop itself, or the first one of another while_history of it that this one begins with: a "
        "session runs them as one. The gradient of the loop goes back over it.",
        shape=_kept_shapes,
        dtypes=_kept_types,
        reference=_history,
        gradient=_history_gradient,
        device="none",
        why_not="how many steps a loop takes, and so how much memory this needs, is known after it only. Write the "
        "steps out where their number is known.",
        any_rank=True,
    ),
    OpDef(
        name="ragged_at",
        opcode=591,
        inputs=("flat: T", "extents: int32", "index: int32"),
        outputs=("element: T",),
        types={"T": dtypes.ALL},
        doc="One of several tensors that are joined to one row; `extents` holds their shapes.",
        shape=_at_shape,
        reference=_at,
        gradient=_at_gradient,
        device="none",
        why_not=_WHY,
        any_rank=True,
        texts=True,
    ),
    OpDef(
        name="ragged_put",
        opcode=592,
        inputs=("flat: T", "extents: int32", "index: int32", "value: T"),
        outputs=("written: T",),
        types={"T": dtypes.ALL},
        doc="A row that several tensors are joined to, with one of them replaced; see ragged_at.",
        shape=_put_shape,
        reference=_put,
        gradient=_put_gradient,
        device="none",
        why_not=_WHY,
        any_rank=True,
        texts=True,
    ),
)

__all__ = ["Rows", "kept_tensors", "loop_and_history"]
