"""Tensors made of nothing: filled, counting, triangular."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose import index as index_
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.graph import Tensor


def _filled(r: Reader, value: Any) -> Tensor:
    """The node's shape, filled with a value."""
    scalar = r.tensor(value, r.dtype)
    return r.broadcast(scalar, r.shape) if r.shape else scalar


@handles("aten.full")
def full(r: Reader, sizes: Sequence[Any], value: Any, *rest: Any) -> Tensor:
    return _filled(r, value)


@handles("aten.full_like", "aten.fill")
def full_like(r: Reader, x: Tensor, value: Any, *rest: Any) -> Tensor:
    return _filled(r, value)


@handles("aten.new_full")
def new_full(r: Reader, x: Tensor, sizes: Sequence[Any], value: Any, *rest: Any) -> Tensor:
    return _filled(r, value)


@handles(
    "aten.zeros",
    "aten.zeros_like",
    "aten.new_zeros",
    "aten.empty",
    "aten.empty_like",
    "aten.new_empty",
    "aten.empty_permuted",
    "aten.empty_strided",
    "aten.new_empty_strided",
)
def zeros(r: Reader, *rest: Any) -> Tensor:
    return _filled(r, 0)


@handles("aten.ones", "aten.ones_like", "aten.new_ones")
def ones(r: Reader, *rest: Any) -> Tensor:
    return _filled(r, 1)


@handles("aten.scalar_tensor")
def scalar_tensor(r: Reader, value: Any, *rest: Any) -> Tensor:
    return r.tensor(value, r.dtype)


def _counting(r: Reader, start: Any, end: Any, step: Any) -> Tensor:
    dtype = r.dtype
    if all(isinstance(v, (int, float)) for v in (start, end, step)):
        return r.b.constant(np.arange(start, end, step).astype(dtype.numpy))
    (count,) = r.shape
    b = r.b
    numbers = b.range(r.symbols.scalar(0), r.symbols.scalar(count), r.symbols.scalar(1))
    numbers = r.cast(numbers, dtype)
    if isinstance(step, Dim) or step != 1:
        numbers = b.multiply(numbers, r.tensor(step, dtype))
    if isinstance(start, Dim) or start != 0:
        numbers = b.add(numbers, r.tensor(start, dtype))
    return numbers


@handles("aten.arange.default")
def count_to(r: Reader, end: Any, *rest: Any) -> Tensor:
    return _counting(r, 0, end, 1)


@handles("aten.arange.start")
def count_from(r: Reader, start: Any, end: Any, *rest: Any) -> Tensor:
    return _counting(r, start, end, 1)


@handles("aten.arange.start_step")
def count_in_steps(r: Reader, start: Any, end: Any, step: Any = 1, *rest: Any) -> Tensor:
    return _counting(r, start, end, step)


@handles("aten.linspace")
def linspace(r: Reader, start: Any, end: Any, steps: Any, *rest: Any) -> Tensor:
    (count,) = r.shape
    if isinstance(start, Tensor) or isinstance(end, Tensor) or isinstance(count, Dim):
        raise r.unsupported("its bounds or its length change with the inputs")
    return r.b.constant(np.linspace(start, end, count).astype(r.dtype.numpy))


@handles("aten.eye.default", "aten.eye.m")
def eye(r: Reader, *rest: Any) -> Tensor:
    rows, columns = (r.number(n, "the size of an identity matrix") for n in r.shape)
    return r.b.constant(np.eye(rows, columns).astype(r.dtype.numpy))


def _triangle(r: Reader, x: Tensor, diagonal: Any, *, lower: bool) -> Tensor:
    """X where it is on one side of a diagonal, and 0 elsewhere."""
    b = r.b
    assert x.shape is not None

    def numbers(size: Any) -> Tensor:
        if isinstance(size, int):
            return b.constant(np.arange(size, dtype=np.int32))
        made: Tensor = b.range(r.symbols.scalar(0), r.symbols.scalar(size), r.symbols.scalar(1))
        return made

    rows = b.expand_dims(numbers(x.shape[-2]), axis=1)
    columns = numbers(x.shape[-1])
    limit = b.add(rows, r.tensor(diagonal, dtypes.int32))
    kept = b.less_equal(columns, limit) if lower else b.greater_equal(columns, limit)
    made: Tensor = b.where(kept, x, b.like(0, x))
    return made


@handles("aten.tril")
def tril(r: Reader, x: Tensor, diagonal: Any = 0) -> Tensor:
    return _triangle(r, x, diagonal, lower=True)


@handles("aten.triu")
def triu(r: Reader, x: Tensor, diagonal: Any = 0) -> Tensor:
    return _triangle(r, x, diagonal, lower=False)


@handles("aten.constant_pad_nd")
def constant_pad(r: Reader, x: Tensor, paddings: Sequence[Any], value: Any = 0) -> Tensor:
    return padded(r, x, paddings, "constant", value)


def padded(r: Reader, x: Tensor, paddings: Sequence[Any], mode: str, value: Any = 0) -> Tensor:
    """A margin around the last axes; torch lists it from the last axis on. Below 0 it cuts."""
    from samara.exporter.frontends.torch.handlers.picking import part

    rank = r.rank(x)
    listed = [(0, 0)] * rank
    for i in range(len(paddings) // 2):
        axis = rank - 1 - i
        before, after = (r.number(p, "the padding") for p in paddings[2 * i : 2 * i + 2])
        if before < 0 or after < 0:
            x = part(r, x, axis, max(0, -before), min(0, after) or None)
        listed[axis] = (max(0, before), max(0, after))
    if not any(p for pair in listed for p in pair):
        return x
    flat = tuple(p for pair in listed for p in pair)
    made: Tensor = r.b.pad(x, paddings=flat, mode=mode, value=float(value))
    return made


@handles("aten.reflection_pad1d", "aten.reflection_pad2d", "aten.reflection_pad3d")
def reflection_pad(r: Reader, x: Tensor, paddings: Sequence[Any]) -> Tensor:
    return padded(r, x, paddings, "reflect")


@handles("aten.replication_pad1d", "aten.replication_pad2d", "aten.replication_pad3d")
def replication_pad(r: Reader, x: Tensor, paddings: Sequence[Any]) -> Tensor:
    return padded(r, x, paddings, "edge")


@handles("aten.pad")
def pad(r: Reader, x: Tensor, paddings: Sequence[Any], mode: str = "constant", value: Any = None) -> Tensor:
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode not in modes:
        raise r.unsupported(f"it pads with mode {mode!r}", f"use one of {', '.join(modes)}")
    if mode == "circular":
        margins = [r.number(p, "the padding") for p in paddings]
        outer = [0] * (r.rank(x) - len(margins) // 2)
        before, after = margins[-2::-2], margins[::-2]
        return index_.pad(r.b, x, [*outer, *before, *outer, *after], modes[mode])
    return padded(r, x, paddings, modes[mode], value or 0)


@handles(
    "aten.rand",
    "aten.rand_like",
    "aten.randn",
    "aten.randn_like",
    "aten.randint",
    "aten.randint_like",
    "aten.randperm",
    "aten.bernoulli",
    "aten.multinomial",
    "aten.normal",
)
def draw(r: Reader, *rest: Any) -> Tensor:
    raise r.unsupported("it draws random numbers", "give them to the model as an input")
