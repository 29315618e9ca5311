"""Feeding from any iterable: a thread reads ahead, so that a step does not wait."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from samara.errors import CancelledError, OutOfRangeError
from samara.graph.queues.store import Store


class _Failure:
    """Stands for the item that could not be read."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Prefetched(Iterator[Any]):
    """What `prefetch` gives: an iterator, and a context manager that closes it.

    Any thread may take from it; each item goes to one of them.
    """

    def __init__(self, make: Callable[[], Iterator[Any]], depth: int) -> None:
        self._items = Store("prefetch", depth)
        self._thread = threading.Thread(target=_read, args=(make, self._items), daemon=True, name="prefetch")
        # An iterator that nobody holds any more ends its thread.
        self._finalizer = weakref.finalize(self, self._items.cancel)
        self._thread.start()

    def __next__(self) -> Any:
        try:
            ((item,),) = self._items.take(1)
        except (OutOfRangeError, CancelledError):
            raise StopIteration from None
        if isinstance(item, _Failure):
            raise item.error
        return item

    def close(self, timeout: float | None = 5.0) -> None:
        """Ends reading; there are no more items, and who waits for one finds the end.

        Args:
            timeout: how many seconds to wait for the item that is being read; it is dropped. A source that never gives
                it keeps its thread, which does not keep the program from ending.
        """
        self._finalizer()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def __enter__(self) -> Prefetched:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def prefetch(
    source: Iterable[Any],
    feeds: Sequence[Any] | None = None,
    *,
    depth: int = 2,
    repeat: int | None = 1,
    transform: Callable[[Any], Any] | None = None,
) -> Prefetched:
    """Items of any iterable, such as a list, a generator or a torch `DataLoader`, read ahead by a thread.

        with tf.train.prefetch(loader, [images, labels], repeat=epochs) as batches:
            for feed in batches:
                session.run(train, feed)

    An exception of the source, or of `transform`, comes after the items that were read before it.

    Args:
        source: gives the items.
        feeds: the tensors that the parts of each item are fed to; the items become dicts for `session.run`. None
            leaves the items as they are.
        depth: how many items are read ahead.
        repeat: how many times the source is gone through; None for ever.
        transform: called with each item in the thread; gives what takes its place.

    Raises:
        TypeError: the source can be gone through only once and is to be repeated, or is not iterable.
        ValueError: depth or repeat is not positive; when taken: an item has not as many parts as `feeds`.
    """
    if depth < 1:
        raise ValueError(f"depth is {depth}, expected 1 or more")
    if repeat is not None and repeat < 1:
        raise ValueError(f"repeat is {repeat}, expected 1 or more, or None")
    if not hasattr(source, "__iter__") and not hasattr(source, "__getitem__"):
        raise TypeError(f"{type(source).__name__} cannot be iterated over")
    if repeat != 1 and isinstance(source, Iterator):
        raise TypeError(
            f"{type(source).__name__} can be gone through only once: give what it is made from, or repeat=1"
        )
    keys = None if feeds is None else list(feeds)

    def items() -> Iterator[Any]:
        left = repeat
        while left is None or left > 0:
            empty = True
            for item in source:
                empty = False
                made = item if transform is None else transform(item)
                yield made if keys is None else _feed(keys, made)
            if empty and left is None:
                raise ValueError("the source has no items: going through it for ever would never give one")
            left = None if left is None else left - 1

    return Prefetched(items, depth)


def _feed(keys: Sequence[Any], item: Any) -> dict[Any, Any]:
    parts = list(item) if isinstance(item, (list, tuple)) else [item]
    if len(parts) != len(keys):
        raise ValueError(f"an item has {len(parts)} parts, there are {len(keys)} tensors to feed")
    return dict(zip(keys, parts, strict=True))


def _read(make: Callable[[], Iterator[Any]], items: Store) -> None:
    """The thread: it holds the store, not the iterator that takes from it."""
    try:
        try:
            for item in make():
                items.give([(item,)])
        except CancelledError:
            raise
        except BaseException as error:
            items.give([(_Failure(error),)])
    except CancelledError:
        return
    items.close(cancel_pending=False)


__all__ = ["Prefetched", "prefetch"]
