"""Cases of finding elements that are not zero, different slices, and boxes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _non_zero(a: Any, x: Any) -> Any:
    indices = np.zeros((x.ndim, x.size), np.int64)
    count = 0
    for place in np.ndindex(*x.shape):
        if x[place]:
            indices[:, count] = place
            count += 1
    return [indices, np.int64(count)]


def _same(p: Any, q: Any) -> bool:
    return bool(p == q) or (math.isnan(p) and math.isnan(q))


def _equal(left: Any, right: Any) -> bool:
    return all(_same(p, q) for p, q in zip(left.reshape(-1), right.reshape(-1), strict=True))


def _comes_before(left: Any, right: Any) -> bool:
    for p, q in zip(left.reshape(-1).tolist(), right.reshape(-1).tolist(), strict=True):
        if _same(p, q):
            continue
        return math.isnan(q) if math.isnan(p) or math.isnan(q) else p < q
    return False


def _unique(a: Any, x: Any) -> Any:
    length = x.shape[0]
    firsts: list[int] = []
    for i in range(length):
        if not any(_equal(x[i], x[k]) for k in firsts):
            firsts.append(i)
    if a.sorted:
        # Insertion, one after the other.
        ordered: list[int] = []
        for i in firsts:
            at = sum(_comes_before(x[k], x[i]) for k in ordered)
            ordered.insert(at, i)
        firsts = ordered
    inverse = [next(g for g, k in enumerate(firsts) if _equal(x[k], x[i])) for i in range(length)]
    first, counts = np.zeros(length, np.int64), np.zeros(length, np.int64)
    first[: len(firsts)] = firsts
    for g in inverse:
        counts[g] += 1
    return [first, np.array(inverse, np.int64).reshape(length), counts, np.int64(len(firsts))]


def _area(box: Any) -> float:
    return float(max(box[2] - box[0], 0) * max(box[3] - box[1], 0))


def _cornered(a: Any, box: Any) -> Any:
    if a.center_point_box:
        x, y, w, h = box
        return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
    p, q, r, s = box
    return [min(p, r), min(q, s), max(p, r), max(q, s)]


def _suppression(a: Any, boxes: Any, scores: Any, room: Any, most: Any, iou: Any, least: Any) -> Any:
    images, classes, count = scores.shape
    room = int(room)
    found = []
    order = np.zeros(count, np.int32)
    for image in range(images):
        for kind in range(classes):
            line = scores[image, kind]
            left = sorted((i for i in range(count) if line[i] > least), key=lambda i: (-line[i], i))
            order[:] = 0
            order[: len(left)] = left
            taken = 0
            while left and taken < min(room, int(most)):
                best = left.pop(0)
                found.append((image, kind, best))
                taken += 1
                first = _cornered(a, boxes[image, best])
                kept = []
                for i in left:
                    second = _cornered(a, boxes[image, i])
                    shared = _area(
                        [
                            max(first[0], second[0]),
                            max(first[1], second[1]),
                            min(first[2], second[2]),
                            min(first[3], second[3]),
                        ]
                    )
                    union = _area(first) + _area(second) - shared
                    if not (shared > 0 and union > 0 and shared / union > iou):
                        kept.append(i)
                left = kept
    selected = np.zeros((images * classes * room, 3), np.int64)
    for i, row in enumerate(found):
        selected[i] = row
    return [selected, np.int64(len(found)), order]


ORACLES = {"non_zero": _non_zero, "unique": _unique, "non_max_suppression": _suppression}

NAN, INF = math.nan, math.inf

CASES: list[Case] = [
    *(
        Case(op="non_zero", inputs=(Input(shape=s, low=-1.4, high=1.4),))
        for s in [(1,), (67,), (3, 5), (2, 1, 3, 2, 1, 2), (0, 3), (3, 0)]
    ),
    Case(
        op="non_zero",
        inputs=(Input(shape=(6,), values=[0.0, -0.0, NAN, INF, 1e-7, 2.0]),),
        dtypes=("float32", "float16"),
        label="special",
    ),
    Case(
        op="non_zero",
        inputs=(Input(shape=(4, 3), low=-1, high=1),),
        dtypes=("int8",),
        dynamic=True,
        label="dynamic",
    ),
]
for _sorted in (True, False):
    _attributes = {"sorted": _sorted}
    CASES += [
        *(
            Case(op="unique", inputs=(Input(shape=s, low=-1, high=1),), attributes=_attributes, dtypes=t)
            for s, t in [
                ((1,), None),
                ((67,), None),
                ((0,), None),
                ((9, 2), ("int8", "int64", "bool")),
                ((5, 2, 2), ("int32", "bool")),
                ((4, 0), ("float32",)),
                ((0, 4), ("float32",)),
            ]
        ),
        Case(
            op="unique",
            inputs=(Input(shape=(8,), values=[NAN, 1.0, -INF, NAN, -0.0, 0.0, INF, 1.0]),),
            attributes=_attributes,
            dtypes=("float32", "float16"),
            label="special",
        ),
        Case(
            op="unique",
            inputs=(Input(shape=(5, 2), values=[[1, 2], [1, 1], [0, 9], [1, 2], [0, 9]]),),
            attributes=_attributes,
            dtypes=("float32", "int64"),
            label="rows",
        ),
        Case(
            op="unique",
            inputs=(Input(shape=(5,), values=[2**63 - 1, -(2**63), 0, -(2**63), 2**63 - 1]),),
            attributes=_attributes,
            dtypes=("int64",),
            label="extremes",
        ),
    ]
CASES.append(
    Case(
        op="unique",
        inputs=(Input(shape=(9,), low=0, high=3),),
        dtypes=("int32",),
        dynamic=True,
        label="dynamic",
    )
)


def _boxes(
    images: int, classes: int, count: int, most: int, iou: float, least: float, **keywords: Any
) -> Case:
    generator = np.random.default_rng([images, classes, count])
    # Eighths are exact in every type, and scores tie now and then.
    corners = generator.integers(0, 24, (images, count, 4)) / 8
    if keywords.get("attributes"):
        corners[..., 2:] = generator.integers(1, 16, (images, count, 2)) / 8
    scores = generator.integers(0, 9, (images, classes, count)) / 8
    return Case(
        op="non_max_suppression",
        inputs=(
            Input(shape=corners.shape, values=corners),
            Input(shape=scores.shape, values=scores),
            Input(values=min(max(most, 1), count), dtype="int64", constant=True),
            Input(values=most, dtype="int64"),
            Input(values=iou),
            Input(values=least),
        ),
        **keywords,
    )


CASES += [
    _boxes(1, 1, 1, 1, 0.5, 0.0),
    _boxes(1, 1, 40, 40, 0.3, 0.25),
    _boxes(1, 1, 40, 5, 0.0, -1.0, label="few"),
    _boxes(2, 3, 17, 100, 0.2, 0.5),
    _boxes(2, 3, 17, 100, 0.2, 0.5, attributes={"center_point_box": True}),
    _boxes(1, 2, 9, 0, 0.5, 0.0, label="none"),
    _boxes(1, 2, 9, -3, 0.5, 0.0, label="negative"),
    _boxes(1, 2, 0, 3, 0.5, 0.0),
    _boxes(1, 0, 4, 3, 0.5, 0.0),
    _boxes(1, 2, 9, 3, 1.0, 2.0, label="no_score"),
]
