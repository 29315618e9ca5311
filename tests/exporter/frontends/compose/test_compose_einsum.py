"""Einstein summation against numpy's, with fixed and with moving sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samara.exporter.frontends.compose.einsum import einsum
from tests.exporter.frontends.compose_agreement import agrees

SIZES = dict(zip("abcdefghijklmnop", [2, 3, 4, 5, 2, 3, 2, 2, 4, 3, 5, 2, 3, 2, 2, 2], strict=True))

EQUATIONS = [
    "i->i",
    "i->",
    "ij->ji",
    "ij->j",
    "ij",
    "ba",
    "ii",
    "ii->i",
    "iij->ji",
    "iii->i",
    "iijj->ij",
    "i,i",
    "i,i->i",
    "i,j->ij",
    "i,j->ji",
    "ij,jk->ik",
    "ij,jk->ki",
    "ij,kj->ik",
    "ji,jk->ik",
    "ji,kj",
    "bij,bjk->bik",
    "abij,abjk->abik",
    "ij,k->ijk",
    "bhid,bhjd->bhij",
    "bihd,bjhd->bhij",
    "bhij,bjhd->bihd",
    "abc,cde->abde",
    "abc,bc->a",
    "abc,abc->abc",
    "abc,cba->b",
    "ab,bc,cd->ad",
    "ab,bc,cd->a",
    "ab,ac,ad->bcd",
    "ii,ij->j",
    "i,i,i->",
    "ij,->ji",
    ",ij",
    "abc,d->db",
]


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("moves", [False, True])
def test_equation(equation: str, moves: bool, tmp_path: Path) -> None:
    terms = equation.split("->", maxsplit=1)[0].split(",")
    generator = np.random.default_rng(3)
    arrays = [generator.uniform(-1, 1, [SIZES[c] for c in t]).astype(np.float32) for t in terms]
    expected = np.asarray(np.einsum(equation, *(a.astype(np.float64) for a in arrays))).astype(np.float32)
    moving = {i: list(t) for i, t in enumerate(terms)} if moves else None
    agrees(lambda b, *x: einsum(b, equation, x), arrays, expected, path=tmp_path, moving=moving)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("...ij,...jk->...ik", [(2, 3, 4, 5), (2, 3, 5, 2)]),
        ("...ij,...jk", [(2, 1, 4, 5), (3, 5, 2)]),
        ("...ij,jk->...ik", [(2, 3, 4, 5), (5, 2)]),
        ("...i,...i->...", [(2, 3, 4), (3, 4)]),
        ("...i,...j->...ij", [(2, 3), (2, 4)]),
        ("...ii->...i", [(2, 3, 3)]),
        ("i...->...i", [(2, 3, 4)]),
        ("i...j,j...->i...", [(2, 3, 4), (4, 3)]),
        ("...", [(2, 3)]),
        ("...,...", [(2, 1, 3), (4, 3)]),
        ("b...k,...kj->b...j", [(2, 3, 4), (1, 4, 5)]),
        ("ij,jk->ik", [(2, 1), (4, 3)]),
        ("ij,jk->ik", [(2, 0), (0, 3)]),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "int64", "int8"])
def test_ellipsis_and_types(equation: str, shapes: Any, dtype: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    arrays = [generator.integers(-3, 4, s).astype(dtype) for s in shapes]
    expected = np.asarray(np.einsum(equation, *(a.astype(np.int64) for a in arrays))).astype(dtype)
    agrees(lambda b, *x: einsum(b, equation, x), arrays, expected, path=tmp_path)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_equation(data: Any) -> None:
    labels = st.text("abcd", max_size=4)
    terms = data.draw(st.lists(labels, min_size=1, max_size=3))
    present = sorted(set("".join(terms)))
    kept = data.draw(st.permutations(present)) if present else []
    result = "".join(kept[: data.draw(st.integers(0, len(kept)))])
    equation = ",".join(terms) + "->" + result
    generator = np.random.default_rng(5)
    arrays = [generator.integers(-2, 3, [SIZES[c] for c in t]).astype(np.float64) for t in terms]
    expected = np.asarray(np.einsum(equation, *arrays))
    moving = {i: list(t) for i, t in enumerate(terms)} if data.draw(st.booleans()) else None
    agrees(lambda b, *x: einsum(b, equation, x), arrays, expected, moving=moving, tolerance=1e-12)


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk", [(2, 3)], "2 operands, given are 1"),
        ("ij", [(2,)], "does not fit rank 1"),
        ("i", [(2, 3)], "does not fit rank 2"),
        ("i..j", [(2, 3)], "does not fit"),
        ("i->ii", [(2,)], "twice"),
        ("i->j", [(2,)], "of no operand"),
        ("ij,jk", [(2, 3), (4, 5)], "stands for 3 and 4"),
        ("ii", [(2, 3)], "sizes 2 and 3"),
        ("i;j", [(2,)], "not one of einsum"),
    ],
)
def test_refusals(equation: str, shapes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        agrees(lambda b, *x: einsum(b, equation, x), [np.zeros(s, np.float32) for s in shapes], [])
