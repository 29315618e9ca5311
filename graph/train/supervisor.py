"""A session with the services of training around it, as programs before `MonitoredTrainingSession` have it."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from samara.graph.collections import GraphKeys
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, get_default_graph
from samara.graph.summary import FileWriter, merge_all
from samara.graph.train.coordinator import Coordinator, LooperThread
from samara.graph.train.queue_runner import QUEUE_RUNNERS
from samara.graph.train.saver import Saver
from samara.graph.train.session_manager import SessionManager
from samara.graph.train.step_counter import get_global_step
from samara.graph.train.summary_hook import summaries_are_possible
from samara.graph.variables import GLOBAL_VARIABLES, variables_initializer

_LOG = logging.getLogger("samara")


class Supervisor:
    """Starts sessions from the last checkpoint, and saves, writes summaries and fills queues beside the training.

        supervisor = tf.train.Supervisor(logdir="folder")
        with supervisor.managed_session() as session:
            while not supervisor.should_stop():
                session.run(train)

    What is left out, `Supervisor.USE_DEFAULT`, is made; None switches it off. The graph is finalized.

    Args:
        graph: the graph; the default graph when None.
        ready_op: changes nothing: a session is ready when its variables have values.
        ready_for_local_init_op: changes nothing.
        is_chief: whether this process initializes, saves and writes; one that does not waits until another has
            initialized.
        init_op: gives variables their first values where there is no checkpoint; all global ones by default.
        init_feed_dict: what it is fed.
        local_init_op: gives local variables their first values, at every start; all local ones by default.
        logdir: the folder of checkpoints and summaries; None for none.
        summary_op: what the summary thread writes; all summaries of the graph by default.
        saver: saves and restores; one of all variables by default.
        global_step: counts the steps; the graph's step counter by default.
        save_summaries_secs: seconds between summaries; 0 for none.
        save_model_secs: seconds between checkpoints, the first one at the start; 0 for none.
        recovery_wait_secs: how long one that is not chief waits before it looks again.
        stop_grace_secs: how long threads have to end.
        checkpoint_basename: what the names of checkpoints begin with.
        session_manager: makes sessions; one is made when None.
        summary_writer: writes summaries; a FileWriter for `logdir` by default, where the package tensorboard is
            installed.
        init_fn: called with the session after `init_op`.
        local_init_run_options: changes nothing.

    Attributes:
        coord: the coordinator of its threads.
    """

    USE_DEFAULT = 0

    def __init__(
        self,
        graph: Graph | None = None,
        ready_op: Any = USE_DEFAULT,
        ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True,
        init_op: Any = USE_DEFAULT,
        init_feed_dict: Mapping[Any, Any] | None = None,
        local_init_op: Any = USE_DEFAULT,
        logdir: str | os.PathLike[str] | None = None,
        summary_op: Any = USE_DEFAULT,
        saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: SessionManager | None = None,
        summary_writer: Any = USE_DEFAULT,
        init_fn: Callable[[Session], None] | None = None,
        local_init_run_options: Any = None,
    ) -> None:
        self.graph = graph if graph is not None else get_default_graph()
        self.is_chief = is_chief
        self.coord = Coordinator()
        self.save_summaries_secs, self.save_model_secs = save_summaries_secs, save_model_secs
        self.init_feed_dict, self.init_fn = init_feed_dict, init_fn
        self._grace = stop_grace_secs
        self._folder = os.fspath(logdir) if logdir and is_chief else None
        with self.graph.as_default():
            variables = self.graph.get_collection(GLOBAL_VARIABLES)
            self.init_op = self._or(init_op, lambda: variables_initializer(variables, "init_op"))
            local = self.graph.get_collection(GraphKeys.LOCAL_VARIABLES)
            self.local_init_op = self._or(
                local_init_op, lambda: variables_initializer(local, "local_init_op") if local else None
            )
            self.saver = self._or(saver, lambda: Saver() if variables else None)
            self.summary_op = self._or(summary_op, merge_all)
            self.global_step = self._or(global_step, get_global_step)
        self.session_manager = session_manager or SessionManager(
            self.local_init_op, graph=self.graph, recovery_wait_secs=recovery_wait_secs
        )
        if self._folder is not None:
            os.makedirs(self._folder, exist_ok=True)
        self.save_path = None if self._folder is None else os.path.join(self._folder, checkpoint_basename)
        self.summary_writer = self._or(summary_writer, self._default_writer)
        self._added = False
        self.graph.finalize()

    def _or(self, given: Any, make: Callable[[], Any]) -> Any:
        """What is given, or what is made where it is left out."""
        return make() if isinstance(given, int) and given == self.USE_DEFAULT else given

    def _default_writer(self) -> FileWriter | None:
        possible = self._folder is not None and summaries_are_possible()
        return FileWriter(self._folder) if possible else None

    # Sessions ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Session]:
        """A session that is ready to train, and that is closed at the end, after all threads have ended.

        The end of the input, OutOfRangeError, ends it quietly; another exception of it or of a thread is raised.
        """
        session: Session | None = None
        try:
            session = self.prepare_or_wait_for_session(
                master, config, start_standard_services=start_standard_services
            )
            yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                if session is not None:
                    session.close()

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Session:
        """A session that is ready to train; the chief's is initialized or restored, others wait for it."""
        self.coord.clear_stop()
        if self.is_chief:
            session = self.session_manager.prepare_session(
                master,
                init_op=self.init_op,
                saver=self.saver,
                checkpoint_dir=self._folder,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self.init_feed_dict,
                init_fn=self.init_fn,
            )
            if self.summary_writer is not None and not self._added:
                # One that an earlier session closed.
                self.summary_writer.reopen()
                self.summary_writer.add_graph(self.graph)
                self._added = True
        else:
            session = self.session_manager.wait_for_session(master, config, max_wait_secs)
        if start_standard_services:
            if self.is_chief:
                self.start_standard_services(session)
            self.start_queue_runners(session)
        return session

    PrepareSession = prepare_or_wait_for_session

    # Services ------------------------------------------------------------------------------------------------

    def start_standard_services(self, sess: Session) -> list[LooperThread]:
        """Starts the threads that save, and that write summaries and the speed.

        Raises:
            RuntimeError: this process is not the chief.
        """
        if not self.is_chief:
            raise RuntimeError("only the chief starts the standard services")
        started = []
        if self.save_path is not None and self.saver is not None and self.save_model_secs:
            started.append(self.loop(self.save_model_secs, self._save, (sess,)))
        if self.summary_writer is not None and self.save_summaries_secs:
            if self.global_step is not None:
                counted: dict[str, float] = {}
                started.append(self.loop(self.save_summaries_secs, self._speed, (sess, counted)))
            if self.summary_op is not None:
                started.append(self.loop(self.save_summaries_secs, self._summarize, (sess,)))
        return started

    def start_queue_runners(self, sess: Session, queue_runners: Sequence[Any] | None = None) -> list[Any]:
        """Starts the threads that fill queues, by default those of the graph."""
        runners = self.graph.get_collection(QUEUE_RUNNERS) if queue_runners is None else queue_runners
        return [t for r in runners for t in r.create_threads(sess, self.coord, daemon=True, start=True)]

    StartStandardServices, StartQueueRunners = start_standard_services, start_queue_runners

    def _save(self, session: Session) -> None:
        self.saver.save(session, self.save_path, global_step=self.global_step)

    def _summarize(self, session: Session) -> None:
        if self.global_step is None:
            self.summary_writer.add_summary(session.run(self.summary_op))
        else:
            summary, step = session.run([self.summary_op, self.global_step])
            self.summary_writer.add_summary(summary, int(step))
        self.summary_writer.flush()

    def _speed(self, session: Session, counted: dict[str, float]) -> None:
        now, step = time.monotonic(), float(session.run(self.global_step))
        if counted:
            _LOG.info("global_step/sec: %g", (step - counted["step"]) / max(now - counted["time"], 1e-9))
        counted.update(time=now, step=step)

    def summary_computed(self, sess: Session, summary: Any, global_step: Any = None) -> None:
        """Writes a summary that the program has computed.

        Raises:
            RuntimeError: there is no writer.
        """
        if self.summary_writer is None:
            raise RuntimeError("there is no summary writer: give logdir, or summary_writer")
        step = global_step
        if step is None and self.global_step is not None:
            step = int(sess.run(self.global_step))
        self.summary_writer.add_summary(summary, step)

    def loop(
        self,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: dict[str, Any] | None = None,
    ) -> LooperThread:
        """Starts a thread that calls a function every so many seconds, until the stop."""
        return LooperThread.loop(self.coord, timer_interval_secs, target, args, kwargs)

    Loop, SummaryComputed = loop, summary_computed

    # The end -------------------------------------------------------------------------------------------------

    def should_stop(self) -> bool:
        """Whether anybody asked for the stop."""
        return self.coord.should_stop()

    def request_stop(self, ex: BaseException | None = None) -> None:
        """Asks for the stop; with an exception, unless it is the end of the input, because something failed."""
        self.coord.request_stop(ex)

    def stop_on_exception(self) -> Any:
        """Within it, an exception asks for the stop."""
        return self.coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Waits until somebody asks for the stop."""
        self.coord.wait_for_stop()

    def stop(
        self,
        threads: Sequence[Any] | None = None,
        close_summary_writer: bool = True,
        ignore_live_threads: bool = False,
    ) -> None:
        """Stops all threads and waits for them.

        Raises:
            Exception: what the stop was asked for with.
        """
        self.coord.request_stop()
        try:
            self.coord.join(threads, self._grace, ignore_live_threads)
        finally:
            if close_summary_writer and self.summary_writer is not None:
                self.summary_writer.close()
                self._added = False

    ShouldStop, RequestStop, StopOnException, WaitForStop, Stop = (
        should_stop,
        request_stop,
        stop_on_exception,
        wait_for_stop,
        stop,
    )


__all__ = ["Supervisor"]
