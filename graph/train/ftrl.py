"""FTRL-Proximal."""

from __future__ import annotations

from typing import Any

from samara.graph.train.optimizer import Optimizer
from samara.graph.variables import Variable


class FtrlOptimizer(Optimizer):
    """McMahan et al., "Ad click prediction: a view from the trenches" (2013), algorithm 1.

    With p = -learning_rate_power, n the sum of squared gradients and n' = n + g * g:
    z += g + 2 * l2_shrinkage * variable - (n'^p - n^p) / learning_rate * variable; the variable becomes
    (sign(z) * l1 - z) / (n'^p / learning_rate + 2 * l2) where |z| > l1, and 0 elsewhere.

    The paper's beta is not there: n starts from `initial_accumulator_value` instead, and its l2 is twice the one here.
    The shrinkage penalises the variable at each step and leaves n alone, unlike l2, which penalises the solution.
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, name)
        if learning_rate_power > 0:
            raise ValueError(f"learning_rate_power={learning_rate_power}: it must be 0 or less")
        for what, value in {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }.items():
            if value < 0:
                raise ValueError(f"{what}={value}: it must be 0 or more")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength

    def _power(self, accumulator: Any, variable: Variable) -> Any:
        b = variable.graph.b
        if self.learning_rate_power == -0.5:
            return b.sqrt(accumulator)
        return b.power(accumulator, b.like(-self.learning_rate_power, variable.value()))

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        b = variable.graph.b
        accumulator = self._slot(variable, "accum", self.initial_accumulator_value)
        linear = self._slot(variable, "linear")
        rate = self._number(self.learning_rate, variable)
        total = accumulator + b.square(gradient)
        grown = self._power(total, variable)
        shrunk = gradient
        if self.l2_shrinkage_regularization_strength:
            shrunk = gradient + 2.0 * self.l2_shrinkage_regularization_strength * variable
        z = linear + shrunk - (grown - self._power(accumulator, variable)) / rate * variable
        # sign(z) * l1 - z where |z| > l1, and 0 elsewhere.
        beyond = b.maximum(b.abs(z) - self.l1_regularization_strength, b.like(0, z))
        scale = grown / rate + 2.0 * self.l2_regularization_strength
        # Where both accumulator and gradients have been 0 there is nothing to divide by, and nothing to move.
        still = b.equal(beyond, b.like(0, z))
        moved = b.where(still, b.like(0, z), b.negative(b.sign(z)) * beyond / scale)
        return [(accumulator, total), (linear, z), (variable, moved)]
