"""`tf.nn.raw_rnn`: a recurrent network whose inputs, outputs and end a function decides, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samara.graph.convert import builder, convert_to_tensor, sizes
from samara.graph.dtypes import bool_, int32
from samara.graph.graph import Tensor
from samara.graph.nn.cells import RNNCell, zero_state
from samara.graph.structure import flatten, leaves_of, pack, shape_of
from samara.graph.variable_scope import variable_scope
from samara.graph.vocabulary.control_flow import while_loop
from samara.graph.vocabulary.tensor_array import TensorArray


def raw_rnn(
    cell: RNNCell,
    loop_fn: Callable[..., Any],
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """A recurrent network that goes on until `loop_fn` says that all sequences are finished.

    Args:
        cell: an RNNCell.
        loop_fn: called as `loop_fn(time, cell_output, cell_state, loop_state)` after each step of the cell, and once
            before the first, with time 0 and None for the rest. It gives `(elements_finished, next_input,
            next_cell_state, emit_output, next_loop_state)`: a bool [batch] of the sequences that are finished; what the
            cell is given next; the state that it is given, the initial one at time 0; what this step emits, and at time
            0 something of the shape and element type of what one sequence emits, or None for that of the cell's output;
            and anything to be handed on, TensorArrays too, or None.
        parallel_iterations: has no meaning here.
        swap_memory: has no meaning here.
        scope: the variable scope, "rnn" when None.

    Returns:
        What was emitted, a TensorArray (or nested ones) of [batch, ...] with an element for each step, zeros for
        sequences that were finished before; the last state, which a sequence keeps once it is finished; and the last
        loop state.

    Raises:
        ValueError: `loop_fn` gives something of another structure than before.
    """
    with variable_scope(scope if scope is not None else "rnn"):
        start = convert_to_tensor(np.int32(0))
        finished, inputs, state, emitted, loop_state = loop_fn(start, None, None, None)
        batch = _batch(leaves_of(inputs), finished)
        finished = convert_to_tensor(finished, bool_)
        zeros, emit_kind = _nothing_emitted(cell, emitted, state, batch)
        arrays = [
            TensorArray(
                z.dtype,
                size=0,
                dynamic_size=True,
                element_shape=_shape_of_element(z),
                name=f"rnn_output_{i}",
            )
            for i, z in enumerate(zeros)
        ]
        handed = convert_to_tensor(np.int32(0)) if loop_state is None else loop_state
        kinds = [flatten(v, []) for v in (inputs, state, handed)]

        def goes_on(time: Any, finished: Any, *_: Any) -> Any:
            b = finished.graph.b
            return b.logical_not(b.reduce_all(finished))

        def step(time: Any, finished: Any, given: Any, held: Any, state: Any, handed: Any) -> Any:
            b = time.graph.b
            output, after = cell(given, state)
            after_time = b.add(time, np.int32(1))
            ended, following, next_state, emit, next_handed = loop_fn(
                after_time, output, after, None if loop_state is None else handed
            )
            next_handed = handed if next_handed is None else next_handed
            for what, value, kind in zip(
                ("input", "state", "loop state"), (following, next_state, next_handed), kinds, strict=True
            ):
                if shape_of(flatten(value, [])) != shape_of(kind):
                    raise ValueError(
                        f"raw_rnn: loop_fn gives a next {what} of another structure than at time 0"
                    )
            emits: list[Any] = []
            if shape_of(flatten(emit, emits)) != shape_of(emit_kind):
                raise ValueError(
                    "raw_rnn: loop_fn emits another structure than at time 0, or than the cell's output"
                )
            emits = [_unless(finished, z, e) for z, e in zip(zeros, emits, strict=True)]
            written = [a.write(time, e) for a, e in zip(held, emits, strict=True)]
            befores, afters = leaves_of(state), leaves_of(next_state)
            kept = pack(
                kinds[1], iter([_unless(finished, s, a) for s, a in zip(befores, afters, strict=True)])
            )
            return (
                after_time,
                b.logical_or(finished, b.graph.convert(ended, bool_)),
                following,
                written,
                kept,
                next_handed,
            )

        found = while_loop(goes_on, step, (start, finished, inputs, arrays, state, handed))
        return pack(emit_kind, iter(found[3])), found[4], None if loop_state is None else found[5]


def _batch(inputs: list[Any], finished: Any) -> Any:
    """The number of sequences: a number where it is known, else a scalar."""
    for value in (*inputs, finished):
        tensor = None if isinstance(value, TensorArray) else convert_to_tensor(value)
        if tensor is not None and tensor.shape and isinstance(tensor.shape[0], int):
            return tensor.shape[0]
    first = convert_to_tensor(inputs[0])
    return builder(first).shape(first)[0]


def _nothing_emitted(cell: Any, emitted: Any, state: Any, batch: Any) -> tuple[list[Tensor], Any]:
    """Zeros for what a step emits of finished sequences, and the structure that they are in."""
    made: list[Any] = []
    if emitted is None:
        first = convert_to_tensor(leaves_of(state)[0])
        kind = flatten(zero_state(cell.output_size, batch, first.dtype), made)
        return made, kind
    kind = flatten(emitted, made)
    zeros = []
    for value in made:
        tensor = convert_to_tensor(value)
        b = builder(tensor)
        rank = len(tensor.get_shape())
        element = [d if isinstance(d, int) else b.shape(tensor)[i] for i, d in enumerate(tensor.get_shape())]
        count = [batch if isinstance(batch, int) else b.cast(batch, dtype=int32)]
        zeros.append(b.broadcast_to(np.zeros((), tensor.dtype.numpy), sizes([*count, *element[:rank]])))
    return zeros, kind


def _shape_of_element(zeros: Tensor) -> Any:
    return None if zeros.shape is None else [d if isinstance(d, int) else None for d in zeros.shape]


def _unless(finished: Tensor, held: Any, value: Any) -> Any:
    """A value, but what was held of the sequences that are finished."""
    if isinstance(held, TensorArray):
        return value
    b = finished.graph.b
    tensor = b.graph.convert(value)
    rank = len(tensor.get_shape())
    if rank == 0:
        return tensor
    wide = finished
    for _ in range(rank - 1):
        wide = b.expand_dims(wide, axis=-1)
    return b.where(wide, b.graph.convert(held), tensor)


__all__ = ["raw_rnn"]
