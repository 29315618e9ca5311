"""Progress of long work, for those who look at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def progress(work: Sequence[T], description: str) -> Iterable[T]:
    """The same items, with a bar on a terminal while they are gone through; needs tqdm, else shows nothing."""
    if len(work) > 1 and sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            return work
        bar: Iterable[T] = tqdm(work, desc=description, unit="sample", leave=False)
        return bar
    return work
