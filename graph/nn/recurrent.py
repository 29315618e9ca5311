"""Recurrent networks: a cell over the steps of sequences, written out or in a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.control import while_loop
from samara.graph.convert import builder, convert_to_tensor, sizes
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor
from samara.graph.loop_shapes import put
from samara.graph.nn.cells import zero_state
from samara.graph.nn.step_draws import CURRENT, Steps
from samara.graph.structure import flatten, leaves_of, pack
from samara.graph.variable_scope import variable_scope


def static_rnn(
    cell: Any,
    inputs: Sequence[Any],
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A recurrent network written out: one step after the other.

    Args:
        cell: an RNNCell.
        inputs: a list with a tensor [batch, depth] (or a nested tuple of them) for each step.
        initial_state: zeros of `dtype` when None.
        dtype: of the initial state.
        sequence_length: [batch], how many steps each sequence has: after them its outputs are 0, its state stays.
        scope: the variable scope, "rnn" when None.

    Returns:
        The outputs, a list, and the last state.

    Raises:
        ValueError: there are no inputs, or neither an initial state nor dtype.
    """
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError("static_rnn needs a list of inputs, one for each step")
    first = convert_to_tensor(leaves_of(inputs[0])[0])
    b = first.graph.b
    outputs = []
    with variable_scope(scope if scope is not None else "rnn") as opened:
        batch = _size_along(first, 0)
        state = _initial(cell, initial_state, batch, dtype)
        lengths = None if sequence_length is None else _lengths(b, sequence_length, first, 0)
        for step, given in enumerate(inputs):
            if step:
                opened.reuse_variables()
            output, after = cell(given, state)
            if lengths is not None:
                goes_on = b.less(b.constant(step, int32), lengths)
                output = _where(goes_on, output, None)
                after = _where(goes_on, after, state)
            outputs.append(output)
            state = after
    return outputs, state


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """A recurrent network in a loop: the number of steps and the size of the batch may differ from run to run.

    Args:
        cell: an RNNCell.
        inputs: [batch, time, ...], or a nested tuple of such.
        sequence_length: [batch], how many steps each sequence has: after them its outputs are 0, its state stays.
        initial_state: zeros of `dtype` when None.
        dtype: of the initial state.
        parallel_iterations: has no meaning here.
        swap_memory: has no meaning here.
        time_major: whether inputs and outputs are [time, batch, ...].
        scope: the variable scope, "rnn" when None.

    Returns:
        The outputs [batch, time, size] and the last state.

    Raises:
        ValueError: neither an initial state nor dtype is given.
        ShapeError: inputs have not rank 2 or more, or lengths are not [batch].
    """
    with variable_scope(scope if scope is not None else "rnn"):
        leaves: list[Any] = []
        structure = flatten(inputs, leaves)
        tensors = [convert_to_tensor(v) for v in leaves]
        for tensor in tensors:
            if tensor.shape is None or len(tensor.shape) < 2:
                raise ShapeError(
                    f"dynamic_rnn: {tensor.name} has shape {dims.text(tensor.shape)}, expected [batch, time, ...]"
                )
        if not time_major:
            tensors = [_turned(t) for t in tensors]
        outputs, state = _loop(cell, structure, tensors, sequence_length, initial_state, dtype)
        if not time_major:
            found: list[Any] = []
            kind = flatten(outputs, found)
            outputs = pack(kind, iter([_turned(t) for t in found]))
    return outputs, state


def _loop(
    cell: Any, structure: Any, inputs: list[Tensor], sequence_length: Any, initial_state: Any, dtype: Any
) -> tuple[Any, Any]:
    """The network over inputs [time, batch, ...]."""
    first = inputs[0]
    graph, b = first.graph, first.graph.b
    steps, batch = _size_along(first, 0), _size_along(first, 1)
    state = _initial(cell, initial_state, batch, dtype)
    states: list[Any] = []
    state_kind = flatten(state, states)
    states = [convert_to_tensor(s) for s in states]
    lengths = None if sequence_length is None else _lengths(b, sequence_length, first, 1)
    room = zero_state(cell.output_size, batch, states[0].dtype)
    rooms: list[Any] = []
    output_kind = flatten(room, rooms)
    # TensorFlow's outputs are of the element type of the state.
    buffers = [_many(b, r, steps) for r in rooms]

    def goes_on(index: Any, *_: Any) -> Any:
        return index.graph.b.less(index, index.graph.convert(b.constant(steps, int32)))

    def step(index: Any, *held: Any) -> list[Any]:
        inner = index.graph.b
        given = pack(structure, iter([inner.gather(x, index, axis=0) for x in inputs]))
        before = pack(state_kind, iter(held[len(buffers) :]))
        token = CURRENT.set(Steps(graph, steps, batch, first.get_shape()[1], index))
        try:
            output, after = cell(given, before)
        finally:
            CURRENT.reset(token)
        if lengths is not None:
            more = inner.less(index, lengths)
            output, after = _where(more, output, None), _where(more, after, before)
        made: list[Any] = []
        flatten(output, made)
        ends: list[Any] = []
        flatten(after, ends)
        if len(made) != len(buffers) or len(ends) != len(states):
            raise ValueError(
                f"{type(cell).__name__}: a step gives {len(made)} outputs and {len(ends)} states, its output_size has "
                f"{len(buffers)} and its initial state {len(states)}"
            )
        written = [put(index.graph, y, index, v) for y, v in zip(held[: len(buffers)], made, strict=True)]
        return [inner.add(index, np.int32(1)), *written, *ends]

    found = while_loop(graph, goes_on, step, [np.int32(0), *buffers, *states], name="while")[1:]
    outputs = pack(output_kind, iter(found[: len(buffers)]))
    return outputs, pack(state_kind, iter(found[len(buffers) :]))


def _many(b: Any, like: Tensor, steps: Any) -> Tensor:
    """Zeros [steps, *like.shape]."""
    shape = [_size_along(like, i) for i in range(len(like.get_shape()))]
    made: Tensor = b.broadcast_to(np.zeros((), like.dtype.numpy), sizes([steps, *shape]))
    return made


def _size_along(tensor: Tensor, axis: int) -> Any:
    """A size: the number where it is known, else a scalar tensor."""
    size = tensor.get_shape()[axis]
    return int(size) if isinstance(size, int) else tensor.graph.b.shape(tensor)[axis]


def _initial(cell: Any, initial_state: Any, batch: Any, dtype: Any) -> Any:
    if initial_state is not None:
        return initial_state
    if dtype is None:
        raise ValueError("a recurrent network needs an initial_state, or dtype, of which zeros are made")
    if hasattr(cell, "zero_state"):
        return cell.zero_state(batch, dtype)
    return zero_state(cell.state_size, batch, dtype)


def _lengths(b: Any, given: Any, first: Tensor, axis: int) -> Tensor:
    """Sequence lengths as int32 [batch]."""
    lengths = b.constant(given)
    if lengths.shape is not None:
        batch = first.get_shape()[axis]
        if len(lengths.shape) != 1 or dims.merge(lengths.shape[0], batch) is None:
            raise ShapeError(
                f"sequence_length has shape {dims.text(lengths.shape)}, expected one number for each of {batch} "
                "sequences"
            )
    if lengths.dtype is not int32:
        lengths = b.cast(lengths, dtype=int32)
    made: Tensor = b.identity(lengths)
    return made


def _where(condition: Tensor, values: Any, others: Any) -> Any:
    """Values of the sequences for which a condition [batch] holds, others (0 when None) of the rest."""
    leaves: list[Any] = []
    structure = flatten(values, leaves)
    rest: list[Any] = [None] * len(leaves)
    if others is not None:
        rest = []
        flatten(others, rest)
    made = []
    for value, other in zip(leaves, rest, strict=True):
        tensor = convert_to_tensor(value)
        b = tensor.graph.b
        rank = len(tensor.get_shape())
        wide = condition
        for _ in range(rank - 1):
            wide = b.expand_dims(wide, axis=-1)
        chosen = tensor if rank == 0 else b.where(wide, tensor, b.like(0, tensor) if other is None else other)
        made.append(chosen)
    return pack(structure, iter(made))


def _turned(tensor: Tensor) -> Tensor:
    """[batch, time, ...] as [time, batch, ...], and the other way round."""
    rank = len(tensor.get_shape())
    made: Tensor = tensor.graph.b.transpose(tensor, permutation=(1, 0, *range(2, rank)))
    return made


def _backwards(tensor: Tensor, lengths: Any, time_axis: int) -> Tensor:
    """The steps of each sequence in the opposite order; those after its length stay where they are."""
    b = tensor.graph.b
    rank = len(tensor.get_shape())
    if lengths is None:
        begin, mask = [0] * rank, (1 << rank) - 1
        strides = [-1 if axis == time_axis else 1 for axis in range(rank)]
        made: Tensor = b.strided_slice(
            tensor, begin=begin, end=begin, strides=strides, begin_mask=mask, end_mask=mask
        )
        return made
    batch_first = tensor if time_axis == 1 else _turned(tensor)
    counts = b.expand_dims(_lengths(b, lengths, batch_first, 0), axis=1)
    places = b.range(np.int32(0), b.constant(_size_along(batch_first, 1), int32), np.int32(1))
    places = b.expand_dims(places, axis=0)
    last = b.subtract(b.subtract(counts, np.int32(1)), places)
    chosen = b.where(b.less(places, counts), last, b.add(places, b.zeros_like(counts)))
    made = b.gather(batch_first, chosen, axis=1, batch_dims=1)
    return made if time_axis == 1 else _turned(made)


def _all_backwards(values: Any, lengths: Any, time_axis: int) -> Any:
    leaves: list[Any] = []
    structure = flatten(values, leaves)
    made = [_backwards(convert_to_tensor(v), lengths, time_axis) for v in leaves]
    return pack(structure, iter(made))


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Two recurrent networks, the second of which reads each sequence from its end.

    The arguments are those of `dynamic_rnn`. It gives the outputs of both, those of the second in the order of the
    inputs, and the last states of both.
    """
    axis = 0 if time_major else 1
    with variable_scope(scope if scope is not None else "bidirectional_rnn"):
        with variable_scope("fw") as forward:
            outputs_fw, state_fw = dynamic_rnn(
                cell_fw,
                inputs,
                sequence_length,
                initial_state_fw,
                dtype,
                time_major=time_major,
                scope=forward,
            )
        with variable_scope("bw") as backward:
            turned = _all_backwards(inputs, sequence_length, axis)
            outputs_bw, state_bw = dynamic_rnn(
                cell_bw,
                turned,
                sequence_length,
                initial_state_bw,
                dtype,
                time_major=time_major,
                scope=backward,
            )
        outputs_bw = _all_backwards(outputs_bw, sequence_length, axis)
    return (outputs_fw, outputs_bw), (state_fw, state_bw)


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Sequence[Any],
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any, Any]:
    """Two recurrent networks written out, the second of which reads each sequence from its end.

    The arguments are those of `static_rnn`. It gives for each step both outputs, joined along the last axis, and the
    last states of both.
    """
    with variable_scope(scope if scope is not None else "bidirectional_rnn"):
        with variable_scope("fw") as forward:
            outputs_fw, state_fw = static_rnn(
                cell_fw, inputs, initial_state_fw, dtype, sequence_length, forward
            )
        with variable_scope("bw") as backward:
            turned = _steps_backwards(list(inputs), sequence_length)
            outputs_bw, state_bw = static_rnn(
                cell_bw, turned, initial_state_bw, dtype, sequence_length, backward
            )
        outputs_bw = _steps_backwards(outputs_bw, sequence_length)
    b = builder(*inputs, *outputs_fw).graph.b
    joined = [b.concat([f, r], axis=-1) for f, r in zip(outputs_fw, outputs_bw, strict=True)]
    return joined, state_fw, state_bw


def _steps_backwards(values: list[Any], lengths: Any) -> list[Any]:
    """A list of steps in the opposite order, as `_backwards`."""
    if lengths is None:
        return values[::-1]
    b = builder(*values)
    turned = _backwards(b.stack(values, axis=0), lengths, 0)
    parts = b.split(turned, axis=0, sizes=(1,) * len(values))
    return [b.squeeze(p, axes=(0,)) for p in parts]


rnn = static_rnn
bidirectional_rnn = static_bidirectional_rnn

__all__ = [
    "bidirectional_dynamic_rnn",
    "bidirectional_rnn",
    "dynamic_rnn",
    "rnn",
    "static_bidirectional_rnn",
    "static_rnn",
]
