"""Ops on queues, which live in the session: `samara.graph.queues.store` has what they do.

A queue's handle is its name among the session's resources. What goes in is copied, so that nothing written later can
change it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.errors import InvalidArgumentError, OutOfRangeError
from samara.graph import dims, dtypes
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

_WHY_NOT = (
    "queues live in a session of Python. Export from a tensor behind the queue: name the dequeued tensors as the "
    "inputs."
)
_HANDLE = "handle: string"
_INTEGERS = (dtypes.int32, dtypes.int64)

QUEUE_ORDER = Choice(name="QueueOrder", values=("first_in_first_out", "shuffled"))


def _make(xp: Any, op: Any) -> Any:
    from samara.graph.queues.store import Store, drawing

    a = op.a
    name = a.shared_name or op.operation.name

    def made() -> Any:
        draw = None
        if a.order == "shuffled":
            draw = drawing(op.state.generator(op.operation, None if a.seed == -1 else a.seed))
        return Store(name, a.capacity, a.min_after_dequeue, draw)

    op.state.resources.find(name, made)
    return np.asarray(name.encode(), dtype=object)


def _queue(op: Any, handle: Any) -> Any:
    return op.state.resources.get(np.asarray(handle, dtype=object).item().decode())


def _kept(op: Any, component: Any) -> Any:
    """A copy that nobody else has."""
    return op.state.backend.owned(component, op.device)


def _fits(shape: Any, found: Any) -> bool:
    return shape is None or (
        len(shape) == len(found)
        and all(not isinstance(d, int) or d == n for d, n in zip(shape, found, strict=True))
    )


def _check_component(op: Any, number: int, found: Any) -> None:
    shape = op.a.shapes[number] if op.a.shapes else None
    if not _fits(shape, tuple(found)):
        raise InvalidArgumentError(
            f"{op.operation.name!r}: component {number} of an element has shape {list(found)}, "
            f"expected {dims.text(shape)}"
        )


def _enqueue(xp: Any, op: Any, handle: Any, *components: Any) -> Any:
    for number, component in enumerate(components):
        _check_component(op, number, component.shape)
    _queue(op, handle).give([tuple(_kept(op, c) for c in components)])
    return ()


def _enqueue_many(xp: Any, op: Any, handle: Any, *components: Any) -> Any:
    counts = {c.shape[0] if c.shape else None for c in components}
    if len(counts) != 1 or None in counts:
        listed = ", ".join(str(list(c.shape)) for c in components)
        raise InvalidArgumentError(
            f"{op.operation.name!r}: components {listed} must have one first dimension, the number of elements"
        )
    for number, component in enumerate(components):
        _check_component(op, number, component.shape[1:])
    count = components[0].shape[0]
    copies = [_kept(op, c) for c in components]
    _queue(op, handle).give([tuple(_row(c, i) for c in copies) for i in range(count)])
    return ()


def _row(array: Any, number: int) -> Any:
    """A part of an array that is an array even where it is a single text."""
    return array[number, ...]


def _dequeue(xp: Any, op: Any, handle: Any) -> Any:
    (element,) = _queue(op, handle).take(1)
    return list(element)


def _dequeue_many(xp: Any, op: Any, handle: Any, count: Any) -> Any:
    if int(count) < 0:
        raise InvalidArgumentError(f"{op.operation.name!r}: {int(count)} elements cannot be taken")
    elements = _queue(op, handle).take(int(count), fewer=op.a.fewer)
    if not elements:
        return [
            _nothing(xp, op, kind, shape) for kind, shape in zip(op.output_dtypes, op.a.shapes, strict=True)
        ]
    return [_together(xp, [e[i] for e in elements], op.a.padded) for i in range(len(op.a.dtypes))]


def _nothing(xp: Any, op: Any, kind: Any, shape: Any) -> Any:
    sizes = (0, *(d if isinstance(d, int) else 0 for d in shape))
    return np.zeros(sizes, dtype=object) if kind == np.dtype(object) else xp.zeros(sizes, dtype=kind)


def _together(xp: Any, parts: list[Any], padded: bool) -> Any:
    texts = isinstance(parts[0], np.ndarray) and parts[0].dtype == object
    if padded:
        sizes = tuple(max(p.shape[axis] for p in parts) for axis in range(parts[0].ndim))
        wide = []
        for part in parts:
            if tuple(part.shape) == sizes:
                wide.append(part)
                continue
            filled = np.full(sizes, b"", dtype=object) if texts else xp.zeros(sizes, dtype=part.dtype)
            filled[tuple(slice(0, n) for n in part.shape)] = part
            wide.append(filled)
        parts = wide
    return np.stack(parts) if texts else xp.stack(parts)


def _many_shapes(op: Any) -> Any:
    known = op.value(1)
    count = known[0] if known is not None and not op.a.fewer else Dim()
    return [(count, *(d if isinstance(d, int) else Dim() for d in shape)) for shape in op.a.shapes]


def _close(xp: Any, op: Any, handle: Any) -> Any:
    _queue(op, handle).close(cancel_pending=op.a.cancel_pending_enqueues)
    return ()


def _count_up_to(xp: Any, op: Any, ref: Any) -> Any:
    variable = op.operation.inputs[0].op
    with op.state.resources.lock:
        value = op.state.read(variable)
        if int(value) >= op.a.limit:
            raise OutOfRangeError(f"variable {variable.name!r} has reached its limit, {op.a.limit}")
        before = xp.asarray(int(value), dtype=op.output_dtypes[0])
        op.state.write(variable, before + 1)
    return before


def _section(xp: Any, op: Any, *inputs: Any) -> Any:
    with op.state.resources.find(f"mutex {op.a.mutex}", _lock):
        return op.run(op.a.body, inputs)


def _lock() -> Any:
    import threading

    return threading.RLock()


_DTYPES = attribute("dtypes", "python", doc="The element types of the components, a tuple.")
_SHAPES = attribute(
    "shapes", "python", (), "The shapes of the components, a tuple; () when they are not known."
)
_NONE: Any = {"device": "none", "why_not": _WHY_NOT, "stateful": True, "any_rank": True}

OPS.register(
    OpDef(
        name="queue",
        opcode=720,
        inputs=(),
        outputs=(_HANDLE,),
        attributes=(
            _DTYPES,
            _SHAPES,
            attribute("order", QUEUE_ORDER, "first_in_first_out", "In which order elements are taken."),
            attribute("capacity", "int", -1, "How many elements it holds at most; no limit for 0 or less."),
            attribute("min_after_dequeue", "int", 0, "How many elements stay in it while it is open."),
            attribute("seed", "int", -1, "Seeds the order beside the graph's seed; -1 for none."),
            attribute("shared_name", "python", "", "The name in the session; the operation's when empty."),
        ),
        doc="A queue of tuples of tensors in the session, made when it is first used.",
        shape=lambda op: (),
        reference=_make,
        **_NONE,
    ),
    OpDef(
        name="enqueue",
        opcode=721,
        inputs=(_HANDLE, "components: any*"),
        outputs=(),
        attributes=(_SHAPES,),
        doc="Puts an element into a queue; waits while that is full.",
        shape=lambda op: [],
        reference=_enqueue,
        **_NONE,
    ),
    OpDef(
        name="enqueue_many",
        opcode=722,
        inputs=(_HANDLE, "components: any*"),
        outputs=(),
        attributes=(_SHAPES,),
        doc="Puts the slices of tensors along their first axis into a queue, each as an element; waits while that is "
        "full.",
        shape=lambda op: [],
        reference=_enqueue_many,
        **_NONE,
    ),
    OpDef(
        name="dequeue",
        opcode=723,
        inputs=(_HANDLE,),
        outputs=("components: any*",),
        attributes=(_DTYPES, _SHAPES),
        doc="Takes an element out of a queue; waits while there is none. A queue that is closed and empty is the end "
        "of the input: OutOfRangeError.",
        shape=lambda op: list(op.a.shapes) or [None] * len(op.a.dtypes),
        dtypes=lambda op: op.a.dtypes,
        reference=_dequeue,
        **_NONE,
    ),
    OpDef(
        name="dequeue_many",
        opcode=724,
        inputs=(_HANDLE, "count: S"),
        outputs=("components: any*",),
        types={"S": _INTEGERS},
        attributes=(
            _DTYPES,
            _SHAPES,
            attribute(
                "fewer", "bool", False, "When the queue is closed, take what is left, at least one element."
            ),
            attribute("padded", "bool", False, "Fill up with zeros to the largest of each dimension."),
        ),
        doc="Takes elements out of a queue, put together along a new first axis; waits while there are too few.",
        shape=_many_shapes,
        dtypes=lambda op: op.a.dtypes,
        reference=_dequeue_many,
        **_NONE,
    ),
    OpDef(
        name="queue_size",
        opcode=725,
        inputs=(_HANDLE,),
        outputs=("size: int32",),
        doc="How many elements are in a queue.",
        shape=lambda op: (),
        reference=lambda xp, op, handle: xp.asarray(_queue(op, handle).size(), dtype=xp.int32),
        **_NONE,
    ),
    OpDef(
        name="queue_is_closed",
        opcode=726,
        inputs=(_HANDLE,),
        outputs=("closed: bool",),
        doc="Whether a queue refuses further elements.",
        shape=lambda op: (),
        reference=lambda xp, op, handle: xp.asarray(_queue(op, handle).is_closed()),
        **_NONE,
    ),
    OpDef(
        name="close_queue",
        opcode=727,
        inputs=(_HANDLE,),
        outputs=(),
        attributes=(
            attribute(
                "cancel_pending_enqueues", "bool", False, "Also refuse what waits for room: CancelledError."
            ),
        ),
        doc="Closes a queue: it refuses further elements, and gives those that it has.",
        shape=lambda op: [],
        reference=_close,
        **_NONE,
    ),
    OpDef(
        name="count_up_to",
        opcode=728,
        inputs=("ref: T state",),
        outputs=("before: T",),
        types={"T": _INTEGERS},
        attributes=(attribute("limit", "int", doc="The value at which it is an error, OutOfRangeError."),),
        doc="Adds 1 to a variable and gives the value from before. Only one thread at a time does.",
        shape=lambda op: op.shapes[0],
        reference=_count_up_to,
        device="none",
        why_not="the end of a device's input is an error of its caller. Leave it out of the graph that is exported.",
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="critical_section",
        opcode=729,
        inputs=("inputs: any?*",),
        outputs=("outputs: any*",),
        attributes=(
            attribute("body", "graph", doc="What runs."),
            attribute("mutex", "python", doc="The name of the mutex."),
        ),
        doc="Runs a body while no other operation with the same mutex runs its own in the session.",
        shape=lambda op: [t.shape for t in op.a.body.outputs],
        dtypes=lambda op: [t.dtype for t in op.a.body.outputs],
        reference=_section,
        device="none",
        why_not="a context of a device runs in one thread. Export the graph without the section.",
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="string_rows",
        opcode=730,
        inputs=("texts: string", "rows: S"),
        outputs=("found: string",),
        types={"S": _INTEGERS},
        doc="The slices of a tensor of texts along its first axis that are named; `gather` for texts.",
        shape=lambda op: (
            None if op.shapes[0] is None or op.shapes[1] is None else (*op.shapes[1], *op.shapes[0][1:])
        ),
        reference=lambda xp, op, texts, rows: np.asarray(
            texts[rows.tolist() if rows.shape else int(rows)], dtype=object
        ),
        device="none",
        why_not="a device has no texts. Feed what they stand for.",
        any_rank=True,
    ),
)
