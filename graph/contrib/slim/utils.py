"""What slim's models are written with beside layers: `slim.utils`."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from samara.graph.graph import get_default_graph


def convert_collection_to_dict(collection: str, clear_collection: bool = False) -> OrderedDict[str, Any]:
    """What layers gave, by the names of their scopes, of a collection that was their `outputs_collections`."""
    graph = get_default_graph()
    found = OrderedDict(
        (t.op.name.rpartition("/")[0] or t.op.name, t) for t in graph.get_collection(collection)
    )
    if clear_collection:
        graph.clear_collection(collection)
    return found


def last_dimension(shape: Any, min_rank: int = 1) -> int:
    """The last size of a shape.

    Raises:
        ValueError: it is not known, or the rank is less than min_rank.
    """
    if shape.ndims is None or shape.ndims < min_rank or not isinstance(shape[-1], int):
        raise ValueError(f"the last size of {shape}, of rank {min_rank} or more, is not known")
    return int(shape[-1])


__all__ = ["convert_collection_to_dict", "last_dimension"]
