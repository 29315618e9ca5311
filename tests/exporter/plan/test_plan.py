"""Whole plans: the shapes that networks have meet their bound."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samara.exporter.plan
from samara.exporter.plan import Program, Step, plan
from tests.exporter.plan.programs import Net, chain, inception, random_program, residual, u_net

NETS = {
    "chain": chain([100, 5000, 300, 300, 70, 9000, 8000, 10]),
    "residual": residual(16),
    "u_net": u_net(5),
    "inception": inception(9),
}


@pytest.mark.parametrize("program", NETS.values(), ids=NETS)
@pytest.mark.parametrize("alignment", [16, 64])
def test_networks_meet_their_bound(program: Program, alignment: int) -> None:
    memory = plan(program, alignment=alignment)
    assert memory.arena == memory.bound_order
    assert memory.optimal
    assert 0 < memory.bound_any <= memory.bound_order


def test_a_chain_needs_its_two_largest_neighbours() -> None:
    memory = plan(NETS["chain"])
    assert memory.arena == memory.bound_any == 9024 + 8000
    assert memory.attained_by == "op5"


def test_a_residual_block_needs_three_tensors() -> None:
    memory = plan(residual(1), alignment=4)
    assert memory.arena == 3 * 4096 + 700
    assert memory.attained_by == "op2"
    # Another order could not, by this bound, do with less than the convolution alone.
    assert memory.bound_any == 2 * 4096 + 700


def test_the_documented_example() -> None:
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
    assert memory.arena == memory.bound_any == 1024 + 4032 + 256
    assert memory.attained_by == "conv"
    assert memory.offsets[1] == memory.offsets[2]
    assert set(memory.scratch_offsets) == {0}


def test_a_small_output_does_not_hold_a_large_buffer() -> None:
    net = Net(8192)
    kept = net.op(64, 0, over=[0])
    x = net.op(8192, kept)
    memory = plan(net.program(kept, net.op(64, x)))
    assert memory.arena == 8192 + 128
    assert memory.offsets[0] != memory.offsets[kept]


def test_a_small_output_takes_over_where_that_is_less() -> None:
    net = Net(8192)
    memory = plan(net.program(net.op(4096, 0, over=[0])))
    assert memory.arena == memory.bound_any == 8192


def test_the_time_before_the_first_step_has_a_name() -> None:
    net = Net(640, 640)
    assert plan(net.program(net.op(64, net.op(64, 0)))).attained_by == "inputs"
    net = Net(64)
    x = net.op(64, 0)
    assert plan(net.program(net.op(128, x), x)).attained_by == "op1"
    empty = plan(Program(name="empty", sizes={}, inputs=(), outputs=(), steps=()))
    assert (empty.arena, empty.attained_by, empty.offsets) == (0, "inputs", {})
    passed = plan(Program(name="same", sizes={0: 8}, inputs=(0,), outputs=(0,), steps=()))
    assert (passed.arena, passed.attained_by) == (64, "inputs")


def test_tensors_of_no_bytes_have_offsets() -> None:
    net = Net(64)
    none = net.op(0, 0)
    memory = plan(net.program(net.op(64, none)))
    assert set(memory.offsets) == {0, 1, 2}
    assert memory.arena == 64


def test_parts_lie_in_the_rows_of_what_they_are_joined_to() -> None:
    net = Net(64)
    whole = net.op(192, net.op(64, 0), net.op(128, 0), columns=True)
    memory = plan(net.program(net.op(64, whole)))
    assert memory.rows == {1: 48, 2: 48}
    assert [memory.offsets[t] - memory.offsets[whole] for t in (1, 2)] == [0, 16]
    assert memory.arena == 64 + 192


def test_rows_lie_in_those_of_a_whole_that_lies_in_others() -> None:
    net = Net(64)
    inner = net.op(128, net.op(64, 0), net.op(64, 0), columns=True)
    whole = net.op(256, net.op(128, 0), inner, columns=True)
    memory = plan(net.program(net.op(64, whole)))
    assert memory.rows == {1: 64, 2: 64, inner: 64, 4: 64}
    assert [memory.offsets[t] - memory.offsets[whole] for t in (1, 2, inner, 4)] == [32, 48, 32, 0]


def test_rows_lie_together_where_a_step_needs_that() -> None:
    for rigid in ("writer", "reader", "view", "output", "input", "late", "twice"):
        net = Net(64)
        part = 0 if rigid == "input" else net.op(64, 0, rigid=rigid == "writer")
        other = net.op(64, part, rigid=rigid == "reader")
        if rigid == "view":
            other = net.op(64, net.op(8, part, view=part), other)
        whole = net.op(128, part, *([part] if rigid == "twice" else [other]), columns=rigid != "twice")
        last = net.op(64, whole, *([part] if rigid == "late" else []))
        memory = plan(net.program(last, *([part] if rigid == "output" else [])))
        assert part not in memory.rows, rigid


def test_the_first_part_does_not_hold_the_room_of_all_where_that_costs_more() -> None:
    net = Net(64)
    early = net.op(64, 0)
    late = net.op(4096, net.op(64, net.op(8192, 0)))
    memory = plan(net.program(net.op(64, net.op(4160, early, late, columns=True))))
    assert memory.rows == {}
    assert memory.arena == 64 + 4096 + 4160


def test_pieces_lie_in_the_rows_of_what_they_are_cut_from() -> None:
    net = Net(512)
    x = net.op(192, 0)
    one, other = net.cut(x, 64, 128)
    memory = plan(net.program(net.op(64, one, other)))
    assert memory.rows == {one: 48, other: 48}
    assert [memory.offsets[t] - memory.offsets[x] for t in (one, other)] == [0, 16]
    assert memory.arena == 512 + 192


def test_pieces_are_copies_where_the_rest_would_be_kept_too_long() -> None:
    net = Net(64)
    one, other = net.cut(net.op(4096, 0), 64, 4032)
    late = net.op(64, net.op(8192, net.op(64, other)))
    memory = plan(net.program(net.op(64, one, late)))
    assert memory.rows == {}
    assert memory.arena == 64 + 64 + 8192


def test_pieces_are_copies_for_steps_that_need_their_rows_together() -> None:
    for rigid in ("reader", "view", "output"):
        net = Net(512)
        one, other = net.cut(net.op(128, 0), 64, 64)
        last = net.op(64, one, other, rigid=rigid == "reader")
        if rigid == "view":
            last = net.op(64, last, net.op(8, one, view=one))
        memory = plan(net.program(last, *([one] if rigid == "output" else [])))
        assert one not in memory.rows, rigid
        assert (other in memory.rows) == (rigid != "reader"), rigid


def test_parts_lie_in_parts() -> None:
    """Strips in a part of a whole, and pieces of another part."""
    net = Net(512)
    strips = [net.op(64, 0), net.op(64, 0)]
    part = net.op(128, *strips, below=True)
    other = net.op(128, 0)
    pieces = net.cut(other, 32, 96)
    used = net.op(64, *pieces)
    whole = net.op(256, part, other, columns=True)
    program = net.program(net.op(64, whole, used))
    memory = plan(replace(program, widths={**program.widths, **dict.fromkeys(strips, 32)}))
    assert memory.rows == dict.fromkeys((*strips, part, other, *pieces), 64)
    places = [memory.offsets[t] - memory.offsets[whole] for t in (*strips, part, other, *pieces)]
    assert places == [0, 2 * 64, 0, 32, 32, 40]


def half_path(net: Net, x: int, half: int) -> int:
    """Half of the columns go through something wide, half pass by."""
    y = net.op(half, x)
    y = net.op(half, y, net.op(4 * half, y), over=[y])
    return net.op(2 * half, y, net.op(half, x), columns=True)


def test_parts_lie_apart_where_that_is_needed_and_nowhere_else() -> None:
    net = Net(1024)
    first = half_path(net, 0, 512)
    second = half_path(net, first, 512)
    small = half_path(net, second, 64)
    memory = plan(net.program(small))
    # Neither of two wholes that hold the most at once lowers that alone; a third needs less than both.
    assert memory.arena == 1024 + 512 + 2048
    (wide,) = {memory.rows[t] for t in memory.rows}
    assert wide == net.sizes[small] // 4


@given(st.randoms(use_true_random=False), st.sampled_from([1, 16, 64]))
@settings(max_examples=300, deadline=None)
def test_bounds_are_in_order(chance: random.Random, alignment: int) -> None:
    program = random_program(chance)
    memory = plan(program, alignment=alignment)
    assert memory.bound_any <= memory.bound_order <= memory.arena
    assert set(memory.offsets) == set(program.sizes)
    assert memory.optimal or any(step.joins or step.rows for step in program.steps)


def test_the_same_program_has_the_same_plan_in_every_process() -> None:
    script = (
        "import random\n"
        "from samara.exporter.plan import plan\n"
        "from tests.exporter.plan.programs import inception, random_program\n"
        "print([plan(random_program(random.Random(seed))) for seed in range(20)], plan(inception(6)))\n"
    )

    def run(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        ).stdout

    first = run("1")
    assert first == run("2")
    assert "MemoryPlan(arena=" in first


def test_the_public_names_are_sorted() -> None:
    names = samara.exporter.plan.__all__
    assert names == sorted(names)
    assert all(hasattr(samara.exporter.plan, name) for name in names)
