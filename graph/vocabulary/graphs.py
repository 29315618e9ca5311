"""Graphs, sessions, scopes and placeholders of the public vocabulary."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph.convert import convert_to_tensor
from samara.graph.devices import DeviceSpec
from samara.graph.dims import Dim
from samara.graph.execution.config import (
    ConfigProto,
    GPUOptions,
    GraphOptions,
    OptimizerOptions,
    RunMetadata,
    RunOptions,
)
from samara.graph.execution.session import InteractiveSession, Session, get_default_session
from samara.graph.gradients import gradients
from samara.graph.graph import (
    Graph,
    Operation,
    Tensor,
    get_default_graph,
    reset_default_graph,
)
from samara.graph.graph_def import GraphDef, NodeDef, import_graph_def
from samara.graph.own_gradients import RegisterGradient, custom_gradient
from samara.graph.shapes import Dimension, TensorShape


@contextlib.contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """Prefixes the names of operations added within; `default_name` where the name is None."""
    with get_default_graph().name_scope(name if name is not None else default_name) as scope:
        yield scope


@contextlib.contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Iterator[str]:
    """`name_scope` with the values first, as TensorFlow 0.x has it."""
    with name_scope(name, default_name, values) as scope:
        yield scope


@contextlib.contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """Asks for the device of `op` for the operations added within."""
    with get_default_graph().device(get_default_graph()._as_operation(op).device):
        yield


def device(device_name_or_function: Any) -> Any:
    """Asks for a device for the operations added within: "/cpu:0", "/gpu:1", a function of the operation, or None."""
    return get_default_graph().device(device_name_or_function)


def control_dependencies(control_inputs: Any) -> Any:
    """Operations added within run after all of `control_inputs`."""
    return get_default_graph().control_dependencies(control_inputs)


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing."""
    return get_default_graph().apply("no_op", [], name=name)


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A value that every run must be fed.

    None in the shape is a size that is not known; None for the shape means that not even the rank is.
    """
    attributes = {"dtype": dtype, "shape": shape}
    return get_default_graph().apply("placeholder", [], attributes, name=name or "Placeholder").outputs[0]


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A value that a run may be fed, and that is `input` where it is not."""
    tensor = convert_to_tensor(input)
    b = tensor.graph.b
    name = name or "PlaceholderWithDefault"
    if tensor.dtype.is_integer:
        # Shapes are not worked out from a value that may be another one.
        made: Tensor = b.where(True, tensor, tensor, name=name)
    else:
        made = b.identity(tensor, name=name)
    TensorShape(shape).assert_is_compatible_with(tensor.shape)
    made.shape = None if shape is None else TensorShape(shape)
    return made


def hessians(ys: Any, xs: Any, name: str = "hessians", **arguments: Any) -> list[Tensor]:
    """The second derivatives of the sum of `ys` with respect to each of `xs`: a tensor of shape [*x.shape, *x.shape].

    Raises:
        ValueError: the shape of one of `xs` is not known in full, or `ys` does not depend on it twice.
    """
    listed = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    made = []
    for x in listed:
        tensor = x.as_graph_tensor()
        count = tensor.get_shape().num_elements()
        if count is None:
            raise ValueError(f"hessians: the shape of {tensor.name} is not known in full")
        with tensor.graph.name_scope(name):
            b = tensor.graph.b
            (first,) = gradients(ys, [tensor], **arguments)
            rows: list[Any] = []
            flat = None if first is None else b.reshape(first, np.asarray([-1], np.int32))
            for i in builtins.range(count):
                (row,) = [None] if flat is None else gradients(flat[i], [tensor])
                rows.append(b.zeros_like(tensor) if row is None else row)
            stacked = b.stack(rows, axis=0)
            made.append(b.reshape(stacked, np.asarray([*tensor.shape, *tensor.shape], np.int32)))
    return made


def convert_n_to_tensor(values: Any, dtype: Any = None) -> list[Tensor]:
    """A tensor for each of the values."""
    return [convert_to_tensor(v, dtype) for v in values]


def is_tensor(x: Any) -> bool:
    """Whether it is a tensor or a variable."""
    return hasattr(x, "as_graph_tensor")


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The two seeds that a drawing operation of the default graph is given: the graph's and its own."""
    return get_default_graph().seed, op_seed


def disable_eager_execution() -> None:
    """Does nothing: operations are always added to a graph and run by a session."""


def enable_eager_execution(*_: Any, **__: Any) -> None:
    """Refuses: there are only graphs.

    Raises:
        GraphError: always.
    """
    raise GraphError("operations are added to a graph and run by a session; there is no eager execution")


def executing_eagerly() -> bool:
    """False."""
    return False


def disable_v2_behavior() -> None:
    """Does nothing: the vocabulary is that of version 1."""


def disable_resource_variables() -> None:
    """Does nothing: a variable is read at the moment when what reads it runs."""


def enable_resource_variables() -> None:
    """Does nothing: a variable is read at the moment when what reads it runs."""


__all__ = [
    "ConfigProto",
    "DeviceSpec",
    "Dim",
    "Dimension",
    "GPUOptions",
    "Graph",
    "GraphDef",
    "GraphOptions",
    "InteractiveSession",
    "NodeDef",
    "Operation",
    "OptimizerOptions",
    "RegisterGradient",
    "RunMetadata",
    "RunOptions",
    "Session",
    "Tensor",
    "TensorShape",
    "colocate_with",
    "control_dependencies",
    "convert_n_to_tensor",
    "convert_to_tensor",
    "custom_gradient",
    "device",
    "disable_eager_execution",
    "disable_resource_variables",
    "disable_v2_behavior",
    "enable_eager_execution",
    "enable_resource_variables",
    "executing_eagerly",
    "get_default_graph",
    "get_default_session",
    "get_seed",
    "gradients",
    "hessians",
    "import_graph_def",
    "is_tensor",
    "name_scope",
    "no_op",
    "op_scope",
    "placeholder",
    "placeholder_with_default",
    "reset_default_graph",
]
