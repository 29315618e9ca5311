"""Fully connected and convolutional layers of contrib."""

from __future__ import annotations

import functools
from typing import Any

from samara.graph.contrib.arguments import add_arg_scope
from samara.graph.contrib.layers._made import Variables, collected, scoped
from samara.graph.contrib.layers.regularizers import xavier_initializer
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.layer import first_given, last_size, zeros
from samara.graph.nn import activations
from samara.graph.nn._format import channels_first, spatial
from samara.graph.nn.convolutions import conv2d_transpose as _conv2d_transpose
from samara.graph.nn.convolutions import convolution as _convolution
from samara.graph.nn.convolutions import separable_conv2d as _separable_conv2d
from samara.graph.nn.selection import embedding_lookup


def _finished(
    made: Tensor,
    variables: Variables,
    channels: int,
    biases_initializer: Any,
    biases_regularizer: Any,
    normalizer_fn: Any,
    normalizer_params: Any,
    activation_fn: Any,
    outputs_collections: Any,
    data_format: str | None = None,
) -> Tensor:
    """Normalization, or biases where there is none; then the activation."""
    if normalizer_fn is not None:
        made = normalizer_fn(made, **(normalizer_params or {}))
    elif biases_initializer is not None:
        biases = variables.get("biases", [channels], biases_initializer, biases_regularizer)
        made = activations.bias_add(made, biases, data_format=data_format)
    if activation_fn is not None:
        made = activation_fn(made)
    return collected(made, outputs_collections)


@add_arg_scope
def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Any = activations.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """The product of the last axis and `weights`, normalized or plus `biases`, through an activation.

    Args:
        inputs: [.., inputs].
        num_outputs: the size of the last axis of the output.
        activation_fn: a function, relu by default; None for none.
        normalizer_fn: a function instead of biases, such as batch_norm.
        normalizer_params: its arguments.
        weights_initializer: Glorot and Bengio's when None.
        weights_regularizer: a function of the weights, whose value joins REGULARIZATION_LOSSES.
        biases_initializer: zeros by default; None for no biases.
        biases_regularizer: a function of the biases.
        reuse: whether the variables must exist.
        variables_collections: which the variables join: a list, or a mapping from their names to lists.
        outputs_collections: which the output joins.
        trainable: whether optimizers train the variables.
        scope: the variable scope, "fully_connected" when None.
    """
    tensor = convert_to_tensor(inputs)
    with scoped(scope, "fully_connected", reuse):
        variables = Variables(tensor.dtype, trainable, variables_collections)
        depth = last_size(fully_connected, tensor.get_shape())
        start = first_given(weights_initializer, xavier_initializer())
        weights = variables.get("weights", [depth, num_outputs], start, weights_regularizer)
        made = tensor.graph.b.matmul(tensor, weights)
        return _finished(
            made,
            variables,
            num_outputs,
            biases_initializer,
            biases_regularizer,
            normalizer_fn,
            normalizer_params,
            activation_fn,
            outputs_collections,
        )


@add_arg_scope
def convolution(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Any = activations.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """Convolution over one to three axes, normalized or plus `biases`, through an activation.

    Args:
        inputs: [N, .., C].
        num_outputs: the number of channels of the output.
        kernel_size: the size of the filter, one number or one for each axis.
        stride: the same.
        padding: "SAME" or "VALID".
        data_format: "NHWC", or "NCHW", which is transposed before and after.
        rate: the dilation, as stride.
        activation_fn: as of fully_connected, as all arguments that follow; the scope is "Conv" when None.
        normalizer_fn: the same.
        normalizer_params: the same.
        weights_initializer: the same.
        weights_regularizer: the same.
        biases_initializer: the same.
        biases_regularizer: the same.
        reuse: the same.
        variables_collections: the same.
        outputs_collections: the same.
        trainable: the same.
        scope: the same.
    """
    tensor = convert_to_tensor(inputs)
    rank = len(tensor.get_shape()) - 2
    with scoped(scope, "Conv", reuse):
        variables = Variables(tensor.dtype, trainable, variables_collections)
        channels = _channels(tensor, data_format, rank)
        shape = [*spatial(kernel_size, "kernel_size", rank), channels, num_outputs]
        weights = variables.get(
            "weights", shape, first_given(weights_initializer, xavier_initializer()), weights_regularizer
        )
        made = _convolution(
            tensor,
            weights,
            padding,
            spatial(stride, "stride", rank),
            spatial(rate, "rate", rank),
            data_format=data_format,
        )
        return _finished(
            made,
            variables,
            num_outputs,
            biases_initializer,
            biases_regularizer,
            normalizer_fn,
            normalizer_params,
            activation_fn,
            outputs_collections,
            data_format,
        )


def _channels(tensor: Tensor, data_format: str | None, rank: int = 2) -> int:
    channels = tensor.get_shape()[1 if channels_first(data_format, rank) else -1]
    if not isinstance(channels, int):
        raise ValueError(f"the channels of {tensor.name} must be a known number")
    return int(channels)


convolution1d = convolution2d = convolution3d = conv1d = conv2d = conv3d = convolution


@add_arg_scope
def convolution2d_transpose(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    activation_fn: Any = activations.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """Transposed convolution of images; the arguments are those of convolution, the scope "Conv2d_transpose"."""
    tensor = convert_to_tensor(inputs)
    size, steps = spatial(kernel_size, "kernel_size"), spatial(stride, "stride")
    with scoped(scope, "Conv2d_transpose", reuse):
        variables = Variables(tensor.dtype, trainable, variables_collections)
        first = channels_first(data_format)
        shape = [*size, num_outputs, _channels(tensor, data_format)]
        weights = variables.get(
            "weights", shape, first_given(weights_initializer, xavier_initializer()), weights_regularizer
        )
        known, b = tensor.get_shape(), tensor.graph.b
        whole = [d if isinstance(d, int) else b.shape(tensor)[i] for i, d in enumerate(known)]
        images = whole[2:] if first else whole[1:3]
        more = (
            [0, 0] if padding.upper() == "SAME" else [max(k - s, 0) for k, s in zip(size, steps, strict=True)]
        )
        sizes = [n * s + m for n, s, m in zip(images, steps, more, strict=True)]
        wanted = [whole[0], num_outputs, *sizes] if first else [whole[0], *sizes, num_outputs]
        around = [1, 1, *steps] if first else [1, *steps, 1]
        made = _conv2d_transpose(tensor, weights, wanted, around, padding, data_format)
        return _finished(
            made,
            variables,
            num_outputs,
            biases_initializer,
            biases_regularizer,
            normalizer_fn,
            normalizer_params,
            activation_fn,
            outputs_collections,
            data_format,
        )


conv2d_transpose = convolution2d_transpose


@add_arg_scope
def separable_convolution2d(
    inputs: Any,
    num_outputs: int | None,
    kernel_size: Any,
    depth_multiplier: int = 1,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    rate: Any = 1,
    activation_fn: Any = activations.relu,
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = None,
    pointwise_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A convolution of each channel by itself, then one that mixes them, but where num_outputs is None."""
    from samara.graph.nn.convolutions import depthwise_conv2d

    tensor = convert_to_tensor(inputs)
    steps = spatial(stride, "stride")
    around = [1, 1, *steps] if channels_first(data_format) else [1, *steps, 1]
    with scoped(scope, "SeparableConv2d", reuse):
        variables = Variables(tensor.dtype, trainable, variables_collections)
        channels = _channels(tensor, data_format)
        start = first_given(weights_initializer, xavier_initializer())
        each = variables.get(
            "depthwise_weights",
            [*spatial(kernel_size, "kernel_size"), channels, depth_multiplier],
            start,
            weights_regularizer,
        )
        rates = spatial(rate, "rate")
        if num_outputs is None:
            outputs = channels * depth_multiplier
            made = depthwise_conv2d(tensor, each, around, padding, rates, data_format=data_format)
        else:
            outputs = num_outputs
            mix = variables.get(
                "pointwise_weights",
                [1, 1, channels * depth_multiplier, num_outputs],
                first_given(pointwise_initializer, start),
                weights_regularizer,
            )
            made = _separable_conv2d(tensor, each, mix, around, padding, rates, data_format=data_format)
        return _finished(
            made,
            variables,
            outputs,
            biases_initializer,
            biases_regularizer,
            normalizer_fn,
            normalizer_params,
            activation_fn,
            outputs_collections,
            data_format,
        )


separable_conv2d = separable_convolution2d


def embed_sequence(
    ids: Any,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """For each number in `ids` its row of the variable `embeddings` [vocab_size, embed_dim].

    `unique` has no meaning here.

    Raises:
        ValueError: a size is not given.
    """
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(f"embed_sequence needs vocab_size and embed_dim, not {vocab_size} and {embed_dim}")
    with scoped(scope, "EmbedSequence", reuse):
        if vocab_size is None or embed_dim is None:
            from samara.graph.variable_scope import get_variable

            return embedding_lookup(get_variable("embeddings"), ids)
        variables = Variables(None, trainable, None)
        table = variables.get("embeddings", [vocab_size, embed_dim], initializer, regularizer)
        return embedding_lookup(table, ids)


linear = functools.partial(fully_connected, activation_fn=None)
relu = functools.partial(fully_connected, activation_fn=activations.relu)
relu6 = functools.partial(fully_connected, activation_fn=activations.relu6)
elu = functools.partial(fully_connected, activation_fn=activations.elu)

__all__ = [
    "conv1d",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "convolution",
    "convolution1d",
    "convolution2d",
    "convolution2d_transpose",
    "convolution3d",
    "elu",
    "embed_sequence",
    "fully_connected",
    "linear",
    "relu",
    "relu6",
    "separable_conv2d",
    "separable_convolution2d",
]
