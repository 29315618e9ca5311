"""What a session has beside variables: queues and mutexes, made when an operation first uses them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from samara.errors import CancelledError


class Resources:
    """The resources of a session, by name. Any thread may call it.

    Attributes:
        lock: held by operations that read a variable and write it again as one.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        self._closed = False

    def find(self, name: str, make: Callable[[], Any]) -> Any:
        """The resource of that name; `make` makes it the first time.

        Raises:
            CancelledError: the session is closed.
        """
        with self._lock:
            if self._closed:
                raise CancelledError("the session is closed")
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def get(self, name: str) -> Any:
        """A resource that is there already."""
        with self._lock:
            if self._closed:
                raise CancelledError("the session is closed")
            return self._made[name]

    def close(self) -> None:
        """Ends what waits for any of them with a CancelledError."""
        with self._lock:
            self._closed = True
            made = list(self._made.values())
        for resource in made:
            cancel = getattr(resource, "cancel", None)
            if cancel is not None:
                cancel()


__all__ = ["Resources"]
