"""The same elements in another arrangement: shapes, axes, joining, repeating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dims
from samara.graph.graph import Tensor


@handles(
    "aten.view.default",
    "aten.reshape",
    "aten._unsafe_view",
    "aten.view_copy",
    "aten.flatten",
    "aten.unflatten",
    "aten._reshape_alias",
)
def reshape(r: Reader, x: Tensor, *rest: Any) -> Tensor:
    return r.reshape(x, r.shape)


@handles("aten.view.dtype", "aten.view_copy.dtype")
def reinterpret(r: Reader, x: Tensor, *rest: Any) -> Tensor:
    """The same bytes as another type; the last axis has more or fewer elements."""
    types = {str(node.meta["val"].dtype) for node in (r.node.args[0], r.node)}
    if "torch.bfloat16" in types:
        raise r.unsupported("the bits of a bfloat16, which is held in a float32", "use float32 or float16")
    dtype = r.dtype
    if dtype.size > x.dtype.size:
        assert x.shape is not None
        ratio = dtype.size // x.dtype.size
        x = r.reshape(x, (*x.shape[:-1], x.shape[-1] // ratio, ratio))
    return r.reshape(r.b.bitcast(x, dtype=dtype), r.shape)


@handles("aten.unsqueeze", "aten.unsqueeze_copy")
def unsqueeze(r: Reader, x: Tensor, axis: int) -> Tensor:
    return r.b.expand_dims(x, axis=axis % (r.rank(x) + 1))


@handles("aten.squeeze", "aten.squeeze_copy")
def squeeze(r: Reader, x: Tensor, dim: Any = None) -> Tensor:
    assert x.shape is not None
    listed = range(r.rank(x)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    axes = tuple(r.axis(a, x) for a in listed if r.rank(x) and x.shape[a] == 1)
    return r.b.squeeze(x, axes=axes) if axes else x


@handles("aten.permute", "aten.permute_copy")
def permute(r: Reader, x: Tensor, order: Sequence[int]) -> Tensor:
    axes = tuple(r.axis(a, x) for a in order)
    return r.b.transpose(x, permutation=axes) if axes else x


@handles("aten.transpose", "aten.swapaxes")
def transpose(r: Reader, x: Tensor, first: int, second: int) -> Tensor:
    order = list(range(r.rank(x)))
    if not order:
        return x
    first, second = r.axis(first, x), r.axis(second, x)
    order[first], order[second] = order[second], order[first]
    return r.b.transpose(x, permutation=tuple(order))


@handles("aten.t", "aten.numpy_T", "aten.mT")
def transpose_matrix(r: Reader, x: Tensor) -> Tensor:
    return x if r.rank(x) < 2 else transpose(r, x, -2, -1)


@handles("aten.expand", "aten.expand_copy", "aten.broadcast_to", "aten.expand_as")
def expand(r: Reader, x: Tensor, *rest: Any) -> Tensor:
    return r.broadcast(x, r.shape)


@handles("aten.cat", "aten.concat")
def concatenate(r: Reader, tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    # An empty vector joins with anything.
    kept = [r.cast(t, r.dtype) for t in tensors if t.shape != (0,)]
    if not kept:
        return r.cast(tensors[0], r.dtype)
    if len(kept) == 1:
        return kept[0]
    return r.b.concat(kept, axis=r.axis(axis, kept[0]))


@handles("aten.stack")
def stack(r: Reader, tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    return r.b.stack([r.cast(t, r.dtype) for t in tensors], axis=axis % (r.rank(tensors[0]) + 1))


@handles("aten.repeat")
def repeat(r: Reader, x: Tensor, counts: Sequence[Any]) -> Tensor:
    assert x.shape is not None
    b = r.b
    shape = (1,) * (len(counts) - r.rank(x)) + tuple(x.shape)
    x = r.reshape(x, shape)
    if all(isinstance(c, int) for c in counts):
        return x if all(c == 1 for c in counts) else b.tile(x, multiples=tuple(counts))
    # Each axis gets one before it, which is then broadcast.
    wide = [d for size in shape for d in (1, size)]
    full = [d for count, size in zip(counts, shape, strict=True) for d in (count, size)]
    return r.reshape(r.broadcast(r.reshape(x, wide), full), r.shape)


@handles("aten.repeat_interleave.self_int")
def repeat_interleave(r: Reader, x: Tensor, count: Any, dim: int | None = None, size: Any = None) -> Tensor:
    assert x.shape is not None
    if dim is None:
        x, dim = r.reshape(x, (dims.product(x.shape),)), 0
    axis = r.axis(dim, x)
    assert x.shape is not None
    shape = (*x.shape[: axis + 1], r.symbols.dimension(count), *x.shape[axis + 1 :])
    return r.reshape(r.broadcast(r.b.expand_dims(x, axis=axis + 1), shape), r.shape)


@handles("aten.flip")
def flip(r: Reader, x: Tensor, axes: Sequence[int]) -> Tensor:
    rank = r.rank(x)
    flipped = {r.axis(a, x) for a in axes}
    return r.b.strided_slice(
        x,
        begin=(0,) * rank,
        end=(0,) * rank,
        strides=tuple(-1 if a in flipped else 1 for a in range(rank)),
        begin_mask=(1 << rank) - 1,
        end_mask=(1 << rank) - 1,
    )


@handles("aten.roll")
def roll(r: Reader, x: Tensor, shifts: Sequence[int], axes: Sequence[int] = ()) -> Tensor:
    from samara.exporter.frontends.torch.handlers.picking import part

    assert x.shape is not None
    shape = x.shape
    if not axes:
        x, axes = r.reshape(x, (dims.product(shape),)), (0,)
    for shift, axis in zip(shifts, axes, strict=True):
        axis = r.axis(axis, x)
        assert x.shape is not None
        size = x.shape[axis]
        if isinstance(size, int):
            shift = shift % size if size else 0
        if shift:
            x = r.b.concat([part(r, x, axis, -shift, None), part(r, x, axis, None, -shift)], axis=axis)
    return r.reshape(x, shape)


@handles("aten.pixel_shuffle")
def pixel_shuffle(r: Reader, x: Tensor, factor: int) -> Tensor:
    assert x.shape is not None
    *lead, c, h, w = x.shape
    n = len(lead)
    channels = r.number(c, "the number of channels") // factor**2
    x = r.reshape(x, (*lead, channels, factor, factor, h, w))
    x = r.b.transpose(x, permutation=(*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return r.reshape(x, r.shape)


@handles("aten.pixel_unshuffle")
def pixel_unshuffle(r: Reader, x: Tensor, factor: int) -> Tensor:
    assert x.shape is not None
    *lead, c, h, w = x.shape
    n = len(lead)
    x = r.reshape(x, (*lead, c, h // factor, factor, w // factor, factor))
    x = r.b.transpose(x, permutation=(*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return r.reshape(x, r.shape)


@handles("aten.channel_shuffle", "aten.native_channel_shuffle")
def channel_shuffle(r: Reader, x: Tensor, groups: int) -> Tensor:
    assert x.shape is not None
    n, c, *rest = x.shape
    channels = r.number(c, "the number of channels")
    split = r.reshape(x, (n, groups, channels // groups, *rest))
    order = (0, 2, 1, *range(3, 3 + len(rest)))
    return r.reshape(r.b.transpose(split, permutation=order), x.shape)
