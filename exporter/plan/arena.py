"""Where each buffer lies in the arena: greedy first, then other orders, then an exact search.

Greedy by size with the best-fitting gap is what mobile runtimes ship (Pisarchyk and Lee, Efficient
Memory Management for Deep Neural Net Inference, 2020). Where it does not meet the bound, its order
is varied, and at last samara.exporter.plan.exact finds a better one or proves that there is none.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from samara.exporter.plan.bounds import bound_order, round_up
from samara.exporter.plan.exact import Block, Outcome, easy_blocks, pack
from samara.exporter.plan.lifetime import Buffer

ROUNDS = 400
"""Most greedy runs between two restarts; fewer where there are few blocks."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A placement of buffers.

    Attributes:
        offsets: start of each buffer in bytes, in the order the buffers were given.
        arena: bytes in all (P).
        bound_order: the most bytes live at one time (B2); no placement has a smaller arena.
        attained_at: the first time that has them.
        method: what found the placement: `size`, `breadth`, `lifetime`, `restart` or `exact`.
        optimal: no placement of these buffers is smaller: the bound is met, or the search was
            complete.
    """

    offsets: tuple[int, ...]
    arena: int
    bound_order: int
    attained_at: int
    method: str
    optimal: bool


def place(buffers: Sequence[Buffer], *, alignment: int = 64, node_limit: int = 200_000) -> Plan:
    """Give each buffer an offset such that no two that live at once overlap.

    The same buffers give the same plan on every machine: the search is limited by counted work and
    never by a clock.

    Args:
        buffers: what to place. Buffers of no bytes are put at offset 0.
        alignment: power of two in bytes. Offsets are multiples of it, sizes are rounded up to it.
        node_limit: work allowed after the first greedy orders miss the bound. One node is one
            buffer looked at, by a random restart or at one placing of the exact search.

    Raises:
        ValueError: the alignment is not a power of two.
    """
    if alignment < 1 or alignment & (alignment - 1):
        raise ValueError(f"alignment {alignment} is not a power of two")
    bound, at = bound_order(buffers, alignment=alignment)
    real = [index for index, buffer in enumerate(buffers) if buffer.size > 0]
    # Every height is a sum of sizes, so the search may count in their greatest common divisor.
    unit = math.gcd(*(round_up(buffers[index].size, alignment) for index in real)) or alignment
    blocks = [
        Block(
            size=round_up(buffers[index].size, alignment) // unit,
            first=buffers[index].first,
            last=buffers[index].last,
        )
        for index in real
    ]
    best = _search(blocks, bound // unit, node_limit)
    offsets = [0] * len(buffers)
    for index, offset in zip(real, best.offsets, strict=True):
        offsets[index] = offset * unit
    return Plan(
        offsets=tuple(offsets),
        arena=best.height * unit,
        bound_order=bound,
        attained_at=at,
        method=best.method,
        optimal=best.optimal,
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    offsets: tuple[int, ...]
    height: int
    method: str
    optimal: bool


def _search(blocks: Sequence[Block], bound: int, node_limit: int) -> _Found:
    """Try orders for greedy until one meets the bound, then the exact search."""
    near = neighbours(blocks)
    best = _Found(offsets=(), height=0, method="size", optimal=not blocks)

    for method, order in _orders(blocks):
        if best.optimal:
            return best
        best = _better(blocks, best, bound, method, greedy(blocks, near, order))

    # What passed the bound is placed earlier next time, by chance more or less so, and what is beside
    # it a little earlier too. So each part of a long network settles by itself.
    easy = easy_blocks(blocks, near, bound)
    core = sorted(set(range(len(blocks))) - set(easy))
    chance = random.Random(0)
    spent = 0
    for start in _weights(blocks):
        weight = list(start)
        for _ in range(min(ROUNDS, 4 * len(core))):
            # The rest of the work is for the exact search, which is surer where there are few blocks.
            if best.optimal or spent + len(core) > node_limit * 3 // 4:
                break
            spent += len(core)
            order = sorted(core, key=lambda index: (-weight[index], index))
            offsets = greedy(blocks, near, order)
            high = [index for index in core if offsets[index] + blocks[index].size > bound]
            if all(offsets[index] + blocks[index].size < best.height for index in high):
                offsets = greedy(blocks, near, order + easy[::-1])
                best = _better(blocks, best, bound, "restart", offsets)
            for index in high:
                weight[index] *= 1 + chance.random()
                for other in near[index]:
                    weight[other] *= 1 + 0.1 * chance.random()
    return best if best.optimal else _improve(blocks, near, best, bound, node_limit - spent)


def _better(
    blocks: Sequence[Block], best: _Found, bound: int, method: str, offsets: tuple[int, ...]
) -> _Found:
    height = top_of(blocks, offsets)
    if best.offsets and height >= best.height:
        return best
    return _Found(offsets=offsets, height=height, method=method, optimal=height == bound)


def _improve(
    blocks: Sequence[Block], near: Sequence[Sequence[int]], best: _Found, bound: int, nodes: int
) -> _Found:
    """Search for the bound itself, then downwards from the best until nothing is left to find."""
    cap, share = bound, nodes // 2
    while cap < best.height and nodes > 0:
        answer = pack(blocks, near, cap=cap, node_limit=share)
        nodes -= answer.nodes + len(blocks)
        if answer.offsets is not None:
            height = top_of(blocks, answer.offsets)
            best = _Found(offsets=answer.offsets, height=height, method="exact", optimal=height == bound)
        elif answer.outcome is Outcome.IMPOSSIBLE:
            bound = cap + 1
        elif cap == best.height - 1:
            return best
        cap, share = best.height - 1, nodes
        if bound > cap:
            break
    return _Found(offsets=best.offsets, height=best.height, method=best.method, optimal=best.height <= bound)


def neighbours(blocks: Sequence[Block]) -> list[list[int]]:
    """Return for each block the others that live at some time when it does, ascending."""
    near: list[list[int]] = [[] for _ in blocks]
    live: list[int] = []
    for index in sorted(range(len(blocks)), key=lambda index: (blocks[index].first, index)):
        live = [other for other in live if blocks[other].last >= blocks[index].first]
        for other in live:
            near[other].append(index)
            near[index].append(other)
        live.append(index)
    return [sorted(others) for others in near]


def greedy(blocks: Sequence[Block], near: Sequence[Sequence[int]], order: Sequence[int]) -> tuple[int, ...]:
    """Place the blocks in the order given, each in the tightest gap that holds it.

    Gaps are those under or between the neighbours placed so far; where none is large enough, the
    block goes on top of them. Blocks that the order leaves out get the offset -1.
    """
    offsets = [-1] * len(blocks)
    for index in order:
        size = blocks[index].size
        placed = sorted((offsets[other], blocks[other].size) for other in near[index] if offsets[other] >= 0)
        top, tightest, chosen = 0, None, 0
        for offset, height in placed:
            gap = offset - top
            if gap >= size and (tightest is None or gap < tightest):
                tightest, chosen = gap, top
            top = max(top, offset + height)
        offsets[index] = top if tightest is None else chosen
    return tuple(offsets)


def top_of(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    """Return where the highest block ends."""
    return max(offset + block.size for offset, block in zip(offsets, blocks, strict=True))


def _by(*keys: Sequence[float]) -> list[int]:
    """Return the positions of the keys in order, the largest first, ties by the next key."""
    return sorted(range(len(keys[0])), key=lambda i: (*(-key[i] for key in keys), i))


def _orders(blocks: Sequence[Block]) -> Iterator[tuple[str, list[int]]]:
    """Yield orders for greedy with the names of their methods."""
    sizes = [block.size for block in blocks]
    length = [block.last - block.first + 1 for block in blocks]
    yield "size", _by(sizes, length)
    yield "breadth", _by(_breadths(blocks), sizes)
    yield "lifetime", _by(length, sizes)


def _weights(blocks: Sequence[Block]) -> list[list[float]]:
    """Return first weights for restarts: area, size, and between the two."""
    # A square root is rounded alike on every machine, other powers are not.
    return [
        [float(b.size * (b.last - b.first + 1)) for b in blocks],
        [b.size * math.sqrt(b.last - b.first + 1) for b in blocks],
        [float(b.size) for b in blocks],
    ]


def _breadths(blocks: Sequence[Block]) -> list[int]:
    """Return for each block the most that is live at one time of its life."""
    starts = sorted({block.first for block in blocks})
    load = dict.fromkeys(starts, 0)
    for block in blocks:
        for time in starts[bisect_left(starts, block.first) : bisect_right(starts, block.last)]:
            load[time] += block.size
    # What is live only ever grows when a block begins, so the most is at such a time.
    return [
        max(
            load[time] for time in starts[bisect_left(starts, block.first) : bisect_right(starts, block.last)]
        )
        for block in blocks
    ]
