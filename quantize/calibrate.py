"""Runs a model on samples and observes its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samara.graph.execution.session import Session
from samara.graph.graph import Operation, Tensor
from samara.graph.progress import progress
from samara.graph.rewrite import ModelGraph, needed
from samara.quantize.observers import MinMax
from samara.quantize.recurrent import largest_cell, observed

Sample = Mapping[str, Any]


def calibrate(
    model: ModelGraph,
    tensors: Sequence[Tensor],
    recurrent: Sequence[Operation],
    samples: Sequence[Sequence[Sample]],
) -> tuple[dict[str, MinMax], dict[Operation, float]]:
    """The ranges of tensors over all samples, by tensor name, and the largest cells of recurrent layers.

    Args:
        model: the float model.
        tensors: what to observe; of recurrent layers what is needed for their cells too.
        recurrent: the layers.
        samples: for each signature, arrays by input name.
    """
    found = {t.name: MinMax() for t in tensors}
    cells = dict.fromkeys(recurrent, 0.0)
    session = Session(graph=model.graph)
    work = [(index, sample) for index, given in enumerate(samples) for sample in given]
    reached = [_reached(model, index, tensors) for index in range(len(model.signatures))]
    session.variables.update(model.initial_values)
    for index, sample in progress(work, "calibrating"):
        inputs = model.signatures[index].inputs
        wanted = reached[index]
        outputs = list(model.signatures[index].outputs.values())
        waiting = {op: {id(t) for t in observed(op)} for op in recurrent}
        kept: dict[int, Any] = {}
        # The outputs are run too, so that state is written as on a device.
        for tensor, value in session.trace([*wanted, *outputs], {inputs[n]: a for n, a in sample.items()}):
            if tensor.name in found and tensor.op.type != "variable":
                found[tensor.name].observe(value, tensor.name)
            _observe_cells(tensor, value, waiting, kept, cells)
        for tensor in wanted:
            if tensor.op.type == "variable":
                found[tensor.name].observe(session.read(tensor.op), tensor.name)
    return found, cells


def _observe_cells(
    tensor: Tensor,
    value: Any,
    waiting: dict[Operation, set[int]],
    kept: dict[int, Any],
    cells: dict[Operation, float],
) -> None:
    """Looks at the cells of the layers for which a tensor is the last that was missing."""
    readers = [op for op, missing in waiting.items() if id(tensor) in missing]
    if readers:
        kept[id(tensor)] = value
    for op in readers:
        waiting[op].discard(id(tensor))
        if not waiting[op]:
            cells[op] = max(cells[op], largest_cell(op, kept))
            del waiting[op]
    for key in [k for k in kept if all(k not in map(id, observed(op)) for op in waiting)]:
        del kept[key]


def _reached(model: ModelGraph, index: int, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Those of the tensors that a signature computes or takes."""
    signature = model.signatures[index]
    ops = {t.op for t in signature.inputs.values()} | set(needed(list(signature.outputs.values())))
    return [t for t in tensors if t.op in ops]


__all__ = ["calibrate"]
