"""Quantized ops: quantize, dequantize, and products of integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.compose import convolution
from samara.exporter.frontends.onnx.handlers.network import fixed_shape, window
from samara.exporter.frontends.onnx.handlers.reductions import matmul
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dtypes
from samara.graph.dtypes import DType
from samara.graph.graph import Tensor

_STORED = (dtypes.int8, dtypes.uint8, dtypes.int16)


def _number(node: Node, tensor: Tensor | None) -> float | None:
    """The value of a scalar constant."""
    from samara.exporter.frontends.onnx.node import constant_of

    value = None if tensor is None else constant_of(tensor)
    return None if value is None or value.size != 1 else float(value.reshape(()))


def _spread(node: Node, x: Tensor, parameter: Tensor, axis: int, block: int) -> Any:
    """Scales or zero points in a shape that broadcasts with x."""
    b = node.b
    rank, own = len(x.shape or ()), len(parameter.shape or ())
    if own == 0 or (own == 1 and parameter.shape == (1,) and rank != 1):
        return b.reshape(parameter, np.zeros(0, np.int64))
    if block:
        size = (x.shape or ())[axis % rank]
        count = (parameter.shape or ())[axis % rank]
        if not isinstance(size, int) or not isinstance(count, int):
            node.fail(f"blocks along a size that moves, {size}")
        indices = np.arange(size, dtype=np.int64) // block
        return b.gather(parameter, b.constant(indices), axis=axis % rank)
    if own == 1:
        shape = [1] * rank
        shape[axis % rank] = -1
        return b.reshape(parameter, shape)
    return parameter


def quantized(
    node: Node, x: Tensor, scale: Tensor, zero: Tensor | None, dtype: DType, axis: int = 1, block: int = 0
) -> Any:
    """Integers for real numbers: round(x / scale) + zero point, half to even, clamped."""
    b = node.b
    step, offset = _number(node, scale), 0.0 if zero is None else _number(node, zero)
    if (
        step is not None
        and offset is not None
        and dtype in _STORED
        and x.dtype in (dtypes.float32, dtypes.float16)
    ):
        return b.quantize(x, scale=step, zero_point=int(offset), dtype=dtype)
    if dtype not in (dtypes.int8, dtypes.uint8, dtypes.int16):
        node.fail(f"it makes {dtype.name}, expected int8, uint8 or int16")
    limits = np.iinfo(dtype.numpy)
    wide = b.cast(x, dtype=dtypes.float32)
    steps = b.cast(_spread(node, x, scale, axis, block), dtype=dtypes.float32)
    rounded = b.round(b.divide(wide, steps))
    if zero is not None:
        rounded = b.add(rounded, b.cast(_spread(node, x, zero, axis, block), dtype=dtypes.float32))
    return b.cast(b.clip(rounded, minimum=float(limits.min), maximum=float(limits.max)), dtype=dtype)


def dequantized(
    node: Node, x: Tensor, scale: Tensor, zero: Tensor | None, axis: int = 1, block: int = 0
) -> Any:
    """The real numbers of integers: (x - zero point) * scale."""
    b = node.b
    step, offset = _number(node, scale), 0.0 if zero is None else _number(node, zero)
    if step is not None and offset is not None and x.dtype in _STORED:
        return b.dequantize(x, scale=step, zero_point=int(offset), dtype=scale.dtype)
    wide = b.cast(x, dtype=dtypes.int32)
    if zero is not None:
        wide = b.subtract(wide, b.cast(_spread(node, x, zero, axis, block), dtype=dtypes.int32))
    real = b.cast(wide, dtype=dtypes.float32)
    steps = b.cast(_spread(node, x, scale, axis, block), dtype=dtypes.float32)
    made = b.multiply(real, steps)
    return b.cast(made, dtype=scale.dtype) if scale.dtype is not dtypes.float32 else made


@op("QuantizeLinear")
def _quantize(node: Node) -> Any:
    from samara.exporter.frontends.onnx.values import DTYPES, type_name

    zero = node.given(2)
    dtype = dtypes.uint8 if zero is None else zero.dtype
    if node.attr("output_dtype", 0):
        if node.attr("output_dtype") not in DTYPES:
            node.fail(f"{type_name(node.attr('output_dtype'))} is not supported")
        dtype = DTYPES[node.attr("output_dtype")]
    block = int(node.attr("block_size", 0))
    return quantized(node, node.input(0), node.input(1), zero, dtype, int(node.attr("axis", 1)), block)


@op("DequantizeLinear")
def _dequantize(node: Node) -> Any:
    block = int(node.attr("block_size", 0))
    return dequantized(node, node.input(0), node.input(1), node.given(2), int(node.attr("axis", 1)), block)


@op("DynamicQuantizeLinear")
def _dynamic_quantize(node: Node) -> Any:
    x, b = node.input(), node.b
    zero, most = b.like(0, x), b.like(255, x)
    low = b.minimum(b.reduce_min(x, axes=(), keepdims=False), zero)
    high = b.maximum(b.reduce_max(x, axes=(), keepdims=False), zero)
    scale = b.divide(b.subtract(high, low), most)
    offset = b.round(b.clip(b.divide(b.negative(low), scale), minimum=0.0, maximum=255.0))
    rounded = b.add(b.round(b.divide(x, scale)), offset)
    y = b.cast(b.clip(rounded, minimum=0.0, maximum=255.0), dtype=dtypes.uint8)
    return [y, scale, b.cast(offset, dtype=dtypes.uint8)]


def _centred(node: Node, x: Tensor, zero: Tensor | None, axis: int) -> Any:
    """Integers less their zero point, as int32."""
    b = node.b
    wide = b.cast(x, dtype=dtypes.int32)
    if zero is None:
        return wide
    offset = b.cast(zero, dtype=dtypes.int32)
    if len(zero.shape or ()) == 1 and zero.shape != (1,):
        shape = [1] * len(x.shape or ())
        shape[axis] = -1
        offset = b.reshape(offset, shape)
    elif zero.shape == (1,):
        offset = b.reshape(offset, np.zeros(0, np.int64))
    return b.subtract(wide, offset)


@op("MatMulInteger")
def _matmul_integer(node: Node) -> Any:
    x = _centred(node, node.input(0), node.given(2), -2)
    y = _centred(node, node.input(1), node.given(3), -1)
    return matmul(node, x, y)


@op("ConvInteger")
def _conv_integer(node: Node) -> Any:
    x = _centred(node, node.input(0), node.given(2), 0)
    w = _centred(node, node.input(1), node.given(3), 0)
    return integer_conv(node, x, w)


def integer_conv(node: Node, x: Tensor, weight: Tensor) -> Any:
    """An exact convolution of int32: for each tap of the filter a product of matrices."""
    b = node.b
    shape = fixed_shape(node, 1, "the weights")
    if len(shape) != 4 or int(node.attr("group", 1)) != 1:
        node.fail("only convolutions over two axes, without groups, are supported on integers")
    kernel = [int(k) for k in node.attr("kernel_shape") or shape[2:]]
    options = window(node, kernel)
    top, left, bottom, right = options["pads"]
    padded = b.pad(x, paddings=(0, 0, 0, 0, top, bottom, left, right))
    image = b.transpose(padded, permutation=(0, 2, 3, 1))
    taps = b.transpose(weight, permutation=(2, 3, 1, 0))
    sizes = image.shape
    if sizes is None or not all(isinstance(d, int) for d in sizes[1:3]):
        node.fail("a size that moves")
    ends = []
    for axis in range(2):
        reach = (kernel[axis] - 1) * options["dilations"][axis] + 1
        ends.append((int(sizes[1 + axis]) - reach) // options["strides"][axis] + 1)
    total = None
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            first = [i * options["dilations"][0], j * options["dilations"][1]]
            last = [f + (n - 1) * s + 1 for f, n, s in zip(first, ends, options["strides"], strict=True)]
            part = b.strided_slice(
                image,
                begin=[0, *first, 0],
                end=[0, *last, 0],
                strides=[1, *options["strides"], 1],
                begin_mask=0b1001,
                end_mask=0b1001,
            )
            matrix = b.strided_slice(
                taps, begin=[i, j], end=[i + 1, j + 1], strides=[1, 1], shrink_axis_mask=0b11
            )
            product = b.matmul(part, matrix)
            total = product if total is None else b.add(total, product)
    return b.transpose(total, permutation=(0, 3, 1, 2))


@op("QLinearMatMul")
def _qlinear_matmul(node: Node) -> Any:
    x = dequantized(node, node.input(0), node.input(1), node.input(2), -2)
    y = dequantized(node, node.input(3), node.input(4), node.input(5), -1)
    product = matmul(node, x, y)
    return quantized(node, product, node.input(6), node.input(7), node.input(7).dtype)


@op("QLinearConv")
def _qlinear_conv(node: Node) -> Any:
    weight = fixed_shape(node, 3, "the weights")
    kernel = [int(k) for k in node.attr("kernel_shape") or weight[2:]]
    b = node.b
    x = dequantized(node, node.input(0), node.input(1), node.input(2))
    w = dequantized(node, node.input(3), node.input(4), node.input(5), 0)
    bias = None
    if node.given(8) is not None:
        step = b.multiply(
            b.cast(node.input(1), dtype=dtypes.float32), b.cast(node.input(4), dtype=dtypes.float32)
        )
        bias = b.multiply(b.cast(node.input(8), dtype=dtypes.float32), step)
    groups = int(node.attr("group", 1))
    y = convolution.conv(b, x, w, bias, groups=groups, **window(node, kernel))
    return quantized(node, y, node.input(6), node.input(7), node.input(7).dtype)
