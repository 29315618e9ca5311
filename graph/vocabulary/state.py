"""Variables of the public vocabulary, and what writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.collections import GraphKeys
from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import string
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.variable_scope import (
    AUTO_REUSE,
    VariableScope,
    get_local_variable,
    get_variable,
    get_variable_scope,
    no_regularizer,
    variable_op_scope,
    variable_scope,
)
from samara.graph.variables import (
    Variable,
    global_variables,
    global_variables_initializer,
    group,
    local_variables,
    local_variables_initializer,
    model_variables,
    moving_average_variables,
    trainable_variables,
    tuple,
    variables_initializer,
)


def assign(
    ref: Variable, value: Any, validate_shape: Any = None, use_locking: Any = None, name: str | None = None
) -> Tensor:
    """An operation that writes a variable; its output is the value written."""
    return ref.assign(value, name=name)


def assign_add(ref: Variable, value: Any, use_locking: Any = None, name: str | None = None) -> Tensor:
    """An operation that adds to a variable; its output is the sum."""
    return ref.assign_add(value, name=name)


def assign_sub(ref: Variable, value: Any, use_locking: Any = None, name: str | None = None) -> Tensor:
    """An operation that subtracts from a variable; its output is the difference."""
    return ref.assign_sub(value, name=name)


def count_up_to(ref: Variable, limit: int, name: str | None = None) -> Tensor:
    """An operation that adds 1 to a variable and gives the value from before; at `limit` it is an error of the run."""
    return ref.count_up_to(limit)


def _rows(ref: Variable, indices: Any, updates: Any, reduction: str, name: str | None) -> Tensor:
    """Writes a variable whose rows `indices` are joined with `updates`, a row or a number for each."""
    tensor = ref.as_graph_tensor()
    b = tensor.graph.b
    places = convert_to_tensor(indices)
    updates = b.constant(updates, tensor.dtype)
    if updates.shape == () and tensor.shape is not None and places.shape is not None:
        row = b.sizes(tensor)[1:] if not isinstance(b.sizes(tensor), Tensor) else b.shape(tensor)[1:]
        updates = b.broadcast_to(updates, b.concat([b.sizes(places), row], axis=0))
    joined = b.scatter_nd(tensor, b.expand_dims(places, axis=-1), updates, reduction=reduction)
    return ref.assign(joined, name=name)


def scatter_update(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = True, name: str | None = None
) -> Tensor:
    """Writes `updates` to rows of a variable; the output is the variable's new value."""
    return _rows(ref, indices, updates, "none", name)


def scatter_add(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None
) -> Tensor:
    """Adds `updates` to rows of a variable, repeated ones too; the output is the variable's new value."""
    return _rows(ref, indices, updates, "add", name)


def scatter_sub(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None
) -> Tensor:
    """Subtracts `updates` from rows of a variable, repeated ones too; the output is the variable's new value."""
    return _rows(ref, indices, builder(ref).negative(builder(ref).constant(updates, ref.dtype)), "add", name)


def scatter_mul(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None
) -> Tensor:
    """Multiplies rows of a variable with `updates`; the output is the variable's new value."""
    return _rows(ref, indices, updates, "multiply", name)


def scatter_div(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None
) -> Tensor:
    """Divides rows of a variable by `updates`; the output is the variable's new value.

    A row that is named more than once is divided by the product of its updates.
    """
    tensor = ref.as_graph_tensor()
    b = tensor.graph.b
    places = b.expand_dims(convert_to_tensor(indices), axis=-1)
    divisor = b.scatter_nd(
        b.ones_like(tensor), places, b.constant(updates, tensor.dtype), reduction="multiply"
    )
    divided = b.truncate_divide(tensor, divisor) if tensor.dtype.is_integer else b.divide(tensor, divisor)
    return ref.assign(divided, name=name)


def scatter_max(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None
) -> Tensor:
    """Rows of a variable become the larger of themselves and `updates`; the output is the variable's new value."""
    return _rows(ref, indices, updates, "maximum", name)


def scatter_min(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None
) -> Tensor:
    """Rows of a variable become the smaller of themselves and `updates`; the output is the variable's new value."""
    return _rows(ref, indices, updates, "minimum", name)


def scatter_nd_update(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = True, name: str | None = None
) -> Tensor:
    """Writes `updates` to the slices of a variable that tuples of indices name; the output is its new value."""
    b = builder(ref)
    return ref.assign(b.scatter_nd(ref, indices, updates), name=name)


def scatter_nd_add(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None
) -> Tensor:
    """Adds `updates` to the slices of a variable that tuples of indices name; the output is its new value."""
    b = builder(ref)
    return ref.assign(b.scatter_nd(ref, indices, updates, reduction="add"), name=name)


def scatter_nd_sub(
    ref: Variable, indices: Any, updates: Any, use_locking: Any = False, name: str | None = None
) -> Tensor:
    """Subtracts `updates` from the slices of a variable that tuples of indices name; the output is its new value."""
    b = builder(ref)
    less = b.negative(b.constant(updates, ref.dtype))
    return ref.assign(b.scatter_nd(ref, indices, less, reduction="add"), name=name)


def add_to_collection(name: str, value: Any) -> None:
    """Appends to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Appends to each of several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """What a collection of the default graph holds; only what has a name that `scope` begins."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: str) -> list[Any]:
    """A collection of the default graph itself."""
    return get_default_graph().get_collection_ref(key)


def is_variable_initialized(variable: Variable) -> Tensor:
    """Whether a variable has a value in the session that runs this."""
    found: Tensor = builder(variable).is_variable_initialized(variable)
    return found


def assert_variables_initialized(var_list: Sequence[Variable] | None = None) -> Tensor:
    """An operation that fails unless all variables (all of the graph's when None) have a value."""
    listed = global_variables() + local_variables() if var_list is None else list(var_list)
    b = builder(listed)
    together = b.stack([is_variable_initialized(v) for v in listed])
    names = ", ".join(v.op.name for v in listed)
    checked: Tensor = b.check_all(
        together, together, message=f"of these variables some have no value: {names}"
    )
    return checked


def report_uninitialized_variables(
    var_list: Sequence[Variable] | None = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """The names of the variables, of all of the graph's when None, that have no value: texts."""
    listed = global_variables() + local_variables() if var_list is None else list(var_list)
    names = [v.op.name for v in listed]

    def missing(xp: Any, dtypes: Any, *held: Any) -> list[Any]:
        left = [n.encode() for n, h in zip(names, held, strict=True) if not bool(h)]
        return [np.asarray(left, dtype=object)]

    b = get_default_graph().b
    states = [is_variable_initialized(v) for v in listed]
    (found,) = b.python_function(states, function=missing, output_types=(string,), name=name)
    found.set_shape([None])
    made: Tensor = found
    return made


initialize_all_variables = global_variables_initializer
initialize_local_variables = local_variables_initializer
initialize_variables = variables_initializer
all_variables = global_variables

__all__ = [
    "AUTO_REUSE",
    "GraphKeys",
    "Variable",
    "VariableScope",
    "add_to_collection",
    "add_to_collections",
    "all_variables",
    "assert_variables_initialized",
    "assign",
    "assign_add",
    "assign_sub",
    "count_up_to",
    "get_collection",
    "get_collection_ref",
    "get_local_variable",
    "get_variable",
    "get_variable_scope",
    "global_variables",
    "global_variables_initializer",
    "group",
    "initialize_all_variables",
    "initialize_local_variables",
    "initialize_variables",
    "is_variable_initialized",
    "local_variables",
    "local_variables_initializer",
    "model_variables",
    "moving_average_variables",
    "no_regularizer",
    "report_uninitialized_variables",
    "scatter_add",
    "scatter_div",
    "scatter_max",
    "scatter_min",
    "scatter_mul",
    "scatter_nd_add",
    "scatter_nd_sub",
    "scatter_nd_update",
    "scatter_sub",
    "scatter_update",
    "trainable_variables",
    "tuple",
    "variable_op_scope",
    "variable_scope",
    "variables_initializer",
]
