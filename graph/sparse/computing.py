"""Sums, products and reductions of sparse tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.sparse.arranging import retain
from samara.graph.sparse.tensor import (
    SparseTensor,
    SparseTensorValue,
    as_sparse,
    numbers,
    positions,
    product,
    rank_of,
    sizes_of,
    vector,
)
from samara.graph.vocabulary.segments import unsorted_segment_max


def _is_sparse(value: Any) -> bool:
    return isinstance(value, (SparseTensor, SparseTensorValue))


def _at_places(sparse: SparseTensor, dense: Any) -> Any:
    """The elements of a tensor, broadcast to the whole, where those of a sparse tensor are."""
    b = sparse.graph.b
    other = convert_to_tensor(dense, None if hasattr(dense, "as_graph_tensor") else sparse.dtype)
    if other.shape == ():
        return other
    return b.gather_nd(b.broadcast_to(other, sparse.dense_shape), sparse.indices)


def multiply(sp_input: Any, dense: Any, name: str | None = None) -> SparseTensor:
    """The elements times those of a tensor that broadcasts to the whole."""
    sparse = as_sparse(sp_input)
    return sparse.with_values(sparse.graph.b.multiply(sparse.values, _at_places(sparse, dense), name=name))


def divide(sp_input: Any, dense: Any, name: str | None = None) -> SparseTensor:
    """The elements divided by those of a tensor that broadcasts to the whole; integers as Python's `/` does."""
    sparse = as_sparse(sp_input)
    return sparse.with_values(sparse.values / _at_places(sparse, dense))


def add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """The sum of two sparse tensors, or of one and a tensor.

    Args:
        a: a SparseTensor or a tensor of its shape.
        b: likewise; one of them is sparse.
        threshold: of two sparse ones, sums of a smaller magnitude are left out; 0 when None.
        thresh: its old name.

    Returns:
        A SparseTensor in the order of rows if both are sparse, else a tensor.

    Raises:
        TypeError: neither is sparse.
    """
    if not (_is_sparse(a) or _is_sparse(b)):
        raise TypeError("sparse_add: one of a and b must be a SparseTensor")
    if not (_is_sparse(a) and _is_sparse(b)):
        sparse, dense = (as_sparse(a), b) if _is_sparse(a) else (as_sparse(b), a)
        other = convert_to_tensor(dense, None if hasattr(dense, "as_graph_tensor") else sparse.dtype)
        made: Tensor = sparse.graph.b.scatter_nd(other, sparse.indices, sparse.values, reduction="add")
        return made
    left, right = as_sparse(a), as_sparse(b)
    with left.graph.name_scope("SparseAdd"):
        builder = left.graph.b
        indices, place, count = _union(builder, left, right)
        values = builder.concat([left.values, right.values], axis=0)
        sums = builder.unsorted_segment_sum(values, place, count)
        total = SparseTensor(indices, sums, _whole(left, right))
        least = threshold if threshold is not None else thresh
        if least is None or (not hasattr(least, "as_graph_tensor") and least == 0):
            return total
        limit = convert_to_tensor(least, None if hasattr(least, "as_graph_tensor") else total.dtype)
        return retain(total, builder.greater_equal(builder.abs(sums), limit))


def _whole(left: SparseTensor, right: SparseTensor) -> Any:
    """The shape that both have: of the one that says more."""
    known = left.graph.b.known_value(left.dense_shape)
    fixed = known is not None and all(isinstance(d, int) for d in known)
    return left.dense_shape if fixed else right.dense_shape


def _union(b: Any, left: SparseTensor, right: SparseTensor) -> tuple[Any, Any, Any]:
    """The places of two sparse tensors in the order of rows, for each element which place, and how many there are."""
    known = [s.get_shape().ndims for s in (left, right)]
    if None not in known and known[0] != known[1]:
        raise ShapeError(f"sparse tensors of shapes {left.shape} and {right.shape}: the ranks differ")
    indices = b.concat([left.indices, right.indices], axis=0)
    return _groups(b, indices, positions(b, left, indices))


def _groups(b: Any, indices: Any, keys: Any) -> tuple[Any, Any, Any]:
    """The indices of different keys in their order, for each row which of them it has, and how many there are."""
    first, place, _, count = b.unique(keys)
    size = b.reshape(count, np.asarray([1], np.int32))
    taken = b.slice(first, np.zeros(1, np.int64), size, strides=(1,))
    return b.gather(indices, taken, axis=0), place, count


def _elementwise(op: str, sp_a: Any, sp_b: Any, name: str | None, word: str) -> SparseTensor:
    left, right = as_sparse(sp_a), as_sparse(sp_b)
    with left.graph.name_scope(name or word):
        b = left.graph.b
        indices, place, count = _union(b, left, right)
        size = b.shape(left.values)[0]
        both = [
            b.unsorted_segment_sum(s.values, p, count)
            for s, p in ((left, place[:size]), (right, place[size:]))
        ]
        return SparseTensor(indices, getattr(b, op)(*both), _whole(left, right))


def maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The larger element, in the places of either; one that is not there is 0."""
    return _elementwise("maximum", sp_a, sp_b, name, "SparseSparseMaximum")


def minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The smaller element, in the places of either; one that is not there is 0."""
    return _elementwise("minimum", sp_a, sp_b, name, "SparseSparseMinimum")


def matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """The product of a sparse matrix and a matrix.

    Args:
        sp_a: a SparseTensor of rank 2.
        b: a tensor of rank 2.
        adjoint_a: whether the sparse matrix is transposed.
        adjoint_b: whether the other is.
        name: of the operation.

    Raises:
        ShapeError: a rank is not 2, or the sizes do not fit.
    """
    sparse, dense = as_sparse(sp_a), convert_to_tensor(b)
    builder = sparse.graph.b
    sizes = sizes_of(sparse, 2)
    if len(sizes) != 2 or dense.shape is None or len(dense.shape) != 2:
        raise ShapeError(
            f"sparse_tensor_dense_matmul: expected two matrices, found {sparse.shape} and {dense.get_shape()}"
        )
    row, column = (1, 0) if adjoint_a else (0, 1)
    other = builder.transpose(dense) if adjoint_b else dense
    inner = dense.shape[1 if adjoint_b else 0]
    if isinstance(sizes[column], int) and isinstance(inner, int) and sizes[column] != inner:
        raise ShapeError(
            f"sparse_tensor_dense_matmul: {sizes[column]} columns of the sparse matrix, {inner} rows of the other"
        )
    taken = builder.gather(other, sparse.indices[:, column], axis=0)
    products = builder.multiply(taken, builder.expand_dims(sparse.values, axis=1))
    made: Tensor = builder.unsorted_segment_sum(products, sparse.indices[:, row], sizes[row], name=name)
    return made


def softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Softmax along the last axis over the elements that are there; the others stay away."""
    sparse = as_sparse(sp_input)
    with sparse.graph.name_scope(name or "SparseSoftmax"):
        b = sparse.graph.b
        sizes = sizes_of(sparse, 2)
        if len(sizes) < 2:
            raise ShapeError(f"sparse_softmax: the rank of {sparse!r} is {len(sizes)}, expected 2 or more")
        row = numbers(b, sparse.indices, sizes, range(len(sizes) - 1))
        count = product(b, sizes[:-1])
        largest = b.gather(unsorted_segment_max(b.stop_gradient(sparse.values), row, count), row, axis=0)
        powers = b.exp(b.subtract(sparse.values, b.stop_gradient(largest)))
        totals = b.unsorted_segment_sum(powers, row, count)
        return sparse.with_values(b.divide(powers, b.gather(totals, row, axis=0)))


# Reductions ----------------------------------------------------------------------------------------------------


def _sums(b: Any, values: Any, place: Any, count: Any) -> Any:
    return b.unsorted_segment_sum(values, place, count)


def _largest(b: Any, values: Any, place: Any, count: Any) -> Any:
    """The largest of each place, and 0 where there is none."""
    ones = b.broadcast_to(b.constant(np.int64(1)), b.shape(place))
    some = b.greater(b.unsorted_segment_sum(ones, place, count), b.constant(np.int64(0)))
    return b.where(some, unsorted_segment_max(values, place, count), b.like(0, values))


def _axes(sparse: SparseTensor, axis: Any, old: Any) -> tuple[int, ...]:
    rank = rank_of(sparse)
    given = axis if axis is not None else old
    listed = range(rank) if given is None else np.atleast_1d(given).tolist()
    if any(not -rank <= a < rank for a in listed):
        raise ShapeError(f"axes {list(listed)} of a SparseTensor of rank {rank}")
    return tuple(sorted({a % rank for a in listed}))


def _reduction(reduce: Callable[..., Any], word: str) -> Callable[..., Tensor]:
    def function(
        sp_input: Any,
        axis: Any = None,
        keepdims: bool | None = None,
        reduction_axes: Any = None,
        keep_dims: bool | None = None,
    ) -> Tensor:
        sparse = as_sparse(sp_input)
        with sparse.graph.name_scope(f"sparse_reduce_{word}"):
            b = sparse.graph.b
            keep = keepdims if keepdims is not None else keep_dims
            if axis is None and reduction_axes is None and not keep:
                everywhere = b.zeros_like(sparse.indices[:, 0])
                whole: Tensor = b.reshape(reduce(b, sparse.values, everywhere, 1), np.zeros(0, np.int32))
                return whole
            sizes = sizes_of(sparse)
            gone = _axes(sparse, axis, reduction_axes)
            left = [i for i in range(len(sizes)) if i not in gone]
            place = numbers(b, sparse.indices, sizes, left)
            found = reduce(b, sparse.values, place, product(b, [sizes[i] for i in left]))
            shape = [1 if i in gone else n for i, n in enumerate(sizes) if keep or i not in gone]
            made: Tensor = b.reshape(found, vector(b, shape))
            return made

    function.__name__ = function.__qualname__ = f"reduce_{word}"
    return function


def _sparse_reduction(reduce: Callable[..., Any], word: str) -> Callable[..., SparseTensor]:
    def function(
        sp_input: Any,
        axis: Any = None,
        keepdims: bool | None = None,
        reduction_axes: Any = None,
        keep_dims: bool | None = None,
    ) -> SparseTensor:
        sparse = as_sparse(sp_input)
        with sparse.graph.name_scope(f"sparse_reduce_{word}_sparse"):
            b = sparse.graph.b
            sizes = sizes_of(sparse)
            gone = _axes(sparse, axis, reduction_axes)
            left = [i for i in range(len(sizes)) if i not in gone]
            keep = keepdims if keepdims is not None else keep_dims
            indices, place, count = _groups(b, sparse.indices, numbers(b, sparse.indices, sizes, left))
            values = reduce(b, sparse.values, place, count)
            if keep:
                mask = np.asarray([[i not in gone for i in range(len(sizes))]], np.int64)
                kept: Sequence[Any] = [1 if i in gone else n for i, n in enumerate(sizes)]
                return SparseTensor(b.multiply(indices, b.constant(mask)), values, vector(b, kept))
            columns = b.gather(indices, np.asarray(left, np.int32), axis=1)
            return SparseTensor(columns, values, vector(b, [sizes[i] for i in left]))

    function.__name__ = function.__qualname__ = f"reduce_{word}_sparse"
    return function


reduce_sum = _reduction(_sums, "sum")
reduce_sum.__doc__ = "The sums of the elements along some axes, all when `axis` is None, as a tensor."
reduce_max = _reduction(_largest, "max")
reduce_max.__doc__ = (
    "The largest elements along some axes, all when `axis` is None, as a tensor: of those that are there, and 0 where "
    "there is none."
)
reduce_sum_sparse = _sparse_reduction(_sums, "sum")
reduce_sum_sparse.__doc__ = (
    "The sums of the elements along some axes, where there are any, as a SparseTensor."
)
reduce_max_sparse = _sparse_reduction(_largest, "max")
reduce_max_sparse.__doc__ = "The largest elements along some axes, where there are any, as a SparseTensor."


__all__ = [
    "add",
    "divide",
    "matmul",
    "maximum",
    "minimum",
    "multiply",
    "reduce_max",
    "reduce_max_sparse",
    "reduce_sum",
    "reduce_sum_sparse",
    "softmax",
]
