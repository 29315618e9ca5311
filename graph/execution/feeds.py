"""Feeds: arrays for tensors, checked against their element types and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import FeedError
from samara.graph import dims, dtypes
from samara.graph.backends import Backend
from samara.graph.graph import Tensor
from samara.graph.strings import as_strings

Array = Any

# The dtype of no feed: each element of an array of texts is looked at.
_UNCHECKED = np.dtype("V1")


class Feeds:
    """The feeds of a run that is compiled: what each must be, found out once.

    Args:
        tensors: what is fed, in order.
        backend: the array library.
    """

    def __init__(self, tensors: Sequence[Tensor], backend: Backend) -> None:
        self._tensors = tuple(tensors)
        self._backend = backend
        self._rows = [
            (t, _UNCHECKED if t.dtype is dtypes.string else t.dtype.numpy, t.shape, _fixed(t))
            for t in tensors
        ]
        self._named = any(isinstance(d, dims.Dim) and not d.anonymous for t in tensors for d in t.shape or ())

    def arrays(self, values: Sequence[Any]) -> list[Array]:
        """The backend's arrays for the values.

        Raises:
            FeedError: a value does not fit.
        """
        backend = self._backend
        found = []
        for (tensor, dtype, known, fixed), value in zip(self._rows, values, strict=True):
            if type(value) is np.ndarray and value.dtype == dtype:
                array: Any = value
            elif backend.is_own(value):
                found.append(self._own(tensor, value))
                continue
            else:
                array = _as_array(tensor, value)
            if tensor.shape is not known:
                fixed = _fixed(tensor)  # it was set after the step was compiled
            if fixed is not None:
                shape = array.shape
                if len(shape) != fixed[0]:
                    raise _misfit(tensor, array)
                for axis, size in fixed[1]:
                    if shape[axis] != size:
                        raise _misfit(tensor, array)
            found.append(backend.feed(array))
        if self._named:
            _check_symbols(self._tensors, found)
        return found

    def _own(self, tensor: Tensor, value: Any) -> Array:
        if value.dtype != self._backend.dtype(tensor.dtype):
            array = _as_array(tensor, self._backend.numpy(value, copy=False))
            value = self._backend.feed(array)
        fixed = _fixed(tensor)
        if fixed is not None and (
            len(value.shape) != fixed[0] or any(value.shape[axis] != size for axis, size in fixed[1])
        ):
            raise _misfit(tensor, value)
        return value


def _fixed(tensor: Tensor) -> tuple[int, tuple[tuple[int, int], ...]] | None:
    """The rank, and the axes whose sizes are numbers; None where the rank is not known."""
    if tensor.shape is None:
        return None
    return len(tensor.shape), tuple((a, d) for a, d in enumerate(tensor.shape) if isinstance(d, int))


def _misfit(tensor: Tensor, array: Array) -> FeedError:
    return FeedError(
        f"{tensor.name} expects shape {dims.text(tensor.shape)}, the feed has shape {list(array.shape)}"
    )


def _as_array(tensor: Tensor, value: Any) -> np.ndarray[Any, Any]:
    if isinstance(value, Tensor) or hasattr(value, "as_graph_tensor"):
        raise FeedError(f"{tensor.name}: a feed must be an array, not a tensor of the graph")
    try:
        if tensor.dtype is dtypes.string:
            return as_strings(value)
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
        if array.dtype == object and array.ndim == 0:
            raise TypeError(f"found {type(value).__name__}, not an array or numbers")
        if array.dtype.kind not in "fiub":
            raise TypeError(f"an array of {array.dtype} is not one of numbers")
        if tensor.dtype.is_integer and array.dtype != tensor.dtype.numpy and array.size:
            if array.dtype.kind == "f" and not np.array_equal(array, np.trunc(array)):
                raise TypeError("numbers with a fraction do not fit an integer tensor")
            limits = np.iinfo(tensor.dtype.numpy)
            # Of Python's numbers, which compare exactly whatever their types.
            for least_or_most in (array.min().item(), array.max().item()):
                if not limits.min <= least_or_most <= limits.max:
                    raise TypeError(f"{least_or_most} is outside {limits.min}..{limits.max}")
        array = array.astype(tensor.dtype.numpy, copy=False)
    except (TypeError, ValueError) as error:
        raise FeedError(
            f"{tensor.name} expects {tensor.dtype.name}{dims.text(tensor.shape)}: {error}"
        ) from None
    return array


def _check_symbols(fed: Sequence[Tensor], arrays: Sequence[Array]) -> None:
    """One named dimension must have one size in all feeds, within its bounds; expressions of them must agree."""
    sizes: dict[dims.Symbol, tuple[int, str]] = {}
    expressions: list[tuple[dims.Dim, int, str]] = []
    for tensor, array in zip(fed, arrays, strict=True):
        for dimension, size in zip(tensor.shape or (), array.shape, strict=False):
            if not isinstance(dimension, dims.Dim) or dimension.anonymous:
                continue
            symbol = dimension.symbol
            if symbol is None:
                expressions.append((dimension, size, tensor.name))
                continue
            if not symbol.minimum <= size <= symbol.maximum:
                raise FeedError(
                    f"{tensor.name}: dimension {symbol.name} is {size}, outside {symbol.minimum}..{symbol.maximum}"
                )
            known, where = sizes.setdefault(symbol, (size, tensor.name))
            if known != size:
                raise FeedError(f"dimension {symbol.name} is {known} in {where} but {size} in {tensor.name}")
    values = {symbol: size for symbol, (size, _) in sizes.items()}
    for dimension, size, name in expressions:
        if dimension.symbols <= values.keys() and dimension.evaluate(values) != size:
            bound = ", ".join(f"{s.name}={n}" for s, n in values.items())
            raise FeedError(
                f"{name}: dimension {dimension} is {size}, not {dimension.evaluate(values)} with {bound}"
            )


__all__ = ["Feeds"]
