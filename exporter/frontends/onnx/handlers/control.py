"""Control flow: branches and loops, whose bodies become sub-graphs of one operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.exporter.frontends.compose import control
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dims
from samara.graph.control import MOST_TRIPS
from samara.graph.graph import Tensor

# What a loop whose number of steps nothing bounds may collect, in bytes.
_MOST_BYTES = 1 << 26


@op("If")
def _if(node: Node) -> Any:
    condition = node.value(0)
    then, other = node.body("then_branch"), node.body("else_branch")
    if condition is not None:
        return node.importer.inline(then if bool(condition.reshape(-1)[0]) else other)
    return control.cond(
        node.b,
        node.input(0),
        lambda b: node.importer.run(then, []),
        lambda b: node.importer.run(other, []),
    )


@op("Loop")
def _loop(node: Node) -> Any:
    body = node.body("body")
    carried = [node.input(i) for i in range(2, len(node.inputs))]
    count = len(carried)
    collects = len(body.output) - 1 - count
    if len(body.input) != 2 + count or collects < 0:
        node.fail(
            f"its body has {len(body.input)} inputs and {len(body.output)} outputs, for {count} carried values"
        )

    def step(b: Any, number: Tensor, goes_on: Tensor, *values: Tensor) -> Any:
        given = [_as_declared(b, t, info) for t, info in zip((number, goes_on), body.input, strict=False)]
        found = node.importer.run(body, [*given, *values])
        return found[0], found[1 : 1 + count], found[1 + count :]

    most = _most_trips(node, count) if collects else MOST_TRIPS
    finals, collected = control.loop(
        node.b,
        step,
        trip_count=node.given(0),
        condition=node.given(1),
        carried=carried,
        maximum_trip_count=most if most < MOST_TRIPS else None,
    )
    if collects and most == MOST_TRIPS:
        _check_collected(node, collected)
    return [*finals, *collected]


def _most_trips(node: Node, carried: int) -> int:
    """What bounds the number of steps: the trip count, or the length that the model states of what is collected."""
    known = node.sizes(0)
    stated = [node.importer.declared(name) for name in node.output_names[carried:]]
    lengths = [shape[0] for shape in stated if shape and isinstance(shape[0], int)]
    return min([MOST_TRIPS, *lengths, *(dims.bounds(d)[1] for d in known or ())])


def _check_collected(node: Node, collected: list[Tensor]) -> None:
    """Refuses a loop that would need much memory for what it collects, when nothing bounds the number of its steps."""
    mend = (
        "give the trip count with constants=, let it follow from the shape of an input, or state the first dimension "
        "of what the loop collects in the model's value_info"
    )
    for tensor in collected:
        largest = [dims.bounds(d)[1] for d in tensor.shape or ()]
        size = int(np.prod(largest, dtype=object)) * tensor.dtype.size
        if size > _MOST_BYTES and dims.LARGEST not in largest:
            node.fail(
                f"nothing bounds the number of its steps, and {control.MOST_COLLECTED} steps would collect "
                f"{size / 2**20:.0f} MiB",
                mend,
            )
    if any(isinstance(d, dims.Dim) for t in collected for d in (t.shape or ())[:1]):
        node.importer.warn(
            f"{node.type} {node.name!r}: nothing bounds the number of its steps: a run that collects from more than "
            f"{control.MOST_COLLECTED} ends with an error; {mend}"
        )


def _as_declared(b: Any, scalar: Tensor, info: Any) -> Tensor:
    """The number of a step, or its condition, of one element in the rank that the body wants."""
    rank = len(info.type.tensor_type.shape.dim)
    return b.reshape(scalar, np.ones(rank, np.int32)) if rank else scalar


@op("Scan")
def _scan(node: Node) -> Any:
    return _batched_scan(node) if node.opset < 9 else _plain_scan(node)


def _plain_scan(node: Node) -> Any:
    body, scans = node.body("body"), int(node.attr("num_scan_inputs", 0))
    count = len(node.inputs) - scans
    _check_scan(node, count, scans)
    inputs = [node.input(i) for i in range(len(node.inputs))]
    states, given = inputs[:count], inputs[count:]
    finals, scanned = control.scan(
        node.b,
        _step_of(node, count),
        states=states,
        inputs=given,
        input_axes=node.attr("scan_input_axes"),
        input_reversed=_reversed(node, "scan_input_directions"),
        output_axes=node.attr("scan_output_axes"),
        output_reversed=_reversed(node, "scan_output_directions"),
    )
    return [*finals, *scanned][: len(body.output)]


def _batched_scan(node: Node) -> Any:
    """Scan of operator set 8: all has a batch axis before the others, and sequences may have their own lengths."""
    scans = int(node.attr("num_scan_inputs", 0))
    lengths = node.given(0)
    count = len(node.inputs) - 1 - scans
    _check_scan(node, count, scans)
    inputs = [node.input(i) for i in range(1, len(node.inputs))]
    backwards = _reversed(node, "directions")

    def sequence(b: Any, *slices: Tensor) -> Any:
        steps = slices[-1] if lengths is not None else None
        finals, scanned = control.scan(
            b,
            _step_of(node, count),
            states=slices[:count],
            inputs=slices[count : count + scans],
            input_reversed=backwards,
            steps=steps,
        )
        return [], [*finals, *scanned]

    given = [*inputs, *([] if lengths is None else [lengths])]
    _, found = control.scan(node.b, sequence, states=[], inputs=given)
    return found


def _check_scan(node: Node, states: int, scans: int) -> None:
    body = node.body("body")
    if scans < 1 or states < 0:
        node.fail(f"num_scan_inputs is {scans}, and it has {states + scans} inputs")
    if len(body.input) != states + scans or len(body.output) < states:
        node.fail(
            f"its body has {len(body.input)} inputs and {len(body.output)} outputs, for {states} states and {scans} "
            "scanned inputs"
        )


def _step_of(node: Node, states: int) -> Any:
    def step(b: Any, *values: Tensor) -> Any:
        found = node.importer.run(node.body("body"), values)
        return found[:states], found[states:]

    return step


def _reversed(node: Node, name: str) -> list[bool] | None:
    directions = node.attr(name)
    return None if directions is None else [bool(d) for d in directions]
