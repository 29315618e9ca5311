"""Training: optimizers as graphs of ordinary operations, so that a training step can be exported like a model."""

from __future__ import annotations

from samara.graph.train.adam import AdamOptimizer
from samara.graph.train.descent import GradientDescentOptimizer, MomentumOptimizer
from samara.graph.train.optimizer import Optimizer

__all__ = ["AdamOptimizer", "GradientDescentOptimizer", "MomentumOptimizer", "Optimizer"]
