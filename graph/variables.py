"""Variables: values that live in a session from run to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from samara.graph import dims
from samara.graph.dtypes import DType, as_dtype
from samara.graph.graph import Operation, Tensor, get_default_graph
from samara.graph.operators import Operators

GLOBAL_VARIABLES = "variables"
TRAINABLE_VARIABLES = "trainable_variables"


class Variable(Operators):
    """A variable of the default graph.

    Args:
        initial_value: a number, array or tensor, or a function that returns one; its shape must be known.
        trainable: whether optimizers train it.
        name: its name, made unique.
        dtype: the element type; that of the initial value when None.
        collections: the collections that it joins; that of all variables when None.

    Raises:
        ValueError: the initial value's shape is not known.
    """

    def __init__(
        self,
        initial_value: Any,
        trainable: bool = True,
        *,
        name: str | None = None,
        dtype: DType | str | None = None,
        collections: Sequence[str] | None = None,
    ) -> None:
        graph = get_default_graph()
        with graph.control_dependencies(None):
            value = initial_value() if callable(initial_value) else initial_value
            initial = graph.convert(value, None if dtype is None else as_dtype(dtype))
            if initial.shape is None or any(not isinstance(d, int) for d in initial.shape):
                raise ValueError(
                    f"variable {name or 'Variable'!r}: the shape of its initial value, {dims.text(initial.shape)}, "
                    "is not known"
                )
            attributes = {"dtype": initial.dtype, "shape": initial.shape}
            self._tensor = graph.apply("variable", [], attributes, name=name or "Variable").outputs[0]
            with graph.name_scope(self._tensor.op.name + "/"):
                self.initializer: Operation = graph.apply("assign", [self._tensor, initial], name="Assign")
        self.initial_value = initial
        self.trainable = trainable
        for collection in [GLOBAL_VARIABLES] if collections is None else collections:
            graph.add_to_collection(collection, self)
        if trainable:
            graph.add_to_collection(TRAINABLE_VARIABLES, self)

    @classmethod
    def restored(
        cls, tensor: Tensor, initializer: Operation, initial_value: Tensor, trainable: bool
    ) -> Variable:
        """The variable of operations that a graph has already; it joins no collection."""
        made = cls.__new__(cls)
        made._tensor = tensor
        made.initializer = initializer
        made.initial_value = initial_value
        made.trainable = trainable
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
        """The initial value, for initializing another variable."""
        return self.initial_value

    def assign(self, value: Any, name: str | None = None) -> Tensor:
        """An operation that writes `value`; its output is the value written."""
        written: Tensor = self._tensor.graph.b.assign(self._tensor, value, name=name)
        return written

    def assign_add(self, delta: Any, name: str | None = None) -> Tensor:
        """An operation that adds `delta`; its output is the sum."""
        return self.assign(self + delta, name)

    def assign_sub(self, delta: Any, name: str | None = None) -> Tensor:
        """An operation that subtracts `delta`; its output is the difference."""
        return self.assign(self - delta, name)

    def eval(self, session: Any = None) -> Any:
        """Its value, in `session` or the default session."""
        return self._tensor.eval(session=session)

    def load(self, value: Any, session: Any = None) -> None:
        """Replaces its value in a session.

        Raises:
            ValueError: the shape differs.
        """
        from samara.graph.session import default_session

        (session or default_session()).load(self, value)

    def __repr__(self) -> str:
        return f"<Variable {self.name!r} {self.dtype.name}{dims.text(self.shape)}>"

    def __iter__(self) -> Iterator[Any]:
        return iter(self._tensor)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def global_variables() -> list[Variable]:
    """All variables of the default graph."""
    return get_default_graph().get_collection(GLOBAL_VARIABLES)


def trainable_variables() -> list[Variable]:
    """Those that optimizers train."""
    return get_default_graph().get_collection(TRAINABLE_VARIABLES)


def group(*inputs: Any, name: str | None = None) -> Operation:
    """An operation that runs after all of `inputs`."""
    graph = get_default_graph()
    with graph.control_dependencies(inputs):
        return graph.apply("no_op", [], name=name or "group_deps")


def variables_initializer(variables: Sequence[Variable], name: str = "init") -> Operation:
    """An operation that initializes the given variables."""
    return group(*[v.initializer for v in variables], name=name)


def global_variables_initializer() -> Operation:
    """An operation that initializes all variables of the default graph."""
    return variables_initializer(global_variables())
