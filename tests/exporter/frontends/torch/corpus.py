"""Random calls of single ops, and random small modules, for the corpus.

A call is a function of torch with all its options, and the tensors that it is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
F = torch.nn.functional
nn = torch.nn

FLOATS = (torch.float32, torch.float32, torch.float32, torch.float16)
INTEGERS = (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64)
NUMBERS = (*FLOATS, *INTEGERS)
ANY = (*NUMBERS, torch.bool)


@dataclass(frozen=True)
class Call:
    """A function of tensors, and what it is called with; `text` says all that was drawn."""

    text: str
    function: Callable[..., Any]
    inputs: tuple[Any, ...]

    def __repr__(self) -> str:
        given = ", ".join(f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}" for x in self.inputs)
        return f"{self.text} of {given}"


@st.composite
def tensors(draw: Any, shape: Sequence[int], types: Sequence[Any] = FLOATS, low: float = -4) -> Any:
    """A tensor of a shape: floats between `low` and 4, small integers (not below 0 where `low` is not)."""
    dtype = draw(st.sampled_from(types))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    if dtype is torch.bool:
        return torch.rand(tuple(shape), generator=generator) < 0.5
    if dtype.is_floating_point:
        return (torch.rand(tuple(shape), generator=generator) * (4 - low) + low).to(dtype)
    least = 0 if dtype is torch.uint8 or low >= 0 else -9
    return torch.randint(least + (low > 0), 10, tuple(shape), generator=generator).to(dtype)


def shapes(least: int = 0, most: int = 4, smallest: int = 1) -> Any:
    return st.lists(st.integers(smallest, 5), min_size=least, max_size=most).map(tuple)


def call(function: Callable[..., Any], inputs: Sequence[Any], **options: Any) -> Call:
    """A call with options, which are arguments by name; those named `_0`, `_1`, ... follow the tensors."""
    plain = [options.pop(n) for n in sorted(options) if n.startswith("_")]
    named = ", ".join([*map(repr, plain), *(f"{k}={v!r}" for k, v in options.items())])
    name = getattr(function, "__name__", str(function))
    return Call(f"{name}({named})", lambda *x: function(*x, *plain, **options), tuple(inputs))


# Element by element -----------------------------------------------------------------------------------------------

UNARY = [torch.abs, torch.neg, torch.sign, torch.square, torch.positive]
UNARY_FLOAT = [
    *(
        torch.exp,
        torch.expm1,
        torch.sin,
        torch.cos,
        torch.tan,
        torch.atan,
        torch.sinh,
        torch.cosh,
        torch.tanh,
    ),
    *(torch.sigmoid, torch.erf, torch.erfc, torch.exp2, torch.floor, torch.ceil, torch.round, torch.trunc),
    *(torch.frac, torch.asinh, torch.isnan, torch.isfinite, torch.relu, F.relu6, F.selu, F.silu, F.mish),
    *(F.hardswish, F.hardsigmoid, F.softsign, F.logsigmoid, F.tanhshrink, F.gelu, F.elu, F.celu, F.softplus),
]
UNARY_POSITIVE = [torch.sqrt, torch.rsqrt, torch.log, torch.log2, torch.log10, torch.log1p, torch.reciprocal]
BINARY = [
    *(torch.add, torch.mul, torch.maximum, torch.minimum, torch.eq, torch.ne, torch.lt, torch.le, torch.gt),
    *(torch.ge, torch.logical_and, torch.logical_or, torch.logical_xor),
]
DIVISIONS = [torch.div, torch.floor_divide, torch.remainder, torch.fmod]
BITS = [torch.bitwise_and, torch.bitwise_or, torch.bitwise_xor]


@st.composite
def unary(draw: Any) -> Call:
    functions, types, low = draw(
        st.sampled_from(
            [(UNARY, NUMBERS, -4), (UNARY_FLOAT, (*FLOATS, torch.int32), -4), (UNARY_POSITIVE, FLOATS, 0.1)]
        )
    )
    function = draw(st.sampled_from(functions))
    if function.__module__ == "torch.nn.functional" or function in (F.gelu, F.softplus, F.logsigmoid):
        types = FLOATS
    return call(function, [draw(tensors(draw(shapes(smallest=0)), types, low))])


@st.composite
def broadcast_pair(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape = draw(shapes())
    other = tuple(draw(st.sampled_from([1, n])) for n in shape)[draw(st.integers(0, len(shape))) :]
    first = tuple(draw(st.sampled_from([1, n, n])) for n in shape)
    return draw(st.permutations([first, other]))


@st.composite
def binary(draw: Any) -> Call:
    one, other = draw(broadcast_pair())
    kind = draw(st.sampled_from(["plain", "plain", "division", "bits", "number"]))
    if kind == "plain":
        return call(draw(st.sampled_from(BINARY)), [draw(tensors(one, ANY)), draw(tensors(other, ANY))])
    if kind == "bits":
        function = draw(st.sampled_from(BITS))
        types = (*INTEGERS, torch.bool)
        return call(function, [draw(tensors(one, types)), draw(tensors(other, types))])
    if kind == "division":
        function = draw(st.sampled_from(DIVISIONS))
        return call(function, [draw(tensors(one, NUMBERS)), draw(tensors(other, NUMBERS, 1))])
    function = draw(st.sampled_from([torch.add, torch.sub, torch.mul, torch.rsub, torch.eq, torch.lt]))
    number = draw(st.sampled_from([2, -1, 0, 0.5, 3.25]))
    return call(function, [draw(tensors(one, NUMBERS))], _0=number)


@st.composite
def choices(draw: Any) -> Call:
    one, other = draw(broadcast_pair())
    x, y = draw(tensors(one, ANY)), draw(tensors(other, ANY))
    return call(torch.where, [draw(tensors(one, (torch.bool,))), x, y])


@st.composite
def clamps(draw: Any) -> Call:
    x = draw(tensors(draw(shapes()), NUMBERS))
    low, high = sorted(draw(st.tuples(st.integers(-3, 6), st.integers(-3, 6))))
    function = draw(st.sampled_from([torch.clamp, torch.clamp_min, torch.clamp_max]))
    if function is torch.clamp:
        return call(function, [x], min=max(low, 0) if x.dtype is torch.uint8 else low, max=max(high, 0))
    return call(function, [x], _0=max(low, 0) if x.dtype is torch.uint8 else low)


@st.composite
def casts(draw: Any) -> Call:
    return call(torch.Tensor.to, [draw(tensors(draw(shapes()), ANY, 0))], _0=draw(st.sampled_from(ANY)))


# Along axes -------------------------------------------------------------------------------------------------------


@st.composite
def reductions(draw: Any) -> Call:
    shape = draw(shapes(1))
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    axes = [a - len(shape) * draw(st.booleans()) for a in axes]
    keep = draw(st.booleans())
    several = [torch.sum, torch.amax, torch.amin, torch.mean, torch.var, torch.std, torch.logsumexp]
    function = draw(st.sampled_from([*several, torch.prod, torch.argmax, torch.argmin, torch.any, torch.all]))
    if function in several:
        types = (
            (*NUMBERS, torch.bool)
            if function in several[:1]
            else NUMBERS
            if function in several[:3]
            else FLOATS
        )
        x = draw(tensors(shape, types))
        if function in (torch.var, torch.std):
            # More elements than the correction, or it is not a number.
            correction = draw(st.integers(0, 1)) if math.prod(shape[a] for a in axes) > 1 else 0
            return call(function, [x], dim=axes, keepdim=keep, correction=correction)
        return call(function, [x], dim=axes, keepdim=keep)
    x = draw(tensors(shape, (torch.float32,) if function in (torch.argmax, torch.argmin) else NUMBERS))
    return call(function, [x], dim=axes[0], keepdim=keep)


@st.composite
def along(draw: Any) -> Call:
    shape = draw(shapes(1))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    kind = draw(st.sampled_from(["softmax", "cumulative", "order", "top", "norm"]))
    if kind == "softmax":
        function = draw(st.sampled_from([torch.softmax, torch.log_softmax, F.softmin]))
        return call(function, [draw(tensors(shape))], dim=axis)
    if kind == "cumulative":
        function, types = draw(st.sampled_from([(torch.cumsum, NUMBERS), (torch.cumprod, FLOATS[:1])]))
        return call(function, [draw(tensors(shape, types))], dim=axis)
    x = draw(tensors(shape, FLOATS[:1]))
    if kind == "order":
        return call(torch.sort, [x], dim=axis, descending=draw(st.booleans()))
    if kind == "top":
        count = draw(st.integers(1, shape[axis]))
        return call(torch.topk, [x], k=count, dim=axis, largest=draw(st.booleans()))
    order = draw(st.sampled_from([1, 2, 3, math.inf]))
    return call(torch.linalg.vector_norm, [x], ord=order, dim=axis, keepdim=draw(st.booleans()))


# Places -----------------------------------------------------------------------------------------------------------


@st.composite
def moves(draw: Any) -> Call:
    shape = draw(shapes(1))
    rank = len(shape)
    x = draw(tensors(shape, ANY))
    axis = draw(st.integers(-rank, rank - 1))
    size = shape[axis]
    kind = draw(
        st.sampled_from(
            ["permute", "reshape", "expand", "flip", "roll", "slice", "cat", "stack", "split", "repeat"]
        )
        | st.sampled_from(["unfold", "pad", "triangle", "select", "repeat_interleave", "squeeze"])
    )
    if kind == "permute":
        return call(torch.permute, [x], dims=tuple(draw(st.permutations(range(rank)))))
    if kind == "reshape":
        parts = [p for n in shape for p in draw(st.sampled_from([(n,), (1, n), (n, 1)]))]
        return call(torch.reshape, [x], shape=(*parts[:-1], -1))
    if kind == "expand":
        return call(torch.Tensor.expand, [x[..., :1]], _0=(draw(st.integers(1, 3)), *(-1,) * (rank - 1), 4))
    if kind == "flip":
        return call(torch.flip, [x], dims=[axis])
    if kind == "roll":
        return call(torch.roll, [x], shifts=draw(st.integers(-6, 6)), dims=axis)
    if kind == "slice":
        begin, end = draw(st.integers(-7, 7)), draw(st.integers(-7, 7))
        cut = (slice(None),) * (axis % rank) + (slice(begin, end, draw(st.integers(1, 3))),)
        return Call(f"[{cut}]", lambda x: x[cut], (x,))
    if kind in ("cat", "stack"):
        other = draw(tensors(shape, ANY))
        function = torch.cat if kind == "cat" else torch.stack
        return Call(f"{kind}(dim={axis})", lambda x, y: function([x, y, x], axis), (x, other))
    if kind == "split":
        return call(torch.split, [x], split_size_or_sections=draw(st.integers(1, size)), dim=axis)
    if kind == "repeat":
        counts = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank + 1))
        return call(torch.Tensor.repeat, [x], _0=tuple(counts))
    if kind == "unfold":
        width = draw(st.integers(1, size))
        return call(torch.Tensor.unfold, [x], dimension=axis, size=width, step=draw(st.integers(1, 3)))
    if kind == "pad":
        pads = draw(st.lists(st.integers(-1, 3), min_size=2 * rank, max_size=2 * rank))
        # At least one element is left.
        pads = [max(p, 0) if shape[rank - 1 - i // 2] < 3 else p for i, p in enumerate(pads)]
        return call(F.pad, [x], pad=tuple(pads), value=draw(st.sampled_from([0, 1])))
    if kind == "triangle":
        function = draw(st.sampled_from([torch.tril, torch.triu]))
        matrices = draw(tensors((*shape, 4), ANY))
        return call(function, [matrices], diagonal=draw(st.integers(-4, 4)))
    if kind == "select":
        return call(torch.select, [x], dim=axis, index=draw(st.integers(-size, size - 1)))
    if kind == "repeat_interleave":
        return call(torch.repeat_interleave, [x], repeats=draw(st.integers(1, 3)), dim=axis)
    return call(torch.squeeze, [x.unsqueeze(axis)], dim=axis)


@st.composite
def indices(draw: Any) -> Call:
    shape = draw(shapes(1))
    axis = draw(st.integers(0, len(shape) - 1))
    x = draw(tensors(shape, ANY))
    kind = draw(st.sampled_from(["select", "index", "gather", "scatter", "scatter_add", "masked", "put"]))
    count = draw(st.integers(1, 4))
    places = torch.tensor(
        draw(st.lists(st.integers(0, shape[axis] - 1), min_size=count, max_size=count)), dtype=torch.int64
    )
    if kind == "select":
        return Call(f"index_select({axis})", lambda x, i: torch.index_select(x, axis, i), (x, places))
    if kind == "index":
        back = draw(st.sampled_from([0, shape[axis]]))
        cut = (slice(None),) * axis
        return Call(f"x[{axis} axes, i - {back}]", lambda x, i: x[(*cut, i - back)], (x, places))
    if kind == "masked":
        mask = draw(tensors(shape, (torch.bool,)))
        return Call("masked_fill(1)", lambda x, m: x.masked_fill(m, 1), (x, mask))
    wide = draw(st.permutations(range(shape[axis])))
    order = torch.tensor(wide).reshape([-1 if a == axis else 1 for a in range(len(shape))]).expand(shape)
    if kind == "gather":
        return Call(f"gather({axis})", lambda x, i: x.gather(axis, i), (x, order.contiguous()))
    if kind == "scatter":
        return Call(f"scatter({axis})", lambda x, i: x.scatter(axis, i, x.clone()), (x, order.contiguous()))
    if kind == "scatter_add":
        x = draw(tensors(shape, (torch.float32, torch.int32, torch.int64)))
        some = torch.zeros(shape, dtype=torch.int64)
        return Call(f"scatter_add({axis})", lambda x, i: x.scatter_add(axis, i, x), (x, some))
    return Call("index_put", lambda x, i: x.index_put((i,), torch.zeros_like(x[:1])), (x, places % shape[0]))


# Windows ----------------------------------------------------------------------------------------------------------


@st.composite
def windows(draw: Any, rank: int, dilated: bool = True) -> dict[str, tuple[int, ...]]:
    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    found = {"kernel": each(1, 4), "stride": each(1, 3), "dilation": each(1, 2) if dilated else (1,) * rank}
    return {**found, "more": each(0, 6), "padding": each(0, 2)}


def _room(w: dict[str, tuple[int, ...]]) -> list[int]:
    """Sizes at which a window fits."""
    rows = zip(w["kernel"], w["dilation"], w["padding"], w["more"], strict=True)
    return [max(d * (k - 1) + 1 - 2 * p, 1) + m for k, d, p, m in rows]


CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@st.composite
def convolutions(draw: Any) -> Call:
    rank = draw(st.sampled_from([1, 2, 2, 2, 3]))
    w = draw(windows(rank))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    each_in, each_out = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    types = (draw(st.sampled_from(FLOATS)),)
    padding: Any = w["padding"]
    if draw(st.integers(0, 4)) == 0:
        padding = draw(st.sampled_from(["same", "valid"]))
        w = {**w, "padding": (0,) * rank, "stride": (1,) * rank}
    x = draw(tensors((*batch, groups * each_in, *_room(w)), types))
    filters = draw(tensors((groups * each_out, each_in, *w["kernel"]), types))
    bias = [draw(tensors((groups * each_out,), types))] if draw(st.booleans()) else []
    function = CONV[rank]
    options = {"stride": w["stride"], "padding": padding, "dilation": w["dilation"], "groups": groups}
    return call(function, [x, filters, *bias], **options)


@st.composite
def transposed_convolutions(draw: Any) -> Call:
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    w = draw(windows(rank))
    groups = draw(st.sampled_from([1, 1, 2]))
    each_in, each_out = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    types = (draw(st.sampled_from(FLOATS)),)
    rows = list(zip(w["kernel"], w["dilation"], w["stride"], strict=True))
    more = tuple(draw(st.integers(0, max(s, d) - 1)) for _, d, s in rows)
    sizes = tuple(draw(st.integers(1, 5)) for _ in rows)
    # At least one element is left.
    padding = tuple(
        min(p, ((n - 1) * s + d * (k - 1) + o) // 2)
        for p, n, o, (k, d, s) in zip(w["padding"], sizes, more, rows, strict=True)
    )
    x = draw(tensors((draw(st.integers(1, 2)), groups * each_in, *sizes), types))
    filters = draw(tensors((groups * each_in, each_out, *w["kernel"]), types))
    bias = [draw(tensors((groups * each_out,), types))] if draw(st.booleans()) else []
    options = {"padding": padding, "output_padding": more, "groups": groups, "dilation": w["dilation"]}
    return call(CONV_TRANSPOSE[rank], [x, filters, *bias], stride=w["stride"], **options)


MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
ADAPTIVE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


@st.composite
def pools(draw: Any) -> Call:
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    kind = draw(st.sampled_from(["max", "average", "adaptive", "adaptive_max"]))
    w = draw(windows(rank, dilated=kind == "max"))
    w = {**w, "padding": tuple(min(p, k // 2) for p, k in zip(w["padding"], w["kernel"], strict=True))}
    x = draw(tensors((draw(st.integers(1, 2)), draw(st.integers(1, 3)), *_room(w))))
    common = {"kernel_size": w["kernel"], "stride": w["stride"], "padding": w["padding"]}
    common["ceil_mode"] = draw(st.booleans())
    if kind == "max":
        return call(MAX_POOL[rank], [x], **common, dilation=w["dilation"])
    if kind == "average":
        return call(AVERAGE_POOL[rank], [x], **common, count_include_pad=draw(st.booleans()))
    wanted = tuple(draw(st.integers(1, 5)) for _ in range(rank))
    return call((ADAPTIVE if kind == "adaptive" else ADAPTIVE_MAX)[rank], [x], output_size=wanted)


@st.composite
def resizes(draw: Any) -> Call:
    modes = [(1, "linear"), (2, "bilinear"), (2, "bicubic"), (3, "trilinear")]
    modes += [(r, m) for r in (1, 2, 3) for m in ("nearest", "nearest-exact")]
    rank, mode = draw(st.sampled_from(modes))
    sizes, wanted = (tuple(draw(st.integers(1, 7)) for _ in range(rank)) for _ in range(2))
    x = draw(tensors((1, 2, *sizes), FLOATS[:1]))
    options: dict[str, Any] = {"mode": mode}
    if "nearest" not in mode:
        options["align_corners"] = draw(st.booleans())
    return call(F.interpolate, [x], size=wanted, **options)


@st.composite
def border_pads(draw: Any) -> Call:
    rank = draw(st.integers(1, 3))
    sizes = tuple(draw(st.integers(2, 5)) for _ in range(rank))
    mode = draw(st.sampled_from(["reflect", "replicate", "circular"]))
    pads = [draw(st.integers(0, n - 1)) for n in reversed(sizes) for _ in range(2)]
    return call(F.pad, [draw(tensors((1, 2, *sizes)))], pad=tuple(pads), mode=mode)


# Sums of products -------------------------------------------------------------------------------------------------


@st.composite
def products(draw: Any) -> Call:
    n, m, k = (draw(st.integers(1, 5)) for _ in range(3))
    types = (draw(st.sampled_from(FLOATS)),)
    kind = draw(st.sampled_from(["matmul", "linear", "baddbmm", "einsum"]))
    if kind == "linear":
        x, w = draw(tensors((*draw(shapes(0, 3)), k), types)), draw(tensors((n, k), types))
        return call(F.linear, [x, w, *([draw(tensors((n,), types))] if draw(st.booleans()) else [])])
    if kind == "einsum":
        names = {"a": n, "b": m, "c": k, "d": 2}
        one, other = (draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True)) for _ in range(2))
        both = sorted({*one, *other})
        result = draw(st.lists(st.sampled_from(both), unique=True))
        equation = f"{''.join(one)},{''.join(other)}->{''.join(result)}"
        x, y = (draw(tensors([names[c] for c in term], FLOATS[:1])) for term in (one, other))
        return Call(f"einsum({equation})", lambda x, y: torch.einsum(equation, x, y), (x, y))
    if kind == "baddbmm":
        x, y, z = (draw(tensors(s, FLOATS[:1])) for s in ((2, n, m), (2, n, k), (2, k, m)))
        return call(torch.baddbmm, [x, y, z], beta=draw(st.sampled_from([0.5, 1])), alpha=2)
    one, other = draw(broadcast_pair())
    x = draw(st.sampled_from([(*one, n, k), (n, k), (k,)]))
    y = draw(st.sampled_from([(*other, k, m), (k, m), (k,)]))
    return call(torch.matmul, [draw(tensors(x, types)), draw(tensors(y, types))])


@st.composite
def normalizations(draw: Any) -> Call:
    kind = draw(st.sampled_from(["layer", "group", "batch", "instance", "rms"]))
    inner = draw(shapes(1, 3))
    types = (draw(st.sampled_from(FLOATS)),)
    if kind in ("layer", "rms"):
        # What is left of one element less its mean is rounding alone.
        inner = (*inner, draw(st.integers(2, 5)))
        x = draw(tensors((*draw(shapes(1, 2)), *inner), types))
        weights = [
            draw(tensors(inner, types)) for _ in range(draw(st.integers(0, 2 if kind == "layer" else 1)))
        ]
        function = F.layer_norm if kind == "layer" else F.rms_norm
        return Call(f"{kind}_norm({inner})", lambda x, *w: function(x, inner, *w, eps=1e-3), (x, *weights))
    groups = draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 3))
    x = draw(tensors((draw(st.integers(1, 3)), channels, *inner, 2), types))
    scale, bias = draw(tensors((channels,), types)), draw(tensors((channels,), types))
    if kind == "group":
        return Call(
            f"group_norm({groups})", lambda x, w, b: F.group_norm(x, groups, w, b, 1e-3), (x, scale, bias)
        )
    if kind == "instance":
        return Call("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), (x, scale, bias))
    mean, variance = draw(tensors((channels,), types)), draw(tensors((channels,), types, 0.2))
    return call(F.batch_norm, [x, mean, variance, scale, bias], eps=1e-3)


@st.composite
def attentions(draw: Any) -> Call:
    heads, size = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    queries, keys = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    shared = draw(st.sampled_from([1, 1, 2]))
    batch = draw(st.integers(1, 2))
    q = draw(tensors((batch, heads * shared, queries, size), FLOATS[:1]))
    k, v = (draw(tensors((batch, heads, keys, size), FLOATS[:1])) for _ in range(2))
    mask = draw(st.sampled_from(["none", "float", "bool", "causal"]))
    options: dict[str, Any] = {"is_causal": mask == "causal"}
    if shared > 1:
        options["enable_gqa"] = True
    if draw(st.booleans()):
        options["scale"] = 0.3
    given = [q, k, v]
    if mask in ("float", "bool"):
        kind = torch.float32 if mask == "float" else torch.bool
        given.append(draw(tensors((queries, keys), (kind,))))
    return call(F.scaled_dot_product_attention, given, **options)


CALLS = st.one_of(
    *(unary(), binary(), choices(), clamps(), casts(), reductions(), along(), moves(), moves(), indices()),
    *(convolutions(), convolutions(), transposed_convolutions(), pools(), resizes(), border_pads()),
    *(products(), normalizations(), attentions()),
)
WINDOWS = st.one_of(convolutions(), transposed_convolutions(), pools(), resizes(), border_pads())
POINTWISE = st.one_of(unary(), binary(), choices(), clamps(), casts())
AXES = st.one_of(reductions(), along(), moves(), moves(), indices())
MIXTURES = st.one_of(products(), normalizations(), attentions())


# Modules ----------------------------------------------------------------------------------------------------------

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.ELU)


class Residual(nn.Module):
    """x plus, or next to, what some layers make of it."""

    def __init__(self, inner: Any, joined: bool) -> None:
        super().__init__()
        self.inner = inner
        self.joined = joined

    def forward(self, x: Any) -> Any:
        y = self.inner(x)
        return torch.cat([x, y], 1) if self.joined else x + y


class Excited(nn.Module):
    """Channels scaled by what they hold on the whole."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x: Any) -> Any:
        scale = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.excite(torch.relu(self.squeeze(scale))))


@st.composite
def images(draw: Any) -> Any:
    """A convolutional network and the shape of its images."""
    torch.manual_seed(draw(st.integers(0, 99)))
    first = channels = draw(st.integers(1, 4))
    layers: list[Any] = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(
            st.sampled_from(["conv", "depthwise", "residual", "excite", "pool", "up", "norm", "join"])
        )
        if kind == "conv":
            after, kernel = draw(st.integers(1, 8)), draw(st.sampled_from([1, 3, 5]))
            stride = draw(st.sampled_from([1, 1, 2]))
            layers.append(nn.Conv2d(channels, after, kernel, stride, kernel // 2, bias=draw(st.booleans())))
            channels = after
        elif kind == "depthwise":
            layers.append(nn.Conv2d(channels, channels, 3, padding=1, groups=channels))
        elif kind in ("residual", "join"):
            inner = nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1), draw(st.sampled_from(ACTIVATIONS))()
            )
            layers.append(Residual(inner, kind == "join"))
            channels *= 2 if kind == "join" else 1
        elif kind == "excite":
            layers.append(Excited(channels))
        elif kind == "pool":
            layers.append(draw(st.sampled_from([nn.MaxPool2d(2, ceil_mode=True), nn.AvgPool2d(3, 1, 1)])))
        elif kind == "up":
            layers.append(nn.Upsample(scale_factor=2, mode=draw(st.sampled_from(["nearest", "bilinear"]))))
        else:
            layers.append(nn.BatchNorm2d(channels))
            layers[-1].running_mean.uniform_(-0.5, 0.5)
            layers[-1].running_var.uniform_(0.5, 2)
        layers.append(draw(st.sampled_from(ACTIVATIONS))())
    end = draw(st.sampled_from(["image", "pooled", "rows", "shuffled"]))
    if end == "pooled":
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3)]
    elif end == "rows":
        layers += [nn.Flatten(2), nn.Softmax(-1)]
    elif end == "shuffled":
        layers += [nn.Conv2d(channels, 8, 1), nn.PixelShuffle(2)]
    size = draw(st.integers(6, 12))
    return nn.Sequential(*layers).eval(), (first, size, draw(st.integers(6, 12)))


@st.composite
def sequences(draw: Any) -> Any:
    """A network of vectors one after another, and their shape."""
    torch.manual_seed(draw(st.integers(0, 99)))
    size = 4 * draw(st.integers(1, 3))
    first = size
    layers: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["encoder", "linear", "norm", "conv"]))
        if kind == "encoder":
            layers.append(
                nn.TransformerEncoderLayer(
                    size,
                    draw(st.sampled_from([1, 2, 4])),
                    12,
                    activation=draw(st.sampled_from(["relu", "gelu"])),
                    batch_first=True,
                    norm_first=draw(st.booleans()),
                )
            )
        elif kind == "linear":
            layers += [nn.Linear(size, 8), draw(st.sampled_from(ACTIVATIONS))()]
            size = 8
        elif kind == "norm":
            layers.append(nn.LayerNorm(size))
        else:
            layers.append(
                Turned(nn.Conv1d(size, size, 3, padding=1, groups=draw(st.sampled_from([1, size]))))
            )
    return nn.Sequential(*layers).eval(), (draw(st.integers(2, 6)), first)


class Turned(nn.Module):
    """Layers on vectors that lie along the other axis."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return self.inner(x.transpose(1, 2)).transpose(1, 2)
