"""Which tensors should have others in their rows: those where that needs no more bytes than places of their own.

What comes first in the rows of a whole holds the room of all of it, and so does the last piece of a tensor. Apart from
it each costs a copy, so a plan has them apart where the most would be needed otherwise, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

from samara.exporter.plan.bounds import round_up
from samara.exporter.plan.lifetime import Buffer, lifetimes
from samara.exporter.plan.program import Program


class Choices:
    """What lies in the rows of which tensors.

    Attributes:
        wholes: all that are joined along rows.
        apart: those in whose rows no part lies.
        alone: those in whose rows nothing lies but their parts.
        cut: all of which pieces of rows are taken.
        copied: those whose pieces lie elsewhere.
    """

    def __init__(self, program: Program, alignment: int, *, copies: bool) -> None:
        """Finds what leaves each step the fewest bytes; with `copies` no piece lies in what it is taken from."""
        self._program = program
        self._alignment = alignment
        self.wholes = tuple(dict.fromkeys(whole for step in program.steps for _, whole, _ in step.rows))
        self.cut = tuple(dict.fromkeys(source for step in program.steps for _, source, _ in step.cuts))
        self.apart: set[int] = set()
        self.alone: set[int] = set()
        self.copied: set[int] = set(self.cut) if copies else set()
        self._live = self._needs()
        for tensor, chosen in (
            *((source, self.copied) for source in self.cut if not copies),
            *((whole, chosen) for whole in self.wholes for chosen in (self.alone, self.apart)),
        ):
            chosen.add(tensor)
            live = self._needs()
            if _most(live, self._live) < _most(self._live, live):
                self._live = live
            else:
                chosen.remove(tensor)

    @property
    def most(self) -> int:
        """The bytes of the step that needs the most."""
        return max(self._live, default=0)

    def keep_needed(self) -> None:
        """Takes back what the step that needs the most does not gain from: it would only cost copies."""
        for tensor in (*self.wholes, *self.cut):
            for chosen in (self.apart, self.alone, self.copied):
                if tensor in chosen:
                    chosen.remove(tensor)
                    if max(self._needs(), default=0) > self.most:
                        chosen.add(tensor)

    def buffers(self) -> list[Buffer]:
        """The buffers of the program."""
        return lifetimes(self._program, apart=self.apart, alone=self.alone, copied=self.copied)

    def _needs(self) -> list[int]:
        return live_bytes(self.buffers(), len(self._program.steps), self._alignment)


def choose(program: Program, alignment: int = 64) -> Choices:
    """What leaves each step the fewest bytes."""
    views = Choices(program, alignment, copies=False)
    copies = Choices(program, alignment, copies=True) if views.cut else views
    return copies if copies.most < views.most else views


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
