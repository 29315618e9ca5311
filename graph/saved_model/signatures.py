"""What a saved model offers: signatures, with named inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import DType, as_dtype
from samara.graph.graph import Graph, Tensor, get_default_graph
from samara.graph.shapes import TensorShape

PREDICT_INPUTS = "inputs"
PREDICT_OUTPUTS = "outputs"
PREDICT_METHOD_NAME = "tensorflow/serving/predict"
CLASSIFY_INPUTS = "inputs"
CLASSIFY_OUTPUT_CLASSES = "classes"
CLASSIFY_OUTPUT_SCORES = "scores"
CLASSIFY_METHOD_NAME = "tensorflow/serving/classify"
REGRESS_INPUTS = "inputs"
REGRESS_OUTPUTS = "outputs"
REGRESS_METHOD_NAME = "tensorflow/serving/regress"
DEFAULT_SERVING_SIGNATURE_DEF_KEY = "serving_default"

SERVING = "serve"
TRAINING = "train"
EVAL = "eval"
GPU = "gpu"
TPU = "tpu"


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a saved model.

    Attributes:
        name: "operation:index".
        dtype: the element type.
        tensor_shape: the shape.
    """

    name: str
    dtype: DType
    tensor_shape: TensorShape


@dataclass(frozen=True)
class SignatureDef:
    """One thing that a saved model can be asked.

    Attributes:
        inputs: the tensors to feed, by the names that users know.
        outputs: those to fetch.
        method_name: which kind of question it is.
    """

    inputs: dict[str, TensorInfo] = field(default_factory=dict)
    outputs: dict[str, TensorInfo] = field(default_factory=dict)
    method_name: str = ""

    def as_document(self) -> dict[str, Any]:
        """The same as dicts and texts."""
        return {
            "inputs": {k: _written(v) for k, v in self.inputs.items()},
            "outputs": {k: _written(v) for k, v in self.outputs.items()},
            "method_name": self.method_name,
        }

    @staticmethod
    def of_document(document: Mapping[str, Any]) -> SignatureDef:
        """The signature that `as_document` wrote."""
        return SignatureDef(
            {k: _read(v) for k, v in document["inputs"].items()},
            {k: _read(v) for k, v in document["outputs"].items()},
            document["method_name"],
        )


def _written(info: TensorInfo) -> list[Any]:
    shape = info.tensor_shape
    sizes = None if shape.ndims is None else [int(d) if isinstance(d, int) else None for d in shape]
    return [info.name, info.dtype.name, sizes]


def _read(written: Any) -> TensorInfo:
    name, dtype, shape = written
    return TensorInfo(name, as_dtype(dtype), TensorShape(shape))


def build_tensor_info(tensor: Any) -> TensorInfo:
    """What a saved model says of a tensor."""
    found = convert_to_tensor(tensor)
    return TensorInfo(found.name, found.dtype, found.get_shape())


def get_tensor_from_tensor_info(
    tensor_info: TensorInfo, graph: Graph | None = None, import_scope: str | None = None
) -> Tensor:
    """The tensor of a graph, the default graph when None, into which the model was loaded."""
    scope = f"{import_scope.rstrip('/')}/" if import_scope else ""
    return (graph or get_default_graph()).get_tensor_by_name(scope + tensor_info.name)


def build_signature_def(
    inputs: Mapping[str, TensorInfo] | None = None,
    outputs: Mapping[str, TensorInfo] | None = None,
    method_name: str | None = None,
) -> SignatureDef:
    """A signature of what `build_tensor_info` gave."""
    return SignatureDef(dict(inputs or {}), dict(outputs or {}), method_name or "")


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> SignatureDef:
    """A signature of named tensors.

    Raises:
        ValueError: there are no inputs or no outputs.
    """
    if not inputs or not outputs:
        raise ValueError("a signature needs inputs and outputs")
    return SignatureDef(
        {k: build_tensor_info(v) for k, v in inputs.items()},
        {k: build_tensor_info(v) for k, v in outputs.items()},
        PREDICT_METHOD_NAME,
    )


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> SignatureDef:
    """A signature that tells classes, scores or both of examples.

    Raises:
        ValueError: there are no examples, or neither classes nor scores.
    """
    if examples is None or (classes is None and scores is None):
        raise ValueError("a signature of classification needs examples, and classes or scores")
    outputs = {CLASSIFY_OUTPUT_CLASSES: classes, CLASSIFY_OUTPUT_SCORES: scores}
    return SignatureDef(
        {CLASSIFY_INPUTS: build_tensor_info(examples)},
        {k: build_tensor_info(v) for k, v in outputs.items() if v is not None},
        CLASSIFY_METHOD_NAME,
    )


def regression_signature_def(examples: Any, predictions: Any) -> SignatureDef:
    """A signature that tells numbers of examples.

    Raises:
        ValueError: there are no examples or no predictions.
    """
    if examples is None or predictions is None:
        raise ValueError("a signature of regression needs examples and predictions")
    return SignatureDef(
        {REGRESS_INPUTS: build_tensor_info(examples)},
        {REGRESS_OUTPUTS: build_tensor_info(predictions)},
        REGRESS_METHOD_NAME,
    )


def is_valid_signature(signature_def: SignatureDef | None) -> bool:
    """Whether a signature has inputs, outputs and one of the method names."""
    methods = (PREDICT_METHOD_NAME, CLASSIFY_METHOD_NAME, REGRESS_METHOD_NAME)
    return (
        signature_def is not None
        and bool(signature_def.inputs)
        and bool(signature_def.outputs)
        and signature_def.method_name in methods
    )


__all__ = [
    "CLASSIFY_INPUTS",
    "CLASSIFY_METHOD_NAME",
    "CLASSIFY_OUTPUT_CLASSES",
    "CLASSIFY_OUTPUT_SCORES",
    "DEFAULT_SERVING_SIGNATURE_DEF_KEY",
    "EVAL",
    "GPU",
    "PREDICT_INPUTS",
    "PREDICT_METHOD_NAME",
    "PREDICT_OUTPUTS",
    "REGRESS_INPUTS",
    "REGRESS_METHOD_NAME",
    "REGRESS_OUTPUTS",
    "SERVING",
    "TPU",
    "TRAINING",
    "SignatureDef",
    "TensorInfo",
    "build_signature_def",
    "build_tensor_info",
    "classification_signature_def",
    "get_tensor_from_tensor_info",
    "is_valid_signature",
    "predict_signature_def",
    "regression_signature_def",
]
