"""Graphs, sessions, scopes and placeholders of the public vocabulary."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from samara.graph.config import (
    ConfigProto,
    GPUOptions,
    GraphOptions,
    OptimizerOptions,
    RunMetadata,
    RunOptions,
)
from samara.graph.convert import convert_to_tensor
from samara.graph.devices import DeviceSpec
from samara.graph.dims import Dim
from samara.graph.gradients import gradients
from samara.graph.graph import (
    Graph,
    Operation,
    Tensor,
    TensorShape,
    get_default_graph,
    reset_default_graph,
)
from samara.graph.session import InteractiveSession, Session, get_default_session


@contextlib.contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """Prefixes the names of operations added within."""
    with get_default_graph().name_scope(name if name is not None else default_name) as scope:
        yield scope


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


__all__ = [
    "ConfigProto",
    "DeviceSpec",
    "Dim",
    "GPUOptions",
    "Graph",
    "GraphOptions",
    "InteractiveSession",
    "Operation",
    "OptimizerOptions",
    "RunMetadata",
    "RunOptions",
    "Session",
    "Tensor",
    "TensorShape",
    "control_dependencies",
    "convert_to_tensor",
    "device",
    "get_default_graph",
    "get_default_session",
    "gradients",
    "name_scope",
    "no_op",
    "placeholder",
    "reset_default_graph",
]
