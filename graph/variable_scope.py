"""Variables that are shared by name: `variable_scope` and `get_variable`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph import dims
from samara.graph.dtypes import as_dtype, float32
from samara.graph.graph import Graph, get_default_graph
from samara.graph.variables import Variable

AUTO_REUSE: Any = type("AutoReuse", (), {"__repr__": lambda self: "AUTO_REUSE"})()

_SCOPE = "variable_scope"
_BY_NAME = "variables_by_name"


class VariableScope:
    """Where `get_variable` looks.

    Attributes:
        name: what the names of its variables start with, without the last "/"; "" for none.
        reuse: False when variables are made, True when they must exist, AUTO_REUSE for whichever is needed.
        initializer: the one of variables that name none.
    """

    def __init__(self, name: str, reuse: Any, initializer: Any) -> None:
        self.name = name
        self.reuse = reuse
        self.initializer = initializer

    def reuse_variables(self) -> None:
        """From now on variables must exist."""
        self.reuse = True


def get_variable_scope() -> VariableScope:
    """The innermost scope of the default graph."""
    scopes = get_default_graph().get_collection_ref(_SCOPE)
    if not scopes:
        scopes.append(VariableScope("", False, None))
    scope: VariableScope = scopes[-1]
    return scope


@contextlib.contextmanager
def variable_scope(
    name_or_scope: str | VariableScope | None,
    default_name: str | None = None,
    values: Any = None,
    *,
    initializer: Any = None,
    reuse: Any = None,
) -> Iterator[VariableScope]:
    """Prefixes the names of variables that `get_variable` finds or makes within, and those of operations.

    Args:
        name_or_scope: a name within the surrounding scope, or a scope to open again.
        default_name: the name, made unique, when name_or_scope is None.
        values: not used.
        initializer: of variables that name none; that of the surrounding scope when None.
        reuse: True, AUTO_REUSE, or None to inherit.
    """
    graph = get_default_graph()
    outer = get_variable_scope()
    if isinstance(name_or_scope, VariableScope):
        name, label = name_or_scope.name, name_or_scope.name.rpartition("/")[2]
        outer = name_or_scope
    else:
        label = name_or_scope if name_or_scope is not None else _unused(graph, outer.name, default_name)
        name = f"{outer.name}/{label}" if outer.name else label
    inherited = outer.reuse if reuse is None or outer.reuse is True else reuse
    scope = VariableScope(name, inherited, initializer or outer.initializer)
    scopes = graph.get_collection_ref(_SCOPE)
    scopes.append(scope)
    try:
        with graph.name_scope(label):
            yield scope
    finally:
        scopes.pop()


def get_variable(
    name: str,
    shape: Sequence[int] | int | None = None,
    dtype: Any = float32,
    *,
    initializer: Any = None,
    trainable: bool = True,
    collections: Sequence[str] | None = None,
) -> Variable:
    """The variable of that name in the current scope: a new one, or the one that exists when the scope reuses.

    Args:
        name: its name within the scope.
        shape: its shape; not needed when `initializer` is a value.
        dtype: its element type.
        initializer: a function of (shape, dtype=), or the initial value; the scope's when None, else Glorot and
            Bengio's uniform draw ("Understanding the difficulty of training deep feedforward neural networks", 2010).
        trainable: whether optimizers train it.
        collections: the collections that it joins; that of all variables when None.

    Raises:
        GraphError: it exists and the scope does not reuse, or it does not exist and the scope does.
        ValueError: its shape is not given, or is not that of the existing one.
    """
    graph = get_default_graph()
    if not isinstance(name, str):
        raise TypeError(f"get_variable: name={name!r}: expected a text")
    while graph.outer is not None:
        graph = graph.outer
    scope = get_variable_scope()
    full = f"{scope.name}/{name}" if scope.name else name
    known = graph.get_collection_ref(_BY_NAME)
    existing = next((v for key, v in known if key == full), None)
    wanted = None if shape is None else _fixed_shape(full, shape)
    if existing is not None:
        if scope.reuse is False:
            raise GraphError(
                f"variable {full!r} exists already{_made(existing)}: to share it, use variable_scope(..., reuse=True)"
            )
        found: Variable = existing
        if wanted is not None and wanted != tuple(found.shape):
            raise ValueError(f"variable {full!r} has shape {dims.text(found.shape)}, not {list(wanted)}")
        return found
    if scope.reuse is True:
        raise GraphError(f"variable {full!r} does not exist, and the scope only reuses variables")
    initializer = initializer if initializer is not None else scope.initializer
    if isinstance(initializer, str):
        raise TypeError(f"variable {full!r}: initializer is {initializer!r}: expected a function, or numbers")
    element = as_dtype(dtype)
    value: Any
    with graph.as_default(), graph.name_scope(None), graph.control_dependencies(None):
        if initializer is not None and not callable(initializer):
            value = initializer
            given = initializer.shape if hasattr(initializer, "shape") else np.shape(initializer)
            if wanted is not None and given is not None and tuple(given) != wanted:
                raise ValueError(
                    f"variable {full!r} is to have shape {list(wanted)}, its initial value has "
                    f"{dims.text(tuple(given))}: leave out shape=, or give a function of the shape as its initializer"
                )
        elif wanted is None:
            raise ValueError(f"variable {full!r} needs a shape, or an initial value that has one")
        else:
            value = (initializer or _glorot_uniform)(wanted, dtype=element)
        made = Variable(value, trainable, name=full, dtype=element, collections=collections)
    known.append((full, made))
    return made


def _fixed_shape(name: str, shape: Any) -> tuple[int, ...]:
    try:
        return tuple(int(d) for d in np.atleast_1d(np.asarray(shape, dtype=np.int64)))
    except (TypeError, ValueError):
        message = f"variable {name!r} is to have shape {shape!r}: expected whole numbers, as in [3, 2]"
        raise TypeError(message) from None


def _glorot_uniform(shape: tuple[int, ...], dtype: Any) -> Any:
    b = get_default_graph().b
    if not dtype.is_floating:
        return np.zeros(shape, dtype.numpy)
    taps = int(np.prod(shape[:-2], dtype=np.int64))
    inputs, outputs = (shape[-2], shape[-1]) if len(shape) > 1 else (sum(shape[-1:]) or 1,) * 2
    limit = float(np.sqrt(6.0 / max(1, taps * (inputs + outputs))))
    return b.random_uniform(np.asarray(shape, np.int32), minimum=-limit, maximum=limit, dtype=dtype)


def _unused(graph: Graph, outer: str, default_name: str | None) -> str:
    if default_name is None:
        raise TypeError("variable_scope needs a name or a default_name")
    prefix = f"{outer}/" if outer else ""
    taken = {key for key, _ in graph.get_collection(_BY_NAME)}
    count, label = 0, default_name
    while any(key.startswith(f"{prefix}{label}/") for key in taken):
        count += 1
        label = f"{default_name}_{count}"
    return label


def _made(variable: Variable) -> str:
    return f" (made at {variable.op.source})" if variable.op.source else ""
