"""The one IR: `Graph`, `Operation` and `Tensor`.

A graph that is trained, one that was imported and one that is about to be written are all this class. Nodes are
operations of the op table, edges are tensors. Shapes and dtypes are inferred when an operation is added; what
contradicts itself is refused there, naming the line of the user's program.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from samara.errors import GraphError, ShapeError, shown
from samara.graph import devices, dims, dtypes
from samara.graph.applying import all_of, fill_attributes, infer, output_dtypes, pair
from samara.graph.dims import Shape
from samara.graph.dtypes import DType
from samara.graph.inference import Inference
from samara.graph.operators import Operators
from samara.graph.ops import OPS
from samara.graph.ops._table import OpDef
from samara.graph.shapes import TensorShape, known
from samara.graph.strings import as_strings, holds_text

if TYPE_CHECKING:
    from samara.graph.builder import Builder
    from samara.graph.graph_def import GraphDef


class Tensor(Operators):
    """An edge of the graph: output number `index` of operation `op`.

    Attributes:
        dtype: its element type.
        shape: a tuple of int and Dim, or None when not even the rank is known.
    """

    __slots__ = ("__weakref__", "_shape", "dtype", "index", "op")

    def __init__(self, op: Operation, index: int, dtype: DType, shape: Shape | None) -> None:
        self.op = op
        self.index = index
        self.dtype = dtype
        self._shape = known(shape)

    @property
    def shape(self) -> Shape | None:
        """A tuple of int and Dim, or None when not even the rank is known."""
        return self._shape

    @shape.setter
    def shape(self, shape: Shape | None) -> None:
        self._shape = known(shape)

    @property
    def name(self) -> str:
        """The name, `operation:index`."""
        return f"{self.op.name}:{self.index}"

    @property
    def graph(self) -> Graph:
        """The graph it belongs to."""
        return self.op.graph

    def as_graph_tensor(self) -> Tensor:
        """Itself."""
        return self

    @property
    def device(self) -> str:
        """The device that its operation was asked to run on, or ''."""
        return self.op.device

    def get_shape(self) -> TensorShape:
        """The shape with TensorFlow 1's methods; one whose `ndims` is None when not even the rank is known."""
        return TensorShape(self._shape)

    @property
    def value_index(self) -> int:
        """Which output of its operation it is."""
        return self.index

    def consumers(self) -> list[Operation]:
        """The operations that have it as an input."""
        return [op for op in self.graph.operations if any(t is self for t in op.inputs)]

    def set_shape(self, shape: Sequence[Any] | None) -> None:
        """Merges what is known of the shape with `shape`.

        Raises:
            ShapeError: the two contradict each other.
        """
        if shape is None or TensorShape(shape).ndims is None:
            return
        given = tuple(dims.as_dimension(d) for d in shape)
        if self.shape is None:
            self.shape = given
            return
        merged = [dims.merge(a, b) for a, b in zip(self.shape, given, strict=False)]
        if len(given) != len(self.shape) or None in merged:
            raise ShapeError(f"{self.name}: shape {dims.text(self.shape)} cannot be {dims.text(given)}")
        self.shape = tuple(d for d in merged if d is not None)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Its value, in `session` or the default session."""
        from samara.graph.execution.session import default_session

        return (session or default_session()).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<Tensor {self.name!r} {self.dtype.name}{dims.text(self.shape)}>"

    def __iter__(self) -> Iterator[Any]:
        if not self.shape or not isinstance(self.shape[0], int):
            raise TypeError(
                f"{self.name}: a tensor can be iterated over when its first dimension is a number"
            )
        return iter([self[i] for i in range(self.shape[0])])

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self.name} has no value while the graph is built, so it cannot decide an `if`: use where or cond, "
            "or compare with `is None`"
        )

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


class Operation:
    """A node of the graph: one op of the table applied to tensors.

    Attributes:
        definition: its row of the op table.
        inputs: tensors; None for an absent optional input.
        outputs: tensors.
        attributes: by name, defaults filled in; `a` gives them by dot, `op.a.strides`.
        control_inputs: operations that run before it.
        source: "file:line" of the user's program, or "".
        device: the device it was asked to run on, "/device:GPU:0", or "".
        id: its place in the order of construction, which is an order of execution.
        own_gradient: what `samara.graph.own_gradients` gave it in place of the op's gradient, or None.
    """

    __slots__ = (
        "a",
        "attributes",
        "control_inputs",
        "definition",
        "device",
        "graph",
        "id",
        "inputs",
        "name",
        "outputs",
        "own_gradient",
        "source",
    )

    def __init__(
        self,
        graph: Graph,
        definition: OpDef,
        name: str,
        inputs: Sequence[Tensor | None],
        attributes: dict[str, Any],
        control_inputs: Sequence[Operation],
        source: str,
    ) -> None:
        self.graph = graph
        self.definition = definition
        self.name = name
        self.inputs = list(inputs)
        self.attributes = attributes
        self.a = SimpleNamespace(**attributes)
        self.control_inputs = list(control_inputs)
        self.source = source
        self.device = ""
        self.id = -1
        self.own_gradient: Any = None
        self.outputs: list[Tensor] = []

    @property
    def type(self) -> str:
        """The op's name in the table."""
        return self.definition.name

    @property
    def bodies(self) -> dict[str, Body]:
        """The sub-graphs that it runs, by the name of the attribute."""
        return {name: value for name, value in self.attributes.items() if isinstance(value, Body)}

    @property
    def stateful(self) -> bool:
        """Whether it, or an operation in a sub-graph that it runs, reads or writes state or draws random numbers."""
        return self.definition.stateful or any(
            op.stateful for body in self.bodies.values() for op in body.graph.operations
        )

    @property
    def writes(self) -> set[str]:
        """The names of the variables that it, or an operation in a sub-graph that it runs, writes."""
        operands = self.definition.operands
        written = {
            t.op.name for o, t in zip(operands, self.inputs, strict=False) if o.state and t is not None
        }
        for body in self.bodies.values():
            written.update(*(op.writes for op in body.graph.operations))
        return written

    @property
    def given_inputs(self) -> list[Tensor]:
        """The inputs that are present."""
        return [t for t in self.inputs if t is not None]

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs it, in `session` or the default session."""
        from samara.graph.execution.session import default_session

        (session or default_session()).run(self, feed_dict)

    def values(self) -> tuple[Tensor, ...]:
        """The outputs."""
        return tuple(self.outputs)

    @property
    def node_def(self) -> Any:
        """What it is made of, to be read."""
        from samara.graph.graph_def import NodeDef

        return NodeDef(self)

    def get_attr(self, name: str) -> Any:
        """An attribute's value."""
        return self.attributes[name]

    def __repr__(self) -> str:
        return f"<Operation {self.name!r} type={self.type}>"


class Graph:
    """A dataflow graph.

    Operations are kept in the order of construction; an operation's inputs come before it.
    """

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self._names_taken: dict[str, int] = {}
        self._scope = ""
        self._devices: list[Any] = []
        self._control_stack: list[tuple[Operation, ...]] = []
        self._collections: dict[str, list[Any]] = {}
        self._own_gradients: dict[str, str] = {}
        self._finalized = False
        self.outer: Graph | None = None
        self.seed: int | None = None
        self._source_override: str | None = None

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All operations, in the order of construction."""
        return tuple(self._operations)

    @property
    def b(self) -> Builder:
        """Builds operations by the names of the op table; while a body of this graph is traced, in the body."""
        from samara.graph.builder import Builder

        return Builder(self._innermost())

    def _innermost(self) -> Graph:
        default = within = get_default_graph()
        while within is not self and within.outer is not None:
            within = within.outer
        return default if within is self else self

    @property
    def finalized(self) -> bool:
        """Whether nothing can be added any more."""
        return self._finalized

    @property
    def version(self) -> int:
        """A number that grows with every operation."""
        return len(self._operations)

    def as_graph_def(self, *_: Any, **__: Any) -> GraphDef:
        """What the graph is made of, to be read: `print(graph.as_graph_def())`, or its `.node`."""
        from samara.graph.graph_def import GraphDef

        return GraphDef(self)

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The tensor or the operation that an object or a name stands for.

        Raises:
            TypeError: it is neither, or of the kind that is not allowed.
            ValueError: it belongs to another graph.
        """
        found = obj.as_graph_tensor() if hasattr(obj, "as_graph_tensor") else obj
        if isinstance(found, str):
            found = self.get_tensor_by_name(found) if ":" in found else self.get_operation_by_name(found)
        if not (allow_tensor and isinstance(found, Tensor)) and not (
            allow_operation and isinstance(found, Operation)
        ):
            raise TypeError(f"{obj!r} is not {'a tensor' if allow_tensor else 'an operation'} of the graph")
        if found.graph is not self:
            raise ValueError(f"{found.name} belongs to another graph")
        return found

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """Whether a session may be asked for it: always."""
        return isinstance(tensor_or_op, (Tensor, Operation)) or hasattr(tensor_or_op, "as_graph_tensor")

    def is_feedable(self, tensor: Any) -> bool:
        """Whether a run may be given it: any tensor."""
        return isinstance(tensor, Tensor) or hasattr(tensor, "as_graph_tensor")

    def get_name_scope(self) -> str:
        """The current name scope, without the last "/"."""
        return self._scope.removesuffix("/")

    def get_operations(self) -> list[Operation]:
        """All operations, in the order of construction."""
        return list(self._operations)

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of that name; raises KeyError naming near ones."""
        try:
            return self._by_name[name]
        except KeyError:
            import difflib

            near = difflib.get_close_matches(name, self._by_name, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise KeyError(f"the graph has no operation {name!r}{hint}") from None

    def find_operation(self, name: str) -> Operation | None:
        """The operation of that name, if there is one: for names that may well be of another graph."""
        return self._by_name.get(name)

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor of that name, `operation:index`."""
        op_name, colon, index = name.rpartition(":")
        if not colon or not index.isdigit():
            raise ValueError(
                f"{name!r} is not a tensor's name: write 'operation:index', for example '{name}:0'"
            )
        op = self.get_operation_by_name(op_name)
        if int(index) >= len(op.outputs):
            raise KeyError(f"operation {op_name!r} has {len(op.outputs)} outputs, no number {index}")
        return op.outputs[int(index)]

    # Scopes -----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Makes it the default graph within a `with`."""
        _defaults.stack.append(self)
        try:
            yield self
        finally:
            _defaults.stack.pop()

    @contextlib.contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefixes names with `name/`; a name that ends with "/" is taken as it is; None or "" leaves all scopes."""
        previous = self._scope
        if not name:
            self._scope = ""
        elif name.endswith("/"):
            self._scope = name
        else:
            self._scope = self.unique_name(name) + "/"
        try:
            yield self._scope
        finally:
            self._scope = previous

    @contextlib.contextmanager
    def control_dependencies(self, inputs: Sequence[Operation | Tensor] | None) -> Iterator[None]:
        """Operations added within run after all of `inputs`; None clears what surrounds."""
        previous = self._control_stack
        if inputs is None:
            self._control_stack = []
        else:
            ops = tuple(self._as_operation(x) for x in inputs)
            self._control_stack = [*previous, ops]
        try:
            yield
        finally:
            self._control_stack = previous

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Asks for a device for the operations added within: "/cpu:0", "/gpu:1", a DeviceSpec, or a function.

        What inner requests leave open is taken from outer ones; None leaves all of them. A function is called with each
        operation, when that is added, and returns its device.

        Raises:
            GraphError: it is not the name of a device.
        """
        devices.check(device_name_or_function)
        self._devices.append(device_name_or_function)
        try:
            yield
        finally:
            self._devices.pop()

    @contextlib.contextmanager
    def colocate_with(self, op: Any) -> Iterator[None]:
        """Asks for the device of an operation, tensor or variable, and no other, for the operations added within."""
        with self.device(None), self.device(self._as_operation(op).device):
            yield

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: Mapping[str, str]) -> Iterator[None]:
        """Gives the operations added within a gradient that a program has registered with `RegisterGradient`.

        Args:
            op_type_map: for a type of operations, such as "Relu", the name of the gradient.

        Raises:
            TypeError: it is no mapping of texts.
            ValueError: there is no such type.
        """
        from samara.graph.own_gradients import op_type

        if not isinstance(op_type_map, Mapping) or not all(isinstance(v, str) for v in op_type_map.values()):
            raise TypeError(f"gradient_override_map: {shown(op_type_map)} is no mapping of texts to texts")
        previous = self._own_gradients
        self._own_gradients = {**previous, **{op_type(k): v for k, v in op_type_map.items()}}
        try:
            yield
        finally:
            self._own_gradients = previous

    @contextlib.contextmanager
    def source(self, source: str) -> Iterator[None]:
        """Gives the operations added within this source instead of the caller's line."""
        previous, self._source_override = self._source_override, source
        try:
            yield
        finally:
            self._source_override = previous

    def unique_name(self, name: str) -> str:
        """A name in the current scope that nothing else has; marks it taken."""
        if not isinstance(name, str):
            raise TypeError(f"name={name!r}: expected a text")
        full = self._scope + name
        while full in self._names_taken:
            count = self._names_taken[full]
            self._names_taken[full] = count + 1
            full = f"{self._scope}{name}_{count}"
        self._names_taken[full] = 1
        return full

    def reserve_names(self, names: Iterable[str]) -> None:
        """Keeps names for operations that will be added with `exact_name`."""
        self._names_taken.update(dict.fromkeys(names, 1))

    def _exact_name(self, name: str) -> str:
        if name in self._by_name:
            raise GraphError(f"the graph already has an operation {name!r}")
        self._names_taken[name] = 1
        return name

    # Collections ------------------------------------------------------------------------------------------

    def add_to_collection(self, name: str, value: Any) -> None:
        """Appends to the list called `name`."""
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Appends to each of the lists that are called `names`."""
        for name in dict.fromkeys([names] if isinstance(names, str) else names):
            self.add_to_collection(name, value)

    def get_collection(self, name: str, scope: str | None = None) -> list[Any]:
        """What the list called `name` holds; only what has a name that `scope`, a regular expression, begins."""
        found = self._collections.get(name, [])
        if scope is None:
            return list(found)
        return [v for v in found if re.match(scope, str(getattr(v, "name", "")))]

    def get_all_collection_keys(self) -> list[str]:
        """The names of the lists that hold something."""
        return [name for name, held in self._collections.items() if held and not name.startswith("__")]

    def clear_collection(self, name: str) -> None:
        """Empties the list called `name`."""
        self._collections.pop(name, None)

    def get_collection_ref(self, name: str) -> list[Any]:
        """The list called `name` itself."""
        return self._collections.setdefault(name, [])

    # Building ---------------------------------------------------------------------------------------------

    def finalize(self) -> None:
        """Refuses any further operation."""
        self._finalized = True

    def apply(
        self,
        type_: str,
        inputs: Sequence[Any],
        attributes: dict[str, Any] | None = None,
        *,
        name: str | None = None,
        exact_name: bool = False,
    ) -> Operation:
        """Adds an operation.

        Args:
            type_: the op's name in the table.
            inputs: for each operand a tensor, variable, array or number, or None for an absent optional one; for a
                variadic operand a sequence of them.
            attributes: by name; those left out take their defaults.
            name: the operation's name before it is made unique; the op's name when None.
            exact_name: take the name as it is, reserved or not; a name that an operation has is refused.

        Raises:
            ShapeError: dtypes or shapes contradict each other; names the user's line.
            GraphError: the graph is finalized.
            TypeError: an attribute or input is of the wrong kind.
        """
        definition = OPS[type_]
        source = self._source_override if self._source_override is not None else _caller()
        if self._finalized:
            raise GraphError(f"cannot add {type_}: the graph is finalized{_at(source)}")
        try:
            filled = fill_attributes(definition, attributes or {})
            tensors, variables = self._convert_inputs(definition, inputs, filled)
            inference = Inference(definition, tensors, filled)
            shapes = infer(definition, inference)
            if definition.dtypes is not None:
                types = list(definition.dtypes(inference))
            else:
                types = output_dtypes(definition, len(shapes), variables, filled)
        except (GraphError, TypeError) as error:
            raise type(error)(f"{error}{_at(source)}") from None
        control: dict[Operation, None] = {}
        for group in self._control_stack:
            control.update(dict.fromkeys(group))
        op = Operation(
            self,
            definition,
            self._exact_name(name) if exact_name and name else self.unique_name(name or type_),
            tensors,
            filled,
            self._awaited(control, source),
            source,
        )
        op.outputs = [Tensor(op, i, t, s) for i, (t, s) in enumerate(zip(types, shapes, strict=True))]
        op.id = self._operations[-1].id + 1 if self._operations else 0
        if self._devices:
            devices.joined(self._devices, op)
        if self._own_gradients or self.outer is not None:
            from samara.graph.own_gradients import named

            op.own_gradient = named(self, type_)
        self._operations.append(op)
        self._by_name[op.name] = op
        return op

    def _awaited(self, control: Iterable[Operation], source: str) -> list[Operation]:
        """The control inputs of an operation of this graph, of what is asked for."""
        return all_of(self, control, _at(source))

    def convert(self, value: Any, dtype: DType | None = None) -> Tensor:
        """A tensor of this graph from a tensor, variable, array, number or nested list of those.

        Raises:
            TypeError: it cannot become a tensor of `dtype`.
            GraphError: it belongs to another graph.
        """
        if hasattr(value, "as_graph_tensor"):
            value = value.as_graph_tensor()
        if isinstance(value, Tensor):
            tensor = value if value.graph is self else self._foreign(value)
            if dtype is not None and tensor.dtype is not dtype:
                raise TypeError(f"{tensor.name} is {tensor.dtype.name}, expected {dtype.name}: use cast")
            return tensor
        if isinstance(value, (list, tuple)) and _holds_tensor(value):
            if dtype is None:
                dtype = _dtype_within(value)
            parts = [self.convert(v, dtype) for v in value]
            return self.apply("stack", [parts], {"axis": 0}).outputs[0]
        if isinstance(value, (list, tuple)) and any(isinstance(v, dims.Dim) for v in value):
            raise TypeError(
                f"{list(value)} holds a symbolic dimension: use shape(tensor) for a size that may change"
            )
        array = as_array(value, dtype)
        with self.control_dependencies(None):
            return self.apply(
                "constant", [], {"value": array, "dtype": dtypes.as_dtype(array.dtype)}, name="Const"
            ).outputs[0]

    def _foreign(self, tensor: Tensor) -> Tensor:
        """What stands in this graph for a tensor of another one."""
        raise GraphError(f"{tensor.name} belongs to another graph than the operation that uses it")

    def _convert_inputs(
        self, definition: OpDef, inputs: Sequence[Any], attributes: dict[str, Any]
    ) -> tuple[list[Tensor | None], dict[str, DType]]:
        given = pair(definition, inputs)
        variables: dict[str, DType] = {}
        for operand, value in given:
            tensor = value.as_graph_tensor() if hasattr(value, "as_graph_tensor") else value
            if isinstance(tensor, Tensor) and operand.type in definition.types:
                variables.setdefault(operand.type, tensor.dtype)
        tensors: list[Tensor | None] = []
        for operand, value in given:
            if value is None:
                if not operand.optional:
                    raise TypeError(f"{definition.name}: input {operand.name} is missing")
                tensors.append(None)
                continue
            expected = variables.get(operand.type)
            allowed = definition.dtypes_of(operand.type)
            if operand.type.startswith("@"):
                expected = attributes[operand.type[1:]]
            elif operand.type != "any" and (
                operand.type not in definition.types or (expected is None and _is_empty(value))
            ):
                expected = allowed[0]
            if expected is None and dtypes.string in allowed and holds_text(value):
                expected = dtypes.string
            try:
                tensor = self.convert(value, expected)
            except TypeError as error:
                raise TypeError(f"{definition.name}: input {operand.name}: {error}") from None
            if tensor.dtype not in allowed:
                names = ", ".join(d.name for d in allowed)
                raise TypeError(
                    f"{definition.name}: input {operand.name} is {tensor.dtype.name}, expected one of {names}"
                )
            if operand.state and tensor.op.type != "variable":
                raise TypeError(
                    f"{definition.name}: {tensor.name} is not a variable, so it cannot be written"
                )
            if operand.type in definition.types:
                variables[operand.type] = tensor.dtype
            tensors.append(tensor)
        return tensors, variables

    def _as_operation(self, value: Any) -> Operation:
        if hasattr(value, "as_graph_tensor"):
            value = value.as_graph_tensor()
        return value.op if isinstance(value, Tensor) else value

    def __str__(self) -> str:
        from samara.graph.text import dump

        return dump(self)

    def __repr__(self) -> str:
        return f"<Graph of {len(self._operations)} operations>"


@dataclass(frozen=True, eq=False)
class Body:
    """A closed graph that an operation runs: the branch of a cond, the step of a loop.

    Attributes:
        graph: refers to no tensor outside; a variable in it is the session's variable of that name.
        inputs: its placeholders, in the order of what the operation gives it.
        outputs: what the operation takes from it.
    """

    graph: Graph
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def __repr__(self) -> str:
        return f"<Body of {len(self.graph.operations)} operations>"


class _Defaults(threading.local):
    def __init__(self) -> None:
        self.base = Graph()
        self.stack: list[Graph] = []


_defaults = _Defaults()


def get_default_graph() -> Graph:
    """The innermost graph of `as_default`, or this thread's own."""
    return _defaults.stack[-1] if _defaults.stack else _defaults.base


def reset_default_graph() -> None:
    """Gives this thread a new, empty default graph.

    Raises:
        GraphError: called within `as_default`.
    """
    if _defaults.stack:
        raise GraphError("reset_default_graph cannot be called within `with graph.as_default()`")
    _defaults.base = Graph()


def as_array(value: Any, dtype: DType | None = None) -> np.ndarray[Any, Any]:
    """A dense array from a number, nested list or array; Python floats become float32, ints int32.

    Raises:
        TypeError: it holds something else than numbers, is ragged, or would lose its meaning in `dtype`.
    """
    if dtype is dtypes.string:
        array = as_strings(value)
        array.flags.writeable = False
        return array
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{type(value).__name__} is not a dense array of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{shown(value)} is not a number, nor an array of numbers")
    if dtype is None:
        if not isinstance(value, (np.ndarray, np.generic)):
            if array.dtype.kind == "f":
                array = array.astype(np.float32)
            elif array.dtype.kind == "i" and array.size and -(2**31) <= array.min() <= array.max() < 2**31:
                array = array.astype(np.int32)
            elif array.size == 0:
                array = array.astype(np.float32)
        dtypes.as_dtype(array.dtype)
    else:
        if array.dtype.kind == "f" and not dtype.is_floating and array.size:
            raise TypeError(f"{value!r} holds floating-point numbers, expected {dtype.name}")
        if (array.dtype.kind == "b") != (dtype.name == "bool") and array.size:
            raise TypeError(f"{value!r} is {array.dtype.name}, expected {dtype.name}")
        if dtype.is_integer and array.size:
            limits = np.iinfo(dtype.numpy)
            if array.min() < limits.min or array.max() > limits.max:
                raise TypeError(f"{value!r} does not fit {dtype.name}, {limits.min}..{limits.max}")
        array = array.astype(dtype.numpy)
    array = np.array(array, order="C")
    # Sessions compute with a constant's array itself.
    array.flags.writeable = False
    return array


def _is_empty(value: Any) -> bool:
    """Whether it is `[]` or `()`, which say nothing of their element type."""
    return isinstance(value, (list, tuple)) and not value


def _holds_tensor(values: Sequence[Any]) -> bool:
    return any(
        isinstance(v, Tensor)
        or hasattr(v, "as_graph_tensor")
        or (isinstance(v, (list, tuple)) and _holds_tensor(v))
        for v in values
    )


def _dtype_within(values: Sequence[Any]) -> DType | None:
    """That of the first tensor in nested lists."""
    for value in values:
        found: DType | None = None
        if hasattr(value, "as_graph_tensor"):
            found = value.as_graph_tensor().dtype
        elif isinstance(value, (list, tuple)):
            found = _dtype_within(value)
        if found is not None:
            return found
    return None


def _caller() -> str:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module != "samara" and not module.startswith("samara."):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _at(source: str) -> str:
    return f" (at {source})" if source else ""
