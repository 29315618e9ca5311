"""Sparse tensors of the public vocabulary: the functions of `tf.sparse` under their older names."""

from __future__ import annotations

from typing import Any

from samara.graph import sparse
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.sparse.arranging import sparse_to_dense
from samara.graph.sparse.tensor import IndexedSlices, SparseTensor, SparseTensorValue

sparse_add = sparse.add
sparse_concat = sparse.concat
sparse_fill_empty_rows = sparse.fill_empty_rows
sparse_maximum = sparse.maximum
sparse_merge = sparse.merge
sparse_minimum = sparse.minimum
sparse_placeholder = sparse.placeholder
sparse_reduce_max = sparse.reduce_max
sparse_reduce_max_sparse = sparse.reduce_max_sparse
sparse_reduce_sum = sparse.reduce_sum
sparse_reduce_sum_sparse = sparse.reduce_sum_sparse
sparse_reorder = sparse.reorder
sparse_reset_shape = sparse.reset_shape
sparse_reshape = sparse.reshape
sparse_retain = sparse.retain
sparse_slice = sparse.slice
sparse_softmax = sparse.softmax
sparse_split = sparse.split
sparse_tensor_dense_matmul = sparse.matmul
sparse_tensor_to_dense = sparse.to_dense
sparse_to_indicator = sparse.to_indicator
sparse_transpose = sparse.transpose


def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A SparseTensor from one or from a SparseTensorValue, a tensor from anything else.

    Raises:
        TypeError: it is of another element type than `dtype`.
    """
    if isinstance(value, (SparseTensor, SparseTensorValue)):
        return sparse.tensor.as_sparse(value, dtype)
    return convert_to_tensor(value, dtype, name)


def edit_distance(hypothesis: Any, truth: Any, normalize: bool = True, name: str = "edit_distance") -> Tensor:
    """How many insertions, deletions and substitutions make one sequence of another, for each row of sparse tensors.

    Args:
        hypothesis: a SparseTensor [..., any] in the order of rows.
        truth: another one, of the same element type and rank.
        normalize: whether it is divided by the length of the truth; it is infinite where only the truth is empty.
        name: of the operation.

    Returns:
        float32 [...].

    Raises:
        TypeError: one is no SparseTensor, or the element types differ.
    """
    left = sparse.tensor.as_sparse(hypothesis)
    right = sparse.tensor.as_sparse(truth, left.dtype)
    made: Tensor = left.graph.b.edit_distance(
        *left.components, *right.components, normalize=normalize, name=name
    )
    return made


__all__ = [
    "IndexedSlices",
    "SparseTensor",
    "SparseTensorValue",
    "convert_to_tensor_or_sparse_tensor",
    "edit_distance",
    "sparse_add",
    "sparse_concat",
    "sparse_fill_empty_rows",
    "sparse_maximum",
    "sparse_merge",
    "sparse_minimum",
    "sparse_placeholder",
    "sparse_reduce_max",
    "sparse_reduce_max_sparse",
    "sparse_reduce_sum",
    "sparse_reduce_sum_sparse",
    "sparse_reorder",
    "sparse_reset_shape",
    "sparse_reshape",
    "sparse_retain",
    "sparse_slice",
    "sparse_softmax",
    "sparse_split",
    "sparse_tensor_dense_matmul",
    "sparse_tensor_to_dense",
    "sparse_to_dense",
    "sparse_to_indicator",
    "sparse_transpose",
]
