"""Weights of 8 bits with data in floating point, against the reference kernels of LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara
from samara.errors import ExportError
from tests.exporter.frontends.tflite._reference import agree, export, interpreter, run
from tests.exporter.frontends.tflite._writer import Node, T, constant, write

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(31)


def f(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def weights(*shape: int, axis: int | None = None) -> T:
    """int8 weights, with one scale or one for each index along an axis."""
    value = f(*shape)
    rest = None if axis is None else tuple(a for a in range(len(shape)) if a != axis)
    scale = np.abs(value).max(axis=rest, keepdims=True) / 127
    data = np.round(value / scale)
    return constant(data, "int8", scale=scale.reshape(-1), axis=axis or 0)


def model(op: str, x: Array, *rest: T, **values: Any) -> bytes:
    options = values.pop("options")
    tensors = [T(shape=x.shape), *rest, T()]
    inputs = list(range(len(tensors) - 1))
    node = Node(op=op, inputs=inputs, outputs=[len(tensors) - 1], options=options, values=values)
    return write(tensors, [node], [0], [len(tensors) - 1])


def data(*shape: int) -> list[list[Array]]:
    """Random, above 0, and with nothing but zeros in one image or row."""
    x = 3 * f(*shape)
    blank = x.copy()
    blank[0] = 0
    return [[x], [np.abs(x)], [blank]]


def ties(*shape: int) -> Array:
    """Data whose nearest integers are ties, half of them."""
    x = np.clip(np.round(f(*shape) * 40), -126, 126) / 8
    x.reshape(shape[0], -1)[:, 0] = 127 / 4
    return x.astype(np.float32)


BIAS = constant(f(4), "float32")


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_a_matrix_product(asymmetric: bool, relu: bool, tmp_path: Path) -> None:
    x = f(3, 20)
    made = model(
        "FULLY_CONNECTED",
        x,
        weights(4, 20),
        BIAS,
        options="FullyConnectedOptions",
        AsymmetricQuantizeInputs=asymmetric,
        FusedActivationFunction=int(relu),
    )
    agree(made, tmp_path, [*data(3, 20), *([] if asymmetric else [[ties(3, 20)]])])


def test_ties_of_data_with_a_zero_point_are_off_by_one_at_most(tmp_path: Path) -> None:
    """The reference computes scale and zero point in float64; what is a tie in float32 may be none there."""
    matrix = weights(4, 20)
    made = model(
        "FULLY_CONNECTED",
        f(3, 20),
        matrix,
        BIAS,
        options="FullyConnectedOptions",
        AsymmetricQuantizeInputs=True,
    )
    x = ties(3, 20)
    _, path = export(made, tmp_path)
    expected = run(interpreter(made), [x])[0]
    step = (x.max(axis=1, keepdims=True) - np.minimum(x.min(axis=1, keepdims=True), 0)) / 255
    limit = step * matrix.scale.item() * np.abs(matrix.data.astype(np.float64)).sum(axis=1)
    assert np.all(np.abs(samara.load(path)(x) - expected) <= limit)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution(padding: int, stride: int, tmp_path: Path) -> None:
    made = model(
        "CONV_2D",
        f(2, 7, 6, 3),
        weights(4, 3, 3, 3, axis=0),
        BIAS,
        options="Conv2DOptions",
        Padding=padding,
        StrideW=stride,
        StrideH=stride,
    )
    agree(made, tmp_path, data(2, 7, 6, 3))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_convolution_with_one_scale(channels: int, tmp_path: Path) -> None:
    made = model(
        "CONV_2D",
        f(2, 7, 6, channels),
        weights(4, 3, 3, channels),
        BIAS,
        options="Conv2DOptions",
        StrideW=1,
        StrideH=1,
    )
    agree(made, tmp_path, [*data(2, 7, 6, channels), [ties(2, 7, 6, channels)]])


def test_a_convolution_to_one_channel(tmp_path: Path) -> None:
    rest = (weights(1, 3, 3, 2, axis=0), constant(f(1), "float32"))
    made = model("CONV_2D", f(2, 7, 6, 2), *rest, options="Conv2DOptions", StrideW=1, StrideH=1)
    agree(made, tmp_path, data(2, 7, 6, 2))


def test_a_convolution_of_one_channel(tmp_path: Path) -> None:
    rest = (weights(1, 3, 3, 1, axis=3), constant(f(1), "float32"))
    options = {"StrideW": 1, "StrideH": 1, "DepthMultiplier": 1}
    made = model("DEPTHWISE_CONV_2D", f(2, 7, 6, 1), *rest, options="DepthwiseConv2DOptions", **options)
    agree(made, tmp_path, data(2, 7, 6, 1))


@pytest.mark.parametrize("padding", [0, 1])
def test_a_convolution_by_channel(padding: int, tmp_path: Path) -> None:
    made = model(
        "DEPTHWISE_CONV_2D",
        f(2, 7, 6, 2),
        weights(1, 3, 3, 4, axis=3),
        BIAS,
        options="DepthwiseConv2DOptions",
        Padding=padding,
        StrideW=1,
        StrideH=1,
        DepthMultiplier=2,
    )
    agree(made, tmp_path, data(2, 7, 6, 2))


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("adjoint", [False, True])
def test_a_product_of_matrices(asymmetric: bool, adjoint: bool, tmp_path: Path) -> None:
    made = model(
        "BATCH_MATMUL",
        f(2, 3, 10),
        weights(2, 5, 10) if adjoint else weights(2, 10, 5),
        options="BatchMatMulOptions",
        AsymmetricQuantizeInputs=asymmetric,
        AdjY=adjoint,
    )
    agree(made, tmp_path, data(2, 3, 10))


@pytest.mark.parametrize("axis", [None, 0])
def test_an_embedding(axis: int | None, tmp_path: Path) -> None:
    table = weights(6, 4, axis=axis)
    tensors = [T(shape=(3,), dtype="int32"), table, T()]
    made = write(tensors, [Node(op="EMBEDDING_LOOKUP", inputs=[0, 1], outputs=[2])], [0], [2])
    agree(made, tmp_path, [[np.array([5, 0, 5], np.int32)]])


def test_the_weights_stay_bytes(tmp_path: Path) -> None:
    made = model("FULLY_CONNECTED", f(1, 256), weights(64, 256), options="FullyConnectedOptions")
    report, _ = export(made, tmp_path)
    assert report.constant_bytes < 64 * 256 + 1024


def test_weights_with_a_zero_point_are_refused(tmp_path: Path) -> None:
    matrix = constant(RANDOM.integers(-99, 99, (4, 20)), "int8", scale=0.1, zero_point=3)
    with pytest.raises(ExportError, match="integer weights with a zero point"):
        export(model("FULLY_CONNECTED", f(3, 20), matrix, BIAS, options="FullyConnectedOptions"), tmp_path)
