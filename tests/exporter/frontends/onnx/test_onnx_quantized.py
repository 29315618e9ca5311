"""Models as onnxruntime's quantizer writes them: they compute with integers, at the file's scales."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from samara.exporter.export import export_model
from tests.exporter.frontends.onnx.test_models import network
from tests.exporter.frontends.onnx.test_onnx_opsets import positive, random

pytest.importorskip("onnxruntime")
from onnxruntime import quantization

pytestmark = pytest.mark.filterwarnings("ignore")

SHAPE = (1, 3, 9, 7)
TYPES = {"int8": quantization.QuantType.QInt8, "uint8": quantization.QuantType.QUInt8}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


class Samples(quantization.CalibrationDataReader):  # type: ignore[misc]
    """What the quantizer sees."""

    def __init__(self) -> None:
        generator = np.random.default_rng(3)
        self._samples = iter([{"x": generator.standard_normal(SHAPE).astype(np.float32)} for _ in range(4)])

    def get_next(self) -> Any:
        return next(self._samples, None)


@pytest.mark.parametrize("format_", ["QDQ", "QOperator"])
@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
@pytest.mark.parametrize(("data", "weights"), [("int8", "int8"), ("uint8", "int8"), ("uint8", "uint8")])
def test_static(format_: str, per_channel: bool, data: str, weights: str, tmp_path: Path) -> None:
    onnx.save(network(1), tmp_path / "float.onnx")
    quantization.quantize_static(
        tmp_path / "float.onnx",
        tmp_path / "m.onnx",
        Samples(),
        quant_format=quantization.QuantFormat[format_],
        per_channel=per_channel,
        activation_type=TYPES[data],
        weight_type=TYPES[weights],
    )
    given = [np.random.default_rng(i).standard_normal(SHAPE).astype(np.float32) for i in range(5)]
    report = export_model(tmp_path / "m.onnx", tmp_path / "m.smr", samples=given)
    ops = report.programs[0].ops
    assert ops["quantized_mean"] == 1
    # onnxruntime adds up floats where these are integers: one step of the last scale at most.
    assert report.outputs[0].signal_to_noise > 40
    if weights == "int8":
        assert ops["quantized_conv2d"] == ops["quantized_matmul"] == ops["dequantize"] == 1
        assert ops["conv2d"] == ops["matmul"] == ops["reduce_mean"] == 0


def test_dynamic(tmp_path: Path) -> None:
    onnx.save(network(1), tmp_path / "float.onnx")
    quantization.quantize_dynamic(tmp_path / "float.onnx", tmp_path / "m.onnx")
    report = export_model(tmp_path / "m.onnx", tmp_path / "m.smr")
    assert report.outputs[0].error < 1e-6


BYTES = np.random.default_rng(4).integers(0, 256, (2, 4, 6)).astype(np.uint8)
SCALES: list[Any] = [np.float32(0.02), np.uint8(120)]
OUT: list[Any] = [np.float32(0.05), np.uint8(100)]

# (op, inputs, attributes)
CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("QLinearAdd", [BYTES, *SCALES, BYTES[::-1], np.float32(0.03), np.uint8(7), *OUT], {}),
    ("QLinearMul", [BYTES, *SCALES, BYTES[:, ::-1], np.float32(0.03), np.uint8(7), *OUT], {}),
    ("QLinearSigmoid", [BYTES, *SCALES, np.float32(1 / 256), np.uint8(0)], {}),
    ("QLinearLeakyRelu", [BYTES, *SCALES, *OUT], {"alpha": 0.2}),
    ("QLinearGlobalAveragePool", [BYTES[None], *SCALES, *OUT], {}),
    ("QLinearAveragePool", [BYTES[None], *SCALES, *OUT], {"kernel_shape": [2, 3], "strides": [1, 2]}),
    ("QLinearConcat", [*OUT, BYTES, *SCALES, BYTES, np.float32(0.03), np.uint8(7)], {"axis": 1}),
    ("QLinearSoftmax", [BYTES, *SCALES, np.float32(1 / 256), np.uint8(0)], {"axis": 2, "opset": 13}),
    ("QLinearWhere", [BYTES > 99, BYTES, *SCALES, BYTES[::-1], np.float32(0.03), np.uint8(7), *OUT], {}),
    (
        "QGemm",
        [BYTES[0], *SCALES, BYTES[1], *SCALES, np.array([900, -20, 5, 7], np.int32), *OUT],
        {"transB": 1, "alpha": 1.0},
    ),
    (
        "MatMulIntegerToFloat",
        [BYTES[0], BYTES[1].T, *(s[0] for s in (SCALES, OUT)), *(s[1] for s in (SCALES, OUT))],
        {},
    ),
    ("DynamicQuantizeMatMul", [random(3, 4), BYTES[0], np.float32(0.02), np.uint8(120), random(6)], {}),
    ("FusedMatMul", [random(2, 4, 3), random(2, 5, 4)], {"transA": 1, "transB": 1, "alpha": 0.5}),
    (
        "FusedConv",
        [random(1, 3, 5, 6), random(4, 3, 3, 3), random(4)],
        {"activation": "Relu", "pads": [1, 0, 1, 0]},
    ),
    (
        "FusedConv",
        [random(1, 3, 5, 6), random(4, 3, 3, 3)],
        {"activation": "LeakyRelu", "activation_params": [0.3]},
    ),
    ("FusedGemm", [random(2, 4), random(4, 3), random(3)], {"activation": "Tanh"}),
    ("Gelu", [random(3, 4)], {}),
    ("BiasGelu", [random(3, 4), random(4)], {}),
    ("FastGelu", [random(3, 4), random(4)], {}),
    ("QuickGelu", [random(3, 4)], {"alpha": 1.3}),
    ("SkipLayerNormalization", [random(2, 3, 4), random(2, 3, 4), positive(4), random(4), random(4)], {}),
    ("SkipSimplifiedLayerNormalization", [random(2, 3, 4), random(2, 3, 4), positive(4)], {"epsilon": 1e-3}),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_onnxruntimes_own_ops(case: tuple[str, list[Any], dict[str, Any]], tmp_path: Path) -> None:
    op, arrays, attributes = case
    given = {f"in{i}": np.asarray(a) for i, a in enumerate(arrays)}
    # Scales and zero points are weights, the rest are inputs.
    data = [n for n, a in given.items() if a.ndim > 0 and a.dtype != np.int32]
    node = helper.make_node(op, list(given), ["y"], name="node", domain="com.microsoft", **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(given[n].dtype), given[n].shape)
            for n in data
        ],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(a, n) for n, a in given.items() if n not in data],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    integers = op.startswith("Q") and op != "QuickGelu"
    if integers:
        graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    else:
        graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    report = export_model(model, tmp_path / "m.smr", inputs={n: given[n] for n in data})
    assert report.oracle.startswith("onnxruntime")
    # Where real numbers are rounded to integers, a tie may fall either way: one step of 255.
    assert report.outputs[0].error <= (1 / 128 if integers else 1e-5)
