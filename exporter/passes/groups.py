"""Convolutions in groups as kernels multiply them: with a multiple of 16 outputs in each group.

A panel of weights has 16 outputs, which see the same channels. Groups of fewer outputs are joined until they fill whole
panels; the weights between channels and outputs that were in different groups are zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.layout import PANEL
from samara.graph.graph import Tensor
from samara.graph.rewrite import ModelGraph, Visit, constant_value, transform

Array = np.ndarray[Any, Any]

# Each joined group is one more product for every one that is needed: with more of them the plain loops are as fast.
_MOST = 16

# What the convolution is called that takes the place of one.
_MERGED = {
    "conv2d": "conv2d",
    "depthwise_conv2d": "conv2d",
    "quantized_conv2d": "quantized_conv2d",
    "quantized_depthwise_conv2d": "quantized_conv2d",
}


def merge_groups(model: ModelGraph) -> ModelGraph | None:
    """Joins small groups of convolutions, and writes depthwise ones that multiply channels as such."""
    return transform(model, _visit)


def _visit(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    filter_ = constant_value(visit.inputs[1]) if op.type in _MERGED else None
    if filter_ is None or op.attributes.get("filter_zero_point", 0):
        return None
    depthwise = "depthwise" in op.type
    if depthwise and filter_.shape[3] == 1:
        return None
    groups = filter_.shape[2] if depthwise else op.a.groups
    if depthwise:
        filter_ = filter_.reshape(*filter_.shape[:2], 1, -1)
    joined = _joined(groups, filter_.shape[3] // groups)
    if joined is None or (joined == 1 and not depthwise):
        return None
    merged = visit.constant(block_diagonal(filter_, groups, joined), "filter")
    attributes = {**op.attributes, "groups": groups // joined}
    return visit.make(_MERGED[op.type], [visit.inputs[0], merged, *visit.inputs[2:]], attributes)


def _joined(groups: int, outputs: int) -> int | None:
    """How many groups of so many outputs make one of whole panels, or all of them; None for too many."""
    for count in range(1, min(groups, _MOST) + 1):
        if groups % count == 0 and (count * outputs % PANEL == 0 or count == groups):
            return count
    return None


def block_diagonal(filter_: Array, groups: int, joined: int) -> Array:
    """A filter [KH, KW, C, O] for `groups` groups as one for `groups / joined`: [KH, KW, joined * C, O]."""
    height, width, channels, outputs = filter_.shape
    blocks = filter_.reshape(height, width, channels, groups // joined, joined, outputs // groups)
    merged = np.zeros((height, width, joined, channels, *blocks.shape[3:]), filter_.dtype)
    for i in range(joined):
        merged[:, :, i, :, :, i] = blocks[:, :, :, :, i]
    return merged.reshape(height, width, joined * channels, outputs)
