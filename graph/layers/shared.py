"""What several layers are made with."""

from __future__ import annotations

from typing import Any

from samara.graph.control import known_bool
from samara.graph.dtypes import bool_
from samara.graph.vocabulary.control_flow import cond


def finished(layer: Any, made: Any) -> Any:
    """What a layer gives, through its activation; noted where the activity is regularized."""
    if layer.activation is not None:
        made = layer.activation(made)
    if layer.activity_regularizer is not None:
        loss = layer.activity_regularizer(made)
        if loss is not None:
            layer.add_loss(loss)
    return made


def either(flag: Any, yes: Any, no: Any) -> Any:
    """`yes()` or `no()`: by a Python value at once, by a tensor when the graph runs."""
    if hasattr(flag, "as_graph_tensor"):
        tensor = flag.as_graph_tensor()
        if tensor.dtype is not bool_:
            tensor = tensor.graph.b.cast(tensor, dtype=bool_)
        known = known_bool(tensor)
        if known is None:
            return cond(tensor, yes, no)
        flag = known
    return yes() if flag else no()
