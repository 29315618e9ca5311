"""The gradient of a loop: another loop, backwards over what the loop variables were before each step.

For a step x' = f(x, w), with the derivatives d of what follows, one step backwards is d = f_x(x, w)^T d' and
w's own gradient grows by f_w(x, w)^T d'. Each backward step computes again what it needs of f.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph.control import inlined, read_variables, while_loop
from samara.graph.graph import Body, Operation, Tensor
from samara.graph.ops.control import loop_variables
from samara.graph.rewrite import needed, with_bodies


def loop_gradient(
    b: Any, op: Operation, last: dict[int, Tensor], before: dict[int, Tensor]
) -> list[Tensor | None]:
    """The gradients of the inputs of a loop, and of the variables that only its bodies read.

    Args:
        b: builds in the graph of the loop.
        op: a while_loop or a while_history.
        last: the gradients of loop variables after the loop, by number.
        before: those of the values before each step, along a first axis.

    Raises:
        GraphError: a step draws random numbers or writes variables, so that it cannot be computed again.
    """
    from samara.graph.gradients import gradients

    step, count = op.a.step, loop_variables(op)
    check_repeatable(op, step)
    _check_pure(op, step)
    variables = read_variables(op)
    states = [i for i in range(count) if op.inputs[i].dtype.is_floating]  # type: ignore[union-attr]
    constants = [i for i in range(count, len(op.inputs)) if op.inputs[i].dtype.is_floating]  # type: ignore[union-attr]
    if not (last or before) or not (states or constants or variables):
        return [None] * (len(op.inputs) + len(variables))
    collectors = _collectors(step, count)
    kept = [i for i in range(count) if i not in collectors]
    *histories, trips = op.graph.apply(
        "while_history", [list(op.inputs)], {**_loop(op), "kept": kept}, name=f"{op.type}_history"
    ).outputs
    invariants = list(op.inputs[count:])
    offset = [i for i in states if i in before]

    def grow(index: Any, *current: Any) -> list[Any]:
        inner = index.graph.b
        index = inner.subtract(index, np.int32(1))
        parts = iter(current)
        after = [next(parts) for _ in states]
        sums = [next(parts) for _ in (*constants, *variables)]
        held = {i: inner.gather(h, index, axis=0) for i, h in zip(kept, histories, strict=True)}
        # The values of a collector have no part in its gradient.
        values = [
            held[i] if i in held else inner.identity(index.graph.convert(op.inputs[i])) for i in range(count)
        ]
        values += [inner.identity(index.graph.convert(t)) for t in invariants]
        sources = [*(values[i] for i in (*states, *constants)), *(index.graph.convert(v) for v in variables)]
        outputs = inlined(index.graph, step, values)
        targets = [inner.identity(outputs[i]) for i in states]
        found = gradients(targets, sources, after)
        made = [inner.zeros_like(x) if g is None else g for x, g in zip(sources, found, strict=True)]
        states_made = [
            inner.add(g, inner.gather(before[i], index, axis=0)) if i in offset else g
            for i, g in zip(states, made[: len(states)], strict=True)
        ]
        rest = made[len(states) :]
        return [index, *states_made, *(inner.add(s, g) for s, g in zip(sums, rest, strict=True))]

    starts = [last[i] if i in last else b.zeros_like(op.inputs[i]) for i in states]
    zeros = [b.zeros_like(op.inputs[i]) for i in constants] + [b.zeros_like(v) for v in variables]
    made = while_loop(
        b.graph,
        lambda index, *_: index.graph.b.greater(index, np.int32(0)),
        grow,
        [trips, *starts, *zeros],
        name=f"{op.type}_gradient",
    )[1:]
    by_input = dict(zip([*states, *constants], made, strict=False))
    return [*(by_input.get(i) for i in range(len(op.inputs))), *made[len(states) + len(constants) :]]


def _loop(op: Operation) -> dict[str, Any]:
    return {k: op.attributes[k] for k in ("condition", "step", "maximum_trip_count", "invariants")}


def check_repeatable(op: Operation, *bodies: Body) -> None:
    """Refuses bodies that draw random numbers: the gradient computes them again, and would draw others.

    Raises:
        GraphError: one does.
    """
    where = f" (made at {op.source})" if op.source else ""
    for inner in with_bodies([o for body in bodies for o in needed(body.outputs)]):
        if inner.definition.random:
            raise GraphError(
                f"the gradient of {op.type} {op.name!r}{where} computes it again, and {inner.type} {inner.name!r} in "
                "it would draw other numbers: draw them before it (a loop's for all steps, and take each by gather)"
            )


def _check_pure(op: Operation, step: Body) -> None:
    where = f" (made at {op.source})" if op.source else ""
    for inner in with_bodies(needed(step.outputs)):
        if inner.writes and not inner.bodies:
            raise GraphError(
                f"the gradient of {op.type} {op.name!r}{where} computes each step again, and {inner.name!r} in it "
                f"writes variable {next(iter(inner.writes))!r}: write it after the loop"
            )


def _collectors(step: Body, count: int) -> set[int]:
    """Loop variables that a step only writes a part of: their values are not needed to go back."""
    uses: dict[int, list[Operation]] = {}
    for op in needed(step.outputs):
        for tensor in op.given_inputs:
            uses.setdefault(id(tensor), []).append(op)
    outputs = [id(t) for t in step.outputs]
    found = set()
    for i, (given, made) in enumerate(zip(step.inputs[:count], step.outputs, strict=True)):
        op = made.op
        if (
            op.type == "dynamic_update_slice"
            and op.inputs[0] is given
            and uses.get(id(given)) == [op]
            and not uses.get(id(made))
            and outputs.count(id(made)) == 1
            and id(given) not in outputs
        ):
            found.add(i)
    return found
