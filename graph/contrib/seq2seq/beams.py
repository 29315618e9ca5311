"""Beam search: the likeliest sequences of words that a decoder can say."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from samara.graph.contrib.seq2seq.decoders import Decoder
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import float32, int32
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.nn.activations import log_softmax
from samara.graph.nn.selection import embedding_lookup
from samara.graph.shapes import TensorShape
from samara.graph.structure import flatten, pack
from samara.graph.vocabulary.arrays import reshape, shape
from samara.graph.vocabulary.functional import scan

BeamSearchDecoderState = namedtuple(
    "BeamSearchDecoderState", ["cell_state", "log_probs", "finished", "lengths"]
)
BeamSearchDecoderState.__doc__ = "The state of a beam search: of the cell, and of each beam [batch, beams]."
BeamSearchDecoderOutput = namedtuple("BeamSearchDecoderOutput", ["scores", "predicted_ids", "parent_ids"])
BeamSearchDecoderOutput.__doc__ = (
    "What a step gives: scores, words, and which beam each of them goes on with."
)
FinalBeamSearchDecoderOutput = namedtuple(
    "FinalBeamSearchDecoderOutput", ["predicted_ids", "beam_search_decoder_output"]
)
FinalBeamSearchDecoderOutput.__doc__ = "The words of each beam, the best beam first, and what the steps gave."

# What takes the place of the logarithm of 0: sums of it stay finite.
_NEVER = -1e9


class BeamSearchDecoder(Decoder):
    """Keeps the likeliest beginnings of a sentence, goes on with all of them, and keeps the likeliest again.

    The cell, its state and what it attends to are for batch * beam_width sequences: `tile_batch` makes them.

    Args:
        cell: an RNNCell.
        embedding: a matrix with a row for each word, or a function of words.
        start_tokens: [batch], the words to begin with.
        end_token: the word that ends a sentence, a number.
        initial_state: the first state, tiled.
        beam_width: how many beginnings are kept.
        output_layer: a layer on the outputs of the cell; None for none.
        length_penalty_weight: w in ((5 + length) / 6)^w, by which the logarithms of probabilities are divided (Wu and
            others, "Google's Neural Machine Translation System", 2016).
        coverage_penalty_weight: not supported; 0.
        reorder_tensor_arrays: has no meaning here.

    Raises:
        ValueError: the start tokens are no list, or an option is not supported.
    """

    def __init__(
        self,
        cell: Any,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        initial_state: Any,
        beam_width: int,
        output_layer: Any = None,
        length_penalty_weight: float = 0.0,
        coverage_penalty_weight: float = 0.0,
        reorder_tensor_arrays: bool = True,
    ) -> None:
        if coverage_penalty_weight:
            raise ValueError("BeamSearchDecoder: coverage_penalty_weight is not supported: leave it out")
        self._cell, self._layer, self._state = cell, output_layer, initial_state
        self._embed: Callable[[Any], Any] = (
            embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)
        )
        starts, end = convert_to_tensor(start_tokens), convert_to_tensor(end_token)
        if len(starts.get_shape()) != 1 or end.shape != ():
            raise ValueError("start_tokens must be one word for each sequence, end_token one word")
        b = starts.graph.b
        self._starts = starts if starts.dtype is int32 else b.cast(starts, dtype=int32)
        self._end = end if end.dtype is int32 else b.cast(end, dtype=int32)
        self._width, self._penalty = int(beam_width), float(length_penalty_weight)

    @property
    def batch_size(self) -> Any:
        """How many sequences."""
        return shape(self._starts)[0]

    @property
    def output_size(self) -> Any:
        """A score, a word and a number for each beam."""
        each = TensorShape([self._width])
        return BeamSearchDecoderOutput(each, each, each)

    @property
    def output_dtype(self) -> Any:
        """The element types of those."""
        return BeamSearchDecoderOutput(float32, int32, int32)

    @property
    def tracks_own_finished(self) -> bool:
        """True: beams change their places."""
        return True

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """The embeddings of the start tokens; only the first beam counts, as all are alike."""
        b = get_default_graph().b
        alike = b.broadcast_to(
            b.expand_dims(self._starts, axis=1), b.stack([self.batch_size, np.int32(self._width)], axis=0)
        )
        alike.set_shape([None, self._width])
        only = np.full((1, self._width), _NEVER, np.float32)
        only[0, 0] = 0
        chances = b.add(b.cast(b.zeros_like(alike), dtype=float32), only)
        finished = b.not_equal(alike, alike)
        state = BeamSearchDecoderState(self._state, chances, finished, b.zeros_like(alike))
        return finished, self._embed(alike), state

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        """One step of all beams, of which the best are kept."""
        b = get_default_graph().b
        width = self._width
        depth = inputs.get_shape()[-1]
        outputs, cell_state = self._cell(reshape(inputs, [-1, int(depth)]), state.cell_state)
        logits = outputs if self._layer is None else self._layer(outputs)
        words = int(logits.get_shape()[-1])
        chances = reshape(log_softmax(b.cast(logits, dtype=float32)), [-1, width, words])
        # A sentence that has ended goes on with the end token, at no cost.
        over = np.full(words, _NEVER, np.float32)
        numbers = b.range(np.int32(0), np.int32(words), np.int32(1))
        ended = b.where(b.equal(numbers, self._end), np.float32(0), over)
        chances = b.where(b.expand_dims(state.finished, axis=2), ended, chances)
        total = b.add(b.expand_dims(state.log_probs, axis=2), chances)
        # The end itself does not count for the score of the step that says it.
        counts = b.cast(b.not_equal(numbers, self._end), dtype=int32)
        live = b.expand_dims(b.cast(b.logical_not(state.finished), dtype=int32), axis=2)
        lengths = b.add(b.expand_dims(state.lengths, axis=2), b.multiply(live, counts))
        scores = total
        if self._penalty:
            longer = b.divide(b.add(b.cast(lengths, dtype=float32), np.float32(5)), np.float32(6))
            scores = b.divide(total, b.power(longer, np.float32(self._penalty)))
        best, places = b.top_k(reshape(scores, [-1, width * words]), np.int32(width), output_type=int32)

        parents = b.floor_divide(places, np.int32(words))
        said = b.floor_mod(places, np.int32(words))

        def of_parents(values: Any) -> Any:
            return b.gather(values, parents, axis=1, batch_dims=1)

        finished = of_parents(state.finished)
        kept = b.gather(reshape(total, [-1, width * words]), places, axis=1, batch_dims=1)
        longs = b.add(of_parents(state.lengths), b.cast(b.logical_not(finished), dtype=int32))
        finished = b.logical_or(finished, b.equal(said, self._end))
        first = b.multiply(b.range(np.int32(0), shape(said)[0], np.int32(1)), np.int32(width))
        rows = reshape(b.add(parents, b.expand_dims(first, axis=1)), [-1])
        following = BeamSearchDecoderState(_reordered(cell_state, rows), kept, finished, longs)
        outputs = BeamSearchDecoderOutput(best, said, parents)
        return outputs, following, self._embed(said), finished

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """The words of each beam from its first to its last."""
        words = gather_tree(outputs.predicted_ids, outputs.parent_ids, final_state.lengths, self._end)
        return FinalBeamSearchDecoderOutput(words, outputs), final_state


def _reordered(state: Any, rows: Tensor) -> Any:
    """The parts of a state of other sequences; a number stays."""
    leaves: list[Any] = []
    structure = flatten(state, leaves)
    b = rows.graph.b
    made = [v if convert_to_tensor(v).shape == () else b.gather(v, rows, axis=0) for v in leaves]
    return pack(structure, iter(made))


def gather_tree(step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any) -> Tensor:
    """The words of each beam, from the last step back along the beams that each went on with.

    Args:
        step_ids: words [time, batch, beams].
        parent_ids: the beams before, the same.
        max_sequence_lengths: changes nothing: a sentence that has ended goes on with the end token.
        end_token: what stands after the end.
    """
    words, parents = convert_to_tensor(step_ids), convert_to_tensor(parent_ids)
    b = words.graph.b
    words, parents = (t if t.dtype is int32 else b.cast(t, dtype=int32) for t in (words, parents))
    numbers = b.range(np.int32(0), shape(words)[2], np.int32(1))
    first = b.add(b.zeros_like(parents[0]), numbers)
    first.shape = parents[0].shape

    def back(held: Any, given: Any) -> Any:
        inner = held[0].graph.b
        said = inner.gather(given[0], held[1], axis=1, batch_dims=1)
        before = inner.gather(given[1], held[1], axis=1, batch_dims=1)
        said.shape, before.shape = held[0].shape, held[1].shape
        return said, before

    start = b.identity(first)
    start.shape = first.shape
    made: Tensor = scan(back, (words, parents), (start, first), reverse=True)[0]
    return made


__all__ = [
    "BeamSearchDecoder",
    "BeamSearchDecoderOutput",
    "BeamSearchDecoderState",
    "FinalBeamSearchDecoderOutput",
    "gather_tree",
]
