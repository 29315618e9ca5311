"""The public vocabulary: TensorFlow 1's names over the ops of the table, old spellings included.

`import samara as tf` finds all of these as `tf.<name>`.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.dtypes import (
    as_dtype,
    float32,
    int32,
    int64,
)
from samara.graph.graph import (
    Operation,
    Tensor,
    get_default_graph,
)
from samara.graph.ops import OPS
from samara.graph.variables import (
    Variable,
    global_variables,
    global_variables_initializer,
    variables_initializer,
)

_range = builtins.range
_sum = builtins.sum


def _b() -> Any:
    return get_default_graph().b


def _builder(*values: Any) -> Any:
    """Builds in the graph of the first tensor among the values, or in the default graph."""
    for value in values:
        if isinstance(value, (Tensor, Variable)):
            return value.graph.b
        if isinstance(value, (list, tuple)):
            found = _builder(*value)
            if found is not None and any(isinstance(v, (Tensor, Variable)) for v in value):
                return found
    return _b()


def _elementwise(op: str) -> Callable[..., Tensor]:
    """A function of the vocabulary that is an op of the table, attributes left at their defaults."""
    definition = OPS[op]
    if len(definition.operands) == 1:

        def unary(x: Any, name: str | None = None) -> Tensor:
            result: Tensor = getattr(_builder(x), op)(x, name=name)
            return result

        made: Callable[..., Tensor] = unary
    else:

        def binary(x: Any, y: Any, name: str | None = None) -> Tensor:
            result: Tensor = getattr(_builder(x, y), op)(x, y, name=name)
            return result

        made = binary
    made.__name__ = made.__qualname__ = op
    made.__doc__ = definition.doc
    return made


# Names whose function is the op itself; a pair is (op of the table, the vocabulary's names for it).
_SAME: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("add", ("add",)),
    ("subtract", ("subtract", "sub")),
    ("multiply", ("multiply", "mul")),
    ("floor_divide", ("floordiv", "floor_div")),
    ("floor_mod", ("mod", "floormod")),
    ("power", ("pow",)),
    ("maximum", ("maximum",)),
    ("minimum", ("minimum",)),
    ("squared_difference", ("squared_difference",)),
    ("atan2", ("atan2",)),
    ("equal", ("equal",)),
    ("not_equal", ("not_equal",)),
    ("less", ("less",)),
    ("less_equal", ("less_equal",)),
    ("greater", ("greater",)),
    ("greater_equal", ("greater_equal",)),
    ("logical_and", ("logical_and",)),
    ("logical_or", ("logical_or",)),
    ("logical_xor", ("logical_xor",)),
    ("logical_not", ("logical_not",)),
    ("is_nan", ("is_nan",)),
    ("is_inf", ("is_inf",)),
    ("is_finite", ("is_finite",)),
    ("negative", ("negative", "neg")),
    ("abs", ("abs",)),
    ("sign", ("sign",)),
    ("square", ("square",)),
    ("reciprocal", ("reciprocal", "inv")),
    ("sqrt", ("sqrt",)),
    ("rsqrt", ("rsqrt",)),
    ("exp", ("exp",)),
    ("expm1", ("expm1",)),
    ("log", ("log",)),
    ("log1p", ("log1p",)),
    ("floor", ("floor",)),
    ("ceil", ("ceil",)),
    ("round", ("round", "rint")),
    ("sin", ("sin",)),
    ("cos", ("cos",)),
    ("tan", ("tan",)),
    ("asin", ("asin",)),
    ("acos", ("acos",)),
    ("atan", ("atan",)),
    ("sinh", ("sinh",)),
    ("cosh", ("cosh",)),
    ("tanh", ("tanh",)),
    ("erf", ("erf",)),
    ("sigmoid", ("sigmoid",)),
    ("identity", ("identity",)),
    ("stop_gradient", ("stop_gradient",)),
)
for _op, _names in _SAME:
    for _name in _names:
        globals()[_name] = _elementwise(_op)


# Graphs and values -----------------------------------------------------------------------------------------------


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


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor from a tensor, variable, array, number or list."""
    tensor: Tensor = _builder(value).graph.convert(value, None if dtype is None else as_dtype(dtype))
    return tensor


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A value that every run must be fed.

    None in the shape is a size that is not known; None for the shape means that not even the rank is.
    """
    attributes = {"dtype": dtype, "shape": shape}
    return get_default_graph().apply("placeholder", [], attributes, name=name or "Placeholder").outputs[0]


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A constant; with `shape`, a single value is repeated and other values are reshaped."""
    from samara.graph.graph import as_array

    array = as_array(value, None if dtype is None else as_dtype(dtype))
    if shape is not None:
        array = np.full(shape, array) if array.size == 1 else array.reshape(shape)
    attributes = {"value": array, "dtype": as_dtype(array.dtype)}
    return get_default_graph().apply("constant", [], attributes, name=name or "Const").outputs[0]


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` with one value everywhere."""
    b = _builder(dims, value)
    result: Tensor = b.broadcast_to(value, _sizes(dims), name=name)
    return result


def _sizes(shape: Any) -> Any:
    """A shape as an operand: numbers and tensors mixed."""
    if isinstance(shape, (Tensor, Variable)):
        return shape
    if isinstance(shape, (list, tuple)) and any(isinstance(d, (Tensor, Variable)) for d in shape):
        return list(shape)
    return np.asarray(shape, dtype=np.int32).reshape(-1)


def zeros(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Zeros."""
    return fill(shape, np.zeros((), as_dtype(dtype).numpy), name)


def ones(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Ones."""
    return fill(shape, np.ones((), as_dtype(dtype).numpy), name)


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of `tensor`."""
    return _like(tensor, dtype, 0)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of `tensor`."""
    return _like(tensor, dtype, 1)


def _like(tensor: Any, dtype: Any, value: int) -> Tensor:
    tensor = convert_to_tensor(tensor)
    kind = tensor.dtype if dtype is None else as_dtype(dtype)
    b = tensor.graph.b
    result: Tensor = b.broadcast_to(np.full((), value, kind.numpy), b.sizes(tensor))
    return result


def linspace(start: Any, stop: Any, num: int, name: str | None = None) -> Tensor:
    """`num` evenly spaced values from `start` to `stop`, both included."""
    b = _builder(start, stop)
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
    b = _builder(start, limit, delta)
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


# Random values ---------------------------------------------------------------------------------------------------


def _seed(seed: int | None) -> int:
    return -1 if seed is None else seed


def random_normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values of a normal distribution."""
    result: Tensor = _builder(shape).random_normal(
        _sizes(shape), mean=mean, stddev=stddev, dtype=dtype, seed=_seed(seed), name=name
    )
    return result


def truncated_normal(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values of a normal distribution, those farther than two deviations from the mean drawn again."""
    result: Tensor = _builder(shape).truncated_normal(
        _sizes(shape), mean=mean, stddev=stddev, dtype=dtype, seed=_seed(seed), name=name
    )
    return result


def random_uniform(
    shape: Any,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Values between minval (included) and maxval (excluded), equally likely."""
    result: Tensor = _builder(shape).random_uniform(
        _sizes(shape), minimum=minval, maximum=maxval, dtype=dtype, seed=_seed(seed), name=name
    )
    return result


# Arithmetic ------------------------------------------------------------------------------------------------------


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient; of integers, as float32."""
    x = (
        convert_to_tensor(x)
        if not isinstance(y, (Tensor, Variable)) or isinstance(x, (Tensor, Variable))
        else x
    )
    result: Tensor = x / y
    return result


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The values in another element type: floats to integers toward zero, saturating."""
    result: Tensor = _builder(x).cast(x, dtype=as_dtype(dtype), name=name)
    return result


def to_float(x: Any, name: str | None = None) -> Tensor:
    """The values as float32."""
    return cast(x, float32, name)


def to_int32(x: Any, name: str | None = None) -> Tensor:
    """The values as int32."""
    return cast(x, int32, name)


def where(condition: Any, x: Any, y: Any, name: str | None = None) -> Tensor:
    """X where the condition holds, y elsewhere, with broadcasting."""
    result: Tensor = _builder(condition, x, y).where(condition, x, y, name=name)
    return result


def add_n(inputs: Sequence[Any], name: str | None = None) -> Tensor:
    """The sum of a list of tensors."""
    total = convert_to_tensor(inputs[0])
    for value in inputs[1:]:
        total = total + value
    return total


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """Values moved into [clip_value_min, clip_value_max]."""
    b = _builder(t, clip_value_min, clip_value_max)
    if all(isinstance(v, (int, float)) for v in (clip_value_min, clip_value_max)):
        clipped: Tensor = b.clip(t, minimum=clip_value_min, maximum=clip_value_max, name=name)
        return clipped
    clipped = b.minimum(b.maximum(t, clip_value_min), clip_value_max, name=name)
    return clipped


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """The square root of the sum of all elements' squares; None entries count nothing."""
    squares = [reduce_sum(_builder(t).square(t)) for t in t_list if t is not None]
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


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """A list scaled down so that its global norm is at most clip_norm, and that norm."""
    norm = global_norm(t_list) if use_norm is None else use_norm
    b = norm.graph.b
    limit = b.constant(clip_norm, norm.dtype)
    scale = b.divide(limit, b.maximum(norm, limit))
    return [None if t is None else b.multiply(t, scale) for t in t_list], norm


# Matrices and reductions -----------------------------------------------------------------------------------------


def matmul(
    a: Any,
    b: Any,
    transpose_a: builtins.bool = False,
    transpose_b: builtins.bool = False,
    name: str | None = None,
) -> Tensor:
    """The matrix product; leading dimensions broadcast."""
    result: Tensor = _builder(a, b).matmul(a, b, transpose_x=transpose_a, transpose_y=transpose_b, name=name)
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
    result: Tensor = _builder(input).argmax(input, axis=chosen, output_type=output_type, name=name)
    return result


def argmin(
    input: Any, axis: int = 0, name: str | None = None, dimension: int | None = None, output_type: Any = int64
) -> Tensor:
    """The index of the smallest value along an axis; the first one among equals."""
    chosen = axis if dimension is None else dimension
    result: Tensor = _builder(input).argmin(input, axis=chosen, output_type=output_type, name=name)
    return result


# Shapes ----------------------------------------------------------------------------------------------------------


def shape(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The shape, as a tensor."""
    result: Tensor = _builder(input).shape(input, output_type=out_type, name=name)
    return result


def size(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The number of elements."""
    return reduce_prod(shape(input, out_type=out_type), name=name)


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions."""
    tensor = convert_to_tensor(input)
    if tensor.shape is not None:
        return constant(len(tensor.shape), dtype=int32, name=name)
    return reduce_sum(ones_like(shape(tensor)), name=name)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape; one dimension may be -1."""
    result: Tensor = _builder(tensor, shape).reshape(tensor, _sizes(shape), name=name)
    return result


def transpose(a: Any, perm: Any = None, name: str | None = None) -> Tensor:
    """Axes in another order; reversed when `perm` is None."""
    result: Tensor = _builder(a).transpose(a, permutation=() if perm is None else tuple(perm), name=name)
    return result


def expand_dims(
    input: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """A dimension of size 1 put in at `axis`."""
    chosen = axis if axis is not None else dim
    if chosen is None:
        raise TypeError("expand_dims needs an axis")
    result: Tensor = _builder(input).expand_dims(input, axis=chosen, name=name)
    return result


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """Dimensions of size 1 taken out: all, or those of `axis`."""
    chosen = axis if axis is not None else squeeze_dims
    axes = () if chosen is None else tuple(np.atleast_1d(chosen).tolist())
    result: Tensor = _builder(input).squeeze(input, axes=axes, name=name)
    return result


def concat(values: Any, axis: Any, name: str | None = None) -> Tensor:
    """Tensors joined along an axis. TensorFlow 0.x's order, `concat(axis, values)`, is understood too."""
    if isinstance(values, int):
        values, axis = axis, values
    listed = list(values) if isinstance(values, (list, tuple)) else [values]
    result: Tensor = _builder(*listed).concat(listed, axis=int(axis), name=name)
    return result


def split(value: Any, num_or_size_splits: Any, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """A tensor cut along an axis: into equal parts for a number, into parts of the given sizes for a list.

    Raises:
        ShapeError: the parts do not add up to the dimension.
    """
    tensor = convert_to_tensor(value)
    if isinstance(num_or_size_splits, int):
        count = num_or_size_splits
        whole = None if tensor.shape is None else tensor.shape[axis]
        if not isinstance(whole, int) or count < 1 or whole % count:
            raise ShapeError(
                f"{tensor.name}: dimension {axis} is {whole}, which does not split into {count} equal parts"
            )
        sizes = [whole // count] * count
    else:
        sizes = [int(s) for s in num_or_size_splits]
        whole = None if tensor.shape is None else tensor.shape[axis]
        if -1 in sizes and isinstance(whole, int):
            sizes[sizes.index(-1)] = whole - _sum(s for s in sizes if s != -1)
    result: list[Tensor] = tensor.graph.b.split(tensor, axis=axis, sizes=sizes, name=name)
    return result


def stack(values: Sequence[Any], axis: int = 0, name: str | None = None) -> Tensor:
    """Tensors joined along a new axis."""
    result: Tensor = _builder(*values).stack(list(values), axis=axis, name=name)
    return result


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The slices along an axis, as a list."""
    tensor = convert_to_tensor(value)
    count = num if num is not None else (tensor.shape[axis] if tensor.shape is not None else None)
    if not isinstance(count, int):
        raise ShapeError(f"{tensor.name}: the size of dimension {axis} is not known: give num")
    parts = split(tensor, [1] * count, axis)
    return [squeeze(p, [axis]) for p in parts]


def slice(input_: Any, begin: Sequence[int], size: Sequence[int], name: str | None = None) -> Tensor:
    """The block that starts at `begin` with the sizes `size`; -1 is all that is left."""
    ends = [b + s for b, s in zip(begin, size, strict=True)]
    mask = _sum(1 << i for i, s in enumerate(size) if s == -1)
    result: Tensor = _builder(input_).strided_slice(
        input_, begin=begin, end=ends, strides=[1] * len(ends), end_mask=mask, name=name
    )
    return result


def strided_slice(
    input_: Any,
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int] | None = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    name: str | None = None,
) -> Tensor:
    """Elements from begin to end in steps, for each dimension; the masks are TensorFlow's."""
    result: Tensor = _builder(input_).strided_slice(
        input_,
        begin=begin,
        end=end,
        strides=[1] * len(begin) if strides is None else strides,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
        name=name,
    )
    return result


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: float = 0
) -> Tensor:
    """A tensor with values around it; `paddings` is [[before, after], ...] for each dimension."""
    flat = tuple(int(p) for p in np.asarray(paddings).reshape(-1))
    result: Tensor = _builder(tensor).pad(tensor, paddings=flat, mode=mode, value=constant_values, name=name)
    return result


def tile(input: Any, multiples: Sequence[int], name: str | None = None) -> Tensor:
    """A tensor repeated along each dimension."""
    result: Tensor = _builder(input).tile(input, multiples=tuple(multiples), name=name)
    return result


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: int = 0,
    batch_dims: int = 0,
) -> Tensor:
    """The slices of `params` along an axis that `indices` name."""
    result: Tensor = _builder(params, indices).gather(
        params, indices, axis=axis, batch_dims=batch_dims, name=name
    )
    return result


def one_hot(
    indices: Any,
    depth: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    axis: int = -1,
    dtype: Any = float32,
    name: str | None = None,
) -> Tensor:
    """on_value where the index is, off_value elsewhere, along a new axis of size `depth`."""
    result: Tensor = _builder(indices).one_hot(
        indices, depth=depth, on_value=on_value, off_value=off_value, axis=axis, dtype=dtype, name=name
    )
    return result


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A tensor repeated along dimensions of size 1 to a larger shape."""
    result: Tensor = _builder(input, shape).broadcast_to(input, _sizes(shape), name=name)
    return result


# Variables -------------------------------------------------------------------------------------------------------


def assign(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that writes a variable."""
    return ref.assign(value)


def assign_add(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that adds to a variable."""
    return ref.assign_add(value)


def assign_sub(ref: Variable, value: Any, name: str | None = None) -> Tensor:
    """An operation that subtracts from a variable."""
    return ref.assign_sub(value)


div = truediv = divide
arg_max, arg_min = argmax, argmin
pack, unpack = stack, unstack
initialize_all_variables = global_variables_initializer
initialize_variables = variables_initializer
all_variables = global_variables
select = where

__all__ = sorted(  # noqa: PLE0605 (a list)
    {
        *(name for _, names in _SAME for name in names),
        *(
            name
            for name, value in list(globals().items())
            if not name.startswith("_") and callable(value) and getattr(value, "__module__", "") == __name__
        ),
        *(
            "DType",
            "Dim",
            "Graph",
            "InteractiveSession",
            "Operation",
            "Session",
            "Tensor",
            "TensorShape",
            "Variable",
        ),
        *("as_dtype", "bool", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "uint8"),
        *(
            "get_default_graph",
            "get_default_session",
            "global_variables",
            "global_variables_initializer",
            "gradients",
        ),
        *(
            "all_variables",
            "group",
            "initialize_all_variables",
            "initialize_variables",
            "nn",
            "reset_default_graph",
        ),
        *("train", "trainable_variables", "variables_initializer"),
    }
)
