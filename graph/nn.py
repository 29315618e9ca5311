"""Neural network functions, with TensorFlow 1's names and arguments: `tf.nn`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.graph.candidate_sampling import (
    log_uniform_candidate_sampler,
    uniform_candidate_sampler,
)
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.nn_losses import (
    l2_loss,
    log_poisson_loss,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from samara.graph.ops import OPS
from samara.graph.sampled_losses import nce_loss, sampled_softmax_loss


def _tensor(value: Any) -> Tensor:
    if hasattr(value, "as_graph_tensor"):
        found: Tensor = value.as_graph_tensor()
        return found
    return get_default_graph().convert(value)


def _activation(op: str) -> Callable[..., Tensor]:
    def function(features: Any, name: str | None = None) -> Tensor:
        tensor = _tensor(features)
        result: Tensor = getattr(tensor.graph.b, op)(tensor, name=name)
        return result

    function.__name__ = function.__qualname__ = op
    function.__doc__ = OPS[op].doc
    return function


relu = _activation("relu")
relu6 = _activation("relu6")
elu = _activation("elu")
selu = _activation("selu")
silu = _activation("silu")
swish = silu
sigmoid = _activation("sigmoid")
tanh = _activation("tanh")
softplus = _activation("softplus")
softsign = _activation("softsign")
hard_sigmoid = _activation("hard_sigmoid")
hard_swish = _activation("hard_swish")


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """Features where positive, alpha * features elsewhere."""
    tensor = _tensor(features)
    result: Tensor = tensor.graph.b.leaky_relu(tensor, alpha=alpha, name=name)
    return result


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """Features * Phi(features), Phi the normal distribution's function; or its approximation with tanh."""
    tensor = _tensor(features)
    result: Tensor = tensor.graph.b.gelu(tensor, approximate="tanh" if approximate else "none", name=name)
    return result


def softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """exp(logits) / sum of exp(logits) along an axis, the last one by default."""
    tensor = _tensor(logits)
    result: Tensor = tensor.graph.b.softmax(tensor, axis=_last(axis, dim), name=name)
    return result


def log_softmax(
    logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """The logarithm of softmax."""
    tensor = _tensor(logits)
    result: Tensor = tensor.graph.b.log_softmax(tensor, axis=_last(axis, dim), name=name)
    return result


def _last(axis: int | None, dim: int | None) -> int:
    return axis if axis is not None else dim if dim is not None else -1


def _pair(values: Any, what: str) -> tuple[int, int]:
    """Height and width of [1, h, w, 1], [h, w] or one number."""
    if np.ndim(values) == 0:
        return int(values), int(values)
    listed = [int(v) for v in values]
    if len(listed) == 4 and listed[0] == listed[3] == 1:
        return listed[1], listed[2]
    if len(listed) == 2:
        return listed[0], listed[1]
    raise ValueError(f"{what}={list(values)}: expected [1, height, width, 1] or [height, width]")


def _window(padding: Any, data_format: str) -> dict[str, Any]:
    if data_format != "NHWC":
        raise ValueError(
            f"data_format={data_format!r}: tensors are NHWC; use transpose(x, [0, 2, 3, 1]) before"
        )
    if isinstance(padding, str):
        return {"padding": padding}
    explicit = [tuple(p) for p in padding]
    if len(explicit) != 4 or explicit[0] != (0, 0) or explicit[3] != (0, 0):
        raise ValueError(
            f"padding={padding!r}: expected 'SAME', 'VALID' or [[0, 0], [top, bottom], [left, right], [0, 0]]"
        )
    return {"padding": "explicit", "paddings": (*explicit[1], *explicit[2])}


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = (1, 1),
    padding: Any = "VALID",
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Convolution of input [N, H, W, C] with a filter [KH, KW, C, O]; strides and dilations [1, h, w, 1] or [h, w]."""
    tensor = _tensor(input)
    result: Tensor = tensor.graph.b.conv2d(
        tensor,
        filter if filter is not None else filters,
        strides=_pair(strides, "strides"),
        dilations=_pair(dilations, "dilations"),
        name=name,
        **_window(padding, data_format),
    )
    return result


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = (1, 1),
    name: str | None = None,
    data_format: str = "NHWC",
) -> Tensor:
    """Convolution of each channel with its own filters [KH, KW, C, M]; output channel c * M + m."""
    tensor = _tensor(input)
    result: Tensor = tensor.graph.b.depthwise_conv2d(
        tensor,
        filter,
        strides=_pair(strides, "strides"),
        dilations=_pair(rate, "rate"),
        name=name,
        **_window(padding, data_format),
    )
    return result


def conv2d_transpose(
    value: Any,
    filter: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The gradient of conv2d for its input: filter [KH, KW, output channels, input channels]."""
    tensor = _tensor(value)
    if not isinstance(output_shape, Tensor) and not any(isinstance(d, Tensor) for d in output_shape):
        output_shape = np.asarray(output_shape, np.int32)
    result: Tensor = tensor.graph.b.conv2d_backprop_input(
        output_shape,
        filter,
        tensor,
        strides=_pair(strides, "strides"),
        name=name,
        **_window(padding, data_format),
    )
    return result


def max_pool(
    value: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """The largest value of each window; ksize and strides [1, h, w, 1] or [h, w]."""
    tensor = _tensor(value)
    sizes = {"pool_size": _pair(ksize, "ksize"), "strides": _pair(strides, "strides")}
    result: Tensor = tensor.graph.b.max_pool2d(tensor, name=name, **sizes, **_window(padding, data_format))
    return result


def avg_pool(
    value: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """The mean of each window, padding not counted."""
    tensor = _tensor(value)
    sizes = {"pool_size": _pair(ksize, "ksize"), "strides": _pair(strides, "strides")}
    result: Tensor = tensor.graph.b.average_pool2d(
        tensor, name=name, **sizes, **_window(padding, data_format)
    )
    return result


def bias_add(value: Any, bias: Any, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Value plus one number for each channel (the last axis)."""
    _window("VALID", data_format)
    tensor = _tensor(value)
    result: Tensor = tensor.graph.b.add(tensor, bias, name=name)
    return result


def moments(
    x: Any, axes: Sequence[int], keep_dims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance along axes: the variance of the values, not an estimate from a sample."""
    tensor = _tensor(x)
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "moments"):
        mean = b.reduce_mean(tensor, axes=tuple(axes), keepdims=True)
        variance = b.reduce_mean(
            b.squared_difference(tensor, b.stop_gradient(mean)), axes=tuple(axes), keepdims=keep_dims
        )
        if not keep_dims:
            mean = b.squeeze(mean, axes=tuple(axes))
    return mean, variance


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: float,
    name: str | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset; scale and offset may be None."""
    tensor = _tensor(x)
    b = tensor.graph.b
    statistics = _tensor(mean)
    if statistics.shape is not None and len(statistics.shape) == 1:
        scale = b.ones_like(statistics) if scale is None else scale
        offset = b.zeros_like(statistics) if offset is None else offset
        normal: Tensor = b.batch_normalization(
            tensor, scale, offset, statistics, variance, epsilon=variance_epsilon, name=name
        )
        return normal
    factor = b.rsqrt(b.add(variance, b.like(variance_epsilon, tensor)))
    factor = factor if scale is None else b.multiply(factor, scale)
    normal = b.multiply(b.subtract(tensor, statistics), factor, name=None if offset is not None else name)
    return normal if offset is None else b.add(normal, offset, name=name)


def layer_norm(
    x: Any,
    scale: Any = None,
    offset: Any = None,
    axis: int = -1,
    epsilon: float = 1e-5,
    name: str | None = None,
) -> Tensor:
    """X with mean 0 and variance 1 along the axes from `axis` on, times scale, plus offset."""
    tensor = _tensor(x)
    result: Tensor = tensor.graph.b.layer_normalization(
        tensor, scale, offset, axis=axis, epsilon=epsilon, name=name
    )
    return result


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """Each element is 0 with probability `rate` = 1 - keep_prob, and divided by keep_prob otherwise.

    Raises:
        ValueError: neither or both of keep_prob and rate are given, or the probability is outside (0, 1].
    """
    if (keep_prob is None) == (rate is None):
        raise ValueError("dropout needs keep_prob or rate, and not both")
    tensor = _tensor(x)
    b = tensor.graph.b
    keep = keep_prob if keep_prob is not None else 1 - rate
    if isinstance(keep, (int, float)):
        if not 0 < keep <= 1:
            raise ValueError(f"dropout keeps with a probability in (0, 1], not {keep}")
        if keep == 1:
            return tensor
    keep = b.constant(keep, tensor.dtype)
    with tensor.graph.name_scope(name or "dropout"):
        sizes = b.sizes(tensor) if noise_shape is None else noise_shape
        draws = b.random_uniform(sizes, dtype=tensor.dtype, seed=-1 if seed is None else seed)
        kept = b.cast(b.less(draws, keep), dtype=tensor.dtype)
        result: Tensor = b.multiply(b.divide(tensor, keep), kept)
    return result


__all__ = [
    "avg_pool",
    "batch_normalization",
    "bias_add",
    "conv2d",
    "conv2d_transpose",
    "depthwise_conv2d",
    "dropout",
    "elu",
    "gelu",
    "hard_sigmoid",
    "hard_swish",
    "l2_loss",
    "layer_norm",
    "leaky_relu",
    "log_poisson_loss",
    "log_softmax",
    "log_uniform_candidate_sampler",
    "max_pool",
    "moments",
    "nce_loss",
    "relu",
    "relu6",
    "sampled_softmax_loss",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "swish",
    "tanh",
    "uniform_candidate_sampler",
    "weighted_cross_entropy_with_logits",
]
