"""ONNX: `ModelProto` objects and `.onnx` files.

A model is read and checked, its functions are inlined, and it is gone through node by node: `handlers` has one
function for each op of ONNX, or one line where the op table has the same op.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samara.exporter.frontends.imported import ImportedModel


def import_onnx(
    source: Any,
    *,
    inputs: Any,
    shapes: Mapping[str, Sequence[Any]],
    trainable: bool,
    constants: Mapping[str, Any] | None = None,
) -> ImportedModel:
    """Turns an ONNX model into a Samara graph; see `import_model`.

    Raises:
        ExportError: the file is damaged, or everything in it that Samara does not support, at once.
        ImportError: onnx is not installed.
        TypeError, ValueError: inputs or shapes do not fit the model.
        OSError: the file cannot be read.
    """
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise ImportError("importing an ONNX model needs onnx: pip install samara[onnx]") from error
    from samara.exporter.frontends.onnx.assemble import assemble
    from samara.exporter.frontends.onnx.reader import read

    return assemble(
        read(source), inputs=inputs, shapes=shapes, constants=constants or {}, trainable=trainable
    )


__all__ = ["import_onnx"]
