"""A TensorFlow Lite model while it is being written: tensors, ops and buffers, by LiteRT's own schema classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int8): schema.TensorType.INT8,
}
_ALIGNMENT = 16


class _AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Lays buffers where the schema asks for: at multiples of 16 bytes."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802
        if elemSize == 1 and numElems >= _ALIGNMENT:
            alignment = _ALIGNMENT
        return super().StartVector(elemSize, numElems, alignment)


class TfliteWriter:
    """One subgraph. Tensors are told by their numbers; -1 stands for one that an op does without."""

    def __init__(self) -> None:
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[int] = []

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: Any = np.float32,
        *,
        scale: Sequence[float] = (),
        zero_point: Sequence[int] = (),
        axis: int = 0,
        data: Any = None,
        variable: bool = False,
    ) -> int:
        """A tensor: with data a constant. More than one scale: one for each index of `axis`."""
        made = schema.TensorT()
        made.name, made.shape, made.type = name, list(shape), _TYPES[np.dtype(dtype)]
        made.isVariable, made.hasRank = variable, True
        made.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            made.buffer = len(self._buffers)
            self._buffers.append(buffer)
        if len(scale):
            quantization = schema.QuantizationParametersT()
            quantization.scale, quantization.zeroPoint = list(map(float, scale)), list(map(int, zero_point))
            quantization.quantizedDimension = axis
            made.quantization = quantization
        self._tensors.append(made)
        return len(self._tensors) - 1

    def operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: str = "", **fields: Any
    ) -> None:
        """An op by the name of its code; `options` is the name of its table and `fields` what is in it."""
        code = getattr(schema.BuiltinOperator, name)
        if code not in self._codes:
            self._codes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = self._codes.index(code), list(inputs), list(outputs)
        if options:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, f"{options}T")()
            for field, value in fields.items():
                if not hasattr(made.builtinOptions, field):
                    raise AttributeError(f"{options} has no field {field}")
                setattr(made.builtinOptions, field, value)
        self._operators.append(made)

    def save(self, path: Path, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Writes the file."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs, graph.name = list(inputs), list(outputs), "main"
        model = schema.ModelT()
        model.version, model.buffers, model.subgraphs = 3, self._buffers, [graph]
        model.operatorCodes = [_code(code) for code in self._codes]
        builder = _AlignedBuilder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(builder.Output())


def _code(code: int) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), 1
    return made
