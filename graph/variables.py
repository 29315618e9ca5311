"""Variables: values that live in a session from run to run."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from samara.graph import dims
from samara.graph.collections import GraphKeys
from samara.graph.dtypes import DType, as_dtype
from samara.graph.graph import Operation, Tensor, get_default_graph
from samara.graph.operators import Operators

GLOBAL_VARIABLES = GraphKeys.GLOBAL_VARIABLES
TRAINABLE_VARIABLES = GraphKeys.TRAINABLE_VARIABLES


class Variable(Operators):
    """A variable of the default graph.

    Args:
        initial_value: a number, array or tensor, or a function that returns one.
        trainable: whether optimizers train it; None for yes.
        collections: the collections that it joins; that of all variables when None.
        validate_shape: whether the shape of the initial value must be known; without, any value can be assigned.
        caching_device: has no meaning here.
        name: its name, made unique.
        variable_def: not supported.
        dtype: the element type; that of the initial value when None.
        expected_shape: has no meaning here.
        import_scope: has no meaning here.
        constraint: a function of the variable's value that optimizers apply after each step.
        use_resource: has no meaning here.
        synchronization: has no meaning here.
        aggregation: has no meaning here.
        shape: its shape, where it says more than the initial value's.

    Raises:
        ValueError: the initial value's shape is not known, or is not `shape`.
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Sequence[str] | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        use_resource: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        if initial_value is None or variable_def is not None:
            raise ValueError("a variable is made of an initial value")
        graph = get_default_graph()
        while graph.outer is not None:
            graph = graph.outer
        with graph.as_default(), graph.control_dependencies(None):
            value = initial_value() if callable(initial_value) else initial_value
            initial = graph.convert(value, None if dtype is None else as_dtype(dtype))
            given = initial.get_shape()
            if shape is not None:
                given = given.merge_with(shape)
            if validate_shape and not given.is_fully_defined():
                raise ValueError(
                    f"variable {name or 'Variable'!r}: the shape of its initial value, {dims.text(initial.shape)}, "
                    "is not known"
                )
            size = None if not given.is_fully_defined() else builtins.tuple(given)
            attributes = {"dtype": initial.dtype, "shape": size}
            self._tensor = graph.apply("variable", [], attributes, name=name or "Variable").outputs[0]
            with graph.name_scope(self._tensor.op.name + "/"):
                self.initializer: Operation = graph.apply("assign", [self._tensor, initial], name="Assign")
        self.initial_value = initial
        self.trainable = trainable is not False
        self.constraint: Callable[[Tensor], Any] | None = constraint
        joined = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        if self.trainable:
            joined.append(GraphKeys.TRAINABLE_VARIABLES)
        graph.add_to_collections(joined, self)

    @classmethod
    def restored(
        cls,
        tensor: Tensor,
        initializer: Operation,
        initial_value: Tensor,
        trainable: bool,
        constraint: Callable[[Tensor], Tensor] | None = None,
    ) -> Variable:
        """The variable of operations that a graph has already; it joins no collection."""
        made = cls.__new__(cls)
        made._tensor = tensor
        made.initializer = initializer
        made.initial_value = initial_value
        made.trainable = trainable
        made.constraint = constraint
        return made

    def as_graph_tensor(self) -> Tensor:
        """The tensor that reads it."""
        return self._tensor

    @property
    def name(self) -> str:
        """The name of the tensor that reads it."""
        return self._tensor.name

    @property
    def op(self) -> Operation:
        """The operation that holds it."""
        return self._tensor.op

    @property
    def graph(self) -> Any:
        """The graph it belongs to."""
        return self._tensor.graph

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._tensor.dtype

    @property
    def shape(self) -> Any:
        """The shape, all numbers."""
        return self._tensor.shape

    def get_shape(self) -> Any:
        """The shape with TensorFlow 1's methods."""
        return self._tensor.get_shape()

    def value(self) -> Tensor:
        """The tensor that reads it."""
        return self._tensor

    def read_value(self) -> Tensor:
        """A tensor with its value at this place in the order of execution."""
        read: Tensor = self._tensor.graph.b.identity(self._tensor)
        return read

    def initialized_value(self) -> Tensor:
        """Its value where it has one in the session, else its initial value: for initializing another variable."""
        from samara.graph.control import cond

        graph = self._tensor.graph
        with graph.as_default(), graph.control_dependencies(None), graph.colocate_with(self):
            has_value = graph.b.is_variable_initialized(self)
            (value,) = cond(graph, has_value, self.read_value, lambda: self.initial_value)
        return value

    def assign(
        self, value: Any, use_locking: Any = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """An operation that writes `value`; its output is the value written."""
        written: Tensor = self._tensor.graph.b.assign(self._tensor, value, name=name)
        return written

    def assign_add(
        self, delta: Any, use_locking: Any = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """An operation that adds `delta`; its output is the sum."""
        with self._at_home():
            total = self + delta
        return self.assign(total, name=name)

    def assign_sub(
        self, delta: Any, use_locking: Any = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """An operation that subtracts `delta`; its output is the difference."""
        with self._at_home():
            difference = self - delta
        return self.assign(difference, name=name)

    def _at_home(self) -> Any:
        """Asks for the task that has the variable, so that another one cannot change it in between."""
        graph = self._tensor.graph
        return graph.colocate_with(self) if "/job:" in self.device else contextlib.nullcontext()

    def count_up_to(self, limit: int) -> Tensor:
        """An operation that adds 1 and gives the value from before; at `limit` it is an OutOfRangeError of the run."""
        counted: Tensor = self._tensor.graph.b.count_up_to(self._tensor, limit=limit)
        return counted

    def scatter_update(self, sparse_delta: Any, use_locking: Any = False, name: str | None = None) -> Tensor:
        """An operation that writes `sparse_delta.values` to the rows `sparse_delta.indices`."""
        b = self._tensor.graph.b
        places = b.expand_dims(sparse_delta.indices, axis=-1)
        return self.assign(b.scatter_nd(self._tensor, places, sparse_delta.values), name=name)

    def eval(self, session: Any = None) -> Any:
        """Its value, in `session` or the default session."""
        return self._tensor.eval(session=session)

    def load(self, value: Any, session: Any = None) -> None:
        """Replaces its value in a session.

        Raises:
            ValueError: the shape differs.
        """
        from samara.graph.execution.session import default_session

        (session or default_session()).load(self, value)

    def set_shape(self, shape: Any) -> None:
        """Merges what is known of the shape with `shape`."""
        self._tensor.set_shape(shape)

    @property
    def device(self) -> str:
        """The device that it was asked to live on, or ''."""
        return self._tensor.device

    @property
    def initial_value_tensor(self) -> Tensor:
        """The tensor that its initializer writes."""
        return self.initial_value

    def __repr__(self) -> str:
        return f"<Variable {self.name!r} {self.dtype.name}{dims.text(self.shape)}>"

    def __iter__(self) -> Iterator[Any]:
        return iter(self._tensor)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def global_variables(scope: str | None = None) -> list[Variable]:
    """All variables of the default graph; of those, the ones whose name `scope` begins."""
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Variable]:
    """Variables that are neither trained nor saved, such as those of metrics."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    """Variables that layers say belong to the model."""
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """Variables of which a moving average is kept."""
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    """Those that optimizers train."""
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def group(*inputs: Any, name: str | None = None) -> Operation:
    """An operation that runs after all of `inputs`."""
    flat: list[Any] = []
    for value in inputs:
        flat += value if isinstance(value, (list, builtins.tuple)) else [value]
    graph = get_default_graph()
    with graph.control_dependencies([v for v in flat if v is not None]):
        return graph.apply("no_op", [], name=name or "group_deps")


def tuple(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The same tensors, none of which is there before all of them, and all of `control_inputs`, are.

    None entries stay None.
    """
    graph = get_default_graph()
    with graph.name_scope(name or "tuple"):
        gate = group(*[t for t in tensors if t is not None], *(control_inputs or ()))
        with graph.control_dependencies([gate]):
            return [
                t if t is None or isinstance(t, Operation) else graph.b.identity(t.as_graph_tensor())
                for t in tensors
            ]


def variables_initializer(var_list: Sequence[Variable], name: str = "init") -> Operation:
    """An operation that initializes the given variables."""
    return group(*[v.initializer for v in var_list], name=name)


def global_variables_initializer() -> Operation:
    """An operation that initializes all variables of the default graph."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Operation:
    """An operation that initializes the local variables of the default graph."""
    return variables_initializer(local_variables(), name="init_local")
