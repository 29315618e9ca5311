"""The verdict on a file: what the evidence may show, and the error when it shows more."""

from __future__ import annotations

import numpy as np

from samara.errors import ProofError
from samara.exporter.proof import LayerError
from samara.exporter.report import ExportReport, layer_table
from samara.exporter.source_proof import OutputError
from samara.graph.dtypes import float16
from samara.graph.rewrite import ModelGraph

# The largest relative error of rounding to float16, and how far its numbers lie apart at most, relative to them.
HALF_ROUNDING = 2.0**-11
HALF_STEP = 2.0**-10

# What float16 layers are held to against the source, however few roundings they are away from it: where numbers
# cancel or are raised, a rounding is more of the result.
_HALF_TOLERANCE = 1e-2


class Limits:
    """What the layers of a file are held to.

    Against the written graph, which goes on from the float16 numbers of the file, a float16 layer may differ by one
    step of float16 more than others: float32 sums that agree may be rounded to neighbours. Against the source each
    rounding to float16 on the longest way to a layer adds its share.
    """

    def __init__(self, model: ModelGraph, tolerance: float) -> None:
        self._tolerance = tolerance
        self._half: set[str] = {
            t.name for op in model.graph.operations for t in op.outputs if t.dtype is float16
        }
        self._half |= {
            f"{name}:0" for name, value in model.initial_values.items() if value.dtype == np.float16
        }
        self._roundings = _roundings(model)
        for name, rows in model.rows.items():
            count = self._roundings.get(name, 0)
            self._roundings[rows.layer] = max(count, self._roundings.get(rows.layer, 0))
            if name in self._half:
                self._half.add(rows.layer)
        self._outputs = {(s.name, n): t.name for s in model.signatures for n, t in s.outputs.items()}

    def written(self, layer: str) -> float:
        """The largest difference from the written graph."""
        return self._tolerance + (HALF_STEP if layer in self._half else 0.0)

    def source(self, layer: str) -> float:
        """The largest difference from the source."""
        count = self._roundings.get(layer, 0)
        return max(self._tolerance, _HALF_TOLERANCE, count * HALF_ROUNDING) if count else self._tolerance

    def output(self, signature: str, name: str) -> float:
        """The largest difference of an output from the source's."""
        return self.source(self._outputs[signature, name])

    @property
    def golden(self) -> float:
        """The largest difference of an output on another machine, where float16 is on the way to one; else 0."""
        found = [self.source(name) for name in self._outputs.values() if self._roundings.get(name)]
        return max(found, default=0.0)


def _roundings(model: ModelGraph) -> dict[str, int]:
    """How often numbers were rounded to float16 on the longest way to each tensor: constants are, and results."""
    found: dict[str, int] = {}
    for op in model.graph.operations:
        constant = any(t.op.type == "constant" and t.dtype is float16 for t in op.given_inputs)
        before = max((found.get(t.name, 0) for t in op.given_inputs), default=0) + constant
        moves = op.definition.quant == "same"
        found |= {
            t.name: before + (t.dtype is float16 and not moves) for t in op.outputs if op.type != "constant"
        }
    return found


def judge(report: ExportReport, limits: Limits) -> None:
    """Raises ProofError with the worst layers when the evidence is against the file."""
    wrong: list[LayerError] = []
    for row in report.layers:
        bad = row.error > (0.0 if row.exact else limits.written(row.name))
        # An integer that a comparison or an argmax makes of floats may rightly differ from the source by their
        # rounding; against the written graph it is made from the file's own floats.
        if not (report.quantized or row.exact or row.source_error is None):
            bad = bad or row.source_error > limits.source(row.name)
        if bad:
            wrong.append(row)
    if wrong:
        wrong.sort(key=lambda r: max(r.error, r.source_error or 0.0), reverse=True)
        raise ProofError(
            f"{len(wrong)} of {len(report.layers)} layers of {report.path.name} disagree with the source, so it was "
            f"not written (tolerance {report.tolerance:g}):\n{layer_table(wrong[:10], len(wrong))}",
            report,
        )


def judge_outputs(report: ExportReport, limits: Limits, *, exact: bool) -> None:
    """Raises ProofError when an output is too far from the source's.

    An integer that a float model makes, by an argmax for example, may differ by the rounding of its floats.
    """
    if report.quantized:
        return

    def allowed(o: OutputError) -> float:
        if exact:
            return 0.0
        return limits.output(o.signature, o.name) if o.floating else float("inf")

    wrong = [o for o in report.outputs if o.error > allowed(o)]
    if wrong:
        listed = "; ".join(f"{o.name} by {o.error:.1e} of its largest value" for o in wrong)
        raise ProofError(
            f"{len(wrong)} of {len(report.outputs)} outputs of {report.path.name} disagree with {report.oracle}, so it "
            f"was not written (tolerance {'0' if exact else f'{report.tolerance:g}'}): {listed}",
            report,
        )
