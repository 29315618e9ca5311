"""Cases of frames and Fourier transforms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _transformed(x: Any, count: int, turn: int) -> Any:
    """The first `count` sums of complex rows [.., n]."""
    n = x.shape[-1]
    y = np.zeros((*x.shape[:-1], count, 2))
    for row in np.ndindex(*x.shape[:-1]):
        for k in range(count):
            angles = [2 * math.pi * turn * ((j * k) % n) / n for j in range(n)]
            terms = [complex(x[(*row, j)]) * complex(math.cos(a), math.sin(a)) for j, a in enumerate(angles)]
            y[(*row, k)] = [math.fsum(t.real for t in terms), math.fsum(t.imag for t in terms)]
    return y


def _fft(a: Any, x: Any) -> Any:
    n = x.shape[-2]
    y = _transformed(
        x[..., 0].astype(np.float64) + 1j * x[..., 1].astype(np.float64), n, 1 if a.inverse else -1
    )
    return y / n if a.inverse and n else y


def _rfft(a: Any, x: Any) -> Any:
    return _transformed(x.astype(np.float64), x.shape[-1] // 2 + 1, -1)


def _frame(a: Any, x: Any) -> Any:
    starts = [s for s in range(0, x.shape[-1], a.frame_step) if s + a.frame_length <= x.shape[-1]]
    y = np.zeros((*x.shape[:-1], len(starts), a.frame_length), dtype=x.dtype)
    for f, start in enumerate(starts):
        for i in range(a.frame_length):
            y[..., f, i] = x[..., start + i]
    return y


ORACLES = {"fft": _fft, "rfft": _rfft, "frame": _frame}

_SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 18, 30, 32, 36, 61, 64, 67, 77, 100, 122, 128, 134, 256, 400]

CASES = [
    *(Case(op="fft", inputs=(Input(shape=(2, n, 2)),)) for n in _SIZES),
    *(Case(op="fft", inputs=(Input(shape=(n, 2)),), attributes={"inverse": True}) for n in (1, 7, 8, 60, 67)),
    *(Case(op="rfft", inputs=(Input(shape=(2, n)),)) for n in _SIZES),
    *(
        Case(op=op, inputs=(Input(shape=s),))
        for op in ("rfft", "fft")
        for s in [(0, 8, 2), (3, 0, 2), (2, 3, 4, 2)]
    ),
    Case(op="rfft", inputs=(Input(shape=(6,)),)),
    Case(op="rfft", inputs=(Input(shape=(12, 5)),), dynamic=True),
    Case(op="fft", inputs=(Input(shape=(12, 2)),), dynamic=True),
    *(
        Case(op="frame", inputs=(Input(shape=s),), attributes={"frame_length": n, "frame_step": step})
        for s, n, step in [
            ((10,), 3, 2),
            ((2, 11), 4, 1),
            ((2, 3, 11), 4, 7),
            ((2, 12), 4, 4),
            ((2, 12), 12, 5),
            ((2, 12), 13, 5),
            ((0, 12), 3, 5),
            ((2, 0), 3, 5),
            ((9,), 1, 1),
        ]
    ),
    Case(
        op="frame",
        inputs=(Input(shape=(17,)),),
        attributes={"frame_length": 5, "frame_step": 3},
        dynamic=True,
    ),
]
