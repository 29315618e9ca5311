"""Graphs cut down and frozen: `tf.graph_util`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph.dtypes import as_dtype
from samara.graph.graph import Body, Graph, Tensor
from samara.graph.graph_def import GraphDef, NodeDef
from samara.graph.ops import OPS
from samara.graph.rewrite import copy as copied
from samara.graph.rewrite import needed

Value = Callable[[str], "np.ndarray[Any, Any] | None"]


def extract_sub_graph(graph_def: GraphDef, dest_nodes: Sequence[str]) -> GraphDef:
    """What some nodes need.

    Raises:
        TypeError: `dest_nodes` is a text.
        ValueError: a node is not there.
    """
    if isinstance(dest_nodes, str):
        raise TypeError(f"extract_sub_graph: dest_nodes is the text {dest_nodes!r}: give a list")
    by_name = {n.name: n for n in graph_def.node}
    kept: set[str] = set()
    pending = list(dest_nodes)
    for name in pending:
        if name not in by_name:
            raise ValueError(f"the graph has no node {name!r}")
    while pending:
        name = pending.pop()
        if name not in kept:
            kept.add(name)
            pending += [_node(i) for i in by_name[name].input]
    made = GraphDef()
    made.node = [copy.copy(n) for n in graph_def.node if n.name in kept]
    return made


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: GraphDef,
    output_node_names: Sequence[str],
    variable_names_whitelist: Sequence[str] | None = None,
    variable_names_blacklist: Sequence[str] | None = None,
) -> GraphDef:
    """What some nodes need, with the values of variables in place of the variables: a frozen graph.

    Args:
        sess: the session that has the values.
        input_graph_def: the graph.
        output_node_names: the nodes, by names of operations.
        variable_names_whitelist: the variables to freeze; all when None.
        variable_names_blacklist: variables that stay variables.

    Raises:
        ValueError: a node is not there.
        GraphError: a node that is needed writes a variable.
        UninitializedError: a variable has no value.
    """
    cut = extract_sub_graph(input_graph_def, output_node_names)

    def value(name: str) -> np.ndarray[Any, Any] | None:
        if variable_names_whitelist is not None and name not in variable_names_whitelist:
            return None
        if name in (variable_names_blacklist or ()):
            return None
        return np.asarray(sess.read(sess.graph.get_operation_by_name(name)))

    frozen = {n.name for n in cut.node if n.op == "variable" and value(n.name) is not None}
    made = GraphDef()
    for node in cut.node:
        written = [
            i
            for i, o in zip(node.input, OPS[node.op].operands, strict=False)
            if o.state and _node(i) in frozen
        ]
        if written:
            raise GraphError(
                f"node {node.name!r} writes variable {written[0]!r}, which is to be frozen: name outputs that do not "
                "train"
            )
        new = copy.copy(node)
        if node.name in frozen:
            new = NodeDef()
            new.name, new.op, new.device = node.name, "constant", node.device
            new.attr = _constant(value(node.name))
        else:
            new.attr = {k: _frozen_body(v, value) if isinstance(v, Body) else v for k, v in node.attr.items()}
        made.node.append(new)
    return made


def remove_training_nodes(input_graph: GraphDef, protected_nodes: Sequence[str] | None = None) -> GraphDef:
    """The graph without operations that only pass a value on: identities, and checks for infinities and NaN.

    Args:
        input_graph: the graph.
        protected_nodes: nodes that stay, such as the outputs.
    """
    names = set(protected_nodes or ())
    for node in input_graph.node:
        names |= {_node(i) for i in node.input if i.startswith("^")}
    passing: dict[str, str] = {}
    made = GraphDef()
    for node in input_graph.node:
        new = copy.copy(node)
        new.input = [_followed(i, passing) for i in node.input]
        checks = node.op == "check_all" and node.attr.get("message", "").endswith("has infinities or NaN")
        alone = not any(i.startswith("^") for i in new.input)
        if (node.op == "identity" or checks) and alone and node.name not in names:
            passing[node.name] = new.input[0]
        else:
            made.node.append(new)
    return made


def _followed(name: str, passing: dict[str, str]) -> str:
    # Only first outputs pass on, and what they pass was followed before.
    return passing.get(name, name)


def _node(name: str) -> str:
    return name.removeprefix("^").partition(":")[0]


def _constant(array: Any) -> dict[str, Any]:
    value = np.array(array)
    value.flags.writeable = False
    return {"value": value, "dtype": as_dtype(value.dtype)}


def _frozen_body(body: Body, value: Value) -> Body:
    """The same with constants for variables."""
    graph = Graph()
    graph.seed = body.graph.seed
    graph.reserve_names(o.name for o in body.graph.operations)
    mapping: dict[int, Tensor] = {}
    made: dict[Any, Any] = {}
    listed = {*needed(body.outputs), *(t.op for t in body.inputs)}
    for op in sorted(listed, key=lambda o: o.id):
        after = [made[c] for c in op.control_inputs if c in made]
        held = value(op.name) if op.type == "variable" else None
        with graph.source(op.source), graph.control_dependencies(after):
            if held is not None:
                new = graph.apply("constant", [], _constant(held), name=op.name, exact_name=True)
                outputs = new.outputs
            else:
                attributes = {
                    k: _frozen_body(v, value) if isinstance(v, Body) else v for k, v in op.attributes.items()
                }
                inputs = [None if t is None else mapping[id(t)] for t in op.inputs]
                outputs = copied(graph, op, inputs, attributes=attributes)
                new = graph.operations[-1]
        made[op] = new
        mapping.update({id(a): b for a, b in zip(op.outputs, outputs, strict=True)})
    graph.finalize()
    return Body(
        graph, tuple(mapping[id(t)] for t in body.inputs), tuple(mapping[id(t)] for t in body.outputs)
    )


__all__ = ["convert_variables_to_constants", "extract_sub_graph", "remove_training_nodes"]
