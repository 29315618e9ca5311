"""What a model keeps from run to run: variable tensors, and variables that it reads and writes by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.node import Unsupported
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.variables import Variable

Array = np.ndarray[Any, Any]
# Nodes that run subgraphs: the option that says which, and where the arguments begin.
_RUNS = {
    "IF": (("then_subgraph_index", "else_subgraph_index"), 1),
    "WHILE": (("cond_subgraph_index", "body_subgraph_index"), 0),
    "CALL": (("subgraph",), 0),
}


@dataclass(frozen=True)
class Resource:
    """The name of a variable, which nodes pass on."""

    container: str
    name: str


class States:
    """The variables of a model.

    Every read stands after the writes that come before it in the file, and every write after such reads.

    Args:
        importer: has the source, the graph and the session.

    Attributes:
        writes: what each operation that writes gives, in order.
    """

    def __init__(self, importer: Any) -> None:
        self._importer = importer
        self.writes: list[Tensor] = []
        self._variables: dict[Any, Variable] = {}
        # What touched each variable since it was last written, in each graph, and whether it may write.
        self._last: dict[Any, list[tuple[Operation, bool]]] = {}
        self._touched: list[set[Any]] = []
        self._captured: dict[Any, Tensor] | None = None

    def declare(self) -> None:
        """Makes the variables that the file has."""
        for number, graph in enumerate(self._importer.source.subgraphs):
            used = {i for node in graph.nodes for i in node.inputs}
            for tensor in graph.tensors:
                if tensor.variable and tensor.dtype is not None and tensor.index in used:
                    value = self._rest(tensor) if tensor.value is None else tensor.value
                    self._declare((number, tensor.index), tensor.name, value)
        shaped = self._resources()
        initial = self._initial()
        for resource, tensor in shaped.items():
            if resource in initial:
                self._declare(resource, resource.name, initial[resource])
            elif tensor.dtype is not None:
                self._declare(resource, resource.name, np.zeros(tensor.shape, tensor.dtype.numpy))

    @staticmethod
    def _rest(tensor: Any) -> Array:
        """The value that stands for the real number 0."""
        value: Array = np.zeros(tensor.shape, tensor.dtype.numpy)
        if tensor.zero_point is not None and tensor.zero_point.size == 1 and value.dtype.kind in "iu":
            limits = np.iinfo(value.dtype)
            value += value.dtype.type(np.clip(tensor.zero_point[0], limits.min, limits.max))
        return value

    def _resources(self) -> dict[Resource, Any]:
        """For each variable with a name a tensor of its shape and type."""
        subgraphs = self._importer.source.subgraphs
        handles: list[dict[int, Resource]] = [{} for _ in subgraphs]
        for _ in range(len(subgraphs) + 1):
            for graph, known in zip(subgraphs, handles, strict=True):
                for node in graph.nodes:
                    if node.kind == "VAR_HANDLE" and node.outputs:
                        known[node.outputs[0]] = resource_of(node)
                    if node.kind in _RUNS:
                        options, first = _RUNS[node.kind]
                        for option in options:
                            target = node.options[option]
                            pairs = zip(node.inputs[first:], subgraphs[target].inputs, strict=False)
                            handles[target].update({b: known[a] for a, b in pairs if a in known})
        found: dict[Resource, Any] = {}
        for graph, known in zip(subgraphs, handles, strict=True):
            for node in graph.nodes:
                if node.kind == "READ_VARIABLE" and node.inputs and node.outputs and node.inputs[0] in known:
                    found.setdefault(known[node.inputs[0]], graph.tensors[node.outputs[0]])
                if node.kind == "ASSIGN_VARIABLE" and len(node.inputs) == 2 and node.inputs[0] in known:
                    found.setdefault(known[node.inputs[0]], graph.tensors[node.inputs[1]])
        return found

    def _initial(self) -> Mapping[Any, Array]:
        """What the subgraphs that run once write."""
        captured: dict[Any, Tensor] = {}
        graph = Graph()
        done: set[int] = set()
        for subgraph in self._importer.source.subgraphs:
            for node in subgraph.nodes:
                number = node.options.get("init_subgraph_index", -1) if node.kind == "CALL_ONCE" else -1
                if number < 0 or number in done:
                    continue
                done.add(number)
                self._captured = captured
                try:
                    self._importer.called(number, [], graph)
                except Unsupported as error:
                    self._importer.problems.add(node.where, error.what, error.mend)
                finally:
                    self._captured = None
        if not captured or self._importer.problems.found:
            return {}
        values = Session(graph=graph).run(captured)
        return {key: np.asarray(value) for key, value in values.items()}

    def _declare(self, key: Any, name: str, value: Array) -> None:
        from samara.exporter.frontends.tflite.assemble import legal

        with self._importer.graph.as_default():
            variable = Variable(value, False, name=legal(name))
        self._importer.session.load(variable, value)
        self._variables[key] = variable

    def _variable(self, key: Any) -> Variable:
        if key not in self._variables:
            name = key.name if isinstance(key, Resource) else key
            raise Unsupported(f"the variable {name!r} has no known shape and element type")
        return self._variables[key]

    def read(self, key: Any, into: Graph) -> Tensor:
        """The value at this place."""
        if self._captured is not None and key in self._captured:
            return self._captured[key]
        variable = self._variable(key)
        last = self._last.setdefault((key, id(into)), [])
        with into.control_dependencies([op for op, writes in last if writes]):
            value: Tensor = into.b.identity(variable.as_graph_tensor())
        last.append((value.op, False))
        for touched in self._touched:
            touched.add(key)
        return value

    def write(self, key: Any, value: Tensor, into: Graph) -> Tensor:
        """Writes a value; returns it as written."""
        if self._captured is not None:
            self._captured[key] = value
            return value
        variable = self._variable(key)
        place = (key, id(into))
        with into.control_dependencies([op for op, _ in self._last.get(place, [])]):
            written: Tensor = into.b.assign(variable.as_graph_tensor(), value)
        self._last[place] = [(written.op, True)]
        for touched in self._touched:
            touched.add(key)
        if into is self._importer.graph:
            self.writes.append(written)
        return written

    def anew(self, graph: Graph) -> None:
        """What follows runs on its own, not after what the graph has so far."""
        self._last = {place: last for place, last in self._last.items() if place[1] != id(graph)}

    def begin(self) -> None:
        """What follows is done within the bodies of one node."""
        self._touched.append(set())

    def within(self, into: Graph) -> list[Operation]:
        """What the node that has the bodies must wait for."""
        return [
            op
            for (key, graph), last in self._last.items()
            if graph == id(into) and key in self._variables
            for op, _ in last
        ]

    def end(self, made: Tensor | None, into: Graph) -> None:
        """The bodies are built; `made` is an output of their node."""
        touched = self._touched.pop()
        if made is None or not touched:
            return
        for key in touched:
            self._last[key, id(into)] = [(made.op, True)]
        if into is self._importer.graph:
            self.writes.append(made)


def resource_of(node: Any) -> Resource:
    """The variable that a node names."""
    return Resource(node.options["container"] or "", node.options["shared_name"] or "")


__all__ = ["Resource", "States", "resource_of"]
