"""Which device each operation of a step runs on.

An operation runs where it was asked to; one that writes a variable runs where that lives; one that computes sizes runs
on the host, which reads them; any other runs on the device that computes fastest and can run it: "/gpu:0" where there
is one, else "/cpu:0".
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from samara.errors import GraphError
from samara.graph.backends import Backend, Device
from samara.graph.devices import DeviceSpec
from samara.graph.graph import Graph, Operation


class Placement:
    """Places the operations of a session.

    Args:
        backend: what knows which operations a device can run.
        devices: what there is, the host first.
        graph: the session's, whose variables have their names.
        soft: whether an operation runs elsewhere rather than not at all.
        log: whether each operation's device is written to the standard error output.
        server: the task of a cluster that the session is in, or None.
    """

    def __init__(
        self,
        backend: Backend,
        devices: Sequence[Device],
        graph: Graph,
        *,
        soft: bool,
        log: bool,
        server: Any = None,
    ) -> None:
        self.server = server
        self.devices = tuple(devices)
        self.host = self.devices[0]
        self._backend = backend
        self._graph = graph
        self._soft = soft
        self._log = log
        self._preferred = sorted(self.devices, key=lambda d: (d.kind != "gpu", d.index))
        self._placed: dict[Operation, Device] = {}
        self._of_sizes: set[Operation] = set()
        self._homes: dict[str, Device] = {}

    def of(self, operation: Operation, within: Device | None = None) -> Device:
        """The device of an operation; `within` is that of the operation whose body has it.

        Raises:
            GraphError: the device that was asked for does not exist, or cannot run it.
        """
        if len(self.devices) == 1 and not operation.device and not self._log:
            # Nothing to choose: only what the device cannot do is looked for.
            return self._able(operation, self.host)
        placed = self._placed.get(operation)
        if placed is None or (within is not None and not operation.device):
            placed = self._choose(operation, within)
            if self._log and operation not in self._placed:
                print(f"{operation.name}: ({operation.type}): {placed.name}", file=sys.stderr)
            self._placed[operation] = placed
        return placed

    def task(self, operation: Operation) -> str | None:
        """The other task, "/job:ps/task:0", that an operation runs on; None for this one.

        Raises:
            GraphError: the cluster has no such task.
        """
        server = self.server
        if server is None:
            return None
        for operand, tensor in zip(operation.definition.operands, operation.inputs, strict=False):
            if operand.state and tensor is not None:
                return self.task(tensor.op)
        spec = DeviceSpec.from_string(operation.device)
        if spec.job in (None, "localhost"):
            return None
        number = spec.task if spec.task is not None else 0
        if spec.job == server.job_name and spec.task in (None, server.task_index):
            return None
        if spec.job not in server.cluster.jobs or number not in server.cluster.task_indices(spec.job):
            raise self._refused(operation, f"the cluster {server.cluster.as_dict()} has no such task")
        return f"/job:{spec.job}/task:{number}"

    def home(self, variable: Operation) -> Device:
        """The device on which a variable of the session lives, which a body knows by its name only."""
        home = self._homes.get(variable.name)
        if home is None:
            home = self._homes[variable.name] = self.of(self._graph.find_operation(variable.name) or variable)
        return home

    def home_of(self, name: str) -> Device:
        """The same, by name; the host for what is no variable of the session's graph."""
        original = self._graph.find_operation(name)
        return self.host if original is None else self.home(original)

    def _choose(self, operation: Operation, within: Device | None) -> Device:
        for operand, tensor in zip(operation.definition.operands, operation.inputs, strict=False):
            if operand.state and tensor is not None:
                return self._able(operation, self.home(tensor.op))
        if operation.device:
            return self._requested(operation, DeviceSpec.from_string(operation.device))
        if within is None and self._computes_sizes(operation):
            return self.host
        for device in [within] if within is not None else self._preferred:
            if self._backend.lacks(operation, device) is None:
                return device
        return self._able(operation, self.host)

    def _computes_sizes(self, operation: Operation) -> bool:
        """Whether it gives a few integers that come from shapes and constants alone."""
        if operation.stateful or operation.bodies or not operation.outputs:
            return False
        if not all(
            t.dtype.is_integer and t.shape is not None and len(t.shape) < 2 for t in operation.outputs
        ):
            return False
        given = operation.given_inputs
        known = all(t.op.type == "constant" or t.op in self._of_sizes for t in given)
        if operation.type == "shape" or (given and known):
            self._of_sizes.add(operation)
            return True
        return False

    def _able(self, operation: Operation, device: Device) -> Device:
        reason = self._backend.lacks(operation, device)
        if reason is None:
            return device
        if self._soft and device != self.host and self._backend.lacks(operation, self.host) is None:
            return self.host
        raise self._refused(operation, f"{device.name} cannot run it: {reason}")

    def _requested(self, operation: Operation, spec: DeviceSpec) -> Device:
        server = self.server
        if server is not None and spec.job == server.job_name:
            here = spec.task in (None, server.task_index)
        else:
            here = spec.job in (None, "localhost") and not spec.replica and not spec.task
        if here:
            if spec.device_type is None:
                candidates = self._preferred
            else:
                kind, index = spec.device_type.lower(), spec.device_index
                candidates = [d for d in self.devices if d.kind == kind and index in (None, d.index)]
            for device in candidates:
                if self._backend.lacks(operation, device) is None:
                    return device
            if candidates:
                return self._able(operation, candidates[0])
        if self._soft:
            for device in self._preferred:
                if self._backend.lacks(operation, device) is None:
                    return device
        raise self._refused(operation, "there is no such device")

    def _refused(self, operation: Operation, reason: str) -> GraphError:
        where = f" (made at {operation.source})" if operation.source else ""
        asked = f" was asked to run on {operation.device}, but" if operation.device else " has no device:"
        listed = ", ".join(d.name for d in self.devices)
        return GraphError(
            f"{operation.type} {operation.name!r}{where}{asked} {reason}. This session has {listed} (backend "
            f"{self._backend.name!r}); ConfigProto(allow_soft_placement=True) runs it where it can"
        )


__all__ = ["Placement"]
