"""The whole model around its nodes: inputs, weights, bodies of control flow, outputs, and the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from samara.errors import SamaraError
from samara.exporter.freeze import Signature
from samara.exporter.frontends.imported import ImportedModel, Problems, sample_of
from samara.exporter.frontends.onnx import handlers, sizes
from samara.exporter.frontends.onnx.expansion import expanded
from samara.exporter.frontends.onnx.node import HANDLERS, Node, UnsupportedNodeError
from samara.exporter.frontends.onnx.oracle import oracle_of
from samara.exporter.frontends.onnx.reader import Source
from samara.exporter.frontends.onnx.values import DTYPES, array_of, type_name
from samara.graph import dims, dtypes
from samara.graph.dims import Dimension
from samara.graph.dtypes import DType
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor, get_default_graph
from samara.graph.variables import Variable

Array = np.ndarray[Any, Any]
handlers.register_all()

# Parts of ONNX that are no arithmetic of tensors, and what to do instead.
_REFUSED_DOMAINS = {
    "ai.onnx.ml": "classic machine learning (trees, encoders, strings) is not supported: run it before the model",
    "ai.onnx.training": "training ops are not supported: export the model for inference",
    "ai.onnx.preview.training": "training ops are not supported: export the model for inference",
}
_VARIABLE_KINDS = {
    "sequence_type": "sequences",
    "map_type": "maps",
    "optional_type": "optional values",
    "sparse_tensor_type": "sparse tensors",
    "opaque_type": "opaque values",
}


def assemble(
    source: Source,
    *,
    inputs: Any,
    shapes: Mapping[str, Sequence[Any]],
    constants: Mapping[str, Any],
    trainable: bool,
) -> ImportedModel:
    """Builds the graph of a model.

    Raises:
        ExportError: everything in it that is not supported.
        ValueError: inputs or shapes do not fit the model.
    """
    problems = Problems(source.origin)
    source = expanded(source)
    importer = Importer(source, problems, trainable=trainable)
    endpoints, outputs = importer.model(shapes, constants)
    problems.raise_if_any()
    signature = Signature(outputs, inputs=endpoints)
    return ImportedModel(
        graph=importer.graph,
        signatures=(signature,),
        session=importer.session,
        origin=source.origin,
        samples=None if inputs is None else [[sample_of(inputs, list(endpoints))]],
        oracle=oracle_of(source, constants),
        metadata={p.key: p.value for p in source.model.metadata_props},
        warnings=tuple(dict.fromkeys(importer.warnings)),
        nodes=dict(problems.nodes),
    )


class Importer:
    """Goes through a graph and its bodies.

    Attributes:
        graph: where nodes go: the model's graph, or that of a body.
        session: has the values of trainable weights.
        problems: collects what is not supported.
        warnings: what the caller should know.
        declared: the shapes that the model states, by name of the value.
    """

    def __init__(self, source: Source, problems: Problems, *, trainable: bool) -> None:
        self.source = source
        self.problems = problems
        self.graph = self._root = Graph()
        self.session = Session(graph=self.graph)
        self.warnings: list[str] = []
        self.declared: dict[str, list[int | str | None]] = {}
        self._trainable = trainable
        self._sizes: dict[str, Dimension] = {}

    def model(
        self, shapes: Mapping[str, Sequence[Any]], constants: Mapping[str, Any]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The inputs and outputs of the main graph, by name."""
        graph = self.source.model.graph
        values = self.initializers(graph)
        declared = {info.name: info for info in graph.input}
        unknown = [n for n in constants if n not in declared]
        if unknown:
            raise ValueError(f"constants names {', '.join(unknown)}; the inputs are {', '.join(declared)}")
        for name, value in constants.items():
            dtype = DTYPES.get(declared[name].type.tensor_type.elem_type, dtypes.float32)
            values[name] = self._constant(name, np.asarray(value, dtype.numpy))
        for info in graph.input:
            self._note_sizes(info, shapes.get(info.name, ()))
        endpoints: dict[str, Tensor] = {}
        for info in graph.input:
            if info.name not in values:
                endpoints[info.name] = self._input(info, shapes.get(info.name))
        unknown = [n for n in shapes if n not in endpoints]
        if unknown:
            raise ValueError(f"shapes names {', '.join(unknown)}; the inputs are {', '.join(endpoints)}")
        values.update(endpoints)
        self.read(graph, values)
        outputs = {}
        for info in graph.output:
            tensor = values.get(info.name)
            if tensor is not None:
                outputs[info.name] = tensor
        return endpoints, outputs

    # Inputs and weights -------------------------------------------------------------------------------------

    def _input(self, info: Any, given: Sequence[Any] | None) -> Tensor:
        kind = info.type.WhichOneof("value")
        where = f"input {info.name!r}"
        if kind != "tensor_type":
            what = _VARIABLE_KINDS.get(kind or "", "a value without a type")
            self.problems.add(where, f"{what} are not supported", "give tensors")
            return self._stand_in(info.name, dtypes.float32)
        element = info.type.tensor_type.elem_type
        dtype = DTYPES.get(element)
        if dtype is None:
            self.problems.add(where, f"element type {type_name(element)} is not supported")
            return self._stand_in(info.name, dtypes.float32)
        shape = self._shape(info, given)
        attributes = {"dtype": dtype, "shape": shape}
        return self.graph.apply("placeholder", [], attributes, name=_legal(info.name)).outputs[0]

    def _note_sizes(self, info: Any, given: Sequence[Any]) -> None:
        """Notes what a caller says of the names that sizes have: it holds for all inputs."""
        stated = info.type.tensor_type.shape.dim
        for axis, size in enumerate(given):
            if size is None:
                continue
            dimension = dims.as_dimension(size)
            name = stated[axis].dim_param if axis < len(stated) else ""
            if name:
                self._sizes.setdefault(name, dimension)
            for symbol in dims.symbols_of(dimension):
                self._sizes.setdefault(symbol.name, dims.of_symbol(symbol))

    def _shape(self, info: Any, given: Sequence[Any] | None) -> tuple[Dimension, ...] | None:
        declared = info.type.tensor_type
        if given is not None:
            shape = tuple(dims.as_dimension(d) for d in given)
            if declared.HasField("shape"):
                fixed = [d.dim_value if d.HasField("dim_value") else None for d in declared.shape.dim]
                fits = len(fixed) == len(shape) and all(
                    f is None or not isinstance(d, int) or f == d for f, d in zip(fixed, shape, strict=True)
                )
                if not fits:
                    raise ValueError(
                        f"input {info.name!r} has shape {[f if f is not None else '?' for f in fixed]}, which cannot "
                        f"be {dims.text(shape)}"
                    )
            return shape
        if not declared.HasField("shape"):
            return None
        found: list[Dimension] = []
        for axis, dimension in enumerate(declared.shape.dim):
            if dimension.HasField("dim_value") and dimension.dim_value >= 0:
                found.append(int(dimension.dim_value))
            else:
                name = dimension.dim_param or f"{_legal(info.name)}_{axis}"
                found.append(sizes.of_name(name, self._sizes))
        return tuple(found)

    def initializers(self, graph: Any) -> dict[str, Tensor]:
        """The weights of a graph by name."""
        values: dict[str, Tensor] = {}
        for proto in graph.initializer:
            values[proto.name] = self._weight(proto.name, proto)
        for sparse in graph.sparse_initializer:
            values[sparse.values.name] = self._constant(sparse.values.name, dense(sparse))
        return values

    def _weight(self, name: str, proto: Any) -> Tensor:
        try:
            array = array_of(proto)
        except (TypeError, ValueError) as error:
            self.problems.add(f"initializer {name!r}", f"{error} is not supported")
            return self._stand_in(name, dtypes.float32, tuple(proto.dims))
        if self._trainable and array.dtype.kind == "f" and array.ndim > 0 and array.size > 1:
            with self._root.as_default():
                variable = Variable(array, name=_legal(name))
            self.session.load(variable, array)
            return variable.as_graph_tensor()
        return self._constant(name, array)

    def _constant(self, name: str, array: Array) -> Tensor:
        # Those of bodies too: what several bodies have is one constant.
        attributes = {"value": array, "dtype": dtypes.as_dtype(array.dtype)}
        return self._root.apply("constant", [], attributes, name=_legal(name)).outputs[0]

    # Nodes --------------------------------------------------------------------------------------------------

    def read(self, graph: Any, values: dict[str, Tensor]) -> None:
        """Reads the nodes of a graph; `values` has tensors by name and gets those of the nodes' outputs."""
        for info in [*graph.value_info, *graph.output]:
            if info.type.tensor_type.HasField("shape"):
                self.declared[info.name] = [_stated(d) for d in info.type.tensor_type.shape.dim]
        for proto in graph.node:
            self._node(proto, values)

    def _node(self, proto: Any, values: dict[str, Tensor]) -> None:
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        name = proto.name or next((o for o in proto.output if o), proto.op_type)
        where = f"{proto.op_type} {name!r}"
        self.problems.nodes[proto.op_type] += 1
        inputs = [values.get(i) if i else None for i in proto.input]
        made: Any = None
        before = len(self.problems.found)
        with self.graph.source(where), self.graph.name_scope(_legal(name)):
            try:
                node = Node(
                    self.graph.b,
                    proto.op_type,
                    name,
                    inputs,
                    {a.name: self._attribute(a) for a in proto.attribute},
                    self.source.opsets.get(domain, 1),
                    list(proto.output),
                    _Bodies(self, values),
                )
                made = self._handle(domain, node)
            except (UnsupportedNodeError, SamaraError, TypeError, ValueError) as error:
                # What a body of the node cannot do is told already.
                if len(self.problems.found) == before:
                    what = (
                        error.what
                        if isinstance(error, UnsupportedNodeError)
                        else str(error).partition(" (at ")[0]
                    )
                    self.problems.refuse(where, inputs, what, getattr(error, "mend", ""))
        results = list(made) if isinstance(made, (list, tuple)) else [made]
        results += [None] * (len(proto.output) - len(results))
        for output, tensor in zip(proto.output, results, strict=False):
            if not output:
                continue
            if made is not None and tensor is None:
                self.problems.refuse(where, inputs, f"output {output!r} is not supported")
            values[output] = tensor if tensor is not None else self._stand_in(output, dtypes.float32)

    def _handle(self, domain: str, node: Node) -> Any:
        handler = HANDLERS.get((domain, node.type))
        if handler is not None:
            try:
                return handler(node)
            except AttributeError as error:
                if "the op table has no" not in str(error):
                    raise
                raise UnsupportedNodeError(f"a part of it cannot be written: {error}") from error
        if domain in _REFUSED_DOMAINS:
            node.fail(_REFUSED_DOMAINS[domain])
        if node.type in handlers.REFUSED and domain == "":
            node.fail(handlers.REFUSED[node.type])
        called = f"{domain}.{node.type}" if domain else node.type
        known = domain == "" and onnx.defs.has(node.type)
        node.fail(
            f"the op {called} is not supported"
            if known
            else f"the op {called} is unknown, in operator set {node.opset} of domain {domain or 'ai.onnx'!r}",
            "" if known else "write it with ops of ONNX, or as a function of the model",
        )

    def _stand_in(self, name: str, dtype: DType, shape: Sequence[Any] | None = None) -> Tensor:
        return self.problems.stand_in(self.graph, _legal(name), dtype, shape)

    def _attribute(self, proto: Any) -> Any:
        kind = proto.type
        kinds = onnx.AttributeProto
        if kind == kinds.TENSOR:
            return self._tensor(proto.t)
        if kind == kinds.SPARSE_TENSOR:
            return dense(proto.sparse_tensor)
        value = onnx.helper.get_attribute_value(proto)
        if kind == kinds.STRING:
            return value.decode("utf-8", "replace")
        if kind == kinds.STRINGS:
            return [v.decode("utf-8", "replace") for v in value]
        if kind in (kinds.INTS, kinds.FLOATS):
            return list(value)
        return value

    def _tensor(self, proto: Any) -> Array:
        try:
            return array_of(proto)
        except TypeError as error:
            raise UnsupportedNodeError(f"{error} is not supported") from error


class _Bodies:
    """What handlers of control flow need: the bodies, the values around them, and what the model states of values."""

    def __init__(self, importer: Importer, values: dict[str, Tensor]) -> None:
        self.importer = importer
        self.values = values

    def inline(self, body: Any) -> list[Tensor]:
        """The outputs of a body without inputs, built where the node stands."""
        return self._outputs(body, [])

    def run(self, body: Any, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The outputs of a body, built in the default graph: that of a branch or a step, while it is traced."""
        outer, self.importer.graph = self.importer.graph, get_default_graph()
        try:
            return self._outputs(body, inputs)
        finally:
            self.importer.graph = outer

    def _outputs(self, body: Any, inputs: Sequence[Tensor]) -> list[Tensor]:
        given = dict(zip((i.name for i in body.input), inputs, strict=False))
        values = {**self.values, **self.importer.initializers(body), **given}
        self.importer.read(body, values)
        return [values[o.name] for o in body.output]

    def declared(self, name: str) -> list[int | str | None] | None:
        """The shape that the model states of a value: numbers, names, and None for what it leaves open."""
        return self.importer.declared.get(name)

    def warn(self, text: str) -> None:
        """Tells the caller something."""
        self.importer.warnings.append(text)


def dense(sparse: Any) -> Array:
    """The array of a SparseTensorProto."""
    values, indices = array_of(sparse.values), array_of(sparse.indices)
    result = np.zeros(tuple(sparse.dims), values.dtype)
    if indices.ndim == 1:
        result.reshape(-1)[indices] = values
    else:
        result[tuple(indices.T)] = values
    return result


def _stated(dimension: Any) -> int | str | None:
    if dimension.HasField("dim_value"):
        return int(dimension.dim_value)
    return dimension.dim_param or None


def _legal(name: str) -> str:
    """A name that operations may have."""
    kept = "".join(c if c.isalnum() or c in "_.-/" else "_" for c in name).strip("/")
    return kept or "unnamed"


__all__ = ["Importer", "assemble", "dense"]
