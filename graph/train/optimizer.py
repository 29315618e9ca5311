"""What all optimizers have in common: gradients of a loss, and slots beside the variables they train."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph.gradients import gradients
from samara.graph.graph import Operation, Tensor, get_default_graph
from samara.graph.variables import TRAINABLE_VARIABLES, Variable, group

TRAIN_OP = "train_op"

GradientAndVariable = tuple["Tensor | None", Variable]


class Optimizer:
    """Base of the optimizers; `_update` is what each adds.

    `use_locking`, which TensorFlow 1's constructors take, changes nothing: a session writes variables in order.
    Gradients are dense, those of `gather` and `embedding_lookup` too: a row that a step does not read has the gradient
    0 there, so that what decays (momentum, averages of squares) decays in every row.

    Args:
        learning_rate: a number, or a scalar tensor that may change from step to step.
        name: the name scope of the operations and slots.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, learning_rate: Any, name: str) -> None:
        if isinstance(learning_rate, str) or learning_rate is None:
            raise TypeError(f"learning_rate is {learning_rate!r}: expected a number or a scalar tensor")
        self.learning_rate = learning_rate
        self.name = name
        self._slots: dict[tuple[Variable, str], Variable] = {}

    def minimize(
        self,
        loss: Tensor,
        global_step: Variable | None = None,
        var_list: Variable | Sequence[Variable] | None = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Operation:
        """An operation that does one step down the gradient of `loss`.

        Args:
            loss: what to minimise; the sum of its elements counts.
            global_step: a variable that each step adds 1 to.
            var_list: the variable or variables to train; all trainable ones when None.
            gate_gradients: as for `compute_gradients`.
            aggregation_method: the same.
            colocate_gradients_with_ops: the same.
            name: the operation's name scope; the optimizer's name when None.
            grad_loss: what the gradient of `loss` starts from; ones when None.

        Raises:
            GraphError: no variable has a gradient.
        """
        pairs = self.compute_gradients(
            loss,
            var_list,
            gate_gradients,
            aggregation_method,
            colocate_gradients_with_ops,
            grad_loss,
        )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Tensor,
        var_list: Variable | Sequence[Variable] | None = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[GradientAndVariable]:
        """The gradient of `loss` for each variable, None where it does not depend on it.

        Args:
            loss: what to minimise; the sum of its elements counts.
            var_list: the variable or variables; all trainable ones when None.
            gate_gradients: GATE_NONE, GATE_OP or GATE_GRAPH. All mean the last here: `apply_gradients` changes no
                variable before every gradient has been computed.
            aggregation_method: changes nothing: gradients that meet are added in the order of construction.
            colocate_gradients_with_ops: changes nothing.
            grad_loss: what the gradient of `loss` starts from; ones when None.

        Raises:
            TypeError: the loss is no tensor, or the variables are names.
            ValueError: `gate_gradients` is none of the three.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                f"gate_gradients={gate_gradients!r}: expected Optimizer.GATE_NONE, GATE_OP or GATE_GRAPH"
            )
        if not hasattr(loss, "as_graph_tensor"):
            raise TypeError(
                f"the loss is of type {type(loss).__name__}: expected a tensor of the graph, not its value in a session"
            )
        if isinstance(var_list, str):
            raise TypeError(f"var_list is {var_list!r}: expected variables, not their names")
        loss = loss.as_graph_tensor()
        if var_list is None:
            var_list = loss.graph.get_collection(TRAINABLE_VARIABLES)
        variables = [var_list] if isinstance(var_list, Variable) else list(var_list)
        return list(zip(gradients(loss, variables, grad_loss), variables, strict=True))

    def apply_gradients(
        self,
        grads_and_vars: Iterable[GradientAndVariable],
        global_step: Variable | None = None,
        name: str | None = None,
    ) -> Operation:
        """An operation that changes each variable by its gradient.

        Raises:
            GraphError: all gradients are None.
        """
        grads_and_vars = list(grads_and_vars)
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            names = ", ".join(v.name for _, v in grads_and_vars) or "none"
            raise GraphError(f"no variable has a gradient; the variables were {names}")
        graph = pairs[0][1].graph
        with graph.as_default(), graph.name_scope(name or self.name):
            updates: list[Any] = []
            shared = self._prepare([v for _, v in pairs])
            # No variable changes before every new value has been computed from the old ones.
            computed = []
            for gradient, variable in pairs:
                with graph.colocate_with(variable):
                    new = self._update(gradient, variable, shared)
                    computed.append((variable, self._constrained(variable, new)))
            values = [value for _, new in computed for _, value in new]
            with graph.control_dependencies(values):
                updates += [target.assign(value) for _, new in computed for target, value in new]
                updates += self._finish(shared)
                if global_step is not None:
                    updates.append(global_step.assign_add(global_step.graph.b.like(1, global_step.value())))
            update = group(*updates, name="update")
        graph.add_to_collection(TRAIN_OP, update)
        return update

    def get_slot(self, variable: Variable, name: str) -> Variable | None:
        """The slot of that name beside a variable, or None."""
        return self._slots.get((variable, name))

    def get_name(self) -> str:
        """The name that it was given."""
        return self.name

    def variables(self) -> list[Variable]:
        """The variables that it keeps: slots, and what the updates of several variables share."""
        return list(self._slots.values())

    def get_slot_names(self) -> list[str]:
        """The names of the slots that exist."""
        return sorted({name for _, name in self._slots})

    def _slot(self, variable: Variable, name: str, initial: float = 0.0) -> Variable:
        """The slot of that name beside a variable, of its shape and dtype; made, the first time, with one value."""
        key = (variable, name)
        if key not in self._slots:
            values = np.full(variable.shape, initial, variable.dtype.numpy)
            graph = get_default_graph()
            with graph.name_scope(None):
                self._slots[key] = Variable(
                    values, trainable=False, name=f"{variable.op.name}/{self.name}/{name}"
                )
        return self._slots[key]

    def _number(self, value: Any, variable: Variable) -> Any:
        """A hyperparameter, or a function that gives it, as a scalar of the variable's dtype."""
        if callable(value):
            value = value()
        if isinstance(value, Tensor) or hasattr(value, "as_graph_tensor"):
            return variable.graph.b.cast(value, dtype=variable.dtype)
        return variable.graph.b.like(value, variable.value())

    @staticmethod
    def _constrained(variable: Variable, updates: list[tuple[Variable, Any]]) -> list[tuple[Variable, Any]]:
        """Updates in which the variable's new value has gone through its constraint."""
        constraint = variable.constraint
        if constraint is None:
            return updates
        return [(target, constraint(value) if target is variable else value) for target, value in updates]

    def _prepare(self, variables: Sequence[Variable]) -> Any:
        """What the updates of all variables share."""
        return None

    def _update(self, gradient: Any, variable: Variable, shared: Any) -> list[tuple[Variable, Any]]:
        """New values for the variable and its slots."""
        raise GraphError(f"{type(self).__name__} does not say how it updates a variable")

    def _finish(self, shared: Any) -> list[Any]:
        """Operations that run once, after all updates."""
        return []
