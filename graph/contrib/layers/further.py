"""Layers of contrib that programs build of others: repeated ones, biases, norms of groups and instances."""

from __future__ import annotations

import functools
from typing import Any

from samara.graph import summary
from samara.graph.collections import GraphKeys
from samara.graph.contrib.arguments import add_arg_scope
from samara.graph.contrib.layers._made import Variables, collected, scoped
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.layer import last_size, ones, zeros
from samara.graph.nn import activations
from samara.graph.nn.normalization import moments
from samara.graph.variable_scope import variable_scope
from samara.graph.vocabulary.arrays import reshape, shape


def repeat(inputs: Any, repetitions: int, layer: Any, *args: Any, **kwargs: Any) -> Any:
    """The same layer several times, one upon the other, as in `repeat(x, 3, conv2d, 64, [3, 3], scope="conv1")`."""
    label = getattr(layer, "__name__", None) or layer.func.__name__
    scope = kwargs.pop("scope", None)
    made = inputs
    with variable_scope(scope, label if scope is None else None):
        for number in range(1, repetitions + 1):
            made = layer(made, *args, scope=f"{scope or label}_{number}", **kwargs)
    return made


@add_arg_scope
def bias_add(
    inputs: Any,
    activation_fn: Any = None,
    initializer: Any = zeros,
    regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """The inputs plus `biases`, one for each channel, through an activation."""
    tensor = convert_to_tensor(inputs)
    with scoped(scope, "BiasAdd", reuse):
        sizes = tensor.get_shape()
        channels = sizes[1] if data_format == "NCHW" else last_size(bias_add, sizes)
        variables = Variables(tensor.dtype, trainable, variables_collections)
        biases = variables.get("biases", [int(channels)], initializer, regularizer)
        made = activations.bias_add(tensor, biases, data_format=data_format)
        return collected(made if activation_fn is None else activation_fn(made), outputs_collections)


def _scaled(
    made: Tensor,
    variables: Variables,
    sizes: list[int],
    fitting: list[int],
    center: bool,
    scale: bool,
    initializers: Any,
) -> Tensor:
    """What is normalized times `gamma` plus `beta`, variables of some sizes that are reshaped to fit."""
    starts = initializers or {}
    b = made.graph.b
    if scale:
        gamma = variables.get("gamma", sizes, starts.get("gamma", ones))
        made = b.multiply(made, reshape(gamma, fitting))
    if center:
        beta = variables.get("beta", sizes, starts.get("beta", zeros))
        made = b.add(made, reshape(beta, fitting))
    return made


@add_arg_scope
def instance_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Any = None,
    param_initializers: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """Each channel of each image with mean 0 and variance 1, times `gamma` plus `beta`.

    Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.

    Raises:
        ValueError: the rank or the number of channels is not known.
    """
    tensor = convert_to_tensor(inputs)
    rank = tensor.get_shape().ndims
    if rank is None:
        raise ValueError("instance_norm: the rank of the inputs is not known")
    channel = 1 if data_format == "NCHW" else rank - 1
    size = tensor.get_shape()[channel]
    if not isinstance(size, int):
        raise ValueError("instance_norm: the number of channels is not known")
    with scoped(scope, "InstanceNorm", reuse):
        b = tensor.graph.b
        mean, variance = moments(tensor, [a for a in range(1, rank) if a != channel], keep_dims=True)
        small = b.like(epsilon, tensor)
        made = b.multiply(b.subtract(tensor, mean), b.rsqrt(b.add(variance, small)))
        fitting = [size if a == channel else 1 for a in range(rank)]
        variables = Variables(tensor.dtype, trainable, variables_collections)
        made = _scaled(made, variables, [int(size)], fitting, center, scale, param_initializers)
        return collected(made if activation_fn is None else activation_fn(made), outputs_collections)


@add_arg_scope
def group_norm(
    inputs: Any,
    groups: int = 32,
    channels_axis: int = -1,
    reduction_axes: Any = (-3, -2),
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Any = None,
    param_initializers: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
    mean_close_to_zero: bool = False,
) -> Tensor:
    """Each group of channels of each example with mean 0 and variance 1, times `gamma` plus `beta`.

    Wu and He, "Group Normalization", 2018.

    Raises:
        ValueError: sizes other than that of the batch are not known, the groups do not divide the channels, or the
            axis of the channels is among those that are reduced.
    """
    tensor = convert_to_tensor(inputs)
    sizes = tensor.get_shape()
    rank = sizes.ndims
    if rank is None or not isinstance(sizes[channels_axis], int):
        raise ValueError("group_norm: the rank or the number of channels is not known")
    channel = channels_axis % rank
    reduced = [a % rank for a in reduction_axes]
    count = int(sizes[channel])
    if count % groups or channel in reduced:
        raise ValueError(
            f"group_norm: {groups} groups of {count} channels along axis {channel}, reduced axes {reduced}: groups "
            "must divide the channels, whose axis is not reduced"
        )
    with scoped(scope, "GroupNorm", reuse):
        b = tensor.graph.b
        known = [int(d) if isinstance(d, int) else shape(tensor)[a] for a, d in enumerate(sizes)]
        parted = reshape(tensor, [*known[:channel], groups, count // groups, *known[channel + 1 :]])
        over = [a if a < channel else a + 1 for a in reduced] + [channel + 1]
        mean, variance = moments(parted, sorted(over), keep_dims=True)
        small = b.like(epsilon, tensor)
        normal = b.multiply(b.subtract(parted, mean), b.rsqrt(b.add(variance, small)))
        made = reshape(normal, known)
        made.set_shape(sizes)
        fitting = [count if a == channel else 1 for a in range(rank)]
        variables = Variables(tensor.dtype, trainable, variables_collections)
        made = _scaled(made, variables, [count], fitting, center, scale, param_initializers)
        return collected(made if activation_fn is None else activation_fn(made), outputs_collections)


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> Tensor:
    """The inputs divided by their lengths along an axis."""
    tensor = convert_to_tensor(inputs)
    b = tensor.graph.b
    with tensor.graph.name_scope(scope or "UnitNorm"):
        squares = b.reduce_sum(b.square(tensor), axes=(int(dim),), keepdims=True)
        made: Tensor = b.divide(tensor, b.sqrt(b.add(squares, b.like(epsilon, tensor))))
        return made


@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: Any = None) -> Tensor:
    """The largest of each group of neighbours along an axis, of which `num_units` are left.

    Goodfellow and others, "Maxout Networks", 2013.

    Raises:
        ValueError: the size of the axis is not known, or is no multiple of `num_units`.
    """
    tensor = convert_to_tensor(inputs)
    sizes = tensor.get_shape()
    if sizes.ndims is None or not isinstance(sizes[axis], int) or int(sizes[axis]) % num_units:
        raise ValueError(f"maxout: an axis of size {sizes} cannot be cut into {num_units} groups")
    place = axis % sizes.ndims
    with tensor.graph.name_scope(scope or "MaxOut"):
        known = [int(d) if isinstance(d, int) else shape(tensor)[a] for a, d in enumerate(sizes)]
        parted = reshape(
            tensor, [*known[:place], num_units, int(sizes[place]) // num_units, *known[place + 1 :]]
        )
        made: Tensor = tensor.graph.b.reduce_max(parted, axes=(place + 1,))
        return made


def summarize_tensor(tensor: Any, tag: str | None = None) -> Tensor:
    """The summary of a number, or of how values are distributed."""
    found = convert_to_tensor(tensor)
    what = summary.scalar if found.shape == () else summary.histogram
    made: Tensor = what(tag or found.op.name, found)
    return made


def summarize_activation(op: Any) -> Tensor:
    """The summaries of what a layer gives: how it is distributed, and for rectifiers how many are 0."""
    tensor = convert_to_tensor(op.outputs[0] if hasattr(op, "outputs") else op)
    name = tensor.op.name
    if tensor.op.type in ("relu", "relu6", "softplus"):
        zero = tensor.graph.b.equal(tensor, tensor.graph.b.like(0, tensor))
        share = tensor.graph.b.reduce_mean(tensor.graph.b.cast(zero, dtype=tensor.dtype))
        summary.scalar(f"{name}/zeros", share)
    made: Tensor = summary.histogram(f"{name}/activation", tensor)
    return made


def summarize_tensors(tensors: Any, summarizer: Any = summarize_tensor) -> list[Tensor]:
    """The summary of each tensor."""
    return [summarizer(t) for t in tensors]


def summarize_collection(
    collection: str, name_filter: str | None = None, summarizer: Any = summarize_tensor
) -> list[Tensor]:
    """The summaries of a collection; of what has a name that a regular expression begins."""
    return summarize_tensors(get_default_graph().get_collection(collection, name_filter), summarizer)


summarize_variables = functools.partial(summarize_collection, GraphKeys.GLOBAL_VARIABLES)
summarize_weights = functools.partial(summarize_collection, GraphKeys.WEIGHTS)
summarize_biases = functools.partial(summarize_collection, GraphKeys.BIASES)
summarize_activations = functools.partial(
    summarize_collection, GraphKeys.ACTIVATIONS, summarizer=summarize_activation
)

__all__ = [
    "bias_add",
    "group_norm",
    "instance_norm",
    "maxout",
    "repeat",
    "summarize_activation",
    "summarize_activations",
    "summarize_biases",
    "summarize_collection",
    "summarize_tensor",
    "summarize_tensors",
    "summarize_variables",
    "summarize_weights",
    "unit_norm",
]
