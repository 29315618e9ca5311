"""Symbolic reverse-mode differentiation: gradients are operations of the same graph.

They can therefore be optimised, exported and differentiated again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from samara.errors import GraphError, ShapeError, shown
from samara.graph import dims
from samara.graph.control import read_variables
from samara.graph.graph import Operation, Tensor


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Sequence[Tensor] | None = None,
    unconnected_gradients: str = "none",
) -> list[Tensor | None]:
    """The derivatives of the sum of `ys` with respect to each of `xs`.

    Args:
        ys: a tensor or list of tensors of a floating-point dtype.
        xs: a tensor, variable or list of them.
        grad_ys: for each of `ys`, what its gradient starts from, of its shape; ones when None.
        name: the name scope of the operations added.
        colocate_gradients_with_ops: has no meaning here.
        gate_gradients: has no meaning here.
        aggregation_method: has no meaning here.
        stop_gradients: tensors to be taken for constants, which what they are made of has no part in; one that is also
            among `xs` has a gradient.
        unconnected_gradients: what stands for the gradient of one of `xs` that `ys` do not depend on: "none" or "zero".

    Returns:
        A list with a tensor for each of `xs`, or, unless zeros are asked for, None where `ys` do not depend on it.

    Raises:
        GraphError: an op on the way has no gradient.
        ShapeError: one of `grad_ys` has not the shape of its y.
        TypeError: one of `ys` is not of a floating-point dtype.
    """
    ys = _tensors(ys)
    xs = _tensors(xs)
    if not ys:
        raise ValueError("gradients needs at least one y")
    graph = ys[0].graph
    starts = list(grad_ys) if isinstance(grad_ys, (list, tuple)) else [grad_ys] * len(ys)
    if len(starts) != len(ys):
        raise ValueError(f"grad_ys has {len(starts)} entries for {len(ys)} ys")
    stops = {id(t) for t in _tensors(stop_gradients or [])}
    if unconnected_gradients not in ("none", "zero"):
        raise ValueError(f"unconnected_gradients is {unconnected_gradients!r}, expected 'none' or 'zero'")
    with graph.name_scope(name):
        found = _backward(ys, xs, starts, stops)
        if unconnected_gradients == "none":
            return found
        return [graph.b.zeros_like(x) if g is None else g for x, g in zip(xs, found, strict=True)]


def _backward(ys: list[Tensor], xs: list[Tensor], starts: list[Any], stops: set[int]) -> list[Tensor | None]:
    b = ys[0].graph.b
    between = _between(ys, xs, stops)
    partial: dict[int, list[Tensor]] = {}
    for y, start in zip(ys, starts, strict=True):
        if not y.dtype.is_floating:
            raise TypeError(f"{y.name} is {y.dtype.name}: only floating-point tensors have gradients")
        grad = b.ones_like(y) if start is None else b.constant(start, y.dtype)
        if not _fits(grad, y):
            raise ShapeError(
                f"the gradient of {y.name} {dims.text(y.shape)} cannot start from {dims.text(grad.shape)}: "
                "grad_ys needs its shape"
            )
        partial.setdefault(id(y), []).append(grad)
    done: dict[int, Tensor] = {}
    together: set[int] = set()

    def total(tensor: Tensor) -> Tensor | None:
        if id(tensor) not in done and id(tensor) in partial:
            parts = partial[id(tensor)]
            summed = parts[0]
            for part in parts[1:]:
                summed = b.add(summed, part)
            done[id(tensor)] = summed
        return done.get(id(tensor))

    for op in reversed(between):
        grads = [None if id(t) in stops else total(t) for t in op.outputs]
        if all(g is None for g in grads):
            continue
        own, rule = op.own_gradient, op.definition.gradient
        if own is None and rule is None:
            continue
        with b.graph.name_scope(f"{op.name.rpartition('/')[2]}_grad"), b.graph.control_dependencies(None):
            if own is None:
                found = rule(b, op, *grads) if rule is not None else []
            elif id(own.targets(op)[-1]) in together:
                # Another operation of those that have their gradient together came before.
                continue
            else:
                together.add(id(own.targets(op)[-1]))
                found = own.of(b, op, [None if id(t) in stops else total(t) for t in own.targets(op)])
        sources = _sources(op)
        if len(found) != len(sources):
            raise GraphError(f"the gradient of {op.type} gave {len(found)} results for {len(sources)} inputs")
        for tensor, grad in zip(sources, found, strict=True):
            if tensor is None or grad is None or not tensor.dtype.is_floating:
                continue
            _check(op, tensor, grad)
            partial.setdefault(id(tensor), []).append(grad)
    return [total(x) for x in xs]


def _sources(op: Operation) -> list[Tensor | None]:
    """What an operation depends on: its inputs, and variables that its sub-graphs read."""
    if op.own_gradient is not None:
        own: list[Tensor | None] = op.own_gradient.sources(op)
        return own
    return [*op.inputs, *read_variables(op)] if op.bodies else op.inputs


def _check(op: Operation, tensor: Tensor, grad: Tensor) -> None:
    if grad.dtype is not tensor.dtype:
        raise GraphError(
            f"the gradient of {op.type} for {tensor.name} is {grad.dtype.name}, not {tensor.dtype.name}"
        )
    if not _fits(grad, tensor):
        raise ShapeError(
            f"the gradient of {op.type} for {tensor.name} has shape {dims.text(grad.shape)}, not "
            f"{dims.text(tensor.shape)}"
        )


def _fits(grad: Tensor, tensor: Tensor) -> bool:
    if tensor.shape is None or grad.shape is None:
        return True
    return len(grad.shape) == len(tensor.shape) and not any(
        dims.equal(a, b) is False for a, b in zip(grad.shape, tensor.shape, strict=True)
    )


def _between(ys: list[Tensor], xs: list[Tensor], stops: set[int]) -> list[Operation]:
    """The operations on a way from xs to ys, in the order of construction."""
    sources = {id(x) for x in xs}
    needed: dict[Operation, None] = {}
    pending = [y.op for y in ys]
    while pending:
        op = pending.pop()
        if op in needed:
            continue
        needed[op] = None
        pending += [t.op for t in _sources(op) if t is not None and id(t) not in stops]
    _refuse_copied(xs, needed)
    reached: set[Operation] = set()
    between = []
    for op in sorted(needed, key=lambda o: o.id):
        given = [t for t in _sources(op) if t is not None]
        if any(id(t) in sources or (t.op in reached and id(t) not in stops) for t in given):
            reached.add(op)
            between.append(op)
    return between


def _refuse_copied(xs: list[Tensor], needed: Iterable[Operation]) -> None:
    """Refuses a constant that a sub-graph has a copy of: its part in the result could not be seen."""
    constants = [x for x in xs if x.op.type == "constant"]
    if not constants:
        return
    for op in needed:
        for body in op.bodies.values():
            for x in constants:
                if x in getattr(body.graph, "_copied", {}):
                    raise GraphError(
                        f"{op.type} {op.name!r} has constant {x.name} within it, so there is no gradient for it: "
                        "take the gradient for a variable or a placeholder, or let the function use "
                        "tf.identity(...) of the constant, and take the gradient for that"
                    )


def _tensors(values: Any) -> list[Tensor]:
    listed = values if isinstance(values, (list, tuple)) else [values]
    for v in listed:
        if not hasattr(v, "as_graph_tensor"):
            value = ", but a value: gradients are of tensors of the graph" if hasattr(v, "__array__") else ""
            raise TypeError(f"{shown(v)} is neither a tensor nor a variable{value}")
    return [v.as_graph_tensor() for v in listed]
