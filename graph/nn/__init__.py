"""Neural network functions, with TensorFlow 1's names and arguments: `tf.nn`."""

from __future__ import annotations

from samara.graph.nn import (
    activations,
    candidate_sampling,
    convolutions,
    morphology,
    normalization,
    pooling,
    recurrent,
    rnn_cell,
    sampled_losses,
    sparse_lookup,
    temporal,
    volumes,
)
from samara.graph.nn import losses as nn_losses
from samara.graph.nn.activations import *
from samara.graph.nn.candidate_sampling import *
from samara.graph.nn.convolutions import *
from samara.graph.nn.dropping import dropout
from samara.graph.nn.losses import *
from samara.graph.nn.morphology import *
from samara.graph.nn.normalization import *
from samara.graph.nn.pooling import *
from samara.graph.nn.raw_rnn import raw_rnn
from samara.graph.nn.recurrent import *
from samara.graph.nn.sampled_losses import *
from samara.graph.nn.selection import TopKV2, embedding_lookup, in_top_k, top_k
from samara.graph.nn.sparse_lookup import *
from samara.graph.nn.temporal import *
from samara.graph.nn.volumes import *

__all__ = ["TopKV2", "dropout", "embedding_lookup", "in_top_k", "raw_rnn", "rnn_cell", "top_k"]
__all__ += activations.__all__
__all__ += candidate_sampling.__all__
__all__ += convolutions.__all__
__all__ += volumes.__all__
__all__ += morphology.__all__
__all__ += nn_losses.__all__
__all__ += normalization.__all__
__all__ += pooling.__all__
__all__ += recurrent.__all__
__all__ += sampled_losses.__all__
__all__ += sparse_lookup.__all__
__all__ += temporal.__all__
