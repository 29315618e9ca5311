"""Variables of contrib: those of a model, found by scope, and their values from checkpoints and arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samara.errors import CheckpointError
from samara.graph import dims
from samara.graph.collections import GraphKeys
from samara.graph.contrib.arguments import add_arg_scope
from samara.graph.graph import Operation, get_default_graph
from samara.graph.train.checkpoint_state import load_checkpoint
from samara.graph.train.saver import Saver
from samara.graph.variable_scope import VariableScope, get_variable
from samara.graph.variables import Variable, group


@add_arg_scope
def variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Any = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    use_resource: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Variable:
    """`get_variable`, on a device, which joins further collections."""
    listed = [collections] if isinstance(collections, str) else list(collections or [])
    joined = list(dict.fromkeys([*listed, GraphKeys.GLOBAL_VARIABLES])) if collections is not None else None
    graph = get_default_graph()
    with graph.device(device or ""):
        return get_variable(
            name,
            shape,
            dtype,
            initializer,
            regularizer,
            trainable,
            joined,
            partitioner=partitioner,
            custom_getter=custom_getter,
        )


@add_arg_scope
def model_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Any = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    use_resource: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Variable:
    """`variable` that belongs to the model: it joins MODEL_VARIABLES."""
    made = variable(
        name,
        shape,
        dtype,
        initializer,
        regularizer,
        trainable,
        collections,
        device=device,
        partitioner=partitioner,
        custom_getter=custom_getter,
    )
    add_model_variable(made)
    return made


def global_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: Any = None
) -> Variable:
    """A variable that is saved, and not trained."""
    return Variable(initial_value, trainable=False, validate_shape=validate_shape, name=name)


def local_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: Any = None
) -> Variable:
    """A variable that is neither saved nor trained."""
    return Variable(
        initial_value,
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES],
        validate_shape=validate_shape,
        name=name,
    )


def add_model_variable(var: Variable) -> None:
    """Says that a variable belongs to the model."""
    held = var.graph.get_collection_ref(GraphKeys.MODEL_VARIABLES)
    if all(v is not var for v in held):
        held.append(var)


def get_variables(
    scope: Any = None, suffix: str | None = None, collection: str = GraphKeys.GLOBAL_VARIABLES
) -> list[Variable]:
    """The variables of a collection whose names begin with a scope and end with a suffix."""
    start = scope.name if isinstance(scope, VariableScope) else scope
    pattern = None
    if start is not None or suffix is not None:
        pattern = (start or "") + (f".*{re.escape(suffix)}(:0)?$" if suffix is not None else "")
    return get_default_graph().get_collection(collection, pattern)


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Variable]:
    """Those of MODEL_VARIABLES; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Variable]:
    """Those of LOCAL_VARIABLES; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Variable]:
    """Those of TRAINABLE_VARIABLES; see `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Variable]:
    """The variables of that name within a scope, or within scopes in it."""
    found = get_variables(scope)
    return [v for v in found if v.op.name == given_name or v.op.name.endswith(f"/{given_name}")]


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Variable]:
    """The variables whose names end with a text."""
    return get_variables(scope, suffix)


def get_unique_variable(var_op_name: str) -> Variable:
    """The variable of that name, with its scopes.

    Raises:
        ValueError: there is none.
    """
    for found in get_variables():
        if found.op.name == var_op_name:
            return found
    raise ValueError(f"there is no variable {var_op_name!r}")


def filter_variables(
    var_list: Sequence[Variable],
    include_patterns: Sequence[str] | None = None,
    exclude_patterns: Sequence[str] | None = None,
    reg_search: bool = True,
) -> list[Variable]:
    """The variables whose names one of some patterns fits, and none of others.

    Args:
        var_list: the variables.
        include_patterns: regular expressions; all variables when None.
        exclude_patterns: regular expressions.
        reg_search: whether a pattern fits anywhere in the name, and not only at its beginning.
    """
    fits: Callable[..., Any] = re.search if reg_search else re.match
    included = [
        v for v in var_list if include_patterns is None or any(fits(p, v.op.name) for p in include_patterns)
    ]
    return [v for v in included if not any(fits(p, v.op.name) for p in exclude_patterns or ())]


def get_variables_to_restore(
    include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
) -> list[Variable]:
    """The variables within some scopes, and not within others.

    Raises:
        TypeError: one of the lists is a text.
    """
    for what, given in (("include", include), ("exclude", exclude)):
        if isinstance(given, str):
            raise TypeError(f"get_variables_to_restore: {what} is the text {given!r}: give a list")
    found = (
        get_variables()
        if include is None
        else list(dict.fromkeys(v for scope in include for v in get_variables(scope)))
    )
    left_out = {v for scope in exclude or () for v in get_variables(scope)}
    return [v for v in found if v not in left_out]


VariableMap = Any


def assign_from_values(var_names_to_values: Mapping[str, Any]) -> tuple[Operation, dict[Any, Any]]:
    """An operation that gives variables values, and what it must be fed.

    Raises:
        ValueError: there is no such variable, or a value has not its shape.
    """
    updates, feeds = [], {}
    by_name = {v.op.name: v for v in get_variables()}
    for name, value in var_names_to_values.items():
        if name not in by_name:
            raise ValueError(f"there is no variable {name!r}")
        made = by_name[name]
        array = np.asarray(value, made.dtype.numpy)
        if not made.get_shape().is_compatible_with(array.shape):
            raise ValueError(
                f"variable {name!r} has shape {dims.text(made.shape)}, its value {list(array.shape)}"
            )
        fed = made.graph.apply("placeholder", [], {"dtype": made.dtype, "shape": array.shape}).outputs[0]
        updates.append(made.assign(fed))
        feeds[fed] = array
    return group(*updates), feeds


def assign_from_values_fn(var_names_to_values: Mapping[str, Any]) -> Callable[[Any], None]:
    """A function of a session that gives variables values; see `assign_from_values`."""
    update, feeds = assign_from_values(var_names_to_values)

    def give(session: Any) -> None:
        session.run(update, feeds)

    return give


def assign_from_checkpoint(
    model_path: str | Path, var_list: VariableMap, ignore_missing_vars: bool = False
) -> tuple[Operation, dict[Any, Any]]:
    """An operation that gives variables the values of a checkpoint, and what it must be fed.

    Args:
        model_path: the prefix of the checkpoint.
        var_list: variables, or a mapping from their names in the checkpoint.
        ignore_missing_vars: whether those that it has not are left alone.

    Raises:
        CheckpointError: there is no such checkpoint, or it lacks a variable.
        ValueError: a value has another shape.
    """
    reader = load_checkpoint(model_path)
    values = {}
    for name, made in _there(reader, model_path, var_list, ignore_missing_vars).items():
        values[made.op.name] = reader.get_tensor(name)
    return assign_from_values(values)


def assign_from_checkpoint_fn(
    model_path: str | Path,
    var_list: VariableMap,
    ignore_missing_vars: bool = False,
    reshape_variables: bool = False,
) -> Callable[[Any], None]:
    """A function of a session that gives variables the values of a checkpoint: what `init_fn` wants.

    Args:
        model_path: the prefix of the checkpoint.
        var_list: variables, or a mapping from their names in the checkpoint.
        ignore_missing_vars: whether those that it has not are left alone.
        reshape_variables: whether a value of another shape, and as many elements, is taken.

    Raises:
        CheckpointError: there is no such checkpoint, or it lacks a variable.
    """
    reader = load_checkpoint(model_path)
    there = _there(reader, model_path, var_list, ignore_missing_vars)
    saver = Saver(there, reshape=reshape_variables, allow_empty=True, random_states=False)

    def restore(session: Any) -> None:
        if there:
            saver.restore(session, model_path)

    return restore


def _there(reader: Any, path: Any, var_list: VariableMap, ignore: bool) -> dict[str, Variable]:
    wanted = dict(var_list) if isinstance(var_list, Mapping) else {v.op.name: v for v in var_list}
    missing = [name for name in wanted if not reader.has_tensor(name)]
    if missing and not ignore:
        raise CheckpointError(f"the checkpoint {path} has no {', '.join(missing)}")
    return {name: v for name, v in wanted.items() if name not in missing}


__all__ = [
    "add_model_variable",
    "assign_from_checkpoint",
    "assign_from_checkpoint_fn",
    "assign_from_values",
    "assign_from_values_fn",
    "filter_variables",
    "get_local_variables",
    "get_model_variables",
    "get_trainable_variables",
    "get_unique_variable",
    "get_variables",
    "get_variables_by_name",
    "get_variables_by_suffix",
    "get_variables_to_restore",
    "global_variable",
    "local_variable",
    "model_variable",
    "variable",
]
