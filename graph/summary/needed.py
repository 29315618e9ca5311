"""What needs the package tensorboard, imported when it is first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from samara.errors import GraphError


def tensorboard_module(name: str) -> Any:
    """A module of `samara.graph.tensorboard`, which imports the package tensorboard.

    Raises:
        GraphError: that package, or one that it needs, is not installed.
    """
    try:
        return importlib.import_module(f"samara.graph.tensorboard.{name}")
    except ImportError as error:
        raise GraphError(
            f"summaries and event files need the package tensorboard ({error}): "
            "pip install 'samara[tensorboard]'"
        ) from None


def encoder(kind: str) -> Callable[..., Any]:
    """What makes the message of a kind of summary."""
    found: Callable[..., Any] = getattr(tensorboard_module("encode"), kind)
    return found


class Message:
    """Stands for a class of TensorBoard's protocol buffers, which is imported when it is first used.

    Calling it gives a message; its attributes are those of the class.

    Args:
        name: of the class, "Summary".
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def _class(self) -> Any:
        return getattr(tensorboard_module("messages"), self._name)

    def __call__(self, *args: Any, **fields: Any) -> Any:
        """A message with these fields."""
        return self._class()(*args, **fields)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._class(), name)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self._class())

    def __repr__(self) -> str:
        return f"<message {self._name}>"


__all__ = ["Message", "encoder", "tensorboard_module"]
