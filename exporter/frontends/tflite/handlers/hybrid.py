"""Weights of 8 bits with data in floating point: the data is quantized as it comes, as the reference kernels do.

What the integers sum up to is exact in float32 as long as it is below 2**24, and off by its rounding above.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.handlers._registry import activated, shape_of
from samara.exporter.frontends.tflite.node import Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

F = np.float32


def is_hybrid(weights: Operand) -> bool:
    """Whether weights are integers that stand for real numbers."""
    return weights.dtype in (dtypes.int8, dtypes.uint8) and weights.scale is not None


def _integers(weights: Operand) -> np.ndarray[Any, Any]:
    """Constant weights, whose zero point is 0."""
    if weights.value is None or weights.scale is None:
        raise Unsupported("integer weights that are computed")
    if weights.dtype is dtypes.uint8:
        raise Unsupported("weights of uint8 with data in floating point", "convert the model again: to int8")
    if weights.zero_point is not None and np.any(weights.zero_point):
        raise Unsupported("integer weights with a zero point, with data in floating point")
    return weights.value


def _real(r: Reading, integers: np.ndarray[Any, Any]) -> Tensor:
    """Weights as whole float32 numbers; the file has them as int8."""
    made: Tensor = r.b.cast(r.b.constant(np.ascontiguousarray(integers)), dtype=dtypes.float32)
    return made


def _rounded(r: Reading, x: Tensor) -> Tensor:
    """To the nearest whole number, halves away from zero."""
    half = r.b.floor(r.b.add(r.b.abs(x), F(0.5)))
    made: Tensor = r.b.multiply(r.b.sign(x), half)
    return made


def _symmetric(r: Reading, x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Whole numbers within -127..127 for each index of the other axes, and what 1 stands for."""
    largest = r.b.reduce_max(r.b.abs(x), axes=axes, keepdims=True)
    nothing = r.b.equal(largest, F(0))
    safe = r.b.where(nothing, F(1), largest)
    scaled = r.b.multiply(x, r.b.divide(F(127), safe))
    scale = r.b.where(nothing, F(1), r.b.divide(safe, F(127)))
    return r.b.clip(_rounded(r, scaled), minimum=-127.0, maximum=127.0), scale


def _asymmetric(r: Reading, x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Whole numbers within -128..127 less their zero point, and what 1 stands for."""
    low = r.b.minimum(r.b.reduce_min(x, axes=axes, keepdims=True), F(0))
    high = r.b.maximum(r.b.reduce_max(x, axes=axes, keepdims=True), F(0))
    nothing = r.b.equal(low, high)
    scale = r.b.where(nothing, F(1), r.b.divide(r.b.subtract(high, low), F(255)))
    from_low = r.b.subtract(F(-128), r.b.divide(low, scale))
    from_high = r.b.subtract(F(127), r.b.divide(high, scale))
    # The end whose numbers are smaller gives the more exact zero point.
    error_low = r.b.add(F(128), r.b.abs(r.b.divide(low, scale)))
    error_high = r.b.add(F(127), r.b.abs(r.b.divide(high, scale)))
    zero = r.b.where(r.b.less(error_low, error_high), from_low, from_high)
    zero = r.b.clip(_rounded(r, zero), minimum=-128.0, maximum=127.0)
    stored = _rounded(r, r.b.add(zero, r.b.multiply(x, r.b.divide(F(1), scale))))
    stored = r.b.clip(stored, minimum=-128.0, maximum=127.0)
    return r.b.subtract(stored, zero), scale


def _scales(weights: Operand, outputs: int) -> np.ndarray[Any, Any]:
    scale = weights.scale
    assert scale is not None
    if scale.size not in (1, outputs):
        raise Unsupported(f"{scale.size} scales for {outputs} outputs")
    return scale.astype(F).reshape(-1)


def _finished(r: Reading, node: Node, sums: Tensor, scale: Any, bias: Operand | None) -> Tensor:
    y = r.b.multiply(sums, scale)
    return activated(r, node, y if bias is None else r.b.add(y, bias.data))


def conv(r: Reading, node: Node, x: Tensor, weights: Operand, attributes: dict[str, Any]) -> Tensor:
    """A convolution."""
    filters = np.transpose(_integers(weights), (1, 2, 3, 0))
    # By image, with a zero point when there are scales for several channels.
    several = weights.scale is not None and weights.scale.size > 1
    stored, scale = (_asymmetric if several else _symmetric)(r, x, (1, 2, 3))
    sums = r.b.conv2d(stored, _real(r, filters), None, **attributes)
    return _finished(r, node, sums, r.b.multiply(scale, _scales(weights, filters.shape[3])), node.optional(2))


def depthwise(
    r: Reading, node: Node, x: Tensor, weights: Operand, attributes: dict[str, Any], channels: int
) -> Tensor:
    """A convolution by channel."""
    filters = _integers(weights)
    _, rows, columns, outputs = filters.shape
    stored, scale = _asymmetric(r, x, (1, 2, 3))
    sums = r.b.depthwise_conv2d(
        stored, _real(r, filters.reshape(rows, columns, channels, outputs // channels)), None, **attributes
    )
    return _finished(r, node, sums, r.b.multiply(scale, _scales(weights, outputs)), node.optional(2))


def fully_connected(r: Reading, node: Node, x: Tensor, weights: Operand) -> Tensor:
    """A matrix product, its rows quantized one by one."""
    y = product(r, x, [weights], asymmetric=bool(node.options["asymmetric_quantize_inputs"]))
    bias = node.optional(2)
    return activated(r, node, y if bias is None else r.b.add(y, bias.data))


def product(r: Reading, x: Tensor, weights: Sequence[Operand], *, asymmetric: bool) -> Tensor:
    """Rows times the transposes of several matrices, side by side; the rows are quantized one by one."""
    matrices = [_integers(w) for w in weights]
    scales = [np.broadcast_to(_scales(w, len(m)), len(m)) for w, m in zip(weights, matrices, strict=True)]
    stored, scale = (_asymmetric if asymmetric else _symmetric)(r, x, (len(shape_of(x)) - 1,))
    sums = r.b.matmul(stored, _real(r, np.concatenate(matrices).T))
    made: Tensor = r.b.multiply(sums, r.b.multiply(scale, np.concatenate(scales)))
    return made


def batch_matmul(r: Reading, node: Node, x: Tensor, y: Operand) -> Tensor:
    """A product of matrices, of which the right one is constant."""
    matrices = _integers(y)
    asymmetric = bool(node.options["asymmetric_quantize_inputs"])
    rank = len(shape_of(x))
    left = (
        r.b.transpose(x, permutation=(*range(rank - 2), rank - 1, rank - 2)) if node.options["adj_x"] else x
    )
    stored, scale = (_asymmetric if asymmetric else _symmetric)(r, left, (rank - 1,))
    sums = r.b.matmul(stored, _real(r, matrices), transpose_y=bool(node.options["adj_y"]))
    return _finished(r, node, sums, r.b.multiply(scale, _scales(y, 1)), None)


__all__ = ["batch_matmul", "conv", "depthwise", "fully_connected", "is_hybrid", "product"]
