"""Models in few lines: contrib's layers, variables and shared arguments under one name: `tf.contrib.slim`."""

from __future__ import annotations

from samara.graph.contrib import framework, layers, losses, metrics
from samara.graph.contrib.framework import *
from samara.graph.contrib.layers import *
from samara.graph.contrib.slim import evaluation, learning, utils

__all__ = ["evaluation", "learning", "losses", "metrics", "utils"]
__all__ += framework.__all__
__all__ += layers.__all__
