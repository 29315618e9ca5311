"""Branches and loops as ONNX, PyTorch and TFLite have them, on the ops cond and while_loop.

What a body is made of comes as a function. It is called once, with the builder of the body and with tensors of it, and
may use tensors of the graph around it: those become inputs of the op by themselves. A loop variable keeps its shape;
what is collected, step by step, is written into a buffer where it lies.

- ONNX If, torch.cond, TFLite IF: `cond`.
- torch.while_loop, TFLite WHILE: `while_loop`.
- ONNX Loop: `loop`. ONNX Scan, torch's scan: `scan`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import control, dims
from samara.graph.builder import Builder
from samara.graph.dims import Dim, Dimension
from samara.graph.dtypes import bool_, int64
from samara.graph.graph import Body, Tensor, get_default_graph

# How many steps a loop may collect from, where nothing bounds their number.
MOST_COLLECTED = 1024

# Up to this many steps are written out, when their number is known and a loop variable changes its shape.
MOST_WRITTEN_OUT = 64


def cond(
    b: Any,
    predicate: Any,
    then_branch: Callable[..., Sequence[Any]],
    else_branch: Callable[..., Sequence[Any]],
    inputs: Sequence[Any] = (),
) -> list[Tensor]:
    """What one of two branches gives; a branch is written in place when the predicate is a constant.

    Where the branches give tensors of different sizes, a run computes the size.

    Args:
        b: the builder.
        predicate: of one element, of any shape; what is no bool is true unless it is 0.
        then_branch: `then_branch(bb, *inputs)` gives the tensors for a true predicate.
        else_branch: the same for a false one; as many tensors, of the same element types and ranks.
        inputs: what both are called with, besides the tensors of the graph that they may use.

    Raises:
        ShapeError: the branches give different ranks or element types, or sizes without a bound.
        ValueError: they give different numbers of tensors.
    """
    test = _truth(b, b.constant(predicate))
    known = control.known_bool(test)
    tensors = [b.constant(v) for v in inputs]
    if known is not None:
        return [b.constant(v) for v in (then_branch if known else else_branch)(b, *tensors)]
    then, other = (control.trace(b.graph, _within(f), tensors) for f in (then_branch, else_branch))
    if len(then[0].outputs) != len(other[0].outputs):
        raise ValueError(f"the branches give {len(then[0].outputs)} and {len(other[0].outputs)} tensors")
    pairs = list(zip(then[0].outputs, other[0].outputs, strict=True))
    axes = [_differing(one, two) for one, two in pairs]

    def branch(body: Body, taken: Sequence[Tensor]) -> Callable[..., list[Any]]:
        def build(*values: Tensor) -> list[Any]:
            bb = _builder()
            found = control.inlined(bb.graph, body, [*values, *taken])
            sizes = [
                bb.gather(bb.constant(bb.sizes(t)), np.asarray(a, np.int32), axis=0)
                for t, some in zip(found, axes, strict=True)
                for a in some
            ]
            padded = [_padded(bb, t, largest) for t, largest in zip(found, room, strict=True)]
            return [*padded, *sizes]

        return build

    room = [
        {a: max(dims.bounds(t.shape[a])[1] for t in pair if t.shape is not None) for a in some}
        for pair, some in zip(pairs, axes, strict=True)
    ]
    made = control.cond(b.graph, test, branch(*then), branch(*other), tensors)
    results, sizes = made[: len(pairs)], iter(made[len(pairs) :])
    return [_cut(b, t, largest, sizes) for t, largest in zip(results, room, strict=True)]


def while_loop(
    b: Any,
    condition: Callable[..., Any],
    step: Callable[..., Sequence[Any]],
    variables: Sequence[Any],
    *,
    maximum_trip_count: int = control.MOST_TRIPS,
) -> list[Tensor]:
    """The loop variables after the last step.

    Args:
        b: the builder.
        condition: `condition(bb, *variables)` gives a tensor of one element: whether to take a step.
        step: `step(bb, *variables)` gives the next value of each variable, of its element type and shape.
        variables: the values before the first step.
        maximum_trip_count: a run that would take more steps ends with an error.

    Raises:
        ShapeError: a variable changes its element type or shape.
        ValueError: the step gives another number of tensors.
    """

    def test(*values: Tensor) -> Tensor:
        bb = _builder()
        return _truth(bb, bb.constant(condition(bb, *values)))

    return control.while_loop(
        b.graph,
        test,
        _within(step),
        [b.constant(v) for v in variables],
        maximum_trip_count=maximum_trip_count,
    )


def loop(
    b: Any,
    step: Callable[..., tuple[Any, Sequence[Any], Sequence[Any]]],
    *,
    trip_count: Any = None,
    condition: Any = None,
    carried: Sequence[Any] = (),
    maximum_trip_count: int | None = None,
    name: str = "trips",
) -> tuple[list[Tensor], list[Tensor]]:
    """ONNX's Loop: steps up to a number, as long as a condition holds, with what each step gives stacked.

    Args:
        b: the builder.
        step: `step(bb, number, condition, *carried)` is given the number of the step, an int64 scalar, and whether the
            loop goes on, a bool scalar. It gives (condition, carried, scanned): whether to take another step, the next
            values, and what to collect.
        trip_count: the most steps, an integer of one element; None when only the condition ends the loop.
        condition: whether to take the first step; None for yes.
        carried: the values before the first step.
        maximum_trip_count: what the number of steps is known not to pass; a run that would take more ends with an
            error. Where nothing says, `MOST_COLLECTED` when tensors are collected.
        name: of the named dimension that the number of steps becomes, when data decide how much is collected.

    Returns:
        The carried values after the last step, and for each collected tensor all of them along a new first axis. Its
        length is the trip count where no condition can end the loop before, else a size that a run computes.

    Raises:
        ShapeError: a carried value changes its shape or element type, and the number of steps is not known to be small.
    """
    start = [b.constant(v) for v in carried]
    first = b.constant(np.asarray(True)) if condition is None else _truth(b, b.constant(condition))
    limit, count = _trip_count(b, trip_count)
    number = b.constant(np.asarray(0, np.int64))

    def traced(*values: Tensor) -> list[Any]:
        goes_on, after, scanned = step(_builder(), *values)
        sizes[:] = [len(after), len(scanned)]
        return [goes_on, *after, *scanned]

    sizes: list[int] = []
    body, taken = control.trace(b.graph, traced, [number, first, *start])
    if sizes[0] != len(start):
        raise ValueError(f"the step gives {sizes[0]} carried values for {len(start)}")
    free = control.known_bool(first) is True and _always(body)
    if count == 0:
        return start, [_buffer(b, t, number, 0) for t in body.outputs[1 + len(start) :]]
    if free and isinstance(count, int) and count == 1:
        return _written_out(b, body, taken, count, first, start)
    try:
        return _looped(b, body, taken, limit, count, first, start, free, maximum_trip_count, name)
    except ShapeError as error:
        if free and isinstance(count, int) and 0 < count <= MOST_WRITTEN_OUT:
            return _written_out(b, body, taken, count, first, start)
        if not _keeps_shapes(body, start):
            raise ShapeError(
                f"{str(error).partition(' (at ')[0]}: carry a tensor of a fixed size that the steps fill, or give a "
                f"constant trip count of at most {MOST_WRITTEN_OUT}"
            ) from error
        raise


def scan(
    b: Any,
    step: Callable[..., tuple[Sequence[Any], Sequence[Any]]],
    *,
    states: Sequence[Any],
    inputs: Sequence[Any],
    input_axes: Sequence[int] | None = None,
    input_reversed: Sequence[bool] | None = None,
    output_axes: Sequence[int] | None = None,
    output_reversed: Sequence[bool] | None = None,
    steps: Any = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """ONNX's Scan: a step for each slice of the inputs, with what each step gives side by side.

    Args:
        b: the builder.
        step: `step(bb, *states, *slices)` gives (states, scanned): the next states, and what to collect.
        states: the values before the first step; they keep their shapes.
        inputs: one or more tensors, cut along one axis each; the axes are of one length.
        input_axes: for each input the axis; the first when None.
        input_reversed: for each input whether it is taken from its end on; none is when None.
        output_axes: for each collected tensor the axis that the steps become; the first when None.
        output_reversed: for each of them whether the last step comes first.
        steps: how many of the first slices there are, an integer of one element; None for all of them.

    Returns:
        The states after the last step, and the collected tensors, with zeros where there was no step.

    Raises:
        ShapeError: a state changes its shape or element type, or the inputs differ in length.
    """
    start, given = [b.constant(v) for v in states], [b.constant(v) for v in inputs]
    if not given:
        raise ValueError("scan needs at least one input")
    for tensor in given:
        if not tensor.shape:
            raise ShapeError(f"{tensor.name} of shape {dims.text(tensor.shape)} has no axis to be cut along")
    axes = [a % len(x.shape) for a, x in zip(input_axes or [0] * len(given), given, strict=True)]
    lengths = [x.shape[a] for a, x in zip(axes, given, strict=True)]
    for other in lengths[1:]:
        if dims.merge(lengths[0], other) is None:
            raise ShapeError(f"the inputs of scan have {lengths[0]} and {other} slices")
    length = b.gather(b.constant(b.sizes(given[0])), np.asarray(axes[0], np.int32), axis=0)
    taken_steps = length if steps is None else b.reshape(b.cast(steps, dtype="int32"), np.zeros(0, np.int32))
    backwards = list(input_reversed or [False] * len(given))

    def traced(*values: Tensor) -> list[Any]:
        bb, number = _builder(), values[0]
        cut = []
        for x, axis, reverse in zip(given, axes, backwards, strict=True):
            place = _mirrored(bb, number, taken_steps) if reverse else number
            cut.append(bb.gather(x, place, axis=axis))
        after, scanned = step(bb, *values[1:], *cut)
        sizes[:] = [len(after), len(scanned)]
        return [*after, *scanned]

    sizes: list[int] = []
    zero = b.constant(np.asarray(0, np.int32))
    body, taken = control.trace(b.graph, traced, [zero, *start])
    if sizes[0] != len(start):
        raise ValueError(f"the step gives {sizes[0]} states for {len(start)}")
    scanned = body.outputs[len(start) :]
    places = [a % (_rank(t) + 1) for a, t in zip(output_axes or [0] * len(scanned), scanned, strict=True)]
    mirrored = list(output_reversed or [False] * len(scanned))
    buffers = [_buffer(b, t, length, a) for t, a in zip(scanned, places, strict=True)]

    def test(*values: Tensor) -> Tensor:
        result: Tensor = _builder().less(values[0], taken_steps)
        return result

    def one(*values: Tensor) -> list[Tensor]:
        bb = _builder()
        split = 1 + len(start)
        found = control.inlined(bb.graph, body, [*values[:split], *taken])
        kept = []
        for buffer, value, axis, reverse in zip(
            values[split:], found[len(start) :], places, mirrored, strict=True
        ):
            place = _mirrored(bb, values[0], taken_steps) if reverse else values[0]
            kept.append(_written(bb, buffer, value, place, axis))
        return [bb.add(values[0], bb.like(1, values[0])), *found[: len(start)], *kept]

    most = dims.bounds(lengths[0])[1]
    made = control.while_loop(b.graph, test, one, [zero, *start, *buffers], maximum_trip_count=most)
    return made[1 : 1 + len(start)], made[1 + len(start) :]


# Parts of them ---------------------------------------------------------------------------------------------------


def _builder() -> Builder:
    """Builds in the body that is being traced."""
    return Builder(get_default_graph())


def _within(function: Callable[..., Sequence[Any]]) -> Callable[..., list[Any]]:
    return lambda *values: list(function(_builder(), *values))


def _truth(b: Any, tensor: Tensor) -> Tensor:
    """A tensor of one element as a bool scalar."""
    if tensor.op.type == "constant":
        value = np.asarray(tensor.op.a.value)
        if value.size != 1:
            raise ShapeError(
                f"{tensor.name} of shape {dims.text(tensor.shape)} decides: it must have one element"
            )
        made: Tensor = b.constant(np.asarray(bool(value.reshape(())[()])))
        return made
    if tensor.dtype is not bool_:
        tensor = b.cast(tensor, dtype=bool_)
    return tensor if tensor.shape == () else b.reshape(tensor, np.zeros(0, np.int32))


def _differing(one: Tensor, other: Tensor) -> list[int]:
    """The axes along which what two branches give has different sizes; none where that cannot be mended."""
    if one.shape is None or other.shape is None or len(one.shape) != len(other.shape):
        return []
    return [a for a, (m, n) in enumerate(zip(one.shape, other.shape, strict=True)) if m != n]


def _padded(b: Any, tensor: Tensor, room: Mapping[int, int]) -> Tensor:
    """A tensor within one of zeros that has other sizes along some axes."""
    if not room:
        return tensor
    unbounded = [a for a, size in room.items() if size == dims.LARGEST]
    if unbounded:
        raise ShapeError(
            f"{tensor.name} of shape {dims.text(tensor.shape)}: the branches give other sizes along axis "
            f"{unbounded[0]}, and nothing bounds them"
        )
    assert tensor.shape is not None
    parts = [
        np.asarray([room[a]], np.int32) if a in room else _size(b, d) for a, d in enumerate(tensor.shape)
    ]
    zeros = b.broadcast_to(b.constant(np.zeros((), tensor.dtype.numpy)), b.concat(parts, axis=0))
    made: Tensor = b.dynamic_update_slice(zeros, tensor, np.zeros(len(parts), np.int32))
    return made


def _cut(b: Any, tensor: Tensor, room: Mapping[int, int], sizes: Iterator[Tensor]) -> Tensor:
    """What `_padded` made larger, at the sizes that a branch gave."""
    if not room:
        return tensor
    parts = []
    for axis, dimension in enumerate(tensor.shape or ()):
        if axis in room:
            parts.append(b.reshape(_computed(b, next(sizes), "size", room[axis]), np.asarray([1], np.int32)))
        else:
            parts.append(_size(b, dimension))
    rank = len(parts)
    made: Tensor = b.slice(tensor, np.zeros(rank, np.int32), b.concat(parts, axis=0), strides=(1,) * rank)
    return made


def _computed(b: Any, value: Tensor, name: str, largest: int) -> Tensor:
    """A number of the data that becomes a size, under a name that no other has."""
    root = b.graph
    while root.outer is not None:
        root = root.outer
    symbol = Dim(root.unique_name(name), 0, largest)
    made: Tensor = b.dimension(value, np.asarray(largest, np.int32), symbol=symbol)
    return made


def _trip_count(b: Any, trip_count: Any) -> tuple[Tensor | None, Dimension | None]:
    """A trip count as an int64 scalar, and what is known of it."""
    if trip_count is None:
        return None, None
    tensor = b.constant(np.asarray(trip_count, np.int64) if isinstance(trip_count, int) else trip_count)
    values = b.known_value(tensor)
    if values is None and tensor.op.type == "constant":
        values = tuple(int(v) for v in np.asarray(tensor.op.a.value).ravel())
    if tensor.dtype is not int64:
        tensor = b.cast(tensor, dtype=int64)
    if tensor.shape != ():
        tensor = b.reshape(tensor, np.zeros(0, np.int32))
    known = values[0] if values and len(values) == 1 else None
    if isinstance(known, int):
        known = min(max(known, 0), control.MOST_TRIPS)
        # ONNX writes the largest integer where it means no limit.
        if known == control.MOST_TRIPS:
            return None, None
    return tensor, None if isinstance(known, Dim) and known.anonymous else known


def _always(body: Body) -> bool:
    """Whether a step of `loop` lets the loop go on whatever it is given: by a constant, or by what it was given."""
    goes_on = body.outputs[0]
    while goes_on.op.type in ("identity", "cast", "reshape") and goes_on.op.inputs[0] is not None:
        goes_on = goes_on.op.inputs[0]
    if goes_on is body.inputs[1]:
        return True
    return goes_on.op.type == "constant" and bool(np.asarray(goes_on.op.a.value).all())


def _keeps_shapes(body: Body, start: Sequence[Tensor]) -> bool:
    after = body.outputs[1 : 1 + len(start)]
    return all(control.same_shape(a, b) is not False for a, b in zip(start, after, strict=True))


def _written_out(
    b: Any, body: Body, taken: Sequence[Tensor], count: int, first: Tensor, start: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """All steps one after the other."""
    values, collected = list(start), []
    for number in range(count):
        given = [b.constant(np.asarray(number, np.int64)), first, *values, *taken]
        # A step that changes shapes is inferred anew for what it is given.
        _, *found = control.inlined(b.graph, body, given)
        values = found[: len(start)]
        collected.append(found[len(start) :])
    return values, [b.stack(list(parts), axis=0) for parts in zip(*collected, strict=True)]


def _looped(
    b: Any,
    body: Body,
    taken: Sequence[Tensor],
    limit: Tensor | None,
    count: Dimension | None,
    first: Tensor,
    start: Sequence[Tensor],
    free: bool,
    maximum_trip_count: int | None,
    name: str,
) -> tuple[list[Tensor], list[Tensor]]:
    scanned = body.outputs[1 + len(start) :]
    most = control.MOST_TRIPS if count is None else dims.bounds(count)[1]
    most = min(most, control.MOST_TRIPS if maximum_trip_count is None else maximum_trip_count)
    exact = free and count is not None
    if scanned and not exact and most == control.MOST_TRIPS:
        most = MOST_COLLECTED
    length = limit if exact and limit is not None else b.constant(np.asarray(most, np.int64))
    buffers = [_buffer(b, t, length, 0) for t in scanned]

    def test(*values: Tensor) -> Tensor:
        bb = _builder()
        if limit is None:
            return values[1]
        counted = bb.less(values[0], limit)
        result: Tensor = counted if free else bb.logical_and(counted, values[1])
        return result

    def one(*values: Tensor) -> list[Tensor]:
        bb = _builder()
        split = 2 + len(start)
        goes_on, *found = control.inlined(bb.graph, body, [*values[:split], *taken])
        kept = [
            _written(bb, buffer, value, values[0], 0)
            for buffer, value in zip(values[split:], found[len(start) :], strict=True)
        ]
        after = values[1] if free else _truth(bb, goes_on)
        return [bb.add(values[0], bb.like(1, values[0])), after, *found[: len(start)], *kept]

    zero = b.constant(np.asarray(0, np.int64))
    made = control.while_loop(b.graph, test, one, [zero, first, *start, *buffers], maximum_trip_count=most)
    finals, collected = made[2 : 2 + len(start)], made[2 + len(start) :]
    if exact or not collected:
        return finals, collected
    trips = _computed(b, b.cast(made[0], dtype="int32"), name, most)
    return finals, [_shortened(b, t, trips) for t in collected]


def _rank(tensor: Tensor) -> int:
    if tensor.shape is None:
        raise ShapeError(f"{tensor.name}, which a loop collects, has an unknown rank")
    return len(tensor.shape)


def _buffer(b: Any, like: Tensor, length: Tensor, axis: int) -> Tensor:
    """Zeros for `length` tensors like one of a body, along a new axis."""
    shape: Any = like.shape
    if shape is None or any(isinstance(d, Dim) and d.anonymous for d in shape):
        raise ShapeError(
            f"{like.name} of shape {dims.text(shape)} is collected by a loop: its size must be known"
        )
    parts: list[Any] = []
    for place in range(len(shape) + 1):
        if place == axis:
            parts.append(b.reshape(b.cast(length, dtype="int32"), np.asarray([1], np.int32)))
        else:
            parts.append(_size(b, shape[place - (place > axis)]))
    zero = b.constant(np.zeros((), like.dtype.numpy))
    made: Tensor = b.broadcast_to(zero, b.concat(parts, axis=0) if len(parts) > 1 else parts[0])
    return made


def _size(b: Any, dimension: Dimension) -> Any:
    """A dimension as a tensor of one element: of a tensor of the graph that has it."""
    if isinstance(dimension, int):
        return b.constant(np.asarray([dimension], np.int32))
    graph = b.graph
    while graph is not None:
        for op in graph.operations:
            for tensor in op.outputs:
                if tensor.shape is not None and dimension in tensor.shape:
                    place = np.asarray([tensor.shape.index(dimension)], np.int32)
                    return b.gather(b.shape(b.constant(tensor)), place, axis=0)
        graph = graph.outer
    raise ShapeError(f"the size {dimension}, which a loop collects, is that of no tensor before the loop")


def _written(b: Any, buffer: Tensor, value: Tensor, place: Tensor, axis: int) -> Tensor:
    """A buffer with a value at a place along an axis."""
    rank = _rank(buffer)
    begin = b.reshape(b.cast(place, dtype="int32"), np.asarray([1], np.int32))
    parts = [np.zeros(axis, np.int32), begin, np.zeros(rank - 1 - axis, np.int32)]
    given = [p for p in parts if not (isinstance(p, np.ndarray) and p.size == 0)]
    made: Tensor = b.dynamic_update_slice(
        buffer, b.expand_dims(value, axis=axis), b.concat(given, axis=0) if len(given) > 1 else begin
    )
    return made


def _mirrored(b: Any, number: Tensor, length: Tensor) -> Tensor:
    made: Tensor = b.subtract(
        b.subtract(b.constant(length), b.like(1, length)), b.cast(number, dtype=length.dtype)
    )
    return made


def _shortened(b: Any, buffer: Tensor, length: Tensor) -> Tensor:
    """The first slices of a buffer, as many as a run computes."""
    rank = _rank(buffer)
    sizes = [b.reshape(length, np.asarray([1], np.int32))]
    assert buffer.shape is not None
    sizes += [_size(b, d) for d in buffer.shape[1:]]
    made: Tensor = b.slice(
        buffer,
        np.zeros(rank, np.int32),
        b.concat(sizes, axis=0) if rank > 1 else sizes[0],
        strides=(1,) * rank,
    )
    return made


__all__ = ["MOST_COLLECTED", "MOST_WRITTEN_OUT", "cond", "loop", "scan", "while_loop"]
