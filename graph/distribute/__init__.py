"""Training by several processes, `tf.distribute`: who this process is, and what all of them compute together.

    tf.distribute.start()                                    # joins what torchrun has launched
    loss = ...                                               # of this process's part of the batch
    step = tf.train.DistributedOptimizer(tf.train.AdamOptimizer(1e-3)).minimize(loss)
    everywhere = tf.distribute.all_reduce(loss, "mean")
    with tf.Session(config=tf.distribute.config()) as session:
        session.run(tf.global_variables_initializer())
        session.run(tf.distribute.broadcast_variables())     # those of rank 0
        session.run([step, everywhere], {x: tf.distribute.shard(images), ...})

The names are Samara's own; `docs/distributed.md` has the whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from samara.graph import backends
from samara.graph.convert import convert_to_tensor
from samara.graph.distribute.group import current, start, stop
from samara.graph.execution.config import ConfigProto
from samara.graph.graph import Operation, Tensor, get_default_graph
from samara.graph.train.hooks import SessionRunHook
from samara.graph.variables import Variable, global_variables, group


def rank() -> int:
    """The number of this process, from 0."""
    found = current()
    return 0 if found is None else found.rank


def world_size() -> int:
    """How many processes train together."""
    found = current()
    return 1 if found is None else found.size


def all_reduce(value: Any, reduce: str = "sum", name: str | None = None) -> Tensor:
    """The arrays of all processes as one, element by element, in each of them.

    Args:
        value: a tensor of the same shape in every process.
        reduce: "sum", "mean" (of floats only), "max" or "min".
        name: the name of the operation.

    Raises:
        ValueError: the mean of integers, or another word.
    """
    tensor = convert_to_tensor(value)
    if reduce not in ("sum", "mean", "max", "min"):
        raise ValueError(f"reduce={reduce!r}: expected 'sum', 'mean', 'max' or 'min'")
    if reduce == "mean" and not tensor.dtype.is_floating:
        raise ValueError(
            f"the mean of {tensor.name}, {tensor.dtype.name}, is no integer: cast it to float32 before"
        )
    reduced: Tensor = tensor.graph.b.all_reduce(tensor, reduce=reduce, name=name)
    return reduced


def broadcast(value: Any, root: int = 0, name: str | None = None) -> Tensor:
    """The array of rank `root`, in each process; `value` has the same shape in all."""
    tensor = convert_to_tensor(value)
    sent: Tensor = tensor.graph.b.broadcast(tensor, root=root, name=name)
    return sent


def broadcast_variables(variables: Iterable[Variable] | None = None, root: int = 0) -> Operation:
    """An operation that gives variables, all global ones when None, the values that they have in rank `root`.

    Variables of texts or truth values are left as they are.
    """
    chosen = list(global_variables() if variables is None else variables)
    graph = get_default_graph()
    with graph.name_scope("broadcast_variables"):
        made: list[Any] = []
        for variable in chosen:
            if variable.dtype.name not in ("bool", "string"):
                made.append(variable.assign(broadcast(variable, root)))
        return group(*made)


def barrier(name: str | None = None) -> Operation:
    """An operation that waits until every process is there."""
    waits: Operation = get_default_graph().apply("barrier", [], name=name)
    return waits


def shard(values: Any) -> Any:
    """This process's part of an array or a sequence: equal parts in order, of which it has number `rank()`.

    Raises:
        ValueError: it cannot be divided into equal parts, whose means would not have equal weight.
    """
    count, parts = len(values), world_size()
    if count % parts:
        raise ValueError(
            f"{count} examples cannot be divided among {parts} processes: take a multiple of {parts}"
        )
    size = count // parts
    return values[rank() * size : (rank() + 1) * size]


def config(**options: Any) -> ConfigProto:
    """A ConfigProto for this process: where GPUs are there for all processes of the machine, it sees one of its own.

    Args:
        **options: as for `ConfigProto`.
    """
    made = ConfigProto(**options)
    if not made.gpu_options.visible_device_list and world_size() > 1:
        devices = backends.find(made.backend).devices(ConfigProto(backend=made.backend))
        count = sum(device.kind == "gpu" for device in devices)
        if count:
            made.gpu_options.visible_device_list = str(int(os.environ.get("LOCAL_RANK", rank())) % count)
    return made


class BroadcastVariablesHook(SessionRunHook):
    """For monitored sessions: all processes start with the variables that rank `root` has, restored or initial."""

    def __init__(self, root: int = 0) -> None:
        self._root = root
        self._operation: Any = None

    def begin(self) -> None:
        """Adds the operation to the graph."""
        self._operation = broadcast_variables(root=self._root)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Runs it."""
        session.run(self._operation)


__all__ = [
    "BroadcastVariablesHook",
    "all_reduce",
    "barrier",
    "broadcast",
    "broadcast_variables",
    "config",
    "rank",
    "shard",
    "start",
    "stop",
    "world_size",
]
