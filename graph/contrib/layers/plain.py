"""Layers of contrib that have no variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.contrib.arguments import add_arg_scope
from samara.graph.contrib.layers._made import collected
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float32, int64
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.layers.dense_layers import flatten as _flatten
from samara.graph.layers.shared import either
from samara.graph.nn import dropping, pooling
from samara.graph.nn._format import spatial


@add_arg_scope
def dropout(
    inputs: Any,
    keep_prob: Any = 0.5,
    noise_shape: Any = None,
    is_training: Any = True,
    outputs_collections: Any = None,
    scope: Any = None,
    seed: int | None = None,
) -> Tensor:
    """In training each element is kept with a probability, and divided by it; otherwise nothing happens."""
    tensor = convert_to_tensor(inputs)
    with get_default_graph().name_scope(scope or "Dropout"):
        made = either(
            is_training,
            lambda: dropping.dropout(tensor, keep_prob, noise_shape, seed),
            lambda: tensor.graph.b.identity(tensor),
        )
    return collected(made, outputs_collections)


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> Tensor:
    """All axes but the first as one."""
    with get_default_graph().name_scope(scope or "Flatten"):
        return collected(_flatten(inputs), outputs_collections)


@add_arg_scope
def max_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: Any = None,
) -> Tensor:
    """The largest value of each window of images."""
    return _pooled(
        pooling.max_pool2d, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope
    )


@add_arg_scope
def avg_pool2d(
    inputs: Any,
    kernel_size: Any,
    stride: Any = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Any = None,
    scope: Any = None,
) -> Tensor:
    """The mean of each window of images."""
    return _pooled(
        pooling.avg_pool2d, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope
    )


def _pooled(
    function: Any,
    inputs: Any,
    size: Any,
    stride: Any,
    padding: str,
    layout: str,
    collections: Any,
    scope: Any,
) -> Tensor:
    with get_default_graph().name_scope(scope or "Pool2D"):
        made: Tensor = function(
            inputs, spatial(size, "kernel_size"), spatial(stride, "stride"), padding, layout
        )
    return collected(made, collections)


def one_hot_encoding(
    labels: Any,
    num_classes: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    outputs_collections: Any = None,
    scope: Any = None,
) -> Tensor:
    """For each label a row with on_value at its place and off_value elsewhere."""
    tensor = convert_to_tensor(labels)
    with get_default_graph().name_scope(scope or "OneHotEncoding"):
        if not tensor.dtype.is_integer:
            raise TypeError(f"one_hot_encoding: labels are {tensor.dtype.name}, expected integers")
        if tensor.dtype not in (int64,) and tensor.dtype.numpy != np.int32:
            tensor = tensor.graph.b.cast(tensor, dtype=int64)
        made: Tensor = tensor.graph.b.one_hot(
            tensor, depth=num_classes, on_value=on_value, off_value=off_value, dtype=float32
        )
        return collected(made, outputs_collections)


def softmax(logits: Any, scope: Any = None) -> Tensor:
    """exp(logits) / sum of exp(logits) along the last axis."""
    tensor = convert_to_tensor(logits)
    made: Tensor = tensor.graph.b.softmax(tensor, name=scope or "softmax")
    return made


def stack(inputs: Any, layer: Any, stack_args: Any, **kwargs: Any) -> Any:
    """Layers one upon the other, each with its own arguments, as in `stack(x, fully_connected, [32, 64])`."""
    scope = kwargs.pop("scope", None) or "stack"
    made = inputs
    from samara.graph.variable_scope import variable_scope

    label = getattr(layer, "__name__", None) or layer.func.__name__
    with variable_scope(scope):
        for number, given in enumerate(stack_args, 1):
            arguments = given if isinstance(given, (list, tuple)) else [given]
            made = layer(made, *arguments, scope=f"{label}_{number}", **kwargs)
    return made


__all__ = [
    "avg_pool2d",
    "dropout",
    "flatten",
    "max_pool2d",
    "one_hot_encoding",
    "softmax",
    "stack",
]
