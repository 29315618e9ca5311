"""Nodes that compute with integers, bit for bit as the reference kernels of TensorFlow Lite.

`HANDLERS` has a function for each kind of node, `handles` says whether a node is for them.
"""

from __future__ import annotations

from samara.exporter.frontends.tflite import (  # noqa: F401
    integer_elementwise,
    integer_lstm,
    integer_moves,
    integer_reduce,
    integer_sums,
    integer_svdf,
    integer_unary,
)
from samara.exporter.frontends.tflite.integer_scales import HANDLERS
from samara.exporter.frontends.tflite.node import Node
from samara.graph import dtypes

# Which input the data is, where it is not the first.
_DATA = {"TRANSPOSE_CONV": 2}

_STORED = (dtypes.int8, dtypes.uint8, dtypes.int16)


def handles(node: Node) -> bool:
    """Whether a node computes with integers that stand for real numbers, in a way that these handlers know."""
    if node.kind not in HANDLERS:
        return False
    if node.kind in ("QUANTIZE", "DEQUANTIZE"):
        return True
    first = next((o for o in node.inputs[_DATA.get(node.kind, 0) :] if o is not None), None)
    return first is not None and first.dtype in _STORED and first.scale is not None


__all__ = ["HANDLERS", "handles"]
