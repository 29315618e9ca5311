"""A compiled step: a list of array calls, and the loop that makes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from samara.errors import GraphError, SamaraError
from samara.graph.backends import Device
from samara.graph.execution.config import NodeExecStats, RunMetadata
from samara.graph.execution.program import Program
from samara.graph.execution.state import Call, State
from samara.graph.graph import Operation

Array = Any

# The place of an absent input, whose value is always None.
ABSENT = -1
# What is fetched has no value, or that of a variable after the run.
OPERATION = -2
VARIABLE = -3


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a compiled fetch list, or a send or a receive between devices.

    Attributes:
        run: the op's reference, or what the backend has instead.
        xp: its first argument, the arrays of the device.
        call: its second argument.
        inputs: a place in the table of live values for each input.
        reads: (input, variable) for the inputs whose value is that of a variable at this moment.
        outputs: a place for each output.
        release: places whose values nothing later needs.
        device: where it runs.
        transfer: of a send or a receive, which of them and the name of the tensor.
        plain: a function of the arrays alone that may be called instead of `run`, or None.
        over: (input, others) when `plain` may write its result over that input, given as `out`: whenever `others` is
            None, else where the inputs `others` have its shape.
        takes: of an assignment, the name of the variable that takes over the array itself, which nobody else has.
    """

    run: Callable[..., Any]
    xp: Any
    call: Call
    inputs: tuple[int, ...]
    reads: tuple[tuple[int, Operation], ...]
    outputs: tuple[int, ...]
    release: tuple[int, ...]
    device: Device
    transfer: tuple[str, str] | None = None
    plain: Callable[..., Any] | None = None
    over: tuple[int, tuple[int, ...] | None] | None = None
    takes: str | None = None


@dataclass(slots=True)
class Plan:
    """A compiled fetch list.

    Attributes:
        steps: what to run, in order.
        feeds: how many places, the first ones, are fed.
        fetches: for each fetch a place, OPERATION or VARIABLE.
        values: constants in their places, None elsewhere.
        shared: which fetches may be in the memory of something that outlives the run.
        spoilt: which feeds, variables of a loop, may be written over.
        program: the steps as one function, once they have been run.
    """

    steps: tuple[Step, ...]
    feeds: int
    fetches: tuple[int, ...]
    values: list[Any]
    shared: tuple[bool, ...]
    spoilt: tuple[int, ...] = ()
    program: Program | None = None


def execute(plan: Plan, feeds: Sequence[Array], state: State) -> list[Any]:
    """Runs a plan: the array of each fetch, None for an operation or a variable."""
    program = plan.program
    if program is None:
        program = plan.program = Program(plan, state)
    return program(feeds)


def stepwise(plan: Plan, feeds: Sequence[Array], state: State) -> Iterator[tuple[Step, list[Any]]]:
    """The same, one step at a time: gives each step when it has run, and the table of live values before any go."""
    values = plan.values.copy()
    values[: len(feeds)] = feeds
    arguments: list[Any] = []
    for step in plan.steps:
        try:
            with state.backend.running():
                arguments = [values[slot] for slot in step.inputs]
                for place, variable in step.reads:
                    arguments[place] = state.read(variable)
                result = step.run(step.xp, step.call, *arguments)
                results = result if isinstance(result, (list, tuple)) else [result]
                for slot, array in zip(step.outputs, results, strict=True):
                    values[slot] = array
        except SamaraError:
            raise
        except Exception as error:
            raise failed(step, arguments, error) from error
        del arguments, result, results
        yield step, values
        for slot in step.release:
            values[slot] = None


def execute_traced(plan: Plan, feeds: Sequence[Array], state: State, metadata: RunMetadata) -> list[Any]:
    """`execute`, which notes each step. A device is waited for after each, so that the times are its own."""
    values = plan.values
    metadata.clear()
    wait = state.backend.wait
    epoch = time.time_ns() - time.perf_counter_ns()
    start = time.perf_counter_ns()
    for step, values in stepwise(plan, feeds, state):
        wait(step.device)
        end = time.perf_counter_ns()
        metadata.note(_stats(step, values, (start + epoch) // 1000, (end - start) / 1000))
        start = time.perf_counter_ns()
    if not plan.steps:
        values = [*feeds, *values[len(feeds) :]]
    return [values[slot] if slot >= 0 else None for slot in plan.fetches]


def _stats(step: Step, values: Sequence[Any], start: int, duration: float) -> NodeExecStats:
    operation = step.call.operation
    kind, name = step.transfer if step.transfer is not None else (operation.type, operation.name)
    inputs = ", ".join(t.name for t in operation.given_inputs)
    label = f"{name} = {kind}({inputs})" if step.transfer is None else f"{kind} {name}"
    return NodeExecStats(
        node_name=name,
        op=kind,
        device=step.device.name,
        all_start_micros=start,
        all_end_rel_micros=duration,
        output_bytes=sum(getattr(values[s], "nbytes", 0) for s in step.outputs),
        timeline_label=label,
    )


def failed(step: Step, arguments: Sequence[Any], error: Exception) -> GraphError:
    """The error of an operation, naming it, its line and what it was given."""
    op = step.call.operation
    shapes = ", ".join(
        "-" if a is None else f"{str(a.dtype).removeprefix('torch.')}{list(a.shape)}" for a in arguments
    )
    where = f" (made at {op.source})" if op.source else ""
    return GraphError(f"{op.type} {op.name!r} failed on {shapes}{where}: {error}")


__all__ = [
    "ABSENT",
    "OPERATION",
    "VARIABLE",
    "Plan",
    "Step",
    "execute",
    "execute_traced",
    "failed",
    "stepwise",
]
