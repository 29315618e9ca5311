"""Graphs as documents: all that a graph holds as lists, dicts, numbers and texts, and arrays beside them.

One mechanism walks the op table: an attribute is written by its kind, whatever the op. A document holds operations with
their attributes, bodies, control inputs, devices and source lines, variables, collections and the seed; nothing of it
is code: of the constraint of a variable it has the operations that it adds. Tensors, operations and sizes that are not
known are numbered in the order in which they come.
"""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from samara.errors import CheckpointError, GraphError, SamaraError
from samara.graph import dims
from samara.graph.control import inlined, trace
from samara.graph.dtypes import DType, as_dtype
from samara.graph.graph import Body, Graph, Operation, Tensor
from samara.graph.ops import OPS
from samara.graph.ops._table import Attribute
from samara.graph.own_gradients import LostGradient, NamedGradient
from samara.graph.variables import Variable

Array = np.ndarray[Any, Any]
_logger = logging.getLogger("samara")

# Collections that say where in a program one is, not what is in the graph.
_PASSING = frozenset({"variable_scope", "__variable_scope", "__variable_scopes_opened"})


class _Writer:
    """What the documents of a graph and of its bodies share."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self._names: dict[int, str] = {}
        self._symbols: dict[dims.Symbol, int] = {}

    def symbols(self) -> list[list[Any]]:
        return [[None if s.anonymous else s.name, s.minimum, s.maximum] for s in self._symbols]

    def dimension(self, value: dims.Dimension) -> Any:
        if isinstance(value, int):
            return value
        return [[c, [self._atom(a) for a in monomial]] for monomial, c in value.terms.items()]

    def _atom(self, atom: dims.Atom) -> Any:
        if isinstance(atom, dims.Symbol):
            return self._symbols.setdefault(atom, len(self._symbols))
        return [atom.function, self.dimension(atom.left), self.dimension(atom.right)]

    def shape(self, shape: Iterable[dims.Dimension] | None) -> Any:
        return None if shape is None else [self.dimension(d) for d in shape]

    def array(self, value: Any) -> Any:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            texts = [
                base64.b64encode(v if isinstance(v, bytes) else str(v).encode()).decode() for v in array.flat
            ]
            return {"texts": texts, "shape": list(array.shape)}
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"array{len(self.arrays)}"
            self.arrays[name] = array
        return name

    def attribute(self, op: Operation, a: Attribute, value: Any) -> Any:
        if value is None or a.kind in ("int", "bool", "choice"):
            return value
        if a.kind == "float":
            return value if math.isfinite(value) else str(value)
        if a.kind == "ints":
            return list(value)
        if a.kind == "dtype":
            return value.name
        if a.kind == "symbol":
            return self.dimension(value)
        if a.kind == "shape":
            return self.shape(value)
        if a.kind == "array":
            return self.array(value)
        if a.kind == "graph":
            return self.body(value)
        try:
            return self.plain(value)
        except TypeError as error:
            where = f" (made at {op.source})" if op.source else ""
            raise GraphError(
                f"{op.type} {op.name!r}{where} cannot be saved: its attribute {a.name} holds {error}"
            ) from None

    def plain(self, value: Any) -> Any:
        """A value of any kind that is none of the program's own objects."""
        if (
            value is None
            or isinstance(value, (str, int))
            or (isinstance(value, float) and math.isfinite(value))
        ):
            return value
        if isinstance(value, float):
            return {"float": str(value)}
        if isinstance(value, bytes):
            return {"bytes": base64.b64encode(value).decode()}
        if isinstance(value, DType):
            return {"dtype": value.name}
        if isinstance(value, dims.Dim):
            return {"size": self.dimension(value)}
        if isinstance(value, np.ndarray):
            return {"array": self.array(value)}
        if isinstance(value, (list, tuple)):
            return {"list" if isinstance(value, list) else "tuple": [self.plain(v) for v in value]}
        if isinstance(value, dict) and all(isinstance(k, str) for k in value):
            return {"dict": {k: self.plain(v) for k, v in value.items()}}
        raise TypeError(f"an object of type {type(value).__name__}")

    def body(self, body: Body) -> Any:
        operations, tensors, _ = self.operations(body.graph)
        return {
            "operations": operations,
            "seed": body.graph.seed,
            "inputs": [tensors[t] for t in body.inputs],
            "outputs": [tensors[t] for t in body.outputs],
        }

    def operations(self, graph: Graph) -> tuple[list[Any], dict[Tensor, int], dict[Operation, int]]:
        """The operations of a graph, and the numbers of its tensors and operations."""
        tensors: dict[Tensor, int] = {}
        numbers: dict[Operation, int] = {}
        written = []
        for op in graph.operations:
            kinds = {a.name: a for a in op.definition.attributes}
            entry: dict[str, Any] = {
                "name": op.name,
                "op": op.type,
                "inputs": [None if t is None else tensors[t] for t in op.inputs],
                "attributes": {n: self.attribute(op, kinds[n], v) for n, v in op.attributes.items()},
                "shapes": [self.shape(t.shape) for t in op.outputs],
                "control": [numbers[c] for c in op.control_inputs],
                "device": op.device,
                "source": op.source,
                "gradient": None if op.own_gradient is None else getattr(op.own_gradient, "name", 0),
            }
            written.append({k: v for k, v in entry.items() if v is not None and v not in ([], {}, "")})
            numbers[op] = len(numbers)
            for tensor in op.outputs:
                tensors[tensor] = len(tensors)
        return written, tensors, numbers


def to_document(
    graph: Graph, *, collections: Iterable[str] | None = None, clear_devices: bool = False
) -> tuple[dict[str, Any], dict[str, Array]]:
    """A graph as a document and the arrays that it names.

    Args:
        graph: what to write.
        collections: names of the collections to write; all when None. What is neither a variable, tensor, operation,
            number or text, nor a list or tuple of those, is left out, with a warning in the log.
        clear_devices: leaves the devices out.

    Raises:
        GraphError: an attribute of an operation is an object of the program, such as a function.
    """
    writer = _Writer()
    operations, tensors, numbers = writer.operations(graph)
    if clear_devices:
        for entry in operations:
            entry.pop("device", None)
    wanted = (
        [n for n in graph._collections if n not in _PASSING] if collections is None else list(collections)
    )
    variables: dict[Variable, int] = {}
    entries: list[Any] = []
    held = {}
    for name in wanted:
        kept = []
        for value in graph.get_collection(name):
            try:
                kept.append(_collected(value, writer, tensors, numbers, variables, entries))
            except (TypeError, KeyError):
                _logger.warning("%r in the collection %r cannot be saved with the graph", value, name)
        held[name] = kept
    document = {
        "operations": operations,
        "variables": entries,
        "collections": held,
        "seed": graph.seed,
        "symbols": writer.symbols(),
    }
    return document, writer.arrays


def _collected(
    value: Any,
    writer: _Writer,
    tensors: Mapping[Tensor, int],
    numbers: Mapping[Operation, int],
    variables: dict[Variable, int],
    entries: list[Any],
) -> Any:
    if isinstance(value, Variable):
        if value not in variables:
            entry = {
                "tensor": tensors[value.value()],
                "initializer": numbers[value.initializer],
                "initial_value": tensors[value.initial_value],
                "trainable": value.trainable,
                **_constraint(value, writer, tensors),
            }
            variables[value] = len(variables)
            entries.append(entry)
        return {"variable": variables[value]}
    if isinstance(value, Tensor):
        return {"tensor": tensors[value]}
    if isinstance(value, Operation):
        return {"operation": numbers[value]}
    if value is None or isinstance(value, (str, int, float, bool)):
        return {"value": value}
    if type(value) in (list, tuple):
        parts = [_collected(v, writer, tensors, numbers, variables, entries) for v in value]
        return {type(value).__name__: parts}
    raise TypeError(f"{type(value).__name__} cannot be written")


def _constraint(variable: Variable, writer: _Writer, tensors: Mapping[Tensor, int]) -> dict[str, Any]:
    """What the constraint of a variable computes, as a body."""
    if variable.constraint is None:
        return {}
    try:
        body, taken = trace(variable.graph, variable.constraint, [variable.value()])
        return {"constraint": {"body": writer.body(body), "inputs": [tensors[t] for t in taken]}}
    except (SamaraError, LookupError, TypeError, ValueError) as error:
        _logger.warning("the constraint of %r cannot be saved with the graph: %s", variable.op.name, error)
        return {}


class _Constraint:
    """The constraint of a variable of a document: it adds its operations wherever it is called."""

    def __init__(self, body: Body, taken: list[Tensor]) -> None:
        self._body = body
        self._taken = taken

    def __call__(self, value: Any) -> Tensor:
        tensor: Tensor = value.as_graph_tensor()
        return inlined(tensor.graph, self._body, [tensor, *self._taken])[0]


class _Reader:
    """Builds the operations of a document."""

    def __init__(self, document: Mapping[str, Any], arrays: Callable[[str], Array], prefix: str) -> None:
        self._arrays = arrays
        self._prefix = prefix
        # What several operations share stays one array.
        self._read: dict[str, Array] = {}
        self._symbols = [dims.Dim(*given) for given in document["symbols"]]

    def dimension(self, value: Any) -> dims.Dimension:
        if isinstance(value, int):
            return value
        total: dims.Dimension = 0
        for coefficient, atoms in value:
            product: dims.Dimension = coefficient
            for atom in atoms:
                product = product * self._atom(atom)
            total = total + product
        return total

    def _atom(self, atom: Any) -> dims.Dimension:
        if isinstance(atom, int):
            return self._symbols[atom]
        function, left, right = atom[0], self.dimension(atom[1]), self.dimension(atom[2])
        if function == "floor_divide":
            return left // right
        return {"maximum": dims.maximum, "minimum": dims.minimum}[function](left, right)

    def shape(self, shape: Any) -> Any:
        return None if shape is None else tuple(self.dimension(d) for d in shape)

    def attribute(self, a: Attribute, value: Any) -> Any:
        if value is None:
            return None
        if a.kind == "float":
            return float(value)
        if a.kind == "dtype":
            return as_dtype(value)
        if a.kind == "symbol":
            return self.dimension(value)
        if a.kind == "shape":
            return self.shape(value)
        if a.kind == "array":
            return self.array(value)
        if a.kind == "graph":
            return self.body(value)
        return value if a.kind in ("int", "bool", "choice", "ints") else self.plain(value)

    def plain(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        ((kind, held),) = value.items()
        if kind in ("list", "tuple"):
            parts = [self.plain(v) for v in held]
            return parts if kind == "list" else tuple(parts)
        if kind == "dict":
            return {k: self.plain(v) for k, v in held.items()}
        readers: dict[str, Callable[[Any], Any]] = {
            "float": float,
            "bytes": base64.b64decode,
            "dtype": as_dtype,
            "size": self.dimension,
            "array": self.array,
        }
        return readers[kind](held)

    def array(self, value: Any) -> Array:
        if isinstance(value, str):
            if value not in self._read:
                self._read[value] = self._arrays(value)
            array = self._read[value]
        else:
            array = np.empty(len(value["texts"]), object)
            array[:] = [base64.b64decode(t) for t in value["texts"]]
            array = array.reshape(value["shape"])
        array.flags.writeable = False
        return array

    def body(self, value: Any) -> Body:
        graph = Graph()
        graph.seed = value["seed"]
        tensors, _ = self.operations(graph, value["operations"], body=True)
        made = Body(
            graph, tuple(tensors[i] for i in value["inputs"]), tuple(tensors[i] for i in value["outputs"])
        )
        graph.finalize()
        return made

    def operations(
        self, graph: Graph, entries: list[Any], *, body: bool = False
    ) -> tuple[list[Tensor], list[Operation]]:
        tensors: list[Tensor] = []
        made: list[Operation] = []
        for entry in entries:
            definition = OPS[entry["op"]]
            kinds = {a.name: a for a in definition.attributes}
            attributes = {n: self.attribute(kinds[n], v) for n, v in entry.get("attributes", {}).items()}
            inputs: list[Any] = [None if i is None else tensors[i] for i in entry.get("inputs", [])]
            if definition.operands and definition.operands[-1].variadic:
                fixed = len(definition.operands) - 1
                inputs = [*inputs[:fixed], inputs[fixed:]]
            # In a body only a variable's name says something outside of it.
            name = entry["name"] if body and entry["op"] != "variable" else self._prefix + entry["name"]
            after = [made[i] for i in entry.get("control", [])]
            with (
                graph.source(entry.get("source", "")),
                graph.control_dependencies(None),
                graph.control_dependencies(after),
            ):
                op = graph.apply(entry["op"], inputs, attributes, name=name, exact_name=True)
            op.device = entry.get("device", "")
            if "gradient" in entry:
                name = entry["gradient"]
                op.own_gradient = NamedGradient(name) if isinstance(name, str) else LostGradient()
            for tensor, shape in zip(op.outputs, entry.get("shapes", []), strict=True):
                given = self.shape(shape)
                if given is not None:
                    tensor.set_shape(given)
                    # The sizes of the document, under which later shapes know them.
                    tensor.shape = given
            made.append(op)
            tensors += op.outputs
        return tensors, made


def add_document(
    graph: Graph, document: Mapping[str, Any], arrays: Callable[[str], Array], *, prefix: str = ""
) -> dict[str, Operation]:
    """Adds what a document holds to a graph.

    Args:
        graph: where it goes.
        document: what `to_document` gave.
        arrays: gives an array by its name.
        prefix: what all names start with, such as "first/"; "" for nothing.

    Returns:
        The operations by the names that they had.

    Raises:
        CheckpointError: the document is not one, or its graph contradicts itself.
        GraphError: the graph has one of the names already.
    """
    try:
        names = [entry["name"] for entry in document["operations"]]
        taken = [prefix + n for n in names if prefix + n in graph._by_name]
    except (KeyError, TypeError) as error:
        raise _wrong(error) from None
    if taken:
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise GraphError(
            f"the graph already has {', '.join(map(repr, taken[:3]))}{more}: import into an empty graph, or with "
            "import_scope="
        )
    try:
        reader = _Reader(document, arrays, prefix)
        with graph.as_default(), graph.name_scope(None):
            tensors, operations = reader.operations(graph, document["operations"])
        graph.reserve_names(prefix + scope for n in names for scope in _scopes(n))
        variables = [_variable(entry, reader, tensors, operations) for entry in document["variables"]]
        for name, values in document["collections"].items():
            for value in values:
                graph.add_to_collection(name, _found(value, tensors, operations, variables, prefix))
        if graph.seed is None:
            graph.seed = document["seed"]
    except CheckpointError:
        raise
    except (
        SamaraError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise _wrong(error) from None
    return dict(zip(names, operations, strict=True))


def _wrong(error: Exception) -> CheckpointError:
    return CheckpointError(
        f"the saved graph is damaged, or of another version: {type(error).__name__}: {error}"
    )


def _scopes(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _variable(entry: Any, reader: _Reader, tensors: list[Tensor], operations: list[Operation]) -> Variable:
    tensor, initializer = tensors[entry["tensor"]], operations[entry["initializer"]]
    if tensor.op.type != "variable":
        raise CheckpointError(f"the saved graph is damaged: {tensor.name} is no variable")
    held = entry.get("constraint")
    constraint = held and _Constraint(reader.body(held["body"]), [tensors[i] for i in held["inputs"]])
    initial = tensors[entry["initial_value"]]
    return Variable.restored(tensor, initializer, initial, bool(entry["trainable"]), constraint)


def _found(
    value: Any, tensors: list[Tensor], operations: list[Operation], variables: list[Variable], prefix: str
) -> Any:
    ((kind, what),) = value.items()
    if kind == "variable":
        return variables[what]
    if kind == "tensor":
        return tensors[what]
    if kind == "operation":
        return operations[what]
    if kind == "value":
        return what
    parts = [_found(v, tensors, operations, variables, prefix) for v in what]
    if len(parts) == 2 and isinstance(parts[0], str) and isinstance(parts[1], Variable):
        # A variable beside its name, by which get_variable finds it.
        parts[0] = prefix + parts[0]
    return {"list": list, "tuple": tuple}[kind](parts)
