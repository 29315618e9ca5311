"""Data sets at work: steps of a pipeline, of which each gives the elements of the one before it, made into others.

An element is a tuple of arrays. A step is called to go through its elements once more from the beginning.
"""

from __future__ import annotations

import glob
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from samara.errors import CancelledError, FailedPreconditionError, InvalidArgumentError, OutOfRangeError
from samara.graph.records.framing import records_of, uncompressed

Element = tuple[Any, ...]
Step = Callable[[], Iterator[Element]]
Run = Callable[..., Sequence[Any]]


def slices(components: Sequence[Any]) -> Step:
    """The slices of arrays along their first axis."""
    counts = {int(c.shape[0]) if c.shape else -1 for c in components}
    if len(counts) != 1 or -1 in counts:
        listed = ", ".join(str(list(c.shape)) for c in components)
        raise InvalidArgumentError(
            f"the tensors {listed} have not one first dimension, the number of elements"
        )
    (count,) = counts
    return lambda: (tuple(c[i, ...] for c in components) for i in range(count))


def counted(start: int, stop: int, step: int, number: Callable[[int], Any]) -> Step:
    """Numbers."""
    return lambda: ((number(i),) for i in range(start, stop, step))


def repeated(source: Step, count: int) -> Step:
    """All elements several times; for ever when the count is negative."""

    def elements() -> Iterator[Element]:
        left = count
        while left != 0:
            empty = True
            for element in source():
                empty = False
                yield element
            if empty:
                return
            left -= 1

    return elements


def taken(source: Step, count: int) -> Step:
    """The first elements; all when the count is negative."""

    def elements() -> Iterator[Element]:
        if count == 0:
            return
        for number, element in enumerate(source(), 1):
            yield element
            if number == count:
                return

    return elements


def skipped(source: Step, count: int) -> Step:
    """All but the first elements; none when the count is negative."""

    def elements() -> Iterator[Element]:
        for number, element in enumerate(source()):
            if 0 <= count <= number:
                yield element

    return elements


def sharded(source: Step, shards: int, index: int) -> Step:
    """Every element whose number divided by `shards` leaves `index`."""
    return lambda: (element for number, element in enumerate(source()) if number % shards == index)


def shuffled(source: Step, size: int, generator: np.random.Generator, again: bool) -> Step:
    """Each element drawn from those that a buffer holds.

    Args:
        source: gives the elements.
        size: of the buffer.
        generator: draws.
        again: whether the order is another one each time.
    """
    if size < 1:
        raise InvalidArgumentError(f"shuffle: buffer_size is {size}, expected 1 or more")
    fixed: list[int] = []

    def elements() -> Iterator[Element]:
        draw = generator
        if not again:
            if not fixed:
                fixed.append(int(generator.integers(2**63)))
            draw = np.random.default_rng(fixed[0])
        held: list[Element] = []
        for element in source():
            if len(held) < size:
                held.append(element)
                continue
            place = int(draw.integers(len(held)))
            out, held[place] = held[place], element
            yield out
        while held:
            place = int(draw.integers(len(held)))
            out, held[place] = held[place], held[-1]
            held.pop()
            yield out

    return elements


def batched(source: Step, size: int, whole: bool, together: Callable[[list[Element]], Element]) -> Step:
    """Elements put together, so many at a time; the last ones are left out when `whole` and they are too few."""
    if size < 1:
        raise InvalidArgumentError(f"batch: batch_size is {size}, expected 1 or more")

    def elements() -> Iterator[Element]:
        held: list[Element] = []
        for element in source():
            held.append(element)
            if len(held) == size:
                yield together(held)
                held = []
        if held and not whole:
            yield together(held)

    return elements


def unbatched(source: Step) -> Step:
    """The slices of each element along the first axes."""
    return lambda: (part for element in source() for part in slices(element)())


def mapped(source: Step, run: Run, captured: Sequence[Any]) -> Step:
    """What a function gives for each element."""
    return lambda: (tuple(run(*element, *captured)) for element in source())


def filtered(source: Step, run: Run, captured: Sequence[Any]) -> Step:
    """The elements for which a function says True."""
    return lambda: (element for element in source() if bool(run(*element, *captured)[0]))


def joined(parts: Sequence[Step]) -> Step:
    """The elements of one after those of another."""
    return lambda: (element for part in parts for element in part())


def zipped(parts: Sequence[Step]) -> Step:
    """One element of each, as long as all have one."""

    def elements() -> Iterator[Element]:
        for several in zip(*(part() for part in parts), strict=False):
            yield tuple(component for element in several for component in element)

    return elements


def interleaved(source: Step, run: Run, captured: Sequence[Any], cycle: int, block: int) -> Step:
    """The elements of the data sets that a function gives for each element.

    Of `cycle` data sets at a time, `block` elements each in turn.
    """
    if cycle < 1 or block < 1:
        raise InvalidArgumentError(
            f"interleave: cycle_length {cycle} and block_length {block} must be 1 or more"
        )

    def elements() -> Iterator[Element]:
        outer = source()
        places: list[Iterator[Element] | None] = [None] * cycle
        more = True
        while True:
            for place in range(cycle):
                if places[place] is None and more:
                    element = next(outer, None)
                    if element is None:
                        more = False
                    else:
                        places[place] = step_of(run(*element, *captured)[0])()
                inner = places[place]
                if inner is None:
                    continue
                for _ in range(block):
                    found = next(inner, None)
                    if found is None:
                        places[place] = None
                        break
                    yield found
            if not more and all(p is None for p in places):
                return

    return elements


def read_ahead(source: Step, count: int) -> Step:
    """The same elements, made by a thread before they are asked for."""
    if count == 0:
        return source

    def elements() -> Iterator[Element]:
        from samara.graph.train.prefetch import Prefetched

        with Prefetched(source, max(count, 1)) as ahead:
            yield from ahead

    return elements


def cached(source: Step) -> Step:
    """The same elements, which are made only once: kept when they have all been gone through."""
    kept: list[list[Element]] = []

    def elements() -> Iterator[Element]:
        if kept:
            yield from kept[0]
            return
        held: list[Element] = []
        for element in source():
            held.append(element)
            yield element
        kept[:] = [held]

    return elements


def lines(names: Sequence[bytes]) -> Step:
    """The lines of files, without their ends."""

    def elements() -> Iterator[Element]:
        for name in names:
            with opened(name) as file:
                for line in file:
                    yield (_text(line.removesuffix(b"\n").removesuffix(b"\r")),)

    return elements


def fixed_lengths(names: Sequence[bytes], length: int, header: int, footer: int) -> Step:
    """Records of one length of files."""

    def elements() -> Iterator[Element]:
        for name in names:
            with opened(name) as file:
                content = file.read()
            body = content[header : len(content) - footer]
            for start in range(0, len(body) - length + 1, length):
                yield (_text(body[start : start + length]),)

    return elements


def records(names: Sequence[bytes], compression: str) -> Step:
    """The records of TFRecord files."""

    def elements() -> Iterator[Element]:
        for name in names:
            with opened(name) as file:
                content = uncompressed(file.read(), compression, name.decode())
            for _, record in records_of(content, name.decode()):
                yield (_text(record),)

    return elements


def files(patterns: Sequence[bytes]) -> Step:
    """The names of files that fit patterns, sorted."""
    found = sorted({name for pattern in patterns for name in glob.glob(pattern.decode())})
    if not found:
        raise InvalidArgumentError(f"list_files: no file fits {[p.decode() for p in patterns]}")
    return lambda: ((_text(name.encode()),) for name in found)


def opened(name: bytes) -> Any:
    """A file, to be read.

    Raises:
        NotFoundError: it is not there.
    """
    from samara.errors import NotFoundError

    try:
        return open(name.decode(), "rb")
    except FileNotFoundError:
        raise NotFoundError(f"the file {name.decode()!r} is not there") from None


def _text(content: bytes) -> Any:
    return np.asarray(content, dtype=object)


class Handle:
    """A step as the element of an array: the value of the tensor that stands for a data set."""

    def __init__(self, step: Step) -> None:
        self.step = step


def handle(step: Step) -> Any:
    """An array that holds a step."""
    made = np.empty((), dtype=object)
    made[()] = Handle(step)
    return made


def step_of(array: Any) -> Step:
    """The step that an array holds."""
    held = np.asarray(array, dtype=object).item()
    if not isinstance(held, Handle):
        raise InvalidArgumentError("a text was given where a data set was expected")
    return held.step


class Place:
    """A place in a data set, which lives in a session. Any thread may call it.

    Args:
        name: for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._elements: Iterator[Element] | None = None
        self._closed = False

    def start(self, step: Step) -> None:
        """Goes to the beginning of a data set."""
        with self._lock:
            self._close()
            self._elements = step()

    def next(self) -> Element:
        """The next element.

        Raises:
            OutOfRangeError: there are no more.
            FailedPreconditionError: it is in no data set yet.
            CancelledError: the session is closed.
        """
        with self._lock:
            if self._closed:
                raise CancelledError("the session is closed")
            if self._elements is None:
                raise FailedPreconditionError(
                    f"iterator {self._name!r} is in no data set yet: run its initializer first"
                )
            for element in self._elements:
                return element
            raise OutOfRangeError(f"iterator {self._name!r} is at the end of its data set")

    def cancel(self) -> None:
        """Lets go of the data set: the session is closed."""
        self._closed = True
        if self._lock.acquire(timeout=1.0):
            try:
                self._close()
            finally:
                self._lock.release()

    def _close(self) -> None:
        close = getattr(self._elements, "close", None)
        if close is not None:
            close()
        self._elements = None
