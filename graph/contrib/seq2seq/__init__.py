"""Sequences to sequences, with TensorFlow 1's names and arguments: `tf.contrib.seq2seq`."""

from __future__ import annotations

from samara.graph.contrib.seq2seq import attention, beams, decoders, helpers
from samara.graph.contrib.seq2seq.attention import *
from samara.graph.contrib.seq2seq.beams import *
from samara.graph.contrib.seq2seq.decoders import *
from samara.graph.contrib.seq2seq.helpers import *
from samara.graph.contrib.seq2seq.sequence_losses import sequence_loss

__all__ = ["sequence_loss"]
__all__ += attention.__all__
__all__ += beams.__all__
__all__ += decoders.__all__
__all__ += helpers.__all__
