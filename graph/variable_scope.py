"""Variables that are shared by name: `variable_scope` and `get_variable`."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from samara.errors import SharingError
from samara.graph import dims, initializers
from samara.graph.collections import GraphKeys
from samara.graph.dtypes import as_dtype, float32
from samara.graph.graph import Graph, get_default_graph
from samara.graph.variables import Variable

AUTO_REUSE: Any = type("AutoReuse", (), {"__repr__": lambda self: "AUTO_REUSE"})()

# What a graph keeps for `get_variable`, among its collections.
_SCOPE = "__variable_scope"
_BY_NAME = "__variables_by_name"
_COUNTS = "__variable_scopes_opened"


class VariableScope:
    """Where `get_variable` looks.

    Attributes:
        name: what the names of its variables start with, without the last "/"; "" for none.
        reuse: False when variables are made, True when they must exist, AUTO_REUSE for whichever is needed.
        initializer: the one of variables that name none.
        regularizer: the one of variables that name none.
        custom_getter: what finds or makes its variables, called with the function that would.
        dtype: the element type of variables that name none.
        original_name_scope: the name scope in which it was opened first, with the last "/".
    """

    def __init__(
        self,
        name: str,
        reuse: Any = False,
        initializer: Any = None,
        regularizer: Any = None,
        custom_getter: Any = None,
        dtype: Any = float32,
    ) -> None:
        self.name = name
        self.reuse = reuse
        self.initializer = initializer
        self.regularizer = regularizer
        self.custom_getter = custom_getter
        self.dtype = dtype
        self.original_name_scope = ""

    def reuse_variables(self) -> None:
        """From now on variables must exist."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Sets the initializer of variables that name none."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the regularizer of variables that name none."""
        self.regularizer = regularizer

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Sets what finds or makes variables."""
        self.custom_getter = custom_getter

    def get_collection(self, name: str) -> list[Any]:
        """What of a collection is within this scope."""
        found = _home().get_collection(name)
        return [v for v in found if not self.name or v.name.startswith(f"{self.name}/")]

    def global_variables(self) -> list[Variable]:
        """All variables within this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def trainable_variables(self) -> list[Variable]:
        """Those within this scope that optimizers train."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def __repr__(self) -> str:
        return f"<VariableScope {self.name!r}>"


def _home() -> Graph:
    """The default graph, or the one around the body that is being traced: variables live there."""
    graph = get_default_graph()
    while graph.outer is not None:
        graph = graph.outer
    return graph


def get_variable_scope() -> VariableScope:
    """The innermost scope of the default graph."""
    scopes = _home().get_collection_ref(_SCOPE)
    if not scopes:
        scopes.append(VariableScope(""))
    scope: VariableScope = scopes[-1]
    return scope


def _counts(graph: Graph) -> dict[str, int]:
    """How often each scope was opened, within the innermost one that surrounds it."""
    held = graph.get_collection_ref(_COUNTS)
    if not held:
        held.append({})
    counts: dict[str, int] = held[0]
    return counts


@contextlib.contextmanager
def variable_scope(
    name_or_scope: str | VariableScope | None,
    default_name: str | None = None,
    values: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: Any = None,
    constraint: Any = None,
    auxiliary_name_scope: bool = True,
) -> Iterator[VariableScope]:
    """Prefixes the names of variables that `get_variable` finds or makes within, and those of operations.

    Args:
        name_or_scope: a name within the surrounding scope, or a scope to open again.
        default_name: the name, made unique, when name_or_scope is None.
        values: the tensors that are used within; not needed.
        initializer: of variables that name none; that of the surrounding scope when None.
        regularizer: of variables that name none; that of the surrounding scope when None.
        caching_device: has no meaning here.
        partitioner: not supported: variables are whole.
        custom_getter: `custom_getter(getter, name, **arguments)` finds or makes the variables, where
            `getter(name, **arguments)` is what would otherwise.
        reuse: True, AUTO_REUSE, or None to inherit.
        dtype: the element type of variables that name none.
        use_resource: has no meaning here.
        constraint: given to the variables.
        auxiliary_name_scope: whether the names of operations are prefixed too.

    Raises:
        SharingError: `reuse=True` of a scope that is to be made unique.
        ValueError: there is a partitioner.
    """
    if partitioner is not None:
        raise ValueError("variable_scope: variables are whole; leave partitioner out")
    graph, home = get_default_graph(), _home()
    surrounding = outer = get_variable_scope()
    counts = _counts(home)
    saved = dict(counts)
    again = isinstance(name_or_scope, VariableScope)
    if isinstance(name_or_scope, VariableScope):
        outer = name_or_scope
        name, label = outer.name, outer.name.rpartition("/")[2]
    else:
        label = name_or_scope if name_or_scope is not None else _unused(counts, outer.name, default_name)
        if name_or_scope is None and reuse is True:
            raise SharingError(
                "a variable_scope with only a default_name is new each time: name it to reuse it"
            )
        name = f"{outer.name}/{label}" if outer.name else label
    inherited = outer.reuse if reuse is None or outer.reuse is True else reuse
    if again and reuse is None:
        inherited = surrounding.reuse or outer.reuse
    scope = VariableScope(
        name,
        inherited,
        outer.initializer if initializer is None else initializer,
        outer.regularizer if regularizer is None else regularizer,
        _nested(custom_getter, outer.custom_getter),
        outer.dtype if dtype is None else dtype,
    )
    counts[name] = counts.get(name, 0) + 1
    scopes = home.get_collection_ref(_SCOPE)
    scopes.append(scope)
    try:
        if not auxiliary_name_scope or not label:
            scope.original_name_scope = f"{name}/" if name else ""
            yield scope
        else:
            with graph.name_scope(label) as prefix:
                scope.original_name_scope = outer.original_name_scope if again else prefix
                yield scope
    finally:
        scopes.pop()
        if again:
            counts.clear()
            counts.update(saved)
        else:
            for inner in [key for key in counts if key.startswith(f"{name}/")]:
                del counts[inner]


def _nested(inner: Any, outer: Any) -> Any:
    """A custom getter within another one's scope is given that one's for its own getter."""
    if inner is None or outer is None:
        return inner if outer is None else outer

    def both(getter: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return inner(functools.partial(outer, getter), *args, **kwargs)

    return both


@contextlib.contextmanager
def variable_op_scope(
    values: Any,
    name_or_scope: Any,
    default_name: str | None = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: Any = None,
    constraint: Any = None,
) -> Iterator[VariableScope]:
    """`variable_scope` with the values first, as TensorFlow 0.x has it."""
    with variable_scope(
        name_or_scope,
        default_name,
        values,
        initializer,
        regularizer,
        caching_device,
        partitioner,
        custom_getter,
        reuse,
        dtype,
        use_resource,
        constraint,
    ) as scope:
        yield scope


@contextlib.contextmanager
def no_regularizer(*_: Any) -> Iterator[None]:
    """Variables made within have no regularizer but their own."""
    scope = get_variable_scope()
    held, scope.regularizer = scope.regularizer, None
    try:
        yield
    finally:
        scope.regularizer = held


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Sequence[str] | None = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: Any = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Variable:
    """The variable of that name in the current scope: a new one, or the one that exists when the scope reuses.

    Args:
        name: its name within the scope.
        shape: its shape; not needed when `initializer` is a value.
        dtype: its element type; the scope's when None, which is float32.
        initializer: a function of (shape, dtype=), a class of such, or the initial value; the scope's when None, else
            Glorot and Bengio's even draw ("Understanding the difficulty of training deep feedforward neural networks",
            2010).
        regularizer: a function of the variable; what it gives joins the collection REGULARIZATION_LOSSES.
        trainable: whether optimizers train it; None for yes.
        collections: the collections that it joins; that of all variables when None.
        caching_device: has no meaning here.
        partitioner: not supported: variables are whole.
        validate_shape: whether the initial value's shape must be known.
        use_resource: has no meaning here.
        custom_getter: as of `variable_scope`.
        constraint: a function that optimizers apply to the variable after each step.
        synchronization: has no meaning here.
        aggregation: has no meaning here.

    Raises:
        SharingError: it exists and the scope does not reuse, or it does not exist and the scope does; or it exists
            with another element type.
        ValueError: its shape is not given, or is not that of the existing one.
    """
    if not isinstance(name, str):
        raise TypeError(f"get_variable: name={name!r}: expected a text")
    if partitioner is not None:
        raise ValueError(f"variable {name!r}: variables are whole; leave partitioner out")
    scope = get_variable_scope()
    full = f"{scope.name}/{name}" if scope.name else name
    initializer = scope.initializer if initializer is None else initializer
    is_value = initializer is not None and not callable(initializer)
    arguments = {
        "shape": shape,
        "dtype": scope.dtype if dtype is None and not is_value else dtype,
        "initializer": initializer,
        "regularizer": scope.regularizer if regularizer is None else regularizer,
        "trainable": trainable,
        "collections": collections,
        "validate_shape": validate_shape,
        "constraint": constraint,
        "reuse": scope.reuse,
    }
    getter = _nested(custom_getter, scope.custom_getter)
    found: Variable = (
        getter(_found_or_made, full, **arguments) if getter else _found_or_made(full, **arguments)
    )
    return found


def get_local_variable(name: str, *args: Any, **kwargs: Any) -> Variable:
    """`get_variable` of what is not trained nor saved: it joins the collection LOCAL_VARIABLES."""
    return get_variable(
        name, *args, **{**kwargs, "trainable": False, "collections": [GraphKeys.LOCAL_VARIABLES]}
    )


def _found_or_made(
    full: str,
    shape: Any = None,
    dtype: Any = float32,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Sequence[str] | None = None,
    validate_shape: bool = True,
    constraint: Any = None,
    reuse: Any = False,
    **_: Any,
) -> Variable:
    graph = _home()
    known = graph.get_collection_ref(_BY_NAME)
    existing = next((v for key, v in known if key == full), None)
    wanted = None if shape is None else _fixed_shape(full, shape)
    if existing is not None:
        if reuse is False:
            raise SharingError(
                f"variable {full!r} exists already{_made(existing)}: to share it, use variable_scope(..., reuse=True)"
            )
        found: Variable = existing
        if wanted is not None and not found.get_shape().is_compatible_with(wanted):
            raise ValueError(f"variable {full!r} has shape {dims.text(found.shape)}, not {list(wanted)}")
        if dtype is not None and as_dtype(dtype) is not found.dtype:
            raise SharingError(f"variable {full!r} is {found.dtype.name}, not {as_dtype(dtype).name}")
        return found
    if reuse is True:
        raise SharingError(f"variable {full!r} does not exist, and the scope only reuses variables")
    with graph.as_default(), graph.name_scope(None), graph.control_dependencies(None):
        value = _initial(full, wanted, as_dtype(float32 if dtype is None else dtype), initializer)
        made = Variable(
            value,
            trainable=trainable,
            collections=collections,
            validate_shape=validate_shape,
            name=full,
            dtype=dtype,
            constraint=constraint,
        )
        known.append((full, made))
        if regularizer is not None:
            with graph.name_scope(f"{made.op.name}/Regularizer/"):
                loss = regularizer(made.as_graph_tensor())
            if loss is not None:
                graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return made


def _fixed_shape(name: str, shape: Any) -> tuple[int, ...]:
    listed = list(shape) if np.ndim(shape) else [shape]
    if any(d is None or isinstance(d, dims.Dim) for d in listed):
        raise ValueError(
            f"variable {name!r} is to have shape {shape}, which is not known in full: expected whole numbers, "
            "as in [3, 2]"
        )
    try:
        return tuple(int(d) for d in np.asarray(listed, dtype=np.int64))
    except (TypeError, ValueError):
        message = f"variable {name!r} is to have shape {shape!r}: expected whole numbers, as in [3, 2]"
        raise TypeError(message) from None


def _initial(full: str, shape: Any, dtype: Any, initializer: Any) -> Any:
    if isinstance(initializer, str):
        raise TypeError(f"variable {full!r}: initializer is {initializer!r}: expected a function, or numbers")
    if inspect.isclass(initializer):
        initializer = initializer()
    if initializer is not None and not callable(initializer):
        found = np.shape(initializer) if not hasattr(initializer, "shape") else initializer.shape
        if shape is not None and found is not None and tuple(found) != tuple(shape):
            raise ValueError(
                f"variable {full!r} is to have shape {list(shape)}, its initial value has {dims.text(tuple(found))}: "
                "leave out shape=, or give a function of the shape as its initializer"
            )
        return initializer
    if shape is None:
        if initializer is not None and _takes_nothing(initializer):
            return initializer()
        raise ValueError(f"variable {full!r} needs a shape, or an initial value that has one")
    if initializer is not None and _takes_nothing(initializer):
        return initializer()
    return (initializer or initializers.default)(shape, dtype=dtype)


def _takes_nothing(function: Any) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return not parameters


def _unused(counts: dict[str, int], outer: str, default_name: str | None) -> str:
    if default_name is None:
        raise TypeError("variable_scope needs a name or a default_name")
    prefix = f"{outer}/" if outer else ""
    count, label = 0, default_name
    while counts.get(f"{prefix}{label}"):
        count += 1
        label = f"{default_name}_{count}"
    return label


def _made(variable: Variable) -> str:
    return f" (made at {variable.op.source})" if variable.op.source else ""
