"""Matrix products."""

from __future__ import annotations

from typing import Any

from samara.graph import dims, dtypes
from samara.graph.ops._table import ACTIVATION, OPS, OpDef, attribute


def activate(xp: Any, op: Any, x: Any) -> Any:
    """The array with the op's attribute `activation` applied."""
    if op.a.activation == "none":
        return x
    x = xp.maximum(x, xp.zeros_like(x))
    return xp.minimum(x, xp.full_like(x, 6)) if op.a.activation == "relu6" else x


def activation_gradient(b: Any, op: Any, dy: Any) -> Any:
    """The gradient before the op's own activation, from that after it."""
    if op.a.activation == "none":
        return dy
    y = op.outputs[0]
    passes = b.greater(y, b.like(0, y))
    if op.a.activation == "relu6":
        passes = b.logical_and(passes, b.less(y, b.like(6, y)))
    return b.where(passes, dy, b.zeros_like(dy))


def check_bias(op: Any, index: int, channels: Any) -> None:
    """Refuses a bias that is not one number for each output channel."""
    shape = op.shapes[index]
    if shape is not None and (len(shape) != 1 or dims.merge(shape[0], channels) is None):
        op.fail(f"bias must have shape [{channels}], one number for each output channel")


def bias_gradient(b: Any, op: Any, dy: Any) -> Any:
    """The gradient of the bias: the sum over all axes but the last."""
    if op.inputs[2] is None:
        return None
    if dy.shape is None:
        return b.sum_to(dy, b.shape(op.inputs[2]))
    return b.reduce_sum(dy, axes=tuple(range(len(dy.shape) - 1)))


def _shape(op: Any) -> Any:
    x, y = op.shapes[:2]
    for name, shape in (("x", x), ("y", y)):
        if len(shape) < 2:
            op.fail(f"{name} must have rank 2 or more, not {len(shape)}: use expand_dims for a vector")
    rows, inner = (x[-1], x[-2]) if op.a.transpose_x else (x[-2], x[-1])
    other, columns = (y[-1], y[-2]) if op.a.transpose_y else (y[-2], y[-1])
    op.merge(inner, other, f"the inner dimensions, x's {inner} and y's {other}")
    check_bias(op, 2, columns)
    return (*op.broadcast(x[:-2], y[:-2]), rows, columns)


def _reference(xp: Any, op: Any, x: Any, y: Any, bias: Any) -> Any:
    dtype = x.dtype
    if op.a.transpose_x:
        x = xp.matrix_transpose(x)
    if op.a.transpose_y:
        y = xp.matrix_transpose(y)
    if dtype == xp.float16:
        x, y = xp.astype(x, xp.float32), xp.astype(y, xp.float32)
    if y.ndim == 2 and x.ndim > 2:
        product = xp.reshape(xp.matmul(xp.reshape(x, (-1, x.shape[-1])), y), (*x.shape[:-1], y.shape[-1]))
    else:
        product = xp.matmul(x, y)
    if bias is not None:
        product = product + xp.astype(bias, product.dtype)
    return xp.astype(activate(xp, op, product), dtype)


def _gradient(b: Any, op: Any, dz: Any) -> list[Any]:
    x, y, _ = op.inputs
    dz = activation_gradient(b, op, dz)
    tx, ty = op.a.transpose_x, op.a.transpose_y
    dx = b.matmul(y, dz, transpose_x=ty, transpose_y=True) if tx else b.matmul(dz, y, transpose_y=not ty)
    dy = b.matmul(dz, x, transpose_x=True, transpose_y=tx) if ty else b.matmul(x, dz, transpose_x=not tx)
    return [b.unbroadcast(dx, x), b.unbroadcast(dy, y), bias_gradient(b, op, dz)]


_PANEL = 16
"""Columns of a matrix that kernels see side by side."""
_PACKED = 4
"""Results that share a matrix from which on it pays to pack it."""


_TOGETHER = 64 * 1024
"""Bytes of matrices of a batch that are packed before they are multiplied, unless one takes more."""
_LINE = 64
"""What a first input that is turned is padded to, in bytes."""


def packing_scratch(op: Any, rows: Any, columns: Any, results: Any) -> Any:
    """Where kernels pack a second input of floats, [rows, columns], that the file has not, for so many results."""
    y = op.inputs[1]
    if y.dtype not in dtypes.FLOATS or dims.bounds(results)[1] in range(_PACKED):
        return 0
    return dims.product((dims.ceil_divide(columns, _PANEL), _PANEL, rows, y.dtype.size))


def _size(shape: Any, rank: int, axis: int) -> Any:
    """The size of an operand along a leading dimension of a product of so many."""
    own = axis - rank + len(shape)
    return 1 if own < 0 else shape[own]


def _scratch(op: Any) -> Any:
    """The second input in panels, and the first one if it is turned: of a batch so many as are packed together."""
    (x, y), z = (t.shape for t in op.inputs[:2]), op.outputs[0].shape
    turned = op.attributes["transpose_x"]
    if op.inputs[1].op.type == "constant" and len(y) == 2:
        return 0
    rows, columns = reversed(y[-2:]) if op.attributes["transpose_y"] else y[-2:]
    if len(y) == 2 and not turned:
        return packing_scratch(op, rows, columns, dims.product(z[:-1]))
    results, batch = z[-2], list(z[:-2])
    while batch and not turned:
        axis = len(batch) - 1
        if _size(y, len(z), axis) != 1 or not dims.equal(_size(x, len(z), axis), z[axis]):
            break
        results = results * batch.pop()
    one = packing_scratch(op, rows, columns, results)
    if turned and one != 0:
        one = one + dims.ceil_divide(dims.product((*x[-2:], op.inputs[0].dtype.size)), _LINE) * _LINE
    count = dims.product(batch)
    if isinstance(one, int) and isinstance(count, int):
        return one * min(count, max(1, _TOGETHER // max(one, 1)))
    return dims.maximum(one, dims.minimum(one * count, _TOGETHER))


OPS.register(
    OpDef(
        name="matmul",
        opcode=90,
        inputs=("x: T", "y: T packed", "bias: T?"),
        outputs=("z: T",),
        types={"T": (*dtypes.FLOATS, dtypes.int32, dtypes.int64)},
        attributes=(
            attribute("transpose_x", "bool", False, "Whether x is [.., K, M] instead of [.., M, K]."),
            attribute("transpose_y", "bool", False, "Whether y is [.., N, K] instead of [.., K, N]."),
            attribute("activation", ACTIVATION, "none", "What clamps the result."),
        ),
        doc="The matrix product of x [.., M, K] and y [.., K, N], plus bias [N], clamped: [.., M, N]. Leading "
        "dimensions broadcast. float16 accumulates in float32.",
        shape=_shape,
        reference=_reference,
        gradient=_gradient,
        quant="matmul",
        scratch=_scratch,
    ),
)
