"""Shapes, and where elements are: reshapes, slices, pads, parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.handlers._registry import (
    activated,
    axis_of,
    constant,
    fixed,
    handler,
    integers,
    shape_of,
)
from samara.exporter.frontends.tflite.node import Array, Node, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

# Where its diagonal is becomes a constant of the file.
_LARGEST_MATRIX = 1 << 26


@handler("RESHAPE", moves=True)
def _reshape(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    given = node.optional(1)
    if given is None:
        sizes: Any = [int(v) for v in node.options["new_shape"]]
        # What old converters wrote for a scalar.
        if sizes == [0] and node.output.shape == ():
            sizes = []
        return [r.b.reshape(x, np.asarray(sizes, np.int32))]
    if given.value is not None:
        # A constant of another rank than 1 is what old converters wrote beside the options.
        if given.value.ndim != 1 and len(node.options["new_shape"]):
            return [r.b.reshape(x, np.asarray(node.options["new_shape"], np.int32))]
        return [r.b.reshape(x, given.value.reshape(-1))]
    return [r.b.reshape(x, given.data)]


@handler("SQUEEZE", moves=True)
def _squeeze(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    shape = shape_of(x)
    axes = sorted({axis_of(int(a), len(shape)) for a in node.options["squeeze_dims"]})
    if not axes:
        axes = [a for a, size in enumerate(shape) if size == 1]
    return [r.b.squeeze(x, axes=tuple(axes))]


@handler("EXPAND_DIMS", moves=True)
def _expand_dims(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    (axis,) = integers(node, 1, "the axis")
    return [r.b.expand_dims(x, axis=axis_of(axis, len(shape_of(x)) + 1))]


@handler("TRANSPOSE", moves=True)
def _transpose(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    rank = len(shape_of(x))
    permutation = [axis_of(a, rank) for a in integers(node, 1, "the permutation")]
    return [r.b.transpose(x, permutation=tuple(permutation)) if rank else r.b.identity(x)]


@handler("CONCATENATION", moves=True)
def _concatenation(r: Reading, node: Node) -> list[Tensor]:
    values = [node.input(i).data for i in range(len(node.inputs))]
    axis = axis_of(int(node.options["axis"]), len(shape_of(values[0])))
    return [activated(r, node, r.b.concat(values, axis=axis))]


@handler("PACK", moves=True)
def _pack(r: Reading, node: Node) -> list[Tensor]:
    values = [node.input(i).data for i in range(len(node.inputs))]
    return [r.b.stack(values, axis=axis_of(int(node.options["axis"]), len(shape_of(values[0])) + 1))]


@handler("UNPACK", moves=True)
def _unpack(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    axis = axis_of(int(node.options["axis"]), len(shape_of(x)))
    return [r.b.squeeze(part, axes=(axis,)) for part in _parts(r, x, [1] * len(node.outputs), axis)]


def _parts(r: Reading, x: Tensor, sizes: list[Any], axis: int) -> list[Tensor]:
    made: list[Tensor] = r.b.split(x, axis=axis, sizes=tuple(sizes))
    return made


@handler("SPLIT", moves=True)
def _split(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(1).data
    (given,) = integers(node, 0, "the axis")
    axis = axis_of(given, len(shape_of(x)))
    (size,) = fixed(x, [axis], "the size that is split")
    count = len(node.outputs)
    if count == 0 or size % count:
        raise Unsupported(f"a size of {size} cannot be split into {count} equal parts")
    return _parts(r, x, [size // count] * count, axis)


@handler("SPLIT_V", moves=True)
def _split_v(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    sizes = integers(node, 1, "the sizes of the parts")
    (given,) = integers(node, 2, "the axis")
    return _parts(r, x, [None if s == -1 else s for s in sizes], axis_of(given, len(shape_of(x))))


@handler("SLICE", moves=True)
def _slice(r: Reading, node: Node) -> list[Tensor]:
    x, begin, size = (node.input(i) for i in range(3))
    shape = shape_of(x.data)
    rank = len(shape)
    if rank == 0:
        return [r.b.identity(x.data)]
    if begin.value is None or size.value is None:
        if size.value is not None and -1 in size.value:
            raise Unsupported("what is left after a begin that the graph computes must be given as a size")
        return [r.b.slice(x.data, begin.data, size.data, strides=(1,) * rank)]
    begins = [int(v) for v in begin.value.reshape(-1)]
    sizes = [int(v) for v in size.value.reshape(-1)]
    if not len(begins) == len(sizes) == rank or any(v < 0 for v in begins) or any(v < -1 for v in sizes):
        raise Unsupported(f"a slice of {sizes} at {begins} of rank {rank}")
    for axis, (b, s) in enumerate(zip(begins, sizes, strict=True)):
        whole = shape[axis]
        if isinstance(whole, int) and (b > whole or (s >= 0 and b + s > whole)):
            raise Unsupported(f"{s} elements at {b} of an axis of {whole}")
    ends = [b + s for b, s in zip(begins, sizes, strict=True)]
    mask = sum(1 << i for i, s in enumerate(sizes) if s == -1)
    return [r.b.strided_slice(x.data, begin=begins, end=ends, strides=[1] * rank, end_mask=mask)]


@handler("STRIDED_SLICE", moves=True)
def _strided_slice(r: Reading, node: Node) -> list[Tensor]:
    o = node.options
    begin = node.input(1)
    strides = integers(node, 3, "the strides")
    masks = {
        k: int(o[k]) for k in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    }
    if begin.value is None or node.input(2).value is None:
        return [_moving_slice(r, node, strides, masks)]
    begins, ends = integers(node, 1, "the begin"), integers(node, 2, "the end")
    if o["offset"]:
        ends = [b + e for b, e in zip(begins, ends, strict=True)]
    # Where one index is taken, too, a masked begin is the first one.
    masked = [bool(masks["begin_mask"] >> i & 1) for i in range(len(begins))]
    begins = [(0 if s > 0 else -1) if m else b for b, s, m in zip(begins, strides, masked, strict=True)]
    return [r.b.strided_slice(node.input(0).data, begin=begins, end=ends, strides=strides, **masks)]


def _moving_slice(r: Reading, node: Node, strides: list[int], masks: dict[str, int]) -> Tensor:
    """A slice at a place that the graph computes, where its size is 1 or all of an axis."""
    x, begin = node.input(0).data, node.input(1).data
    shape = shape_of(x)
    shrink, whole = masks["shrink_axis_mask"], masks["begin_mask"] & masks["end_mask"]
    if masks["ellipsis_mask"] or masks["new_axis_mask"]:
        raise Unsupported(
            "the begin and end of a slice with new axes must be constant, the graph computes them"
        )
    for axis, stride in enumerate(strides):
        if not ((shrink >> axis) & 1 or ((whole >> axis) & 1 and stride == 1)):
            raise Unsupported("the begin and end of a slice must be constant, the graph computes them")
    taken = [a for a in range(len(strides)) if (shrink >> a) & 1]
    made = x
    for count, axis in enumerate(taken):
        index = r.b.strided_slice(begin, begin=(axis,), end=(axis + 1,), strides=(1,), shrink_axis_mask=1)
        made = r.b.gather(made, index, axis=axis - count, from_end=True)
    if not taken and not shape:
        return r.b.identity(x)  # type: ignore[no-any-return]
    return made


@handler("TILE", moves=True)
def _tile(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.tile(node.input(0).data, multiples=tuple(integers(node, 1, "the multiples")))]


@handler("PAD", "PADV2", moves=True)
def _pad(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0)
    value = 0.0
    if node.kind == "PADV2":
        value = float(constant(node, 2, "the padding value").reshape(-1)[0])
    elif x.zero_point is not None and x.scale is not None and x.zero_point.size == 1:
        value = float(x.zero_point[0])
    return [r.b.pad(x.data, paddings=tuple(integers(node, 1, "the paddings")), value=value)]


@handler("MIRROR_PAD", moves=True)
def _mirror_pad(r: Reading, node: Node) -> list[Tensor]:
    paddings = tuple(integers(node, 1, "the paddings"))
    return [r.b.pad(node.input(0).data, paddings=paddings, mode=node.options["mode"])]


@handler("SHAPE", moves=True)
def _shape(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.shape(node.input(0).data, output_type=node.output.dtype)]


@handler("RANK", moves=True)
def _rank(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.constant(np.asarray(len(shape_of(node.input(0).data)), np.int32))]


@handler("FILL", moves=True)
def _fill(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.broadcast_to(node.input(1).data, node.input(0).data)]


@handler("ZEROS_LIKE")
def _zeros_like(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.zeros_like(node.input(0).data)]


@handler("BROADCAST_TO", moves=True)
def _broadcast_to(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.broadcast_to(node.input(0).data, node.input(1).data)]


@handler("BROADCAST_ARGS")
def _broadcast_args(r: Reading, node: Node) -> list[Tensor]:
    a, b = integers(node, 0, "a shape"), integers(node, 1, "a shape")
    try:
        shape = np.broadcast_shapes(tuple(a), tuple(b))
    except ValueError:
        raise Unsupported(f"{a} and {b} do not broadcast") from None
    return [r.b.constant(np.asarray(shape, node.output.dtype.numpy))]


@handler("RANGE")
def _range(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.range(*(node.input(i).data for i in range(3)))]


@handler("REVERSE_V2", moves=True)
def _reverse(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    rank = len(shape_of(x))
    axes = {axis_of(a, rank) for a in integers(node, 1, "the axes")}
    strides = [-1 if a in axes else 1 for a in range(rank)]
    every = (1 << rank) - 1
    return [
        r.b.strided_slice(
            x, begin=[0] * rank, end=[0] * rank, strides=strides, begin_mask=every, end_mask=every
        )
    ]


@handler("DENSIFY", moves=True)
def _densify(r: Reading, node: Node) -> list[Tensor]:
    # The reader has already filled in the zeros.
    return [node.input(0).data]


def _eye(rows: int, columns: int) -> Array:
    if rows * columns > _LARGEST_MATRIX:
        raise Unsupported(f"a matrix of {rows} x {columns}")
    return np.eye(rows, columns, dtype=bool)


@handler("MATRIX_DIAG", moves=True)
def _matrix_diag(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    (size,) = fixed(x, [-1], "the size of the diagonal")
    eye = _eye(size, size)
    return [r.b.where(eye, r.b.expand_dims(x, axis=len(shape_of(x)) - 1), r.b.like(0, x))]


@handler("MATRIX_SET_DIAG", moves=True)
def _matrix_set_diag(r: Reading, node: Node) -> list[Tensor]:
    x, diagonal = node.input(0).data, node.input(1).data
    rows, columns = fixed(x, [-2, -1], "the size of the matrix")
    eye = _eye(rows, columns)
    short = min(rows, columns)
    rank = len(shape_of(x))
    spread = r.b.expand_dims(diagonal, axis=rank - 1)
    if short != rows:
        paddings = [0] * (2 * (rank - 2)) + [0, rows - short, 0, 0]
        spread = r.b.pad(spread, paddings=tuple(paddings))
    if short != columns:
        # Row i takes element i of the diagonal, which is also column i.
        spread = r.b.pad(
            r.b.expand_dims(diagonal, axis=rank - 2), paddings=(0,) * (2 * rank - 1) + (columns - short,)
        )
    return [r.b.where(eye, spread, x)]


@handler("SPACE_TO_DEPTH", moves=True)
def _space_to_depth(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    block = int(node.options["block_size"])
    h, w, c = fixed(x, [1, 2, 3], "height, width and channels")
    if block <= 0 or h % block or w % block:
        raise Unsupported(f"blocks of {block} in an image of {h} x {w}")
    split = r.b.reshape(x, np.asarray([-1, h // block, block, w // block, block, c], np.int32))
    turned = r.b.transpose(split, permutation=(0, 1, 3, 2, 4, 5))
    return [r.b.reshape(turned, np.asarray([-1, h // block, w // block, block * block * c], np.int32))]


@handler("DEPTH_TO_SPACE", moves=True)
def _depth_to_space(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    block = int(node.options["block_size"])
    h, w, c = fixed(x, [1, 2, 3], "height, width and channels")
    if block <= 0 or c % (block * block):
        raise Unsupported(f"blocks of {block} from {c} channels")
    rest = c // (block * block)
    split = r.b.reshape(x, np.asarray([-1, h, w, block, block, rest], np.int32))
    turned = r.b.transpose(split, permutation=(0, 1, 3, 2, 4, 5))
    return [r.b.reshape(turned, np.asarray([-1, h * block, w * block, rest], np.int32))]


@handler("SPACE_TO_BATCH_ND", moves=True)
def _space_to_batch(r: Reading, node: Node) -> list[Tensor]:
    operand = node.input(0)
    blocks = integers(node, 1, "the block shape")
    paddings = integers(node, 2, "the paddings")
    x = operand.data
    rank, count = len(shape_of(x)), len(blocks)
    if len(paddings) != 2 * count or any(b <= 0 for b in blocks) or rank < count + 1:
        raise Unsupported(f"blocks of {blocks} with paddings {paddings} in rank {rank}")
    if any(paddings):
        value = 0.0
        if operand.zero_point is not None and operand.zero_point.size == 1:
            value = float(operand.zero_point[0])
        x = r.b.pad(x, paddings=(0, 0, *paddings, *([0] * (2 * (rank - 1 - count)))), value=value)
    batch = _batch(x)
    sizes = fixed(x, range(1, rank), "all sizes but the batch")
    rest = sizes[count:]
    if any(s % b for s, b in zip(sizes, blocks, strict=False)):
        raise Unsupported(f"blocks of {blocks} in sizes of {sizes[:count]}")
    cut = [v for s, b in zip(sizes, blocks, strict=False) for v in (s // b, b)]
    split = r.b.reshape(x, np.asarray([batch, *cut, *rest], np.int32))
    inner, outer = [2 + 2 * i for i in range(count)], [1 + 2 * i for i in range(count)]
    last = range(1 + 2 * count, 1 + 2 * count + len(rest))
    turned = r.b.transpose(split, permutation=(*inner, 0, *outer, *last))
    area = int(np.prod(blocks, dtype=np.int64))
    parts = [s // b for s, b in zip(sizes, blocks, strict=False)]
    batch = batch if batch < 0 else batch * area
    return [r.b.reshape(turned, np.asarray([batch, *parts, *rest], np.int32))]


def _batch(x: Tensor) -> int:
    """The first size, for a reshape: -1 where it may change."""
    size = shape_of(x)[0]
    return size if isinstance(size, int) else -1


@handler("BATCH_TO_SPACE_ND", moves=True)
def _batch_to_space(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    blocks = integers(node, 1, "the block shape")
    crops = integers(node, 2, "the crops")
    sizes = fixed(x, range(1, len(shape_of(x))), "all sizes but the batch")
    batch, count = _batch(x), len(blocks)
    area = int(np.prod(blocks, dtype=np.int64))
    if (
        len(crops) != 2 * count
        or area <= 0
        or (batch >= 0 and batch % area)
        or len(sizes) < count
        or min(crops, default=0) < 0
    ):
        raise Unsupported(f"blocks of {blocks} with crops {crops} from a batch of {batch}")
    rest = sizes[count:]
    batch = batch if batch < 0 else batch // area
    split = r.b.reshape(x, np.asarray([*blocks, batch, *sizes], np.int32))
    permutation = [count]
    for i in range(count):
        permutation += [count + 1 + i, i]
    permutation += range(2 * count + 1, 2 * count + 1 + len(rest))
    turned = r.b.transpose(split, permutation=tuple(permutation))
    whole = [s * b for s, b in zip(sizes, blocks, strict=False)]
    made = r.b.reshape(turned, np.asarray([batch, *whole, *rest], np.int32))
    if not any(crops):
        return [made]
    begin = [0, *crops[0::2]]
    end = [0, *(w - c for w, c in zip(whole, crops[1::2], strict=True))]
    return [r.b.strided_slice(made, begin=begin, end=end, strides=[1] * len(begin), end_mask=1)]


@handler("ONE_HOT", moves=True)
def _one_hot(r: Reading, node: Node) -> list[Tensor]:
    (depth,) = integers(node, 1, "the depth")
    on, off = (float(constant(node, i, "the value").reshape(-1)[0]) for i in (2, 3))
    dtype = node.output.dtype
    if dtype is dtypes.bool_:
        on, off = float(bool(on)), float(bool(off))
    axis = int(node.options["axis"])
    return [r.b.one_hot(node.input(0).data, depth=depth, on_value=on, off_value=off, axis=axis, dtype=dtype)]


@handler("DILATE", moves=True)
def _dilate(r: Reading, node: Node) -> list[Tensor]:
    """Other elements between those of the input."""
    y, value = node.input(0).data, constant(node, 2, "the value between elements").reshape(-1)
    rank = len(shape_of(y))
    for axis, step in enumerate(integers(node, 1, "the dilations")):
        (size,) = fixed(y, [axis], "a size that is dilated")
        if step < 1 or size < 1 or size * step > 1 << 31:
            raise Unsupported(f"a dilation of {size} elements by {step}")
        if step == 1:
            continue
        after = [0] * (2 * axis + 3) + [step - 1] + [0] * (2 * (rank - 1 - axis))
        spread = r.b.pad(r.b.expand_dims(y, axis=axis + 1), paddings=tuple(after), value=float(value[0]))
        sizes = [*(fixed(y, range(rank), "all sizes"))]
        sizes[axis] = size * step
        merged = r.b.reshape(spread, np.asarray(sizes, np.int32))
        ends = [size * step - step + 1 if a == axis else 0 for a in range(rank)]
        mask = ((1 << rank) - 1) & ~(1 << axis)
        y = r.b.strided_slice(
            merged, begin=[0] * rank, end=ends, strides=[1] * rank, begin_mask=mask, end_mask=mask
        )
    return [y]
