"""Writes the C source of samara.pyruntime._native; CMake compiles it.

The declarations are the region of samara.h between the cffi marks, as it is, so the header is the only place
where the C interface is written down.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cffi

BEGIN, END = "/* cffi: begin */", "/* cffi: end */"
MODULE = "samara.pyruntime._native"

# The one smr_op_callback; its `user` is the handle of the Python object to tell.
CALLBACK = 'extern "Python" int32_t samara_on_op(void *user, const smr_op_event *event);'


def declarations(header: str) -> str:
    """The part of samara.h that cffi reads."""
    if header.count(BEGIN) != 1 or header.count(END) != 1:
        raise ValueError(f"samara.h must hold {BEGIN} and {END} once each")
    return header.partition(BEGIN)[2].partition(END)[0]


def main(header: str, output: str) -> None:
    """Writes the C file `output` from the header."""
    ffi = cffi.FFI()
    ffi.cdef(declarations(Path(header).read_text(encoding="utf-8")))
    ffi.cdef(CALLBACK)
    ffi.set_source(MODULE, '#include "samara.h"')
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
