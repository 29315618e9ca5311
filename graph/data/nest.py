"""The structure of an element: tuples and dicts of tensors and sparse tensors. A list is a tensor of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from samara.graph.graph import Tensor
from samara.graph.shapes import TensorShape
from samara.graph.sparse.tensor import SparseTensor


def flatten(value: Any, leaves: list[Any]) -> Any:
    """The structure of a value, whose leaves are appended to `leaves`."""
    if isinstance(value, SparseTensor):
        leaves.extend(value.components)
        return (SparseTensor, [None, None, None])
    if isinstance(value, tuple) and not isinstance(value, TensorShape):
        return (type(value), [flatten(v, leaves) for v in value])
    if isinstance(value, dict):
        return (dict, [(k, flatten(v, leaves)) for k, v in value.items()])
    leaves.append(value)
    return None


def pack(structure: Any, leaves: Iterator[Any], sparse: Callable[..., Any] = SparseTensor) -> Any:
    """Leaves in a structure; `sparse` makes one of the three of a sparse tensor."""
    if structure is None:
        return next(leaves)
    kind, parts = structure
    if kind is dict:
        return {k: pack(p, leaves, sparse) for k, p in parts}
    made = [pack(p, leaves, sparse) for p in parts]
    if kind is SparseTensor:
        return sparse(*made)
    return kind(*made) if hasattr(kind, "_fields") else kind(made)


def types(structure: Any, kinds: Iterable[Any]) -> Any:
    """The element types of leaves in a structure; of a sparse tensor that of its values."""
    return pack(structure, iter(kinds), lambda indices, values, shape: values)


def shapes(structure: Any, sizes: Iterable[Any]) -> Any:
    """The shapes of leaves in a structure; of a sparse tensor that of the whole, of which the rank is known."""

    def whole(indices: TensorShape, values: TensorShape, shape: TensorShape) -> TensorShape:
        rank = shape.as_list()[0] if shape.ndims else None
        return TensorShape(None if rank is None else [None] * rank)

    return pack(structure, iter([TensorShape(s) for s in sizes]), whole)


def classes(structure: Any) -> Any:
    """`Tensor` or `SparseTensor` in the places of a structure."""
    return pack(structure, iter([Tensor] * count(structure)), lambda *_: SparseTensor)


def within(outer: Any, inner: Iterator[Any]) -> Any:
    """A structure whose leaves are structures."""
    if outer is None:
        return next(inner)
    kind, parts = outer
    return (kind, [(p[0], within(p[1], inner)) if kind is dict else within(p, inner) for p in parts])


def has_sparse(structure: Any) -> bool:
    """Whether there is a sparse tensor in a structure."""
    if structure is None:
        return False
    kind, parts = structure
    return kind is SparseTensor or any(has_sparse(p[1] if kind is dict else p) for p in parts)


def like(structure: Any, value: Any, leaf: Callable[[Any], Any], what: str) -> list[Any]:
    """The parts of a value that has the structure, one for each leaf; dicts may have another order.

    Raises:
        TypeError: it has another structure.
    """
    if structure is None:
        return [leaf(value)]
    kind, parts = structure
    if kind is SparseTensor:
        if not isinstance(value, SparseTensor):
            raise TypeError(f"{what}: {value!r} is no SparseTensor")
        return [leaf(part) for part in value.components]
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
