"""Names of inputs and outputs, from the nesting of the arguments and results of `forward`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from torch.utils import _pytree as pytree

# Stands for a leaf while names are found.
_LEAF = object()


def _key_text(key: Any) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)


def _paths(spec: Any) -> list[tuple[str, ...]]:
    tree = pytree.tree_unflatten([_LEAF] * spec.num_leaves, spec)
    leaves, _ = pytree.tree_flatten_with_path(tree)
    return [tuple(_key_text(k) for k in path) for path, _ in leaves]


def _unique(names: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    found = []
    for name in names:
        made, count = name, 1
        while made in taken:
            made, count = f"{name}_{count}", count + 1
        taken.add(made)
        found.append(made)
    return found


def _clean(parts: Sequence[str]) -> str:
    text = "_".join(p for p in parts if p)
    return "".join(c if c.isalnum() or c in "_." else "_" for c in text)


def input_names(spec: Any, arguments: Sequence[str]) -> list[str]:
    """A name for each leaf of (args, kwargs).

    Args:
        spec: the tree of (args, kwargs).
        arguments: what `forward` calls its arguments, those without a keyword first.
    """
    names = []
    for which, first, *rest in _paths(spec):
        if which == "0":
            index = int(first)
            first = arguments[index] if index < len(arguments) else f"input_{index}"
        names.append(_clean([first, *rest]))
    return _unique(names)


def output_names(spec: Any) -> list[str]:
    """A name for each leaf of the result: fields and keys by their name, a tuple's `output_0`, `output_1`."""
    paths = _paths(spec)
    names = []
    for path in paths:
        if not path:
            names.append("output")
        elif path[0].isdigit():
            names.append(_clean(["output", *path]))
        else:
            names.append(_clean(path))
    return _unique(names)


def structure(spec: Any, names: Sequence[str | None]) -> str:
    """The nesting as JSON, with the names for leaves; None for leaves that are no tensors."""
    return json.dumps(_plain(pytree.tree_unflatten(list(names), spec)))


def _plain(tree: Any) -> Any:
    if isinstance(tree, (str, type(None))):
        return tree
    if hasattr(tree, "items"):
        return {str(k): _plain(v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_plain(v) for v in tree]
    if hasattr(tree, "__dict__"):
        return {k: _plain(v) for k, v in vars(tree).items()}
    return str(tree)


__all__ = ["input_names", "output_names", "structure"]
