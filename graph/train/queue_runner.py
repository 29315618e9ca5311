"""Threads that fill queues."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from samara.errors import GraphError, OutOfRangeError
from samara.graph.collections import GraphKeys
from samara.graph.execution.session import get_default_session
from samara.graph.graph import get_default_graph
from samara.graph.train.coordinator import Coordinator

QUEUE_RUNNERS = GraphKeys.QUEUE_RUNNERS

_LOG = logging.getLogger("samara")
# How often the thread that waits for the stop looks whether the others have ended.
_LOOK_SECONDS = 0.1


class QueueRunner:
    """Runs operations that fill a queue, each in a thread of its own, until their input ends.

    When an operation ends with one of `queue_closed_exception_types` its thread ends; the last closes the queue. Any
    other exception is given to the coordinator, whose `join` raises it; without one it is in `exceptions_raised`. After
    it, and when the coordinator stops, the queue is closed and what waits for room in it is refused.

    Args:
        queue: the queue.
        enqueue_ops: the operations; one may be there several times.
        close_op: closes the queue; made when None.
        cancel_op: closes it and refuses what waits; made when None.
        queue_closed_exception_types: exceptions that mean the end of the input; OutOfRangeError when None.
        queue_runner_def: not supported.
        import_scope: no effect.

    Raises:
        ValueError: there is no queue or no operation.
    """

    def __init__(
        self,
        queue: Any = None,
        enqueue_ops: Sequence[Any] | None = None,
        close_op: Any = None,
        cancel_op: Any = None,
        queue_closed_exception_types: tuple[type[BaseException], ...] | None = None,
        queue_runner_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if queue is None or not enqueue_ops or queue_runner_def is not None:
            raise ValueError("a QueueRunner needs a queue and operations that fill it")
        self.queue = queue
        self.enqueue_ops = list(enqueue_ops)
        self.close_op = queue.close() if close_op is None else close_op
        self.cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
        self.queue_closed_exception_types = queue_closed_exception_types or (OutOfRangeError,)
        self._lock = threading.Lock()
        self._running: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._raised: list[BaseException] = []

    @property
    def name(self) -> str:
        """The name of the queue."""
        return str(self.queue.name)

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """What threads without a coordinator ended with."""
        with self._lock:
            return list(self._raised)

    def create_threads(
        self, sess: Any, coord: Coordinator | None = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """The threads that fill the queue in a session; none while those of an earlier call run.

        Args:
            sess: the session.
            coord: what stops them.
            daemon: whether the program may end while they run.
            start: whether they are started.
        """
        with self._lock:
            if self._running.get(sess, 0) > 0:
                return []
            self._running[sess] = len(self.enqueue_ops)
            self._raised.clear()
        made = [
            threading.Thread(
                target=self._run, args=(sess, op, coord), daemon=daemon, name=f"QueueRunner-{self.name}-{n}"
            )
            for n, op in enumerate(self.enqueue_ops)
        ]
        if coord is not None:
            made.append(
                threading.Thread(
                    target=self._close_on_stop,
                    args=(sess, coord),
                    daemon=daemon,
                    name=f"QueueRunner-{self.name}-close",
                )
            )
        for thread in made:
            if coord is not None:
                coord.register_thread(thread)
            if start:
                thread.start()
        return made

    def _run(self, sess: Any, op: Any, coord: Coordinator | None) -> None:
        try:
            while coord is None or not coord.should_stop():
                sess.run(op)
        except self.queue_closed_exception_types:
            if self._ended(sess) == 0 and not sess.closed:
                sess.run(self.close_op)
            return
        except Exception as error:
            # What fails because the session is being closed is no failure of the input.
            if not sess.closed:
                self._failed(error, sess, coord)
        self._ended(sess)

    def _failed(self, error: Exception, sess: Any, coord: Coordinator | None) -> None:
        if coord is not None:
            coord.request_stop(error)
            return
        _LOG.error("QueueRunner %s: %s", self.name, error)
        with self._lock:
            self._raised.append(error)
        self._cancel(sess)

    def _cancel(self, sess: Any) -> None:
        """Nobody is to wait for what will not come."""
        try:
            sess.run(self.cancel_op)
        except GraphError:
            if not sess.closed:
                raise

    def _ended(self, sess: Any) -> int:
        """How many threads still run, one less than before."""
        with self._lock:
            self._running[sess] -= 1
            return self._running[sess]

    def _close_on_stop(self, sess: Any, coord: Coordinator) -> None:
        while not coord.wait_for_stop(_LOOK_SECONDS):
            with self._lock:
                if self._running[sess] == 0:
                    return
        self._cancel(sess)


def add_queue_runner(qr: QueueRunner, collection: str = QUEUE_RUNNERS) -> None:
    """Adds a queue runner to a collection of the default graph, for `start_queue_runners`."""
    get_default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Coordinator | None = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Starts the threads of all queue runners of a session's graph.

    Args:
        sess: the session; the default session when None.
        coord: what stops the threads.
        daemon: whether the program may end while they run.
        start: whether they are started.
        collection: the collection of the queue runners.

    Returns:
        The threads.

    Raises:
        ValueError: there is no session.
    """
    session = sess if sess is not None else get_default_session()
    if session is None:
        raise ValueError("start_queue_runners needs a session: give one, or call it within `with session:`")
    made: list[threading.Thread] = []
    for runner in session.graph.get_collection(collection):
        made += runner.create_threads(session, coord, daemon=daemon, start=start)
    return made


__all__ = ["QUEUE_RUNNERS", "QueueRunner", "add_queue_runner", "start_queue_runners"]
