"""An exact search for a packing of blocks under a given height.

After Moffitt, MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning
(ASPLOS 2023). If there is a packing at all, there is one in which nothing can be moved down. Taken
in order of offset, ties by rank, each of its blocks lies on an earlier one or on the ground. So it
is enough to try, again and again, which block comes next: its offset follows.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Block:
    """A rectangle to pack: size in height, and the times `first` to `last`, inclusive, in width."""

    size: int
    first: int
    last: int


class Outcome(enum.Enum):
    """How a search ended."""

    FOUND = "found"
    IMPOSSIBLE = "impossible"
    LIMIT = "limit"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a search found: offsets if and only if the outcome is FOUND, and the nodes it took."""

    outcome: Outcome
    offsets: tuple[int, ...] | None
    nodes: int


def pack(blocks: Sequence[Block], near: Sequence[Sequence[int]], *, cap: int, node_limit: int) -> Answer:
    """Find offsets at which all blocks lie under the cap, or prove that there are none.

    Args:
        blocks: what to pack; each size is at least 1.
        near: for each block the others that live at some time when it does.
        cap: the height that no block may pass.
        node_limit: blocks that may be looked at; the search gives up when it has.
    """
    easy = easy_blocks(blocks, near, cap)
    core = sorted(set(range(len(blocks))) - set(easy), key=lambda i: (blocks[i].first, i))
    offsets = [-1] * len(blocks)
    nodes = 0
    for members, cliques in _sections(blocks, core):
        if any(sum(blocks[index].size for index in clique) > cap for clique in cliques):
            return Answer(outcome=Outcome.IMPOSSIBLE, offsets=None, nodes=nodes)
        outcome = Outcome.LIMIT
        ranks = _ranks(blocks, members)
        for left, rank in zip(range(len(ranks), 0, -1), ranks, strict=True):
            share = (node_limit - nodes) // left
            if share < len(members) ** 2 // 2:
                continue  # not enough to come to the end even once
            search = _Search(blocks, near, cap, rank)
            outcome = search.run(members, share)
            nodes += search.nodes
            if outcome is not Outcome.LIMIT:
                break
        if outcome is not Outcome.FOUND:
            return Answer(outcome=outcome, offsets=None, nodes=nodes)
        for index in members:
            offsets[index] = search.rest[index]
    for index in reversed(easy):
        offsets[index] = _lowest(blocks, near, offsets, index)
    return Answer(outcome=Outcome.FOUND, offsets=tuple(offsets), nodes=nodes)


def easy_blocks(blocks: Sequence[Block], near: Sequence[Sequence[int]], cap: int) -> list[int]:
    """Return blocks that find room under the cap wherever the rest lies, in the order to set aside.

    As in colouring registers (Chaitin, 1982): a neighbour of size m keeps a block of size n from at
    most n + m - 1 offsets. A block that has more offsets than its neighbours can take is set aside,
    and is then no neighbour to others. They are put back in the opposite order.
    """
    spare = [
        cap - block.size + 1 - sum(blocks[other].size + block.size - 1 for other in near[index])
        for index, block in enumerate(blocks)
    ]
    easy = [index for index, offsets in enumerate(spare) if offsets > 0]
    aside = set(easy)
    for index in easy:  # grows while it is read
        for other in near[index]:
            if other not in aside:
                spare[other] += blocks[index].size + blocks[other].size - 1
                if spare[other] > 0:
                    aside.add(other)
                    easy.append(other)
    return easy


def _lowest(
    blocks: Sequence[Block], near: Sequence[Sequence[int]], offsets: Sequence[int], index: int
) -> int:
    top = 0
    for offset, other in sorted((offsets[i], i) for i in near[index] if offsets[i] >= 0):
        if offset - top >= blocks[index].size:
            break
        top = max(top, offset + blocks[other].size)
    return top


def _sections(blocks: Sequence[Block], members: Sequence[int]) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Cut the members, sorted by `first`, at times that none of them crosses.

    Yields each section's members with its cliques: the largest sets that live at one time.
    """
    section: list[int] = []
    cliques: list[list[int]] = []
    live: list[int] = []
    for index in members:
        first = blocks[index].first
        still = [other for other in live if blocks[other].last >= first]
        if len(still) < len(live):
            cliques.append(live)
            if not still:
                yield section, cliques
                section, cliques = [], []
        still.append(index)
        section.append(index)
        live = still
    if section:
        cliques.append(live)
        yield section, cliques


def _ranks(blocks: Sequence[Block], members: Sequence[int]) -> list[dict[int, int]]:
    """Return orders in which blocks of equal offset may be tried.

    One order may succeed at once where another is lost in a bad beginning.
    """

    def width(index: int) -> int:
        return blocks[index].last - blocks[index].first + 1

    load: dict[int, int] = dict.fromkeys(members, 0)
    for _, cliques in _sections(blocks, members):
        for clique in cliques:
            total = sum(blocks[index].size for index in clique)
            for index in clique:
                load[index] = max(load[index], total)
    keys: list[Callable[[int], tuple[int, ...]]] = [
        lambda i: (-load[i], -blocks[i].size * width(i)),
        lambda i: (-blocks[i].size, -width(i)),
        lambda i: (-width(i), -blocks[i].size),
        lambda i: (-blocks[i].size * width(i), -load[i]),
    ]
    return [
        {index: rank for rank, index in enumerate(sorted(members, key=lambda i: (*key(i), i)))}
        for key in keys
    ]


@dataclass(kw_only=True)
class _Frame:
    """A section that is being packed, the choices of its next block, and what the choice left."""

    members: list[int]
    rest: list[int]
    floor: tuple[int, int]
    choices: list[int]
    children: list[list[int]]
    floor_after: tuple[int, int]


class _Search:
    """Depth first over (section, next block), on a stack of its own.

    Where a choice cuts its section in two, the parts no longer matter to each other: each is packed
    by itself, and when one cannot be, the choice is at fault and not the other part.

    Attributes:
        rest: for a placed block its offset, for another the lowest offset on what is placed.
        nodes: blocks looked at so far.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        near: Sequence[Sequence[int]],
        cap: int,
        rank: dict[int, int],
    ) -> None:
        self.blocks = blocks
        self.near = near
        self.cap = cap
        self.rank = rank
        self.rest = [0] * len(blocks)
        self.nodes = 0
        self.lost: set[tuple[object, ...]] = set()

    def run(self, members: list[int], node_limit: int) -> Outcome:
        """Pack the members, which are one section."""
        stack = [self._open(members, (0, -1))]
        while stack:
            frame = stack[-1]
            if frame.children:
                child = self._open(frame.children.pop(), frame.floor_after)
                if child.choices:
                    stack.append(child)
                else:
                    self._undo(frame)
            elif frame.choices:
                if self.nodes >= node_limit:
                    return Outcome.LIMIT
                if self._try(frame, frame.choices.pop()):
                    # All of it is placed, or its parts are still to be.
                    while stack and not stack[-1].children:
                        stack.pop()
                    if not stack:
                        return Outcome.FOUND
                else:
                    self._undo(frame)
            else:
                self.lost.add(self._key(frame.members, frame.floor))
                stack.pop()
                if stack:
                    self._undo(stack[-1])
        return Outcome.IMPOSSIBLE

    def _key(self, members: list[int], floor: tuple[int, int]) -> tuple[object, ...]:
        return (*members, *(self.rest[index] for index in members), *floor)

    def _undo(self, frame: _Frame) -> None:
        frame.children = []
        for index, rest in zip(frame.members, frame.rest, strict=True):
            self.rest[index] = rest

    def _open(self, members: list[int], floor: tuple[int, int]) -> _Frame:
        """Return a frame with the blocks that may come next, the best one last."""
        rest, rank, blocks = self.rest, self.rank, self.blocks
        choices: list[int] = []
        if self._key(members, floor) not in self.lost:
            # A block at or above what another would reach leaves a hole that the other fits in, and
            # could be moved down to: such packings need not be tried.
            top = min(rest[index] + blocks[index].size for index in members)
            seen: set[Block] = set()
            for index in sorted(members, key=rank.__getitem__):
                # Of equal blocks the first one goes first.
                if rest[index] < top and blocks[index] not in seen:
                    seen.add(blocks[index])
                    if (rest[index], rank[index]) > floor:
                        choices.append(index)
            choices.sort(key=lambda index: (rest[index], rank[index]), reverse=True)
        return _Frame(
            members=members,
            rest=[rest[index] for index in members],
            floor=floor,
            choices=choices,
            children=[],
            floor_after=floor,
        )

    def _try(self, frame: _Frame, index: int) -> bool:
        """Place a block; say whether what is left could still fit, and leave it in the frame."""
        self.nodes += len(frame.members)
        rest, blocks = self.rest, self.blocks
        top = rest[index] + blocks[index].size
        left = [other for other in frame.members if other != index]
        unplaced = set(left)
        for other in self.near[index]:
            if other in unplaced:
                rest[other] = max(rest[other], top)
        frame.floor_after = (rest[index], self.rank[index])
        for members, cliques in _sections(blocks, left):
            if not all(self._fits(clique, frame.floor_after[0]) for clique in cliques):
                return False
            frame.children.append(members)
        return True

    def _fits(self, clique: list[int], floor: int) -> bool:
        """Say whether blocks that live at one time, none below its rest, could be stacked.

        Of those that rest at or above some height, all must lie between it and the cap.
        """
        total = 0
        stacked = sorted(((self.rest[i], self.blocks[i].size) for i in clique), reverse=True)
        for rest, size in stacked:
            total += size
            if max(rest, floor) + total > self.cap:
                return False
        return True
