"""Sets of bytes at equal distances, beside sets of numbers."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from samara.exporter.plan.stripes import Stripes


@st.composite
def stripes(draw: st.DrawFn, steps: st.SearchStrategy[int]) -> Stripes:
    step = draw(steps)
    width = draw(st.integers(1, step))
    return Stripes(start=draw(st.integers(0, 30)), width=width, step=step, count=draw(st.integers(1, 6)))


ANY = stripes(st.integers(1, 9))
ALIKE = st.integers(1, 9).flatmap(lambda step: st.tuples(*[stripes(st.just(step))] * 2))


def numbers(parts: Iterable[Stripes]) -> list[int]:
    return [
        byte
        for part in parts
        for index in range(part.count)
        for byte in range(part.start + index * part.step, part.start + index * part.step + part.width)
    ]


@given(st.one_of(st.tuples(ANY, ANY), ALIKE))
@settings(max_examples=1000, deadline=None)
def test_what_is_in_both_and_what_is_in_one(pair: tuple[Stripes, Stripes]) -> None:
    one, other = pair
    have, take = set(numbers([one])), set(numbers([other]))
    assert one.end == max(have) + 1
    for parts, expected in ((list(one.both(other)), have & take), (list(one.without(other)), have - take)):
        found = numbers(parts)
        assert len(found) == len(set(found))
        assert set(found) == expected


@given(ANY, st.integers(-5, 90), st.integers(-5, 90))
@settings(max_examples=500, deadline=None)
def test_what_is_between_two_bytes(one: Stripes, low: int, high: int) -> None:
    found = numbers(one.within(low, high))
    assert sorted(found) == [byte for byte in sorted(numbers([one])) if low <= byte < high]
