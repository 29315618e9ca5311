"""Models whose scales are given: the file computes with integers, to what the marked float graph says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.pyruntime.model import load
from samara.quantize.given import weight_scales

Array = np.ndarray[Any, Any]
GENERATOR = np.random.default_rng(21)


def placeholder(graph: Graph, *shape: Any, dtype: str = "float32") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name="x").outputs[0]


def marked(b: Any, x: Any, scale: float, zero_point: int = 0, dtype: str = "int8") -> Tensor:
    """A tensor quantized and dequantized, as frameworks mark it."""
    stored = b.quantize(x, scale=scale, zero_point=zero_point, dtype=dtype)
    made: Tensor = b.dequantize(stored, scale=scale, zero_point=zero_point)
    return made


def weights(*shape: int) -> Array:
    """Multiples of a scale for each output channel."""
    stored = GENERATOR.integers(-127, 128, shape)
    scales = GENERATOR.uniform(0.001, 0.02, shape[-1]).astype(np.float32)
    made: Array = stored.astype(np.float32) * scales
    return made


def exported(y: Tensor, path: Path) -> tuple[Counter[str], Any]:
    report = export_model(y, path, samples=[{"x": feed(y)}])
    assert report.quantized
    return report.programs[0].ops, load(path)


def feed(y: Tensor) -> Array:
    x = y.graph.get_tensor_by_name("x:0")
    if x.dtype.is_integer:
        limits = np.iinfo(x.dtype.numpy)
        return GENERATOR.integers(limits.min, limits.max + 1, x.shape).astype(x.dtype.numpy)
    return GENERATOR.uniform(-3, 3, x.shape).astype(np.float32)


def check(y: Tensor, path: Path, scale: float, ops: set[str]) -> Counter[str]:
    """Exports, and holds the file to the float graph within one step in a few places."""
    found, model = exported(y, path)
    assert set(found) == ops
    session = Session(graph=y.graph)
    x = y.graph.get_tensor_by_name("x:0")
    for _ in range(4):
        array = feed(y)
        expected = np.asarray(session.run(y, {x: array}), np.float64)
        steps = np.abs(np.asarray(model(array), np.float64) - expected) / scale
        assert steps.max() <= 1.001
        assert (steps > 0.5).mean() < 0.02
    return found


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", -11), ("uint8", 117)])
def test_a_network_computes_with_integers(tmp_path: Path, dtype: str, zero_point: int) -> None:
    graph = Graph()
    b = graph.b
    x = marked(b, placeholder(graph, 1, 9, 8, 3), 0.024, zero_point, dtype)
    bias = (GENERATOR.integers(-500, 500, 16) * 1e-3).astype(np.float32)
    y = b.relu(b.conv2d(x, weights(3, 3, 3, 16), bias, padding="same", name="stem"))
    y = marked(b, y, 0.05, -128 if dtype == "int8" else 0, dtype)
    z = marked(b, b.depthwise_conv2d(y, weights(3, 3, 16, 1), None, padding="same"), 0.11, zero_point, dtype)
    z = marked(b, b.add(z, y), 0.12, zero_point, dtype)
    z = marked(b, b.max_pool2d(z, pool_size=(2, 2), strides=(2, 2)), 0.12, zero_point, dtype)
    z = marked(
        b, b.concat([z, marked(b, b.negative(z), 0.1, zero_point, dtype)], axis=3), 0.13, zero_point, dtype
    )
    z = marked(b, b.reduce_mean(z, axes=(1, 2)), 0.03, zero_point, dtype)
    # Small weights: a step that rounds the other way before does not grow.
    z = marked(b, b.matmul(z, weights(32, 5) * np.float32(1 / 64), None), 0.02, zero_point, dtype)
    ops = {"concat", "lookup_table", "max_pool2d", "quantize", "dequantize", "requantize"}
    linear = {"quantized_conv2d", "quantized_depthwise_conv2d", "quantized_matmul"}
    found = check(z, tmp_path / "m.smr", 0.02, ops | linear | {"quantized_add", "quantized_mean"})
    assert found["quantize"] == found["dequantize"] == 1


def test_integer_inputs_and_outputs_stay_the_sources(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = b.dequantize(placeholder(graph, 2, 7, dtype="uint8"), scale=0.02, zero_point=100)
    y = b.quantize(b.matmul(x, weights(7, 4), None), scale=0.05, zero_point=90, dtype="uint8")
    found, model = exported(y, tmp_path / "m.smr")
    assert set(found) == {"requantize", "quantized_matmul"}
    array = feed(y)
    expected = Session(graph=graph).run(y, {"x:0": array})
    output = model(array)
    assert output.dtype == np.uint8
    assert np.abs(output.astype(int) - expected.astype(int)).max() <= 1


def test_what_is_not_marked_stays_in_float(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = marked(b, placeholder(graph, 3, 6), 0.03)
    y = b.matmul(x, weights(6, 5), None)
    z = b.erf(y)
    report = export_model(b.add(marked(b, z, 0.01), y), tmp_path / "m.smr")
    ops = report.programs[0].ops
    assert ops["matmul"] == ops["erf"] == 1
    assert ops["quantize"] == ops["dequantize"] == 2


def test_weights_that_are_no_multiples_stay_in_float(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = marked(b, placeholder(graph, 3, 6), 0.03)
    y = marked(b, b.matmul(x, GENERATOR.standard_normal((6, 5)).astype(np.float32), None), 0.05)
    report = export_model(y, tmp_path / "m.smr")
    assert report.programs[0].ops["matmul"] == 1


def test_scales_of_weights_are_found() -> None:
    for seed in range(30):
        generator = np.random.default_rng(seed)
        stored = generator.integers(-127, 128, (int(generator.integers(2, 300)), 6))
        stored[:, 3] = 0
        scales = (10.0 ** generator.uniform(-6, 3, 6)).astype(np.float32)
        made = stored.astype(np.float32) * scales
        found = weight_scales(made)
        assert found is not None
        counts = made / found
        np.testing.assert_allclose(counts, np.round(counts), atol=2e-4)
        np.testing.assert_allclose(np.round(counts) * found, made, rtol=3e-7)
        assert np.abs(np.round(counts)).max() <= 127
    assert weight_scales(GENERATOR.standard_normal((40, 2))) is None
