"""C statuses as exceptions."""

from __future__ import annotations

from typing import Any

from samara.errors import (
    ArgumentStatusError,
    ExecutionError,
    ModelFileError,
    ResourceStatusError,
    RuntimeStatusError,
)
from samara.pyruntime._native import ffi, lib

_BY_HUNDRED = {
    1: ArgumentStatusError,
    2: ModelFileError,
    3: ResourceStatusError,
    4: ExecutionError,
}


def check(status: int, error: Any) -> None:
    """Raises what a status means; `error` is the smr_error that the call filled."""
    if status == lib.SMR_OK:
        return
    message = ffi.string(error.message).decode("utf-8", "replace")
    name = ffi.string(lib.smr_status_name(status)).decode()
    kind = _BY_HUNDRED.get(status // 100, RuntimeStatusError)
    raise kind(f"{message or 'the C runtime was built without messages'} ({name})", int(status))
