"""Graphs as data that programs hand on: `GraphDef`, written to files, changed, and imported into other graphs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from samara.errors import GraphError
from samara.graph import text
from samara.graph.graph import Graph, Operation, Tensor, get_default_graph
from samara.graph.ops import OPS


class NodeDef:
    """What an operation is made of; as text its line of the dump.

    A program may change it before it imports it.

    Attributes:
        name: the operation's name.
        op: its op in the table.
        input: the names of its inputs, "name" for "name:0", then "^name" for what runs before it.
        device: the device that it was asked to run on, or "".
        attr: the attributes by name.
    """

    def __init__(self, op: Operation | None = None) -> None:
        self.name = ""
        self.op = ""
        self.input: list[str] = []
        self.device = ""
        self.attr: dict[str, Any] = {}
        self._of: Operation | None = None
        self._absent: list[int] = []
        if op is not None:
            self.name, self.op, self.device = op.name, op.type, op.device
            self.input = [t.name.removesuffix(":0") for t in op.given_inputs]
            self.input += [f"^{c.name}" for c in op.control_inputs]
            self.attr = dict(op.attributes)
            self._of = op
            self._absent = [i for i, t in enumerate(op.inputs) if t is None]

    def CopyFrom(self, other: NodeDef) -> None:  # noqa: N802
        """Becomes like another one."""
        self.__dict__.update(copy.copy(other).__dict__)

    def __copy__(self) -> NodeDef:
        made = NodeDef()
        made.__dict__.update({**self.__dict__, "input": list(self.input), "attr": dict(self.attr)})
        made._absent = list(self._absent)
        return made

    def __deepcopy__(self, memo: Any) -> NodeDef:
        # Arrays and bodies are never changed.
        return copy.copy(self)

    def __str__(self) -> str:
        if self._of is not None and self._of.name == self.name and self._of.type == self.op:
            return text.of_operation(self._of)
        return f"{self.name} = {self.op}({', '.join(self.input)})\n"

    __repr__ = __str__


class GraphDef:
    """What a graph is made of: a `NodeDef` for each operation; as text the graph's dump.

    Attributes:
        node: the operations, each after those that it needs.
    """

    def __init__(self, graph: Graph | None = None) -> None:
        self.node: list[NodeDef] = [] if graph is None else [NodeDef(op) for op in graph.operations]
        self._graph = graph

    @property
    def graph(self) -> Graph:
        """The graph that it was made of, or else a new one."""
        if self._graph is None:
            made = Graph()
            add_nodes(made, self.node)
            self._graph = made
        return self._graph

    def SerializeToString(self) -> bytes:  # noqa: N802
        """The bytes from which `ParseFromString` makes it again: a document and the constants' arrays.

        Raises:
            GraphError: an operation has a Python object of the program in it, such as a function.
        """
        from samara.graph.serial import to_document
        from samara.graph.train import tensor_file

        made = Graph()
        add_nodes(made, self.node)
        document, arrays = to_document(made, collections=[])
        return tensor_file.to_bytes(arrays, document)

    def ParseFromString(self, serialized: bytes) -> int:  # noqa: N802
        """Becomes what was serialized.

        Returns:
            How many bytes it took.

        Raises:
            CheckpointError: the bytes are damaged, or of another kind, such as a GraphDef of TensorFlow's.
        """
        from samara.graph.serial import add_document
        from samara.graph.train import tensor_file

        arrays, document = tensor_file.from_bytes(serialized)
        graph = Graph()
        add_document(graph, document, arrays.__getitem__)
        self.node, self._graph = [NodeDef(op) for op in graph.operations], graph
        return len(serialized)

    MergeFromString = ParseFromString

    @staticmethod
    def FromString(serialized: bytes) -> GraphDef:  # noqa: N802
        """What was serialized."""
        made = GraphDef()
        made.ParseFromString(serialized)
        return made

    def CopyFrom(self, other: GraphDef) -> None:  # noqa: N802
        """Becomes like another one."""
        self.node, self._graph = [copy.copy(n) for n in other.node], None

    def ByteSize(self) -> int:  # noqa: N802
        """How many bytes it is when it is serialized."""
        return len(self.SerializeToString())

    def __deepcopy__(self, memo: Any) -> GraphDef:
        made = GraphDef()
        made.CopyFrom(self)
        return made

    def __str__(self) -> str:
        return "".join(map(str, self.node)) or "\n"

    __repr__ = __str__


def add_nodes(
    graph: Graph, nodes: Iterable[NodeDef], prefix: str = "", replaced: Mapping[str, Tensor] | None = None
) -> dict[str, Operation]:
    """Adds operations to a graph.

    Args:
        graph: where they go.
        nodes: what they are, each after those that it needs.
        prefix: what all names start with, such as "import/".
        replaced: tensors of the graph that take the place of outputs of nodes, by their names, "name:0".

    Returns:
        The operations by the nodes' names.

    Raises:
        GraphError: the graph has one of the names already, or a node needs one that is not there.
    """
    made: dict[str, Operation] = {}
    listed = list(nodes)
    taken = [prefix + n.name for n in listed if prefix + n.name in graph._by_name]
    if taken:
        raise GraphError(f"the graph has {', '.join(taken[:3])} already: import with another name=")

    def tensor(name: str, node: NodeDef) -> Tensor:
        base, colon, index = name.rpartition(":")
        base, place = (base, int(index)) if colon else (name, 0)
        if replaced and f"{base}:{place}" in replaced:
            return replaced[f"{base}:{place}"]
        if base not in made:
            raise GraphError(f"node {node.name!r} needs {name!r}, which is not among the nodes before it")
        return made[base].outputs[place]

    for node in listed:
        definition = OPS[node.op]
        inputs: list[Any] = [tensor(n, node) for n in node.input if not n.startswith("^")]
        for place in node._absent:
            inputs.insert(place, None)
        if definition.operands and definition.operands[-1].variadic:
            fixed = len(definition.operands) - 1
            inputs = [*inputs[:fixed], inputs[fixed:]]
        after = [made[n[1:]] for n in node.input if n.startswith("^")]
        of = node._of
        with (
            graph.name_scope(None),
            graph.source("" if of is None else of.source),
            graph.control_dependencies(None),
            graph.control_dependencies(after),
        ):
            op = graph.apply(node.op, inputs, dict(node.attr), name=prefix + node.name, exact_name=True)
        op.device = node.device
        if of is not None and of.type == node.op:
            named = getattr(of.own_gradient, "name", None)
            op.own_gradient = of.own_gradient if named is not None else _lost(of.own_gradient)
            for old, new in zip(of.outputs, op.outputs, strict=True):
                new.set_shape(old.shape)
        made[node.name] = op
    graph.reserve_names(prefix + s for n in listed for s in _scopes(n.name))
    return made


def _lost(own: Any) -> Any:
    from samara.graph.own_gradients import LostGradient

    return None if own is None else LostGradient()


def _scopes(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def import_graph_def(
    graph_def: GraphDef,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds what a GraphDef holds to the default graph.

    Args:
        graph_def: what `as_graph_def`, `convert_variables_to_constants` or `ParseFromString` gave.
        input_map: tensors that take the place of those of these names.
        return_elements: names of operations, or of tensors, "name:0".
        name: what all names start with; "import" when None, nothing when "".
        op_dict: has no meaning here.
        producer_op_list: has no meaning here.

    Returns:
        The operations and tensors of `return_elements`; None without.

    Raises:
        TypeError: it is no GraphDef.
        ValueError: a name is not in it.
        GraphError: the graph has one of the names already.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError(f"import_graph_def: expected a GraphDef, found {type(graph_def).__name__}")
    graph = get_default_graph()
    names = {n.name for n in graph_def.node}
    replaced = {}
    for key, value in (input_map or {}).items():
        whole = key if ":" in key else f"{key}:0"
        if whole.rpartition(":")[0] not in names:
            raise ValueError(f"input_map: the GraphDef has no {key!r}")
        replaced[whole] = graph.convert(value)
    prefix = ""
    if name != "":
        with graph.name_scope(name or "import") as scope:
            prefix = scope
    made = add_nodes(graph, graph_def.node, prefix, replaced)
    if return_elements is None:
        return None
    found: list[Any] = []
    for element in return_elements:
        base, colon, index = element.rpartition(":")
        op = made.get(base if colon else element)
        if op is None or (colon and int(index) >= len(op.outputs)):
            raise ValueError(f"return_elements: the GraphDef has no {element!r}")
        found.append(op.outputs[int(index)] if colon else op)
    return found


__all__ = ["GraphDef", "NodeDef", "add_nodes", "import_graph_def"]
