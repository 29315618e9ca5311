"""Which function builds what a node of torch computes.

A handler is given the Reader and the arguments of the node in the order of torch's schema, defaults filled in:
tensors as Samara tensors, sizes as dimensions, the rest as it is. It returns a tensor, or a list of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Handler = Callable[..., Any]

_HANDLERS: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Registers a handler for ops, `aten.add` for all overloads or `aten.add.Tensor` for one."""

    def register(handler: Handler) -> Handler:
        for name in names:
            if name in _HANDLERS:
                raise ValueError(f"{name} has two handlers")
            _HANDLERS[name] = handler
        return handler

    return register


def handler_of(target: Any) -> Handler | None:
    """The handler of a node's target, or None."""
    name = target_name(target)
    return _HANDLERS.get(name) or _HANDLERS.get(name.rpartition(".")[0])


def target_name(target: Any) -> str:
    """The name of a node's target: `aten.add.Tensor`."""
    if hasattr(target, "_schema"):
        return str(target)
    if isinstance(target, torch._ops.HigherOrderOperator):
        return f"higher_order.{target.name()}"
    return f"{getattr(target, '__module__', '')}.{getattr(target, '__name__', target)}".removeprefix("_")


__all__ = ["Handler", "handler_of", "handles", "target_name"]
