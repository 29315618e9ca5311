"""Ops that find things, of which there may be many or few: elements that are not zero, different rows, boxes.

What they find comes first in outputs that are as long as could be, and zeros follow; `count` says how many there are.
exporter/frontends/compose/index.py makes of that tensors of the true size.
"""

from __future__ import annotations

import math
from typing import Any

from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

_INDICES = (dtypes.int32, dtypes.int64)


def _padded(xp: Any, rows: list[Any], shape: tuple[int, ...]) -> Any:
    """Whole numbers in the first places, and zeros."""
    y = xp.zeros(shape, dtype=xp.int64)
    for i, row in enumerate(rows):
        y[i, ...] = xp.asarray(row, dtype=xp.int64)
    return y


# Not zero ------------------------------------------------------------------------------------------------------


def _non_zero_shape(op: Any) -> Any:
    (x,) = op.shapes
    if not x:
        op.fail("x must have rank 1 or more")
    return [(len(x), dims.product(x)), ()]


def _non_zero(xp: Any, op: Any, x: Any) -> Any:
    places = xp.nonzero(x)
    count = places[0].shape[0]
    indices = xp.zeros((x.ndim, math.prod(x.shape)), dtype=xp.int64)
    for axis, place in enumerate(places):
        indices[axis, :count] = place
    return indices, xp.asarray(count, dtype=xp.int64)


# Different rows ------------------------------------------------------------------------------------------------


def _unique_shape(op: Any) -> Any:
    (x,) = op.shapes
    if not x:
        op.fail("x must have rank 1 or more")
    return [(x[0],), (x[0],), (x[0],), ()]


def _unique(xp: Any, op: Any, x: Any) -> Any:
    length = x.shape[0]
    number: Any = float if xp.isdtype(x.dtype, "real floating") else int
    rows = xp.reshape(x, (length, math.prod(x.shape[1:])))

    def key(i: int) -> tuple[Any, ...]:
        if x.dtype == object:
            return tuple(rows[i])
        elements = [number(rows[i, k]) for k in range(rows.shape[1])]
        return tuple((True, 0) if math.isnan(e) else (False, e) for e in elements)

    keys = [key(i) for i in range(length)]
    found: dict[Any, list[int]] = {}
    for i in range(length):
        found.setdefault(keys[i], []).append(i)
    groups = [found[k] for k in (sorted(found) if op.a.sorted else found)]
    inverse = [0] * length
    for number_, group in enumerate(groups):
        for i in group:
            inverse[i] = number_
    return (
        _padded(xp, [g[0] for g in groups], (length,)),
        _padded(xp, inverse, (length,)),
        _padded(xp, [len(g) for g in groups], (length,)),
        xp.asarray(len(groups), dtype=xp.int64),
    )


# Boxes ---------------------------------------------------------------------------------------------------------


def _suppression_shape(op: Any) -> Any:
    for index, name in ((2, "room"), (3, "max_output"), (4, "iou_threshold"), (5, "score_threshold")):
        if op.shapes[index] not in (None, ()):
            op.fail(f"{name} must be a scalar, not of shape {dims.text(op.shapes[index])}")
    if op.shapes[0] is None or op.shapes[1] is None:
        return [None, None, None]
    boxes, scores = op.require_rank(0, 3), op.require_rank(1, 3)
    op.merge(boxes[0], scores[0], "the number of images of boxes and of scores")
    count = op.merge(boxes[1], scores[2], "the number of boxes and of their scores")
    op.merge(boxes[2], 4, "the size of a box")
    known = op.value(2)
    room = dims.Dim() if known is None else known[0]
    if dims.bounds(room)[1] < 0:
        op.fail(f"room for {room} boxes")
    return [(scores[0] * scores[1] * room, 3), (), (count,)]


def _corners(center: bool, box: Any) -> Any:
    """The lower and the upper corner of a box."""
    a, b, c, d = (box[i] for i in range(4))
    if center:
        # The middle, then the size, x before y.
        return (a - c / 2, b - d / 2), (a + c / 2, b + d / 2)
    return (min(a, c), min(b, d)), (max(a, c), max(b, d))


def _overlap(center: bool, left: Any, right: Any) -> Any:
    """The area that two boxes share, of the area that both cover."""
    low, high = _corners(center, left)
    low2, high2 = _corners(center, right)
    shared = max(min(high[0], high2[0]) - max(low[0], low2[0]), 0) * max(
        min(high[1], high2[1]) - max(low[1], low2[1]), 0
    )
    areas = [(h[0] - w[0]) * (h[1] - w[1]) for w, h in ((low, high), (low2, high2))]
    both = areas[0] + areas[1] - shared
    return shared / both if min(areas) > 0 and both > 0 else shared * 0


def _suppression(
    xp: Any, op: Any, boxes: Any, scores: Any, room: Any, most: Any, iou: Any, least: Any
) -> Any:
    wide = xp.float32 if boxes.dtype == xp.float16 else boxes.dtype
    boxes, scores = xp.astype(boxes, wide), xp.astype(scores, wide)
    images, classes, count = scores.shape
    most = max(min(int(most), int(room)), 0)
    order = xp.zeros((count,), dtype=xp.int32)
    selected = []
    for image in range(images):
        for kind in range(classes):
            ranked = xp.argsort(-scores[image, kind, :], stable=True)
            line = [int(i) for i in ranked if scores[image, kind, int(i)] > least]
            kept: list[int] = []
            for i in line:
                if len(kept) < most and not any(
                    _overlap(op.a.center_point_box, boxes[image, i, :], boxes[image, k, :]) > iou
                    for k in kept
                ):
                    kept.append(i)
            selected += [[image, kind, i] for i in kept]
            order = xp.asarray([*line, *[0] * (count - len(line))], dtype=xp.int32)
    return (
        _padded(xp, selected, (images * classes * int(room), 3)),
        xp.asarray(len(selected), dtype=xp.int64),
        order,
    )


OPS.register(
    OpDef(
        name="non_zero",
        opcode=366,
        inputs=("x: T",),
        outputs=("indices: int64", "count: int64"),
        types={"T": dtypes.ALL},
        doc="Where the elements are that are not 0, in the order of x: column i of `indices` has the indices of the "
        "one of number i, a row for each axis. Columns from `count` on are zeros.",
        shape=_non_zero_shape,
        reference=_non_zero,
    ),
    OpDef(
        name="unique",
        opcode=54,
        inputs=("x: T",),
        outputs=("first: int64", "inverse: int64", "counts: int64", "count: int64"),
        types={"T": dtypes.ALL},
        attributes=(
            attribute("sorted", "bool", True, "Whether they are in order, or else as they first come in x."),
        ),
        doc="The different slices of x along its first axis, `count` of them: `first` says where each comes first, "
        "`counts` how often it comes, and `inverse` for each slice of x which of them it is. Slices are in the order "
        "of their first elements that differ; NaN equals NaN and comes last. From `count` on `first` and `counts` are "
        "zeros.",
        shape=_unique_shape,
        reference=_unique,
        texts=True,
    ),
    OpDef(
        name="non_max_suppression",
        opcode=55,
        inputs=(
            "boxes: T",
            "scores: T",
            "room: I shape_only",
            "max_output: I",
            "iou_threshold: T",
            "score_threshold: T",
        ),
        outputs=("selected: int64", "count: int64", "order: int32"),
        types={"T": dtypes.FLOATS, "I": _INDICES},
        attributes=(
            attribute(
                "center_point_box",
                "bool",
                False,
                "Whether a box is its middle and size (x, y, width, height), or two corners (y, x, y, x).",
            ),
        ),
        doc="Boxes [image, box, 4] that do not cover better ones: for each image and class of `scores` [image, class, "
        "box] those whose score is above a threshold, from the best on (the first of equal ones), but for those whose "
        "overlap, the shared area over that of both, with one taken before is above `iou_threshold`; at most "
        "`max_output`, and at most `room`, which decides the size. `selected` has (image, class, box) of each, and "
        "zeros from `count` on; `order` is working memory: the boxes of the last class by their score. float16 is "
        "computed in float32.",
        shape=_suppression_shape,
        reference=_suppression,
        any_rank=True,
    ),
)
