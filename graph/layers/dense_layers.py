"""Layers that see all of their input: dense, dropout, flatten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.layer import Layer, LayerOptions, first_given, last_size, zeros
from samara.graph.layers.as_function import as_function
from samara.graph.layers.shared import either, finished
from samara.graph.nn.dropping import dropout as drop

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dense(Layer):
    """The product of the input's last axis and a matrix, plus a bias, through an activation.

    Args:
        units: the size of the last axis of the output.
        activation: a function; None for none.
        use_bias: whether there is a bias.
        kernel_initializer: of the matrix; the scope's, else Glorot and Bengio's, when None.
        bias_initializer: of the bias; zeros when None.
        kernel_regularizer: a function of the matrix, whose value joins REGULARIZATION_LOSSES.
        bias_regularizer: the same of the bias.
        activity_regularizer: the same of the output.
        kernel_constraint: what optimizers apply to the matrix.
        bias_constraint: the same to the bias.
        trainable: whether optimizers train the variables.
        name: the name of its scope.
        kwargs: `dtype`, of the variables.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.units = int(units)
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.activity_regularizer = activity_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.kernel: Any = None
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` [inputs, units] and `bias` [units]."""
        self.kernel = self.add_weight(
            "kernel",
            [last_size(self, input_shape), self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                [self.units],
                initializer=first_given(self.bias_initializer, zeros),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Any) -> Any:
        """The output."""
        tensor = convert_to_tensor(inputs)
        b = tensor.graph.b
        made = b.matmul(tensor, self.kernel, name="MatMul")
        if self.use_bias:
            made = b.add(made, self.bias, name="BiasAdd")
        return finished(self, made)


dense = as_function(Dense)


class Dropout(Layer):
    """In training each element is 0 with probability `rate`, and divided by 1 - rate otherwise.

    Args:
        rate: the probability.
        noise_shape: the shape of the draws, which broadcasts; that of the input when None.
        seed: of the draws.
        name: the name of its scope.
        kwargs: of Layer.
    """

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The output; `training` is a bool or a tensor."""
        tensor = convert_to_tensor(inputs)

        def dropped() -> Tensor:
            if isinstance(self.rate, (int, float)) and self.rate == 1:
                return tensor.graph.b.zeros_like(tensor)
            return drop(tensor, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed)

        return either(training, dropped, lambda: tensor.graph.b.identity(tensor))


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: str | None = None,
) -> Tensor:
    """What a Dropout layer makes of its input."""
    made: Tensor = Dropout(rate, noise_shape, seed, name)(inputs, training=training)
    return made


class Flatten(Layer):
    """All axes but the first as one.

    Args:
        data_format: "channels_last" or "channels_first", whose channels are put last before.
        kwargs: of Layer.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format

    def call(self, inputs: Any) -> Any:
        """The output [batch, elements]."""
        tensor = convert_to_tensor(inputs)
        b = tensor.graph.b
        shape = tensor.get_shape()
        if self.data_format == "channels_first" and len(shape) > 2:
            tensor = b.transpose(tensor, permutation=(0, *range(2, len(shape)), 1))
        if len(shape) == 1:
            return b.expand_dims(tensor, axis=1)
        rest = shape[1:]
        if all(isinstance(d, int) for d in rest):
            return b.reshape(tensor, np.asarray([-1, int(np.prod(rest))], np.int32))
        return b.reshape(tensor, b.stack([b.shape(tensor)[0], np.int32(-1)], axis=0))


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """What a Flatten layer makes of its input."""
    made: Tensor = Flatten(data_format, name=name)(inputs)
    return made


__all__ = [
    "Dense",
    "Dropout",
    "Flatten",
    "dense",
    "dropout",
    "flatten",
]
