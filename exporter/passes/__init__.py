"""The rewrites between freezing and planning, in order.

A pass is a function from a model to a new model, or None when it finds nothing to do. Each keeps the values of the
tensors whose names it keeps, can be switched off by name, and has an equivalence test.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from samara.graph.rewrite import ModelGraph, needed
from samara.exporter.passes.dead_code import eliminate_dead_code

Pass = Callable[[ModelGraph], "ModelGraph | None"]

PASSES: dict[str, Pass] = {
    "dead_code": eliminate_dead_code,
}

# Enough for chains of rewrites that enable each other; more would mean that two passes undo each other's work.
_ROUNDS = 10


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What a pass did: the number of device ops before and after it."""

    name: str
    before: int
    after: int


def optimize(model: ModelGraph, *, disable: Collection[str] = ()) -> tuple[ModelGraph, tuple[Applied, ...]]:
    """Runs the passes until none finds anything to do.

    Args:
        model: what to optimise.
        disable: names of passes to leave out.

    Raises:
        ValueError: `disable` names a pass that does not exist.
    """
    unknown = sorted(set(disable) - set(PASSES))
    if unknown:
        raise ValueError(f"no pass is called {', '.join(unknown)}; the passes are {', '.join(PASSES)}")
    applied: list[Applied] = []
    for _ in range(_ROUNDS):
        progressed = False
        for name, run in PASSES.items():
            if name in disable:
                continue
            before = op_count(model)
            rewritten = run(model)
            if rewritten is not None:
                progressed = True
                model = rewritten
                applied.append(Applied(name=name, before=before, after=op_count(model)))
        if not progressed:
            break
    return model, tuple(applied)


def op_count(model: ModelGraph) -> int:
    """The number of operations that a device would run."""
    return sum(op.definition.device == "kernel" for op in needed(model.outputs))
