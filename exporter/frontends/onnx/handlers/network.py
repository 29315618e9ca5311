"""Convolutions, pools and normalizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.compose import convolution, pooling
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dtypes
from samara.graph.dims import Dimension
from samara.graph.graph import Tensor


def window(node: Node, kernel: Sequence[int]) -> dict[str, Any]:
    """Strides, dilations and pads of a sliding window, with auto_pad worked out."""
    spatial = len(kernel)
    strides = [int(s) for s in node.attr("strides") or [1] * spatial]
    dilations = [int(d) for d in node.attr("dilations") or [1] * spatial]
    pads = [int(p) for p in node.attr("pads") or [0] * (2 * spatial)]
    auto = node.attr("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        before, after = [], []
        for size, k, s, d in zip(node.shape()[2:], kernel, strides, dilations, strict=True):
            total = _same(node, size, (k - 1) * d + 1, s)
            less = total // 2
            before.append(less if auto == "SAME_UPPER" else total - less)
            after.append(total - before[-1])
        pads = before + after
    elif auto == "VALID":
        pads = [0] * (2 * spatial)
    elif auto != "NOTSET":
        node.fail(f"auto_pad {auto!r} is unknown")
    return {"strides": strides, "pads": pads, "dilations": dilations}


def _same(node: Node, size: Dimension, reach: int, stride: int) -> int:
    """The padding with which the output has ceil(size / stride) positions."""
    if stride == 1:
        return reach - 1
    if not isinstance(size, int):
        node.fail(
            f"auto_pad with stride {stride} on a size that moves, {size}",
            "give pads, or fix the input's shape",
        )
    return max((-(-size // stride) - 1) * stride + reach - size, 0)


def fixed_shape(node: Node, index: int, what: str) -> list[int]:
    """The shape of an input that must be numbers."""
    shape = node.shape(index)
    if not all(isinstance(d, int) for d in shape):
        node.fail(f"the shape of {what} moves")
    return [int(d) for d in shape if isinstance(d, int)]


@op("Conv")
def _conv(node: Node) -> Any:
    weight = fixed_shape(node, 1, "the weights")
    kernel = [int(k) for k in node.attr("kernel_shape") or weight[2:]]
    groups = int(node.attr("group", 1))
    return convolution.conv(
        node.b, node.input(0), node.input(1), node.given(2), groups=groups, **window(node, kernel)
    )


@op("MaxPool")
def _max_pool(node: Node) -> Any:
    kernel = [int(k) for k in node.attr("kernel_shape")]
    options: dict[str, Any] = window(node, kernel)
    if node.wants(1):
        options["indices"] = True
        if node.attr("storage_order", 0):
            node.fail("indices in column-major order")
    return pooling.max_pool(
        node.b, node.input(), kernel=kernel, ceil_mode=bool(node.attr("ceil_mode", 0)), **options
    )


@op("AveragePool")
def _average_pool(node: Node) -> Any:
    kernel = [int(k) for k in node.attr("kernel_shape")]
    return pooling.average_pool(
        node.b,
        node.input(),
        kernel=kernel,
        ceil_mode=bool(node.attr("ceil_mode", 0)),
        count_include_pad=bool(node.attr("count_include_pad", 0)),
        **window(node, kernel),
    )


@op("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(node: Node) -> Any:
    name = "reduce_mean" if node.type == "GlobalAveragePool" else "reduce_max"
    return getattr(node.b, name)(node.input(), axes=tuple(range(2, node.rank())), keepdims=True)


@op("BatchNormalization")
def _batch_normalization(node: Node) -> Any:
    x, b = node.input(), node.b
    if node.attr("training_mode", 0) or node.wants(1):
        node.fail("statistics of a batch are for training", "export the model for inference")
    spread = [-1] + [1] * (node.rank() - 2)
    scale, bias, mean, variance = (node.input(i) for i in range(1, 5))
    epsilon = node.attr("epsilon", 1e-5)
    root = b.sqrt(b.add(variance, b.like(epsilon, variance)))
    factor = b.divide(b.cast(scale, dtype=variance.dtype), root)
    shift = b.subtract(b.cast(bias, dtype=variance.dtype), b.multiply(mean, factor))
    parts = [b.cast(b.reshape(t, spread), dtype=x.dtype) if node.rank() > 1 else t for t in (factor, shift)]
    return [b.add(b.multiply(x, parts[0]), parts[1])]


@op("LayerNormalization")
def _layer_normalization(node: Node) -> list[Tensor | None]:
    x, b = node.input(), node.b
    axis = node.axis(default=-1)
    axes = tuple(range(axis, node.rank()))
    epsilon = node.attr("epsilon", 1e-5)
    scale, bias = node.given(1), node.given(2)
    sizes = node.shape()[axis:]
    fits = all(t is None or (t.shape is not None and tuple(t.shape) == tuple(sizes)) for t in (scale, bias))
    if fits:
        y = b.layer_normalization(x, scale, bias, axis=axis - node.rank(), epsilon=epsilon)
    else:
        y = b.layer_normalization(x, None, None, axis=axis - node.rank(), epsilon=epsilon)
        y = y if scale is None else b.multiply(y, scale)
        y = y if bias is None else b.add(y, bias)
    mean = inverse = None
    if node.wants(1) or node.wants(2):
        wide = b.cast(x, dtype=dtypes.float32)
        mean = b.reduce_mean(wide, axes=axes, keepdims=True)
        spread = b.reduce_mean(b.square(b.subtract(wide, mean)), axes=axes, keepdims=True)
        inverse = b.reciprocal(b.sqrt(b.add(spread, b.like(epsilon, wide))))
    return [y, mean, inverse]
