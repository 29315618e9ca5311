"""Input pipelines of queues: producers of elements, and batches of them, each filled by a QueueRunner.

`start_queue_runners` starts what fills them. Limits on the number of epochs are local variables, to be initialized by
`local_variables_initializer`; when one is reached the queue closes, and who takes from it gets an OutOfRangeError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.collections import GraphKeys
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float32, int32, string
from samara.graph.graph import Graph, Tensor
from samara.graph.queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from samara.graph.summary import scalar
from samara.graph.train.queue_runner import QueueRunner, add_queue_runner
from samara.graph.variables import Variable

LOCAL_VARIABLES = GraphKeys.LOCAL_VARIABLES


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Tensor:
    """A tensor, which can be read `num_epochs` times; then reading it is an OutOfRangeError.

    Args:
        tensor: any tensor.
        num_epochs: how many times; None for no limit.
        name: of the operation.

    Raises:
        ValueError: num_epochs is not positive.
    """
    found = convert_to_tensor(tensor)
    if num_epochs is None:
        return found
    if num_epochs <= 0:
        raise ValueError(f"num_epochs is {num_epochs}, expected a positive number")
    graph = found.graph
    with graph.as_default(), graph.name_scope(name or "limit_epochs"):
        epochs = Variable(np.int64(0), trainable=False, name="epochs", collections=[LOCAL_VARIABLES])
        counted = graph.b.count_up_to(epochs, limit=int(num_epochs))
        with graph.control_dependencies([counted]):
            return _rows(found, None)


def _rows(tensor: Tensor, rows: Any) -> Tensor:
    """The slices of a tensor along its first axis that are named; the tensor itself for None."""
    b = tensor.graph.b
    if tensor.dtype is not string:
        found: Tensor = b.identity(tensor) if rows is None else b.gather(tensor, rows, axis=0)
    else:
        found = b.string_rows(tensor, np.arange(tensor.get_shape()[0]) if rows is None else rows)
    return found


def input_producer(
    input_tensor: Any,
    element_shape: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    summary_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> QueueBase:
    """A queue with the slices of a tensor along its first axis, again and again.

    Args:
        input_tensor: of rank 1 or more.
        element_shape: the shape of a slice, where the tensor does not tell.
        num_epochs: how many times; None for ever. A local variable counts.
        shuffle: whether the slices come in random order, another one in each epoch.
        seed: seeds the order, beside the graph's seed.
        capacity: of the queue.
        shared_name: the name of the queue in the session.
        summary_name: the name of a summary of how full the queue is; None for none.
        name: the name scope.
        cancel_op: what closes the queue when the coordinator stops.

    Raises:
        ValueError: the shape of a slice is not known.
    """
    tensor = convert_to_tensor(input_tensor)
    graph = tensor.graph
    with graph.as_default(), graph.name_scope(name or "input_producer"):
        if element_shape is not None:
            tensor.set_shape([None, *element_shape])
        if not tensor.shape or not all(isinstance(d, int) for d in tensor.shape[1:]):
            raise ValueError(
                f"{tensor!r}: the shape of its slices is not known in full: give element_shape, or a tensor of rank 1 "
                "or more"
            )
        if shuffle:
            tensor = _shuffled(tensor, seed)
        tensor = limit_epochs(tensor, num_epochs)
        queue = FIFOQueue(
            capacity, [tensor.dtype], [tensor.get_shape()[1:]], shared_name=shared_name, name="input_queue"
        )
        add_queue_runner(QueueRunner(queue, [queue.enqueue_many([tensor])], cancel_op=cancel_op))
        if summary_name is not None:
            scalar(summary_name, _fullness(queue, capacity))
        return queue


def _shuffled(tensor: Tensor, seed: int | None) -> Tensor:
    attributes = {} if seed is None else {"seed": int(seed)}
    b = tensor.graph.b
    if tensor.dtype is string:
        return _rows(tensor, b.random_shuffle(np.arange(tensor.get_shape()[0]), **attributes))
    shuffled: Tensor = b.random_shuffle(tensor, **attributes)
    return shuffled


def _fullness(queue: QueueBase, capacity: int, kept: int = 0) -> Tensor:
    b = queue.graph.b
    room: Tensor = b.cast(b.maximum(b.subtract(queue.size(), np.int32(kept)), np.int32(0)), dtype=float32)
    full: Tensor = b.multiply(room, np.float32(1 / max(1, capacity - kept)))
    return full


def string_input_producer(
    string_tensor: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> QueueBase:
    """A queue of texts, such as the names of files; arguments as of `input_producer`.

    Raises:
        ValueError: there is no text.
    """
    tensor = convert_to_tensor(string_tensor, string)
    if tensor.shape is None or len(tensor.shape) != 1 or tensor.shape[0] == 0:
        raise ValueError(f"string_input_producer needs a list of one or more texts, not {string_tensor!r}")
    return input_producer(
        tensor,
        (),
        num_epochs,
        shuffle,
        seed,
        capacity,
        shared_name,
        f"fraction_of_{capacity}_full",
        name or "input_producer",
        cancel_op,
    )


def range_input_producer(
    limit: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> QueueBase:
    """A queue of the numbers 0 ... limit - 1, int32; arguments as of `input_producer`."""
    if isinstance(limit, (int, np.integer)):
        numbers: Any = np.arange(int(limit), dtype=np.int32)
    else:
        end = convert_to_tensor(limit, int32)
        numbers = end.graph.b.range(np.int32(0), end, np.int32(1))
    return input_producer(
        numbers,
        (),
        num_epochs,
        shuffle,
        seed,
        capacity,
        shared_name,
        f"fraction_of_{capacity}_full",
        name or "input_producer",
    )


def slice_input_producer(
    tensor_list: Sequence[Any],
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """Slices of several tensors at one place along their first axis; arguments as of `input_producer`.

    Args:
        tensor_list: tensors of one first dimension.
        num_epochs: how many times each place comes; None for ever.
        shuffle: whether the places come in random order.
        seed: seeds the order, beside the graph's seed.
        capacity: of the queue of places.
        shared_name: the name of the queue in the session.
        name: the name scope.

    Raises:
        ValueError: there is no tensor, or first dimensions differ or are not known.
    """
    tensors = [convert_to_tensor(t) for t in tensor_list]
    if not tensors:
        raise ValueError("slice_input_producer needs one or more tensors")
    counts = {t.shape[0] if t.shape else None for t in tensors}
    if len(counts) != 1 or not all(isinstance(c, int) for c in counts):
        listed = ", ".join(map(repr, tensors))
        raise ValueError(f"slice_input_producer: the first dimensions must be known and equal: {listed}")
    graph = tensors[0].graph
    with graph.as_default(), graph.name_scope(name or "input_producer"):
        places = range_input_producer(counts.pop(), num_epochs, shuffle, seed, capacity, shared_name)
        place = places.dequeue()
        return [_rows(t, place) for t in tensors]


def batch(
    tensors: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches of tensors, by a queue.

    Args:
        tensors: a list or a dict of tensors of one element; or a tensor.
        batch_size: how many elements make a batch.
        num_threads: how many threads run the tensors. With more than one, the order is not determined.
        capacity: of the queue.
        enqueue_many: whether the tensors are of many elements, along a first axis.
        shapes: those of an element, where the tensors do not tell.
        dynamic_pad: whether elements may differ in size, and are filled up with zeros.
        allow_smaller_final_batch: whether the last batch may be smaller; else what is left is dropped.
        shared_name: the name of the queue in the session.
        name: the name scope.

    Returns:
        As `tensors` is, with a first axis for the batch; of a list of one tensor a tensor, as in TensorFlow.

    Raises:
        OutOfRangeError: in a run: the input has ended.
        ValueError: a shape is not known.
    """
    several = [tensors] * num_threads
    queue = FIFOQueue if not dynamic_pad else PaddingFIFOQueue
    return _batched(
        several, batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name,
        name or "batch", queue, 0, {},
    )  # fmt: skip


def batch_join(
    tensors_list: Sequence[Any],
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch`, of several lists or dicts of tensors, each run by a thread of its own."""
    queue = FIFOQueue if not dynamic_pad else PaddingFIFOQueue
    return _batched(
        list(tensors_list), batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name,
        name or "batch_join", queue, 0, {},
    )  # fmt: skip


def shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch`, of elements in random order.

    Args:
        tensors: a list or a dict of tensors of one element; or a tensor.
        batch_size: how many elements make a batch.
        capacity: of the queue, more than min_after_dequeue.
        min_after_dequeue: how many elements stay in the queue while the input goes on: with more they are mixed better.
        num_threads: how many threads run the tensors.
        seed: seeds the order, beside the graph's seed.
        enqueue_many: whether the tensors are of many elements, along a first axis.
        shapes: those of an element, where the tensors do not tell.
        allow_smaller_final_batch: whether the last batch may be smaller; else what is left is dropped.
        shared_name: the name of the queue in the session.
        name: the name scope.
    """
    more = {"min_after_dequeue": min_after_dequeue, "seed": seed}
    return _batched(
        [tensors] * num_threads, batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch,
        shared_name, name or "shuffle_batch", RandomShuffleQueue, min_after_dequeue, more,
    )  # fmt: skip


def shuffle_batch_join(
    tensors_list: Sequence[Any],
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `shuffle_batch`, of several lists or dicts of tensors, each run by a thread of its own."""
    more = {"min_after_dequeue": min_after_dequeue, "seed": seed}
    return _batched(
        list(tensors_list), batch_size, capacity, enqueue_many, shapes, allow_smaller_final_batch, shared_name,
        name or "shuffle_batch_join", RandomShuffleQueue, min_after_dequeue, more,
    )  # fmt: skip


def _batched(
    several: Sequence[Any],
    batch_size: Any,
    capacity: int,
    enqueue_many: bool,
    shapes: Any,
    smaller: bool,
    shared_name: str | None,
    name: str,
    kind: Any,
    kept: int,
    more: dict[str, Any],
) -> Any:
    if not several:
        raise ValueError(f"{name} needs one or more threads")
    first = several[0]
    keys = list(first) if isinstance(first, dict) else None
    alone = keys is None and not isinstance(first, (list, tuple))
    rows = [_listed(tensors, keys, alone) for tensors in several]
    graph: Graph = rows[0][0].graph
    with graph.as_default(), graph.name_scope(name):
        known = _element_shapes(rows, shapes, enqueue_many)
        queue = kind(
            capacity=capacity,
            dtypes=[t.dtype for t in rows[0]],
            shapes=known,
            shared_name=shared_name,
            **more,
        )
        made: dict[tuple[int, ...], Any] = {}
        for row in rows:
            put = queue.enqueue_many if enqueue_many else queue.enqueue
            # Threads of the same tensors run one operation.
            made.setdefault(tuple(map(id, row)), None)
            if made[tuple(map(id, row))] is None:
                made[tuple(map(id, row))] = put(row)
        add_queue_runner(QueueRunner(queue, [made[tuple(map(id, row))] for row in rows]))
        above = f"over_{kept}_of_{capacity - kept}" if kept else f"of_{capacity}"
        scalar(f"fraction_{above}_full", _fullness(queue, capacity, kept))
        take = queue.dequeue_up_to if smaller else queue.dequeue_many
        taken = take(batch_size, name="batch")
    if keys is not None:
        listed = taken if isinstance(taken, list) else [taken]
        return dict(zip(keys, listed, strict=True))
    # One tensor where there is one, a list of one or not: the programs of the time count on it.
    return taken


def _listed(tensors: Any, keys: list[Any] | None, alone: bool) -> list[Tensor]:
    if keys is not None:
        if not isinstance(tensors, dict) or set(tensors) != set(keys):
            raise ValueError(f"every element must be a dict with {', '.join(map(str, keys))}")
        tensors = [tensors[k] for k in keys]
    elif alone:
        tensors = [tensors]
    if not tensors:
        raise ValueError("a batch needs one or more tensors")
    return [convert_to_tensor(t) for t in tensors]


def _element_shapes(rows: Sequence[Sequence[Tensor]], shapes: Any, enqueue_many: bool) -> list[Any]:
    if shapes is not None:
        return list(shapes)
    found: list[Any] = []
    for number, tensor in enumerate(rows[0]):
        for row in rows:
            if row[number].shape is None:
                raise ValueError(f"{row[number]!r}: its rank is not known: give shapes=")
            if enqueue_many and not row[number].shape:
                raise ShapeError(f"{row[number]!r} holds no elements: it is a scalar")
        shape: list[Any] = list(tensor.shape or ())[1 if enqueue_many else 0 :]
        for row in rows[1:]:
            other = list(row[number].shape or ())[1 if enqueue_many else 0 :]
            if len(other) != len(shape):
                raise ShapeError(f"{tensor!r} and {row[number]!r} differ in rank")
            shape = [d if isinstance(d, int) and d == o else None for d, o in zip(shape, other, strict=True)]
        found.append([d if isinstance(d, int) else None for d in shape])
    return found


__all__ = [
    "LOCAL_VARIABLES",
    "batch",
    "batch_join",
    "input_producer",
    "limit_epochs",
    "range_input_producer",
    "shuffle_batch",
    "shuffle_batch_join",
    "slice_input_producer",
    "string_input_producer",
]
