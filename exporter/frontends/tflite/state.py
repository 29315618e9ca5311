"""What a model keeps from run to run: variable tensors, and variables that it reads and writes by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.variables import Variable

Array = np.ndarray[Any, Any]


class States:
    """The variables of a model.

    Every read stands after the writes that come before it in the file, and every write after such reads.

    Args:
        importer: has the source, the graph and the session.

    Attributes:
        writes: all that write, in order.
    """

    def __init__(self, importer: Any) -> None:
        self._importer = importer
        self.writes: list[Tensor] = []
        self._variables: dict[Any, Variable] = {}
        # What touched each variable since it was last written, in each graph.
        self._last: dict[Any, list[Operation]] = {}
        for number, graph in enumerate(importer.source.subgraphs):
            used = {i for node in graph.nodes for i in node.inputs}
            for tensor in graph.tensors:
                if tensor.variable and tensor.dtype is not None and tensor.index in used:
                    value = tensor.value
                    if value is None:
                        value = self._rest(tensor)
                    self.declare((number, tensor.index), tensor.name, value)

    @staticmethod
    def _rest(tensor: Any) -> Array:
        """The value that stands for the real number 0."""
        value = np.zeros(tensor.shape, tensor.dtype.numpy)
        if tensor.zero_point is not None and tensor.zero_point.size == 1:
            value += value.dtype.type(int(tensor.zero_point[0]))
        return value

    def declare(self, key: Any, name: str, value: Array) -> None:
        """Makes a variable."""
        from samara.exporter.frontends.tflite.assemble import legal

        with self._importer.graph.as_default():
            variable = Variable(value, False, name=legal(name))
        self._importer.session.load(variable, value)
        self._variables[key] = variable

    def knows(self, key: Any) -> bool:
        """Whether there is such a variable."""
        return key in self._variables

    def read(self, key: Any, into: Graph) -> Tensor:
        """The value at this place."""
        variable = self._variables[key]
        last = self._last.setdefault((key, id(into)), [])
        with into.control_dependencies([op for op in last if op.type == "assign"]):
            value: Tensor = into.b.identity(variable.as_graph_tensor())
        last.append(value.op)
        return value

    def write(self, key: Any, value: Tensor, into: Graph) -> Tensor:
        """Writes a value; returns it as written."""
        variable = self._variables[key]
        place = (key, id(into))
        with into.control_dependencies(self._last.get(place, [])):
            written: Tensor = into.b.assign(variable.as_graph_tensor(), value)
        self._last[place] = [written.op]
        if into is self._importer.graph:
            self.writes.append(written)
        return written


__all__ = ["States"]
