"""The source itself as the oracle: by onnxruntime where it is installed, else by the reference of onnx."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np

from samara.exporter.frontends.imported import Oracle, Run
from samara.exporter.frontends.onnx.reader import Source

Array = np.ndarray[Any, Any]


def oracle_of(source: Source) -> Oracle | None:
    """What runs the model; None when nothing can."""
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        return Oracle(name=f"onnxruntime {onnxruntime.__version__}", start=lambda: _runtime(source))
    import onnx

    return Oracle(name=f"the reference of onnx {onnx.__version__}", start=lambda: _reference(source))


def _runtime(source: Source) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    model: Any = str(source.path) if source.path is not None else source.model.SerializeToString()
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception:
        # A model that onnxruntime does not take, for its age or its types, may still be one that onnx itself runs.
        return _reference(source)
    names = [o.name for o in session.get_outputs()]
    wanted = {i.name for i in session.get_inputs()}

    def run(signature: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
        given = {n: np.asarray(a) for n, a in arrays.items() if n in wanted}
        return dict(zip(names, session.run(names, given), strict=True))

    return run


def _reference(source: Source) -> Run:
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(source.model)
    names = [o.name for o in source.model.graph.output]

    def run(signature: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
        found = evaluator.run(None, {n: np.asarray(a) for n, a in arrays.items()})
        return {n: np.asarray(a) for n, a in zip(names, found, strict=True)}

    return run


__all__ = ["oracle_of"]
