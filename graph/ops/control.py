"""Ops that run sub-graphs, cond and while_loop; and the update of a part of a tensor, which loops collect with."""

from __future__ import annotations

from typing import Any

from samara.errors import GraphError
from samara.graph import dims, dtypes
from samara.graph.dims import Dim, Shape
from samara.graph.ops._table import OPS, OpDef, attribute


def _merged(op: Any, one: Shape | None, other: Shape | None, what: str) -> Shape | None:
    """One shape from two that must be equal."""
    if one is None or other is None:
        return one if other is None else other
    merged = [dims.merge(a, b) for a, b in zip(one, other, strict=False)]
    if len(one) != len(other) or None in merged:
        op.fail(f"{what}: {dims.text(one)} and {dims.text(other)}")
    return tuple(d for d in merged if d is not None)


def _either(one: Shape | None, other: Shape | None) -> Shape | None:
    """What is known of a shape that is one of two."""
    if one is None or other is None or len(one) != len(other):
        return None
    return tuple(a if a == b else Dim() for a, b in zip(one, other, strict=True))


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
        shapes.append(_either(a.shape, b.shape))
    return shapes


def _cond(xp: Any, op: Any, predicate: Any, *inputs: Any) -> Any:
    return op.run(op.a.then_body if bool(predicate) else op.a.else_body, inputs)


def _cond_gradient(b: Any, op: Any, *grads: Any) -> list[Any]:
    """A cond of the gradients of the branches, which compute again what those need."""
    from samara.graph.control import cond, inlined, read_variables
    from samara.graph.gradients import gradients
    from samara.graph.loop_gradients import check_repeatable
    from samara.graph.rewrite import needed, with_bodies

    check_repeatable(op, with_bodies(o for y in (op.a.then_body, op.a.else_body) for o in needed(y.outputs)))
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

    found: list[Any] = cond(
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
        if number in op.a.varying:
            shapes.append(_either(before.shape, after.shape))
            continue
        what = f"loop variable {number} must keep its shape, and the step changes it"
        shapes.append(_merged(op, before.shape, after.shape, what))
    return shapes


def run_loop(op: Any, inputs: Any) -> tuple[list[Any], list[list[Any]], int]:
    """Runs a loop: its variables after it, what the step gives beside them, by step, and the number of steps."""
    count = len(inputs) - op.a.invariants
    values, invariants = list(inputs[:count]), list(inputs[count:])
    condition, step = op.prepared(op.a.condition), op.prepared(op.a.step, count)
    kept: list[list[Any]] = [[] for _ in range(len(op.a.step.outputs) - count)]
    shapes = [v.shape for v in values]
    checked = _unproven(op.a, count)
    values = step.own(values)
    trips = 0
    while bool(condition([*values, *invariants])[0]):
        if trips == op.a.maximum_trip_count:
            raise GraphError(
                f"{op.operation.name!r}: the condition still holds after {trips} steps, which is the loop's "
                "maximum_trip_count"
            )
        values = step([*values, *invariants])
        for held, value in zip(kept, values[count:], strict=True):
            held.append(value)
        del values[count:]
        for number in checked:
            if values[number].shape != shapes[number]:
                raise GraphError(
                    f"{op.operation.name!r}: loop variable {number} has shape {list(shapes[number])} and step {trips} "
                    f"makes it {list(values[number].shape)}: a loop variable keeps its shape"
                )
        trips += 1
    return values, kept, trips


def _unproven(a: Any, count: int) -> list[int]:
    """The variables of which the graph does not tell that they keep their shape."""
    pairs = zip(a.step.inputs[:count], a.step.outputs, strict=False)
    return [
        i for i, (t, u) in enumerate(pairs) if i not in a.varying and (t.shape is None or t.shape != u.shape)
    ]


def _while(xp: Any, op: Any, *inputs: Any) -> Any:
    return run_loop(op, inputs)[0]


def _refused_loop(op: Any) -> str:
    if not op.a.varying:
        return ""
    listed = ", ".join(f"{i} {dims.text(op.a.step.inputs[i].shape)}" for i in op.a.varying)
    return (
        f"a step changes the shape of loop variable {listed}, for which a device keeps no memory. Make it as large as "
        "it may become before the loop, and let a step write a part of it: a TensorArray with a size and without "
        "dynamic_size does that."
    )


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
    return update_in_place(x, update, begin, xp.asarray(x, copy=True))


def update_in_place(x: Any, update: Any, begin: Any, out: Any) -> Any:
    """Writes `update` into `out`, which has the elements of x or is x, from the place `begin` on."""
    places = []
    for axis, (part, whole, first) in enumerate(zip(update.shape, x.shape, begin.tolist(), strict=True)):
        if not 0 <= first <= whole - part:
            raise ValueError(f"{part} elements from {first} on of axis {axis} of size {whole}")
        places.append(slice(first, first + part))
    out[tuple(places)] = update
    return out


def _update_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    _, update, begin = op.inputs
    if update.shape is None:
        raise GraphError(f"dynamic_update_slice {op.name!r}: the gradient needs the rank of the update")
    strides = (1,) * len(update.shape)
    part = b.slice(dy, begin, b.sizes(update), strides=strides)
    # After the part is read, so that it may be written over.
    return [b.dynamic_update_slice(dy, b.zeros_like(update), begin), part, None]


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
            attribute(
                "varying", "shape", (), "The numbers of the loop variables that may change their shape."
            ),
        ),
        doc="Repeats a step as long as a condition holds. The first inputs are the loop variables before the first "
        "step, the outputs are the same after the last. A loop variable keeps its element type, and its shape unless "
        "it is among `varying`, which no device has.",
        shape=while_shape,
        dtypes=lambda op: [t.dtype for t in op.inputs[: loop_variables(op)]],
        reference=_while,
        gradient=_while_gradient,
        refuses=_refused_loop,
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
        texts=True,
    ),
)
