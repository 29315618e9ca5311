"""Which wholes should have parts in their rows: those where that needs no more bytes than parts at places of their own.

What comes first in the rows of a whole holds the room of all of it. A whole in whose rows nothing lies costs a copy of
each part, so a plan has them where the most would be needed otherwise, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

from samara.exporter.plan.bounds import round_up
from samara.exporter.plan.lifetime import Buffer, lifetimes
from samara.exporter.plan.program import Program


class Choices:
    """Wholes in whose rows no part lies, and wholes in whose rows nothing lies but their parts.

    Attributes:
        wholes: all that there are to choose for.
        apart: those of the first kind.
        alone: those of the second.
    """

    def __init__(self, program: Program, alignment: int = 64) -> None:
        """Finds what leaves each step the fewest bytes."""
        self._program = program
        self._alignment = alignment
        self.wholes = tuple(dict.fromkeys(whole for step in program.steps for _, whole, _ in step.rows))
        self.apart: set[int] = set()
        self.alone: set[int] = set()
        self._live = self._needs()
        for whole in self.wholes:
            for chosen in (self.alone, self.apart):
                chosen.add(whole)
                live = self._needs()
                if _most(live, self._live) < _most(self._live, live):
                    self._live = live
                else:
                    chosen.remove(whole)

    def keep_needed(self) -> None:
        """Takes back what the step that needs the most does not gain from: it would only cost copies."""
        most = max(self._live, default=0)
        for whole in self.wholes:
            for chosen in (self.apart, self.alone):
                if whole in chosen:
                    chosen.remove(whole)
                    if max(self._needs(), default=0) > most:
                        chosen.add(whole)

    def buffers(self) -> list[Buffer]:
        """The buffers of the program."""
        return lifetimes(self._program, apart=self.apart, alone=self.alone)

    def _needs(self) -> list[int]:
        return live_bytes(self.buffers(), len(self._program.steps), self._alignment)


def live_bytes(buffers: Sequence[Buffer], steps: int, alignment: int = 64) -> list[int]:
    """The bytes that are live at each step."""
    change = [0] * (steps + 1)
    for buffer in buffers:
        size = round_up(buffer.size, alignment)
        change[min(max(buffer.first, 0), steps)] += size
        change[min(max(buffer.last + 1, 0), steps)] -= size
    live = [change[0]]
    for each in change[1:steps]:
        live.append(live[-1] + each)
    return live[:steps]


def _most(one: Sequence[int], other: Sequence[int]) -> int:
    """The most bytes of the one at a step where they differ."""
    return max((a for a, b in zip(one, other, strict=True) if a != b), default=0)
