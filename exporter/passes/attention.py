"""Recognizes attention: softmax(scale * q k^T + mask) v, in the ways in which frameworks and people write it.

It is matched from the last product backwards. What lies in between may be read by nothing else, or it would be computed
twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samara.exporter.passes.raising import number_of
from samara.graph import dims
from samara.graph.dims import Dimension, Shape
from samara.graph.dtypes import DType
from samara.graph.graph import Operation, Tensor
from samara.graph.inference import known_value
from samara.graph.ops.indexing import size_along
from samara.graph.rewrite import ModelGraph, Visit, constant_value, transform

_RESHAPES = ("reshape", "expand_dims", "squeeze")

# A score that is put in the place of another has no weight from here on; added to another, it leaves nothing of it.
_WEIGHTLESS = -1e4
_ABSORBING = -1e9

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Which keys a query sees; those that it does not have the score `never`.

    `mask` is true there, or, "hidden", not there, or, "bias", 0 there and `never` elsewhere.
    """

    mask: Tensor
    never: float
    form: str = "seen"

    def value(self) -> Array | None:
        """Where a key is seen, of a constant."""
        value = constant_value(self.mask)
        return None if value is None else (value == 0) == (self.form != "seen")


@dataclass(kw_only=True)
class _Scores:
    """What is done to the product of queries and keys, in this order: scaled, capped, masked."""

    product: Operation
    shape: Shape
    scale: float = 1.0
    softcap: float = 0.0
    seen: list[_Seen] = field(default_factory=list)
    added: list[Tensor] = field(default_factory=list)


def raise_attention(model: ModelGraph) -> ModelGraph | None:
    """Writes attention as one op, which needs no memory for its weights.

    Heads of keys that were repeated, one for each head of queries, are not: the op shares them.
    """
    return transform(model, _visit)


def _visit(visit: Visit) -> list[Tensor] | None:
    if not _is_plain(visit.op) or visit.op.a.transpose_x:
        return None
    weights = visit.op.inputs[0]
    assert weights is not None
    weights = _past(visit, weights, *_RESHAPES)
    weights = _past(visit, weights, "cast")
    kept = _zeroed(visit, weights)
    weights = weights if kept is None else kept[0]
    under = _under_softmax(visit, weights)
    if under is None or not under.dtype.is_floating:
        return None
    if weights.op.type == "softmax":
        joined = _past(visit, under, *_RESHAPES)
        same = joined.shape is not None and under.shape is not None and joined.shape[-1:] == under.shape[-1:]
        found = _scores(visit, _past(visit, joined if same else under, "cast"))
    else:
        found = _scores(visit, under, readers=2)
    if found is None or (kept is not None and not _is_of(kept[1], found)):
        return None
    return _made(visit, found, zeros=kept is not None)


def _is_plain(product: Operation) -> bool:
    """Whether an operation is a product of matrices of floats and nothing more."""
    return (
        product.type == "matmul"
        and product.inputs[2] is None
        and product.a.activation == "none"
        and product.outputs[0].dtype.is_floating
    )


def _past(visit: Visit, tensor: Tensor, *types: str) -> Tensor:
    """What an operation of these types is applied to, when its result is read once; else the tensor itself."""
    origin = tensor.op.inputs[0] if tensor.op.type in types else None
    return tensor if origin is None or visit.readers(tensor) != 1 else origin


# From the weights to the product of queries and keys ---------------------------------------------------------------


def _zeroed(visit: Visit, weights: Tensor) -> tuple[Tensor, Tensor] | None:
    """The weights and the condition under which they are kept, not made 0."""
    if weights.op.type != "where" or visit.readers(weights) != 1:
        return None
    condition, kept, other = weights.op.inputs
    if condition is None or kept is None or number_of(other) != 0 or kept.shape != weights.shape:
        return None
    return kept, condition


def _under_softmax(visit: Visit, weights: Tensor) -> Tensor | None:
    """What a softmax of the last axis, one op or in steps, is applied to."""
    op = weights.op
    if visit.readers(weights) != 1:
        return None
    if op.type == "softmax":
        return op.inputs[0] if _is_last(op.a.axis, weights) else None
    if op.type != "divide":
        return None
    power, total = op.inputs
    if (
        power is None
        or power.op.type != "exp"
        or visit.readers(power) != 2
        or not _reduces("sum", total, power)
    ):
        return None
    centred = power.op.inputs[0]
    if centred is None or centred.op.type != "subtract":
        return None
    scores, top = centred.op.inputs
    return scores if scores is not None and _reduces("max", top, scores) else None


def _is_last(axis: int, tensor: Tensor) -> bool:
    return tensor.shape is not None and axis % len(tensor.shape) == len(tensor.shape) - 1


def _reduces(kind: str, reduced: Tensor | None, x: Tensor) -> bool:
    """Whether a tensor is the sum or maximum along the last axis of another, which keeps the axis."""
    if reduced is None or reduced.op.type != f"reduce_{kind}" or reduced.op.inputs[0] is not x:
        return False
    a = reduced.op.a
    return bool(a.keepdims) and len(a.axes) == 1 and _is_last(a.axes[0], x)


def _scores(visit: Visit, tensor: Tensor, readers: int = 1) -> _Scores | None:
    """A product of matrices, scaled, capped and masked, in this order."""
    op = tensor.op
    if visit.readers(tensor) != readers or tensor.shape is None:
        return None
    if op.type in _RESHAPES:
        origin = op.inputs[0]
        if origin is None or not _is_plain(origin.op) or visit.readers(origin) != 1:
            return None
        return _Scores(product=origin.op, shape=tensor.shape)
    if op.type == "matmul":
        return _Scores(product=op, shape=tensor.shape) if _is_plain(op) else None
    if op.type == "add":
        for one, other in (op.inputs, op.inputs[::-1]):
            found = _inner(visit, one, tensor)
            if found is not None and other is not None:
                _add(found, other)
                return found
    if op.type == "where":
        for one, other in (op.inputs[1:], op.inputs[:0:-1]):
            never, found = number_of(other), _inner(visit, one, tensor)
            if found is not None and op.inputs[0] is not None and never is not None and never <= _WEIGHTLESS:
                mask, hides = op.inputs[0], one is op.inputs[2]
                if mask.op.type == "logical_not" and mask.op.inputs[0] is not None:
                    mask, hides = mask.op.inputs[0], not hides
                found.seen.append(_Seen(mask=mask, never=never, form="hidden" if hides else "seen"))
                return found
    if op.type in ("multiply", "divide"):
        for one, other in (op.inputs, op.inputs[::-1]):
            number = number_of(other)
            if number and one is not None and (op.type == "multiply" or one is op.inputs[0]):
                return _multiplied(visit, one, tensor, number if op.type == "multiply" else 1 / number)
    return None


def _inner(visit: Visit, one: Tensor | None, tensor: Tensor) -> _Scores | None:
    """Scores that an operation keeps in their shape."""
    return _scores(visit, one) if one is not None and one.shape == tensor.shape else None


def _multiplied(visit: Visit, one: Tensor, tensor: Tensor, number: float) -> _Scores | None:
    bent = _past(visit, one, "tanh")
    if bent is not one:
        found = _inner(visit, bent, tensor)
        # The number within the tanh is part of the scale: in softcap * tanh(scale * p / softcap).
        if found is None or found.softcap or found.seen or found.added or number <= 0:
            return None
        found.softcap, found.scale = number, found.scale * number
        return found
    found = _inner(visit, one, tensor)
    if found is None or found.softcap or found.seen or found.added:
        return None
    found.scale *= number
    return found


def _add(scores: _Scores, bias: Tensor) -> None:
    """Notes what is added: what only tells which keys are seen, as that."""
    value = constant_value(bias)
    if value is not None and value.size:
        lowest = float(value.min())
        if lowest <= _ABSORBING and bool(np.all((value == 0) | (value == lowest))):
            scores.seen.append(_Seen(mask=bias, never=lowest, form="bias"))
            return
    if bias.op.type == "where":
        mask, zero, other = bias.op.inputs
        never = number_of(other)
        if mask is not None and number_of(zero) == 0 and never is not None and never <= _ABSORBING:
            scores.seen.append(_Seen(mask=mask, never=never))
            return
    scores.added.append(bias)


# Masks ------------------------------------------------------------------------------------------------------------


def _is_of(condition: Tensor, scores: _Scores) -> bool:
    """Whether a condition keeps what a query sees, and nothing of a query that sees no key."""
    if len(scores.seen) + len(scores.added) != 1:
        return False
    seen = scores.seen[0] if scores.seen else None
    if seen is not None and condition is seen.mask and seen.form == "seen":
        return True
    value = constant_value(condition)
    if value is not None:
        bias = None if seen is not None else constant_value(scores.added[0])
        expected = seen.value() if seen is not None else None if bias is None else bias > -np.inf
        if expected is None or not expected.ndim or not value.ndim:
            return False
        sees = expected.any(axis=-1, keepdims=True) if value.shape[-1] == 1 else expected
        return value.shape == sees.shape and bool(np.all(value == sees))
    top = condition.op.inputs[0] if condition.op.type == "greater" else None
    origin = None if top is None else top.op.inputs[0] if top.op.type == "reduce_max" else None
    if origin is None or number_of(condition.op.inputs[1]) != -np.inf or not _reduces("max", top, origin):
        return False
    if seen is None:
        return origin is scores.added[0]
    return origin.op.type == "where" and origin.op.inputs[0] is seen.mask and seen.form == "seen"


def _causal(mask: Tensor, value: Array | None, queries: Dimension, keys: Dimension) -> str | None:
    """How a mask lets queries see the keys up to their own place, when it does so."""
    if value is not None:
        if value.ndim < 2 or value.shape[-2:] != (queries, keys) or not value.size:
            return None
        rows, columns = value.shape[-2:]
        for kind, before in (("start", 0), ("end", columns - rows)):
            if bool(np.all(value == np.tri(rows, columns, before, dtype=np.bool_))):
                return kind
        return None
    if mask.op.type not in ("less_equal", "greater_equal"):
        return None
    key, query = mask.op.inputs if mask.op.type == "less_equal" else mask.op.inputs[::-1]
    if key is None or query is None or not _counts(key, keys, -1):
        return None
    if _counts(query, queries, -2):
        return "start"
    if query.op.type == "add":
        for places, before in (query.op.inputs, query.op.inputs[::-1]):
            known = None if before is None else known_value(before)
            if known and places is not None and len(known) == 1 and _counts(places, queries, -2):
                return "end" if dims.equal(known[0] + queries, keys) else None
    return None


def _counts(tensor: Tensor, size: Dimension, axis: int) -> bool:
    """Whether a tensor is 0, 1, ... along an axis counted from the last, and all other axes have size 1."""
    shape = tensor.shape
    if shape is None or len(shape) < -axis or not dims.equal(shape[axis], size):
        return False
    if any(d != 1 for i, d in enumerate(shape) if i != len(shape) + axis):
        return False
    while tensor.op.type in (*_RESHAPES, "cast"):
        origin = tensor.op.inputs[0]
        assert origin is not None
        tensor = origin
    value = constant_value(tensor)
    if value is not None:
        return bool(np.array_equal(value.reshape(-1), np.arange(value.size)))
    return tensor.op.type == "range" and [number_of(tensor.op.inputs[i]) for i in (0, 2)] == [0, 1]


@dataclass(kw_only=True)
class _Mask:
    """What all masks come to, in the new graph."""

    causal: str = "none"
    seen: Tensor | None = None
    added: Tensor | None = None

    def operand(self, b: Any) -> Tensor | None:
        """One tensor of both."""
        if self.seen is None or self.added is None:
            return self.added if self.seen is None else self.seen
        made: Tensor = b.where(self.seen, self.added, b.like(-np.inf, self.added))
        return made


def _mask(visit: Visit, scores: _Scores, dtype: DType, *, zeros: bool) -> _Mask | None:
    """The masks; None when they cannot be had with just the result that they have."""
    b = visit.b
    found = _Mask()
    added = [visit.copied(t) for t in scores.added]
    alone = len(scores.seen) + len(added) == 1
    for seen in scores.seen:
        parts = list(_parts(seen, scores.shape))
        # A query that sees nothing sees all keys alike where their scores are not -inf.
        if seen.never == -np.inf or zeros or (alone and _sees_something(parts)):
            for part, kind in parts:
                if kind is not None and found.causal in ("none", kind):
                    found.causal = kind
                else:
                    made = _as_seen(visit, part)
                    found.seen = made if found.seen is None else b.logical_and(found.seen, made)
        elif seen.form == "bias":
            added.append(visit.copied(seen.mask))
        elif seen.never <= _ABSORBING:
            never, zero = (b.constant(np.asarray(n, dtype.numpy)) for n in (seen.never, 0))
            choice = (zero, never) if seen.form == "seen" else (never, zero)
            added.append(b.where(visit.copied(seen.mask), *choice))
        else:
            return None
    for bias in added:
        found.added = bias if found.added is None else b.add(found.added, bias)
    return None if found.added is not None and found.added.dtype is not dtype else found


def _parts(seen: _Seen, shape: Shape) -> Iterator[tuple[_Seen, str | None]]:
    """The conditions that a mask demands, each with its kind if it is causal."""
    queries, keys = shape[-2:]
    if seen.form == "seen" and seen.mask.op.type == "logical_and":
        for mask in seen.mask.op.inputs:
            assert mask is not None
            yield from _parts(_Seen(mask=mask, never=seen.never), shape)
        return
    structured = seen.form == "seen" or constant_value(seen.mask) is not None
    yield seen, _causal(seen.mask, seen.value(), queries, keys) if structured else None


def _sees_something(parts: Sequence[tuple[_Seen, str | None]]) -> bool:
    """Whether each query surely sees some key."""
    if len(parts) != 1:
        return False
    ((seen, kind),) = parts
    value = seen.value()
    if value is None:
        return kind is not None
    return value.ndim > 0 and bool(np.all(value.any(axis=-1)))


def _as_seen(visit: Visit, seen: _Seen) -> Tensor:
    """A mask that is true where a key is seen."""
    value = seen.value()
    if seen.form == "seen":
        return visit.copied(seen.mask)
    if value is not None:
        return visit.constant(value, "mask")
    made: Tensor = visit.b.logical_not(visit.copied(seen.mask))
    return made


# The op -----------------------------------------------------------------------------------------------------------


def _made(visit: Visit, scores: _Scores, *, zeros: bool) -> list[Tensor] | None:
    """Attention in the place of the product with the values, where its operands fit."""
    op, first = visit.op, scores.product
    result, product = op.outputs[0].shape, first.outputs[0].shape
    if result is None or product is None or result[:-1] != product[:-1]:
        return None
    lead = tuple(scores.shape[:-2])
    if scores.shape[-2:] != product[-2:]:
        return None
    scale = scores.scale
    operands: list[Tensor] = []
    for number, (tensor, turned) in enumerate(
        (
            (first.inputs[0], first.a.transpose_x),
            (first.inputs[1], not first.a.transpose_y),
            (op.inputs[1], op.a.transpose_y),
        )
    ):
        assert tensor is not None
        tensor, factor = _origin(tensor, lead, turned=turned, scaled=number < 2)
        scale *= factor
        made = _operand(visit, tensor, lead, turned=turned)
        if made is None or made.dtype is not op.outputs[0].dtype:
            return None
        operands.append(made)
    query, key, value = (t.shape for t in operands)
    if query is None or key is None or value is None or query[:-2] != lead:
        return None
    if not all(_fits(t[:-2], lead) for t in (key, value)):
        return None
    mask = _mask(visit, scores, operands[0].dtype, zeros=zeros)
    if mask is None:
        return None
    attributes = {
        "scale": scale,
        "softcap": scores.softcap,
        "causal": mask.causal,
        "blind_nan": not zeros and bool(scores.seen or scores.added),
    }
    inputs = [*operands, mask.operand(visit.b)]
    if len(result) == len(scores.shape):
        return visit.make("attention", inputs, attributes)
    y = visit.b.attention(*inputs, **attributes, name=visit.derived("attention"))
    sizes = _sizes(visit.b, result, operands)
    return None if sizes is None else visit.make("reshape", [y, sizes])


def _fits(shape: Shape, lead: Shape) -> bool:
    """Whether axes before the matrices of keys are those of queries, or shared by them."""
    if not lead:
        return True
    *axes, heads = shape
    *others, all_heads = lead
    divides = isinstance(heads, int) and isinstance(all_heads, int) and heads > 0 and all_heads % heads == 0
    return (divides or heads == all_heads) and all(
        a in (1, other) for a, other in zip(axes, others, strict=True)
    )


def _origin(tensor: Tensor, lead: Shape, *, turned: bool, scaled: bool) -> tuple[Tensor, float]:
    """What an operand was before it was multiplied by a number, its heads repeated, or its axes grouped."""
    scale = 1.0
    while True:
        op, shape = tensor.op, tensor.shape
        origin = op.inputs[0] if op.inputs else None
        if shape is None or origin is None or origin.shape is None:
            return tensor, scale
        if scaled and op.type in ("multiply", "divide"):
            number, one = number_of(op.inputs[1]), origin
            if number is None and op.type == "multiply" and op.inputs[1] is not None:
                number, one = number_of(origin), op.inputs[1]
            if not number or one.shape != shape:
                return tensor, scale
            scale *= number if op.type == "multiply" else 1 / number
            tensor = one
            continue
        if turned or op.type not in _RESHAPES:
            return tensor, scale
        repeated = _repeated(origin, shape)
        if repeated is not None:
            tensor = repeated
        elif len(shape) != len(lead) + 2 == len(origin.shape) and origin.shape[-2:] == shape[-2:]:
            if origin.shape[:-2] != lead and shape[:-2] != (*origin.shape[:-2], 1):
                return tensor, scale
            tensor = origin
        else:
            return tensor, scale


def _repeated(wide: Tensor, shape: Shape) -> Tensor | None:
    """The heads of which `wide`, before its axes are joined to `shape`, has each several times."""
    narrow = wide.op.inputs[0] if wide.op.type == "broadcast_to" else None
    if narrow is None or narrow.op.type not in _RESHAPES or wide.shape is None or narrow.shape is None:
        return None
    heads = narrow.op.inputs[0]
    if heads is None or heads.shape is None or len(wide.shape) != len(shape) + 1 or len(shape) < 3:
        return None
    *lead, count, times, rows, columns = wide.shape
    once = (*lead, count, rows, columns)
    joined = (*lead, dims.product((count, times)), rows, columns)
    return (
        heads
        if heads.shape == once and joined == shape and narrow.shape == (*lead, count, 1, rows, columns)
        else None
    )


def _operand(visit: Visit, tensor: Tensor, lead: Shape, *, turned: bool) -> Tensor | None:
    """An operand in the new graph, with as many axes as the scores have."""
    made = visit.copied(tensor)
    if made.shape is None:
        return None
    if turned:
        rank = len(made.shape)
        permutation = (*range(rank - 2), rank - 1, rank - 2)
        made = visit.b.transpose(made, permutation=permutation)
    shape = made.shape
    assert shape is not None
    if len(shape) == len(lead) + 2:
        return made
    wanted = None
    if dims.product(shape[:-2]) == dims.product(lead):
        wanted = (*lead, *shape[-2:])
    elif len(shape) == len(lead) + 3 and shape[-3] == 1:
        wanted = (*shape[:-3], *shape[-2:])
    sizes = None if wanted is None else _sizes(visit.b, wanted, [made])
    return None if sizes is None else visit.b.reshape(made, sizes)


def _sizes(b: Any, shape: Shape, sources: Sequence[Tensor]) -> Any:
    """A shape as an operand; its dimensions that move are looked up in other tensors, all but one."""
    moving = [d for d in shape if isinstance(d, dims.Dim)]
    if len(moving) < 2 and 0 not in shape:
        return np.asarray([-1 if isinstance(d, dims.Dim) else d for d in shape], np.int32)
    sizes: list[Any] = []
    for size in shape:
        places = [(t, a) for t in sources for a, d in enumerate(t.shape or ()) if d == size]
        if isinstance(size, int):
            sizes.append(b.constant(np.int32(size)))
        elif places:
            tensor, axis = places[0]
            sizes.append(size_along(b, tensor, axis))
        else:
            return None
    return b.stack(sizes, axis=0)
