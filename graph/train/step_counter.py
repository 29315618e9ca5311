"""The variable that counts the steps of training, one in each graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph.graph import Graph, get_default_graph
from samara.graph.variables import GLOBAL_VARIABLES, Variable

GLOBAL_STEP = "global_step"


def get_global_step(graph: Graph | None = None) -> Variable | None:
    """The graph's step counter, or None.

    It is what the collection "global_step" holds, or else a variable called global_step.

    Raises:
        GraphError: the collection holds more than one.
        TypeError: it is no scalar integer variable.
    """
    graph = get_default_graph() if graph is None else graph
    found = graph.get_collection(GLOBAL_STEP)
    if not found:
        found = [v for v in graph.get_collection(GLOBAL_VARIABLES) if v.op.name == GLOBAL_STEP]
    if len(found) > 1:
        raise GraphError(
            f"the graph has {len(found)} step counters, {', '.join(v.name for v in found)}: leave one"
        )
    if not found:
        return None
    assert_global_step(found[0])
    counter: Variable = found[0]
    return counter


def create_global_step(graph: Graph | None = None) -> Variable:
    """A new step counter, a scalar int64 variable called global_step that starts from 0.

    Raises:
        GraphError: the graph has one already.
    """
    graph = get_default_graph() if graph is None else graph
    existing = get_global_step(graph)
    if existing is not None:
        raise GraphError(f"the graph already has the step counter {existing.name}: use get_global_step")
    with graph.as_default(), graph.name_scope(None):
        return Variable(
            np.int64(0), trainable=False, name=GLOBAL_STEP, collections=[GLOBAL_VARIABLES, GLOBAL_STEP]
        )


def get_or_create_global_step(graph: Graph | None = None) -> Variable:
    """The graph's step counter; a new one when it has none."""
    existing = get_global_step(graph)
    return create_global_step(graph) if existing is None else existing


def assert_global_step(global_step_tensor: Any) -> None:
    """Refuses what cannot count steps.

    Raises:
        TypeError: it is no scalar integer variable or tensor.
    """
    tensor = global_step_tensor.as_graph_tensor()
    if not tensor.dtype.is_integer or tensor.shape != ():
        raise TypeError(f"{tensor!r} cannot count steps: a scalar of int32 or int64 is needed")


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The number of steps that a session has done."""
    return int(sess.run(global_step_tensor))
