"""The vocabulary under the names of later versions, and texts: `tf.compat`."""

from __future__ import annotations

import os
import sys
from typing import Any


def __getattr__(name: str) -> Any:
    """`v1` is the package itself."""
    if name == "v1":
        return sys.modules[__name__.partition(".")[0]]
    raise AttributeError(f"module 'samara.compat' has no attribute {name!r}")


def as_bytes(bytes_or_text: str | bytes, encoding: str = "utf-8") -> bytes:
    """A text's bytes."""
    return bytes_or_text.encode(encoding) if isinstance(bytes_or_text, str) else bytes(bytes_or_text)


def as_text(bytes_or_text: str | bytes, encoding: str = "utf-8") -> str:
    """The text of bytes."""
    return bytes_or_text if isinstance(bytes_or_text, str) else bytes_or_text.decode(encoding)


as_str = as_text


def as_str_any(value: Any) -> str:
    """Any value as text."""
    return as_text(value) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> str:
    """A path as text."""
    return str(os.fspath(path)) if hasattr(path, "__fspath__") else str(path)


__all__ = [
    "as_bytes",
    "as_str",
    "as_str_any",
    "as_text",
    "path_to_str",
]
