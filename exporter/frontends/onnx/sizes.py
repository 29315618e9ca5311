"""The names that a file gives to sizes: `batch`, but also `2*length + 1`, as torch writes derived sizes."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from samara.graph import dims
from samara.graph.dims import Dim, Dimension

_OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def of_name(name: str, known: Mapping[str, Dimension]) -> Dimension:
    """The dimension of a name: arithmetic on names where it reads as such, else one named dimension, 1 or more.

    Args:
        name: as the file has it.
        known: what the caller has said of names.
    """
    if name in known:
        return known[name]
    try:
        found = _evaluate(ast.parse(name.strip(), mode="eval").body, known)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return Dim(name, 1)
    # Where the names could make it negative, it is a name like any other.
    return found if isinstance(found, Dim) and dims.bounds(found)[0] >= 0 else Dim(name, 1)


def _evaluate(node: ast.expr, known: Mapping[str, Dimension]) -> Dimension:
    if isinstance(node, ast.Name):
        return known.get(node.id, Dim(node.id, 1))
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _evaluate(node.left, known), _evaluate(node.right, known)
        if isinstance(node.op, ast.FloorDiv) and not (isinstance(right, int) and right > 0):
            raise ValueError("divided by what may be 0")
        found: Dimension = _OPERATIONS[type(node.op)](left, right)
        return found
    raise ValueError("not arithmetic on names")


__all__ = ["of_name"]
