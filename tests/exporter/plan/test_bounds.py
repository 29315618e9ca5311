"""The bounds against what a program needs, counted by hand."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samara.exporter.plan import Buffer, Program, Step, plan
from samara.exporter.plan.bounds import bound_any, bound_order
from samara.exporter.plan.lifetime import lifetimes
from tests.exporter.plan.programs import Net, random_program


def test_bound_order_is_the_first_peak() -> None:
    spans = [(-1, 0), (0, 2), (2, 3), (3, 3)]
    buffers = [
        Buffer(tensors=(i,), size=size, first=first, last=last)
        for i, (size, (first, last)) in enumerate(zip((65, 64, 128, 1), spans, strict=True))
    ]
    assert bound_order(buffers, alignment=64) == (192, 0)
    assert bound_order(buffers, alignment=1) == (192, 2)
    assert bound_order([], alignment=64) == (0, -1)


@pytest.mark.parametrize(
    ("sizes", "step", "expected"),
    [
        pytest.param((64, 128), Step(name="s", inputs=(0,), outputs=(1,), scratch=65), 320, id="all"),
        pytest.param((64, 64), Step(name="s", inputs=(0,), outputs=(1,), in_place=((1, 0),)), 64, id="over"),
        pytest.param((64, 65), Step(name="s", inputs=(0,), outputs=(1,), in_place=((1, 0),)), 192, id="room"),
        pytest.param(
            (64, 64), Step(name="s", inputs=(0, 0), outputs=(1,), views=((1, 0, 0),)), 64, id="view"
        ),
        pytest.param(
            (128, 64, 128),
            Step(name="s", inputs=(0,), outputs=(1, 2), in_place=((1, 0), (2, 0))),
            192,
            id="one of two",
        ),
    ],
)
def test_bound_any_of_one_step(sizes: tuple[int, ...], step: Step, expected: int) -> None:
    program = Program(
        name="p", sizes=dict(enumerate(sizes)), inputs=(0,), outputs=step.outputs, steps=(step,)
    )
    assert bound_any(program, alignment=64) == expected


def test_bound_any_gives_each_output_an_input_of_its_own() -> None:
    # Only if 3 is over 1 can 2, which has no other choice, be over 0.
    step = Step(name="s", inputs=(0, 1), outputs=(2, 3), in_place=((3, 0), (3, 1), (2, 0)))
    program = Program(
        name="p", sizes=dict.fromkeys(range(4), 64), inputs=(0, 1), outputs=(2, 3), steps=(step,)
    )
    assert bound_any(program) == 128


def test_bound_any_counts_what_the_caller_holds() -> None:
    net = Net(64, 64, 64)
    assert bound_any(net.program(net.op(64, 0))) == 192
    net = Net(64)
    assert bound_any(net.program(net.op(64, 0), net.op(64, 0), net.op(64, 0), 0)) == 256


@given(st.randoms(use_true_random=False))
def test_bound_any_holds_for_every_order(chance: random.Random) -> None:
    program = random_program(chance)
    shuffled = replace(program, steps=_shuffled(program, chance))
    bound = bound_any(program)
    assert bound_any(shuffled) == bound
    assert bound <= plan(shuffled).bound_order


@given(st.randoms(use_true_random=False))
def test_takeovers_of_equal_size_never_raise_a_bound(chance: random.Random) -> None:
    program = random_program(chance)
    without = replace(program, steps=tuple(replace(step, in_place=()) for step in program.steps))
    assert bound_any(program) <= bound_any(without)
    taken, apart = lifetimes(program, slack=0), lifetimes(without)
    assert bound_order(taken, alignment=1)[0] <= bound_order(apart, alignment=1)[0]


def _shuffled(program: Program, chance: random.Random) -> tuple[Step, ...]:
    waiting, done = list(program.steps), set(program.inputs)
    steps = []
    while waiting:
        ready = [step for step in waiting if done.issuperset(set(step.inputs) & set(program.sizes))]
        steps.append(chance.choice(ready))
        waiting.remove(steps[-1])
        done.update(steps[-1].outputs)
    return tuple(steps)
