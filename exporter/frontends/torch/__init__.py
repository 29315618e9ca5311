"""PyTorch: modules, exported programs and `.pt2` files.

A model is traced by `torch.export`, written by torch in functional core ops (those that the op table has a counterpart
for are kept whole), and read node by node: `handlers` has one function for each op of torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samara.exporter.frontends.imported import ImportedModel


def import_torch(
    source: Any, *, inputs: Any, shapes: Mapping[str, Sequence[Any]], trainable: bool
) -> ImportedModel:
    """Turns a module, an exported program or a `.pt2` file into a Samara graph; see `import_model`.

    Raises:
        ExportError: torch cannot export the module, or everything in it that Samara does not support, at once.
        ImportError: torch is not installed.
        TypeError, ValueError: inputs or shapes do not fit the module.
        OSError: the file cannot be read.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ImportError("importing a PyTorch model needs torch: pip install samara[torch]") from error
    from samara.exporter.frontends.torch.assemble import assemble
    from samara.exporter.frontends.torch.program import load

    return assemble(load(source, inputs, shapes), trainable=trainable)


__all__ = ["import_torch"]
