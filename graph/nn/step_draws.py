"""Random numbers for the steps of a loop, drawn before it.

The gradient of a loop computes each step again, and what a step draws would be other numbers then. So a cell asks
`step_draws`, which draws for all steps at once, outside, and gives it its own.
"""

from __future__ import annotations

import contextvars
from dataclasses import dataclass
from typing import Any

from samara.graph import dims
from samara.graph.convert import sizes
from samara.graph.graph import Graph, Tensor


@dataclass(frozen=True)
class Steps:
    """A loop whose steps are being built.

    Attributes:
        graph: the graph around it.
        count: how many steps there are, a number or a tensor of that graph.
        batch: how many sequences, the same.
        dimension: the size of the batch as shapes have it.
        index: the number of the step, within the loop.
    """

    graph: Graph
    count: Any
    batch: Any
    dimension: Any
    index: Tensor


CURRENT: contextvars.ContextVar[Steps | None] = contextvars.ContextVar("steps", default=None)


def step_draws(like: Tensor, seed: int | None) -> Tensor:
    """Numbers from [0, 1), equally likely, in the shape of a tensor."""
    steps = CURRENT.get()
    number = -1 if seed is None else seed
    b = like.graph.b
    shape = list(like.shape or ())
    if steps is None or like.graph is not steps.index.graph or not _sized(shape, steps):
        drawn: Tensor = b.random_uniform(b.sizes(like), dtype=like.dtype, seed=number)
        return drawn
    wanted = [steps.count, *(d if isinstance(d, int) else steps.batch for d in shape)]
    with steps.graph.as_default(), steps.graph.control_dependencies(None):
        all_steps = steps.graph.b.random_uniform(sizes(wanted), dtype=like.dtype, seed=number)
    drawn = b.gather(all_steps, steps.index, axis=0)
    return drawn


def _sized(shape: list[Any], steps: Steps) -> bool:
    """Whether the sizes are known outside of the loop: numbers, and that of the batch."""
    return all(isinstance(d, int) or dims.equal(d, steps.dimension) is True for d in shape)
