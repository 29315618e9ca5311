"""A queue at work: elements, and the threads that wait for room or for elements.

Those who wait are served in the order in which they came. Each element is a tuple of arrays.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.errors import CancelledError, OutOfRangeError

Element = tuple[Any, ...]


class Store:
    """A queue of bounded capacity. Any thread may call it.

    Args:
        name: for messages.
        capacity: how many elements it holds at most; 0 or less for no limit.
        keep: how many elements stay in it while it is open, so that what is taken is drawn from many.
        draw: called with the number of elements, gives the place of the one to be taken; None for the oldest.
    """

    def __init__(
        self, name: str, capacity: int, keep: int = 0, draw: Callable[[int], int] | None = None
    ) -> None:
        self._name = name
        self._capacity = capacity if capacity > 0 else None
        self._keep = keep
        self._draw = draw
        self._elements: deque[Element] | list[Element] = deque() if draw is None else []
        self._changed = threading.Condition()
        self._givers: deque[object] = deque()
        self._takers: deque[object] = deque()
        # Those who came before the queue was closed to them.
        self._refused: set[object] = set()
        self._closed = False
        self._cancelled = False

    def give(self, elements: Sequence[Element]) -> None:
        """Puts elements in, one after the other, as soon as there is room.

        Raises:
            CancelledError: the queue or the session was closed before all were in.
        """
        me = object()
        with self._changed:
            if self._closed:
                raise CancelledError(f"queue {self._name!r} is closed: nothing can be put into it")
            self._givers.append(me)
            try:
                left = deque(elements)
                while True:
                    self._check(me)
                    if self._givers[0] is me:
                        while left and (self._capacity is None or len(self._elements) < self._capacity):
                            self._elements.append(left.popleft())
                            self._changed.notify_all()
                        if not left:
                            return
                    self._changed.wait()
            finally:
                self._leave(self._givers, me)

    def take(self, count: int, *, fewer: bool = False) -> list[Element]:
        """Takes elements out as soon as they are there.

        Args:
            count: how many.
            fewer: when the queue is closed, take those that are left, at least one.

        Raises:
            OutOfRangeError: the queue is closed and has too few elements left; they stay in it.
            CancelledError: the session was closed.
        """
        me = object()
        taken: list[Element] = []
        with self._changed:
            self._takers.append(me)
            done = False
            try:
                while True:
                    self._check(me)
                    if self._takers[0] is me:
                        while len(taken) < count and self._available():
                            taken.append(self._pop())
                            self._changed.notify_all()
                        # A closed queue still gets what those who came before have to give.
                        over = self._closed and not self._givers
                        if len(taken) == count or (over and fewer and taken):
                            done = True
                            return taken
                        if over:
                            raise OutOfRangeError(
                                f"queue {self._name!r} is closed and has too few elements: {count} were asked for, "
                                f"{len(taken)} are left"
                            )
                    self._changed.wait()
            finally:
                if not done:
                    self._put_back(taken)
                self._leave(self._takers, me)

    def size(self) -> int:
        """How many elements it holds."""
        with self._changed:
            return len(self._elements)

    def close(self, *, cancel_pending: bool) -> None:
        """Refuses further elements; with `cancel_pending`, also those of who waits for room."""
        with self._changed:
            self._closed = True
            if cancel_pending:
                self._refused.update(self._givers)
            self._changed.notify_all()

    def is_closed(self) -> bool:
        """Whether it refuses elements."""
        with self._changed:
            return self._closed

    def cancel(self) -> None:
        """Ends all waiting: the session is closed."""
        with self._changed:
            self._closed = self._cancelled = True
            self._elements.clear()
            self._changed.notify_all()

    def _check(self, me: object) -> None:
        if self._cancelled:
            raise CancelledError(f"queue {self._name!r}: the session is closed")
        if me in self._refused:
            raise CancelledError(f"queue {self._name!r} was closed while an element waited for room in it")

    def _leave(self, line: deque[object], me: object) -> None:
        line.remove(me)
        self._refused.discard(me)
        self._changed.notify_all()

    def _available(self) -> bool:
        return len(self._elements) > (0 if self._closed else self._keep)

    def _pop(self) -> Element:
        if isinstance(self._elements, deque):
            return self._elements.popleft()
        place = self._draw(len(self._elements)) if self._draw is not None else -1
        # The last one takes its place: the order means nothing.
        self._elements[place], self._elements[-1] = self._elements[-1], self._elements[place]
        return self._elements.pop()

    def _put_back(self, taken: list[Element]) -> None:
        if isinstance(self._elements, deque):
            self._elements.extendleft(reversed(taken))
        else:
            self._elements.extend(taken)


def drawing(generator: np.random.Generator) -> Callable[[int], int]:
    """Draws places evenly."""
    return lambda count: int(generator.integers(count))


__all__ = ["Element", "Store", "drawing"]
