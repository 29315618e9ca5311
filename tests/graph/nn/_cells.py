"""Recurrent networks in numpy, from their formulas, and what reads a cell's variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[Any, Any], tuple[Any, Any]]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def rnn(kernel: Any, bias: Any) -> Step:
    def step(x: Any, h: Any) -> tuple[Any, Any]:
        h = np.tanh(np.concatenate([x, h], 1) @ kernel + bias)
        return h, h

    return step


def gru(gates: Any, gates_bias: Any, candidate: Any, candidate_bias: Any) -> Step:
    def step(x: Any, h: Any) -> tuple[Any, Any]:
        both = sigmoid(np.concatenate([x, h], 1) @ gates + gates_bias)
        r, u = both[:, : h.shape[1]], both[:, h.shape[1] :]
        c = np.tanh(np.concatenate([x, r * h], 1) @ candidate + candidate_bias)
        h = u * h + (1 - u) * c
        return h, h

    return step


def lstm(
    kernel: Any,
    bias: Any,
    *,
    forget_bias: float = 1.0,
    peepholes: Any = (0, 0, 0),
    cell_clip: float = np.inf,
    projection: Any = None,
    proj_clip: float = np.inf,
) -> Step:
    """The gates are in the order i, j, f, o; peepholes in the order f, i, o."""
    units = kernel.shape[1] // 4

    def step(x: Any, state: Any) -> tuple[Any, Any]:
        c, h = state
        sums = np.concatenate([x, h], 1) @ kernel + bias
        i, j, f, o = (sums[:, k * units : (k + 1) * units] for k in range(4))
        kept = sigmoid(f + forget_bias + peepholes[0] * c) * c
        c = np.clip(kept + sigmoid(i + peepholes[1] * c) * np.tanh(j), -cell_clip, cell_clip)
        h = sigmoid(o + peepholes[2] * c) * np.tanh(c)
        if projection is not None:
            h = np.clip(h @ projection, -proj_clip, proj_clip)
        return h, (c, h)

    return step


def stacked(*steps: Step) -> Step:
    def step(x: Any, states: Any) -> tuple[Any, Any]:
        after = []
        for one, held in zip(steps, states, strict=True):
            x, new = one(x, held)
            after.append(new)
        return x, tuple(after)

    return step


def over(step: Step, x: Any, state: Any, lengths: Any = None) -> tuple[Any, Any]:
    """The outputs [batch, time, size] and the last states, one sequence after the other."""
    outputs, ends = [], []
    for n in range(x.shape[0]):
        held = _each(state, lambda s: s[n : n + 1])  # noqa: B023
        rows: list[Any] = []
        for t in range(x.shape[1]):
            if lengths is not None and t >= lengths[n]:
                rows.append(None)
                continue
            y, held = step(x[n : n + 1, t], held)
            rows.append(y)
        outputs.append(rows)
        ends.append(held)
    size = next(r.shape[-1] for rows in outputs for r in rows if r is not None)
    filled = [[np.zeros((1, size)) if r is None else r for r in rows] for rows in outputs]
    return np.array(filled)[:, :, 0], _joined(ends)


def _each(state: Any, function: Callable[[Any], Any]) -> Any:
    return tuple(_each(s, function) for s in state) if isinstance(state, tuple) else function(state)


def _joined(states: list[Any]) -> Any:
    if isinstance(states[0], tuple):
        return tuple(_joined([s[i] for s in states]) for i in range(len(states[0])))
    return np.concatenate(states)
