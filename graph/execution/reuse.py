"""In-place updates: which operations of a plan may write over memory that nothing needs any more.

Whether two values may lie in the same memory is told from what they are made of: an op of `makes_new` gives new memory,
any other may give back (a part of) its inputs. Memory that outlives the run - constants, feeds, variables - is never
written over, but for one case: a variable's old value, by the operation whose result becomes the new one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from samara.graph import dims
from samara.graph.backends import Device
from samara.graph.execution.state import Call, State
from samara.graph.graph import Operation, Tensor
from samara.graph.ops._table import OpDef

_NEVER = 1 << 60

# Besides the elementwise family: ops that never give back memory of their inputs, in no backend.
_NEW = frozenset(
    (
        "matmul",
        "conv2d",
        "conv2d_backprop_input",
        "conv2d_backprop_filter",
        "depthwise_conv2d",
        "depthwise_conv2d_backprop_input",
        "depthwise_conv2d_backprop_filter",
        "max_pool2d_gradient",
        "average_pool2d_gradient",
        "all_reduce_start",
        "dynamic_update_slice",
        "slice",
    )
)
_MAY_ALIAS = frozenset(("bitcast", "cast", "identity", "stop_gradient"))


def makes_new(definition: OpDef) -> bool:
    """Whether the outputs of an op are always in memory of their own."""
    if definition.name in _NEW:
        return True
    return definition.elementwise and not definition.view and definition.name not in _MAY_ALIAS


@dataclass(eq=False)
class Draft:
    """A step that is being made; see `samara.graph.execution.step.Step`.

    Attributes:
        tensors: what the inputs are in the graph.
        writes_over: whether `plain` can write over an input.
        fused: whether it does what several operations do.
    """

    run: Callable[..., Any]
    operation: Operation
    device: Device
    inputs: list[int] = field(default_factory=list)
    reads: list[tuple[int, Operation]] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    call: Call | None = None
    transfer: tuple[str, str] | None = None
    plain: Callable[..., Any] | None = None
    over: tuple[int, tuple[int, ...] | None] | None = None
    takes: str | None = None
    tensors: list[Tensor | None] = field(default_factory=list)
    writes_over: bool = False
    fused: bool = False

    @property
    def writes(self) -> Operation | None:
        """The variable that it assigns."""
        if self.operation.type != "assign" or self.transfer is not None:
            return None
        target = self.operation.inputs[0]
        return None if target is None else target.op


class _Memory:
    """Which values may lie in the same memory, and how long that is needed.

    Values that may share memory form a group, with the versions of variables among them; a group is needed as long as
    one of its members, and stays `outside` when one of them outlives the run.
    """

    def __init__(self, drafts: Sequence[Draft], outside: set[int], kept: set[int]) -> None:
        self._parents: dict[Hashable, Hashable] = {}
        self._outside: set[Hashable] = set(outside)
        self._new: set[int] = set()
        self._all_outside = set(outside)
        self._last: dict[Hashable, int] = {}
        versions: dict[str, int] = {}
        self.reads: list[dict[int, Hashable]] = []
        for draft in drafts:
            places: dict[int, Hashable] = {p: (v.name, versions.get(v.name, 0)) for p, v in draft.reads}
            self.reads.append(places)
            self._outside.update(version for version in places.values() if version[1] == 0)  # type: ignore[index]
            if draft.transfer is not None or makes_new(draft.operation.definition):
                self._new.update(draft.outputs)
                continue
            names = _variables_of(draft.operation)
            sharing: list[Hashable] = [*places.values(), *_given_back(draft), *draft.outputs]
            sharing += [(name, versions.get(name, 0)) for name in names]
            self._outside.update((name, 0) for name in names)
            for name in draft.operation.writes:
                versions[name] = versions.get(name, 0) + 1
                sharing.append((name, versions[name]))
            if draft.operation.bodies and names:
                self._outside.update(draft.outputs)
            for one, other in itertools.pairwise(sharing):
                self._parents.setdefault(one, one)
                self._parents[self._group(one)] = self._group(other)
        self._variables = {self._group(m) for m in self._parents if isinstance(m, tuple)}
        self._outside = {self._group(m) for m in self._outside}
        for number, draft in enumerate(drafts):
            for slot in (*draft.inputs, *draft.outputs):
                if slot >= 0:
                    self._last[self._group(slot)] = number
        for slot in kept:
            self._last[self._group(slot)] = _NEVER

    def _group(self, member: Hashable) -> Hashable:
        parents = self._parents
        while member in parents and parents[member] != member:
            above = parents[member]
            parents[member] = parents.get(above, above)
            member = above
        return member

    def owned(self, fetches: Sequence[int], count: int) -> set[int]:
        """The variables of a loop whose memory nobody else has, if it is so before the first step.

        Those are the ones that a step makes anew; from now on they count as new. `fetches` are what the step gives,
        first the `count` variables.
        """
        groups = [self._group(slot) for slot in fetches]
        found = {n for n in range(count) if self.is_new(fetches[n]) and groups.count(groups[n]) == 1}
        own = {self._group(n) for n in found}
        own -= {self._group(s) for s in self._all_outside - found} | self._variables
        found = {n for n in found if self._group(n) in own}
        self._outside -= own
        self._new |= found
        return found

    def is_new(self, slot: int) -> bool:
        """Whether a place has memory of its own, which does not outlive the run."""
        return slot in self._new and self._group(slot) not in self._outside

    def alike(self, one: int, other: int) -> bool:
        """Whether two places may lie in the same memory."""
        return self._group(one) == self._group(other)

    def last(self, member: Hashable) -> int:
        """The last step that needs the memory of a place, or of a version of a variable."""
        return self._last.get(self._group(member), -1)

    def outlives(self, slot: int) -> bool:
        """Whether a place may lie in memory that outlives the run."""
        group = self._group(slot)
        return group in self._outside or group in self._variables

    def shares(self, draft: Draft, number: int, place: int, member: Hashable) -> bool:
        """Whether another input of a step than that at `place` may lie in the memory of `member`."""
        same, group = draft.inputs[place], self._group(member)
        reads = self.reads[number]
        return any(self._group(r) == group for p, r in reads.items() if p != place) or any(
            self._group(s) == group for s in draft.inputs if s >= 0 and s != same
        )


def _given_back(draft: Draft) -> list[int]:
    """The places of the inputs that an operation may give back as an output: those of the same element type."""
    op = draft.operation
    kinds = {t.dtype for t in op.outputs}
    all_of_them = bool(op.bodies) or op.type == "bitcast" or not draft.tensors
    pairs = zip(draft.inputs, draft.tensors or [None] * len(draft.inputs), strict=True)
    return [s for s, t in pairs if s >= 0 and (all_of_them or (t is not None and t.dtype in kinds))]


def _variables_of(operation: Operation) -> set[str]:
    """The variables that an operation's sub-graphs name, at any depth."""
    found: set[str] = set()
    for body in operation.bodies.values():
        for op in body.graph.operations:
            found.update([op.name] if op.type == "variable" else _variables_of(op))
    return found


def reuse_memory(
    drafts: Sequence[Draft],
    state: State,
    outside: set[int],
    kept: set[int],
    *,
    optimise: bool,
    variables: bool,
    fetches: Sequence[int] = (),
    loop_variables: int = 0,
) -> tuple[set[int], tuple[int, ...]]:
    """Lets steps write over what nothing needs any more, and variables take over what was made for them.

    Args:
        drafts: the steps, in order; changed in place.
        state: of the session.
        outside: the places of constants and feeds.
        kept: the places that are fetched.
        optimise: whether to change anything.
        variables: whether variables may be written over, too: not in a body, whose outputs the next run of it may read.
        fetches: what is fetched.
        loop_variables: how many of the fetches, and of the feeds, are the variables of a loop after and before a step.

    Returns:
        The fetched places that may lie in memory which outlives the run, so that callers need copies; and the variables
        of a loop that are written over, so that nobody else may have them.
    """
    memory = _Memory(drafts, outside, kept)
    spoilt: set[int] = set()
    if optimise:
        owned = memory.owned(fetches, loop_variables)
        takers = _take_over(drafts, state, memory)
        # From the end, as what an operation is written over tells where its own result ends up.
        for number in reversed(range(len(drafts))):
            draft = drafts[number]
            if draft.transfer is None:
                _write_over(drafts, number, draft, memory, takers, variables)
                if draft.over is not None and draft.over[1] is None and draft.outputs[0] in takers:
                    takers.setdefault(draft.inputs[draft.over[0]], takers[draft.outputs[0]])
        over = [d.inputs[d.over[0]] for d in drafts if d.over is not None]
        spoilt = {n for n in owned if any(memory.alike(n, slot) for slot in over)}
    return {s for s in kept if memory.outlives(s)}, tuple(sorted(spoilt))


def _take_over(drafts: Sequence[Draft], state: State, memory: _Memory) -> dict[int, int]:
    """Assignments that keep the array itself rather than a copy: by its place, the number of the step."""
    takers: dict[int, int] = {}
    for number, draft in enumerate(drafts):
        variable = draft.writes
        if variable is None or draft.inputs[1] < 0:
            continue
        slot = draft.inputs[1]
        # The output of an assignment is what it has written, and so is the variable.
        if memory.is_new(slot) and memory.last(slot) <= number:
            takers[slot] = number
            draft.run, draft.takes = _taking(variable, state), variable.name
    return takers


def _taking(variable: Operation, state: State) -> Callable[..., Any]:
    def run(xp: Any, call: Any, ref: Any, value: Any) -> Any:
        state.keep(variable, value)
        return value

    return run


def _write_over(
    drafts: Sequence[Draft],
    number: int,
    draft: Draft,
    memory: _Memory,
    takers: dict[int, int],
    variables: bool,
) -> None:
    if draft.plain is None or not draft.writes_over:
        return
    result = draft.operation.outputs[0]
    if draft.operation.type == "dynamic_update_slice" and not draft.fused:
        _update_in_place(number, draft, memory)
        return
    for place, tensor in enumerate(draft.tensors):
        if tensor is None or tensor.dtype is not result.dtype or tensor.shape == ():
            continue
        slot = draft.inputs[place]
        if slot >= 0:
            root: Hashable = slot
            free = memory.is_new(slot) and memory.last(slot) <= number
        else:
            free = variables and _is_next_value(drafts, number, place, draft, memory, takers)
            root = memory.reads[number].get(place)
        if free and not memory.shares(draft, number, place, root):
            draft.over = place, None if _same_shape(tensor, result) else _others(draft.tensors, place)
            return


def _update_in_place(number: int, draft: Draft, memory: _Memory) -> None:
    """Writes a part of an array into the array itself, when nothing else needs that."""
    slot = draft.inputs[0]
    free = slot >= 0 and memory.is_new(slot) and memory.last(slot) <= number
    if free and not memory.shares(draft, number, 0, slot):
        draft.over = 0, None


def _others(tensors: Sequence[Tensor | None], place: int) -> tuple[int, ...]:
    """The inputs that must have the shape of the one at `place` for the result to have it, as far as is not known."""
    target = tensors[place]
    return tuple(n for n, t in enumerate(tensors) if t is not None and not _spreads(t, target))


def _spreads(tensor: Tensor, target: Tensor | None) -> bool:
    """Whether the graph tells that a tensor broadcasts to the shape of another one, at most."""
    if tensor is target or tensor.shape == ():
        return True
    if (
        target is None
        or tensor.shape is None
        or target.shape is None
        or len(tensor.shape) > len(target.shape)
    ):
        return False
    pairs = zip(reversed(tensor.shape), reversed(target.shape), strict=False)
    return all(a == 1 or _is_same(a, b) for a, b in pairs)


def _is_next_value(
    drafts: Sequence[Draft], number: int, place: int, draft: Draft, memory: _Memory, takers: dict[int, int]
) -> bool:
    """Whether a step's result becomes the next value of the variable that it reads, which nobody reads until then."""
    variable = next((v for p, v in draft.reads if p == place), None)
    taker = takers.get(draft.outputs[0])
    if variable is None or taker is None:
        return False
    target = drafts[taker].writes
    if target is None or target.name != variable.name:
        return False
    if memory.last(memory.reads[number][place]) > number:
        return False
    tensor, result = draft.tensors[place], draft.operation.outputs[0]
    if tensor is None or not _same_shape(tensor, result):
        return False
    between = drafts[number + 1 : taker]
    return not any(d.operation.bodies or any(v.name == variable.name for _, v in d.reads) for d in between)


def _same_shape(tensor: Tensor, result: Tensor) -> bool:
    """Whether the graph tells that the shapes are equal."""
    if tensor.shape is None or result.shape is None or len(tensor.shape) != len(result.shape):
        return False
    return all(_is_same(a, b) for a, b in zip(tensor.shape, result.shape, strict=True))


def _is_same(one: dims.Dimension, other: dims.Dimension) -> bool:
    """Whether two dimensions are one size in every run, by number or by name."""
    return not (isinstance(one, dims.Dim) and one.anonymous) and dims.equal(one, other) is True


__all__ = ["Draft", "makes_new", "reuse_memory"]
