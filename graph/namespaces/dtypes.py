"""Element types under the names of later versions: `tf.dtypes`."""

from __future__ import annotations

from samara.graph.vocabulary.element_types import (
    DType,
    as_dtype,
    bool,
    double,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
)
from samara.graph.vocabulary.mathematics import cast, saturate_cast

__all__ = [
    "DType",
    "as_dtype",
    "bool",
    "cast",
    "double",
    "float16",
    "float32",
    "float64",
    "half",
    "int8",
    "int16",
    "int32",
    "int64",
    "saturate_cast",
    "string",
    "uint8",
]
