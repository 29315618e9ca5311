"""Variables of the public vocabulary, and what writes them."""

from __future__ import annotations

from typing import Any

from samara.graph.graph import Tensor
from samara.graph.variable_scope import (
    AUTO_REUSE,
    VariableScope,
    get_variable,
    get_variable_scope,
    variable_scope,
)
from samara.graph.variables import (
    Variable,
    global_variables,
    global_variables_initializer,
    group,
    trainable_variables,
    variables_initializer,
)


def assign(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that writes a variable."""
    return ref.assign(value, name)


def assign_add(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that adds to a variable."""
    return ref.assign_add(value, name)


def assign_sub(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that subtracts from a variable."""
    return ref.assign_sub(value, name)


initialize_all_variables = global_variables_initializer
initialize_variables = variables_initializer
all_variables = global_variables

__all__ = [
    "AUTO_REUSE",
    "Variable",
    "VariableScope",
    "all_variables",
    "assign",
    "assign_add",
    "assign_sub",
    "get_variable",
    "get_variable_scope",
    "global_variables",
    "global_variables_initializer",
    "group",
    "initialize_all_variables",
    "initialize_variables",
    "trainable_variables",
    "variable_scope",
    "variables_initializer",
]
