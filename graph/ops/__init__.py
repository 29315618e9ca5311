"""The op table: importing this package registers every op."""

from __future__ import annotations

from samara.graph.ops import (
    array,
    conv,
    elementwise,
    fixed_point,
    indexing,
    loss,
    matmul,
    norm,
    pool,
    quant,
    random,
    reduce,
    state,
)
from samara.graph.ops._table import OPS, OpDef

__all__ = [
    "OPS",
    "OpDef",
    "array",
    "conv",
    "elementwise",
    "fixed_point",
    "indexing",
    "loss",
    "matmul",
    "norm",
    "pool",
    "quant",
    "random",
    "reduce",
    "state",
]
