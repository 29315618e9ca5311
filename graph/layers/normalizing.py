"""Batch normalization, with running statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.layer import Layer, first_given, ones, zeros
from samara.graph.layers.as_function import applied
from samara.graph.layers.shared import either
from samara.graph.nn.normalization import batch_normalization as normalized
from samara.graph.nn.normalization import moments


class BatchNormalization(Layer):
    """Each channel with mean 0 and variance 1 over the batch in training, and by running statistics otherwise.

    Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    2015. What updates the running statistics joins the collection UPDATE_OPS: a training step runs it too, as in
    `with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)): train = optimizer.minimize(loss)`.

    Args:
        axis: that of the channels.
        momentum: running = momentum * running + (1 - momentum) * that of the batch.
        epsilon: what is added to the variance.
        center: whether `beta` is added.
        scale: whether it is multiplied by `gamma`.
        beta_initializer: zeros when None.
        gamma_initializer: ones when None.
        moving_mean_initializer: zeros when None.
        moving_variance_initializer: ones when None.
        beta_regularizer: a function of beta, whose value joins REGULARIZATION_LOSSES.
        gamma_regularizer: the same of gamma.
        beta_constraint: what optimizers apply to beta.
        gamma_constraint: the same to gamma.
        renorm: not supported.
        renorm_clipping: not supported.
        renorm_momentum: not supported.
        fused: whether the running variance is the estimate from a sample, n / (n - 1) times that of the batch; None for
            rank 4, as TensorFlow has it.
        trainable: whether optimizers train beta and gamma.
        virtual_batch_size: not supported.
        adjustment: not supported.
        name: the name of its scope.
        kwargs: `dtype`, of the variables.

    Raises:
        ValueError: an option that is not supported.
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = None,
        gamma_initializer: Any = None,
        moving_mean_initializer: Any = None,
        moving_variance_initializer: Any = None,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: Any = None,
        adjustment: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        for what, given in (
            ("renorm", renorm),
            ("virtual_batch_size", virtual_batch_size),
            ("adjustment", adjustment),
        ):
            if given:
                raise ValueError(f"batch normalization: {what} is not supported: leave it out")
        axes = np.atleast_1d(np.asarray(axis))
        if len(axes) != 1:
            raise ValueError(f"batch normalization: axis={axis}: one axis has the channels")
        self.axis = int(axes[0])
        self.momentum, self.epsilon = momentum, epsilon
        self.center, self.scale = center, scale
        self.fused = fused
        self._beta = (first_given(beta_initializer, zeros), beta_regularizer, beta_constraint)
        self._gamma = (first_given(gamma_initializer, ones), gamma_regularizer, gamma_constraint)
        self._mean = first_given(moving_mean_initializer, zeros)
        self._variance = first_given(moving_variance_initializer, ones)
        self.beta: Any = None
        self.gamma: Any = None
        self.moving_mean: Any = None
        self.moving_variance: Any = None

    def build(self, input_shape: Any) -> None:
        """Makes `gamma`, `beta`, `moving_mean` and `moving_variance`."""
        channels = input_shape[self.axis]
        if not isinstance(channels, int):
            raise ValueError(
                f"batch normalization: the channels of its input, of shape {tuple(input_shape)}, are not known"
            )
        if self.scale:
            start, regularizer, constraint = self._gamma
            self.gamma = self.add_weight("gamma", [channels], None, start, regularizer, constraint=constraint)
        if self.center:
            start, regularizer, constraint = self._beta
            self.beta = self.add_weight("beta", [channels], None, start, regularizer, constraint=constraint)
        self.moving_mean = self.add_weight("moving_mean", [channels], initializer=self._mean, trainable=False)
        self.moving_variance = self.add_weight(
            "moving_variance", [channels], initializer=self._variance, trainable=False
        )

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The output; `training` is a bool or a tensor."""
        tensor = convert_to_tensor(inputs)
        b = tensor.graph.b
        rank = len(tensor.get_shape())
        axis = self.axis % rank
        axes = tuple(a for a in range(rank) if a != axis)

        def of_batch() -> list[Tensor]:
            mean, variance = moments(tensor, axes)
            return [mean, variance]

        def running() -> list[Tensor]:
            return [b.identity(self.moving_mean), b.identity(self.moving_variance)]

        mean, variance = either(training, of_batch, running)
        if hasattr(training, "as_graph_tensor") or training:
            self._update(training, tensor, axes, mean, variance)
        statistics = [mean, variance, self.beta, self.gamma]
        if axis != rank - 1:
            shape = np.asarray([-1 if a == axis else 1 for a in range(rank)], np.int32)
            statistics = [None if t is None else b.reshape(t, shape) for t in statistics]
        mean, variance, beta, gamma = statistics
        return normalized(tensor, mean, variance, beta, gamma, self.epsilon)

    def _update(self, training: Any, x: Tensor, axes: Any, mean: Tensor, variance: Tensor) -> None:
        b = x.graph.b
        if self.fused if self.fused is not None else len(x.get_shape()) == 4:
            count = b.size_of(x, axes)
            less = b.maximum(b.subtract(count, b.like(1, x)), b.like(1, x))
            variance = b.multiply(variance, b.divide(count, less))
        share: Any = b.like(1 - self.momentum, x)
        if hasattr(training, "as_graph_tensor"):
            share = b.multiply(share, b.cast(training, dtype=x.dtype))
        for variable, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            step = b.multiply(b.subtract(variable, b.stop_gradient(value)), share)
            self.add_update(variable.assign_sub(step, name="AssignMovingAvg"))


def batch_normalization(
    inputs: Any,
    axis: Any = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = None,
    gamma_initializer: Any = None,
    moving_mean_initializer: Any = None,
    moving_variance_initializer: Any = None,
    beta_regularizer: Any = None,
    gamma_regularizer: Any = None,
    beta_constraint: Any = None,
    gamma_constraint: Any = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: Any = None,
    adjustment: Any = None,
) -> Tensor:
    """What a BatchNormalization layer makes of its input.

    Args:
        inputs: a tensor.
        axis: as of BatchNormalization, as all that is not named here.
        momentum: the same.
        epsilon: the same.
        center: the same.
        scale: the same.
        beta_initializer: the same.
        gamma_initializer: the same.
        moving_mean_initializer: the same.
        moving_variance_initializer: the same.
        beta_regularizer: the same.
        gamma_regularizer: the same.
        beta_constraint: the same.
        gamma_constraint: the same.
        training: whether the statistics are those of the batch: a bool or a tensor.
        trainable: as of BatchNormalization.
        name: the same.
        reuse: whether the variables must exist already: True, or tf.AUTO_REUSE for perhaps.
        renorm: as of BatchNormalization.
        renorm_clipping: the same.
        renorm_momentum: the same.
        fused: the same.
        virtual_batch_size: the same.
        adjustment: the same.
    """
    return applied(BatchNormalization, locals())


__all__ = ["BatchNormalization", "batch_normalization"]
