"""Arguments that several calls share: `arg_scope`."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_CURRENT: contextvars.ContextVar[Mapping[str, Mapping[str, Any]] | None] = contextvars.ContextVar(
    "arg_scope", default=None
)


def _key(function: Any) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def add_arg_scope(function: Function) -> Function:
    """Makes a function one whose arguments `arg_scope` can give."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        given = (_CURRENT.get() or {}).get(_key(function), {})
        return function(*args, **{**given, **kwargs})

    called._takes_arg_scope = True  # type: ignore[attr-defined]
    return called  # type: ignore[return-value]


def has_arg_scope(function: Callable[..., Any]) -> bool:
    """Whether `arg_scope` can give a function's arguments."""
    return bool(getattr(function, "_takes_arg_scope", False))


def arg_scoped_arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the arguments of a function that `arg_scope` can give: those with a default.

    Raises:
        ValueError: it takes none from a scope.
    """
    if not has_arg_scope(function):
        raise ValueError(f"{getattr(function, '__name__', function)} takes no arguments from a scope")
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.default is not p.empty)


def current_arg_scope() -> Mapping[str, Mapping[str, Any]]:
    """The arguments that calls have at the moment."""
    return _CURRENT.get() or {}


@contextlib.contextmanager
def arg_scope(
    list_ops_or_scope: Sequence[Callable[..., Any]] | Mapping[str, Mapping[str, Any]], **kwargs: Any
) -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """Calls of some functions within have these arguments where they name none.

    Args:
        list_ops_or_scope: the functions; or what another `arg_scope` gave, to open it again.
        kwargs: the arguments.

    Raises:
        TypeError: arguments for a scope that is opened again.
        ValueError: a function that takes no arguments from a scope.
    """
    if isinstance(list_ops_or_scope, Mapping):
        if kwargs:
            raise TypeError("arg_scope: a scope that is opened again takes no arguments")
        made: dict[str, Mapping[str, Any]] = dict(list_ops_or_scope)
    else:
        made = dict(_CURRENT.get() or {})
        for function in list_ops_or_scope:
            if not has_arg_scope(function):
                raise ValueError(
                    f"arg_scope: {getattr(function, '__name__', function)} takes no arguments from a scope: it needs "
                    "the decorator add_arg_scope"
                )
            made[_key(function)] = {**made.get(_key(function), {}), **kwargs}
    token = _CURRENT.set(made)
    try:
        yield made
    finally:
        _CURRENT.reset(token)


__all__ = [
    "add_arg_scope",
    "arg_scope",
    "arg_scoped_arguments",
    "current_arg_scope",
    "has_arg_scope",
]
