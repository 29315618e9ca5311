"""Scales of int8 tensors, for the formats that are written with them: from the least and the largest value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks import source
from benchmarks.formats.samples import calibration
from benchmarks.network import Array, Network

# Kinds whose results have the scale of what they read.
_PASSING = ("max_pool", "flatten", "concat", "upsample")


@dataclass(frozen=True)
class Scale:
    """real = scale * (stored - zero_point), stored in -128..127."""

    scale: float
    zero_point: int


def scale_of(low: float, high: float) -> Scale:
    """The scale whose 256 steps reach from `low` to `high`, zero among them."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / 255 or 1.0))
    return Scale(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def activation_scales(network: Network) -> dict[str, Scale]:
    """A scale for every tensor, and for what an activation reads, as "layer.linear"."""
    found = source.ranges(network, calibration(network))
    ties = [(*layer.inputs, layer.name) for layer in network.layers if layer.kind in _PASSING]
    while any(len({found[name] for name in tied}) > 1 for tied in ties):
        for tied in ties:
            both = (min(found[name][0] for name in tied), max(found[name][1] for name in tied))
            found.update(dict.fromkeys(tied, both))
    return {name: scale_of(*bounds) for name, bounds in found.items()}


def weight_scales(weight: Array, axis: int) -> Array:
    """A scale for each index of an axis: stored values reach from -127 to 127."""
    others = tuple(a for a in range(weight.ndim) if a != axis)
    largest = np.abs(weight).max(others)
    return np.where(largest > 0, largest / 127, 1.0).astype(np.float32)


def quantized_weight(weight: Array, scales: Array, axis: int) -> Array:
    """The stored values."""
    shape = [-1 if a == axis else 1 for a in range(weight.ndim)]
    return np.clip(np.rint(weight / scales.reshape(shape)), -127, 127).astype(np.int8)
