"""Adadelta."""

from __future__ import annotations

from typing import Any

from samara.graph.train.optimizer import Optimizer
from samara.graph.variables import Variable


class AdadeltaOptimizer(Optimizer):
    """Zeiler, "ADADELTA: an adaptive learning rate method" (2012), algorithm 1.

    squares = rho * squares + (1 - rho) * g * g; step = sqrt(updates + epsilon) / sqrt(squares + epsilon) * g;
    updates = rho * updates + (1 - rho) * step * step; variable -= learning_rate * step.

    epsilon is inside both roots, as in the paper: it starts the first steps, where both averages are 0. The paper has
    no learning rate: 1.0 is its method.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(learning_rate, name)
        self.rho = rho
        self.epsilon = epsilon

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        b = variable.graph.b
        squares, updates = self._slot(variable, "accum"), self._slot(variable, "accum_update")
        rho, epsilon = self._number(self.rho, variable), self._number(self.epsilon, variable)
        rest = 1.0 - rho
        square = rho * squares + rest * b.square(gradient)
        step = b.sqrt(updates + epsilon) / b.sqrt(square + epsilon) * gradient
        update = rho * updates + rest * b.square(step)
        moved = variable - self._number(self.learning_rate, variable) * step
        return [(squares, square), (updates, update), (variable, moved)]
