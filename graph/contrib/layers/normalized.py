"""Normalizing layers of contrib."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.contrib.arguments import add_arg_scope
from samara.graph.contrib.layers._made import MODEL_VARIABLES, Variables, collected, scoped
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.layer import UPDATE_OPS, ones, zeros
from samara.graph.layers.normalizing import BatchNormalization
from samara.graph.nn._format import channels_first
from samara.graph.nn.normalization import moments


@add_arg_scope
def batch_norm(
    inputs: Any,
    decay: float = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Any = None,
    param_initializers: Any = None,
    param_regularizers: Any = None,
    updates_collections: Any = UPDATE_OPS,
    is_training: Any = True,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    batch_weights: Any = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_decay: float = 0.99,
    adjustment: Any = None,
) -> Tensor:
    """Batch normalization, as of `layers.batch_normalization`, with contrib's arguments.

    Args:
        inputs: what is normalized.
        decay: of the running statistics.
        center: whether `beta` is added.
        scale: whether it is multiplied by `gamma`.
        epsilon: what is added to the variance.
        activation_fn: a function of what is normalized; None for none.
        param_initializers: a mapping from beta, gamma, moving_mean and moving_variance.
        param_regularizers: a mapping from beta and gamma.
        updates_collections: which the updates of running statistics join; None to compute them with the output.
        is_training: a bool or a tensor.
        reuse: whether the variables must exist.
        variables_collections: which the variables join: a list, or a mapping from their names to lists.
        outputs_collections: which the output joins.
        trainable: whether optimizers train beta and gamma.
        batch_weights: not supported.
        fused: as of `layers.batch_normalization`.
        data_format: "NHWC" or "NCHW".
        zero_debias_moving_mean: not supported.
        scope: the variable scope, "BatchNorm" when None.
        renorm: not supported.
        renorm_clipping: not supported.
        renorm_decay: not supported.
        adjustment: not supported.

    Raises:
        ValueError: an option that is not supported.
    """
    for what, given in (
        ("batch_weights", batch_weights),
        ("zero_debias_moving_mean", zero_debias_moving_mean),
    ):
        if given is not None and given is not False:
            raise ValueError(f"batch_norm: {what} is not supported: leave it out")
    tensor = convert_to_tensor(inputs)
    starts, penalties = param_initializers or {}, param_regularizers or {}
    first = data_format.startswith("NC") and channels_first(data_format, len(tensor.get_shape()) - 2)
    with scoped(scope, "BatchNorm", reuse) as opened:
        layer = BatchNormalization(
            axis=1 if first else -1,
            momentum=decay,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=starts.get("beta"),
            gamma_initializer=starts.get("gamma"),
            moving_mean_initializer=starts.get("moving_mean"),
            moving_variance_initializer=starts.get("moving_variance"),
            beta_regularizer=penalties.get("beta"),
            gamma_regularizer=penalties.get("gamma"),
            renorm=renorm,
            adjustment=adjustment,
            fused=fused,
            trainable=trainable,
            _scope=opened,
        )
        layer.update_collections = (
            [updates_collections]
            if isinstance(updates_collections, str)
            else (list(updates_collections or []))
        )
        made: Tensor = layer(tensor, training=is_training)
        if updates_collections is None and layer.updates:
            with tensor.graph.control_dependencies(layer.updates):
                made = tensor.graph.b.identity(made)
        _note(layer.variables, variables_collections)
        if activation_fn is not None:
            made = activation_fn(made)
    return collected(made, outputs_collections)


def _note(variables: Any, collections: Any) -> None:
    for variable in variables:
        label = variable.op.name.rpartition("/")[2]
        given = collections.get(label) if isinstance(collections, dict) else collections
        for collection in [MODEL_VARIABLES, *([given] if isinstance(given, str) else given or [])]:
            held = variable.graph.get_collection_ref(collection)
            if all(variable is not v for v in held):
                held.append(variable)


@add_arg_scope
def layer_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    activation_fn: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    begin_norm_axis: int = 1,
    begin_params_axis: int = -1,
    scope: Any = None,
) -> Tensor:
    """Each example with mean 0 and variance 1 along its axes from begin_norm_axis on.

    Ba, Kiros and Hinton, "Layer Normalization", 2016. `gamma` and `beta` have the shape of the axes from
    begin_params_axis on, which must be known.

    Raises:
        ValueError: these axes are not known, or begin before those that are normalized.
    """
    tensor = convert_to_tensor(inputs)
    b, shape = tensor.graph.b, tensor.get_shape()
    rank = len(shape)
    begin, of_params = begin_norm_axis % rank, begin_params_axis % rank
    params = shape[of_params:]
    if not all(isinstance(d, int) for d in params):
        raise ValueError(f"layer_norm: the shape {tuple(params)} of gamma and beta is not known")
    with scoped(scope, "LayerNorm", reuse):
        variables = Variables(tensor.dtype, trainable, variables_collections)
        beta = variables.get("beta", list(params), zeros) if center else None
        gamma = variables.get("gamma", list(params), ones) if scale else None
        mean, variance = moments(tensor, list(range(begin, rank)), keep_dims=True)
        # The smallest epsilon of TensorFlow's: 1e-12, and 1e-3 in float16, where it would be 0.
        small = 1e-3 if tensor.dtype.numpy == np.float16 else 1e-12
        made = b.multiply(b.subtract(tensor, mean), b.rsqrt(b.add(variance, b.like(small, tensor))))
        made = made if gamma is None else b.multiply(made, gamma)
        made = made if beta is None else b.add(made, beta)
        if activation_fn is not None:
            made = activation_fn(made)
    return collected(made, outputs_collections)


__all__ = ["batch_norm", "layer_norm"]
