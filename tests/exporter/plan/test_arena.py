"""Placements are apart, as small as can be, and the same every time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samara.exporter.plan import Buffer
from samara.exporter.plan.arena import Plan, greedy, neighbours, place, top_of
from samara.exporter.plan.exact import Block, Outcome, pack

Rectangle = tuple[int, int, int]  # size, first, last

# Greedy misses the bound of 39 by size, breadth and lifetime.
HARD: list[Rectangle] = [
    (5, 3, 3), (9, 4, 5), (9, 1, 2), (9, 2, 4), (7, 3, 5), (2, 4, 5), (5, 1, 4), (7, 1, 4), (6, 0, 3),
]  # fmt: skip

# Greedy misses the bound of 19 in every order tried, restarts too.
HARDER: list[Rectangle] = [
    (3, 3, 4), (4, 3, 4), (9, 4, 4), (2, 1, 1), (4, 2, 3), (2, 4, 4), (7, 1, 3), (1, 2, 4), (2, 1, 2),
    (8, 1, 1), (5, 2, 2),
]  # fmt: skip

# No placement meets the bound.
ABOVE: list[tuple[list[Rectangle], int]] = [
    (
        [(2, 3, 4), (1, 4, 5), (1, 2, 5), (2, 0, 1), (2, 6, 6), (1, 1, 3), (2, 0, 0), (1, 1, 2), (2, 5, 6)],
        4,
    ),
    (
        [(1, 3, 4), (1, 4, 5), (1, 3, 5), (2, 5, 6), (2, 1, 3), (2, 6, 6), (1, 4, 4), (2, 1, 2), (2, 0, 0)],
        4,
    ),
]

rectangles = st.tuples(st.integers(1, 9), st.integers(0, 5), st.integers(0, 4)).map(
    lambda drawn: (drawn[0], drawn[1], min(5, drawn[1] + drawn[2]))
)


def buffers_of(drawn: Sequence[Rectangle]) -> list[Buffer]:
    return [Buffer(tensors=(), size=size, first=first, last=last) for size, first, last in drawn]


def blocks_of(drawn: Sequence[Rectangle]) -> list[Block]:
    return [Block(size=size, first=first, last=last) for size, first, last in drawn]


def assert_apart(drawn: Sequence[Rectangle], offsets: Sequence[int], arena: int) -> None:
    for i, (size, first, last) in enumerate(drawn):
        assert 0 <= offsets[i] <= arena - size
        for j, (other, begin, end) in enumerate(drawn[:i]):
            if first <= end and begin <= last:
                assert offsets[i] + size <= offsets[j] or offsets[j] + other <= offsets[i]


def least_height(drawn: Sequence[Rectangle]) -> int:
    """Try every order in which rectangles can be put on top of one another."""
    offsets: dict[int, int] = {}
    least = sum(size for size, _, _ in drawn)

    def extend(height: int) -> None:
        nonlocal least
        if height >= least:
            return
        if len(offsets) == len(drawn):
            least = height
            return
        for i, (size, first, last) in enumerate(drawn):
            if i not in offsets:
                under = [
                    offset + drawn[j][0]
                    for j, offset in offsets.items()
                    if first <= drawn[j][2] and drawn[j][1] <= last
                ]
                offsets[i] = max(under, default=0)
                extend(max(height, offsets[i] + size))
                del offsets[i]

    extend(0)
    return least


@settings(deadline=None)
@given(st.lists(rectangles, min_size=1, max_size=6))
def test_small_placements_are_the_best_there_are(drawn: list[Rectangle]) -> None:
    placed = place(buffers_of(drawn), alignment=1)
    assert_apart(drawn, placed.offsets, placed.arena)
    assert placed.optimal
    assert placed.arena == least_height(drawn)


@settings(deadline=None)
@given(st.lists(rectangles, min_size=1, max_size=6), st.integers(-2, 2))
def test_the_exact_search_alone(drawn: list[Rectangle], above: int) -> None:
    blocks = blocks_of(drawn)
    least = least_height(drawn)
    answer = pack(blocks, neighbours(blocks), cap=least + above, node_limit=10**6)
    if above < 0:
        assert answer.outcome is Outcome.IMPOSSIBLE
        assert answer.offsets is None
    else:
        assert answer.outcome is Outcome.FOUND
        assert answer.offsets is not None
        assert_apart(drawn, answer.offsets, least + above)


@given(st.lists(rectangles, max_size=40), st.sampled_from([1, 2, 16, 64]))
def test_placements_are_apart_and_aligned(drawn: list[Rectangle], alignment: int) -> None:
    wide = [(7 * size, first, last) for size, first, last in drawn]
    placed = place(buffers_of(wide), alignment=alignment, node_limit=2000)
    assert all(offset % alignment == 0 for offset in placed.offsets)
    assert placed.arena % alignment == 0
    assert_apart([(-(-s // alignment) * alignment, f, e) for s, f, e in wide], placed.offsets, placed.arena)
    assert placed.bound_order <= placed.arena
    assert placed == place(buffers_of(wide), alignment=alignment, node_limit=2000)


@pytest.mark.parametrize(("drawn", "bound", "method"), [(HARD, 39, "restart"), (HARDER, 19, "exact")])
def test_the_search_reaches_a_bound_that_greedy_misses(
    drawn: list[Rectangle], bound: int, method: str
) -> None:
    assert place(buffers_of(drawn), alignment=1, node_limit=0).arena > bound
    placed = place(buffers_of(drawn), alignment=1)
    assert (placed.arena, placed.bound_order, placed.method) == (bound, bound, method)
    assert placed.optimal
    assert_apart(drawn, placed.offsets, bound)


@pytest.mark.parametrize(("drawn", "bound"), ABOVE)
def test_the_search_proves_that_a_bound_cannot_be_met(drawn: list[Rectangle], bound: int) -> None:
    placed = place(buffers_of(drawn), alignment=1)
    assert (placed.arena, placed.bound_order, placed.optimal) == (bound + 1, bound, True)
    assert least_height(drawn) == bound + 1
    # Greedy found as small a one, but could not know.
    assert not place(buffers_of(drawn), alignment=1, node_limit=0).optimal


def test_sections_that_do_not_meet_are_packed_by_themselves() -> None:
    later = [(size, first + 10 * part, last + 10 * part) for part in range(4) for size, first, last in HARD]
    placed = place(buffers_of(later), alignment=1)
    assert (placed.arena, placed.optimal) == (39, True)
    assert_apart(later, placed.offsets, 39)


def test_the_search_gives_up_at_its_limit() -> None:
    blocks = blocks_of(HARD)
    near = neighbours(blocks)
    assert pack(blocks, near, cap=39, node_limit=0).outcome is Outcome.LIMIT
    enough = pack(blocks, near, cap=39, node_limit=10**6)
    assert enough.outcome is Outcome.FOUND
    assert enough.nodes <= 10**4


def test_greedy_takes_the_tightest_gap() -> None:
    # Under the last one there is room for 5 at 0 and for 3 at 6; it has 3.
    drawn = [(5, 0, 0), (1, 0, 1), (3, 0, 0), (1, 0, 1), (3, 1, 1)]
    blocks = blocks_of(drawn)
    offsets = greedy(blocks, neighbours(blocks), range(5))
    assert offsets == (0, 5, 6, 9, 6)
    assert top_of(blocks, offsets) == 10


def test_nothing_to_place() -> None:
    expected = Plan(offsets=(), arena=0, bound_order=0, attained_at=-1, method="size", optimal=True)
    assert place([]) == expected
    assert place(buffers_of([(0, 0, 3)])).offsets == (0,)


@pytest.mark.parametrize("alignment", [0, -8, 48])
def test_an_alignment_is_a_power_of_two(alignment: int) -> None:
    with pytest.raises(ValueError, match=f"alignment {alignment} is not a power of two"):
        place([], alignment=alignment)
