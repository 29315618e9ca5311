"""Losses over very many classes that look at the true ones and a few that are drawn: `nn.nce_loss` and its sister."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import int64
from samara.graph.graph import Tensor
from samara.graph.nn.candidate_sampling import log_uniform_candidate_sampler
from samara.graph.nn.losses import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2

_EXCLUDED = float(np.finfo(np.float32).min)


def _rows(parts: Any, ids: Tensor, partition_strategy: str) -> Tensor:
    """The rows of a table, or of a list of tables that its rows were dealt out to."""
    listed = [convert_to_tensor(p) for p in (parts if isinstance(parts, (list, tuple)) else [parts])]
    b = ids.graph.b
    if len(listed) == 1:
        row: Tensor = b.gather(listed[0], ids, axis=0)
        return row
    if partition_strategy not in ("mod", "div"):
        raise ValueError(f"partition_strategy={partition_strategy!r}: expected 'mod' or 'div'")
    counts = [n for t in listed if isinstance(n := (t.shape or (None,))[0], int)]
    if len(counts) < len(listed):
        raise ShapeError("the parts of a table must have known numbers of rows")
    if partition_strategy == "mod":
        # Row i is row i // parts of part i % parts.
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        number = b.like(len(listed), ids)
        first = b.gather(b.constant(starts.astype(ids.dtype.numpy)), b.floor_mod(ids, number), axis=0)
        ids = b.add(first, b.floor_divide(ids, number))
    row = b.gather(b.concat(listed, axis=0), ids, axis=0)
    return row


def _logits_and_labels(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_accidental_hits: bool,
    partition_strategy: str,
    seed: int | None,
) -> tuple[Tensor, Tensor]:
    """Logits of true and drawn classes, less the logarithms of their expected counts, and what they should be."""
    labels, inputs = convert_to_tensor(labels), convert_to_tensor(inputs)
    if labels.dtype.is_floating and inputs.dtype.is_integer:
        # TensorFlow 0.x has inputs before labels.
        labels, inputs = inputs, labels
    b = inputs.graph.b
    labels = b.cast(labels, dtype=int64)
    if labels.shape is not None and len(labels.shape) == 1:
        labels = b.expand_dims(labels, axis=1)
    if labels.shape is not None and (
        len(labels.shape) != 2 or dims.equal(labels.shape[1], num_true) is False
    ):
        raise ShapeError(f"labels {dims.text(labels.shape)} must have the shape [batch, num_true={num_true}]")
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes, seed)
    sampled, true_count, sampled_count = (b.stop_gradient(convert_to_tensor(v)) for v in sampled_values)
    sampled = b.cast(sampled, dtype=int64)
    true_rows, true_biases = (_rows(t, labels, partition_strategy) for t in (weights, biases))
    sampled_rows, sampled_biases = (_rows(t, sampled, partition_strategy) for t in (weights, biases))
    true_logits = b.reduce_sum(b.multiply(b.expand_dims(inputs, axis=1), true_rows), axes=(2,))
    true_logits = b.add(true_logits, true_biases)
    sampled_logits = b.add(b.matmul(inputs, sampled_rows, transpose_y=True), sampled_biases)
    if remove_accidental_hits:
        same = b.equal(b.expand_dims(labels, axis=2), sampled)
        hit = b.reduce_any(same, axes=(1,))
        excluded = b.where(hit, b.like(_EXCLUDED, sampled_logits), b.like(0, sampled_logits))
        sampled_logits = b.add(sampled_logits, excluded)
    kind = inputs.dtype
    true_logits = b.subtract(true_logits, b.log(b.cast(true_count, dtype=kind)))
    sampled_logits = b.subtract(sampled_logits, b.log(b.cast(sampled_count, dtype=kind)))
    wanted = b.concat([b.filled(true_logits, 1.0 / num_true), b.zeros_like(sampled_logits)], axis=1)
    return b.concat([true_logits, sampled_logits], axis=1), wanted


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:
    """Noise-contrastive estimation: the cross entropies of telling the true classes from drawn ones, summed per sample.

    Gutmann and Hyvärinen, "Noise-contrastive estimation" (2010). TensorFlow 0.x has `inputs` before `labels`; which is
    which is told by their dtypes.

    Args:
        weights: [classes, size], or a list of parts of it.
        biases: [classes], or a list of parts.
        labels: the true classes, integers [batch, num_true].
        inputs: [batch, size].
        num_sampled: how many classes are drawn for the whole batch.
        num_classes: how many there are.
        num_true: how many of them are true for a sample.
        sampled_values: what a candidate sampler gave; that of `log_uniform_candidate_sampler` when None.
        remove_accidental_hits: leaves out classes drawn that are true for the sample.
        partition_strategy: how rows were dealt out to parts: "mod" or "div".
        name: the name scope.

    Returns:
        A tensor [batch].
    """
    with convert_to_tensor(inputs).graph.name_scope(name):
        logits, wanted = _logits_and_labels(
            weights,
            biases,
            labels,
            inputs,
            num_sampled,
            num_classes,
            num_true,
            sampled_values,
            remove_accidental_hits,
            partition_strategy,
            None,
        )
        losses = sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits)
        summed: Tensor = losses.graph.b.reduce_sum(losses, axes=(1,))
        return summed


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: int | None = None,
) -> Tensor:
    """The softmax cross entropy over the true classes and those drawn: for training with very many classes.

    Jean et al., "On using very large target vocabulary for neural machine translation" (2015). To evaluate, compute the
    full softmax. Arguments and result are those of `nce_loss`; `seed` is the sampler's.
    """
    with convert_to_tensor(inputs).graph.name_scope(name):
        logits, wanted = _logits_and_labels(
            weights,
            biases,
            labels,
            inputs,
            num_sampled,
            num_classes,
            num_true,
            sampled_values,
            remove_accidental_hits,
            partition_strategy,
            seed,
        )
        return softmax_cross_entropy_with_logits_v2(wanted, logits)


__all__ = ["nce_loss", "sampled_softmax_loss"]
