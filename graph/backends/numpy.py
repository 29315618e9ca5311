"""The default backend: numpy itself is the array namespace.

`overrides` maps an op's name to a function with the signature of its reference, for ops that numpy can do much
faster than the reference does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as namespace


def _segment_sum(xp: Any, op: Any, data: Any, ids: Any, count: Any) -> Any:
    if ids.size and (ids.min() < 0 or ids.max() >= count):
        return op.operation.definition.reference(xp, op, data, ids, count)
    wide = namespace.float32 if data.dtype == namespace.float16 else data.dtype
    sums = namespace.zeros((int(count), *data.shape[ids.ndim :]), dtype=wide)
    namespace.add.at(sums, ids, data)
    return sums.astype(data.dtype)


overrides: dict[str, Callable[..., Any]] = {"unsorted_segment_sum": _segment_sum}

__all__ = ["namespace", "overrides"]
