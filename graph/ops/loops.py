"""What the gradients of loops need: the values of the loop variables before each step."""

from __future__ import annotations

from typing import Any

from samara.errors import GraphError
from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, OpDef, attribute
from samara.graph.ops.control import while_shape


def _history_shape(op: Any) -> Any:
    shapes = while_shape(op)
    steps = Dim()
    kept = [None if shapes[i] is None else (steps, *shapes[i]) for i in op.a.kept]
    return [*kept, ()]


def _history(xp: Any, op: Any, *inputs: Any) -> Any:
    count = len(inputs) - op.a.invariants
    values, invariants = list(inputs[:count]), inputs[count:]
    before: list[list[Any]] = [[] for _ in op.a.kept]
    trips = 0
    while bool(op.run(op.a.condition, [*values, *invariants])[0]):
        if trips == op.a.maximum_trip_count:
            raise GraphError(f"{op.operation.name!r}: the condition still holds after {trips} steps")
        for held, i in zip(before, op.a.kept, strict=True):
            held.append(values[i])
        values = op.run(op.a.step, [*values, *invariants])
        trips += 1
    stacked = [
        xp.stack(held) if held else xp.zeros((0, *inputs[i].shape), dtype=inputs[i].dtype)
        for held, i in zip(before, op.a.kept, strict=True)
    ]
    return [*stacked, xp.asarray(trips, dtype=xp.int32)]


def _history_gradient(b: Any, op: Any, *grads: Any) -> Any:
    from samara.graph.loop_gradients import loop_gradient

    wanted = {i: g for i, g in zip(op.a.kept, grads, strict=False) if g is not None}
    return loop_gradient(b, op, {}, wanted)


OPS.register(
    OpDef(
        name="while_history",
        opcode=504,
        inputs=("inputs: any*",),
        outputs=("history: any*",),
        attributes=(
            attribute("condition", "graph", doc="That of the loop."),
            attribute("step", "graph", doc="That of the loop."),
            attribute("maximum_trip_count", "int", doc="That of the loop."),
            attribute("invariants", "int", 0, "That of the loop."),
            attribute("kept", "shape", doc="The numbers of the loop variables that are kept."),
        ),
        doc="A while_loop's values before each step, one after the other along a new first axis, for the loop "
        "variables that are kept; last the number of steps. The gradient of the loop goes back over them.",
        shape=_history_shape,
        dtypes=lambda op: [*(op.inputs[i].dtype for i in op.a.kept), dtypes.int32],
        reference=_history,
        gradient=_history_gradient,
        device="none",
        why_not="how many steps a loop takes, and so how much memory this needs, is known after it only. Write the "
        "steps out where their number is known.",
        any_rank=True,
    ),
)
