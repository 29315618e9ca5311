"""Arithmetic, reductions and matrix products of the public vocabulary."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import DType, as_dtype, float32, int32, int64
from samara.graph.graph import Tensor, as_array
from samara.graph.ops import OPS
from samara.graph.variables import Variable


def _elementwise(op: str) -> Callable[..., Tensor]:
    """A function of the vocabulary that is an op of the table, attributes left at their defaults."""
    definition = OPS[op]
    if len(definition.operands) == 1:

        def unary(x: Any, name: str | None = None) -> Tensor:
            result: Tensor = getattr(builder(x), op)(x, name=name)
            return result

        made: Callable[..., Tensor] = unary
    else:

        def binary(x: Any, y: Any, name: str | None = None) -> Tensor:
            result: Tensor = getattr(builder(x, y), op)(x, y, name=name)
            return result

        made = binary
    made.__name__ = made.__qualname__ = op
    made.__doc__ = definition.doc
    return made


add = _elementwise("add")
subtract = sub = _elementwise("subtract")
multiply = mul = _elementwise("multiply")
floordiv = floor_div = _elementwise("floor_divide")
mod = floormod = _elementwise("floor_mod")
pow = _elementwise("power")
maximum = _elementwise("maximum")
minimum = _elementwise("minimum")
squared_difference = _elementwise("squared_difference")
atan2 = _elementwise("atan2")
equal = _elementwise("equal")
not_equal = _elementwise("not_equal")
less = _elementwise("less")
less_equal = _elementwise("less_equal")
greater = _elementwise("greater")
greater_equal = _elementwise("greater_equal")
logical_and = _elementwise("logical_and")
logical_or = _elementwise("logical_or")
logical_xor = _elementwise("logical_xor")
logical_not = _elementwise("logical_not")
is_nan = _elementwise("is_nan")
is_inf = _elementwise("is_inf")
is_finite = _elementwise("is_finite")
negative = neg = _elementwise("negative")
abs = _elementwise("abs")
sign = _elementwise("sign")
square = _elementwise("square")
reciprocal = inv = _elementwise("reciprocal")
sqrt = _elementwise("sqrt")
rsqrt = _elementwise("rsqrt")
exp = _elementwise("exp")
expm1 = _elementwise("expm1")
log = _elementwise("log")
log1p = _elementwise("log1p")
floor = _elementwise("floor")
ceil = _elementwise("ceil")
round = rint = _elementwise("round")
sin = _elementwise("sin")
cos = _elementwise("cos")
tan = _elementwise("tan")
asin = _elementwise("asin")
acos = _elementwise("acos")
atan = _elementwise("atan")
sinh = _elementwise("sinh")
cosh = _elementwise("cosh")
tanh = _elementwise("tanh")
erf = _elementwise("erf")
sigmoid = _elementwise("sigmoid")
identity = _elementwise("identity")
stop_gradient = _elementwise("stop_gradient")


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient x / y; that of integers is float32."""
    b = builder(x, y)
    kind = _kind(x, y)
    if kind.is_integer:
        x, y = (b.cast(b.constant(v, kind), dtype=float32) for v in (x, y))
    result: Tensor = b.divide(x, y, name=name)
    return result


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient as in Python 2: that of integers is rounded down and stays an integer."""
    if _kind(x, y).is_integer:
        return floordiv(x, y, name)
    return divide(x, y, name)


def _kind(x: Any, y: Any) -> DType:
    """The element type that the two are computed in: that of the one that is a tensor, if any."""
    tensor = next((v for v in (x, y) if isinstance(v, (Tensor, Variable))), None)
    if tensor is not None:
        return tensor.dtype
    return as_dtype(np.result_type(as_array(x).dtype, as_array(y).dtype))


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The values in another element type: floats to integers toward zero, saturating."""
    result: Tensor = builder(x).cast(x, dtype=as_dtype(dtype), name=name)
    return result


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bytes in another element type: a larger one takes the last axis, a smaller one makes one."""
    result: Tensor = builder(input).bitcast(input, dtype=as_dtype(type), name=name)
    return result


def to_float(x: Any, name: str | None = None) -> Tensor:
    """The values as float32."""
    return cast(x, float32, name)


def to_int32(x: Any, name: str | None = None) -> Tensor:
    """The values as int32."""
    return cast(x, int32, name)


def where(condition: Any, x: Any, y: Any, name: str | None = None) -> Tensor:
    """X where the condition holds, y elsewhere, with broadcasting."""
    result: Tensor = builder(condition, x, y).where(condition, x, y, name=name)
    return result


def add_n(inputs: Sequence[Any], name: str | None = None) -> Tensor:
    """The sum of a list of tensors."""
    total = convert_to_tensor(inputs[0])
    for value in inputs[1:]:
        total = total + value
    return total


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """Values moved into [clip_value_min, clip_value_max]."""
    b = builder(t, clip_value_min, clip_value_max)
    if all(isinstance(v, (int, float)) for v in (clip_value_min, clip_value_max)):
        clipped: Tensor = b.clip(t, minimum=clip_value_min, maximum=clip_value_max, name=name)
        return clipped
    clipped = b.minimum(b.maximum(t, clip_value_min), clip_value_max, name=name)
    return clipped


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """The square root of the sum of all elements' squares; None entries count nothing."""
    squares = [reduce_sum(builder(t).square(t)) for t in t_list if t is not None]
    result: Tensor = squares[0].graph.b.sqrt(add_n(squares), name=name)
    return result


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """T scaled down so that its norm (along `axes`) is at most clip_norm."""
    t = convert_to_tensor(t)
    b = t.graph.b
    norm = b.sqrt(reduce_sum(b.square(t), axes, keepdims=True))
    result: Tensor = b.multiply(
        t,
        b.divide(b.constant(clip_norm, t.dtype), b.maximum(norm, b.constant(clip_norm, t.dtype))),
        name=name,
    )
    return result


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """T scaled down so that its norm divided by the number of its elements is at most clip_norm."""
    t = convert_to_tensor(t)
    b = t.graph.b
    count = b.size_of(t, range(len(t.shape or ())))
    norm = b.divide(b.sqrt(reduce_sum(b.square(t))), count)
    limit = b.constant(clip_norm, t.dtype)
    result: Tensor = b.multiply(t, b.divide(limit, b.maximum(norm, limit)), name=name)
    return result


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """A list scaled down so that its global norm is at most clip_norm, and that norm."""
    norm = global_norm(t_list) if use_norm is None else use_norm
    b = norm.graph.b
    limit = b.constant(clip_norm, norm.dtype)
    scale = b.divide(limit, b.maximum(norm, limit))
    return [None if t is None else b.multiply(t, scale) for t in t_list], norm


def matmul(
    a: Any,
    b: Any,
    transpose_a: builtins.bool = False,
    transpose_b: builtins.bool = False,
    name: str | None = None,
) -> Tensor:
    """The matrix product; leading dimensions broadcast."""
    result: Tensor = builder(a, b).matmul(a, b, transpose_x=transpose_a, transpose_y=transpose_b, name=name)
    return result


def _axes(tensor: Tensor, axis: Any, reduction_indices: Any) -> tuple[int, ...]:
    axis = reduction_indices if axis is None else axis
    if axis is None:
        return ()
    return (int(axis),) if np.ndim(axis) == 0 else tuple(int(a) for a in axis)


def _reduction(op: str) -> Callable[..., Tensor]:
    def reduce(
        input_tensor: Any,
        axis: Any = None,
        keepdims: Any = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: Any = None,
    ) -> Tensor:
        tensor = convert_to_tensor(input_tensor)
        axes = _axes(tensor, axis, reduction_indices)
        keep = builtins.bool(keepdims if keepdims is not None else keep_dims)
        if axes == () and np.ndim(axis) == 1:
            return tensor
        result: Tensor = getattr(tensor.graph.b, op)(tensor, axes=axes, keepdims=keep, name=name)
        return result

    reduce.__name__ = reduce.__qualname__ = op
    reduce.__doc__ = OPS[op].doc
    return reduce


reduce_sum = _reduction("reduce_sum")
reduce_mean = _reduction("reduce_mean")
reduce_prod = _reduction("reduce_prod")
reduce_max = _reduction("reduce_max")
reduce_min = _reduction("reduce_min")
reduce_any = _reduction("reduce_any")
reduce_all = _reduction("reduce_all")


def argmax(
    input: Any, axis: int = 0, name: str | None = None, dimension: int | None = None, output_type: Any = int64
) -> Tensor:
    """The index of the largest value along an axis; the first one among equals."""
    chosen = axis if dimension is None else dimension
    result: Tensor = builder(input).argmax(input, axis=chosen, output_type=output_type, name=name)
    return result


def argmin(
    input: Any, axis: int = 0, name: str | None = None, dimension: int | None = None, output_type: Any = int64
) -> Tensor:
    """The index of the smallest value along an axis; the first one among equals."""
    chosen = axis if dimension is None else dimension
    result: Tensor = builder(input).argmin(input, axis=chosen, output_type=output_type, name=name)
    return result


truediv = realdiv = divide
arg_max, arg_min = argmax, argmin
select = where

__all__ = [
    "abs",
    "acos",
    "add",
    "add_n",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "asin",
    "atan",
    "atan2",
    "bitcast",
    "cast",
    "ceil",
    "clip_by_average_norm",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "cos",
    "cosh",
    "div",
    "divide",
    "equal",
    "erf",
    "exp",
    "expm1",
    "floor",
    "floor_div",
    "floordiv",
    "floormod",
    "global_norm",
    "greater",
    "greater_equal",
    "identity",
    "inv",
    "is_finite",
    "is_inf",
    "is_nan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "maximum",
    "minimum",
    "mod",
    "mul",
    "multiply",
    "neg",
    "negative",
    "not_equal",
    "pow",
    "realdiv",
    "reciprocal",
    "reduce_all",
    "reduce_any",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "rint",
    "round",
    "rsqrt",
    "select",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "squared_difference",
    "stop_gradient",
    "sub",
    "subtract",
    "tan",
    "tanh",
    "to_float",
    "to_int32",
    "truediv",
    "where",
]
