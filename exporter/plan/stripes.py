"""Sets of bytes for the checker: those that lie together, and those at equal distances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stripes:
    """The bytes from `start` on, `width` of each `step`, so many times; none overlap.

    Attributes:
        start: the first byte.
        width: bytes of each stripe, at least 1.
        step: bytes from the start of one to that of the next.
        count: stripes, at least 1.
    """

    start: int
    width: int
    step: int = 0
    count: int = 1

    @property
    def end(self) -> int:
        """After the last byte."""
        return self.start + (self.count - 1) * self.step + self.width

    def within(self, low: int, high: int) -> Iterator[Stripes]:
        """Those of the bytes from `low` to before `high`."""
        step = self.step or self.width
        first = max(0, (low - self.start - self.width) // step + 1)
        last = min(self.count - 1, (high - 1 - self.start) // step)
        while first <= last and (self._at(first) < low or self._at(first) + self.width > high):
            yield from _between(max(low, self._at(first)), min(high, self._at(first) + self.width))
            first += 1
        if first <= last and self._at(last) + self.width > high:
            yield from _between(self._at(last), high)
            last -= 1
        if first <= last:
            yield Stripes(start=self._at(first), width=self.width, step=self.step, count=last - first + 1)

    def both(self, other: Stripes) -> Iterator[Stripes]:
        """The bytes that are in both."""
        if self.count > 1 and other.count > 1 and self.step == other.step:
            yield from self._both_aligned(other)
            return
        few, many = (self, other) if self.count <= other.count else (other, self)
        for index in range(few.count):
            yield from many.within(few._at(index), few._at(index) + few.width)

    def without(self, other: Stripes) -> Iterator[Stripes]:
        """The bytes that are not in the other."""
        yield from self.within(min(self.start, other.start), other.start)
        yield from self.within(other.end, max(self.end, other.end))
        if other.count > 1 and other.step > other.width:
            gaps = Stripes(
                start=other.start + other.width,
                width=other.step - other.width,
                step=other.step,
                count=other.count - 1,
            )
            yield from self.both(gaps)

    def _at(self, index: int) -> int:
        return self.start + index * self.step

    def _both_aligned(self, other: Stripes) -> Iterator[Stripes]:
        """Of two with equal steps: stripe i of the one meets stripe i - apart of the other."""
        near = (other.start - self.start) // self.step
        for apart in range(near - 1, near + 3):
            low = max(self.start, other.start - apart * self.step)
            high = min(self.start + self.width, other.start - apart * self.step + other.width)
            first, end = max(0, apart), min(self.count, other.count + apart)
            if low < high and first < end:
                start = low + first * self.step
                yield Stripes(start=start, width=high - low, step=self.step, count=end - first)


def _between(low: int, high: int) -> Iterator[Stripes]:
    if low < high:
        yield Stripes(start=low, width=high - low)
