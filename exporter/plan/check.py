"""A second opinion on a plan: run the program over a map of bytes and see that nothing is lost.

This shares no code with the planner. It does not know of buffers, takeovers or placement: it only
writes each tensor where the plan says, and looks whether what is read later is still there. So it
holds for a plan from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from samara.exporter.plan.program import Program, Step
from samara.exporter.plan.stripes import Stripes

Range = tuple[int, int]
"""Bytes from a start to an end, the end not included."""


class PlanError(ValueError):
    """A plan under which the program would read wrong bytes."""


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What the checker measured.

    Attributes:
        peak: the most bytes that the plan has in use at one time: tensors that are still needed and
            scratch, each to the next multiple of the alignment, shared bytes once.
        attained_by: the name of the first step that has them, or `inputs` before any.
        arena: bytes of the arena that was checked.
    """

    peak: int
    attained_by: str
    arena: int


def check(
    program: Program,
    offsets: Mapping[int, int],
    scratch_offsets: Mapping[int, int],
    arena: int,
    *,
    rows: Mapping[int, int] | None = None,
    alignment: int = 64,
) -> CheckReport:
    """Run the program over byte ranges and raise at the first that is not as it should be.

    Args:
        program: what the plan is for.
        offsets: the start of each planned tensor in the arena, in bytes; where a tensor of no bytes
            starts does not matter. What may be a part of another tensor, or has rows apart, may start anywhere.
        scratch_offsets: the start of the scratch of each step that has any, by step number.
        arena: bytes of the arena.
        rows: for each tensor whose rows do not lie together how many bytes apart they begin.
        alignment: what every offset is a multiple of, and sizes are rounded up to.

    Raises:
        PlanError: the plan is wrong; the message names step, tensors and byte ranges.
    """
    rows = rows or {}
    run = _Run(program, offsets, rows, scratch_offsets, arena, alignment)
    parts = {part for step in program.steps for part, _, _ in (*step.views, *step.joins, *step.rows)}
    parts |= {part for step in program.steps for part, _, _ in step.cuts} | set(rows)
    for tensor in sorted(program.sizes):
        what = f"{program.name}: tensor {tensor}"
        run.see_rows(what, tensor)
        size = program.span(tensor, rows.get(tensor, 0))
        run.see_within(what, offsets.get(tensor), size, part=tensor in parts)
    for index, step in enumerate(program.steps):
        where = f"{run.where(index)}: scratch"
        run.see_within(where, scratch_offsets.get(index), step.scratch)
    run.write_inputs()
    for index, step in enumerate(program.steps):
        run.step(index, step)
    for tensor in program.outputs:
        run.read(f"{program.name}: after the last step the caller", tensor)
    return run.report()


def check_within(what: str, offsets: Mapping[int, int], sizes: Mapping[int, int], room: Range) -> None:
    """Raise unless all tensors of a body lie within the scratch of the step that runs it.

    Args:
        what: the body, in messages.
        offsets: the start of each tensor in the whole arena.
        sizes: their bytes.
        room: the scratch of the step.
    """
    for tensor, size in sizes.items():
        start = offsets.get(tensor, 0)
        if size and not room[0] <= start <= start + size <= room[1]:
            raise PlanError(
                f"{what}: tensor {tensor} at bytes {_text((start, start + size))} is outside {_text(room)}, which is "
                "what its caller keeps free"
            )


class _Run:
    """The state of the arena while the program runs.

    Attributes:
        held: bytes that were written, disjoint, each with the tensor whose bytes they are, or None
            for scratch.
        origin: for each tensor written the one whose bytes it shows: itself, unless it is a view.
        born: for each origin the time it was written, -1 for inputs.
        needed: for each origin the last time it was written or read.
    """

    def __init__(
        self,
        program: Program,
        offsets: Mapping[int, int],
        rows: Mapping[int, int],
        scratch_offsets: Mapping[int, int],
        arena: int,
        alignment: int,
    ) -> None:
        self.program = program
        self.offsets = offsets
        self.rows = rows
        self.scratch_offsets = scratch_offsets
        self.arena = arena
        self.alignment = alignment
        self.time = -1
        self.held: list[tuple[Stripes, int | None]] = []
        self.origin: dict[int, int] = {}
        self.born: dict[int, int] = {}
        self.needed: dict[int, int] = {}
        self.rooms: dict[int, int] = {}
        self.shown: dict[int, int] = {}

    def where(self, index: int) -> str:
        return f"{self.program.name}: step {index} {self.program.steps[index].name!r}"

    def see_within(self, what: str, start: int | None, size: int, *, part: bool = False) -> None:
        """Raise unless a piece of the plan is there, inside the arena, and aligned unless it is a part of another."""
        if size == 0:
            return
        if start is None:
            raise PlanError(f"{what} of {size} bytes has no offset")
        end = start + (size if part else self._rounded(size))
        if start % self.alignment and not part:
            raise PlanError(
                f"{what}: offset {start} of bytes {_text((start, end))} is not a multiple of {self.alignment}"
            )
        if start < 0 or end > self.arena:
            raise PlanError(f"{what}: bytes {_text((start, end))} pass the arena of {self.arena}")

    def see_rows(self, what: str, tensor: int) -> None:
        """Raise unless rows that lie apart do not overlap, and all that touch the tensor can go by their distance."""
        if tensor not in self.rows:
            return
        if tensor in (*self.program.inputs, *self.program.outputs):
            raise PlanError(f"{what} is the caller's, and its rows lie apart")
        if not 0 < self.program.widths.get(tensor, 0) <= self.rows[tensor] or not self.program.sizes[tensor]:
            raise PlanError(f"{what}: rows that begin {self.rows[tensor]} bytes apart")
        for index, step in enumerate(self.program.steps):
            if tensor in (*step.inputs, *step.outputs) and tensor not in step.strided:
                raise PlanError(f"{self.where(index)} cannot take tensor {tensor}, whose rows lie apart")

    def write_inputs(self) -> None:
        names = [(f"input {tensor}", self._bytes(tensor)) for tensor in self.program.inputs]
        _see_apart(f"{self.program.name}: inputs", names)
        for tensor in self.program.inputs:
            self._write(tensor)
        for tensor in self.program.arguments:
            self._fill_room(f"{self.program.name}: arguments", tensor, ())

    def step(self, index: int, step: Step) -> None:
        """Read the inputs, see that what is written meets nothing it must not, and write it."""
        self.time = index
        where = self.where(index)
        views = {v: (source, at) for v, source, at in step.views if self.program.sizes.get(v, 0) > 0}
        cuts = {v: (source, at) for v, source, at in step.cuts if self._in_rows(v, source, at)}
        joined = {(w, p) for p, w, at in step.joins if self._lies_in(p, w, at)}
        joined |= {(w, p) for p, w, at in step.rows if self._in_rows(p, w, at)}
        reads = [tensor for tensor in dict.fromkeys(step.inputs) if tensor in self.program.sizes]
        viewing = [tensor for tensor in step.outputs if tensor in views or tensor in cuts]
        writes = [tensor for tensor in step.outputs if tensor in self.program.sizes and tensor not in viewing]
        for tensor in (*reads, *(t for t in step.inputs if t in self.program.rooms)):
            self.read(where, tensor)
        self._write_rooms(where, step)

        scratch = self.scratch_offsets.get(index, 0)
        fresh = [(f"output {tensor}", self._bytes(tensor)) for tensor in writes]
        fresh.append(("scratch", _together(scratch, step.scratch)))
        _see_apart(where, fresh)
        for tensor in viewing:
            if tensor in views:
                self._see_view(where, tensor, *views[tensor])
            for piece in fresh:
                _see_apart(where, [piece, (f"output {tensor}", self._bytes(tensor))])
        for tensor in reads:
            _see_apart(where, [fresh[-1], (f"input {tensor}", self._bytes(tensor))])
            for output in writes:
                over = (output, tensor) in step.in_place and self._starts_at(output, tensor, 0)
                over = over and self._alike(output, tensor)
                if over or (output, tensor) in joined:
                    continue
                pieces = [
                    (f"{role} {i}", self._bytes(i)) for role, i in (("output", output), ("input", tensor))
                ]
                _see_apart(where, pieces)

        self._hold(fresh[-1][1], None)
        for tensor in viewing:
            self.origin[tensor] = self.origin[(views.get(tensor) or cuts[tensor])[0]]
            self.needed[self.origin[tensor]] = index
        for tensor in writes:
            self._write(tensor)

    def read(self, where: str, tensor: int) -> None:
        """Raise unless all bytes of a tensor are those that were written for it."""
        if tensor in self.program.rooms:
            room = self.program.rooms[tensor]
            if self.rooms.get(room) != self.shown.get(tensor, tensor):
                raise PlanError(
                    f"{where} reads tensor {tensor} in room {room}, but tensor {self.rooms.get(room)} is there"
                )
        if tensor not in self.program.sizes:
            return
        origin = self.origin[tensor]
        self.needed[origin] = max(self.needed[origin], self.time)
        wanted = self._bytes(tensor)
        missing = [] if wanted is None else [wanted]
        for piece, owner in self.held:
            if owner == origin:
                missing = [left for part in missing for left in part.without(piece)]
        if missing and wanted is not None:
            # What was written once is held by something ever after.
            at = min(part.start for part in missing)
            piece, owner = next((p, o) for p, o in self.held if list(p.within(at, at + 1)))
            holder = "scratch" if owner is None else f"tensor {owner}"
            raise PlanError(
                f"{where} reads tensor {tensor} at bytes {_text(wanted)}, but {holder} was"
                f" written to {_text((at, min(wanted.end, piece.end)))}"
            )

    def _write_rooms(self, where: str, step: Step) -> None:
        """Fill the rooms of what a step writes; what it reads there must be free to be written over."""
        rooms = self.program.rooms
        views = {v: source for v, source, _ in step.views if v in rooms}
        for tensor in step.outputs:
            if tensor not in rooms:
                continue
            if tensor in views:
                source = views[tensor]
                if rooms.get(source) != rooms[tensor]:
                    raise PlanError(
                        f"{where}: tensor {tensor} is a view of {source}, which is in another room"
                    )
                self.shown[tensor] = self.shown.get(source, source)
                continue
            over = [t for t in dict.fromkeys(step.inputs) if rooms.get(t) == rooms[tensor]]
            self._fill_room(where, tensor, [t for t in over if (tensor, t) not in step.in_place])

    def _fill_room(self, where: str, tensor: int, meets: Sequence[int]) -> None:
        room = self.program.rooms[tensor]
        if meets or (self.time < 0 and room in self.rooms):
            raise PlanError(f"{where}: tensor {tensor} is written to room {room}, over what is read there")
        self.rooms[room] = tensor
        self.shown[tensor] = tensor

    def report(self) -> CheckReport:
        """Measure the bytes in use at each time."""
        # What the caller reads after the last step is there at that step too.
        end = len(self.program.steps) - 1
        for tensor in self.program.outputs:
            if tensor in self.program.sizes:
                self.needed[self.origin[tensor]] = end
        used: list[list[Range]] = [[] for _ in range(end + 2)]
        for origin, born in self.born.items():
            start = self.offsets.get(origin, 0)
            span = self.program.span(origin, self.rows.get(origin, 0))
            piece = (start, self._rounded(start + span))
            for time in range(born, self.needed[origin] + 1):
                used[time + 1].append(piece)
        for index, step in enumerate(self.program.steps):
            start = self.scratch_offsets.get(index, 0)
            used[index + 1].append((start, start + self._rounded(step.scratch)))
        names = ["inputs", *(step.name for step in self.program.steps)]
        bytes_used = [_union(pieces) for pieces in used]
        peak = max(bytes_used)
        return CheckReport(peak=peak, attained_by=names[bytes_used.index(peak)], arena=self.arena)

    def _see_view(self, where: str, tensor: int, source: int, at: int) -> None:
        if not self._lies_in(tensor, source, at):
            raise PlanError(
                f"{where}: tensor {tensor} at bytes {_text(self._bytes(tensor))} is a view of"
                f" tensor {source} at bytes {_text(self._bytes(source))} from its byte {at} on, and starts elsewhere"
            )

    def _starts_at(self, one: int, other: int, at: int) -> bool:
        planned = one in self.program.sizes and other in self.program.sizes
        return planned and self.offsets.get(one, 0) == self.offsets.get(other, 0) + at

    def _lies_in(self, part: int, whole: int, at: int) -> bool:
        """Whether a part is the bytes of a whole from `at` on, counted as if its rows lay together."""
        row = self.rows.get(whole)
        if row is None:
            return part not in self.rows and self._starts_at(part, whole, at)
        width = self.program.widths[whole]
        alike = self.rows.get(part) == row and self.program.widths.get(part) == width and at % width == 0
        return alike and self._starts_at(part, whole, at // width * row)

    def _alike(self, one: int, other: int) -> bool:
        """Whether the rows of two tensors of as many bytes lie alike."""
        widths = [self.program.widths.get(tensor) for tensor in (one, other)]
        return self.rows.get(one) == self.rows.get(other) and (one not in self.rows or widths[0] == widths[1])

    def _in_rows(self, part: int, whole: int, at: int) -> bool:
        """Whether the rows of a part lie in those of a whole, from byte `at` of each on."""
        alike = self.rows.get(part) == self.rows.get(whole, self.program.widths[whole])
        return alike and self._starts_at(part, whole, at)

    def _rounded(self, size: int) -> int:
        return (size + self.alignment - 1) // self.alignment * self.alignment

    def _bytes(self, tensor: int) -> Stripes | None:
        start, size = self.offsets.get(tensor, 0), self.program.sizes[tensor]
        if tensor not in self.rows:
            return _together(start, size)
        width = self.program.widths[tensor]
        return Stripes(start=start, width=width, step=self.rows[tensor], count=size // width)

    def _write(self, tensor: int) -> None:
        self._hold(self._bytes(tensor), tensor)
        self.origin[tensor] = tensor
        self.born[tensor] = self.needed[tensor] = self.time

    def _hold(self, piece: Stripes | None, owner: int | None) -> None:
        if piece is None:
            return
        kept: list[tuple[Stripes, int | None]] = [(piece, owner)]
        for held, other in self.held:
            kept += [(left, other) for left in held.without(piece)]
        self.held = kept


def _together(start: int, size: int) -> Stripes | None:
    """Bytes in one piece, if there are any."""
    return Stripes(start=start, width=size) if size else None


def _see_apart(where: str, pieces: Sequence[tuple[str, Stripes | None]]) -> None:
    """Raise if two of the named pieces share a byte."""
    for position, (name, one) in enumerate(pieces):
        for other_name, other in pieces[:position]:
            if one is not None and other is not None and next(one.both(other), None) is not None:
                raise PlanError(
                    f"{where}: {other_name} at bytes {_text(other)} overlaps {name} at bytes {_text(one)}"
                )


def _union(pieces: list[Range]) -> int:
    """Return how many bytes are in at least one of the ranges."""
    total, top = 0, 0
    for start, end in sorted(pieces):
        total += max(0, end - max(start, top))
        top = max(top, end)
    return total


def _text(piece: Stripes | Range | None) -> str:
    if piece is None:
        return "[)"
    if isinstance(piece, Stripes):
        apart = f" in rows {piece.step} apart" if piece.step else ""
        return f"[{piece.start}, {piece.end}){apart}"
    return f"[{piece[0]}, {piece[1]})"
