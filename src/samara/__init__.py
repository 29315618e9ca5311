"""Samara: build and train a graph, export it to one file, run that file anywhere.

    import samara as tf

    report = tf.export_model(outputs, "m.smr", inputs=images)
    y = tf.load("m.smr")(x)

The names of the graph vocabulary (`placeholder`, `nn.conv2d`, `Session`, ...) are found here too. Importing
the package loads the exceptions only; a name brings in what it needs when it is first used, so a device that
only runs files never loads the trainer or the exporter.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from samara.errors import (
    ArgumentStatusError,
    CheckpointError,
    ExecutionError,
    ExportError,
    FeedError,
    GraphError,
    ModelFileError,
    ProofError,
    QuantizationError,
    ResourceStatusError,
    RuntimeStatusError,
    SamaraError,
    ShapeError,
    SharingError,
    UninitializedError,
)

if TYPE_CHECKING:
    from samara.exporter.check import CheckReport, check_model
    from samara.exporter.export import export_model
    from samara.exporter.freeze import Signature
    from samara.exporter.frontends import ImportedModel, import_model
    from samara.graph.names import *  # noqa: F403 (its __all__ is the vocabulary)
    from samara.pyruntime.model import Model, load

    __version__: str

__all__ = [
    "ArgumentStatusError",
    "CheckReport",
    "CheckpointError",
    "ExecutionError",
    "ExportError",
    "FeedError",
    "GraphError",
    "ImportedModel",
    "Model",
    "ModelFileError",
    "ProofError",
    "QuantizationError",
    "ResourceStatusError",
    "RuntimeStatusError",
    "SamaraError",
    "ShapeError",
    "SharingError",
    "Signature",
    "UninitializedError",
    "__version__",
    "check_model",
    "export_model",
    "import_model",
    "load",
]

_VOCABULARY = "samara.graph.names"
_ROOMS = ("exporter", "graph", "pyruntime", "quantize")
_LAZY = {
    "CheckReport": "samara.exporter.check",
    "ImportedModel": "samara.exporter.frontends",
    "Model": "samara.pyruntime.model",
    "Signature": "samara.exporter.freeze",
    "check_model": "samara.exporter.check",
    "export_model": "samara.exporter.export",
    "import_model": "samara.exporter.frontends",
    "load": "samara.pyruntime.model",
}


def _find(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("samara")
    if name.startswith("_"):
        raise AttributeError(f"module 'samara' has no attribute {name!r}")
    if name in _ROOMS:
        return importlib.import_module(f"samara.{name}")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    vocabulary = importlib.import_module(_VOCABULARY)
    if name not in vocabulary.__all__:
        raise AttributeError(f"module 'samara' has no attribute {name!r}")
    return getattr(vocabulary, name)


def __getattr__(name: str) -> Any:
    value = _find(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS, *importlib.import_module(_VOCABULARY).__all__})
