"""Boxes that are kept of many, and what else has as many elements as the data say."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from flatbuffers import flexbuffers

from samara.exporter.frontends.compose import index
from samara.exporter.frontends.tflite.handlers._registry import constant, fixed, handler, integers, shape_of
from samara.exporter.frontends.tflite.node import Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

F = np.float32
# More boxes are no detections.
_MOST = 1 << 20


@handler("WHERE")
def _where(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    if shape_of(x) == ():
        raise Unsupported("the place of a scalar")
    return [r.b.transpose(index.non_zero(r.b, x), permutation=(1, 0))]


@handler("UNIQUE")
def _unique(r: Reading, node: Node) -> list[Tensor]:
    values, _, inverse, _ = index.unique(r.b, node.input(0).data, in_order=False)
    return [values, r.b.cast(inverse, dtype=node.outputs[1].dtype)]


@handler("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")
def _non_max_suppression(r: Reading, node: Node) -> list[Tensor]:
    """The boxes as numbers, with zeros to fill what was asked for; V5 gives their scores, too."""
    b = r.b
    boxes, scores = node.input(0).data, node.input(1).data
    (most,) = integers(node, 2, "the number of boxes")
    thresholds = [float(constant(node, i, "a threshold").reshape(-1)[0]) for i in (3, 4)]
    fifth = node.kind.endswith("5")
    if fifth and float(constant(node, 5, "sigma").reshape(-1)[0]) != 0.0:
        raise Unsupported("soft suppression", "suppress with a sigma of 0")
    (count,) = fixed(scores, [0], "the number of boxes")
    chosen, valid = _kept(
        r,
        b.expand_dims(boxes, axis=0),
        b.reshape(scores, np.asarray([1, 1, count], np.int32)),
        most,
        *thresholds,
    )
    places = b.cast(b.squeeze(_column(r, chosen, 2), axes=(1,)), dtype=dtypes.int32)
    found = b.where(b.less(np.arange(most), valid), b.gather(scores, places, axis=0), F(0))
    valid = b.cast(valid, dtype=dtypes.int32)
    return [places, found, valid] if fifth else [places, valid]


def _kept(
    r: Reading, boxes: Tensor, scores: Tensor, most: int, overlap: float, least: float
) -> tuple[Tensor, Tensor]:
    """Image, class and box of each that is kept, zeros for the rest of `most`; and how many are kept."""
    if not 0 < most <= _MOST:
        raise Unsupported(f"{most} boxes")
    room = np.asarray(most, np.int64)
    chosen, count, _ = r.b.non_max_suppression(boxes, scores, room, room, F(overlap), F(least))
    return chosen, count


def _column(r: Reading, x: Tensor, at: int, end: int | None = None) -> Tensor:
    """Columns of a matrix."""
    made: Tensor = r.b.strided_slice(
        x, begin=(0, at), end=(0, at + 1 if end is None else end), strides=(1, 1), begin_mask=1, end_mask=1
    )
    return made


def _options(data: bytes) -> dict[str, Any]:
    try:
        found = flexbuffers.GetRoot(data).AsMap.Value
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, struct.error) as error:
        raise Unsupported(f"options that cannot be read ({error})") from None
    return dict(found)


def _real(r: Reading, operand: Operand) -> Tensor:
    """An input as real numbers."""
    if operand.scale is None or operand.zero_point is None or operand.scale.size != 1:
        return operand.data
    whole = r.b.subtract(r.b.cast(operand.data, dtype=dtypes.float32), F(operand.zero_point[0]))
    made: Tensor = r.b.multiply(whole, F(operand.scale[0]))
    return made


@handler("custom:TFLite_Detection_PostProcess")
def _post_process(r: Reading, node: Node) -> list[Tensor]:
    """Boxes, classes and scores of what a detector found, and their number; zeros after the last."""
    b, o = r.b, _options(node.options["bytes"])
    encoded, predicted, anchors = (_real(r, node.input(i)) for i in range(3))
    batch, count, _ = fixed(encoded, range(3), "the sizes of the boxes")
    _, _, columns = fixed(predicted, range(3), "the sizes of the scores")
    classes, most = int(o["num_classes"]), int(o["max_detections"])
    background = columns - classes
    each = min(int(o["max_classes_per_detection"]), classes)
    if batch != 1 or background not in (0, 1) or each < 1:
        raise Unsupported(f"a batch of {batch}, {columns} scores for {classes} classes, {each} for each box")
    boxes = _decoded(r, b.squeeze(encoded, axes=(0,)), anchors, o)
    scores = _column(r, b.squeeze(predicted, axes=(0,)), background, columns)
    # A score at the threshold is kept.
    least = float(np.nextafter(F(o["nms_score_threshold"]), F(-np.inf)))
    overlap = float(o["nms_iou_threshold"])
    whole = b.expand_dims(boxes, axis=0)
    if bool(o.get("use_regular_nms", False)):
        room = min(int(o.get("detections_per_class", 100)), count)
        by_class = b.expand_dims(b.transpose(scores, permutation=(1, 0)), axis=0)
        chosen, number = _kept(r, whole, by_class, room, overlap, least)
        pairs = _column(r, chosen, 1, 3)
        there = b.less(np.arange(classes * room), number)
        found = b.where(there, b.gather_nd(b.squeeze(by_class, axes=(0,)), pairs), F(-np.inf))
        kept = min(most, classes * room)
        best, order = b.top_k(found, np.asarray(kept, np.int32), axis=-1, output_type=dtypes.int32)
        number = b.minimum(number, np.int64(kept))
        pairs = b.gather(pairs, order, axis=0)
        kinds, places = _column(r, pairs, 0), b.squeeze(_column(r, pairs, 1), axes=(1,))
        best, per, most = b.expand_dims(best, axis=1), 1, kept
    else:
        tops, numbers = b.top_k(scores, np.asarray(each, np.int32), axis=-1, output_type=dtypes.int32)
        first = b.reshape(_column(r, tops, 0), np.asarray([1, 1, count], np.int32))
        chosen, number = _kept(r, whole, first, most, overlap, least)
        places = b.squeeze(_column(r, chosen, 2), axes=(1,))
        best, kinds, per = b.gather(tops, places, axis=0), b.gather(numbers, places, axis=0), each
    there = b.less(np.arange(most).reshape(-1, 1), number)
    corners = b.where(there, b.gather(boxes, places, axis=0), F(0))
    if per > 1:
        corners = b.tile(b.expand_dims(corners, axis=1), multiples=(1, per, 1))
    flat = np.asarray([1, most * per], np.int32)
    return [
        b.reshape(corners, np.asarray([1, most * per, 4], np.int32)),
        b.reshape(b.where(there, b.cast(kinds, dtype=dtypes.float32), F(0)), flat),
        b.reshape(b.where(there, best, F(0)), flat),
        b.reshape(b.cast(number, dtype=dtypes.float32), np.asarray([1], np.int32)),
    ][: len(node.outputs)]


def _decoded(r: Reading, encoded: Tensor, anchors: Tensor, o: dict[str, Any]) -> Tensor:
    """Corners of boxes that are given as middle and size, relative to anchors."""
    b = r.b
    middle = [float(o["y_scale"]), float(o["x_scale"])]
    size = [float(o["h_scale"]), float(o["w_scale"])]
    if 0.0 in (*middle, *size):
        raise Unsupported("a scale of 0")
    sizes = _column(r, anchors, 2, 4)
    at = b.divide(_column(r, encoded, 0, 2), np.asarray(middle, F))
    at = b.add(b.multiply(at, sizes), _column(r, anchors, 0, 2))
    half = b.exp(b.divide(_column(r, encoded, 2, 4), np.asarray(size, F)))
    half = b.multiply(b.multiply(half, F(0.5)), sizes)
    made: Tensor = b.concat([b.subtract(at, half), b.add(at, half)], axis=1)
    return made
