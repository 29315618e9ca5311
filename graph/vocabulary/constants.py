"""Values that are known when the graph is built, and sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import builder, convert_to_tensor, sizes
from samara.graph.dtypes import as_dtype, float32, string
from samara.graph.graph import Tensor, as_array, get_default_graph
from samara.graph.strings import holds_text
from samara.graph.variables import Variable


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False
) -> Tensor:
    """A constant; with `shape`, a single value is repeated, and other values are reshaped, the last one repeated.

    Raises:
        TypeError: `verify_shape`, and the values have another shape.
        ValueError: there are more values than the shape has.
    """
    kind = string if dtype is None and holds_text(value) else dtype
    array = as_array(value, None if kind is None else as_dtype(kind))
    if shape is not None:
        wanted = tuple(int(n) for n in np.atleast_1d(np.asarray(shape, np.int64)))
        if verify_shape and array.shape != wanted:
            raise TypeError(f"constant: the values have shape {list(array.shape)}, expected {list(wanted)}")
        flat, count = array.reshape(-1), int(np.prod(wanted))
        if flat.size > max(count, 1):
            raise ValueError(f"constant: {flat.size} values do not fit shape {list(wanted)}")
        filled = (
            np.concatenate([flat, np.repeat(flat[-1:], count - flat.size)])
            if flat.size < count
            else flat[:count]
        )
        array = as_array(filled.reshape(wanted), as_dtype(array.dtype))
    attributes = {"value": array, "dtype": as_dtype(array.dtype)}
    return get_default_graph().apply("constant", [], attributes, name=name or "Const").outputs[0]


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` with one value everywhere."""
    b = builder(dims, value)
    result: Tensor = b.broadcast_to(value, sizes(dims), name=name)
    return result


def zeros(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Zeros."""
    return fill(shape, np.zeros((), as_dtype(dtype).numpy), name)


def ones(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Ones."""
    return fill(shape, np.ones((), as_dtype(dtype).numpy), name)


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros of the shape of `tensor`."""
    return _like(tensor, dtype, 0, name)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Ones of the shape of `tensor`."""
    return _like(tensor, dtype, 1, name)


def _like(tensor: Any, dtype: Any, value: int, name: str | None) -> Tensor:
    tensor = convert_to_tensor(tensor)
    kind = tensor.dtype if dtype is None else as_dtype(dtype)
    b = tensor.graph.b
    result: Tensor = b.broadcast_to(np.full((), value, kind.numpy), b.sizes(tensor), name=name)
    return result


def linspace(start: Any, stop: Any, num: int, name: str | None = None) -> Tensor:
    """`num` evenly spaced values from `start` to `stop`, both included."""
    b = builder(start, stop)
    start = b.constant(start)
    steps = b.constant(np.arange(num, dtype=start.dtype.numpy))
    width = b.divide(b.subtract(stop, start), b.like(max(num - 1, 1), start))
    result: Tensor = b.add(start, b.multiply(steps, width), name=name)
    return result


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None
) -> Tensor:
    """The numbers start, start + delta, ... below limit; `range(n)` starts at 0."""
    if limit is None:
        start, limit = 0, start
    b = builder(start, limit, delta)
    if not any(isinstance(v, (Tensor, Variable)) for v in (start, limit, delta)):
        kind = (
            as_dtype(dtype).numpy
            if dtype is not None
            else np.result_type(*map(np.asarray, (start, limit, delta)))
        )
        kind = (
            {"int64": np.dtype(np.int32), "float64": np.dtype(np.float32)}.get(kind.name, kind)
            if dtype is None
            else kind
        )
        start, limit, delta = (np.asarray(v, kind) for v in (start, limit, delta))
    result: Tensor = b.range(start, limit, delta, name=name)
    return result


lin_space = linspace

__all__ = [
    "constant",
    "fill",
    "lin_space",
    "linspace",
    "ones",
    "ones_like",
    "range",
    "zeros",
    "zeros_like",
]
