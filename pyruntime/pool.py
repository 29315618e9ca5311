"""The threads that contexts share."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

from samara.pyruntime._errors import check
from samara.pyruntime._native import ffi, lib

_lock = threading.Lock()
_pools: weakref.WeakValueDictionary[tuple[int, int], Pool] = weakref.WeakValueDictionary()


class Pool:
    """Threads that help with runs; freed with the last context that has it."""

    def __init__(self, threads: int) -> None:
        error, out = ffi.new("smr_error *"), ffi.new("smr_pool **")
        check(lib.smr_pool_create(threads, ffi.NULL, ffi.NULL, 0, out, error), error)
        self.pointer = ffi.gc(out[0], _free_in(os.getpid()))


def _free_in(process: int) -> Any:
    """Frees a pool, though not in a process that was forked off: it has the memory and none of the threads."""
    return lambda pointer: lib.smr_pool_free(pointer) if os.getpid() == process else None


def shared_pool(threads: int) -> Pool:
    """The pool of so many threads that all contexts of this process share.

    Raises:
        ArgumentStatusError: there cannot be so many.
        ResourceStatusError: the system gives no more threads.
    """
    with _lock:
        key = (os.getpid(), threads)
        pool = _pools.get(key)
        if pool is None:
            pool = _pools[key] = Pool(threads)
        return pool


def default_threads() -> int:
    """What SAMARA_THREADS says, or 1.

    Raises:
        ValueError: it is not a number.
    """
    text = os.environ.get("SAMARA_THREADS") or "1"
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"the environment variable SAMARA_THREADS is {text!r} and not a number of threads")
    return int(text)
