"""Reads a `.tflite` file: what it holds, checked, as plain values."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from samara.errors import ExportError
from samara.exporter.frontends.tflite.flatfile import DamagedError, Flatfile, Table, defaults
from samara.exporter.frontends.tflite.schema import OPTIONS
from samara.exporter.frontends.tflite.sparse import densify
from samara.graph import dtypes
from samara.graph.dtypes import DType

Array = np.ndarray[Any, Any]


def _names(enumeration: type) -> dict[int, str]:
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int) and not k.startswith("_")}


_KINDS = _names(tflite.BuiltinOperator)
_TYPES = _names(tflite.TensorType)
_OPTIONS = {
    "builtin_options": _names(tflite.BuiltinOptions),
    "builtin_options2": _names(tflite.BuiltinOptions2),
}
# The number that says that the kind is too large for the field of old files.
_ESCAPE = 127

DTYPES: dict[str, DType] = {
    "FLOAT32": dtypes.float32,
    "FLOAT16": dtypes.float16,
    "FLOAT64": dtypes.float64,
    "INT8": dtypes.int8,
    "UINT8": dtypes.uint8,
    "INT16": dtypes.int16,
    "INT32": dtypes.int32,
    "INT64": dtypes.int64,
    "BOOL": dtypes.bool_,
    # Weights of 4 bits are read as int8.
    "INT4": dtypes.int8,
}


def type_name(number: int) -> str:
    """The name of an element type, in lower case."""
    return _TYPES.get(number, f"type {number}").lower()


def dtype_of(number: int) -> DType | None:
    """The element type of a number of the schema; None when it is not supported."""
    return DTYPES.get(_TYPES.get(number, ""))


@dataclass(frozen=True, kw_only=True)
class SourceTensor:
    """A tensor of the file.

    Attributes:
        index: its number in its subgraph.
        name: its name, made up when it has none.
        type: its element type, as the schema has it, in lower case.
        dtype: None when Samara has no such type.
        shape: its sizes, as the file was converted.
        open: the axes that the file says may have other sizes.
        buffer: the number of its buffer.
        raw: the bytes of a constant; None when it is computed.
        sparsity: how a constant is stored that is mostly zeros.
        scale, zero_point, axis: see `Operand`.
        variable: whether it keeps its value from run to run.
        external: whether its bytes are in another file.
    """

    index: int
    name: str
    type: str
    dtype: DType | None
    shape: tuple[int, ...]
    open: frozenset[int]
    buffer: int
    raw: memoryview | None
    sparsity: Table | None
    scale: Array | None
    zero_point: Array | None
    axis: int
    variable: bool
    external: bool

    @cached_property
    def value(self) -> Array | None:
        """What a constant holds.

        Raises:
            DamagedError: its bytes do not fit its shape.
        """
        if self.raw is None or self.dtype is None:
            return None
        where = f"tensor {self.name!r}"
        numpy = self.dtype.numpy
        if self.sparsity is not None:
            return densify(self.sparsity, np.dtype(numpy), self.raw, self.shape, where)
        count = _product(self.shape)
        if self.type == "int4":
            if len(self.raw) != (count + 1) // 2:
                raise DamagedError(f"{where} has {len(self.raw)} bytes for {count} elements of 4 bits")
            both = np.frombuffer(self.raw, np.int8)
            halves = np.stack([(both << 4).astype(np.int8) >> 4, both >> 4], axis=1).reshape(-1)
            return np.ascontiguousarray(halves[:count]).reshape(self.shape)
        size = np.dtype(numpy).itemsize
        if len(self.raw) != count * size:
            raise DamagedError(
                f"{where} of shape {list(self.shape)} and {self.type} has {len(self.raw)} bytes, "
                f"expected {count * size}"
            )
        stored: Any = np.uint8 if self.dtype is dtypes.bool_ else np.dtype(numpy).newbyteorder("<")
        array = np.frombuffer(self.raw, stored)
        # The bytes of the file themselves, where these can be read as they lie.
        array = (
            array != 0 if self.dtype is dtypes.bool_ else array.astype(numpy, copy=not array.flags.aligned)
        )
        return np.ascontiguousarray(array).reshape(self.shape)


@dataclass(frozen=True, kw_only=True)
class SourceNode:
    """A node of the file; tensors by number, -1 for an absent one."""

    kind: str
    custom: str
    version: int
    where: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    options: Mapping[str, Any]
    custom_options: bytes


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """A subgraph: its tensors and its nodes in order."""

    name: str
    tensors: Sequence[SourceTensor]
    nodes: Sequence[SourceNode]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SourceSignature:
    """What can be run: a subgraph, with the names of its inputs and outputs and their tensors."""

    name: str
    subgraph: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    declared: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file that was read."""

    path: Path
    origin: str
    subgraphs: Sequence[Subgraph]
    signatures: Sequence[SourceSignature]
    metadata: Mapping[str, str] = field(default_factory=dict)
    data: bytes | mmap.mmap = b""

    def rest(self) -> None:
        """Gives the memory that holds the file's bytes back to the system, until they are looked at again."""
        if isinstance(self.data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            self.data.madvise(mmap.MADV_DONTNEED)


def _file(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as file:
        # Nothing cannot be mapped.
        empty = not os.fstat(file.fileno()).st_size
        return b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def read(path: str | os.PathLike[str]) -> Source:
    """Reads and checks a file.

    Raises:
        ExportError: it is damaged.
        OSError: it cannot be read.
    """
    path = Path(path)
    try:
        return _read(path, _file(path))
    except DamagedError as error:
        message = f"{path.name} is damaged, or is no .tflite file: {error}"
        raise ExportError(message, (str(error),)) from error


def _product(shape: Sequence[int]) -> int:
    count = 1
    for d in shape:
        count *= d
    return count


def _read(path: Path, data: bytes | mmap.mmap) -> Source:
    model = Flatfile(data, _OPTIONS).root("Model", b"TFL3")
    if model["version"] != 3:
        raise DamagedError(f"the schema version is {model['version']}, expected 3")
    if not model["subgraphs"]:
        raise DamagedError("it has no subgraphs")
    buffers = [_buffer(b, data, i) for i, b in enumerate(model["buffers"])]
    codes = [_code(c) for c in model["operator_codes"]]
    subgraphs = [
        _subgraph(g, i, buffers, codes, len(model["subgraphs"])) for i, g in enumerate(model["subgraphs"])
    ]
    for subgraph in subgraphs:
        for tensor in subgraph.tensors:
            # A constant that does not fit its shape is found here, not when it is used.
            _ = tensor.value
    return Source(
        path=path,
        origin=f"TFLite, {path.name}",
        subgraphs=subgraphs,
        signatures=_signatures(model["signature_defs"], subgraphs),
        metadata={"description": model["description"]} if model["description"] else {},
        data=data,
    )


def _buffer(buffer: Table, data: bytes | mmap.mmap, index: int) -> memoryview:
    offset, size = buffer["offset"], buffer["size"]
    # Large files keep the bytes of buffers behind the tables.
    if offset > 1:
        if offset + size > len(data):
            raise DamagedError(f"buffer {index} has {size} bytes at {offset}, outside the file")
        return memoryview(data)[offset : offset + size]
    return memoryview(buffer["data"])


def _code(code: Table) -> tuple[str, str, int]:
    old, new = code["deprecated_builtin_code"], code["builtin_code"]
    number = new if old == _ESCAPE else max(old, new)
    kind = _KINDS.get(number, f"operator {number}")
    return kind, code["custom_code"] or "", code["version"]


def _subgraph(
    graph: Table, index: int, buffers: Sequence[memoryview], codes: Sequence[tuple[str, str, int]], count: int
) -> Subgraph:
    tensors = [_tensor(t, i, buffers) for i, t in enumerate(graph["tensors"])]
    where = f"subgraph {index}"
    nodes = []
    for i, operator in enumerate(graph["operators"]):
        if operator["opcode_index"] >= len(codes):
            raise DamagedError(
                f"node {i} of {where} has operator code {operator['opcode_index']} of {len(codes)}"
            )
        kind, custom, version = codes[operator["opcode_index"]]
        outputs = _indices(operator["outputs"], len(tensors), 0, f"an output of node {i} of {where}")
        place = f"{custom or kind} {tensors[outputs[0]].name!r}" if outputs else f"{custom or kind}, node {i}"
        nodes.append(
            SourceNode(
                kind=kind,
                custom=custom if kind == "CUSTOM" else "",
                version=version,
                where=place,
                inputs=_indices(operator["inputs"], len(tensors), -1, f"an input of node {i} of {where}"),
                outputs=outputs,
                intermediates=_indices(
                    operator["intermediates"], len(tensors), -1, f"an intermediate of node {i} of {where}"
                ),
                options=_node_options(kind, operator, count, place),
                custom_options=operator["custom_options"].tobytes(),
            )
        )
    return Subgraph(
        name=graph["name"] or f"subgraph_{index}",
        tensors=tensors,
        nodes=nodes,
        inputs=_indices(graph["inputs"], len(tensors), 0, f"an input of {where}"),
        outputs=_indices(graph["outputs"], len(tensors), 0, f"an output of {where}"),
    )


def _indices(values: Array, count: int, least: int, what: str) -> tuple[int, ...]:
    found = tuple(int(v) for v in values)
    for v in found:
        if not least <= v < count:
            raise DamagedError(f"{what} is tensor {v} of {count}")
    return found


def _node_options(kind: str, operator: Table, count: int, where: str) -> Table:
    expected = OPTIONS.get(kind)
    if expected is None:
        return {}
    # The reference interpreter, too, takes options of another kind for none.
    options: Table = defaults(kind)
    for given in (operator["builtin_options"], operator["builtin_options2"]):
        if given is not None and given[0] == expected:
            options = given[1]
    for name, value in options.items():
        if (name.endswith("subgraph_index") or name == "subgraph") and not 0 <= value < count:
            raise DamagedError(f"{where} runs subgraph {value} of {count}")
    return options


def _tensor(tensor: Table, index: int, buffers: Sequence[memoryview]) -> SourceTensor:
    name = tensor["name"] or f"tensor_{index}"
    where = f"tensor {name!r}"
    if tensor["buffer"] >= max(len(buffers), 1):
        raise DamagedError(f"{where} has buffer {tensor['buffer']} of {len(buffers)}")
    shape = [int(d) for d in tensor["shape"]]
    signature = [int(d) for d in tensor["shape_signature"]]
    if len(signature) not in (0, len(shape)):
        raise DamagedError(f"{where} has shape {shape} and the signature {signature}")
    open_ = {i for i, d in enumerate(signature or shape) if d == -1}
    shape = [1 if d == -1 else d for d in shape]
    if any(d < 0 for d in shape) or _product([d for d in shape if d]) >= 2**40:
        raise DamagedError(f"{where} has the shape {shape}")
    raw = buffers[tensor["buffer"]] if buffers else memoryview(b"")
    number = tensor["type"]
    scale, zero_point, axis = _quantization(tensor["quantization"], shape, where)
    return SourceTensor(
        index=index,
        name=name,
        type=type_name(number),
        dtype=dtype_of(number),
        shape=tuple(shape),
        open=frozenset(open_),
        buffer=tensor["buffer"],
        raw=raw if len(raw) else None,
        sparsity=tensor["sparsity"],
        scale=scale,
        zero_point=zero_point,
        axis=axis,
        variable=tensor["is_variable"],
        external=tensor["external_buffer"] != 0,
    )


def _quantization(
    quantization: Table | None, shape: Sequence[int], where: str
) -> tuple[Array | None, Array | None, int]:
    """Scales, zero points and their axis. Records of files from the wild that say nothing count as absent."""
    if quantization is None or quantization["scale"].size == 0:
        return None, None, 0
    scale = quantization["scale"].astype(np.float32)
    zero_point = quantization["zero_point"].astype(np.int64)
    axis = quantization["quantized_dimension"]
    if scale.size == 1:
        axis = 0
    elif not 0 <= axis < len(shape) or shape[axis] != scale.size:
        raise DamagedError(f"{where} of shape {list(shape)} has {scale.size} scales along axis {axis}")
    if zero_point.size == 0:
        zero_point = np.zeros(scale.size, np.int64)
    elif zero_point.size == 1:
        zero_point = np.repeat(zero_point, scale.size)
    elif zero_point.size != scale.size:
        raise DamagedError(f"{where} has {scale.size} scales and {zero_point.size} zero points")
    if not np.all(np.isfinite(scale)) or np.any(scale < 0):
        raise DamagedError(f"{where} has a scale that is negative or no number")
    if not np.any(scale):
        return None, None, 0
    return scale, zero_point, axis


def _signatures(defs: Sequence[Table], subgraphs: Sequence[Subgraph]) -> list[SourceSignature]:
    found: list[SourceSignature] = []
    for i, signature in enumerate(defs):
        name = signature["signature_key"] or f"signature_{i}"
        number = signature["subgraph_index"]
        if number >= len(subgraphs):
            raise DamagedError(f"signature {name!r} runs subgraph {number} of {len(subgraphs)}")
        if any(s.name == name for s in found):
            raise DamagedError(f"two signatures are called {name!r}")
        graph = subgraphs[number]
        found.append(
            SourceSignature(
                name=name,
                subgraph=number,
                inputs=_mapped(signature["inputs"], graph, graph.inputs, f"an input of signature {name!r}"),
                outputs=_mapped(
                    signature["outputs"], graph, graph.outputs, f"an output of signature {name!r}"
                ),
                declared=True,
            )
        )
    if found:
        return found
    main = subgraphs[0]
    return [
        SourceSignature(
            name="main",
            subgraph=0,
            inputs=_named(main, main.inputs),
            outputs=_named(main, main.outputs),
            declared=False,
        )
    ]


def _mapped(maps: Sequence[Table], graph: Subgraph, order: Sequence[int], what: str) -> dict[str, int]:
    """Tensors by their names in a signature, in the order of the subgraph."""
    by_name: dict[str, int] = {}
    for entry in maps:
        name, index = entry["name"], entry["tensor_index"]
        if not name or name in by_name:
            raise DamagedError(f"{what} has no name of its own")
        if index not in order:
            raise DamagedError(f"{what}, {name!r}, is tensor {index}, which the subgraph does not have there")
        by_name[name] = index
    return dict(sorted(by_name.items(), key=lambda item: order.index(item[1])))


def _named(graph: Subgraph, indices: Sequence[int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index in indices:
        name = graph.tensors[index].name
        while name in found:
            name += "_"
        found[name] = index
    return found


__all__ = [
    "DTYPES",
    "Source",
    "SourceNode",
    "SourceSignature",
    "SourceTensor",
    "Subgraph",
    "dtype_of",
    "read",
    "type_name",
]
