"""What ops meant in the operator sets of their time: single nodes against onnxruntime, from opset 7 on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from samara.exporter.export import export_model

pytest.importorskip("onnxruntime")

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(12)


def random(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def positive(*shape: int) -> Array:
    return RANDOM.uniform(0.1, 2.0, shape).astype(np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


X = random(2, 4, 6)
IMAGE = random(1, 4, 7, 8)
BYTES = RANDOM.integers(0, 256, (2, 3, 4)).astype(np.uint8)
INDICES = RANDOM.integers(0, 4, (2, 3)).astype(np.int64)

# (op, opset, inputs, names of inputs that are weights, attributes, number of outputs)
CASES: list[tuple[str, int, list[Any], int, dict[str, Any], int]] = [
    ("Add", 7, [X, random(4, 1)], 0, {}, 1),
    ("PRelu", 7, [X, positive(4, 1)], 1, {}, 1),
    ("PRelu", 9, [IMAGE, positive(4, 1, 1)], 1, {}, 1),
    ("Dropout", 7, [X], 0, {"ratio": 0.3}, 1),
    ("Dropout", 10, [X], 0, {"ratio": 0.3}, 1),
    ("Dropout", 13, [X, np.float32(0.4)], 1, {}, 1),
    (
        "BatchNormalization",
        7,
        [IMAGE, positive(4), random(4), random(4), positive(4)],
        4,
        {"epsilon": 1e-3},
        1,
    ),
    (
        "BatchNormalization",
        9,
        [IMAGE, positive(4), random(4), random(4), positive(4)],
        4,
        {"momentum": 0.8},
        1,
    ),
    ("BatchNormalization", 15, [IMAGE, positive(4), random(4), random(4), positive(4)], 4, {}, 1),
    ("Upsample", 7, [IMAGE], 0, {"mode": "nearest", "scales": [1.0, 1.0, 2.0, 3.0]}, 1),
    ("Upsample", 7, [IMAGE], 0, {"mode": "linear", "scales": [1.0, 1.0, 2.0, 2.0]}, 1),
    ("Upsample", 9, [IMAGE, np.array([1, 1, 2, 2], np.float32)], 1, {"mode": "linear"}, 1),
    ("Resize", 10, [IMAGE, np.array([1, 1, 1.5, 2], np.float32)], 1, {"mode": "nearest"}, 1),
    ("Resize", 10, [IMAGE, np.array([1, 1, 2, 2], np.float32)], 1, {"mode": "linear"}, 1),
    (
        "Resize",
        11,
        [IMAGE, np.zeros(0, np.float32), np.array([1, 1, 2, 0.5], np.float32)],
        2,
        {"mode": "cubic", "coordinate_transformation_mode": "align_corners"},
        1,
    ),
    ("Resize", 13, [IMAGE, None, None, ints(1, 4, 10, 5)], 3, {"mode": "linear"}, 1),
    ("Slice", 7, [X], 0, {"axes": [1, 2], "starts": [1, -4], "ends": [3, 1000]}, 1),
    ("Slice", 7, [X], 0, {"starts": [0, 1], "ends": [-1, 3]}, 1),
    ("Slice", 10, [X, ints(-1, 1), ints(-100, 5), ints(2, 1), ints(-2, 2)], 4, {}, 1),
    ("Pad", 7, [X], 0, {"pads": [0, 1, 2, 1, 0, 3], "value": 1.5}, 1),
    ("Pad", 7, [IMAGE], 0, {"pads": [0, 0, 2, 1, 0, 0, 3, 2], "mode": "reflect"}, 1),
    ("Pad", 11, [X, ints(0, 1, 0, 1, 0, 2), np.float32(-3.0)], 2, {}, 1),
    ("Pad", 18, [X, ints(1, 2), np.float32(2.0), ints(-1)], 3, {}, 1),
    ("Clip", 7, [X], 0, {"min": -0.5, "max": 0.25}, 1),
    ("Clip", 7, [X], 0, {"max": 0.25}, 1),
    ("Clip", 11, [X, np.float32(-0.5)], 1, {}, 1),
    ("Clip", 13, [X, None, np.float32(0.5)], 2, {}, 1),
    ("Softmax", 7, [X], 0, {}, 1),
    ("Softmax", 11, [IMAGE], 0, {"axis": 2}, 1),
    ("Softmax", 13, [IMAGE], 0, {"axis": 1}, 1),
    ("LogSoftmax", 11, [X], 0, {"axis": 1}, 1),
    ("Hardmax", 11, [X], 0, {"axis": 1}, 1),
    ("Hardmax", 13, [X], 0, {"axis": 1}, 1),
    ("LogSoftmax", 7, [IMAGE], 0, {"axis": 0}, 1),
    ("Squeeze", 7, [random(2, 1, 3, 1)], 0, {"axes": [1]}, 1),
    ("Squeeze", 11, [random(2, 1, 3, 1)], 0, {"axes": [-1, 1]}, 1),
    ("Unsqueeze", 7, [X], 0, {"axes": [0, 3]}, 1),
    ("Unsqueeze", 13, [X, ints(-1)], 1, {}, 1),
    ("Flatten", 7, [IMAGE], 0, {"axis": 2}, 1),
    ("Flatten", 11, [IMAGE], 0, {"axis": -1}, 1),
    *[
        (
            f"Reduce{kind}",
            opset,
            [positive(2, 4, 6)],
            0,
            {"axes": [1, -1] if opset > 10 else [1, 2], "keepdims": keep},
            1,
        )
        for kind, opset, keep in [
            ("Sum", 7, 1),
            ("Mean", 11, 0),
            ("Max", 7, 0),
            ("Min", 12, 1),
            ("Prod", 7, 0),
            ("L1", 7, 0),
            ("L2", 11, 1),
            ("LogSum", 7, 1),
            ("LogSumExp", 7, 0),
            ("SumSquare", 7, 0),
        ]
    ],
    ("ReduceSum", 13, [X, ints(0, 2)], 1, {"keepdims": 0}, 1),
    ("ReduceMean", 18, [X, ints(1)], 1, {}, 1),
    ("ReduceSum", 13, [X], 0, {"noop_with_empty_axes": 1}, 1),
    ("TopK", 7, [X], 0, {"k": 3}, 2),
    ("TopK", 10, [X, ints(2)], 1, {"axis": 1}, 2),
    ("TopK", 11, [X, ints(2)], 1, {"largest": 0}, 2),
    ("ArgMax", 7, [X], 0, {"axis": 1, "keepdims": 0}, 1),
    (
        "ArgMin",
        12,
        [
            np.round(X),
        ],
        0,
        {"axis": -1, "select_last_index": 1},
        1,
    ),
    ("Split", 7, [X], 0, {"axis": 2, "split": [1, 5]}, 2),
    ("Split", 7, [X], 0, {"axis": 1}, 2),
    ("Split", 13, [X, ints(1, 3)], 1, {"axis": 1}, 2),
    ("Split", 18, [random(7)], 0, {"num_outputs": 3}, 3),
    ("Cast", 7, [X * 10], 0, {"to": 6}, 1),
    ("Cast", 9, [INDICES], 0, {"to": 1}, 1),
    ("Gemm", 7, [random(3, 4), random(5, 4), random(5)], 2, {"transB": 1, "alpha": 0.5, "beta": 2.0}, 1),
    ("Gemm", 9, [random(4, 3), random(4, 5), random(3, 1)], 2, {"transA": 1}, 1),
    ("Gemm", 11, [random(3, 4), random(4, 5)], 1, {}, 1),
    ("MatMul", 9, [random(2, 1, 3, 4), random(5, 4, 2)], 0, {}, 1),
    ("Scatter", 9, [random(4, 3), INDICES, random(2, 3)], 0, {"axis": 0}, 1),
    ("ScatterElements", 11, [random(4, 3), INDICES - 4, random(2, 3)], 0, {}, 1),
    ("Gather", 7, [random(4, 5), INDICES], 0, {}, 1),
    ("Gather", 11, [random(4, 5), INDICES - 4], 0, {"axis": 0}, 1),
    ("OneHot", 9, [INDICES, ints(4), np.array([-1.0, 2.0], np.float32)], 2, {}, 1),
    ("OneHot", 11, [INDICES - 4, np.float32(4), np.array([0.0, 1.0], np.float32)], 2, {"axis": 1}, 1),
    ("ConstantOfShape", 9, [ints(2, 3)], 1, {"value": numpy_helper.from_array(np.array([7], np.int32))}, 1),
    ("Expand", 8, [random(3, 1), ints(2, 1, 4)], 1, {}, 1),
    ("Where", 9, [X > 0, X, random(6)], 0, {}, 1),
    ("Tile", 7, [X, ints(2, 1, 3)], 1, {}, 1),
    ("EyeLike", 9, [random(3, 5)], 0, {"k": 1}, 1),
    ("MaxPool", 8, [IMAGE], 0, {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}, 1),
    (
        "MaxPool",
        10,
        [IMAGE],
        0,
        {"kernel_shape": [2, 3], "dilations": [2, 1], "ceil_mode": 1, "strides": [2, 2]},
        1,
    ),
    ("AveragePool", 7, [IMAGE], 0, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, 1),
    ("AveragePool", 10, [IMAGE], 0, {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, 1),
    ("AveragePool", 7, [IMAGE], 0, {"kernel_shape": [4, 3], "strides": [3, 2], "auto_pad": "SAME_LOWER"}, 1),
    ("MaxPool", 8, [IMAGE], 0, {"kernel_shape": [4, 3], "strides": [3, 2], "auto_pad": "SAME_UPPER"}, 1),
    ("Conv", 7, [IMAGE, random(6, 2, 3, 3)], 1, {"group": 2, "auto_pad": "SAME_LOWER", "strides": [2, 3]}, 1),
    ("Conv", 11, [X, random(5, 4, 3), random(5)], 2, {"pads": [2, 1], "dilations": [2]}, 1),
    ("ConvTranspose", 7, [IMAGE, random(4, 3, 3, 2)], 1, {"strides": [2, 3], "output_padding": [1, 1]}, 1),
    (
        "ConvTranspose",
        11,
        [IMAGE, random(4, 2, 3, 3)],
        1,
        {"group": 2, "strides": [2, 2], "output_shape": [14, 17]},
        1,
    ),
    ("ConvTranspose", 11, [IMAGE, random(4, 2, 3, 3)], 1, {"strides": [3, 2], "output_shape": [23, 18]}, 1),
    ("ConvTranspose", 11, [IMAGE, random(4, 2, 4, 3)], 1, {"strides": [2, 3], "auto_pad": "SAME_UPPER"}, 1),
    ("ConvTranspose", 11, [IMAGE, random(4, 2, 4, 5)], 1, {"strides": [1, 2], "auto_pad": "SAME_LOWER"}, 1),
    ("InstanceNormalization", 7, [IMAGE, positive(4), random(4)], 2, {"epsilon": 1e-2}, 1),
    ("LRN", 7, [IMAGE], 0, {"size": 3, "alpha": 0.01, "bias": 2.0}, 1),
    ("LpNormalization", 7, [X], 0, {"p": 1, "axis": 1}, 1),
    ("GlobalLpPool", 7, [IMAGE], 0, {"p": 3}, 1),
    ("DepthToSpace", 7, [IMAGE], 0, {"blocksize": 2}, 1),
    ("DepthToSpace", 11, [IMAGE], 0, {"blocksize": 2, "mode": "CRD"}, 1),
    ("SpaceToDepth", 7, [random(1, 3, 4, 6)], 0, {"blocksize": 2}, 1),
    ("Elu", 7, [X], 0, {"alpha": 0.7}, 1),
    ("Selu", 7, [X], 0, {}, 1),
    ("HardSigmoid", 7, [X], 0, {"alpha": 0.3, "beta": 0.4}, 1),
    ("ThresholdedRelu", 10, [X], 0, {"alpha": 0.6}, 1),
    ("Shrink", 9, [X], 0, {"lambd": 0.5, "bias": 0.2}, 1),
    ("Mod", 10, [ints(7, -7, 5, -5), ints(3, 3, -3, -3)], 0, {}, 1),
    ("Mod", 13, [X, positive(6)], 0, {"fmod": 1}, 1),
    ("CumSum", 11, [X, np.int32(1)], 1, {"reverse": 1, "exclusive": 1}, 1),
    ("Trilu", 14, [random(4, 6), np.int64(-1)], 1, {"upper": 0}, 1),
    ("GatherND", 11, [random(4, 3, 2), RANDOM.integers(0, 3, (5, 2))], 0, {}, 1),
    ("GatherElements", 11, [random(4, 3), INDICES], 0, {}, 1),
    ("ScatterND", 11, [random(4, 3), ints(1, 3)[:, None], random(2, 3)], 0, {}, 1),
    ("QuantizeLinear", 10, [X, np.float32(0.03), np.uint8(120)], 2, {}, 1),
    ("QuantizeLinear", 13, [X, positive(4) / 50, np.zeros(4, np.int8)], 2, {"axis": 1}, 1),
    ("DequantizeLinear", 10, [BYTES, np.float32(0.03), np.uint8(120)], 2, {}, 1),
    (
        "DequantizeLinear",
        13,
        [BYTES, positive(3), RANDOM.integers(0, 9, 3).astype(np.uint8)],
        2,
        {"axis": 1},
        1,
    ),
    ("DynamicQuantizeLinear", 11, [X], 0, {}, 3),
    (
        "MatMulInteger",
        10,
        [BYTES, RANDOM.integers(0, 256, (4, 5)).astype(np.uint8), np.uint8(9), np.uint8(130)],
        3,
        {},
        1,
    ),
    ("Sum", 8, [X, random(6), random(4, 1)], 0, {}, 1),
    ("Max", 8, [X, random(6)], 0, {}, 1),
    ("Mean", 8, [X, random(2, 1, 6), random(1)], 0, {}, 1),
    ("Transpose", 7, [X], 0, {}, 1),
    ("Concat", 7, [X, random(2, 1, 6)], 0, {"axis": 1}, 1),
    ("Concat", 11, [X, random(2, 4, 1)], 0, {"axis": -1}, 1),
    ("Reshape", 7, [X, ints(0, -1, 3)], 1, {}, 1),
    ("Reshape", 14, [np.zeros((0, 3), np.float32), ints(0, 5)], 1, {"allowzero": 1}, 1),
    ("Shape", 7, [X], 0, {}, 1),
    ("Shape", 15, [X], 0, {"start": -2}, 1),
    ("Size", 7, [X], 0, {}, 1),
    ("Not", 7, [X > 0], 0, {}, 1),
    ("Equal", 7, [INDICES, INDICES.T.reshape(2, 3)], 0, {}, 1),
    ("Greater", 9, [X, random(6)], 0, {}, 1),
    ("Pow", 7, [positive(2, 3), random(3)], 0, {}, 1),
    ("Pow", 12, [positive(2, 3), ints(2)], 1, {}, 1),
    ("IsNaN", 9, [np.array([1, np.nan, np.inf], np.float32)], 0, {}, 1),
    ("IsInf", 10, [np.array([1, np.nan, np.inf, -np.inf], np.float32)], 0, {"detect_negative": 0}, 1),
    ("ReverseSequence", 10, [random(4, 3, 2), ints(1, 4, 2)], 1, {"batch_axis": 1, "time_axis": 0}, 1),
    ("Round", 11, [np.array([0.5, 1.5, 2.5, -0.5, -1.2], np.float32)], 0, {}, 1),
    ("BitShift", 11, [BYTES, np.uint8(2)], 1, {"direction": "RIGHT"}, 1),
    ("Celu", 12, [X], 0, {"alpha": 0.8}, 1),
    ("HardSwish", 14, [X], 0, {}, 1),
    ("LayerNormalization", 17, [X, positive(4, 6), random(4, 6)], 2, {"axis": 1}, 1),
    ("GroupNormalization", 21, [IMAGE, positive(4), random(4)], 2, {"num_groups": 2}, 1),
    ("Gelu", 20, [X], 0, {"approximate": "tanh"}, 1),
    ("Mish", 18, [X], 0, {}, 1),
    ("Einsum", 12, [random(2, 3, 4), random(2, 4, 5)], 0, {"equation": "bij,bjk->bik"}, 1),
]


def _model(case: tuple[str, int, list[Any], int, dict[str, Any], int]) -> tuple[Any, dict[str, Array]]:
    op, opset, arrays, weights, attributes, outputs = case
    names = ["" if a is None else f"in{i}" for i, a in enumerate(arrays)]
    first = len(arrays) - weights
    given = {n: np.asarray(a) for n, a in zip(names, arrays, strict=True) if a is not None}
    node = helper.make_node(op, names, [f"out{i}" for i in range(outputs)], name="node", **attributes)
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(given[n].dtype), given[n].shape)
        for n in names[:first]
    ]
    constants = [numpy_helper.from_array(given[n], n) for n in names[first:] if n]
    results = [helper.make_empty_tensor_value_info(f"out{i}") for i in range(outputs)]
    graph = helper.make_graph([node], "one", inputs, results, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model), {n: given[n] for n in names[:first]}


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}-{c[1]}-{i}" for i, c in enumerate(CASES)])
def test_node(case: tuple[str, int, list[Any], int, dict[str, Any], int], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, inputs = _model(case)
        report = export_model(model, tmp_path / "m.smr", inputs=inputs)
    assert report.oracle
    assert len(report.outputs) == case[5]
    assert all(o.error <= 1e-5 for o in report.outputs)
