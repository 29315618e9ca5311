"""Sessions that start from the last checkpoint, save on the way and end in order: `MonitoredTrainingSession`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from samara.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    GraphError,
    OpError,
    OutOfRangeError,
)
from samara.graph.collections import GraphKeys
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Operation, get_default_graph
from samara.graph.train.checkpoint_state import latest_checkpoint
from samara.graph.train.coordinator import Coordinator
from samara.graph.train.hooks import (
    CheckpointSaverHook,
    SessionRunHook,
    StepCounterHook,
    all_hooks,
    run_with_hooks,
)
from samara.graph.train.queue_runner import start_queue_runners
from samara.graph.train.saver import Saver
from samara.graph.train.step_counter import get_global_step
from samara.graph.train.summary_hook import SummarySaverHook, summaries_are_possible
from samara.graph.variables import GLOBAL_VARIABLES, group, variables_initializer

# What programs leave out means ten minutes, unless they give steps.
USE_DEFAULT: Any = type("UseDefault", (), {"__repr__": lambda self: "USE_DEFAULT"})()


class Scaffold:
    """What a monitored session needs of a graph; what is left out is made when it starts.

    Args:
        init_op: gives variables their first values; all global ones when None.
        init_feed_dict: what `init_op` is fed.
        init_fn: called with the scaffold and the session after `init_op`.
        ready_op: changes nothing: a session in one process is ready when it has started.
        ready_for_local_init_op: changes nothing.
        local_init_op: gives local variables their first values, at every start; all local ones, and the tables, when
            None.
        summary_op: what a SummarySaverHook writes; all summaries of the graph when None.
        saver: what saves and restores; one of all variables when None.
        copy_from_scaffold: not supported; None.
    """

    def __init__(
        self,
        init_op: Operation | None = None,
        init_feed_dict: Mapping[Any, Any] | None = None,
        init_fn: Any = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Operation | None = None,
        summary_op: Any = None,
        saver: Saver | None = None,
        copy_from_scaffold: Any = None,
    ) -> None:
        self.init_op = init_op
        self.init_feed_dict = init_feed_dict
        self.init_fn = init_fn
        self.local_init_op = local_init_op
        self.summary_op = summary_op
        self.saver = saver

    def finalize(self) -> Scaffold:
        """Adds to the default graph what is missing, once: a second session finds it in collections."""
        if self.init_op is None:
            self.init_op = _initializer("init_op", GLOBAL_VARIABLES)
        if self.local_init_op is None:
            self.local_init_op = _initializer("local_init_op", GraphKeys.LOCAL_VARIABLES)
        if self.saver is None:
            self.saver = Saver(allow_empty=True)
        return self


def _initializer(collection: str, variables: str) -> Operation:
    """The operation that a collection holds, or a new one in it that initializes variables."""
    graph = get_default_graph()
    held = graph.get_collection_ref(collection)
    if not held:
        tables = graph.get_collection(GraphKeys.TABLE_INITIALIZERS)
        own = variables_initializer(graph.get_collection(variables), collection)
        fills = bool(tables) and variables == GraphKeys.LOCAL_VARIABLES
        held.append(group(own, *tables, name=f"{collection}_and_tables") if fills else own)
    made: Operation = held[0]
    return made


class MonitoredSession:
    """A session with hooks, used in `with`: it starts from the last checkpoint, and ends the hooks when all went well.

    Args:
        scaffold: what it needs of the graph.
        hooks: what happens around each run.
        checkpoint_dir: where the last checkpoint is looked for; None for nowhere.
        config: as for `Session`.
        graph: the graph; the default graph when None.
        stop_grace_period_secs: how long threads have to end.
        master: the target of the session.
        is_chief: whether this session gives variables their first values; one that does not waits until those in other
            tasks have theirs.
        max_wait_secs: how long it waits.

    Attributes:
        graph: the graph, which is finalized.
        coord: the coordinator of the threads that fill queues; they end with the session.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        checkpoint_dir: str | Path | None = None,
        config: Any = None,
        graph: Graph | None = None,
        stop_grace_period_secs: float = 120,
        master: str = "",
        is_chief: bool = True,
        max_wait_secs: float = 7200,
    ) -> None:
        self._grace = stop_grace_period_secs
        self.graph = graph if graph is not None else get_default_graph()
        self._hooks = all_hooks(hooks)
        self._scaffold = scaffold or Scaffold()
        self._closed = False
        self.coord = Coordinator()
        with self.graph.as_default():
            for hook in self._hooks:
                hook.begin()
            self._scaffold.finalize()
            here = [v for v in self.graph.get_collection(GLOBAL_VARIABLES) if "/job:" not in v.device]
            self._own_init = variables_initializer(here, "init_here") if master and not is_chief else None
            self.graph.finalize()
            self._session = Session(master, self.graph, config)
            if is_chief or not master:
                self._start(checkpoint_dir)
            else:
                self._follow(max_wait_secs)
            self._threads = start_queue_runners(self._session, self.coord)
            for hook in self._hooks:
                hook.after_create_session(self._session, self.coord)

    def _start(self, checkpoint_dir: str | Path | None) -> None:
        made = self._scaffold
        latest = None if checkpoint_dir is None else latest_checkpoint(checkpoint_dir)
        if latest is not None and made.saver is not None:
            made.saver.restore(self._session, latest)
        else:
            self._session.run(made.init_op, made.init_feed_dict)
            if made.init_fn is not None:
                made.init_fn(made, self._session)
        self._session.run(made.local_init_op)

    def _follow(self, seconds: float) -> None:
        """Waits until the chief has given the variables in other tasks their values, and initializes the rest."""
        elsewhere = [v for v in self.graph.get_collection(GLOBAL_VARIABLES) if "/job:" in v.device]
        self._session.run([self._own_init, self._scaffold.local_init_op])
        end, pause = time.monotonic() + seconds, 0.01
        while True:
            try:
                self._session.run(elsewhere)
                return
            except FailedPreconditionError as error:
                if time.monotonic() > end:
                    raise DeadlineExceededError(
                        f"the chief has not initialized in {seconds:g} s: {error}"
                    ) from error
                time.sleep(pause)
                pause = min(2 * pause, 0.5)

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """As `Session.run`, with the hooks before and after.

        Raises:
            GraphError: it is closed.
            OutOfRangeError: the input is at its end; it ends the `with` that the session is used in quietly.
        """
        if self._closed:
            raise GraphError("the monitored session is closed")
        try:
            values, stop = run_with_hooks(self._session, self._hooks, fetches, feed_dict)
        except OpError:
            # What a reader failed with says more than that the queue was closed then.
            self.coord.raise_requested_exception()
            raise
        if stop:
            self.coord.request_stop()
        return values

    def run_step_fn(self, step_fn: Any) -> Any:
        """Calls a function with an object whose `session` is without hooks and whose `run_with_hooks` is `run`."""
        return step_fn(_StepContext(self))

    def should_stop(self) -> bool:
        """Whether a hook asked to stop, or the input came to its end."""
        return self._closed or self.coord.should_stop()

    def close(self) -> None:
        """Ends the hooks and the session."""
        self._end(None)

    def _tf_sess(self) -> Session:
        """The session without hooks, by the name that TensorFlow 1's programs know; also what an export reads."""
        return self._session

    def __enter__(self) -> MonitoredSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        # The end of the input is how training ends.
        at_end = kind is not None and issubclass(kind, (OutOfRangeError, StopIteration))
        self._end(None if at_end else error)
        return at_end

    def _end(self, error: BaseException | None) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if error is None:
                for hook in self._hooks:
                    hook.end(self._session)
        finally:
            self.coord.request_stop()
            try:
                self._join(error)
            finally:
                self._session.close()

    def _join(self, error: BaseException | None) -> None:
        """Waits for the threads; what one of them failed with is raised unless an exception is on its way already."""
        try:
            self.coord.join(self._threads, self._grace, ignore_live_threads=True)
        except Exception:
            if error is None:
                raise


class _StepContext:
    def __init__(self, monitored: MonitoredSession) -> None:
        self._monitored = monitored
        self.session = monitored._session

    def run_with_hooks(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        return self._monitored.run(fetches, feed_dict)

    def request_stop(self) -> None:
        self._monitored.coord.request_stop()
        raise StopIteration("a step function asked to stop")


class SingularMonitoredSession(MonitoredSession):
    """A monitored session whose session without hooks is at hand."""

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | Path | None = None,
    ) -> None:
        super().__init__(scaffold, hooks, checkpoint_dir, config, master=master)

    def raw_session(self) -> Session:
        """The session without hooks."""
        return self._session


def MonitoredTrainingSession(  # noqa: N802 (TensorFlow's name)
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: str | Path | None = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT,
    save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: Any = None,
) -> MonitoredSession:
    """A session for training that starts from the folder's last checkpoint and saves to it.

    Args:
        master: "" for this process, or the target of its `train.Server`.
        is_chief: whether this process saves; one that does not only restores, or waits for the chief where parameter
            servers have the variables.
        checkpoint_dir: the folder of the checkpoints; None saves none.
        scaffold: what it needs of the graph.
        hooks: what happens around each run.
        chief_only_hooks: the same, when `is_chief`.
        save_checkpoint_secs: seconds between checkpoints; ten minutes when neither this nor steps are given, None or 0
            for none.
        save_summaries_steps: steps between the writing of the graph's summaries; 100 when neither this nor seconds are
            given and the package tensorboard is installed, None or 0 for none.
        save_summaries_secs: seconds between them.
        config: as for `Session`.
        stop_grace_period_secs: how long threads that fill queues have to end.
        log_step_count_steps: steps between notes of the speed in the log; None for none.
        max_wait_secs: how long a process that is not the chief waits for it.
        save_checkpoint_steps: steps between checkpoints.
        summary_dir: the folder of the event file; checkpoint_dir when None.

    Raises:
        GraphError: checkpoints or the speed need a step counter and the graph has none; or `master` is no target of
            this process.
    """
    scaffold = scaffold or Scaffold()
    own: list[SessionRunHook] = []
    if is_chief and checkpoint_dir is not None:
        secs, steps = save_checkpoint_secs, save_checkpoint_steps
        if secs is USE_DEFAULT and steps is USE_DEFAULT:
            secs, steps = 600, None
        secs, steps = (None if v is USE_DEFAULT or not v else v for v in (secs, steps))
        if secs is not None or steps is not None:
            own.append(CheckpointSaverHook(checkpoint_dir, secs, steps, scaffold=scaffold))
        if log_step_count_steps:
            own.append(StepCounterHook(log_step_count_steps))
    folder = checkpoint_dir if summary_dir is None else summary_dir
    if is_chief and folder is not None:
        secs, steps = save_summaries_secs, save_summaries_steps
        if secs is USE_DEFAULT and steps is USE_DEFAULT:
            # Without a step counter there is no place for them.
            possible = summaries_are_possible() and get_global_step() is not None
            secs, steps = None, 100 if possible else None
        secs, steps = (None if v is USE_DEFAULT or not v else v for v in (secs, steps))
        if secs is not None or steps is not None:
            own.append(SummarySaverHook(steps, secs, str(folder), scaffold=scaffold))
    every = all_hooks(hooks, chief_only_hooks if is_chief else None, own)
    return MonitoredSession(
        scaffold,
        every,
        checkpoint_dir,
        config,
        stop_grace_period_secs=stop_grace_period_secs,
        master=master,
        is_chief=is_chief,
        max_wait_secs=max_wait_secs,
    )
