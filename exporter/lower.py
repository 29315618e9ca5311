"""Turns a frozen graph into the contents of a file: programs, tensors, constants, memory plans."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from samara.errors import ExportError
from samara.exporter import layout
from samara.exporter.plan import MemoryPlan, Program, Step, plan
from samara.graph import dims
from samara.graph.dims import Dim, Dimension, Symbol
from samara.graph.graph import Operation, Tensor
from samara.graph.inference import known_value
from samara.graph.rewrite import ModelGraph, SignatureGraph, needed, state_variables

FORMAT_VERSION = 1
LEAST_RUNTIME = 1_000
ALIGNMENT = 64

_POSTFIX = {
    "add": 2,
    "subtract": 3,
    "multiply": 4,
    "floor_divide": 5,
    "maximum": 6,
    "minimum": 7,
}


@dataclass(frozen=True, kw_only=True)
class LoweredProgram:
    """One program of the file, and what the report and the proof want to know of it.

    Attributes:
        signature: what it computes.
        tensors: the graph's tensor for each tensor index of the file.
        ops: the graph's operation for each op index of the file.
        plan: where the tensors lie.
    """

    signature: SignatureGraph
    tensors: tuple[Tensor, ...]
    ops: tuple[Operation, ...]
    plan: MemoryPlan


@dataclass(frozen=True, kw_only=True)
class LoweredModel:
    """The contents of a file, ready to be encoded."""

    contents: dict[str, Any]
    programs: tuple[LoweredProgram, ...]
    constant_bytes: int


def lower(model: ModelGraph, *, metadata: Mapping[str, str]) -> LoweredModel:
    """Lays a model out as the tables of schema/samara.fbs.

    Raises:
        ExportError: a dimension has no upper bound.
    """
    model = _outputs_in_arena(model)
    pool = _Pool(model)
    states = _states(model, pool)
    programs = []
    tables = []
    for signature in model.signatures:
        table, lowered = _program(model, signature, pool, states)
        programs.append(lowered)
        tables.append(table)
    kernels = sorted({(op.definition.opcode, _main_dtype(op)) for p in programs for op in p.ops})
    contents = {
        "format_version": FORMAT_VERSION,
        "least_runtime": LEAST_RUNTIME,
        "content_hash": bytes(32),
        "dimensions": pool.dimension_tables(),
        "expressions": [{"code": code} for code in pool.expressions],
        "constants": [{"data": data} for data in pool.constants],
        "states": [s.table for s in states.values()],
        "state_bytes": sum(_aligned(s.size) for s in states.values()),
        "programs": tables,
        "signatures": [_signature(p, index) for index, p in enumerate(programs)],
        "kernels": [{"opcode": opcode, "dtype": dtype} for opcode, dtype in kernels],
        "metadata": [{"key": k, "value": v} for k, v in sorted(metadata.items())],
    }
    return LoweredModel(
        contents=contents,
        programs=tuple(programs),
        constant_bytes=sum(len(c) for c in pool.constants),
    )


def _outputs_in_arena(model: ModelGraph) -> ModelGraph:
    """Copies outputs that are constants or variables: a caller reads outputs in the arena."""

    def placed(tensor: Tensor) -> Tensor:
        if tensor.op.type not in ("constant", "variable"):
            return tensor
        copied: Tensor = model.graph.b.identity(tensor, name=f"{tensor.op.name}/output")
        return copied

    signatures = tuple(
        replace(s, outputs={n: placed(t) for n, t in s.outputs.items()}) for s in model.signatures
    )
    return replace(model, signatures=signatures)


class _Pool:
    """Constants, dimensions and expressions of a file, each stored once."""

    def __init__(self, model: ModelGraph) -> None:
        self.constants: list[memoryview] = []
        self._by_digest: dict[bytes, int] = {}
        self.expressions: list[list[int]] = []
        self._by_key: dict[str, int] = {}
        self.symbols: dict[Symbol, int] = {}
        problems = []
        self.computed = {s for op in model.graph.operations for s in _computed(op)}
        for tensor in (t for op in model.graph.operations for t in op.outputs):
            shape = (*(tensor.shape or ()), *map(dims.of_symbol, _computed(tensor.op)))
            for symbol in sorted({s for d in shape for s in dims.symbols_of(d)}):
                if symbol not in self.symbols:
                    for other in self.symbols:
                        if other.name == symbol.name:
                            problems.append(
                                f"dimension {symbol.name!r} of {tensor.name} is bounded by {symbol.minimum} and "
                                f"{symbol.maximum}, elsewhere by {other.minimum} and {other.maximum}: one name is "
                                "one size, so use one Dim for both"
                            )
                    self.symbols[symbol] = len(self.symbols)
                    if symbol.maximum == dims.LARGEST:
                        problems.append(
                            f"dimension {symbol.name!r} of {tensor.name} has no upper bound: give one, "
                            f"Dim({symbol.name!r}, 1, 64)"
                        )
        if problems:
            raise ExportError("\n".join(problems), tuple(problems))

    def largest(self, dimension: Dimension) -> int:
        """The size when every named dimension is at its upper bound."""
        return dims.evaluate(dimension, {s: s.maximum for s in self.symbols})

    def count(self, shape: Sequence[Dimension]) -> int:
        """The number of elements at the upper bounds."""
        return int(np.prod([self.largest(d) for d in shape], dtype=np.int64))

    def constant(self, array: np.ndarray[Any, Any]) -> int:
        """The index of a constant with the bytes of this array."""
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        digest = hashlib.sha256(data).digest()
        if digest not in self._by_digest:
            self._by_digest[digest] = len(self.constants)
            self.constants.append(data)
        return self._by_digest[digest]

    def shape(self, shape: Sequence[Dimension]) -> list[int]:
        """A shape as the file writes it."""
        return [d if isinstance(d, int) else -1 - self._expression(d) for d in shape]

    def _expression(self, dimension: Dim) -> int:
        key = dims.key(dimension)
        if key not in self._by_key:
            self._by_key[key] = len(self.expressions)
            self.expressions.append(self._postfix(dimension))
        return self._by_key[key]

    def _postfix(self, dimension: Dimension) -> list[int]:
        if isinstance(dimension, int):
            return [0, dimension]
        code: list[int] = []
        for place, (monomial, coefficient) in enumerate(dimension.terms.items()):
            term: list[int] = [] if monomial and coefficient == 1 else [0, coefficient]
            for atom in monomial:
                first = not term
                if isinstance(atom, Symbol):
                    term += [1, self.symbols[atom]]
                else:
                    term += self._postfix(atom.left) + self._postfix(atom.right)
                    term += [_POSTFIX[atom.function], 0]
                if not first:
                    term += [_POSTFIX["multiply"], 0]
            code += term
            if place:
                code += [_POSTFIX["add"], 0]
        return code

    def dimension_tables(self) -> list[dict[str, Any]]:
        """The table of named dimensions."""
        return [
            {"name": s.name, "minimum": s.minimum, "maximum": s.maximum}
            | ({"computed": True} if s in self.computed else {})
            for s, _ in sorted(self.symbols.items(), key=lambda item: item[1])
        ]


@dataclass(frozen=True, kw_only=True)
class _State:
    index: int
    size: int
    offset: int
    table: dict[str, Any]


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _states(model: ModelGraph, pool: _Pool) -> dict[str, _State]:
    found: dict[str, _State] = {}
    offset = 0
    for op in state_variables(model):
        value = model.initial_values[op.name]
        table = {
            "name": op.name,
            "dtype": op.outputs[0].dtype.code,
            "shape": list(value.shape),
            "offset": offset,
            "initial": pool.constant(value) if np.any(value) else -1,
        }
        found[op.name] = _State(index=len(found), size=value.nbytes, offset=offset, table=table)
        offset += _aligned(value.nbytes)
    return found


class _Tensors:
    """The tensor table of one program."""

    def __init__(self, model: ModelGraph, pool: _Pool, states: Mapping[str, _State]) -> None:
        self._model = model
        self._pool = pool
        self._states = states
        self._index: dict[tuple[int, int | None], int] = {}
        self.graph_tensors: list[Tensor] = []
        self.tables: list[dict[str, Any]] = []
        self.sizes: dict[int, int] = {}

    def index(self, tensor: Tensor, run: int | None = None) -> int:
        """The index of a tensor, added when it is new; a packed constant is another tensor than a dense one."""
        run = run if tensor.op.type == "constant" else None
        key = (id(tensor), run)
        if key not in self._index:
            self._index[key] = len(self.tables)
            self.graph_tensors.append(tensor)
            self.tables.append(self._table(tensor, run))
            if self.tables[-1]["storage"] == "arena":
                self.sizes[self._index[key]] = self._pool.count(tensor.shape or ()) * tensor.dtype.size
        return self._index[key]

    def _table(self, tensor: Tensor, run: int | None) -> dict[str, Any]:
        assert tensor.shape is not None
        table: dict[str, Any] = {
            "name": tensor.name,
            "dtype": tensor.dtype.code,
            "shape": self._pool.shape(tensor.shape),
            "storage": "arena",
            "quantization": self._quantization(tensor),
        }
        if tensor.op.type == "variable":
            table.update(storage="state", offset=self._states[tensor.op.name].offset)
        if tensor.op.type == "constant":
            array = tensor.op.a.value
            table["storage"] = "constant"
            if run is not None:
                table["layout"], array = layout.pack(array, run)
                table["run"] = run if table["layout"] == "panel16x4" else 0
            table["constant"] = self._pool.constant(array)
        return table

    def _quantization(self, tensor: Tensor) -> dict[str, Any] | None:
        found = self._model.quantization.get(tensor.name)
        if found is None:
            return None
        return {
            "scale": np.atleast_1d(found.scale),
            "zero_point": np.atleast_1d(found.zero_point),
            "axis": -1 if found.axis is None else found.axis,
        }


def _program(
    model: ModelGraph, signature: SignatureGraph, pool: _Pool, states: Mapping[str, _State]
) -> tuple[dict[str, Any], LoweredProgram]:
    tensors = _Tensors(model, pool, states)
    inputs = [tensors.index(t) for t in signature.inputs.values()]
    ops, tables, steps = [], [], []
    for op in needed(list(signature.outputs.values())):
        if op.definition.device != "kernel":
            continue
        read = [_operand(op, i, tensors) for i in range(len(op.inputs))]
        written = [tensors.index(t) for t in op.outputs]
        ops.append(op)
        tables.append(
            {
                "opcode": op.definition.opcode,
                "inputs": read,
                "outputs": written,
                "attributes": _attributes(op, pool),
                "source": op.source.rpartition("/")[2] or None,
            }
        )
        steps.append(_step(op, read, written, tensors))
    outputs = [tensors.index(t) for t in signature.outputs.values()]
    program = Program(
        name=signature.name,
        sizes=tensors.sizes,
        inputs=tuple(dict.fromkeys(inputs)),
        outputs=tuple(dict.fromkeys(i for i in outputs if i in tensors.sizes)),
        steps=tuple(steps),
    )
    memory = plan(program, alignment=ALIGNMENT)
    for index, offset in memory.offsets.items():
        tensors.tables[index]["offset"] = offset
    table = {"name": signature.name, "tensors": tensors.tables, "ops": tables, "arena_bytes": memory.arena}
    lowered = LoweredProgram(
        signature=signature, tensors=tuple(tensors.graph_tensors), ops=tuple(ops), plan=memory
    )
    return table, lowered


def _operand(op: Operation, index: int, tensors: _Tensors) -> int:
    tensor = op.inputs[index]
    operands = op.definition.operands
    if tensor is None or operands[min(index, len(operands) - 1)].shape_only:
        return -1
    packed = index < len(operands) and operands[index].packed
    return tensors.index(tensor, layout.run_length(op, index) if packed else None)


def _step(op: Operation, read: list[int], written: list[int], tensors: _Tensors) -> Step:
    planned = tensors.sizes
    views: tuple[tuple[int, int], ...] = ()
    in_place: tuple[tuple[int, int], ...] = ()
    if op.definition.view and read[0] in planned:
        views = ((written[0], read[0]),)
    elif op.definition.in_place:
        result = op.outputs[0]
        in_place = tuple(
            (written[0], index)
            for index, tensor in zip(read, op.inputs, strict=True)
            if index in planned
            and tensor is not None
            and tensor.shape == result.shape
            and tensor.dtype is result.dtype
        )
    return Step(
        name=op.name,
        inputs=tuple(dict.fromkeys(i for i in read if i >= 0)),
        outputs=tuple(written),
        views=views,
        in_place=tuple(dict.fromkeys(in_place)),
    )


def _computed(op: Operation) -> list[Symbol]:
    """The size that an operation sets from its data, unless it is known before."""
    if op.type != "dimension":
        return []
    (size,) = known_value(op.outputs[0]) or (0,)
    symbol = size.symbol if isinstance(size, Dim) else None
    return [symbol] if symbol is not None and symbol.name == op.a.symbol.symbol.name else []


def _attributes(op: Operation, pool: _Pool) -> tuple[str, dict[str, Any]] | None:
    in_file = [a for a in op.definition.attributes if a.in_file]
    if not in_file:
        return None
    member = "".join(part.capitalize() for part in op.type.split("_")) + "Attributes"
    values = {a.name: op.attributes[a.name] for a in in_file}
    if op.type == "dimension":
        values["symbol"] = next((pool.symbols[s] for s in _computed(op)), -1)
    return member, {k: v.code if hasattr(v, "code") else v for k, v in values.items()}


def _main_dtype(op: Operation) -> int:
    tensor = [*op.given_inputs, *op.outputs][0]
    assert tensor.dtype.code is not None
    return tensor.dtype.code


def _signature(program: LoweredProgram, index: int) -> dict[str, Any]:
    position = {id(t): i for i, t in reversed(list(enumerate(program.tensors)))}

    def endpoints(tensors: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        return [{"name": n, "tensor": position[id(t)]} for n, t in tensors.items()]

    return {
        "name": program.signature.name,
        "program": index,
        "inputs": endpoints(program.signature.inputs),
        "outputs": endpoints(program.signature.outputs),
        "golden": [],
    }
