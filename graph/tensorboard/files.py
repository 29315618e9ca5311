"""Event files: TensorBoard's own writer and reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from samara.graph.tensorboard.messages import Event


def events(path: str) -> Iterator[Any]:
    """The events of a file, in order."""
    for serialized in RawEventFileLoader(path).Load():
        yield Event.FromString(serialized)


__all__ = ["EventFileWriter", "events"]
