"""Builds operations by the names of the op table: what gradients, passes and the public functions are written with.

`b.conv2d(x, filter, strides=(2, 2))` adds the op called conv2d: inputs by position in the order of the table,
attributes by keyword, `name=` for the operation. It returns the output, a list of outputs when the op has several,
or the operation when it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.graph import dims
from samara.graph.dtypes import DType
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.inference import known_value
from samara.graph.ops import OPS


class Builder:
    """See the module."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __getattr__(self, op: str) -> Callable[..., Any]:
        if op not in OPS:
            raise AttributeError(f"the op table has no {op!r}")

        def build(*inputs: Any, name: str | None = None, **attributes: Any) -> Any:
            return result_of(self.graph.apply(op, inputs, attributes, name=name))

        return build

    def constant(self, value: Any, dtype: DType | None = None) -> Tensor:
        """A constant; `dtype` None takes that of the value."""
        return self.graph.convert(value, dtype)

    def like(self, value: float, tensor: Tensor) -> Tensor:
        """A scalar of the dtype of `tensor`, for arithmetic that broadcasts."""
        return self.graph.convert(np.asarray(value, dtype=tensor.dtype.numpy))

    def sizes(self, tensor: Tensor) -> Any:
        """The shape of a tensor as an operand: a constant when it is known, else the op `shape`."""
        if tensor.shape is not None and all(isinstance(d, int) for d in tensor.shape):
            return np.asarray(tensor.shape, dtype=np.int32)
        return self.shape(tensor)

    def zeros_like(self, tensor: Tensor) -> Tensor:
        """Zeros of the shape and dtype of `tensor`."""
        return self.filled(tensor, 0)

    def ones_like(self, tensor: Tensor) -> Tensor:
        """Ones of the shape and dtype of `tensor`."""
        return self.filled(tensor, 1)

    def filled(self, tensor: Tensor, value: float) -> Tensor:
        """A tensor of the shape and dtype of `tensor` with one value everywhere."""
        scalar = self.like(value, tensor)
        if tensor.shape == ():
            return scalar
        made: Tensor = self.broadcast_to(scalar, self.sizes(tensor))
        return made

    def size_of(self, tensor: Tensor, axes: Sequence[int]) -> Tensor:
        """The number of elements along `axes`, as a scalar of the dtype of `tensor`."""
        if tensor.shape is not None:
            count = dims.product([tensor.shape[a] for a in axes])
            if isinstance(count, int):
                return self.like(count, tensor)
        sizes = self.gather(self.shape(tensor), np.asarray(list(axes), dtype=np.int32), axis=0)
        counted: Tensor = self.cast(self.reduce_prod(sizes, axes=(0,)), dtype=tensor.dtype)
        return counted

    def unbroadcast(self, grad: Tensor, tensor: Tensor) -> Tensor:
        """Sums a gradient over the axes along which `tensor` was broadcast, so that it has its shape."""
        if grad.shape is not None and grad.shape == tensor.shape:
            return grad
        if grad.shape is None or tensor.shape is None:
            summed: Tensor = self.sum_to(grad, self.shape(tensor))
            return summed
        lead = len(grad.shape) - len(tensor.shape)
        axes = list(range(lead))
        for axis, size in enumerate(tensor.shape):
            other = grad.shape[lead + axis]
            if size == 1 and other != 1:
                axes.append(lead + axis)
            elif size != other and not isinstance(size, int) and dims.bounds(size)[0] <= 1:
                summed = self.sum_to(grad, self.shape(tensor))
                return summed
        if axes:
            grad = self.reduce_sum(grad, axes=tuple(axes), keepdims=True)
        if lead:
            grad = self.squeeze(grad, axes=tuple(range(lead)))
        return grad

    def known_value(self, tensor: Tensor) -> tuple[dims.Dimension, ...] | None:
        """The elements of a small integer tensor, when the graph determines them."""
        return known_value(tensor)


def result_of(op: Operation) -> Any:
    """What building an op gives: its output, its outputs, or the operation itself."""
    if not op.outputs:
        return op
    if len(op.outputs) == 1 and not op.definition.results[0].variadic:
        return op.outputs[0]
    return list(op.outputs)
