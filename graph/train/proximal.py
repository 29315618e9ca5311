"""Gradient steps followed by the proximal step of an l1 and a squared l2 penalty."""

from __future__ import annotations

from typing import Any

from samara.graph.train.adagrad import positive
from samara.graph.train.optimizer import Optimizer
from samara.graph.variables import Variable


def _proximal(variable: Variable, point: Any, rate: Any, l1: float, l2: float) -> Any:
    """The w that minimises |w - point|^2 / 2 + rate * (l1 * |w| + l2 * w^2 / 2)."""
    b = variable.graph.b
    beyond = b.maximum(b.abs(point) - l1 * rate, b.like(0, point))
    return b.sign(point) * beyond / (1.0 + l2 * rate)


class ProximalGradientDescentOptimizer(Optimizer):
    """Duchi and Singer, "Efficient online and batch learning using forward backward splitting" (2009).

    p = variable - learning_rate * g; the variable becomes
    sign(p) * max(|p| - learning_rate * l1, 0) / (1 + learning_rate * l2).
    """

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(learning_rate, name)
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        rate = self._number(self.learning_rate, variable)
        point = variable - rate * gradient
        l1, l2 = self.l1_regularization_strength, self.l2_regularization_strength
        return [(variable, _proximal(variable, point, rate, l1, l2))]


class ProximalAdagradOptimizer(Optimizer):
    """Duchi and Singer (2009) with the learning rates of Adagrad (Duchi, Hazan and Singer, 2011).

    accumulator += g * g; r = learning_rate / sqrt(accumulator); p = variable - r * g; the variable becomes
    sign(p) * max(|p| - r * l1, 0) / (1 + r * l2).
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        super().__init__(learning_rate, name)
        self.initial_accumulator_value = positive(initial_accumulator_value, "initial_accumulator_value")
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        b = variable.graph.b
        accumulator = self._slot(variable, "accumulator", self.initial_accumulator_value)
        total = accumulator + b.square(gradient)
        rate = self._number(self.learning_rate, variable) / b.sqrt(total)
        point = variable - rate * gradient
        l1, l2 = self.l1_regularization_strength, self.l2_regularization_strength
        return [(accumulator, total), (variable, _proximal(variable, point, rate, l1, l2))]
