"""TensorFlow 1's names for what runs sub-graphs: cond, case, while_loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph import control
from samara.graph.convert import builder
from samara.graph.dtypes import int32
from samara.graph.graph import Operation, Tensor, get_default_graph
from samara.graph.loop_shapes import freedom_of
from samara.graph.shapes import TensorShape
from samara.graph.structure import flatten, pack, shape_of
from samara.graph.vocabulary.checks import Assert
from samara.graph.vocabulary.tensor_array import TensorArray


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    *,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """What `true_fn()` gives when `pred` is true, else what `false_fn()` gives; only one of them is computed.

    Both give tensors, TensorArrays or operations in the same structure, tensors of the same element types. They may use
    any tensor of the graph. Of what a function makes, that runs which its results depend on: a write to a variable, a
    print or an assertion must be given back, or be a control dependency of what is. An operation that is given back
    becomes a bool, which says whether it was `true_fn` that ran. What is made outside of the functions runs whichever
    branch does. `strict` keeps a list of one tensor a list.

    Raises:
        TypeError: `pred` is a Python bool, a function is missing, or the structures differ.
        ValueError: a function gives None.
    """
    then_function, else_function = true_fn or fn1, false_fn or fn2
    if then_function is None or else_function is None:
        raise TypeError("cond needs true_fn and false_fn")
    if isinstance(pred, (bool, np.bool_)):
        raise TypeError(
            f"cond decides when the graph runs, and {pred} is known now: use if, or a tensor of type bool"
        )
    structures: list[Any] = []
    arrays: list[list[Any]] = []

    def branch(function: Callable[[], Any], taken: bool) -> Callable[[], list[Any]]:
        def flat() -> list[Any]:
            leaves: list[Any] = []
            found = function()
            if found is None:
                raise ValueError(f"cond: {'true_fn' if taken else 'false_fn'} must give something, not None")
            structures.append(flatten(found, leaves))
            arrays.append(leaves)
            return [_result(v, taken) for v in leaves]

        return flat

    graph = builder(pred).graph
    made: list[Any] = control.cond(
        graph,
        pred,
        branch(then_function, True),
        branch(else_function, False),
        keeps_writes=False,
        alike=False,
        name=name,
    )
    if structures[0] != structures[1]:
        raise TypeError("cond: true_fn and false_fn must give the same structure of tensors")
    for number, (one, other) in enumerate(zip(*arrays, strict=True)):
        if _is_array(one) != _is_array(other):
            raise TypeError(
                f"cond: result {number} is a TensorArray of one function and a tensor of the other"
            )
        if _is_array(one):
            made[number] = one.within(made[number])
    packed = pack(structures[0], iter(made))
    single = isinstance(packed, (list, tuple)) and len(packed) == 1 and not strict
    return packed[0] if single else packed


def _result(value: Any, taken: bool) -> Any:
    """A result of a branch as a tensor."""
    if _is_array(value):
        return value.flow
    if not isinstance(value, Operation):
        return value
    graph = get_default_graph()
    with graph.control_dependencies([value]):
        return graph.b.identity(np.bool_(taken))


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the function of the first true predicate gives, or what `default()` does when none is.

    Args:
        pred_fn_pairs: (predicate, function) pairs, or a mapping from predicates to functions.
        default: what to compute when no predicate is true; without one that is an error of the run.
        exclusive: whether it is an error of the run that more than one predicate is true.
        strict: as for `cond`.
        name: the name scope.
    """
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, Mapping) else list(pred_fn_pairs)
    if not pairs:
        raise ValueError("case needs at least one pair of a predicate and a function")
    graph = builder(*(p for p, _ in pairs)).graph
    with graph.name_scope(name):
        checks = []
        if exclusive:
            count = graph.b.reduce_sum(
                graph.b.cast(graph.b.stack([p for p, _ in pairs], axis=0), dtype=int32), axes=(0,)
            )
            checks = [Assert(graph.b.less(count, np.int32(2)), ["case: more than one predicate is true"])]
        chosen = default
        if chosen is None:
            *pairs, (last, function) = pairs
            chosen = _only_if(last, function)
            if not pairs:
                return chosen()
        with graph.control_dependencies(checks):
            for pred, function in reversed(pairs[1:]):
                chosen = _either(pred, function, chosen, strict)
            return cond(pairs[0][0], pairs[0][1], chosen, strict=strict)


def _only_if(pred: Any, function: Callable[[], Any]) -> Callable[[], Any]:
    """The function, whose results are there only if a predicate is true."""

    def checked() -> Any:
        graph = get_default_graph()
        leaves: list[Any] = []
        with graph.control_dependencies(
            [Assert(pred, ["case: no predicate is true, and there is no default"])]
        ):
            structure = flatten(function(), leaves)
            found = [v if _is_array(v) or isinstance(v, Operation) else graph.b.identity(v) for v in leaves]
        return pack(structure, iter(found))

    return checked


def _either(
    pred: Any, function: Callable[[], Any], other: Callable[[], Any], strict: bool
) -> Callable[[], Any]:
    return lambda: cond(pred, function, other, strict=strict)


def _freedoms(graph: Any, variables: Sequence[Any], invariants: Any) -> list[Any]:
    """What of the shapes of loop variables a step may change: sizes that are not known, or not by their invariants."""
    found: list[Any] = []

    def collect(value: Any) -> None:
        if isinstance(value, (list, tuple)) and not isinstance(value, TensorShape):
            for v in value:
                collect(v)
        elif isinstance(value, dict):
            for v in value.values():
                collect(v)
        else:
            found.append(value)

    if invariants is None:
        return [None if _is_array(v) else freedom_of(graph.convert(v).shape) for v in variables]
    collect(invariants)
    if len(found) != len(variables):
        raise TypeError(f"while_loop: {len(found)} shape_invariants for {len(variables)} loop variables")
    freedoms: list[Any] = []
    for number, (variable, shape) in enumerate(zip(variables, found, strict=True)):
        if _is_array(variable):
            freedoms.append(None)
            continue
        tensor = graph.convert(variable)
        shape = tensor.get_shape() if shape is None else shape
        if not tensor.get_shape().is_compatible_with(shape):
            raise ShapeError(
                f"while_loop: loop variable {number} has shape {tensor.shape}, its invariant is {shape}"
            )
        freedoms.append(freedom_of(None if shape.ndims is None else shape))
    return freedoms


def _is_array(value: Any) -> bool:
    return isinstance(value, TensorArray)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: int | None = None,
    return_same_structure: bool = False,
) -> Any:
    """Repeats `loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` is true, and gives the last `loop_vars`.

    Args:
        cond: gives a bool scalar.
        body: gives the next loop variables, in the structure of `loop_vars`, of the same element types and shapes.
        loop_vars: a list or tuple of tensors and TensorArrays, or of lists, tuples and dicts of them.
        shape_invariants: shapes that fit the loop variables, nested alike: a step may change the sizes that they do not
            know, as where it appends. Without them it may change those that are not known before the loop.
        parallel_iterations: taken for the sake of old programs; it changes nothing.
        back_prop: whether gradients go through.
        swap_memory: as parallel_iterations.
        name: the operation's.
        maximum_iterations: the most steps, after which the loop ends whatever `cond` gives.
        return_same_structure: keeps a list of one variable a list.

    Raises:
        ShapeError: a loop variable changes its shape where it may not.
        TypeError: it changes its element type, or `body` gives another structure.
    """
    if not isinstance(loop_vars, (list, tuple)) or not loop_vars:
        raise TypeError("while_loop: loop_vars must be a list of one or more tensors")
    leaves: list[Any] = []
    structure = flatten(loop_vars, leaves)
    tensors = [v for v in leaves if hasattr(v, "as_graph_tensor")]
    graph = builder(*tensors).graph
    freedoms = _freedoms(graph, leaves, shape_invariants)
    variables = list(leaves)
    for number, leaf in enumerate(leaves):
        if _is_array(leaf):
            variables[number], freedoms[number] = leaf.as_loop_variable()
    bounded = maximum_iterations is not None

    def packed_as(values: Sequence[Tensor]) -> Any:
        given = [v.within(t) if _is_array(v) else t for v, t in zip(leaves, values, strict=True)]
        return pack(structure, iter(given))

    def test(*values: Tensor) -> Any:
        given = values[1:] if bounded else values
        holds = cond(*packed_as(given))
        if not bounded:
            return holds
        b = values[0].graph.b
        return b.logical_and(b.less(values[0], b.graph.convert(maximum_iterations, int32)), holds)

    def step(*values: Tensor) -> list[Any]:
        given = values[1:] if bounded else values
        found = body(*packed_as(given))
        if len(loop_vars) == 1 and not isinstance(found, (list, tuple)):
            found = [found]
        made: list[Any] = []
        if shape_of(flatten(found, made)) != shape_of(structure):
            raise TypeError("while_loop: body must give the structure of loop_vars")
        for number, (value, leaf) in enumerate(zip(made, leaves, strict=True)):
            if _is_array(value) != _is_array(leaf):
                raise TypeError(
                    f"while_loop: body gives {type(value).__name__} for loop variable {number}, a {type(leaf).__name__}"
                )
            if _is_array(value):
                made[number] = value.flow
        return [values[0].graph.b.add(values[0], np.int32(1)), *made] if bounded else made

    if bounded:
        variables, freedoms = [np.int32(0), *variables], [(), *freedoms]
    limit = maximum_iterations if isinstance(maximum_iterations, (int, np.integer)) else control.MOST_TRIPS
    made = control.while_loop(
        graph,
        test,
        step,
        variables,
        maximum_trip_count=int(limit),
        freedoms=freedoms,
        keeps_writes=False,
        name=name,
    )
    if not back_prop:
        made = [graph.b.stop_gradient(t) for t in made]
    packed = packed_as(made[1:] if bounded else made)
    return packed[0] if len(packed) == 1 and not return_same_structure else packed


__all__ = [
    "case",
    "cond",
    "while_loop",
]
