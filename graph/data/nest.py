"""The structure of an element: tuples and dicts of tensors. A list is a tensor of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from samara.graph.shapes import TensorShape


def flatten(value: Any, leaves: list[Any]) -> Any:
    """The structure of a value, whose leaves are appended to `leaves`."""
    if isinstance(value, tuple) and not isinstance(value, TensorShape):
        return (type(value), [flatten(v, leaves) for v in value])
    if isinstance(value, dict):
        return (dict, [(k, flatten(v, leaves)) for k, v in value.items()])
    leaves.append(value)
    return None


def pack(structure: Any, leaves: Iterator[Any]) -> Any:
    """Leaves in a structure."""
    if structure is None:
        return next(leaves)
    kind, parts = structure
    if kind is dict:
        return {k: pack(p, leaves) for k, p in parts}
    made = [pack(p, leaves) for p in parts]
    return kind(*made) if hasattr(kind, "_fields") else kind(made)


def like(structure: Any, value: Any, leaf: Callable[[Any], Any], what: str) -> list[Any]:
    """The parts of a value that has the structure, one for each leaf; dicts may have another order.

    Raises:
        TypeError: it has another structure.
    """
    if structure is None:
        return [leaf(value)]
    kind, parts = structure
    if kind is dict:
        if not isinstance(value, dict) or set(value) != {k for k, _ in parts}:
            raise TypeError(f"{what}: {value!r} is no dict of {', '.join(str(k) for k, _ in parts)}")
        return [found for k, p in parts for found in like(p, value[k], leaf, what)]
    if not isinstance(value, (tuple, list)) or isinstance(value, TensorShape) or len(value) != len(parts):
        raise TypeError(f"{what}: {value!r} is no tuple of {len(parts)}")
    return [found for p, v in zip(parts, value, strict=True) for found in like(p, v, leaf, what)]


def count(structure: Any) -> int:
    """How many leaves a structure has."""
    if structure is None:
        return 1
    kind, parts = structure
    return sum(count(p[1] if kind is dict else p) for p in parts)
