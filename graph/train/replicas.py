"""Synchronous data parallelism: optimizers that average gradients over all processes before they apply them.

Gradients are reduced in buckets, in the order in which the backward computation gives them. A bucket's reduction begins
when its last gradient is there and goes on beside the rest of the backward computation (Li et al., "PyTorch
Distributed: experiences on accelerating data parallel training", 2020).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from samara.errors import GraphError
from samara.graph import dims
from samara.graph.graph import Operation, Tensor
from samara.graph.train.hooks import SessionRunHook
from samara.graph.train.optimizer import GradientAndVariable, Optimizer
from samara.graph.variables import Variable

BUCKET_BYTES = 4 << 20


class DistributedOptimizer(Optimizer):
    """Another optimizer, with gradients that are the mean over all processes.

    The mean of the gradients of equal parts of a batch is the gradient of the mean loss over the whole batch. In a
    process alone it is the other optimizer.

    Args:
        optimizer: the optimizer that applies the gradients.
        name: the name scope of what it adds.
        bucket_bytes: the size from which a bucket of gradients is reduced; 0 reduces each by itself.
        reduce: "mean", or "sum".

    Raises:
        TypeError: `optimizer` is none.
        ValueError: `reduce` is another word.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        name: str | None = None,
        *,
        bucket_bytes: int = BUCKET_BYTES,
        reduce: str = "mean",
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{optimizer!r} is no optimizer: give for example tf.train.AdamOptimizer(1e-3)")
        if reduce not in ("mean", "sum"):
            raise ValueError(f"reduce={reduce!r}: expected 'mean' or 'sum'")
        super().__init__(optimizer.learning_rate, name or f"Distributed{optimizer.get_name()}")
        self._optimizer = optimizer
        self._bucket_bytes = bucket_bytes
        self._reduce = reduce

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[GradientAndVariable]:
        """As the other optimizer's, reduced over the processes."""
        pairs = self._optimizer.compute_gradients(*args, **kwargs)
        reduced = reduce_gradients([g for g, _ in pairs], self._reduce, self._bucket_bytes)
        return [(g, v) for g, (_, v) in zip(reduced, pairs, strict=True)]

    def apply_gradients(
        self,
        grads_and_vars: Iterable[GradientAndVariable],
        global_step: Variable | None = None,
        name: str | None = None,
    ) -> Operation:
        """As the other optimizer's; the gradients are those of `compute_gradients` here."""
        return self._optimizer.apply_gradients(grads_and_vars, global_step, name)

    def get_slot(self, variable: Variable, name: str) -> Variable | None:
        """The other optimizer's."""
        return self._optimizer.get_slot(variable, name)

    def get_slot_names(self) -> list[str]:
        """The other optimizer's."""
        return self._optimizer.get_slot_names()

    def variables(self) -> list[Variable]:
        """The other optimizer's."""
        return self._optimizer.variables()


class SyncReplicasOptimizer(Optimizer):
    """TensorFlow 1's optimizer for synchronous workers: `apply_gradients` takes the mean over all of them first.

    Every worker takes part in every step; there are no tokens, so nothing has to be started. Variables that live in
    parameter servers are changed by worker 0 alone, and the others wait for it.

    Args:
        opt: the optimizer that applies the gradients.
        replicas_to_aggregate: how many gradients make a step: the number of workers, as there are no spare ones.
        total_num_replicas: the same; None for that.
        variable_averages: an ExponentialMovingAverage that follows each step, or None.
        variables_to_average: which variables it follows.
        use_locking: changes nothing.
        name: the name scope of what it adds.

    Raises:
        GraphError: the numbers are not the number of workers.
    """

    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Any = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
    ) -> None:
        from samara.graph.distribute import world_size

        total = replicas_to_aggregate if total_num_replicas is None else total_num_replicas
        if replicas_to_aggregate != world_size() or total != world_size():
            raise GraphError(
                f"replicas_to_aggregate={replicas_to_aggregate} and total_num_replicas={total}, but {world_size()} "
                "processes train together (tf.distribute.start): each step takes one gradient of every worker"
            )
        super().__init__(opt.learning_rate, name)
        self._optimizer = opt
        self._averages = variable_averages
        self._averaged = variables_to_average

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[GradientAndVariable]:
        """As the other optimizer's: of this worker alone."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(
        self,
        grads_and_vars: Iterable[GradientAndVariable],
        global_step: Variable | None = None,
        name: str | None = None,
    ) -> Operation:
        """An operation that changes each variable by the mean of its gradients over the workers.

        Raises:
            ValueError: no global step is given.
        """
        from samara.graph.distribute import barrier, rank, world_size

        if global_step is None:
            raise ValueError("SyncReplicasOptimizer needs global_step, as TensorFlow's does")
        pairs = list(grads_and_vars)
        reduced = reduce_gradients([g for g, _ in pairs])
        update = self._optimizer.apply_gradients(
            [(g, v) for g, (_, v) in zip(reduced, pairs, strict=True)], global_step, name
        )
        graph = update.graph
        if self._averages is not None:
            with graph.control_dependencies([update]):
                update = self._averages.apply(self._averaged)
        if world_size() < 2 or not any("/job:" in v.device for _, v in pairs):
            return update
        # One of the workers changes what all of them share.
        with graph.control_dependencies([update] if rank() == 0 else [g for g in reduced if g is not None]):
            return barrier("sync_replicas_barrier")

    def get_slot(self, variable: Variable, name: str) -> Variable | None:
        """The other optimizer's."""
        return self._optimizer.get_slot(variable, name)

    def get_slot_names(self) -> list[str]:
        """The other optimizer's."""
        return self._optimizer.get_slot_names()

    def variables(self) -> list[Variable]:
        """The other optimizer's."""
        return self._optimizer.variables()

    def get_chief_queue_runner(self) -> Any:
        """None: there are no tokens to be handed out; `Supervisor`-like code may skip it."""
        return None

    def get_init_tokens_op(self, num_tokens: int = -1) -> Operation:
        """An operation that does nothing, as there are no tokens."""
        from samara.graph.variables import group

        return group(name="init_tokens")

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """A hook that starts all workers with the chief's variables, unless parameter servers have them."""
        from samara.graph.distribute import BroadcastVariablesHook

        return BroadcastVariablesHook()


def reduce_gradients(
    gradients: Sequence[Tensor | None], reduce: str = "mean", bucket_bytes: int = BUCKET_BYTES
) -> list[Tensor | None]:
    """Gradients reduced over all processes in buckets, beside what the step computes; None stays None.

    Args:
        gradients: floating-point tensors, or None.
        reduce: "mean" or "sum".
        bucket_bytes: the size from which a bucket is full.

    Raises:
        GraphError: torchrun has launched several processes, and this one has not joined them.
    """
    from samara.graph.distribute import world_size
    from samara.graph.distribute.group import current

    if current() is None and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise GraphError(
            f"torchrun has launched {os.environ['WORLD_SIZE']} processes, and this one has not joined them: call "
            "tf.distribute.start() before the graph is built"
        )
    given = [(n, g) for n, g in enumerate(gradients) if g is not None]
    if world_size() < 2 or not given:
        return list(gradients)
    graph = given[0][1].graph
    b = graph.b
    found: list[Tensor | None] = [None] * len(gradients)
    buckets: list[list[tuple[int, Tensor]]] = []
    full: dict[tuple[str, str], bool] = {}
    last: dict[tuple[str, str], list[tuple[int, Tensor]]] = {}
    sizes: dict[tuple[str, str], int] = {}
    # The order of construction is that in which the backward computation gives them.
    for number, gradient in sorted(given, key=lambda pair: (pair[1].op.id, pair[1].index)):
        kind = (gradient.dtype.name, gradient.device)
        if kind not in last or full[kind]:
            last[kind], full[kind], sizes[kind] = [], False, 0
            buckets.append(last[kind])
        last[kind].append((number, gradient))
        count = dims.product(gradient.shape) if gradient.shape is not None else None
        sizes[kind] += count * gradient.dtype.size if isinstance(count, int) else bucket_bytes
        full[kind] = sizes[kind] >= bucket_bytes
    with graph.name_scope("reduce_gradients"):
        handles = [b.all_reduce_start([g for _, g in bucket], reduce=reduce) for bucket in buckets]
        for handle, bucket in zip(handles, buckets, strict=True):
            made = b.all_reduce_finish(handle, [g for _, g in bucket], reduce=reduce)
            for (number, _), tensor in zip(bucket, made, strict=True):
                found[number] = tensor
    return found


__all__ = ["BUCKET_BYTES", "DistributedOptimizer", "SyncReplicasOptimizer", "reduce_gradients"]
