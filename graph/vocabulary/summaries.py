"""TensorFlow 0's spellings of summaries, whose tags are taken as they are, and TensorBoard's messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.summary import Event, SessionLog, Summary, merge, merge_all
from samara.graph.summary.needed import Message
from samara.graph.summary.summarize import SUMMARIES, Collections, summarize

HistogramProto = Message("HistogramProto")


def scalar_summary(
    tags: Any, values: Any, collections: Collections = None, name: str | None = None
) -> Tensor:
    """Numbers over the steps, each with its tag; see `summary.scalar`."""
    tensor = convert_to_tensor(values)
    listed = tuple(str(t) for t in np.asarray(tags).reshape(-1))
    return summarize(tensor.graph, "scalar", [tensor], collections, tag=listed)


def histogram_summary(
    tag: str, values: Any, collections: Collections = None, name: str | None = None
) -> Tensor:
    """How values are distributed; see `summary.histogram`."""
    tensor = convert_to_tensor(values)
    return summarize(tensor.graph, "histogram", [tensor], collections, tag=str(tag))


def image_summary(
    tag: str, tensor: Any, max_images: int = 3, collections: Collections = None, name: str | None = None
) -> Tensor:
    """Images; see `summary.image`."""
    found = convert_to_tensor(tensor)
    return summarize(found.graph, "image", [found], collections, tag=str(tag), max_outputs=max_images)


def audio_summary(
    tag: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Collections = None,
    name: str | None = None,
) -> Tensor:
    """Sounds; see `summary.audio`."""
    found = convert_to_tensor(tensor)
    given = [found, sample_rate]
    return summarize(found.graph, "audio", given, collections, tag=str(tag), max_outputs=max_outputs)


def merge_summary(inputs: Sequence[Any], collections: Collections = None, name: str | None = None) -> Tensor:
    """One summary of several."""
    return merge(inputs, collections, name)


def merge_all_summaries(key: str = SUMMARIES) -> Tensor | None:
    """One summary of all in a collection of the default graph; None where there are none."""
    return merge_all(key)


__all__ = [
    "Event",
    "HistogramProto",
    "SessionLog",
    "Summary",
    "audio_summary",
    "histogram_summary",
    "image_summary",
    "merge_all_summaries",
    "merge_summary",
    "scalar_summary",
]
