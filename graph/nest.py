"""Nested lists, tuples and dicts: `tf.nest`, `tf.contrib.framework.nest`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _parts(structure: Any) -> list[Any] | None:
    """What a structure holds, dicts in the order of their keys; None for a leaf."""
    if isinstance(structure, dict):
        return [structure[k] for k in sorted(structure)]
    if isinstance(structure, (list, tuple)):
        return list(structure)
    return None


def is_nested(seq: Any) -> bool:
    """Whether it is a list, tuple or dict."""
    return _parts(seq) is not None


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves, one after the other; of dicts in the order of their keys."""
    parts = _parts(structure)
    if parts is None:
        return [structure]
    return [leaf for part in parts for leaf in flatten(part)]


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """Leaves in the structure of something.

    Raises:
        ValueError: they are not as many as the structure has.
    """
    listed = list(flat_sequence)
    count = len(flatten(structure))
    if len(listed) != count:
        raise ValueError(f"the structure has {count} leaves, {len(listed)} were given")
    return _packed(structure, iter(listed))


def _packed(structure: Any, leaves: Any) -> Any:
    parts = _parts(structure)
    if parts is None:
        return next(leaves)
    made = [_packed(p, leaves) for p in parts]
    if isinstance(structure, dict):
        by_key = dict(zip(sorted(structure), made, strict=True))
        return type(structure)((k, by_key[k]) for k in structure)
    return type(structure)(*made) if hasattr(structure, "_fields") else type(structure)(made)


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Refuses structures that differ.

    Raises:
        TypeError: a list, tuple or dict is of another type.
        ValueError: one has other parts.
    """
    first, second = _parts(nest1), _parts(nest2)
    if (first is None) != (second is None):
        raise ValueError(f"{nest1!r} and {nest2!r} have not the same structure")
    if first is None or second is None:
        return
    if check_types and type(nest1) is not type(nest2):
        raise TypeError(f"a {type(nest1).__name__} and a {type(nest2).__name__} have not the same type")
    keys_differ = isinstance(nest1, dict) and isinstance(nest2, dict) and nest1.keys() != nest2.keys()
    if len(first) != len(second) or keys_differ:
        raise ValueError(f"{nest1!r} and {nest2!r} have not the same parts")
    for a, b in zip(first, second, strict=True):
        assert_same_structure(a, b, check_types)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """What a function gives for each leaf, or for the leaves at each place of several structures.

    Raises:
        TypeError: the function cannot be called, or types differ.
        ValueError: there is no structure, or they differ.
    """
    if not callable(func):
        raise TypeError(f"map_structure: {func!r} cannot be called")
    if not structure:
        raise ValueError("map_structure needs a structure")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, kwargs.get("check_types", True))
    rows = zip(*(flatten(s) for s in structure), strict=True)
    return pack_sequence_as(structure[0], [func(*row) for row in rows])


is_sequence = is_nested

__all__ = [
    "assert_same_structure",
    "flatten",
    "is_nested",
    "is_sequence",
    "map_structure",
    "pack_sequence_as",
]
