"""The other half of the evidence for an imported model: the file against the source, run by its own framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.errors import ExportError
from samara.exporter.endpoints import turned_back
from samara.exporter.frontends.imported import Oracle
from samara.exporter.lower import LoweredModel
from samara.exporter.proof import Measure, proving_context
from samara.graph.progress import progress
from samara.graph.rewrite import ModelGraph
from samara.pyruntime.model import Model

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class OutputError:
    """How far one output of the file is from the source's, over all samples.

    Attributes:
        signature, name: which output.
        floating: whether it holds real numbers.
        error: the largest difference, over the largest magnitude of the source's.
        signal_to_noise: against the source, in decibels.
    """

    signature: str
    name: str
    floating: bool
    error: float
    signal_to_noise: float


def prove_against_source(
    runtime: Model,
    lowered: LoweredModel,
    model: ModelGraph,
    oracle: Oracle,
    samples: Sequence[Sequence[Mapping[str, Any]]],
    convert: Any = None,
    turned: frozenset[str] = frozenset(),
) -> tuple[OutputError, ...]:
    """Runs the file and the source on the same samples, in the same order, both starting with fresh state.

    Args:
        runtime: the file, loaded.
        lowered: what was written.
        model: the graph that was written.
        oracle: runs the source.
        samples: for each signature, samples in terms of the source's inputs.
        convert: `convert(name, array)` gives the file's input for the source's; None when they are the same.
        turned: names of outputs that have their channels last in the file alone.

    Raises:
        ExportError: an output of the source has another shape than the file's.
    """
    errors = []
    run = oracle.start()
    context = proving_context(runtime, model)
    for index, program in enumerate(lowered.programs):
        signature = program.signature
        measures = {name: Measure() for name in signature.outputs}
        for sample in progress(samples[index], f"comparing with {oracle.name}"):
            given = {n: np.asarray(a) for n, a in sample.items()}
            arrays = {
                n: np.asarray(convert(n, a) if convert else a, signature.inputs[n].dtype.numpy, order="C")
                for n, a in given.items()
            }
            found = context.run(signature=signature.name, **arrays)
            outputs = found if isinstance(found, dict) else {next(iter(signature.outputs)): found}
            expected = run(signature.name, given)
            for name, measure in measures.items():
                quantization = model.quantization.get(signature.outputs[name].name)
                output = turned_back(name, np.asarray(outputs[name]), turned)
                wanted = np.asarray(expected[name])
                if quantization is not None and np.issubdtype(wanted.dtype, np.floating):
                    output = quantization.dequantize(output)
                if output.shape != wanted.shape:
                    raise ExportError(
                        f"output {name!r} has shape {list(output.shape)}, that of {oracle.name} {list(wanted.shape)}"
                    )
                measure.add(output, wanted)
        errors += [
            OutputError(
                signature=signature.name,
                name=name,
                floating=signature.outputs[name].dtype.is_floating
                or signature.outputs[name].name in model.quantization,
                error=measure.relative,
                signal_to_noise=measure.decibels,
            )
            for name, measure in measures.items()
        ]
    return tuple(errors)
