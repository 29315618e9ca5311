"""Convolutions by minimal filtering: what the exporter makes of some of 3 by 3 taps."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph import dims
from samara.graph.dims import Dimension
from samara.graph.ops import _window
from samara.graph.ops._table import ACTIVATION, OPS, OpDef, attribute
from samara.graph.ops.matmul import activate, check_bias

TILE = 4
_SEEN = TILE + 2
_POINTS = _SEEN * _SEEN
_FLOAT32_BYTES = 4

# With the points 0, a, -a, b, -b and infinity, where a * a = 1/2 and b * b = 2.
_A, _B = 0.5**0.5, 2.0**0.5
# The polynomials through the points: what the input is multiplied with on both sides.
INPUT = np.array(
    [
        [1, 0, -2.5, 0, 1, 0],
        [0, -_B, -2, _A, 1, 0],
        [0, _B, -2, -_A, 1, 0],
        [0, -_A, -0.5, _B, 1, 0],
        [0, _A, -0.5, -_B, 1, 0],
        [0, 1, 0, -2.5, 0, 1],
    ]
)
OUTPUT = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [0, _A, -_A, _B, -_B, 0],
        [0, 0.5, 0.5, 2, 2, 0],
        [0, _A / 2, -_A / 2, 2 * _B, -2 * _B, 1],
    ]
)
# 1, p and p * p for each point p, over the product of its distances from the others.
FILTER = np.array(
    [
        [1, 0, 0],
        [-2 / 3, -2 / 3 * _A, -1 / 3],
        [-2 / 3, 2 / 3 * _A, -1 / 3],
        [1 / 6, 1 / 6 * _B, 1 / 3],
        [1 / 6, -1 / 6 * _B, 1 / 3],
        [0, 0, 1],
    ]
)


def transformed(weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A filter [3, 3, C, O] at the points: [6, 6, C, O], computed in float64, of the same type."""
    wide: np.ndarray[Any, Any] = np.einsum("iy,jx,yxco->ijco", FILTER, FILTER, weights.astype(np.float64))
    return wide.astype(weights.dtype)


def _shape(op: Any) -> Any:
    x, w = op.require_rank(0, 4), op.require_rank(1, 4)
    for axis in (0, 1):
        op.merge(w[axis], _SEEN, f"axis {axis} of the transformed filter and its {_SEEN} points")
    if len(op.a.paddings) != 4 or min(op.a.paddings) < 0:
        op.fail(
            f"paddings must be four numbers of at least 0 (top, bottom, left, right), not {list(op.a.paddings)}"
        )
    op.merge(x[3], w[2], "the channels of x and of the filter")
    check_bias(op, 2, w[3])
    top, bottom, left, right = op.a.paddings
    height, width = x[1] + top + bottom - 2, x[2] + left + right - 2
    if any(isinstance(n, int) and n < 0 for n in (height, width)):
        op.fail(f"3 taps do not fit x of shape {dims.text(x)} padded by {list(op.a.paddings)}")
    return (x[0], height, width, w[3])


def _reference(xp: Any, op: Any, x: Any, w: Any, bias: Any) -> Any:
    top, bottom, left, right = op.a.paddings
    batch, height, width, channels = x.shape
    size = (height + top + bottom - 2, width + left + right - 2)
    counts = [-(-n // TILE) for n in size]
    around = xp.zeros((batch, *(n * TILE + 2 for n in counts), channels), dtype=x.dtype)
    around[:, top : top + height, left : left + width, :] = x
    seen = [
        around[:, i : i + TILE * counts[0] : TILE, j : j + TILE * counts[1] : TILE, :]
        for i in range(_SEEN)
        for j in range(_SEEN)
    ]
    rows = xp.reshape(xp.stack(seen), (_POINTS, -1))
    spread = xp.asarray(np.kron(INPUT, INPUT), dtype=x.dtype)
    rows = xp.reshape(xp.matmul(spread, rows), (_POINTS, -1, channels))
    sums = xp.reshape(xp.matmul(rows, xp.reshape(w, (_POINTS, channels, -1))), (_POINTS, -1))
    gather = xp.asarray(np.kron(OUTPUT, OUTPUT), dtype=x.dtype)
    tiles = xp.reshape(xp.matmul(gather, sums), (TILE, TILE, batch, *counts, w.shape[3]))
    y = xp.reshape(
        xp.permute_dims(tiles, (2, 3, 0, 4, 1, 5)), (batch, TILE * counts[0], TILE * counts[1], w.shape[3])
    )
    y = y[:, : size[0], : size[1], :]
    return activate(xp, op, y if bias is None else y + bias)


def _scratch(op: Any) -> Dimension:
    """Up to four shares of the work have a block of tiles each, of 128 KiB or 12 tiles, if that is more."""
    batch, height, width, outputs = op.outputs[0].shape
    floats = _POINTS * int(op.inputs[1].shape[2] + outputs)
    tiles = dims.product((batch, dims.ceil_divide(height, TILE), dims.ceil_divide(width, TILE)))
    block = min(max(32768 // floats, 12), 48)
    if isinstance(tiles, int):
        block = min(block, max(tiles, 1))
        return min(-(-tiles // block), 4) * block * floats * _FLOAT32_BYTES
    return 4 * block * floats * _FLOAT32_BYTES


def _refuses(op: Any) -> str:
    return "" if op.inputs[1].op.type == "constant" else "its filter must be a constant: use conv2d"


OPS.register(
    OpDef(
        name="winograd_conv2d",
        opcode=102,
        inputs=("x: float32 strided", "filter: float32 packed", "bias: float32?"),
        outputs=("y: float32 strided",),
        attributes=(
            _window.PADDINGS,
            attribute("activation", ACTIVATION, "none", "What clamps the result."),
        ),
        doc="conv2d of x [N, H, W, C] with 3 by 3 taps and strides of 1, whose filter has been transformed to 6 by 6 "
        "points [6, 6, C, O], plus bias [O], clamped. Tiles of 4 by 4 outputs take 36 products for each pair of "
        "channels instead of 144; rounding errors are about twice those of conv2d. S. Winograd, Arithmetic "
        "Complexity of Computations, 1980; A. Lavin and S. Gray, arXiv 1509.09308.",
        shape=_shape,
        reference=_reference,
        refuses=_refuses,
        scratch=_scratch,
    )
)
