"""What a monitored session does around each run: stopping, saving, logging, refusing losses that are no numbers.

A program's own hooks derive from `SessionRunHook`, as TensorFlow 1's do.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph.train.saver import Saver
from samara.graph.train.step_counter import get_global_step

_logger = logging.getLogger("samara")


class NanLossDuringTrainingError(GraphError, RuntimeError):
    """The loss is no number any more."""


@dataclass(frozen=True)
class SessionRunArgs:
    """What a hook adds to a run.

    Attributes:
        fetches: what it wants to see.
        feed_dict: what it feeds, beside what the caller does.
        options: changes nothing.
    """

    fetches: Any
    feed_dict: Mapping[Any, Any] | None = None
    options: Any = None


@dataclass(frozen=True)
class SessionRunValues:
    """What a run gave a hook.

    Attributes:
        results: the values of the fetches that it asked for; None when it asked for none.
        options: None.
        run_metadata: None.
    """

    results: Any
    options: Any = None
    run_metadata: Any = None


class SessionRunContext:
    """A run as a hook sees it.

    Attributes:
        original_args: what the caller runs.
        session: the session.
        stop_requested: whether a hook asked to stop.
    """

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self.original_args = original_args
        self.session = session
        self.stop_requested = False

    def request_stop(self) -> None:
        """Makes this run the last one."""
        self.stop_requested = True


class SessionRunHook:
    """Base of the hooks; each method does nothing unless it is overridden."""

    def begin(self) -> None:
        """Called once, before the session; the graph can still be changed."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called when the variables have their values; the graph is finalized."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each run; gives what to fetch along with it."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each run."""

    def end(self, session: Any) -> None:
        """Called after the last run, unless an exception ended it."""


class _Timer:
    """Tells when it is time again, by steps or by seconds."""

    def __init__(self, every_steps: int | None, every_secs: float | None) -> None:
        if (every_steps is None) == (every_secs is None):
            raise ValueError("give a number of steps or of seconds, and not both")
        self.every_steps, self.every_secs = every_steps, every_secs
        self.step: int | None = None
        self.time = 0.0

    def due(self, step: int) -> bool:
        if self.step is None:
            return True
        if step == self.step:
            return False
        if self.every_steps is not None:
            return step >= self.step + self.every_steps
        return time.time() >= self.time + (self.every_secs or 0.0)

    def mark(self, step: int) -> None:
        self.step, self.time = step, time.time()


def _counter() -> Any:
    found = get_global_step()
    if found is None:
        raise GraphError("the graph has no step counter: create it with train.get_or_create_global_step()")
    return found


class StopAtStepHook(SessionRunHook):
    """Stops after `num_steps` more steps, or when the step counter is at `last_step`."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if (num_steps is None) == (last_step is None):
            raise ValueError("StopAtStepHook needs num_steps or last_step, and not both")
        self._more, self._last = num_steps, last_step
        self._step: Any = None

    def begin(self) -> None:
        """Finds the step counter."""
        self._step = _counter()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Finds the last step."""
        if self._last is None:
            self._last = int(session.run(self._step)) + int(self._more or 0)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Stops at the last step."""
        if int(run_context.session.run(self._step)) >= int(self._last or 0):
            run_context.request_stop()


class CheckpointSaverHook(SessionRunHook):
    """Saves a checkpoint at the start, every so often, and at the end.

    Args:
        checkpoint_dir: the folder, made when it is missing.
        save_secs: after so many seconds; or
        save_steps: after so many steps.
        saver: what saves; one of all variables when None.
        checkpoint_basename: what prefixes start with.
        scaffold: has a saver, when it is not given here.
        listeners: not supported; None.
    """

    def __init__(
        self,
        checkpoint_dir: str | Path,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Saver | None = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Any = None,
        listeners: Any = None,
    ) -> None:
        if listeners:
            raise TypeError(
                "CheckpointSaverHook: listeners are not supported; write a SessionRunHook instead"
            )
        self._folder = str(checkpoint_dir)
        self._prefix = os.path.join(self._folder, checkpoint_basename)
        self._timer = _Timer(save_steps, save_secs)
        self._saver = saver
        self._scaffold = scaffold
        self._step: Any = None

    def begin(self) -> None:
        """Finds the step counter, and makes the folder."""
        os.makedirs(self._folder, exist_ok=True)
        self._step = _counter()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Saves what training starts from."""
        if self._saver is None:
            self._saver = getattr(self._scaffold, "saver", None) or Saver()
        self._save(session)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Saves when it is time."""
        if self._timer.due(int(run_context.session.run(self._step))):
            self._save(run_context.session)

    def end(self, session: Any) -> None:
        """Saves what training came to."""
        if int(session.run(self._step)) != self._timer.step:
            self._save(session)

    def _save(self, session: Any) -> None:
        step = int(session.run(self._step))
        self._timer.mark(step)
        if self._saver is not None:
            self._saver.save(session, self._prefix, step)


class LoggingTensorHook(SessionRunHook):
    """Writes values of tensors to the log "samara", level INFO.

    Args:
        tensors: tensors or names of tensors, or a mapping from what to call them.
        every_n_iter: after so many runs; or
        every_n_secs: after so many seconds; or
        at_end: at the end, alone or beside one of the others.
        formatter: makes the text of a mapping from names to values.
    """

    def __init__(
        self,
        tensors: Any,
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[Mapping[str, Any]], str] | None = None,
    ) -> None:
        alone = at_end and every_n_iter is None and every_n_secs is None
        self._timer = None if alone else _Timer(every_n_iter, every_n_secs)
        if isinstance(tensors, Mapping):
            self._tensors = dict(tensors)
        else:
            self._tensors = {t if isinstance(t, str) else t.name: t for t in tensors}
        self._at_end = at_end
        self._formatter = formatter
        self._runs = 0

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the values when it is time."""
        if self._timer is not None and self._timer.due(self._runs):
            return SessionRunArgs(self._tensors)
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes the values."""
        if run_values.results is not None and self._timer is not None:
            self._timer.mark(self._runs)
            self._log(run_values.results)
        self._runs += 1

    def end(self, session: Any) -> None:
        """Writes the values of the end."""
        if self._at_end:
            self._log(session.run(self._tensors))

    def _log(self, values: Mapping[str, Any]) -> None:
        plain = ", ".join(f"{name} = {value}" for name, value in values.items())
        _logger.info("%s", plain if self._formatter is None else self._formatter(values))


class NanTensorHook(SessionRunHook):
    """Ends training when the loss is no number: with an error, or quietly."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss = loss_tensor
        self._fail = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the loss."""
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Looks at it.

        Raises:
            NanLossDuringTrainingError: it is no number.
        """
        if not np.any(np.isnan(run_values.results)):
            return
        if self._fail:
            raise NanLossDuringTrainingError("the loss is no number (NaN) any more: lower the learning rate")
        _logger.warning("training stops: the loss is no number (NaN) any more")
        run_context.request_stop()


class StepCounterHook(SessionRunHook):
    """Writes steps a second to the log "samara", level INFO, every so many steps or seconds."""

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
    ) -> None:
        self._timer = _Timer(None if every_n_secs is not None else every_n_steps, every_n_secs)
        self._step: Any = None

    def begin(self) -> None:
        """Finds the step counter."""
        self._step = _counter()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Starts to count."""
        self._timer.mark(int(session.run(self._step)))

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes when it is time."""
        step = int(run_context.session.run(self._step))
        if self._timer.due(step):
            seconds = max(time.time() - self._timer.time, 1e-9)
            _logger.info("global_step/sec: %g", (step - (self._timer.step or 0)) / seconds)
            self._timer.mark(step)


class FinalOpsHook(SessionRunHook):
    """Runs something at the end.

    Attributes:
        final_ops_values: what it gave.
    """

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._fetches, self._feeds = final_ops, final_ops_feed_dict
        self.final_ops_values: Any = None

    def end(self, session: Any) -> None:
        """Runs it."""
        self.final_ops_values = session.run(self._fetches, self._feeds)


class FeedFnHook(SessionRunHook):
    """Feeds each run with what a function gives."""

    def __init__(self, feed_fn: Callable[[], Mapping[Any, Any]]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Calls the function."""
        return SessionRunArgs(None, self.feed_fn())


def run_with_hooks(
    session: Any, hooks: Sequence[SessionRunHook], fetches: Any, feed_dict: Mapping[Any, Any] | None
) -> tuple[Any, bool]:
    """The value of the fetches after one run with what the hooks add, and whether one of them asked to stop.

    Raises:
        GraphError: two feeds for one tensor.
    """
    context = SessionRunContext(SessionRunArgs(fetches, feed_dict), session)
    asked: dict[str, Any] = {"caller": fetches}
    feeds = dict(feed_dict or {})
    for number, hook in enumerate(hooks):
        wanted = hook.before_run(context)
        if wanted is None:
            continue
        if wanted.fetches is not None:
            asked[str(number)] = wanted.fetches
        for key, value in (wanted.feed_dict or {}).items():
            if key in feeds:
                raise GraphError(f"{type(hook).__name__} feeds {key}, which is fed already")
            feeds[key] = value
    values = session.run(asked, feeds)
    for number, hook in enumerate(hooks):
        hook.after_run(context, SessionRunValues(values.get(str(number))))
    return values["caller"], context.stop_requested


def all_hooks(*groups: Iterable[SessionRunHook] | None) -> list[SessionRunHook]:
    """The hooks of all groups in one list.

    Raises:
        TypeError: one of them is none.
    """
    listed = [hook for group in groups for hook in group or ()]
    for hook in listed:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"{hook!r} is no SessionRunHook")
    return listed
