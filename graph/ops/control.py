"""Ops that run sub-graphs, cond and while_loop; and the update of a part of a tensor, which loops collect with."""

from __future__ import annotations

from typing import Any

from samara.errors import GraphError
from samara.graph import dims, dtypes
from samara.graph.dims import Shape
from samara.graph.ops._table import OPS, OpDef, attribute


def _merged(op: Any, one: Shape | None, other: Shape | None, what: str) -> Shape | None:
    """One shape from two that must be equal."""
    if one is None or other is None:
        return one if other is None else other
    merged = [dims.merge(a, b) for a, b in zip(one, other, strict=False)]
    if len(one) != len(other) or None in merged:
        op.fail(f"{what}: {dims.text(one)} and {dims.text(other)}")
    return tuple(d for d in merged if d is not None)


def _check_inputs(op: Any, body: Any, given: Any, what: str) -> None:
    if len(body.inputs) != len(given):
        op.fail(f"the {what} takes {len(body.inputs)} inputs, {len(given)} are given")
    for number, (inner, outer) in enumerate(zip(body.inputs, given, strict=True)):
        if inner.dtype is not outer.dtype:
            op.fail(f"input {number} of the {what} is {inner.dtype.name}, {outer.dtype.name} is given")
        _merged(op, inner.shape, outer.shape, f"input {number} of the {what} and what is given differ")


def _cond_shape(op: Any) -> Any:
    then, other = op.a.then_body, op.a.else_body
    if op.shapes[0]:
        op.fail(f"the predicate must be a scalar, not of shape {dims.text(op.shapes[0])}")
    _check_inputs(op, then, op.inputs[1:], "branch for True")
    _check_inputs(op, other, op.inputs[1:], "branch for False")
    if len(then.outputs) != len(other.outputs) or not then.outputs:
        op.fail(f"the branches give {len(then.outputs)} and {len(other.outputs)} tensors")
    shapes = []
    for number, (a, b) in enumerate(zip(then.outputs, other.outputs, strict=True)):
        if a.dtype is not b.dtype:
            op.fail(f"output {number} is {a.dtype.name} of one branch and {b.dtype.name} of the other")
        shapes.append(_merged(op, a.shape, b.shape, f"output {number} has two shapes, by the branches"))
    return shapes


def _cond(xp: Any, op: Any, predicate: Any, *inputs: Any) -> Any:
    return op.run(op.a.then_body if bool(predicate) else op.a.else_body, inputs)


def _cond_gradient(b: Any, op: Any, *grads: Any) -> list[Any]:
    """A cond of the gradients of the branches, which compute again what those need."""
    from samara.graph.control import cond, inlined, read_variables
    from samara.graph.gradients import gradients
    from samara.graph.loop_gradients import check_repeatable

    check_repeatable(op, op.a.then_body, op.a.else_body)
    inputs, variables = op.inputs[1:], read_variables(op)
    wanted = [i for i, t in enumerate(inputs) if t.dtype.is_floating]
    used = [(i, g) for i, g in enumerate(grads) if g is not None]
    if not (wanted or variables) or not used:
        return [None] * (len(op.inputs) + len(variables))

    def branch(body: Any) -> Any:
        def build(*given: Any) -> list[Any]:
            values, starts = given[: len(inputs)], given[len(inputs) :]
            graph = given[0].graph
            # Before the body is copied, which then reads these.
            sources = [*(values[i] for i in wanted), *(graph.convert(v) for v in variables)]
            outputs = inlined(graph, body, values)
            targets = [(outputs[i], s) for (i, _), s in zip(used, starts, strict=True)]
            found = gradients([graph.b.identity(t) for t, _ in targets], sources, [s for _, s in targets])
            return [graph.b.zeros_like(x) if g is None else g for x, g in zip(sources, found, strict=True)]

        return build

    found = cond(
        b.graph,
        op.inputs[0],
        branch(op.a.then_body),
        branch(op.a.else_body),
        [*inputs, *(g for _, g in used)],
    )
    by_input = dict(zip(wanted, found, strict=False))
    return [None, *(by_input.get(i) for i in range(len(inputs))), *found[len(wanted) :]]


def loop_variables(op: Any) -> int:
    """How many of a loop's inputs are loop variables."""
    return len(op.inputs) - int(op.a.invariants)


def while_shape(op: Any) -> Any:
    """The shapes of a loop's variables after it."""
    condition, step, count = op.a.condition, op.a.step, loop_variables(op)
    if not 0 < count <= len(op.inputs) or op.a.invariants < 0:
        op.fail(f"{op.a.invariants} of {len(op.inputs)} inputs are invariants")
    if op.a.maximum_trip_count < 0:
        op.fail(f"a maximum of {op.a.maximum_trip_count} steps")
    _check_inputs(op, condition, op.inputs, "condition")
    _check_inputs(op, step, op.inputs, "step")
    test = condition.outputs
    if len(test) != 1 or test[0].dtype is not dtypes.bool_ or test[0].shape:
        listed = ", ".join(f"{t.dtype.name}{dims.text(t.shape)}" for t in test)
        op.fail(f"the condition must give a bool scalar, not {listed}")
    if len(step.outputs) != count:
        op.fail(f"the step gives {len(step.outputs)} tensors for {count} loop variables")
    shapes = []
    for number, (before, after) in enumerate(zip(op.inputs[:count], step.outputs, strict=True)):
        if before.dtype is not after.dtype:
            op.fail(f"loop variable {number} is {before.dtype.name} and the step makes it {after.dtype.name}")
        what = f"loop variable {number} must keep its shape, and the step changes it"
        shapes.append(_merged(op, before.shape, after.shape, what))
    return shapes


def _while(xp: Any, op: Any, *inputs: Any) -> Any:
    count = len(inputs) - op.a.invariants
    values, invariants = list(inputs[:count]), inputs[count:]
    shapes = [v.shape for v in values]
    trips = 0
    while bool(op.run(op.a.condition, [*values, *invariants])[0]):
        if trips == op.a.maximum_trip_count:
            raise GraphError(
                f"{op.operation.name!r}: the condition still holds after {trips} steps, which is the loop's "
                "maximum_trip_count"
            )
        values = op.run(op.a.step, [*values, *invariants])
        for number, (value, shape) in enumerate(zip(values, shapes, strict=True)):
            if value.shape != shape:
                raise GraphError(
                    f"{op.operation.name!r}: loop variable {number} has shape {list(shape)} and step {trips} makes it "
                    f"{list(value.shape)}: a loop variable keeps its shape"
                )
        trips += 1
    return values


def _while_gradient(b: Any, op: Any, *grads: Any) -> list[Any]:
    from samara.graph.loop_gradients import loop_gradient

    return loop_gradient(b, op, {i: g for i, g in enumerate(grads) if g is not None}, {})


def _update_shape(op: Any) -> Any:
    x, update, begin = op.shapes
    if begin is not None and len(begin) != 1:
        op.fail(f"begin must have rank 1, not {len(begin)}")
    if x is None or update is None:
        return x
    if len(x) != len(update) or not x:
        op.fail(f"x has rank {len(x)} and the update rank {len(update)}: they must have one, from 1 on")
    if begin is not None and dims.equal(begin[0], len(x)) is False:
        op.fail(f"begin has {begin[0]} entries, x has rank {len(x)}")
    return x


def _update(xp: Any, op: Any, x: Any, update: Any, begin: Any) -> Any:
    places = []
    for axis, (part, whole) in enumerate(zip(update.shape, x.shape, strict=True)):
        first = int(begin[axis])
        if not 0 <= first <= whole - part:
            raise ValueError(f"{part} elements from {first} on of axis {axis} of size {whole}")
        places.append(slice(first, first + part))
    y = xp.asarray(x, copy=True)
    y[tuple(places)] = update
    return y


def _update_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    _, update, begin = op.inputs
    if update.shape is None:
        raise GraphError(f"dynamic_update_slice {op.name!r}: the gradient needs the rank of the update")
    strides = (1,) * len(update.shape)
    return [
        b.dynamic_update_slice(dy, b.zeros_like(update), begin),
        b.slice(dy, begin, b.sizes(update), strides=strides),
        None,
    ]


OPS.register(
    OpDef(
        name="cond",
        opcode=190,
        inputs=("predicate: bool", "inputs: any?*"),
        outputs=("outputs: any*",),
        attributes=(
            attribute("then_body", "graph", doc="What runs when the predicate is true."),
            attribute("else_body", "graph", doc="What runs when it is not."),
        ),
        doc="Runs one of two bodies on the inputs; the outputs are those of the body that runs. Both take the same "
        "inputs and give outputs of the same element types and shapes.",
        shape=_cond_shape,
        dtypes=lambda op: [t.dtype for t in op.a.then_body.outputs],
        reference=_cond,
        gradient=_cond_gradient,
        any_rank=True,
    ),
    OpDef(
        name="while_loop",
        opcode=191,
        inputs=("inputs: any*",),
        outputs=("outputs: any*",),
        attributes=(
            attribute("condition", "graph", doc="Gives a bool scalar: whether to take a step."),
            attribute("step", "graph", doc="Gives the next values of the loop variables."),
            attribute("maximum_trip_count", "int", doc="The most steps; more are an error of the run."),
            attribute(
                "invariants",
                "int",
                0,
                "How many of the last inputs are no loop variables, but only read.",
            ),
        ),
        doc="Repeats a step as long as a condition holds. The first inputs are the loop variables before the first "
        "step, the outputs are the same after the last. A loop variable keeps its element type and shape.",
        shape=while_shape,
        dtypes=lambda op: [t.dtype for t in op.inputs[: loop_variables(op)]],
        reference=_while,
        gradient=_while_gradient,
        any_rank=True,
    ),
    OpDef(
        name="dynamic_update_slice",
        opcode=192,
        inputs=("x: T", "update: T", "begin: I"),
        outputs=("y: T",),
        types={"T": dtypes.ALL, "I": (dtypes.int32, dtypes.int64)},
        doc="x with a part replaced by `update`, from the place on that `begin` names: one index for each axis. A part "
        "that is not within x is an error of the run. In place only the part is written.",
        shape=_update_shape,
        reference=_update,
        gradient=_update_gradient,
        quant="float_only",
        in_place=True,
        any_rank=True,
    ),
)
