"""A second opinion on a plan: run the program over a map of bytes and see that nothing is lost.

This shares no code with the planner. It does not know of buffers, takeovers or placement: it only
writes each tensor where the plan says, and looks whether what is read later is still there. So it
holds for a plan from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from samara.exporter.plan.program import Program, Step

Range = tuple[int, int]


class PlanError(ValueError):
    """A plan under which the program would read wrong bytes."""


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What the checker measured.

    Attributes:
        peak: the most bytes that the plan has in use at one time: tensors that are still needed and
            scratch, each rounded up to the alignment, shared bytes once.
        attained_by: the name of the first step that has them, or `inputs` or `outputs` for before
            the first step and after the last.
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
    alignment: int = 64,
) -> CheckReport:
    """Run the program over byte ranges and raise at the first that is not as it should be.

    Args:
        program: what the plan is for.
        offsets: the start of each planned tensor in the arena, in bytes.
        scratch_offsets: the start of the scratch of each step that has any, by step number.
        arena: bytes of the arena.
        alignment: what every offset is a multiple of, and sizes are rounded up to.

    Raises:
        PlanError: the plan is wrong; the message names step, tensors and byte ranges.
    """
    checker = _Checker(program, offsets, scratch_offsets, arena, alignment)
    return checker.run()


class _Checker:
    """The state of the arena while the program runs.

    Attributes:
        map: ranges that were written, sorted and disjoint, each with the tensor whose bytes it has.
        origin: for each tensor written the one it is a view of in the end: whose bytes it shows.
    """

    def __init__(
        self,
        program: Program,
        offsets: Mapping[int, int],
        scratch_offsets: Mapping[int, int],
        arena: int,
        alignment: int,
    ) -> None:
        self.program = program
        self.offsets = offsets
        self.scratch_offsets = scratch_offsets
        self.arena = arena
        self.alignment = alignment
        self.map: list[tuple[int, int, int | None]] = []
        self.origin: dict[int, int] = {}

    def run(self) -> CheckReport:
        for tensor in sorted(self.program.sizes):
            if tensor not in self.offsets:
                raise PlanError(f"{self.program.name}: tensor {tensor} has no offset")
            self._bounds("plan", f"tensor {tensor}", self._range(tensor))
        in_use: list[tuple[str, list[Range]]] = []
        where = f"{self.program.name}: inputs"
        self._apart(where, [(f"input {t}", self._range(t)) for t in self.program.inputs])
        for tensor in self.program.inputs:
            self._write(self._range(tensor), tensor)
            self.origin[tensor] = tensor
        for index, step in enumerate(self.program.steps):
            self._step(index, step)
        for tensor in self.program.outputs:
            if tensor in self.program.sizes:
                self._read(f"{self.program.name}: outputs", tensor)
        in_use = self._in_use()
        peak, attained_by = 0, "inputs"
        for name, ranges in in_use:
            live = _union(ranges)
            if live > peak:
                peak, attained_by = live, name
        return CheckReport(peak=peak, attained_by=attained_by, arena=self.arena)

    def _step(self, index: int, step: Step) -> None:
        where = f"{self.program.name}: step {index} {step.name!r}"
        planned = self.program.sizes
        reads = [tensor for tensor in dict.fromkeys(step.inputs) if tensor in planned]
        writes = [tensor for tensor in step.outputs if tensor in planned]
        views = dict(step.views)
        for tensor in reads:
            self._read(where, tensor)
        for output in writes:
            if output in views:
                self._view(where, output, views[output])
        named = [(f"output {tensor}", self._range(tensor)) for tensor in writes]
        scratch = self._scratch(where, index, step)
        if scratch is not None:
            named.append(("scratch", scratch))
            for tensor in reads:
                self._apart(where, [("scratch", scratch), (f"input {tensor}", self._range(tensor))])
        # Several views of one tensor are the only outputs that share bytes.
        self._apart(where, [pair for pair, tensor in zip(named, writes) if tensor not in views])
        for position, tensor in enumerate(writes):
            others = [pair for place, pair in enumerate(named) if place != position]
            if tensor not in views:
                for other in others:
                    self._apart(where, [named[position], other])
        if scratch is not None:
            for tensor in writes:
                self._apart(
                    where, [("scratch", scratch), (f"output {tensor}", self._range(tensor))]
                )
        for output in writes:
            if output not in views:
                self._over_inputs(where, step, output, reads)
        if scratch is not None:
            self._write(scratch, None)
        for output in writes:
            if output in views:
                self.origin[output] = self.origin[views[output]]
            else:
                self._write(self._range(output), output)
                self.origin[output] = output
