"""Activations: functions of each element, or of the elements along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.nn._format import channels_first
from samara.graph.ops import OPS


def _activation(op: str) -> Callable[..., Tensor]:
    def function(features: Any, name: str | None = None) -> Tensor:
        tensor = convert_to_tensor(features)
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
softplus = _activation("softplus")
softsign = _activation("softsign")
hard_sigmoid = _activation("hard_sigmoid")
hard_swish = _activation("hard_swish")


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x)), element by element."""
    tensor = convert_to_tensor(x)
    result: Tensor = tensor.graph.b.sigmoid(tensor, name=name)
    return result


def tanh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic tangent, element by element."""
    tensor = convert_to_tensor(x)
    result: Tensor = tensor.graph.b.tanh(tensor, name=name)
    return result


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """Features where positive, alpha * features elsewhere."""
    tensor = convert_to_tensor(features)
    result: Tensor = tensor.graph.b.leaky_relu(tensor, alpha=alpha, name=name)
    return result


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """The positive parts and the negative ones, both as positive numbers, joined along an axis.

    Shang et al., "Understanding and Improving Convolutional Neural Networks via Concatenated Rectified Linear Units",
    2016.
    """
    tensor = convert_to_tensor(features)
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "CRelu"):
        result: Tensor = b.relu(b.concat([tensor, b.negative(tensor)], axis=axis))
    return result


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """Features * Phi(features), Phi the normal distribution's function; or its approximation with tanh."""
    tensor = convert_to_tensor(features)
    result: Tensor = tensor.graph.b.gelu(tensor, approximate="tanh" if approximate else "none", name=name)
    return result


def softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """exp(logits) / sum of exp(logits) along an axis, the last one by default."""
    tensor = convert_to_tensor(logits)
    result: Tensor = tensor.graph.b.softmax(tensor, axis=_last(axis, dim), name=name)
    return result


def log_softmax(
    logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """The logarithm of softmax."""
    tensor = convert_to_tensor(logits)
    result: Tensor = tensor.graph.b.log_softmax(tensor, axis=_last(axis, dim), name=name)
    return result


def _last(axis: int | None, dim: int | None) -> int:
    return axis if axis is not None else dim if dim is not None else -1


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """Value plus one number for each channel: the last axis, or the second of the format NCHW.

    Raises:
        ValueError: the bias has not rank 1, or value has less than 2.
    """
    tensor = convert_to_tensor(value)
    b = tensor.graph.b
    bias = b.constant(bias, tensor.dtype)
    if bias.shape is not None and len(bias.shape) != 1:
        raise ValueError(
            f"bias_add: the bias has rank {len(bias.shape)}, expected one number for each channel"
        )
    if tensor.shape is not None and len(tensor.shape) < 2:
        raise ValueError(f"bias_add: value has rank {len(tensor.shape)}, expected 2 or more")
    if (
        data_format is not None
        and data_format.startswith("NC")
        and channels_first(data_format, _rank(tensor) - 2)
    ):
        bias = b.reshape(bias, [-1, *[1] * (_rank(tensor) - 2)])
    result: Tensor = b.add(tensor, bias, name=name)
    return result


def _rank(tensor: Tensor) -> int:
    return len(tensor.get_shape())


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """The product of matrices x and weights, plus one number for each column."""
    tensor = convert_to_tensor(x)
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "xw_plus_b") as scope:
        result: Tensor = b.add(
            b.matmul(tensor, weights), biases, name=scope.removesuffix("/").rpartition("/")[2]
        )
    return result


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """The positive part of x @ weights + biases."""
    tensor = convert_to_tensor(x)
    with tensor.graph.name_scope(name or "relu_layer"):
        result: Tensor = tensor.graph.b.relu(xw_plus_b(tensor, weights, biases))
    return result


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """How many of the elements are 0, as a share of all, float32."""
    from samara.graph.dtypes import float32

    tensor = convert_to_tensor(value)
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "zero_fraction"):
        zeros = b.cast(b.equal(tensor, b.like(0, tensor)), dtype=float32)
        result: Tensor = b.reduce_mean(zeros)
    return result


__all__ = [
    "bias_add",
    "crelu",
    "elu",
    "gelu",
    "hard_sigmoid",
    "hard_swish",
    "leaky_relu",
    "log_softmax",
    "relu",
    "relu6",
    "relu_layer",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
    "xw_plus_b",
    "zero_fraction",
]
