"""Sums of products of int16 data and int8 weights, and the softmax of int16."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite import tables
from samara.exporter.frontends.tflite.multipliers import multiplier_of
from samara.exporter.frontends.tflite.node import Array, Reading
from samara.graph.graph import Tensor

F = np.float32


def conv(
    r: Reading,
    x: Tensor,
    weights: Array,
    bias: Array,
    multipliers: Array,
    *,
    groups: int = 1,
    attributes: dict[str, Any],
) -> Tensor:
    """A convolution; weights [KH, KW, C / groups, O]."""
    made: Tensor = r.b.quantized_conv2d_int16(
        x, weights, bias.astype(np.int64), multipliers, groups=groups, **attributes
    )
    return made


def matmul(
    r: Reading, x: Tensor, weights: Array, bias: Array, multipliers: Array, *, attributes: dict[str, Any]
) -> Tensor:
    """A matrix product as a convolution with a window of one pixel; weights [K, O]."""
    depth, outputs = weights.shape
    assert x.shape is not None
    image = r.b.reshape(x, np.asarray([-1, 1, 1, depth], np.int32))
    y = conv(r, image, weights[None, None], bias, multipliers, attributes=attributes)
    shape = r.b.concat(
        [
            r.b.strided_slice(r.b.shape(x), begin=(0,), end=(-1,), strides=(1,)),
            np.asarray([outputs], np.int32),
        ],
        axis=0,
    )
    if all(isinstance(d, int) for d in x.shape):
        shape = np.asarray([*x.shape[:-1], outputs], np.int32)
    made: Tensor = r.b.reshape(y, shape)
    return made


def softmax(r: Reading, x: Tensor, scale: Any, beta: Any) -> Tensor:
    """Of int16."""
    by = multiplier_of(float(F(scale)) * float(beta) / (10.0 / 65535.0))
    exponentials = tables.knots(math.exp, -10.0, 0.0, -1.0, 1.0)
    reciprocals = tables.knots(lambda v: 1.0 / (1.0 + v), 0.0, 1.0, -1.0, 1.0)
    made: Tensor = r.b.fixed_point_softmax_int16(x, exponentials, reciprocals, **by.named())
    return made
