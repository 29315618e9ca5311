"""The source itself as the oracle: by onnxruntime where it is installed, else by the reference of onnx."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from samara.exporter.frontends.imported import Oracle, Run
from samara.exporter.frontends.onnx.reader import Source

Array = np.ndarray[Any, Any]


def oracle_of(source: Source, constants: Mapping[str, Any]) -> Oracle:
    """What runs the model; `constants` are the values of inputs that the caller fixed."""
    graph = source.model.graph
    described = _Described(
        # A file is read again when it is run: its weights need not stay in memory until then.
        model=source.model if source.path is None else str(source.path),
        fixed={n: np.asarray(a) for n, a in constants.items()},
        types={
            i.name: onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type)
            for i in graph.input
            if i.type.HasField("tensor_type")
        },
        outputs=tuple(o.name for o in graph.output),
    )
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        return Oracle(name=f"onnxruntime {onnxruntime.__version__}", start=lambda: _runtime(described))
    return Oracle(name=f"the reference of onnx {onnx.__version__}", start=lambda: _reference(described))


@dataclass(frozen=True, kw_only=True)
class _Described:
    """What is needed to run a model.

    Attributes:
        model: a ModelProto, or the path of a file.
        fixed: values of inputs that are none any more.
        types: the numpy type of each input.
        outputs: their names.
    """

    model: Any
    fixed: Mapping[str, Array]
    types: Mapping[str, Any]
    outputs: tuple[str, ...]

    def inputs(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {n: np.asarray(a, self.types[n]) for n, a in {**self.fixed, **arrays}.items()}


def _runtime(described: _Described) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    model = described.model
    try:
        session = onnxruntime.InferenceSession(
            model if isinstance(model, str) else model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )
    except Exception:
        # A model that onnxruntime does not take, for its age or its types, may still be one that onnx itself runs.
        return _reference(described)

    def run(signature: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
        found = session.run(list(described.outputs), described.inputs(arrays))
        return dict(zip(described.outputs, found, strict=True))

    return run


def _reference(described: _Described) -> Run:
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(described.model)

    def run(signature: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
        found = evaluator.run(list(described.outputs), described.inputs(arrays))
        return {n: np.asarray(a) for n, a in zip(described.outputs, found, strict=True)}

    return run


__all__ = ["oracle_of"]
