"""What an export needs of a graph that was trained, cut out of it: without what only watches a run.

A graph that trains is full of operations that look at values on the way (asserts, checks for NaN, prints) and of others
that its results only wait for (summaries, queues, Python functions). None of them changes an output. What checks or
prints passes its input on and is left out; what is only waited for is left out unless it writes a variable, or reads
one that is written, because then its place in the order of execution matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.errors import SamaraError
from samara.graph import dims
from samara.graph.dims import Dim
from samara.graph.graph import Body, Graph, Operation, Tensor
from samara.graph.rewrite import copy, needed, with_bodies

Array = np.ndarray[Any, Any]

# They give their first input back.
WATCHING = frozenset({"check_all", "print"})


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A part of a graph.

    Attributes:
        graph: where it is.
        tensors: by the identity of a tensor of the whole graph, what stands for it.
        problems: by the identity of a tensor, why nothing stands for it.
    """

    graph: Graph
    tensors: Mapping[int, Tensor]
    problems: Mapping[int, str]


def needed_for(outputs: Sequence[Tensor], stops: Iterable[Tensor]) -> list[Operation]:
    """The operations that the outputs depend on when some tensors are given, in the order of execution."""
    given = {id(t) for t in stops}
    found: dict[Operation, None] = {}
    pending = [t.op for t in outputs if id(t) not in given]
    while pending:
        op = pending.pop()
        if op not in found:
            found[op] = None
            pending += [t.op for t in op.given_inputs if id(t) not in given]
            pending += op.control_inputs
    return sorted(found, key=lambda o: o.id)


def is_cut(order: Sequence[Operation]) -> bool:
    """Whether `cut` would leave something out: what no device runs, or an order that nothing depends on."""
    if any(op.definition.device == "none" for op in with_bodies(order)):
        return True
    return any(op.control_inputs for op in with_bodies(order)) and not any(op.writes for op in order)


def cut(outputs: Sequence[Tensor], given: Mapping[Tensor, Array | None]) -> Cut:
    """Copies what the outputs need.

    Args:
        outputs: tensors of one graph.
        given: tensors that are not computed: placeholders in the copy, or constants of these values.
    """
    order = needed_for(outputs, given)
    graph = Graph()
    graph.reserve_names(op.name for op in order)
    copier = _Cutter(graph, set[str]().union(*(op.writes for op in order)))
    for tensor, value in given.items():
        copier.give(tensor, value)
    copier.add(order)
    return Cut(graph=graph, tensors=copier.tensors, problems=copier.problems)


class _Cutter:
    """Copies operations to a graph.

    Args:
        graph: where to.
        written: the names of the variables that the whole graph writes.
    """

    def __init__(self, graph: Graph, written: set[str]) -> None:
        self.tensors: dict[int, Tensor] = {}
        self.problems: dict[int, str] = {}
        self._graph = graph
        self._written = written
        self._names: set[str] = set()
        # For an operation what was copied of it, and of what it needs, whose place in the order matters.
        self._effects: dict[Operation, tuple[Operation, ...]] = {}

    def give(self, tensor: Tensor, value: Array | None) -> None:
        """Adds a placeholder or a constant for a tensor."""
        op = tensor.op
        attributes = {
            "dtype": tensor.dtype,
            **({"shape": tensor.shape} if value is None else {"value": value}),
        }
        with self._graph.source(op.source):
            kind = "placeholder" if value is None else "constant"
            made = self._graph.apply(
                kind, [], attributes, name=op.name, exact_name=op.name not in self._names
            )
        self._names.add(op.name)
        self.tensors[id(tensor)] = made.outputs[0]

    def add(self, order: Iterable[Operation]) -> None:
        """Adds operations, in their order."""
        for op in order:
            if op.outputs and all(id(t) in self.tensors for t in op.outputs):
                self._effects[op] = ()
                continue
            lost = [self.problems[id(t)] for t in op.given_inputs if id(t) in self.problems]
            problem = lost[0] if lost else self._add(op)
            if problem is not None:
                self._effects.setdefault(op, ())
                self.problems.update((id(t), problem) for t in op.outputs)

    def _add(self, op: Operation) -> str | None:
        """Adds an operation, or what stands for it; returns why it cannot be."""
        before = self._effects_of(op.control_inputs)
        behind = self._effects_of([*(t.op for t in op.given_inputs), *op.control_inputs])
        if op.type == "no_op" and not behind:
            self._effects[op] = ()
            return None
        passed = self.tensors[id(op.inputs[0])] if op.type in WATCHING else None
        if passed is not None:
            aside = self._effects_of(t.op for t in op.given_inputs[1:])
            before += tuple(e for e in aside if e.writes and e not in before)
            if not before:
                self._effects[op] = behind
                self.tensors[id(op.outputs[0])] = passed
                return None
        with self._graph.source(op.source), self._graph.control_dependencies(before):
            try:
                made = self._copied(op) if passed is None else [self._graph.b.identity(passed, name=op.name)]
            except (SamaraError, TypeError) as error:
                return str(error)
        added = self._graph.operations[-1]
        added.device = op.device
        matters = passed is not None or op.type == "no_op" or self._matters(op)
        self._effects[op] = (added,) if matters else behind
        for old, new in zip(op.outputs, made, strict=True):
            if id(old) not in self.tensors:
                self.tensors[id(old)] = new
                new.shape = _known_better(new.shape, old.shape)
        return None

    def _copied(self, op: Operation) -> list[Tensor]:
        inputs = [None if t is None else self.tensors[id(t)] for t in op.inputs]
        bodies = {n: self._body(b) for n, b in op.bodies.items()}
        return copy(
            self._graph,
            op,
            inputs,
            name=op.name if op.name in self._names else None,
            attributes={**op.attributes, **bodies} if bodies else None,
        )

    def _body(self, body: Body) -> Body:
        order = needed(body.outputs)
        if not is_cut(order):
            return body
        graph = Graph()
        graph.reserve_names(op.name for op in order)
        inner = _Cutter(graph, self._written)
        for tensor in body.inputs:
            inner.give(tensor, None)
        inner.add(order)
        for tensor in body.outputs:
            if id(tensor) in inner.problems:
                raise TypeError(inner.problems[id(tensor)])
        return Body(
            graph,
            tuple(inner.tensors[id(t)] for t in body.inputs),
            tuple(inner.tensors[id(t)] for t in body.outputs),
        )

    def _effects_of(self, operations: Iterable[Operation]) -> tuple[Operation, ...]:
        if not self._written:
            return ()
        return tuple(dict.fromkeys(e for op in operations for e in self._effects.get(op, ())))

    def _matters(self, op: Operation) -> bool:
        """Whether it writes a variable, or reads one that is written."""
        if not self._written:
            return False
        read = (o for o in with_bodies([op]) for o in (o, *(t.op for t in o.given_inputs)))
        return bool(op.writes) or any(o.type == "variable" and o.name in self._written for o in read)


def _known_better(made: dims.Shape | None, old: dims.Shape | None) -> dims.Shape | None:
    """The shape of a copy, with what was said of the original: `set_shape` knows more than the rules."""
    if made is None or old is None or len(made) != len(old):
        return old if made is None else made
    return tuple(b if isinstance(a, Dim) and a.anonymous else a for a, b in zip(made, old, strict=True))


def dropped(order: Iterable[Operation], kept: Iterable[Operation]) -> tuple[str, ...]:
    """What of a graph no device runs and the outputs of its cut do not need.

    Args:
        order: what the outputs needed.
        kept: what they need still.
    """
    names = {op.name for op in with_bodies(kept)}
    return tuple(
        f"{op.type} {op.name!r}{where(op)}"
        for op in with_bodies(order)
        if op.definition.device == "none"
        and op.type != "no_op"
        and (op.name not in names or op.type in WATCHING)
    )


def where(op: Operation) -> str:
    """The line of the user's program, for a message."""
    return f" (made at {op.source})" if op.source else ""


__all__ = ["WATCHING", "Cut", "cut", "dropped", "is_cut", "needed_for", "where"]
