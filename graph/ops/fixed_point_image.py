"""Resizing images of integers, as TensorFlow Lite does it."""

from __future__ import annotations

from typing import Any

from samara.graph import dtypes
from samara.graph.ops import _fixed
from samara.graph.ops._table import OPS, OpDef, attribute

_ONE = 1024  # places have 10 fraction bits


def _shape(op: Any) -> Any:
    x = op.require_rank(0, 4)
    if len(op.a.size) != 2 or min(op.a.size) < 1:
        op.fail(f"size must be height and width of at least 1, not {list(op.a.size)}")
    if op.a.align_corners and op.a.half_pixel_centers:
        op.fail("align_corners and half_pixel_centers exclude each other")
    if any(isinstance(d, int) and d < 1 for d in x[1:3]):
        op.fail(f"an image of {x[1]} by {x[2]}")
    return (x[0], *op.a.size, x[3])


def _places(xp: Any, a: Any, size: int, into: int) -> tuple[Any, Any, Any]:
    """For each output position the two input positions beside it, and how far it is from the first."""
    if a.align_corners and into > 1:
        step = (_ONE * (size - 1) + (into - 1) // 2) // (into - 1)
    else:
        step = (_ONE * size + into // 2) // into
    place = xp.arange(into, dtype=xp.int64) * step
    if a.half_pixel_centers:
        place = place + (step // 2 - _ONE // 2)
    place = xp.minimum(place, _fixed.wide(xp, _ONE * size))
    low = _fixed.clamp(xp, place >> 10, 0, size - 1)
    high = _fixed.clamp(xp, (place + _ONE - 1) >> 10, 0, size - 1)
    return xp.asarray(low), xp.asarray(high), place - low * _ONE


def _reference(xp: Any, op: Any, x: Any) -> Any:
    wide: Any = _fixed.wide(xp, x)
    for axis in (1, 2):
        low, high, rest = _places(xp, op.a, x.shape[axis], op.a.size[axis - 1])
        rest = xp.reshape(rest, (-1, *([1] * (3 - axis))))
        wide = xp.take(wide, low, axis=axis) * (_ONE - rest) + xp.take(wide, high, axis=axis) * rest
    return xp.astype(_fixed.round_shift(xp, wide, 20), x.dtype)


OPS.register(
    OpDef(
        name="integer_resize_bilinear",
        opcode=180,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": (dtypes.int8, dtypes.int16)},
        attributes=(
            attribute("size", "ints", doc="Height and width of the output.", limit=2),
            attribute(
                "align_corners", "bool", False, "Whether the corner pixels of both images are the same."
            ),
            attribute("half_pixel_centers", "bool", False, "Whether a pixel's place is its centre."),
        ),
        doc="Images x [N, H, W, C] of stored integers at another size, as TensorFlow Lite computes it: between pixels "
        "results are lines, places have 10 fraction bits, and results are rounded half away from 0.",
        shape=_shape,
        reference=_reference,
        quant="integer",
    ),
)
