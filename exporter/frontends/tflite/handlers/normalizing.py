"""Normalization."""

from __future__ import annotations

import numpy as np

from samara.exporter.frontends.tflite.handlers._registry import activated, handler, needs_float, shape_of
from samara.exporter.frontends.tflite.node import Node, Reading, Unsupported
from samara.graph.graph import Tensor


@handler("L2_NORMALIZATION")
def _l2_normalization(r: Reading, node: Node) -> list[Tensor]:
    needs_float(node.input(0))
    x = node.input(0).data
    norm = r.b.sqrt(r.b.reduce_sum(r.b.square(x), axes=(-1,), keepdims=True))
    made = r.b.divide(x, r.b.maximum(norm, r.b.like(1e-6, x)))
    return [activated(r, node, made)]


@handler("LOCAL_RESPONSE_NORMALIZATION")
def _local_response_normalization(r: Reading, node: Node) -> list[Tensor]:
    """The input * (bias + alpha * sum of squares of the channels within radius) ** -beta."""
    needs_float(node.input(0))
    x, o = node.input(0).data, node.options
    shape = shape_of(x)
    radius = int(o["radius"])
    channels = shape[-1] if shape else 0
    if radius < 0 or not isinstance(channels, int) or channels == 0:
        raise Unsupported(f"a radius of {radius} over {channels} channels")
    radius = min(radius, channels)
    taps = 2 * radius + 1
    # A mean over a window along the channels, with zeros around, times the size of the window.
    rows = r.b.reshape(r.b.square(x), np.asarray([-1, 1, channels, 1], np.int32))
    means = r.b.average_pool2d(
        rows, pool_size=(1, taps), padding="explicit", paddings=(0, 0, radius, radius), count_include_pad=True
    )
    sums = r.b.reshape(r.b.multiply(means, r.b.like(taps, x)), r.b.sizes(x))
    inner = r.b.add(r.b.multiply(sums, r.b.like(o["alpha"], x)), r.b.like(o["bias"], x))
    return [r.b.multiply(x, r.b.power(inner, r.b.like(-o["beta"], x)))]
