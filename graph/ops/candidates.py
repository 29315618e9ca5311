"""Drawing candidate classes for losses that look at a few of very many."""

from __future__ import annotations

import math
from typing import Any

from samara.graph.ops._table import OPS, OpDef, attribute


def _shape(op: Any) -> Any:
    a = op.a
    if a.range_max < 1 or a.num_sampled < 1:
        op.fail(f"num_sampled={a.num_sampled} and range_max={a.range_max} must be 1 or more")
    if a.unique and a.num_sampled > a.range_max:
        op.fail(f"there are no {a.num_sampled} different classes among range_max={a.range_max}")
    return [(a.num_sampled,), ()]


def _draws(generator: Any, a: Any, count: int) -> Any:
    if not a.log_uniform:
        return generator.integers(0, a.range_max, count)
    # The inverse of the distribution function log(class + 1) / log(range_max + 1).
    drawn = generator.random(count) * math.log(a.range_max + 1)
    return [min(int(math.exp(d)) - 1, a.range_max - 1) for d in drawn]


def _candidates(xp: Any, op: Any) -> Any:
    a = op.a
    generator = op.state.generator(op.operation, None if a.seed == -1 else a.seed)
    chosen: list[int] = []
    seen: set[int] = set()
    tries = 0
    while len(chosen) < a.num_sampled:
        for drawn in _draws(generator, a, a.num_sampled - len(chosen)):
            tries += 1
            if not a.unique or int(drawn) not in seen:
                seen.add(int(drawn))
                chosen.append(int(drawn))
    return xp.asarray(chosen, dtype=xp.int64), xp.asarray(tries, dtype=xp.int64)


OPS.register(
    OpDef(
        name="draw_candidates",
        opcode=750,
        inputs=(),
        outputs=("classes: int64", "tries: int64"),
        attributes=(
            attribute("num_sampled", "int", doc="How many classes are drawn."),
            attribute("range_max", "int", doc="How many classes there are."),
            attribute("unique", "bool", True, "Whether a class that was drawn already is drawn again."),
            attribute("log_uniform", "bool", False, "Whether small classes are more likely than large ones."),
            attribute("seed", "int", -1, "Seeds this operation beside the graph's seed; -1 for none."),
        ),
        doc="Classes 0 <= c < range_max drawn at random, new ones in every run: all equally likely, or with the "
        "probability log((c + 2) / (c + 1)) / log(range_max + 1), and how many were drawn before all were different.",
        shape=_shape,
        reference=_candidates,
        device="none",
        why_not="it is part of a loss; a device computes the logits of all classes, for example matmul(x, weights) + "
        "biases.",
        stateful=True,
        any_rank=True,
    ),
)
