"""Ops on each element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dtypes
from samara.graph.graph import Tensor
from samara.graph.inference import known_value

# ONNX ops that the op table has, with the same inputs and no attributes.
_SAME = {
    "Abs": "abs",
    "Acos": "acos",
    "Acosh": "acosh",
    "Add": "add",
    "And": "logical_and",
    "Asin": "asin",
    "Asinh": "asinh",
    "Atan": "atan",
    "Atanh": "atanh",
    "BitwiseAnd": "bitwise_and",
    "BitwiseNot": "bitwise_not",
    "BitwiseOr": "bitwise_or",
    "BitwiseXor": "bitwise_xor",
    "Ceil": "ceil",
    "Cos": "cos",
    "Cosh": "cosh",
    "Equal": "equal",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "HardSwish": "hard_swish",
    "Identity": "identity",
    "IsNaN": "is_nan",
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Log": "log",
    "Mish": "mish",
    "Mul": "multiply",
    "Neg": "negative",
    "Not": "logical_not",
    "Or": "logical_or",
    "Reciprocal": "reciprocal",
    "Relu": "relu",
    "Round": "round",
    "Sigmoid": "sigmoid",
    "Sin": "sin",
    "Sinh": "sinh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Sub": "subtract",
    "Tan": "tan",
    "Tanh": "tanh",
    "Where": "where",
    "Xor": "logical_xor",
}


def _plain(name: str) -> Callable[[Node], Any]:
    return lambda node: getattr(node.b, name)(*aligned(node))


def aligned(node: Node) -> list[Tensor | None]:
    """The inputs; before operator set 7 the second could be lined up with axes of the first from `axis` on."""
    if not node.attr("broadcast", 0) or "axis" not in node.attributes or len(node.inputs) != 2:
        return node.inputs
    rank, own = node.rank(0), node.rank(1)
    axis = node.axis()
    shape = [*node.shape(1), *(1,) * (rank - axis - own)]
    return [node.input(0), node.b.reshape(node.input(1), [d if isinstance(d, int) else -1 for d in shape])]


for _onnx, _samara in _SAME.items():
    op(_onnx)(_plain(_samara))


@op("Div")
def _div(node: Node) -> Any:
    x, y = (t for t in aligned(node) if t is not None)
    b = node.b
    if x.dtype.is_floating:
        return b.divide(x, y)
    # ONNX drops the fraction; of sizes, which are not negative, that is the floor, which shape arithmetic knows.
    if (known_value(x) is not None and known_value(y) is not None) or x.dtype is dtypes.uint8:
        return b.floor_divide(x, y)
    return b.truncate_divide(x, y)


@op("Sign")
def _sign(node: Node) -> Any:
    x, b = node.input(), node.b
    return b.minimum(x, b.like(1, x)) if x.dtype is dtypes.uint8 else b.sign(x)


@op("Mod")
def _mod(node: Node) -> Any:
    x, y = node.input(0), node.input(1)
    b = node.b
    if not node.attr("fmod", 0):
        return b.floor_mod(x, y)
    return b.truncate_mod(x, y)


@op("Pow")
def _pow(node: Node) -> Any:
    x, y = node.input(0), node.input(1)
    b = node.b
    exponent = node.value(1)
    if exponent is not None and exponent.size == 1 and x.dtype.is_floating:
        number = float(exponent.reshape(-1)[0])
        if number == 2.0 and (exponent.ndim <= len(x.shape or ()) or exponent.ndim == 0):
            return b.square(x)
        if number == 0.5 and (exponent.ndim <= len(x.shape or ()) or exponent.ndim == 0):
            return b.sqrt(x)
    if x.dtype is y.dtype:
        return b.power(x, y)
    wide = dtypes.float32 if x.dtype.is_floating or y.dtype.is_floating else dtypes.int64
    whole = exponent is not None and bool(np.all(exponent == np.floor(exponent)))
    if wide is dtypes.float32 and not x.dtype.is_floating and whole:
        # float32 holds no large integers.
        wide = dtypes.int64
    power = b.power(b.cast(x, dtype=wide), b.cast(y, dtype=wide))
    return b.cast(power, dtype=x.dtype)


def _folded(name: str) -> Callable[[Node], Any]:
    def handler(node: Node) -> Any:
        result = node.input(0)
        for index in range(1, len(node.inputs)):
            result = getattr(node.b, name)(result, node.input(index))
        return result if len(node.inputs) > 1 else node.b.identity(result)

    return handler


op("Sum")(_folded("add"))
op("Max")(_folded("maximum"))
op("Min")(_folded("minimum"))


@op("Mean")
def _mean(node: Node) -> Any:
    total = _folded("add")(node)
    return node.b.divide(total, node.like(len(node.inputs)))


@op("Clip")
def _clip(node: Node) -> Any:
    x, b = node.input(), node.b
    low, high = node.attr("min"), node.attr("max")
    if node.given(1) is not None:
        low = node.value(1)
    if node.given(2) is not None:
        high = node.value(2)
    computed = any(node.given(i) is not None and v is None for i, v in ((1, low), (2, high)))
    if computed or not x.dtype.is_floating:
        for index, name, limit in ((1, "maximum", low), (2, "minimum", high)):
            bound = node.given(index)
            if bound is None and limit is not None:
                bound = b.like(float(limit), x)
            if bound is not None:
                x = getattr(b, name)(x, bound)
        return x if x is not node.input() else b.identity(x)
    # What is not given is the largest number, which bounds infinity.
    largest = float(np.finfo(x.dtype.numpy).max)
    low = -largest if low is None else float(np.asarray(low).reshape(-1)[0])
    high = largest if high is None else float(np.asarray(high).reshape(-1)[0])
    if low > high:
        # ONNX: all values are then the upper limit.
        return b.minimum(b.maximum(x, b.like(low, x)), b.like(high, x))
    return b.clip(x, minimum=low, maximum=high)


@op("IsInf")
def _is_inf(node: Node) -> Any:
    x, b = node.input(), node.b
    negative, positive = node.attr("detect_negative", 1), node.attr("detect_positive", 1)
    if negative and positive:
        return b.is_inf(x)
    if not negative and not positive:
        return b.not_equal(b.cast(b.is_inf(x), dtype=dtypes.int32), b.cast(b.is_inf(x), dtype=dtypes.int32))
    limit = b.greater(x, b.like(0, x)) if positive else b.less(x, b.like(0, x))
    return b.logical_and(b.is_inf(x), limit)


@op("BitShift")
def _bit_shift(node: Node) -> Any:
    name = "shift_left" if node.attr("direction") == "LEFT" else "shift_right"
    x, y, b = node.input(0), node.input(1), node.b
    if y.dtype is not dtypes.uint8:
        # A negative number of bits, taken without its sign, is more than there are.
        y = b.where(b.less(y, b.like(0, y)), b.like(8 * y.dtype.size, y), y)
    return getattr(b, name)(x, y)


@op("Cast", "CastLike")
def _cast(node: Node) -> Any:
    from samara.exporter.frontends.onnx.values import DTYPES, type_name

    if node.type == "CastLike":
        target = node.input(1).dtype
    else:
        number = int(node.attr("to"))
        if number not in DTYPES:
            node.fail(f"a cast to {type_name(number)} is not supported")
        target = DTYPES[number]
    return node.b.cast(node.input(), dtype=target)


@op("BitCast")
def _bit_cast(node: Node) -> Any:
    from samara.exporter.frontends.onnx.values import DTYPES, type_name

    x, number = node.input(), int(node.attr("to"))
    target = DTYPES.get(number)
    # A bfloat16 is held in a float32, whose bits are others.
    if target is None or type_name(number) == "bfloat16" or target.size != x.dtype.size:
        node.fail(f"the bits of {x.dtype.name} as {type_name(number)} are not supported")
    return node.b.bitcast(x, dtype=target)


# Activations ------------------------------------------------------------------------------------------------------


@op("LeakyRelu")
def _leaky_relu(node: Node) -> Any:
    return node.b.leaky_relu(node.input(), alpha=node.attr("alpha", 0.01))


@op("Elu")
def _elu(node: Node) -> Any:
    return node.b.elu(node.input(), alpha=node.attr("alpha", 1.0))


@op("Gelu")
def _gelu(node: Node) -> Any:
    return node.b.gelu(node.input(), approximate=node.attr("approximate", "none"))


@op("Selu")
def _selu(node: Node) -> Any:
    x, b = node.input(), node.b
    alpha, gamma = node.attr("alpha", 1.6732631921768188), node.attr("gamma", 1.0507010221481323)
    return b.multiply(b.elu(x, alpha=alpha), b.like(gamma, x))


@op("Celu")
def _celu(node: Node) -> Any:
    x, b = node.input(), node.b
    alpha = node.attr("alpha", 1.0)
    scaled = b.elu(b.divide(x, b.like(alpha, x)), alpha=1.0)
    return b.multiply(scaled, b.like(alpha, x))


@op("HardSigmoid")
def _hard_sigmoid(node: Node) -> Any:
    x, b = node.input(), node.b
    alpha, beta = node.attr("alpha", 0.2), node.attr("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5:
        return b.hard_sigmoid(x)
    return b.clip(b.add(b.multiply(x, b.like(alpha, x)), b.like(beta, x)), minimum=0.0, maximum=1.0)


@op("ThresholdedRelu")
def _thresholded_relu(node: Node) -> Any:
    x, b = node.input(), node.b
    return b.where(b.greater(x, b.like(node.attr("alpha", 1.0), x)), x, b.like(0, x))


@op("Shrink")
def _shrink(node: Node) -> Any:
    x, b = node.input(), node.b
    threshold, bias = node.attr("lambd", 0.5), node.attr("bias", 0.0)
    low = b.where(b.less(x, b.like(-threshold, x)), b.add(x, b.like(bias, x)), b.like(0, x))
    return b.where(b.greater(x, b.like(threshold, x)), b.subtract(x, b.like(bias, x)), low)


@op("PRelu")
def _prelu(node: Node) -> Any:
    x, slope, b = node.input(0), node.input(1), node.b
    if node.opset < 7 and len(slope.shape or ()) == 1 and node.rank() > 2 and slope.shape != (1,):
        slope = b.reshape(slope, [-1, *(1,) * (node.rank() - 2)])
    if x.dtype.is_floating:
        return b.prelu(x, slope)
    return b.where(b.less(x, b.like(0, x)), b.multiply(x, slope), x)


@op("Swish")
def _swish(node: Node) -> Any:
    x, b = node.input(), node.b
    alpha = node.attr("alpha", 1.0)
    if alpha == 1.0:
        return b.silu(x)
    return b.multiply(x, b.sigmoid(b.multiply(x, b.like(alpha, x))))


@op("SwiGLU")
def _swiglu(node: Node) -> Any:
    return node.b.multiply(_swish(node), node.input(1))


@op("Dropout")
def _dropout(node: Node) -> list[Tensor | None]:
    x, b = node.input(), node.b
    training = node.value(2)
    if node.given(2) is not None and (training is None or bool(training)):
        ratio = node.value(1)
        if ratio is None or float(ratio) != 0.0:
            node.fail("dropout in training mode draws random numbers", "export the model for inference")
    kept = b.identity(x)
    mask = b.equal(x, x) if node.wants(1) else None
    if mask is not None:
        mask = b.logical_or(mask, b.logical_not(mask))
    return [kept, mask]
