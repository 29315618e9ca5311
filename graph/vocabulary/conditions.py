"""Further checks of the public vocabulary: closeness, element types, ranks, order, shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from samara.graph import dims
from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import DType, as_dtype, float32
from samara.graph.graph import Operation, Tensor
from samara.graph.shapes import TensorShape
from samara.graph.variables import group
from samara.graph.vocabulary.checks import Assert


def _words(message: str | None) -> str:
    return f"{message}: " if message else ""


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless |x - y| <= atol + rtol |y| holds for all elements.

    The tolerances are ten times the difference between 1 and the next number of the element type when None.
    """
    b = builder(x, y)
    left = b.constant(x) if hasattr(x, "as_graph_tensor") or not hasattr(y, "as_graph_tensor") else None
    right = b.constant(y, left.dtype if left is not None else None)
    left = b.constant(x, right.dtype) if left is None else left
    small = 10 * float(np.finfo(left.dtype.numpy).eps)
    relative = b.constant(small if rtol is None else rtol, left.dtype)
    absolute = b.constant(small if atol is None else atol, left.dtype)
    limit = b.add(absolute, b.multiply(relative, b.abs(right)))
    held = b.reduce_all(b.less_equal(b.abs(b.subtract(left, right)), limit))
    text = f"{_words(message)}x and y are not near each other in all elements"
    return Assert(held, [text, left, right, *(data or [])], summarize, name)


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Refuses a tensor whose elements are no integers, at once.

    Raises:
        TypeError: they are not.
    """
    found = convert_to_tensor(x)
    if not found.dtype.is_integer:
        raise TypeError(f"{_words(message)}{found.name} is {found.dtype.name}, expected integers")
    return group(name=name)


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """The tensor, which is refused at once when it is known to be no scalar.

    Raises:
        ValueError: it has a rank that is not 0.
    """
    found = convert_to_tensor(tensor)
    if found.shape is not None and found.shape != ():
        raise ValueError(
            f"{_words(message)}{found.name} has shape {dims.text(found.shape)}, expected a scalar"
        )
    return found


def assert_rank_in(
    x: Any,
    ranks: Sequence[int],
    data: Any = None,
    summarize: Any = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless a tensor has one of some ranks; where the rank is known, at once.

    Raises:
        ValueError: the rank is known and is another.
    """
    found = convert_to_tensor(x)
    text = f"{_words(message)}{found.name} must have one of the ranks {list(ranks)}"
    if found.shape is not None:
        if len(found.shape) not in ranks:
            raise ValueError(f"{text}, not {len(found.shape)}")
        return group(name=name)
    b = found.graph.b
    rank = b.shape(b.shape(found))[0]
    held = b.reduce_any(b.equal(rank, np.asarray(list(ranks), np.int32)))
    return Assert(held, [text, rank], summarize, name)


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> DType:
    """The floating-point element type that tensors share; float32 when there are none.

    Raises:
        ValueError: they differ, or it is no floating-point type.
    """
    kind = None if dtype is None else as_dtype(dtype)
    for tensor in tensors or ():
        if tensor is None:
            continue
        if kind is not None and tensor.dtype is not kind:
            raise ValueError(f"{tensor.name} is {tensor.dtype.name}, not {kind.name} as what was before it")
        kind = tensor.dtype
    if kind is not None and not kind.is_floating:
        raise ValueError(f"expected a floating-point element type, found {kind.name}")
    return kind or float32


def assert_proper_iterable(values: Any) -> None:
    """Refuses what is no collection of tensors: a tensor, an array, a text, or what cannot be iterated over.

    Raises:
        TypeError: it is none.
    """
    single = hasattr(values, "as_graph_tensor") or isinstance(values, (np.ndarray, str, bytes))
    if single or not isinstance(values, Iterable):
        raise TypeError(f"expected a list or another collection of tensors, found {type(values).__name__}")


def _neighbours(x: Any, held: str, name: str | None, default: str) -> Tensor:
    tensor = convert_to_tensor(x)
    b = tensor.graph.b
    with tensor.graph.name_scope(name or default):
        flat = b.reshape(tensor, np.asarray([-1], np.int32))
        compare = b.less if held == "less" else b.less_equal
        made: Tensor = b.reduce_all(compare(flat[:-1], flat[1:]))
        return made


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element, row after row, is less than the one before it."""
    return _neighbours(x, "less_equal", name, "is_non_decreasing")


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether each element, row after row, is greater than the one before it."""
    return _neighbours(x, "less", name, "is_strictly_increasing")


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor, known to have a shape; a run in which it has another one fails.

    Raises:
        ShapeError: what is known of its shape contradicts `shape`.
    """
    tensor = convert_to_tensor(x)
    b, wanted = tensor.graph.b, TensorShape(shape)
    if wanted.ndims is None:
        passed: Tensor = b.identity(tensor, name=name)
        return passed
    known = [(a, int(d)) for a, d in enumerate(wanted) if isinstance(d, int)]
    sizes = b.shape(tensor)
    text = f"{tensor.name} must have shape {dims.text(wanted)}"
    with tensor.graph.name_scope(name or "ensure_shape"):
        rank = b.equal(b.shape(sizes)[0], np.int32(len(wanted)))
        with tensor.graph.control_dependencies([Assert(rank, [text, sizes])]):
            checks = [Assert(rank, [text, sizes])]
            if known:
                axes = np.asarray([a for a, _ in known], np.int32)
                found = b.gather(b.identity(sizes), axes, axis=0)
                same = b.reduce_all(b.equal(found, np.asarray([d for _, d in known], np.int32)))
                checks.append(Assert(same, [text, sizes]))
        with tensor.graph.control_dependencies(checks):
            made: Tensor = b.identity(tensor)
    made.set_shape(wanted)
    return made


__all__ = [
    "assert_integer",
    "assert_near",
    "assert_proper_iterable",
    "assert_rank_in",
    "assert_same_float_dtype",
    "assert_scalar",
    "ensure_shape",
    "is_non_decreasing",
    "is_strictly_increasing",
]
