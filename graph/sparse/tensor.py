"""Sparse tensors: the elements that are there, where they are, and the shape of the whole.

A `SparseTensor` is three ordinary tensors, so that what is computed of it are ordinary operations, with gradients with
respect to its values. A session takes it apart where it is fed and fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from samara.errors import FeedError, GraphError, ShapeError
from samara.graph import dims
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import DType, as_dtype, int64
from samara.graph.graph import Graph, Operation, Tensor, get_default_graph
from samara.graph.inference import known_value
from samara.graph.operators import Operators
from samara.graph.shapes import TensorShape


class SparseTensorValue(NamedTuple):
    """What a run gives for a SparseTensor, and what is fed for one: arrays.

    Attributes:
        indices: int64 [n, rank].
        values: [n].
        dense_shape: int64 [rank].
    """

    indices: Any
    values: Any
    dense_shape: Any


class SparseTensor:
    """A tensor of which most elements are not there.

    Args:
        indices: int64 [n, rank], where the elements are; in the order of rows, as most functions give and expect them.
        values: [n], the elements.
        dense_shape: int64 [rank].

    Raises:
        ShapeError: the three do not fit.
        TypeError: indices or shape are tensors of another element type than int64.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        self.indices: Tensor = convert_to_tensor(indices, int64)
        self.values: Tensor = convert_to_tensor(values)
        self.dense_shape: Tensor = convert_to_tensor(dense_shape, int64)
        self._told: TensorShape | None = None
        shapes = [t.shape for t in (self.indices, self.values, self.dense_shape)]
        if any(s is not None and len(s) != r for s, r in zip(shapes, (2, 1, 1), strict=True)):
            listed = ", ".join(dims.text(s) for s in shapes)
            raise ShapeError(
                f"SparseTensor: indices, values and dense_shape have shapes {listed}; expected [n, rank], [n], [rank]"
            )
        for axis, (other, what) in enumerate(
            ((shapes[1], "indices and values"), (shapes[2], "the indices' columns and the dense_shape"))
        ):
            if shapes[0] is not None and other is not None and dims.equal(shapes[0][axis], other[0]) is False:
                raise ShapeError(
                    f"SparseTensor: {what} have sizes {shapes[0][axis]} and {other[0]}, expected equal ones"
                )

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """A SparseTensor of the arrays of a SparseTensorValue; a SparseTensor itself."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not isinstance(sparse_tensor_value, SparseTensorValue):
            raise TypeError(
                f"expected a SparseTensor or a SparseTensorValue, found {type(sparse_tensor_value).__name__}"
            )
        return cls(*sparse_tensor_value)

    @property
    def graph(self) -> Graph:
        """The graph of its tensors."""
        return self.values.graph

    @property
    def op(self) -> Operation:
        """The operation that gives the values."""
        return self.values.op

    @property
    def name(self) -> str:
        """The name of the values."""
        return self.values.name

    @property
    def dtype(self) -> DType:
        """The element type of the values."""
        return self.values.dtype

    @property
    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        """The indices, the values and the shape."""
        return self.indices, self.values, self.dense_shape

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape of the whole."""
        return self.get_shape()

    def get_shape(self) -> TensorShape:
        """What is known of the shape of the whole."""
        if self._told is not None:
            return self._told
        known = known_value(self.dense_shape)
        if known is not None:
            return TensorShape([None if isinstance(d, int) and d < 0 else d for d in known])
        for shape, axis in ((self.dense_shape.shape, 0), (self.indices.shape, 1)):
            rank = None if shape is None else shape[axis]
            if isinstance(rank, int):
                return TensorShape([None] * rank)
        return TensorShape(None)

    def eval(self, feed_dict: Any = None, session: Any = None) -> SparseTensorValue:
        """Its value, in `session` or the default session."""
        from samara.graph.execution.session import default_session

        found: SparseTensorValue = (session or default_session()).run(self, feed_dict)
        return found

    def fed(self) -> list[Tensor]:
        """The tensors that a feed gives values of: a shape that is a constant is only compared."""
        return list(self.components[: 2 if self.dense_shape.op.type == "constant" else 3])

    def fed_arrays(self, value: Any) -> list[Any]:
        """What a feed gives the tensors of `fed`.

        Raises:
            FeedError: it is no SparseTensorValue nor a triple, or its shape is another one.
        """
        if not isinstance(value, (tuple, list)) or len(value) != 3:
            raise FeedError(
                f"{self.name} is the values of a SparseTensor: feed a SparseTensorValue, or (indices, values, "
                f"dense_shape), not {type(value).__name__}"
            )
        if self.dense_shape.op.type != "constant":
            return list(value)
        expected = self.dense_shape.op.a.value
        if not np.array_equal(np.asarray(value[2]), expected):
            raise FeedError(
                f"{self.name}: the SparseTensor has shape {expected.tolist()}, the feed {np.asarray(value[2]).tolist()}"
            )
        return list(value[:2])

    def __mul__(self, other: Any) -> Any:
        from samara.graph.sparse.computing import multiply

        return multiply(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        from samara.graph.sparse.computing import divide

        return divide(self, other)

    def __neg__(self) -> SparseTensor:
        return self.with_values(self.graph.b.negative(self.values))

    def with_values(self, values: Any) -> SparseTensor:
        """One with other values in the same places."""
        made = SparseTensor(self.indices, values, self.dense_shape)
        made._told = self._told
        return made

    def __iter__(self) -> Any:
        raise TypeError(f"{self!r} cannot be iterated over: its parts are .indices, .values and .dense_shape")

    def __repr__(self) -> str:
        return f"<SparseTensor {self.name!r} {self.dtype.name}{self.get_shape()}>"


class IndexedSlices(Operators):
    """Slices of a tensor along its first axis, and which they are; other slices are zeros, repeated ones add up.

    Args:
        values: [n, ...].
        indices: [n].
        dense_shape: the shape of the whole; needed to make it a tensor.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self.values: Tensor = convert_to_tensor(values)
        self.indices: Tensor = convert_to_tensor(indices)
        self.dense_shape: Tensor | None = None if dense_shape is None else convert_to_tensor(dense_shape)

    @property
    def graph(self) -> Graph:
        """The graph of its tensors."""
        return self.values.graph

    @property
    def op(self) -> Operation:
        """The operation that gives the values."""
        return self.values.op

    @property
    def name(self) -> str:
        """The name of the values."""
        return self.values.name

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.values.dtype

    @property
    def device(self) -> str:
        """The device of the values."""
        return self.values.device

    def as_graph_tensor(self) -> Tensor:
        """The whole.

        Raises:
            GraphError: its shape is not known.
        """
        if self.dense_shape is None:
            raise GraphError(f"IndexedSlices {self.name!r} has no dense_shape, so it is no tensor")
        whole: Tensor = self.graph.b.unsorted_segment_sum(self.values, self.indices, self.dense_shape[0])
        return whole


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A SparseTensor that every run must be fed: a SparseTensorValue, or (indices, values, dense_shape).

    Args:
        dtype: the element type.
        shape: of the whole; a size may be None, and all of it.
        name: the beginning of the names of its parts.
    """
    sizes = TensorShape(shape)
    rank = sizes.ndims
    graph = get_default_graph()
    with graph.name_scope(name or "Placeholder"):
        b = graph.b
        values = b.placeholder(dtype=as_dtype(dtype), shape=[None], name="values")
        indices = b.placeholder(dtype=int64, shape=[None, rank], name="indices")
        if rank is not None and sizes.is_fully_defined():
            whole: Any = np.asarray(sizes.as_list(), np.int64)
        else:
            whole = b.placeholder(dtype=int64, shape=[rank], name="shape")
        made = SparseTensor(indices, values, whole)
    if rank is not None and not sizes.is_fully_defined():
        made._told = sizes
    return made


def as_sparse(value: Any, dtype: Any = None) -> SparseTensor:
    """A SparseTensor from one, or from a SparseTensorValue.

    Raises:
        TypeError: it is neither, or of another element type than `dtype`.
    """
    if not isinstance(value, (SparseTensor, SparseTensorValue)):
        raise TypeError(f"expected a SparseTensor, found {type(value).__name__}")
    found = SparseTensor.from_value(value)
    if dtype is not None and found.dtype is not as_dtype(dtype):
        raise TypeError(f"{found!r} is {found.dtype.name}, expected {as_dtype(dtype).name}: use cast")
    return found


def rank_of(sparse: SparseTensor) -> int:
    """How many axes the whole has; raises ShapeError when that is not known."""
    rank = sparse.get_shape().ndims
    if rank is None:
        raise ShapeError(
            f"{sparse!r}: its rank is not known: give the placeholder a shape, as in [None, None]"
        )
    return int(rank)


def spread(feeds: Mapping[Any, Any]) -> list[Any]:
    """The values of feeds, those of sparse tensors taken apart."""
    found: list[Any] = []
    for key, value in feeds.items():
        if isinstance(key, SparseTensor):
            found += key.fed_arrays(value)
        else:
            found.append(value)
    return found


def sizes_of(sparse: SparseTensor, rank: int | None = None) -> list[Any]:
    """The sizes of the axes: numbers where they are known, else int64 scalars.

    Args:
        sparse: a sparse tensor.
        rank: how many axes there must be, if that is not known; else it must be.
    """
    known = known_value(sparse.dense_shape)
    found = sparse.get_shape().ndims
    rank = rank_of(sparse) if found is not None or rank is None else rank
    return [
        known[i] if known is not None and isinstance(known[i], int) else sparse.dense_shape[i]
        for i in range(rank)
    ]


def vector(b: Any, sizes: Sequence[Any]) -> Any:
    """Sizes as an operand, int64 [rank]."""
    if all(isinstance(n, (int, np.integer)) for n in sizes):
        return np.asarray(sizes, np.int64).reshape(-1)
    return b.stack([n if isinstance(n, Tensor) else np.int64(n) for n in sizes], axis=0)


def product(b: Any, sizes: Sequence[Any]) -> Any:
    """The product of sizes: a number, or an int64 scalar."""
    total: Any = 1
    for size in sizes:
        if isinstance(size, Tensor) or isinstance(total, Tensor):
            left, right = (n if isinstance(n, Tensor) else np.int64(n) for n in (total, size))
            total = right if isinstance(total, int) and total == 1 else b.multiply(left, right)
        else:
            total *= int(size)
    return total


def numbers(b: Any, indices: Tensor, sizes: Sequence[Any], axes: Sequence[int]) -> Any:
    """For each row of indices the number that its element has, in the order of rows, among those of some axes."""
    total: Any = None
    for axis in axes:
        column = indices[:, axis]
        total = column if total is None else b.add(b.multiply(total, _int64(b, sizes[axis])), column)
    return total if total is not None else b.zeros_like(indices[:, 0])


def positions(b: Any, sparse: SparseTensor, indices: Any = None) -> Any:
    """The same among those of all axes, also where the rank is not known."""
    places = sparse.indices if indices is None else indices
    if sparse.get_shape().ndims is not None:
        return numbers(b, places, sizes_of(sparse), range(rank_of(sparse)))
    steps = b.cumulative_prod(sparse.dense_shape, axis=0, exclusive=True, reverse=True)
    return b.reduce_sum(b.multiply(places, steps), axes=(1,))


def _int64(b: Any, size: Any) -> Any:
    return size if isinstance(size, Tensor) else b.constant(np.int64(size))


__all__ = [
    "IndexedSlices",
    "SparseTensor",
    "SparseTensorValue",
    "as_sparse",
    "numbers",
    "placeholder",
    "positions",
    "product",
    "rank_of",
    "sizes_of",
    "spread",
    "vector",
]
