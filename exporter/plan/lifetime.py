"""Which tensors share bytes, and from which step to which step those bytes are taken.

Steps are numbered from 0. Time -1 is when the caller writes the inputs, and time len(steps) is when
it reads the outputs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from samara.exporter.plan.program import Program, Step


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """Bytes that are placed as one piece.

    Attributes:
        tensors: ids of the tensors that lie in the buffer, in the order they are written; empty for the scratch of
            step `first`.
        places: for each of them how many bytes after the buffer's start it begins.
        rows: pairs (tensor, bytes): the rows of one of them do not lie together but begin so many bytes apart.
        size: bytes, not rounded.
        first: time at which the bytes are first written.
        last: time at which they are last needed, inclusive.
    """

    tensors: tuple[int, ...]
    places: tuple[int, ...] = ()
    rows: tuple[tuple[int, int], ...] = ()
    size: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Values:
    """The values of a program: a tensor, all its views and all that is joined to it are one value.

    Attributes:
        program: whose they are.
        root: for each planned tensor the tensor that it is a part of in the end, or itself.
        place: for each planned tensor how many bytes after its root's start it begins.
        rows: for each tensor whose rows lie apart how many bytes they are.
        first: for each root the time that it or the first part of it is written.
        last: for each root the last time that it or a view of it is read, or written if never read.
        kept: roots of which the caller reads something after the last step.
    """

    program: Program
    root: Mapping[int, int]
    place: Mapping[int, int]
    rows: Mapping[int, int]
    first: Mapping[int, int]
    last: Mapping[int, int]
    kept: frozenset[int]

    def end(self, tensor: int) -> int:
        """How many bytes after its root's start a tensor ends."""
        return self.place[tensor] + self.program.span(tensor, self.rows.get(tensor, 0))


def values(
    program: Program,
    *,
    joins: bool = True,
    apart: Collection[int] = (),
    alone: Collection[int] = (),
    copied: Collection[int] = (),
) -> Values:
    """Join each tensor with its views, and with the parts that it is made of.

    A view of zero bytes has no bytes to share and stays a value of its own, so that it does not keep its source alive.
    Pieces of the rows of a tensor are views of it where all that touch them can go by the distance of rows, unless it
    is in `copied`. With `joins` a tensor lies from the start where the step that joins it with others needs it, if it
    is a value of its own, nobody reads it later, and the caller neither writes nor reads it. The rows of such a tensor
    lie in those of the whole where all that touch it, or lie in it, can go by their distance, unless the whole is in
    `apart`; there lies too what such a part is written over, unless the whole is in `alone`.
    """
    rigid = _rigid(program)
    homes: dict[int, _Home] = {}
    root = {tensor: tensor for tensor in program.inputs}
    first = dict.fromkeys(program.inputs, -1)
    last = dict(first)
    for time, step in enumerate(program.steps):
        source = {output: _Home(whole=tensor, offset=at) for output, tensor, at in step.views}
        for output, tensor, at in step.cuts:
            if output not in rigid and tensor not in copied:
                source[output] = _Home(whole=tensor, offset=at, in_rows=True)
        for tensor in step.inputs:
            if tensor in root:
                last[root[tensor]] = time
        for tensor in step.outputs:
            if tensor not in program.sizes:
                continue
            root[tensor] = tensor
            if tensor in source and program.sizes[tensor] > 0:
                homes[tensor] = source[tensor]
                root[tensor] = root[homes[tensor].whole]
            first.setdefault(root[tensor], time)
            last[root[tensor]] = time
    kept = frozenset(root[tensor] for tensor in program.outputs if tensor in root)
    for tensor in kept:
        last[tensor] = len(program.steps)
    found = Values(program=program, root=root, place={}, rows={}, first=first, last=last, kept=kept)
    if joins:
        _join(found, homes, rigid, apart, alone)
    return _settled(found, homes)


@dataclass(frozen=True, kw_only=True)
class _Home:
    """Where a part lies: from which byte of the whole on, whether in its rows, and what is then written over it."""

    whole: int
    offset: int
    in_rows: bool = False
    over: int | None = None


def _join(
    found: Values, homes: dict[int, _Home], rigid: set[int], apart: Collection[int], alone: Collection[int]
) -> None:
    """Give each part of a join its place in the whole."""
    program = found.program
    over = set()
    for time, step in enumerate(program.steps):
        for part, at in _places(step, apart):
            own = found.root.get(at.whole) == at.whole and part not in homes
            if own and _ends(step, time, part, found) and not (at.in_rows and part in rigid):
                homes[part] = at
                if not at.in_rows and (part in rigid or not _whole_rows(program, part, at)):
                    rigid.add(at.whole)
    for time, step in reversed(list(enumerate(program.steps))):
        for output, source in step.in_place:
            home = homes.get(output) if found.root.get(output) == output else None
            part = home is not None and home.in_rows and home.whole not in alone
            own = part and source not in homes and source not in rigid and _ends(step, time, source, found)
            own = own and program.sizes[source] == program.sizes[output]
            own = own and program.widths.get(source) == program.widths[output]
            if home is not None and own and output not in over:
                homes[source] = replace(home, over=output)
                over.add(output)


def _settled(found: Values, homes: Mapping[int, _Home]) -> Values:
    """Values with the place of each tensor in its root, which has all that lies in it from the first part on."""
    program = found.program
    root: dict[int, int] = {}
    place: dict[int, int] = {}
    rows: dict[int, int] = {}
    first = dict(found.first)
    for tensor in found.root:
        within = [tensor]
        while within[-1] in homes:
            within.append(homes[within[-1]].whole)
        at = row = 0
        for part in within[-2::-1]:
            home = homes[part]
            if home.in_rows:
                row = row or program.widths[home.whole]
                at += home.offset
            else:
                at += home.offset // program.widths[part] * row if row else home.offset
        root[tensor], place[tensor] = within[-1], at
        if row:
            rows[tensor] = row
        first[within[-1]] = min(first[within[-1]], found.first.get(tensor, first[within[-1]]))
    return replace(found, root=root, place=place, rows=rows, first=first)


def _ends(step: Step, time: int, tensor: int, found: Values) -> bool:
    """Whether a step is the last that needs a tensor, which is a value of its own and the program's alone."""
    return (
        found.root.get(tensor) == tensor
        and tensor not in found.kept
        and tensor not in found.program.inputs
        # Another view of the tensor is no part of a whole to the step.
        and _reads(step, found)[tensor] == {tensor}
        and found.last[tensor] == time
        and found.program.sizes[tensor] > 0
        # Nor is one born there, which would be needed later.
        and not any(found.root.get(output) == tensor for output in step.outputs)
    )


def _places(step: Step, apart: Collection[int]) -> Iterator[tuple[int, _Home]]:
    """The parts that a step joins, and where they could lie."""
    for part, whole, offset in step.joins:
        yield part, _Home(whole=whole, offset=offset)
    for part, whole, offset in step.rows:
        if whole not in apart:
            yield part, _Home(whole=whole, offset=offset, in_rows=True)


def _rigid(program: Program) -> set[int]:
    """Tensors whose rows must lie together: the caller's, and where a step or a view cannot go by their distance."""
    rigid = {*program.inputs, *program.outputs}
    for step in program.steps:
        rigid |= {t for t in (*step.inputs, *step.outputs) if t not in step.strided}
    for step in reversed(program.steps):
        for output, source, offset in step.views:
            if program.sizes.get(output, 0) > 0:
                home = _Home(whole=source, offset=offset)
                if output in rigid or not _whole_rows(program, output, home):
                    rigid.add(source)
    return rigid


def _whole_rows(program: Program, part: int, home: _Home) -> bool:
    """Whether a part is some rows of the whole."""
    width = program.widths.get(home.whole, 0)
    return width > 0 and program.widths.get(part) == width and home.offset % width == 0


def _reads(step: Step, found: Values) -> dict[int, set[int]]:
    """The planned tensors that a step reads, by their roots."""
    reads: dict[int, set[int]] = defaultdict(set)
    for tensor in step.inputs:
        if tensor in found.root:
            reads[found.root[tensor]].add(tensor)
    return reads


def _free(step: Step, found: Values) -> dict[int, set[int]]:
    """Those of roots that the step may write to, as far as others than its kernel can tell."""
    born = {found.root[output] for output in step.outputs if output in found.root}
    return {r: t for r, t in _reads(step, found).items() if r not in born and r not in found.kept}


def overwritable(step: Step, output: int, found: Values) -> list[int]:
    """Roots that the output may be written over, as far as the step alone can tell.

    Every operand that shows the same bytes must be declared, because the step might still read it
    by another index after a part of the output is written; and no view of those bytes may be born
    here. Whether a later step needs the bytes and whether they are enough is for the caller to see.
    """
    if found.root[output] != output:
        return []
    declared = {source for target, source in step.in_place if target == output}
    return [
        root
        for root, tensors in _free(step, found).items()
        if tensors <= declared and not any(found.place[t] or t in found.rows for t in tensors)
    ]


def movable(step: Step, output: int, found: Values) -> list[int]:
    """Roots whose bytes the output's root may have, because what the step reads of them lies apart from the output.

    So the last rows of a strip move to the beginning of the next one.
    """
    if len(step.outputs) != 1:
        return []
    at = found.place[output], found.end(output)
    return [
        root
        for root, tensors in _free(step, found).items()
        if root != found.root[output]
        and all(found.place[t] >= at[1] or found.end(t) <= at[0] for t in tensors)
    ]


def lifetimes(
    program: Program,
    *,
    slack: int | None = None,
    joins: bool = True,
    apart: Collection[int] = (),
    alone: Collection[int] = (),
    copied: Collection[int] = (),
) -> list[Buffer]:
    """Return the buffers of a program: those of tensors first, then scratch, each in order.

    Views always share their source's buffer. An output takes over an input's buffer where its step
    allows it, nothing else reads that value later, and the buffer is large enough; among several
    the smallest is taken, and each is taken over once.

    Args:
        program: what to plan.
        slack: the most bytes of a buffer that a takeover may leave unused. None means any number.
            A small output that outlives a large input holds all of the large buffer, so a takeover
            is not always a gain.
        joins: whether the parts of a join lie in the whole from the start. That is not always a gain either: the
            first part holds the room of all of them.
        apart: wholes in whose rows no part lies.
        alone: wholes in whose rows nothing lies but their parts.
        copied: tensors of which pieces of rows are copied.
    """
    found = values(program, joins=joins, apart=apart, alone=alone, copied=copied)
    home: dict[int, int] = {}
    members: list[list[int]] = []
    sizes: list[int] = []
    spans: list[tuple[int, int]] = []

    def settle(tensor: int, taken: int | None) -> None:
        root = found.root[tensor]
        if root in home:
            members[home[root]].append(tensor)
        elif taken is None:
            home[root] = len(members)
            members.append([tensor])
            sizes.append(program.sizes[root])
            spans.append((found.first[root], found.last[root]))
        else:
            home[root] = taken
            members[taken].append(tensor)
            sizes[taken] = max(sizes[taken], program.sizes[root])
            spans[taken] = (spans[taken][0], max(spans[taken][1], found.last[root]))

    def room(roots: list[int], time: int, used: set[int]) -> dict[int, int]:
        """The buffers that nobody needs after the step, with their sizes."""
        return {
            home[root]: sizes[home[root]]
            for root in roots
            if found.last[root] == time and home[root] not in used
        }

    for tensor in program.inputs:
        settle(tensor, None)
    for time, step in enumerate(program.steps):
        used: set[int] = set()
        for tensor in step.outputs:
            if tensor not in program.sizes:
                continue
            need = program.sizes[found.root[tensor]]
            fits = [
                (size, buffer)
                for buffer, size in room(overwritable(step, tensor, found), time, used).items()
                if 0 < need <= size and (slack is None or size - need <= slack)
            ]
            if not fits and found.root[tensor] not in home:
                beside = room(movable(step, tensor, found), time, used)
                fits = [(size, b) for b, size in beside.items() if size <= 2 * need and need <= 2 * size]
            taken = min(fits)[1] if fits else None
            if taken is not None:
                used.add(taken)
            settle(tensor, taken)

    held = [
        Buffer(
            tensors=tuple(tensors),
            places=tuple(found.place[t] for t in tensors),
            rows=tuple((t, found.rows[t]) for t in tensors if t in found.rows),
            size=size,
            first=first,
            last=last,
        )
        for tensors, size, (first, last) in zip(members, sizes, spans, strict=True)
    ]
    scratch = [
        Buffer(tensors=(), size=step.scratch, first=time, last=time)
        for time, step in enumerate(program.steps)
        if step.scratch > 0
    ]
    return held + scratch
