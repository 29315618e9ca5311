"""Tensors moved about, as `tf.manip` has it."""

from __future__ import annotations

from samara.graph.vocabulary.arrays import batch_to_space_nd, reshape, reverse, space_to_batch_nd, tile
from samara.graph.vocabulary.elements import gather_nd, scatter_nd
from samara.graph.vocabulary.partitions import roll

__all__ = [
    "batch_to_space_nd",
    "gather_nd",
    "reshape",
    "reverse",
    "roll",
    "scatter_nd",
    "space_to_batch_nd",
    "tile",
]
