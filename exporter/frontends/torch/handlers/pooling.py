"""Pooling."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.pooling import average_pool, max_pool
from samara.exporter.frontends.compose.unpooling import max_pool_indices, max_unpool
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph.graph import Tensor


def _spread(values: Any, count: int, otherwise: Sequence[int] = ()) -> tuple[int, ...]:
    """A number for each of `count` axes, from one number or a list."""
    listed = [values] if isinstance(values, int) else list(values)
    listed = listed or list(otherwise)
    return tuple(int(v) for v in (listed * count if len(listed) == 1 else listed))


def _batched(r: Reader, x: Tensor, spatial: int, pool: Callable[[Tensor], Tensor]) -> Tensor:
    """Pools one example, or a batch."""
    if r.rank(x) == spatial + 2:
        return pool(x)
    made: Tensor = r.b.squeeze(pool(r.b.expand_dims(x, axis=0)), axes=(0,))
    return made


def _max(spatial: int, *, indices: bool = False) -> Callable[..., Any]:
    def build(
        r: Reader,
        x: Tensor,
        kernel: Any,
        stride: Any = (),
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Any:
        size = _spread(kernel, spatial)
        window: dict[str, Any] = {
            "kernel": size,
            "strides": _spread(stride, spatial, size),
            "pads": _spread(padding, spatial) * 2,
            "dilations": _spread(dilation, spatial),
            "ceil_mode": ceil_mode,
        }
        if not indices:
            return _batched(r, x, spatial, lambda t: max_pool(r.b, t, **window))
        if r.rank(x) == spatial + 2:
            return max_pool_indices(r.b, x, **window)
        both = max_pool_indices(r.b, r.b.expand_dims(x, axis=0), **window)
        return tuple(r.b.squeeze(y, axes=(0,)) for y in both)

    return build


def _average(spatial: int) -> Callable[..., Any]:
    def build(
        r: Reader,
        x: Tensor,
        kernel: Any,
        stride: Any = (),
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor: Any = None,
    ) -> Any:
        size = _spread(kernel, spatial)
        window: dict[str, Any] = {
            "kernel": size,
            "strides": _spread(stride, spatial, size),
            "pads": _spread(padding, spatial) * 2,
            "dilations": (1,) * spatial,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
        }
        if divisor is not None:
            raise r.unsupported("it divides by a number of its own", "scale the result instead")
        if not any(window["pads"]):
            window["count_include_pad"] = False
        return _batched(r, x, spatial, lambda t: average_pool(r.b, t, **window))

    return build


def _unpool(spatial: int) -> Callable[..., Any]:
    def build(r: Reader, x: Tensor, indices: Tensor, sizes: Any, *_window: Any) -> Any:
        wanted = [r.number(n, "the size of an image") for n in sizes][-spatial:]
        if r.rank(x) == spatial + 2:
            return max_unpool(r.b, x, indices, wanted)
        x, indices = (r.b.expand_dims(t, axis=0) for t in (x, indices))
        return r.b.squeeze(max_unpool(r.b, x, indices, wanted), axes=(0,))

    return build


for _spatial in (1, 2, 3):
    handles(f"aten.max_pool{_spatial}d")(_max(_spatial))
    handles(f"aten.max_pool{_spatial}d_with_indices")(_max(_spatial, indices=True))
    handles(f"aten.max_unpool{_spatial}d")(_unpool(_spatial))
    handles(f"aten.avg_pool{_spatial}d")(_average(_spatial))


# To a given size --------------------------------------------------------------------------------------------------


def _windows(size: int, outputs: int) -> list[tuple[int, int]]:
    """Where each window of an adaptive pool begins and ends."""
    return [(i * size // outputs, -(-(i + 1) * size // outputs)) for i in range(outputs)]


def _even(size: int, outputs: int) -> tuple[int, int] | None:
    """The window and the step, when all windows are of one size and equally far apart."""
    windows = _windows(size, outputs)
    widths = {end - begin for begin, end in windows}
    steps = {b[0] - a[0] for a, b in itertools.pairwise(windows)}
    if len(widths) != 1 or len(steps) > 1 or 0 in steps:
        return None
    return widths.pop(), steps.pop() if steps else 1


def _adaptive(spatial: int, word: str) -> Callable[..., Any]:
    def build(r: Reader, x: Tensor, sizes: Any) -> Any:
        assert x.shape is not None
        b = r.b
        first = r.rank(x) - spatial
        wanted = _spread(sizes, spatial)
        axes = tuple(range(first, r.rank(x)))
        if all(n == 1 for n in wanted):
            made: Tensor = getattr(b, f"reduce_{word}")(x, axes=axes, keepdims=True)
            return made
        if all(n == s for n, s in zip(wanted, x.shape[first:], strict=True)):
            return x
        found = [r.number(n, "an axis that is pooled to a given size") for n in x.shape[first:]]
        even = [_even(n, m) for n, m in zip(found, wanted, strict=True)]
        if spatial < 3 and all(e is not None for e in even):
            kernel, strides = zip(*(e for e in even if e is not None), strict=True)
            pool = average_pool if word == "mean" else max_pool
            window: dict[str, Any] = {
                "kernel": kernel,
                "strides": strides,
                "pads": (0,) * (2 * spatial),
                "dilations": (1,) * spatial,
            }
            return _batched(r, x, spatial, lambda t: pool(b, t, **window))
        for axis, size, count in zip(axes, found, wanted, strict=True):
            x = _along(r, x, axis, size, count, word)
        return x

    return build


def _along(r: Reader, x: Tensor, axis: int, size: int, count: int, word: str) -> Tensor:
    """Pools one axis, window by window: as a product for the mean, of gathered elements for the maximum."""
    b = r.b
    windows = _windows(size, count)
    if word == "mean":
        weights = np.zeros((size, count), x.dtype.numpy)
        for i, (begin, end) in enumerate(windows):
            weights[begin:end, i] = 1 / (end - begin)
        order = [a for a in range(r.rank(x)) if a != axis]
        turned = b.transpose(x, permutation=(*order, axis))
        pooled = b.matmul(turned, b.constant(weights))
        back = tuple(int(i) for i in np.argsort((*order, axis)))
        made: Tensor = b.transpose(pooled, permutation=back)
        return made
    width = max(end - begin for begin, end in windows)
    # A shorter window repeats its last element.
    numbers = np.array([[min(b0 + i, e0 - 1) for i in range(width)] for b0, e0 in windows], np.int32)
    made = b.reduce_max(b.gather(x, numbers, axis=axis), axes=(axis + 1,))
    return made


def _adaptive_max(spatial: int) -> Callable[..., Any]:
    pool = _adaptive(spatial, "max")

    def build(r: Reader, x: Tensor, sizes: Any) -> Any:
        if not any(user.args[1] == 1 and user.users for user in r.node.users):
            return [pool(r, x, sizes), None]
        b = r.b
        assert x.shape is not None
        first = r.rank(x) - spatial
        wanted = _spread(sizes, spatial)
        found = [r.number(n, "an axis that is pooled to a given size") for n in x.shape[first:]]
        windows = [_windows(n, m) for n, m in zip(found, wanted, strict=True)]
        places = [
            [int(np.ravel_multi_index(at, found)) for at in itertools.product(*(range(*w) for w in cell))]
            for cell in itertools.product(*windows)
        ]
        width = max(map(len, places))
        # A smaller window repeats its last element, which changes neither the maximum nor where it is first.
        table = np.array([p + p[-1:] * (width - len(p)) for p in places], np.int32)
        flat = r.reshape(x, [*x.shape[:first], int(np.prod(found))])
        which = b.argmax(b.gather(flat, table, axis=first), axis=first + 1)
        rows = b.constant((np.arange(len(table)) * width).astype(which.dtype.numpy))
        indices = b.gather(b.constant(table.reshape(-1).astype(np.int64)), b.add(which, rows), axis=0)
        return [pool(r, x, sizes), r.reshape(indices, [*x.shape[:first], *wanted])]

    return build


for _spatial in (1, 2, 3):
    handles(f"aten.adaptive_max_pool{_spatial}d")(_adaptive_max(_spatial))
    _name = "_adaptive_avg_pool" if _spatial > 1 else "adaptive_avg_pool"
    handles(f"aten.adaptive_avg_pool{_spatial}d", *([f"aten.{_name}{_spatial}d"] if _spatial > 1 else []))(
        _adaptive(_spatial, "mean")
    )
