"""The checker finds each kind of fault in plans that were good."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from samara.exporter.plan import PlanError, Program, Step, check, plan
from tests.exporter.plan.programs import Net, random_program


def one(step: Step, *sizes: int, outputs: tuple[int, ...]) -> Program:
    return Program(name="p", sizes=dict(enumerate(sizes)), inputs=(0,), outputs=outputs, steps=(step,))


def late_reader() -> Program:
    """Tensor 0 is read by the last of three steps."""
    net = Net(64)
    x = net.op(64, 0)
    return net.program(net.op(64, net.op(64, x, scratch=64), 0))


def view_and_over() -> Program:
    net = Net(128)
    view = net.op(64, 0, view=0)
    return net.program(net.op(128, 0, view, over=[0]))


SPLIT = one(Step(name="split", inputs=(0,), outputs=(1, 2), scratch=64), 64, 64, 64, outputs=(1, 2))
OVER = one(Step(name="relu", inputs=(0,), outputs=(1,), in_place=((1, 0),)), 128, 128, outputs=(1,))
VIEW = one(Step(name="reshape", inputs=(0,), outputs=(1,), views=((1, 0, 0),)), 128, 128, outputs=(1,))
KEPT = one(Step(name="relu", inputs=(0,), outputs=(1,), in_place=((1, 0),)), 64, 64, outputs=(0, 1))
TWO = Program(name="p", sizes={0: 64, 1: 128}, inputs=(0, 1), outputs=(), steps=())


@pytest.mark.parametrize(
    ("program", "offsets", "scratch", "arena", "message"),
    [
        pytest.param(SPLIT, {0: 0, 1: 64, 2: 64}, {0: 128}, 256,
                     r"step 0 'split': output 1 at bytes \[64, 128\) overlaps output 2 at bytes \[64, 128\)",
                     id="outputs"),
        pytest.param(SPLIT, {0: 0, 1: 64, 2: 128}, {0: 128}, 256,
                     r"output 2 at bytes \[128, 192\) overlaps scratch", id="scratch and output"),
        pytest.param(SPLIT, {0: 0, 1: 64, 2: 128}, {0: 0}, 256,
                     r"scratch at bytes \[0, 64\) overlaps input 0", id="scratch and input"),
        pytest.param(SPLIT, {0: 0, 1: 0, 2: 128}, {0: 64}, 256,
                     r"output 1 at bytes \[0, 64\) overlaps input 0 at bytes \[0, 64\)", id="over input"),
        pytest.param(SPLIT, {0: 0, 1: 64, 2: 128}, {0: 192}, 192,
                     r"step 0 'split': scratch: bytes \[192, 256\) pass the arena of 192", id="scratch out"),
        pytest.param(SPLIT, {0: 0, 1: 64, 2: 192}, {0: 128}, 192,
                     r"tensor 2: bytes \[192, 256\) pass the arena of 192", id="tensor out"),
        pytest.param(SPLIT, {0: -64, 1: 64, 2: 0}, {0: 128}, 192,
                     r"tensor 0: bytes \[-64, 0\) pass the arena", id="tensor below"),
        pytest.param(SPLIT, {0: 0, 1: 64, 2: 136}, {0: 256}, 512,
                     r"tensor 2: offset 136 .* is not a multiple of 64", id="misaligned"),
        pytest.param(SPLIT, {0: 0, 1: 64, 2: 128}, {0: 193}, 512,
                     "scratch: offset 193 .* is not a multiple of 64", id="scratch misaligned"),
        pytest.param(SPLIT, {0: 0, 1: 64}, {0: 192}, 256,
                     "tensor 2 of 64 bytes has no offset", id="no offset"),
        pytest.param(SPLIT, {0: 0, 1: 64, 2: 128}, {}, 256,
                     "scratch of 64 bytes has no offset", id="no scratch"),
        pytest.param(OVER, {0: 0, 1: 64}, {}, 256,
                     r"output 1 at bytes \[64, 192\) overlaps input 0 at bytes \[0, 128\)", id="shifted"),
        pytest.param(VIEW, {0: 0, 1: 64}, {}, 256,
                     r"tensor 1 at bytes \[64, 192\) is a view of tensor 0 at bytes \[0, 128\)", id="view"),
        pytest.param(KEPT, {0: 0, 1: 0}, {}, 64,
                     r"after the last step the caller reads tensor 0 at bytes \[0, 64\), but tensor 1 was"
                     r" written to \[0, 64\)", id="program output lost"),
        pytest.param(late_reader(), {0: 0, 1: 64, 2: 0, 3: 64}, {1: 128}, 192,
                     r"step 2 'op2' reads tensor 0 at bytes \[0, 64\), but tensor 2 was written to",
                     id="lost before it is read"),
        pytest.param(late_reader(), {0: 0, 1: 64, 2: 128, 3: 64}, {1: 0}, 192,
                     "step 2 'op2' reads tensor 0 .* but scratch was written", id="lost to scratch"),
        pytest.param(view_and_over(), {0: 0, 1: 0, 2: 0}, {}, 128,
                     r"output 2 at bytes \[0, 128\) overlaps input 1", id="over an undeclared view"),
        pytest.param(TWO, {0: 64, 1: 0}, {}, 128,
                     r"inputs: input 0 at bytes \[64, 128\) overlaps input 1 at bytes \[0", id="inputs"),
    ],
)  # fmt: skip
def test_each_kind_of_fault(
    program: Program, offsets: Mapping[int, int], scratch: Mapping[int, int], arena: int, message: str
) -> None:
    good = plan(program)
    assert check(program, good.offsets, good.scratch_offsets, good.arena).arena == good.arena
    with pytest.raises(PlanError, match=message):
        check(program, offsets, scratch, arena)


def fire() -> Program:
    """Tensors 1 and 2 side by side in the rows of tensor 3."""
    net = Net(64)
    return net.program(net.op(64, net.op(192, net.op(64, 0), net.op(128, 0), columns=True)))


@pytest.mark.parametrize(
    ("places", "rows", "message"),
    [
        pytest.param({2: 8}, {}, r"step 2 'op2' reads tensor 1 at bytes \[\d+, \d+\) in rows 48 apart, but tensor 2",
                     id="siblings overlap"),
        pytest.param({2: 24}, {}, "step 2 'op2' reads tensor 1 .* but tensor 2 was written", id="into the next row"),
        pytest.param({}, {2: 40}, "step 2 'op2' reads tensor 1 .* but tensor 2 was written", id="other rows"),
        pytest.param({1: 32, 2: 0}, {}, "step 2 'op2': output 3 .* overlaps input 1", id="changed places"),
        pytest.param({}, {1: 15}, "tensor 1: rows that begin 15 bytes apart", id="rows overlap"),
        pytest.param({}, {0: 48}, "tensor 0 is the caller's, and its rows lie apart", id="input"),
        pytest.param({2: 200}, {}, r"tensor 2: bytes \[\d+, \d+\) pass the arena", id="past the arena"),
    ],
)  # fmt: skip
def test_each_kind_of_fault_of_rows(places: Mapping[int, int], rows: Mapping[int, int], message: str) -> None:
    program = fire()
    good = plan(program)
    assert good.rows == {1: 48, 2: 48}
    check(program, good.offsets, good.scratch_offsets, good.arena, rows=good.rows)
    # Nothing but the two and the whole lies in the first arena.
    offsets = {**good.offsets, 0: good.arena, 4: good.arena}
    offsets |= {tensor: good.offsets[3] + at for tensor, at in places.items()}
    with pytest.raises(PlanError, match=message):
        check(program, offsets, {}, good.arena + 64, rows={**good.rows, **rows})


def test_each_kind_of_fault_of_pieces() -> None:
    net = Net(512)
    x = net.op(192, 0)
    one, other = net.cut(x, 64, 128)
    program = net.program(net.op(64, one, other, rigid=False))
    good = plan(program)
    assert good.rows == {one: 48, other: 48}
    for places, rows in (({other: 4}, {}), ({other: -16}, {}), ({}, {other: 52}), ({one: 4}, {})):
        offsets = {t: at + places.get(t, 0) for t, at in good.offsets.items()}
        with pytest.raises(PlanError, match="overlaps"):
            check(program, offsets, {}, good.arena + 64, rows={**good.rows, **rows})
    with pytest.raises(PlanError, match="overlaps"):
        check(program, good.offsets, {}, good.arena + 64, rows={one: 48})
    apart = {**good.offsets, other: good.arena}
    check(program, apart, {}, good.arena + 192, rows={one: 48})
    late = replace(program, steps=(*program.steps, Step(name="late", inputs=(one,), outputs=())))
    with pytest.raises(PlanError, match="cannot take tensor"):
        check(late, good.offsets, {}, good.arena, rows=good.rows)


def test_a_piece_keeps_what_it_lies_in() -> None:
    net = Net(64)
    x = net.op(128, 0)
    one, _ = net.cut(x, 64, 64)
    program = net.program(net.op(64, one, net.op(64, 0)))
    places = {0: 0, x: 64, one: 64, one + 1: 80, one + 2: 64, one + 3: 192}
    with pytest.raises(PlanError, match=f"reads tensor {one} .* but tensor {one + 2} was written"):
        check(program, places, {}, 256, rows={one: 32, one + 1: 32})


def test_rows_that_a_step_cannot_take_are_refused() -> None:
    program = fire()
    good = plan(program)
    rigid = replace(program, steps=(replace(program.steps[0], strided=frozenset()), *program.steps[1:]))
    with pytest.raises(PlanError, match="step 0 'op0' cannot take tensor 1, whose rows lie apart"):
        check(rigid, good.offsets, {}, good.arena, rows=good.rows)
    together = {1: good.arena, 2: good.offsets[2]}
    with pytest.raises(PlanError, match=r"output 3 .* overlaps input 2"):
        check(program, {**good.offsets, **together}, {}, good.arena + 64, rows={1: 16})


def test_a_view_and_an_output_of_one_step_must_be_apart() -> None:
    step = Step(name="s", inputs=(0,), outputs=(1, 2), views=((1, 0, 0),), in_place=((2, 0),))
    with pytest.raises(PlanError, match=r"output 2 .* overlaps output 1"):
        check(one(step, 64, 64, 64, outputs=(2,)), {0: 0, 1: 0, 2: 0}, {}, 64)


def test_bytes_in_use_are_measured() -> None:
    net = Net(100)
    x = net.op(200, 0, scratch=10)
    program = net.program(net.op(200, x, over=[x]))
    report = check(program, {0: 0, 1: 128, 2: 128}, {0: 384}, 448)
    assert (report.peak, report.attained_by, report.arena) == (128 + 256 + 64, "op0", 448)
    assert check(TWO, {0: 128, 1: 0}, {}, 192).attained_by == "inputs"
    empty = Program(name="p", sizes={}, inputs=(), outputs=(), steps=())
    assert check(empty, {}, {}, 0).peak == 0


@given(st.randoms(use_true_random=False), st.sampled_from([1, 16, 64]))
@settings(max_examples=300, deadline=None)
def test_random_plans_are_right_and_their_peak_is_under_the_bound(
    chance: random.Random, alignment: int
) -> None:
    program = random_program(chance)
    good = plan(program, alignment=alignment)
    report = check(
        program, good.offsets, good.scratch_offsets, good.arena, rows=good.rows, alignment=alignment
    )
    assert report.peak <= good.bound_order
    apart = replace_pairs(program)
    plain = plan(apart, alignment=alignment)
    report = check(apart, plain.offsets, plain.scratch_offsets, plain.arena, alignment=alignment)
    assert (report.peak, report.attained_by) == (plain.bound_order, plain.attained_by)


def replace_pairs(program: Program) -> Program:
    """The program with bytes of their own for all tensors."""
    return replace(
        program,
        steps=tuple(
            replace(step, in_place=(), views=(), joins=(), rows=(), cuts=()) for step in program.steps
        ),
    )


def filled(program: Program) -> Program:
    """The program with buffers of which every byte is written from the start."""
    steps = (
        replace(s, views=tuple((v, x, 0) for v, x, _ in s.views), joins=(), rows=(), cuts=())
        for s in program.steps
    )
    return replace(program, steps=tuple(steps))


@given(st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_two_buffers_of_one_time_at_one_place_are_refused(chance: random.Random) -> None:
    program = filled(random_program(chance, in_place=False))
    good = plan(program)
    pairs = [
        (one, other)
        for one in good.buffers
        for other in good.buffers
        if one is not other
        and one.size
        and other.size
        and one.first <= other.last
        and other.first <= one.last
    ]
    assume(pairs)
    moved, still = chance.choice(pairs)
    place = good.offsets[still.tensors[0]] if still.tensors else good.scratch_offsets[still.first]
    offsets, scratch = dict(good.offsets), dict(good.scratch_offsets)
    if moved.tensors:
        offsets.update(dict.fromkeys(moved.tensors, place))
    else:
        scratch[moved.first] = place
    with pytest.raises(PlanError, match=r"overlaps|reads tensor"):
        check(program, offsets, scratch, good.arena + 4096)


@given(st.randoms(use_true_random=False), st.sampled_from(["out", "misaligned", "missing", "view"]))
@settings(max_examples=300, deadline=None)
def test_a_tensor_moved_by_itself_is_refused(chance: random.Random, kind: str) -> None:
    program = filled(random_program(chance))
    good = plan(program)
    views = [pair[0] for step in program.steps for pair in step.views]
    joined = [pair[0] for step in program.steps for pair in step.joins]
    tensors = [
        t
        for t, size in program.sizes.items()
        if size and (kind != "view" or t in views) and not (kind == "misaligned" and t in (*views, *joined))
    ]
    assume(tensors)
    tensor = chance.choice(tensors)
    offsets, arena = dict(good.offsets), good.arena
    if kind == "out":
        offsets[tensor], message = good.arena, "pass the arena"
    elif kind == "misaligned":
        offsets[tensor] += 1
        message = "is not a multiple of 64"
    elif kind == "missing":
        del offsets[tensor]
        message = "has no offset"
    else:
        # Where nothing else is, so that the view is all that is wrong.
        offsets[tensor], arena, message = good.arena, good.arena + 1024, "is a view of tensor"
    with pytest.raises(PlanError, match=message):
        check(program, offsets, good.scratch_offsets, arena)
