"""A graph as the message `GraphDef`, for the graph page of TensorBoard.

Nodes have the names of the operations, so that scopes are as in the graph; their inputs, control inputs, devices,
attributes, and shapes in the attribute `_output_shapes`. The operations of a body are nodes below the operation that
runs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph import dims
from samara.graph.dtypes import DType
from samara.graph.graph import Body, Graph, Operation, Tensor
from samara.graph.tensorboard.messages import AttrValue, GraphDef, NodeDef, TensorProto, TensorShapeProto

# The page draws nodes of these types in a way of their own.
_KNOWN = {
    "assign": "Assign",
    "audio_summary": "AudioSummary",
    "constant": "Const",
    "histogram_summary": "HistogramSummary",
    "image_summary": "ImageSummary",
    "merge_summary": "MergeSummary",
    "no_op": "NoOp",
    "placeholder": "Placeholder",
    "scalar_summary": "ScalarSummary",
    "text_summary": "TensorSummary",
    "variable": "VariableV2",
}
_TYPES = {
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "string": 7,
    "int64": 9,
    "bool": 10,
    "float16": 19,
}
_LARGEST_VALUE_BYTES = 1024


def graph_def(graph: Graph) -> GraphDef:
    """The message of a graph."""
    made = GraphDef()
    _add(made, graph, "", {})
    # The version from which on attributes with default values may be left out.
    made.versions.producer = 24
    return made


def _add(made: GraphDef, graph: Graph, prefix: str, fed: dict[Tensor, str]) -> None:
    for op in graph.operations:
        node = made.node.add(name=prefix + op.name, op=_KNOWN.get(op.type, op.type), device=op.device)
        inputs = [_source(t, prefix) for t in op.given_inputs]
        for name, body in op.bodies.items():
            inner = f"{node.name}/{name}/"
            # What a body is given are the last of the operation's inputs.
            given = op.given_inputs[len(op.given_inputs) - len(body.inputs) :]
            sources = (
                {t: _source(g, prefix) for t, g in zip(body.inputs, given, strict=True)}
                if len(given) == len(body.inputs)
                else {}
            )
            _add(made, body.graph, inner, sources)
            inputs += [_source(t, inner) for t in body.outputs]
        if op.type == "placeholder" and op.outputs[0] in fed:
            inputs.append(fed[op.outputs[0]])
        node.input.extend(inputs)
        node.input.extend(f"^{prefix}{c.name}" for c in op.control_inputs)
        _attributes(node, op)


def _source(tensor: Tensor, prefix: str) -> str:
    name = prefix + tensor.op.name
    return f"{name}:{tensor.index}" if tensor.index else name


def _attributes(node: NodeDef, op: Operation) -> None:
    for name, value in op.attributes.items():
        if not isinstance(value, Body) and value is not None:
            node.attr[name].CopyFrom(_value(value))
    if op.outputs:
        shapes = AttrValue.ListValue(shape=[_shape(t.shape) for t in op.outputs])
        node.attr["_output_shapes"].CopyFrom(AttrValue(list=shapes))
        if "dtype" not in op.attributes:
            node.attr["T"].CopyFrom(AttrValue(type=_TYPES[op.outputs[0].dtype.name]))


def _value(value: Any) -> AttrValue:
    if isinstance(value, bool):
        return AttrValue(b=value)
    if isinstance(value, (int, np.integer)):
        return AttrValue(i=int(value))
    if isinstance(value, float):
        return AttrValue(f=value)
    if isinstance(value, DType):
        return AttrValue(type=_TYPES[value.name])
    if isinstance(value, np.ndarray):
        return _tensor(value)
    if isinstance(value, tuple) and value and all(isinstance(v, (int, dims.Dim)) for v in value):
        if all(isinstance(v, int) for v in value):
            return AttrValue(list=AttrValue.ListValue(i=value))
        return AttrValue(shape=_shape(value))
    text = value if isinstance(value, str) else str(value)
    return AttrValue(s=text.encode()[:_LARGEST_VALUE_BYTES])


def _tensor(array: np.ndarray[Any, Any]) -> AttrValue:
    kind = "string" if array.dtype == object else array.dtype.name
    made = TensorProto(dtype=_TYPES[kind], tensor_shape=_shape(array.shape))
    if array.dtype == object:
        made.string_val.extend(array.flat)
    elif array.nbytes <= _LARGEST_VALUE_BYTES:
        made.tensor_content = array.tobytes()
    return AttrValue(tensor=made)


def _shape(shape: Any) -> TensorShapeProto:
    if shape is None:
        return TensorShapeProto(unknown_rank=True)
    return TensorShapeProto(
        dim=[
            TensorShapeProto.Dim(size=d)
            if isinstance(d, int)
            else TensorShapeProto.Dim(size=-1, name="" if d.anonymous else str(d))
            for d in shape
        ]
    )


__all__ = ["graph_def"]
