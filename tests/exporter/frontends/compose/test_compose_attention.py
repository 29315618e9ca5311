"""Attention against plain loops in float64, with lengths that move."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.frontends.compose.attention import Sight, attention, heads_apart, heads_together
from samara.graph import dtypes
from tests.exporter.frontends.compose_agreement import agrees

GENERATOR = np.random.default_rng(0)
BATCH, HEADS, QUERIES, KEYS, SIZE, WIDTH = 2, 4, 3, 5, 6, 7


def values(*shape: int, dtype: str = "float32") -> Any:
    return GENERATOR.uniform(-2, 2, shape).astype(dtype)


def arrays(shared: int = HEADS, dtype: str = "float32") -> Any:
    shapes = [(HEADS, QUERIES, SIZE), (shared, KEYS, SIZE), (shared, KEYS, WIDTH)]
    return [values(BATCH, *s, dtype=dtype) for s in shapes]


def attended(
    q: Any, k: Any, v: Any, sees: Any, *, scale: float, softcap: float = 0.0, mask: Any = None
) -> Any:
    """Each query by itself: `sees(example, query, key)`."""
    y = np.zeros((*q.shape[:3], v.shape[3]))
    for n, h, i in np.ndindex(*q.shape[:3]):
        other = h // (q.shape[1] // k.shape[1])
        powers, total = np.zeros(v.shape[3]), 0.0
        for j in range(k.shape[2]):
            if not sees(n, i, j):
                continue
            score = scale * math.fsum(
                float(a) * float(c) for a, c in zip(q[n, h, i], k[n, other, j], strict=True)
            )
            if softcap:
                score = softcap * math.tanh(score / softcap)
            if mask is not None:
                score += float(np.broadcast_to(mask, (*q.shape[:3], k.shape[2]))[n, h, i, j])
            total += math.exp(score)
            powers += math.exp(score) * v[n, other, j].astype(np.float64)
        y[n, h, i] = powers / total if total else 0
    return y.astype(q.dtype)


MOVING = {0: ["n", None, "t", None], 1: ["n", None, "s", None], 2: ["n", None, "s", None]}


@pytest.mark.parametrize("shared", [4, 2, 1])
@pytest.mark.parametrize("moving", [None, MOVING])
@pytest.mark.parametrize(
    ("dtype", "scale", "softcap"), [("float32", None, 0.0), ("float32", 0.7, 1.5), ("float16", None, 0.0)]
)
def test_attention(shared: int, moving: Any, dtype: str, scale: Any, softcap: float, tmp_path: Path) -> None:
    given = arrays(shared, dtype)
    agrees(
        lambda b, q, k, v: attention(b, q, k, v, sight=Sight(), scale=scale, softcap=softcap)[0],
        given,
        attended(*given, lambda n, i, j: True, scale=scale or SIZE**-0.5, softcap=softcap),
        path=tmp_path,
        moving=moving,
        tolerance=4e-3 if dtype == "float16" else 2e-5,
    )


@pytest.mark.parametrize("moving", [None, MOVING])
@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize(
    ("causal", "left", "right"), [(True, None, None), (False, 1, 0), (True, 0, 1), (False, None, 1)]
)
def test_places(moving: Any, before: int, causal: bool, left: Any, right: Any, tmp_path: Path) -> None:
    given = arrays()

    def sees(n: int, i: int, j: int) -> bool:
        place = before + i
        late = causal and j > place
        return not (
            late or (left is not None and j < place - left) or (right is not None and j > place + right)
        )

    sight = Sight(causal=causal, before=before, left=left, right=right)
    agrees(
        lambda b, q, k, v: attention(b, q, k, v, sight=sight)[0],
        given,
        attended(*given, sees, scale=SIZE**-0.5),
        path=tmp_path,
        moving=moving,
    )


@pytest.mark.parametrize("moving", [None, MOVING])
@pytest.mark.parametrize("causal", [False, True])
def test_examples_that_are_not_filled(moving: Any, causal: bool, tmp_path: Path) -> None:
    given, filled = arrays(), np.asarray([5, 2], np.int32)

    def build(b: Any, q: Any, k: Any, v: Any, n: Any) -> Any:
        before = b.subtract(n, b.like(QUERIES, n))
        return attention(b, q, k, v, sight=Sight(causal=causal, before=before, filled=n))[0]

    def sees(n: int, i: int, j: int) -> bool:
        return j < filled[n] and not (causal and j > i + filled[n] - QUERIES)

    agrees(
        build,
        [*given, filled],
        attended(*given, sees, scale=SIZE**-0.5),
        path=tmp_path,
        moving=moving and {**moving, 3: ["n"]},
    )


@pytest.mark.parametrize(
    "shape", [(KEYS,), (QUERIES, KEYS), (BATCH, 1, 1, KEYS), (BATCH, HEADS, QUERIES, KEYS)]
)
@pytest.mark.parametrize("kind", ["bool", "float", "short"])
def test_masks(shape: Any, kind: str, tmp_path: Path) -> None:
    given = arrays()
    mask = values(*shape)
    if kind == "bool":
        mask = mask > 0
        # A query that sees nothing, and one that sees all.
        rows = mask.reshape(-1, KEYS)
        rows[0] = False
        rows[1:2] = True
    bias = np.where(mask, 0, -np.inf) if kind == "bool" else mask
    if kind == "short":
        mask = mask[..., : KEYS - 2]
        bias = np.concatenate([mask, np.full((*shape[:-1], 2), -np.inf)], axis=-1)
    whole = np.broadcast_to(bias, (BATCH, HEADS, QUERIES, KEYS))
    expected = np.zeros((BATCH, HEADS, QUERIES, WIDTH), np.float32)
    with np.errstate(invalid="ignore"):
        for h in range(HEADS):
            one = [t[:, h : h + 1] for t in given]
            expected[:, h : h + 1] = attended(
                *one, lambda n, i, j: True, scale=SIZE**-0.5, mask=whole[:, h : h + 1]
            )
    agrees(
        lambda b, q, k, v, m: attention(b, q, k, v, sight=Sight(mask=m))[0],
        [*given, mask],
        expected,
        path=tmp_path,
    )


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_stages(stage: int, tmp_path: Path) -> None:
    q, k, v = arrays(2)
    scores = np.einsum("nhtd,nhsd->nhts", q, np.repeat(k, 2, axis=1)).astype(np.float64) / math.sqrt(SIZE)
    scores = scores if stage == 0 else 2 * np.tanh(scores / 2)
    if stage >= 2:
        scores = np.where(np.tri(QUERIES, KEYS, dtype=bool), scores, -np.inf)
    if stage == 3:
        scores = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    agrees(
        lambda b, q, k, v: attention(b, q, k, v, sight=Sight(causal=True), softcap=2.0, stage=stage)[1],
        [q, k, v],
        scores.astype(np.float32),
        path=None if stage == 2 else tmp_path,
    )


def test_weights_in_another_type(tmp_path: Path) -> None:
    given = arrays(dtype="float16")
    agrees(
        lambda b, q, k, v: attention(b, q, k, v, sight=Sight(), precision=dtypes.float32)[0],
        given,
        attended(*given, lambda n, i, j: True, scale=SIZE**-0.5),
        path=tmp_path,
        tolerance=2e-3,
    )


def test_heads(tmp_path: Path) -> None:
    x = values(2, 3, 12)
    agrees(
        lambda b, x: [heads_apart(b, x, 4), heads_together(b, heads_apart(b, x, 4))],
        [x],
        [x.reshape(2, 3, 4, 3).transpose(0, 2, 1, 3), x],
        path=tmp_path,
        moving={0: ["n", "t", None]},
    )


def test_heads_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="4 heads of queries for 3"):
        agrees(lambda b, q, k, v: attention(b, q, k, v, sight=Sight())[0], arrays(3), [])
    with pytest.raises(ValueError, match="does not divide"):
        agrees(lambda b, x: heads_apart(b, x, 5), [values(1, 2, 12)], [])
