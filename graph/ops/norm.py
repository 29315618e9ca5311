"""Normalizations: of each channel by given statistics, and of each example by its own."""

from __future__ import annotations

from typing import Any

from samara.errors import ShapeError
from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

_TYPES = {"T": dtypes.FLOATS}


def _wide(xp: Any, *arrays: Any) -> Any:
    """float16 as float32, in which it is computed."""
    return [None if a is None else xp.astype(a, xp.float32) if a.dtype == xp.float16 else a for a in arrays]


# Batch normalization -------------------------------------------------------------------------------------------


def _epsilon(default: float) -> Any:
    return attribute("epsilon", "float", default, "What is added to the variance, at least 0.")


def _check_epsilon(op: Any) -> None:
    if not 0 <= op.a.epsilon < float("inf"):
        op.fail(f"epsilon is {op.a.epsilon}, expected a finite number of at least 0")


def _batch_shape(op: Any) -> Any:
    x = op.shapes[0]
    _check_epsilon(op)
    if not x:
        op.fail("x must have rank 1 or more: its last axis is that of the channels")
    for index in range(1, 5):
        (channels,) = op.require_rank(index, 1)
        op.merge(x[-1], channels, f"the channels of x and of {op.definition.operands[index].name}")
    return x


def _batch(xp: Any, op: Any, x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> Any:
    dtype = x.dtype
    x, scale, offset, mean, variance = _wide(xp, x, scale, offset, mean, variance)
    y = x - mean
    y *= scale / xp.sqrt(variance + op.a.epsilon)
    y += offset
    return xp.astype(y, dtype, copy=False)


def _batch_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    x, scale, offset, mean, variance = op.inputs
    root = b.rsqrt(b.add(variance, b.like(op.a.epsilon, variance)))
    factor = b.multiply(scale, root)
    dx = b.multiply(dy, factor)
    doffset = b.unbroadcast(dy, offset)
    products = b.unbroadcast(b.multiply(dy, b.subtract(x, mean)), scale)
    cube = b.multiply(root, b.square(root))
    dvariance = b.multiply(products, b.multiply(b.multiply(b.like(-0.5, scale), scale), cube))
    return [dx, b.multiply(products, root), doffset, b.negative(b.multiply(doffset, factor)), dvariance]


# Layer normalization -------------------------------------------------------------------------------------------


def _layer_shape(op: Any) -> Any:
    x = op.shapes[0]
    _check_epsilon(op)
    normalized = x[op.axis(op.a.axis, len(x)) :]
    for index, shape in enumerate(op.shapes):
        if shape is None or index == 0:
            continue
        name = op.definition.operands[index].name
        if len(shape) != len(normalized):
            op.fail(f"{name} must have the shape of the normalized axes, {dims.text(normalized)}")
        for size, expected in zip(shape, normalized, strict=True):
            op.merge(expected, size, f"the normalized axes of x and {name}")
    return x


def _layer(xp: Any, op: Any, x: Any, scale: Any, offset: Any) -> Any:
    if 0 in x.shape:
        return x
    dtype = x.dtype
    x, scale, offset = _wide(xp, x, scale, offset)
    axes = tuple(range(op.a.axis % x.ndim, x.ndim))
    centred = x - xp.mean(x, axis=axes, keepdims=True)
    y = centred / xp.sqrt(xp.mean(centred * centred, axis=axes, keepdims=True) + op.a.epsilon)
    if scale is not None:
        y = y * scale
    if offset is not None:
        y = y + offset
    return xp.astype(y, dtype)


def _normalized_axes(op: Any) -> tuple[int, ...]:
    x, axis = op.inputs[0], op.a.axis
    if x.shape is not None:
        return tuple(range(axis % len(x.shape), len(x.shape)))
    if axis >= 0:
        raise ShapeError(f"{op.type} {op.name!r}: x has unknown rank, so its gradient needs a negative axis")
    return tuple(range(axis, 0))


def _layer_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    x, scale, offset = op.inputs
    axes = _normalized_axes(op)

    def mean(t: Any) -> Any:
        return b.reduce_mean(t, axes=axes, keepdims=True)

    centred = b.subtract(x, mean(x))
    root = b.rsqrt(b.add(mean(b.square(centred)), b.like(op.a.epsilon, x)))
    normal = b.multiply(centred, root)
    g = dy if scale is None else b.multiply(dy, scale)
    along = b.add(mean(g), b.multiply(normal, mean(b.multiply(g, normal))))
    return [
        b.multiply(root, b.subtract(g, along)),
        None if scale is None else b.unbroadcast(b.multiply(dy, normal), scale),
        None if offset is None else b.unbroadcast(dy, offset),
    ]


# Normalization by the root mean square ------------------------------------------------------------------------


def _rms(xp: Any, op: Any, x: Any, scale: Any) -> Any:
    if 0 in x.shape:
        return x
    dtype = x.dtype
    x, scale = _wide(xp, x, scale)
    axes = tuple(range(op.a.axis % x.ndim, x.ndim))
    y = x / xp.sqrt(xp.mean(x * x, axis=axes, keepdims=True) + op.a.epsilon)
    return xp.astype(y if scale is None else y * scale, dtype)


def _rms_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    x, scale = op.inputs
    axes = _normalized_axes(op)

    def mean(t: Any) -> Any:
        return b.reduce_mean(t, axes=axes, keepdims=True)

    root = b.rsqrt(b.add(mean(b.square(x)), b.like(op.a.epsilon, x)))
    normal = b.multiply(x, root)
    g = dy if scale is None else b.multiply(dy, scale)
    return [
        b.multiply(root, b.subtract(g, b.multiply(normal, mean(b.multiply(g, normal))))),
        None if scale is None else b.unbroadcast(b.multiply(dy, normal), scale),
    ]


OPS.register(
    OpDef(
        name="batch_normalization",
        opcode=120,
        inputs=("x: T", "scale: T", "offset: T", "mean: T", "variance: T"),
        outputs=("y: T",),
        types=_TYPES,
        attributes=(_epsilon(1e-3),),
        doc="Normalization of the last axis of x [.., C] by given statistics [C]: (x - mean) * scale / sqrt(variance + "
        "epsilon) + offset. float16 is computed in float32.",
        shape=_batch_shape,
        reference=_batch,
        gradient=_batch_gradient,
        in_place=True,
    ),
    OpDef(
        name="layer_normalization",
        opcode=121,
        inputs=("x: T", "scale: T?", "offset: T?"),
        outputs=("y: T",),
        types=_TYPES,
        attributes=(
            attribute("axis", "int", -1, "The first axis to normalize over; all after it are too."),
            _epsilon(1e-5),
        ),
        doc="Normalization of the axes of x from `axis` on by their own mean and variance: (x - mean) / "
        "sqrt(variance + epsilon) * scale + offset, scale and offset having the shape of these axes. The variance is "
        "the mean of (x - mean)**2. float16 is computed in float32.",
        shape=_layer_shape,
        reference=_layer,
        gradient=_layer_gradient,
        in_place=True,
    ),
    OpDef(
        name="rms_normalization",
        opcode=122,
        inputs=("x: T", "scale: T?"),
        outputs=("y: T",),
        types=_TYPES,
        attributes=(
            attribute("axis", "int", -1, "The first axis to normalize over; all after it are too."),
            _epsilon(1e-5),
        ),
        doc="The axes of x from `axis` on divided by the root of the mean of their squares: x / sqrt(mean(x**2) + "
        "epsilon) * scale, scale having the shape of these axes. float16 is computed in float32.",
        shape=_layer_shape,
        reference=_rms,
        gradient=_rms_gradient,
        in_place=True,
    ),
)
