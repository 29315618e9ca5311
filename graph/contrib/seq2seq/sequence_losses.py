"""The loss of sequences: `sequence_loss`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.nn import sparse_softmax_cross_entropy_with_logits
from samara.graph.vocabulary.arrays import reshape, shape
from samara.graph.vocabulary.mathematics import cast, count_nonzero, div_no_nan, reduce_sum


def sequence_loss(
    logits: Any,
    targets: Any,
    weights: Any,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross entropy of sequences of classes.

    Averages divide the sum by that of the weights, sums by how many weights are not 0, as TensorFlow does; 0 by 0 is 0.

    Args:
        logits: [batch, time, classes].
        targets: the right classes, integers [batch, time].
        weights: of each step, floats [batch, time].
        average_across_timesteps: divide by the weights of all steps of a sequence.
        average_across_batch: divide by the weights of all sequences.
        sum_over_timesteps: divide by the number of steps that count.
        sum_over_batch: divide by the number of sequences that count.
        softmax_loss_function: what to take instead of the cross entropy, given labels= and logits= flattened to
            [batch * time] and [batch * time, classes].
        name: the name scope.

    Returns:
        A scalar when both axes are averaged or both are summed; [batch] or [time] when one is; else [batch, time].

    Raises:
        ValueError: a rank is not as above, or an axis is both averaged and summed.
    """
    if average_across_timesteps and sum_over_timesteps:
        raise ValueError("average_across_timesteps and sum_over_timesteps are both True: choose one")
    if average_across_batch and sum_over_batch:
        raise ValueError("average_across_batch and sum_over_batch are both True: choose one")
    with get_default_graph().name_scope(name or "sequence_loss"):
        logits, targets, weights = (convert_to_tensor(t) for t in (logits, targets, weights))
        for what, tensor, rank in (("logits", logits, 3), ("targets", targets, 2), ("weights", weights, 2)):
            if tensor.shape is not None and len(tensor.shape) != rank:
                raise ValueError(f"{what} of sequence_loss have rank {len(tensor.shape)}: expected {rank}")
        steps = shape(logits)[0:2]
        flat_logits = reshape(logits, [-1, logits.shape[2] if logits.shape is not None else shape(logits)[2]])
        entropy = softmax_loss_function or sparse_softmax_cross_entropy_with_logits
        found = entropy(labels=reshape(targets, [-1]), logits=flat_logits) * reshape(weights, [-1])
        if average_across_timesteps and average_across_batch:
            return div_no_nan(reduce_sum(found), reduce_sum(weights))
        if sum_over_timesteps and sum_over_batch:
            return div_no_nan(reduce_sum(found), cast(count_nonzero(weights), found.dtype))
        found = reshape(found, steps)
        if average_across_timesteps or average_across_batch:
            axis = 0 if average_across_batch else 1
            return div_no_nan(reduce_sum(found, axis=axis), reduce_sum(weights, axis=axis))
        if sum_over_timesteps or sum_over_batch:
            axis = 0 if sum_over_batch else 1
            counted = cast(count_nonzero(weights, axis=axis), found.dtype)
            return div_no_nan(reduce_sum(found, axis=axis), counted)
        return found


__all__ = ["sequence_loss"]
