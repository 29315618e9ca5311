"""Networks over sequences: a transformer encoder and recurrent layers."""

from __future__ import annotations

from benchmarks.network import Builder, Network


def encoder() -> Network:
    """The shape of MiniLM-L6: six layers of width 384 with 12 heads, on 128 tokens that are embedded already."""
    b = Builder("encoder", (128, 384))
    x = b.layer_norm("input")
    for _ in range(6):
        y = b.attention(b.dense(x, 384), b.dense(x, 384), b.dense(x, 384), 12)
        x = b.layer_norm(b.add(x, b.dense(y, 384)))
        y = b.dense(b.dense(x, 1536, activation="gelu"), 384)
        x = b.layer_norm(b.add(x, y))
    return b.finish(x)


def lstm() -> Network:
    """Two recurrent layers of 128 over 100 steps of 40 features, and 10 classes of each step."""
    b = Builder("lstm", (100, 40))
    return b.finish(b.dense(b.lstm(b.lstm("input", 128), 128), 10))
