"""Element types of the public vocabulary."""

from __future__ import annotations

from samara.graph.dtypes import (
    DType,
    as_dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
)
from samara.graph.dtypes import bool_ as bool

double, half = float64, float16

__all__ = [
    "DType",
    "as_dtype",
    "bool",
    "double",
    "float16",
    "float32",
    "float64",
    "half",
    "int8",
    "int16",
    "int32",
    "int64",
    "string",
    "uint8",
]
