"""Cases of attention. The oracle computes one query at a time, over the keys that it sees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _attention(a: Any, query: Any, key: Any, value: Any, mask: Any) -> Any:
    *lead, queries, _ = query.shape
    keys, outputs = value.shape[-2:]
    if len(lead) > 0:
        key, value = (np.repeat(t, lead[-1] // max(t.shape[-3], 1), axis=-3) for t in (key, value))
    key, value = (np.broadcast_to(t, (*lead, *t.shape[-2:])) for t in (key, value))
    mask = np.broadcast_to(0.0 if mask is None else mask, (*lead, queries, keys))
    y = np.zeros((*lead, queries, outputs))
    for place in np.ndindex(*lead, queries):
        batch, i = place[:-1], place[-1]
        scores = {}
        for j in range(keys):
            if a.causal != "none" and j > i + (keys - queries if a.causal == "end" else 0):
                continue
            score = a.scale * math.fsum(query[place] * key[(*batch, j)])
            if a.softcap:
                score = a.softcap * math.tanh(score / a.softcap)
            given = mask[(*place, j)]
            score = score + given if given.dtype.kind == "f" else score if given else -math.inf
            if score > -math.inf:
                scores[j] = math.exp(score)
        if scores:
            y[place] = sum(w * value[(*batch, j)] for j, w in scores.items()) / math.fsum(scores.values())
        elif a.blind_nan and keys:
            y[place] = math.nan
    return y


ORACLES = {"attention": _attention}

_TRIL = np.tri(5, 7, 1, dtype=np.bool_)
_HOLES = np.asarray([[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]], np.bool_)


def _case(
    lead: tuple[int, ...],
    queries: int,
    keys: int,
    size: int,
    outputs: int | None = None,
    *,
    shared: tuple[int, ...] | None = None,
    mask: Input | None = None,
    **keywords: Any,
) -> Case:
    """An attention; `shared` are the leading dimensions of key and value where they are not those of query."""
    attributes = {"scale": 0.5, **keywords.pop("attributes", {})}
    under = lead if shared is None else shared
    inputs = (
        Input(shape=(*lead, queries, size)),
        Input(shape=(*under, keys, size)),
        Input(shape=(*under, keys, size if outputs is None else outputs)),
        mask,
    )
    return Case(op="attention", inputs=inputs, attributes=attributes, **keywords)


def _causal(kind: str, **more: Any) -> dict[str, Any]:
    return {"attributes": {"causal": kind, **more}}


CASES = [
    # Few queries, a tile, tiles, and work items; a block of keys, and blocks.
    *(_case((2,), n, 9, 5) for n in (1, 4, 5, 15, 16, 17, 33)),
    *(_case((2,), 6, n, 4) for n in (1, 31, 32, 33, 65)),
    *(_case((), 2, n, 4) for n in (31, 32, 33, 65)),
    *(_case((2,), n, 7, 3, gradient=False) for n in (127, 128, 129)),
    # Sizes around what is computed at once.
    *(_case((2,), m, 3, n, n + 1) for m in (2, 6) for n in (1, 15, 16, 17, 33)),
    _case((1, 2), 3, 5, 4, 7),
    _case((2, 1, 3), 3, 5, 4, 7),
    _case((1, 2, 1, 3), 3, 5, 4, 2),
    # Shared heads, and what broadcasts.
    _case((2, 6), 3, 5, 4, shared=(2, 2)),
    _case((2, 6), 3, 5, 4, shared=(2, 1)),
    _case((2, 6), 3, 5, 4, shared=(1, 3)),
    _case((3, 2, 4), 6, 5, 4, shared=(1, 2, 2)),
    _case((4,), 3, 5, 4, shared=(2,)),
    # Masks.
    _case((2, 3), 5, 7, 4, mask=Input(shape=(5, 7))),
    _case((2, 3), 5, 7, 4, mask=Input(shape=(2, 3, 5, 7))),
    _case((2, 3), 5, 7, 4, mask=Input(shape=(2, 1, 1, 7))),
    _case((2, 3), 5, 7, 4, mask=Input(shape=(3, 5, 1))),
    _case((2, 3), 5, 7, 4, mask=Input(shape=(7,))),
    _case((2, 3), 5, 7, 4, mask=Input()),
    _case((2, 3), 5, 7, 4, mask=Input(shape=(5, 7), dtype="bool", values=_TRIL)),
    _case((2, 4), 5, 7, 4, shared=(2, 2), mask=Input(shape=(2, 4, 5, 7))),
    _case((2, 4), 5, 7, 4, shared=(2, 2), mask=Input(shape=(2, 1, 5, 7))),
    _case((2, 4), 5, 7, 4, shared=(2, 2), mask=Input(shape=(5, 7), dtype="bool", values=_TRIL), label="tril"),
    _case((2,), 3, 4, 4, mask=Input(shape=(3, 4), dtype="bool", values=_HOLES, constant=True), label="blind"),
    _case(
        (2,),
        3,
        4,
        4,
        mask=Input(shape=(3, 4), values=np.where(_HOLES, 0.5, -np.inf), constant=True),
        label="never",
    ),
    _case(
        (2,),
        20,
        40,
        4,
        mask=Input(shape=(20, 40), dtype="bool", values=np.arange(40) >= 33 + np.zeros((20, 1))),
        label="late",
    ),
    _case(
        (2,),
        3,
        4,
        4,
        mask=Input(shape=(3, 4), dtype="bool", values=_HOLES),
        attributes={"blind_nan": True},
        gradient=False,
        label="blind",
    ),
    # Places.
    *(
        _case((2,), m, n, 4, **_causal(kind))
        for kind in ("start", "end")
        for m, n in ((5, 5), (3, 7), (7, 3))
    ),
    _case((1,), 40, 70, 4, **_causal("start")),
    _case((1,), 40, 70, 4, **_causal("end")),
    _case((1,), 1, 70, 4, **_causal("end")),
    _case((2, 4), 5, 6, 4, shared=(2, 2), **_causal("end")),
    _case((2,), 7, 3, 4, **_causal("end", blind_nan=True), gradient=False, label="blind"),
    _case((2,), 5, 7, 4, mask=Input(shape=(5, 7)), **_causal("end")),
    # Scores.
    _case((2,), 6, 7, 4, attributes={"softcap": 1.5}),
    _case((2,), 3, 7, 4, attributes={"softcap": 1.5}, mask=Input(shape=(3, 7))),
    _case((2,), 3, 7, 4, attributes={"scale": 0.0}),
    _case((2,), 6, 40, 8, attributes={"scale": -30.0}, tolerance=5e-5, gradient=False, label="steep"),
    # Nothing.
    _case((2,), 0, 3, 4),
    _case((2,), 3, 0, 4),
    _case((2,), 3, 0, 4, attributes={"blind_nan": True}),
    _case((2,), 3, 5, 0, 4),
    _case((2,), 3, 5, 4, 0),
    _case((0,), 3, 5, 4),
    _case((2, 0), 3, 5, 4, mask=Input(shape=(5,))),
    # Lengths that move.
    _case((), 5, 5, 4, mask=Input(shape=(5, 1)), dynamic=True, label="moves", **_causal("end")),
    _case((3, 2), 6, 7, 4, dynamic=True, label="moves"),
]
