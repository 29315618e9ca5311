"""SVDF on integers: int8 data, and a memory of int16."""

from __future__ import annotations

import numpy as np

from samara.exporter.frontends.tflite.integer_scales import handler, scale_of, zero_point_of
from samara.exporter.frontends.tflite.multipliers import Multiplier, limits, multiplier_of
from samara.exporter.frontends.tflite.node import Array, Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor


def _constant(operand: Operand, what: str) -> Array:
    if operand.value is None or operand.value.ndim != 2:
        raise Unsupported(f"{what} that are computed, or of another rank than 2")
    return operand.value.astype(np.int32)


def _by(x: Operand, weights: Operand, y: Operand) -> Multiplier:
    return multiplier_of(float(scale_of(x)) * float(scale_of(weights)) / float(scale_of(y)))


@handler("SVDF")
def _svdf(r: Reading, node: Node) -> list[Tensor]:
    """The memory of each filter moves by one, its weighted sum is the filter's result; `rank` filters are a unit."""
    x, features, times, bias = node.input(0), node.input(1), node.input(2), node.optional(3)
    state, y, rank = node.input(4), node.output, int(node.options["rank"])
    if x.dtype is not dtypes.int8 or features.dtype is not dtypes.int8 or state.dtype is not dtypes.int16:
        raise Unsupported(
            f"data of {x.dtype.name}, weights of {features.dtype.name} and a memory of {state.dtype.name}, expected "
            "int8, int8 and int16"
        )
    if node.options.get("fused_activation_function", "none") != "relu":
        raise Unsupported("another activation than relu")
    by_feature, by_time = _constant(features, "weights of features"), _constant(times, "weights of time")
    filters, memory = by_time.shape
    if rank < 1 or filters % rank or by_feature.shape[0] != filters or len(x.shape) != 2:
        raise Unsupported(
            f"{filters} filters of rank {rank}, {by_feature.shape[0]} of them with weights of features"
        )
    batch = state.shape[0]
    if tuple(state.shape[1:]) != (memory * filters,):
        raise Unsupported(f"a memory of {list(state.shape)} for {filters} filters of {memory}")
    folded = by_feature.astype(np.int64).sum(axis=1) * -zero_point_of(x)
    sums = r.b.add(
        r.b.matmul(r.b.cast(x.data, dtype=dtypes.int32), np.ascontiguousarray(by_feature.T)),
        folded.astype(np.int32),
    )
    low, high = limits(dtypes.int16)
    newest = r.b.fixed_point_rescale(
        sums,
        **_by(x, features, state).named(),
        activation_min=low,
        activation_max=high,
        dtype=dtypes.int16,
    )
    kept = r.b.reshape(state.data, np.asarray([batch, filters, memory], np.int32))
    older = r.b.strided_slice(
        kept, begin=(0, 0, 1), end=(0, 0, memory), strides=(1, 1, 1), begin_mask=3, end_mask=3
    )
    moved = r.b.concat([older, r.b.expand_dims(newest, axis=2)], axis=2)
    r.updates.append((state, r.b.reshape(moved, np.asarray([batch, memory * filters], np.int32))))
    weighted = r.b.multiply(r.b.cast(moved, dtype=dtypes.int32), by_time)
    units = r.b.reshape(weighted, np.asarray([batch, filters // rank, rank * memory], np.int32))
    total = r.b.reduce_sum(units, axes=(2,))
    if bias is not None:
        if bias.value is None:
            raise Unsupported("a bias that is computed")
        total = r.b.add(total, bias.value.astype(np.int32))
    low, high = limits(dtypes.int8)
    return [
        r.b.fixed_point_rescale(
            total,
            **_by(state, times, y).named(),
            output_zero_point=zero_point_of(y),
            activation_min=low,
            activation_max=high,
            dtype=dtypes.int8,
        )
    ]
