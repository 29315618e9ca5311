"""Whole models: quantized, written, run by the C runtime, and held against the float model.

`export_model` itself refuses a file whose integers differ from those of the quantized graph in a session.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import QuantizationError
from samara.exporter.export import ExportReport, Signature, export_model
from samara.exporter.passes import PASSES
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor, get_default_graph
from samara.graph.variables import Variable, global_variables_initializer
from samara.graph.vocabulary.control_flow import cond, while_loop
from samara.pyruntime.model import load
from samara.quantize import Int8

Array = np.ndarray[Any, Any]
GENERATOR = np.random.default_rng(11)


def weights(*shape: int) -> Array:
    fan = float(np.prod(shape[:-1])) or 1.0
    return (GENERATOR.standard_normal(shape) * np.sqrt(2.0 / fan)).astype(np.float32)


def bias(size: int) -> Array:
    return GENERATOR.uniform(-0.2, 0.2, size).astype(np.float32)


def placeholder(graph: Graph, *shape: Any, name: str = "x", dtype: str = "float32") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name=name).outputs[0]


def images(count: int, *shape: int) -> list[dict[str, Array]]:
    generator = np.random.default_rng(5)
    return [{"x": generator.standard_normal((1, *shape)).astype(np.float32)} for _ in range(count)]


def small_cnn() -> tuple[Tensor, list[dict[str, Array]]]:
    """Every integer rule in one network."""
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 1, 12, 10, 3)
    stem = b.relu(b.conv2d(x, weights(3, 3, 3, 17), bias(17), padding="same", name="stem"), name="stem_relu")
    deep = b.depthwise_conv2d(stem, weights(3, 3, 17, 1), bias(17), padding="same", name="deep")
    deep = b.conv2d(b.relu6(deep, name="deep_relu"), weights(1, 1, 17, 17), None, name="wide")
    joined = b.relu(b.add(deep, stem, name="sum"), name="sum_relu")
    left = b.max_pool2d(joined, pool_size=(2, 2), strides=(2, 2), name="largest")
    right = b.average_pool2d(joined, pool_size=(2, 2), strides=(2, 2), name="average")
    both = b.concat([left, right], axis=3, name="both")
    gate = b.sigmoid(b.reduce_mean(both, axes=(1, 2), keepdims=True, name="squeeze"), name="gate")
    scaled = b.multiply(both, gate, name="excite")
    padded = b.pad(scaled, paddings=(0, 0, 1, 1, 0, 2, 0, 0), name="padded")
    third = b.conv2d(padded, weights(3, 3, 34, 8), bias(8), strides=(2, 2), name="third")
    third = b.hard_swish(b.subtract(third, b.relu(third), name="below"), name="swish")
    flat = b.reshape(b.transpose(third, permutation=(0, 3, 1, 2)), np.int32([1, -1]), name="flat")
    assert flat.shape is not None
    logits = b.matmul(flat, weights(int(flat.shape[1]), 10), bias(10), name="logits")
    return b.softmax(logits, name="probabilities"), images(12, 12, 10, 3)


def perceptron() -> tuple[Tensor, list[dict[str, Array]]]:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 1, 40)
    h = b.relu(b.matmul(x, weights(40, 33), bias(33)), name="first")
    h = b.tanh(b.matmul(h, weights(20, 33), bias(20), transpose_y=True), name="second")
    return b.matmul(h, weights(20, 5), name="last"), images(20, 40)


def noise(found: Array, expected: Array) -> float:
    """Signal to noise in decibels."""
    difference = np.square(found.astype(np.float64) - expected).sum()
    return float(10 * np.log10(np.square(expected.astype(np.float64)).sum() / max(difference, 1e-300)))


def reals(output: Tensor, samples: list[dict[str, Array]]) -> Array:
    session = Session(graph=output.graph)
    x = output.graph.get_tensor_by_name("x:0")
    return np.stack([session.run(output, {x: s["x"]}) for s in samples])


def op_names(report: ExportReport) -> set[str]:
    return {name for program in report.programs for name in program.ops}


@pytest.mark.parametrize(("make", "least"), [(small_cnn, 20.0), (perceptron, 30.0)])
@pytest.mark.parametrize("disable", [(), tuple(PASSES)], ids=["optimised", "as it is"])
def test_an_int8_file_computes_what_the_float_model_does(
    make: Callable[[], Any], least: float, disable: Any, tmp_path: Path
) -> None:
    output, samples = make()
    path = tmp_path / "m.smr"
    report = export_model(output, path, samples=samples, quantize="int8", disable=disable)
    model = load(path)
    found = np.stack([model(s["x"]) for s in samples])
    assert found.dtype == np.float32
    assert noise(found, reals(output, samples)) > least
    moving = {"max_pool2d", "concat", "pad", "reshape", "transpose", "strided_slice", "lookup_table"}
    computing = {n for n in op_names(report) if not n.startswith("quantized_")} - moving
    assert computing <= {"quantize", "dequantize", "requantize"}
    assert report.warnings == ()
    assert all(row.error == 0.0 for row in report.layers if row.exact)


def test_relu_is_joined_with_what_computes_it(tmp_path: Path) -> None:
    output, samples = small_cnn()
    report = export_model(output, tmp_path / "m.smr", samples=samples, quantize="int8", disable=tuple(PASSES))
    names = {row.name: row.op for row in report.layers}
    assert names["stem_relu:0"] == "quantized_conv2d"
    assert names["deep_relu:0"] == "quantized_depthwise_conv2d"
    assert names["sum_relu:0"] == "quantized_add"
    assert names["x:0"] == "quantize"
    assert not {"stem:0", "deep:0", "sum:0"} & names.keys()


def test_integer_inputs_and_outputs(tmp_path: Path) -> None:
    output, samples = perceptron()
    real, stored = tmp_path / "real.smr", tmp_path / "stored.smr"
    export_model(output, real, samples=samples, quantize="int8")
    report = export_model(output, stored, samples=samples, quantize=Int8(inputs="int8", outputs="int8"))
    assert not op_names(report) & {"quantize", "dequantize"}
    model = load(stored)
    (x,), (y,) = model.signatures["main"].inputs, model.signatures["main"].outputs
    assert (x.dtype, y.dtype) == (np.int8, np.int8)
    assert min(x.scale, y.scale) > 0
    for sample in samples:
        inverse = np.float32(1.0) / np.float32(x.scale)
        given = np.clip(np.round(sample["x"] * inverse) + x.zero_point, -128, 127).astype(np.int8)
        found = (model(given).astype(np.float32) - y.zero_point) * np.float32(y.scale)
        np.testing.assert_array_equal(found, load(real)(sample["x"]))


def test_operations_can_stay_in_float(tmp_path: Path) -> None:
    output, samples = small_cnn()
    options = Int8(keep_float=("wide", "softmax"))
    report = export_model(output, tmp_path / "m.smr", samples=samples, quantize=options)
    names = {row.name: row.op for row in report.layers}
    assert names["wide/float:0"] == "conv2d"
    assert names["wide:0"] == "quantize"
    assert names["probabilities:0"] == "softmax"
    assert "quantized_softmax" not in op_names(report)
    assert report.warnings == ()
    with pytest.raises(QuantizationError, match=r"keep_float names 'wid'.*wide"):
        export_model(output, tmp_path / "n.smr", samples=samples, quantize=Int8(keep_float=("wid",)))


def test_what_has_no_integers_is_told_and_stays_in_float(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 1, 16)
    h = b.matmul(x, weights(16, 24), name="first")
    h = b.layer_normalization(h, np.ones(24, np.float32), np.zeros(24, np.float32), name="norm")
    y = b.matmul(h, weights(24, 6), name="last")
    samples = images(8, 16)
    report = export_model(y, tmp_path / "m.smr", samples=samples, quantize="int8")
    assert "layer_normalization 'norm'" in report.warnings[0]
    assert {"layer_normalization", "quantized_matmul"} <= op_names(report)
    found = np.stack([load(tmp_path / "m.smr")(s["x"]) for s in samples])
    assert noise(found, reals(y, samples)) > 30


def looping(outside: bool) -> tuple[Tensor, list[dict[str, Array]]]:
    """A product, a loop around one, and a cond with a convolution in one branch and little in the other."""
    graph = Graph()
    with graph.as_default():
        x = placeholder(graph, 1, 4, 4, 8)
        h = graph.b.conv2d(x, weights(1, 1, 8, 8), bias(8), name="first") if outside else x

        def step(i: Tensor, h: Tensor) -> list[Tensor]:
            flat = h.graph.b.reshape(h, [16, 8])
            flat = h.graph.b.tanh(h.graph.b.matmul(flat, weights(8, 8), name="inner"))
            return [i + 1, h.graph.b.reshape(flat, [1, 4, 4, 8])]

        _, h = while_loop(lambda i, h: i < 3, step, [np.int32(0), h], name="loop", maximum_iterations=3)
        y = cond(
            graph.b.greater(graph.b.reduce_sum(x, axes=(), keepdims=False), 0.0),
            lambda: get_default_graph().b.conv2d(h, weights(3, 3, 8, 8), None, padding="same", name="branch"),
            lambda: get_default_graph().b.reshape(h, [1, 4, 4, 8]),
            name="choice",
        )
    return y, images(6, 4, 4, 8)


def test_bodies_stay_in_float_and_each_is_told(tmp_path: Path) -> None:
    y, samples = looping(outside=True)
    report = export_model(y, tmp_path / "m.smr", samples=samples, quantize="int8")
    assert {"quantized_conv2d", "while_loop", "cond", "matmul", "conv2d"} <= op_names(report)
    (loop,) = [w for w in report.warnings if "'loop'" in w]
    assert "float arithmetic in 2 ops of its step, 1 of them with constant weights (matmul 'inner')" in loop
    (choice,) = [w for w in report.warnings if "'choice'" in w]
    assert (
        "float arithmetic in 1 op of its then body, 1 of them with constant weights (conv2d 'branch')"
        in choice
    )
    assert all(w in str(report) for w in (loop, choice))
    found = np.stack([load(tmp_path / "m.smr")(s["x"]) for s in samples])
    assert noise(found, reals(y, samples)) > 30


def test_only_bodies_are_nothing_to_quantize(tmp_path: Path) -> None:
    y, samples = looping(outside=False)
    with pytest.raises(
        QuantizationError, match=r"(?s)nothing in the model.*\n- while_loop 'loop': float arithmetic in 2 ops"
    ):
        export_model(y, tmp_path / "m.smr", samples=samples, quantize="int8")


def test_a_body_that_is_to_stay_in_float_is_not_told(tmp_path: Path) -> None:
    y, samples = looping(outside=True)
    options = Int8(keep_float=("while_loop", "choice"))
    report = export_model(y, tmp_path / "m.smr", samples=samples, quantize=options)
    assert not any("float arithmetic" in w for w in report.warnings)


def test_weights_that_are_not_constant_stay_in_float(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x, w = placeholder(graph, 1, 8), placeholder(graph, 8, 4, name="w")
    y = b.matmul(b.matmul(x, weights(8, 8), name="fixed"), w, name="given")
    samples = [{**s, "w": weights(8, 4)} for s in images(4, 8)]
    report = export_model(y, tmp_path / "m.smr", samples=samples, quantize="int8")
    assert "matmul 'given': its weights are not constant" in report.warnings[0]


def test_nothing_to_quantize_is_an_error(tmp_path: Path) -> None:
    graph = Graph()
    x = placeholder(graph, 4)
    y = graph.b.log_softmax(x, name="y")
    with pytest.raises(QuantizationError, match="log_softmax 'y': it has no integer arithmetic"):
        export_model(y, tmp_path / "m.smr", quantize="int8", samples=[{"x": np.ones(4, np.float32)}])
    assert not (tmp_path / "m.smr").exists()


def test_a_sum_that_could_leave_32_bits_is_an_error(tmp_path: Path) -> None:
    graph = Graph()
    x = placeholder(graph, 1, 140_000)
    y = graph.b.matmul(x, np.ones((140_000, 1), np.float32), name="deep")
    with pytest.raises(QuantizationError, match=r"matmul 'deep'.*32 bits"):
        export_model(y, tmp_path / "m.smr", quantize="int8")


def test_the_same_call_gives_the_same_bytes(tmp_path: Path) -> None:
    output, samples = small_cnn()
    first, second, third = (tmp_path / n for n in "abc")
    export_model(output, first, samples=samples, quantize="int8", golden=0)
    export_model(output, second, samples=samples, quantize="int8", golden=0)
    export_model(output, third, samples=samples[::-1], quantize="int8", golden=0)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()


@pytest.mark.parametrize("level", [-3.0, 3.0])
def test_the_border_is_the_real_number_zero(level: float, tmp_path: Path) -> None:
    """With all inputs on one side of zero, a wrong border would stand out."""
    graph = Graph()
    x = placeholder(graph, 1, 5, 5, 2)
    y = graph.b.conv2d(x, weights(3, 3, 2, 4), bias(4), padding="same", name="y")
    samples = [{"x": s["x"] * np.float32(0.2) + np.float32(level)} for s in images(6, 5, 5, 2)]
    export_model(y, tmp_path / "m.smr", samples=samples, quantize="int8")
    found = np.stack([load(tmp_path / "m.smr")(s["x"]) for s in samples])
    expected = reals(y, samples)
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_dimensions_may_change(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, None, 8, 8, 2)
    h = b.relu(b.conv2d(x, weights(3, 3, 2, 6), bias(6), padding="same"))
    y = b.matmul(b.reduce_mean(h, axes=(1, 2)), weights(6, 3), name="y")
    samples = images(6, 8, 8, 2)
    shapes = {"x": [Dim("n", 1, 4), 8, 8, 2]}
    export_model(y, tmp_path / "m.smr", samples=samples, shapes=shapes, quantize="int8")
    model = load(tmp_path / "m.smr")
    one_by_one = np.concatenate([model(s["x"]) for s in samples[:3]])
    together = model(np.concatenate([s["x"] for s in samples[:3]]))
    np.testing.assert_array_equal(together, one_by_one)


def test_degenerate_tensors(tmp_path: Path) -> None:
    """Channels without weights, tensors that are always zero, constants of one value."""
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 1, 6)
    w = weights(6, 5)
    w[:, [1, 3]] = 0.0
    h = b.matmul(x, w, np.float32([0.0, 0.0, 0.5, 2.0, -1.0]), name="h")
    nothing = b.multiply(h, np.zeros(5, np.float32), name="nothing")
    y = b.add(b.add(h, nothing), np.full(5, 0.25, np.float32), name="y")
    samples = images(10, 6)
    export_model(y, tmp_path / "m.smr", samples=samples, quantize="int8", disable=tuple(PASSES))
    found = np.stack([load(tmp_path / "m.smr")(s["x"]) for s in samples])
    assert noise(found, reals(y, samples)) > 30


def test_arithmetic_with_a_number_is_a_table(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 1, 32)
    h = b.matmul(x, weights(32, 32), name="h")
    y = b.divide(b.power(b.maximum(h, b.like(0.0, h)), b.like(2.0, h)), b.like(3.0, h), name="y")
    samples = images(10, 32)
    report = export_model(y, tmp_path / "m.smr", samples=samples, quantize="int8", disable=tuple(PASSES))
    assert report.programs[0].ops["lookup_table"] == 3
    found = np.stack([load(tmp_path / "m.smr")(s["x"]) for s in samples])
    assert noise(found, reals(y, samples)) > 25


def test_argmax_reads_integers(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 1, 16)
    y = b.argmax(b.matmul(x, weights(16, 7), name="logits"), axis=1, name="y")
    report = export_model(y, tmp_path / "m.smr", samples=images(5, 16), quantize="int8")
    assert op_names(report) == {"quantize", "quantized_matmul", "argmax"}


def test_concatenated_tensors_share_a_scale(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 1, 16)
    parts = [b.matmul(x, weights(16, 4) * scale, name=f"part{i}") for i, scale in enumerate((1.0, 0.3, 2.0))]
    y = b.concat([*parts, b.identity(x)], axis=1, name="y")
    report = export_model(
        y, tmp_path / "m.smr", samples=images(5, 16), quantize="int8", disable=tuple(PASSES)
    )
    assert report.programs[0].ops["requantize"] == 1


def test_signatures_share_input_scales(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x, z = placeholder(graph, 1, 8), placeholder(graph, 1, 8, name="z")
    signatures = [
        Signature(b.matmul(x, weights(8, 3), name="y"), inputs={"in": x}, name="one"),
        Signature(b.matmul(z, weights(8, 3), name="w"), inputs={"in": z}, name="two"),
    ]
    samples = {
        "one": [{"in": np.full((1, 8), 2, np.float32)}],
        "two": [{"in": np.full((1, 8), -3, np.float32)}],
    }
    export_model(signatures, tmp_path / "m.smr", samples=samples, quantize=Int8(inputs="int8"))
    model = load(tmp_path / "m.smr")
    scales = {(s.inputs[0].scale, s.inputs[0].zero_point) for s in model.signatures.values()}
    assert len(scales) == 1


def test_state_is_read_and_written_in_order(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 1, 16)
    samples = images(12, 16)
    with graph.as_default(), Session(graph=graph) as session:
        memory = Variable(np.zeros((1, 8), np.float32), name="memory")
        session.run(global_variables_initializer())
        h = b.add(b.matmul(x, weights(16, 8), name="h"), memory.as_graph_tensor(), name="sum")
        new = b.tanh(h, name="new")
        with graph.control_dependencies([memory.assign(new)]):
            y = b.relu(b.matmul(new, weights(8, 4), name="wide"), name="y")
        export_model(y, tmp_path / "m.smr", samples=samples, quantize="int8")
        expected = np.stack([session.run(y, {x: s["x"]}) for s in samples])
    context = load(tmp_path / "m.smr").context()
    found = np.stack([np.array(context.run(s["x"])) for s in samples])
    assert noise(found, expected) > 20


def test_samples_must_be_finite(tmp_path: Path) -> None:
    output, samples = perceptron()
    samples[3]["x"][0, 5] = np.nan
    with pytest.raises(QuantizationError, match=r"x:0 has infinite values, or values that are no numbers"):
        export_model(output, tmp_path / "m.smr", samples=samples, quantize="int8")


def test_without_samples_the_report_warns(tmp_path: Path) -> None:
    output, _ = perceptron()
    report = export_model(output, tmp_path / "m.smr", quantize="int8")
    assert any("random values" in w for w in report.warnings)


def test_the_option_is_checked(tmp_path: Path) -> None:
    output, samples = perceptron()
    with pytest.raises(TypeError, match="expected 'int8'"):
        export_model(output, tmp_path / "m.smr", samples=samples, quantize="int4")


def test_a_lookup_takes_rows_of_an_integer_table(tmp_path: Path) -> None:
    """The table is a quarter of its size, whatever reads the rows."""
    graph = Graph()
    b = graph.b
    table = weights(50, 24)
    ids = placeholder(graph, 3, 5, name="ids", dtype="int64")
    rows = b.gather(table, ids, axis=0, name="rows")
    nearness = b.reduce_sum(b.reduce_prod(rows, axes=(1,)), axes=(1,), name="nearness")
    generator = np.random.default_rng(3)
    samples = [{"ids": generator.integers(0, 50, (3, 5))} for _ in range(4)]
    reports = {
        kind: export_model(
            {"rows": rows, "nearness": nearness}, tmp_path / f"{kind}.smr", samples=samples, quantize=quantize
        )
        for kind, quantize in (("float", None), ("int8", "int8"))
    }
    assert reports["int8"].constant_bytes < 0.3 * reports["float"].constant_bytes
    found = load(tmp_path / "int8.smr").run(**samples[0])["rows"]
    step = float(table.max() - table.min()) / 255
    np.testing.assert_allclose(found, table[samples[0]["ids"]], atol=step)
    with pytest.raises(QuantizationError, match="nothing in the model"):
        export_model(
            {"nearness": nearness}, tmp_path / "m.smr", samples=samples, quantize=Int8(keep_float=("rows",))
        )


def test_a_division_by_constants_is_a_product(tmp_path: Path) -> None:
    """As of features that are brought to one scale before they are multiplied by weights."""
    graph = Graph()
    b = graph.b
    x = placeholder(graph, 4, 6)
    scaled = b.divide(b.subtract(x, bias(6)), np.abs(weights(6)) + 1, name="scaled")
    y = b.matmul(scaled, weights(6, 5), bias(5), name="y")
    generator = np.random.default_rng(4)
    samples = [{"x": generator.standard_normal((4, 6)).astype(np.float32)} for _ in range(8)]
    report = export_model({"y": y}, tmp_path / "m.smr", samples=samples, quantize="int8")
    assert not report.warnings
    assert min(row.signal_to_noise or 99 for row in report.layers) > 30
