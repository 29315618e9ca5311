"""Convolutions over height and width. Layout NHWC, filters HWIO."""

from __future__ import annotations

from typing import Any

from samara.graph import dims, dtypes
from samara.graph.dims import Dim
from samara.graph.ops import _window
from samara.graph.ops._table import ACTIVATION, OPS, OpDef, attribute
from samara.graph.ops.matmul import activate, activation_gradient, bias_gradient, check_bias, packing_scratch

_GROUPS = attribute(
    "groups", "int", 1, "Into how many groups channels fall; each output channel sees one group."
)
_ACTIVATION = attribute("activation", ACTIVATION, "none", "What clamps the result.")
_CONV = _window.window_attributes(_window.DILATIONS, _GROUPS)
_DEPTHWISE = _window.window_attributes(_window.DILATIONS)
_TYPES = {"T": dtypes.FLOATS}


def _attributes(op: Any) -> dict[str, Any]:
    return {k: v for k, v in op.attributes.items() if k != "activation"}


def _conv_shape(op: Any) -> Any:
    x, w = op.require_rank(0, 4), op.require_rank(1, 4)
    _window.check_window(op, (w[0], w[1]))
    if op.a.groups < 1 or (isinstance(w[3], int) and w[3] % op.a.groups):
        op.fail(f"groups={op.a.groups} does not divide the {w[3]} output channels")
    op.merge(x[3], w[2] * op.a.groups, f"the channels of x and of the filter times groups={op.a.groups}")
    check_bias(op, 2, w[3])
    height, width = (_window.output_size(op, i, x[1 + i], w[i]) for i in (0, 1))
    return (x[0], height, width, w[3])


def _depthwise_shape(op: Any) -> Any:
    x, w = op.require_rank(0, 4), op.require_rank(1, 4)
    _window.check_window(op, (w[0], w[1]))
    channels = op.merge(x[3], w[2], "the channels of x and of the filter")
    check_bias(op, 2, channels * w[3])
    height, width = (_window.output_size(op, i, x[1 + i], w[i]) for i in (0, 1))
    return (x[0], height, width, channels * w[3])


def _wide(xp: Any, *arrays: Any) -> list[Any]:
    """float16 as float32, in which it accumulates."""
    return [xp.astype(a, xp.float32) if a.dtype == xp.float16 else a for a in arrays]


def _rows(xp: Any, a: Any, x: Any, taps: tuple[int, int], size: tuple[int, int]) -> Any:
    """For each row of taps, what all windows see of it: [N * OH * OW, KW * C], in the order of a filter's row."""
    for ky in range(taps[0]):
        seen = [x[_window.tap(a, ky, kx, size)] for kx in range(taps[1])]
        merged = seen[0] if len(seen) == 1 else xp.concat(seen, axis=3)
        yield ky, xp.reshape(merged, (-1, merged.shape[3]))


def _grouped(xp: Any, groups: int, run: Any, x: Any, w: Any) -> Any:
    """`run` on each group of x's channels and of the filter's outputs, joined."""
    c, o = x.shape[3] // groups, w.shape[3] // groups
    parts = [run(x[..., g * c : (g + 1) * c], w[..., g * o : (g + 1) * o]) for g in range(groups)]
    return parts[0] if groups == 1 else xp.concat(parts, axis=3)


def _conv(xp: Any, op: Any, x: Any, w: Any, bias: Any) -> Any:
    dtype = x.dtype
    x, w = _wide(xp, x, w)
    taps = w.shape[:2]
    size = _window.positions(op.a, x.shape[1:3], taps)
    x = _window.padded(xp, op.a, x, taps, 0)

    def run(x: Any, w: Any) -> Any:
        total = xp.zeros((x.shape[0] * size[0] * size[1], w.shape[3]), dtype=x.dtype)
        for ky, row in _rows(xp, op.a, x, taps, size):
            total += xp.matmul(row, xp.reshape(w[ky, ...], (-1, w.shape[3])))
        return xp.reshape(total, (x.shape[0], *size, w.shape[3]))

    y = _grouped(xp, op.a.groups, run, x, w)
    if bias is not None:
        y = y + xp.astype(bias, y.dtype)
    return xp.astype(activate(xp, op, y), dtype)


def _depthwise(xp: Any, op: Any, x: Any, w: Any, bias: Any) -> Any:
    dtype = x.dtype
    x, w = _wide(xp, x, w)
    taps = w.shape[:2]
    size = _window.positions(op.a, x.shape[1:3], taps)
    x = _window.padded(xp, op.a, x, taps, 0)
    total = xp.zeros((x.shape[0], *size, *w.shape[2:]), dtype=x.dtype)
    for ky in range(taps[0]):
        for kx in range(taps[1]):
            total += x[_window.tap(op.a, ky, kx, size)][..., None] * w[ky, kx, ...]
    y = xp.reshape(total, (x.shape[0], *size, w.shape[2] * w.shape[3]))
    if bias is not None:
        y = y + xp.astype(bias, y.dtype)
    return xp.astype(activate(xp, op, y), dtype)


def _inner(a: Any, x: Any, taps: tuple[int, int], size: tuple[int, int]) -> Any:
    """A padded array without its padding."""
    (top, _), (left, _) = _window.pads(a, size, taps)
    return x[:, top : top + size[0], left : left + size[1], :]


def _padded_zeros(xp: Any, op: Any, sizes: Any, taps: tuple[int, int], dtype: Any) -> Any:
    n, h, w, c = (int(s) for s in sizes)
    (top, bottom), (left, right) = _window.pads(op.a, (h, w), taps)
    return xp.zeros((n, h + top + bottom, w + left + right, c), dtype=dtype)


def _conv_input(xp: Any, op: Any, sizes: Any, w: Any, dy: Any) -> Any:
    dtype = dy.dtype
    w, dy = _wide(xp, w, dy)
    taps, size = w.shape[:2], dy.shape[1:3]
    dx = _padded_zeros(xp, op, sizes, taps, dy.dtype)
    c, o = w.shape[2], w.shape[3] // op.a.groups
    for g in range(op.a.groups):
        flat = xp.reshape(dy[..., g * o : (g + 1) * o], (-1, o))
        for ky in range(taps[0]):
            turned = xp.reshape(w[ky, :, :, g * o : (g + 1) * o], (-1, o)).T
            row = xp.reshape(xp.matmul(flat, turned), (dy.shape[0], *size, taps[1], c))
            for kx in range(taps[1]):
                n, rows, columns, _ = _window.tap(op.a, ky, kx, size)
                dx[n, rows, columns, g * c : (g + 1) * c] += row[..., kx, :]
    return xp.astype(_inner(op.a, dx, taps, (int(sizes[1]), int(sizes[2]))), dtype)


def _conv_filter(xp: Any, op: Any, x: Any, sizes: Any, dy: Any) -> Any:
    dtype = x.dtype
    x, dy = _wide(xp, x, dy)
    kh, kw, c, outputs = (int(s) for s in sizes)
    x = _window.padded(xp, op.a, x, (kh, kw), 0)
    o = outputs // op.a.groups
    parts = []
    for g in range(op.a.groups):
        flat = xp.reshape(dy[..., g * o : (g + 1) * o], (-1, o))
        rows = _rows(xp, op.a, x[..., g * c : (g + 1) * c], (kh, kw), dy.shape[1:3])
        parts.append(xp.stack([xp.reshape(xp.matmul(row.T, flat), (kw, c, o)) for _, row in rows]))
    return xp.astype(parts[0] if len(parts) == 1 else xp.concat(parts, axis=3), dtype)


def _depthwise_input(xp: Any, op: Any, sizes: Any, w: Any, dy: Any) -> Any:
    dtype = dy.dtype
    w, dy = _wide(xp, w, dy)
    taps, size = w.shape[:2], dy.shape[1:3]
    dx = _padded_zeros(xp, op, sizes, taps, dy.dtype)
    split = xp.reshape(dy, (*dy.shape[:3], *w.shape[2:]))
    for ky in range(taps[0]):
        for kx in range(taps[1]):
            dx[_window.tap(op.a, ky, kx, size)] += xp.sum(split * w[ky, kx, ...], axis=4)
    return xp.astype(_inner(op.a, dx, taps, (int(sizes[1]), int(sizes[2]))), dtype)


def _depthwise_filter(xp: Any, op: Any, x: Any, sizes: Any, dy: Any) -> Any:
    dtype = x.dtype
    x, dy = _wide(xp, x, dy)
    kh, kw, c, m = (int(s) for s in sizes)
    x = _window.padded(xp, op.a, x, (kh, kw), 0)
    split = xp.reshape(dy, (*dy.shape[:3], c, m))
    taps = [
        xp.sum(x[_window.tap(op.a, ky, kx, dy.shape[1:3])][..., None] * split, axis=(0, 1, 2))
        for ky in range(kh)
        for kx in range(kw)
    ]
    return xp.astype(xp.reshape(xp.stack(taps), (kh, kw, c, m)), dtype)


def _forward_gradient(prefix: str) -> Any:
    def gradient(b: Any, op: Any, dy: Any) -> list[Any]:
        x, w, _ = op.inputs
        dy = activation_gradient(b, op, dy)
        shared = _attributes(op)
        dx = getattr(b, f"{prefix}_backprop_input")(b.sizes(x), w, dy, **shared)
        dw = getattr(b, f"{prefix}_backprop_filter")(x, b.sizes(w), dy, **shared)
        return [dx, dw, bias_gradient(b, op, dy)]

    return gradient


def _input_gradient(prefix: str) -> Any:
    def gradient(b: Any, op: Any, g: Any) -> list[Any]:
        _, w, dy = op.inputs
        shared = _attributes(op)
        dw = getattr(b, f"{prefix}_backprop_filter")(g, b.sizes(w), dy, **shared)
        return [None, dw, getattr(b, prefix)(g, w, **shared)]

    return gradient


def _filter_gradient(prefix: str) -> Any:
    def gradient(b: Any, op: Any, g: Any) -> list[Any]:
        x, _, dy = op.inputs
        shared = _attributes(op)
        dx = getattr(b, f"{prefix}_backprop_input")(b.sizes(x), g, dy, **shared)
        return [dx, None, getattr(b, prefix)(x, g, **shared)]

    return gradient


def _sizes(op: Any, index: int) -> Any:
    """The four sizes that an operand holds, unknown ones where the graph does not determine it."""
    shape = op.shapes[index]
    if len(shape) != 1 or dims.merge(shape[0], 4) is None:
        op.fail(f"{op.definition.operands[index].name} must hold four sizes, its shape is {dims.text(shape)}")
    return op.value(index) or (Dim(), Dim(), Dim(), Dim())


def _check_positions(op: Any, x: Any, taps: Any, dy: Any) -> None:
    _window.check_window(op, taps)
    op.merge(x[0], dy[0], "the batch of x and of dy")
    for i in (0, 1):
        op.merge(_window.output_size(op, i, x[1 + i], taps[i]), dy[1 + i], f"{('height', 'width')[i]} of dy")


def _conv_input_shape(op: Any) -> Any:
    x, w, dy = _sizes(op, 0), op.require_rank(1, 4), op.require_rank(2, 4)
    _check_positions(op, x, w[:2], dy)
    op.merge(w[3], dy[3], "the output channels of the filter and of dy")
    return (op.merge(x[0], dy[0], "batch"), x[1], x[2], op.merge(x[3], w[2] * op.a.groups, "channels"))


def _conv_filter_shape(op: Any) -> Any:
    x, w, dy = op.require_rank(0, 4), _sizes(op, 1), op.require_rank(2, 4)
    _check_positions(op, x, w[:2], dy)
    op.merge(x[3], w[2] * op.a.groups, "the channels of x and of the filter times groups")
    return (*w[:3], op.merge(w[3], dy[3], "output channels"))


def _depthwise_input_shape(op: Any) -> Any:
    x, w, dy = _sizes(op, 0), op.require_rank(1, 4), op.require_rank(2, 4)
    _check_positions(op, x, w[:2], dy)
    op.merge(w[2] * w[3], dy[3], "the output channels of the filter and of dy")
    return (op.merge(x[0], dy[0], "batch"), x[1], x[2], op.merge(x[3], w[2], "channels"))


def _depthwise_filter_shape(op: Any) -> Any:
    x, w, dy = op.require_rank(0, 4), _sizes(op, 1), op.require_rank(2, 4)
    _check_positions(op, x, w[:2], dy)
    op.merge(w[2] * w[3], dy[3], "the output channels of the filter and of dy")
    return (*w[:2], op.merge(w[2], x[3], "channels"), w[3])


def _scratch(op: Any) -> Any:
    filters, groups = op.inputs[1].shape, op.attributes["groups"]
    grouped = groups > 1 and (not isinstance(filters[3], int) or filters[3] // groups % 16)
    if grouped or op.inputs[1].op.type == "constant":
        return 0
    return packing_scratch(op, dims.product(filters[:3]), filters[3], dims.product(op.outputs[0].shape[:3]))


_FORMULA = (
    "y[n, i, j, o] = bias[o] + sum over ky, kx, c of x[n, i * stride + ky * dilation - pad, ..., c] * filter"
)

OPS.register(
    OpDef(
        name="conv2d",
        opcode=95,
        inputs=("x: T strided", "filter: T packed", "bias: T?"),
        outputs=("y: T strided",),
        types=_TYPES,
        attributes=(*_CONV, _ACTIVATION),
        doc="Convolution of x [N, H, W, C] with a filter [KH, KW, C / groups, O], plus bias [O], clamped. "
        f"{_FORMULA}[ky, kx, c, o]; padding counts as 0. float16 accumulates in float32.",
        shape=_conv_shape,
        reference=_conv,
        gradient=_forward_gradient("conv2d"),
        quant="conv2d",
        scratch=_scratch,
    ),
    OpDef(
        name="depthwise_conv2d",
        opcode=96,
        inputs=("x: T strided", "filter: T", "bias: T?"),
        outputs=("y: T strided",),
        types=_TYPES,
        attributes=(*_DEPTHWISE, _ACTIVATION),
        doc="Convolution of each channel of x [N, H, W, C] with its own M filters [KH, KW, C, M]: output channel "
        "c * M + m. Padding counts as 0. float16 accumulates in float32.",
        shape=_depthwise_shape,
        reference=_depthwise,
        gradient=_forward_gradient("depthwise_conv2d"),
        quant="depthwise_conv2d",
    ),
    OpDef(
        name="conv2d_backprop_input",
        opcode=97,
        inputs=("input_sizes: int32 shape_only", "filter: T", "dy: T"),
        outputs=("dx: T",),
        types=_TYPES,
        attributes=_CONV,
        doc="The gradient of conv2d for its input, of shape input_sizes; also known as transposed convolution.",
        shape=_conv_input_shape,
        reference=_conv_input,
        gradient=_input_gradient("conv2d"),
    ),
    OpDef(
        name="conv2d_backprop_filter",
        opcode=98,
        inputs=("x: T", "filter_sizes: int32 shape_only", "dy: T"),
        outputs=("dw: T",),
        types=_TYPES,
        attributes=_CONV,
        doc="The gradient of conv2d for its filter, of shape filter_sizes.",
        shape=_conv_filter_shape,
        reference=_conv_filter,
        gradient=_filter_gradient("conv2d"),
    ),
    OpDef(
        name="depthwise_conv2d_backprop_input",
        opcode=99,
        inputs=("input_sizes: int32 shape_only", "filter: T", "dy: T"),
        outputs=("dx: T",),
        types=_TYPES,
        attributes=_DEPTHWISE,
        doc="The gradient of depthwise_conv2d for its input, of shape input_sizes.",
        shape=_depthwise_input_shape,
        reference=_depthwise_input,
        gradient=_input_gradient("depthwise_conv2d"),
    ),
    OpDef(
        name="depthwise_conv2d_backprop_filter",
        opcode=100,
        inputs=("x: T", "filter_sizes: int32 shape_only", "dy: T"),
        outputs=("dw: T",),
        types=_TYPES,
        attributes=_DEPTHWISE,
        doc="The gradient of depthwise_conv2d for its filter, of shape filter_sizes.",
        shape=_depthwise_filter_shape,
        reference=_depthwise_filter,
        gradient=_filter_gradient("depthwise_conv2d"),
    ),
)
