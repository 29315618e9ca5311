"""Losses of sequences whose labels have no places in time, and the labels that are read off."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import int32, int64
from samara.graph.graph import Tensor
from samara.graph.sparse.arranging import counted_places, retain
from samara.graph.sparse.tensor import SparseTensor, as_sparse, sizes_of
from samara.graph.vocabulary.elements import where


def ctc_loss_v2(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Connectionist temporal classification of dense labels; `ctc_loss` takes sparse ones.

    Graves et al., "Connectionist temporal classification" (2006).

    Args:
        labels: class numbers [batch, labels]; what is beyond a sequence's length does not matter.
        logits: [time, batch, classes], or [batch, time, classes] when not `logits_time_major`.
        label_length: how many labels each sequence has, [batch].
        logit_length: how many logits each sequence has, [batch].
        logits_time_major: the order of the logits' axes.
        unique: changes nothing.
        blank_index: the class that stands for no label, 0 by default; a negative one counts from the last. For a
            SparseTensor of labels it must be given.
        name: the operation's name.

    Returns:
        The losses [batch]; infinite where a sequence is too short for its labels.

    Raises:
        ShapeError: shapes do not fit, or the number of classes is not known for a negative `blank_index`.
        ValueError: the labels are sparse and there is no `blank_index`.
    """
    logits = convert_to_tensor(logits)
    b = logits.graph.b
    if not logits_time_major:
        logits = b.transpose(logits, permutation=(1, 0, 2))
    if isinstance(labels, SparseTensor):
        if blank_index is None:
            raise ValueError("ctc_loss_v2: a SparseTensor of labels needs blank_index")
        labels, label_length = _dense_labels(b, labels, b.shape(logits, output_type=int64)[1])
    blank = _class(logits, blank_index or 0)
    labels = convert_to_tensor(labels)
    lengths = [b.cast(n, dtype=labels.dtype) for n in (logit_length, label_length)]
    loss: Tensor = b.ctc_loss(logits, labels, *lengths, blank=blank, name=name)[0]
    return loss


def _class(logits: Tensor, number: int) -> int:
    """The number of a class, of which a negative one counts from the last."""
    if number >= 0:
        return number
    classes = logits.shape[-1] if logits.shape is not None else None
    if not isinstance(classes, int):
        raise ShapeError(f"blank_index={number}: the number of classes of {logits.name} is not known")
    return number + classes


def _dense_labels(b: Any, labels: SparseTensor, batch: Any) -> tuple[Tensor, Tensor]:
    """The labels [batch, labels] of a sparse tensor in the order of rows, and how many there are in each row."""
    rows = labels.indices[:, 0]
    ones = b.broadcast_to(b.constant(np.int64(1)), b.shape(rows))
    lengths = b.unsorted_segment_sum(ones, rows, batch)
    before = b.cumulative_sum(lengths, axis=0, exclusive=True)
    count = b.shape(rows, output_type=int64)[0]
    column = b.subtract(b.range(np.int64(0), count, np.int64(1)), b.gather(before, rows, axis=0))
    places = b.stack([rows, column], axis=1)
    width = sizes_of(labels, 2)[1]
    whole = b.stack([batch, width if isinstance(width, Tensor) else np.int64(width)], axis=0)
    zeros = b.broadcast_to(np.zeros((), labels.dtype.numpy), whole)
    return b.scatter_nd(zeros, places, labels.values), lengths


def ctc_loss(
    labels: Any,
    inputs: Any = None,
    sequence_length: Any = None,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    time_major: bool = True,
    logits: Any = None,
) -> Tensor:
    """Connectionist temporal classification of sparse labels, the last class standing for no label.

    Graves et al., "Connectionist temporal classification" (2006).

    Args:
        labels: an int32 SparseTensor [batch, labels] in the order of rows.
        inputs: logits [time, batch, classes], or [batch, time, classes] when not `time_major`.
        sequence_length: how many logits each sequence has, int32 [batch].
        preprocess_collapse_repeated: whether equal labels in a row become one first.
        ctc_merge_repeated: whether equal labels of a path become one; only True is supported.
        ignore_longer_outputs_than_inputs: whether a sequence that is too short for its labels has loss 0 and no
            gradient; it is an error of the run otherwise.
        time_major: the order of the logits' axes.
        logits: another name of `inputs`.

    Returns:
        The losses [batch].

    Raises:
        ShapeError: shapes do not fit, or the number of classes is not known.
        ValueError: `ctc_merge_repeated` is False, or an argument is missing.
    """
    given = inputs if inputs is not None else logits
    if given is None or sequence_length is None:
        raise ValueError("ctc_loss needs labels, inputs and sequence_length")
    if not ctc_merge_repeated:
        raise ValueError("ctc_loss: ctc_merge_repeated=False is not supported")
    sparse, x = as_sparse(labels), convert_to_tensor(given)
    with x.graph.name_scope("CTCLoss"):
        b = x.graph.b
        if not time_major:
            x = b.transpose(x, permutation=(1, 0, 2))
        if preprocess_collapse_repeated:
            sparse = _collapsed(b, sparse)
        dense, lengths = _dense_labels(b, sparse, b.shape(x, output_type=int64)[1])
        steps = b.cast(b.constant(sequence_length), dtype=dense.dtype)
        many = b.cast(lengths, dtype=dense.dtype)
        loss = b.ctc_loss(x, dense, steps, many, blank=_class(x, -1))[0]
        finite = b.is_finite(loss)
        if ignore_longer_outputs_than_inputs:
            made: Tensor = b.where(finite, loss, b.like(0, loss))
        else:
            # What is not a number is no matter of lengths.
            enough = b.logical_or(finite, b.is_nan(loss))
            text = (
                "ctc_loss: a sequence has too few steps for its labels; ignore_longer_outputs_than_inputs=True leaves "
                "such sequences out. sequence_length and numbers of labels: "
            )
            made = b.check_all(loss, enough, [steps, many], message=text, summarize=-1)
        return made


def _collapsed(b: Any, labels: SparseTensor) -> SparseTensor:
    """Without the labels that equal the one before in their row."""
    rows, values = labels.indices[:, 0], labels.values
    other = b.logical_or(b.not_equal(rows[1:], rows[:-1]), b.not_equal(values[1:], values[:-1]))
    first = b.broadcast_to(np.asarray(True), b.minimum(b.shape(rows), np.int32(1)))
    return retain(labels, b.concat([first, other], axis=0))


def ctc_greedy_decoder(
    inputs: Any, sequence_length: Any, merge_repeated: bool = True
) -> tuple[list[SparseTensor], Tensor]:
    """The labels of the most likely class of each step, those of the last class, which stands for no label, left out.

    Args:
        inputs: logits [time, batch, classes].
        sequence_length: how many of them each sequence has, int32 [batch].
        merge_repeated: whether a class that comes in several steps one after the other is one label.

    Returns:
        A list of one int64 SparseTensor [batch, labels], and [batch, 1] the negative sums of the largest logits.

    Raises:
        ShapeError: the number of classes is not known.
    """
    x = convert_to_tensor(inputs)
    with x.graph.name_scope("CTCGreedyDecoder"):
        b = x.graph.b
        blank = _class(x, -1)
        best = b.transpose(b.argmax(x, axis=2, output_type=int64))
        whole = b.shape(best, output_type=int64)
        steps = b.range(np.int64(0), whole[1], np.int64(1))
        ends = b.expand_dims(b.cast(b.constant(sequence_length), dtype=int64), axis=1)
        within = b.less(steps, ends)
        held = b.logical_and(within, b.not_equal(best, b.constant(np.int64(blank))))
        if merge_repeated:
            first = b.broadcast_to(
                np.asarray(True), b.stack([whole[0], b.minimum(whole[1], np.int64(1))], axis=0)
            )
            changes = b.concat([first, b.not_equal(best[:, 1:], best[:, :-1])], axis=1)
            held = b.logical_and(held, changes)
        largest = b.transpose(b.reduce_max(x, axes=(2,)))
        sums = b.reduce_sum(b.where(within, largest, b.like(0, x)), axes=(1,), keepdims=True)
        places, moved, longest = counted_places(b, held)
        decoded = SparseTensor(moved, b.gather_nd(best, places), b.stack([whole[0], longest], axis=0))
        return [decoded], b.negative(sums)


def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1, merge_repeated: bool = True
) -> tuple[list[SparseTensor], Tensor]:
    """The most likely label sequences, searched with a beam; the last class stands for no label.

    Graves et al., "Connectionist temporal classification" (2006).

    Args:
        inputs: logits [time, batch, classes].
        sequence_length: how many of them each sequence has, int32 [batch].
        beam_width: how many sequences are kept after each step.
        top_paths: how many are given.
        merge_repeated: whether equal neighbours in a sequence become one, as TensorFlow 1 has it by default.

    Returns:
        A list of `top_paths` int64 SparseTensors [batch, labels], the best first, and the logarithms of their
        probabilities, [batch, top_paths].

    Raises:
        ShapeError: shapes do not fit, or `top_paths` is above `beam_width`.
        InvalidArgumentError: in a run: there are fewer than `top_paths` sequences.
    """
    x = convert_to_tensor(inputs)
    with x.graph.name_scope("CTCBeamSearchDecoder"):
        b = x.graph.b
        lengths = b.cast(b.constant(sequence_length), dtype=int32)
        labels, likely = b.ctc_beam_search(
            x, lengths, beam_width=beam_width, top_paths=top_paths, merge_repeated=merge_repeated
        )
        decoded = []
        for number in range(top_paths):
            path = labels[number]
            held = b.greater_equal(path, b.constant(np.int64(0)))
            places, _, longest = counted_places(b, held)
            batch = b.shape(path, output_type=int64)[0]
            whole = b.stack([batch, longest], axis=0)
            decoded.append(SparseTensor(places, b.gather_nd(path, places), whole))
        return decoded, likely


def ctc_beam_search_decoder_v2(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[SparseTensor], Tensor]:
    """`ctc_beam_search_decoder` with sequences as they are, equal neighbours included."""
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)


def collapse_repeated(labels: Any, seq_length: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Labels [batch, labels] with equal neighbours made one, zeros behind them, and how many each row has then.

    Args:
        labels: class numbers.
        seq_length: how many of them count in each row, [batch].
        name: the name scope.
    """
    x = convert_to_tensor(labels)
    with x.graph.name_scope(name or "collapse_repeated_labels"):
        b = x.graph.b
        whole = b.shape(x, output_type=int64)
        ends = b.expand_dims(b.cast(b.constant(seq_length), dtype=int64), axis=1)
        within = b.less(b.range(np.int64(0), whole[1], np.int64(1)), ends)
        first = b.broadcast_to(
            np.asarray(True), b.stack([whole[0], b.minimum(whole[1], np.int64(1))], axis=0)
        )
        changes = b.concat([first, b.not_equal(x[:, 1:], x[:, :-1])], axis=1)
        held = b.logical_and(within, changes)
        places, moved, longest = counted_places(b, held)
        zeros = b.broadcast_to(b.like(0, x), b.stack([whole[0], longest], axis=0))
        lengths = b.reduce_sum(b.cast(held, dtype=int32), axes=(1,))
        return b.scatter_nd(zeros, moved, b.gather_nd(x, places)), lengths


def ctc_unique_labels(labels: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """For each row of labels its different elements, in the order in which they come, and which of them each is.

    Args:
        labels: class numbers [batch, labels].
        name: the name scope.

    Returns:
        The different elements [batch, labels], zeros behind them, and for each label its number, int32.
    """
    x = convert_to_tensor(labels)
    with x.graph.name_scope(name or "ctc_unique_labels"):
        b = x.graph.b
        same = b.equal(b.expand_dims(x, axis=2), b.expand_dims(x, axis=1))
        first = b.argmax(b.cast(same, dtype=int32), axis=2, output_type=int64)
        width = b.shape(x, output_type=int64)[1]
        new = b.equal(first, b.range(np.int64(0), width, np.int64(1)))
        number = b.cumulative_sum(b.cast(new, dtype=int32), axis=1, exclusive=True)
        places = where(new)
        rank = b.cast(b.gather_nd(number, places), dtype=int64)
        moved = b.stack([places[:, 0], rank], axis=1)
        found = b.scatter_nd(b.zeros_like(x), moved, b.gather_nd(x, places))
        return found, b.gather(number, first, axis=1, batch_dims=1)


__all__ = [
    "collapse_repeated",
    "ctc_beam_search_decoder",
    "ctc_beam_search_decoder_v2",
    "ctc_greedy_decoder",
    "ctc_loss",
    "ctc_loss_v2",
    "ctc_unique_labels",
]
