"""Makes branches and loops simpler by what is known of their inputs."""

from __future__ import annotations

from typing import Any

from samara.graph.control import inlined, known_bool, rebuilt
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.rewrite import ModelGraph, Visit, copy, needed, transform


def simplify_control_flow(model: ModelGraph) -> ModelGraph | None:
    """Puts the branch of a known predicate in the place of its cond, and constants into bodies; drops unused inputs."""
    return transform(model, _visit)


def take_known_branches(model: ModelGraph) -> ModelGraph | None:
    """The same for branches that write; what the branch that is never taken would write is not written."""

    def visit(visit: Visit) -> list[Tensor] | None:
        predicate = visit.inputs[0] if visit.op.type == "cond" else None
        known = None if predicate is None else known_bool(predicate)
        if known is not None:
            return _taken(visit, known)
        return None if visit.op.control_inputs else _visit(visit)

    return transform(model, visit, lose_writes=True, waiting=True)


def _taken(visit: Visit, known: bool) -> list[Tensor]:
    """The outputs of the branch for a predicate's value; each waits for all that the branch writes or waits for."""
    graph = visit.b.graph
    body = visit.op.a.then_body if known else visit.op.a.else_body
    before = len(graph.operations)
    # The scope of an operation is its own: its branch has names that no operation outside has.
    with graph.name_scope(f"{visit.op.name}/"):
        outputs = inlined(graph, body, [t for t in visit.inputs[1:] if t is not None])
    writes = [op for op in graph.operations[before:] if op.writes]
    if not writes and not visit.op.control_inputs:
        return outputs
    with graph.control_dependencies(writes):
        return [visit.b.identity(t, name=visit.derived("output")) for t in outputs]


def _visit(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    if op.type not in ("cond", "while_loop"):
        return None
    given = [t for t in visit.inputs if t is not None]
    if op.type == "cond" and not op.writes:
        known = known_bool(given[0])
        if known is not None:
            return _taken(visit, known)
    first = 1 if op.type == "cond" else 0
    movable = range(first if op.type == "cond" else len(op.outputs), len(given))
    gone = [i for i in movable if given[i].op.type == "constant" or not _is_used(op, i - first)]
    if not gone:
        return None
    attributes: dict[str, Any] = dict(op.attributes)
    for name, body in op.bodies.items():
        attributes[name] = rebuilt(body, given[first:], _copied, without=[i - first for i in gone])
    if "invariants" in attributes:
        attributes["invariants"] -= len(gone)
    kept = [t for i, t in enumerate(given) if i not in gone]
    return visit.make(op.type, [*kept[:first], kept[first:]], attributes)


def _copied(graph: Graph, op: Operation, inputs: list[Tensor | None]) -> list[Tensor]:
    # Whatever the graph, a variable is that of its name.
    return copy(graph, op, inputs, name=None if op.type == "variable" else op.name)


def _is_used(op: Operation, number: int) -> bool:
    """Whether a body uses what it is given as input `number`."""
    for body in op.bodies.values():
        tensor = body.inputs[number]
        if tensor in body.outputs or any(tensor in o.inputs for o in needed(body.outputs)):
            return True
    return False
