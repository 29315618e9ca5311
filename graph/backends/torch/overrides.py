"""What torch computes by calls of its own: `overrides` of references, and `plain` functions.

An override has the signature of the op's reference and its meaning, and goes back to the reference where torch's call
means something else: float16, which the op table accumulates in float32, empty arrays, uneven padding of means.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)

from samara.graph.backends.numpy import scattered as _in_numpy
from samara.graph.ops import _window, scatter
from samara.graph.ops.control import update_in_place

_aten = torch.ops.aten
_WIDE = (torch.float32, torch.float64)


def _reference(xp: Any, op: Any, *inputs: Any) -> Any:
    return op.operation.definition.reference(xp, op, *inputs)


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(shape.tolist())


def _is_plain(*tensors: Any) -> bool:
    return all(t.dtype in _WIDE and t.numel() for t in tensors)


def _first(x: Any) -> Any:
    """A view with channels first: [N, H, W, C] as [N, C, H, W]."""
    return x.permute(0, 3, 1, 2)


def _last(x: Any) -> Any:
    return x.permute(0, 2, 3, 1)


def _activate(op: Any, y: Any) -> Any:
    """The op's own activation, over the array itself."""
    if op.a.activation == "none":
        return y
    return y.relu_() if op.a.activation == "relu" else y.clamp_(0, 6)


# Convolution ---------------------------------------------------------------------------------------------------


def _padding(a: Any, size: Any, taps: Any) -> tuple[Any, Any]:
    """Padding that the call itself does, and uneven padding, which is put around before: left, right, top, bottom."""
    (top, bottom), (left, right) = _window.pads(a, size, taps)
    if top == bottom and left == right:
        return (top, left), None
    return (0, 0), (left, right, top, bottom)


def _conv_weight(op: Any, w: Any) -> tuple[Any, int]:
    """The filter as torch has it [O, C / groups, KH, KW], and the groups."""
    if "groups" in op.operation.attributes:
        return w.permute(3, 2, 0, 1), op.a.groups
    kh, kw, c, m = w.shape
    return w.permute(2, 3, 0, 1).reshape(c * m, 1, kh, kw), c


def _conv(xp: Any, op: Any, x: Any, w: Any, bias: Any) -> Any:
    a, taps = op.a, w.shape[:2]
    if not _is_plain(x, w) or 0 in _window.positions(a, x.shape[1:3], taps):
        return _reference(xp, op, x, w, bias)
    padding, around = _padding(a, x.shape[1:3], taps)
    weight, groups = _conv_weight(op, w)
    x = _first(x) if around is None else F.pad(_first(x), around)
    return _activate(op, _last(F.conv2d(x, weight, bias, a.strides, padding, a.dilations, groups)))


def _conv_backward(op: Any, dy: Any, x: Any, w: Any, padding: Any, groups: int, wanted: int) -> Any:
    """The gradient for input 0, x, or 1, w, both with channels first."""
    mask = [wanted == 0, wanted == 1, False]
    found = _aten.convolution_backward(
        _first(dy),
        x,
        w,
        None,
        list(op.a.strides),
        list(padding),
        list(op.a.dilations),
        False,
        [0, 0],
        groups,
        mask,
    )
    return found[wanted]


def _conv_input(xp: Any, op: Any, sizes: Any, w: Any, dy: Any) -> Any:
    if not _is_plain(w, dy):
        return _reference(xp, op, sizes, w, dy)
    n, h, width, c = _sizes(sizes)
    padding, around = _padding(op.a, (h, width), w.shape[:2])
    left, right, top, bottom = around or (0, 0, 0, 0)
    weight, groups = _conv_weight(op, w)
    # Only its shape is looked at.
    x = dy.new_empty((n, h + top + bottom, width + left + right, c))
    dx = _last(_conv_backward(op, dy, _first(x), weight, padding, groups, 0))
    return dx if around is None else dx[:, top : top + h, left : left + width, :].clone()


def _conv_filter(xp: Any, op: Any, x: Any, sizes: Any, dy: Any) -> Any:
    if not _is_plain(x, dy):
        return _reference(xp, op, x, sizes, dy)
    kh, kw, c, o = _sizes(sizes)
    padding, around = _padding(op.a, x.shape[1:3], (kh, kw))
    x = _first(x) if around is None else F.pad(_first(x), around)
    weight, groups = _conv_weight(op, dy.new_empty((kh, kw, c, o)))
    dw = _conv_backward(op, dy, x, weight, padding, groups, 1)
    if "groups" in op.operation.attributes:
        return dw.permute(2, 3, 1, 0)
    return dw.reshape(c, o, kh, kw).permute(2, 3, 0, 1)


# Pooling -------------------------------------------------------------------------------------------------------


def _max_pooled(op: Any, x: Any) -> tuple[Any, Any]:
    """The maxima and their places, with channels first."""
    a = op.a
    (top, left), around = _padding(a, x.shape[1:3], a.pool_size)
    x = _first(x)
    if around is None and (2 * top > a.pool_size[0] or 2 * left > a.pool_size[1]):
        around = (left, left, top, top)
    if around is not None:
        (top, left), x = (0, 0), F.pad(x, around, value=-math.inf)
    return _aten.max_pool2d_with_indices(x, a.pool_size, a.strides, (top, left)), (x, (top, left), around)


def _max_pool(xp: Any, op: Any, x: Any) -> Any:
    if not _is_plain(x):
        return _reference(xp, op, x)
    (y, places), padded = _max_pooled(op, x)
    y = _last(y)
    if not torch.compiler.is_compiling():
        # The gradient looks for the places again, or finds them here.
        y.samara_places = (x, places, padded)
    return y


def _max_gradient(xp: Any, op: Any, x: Any, y: Any, dy: Any) -> Any:
    if not _is_plain(x, dy):
        return _reference(xp, op, x, y, dy)
    a, compiling = op.a, torch.compiler.is_compiling()
    known = None if compiling else getattr(y, "samara_places", None)
    if known is not None and known[0] is x:
        _, places, padded = known
    else:
        (_, places), padded = _max_pooled(op, x)
    around_x, padding, around = padded
    if compiling or not dy.is_cpu or math.isnan(torch.amax(y).item()):
        # A window with NaN has no first maximum.
        dy = dy.masked_fill(torch.isnan(y), 0)
    dx = _aten.max_pool2d_with_indices_backward(
        _first(dy), around_x, a.pool_size, a.strides, padding, (1, 1), False, places
    )
    if around is not None:
        left, _, top, _ = around
        dx = dx[:, :, top : top + x.shape[1], left : left + x.shape[2]].clone()
    return _last(dx)


def _is_even(op: Any, size: Any) -> bool:
    """Whether torch's mean over windows has this padding."""
    (top, left), around = _padding(op.a, size, op.a.pool_size)
    return around is None and 2 * top <= op.a.pool_size[0] and 2 * left <= op.a.pool_size[1]


def _average_pool(xp: Any, op: Any, x: Any) -> Any:
    a = op.a
    if not _is_plain(x) or not _is_even(op, x.shape[1:3]):
        return _reference(xp, op, x)
    padding, _ = _padding(a, x.shape[1:3], a.pool_size)
    return _last(F.avg_pool2d(_first(x), a.pool_size, a.strides, padding, False, a.count_include_pad))


def _average_gradient(xp: Any, op: Any, sizes: Any, dy: Any) -> Any:
    a = op.a
    n, h, w, c = _sizes(sizes)
    if not _is_plain(dy) or not _is_even(op, (h, w)):
        return _reference(xp, op, sizes, dy)
    padding, _ = _padding(a, (h, w), a.pool_size)
    x = _first(dy.new_empty((n, h, w, c)))
    return _last(
        _aten.avg_pool2d_backward(
            _first(dy), x, a.pool_size, a.strides, padding, False, a.count_include_pad, None
        )
    )


# Products, softmax, reductions ---------------------------------------------------------------------------------


def _matmul(xp: Any, op: Any, x: Any, y: Any, bias: Any) -> Any:
    if x.dtype not in _WIDE:
        return _reference(xp, op, x, y, bias)
    if op.a.transpose_x:
        x = x.mT
    if op.a.transpose_y:
        y = y.mT
    if bias is not None and x.ndim == y.ndim == 2:
        return _activate(op, torch.addmm(bias, x, y))
    product = torch.matmul(x, y)
    return _activate(op, product if bias is None else product.add_(bias))


def _softmax(xp: Any, op: Any, x: Any) -> Any:
    return torch.softmax(x, op.a.axis) if _is_plain(x) else _reference(xp, op, x)


def _log_softmax(xp: Any, op: Any, x: Any) -> Any:
    return torch.log_softmax(x, op.a.axis) if _is_plain(x) else _reference(xp, op, x)


def _cross_entropy(xp: Any, op: Any, labels: Any, logits: Any) -> Any:
    if not _is_plain(logits):
        return _reference(xp, op, labels, logits)
    return torch.log_softmax(logits, -1).mul_(labels).sum(-1).neg_()


def _sparse_cross_entropy(xp: Any, op: Any, labels: Any, logits: Any) -> Any:
    if not _is_plain(logits):
        return _reference(xp, op, labels, logits)
    classes = logits.shape[-1]
    low, high = torch.aminmax(labels)
    if int(low) < 0 or int(high) >= classes:
        return _reference(xp, op, labels, logits)
    places = labels.long().unsqueeze(-1)
    return torch.log_softmax(logits, -1).gather(-1, places).squeeze(-1).neg_()


def _sum(xp: Any, op: Any, x: Any) -> Any:
    if x.dtype not in _WIDE:
        return _reference(xp, op, x)
    return torch.sum(x, op.a.axes or None, op.a.keepdims)


def _mean(xp: Any, op: Any, x: Any) -> Any:
    if not _is_plain(x):
        return _reference(xp, op, x)
    return torch.mean(x, op.a.axes or None, op.a.keepdims)


def _segment_sum(xp: Any, op: Any, data: Any, ids: Any, count: Any) -> Any:
    number = int(count)
    if not _is_plain(data) or int(ids.min()) < 0 or int(ids.max()) >= number:
        return _reference(xp, op, data, ids, count)
    sums = data.new_zeros((number, *data.shape[ids.ndim :]))
    places, rows = ids.reshape(-1).long(), data.reshape(-1, *data.shape[ids.ndim :])
    if data.is_cpu:
        return sums.index_add_(0, places, rows)
    # On a GPU the other one adds in an order that changes from run to run.
    return sums.index_put_((places,), rows, accumulate=True)


def _scattered(xp: Any, reduction: str, rows: Any, places: Any, updates: Any) -> Any:
    """On the host numpy puts them in, in their order; a GPU is left what does not depend on the order."""
    if rows.is_cpu:
        found = _in_numpy(xp, reduction, rows.numpy(), places.numpy(), updates.numpy())
        return torch.from_numpy(found)
    if reduction != "none":
        return scatter.scattered(xp, reduction, rows, places, updates)
    return last_stays(rows, places, updates)


def last_stays(rows: Any, places: Any, updates: Any) -> Any:
    """A copy of rows in which each place has the last of its updates, whatever the order in which a GPU works."""
    if not updates.shape[0]:
        return rows.clone()
    last = torch.full((rows.shape[0],), -1, dtype=torch.int64, device=rows.device)
    numbers = torch.arange(places.shape[0], device=rows.device)
    last.scatter_reduce_(0, places, numbers, "amax")
    wide = last.reshape(-1, *[1] * (rows.ndim - 1))
    return torch.where(wide >= 0, updates[last.clamp(min=0)], rows)


def _layer_norm(xp: Any, op: Any, x: Any, scale: Any, offset: Any) -> Any:
    if not _is_plain(x):
        return _reference(xp, op, x, scale, offset)
    return F.layer_norm(x, x.shape[op.a.axis % x.ndim :], scale, offset, op.a.epsilon)


# Element by element --------------------------------------------------------------------------------------------


def _wide_only(function: Callable[..., Any]) -> Callable[..., Any]:
    """An override for float32 and float64 alone."""

    def run(xp: Any, op: Any, *inputs: Any) -> Any:
        return function(op, *inputs) if inputs[0].dtype in _WIDE else _reference(xp, op, *inputs)

    return run


def _simply(function: Callable[..., Any]) -> Callable[..., Any]:
    """An override for every element type."""
    return lambda xp, op, *inputs: function(*inputs)


def _prelu(op: Any, x: Any, slope: Any) -> Any:
    return torch.where(x > 0, x, slope * x)


def _gelu(xp: Any, op: Any, x: Any) -> Any:
    # Torch's approximation with tanh loses what is small.
    if not _is_plain(x) or op.a.approximate == "tanh":
        return _reference(xp, op, x)
    y = F.gelu(x)
    # On the host torch gives NaN for infinity.
    if x.is_cpu and not torch.compiler.is_compiling() and not torch.amax(x).item() < math.inf:
        y.masked_fill_(x == math.inf, math.inf)
    return y


def _rest(on_device: Callable[..., Any], on_host: Callable[..., Any]) -> Callable[..., Any]:
    """The rest of a division: on the host by numpy, as torch loses it where the quotient is beyond all numbers."""

    def run(xp: Any, op: Any, x: Any, y: Any) -> Any:
        if not x.dtype.is_floating_point:
            return _reference(xp, op, x, y)
        return torch.as_tensor(on_host(x.numpy(), y.numpy())) if x.is_cpu else on_device(x, y)

    return run


def _floor_mod(x: Any, y: Any) -> Any:
    rest = torch.remainder(x, y)
    # That of 0 has the sign of y too.
    return torch.where(rest == 0, torch.copysign(rest, y), rest)


# Random numbers ------------------------------------------------------------------------------------------------


def _generator(op: Any) -> Any:
    return op.state.own_generator(op.operation, None if op.a.seed == -1 else op.a.seed, op.device)


def _drawn(op: Any, shape: Any, draw: Callable[..., Any], wide: Any = None) -> Any:
    """Numbers by `draw(tensor, generator)`, in float32 where the element type is float16."""
    dtype = op.output_dtypes[0]
    made = torch.empty(
        _sizes(shape),
        dtype=wide or (torch.float32 if dtype == torch.float16 else dtype),
        device=op.device.handle,
    )
    return draw(made, _generator(op)).to(dtype)


def _uniform(xp: Any, op: Any, shape: Any) -> Any:
    low, high = op.a.minimum, op.a.maximum
    if op.a.dtype.is_integer:
        return _drawn(op, shape, lambda t, g: t.random_(int(low), int(high), generator=g), torch.int64)
    drawn = _drawn(op, shape, lambda t, g: t.uniform_(low, high, generator=g))
    # The few that rounding brings up to the maximum become the minimum.
    return drawn.masked_fill_(drawn >= high, low)


def _normal(xp: Any, op: Any, shape: Any) -> Any:
    return _drawn(op, shape, lambda t, g: t.normal_(op.a.mean, op.a.stddev, generator=g))


def _truncated(xp: Any, op: Any, shape: Any) -> Any:
    def draw(tensor: Any, generator: Any) -> Any:
        tensor.normal_(generator=generator)
        outside = tensor.abs() > 2
        while bool(outside.any()):
            count = int(outside.sum())
            tensor[outside] = tensor.new_empty(count).normal_(generator=generator)
            outside = tensor.abs() > 2
        return tensor.mul_(op.a.stddev).add_(op.a.mean)

    return _drawn(op, shape, draw)


def _shuffle(xp: Any, op: Any, x: Any) -> Any:
    order = torch.randperm(x.shape[0], generator=_generator(op), device=op.device.handle)
    return x.index_select(0, order)


overrides: dict[str, Callable[..., Any]] = {
    "average_pool2d": _average_pool,
    "average_pool2d_gradient": _average_gradient,
    "conv2d": _conv,
    "conv2d_backprop_filter": _conv_filter,
    "conv2d_backprop_input": _conv_input,
    "depthwise_conv2d": _conv,
    "depthwise_conv2d_backprop_filter": _conv_filter,
    "depthwise_conv2d_backprop_input": _conv_input,
    "elu": _wide_only(lambda op, x: F.elu(x, op.a.alpha)),
    "erf": _wide_only(lambda op, x: torch.erf(x)),
    "floor_mod": _rest(_floor_mod, np.mod),
    "gelu": _gelu,
    "layer_normalization": _layer_norm,
    "leaky_relu": _wide_only(lambda op, x: F.leaky_relu(x, op.a.alpha)),
    "log_softmax": _log_softmax,
    "matmul": _matmul,
    "max_pool2d": _max_pool,
    "max_pool2d_gradient": _max_gradient,
    "maximum": _simply(torch.maximum),
    "minimum": _simply(torch.minimum),
    "prelu": _wide_only(_prelu),
    "random_normal": _normal,
    "random_shuffle": _shuffle,
    "random_uniform": _uniform,
    "reduce_mean": _mean,
    "reduce_sum": _sum,
    "relu": _wide_only(lambda op, x: torch.relu(x)),
    "relu6": _wide_only(lambda op, x: torch.clamp(x, 0, 6)),
    "sigmoid": _wide_only(lambda op, x: torch.sigmoid(x)),
    "silu": _wide_only(lambda op, x: F.silu(x)),
    "softmax": _softmax,
    "softmax_cross_entropy_with_logits": _cross_entropy,
    "sparse_softmax_cross_entropy_with_logits": _sparse_cross_entropy,
    "square": _simply(torch.square),
    "tanh": _wide_only(lambda op, x: torch.tanh(x)),
    "truncate_mod": _rest(torch.fmod, np.fmod),
    "truncated_normal": _truncated,
    "scatter_elements": functools.partial(scatter.scatter_elements, put=_scattered),
    "scatter_nd": functools.partial(scatter.scatter_nd, put=_scattered),
    "unsorted_segment_sum": _segment_sum,
    "where": _simply(torch.where),
}


def _relu(x: Any, out: Any = None) -> Any:
    return torch.relu(x) if out is None else x.relu_()


# Functions of the arrays alone, for float32 and float64, that take `out`.
def _update(x: Any, update: Any, begin: Any, out: Any = None) -> Any:
    return update_in_place(x, update, begin, x.clone() if out is None else out)


plain: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "divide": torch.div,
    "dynamic_update_slice": _update,
    "exp": torch.exp,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "multiply": torch.mul,
    "negative": torch.neg,
    "relu": _relu,
    "sigmoid": torch.sigmoid,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "subtract": torch.sub,
    "tanh": torch.tanh,
}


def _add_multiple(factor: float) -> Callable[..., Any]:
    return lambda x, y, out=None: torch.add(x, y, alpha=factor, out=out)


def _add_product(factor: float) -> Callable[..., Any]:
    return lambda x, y, z, out=None: torch.addcmul(x, y, z, value=factor, out=out)


def _add_quotient(factor: float) -> Callable[..., Any]:
    return lambda x, y, z, s, out=None: torch.addcdiv(x, y, z, value=factor * s.item(), out=out)


def _zeroed(factor: None) -> Callable[..., Any]:
    # The gradient of torch's own relu.
    def run(x: Any, y: Any, out: Any = None) -> Any:
        if out is None:
            return _aten.threshold_backward(y, x, 0)
        return _aten.threshold_backward.grad_input(y, x, 0, grad_input=out)

    return run


# By the names of `Backend.fused`.
fused: dict[str, Callable[..., Any]] = {
    "add_multiple": _add_multiple,
    "add_product": _add_product,
    "add_quotient": _add_quotient,
    "zeroed": _zeroed,
}

__all__ = ["fused", "last_stays", "overrides", "plain"]
