"""Ops on data sets: `samara.graph.data.steps` has what they do.

A data set is the value of a tensor, which only the ops below take; a place in one lives in the session under a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import InvalidArgumentError
from samara.graph import dims
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

_WHY_NOT = (
    "data sets live in a session of Python. Export from the tensors of get_next: name them as the inputs."
)
_NONE: Any = {"device": "none", "why_not": _WHY_NOT, "stateful": True, "any_rank": True}

DATASET = Choice(
    name="DatasetKind",
    values=(
        "tensors",
        "slices",
        "range",
        "generator",
        "lines",
        "fixed_lengths",
        "records",
        "files",
        "repeat",
        "take",
        "skip",
        "shard",
        "shuffle",
        "batch",
        "padded_batch",
        "unbatch",
        "map",
        "filter",
        "interleave",
        "concatenate",
        "zip",
        "prefetch",
        "cache",
    ),
)


def _number(value: Any) -> int:
    return int(np.asarray(value.cpu().numpy() if hasattr(value, "cpu") else value))


def _texts(value: Any) -> list[bytes]:
    return [bytes(t) for t in np.asarray(value, dtype=object).flat]


def _dataset(xp: Any, op: Any, *inputs: Any) -> Any:
    from samara.graph.data import steps

    made = getattr(_Made, op.a.kind)(xp, op, steps, *inputs)
    return steps.handle(made)


class _Made:
    """What each kind of data set makes of its inputs."""

    @staticmethod
    def tensors(xp: Any, op: Any, steps: Any, *components: Any) -> Any:
        return lambda: iter([tuple(components)])

    @staticmethod
    def slices(xp: Any, op: Any, steps: Any, *components: Any) -> Any:
        return steps.slices(components)

    @staticmethod
    def range(xp: Any, op: Any, steps: Any, start: Any, stop: Any, step: Any) -> Any:
        if _number(step) == 0:
            raise InvalidArgumentError("range: step is 0")
        return steps.counted(
            _number(start), _number(stop), _number(step), lambda i: xp.asarray(i, dtype=xp.int64)
        )

    @staticmethod
    def generator(xp: Any, op: Any, steps: Any, *arguments: Any) -> Any:
        given = [np.array(a.cpu().numpy() if hasattr(a, "cpu") else a) for a in arguments]
        function = op.a.function
        return lambda: (
            tuple(c if c.dtype == object else xp.asarray(np.array(c)) for c in element)
            for element in function(*given)
        )

    @staticmethod
    def lines(xp: Any, op: Any, steps: Any, names: Any) -> Any:
        return steps.lines(_texts(names))

    @staticmethod
    def fixed_lengths(xp: Any, op: Any, steps: Any, names: Any, *numbers: Any) -> Any:
        return steps.fixed_lengths(_texts(names), *map(_number, numbers))

    @staticmethod
    def records(xp: Any, op: Any, steps: Any, names: Any, compression: Any) -> Any:
        return steps.records(_texts(names), _texts(compression)[0].decode())

    @staticmethod
    def files(xp: Any, op: Any, steps: Any, patterns: Any) -> Any:
        return steps.files(_texts(patterns))

    @staticmethod
    def repeat(xp: Any, op: Any, steps: Any, source: Any, count: Any) -> Any:
        return steps.repeated(steps.step_of(source), _number(count))

    @staticmethod
    def take(xp: Any, op: Any, steps: Any, source: Any, count: Any) -> Any:
        return steps.taken(steps.step_of(source), _number(count))

    @staticmethod
    def skip(xp: Any, op: Any, steps: Any, source: Any, count: Any) -> Any:
        return steps.skipped(steps.step_of(source), _number(count))

    @staticmethod
    def shard(xp: Any, op: Any, steps: Any, source: Any, shards: Any, index: Any) -> Any:
        if not 0 <= _number(index) < _number(shards):
            raise InvalidArgumentError(f"shard: there is no part {_number(index)} of {_number(shards)}")
        return steps.sharded(steps.step_of(source), _number(shards), _number(index))

    @staticmethod
    def shuffle(xp: Any, op: Any, steps: Any, source: Any, size: Any) -> Any:
        generator = op.state.generator(op.operation, None if op.a.seed == -1 else op.a.seed)
        return steps.shuffled(steps.step_of(source), _number(size), generator, op.a.again)

    @staticmethod
    def batch(xp: Any, op: Any, steps: Any, source: Any, size: Any, whole: Any) -> Any:
        def together(elements: list[Any]) -> tuple[Any, ...]:
            return tuple(_stacked(xp, [e[i] for e in elements], i) for i in range(len(elements[0])))

        return steps.batched(steps.step_of(source), _number(size), bool(_number(whole)), together)

    @staticmethod
    def padded_batch(xp: Any, op: Any, steps: Any, source: Any, size: Any, whole: Any, *values: Any) -> Any:
        def together(elements: list[Any]) -> tuple[Any, ...]:
            return tuple(
                _padded(xp, [e[i] for e in elements], shape, value, i)
                for i, (shape, value) in enumerate(zip(op.a.padded_shapes, values, strict=True))
            )

        return steps.batched(steps.step_of(source), _number(size), bool(_number(whole)), together)

    @staticmethod
    def unbatch(xp: Any, op: Any, steps: Any, source: Any) -> Any:
        return steps.unbatched(steps.step_of(source))

    @staticmethod
    def map(xp: Any, op: Any, steps: Any, source: Any, *captured: Any) -> Any:
        return steps.mapped(steps.step_of(source), _runner(op), captured)

    @staticmethod
    def filter(xp: Any, op: Any, steps: Any, source: Any, *captured: Any) -> Any:
        return steps.filtered(steps.step_of(source), _runner(op), captured)

    @staticmethod
    def interleave(xp: Any, op: Any, steps: Any, source: Any, cycle: Any, block: Any, *captured: Any) -> Any:
        return steps.interleaved(steps.step_of(source), _runner(op), captured, _number(cycle), _number(block))

    @staticmethod
    def concatenate(xp: Any, op: Any, steps: Any, *sources: Any) -> Any:
        return steps.joined([steps.step_of(s) for s in sources])

    @staticmethod
    def zip(xp: Any, op: Any, steps: Any, *sources: Any) -> Any:
        return steps.zipped([steps.step_of(s) for s in sources])

    @staticmethod
    def prefetch(xp: Any, op: Any, steps: Any, source: Any, count: Any) -> Any:
        return steps.read_ahead(steps.step_of(source), _number(count))

    @staticmethod
    def cache(xp: Any, op: Any, steps: Any, source: Any) -> Any:
        return steps.cached(steps.step_of(source))


def _runner(op: Any) -> Any:
    return lambda *inputs: op.run(op.a.body, inputs)


def _stacked(xp: Any, parts: list[Any], number: int) -> Any:
    if len({tuple(p.shape) for p in parts}) > 1:
        other = next(p for p in parts if p.shape != parts[0].shape)
        raise InvalidArgumentError(
            f"batch: component {number} has shape {list(parts[0].shape)} in one element and {list(other.shape)} in "
            "another: use padded_batch"
        )
    return np.stack(parts) if _is_text(parts[0]) else xp.stack(parts)


def _padded(xp: Any, parts: list[Any], shape: Sequence[Any] | None, value: Any, number: int) -> Any:
    rank = len(parts[0].shape)
    wanted = [None] * rank if shape is None else [d if isinstance(d, int) else None for d in shape]
    sizes = tuple(
        max(p.shape[axis] for p in parts) if wanted[axis] is None else wanted[axis] for axis in range(rank)
    )
    for part in parts:
        if any(have > size for have, size in zip(part.shape, sizes, strict=True)):
            raise InvalidArgumentError(
                f"padded_batch: component {number} has shape {list(part.shape)} in an element, more than "
                f"{list(sizes)}"
            )
    filled: Any
    if _is_text(parts[0]):
        filled = np.empty((len(parts), *sizes), dtype=object)
        filled[...] = np.asarray(value, dtype=object).item()
    else:
        filled = xp.zeros((len(parts), *sizes), dtype=parts[0].dtype)
        filled = filled + xp.asarray(value, dtype=parts[0].dtype)
    for row, part in enumerate(parts):
        within = tuple(slice(0, n) for n in part.shape)
        if within:
            filled[row][within] = part
        else:
            filled[row] = part[()]
    return filled


def _is_text(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == object


def _name(op: Any) -> str:
    name: str = op.a.shared_name or op.operation.name
    return name


def _place(op: Any, name: str) -> Any:
    from samara.graph.data.steps import Place

    return op.state.resources.find(f"iterator {name}", lambda: Place(name))


def _iterator(xp: Any, op: Any) -> Any:
    _place(op, _name(op))
    return np.asarray(_name(op).encode(), dtype=object)


def _one_shot(xp: Any, op: Any, *captured: Any) -> Any:
    from samara.graph.data.steps import Place, step_of

    name = _name(op)

    def made() -> Any:
        place = Place(name)
        (source,) = op.run(op.a.body, captured)
        place.start(step_of(source))
        return place

    op.state.resources.find(f"iterator {name}", made)
    return np.asarray(name.encode(), dtype=object)


def _start(xp: Any, op: Any, source: Any, handle: Any) -> Any:
    from samara.graph.data.steps import step_of

    _place(op, np.asarray(handle, dtype=object).item().decode()).start(step_of(source))
    return ()


def _next(xp: Any, op: Any, handle: Any) -> Any:
    name = np.asarray(handle, dtype=object).item().decode()
    element = _place(op, name).next()
    if len(element) != len(op.a.dtypes):
        raise InvalidArgumentError(
            f"iterator {name!r}: an element has {len(element)} components, expected {len(op.a.dtypes)}"
        )
    for number, (component, shape) in enumerate(zip(element, op.a.shapes, strict=True)):
        found = tuple(component.shape)
        if shape is not None and (
            len(shape) != len(found)
            or any(isinstance(d, int) and d != n for d, n in zip(shape, found, strict=True))
        ):
            raise InvalidArgumentError(
                f"iterator {name!r}: component {number} of an element has shape {list(found)}, expected "
                f"{dims.text(shape)}"
            )
    return list(element)


_SHARED = attribute("shared_name", "python", "", "The name in the session; the operation's when empty.")

OPS.register(
    OpDef(
        name="dataset",
        opcode=740,
        inputs=("inputs: any?*",),
        outputs=("dataset: string",),
        attributes=(
            attribute("kind", DATASET, doc="What it is made of, or how it changes another data set."),
            attribute("body", "graph", None, "What is computed for each element."),
            attribute(
                "padded_shapes", "python", (), "The shapes to which components are filled up, a tuple."
            ),
            attribute("seed", "int", -1, "Seeds the order beside the graph's seed; -1 for none."),
            attribute("again", "bool", True, "Whether elements are shuffled anew each time."),
            attribute("function", "python", None, "Gives tuples of arrays."),
        ),
        doc="A data set: elements, tuples of tensors, which are made one by one when they are asked for.",
        shape=lambda op: (),
        reference=_dataset,
        **_NONE,
    ),
    OpDef(
        name="iterator",
        opcode=741,
        inputs=(),
        outputs=("handle: string",),
        attributes=(_SHARED,),
        doc="A place in a data set, in the session, made when it is first used.",
        shape=lambda op: (),
        reference=_iterator,
        **_NONE,
    ),
    OpDef(
        name="one_shot_iterator",
        opcode=742,
        inputs=("captured: any?*",),
        outputs=("handle: string",),
        attributes=(attribute("body", "graph", doc="Makes the data set."), _SHARED),
        doc="A place in a data set that is made, and begun, when it is first used.",
        shape=lambda op: (),
        reference=_one_shot,
        **_NONE,
    ),
    OpDef(
        name="start_iterator",
        opcode=743,
        inputs=("dataset: string", "handle: string"),
        outputs=(),
        doc="Goes to the beginning of a data set.",
        shape=lambda op: [],
        reference=_start,
        **_NONE,
    ),
    OpDef(
        name="next_element",
        opcode=744,
        inputs=("handle: string",),
        outputs=("components: any*",),
        attributes=(
            attribute("dtypes", "python", doc="The element types of the components, a tuple."),
            attribute("shapes", "python", doc="Their shapes, a tuple."),
        ),
        doc="The next element of a data set; at its end OutOfRangeError.",
        shape=lambda op: [
            s if s is None else tuple(d if isinstance(d, int) else dims.Dim() for d in s) for s in op.a.shapes
        ],
        dtypes=lambda op: op.a.dtypes,
        reference=_next,
        **_NONE,
    ),
)

__all__: list[str] = []
