"""Softmax and the cross entropies: they take logits, and none overflows."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph import dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

_TYPES = {"T": dtypes.FLOATS}
_AXIS = attribute("axis", "int", -1, "The axis that sums to 1, from -rank to rank - 1.")


def _wide(xp: Any, x: Any) -> Any:
    """float16 as float32, in which it is computed."""
    return xp.astype(x, xp.float32) if x.dtype == xp.float16 else x


# Softmax -------------------------------------------------------------------------------------------------------


def _along_axis(op: Any) -> Any:
    op.axis(op.a.axis, len(op.shapes[0]))
    return op.shapes[0]


def _shifted(xp: Any, x: Any, axis: int) -> Any:
    """The array less its maximum, in which the exponential does not overflow; float16 as float32."""
    return _wide(xp, x) - _wide(xp, xp.max(x, axis=axis, keepdims=True))


def _softmax(xp: Any, op: Any, x: Any) -> Any:
    if 0 in x.shape:
        return x
    e = xp.exp(_shifted(xp, x, op.a.axis))
    return xp.astype(e / xp.sum(e, axis=op.a.axis, keepdims=True), x.dtype)


def _log_softmax(xp: Any, op: Any, x: Any) -> Any:
    return xp.astype(_log_probabilities(xp, x, op.a.axis), x.dtype)


def _log_probabilities(xp: Any, x: Any, axis: int) -> Any:
    if 0 in x.shape:
        return x
    shifted = _shifted(xp, x, axis)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


def _softmax_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    y = op.outputs[0]
    along = b.reduce_sum(b.multiply(dy, y), axes=(op.a.axis,), keepdims=True)
    return [b.multiply(b.subtract(dy, along), y)]


def _log_softmax_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    total = b.reduce_sum(dy, axes=(op.a.axis,), keepdims=True)
    return [b.subtract(dy, b.multiply(b.exp(op.outputs[0]), total))]


# Cross entropies -----------------------------------------------------------------------------------------------


def _same_shape(op: Any) -> Any:
    labels, logits = op.shapes
    if len(labels) != len(logits):
        op.fail(f"labels and logits must have one shape, not ranks {len(labels)} and {len(logits)}")
    return tuple(
        op.merge(a, c, f"axis {axis} of labels and of logits")
        for axis, (a, c) in enumerate(zip(labels, logits, strict=True))
    )


def _dense_shape(op: Any) -> Any:
    shape = _same_shape(op)
    if not shape:
        op.fail("logits must have rank 1 or more: their last axis is that of the classes")
    return shape[:-1]


def _dense(xp: Any, op: Any, labels: Any, logits: Any) -> Any:
    terms = _wide(xp, labels) * _wide(xp, _log_probabilities(xp, logits, -1))
    return xp.astype(xp.asarray(-xp.sum(terms, axis=-1)), logits.dtype)


def _dense_gradient(b: Any, op: Any, dloss: Any) -> list[Any]:
    labels, logits = op.inputs
    dloss = b.expand_dims(dloss, axis=-1)
    total = b.reduce_sum(labels, axes=(-1,), keepdims=True)
    excess = b.subtract(b.multiply(b.softmax(logits), total), labels)
    return [b.negative(b.multiply(dloss, b.log_softmax(logits))), b.multiply(dloss, excess)]


def _sparse_shape(op: Any) -> Any:
    labels, logits = op.shapes
    if len(logits) != len(labels) + 1:
        op.fail(
            f"logits must have one axis more than labels, that of the classes, not ranks {len(logits)} and "
            f"{len(labels)}"
        )
    return tuple(
        op.merge(a, c, f"axis {axis} of labels and of logits")
        for axis, (a, c) in enumerate(zip(labels, logits[:-1], strict=True))
    )


def _sparse(xp: Any, op: Any, labels: Any, logits: Any) -> Any:
    classes = logits.shape[-1]
    wrong = xp.logical_or(labels < 0, labels >= classes)
    if bool(xp.any(wrong)):
        raise ValueError(f"label {int(labels[wrong][0])} is outside 0..{classes - 1}")
    logs = _wide(xp, _log_probabilities(xp, logits, -1))
    chosen = xp.expand_dims(labels, axis=-1) == xp.arange(classes, dtype=labels.dtype)
    return xp.astype(xp.asarray(-xp.sum(xp.where(chosen, logs, xp.zeros_like(logs)), axis=-1)), logits.dtype)


def _hot(b: Any, labels: Any, logits: Any) -> Any:
    """The labels as distributions over the classes of the logits."""
    if logits.shape is not None and isinstance(logits.shape[-1], int):
        return b.one_hot(labels, depth=logits.shape[-1], dtype=logits.dtype)
    sizes = b.shape(logits, output_type=labels.dtype)
    count = b.strided_slice(sizes, begin=(-1,), end=(0,), strides=(1,), end_mask=1, shrink_axis_mask=1)
    places = b.range(np.asarray(0, labels.dtype.numpy), count, np.asarray(1, labels.dtype.numpy))
    return b.cast(b.equal(b.expand_dims(labels, axis=-1), places), dtype=logits.dtype)


def _sparse_gradient(b: Any, op: Any, dloss: Any) -> list[Any]:
    labels, logits = op.inputs
    excess = b.subtract(b.softmax(logits), _hot(b, labels, logits))
    return [None, b.multiply(b.expand_dims(dloss, axis=-1), excess)]


def _binary(xp: Any, op: Any, labels: Any, logits: Any) -> Any:
    z, x = _wide(xp, labels), _wide(xp, logits)
    loss = xp.maximum(x, xp.zeros_like(x)) - x * z + xp.log1p(xp.exp(-xp.abs(x)))
    return xp.astype(xp.asarray(loss), logits.dtype)


def _binary_gradient(b: Any, op: Any, dloss: Any) -> list[Any]:
    labels, logits = op.inputs
    return [
        b.negative(b.multiply(dloss, logits)),
        b.multiply(dloss, b.subtract(b.sigmoid(logits), labels)),
    ]


OPS.register(
    OpDef(
        name="softmax",
        opcode=130,
        inputs=("x: T",),
        outputs=("y: T",),
        types=_TYPES,
        attributes=(_AXIS,),
        doc="Positive numbers that sum to 1 along an axis: exp(x - m) / sum(exp(x - m)), where m is the maximum "
        "along it. float16 is computed in float32.",
        shape=_along_axis,
        reference=_softmax,
        gradient=_softmax_gradient,
        quant="softmax",
        in_place=True,
    ),
    OpDef(
        name="log_softmax",
        opcode=131,
        inputs=("x: T",),
        outputs=("y: T",),
        types=_TYPES,
        attributes=(_AXIS,),
        doc="The logarithm of softmax: x - m - log(sum(exp(x - m))), where m is the maximum along the axis. float16 is "
        "computed in float32.",
        shape=_along_axis,
        reference=_log_softmax,
        gradient=_log_softmax_gradient,
        in_place=True,
    ),
    OpDef(
        name="softmax_cross_entropy_with_logits",
        opcode=380,
        inputs=("labels: T", "logits: T"),
        outputs=("loss: T",),
        types=_TYPES,
        doc="The cross entropy -sum(labels * log_softmax(logits)) over the last axis, of classes; labels are a "
        "distribution over the classes, in the shape of logits. The loss has no such axis. The gradient for logits is "
        "softmax(logits) * sum(labels) - labels. float16 is computed in float32.",
        shape=_dense_shape,
        reference=_dense,
        gradient=_dense_gradient,
    ),
    OpDef(
        name="sparse_softmax_cross_entropy_with_logits",
        opcode=381,
        inputs=("labels: L", "logits: T"),
        outputs=("loss: T",),
        types={"T": dtypes.FLOATS, "L": (dtypes.int32, dtypes.int64)},
        doc="The cross entropy -log_softmax(logits)[label] over the last axis, of classes; labels are class numbers, "
        "in the shape of logits without that axis, which is also the shape of the loss. A label outside 0..classes-1 "
        "is an error of the run. float16 is computed in float32.",
        shape=_sparse_shape,
        reference=_sparse,
        gradient=_sparse_gradient,
    ),
    OpDef(
        name="sigmoid_cross_entropy_with_logits",
        opcode=382,
        inputs=("labels: T", "logits: T"),
        outputs=("loss: T",),
        types=_TYPES,
        doc="The cross entropy of independent classes, element by element: -z * log(sigmoid(x)) - (1 - z) * log(1 - "
        "sigmoid(x)) for labels z and logits x of one shape, computed as max(x, 0) - x * z + log1p(exp(-|x|)). float16 "
        "is computed in float32.",
        shape=_same_shape,
        reference=_binary,
        gradient=_binary_gradient,
        in_place=True,
    ),
)
