"""What a plan does with loops: it runs one with what its gradient needs of it, and leaves out what nothing reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import SimpleNamespace

from samara.graph.execution.state import Call
from samara.graph.graph import Body, Operation, Tensor
from samara.graph.ops.control import loop_variables
from samara.graph.ops.loops import kept_tensors
from samara.graph.rewrite import needed


def histories_of(order: Sequence[Operation]) -> dict[Operation, list[Operation]]:
    """For each loop the histories that are kept of it, each of which begins with the one before."""
    found: dict[Operation, list[Operation]] = {}
    chains: dict[Operation, list[Operation]] = {}
    for op in order:
        if op.type == "while_loop":
            chains[op] = found[op] = []
        elif op.type == "while_history" and op.inputs[0] is not None:
            first = op.inputs[0].op
            chain = chains.get(first)
            skipped = 1 if first.type == "while_history" else 0
            # One that does not go on from the end of the chain runs by itself.
            if (
                chain is not None
                and (not chain or chain[-1] is first)
                and first.inputs[skipped:] == op.inputs[1:]
            ):
                chain.append(op)
                chains[op] = chain
    return {loop: chain for loop, chain in found.items() if chain}


class Uses:
    """Who reads what in a plan.

    Args:
        order: the operations.
        fetches: what is fetched.
    """

    def __init__(self, order: Sequence[Operation], fetches: Sequence[Tensor | Operation]) -> None:
        self.order = order
        self._fetched = {id(f) for f in fetches}
        self._readers: dict[int, list[tuple[Operation, int]]] = {}
        for op in order:
            for place, tensor in enumerate(op.inputs):
                if tensor is not None:
                    self._readers.setdefault(id(tensor), []).append((op, place))

    def without_idle(self, loop: Operation, call: Call) -> Call:
        """The call of a loop whose step leaves the variables alone that nothing in the plan depends on."""
        step, condition, count = loop.a.step, loop.a.condition, loop_variables(loop)
        used = {i for i, t in enumerate(loop.outputs) if id(t) in self._readers or id(t) in self._fetched}
        if len(used) == count or any(op.stateful for op in needed(step.outputs) if op.type != "variable"):
            return call
        numbers = {id(t): i for i, t in enumerate(condition.inputs[:count])}
        pending = [*used, *_variables_of([*condition.outputs], numbers)]
        numbers = {id(t): i for i, t in enumerate(step.inputs[:count])}
        used.clear()
        while pending:
            number = pending.pop()
            if number not in used:
                used.add(number)
                pending += _variables_of([step.outputs[number]], numbers)
        if len(used) < count:
            outputs = (step.outputs[i] if i in used else step.inputs[i] for i in range(count))
            call.a = SimpleNamespace(
                **{**vars(loop.a), "step": Body(step.graph, step.inputs, tuple(outputs))}
            )
        return call

    def read_by_step(self, histories: Sequence[Operation], here: Iterable[Operation]) -> frozenset[int]:
        """Of what is kept of a loop, the numbers of what is only read by loops, and by those one step at a time."""
        last, near = histories[-1], set(here)
        numbers: dict[int, int] = {}
        place = 1
        for number in range(len(kept_tensors(last))):
            numbers[place] = number
            place += 2 if number in last.a.ragged else 1
        apart: set[int] = set()
        for history in histories:
            for tensor in history.outputs[1:]:
                readers = self._readers.get(id(tensor), [])
                alone = id(tensor) not in self._fetched and all(
                    op in near and _reads_rows(op, place) for op, place in readers
                )
                if not alone and tensor.index in numbers:
                    apart.add(numbers[tensor.index])
        return frozenset(numbers.values()) - apart - set(last.a.ragged)


def _variables_of(tensors: list[Tensor], numbers: dict[int, int]) -> set[int]:
    """The numbers of the inputs that tensors of a body depend on."""
    found = {numbers[id(t)] for t in tensors if id(t) in numbers}
    return found | {numbers[id(t)] for op in needed(tensors) for t in op.given_inputs if id(t) in numbers}


def _reads_rows(op: Operation, place: int) -> bool:
    """Whether a loop reads an input by whole rows only."""
    if op.type != "while_loop" or place < loop_variables(op):
        return False
    given = op.a.step.inputs[place]
    if any(t is op.a.condition.inputs[place] for o in needed(op.a.condition.outputs) for t in o.inputs):
        return False
    if any(t is given for t in op.a.step.outputs):
        return False
    for inner in needed(op.a.step.outputs):
        places = [n for n, t in enumerate(inner.inputs) if t is given]
        if places and not (inner.type == "gather" and places == [0] and _is_row(inner)):
            return False
    return True


def _is_row(gather: Operation) -> bool:
    index = gather.inputs[1]
    return gather.a.axis == 0 and not gather.a.from_end and index is not None and index.shape == ()


__all__ = ["Uses", "histories_of"]
