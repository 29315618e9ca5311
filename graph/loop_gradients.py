"""The gradient of a loop: another loop, backwards over what the first one kept of its steps.

For a step x' = f(x, w), with the derivatives d of what follows, one step backwards is d = f_x(x, w)^T d' and
w's own gradient grows by f_w(x, w)^T d'. What f_x and f_w are made of, values within the step, is kept by the loop as
it runs (`while_history`); what costs nothing to compute again, such as the slice of an input that a step takes, is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from samara.errors import GraphError
from samara.graph import dims
from samara.graph.control import BodyGraph, copied_into, local_variable, read_variables, while_loop
from samara.graph.graph import Body, Graph, Operation, Tensor
from samara.graph.loop_shapes import freedom_of, put
from samara.graph.ops.loops import kept_tensors
from samara.graph.rewrite import copy, needed, with_bodies

# Computed again where their inputs are at hand: a view, or next to nothing.
_VIEWS = frozenset(
    ("broadcast_to", "expand_dims", "identity", "reshape", "shape", "squeeze", "stop_gradient", "transpose")
)
# Computed again where they are made of nothing that a step computes.
_FREE = _VIEWS | {"cast", "concat", "gather", "slice", "stack", "strided_slice"}
_INDICES = frozenset(("add", "floor_divide", "floor_mod", "multiply", "subtract"))


def loop_gradient(
    b: Any, op: Operation, last: dict[int, Tensor], before: dict[int, Tensor]
) -> list[Tensor | None]:
    """The gradients of the inputs of a loop, and of the variables that only its bodies read.

    Args:
        b: builds in the graph of the loop.
        op: a while_loop or a while_history.
        last: the gradients of loop variables after the loop, by number.
        before: those of what a while_history keeps, by number.

    Raises:
        GraphError: a step draws random numbers in a sub-graph, which would have to be run again.
    """
    return _LoopGradient(b, op, last, before).build()


class _LoopGradient:
    def __init__(self, b: Any, op: Operation, last: dict[int, Tensor], before: dict[int, Tensor]) -> None:
        self._b, self._op, self._before = b, op, before
        self._step: Body = op.a.step
        self._inputs = [t for t in op.inputs[len(op.inputs) - len(self._step.inputs) :] if t is not None]
        self._count = len(self._inputs) - op.a.invariants
        self._variables = read_variables(op)
        self._constants = [
            i for i in range(self._count, len(self._inputs)) if self._inputs[i].dtype.is_floating
        ]
        self._writes = set().union(*(o.writes for o in self._step.graph.operations))
        self._last = last
        self._live = self._reached(last, [kept_tensors(op)[n] for n in before])
        self._known = self._known_symbols()
        self._places = {id(t): i for i, t in enumerate(self._step.inputs)}
        self._free: dict[int, bool] = {}
        self._kept: list[Tensor] = []
        self._tail = self._newest(op)
        if self._tail is not None:
            self._kept = list(kept_tensors(self._tail))

    def build(self) -> list[Tensor | None]:
        self._derive()
        self._choose()
        history = self._history()
        return self._backwards(history)

    # What depends on what ------------------------------------------------------------------------------------

    def _reached(self, last: Iterable[int], others: Sequence[Tensor]) -> list[int]:
        """The loop variables whose gradients are not 0 for certain."""
        places = {id(t): i for i, t in enumerate(self._step.inputs[: self._count])}
        live: set[int] = set()
        pending = [t for t in others] + [self._step.outputs[i] for i in last]
        live.update(last)
        seen: set[int] = set()
        while pending:
            tensor = pending.pop()
            if id(tensor) in seen or not tensor.dtype.is_floating:
                continue
            seen.add(id(tensor))
            number = places.get(id(tensor))
            if number is not None:
                if number not in live:
                    live.add(number)
                    pending.append(self._step.outputs[number])
            elif tensor.op.own_gradient is not None:
                pending += [t for t in tensor.op.own_gradient.sources(tensor.op) if t is not None]
            elif tensor.op.definition.gradient is not None:
                pending += tensor.op.given_inputs
        return sorted(i for i in live if self._inputs[i].dtype.is_floating)

    def _known_symbols(self) -> set[dims.Symbol]:
        """The sizes that are the same in all steps."""
        fixed = [t for i, t in enumerate(self._inputs) if i >= self._count or i not in self._op.a.varying]
        return {s for t in fixed for d in t.shape or () for s in dims.symbols_of(d)}

    def _is_fixed(self, tensor: Tensor) -> bool:
        """Whether a tensor of the step has one shape in all steps."""
        return tensor.shape is not None and all(dims.symbols_of(d) <= self._known for d in tensor.shape)

    def _newest(self, op: Operation) -> Operation | None:
        """The last of the histories of the loop, of which each begins with the one before."""
        tail, last = (op if op.type == "while_history" else None), op
        for other in op.graph.operations:
            if other.type == "while_history" and other.a.step.graph is self._step.graph:
                link = other.inputs[0]
                if link is not None and link.op is last:
                    tail = last = other
        return tail

    # The derivatives of one step -----------------------------------------------------------------------------

    def _derive(self) -> None:
        """Builds the gradient of a step in a graph of its own, where the step is there in full."""
        from samara.graph.gradients import gradients

        step, graph = self._step, self._b.graph
        probe = self._probe = BodyGraph(graph)
        values = [probe.add_input(t) for t in step.inputs]
        self._after = {i: probe.add_input(step.outputs[i]) for i in self._live}
        offsets = {n: probe.add_input(kept_tensors(self._op)[n]) for n in self._before}
        self._offsets = offsets
        with probe.as_default():
            variables = [probe.convert(v) for v in self._variables]
            self._originals: dict[int, Tensor] = {}
            copies = self._copies = self._copied(probe, values)
            # Slices of what all steps read get gradients of their own, so that only a slice is added to in each step.
            self._slices = [
                o
                for o in needed(step.outputs)
                if o.type == "gather"
                and o.a.axis == 0
                and o.inputs[1] is not None
                and o.inputs[1].shape == ()
                and any(o.inputs[0] is step.inputs[i] for i in self._constants)
                and id(o.outputs[0]) in copies
            ]
            slices = [copies[id(o.outputs[0])] for o in self._slices]
            sources = [
                *(values[i] for i in self._live),
                *(values[i] for i in self._constants),
                *variables,
                *slices,
            ]
            pairs = [(copies[id(step.outputs[i])], g) for i, g in self._after.items()]
            pairs += [(copies[id(kept_tensors(self._op)[n])], g) for n, g in offsets.items()]
            # Each under a name of its own, as several may be one tensor.
            targets = [probe.b.identity(t) for t, _ in pairs]
            found: list[Tensor | None] = [None] * len(sources)
            if targets and sources:
                found = gradients(targets, sources, [g for _, g in pairs], stop_gradients=slices)
        parts = iter(found)
        self._state_grads = {i: next(parts) for i in self._live}
        self._constant_grads = {i: next(parts) for i in self._constants}
        self._variable_grads = [next(parts) for _ in self._variables]
        self._slice_grads = [next(parts) for _ in self._slices]

    def _copied(self, probe: Graph, values: Sequence[Tensor]) -> dict[int, Tensor]:
        """Copies the step; by the tensor of the step, what stands for it."""
        step = self._step
        mapping = copied_into(probe, step, values)
        for old in (*(t for op in needed(step.outputs) for t in op.outputs), *step.inputs):
            self._originals[id(mapping[id(old)])] = old
        return mapping

    # What is kept --------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        """Decides which values of a step are kept, and which operations are computed going backwards."""
        self._stops: dict[int, Tensor] = {}
        self._again: dict[Operation, None] = {}
        self._stand_ins: dict[int, Tensor] = {}
        pending = [g for g in self._all_grads() if g is not None]
        pending += [self._copies[id(o.inputs[1])] for o, _ in self._sliced()]
        for i, grad in self._state_grads.items():
            if grad is None and i in self._op.a.varying:
                # Its gradient is zeros, as many as there were elements.
                self._keep(self._step.inputs[i])
        seen: set[int] = set()
        while pending:
            tensor = pending.pop()
            if id(tensor) in seen:
                continue
            seen.add(id(tensor))
            original = self._originals.get(id(tensor))
            if original is not None and not self._is_recomputed(original):
                self._stop(tensor, original)
                continue
            op = tensor.op
            if op.type == "placeholder" or op in self._again:
                continue
            self._again[op] = None
            for given in op.given_inputs:
                stand_in = self._stand_in(given) if op.type == "shape" else None
                if stand_in is not None:
                    self._stand_ins[id(given)] = stand_in
                else:
                    pending.append(given)
        check_repeatable(self._op, with_bodies(self._again))

    def _sliced(self) -> list[tuple[Operation, Tensor]]:
        """The slices of the step that have a gradient, and that."""
        return [(o, g) for o, g in zip(self._slices, self._slice_grads, strict=True) if g is not None]

    def _all_grads(self) -> list[Tensor | None]:
        return [
            *self._state_grads.values(),
            *self._constant_grads.values(),
            *self._variable_grads,
            *self._slice_grads,
        ]

    def _stop(self, tensor: Tensor, original: Tensor) -> None:
        self._stops[id(tensor)] = original
        number = self._places.get(id(original))
        if number is not None and (number >= self._count or self._induction(number) is not None):
            return
        if original.op.type == "variable":
            where = f" (made at {self._op.source})" if self._op.source else ""
            raise GraphError(
                f"the gradient of {self._op.type} {self._op.name!r}{where} needs variable {original.op.name!r} as it "
                "was in each step, and the step writes it: let the step compute with tf.identity(...) of it"
            )
        self._keep(original)

    def _keep(self, tensor: Tensor) -> None:
        if not any(tensor is k for k in self._kept):
            self._kept.append(tensor)

    def _stand_in(self, tensor: Tensor) -> Tensor | None:
        """A tensor from before the loop of the shape that one of the step has in all steps."""
        original = self._originals.get(id(tensor))
        if original is None or not self._is_fixed(original) or self._is_recomputed(original):
            return None
        for number, given in enumerate(self._inputs):
            if number not in self._op.a.varying and given.shape == original.shape:
                return given
        return None

    def _is_recomputed(self, tensor: Tensor) -> bool:
        if self._is_free(tensor):
            return id(tensor) not in self._places
        if tensor.op.control_inputs or id(tensor) in self._places:
            return False
        if any(t.op.type == "variable" and t.op.name in self._writes for t in tensor.op.given_inputs):
            return False
        return tensor.op.type in _VIEWS and self._is_smaller(tensor.op.inputs[0], tensor)

    def _is_free(self, tensor: Tensor) -> bool:
        """Whether it is made of nothing but what is there before the loop and the number of the step."""
        if id(tensor) not in self._free:
            self._free[id(tensor)] = self._find_free(tensor)
        return self._free[id(tensor)]

    def _find_free(self, tensor: Tensor) -> bool:
        number = self._places.get(id(tensor))
        if number is not None:
            return number >= self._count or self._induction(number) is not None
        op = tensor.op
        if op.type in ("constant", "variable"):
            return op.name not in self._writes
        if op.control_inputs or op.stateful:
            return False
        small = op.type in _INDICES and tensor.dtype.is_integer and tensor.shape == ()
        return (small or op.type in _FREE) and all(self._is_free(t) for t in op.given_inputs)

    def _is_smaller(self, source: Tensor | None, tensor: Tensor) -> bool:
        """Whether keeping what a view is of takes no more memory than keeping the view."""
        if source is None or source.shape is None or tensor.shape is None:
            return False
        one, other = dims.product(source.shape), dims.product(tensor.shape)
        return one == other or (isinstance(one, int) and isinstance(other, int) and one <= other)

    def _induction(self, number: int) -> Any:
        """By how much each step raises a loop variable that is a whole number; None where that is not known."""
        given, made = self._step.inputs[number], self._step.outputs[number]
        if given.shape != () or not given.dtype.is_integer or made.op.type != "add" or made.op.control_inputs:
            return None
        one, other = made.op.inputs
        if one is not given:
            one, other = other, one
        if one is not given or other is None or other.op.type != "constant":
            return None
        return other.op.a.value

    # The two loops -------------------------------------------------------------------------------------------

    def _history(self) -> Operation:
        """The history that has all that is kept."""
        if self._tail is not None and len(kept_tensors(self._tail)) == len(self._kept):
            return self._tail
        op, step = self._op, self._step
        body = Body(step.graph, step.inputs, (*step.outputs[: self._count], *self._kept))
        before = self._tail if self._tail is not None else op
        attributes = {
            **{k: op.attributes[k] for k in ("condition", "maximum_trip_count", "invariants", "varying")},
            "step": body,
            "ragged": tuple(i for i, t in enumerate(self._kept) if not self._is_fixed(t)),
        }
        graph = op.graph
        with graph.source(op.source), graph.colocate_with(op):
            return graph.apply(
                "while_history",
                [before.outputs[0], list(self._inputs)],
                attributes,
                name=f"{op.name}_history",
            )

    def _read(self, history: Operation) -> dict[int, tuple[Tensor, Tensor | None]]:
        """For each kept tensor of the step where it is in a history, and the shapes of one that is ragged."""
        outputs = iter(history.outputs[1:])
        found = {}
        for number, tensor in enumerate(kept_tensors(history)):
            values = next(outputs)
            found[id(tensor)] = (values, next(outputs) if number in history.a.ragged else None)
        return found

    def _backwards(self, history: Operation) -> list[Tensor | None]:
        b, op, graph = self._b, self._op, self._b.graph
        kept = self._read(history)
        sliced = {id(o.inputs[0]) for o, _ in self._sliced()}
        # What is added up over all steps.
        totals = [
            i
            for i in self._constants
            if self._constant_grads[i] is not None or id(self._step.inputs[i]) in sliced
        ]
        read = [n for n, g in enumerate(self._variable_grads) if g is not None]
        sums = [*(self._inputs[i] for i in totals), *(self._variables[n] for n in read)]
        offsets = self._offset_readers()
        starts = [self._last[i] if i in self._last else b.zeros_like(self._end(i)) for i in self._live]
        if not starts and not sums:
            return [None] * (len(self._inputs) + len(self._variables))

        def grow(index: Any, *current: Any) -> list[Any]:
            inner = index.graph
            index = inner.b.subtract(index, np.int32(1))
            after = current[: len(self._live)]
            held = list(current[len(self._live) :])
            found = self._step_back(inner, index, dict(zip(self._live, after, strict=True)), kept, offsets)
            states = []
            for i, grad in self._state_grads.items():
                if grad is not None:
                    states.append(found[id(grad)])
                elif i in op.a.varying:
                    states.append(inner.b.zeros_like(_element(inner, kept[id(self._step.inputs[i])], index)))
                else:
                    states.append(inner.b.zeros_like(inner.convert(self._inputs[i])))
            made = []
            for number, total in zip(totals, held, strict=False):
                grad = self._constant_grads[number]
                if grad is not None:
                    total = inner.b.add(total, found[id(grad)])
                for o, g in self._sliced():
                    if o.inputs[0] is self._step.inputs[number]:
                        place = found[id(self._copies[id(o.inputs[1])])]
                        value = inner.b.add(inner.b.gather(total, place, axis=0), found[id(g)])
                        total = put(inner, total, place, value)
                made.append(total)
            for n, total in zip(read, held[len(totals) :], strict=True):
                made.append(inner.b.add(total, found[id(self._variable_grads[n])]))
            return [index, *states, *made]

        zeros = [b.zeros_like(t) for t in sums]
        varying = [i in op.a.varying for i in self._live]
        freedoms = [
            freedom_of(t.shape) if v else (False,) * len(t.shape or ()) if t.shape is not None else True
            for t, v in zip(starts, varying, strict=True)
        ]
        made = while_loop(
            graph,
            lambda index, *_: index.graph.b.greater(index, np.int32(0)),
            grow,
            [history.outputs[0], *starts, *zeros],
            freedoms=[(), *freedoms, *((False,) * len(z.shape or ()) for z in zeros)]
            if any(varying)
            else None,
            name=f"{op.type}_gradient",
        )[1:]
        ends = iter(made)
        by_input = {i: next(ends) for i in (*self._live, *totals)}
        by_variable = {n: next(ends) for n in read}
        return [
            *(by_input.get(i) for i in range(len(self._inputs))),
            *(by_variable.get(n) for n in range(len(self._variables))),
        ]

    def _end(self, number: int) -> Tensor:
        """Something of the shape that a loop variable has after the loop."""
        if number not in self._op.a.varying:
            return self._inputs[number]
        loop = self._op
        while loop.type == "while_history" and loop.inputs[0] is not None:
            loop = loop.inputs[0].op
        return loop.outputs[number]

    def _offset_readers(self) -> dict[int, tuple[Tensor, Tensor | None]]:
        """Where the gradient of each kept value is, and the shapes of one that is ragged."""
        if self._op.type != "while_history":
            return {}
        places = self._read(self._op)
        kept = kept_tensors(self._op)
        return {n: (g, places[id(kept[n])][1]) for n, g in self._before.items()}

    def _step_back(
        self,
        inner: Graph,
        index: Tensor,
        after: dict[int, Tensor],
        kept: dict[int, tuple[Tensor, Tensor | None]],
        offsets: dict[int, tuple[Tensor, Tensor | None]],
    ) -> dict[int, Tensor]:
        """Builds the gradient of a step from what is kept of it: by the tensor of the probe, what stands for it."""
        mapping: dict[int, Tensor] = {}
        for i, tensor in self._after.items():
            mapping[id(tensor)] = after[i]
        for n, tensor in self._offsets.items():
            mapping[id(tensor)] = _element(inner, offsets[n], index)
        for outside, inside in self._probe.captured.items():
            mapping[id(inside)] = inner.convert(outside)
        for place, original in self._stops.items():
            number = self._places.get(id(original))
            if number is not None and number >= self._count:
                mapping[place] = inner.convert(self._inputs[number])
            elif number is not None and self._induction(number) is not None:
                mapping[place] = self._counted(inner, number, index)
            else:
                mapping[place] = _element(inner, kept[id(original)], index)
        done: dict[Operation, Operation] = {}
        for op in sorted(self._again, key=lambda o: o.id):
            if op.type == "variable":
                mapping[id(op.outputs[0])] = local_variable(inner, op)
                continue
            given = [
                None
                if t is None
                else inner.convert(self._stand_ins[id(t)])
                if op.type == "shape" and id(t) in self._stand_ins
                else mapping[id(t)]
                for t in op.inputs
            ]
            waits = [done[c] for c in op.control_inputs if c in done]
            with inner.source(op.source), inner.control_dependencies(waits):
                outputs = copy(inner, op, given, name=op.name)
            done[op] = outputs[0].op
            for old, new in zip(op.outputs, outputs, strict=True):
                # A kept value stays what it is, also where another output of its operation is computed again.
                mapping.setdefault(id(old), new)
        return mapping

    def _counted(self, inner: Graph, number: int, index: Tensor) -> Tensor:
        """A loop variable that each step raises by the same number."""
        b, start, rise = inner.b, self._inputs[number], self._induction(number)
        kind = start.dtype
        value = index if kind is index.dtype else b.cast(index, dtype=kind)
        if int(rise) != 1:
            value = b.multiply(value, inner.convert(rise))
        if start.op.type == "constant" and int(start.op.a.value) == 0:
            return value
        made: Tensor = b.add(value, inner.convert(start))
        return made


def _element(graph: Graph, held: tuple[Tensor, Tensor | None], index: Tensor) -> Tensor:
    values, extents = held
    if extents is None:
        found: Tensor = graph.b.gather(graph.convert(values), index, axis=0)
    else:
        found = graph.b.ragged_at(graph.convert(values), graph.convert(extents), index)
    return found


def check_repeatable(op: Operation, operations: Iterable[Operation]) -> None:
    """Refuses to compute again what draws random numbers: it would draw others.

    Raises:
        GraphError: one of the operations does.
    """
    where = f" (made at {op.source})" if op.source else ""
    for inner in operations:
        if inner.definition.random:
            raise GraphError(
                f"the gradient of {op.type} {op.name!r}{where} computes it again, and {inner.type} {inner.name!r} in "
                "it would draw other numbers: draw them before it (a loop's for all steps, and take each by gather)"
            )
        if inner.writes and not inner.bodies:
            raise GraphError(
                f"the gradient of {op.type} {op.name!r}{where} computes it again, and {inner.name!r} in it writes "
                f"variable {next(iter(inner.writes))!r}: write it outside"
            )
