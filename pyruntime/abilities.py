"""What the build of the C runtime has, and the processor."""

from __future__ import annotations

from typing import Any

from samara.pyruntime._errors import check
from samara.pyruntime._native import ffi, lib


def instruction_sets() -> dict[str, bool]:
    """The instruction sets that kernels of this build are written for, and whether this processor has each.

    Those that add to others come after them; the first, "generic", is plain C.
    """
    isa, offered, error = ffi.new("char **"), ffi.new("int32_t *"), ffi.new("smr_error *")
    found = {}
    for i in range(lib.smr_isa_count()):
        check(lib.smr_isa_info(i, isa, offered, error), error)
        found[_text(isa[0])] = bool(offered[0])
    return found


def kernels() -> list[tuple[str, str]]:
    """The kernels of this build: (op, instruction set)."""
    op, kernel, error = ffi.new("char **"), ffi.new("char **"), ffi.new("smr_error *")
    found = []
    for i in range(lib.smr_kernel_count()):
        check(lib.smr_kernel(i, op, kernel, error), error)
        found.append((_text(op[0]), _text(kernel[0])))
    return found


def _text(pointer: Any) -> str:
    return str(ffi.string(pointer).decode())
