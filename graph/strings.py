"""Tensors of texts: arrays of numpy's dtype object whose elements are bytes, whatever the backend.

Only operations that no device runs take them. A text of Python's becomes its UTF-8 bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def as_strings(value: Any) -> np.ndarray[Any, Any]:
    """An array of bytes from a text, bytes, or nested lists or arrays of them.

    Raises:
        TypeError: it holds something else, or is ragged.
    """
    given = np.asarray(value, dtype=object)
    made = np.empty(given.shape, dtype=object)
    for place in np.ndindex(given.shape):
        element = given[place]
        if isinstance(element, str):
            element = element.encode()
        if not isinstance(element, bytes):
            raise TypeError(f"{element!r} is not a text")
        made[place] = element
    return made


def holds_text(value: Any) -> bool:
    """Whether it is a text, or an array or nested lists whose first element is one."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "SU" or (
            value.dtype == object and holds_text(next(iter(value.flat), None))
        )
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (str, bytes))


__all__ = ["as_strings", "holds_text"]
