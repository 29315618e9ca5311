"""Reductions, running sums, softmax."""

from __future__ import annotations

import numpy as np

from samara.exporter.frontends.tflite.handlers._registry import axis_of, handler, integers, shape_of
from samara.exporter.frontends.tflite.node import Node, Reading
from samara.graph import dtypes
from samara.graph.graph import Tensor

_REDUCTIONS = {
    "MEAN": "reduce_mean",
    "SUM": "reduce_sum",
    "REDUCE_PROD": "reduce_prod",
    "REDUCE_MAX": "reduce_max",
    "REDUCE_MIN": "reduce_min",
    "REDUCE_ANY": "reduce_any",
    "REDUCE_ALL": "reduce_all",
}


@handler(*_REDUCTIONS)
def _reduce(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    rank = len(shape_of(x))
    axes = sorted({axis_of(a, rank) for a in integers(node, 1, "the axes")})
    if not axes or rank == 0:
        return [r.b.identity(x)]
    keep = bool(node.options["keep_dims"])
    if node.kind == "MEAN" and not x.dtype.is_floating:
        summed = r.b.reduce_sum(r.b.cast(x, dtype=dtypes.int64), axes=tuple(axes), keepdims=keep)
        count = r.b.cast(r.b.size_of(x, axes), dtype=dtypes.int64)
        return [r.b.cast(r.b.truncate_divide(summed, count), dtype=x.dtype)]
    return [getattr(r.b, _REDUCTIONS[node.kind])(x, axes=tuple(axes), keepdims=keep)]


@handler("ARG_MAX", "ARG_MIN", moves=True)
def _arg(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    (axis,) = integers(node, 1, "the axis")
    op = r.b.argmax if node.kind == "ARG_MAX" else r.b.argmin
    return [op(x, axis=axis_of(axis, len(shape_of(x))), output_type=node.output.dtype)]


@handler("CUMSUM")
def _cumsum(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    (axis,) = integers(node, 1, "the axis")
    options = {k: bool(node.options[k]) for k in ("exclusive", "reverse")}
    return [r.b.cumulative_sum(x, axis=axis_of(axis, len(shape_of(x))), **options)]


@handler("SOFTMAX")
def _softmax(r: Reading, node: Node) -> list[Tensor]:
    x = node.input(0).data
    beta = float(node.options["beta"])
    if beta != 1.0:
        x = r.b.multiply(x, np.asarray(beta, x.dtype.numpy))
    return [r.b.softmax(x, axis=-1)]


@handler("LOG_SOFTMAX")
def _log_softmax(r: Reading, node: Node) -> list[Tensor]:
    return [r.b.log_softmax(node.input(0).data, axis=-1)]


@handler("TOPK_V2", moves=True)
def _top_k(r: Reading, node: Node) -> list[Tensor]:
    k = node.input(1).data
    if shape_of(k) != ():
        k = r.b.reshape(k, np.zeros(0, np.int32))
    made: list[Tensor] = r.b.top_k(node.input(0).data, k, axis=-1, output_type=node.outputs[1].dtype)
    return made
