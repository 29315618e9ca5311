"""Symbolic dimensions compute as integers do, and never claim more than is so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samara.graph import dims
from samara.graph.dims import Dim, Symbol

A, B, C = Dim("a", 1, 9), Dim("b", 0, 20), Dim("c", 3, 3000)
SYMBOLS = tuple(d.symbol for d in (A, B, C))


class Expression:
    """A dimension with a function that computes it from plain integers."""

    def __init__(self, dimension: Any, compute: Any) -> None:
        self.dimension = dimension
        self.compute = compute

    def __repr__(self) -> str:
        return str(self.dimension)


def _leaf(dimension: Dim) -> Expression:
    return Expression(dimension, lambda values, s=dimension.symbol: values[s])


def _combined(parts: tuple[str, Expression, Expression]) -> Expression:
    function, left, right = parts
    plain = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "max": max,
        "min": min,
    }[function]
    symbolic = {"max": dims.maximum, "min": dims.minimum}.get(function, plain)
    return Expression(
        symbolic(left.dimension, right.dimension),
        lambda values: plain(left.compute(values), right.compute(values)),
    )


def _divided(parts: tuple[str, Expression, int]) -> Expression:
    function, left, right = parts
    if function == "//":
        return Expression(left.dimension // right, lambda values: left.compute(values) // right)
    return Expression(
        dims.ceil_divide(left.dimension, right), lambda values: -(-left.compute(values) // right)
    )


EXPRESSIONS = st.recursive(
    st.one_of(
        st.sampled_from([A, B, C]).map(_leaf),
        st.integers(-5, 12).map(lambda n: Expression(n, lambda values: n)),
    ),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "max", "min"]), inner, inner).map(_combined),
        st.tuples(st.sampled_from(["//", "ceil"]), inner, st.integers(1, 7)).map(_divided),
    ),
    max_leaves=6,
)
VALUES = st.tuples(st.integers(1, 9), st.integers(0, 20), st.integers(3, 3000)).map(
    lambda sizes: dict(zip(SYMBOLS, sizes, strict=True))
)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, VALUES)
def test_evaluates_as_integers_do(expression: Expression, values: dict[Symbol, int]) -> None:
    assert dims.evaluate(expression.dimension, values) == expression.compute(values)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, VALUES)
def test_bounds_hold(expression: Expression, values: dict[Symbol, int]) -> None:
    low, high = dims.bounds(expression.dimension)
    assert low <= expression.compute(values) <= high


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, VALUES)
def test_substitution_by_numbers_evaluates(expression: Expression, values: dict[Symbol, int]) -> None:
    (found,) = dims.substitute((expression.dimension,), values)
    assert found == expression.compute(values)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, VALUES)
def test_substitution_by_expressions(outer: Expression, inner: Expression, values: dict[Symbol, int]) -> None:
    # What stands for a symbol keeps to its bounds: simplifications have relied on them.
    within = dims.minimum(dims.maximum(inner.dimension, 1), 9)
    (found,) = dims.substitute((outer.dimension,), {SYMBOLS[0]: within})
    size = min(max(inner.compute(values), 1), 9)
    assert dims.evaluate(found, values) == outer.compute({**values, SYMBOLS[0]: size})


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, VALUES)
def test_exact_division(left: Expression, right: Expression, values: dict[Symbol, int]) -> None:
    if right.dimension == 0:
        return
    quotient, rest = dims.divide_exactly(left.dimension, right.dimension)
    whole = dims.evaluate(quotient, values) * right.compute(values)
    assert whole + dims.evaluate(rest, values) == left.compute(values)
    product = left.dimension * right.dimension
    if not isinstance(right.dimension, Dim):
        assert dims.divide_exactly(product, right.dimension) == (left.dimension, 0)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, VALUES)
def test_division_by_an_expression(left: Expression, right: Expression, values: dict[Symbol, int]) -> None:
    divisor = dims.maximum(right.dimension, 1)
    found = dims.evaluate(left.dimension // divisor, values)
    assert found == left.compute(values) // max(right.compute(values), 1)
    low, high = dims.bounds(left.dimension // divisor)
    assert low <= found <= high


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, VALUES)
def test_what_is_merged_is_either(left: Expression, right: Expression, values: dict[Symbol, int]) -> None:
    found = dims.merge(left.dimension, right.dimension)
    if left.compute(values) == right.compute(values):
        assert found is not None
        assert dims.evaluate(found, values) == left.compute(values)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, VALUES)
def test_what_is_said_of_two_is_so(left: Expression, right: Expression, values: dict[Symbol, int]) -> None:
    x, y = left.compute(values), right.compute(values)
    said = dims.equal(left.dimension, right.dimension)
    assert said is None or said == (x == y)
    if left.dimension == right.dimension:
        assert x == y
        assert hash(left.dimension) == hash(right.dimension)
    if dims.merge(left.dimension, right.dimension) is None:
        assert x != y


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, VALUES)
def test_broadcasting_is_numpys(left: Expression, right: Expression, values: dict[Symbol, int]) -> None:
    x, y = left.compute(values), right.compute(values)
    if min(x, y) < 0:
        return
    found = dims.broadcast(left.dimension, right.dimension)
    fits = x == y or 1 in (x, y)
    if found is None:
        assert not fits
    elif fits and not (isinstance(found, Dim) and found.anonymous):
        assert dims.evaluate(found, values) == (y if x == 1 else x)


def test_equal_polynomials_are_equal() -> None:
    n, m = Dim("n"), Dim("m")
    assert (n + m) * (n - m) == n * n - m * m
    assert n + 1 - n == 1
    assert 2 * n // 2 == n
    assert (4 * n + 3) // 2 == 2 * n + 1
    assert dims.maximum(n, m) == dims.maximum(m, n)
    assert dims.maximum(n, 0) == n
    assert Dim() != Dim()
    assert Dim("n") == n
    assert len({n, Dim("n"), m}) == 2


def test_text() -> None:
    n = Dim("n")
    assert dims.text((2 * n - 1, n // 2, Dim(), 3)) == "[2*n-1, (n)//2, ?, 3]"
    assert dims.text(None) == "[...]"


@pytest.mark.parametrize("bounds", [(-1, 3), (4, 3), (0, 2**31)])
def test_bounds_must_make_sense(bounds: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="bounds"):
        Dim("n", *bounds)


def test_what_is_no_dimension() -> None:
    with pytest.raises(ValueError, match="negative"):
        dims.as_dimension(-1)
    with pytest.raises(TypeError, match="not a dimension"):
        dims.as_dimension([3])
    assert dims.as_dimension("batch") == Dim("batch")
