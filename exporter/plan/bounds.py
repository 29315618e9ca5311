"""Lower bounds of an arena: for the order of a program, and for any order of its steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from samara.exporter.plan.lifetime import Buffer, Values, overwritable, values
from samara.exporter.plan.program import Program, Step


def round_up(size: int, alignment: int) -> int:
    """Return the least multiple of the alignment that is not below the size."""
    return -(-size // alignment) * alignment


def bound_order(buffers: Sequence[Buffer], *, alignment: int = 64) -> tuple[int, int]:
    """Return the most bytes live at one time (B2) and the first time that has them.

    No placement of these buffers is smaller. Without buffers the answer is (0, -1).
    """
    change: dict[int, int] = defaultdict(int)
    for buffer in buffers:
        size = round_up(buffer.size, alignment)
        change[buffer.first] += size
        change[buffer.last + 1] -= size
    live, peak, at = 0, 0, -1
    for time in sorted(change):
        live += change[time]
        if live > peak:
            peak, at = live, time
    return peak, at


def bound_any(program: Program, *, alignment: int = 64) -> int:
    """Return the bytes that some step needs by itself (B1), in whatever order the steps run.

    A step needs what it reads, what it writes and its scratch, less the outputs that could be
    written over an input in some order. The caller's inputs are all there before the first step and
    the outputs all there after the last one. The bound is for these steps: fusing makes others. A tensor that is made
    of others is there with them, and pieces of its rows are there with it.
    """
    # Pieces are counted as views, and taken over as if they were copies: the least of both.
    root = values(program, joins=False).root
    found = values(program, joins=False, copied=program.sizes)
    room = _room(program, found)

    def held(tensors: Iterable[int]) -> int:
        """Bytes of the values that the tensors show, each value once."""
        most: dict[int, int] = defaultdict(int)
        for tensor in tensors:
            if tensor in root:
                most[root[tensor]] = max(most[root[tensor]], round_up(program.sizes[tensor], alignment))
        return sum(most.values())

    peak = max(held(program.inputs), held(program.outputs))
    for step in program.steps:
        viewing = {target for target, _, _ in step.views if program.sizes.get(target, 0) > 0}
        viewing |= {target for target, _, _ in step.cuts if root[target] != target}
        fresh = [tensor for tensor in step.outputs if tensor in program.sizes and tensor not in viewing]
        choices = {
            tensor: [
                root for root in overwritable(step, tensor, found) if program.sizes[tensor] <= room[root]
            ]
            for tensor in fresh
        }
        saved = _match(sorted(fresh, key=lambda tensor: -program.sizes[tensor]), choices)
        joined = (*step.joins, *step.rows)
        parts = {part for part, _, _ in joined if found.root.get(part) == part} - {*program.inputs}
        need = held(
            [
                *(t for t in step.inputs if t not in parts),
                *(tensor for tensor in fresh if tensor not in saved),
            ]
        )
        peak = max(peak, need + round_up(step.scratch, alignment))
    return peak


def _room(program: Program, found: Values) -> dict[int, int]:
    """Return for each root the bytes of the largest buffer that takeovers could leave it in."""
    room = {root: program.sizes[root] for root in found.root.values()}

    def grow(step: Step, tensor: int) -> None:
        over = (room[root] for root in overwritable(step, tensor, found))
        size = program.sizes[tensor]
        room[tensor] = max([size, *(most for most in over if most >= size)])

    for step in program.steps:
        for tensor in step.outputs:
            if tensor in program.sizes and found.root[tensor] == tensor:
                grow(step, tensor)
    return room


def _match(outputs: Sequence[int], choices: dict[int, list[int]]) -> set[int]:
    """Return the outputs that can each have an input of their own, the first ones before others.

    Sets of outputs that can be matched are the independent sets of a matroid, so taking the largest
    first saves the most bytes.
    """
    owner: dict[int, int] = {}

    def find(output: int, tried: set[int]) -> bool:
        for root in choices[output]:
            if root not in tried:
                tried.add(root)
                if root not in owner or find(owner[root], tried):
                    owner[root] = output
                    return True
        return False

    return {output for output in outputs if find(output, set())}
