"""Turns a frozen graph into the contents of a file: programs, tensors, constants, memory plans."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from samara.errors import ExportError
from samara.exporter import layout, sharing
from samara.exporter.flatbuffer import Made
from samara.exporter.plan import MemoryPlan, Program, Step, check_within, plan
from samara.exporter.rooms import Rooms, find_rooms, may_lie_on
from samara.graph import dims
from samara.graph.dims import Dim, Dimension, Symbol
from samara.graph.graph import Body, Operation, Tensor
from samara.graph.inference import known_value
from samara.graph.rewrite import ModelGraph, SignatureGraph, needed, state_variables, with_bodies

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
        bodies: the programs that its ops run, by their number in the file.
    """

    signature: SignatureGraph
    tensors: tuple[Tensor, ...]
    ops: tuple[Operation, ...]
    plan: MemoryPlan
    bodies: dict[int, LoweredBody]

    @property
    def all_ops(self) -> list[Operation]:
        """Its ops and those of its bodies."""
        return [*self.ops, *(op for body in self.bodies.values() for op in body.ops)]


@dataclass(frozen=True, kw_only=True)
class LoweredBody:
    """The program of a body.

    Attributes:
        name: the op that runs it, and as what.
        body: what it computes.
        tensors, ops, plan: as of a LoweredProgram; the plan counts from the start of the body's own bytes.
        program: what was planned.
    """

    name: str
    body: Body
    tensors: tuple[Tensor, ...]
    ops: tuple[Operation, ...]
    plan: MemoryPlan
    program: Program


@dataclass(frozen=True, kw_only=True)
class LoweredModel:
    """The contents of a file, ready to be encoded."""

    contents: dict[str, Any]
    programs: tuple[LoweredProgram, ...]
    constant_bytes: int

    def release_constants(self) -> None:
        """Lets go of the weights, once they are in a file: the contents cannot be encoded again."""
        del self.contents["constants"]


def lower(model: ModelGraph, *, metadata: Mapping[str, str]) -> LoweredModel:
    """Lays a model out as the tables of schema/samara.fbs.

    Raises:
        ExportError: a dimension has no upper bound.
    """
    model = _outputs_in_arena(model)
    pool = _Pool(model)
    states = _states(model, pool)
    programs = _Programs(model, pool, states)
    lowered = [programs.add(s) for s in model.signatures]
    kernels = sorted({(op.definition.opcode, _main_dtype(op)) for p in lowered for op in p.all_ops})
    contents = {
        "format_version": FORMAT_VERSION,
        "least_runtime": LEAST_RUNTIME,
        "content_hash": bytes(32),
        "dimensions": pool.dimension_tables(),
        "expressions": [{"code": code} for code in pool.expressions],
        "constants": [{"data": data} for data in pool.constants],
        "states": [s.table for s in states.values()],
        "state_bytes": sum(_aligned(s.size) for s in states.values()),
        "programs": programs.tables,
        "signatures": [_signature(p, index) for index, p in enumerate(lowered)],
        "kernels": [{"opcode": opcode, "dtype": dtype} for opcode, dtype in kernels],
        "metadata": [{"key": k, "value": v} for k, v in sorted(metadata.items())],
    }
    if model.precision == "float16":
        contents["float16_sums"] = True
    return LoweredModel(
        contents=contents,
        programs=tuple(lowered),
        constant_bytes=sum(c.size for c in pool.constants),
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
        self.constants: list[Made] = []
        self._by_digest: dict[bytes, int] = {}
        self.expressions: list[list[int]] = []
        self._by_key: dict[str, int] = {}
        self.symbols: dict[Symbol, int] = {}
        problems = []
        self.computed = {s for op in with_bodies(model.graph.operations) for s in _computed(op)}
        for tensor in (t for op in with_bodies(model.graph.operations) for t in op.outputs):
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

    def constant(self, stored: Callable[[], np.ndarray[Any, Any]]) -> int:
        """The index of a constant with the bytes of the array that `stored` gives, each time that they are written."""

        def made() -> memoryview:
            return np.ascontiguousarray(stored()).reshape(-1).view(np.uint8).data

        data = made()
        digest = hashlib.sha256(data).digest()
        if digest not in self._by_digest:
            self._by_digest[digest] = len(self.constants)
            self.constants.append(Made(len(data), made))
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
            "initial": pool.constant(partial(np.asarray, value)) if np.any(value) else -1,
        }
        found[op.name] = _State(index=len(found), size=value.nbytes, offset=offset, table=table)
        offset += _aligned(value.nbytes)
    return found


class _Tensors:
    """The tensor table of one program."""

    def __init__(
        self, model: ModelGraph, pool: _Pool, states: Mapping[str, _State], rooms: Rooms | None = None
    ) -> None:
        self._model = model
        self._pool = pool
        self._states = states
        self._rooms = rooms
        self.rooms: dict[int, int] = {}
        self._index: dict[tuple[int, int | None], int] = {}
        self.graph_tensors: list[Tensor] = []
        self.tables: list[dict[str, Any]] = []
        self.sizes: dict[int, int] = {}
        self.widths: dict[int, int] = {}

    def index(self, tensor: Tensor, run: int | None = None) -> int:
        """The index of a tensor, added when it is new; a packed constant is another tensor than a dense one."""
        run = run if tensor.op.type == "constant" else None
        key = (id(tensor), run)
        if key not in self._index:
            self._index[key] = len(self.tables)
            self.graph_tensors.append(tensor)
            self.tables.append(self._table(tensor, run))
            room = None if self._rooms is None else self._rooms.number(tensor)
            if room is not None:
                self.rooms[self._index[key]] = room
            if self.tables[-1]["storage"] == "arena":
                self.sizes[self._index[key]] = self._pool.count(tensor.shape or ()) * tensor.dtype.size
                self.widths[self._index[key]] = sharing.row_bytes(tensor)
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
        if self._rooms is not None and id(tensor) in self._rooms.places:
            table["storage"], table["offset"] = self._rooms.places[id(tensor)]
        if tensor.op.type == "variable":
            table.update(storage="state", offset=self._states[tensor.op.name].offset)
        if tensor.op.type == "constant":
            array = tensor.op.a.value
            table["storage"] = "constant"
            if run is None:
                table["constant"] = self._pool.constant(lambda: array)
            else:
                table["layout"] = layout.packed_layout(array)
                table["run"] = run if table["layout"] == "panel16x4" else 0
                table["constant"] = self._pool.constant(lambda: layout.pack(array, run))
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


class _Programs:
    """The programs of a file: those of the signatures first, in their order, then bodies, each after its caller."""

    def __init__(self, model: ModelGraph, pool: _Pool, states: Mapping[str, _State]) -> None:
        self._model = model
        self._pool = pool
        self._states = states
        self.tables: list[dict[str, Any]] = [{} for _ in model.signatures]
        self._added = 0

    def add(self, signature: SignatureGraph) -> LoweredProgram:
        """Lowers the next signature."""
        tensors = _Tensors(self._model, self._pool, self._states)
        inputs = [tensors.index(t) for t in signature.inputs.values()]
        order = [o for o in needed(list(signature.outputs.values())) if o.definition.device == "kernel"]
        number = self._added
        self._added += 1
        bodies: dict[int, LoweredBody] = {}
        copies = frozenset(sharing.copied(signature.outputs.values()))
        tables, steps = self._ops(signature.name, number, order, tensors, copies, bodies)
        outputs = [tensors.index(t) for t in signature.outputs.values()]
        program = Program(
            name=signature.name,
            sizes=tensors.sizes,
            inputs=tuple(dict.fromkeys(inputs)),
            outputs=tuple(dict.fromkeys(i for i in outputs if i in tensors.sizes)),
            steps=tuple(steps),
            widths=tensors.widths,
        )
        memory = plan(program, alignment=ALIGNMENT)
        self.tables[number] = {
            "name": signature.name,
            "tensors": tensors.tables,
            "ops": tables,
            "arena_bytes": memory.arena,
        }
        self._place(number, program, memory, 0, tensors.graph_tensors, bodies)
        return LoweredProgram(
            signature=signature,
            tensors=tuple(tensors.graph_tensors),
            ops=tuple(order),
            plan=memory,
            bodies=bodies,
        )

    def _ops(
        self,
        name: str,
        number: int,
        order: Sequence[Operation],
        tensors: _Tensors,
        copies: frozenset[Operation],
        bodies: dict[int, LoweredBody],
    ) -> tuple[list[dict[str, Any]], list[Step]]:
        tables: list[dict[str, Any]] = []
        steps: list[Step] = []
        for op in order:
            read = [_operand(op, i, tensors) for i in range(len(op.inputs))]
            written = [tensors.index(t) for t in op.outputs]
            numbers: dict[str, int] = {}
            for attribute, body in op.bodies.items():
                what = f"{name}/{op.name}/{attribute}"
                numbers[attribute] = self._body(what, op, attribute, body, (number, len(tables)), bodies)
            tables.append(
                {
                    "opcode": op.definition.opcode,
                    "inputs": read,
                    "outputs": written,
                    "attributes": _attributes(op, numbers, self._pool),
                    "source": op.source.rpartition("/")[2] or None,
                }
            )
            scratch = max((bodies[i].plan.arena for i in numbers.values()), default=0)
            if op.definition.scratch is not None:
                scratch = self._pool.largest(op.definition.scratch(op))
            steps.append(_step(op, read, written, tensors, op not in copies, scratch))
        return tables, steps

    def _body(
        self,
        name: str,
        op: Operation,
        attribute: str,
        body: Body,
        caller: tuple[int, int],
        bodies: dict[int, LoweredBody],
    ) -> int:
        number = len(self.tables)
        self.tables.append({})
        _check_body(op, attribute, body)
        rooms = find_rooms(op, attribute, body)
        tensors = _Tensors(self._model, self._pool, self._states, rooms)
        inputs = [tensors.index(t) for t in body.inputs]
        tables, steps = self._ops(name, number, rooms.order, tensors, rooms.copies, bodies)
        outputs = [tensors.index(t) for t in rooms.outputs]
        program = Program(
            name=name,
            sizes=tensors.sizes,
            inputs=(),
            outputs=tuple(dict.fromkeys(outputs)),
            steps=tuple(steps),
            rooms=tensors.rooms,
            arguments=tuple(inputs),
            widths=tensors.widths,
        )
        memory = plan(program, alignment=ALIGNMENT)
        self.tables[number] = {
            "name": name,
            "tensors": tensors.tables,
            "ops": tables,
            "arena_bytes": memory.arena,
            "inputs": inputs,
            "outputs": outputs,
            "caller": caller[0],
            "caller_op": caller[1],
        }
        bodies[number] = LoweredBody(
            name=name,
            body=body,
            tensors=tuple(tensors.graph_tensors),
            ops=rooms.order,
            plan=memory,
            program=program,
        )
        return number

    def _place(
        self,
        number: int,
        program: Program,
        memory: MemoryPlan,
        base: int,
        tensors: Sequence[Tensor],
        bodies: Mapping[int, LoweredBody],
    ) -> None:
        """Writes the offsets of a program that starts at `base`, and of the bodies that it runs."""
        table = self.tables[number]
        for index, offset in memory.offsets.items():
            table["tensors"][index]["offset"] = base + offset
        for index, row in memory.rows.items():
            table["tensors"][index].update(layout="strided", row=row // tensors[index].dtype.size)
        for index, offset in memory.scratch_offsets.items():
            begin, size = base + offset, program.steps[index].scratch
            table["ops"][index].update(scratch_offset=begin, scratch_bytes=size)
        for inner, body in bodies.items():
            if self.tables[inner]["caller"] != number:
                continue
            op = table["ops"][self.tables[inner]["caller_op"]]
            begin, size = op.get("scratch_offset", 0), op.get("scratch_bytes", 0)
            placed = {i: begin + o for i, o in body.plan.offsets.items()}
            spans = {i: body.program.span(i, body.plan.rows.get(i, 0)) for i in body.program.sizes}
            check_within(body.name, placed, spans, (begin, begin + size))
            self.tables[inner]["arena_bytes"] = begin + size
            self._place(inner, body.program, body.plan, begin, body.tensors, bodies)


def _check_body(op: Operation, attribute: str, body: Body) -> None:
    """Refuses a body whose outputs have not always the shapes that the op's have."""
    if attribute == "condition":
        return
    for inner, outer in zip(body.outputs, op.outputs, strict=True):
        if inner.shape != outer.shape:
            where = f" (made at {op.source})" if op.source else ""
            message = (
                f"{op.type} {op.name!r}{where}: {attribute} gives {inner.name} of shape {dims.text(inner.shape)} where "
                f"{dims.text(outer.shape)} is expected; a device needs them to be equal at all sizes"
            )
            raise ExportError(message, (message,))


def _operand(op: Operation, index: int, tensors: _Tensors) -> int:
    tensor = op.inputs[index]
    operands = op.definition.operands
    if tensor is None or operands[min(index, len(operands) - 1)].shape_only:
        return -1
    packed = index < len(operands) and operands[index].packed
    return tensors.index(tensor, layout.run_length(op, index) if packed else None)


def _step(
    op: Operation, read: list[int], written: list[int], tensors: _Tensors, may_view: bool, scratch: int
) -> Step:
    planned = {*tensors.sizes, *tensors.rooms}
    cuts = [
        (written[i], read[0], at)
        for i, at in sharing.cuts(op)
        if {written[i], read[0]} <= tensors.sizes.keys()
    ]
    in_place: tuple[tuple[int, int], ...] = ()
    shared = [(written[i], read[0], at) for i, at in sharing.views(op)] if may_view else []
    # The same tensor cannot lie in two places.
    joined, rows = (
        [(read[i], written[0], at) for i, at in found if read.count(read[i]) == 1]
        for found in (sharing.joins(op), sharing.columns(op))
    )
    if op.definition.view:
        # What is in a room, or moves into one, is a view of its own room only.
        shared = [v for v in shared if v[1] in planned and tensors.rooms.get(v[0]) == tensors.rooms.get(v[1])]
    else:
        shared, joined, rows = (
            [(part, whole, at) for part, whole, at in found if {part, whole} <= tensors.sizes.keys()]
            for found in (shared, joined, rows)
        )
    if op.type == "while_loop":
        in_place = tuple(
            (written[i], index)
            for i, index in enumerate(read[: len(written)])
            if index in planned
            and may_lie_on(op, op.outputs[i], [k for k, other in enumerate(read) if other == index])
        )
    elif op.definition.in_place and not shared:
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
        scratch=scratch,
        views=tuple(shared),
        joins=tuple(joined),
        in_place=tuple(dict.fromkeys(in_place)),
        rows=tuple(rows),
        cuts=tuple(cuts),
        strided=_strided(op, read, written),
    )


def _strided(op: Operation, read: list[int], written: list[int]) -> frozenset[int]:
    """The operands that may have rows that lie apart, whichever places of the op they have."""
    rigid = sharing.rigid(op)
    pairs = (*zip(read, op.inputs, strict=True), *zip(written, op.outputs, strict=True))
    return frozenset(i for i, tensor in pairs if i >= 0 and id(tensor) not in rigid)


def _computed(op: Operation) -> list[Symbol]:
    """The size that an operation sets from its data, unless it is known before."""
    if op.type != "dimension":
        return []
    (size,) = known_value(op.outputs[0]) or (0,)
    symbol = size.symbol if isinstance(size, Dim) else None
    return [symbol] if symbol is not None and symbol.name == op.a.symbol.symbol.name else []


def _attributes(op: Operation, programs: Mapping[str, int], pool: _Pool) -> tuple[str, dict[str, Any]] | None:
    in_file = [a for a in op.definition.attributes if a.in_file]
    if not in_file:
        return None
    member = "".join(part.capitalize() for part in op.type.split("_")) + "Attributes"
    values = {a.name: programs.get(a.name, op.attributes[a.name]) for a in in_file}
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
