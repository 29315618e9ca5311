"""From a fetch list to a plan: what must run, where, and in which array calls.

Operations run in the order of construction. What no fetch needs is left out; equal computations are made once; what
depends on constants only is computed while compiling; a tensor that is needed on another device is sent there once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from samara.errors import FeedError
from samara.graph import dims
from samara.graph.backends import Device
from samara.graph.dtypes import string
from samara.graph.execution.fusion import fuse
from samara.graph.execution.loops import Uses, histories_of
from samara.graph.execution.reuse import Draft, reuse_memory
from samara.graph.execution.state import Call, State
from samara.graph.execution.step import ABSENT, OPERATION, VARIABLE, Plan, Step
from samara.graph.graph import Operation, Tensor
from samara.graph.ops.loops import loop_and_history

# Constants up to this size are compared with each other; folded results may be this large whatever they are made of.
_SMALL_BYTES = 4096
_FOLDED_BYTES = 1 << 20


def compile_plan(
    fetches: Sequence[Tensor | Operation],
    fed: Sequence[Tensor],
    state: State,
    *,
    within: Device | None = None,
    keep_fetches: bool = True,
    optimise: bool = True,
    loop_variables: int = 0,
) -> Plan:
    """What must run for the fetches, with a place for each value.

    Args:
        fetches: what is wanted.
        fed: the tensors whose values are given, in the order of the first places.
        state: of the session.
        within: the device of the operation whose body this is, which the feeds are on and the fetches must come to.
        keep_fetches: whether fetches stay in the table to the end.
        optimise: whether operations may be merged, folded and written over each other's memory. Without, the
            operations run one by one, and each has its own outputs.
        loop_variables: how many feeds and fetches, the first ones, are the variables of a loop before and after a step.

    Raises:
        FeedError: a placeholder that is needed is not fed.
        GraphError: an operation cannot run where it was asked to.
    """
    compiler = _Compiler(fed, state, within, optimise)
    order = needed(fetches, {id(t) for t in fed})
    _agree(order)
    compiler.histories = histories_of(order)
    if state.placement.server is not None and within is None:
        from samara.graph.cluster.parts import Parts

        Parts(compiler, _soon(order), fetches, fed).run()
    else:
        compiler.uses = Uses(order, fetches)
        for op in _soon(order):
            compiler.add(op)
    found = tuple(compiler.fetch(f) for f in fetches)
    return compiler.finish(found, keep_fetches, optimise, loop_variables)


class _Compiler:
    def __init__(self, fed: Sequence[Tensor], state: State, within: Device | None, optimise: bool) -> None:
        self._state = state
        self._backend = state.backend
        self._within = within
        self._home = within if within is not None else state.placement.host
        self._merges = optimise and state.config.merges
        self._folds = optimise and state.config.folds
        self._fed = {id(t) for t in fed}
        self._values: list[Any] = [None] * len(fed)
        # Where a tensor is: its place on each device that has it.
        self._places: dict[int, dict[Device, int]] = {id(t): {self._home: i} for i, t in enumerate(fed)}
        self._drafts: list[Draft] = []
        self._constants: dict[int, Any] = {}
        self._known: dict[Hashable, tuple[int, ...]] = {}
        self._versions: dict[str, int] = {}
        self._namespaces: dict[Device, Any] = {}
        self._done: set[Operation] = set()
        # Loops that are run with what is kept of them.
        self.histories: dict[Operation, list[Operation]] = {}
        self.uses: Uses | None = None

    def add(self, op: Operation) -> None:
        """Adds what computes the outputs of an operation."""
        if op.type in ("placeholder", "variable") or op in self._done:
            return
        if op.type == "constant":
            self._places.setdefault(id(op.outputs[0]), {})
            return
        if op in self.histories:
            self._add_loop(op, self.histories[op])
            return
        device = self._state.placement.of(op, self._within)
        draft = Draft(
            self._function(op, device), op, device, plain=self._backend.plain(op), tensors=list(op.inputs)
        )
        draft.writes_over = draft.plain is not None and self._backend.writes_over(op)
        if op.type == "while_loop" and self.uses is not None:
            draft.call = self.uses.without_idle(op, Call(op, self._state, device))
        for operand, tensor in _with_operands(op):
            if tensor is None or operand.state:
                draft.inputs.append(ABSENT)
            elif self._is_variable(tensor) and self._state.placement.home(tensor.op) == device:
                draft.reads.append((len(draft.inputs), tensor.op))
                draft.inputs.append(ABSENT)
            else:
                draft.inputs.append(self._place(tensor, None if _is_size(op, operand) else device))
        key = self._key(draft)
        found = self._known.get(key) if key is not None else None
        if found is None:
            found = self._fold(draft)
        if found is None:
            found = tuple(self._new() for _ in op.outputs)
            draft.outputs = list(found)
            self._drafts.append(draft)
        for tensor, slot in zip(op.outputs, found, strict=True):
            # A fed output keeps the feed's place: what the op computes for it is released at once.
            if id(tensor) not in self._fed:
                self._places[id(tensor)] = {device: slot}
        if key is not None:
            self._known[key] = found
        for name in op.writes:
            self._versions[name] = self._versions.get(name, 0) + 1

    def _add_loop(self, loop: Operation, histories: Sequence[Operation]) -> None:
        """Runs a loop and keeps what its histories are, of which the last one has all."""
        device, last = self._state.placement.of(loop, self._within), histories[-1]
        given = last.inputs[1:]
        draft = Draft(loop_and_history, last, device, tensors=[None, *given])
        draft.call = Call(last, self._state, device)
        if self.uses is not None and not self._state.config.compiles:
            here = [op for op in self.uses.order if self._state.placement.of(op, self._within) == device]
            draft.call.unstacked = self.uses.read_by_step(histories, here)
        draft.inputs = [ABSENT, *(ABSENT if t is None else self._place(t, device) for t in given)]
        draft.outputs = [self._new() for _ in (*loop.outputs, *last.outputs)]
        self._drafts.append(draft)
        count = len(loop.outputs)
        for op, slots in [(loop, draft.outputs), *((h, draft.outputs[count:]) for h in histories)]:
            for tensor, slot in zip(op.outputs, slots, strict=False):
                if id(tensor) not in self._fed:
                    self._places[id(tensor)] = {device: slot}
        self._done.update(histories)
        for name in loop.writes:
            self._versions[name] = self._versions.get(name, 0) + 1

    def fetch(self, fetch: Tensor | Operation) -> int:
        """The place of a fetch; to be called after the last operation has been added."""
        if isinstance(fetch, Operation):
            return OPERATION
        if self._is_variable(fetch):
            if self._within is None or self._state.placement.home(fetch.op) == self._within:
                return VARIABLE
            return self._place(fetch, self._within)
        return self._place(fetch, self._within)

    def finish(
        self, fetches: tuple[int, ...], keep_fetches: bool, optimise: bool, loop_variables: int
    ) -> Plan:
        """The plan."""
        self._values.append(None)
        kept = {slot for slot in fetches if slot >= 0} if keep_fetches else set()
        outside = {slot for slot, value in enumerate(self._values[:-1]) if value is not None}
        outside.update(range(len(self._fed)))
        # A compiler of the library fuses and reuses by itself.
        optimise = optimise and self._state.config.optimises and not self._state.config.compiles
        if optimise:
            self._drafts = fuse(self._drafts, self._backend, self._constants, kept)
        variables = self._backend.changes_variables and self._within is None
        shared, spoilt = reuse_memory(
            self._drafts,
            self._state,
            outside,
            kept,
            optimise=optimise,
            variables=variables,
            fetches=fetches,
            loop_variables=loop_variables,
        )
        last: dict[int, int] = {}
        for number, draft in enumerate(self._drafts):
            last.update(dict.fromkeys((s for s in (*draft.inputs, *draft.outputs) if s >= 0), number))
        release: dict[int, list[int]] = {}
        for slot, number in last.items():
            if slot not in kept and (slot not in outside or self._values[slot] is None):
                release.setdefault(number, []).append(slot)
        steps = tuple(self._step(d, release.get(n, ())) for n, d in enumerate(self._drafts))
        return Plan(
            steps, len(self._fed), fetches, self._values, tuple(f < 0 or f in shared for f in fetches), spoilt
        )

    def _step(self, draft: Draft, release: Sequence[int]) -> Step:
        return Step(
            run=draft.run,
            xp=self._namespace(draft.device),
            call=draft.call or Call(draft.operation, self._state, draft.device),
            inputs=tuple(draft.inputs),
            reads=tuple(draft.reads),
            outputs=tuple(draft.outputs),
            release=tuple(release),
            device=draft.device,
            transfer=draft.transfer,
            plain=draft.plain,
            over=draft.over,
            takes=draft.takes,
        )

    def _function(self, op: Operation, device: Device) -> Callable[..., Any]:
        if op.definition.texts and any(t.dtype is string for t in (*op.given_inputs, *op.outputs)):
            return self._backend.on_texts(op, device)
        return self._backend.override(op.type) or op.definition.reference

    def _namespace(self, device: Device) -> Any:
        if device not in self._namespaces:
            self._namespaces[device] = self._backend.namespace(device)
        return self._namespaces[device]

    def _new(self, value: Any = None) -> int:
        self._values.append(value)
        return len(self._values) - 1

    def _is_variable(self, tensor: Tensor) -> bool:
        if tensor.op.type != "variable" or id(tensor) in self._fed:
            return False
        # What another task holds has come as a value.
        return self._state.placement.server is None or self._state.placement.task(tensor.op) is None

    # Places ----------------------------------------------------------------------------------------------------

    def _place(self, tensor: Tensor, device: Device | None) -> int:
        """The place of a tensor on a device, or on any."""
        if self._is_variable(tensor):
            return self._sent_variable(tensor, device)
        places = self._places[id(tensor)]
        if device is None and places:
            return next(iter(places.values()))
        device = device if device is not None else self._home
        if device not in places:
            if not places:
                places[device] = self._constant(tensor.op.a.value, device)
            else:
                source, slot = next(iter(places.items()))
                places[device] = self._transfer(tensor, source, device, slot)
        return places[device]

    def _constant(self, value: np.ndarray[Any, Any], device: Device) -> int:
        key: Hashable = None
        if self._merges and value.nbytes <= _SMALL_BYTES:
            key = (value.dtype, value.shape, value.tobytes(), device)
            if key in self._known:
                return self._known[key][0]
        made = self._backend.constant(value, device)
        slot = self._new(made)
        self._constants[slot] = made
        if key is not None:
            self._known[key] = (slot,)
        return slot

    def _sent_variable(self, tensor: Tensor, device: Device | None) -> int:
        """The place of a variable's value at this moment."""
        home = self._state.placement.home(tensor.op)
        target = device if device is not None else home
        key = ("variable", tensor.op.name, self._versions.get(tensor.op.name, 0), target)
        if key not in self._known:
            if target == home:
                draft = Draft(lambda xp, call, x: x, tensor.op, home)
                draft.inputs, draft.reads, draft.outputs = [ABSENT], [(0, tensor.op)], [self._new()]
                self._drafts.append(draft)
                self._known[key] = (draft.outputs[0],)
            else:
                self._known[key] = (self._transfer(tensor, home, target, None),)
        return self._known[key][0]

    def _transfer(self, tensor: Tensor, source: Device, target: Device, slot: int | None) -> int:
        """Sends a tensor, or the value of a variable at this moment, and gives the place where it arrives."""
        backend = self._backend
        sent = Draft(lambda xp, call, x: backend.send(x, source, target), tensor.op, source)
        sent.transfer = ("send", tensor.name)
        sent.inputs = [ABSENT if slot is None else slot]
        sent.reads = [(0, tensor.op)] if slot is None else []
        sent.outputs = [self._new()]
        received = Draft(lambda xp, call, x: backend.receive(x, source, target), tensor.op, target)
        received.transfer = ("receive", tensor.name)
        received.inputs, received.outputs = list(sent.outputs), [self._new()]
        self._drafts += [sent, received]
        return received.outputs[0]

    # Merging and folding ---------------------------------------------------------------------------------------

    def _key(self, draft: Draft) -> Hashable:
        """What is equal for operations that compute the same; None where an operation must run itself."""
        op = draft.operation
        if not self._merges or op.stateful or not op.outputs:
            return None
        reads = tuple((place, v.name, self._versions.get(v.name, 0)) for place, v in draft.reads)
        # As text 0.0 is not -0.0.
        attributes = tuple((n, repr(v) if isinstance(v, float) else v) for n, v in op.attributes.items())
        key = (op.type, attributes, tuple(draft.inputs), reads, draft.device)
        try:
            hash(key)
        except TypeError:
            return None
        return key

    def _fold(self, draft: Draft) -> tuple[int, ...] | None:
        """The outputs of an operation on constants."""
        op = draft.operation
        if not self._folds or draft.reads or op.stateful or op.bodies or not op.outputs:
            return None
        given = [s for s in draft.inputs if s != ABSENT]
        if any(s not in self._constants for s in given):
            return None
        limit = max(_FOLDED_BYTES, sum(self._constants[s].nbytes for s in given))
        sizes = [_bytes(t) for t in op.outputs]
        if any(s is None for s in sizes) or sum(s for s in sizes if s is not None) > limit:
            return None
        draft.call = Call(op, self._state, draft.device)
        inputs = [None if s == ABSENT else self._constants[s] for s in draft.inputs]
        try:
            with self._backend.running():
                result = draft.run(self._namespace(draft.device), draft.call, *inputs)
            results = list(result) if isinstance(result, (list, tuple)) else [result]
            made = [self._backend.cast(r, t.dtype) for r, t in zip(results, op.outputs, strict=True)]
        except Exception:
            # The run says what is wrong, naming the operation.
            return None
        slots = tuple(self._new(self._backend.kept(m)) for m in made)
        self._constants.update({slot: self._values[slot] for slot in slots})
        return slots


def _bytes(tensor: Tensor) -> int | None:
    count = None if tensor.shape is None else dims.product(tensor.shape)
    return count * tensor.dtype.size if isinstance(count, int) else None


def _is_size(op: Operation, operand: Any) -> bool:
    """Whether an operation looks at the numbers, or only at the shape, of an input: then it may be anywhere."""
    return operand.shape_only or op.type == "shape"


def needed(fetches: Sequence[Tensor | Operation], fed: set[int]) -> list[Operation]:
    """What must run for the fetches, in the order of construction.

    Raises:
        FeedError: a placeholder among them is not fed.
    """
    found: dict[Operation, None] = {}
    pending = [f if isinstance(f, Operation) else f.op for f in fetches if id(f) not in fed]
    while pending:
        op = pending.pop()
        if op in found:
            continue
        found[op] = None
        pending += [t.op for t in op.given_inputs if id(t) not in fed]
        pending += op.control_inputs
    order = sorted(found, key=lambda o: o.id)
    unfed = [op for op in order if op.type == "placeholder" and id(op.outputs[0]) not in fed]
    if unfed:
        listed = "; ".join(
            f"{op.outputs[0].name} {op.outputs[0].dtype.name}{dims.text(op.outputs[0].shape)}"
            + (f" (made at {op.source})" if op.source else "")
            for op in unfed
        )
        raise FeedError(f"a value must be fed for {listed}")
    return order


def _soon(order: list[Operation]) -> list[Operation]:
    """The operations with those that work in the background as early as what they need is there.

    One that reads a variable stays where it is, as its value may change on the way.
    """
    if not any(op.definition.background for op in order):
        return order
    number = {op: n for n, op in enumerate(order)}
    after: dict[int, list[Operation]] = {}
    moved: set[Operation] = set()
    for op in order:
        sources = [t.op for t in op.given_inputs]
        if op.definition.background and not any(s.type == "variable" for s in sources):
            before = [number[s] for s in (*sources, *op.control_inputs) if s in number]
            after.setdefault(max(before, default=number[op]), []).append(op)
            moved.add(op)
    found: list[Operation] = []
    for n, op in enumerate(order):
        if op not in moved:
            found.append(op)
        found += after.get(n, ())
    return found


def _agree(order: Sequence[Operation]) -> None:
    """Compares the collectives of a step with those of the other processes."""
    collectives = [op for op in order if op.definition.collective]
    if not collectives:
        return
    from samara.graph.distribute.group import current

    group = current()
    if group is not None:
        group.agree([_told(op) for op in collectives])


def _told(op: Operation) -> str:
    """What must be equal of a collective in all processes."""
    inputs = ", ".join(f"{t.dtype.name}{dims.text(t.shape)}" for t in op.given_inputs)
    attributes = "".join(f", {name}={value}" for name, value in op.attributes.items())
    return f"{op.type} {op.name!r}({inputs}{attributes})"


def _with_operands(op: Operation) -> list[tuple[Any, Tensor | None]]:
    operands = list(op.definition.operands)
    if operands and operands[-1].variadic:
        operands = operands[:-1] + [operands[-1]] * (len(op.inputs) - len(operands) + 1)
    return list(zip(operands, op.inputs, strict=True))


__all__ = ["compile_plan", "needed"]
