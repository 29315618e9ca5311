"""Images in another size."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.handlers._registry import fixed, handler, integers
from samara.exporter.frontends.tflite.node import Array, Node, Reading, Unsupported
from samara.graph.graph import Tensor

F = np.float32


def _sizes(node: Node) -> tuple[list[int], list[int]]:
    old = fixed(node.input(0).data, (1, 2), "height and width")
    new = integers(node, 1, "the size")
    if len(new) != 2 or min(*new, *old) < 1 or max(new) > 1 << 20:
        raise Unsupported(f"an image of {old} to {new}")
    return old, new


def _scale(node: Node, old: int, new: int) -> Any:
    if node.options["align_corners"] and new > 1:
        return F(F(old - 1) / F(new - 1))
    return F(F(old) / F(new))


@handler("RESIZE_NEAREST_NEIGHBOR", moves=True)
def _nearest(r: Reading, node: Node) -> list[Tensor]:
    y = node.input(0).data
    for axis, (old, new) in enumerate(zip(*_sizes(node), strict=True), 1):
        offset = F(0.5) if node.options["half_pixel_centers"] else F(0)
        places = (np.arange(new, dtype=F) + offset) * _scale(node, old, new)
        if node.options["align_corners"]:
            places = np.floor(places + F(0.5))
        indices = np.clip(np.floor(places).astype(np.int64), 0, old - 1)
        y = _taken(r, y, indices, old, axis)
    return [y]


def _taken(r: Reading, x: Tensor, indices: Array, size: int, axis: int) -> Tensor:
    if len(indices) == size and np.array_equal(indices, np.arange(size)):
        return x
    made: Tensor = r.b.gather(x, indices.astype(np.int32), axis=axis)
    return made


@handler("RESIZE_BILINEAR")
def _bilinear(r: Reading, node: Node) -> list[Tensor]:
    y = node.input(0).data
    if not y.dtype.is_floating:
        raise Unsupported(f"an image of {y.dtype.name}")
    for axis, (old, new) in enumerate(zip(*_sizes(node), strict=True), 1):
        scale = _scale(node, old, new)
        places = np.arange(new, dtype=F)
        places = (places + F(0.5)) * scale - F(0.5) if node.options["half_pixel_centers"] else places * scale
        lower = np.floor(places)
        low = np.maximum(lower, 0).astype(np.int64)
        high = np.minimum(np.ceil(places) if node.options["half_pixel_centers"] else lower + 1, old - 1)
        high = np.maximum(high, 0).astype(np.int64)
        low = np.minimum(low, old - 1)
        weight = (places - low.astype(F)).astype(F)
        if np.array_equal(low, high) or not np.any(weight):
            y = _taken(r, y, low, old, axis)
            continue
        shape = [1, 1, 1, 1]
        shape[axis] = new
        above = r.b.multiply(
            _taken(r, y, low, old, axis), (F(1) - weight).reshape(shape).astype(y.dtype.numpy)
        )
        below = r.b.multiply(_taken(r, y, high, old, axis), weight.reshape(shape).astype(y.dtype.numpy))
        y = r.b.add(above, below)
    return [y]
