"""How many examples a corpus of generated models has: few in every test run, as many as one likes beside."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

# `make corpus` sets it.
FACTOR = int(os.environ.get("SAMARA_CORPUS", "1"))


def examples(count: int) -> Any:
    """Settings of a test for `count` examples, the same in every run; for many times as many, other ones each time."""
    return settings(
        max_examples=count * FACTOR,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
