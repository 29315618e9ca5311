"""A coordinator: threads that end together."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from samara.errors import OutOfRangeError

_LOG = logging.getLogger("samara")
# How often `join` looks whether threads have ended; a stop wakes it at once.
_LOOK_SECONDS = 0.05


class Coordinator:
    """Lets threads end together: any of them asks for the stop, all look for it, one waits until they have ended.

    An exception that a thread gives with its request is raised by `join`. Any thread may call it.

    Args:
        clean_stop_exception_types: exceptions that mean the end, not a failure; OutOfRangeError when None.
    """

    def __init__(self, clean_stop_exception_types: tuple[type[BaseException], ...] | None = None) -> None:
        self._clean = (
            (OutOfRangeError,) if clean_stop_exception_types is None else tuple(clean_stop_exception_types)
        )
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._joined = False
        self._threads: set[threading.Thread] = set()

    def request_stop(self, ex: Any = None) -> None:
        """Asks all to stop. Only the first request counts.

        Args:
            ex: why: an exception, or what `sys.exc_info` gives; None for a normal end.
        """
        error = ex[1] if isinstance(ex, tuple) else ex
        with self._lock:
            if self._stop.is_set():
                if self._joined and error is not None and not isinstance(error, self._clean):
                    _LOG.error("an error after the threads were joined: %s", error)
                return
            if error is not None and not isinstance(error, self._clean):
                self._error = error
            self._stop.set()

    def clear_stop(self) -> None:
        """Forgets the request and its exception, so that it can be used once more."""
        with self._lock:
            self._joined = False
            self._error = None
            self._stop.clear()

    clear = clear_stop

    def should_stop(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Within it, an exception asks for the stop and goes no further."""
        try:
            yield
        except BaseException as error:
            self.request_stop(error)
            if not isinstance(error, Exception):
                raise

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is asked for, at most `timeout` seconds; whether it was."""
        return self._stop.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Adds a thread that `join` waits for."""
        with self._lock:
            self._threads.add(thread)

    @property
    def joined(self) -> bool:
        """Whether all threads have been joined."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the exception that a stop was asked for with, if any."""
        with self._lock:
            error = self._error
        if error is not None:
            raise error

    def join(
        self,
        threads: Sequence[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits until all threads have ended, or a stop is asked for and the time to end is over.

        Args:
            threads: those to wait for, besides the registered ones.
            stop_grace_period_secs: how long threads may take to end after the stop was asked for.
            ignore_live_threads: whether those that have not ended by then are left alone.

        Raises:
            RuntimeError: a thread has not ended in time.
            Exception: what a thread asked for the stop with.
        """
        with self._lock:
            waited = [*self._threads.union(threads or ())]
        while any(t.is_alive() for t in waited) and not self._stop.wait(_LOOK_SECONDS):
            pass
        end = time.monotonic() + stop_grace_period_secs
        for thread in waited:
            thread.join(max(0.0, end - time.monotonic()))
        late = [t.name for t in waited if t.is_alive()]
        with self._lock:
            self._joined = True
            self._threads.clear()
            error = self._error
        if error is not None:
            raise error
        if late and not ignore_live_threads:
            raise RuntimeError(f"threads are still running after the stop: {', '.join(late)}")
        if late:
            _LOG.info("threads that are still running: %s", ", ".join(late))


class LooperThread(threading.Thread):
    """A thread that calls a function again and again until a coordinator's stop, which an exception asks for.

    Args:
        coord: the coordinator, which waits for it.
        timer_interval_secs: the time between the starts of two calls; None for no waiting.
        target: the function; a sub-class may override `run_loop` instead.
        args: its arguments.
        kwargs: its keyword arguments.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(daemon=True)
        self._coord = coord
        self._interval = timer_interval_secs
        self._call = target
        self._call_args = tuple(args or ())
        self._call_kwargs = dict(kwargs or {})
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> LooperThread:
        """A thread that has been started."""
        made = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        made.start()
        return made

    def run(self) -> None:
        """Calls until the stop."""
        with self._coord.stop_on_exception():
            self.start_loop()
            start = time.monotonic()
            while not self._coord.should_stop():
                self.run_loop()
                if self._interval is not None:
                    start += self._interval
                    if self._coord.wait_for_stop(max(0.0, start - time.monotonic())):
                        break
            self.stop_loop()

    def start_loop(self) -> None:
        """Called before the first call."""

    def stop_loop(self) -> None:
        """Called after the last call."""

    def run_loop(self) -> None:
        """One call."""
        if self._call is not None:
            self._call(*self._call_args, **self._call_kwargs)


__all__ = ["Coordinator", "LooperThread"]
