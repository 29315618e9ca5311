"""What programs of the time use beside the graph: `app`, `flags`, `logging`, `gfile` and `compat`."""

from __future__ import annotations

from samara.graph.platform import app, compat, gfile, logging, test

flags = app.flags

VERSION = __version__ = "1.15.0"
GIT_VERSION = "v1.15.0"

__all__ = [
    "GIT_VERSION",
    "VERSION",
    "app",
    "compat",
    "flags",
    "gfile",
    "logging",
    "test",
]
