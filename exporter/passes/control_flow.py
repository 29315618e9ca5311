"""Makes branches and loops simpler by what is known of their inputs."""

from __future__ import annotations

from typing import Any

from samara.graph.control import inlined, known_bool, rebuilt
from samara.graph.graph import Operation, Tensor
from samara.graph.rewrite import ModelGraph, Visit, copy, needed, transform


def simplify_control_flow(model: ModelGraph) -> ModelGraph | None:
    """Puts the branch of a known predicate in the place of its cond, and constants into bodies; drops unused inputs."""
    return transform(model, _visit)


def _visit(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    if not op.bodies:
        return None
    given = [t for t in visit.inputs if t is not None]
    if op.type == "cond" and not op.writes:
        known = known_bool(given[0])
        if known is not None:
            body = op.a.then_body if known else op.a.else_body
            return inlined(visit.b.graph, body, given[1:])
    first = 1 if op.type == "cond" else 0
    movable = range(first if op.type == "cond" else len(op.outputs), len(given))
    gone = [i for i in movable if given[i].op.type == "constant" or not _is_used(op, i - first)]
    if not gone:
        return None
    attributes: dict[str, Any] = dict(op.attributes)
    for name, body in op.bodies.items():
        attributes[name] = rebuilt(
            body, given[first:], lambda g, o, i: copy(g, o, i, name=o.name), without=[i - first for i in gone]
        )
    if "invariants" in attributes:
        attributes["invariants"] -= len(gone)
    kept = [t for i, t in enumerate(given) if i not in gone]
    return visit.make(op.type, [*kept[:first], kept[first:]], attributes)


def _is_used(op: Operation, number: int) -> bool:
    """Whether a body uses what it is given as input `number`."""
    for body in op.bodies.values():
        tensor = body.inputs[number]
        if tensor in body.outputs or any(tensor in o.inputs for o in needed(body.outputs)):
            return True
    return False
