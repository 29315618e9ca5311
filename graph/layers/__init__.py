"""Layers with their variables, with TensorFlow 1's names and arguments: `tf.layers`.

Most functions are made of their class by `as_function`, which documents the arguments of both.
"""

from __future__ import annotations

from samara.graph.layer import Layer
from samara.graph.layers import convolutional, dense_layers, normalizing, pooled
from samara.graph.layers.convolutional import *
from samara.graph.layers.dense_layers import *
from samara.graph.layers.normalizing import *
from samara.graph.layers.pooled import *

__all__ = ["Layer"]
__all__ += convolutional.__all__
__all__ += dense_layers.__all__
__all__ += normalizing.__all__
__all__ += pooled.__all__
