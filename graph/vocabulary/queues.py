"""Queues and mutexes of the public vocabulary."""

from __future__ import annotations

from samara.graph.queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from samara.graph.queues.critical_section import CriticalSection

__all__ = ["CriticalSection", "FIFOQueue", "PaddingFIFOQueue", "QueueBase", "RandomShuffleQueue"]
