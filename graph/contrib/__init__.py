"""What TensorFlow 1 had beside its vocabulary: `tf.contrib.layers`, `tf.contrib.rnn`, `tf.contrib.framework`."""

from __future__ import annotations

from samara.graph.contrib import framework, layers, rnn

__all__ = ["framework", "layers", "rnn"]
