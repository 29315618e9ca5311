"""Steps over several tasks: what was placed on another task goes there in parts, in the order of construction.

A part is as large as it can be: it is sent when something that runs elsewhere needs it, or at the end. The variables of
one task that the step reads before it writes them come in one answer. A write waits for what it depends on, and for
control inputs of its own task or of this one; two tasks do not wait for each other's writes within a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph import rewrite
from samara.graph.cluster.server import Part
from samara.graph.execution.reuse import Draft
from samara.graph.graph import Graph, Operation, Tensor


class _Open:
    """A part that is being collected."""

    def __init__(self) -> None:
        self.operations: dict[Operation, None] = {}
        self.reads: list[Tensor] = []


class Parts:
    """Compiles a step of a session that has a cluster.

    Args:
        compiler: of the plan.
        order: what is to run.
        fetches: what is wanted.
        fed: what is given.
    """

    def __init__(
        self,
        compiler: Any,
        order: Sequence[Operation],
        fetches: Sequence[Tensor | Operation],
        fed: Sequence[Tensor],
    ) -> None:
        self._compiler = compiler
        self._order = order
        self._placement = compiler._state.placement
        self._task = {op: self._placement.task(op) for op in order}
        self._fed = {id(t) for t in fed}
        self._open: dict[str, _Open] = {}
        self._versions: dict[str, int] = {}
        self._wanted = {id(f) for f in fetches if isinstance(f, Tensor) and not self._is_variable(f)}
        self._final = [f for f in fetches if isinstance(f, Tensor) and self._is_variable(f)]
        self._reads = self._reads_of_versions()
        for op in order:
            for tensor in op.given_inputs:
                if tensor.op in self._task and self._task[tensor.op] != self._task[op]:
                    self._wanted.add(id(tensor))

    def run(self) -> None:
        """Adds all steps to the plan."""
        for op in self._order:
            if op.type in ("variable", "constant", "placeholder"):
                self._compiler.add(op)
                continue
            task = self._task[op]
            self._bring(op, task)
            if task is None:
                self._compiler.add(op)
            else:
                self._open.setdefault(task, _Open()).operations[op] = None
            for name in op.writes:
                self._versions[name] = self._versions.get(name, 0) + 1
        for task in list(self._open):
            self._flush(task)
        for tensor in self._final:
            self._open.setdefault(self._home(tensor), _Open()).reads.append(tensor)
        for task in list(self._open):
            self._flush(task)

    def _is_variable(self, tensor: Tensor) -> bool:
        return (
            tensor.op.type == "variable"
            and id(tensor) not in self._fed
            and self._placement.task(tensor.op) is not None
        )

    def _home(self, tensor: Tensor) -> str:
        home: str = self._placement.task(tensor.op)
        return home

    def _inputs(self, op: Operation) -> list[Tensor]:
        """What it reads: not the variable that it writes."""
        operands = list(op.definition.operands)
        state = {n for n, o in enumerate(operands) if o.state}
        return [t for n, t in enumerate(op.inputs) if t is not None and n not in state]

    def _reads_of_versions(self) -> dict[tuple[str, int], Tensor]:
        """The variables of other tasks that are read away from home, with how often they were written before."""
        versions: dict[str, int] = {}
        found: dict[tuple[str, int], Tensor] = {}
        for op in self._order:
            for tensor in self._inputs(op):
                if self._is_variable(tensor) and self._home(tensor) != self._task[op]:
                    found[tensor.op.name, versions.get(tensor.op.name, 0)] = tensor
            for name in op.writes:
                versions[name] = versions.get(name, 0) + 1
        return found

    def _bring(self, op: Operation, task: str | None) -> None:
        """Sends the parts that must have run before an operation."""
        for tensor in self._inputs(op):
            if self._is_variable(tensor):
                home = self._home(tensor)
                if home != task and not self._compiler._places.get(id(tensor)):
                    self._read(tensor, home)
            else:
                self._await(tensor.op, task)
        for before in op.control_inputs:
            if task is None or self._task.get(before) is None or not op.writes:
                self._await(before, task)
        # A part is sent with what it needs as that is now.
        for name in op.writes:
            for tensor in [t for (n, _), t in self._reads.items() if n == name]:
                self._compiler._places[id(tensor)] = {}

    def _await(self, op: Operation, task: str | None) -> None:
        home = self._task.get(op)
        if home is not None and home != task and home in self._open and op in self._open[home].operations:
            self._flush(home)

    def _read(self, tensor: Tensor, home: str) -> None:
        """Gets a variable, and with it the others of its task that are read in their present state."""
        part = self._open.setdefault(home, _Open())
        for (name, version), other in self._reads.items():
            if (
                self._versions.get(name, 0) == version
                and self._home(other) == home
                and not self._compiler._places.get(id(other))
                and other not in part.reads
            ):
                part.reads.append(other)
        if tensor not in part.reads:
            part.reads.append(tensor)
        self._flush(home)

    def _flush(self, task: str) -> None:
        part = self._open.pop(task)
        if not part.operations and not part.reads:
            return
        graph = Graph()
        mapping: dict[int, Tensor] = {}
        feeds: list[Tensor] = []
        copied: dict[Operation, Operation] = {}

        def inside(tensor: Tensor) -> Tensor:
            """What stands for a tensor in the part's graph."""
            if id(tensor) not in mapping:
                if (tensor.op.type == "constant" and id(tensor) not in self._fed) or (
                    tensor.op.type == "variable"
                    and id(tensor) not in self._fed
                    and self._home(tensor) == task
                ):
                    mapping[id(tensor)] = rewrite.copy(graph, tensor.op, [])[0]
                else:
                    attributes = {"dtype": tensor.dtype, "shape": tensor.shape}
                    made = graph.apply("placeholder", [], attributes, name=f"fed/{len(feeds)}")
                    mapping[id(tensor)] = made.outputs[0]
                    feeds.append(tensor)
            found: Tensor = mapping[id(tensor)]
            return found

        for op in part.operations:
            if op.bodies:
                raise GraphError(
                    f"{op.type} {op.name!r} (made at {op.source}) was asked to run on {task}: operations with "
                    "functions in them run in the task of the session"
                )
            inputs = [None if t is None else inside(t) for t in op.inputs]
            after = [copied[c] for c in op.control_inputs if c in copied]
            with graph.source(op.source), graph.control_dependencies(after):
                made = rewrite.copy(graph, op, inputs)
            copied[op] = graph.operations[-1]
            for old, new in zip(op.outputs, made, strict=True):
                if id(old) not in self._fed:
                    mapping[id(old)] = new
        outputs = [
            t
            for op in part.operations
            for t in op.outputs
            if id(t) in self._wanted and id(t) not in self._fed
        ]
        # A variable that is read in a part with writes is as it was after them.
        outputs += part.reads
        fetches = [inside(t).name for t in outputs] + [copied[op].name for op in part.operations if op.writes]
        ran = [op for op in part.operations if not op.writes and not any(o in outputs for o in op.outputs)]
        fetches += [copied[op].name for op in ran]
        self._draft(task, Part(graph, [inside(t).name for t in feeds], fetches), feeds, outputs)

    def _draft(self, task: str, part: Part, feeds: list[Tensor], outputs: list[Tensor]) -> None:
        compiler, state = self._compiler, self._compiler._state
        host, backend, server = state.placement.host, state.backend, state.placement.server
        kinds = [t.dtype for t in outputs]

        def run(xp: Any, call: Any, *values: Any) -> Any:
            given = [np.asarray(backend.numpy(v, copy=False)) for v in values]
            answer = server.link(task).run(part, given)
            found = [backend.owned(np.asarray(a, k.numpy), host) for a, k in zip(answer, kinds, strict=True)]
            return found[0] if len(found) == 1 else found

        anything = outputs[0].op if outputs else self._order[-1]
        draft = Draft(run, anything, host, transfer=("remote", task))
        draft.inputs = [compiler._place(t, host) for t in feeds]
        draft.outputs = [compiler._new() for _ in outputs]
        compiler._drafts.append(draft)
        for tensor, slot in zip(outputs, draft.outputs, strict=True):
            compiler._places[id(tensor)] = {host: slot}


__all__ = ["Parts"]
