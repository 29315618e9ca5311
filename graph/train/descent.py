"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import Any

from samara.graph.train.optimizer import Optimizer
from samara.graph.variables import Variable


class GradientDescentOptimizer(Optimizer):
    """variable -= learning_rate * gradient."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(learning_rate, name)

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        return [(variable, variable - self._number(self.learning_rate, variable) * gradient)]


class MomentumOptimizer(Optimizer):
    """velocity = momentum * velocity + gradient; variable -= learning_rate * velocity.

    With Nesterov's correction variable -= learning_rate * (gradient + momentum * velocity), as in Sutskever et al.,
    "On the importance of initialization and momentum in deep learning" (2013).
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(learning_rate, name)
        self.momentum = momentum
        self.use_nesterov = use_nesterov

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        velocity = self._slot(variable, "momentum")
        momentum = self._number(self.momentum, variable)
        moved = momentum * velocity + gradient
        step = gradient + momentum * moved if self.use_nesterov else moved
        return [(velocity, moved), (variable, variable - self._number(self.learning_rate, variable) * step)]
