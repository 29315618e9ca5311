"""Reading and writing at indices, and sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.compose import index
from samara.exporter.frontends.compose.sizes import product_of, reshape, sizes_of
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dtypes

_REDUCTIONS = {"none": "none", "add": "add", "mul": "multiply", "max": "maximum", "min": "minimum"}


@op("GatherElements")
def _gather_elements(node: Node) -> Any:
    return node.b.gather_elements(node.input(0), node.input(1), axis=node.axis())


@op("GatherND")
def _gather_nd(node: Node) -> Any:
    return node.b.gather_nd(node.input(0), node.input(1), batch_dims=int(node.attr("batch_dims", 0)))


@op("ScatterElements", "Scatter")
def _scatter_elements(node: Node) -> Any:
    reduction = _REDUCTIONS[node.attr("reduction", "none")]
    return node.b.scatter_elements(*(node.input(i) for i in range(3)), axis=node.axis(), reduction=reduction)


@op("ScatterND")
def _scatter_nd(node: Node) -> Any:
    reduction = _REDUCTIONS[node.attr("reduction", "none")]
    return node.b.scatter_nd(*(node.input(i) for i in range(3)), reduction=reduction)


@op("CumSum", "CumProd")
def _cumulative(node: Node) -> Any:
    axis = int(node.constant(1, "the axis").reshape(-1)[0]) % max(node.rank(), 1)
    name = "cumulative_sum" if node.type == "CumSum" else "cumulative_prod"
    return getattr(node.b, name)(
        node.input(),
        axis=axis,
        exclusive=bool(node.attr("exclusive", 0)),
        reverse=bool(node.attr("reverse", 0)),
    )


@op("TopK")
def _top_k(node: Node) -> Any:
    b = node.b
    k = b.constant(np.int64(node.attributes["k"])) if "k" in node.attributes else node.input(1)
    value = node.value(1) if "k" not in node.attributes else None
    if value is not None:
        k = b.constant(np.int64(value.reshape(-1)[0]))
    elif len(k.shape or ()) == 1:
        k = b.reshape(k, np.zeros(0, np.int64))
    if index.known(b, k) is None:
        k = index.sized(b, k, index.size_along(b, node.input(), node.axis(default=-1)), name=f"{node.name}_k")
    # Any order is allowed where none is asked for: the sorted one.
    return b.top_k(node.input(), k, axis=node.axis(default=-1), largest=bool(node.attr("largest", 1)))


@op("Trilu")
def _trilu(node: Node) -> Any:
    b, x = node.b, node.input()
    k = 0 if node.given(1) is None else int(node.constant(1, "k").reshape(-1)[0])
    upper = bool(node.attr("upper", 1))
    shape = node.shape()
    if isinstance(shape[-2], int) and isinstance(shape[-1], int):
        # An array of ones and zeros with the matrix' shape.
        ones = np.ones((shape[-2], shape[-1]), np.bool_)
        kept = b.constant(np.triu(ones, k) if upper else np.tril(ones, k))
    else:
        rows, columns = (_counting(node, axis) for axis in (-2, -1))
        difference = b.subtract(columns, b.expand_dims(rows, axis=1))
        compare = b.greater_equal if upper else b.less_equal
        kept = compare(difference, b.like(k, difference))
    zero = b.constant(np.zeros((), x.dtype.numpy))
    return b.where(kept, x, zero)


def _counting(node: Node, axis: int) -> Any:
    """0, 1, 2, ... up to the size of an axis of the first input, as int32."""
    b = node.b
    axis %= node.rank()
    size = b.strided_slice(
        b.shape(node.input()), begin=[axis], end=[axis + 1], strides=[1], shrink_axis_mask=1
    )
    return b.range(b.constant(np.int32(0)), size, b.constant(np.int32(1)))


@op("ReverseSequence")
def _reverse_sequence(node: Node) -> Any:
    b, x = node.b, node.input(0)
    batch, time = node.axis("batch_axis", 1), node.axis("time_axis", 0)
    rank = node.rank()
    size = node.shape()[time]
    if not isinstance(size, int):
        node.fail(f"a time axis whose size moves, {size}")
    counted = b.constant(
        np.arange(size, dtype=np.int64).reshape([-1 if a == time else 1 for a in range(rank)])
    )
    lengths = b.reshape(
        b.cast(node.input(1), dtype=dtypes.int64), np.array([-1 if a == batch else 1 for a in range(rank)])
    )
    one = b.constant(np.int64(1))
    turned = b.where(b.less(counted, lengths), b.subtract(b.subtract(lengths, one), counted), counted)
    whole = b.broadcast_to(turned, b.sizes(x))
    return b.gather_elements(x, whole, axis=time)


@op("TensorScatter")
def _tensor_scatter(node: Node) -> Any:
    b, x, update = node.b, node.input(0), node.input(1)
    axis = node.axis(default=-2)
    rank = node.rank()
    sizes = node.shape()
    updated = node.shape(1)
    size, count = sizes[axis], updated[axis]
    if not isinstance(size, int) or not isinstance(count, int):
        node.fail("an axis whose size moves")
    counted = b.constant(
        np.arange(count, dtype=np.int64).reshape([-1 if a == axis else 1 for a in range(rank)])
    )
    places = counted
    if node.given(2) is not None:
        starts = b.reshape(
            b.cast(node.input(2), dtype=dtypes.int64), np.array([-1, *(1,) * (rank - 1)], np.int64)
        )
        places = b.add(starts, counted)
    if node.attr("mode", "linear") == "circular":
        places = b.floor_mod(places, b.constant(np.int64(size)))
    return b.scatter_elements(x, b.broadcast_to(places, b.sizes(update)), update, axis=axis)


@op("DepthToSpace")
def _depth_to_space(node: Node) -> Any:
    b, x = node.b, node.input()
    block = int(node.attr("blocksize"))
    n, c, h, w = sizes_of(b, x)
    if not isinstance(c, int) or c % (block * block):
        node.fail(f"{c} channels are no multiple of {block} * {block}")
    kept = c // block**2
    image = b.transpose(x, permutation=(0, 2, 3, 1))
    blocks_first = node.attr("mode", "DCR") == "DCR"
    parted = reshape(b, image, [n, h, w, *((block, block, kept) if blocks_first else (kept, block, block))])
    mixed = b.transpose(parted, permutation=(0, 1, 3, 2, 4, 5) if blocks_first else (0, 1, 4, 2, 5, 3))
    whole = reshape(b, mixed, [n, product_of(b, [h, block]), product_of(b, [w, block]), kept])
    return b.transpose(whole, permutation=(0, 3, 1, 2))


@op("SpaceToDepth")
def _space_to_depth(node: Node) -> Any:
    b, x = node.b, node.input()
    block = int(node.attr("blocksize"))
    n, c, h, w = sizes_of(b, x)
    for name, size in (("height", h), ("width", w)):
        if isinstance(size, int) and size % block:
            node.fail(f"{name} {size} is no multiple of {block}")
    rows, columns = (
        s // block if isinstance(s, int) else b.floor_divide(s, b.like(block, s)) for s in (h, w)
    )
    image = b.transpose(x, permutation=(0, 2, 3, 1))
    parted = reshape(b, image, [n, rows, block, columns, block, c])
    order = (0, 1, 3, 2, 4, 5) if node.attr("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    mixed = b.transpose(parted, permutation=order)
    joined = reshape(b, mixed, [n, rows, columns, product_of(b, [block * block, c])])
    return b.transpose(joined, permutation=(0, 3, 1, 2))


@op("CenterCropPad")
def _center_crop_pad(node: Node) -> Any:
    b, x = node.b, node.input()
    target = [int(v) for v in node.constant(1, "the target shape").reshape(-1)]
    rank = node.rank()
    axes = [a % rank for a in node.attr("axes") or range(rank)]
    shape = node.shape()
    begin, end, pads = [0] * rank, [0] * rank, [0] * (2 * rank)
    masks = (1 << rank) - 1
    cut = masks
    for axis, wanted in zip(axes, target, strict=True):
        size = shape[axis]
        if not isinstance(size, int):
            node.fail(f"axis {axis} has a size that moves, {size}")
        if wanted < size:
            begin[axis] = (size - wanted) // 2
            end[axis] = begin[axis] + wanted
            cut &= ~(1 << axis)
        elif wanted > size:
            pads[2 * axis] = (wanted - size) // 2
            pads[2 * axis + 1] = wanted - size - pads[2 * axis]
    if cut != masks:
        x = b.strided_slice(x, begin=begin, end=end, strides=[1] * rank, begin_mask=cut, end_mask=cut)
    return b.pad(x, paddings=tuple(pads)) if any(pads) else b.identity(x)


@op("Det")
def _det(node: Node) -> Any:
    size = node.shape()[-1]
    if not (isinstance(size, int) and 1 <= size <= 4):
        node.fail(f"the determinant of matrices of size {size}", "matrices of up to 4 by 4 can be written")
    b, x = node.b, node.input()
    rows = [b.gather(x, np.int32(i), axis=-2) for i in range(size)]
    return _determinant(b, [[b.gather(row, np.int32(j), axis=-1) for j in range(size)] for row in rows])


def _determinant(b: Any, rows: list[list[Any]]) -> Any:
    """By the elements of the first row, and the determinants of what is left without their row and column."""
    if len(rows) == 1:
        return rows[0][0]
    total = None
    for column, element in enumerate(rows[0]):
        part = b.multiply(element, _determinant(b, [row[:column] + row[column + 1 :] for row in rows[1:]]))
        total = part if total is None else (b.subtract if column % 2 else b.add)(total, part)
    return total
