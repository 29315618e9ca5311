"""Which tensors share bytes, and from which step to which step those bytes are taken.

Steps are numbered from 0. Time -1 is when the caller writes the inputs, and time len(steps) is when
it reads the outputs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from samara.exporter.plan.program import Program, Step


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """Bytes that are placed as one piece.

    Attributes:
        tensors: ids of the tensors that start at the buffer's start, in the order they are written;
            empty for the scratch of step `first`.
        size: bytes, not rounded.
        first: time at which the bytes are first written.
        last: time at which they are last needed, inclusive.
    """

    tensors: tuple[int, ...]
    size: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Values:
    """The values of a program: a tensor and all its views are one value.

    Attributes:
        root: for each planned tensor the tensor that it is a view of in the end, or itself.
        first: for each root the time it is written.
        last: for each root the last time that it or a view of it is read, or written if never read.
        kept: roots of which the caller reads something after the last step.
    """

    root: Mapping[int, int]
    first: Mapping[int, int]
    last: Mapping[int, int]
    kept: frozenset[int]


def values(program: Program) -> Values:
    """Join each tensor with its views.

    A view of zero bytes has no bytes to share and stays a value of its own, so that it does not
    keep its source alive.
    """
    root = {tensor: tensor for tensor in program.inputs}
    first = dict.fromkeys(program.inputs, -1)
    last = dict(first)
    for time, step in enumerate(program.steps):
        source = dict(step.views)
        for tensor in step.inputs:
            if tensor in root:
                last[root[tensor]] = time
        for tensor in step.outputs:
            if tensor not in program.sizes:
                continue
            view = tensor in source and program.sizes[tensor] > 0
            root[tensor] = root[source[tensor]] if view else tensor
            first.setdefault(root[tensor], time)
            last[root[tensor]] = time
    kept = frozenset(root[tensor] for tensor in program.outputs if tensor in root)
    for tensor in kept:
        last[tensor] = len(program.steps)
    return Values(root=root, first=first, last=last, kept=kept)


def overwritable(step: Step, output: int, found: Values) -> list[int]:
    """Roots that the output may be written over, as far as the step alone can tell.

    Every operand that shows the same bytes must be declared, because the step might still read it
    by another index after a part of the output is written; and no view of those bytes may be born
    here. Whether a later step needs the bytes and whether they are enough is for the caller to see.
    """
    declared = {source for target, source in step.in_place if target == output}
    reads: dict[int, set[int]] = defaultdict(set)
    for tensor in step.inputs:
        if tensor in found.root:
            reads[found.root[tensor]].add(tensor)
    born = {found.root[target] for target, _ in step.views if target in found.root}
    return [
        root
        for root, tensors in reads.items()
        if tensors <= declared and root not in born and root not in found.kept
    ]


def lifetimes(program: Program, *, slack: int | None = None) -> list[Buffer]:
    """Return the buffers of a program: those of tensors first, then scratch, each in order.

    Views always share their source's buffer. An output takes over an input's buffer where its step
    allows it, nothing else reads that value later, and the buffer is large enough; among several
    the smallest is taken, and each is taken over once.

    Args:
        program: what to plan.
        slack: the most bytes of a buffer that a takeover may leave unused. None means any number.
            A small output that outlives a large input holds all of the large buffer, so a takeover
            is not always a gain.
    """
    found = values(program)
    home: dict[int, int] = {}
    members: list[list[int]] = []
    sizes: list[int] = []
    spans: list[tuple[int, int]] = []

    def settle(tensor: int, taken: int | None) -> None:
        root = found.root[tensor]
        if root != tensor:
            members[home[root]].append(tensor)
        elif taken is None:
            home[tensor] = len(members)
            members.append([tensor])
            sizes.append(program.sizes[tensor])
            spans.append((found.first[tensor], found.last[tensor]))
        else:
            home[tensor] = taken
            members[taken].append(tensor)
            spans[taken] = (spans[taken][0], max(spans[taken][1], found.last[tensor]))

    for tensor in program.inputs:
        settle(tensor, None)
    for time, step in enumerate(program.steps):
        used: set[int] = set()
        for tensor in step.outputs:
            if tensor not in program.sizes:
                continue
            need = program.sizes[tensor]
            room = {
                home[root]: sizes[home[root]]
                for root in overwritable(step, tensor, found)
                if found.last[root] == time and home[root] not in used
            }
            fits = [
                (size, buffer)
                for buffer, size in room.items()
                if 0 < need <= size and (slack is None or size - need <= slack)
            ]
            taken = min(fits)[1] if fits else None
            if taken is not None:
                used.add(taken)
            settle(tensor, taken)

    held = [
        Buffer(tensors=tuple(tensors), size=size, first=first, last=last)
        for tensors, size, (first, last) in zip(members, sizes, spans, strict=True)
    ]
    scratch = [
        Buffer(tensors=(), size=step.scratch, first=time, last=time)
        for time, step in enumerate(program.steps)
        if step.scratch > 0
    ]
    return held + scratch
