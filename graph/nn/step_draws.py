"""Random numbers for the steps of a loop, drawn before it.

The gradient of a loop computes each step again, and what a step draws would be other numbers then. So a cell asks
`step_draws`, which draws for all steps at once, outside, and gives it its own.
"""

from __future__ import annotations

import contextvars
from dataclasses import dataclass
from typing import Any

from samara.graph.convert import sizes
from samara.graph.graph import Graph, Tensor


@dataclass(frozen=True)
class Steps:
    """A loop whose steps are being built.

    Attributes:
        graph: the graph around it.
        count: how many steps there are, a number or a tensor of that graph.
        batch: how many sequences, the same.
        index: the number of the step, within the loop.
    """

    graph: Graph
    count: Any
    batch: Any
    index: Tensor


CURRENT: contextvars.ContextVar[Steps | None] = contextvars.ContextVar("steps", default=None)


def step_draws(like: Tensor, seed: int | None) -> Tensor:
    """Numbers from [0, 1), equally likely, in the shape of a tensor whose first axis is that of the batch."""
    steps = CURRENT.get()
    number = -1 if seed is None else seed
    b = like.graph.b
    if steps is None or like.graph is not steps.index.graph:
        drawn: Tensor = b.random_uniform(b.sizes(like), dtype=like.dtype, seed=number)
        return drawn
    shape = list(like.shape or ())
    if not all(isinstance(d, int) for d in shape[1:]):
        raise ValueError(
            f"{like.name}: only the batch size may be unknown in a loop that draws, not {like.shape}"
        )
    with steps.graph.as_default(), steps.graph.control_dependencies(None):
        all_steps = steps.graph.b.random_uniform(
            sizes([steps.count, steps.batch, *shape[1:]]), dtype=like.dtype, seed=number
        )
    drawn = b.gather(all_steps, steps.index, axis=0)
    return drawn
