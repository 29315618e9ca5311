"""Matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph.graph import Tensor


@handles("aten.mm", "aten.bmm", "aten.matmul", "aten.mv", "aten.dot")
def matmul(r: Reader, x: Tensor, y: Tensor) -> Tensor:
    b = r.b
    squeezed = []
    rank_x, rank_y = r.rank(x), r.rank(y)
    if rank_x == 1:
        x = b.expand_dims(x, axis=0)
        squeezed.append(-2)
    if rank_y == 1:
        y = b.expand_dims(y, axis=1)
        squeezed.append(-1)
    z = b.matmul(x, y)
    if squeezed:
        z = b.squeeze(z, axes=tuple(a + r.rank(z) for a in squeezed))
    return z


@handles("aten.linear")
def linear(r: Reader, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    b = r.b
    if r.rank(weight) == 1:
        y = matmul(r, x, weight)
        return y if bias is None else b.add(y, bias)
    if r.rank(x) == 1:
        y = b.matmul(b.expand_dims(x, axis=0), weight, bias, transpose_y=True)
        return b.squeeze(y, axes=(0,))
    return b.matmul(x, weight, bias, transpose_y=True)


def _added(r: Reader, bias: Tensor, x: Tensor, y: Tensor, beta: Any, alpha: Any) -> Tensor:
    b = r.b
    if alpha == 1 and beta == 1 and r.rank(bias) == 1 and r.rank(x) == 2 and bias.shape == y.shape[-1:]:  # type: ignore[index]
        made: Tensor = b.matmul(x, y, bias)
        return made
    z = b.matmul(x, y)
    z = z if alpha == 1 else b.multiply(z, r.tensor(alpha, z.dtype))
    if beta == 0:
        return r.broadcast(z, r.shape)
    bias = bias if beta == 1 else b.multiply(bias, r.tensor(beta, z.dtype))
    made = b.add(bias, z)
    return made


@handles("aten.addmm", "aten.baddbmm")
def add_product(r: Reader, bias: Tensor, x: Tensor, y: Tensor, beta: Any = 1, alpha: Any = 1) -> Tensor:
    return _added(r, bias, x, y, beta, alpha)


@handles("aten.addmv")
def add_matrix_vector(r: Reader, bias: Tensor, x: Tensor, y: Tensor, beta: Any = 1, alpha: Any = 1) -> Tensor:
    b = r.b
    z = b.squeeze(b.matmul(x, b.expand_dims(y, axis=1)), axes=(1,))
    z = z if alpha == 1 else b.multiply(z, r.tensor(alpha, z.dtype))
    return b.add(b.multiply(bias, r.tensor(beta, z.dtype)), z)


@handles("aten._trilinear")
def trilinear(
    r: Reader,
    x: Tensor,
    y: Tensor,
    z: Tensor,
    axes_x: Sequence[int],
    axes_y: Sequence[int],
    axes_z: Sequence[int],
    summed: Sequence[int],
    *rest: Any,
) -> Tensor:
    b = r.b
    product = b.like(1, x)
    for tensor, axes in ((x, axes_x), (y, axes_y), (z, axes_z)):
        for axis in axes:
            tensor = b.expand_dims(tensor, axis=axis)
        product = b.multiply(product, tensor)
    return b.reduce_sum(product, axes=tuple(summed)) if summed else product


@handles("aten._cdist_forward")
def distances(r: Reader, x: Tensor, y: Tensor, order: float, *rest: Any) -> Tensor:
    b = r.b
    between = b.abs(b.subtract(b.expand_dims(x, axis=r.rank(x) - 1), b.expand_dims(y, axis=r.rank(y) - 2)))
    if order == 2:
        return b.sqrt(b.reduce_sum(b.square(between), axes=(-1,)))
    if order == 1:
        return b.reduce_sum(between, axes=(-1,))
    if order == float("inf"):
        return b.reduce_max(between, axes=(-1,))
    return b.power(b.reduce_sum(b.power(between, b.like(order, x)), axes=(-1,)), b.like(1 / order, x))
