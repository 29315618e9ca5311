"""Which operations of a model come near the largest number of float16, on samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from samara.exporter.passes.half_precision import LARGEST, overflowing
from samara.graph.dtypes import float32
from samara.graph.execution.session import Session, compute
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.progress import progress
from samara.graph.rewrite import ModelGraph, constant_value, copy, needed

Array = np.ndarray[Any, Any]
Convert = Callable[[str, Array], Array]

# What samples show may be exceeded by as much as this factor.
_MARGIN = 4

# Ops whose sums of products may be float16 before they are complete.
_PRODUCTS = frozenset({"conv2d", "depthwise_conv2d", "matmul"})


def too_large(
    model: ModelGraph, samples: Sequence[Sequence[Mapping[str, Any]]], convert: Convert | None = None
) -> dict[str, str]:
    """The operations with values, or sums on the way to them, that float16 may not have, and how large they are.

    A sum of products is on its way at most the sum of their magnitudes, in whatever order it is made.

    Args:
        model: what is to be computed in float16.
        samples: for each signature, arrays by input name.
        convert: `convert(name, array)` gives the model's input for what a sample has; None when they are the same.
    """
    operations = [op for op in needed(model.outputs) if op.definition.device == "kernel" and not op.bodies]
    peaks: dict[int, float] = {}
    sums: dict[Operation, float] = {}
    session = Session(graph=model.graph)
    session.variables.update(model.initial_values)
    for signature, given in zip(model.signatures, samples, strict=True):
        for sample in progress(given, "measuring peaks"):
            fed = {
                signature.inputs[n]: np.asarray(
                    convert(n, np.asarray(a)) if convert else a, signature.inputs[n].dtype.numpy
                )
                for n, a in sample.items()
            }
            _observe(session, list(signature.outputs.values()), fed, peaks, sums)
    found = {}
    for op in operations:
        peak = max([sums.get(op, 0.0), *(peaks.get(id(t), 0.0) for t in (*op.given_inputs, *op.outputs))])
        if peak > LARGEST / _MARGIN:
            found[op.name] = f"its values reach {peak:.2g}"
        elif any(_overflows(t) for t in op.given_inputs):
            found[op.name] = "float16 lacks a constant of it"
    return found


def _overflows(tensor: Tensor) -> bool:
    value = constant_value(tensor)
    return value is not None and tensor.dtype is float32 and overflowing(value) > 0.0


def _observe(
    session: Session,
    outputs: Sequence[Tensor],
    fed: Mapping[Tensor, Array],
    peaks: dict[int, float],
    sums: dict[Operation, float],
) -> None:
    """Takes one run into account."""
    order = needed(outputs)
    products = [op for op in order if op.type in _PRODUCTS and op.outputs[0].dtype is float32]
    pending = {op: {id(t) for t in op.given_inputs if t.op.type != "constant"} for op in products}
    uses = Counter(t for wanted in pending.values() for t in wanted)
    kept: dict[int, Array] = {}

    def see(tensor: Tensor, value: Array) -> None:
        if tensor.dtype is float32:
            peaks[id(tensor)] = max(peaks.get(id(tensor), 0.0), _peak(value))
        if id(tensor) not in uses:
            return
        kept[id(tensor)] = value
        for op in [o for o, wanted in pending.items() if wanted <= kept.keys()]:
            sums[op] = max(sums.get(op, 0.0), _sum_of_magnitudes(op, kept))
            for used in pending.pop(op):
                uses[used] -= 1
                if not uses[used]:
                    del kept[used], uses[used]

    for tensor, value in fed.items():
        see(tensor, value)
    wanted = [t for op in order if op.definition.device == "kernel" for t in op.outputs]
    for tensor, value in session.trace([*wanted, *outputs], fed):
        see(tensor, value)


def _peak(value: Array) -> float:
    return float(np.abs(value[np.isfinite(value)]).max(initial=0.0))


def _sum_of_magnitudes(op: Operation, values: Mapping[int, Array]) -> float:
    """The largest value of a product of the magnitudes of its operands."""
    given = [
        None if t is None else t.op.a.value if t.op.type == "constant" else values[id(t)] for t in op.inputs
    ]
    arrays = [None if a is None else np.abs(a) for a in given]
    graph = Graph()
    inputs = [
        None
        if a is None or t is None
        else graph.apply("placeholder", [], {"dtype": t.dtype, "shape": a.shape}).outputs[0]
        for t, a in zip(op.inputs, arrays, strict=True)
    ]
    attributes = op.attributes | ({"activation": "none"} if "activation" in op.attributes else {})
    (product,) = copy(graph, op, inputs, attributes=attributes)
    return _peak(compute(product.op, arrays)[0])
