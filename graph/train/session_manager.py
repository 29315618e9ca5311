"""Sessions that start from a checkpoint, from an operation that initializes, or from what another process did."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from samara.errors import CheckpointError, DeadlineExceededError, FailedPreconditionError
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Operation, get_default_graph
from samara.graph.train.checkpoint_state import latest_checkpoint
from samara.graph.variables import GLOBAL_VARIABLES


class SessionManager:
    """Makes sessions that are ready to train.

    Args:
        local_init_op: gives local variables their first values, at every start.
        ready_op: changes nothing: a session is ready when its variables have values.
        ready_for_local_init_op: changes nothing.
        graph: the graph; the default graph when None.
        recovery_wait_secs: how long one waits before it looks again.
        local_init_run_options: changes nothing.
        local_init_feed_dict: what `local_init_op` is fed.
    """

    def __init__(
        self,
        local_init_op: Operation | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        graph: Graph | None = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Any = None,
        local_init_feed_dict: Mapping[Any, Any] | None = None,
    ) -> None:
        self._local_init = local_init_op
        self._local_feeds = local_init_feed_dict
        self._graph = graph if graph is not None else get_default_graph()
        self._pause = recovery_wait_secs

    def prepare_session(
        self,
        master: str,
        init_op: Any = None,
        saver: Any = None,
        checkpoint_dir: str | Path | None = None,
        checkpoint_filename_with_path: str | Path | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        init_feed_dict: Mapping[Any, Any] | None = None,
        init_fn: Callable[[Session], None] | None = None,
    ) -> Session:
        """A session that starts from a checkpoint; where there is none, from `init_op` and `init_fn`.

        Args:
            master: the target of the session.
            init_op: gives variables their first values.
            saver: restores.
            checkpoint_dir: where the last checkpoint is looked for; or
            checkpoint_filename_with_path: the checkpoint.
            wait_for_checkpoint: whether to wait for the first checkpoint.
            max_wait_secs: how long.
            config: as for `Session`.
            init_feed_dict: what `init_op` is fed.
            init_fn: called with the session after `init_op`.

        Raises:
            CheckpointError: the checkpoint is damaged or does not fit.
            DeadlineExceededError: no checkpoint came in time.
            RuntimeError: there is neither a checkpoint nor anything to initialize with.
        """
        session, restored = self.recover_session(
            master,
            saver,
            checkpoint_dir,
            checkpoint_filename_with_path,
            wait_for_checkpoint,
            max_wait_secs,
            config,
        )
        if not restored:
            if init_op is None and init_fn is None and self._local_init is None:
                session.close()
                raise RuntimeError(
                    "there is no checkpoint to start from, and neither init_op, init_fn nor local_init_op"
                )
            if init_op is not None:
                session.run(init_op, init_feed_dict)
            if init_fn is not None:
                init_fn(session)
            self._initialize_local(session)
        return session

    def recover_session(
        self,
        master: str,
        saver: Any = None,
        checkpoint_dir: str | Path | None = None,
        checkpoint_filename_with_path: str | Path | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
    ) -> tuple[Session, bool]:
        """A session, and whether it started from a checkpoint; arguments as for `prepare_session`."""
        session = Session(master, self._graph, config)
        if saver is None or (checkpoint_dir is None and checkpoint_filename_with_path is None):
            return session, False
        found: Any = checkpoint_filename_with_path
        if found is None and checkpoint_dir is not None:
            end = time.monotonic() + max_wait_secs
            found = latest_checkpoint(checkpoint_dir)
            while found is None and wait_for_checkpoint:
                if time.monotonic() > end:
                    session.close()
                    raise DeadlineExceededError(
                        f"no checkpoint came in {checkpoint_dir} in {max_wait_secs:g} s"
                    )
                time.sleep(min(self._pause, 0.1))
                found = latest_checkpoint(checkpoint_dir)
        if found is None:
            return session, False
        try:
            saver.restore(session, found)
        except CheckpointError:
            session.close()
            raise
        self._initialize_local(session)
        return session, True

    def wait_for_session(
        self, master: str, config: Any = None, max_wait_secs: float = float("inf")
    ) -> Session:
        """A session whose variables another process has given values.

        Raises:
            DeadlineExceededError: it has not in time.
        """
        end = time.monotonic() + max_wait_secs
        session = Session(master, self._graph, config)
        while True:
            try:
                session.run(self._graph.get_collection(GLOBAL_VARIABLES))
                self._initialize_local(session)
                return session
            except FailedPreconditionError as error:
                if time.monotonic() > end:
                    session.close()
                    raise DeadlineExceededError(
                        f"variables have no values after {max_wait_secs:g} s: {error}"
                    ) from error
                time.sleep(min(self._pause, 0.1))

    def _initialize_local(self, session: Session) -> None:
        if self._local_init is not None:
            session.run(self._local_init, self._local_feeds)


__all__ = ["SessionManager"]
