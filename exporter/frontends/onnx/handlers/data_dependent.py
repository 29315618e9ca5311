"""Ops whose results have as many elements as the data says."""

from __future__ import annotations

from typing import Any

from samara.exporter.frontends.compose import index
from samara.exporter.frontends.onnx.node import Node, op


@op("NonZero")
def _non_zero(node: Node) -> Any:
    return index.non_zero(node.b, node.input())


@op("Compress")
def _compress(node: Node) -> Any:
    axis = node.axis() if "axis" in node.attributes else None
    return index.compress(node.b, node.input(0), node.input(1), axis)


@op("Unique")
def _unique(node: Node) -> Any:
    axis = node.axis() if "axis" in node.attributes else None
    return list(index.unique(node.b, node.input(), axis, in_order=bool(node.attr("sorted", 1))))


@op("NonMaxSuppression")
def _non_max_suppression(node: Node) -> Any:
    return index.non_max_suppression(
        node.b,
        node.input(0),
        node.input(1),
        *(node.given(i) for i in range(2, 5)),
        center_point_box=bool(node.attr("center_point_box", 0)),
    )
