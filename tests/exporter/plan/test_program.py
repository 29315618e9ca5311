"""A program that contradicts itself is refused, with the step and the tensors named."""

from __future__ import annotations

from typing import Any

import pytest

from samara.exporter.plan import Program, Step


def program(*steps: Step, **changes: Any) -> Program:
    facts: dict[str, Any] = {"sizes": {0: 64, 1: 64}, "inputs": (0,), "outputs": (1,)}
    return Program(name="main", steps=steps, **(facts | changes))


GOOD = Step(name="relu", inputs=(0,), outputs=(1,))


@pytest.mark.parametrize(
    ("steps", "changes", "message"),
    [
        ([GOOD], {"sizes": {0: 64, 1: -1}}, "tensor 1 has -1 bytes"),
        ([GOOD], {"inputs": (0, 0)}, "input 0 is listed twice"),
        ([GOOD], {"inputs": (0, 7)}, "input 7 has no size"),
        ([GOOD], {"sizes": {0: 64, 1: 64, 5: 8}}, r"nothing writes the planned tensors \[5\]"),
        ([GOOD, GOOD], {}, "step 1 'relu' writes tensor 1, which is written already"),
        ([Step(name="relu", inputs=(1,), outputs=(1,))], {}, "reads tensor 1 before it is written"),
        ([Step(name="relu", inputs=(0,), outputs=(0, 1))], {}, "writes tensor 0, which is written"),
        ([Step(name="a", inputs=(0,), outputs=(1,), scratch=-4)], {}, "-4 bytes of scratch"),
        ([Step(name="a", inputs=(0,), outputs=(1,), views=((1, 3, 0),))], {}, r"pair \(1, 3\) is not"),
        ([Step(name="a", inputs=(0,), outputs=(1,), in_place=((0, 1),))], {}, r"pair \(0, 1\) is not"),
        (
            [Step(name="a", inputs=(0,), outputs=(1,), views=((1, 0, 0),), in_place=((1, 0),))],
            {},
            "tensor 1 is a view and something else too",
        ),
        (
            [Step(name="a", inputs=(0,), outputs=(1,), views=((1, 0, 0),))],
            {"sizes": {0: 64, 1: 65}},
            "tensor 1 of 65 bytes is a view of tensor 0 of 64, from byte 0 on",
        ),
        (
            [Step(name="reshape", inputs=(9,), outputs=(1,), views=((1, 9, 0),))],
            {},
            "step 0 'reshape': tensor 1 is a view of tensor 9, but 1 is planned and 9 is not",
        ),
        (
            [Step(name="reshape", inputs=(0,), outputs=(9,), views=((9, 0, 0),)), GOOD],
            {},
            "tensor 9 is a view of tensor 0, but 0 is planned and 9 is not",
        ),
        (
            [Step(name="concat", inputs=(0,), outputs=(1,), rows=((0, 1, 0),))],
            {"widths": {0: 16, 1: 32}},
            "tensors 0 and 1 have not as many rows",
        ),
        (
            [Step(name="concat", inputs=(0,), outputs=(1,), rows=((0, 1, 0),))],
            {"widths": {1: 32}},
            "tensors 0 and 1 have not as many rows",
        ),
        (
            [Step(name="concat", inputs=(0,), outputs=(1,), rows=((0, 1, 8),))],
            {"sizes": {0: 64, 1: 80}, "widths": {0: 16, 1: 20}},
            "rows of 16 bytes of tensor 0 in rows of 20, from byte 8 on",
        ),
        (
            [Step(name="concat", inputs=(0,), outputs=(1,), rows=((1, 0, 0),))],
            {"widths": {0: 16, 1: 16}},
            r"pair \(0, 1\) is not",
        ),
    ],
)
def test_contradictions_are_refused(steps: list[Step], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        program(*steps, **changes)


def test_what_is_not_planned_may_stand_anywhere() -> None:
    update = Step(name="assign", inputs=(0, 90), outputs=(91,), in_place=((91, 90),))
    accepted = program(update, update, GOOD, outputs=(1, 90))
    assert len(accepted.steps) == 3
