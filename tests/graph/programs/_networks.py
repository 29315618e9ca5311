"""Forward and backward passes of small networks in numpy, written from their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np


def cross_entropy(logits: Any, labels: Any) -> tuple[float, Any]:
    """The mean over the rows, and its gradient."""
    shifted = logits - logits.max(1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return float(loss), p / len(labels)


def dense_step(v: dict[str, Any], x: Any, labels: Any, rate: float) -> float:
    """One step of gradient descent of dense layers with relu between them: W1, b1, W2, b2."""
    hidden = np.maximum(x @ v["W1"] + v["b1"], 0)
    loss, d = cross_entropy(hidden @ v["W2"] + v["b2"], labels)
    back = (d @ v["W2"].T) * (hidden > 0)
    slopes = {"W1": x.T @ back, "b1": back.sum(0), "W2": hidden.T @ d, "b2": d.sum(0)}
    for name, slope in slopes.items():
        v[name] = v[name] - rate * slope
    return loss


def patches(x: Any) -> Any:
    """The neighbourhoods of 3 by 3 of images with zeros around: [N, H, W, 3, 3, C]."""
    around = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(around, (3, 3), (1, 2))
    return np.moveaxis(views, 3, -1)


def convolutional_step(v: dict[str, Any], x: Any, labels: Any, rate: float) -> float:
    """One step of a convolution of 3 by 3, relu, maxima of 2 by 2, and a dense layer: K, b, W, c."""
    n, h, w, _ = x.shape
    near = patches(x)
    before = np.einsum("nhwyxc,yxco->nhwo", near, v["K"]) + v["b"]
    y = np.maximum(before, 0)
    o = y.shape[-1]
    blocks = (
        y.reshape(n, h // 2, 2, w // 2, 2, o).transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, o, 4)
    )
    # The first of equal ones, row by row, has the gradient.
    place = blocks.argmax(-1)
    pooled = blocks.max(-1)
    flat = pooled.reshape(n, -1)
    loss, d = cross_entropy(flat @ v["W"] + v["c"], labels)
    back = (d @ v["W"].T).reshape(pooled.shape)
    spread = (np.arange(4) == place[..., None]) * back[..., None]
    spread = spread.reshape(n, h // 2, w // 2, o, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(y.shape)
    spread = spread * (before > 0)
    slopes = {
        "K": np.einsum("nhwyxc,nhwo->yxco", near, spread),
        "b": spread.sum((0, 1, 2)),
        "W": flat.T @ d,
        "c": d.sum(0),
    }
    for name, slope in slopes.items():
        v[name] = v[name] - rate * slope
    return loss


def lstm_step(v: dict[str, Any], x: Any, labels: Any, rate: float) -> float:
    """One step of an LSTM over the rows of x [N, T, D] (gates i, j, f, o, forget bias 1) and a dense layer."""
    n, steps, depth = x.shape
    units = v["K"].shape[1] // 4

    def squash(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    c, h = np.zeros((n, units)), np.zeros((n, units))
    kept = []
    for t in range(steps):
        inputs = np.concatenate([x[:, t], h], 1)
        i, j, f, o = np.split(inputs @ v["K"] + v["b"], 4, 1)
        i, j, f, o = squash(i), np.tanh(j), squash(f + 1), squash(o)
        kept.append((inputs, i, j, f, o, c))
        c = c * f + i * j
        h = np.tanh(c) * o
        kept[-1] = (*kept[-1], c)
    loss, d = cross_entropy(h @ v["W"] + v["a"], labels)
    slopes = {"K": np.zeros_like(v["K"]), "b": np.zeros_like(v["b"]), "W": h.T @ d, "a": d.sum(0)}
    dh, dc = d @ v["W"].T, np.zeros((n, units))
    for inputs, i, j, f, o, c_before, c_after in reversed(kept):
        squashed = np.tanh(c_after)
        dc = dc + dh * o * (1 - squashed**2)
        sums = [
            dc * j * i * (1 - i),
            dc * i * (1 - j**2),
            dc * c_before * f * (1 - f),
            dh * squashed * o * (1 - o),
        ]
        gates = np.concatenate(sums, 1)
        slopes["K"] += inputs.T @ gates
        slopes["b"] += gates.sum(0)
        dh, dc = (gates @ v["K"].T)[:, depth:], dc * f
    for name, slope in slopes.items():
        v[name] = v[name] - rate * slope
    return loss
