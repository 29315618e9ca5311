"""Kernels for instruction sets at sizes around every edge of their tiles: floats against float64, integers bit for bit.

Every instruction set that this processor has is tried; the other architectures' are tried under an emulator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.pyruntime.abilities import instruction_sets, kernels
from samara.pyruntime.model import Model, load
from samara.quantize import Int8

Array = np.ndarray[Any, Any]

OFFERED = [name for name, offered in instruction_sets().items() if offered and name != "generic"]

# input [batch, height, width, channels], taps, outputs, strides, dilations, padding, activation, bias
CONVOLUTIONS: list[tuple[Any, ...]] = [
    *[
        ([1, 3, width, 5], (3, 3), outputs, 1, 1, "SAME", "relu" if width % 2 == 0 else None, True)
        for width, outputs in zip(
            (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 19, 20, 21, 23, 24, 25),
            (1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 80, 96, 97, 112, 130, 20),
            strict=True,
        )
    ],
    *[
        ([2, 2, width, 7], (1, 1), outputs, 1, 1, "SAME", "relu6", True)
        for width, outputs in ((1, 48), (2, 100), (3, 129), (5, 16), (6, 33), (7, 64))
    ],
    ([1, 1, 1, 37], (1, 1), 200, 1, 1, "SAME", None, False),
    ([1, 1, 1, 64], (1, 1), 17, 1, 1, "SAME", "relu", True),
    ([2, 9, 14, 3], (3, 3), 16, 2, 1, "SAME", None, True),
    ([1, 9, 13, 3], (7, 7), 24, 2, 1, "SAME", "relu6", True),
    ([1, 8, 11, 4], (5, 3), 40, (2, 1), 1, "VALID", None, False),
    ([1, 11, 12, 6], (3, 3), 18, 1, 2, "SAME", "relu", True),
    ([1, 9, 9, 6], (3, 2), 18, 1, (1, 3), "VALID", None, True),
    ([1, 5, 6, 70], (3, 3), 36, 1, 1, "SAME", None, True),
    ([1, 4, 9, 600], (3, 3), 20, 1, 1, "SAME", "relu", True),
    ([1, 2, 2, 2100], (3, 3), 40, 1, 1, "SAME", None, True),
    ([1, 3, 3, 5], (9, 9), 17, 1, 1, "SAME", None, True),
    ([1, 2, 30, 8], (1, 40), 16, 1, 1, "SAME", None, True),
    ([1, 12, 12, 16], (3, 3), 900, 4, 1, "SAME", None, True),
    ([1, 3, 5, 2500], (1, 1), 1100, 1, 1, "SAME", None, True),
]

# input, taps, strides, dilations, padding, activation, bias
DEPTHWISE: list[tuple[Any, ...]] = [
    *[
        ([1, 4, width, channels], (3, 3), 1, 1, "SAME", "relu", True)
        for width, channels in zip(
            (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 17),
            (4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 40),
            strict=True,
        )
    ],
    ([2, 9, 11, 20], (3, 3), 2, 1, "SAME", "relu6", True),
    *[([1, 12, width, 16], (3, 3), 2, 1, "SAME", "relu", True) for width in (8, 10, 12, 14, 16)],
    ([1, 19, 12, 18], (3, 3), 2, 1, "VALID", None, False),
    ([1, 9, 13, 16], (5, 5), 1, 1, "SAME", None, True),
    ([1, 37, 14, 33], (5, 5), 2, 1, "SAME", "relu", True),
    ([1, 8, 9, 19], (3, 3), 1, 2, "SAME", None, True),
    ([1, 8, 9, 19], (2, 7), 1, 1, "SAME", None, True),
    ([1, 7, 10, 16], (4, 4), 3, 1, "VALID", "relu", True),
    ([1, 2, 2, 48], (7, 7), 1, 1, "SAME", None, True),
    ([1, 40, 3, 21], (3, 3), 1, 1, "SAME", "relu6", True),
    ([1, 33, 5, 17], (5, 5), 2, 1, "SAME", None, True),
    ([1, 30, 1, 16], (3, 3), 1, 1, "SAME", None, False),
    ([1, 17, 29, 150], (3, 3), 1, 1, "VALID", "relu", True),
    ([1, 15, 15, 300], (3, 3), 2, 1, "SAME", None, True),
    ([1, 10, 12, 35], (9, 9), 1, 1, "SAME", "relu", True),
    ([1, 3, 130, 70], (3, 3), 1, 1, "SAME", None, True),
]


@pytest.fixture(autouse=True)
def _own_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _activated(x: Array, activation: str | None) -> Array:
    return x if activation is None else np.clip(x, 0, 6 if activation == "relu6" else None)


def _padded(x: Array, taps: Any, strides: Any, dilations: Any, padding: str) -> tuple[Array, list[int]]:
    sizes, pads = [], [(0, 0)]
    for size, tap, stride, dilation in zip(x.shape[1:3], taps, strides, dilations, strict=True):
        reach = (tap - 1) * dilation + 1
        positions = -(-size // stride) if padding == "SAME" else (size - reach) // stride + 1
        total = max((positions - 1) * stride + reach - size, 0) if padding == "SAME" else 0
        sizes.append(positions)
        pads.append((total // 2, total - total // 2))
    return np.pad(x, [*pads, (0, 0)]), sizes


def _convolved(x: Array, w: Array, strides: Any, dilations: Any, padding: str, *, depthwise: bool) -> Array:
    """By its definition: the sum over taps of shifted images times the filter, in float64."""
    strides, dilations = _pair(strides), _pair(dilations)
    padded, (rows, columns) = _padded(x.astype(np.float64), w.shape[:2], strides, dilations, padding)
    total: Any = 0.0
    for ky in range(w.shape[0]):
        for kx in range(w.shape[1]):
            y, z = ky * dilations[0], kx * dilations[1]
            seen = padded[
                :,
                y : y + (rows - 1) * strides[0] + 1 : strides[0],
                z : z + (columns - 1) * strides[1] + 1 : strides[1],
            ]
            total = total + (seen * w[ky, kx, :, 0] if depthwise else seen @ w[ky, kx].astype(np.float64))
    return np.asarray(total)


def _graph(
    case: tuple[Any, ...], rng: np.random.Generator, *, depthwise: bool
) -> tuple[Any, Any, Array, Callable[[Array], Array]]:
    """Input and output of a graph, a random input, and what the graph computes."""
    if depthwise:
        shape, taps, strides, dilations, padding, activation, biased = case
        w = rng.standard_normal((*taps, shape[3], 1)).astype(np.float32)
        outputs = shape[3]
    else:
        shape, taps, outputs, strides, dilations, padding, activation, biased = case
        w = rng.standard_normal((*taps, shape[3], outputs)).astype(np.float32)
    w /= np.float32(np.sqrt(taps[0] * taps[1] * (1 if depthwise else shape[3])))
    bias = rng.standard_normal(outputs).astype(np.float32) if biased else np.zeros(outputs, np.float32)
    x = tf.placeholder(tf.float32, shape, name="x")
    if depthwise:
        y = tf.nn.depthwise_conv2d(x, w, [1, *_pair(strides), 1], padding, rate=_pair(dilations))
    else:
        y = tf.nn.conv2d(x, w, [1, *_pair(strides), 1], padding, dilations=[1, *_pair(dilations), 1])
    y = tf.nn.bias_add(y, bias) if biased else y
    y = y if activation is None else getattr(tf.nn, activation)(y)

    def computed(array: Array) -> Array:
        return _activated(
            _convolved(array, w, strides, dilations, padding, depthwise=depthwise) + bias, activation
        )

    return x, y, rng.standard_normal(shape).astype(np.float32), computed


def _runs(model: Model, array: Array) -> dict[str, tuple[Array, str]]:
    """By instruction set: the output, and the instruction set of the convolution's kernel."""
    found = {}
    for isa in [*OFFERED, "generic"]:
        context = model.context(isa)
        names = [
            k
            for o, k in zip(model.ops(), context.kernels(), strict=True)
            if "conv2d" in o.op or "matmul" in o.op
        ]
        found[isa] = (context.run(array), names[0])
    return found


def _has(op: str, isa: str) -> bool:
    return (op, isa) in kernels()


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution(case: tuple[Any, ...], tmp_path: Path) -> None:
    x, y, array, computed = _graph(case, np.random.default_rng(len(str(case))), depthwise=False)
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    wanted = computed(array)
    for isa, (found, kernel) in _runs(load(tmp_path / "m.smr"), array).items():
        assert kernel == isa or not _has("conv2d", isa), isa
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-5 * np.abs(wanted).max(), err_msg=isa)


@pytest.mark.parametrize(
    ("height", "width", "channels", "outputs", "padding", "activation"),
    [
        (8, 8, 16, 16, "SAME", "relu"),
        (9, 13, 17, 31, "SAME", None),
        (12, 27, 20, 33, "VALID", "relu6"),
        (16, 8, 33, 48, "SAME", "relu"),
        (7, 40, 31, 70, "SAME", None),
        (14, 10, 64, 18, "VALID", "relu"),
    ],
)
def test_winograd_convolution(
    height: int,
    width: int,
    channels: int,
    outputs: int,
    padding: str,
    activation: str | None,
    tmp_path: Path,
) -> None:
    case = ([2, height, width, channels], (3, 3), outputs, 1, 1, padding, activation, True)
    x, y, array, computed = _graph(case, np.random.default_rng(width), depthwise=False)
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    model = load(tmp_path / "m.smr")
    assert [o.op for o in model.ops()] == ["winograd_conv2d"]
    wanted = computed(array)
    for isa, (found, kernel) in _runs(model, array).items():
        assert kernel == isa or not _has("winograd_conv2d", isa), isa
        np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-6 * np.abs(wanted).max(), err_msg=isa)


@pytest.mark.parametrize("case", DEPTHWISE, ids=str)
def test_depthwise_convolution(case: tuple[Any, ...], tmp_path: Path) -> None:
    x, y, array, computed = _graph(case, np.random.default_rng(len(str(case))), depthwise=True)
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    wanted = computed(array)
    for isa, (found, _) in _runs(load(tmp_path / "m.smr"), array).items():
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-5 * np.abs(wanted).max(), err_msg=isa)


def test_depthwise_kernels_are_used(tmp_path: Path) -> None:
    x, y, array, _ = _graph(DEPTHWISE[-1], np.random.default_rng(0), depthwise=True)
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    for isa, (_, kernel) in _runs(load(tmp_path / "m.smr"), array).items():
        assert kernel == isa or not _has("depthwise_conv2d", isa)


@pytest.mark.parametrize("depthwise", [False, True])
def test_what_is_no_number_stays(depthwise: bool, tmp_path: Path) -> None:
    case = DEPTHWISE[-1] if depthwise else CONVOLUTIONS[8]
    x, y, array, computed = _graph(case, np.random.default_rng(1), depthwise=depthwise)
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    array[0, 1, 2, 3] = np.nan
    wanted = np.isnan(computed(array))
    assert wanted.any()
    for isa, (found, _) in _runs(load(tmp_path / "m.smr"), array).items():
        np.testing.assert_array_equal(np.isnan(found), wanted, err_msg=isa)


def _quantized(x: Any, y: Any, shape: list[int], path: Path, rng: np.random.Generator) -> Model:
    samples = [{"x": rng.standard_normal(shape).astype(np.float32)} for _ in range(2)]
    options = Int8(inputs="int8", outputs="int8")
    tf.export_model(y, path, inputs=x, samples=samples, quantize=options)
    return load(path)


@pytest.mark.parametrize(
    ("case", "depthwise"), [*((c, False) for c in CONVOLUTIONS), *((c, True) for c in DEPTHWISE)], ids=str
)
def test_quantized_convolution(case: tuple[Any, ...], depthwise: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(str(case)))
    x, y, array, _ = _graph(case, rng, depthwise=depthwise)
    model = _quantized(x, y, case[0], tmp_path / "m.smr", rng)
    runs = _runs(model, rng.integers(-128, 128, array.shape, dtype=np.int8))
    op = next(o.op for o in model.ops() if "conv2d" in o.op or "matmul" in o.op)
    wanted = runs["generic"][0]
    assert wanted.size < 20 or len(np.unique(wanted)) > 5
    for isa, (found, kernel) in runs.items():
        taken = kernel == isa or (isa == "amx" and kernel == "avx512vnni")  # what is too small for tiles
        assert depthwise or taken or not _has(op, isa), isa
        np.testing.assert_array_equal(found, wanted, err_msg=isa)


@pytest.mark.parametrize("rows", [1, 2, 7, 25])
@pytest.mark.parametrize(("inner", "outputs"), [(1, 1), (5, 16), (64, 17), (130, 48), (33, 300)])
def test_matrix_product(rows: int, inner: int, outputs: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(rows * inner + outputs)
    w = rng.standard_normal((inner, outputs)).astype(np.float32)
    bias = rng.standard_normal(outputs).astype(np.float32)
    x = tf.placeholder(tf.float32, [rows, inner], name="x")
    y = tf.nn.relu(tf.matmul(x, tf.constant(w)) + bias)
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    array = rng.standard_normal((rows, inner)).astype(np.float32)
    wanted = np.maximum(array.astype(np.float64) @ w + bias, 0)
    for isa, (found, kernel) in _runs(load(tmp_path / "m.smr"), array).items():
        assert kernel == isa or not _has("matmul", isa), isa
        np.testing.assert_allclose(
            found, wanted, rtol=1e-5, atol=2e-5 * max(np.abs(wanted).max(), 1), err_msg=isa
        )
    model = _quantized(x, y, [rows, inner], tmp_path / "q.smr", rng)
    runs = _runs(model, rng.integers(-128, 128, array.shape, dtype=np.int8))
    for isa, (found, _) in runs.items():
        np.testing.assert_array_equal(found, runs["generic"][0], err_msg=isa)


@pytest.mark.parametrize(
    ("shape", "taps", "groups", "outputs", "stride"),
    [
        ([1, 7, 9, 32], 3, 8, 4, 1),
        ([2, 6, 5, 48], 1, 3, 32, 1),
        ([1, 9, 14, 36], 3, 4, 48, 2),
        ([1, 4, 4, 1200], 3, 2, 16, 1),
        ([1, 3, 3, 16], 3, 16, 2, 1),
    ],
)
def test_convolution_in_groups(
    shape: list[int], taps: int, groups: int, outputs: int, stride: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(groups)
    channels = shape[3] // groups
    w = rng.standard_normal((taps, taps, channels, groups * outputs)).astype(np.float32) / np.float32(
        channels
    )
    bias = rng.standard_normal(groups * outputs).astype(np.float32)
    x = tf.placeholder(tf.float32, shape, name="x")
    b = x.graph.b
    y = b.conv2d(x, w, bias, groups=groups, strides=(stride, stride), padding="same", activation="relu")
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    array = rng.standard_normal(shape).astype(np.float32)
    parts = [
        _convolved(
            array[..., g * channels : (g + 1) * channels],
            w[..., g * outputs : (g + 1) * outputs],
            stride,
            1,
            "SAME",
            depthwise=False,
        )
        for g in range(groups)
    ]
    wanted = np.maximum(np.concatenate(parts, axis=3) + bias, 0)
    for isa, (found, kernel) in _runs(load(tmp_path / "m.smr"), array).items():
        assert kernel == isa or not _has("conv2d", isa), isa
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-5 * np.abs(wanted).max(), err_msg=isa)
    model = _quantized(x, y, shape, tmp_path / "q.smr", rng)
    runs = _runs(model, rng.integers(-128, 128, array.shape, dtype=np.int8))
    for isa, (found, kernel) in runs.items():
        assert kernel == isa or not _has("quantized_conv2d", isa), isa
        np.testing.assert_array_equal(found, runs["generic"][0], err_msg=isa)


@pytest.mark.parametrize(("taps", "stride"), [(2, 2), (3, 2), (4, 2), (5, 3)])
def test_transposed_convolution(taps: int, stride: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(taps)
    shape, outputs = [1, 7, 9, 20], 12
    w = rng.standard_normal((taps, taps, outputs, shape[3])).astype(np.float32)
    bias = rng.standard_normal(outputs).astype(np.float32)
    sizes = [1, 7 * stride, 9 * stride, outputs]
    x = tf.placeholder(tf.float32, shape, name="x")
    y = tf.nn.relu(tf.nn.conv2d_transpose(x, w, sizes, [1, stride, stride, 1], "SAME") + bias)
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    array = rng.standard_normal(shape).astype(np.float32)
    whole = np.zeros((1, 7 * stride + taps, 9 * stride + taps, outputs))
    for i, j in np.ndindex(7, 9):
        rows, columns = slice(i * stride, i * stride + taps), slice(j * stride, j * stride + taps)
        whole[:, rows, columns] += np.einsum("nc,abdc->nabd", array[:, i, j].astype(np.float64), w)
    before = max(taps - stride, 0) // 2
    wanted = np.maximum(whole[:, before : before + sizes[1], before : before + sizes[2]] + bias, 0)
    for isa, (found, kernel) in _runs(load(tmp_path / "m.smr"), array).items():
        assert kernel == isa or not _has("conv2d", isa), isa
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-5 * np.abs(wanted).max(), err_msg=isa)
    model = _quantized(x, y, shape, tmp_path / "q.smr", rng)
    assert not {o.op for o in model.ops()} & {"conv2d", "conv2d_backprop_input", "quantize", "dequantize"}
    runs = _runs(model, rng.integers(-128, 128, array.shape, dtype=np.int8))
    for isa, (found, kernel) in runs.items():
        assert kernel == isa or not _has("quantized_conv2d", isa), isa
        np.testing.assert_array_equal(found, runs["generic"][0], err_msg=isa)


def test_a_limit_that_is_none(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    tf.export_model(tf.nn.relu(x), tmp_path / "m.smr", inputs=x)
    with pytest.raises(tf.ArgumentStatusError, match='instruction set "mmx"'):
        load(tmp_path / "m.smr").context("mmx")


def test_the_environment_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, array, _ = _graph(CONVOLUTIONS[5], np.random.default_rng(0), depthwise=False)
    tf.export_model(y, tmp_path / "m.smr", inputs=x)
    monkeypatch.setenv("SAMARA_ISA", "generic")
    context = load(tmp_path / "m.smr").context()
    context.run(array)
    assert set(context.kernels()) == {"generic"}
