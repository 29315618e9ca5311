"""The source itself as the oracle: by onnxruntime where it is installed, else by the reference of onnx."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np

from samara.exporter.frontends.imported import Oracle, Run
from samara.exporter.frontends.onnx.reader import Source

Array = np.ndarray[Any, Any]


def oracle_of(source: Source, constants: Mapping[str, Any]) -> Oracle:
    """What runs the model; `constants` are the values of inputs that the caller fixed."""
    fixed = {n: np.asarray(a) for n, a in constants.items()}
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        return Oracle(name=f"onnxruntime {onnxruntime.__version__}", start=lambda: _runtime(source, fixed))
    import onnx

    return Oracle(name=f"the reference of onnx {onnx.__version__}", start=lambda: _reference(source, fixed))


def _runtime(source: Source, fixed: Mapping[str, Array]) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    model: Any = str(source.path) if source.path is not None else source.model.SerializeToString()
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception:
        # A model that onnxruntime does not take, for its age or its types, may still be one that onnx itself runs.
        return _reference(source, fixed)
    names = [o.name for o in session.get_outputs()]
    types = _types(source)

    def run(signature: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
        given = {n: np.asarray(a, types[n]) for n, a in {**fixed, **arrays}.items()}
        return dict(zip(names, session.run(names, given), strict=True))

    return run


def _reference(source: Source, fixed: Mapping[str, Array]) -> Run:
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(source.model)
    names = [o.name for o in source.model.graph.output]
    types = _types(source)

    def run(signature: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
        found = evaluator.run(None, {n: np.asarray(a, types[n]) for n, a in {**fixed, **arrays}.items()})
        return {n: np.asarray(a) for n, a in zip(names, found, strict=True)}

    return run


def _types(source: Source) -> dict[str, Any]:
    """The numpy type of each input."""
    import onnx

    return {
        i.name: onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type)
        for i in source.model.graph.input
        if i.type.HasField("tensor_type")
    }


__all__ = ["oracle_of"]
