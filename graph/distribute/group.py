"""The processes that train together: torch.distributed's group, and what is known of each process.

There is at most one group in a process, as in torch.distributed; a process without one is rank 0 of 1.
"""

from __future__ import annotations

import atexit
import ctypes
import datetime
import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import Any

from samara.errors import DeadlineExceededError, GraphError, InvalidArgumentError, UnavailableError
from samara.graph.distribute.watch import Watch

# How often a process that waits looks whether another one has died, in seconds.
_LOOK = 0.1
# How long what an ended process has sent may be on its way, and how long the news of a death.
_ON_THE_WAY = 10.0
_NEWS = 3.0
# How long a process that ends waits for collectives that it has begun.
_LEAVING = 3.0


class Group:
    """The processes, as one of them sees them.

    Args:
        rank: the number of this process.
        size: how many there are.
        host: the machine of rank 0.
        store: a store of torch.distributed that all of them reach.
        name: what messages call this process.
        timeout: the most seconds that one process waits for another.
        backend: torch.distributed's backend: "gloo", "nccl", or "cpu:gloo,cuda:nccl".

    Attributes:
        rank: the number of this process.
        size: how many there are.
        names: what messages call each.
    """

    def __init__(
        self, rank: int, size: int, host: str, store: Any, name: str, timeout: float, backend: str
    ) -> None:
        import torch.distributed as dist

        self.rank, self.size = rank, size
        self._timeout = timeout
        self._dist = dist
        limit = datetime.timedelta(seconds=timeout)
        store.set_timeout(limit)
        self._store = dist.PrefixStore("samara", store)
        self._agreed = 0
        self._begun: list[Any] = []
        self._left = False
        self._store.set(f"name/{rank}", name)
        self._watch = Watch(rank, size, host, self._store)
        atexit.register(self._at_exit)
        self.names = [name if r == rank else "" for r in range(size)]
        try:
            for other in range(size):
                self.names[other] = self._store.get(f"name/{other}").decode()
        except RuntimeError as error:
            missing = ", ".join(str(r) for r in range(size) if not self.names[r])
            raise DeadlineExceededError(
                f"{name} waited {timeout:g} s for the other processes; not there: rank {missing}"
            ) from error
        dist.init_process_group(
            backend, store=dist.PrefixStore("group", store), rank=rank, world_size=size, timeout=limit
        )

    # Collectives ------------------------------------------------------------------------------------------------

    def start_sum(self, array: Any, reduce: str) -> Any:
        """Begins to reduce an array over the processes, in place; `finish` waits for what it returns."""
        op = {"max": self._dist.ReduceOp.MAX, "min": self._dist.ReduceOp.MIN}.get(
            reduce, self._dist.ReduceOp.SUM
        )
        return self._started(lambda: self._dist.all_reduce(_tensor(array), op, async_op=True))

    def start_broadcast(self, array: Any, root: int) -> Any:
        """Begins to overwrite an array by that of rank `root`."""
        return self._started(lambda: self._dist.broadcast(_tensor(array), root, async_op=True))

    def finish(self, work: Any, what: str) -> None:
        """Waits for a collective.

        Raises:
            UnavailableError: a process has died or ended.
            DeadlineExceededError: another one did not take part in time.
        """
        begin = time.monotonic()
        while not work.is_completed():
            self.check(what, time.monotonic() - begin)
            try:
                work.wait(datetime.timedelta(seconds=_LOOK))
            except RuntimeError:
                if work.is_completed():
                    break
        self._begun = [w for w in self._begun if w is not work]
        try:
            work.wait()
        except RuntimeError as error:
            self._failed(what, error)

    def check(self, what: str, waited: float) -> None:
        """Looks whether somebody whom this process waits for is gone.

        Raises:
            UnavailableError: somebody is.
            DeadlineExceededError: it has waited too long.
        """
        if self._watch.died:
            gone = self.names[self._watch.died[0]]
            raise UnavailableError(f"{gone} has died; {self.names[self.rank]} waited for it in {what}")
        if self._watch.ended and waited > _ON_THE_WAY:
            gone = ", ".join(self.names[r] for r in self._watch.ended)
            raise UnavailableError(
                f"{gone} has ended; {self.names[self.rank]} still waits for it in {what}: all processes must run "
                "the same steps"
            )
        if waited > self._timeout:
            raise DeadlineExceededError(
                f"{self.names[self.rank]} waited {waited:.0f} s for the other processes in {what}"
            )

    def _started(self, start: Any) -> Any:
        self.check("a collective", 0.0)
        try:
            work = start()
        except RuntimeError as error:
            return self._failed("a collective", error)
        self._begun.append(work)
        return work

    def _failed(self, what: str, error: Exception) -> None:
        # What torch's functions have in their variables would keep the process group when it is destroyed.
        traceback.clear_frames(error.__traceback__)
        # A connection broke: the news who died is on its way.
        end = time.monotonic() + _NEWS
        while not self._watch.died and not self._watch.ended and time.monotonic() < end:
            self._watch.wait(_NEWS)
        self.check(what, _ON_THE_WAY + 1)
        raise UnavailableError(f"{self.names[self.rank]}: {what} failed: {error}") from error

    # Agreement --------------------------------------------------------------------------------------------------

    def agree(self, lines: Sequence[str]) -> None:
        """Compares what this process is about to run with what the others are.

        Every process must call it equally often.

        Args:
            lines: one for each collective, in order.

        Raises:
            InvalidArgumentError: they differ; names the processes and the first difference.
            DeadlineExceededError, UnavailableError: as for `finish`.
        """
        number, self._agreed = self._agreed, self._agreed + 1
        self._store.set(f"agree/{number}/{self.rank}", json.dumps(list(lines)))
        begin, pause = time.monotonic(), 0.001
        keys = [f"agree/{number}/{r}" for r in range(self.size)]
        while not self._store.check(keys):
            waited = time.monotonic() - begin
            what = "the comparison of graphs"
            if waited > self._timeout:
                late = [self.names[r] for r, key in enumerate(keys) if not self._store.check([key])]
                raise DeadlineExceededError(
                    f"{self.names[self.rank]} waited {waited:.0f} s in {what} for {', '.join(late)}, which runs no "
                    "step with collectives"
                )
            self.check(what, waited)
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        for other, key in enumerate(keys):
            theirs = json.loads(self._store.get(key))
            if theirs != list(lines):
                raise InvalidArgumentError(self._difference(lines, other, theirs))

    def _difference(self, mine: Sequence[str], other: int, theirs: Sequence[str]) -> str:
        place = next(
            (n for n, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b),
            min(len(mine), len(theirs)),
        )
        ours, others = ((c[place] if place < len(c) else "nothing") for c in (mine, theirs))
        return (
            f"the graphs of the processes differ: collective {place + 1} of the step is {ours} in "
            f"{self.names[self.rank]}, and {others} in {self.names[other]}. Build the same graph in every process, and "
            "run the same fetches in the same order"
        )

    def close(self) -> None:
        """Leaves the group in order."""
        if self._left:
            return
        self._left = True
        atexit.unregister(self._at_exit)
        self._watch.close()
        if self._dist.is_initialized():
            self._dist.destroy_process_group()

    def _at_exit(self) -> None:
        """Leaves the group before the interpreter is taken down, within `_LEAVING` seconds.

        A thread of torch that lets go of an array asks for the interpreter's lock. Once the interpreter is taken down
        such a thread is ended instead, which aborts the process. Destroying the group waits for these threads, so it is
        done where all that has been begun is completed. What others take no part in may last as long as the timeout: it
        is kept for ever, so that the thread has nothing to let go of.
        """
        # An exception that nobody has caught is no end in order: the connection just breaks.
        self._watch.close(in_order=getattr(sys, "last_value", None) is None)
        end = time.monotonic() + _LEAVING
        while not all(work.is_completed() for work in self._begun) and time.monotonic() < end:
            time.sleep(0.01)
        if all(work.is_completed() for work in self._begun):
            self._begun.clear()
            self.close()
        else:
            for kept in (self._dist.group.WORLD, *self._begun):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


def _tensor(array: Any) -> Any:
    """A tensor of torch in the memory of an array."""
    import torch

    return torch.as_tensor(array)


class _Current:
    """The group of this process."""

    group: Group | None = None
    lock = threading.Lock()


def current() -> Group | None:
    """The group that this process is in, or None."""
    return _Current.group


def start(backend: str | None = None, timeout: float = 300.0, server: Any = None) -> Group | None:
    """Joins the processes that `torchrun` has launched, or the workers of a cluster; does nothing the second time.

    Args:
        backend: "gloo", "nccl", or "cpu:gloo,cuda:nccl"; None for the last where each process of this machine has a GPU
            of its own, else for the first.
        timeout: the most seconds that one process waits for another.
        server: the `train.Server` of this task; the tasks of its job are the processes. None for torchrun's
            environment: RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.

    Returns:
        The group; None for a process alone.

    Raises:
        GraphError: PyTorch is not installed, or the environment is not whole.
        DeadlineExceededError: another process did not come.
    """
    with _Current.lock:
        if _Current.group is None:
            _Current.group = _joined(backend, timeout, server)
        return _Current.group


def stop() -> None:
    """Leaves the group; the process is rank 0 of 1 again."""
    with _Current.lock:
        group, _Current.group = _Current.group, None
    if group is not None:
        group.close()


def _joined(backend: str | None, timeout: float, server: Any) -> Group | None:
    size = int(os.environ.get("WORLD_SIZE", "1")) if server is None else server.job_size
    if size < 2:
        return None
    try:
        import torch
        import torch.distributed as dist
    except ImportError as error:
        raise GraphError(f"several processes need PyTorch ({error}): pip install 'samara[torch]'") from None
    limit = datetime.timedelta(seconds=timeout)
    if server is not None:
        rank, host, task = (
            server.task_index,
            server.meeting_host,
            f"/job:{server.job_name}/task:{server.task_index}",
        )
        store = server.meeting(limit)
    else:
        missing = [v for v in ("RANK", "MASTER_ADDR", "MASTER_PORT") if v not in os.environ]
        if missing:
            raise GraphError(
                f"WORLD_SIZE={size} but {', '.join(missing)} is not set: launch with torchrun, which sets them"
            )
        rank, host = int(os.environ["RANK"]), os.environ["MASTER_ADDR"]
        task = f"/job:worker/task:{rank}"
        try:
            store, _, _ = next(dist.rendezvous("env://", timeout=limit))
            # The store of torchrun outlives a restart, and still has the addresses of those who died.
            attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
            store = dist.PrefixStore(f"attempt{attempt}", store)
        except RuntimeError as error:
            raise DeadlineExceededError(
                f"worker {rank} of {size} did not meet the others at {host}:{os.environ['MASTER_PORT']} within "
                f"{timeout:g} s: {error}"
            ) from error
    if backend is None:
        local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        own = torch.cuda.is_available() and torch.cuda.device_count() >= local
        backend = "cpu:gloo,cuda:nccl" if own and dist.is_nccl_available() else "gloo"
    name = f"worker {rank} ({task}, process {os.getpid()} on {socket.gethostname()})"
    return Group(rank, size, host, store, name, timeout, backend)


__all__ = ["Group", "current", "start", "stop"]
