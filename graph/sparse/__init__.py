"""Sparse tensors, with TensorFlow 1's names and arguments: `tf.sparse`."""

from __future__ import annotations

from samara.graph.sparse.arranging import (
    concat,
    expand_dims,
    eye,
    fill_empty_rows,
    from_dense,
    merge,
    reorder,
    reset_shape,
    reshape,
    retain,
    slice,
    split,
    to_dense,
    to_indicator,
    transpose,
)
from samara.graph.sparse.computing import (
    add,
    matmul,
    maximum,
    minimum,
    reduce_max,
    reduce_max_sparse,
    reduce_sum,
    reduce_sum_sparse,
    softmax,
)
from samara.graph.sparse.tensor import SparseTensor, placeholder
from samara.graph.vocabulary.segments import sparse_segment_mean as segment_mean
from samara.graph.vocabulary.segments import sparse_segment_sqrt_n as segment_sqrt_n
from samara.graph.vocabulary.segments import sparse_segment_sum as segment_sum

__all__ = [
    "SparseTensor",
    "add",
    "concat",
    "expand_dims",
    "eye",
    "fill_empty_rows",
    "from_dense",
    "matmul",
    "maximum",
    "merge",
    "minimum",
    "placeholder",
    "reduce_max",
    "reduce_max_sparse",
    "reduce_sum",
    "reduce_sum_sparse",
    "reorder",
    "reset_shape",
    "reshape",
    "retain",
    "segment_mean",
    "segment_sqrt_n",
    "segment_sum",
    "slice",
    "softmax",
    "split",
    "to_dense",
    "to_indicator",
    "transpose",
]
