"""`TensorArray`: tensors of one shape, by number.

An array is a value: a write gives a new array, and what it is made of are tensors of the graph. As long as the numbers
that it is written and read at are known, it is a list of tensors. Otherwise, and as the variable of a loop, it is one
tensor with the elements along a first axis, which a write replaces a slice of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import GraphError, ShapeError
from samara.graph import dims
from samara.graph.builder import Builder
from samara.graph.convert import builder, convert_to_tensor, sizes
from samara.graph.dims import Dim, Shape
from samara.graph.dtypes import DType, as_dtype, string
from samara.graph.graph import Graph, Operation, Tensor, get_default_graph
from samara.graph.inference import known_value
from samara.graph.loop_shapes import Freedom, Late, put
from samara.graph.shapes import TensorShape


class _Elements:
    """What is known of the elements of all arrays that come from one."""

    def __init__(self, shape: Shape | None, infer: bool) -> None:
        self.shape = shape
        self.infer = infer

    def merge(self, shape: Shape | None) -> None:
        if shape is None:
            return
        if self.shape is None:
            self.shape = tuple(shape) if self.infer else None
            return
        merged = [dims.merge(a, b) for a, b in zip(self.shape, shape, strict=False)]
        if len(shape) != len(self.shape) or None in merged:
            raise ShapeError(
                f"TensorArray: an element of shape {dims.text(shape)} in an array of elements of shape "
                f"{dims.text(self.shape)}"
            )
        self.shape = tuple(d for d in merged if d is not None)


class TensorArray:
    """Tensors of one element type by number, from 0 on.

    An element that was not written is zeros; one that is written twice has the last value, and one may be read as often
    as needed. Derivatives go through all methods.

    Args:
        dtype: the element type.
        size: the number of elements, a number or a scalar.
        dynamic_size: whether a write after the last element makes room for it.
        clear_after_read: taken for the sake of old programs; elements are never cleared.
        tensor_array_name: as `name`.
        handle: that of another array, whose elements this one has; `flow` says which.
        flow: that of another array, after the operations that gave it.
        infer_shape: whether what is known of the shape of one element holds for all.
        element_shape: the shape of the elements, as far as it is known.
        colocate_with_first_write_call: has no meaning here.
        name: of the operations.

    Raises:
        ValueError: neither a size, nor dynamic_size, nor a handle is given.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self._dtype = as_dtype(dtype)
        self._grows = bool(dynamic_size)
        self._adds = False
        self._name = name or tensor_array_name or "TensorArray"
        given = None if element_shape is None else TensorShape(element_shape)
        shape = None if given is None or given.ndims is None else tuple(given)
        self._elements = _Elements(shape, infer_shape)
        self._parts: tuple[Tensor | None, ...] | None = None
        self._flow: Tensor | None = None
        self._size: Any = None
        source = flow if flow is not None else handle
        if source is not None:
            self._flow = convert_to_tensor(source)
            self._size = None if self._grows else builder(self._flow).shape(self._flow)[0]
            return
        if size is None and not self._grows:
            raise ValueError("TensorArray needs a size")
        number = _number(0 if size is None else size)
        if number is None:
            self._size = convert_to_tensor(size)
        else:
            if number < 0:
                raise ValueError(f"a TensorArray of {number} elements")
            self._parts = (None,) * number
            self._size = number

    # What it is made of ---------------------------------------------------------------------------------------

    def _with(
        self, *, parts: Sequence[Tensor | None] | None = None, flow: Tensor | None = None, size: Any = None
    ) -> TensorArray:
        made = TensorArray.__new__(TensorArray)
        made._dtype, made._grows, made._adds, made._name = self._dtype, self._grows, self._adds, self._name
        made._elements = self._elements
        made._parts = None if parts is None else tuple(parts)
        made._flow = flow
        made._size = len(made._parts) if made._parts is not None else self._size if size is None else size
        return made

    @property
    def _written(self) -> bool:
        return self._flow is not None or any(p is not None for p in self._parts or ())

    def _as_flow(self, like: Tensor | None = None) -> Tensor:
        """The elements along a first axis; `like` is one that tells the shape of an array without any."""
        if self._flow is not None:
            return self._flow
        written = [p for p in self._parts or () if p is not None]
        if self._parts is None or not written:
            b = builder(like)
            element = self._elements.shape
            if like is not None and like.shape is not None:
                element_sizes = [_size_along(like, i) for i in range(len(like.shape))]
            elif element is not None and all(isinstance(d, int) for d in element):
                element_sizes = list(element)
            else:
                raise GraphError(
                    f"{self._name!r} has no element yet, and their shape is not known: give element_shape"
                )
            return self._zeros(b, self._size, element_sizes)
        # Where all elements are, which may be around the body that is being traced.
        graph = get_default_graph()
        if all(p.graph is written[0].graph for p in written) and not written[0].graph.finalized:
            graph = written[0].graph
        b = Builder(graph)
        parts = [b.zeros_like(written[0]) if p is None else p for p in self._parts]
        made: Tensor = b.stack(parts, axis=0)
        return made

    def _zeros(self, b: Any, count: Any, element: Sequence[Any]) -> Tensor:
        shape = sizes([count if isinstance(count, int) else b.cast(count, dtype=as_dtype("int32")), *element])
        zero = b.constant("", string) if self._dtype is string else np.zeros((), self._dtype.numpy)
        made: Tensor = b.broadcast_to(zero, shape)
        return made

    def as_loop_variable(self) -> tuple[Tensor | Late, Freedom]:
        """What stands for it among the variables of a loop, and what of its shape a step may change."""
        if self._written or self._is_known():
            return self._as_flow(), True
        element = self._elements.shape
        count = Dim() if self._grows else self._size if isinstance(self._size, int) else Dim()
        known = None if self._grows or isinstance(self._size, int) else known_value(self._size)
        if known is not None:
            count = known[0]
        shape = None if element is None else (count, *element)

        def make(sized: Any) -> Tensor:
            told = [sized(d) for d in self._elements.shape or ()]
            return self._zeros(
                get_default_graph().b, self._size, [np.int32(0) if d is None else d for d in told]
            )

        return Late(self._dtype, shape, make, self._name), True

    def _is_known(self) -> bool:
        element = self._elements.shape
        return element is not None and all(isinstance(d, int) for d in element)

    def within(self, flow: Tensor) -> TensorArray:
        """The array whose elements are along the first axis of a tensor."""
        return self._with(flow=flow)

    # What programs call ---------------------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._dtype

    @property
    def flow(self) -> Tensor:
        """What other operations may wait for: the elements along a first axis."""
        return self._as_flow()

    @property
    def handle(self) -> Tensor:
        """What another TensorArray may be made of; as `flow`."""
        return self._as_flow()

    @property
    def dynamic_size(self) -> bool:
        """Whether a write after the last element makes room for it."""
        return self._grows

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the shape of the elements."""
        return TensorShape(self._elements.shape)

    def identity(self) -> TensorArray:
        """The same array, after the control dependencies that are in force."""
        b = builder()
        if self._parts is not None:
            return self._with(parts=[None if p is None else b.identity(p) for p in self._parts])
        return self if self._flow is None else self._with(flow=b.identity(self._flow))

    def grad(self, source: Any, flow: Any = None, name: str | None = None) -> TensorArray:
        """An array of zeros of the same size and shape, in which writes to one element add up.

        `source` tells several gradients of one array apart; here each call gives a new array.
        """
        zeros = builder().zeros_like(self._as_flow())
        made = self._with(flow=zeros)
        made._adds = True
        return made

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the element `index`, a number or a scalar, replaced by a value.

        Raises:
            ShapeError: the value has not the shape of the elements.
            IndexError: the array has no such element; where the index is data it is an error of the run.
        """
        tensor = convert_to_tensor(value, self._dtype)
        tensor = tensor if tensor.graph is get_default_graph() else get_default_graph().convert(tensor)
        number = _number(index)
        parts = None if self._parts is None or number is None else self._room(number)
        self._elements.merge(tensor.shape)
        if parts is not None and number is not None:
            held = parts[number]
            parts[number] = tensor if held is None or not self._adds else builder(tensor).add(held, tensor)
            return self._with(parts=parts)
        flow, b = self._as_flow(tensor), builder(tensor)
        if self._adds:
            tensor = b.add(tensor, b.gather(flow, index, axis=0))
        graph: Graph = b.graph
        flow, place = graph.convert(flow), graph.convert(index)
        fits = flow.shape is not None and tensor.shape is not None and flow.shape[1:] == tensor.shape
        if fits and not self._grows:
            return self._with(flow=put(graph, flow, place, tensor))
        return self._with(flow=b.array_write(flow, place, tensor, grows=self._grows, name=name))

    def _room(self, number: int) -> list[Tensor | None]:
        """The elements, with room for one of this number."""
        parts = list(self._parts or ())
        if number < 0 or (number >= len(parts) and not self._grows):
            raise IndexError(f"{self._name!r} has {len(parts)} elements and no number {number}")
        return parts + [None] * (number + 1 - len(parts))

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element `index`, a number or a scalar.

        Raises:
            IndexError: the array has no such element; where the index is data it is an error of the run.
        """
        number = _number(index)
        if self._parts is not None and number is not None:
            if not 0 <= number < len(self._parts):
                raise IndexError(f"{self._name!r} has {len(self._parts)} elements and no number {number}")
            part = self._parts[number]
            if part is not None:
                return part
        b = builder(index)
        return self._told(b.gather(self._as_flow(), index, axis=0, name=name), 0)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements of these numbers, stacked."""
        flow = self._as_flow()
        return self._told(builder(indices, flow).gather(flow, indices, axis=0, name=name), 1)

    def stack(self, name: str | None = None) -> Tensor:
        """All elements, stacked: [size, ...]."""
        flow = self._as_flow()
        return self._told(builder(flow).identity(flow, name=name), 1)

    pack = stack

    def concat(self, name: str | None = None) -> Tensor:
        """All elements, joined along their first axis.

        Raises:
            ShapeError: an element is a scalar.
        """
        written = [p for p in self._parts or () if p is not None]
        b = builder(*written)
        if self._parts is not None and len(written) == len(self._parts) and written:
            if any(p.shape == () for p in written):
                raise ShapeError(f"{self._name!r}: scalars cannot be joined: use stack()")
            joined: Tensor = b.concat(written, axis=0, name=name)
            return joined
        flow = self.stack()
        if flow.shape is None:
            raise ShapeError(f"{self._name!r}: joining elements of unknown rank: give element_shape")
        if len(flow.shape) < 2:
            raise ShapeError(f"{self._name!r}: scalars cannot be joined: use stack()")
        rest = [_size_along(flow, i) for i in range(2, len(flow.shape))]
        made: Tensor = b.reshape(flow, sizes([-1, *rest]), name=name)
        return made

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are the slices of a tensor along its first axis."""
        tensor = convert_to_tensor(value, self._dtype)
        if tensor.shape == ():
            raise ShapeError(f"{tensor.name} is a scalar: elements lie along a first axis")
        if tensor.shape is None:
            return self._with(flow=tensor)
        self._elements.merge(tensor.shape[1:])
        size, count = self._known_size(), tensor.shape[0]
        if isinstance(size, int) and isinstance(count, int) and count > size and not self._grows:
            raise ShapeError(f"{self._name!r} has {size} elements, {tensor.name} has {count}")
        if not self._written and ((self._grows and size == 0) or size == count):
            return self._with(flow=tensor)
        b = builder(tensor)
        along = b.range(np.int32(0), b.constant(_size_along(tensor, 0)), np.int32(1))
        return self.scatter(along, tensor, name)

    unpack = unstack

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the elements of these numbers replaced by the slices of a tensor along its first axis."""
        tensor = convert_to_tensor(value, self._dtype)
        places = convert_to_tensor(indices)
        self._elements.merge(None if tensor.shape is None else tensor.shape[1:])
        b = builder(tensor)
        if self._written or self._is_known():
            flow = b.graph.convert(self._as_flow())
        else:
            if tensor.shape is None:
                raise ShapeError(f"{self._name!r}: the rank of {tensor.name} is not known")
            element = [_size_along(tensor, i) for i in range(1, len(tensor.shape))]
            flow = self._zeros(b, self._size, element)
        if self._grows:
            flow = self._with_room(b, flow, places)
        if self._adds:
            tensor = b.add(tensor, b.gather(flow, places, axis=0))
        return self._with(flow=b.scatter_nd(flow, b.expand_dims(places, axis=-1), tensor, name=name))

    def _with_room(self, b: Any, flow: Tensor, places: Tensor) -> Tensor:
        last = b.reduce_max(b.concat([b.cast(places, dtype=as_dtype("int32")), [-1]], axis=0), axes=(0,))
        more = b.maximum(b.subtract(b.add(last, np.int32(1)), b.shape(flow)[0]), np.int32(0))
        element = [_size_along(flow, i) for i in range(1, len(flow.shape or ()))]
        made: Tensor = b.concat([flow, self._zeros(b, more, element)], axis=0)
        return made

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are parts of a tensor along its first axis, of the given lengths.

        Raises:
            ShapeError: how many lengths there are is not known.
        """
        tensor = convert_to_tensor(value, self._dtype)
        b = builder(tensor)
        counts = convert_to_tensor(lengths)
        known = known_value(counts)
        if counts.shape is None or len(counts.shape) != 1 or not isinstance(counts.shape[0], int):
            raise ShapeError(
                f"{self._name!r}: lengths has shape {dims.text(counts.shape)}; how many parts there are must be known: "
                "give it a shape by set_shape"
            )
        total, rank = counts.shape[0], len(tensor.shape or ())
        parts: list[Tensor]
        if known is not None and all(isinstance(k, int) for k in known):
            parts = list(b.split(tensor, axis=0, sizes=tuple(known))) if total else []
        else:
            counts = b.cast(counts, dtype=as_dtype("int32"))
            starts: list[Any] = [np.int32(0)]
            for i in range(total - 1):
                starts.append(b.add(counts[i], starts[-1]))
            rest = [_size_along(tensor, i) for i in range(1, rank)]
            parts = [
                b.slice(
                    tensor,
                    b.stack([starts[i], *[np.int32(0)] * (rank - 1)], axis=0),
                    b.stack([counts[i], *[np.int32(r) if isinstance(r, int) else r for r in rest]], axis=0),
                    strides=(1,) * rank,
                )
                for i in range(total)
            ]
        size = self._known_size()
        if isinstance(size, int) and total > size and not self._grows:
            raise ShapeError(f"{self._name!r} has {size} elements, {total} lengths are given")
        if len({p.shape for p in parts}) == 1:
            self._elements.merge(parts[0].shape)
        return self._with(parts=[*parts, *(self._parts or ())[total:]])

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements, a scalar."""
        b = builder(self._flow)
        if self._flow is not None and self._grows:
            size: Tensor = b.shape(self._flow)[0]
            return size
        return convert_to_tensor(np.int32(self._size) if isinstance(self._size, int) else self._size)

    def close(self, name: str | None = None) -> Operation:
        """An operation that does nothing: memory is freed by itself."""
        made: Operation = builder(self._flow).graph.apply("no_op", [], name=name or "TensorArrayClose")
        return made

    def _known_size(self) -> Any:
        """The number of elements, a number or a dimension, or None."""
        if isinstance(self._size, int):
            return self._size
        known = None if self._size is None else known_value(self._size)
        return None if known is None else known[0]

    def _told(self, tensor: Tensor, lead: int) -> Tensor:
        """A tensor of elements, with what is known of their shape."""
        element = self._elements.shape
        if element is not None and self._elements.infer:
            size = self._known_size() if lead and not self._grows else None
            first = [] if not lead else [size if size is not None else None]
            if tensor.shape is None:
                tensor.set_shape([*first, *element])
        return tensor

    def __repr__(self) -> str:
        return f"<TensorArray {self._name!r} {self._dtype.name} of {dims.text(self._elements.shape)}>"


def _number(value: Any) -> int | None:
    """A number that is known when the graph is built."""
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return int(value)
    tensor = value.as_graph_tensor() if hasattr(value, "as_graph_tensor") else None
    return int(np.asarray(tensor.op.a.value)) if tensor is not None and tensor.op.type == "constant" else None


def _size_along(tensor: Tensor, axis: int) -> Any:
    size = (tensor.shape or ())[axis]
    return int(size) if isinstance(size, int) else builder(tensor).shape(tensor)[axis]


__all__ = ["TensorArray"]
