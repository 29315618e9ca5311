"""Cells around cells: dropout, residual connections, devices, projections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.layer import last_size, zeros
from samara.graph.nn.cells import LSTMStateTuple, RNNCell, linear
from samara.graph.nn.dropping import kept
from samara.graph.nn.step_draws import step_draws
from samara.graph.structure import flatten, leaves_of, pack


class _Wrapper(RNNCell):
    """A cell that is another one but for what a subclass changes; it has no scope of its own."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self._cell = cell

    @property
    def cell(self) -> Any:
        """The cell within."""
        return self._cell

    wrapped_cell = cell

    @property
    def state_size(self) -> Any:
        """That of the cell."""
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        """That of the cell."""
        return self._cell.output_size

    @property
    def variables(self) -> list[Any]:
        """Those of the cell."""
        return list(self._cell.variables)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """That of the cell."""
        return self._cell.zero_state(batch_size, dtype)


def _certain(keep: Any) -> bool:
    return isinstance(keep, (int, float)) and keep == 1


class DropoutWrapper(_Wrapper):
    """Dropout of the inputs, states and outputs of a cell.

    Args:
        cell: the cell.
        input_keep_prob: with which probability each input is kept.
        output_keep_prob: the same of each output.
        state_keep_prob: the same of each element of the new state; the cells of an LSTMStateTuple stay as they are.
        variational_recurrent: whether all steps and all sequences drop the same (Gal and Ghahramani, "A Theoretically
            Grounded Application of Dropout in Recurrent Neural Networks", 2016).
        input_size: of the inputs, which `variational_recurrent` needs when they are dropped.
        dtype: of inputs, states and outputs, which `variational_recurrent` needs.
        seed: of the draws.
        dropout_state_filter_visitor: called with each part of the state; says whether it is dropped.

    Raises:
        ValueError: a probability is outside (0, 1], or what variational_recurrent needs is missing.
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(cell)
        for what, keep in (
            ("input_keep_prob", input_keep_prob),
            ("output_keep_prob", output_keep_prob),
            ("state_keep_prob", state_keep_prob),
        ):
            if isinstance(keep, (int, float)) and not 0 < keep <= 1:
                raise ValueError(f"DropoutWrapper: {what} is {keep}, expected a probability in (0, 1]")
        self._keep = {"input": input_keep_prob, "output": output_keep_prob, "state": state_keep_prob}
        self._seed = seed
        self._filter = dropout_state_filter_visitor
        self._noise: dict[tuple[str, int], Tensor] | None = None
        if variational_recurrent:
            self._noise = self._fixed(input_size, dtype)

    def _fixed(self, input_size: Any, dtype: Any) -> dict[tuple[str, int], Tensor]:
        if dtype is None or (input_size is None and not _certain(self._keep["input"])):
            raise ValueError(
                "DropoutWrapper: variational_recurrent needs dtype, and input_size to drop inputs"
            )
        b = get_default_graph().b
        made: dict[tuple[str, int], Tensor] = {}
        given = {"input": input_size, "output": self._cell.output_size, "state": self._cell.state_size}
        for what, size in given.items():
            if size is None or _certain(self._keep[what]):
                continue
            for number, leaf in enumerate(leaves_of(size)):
                made[what, number] = b.random_uniform(
                    [1, int(leaf)], dtype=dtype, seed=self._seed_of(what, number)
                )
        return made

    def _seed_of(self, what: str, number: int) -> int:
        if self._seed is None:
            return -1
        place = ("input", "state", "output").index(what)
        return (self._seed * 31 + place * 7 + number) % (2**31 - 1)

    def _dropped(self, what: str, values: Any) -> Any:
        keep = self._keep[what]
        if _certain(keep):
            return values
        leaves: list[Any] = []
        structure = flatten(values, leaves)
        made = []
        for number, leaf in enumerate(leaves):
            tensor = convert_to_tensor(leaf)
            draws = (
                step_draws(tensor, self._seed_of(what, number))
                if self._noise is None
                else self._noise[what, number]
            )
            made.append(kept(tensor, keep, draws))
        return pack(structure, iter(made))

    def _dropped_state(self, state: Any) -> Any:
        if _certain(self._keep["state"]):
            return state
        dropped = self._dropped("state", state)
        return self._chosen(state, dropped)

    def _chosen(self, state: Any, dropped: Any) -> Any:
        """What is dropped where the filter says so."""
        if self._filter is not None:
            chosen = self._filter(state)
            if isinstance(chosen, (list, tuple)):
                parts = [d if c else s for s, d, c in zip(state, dropped, chosen, strict=True)]
                return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
            return dropped if chosen else state
        if isinstance(state, LSTMStateTuple):
            return LSTMStateTuple(state.c, dropped.h)
        if isinstance(state, (list, tuple)):
            parts = [self._chosen(s, d) for s, d in zip(state, dropped, strict=True)]
            return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
        return dropped

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:
        """One step of the cell, with dropout around it."""
        output, after = self._cell(self._dropped("input", inputs), state, scope=scope)
        return self._dropped("output", output), self._dropped_state(after)


class ResidualWrapper(_Wrapper):
    """A cell whose inputs are added to its outputs.

    Args:
        cell: the cell; inputs and outputs have the same size.
        residual_fn: what combines them instead: `residual_fn(inputs, outputs)`.
    """

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None) -> None:
        super().__init__(cell)
        self._combine = residual_fn

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:
        """One step of the cell."""
        output, after = self._cell(inputs, state, scope=scope)
        if self._combine is not None:
            return self._combine(inputs, output), after
        given: list[Any] = []
        found: list[Any] = []
        flatten(inputs, given)
        structure = flatten(output, found)
        sums = [convert_to_tensor(a) + y for a, y in zip(given, found, strict=True)]
        return pack(structure, iter(sums)), after


class DeviceWrapper(_Wrapper):
    """A cell that is asked to run on a device."""

    def __init__(self, cell: Any, device: str) -> None:
        super().__init__(cell)
        self._device = device

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:
        """One step of the cell."""
        with get_default_graph().device(self._device):
            return self._cell(inputs, state, scope=scope)


class OutputProjectionWrapper(_Wrapper):
    """A cell whose output goes through a matrix, plus a bias.

    Args:
        cell: the cell.
        output_size: the size of what is projected.
        activation: a function of it; None for none.
        reuse: whether the variables must exist.
    """

    def __init__(self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None) -> None:
        super().__init__(cell)
        self._size = int(output_size)
        self._function = activation
        self._reuse = reuse

    @property
    def output_size(self) -> int:
        """The size of what is projected."""
        return self._size

    @property
    def variables(self) -> list[Any]:
        """Those of the cell and of the projection."""
        return [*self._cell.variables, *self._weights]

    def call(self, inputs: Any, state: Any) -> Any:
        """One step of the cell."""
        output, after = self._cell(inputs, state)
        if not self._weights:
            depth = last_size(self, convert_to_tensor(output).get_shape())
            self.add_weight("kernel", [depth, self._size])
            self.add_weight("bias", [self._size], initializer=zeros)
        b = convert_to_tensor(output).graph.b
        made = linear(b, [output], *self._weights)
        return made if self._function is None else self._function(made), after


class InputProjectionWrapper(_Wrapper):
    """A cell whose inputs go through a matrix, plus a bias, before.

    Args:
        cell: the cell.
        num_proj: the size of what it is given.
        activation: a function of it; None for none.
        input_size: has no meaning here.
        reuse: whether the variables must exist.
    """

    def __init__(
        self, cell: Any, num_proj: int, activation: Any = None, input_size: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell)
        self._size = int(num_proj)
        self._function = activation
        self._reuse = reuse

    @property
    def variables(self) -> list[Any]:
        """Those of the cell and of the projection."""
        return [*self._weights, *self._cell.variables]

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` and `bias`."""
        self.add_weight("kernel", [last_size(self, input_shape), self._size])
        self.add_weight("bias", [self._size], initializer=zeros)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step of the cell."""
        made = linear(convert_to_tensor(inputs).graph.b, [inputs], *self._weights)
        return self._cell(made if self._function is None else self._function(made), state)


__all__ = [
    "DeviceWrapper",
    "DropoutWrapper",
    "InputProjectionWrapper",
    "OutputProjectionWrapper",
    "ResidualWrapper",
]
