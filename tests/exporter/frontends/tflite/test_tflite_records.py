"""Quantization records as files from the wild have them: read where they say something, refused by name where not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara

pytest.importorskip("tflite")

from tests.exporter.frontends.tflite._integer_models import one
from tests.exporter.frontends.tflite._writer import T, constant

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(17)

X = T(shape=(1, 4, 4, 2), dtype="int8", scale=0.1, zero_point=3)
Y = T(shape=(1, 4, 4, 3), dtype="int8", scale=2.0, zero_point=1)
SCALES = [0.1, 0.2, 0.3]
WEIGHTS = constant(RANDOM.integers(-127, 128, (3, 1, 1, 2)), "int8", scale=SCALES)
BIAS = constant([1, 2, 3], "int32", scale=[0.01, 0.02, 0.03])
GIVEN = RANDOM.integers(-128, 128, (1, 4, 4, 2)).astype("int8")


def record(scales: Any, zero_points: Any = None, axis: int = 0) -> dict[str, Any]:
    """A quantization record, without zero points when None."""
    found: dict[str, Any] = {"Scale": np.asarray(scales, "float32"), "QuantizedDimension": axis}
    if zero_points is not None:
        found["ZeroPoint"] = np.asarray(zero_points, "int64")
    return found


def convolution(folder: Path, *, x: T = X, weights: T = WEIGHTS, bias: T = BIAS, y: T = Y) -> Path:
    """A file with one convolution."""
    path = folder / "m.tflite"
    values = {"StrideH": 1, "StrideW": 1}
    path.write_bytes(one(RANDOM, "CONV_2D", [x, weights, bias], y, "Conv2DOptions", **values)[0])
    return path


def run(path: Path) -> Array:
    """What a file computes."""
    imported = samara.import_model(path)
    (output,) = imported.run({n: GIVEN for n in imported.inputs}).values()
    return output


@pytest.mark.parametrize(
    ("odd", "plain"),
    [
        ({"weights": replace(WEIGHTS, record=record(SCALES))}, {}),
        ({"weights": replace(WEIGHTS, record=record(SCALES, [0]))}, {}),
        ({"x": replace(X, record=record([0.1]))}, {"x": replace(X, zero_point=0)}),
        ({"x": replace(X, record=record([0.1], [3], 9))}, {}),
        (
            {"weights": replace(WEIGHTS, record=record([0.2], [0], -1))},
            {"weights": replace(WEIGHTS, scale=0.2)},
        ),
        ({"bias": replace(BIAS, scale=None)}, {}),
        ({"bias": replace(BIAS, record=record([0.0]))}, {}),
    ],
)
def test_what_a_record_leaves_out_is_understood(odd: Any, plain: Any, tmp_path: Path) -> None:
    expected = run(convolution(tmp_path, **plain))
    np.testing.assert_array_equal(run(convolution(tmp_path, **odd)), expected, strict=True)
    assert len(np.unique(expected)) > 20


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ({"weights": replace(WEIGHTS, record=record(SCALES, [0, 0]))}, "'t1' has 3 scales and 2 zero points"),
        (
            {"weights": replace(WEIGHTS, record=record(SCALES, [0] * 3, 7))},
            "'t1' .* has 3 scales along axis 7",
        ),
        (
            {"weights": replace(WEIGHTS, record=record(SCALES, [0] * 3, 3))},
            "'t1' .* has 3 scales along axis 3",
        ),
        ({"weights": replace(WEIGHTS, record=record(SCALES, [0] * 3, -1))}, "'t1' .* 3 scales along axis -1"),
        (
            {"weights": replace(WEIGHTS, record=record([*SCALES, 1], [0] * 4))},
            "'t1' .* has 4 scales along axis 0",
        ),
        ({"weights": replace(WEIGHTS, record=record(SCALES, [1, 2, 3]))}, "weights with several zero points"),
        ({"weights": replace(WEIGHTS, record=record([], []))}, "3 outputs with 0 scales of the weights"),
        ({"weights": replace(WEIGHTS, record=record([-0.1], [0]))}, "'t1' has a scale that is negative"),
        (
            {"weights": replace(WEIGHTS, record=record([np.nan], [0]))},
            "'t1' has a scale that is .* no number",
        ),
        (
            {"weights": replace(WEIGHTS, record=record([np.inf], [0]))},
            "'t1' has a scale that is .* no number",
        ),
        ({"x": replace(X, record=record([0.1], [300]))}, "'t0' has the zero point 300, outside -128..127"),
        ({"x": replace(X, record=record([0.1, 0.2], [3, 3], 3))}, "'t0' has 2 scales"),
        ({"x": replace(X, record=record([0.0], [0]))}, "input 't0' is int8 without a scale"),
        (
            {"x": replace(X, record={"Min": np.float32([-1]), "Max": np.float32([1])})},
            "'t0' is int8 without a scale",
        ),
        ({"y": replace(Y, scale=None)}, "'t3' has 0 scales"),
        ({"y": replace(Y, record=record([1e-30], [0]))}, "t3"),
        ({"y": replace(Y, dtype="int16", zero_point=0)}, "t3"),
        (
            {"bias": replace(BIAS, shape=(2,), data=np.int32([1, 2]), scale=0.01)},
            "3 outputs with a bias of 2",
        ),
    ],
)
def test_what_a_record_contradicts_is_refused_by_name(odd: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(samara.ExportError, match=message):
        samara.import_model(convolution(tmp_path, **odd))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_a_sum_that_the_installed_kernels_misread(dtype: str, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    info = np.iinfo(dtype)
    x = RANDOM.integers(info.min, info.max, (5, 8), endpoint=True).astype(dtype)
    zero_points = (7, -9) if dtype == "int8" else (0, 0)
    given = T(shape=x.shape, dtype=dtype, scale=0.5, zero_point=zero_points[0])
    result = T(shape=(5,), dtype=dtype, scale=4.0, zero_point=zero_points[1])
    path = tmp_path / "m.tflite"
    content, _ = one(RANDOM, "SUM", [given, constant([1], "int32")], result, "ReducerOptions")
    path.write_bytes(content)
    report = samara.export_model(path, tmp_path / "m.smr")
    exact = (x.astype(np.int64) - zero_points[0]).sum(axis=1) / 8 + zero_points[1]
    found = samara.load(tmp_path / "m.smr")(x)
    assert found.dtype == x.dtype
    assert np.all(np.abs(found - np.clip(exact, info.min, info.max)) <= 0.5)
    assert report.oracle == ""
    assert any("SUM" in w for w in report.warnings)


def test_every_kind_of_node_is_read_or_refused_by_its_name(tmp_path: Path) -> None:
    import tflite

    kinds = [
        k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int) and not k.startswith("_")
    ]
    assert len(kinds) > 200
    path, read, unnamed = tmp_path / "m.tflite", set(), {}
    x = T(shape=(2, 3, 3, 4), dtype="int8", scale=0.1, zero_point=0)
    for kind in kinds:
        for count in range(4):
            path.write_bytes(one(RANDOM, kind, [x] * count, x)[0])
            try:
                samara.import_model(path)
                read.add(kind)
            except samara.ExportError as error:
                if not all(kind in p for p in error.problems):
                    unnamed[kind] = error.problems
    assert set(unnamed) <= {"VAR_HANDLE"}, unnamed
    assert {"ADD", "CONCATENATION", "LOGISTIC", "MINIMUM", "RELU"} < read


def test_a_subgraph_that_runs_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    x = T(shape=(2, 3), dtype="int8", scale=0.1, zero_point=0)
    # Both subgraphs of the loop are the one that it stands in.
    path.write_bytes(one(RANDOM, "WHILE", [x, x], x, "WhileOptions")[0])
    with pytest.raises(samara.ExportError, match="subgraph 'main' runs itself"):
        samara.import_model(path)


def test_the_basic_kernel_of_an_lstm_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    x = T(shape=(1, 3), dtype="uint8", scale=1 / 128, zero_point=128)
    path.write_bytes(one(RANDOM, "LSTM", [x] * 5, x, "LSTMOptions", KernelType=1)[0])
    with pytest.raises(samara.ExportError, match="LSTM 't5': the basic kernel of 5 inputs"):
        samara.import_model(path)


@pytest.mark.parametrize(
    ("op", "dtype", "message"),
    [
        ("DIV", "int8", "a quotient of integers"),
        ("PRELU", "int16", "which the reference kernel reads as bytes"),
        ("NEG", "uint8", "the element type uint8"),
        ("L2_NORMALIZATION", "int16", "the element type int16"),
        ("SOFTMAX", "int8", "scale 0.1 and the zero point 0, expected 0.00390625 and -128"),
        ("TANH", "int16", "scale 0.1 and the zero point 0, expected 3.05176e-05 and 0"),
        ("HARD_SWISH", "int16", "HARD_SWISH 't1': the element type int16"),
    ],
)
def test_types_and_scales_that_the_reference_kernels_lack_are_refused(
    op: str, dtype: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    x = T(shape=(2, 3), dtype=dtype, scale=0.1, zero_point=0)
    path.write_bytes(one(RANDOM, op, [x] * (2 if op in ("DIV", "PRELU") else 1), x)[0])
    with pytest.raises(samara.ExportError, match=message):
        samara.import_model(path)
