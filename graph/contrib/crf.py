"""Linear chains of tags whose neighbours depend on each other: `tf.contrib.crf`.

Lafferty, McCallum and Pereira, "Conditional Random Fields", 2001. Scores are [batch, time, tags].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor
from samara.graph.variable_scope import get_variable
from samara.graph.vocabulary.arrays import concat, reshape, reverse, shape, transpose
from samara.graph.vocabulary.control_flow import while_loop
from samara.graph.vocabulary.elements import sequence_mask
from samara.graph.vocabulary.functional import scan
from samara.graph.vocabulary.mathematics import reduce_logsumexp


def _inside(inputs: Tensor, lengths: Any) -> Tensor:
    made: Tensor = sequence_mask(convert_to_tensor(lengths), shape(inputs)[1], inputs.dtype)
    return made


def crf_unary_score(tag_indices: Any, sequence_lengths: Any, inputs: Any) -> Tensor:
    """The sums of the scores of given tags [batch, time] by themselves."""
    tensor = convert_to_tensor(inputs)
    b = tensor.graph.b
    tags = b.cast(convert_to_tensor(tag_indices), dtype=int32)
    chosen = b.one_hot(tags, depth=int(tensor.get_shape()[2]), dtype=tensor.dtype)
    each = b.reduce_sum(b.multiply(tensor, chosen), axes=(2,))
    made: Tensor = b.reduce_sum(b.multiply(each, _inside(tensor, sequence_lengths)), axes=(1,))
    return made


def crf_binary_score(tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """The sums of the scores of steps from one given tag to the next."""
    steps = convert_to_tensor(transition_params)
    b = steps.graph.b
    tags = b.cast(convert_to_tensor(tag_indices), dtype=int32)
    count = shape(steps)[0]
    places = b.add(b.multiply(tags[:, :-1], count), tags[:, 1:])
    each = b.gather(reshape(steps, [-1]), places, axis=0)
    inside = sequence_mask(convert_to_tensor(sequence_lengths), shape(tags)[1], steps.dtype)
    made: Tensor = b.reduce_sum(b.multiply(each, inside[:, 1:]), axes=(1,))
    return made


def crf_sequence_score(
    inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any
) -> Tensor:
    """The scores of given tags."""
    alone = crf_unary_score(tag_indices, sequence_lengths, inputs)
    made: Tensor = alone + crf_binary_score(tag_indices, sequence_lengths, transition_params)
    return made


def crf_log_norm(inputs: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """The logarithms of the sums of the exponentials of the scores of all sequences of tags."""
    tensor, steps = convert_to_tensor(inputs), convert_to_tensor(transition_params)
    b = tensor.graph.b
    lengths = b.cast(convert_to_tensor(sequence_lengths), dtype=int32)
    in_time = transpose(tensor, [1, 0, 2])

    def step(time: Any, scores: Any) -> list[Any]:
        inner = time.graph.b
        onward = inner.add(inner.expand_dims(scores, axis=2), inner.expand_dims(steps, axis=0))
        after = inner.add(reduce_logsumexp(onward, 1), inner.gather(in_time, time, axis=0))
        live = inner.expand_dims(inner.less(time, lengths), axis=1)
        kept = inner.where(live, after, scores)
        kept.shape = scores.shape
        return [inner.add(time, np.int32(1)), kept]

    first = in_time[0]
    _, last = while_loop(lambda time, _: time < shape(tensor)[1], step, [np.int32(1), first])
    return reduce_logsumexp(last, 1)


def crf_log_likelihood(
    inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any = None
) -> tuple[Tensor, Any]:
    """The logarithms of the probabilities of given tags, and the scores of steps.

    Args:
        inputs: the scores of each tag at each place, [batch, time, tags].
        tag_indices: the tags [batch, time].
        sequence_lengths: [batch].
        transition_params: the scores of steps from one tag to another [tags, tags]; the variable "transitions" when
            None.
    """
    tensor = convert_to_tensor(inputs)
    if transition_params is None:
        count = int(tensor.get_shape()[2])
        transition_params = get_variable("transitions", [count, count], tensor.dtype)
    score = crf_sequence_score(tensor, tag_indices, sequence_lengths, transition_params)
    made: Tensor = score - crf_log_norm(tensor, sequence_lengths, transition_params)
    return made, transition_params


def viterbi_decode(score: Any, transition_params: Any) -> tuple[list[int], float]:
    """The likeliest tags of one sequence and their score, of arrays.

    Args:
        score: [time, tags].
        transition_params: [tags, tags].
    """
    best = np.asarray(score[0], float)
    before = []
    for row in np.asarray(score)[1:]:
        onward = best[:, None] + np.asarray(transition_params)
        before.append(onward.argmax(0))
        best = row + onward.max(0)
    tags = [int(best.argmax())]
    for pointers in reversed(before):
        tags.append(int(pointers[tags[-1]]))
    return tags[::-1], float(best.max())


def crf_decode(potentials: Any, transition_params: Any, sequence_length: Any) -> tuple[Tensor, Tensor]:
    """The likeliest tags [batch, time], 0 after the length, and their scores [batch].

    Args:
        potentials: the scores of each tag at each place, [batch, time, tags].
        transition_params: [tags, tags].
        sequence_length: [batch].
    """
    tensor, steps = convert_to_tensor(potentials), convert_to_tensor(transition_params)
    b = tensor.graph.b
    lengths = b.cast(convert_to_tensor(sequence_length), dtype=int32)
    count = int(tensor.get_shape()[2])
    in_time = transpose(tensor, [1, 0, 2])
    first = in_time[0]
    pointers = b.cast(b.zeros_like(first), dtype=int32)
    numbers = b.range(np.int32(0), shape(tensor)[1], np.int32(1))

    def forward(held: Any, given: Any) -> Any:
        (scores, _), (time, row) = held, given
        inner = row.graph.b
        onward = inner.add(inner.expand_dims(scores, axis=2), inner.expand_dims(steps, axis=0))
        live = inner.expand_dims(
            inner.logical_and(inner.less(time, lengths), inner.greater(time, np.int32(0))), axis=1
        )
        best = inner.where(live, inner.add(inner.reduce_max(onward, axes=(1,)), row), scores)
        came = inner.cast(inner.argmax(onward, axis=1), dtype=int32)
        back = inner.where(live, came, np.arange(count, dtype=np.int32)[None])
        best.shape, back.shape = scores.shape, held[1].shape
        return best, back

    scores, came_from = scan(forward, (numbers, in_time), (first, pointers))
    final = scores[-1]
    last = b.cast(b.argmax(final, axis=-1), dtype=int32)

    def backward(tag: Any, row: Any) -> Any:
        inner = row.graph.b
        chosen = inner.one_hot(tag, depth=count, dtype=int32)
        made = inner.reduce_sum(inner.multiply(row, chosen), axes=(1,))
        made.shape = tag.shape
        return made

    earlier = scan(backward, reverse(came_from, [0]), last)
    # What the first row leads to is where the sequence begins.
    backwards = concat([b.expand_dims(last, axis=0), earlier[:-1]], 0)
    tags = transpose(reverse(backwards, [0]), [1, 0])
    inside = sequence_mask(lengths, shape(tensor)[1], int32)
    return b.multiply(tags, inside), b.reduce_max(final, axes=(1,))


__all__ = [
    "crf_binary_score",
    "crf_decode",
    "crf_log_likelihood",
    "crf_log_norm",
    "crf_sequence_score",
    "crf_unary_score",
    "viterbi_decode",
]
