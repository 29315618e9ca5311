"""Decoders: recurrent networks whose inputs may depend on their outputs, and the loop that runs them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from samara.graph.contrib.seq2seq.helpers import Helper
from samara.graph.control import while_loop
from samara.graph.convert import convert_to_tensor, sizes
from samara.graph.dtypes import as_dtype, int32
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.loop_shapes import put
from samara.graph.nn.recurrent import _many, _turned, _where
from samara.graph.nn.step_draws import CURRENT, Steps
from samara.graph.shapes import TensorShape
from samara.graph.structure import flatten, leaves_of, pack
from samara.graph.variable_scope import variable_scope
from samara.graph.vocabulary.arrays import shape

BasicDecoderOutput = namedtuple("BasicDecoderOutput", ["rnn_output", "sample_id"])
BasicDecoderOutput.__doc__ = "What a BasicDecoder gives in each step: the outputs, and what is said."


class Decoder:
    """Base of the decoders; a program's own has the same methods and properties."""

    @property
    def batch_size(self) -> Any:
        """How many sequences."""
        raise NotImplementedError(f"{type(self).__name__} has no batch_size")

    @property
    def output_size(self) -> Any:
        """The sizes of what a step gives for one sequence, in its structure."""
        raise NotImplementedError(f"{type(self).__name__} has no output_size")

    @property
    def output_dtype(self) -> Any:
        """The element types, in the same structure."""
        raise NotImplementedError(f"{type(self).__name__} has no output_dtype")

    @property
    def tracks_own_finished(self) -> bool:
        """Whether a sequence that has ended may go on again."""
        return False

    @property
    def most_steps(self) -> Any:
        """How many steps there are at most, a scalar tensor; None where that is not known."""
        return None

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """Which sequences have ended before they begin, the first inputs, and the first state."""
        raise NotImplementedError(f"{type(self).__name__} has no initialize")

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        """The outputs of a step, the state after it, the next inputs, and which sequences have ended."""
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """The outputs and the state that `dynamic_decode` gives."""
        return outputs, final_state


class BasicDecoder(Decoder):
    """A cell, with a layer on its outputs, whose inputs a helper gives.

    Args:
        cell: an RNNCell.
        helper: such as a TrainingHelper or a GreedyEmbeddingHelper.
        initial_state: the first state.
        output_layer: a layer on the outputs of the cell, such as layers.Dense(words); None for none.
    """

    def __init__(self, cell: Any, helper: Helper, initial_state: Any, output_layer: Any = None) -> None:
        if output_layer is not None and not callable(output_layer):
            raise TypeError(f"BasicDecoder: output_layer {output_layer!r} is no layer")
        self._cell, self._helper = cell, helper
        self._initial_state, self._layer = initial_state, output_layer

    @property
    def batch_size(self) -> Any:
        """How many sequences."""
        return self._helper.batch_size

    @property
    def most_steps(self) -> Any:
        """As many as the helper has inputs for."""
        return getattr(self._helper, "most_steps", None)

    @property
    def output_size(self) -> Any:
        """The sizes of outputs and of what is said."""
        size = self._cell.output_size
        if self._layer is not None:
            units = getattr(self._layer, "units", None)
            if units is None:
                before = TensorShape([None, *TensorShape(size)])
                units = self._layer.compute_output_shape(before)[-1]
            size = units
        return BasicDecoderOutput(size, TensorShape(self._helper.sample_ids_shape))

    @property
    def output_dtype(self) -> Any:
        """The element types of outputs and of what is said."""
        first = convert_to_tensor(leaves_of(self._initial_state)[0])
        return BasicDecoderOutput(first.dtype, as_dtype(self._helper.sample_ids_dtype))

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """What the helper begins with, and the first state."""
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        """One step of the cell."""
        outputs, after = self._cell(inputs, state)
        if self._layer is not None:
            outputs = self._layer(outputs)
        said = self._helper.sample(time=time, outputs=outputs, state=after)
        finished, following, after = self._helper.next_inputs(
            time=time, outputs=outputs, state=after, sample_ids=said
        )
        return BasicDecoderOutput(outputs, said), after, following, finished


def dynamic_decode(
    decoder: Decoder,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: Any = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """Runs a decoder until all sequences have ended.

    Args:
        decoder: the decoder.
        output_time_major: whether the outputs are [time, batch, ...].
        impute_finished: whether the outputs of sequences that have ended are 0, and their states stay.
        maximum_iterations: the most steps; needed where the decoder has no bound of its own, as a TrainingHelper has.
        parallel_iterations: changes nothing.
        swap_memory: changes nothing.
        scope: the variable scope; "decoder" when None.

    Returns:
        The outputs [batch, time, ...] in the structure of the decoder's, the last state, and the lengths [batch].

    Raises:
        TypeError: it is no Decoder.
        ValueError: nothing bounds the number of steps; or the decoder gives another structure in its steps than at the
            beginning.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"dynamic_decode: {decoder!r} is no Decoder")
    with variable_scope(scope, default_name="decoder"):
        return _decoded(decoder, output_time_major, impute_finished, maximum_iterations)


def _decoded(decoder: Decoder, time_major: bool, impute: bool, maximum: Any) -> tuple[Any, Any, Any]:
    graph = get_default_graph()
    b = graph.b
    finished, inputs, state = decoder.initialize()
    most = decoder.most_steps
    limit = None if maximum is None else b.constant(maximum, int32)
    if limit is None and most is None:
        raise ValueError(
            "dynamic_decode: nothing says how many steps there are at most: give maximum_iterations"
        )
    room = most if limit is None else limit if most is None else b.minimum(most, limit)
    batch = decoder.batch_size
    wanted: list[Any] = []
    output_kind = _sizes(decoder.output_size, wanted)
    types = leaves_of(decoder.output_dtype)
    buffers = [
        _many(b, b.broadcast_to(np.zeros((), t.numpy), sizes([batch, *s])), room)
        for s, t in zip(wanted, types, strict=True)
    ]
    given: list[Any] = []
    input_kind = flatten(inputs, given)
    held: list[Any] = []
    state_kind = flatten(state, held)
    starts = [convert_to_tensor(v) for v in (*given, *held)]
    finished = convert_to_tensor(finished)
    lengths = b.cast(b.zeros_like(b.cast(finished, dtype=int32)), dtype=int32)
    lengths.shape = finished.shape
    if limit is not None:
        finished = b.logical_or(finished, b.less_equal(limit, np.int32(0)))
    count = len(buffers)

    def goes_on(time: Any, ended: Any, *_: Any) -> Any:
        inner = time.graph.b
        return inner.logical_not(inner.reduce_all(ended))

    def step(time: Any, ended: Any, long: Any, *rest: Any) -> list[Any]:
        inner = time.graph.b
        written, carried = rest[:count], rest[count:]
        now = pack(input_kind, iter(carried[: len(given)]))
        before = pack(state_kind, iter(carried[len(given) :]))
        token = CURRENT.set(Steps(graph, room, batch, finished.get_shape()[0], time))
        try:
            outputs, after, following, ends = decoder.step(time, now, before)
        finally:
            CURRENT.reset(token)
        if not decoder.tracks_own_finished:
            ends = inner.logical_or(ends, ended)
        if limit is not None:
            ends = inner.logical_or(ends, inner.less_equal(limit, inner.add(time, np.int32(1))))
        steps = inner.where(ended, long, inner.add(inner.zeros_like(long), inner.add(time, np.int32(1))))
        if impute:
            live = inner.logical_not(ended)
            outputs, after = _where(live, outputs, None), _where(live, after, before)
        made, nexts = leaves_of(outputs), [*leaves_of(following), *leaves_of(after)]
        if len(made) != count or len(nexts) != len(carried):
            raise ValueError(
                f"{type(decoder).__name__}: a step gives {len(made)} outputs, and {len(nexts)} inputs and states; "
                f"expected {count} and {len(carried)}"
            )
        kept = [put(inner.graph, y, time, v) for y, v in zip(written, made, strict=True)]
        later = [_shaped(n, o) for n, o in zip(nexts, carried, strict=True)]
        return [
            inner.add(time, np.int32(1)),
            _shaped(ends, ended),
            _shaped(steps, long),
            *(_shaped(k, w) for k, w in zip(kept, written, strict=True)),
            *later,
        ]

    found = while_loop(
        graph, goes_on, step, [np.int32(0), finished, lengths, *buffers, *starts], name="while"
    )
    steps, long = found[0], found[2]
    outputs = [_first(t, steps) for t in found[3 : 3 + count]]
    after = pack(state_kind, iter(found[3 + count + len(given) :]))
    packed, after = decoder.finalize(pack(output_kind, iter(outputs)), after, long)
    if not time_major:
        leaves: list[Any] = []
        kind = flatten(packed, leaves)
        packed = pack(kind, iter([_turned(t) for t in leaves]))
    return packed, after, long


def _sizes(size: Any, leaves: list[Any]) -> Any:
    """The structure of sizes, of which each leaf is a list of numbers."""
    if isinstance(size, TensorShape):
        leaves.append([int(d) for d in size])
        return None
    if isinstance(size, (list, tuple)):
        return (type(size), [_sizes(s, leaves) for s in size])
    leaves.append([int(size)])
    return None


def _shaped(value: Any, like: Tensor) -> Tensor:
    """A value, known to have the shape of what it takes the place of."""
    tensor: Tensor = like.graph.b.identity(value)
    tensor.set_shape(like.shape)
    tensor.shape = like.shape
    return tensor


def _first(tensor: Tensor, count: Tensor) -> Tensor:
    """The first slices."""
    b = tensor.graph.b
    made: Tensor = b.gather(tensor, b.range(np.int32(0), count, np.int32(1)), axis=0)
    return made


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Each sequence of a batch several times in a row, of each tensor in a structure: [batch * multiplier, ...]."""
    leaves: list[Any] = []
    structure = flatten(t, leaves)
    with get_default_graph().name_scope(name or "tile_batch"):
        made = []
        for leaf in leaves:
            tensor = convert_to_tensor(leaf)
            b = tensor.graph.b
            count = b.multiply(shape(tensor)[0], np.int32(multiplier))
            rows = b.floor_divide(b.range(np.int32(0), count, np.int32(1)), np.int32(multiplier))
            made.append(b.gather(tensor, rows, axis=0))
    return pack(structure, iter(made))


__all__ = ["BasicDecoder", "BasicDecoderOutput", "Decoder", "dynamic_decode", "tile_batch"]
