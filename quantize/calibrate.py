"""Runs a model on samples and observes its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samara.graph.execution.session import Session
from samara.graph.graph import Tensor
from samara.graph.progress import progress
from samara.graph.rewrite import ModelGraph, needed
from samara.quantize.observers import MinMax

Sample = Mapping[str, Any]


def calibrate(
    model: ModelGraph, tensors: Sequence[Tensor], samples: Sequence[Sequence[Sample]]
) -> dict[str, MinMax]:
    """The ranges of tensors over all samples, by tensor name.

    Args:
        model: the float model.
        tensors: what to observe.
        samples: for each signature, arrays by input name.
    """
    found = {t.name: MinMax() for t in tensors}
    session = Session(graph=model.graph)
    work = [(index, sample) for index, given in enumerate(samples) for sample in given]
    reached = [_reached(model, index, tensors) for index in range(len(model.signatures))]
    session.variables.update(model.initial_values)
    for index, sample in progress(work, "calibrating"):
        inputs = model.signatures[index].inputs
        wanted = reached[index]
        outputs = list(model.signatures[index].outputs.values())
        # The outputs are run too, so that state is written as on a device.
        for tensor, value in session.trace([*wanted, *outputs], {inputs[n]: a for n, a in sample.items()}):
            if tensor.name in found and tensor.op.type != "variable":
                found[tensor.name].observe(value, tensor.name)
        for tensor in wanted:
            if tensor.op.type == "variable":
                found[tensor.name].observe(session.read(tensor.op), tensor.name)
    return found


def _reached(model: ModelGraph, index: int, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Those of the tensors that a signature computes or takes."""
    signature = model.signatures[index]
    ops = {t.op for t in signature.inputs.values()} | set(needed(list(signature.outputs.values())))
    return [t for t in tensors if t.op in ops]


__all__ = ["calibrate"]
