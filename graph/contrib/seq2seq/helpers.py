"""Where a decoder's inputs come from: given sequences, or what it said itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.nn.selection import embedding_lookup
from samara.graph.vocabulary.arrays import reshape, shape, transpose
from samara.graph.vocabulary.draws import multinomial


class Helper:
    """Base of the helpers; a program's own has the same methods.

    Attributes:
        batch_size: how many sequences, a scalar tensor.
        most_steps: how many steps there are at most, a scalar tensor; None where that is not known.
    """

    batch_size: Any
    most_steps: Any = None

    @property
    def sample_ids_shape(self) -> Any:
        """The shape of what is said in a step by one sequence."""
        return ()

    @property
    def sample_ids_dtype(self) -> Any:
        """Its element type."""
        return int32

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """Which sequences have ended before they begin, and the first inputs."""
        raise NotImplementedError(f"{type(self).__name__} has no initialize")

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """What is said, of the outputs of the step."""
        raise NotImplementedError(f"{type(self).__name__} has no sample")

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """Which sequences have ended, the inputs of the next step, and the state."""
        raise NotImplementedError(f"{type(self).__name__} has no next_inputs")


def _likeliest(outputs: Any) -> Tensor:
    b = get_default_graph().b
    made: Tensor = b.cast(b.argmax(outputs, axis=-1), dtype=int32)
    return made


class TrainingHelper(Helper):
    """Inputs are given: those that a decoder is to have when it is trained.

    Args:
        inputs: [batch, time, depth].
        sequence_length: [batch], how long each sequence is.
        time_major: whether inputs are [time, batch, depth].
        name: the name scope.

    Raises:
        ValueError: the lengths are no list.
    """

    def __init__(
        self, inputs: Any, sequence_length: Any, time_major: bool = False, name: str | None = None
    ) -> None:
        given = convert_to_tensor(inputs)
        lengths = convert_to_tensor(sequence_length)
        if lengths.shape is not None and len(lengths.shape) != 1:
            raise ValueError(f"sequence_length has rank {len(lengths.shape)}, expected one number a sequence")
        b = given.graph.b
        rank = len(given.get_shape())
        self._inputs = given if time_major else transpose(given, [1, 0, *range(2, rank)])
        self.sequence_length = lengths if lengths.dtype is int32 else b.cast(lengths, dtype=int32)
        self.batch_size = shape(self.sequence_length)[0]
        self.most_steps = b.reduce_max(self.sequence_length)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """Sequences of no length have ended; the inputs of the first step."""
        b = get_default_graph().b
        finished = b.less_equal(self.sequence_length, np.int32(0))
        return finished, b.gather(self._inputs, np.int32(0), axis=0)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """The likeliest."""
        return _likeliest(outputs)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """The inputs of the next step."""
        b = get_default_graph().b
        following = b.add(time, np.int32(1))
        finished = b.less_equal(self.sequence_length, following)
        last = b.subtract(b.shape(self._inputs)[0], np.int32(1))
        return finished, b.gather(self._inputs, b.minimum(following, last), axis=0), state


class GreedyEmbeddingHelper(Helper):
    """The next input is the embedding of what was said, the likeliest of the outputs.

    Args:
        embedding: a matrix with a row for each word, or a function of words.
        start_tokens: [batch], the words to begin with.
        end_token: the word that ends a sequence, a number.

    Raises:
        ValueError: the start tokens are no list, or the end token is no number.
    """

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any) -> None:
        self._embed: Callable[[Any], Any] = (
            embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)
        )
        starts, end = convert_to_tensor(start_tokens), convert_to_tensor(end_token)
        if len(starts.get_shape()) != 1 or end.shape != ():
            raise ValueError("start_tokens must be one word for each sequence, end_token one word")
        b = starts.graph.b
        self._starts = starts if starts.dtype is int32 else b.cast(starts, dtype=int32)
        self._end = end if end.dtype is int32 else b.cast(end, dtype=int32)
        self.batch_size = shape(self._starts)[0]

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """No sequence has ended; the embeddings of the start tokens."""
        b = get_default_graph().b
        return b.not_equal(self._starts, self._starts), self._embed(self._starts)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """The likeliest word."""
        return _likeliest(outputs)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """The embeddings of what was said."""
        b = get_default_graph().b
        return b.equal(sample_ids, self._end), self._embed(sample_ids), state


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """The next input is the embedding of what was said, drawn by the probabilities of the outputs.

    Args:
        embedding: a matrix with a row for each word, or a function of words.
        start_tokens: [batch], the words to begin with.
        end_token: the word that ends a sequence, a number.
        softmax_temperature: what the outputs are divided by; less than 1 makes likely words likelier.
        seed: seeds the draws, beside the graph's seed.
    """

    def __init__(
        self,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        softmax_temperature: Any = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(embedding, start_tokens, end_token)
        self._temperature, self._seed = softmax_temperature, seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Words that are drawn."""
        b = get_default_graph().b
        if self._temperature is not None:
            outputs = b.divide(outputs, b.constant(self._temperature, outputs.dtype))
        drawn = multinomial(outputs, 1, seed=self._seed)
        return reshape(b.cast(drawn, dtype=int32), [-1])


class CustomHelper(Helper):
    """A helper of three functions.

    Args:
        initialize_fn: gives (finished, first inputs).
        sample_fn: called with time=, outputs=, state=; gives what is said.
        next_inputs_fn: called with time=, outputs=, state=, sample_ids=; gives (finished, next inputs, state).
        sample_ids_shape: the shape of what is said by one sequence; a scalar when None.
        sample_ids_dtype: its element type; int32 when None.
    """

    def __init__(
        self,
        initialize_fn: Callable[[], Any],
        sample_fn: Callable[..., Any],
        next_inputs_fn: Callable[..., Any],
        sample_ids_shape: Any = None,
        sample_ids_dtype: Any = None,
    ) -> None:
        self._initialize, self._sample, self._next = initialize_fn, sample_fn, next_inputs_fn
        self._shape = () if sample_ids_shape is None else tuple(sample_ids_shape)
        self._dtype = int32 if sample_ids_dtype is None else sample_ids_dtype

    @property
    def sample_ids_shape(self) -> Any:
        """The shape of what is said by one sequence."""
        return self._shape

    @property
    def sample_ids_dtype(self) -> Any:
        """Its element type."""
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """What its function gives."""
        finished, inputs = self._initialize()
        self.batch_size = shape(finished)[0]
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """What its function gives."""
        return self._sample(time=time, outputs=outputs, state=state)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """What its function gives."""
        finished, inputs, after = self._next(time=time, outputs=outputs, state=state, sample_ids=sample_ids)
        return finished, inputs, after


__all__ = ["CustomHelper", "GreedyEmbeddingHelper", "Helper", "SampleEmbeddingHelper", "TrainingHelper"]
