"""Stores images with their channels last wherever that saves transposes.

Models that come with channels first have a transpose before and after each convolution. Every tensor of rank 3 and
more can be stored as the graph has it, or with axis 1 moved to the end; most ops can work on either. Where tensors are
stored which way is a cut through the graph: each transpose that is left costs the bytes that it moves, and the cheapest
cut is found exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samara.exporter.passes.minimum_cut import ONE, ZERO, Network
from samara.graph import dims
from samara.graph.dims import Dim, Shape
from samara.graph.graph import Operation, Tensor
from samara.graph.rewrite import ModelGraph, Visit, constant_value, needed, transform

# What names a tensor that is stored with its channels last.
SUFFIX = "/channels_last"

# A dimension without an upper bound counts as this many.
_USUAL = 64

# A byte that is moved costs as much as so many transposes that move none.
_MOVED = 1 << 10


def to_last(rank: int) -> list[int]:
    """The permutation that moves axis 1 to the end; none for rank 2 and less."""
    return [0, *range(2, rank), 1] if rank > 2 else list(range(rank))


def to_first(rank: int) -> list[int]:
    """The permutation that undoes `to_last`."""
    return [0, rank - 1, *range(1, rank - 1)] if rank > 2 else list(range(rank))


@dataclass(frozen=True, kw_only=True)
class Flipped:
    """How an op works on tensors with their channels last.

    Attributes:
        attributes: those that change.
        inputs: for each input, whether it is wanted with channels last.
        outputs: for each output, whether it comes with channels last.
        arrays: constants that take the place of inputs, by index.
    """

    attributes: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[bool, ...]
    outputs: tuple[bool, ...] = (True,)
    arrays: dict[int, np.ndarray[Any, Any]] = field(default_factory=dict)


def prefer_channels_last(model: ModelGraph) -> ModelGraph | None:
    """Moves transposes between channels first and last, and drops those that meet, as far as that makes them fewer."""
    order = needed(model.outputs)
    turns = [op for op in order if _turn(op) is not None]
    if not turns:
        return None
    uses: dict[int, list[Operation]] = {}
    for op in order:
        for tensor in op.given_inputs:
            uses.setdefault(id(tensor), []).append(op)
    outputs = {id(t) for t in model.outputs}
    flipped = {op: f for op in order if (f := _flipped(op)) is not None}
    flattened = {op for op in order if _is_flattened(op, uses, outputs)}
    flipped.update({op: Flipped(inputs=(True, False), outputs=(False,)) for op in flattened})
    chosen, cost = _choose(model, order, flipped)
    if cost >= sum(_cost(op.outputs[0]) for op in turns):
        return None

    def visit(visited: Visit) -> list[Tensor] | None:
        turn = _turn(visited.op)
        if turn is not None:
            return _joined(visited, turn)
        before = visited.op.inputs[0].op if visited.op.inputs and visited.op.inputs[0] is not None else None
        if before in chosen and before in flattened:
            return _reordered(visited, before)
        return _rebuilt(visited, flipped[visited.op]) if visited.op in chosen - flattened else None

    return transform(model, visit)


def _turn(op: Operation) -> str | None:
    """Whether an op is a transpose of images: to channels "last", to channels "first", or None.

    Of rank 3 the two are the same: it is one to channels last after axes of an image were joined, else neither.
    """
    if op.type != "transpose":
        return None
    shape = op.outputs[0].shape
    if shape is None or len(shape) < 3:
        return None
    permutation = [a % len(shape) for a in op.a.permutation]
    if len(shape) == 3:
        before = op.inputs[0].op if op.inputs[0] is not None else None
        joined = before is not None and before.type in ("reshape", "squeeze") and _reshaped_image(before)
        return "last" if joined and permutation == to_last(3) else None
    return {tuple(to_last(len(shape))): "last", tuple(to_first(len(shape))): "first"}.get(tuple(permutation))


def _reshaped_image(op: Operation) -> bool:
    shape = op.inputs[0].shape if op.inputs[0] is not None else None
    return shape is not None and len(shape) > 3


def _cost(tensor: Tensor) -> int:
    """What a transpose of a tensor costs: the bytes that it moves, and a little where these are none.

    One that only changes the places of axes of size 1 is still in the way of what would be one op without it.
    """
    shape = tensor.shape
    if shape is None or len(shape) < 3 or tensor.op.type == "constant":
        return 0
    moving = [a for a in to_last(len(shape)) if shape[a] != 1]
    if moving == sorted(moving):
        return 1
    values = {
        s: s.maximum if s.maximum != dims.LARGEST else _USUAL for d in shape for s in dims.symbols_of(d)
    }
    return math.prod(max(dims.evaluate(d, values), 1) for d in shape) * tensor.dtype.size * _MOVED


def _choose(
    model: ModelGraph, order: Sequence[Operation], flipped: dict[Operation, Flipped]
) -> tuple[set[Operation], int]:
    """The ops that work with channels last, and the bytes that are transposed then."""
    network = Network()
    nodes = {op: network.node() for op in flipped}
    wanted: dict[int, list[int]] = {}
    tensors: dict[int, Tensor] = {}

    def want(tensor: Tensor | None, label: int) -> None:
        if tensor is not None:
            wanted.setdefault(id(tensor), []).append(label)
            tensors[id(tensor)] = tensor

    for op in order:
        turn = _turn(op)
        for index, tensor in enumerate(op.inputs):
            if turn is not None:
                want(tensor, ONE if turn == "last" else ZERO)
            elif op in flipped and (flipped[op].inputs[index] or index in flipped[op].arrays):
                if index not in flipped[op].arrays:
                    want(tensor, nodes[op])
            else:
                want(tensor, ZERO)
    for tensor in model.outputs:
        want(tensor, ZERO)
    for key, labels in wanted.items():
        tensor = tensors[key]
        producer = ZERO
        if _turn(tensor.op) == "first":
            producer = ONE
        elif tensor.op in flipped and flipped[tensor.op].outputs[tensor.index]:
            producer = nodes[tensor.op]
        cost = _cost(tensor)
        if cost:
            _want_one_of(network, producer, labels, cost)
    total, labels = network.labels()
    return {op for op, node in nodes.items() if labels[node] == ONE}, total


def _want_one_of(network: Network, producer: int, labels: Sequence[int], cost: int) -> None:
    """One transpose serves all consumers that want the other way than the producer's."""
    plain_to_last, last_to_plain = network.node(), network.node()
    network.cost(producer, plain_to_last, cost)
    network.cost(last_to_plain, producer, cost)
    for label in labels:
        network.cost(plain_to_last, label)
        network.cost(label, last_to_plain)


def _joined(visit: Visit, turn: str) -> list[Tensor] | None:
    """A transpose to channels last of what came from there; the other transposes stay."""
    source = visit.inputs[0]
    if turn == "last" and source is not None and _turn(source.op) == "first":
        return [t for t in source.op.inputs if t is not None]
    return None


def _is_flattened(op: Operation, uses: dict[int, list[Operation]], outputs: set[int]) -> bool:
    """Whether an op flattens images for products with constant matrices, whose rows can be put in any order."""
    if op.type != "reshape" or op.control_inputs or id(op.outputs[0]) in outputs:
        return False
    before, after = op.inputs[0], op.outputs[0]
    assert before is not None
    if before.shape is None or after.shape is None or len(before.shape) < 3 or len(after.shape) != 2:
        return False
    features = before.shape[1:]
    if before.shape[0] != after.shape[0] or any(isinstance(d, Dim) for d in features):
        return False
    return all(
        u.type == "matmul"
        and u.inputs[0] is after
        and not u.a.transpose_x
        and constant_value(u.inputs[1]) is not None
        and _rank(u.inputs[1]) == 2
        for u in uses.get(id(after), [])
    ) and bool(uses.get(id(after)))


def _reordered(visit: Visit, flatten: Operation) -> list[Tensor]:
    """A product of a flattened image whose channels are last with a matrix whose rows are in that order."""
    image, flat = flatten.inputs[0], flatten.outputs[0]
    plain = visit.inputs[0].op.inputs[0] if visit.inputs[0] is not None else None
    weights = constant_value(visit.inputs[1])
    assert image is not None
    assert plain is not None
    assert weights is not None
    assert image.shape is not None
    turned = _turned(visit, plain, image.shape)
    target = [-1 if isinstance(d, Dim) else d for d in flat.shape or ()]
    name = flatten.name + SUFFIX
    x = visit.b.graph.apply("reshape", [turned, np.array(target, np.int32)], name=name).outputs[0]
    x.shape = flat.shape
    sizes = [d for d in image.shape[1:] if isinstance(d, int)]
    rows = np.arange(math.prod(sizes)).reshape([1, *sizes])
    order = np.transpose(rows, to_last(rows.ndim)).reshape(-1)
    axis = -1 if visit.op.a.transpose_y else -2
    matrix = visit.constant(np.take(weights, order, axis=axis), "reordered")
    return visit.make("matmul", [x, matrix, *visit.inputs[2:]], visit.op.attributes)


def _rebuilt(visit: Visit, flipped: Flipped) -> list[Tensor]:
    b = visit.b
    inputs: list[Tensor | None] = []
    for index, tensor in enumerate(visit.inputs):
        if index in flipped.arrays:
            inputs.append(visit.constant(flipped.arrays[index], f"operand{index}"))
        elif tensor is None or not flipped.inputs[index]:
            inputs.append(tensor)
        else:
            old = visit.op.inputs[index]
            assert old is not None
            inputs.append(_turned(visit, tensor, old.shape))
    operands = visit.op.definition.operands
    grouped: list[Any] = list(inputs)
    if operands and operands[-1].variadic:
        grouped = [*inputs[: len(operands) - 1], list(inputs[len(operands) - 1 :])]
    attributes = {**visit.op.attributes, **flipped.attributes}
    any_turned = any(
        o and len(t.shape or ()) > 2 for o, t in zip(flipped.outputs, visit.op.outputs, strict=True)
    )
    if not any_turned:
        return visit.make(visit.op.type, grouped, attributes)
    made = b.graph.apply(visit.op.type, grouped, attributes, name=visit.op.name + SUFFIX)
    results = []
    for old_output, new, last in zip(visit.op.outputs, made.outputs, flipped.outputs, strict=True):
        rank = len(old_output.shape or ())
        if new.shape is None or any(isinstance(d, Dim) and d.anonymous for d in new.shape):
            assert old_output.shape is not None
            new.shape = tuple(old_output.shape[a] for a in (to_last(rank) if last else range(rank)))
        if last and rank > 2:
            back = {"permutation": to_first(rank)}
            if old_output.index == 0:
                results += visit.make("transpose", [new], back)
            else:
                results.append(b.transpose(new, **back, name=visit.derived(f"output{old_output.index}")))
        else:
            results.append(new)
    return results


def _turned(visit: Visit, tensor: Tensor, shape: Shape | None) -> Tensor:
    """An input with channels last: what a transpose turned to channels first, or a transpose of it."""
    assert shape is not None
    rank = len(shape)
    if rank < 3:
        return tensor
    before = tensor.op
    if (
        before.type == "transpose"
        and list(before.a.permutation) == to_first(rank)
        and before.inputs[0] is not None
    ):
        return before.inputs[0]
    value = constant_value(tensor)
    if value is not None:
        return visit.constant(
            np.transpose(value, to_last(rank)), f"turned_{tensor.op.name.replace('/', '_')}"
        )
    turned: Tensor = visit.b.transpose(tensor, permutation=to_last(rank), name=visit.derived("turned"))
    return turned


# How each op works with channels last -----------------------------------------------------------------------------

_Rule = Callable[[Operation], "Flipped | None"]


def _flipped(op: Operation) -> Flipped | None:
    if op.control_inputs or any(t.shape is None for t in [*op.given_inputs, *op.outputs]):
        return None
    rule = _RULES.get(op.type)
    if rule is None and (op.definition.elementwise or op.type in _ELEMENTWISE_TOO):
        rule = _elementwise
    return None if rule is None else rule(op)


def _rank(tensor: Tensor | None) -> int:
    assert tensor is not None
    assert tensor.shape is not None
    return len(tensor.shape)


def _elementwise(op: Operation) -> Flipped | None:
    rank = _rank(op.outputs[0])
    if rank < 3:
        return None
    wanted: list[bool] = []
    arrays = {}
    for index, tensor in enumerate(op.inputs):
        if tensor is None or _rank(tensor) == rank:
            wanted.append(tensor is not None)
            continue
        wanted.append(False)
        value = constant_value(tensor)
        if value is not None and value.size > 1:
            full = value.reshape((1,) * (rank - value.ndim) + value.shape)
            arrays[index] = np.transpose(full, to_last(rank))
        elif tensor.shape and any(d != 1 for d in tensor.shape):
            return None
    return Flipped(inputs=tuple(wanted), arrays=arrays) if any(wanted) else None


def _first_input(op: Operation) -> Flipped | None:
    """Ops that work on each element of their first input; what the others are has nothing to do with its axes."""
    rank = _rank(op.outputs[0])
    return Flipped(inputs=(True, *(False,) * (len(op.inputs) - 1))) if rank > 2 else None


def _position(axis: int, rank: int) -> int:
    """Where an axis is with channels last."""
    return to_last(rank).index(axis % rank)


def _along_axis(op: Operation) -> Flipped | None:
    """Ops that look along one axis and keep the rank."""
    rank = _rank(op.outputs[0])
    if rank < 3:
        return None
    return Flipped(
        attributes={"axis": _position(op.a.axis, rank)},
        inputs=(True,) * len(op.inputs),
        outputs=(True,) * len(op.outputs),
    )


def _pad(op: Operation) -> Flipped | None:
    rank = _rank(op.inputs[0])
    if rank < 3 or len(op.inputs) != 1:
        return None
    pairs = [op.a.paddings[2 * a : 2 * a + 2] for a in to_last(rank)]
    return Flipped(attributes={"paddings": tuple(p for pair in pairs for p in pair)}, inputs=(True,))


def _tile(op: Operation) -> Flipped | None:
    rank = _rank(op.inputs[0])
    if rank < 3 or len(op.inputs) != 1:
        return None
    return Flipped(attributes={"multiples": tuple(op.a.multiples[a] for a in to_last(rank))}, inputs=(True,))


def _left(rank: int, gone: set[int]) -> bool | None:
    """How the axes that are left lie when some of those of a channels-last tensor go: last, first, or neither."""
    found = [a for a in to_last(rank) if a not in gone]
    plain = sorted(found)
    if found == plain:
        return False
    return True if found == [plain[i] for i in to_last(len(plain))] else None


def _reduce(op: Operation) -> Flipped | None:
    rank = _rank(op.inputs[0])
    if rank < 3:
        return None
    axes = [a % rank for a in op.a.axes] or list(range(rank))
    last = True if op.a.keepdims else _left(rank, set(axes))
    if last is None:
        return None
    return Flipped(
        attributes={"axes": tuple(sorted(_position(a, rank) for a in axes))}, inputs=(True,), outputs=(last,)
    )


def _reduce_axis(op: Operation) -> Flipped | None:
    rank = _rank(op.inputs[0])
    if rank < 3:
        return None
    last = True if op.a.keepdims else _left(rank, {op.a.axis % rank})
    if last is None:
        return None
    return Flipped(attributes={"axis": _position(op.a.axis, rank)}, inputs=(True,), outputs=(last,))


def _squeeze(op: Operation) -> Flipped | None:
    rank = _rank(op.inputs[0])
    shape = op.inputs[0].shape if op.inputs[0] is not None else None
    if rank < 3 or shape is None:
        return None
    axes = [a % rank for a in op.a.axes] or [i for i, d in enumerate(shape) if d == 1]
    last = _left(rank, set(axes))
    if last is None:
        return None
    return Flipped(
        attributes={"axes": tuple(sorted(_position(a, rank) for a in axes))}, inputs=(True,), outputs=(last,)
    )


def _expand_dims(op: Operation) -> Flipped | None:
    rank = _rank(op.outputs[0])
    axis = op.a.axis % rank
    if rank < 4 or axis < 2:
        return None
    return Flipped(attributes={"axis": axis - 1}, inputs=(True,))


def _strided_slice(op: Operation) -> Flipped | None:
    rank = _rank(op.inputs[0])
    a = op.a
    if rank < 3 or len(op.inputs) != 1 or a.ellipsis_mask or a.new_axis_mask or a.shrink_axis_mask:
        return None
    count = len(a.begin)
    entries = [
        (a.begin[i], a.end[i], a.strides[i], a.begin_mask >> i & 1, a.end_mask >> i & 1)
        if i < count
        else (0, 0, 1, 1, 1)
        for i in to_last(rank)
    ]
    begin, end, strides, begin_bits, end_bits = zip(*entries, strict=True)
    return Flipped(
        attributes={
            "begin": begin,
            "end": end,
            "strides": strides,
            "begin_mask": sum(bit << i for i, bit in enumerate(begin_bits)),
            "end_mask": sum(bit << i for i, bit in enumerate(end_bits)),
        },
        inputs=(True,),
    )


def _gather(op: Operation) -> Flipped | None:
    rank = _rank(op.inputs[0])
    if rank < 3 or op.a.batch_dims or _rank(op.inputs[1]) != 1:
        return None
    return Flipped(attributes={"axis": _position(op.a.axis, rank)}, inputs=(True, False))


def _resample(op: Operation) -> Flipped | None:
    rank = _rank(op.inputs[0])
    return (
        Flipped(attributes={"axis": _position(op.a.axis, rank)}, inputs=(True, False)) if rank > 2 else None
    )


def _reshape(op: Operation) -> Flipped | None:
    """Where axes of size 1 come and go, or only axes behind the channels are joined or parted."""
    before, after = op.inputs[0], op.outputs[0]
    assert before is not None
    assert before.shape is not None
    assert after.shape is not None
    if max(len(before.shape), len(after.shape)) < 3:
        return None
    same_axes = [d for d in before.shape if d != 1] == [d for d in after.shape if d != 1]
    spatial = min(len(before.shape), len(after.shape)) >= 3 and before.shape[:2] == after.shape[:2]
    if not (spatial or (same_axes and _order(before) == _order(after))):
        return None
    new = [after.shape[a] for a in to_last(len(after.shape))]
    if sum(isinstance(d, Dim) for d in new) > 1:
        return None
    target = np.array([-1 if isinstance(d, Dim) else d for d in new], np.int32)
    return Flipped(inputs=(True, False), arrays={1: target})


def _order(tensor: Tensor) -> list[int]:
    """For a tensor with channels last, which of the axes that are not of size 1 each of those is."""
    shape = tensor.shape or ()
    kept = [a for a, d in enumerate(shape) if d != 1]
    return [kept.index(a) for a in to_last(len(shape)) if a in kept]


# Ops of other families that work on each element by itself.
_ELEMENTWISE_TOO = (
    "cast",
    "dequantize",
    "identity",
    "quantize",
    "quantized_add",
    "quantized_multiply",
    "requantize",
    "stop_gradient",
)

_RULES: dict[str, _Rule] = {
    **dict.fromkeys(
        ("reduce_sum", "reduce_mean", "reduce_prod", "reduce_max", "reduce_min", "reduce_any", "reduce_all"),
        _reduce,
    ),
    **dict.fromkeys(("argmax", "argmin"), _reduce_axis),
    **dict.fromkeys(("concat", "split", "softmax", "log_softmax"), _along_axis),
    "expand_dims": _expand_dims,
    "gather": _gather,
    "lookup_table": _first_input,
    "pad": _pad,
    "resample": _resample,
    "reshape": _reshape,
    "squeeze": _squeeze,
    "strided_slice": _strided_slice,
    "tile": _tile,
}
