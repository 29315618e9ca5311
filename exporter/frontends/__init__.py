"""Front-ends: a model of another framework becomes a Samara graph.

Each package below here reads one kind of source. `compose` holds what several of them build out of the op table.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from samara.exporter.arguments import check_shapes
from samara.exporter.frontends.imported import ImportedModel

_SUFFIXES = {".onnx": "onnx", ".tflite": "tflite", ".pt2": "torch"}
# Classes of which a source may be an instance; nothing is imported to find out.
_CLASSES = {
    ("onnx", "ModelProto"): "onnx",
    ("torch", "Module"): "torch",
    ("torch", "ExportedProgram"): "torch",
}


def frontend_of(source: Any) -> str | None:
    """The front-end that reads `source`: "onnx", "torch", "tflite", or None when it is not such a model.

    Raises:
        ValueError: a path whose ending no front-end knows.
    """
    if isinstance(source, (str, os.PathLike)):
        suffix = Path(source).suffix.lower()
        if suffix not in _SUFFIXES:
            raise ValueError(
                f"{os.fspath(source)!r} cannot be imported: expected a path that ends in {', '.join(_SUFFIXES)}"
            )
        return _SUFFIXES[suffix]
    for class_ in type(source).__mro__:
        found = _CLASSES.get((class_.__module__.split(".")[0], class_.__name__))
        if found is not None:
            return found
    return None


def import_model(
    source: Any,
    *,
    inputs: Any = None,
    shapes: Mapping[str, Sequence[Any]] | None = None,
    constants: Mapping[str, Any] | None = None,
    trainable: bool = False,
) -> ImportedModel:
    """Turns a trained model of another framework into a Samara graph, to run, look at, train, quantize or export.

    Args:
        source: a `torch.nn.Module` (a Keras 3 model on its torch backend is one), a `torch.export.ExportedProgram` or
            a `.pt2` path; an `onnx.ModelProto` or an `.onnx` path; a `.tflite` path.
        inputs: example inputs: arrays or tensors in order, or by name. A `torch.nn.Module` needs them, to be traced
            with; for other sources they only serve the proof.
        shapes: for an input's name, its shape where the source leaves dimensions open: numbers, or
            `Dim(name, minimum, maximum)` for one that may change between runs.
        constants: values of inputs of an ONNX model that are fixed: they are no inputs of the graph then. What decides
            shapes, as the sizes of a reshape, must be known when a file is written.
        trainable: whether float weights become trainable variables instead of constants.

    Raises:
        ExportError: everything in the model that Samara does not support, or what is wrong with the file, at once.
        ImportError: the front-end needs a package that is not installed; the message names the extra.
        TypeError: the source is none of these.
        OSError: the file cannot be read.
    """
    kind = frontend_of(source)
    if kind is None:
        raise TypeError(
            f"a {type(source).__name__} cannot be imported: expected a torch.nn.Module, an ExportedProgram, an "
            "onnx.ModelProto, or a path that ends in " + ", ".join(_SUFFIXES)
        )
    check_shapes(shapes)
    module = importlib.import_module(f"samara.exporter.frontends.{kind}")
    read = getattr(module, f"import_{kind}")
    more: dict[str, Any] = {}
    if constants:
        if kind != "onnx":
            raise TypeError("constants fix inputs of an ONNX model, and this is none")
        more["constants"] = constants
    imported: ImportedModel = read(source, inputs=inputs, shapes=shapes or {}, trainable=trainable, **more)
    return imported


__all__ = ["ImportedModel", "frontend_of", "import_model"]
