"""Arithmetic, reductions and matrix products of the public vocabulary."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.graph.convert import builder, convert_to_tensor, elementwise, known
from samara.graph.dtypes import DType, as_dtype, float32, float64, int32, int64
from samara.graph.graph import Tensor, as_array
from samara.graph.ops import OPS
from samara.graph.variables import Variable

add = elementwise("add")
subtract = sub = elementwise("subtract")
multiply = mul = elementwise("multiply")
floordiv = floor_div = elementwise("floor_divide")
mod = floormod = elementwise("floor_mod")
pow = elementwise("power")
maximum = elementwise("maximum")
minimum = elementwise("minimum")
squared_difference = elementwise("squared_difference")
atan2 = elementwise("atan2")
equal = elementwise("equal")
not_equal = elementwise("not_equal")
less = elementwise("less")
less_equal = elementwise("less_equal")
greater = elementwise("greater")
greater_equal = elementwise("greater_equal")
logical_and = elementwise("logical_and")
logical_or = elementwise("logical_or")
logical_xor = elementwise("logical_xor")
logical_not = elementwise("logical_not")
is_nan = elementwise("is_nan")
is_inf = elementwise("is_inf")
is_finite = elementwise("is_finite")
negative = neg = elementwise("negative")
abs = elementwise("abs")
sign = elementwise("sign")
square = elementwise("square")
reciprocal = inv = elementwise("reciprocal")
sqrt = elementwise("sqrt")
rsqrt = elementwise("rsqrt")
exp = elementwise("exp")
expm1 = elementwise("expm1")
log = elementwise("log")
log1p = elementwise("log1p")
floor = elementwise("floor")
ceil = elementwise("ceil")
round = rint = elementwise("round")
sin = elementwise("sin")
cos = elementwise("cos")
tan = elementwise("tan")
asin = elementwise("asin")
acos = elementwise("acos")
atan = elementwise("atan")
sinh = elementwise("sinh")
cosh = elementwise("cosh")
tanh = elementwise("tanh")
erf = elementwise("erf")
erfc = elementwise("erfc")
lgamma = elementwise("lgamma")
asinh = elementwise("asinh")
acosh = elementwise("acosh")
atanh = elementwise("atanh")
truncatemod = elementwise("truncate_mod")
identity = elementwise("identity")
stop_gradient = elementwise("stop_gradient")


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


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """The values in another element type: floats to integers toward zero, saturating."""
    if hasattr(x, "with_values"):
        return x.with_values(cast(x.values, dtype, name))
    result: Tensor = builder(x).cast(x, dtype=as_dtype(dtype), name=name)
    return result


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bytes in another element type: a larger one takes the last axis, a smaller one makes one."""
    result: Tensor = builder(input).bitcast(input, dtype=as_dtype(type), name=name)
    return result


def to_float(x: Any, name: str | None = None) -> Any:
    """The values as float32."""
    return cast(x, float32, name)


def to_int32(x: Any, name: str | None = None) -> Any:
    """The values as int32."""
    return cast(x, int32, name)


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of a list of tensors of one shape."""
    listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    total = convert_to_tensor(listed[0])
    b = total.graph.b
    for value in listed[1:]:
        total = b.add(total, value)
    result: Tensor = b.identity(total, name=name)
    return result


def accumulate_n(
    inputs: Sequence[Any], shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The sum of a list of tensors of one shape."""
    total = add_n(inputs, name)
    if shape is not None:
        total.set_shape(shape)
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
    adjoint_a: builtins.bool = False,
    adjoint_b: builtins.bool = False,
    a_is_sparse: builtins.bool = False,
    b_is_sparse: builtins.bool = False,
    name: str | None = None,
) -> Tensor:
    """The matrix product; leading dimensions broadcast. The adjoint of real numbers is the transpose.

    Raises:
        ValueError: one is asked to be transposed and to be its adjoint.
    """
    if (transpose_a and adjoint_a) or (transpose_b and adjoint_b):
        raise ValueError("matmul: transpose and adjoint of one operand exclude each other")
    result: Tensor = builder(a, b).matmul(
        a, b, transpose_x=transpose_a or adjoint_a, transpose_y=transpose_b or adjoint_b, name=name
    )
    return result


def batch_matmul(
    x: Any, y: Any, adj_x: builtins.bool = False, adj_y: builtins.bool = False, name: str | None = None
) -> Tensor:
    """The matrix products of stacks of matrices, as TensorFlow 0.x has it."""
    return matmul(x, y, adj_x, adj_y, name=name)


def _axes(tensor: Tensor, axis: Any, reduction_indices: Any) -> tuple[int, ...]:
    axis = known(reduction_indices if axis is None else axis, "axis")
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
        axis = known(axis, "axis")
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
    input: Any,
    axis: int | None = None,
    name: str | None = None,
    dimension: int | None = None,
    output_type: Any = int64,
) -> Tensor:
    """The index of the largest value along an axis; the first one among equals."""
    chosen = known((axis if axis is not None else 0) if dimension is None else dimension, "axis")
    result: Tensor = builder(input).argmax(input, axis=chosen, output_type=output_type, name=name)
    return result


def argmin(
    input: Any,
    axis: int | None = None,
    name: str | None = None,
    dimension: int | None = None,
    output_type: Any = int64,
) -> Tensor:
    """The index of the smallest value along an axis; the first one among equals."""
    chosen = known((axis if axis is not None else 0) if dimension is None else dimension, "axis")
    result: Tensor = builder(input).argmin(input, axis=chosen, output_type=output_type, name=name)
    return result


def reduce_logsumexp(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The logarithms of the sums of exponentials, computed without overflow."""
    x = convert_to_tensor(input_tensor)
    b = x.graph.b
    axes = _axes(x, axis, reduction_indices)
    largest = b.stop_gradient(b.reduce_max(x, axes=axes, keepdims=True))
    largest = b.where(b.is_finite(largest), largest, b.like(0, x))
    found = b.log(b.reduce_sum(b.exp(b.subtract(x, largest)), axes=axes, keepdims=True))
    found = b.add(found, largest)
    keep = builtins.bool(keepdims if keepdims is not None else keep_dims)
    result: Tensor = b.identity(found, name=name) if keep else b.reduce_sum(found, axes=axes, name=name)
    return result


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: builtins.bool = False, name: str | None = None
) -> Tensor:
    """The means of the squared distances from the mean."""
    x = convert_to_tensor(input_tensor)
    b = x.graph.b
    axes = _axes(x, axis, None)
    mean = b.reduce_mean(x, axes=axes, keepdims=True)
    result: Tensor = b.reduce_mean(b.squared_difference(x, mean), axes=axes, keepdims=keepdims, name=name)
    return result


def reduce_std(
    input_tensor: Any, axis: Any = None, keepdims: builtins.bool = False, name: str | None = None
) -> Tensor:
    """The square roots of the means of the squared distances from the mean."""
    variance = reduce_variance(input_tensor, axis, keepdims)
    result: Tensor = variance.graph.b.sqrt(variance, name=name)
    return result


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: builtins.bool = False, name: str | None = None
) -> Tensor:
    """The square roots of the sums of squares."""
    x = convert_to_tensor(input_tensor)
    b = x.graph.b
    result: Tensor = b.sqrt(reduce_sum(b.square(x), axis, keepdims), name=name)
    return result


def count_nonzero(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: Any = None,
    dtype: Any = int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
    input: Any = None,
) -> Tensor:
    """How many elements are not 0."""
    x = convert_to_tensor(input_tensor if input_tensor is not None else input)
    b = x.graph.b
    held = x if x.dtype.name == "bool" else b.not_equal(x, b.like(0, x))
    return reduce_sum(b.cast(held, dtype=as_dtype(dtype)), axis, keepdims, name, reduction_indices, keep_dims)


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithms of the multivariate beta function along the last axis."""
    tensor = convert_to_tensor(x)
    b = tensor.graph.b
    parts = b.reduce_sum(b.lgamma(tensor), axes=(-1,))
    result: Tensor = b.subtract(parts, b.lgamma(b.reduce_sum(tensor, axes=(-1,))), name=name)
    return result


def polygamma(a: int, x: Any, name: str | None = None) -> Tensor:
    """The derivative of order a + 1 of lgamma; `a` is a number."""
    result: Tensor = builder(x).polygamma(x, order=int(a), name=name)
    return result


def digamma(x: Any, name: str | None = None) -> Tensor:
    """The derivative of lgamma."""
    return polygamma(0, x, name)


def floor_mod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """What is left of x / y rounded down; it has the sign of y."""
    return mod(x, y, name)


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotients rounded toward zero."""
    b = builder(x, y)
    if _kind(x, y).is_integer:
        result: Tensor = b.truncate_divide(x, y, name=name)
        return result
    quotient = b.divide(x, y)
    result = b.multiply(b.sign(quotient), b.floor(b.abs(quotient)), name=name)
    return result


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x))."""
    result: Tensor = builder(x).sigmoid(x, name=name)
    return result


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the sigmoid, -softplus(-x)."""
    b = builder(x)
    result: Tensor = b.negative(b.softplus(b.negative(x)), name=name)
    return result


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y, and 0 where x is 0."""
    b = builder(x, y)
    left = b.constant(x)
    zero = b.equal(left, b.like(0, left))
    safe = b.where(zero, b.like(1, left), b.constant(y, left.dtype))
    result: Tensor = b.where(zero, b.like(0, left), b.divide(left, safe), name=name)
    return result


def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X log(y), and 0 where x is 0."""
    b = builder(x, y)
    left = b.constant(x)
    zero = b.equal(left, b.like(0, left))
    safe = b.where(zero, b.like(1, left), b.constant(y, left.dtype))
    result: Tensor = b.where(zero, b.like(0, left), b.multiply(left, b.log(safe)), name=name)
    return result


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y, and 0 where y is 0."""
    b = builder(x, y)
    right = b.constant(y, _kind(x, y))
    zero = b.equal(right, b.like(0, right))
    quotient = b.divide(x, b.where(zero, b.like(1, right), right))
    result: Tensor = b.where(zero, b.like(0, right), quotient, name=name)
    return result


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X y, and 0 where y is 0, whatever x is."""
    b = builder(x, y)
    right = b.constant(y, _kind(x, y))
    zero = b.equal(right, b.like(0, right))
    product = b.multiply(b.where(zero, b.like(0, right), x), right)
    result: Tensor = b.identity(product, name=name)
    return result


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Tensor:
    """A tensor times a number."""
    tensor = convert_to_tensor(x)
    return mul(tensor.graph.b.constant(scalar, tensor.dtype), tensor, name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The values in another element type, those outside its range as its least or largest."""
    x, kind = convert_to_tensor(value), as_dtype(dtype)
    b = x.graph.b
    if kind.is_integer and x.dtype.is_integer:
        limits, own = np.iinfo(kind.numpy), np.iinfo(x.dtype.numpy)
        x = b.maximum(x, b.like(max(limits.min, own.min), x))
        x = b.minimum(x, b.like(min(limits.max, own.max), x))
    made: Tensor = cast(x, kind, name)
    return made


def to_double(x: Any, name: str | None = None) -> Any:
    """The values as float64."""
    return cast(x, float64, name)


def to_int64(x: Any, name: str | None = None) -> Any:
    """The values as int64."""
    return cast(x, int64, name)


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-05, name: str | None = None) -> Tensor:
    """Where x and y differ by less than the tolerance."""
    b = builder(x, y)
    distance = b.abs(b.subtract(x, y))
    result: Tensor = b.less(distance, b.like(tolerance, distance), name=name)
    return result


def identity_n(input: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """The same tensors, as operations of their own."""
    return [builder(t).identity(t, name=name) for t in input]


truediv = realdiv = divide
arg_max, arg_min = argmax, argmin

__all__ = [
    "abs",
    "accumulate_n",
    "acos",
    "acosh",
    "add",
    "add_n",
    "approximate_equal",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "batch_matmul",
    "bitcast",
    "cast",
    "ceil",
    "clip_by_average_norm",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "cos",
    "cosh",
    "count_nonzero",
    "digamma",
    "div",
    "div_no_nan",
    "divide",
    "equal",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "floor_div",
    "floor_mod",
    "floordiv",
    "floormod",
    "global_norm",
    "greater",
    "greater_equal",
    "identity",
    "identity_n",
    "inv",
    "is_finite",
    "is_inf",
    "is_nan",
    "lbeta",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log1p",
    "log_sigmoid",
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
    "multiply_no_nan",
    "neg",
    "negative",
    "not_equal",
    "polygamma",
    "pow",
    "realdiv",
    "reciprocal",
    "reduce_all",
    "reduce_any",
    "reduce_euclidean_norm",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
    "rint",
    "round",
    "rsqrt",
    "saturate_cast",
    "scalar_mul",
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
    "to_double",
    "to_float",
    "to_int32",
    "to_int64",
    "truediv",
    "truncatediv",
    "truncatemod",
    "xdivy",
    "xlogy",
]
