"""Pooling: the largest value, or the mean, of windows over height and width. Layout NHWC."""

from __future__ import annotations

from typing import Any

from samara.graph import dims, dtypes
from samara.graph.dims import Dim
from samara.graph.ops import _window
from samara.graph.ops._table import OPS, OpDef, attribute

_POOL_SIZE = attribute("pool_size", "ints", doc="Height and width of the window.", limit=2)
_MAX = (_POOL_SIZE, *_window.window_attributes())
_AVERAGE = (
    *_MAX,
    attribute("count_include_pad", "bool", False, "Whether padding counts, as zeros, in the mean."),
)
_TYPES = {"T": dtypes.FLOATS}


def _pooled(op: Any, x: Any) -> Any:
    """The shape that pooling x [N, H, W, C] has."""
    if len(op.a.pool_size) != 2:
        op.fail(f"pool_size must be two numbers (height, width), not {list(op.a.pool_size)}")
    taps = tuple(op.a.pool_size)
    _window.check_window(op, taps)
    if op.a.padding == "explicit":
        for i, name in enumerate(("height", "width")):
            around = op.a.paddings[2 * i : 2 * i + 2]
            if max(around) >= taps[i] or x[1 + i] == 0:
                op.fail(
                    f"along the {name} {x[1 + i]} a window of {taps[i]} lies in the padding {list(around)} alone: "
                    "the padding must be smaller than the window"
                )
    return (x[0], *(_window.output_size(op, i, x[1 + i], taps[i]) for i in (0, 1)), x[3])


def _require_pooled(op: Any, x: Any, *indices: int) -> None:
    """Refuses operands that do not have the shape of x pooled."""
    expected = _pooled(op, x)
    for index in indices:
        found = op.require_rank(index, 4)
        for axis in range(4):
            name = op.definition.operands[index].name
            op.merge(expected[axis], found[axis], f"axis {axis} of x pooled and of {name}")


def _gradient_shape(op: Any) -> Any:
    x = op.require_rank(0, 4)
    _require_pooled(op, x, 1, 2)
    return x


def _pick_shape(op: Any) -> Any:
    x, y = op.require_rank(0, 4), op.require_rank(1, 4)
    _require_pooled(op, x, 1)
    for axis, size in enumerate(op.require_rank(2, 4)):
        op.merge(x[axis], size, f"axis {axis} of x and of values")
    return y


def _average_gradient_shape(op: Any) -> Any:
    sizes, dy = op.shapes[0], op.require_rank(1, 4)
    if len(sizes) != 1 or dims.merge(sizes[0], 4) is None:
        op.fail(f"input_sizes must hold four sizes, its shape is {dims.text(sizes)}")
    x = op.value(0) or (dy[0], Dim(), Dim(), dy[3])
    _require_pooled(op, x, 1)
    return x


def _taps(a: Any, size: tuple[int, int]) -> Any:
    """What each tap of all windows sees of a padded array, in row-major order."""
    return [_window.tap(a, ky, kx, size) for ky in range(a.pool_size[0]) for kx in range(a.pool_size[1])]


def _positions(op: Any, x: Any) -> tuple[int, int]:
    return _window.positions(op.a, x.shape[1:3], op.a.pool_size)


def _inner(a: Any, x: Any, size: tuple[int, int]) -> Any:
    """A padded array without its padding."""
    (top, _), (left, _) = _window.pads(a, size, a.pool_size)
    return x[:, top : top + size[0], left : left + size[1], :]


def _wide(xp: Any, x: Any) -> Any:
    """float16 as float32, in which it accumulates."""
    return xp.astype(x, xp.float32) if x.dtype == xp.float16 else x


def _max_pool(xp: Any, op: Any, x: Any) -> Any:
    size = _positions(op, x)
    least = xp.iinfo(x.dtype).min if xp.isdtype(x.dtype, "integral") else -xp.inf
    y = xp.full((x.shape[0], *size, x.shape[3]), least, dtype=x.dtype)
    x = _window.padded(xp, op.a, x, op.a.pool_size, least)
    for tap in _taps(op.a, size):
        y = xp.maximum(y, x[tap])
    return y


def _first_maxima(xp: Any, op: Any, x: Any, y: Any) -> Any:
    """For each tap, where it is the first of its window that has the maximum y."""
    x = _window.padded(xp, op.a, x, op.a.pool_size, xp.nan)
    free = xp.full(y.shape, True, dtype=xp.bool)
    for tap in _taps(op.a, y.shape[1:3]):
        first = xp.logical_and(free, x[tap] == y)
        free = xp.logical_and(free, xp.logical_not(first))
        yield tap, first


def _max_gradient(xp: Any, op: Any, x: Any, y: Any, dy: Any) -> Any:
    wide = _wide(xp, dy)
    dx = _window.padded(xp, op.a, xp.zeros(x.shape, dtype=wide.dtype), op.a.pool_size, 0)
    for tap, first in _first_maxima(xp, op, x, y):
        dx[tap] += xp.where(first, wide, xp.zeros_like(wide))
    return xp.astype(_inner(op.a, dx, x.shape[1:3]), dy.dtype)


def _max_pick(xp: Any, op: Any, x: Any, y: Any, values: Any) -> Any:
    picked = xp.zeros_like(y)
    values = _window.padded(xp, op.a, values, op.a.pool_size, 0)
    for tap, first in _first_maxima(xp, op, x, y):
        picked = xp.where(first, values[tap], picked)
    return picked


def _counts(xp: Any, op: Any, size: tuple[int, int], positions: tuple[int, int], dtype: Any) -> Any:
    """What the sum of each window is divided by: [1, OH, OW, 1]."""
    around = xp.ones((1, *size, 1), dtype=dtype)
    around = _window.padded(xp, op.a, around, op.a.pool_size, 1 if op.a.count_include_pad else 0)
    counts = xp.zeros((1, *positions, 1), dtype=dtype)
    for tap in _taps(op.a, positions):
        counts += around[tap]
    return counts


def _average_pool(xp: Any, op: Any, x: Any) -> Any:
    wide, size = _wide(xp, x), _positions(op, x)
    total = xp.zeros((x.shape[0], *size, x.shape[3]), dtype=wide.dtype)
    around = _window.padded(xp, op.a, wide, op.a.pool_size, 0)
    for tap in _taps(op.a, size):
        total += around[tap]
    return xp.astype(total / _counts(xp, op, x.shape[1:3], size, wide.dtype), x.dtype)


def _average_gradient(xp: Any, op: Any, sizes: Any, dy: Any) -> Any:
    n, h, w, c = (int(s) for s in sizes)
    wide = _wide(xp, dy)
    share = wide / _counts(xp, op, (h, w), dy.shape[1:3], wide.dtype)
    dx = _window.padded(xp, op.a, xp.zeros((n, h, w, c), dtype=wide.dtype), op.a.pool_size, 0)
    for tap in _taps(op.a, dy.shape[1:3]):
        dx[tap] += share
    return xp.astype(_inner(op.a, dx, (h, w)), dy.dtype)


OPS.register(
    OpDef(
        name="max_pool2d",
        opcode=110,
        inputs=("x: T strided",),
        outputs=("y: T strided",),
        types={"T": (*dtypes.FLOATS, dtypes.int8, dtypes.uint8, dtypes.int16, dtypes.int32)},
        attributes=_MAX,
        doc="The largest value of each window of x [N, H, W, C], channel by channel; NaN where one is NaN. Padding "
        "does not take part, and a window must hold more than padding. The gradient goes to the first maximum, row by "
        "row.",
        shape=lambda op: _pooled(op, op.require_rank(0, 4)),
        reference=_max_pool,
        gradient=lambda b, op, dy: [b.max_pool2d_gradient(op.inputs[0], op.outputs[0], dy, **op.attributes)],
        quant="same",
    ),
    OpDef(
        name="average_pool2d",
        opcode=111,
        inputs=("x: T strided",),
        outputs=("y: T strided",),
        types=_TYPES,
        attributes=_AVERAGE,
        doc="The mean of each window of x [N, H, W, C], channel by channel: the sum of its pixels over their number, "
        "without those of the padding unless count_include_pad. A window must hold more than padding. float16 "
        "accumulates in float32.",
        shape=lambda op: _pooled(op, op.require_rank(0, 4)),
        reference=_average_pool,
        gradient=lambda b, op, dy: [b.average_pool2d_gradient(b.sizes(op.inputs[0]), dy, **op.attributes)],
        quant="average_pool",
    ),
    OpDef(
        name="max_pool2d_gradient",
        opcode=112,
        inputs=("x: T", "y: T", "dy: T"),
        outputs=("dx: T",),
        types=_TYPES,
        attributes=_MAX,
        doc="The gradient of max_pool2d for its input, where y is its output: dy of each window goes to the first "
        "pixel of the window, row by row, that equals y, and nowhere where y is NaN. Its gradients for x and y are "
        "zero wherever they exist, and left out.",
        shape=_gradient_shape,
        reference=_max_gradient,
        gradient=lambda b, op, g: [None, None, b.max_pool2d_pick(*op.inputs[:2], g, **op.attributes)],
    ),
    OpDef(
        name="average_pool2d_gradient",
        opcode=113,
        inputs=("input_sizes: int32 shape_only", "dy: T"),
        outputs=("dx: T",),
        types=_TYPES,
        attributes=_AVERAGE,
        doc="The gradient of average_pool2d for its input, of shape input_sizes: dy of each window over its count, to "
        "each of its pixels.",
        shape=_average_gradient_shape,
        reference=_average_gradient,
        gradient=lambda b, op, g: [None, b.average_pool2d(g, **op.attributes)],
    ),
    OpDef(
        name="max_pool2d_pick",
        opcode=114,
        inputs=("x: T", "y: T", "values: T"),
        outputs=("picked: T",),
        types=_TYPES,
        attributes=_MAX,
        doc="What `values`, of the shape of x, has where each window of x has its maximum y first, row by row; 0 "
        "where y is NaN. The gradient of max_pool2d_gradient for dy. Its gradients for x and y are left out.",
        shape=_pick_shape,
        reference=_max_pick,
        gradient=lambda b, op, g: [None, None, b.max_pool2d_gradient(*op.inputs[:2], g, **op.attributes)],
    ),
)
