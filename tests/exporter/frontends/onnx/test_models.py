"""Real models, and models of other frameworks written as ONNX."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import samara
from samara.graph.dims import Dim
from tests.conftest import ROOT

Array = np.ndarray[Any, Any]
MATERIAL = ROOT.parent / "shared" / "material"
RANDOM = np.random.default_rng(8)

needs_material = pytest.mark.skipif(not MATERIAL.exists(), reason=f"{MATERIAL} is not there")


def model(
    nodes: list[Any], inputs: dict[str, Any], outputs: list[str], weights: dict[str, Array], **options: Any
) -> Any:
    """A model of float32 inputs and outputs."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(a, n) for n, a in weights.items()],
    )
    opset = options.pop("opset", 20)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9, **options)


def network(batch: Any = "batch") -> Any:
    weights = {
        "w": RANDOM.standard_normal((8, 3, 3, 3)).astype(np.float32),
        "bias": RANDOM.standard_normal(8).astype(np.float32),
        "matrix": RANDOM.standard_normal((8, 5)).astype(np.float32),
        "shape": np.array([0, -1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w", "bias"], ["c"], pads=[1, 1, 1, 1], name="conv"),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Reshape", ["p", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["y"], name="head"),
    ]
    return model(nodes, {"x": [batch, 3, 9, 7]}, ["y"], weights)


@needs_material
@pytest.mark.parametrize("name", ["mnist8_onnx", "ultraface_slim320_onnx", "dtln1_onnx"])
def test_material(name: str, tmp_path: Path) -> None:
    folder = MATERIAL / "models" / name
    meta = json.loads((folder / "meta.json").read_text())
    report = samara.export_model(folder / "model.onnx", tmp_path / "m.smr")
    assert "onnx" in report.oracle
    loaded = samara.load(tmp_path / "m.smr")
    for case in range(meta["cases"]):
        inputs = [np.load(folder / f"in_{case}_{i}.npy") for i in range(len(meta["inputs"]))]
        found = loaded(*inputs)
        outputs = list(found.values()) if isinstance(found, dict) else [found]
        for index, output in enumerate(outputs):
            expected = np.load(folder / f"out_{case}_{index}.npy")
            assert np.abs(output - expected).max() <= meta["tolerance"][index]["max_abs"]


@needs_material
def test_digits_are_told_apart_as_well_as_by_the_source(tmp_path: Path) -> None:
    raw, labels = (
        gzip.decompress((MATERIAL / "mnist" / f"t10k-{name}-ubyte.gz").read_bytes())
        for name in ("images-idx3", "labels-idx1")
    )
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 1, 28, 28)[:1000].astype(np.float32)
    expected = np.frombuffer(labels, np.uint8, offset=8)[:1000]
    samara.export_model(MATERIAL / "models" / "mnist8_onnx" / "model.onnx", tmp_path / "m.smr")
    loaded = samara.load(tmp_path / "m.smr")
    right = np.mean([np.argmax(loaded(i)) == t for i, t in zip(images, expected, strict=True)])
    assert right >= 0.987 - 0.003


def test_a_model_is_imported_run_exported_and_proven(tmp_path: Path) -> None:
    source = network(2)
    imported = samara.import_model(source)
    x = RANDOM.standard_normal((2, 3, 9, 7)).astype(np.float32)
    assert imported.oracle is not None
    expected = imported.oracle.start()("main", {"x": x})["y"]
    np.testing.assert_allclose(imported.run({"x": x})["y"], expected, rtol=1e-5, atol=1e-5)
    report = samara.export_model(imported, tmp_path / "m.smr")
    assert report.programs[0].ops["transpose"] == 1
    np.testing.assert_allclose(samara.load(tmp_path / "m.smr")(x), expected, rtol=1e-5, atol=1e-5)


def test_named_dimensions_move(tmp_path: Path) -> None:
    source = network()
    with pytest.raises(samara.ExportError, match="dimension 'batch'"):
        samara.export_model(source, tmp_path / "m.smr")
    assert not (tmp_path / "m.smr").exists()
    samara.export_model(source, tmp_path / "m.smr", shapes={"x": [Dim("batch", 1, 4), 3, 9, 7]})
    loaded = samara.load(tmp_path / "m.smr")
    oracle = samara.import_model(source).oracle
    assert oracle is not None
    run = oracle.start()
    for batch in (1, 3, 4):
        x = RANDOM.standard_normal((batch, 3, 9, 7)).astype(np.float32)
        np.testing.assert_allclose(loaded(x), run("main", {"x": x})["y"], rtol=1e-5, atol=1e-5)


def test_an_imported_model_can_be_trained() -> None:
    imported = samara.import_model(network(2), trainable=True)
    with imported.graph.as_default():
        (y,) = imported.outputs.values()
        loss = samara.reduce_mean(samara.square(y))
        step = samara.train.GradientDescentOptimizer(0.01).minimize(loss)
    feed = {imported.inputs["x"]: RANDOM.standard_normal((2, 3, 9, 7)).astype(np.float32)}
    before = imported.session.run(loss, feed)
    for _ in range(3):
        imported.session.run(step, feed)
    assert imported.session.run(loss, feed) < before


def test_an_imported_model_can_be_quantized(tmp_path: Path) -> None:
    x = RANDOM.standard_normal((4, 2, 3, 9, 7)).astype(np.float32)
    samples = [{"x": a} for a in x]
    source = network(2)
    report = samara.export_model(source, tmp_path / "m.smr", quantize="int8", samples=samples)
    assert report.programs[0].ops["quantized_conv2d"] == 1
    assert report.outputs[0].signal_to_noise > 20


def test_marked_quantization_computes_with_integers(tmp_path: Path) -> None:
    weights = {
        "w": RANDOM.integers(-127, 128, (8, 3, 3, 3)).astype(np.int8),
        "w_scale": RANDOM.uniform(0.001, 0.01, 8).astype(np.float32),
        "w_zero": np.zeros(8, np.int8),
        "x_scale": np.float32(0.03),
        "x_zero": np.uint8(120),
        "y_scale": np.float32(0.1),
        "y_zero": np.uint8(128),
        "bias": RANDOM.integers(-300, 300, 8).astype(np.int32),
    }
    weights["b_scale"] = (weights["x_scale"] * weights["w_scale"]).astype(np.float32)
    weights["b_zero"] = np.zeros(8, np.int32)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "x_scale", "x_zero"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["wd"], axis=0),
        helper.make_node("DequantizeLinear", ["bias", "b_scale", "b_zero"], ["bd"], axis=0),
        helper.make_node("Conv", ["xd", "wd", "bd"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c", "y_scale", "y_zero"], ["cq"]),
        helper.make_node("DequantizeLinear", ["cq", "y_scale", "y_zero"], ["y"]),
    ]
    source = model(nodes, {"x": [1, 3, 8, 8]}, ["y"], weights)
    report = samara.export_model(source, tmp_path / "m.smr")
    assert report.programs[0].ops["quantized_conv2d"] == 1
    x = RANDOM.uniform(-3, 3, (1, 3, 8, 8)).astype(np.float32)
    oracle = samara.import_model(source).oracle
    assert oracle is not None
    expected = oracle.start()("main", {"x": x})["y"]
    steps = np.abs(samara.load(tmp_path / "m.smr")(x) - expected) / 0.1
    assert steps.max() < 1.01
    assert (steps > 0.5).mean() < 0.02


def test_inputs_that_decide_shapes_are_fixed(tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "test",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 6]),
            helper.make_tensor_value_info("shape", TensorProto.INT64, [2]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    source = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    samara.export_model(source, tmp_path / "m.smr", constants={"shape": [3, 4]})
    x = RANDOM.standard_normal((2, 6)).astype(np.float32)
    np.testing.assert_array_equal(samara.load(tmp_path / "m.smr")(x), x.reshape(3, 4))
    with pytest.raises(ValueError, match="constants names size; the inputs are x, shape"):
        samara.export_model(source, tmp_path / "m.smr", constants={"size": [3, 4]})


def test_functions_and_known_branches_are_built_in_place(tmp_path: Path) -> None:
    body = [helper.make_node("Mul", ["a", "a"], ["s"]), helper.make_node("Add", ["s", "a"], ["r"])]
    function = helper.make_function("own", "Polynomial", ["a"], ["r"], body, [helper.make_opsetid("", 20)])
    branches = {}
    for name, op in (("then_branch", "Relu"), ("else_branch", "Neg")):
        node = helper.make_node(op, ["p"], [f"{op}_out"])
        out = helper.make_tensor_value_info(f"{op}_out", TensorProto.FLOAT, None)
        branches[name] = helper.make_graph([node], name, [], [out])
    nodes = [
        helper.make_node("Polynomial", ["x"], ["p"], domain="own"),
        helper.make_node("If", ["flag"], ["y"], **branches),
    ]
    source = model(nodes, {"x": [5]}, ["y"], {"flag": np.array(False)}, functions=[function])
    source.opset_import.append(helper.make_opsetid("own", 1))
    samara.export_model(source, tmp_path / "m.smr")
    x = RANDOM.standard_normal(5).astype(np.float32)
    np.testing.assert_allclose(samara.load(tmp_path / "m.smr")(x), -(x * x + x), rtol=1e-6)


def test_external_data(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(network(1), str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    x = RANDOM.standard_normal((1, 3, 9, 7)).astype(np.float32)
    samara.export_model(path, tmp_path / "m.smr")
    found = samara.load(tmp_path / "m.smr")(x)
    assert np.isfinite(found).all()
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(samara.ExportError, match="external data"):
        samara.export_model(path, tmp_path / "other.smr")
    assert not (tmp_path / "other.smr").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["mobilenet_v2", "distilbert"])
def test_architectures_give_the_same_through_onnx_and_torch(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the source is a PyTorch model")
    pytest.importorskip("transformers", reason="the architectures are those of transformers")
    pytest.importorskip("onnxscript", reason="torch writes ONNX with onnxscript")
    from tests.exporter.frontends import architectures

    module, inputs = architectures.build(name)
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        expected = {k: v.numpy() for k, v in module(**inputs).items()}
        torch.onnx.export(module, (), str(path), kwargs=inputs, dynamo=True, verbose=False)
    arrays = {k: v.numpy() for k, v in inputs.items()}
    names = [i.name for i in onnx.load(str(path), load_external_data=False).graph.input]
    given = dict(zip(names, arrays.values(), strict=True))
    samara.export_model(path, tmp_path / "m.smr", inputs=given)
    found = samara.load(tmp_path / "m.smr").run(**given)
    outputs = list(found.values()) if isinstance(found, dict) else [found]
    for output, wanted in zip(outputs, expected.values(), strict=True):
        assert np.abs(output - wanted).max() <= 1e-4 * np.abs(wanted).max()
