"""Writes small .tflite files for tests: tensors and nodes in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    "int4": tflite.TensorType.INT4,
    "string": tflite.TensorType.STRING,
    "resource": tflite.TensorType.RESOURCE,
    "complex64": tflite.TensorType.COMPLEX64,
}


@dataclass(frozen=True, kw_only=True)
class Sparse:
    """How a constant without most of its zeros is stored.

    Attributes:
        order: dimensions in the order of traversal.
        blocks: the axes that have blocks.
        levels: for each dimension in that order its size, or (segments, indices).
        stored: "int32", "uint16" or "uint8": how segments and indices are.
    """

    order: Sequence[int]
    blocks: Sequence[int] = ()
    levels: Sequence[Any] = ()
    stored: str = "int32"


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
        sparse: what `data`, the stored elements only, stand for.
        record: fields of the quantization record, in the place of scale and zero point.
        external: the number of its bytes in another file.
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
    sparse: Sparse | None = None
    record: Mapping[str, Any] | None = None
    external: int = 0


def constant(data: Any, dtype: str, **keywords: Any) -> T:
    """A constant tensor."""
    array = np.asarray(data, dtype)
    return T(shape=array.shape, dtype=dtype, data=array, **keywords)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node.

    Attributes:
        op: a name of tflite.BuiltinOperator, as "CONV_2D".
        custom: the name of a custom op, for "CUSTOM".
        custom_options: its options.
        options2: the name of its options table among the newer ones.
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
    custom: str = ""
    custom_options: bytes = b""
    options2: str = ""


@dataclass(frozen=True, kw_only=True)
class G:
    """A subgraph: tensors, nodes in the order of execution, indices of its inputs and outputs."""

    tensors: Sequence[T]
    nodes: Sequence[Node]
    inputs: Sequence[int]
    outputs: Sequence[int]
    name: str = "main"


@dataclass(frozen=True, kw_only=True)
class S:
    """A signature: its name, the number of its subgraph, tensors by name."""

    name: str
    graph: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


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
    if name == "Tensor":
        # With room for a field that the package does not know.
        b.StartObject(11)
        b.PrependUint32Slot(10, ready.pop("ExternalBuffer", 0), 0)
    else:
        getattr(tflite, f"{name}Start")(b)
    for key, value in ready.items():
        getattr(tflite, f"{name}Add{key}")(b, value)
    return int(b.EndObject())


def _quantization(b: flatbuffers.Builder, tensor: T) -> int | None:
    if tensor.record is not None:
        return _table(b, "QuantizationParameters", tensor.record)
    if tensor.scale is None:
        return None
    scales = np.atleast_1d(np.asarray(tensor.scale, "float32"))
    zero_points = np.broadcast_to(np.atleast_1d(np.asarray(tensor.zero_point, "int64")), scales.shape)
    return _table(
        b,
        "QuantizationParameters",
        {"Scale": scales, "ZeroPoint": np.array(zero_points), "QuantizedDimension": tensor.axis},
    )


def _sparsity(b: flatbuffers.Builder, sparse: Sparse) -> int:
    kind = f"{sparse.stored.capitalize()}Vector"
    union = getattr(tflite.SparseIndexVector, kind)
    levels = []
    for level in sparse.levels:
        if isinstance(level, int):
            levels.append(_table(b, "DimensionMetadata", {"Format": 0, "DenseSize": level}))
            continue
        segments, indices = (_table(b, kind, {"Values": np.asarray(v, sparse.stored)}) for v in level)
        values = {
            "Format": 1,
            "ArraySegmentsType": union,
            "ArraySegments": segments,
            "ArrayIndicesType": union,
            "ArrayIndices": indices,
        }
        levels.append(_table(b, "DimensionMetadata", values))
    values = {
        "TraversalOrder": list(sparse.order),
        "BlockMap": list(sparse.blocks),
        "DimMetadata": _offsets(b, levels),
    }
    return _table(b, "SparsityParameters", values)


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
    if names is not None:
        tensors = [replace(t, name=t.name or n) for t, n in zip(tensors, names, strict=True)]
    return write_model([G(tensors=tensors, nodes=nodes, inputs=inputs, outputs=outputs)])


def write_model(graphs: Sequence[G], signatures: Sequence[S] = ()) -> bytes:
    """A model of several subgraphs."""
    b = flatbuffers.Builder(1024)
    datas = [t.data for g in graphs for t in g.tensors if t.data is not None]
    buffers = [b""] + [np.ascontiguousarray(d).tobytes() for d in datas]
    stored = [_table(b, "Buffer", {"Data": np.frombuffer(d, "uint8")} if d else {}) for d in buffers]
    nodes = [n for g in graphs for n in g.nodes]
    codes = list(dict.fromkeys((n.op, n.version, n.custom) for n in nodes))
    place = 0
    made = []
    for graph in graphs:
        made.append(_graph(b, graph, codes, place))
        place += sum(t.data is not None for t in graph.tensors)
    kinds = []
    for name, version, custom in codes:
        code = getattr(tflite.BuiltinOperator, name)
        values = {"DeprecatedBuiltinCode": min(code, 127), "BuiltinCode": code, "Version": version}
        if custom:
            values["CustomCode"] = custom
        kinds.append(_table(b, "OperatorCode", values))
    values = {
        "Version": 3,
        "OperatorCodes": _offsets(b, kinds),
        "Subgraphs": _offsets(b, made),
        "Description": "test",
        "Buffers": _offsets(b, stored),
    }
    if signatures:
        values["SignatureDefs"] = _offsets(b, [_signature(b, s) for s in signatures])
    model = _table(b, "Model", values)
    b.Finish(model, b"TFL3")
    return bytes(b.Output())


def _signature(b: flatbuffers.Builder, signature: S) -> int:
    maps = [
        _offsets(b, [_table(b, "TensorMap", {"Name": n, "TensorIndex": i}) for n, i in given.items()])
        for given in (signature.inputs, signature.outputs)
    ]
    values = {
        "Inputs": maps[0],
        "Outputs": maps[1],
        "SignatureKey": signature.name,
        "SubgraphIndex": signature.graph,
    }
    return _table(b, "SignatureDef", values)


def _graph(b: flatbuffers.Builder, graph: G, codes: Sequence[tuple[str, int, str]], place: int) -> int:
    """A subgraph, the first of whose constants is in the buffer after `place`."""
    made = []
    for index, tensor in enumerate(graph.tensors):
        buffer = 0
        if tensor.data is not None:
            place += 1
            buffer = place
        values: dict[str, Any] = {
            "Shape": np.asarray(tensor.shape, "int32"),
            "Type": _TYPES[tensor.dtype],
            "Buffer": buffer,
            "Name": tensor.name or f"t{index}",
            "IsVariable": tensor.variable,
        }
        if tensor.signature is not None:
            values["ShapeSignature"] = np.asarray(tensor.signature, "int32")
        quantization = _quantization(b, tensor)
        if quantization is not None:
            values["Quantization"] = quantization
        if tensor.sparse is not None:
            values["Sparsity"] = _sparsity(b, tensor.sparse)
        if tensor.external:
            values["ExternalBuffer"] = tensor.external
        made.append(_table(b, "Tensor", values))
    operators = []
    for node in graph.nodes:
        values = {
            "OpcodeIndex": codes.index((node.op, node.version, node.custom)),
            "Inputs": list(node.inputs),
            "Outputs": list(node.outputs),
        }
        if node.options:
            values["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, node.options)
            values["BuiltinOptions"] = _table(b, node.options, node.values)
        if node.options2:
            values["BuiltinOptions2Type"] = getattr(tflite.BuiltinOptions2, node.options2)
            values["BuiltinOptions2"] = _table(b, node.options2, node.values)
        if node.intermediates:
            values["Intermediates"] = list(node.intermediates)
        if node.custom_options:
            values["CustomOptions"] = np.frombuffer(node.custom_options, "uint8")
        operators.append(_table(b, "Operator", values))
    values = {
        "Tensors": _offsets(b, made),
        "Inputs": list(graph.inputs),
        "Outputs": list(graph.outputs),
        "Operators": _offsets(b, operators),
        "Name": graph.name,
    }
    return _table(b, "SubGraph", values)
