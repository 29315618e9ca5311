"""Where elements are: moves, slices, padding, gathering and scattering."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.exporter.frontends.onnx.corpus._case import (
    ANY,
    FLOAT,
    WIDE,
    Array,
    Case,
    arrays,
    case,
    ints,
    shapes,
    some,
)


@st.composite
def moves(draw: Any) -> Case:
    shape = draw(shapes(1))
    rank = len(shape)
    axis = draw(st.integers(-rank, rank - 1))
    x = draw(arrays(shape, ANY))
    kind = draw(
        st.sampled_from(["Transpose", "Reshape", "Expand", "Slice", "Concat", "Split", "Tile", "Squeeze"])
        | st.sampled_from(["Unsqueeze", "Flatten", "Pad", "Pad", "Slice", "Trilu", "Shape", "CenterCropPad"])
    )
    if kind == "Transpose":
        return case(kind, [x], perm=draw(st.sampled_from([None, draw(st.permutations(range(rank)))])))
    if kind == "Reshape":
        return _reshape(draw, x)
    if kind == "Expand":
        x = draw(arrays([draw(st.sampled_from([1, n])) for n in shape], ANY))
        wanted = [*(1, 3)[: draw(st.integers(0, 2))], *(draw(st.sampled_from([1, n])) for n in shape)]
        # Fewer axes than the array has, or more.
        return case(kind, [x, ints(*wanted[draw(st.integers(0, 1)) :])], [1])
    if kind == "Slice":
        return _slice(draw, x)
    if kind == "Concat":
        parts = [x]
        for _ in range(draw(st.integers(0, 2))):
            size = list(shape)
            size[axis] = draw(st.integers(0, 4))
            parts.append(draw(arrays(size, (x.dtype.name,))))
        return case(kind, draw(st.permutations(parts)), some(draw, range(1, len(parts))), axis=axis)
    if kind == "Split":
        size = shape[axis]
        if draw(st.booleans()):
            number = draw(st.integers(1, size))
            each = -(-size // number)
            if (number - 1) * each >= size:
                number = 1
            return case(kind, [x], outputs=[x.dtype.name] * number, axis=axis, num_outputs=number)
        cuts = sorted(draw(st.lists(st.integers(0, size), max_size=2)))
        sizes = np.diff([0, *cuts, size])
        return case(kind, [x, ints(*sizes)], [1], [x.dtype.name] * len(sizes), axis=axis)
    if kind == "Tile":
        x = draw(arrays(shape, ("float32", "int8", "uint8", "int32", "int64", "bool")))
        return case(kind, [x, ints(*(draw(st.integers(0, 3)) for _ in shape))], [1])
    if kind in ("Squeeze", "Unsqueeze"):
        axes = sorted(set(draw(st.lists(st.integers(0, rank), min_size=1, max_size=2))))
        if kind == "Unsqueeze":
            whole = rank + len(axes)
            return case(kind, [x, ints(*(a - whole * draw(st.booleans()) for a in axes))], [1])
        for a in axes:
            x = np.expand_dims(x, a)
        return case(
            kind,
            [x, draw(st.sampled_from([None, ints(*(a - x.ndim * draw(st.booleans()) for a in axes))]))],
            [1],
        )
    if kind == "Flatten":
        return case(kind, [x], axis=draw(st.sampled_from([None, 0, rank, axis])))
    if kind == "Pad":
        return _pad(draw)
    if kind == "Trilu":
        x = draw(arrays((*shape, draw(st.integers(1, 4))), ("float32", "int64", "bool")))
        k = draw(st.sampled_from([None, np.asarray(draw(st.integers(-4, 4)), np.int64)]))
        return case(kind, [x, k], [1], upper=draw(st.sampled_from([None, 0, 1])))
    if kind == "Shape":
        begin, end = (draw(st.sampled_from([None, draw(st.integers(-5, 5))])) for _ in range(2))
        return case(kind, [x], (), ["int64"], start=begin, end=end)
    x = draw(arrays(shape, FLOAT))
    axes = draw(st.lists(st.integers(0, rank - 1), min_size=1, unique=True))
    sizes = ints(*(draw(st.integers(1, 7)) for _ in axes))
    return case(kind, [x, sizes], [1], axes=[a - rank * draw(st.booleans()) for a in axes])


def _reshape(draw: Any, x: Array) -> Case:
    if draw(st.booleans()):
        # 0 keeps the size of that axis.
        wanted = [draw(st.sampled_from([0, n])) for n in x.shape]
        wanted[draw(st.integers(0, x.ndim - 1))] = -1
    else:
        wanted = [p for n in x.shape for p in draw(st.sampled_from([(n,), (1, n), (n, 1)]))]
        wanted = [*draw(st.permutations(wanted))]
        if draw(st.booleans()):
            wanted[draw(st.integers(0, len(wanted) - 1))] = -1
    allow = draw(st.sampled_from([None, 0, 1])) if 0 not in wanted else None
    return case("Reshape", [x, ints(*wanted)], [1], allowzero=allow)


def _slice(draw: Any, x: Array) -> Case:
    axes = draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True))
    far = draw(st.sampled_from([7, 7, 7, 2**62]))
    begin, end = ([draw(st.integers(-7, 7)) for _ in axes] for _ in range(2))
    end = [draw(st.sampled_from([e, e, far, -far])) for e in end]
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in axes]
    places = ints(*(a - x.ndim * draw(st.booleans()) for a in axes))
    if len(axes) == x.ndim and draw(st.booleans()):
        return case("Slice", [x, ints(*begin), ints(*end)], [1, 2])
    kind = np.int32 if max(abs(e) for e in end) < 100 and draw(st.booleans()) else np.int64
    given = [x, *(a.astype(kind) for a in (ints(*begin), ints(*end), places))]
    return case("Slice", [*given, draw(st.sampled_from([None, ints(*steps).astype(kind)]))], [1, 2, 3, 4])


def _pad(draw: Any) -> Case:
    shape = draw(shapes(1, 4, 2))
    rank = len(shape)
    mode = draw(st.sampled_from([None, "constant", "reflect", "edge", "wrap"]))
    x = draw(arrays(shape, ("float32", "float16", "int8", "uint8", "int32", "int64", "bool")))
    axes = sorted(draw(st.lists(st.integers(0, rank - 1), min_size=1, unique=True)))
    pads = [draw(st.integers(-1 if shape[a] > 2 else 0, 3)) for _ in range(2) for a in axes]
    if mode in ("reflect", "wrap"):
        # Within what is there, once.
        pads = [max(0, min(p, shape[a] - 1)) for p, a in zip(pads, axes * 2, strict=True)]
    elif mode == "edge":
        pads = [max(0, p) for p in pads]
    value = (
        np.asarray(draw(arrays((), (x.dtype.name,))))
        if mode in (None, "constant") and draw(st.booleans())
        else None
    )
    where = (
        ints(*(a - rank * draw(st.booleans()) for a in axes))
        if len(axes) < rank or draw(st.booleans())
        else None
    )
    return case("Pad", [x, ints(*pads), value, where], [1, 2, 3], mode=mode)


def _places(draw: Any, shape: Sequence[int], size: int) -> Array:
    """Indices, counted from either end."""
    random = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(WIDE))
    return np.asarray(random.integers(-size, size, tuple(shape)), kind)


@st.composite
def indices(draw: Any) -> Case:
    shape = draw(shapes(1, 3))
    rank = len(shape)
    axis = draw(st.integers(-rank, rank - 1))
    x = draw(arrays(shape, ANY))
    kind = draw(
        st.sampled_from(["Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND", "OneHot"])
        | st.sampled_from(
            ["ReverseSequence", "Compress", "NonZero", "DepthToSpace", "SpaceToDepth", "EyeLike"]
        )
    )
    if kind == "Gather":
        found = _places(draw, draw(shapes(0, 2)), shape[axis])
        return case(kind, [x, found], some(draw, [0, 1]) if x.size else [], [x.dtype.name], axis=axis)
    if kind == "GatherElements":
        size = [n if i == axis % rank else draw(st.integers(1, n)) for i, n in enumerate(shape)]
        size[axis] = draw(st.integers(1, 6))
        return case(kind, [x, _places(draw, size, shape[axis])], some(draw, [1]), axis=axis)
    if kind == "GatherND":
        batch = draw(st.integers(0, rank - 1))
        depth = draw(st.integers(1, rank - batch))
        outer = (*shape[:batch], *draw(shapes(0, 2)))
        columns = [_places(draw, outer, n).astype(np.int64) for n in shape[batch : batch + depth]]
        return case(kind, [x, np.stack(columns, -1)], some(draw, [1]), batch_dims=batch)
    reduction = draw(st.sampled_from([None, "none", "add", "mul", "max", "min"]))
    if kind in ("ScatterElements", "ScatterND"):
        x = draw(
            arrays(
                shape, ("float32", "float32", "int32", "int64") if reduction not in (None, "none") else ANY
            )
        )
        random = np.random.default_rng(draw(st.integers(0, 99)))
        # An element that is written twice keeps whichever came last, which the specification leaves open.
        twice = reduction not in (None, "none") and draw(st.booleans())
        if kind == "ScatterElements":
            size = [draw(st.integers(1, n)) for n in shape]
            places = np.argsort(
                random.random([shape[axis] if i == axis % rank else s for i, s in enumerate(size)]), axis
            )
            places = np.take(places, np.arange(size[axis]), axis)
            places = (
                _places(draw, size, shape[axis])
                if twice
                else (places - shape[axis] * random.integers(0, 2, size))
            )
            updates = draw(arrays(size, (x.dtype.name,)))
            return case(
                kind,
                [x, places.astype(np.int64), updates],
                some(draw, [0, 1, 2][1:]),
                axis=axis,
                reduction=reduction,
            )
        depth = draw(st.integers(1, rank))
        count = math.prod(shape[:depth])
        number = draw(st.integers(1, 4)) if twice else draw(st.integers(1, count))
        flat = random.integers(0, count, number) if twice else random.permutation(count)[:number]
        rows = np.stack(np.unravel_index(flat, shape[:depth]), -1).astype(np.int64)
        return case(
            kind,
            [x, rows, draw(arrays((number, *shape[depth:]), (x.dtype.name,)))],
            some(draw, [1, 2]),
            reduction=reduction,
        )
    if kind == "OneHot":
        depth = draw(st.integers(1, 6))
        found = _places(draw, draw(shapes(1, 2)), depth)
        where = draw(st.sampled_from([None, draw(st.integers(-found.ndim - 1, found.ndim))]))
        values = draw(arrays((2,), FLOAT))
        return case(
            kind,
            [found.astype(np.int64), ints(depth), values],
            [1, *some(draw, [2])],
            ["float32"],
            axis=where,
        )
    if kind == "ReverseSequence":
        shape = draw(shapes(2, 4))
        x = draw(arrays(shape, FLOAT))
        time = draw(st.integers(0, 1))
        lengths = np.asarray([draw(st.integers(0, shape[time])) for _ in range(shape[1 - time])], np.int64)
        return case(kind, [x, lengths], some(draw, [1]), time_axis=time, batch_axis=1 - time)
    if kind == "Compress":
        chosen = draw(st.sampled_from([None, axis]))
        count = x.size if chosen is None else shape[axis]
        keep = draw(arrays((draw(st.integers(1, count)),), ("bool",)))
        return case(kind, [x, keep], some(draw, [1]), axis=chosen)
    if kind == "NonZero":
        x = draw(arrays(shape, ("float32", "int32", "int64", "bool", "uint8"), 0))
        return case(kind, [x], (), ["int64"])
    if kind == "EyeLike":
        x = draw(arrays((draw(st.integers(1, 4)), draw(st.integers(1, 4))), ("float32", "int32", "int64")))
        return case(kind, [x], k=draw(st.sampled_from([None, -2, 0, 1, 3])))
    block = draw(st.integers(1, 3))
    n, c, h, w = (draw(st.integers(1, 3)) for _ in range(4))
    if kind == "DepthToSpace":
        x = draw(arrays((n, c * block**2, h, w), ("float32", "uint8")))
        return case(kind, [x], blocksize=block, mode=draw(st.sampled_from([None, "DCR", "CRD"])))
    return case(kind, [draw(arrays((n, c, h * block, w * block), FLOAT))], blocksize=block)
