"""Nested lists, tuples and dicts of tensors; a sparse tensor is a tuple of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def leaves_of(value: Any) -> list[Any]:
    """What nested lists, tuples and dicts hold, one after the other."""
    leaves: list[Any] = []
    flatten(value, leaves)
    return leaves


def flatten(value: Any, leaves: list[Any]) -> Any:
    """What nested lists, tuples, dicts and sparse tensors look like, with the rest appended to `leaves`."""
    if hasattr(value, "components"):
        return (type(value), [flatten(v, leaves) for v in value.components])
    if isinstance(value, (list, tuple)):
        return (type(value), [flatten(v, leaves) for v in value])
    if isinstance(value, dict):
        return (dict, [(k, flatten(v, leaves)) for k, v in value.items()])
    leaves.append(value)
    return None


def shape_of(structure: Any) -> Any:
    """A structure in which lists and tuples are alike."""
    if structure is None:
        return None
    kind, parts = structure
    if kind is dict:
        return ("dict", [(k, shape_of(p)) for k, p in parts])
    return ("sequence", [shape_of(p) for p in parts])


def pack(structure: Any, values: Any) -> Any:
    """The values, an iterator, in a structure that `flatten` gave."""
    if structure is None:
        return next(values)
    kind, parts = structure
    if kind is dict:
        return {k: pack(p, values) for k, p in parts}
    found: Sequence[Any] = [pack(p, values) for p in parts]
    return kind(*found) if hasattr(kind, "_fields") or hasattr(kind, "components") else kind(found)
