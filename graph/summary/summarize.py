"""Adding a summary op to a graph and to its collections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.graph.collections import GraphKeys
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float32
from samara.graph.graph import Graph, Tensor

SUMMARIES = GraphKeys.SUMMARIES

Collections = Sequence[str] | None


def summarize(
    graph: Graph, kind: str, inputs: Sequence[Any], collections: Collections, **attributes: Any
) -> Tensor:
    """The output of a new summary op, which joins the collections."""
    tensors = [inputs[0], *(convert_to_tensor(x, float32) for x in inputs[1:])]
    made: Tensor = getattr(graph.b, f"{kind}_summary")(*tensors, name=f"{kind}_summary", **attributes)
    for collection in [SUMMARIES] if collections is None else collections:
        graph.add_to_collection(collection, made)
    return made


__all__ = ["SUMMARIES", "Collections", "summarize"]
