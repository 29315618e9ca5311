"""What builds each op of torch: one module for each family, one function for each kind of op."""

from __future__ import annotations

import importlib

_FAMILIES = (
    "pointwise",
    "reductions",
    "rearranging",
    "picking",
    "creating",
    "products",
    "convolving",
    "pooling",
    "normalizing",
    "attending",
    "quantizing",
    "resizing",
    "recurrent",
    "branching",
    "finding",
)


def register_all() -> None:
    """Imports the families, which registers their handlers."""
    for family in _FAMILIES:
        importlib.import_module(f"samara.exporter.frontends.torch.handlers.{family}")


__all__ = ["register_all"]
