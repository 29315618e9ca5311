"""The public vocabulary: TensorFlow 1's names over the ops of the table, old spellings included.

`import samara as tf` finds all of these as `tf.<name>`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from samara.graph import nn, train
from samara.graph.array_names import (
    broadcast_to,
    concat,
    expand_dims,
    gather,
    one_hot,
    pack,
    pad,
    rank,
    reshape,
    shape,
    size,
    slice,
    split,
    squeeze,
    stack,
    strided_slice,
    tile,
    transpose,
    unpack,
    unstack,
)
from samara.graph.control_names import case, cond, while_loop
from samara.graph.convert import builder, convert_to_tensor, sizes
from samara.graph.dims import Dim
from samara.graph.dtypes import (
    DType,
    as_dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from samara.graph.dtypes import bool_ as bool
from samara.graph.gradients import gradients
from samara.graph.graph import (
    Graph,
    Operation,
    Tensor,
    TensorShape,
    as_array,
    get_default_graph,
    reset_default_graph,
)
from samara.graph.math_names import (
    abs,
    acos,
    add,
    add_n,
    arg_max,
    arg_min,
    argmax,
    argmin,
    asin,
    atan,
    atan2,
    cast,
    ceil,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    cos,
    cosh,
    div,
    divide,
    equal,
    erf,
    exp,
    expm1,
    floor,
    floor_div,
    floordiv,
    floormod,
    global_norm,
    greater,
    greater_equal,
    identity,
    inv,
    is_finite,
    is_inf,
    is_nan,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    matmul,
    maximum,
    minimum,
    mod,
    mul,
    multiply,
    neg,
    negative,
    not_equal,
    pow,
    random_normal,
    random_uniform,
    realdiv,
    reciprocal,
    reduce_all,
    reduce_any,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
    rint,
    round,
    rsqrt,
    select,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    squared_difference,
    stop_gradient,
    sub,
    subtract,
    tan,
    tanh,
    to_float,
    to_int32,
    truediv,
    truncated_normal,
    where,
)
from samara.graph.session import InteractiveSession, Session, get_default_session
from samara.graph.variable_scope import (
    AUTO_REUSE,
    VariableScope,
    get_variable,
    get_variable_scope,
    variable_scope,
)
from samara.graph.variables import (
    Variable,
    global_variables,
    global_variables_initializer,
    group,
    trainable_variables,
    variables_initializer,
)


@contextlib.contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """Prefixes the names of operations added within."""
    with get_default_graph().name_scope(name if name is not None else default_name) as scope:
        yield scope


def device(name: str | None) -> Any:
    """Asks for a device for the operations added within."""
    return get_default_graph().device(name)


def control_dependencies(control_inputs: Any) -> Any:
    """Operations added within run after all of `control_inputs`."""
    return get_default_graph().control_dependencies(control_inputs)


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing."""
    return get_default_graph().apply("no_op", [], name=name)


def set_random_seed(seed: int | None) -> None:
    """The seed that the default graph's random operations share, for sessions made from now on."""
    get_default_graph().seed = seed


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A value that every run must be fed.

    None in the shape is a size that is not known; None for the shape means that not even the rank is.
    """
    attributes = {"dtype": dtype, "shape": shape}
    return get_default_graph().apply("placeholder", [], attributes, name=name or "Placeholder").outputs[0]


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A constant; with `shape`, a single value is repeated and other values are reshaped."""
    array = as_array(value, None if dtype is None else as_dtype(dtype))
    if shape is not None:
        array = as_array(np.full(shape, array) if array.size == 1 else array.reshape(shape))
    attributes = {"value": array, "dtype": as_dtype(array.dtype)}
    return get_default_graph().apply("constant", [], attributes, name=name or "Const").outputs[0]


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` with one value everywhere."""
    b = builder(dims, value)
    result: Tensor = b.broadcast_to(value, sizes(dims), name=name)
    return result


def zeros(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Zeros."""
    return fill(shape, np.zeros((), as_dtype(dtype).numpy), name)


def ones(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Ones."""
    return fill(shape, np.ones((), as_dtype(dtype).numpy), name)


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of `tensor`."""
    return _like(tensor, dtype, 0, name)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of `tensor`."""
    return _like(tensor, dtype, 1, name)


def _like(tensor: Any, dtype: Any, value: int, name: str | None) -> Tensor:
    tensor = convert_to_tensor(tensor)
    kind = tensor.dtype if dtype is None else as_dtype(dtype)
    b = tensor.graph.b
    result: Tensor = b.broadcast_to(np.full((), value, kind.numpy), b.sizes(tensor), name=name)
    return result


def linspace(start: Any, stop: Any, num: int, name: str | None = None) -> Tensor:
    """`num` evenly spaced values from `start` to `stop`, both included."""
    b = builder(start, stop)
    start = b.constant(start)
    steps = b.constant(np.arange(num, dtype=start.dtype.numpy))
    width = b.divide(b.subtract(stop, start), b.like(max(num - 1, 1), start))
    result: Tensor = b.add(start, b.multiply(steps, width), name=name)
    return result


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None
) -> Tensor:
    """The numbers start, start + delta, ... below limit; `range(n)` starts at 0."""
    if limit is None:
        start, limit = 0, start
    b = builder(start, limit, delta)
    if not any(isinstance(v, (Tensor, Variable)) for v in (start, limit, delta)):
        kind = (
            as_dtype(dtype).numpy
            if dtype is not None
            else np.result_type(*map(np.asarray, (start, limit, delta)))
        )
        kind = (
            {"int64": np.dtype(np.int32), "float64": np.dtype(np.float32)}.get(kind.name, kind)
            if dtype is None
            else kind
        )
        start, limit, delta = (np.asarray(v, kind) for v in (start, limit, delta))
    result: Tensor = b.range(start, limit, delta, name=name)
    return result


def assign(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that writes a variable."""
    return ref.assign(value, name)


def assign_add(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that adds to a variable."""
    return ref.assign_add(value, name)


def assign_sub(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that subtracts from a variable."""
    return ref.assign_sub(value, name)


double, half = float64, float16
initialize_all_variables = global_variables_initializer
initialize_variables = variables_initializer
all_variables = global_variables

__all__ = [
    "AUTO_REUSE",
    "DType",
    "Dim",
    "Graph",
    "InteractiveSession",
    "Operation",
    "Session",
    "Tensor",
    "TensorShape",
    "Variable",
    "VariableScope",
    "abs",
    "acos",
    "add",
    "add_n",
    "all_variables",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "as_dtype",
    "asin",
    "assign",
    "assign_add",
    "assign_sub",
    "atan",
    "atan2",
    "bool",
    "broadcast_to",
    "case",
    "cast",
    "ceil",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "concat",
    "cond",
    "constant",
    "control_dependencies",
    "convert_to_tensor",
    "cos",
    "cosh",
    "device",
    "div",
    "divide",
    "double",
    "equal",
    "erf",
    "exp",
    "expand_dims",
    "expm1",
    "fill",
    "float16",
    "float32",
    "float64",
    "floor",
    "floor_div",
    "floordiv",
    "floormod",
    "gather",
    "get_default_graph",
    "get_default_session",
    "get_variable",
    "get_variable_scope",
    "global_norm",
    "global_variables",
    "global_variables_initializer",
    "gradients",
    "greater",
    "greater_equal",
    "group",
    "half",
    "identity",
    "initialize_all_variables",
    "initialize_variables",
    "int8",
    "int16",
    "int32",
    "int64",
    "inv",
    "is_finite",
    "is_inf",
    "is_nan",
    "less",
    "less_equal",
    "linspace",
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
    "name_scope",
    "neg",
    "negative",
    "nn",
    "no_op",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "pack",
    "pad",
    "placeholder",
    "pow",
    "random_normal",
    "random_uniform",
    "range",
    "rank",
    "realdiv",
    "reciprocal",
    "reduce_all",
    "reduce_any",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "reset_default_graph",
    "reshape",
    "rint",
    "round",
    "rsqrt",
    "select",
    "set_random_seed",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "size",
    "slice",
    "split",
    "sqrt",
    "square",
    "squared_difference",
    "squeeze",
    "stack",
    "stop_gradient",
    "strided_slice",
    "sub",
    "subtract",
    "tan",
    "tanh",
    "tile",
    "to_float",
    "to_int32",
    "train",
    "trainable_variables",
    "transpose",
    "truediv",
    "truncated_normal",
    "uint8",
    "unpack",
    "unstack",
    "variable_scope",
    "variables_initializer",
    "where",
    "while_loop",
    "zeros",
    "zeros_like",
]
