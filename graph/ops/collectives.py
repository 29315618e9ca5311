"""Ops over all processes that train together; `samara.graph.distribute.group` has what they do.

In a process alone each of them is the identity. All processes must run the same ones in the same order, which is
compared when a step is compiled.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samara.graph import dtypes
from samara.graph.dtypes import DType
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

_WHY_NOT = (
    "it speaks to other processes of a training. Export from the tensors of one process: a trained model does not "
    "need it."
)
_NUMBERS: tuple[DType, ...] = (
    dtypes.float32,
    dtypes.float16,
    dtypes.float64,
    dtypes.int32,
    dtypes.int64,
    dtypes.int8,
    dtypes.uint8,
)
_FLOATS = tuple(t for t in _NUMBERS if t.is_floating)

REDUCE = Choice(name="Reduce", values=("sum", "mean", "max", "min"))


class _Pending:
    """A reduction that goes on: the array that it is in, and what is to be waited for."""

    def __init__(self, flat: Any, work: Any) -> None:
        self.flat = flat
        self.work = work


def _group() -> Any:
    from samara.graph.distribute.group import current

    return current()


def _copied(xp: Any, x: Any) -> Any:
    """A copy in one piece."""
    y = xp.empty(tuple(x.shape), dtype=x.dtype)
    y[...] = x
    return y


def _what(op: Any) -> str:
    return f"{op.operation.type} {op.operation.name!r}"


def _same_sizes(xp: Any, op: Any, group: Any, x: Any) -> None:
    """Refuses arrays of different sizes where the graph does not know them."""
    from samara.errors import InvalidArgumentError

    shape = op.operation.inputs[0].shape
    if shape is not None and all(isinstance(d, int) for d in shape):
        return
    sizes = np.array([x.ndim, *x.shape, *[0] * (8 - x.ndim)][:9], np.int64)
    extremes = np.concatenate([sizes, -sizes])
    group.finish(group.start_sum(extremes, "max"), _what(op))
    if not np.array_equal(extremes[:9], -extremes[9:]):
        where = f" (made at {op.operation.source})" if op.operation.source else ""
        raise InvalidArgumentError(
            f"{_what(op)}{where} is of shape {list(x.shape)} in {group.names[group.rank]}, and of another one in "
            "another process: give every process arrays of the same shape"
        )


def _all_reduce(xp: Any, op: Any, x: Any) -> Any:
    group = _group()
    if group is None:
        return x
    _same_sizes(xp, op, group, x)
    y = _copied(xp, x)
    group.finish(group.start_sum(y, op.a.reduce), _what(op))
    return y / group.size if op.a.reduce == "mean" else y


def _all_reduce_gradient(b: Any, op: Any, dy: Any) -> Any:
    if op.a.reduce not in ("sum", "mean"):
        return [None]
    return [b.all_reduce(dy, reduce=op.a.reduce)]


def _broadcast(xp: Any, op: Any, x: Any) -> Any:
    group = _group()
    if group is None:
        return x
    _same_sizes(xp, op, group, x)
    y = _copied(xp, x)
    group.finish(group.start_broadcast(y, op.a.root), _what(op))
    return y


def _broadcast_gradient(b: Any, op: Any, dy: Any) -> Any:
    # What every process makes of the root's value comes back to it.
    is_root = b.equal(b.worker_rank(), b.constant(op.a.root, dtypes.int32))
    total = b.all_reduce(dy, reduce="sum")
    return [b.multiply(total, b.cast(is_root, dtype=dy.dtype))]


def _start(xp: Any, op: Any, *xs: Any) -> Any:
    group = _group()
    handle = np.empty((), object)
    if group is None:
        handle[()] = _Pending(None, None)
        return handle
    flat = xp.concat([xp.reshape(x, (-1,)) for x in xs]) if len(xs) > 1 else _copied(xp, xs[0]).reshape(-1)
    handle[()] = _Pending(flat, group.start_sum(flat, op.a.reduce))
    return handle


def _finish(xp: Any, op: Any, handle: Any, *xs: Any) -> Any:
    group = _group()
    pending = np.asarray(handle, dtype=object).item()
    if pending.work is None:
        return list(xs)
    group.finish(pending.work, _what(op))
    flat, parts, place = pending.flat, [], 0
    if op.a.reduce == "mean":
        flat /= group.size
    for x in xs:
        count = math.prod(x.shape)
        parts.append(flat[place : place + count].reshape(x.shape))
        place += count
    return parts


def _barrier(xp: Any, op: Any) -> Any:
    group = _group()
    if group is not None:
        group.finish(group.start_sum(np.zeros(1, np.float32), "sum"), _what(op))
    return ()


def _rank(xp: Any, op: Any) -> Any:
    group = _group()
    return xp.asarray(0 if group is None else group.rank, dtype=op.output_dtypes[0])


OPS.register(
    OpDef(
        name="all_reduce",
        opcode=760,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": _NUMBERS},
        attributes=(attribute("reduce", REDUCE, "sum", "How the arrays become one; mean of floats only."),),
        doc="The sum, mean, largest or least of the arrays of all processes, element by element, in each of them. The "
        "gradient of a sum is the sum of the gradients of all processes: that of the sum of all losses.",
        shape=lambda op: op.shapes[0],
        reference=_all_reduce,
        gradient=_all_reduce_gradient,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
        collective=True,
    ),
    OpDef(
        name="broadcast",
        opcode=761,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": _NUMBERS},
        attributes=(attribute("root", "int", 0, "The rank whose array all get."),),
        doc="The array of one process, in each of them. Its gradient is the sum of all gradients in that process, and "
        "0 in the others.",
        shape=lambda op: op.shapes[0],
        reference=_broadcast,
        gradient=_broadcast_gradient,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
        collective=True,
    ),
    OpDef(
        name="all_reduce_start",
        opcode=762,
        inputs=("xs: T*",),
        outputs=("handle: string",),
        types={"T": _FLOATS},
        attributes=(attribute("reduce", REDUCE, "mean", "As of all_reduce: sum or mean."),),
        doc="Begins to reduce several arrays over all processes as one, and goes on beside what the step computes "
        "next; it runs as soon as its inputs are there. all_reduce_finish has the results.",
        shape=lambda op: (),
        reference=_start,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
        collective=True,
        background=True,
    ),
    OpDef(
        name="all_reduce_finish",
        opcode=763,
        inputs=("handle: string", "xs: T*"),
        outputs=("ys: T*",),
        types={"T": _FLOATS},
        attributes=(attribute("reduce", REDUCE, "mean", "That of the all_reduce_start."),),
        doc="Waits for an all_reduce_start of the arrays xs and gives what they have become.",
        shape=lambda op: list(op.shapes[1:]),
        reference=_finish,
        gradient=lambda b, op, *dys: [
            None,
            *(None if dy is None else b.all_reduce(dy, reduce=op.a.reduce) for dy in dys),
        ],
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="worker_rank",
        opcode=764,
        inputs=(),
        outputs=("rank: int32",),
        doc="The number of this process among those that train together, from 0.",
        shape=lambda op: (),
        reference=_rank,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
    ),
    OpDef(
        name="barrier",
        opcode=765,
        inputs=(),
        outputs=(),
        doc="Waits until every process is here.",
        shape=lambda op: [],
        reference=_barrier,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        collective=True,
    ),
)
