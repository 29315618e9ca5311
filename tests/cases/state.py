"""Cases of the ops that write state."""

from __future__ import annotations

from tests.cases._case import Case, Input

ORACLES = {"assign": lambda a, ref, value: value}

CASES = [
    Case(op="assign", inputs=(Input(shape=s), Input(shape=s)))
    for s in [(), (1,), (17,), (2, 3), (0, 3), (2, 1, 2, 1, 3, 2)]
]
CASES.append(
    Case(op="assign", inputs=(Input(shape=(3,)), Input(shape=(3,), constant=True)), label="constant")
)
