"""TensorFlow Lite: `.tflite` files.

A file is read and checked, then gone through node by node: `handlers` has a function for each kind of node that
computes with real numbers, `integer` one for each that computes with integers which stand for real numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samara.exporter.frontends.imported import ImportedModel


def import_tflite(
    path: Any,
    *,
    inputs: Any = None,
    shapes: Mapping[str, Sequence[Any]] | None = None,
    trainable: bool = False,
) -> ImportedModel:
    """Turns a `.tflite` file into a Samara graph; see `import_model`.

    Raises:
        ExportError: the file is damaged, or everything in it that Samara does not support, at once.
        ImportError: tflite is not installed.
        ValueError: inputs or shapes do not fit the model.
        OSError: the file cannot be read.
    """
    try:
        import tflite  # noqa: F401
    except ImportError as error:
        raise ImportError("importing a .tflite file needs tflite: pip install samara[tflite]") from error
    from samara.exporter.frontends.tflite.assemble import assemble
    from samara.exporter.frontends.tflite.reader import read

    return assemble(read(path), inputs=inputs, shapes=shapes or {}, trainable=trainable)


__all__ = ["import_tflite"]
