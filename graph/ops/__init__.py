"""The op table: importing this package registers every op."""

from __future__ import annotations

from samara.graph.ops import (
    array,
    bitwise,
    control,
    conv,
    elementwise,
    fixed_point,
    fixed_point_image,
    fixed_point_lstm,
    fixed_point_short,
    indexing,
    loss,
    matmul,
    norm,
    order,
    pool,
    quant,
    random,
    reduce,
    scatter,
    selection,
    state,
)
from samara.graph.ops._table import OPS, OpDef

__all__ = [
    "OPS",
    "OpDef",
    "array",
    "bitwise",
    "control",
    "conv",
    "elementwise",
    "fixed_point",
    "fixed_point_image",
    "fixed_point_lstm",
    "fixed_point_short",
    "indexing",
    "loss",
    "matmul",
    "norm",
    "order",
    "pool",
    "quant",
    "random",
    "reduce",
    "scatter",
    "selection",
    "state",
]
