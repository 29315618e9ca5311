"""Resampling: the elements along an axis at places between them."""

from __future__ import annotations

import math
import struct
from typing import Any

from samara.graph import dims, dtypes
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, Choice, OpDef, attribute
from samara.graph.ops.indexing import size_along

MODE = Choice(name="ResampleMode", values=("nearest", "linear", "cubic"))
COORDINATES = Choice(
    name="Coordinates",
    values=(
        "half_pixel",
        "half_pixel_symmetric",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
        "tf_half_pixel_for_nn",
        "tf_crop_and_resize",
    ),
)
ROUNDING = Choice(name="NearestRounding", values=("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"))
_BYTES = (dtypes.int8, dtypes.uint8)


def _float32(number: float) -> float:
    """As exact as a scale is, so that 3 / 0.6 is 5."""
    return float(struct.unpack("f", struct.pack("f", min(number, 2.0**100)))[0])


def place(a: Any, size: int, count: int, at: int) -> float:
    """Where output element `at` of `count` lies between the input's `size` elements."""
    kind, scale = a.coordinates, _float32(a.scale)
    if kind in ("align_corners", "tf_crop_and_resize"):
        start, end = (a.begin, a.end) if kind == "tf_crop_and_resize" else (0.0, 1.0)
        if count == 1:
            return 0.0 if kind == "align_corners" else 0.5 * (start + end) * (size - 1)
        last = scale * size - 1 if scale else float(count - 1)
        if last == 0:
            return 0.0
        return float(start * (size - 1) + at * (end - start) * (size - 1) / last)
    if kind == "pytorch_half_pixel" and count == 1:
        return 0.0
    middle = at if kind == "asymmetric" else at + 0.5
    found = _float32(middle / scale) if scale else middle * size / count
    if kind == "half_pixel_symmetric" and scale:
        found += size / 2 * (1 - count / (scale * size))
    return float(found if kind in ("asymmetric", "tf_half_pixel_for_nn") else found - 0.5)


def _nearest(kind: str, where: float) -> int:
    if kind == "round_prefer_floor":
        return math.ceil(where - 0.5)
    if kind == "round_prefer_ceil":
        return math.floor(where + 0.5)
    return math.floor(where) if kind == "floor" else math.ceil(where)


def _weight(a: Any, distance: float) -> float:
    """Of an element so far away: Keys, Cubic convolution interpolation for digital image processing (1981)."""
    d, c = abs(distance), a.cubic_a
    if a.mode == "linear":
        return max(1 - d, 0.0)
    if d <= 1:
        return float(((c + 2) * d - (c + 3)) * d * d + 1)
    return float((((d - 5) * d + 8) * d - 4) * c) if d < 2 else 0.0


def taps(a: Any, size: int, count: int, at: int) -> tuple[list[int], list[float]]:
    """The input elements that output element `at` is made of, and their weights; none where it is extrapolated."""
    where = place(a, size, count, at)
    if a.coordinates == "tf_crop_and_resize" and not 0 <= where <= size - 1:
        return [], []
    if a.mode == "nearest":
        return [min(max(_nearest(a.rounding, where), 0), size - 1)], [1.0]
    shrink = min(a.scale or count / size, 1.0) if a.antialias else 1.0
    first = math.floor(-(1 if a.mode == "linear" else 2) / shrink) + 1
    floor = math.floor(where)
    offsets = range(first, 2 - first)
    weights = [_weight(a, (i - (where - floor)) * shrink) for i in offsets]
    if a.exclude_outside:
        weights = [w if 0 <= floor + i < size else 0.0 for i, w in zip(offsets, weights, strict=True)]
    if a.exclude_outside or a.antialias:
        total = sum(weights)
        weights = [w / total if total else 0.0 for w in weights]
    return [min(max(floor + i, 0), size - 1) for i in offsets], weights


def _shape(op: Any) -> Any:
    x, a = op.shapes[0], op.a
    axis = op.axis(a.axis, len(x))
    given = op.shapes[1]
    if len(given) != 1 or dims.merge(given[0], 1) is None:
        op.fail(f"size must hold one number, its shape is {dims.text(given)}")
    if a.mode != "nearest" and not (op.dtypes[0].is_floating or op.dtypes[0] in _BYTES):
        op.fail(
            f"mode {a.mode} makes numbers between those of x, which must be floating-point, int8 or uint8"
        )
    if not all(math.isfinite(n) for n in (a.cubic_a, a.begin, a.end)):
        op.fail("cubic_a, begin and end must be finite")
    if not (math.isfinite(a.scale) and a.scale >= 0):
        op.fail(f"scale must be positive, or 0 for that of the sizes, not {a.scale}")
    size = (op.value(1) or (Dim(),))[0]
    if isinstance(size, int) and (size < 0 or (size > 0 and x[axis] == 0)):
        op.fail(f"{x[axis]} elements cannot become {size}")
    return (*x[:axis], size, *x[axis + 1 :])


def _joined(xp: Any, a: Any, x: Any, axis: int, count: int, dtype: Any) -> Any:
    """The sum over taps of the elements that all outputs have there, weighted."""
    found = [taps(a, x.shape[axis], count, at) for at in range(count)]
    spread = [-1 if i == axis else 1 for i in range(x.ndim)]
    width = max(len(indices) for indices, _ in found)
    y = xp.zeros((*x.shape[:axis], count, *x.shape[axis + 1 :]), dtype=x.dtype)
    for tap in range(width):
        indices = xp.asarray([i[tap] if i else 0 for i, _ in found], dtype=xp.int64)
        part = xp.take(x, indices, axis=axis)
        if a.mode == "nearest":
            y = part
        else:
            weights = xp.asarray([w[tap] if w else 0.0 for _, w in found], dtype=x.dtype)
            y = y + part * xp.reshape(weights, spread)
    outside = xp.asarray([not i for i, _ in found], dtype=xp.bool)
    fill = xp.full((1,) * x.ndim, a.extrapolation_value, dtype=dtype)
    return xp.where(xp.reshape(outside, spread), xp.astype(fill, y.dtype), y) if xp.any(outside) else y


def _resample(xp: Any, op: Any, x: Any, size: Any) -> Any:
    axis, count = op.a.axis % x.ndim, int(size[0])
    if 0 in x.shape or count == 0:
        return xp.zeros((*x.shape[:axis], count, *x.shape[axis + 1 :]), dtype=x.dtype)
    narrow = op.a.mode != "nearest" and x.dtype in (xp.float16, xp.int8, xp.uint8)
    y = _joined(xp, op.a, xp.astype(x, xp.float32) if narrow else x, axis, count, x.dtype)
    if narrow and x.dtype != xp.float16:
        limits = xp.iinfo(x.dtype)
        y = xp.clip(xp.round(y), limits.min, limits.max)
    return xp.astype(y, x.dtype)


def _gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    """The product with the matrix of the weights, which is what becomes of the unit vectors."""
    x, size = op.inputs
    rank = len(x.shape)
    axis = op.a.axis % rank
    numbers = b.range(0, size_along(b, x, axis), 1)
    unit = b.cast(b.equal(b.expand_dims(numbers, axis=1), b.expand_dims(numbers, axis=0)), dtype=x.dtype)
    matrix = b.resample(unit, size, **{**op.attributes, "axis": 0, "extrapolation_value": 0.0})
    last = [i for i in range(rank) if i != axis] + [axis]
    if rank == 1:
        return [b.squeeze(b.matmul(b.expand_dims(dy, axis=0), matrix), axes=(0,)), None]
    dx = b.matmul(b.transpose(dy, permutation=tuple(last)), matrix)
    return [b.transpose(dx, permutation=tuple(last.index(i) for i in range(rank))), None]


OPS.register(
    OpDef(
        name="resample",
        opcode=101,
        inputs=("x: T strided", "size: int32 shape_only"),
        outputs=("y: T strided",),
        types={"T": dtypes.ALL},
        attributes=(
            attribute("axis", "int", doc="The axis whose size changes."),
            attribute("mode", MODE, "linear", "nearest: one element. linear: two. cubic: four."),
            attribute("coordinates", COORDINATES, "half_pixel", "Where output elements lie in the input."),
            attribute("rounding", ROUNDING, "round_prefer_floor", "Of mode nearest: which element it is."),
            attribute(
                "scale",
                "float",
                0.0,
                "The factor between the sizes that places follow; 0: that of the sizes.",
            ),
            attribute("cubic_a", "float", -0.75, "The coefficient of mode cubic."),
            attribute(
                "exclude_outside",
                "bool",
                False,
                "Whether elements outside count nothing, instead of repeating the edge.",
            ),
            attribute(
                "antialias", "bool", False, "Whether an axis that shrinks is averaged over what it covers."
            ),
            attribute("begin", "float", 0.0, "Of tf_crop_and_resize: where the part begins, from 0 to 1."),
            attribute("end", "float", 1.0, "Of tf_crop_and_resize: where the part ends."),
            attribute(
                "extrapolation_value", "float", 0.0, "Of tf_crop_and_resize: what is outside the input."
            ),
        ),
        doc="X with `size` elements along an axis, each made of those near its place, weighted. Places are those of "
        "the coordinate transformations of ONNX's Resize; cubic weights are those of Keys (1981). Resizing an image is "
        "resampling its height and its width. float16 accumulates in float32; int8 and uint8 do too, and round to the "
        "nearest, ties to even.",
        quant="same",
        shape=_shape,
        reference=_resample,
        gradient=_gradient,
    ),
)
