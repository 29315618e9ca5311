"""A hook that writes summaries while a monitored session trains."""

from __future__ import annotations

import importlib.util
from typing import Any

from samara.graph.graph import get_default_graph
from samara.graph.summary import FileWriter, merge_all
from samara.graph.train.hooks import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    _counter,
    _Timer,
)


class SummarySaverHook(SessionRunHook):
    """Writes a summary every so many steps or seconds, the first one and the graph after the first step.

    Args:
        save_steps: the steps between them.
        save_secs: the seconds between them.
        output_dir: the folder of the event file.
        summary_writer: a FileWriter that writes instead; it is left open.
        scaffold: whose `summary_op` is written when `summary_op` is None.
        summary_op: what is written; all summaries of the graph when there is none.

    Raises:
        ValueError: not one of save_steps and save_secs, or neither a folder nor a writer, is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: FileWriter | None = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        if output_dir is None and summary_writer is None:
            raise ValueError("SummarySaverHook needs a folder or a writer")
        self._timer = _Timer(save_steps, save_secs)
        self._folder, self._writer = output_dir, summary_writer
        self._own = summary_writer is None
        self._scaffold, self._summary = scaffold, summary_op
        self._step: Any = None
        self._due, self._runs = False, 0

    def begin(self) -> None:
        """Finds the step counter and the summary."""
        self._step = _counter()
        if self._summary is None:
            self._summary = getattr(self._scaffold, "summary_op", None)
        if self._summary is None:
            self._summary = merge_all()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Writes the graph."""
        if self._writer is None:
            self._writer = FileWriter(self._folder)
        self._writer.add_graph(get_default_graph())

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Asks for the summary when it is time."""
        self._due = self._timer.due(self._runs)
        summaries = [] if self._summary is None or not self._due else [self._summary]
        return SessionRunArgs([self._step, *summaries])

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes it."""
        step, *summaries = run_values.results
        if self._due and self._writer is not None:
            self._timer.mark(self._runs)
            for summary in summaries:
                self._writer.add_summary(summary, int(step))
        self._runs += 1

    def end(self, session: Any) -> None:
        """Closes the file."""
        if self._writer is not None:
            self._writer.flush()
            if self._own:
                self._writer.close()


def summaries_are_possible() -> bool:
    """Whether the package tensorboard is installed."""
    return importlib.util.find_spec("tensorboard") is not None


__all__ = ["SummarySaverHook", "summaries_are_possible"]
