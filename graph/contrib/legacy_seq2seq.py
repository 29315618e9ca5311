"""Losses and decoders of sequences that are lists of steps: `tf.contrib.legacy_seq2seq`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from samara.graph.convert import builder, convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.nn.losses import sparse_softmax_cross_entropy_with_logits
from samara.graph.variable_scope import variable_scope
from samara.graph.vocabulary.arrays import reshape, shape
from samara.graph.vocabulary.mathematics import add_n


def sequence_loss_by_example(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross entropy of each sequence.

    Args:
        logits: [batch, classes] for each step.
        targets: the right classes, [batch] for each step.
        weights: [batch] for each step.
        average_across_timesteps: whether the sum is divided by that of the weights.
        softmax_loss_function: what to take instead of the cross entropy, given labels= and logits=.
        name: the name scope.

    Raises:
        ValueError: the lists have not one length.
    """
    if not logits or not len(logits) == len(targets) == len(weights):
        raise ValueError(
            f"{len(logits)} logits, {len(targets)} targets and {len(weights)} weights: give one of each for a step"
        )
    b = builder(*logits)
    entropy = softmax_loss_function or sparse_softmax_cross_entropy_with_logits
    with b.graph.name_scope(name or "sequence_loss_by_example"):
        scales = [convert_to_tensor(w) for w in weights]
        steps = [
            entropy(labels=reshape(t, [-1]), logits=given) * w
            for given, t, w in zip(logits, targets, scales, strict=True)
        ]
        total = add_n(steps)
        if average_across_timesteps:
            # TensorFlow's guard against weights of 0.
            whole = add_n(scales)
            total = b.divide(total, b.add(whole, b.like(1e-12, whole)))
        return total


def sequence_loss(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """The sum of `sequence_loss_by_example` over the batch, divided by how many sequences there are, or not."""
    b = builder(*logits)
    with b.graph.name_scope(name or "sequence_loss"):
        total: Tensor = b.reduce_sum(
            sequence_loss_by_example(
                logits, targets, weights, average_across_timesteps, softmax_loss_function
            )
        )
        if average_across_batch:
            total = b.divide(total, b.cast(shape(targets[0])[0], dtype=total.dtype))
        return total


def rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    loop_function: Callable[[Any, int], Any] | None = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A cell over a list of inputs; `loop_function(output, step)`, where given, makes all inputs but the first.

    Returns:
        The outputs, a list, and the last state.
    """
    with variable_scope(scope if scope is not None else "rnn_decoder") as opened:
        state, outputs = initial_state, []
        before: Any = None
        for number, given in enumerate(decoder_inputs):
            inputs = given
            if loop_function is not None and before is not None:
                with variable_scope("loop_function", reuse=True):
                    inputs = loop_function(before, number)
            if number:
                opened.reuse_variables()
            output, state = cell(inputs, state)
            outputs.append(output)
            before = output if loop_function is not None else None
    return outputs, state


__all__ = ["rnn_decoder", "sequence_loss", "sequence_loss_by_example"]
