"""Ops of sequences and signals, and Einstein summation."""

from __future__ import annotations

from typing import Any

from samara.exporter.frontends.compose.einsum import einsum
from samara.exporter.frontends.onnx.node import Node, op


@op("Einsum")
def _einsum(node: Node) -> Any:
    operands = [node.input(i) for i in range(len(node.inputs))]
    try:
        return einsum(node.b, node.attr("equation"), operands)
    except ValueError as error:
        node.fail(str(error))
