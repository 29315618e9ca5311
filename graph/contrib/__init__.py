"""What TensorFlow 1 had beside its vocabulary: `tf.contrib.layers`, `slim`, `rnn`, `seq2seq`, `lookup` and more."""

from __future__ import annotations

from samara.graph import distributions, lookup
from samara.graph.contrib import crf, framework, layers, losses, metrics, rnn, seq2seq, slim

__all__ = [
    "crf",
    "distributions",
    "framework",
    "layers",
    "lookup",
    "losses",
    "metrics",
    "rnn",
    "seq2seq",
    "slim",
]
