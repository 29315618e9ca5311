"""Rewriting graphs: a frozen model, and the copy of it with some operations replaced.

Quantization and the exporter's passes are written with this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from samara.graph.builder import Builder
from samara.graph.dtypes import as_dtype
from samara.graph.graph import Body, Graph, Operation, Tensor


@dataclass(frozen=True, kw_only=True)
class SignatureGraph:
    """One thing that can be run: named inputs (placeholders of the graph) and outputs, in the caller's order."""

    name: str
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Which rows of which layer a tensor holds. Rows are axis 1.

    Attributes:
        layer: the name of the tensor that has all rows, or would have them.
        first, end: from which row to before which.
        height: how many rows the layer has.
    """

    layer: str
    first: int
    end: int
    height: int


@dataclass(frozen=True, kw_only=True)
class ModelGraph:
    """A frozen graph on its way to a file.

    Attributes:
        graph: its ops are those of the table that a device runs, besides placeholders, constants and variables.
        signatures: what can be run.
        initial_values: of the variables that stay (state), by operation name.
        quantization: scale, zero point and axis of integer tensors that stand for real ones, by tensor name.
        rows: what part of a layer those tensors hold that are computed strip by strip, by tensor name.
        precision: what float32 is computed as: itself, or "float16".
        wide: which operations compute in float32 nevertheless, by name, and why.
    """

    graph: Graph
    signatures: tuple[SignatureGraph, ...]
    initial_values: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    quantization: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    precision: str = "float32"
    wide: dict[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> list[Tensor]:
        """The outputs of all signatures."""
        return [t for s in self.signatures for t in s.outputs.values()]


def needed(outputs: Sequence[Tensor]) -> list[Operation]:
    """The operations that the outputs depend on, in the order of execution."""
    found: dict[Operation, None] = {}
    pending = [t.op for t in outputs]
    while pending:
        op = pending.pop()
        if op not in found:
            found[op] = None
            pending += [t.op for t in op.given_inputs]
            pending += op.control_inputs
    return sorted(found, key=lambda o: o.id)


def constant_value(tensor: Tensor | None) -> np.ndarray[Any, Any] | None:
    """The array of a constant, or None."""
    if tensor is None or tensor.op.type != "constant":
        return None
    value: np.ndarray[Any, Any] = tensor.op.a.value
    return value


class Visit:
    """What a rewrite sees of one operation while a graph is copied.

    Attributes:
        op: the operation of the old graph.
        inputs: its inputs in the new graph.
        b: builds operations of the new graph.
    """

    def __init__(self, op: Operation, b: Builder, uses: dict[int, int], mapping: dict[int, Tensor]) -> None:
        self.op = op
        self.inputs = [None if t is None else mapping[id(t)] for t in op.inputs]
        self.b = b
        self._uses = uses
        self._mapping = mapping

    def single_use(self, index: int) -> bool:
        """Whether this operation is the only reader of its input, so that what computes it can be joined with this one.

        An output of a signature has another reader; what runs after a write stays an operation of its own.
        """
        tensor = self.op.inputs[index]
        return tensor is not None and self.readers(tensor) == 1 and not tensor.op.control_inputs

    def readers(self, tensor: Tensor) -> int:
        """How many operands of the old graph, and outputs of signatures, a tensor of it is."""
        return self._uses.get(id(tensor), 0)

    def copied(self, tensor: Tensor) -> Tensor:
        """What stands in the new graph for a tensor of the old one that comes before this operation."""
        return self._mapping[id(tensor)]

    def make(
        self, type_: str, inputs: Sequence[Any], attributes: dict[str, Any] | None = None
    ) -> list[Tensor]:
        """Adds the operation that takes this one's place, under its name: its outputs must have the same values."""
        return self.b.graph.apply(type_, inputs, attributes, name=self.op.name, exact_name=True).outputs

    def constant(self, array: np.ndarray[Any, Any], what: str) -> Tensor:
        """Adds a constant named after this operation."""
        return self.b.graph.apply("constant", [], _constant(array), name=self.derived(what)).outputs[0]

    def constants(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[Tensor]:
        """Constants that take the place of this operation's outputs; the first has its name."""
        first, *others = arrays
        return [
            *self.make("constant", [], _constant(first)),
            *(self.constant(a, f"output{i}") for i, a in enumerate(others, 1)),
        ]

    def derived(self, name: str) -> str:
        """A name for a helper operation of this one."""
        return f"{self.op.name}/{name}"


def _constant(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    # In any order of its elements: a transposed constant is a view until it is written.
    return {"value": np.asarray(array), "dtype": as_dtype(array.dtype)}


Visitor = Callable[[Visit], "list[Tensor] | None"]


def copy(
    graph: Graph,
    op: Operation,
    inputs: Sequence[Tensor | None],
    *,
    name: str | None = None,
    attributes: dict[str, Any] | None = None,
) -> list[Tensor]:
    """Adds a copy of an operation to `graph`, on other inputs, under its own name or one derived from `name`.

    `attributes` None takes those that it has.
    """
    operands = op.definition.operands
    grouped: list[Any] = list(inputs)
    if operands and operands[-1].variadic:
        fixed = len(operands) - 1
        grouped = [*inputs[:fixed], list(inputs[fixed:])]
    given = op.attributes if attributes is None else attributes
    made = graph.apply(op.type, grouped, given, name=name or op.name, exact_name=name is None)
    for old, new in zip(op.outputs, made.outputs, strict=True):
        if new.shape is None:
            new.shape = old.shape
    return made.outputs


def transform(
    model: ModelGraph,
    visit: Visitor,
    *,
    attributes: Callable[[Operation], dict[str, Any]] | None = None,
    lose_writes: bool = False,
    waiting: bool = False,
) -> ModelGraph | None:
    """Copies what the signatures need into a new graph, asking `visit` for each operation.

    `visit` returns the tensors that take the place of the operation's outputs, or None to copy it. An operation with
    control inputs is always copied, since what took its place need not wait for them; unless `waiting`, when `visit`
    sees to it: what it adds waits. `attributes` gives those that a copy has; None leaves them as they are. Before the
    first replacement `visit` is asked about the graph itself, so it must give the same answer again.

    Returns:
        The new model, or None when nothing was replaced and nothing was left out, or, unless `lose_writes`, when a
        write to a variable would be lost.
    """
    graph = Graph()
    uses: dict[int, int] = {}
    order = needed(model.outputs)
    keep = {t.op for s in model.signatures for t in s.inputs.values()}
    order = sorted({*order, *keep}, key=lambda o: o.id)
    for op in order:
        for tensor in op.given_inputs:
            uses[id(tensor)] = uses.get(id(tensor), 0) + 1
    for tensor in model.outputs:
        uses[id(tensor)] = uses.get(id(tensor), 0) + 1
    whole = len(order) == len(model.graph.operations) and attributes is None
    if whole and not _would_replace(order, visit, uses, waiting=waiting):
        return None
    graph.reserve_names(op.name for op in order)
    mapping: dict[int, Tensor] = {}
    copied: dict[Operation, Operation] = {}
    changed = not whole
    for op in order:
        seen = Visit(op, graph.b, uses, mapping)
        after = [copied[c] for c in op.control_inputs if c in copied]
        with graph.source(op.source), graph.control_dependencies(after):
            replaced = visit(seen) if waiting or not op.control_inputs else None
            changed = changed or replaced is not None
            if replaced is None:
                replaced = copy(graph, op, seen.inputs, attributes=attributes(op) if attributes else None)
            if replaced or op.type == "no_op":
                copied[op] = replaced[0].op if replaced else graph.operations[-1]
        for old, new in zip(op.outputs, replaced, strict=True):
            mapping[id(old)] = new
    if not changed:
        return None
    signatures = tuple(
        SignatureGraph(
            name=s.name,
            inputs={n: mapping[id(t)] for n, t in s.inputs.items()},
            outputs={n: mapping[id(t)] for n, t in s.outputs.items()},
        )
        for s in model.signatures
    )
    rewritten = replace(model, graph=graph, signatures=signatures)
    kept = lose_writes or _writes(needed(rewritten.outputs)) == _writes(order)
    return rewritten if kept else None


class _Adds(Exception):  # noqa: N818
    """A visitor wants to add an operation."""


class _Unchanged(Graph):
    """Stands for the copy of a graph, while nothing of it has been replaced."""

    def apply(self, *_: Any, **__: Any) -> Operation:
        raise _Adds

    def _foreign(self, tensor: Tensor) -> Tensor:
        raise _Adds


def _would_replace(
    order: Sequence[Operation], visit: Visitor, uses: dict[int, int], *, waiting: bool
) -> bool:
    """Whether a visitor replaces anything: most do not, and a copy of the graph is spared."""
    builder = Builder(_Unchanged())
    mapping = {id(t): t for op in order for t in op.outputs}
    asked = [op for op in order if waiting or not op.control_inputs]
    try:
        return any(visit(Visit(op, builder, uses, mapping)) is not None for op in asked)
    except _Adds:
        return True


def _writes(operations: Sequence[Operation]) -> int:
    return sum(bool(op.writes) for op in operations)


def with_bodies(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Operations, each followed by what its sub-graphs need."""
    for op in operations:
        yield op
        for body in op.bodies.values():
            yield from with_bodies(needed(body.outputs))


def state_variables(model: ModelGraph) -> Iterator[Operation]:
    """The variables that stay state, each once, in the order of construction."""
    found = (op for op in with_bodies(model.graph.operations) if op.type == "variable")
    return iter({op.name: op for op in found}.values())


def in_bodies(model: ModelGraph, rewrite: Callable[[ModelGraph], ModelGraph | None]) -> ModelGraph | None:
    """Rewrites the sub-graphs that operations run, and those in them; None when there was nothing to do.

    Args:
        model: what to rewrite.
        rewrite: is given each sub-graph as a model of one signature.
    """
    bodies: dict[Body, Body] = {}
    for op in needed(model.outputs):
        for body in op.bodies.values():
            found = _rewritten(model, body, rewrite)
            if found is not None:
                bodies[body] = found
    if not bodies:
        return None

    def attributes(op: Operation) -> dict[str, Any]:
        return {n: bodies.get(v, v) if isinstance(v, Body) else v for n, v in op.attributes.items()}

    return transform(model, lambda visit: None, attributes=attributes)


def _rewritten(
    model: ModelGraph, body: Body, rewrite: Callable[[ModelGraph], ModelGraph | None]
) -> Body | None:
    inner = as_model(model, body)
    found = rewrite(inner)
    again = in_bodies(found or inner, rewrite)
    found = again or found
    return None if found is None else as_body(found)


def as_model(model: ModelGraph, body: Body) -> ModelGraph:
    """A body of an operation of a model as a model of one signature."""
    return ModelGraph(
        graph=body.graph,
        signatures=(
            SignatureGraph(
                name="body",
                inputs={str(i): t for i, t in enumerate(body.inputs)},
                outputs={str(i): t for i, t in enumerate(body.outputs)},
            ),
        ),
        initial_values=model.initial_values,
        quantization=model.quantization,
    )


def as_body(model: ModelGraph) -> Body:
    """The body that `as_model` made a model of."""
    (signature,) = model.signatures
    return Body(model.graph, tuple(signature.inputs.values()), tuple(signature.outputs.values()))
