"""Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.train.optimizer import Optimizer
from samara.graph.variables import Variable


class AdamOptimizer(Optimizer):
    """Kingma and Ba, "Adam: a method for stochastic optimization" (2015), as the end of its section 2 orders it.

    m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g * g;
    variable -= learning_rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: float = 0.9,
        *,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        name: str = "Adam",
    ) -> None:
        super().__init__(learning_rate, name)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self._powers: tuple[Variable, Variable] | None = None

    def _prepare(self, variables: Sequence[Variable]) -> Any:
        if self._powers is None:
            self._powers = (
                Variable(np.float32(self.beta1), trainable=False, name="beta1_power"),
                Variable(np.float32(self.beta2), trainable=False, name="beta2_power"),
            )
        return self._powers

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        b = variable.graph.b
        first, second = self._slot(variable, "m"), self._slot(variable, "v")
        beta1, beta2, one = (self._number(n, variable) for n in (self.beta1, self.beta2, 1.0))
        power1, power2 = (self._number(p, variable) for p in shared)
        rate = self._number(self.learning_rate, variable) * b.sqrt(one - power2) / (one - power1)
        m = beta1 * first + (one - beta1) * gradient
        v = beta2 * second + (one - beta2) * b.square(gradient)
        step = rate * m / (b.sqrt(v) + self._number(self.epsilon, variable))
        return [(first, m), (second, v), (variable, variable - step)]

    def _finish(self, shared: Any) -> list[Any]:
        return [p.assign(p * beta) for p, beta in zip(shared, (self.beta1, self.beta2), strict=True)]
