"""One function for each kind of node that computes with real numbers, or only moves elements."""

from __future__ import annotations

from samara.exporter.frontends.tflite.handlers import (  # noqa: F401
    arrays,
    control,
    convolving,
    detection,
    elementwise,
    images,
    indexing,
    normalizing,
    recurrent,
    reductions,
)
from samara.exporter.frontends.tflite.handlers._registry import handler_of

CONTROL = control.CONTROL

__all__ = ["CONTROL", "handler_of"]
