"""What a handler is given of one ONNX node, and the registry of handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from samara.graph import dims
from samara.graph.builder import Builder
from samara.graph.dims import Dimension
from samara.graph.dtypes import DType
from samara.graph.execution.session import compute
from samara.graph.graph import Tensor
from samara.graph.inference import known_value

Array = np.ndarray[Any, Any]
Handler = Callable[["Node"], Any]

# Handlers by domain and op; `handlers` fills it.
HANDLERS: dict[tuple[str, str], Handler] = {}


class UnsupportedNodeError(Exception):
    """A node cannot be imported; `what` is the reason, `mend` what to change."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


def op(*names: str, domain: str = "") -> Callable[[Handler], Handler]:
    """Registers a handler for ops: `handler(node)` returns the output, or a list of outputs."""

    def register(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[domain, name] = handler
        return handler

    return register


class Node:
    """One node.

    Attributes:
        b: builds ops.
        type: the op.
        name: the node's name, or that of its first output.
        inputs: tensors; None for an absent one.
        attributes: by name, as Python values; strings are str, tensors arrays, graphs GraphProto.
        opset: the version of the operator set.
        output_names: of the outputs; "" for one that is not wanted.
        importer: imports the bodies of control flow.
    """

    def __init__(
        self,
        b: Builder,
        type_: str,
        name: str,
        inputs: Sequence[Tensor | None],
        attributes: Mapping[str, Any],
        opset: int,
        output_names: Sequence[str],
        importer: Any,
    ) -> None:
        self.b = b
        self.type = type_
        self.name = name
        self.inputs = list(inputs)
        self.attributes = dict(attributes)
        self.opset = opset
        self.output_names = list(output_names)
        self.importer = importer

    def fail(self, what: str, mend: str = "") -> NoReturn:
        """Refuses the node."""
        raise UnsupportedNodeError(what, mend)

    def given(self, index: int) -> Tensor | None:
        """An input, or None when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    def input(self, index: int = 0) -> Tensor:
        """An input that must be there."""
        tensor = self.given(index)
        if tensor is None:
            self.fail(f"input {index} is missing")
        return tensor

    def wants(self, index: int) -> bool:
        """Whether an output is wanted."""
        return index < len(self.output_names) and self.output_names[index] != ""

    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute's value."""
        return self.attributes.get(name, default)

    def body(self, name: str) -> Any:
        """A sub-graph attribute, which must be there."""
        found = self.attr(name)
        if found is None:
            self.fail(f"it has no {name}")
        return found

    def rank(self, index: int = 0) -> int:
        """The rank of an input."""
        tensor = self.input(index)
        if tensor.shape is None:
            self.fail(f"the rank of input {tensor.op.name!r} is not known")
        return len(tensor.shape)

    def shape(self, index: int = 0) -> tuple[Dimension, ...]:
        """The shape of an input, whose rank must be known."""
        self.rank(index)
        shape = self.input(index).shape
        assert shape is not None
        return tuple(shape)

    def axis(self, name: str = "axis", default: int = 0, *, rank: int | None = None) -> int:
        """An axis attribute, counted from 0."""
        rank = self.rank() if rank is None else rank
        axis = int(self.attr(name, default))
        if not -rank <= axis < max(rank, 1):
            self.fail(f"{name} {axis} is outside {-rank}..{rank - 1}")
        return axis % rank if rank else 0

    def value(self, index: int) -> Array | None:
        """The value of an input that depends on constants only, or None."""
        tensor = self.given(index)
        return None if tensor is None else constant_of(tensor)

    def constant(self, index: int, what: str) -> Array:
        """The value of an input that must be constant."""
        found = self.value(index)
        if found is None:
            self.fail(f"{what} must be constant, it is computed by the graph")
        return found

    def numbers(self, name: str, index: int | None = None) -> list[int] | None:
        """Integers that are an attribute in old operator sets and an input in new ones; None when absent."""
        if name in self.attributes:
            found = self.attributes[name]
            return [int(v) for v in (found if isinstance(found, (list, tuple)) else [found])]
        if index is None or self.given(index) is None:
            return None
        return [int(v) for v in self.constant(index, name).reshape(-1)]

    def numbers_or_none(self, name: str, index: int) -> list[int] | None:
        """As `numbers`, but None too when the graph computes them."""
        if name not in self.attributes and self.given(index) is not None and self.value(index) is None:
            return None
        return self.numbers(name, index)

    def sizes(self, index: int) -> tuple[Dimension, ...] | None:
        """The elements of a small integer input as dimensions, where the graph determines them."""
        tensor = self.given(index)
        if tensor is None:
            return None
        value = constant_of(tensor)
        if value is not None:
            return tuple(int(v) for v in value.reshape(-1))
        return known_value(tensor)

    def like(self, value: float, index: int = 0) -> Tensor:
        """A scalar of the dtype of an input."""
        return self.b.like(value, self.input(index))

    @property
    def dtype(self) -> DType:
        """The dtype of the first input."""
        return self.input().dtype


def constant_of(tensor: Tensor) -> Array | None:
    """The value of a tensor that depends on constants only, or None."""
    op_ = tensor.op
    if op_.type == "constant":
        value: Array = np.asarray(op_.a.value)
        return value
    if op_.definition.stateful or op_.definition.device != "kernel" or op_.control_inputs:
        return None
    if op_.type == "shape":
        known = known_value(tensor)
        if known is None or any(not isinstance(d, int) for d in known):
            return None
        return np.asarray(known, tensor.dtype.numpy)
    if tensor.shape is not None and any(
        not isinstance(d, int) or d > _LARGEST for d in (dims.product(tensor.shape),)
    ):
        return None
    values = []
    for given in op_.inputs:
        value_of = None if given is None else constant_of(given)
        if given is not None and value_of is None:
            return None
        values.append(value_of)
    return compute(op_, values)[tensor.index]


# Elements of what is computed at import; more are left to the exporter.
_LARGEST = 1 << 16

__all__ = ["HANDLERS", "Handler", "Node", "UnsupportedNodeError", "constant_of", "op"]
