"""Element types and tensors of ONNX as Samara's."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from samara.graph import dtypes
from samara.graph.dtypes import DType

Array = np.ndarray[Any, Any]
_T = onnx.TensorProto

DTYPES: dict[int, DType] = {
    _T.FLOAT: dtypes.float32,
    _T.FLOAT16: dtypes.float16,
    # A bfloat16 is a float32 with zeros for its last 16 bits: arithmetic is done in float32.
    _T.BFLOAT16: dtypes.float32,
    _T.DOUBLE: dtypes.float64,
    _T.INT8: dtypes.int8,
    _T.UINT8: dtypes.uint8,
    _T.INT16: dtypes.int16,
    _T.INT32: dtypes.int32,
    _T.INT64: dtypes.int64,
    _T.BOOL: dtypes.bool_,
}


def type_name(number: int) -> str:
    """The name of an element type, as ONNX has it."""
    try:
        return str(_T.DataType.Name(number)).lower()
    except ValueError:
        return f"type {number}"


def array_of(tensor: Any) -> Array:
    """The array of a TensorProto; bfloat16 becomes float32.

    Raises:
        TypeError: its element type is not supported.
        ValueError: its data does not fit its shape.
    """
    if tensor.data_type not in DTYPES:
        raise TypeError(f"element type {type_name(tensor.data_type)}")
    dtype = DTYPES[tensor.data_type].numpy
    array = np.asarray(numpy_helper.to_array(tensor))
    return np.ascontiguousarray(array.astype(dtype, copy=False)).reshape(array.shape)


__all__ = ["DTYPES", "array_of", "type_name"]
