"""Functions over the elements of a tensor: map_fn, foldl, foldr and scan.

Each is a while_loop over the first axis. What a step gives is written to its place in a result that is there in full
from the beginning, so that the loop keeps its shapes and runs on a device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import control
from samara.graph.convert import builder, convert_to_tensor, sizes
from samara.graph.dtypes import as_dtype
from samara.graph.graph import Tensor, as_array
from samara.graph.loop_shapes import put, sized_by
from samara.graph.structure import flatten, leaves_of, pack


def map_fn(
    fn: Callable[..., Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
) -> Any:
    """What a function gives for each of the slices of `elems` along the first axis, stacked.

    Args:
        fn: called with a slice; or, where `elems` is nested, with slices nested alike.
        elems: a tensor, or nested lists, tuples and dicts of tensors with equal first sizes.
        dtype: the element types of what `fn` gives, nested as it is; needed only to check.
        parallel_iterations: has no meaning here.
        back_prop: whether gradients go through.
        swap_memory: has no meaning here.
        infer_shape: has no meaning here.
        name: the name scope.

    Raises:
        ShapeError: an element of `elems` has no first axis.
        TypeError: `fn` gives other element types than `dtype` says.
    """
    structure, tensors = _elements(elems)
    graph = builder(tensors).graph
    with graph.name_scope(name or "map"):
        count = _count(tensors)

        def call(*slices: Tensor) -> list[Any]:
            leaves: list[Any] = []
            found.append(flatten(fn(pack(structure, iter(slices))), leaves))
            return leaves

        found: list[Any] = []
        kinds = [_slice_like(t) for t in tensors]
        body, taken = control.trace(graph, call, kinds)
        results = [_room(graph, body, taken, tensors, count, i) for i in range(len(body.outputs))]
        if dtype is not None:
            _check_types(body.outputs, leaves_of(dtype))

        def step(index: Tensor, *held: Tensor) -> list[Any]:
            inner = index.graph
            slices = [_at(inner.convert(t), index) for t in tensors]
            made = control.inlined(inner, body, [*slices, *(inner.convert(t) for t in taken)])
            return [index + 1, *(_put(h, index, m) for h, m in zip(held, made, strict=True))]

        made = _loop(graph, count, results, step)
        made = made if back_prop else [graph.b.stop_gradient(t) for t in made]
        return pack(found[0], iter(made))


def foldl(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last of the values a = fn(a, slice) over the slices of `elems`, from the first on.

    Args:
        fn: called with the value so far and a slice.
        elems: a tensor, or nested tensors with equal first sizes.
        initializer: the value before the first slice; the first slice itself when None.
        parallel_iterations: has no meaning here.
        back_prop: whether gradients go through.
        swap_memory: has no meaning here.
        name: the name scope.
    """
    return _fold(fn, elems, initializer, back_prop, name or "foldl", backwards=False, collect=False)


def foldr(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last of the values a = fn(a, slice) over the slices of `elems`, from the last one backwards; see `foldl`."""
    return _fold(fn, elems, initializer, back_prop, name or "foldr", backwards=True, collect=False)


def scan(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All of the values a = fn(a, slice) over the slices of `elems`, stacked.

    Args:
        fn: called with the value so far and a slice; gives the next value, nested as the one before.
        elems: a tensor, or nested tensors with equal first sizes.
        initializer: the value before the first slice, which is not among the results; when None, the first slice is,
            and is the first result.
        parallel_iterations: has no meaning here.
        back_prop: whether gradients go through.
        swap_memory: has no meaning here.
        infer_shape: has no meaning here.
        reverse: whether to go from the last slice to the first; each result stands in its slice's place.
        name: the name scope.
    """
    return _fold(fn, elems, initializer, back_prop, name or "scan", backwards=reverse, collect=True)


def _fold(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any,
    back_prop: bool,
    name: str,
    *,
    backwards: bool,
    collect: bool,
) -> Any:
    structure, tensors = _elements(elems)
    values: list[Any] = []
    kind = structure if initializer is None else flatten(initializer, values)
    graph = builder(tensors, values).graph
    with graph.name_scope(name):
        count = _count(tensors)
        if initializer is None:
            edge = graph.b.subtract(graph.convert(count), np.int32(1)) if backwards else np.int32(0)
            values = [_at(t, graph.convert(edge)) for t in tensors]
        values = [graph.convert(v) for v in values]
        results = [_fill(graph, count, v) for v in values] if collect else []
        first = 0
        if initializer is None:
            first = 1
            edge_place = graph.convert(edge)
            results = [_put(r, edge_place, v) for r, v in zip(results, values, strict=False)]

        def step(index: Tensor, *held: Tensor) -> list[Any]:
            inner = index.graph
            place = inner.convert(count) - 1 - index if backwards else index
            slices = [_at(inner.convert(t), place) for t in tensors]
            state, rest = held[: len(values)], held[len(values) :]
            leaves: list[Any] = []
            flatten(fn(pack(kind, iter(state)), pack(structure, iter(slices))), leaves)
            if len(leaves) != len(state):
                raise TypeError(f"{name}: fn gives {len(leaves)} tensors for a value of {len(state)}")
            made = [inner.convert(v, s.dtype) for v, s in zip(leaves, state, strict=True)]
            return [index + 1, *made, *(_put(r, place, v) for r, v in zip(rest, made, strict=False))]

        made = _loop(graph, count, [*values, *results], step, first)
        made = made if back_prop else [graph.b.stop_gradient(t) for t in made]
        return pack(kind, iter(made[len(values) :] if collect else made))


def _loop(
    graph: Any, count: Any, held: Sequence[Any], step: Callable[..., Any], first: int = 0
) -> list[Tensor]:
    known = int(count) if not isinstance(count, Tensor) else control.MOST_TRIPS
    return control.while_loop(
        graph,
        lambda index, *_: index < index.graph.convert(count),
        step,
        [np.int32(first), *held],
        maximum_trip_count=known,
    )[1:]


def _elements(elems: Any) -> tuple[Any, list[Tensor]]:
    leaves: list[Any] = []
    if isinstance(elems, (list, tuple)) and not any(hasattr(v, "as_graph_tensor") for v in elems):
        # Numbers, as numpy takes them; lists of tensors are nested elements.
        nested = any(isinstance(v, (list, tuple, dict, np.ndarray)) for v in elems) and isinstance(
            elems, tuple
        )
        structure = flatten(elems if nested else np.asarray(as_array(elems)), leaves)
    else:
        structure = flatten(elems, leaves)
    tensors = [convert_to_tensor(v) for v in leaves]
    for tensor in tensors:
        if tensor.shape == ():
            raise ShapeError(f"{tensor.name} is a scalar: elements lie along a first axis")
        if tensor.shape is None:
            raise ShapeError(f"the rank of {tensor.name} is not known: give it one with set_shape")
    return structure, tensors


def _count(tensors: Sequence[Tensor]) -> Any:
    """The first size: a number where it is known, else a scalar."""
    for tensor in tensors:
        if tensor.shape is not None and isinstance(tensor.shape[0], int):
            return np.int32(tensor.shape[0])
    b = tensors[0].graph.b
    return b.shape(tensors[0])[0]


def _slice_like(tensor: Tensor) -> Any:
    """A tensor of the kind of a slice: the body that is traced with it does not use its value."""
    return _at(tensor, tensor.graph.convert(np.int32(0)))


def _at(tensor: Tensor, index: Any) -> Tensor:
    found: Tensor = builder(index).gather(tensor, index, axis=0)
    return found


def _put(held: Tensor, index: Tensor, value: Any) -> Tensor:
    """A result with one slice replaced."""
    graph = index.graph
    return put(graph, graph.convert(held), index, graph.convert(value, held.dtype))


def _fill(graph: Any, count: Any, like: Tensor) -> Tensor:
    """Zeros for `count` values like one."""
    b = graph.b
    if like.shape is None:
        raise ShapeError(f"the rank of {like.name} is not known: give it one with set_shape")
    sizes = b.sizes(like)
    if isinstance(sizes, np.ndarray) and not isinstance(count, Tensor):
        shape: Any = np.concatenate([[count], sizes]).astype(np.int32)
    else:
        shape = b.concat(
            [b.reshape(graph.convert(count), np.asarray([1], np.int32)), graph.convert(sizes)], axis=0
        )
    made: Tensor = b.broadcast_to(np.zeros((), like.dtype.numpy), shape)
    return made


def _room(graph: Any, body: Any, taken: Any, tensors: Sequence[Tensor], count: Any, number: int) -> Tensor:
    """Zeros for the results of a body; sizes that no tensor around it has are those of the first slice's result."""
    output = body.outputs[number]
    if output.shape is not None:
        sized = sized_by(graph)
        told = [sized(d) for d in output.shape]
        if not any(d is None for d in told):
            made: Tensor = graph.b.broadcast_to(
                np.zeros((), output.dtype.numpy), sizes([graph.convert(count), *told])
            )
            return made
    first = control.inlined(graph, body, [*(_slice_like(t) for t in tensors), *taken])
    return _fill(graph, count, first[number])


def _check_types(outputs: Sequence[Tensor], dtypes: Sequence[Any]) -> None:
    if len(dtypes) != len(outputs):
        raise TypeError(f"map_fn: dtype names {len(dtypes)} element types, fn gives {len(outputs)} tensors")
    for output, dtype in zip(outputs, dtypes, strict=True):
        if output.dtype is not as_dtype(dtype):
            raise TypeError(f"map_fn: fn gives {output.dtype.name}, dtype says {as_dtype(dtype).name}")


__all__ = ["foldl", "foldr", "map_fn", "scan"]
