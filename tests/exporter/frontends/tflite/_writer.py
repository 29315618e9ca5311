"""Writes small .tflite files for tests: tensors and nodes in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

_TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "float16": tflite.TensorType.FLOAT16,
    "int32": tflite.TensorType.INT32,
    "uint8": tflite.TensorType.UINT8,
    "int64": tflite.TensorType.INT64,
    "bool": tflite.TensorType.BOOL,
    "int16": tflite.TensorType.INT16,
    "int8": tflite.TensorType.INT8,
    "float64": tflite.TensorType.FLOAT64,
    "uint32": tflite.TensorType.UINT32,
    "uint16": tflite.TensorType.UINT16,
    "uint64": tflite.TensorType.UINT64,
}


@dataclass(frozen=True, kw_only=True)
class T:
    """A tensor.

    Attributes:
        shape: its shape.
        dtype: a numpy name.
        data: the values of a constant.
        scale, zero_point: one number, or one for each index along `axis`; None when the tensor is not quantized.
        axis: the axis that several scales go along.
        variable: whether it keeps its value from run to run.
        signature: the shape with -1 where it is open.
    """

    shape: Sequence[int] = ()
    dtype: str = "float32"
    data: Any = None
    scale: Any = None
    zero_point: Any = 0
    axis: int = 0
    variable: bool = False
    signature: Sequence[int] | None = None
    name: str = ""


def constant(data: Any, dtype: str, **keywords: Any) -> T:
    """A constant tensor."""
    array = np.asarray(data, dtype)
    return T(shape=array.shape, dtype=dtype, data=array, **keywords)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node.

    Attributes:
        op: a name of tflite.BuiltinOperator, as "CONV_2D"; with `custom` the name of a custom op.
        inputs, outputs: indices of tensors; -1 for an absent input.
        options: the name of its options table, as "Conv2DOptions", or "".
        values: fields of that table, in the schema's CamelCase; a list becomes a vector of int32.
        intermediates: indices of tensors.
    """

    op: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    intermediates: Sequence[int] = ()
    version: int = 1


def _vector(b: flatbuffers.Builder, values: Any, dtype: str) -> int:
    return int(b.CreateNumpyVector(np.ascontiguousarray(values, dtype).reshape(-1)))


def _offsets(b: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def _table(b: flatbuffers.Builder, name: str, values: Mapping[str, Any]) -> int:
    ready = {}
    for key, value in values.items():
        if isinstance(value, str):
            ready[key] = b.CreateString(value)
        elif isinstance(value, (list, tuple)):
            ready[key] = _vector(b, value, "int32")
        elif isinstance(value, np.ndarray):
            ready[key] = _vector(b, value, value.dtype.name)
        else:
            ready[key] = value
    getattr(tflite, f"{name}Start")(b)
    for key, value in ready.items():
        getattr(tflite, f"{name}Add{key}")(b, value)
    return int(getattr(tflite, f"{name}End")(b))


def _quantization(b: flatbuffers.Builder, tensor: T) -> int | None:
    if tensor.scale is None:
        return None
    scales = np.atleast_1d(np.asarray(tensor.scale, "float32"))
    zero_points = np.broadcast_to(np.atleast_1d(np.asarray(tensor.zero_point, "int64")), scales.shape)
    return _table(
        b,
        "QuantizationParameters",
        {"Scale": scales, "ZeroPoint": np.array(zero_points), "QuantizedDimension": tensor.axis},
    )


def write(
    tensors: Sequence[T],
    nodes: Sequence[Node],
    inputs: Sequence[int],
    outputs: Sequence[int],
    *,
    names: Sequence[str] | None = None,
) -> bytes:
    """A model of one subgraph.

    Args:
        tensors: all tensors.
        nodes: in the order of execution.
        inputs, outputs: indices of tensors.
        names: names of the tensors; "t0", "t1", ... when None.
    """
    b = flatbuffers.Builder(1024)
    buffers = [b""] + [np.ascontiguousarray(t.data).tobytes() for t in tensors if t.data is not None]
    stored = [_table(b, "Buffer", {"Data": np.frombuffer(d, "uint8")} if d else {}) for d in buffers]
    made = []
    place = 0
    for index, tensor in enumerate(tensors):
        buffer = 0
        if tensor.data is not None:
            place += 1
            buffer = place
        values: dict[str, Any] = {
            "Shape": np.asarray(tensor.shape, "int32"),
            "Type": _TYPES[tensor.dtype],
            "Buffer": buffer,
            "Name": tensor.name or (names[index] if names else f"t{index}"),
            "IsVariable": tensor.variable,
        }
        if tensor.signature is not None:
            values["ShapeSignature"] = np.asarray(tensor.signature, "int32")
        quantization = _quantization(b, tensor)
        if quantization is not None:
            values["Quantization"] = quantization
        made.append(_table(b, "Tensor", values))
    codes = list(dict.fromkeys((n.op, n.version) for n in nodes))
    operators = []
    for node in nodes:
        values = {
            "OpcodeIndex": codes.index((node.op, node.version)),
            "Inputs": list(node.inputs),
            "Outputs": list(node.outputs),
        }
        if node.options:
            values["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, node.options)
            values["BuiltinOptions"] = _table(b, node.options, node.values)
        if node.intermediates:
            values["Intermediates"] = list(node.intermediates)
        operators.append(_table(b, "Operator", values))
    subgraph = _table(
        b,
        "SubGraph",
        {
            "Tensors": _offsets(b, made),
            "Inputs": list(inputs),
            "Outputs": list(outputs),
            "Operators": _offsets(b, operators),
            "Name": "main",
        },
    )
    kinds = []
    for name, version in codes:
        code = getattr(tflite.BuiltinOperator, name)
        kinds.append(
            _table(
                b,
                "OperatorCode",
                {"DeprecatedBuiltinCode": min(code, 127), "BuiltinCode": code, "Version": version},
            )
        )
    model = _table(
        b,
        "Model",
        {
            "Version": 3,
            "OperatorCodes": _offsets(b, kinds),
            "Subgraphs": _offsets(b, [subgraph]),
            "Description": "test",
            "Buffers": _offsets(b, stored),
        },
    )
    b.Finish(model, b"TFL3")
    return bytes(b.Output())
