"""Gradients that a program gives itself: `custom_gradient`, `RegisterGradient` with `Graph.gradient_override_map`.

An operation that has one keeps it in `Operation.own_gradient`; `gradients` asks that instead of the op table. The
operation itself stays what it is, so that it runs and is exported like any other.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from samara.errors import GraphError
from samara.graph.control import inlined, trace
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Body, Graph, Operation, Tensor, get_default_graph
from samara.graph.ops import OPS
from samara.graph.structure import flatten, pack
from samara.graph.variables import Variable

Function = TypeVar("Function", bound=Callable[..., Any])

_REGISTERED: dict[str, Callable[..., Any]] = {}

# Types of TensorFlow 1 whose op has another name here than the same words in lower case.
_TYPES = {
    "Ceil": "ceil",
    "Concat": "concat",
    "ConcatV2": "concat",
    "Const": "constant",
    "Conv2D": "conv2d",
    "Div": "divide",
    "MatMul": "matmul",
    "BatchMatMul": "matmul",
    "MaxPool": "max_pool2d",
    "AvgPool": "avg_pool2d",
    "Mul": "multiply",
    "Neg": "negative",
    "Pack": "stack",
    "PyFunc": "python_function",
    "PyFuncStateless": "python_function",
    "RealDiv": "divide",
    "Select": "where",
    "Sub": "subtract",
    "Sum": "reduce_sum",
    "Max": "reduce_max",
    "Mean": "reduce_mean",
}


def op_type(name: str) -> str:
    """The op of the table that a type of TensorFlow 1, such as "Relu", is; an op's own name is understood too.

    Raises:
        ValueError: there is none.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    for found in (name, _TYPES.get(name), words):
        if found is not None and found in OPS:
            return found
    raise ValueError(f"there is no type of operation {name!r}: give one of TensorFlow's, such as 'Relu'")


@dataclass(frozen=True)
class NamedGradient:
    """The gradient that was registered under a name."""

    name: str

    def sources(self, op: Operation) -> list[Tensor | None]:
        """What the operation depends on."""
        return op.inputs

    def targets(self, op: Operation) -> Sequence[Tensor]:
        """The tensors whose gradients are asked for together."""
        return op.outputs

    def of(self, b: Any, op: Operation, grads: Sequence[Tensor | None]) -> list[Any]:
        """The gradients of the sources."""
        function = _REGISTERED.get(self.name)
        if function is None:
            raise GraphError(
                f"{op.type} {op.name!r} has the gradient {self.name!r}, which is not registered: decorate a function "
                f"with tf.RegisterGradient({self.name!r}) first"
            )
        given = [b.zeros_like(t) if g is None else g for t, g in zip(op.outputs, grads, strict=True)]
        with b.graph.as_default():
            found = function(op, *given)
        listed = list(found) if isinstance(found, (list, tuple)) else [found]
        return [None if g is None else b.graph.convert(g) for g in listed]


def named(graph: Graph, type_: str) -> NamedGradient | None:
    """The gradient that a graph, or one around it, gives operations of a type in `gradient_override_map`."""
    within: Graph | None = graph
    while within is not None:
        if type_ in within._own_gradients:
            return NamedGradient(within._own_gradients[type_])
        within = within.outer
    return None


@dataclass(frozen=True, eq=False)
class TracedGradient:
    """What `custom_gradient` makes of a function: the same for each of the operations that give its values.

    Attributes:
        outputs: the values.
        arguments: what gradients are for.
        taken: what else the function of the gradients uses.
        body: gives the gradients of the arguments, of those of the outputs and what is taken.
        given: the numbers of the arguments that have a gradient.
    """

    outputs: tuple[Tensor, ...]
    arguments: tuple[Tensor, ...]
    taken: tuple[Tensor, ...]
    body: Body
    given: tuple[int, ...]

    def sources(self, op: Operation) -> list[Tensor | None]:
        """What the operation depends on."""
        return list(self.arguments)

    def targets(self, op: Operation) -> Sequence[Tensor]:
        """The tensors whose gradients are asked for together."""
        return self.outputs

    def of(self, b: Any, op: Operation, grads: Sequence[Tensor | None]) -> list[Any]:
        """The gradients of the sources."""
        floats = [(t, g) for t, g in zip(self.outputs, grads, strict=True) if t.dtype.is_floating]
        given = [b.zeros_like(t) if g is None else g for t, g in floats]
        made = inlined(b.graph, self.body, [*given, *self.taken])
        found: list[Any] = [None] * len(self.arguments)
        for number, grad in zip(self.given, made, strict=True):
            found[number] = grad
        return found

    def within(self, mapping: dict[int, Tensor]) -> TracedGradient:
        """The same for copies of all its tensors."""

        def copied(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return tuple(mapping[id(t)] for t in tensors)

        return TracedGradient(
            copied(self.outputs), copied(self.arguments), copied(self.taken), self.body, self.given
        )


@dataclass(frozen=True)
class LostGradient:
    """Stands for a gradient that is not in the file from which the graph was read."""

    def sources(self, op: Operation) -> list[Tensor | None]:
        """What the operation depends on."""
        return op.inputs

    def targets(self, op: Operation) -> Sequence[Tensor]:
        """The tensors whose gradients are asked for together."""
        return op.outputs

    def of(self, b: Any, op: Operation, grads: Sequence[Tensor | None]) -> list[Any]:
        """Refuses."""
        raise GraphError(
            f"{op.type} {op.name!r} had a gradient of its own (tf.custom_gradient), which a file does not hold: build "
            "the graph by the program to train it"
        )


class RegisterGradient:
    """Decorates a function of an operation and the gradients of its outputs, which gives those of its inputs.

    `graph.gradient_override_map({"Relu": name})` says which operations it is for.

    Args:
        op_type: the name.

    Raises:
        KeyError: the name is taken.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError(f"RegisterGradient: {op_type!r} is no name")
        self._name = op_type

    def __call__(self, f: Function) -> Function:
        """Registers a function, and gives it back."""
        if self._name in _REGISTERED:
            raise KeyError(f"a gradient is registered under the name {self._name!r} already")
        _REGISTERED[self._name] = f
        return f


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a function that gives its value and the function of its gradients.

        @tf.custom_gradient
        def clipped(x):
            return tf.identity(x), lambda dy: tf.clip_by_norm(dy, 1.0)

    The function of the gradients is called with the gradient of each value that is of a floating-point type, and gives
    one for each argument, or None. Where the value depends on variables it must take `variables=`, a list, and gives a
    pair: the gradients of the arguments, and a list of those of the variables.

    Raises:
        TypeError: variables are used, and the function of the gradients does not take them.
        ValueError: it gives another number of gradients.
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        graph = get_default_graph()
        arguments = [graph.convert(convert_to_tensor(a)) for a in args]
        count = len(graph.operations)
        value, function = f(*arguments, **kwargs)
        variables = [v for v in _variables_read(graph, count) if graph.convert(v) not in arguments]
        takes = _takes_variables(function)
        if variables and not takes:
            raise TypeError(
                f"{f.__name__} uses variable {variables[0].name}, so its function of gradients must take variables="
            )
        leaves: list[Any] = []
        structure = flatten(value, leaves)
        with graph.name_scope(f.__name__ if f.__name__.isidentifier() else "custom_gradient"):
            outputs = tuple(graph.b.identity(convert_to_tensor(v)) for v in leaves)
        sources = [*arguments, *(graph.convert(v) for v in variables)]
        given: list[int] = []

        def gradients_of(*grads: Tensor) -> list[Any]:
            found = function(*grads, variables=variables) if variables else function(*grads)
            own, of_variables = found if variables else (found, [])
            listed = [*(own if isinstance(own, (list, tuple)) else [own]), *of_variables]
            if len(listed) != len(sources):
                raise ValueError(
                    f"{f.__name__}: the function of gradients gave {len(listed)}, expected {len(sources)}: one for "
                    "each argument and variable"
                )
            given.extend(i for i, g in enumerate(listed) if g is not None)
            # A body gives something: a number, where there is no gradient.
            return [g for g in listed if g is not None] or [0.0]

        body, taken = trace(graph, gradients_of, [t for t in outputs if t.dtype.is_floating])
        if not given:
            body = Body(body.graph, body.inputs, ())
        own = TracedGradient(outputs, tuple(sources), tuple(taken), body, tuple(given))
        for tensor in outputs:
            tensor.op.own_gradient = own
        return pack(structure, iter(outputs))

    return decorated


def _variables_read(graph: Any, count: int) -> list[Variable]:
    """The trainable variables that operations from a number on read."""
    home = graph
    while home.outer is not None:
        home = home.outer
    read = {t.op.name for op in graph.operations[count:] for t in op.given_inputs if t.op.type == "variable"}
    return [v for v in home.get_collection("trainable_variables") if v.op.name in read]


def _takes_variables(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


__all__ = [
    "LostGradient",
    "NamedGradient",
    "RegisterGradient",
    "TracedGradient",
    "custom_gradient",
    "named",
    "op_type",
]
