"""Queues and mutexes of the public vocabulary."""

from __future__ import annotations

from samara.graph.critical_section import CriticalSection
from samara.graph.queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue

__all__ = ["CriticalSection", "FIFOQueue", "PaddingFIFOQueue", "QueueBase", "RandomShuffleQueue"]
