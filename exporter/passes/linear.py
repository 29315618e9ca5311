"""Joins what a convolution or matrix product is followed or preceded by into its constants.

A linear op here is conv2d, depthwise_conv2d or matmul whose filter is a constant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from samara.graph.graph import Operation, Tensor
from samara.graph.rewrite import ModelGraph, Visit, constant_value, copy, needed, transform

Array = np.ndarray[Any, Any]
LINEAR = ("conv2d", "depthwise_conv2d", "matmul")
_MOVES = ("reshape", "expand_dims", "squeeze", "transpose")


def decompose_batch_norm(model: ModelGraph) -> ModelGraph | None:
    """Writes batch_normalization with constant statistics as a product and a sum, for the passes that follow."""
    return transform(model, _batch_norm)


def fold_scale(model: ModelGraph) -> ModelGraph | None:
    """Multiplies a constant factor for each channel into the filter and bias of the linear op before it, or divides.

    A scalar factor goes back over transposes and reshapes to get there.
    """
    return transform(model, _scale)


def fuse_bias(model: ModelGraph) -> ModelGraph | None:
    """Adds a constant for each channel to the bias of the linear op before it."""
    return transform(model, _bias)


def fuse_bias_before_split(model: ModelGraph) -> ModelGraph | None:
    """Adds a constant to the bias of a linear op whose output is split before it is added: a gate's, for example."""
    readers: dict[int, list[Operation]] = {}
    for op in needed(model.outputs):
        for tensor in op.given_inputs:
            readers.setdefault(id(tensor), []).append(op)
    ends = {id(t) for t in model.outputs}
    biases: dict[Operation, Array] = {}
    splits: set[Operation] = set()
    added: dict[Operation, Tensor] = {}
    for op in needed(model.outputs):
        linear = _split_linear(op, readers, ends)
        if linear is None:
            continue
        parts = [_added(part, readers, ends) for part in op.outputs]
        last = [(part.shape or (None,))[-1] for part in op.outputs]
        sizes = [n for n in last if isinstance(n, int)]
        if not any(p is not None for p in parts) or len(sizes) < len(parts):
            continue
        old = constant_value(linear.inputs[2])
        kind = linear.outputs[0].dtype.numpy
        more = [
            np.zeros(n, kind) if p is None else np.broadcast_to(p[1], n)
            for p, n in zip(parts, sizes, strict=True)
        ]
        bias = np.concatenate(more).astype(kind)
        biases[linear] = bias if old is None else old + bias
        splits.add(op)
        added.update((p[0], part) for p, part in zip(parts, op.outputs, strict=True) if p is not None)

    def visit(visit: Visit) -> list[Tensor] | None:
        if visit.op in added:
            return [visit.copied(added[visit.op])]
        if visit.op not in biases and visit.op not in splits:
            return None
        inputs = visit.inputs
        if visit.op in biases:
            inputs = [*inputs[:2], visit.constant(biases[visit.op], "bias")]
        # Under another name, since the values are others.
        return copy(visit.b.graph, visit.op, inputs, name=visit.derived("biased"))

    return transform(model, visit) if biases else None


def _split_linear(
    op: Operation, readers: Mapping[int, list[Operation]], ends: Collection[int]
) -> Operation | None:
    """The linear op whose channels are split, when nothing else reads it."""
    if op.type != "split" or op.inputs[0] is None:
        return None
    tensor = op.inputs[0]
    linear, shape = tensor.op, tensor.shape
    if linear.type not in LINEAR or shape is None or op.a.axis % len(shape) != len(shape) - 1:
        return None
    if linear.inputs[2] is not None and constant_value(linear.inputs[2]) is None:
        return None
    alone = len(readers[id(tensor)]) == 1 and id(tensor) not in ends
    return linear if alone and linear.a.activation == "none" and not linear.control_inputs else None


def _added(
    part: Tensor, readers: Mapping[int, list[Operation]], ends: Collection[int]
) -> tuple[Operation, Array] | None:
    """The only operation that reads a part, and the constant for each channel that it adds."""
    reading = readers.get(id(part), [])
    if len(reading) != 1 or id(part) in ends or part.shape is None:
        return None
    (op,) = reading
    if op.type not in ("add", "subtract") or op.control_inputs or op.outputs[0].shape != part.shape:
        return None
    index = 0 if op.inputs[0] is part else 1
    value = constant_value(op.inputs[1 - index])
    if value is None or (op.type == "subtract" and index == 1) or value.size not in (1, part.shape[-1]):
        return None
    if value.size > 1 and value.shape[-1] != value.size:
        return None
    value = value.reshape(-1)
    return op, -value if op.type == "subtract" else value


def fuse_activation(model: ModelGraph) -> ModelGraph | None:
    """Lets a linear op clamp its own output: relu and relu6."""
    return transform(model, _activation)


def fold_pad(model: ModelGraph) -> ModelGraph | None:
    """Lets a convolution pad its own input with zeros."""
    return transform(model, _pad)


def transpose_constants(model: ModelGraph) -> ModelGraph | None:
    """Stores the second factor of a matrix product in the order that kernels read."""
    return transform(model, _transposed)


def _batch_norm(visit: Visit) -> list[Tensor] | None:
    if visit.op.type != "batch_normalization":
        return None
    x, *parameters = visit.inputs
    scale, offset, mean, variance = (constant_value(t) for t in parameters)
    if mean is None or variance is None or scale is None or offset is None:
        return None
    kind = mean.dtype
    wide = [v.astype(np.float64) for v in (scale, offset, mean, variance)]
    factor = wide[0] / np.sqrt(wide[3] + visit.op.a.epsilon)
    shift = wide[1] - wide[2] * factor
    product = visit.b.graph.apply(
        "multiply", [x, visit.constant(factor.astype(kind), "factor")], name=visit.derived("scaled")
    ).outputs[0]
    return visit.make("add", [product, visit.constant(shift.astype(kind), "shift")])


def _linear_before(visit: Visit, index: int) -> Operation | None:
    """The linear op that alone feeds this one, when it has no activation and constants that can be changed."""
    tensor = visit.inputs[index]
    if tensor is None or tensor.op.type not in LINEAR or not visit.single_use(index):
        return None
    op = tensor.op
    fixed = constant_value(op.inputs[1]) is not None and (
        op.inputs[2] is None or constant_value(op.inputs[2]) is not None
    )
    if op.a.activation != "none" or not fixed:
        return None
    return op


def _by_channel(visit: Visit, linear: Operation, value: Array | None) -> Array | None:
    """A constant as one number for each output channel, or None when it is anything else."""
    shape = linear.outputs[0].shape
    if value is None or shape is None or not isinstance(shape[-1], int) or value.ndim > len(shape):
        return None
    if visit.op.outputs[0].shape != shape or any(d != 1 for d in value.shape[:-1]):
        return None
    if value.size not in (1, shape[-1]):
        return None
    return np.broadcast_to(value.reshape(-1), (shape[-1],))


def _pairs(visit: Visit) -> list[tuple[Operation, Array]]:
    found = []
    for index in (0, 1):
        linear = _linear_before(visit, index)
        if linear is None:
            continue
        value = _by_channel(visit, linear, constant_value(visit.inputs[1 - index]))
        if value is not None:
            found.append((linear, value))
    return found


def _rebuilt(
    visit: Visit, linear: Operation, filter_: Any, bias: Any, activation: str | None = None
) -> list[Tensor]:
    attributes = dict(linear.attributes)
    if activation is not None:
        attributes["activation"] = activation
    return visit.make(linear.type, [linear.inputs[0], filter_, bias], attributes)


def _scale(visit: Visit) -> list[Tensor] | None:
    if visit.op.type not in ("multiply", "divide"):
        return None
    for linear, factor in _pairs(visit):
        if visit.op.type == "divide":
            if visit.inputs[0] is not linear.outputs[0] or not np.all(factor):
                continue
            factor = 1.0 / factor.astype(np.float64)
        kernel = constant_value(linear.inputs[1])
        assert kernel is not None
        if linear.type == "matmul" and linear.a.transpose_y:
            continue
        spread = factor.reshape(kernel.shape[-2:]) if linear.type == "depthwise_conv2d" else factor
        bias = constant_value(linear.inputs[2])
        return _rebuilt(
            visit,
            linear,
            visit.constant((kernel.astype(np.float64) * spread).astype(kernel.dtype), "filter"),
            None if bias is None else visit.constant((bias * factor).astype(bias.dtype), "bias"),
        )
    for index in (0, 1) if visit.op.type == "multiply" else ():
        scalar = constant_value(visit.inputs[1 - index])
        if scalar is not None and scalar.size == 1 and visit.single_use(index):
            scaled = _scaled_before(visit, visit.inputs[index], visit.inputs[1 - index])
            if scaled is not None:
                return scaled
    return None


def _scaled_before(visit: Visit, moved: Tensor | None, scalar: Tensor | None) -> list[Tensor] | None:
    """The product with a scalar before a move instead of after it: nearer to a linear op, or to one that can turn."""
    if moved is None or moved.op.type not in _MOVES or moved.shape != visit.op.outputs[0].shape:
        return None
    source = moved
    while source.op.type in _MOVES:
        source = source.op.given_inputs[0]
    if source.op.type not in LINEAR and moved.op.type != "transpose":
        return None
    origin, *rest = moved.op.inputs
    assert origin is not None
    product = visit.b.graph.apply("multiply", [origin, scalar], name=f"{origin.op.name}/scaled").outputs[0]
    if product.shape != origin.shape:
        return None
    return visit.make(moved.op.type, [product, *rest], dict(moved.op.attributes))


def _bias(visit: Visit) -> list[Tensor] | None:
    if visit.op.type not in ("add", "subtract"):
        return None
    for linear, value in _pairs(visit):
        if visit.op.type == "subtract":
            if visit.inputs[0] is not linear.outputs[0]:
                continue
            value = -value
        old = constant_value(linear.inputs[2])
        bias = value if old is None else old + value
        kind = linear.outputs[0].dtype.numpy
        return _rebuilt(visit, linear, linear.inputs[1], visit.constant(bias.astype(kind), "bias"))
    return None


def _activation(visit: Visit) -> list[Tensor] | None:
    if visit.op.type not in ("relu", "relu6"):
        return None
    tensor = visit.inputs[0]
    if (
        tensor is None
        or tensor.op.type not in LINEAR
        or not visit.single_use(0)
        or tensor.op.a.activation != "none"
    ):
        return None
    linear = tensor.op
    return _rebuilt(visit, linear, linear.inputs[1], linear.inputs[2], visit.op.type)


def _pad(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    if op.type not in ("conv2d", "depthwise_conv2d") or op.a.padding == "same":
        return None
    tensor = visit.inputs[0]
    if tensor is None or tensor.op.type != "pad":
        return None
    pad = tensor.op
    widths = pad.a.paddings
    if pad.a.mode != "constant" or pad.a.value != 0.0 or any(widths[i] for i in (0, 1, 6, 7)):
        return None
    if any(w < 0 for w in widths):
        return None
    own = op.a.paddings if op.a.padding == "explicit" else (0, 0, 0, 0)
    paddings = tuple(a + b for a, b in zip(own, widths[2:6], strict=True))
    attributes = {**op.attributes, "padding": "explicit", "paddings": paddings}
    return visit.make(op.type, [pad.inputs[0], *visit.inputs[1:]], attributes)


def _transposed(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    if op.type != "matmul" or not op.a.transpose_y:
        return None
    value = constant_value(visit.inputs[1])
    if value is None:
        return None
    turned = visit.constant(np.swapaxes(value, -1, -2), "transposed")
    return visit.make(
        "matmul", [visit.inputs[0], turned, *visit.inputs[2:]], {**op.attributes, "transpose_y": False}
    )
