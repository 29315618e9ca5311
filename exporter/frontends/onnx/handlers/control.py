"""Control flow."""

from __future__ import annotations

from typing import Any

from samara.exporter.frontends.onnx.node import Node, op


@op("If")
def _if(node: Node) -> Any:
    condition = node.value(0)
    if condition is None:
        node.fail("a branch that is chosen at run time is not supported yet")
    chosen = node.attr("then_branch") if bool(condition.reshape(-1)[0]) else node.attr("else_branch")
    return node.importer.inline(chosen)
