"""What TensorFlow 1 had beside its vocabulary: `tf.contrib.layers`, `slim`, `rnn`, `seq2seq`, `lookup` and more."""

from __future__ import annotations

from samara.graph import lookup
from samara.graph.contrib import framework, layers, losses, metrics, rnn, seq2seq, slim

__all__ = ["framework", "layers", "lookup", "losses", "metrics", "rnn", "seq2seq", "slim"]
