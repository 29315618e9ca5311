"""Writing summaries and graphs to event files."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

from samara.graph.graph import Graph
from samara.graph.graph_def import GraphDef
from samara.graph.summary.needed import tensorboard_module


class FileWriter:
    """Writes an event file for TensorBoard: `tensorboard --logdir` with the same folder shows it.

    What is added is written in the background; `flush` and `close` wait until it is on the disk. Any thread may call
    it. A writer that is closed ignores what is added, with a warning, until it is reopened. It is a context manager,
    which closes it.

    Args:
        logdir: the folder, made if need be; each writer makes a file of its own in it.
        graph: a graph to be shown, what its `as_graph_def` gives, or None.
        max_queue: how many events may wait to be written.
        flush_secs: after how many seconds what waits is written.
        graph_def: a GraphDef message to be shown instead of `graph`.
        filename_suffix: the end of the file's name.
        session: no effect: a writer needs no session.

    Raises:
        GraphError: the package tensorboard is not installed.
    """

    def __init__(
        self,
        logdir: Any,
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ) -> None:
        self._logdir = str(logdir)
        self._options = (max_queue, flush_secs, filename_suffix or "")
        self._lock = threading.Lock()
        self._described: set[str] = set()
        self._run_tags: set[str] = set()
        self._writer: Any = None
        self._messages = tensorboard_module("messages")
        self.reopen()
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def get_logdir(self) -> str:
        """The folder."""
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Adds an Event message."""
        with self._lock:
            if self._writer is None:
                warnings.warn(
                    f"the writer of {self._logdir} is closed: what is added is lost until it is reopened",
                    stacklevel=2,
                )
                return
            self._writer.add_event(event)

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Adds a summary.

        Args:
            summary: what running a summary op gave, or a Summary message.
            global_step: the number of the training step, the place on the horizontal axis.
        """
        found = self._messages.Summary()
        if isinstance(summary, bytes):
            found.ParseFromString(summary)
        else:
            found.CopyFrom(summary)
        for value in found.value:
            # Files say what a tag is once.
            if value.HasField("metadata"):
                if value.tag in self._described:
                    value.ClearField("metadata")
                self._described.add(value.tag)
        self._add(global_step, summary=found)

    def add_graph(self, graph: Any = None, global_step: Any = None, graph_def: Any = None) -> None:
        """Adds a graph, with its scopes, shapes and devices.

        Raises:
            TypeError: it is neither a graph nor a GraphDef message.
        """
        if graph_def is None:
            graph_def = graph
        if isinstance(graph_def, GraphDef):
            graph_def = graph_def.graph
        if isinstance(graph_def, Graph):
            graph_def = tensorboard_module("graph_def").graph_def(graph_def)
        if not isinstance(graph_def, self._messages.GraphDef):
            raise TypeError(f"{type(graph_def).__name__} is not a graph")
        self._add(global_step, graph_def=graph_def.SerializeToString())

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Adds what a run reported; the graph page shows the time and the memory of each operation.

        Args:
            run_metadata: as filled by `session.run(..., run_metadata=)`, or a message.
            tag: a name of the run, which no other has.
            global_step: the number of the training step.

        Raises:
            ValueError: the tag is taken.
        """
        with self._lock:
            if tag in self._run_tags:
                raise ValueError(f"the tag {tag!r} is taken by an earlier run")
            self._run_tags.add(tag)
        serialized = tensorboard_module("run_metadata").serialized(run_metadata)
        tagged = self._messages.TaggedRunMetadata(tag=tag, run_metadata=serialized)
        self._add(global_step, tagged_run_metadata=tagged)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Adds a SessionLog message."""
        self._add(global_step, session_log=session_log)

    def _add(self, global_step: Any, **content: Any) -> None:
        event = self._messages.Event(wall_time=time.time(), **content)
        if global_step is not None:
            event.step = int(global_step)
        self.add_event(event)

    def flush(self) -> None:
        """Returns when all that was added is in the file."""
        with self._lock:
            if self._writer is not None:
                self._writer.flush()

    def close(self) -> None:
        """Writes what waits and closes the file; closing twice does nothing."""
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def reopen(self) -> None:
        """Starts a new file in the folder, if the writer is closed."""
        with self._lock:
            if self._writer is None:
                self._described.clear()
                self._writer = tensorboard_module("files").EventFileWriter(self._logdir, *self._options)

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FileWriterCache:
    """One writer for each folder."""

    _writers: ClassVar[dict[str, FileWriter]] = {}
    _lock = threading.Lock()

    @classmethod
    def get(cls, logdir: Any) -> FileWriter:
        """The writer of a folder."""
        with cls._lock:
            if str(logdir) not in cls._writers:
                cls._writers[str(logdir)] = FileWriter(logdir)
            return cls._writers[str(logdir)]

    @classmethod
    def clear(cls) -> None:
        """Closes and forgets all of them."""
        with cls._lock:
            for writer in cls._writers.values():
                writer.close()
            cls._writers.clear()


def summary_iterator(path: Any) -> Iterator[Any]:
    """The Event messages of an event file, in order.

    Raises:
        GraphError: the package tensorboard is not installed.
    """
    found: Iterator[Any] = tensorboard_module("files").events(str(path))
    return found


__all__ = ["FileWriter", "FileWriterCache", "summary_iterator"]
