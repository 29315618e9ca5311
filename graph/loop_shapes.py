"""The shapes of loop variables: which sizes stay as they are, which change from step to step.

A body is traced once, with the shapes that the variables have before the loop. Where a step gives another shape than it
was given, and that is allowed, the size is unknown in the body, which is then inferred anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.dims import Dim, Dimension, Shape
from samara.graph.dtypes import DType
from samara.graph.graph import Body, Graph, Operation, Tensor


@dataclass(eq=False)
class Late:
    """A loop variable whose value before the loop is made when the step has told its shape.

    Attributes:
        dtype: the element type.
        shape: what is known before the step is traced.
        make: is given a function that makes a scalar of a dimension, where the graph around the loop has it, and gives
            the value before the loop.
        name: of its placeholder.
    """

    dtype: DType
    shape: Shape | None
    make: Callable[[Callable[[Dimension], Any]], Tensor]
    name: str = "array"
    op: None = None


# For each axis of a variable whether its size may change; True where the rank may change, too.
Freedom = Sequence[bool] | bool


def freedom_of(shape: Any) -> Freedom:
    """An invariant says nothing of the sizes that it does not know."""
    return True if shape is None else tuple(not isinstance(d, int) for d in shape)


def opened(shape: Shape | None, free: Freedom) -> Shape | None:
    """A shape in which numbers that may change are unknown."""
    if shape is None or free is True:
        return None
    return tuple(
        Dim() if f and isinstance(d, int) else d
        for d, f in zip(shape, free, strict=True)  # type: ignore[arg-type]
    )


def settled(
    bodies: Sequence[Body],
    before: Sequence[Tensor],
    freedoms: Sequence[Freedom],
    rebuild: Callable[[Body, Sequence[Any]], Body],
) -> tuple[list[Body], list[int]]:
    """The bodies of a loop with shapes that hold in every step, and the numbers of the variables that change theirs.

    Args:
        bodies: the condition and the step.
        before: the variables before the loop.
        freedoms: for each variable what may change.
        rebuild: a body for inputs of other shapes.
    """
    count, free = len(before), set[tuple[int, int]]()
    found, shapes = list(bodies), [t.shape for t in bodies[1].inputs[:count]]
    start = [t.shape for t in before]
    if shapes != start:
        try:
            found = _with_shapes(bodies, start, rebuild)
            shapes = start
        except ShapeError:
            # A size before the loop that does not suit a later step.
            free = {
                (i, axis)
                for i, (a, b) in enumerate(zip(shapes, start, strict=True))
                if a is not None and b is not None
                for axis, (d, e) in enumerate(zip(a, b, strict=True))
                if d != e
            }
    while True:
        after = [t.shape for t in found[1].outputs]
        wider = [
            _wider(i, s, o, f, free) for i, (s, o, f) in enumerate(zip(shapes, after, freedoms, strict=True))
        ]
        if wider == shapes:
            break
        found, shapes = _with_shapes(bodies, wider, rebuild), wider
    changing = [
        i
        for i, (s, o, a) in enumerate(zip(shapes, after, start, strict=True))
        if (freedoms[i] is True and (s is None or o is None))
        or (any(n == i for n, _ in free) and not s == o == a)
    ]
    return found, changing


def _with_shapes(
    bodies: Sequence[Body], shapes: Sequence[Shape | None], rebuild: Callable[[Body, Sequence[Any]], Body]
) -> list[Body]:
    made = []
    for body in bodies:
        inputs: list[Any] = list(body.inputs)
        for i, shape in enumerate(shapes):
            inputs[i] = SimpleNamespace(dtype=inputs[i].dtype, shape=shape)
        made.append(rebuild(body, inputs))
    return made


def _wider(
    number: int, shape: Shape | None, after: Shape | None, may: Freedom, free: set[tuple[int, int]]
) -> Shape | None:
    if shape is None or (may is True and (after is None or len(after) != len(shape))):
        return None
    if after is None or len(after) != len(shape):
        return shape
    sizes = []
    for axis, (size, other) in enumerate(zip(shape, after, strict=True)):
        if size != other and (number, axis) not in free and (may is True or may[axis]):  # type: ignore[index]
            free.add((number, axis))
            size = Dim()
        sizes.append(size)
    return tuple(sizes)


def specialized(graph: Graph, op: Operation, inputs: Sequence[Tensor | None]) -> Sequence[Tensor]:
    """Adds a copy of an operation whose shapes, and those in its sub-graphs, are inferred anew."""
    from samara.graph.control import rebuilt
    from samara.graph.rewrite import copy

    if op.type == "array_write" and not op.a.grows:
        array, index, value = (t for t in inputs if t is not None)
        if array.shape is not None and value.shape is not None and array.shape[1:] == value.shape:
            return [put(graph, array, index, value)]
    if op.type == "variable":
        # Whatever the graph, a variable is that of its name.
        return copy(graph, op, inputs)
    attributes = dict(op.attributes)
    if op.type == "cond":
        for name, body in op.bodies.items():
            attributes[name] = rebuilt(body, inputs[1:], specialized, trains=True)
    elif op.type == "while_loop":
        for name, body in op.bodies.items():
            given: list[Any] = list(inputs)
            for i in op.a.varying:
                given[i] = body.inputs[i]
            attributes[name] = rebuilt(body, given, specialized, trains=True)
    return copy(graph, op, inputs, attributes=attributes, name=op.name)


def put(graph: Graph, array: Any, index: Any, value: Any) -> Tensor:
    """An array with one slice along the first axis replaced."""
    b, value = graph.b, graph.convert(value)
    place = b.stack([index, *[np.int32(0)] * len(value.shape or ())], axis=0)
    made: Tensor = b.dynamic_update_slice(array, b.expand_dims(value, axis=0), place)
    return made


def sized_by(graph: Graph) -> Callable[[Dimension], Any]:
    """Gives a function that makes a scalar of a dimension, from the shapes of tensors of a graph and those around it.

    It gives a number, a tensor, or None where no tensor has a size that is part of the dimension.
    """
    known: dict[dims.Symbol, Any] = {}

    def of_symbol(symbol: dims.Symbol) -> Any:
        if symbol not in known:
            known[symbol] = _size_of(graph, symbol)
        return known[symbol]

    def of_atom(atom: Any) -> Any:
        if isinstance(atom, dims.Symbol):
            return of_symbol(atom)
        left, right = made(atom.left), made(atom.right)
        if left is None or right is None:
            return None
        return getattr(graph.b, atom.function)(graph.convert(left), graph.convert(right))

    def made(size: Dimension) -> Any:
        if isinstance(size, int):
            return np.int32(size)
        total: Any = None
        for monomial, coefficient in size.terms.items():
            product: Any = None if coefficient == 1 and monomial else graph.convert(np.int32(coefficient))
            for atom in monomial:
                factor = of_atom(atom)
                if factor is None:
                    return None
                product = factor if product is None else graph.b.multiply(product, factor)
            total = product if total is None else graph.b.add(total, product)
        return total

    return made


def _size_of(graph: Graph, symbol: dims.Symbol) -> Tensor | None:
    within: Graph | None = graph
    while within is not None:
        for op in within.operations:
            for tensor in op.outputs:
                for axis, size in enumerate(tensor.shape or ()):
                    if isinstance(size, Dim) and size.symbol == symbol:
                        own = graph.convert(tensor)
                        found: Tensor = graph.b.shape(own)[axis]
                        return found
        within = within.outer
    return None
