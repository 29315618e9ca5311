"""What TensorFlow 1 had beside its vocabulary: `tf.contrib.layers`, `rnn`, `seq2seq` and `framework`."""

from __future__ import annotations

from samara.graph.contrib import framework, layers, rnn, seq2seq

__all__ = ["framework", "layers", "rnn", "seq2seq"]
