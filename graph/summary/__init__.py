"""What TensorBoard shows, with TensorFlow 1's names and arguments: `tf.summary`.

A function adds an operation whose value, bytes, is given to `FileWriter.add_summary`. Each joins the collection
"summaries" unless it is told others, and `merge_all` makes one operation of those. Running one needs the package
tensorboard (`pip install samara[tensorboard]`); building the graph does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import string
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.summary.needed import Message
from samara.graph.summary.summarize import SUMMARIES, Collections, summarize
from samara.graph.summary.writer import FileWriter, FileWriterCache

Event = Message("Event")
SessionLog = Message("SessionLog")
Summary = Message("Summary")
SummaryDescription = Message("SummaryDescription")
TaggedRunMetadata = Message("TaggedRunMetadata")


def scalar(name: str, tensor: Any, collections: Collections = None, family: str | None = None) -> Tensor:
    """A number over the steps.

    Args:
        name: with the name scopes around it, under which it is shown.
        tensor: a scalar.
        collections: the collections that it joins; "summaries" when None.
        family: a word before the name, under which TensorBoard groups.

    Raises:
        ShapeError: it is no scalar.
    """
    return _added("scalar", name, tensor, collections, family)


def histogram(name: str, values: Any, collections: Collections = None, family: str | None = None) -> Tensor:
    """How the values of a tensor are distributed, over the steps.

    Args:
        name: with the name scopes around it, under which it is shown.
        values: a tensor of any shape; the run fails when one is not finite.
        collections: the collections that it joins; "summaries" when None.
        family: a word before the name, under which TensorBoard groups.
    """
    return _added("histogram", name, values, collections, family)


def image(
    name: str, tensor: Any, max_outputs: int = 3, collections: Collections = None, family: str | None = None
) -> Tensor:
    """Images; see the op `image_summary`.

    Args:
        name: with the name scopes around it, under which they are shown, as "name/image/0".
        tensor: [batch, height, width, channels] of uint8 or floating-point numbers; 1, 3 or 4 channels.
        max_outputs: how many of the batch are shown.
        collections: the collections that it joins; "summaries" when None.
        family: a word before the name, under which TensorBoard groups.
    """
    return _added("image", name, tensor, collections, family, max_outputs=max_outputs)


def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Collections = None,
    family: str | None = None,
) -> Tensor:
    """Sounds; see the op `audio_summary`.

    Args:
        name: with the name scopes around it, under which they are heard, as "name/audio/0".
        tensor: [batch, frames] or [batch, frames, channels] of numbers from -1 to 1.
        sample_rate: samples per second.
        max_outputs: how many of the batch are kept.
        collections: the collections that it joins; "summaries" when None.
        family: a word before the name, under which TensorBoard groups.
    """
    return _added("audio", name, tensor, collections, family, sample_rate, max_outputs=max_outputs)


def text(name: str, tensor: Any, collections: Collections = None) -> Tensor:
    """Texts, shown as Markdown.

    Args:
        name: with the name scopes around it, under which it is shown.
        tensor: texts of any shape: a tensor of the element type string, or strings.
        collections: the collections that it joins; "summaries" when None.
    """
    return _added("text", name, tensor, collections, None)


def merge(inputs: Sequence[Any], collections: Collections = None, name: str | None = None) -> Tensor:
    """One summary of several.

    Args:
        inputs: what the functions above give.
        collections: the collections that it joins; none when None.
        name: of the operation.
    """
    tensors = [convert_to_tensor(s) for s in inputs]
    graph = tensors[0].graph if tensors else get_default_graph()
    merged: Tensor = graph.b.merge_summary(tensors, name=name or "Merge/MergeSummary")
    for collection in collections or ():
        graph.add_to_collection(collection, merged)
    return merged


def merge_all(key: str = SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """One summary of all in a collection of the default graph; None where there are none.

    Args:
        key: the collection.
        scope: the beginning of the names of those that are meant.
        name: of the operation.
    """
    found = get_default_graph().get_collection(key, scope)
    return merge(found, name=name) if found else None


def _added(
    kind: str,
    name: str,
    value: Any,
    collections: Collections,
    family: str | None,
    *more: Any,
    **attributes: Any,
) -> Tensor:
    tensor = convert_to_tensor(value, string if kind == "text" else None)
    graph = tensor.graph
    clean = _clean(name)
    if family is not None:
        clean = f"{_clean(family)}/{clean}"
    with graph.name_scope(clean) as scope:
        tag = scope.removesuffix("/")
        if family is not None:
            tag = f"{_clean(family)}/{tag}"
        tags = (tag,) if kind == "scalar" else tag
        return summarize(graph, kind, [tensor, *more], collections, tag=tags, **attributes)


def _clean(name: str) -> str:
    """A name without what names of TensorFlow cannot hold."""
    return re.sub(r"[^-/\w.]", "_", name, flags=re.ASCII).lstrip("/")


__all__ = [
    "Event",
    "FileWriter",
    "FileWriterCache",
    "SessionLog",
    "Summary",
    "SummaryDescription",
    "TaggedRunMetadata",
    "audio",
    "histogram",
    "image",
    "merge",
    "merge_all",
    "scalar",
    "text",
]
