"""Reductions, products, and norms along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samara.exporter.frontends.compose.attention import softmax_in_steps
from samara.exporter.frontends.compose.sizes import product_of, size_of
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dtypes
from samara.graph.graph import Tensor


def _axes(node: Node) -> tuple[tuple[int, ...], bool]:
    """The axes of a reduction, and whether it reduces nothing."""
    axes = node.numbers("axes", 1)
    rank = node.rank()
    if not axes:
        return tuple(range(rank)), bool(node.attr("noop_with_empty_axes", 0))
    return tuple(sorted({a % rank for a in axes})), False


def _reduction(
    name: str, before: Callable[[Node, Tensor], Tensor] | None = None, after: str | None = None
) -> Callable[[Node], Any]:
    def handler(node: Node) -> Any:
        axes, nothing = _axes(node)
        x, b = node.input(), node.b
        if before is not None:
            x = before(node, x)
        if not nothing and axes:
            boolean = {"reduce_max": "reduce_any", "reduce_min": "reduce_all"}
            reduce = boolean[name] if x.dtype is dtypes.bool_ else name
            x = getattr(b, reduce)(x, axes=axes, keepdims=bool(node.attr("keepdims", 1)))
        if after is not None:
            x = getattr(b, after)(x)
        return x if x is not node.input() else b.identity(x)

    return handler


op("ReduceSum")(_reduction("reduce_sum"))
op("ReduceProd")(_reduction("reduce_prod"))
op("ReduceMax")(_reduction("reduce_max"))
op("ReduceMin")(_reduction("reduce_min"))
op("ReduceL1")(_reduction("reduce_sum", lambda node, x: node.b.abs(x)))
op("ReduceSumSquare")(_reduction("reduce_sum", lambda node, x: node.b.multiply(x, x)))
op("ReduceLogSum")(_reduction("reduce_sum", None, "log"))


@op("ReduceMean")
def _reduce_mean(node: Node) -> Any:
    if node.dtype.is_floating:
        return _reduction("reduce_mean")(node)
    # The fraction is dropped.
    axes, nothing = _axes(node)
    b, count = node.b, 1 if nothing else product_of(node.b, [size_of(node.b, node.input(), a) for a in axes])
    total = _reduction("reduce_sum")(node)
    return b.truncate_divide(
        total, b.like(count, total) if isinstance(count, int) else b.cast(count, dtype=total.dtype)
    )


@op("ReduceL2")
def _l2(node: Node) -> Any:
    x, b = node.input(), node.b
    total = _reduction("reduce_sum", lambda n, x: n.b.multiply(x, x))(node)
    if x.dtype.is_floating:
        return b.sqrt(total)
    return b.cast(b.sqrt(b.cast(total, dtype=dtypes.float32)), dtype=x.dtype)


@op("ReduceLogSumExp")
def _log_sum_exp(node: Node) -> Any:
    axes, nothing = _axes(node)
    x, b = node.input(), node.b
    if nothing or not axes:
        return b.identity(x)
    if not x.dtype.is_floating:
        node.fail(f"it is not supported on {x.dtype.name}", "cast its input to float32")
    largest = b.reduce_max(x, axes=axes, keepdims=True)
    # All infinite stays so: nothing is taken from it.
    largest = b.where(b.is_finite(largest), largest, b.like(0, x))
    total = b.reduce_sum(b.exp(b.subtract(x, largest)), axes=axes, keepdims=True)
    result = b.add(b.log(total), largest)
    return result if node.attr("keepdims", 1) else b.squeeze(result, axes=axes)


@op("ArgMax", "ArgMin")
def _arg(node: Node) -> Any:
    name = node.type.lower()
    x, b = node.input(), node.b
    axis = node.axis()
    keepdims = bool(node.attr("keepdims", 1))
    if not node.attr("select_last_index", 0):
        return getattr(b, name)(x, axis=axis, keepdims=keepdims, output_type=dtypes.int64)
    size = node.shape()[axis]
    if not isinstance(size, int):
        node.fail(f"select_last_index along a size that moves, {size}")
    entries = [0] * axis + [-1]
    turned = b.strided_slice(
        x,
        begin=entries,
        end=entries,
        strides=[1] * axis + [-1],
        begin_mask=(1 << (axis + 1)) - 1,
        end_mask=(1 << (axis + 1)) - 1,
    )
    first = getattr(b, name)(turned, axis=axis, keepdims=keepdims, output_type=dtypes.int64)
    return b.subtract(b.constant(size - 1, dtypes.int64), first)


@op("MatMul")
def _matmul(node: Node) -> Any:
    return matmul(node, node.input(0), node.input(1))


def matmul(node: Node, x: Tensor, y: Tensor) -> Any:
    """The product of tensors of any rank as numpy has it, by the op of matrices."""
    b = node.b
    left, right = len(x.shape or ()), len(y.shape or ())
    if left == 0 or right == 0:
        node.fail("a factor has rank 0, expected at least 1")
    if left == 1:
        x = b.expand_dims(x, axis=0)
    if right == 1:
        y = b.expand_dims(y, axis=1)
    integer = None
    if not x.dtype.is_floating:
        integer = x.dtype
        x, y = (b.cast(t, dtype=dtypes.int32) for t in (x, y))
    product: Tensor = b.matmul(x, y)
    if integer is not None:
        product = b.cast(product, dtype=integer)
    axes = ((-2,) if left == 1 else ()) + ((-1,) if right == 1 else ())
    return b.squeeze(product, axes=axes) if axes else product


@op("Gemm")
def _gemm(node: Node) -> Any:
    x, y, c, b = node.input(0), node.input(1), node.given(2), node.b
    alpha, beta = node.attr("alpha", 1.0), node.attr("beta", 1.0)
    product: Tensor = b.matmul(
        x, y, transpose_x=bool(node.attr("transA", 0)), transpose_y=bool(node.attr("transB", 0))
    )
    if alpha != 1.0:
        product = b.multiply(product, b.like(alpha, product))
    if c is None or beta == 0.0:
        return product
    if beta != 1.0:
        c = b.multiply(c, b.like(beta, c))
    return b.add(product, c)


def _along_axis(node: Node, function: Callable[[Tensor, int], Tensor]) -> Any:
    """A function along the node's axis; before operator set 13 all axes from that one on count together."""
    x, b = node.input(), node.b
    if node.opset >= 13:
        return function(x, node.axis(default=-1))
    axis = node.axis(default=1)
    shape = node.shape()
    if all(d == 1 for d in shape[axis + 1 :]):
        return function(x, axis)
    sizes: Any = b.sizes(x)
    kept = b.strided_slice(b.shape(x), begin=[0], end=[axis], strides=[1])
    flat = b.reshape(x, b.concat([kept, b.constant([-1], dtypes.int32)], axis=0))
    return b.reshape(function(flat, axis), sizes)


@op("Softmax")
def _softmax(node: Node) -> Any:
    return _along_axis(node, lambda x, axis: softmax_in_steps(node.b, x, axis))


@op("LogSoftmax")
def _log_softmax(node: Node) -> Any:
    return _along_axis(node, lambda x, axis: node.b.log_softmax(x, axis=axis))


@op("Hardmax")
def _hardmax(node: Node) -> Any:
    b = node.b

    def function(x: Tensor, axis: int) -> Tensor:
        size = (x.shape or ())[axis]
        if not isinstance(size, int):
            node.fail(f"an axis whose size moves, {size}")
        first = b.argmax(x, axis=axis, keepdims=False, output_type=dtypes.int64)
        made: Tensor = b.one_hot(first, depth=size, axis=axis, dtype=x.dtype)
        return made

    return _along_axis(node, function)
