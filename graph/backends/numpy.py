"""The default backend: numpy itself is the array namespace.

`overrides` maps an op's name to a function with the signature of its reference, for ops that numpy can do much
faster than the reference does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as namespace

overrides: dict[str, Callable[..., Any]] = {}

__all__ = ["namespace", "overrides"]
