"""Layers of TensorFlow 1's contrib, with their names and arguments: `tf.contrib.layers`."""

from __future__ import annotations

from samara.graph.contrib.layers import connected, further, normalized, plain, regularizers
from samara.graph.contrib.layers.connected import *
from samara.graph.contrib.layers.further import *
from samara.graph.contrib.layers.normalized import *
from samara.graph.contrib.layers.optimizing import optimize_loss
from samara.graph.contrib.layers.plain import *
from samara.graph.contrib.layers.regularizers import *

__all__ = ["optimize_loss"]
__all__ += connected.__all__
__all__ += further.__all__
__all__ += normalized.__all__
__all__ += plain.__all__
__all__ += regularizers.__all__
