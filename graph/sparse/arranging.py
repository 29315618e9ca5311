"""Sparse tensors made, taken apart and put in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import as_dtype, bool_, float32, int32, int64, string
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.sparse.tensor import (
    SparseTensor,
    as_sparse,
    positions,
    product,
    rank_of,
    sizes_of,
    vector,
)
from samara.graph.vocabulary.elements import where


def _axis(axis: Any, rank: int, what: str) -> int:
    if not -rank <= int(axis) < rank:
        raise ShapeError(f"{what}: axis {axis} is outside {-rank}..{rank - 1}")
    return int(axis) % rank


def to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """The whole as an ordinary tensor.

    Args:
        sp_input: a SparseTensor.
        default_value: what is where no element is; zero, or an empty text, when None.
        validate_indices: has no meaning here: an index outside is an error of the run, their order does not matter, and
            of elements in one place the last one counts.
        name: of the operation.
    """
    sparse = as_sparse(sp_input)
    return _dense(sparse.graph.b, *sparse.components, default_value, name or "SparseToDense")


def _dense(b: Any, indices: Any, values: Any, whole: Any, default: Any, name: str | None) -> Tensor:
    kind = values.dtype
    if default is None:
        default = b"" if kind is string else np.zeros((), kind.numpy)
    rest = b.broadcast_to(b.constant(default, kind), whole)
    made: Tensor = b.scatter_nd(rest, indices, values, name=name)
    return made


def sparse_to_dense(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """A tensor of a shape with values in some places.

    Args:
        sparse_indices: a place; [n], places in a list; or [n, rank].
        output_shape: [rank].
        sparse_values: [n], or one for all places.
        default_value: what is in the other places.
        validate_indices: has no meaning here, as in `sparse_tensor_to_dense`.
        name: of the operation.
    """
    places, values = convert_to_tensor(sparse_indices), convert_to_tensor(sparse_values)
    b = places.graph.b
    whole = convert_to_tensor(output_shape, None if hasattr(output_shape, "as_graph_tensor") else int64)
    if places.shape is None:
        raise ShapeError(f"sparse_to_dense: the rank of {places.name} is not known")
    if len(places.shape) < 2:
        places = b.reshape(places, np.asarray([-1, 1], np.int32))
    if values.shape == ():
        values = b.broadcast_to(values, b.shape(places)[:1])
    if default_value == 0 and values.dtype in (string, bool_):
        default_value = None
    return _dense(b, places, values, whole, default_value, name or "SparseToDense")


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements of a tensor that are not 0."""
    x = convert_to_tensor(tensor)
    with x.graph.name_scope(name or "dense_to_sparse"):
        b = x.graph.b
        zero = b.constant(b"" if x.dtype is string else np.zeros((), x.dtype.numpy), x.dtype)
        places = where(b.not_equal(x, zero))
        return SparseTensor(places, b.gather_nd(x, places), _whole(b, x))


def _whole(b: Any, x: Tensor) -> Any:
    fixed = x.get_shape()
    if fixed.is_fully_defined():
        return np.asarray(fixed.as_list(), np.int64)
    return b.shape(x, output_type=int64)


def eye(
    num_rows: int, num_columns: int | None = None, dtype: Any = float32, name: str | None = None
) -> SparseTensor:
    """Ones on the diagonal of a matrix of zeros, square when there is no `num_columns`."""
    columns = int(num_rows) if num_columns is None else int(num_columns)
    with get_default_graph().name_scope(name or "eye"):
        along = np.arange(min(int(num_rows), columns), dtype=np.int64)
        ones = np.ones(len(along), as_dtype(dtype).numpy)
        return SparseTensor(np.stack([along, along], axis=1), ones, np.asarray([num_rows, columns], np.int64))


def reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The same elements in the order of rows; those in one place stay in theirs."""
    sparse = as_sparse(sp_input)
    with sparse.graph.name_scope(name or "SparseReorder"):
        b = sparse.graph.b
        order = _order(b, positions(b, sparse))
        return SparseTensor(
            b.gather(sparse.indices, order, axis=0),
            b.gather(sparse.values, order, axis=0),
            sparse.dense_shape,
        )


def _order(b: Any, keys: Any) -> Any:
    """Where the keys are that come first, second, ..."""
    count = b.shape(keys, output_type=int64)[0]
    return b.top_k(keys, count, axis=0, largest=False)[1]


def retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The elements for which `to_retain`, bool [n], holds."""
    sparse = as_sparse(sp_input)
    b = sparse.graph.b
    places = b.reshape(where(convert_to_tensor(to_retain)), np.asarray([-1], np.int32))
    return SparseTensor(
        b.gather(sparse.indices, places, axis=0), b.gather(sparse.values, places, axis=0), sparse.dense_shape
    )


def slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The elements of the block that begins at `start` and has the sizes `size`, or what there is of it."""
    sparse = as_sparse(sp_input)
    with sparse.graph.name_scope(name or "SparseSlice"):
        b = sparse.graph.b
        first, length = (convert_to_tensor(v, int64) for v in (start, size))
        left = b.subtract(sparse.indices, first)
        inside = b.logical_and(
            b.greater_equal(left, b.constant(np.int64(0))), b.less(left, b.expand_dims(length, axis=0))
        )
        moved = SparseTensor(left, sparse.values, sparse.dense_shape)
        kept = retain(moved, b.reduce_all(inside, axes=(1,)))
        rest = b.maximum(b.subtract(sparse.dense_shape, first), b.constant(np.int64(0)))
        return SparseTensor(kept.indices, kept.values, b.minimum(length, rest))


def split(
    sp_input: Any = None,
    num_split: Any = None,
    axis: Any = None,
    name: str | None = None,
    split_dim: Any = None,
) -> list[SparseTensor]:
    """A sparse tensor cut along an axis into `num_split` parts; where they are not equal, the first are longer by one.

    Raises:
        TypeError: an argument is missing.
    """
    along = split_dim if axis is None else axis
    if sp_input is None or num_split is None or along is None:
        raise TypeError("sparse_split needs sp_input, num_split and axis")
    sparse = as_sparse(sp_input)
    with sparse.graph.name_scope(name or "SparseSplit"):
        b = sparse.graph.b
        sizes = sizes_of(sparse)
        along = _axis(along, len(sizes), "sparse_split")
        count = int(num_split)
        parts: list[SparseTensor] = []
        begin: Any = 0
        for number in range(count):
            if isinstance(sizes[along], int):
                each, more = divmod(sizes[along], count)
                length: Any = each + (number < more)
                following: Any = begin + length
            else:
                each = b.floor_divide(sizes[along], b.constant(np.int64(count)))
                more = b.floor_mod(sizes[along], b.constant(np.int64(count)))
                extra = b.cast(b.greater(more, b.constant(np.int64(number))), dtype=int64)
                length = b.add(each, extra)
                following = b.add(begin if isinstance(begin, Tensor) else b.constant(np.int64(begin)), length)
            start: list[Any] = [0] * len(sizes)
            start[along] = begin
            wanted = [*sizes[:along], length, *sizes[along + 1 :]]
            parts.append(slice(sparse, vector(b, start), vector(b, wanted)))
            begin = following
        return parts


def concat(
    axis: Any,
    sp_inputs: Sequence[Any],
    name: str | None = None,
    expand_nonconcat_dim: bool = False,
    concat_dim: Any = None,
    expand_nonconcat_dims: bool | None = None,
) -> SparseTensor:
    """Sparse tensors joined along an axis.

    Args:
        axis: along which.
        sp_inputs: SparseTensors, each in the order of rows.
        name: the name scope.
        expand_nonconcat_dim: whether the other axes may differ; the result has the largest.
        concat_dim: the old name of `axis`.
        expand_nonconcat_dims: another name of `expand_nonconcat_dim`.

    Raises:
        ShapeError: the ranks differ, or sizes do that must not.
    """
    given = [as_sparse(s) for s in sp_inputs]
    if not given:
        raise ValueError("sparse_concat needs one or more SparseTensors")
    graph = given[0].graph
    with graph.name_scope(name or "SparseConcat"):
        b = graph.b
        rank = rank_of(given[0])
        along = _axis(axis if concat_dim is None else concat_dim, rank, "sparse_concat")
        expand = expand_nonconcat_dim if expand_nonconcat_dims is None else expand_nonconcat_dims
        all_sizes = [sizes_of(s) for s in given]
        if any(len(sizes) != rank for sizes in all_sizes):
            raise ShapeError(f"sparse_concat: the ranks are {', '.join(str(len(s)) for s in all_sizes)}")
        whole = list(all_sizes[0])
        places, begin = [given[0].indices], all_sizes[0][along]
        for sparse, sizes in zip(given[1:], all_sizes[1:], strict=True):
            moved: list[Any] = [0] * rank
            moved[along] = begin
            places.append(b.add(sparse.indices, vector(b, moved)))
            begin = _sum(b, begin, sizes[along])
            for i in range(rank):
                if i != along:
                    whole[i] = _joined(b, whole[i], sizes[i], expand, i)
        whole[along] = begin
        values = b.concat([s.values for s in given], axis=0)
        return reorder(SparseTensor(b.concat(places, axis=0), values, vector(b, whole)))


def _sum(b: Any, left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    return b.add(*(n if isinstance(n, Tensor) else b.constant(np.int64(n)) for n in (left, right)))


def _joined(b: Any, left: Any, right: Any, expand: bool, axis: int) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        if left != right and not expand:
            raise ShapeError(
                f"sparse_concat: axis {axis} has sizes {left} and {right}; expand_nonconcat_dim=True takes the larger"
            )
        return max(left, right)
    if not expand:
        return left if isinstance(left, int) else right
    return b.maximum(*(n if isinstance(n, Tensor) else b.constant(np.int64(n)) for n in (left, right)))


def transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """The axes in another order; reversed when there is no `perm`."""
    sparse = as_sparse(sp_input)
    with sparse.graph.name_scope(name or "SparseTranspose"):
        b = sparse.graph.b
        rank = rank_of(sparse)
        order = list(range(rank))[::-1] if perm is None else [int(p) for p in perm]
        if sorted(order) != list(range(rank)):
            raise ShapeError(f"sparse_transpose: perm {order} is no order of {rank} axes")
        sizes = sizes_of(sparse)
        turned = b.gather(sparse.indices, np.asarray(order, np.int32), axis=1)
        return reorder(SparseTensor(turned, sparse.values, vector(b, [sizes[i] for i in order])))


def reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """The same elements in another shape; one size may be -1, when the list says so in numbers.

    Raises:
        ShapeError: the sizes do not hold as many elements, or the rank of the shape is not known.
    """
    sparse = as_sparse(sp_input)
    with sparse.graph.name_scope(name or "SparseReshape"):
        b = sparse.graph.b
        if hasattr(shape, "as_graph_tensor"):
            tensor = b.cast(shape.as_graph_tensor(), dtype=int64)
            if tensor.shape is None or not isinstance(tensor.shape[0], int):
                raise ShapeError("sparse_reshape: the rank of the shape is not known")
            known = b.known_value(tensor)
            new: list[Any] = [
                known[i] if known is not None and isinstance(known[i], int) else tensor[i]
                for i in range(tensor.shape[0])
            ]
        else:
            new = [s if isinstance(s, Tensor) else int(s) for s in shape]
            new = [b.cast(s, dtype=int64) if isinstance(s, Tensor) else s for s in new]
        known_rank = sparse.get_shape().ndims is not None
        total = product(b, sizes_of(sparse)) if known_rank else b.reduce_prod(sparse.dense_shape)
        if new.count(-1) == 1:
            rest = product(b, [n for n in new if not (isinstance(n, int) and n == -1)])
            if isinstance(total, int) and isinstance(rest, int):
                if not rest or total % rest:
                    raise ShapeError(f"sparse_reshape: {total} elements do not fit {new}")
                new[new.index(-1)] = total // rest
            else:
                left, right = (n if isinstance(n, Tensor) else b.constant(np.int64(n)) for n in (total, rest))
                new[new.index(-1)] = b.floor_divide(left, right)
        made = product(b, new)
        if isinstance(total, int) and isinstance(made, int) and total != made:
            raise ShapeError(f"sparse_reshape: {total} elements do not fit {new}")
        flat = positions(b, sparse)
        columns = []
        for size in reversed(new[1:]):
            by = size if isinstance(size, Tensor) else b.constant(np.int64(size))
            columns.append(b.floor_mod(flat, by))
            flat = b.floor_divide(flat, by)
        columns.append(flat)
        return SparseTensor(b.stack(columns[::-1], axis=1), sparse.values, vector(b, new))


def expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """An axis of size 1 put in at `axis`, the last when it is None."""
    sparse = as_sparse(sp_input)
    sizes = sizes_of(sparse)
    place = _axis(-1 if axis is None else axis, len(sizes) + 1, "sparse_expand_dims")
    b = sparse.graph.b
    return reshape(sparse, vector(b, [*sizes[:place], 1, *sizes[place:]]), name)


def reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """The same elements in a larger whole, or in the least one that holds them.

    Raises:
        ShapeError: `new_shape` is smaller than the whole, where both are known.
    """
    sparse = as_sparse(sp_input)
    b = sparse.graph.b
    if new_shape is None:
        none = np.full((1, rank_of(sparse)), -1, np.int64)
        last = b.reduce_max(b.concat([sparse.indices, none], axis=0), axes=(0,))
        return SparseTensor(sparse.indices, sparse.values, b.add(last, np.int64(1)))
    whole = convert_to_tensor(new_shape, int64)
    old, new = b.known_value(sparse.dense_shape), b.known_value(whole)
    if old is not None and new is not None:
        smaller = any(dims.bounds(n)[1] < dims.bounds(o)[0] for o, n in zip(old, new, strict=False))
        if len(old) != len(new) or smaller:
            raise ShapeError(
                f"sparse_reset_shape: {dims.text(new)} is smaller than the whole, {dims.text(old)}"
            )
    return SparseTensor(sparse.indices, sparse.values, whole)


def fill_empty_rows(
    sp_input: Any, default_value: Any, name: str | None = None
) -> tuple[SparseTensor, Tensor]:
    """An element in the first place of each row that has none.

    Args:
        sp_input: a SparseTensor of rank 2.
        default_value: the element.
        name: the name scope.

    Returns:
        The SparseTensor in the order of rows, and for each row whether it was empty.
    """
    sparse = as_sparse(sp_input)
    with sparse.graph.name_scope(name or "SparseFillEmptyRows"):
        b = sparse.graph.b
        sizes = sizes_of(sparse, 2)
        rows = sparse.indices[:, 0]
        ones = b.broadcast_to(b.constant(np.int64(1)), b.shape(rows))
        held = b.unsorted_segment_sum(ones, rows, sizes[0])
        empty = b.equal(held, b.constant(np.int64(0)))
        new = b.pad(where(empty), paddings=(0, 0, 0, len(sizes) - 1))
        value = b.broadcast_to(b.constant(default_value, sparse.dtype), b.shape(new)[:1])
        indices = b.concat([sparse.indices, new], axis=0)
        values = b.concat([sparse.values, value], axis=0)
        return reorder(SparseTensor(indices, values, sparse.dense_shape)), empty


def to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """For each row of numbers, the last axis, which of 0 to vocab_size - 1 are among them: bool [..., vocab_size]."""
    sparse = as_sparse(sp_input)
    with sparse.graph.name_scope(name or "SparseToIndicator"):
        b = sparse.graph.b
        true = b.broadcast_to(b.constant(np.asarray(True)), b.shape(sparse.values))
        return to_dense(merge(sparse, sparse.with_values(true), vocab_size, already_sorted=True))


def merge(
    sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False
) -> SparseTensor:
    """The values of one sparse tensor at the places that the numbers of another name, in place of its last axis.

    Args:
        sp_ids: a SparseTensor of int32 or int64; or a list of them, whose numbers are a place together.
        sp_values: a SparseTensor with as many elements.
        vocab_size: the size of the new axis, or a list of sizes.
        name: the name scope.
        already_sorted: whether the places come out in the order of rows.
    """
    several = isinstance(sp_ids, (list, tuple)) and not hasattr(sp_ids, "_fields")
    ids = [as_sparse(s) for s in (sp_ids if several else [sp_ids])]
    limits = list(vocab_size) if several else [vocab_size]
    values = as_sparse(sp_values)
    if len(ids) != len(limits):
        raise ValueError(f"sparse_merge: {len(ids)} sp_ids and {len(limits)} sizes")
    with values.graph.name_scope(name or "SparseMerge"):
        b = values.graph.b
        last = rank_of(ids[0]) - 1
        columns = [b.expand_dims(b.cast(s.values, dtype=int64), axis=1) for s in ids]
        places = b.concat([ids[0].indices[:, :last], *columns], axis=1)
        ends = [
            b.cast(n.as_graph_tensor(), dtype=int64) if hasattr(n, "as_graph_tensor") else int(n)
            for n in limits
        ]
        made = SparseTensor(places, values.values, vector(b, [*sizes_of(ids[0])[:last], *ends]))
        return made if already_sorted else reorder(made)


def counted_places(b: Any, held: Any) -> tuple[Any, Any, Any]:
    """The places [n, 2] of what holds in a matrix, with those of a row moved together, and the longest row's length.

    Returns:
        The places as they were, those moved to the front of their rows, and the length, an int64 scalar.
    """
    places = where(held)
    before = b.cumulative_sum(b.cast(held, dtype=int32), axis=1, exclusive=True)
    column = b.cast(b.gather_nd(before, places), dtype=int64)
    moved = b.stack([places[:, 0], column], axis=1)
    lengths = b.reduce_sum(b.cast(held, dtype=int64), axes=(1,))
    longest = b.reduce_max(b.concat([lengths, np.zeros(1, np.int64)], axis=0))
    return places, moved, longest


__all__ = [
    "concat",
    "counted_places",
    "expand_dims",
    "eye",
    "fill_empty_rows",
    "from_dense",
    "merge",
    "reorder",
    "reset_shape",
    "reshape",
    "retain",
    "slice",
    "sparse_to_dense",
    "split",
    "to_dense",
    "to_indicator",
    "transpose",
]
