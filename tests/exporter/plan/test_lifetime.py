"""Which tensors share bytes, and for how long."""

from __future__ import annotations

from samara.exporter.plan import Buffer, Program, Step
from samara.exporter.plan.lifetime import lifetimes
from tests.exporter.plan.programs import Net


def shared(program: Program) -> list[tuple[int, ...]]:
    return [buffer.tensors for buffer in lifetimes(program) if buffer.tensors]


def test_a_chain_lives_from_writer_to_reader() -> None:
    net = Net(10)
    net.op(30, net.op(20, 0, scratch=5))
    assert lifetimes(net.program(2)) == [
        Buffer(tensors=(0,), places=(0,), size=10, first=-1, last=0),
        Buffer(tensors=(1,), places=(0,), size=20, first=0, last=1),
        Buffer(tensors=(2,), places=(0,), size=30, first=1, last=2),
        Buffer(tensors=(), size=5, first=0, last=0),
    ]


def test_what_nobody_reads_lives_for_its_own_time() -> None:
    net = Net(10, 10)
    net.op(20, 0)
    net.op(30, 0)
    spans = {buffer.tensors: (buffer.first, buffer.last) for buffer in lifetimes(net.program(3))}
    assert spans == {(0,): (-1, 1), (1,): (-1, -1), (2,): (0, 0), (3,): (1, 2)}


def test_a_view_keeps_its_source() -> None:
    net = Net(100)
    x = net.op(100, 0)
    view = net.op(50, x, view=x)
    again = net.op(40, view, view=view)
    net.op(8, x)
    end = net.op(8, again)
    assert lifetimes(net.program(end))[1] == Buffer(
        tensors=(x, view, again), places=(0, 0, 0), size=100, first=0, last=4
    )


def test_a_takeover_extends_the_buffer() -> None:
    net = Net(64)
    x = net.op(64, 0, over=[0])
    y = net.op(64, x, over=[x])
    assert lifetimes(net.program(y)) == [
        Buffer(tensors=(0, x, y), places=(0, 0, 0), size=64, first=-1, last=2)
    ]


def test_nothing_takes_over_what_is_read_later() -> None:
    net = Net(64)
    x = net.op(64, 0, over=[0])
    y = net.op(64, 0, x, over=[x])
    assert shared(net.program(y)) == [(0,), (x, y)]


def test_a_view_that_is_read_later_forbids_a_takeover() -> None:
    net = Net(64)
    view = net.op(64, 0, view=0)
    x = net.op(64, 0, over=[0])
    y = net.op(64, x, view)
    assert shared(net.program(y)) == [(0, view), (x,), (y,)]


def test_nothing_takes_over_a_program_output_or_a_view_of_one() -> None:
    net = Net(64)
    x = net.op(64, 0)
    view = net.op(32, x, view=x)
    y = net.op(64, x, over=[x])
    assert shared(net.program(view, y)) == [(0,), (x, view), (y,)]


def test_a_program_input_may_be_an_output_too() -> None:
    net = Net(64)
    x = net.op(64, 0, over=[0])
    assert shared(net.program(0, x)) == [(0,), (x,)]


def test_one_output_takes_over_one_buffer() -> None:
    step = Step(name="split", inputs=(0,), outputs=(1, 2), in_place=((1, 0), (2, 0)))
    both = Program(name="p", sizes={0: 64, 1: 64, 2: 64}, inputs=(0,), outputs=(1, 2), steps=(step,))
    assert shared(both) == [(0, 1), (2,)]


def test_an_output_over_two_inputs_takes_the_smallest_that_holds_it() -> None:
    net = Net(256, 32, 64)
    x = net.op(64, 0, 1, 2, over=[0, 1, 2])
    assert shared(net.program(x)) == [(0,), (1,), (2, x)]


def test_the_same_input_twice() -> None:
    net = Net(64)
    x = net.op(64, 0, 0, over=[0])
    assert shared(net.program(x)) == [(0, x)]


def test_every_operand_that_shows_the_bytes_must_allow_it() -> None:
    for over, expected in ([0], [(0, 1), (2,)]), ([0, 1], [(0, 1, 2)]):
        net = Net(64)
        row = net.op(16, 0, view=0)
        x = net.op(64, 0, row, over=over)
        assert shared(net.program(x)) == expected


def test_a_view_born_in_the_same_step_forbids_a_takeover() -> None:
    step = Step(name="s", inputs=(0,), outputs=(1, 2), views=((1, 0, 0),), in_place=((2, 0),))
    both = Program(name="p", sizes={0: 64, 1: 64, 2: 64}, inputs=(0,), outputs=(2,), steps=(step,))
    assert shared(both) == [(0, 1), (2,)]


def test_a_takeover_may_use_all_of_the_buffer() -> None:
    net = Net(100)
    small = net.op(50, 0, over=[0])
    large = net.op(100, small, over=[small])
    assert shared(net.program(large)) == [(0, small, large)]


def test_slack_limits_what_a_takeover_wastes() -> None:
    net = Net(100)
    small = net.op(50, 0, over=[0])
    program = net.program(small)
    assert len(lifetimes(program, slack=50)) == 1
    assert len(lifetimes(program, slack=49)) == 2


def test_tensors_of_no_bytes_hold_nothing() -> None:
    net = Net(64)
    view = net.op(0, 0, view=0)
    none = net.op(0, 0, over=[0])
    end = net.op(64, view, none)
    found = lifetimes(net.program(end))
    assert [(buffer.tensors, buffer.size, buffer.last) for buffer in found] == [
        ((0,), 64, 1),
        ((view,), 0, 2),
        ((none,), 0, 2),
        ((end,), 64, 3),
    ]


def test_what_is_not_planned_is_ignored() -> None:
    step = Step(name="s", inputs=(0, 7), outputs=(1, 8), in_place=((1, 7), (8, 0)))
    program = Program(name="p", sizes={0: 64, 1: 64}, inputs=(0,), outputs=(1, 7), steps=(step,))
    assert shared(program) == [(0,), (1,)]
