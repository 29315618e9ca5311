"""What TensorFlow 1 had beside its vocabulary: `tf.contrib.layers`, `slim`, `rnn`, `seq2seq`, `lookup` and more."""

from __future__ import annotations

from samara.graph import distributions, lookup
from samara.graph.contrib import (
    crf,
    framework,
    layers,
    legacy_seq2seq,
    losses,
    metrics,
    rnn,
    seq2seq,
    slim,
    training,
)

__all__ = [
    "crf",
    "distributions",
    "framework",
    "layers",
    "legacy_seq2seq",
    "lookup",
    "losses",
    "metrics",
    "rnn",
    "seq2seq",
    "slim",
    "training",
]
