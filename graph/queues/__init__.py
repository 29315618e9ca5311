"""Queues between threads that run one session: TensorFlow 1's classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import DType, as_dtype
from samara.graph.graph import Graph, Operation, Tensor, get_default_graph


class QueueBase:
    """A queue of tuples of tensors, which lives in the session.

    Attributes:
        dtypes: the element types of the components.
        shapes: their shapes, or an empty list when they are not known.
        names: the names of the components, when elements are dicts; else an empty list.
        queue_ref: the tensor that stands for it.
    """

    def __init__(
        self,
        order: str,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any,
        shared_name: str | None,
        name: str,
        **attributes: Any,
    ) -> None:
        listed = dtypes if isinstance(dtypes, (list, tuple)) else [dtypes]
        self.dtypes: list[DType] = [as_dtype(d) for d in listed]
        self.shapes: list[Any] = _shapes(shapes, len(self.dtypes))
        self.names: list[str] = [names] if isinstance(names, str) else list(names or ())
        if self.names and len(self.names) != len(self.dtypes):
            raise ValueError(f"{len(self.names)} names for {len(self.dtypes)} components")
        self.graph: Graph = get_default_graph()
        self._padded = False
        self.queue_ref: Tensor = self.graph.b.queue(
            dtypes=tuple(self.dtypes),
            shapes=tuple(self.shapes),
            order=order,
            capacity=int(capacity),
            shared_name=shared_name or "",
            name=name,
            **attributes,
        )

    @property
    def name(self) -> str:
        """The name of its operation."""
        return self.queue_ref.op.name

    def enqueue(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that puts an element in, and waits while the queue is full.

        Args:
            vals: a tensor for each component, as a list, a tuple or, by the components' names, a dict; a tensor by
                itself for a queue of one component.
            name: of the operation.

        Raises:
            CancelledError: in a run: the queue is closed.
        """
        components = self._components(vals)
        for number, (tensor, shape) in enumerate(zip(components, self.shapes, strict=False)):
            self._check(tensor.shape, shape, number, tensor)
        return self._put("enqueue", components, name)

    def enqueue_many(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that puts in the slices of tensors along their first axis, each as an element.

        Args:
            vals: as for `enqueue`, with one more axis.
            name: of the operation.

        Raises:
            CancelledError: in a run: the queue is closed.
        """
        components = self._components(vals)
        for number, tensor in enumerate(components):
            if tensor.shape == ():
                raise ShapeError(f"{tensor.name}, component {number}, is a scalar: it holds no elements")
            if tensor.shape is not None and self.shapes:
                self._check(tensor.shape[1:], self.shapes[number], number, tensor)
        return self._put("enqueue_many", components, name)

    def dequeue(self, name: str | None = None) -> Any:
        """Tensors with the components of an element, which is taken out; waits while the queue is empty.

        Args:
            name: of the operation.

        Returns:
            A tensor for a queue of one component, else a list of them, or a dict by the components' names.

        Raises:
            OutOfRangeError: in a run: the queue is closed and empty.
        """
        attributes = {"dtypes": tuple(self.dtypes), "shapes": tuple(self.shapes)}
        name = name or f"{self.name}_Dequeue"
        found = self._within().apply("dequeue", [self.queue_ref], attributes, name=name)
        return self._element(found.outputs)

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """As `dequeue`, with `n` elements along a new first axis; waits while there are too few.

        Raises:
            OutOfRangeError: in a run: the queue is closed and has fewer elements, which stay in it.
            ValueError: the shapes of the components are not known.
        """
        return self._many(n, False, name or f"{self.name}_DequeueMany")

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """As `dequeue_many`; when the queue is closed, with those that are left, at least one."""
        return self._many(n, True, name or f"{self.name}_DequeueUpTo")

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """An operation after which nothing more can be put in; what is in the queue can still be taken.

        Args:
            cancel_pending_enqueues: also refuse, with a CancelledError, what waits for room.
            name: of the operation.
        """
        closed: Operation = self.graph.b.close_queue(
            self.queue_ref,
            cancel_pending_enqueues=cancel_pending_enqueues,
            name=name or f"{self.name}_Close",
        )
        return closed

    def is_closed(self, name: str | None = None) -> Tensor:
        """Whether nothing more can be put in, a bool."""
        closed: Tensor = self.graph.b.queue_is_closed(self.queue_ref, name=name or f"{self.name}_is_closed")
        return closed

    def size(self, name: str | None = None) -> Tensor:
        """How many elements it holds, an int32."""
        size: Tensor = self.graph.b.queue_size(self.queue_ref, name=name or f"{self.name}_Size")
        return size

    def _within(self) -> Graph:
        """The queue's graph; while a body of it is traced, the body."""
        within: Graph = self.graph.b.graph
        return within

    def _put(self, op: str, components: Sequence[Tensor], name: str | None) -> Operation:
        attributes = {"shapes": tuple(self.shapes)}
        inputs = [self.queue_ref, list(components)]
        return self._within().apply(op, inputs, attributes, name=name or f"{self.name}_{op}")

    def _many(self, n: Any, fewer: bool, name: str) -> Any:
        if not self.shapes:
            raise ValueError(
                f"queue {self.name!r} was made without shapes, so its elements cannot be put together: give it shapes="
            )
        attributes = {
            "dtypes": tuple(self.dtypes),
            "shapes": tuple(self.shapes),
            "fewer": fewer,
            "padded": self._padded,
        }
        found = self._within().apply("dequeue_many", [self.queue_ref, n], attributes, name=name)
        return self._element(found.outputs)

    def _components(self, vals: Any) -> list[Tensor]:
        if self.names or isinstance(vals, dict):
            if not isinstance(vals, dict) or set(vals) != set(self.names):
                listed = ", ".join(vals) if isinstance(vals, dict) else type(vals).__name__
                raise ValueError(
                    f"queue {self.name!r} takes a dict with {', '.join(self.names) or 'no names'}, not {listed}"
                )
            vals = [vals[n] for n in self.names]
        elif not isinstance(vals, (list, tuple)):
            vals = [vals]
        if len(vals) != len(self.dtypes):
            raise ValueError(f"queue {self.name!r} has {len(self.dtypes)} components, {len(vals)} were given")
        with self._within().as_default():
            return [convert_to_tensor(v, d) for v, d in zip(vals, self.dtypes, strict=True)]

    def _check(self, found: Any, shape: Any, number: int, tensor: Tensor) -> None:
        if found is None:
            return
        merged = [dims.merge(a, b) for a, b in zip(found, shape, strict=False)]
        if len(found) != len(shape) or None in merged:
            raise ShapeError(
                f"queue {self.name!r}: component {number}, {tensor.name}, has shape {dims.text(found)} in an element, "
                f"expected {dims.text(shape)}"
            )

    def _element(self, tensors: Sequence[Tensor]) -> Any:
        if self.names:
            return dict(zip(self.names, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else list(tensors)


def _shapes(shapes: Any, count: int) -> list[Any]:
    if shapes is None:
        return []
    listed = list(shapes)
    # One component's shape by itself, as in shapes=[28, 28] or shapes=[].
    if count == 1 and (not listed or not all(isinstance(s, (list, tuple)) for s in listed)):
        listed = [listed]
    if len(listed) != count:
        raise ValueError(f"{len(listed)} shapes for {count} components")
    return [tuple(dims.as_dimension(d) for d in shape) for shape in listed]


def _require_known(shapes: Sequence[Any], kind: str) -> None:
    for shape in shapes:
        if not all(isinstance(d, int) for d in shape):
            raise ValueError(f"{kind}: shape {dims.text(shape)} is not known in full: use PaddingFIFOQueue")


class FIFOQueue(QueueBase):
    """A queue that gives its elements in the order in which they came.

    Args:
        capacity: how many elements it holds at most; no limit for 0 or less.
        dtypes: the element types of the components, or one of them.
        shapes: their shapes, in full; without them elements may differ in shape, and can be taken one at a time only.
        names: the names of the components; elements are dicts then.
        shared_name: queues with the same one are one queue in the session.
        name: of the operation.

    Raises:
        ValueError: shapes or names are not as many as the components, or a shape is not known in full.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        super().__init__("first_in_first_out", capacity, dtypes, shapes, names, shared_name, name)
        _require_known(self.shapes, "FIFOQueue")


class RandomShuffleQueue(QueueBase):
    """A queue that gives its elements in random order.

    Args:
        capacity: how many elements it holds at most; no limit for 0 or less.
        min_after_dequeue: how many stay in it while it is open, so that what is taken is drawn from many.
        dtypes: the element types of the components, or one of them.
        shapes: their shapes, in full; without them elements may differ in shape, and can be taken one at a time only.
        names: the names of the components; elements are dicts then.
        seed: seeds the order, beside the graph's seed.
        shared_name: queues with the same one are one queue in the session.
        name: of the operation.

    Raises:
        ValueError: shapes or names are not as many as the components, a shape is not known in full, or nothing could
            ever be taken.
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        if 0 < capacity <= min_after_dequeue:
            raise ValueError(
                f"capacity {capacity} must be more than min_after_dequeue {min_after_dequeue}: nothing could be taken"
            )
        more = {"min_after_dequeue": int(min_after_dequeue), "seed": -1 if seed is None else int(seed)}
        super().__init__("shuffled", capacity, dtypes, shapes, names, shared_name, name, **more)
        _require_known(self.shapes, "RandomShuffleQueue")


class PaddingFIFOQueue(QueueBase):
    """A FIFOQueue whose elements may differ in size: where they are put together, zeros fill them up to the largest.

    Args:
        capacity: how many elements it holds at most; no limit for 0 or less.
        dtypes: the element types of the components, or one of them.
        shapes: their shapes, with None for a size that differs.
        names: the names of the components; elements are dicts then.
        shared_name: queues with the same one are one queue in the session.
        name: of the operation.

    Raises:
        ValueError: shapes or names are not as many as the components.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        super().__init__("first_in_first_out", capacity, dtypes, shapes, names, shared_name, name)
        if not self.shapes:
            raise ValueError("PaddingFIFOQueue needs shapes")
        self._padded = True


__all__ = ["FIFOQueue", "PaddingFIFOQueue", "QueueBase", "RandomShuffleQueue"]
