"""Adagrad, in the form of gradient descent and in that of dual averaging."""

from __future__ import annotations

from typing import Any

from samara.graph.train.optimizer import Optimizer
from samara.graph.variables import Variable


def positive(value: float, what: str) -> float:
    """A hyperparameter that must be above 0.

    Raises:
        ValueError: it is not.
    """
    if value <= 0:
        raise ValueError(f"{what}={value}: it must be above 0")
    return value


class AdagradOptimizer(Optimizer):
    """Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning" (2011), figure 1 with diagonals.

    accumulator += g * g; variable -= learning_rate * g / sqrt(accumulator).

    Nothing is added to the root: the accumulator starts from `initial_accumulator_value`, above 0, and only grows. The
    paper's delta beside the root would be another parameter for the same purpose.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        super().__init__(learning_rate, name)
        self.initial_accumulator_value = positive(initial_accumulator_value, "initial_accumulator_value")

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        b = variable.graph.b
        accumulator = self._slot(variable, "accumulator", self.initial_accumulator_value)
        total = accumulator + b.square(gradient)
        step = self._number(self.learning_rate, variable) * gradient / b.sqrt(total)
        return [(accumulator, total), (variable, variable - step)]


class AdagradDAOptimizer(Optimizer):
    """Duchi, Hazan and Singer (2011), the primal-dual update, equation (3), with an l1 and a squared l2 penalty.

    With t = global_step + 1, s the sum of all gradients and q that of their squares, the variable becomes
    -learning_rate * sign(s) * max(|s| - l1 * t, 0) / (l2 * t * learning_rate + sqrt(q)).

    It does not depend on the variable's value before: the first step forgets where training started, so it suits linear
    models. q starts from `initial_gradient_squared_accumulator_value`, above 0, instead of an epsilon beside the root.
    The caller passes the same `global_step` to `minimize`, which counts it up.
    """

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        super().__init__(learning_rate, name)
        self.global_step = global_step
        self.initial_gradient_squared_accumulator_value = positive(
            initial_gradient_squared_accumulator_value, "initial_gradient_squared_accumulator_value"
        )
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        b = variable.graph.b
        sums = self._slot(variable, "gradient_accumulator")
        squares = self._slot(
            variable, "gradient_squared_accumulator", self.initial_gradient_squared_accumulator_value
        )
        rate = self._number(self.learning_rate, variable)
        t = self._number(self.global_step, variable) + 1.0
        total, square = sums + gradient, squares + b.square(gradient)
        beyond = b.maximum(b.abs(total) - self.l1_regularization_strength * t, b.like(0, total))
        scale = self.l2_regularization_strength * t * rate + b.sqrt(square)
        moved = b.negative(rate) * b.sign(total) * beyond / scale
        return [(sums, total), (squares, square), (variable, moved)]
