"""The default backend: numpy itself is the array namespace.

`overrides` maps an op's name to a function with the signature of its reference, for ops that numpy can do much
faster than the reference does, or with much less memory. Numpy computes on the host; a configuration may have it
pretend to several devices.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as namespace

from samara.errors import GraphError
from samara.graph.backends._backend import Backend, Device
from samara.graph.dtypes import DType
from samara.graph.ops import OPS, _window, scatter
from samara.graph.ops.control import update_in_place
from samara.graph.ops.matmul import activate

if TYPE_CHECKING:
    from samara.graph.execution.config import ConfigProto
    from samara.graph.graph import Operation

_BLOCK_BYTES = 1 << 20


def _segment_sum(xp: Any, op: Any, data: Any, ids: Any, count: Any) -> Any:
    if ids.size and (ids.min() < 0 or ids.max() >= count):
        return op.operation.definition.reference(xp, op, data, ids, count)
    wide = namespace.float32 if data.dtype == namespace.float16 else data.dtype
    sums = namespace.zeros((int(count), *data.shape[ids.ndim :]), dtype=wide)
    namespace.add.at(sums, ids, data)
    return sums.astype(data.dtype)


_AT = {
    "add": namespace.add,
    "multiply": namespace.multiply,
    "maximum": namespace.maximum,
    "minimum": namespace.minimum,
}


def scattered(xp: Any, reduction: str, rows: Any, places: Any, updates: Any) -> Any:
    """What `ops.scatter.scattered` gives, in one call: of updates of one place the last one stays, or all in order."""
    y = namespace.array(rows)
    if reduction == "none":
        y[places] = updates
    else:
        _AT[reduction].at(y, places, updates)
    return y


def _columns(x: Any, taps: Any, size: Any, strides: Any, dilations: Any) -> Iterator[tuple[slice, Any]]:
    """Blocks of images, and for each what the windows see: [window, tap row, tap column, channel] as a matrix."""
    n, _, _, channels = x.shape
    step = x.strides
    width = taps[0] * taps[1] * channels
    images = max(1, _BLOCK_BYTES // max(1, size[0] * size[1] * width * x.itemsize))
    windows = namespace.lib.stride_tricks.as_strided(
        x,
        (n, *size, *taps, channels),
        (
            step[0],
            step[1] * strides[0],
            step[2] * strides[1],
            step[1] * dilations[0],
            step[2] * dilations[1],
            step[3],
        ),
        writeable=False,
    )
    for start in range(0, n, images):
        block = slice(start, min(start + images, n))
        yield block, windows[block].reshape(-1, width)


def _is_plain(op: Any, *arrays: Any) -> bool:
    return op.a.groups == 1 and arrays[0].dtype != namespace.float16 and all(a.size for a in arrays)


def _convolve(x: Any, w: Any, size: Any, strides: Any, dilations: Any) -> Any:
    """The convolution of an array that is padded already."""
    y = namespace.empty((x.shape[0], *size, w.shape[3]), x.dtype)
    matrix = w.reshape(-1, w.shape[3])
    for block, columns in _columns(x, w.shape[:2], size, strides, dilations):
        namespace.matmul(columns, matrix, out=y[block].reshape(-1, w.shape[3]))
    return y


def _conv(xp: Any, op: Any, x: Any, w: Any, bias: Any) -> Any:
    a, taps = op.a, w.shape[:2]
    size = _window.positions(a, x.shape[1:3], taps)
    if not _is_plain(op, x, w) or 0 in size:
        return op.operation.definition.reference(xp, op, x, w, bias)
    y = _convolve(_window.padded(xp, a, x, taps, 0), w, size, a.strides, a.dilations)
    return activate(xp, op, y if bias is None else y + bias)


def _conv_input(xp: Any, op: Any, sizes: Any, w: Any, dy: Any) -> Any:
    """For steps of one pixel, the convolution of dy with the filter turned round."""
    a, taps = op.a, w.shape[:2]
    size = (int(sizes[1]), int(sizes[2]))
    around = []
    for axis, (before, _) in enumerate(_window.pads(a, size, taps)):
        reach = (taps[axis] - 1) * a.dilations[axis]
        around.append((reach - before, size[axis] + before - dy.shape[1 + axis]))
    if not _is_plain(op, w, dy) or tuple(a.strides) != (1, 1) or min(min(p) for p in around) < 0:
        return op.operation.definition.reference(xp, op, sizes, w, dy)
    turned = namespace.ascontiguousarray(w[::-1, ::-1].swapaxes(2, 3))
    return _convolve(namespace.pad(dy, [(0, 0), *around, (0, 0)]), turned, size, (1, 1), a.dilations)


def _conv_filter(xp: Any, op: Any, x: Any, sizes: Any, dy: Any) -> Any:
    if not _is_plain(op, x, dy):
        return op.operation.definition.reference(xp, op, x, sizes, dy)
    kh, kw, inputs, outputs = (int(s) for s in sizes)
    total = namespace.zeros((kh * kw * inputs, outputs), x.dtype)
    x = _window.padded(xp, op.a, x, (kh, kw), 0)
    for block, columns in _columns(x, (kh, kw), dy.shape[1:3], op.a.strides, op.a.dilations):
        total += columns.T @ dy[block].reshape(-1, outputs)
    return total.reshape(kh, kw, inputs, outputs)


def _has_bits(values: Any) -> bool:
    return values.dtype in (namespace.float32, namespace.float64) and values.flags.c_contiguous


def _keep(values: Any, kept: Any, out: Any) -> None:
    """Writes values where `kept`, else 0, without a branch for each element; `kept` is destroyed."""
    bits = namespace.dtype(f"i{values.itemsize}")
    mask = kept.view(namespace.int8)
    namespace.negative(mask, out=mask)
    namespace.bitwise_and(values.view(bits), mask, out=out.view(bits))


def _where(xp: Any, op: Any, condition: Any, x: Any, y: Any) -> Any:
    values, other = (x, y) if y.ndim == 0 else (y, x)
    plain = condition.shape == values.shape and values.ndim and _has_bits(values) and other.ndim == 0
    if not plain or other != 0 or namespace.signbit(other):
        return op.operation.definition.reference(xp, op, condition, x, y)
    out = namespace.empty_like(values)
    _keep(values, condition.copy() if values is x else namespace.logical_not(condition, order="C"), out)
    return out


def _max_gradient(xp: Any, op: Any, x: Any, y: Any, dy: Any) -> Any:
    a = op.a
    padding = _window.pads(a, x.shape[1:3], a.pool_size)
    overlap = any(s < p for s, p in zip(a.strides, a.pool_size, strict=True))
    if overlap or any(map(any, padding)) or not _has_bits(dy):
        return op.operation.definition.reference(xp, op, x, y, dy)
    dx = namespace.zeros(x.shape, x.dtype)
    free = namespace.ones(y.shape, bool)
    for ky in range(a.pool_size[0]):
        for kx in range(a.pool_size[1]):
            tap = _window.tap(a, ky, kx, y.shape[1:3])
            first = x[tap] == y
            first &= free
            free ^= first
            _keep(dy, first, dx[tap])
    return dx


class _Part:
    """What a reference is given for a part of the height: other padding."""

    def __init__(self, op: Any, top: int, bottom: int, sides: tuple[int, int]) -> None:
        self.a = SimpleNamespace(**vars(op.a))
        self.a.padding, self.a.paddings = "explicit", (top, bottom, *sides)
        self.operation = op.operation
        self.output_dtypes = op.output_dtypes


def _by_rows(run: Callable[..., Any]) -> Callable[..., Any]:
    """A convolution that runs for a few rows of its result at a time, so that what it makes on the way stays small."""

    def by_rows(xp: Any, op: Any, x: Any, w: Any, *others: Any) -> Any:
        taps, height = w.shape[:2], x.shape[1]
        size = _window.positions(op.a, x.shape[1:3], taps)
        by_channel = not hasattr(op.a, "groups")
        outputs = w.shape[2] * w.shape[3] if by_channel else w.shape[3]
        # Of a row: what its windows see, or its result twice in the widest type.
        seen = 0 if by_channel else taps[0] * taps[1] * x.shape[3] * x.itemsize
        row = size[1] * max(seen, 16 * outputs)
        if x.shape[0] * size[0] * row <= _BLOCK_BYTES:
            return run(xp, op, x, w, *others)
        rows = min(max(1, _BLOCK_BYTES // row), size[0])
        images = max(1, _BLOCK_BYTES // (row * size[0]))
        (before, _), sides = _window.pads(op.a, x.shape[1:3], taps)
        stride, reach = op.a.strides[0], (taps[0] - 1) * op.a.dilations[0] + 1
        y = namespace.empty((x.shape[0], *size, outputs), op.output_dtypes[0])
        for start in range(0, size[0], rows):
            stop = min(start + rows, size[0])
            first, last = start * stride - before, (stop - 1) * stride + reach - before
            low, high = (min(max(place, 0), height) for place in (first, last))
            top = min(max(-first, 0), last - first)
            part = _Part(op, top, last - first - top - (high - low), sides)
            for image in range(0, x.shape[0], images):
                some = slice(image, image + images)
                y[some, start:stop] = run(xp, part, x[some, low:high], w, *others)
        return y

    return by_rows


def _update(x: Any, update: Any, begin: Any, out: Any = None) -> Any:
    return update_in_place(x, update, begin, x.copy() if out is None else out)


overrides: dict[str, Callable[..., Any]] = {
    "conv2d": _by_rows(_conv),
    "conv2d_backprop_filter": _conv_filter,
    "conv2d_backprop_input": _conv_input,
    "depthwise_conv2d": _by_rows(OPS["depthwise_conv2d"].reference),
    "max_pool2d_gradient": _max_gradient,
    **{
        name: _by_rows(OPS[name].reference)
        for name in ("quantized_conv2d", "quantized_conv2d_int16", "quantized_depthwise_conv2d")
    },
    "scatter_elements": functools.partial(scatter.scatter_elements, put=scattered),
    "scatter_nd": functools.partial(scatter.scatter_nd, put=scattered),
    "unsorted_segment_sum": _segment_sum,
    "where": _where,
}

_WIDE = ("float32", "float64")


def _sigmoid(x: Any, out: Any = None) -> Any:
    if not x.ndim:
        return 1 / (1 + namespace.exp(-x))
    out = namespace.negative(x, out=out)
    namespace.exp(out, out=out)
    out += 1
    return namespace.divide(1, out, out=out)


# Functions of the arrays alone, for float32 and float64, that take `out`.
PLAIN: dict[str, Any] = {
    "add": namespace.add,
    "divide": namespace.divide,
    "equal": namespace.equal,
    "exp": namespace.exp,
    "greater": namespace.greater,
    "greater_equal": namespace.greater_equal,
    "less": namespace.less,
    "less_equal": namespace.less_equal,
    "maximum": namespace.maximum,
    "minimum": namespace.minimum,
    "multiply": namespace.multiply,
    "negative": namespace.negative,
    "not_equal": namespace.not_equal,
    "sigmoid": _sigmoid,
    "sqrt": namespace.sqrt,
    "square": namespace.square,
    "subtract": namespace.subtract,
    "tanh": namespace.tanh,
}


def _relu(x: Any, out: Any = None) -> Any:
    return namespace.maximum(x, 0, out=out)


def _product(operation: Operation) -> Callable[..., Any] | None:
    """The product of two matrices, with nothing added to it."""
    x, y, bias = operation.inputs
    plain = bias is None and operation.a.activation == "none"
    if not plain or any(t is None or t.shape is None or len(t.shape) != 2 for t in (x, y)):
        return None
    if operation.a.transpose_x:
        return None if operation.a.transpose_y else lambda x, y: namespace.matmul(x.T, y)
    return (lambda x, y: namespace.matmul(x, y.T)) if operation.a.transpose_y else namespace.matmul


def _expand_dims(operation: Operation) -> Callable[..., Any] | None:
    (y,) = operation.outputs
    if y.shape is None:
        return None
    axis = operation.a.axis % len(y.shape)
    key = (*[slice(None)] * axis, None)
    return lambda x: x[key]


def _stack(operation: Operation) -> Callable[..., Any] | None:
    """Numbers as an array."""
    if (
        any(t is None or t.shape != () for t in operation.inputs)
        or operation.outputs[0].dtype.name == "string"
    ):
        return None
    kind = operation.outputs[0].dtype.numpy
    return lambda *values: namespace.array(values, dtype=kind)


def _concat(operation: Operation) -> Callable[..., Any]:
    axis = operation.a.axis
    return lambda *values: namespace.concatenate(values, axis=axis)


def _split(operation: Operation) -> Callable[..., Any] | None:
    """Views, where the graph tells that the sizes fit."""
    x, sizes = operation.inputs[0], operation.a.sizes
    if x is None or x.shape is None or len(sizes) < 2 or not all(isinstance(n, int) for n in sizes):
        return None
    axis = operation.a.axis % len(x.shape)
    if x.shape[axis] != sum(sizes):
        return None
    ends = list(itertools.accumulate(sizes))
    keys = [(*[slice(None)] * axis, slice(e - n, e)) for e, n in zip(ends, sizes, strict=True)]
    return lambda x: [x[key] for key in keys]


def _transpose(operation: Operation) -> Callable[..., Any] | None:
    order = operation.a.permutation
    return (lambda x: x.transpose(order)) if order else None


def _sum(operation: Operation) -> Callable[..., Any] | None:
    x = operation.inputs[0]
    if x is None or x.dtype.name not in _WIDE:
        return None
    axes, keepdims = tuple(operation.a.axes) or None, operation.a.keepdims
    return lambda x: namespace.add.reduce(x, axis=axes, keepdims=keepdims)


# Functions of the arrays alone, of any element type, for one operation; None where the reference is to run.
_MOVES: dict[str, Callable[[Operation], Callable[..., Any] | None]] = {
    "concat": _concat,
    "dynamic_update_slice": lambda operation: _update,
    "expand_dims": _expand_dims,
    "reduce_sum": _sum,
    "split": _split,
    "stack": _stack,
    "transpose": _transpose,
}


class NumpyBackend(Backend):
    """Numpy."""

    name = "numpy"
    array = namespace.ndarray

    def devices(self, config: ConfigProto) -> tuple[Device, ...]:
        """The host, as often as the configuration counts it."""
        return tuple(Device("cpu", i) for i in range(config.count("cpu", 1)))

    def namespace(self, device: Device) -> Any:
        """Numpy."""
        return namespace

    def override(self, op: str) -> Callable[..., Any] | None:
        """That of `overrides`."""
        return overrides.get(op)

    def plain(self, operation: Operation) -> Callable[..., Any] | None:
        """A function of numpy, in the element types in which it means what the op's reference does."""
        if operation.type in _MOVES:
            return _MOVES[operation.type](operation)
        if any(t is None or t.dtype.name not in _WIDE for t in operation.inputs[:2]):
            return None
        if operation.type in ("relu", "matmul"):
            return _relu if operation.type == "relu" else _product(operation)
        return PLAIN.get(operation.type)

    def writes_over(self, operation: Operation) -> bool:
        """Of the functions of numpy, those that compute floating-point numbers."""
        if operation.type == "dynamic_update_slice":
            return True
        known = operation.type in PLAIN or operation.type == "relu"
        return known and operation.outputs[0].dtype.is_floating

    def dtype(self, dtype: DType) -> Any:
        """The numpy dtype."""
        return dtype.numpy

    def feed(self, array: Any) -> Any:
        """The array itself."""
        return array

    def copied(self, array: Any) -> Any:
        """A copy."""
        return namespace.array(array, order="C")

    def owned(self, array: Any, device: Device) -> Any:
        """A copy that cannot be written, or the array itself where nobody can write that."""
        if isinstance(array, namespace.ndarray) and array.base is None and not array.flags.writeable:
            return array
        return self.kept(namespace.array(array))

    def constant(self, array: Any, device: Device) -> Any:
        """The array itself."""
        return array

    def kept(self, array: Any) -> Any:
        """The array, which cannot be written from now on."""
        if not isinstance(array, namespace.ndarray):
            array = namespace.array(array)
        array.flags.writeable = False
        return array

    def numpy(self, array: Any, *, copy: bool) -> Any:
        """A number where the rank is 0; a copy of what the session goes on using, which is read-only."""
        if not isinstance(array, namespace.ndarray):
            return array
        if array.ndim == 0:
            return array[()]
        return array if array.flags.writeable else array.copy()

    def shown(self, array: Any) -> Any:
        """The array itself, which cannot be written."""
        return array

    def cast(self, array: Any, dtype: DType) -> Any:
        """The array as an ndarray of the element type."""
        return namespace.asarray(array, dtype=dtype.numpy)

    def send(self, array: Any, source: Device, target: Device) -> Any:
        """A copy, as between real devices."""
        return namespace.array(array)

    def configure(self, config: ConfigProto) -> None:
        """Nothing: the threads of numpy's products are set before it is imported."""

    def running(self) -> AbstractContextManager[Any]:
        """Floating-point arithmetic without warnings: what an op gives for an infinity is part of its definition."""
        return namespace.errstate(all="ignore")

    def within(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function decorated, which takes less time than a `with`."""
        return namespace.errstate(all="ignore")(function)

    def wait(self, device: Device) -> None:
        """Nothing is left to wait for."""

    def compiled(self, function: Callable[..., Any], options: Any) -> Callable[..., Any]:
        """Refused: numpy has no compiler."""
        raise GraphError("torch_compile needs ConfigProto(backend='torch')")


__all__ = ["PLAIN", "NumpyBackend", "namespace", "overrides", "scattered"]
