"""Building operations that run sub-graphs: `cond` and `while_loop`.

A body is traced by calling a function with placeholders, within a graph of its own. What the function uses of the graph
around it becomes explicit: constants, and sizes taken from shapes, are repeated in the body, a variable is the
session's variable of that name, and any other tensor is one more input of the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from samara.errors import GraphError, ShapeError
from samara.graph import dims, dtypes
from samara.graph.graph import Body, Graph, Operation, Tensor
from samara.graph.inference import known_value
from samara.graph.loop_shapes import Freedom, Late, opened, settled, sized_by, specialized
from samara.graph.ops import OPS

# The most that the file can say; a run of a file ends with an error after as many steps of all its loops together.
MOST_TRIPS = 2**31 - 1


class BodyGraph(Graph):
    """A graph that is being traced within another one, `outer`, and takes what it uses of it."""

    outer: Graph

    def __init__(self, outer: Graph, *, draws_outside: bool = False) -> None:
        super().__init__()
        self.outer = outer
        self._draws_outside = draws_outside
        self.seed = outer.seed
        # What is collected and which scopes are open does not depend on where in the program it is said.
        self._collections = outer._collections
        self.inputs: list[Tensor] = []
        self.captured: dict[Tensor, Tensor] = {}
        # Operations around it that it must not run before.
        self.waits_for: list[Operation] = []
        self._copied: dict[Tensor, Tensor] = {}
        # A variable keeps its name in a body, which is how a session finds it.
        self.reserve_names(_variable_names(outer))

    def add_input(self, tensor: Tensor) -> Tensor:
        """A placeholder of the kind of a tensor of the outer graph."""
        return self.add_shaped(tensor, tensor.shape)

    def add_shaped(self, tensor: Tensor | Late, shape: dims.Shape | None) -> Tensor:
        """A placeholder of the kind of a tensor of the outer graph, but of another shape."""
        attributes = {"dtype": tensor.dtype, "shape": shape}
        name = tensor.name.rpartition("/")[2].partition(":")[0]
        source = "" if tensor.op is None else tensor.op.source
        with self.name_scope(None), self.control_dependencies(None), self.source(source):
            made = self.apply("placeholder", [], attributes, name=name).outputs[0]
        self.inputs.append(made)
        return made

    def capture(self, tensor: Tensor) -> Tensor:
        """The input that stands for a tensor of the outer graph; a new one the first time."""
        if tensor not in self.captured:
            self.captured[tensor] = self.add_input(tensor)
        return self.captured[tensor]

    def apply(
        self,
        type_: str,
        inputs: Sequence[Any],
        attributes: dict[str, Any] | None = None,
        *,
        name: str | None = None,
        exact_name: bool = False,
    ) -> Operation:
        """Adds an operation; what draws random numbers goes outside where it can.

        The gradient of a branch computes the branch again, and must find the numbers that were drawn.
        """
        if self._draws_outside and OPS[type_].random:
            given = [self._lifted(self.convert(v)) for v in inputs]
            if None not in given:
                drawn = self.outer.apply(type_, given, attributes, name=name)
                return self.capture(drawn.outputs[0]).op
        return super().apply(type_, inputs, attributes, name=name, exact_name=exact_name)

    def _awaited(self, control: Iterable[Operation], source: str) -> list[Operation]:
        """Those of this graph; what is around it runs before the operation that this is a body of."""
        own = []
        for op in control:
            around: Graph | None = self.outer
            while around is not None and around is not op.graph:
                around = around.outer
            if around is None:
                own.append(op)
            elif op not in self.waits_for:
                self.waits_for.append(op)
        return super()._awaited(own, source)

    def _lifted(self, tensor: Tensor) -> Tensor | None:
        """The tensor of the outer graph that always has the value of one of this graph; None where there is none."""
        from samara.graph.rewrite import copy

        for known in (self.captured, self._copied):
            for outside, inside in known.items():
                if inside is tensor:
                    return outside
        op = tensor.op
        if op.type == "placeholder" or op.stateful:
            return None
        given = [None if t is None else self._lifted(t) for t in op.inputs]
        if any(a is None and t is not None for a, t in zip(given, op.inputs, strict=True)):
            return None
        return copy(self.outer, op, given, name=op.name)[tensor.index]

    def _foreign(self, tensor: Tensor) -> Tensor:
        if tensor.graph is not self.outer:
            tensor = self.outer.convert(tensor)
        op = tensor.op
        if op.type not in ("constant", "variable") and not _describes_shapes(tensor):
            return self.capture(tensor)
        if tensor not in self._copied:
            from samara.graph.rewrite import copy

            inputs = [None if t is None else self.convert(t) for t in op.inputs]
            with self.name_scope(None), self.control_dependencies(None), self.source(op.source):
                if op.type == "variable":
                    made = self.apply(op.type, [], op.attributes, name=op.name, exact_name=True).outputs
                else:
                    made = copy(self, op, inputs, name=op.name)
            self._copied.update(zip(op.outputs, made, strict=True))
        return self._copied[tensor]


def _describes_shapes(tensor: Tensor) -> bool:
    """Whether the elements are sizes that the graph determines: a body computes them again, so that they stay known."""
    known = None if tensor.op.type in ("placeholder", "dimension") else known_value(tensor)
    return known is not None and not any(isinstance(d, dims.Dim) and d.anonymous for d in known)


def _variable_names(graph: Graph) -> list[str]:
    names = [op.name for op in graph.operations if op.type == "variable"]
    return names + (_variable_names(graph.outer) if graph.outer is not None else [])


def _trace(
    outer: Graph,
    function: Callable[..., Any],
    like: Sequence[Tensor | Late],
    what: str,
    *,
    shapes: Sequence[dims.Shape | None] | None = None,
    draws_outside: bool = False,
) -> tuple[BodyGraph, list[Any]]:
    """Calls a function with placeholders like some tensors, of their shapes or others, in a graph of its own."""
    graph = BodyGraph(outer, draws_outside=draws_outside)
    shapes = [t.shape for t in like] if shapes is None else shapes
    arguments = [graph.add_shaped(t, s) for t, s in zip(like, shapes, strict=True)]
    with graph.as_default():
        found = function(*arguments)
        listed = list(found) if isinstance(found, (list, tuple)) else [found]
        if not listed:
            raise ValueError(f"{what} must give at least one tensor")
        if any(v is None or isinstance(v, Operation) for v in listed):
            raise TypeError(f"{what} must give tensors, not {', '.join(type(v).__name__ for v in listed)}")
    return graph, listed


def _finished(
    graph: BodyGraph, values: Sequence[Any], kinds: Sequence[Any], keeps_writes: bool = True
) -> tuple[Tensor, ...]:
    """The outputs of a traced body; what it writes is written before the first of them, where that is kept."""
    outputs = [graph.convert(v, k) for v, k in zip(values, kinds, strict=True)]
    writes = [op for op in graph.operations if op.writes] if keeps_writes else []
    if writes:
        with graph.control_dependencies(writes):
            outputs[0] = graph.b.identity(outputs[0])
    return tuple(outputs)


def _shared(captured: Sequence[Tensor], graphs: Sequence[BodyGraph]) -> None:
    """Gives each body all inputs that any of them captured, in one order after those it was called with."""
    for graph in graphs:
        count = len(graph.inputs) - len(graph.captured)
        graph.inputs = graph.inputs[:count] + [graph.capture(t) for t in captured]
        graph.finalize()


def _captured(graphs: Sequence[BodyGraph]) -> list[Tensor]:
    return list(dict.fromkeys(t for g in graphs for t in g.captured))


def _kinds(values: Sequence[Any]) -> list[Any]:
    """The element types of what is one already."""
    return [getattr(v, "dtype", None) if hasattr(v, "as_graph_tensor") else None for v in values]


def cond(
    graph: Graph,
    predicate: Any,
    then_function: Callable[..., Any],
    else_function: Callable[..., Any],
    inputs: Sequence[Any] = (),
    *,
    keeps_writes: bool = True,
    alike: bool = True,
    name: str | None = None,
) -> list[Tensor]:
    """Runs one of two branches.

    Args:
        graph: where the operation goes.
        predicate: a bool scalar; True runs the first branch.
        then_function: called with tensors that stand for `inputs`; gives a tensor or a list of them. It may use any
            tensor of the graph.
        else_function: the same; it gives as many tensors as the other, of the same element types.
        inputs: what the branches are called with.
        keeps_writes: whether a branch makes the writes to variables that are in it, needed for its results or not.
        alike: whether both must give results of the same shapes, as a device needs.
        name: the operation's.

    Raises:
        ShapeError: they give different shapes, and must not.
        TypeError: they give different element types, or something other than tensors.
        ValueError: they give different numbers of tensors.
    """
    like = [graph.convert(v) for v in inputs]
    then_graph, then_values = _trace(graph, then_function, like, "the branch for True", draws_outside=True)
    else_graph, else_values = _trace(graph, else_function, like, "the branch for False", draws_outside=True)
    if len(then_values) != len(else_values):
        raise ValueError(
            f"cond: one branch gives {len(then_values)} tensors and the other {len(else_values)}: give as many of both"
        )
    kinds = [a if a is not None else b for a, b in zip(_kinds(then_values), _kinds(else_values), strict=True)]
    then_outputs = _finished(then_graph, then_values, _own(then_values, kinds), keeps_writes)
    else_outputs = _finished(else_graph, else_values, _own(else_values, kinds), keeps_writes)
    captured = _captured((then_graph, else_graph))
    _shared(captured, (then_graph, else_graph))
    bodies = {
        "then_body": Body(then_graph, tuple(then_graph.inputs), then_outputs),
        "else_body": Body(else_graph, tuple(else_graph.inputs), else_outputs),
    }
    with graph.control_dependencies([*then_graph.waits_for, *else_graph.waits_for]):
        made = graph.apply("cond", [predicate, [*like, *captured]], bodies, name=name)
    if alike:
        for number, (output, one, other) in enumerate(
            zip(made.outputs, then_outputs, else_outputs, strict=True)
        ):
            if same_shape(one, other) is False:
                where = f" (at {made.source})" if made.source else ""
                raise ShapeError(
                    f"cond {made.name!r}: output {number} has two shapes, by the branches: {dims.text(one.shape)} and "
                    f"{dims.text(other.shape)}{where}"
                )
            output.set_shape(one.shape)
            output.set_shape(other.shape)
    return list(made.outputs)


def trace(graph: Graph, function: Callable[..., Any], like: Sequence[Tensor]) -> tuple[Body, list[Tensor]]:
    """The body that a function makes, and the tensors of `graph` that it takes beside those like `like`.

    `inlined(other, body, [*values, *taken])` adds its operations to another graph within `graph`.
    """
    made, values = _trace(graph, function, like, "the function")
    outputs = tuple(made.convert(v) for v in values)
    taken = _captured((made,))
    _shared(taken, (made,))
    return Body(made, tuple(made.inputs), outputs), taken


def traced(
    graph: Graph, function: Callable[..., Any], kinds: Sequence[tuple[dtypes.DType, Any]]
) -> tuple[Body, list[Tensor]]:
    """As `trace`, with placeholders of given element types and shapes, of what is to run once for each of many values.

    What the function writes, or draws by chance, is written and drawn each time.
    """
    made = BodyGraph(graph)
    arguments = [
        made.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name="argument").outputs[0]
        for dtype, shape in kinds
    ]
    made.inputs += arguments
    with made.as_default():
        values = function(*arguments)
    outputs = _finished(made, values, _kinds(values))
    taken = _captured((made,))
    _shared(taken, (made,))
    return Body(made, tuple(made.inputs), outputs), taken


def _own(values: Sequence[Any], kinds: Sequence[Any]) -> list[Any]:
    """For what has no element type, that of its counterpart; a tensor keeps its own, for the op to compare."""
    return [None if hasattr(v, "as_graph_tensor") else k for v, k in zip(values, kinds, strict=True)]


def while_loop(
    graph: Graph,
    condition: Callable[..., Any],
    step: Callable[..., Any],
    variables: Sequence[Any],
    *,
    maximum_trip_count: int = MOST_TRIPS,
    freedoms: Sequence[Freedom] | None = None,
    keeps_writes: bool = True,
    name: str | None = None,
) -> list[Tensor]:
    """Repeats a step as long as a condition holds.

    Args:
        graph: where the operation goes.
        condition: called with tensors that stand for the loop variables; gives a bool scalar.
        step: called the same; gives the next value of each variable, of its element type and shape.
        variables: the values before the first step; a `Late` one is made when the step has told its shape.
        maximum_trip_count: a run that would take more steps is an error.
        freedoms: for each variable what of its shape a step may change; nothing when None.
        keeps_writes: whether a step makes the writes to variables that are in it, needed for its results or not.
        name: the operation's.

    Returns:
        The variables when the condition no longer holds.

    Raises:
        ShapeError: a variable changes its shape where it may not.
        TypeError: a variable changes its element type, or the condition is no bool.
        ValueError: the step gives another number of tensors.
    """
    like = [v if isinstance(v, Late) else graph.convert(v) for v in variables]
    if not like:
        raise ValueError("while_loop needs at least one loop variable")
    shapes = [t.shape for t in like]
    if freedoms is not None:
        shapes = [
            t.shape if isinstance(t, Late) else opened(t.shape, f)
            for t, f in zip(like, freedoms, strict=True)
        ]
    test_graph, test_values = _trace(graph, condition, like, "the condition", shapes=shapes)
    step_graph, step_values = _trace(graph, step, like, "the step", shapes=shapes)
    if len(test_values) != 1:
        raise ValueError(f"while_loop: the condition gives {len(test_values)} tensors instead of one")
    if len(step_values) != len(like):
        raise ValueError(
            f"while_loop: the step gives {len(step_values)} tensors for {len(like)} loop variables: it must give the "
            "next value of each"
        )
    test_outputs = _finished(test_graph, test_values, [dtypes.bool_], keeps_writes)
    step_outputs = _finished(
        step_graph, step_values, _own(step_values, [t.dtype for t in like]), keeps_writes
    )
    sized = sized_by(graph)
    before = [t.make(sized) if isinstance(t, Late) else t for t in like]
    captured = _captured((test_graph, step_graph))
    _shared(captured, (test_graph, step_graph))
    bodies = [
        Body(test_graph, tuple(test_graph.inputs), test_outputs),
        Body(step_graph, tuple(step_graph.inputs), step_outputs),
    ]
    varying: list[int] = []
    if freedoms is not None:
        bodies, varying = settled(bodies, before, freedoms, _inferred_anew)
    attributes = {
        "condition": bodies[0],
        "step": bodies[1],
        "maximum_trip_count": min(maximum_trip_count, MOST_TRIPS),
        "invariants": len(captured),
        "varying": tuple(varying),
    }
    with graph.control_dependencies([*test_graph.waits_for, *step_graph.waits_for]):
        return list(graph.apply("while_loop", [[*before, *captured]], attributes, name=name).outputs)


def _inferred_anew(body: Body, inputs: Sequence[Any]) -> Body:
    """The body for inputs of other shapes."""
    made = rebuilt(body, inputs, specialized, trains=True)
    # Gradients by these constants are refused, in the copy too.
    made.graph._copied = getattr(body.graph, "_copied", {})  # type: ignore[attr-defined]
    return made


def rebuilt(
    body: Body,
    inputs: Sequence[Any],
    copy: Callable[[Graph, Operation, list[Tensor | None]], Sequence[Tensor]],
    *,
    without: Sequence[int] = (),
    trains: bool = False,
) -> Body:
    """A copy of a body for inputs of other shapes and element types.

    Args:
        body: what to copy; its unused operations are left out.
        inputs: for each input something with its `dtype` and `shape`.
        copy: adds an operation to the new graph, on its new inputs, and returns its outputs.
        without: the numbers of inputs that the copy has no more: nothing uses them, or `inputs` has a constant for
            them, which takes their place.
        trains: whether the copy needs the gradients of a program's own that operations of the body have.

    Raises:
        GraphError: the body needs a placeholder that is not among its inputs.
    """
    from samara.graph.rewrite import needed

    graph = Graph()
    graph.reserve_names(op.name for op in body.graph.operations if op.type == "variable")
    mapping: dict[int, Tensor] = {}
    copied: dict[Operation, Operation] = {}
    for number, (old, new) in enumerate(zip(body.inputs, inputs, strict=True)):
        gone = number in without
        if gone and new.op.type != "constant":
            continue
        kind = "constant" if gone else "placeholder"
        attributes = new.op.attributes if gone else {"dtype": new.dtype, "shape": new.shape}
        with graph.source(old.op.source):
            made = graph.apply(kind, [], attributes, name=old.op.name, exact_name=True)
        mapping[id(old)] = made.outputs[0]
    for op in needed(body.outputs):
        if op.outputs and id(op.outputs[0]) in mapping:
            continue
        if op.type == "placeholder":
            raise GraphError(f"placeholder {op.name!r} in a body is none of its inputs")
        after = [copied[c] for c in op.control_inputs if c in copied]
        with graph.source(op.source), graph.control_dependencies(after):
            made_outputs = copy(graph, op, [None if t is None else mapping[id(t)] for t in op.inputs])
        copied[op] = graph.operations[-1]
        for old, new in zip(op.outputs, made_outputs, strict=True):
            mapping[id(old)] = new
    if trains:
        _keep_gradients(copied, mapping)
    return Body(
        graph,
        tuple(mapping[id(t)] for i, t in enumerate(body.inputs) if i not in without),
        tuple(mapping[id(t)] for t in body.outputs),
    )


def inlined(graph: Graph, body: Body, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Adds the operations of a body to a graph, on tensors of it, and returns what stands for its outputs."""
    mapping = copied_into(graph, body, inputs)
    return [mapping[id(t)] for t in body.outputs]


def copied_into(graph: Graph, body: Body, inputs: Sequence[Tensor]) -> dict[int, Tensor]:
    """Adds the operations of a body to a graph, on tensors of it; by the id of each tensor, what stands for it."""
    from samara.graph.rewrite import copy, needed

    mapping = {id(old): graph.convert(new) for old, new in zip(body.inputs, inputs, strict=True)}
    copied: dict[Operation, Operation] = {}
    for op in needed(body.outputs):
        if op.outputs and id(op.outputs[0]) in mapping:
            continue
        if op.type == "variable":
            mapping[id(op.outputs[0])] = local_variable(graph, op)
            continue
        after = [copied[c] for c in op.control_inputs if c in copied]
        with graph.source(op.source), graph.control_dependencies(after):
            made = copy(graph, op, [None if t is None else mapping[id(t)] for t in op.inputs], name=op.name)
        copied[op] = graph.operations[-1]
        for old, new in zip(op.outputs, made, strict=True):
            mapping[id(old)] = new
    _keep_gradients(copied, mapping)
    return mapping


def _keep_gradients(copied: Mapping[Operation, Operation], mapping: dict[int, Tensor]) -> None:
    """Gives copies of operations the gradients of a program's own that these have."""
    for op, made in copied.items():
        if op.own_gradient is not None:
            within = getattr(op.own_gradient, "within", None)
            made.own_gradient = op.own_gradient if within is None else within(mapping)


def local_variable(graph: Graph, op: Operation) -> Tensor:
    """The variable of that name in a graph; a new one when it has none."""
    found = graph.find_operation(op.name)
    if found is None:
        with graph.source(op.source):
            found = graph.apply("variable", [], op.attributes, name=op.name, exact_name=True)
    return found.outputs[0]


def read_variables(op: Operation) -> list[Tensor]:
    """The floating-point variables of an operation's graph that only its sub-graphs name, in the order of names."""
    from samara.graph.rewrite import needed, with_bodies

    inner = (o for body in op.bodies.values() for o in with_bodies(needed(body.outputs)))
    found = []
    for name in sorted({o.name for o in inner if o.type == "variable"}):
        variable = op.graph.find_operation(name)
        if variable is not None and variable.outputs[0].dtype.is_floating:
            found.append(variable.outputs[0])
    return found


def known_bool(tensor: Tensor) -> bool | None:
    """The value of a bool scalar, when it is a constant."""
    return bool(np.asarray(tensor.op.a.value)) if tensor.op.type == "constant" else None


def same_shape(one: Tensor, other: Tensor) -> bool | None:
    """Whether two tensors have one shape: True, False, or None when it depends on sizes not known yet."""
    if one.shape is None or other.shape is None:
        return None
    if len(one.shape) != len(other.shape):
        return False
    equal = [dims.equal(a, b) for a, b in zip(one.shape, other.shape, strict=True)]
    return False if False in equal else None if None in equal else True
