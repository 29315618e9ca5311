"""Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.graph.dtypes import DType, float16, float32
from samara.graph.graph import Graph
from samara.graph.train.optimizer import Optimizer
from samara.graph.variables import Variable


class AdamOptimizer(Optimizer):
    """Kingma and Ba, "Adam: a method for stochastic optimization" (2015), as the end of its section 2 orders it.

    m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g * g;
    variable -= learning_rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).

    epsilon is outside the root, and beside the uncorrected v: the paper's "epsilon hat".
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        super().__init__(learning_rate, name)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self._powers: dict[Graph, tuple[Variable, Variable]] = {}

    def variables(self) -> list[Variable]:
        """The slots, and the powers of beta1 and beta2."""
        return [*super().variables(), *(power for pair in self._powers.values() for power in pair)]

    def _prepare(self, variables: Sequence[Variable]) -> Any:
        """The powers of beta1 and beta2, and for each element type the learning rate with its correction."""
        graph = variables[0].graph
        if graph not in self._powers:
            kind = max(
                (v.dtype for v in variables if v.dtype is not float16), key=lambda d: d.size, default=float32
            )
            self._powers[graph] = (
                Variable(self.beta1, trainable=False, name="beta1_power", dtype=kind),
                Variable(self.beta2, trainable=False, name="beta2_power", dtype=kind),
            )
        powers = self._powers[graph]
        rates: dict[DType, Any] = {}
        for variable in variables:
            if variable.dtype not in rates:
                power1, power2 = (self._number(1.0 - p, variable) for p in powers)
                rates[variable.dtype] = (
                    self._number(self.learning_rate, variable) * graph.b.sqrt(power2) / power1
                )
        return powers, rates

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        b = variable.graph.b
        first, second = self._slot(variable, "m"), self._slot(variable, "v")
        m = self.beta1 * first + (1.0 - self.beta1) * gradient
        v = self.beta2 * second + (1.0 - self.beta2) * b.square(gradient)
        step = shared[1][variable.dtype] * m / (b.sqrt(v) + self.epsilon)
        return [(first, m), (second, v), (variable, variable - step)]

    def _finish(self, shared: Any) -> list[Any]:
        return [p.assign(p * beta) for p, beta in zip(shared[0], (self.beta1, self.beta2), strict=True)]
