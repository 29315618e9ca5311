"""Functions that share their variables, and other names of programs that say how a graph is built."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from samara.graph.graph import Operation, get_default_graph
from samara.graph.own_gradients import RegisterGradient
from samara.graph.variable_scope import VariableScope, variable_scope
from samara.graph.variables import Variable, group


class Template:
    """A function whose variables are made at the first call and shared by all; `make_template` makes it."""

    def __init__(
        self, name: str, function: Callable[..., Any], now: bool, unique: str | None, getter: Any
    ) -> None:
        self._name, self._function = name, function
        self._unique, self._getter = unique, getter
        self._scope: VariableScope | None = None
        self._called = False
        if now:
            with self._opened() as scope:
                self._scope = scope

    def _opened(self) -> Any:
        if self._scope is not None:
            # Variables that do not exist are refused from the second call on.
            return variable_scope(self._scope, reuse=True if self._called else None)
        if self._unique is not None:
            return variable_scope(self._unique, custom_getter=self._getter)
        return variable_scope(None, default_name=self._name, custom_getter=self._getter)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function within the scope."""
        with self._opened() as scope:
            if self._scope is None:
                self._scope = scope
            found = self._function(*args, **kwargs)
        self._called = True
        return found

    @property
    def variable_scope(self) -> VariableScope | None:
        """Where its variables are; None before the first call."""
        return self._scope

    @property
    def variables(self) -> list[Variable]:
        """Its variables."""
        return self._scope.global_variables() if self._scope is not None else []

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those that optimizers train."""
        return self._scope.trainable_variables() if self._scope is not None else []


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Any = None,
    **kwargs: Any,
) -> Template:
    """A function whose variables are made at the first call, in a scope of its own, and shared by all calls.

    Args:
        name_: the scope, made unique.
        func_: the function.
        create_scope_now_: whether the scope is named now and not at the first call.
        unique_name_: the scope, taken as it is.
        custom_getter_: finds or makes the variables; see `variable_scope`.
        kwargs: arguments that each call has.
    """
    function = functools.partial(func_, **kwargs) if kwargs else func_
    return Template(name_, function, create_scope_now_, unique_name_, custom_getter_)


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Operations added within are in the outermost graph, and run after nothing."""
    graph = get_default_graph()
    while graph.outer is not None:
        graph = graph.outer
    with graph.as_default(), graph.control_dependencies(None), graph.name_scope(None):
        yield


@contextlib.contextmanager
def container(container_name: str) -> Iterator[None]:
    """Changes nothing: variables live in the session, under their names."""
    yield


def tables_initializer(name: str = "init_all_tables") -> Operation:
    """An operation that runs what the collection TABLE_INITIALIZERS holds."""
    return group(*get_default_graph().get_collection("table_initializer"), name=name)


initialize_all_tables = tables_initializer


def no_gradient(op_type: str) -> None:
    """Registers, under a name, that there is no gradient: see `RegisterGradient`."""

    def none(op: Operation, *grads: Any) -> list[None]:
        return [None] * len(op.inputs)

    RegisterGradient(op_type)(none)


NotDifferentiable = NoGradient = no_gradient


class VariableSynchronization:
    """Words that `get_variable` takes and that change nothing."""

    AUTO, NONE, ON_WRITE, ON_READ = 0, 1, 2, 3


class VariableAggregation:
    """Words that `get_variable` takes and that change nothing."""

    NONE, SUM, MEAN, ONLY_FIRST_REPLICA = 0, 1, 2, 3


__all__ = [
    "NoGradient",
    "NotDifferentiable",
    "Template",
    "VariableAggregation",
    "VariableSynchronization",
    "container",
    "init_scope",
    "initialize_all_tables",
    "make_template",
    "no_gradient",
    "tables_initializer",
]
