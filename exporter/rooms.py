"""Where the tensors of a body lie that are not its own: in what its caller gives it, and in what it gives its caller.

A body's inputs are the bytes of the operands of the op that runs it; nothing is copied. A body's outputs are copied to
the op's outputs when it ends, but for those that can be computed right there. The loop variables of a while_loop
live in the op's outputs from the first step on, so the argument and the result of one number are the same bytes: an
output of the step is written there when nothing later needs the variable's old value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samara.graph.graph import Body, Operation, Tensor
from samara.graph.rewrite import needed

ARGUMENT, RESULT = "argument", "result"


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """The places of a body's tensors outside the arena.

    Attributes:
        outputs: the body's, with a copy where the file wants one.
        order: the operations to run.
        copies: those that copy, though their op could be a view.
        places: by the identity of a tensor "argument" or "result", and of which number.
        shared: how many arguments are the bytes of the result of their number.
        count: of arguments.
    """

    outputs: tuple[Tensor, ...]
    order: tuple[Operation, ...]
    copies: frozenset[Operation]
    places: dict[int, tuple[str, int]]
    shared: int
    count: int

    def number(self, tensor: Tensor) -> int | None:
        """One number for each of the rooms; None for a tensor that has a place of its own."""
        place = self.places.get(id(tensor))
        if place is None:
            return None
        return place[1] if place[0] == ARGUMENT or place[1] < self.shared else self.count + place[1]


def find_rooms(op: Operation, attribute: str, body: Body) -> Rooms:
    """The places for the body that `op` has as `attribute`."""
    step = attribute == "step"
    outputs, copies = _copied(body, step)
    order = [o for o in needed(outputs) if o.definition.device == "kernel"]
    root = _roots(body, order, copies)
    places = {id(t): (ARGUMENT, i) for i, t in enumerate(body.inputs)}
    if attribute != "condition":
        inputs = {id(t): i for i, t in enumerate(body.inputs)}
        for number, output in enumerate(outputs):
            made = root.get(id(output))
            if made is None or id(made) in inputs or id(made) in places or made.op not in order:
                continue
            if not step or _is_free(body.inputs[number], made, order, root):
                places[id(made)] = (RESULT, number)
    for operation in order:
        for tensor in operation.outputs:
            if id(root[id(tensor)]) in places:
                places[id(tensor)] = places[id(root[id(tensor)])]
    return Rooms(
        outputs=tuple(outputs),
        order=tuple(order),
        copies=frozenset(copies),
        places=places,
        shared=len(op.outputs) if op.type == "while_loop" else 0,
        count=len(body.inputs),
    )


def _copied(body: Body, step: bool) -> tuple[list[Tensor], set[Operation]]:
    """The outputs of a body, those that are not computed in it copied; so is a loop variable that becomes another."""
    copies: set[Operation] = set()
    roots = _roots(body, [o for o in needed(body.outputs) if o.definition.device == "kernel"], copies)
    outputs: list[Tensor] = []
    taken: set[int] = set()
    for number, tensor in enumerate(body.outputs):
        root = roots.get(id(tensor), tensor)
        own = step and root is body.inputs[number]
        source = root.op.type == "placeholder" and step and not own
        if tensor.op.type in ("constant", "variable") or source or (step and id(root) in taken):
            tensor = body.graph.b.identity(tensor, name=f"{tensor.op.name}/output")
            copies.add(tensor.op)
        taken.add(id(root))
        outputs.append(tensor)
    return outputs, copies


def _roots(body: Body, order: Sequence[Operation], copies: set[Operation]) -> dict[int, Tensor]:
    """For each tensor of a body the one whose bytes it shows: itself, unless it is a view."""
    root = {id(t): t for t in body.inputs}
    for op in order:
        for tensor in op.outputs:
            root[id(tensor)] = tensor
        source = op.inputs[0] if op.inputs else None
        if op.definition.view and op not in copies and id(source) in root:
            root[id(op.outputs[0])] = root[id(source)]
    return root


def _is_free(variable: Tensor, made: Tensor, order: Sequence[Operation], root: dict[int, Tensor]) -> bool:
    """Whether a loop variable can be written over by the op that computes its next value."""
    if made.shape != variable.shape or made.dtype is not variable.dtype:
        return False
    writer = order.index(made.op)
    for place, op in enumerate(order):
        reads = [i for i, t in enumerate(op.inputs) if t is not None and root.get(id(t)) is variable]
        if not reads or place < writer:
            continue
        if place > writer or not may_lie_on(op, made, reads):
            return False
    return True


def may_lie_on(op: Operation, output: Tensor, operands: Sequence[int]) -> bool:
    """Whether an op may write an output over the operands of these numbers, which are one value."""
    if any(op.inputs[i].shape != output.shape or op.inputs[i].dtype is not output.dtype for i in operands):  # type: ignore[union-attr]
        return False
    if op.type == "while_loop":
        return list(operands) == [output.index]
    return op.definition.in_place and output.index == 0
