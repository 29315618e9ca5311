"""Recurrent cells and networks under their old names: `tf.contrib.rnn`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.graph.convert import builder
from samara.graph.nn.cell_wrappers import (
    DeviceWrapper,
    DropoutWrapper,
    InputProjectionWrapper,
    OutputProjectionWrapper,
    ResidualWrapper,
)
from samara.graph.nn.cells import (
    BasicLSTMCell,
    BasicRNNCell,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    RNNCell,
)
from samara.graph.nn.recurrent import bidirectional_dynamic_rnn, static_bidirectional_rnn, static_rnn
from samara.graph.variable_scope import variable_scope


class LSTMBlockCell(BasicLSTMCell):
    """A BasicLSTMCell, which TensorFlow computes in one operation.

    Args:
        num_units: the size of state and output.
        forget_bias: what is added to the forget gate.
        cell_clip: not supported; None.
        use_peephole: not supported; False.
        dtype: of its variables.
        reuse: whether its variables must exist.
        name: the name of its scope.

    Raises:
        ValueError: an option is not supported.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: Any = None,
        use_peephole: bool = False,
        dtype: Any = None,
        reuse: Any = None,
        name: str = "lstm_cell",
    ) -> None:
        if cell_clip is not None or use_peephole:
            raise ValueError(
                "LSTMBlockCell: cell_clip and use_peephole are not supported: use nn.rnn_cell.LSTMCell"
            )
        super().__init__(num_units, forget_bias, reuse=reuse, name=name, dtype=dtype)


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Any,
    initial_states_fw: Sequence[Any] | None = None,
    initial_states_bw: Sequence[Any] | None = None,
    dtype: Any = None,
    sequence_length: Any = None,
    parallel_iterations: Any = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Networks that read in both directions, one upon the other: each is given both outputs of the one below, joined.

    Args:
        cells_fw: a cell for each layer.
        cells_bw: the same, for those that read from the end.
        inputs: [batch, time, ...].
        initial_states_fw: a state for each layer; zeros when None.
        initial_states_bw: the same.
        dtype: of the initial states.
        sequence_length: [batch], how many steps each sequence has.
        parallel_iterations: has no meaning here.
        time_major: whether inputs and outputs are [time, batch, ...].
        scope: the variable scope, "stack_bidirectional_rnn" when None.
        swap_memory: has no meaning here.

    Returns:
        The joined outputs of the last layer, and the last states of all layers in both directions.

    Raises:
        ValueError: there are no cells, or not as many in both directions.
    """
    if not cells_fw or len(cells_fw) != len(cells_bw):
        raise ValueError(
            f"{len(cells_fw)} cells forwards and {len(cells_bw)} backwards: give as many of both"
        )
    starts_fw = initial_states_fw or [None] * len(cells_fw)
    starts_bw = initial_states_bw or [None] * len(cells_bw)
    states: list[tuple[Any, Any]] = []
    layer = inputs
    with variable_scope(scope if scope is not None else "stack_bidirectional_rnn"):
        for number, (forward, backward, start, end) in enumerate(
            zip(cells_fw, cells_bw, starts_fw, starts_bw, strict=True)
        ):
            with variable_scope(f"cell_{number}"):
                outputs, state = bidirectional_dynamic_rnn(
                    forward, backward, layer, sequence_length, start, end, dtype, time_major=time_major
                )
            layer = builder(*outputs).concat(list(outputs), axis=2)
            states.append(state)
    return layer, tuple(s for s, _ in states), tuple(s for _, s in states)


__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "GRUCell",
    "InputProjectionWrapper",
    "LSTMBlockCell",
    "LSTMCell",
    "LSTMStateTuple",
    "MultiRNNCell",
    "OutputProjectionWrapper",
    "RNNCell",
    "ResidualWrapper",
    "stack_bidirectional_dynamic_rnn",
    "static_bidirectional_rnn",
    "static_rnn",
]
