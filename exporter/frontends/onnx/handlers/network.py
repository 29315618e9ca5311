"""Convolutions, pools and normalizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.compose import convolution, normalization, pooling, unpooling
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dtypes
from samara.graph.dims import Dimension


def window(node: Node, kernel: Sequence[int], *, moving: bool = False) -> dict[str, Any]:
    """Strides, dilations and pads of a sliding window, with auto_pad worked out.

    With `moving`, the pads are None where they depend on sizes that move, as SAME_UPPER has them.
    """
    spatial = len(kernel)
    strides = [int(s) for s in node.attr("strides") or [1] * spatial]
    dilations = [int(d) for d in node.attr("dilations") or [1] * spatial]
    pads = [int(p) for p in node.attr("pads") or [0] * (2 * spatial)]
    auto = node.attr("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        reaches = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
        totals = [_same(n, r, s) for n, r, s in zip(node.shape()[2:], reaches, strides, strict=True)]
        if None in totals and auto == "SAME_UPPER" and moving:
            return {"strides": strides, "pads": None, "dilations": dilations}
        before, after = [], []
        for total, size in zip(totals, node.shape()[2:], strict=True):
            if total is None:
                node.fail(
                    f"auto_pad {auto} with a stride on a size that moves, {size}",
                    "give pads, or fix the input's shape",
                )
            less = total // 2
            before.append(less if auto == "SAME_UPPER" else total - less)
            after.append(total - before[-1])
        pads = before + after
    elif auto == "VALID":
        pads = [0] * (2 * spatial)
    elif auto != "NOTSET":
        node.fail(f"auto_pad {auto!r} is unknown")
    return {"strides": strides, "pads": pads, "dilations": dilations}


def _same(size: Dimension, reach: int, stride: int) -> int | None:
    """The padding with which the output has ceil(size / stride) positions; None where it moves with the size."""
    if stride == 1:
        return reach - 1
    return max((-(-size // stride) - 1) * stride + reach - size, 0) if isinstance(size, int) else None


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
        node.b,
        node.input(0),
        node.input(1),
        node.given(2),
        groups=groups,
        **window(node, kernel, moving=True),
    )


@op("MaxPool")
def _max_pool(node: Node) -> Any:
    kernel = [int(k) for k in node.attr("kernel_shape")]
    options: dict[str, Any] = {
        "kernel": kernel,
        "ceil_mode": bool(node.attr("ceil_mode", 0)),
        **window(node, kernel, moving=not node.wants(1)),
    }
    if not node.wants(1):
        return pooling.max_pool(node.b, node.input(), **options)
    column_major = bool(node.attr("storage_order", 0))
    return list(
        unpooling.max_pool_indices(node.b, node.input(), whole=True, column_major=column_major, **options)
    )


@op("MaxUnpool")
def _max_unpool(node: Node) -> Any:
    kernel = [int(k) for k in node.attr("kernel_shape")]
    spatial = len(kernel)
    strides = node.attr("strides") or [1] * spatial
    pads = node.attr("pads") or [0] * (2 * spatial)
    shape = fixed_shape(node, 0, "the elements")
    sizes = [
        (n - 1) * int(s) - int(before) - int(after) + k
        for n, s, k, before, after in zip(
            shape[2:], strides, kernel, pads[:spatial], pads[spatial:], strict=True
        )
    ]
    y = unpooling.max_unpool(node.b, node.input(), node.input(1), sizes, whole=True)
    wanted = node.numbers("output_shape", 2)
    if wanted is None:
        return y
    more = [w - n for w, n in zip(wanted[2:], sizes, strict=True)]
    if min(more) < 0:
        node.fail(f"an output of {wanted}, smaller than {sizes} images")
    return node.b.pad(y, paddings=(0, 0, 0, 0, *(p for m in more for p in (0, m))))


@op("AveragePool")
def _average_pool(node: Node) -> Any:
    kernel = [int(k) for k in node.attr("kernel_shape")]
    return pooling.average_pool(
        node.b,
        node.input(),
        kernel=kernel,
        ceil_mode=bool(node.attr("ceil_mode", 0)),
        count_include_pad=bool(node.attr("count_include_pad", 0)),
        **window(node, kernel, moving=True),
    )


@op("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(node: Node) -> Any:
    name = "reduce_mean" if node.type == "GlobalAveragePool" else "reduce_max"
    return getattr(node.b, name)(node.input(), axes=tuple(range(2, node.rank())), keepdims=True)


@op("BatchNormalization")
def _batch_normalization(node: Node) -> Any:
    b = node.b
    if node.attr("training_mode", 0) or node.wants(1):
        node.fail("statistics of a batch are for training", "export the model for inference")
    x, scale, bias, mean, variance = (node.input(i) for i in range(5))
    return normalization.batch_norm(b, x, scale, bias, mean, variance, node.attr("epsilon", 1e-5))


@op("LayerNormalization")
def _layer_normalization(node: Node) -> list[Any]:
    x, b = node.input(), node.b
    axis = node.axis(default=-1)
    epsilon = node.attr("epsilon", 1e-5)
    y = normalization.layer_norm(
        b, x, node.given(1), node.given(2), axes=range(axis, node.rank()), epsilon=epsilon
    )
    mean = inverse = None
    if node.wants(1) or node.wants(2):
        axes = tuple(range(axis, node.rank()))
        wide = b.cast(x, dtype=dtypes.float32)
        mean = b.reduce_mean(wide, axes=axes, keepdims=True)
        spread = b.reduce_mean(b.square(b.subtract(wide, mean)), axes=axes, keepdims=True)
        inverse = b.reciprocal(b.sqrt(b.add(spread, b.like(epsilon, wide))))
    return [y, mean, inverse]


@op("RMSNormalization")
def _rms_normalization(node: Node) -> Any:
    axes = range(node.axis(default=-1), node.rank())
    epsilon = node.attr("epsilon", 1e-5)
    return normalization.rms_norm(node.b, node.input(), node.given(1), axes=axes, epsilon=epsilon)


@op("InstanceNormalization")
def _instance_normalization(node: Node) -> Any:
    epsilon = node.attr("epsilon", 1e-5)
    return normalization.instance_norm(node.b, node.input(0), node.input(1), node.input(2), epsilon=epsilon)


@op("GroupNormalization")
def _group_normalization(node: Node) -> Any:
    groups, epsilon = int(node.attr("num_groups")), node.attr("epsilon", 1e-5)
    try:
        return normalization.group_norm(
            node.b, node.input(), node.input(1), node.input(2), groups=groups, epsilon=epsilon
        )
    except ValueError as error:
        node.fail(str(error))


@op("LRN")
def _lrn(node: Node) -> Any:
    return normalization.local_response_norm(
        node.b,
        node.input(),
        size=int(node.attr("size")),
        alpha=node.attr("alpha", 1e-4),
        beta=node.attr("beta", 0.75),
        bias=node.attr("bias", 1.0),
    )


@op("LpNormalization")
def _lp_normalization(node: Node) -> Any:
    axes = (node.axis(default=-1),)
    return normalization.lp_norm(node.b, node.input(), axes=axes, p=int(node.attr("p", 2)))


@op("MeanVarianceNormalization")
def _mean_variance_normalization(node: Node) -> Any:
    axes = [int(a) for a in node.attr("axes") or (0, 2, 3)]
    return normalization.mean_variance_norm(node.b, node.input(), axes=axes)
