"""What the functions of the vocabulary are made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samara.graph.dtypes import as_dtype, string
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.inference import known_value
from samara.graph.ops import OPS
from samara.graph.strings import holds_text
from samara.graph.variables import Variable


def builder(*values: Any) -> Any:
    """Builds in the graph of the first tensor among the values and the lists in them, or in the default graph."""
    tensor = _first_tensor(values)
    return get_default_graph().b if tensor is None else tensor.graph.b


def _first_tensor(values: Any) -> Tensor | None:
    for value in values:
        if isinstance(value, (Tensor, Variable)):
            return value.as_graph_tensor()
        if isinstance(value, (list, tuple)):
            found = _first_tensor(value)
            if found is not None:
                return found
    return None


def sizes(shape: Any) -> Any:
    """A shape as an operand: numbers and tensors mixed."""
    if isinstance(shape, (Tensor, Variable)):
        return shape
    if isinstance(shape, (list, tuple)) and any(isinstance(d, (Tensor, Variable)) for d in shape):
        return list(shape)
    return np.asarray(shape, dtype=np.int32).reshape(-1)


def known(value: Any, what: str) -> Any:
    """Numbers that must be known when the graph is built; a tensor that says them is a constant, or made of sizes.

    Raises:
        TypeError: it is a tensor whose value is not known.
    """
    if isinstance(value, (list, tuple)):
        return [known(v, what) for v in value]
    if not hasattr(value, "as_graph_tensor"):
        return value
    tensor: Tensor = value.as_graph_tensor()
    if tensor.op.type == "constant":
        return tensor.op.a.value.tolist()
    values = known_value(tensor)
    if values is None or not all(isinstance(v, int) for v in values):
        raise TypeError(f"{what} must be known when the graph is built, {tensor.name} is data")
    return values[0] if tensor.shape == () else list(values)


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor from a tensor, variable, array, number or list."""
    kind = string if dtype is None and holds_text(value) else dtype
    tensor: Tensor = builder(value).graph.convert(value, None if kind is None else as_dtype(kind))
    return tensor


def elementwise(op: str) -> Callable[..., Tensor]:
    """A function of the vocabulary that is an op of the table, attributes left at their defaults."""
    definition = OPS[op]
    if len(definition.operands) == 1:

        def unary(x: Any, name: str | None = None) -> Any:
            if hasattr(x, "with_values"):
                return x.with_values(unary(x.values, name))
            result: Tensor = getattr(builder(x), op)(x, name=name)
            return result

        made: Callable[..., Tensor] = unary
    else:

        def binary(x: Any, y: Any, name: str | None = None) -> Tensor:
            result: Tensor = getattr(builder(x, y), op)(x, y, name=name)
            return result

        made = binary
    made.__name__ = made.__qualname__ = op
    made.__doc__ = definition.doc
    return made
