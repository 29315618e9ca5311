"""Losses, which some models compute beside their outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dtypes
from samara.graph.graph import Tensor


def _loss(node: Node, scores: Tensor, labels: Tensor, weights: Tensor | None) -> Any:
    """The negative of the score that each label picks, weighted and reduced."""
    b = node.b
    ignored = node.attr("ignore_index")
    picked_labels = b.cast(labels, dtype=dtypes.int64)
    kept = None
    if ignored is not None:
        ignored_label = b.constant(np.int64(ignored))
        kept = b.not_equal(picked_labels, ignored_label)
        picked_labels = b.where(kept, picked_labels, b.constant(np.int64(0)))
    picked = b.gather_elements(scores, b.expand_dims(picked_labels, axis=1), axis=1)
    loss = b.negative(b.squeeze(picked, axes=(1,)))
    weight = None
    if weights is not None:
        weight = b.gather(weights, picked_labels, axis=0)
    if kept is not None:
        zero = b.like(0, loss)
        weight = b.where(kept, b.like(1, loss) if weight is None else weight, zero)
    if weight is not None:
        loss = b.multiply(loss, weight)
    reduction = node.attr("reduction", "mean")
    if reduction == "none":
        return loss
    total = b.reduce_sum(loss, axes=(), keepdims=False)
    if reduction == "sum":
        return total
    if weight is None:
        return b.reduce_mean(loss, axes=(), keepdims=False)
    return b.divide(total, b.reduce_sum(b.broadcast_to(weight, b.sizes(loss)), axes=(), keepdims=False))


@op("NegativeLogLikelihoodLoss")
def _negative_log_likelihood(node: Node) -> Any:
    return _loss(node, node.input(0), node.input(1), node.given(2))


@op("SoftmaxCrossEntropyLoss")
def _softmax_cross_entropy(node: Node) -> Any:
    logarithms = node.b.log_softmax(node.input(0), axis=1)
    return [_loss(node, logarithms, node.input(1), node.given(2)), logarithms]
