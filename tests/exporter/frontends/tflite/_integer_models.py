"""Models of one integer node with random shapes, scales and options, for tests against the reference kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.exporter.frontends.tflite._writer import Node, T, constant, write

Array = np.ndarray[Any, Any]
Made = tuple[bytes, list[Array]]
Generator = np.random.Generator
MODELS: dict[str, Callable[[Generator], Made]] = {}


def model(name: str, *arguments: Any, **keywords: Any) -> Callable[[Any], Any]:
    """Registers a function of a random generator that makes a model and its inputs."""

    def register(function: Any) -> Any:
        MODELS[name] = lambda rng: function(rng, *arguments, **keywords)
        return function

    return register


def _scale(rng: Generator, low: float = 0.01, high: float = 0.2) -> float:
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))


def quantized(rng: Generator, dtype: str, shape: Any, **keywords: Any) -> T:
    """A tensor with a random scale and zero point."""
    info = np.iinfo(dtype)
    zero_point = 0 if dtype == "int16" else int(rng.integers(info.min, info.max, endpoint=True))
    scale = _scale(rng, 2e-5, 5e-4) if dtype == "int16" else _scale(rng)
    return replace(T(shape=tuple(shape), dtype=dtype, scale=scale, zero_point=zero_point), **keywords)


def numbers(rng: Generator, tensor: T) -> Array:
    info = np.iinfo(tensor.dtype)
    return rng.integers(info.min, info.max, tensor.shape, tensor.dtype, endpoint=True)


def one(rng: Generator, op: str, inputs: list[T], output: T, options: str = "", **values: Any) -> Made:
    """A model of one node, and random numbers for what is not constant."""
    count = len(inputs)
    fed = [i for i, t in enumerate(inputs) if t.data is None]
    node = Node(op=op, inputs=range(count), outputs=[count], options=options, values=values)
    content = write([*inputs, output], [node], fed, [count])
    return content, [numbers(rng, inputs[i]) for i in fed]


def integer(rng: Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high, endpoint=True))


def _weights(rng: Generator, dtype: str, shape: Any, channels: int, axis: int) -> T:
    if dtype == "uint8":
        return constant(
            rng.integers(0, 255, shape, endpoint=True),
            dtype,
            scale=_scale(rng),
            zero_point=integer(rng, 0, 255),
        )
    scale: Any = _scale(rng)
    if rng.random() < 0.6:
        scale = scale * rng.uniform(0.5, 1.5, channels)
    return constant(rng.integers(-127, 127, shape, endpoint=True), "int8", scale=scale, axis=axis)


def _bias(rng: Generator, x: T, weights: T, channels: int) -> T:
    dtype = "int64" if x.dtype == "int16" else "int32"
    most = 2**24 if x.dtype == "int16" else 3000
    scale = np.float32(x.scale) * np.float32(weights.scale)
    return constant(rng.integers(-most, most, channels), dtype, scale=scale)


def _result(rng: Generator, x: T, weights: T, shape: Any, rows: int) -> T:
    """An output whose scale makes results of all sizes."""
    spread = 100.0 if x.dtype == "int16" else 40.0
    product = float(x.scale) * float(np.mean(weights.scale)) * np.sqrt(rows) * rng.uniform(0.5, 1.5) * spread
    return quantized(rng, x.dtype, shape, scale=float(np.float32(product)))


def _positions(size: int, taps: int, stride: int, dilation: int, padding: int) -> int:
    if padding == 0:
        return -(-size // stride)
    return (size - (taps - 1) * dilation - 1) // stride + 1


@model("conv-int8", "int8")
@model("conv-uint8", "uint8")
@model("conv-int16", "int16")
def _conv(rng: Generator, dtype: str) -> Made:
    groups = integer(rng, 1, 2)
    depth, outputs = integer(rng, 1, 5), groups * integer(rng, 1, 6)
    taps = [integer(rng, 1, 3), integer(rng, 1, 3)]
    dilations = [integer(rng, 1, 2), integer(rng, 1, 2)]
    strides = [1, 1] if max(dilations) > 1 else [integer(rng, 1, 3), integer(rng, 1, 2)]
    padding = integer(rng, 0, 1)
    size = [integer(rng, 5, 8), integer(rng, 5, 8)]
    x = quantized(rng, dtype, (integer(rng, 1, 2), *size, groups * depth))
    weights = _weights(rng, dtype, (outputs, *taps, depth), outputs, 0)
    inputs = [x, weights, _bias(rng, x, weights, outputs)]
    into = [_positions(size[i], taps[i], strides[i], dilations[i], padding) for i in (0, 1)]
    y = _result(rng, x, weights, (x.shape[0], *into, outputs), taps[0] * taps[1] * depth)
    return one(
        rng,
        "CONV_2D",
        inputs,
        y,
        "Conv2DOptions",
        Padding=padding,
        StrideH=strides[0],
        StrideW=strides[1],
        DilationHFactor=dilations[0],
        DilationWFactor=dilations[1],
        FusedActivationFunction=integer(rng, 0, 3),
    )


@model("depthwise-int8", "int8")
@model("depthwise-uint8", "uint8")
@model("depthwise-int16", "int16")
def _depthwise(rng: Generator, dtype: str) -> Made:
    channels, times = integer(rng, 1, 7), integer(rng, 1, 3)
    taps = [integer(rng, 1, 3), integer(rng, 1, 3)]
    dilations = [integer(rng, 1, 2)] * 2
    strides = [1, 1] if max(dilations) > 1 else [integer(rng, 1, 2)] * 2
    padding = integer(rng, 0, 1)
    size = [integer(rng, 5, 8), integer(rng, 5, 8)]
    x = quantized(rng, dtype, (integer(rng, 1, 2), *size, channels))
    weights = _weights(rng, dtype, (1, *taps, channels * times), channels * times, 3)
    into = [_positions(size[i], taps[i], strides[i], dilations[i], padding) for i in (0, 1)]
    y = _result(rng, x, weights, (x.shape[0], *into, channels * times), taps[0] * taps[1])
    return one(
        rng,
        "DEPTHWISE_CONV_2D",
        [x, weights, _bias(rng, x, weights, channels * times)],
        y,
        "DepthwiseConv2DOptions",
        Padding=padding,
        StrideH=strides[0],
        StrideW=strides[1],
        DilationHFactor=dilations[0],
        DilationWFactor=dilations[1],
        DepthMultiplier=times,
        FusedActivationFunction=integer(rng, 0, 3),
    )


@model("fully-connected-int8", "int8")
@model("fully-connected-uint8", "uint8")
@model("fully-connected-int16", "int16")
def _fully_connected(rng: Generator, dtype: str) -> Made:
    depth, outputs, keep = integer(rng, 1, 40), integer(rng, 1, 20), bool(rng.random() < 0.5)
    lead = (integer(rng, 1, 3), integer(rng, 1, 3)) if keep else (integer(rng, 1, 4),)
    x = quantized(rng, dtype, (*lead, depth))
    weights = _weights(rng, dtype, (outputs, depth), outputs, 0)
    if dtype != "int8":
        weights = replace(weights, scale=float(np.mean(weights.scale)))
    inputs = [x, weights]
    if rng.random() < 0.8:
        inputs.append(_bias(rng, x, weights, outputs))
    y = _result(rng, x, weights, (*lead, outputs), depth)
    return one(
        rng,
        "FULLY_CONNECTED",
        inputs,
        y,
        "FullyConnectedOptions",
        KeepNumDims=keep,
        FusedActivationFunction=integer(rng, 0, 3),
    )


@model("transpose-conv-int8", "int8")
@model("transpose-conv-uint8", "uint8")
@model("transpose-conv-int16", "int16")
def _transpose_conv(rng: Generator, dtype: str) -> Made:
    depth, outputs = integer(rng, 1, 4), integer(rng, 1, 5)
    taps, strides = [integer(rng, 1, 4), integer(rng, 1, 4)], [integer(rng, 1, 3), integer(rng, 1, 3)]
    padding = integer(rng, 0, 1)
    size = [integer(rng, 1, 5), integer(rng, 1, 5)]
    if padding == 0:
        into = [size[i] * strides[i] - integer(rng, 0, strides[i] - 1) for i in (0, 1)]
    else:
        into = [(size[i] - 1) * strides[i] + taps[i] for i in (0, 1)]
    x = quantized(rng, dtype, (integer(rng, 1, 2), *size, depth))
    weights = _weights(rng, dtype, (outputs, *taps, depth), outputs, 0)
    y = _result(rng, x, weights, (x.shape[0], *into, outputs), taps[0] * depth)
    inputs = [constant([*y.shape], "int32"), weights, x]
    if rng.random() < 0.5:
        inputs.append(_bias(rng, x, weights, outputs))
    return one(
        rng,
        "TRANSPOSE_CONV",
        inputs,
        y,
        "TransposeConvOptions",
        Padding=padding,
        StrideH=strides[0],
        StrideW=strides[1],
    )


@model("batch-matmul-int8", "int8")
def _batch_matmul(rng: Generator, dtype: str) -> Made:
    rows, depth, columns = integer(rng, 1, 5), integer(rng, 1, 9), integer(rng, 1, 6)
    adj = [bool(rng.random() < 0.5), bool(rng.random() < 0.5)]
    batch = (integer(rng, 1, 3), integer(rng, 1, 2))
    x = quantized(rng, dtype, (*batch, *((depth, rows) if adj[0] else (rows, depth))))
    y = quantized(rng, dtype, (*batch, *((columns, depth) if adj[1] else (depth, columns))))
    z = _result(rng, x, y, (*batch, rows, columns), depth)
    return one(rng, "BATCH_MATMUL", [x, y], z, "BatchMatMulOptions", AdjX=adj[0], AdjY=adj[1])


_PAIRS = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((1, 5, 1), (3, 1, 4)), ((7,), (1,)), ((4, 5), (1, 5))]


def _binary(rng: Generator, op: str, options: str, dtype: str) -> Made:
    left, right = _PAIRS[integer(rng, 0, len(_PAIRS) - 1)]
    x, y = quantized(rng, dtype, left), quantized(rng, dtype, right)
    z = quantized(rng, dtype, np.broadcast_shapes(left, right))
    if op == "MUL" and dtype == "int16":
        z = replace(z, scale=float(x.scale) * float(y.scale) * 9000.0)
    if op == "SQUARED_DIFFERENCE":
        z = replace(z, scale=float(x.scale) ** 2 * 60.0)
    values = {"FusedActivationFunction": integer(rng, 0, 3)} if op != "SQUARED_DIFFERENCE" else {}
    return one(rng, op, [x, y], z, options, **values)


for _op, _options in (
    ("ADD", "AddOptions"),
    ("SUB", "SubOptions"),
    ("MUL", "MulOptions"),
    ("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"),
):
    for _dtype in ("int8", "uint8", "int16"):
        if _op != "SQUARED_DIFFERENCE" or _dtype == "int8":
            model(f"{_op.lower()}-{_dtype}", _op, _options, _dtype)(_binary)


def _compare(rng: Generator, op: str, options: str, dtype: str) -> Made:
    left, right = _PAIRS[integer(rng, 0, len(_PAIRS) - 1)]
    x = quantized(rng, dtype, left)
    y = quantized(rng, dtype, right)
    if rng.random() < 0.5:
        y = replace(y, scale=x.scale, zero_point=x.zero_point)
    return one(rng, op, [x, y], T(shape=np.broadcast_shapes(left, right), dtype="bool"), options)


for _op, _options in (
    ("EQUAL", "EqualOptions"),
    ("NOT_EQUAL", "NotEqualOptions"),
    ("LESS", "LessOptions"),
    ("LESS_EQUAL", "LessEqualOptions"),
    ("GREATER", "GreaterOptions"),
    ("GREATER_EQUAL", "GreaterEqualOptions"),
):
    for _dtype in ("int8", "uint8"):
        model(f"{_op.lower()}-{_dtype}", _op, _options, _dtype)(_compare)


@model("minimum", "MINIMUM")
@model("maximum", "MAXIMUM")
def _extreme(rng: Generator, op: str) -> Made:
    dtype = ("int8", "uint8", "int16")[integer(rng, 0, 2)]
    x = quantized(rng, dtype, (3, 4))
    return one(rng, op, [x, replace(x, shape=(4,))], x, "MaximumMinimumOptions")


@model("prelu-int8", "int8")
@model("prelu-uint8", "uint8")
def _prelu(rng: Generator, dtype: str) -> Made:
    x, y = quantized(rng, dtype, (2, 3, 4, 5)), quantized(rng, dtype, (2, 3, 4, 5))
    alpha = quantized(rng, dtype, (1, 1, 5))
    return one(rng, "PRELU", [x, replace(alpha, data=numbers(rng, alpha))], y)


@model("average-pool-int8", "AVERAGE_POOL_2D", "int8")
@model("average-pool-uint8", "AVERAGE_POOL_2D", "uint8")
@model("average-pool-int16", "AVERAGE_POOL_2D", "int16")
@model("max-pool-int8", "MAX_POOL_2D", "int8")
@model("max-pool-uint8", "MAX_POOL_2D", "uint8")
@model("max-pool-int16", "MAX_POOL_2D", "int16")
def _pool(rng: Generator, op: str, dtype: str) -> Made:
    taps, strides, padding = (
        [integer(rng, 1, 4) for _ in "hw"],
        [integer(rng, 1, 3) for _ in "hw"],
        integer(rng, 0, 1),
    )
    size = [integer(rng, 4, 8), integer(rng, 4, 8)]
    x = quantized(rng, dtype, (2, *size, integer(rng, 1, 5)))
    into = [_positions(size[i], taps[i], strides[i], 1, padding) for i in (0, 1)]
    return one(
        rng,
        op,
        [x],
        replace(x, shape=(2, *into, x.shape[3])),
        "Pool2DOptions",
        Padding=padding,
        StrideH=strides[0],
        StrideW=strides[1],
        FilterHeight=taps[0],
        FilterWidth=taps[1],
        FusedActivationFunction=integer(rng, 0, 3),
    )


@model("mean-int8", "MEAN", "int8")
@model("mean-uint8", "MEAN", "uint8")
@model("mean-int16", "MEAN", "int16")
@model("sum-uint8", "SUM", "uint8")
@model("reduce-max-int8", "REDUCE_MAX", "int8")
@model("reduce-min-uint8", "REDUCE_MIN", "uint8")
def _reduce(rng: Generator, op: str, dtype: str) -> Made:
    shape = tuple(integer(rng, 1, 6) for _ in range(integer(rng, 1, 4)))
    axes = rng.choice(len(shape), integer(rng, 1, len(shape)), replace=False).tolist()
    keep = bool(rng.random() < 0.5)
    x = quantized(rng, dtype, shape)
    into = tuple(1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes)
    y = quantized(rng, dtype, into)
    if op.startswith("REDUCE") or rng.random() < 0.4:
        y = replace(x, shape=into)
    return one(rng, op, [x, constant(axes, "int32")], y, "ReducerOptions", KeepDims=keep)


@model("softmax-int8", "int8", "int8")
@model("softmax-uint8", "uint8", "uint8")
@model("softmax-int8-int16", "int8", "int16")
@model("softmax-int16", "int16", "int16")
def _softmax(rng: Generator, source: str, into: str) -> Made:
    x = quantized(rng, source, (integer(rng, 1, 3), integer(rng, 1, 30)))
    x = replace(x, scale=_scale(rng, 1e-5, 1e-3) if source == "int16" else _scale(rng, 0.003, 1.0))
    if source == "int16":
        y = T(shape=x.shape, dtype=into, scale=1 / 32768)
    elif into == "int16":
        y = T(shape=x.shape, dtype=into, scale=1 / 65536, zero_point=-32768)
    else:
        y = T(shape=x.shape, dtype=into, scale=1 / 256, zero_point=-128 if into == "int8" else 0)
    return one(rng, "SOFTMAX", [x], y, "SoftmaxOptions", Beta=float(rng.choice([1.0, 0.5, 2.0])))


def _requantize(rng: Generator, source: str, into: str) -> Made:
    x, y = quantized(rng, source, (70,)), quantized(rng, into, (70,))
    return one(rng, "QUANTIZE", [x], y, "QuantizeOptions")


for _source in ("int8", "uint8", "int16"):
    for _into in ("int8", "uint8", "int16") if _source != "int16" else ("int8", "int16"):
        model(f"requantize-{_source}-{_into}", _source, _into)(_requantize)


@model("quantize-int8", "int8")
@model("quantize-uint8", "uint8")
@model("quantize-int16", "int16")
def _quantize(rng: Generator, into: str) -> Made:
    y = quantized(rng, into, (90,))
    x = T(shape=(90,), dtype="float32")
    node = Node(op="QUANTIZE", inputs=[0], outputs=[1], options="QuantizeOptions")
    step = float(np.float32(y.scale))
    values = rng.integers(-400, 400, 90) * step * 0.5 * rng.choice([1.0, 1.37], 90)
    return write([x, y], [node], [0], [1]), [values.astype("float32")]


@model("dequantize-int8", "int8")
@model("dequantize-uint8", "uint8")
@model("dequantize-int16", "int16")
def _dequantize(rng: Generator, source: str) -> Made:
    x = quantized(rng, source, (90,))
    return one(rng, "DEQUANTIZE", [x], T(shape=(90,), dtype="float32"), "DequantizeOptions")


def _unary(rng: Generator, op: str, dtype: str) -> Made:
    info = np.iinfo(dtype)
    count = info.max - info.min + 1
    x, y = quantized(rng, dtype, (count,)), quantized(rng, dtype, (count,))
    if op in ("LOGISTIC", "TANH"):
        unit = {"int8": 256, "uint8": 256, "int16": 32768}[dtype]
        low = 0 if dtype == "int16" else info.min
        y = replace(y, scale=1 / unit, zero_point=low)
        if op == "TANH" and dtype != "int16":
            y = replace(y, scale=2 / unit, zero_point=low + 128)
    if op in ("LOG", "SQRT", "RSQRT"):
        x = replace(x, zero_point=int(info.min))
    options, values = "", {}
    if op == "LEAKY_RELU":
        options, values = (
            "LeakyReluOptions",
            {"Alpha": float(rng.uniform(-0.2 if dtype == "int8" else 0.0, 1.2))},
        )
    if op == "GELU":
        options, values = "GeluOptions", {"Approximate": bool(rng.random() < 0.5)}
    content, _ = one(rng, op, [x], y, options, **values)
    return content, [np.arange(info.min, info.max + 1).astype(dtype)]


for _op in (
    *("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "HARD_SWISH", "GELU", "LOGISTIC", "TANH"),
    *("ABS", "SQRT", "EXP", "LOG", "RSQRT"),
):
    for _dtype in ("int8", "uint8", "int16"):
        if _dtype == "int8" or (_op in ("RELU", "RELU6", "LEAKY_RELU", "GELU", "LOGISTIC", "TANH")):
            model(f"{_op.lower()}-{_dtype}", _op, _dtype)(_unary)
model("exp-int16", "EXP", "int16")(_unary)
model("hard_swish-uint8", "HARD_SWISH", "uint8")(_unary)


@model("concatenation-int8", "int8")
@model("concatenation-uint8", "uint8")
@model("concatenation-int16", "int16")
def _concatenation(rng: Generator, dtype: str) -> Made:
    x, y, z = (quantized(rng, dtype, (2, s, 3)) for s in (4, 2, 6))
    if dtype != "uint8":
        x, y = (replace(t, scale=z.scale, zero_point=z.zero_point) for t in (x, y))
    return one(rng, "CONCATENATION", [x, y], z, "ConcatenationOptions", Axis=integer(rng, -2, -2))


@model("pad-int8", "int8")
@model("pad-uint8", "uint8")
def _pad(rng: Generator, dtype: str) -> Made:
    paddings = rng.integers(0, 3, (3, 2))
    x = quantized(rng, dtype, (2, 3, 4))
    shape = tuple(int(s) for s in np.add(x.shape, paddings.sum(axis=1)))
    return one(rng, "PAD", [x, constant(paddings, "int32")], replace(x, shape=shape), "PadOptions")


@model("dequantize-channels")
def _dequantize_channels(rng: Generator) -> Made:
    x = quantized(rng, "int8", (4, 5), scale=rng.uniform(0.01, 0.1, 5), zero_point=0, axis=1)
    return one(rng, "DEQUANTIZE", [x], T(shape=(4, 5), dtype="float32"), "DequantizeOptions")


@model("space-to-batch-int8", "int8")
@model("space-to-batch-uint8", "uint8")
def _space_to_batch(rng: Generator, dtype: str) -> Made:
    blocks, sizes = [integer(rng, 1, 3), integer(rng, 1, 3)], [integer(rng, 1, 3), integer(rng, 1, 3)]
    whole = [b * s for b, s in zip(blocks, sizes, strict=True)]
    before = [integer(rng, 0, min(1, w - 1)) for w in whole]
    after = [integer(rng, 0, w - b - 1) for w, b in zip(whole, before, strict=True)]
    x = quantized(rng, dtype, (2, *(w - b - a for w, b, a in zip(whole, before, after, strict=True)), 3))
    y = replace(x, shape=(2 * blocks[0] * blocks[1], *sizes, 3))
    paddings = constant(list(zip(before, after, strict=True)), "int32")
    return one(rng, "SPACE_TO_BATCH_ND", [x, constant(blocks, "int32"), paddings], y, "SpaceToBatchNDOptions")


@model("resize-bilinear-int8", "int8")
@model("resize-bilinear-int16", "int16")
def _resize_bilinear(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, integer(rng, 1, 8), integer(rng, 1, 8), 3))
    size = [integer(rng, 1, 9), integer(rng, 1, 9)]
    where = integer(rng, 0, 2)
    values = {"AlignCorners": where == 1, "HalfPixelCenters": where == 2}
    y = replace(x, shape=(2, *size, 3))
    return one(rng, "RESIZE_BILINEAR", [x, constant(size, "int32")], y, "ResizeBilinearOptions", **values)


@model("log-softmax-int8", "int8")
@model("log-softmax-uint8", "uint8")
def _log_softmax(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (integer(rng, 1, 3), integer(rng, 1, 30)))
    y = replace(x, scale=16 / 256, zero_point=int(np.iinfo(dtype).max))
    return one(rng, "LOG_SOFTMAX", [x], y, "LogSoftmaxOptions")


@model("add-int16-powers-of-two", "ADD", "AddOptions")
@model("sub-int16-powers-of-two", "SUB", "SubOptions")
def _powers_of_two(rng: Generator, op: str, options: str) -> Made:
    x = T(shape=(50,), dtype="int16", scale=2.0**-12)
    y = replace(x, scale=2.0 ** -integer(rng, 12, 16))
    pair = [x, y] if rng.random() < 0.5 else [y, x]
    return one(rng, op, pair, x, options, PotScaleInt16=True, FusedActivationFunction=integer(rng, 0, 3))


def lstm(rng: Generator, *, batch: int | None = None) -> Made:
    """A layer over a sequence, with or without input gate, projection and clips."""
    no_input_gate, projected, time_major = (bool(rng.random() < 0.5) for _ in range(3))
    cells, features = integer(rng, 1, 20), integer(rng, 1, 12)
    outputs = integer(rng, 1, 9) if projected else cells
    batch, steps = batch or integer(rng, 1, 3), integer(rng, 1, 5)
    lead = (steps, batch) if time_major else (batch, steps)
    tensors: list[T] = []

    def add(tensor: T) -> int:
        tensors.append(tensor)
        return len(tensors) - 1

    def weights(rows: int, columns: int) -> int:
        values = rng.integers(-127, 127, (rows, columns), endpoint=True)
        return add(constant(values, "int8", scale=_scale(rng, 0.005, 0.02)))

    def bias(size: int) -> int:
        return add(constant(rng.integers(-3000, 3000, size), "int32", scale=1e-4))

    x = add(quantized(rng, "int8", (*lead, features), scale=_scale(rng, 0.01, 0.05)))
    state_scale, state_zero_point = _scale(rng, 0.005, 0.01), integer(rng, -20, 20)
    hidden = (
        (_scale(rng, 0.005, 0.01), integer(rng, -20, 20)) if projected else (state_scale, state_zero_point)
    )
    gates = range(1 if no_input_gate else 0, 4)
    absent = [-1] * (4 - len(gates))
    inputs = [x, *absent, *(weights(cells, features) for _ in gates)]
    inputs += [*absent, *(weights(cells, outputs) for _ in gates), -1, -1, -1]
    inputs += [*absent, *(bias(cells) for _ in gates)]
    inputs += [weights(outputs, cells), bias(outputs)] if projected else [-1, -1]
    kept = {"dtype": "int8", "scale": state_scale, "zero_point": state_zero_point}
    inputs.append(add(T(shape=(batch, outputs), variable=True, **kept)))
    cell_scale = 2.0 ** -integer(rng, 9, 15)
    inputs.append(add(T(shape=(batch, cells), dtype="int16", scale=cell_scale, variable=True)))
    inputs += [-1] * 4
    intermediates = [add(T(shape=(0,), dtype="float32")) for _ in range(4)]
    intermediates.append(add(T(shape=(0,), dtype="int8", scale=hidden[0], zero_point=hidden[1])))
    y = add(T(shape=(*lead, outputs), **kept))
    node = Node(
        op="UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs=inputs,
        outputs=[y],
        options="UnidirectionalSequenceLSTMOptions",
        values={
            "FusedActivationFunction": 4,
            "TimeMajor": time_major,
            "CellClip": float(rng.choice([0.0, 0.5, 5.0])),
            "ProjClip": float(rng.choice([0.0, 0.3])) if projected else 0.0,
        },
        intermediates=intermediates,
    )
    return write(tensors, [node], [x], [y]), [numbers(rng, tensors[x])]


MODELS["lstm"] = lstm
