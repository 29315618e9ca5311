"""Names of devices: what a program asks for, and how nested requests are joined.

A request is "/gpu:1", "/device:GPU:1", "/job:worker/task:2/cpu:0", a `DeviceSpec`, a function of the operation that
returns one of these, or None.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from samara.errors import GraphError

_PARTS = re.compile(
    r"(?:job:(?P<job>[^/:]+)|replica:(?P<replica>\d+)|task:(?P<task>\d+)|"
    r"(?:device:)?(?P<kind>\w+)(?::(?P<index>\d+|\*))?)"
)


@dataclass(frozen=True)
class DeviceSpec:
    """A device, as far as it is determined.

    Attributes:
        job: the name of a group of processes, or None.
        replica: the number of a copy of the model, or None.
        task: which process of the job, or None.
        device_type: "CPU", "GPU" or None.
        device_index: which of its type, or None.
    """

    job: str | None = None
    replica: int | None = None
    task: int | None = None
    device_type: str | None = None
    device_index: int | None = None

    @staticmethod
    def from_string(spec: str) -> DeviceSpec:
        """Reads "/job:worker/task:1/device:GPU:0", or "/gpu:0" for short.

        Raises:
            GraphError: it is not the name of a device.
        """
        found: dict[str, Any] = {}
        for part in spec.split("/"):
            if not part:
                continue
            match = _PARTS.fullmatch(part)
            kind = match["kind"] if match else None
            if match is None or (kind is not None and kind.upper() not in ("CPU", "GPU")):
                raise GraphError(
                    f"device {spec!r}: {part!r} is not understood; write for example '/cpu:0', '/gpu:1' or "
                    "'/job:worker/task:0/device:GPU:0'"
                )
            if match["job"]:
                found["job"] = match["job"]
            elif match["replica"]:
                found["replica"] = int(match["replica"])
            elif match["task"]:
                found["task"] = int(match["task"])
            else:
                found["device_type"] = str(kind).upper()
                if match["index"] not in (None, "*"):
                    found["device_index"] = int(match["index"])
        return DeviceSpec(**found)

    def to_string(self) -> str:
        """The full name, with what is determined."""
        text = "" if self.job is None else f"/job:{self.job}"
        text += "" if self.replica is None else f"/replica:{self.replica}"
        text += "" if self.task is None else f"/task:{self.task}"
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            text += f"/device:{self.device_type}:{index}"
        return text

    def merged(self, inner: DeviceSpec) -> DeviceSpec:
        """This one, with what `inner` determines instead."""
        changes = {k: v for k, v in vars(inner).items() if v is not None}
        if inner.device_type is not None and inner.device_index is None:
            changes["device_index"] = None
        return replace(self, **changes)


def check(request: Any) -> None:
    """Refuses what is no request for a device.

    Raises:
        GraphError: a name that is not understood.
        TypeError: it is not a name at all.
    """
    if request is None or isinstance(request, DeviceSpec) or callable(request):
        return
    if not isinstance(request, str):
        raise TypeError(f"a device is a name such as '/gpu:0', a function, or None, not {request!r}")
    DeviceSpec.from_string(request)


def joined(requests: Sequence[Any], operation: Any) -> str:
    """The device of an operation within nested requests, the outermost first: inner ones win, None ends the search.

    A function is given the operation, with `device` set to what the requests within it have determined; what it returns
    is the device.
    """
    for request in reversed(requests):
        if request is None:
            break
        if callable(request):
            answer = request(operation)
            if isinstance(answer, DeviceSpec):
                answer = answer.to_string()
            check(answer)
            operation.device = DeviceSpec.from_string(answer or "").to_string()
        elif request:
            spec = request if isinstance(request, DeviceSpec) else DeviceSpec.from_string(request)
            operation.device = spec.merged(DeviceSpec.from_string(operation.device)).to_string()
    return str(operation.device)


__all__ = ["DeviceSpec", "check", "joined"]
