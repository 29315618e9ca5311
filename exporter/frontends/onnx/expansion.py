"""Ops that ONNX itself defines by simpler ones, written so where no handler has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import onnx
import onnx.helper
import onnx.inliner

from samara.exporter.frontends.onnx.node import HANDLERS
from samara.exporter.frontends.onnx.reader import Source

# Of functions that are made here, until they are inlined.
_DOMAIN = "samara.expansion"


def expanded(source: Source) -> Source:
    """The model without nodes that have no handler and that ONNX can write with others.

    What cannot be written so stays, and is named as unsupported when the nodes are read.
    """
    nodes = [n for n in _nodes(source.model.graph) if _is_wanted(n, source)]
    if not nodes:
        return source
    model = source.model
    try:
        if any(_depends(n, source) for n in nodes):
            model = _written_out(source)
        wanted = sorted({(n.domain, n.op_type) for n in _nodes(model.graph) if _is_wanted(n, source)})
        if wanted:
            model = onnx.inliner.inline_selected_functions(model, wanted, inline_schema_functions=True)
    except Exception:
        return source
    return replace(source, model=model)


def _nodes(graph: Any) -> Iterator[Any]:
    """The nodes of a graph and of the bodies in it."""
    pending = [graph]
    while pending:
        for node in pending.pop().node:
            yield node
            pending += [a.g for a in node.attribute if a.HasField("g")]


def _is_wanted(node: Any, source: Source) -> bool:
    if (
        node.domain not in ("", "ai.onnx")
        or ("", node.op_type) in HANDLERS
        or not onnx.defs.has(node.op_type)
    ):
        return False
    schema = _schema(node, source)
    return bool(schema.has_function or schema.has_context_dependent_function)


def _schema(node: Any, source: Source) -> Any:
    return onnx.defs.get_schema(node.op_type, max(source.opsets.get("", 1), 1))


def _depends(node: Any, source: Source) -> bool:
    """Whether the function of a node depends on the types of its inputs, and on which are there."""
    return bool(_schema(node, source).has_context_dependent_function)


def _written_out(source: Source) -> Any:
    """The model with the nodes written out whose functions depend on their inputs.

    The inliner asks for the type of each input, and finds none for an absent one and for a constant.
    """
    model = onnx.ModelProto()
    model.CopyFrom(source.model)
    typed = onnx.shape_inference.infer_shapes(model).graph
    types = {t.name: onnx.helper.make_tensor_type_proto(t.data_type, t.dims) for t in typed.initializer}
    types.update((i.name, i.type) for i in (*typed.input, *typed.value_info, *typed.output))
    functions: list[Any] = []
    for node in _nodes(model.graph):
        known = all(n in types for n in node.input if n)
        if not known or not _is_wanted(node, source) or not _depends(node, source):
            continue
        given = [types.get(n, onnx.TypeProto()).SerializeToString() for n in node.input]
        made = _schema(node, source).get_context_dependent_function(node.SerializeToString(), given)
        function = onnx.FunctionProto.FromString(made)
        node.domain = function.domain = _DOMAIN
        node.op_type = function.name = f"{node.op_type}_{len(functions)}"
        functions.append(function)
    if not functions:
        return model
    model.functions.extend(functions)
    model.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))
    return onnx.inliner.inline_local_functions(model)


__all__ = ["expanded"]
