"""Cuts what an export needs out of a graph, with variables frozen to their values.

All that stands in the way is found before anything is built, and told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.errors import ExportError, SamaraError, UninitializedError
from samara.exporter.cutting import where
from samara.exporter.part import Part, advised, problems_of, reduce
from samara.exporter.signature import Signature, named
from samara.graph import dims, dtypes
from samara.graph.control import rebuilt
from samara.graph.dims import Dim
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.rewrite import ModelGraph, SignatureGraph, copy, with_bodies

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A frozen model and the source tensors behind its endpoints.

    Attributes:
        model: the graph to export.
        source: the graph it was cut from, without what only watches a run and branches never taken.
        inputs: for each signature, the source tensor of each input.
        outputs: for each signature, the source tensor of each output.
        session: holds the values of the source's variables.
        narrowed: names of float64 tensors that became float32.
        left_out: operations that the outputs do not need, though they lead to them: what and where.
    """

    model: ModelGraph
    source: Graph
    inputs: tuple[dict[str, Tensor], ...]
    outputs: tuple[dict[str, Tensor], ...]
    session: Any
    narrowed: tuple[str, ...]
    left_out: tuple[str, ...]


def freeze(
    signatures: Sequence[Signature], session: Any, constants: Mapping[Any, Any] | None = None
) -> Frozen:
    """Copies what the signatures need into a graph of its own.

    Args:
        signatures: what to export; all of one graph.
        session: where variables have their values.
        constants: values of tensors, or of their names, that are the same in every run.

    Raises:
        ExportError: everything that cannot be exported, each with its source line and a way out.
    """
    source, trained = reduce(signatures, constants or {})
    problems: list[str] = []
    order = trained.order
    written = set[str]().union(*(op.writes for op in order))
    shapes = _input_shapes(signatures, trained.inputs, problems)
    for name, tensor in ((n, t) for named_outputs in trained.outputs for n, t in named_outputs.items()):
        if tensor.dtype.code is None and tensor.dtype is not dtypes.float64:
            problems.append(
                f"output {name!r}{where(tensor.op)} is {tensor.dtype.name}, which a device does not have: export the "
                "numbers that it is chosen or made by, and keep texts in the application, or in `metadata`"
            )
    found = problems_of(trained)
    problems += advised(found, trained, signatures, constants or {}) if found else []
    values = _variable_values(order, session, problems)
    if problems:
        unique = tuple(dict.fromkeys(problems))
        count = "1 thing stands" if len(unique) == 1 else f"{len(unique)} things stand"
        raise ExportError(f"{count} in the way of the export:\n- " + "\n- ".join(unique), unique)
    model, narrowed = _build(signatures, trained, shapes, values, written)
    return Frozen(
        model=model,
        source=source.graph,
        inputs=source.inputs,
        outputs=source.outputs,
        session=session,
        narrowed=narrowed,
        left_out=trained.left_out,
    )


def _input_shapes(
    signatures: Sequence[Signature], inputs: Sequence[Mapping[str, Tensor]], problems: list[str]
) -> dict[int, dims.Shape]:
    shapes: dict[int, dims.Shape] = {}
    for signature, tensors in zip(signatures, inputs, strict=True):
        for name in signature.shapes:
            if name not in tensors:
                problems.append(
                    f"shapes names {name!r}, which is not an input; the inputs are {', '.join(tensors)}"
                )
        for name, tensor in tensors.items():
            if tensor.op.type == "constant":
                problems.append(f"input {name!r}{where(tensor.op)} is a constant")
            if tensor.dtype.code is None and tensor.dtype is not dtypes.float64:
                problems.append(
                    f"input {name!r}{where(tensor.op)} is {tensor.dtype.name}, which a device does not have: make what "
                    "is computed of it the input"
                )
            shape = _input_shape(name, tensor, signature.shapes.get(name), problems)
            if shape is None:
                continue
            if shapes.setdefault(id(tensor), shape) != shape:
                problems.append(
                    f"input {name!r} has two shapes, in two signatures: use one Dim for what changes"
                )
    return shapes


def _input_shape(name: str, tensor: Tensor, given: Any, problems: list[str]) -> dims.Shape | None:
    shape = tensor.shape
    if given is not None:
        wanted = tuple(dims.as_dimension(d) for d in given)
        if shape is None:
            shape = wanted
        else:
            merged = [dims.merge(b, a) for a, b in zip(shape, wanted, strict=False)]
            if len(wanted) != len(shape) or None in merged:
                problems.append(
                    f"input {name!r}{where(tensor.op)} has shape {dims.text(shape)}, which cannot be "
                    f"{dims.text(wanted)}"
                )
                return None
            shape = tuple(d for d in merged if d is not None)
    if shape is None or any(isinstance(d, Dim) and d.anonymous for d in shape):
        example = "1" if shape is None else ", ".join("1" if isinstance(d, Dim) else str(d) for d in shape)
        problems.append(
            f"input {name!r}{where(tensor.op)} has shape {dims.text(shape)}: a device needs it, give "
            f"shapes={{{name!r}: [{example}]}}, or Dim('n', 1, 8) for a dimension that may change"
            + (
                f"; or its value, when that never changes: constants={{{name!r}: 1.0}}"
                if shape is None
                else ""
            )
        )
        return None
    return shape


def _variable_values(order: Sequence[Operation], session: Any, problems: list[str]) -> dict[str, Array]:
    variables = list({op.name: op for op in with_bodies(order) if op.type == "variable"}.values())
    if variables and session is None:
        names = ", ".join(repr(op.name) for op in variables[:5])
        problems.append(
            f"the values of variables {names} are needed: pass session=, or export within `with session:`"
        )
        return {}
    values = {}
    for op in variables:
        try:
            values[op.name] = np.array(session.read(op))
        except UninitializedError as error:
            problems.append(str(error))
    return values


def _narrow(value: Array) -> Array:
    return value.astype(np.float32) if value.dtype == np.float64 else value


def _build(
    signatures: Sequence[Signature],
    part: Part,
    shapes: Mapping[int, dims.Shape],
    values: Mapping[str, Array],
    written: set[str],
) -> tuple[ModelGraph, tuple[str, ...]]:
    order, inputs, outputs = part.order, part.inputs, part.outputs
    graph = Graph()
    graph.reserve_names(op.name for op in with_bodies(order) if op.type == "variable" and op.name in written)
    mapping: dict[int, Tensor] = {}
    copied: dict[Operation, Operation] = {}
    narrowed: list[str] = []
    problems: list[str] = []
    for tensors in inputs:
        for tensor in tensors.values():
            if id(tensor) not in mapping:
                dtype = dtypes.float32 if tensor.dtype is dtypes.float64 else tensor.dtype
                with graph.source(tensor.op.source):
                    attributes = {"dtype": dtype, "shape": shapes[id(tensor)]}
                    mapping[id(tensor)] = graph.apply(
                        "placeholder", [], attributes, name=tensor.op.name
                    ).outputs[0]
    copier = _Copier(values, written)
    for op in order:
        if all(id(t) in mapping for t in op.outputs) and op.outputs:
            continue
        narrowed += [t.name for t in op.outputs if t.dtype is dtypes.float64]
        after = [copied[c] for c in op.control_inputs if c in copied]
        with graph.source(op.source), graph.control_dependencies(after):
            try:
                made = copier.copy(graph, op, [None if t is None else mapping[id(t)] for t in op.inputs])
            except (SamaraError, TypeError) as error:
                problems.append(str(error))
                break
        copied[op] = graph.operations[-1]
        for old, new in zip(op.outputs, made, strict=True):
            mapping.setdefault(id(old), new)
            if not problems and mapping[id(old)].shape is None:
                problems.append(
                    f"{old.name}{where(op)}: its rank is not known even when the inputs' shapes are"
                )
    if not problems:
        problems = _unknown_dimensions(graph)
    if problems:
        raise ExportError("\n".join(problems), tuple(problems))
    model = ModelGraph(
        graph=graph,
        signatures=tuple(
            SignatureGraph(
                name=s.name,
                inputs={n: mapping[id(t)] for n, t in i.items()},
                outputs={n: mapping[id(t)] for n, t in o.items()},
            )
            for s, i, o in zip(signatures, inputs, outputs, strict=True)
        ),
        initial_values=copier.initial_values,
    )
    return model, tuple(narrowed)


def _constant(graph: Graph, op: Operation, value: Array) -> list[Tensor]:
    attributes = {"value": value, "dtype": dtypes.as_dtype(value.dtype)}
    return graph.apply("constant", [], attributes, name=op.name).outputs


class _Copier:
    """Copies operations for a device: variables that nothing writes are constants, and float64 is float32.

    Attributes:
        initial_values: of the variables that stay, by name.
    """

    def __init__(self, values: Mapping[str, Array], written: set[str]) -> None:
        self._values = values
        self._written = written
        self.initial_values: dict[str, Array] = {}

    def copy(self, graph: Graph, op: Operation, inputs: Sequence[Tensor | None]) -> list[Tensor]:
        """A copy whose shapes are inferred anew from the inputs, in its sub-graphs too."""
        if op.type == "variable":
            return self._variable(graph, op)
        if op.type == "constant":
            return _constant(graph, op, _narrow(np.asarray(op.a.value)))
        attributes = {
            name: dtypes.float32 if value is dtypes.float64 else value
            for name, value in op.attributes.items()
        }
        for name, body in op.bodies.items():
            given = inputs[len(inputs) - len(body.inputs) :]
            attributes[name] = rebuilt(body, given, self.copy)
        operands = op.definition.operands
        grouped: list[Any] = list(inputs)
        if operands and operands[-1].variadic:
            fixed = len(operands) - 1
            grouped = [*inputs[:fixed], list(inputs[fixed:])]
        return graph.apply(op.type, grouped, attributes, name=op.name).outputs

    def _variable(self, graph: Graph, op: Operation) -> list[Tensor]:
        value = _narrow(self._values[op.name])
        if op.name not in self._written:
            return _constant(graph, op, value)
        self.initial_values[op.name] = value
        attributes = {"dtype": dtypes.as_dtype(value.dtype), "shape": value.shape}
        # Whatever the graph, a variable is that of its name.
        return graph.apply("variable", [], attributes, name=op.name, exact_name=True).outputs


def _unknown_dimensions(graph: Graph) -> list[str]:
    for op in with_bodies(graph.operations):
        for tensor in op.outputs:
            shape = tensor.shape
            if shape is None or any(isinstance(d, Dim) and d.anonymous for d in shape):
                if op.type == "cond":
                    found = [body.outputs[tensor.index].shape for body in op.bodies.values()]
                    if found[0] != found[1]:
                        return [
                            f"cond {op.name!r}{where(op)}: output {tensor.index} is of shape {dims.text(found[0])} by "
                            f"one branch and {dims.text(found[1])} by the other; a device needs them to be equal at "
                            "all sizes: let both branches fill a tensor of one shape"
                        ]
                return [
                    f"{tensor.name}{where(op)} has shape {dims.text(shape)}, which depends on data: a device needs "
                    "sizes that follow from those of the inputs, or from an op `dimension` that bounds them"
                ]
    return []


__all__ = ["Frozen", "Signature", "copy", "freeze", "named"]
