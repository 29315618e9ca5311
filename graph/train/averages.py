"""Moving averages of variables and tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph.graph import Operation, Tensor, get_default_graph
from samara.graph.variables import GLOBAL_VARIABLES, TRAINABLE_VARIABLES, Variable, group

MOVING_AVERAGE_VARIABLES = "moving_average_variables"


class ExponentialMovingAverage:
    """Averages in which each step counts `decay` times as much as the next one.

    average = decay * average + (1 - decay) * value. The average of a variable starts from its initial value, that of
    another tensor from 0.

    Args:
        decay: near 1, for example 0.999; a number or a scalar tensor.
        num_updates: a count of steps; the decay is then min(decay, (1 + num_updates) / (10 + num_updates)), so that
            averages follow faster at first.
        zero_debias: divides averages that start from 0 by 1 - decay^t, as Kingma and Ba, "Adam" (2015), section 3.
        name: what the names of the averages end with.
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self.decay = decay
        self.num_updates = num_updates
        self.zero_debias = zero_debias
        self.name = name
        self._averages: dict[Tensor, Variable] = {}

    def apply(self, var_list: Iterable[Any] | None = None) -> Operation:
        """An operation that takes the present values into the averages.

        Args:
            var_list: variables and tensors of floating-point dtypes; all trainable variables when None.

        Raises:
            GraphError: one of them is averaged already.
            TypeError: one of them is not of a floating-point dtype.
        """
        graph = get_default_graph()
        values = list(graph.get_collection(TRAINABLE_VARIABLES) if var_list is None else var_list)
        if not values:
            raise GraphError("there is nothing to average: the graph has no trainable variables")
        for value in values:
            tensor = value.as_graph_tensor()
            if not tensor.dtype.is_floating:
                raise TypeError(
                    f"{tensor.name} is {tensor.dtype.name}: only floating-point values have averages"
                )
            if tensor in self._averages:
                raise GraphError(f"{tensor.name} has a moving average already")
            self._averages[tensor] = self._average(value)
        updates: list[Any] = []
        with graph.name_scope(self.name):
            for value in values:
                updates += self._updates(value.as_graph_tensor())
            return group(*updates, name="update")

    def _average(self, value: Any) -> Variable:
        graph = get_default_graph()
        tensor = value.as_graph_tensor()
        initial: Any
        if isinstance(value, Variable):
            initial = value.initialized_value()
            averaged = graph.get_collection_ref(MOVING_AVERAGE_VARIABLES)
            if value not in averaged:
                averaged.append(value)
        else:
            initial = np.zeros(tensor.shape, tensor.dtype.numpy)
        with graph.name_scope(None):
            return Variable(initial, trainable=False, name=self.average_name(value))

    def _updates(self, tensor: Tensor) -> list[Any]:
        b = tensor.graph.b
        average = self._averages[tensor]
        decay = b.cast(b.constant(self.decay), dtype=tensor.dtype)
        if self.num_updates is not None:
            count = b.cast(b.constant(self.num_updates), dtype=tensor.dtype)
            decay = b.minimum(decay, (1.0 + count) / (10.0 + count))
        if not self.zero_debias or tensor.op.type == "variable":
            return [average.assign(average - (1.0 - decay) * (average - tensor))]
        with tensor.graph.name_scope(None):
            biased, steps = (
                Variable(np.zeros(shape, tensor.dtype.numpy), False, name=f"{average.op.name}/{name}")
                for name, shape in (("biased", tensor.shape), ("local_step", ()))
            )
        taken = biased.assign(biased - (1.0 - decay) * (biased - tensor))
        counted = steps.assign(steps + 1.0)
        return [average.assign(taken / (1.0 - b.power(decay, counted)))]

    def average(self, var: Any) -> Variable | None:
        """The variable that holds the average of `var`; None when it has none."""
        return self._averages.get(var.as_graph_tensor())

    def average_name(self, var: Any) -> str:
        """The name under which the average of `var` is saved."""
        name = var.as_graph_tensor().op.name
        return self._averages[var.as_graph_tensor()].op.name if self.average(var) else f"{name}/{self.name}"

    def variables_to_restore(
        self, moving_avg_variables: Iterable[Variable] | None = None
    ) -> dict[str, Variable]:
        """What to give a `train.Saver` so that it restores averages into the variables themselves.

        Args:
            moving_avg_variables: those that take the value of their average; when None, all trainable ones and those
                that are averaged in the graph.

        Returns:
            Variables by the names that they have in a checkpoint.
        """
        graph = get_default_graph()
        if moving_avg_variables is None:
            moving_avg_variables = [
                *graph.get_collection(TRAINABLE_VARIABLES),
                *graph.get_collection(MOVING_AVERAGE_VARIABLES),
            ]
        averaged = set(moving_avg_variables)
        found = {self.average_name(v): v for v in averaged}
        taken = {v.op.name for v in averaged} | set(found)
        for variable in graph.get_collection(GLOBAL_VARIABLES):
            if variable.op.name not in taken:
                found[variable.op.name] = variable
        return dict(sorted(found.items()))
