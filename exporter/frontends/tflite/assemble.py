"""The whole model around its nodes: signatures, inputs, weights, state, outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from samara.errors import SamaraError
from samara.exporter.freeze import Signature
from samara.exporter.frontends.imported import ImportedModel, Problems, sample_of
from samara.exporter.frontends.tflite import handlers
from samara.exporter.frontends.tflite.node import Node, Operand, Reading, Unsupported
from samara.exporter.frontends.tflite.oracle import oracle_of
from samara.exporter.frontends.tflite.reader import (
    Source,
    SourceNode,
    SourceSignature,
    SourceTensor,
    Subgraph,
)
from samara.exporter.frontends.tflite.state import States
from samara.graph import dims, dtypes
from samara.graph.dims import Dim, Dimension
from samara.graph.dtypes import DType
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.variables import Variable
from samara.quantize.scheme import Quantization

Array = np.ndarray[Any, Any]
# How deep subgraphs may run each other.
_DEEPEST = 16
# How often subgraphs may be run by nodes, each in a place of its own: more unfolds without end.
_MOST_CALLS = 4096


def assemble(
    source: Source, *, inputs: Any, shapes: Mapping[str, Sequence[Any]], trainable: bool
) -> ImportedModel:
    """Builds the graph of a model.

    Raises:
        ExportError: everything in it that is not supported.
        ValueError: inputs or shapes do not fit the model.
    """
    importer = Importer(source, trainable=trainable)
    importer.states.declare()
    unknown = [n for n in shapes if all(n not in s.inputs for s in source.signatures)]
    if unknown:
        listed = ", ".join(n for s in source.signatures for n in s.inputs)
        raise ValueError(f"shapes names {', '.join(unknown)}; the inputs are {listed}")
    signatures = tuple(importer.signature(s, shapes) for s in source.signatures)
    importer.problems.raise_if_any()
    return ImportedModel(
        graph=importer.graph,
        signatures=signatures,
        session=importer.session,
        origin=source.origin,
        samples=_samples(inputs, signatures),
        oracle=oracle_of(source, exact=importer.exact()),
        metadata=source.metadata,
        quantization=importer.quantization,
        nodes=dict(importer.problems.nodes),
        warnings=tuple(importer.warnings),
    )


def _samples(inputs: Any, signatures: Sequence[Signature]) -> list[list[dict[str, Array]]] | None:
    if inputs is None:
        return None
    if len(signatures) > 1:
        names = [s.name for s in signatures]
        if not isinstance(inputs, Mapping) or set(inputs) != set(names):
            raise ValueError(f"a model of several signatures takes inputs by signature: {', '.join(names)}")
        return [[sample_of(inputs[s.name], list(s.inputs))] for s in signatures]
    return [[sample_of(inputs, list(signatures[0].inputs))]]


class Importer:
    """Goes through subgraphs node by node.

    Attributes:
        graph: what is built.
        session: has the values of variables.
        problems: collects what is not supported.
        warnings: what the caller should know.
        quantization: what the integers of inputs and outputs stand for.
        states: what the model keeps from run to run.
    """

    def __init__(self, source: Source, *, trainable: bool) -> None:
        self.source = source
        self.problems = Problems(source.origin)
        self.graph = Graph()
        self.session = Session(graph=self.graph)
        self.warnings: list[str] = []
        self.quantization: dict[str, Any] = {}
        self._trainable = trainable
        self._constants: dict[Any, Tensor] = {}
        self._running: list[int] = []
        self._calls = 0
        # Graphs stay, since what is known of them is found by their identity.
        self._graphs: list[Graph] = []
        self._real = False
        self.states = States(self)

    def exact(self) -> bool:
        """Whether the model computes with integers only, so that its outputs must be the source's bit for bit."""
        return not self._real

    # Signatures ---------------------------------------------------------------------------------------------

    def signature(self, signature: SourceSignature, shapes: Mapping[str, Sequence[Any]]) -> Signature:
        """Builds what a signature runs."""
        graph = self.source.subgraphs[signature.subgraph]
        endpoints: dict[str, Tensor] = {}
        values: dict[int, Any] = {}
        for name, index in signature.inputs.items():
            tensor = self._input(name, graph.tensors[index], shapes.get(name))
            endpoints[name] = tensor
            values[index] = tensor
        self.states.anew(self.graph)
        before = len(self.states.writes)
        results = self.run(graph, signature.subgraph, values, list(signature.outputs.values()), self.graph)
        outputs: dict[str, Tensor] = {}
        for (name, index), tensor in zip(signature.outputs.items(), results, strict=True):
            if not isinstance(tensor, Tensor):
                self.problems.add(f"output {name!r}", "it is the name of a variable, which can be no output")
                tensor = self.stand_in(name, dtypes.float32)
            outputs[name] = tensor
            self._note(tensor, graph.tensors[index])
        outputs = self._awaiting(outputs, self.states.writes[before:])
        if not outputs:
            self.problems.add(f"signature {signature.name!r}", "it has no outputs and writes no state")
            outputs = {"nothing": self.stand_in("nothing", dtypes.float32)}
        for name, index in signature.outputs.items():
            self._note(outputs[name], graph.tensors[index])
        return Signature(outputs, inputs=endpoints, name=signature.name)

    def _awaiting(self, outputs: dict[str, Tensor], writes: Sequence[Tensor]) -> dict[str, Tensor]:
        """The outputs, the first of which is there when all state is written."""
        if not writes:
            return outputs
        if not outputs:
            return {w.op.name: w for w in writes}
        first, *others = outputs
        with self.graph.control_dependencies([w.op for w in writes]):
            return {first: self.graph.b.identity(outputs[first]), **{n: outputs[n] for n in others}}

    def _input(self, name: str, source: SourceTensor, given: Sequence[Any] | None) -> Tensor:
        where = f"input {name!r}"
        if source.dtype is None:
            self.problems.add(where, f"element type {source.type} is not supported")
            return self.stand_in(name, dtypes.float32)
        shape = self._shape(name, source, given)
        attributes = {"dtype": source.dtype, "shape": shape}
        tensor = self.graph.apply("placeholder", [], attributes, name=legal(name)).outputs[0]
        self._note(tensor, source)
        return tensor

    def _note(self, tensor: Tensor, source: SourceTensor) -> None:
        """Remembers what the integers of an input or output stand for."""
        if source.scale is None or source.zero_point is None or tensor.dtype not in _STORED:
            return
        if source.scale.size == 1:
            scale = Quantization(scale=np.float32(source.scale[0]), zero_point=np.int32(source.zero_point[0]))
        else:
            scale = Quantization(
                scale=source.scale, zero_point=source.zero_point.astype(np.int32), axis=source.axis
            )
        self.quantization[tensor.name] = scale

    def _shape(self, name: str, source: SourceTensor, given: Sequence[Any] | None) -> tuple[Dimension, ...]:
        if given is None:
            if source.open:
                axes = ", ".join(map(str, sorted(source.open)))
                self.warnings.append(
                    f"input {name!r} has open sizes (axis {axes}), which are those of the file, {list(source.shape)}: "
                    "give shapes to choose others, or Dim(name, minimum, maximum) for one that may change"
                )
            return source.shape
        if len(given) != len(source.shape):
            raise ValueError(
                f"input {name!r} has the shape {list(source.shape)}, which cannot be {list(given)}"
            )
        return tuple(
            Dim(f"{legal(name)}_{axis}", 1) if d is None else dims.as_dimension(d)
            for axis, d in enumerate(given)
        )

    # Subgraphs ----------------------------------------------------------------------------------------------

    def run(
        self, graph: Subgraph, number: int, values: dict[int, Any], outputs: Sequence[int], into: Graph
    ) -> list[Any]:
        """Builds the nodes of a subgraph; `values` has what its inputs are, by number, and gets the rest.

        Returns what the tensors of `outputs` are.
        """
        self._running.append(number)
        try:
            for node in graph.nodes:
                self._node(graph, number, node, values, into)
            found = []
            for index in outputs:
                value = self._value(graph, number, index, values, into)
                if value is None:
                    where = f"output {graph.tensors[index].name!r} of {graph.name}"
                    self.problems.add(where, "nothing computes it")
                    value = self.stand_in(
                        graph.tensors[index].name, graph.tensors[index].dtype or dtypes.float32
                    )
                found.append(value)
            return found
        finally:
            self._running.pop()

    def called(self, number: int, arguments: Sequence[Any], into: Graph) -> list[Any]:
        """Builds another subgraph, run by a node, in a graph."""
        graph = self.source.subgraphs[number]
        if number in self._running:
            raise Unsupported(f"subgraph {graph.name!r} runs itself")
        if len(self._running) >= _DEEPEST:
            raise Unsupported(f"subgraphs that run each other more than {_DEEPEST} deep")
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise Unsupported(f"subgraphs are run in more than {_MOST_CALLS} places")
        if len(arguments) != len(graph.inputs):
            raise Unsupported(
                f"{len(arguments)} arguments for the {len(graph.inputs)} inputs of {graph.name}"
            )
        self._graphs.append(into)
        values = dict(zip(graph.inputs, arguments, strict=True))
        return self.run(graph, number, values, graph.outputs, into)

    def _value(self, graph: Subgraph, number: int, index: int, values: dict[int, Any], into: Graph) -> Any:
        """What a tensor is at this place: a tensor, the name of a resource, or None when it has no value yet."""
        if index in values:
            return values[index]
        source = graph.tensors[index]
        if source.variable:
            values[index] = self.states.read((number, index), into)
        elif source.value is not None:
            values[index] = self._constant(source, into)
        elif source.dtype is not None and 0 in source.shape:
            values[index] = into.convert(np.zeros(source.shape, source.dtype.numpy))
        return values.get(index)

    def _constant(self, source: SourceTensor, into: Graph) -> Tensor:
        value = source.value
        assert value is not None
        key = (source.buffer, source.type, source.shape, source.sparsity is not None, id(into))
        if key not in self._constants:
            self._constants[key] = self.weight(source.name, value, into)
        return self._constants[key]

    def weight(self, name: str, value: Array, into: Graph) -> Tensor:
        """A constant, or a variable when weights are to be trained."""
        if (
            self._trainable
            and value.dtype.kind == "f"
            and value.ndim > 0
            and value.size > 1
            and into is self.graph
        ):
            with self.graph.as_default():
                variable = Variable(value, name=legal(name))
            self.session.load(variable, value)
            return variable.as_graph_tensor()
        attributes = {"value": value, "dtype": dtypes.as_dtype(value.dtype)}
        return into.apply("constant", [], attributes, name=legal(name)).outputs[0]

    # Nodes --------------------------------------------------------------------------------------------------

    def _node(
        self, graph: Subgraph, number: int, source: SourceNode, values: dict[int, Any], into: Graph
    ) -> None:
        self.problems.nodes[source.custom or source.kind] += 1
        given = [None if i < 0 else self._value(graph, number, i, values, into) for i in source.inputs]
        made: Sequence[Any] | None = None
        with into.source(source.where), into.name_scope(legal(source.where.partition("'")[2].rstrip("'"))):
            try:
                made = self._made(graph, number, source, given, values, into)
            except Unsupported as error:
                self.problems.refuse(source.where, given, error.what, error.mend)
            except (SamaraError, TypeError, ValueError, OverflowError) as error:
                self.problems.refuse(source.where, given, str(error).partition(" (at ")[0])
            except (AttributeError, IndexError, KeyError, AssertionError, ArithmeticError) as error:
                # Options or shapes that no handler expects, of a file that only looks right.
                self.problems.refuse(
                    source.where, given, f"its inputs or options contradict each other ({error})"
                )
        results = list(made or ())
        results += [None] * (len(source.outputs) - len(results))
        for index, result in zip(source.outputs, results, strict=False):
            tensor = graph.tensors[index]
            if result is None:
                if made is not None:
                    self.problems.refuse(source.where, given, f"output {tensor.name!r} is not supported")
                result = self.stand_in(tensor.name, tensor.dtype or dtypes.float32, into=into)
            elif isinstance(result, Tensor) and result.dtype is not tensor.dtype:
                self.problems.refuse(
                    source.where,
                    given,
                    f"output {tensor.name!r} is {tensor.type} in the file, and {result.dtype.name} by its inputs",
                )
            values[index] = result

    def _made(
        self,
        graph: Subgraph,
        number: int,
        source: SourceNode,
        given: Sequence[Any],
        values: dict[int, Any],
        into: Graph,
    ) -> Sequence[Any]:
        control = handlers.CONTROL.get(source.kind)
        for index, value in zip(source.inputs, given, strict=True):
            if index >= 0 and value is None:
                tensor = graph.tensors[index]
                if tensor.dtype is None:
                    raise Unsupported(f"input {tensor.name!r} has the element type {tensor.type}")
                if tensor.external:
                    raise Unsupported(
                        f"the bytes of input {tensor.name!r} are in another file",
                        "convert the model with its weights inside",
                    )
                raise Unsupported(f"input {tensor.name!r} has no value when the node runs")
        if control is not None:
            made: Sequence[Any] = control(
                self, source, given, into, [graph.tensors[i] for i in source.outputs]
            )
            return made
        for index in (*source.inputs, *source.outputs):
            if index >= 0 and graph.tensors[index].dtype is None:
                tensor = graph.tensors[index]
                raise Unsupported(f"tensor {tensor.name!r} has the element type {tensor.type}")
        inputs = [
            None if i < 0 else self._operand(graph.tensors[i], v)
            for i, v in zip(source.inputs, given, strict=True)
        ]
        node = Node(
            kind=source.custom or source.kind,
            where=source.where,
            inputs=inputs,
            outputs=[self._operand(graph.tensors[i], None) for i in source.outputs],
            options={"bytes": source.custom_options} if source.custom else source.options,
            intermediates=[self._operand(graph.tensors[i], None) for i in source.intermediates if i >= 0],
        )
        reading = Reading(b=into.b, problems=self.problems)
        function, integers = handlers.handler_of(node, custom=bool(source.custom))
        moves = all(o.dtype not in _REAL for o in (*(i for i in inputs if i is not None), *node.outputs))
        self._real = self._real or not (integers or moves)
        results = function(reading, node)
        for operand, value in reading.updates:
            place = next(i for i, o in enumerate(inputs) if o is operand)
            index = source.inputs[place]
            if not graph.tensors[index].variable:
                raise Unsupported(f"input {operand.name!r} is written and is no variable")
            values[index] = self.states.write((number, index), value, into)
        return results

    def _operand(self, source: SourceTensor, tensor: Tensor | None) -> Operand:
        assert source.dtype is not None
        shape: tuple[Any, ...] = source.shape
        if tensor is not None and tensor.shape is not None:
            shape = tuple(tensor.shape)
        value = source.value
        if value is None and tensor is not None and tensor.op.type == "constant":
            value = np.asarray(tensor.op.a.value)
        return Operand(
            name=source.name,
            dtype=source.dtype if tensor is None else tensor.dtype,
            shape=shape,
            tensor=tensor,
            value=value,
            scale=source.scale,
            zero_point=source.zero_point,
            axis=source.axis,
        )

    def stand_in(
        self, name: str, dtype: DType, shape: Sequence[Any] | None = None, *, into: Graph | None = None
    ) -> Tensor:
        """What takes the place of something unsupported."""
        return self.problems.stand_in(into or self.graph, legal(name), dtype, shape)


_STORED = (dtypes.int8, dtypes.uint8, dtypes.int16)
_REAL = (dtypes.float32, dtypes.float16, dtypes.float64)


def legal(name: str) -> str:
    """A name that operations may have."""
    kept = "".join(c if c.isalnum() or c in "_.-/" else "_" for c in name).strip("/")
    return kept or "unnamed"


Control = Callable[["Importer", SourceNode, Sequence[Any], Graph, Sequence[SourceTensor]], Sequence[Any]]

__all__ = ["Control", "Importer", "assemble", "legal"]
