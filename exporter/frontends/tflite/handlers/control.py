"""Nodes that run subgraphs, and variables that nodes read and write by name.

A handler here is given `(importer, node, inputs, graph, outputs)`: what the node's inputs are (tensors, or names of
variables), the graph to build in, and the tensors of the file that its outputs are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.node import Unsupported
from samara.exporter.frontends.tflite.state import Resource, resource_of
from samara.graph import control
from samara.graph.graph import Graph, Tensor, get_default_graph

Handler = Callable[[Any, Any, Sequence[Any], Graph, Sequence[Any]], Sequence[Any]]


def _scalar(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise Unsupported("a condition that is no tensor")
    if value.shape == ():
        return value
    made: Tensor = value.graph.b.reshape(value, np.zeros(0, np.int32))
    return made


def _body(importer: Any, number: int, given: Sequence[Any], *, outputs: slice) -> Callable[..., list[Tensor]]:
    """A function of the tensors among the arguments; names of variables are passed on as they are."""

    def run(*tensors: Tensor) -> list[Tensor]:
        left = iter(tensors)
        arguments = [a if isinstance(a, Resource) else next(left) for a in given]
        found = importer.called(number, arguments, get_default_graph())[outputs]
        # A body that only writes variables gives something to wait for.
        return [t for t in found if isinstance(t, Tensor)] or [
            get_default_graph().b.constant(np.asarray(True))
        ]

    return run


def _tensors(given: Sequence[Any]) -> list[Tensor]:
    if any(v is None for v in given):
        raise Unsupported("an argument is missing")
    return [v for v in given if isinstance(v, Tensor)]


def _if(importer: Any, node: Any, given: Sequence[Any], into: Graph, outputs: Sequence[Any]) -> list[Any]:
    arguments = given[1:]
    then_body = _body(importer, node.options["then_subgraph_index"], arguments, outputs=slice(None))
    else_body = _body(importer, node.options["else_subgraph_index"], arguments, outputs=slice(None))
    importer.states.begin()
    made: list[Tensor] = []
    try:
        with into.control_dependencies(importer.states.within(into)):
            made = control.cond(into, _scalar(given[0]), then_body, else_body, _tensors(arguments))
    finally:
        importer.states.end(made[0] if made else None, into)
    return made if outputs else []


def _while(importer: Any, node: Any, given: Sequence[Any], into: Graph, outputs: Sequence[Any]) -> list[Any]:
    test = _body(importer, node.options["cond_subgraph_index"], given, outputs=slice(0, 1))
    step = _body(importer, node.options["body_subgraph_index"], given, outputs=slice(None))
    importer.states.begin()
    made: list[Tensor] = []
    try:
        with into.control_dependencies(importer.states.within(into)):
            made = control.while_loop(into, lambda *t: _scalar(test(*t)[0]), step, _tensors(given))
    finally:
        importer.states.end(made[0] if made else None, into)
    left = iter(made)
    return [v if isinstance(v, Resource) else next(left) for v in given]


def _call(importer: Any, node: Any, given: Sequence[Any], into: Graph, outputs: Sequence[Any]) -> list[Any]:
    found: list[Any] = importer.called(node.options["subgraph"], given, into)
    return found


def _composite(
    importer: Any, node: Any, given: Sequence[Any], into: Graph, outputs: Sequence[Any]
) -> list[Any]:
    """What it is composed of."""
    found: list[Any] = importer.called(node.options["decomposition_subgraph_index"], given, into)
    return found


def _call_once(
    importer: Any, node: Any, given: Sequence[Any], into: Graph, outputs: Sequence[Any]
) -> list[Any]:
    # What it writes are the initial values of the variables.
    return []


def _var_handle(
    importer: Any, node: Any, given: Sequence[Any], into: Graph, outputs: Sequence[Any]
) -> list[Any]:
    return [resource_of(node)]


def _resource(value: Any) -> Resource:
    if not isinstance(value, Resource):
        raise Unsupported("input 0 names no variable")
    return value


def _read(importer: Any, node: Any, given: Sequence[Any], into: Graph, outputs: Sequence[Any]) -> list[Any]:
    return [importer.states.read(_resource(given[0]), into)]


def _assign(importer: Any, node: Any, given: Sequence[Any], into: Graph, outputs: Sequence[Any]) -> list[Any]:
    importer.states.write(_resource(given[0]), given[1], into)
    return []


CONTROL: dict[str, Handler] = {
    "IF": _if,
    "WHILE": _while,
    "CALL": _call,
    "CALL_ONCE": _call_once,
    "STABLEHLO_COMPOSITE": _composite,
    "VAR_HANDLE": _var_handle,
    "READ_VARIABLE": _read,
    "ASSIGN_VARIABLE": _assign,
}

__all__ = ["CONTROL"]
