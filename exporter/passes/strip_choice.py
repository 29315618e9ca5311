"""Which parts of which chains to compute strip by strip: those that need less memory so.

The plan of the whole program says how much is live at each step. For a part of a chain in a number of strips its steps
are written down without being made, and planned: with what else is live, that is what the part would need. Of all ways
to cut the chains into such parts and single ops the one is taken that is least in bytes of arena and of the ops that it
adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from samara.exporter.passes.row_local import Link, Strips, bounds_of
from samara.exporter.plan import Program, Step
from samara.exporter.plan.bounds import bound_order, round_up
from samara.exporter.plan.lifetime import Buffer, lifetimes
from samara.exporter.sharing import byte_count
from samara.graph.graph import Tensor

STRIPS = (2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56)
"""How many strips are tried."""

LONGEST = 8
"""The most ops of a part."""

OP_BYTES = 768
"""What an op is worth at least: some three times what it takes in a context of the runtime, its tensors with it."""

OP_SHARE = 2000
"""And which part of the bytes that are live at most: it takes time as well, most of all that of threads, which wait for
each other between ops."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Ops `first` to `last` (inclusive) of a chain in some strips.

    Attributes:
        chain: the number of the chain.
        need: bytes of the arena while it runs.
        added: how many ops more there are than before.
    """

    chain: int
    first: int
    last: int
    strips: int
    need: int
    added: int


@dataclass(frozen=True, kw_only=True)
class Image:
    """Rows of an image while steps are written down: a tensor of the plan, and its rows."""

    tensor: int
    rows: int


class _Empty(Exception):  # noqa: N818
    """A strip without rows."""


class _Steps:
    """Writes the steps of strips down."""

    def __init__(self, links: Sequence[Link]) -> None:
        self.links = links
        self.sizes: dict[int, int] = {}
        self.row_bytes: dict[int, int] = {}
        self.steps: list[Step] = []

    def image(self, rows: int, row_bytes: int) -> Image:
        """A new tensor."""
        if rows < 1:
            raise _Empty
        number = len(self.sizes)
        self.sizes[number], self.row_bytes[number] = rows * row_bytes, row_bytes
        return Image(tensor=number, rows=rows)

    def rows(self, image: Image, low: int, high: int) -> Image:
        made = self.image(high - low, self.row_bytes[image.tensor])
        self._step((image,), made, views=((made.tensor, image.tensor, low * self.row_bytes[image.tensor]),))
        return made

    def copy(self, image: Image) -> Image:
        made = self.image(image.rows, self.row_bytes[image.tensor])
        self._step((image,), made)
        return made

    def join(self, images: Sequence[Image]) -> Image:
        bytes_ = self.row_bytes[images[0].tensor]
        made = self.image(sum(i.rows for i in images), bytes_)
        starts = [sum(i.rows for i in images[:k]) * bytes_ for k in range(len(images))]
        joins = ((i.tensor, made.tensor, at) for i, at in zip(images, starts, strict=True))
        self._step(images, made, joins=tuple(joins))
        return made

    def compute(self, number: int, source: Image, low: int, high: int, above: int, below: int) -> Image:
        op = self.links[number].op
        made = self.image(high - low, _row_bytes(op.outputs[0], self.links[number].rows_out))
        equal = self.sizes[made.tensor] == self.sizes[source.tensor]
        over = ((made.tensor, source.tensor),) if op.definition.in_place and equal else ()
        # Slices of other images are steps too.
        for _ in self.links[number].sliced:
            self._step((), self.image(1, 0))
        self._step((source,), made, in_place=over)
        return made

    def _step(
        self,
        inputs: Iterable[Image],
        made: Image,
        views: tuple[tuple[int, int, int], ...] = (),
        joins: tuple[tuple[int, int, int], ...] = (),
        in_place: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self.steps.append(
            Step(
                name=str(len(self.steps)),
                inputs=tuple(i.tensor for i in inputs),
                outputs=(made.tensor,),
                views=views,
                joins=joins,
                in_place=in_place,
            )
        )


def _row_bytes(image: Tensor, rows: int) -> int:
    return byte_count(image) // rows


def strip_program(links: Sequence[Link], strips: int) -> Program | None:
    """The steps of a chain in strips; None when a strip would have no rows."""
    steps = _Steps(links)
    try:
        first = steps.image(links[0].rows_in, _row_bytes(links[0].begins, links[0].rows_in))
        made = Strips(links, first, steps).run(bounds_of(links[-1].rows_out, strips))
        whole = steps.join(made)
    except _Empty:
        return None
    return Program(
        name="strips",
        sizes=steps.sizes,
        inputs=(first.tensor,),
        outputs=(whole.tensor,),
        steps=tuple(steps.steps),
    )


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What is live when.

    Attributes:
        buffers: of the program as it is.
        live: bytes live at each step.
        tensors: the number in the program of each tensor, by identity.
        times: the step of each op.
    """

    buffers: Sequence[Buffer]
    live: Sequence[int]
    tensors: Mapping[int, int]
    times: Mapping[object, int]

    def beside(self, links: Sequence[Link]) -> int:
        """Bytes that are live at the last op of a part of a chain and are none of its images."""
        ends = {self.tensors[id(t)]: byte_count(t) for t in (links[0].begins, links[-1].op.outputs[0])}
        own = {self.tensors[id(e.op.outputs[0])] for e in links} | ends.keys()
        at = self.times[links[-1].op]
        bytes_ = 0
        for buffer in (b for b in self.buffers if b.first <= at <= b.last):
            # Rows that lie in those of a whole keep all of it.
            apart = ends.keys() & {tensor for tensor, _ in buffer.rows}
            if apart or not own & set(buffer.tensors):
                bytes_ += round_up(max(buffer.size - sum(ends[t] for t in apart), 0), 64)
        return bytes_


def op_bytes(peak: int) -> int:
    """How many bytes of arena an op is worth, where so many are live at most without strips."""
    return max(OP_BYTES, peak // OP_SHARE)


def choose(chains: Sequence[Sequence[Link]], memory: Memory) -> list[Part]:
    """The parts to compute in strips."""
    peak = max(memory.live, default=0)
    linked = {memory.times[e.op] for chain in chains for e in chain}
    # What no strip can help with.
    floor = max((n for t, n in enumerate(memory.live) if t not in linked), default=0)
    parts = [
        p for number, chain in enumerate(chains) for p in _parts(number, chain, memory, max(floor, peak // 8))
    ]
    heights = sorted({floor, peak, *(p.need for p in parts if floor <= p.need < peak)})
    best: tuple[int, list[Part]] = (peak, [])
    for height in heights:
        if floor <= height < peak:
            cut = _cut(chains, memory, parts, height)
            if cut is not None:
                cost = height + op_bytes(peak) * sum(p.added for p in cut)
                best = min(best, (cost, cut), key=lambda found: found[0])
    return best[1]


def _parts(number: int, chain: Sequence[Link], memory: Memory, floor: int) -> Iterator[Part]:
    """All parts of a chain that hold a step with more than `floor` bytes live, and need less than it does."""
    live = [memory.live[memory.times[e.op]] for e in chain]
    for first in range(len(chain)):
        for last in range(first + 1, min(first + LONGEST, len(chain))):
            links = chain[first : last + 1]
            most = max(live[first : last + 1])
            if most <= floor:
                continue
            beside = memory.beside(links)
            ends = sum(round_up(byte_count(t), 64) for t in (links[0].begins, links[-1].op.outputs[0]))
            if beside + ends >= most:
                continue
            before = most
            for strips in STRIPS:
                if strips > links[-1].rows_out // 2:
                    break
                program = strip_program(links, strips)
                if program is None:
                    break
                need = beside + bound_order(lifetimes(program))[0]
                if need < before:
                    before = need
                    yield Part(
                        chain=number,
                        first=first,
                        last=last,
                        strips=strips,
                        need=need,
                        added=len(program.steps) - len(links),
                    )


def _cut(
    chains: Sequence[Sequence[Link]], memory: Memory, parts: Sequence[Part], height: int
) -> list[Part] | None:
    """The parts that add fewest ops, so that no step needs more than `height`; None when there are none."""
    found: list[Part] = []
    for number, chain in enumerate(chains):
        ends: dict[int, list[Part]] = {}
        for part in parts:
            if part.chain == number and part.need <= height:
                ends.setdefault(part.last, []).append(part)
        least: list[tuple[int, tuple[Part, ...]] | None] = [(0, ())]
        for place, each in enumerate(chain):
            options = [least[place]] if memory.live[memory.times[each.op]] <= height else []
            for part in ends.get(place, []):
                before = least[part.first]
                if before is not None:
                    options.append((before[0] + part.added, (*before[1], part)))
            known = [o for o in options if o is not None]
            least.append(min(known, key=lambda o: o[0]) if known else None)
        final = least[-1]
        if final is None:
            return None
        found += final[1]
    return found
