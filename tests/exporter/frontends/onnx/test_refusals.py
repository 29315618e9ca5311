"""Bad models and unsupported ones: one clear error that names everything, and no file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import samara
from samara.errors import ExportError
from tests.exporter.frontends.onnx.test_models import model, network


def refused(source: Any, tmp_path: Path, match: str) -> ExportError:
    target = tmp_path / "m.smr"
    with pytest.raises(ExportError, match=match) as caught:
        samara.export_model(source, target)
    assert not target.exists()
    assert not list(tmp_path.glob(".m.smr*"))
    return caught.value


@pytest.mark.parametrize("length", [0, 1, 20, 200, 600])
def test_truncated_files(tmp_path: Path, length: int) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(network(1).SerializeToString()[:length])
    refused(path, tmp_path, "model.onnx|model")


def test_no_onnx_at_all(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\xff\xd8\xff\xe0 not a model" * 20)
    refused(path, tmp_path, "no ONNX model")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        samara.export_model(tmp_path / "absent.onnx", tmp_path / "m.smr")


def test_cycles_and_missing_values(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="second"),
        helper.make_node("Add", ["a", "nowhere"], ["y"], name="third"),
    ]
    error = refused(model(nodes, {"x": [2]}, ["y"], {}), tmp_path, "the graph is not in order")
    assert len(error.problems) == 2
    assert "first" in error.problems[0]
    assert "cycle" in error.problems[0]
    assert "'nowhere': nothing computes it" in error.problems[1]


def test_two_nodes_that_write_one_value(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["y"])]
    refused(model(nodes, {"x": [2]}, ["y"], {}), tmp_path, "which another node writes too")


def test_everything_that_is_unsupported_is_told_at_once(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Frobnicate", ["x"], ["a"], domain="com.example", name="strange"),
        helper.make_node("Relu", ["a"], ["b"], name="after"),
        helper.make_node("StringNormalizer", ["b"], ["c"], name="text"),
        helper.make_node("SequenceConstruct", ["x"], ["s"], name="sequence"),
        helper.make_node("Add", ["b", "x"], ["y"], name="fine"),
    ]
    source = model(nodes, {"x": [2]}, ["y"], {})
    source.opset_import.append(helper.make_opsetid("com.example", 1))
    error = refused(source, tmp_path, "2 things stand in the way")
    assert "Frobnicate 'strange': the op com.example.Frobnicate is unknown" in error.problems[0]
    assert "SequenceConstruct 'sequence': sequences are not supported" in error.problems[1]
    report = samara.check_model(source)
    assert not report
    assert report.problems == error.problems
    assert report.nodes["Relu"] == 1
    assert "cannot be exported, for 2 reasons" in str(report)


def test_wrong_types(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "i"], ["y"], name="mixed")]
    error = refused(model(nodes, {"x": [2]}, ["y"], {"i": np.array([1, 2])}), tmp_path, "mixed")
    assert len(error.problems) == 1


def test_shapes_that_contradict(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")]
    weights = {"w": np.ones((4, 3), np.float32)}
    refused(model(nodes, {"x": [2, 5]}, ["y"], weights), tmp_path, "MatMul 'product'")


def test_element_types_that_are_not_there(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.STRING, [2])],
        [helper.make_tensor_value_info("y", TensorProto.STRING, [2])],
    )
    refused(helper.make_model(graph), tmp_path, "input 'x': element type string is not supported")


def test_weights_whose_data_does_not_fit(tmp_path: Path) -> None:
    source = model(
        [helper.make_node("Add", ["x", "w"], ["y"])], {"x": [4]}, ["y"], {"w": np.ones(4, np.float32)}
    )
    source.graph.initializer[0].raw_data = b"\0" * 7
    refused(source, tmp_path, "initializer 'w'")


def test_shapes_given_for_no_input_or_the_wrong_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shapes names z; the inputs are x"):
        samara.export_model(network(1), tmp_path / "m.smr", shapes={"z": [1]})
    with pytest.raises(ValueError, match="which cannot be"):
        samara.export_model(network(1), tmp_path / "m.smr", shapes={"x": [2, 3, 9, 7]})


def test_check_tells_what_the_file_would_be(tmp_path: Path) -> None:
    report = samara.check_model(network(2))
    assert report
    assert report.nodes["Conv"] == 1
    assert report.ops["conv2d"] == 1
    assert report.constant_bytes > 1000
    assert report.arena_bytes > 0
    assert "can be exported" in str(report)


def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    data = network(1).SerializeToString()
    path = tmp_path / "model.onnx"
    refusals = 0
    for _ in range(150):
        mutated = bytearray(data)
        for _ in range(int(generator.integers(1, 6))):
            mutated[int(generator.integers(len(mutated)))] = int(generator.integers(256))
        path.write_bytes(bytes(mutated))
        try:
            samara.import_model(path)
        except (ExportError, ValueError):
            refusals += 1
    assert refusals > 10


def test_numpy_arrays_serve_as_inputs() -> None:
    x = np.ones((1, 3, 9, 7), np.float32)
    assert samara.import_model(network(1), inputs=x).samples is not None
    with pytest.raises(ValueError, match="a sample has 2 arrays, the inputs are"):
        samara.import_model(network(1), inputs=[x, x])
