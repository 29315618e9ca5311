"""The memory plan: which tensors share bytes, where they lie, and how near that is to the bound.

    program = Program(
        name="main",
        sizes={0: 1000, 1: 4000, 2: 4000},
        inputs=(0,),
        outputs=(2,),
        steps=(
            Step(name="conv", inputs=(0,), outputs=(1,), scratch=256),
            Step(name="relu", inputs=(1,), outputs=(2,), in_place=((2, 1),)),
        ),
    )
    memory = plan(program)
    memory.arena, memory.bound_order, memory.offsets[2]

Each program of a file gets a plan of its own; the file's arena is the largest of them. That of a body lies within the
scratch of the step that runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from samara.exporter.plan.arena import Plan, place
from samara.exporter.plan.bounds import bound_any, bound_order
from samara.exporter.plan.check import CheckReport, PlanError, check, check_within
from samara.exporter.plan.choices import choose
from samara.exporter.plan.lifetime import Buffer, lifetimes
from samara.exporter.plan.program import Program, Step

__all__ = [
    "Buffer",
    "CheckReport",
    "MemoryPlan",
    "PlanError",
    "Program",
    "Step",
    "check",
    "check_within",
    "plan",
]


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """Where everything in a program lies, and the bounds it is measured by. All in bytes.

    Attributes:
        arena: the arena's size (P).
        bound_order: the most bytes live at one time (B2). No placement of these buffers is smaller
            while the steps run in this order.
        bound_any: the most that one step needs by itself (B1). No order of these steps needs less.
        attained_by: the name of the first step that has `bound_order` bytes live, or `inputs` for
            the time before the first step.
        method: what found the placement: `size`, `breadth`, `lifetime`, `restart` or `exact`.
        optimal: no placement of these buffers is smaller.
        offsets: the start of each planned tensor.
        scratch_offsets: the start of the scratch of each step that has any, by step number.
        rows: for each tensor whose rows do not lie together how many bytes apart they begin: it lies in the rows of a
            larger one.
        buffers: what was placed: tensors that share bytes, and scratch, with their lifetimes.
    """

    arena: int
    bound_order: int
    bound_any: int
    attained_by: str
    method: str
    optimal: bool
    offsets: Mapping[int, int]
    scratch_offsets: Mapping[int, int]
    rows: Mapping[int, int]
    buffers: tuple[Buffer, ...]


def plan(program: Program, *, alignment: int = 64) -> MemoryPlan:
    """Plan the memory of a program, and have the plan checked.

    Args:
        program: what to plan. Dimensions that vary are planned at their upper bounds.
        alignment: power of two in bytes; 64 suits hosts, 16 microcontrollers.

    Raises:
        ValueError: the alignment is not a power of two.
        PlanError: the plan is wrong, which is a fault of the planner and not of the program.
    """
    choices = choose(program, alignment)
    choices.keep_needed()
    buffers = choices.buffers()
    placed = place(buffers, alignment=alignment)
    # A takeover by a much smaller output saves bytes at one step and may cost more later, and so may a join.
    tried = [buffers]
    for slack, joins, apart, copied in (
        (None, True, choices.wholes, choices.copied),
        (alignment - 1, True, choices.apart, choices.copied),
        (alignment - 1, True, choices.wholes, choices.copied),
        (None, False, choices.apart, choices.copied),
        (alignment - 1, False, choices.apart, choices.copied),
        (None, True, choices.wholes, choices.cut),
        (None, False, choices.apart, choices.cut),
    ):
        without = lifetimes(
            program, slack=slack, joins=joins, apart=apart, alone=choices.alone, copied=copied
        )
        if bound_order(without, alignment=alignment)[0] < placed.arena and without not in tried:
            tried.append(without)
            other = place(without, alignment=alignment)
            if other.arena < placed.arena:
                buffers, placed = without, other

    offsets: dict[int, int] = {}
    rows: dict[int, int] = {}
    scratch_offsets: dict[int, int] = {}
    for buffer, offset in zip(buffers, placed.offsets, strict=True):
        offsets.update({t: offset + at for t, at in zip(buffer.tensors, buffer.places, strict=True)})
        rows.update(buffer.rows)
        if not buffer.tensors:
            scratch_offsets[buffer.first] = offset
    check(program, offsets, scratch_offsets, placed.arena, rows=rows, alignment=alignment)
    return MemoryPlan(
        arena=placed.arena,
        bound_order=placed.bound_order,
        bound_any=bound_any(program, alignment=alignment),
        attained_by=_name(program, placed),
        method=placed.method,
        optimal=placed.optimal,
        offsets=dict(sorted(offsets.items())),
        scratch_offsets=scratch_offsets,
        rows=dict(sorted(rows.items())),
        buffers=tuple(buffers),
    )


def _name(program: Program, placed: Plan) -> str:
    if placed.attained_at < 0:
        return "inputs"
    # What the caller reads after the last step is there at that step too.
    return program.steps[placed.attained_at].name
