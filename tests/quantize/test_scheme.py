"""Scales, zero points, and the integers of weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samara.errors import QuantizationError
from samara.graph import dtypes
from samara.graph.execution.session import Session
from samara.graph.graph import Graph
from samara.quantize import Int8, Quantization
from samara.quantize.scheme import linear, of_range

FINITE = st.floats(-1e12, 1e12, allow_subnormal=True)
UNIT = Quantization(scale=np.float32(1.0), zero_point=np.int32(0))


@given(FINITE, FINITE)
def test_zero_is_exact_and_the_range_is_covered(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    found = of_range(low, high)
    assert -128 <= found.zero_point <= 127
    assert found.scale > 0
    zero = found.quantize(np.float32(0.0))
    assert found.dequantize(zero) == 0.0
    values = np.linspace(low, high, 9).astype(np.float32)
    back = found.dequantize(found.quantize(values))
    assert np.abs(back - values).max() <= 0.502 * found.scale + 1e-6 * max(abs(low), abs(high))


@pytest.mark.parametrize(
    ("low", "high", "zero_point"), [(0.0, 5.0, -128), (2.0, 5.0, -128), (-3.0, 0.0, 127), (-3.0, -1.0, 127)]
)
def test_ranges_on_one_side_of_zero(low: float, high: float, zero_point: int) -> None:
    assert of_range(low, high).zero_point == zero_point


def test_a_range_without_extent() -> None:
    found = of_range(0.0, 0.0)
    assert (found.scale, found.zero_point) == (1.0, 0)


@given(FINITE, FINITE, st.lists(st.floats(width=32), max_size=20))
def test_arrays_are_quantized_as_the_ops_do(low: float, high: float, values: list[float]) -> None:
    found = of_range(low, high)
    array = np.asarray(values, np.float32)
    graph = Graph()
    x = graph.apply("constant", [], {"value": array, "dtype": dtypes.float32}).outputs[0]
    attributes = {"scale": found.scale, "zero_point": found.zero_point}
    stored = graph.apply("quantize", [x], attributes).outputs[0]
    real = graph.apply("dequantize", [stored], attributes).outputs[0]
    integers, back = Session(graph=graph).run([stored, real])
    np.testing.assert_array_equal(found.quantize(array), integers)
    np.testing.assert_array_equal(found.dequantize(integers), back)


def test_a_scale_for_each_index_of_an_axis() -> None:
    found = Quantization(scale=np.float32([0.5, 2.0]), zero_point=np.int32([0, 1]), axis=1)
    real = found.dequantize(np.int8([[4, 4], [-2, 1]]))
    np.testing.assert_array_equal(real, np.float32([[2.0, 6.0], [-1.0, 0.0]]))
    np.testing.assert_array_equal(found.quantize(real), [[4, 4], [-2, 1]])


def test_weights_are_symmetric_with_one_scale_for_each_channel() -> None:
    weights = np.array([[1.0, 100.0, 0.0], [-2.0, -100.0, 0.0], [0.5, 25.0, 0.0]])
    found = linear(weights, None, x=UNIT, y=UNIT, what="w")
    np.testing.assert_array_equal(found.filter, [[64, 127, 0], [-127, -127, 0], [32, 32, 0]])
    np.testing.assert_allclose(found.scale, [2 / 127, 100 / 127, 1.0], rtol=1e-6)
    np.testing.assert_allclose(found.multiplier, found.scale)
    np.testing.assert_array_equal(found.bias, [0, 0, 0])


def test_the_zero_point_of_the_input_is_folded_into_the_bias() -> None:
    x = Quantization(scale=np.float32(0.5), zero_point=np.int32(-100))
    found = linear(np.array([[1.27], [1.27]]), np.array([3.0]), x=x, y=UNIT, what="w")
    assert found.bias[0] == round(3.0 / (0.5 * 0.01)) + 100 * 254


def test_a_bias_that_dwarfs_the_weights_is_kept() -> None:
    x = Quantization(scale=np.float32(1e-3), zero_point=np.int32(0))
    y = Quantization(scale=np.float32(10.0), zero_point=np.int32(0))
    found = linear(np.array([[1e-9, 0.0]]), np.array([1000.0, -500.0]), x=x, y=y, what="w")
    real = found.bias * found.multiplier.astype(np.float64) * 10.0
    np.testing.assert_allclose(real, [1000.0, -500.0], rtol=1e-6)


def test_a_sum_that_could_leave_32_bits_is_refused() -> None:
    weights = np.stack([np.eye(140_000, 1)[:, 0], np.ones(140_000)], axis=1)
    with pytest.raises(QuantizationError, match=r"conv 'c'.*output channel 1.*32 bits"):
        linear(weights, None, x=UNIT, y=UNIT, what="conv 'c'")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_must_be_finite(value: float) -> None:
    with pytest.raises(QuantizationError, match="infinite or no numbers"):
        linear(np.array([[value]]), None, x=UNIT, y=UNIT, what="w")
    with pytest.raises(QuantizationError, match="infinite or no numbers"):
        linear(np.array([[1.0]]), np.array([value]), x=UNIT, y=UNIT, what="w")


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="inputs"):
        Int8(inputs="int16")
    with pytest.raises(TypeError, match=r"\('fc',\)"):
        Int8(keep_float="fc")  # type: ignore[arg-type]
    options = Int8(keep_float=("head/*", "softmax"))
    assert options.keeps("head/fc", "matmul")
    assert options.keeps("p", "softmax")
    assert not options.keeps("body/fc", "matmul")
