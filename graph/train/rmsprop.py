"""RMSProp."""

from __future__ import annotations

from typing import Any

from samara.graph.train.optimizer import Optimizer
from samara.graph.variables import Variable


class RMSPropOptimizer(Optimizer):
    """Tieleman and Hinton, "Lecture 6.5: rmsprop" (2012), with momentum.

    squares = decay * squares + (1 - decay) * g * g;
    moved = momentum * moved + learning_rate * g / sqrt(squares + epsilon); variable -= moved.

    When `centered`, mean = decay * mean + (1 - decay) * g too, and the root is of squares - mean * mean + epsilon: an
    estimate of the variance, as in Graves, "Generating sequences with recurrent neural networks" (2013), equations
    (38)-(45). epsilon is inside the root, as there. squares start from 1, which makes the first steps small; the mean
    and what was moved start from 0.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(learning_rate, name)
        self.decay = decay
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        b = variable.graph.b
        squares, momentum = self._slot(variable, "rms", 1.0), self._slot(variable, "momentum")
        decay = self._number(self.decay, variable)
        rest = 1.0 - decay
        square = decay * squares + rest * b.square(gradient)
        new: list[tuple[Variable, Any]] = [(squares, square)]
        spread = square
        if self.centered:
            means = self._slot(variable, "mg")
            mean = decay * means + rest * gradient
            new.append((means, mean))
            spread = square - b.square(mean)
        scaled = gradient / b.sqrt(spread + self._number(self.epsilon, variable))
        moved = (
            self._number(self.momentum, variable) * momentum
            + self._number(self.learning_rate, variable) * scaled
        )
        return [*new, (momentum, moved), (variable, variable - moved)]
