"""The processes of a cluster: jobs, their tasks and the addresses of these, as TensorFlow 1 writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ClusterSpec:
    """Which tasks there are, and where.

    Args:
        cluster: another ClusterSpec, or a mapping from the name of a job to its tasks: a list of addresses
            "host:port", or a mapping from the number of a task to its address.

    Raises:
        TypeError: it is neither, or an address is no text.
    """

    def __init__(self, cluster: ClusterSpec | Mapping[str, Any]) -> None:
        if isinstance(cluster, ClusterSpec):
            cluster = cluster.as_dict()
        if not isinstance(cluster, Mapping):
            raise TypeError(
                f"cluster is of type {type(cluster).__name__}: expected a dict such as "
                "{'ps': ['host0:2222'], 'worker': ['host1:2222', 'host2:2222']}"
            )
        self._jobs: dict[str, dict[int, str]] = {}
        for job, tasks in cluster.items():
            numbered = tasks if isinstance(tasks, Mapping) else dict(enumerate(tasks))
            for number, address in numbered.items():
                if not isinstance(address, str) or isinstance(tasks, str):
                    raise TypeError(
                        f"the address of /job:{job}/task:{number} is {address!r}: expected 'host:port'"
                    )
            self._jobs[job] = {int(n): a for n, a in sorted(numbered.items())}

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._jobs)

    def as_dict(self) -> dict[str, Any]:
        """For each job a list of addresses, or a mapping where the numbers have gaps."""
        return {
            job: list(tasks.values()) if list(tasks) == list(range(len(tasks))) else dict(tasks)
            for job, tasks in self._jobs.items()
        }

    def num_tasks(self, job_name: str) -> int:
        """How many tasks a job has."""
        return len(self._tasks(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The numbers of a job's tasks."""
        return list(self._tasks(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task."""
        tasks = self._tasks(job_name)
        if task_index not in tasks:
            raise ValueError(f"job {job_name!r} has no task {task_index}: it has {list(tasks)}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> Sequence[str | None]:
        """The addresses of a job's tasks, None for a number that is not there."""
        tasks = self._tasks(job_name)
        return [tasks.get(n) for n in range(max(tasks, default=-1) + 1)]

    def _tasks(self, job: str) -> dict[int, str]:
        if job not in self._jobs:
            raise ValueError(f"no job is called {job!r}: the cluster has {', '.join(self._jobs) or 'none'}")
        return self._jobs[job]

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    def __hash__(self) -> int:
        return hash(tuple((job, tuple(tasks.items())) for job, tasks in self._jobs.items()))

    def __repr__(self) -> str:
        return f"ClusterSpec({self.as_dict()!r})"


def replica_device_setter(
    ps_tasks: int = 0,
    ps_device: str = "/job:ps",
    worker_device: str = "/job:worker",
    merge_devices: bool = True,
    cluster: Any = None,
    ps_ops: Sequence[str] | None = None,
    ps_strategy: Any = None,
) -> Any:
    """A device function for `tf.device` that puts variables on parameter servers and the rest on the worker.

    Args:
        ps_tasks: how many parameter servers there are; that of `cluster` when it is given.
        ps_device: what variables ask for; the number of a task is added, each variable's the next one.
        worker_device: what everything else asks for.
        merge_devices: whether what an inner `tf.device` asks for is kept; without, that stands alone.
        cluster: a ClusterSpec or what makes one.
        ps_ops: the types of operations that go to parameter servers; variables when None. Names of TensorFlow's
            variables mean ours.
        ps_strategy: a function of the operation that gives the number of a task; one after the other when None.

    Returns:
        The function, or None where there is no parameter server.
    """
    from samara.graph.devices import DeviceSpec

    if cluster is not None:
        spec = ClusterSpec(cluster)
        job = DeviceSpec.from_string(ps_device).job or "ps"
        ps_tasks = spec.num_tasks(job) if job in spec.jobs else 0
    if ps_tasks < 1:
        return None
    ours = {"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable"}
    types = {"variable"} if ps_ops is None else {"variable" if t in ours else t for t in ps_ops}
    count = 0

    def next_task(operation: Any) -> int:
        nonlocal count
        count += 1
        return (count - 1) % ps_tasks

    choose = ps_strategy if ps_strategy is not None else next_task

    def device(operation: Any) -> str:
        asked = DeviceSpec.from_string(operation.device)
        if not merge_devices and operation.device:
            return str(operation.device)
        if operation.type in types:
            base = DeviceSpec.from_string(ps_device)
            if asked.job in (None, base.job) and asked.task is None:
                base = base.merged(DeviceSpec(task=choose(operation)))
        else:
            base = DeviceSpec.from_string(worker_device or "")
        return base.merged(asked).to_string()

    return device


__all__ = ["ClusterSpec", "replica_device_setter"]
