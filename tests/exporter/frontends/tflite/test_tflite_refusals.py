"""Bad files, unsupported ones and odd ones: one clear error that names everything, or a right result."""

from __future__ import annotations

import dataclasses
import struct
import sys
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import samara
from samara.cli import main
from samara.errors import ExportError
from tests.exporter.frontends.tflite._reference import agree, export
from tests.exporter.frontends.tflite._writer import G, Node, S, Sparse, T, constant, write, write_model
from tests.exporter.frontends.tflite.test_tflite_float import CASES
from tests.exporter.frontends.tflite.test_tflite_state import counter, loop, lstm

RANDOM = np.random.default_rng(12)
ADD = {"op": "ADD", "options": "AddOptions"}


def f(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def add(*, inputs: Sequence[int] = (0, 1), outputs: Sequence[int] = (2,), **rest: Any) -> bytes:
    """x + weights."""
    tensors = rest.pop("tensors", [T(shape=(4,)), constant(f(4), "float32"), T(shape=(4,))])
    ends = rest.pop("ends", ((0,), (2,)))
    node = Node(**ADD, inputs=inputs, outputs=outputs)
    return write(tensors, rest.pop("nodes", [node]), *ends)


def refused(data: bytes, folder: Path, match: str) -> ExportError:
    target = folder / "m.smr"
    (folder / "m.tflite").write_bytes(data)
    with pytest.raises(ExportError, match=match) as caught:
        samara.export_model(folder / "m.tflite", target)
    assert not target.exists()
    assert not list(folder.glob(".m.smr*"))
    report = samara.check_model(folder / "m.tflite")
    assert not report
    assert report.problems
    return caught.value


# Damaged files ---------------------------------------------------------------------------------------------------


def test_a_file_cut_anywhere(tmp_path: Path) -> None:
    data = CASES["conv_2d_relu"].model()[0]
    path = tmp_path / "cut.tflite"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ExportError, match=r"cut\.tflite"):
            samara.import_model(path)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "a file of 0 bytes is too short"),
        (b"\x89PNG\r\n\x1a\n" * 9, "expected the identifier TFL3"),
        (b"\xff" * 4 + b"TFL3" + b"\xff" * 40, "the root points outside the file"),
        (struct.pack("<I4sI", 8, b"TFL3", 0), "field table of Model"),
    ],
    ids=["empty", "picture", "far", "nothing"],
)
def test_files_that_are_none(data: bytes, match: str, tmp_path: Path) -> None:
    refused(data, tmp_path, match)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        samara.export_model(tmp_path / "absent.tflite", tmp_path / "m.smr")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (add(inputs=(0, 7)), "an input of node 0 of subgraph 0 is tensor 7 of 3"),
        (add(inputs=(0, -2)), "an input of node 0 of subgraph 0 is tensor -2 of 3"),
        (add(outputs=(3,)), "an output of node 0 of subgraph 0 is tensor 3 of 3"),
        (add(ends=((9,), (2,))), "an input of subgraph 0 is tensor 9 of 3"),
        (add(ends=((0,), (-1,))), "an output of subgraph 0 is tensor -1 of 3"),
        (add(tensors=[T(shape=(4,)), T(shape=(4,), data=f(3)), T()]), "has 12 bytes, expected 16"),
        (add(tensors=[T(shape=(-4,)), constant(f(4), "float32"), T()]), r"has the shape \[-4\]"),
        (add(tensors=[T(shape=(1 << 30, 1 << 30)), constant(f(4), "float32"), T()]), "has the shape"),
    ],
    ids=["input", "negative", "output", "graph-input", "graph-output", "bytes", "size", "huge"],
)
def test_indices_and_sizes_that_cannot_be(data: bytes, match: str, tmp_path: Path) -> None:
    refused(data, tmp_path, match)


def test_numbers_of_buffers_codes_and_subgraphs(tmp_path: Path) -> None:
    node = Node(
        op="WHILE",
        inputs=[0],
        outputs=[1],
        options="WhileOptions",
        values={"CondSubgraphIndex": 5, "BodySubgraphIndex": 0},
    )
    one = G(tensors=[T(shape=(1,)), T(shape=(1,))], nodes=[node], inputs=[0], outputs=[1])
    refused(write_model([one]), tmp_path, "runs subgraph 5 of 1")
    plain = dataclasses.replace(one, nodes=[Node(op="NEG", inputs=[0], outputs=[1])])
    signature = S(name="s", graph=3, inputs={"x": 0}, outputs={"y": 1})
    refused(write_model([plain], [signature]), tmp_path, "runs subgraph 3 of 1")
    signature = S(name="s", graph=0, inputs={"x": 1}, outputs={"y": 1})
    refused(
        write_model([plain], [signature]), tmp_path, "is tensor 1, which the subgraph does not have there"
    )
    signature = dataclasses.replace(signature, inputs={"x": 0})
    refused(write_model([plain], [signature] * 2), tmp_path, "two signatures are called 's'")


# Nodes -----------------------------------------------------------------------------------------------------------


def test_nodes_that_wait_for_each_other(tmp_path: Path) -> None:
    tensors = [T(shape=(4,), name=n) for n in "xab"]
    nodes = [Node(**ADD, inputs=(0, 2), outputs=(1,)), Node(op="NEG", inputs=(1,), outputs=(2,))]
    error = refused(write(tensors, nodes, [0], [2]), tmp_path, "1 thing stands in the way")
    assert error.problems == ("ADD 'a': input 'b' has no value when the node runs",)


def test_a_constant_without_bytes(tmp_path: Path) -> None:
    refused(add(tensors=[T(shape=(4,))] * 3), tmp_path, "input 't1' has no value when the node runs")
    tensors = [T(shape=(4,)), T(shape=(4,), external=3), T(shape=(4,))]
    refused(
        add(tensors=tensors), tmp_path, "the bytes of input 't1' are in another file: convert the model with"
    )
    refused(write([T(shape=(4,))] * 2, [], [0], [1]), tmp_path, "output 't1' of main: nothing computes it")


def test_types_that_do_not_fit(tmp_path: Path) -> None:
    error = refused(add(tensors=[T(shape=(4,)), constant([1] * 4, "int32"), T()]), tmp_path, "ADD 't2'")
    assert len(error.problems) == 1
    refused(
        add(tensors=[T(shape=(4,)), constant(f(4), "float32"), T(dtype="int32")]),
        tmp_path,
        "output 't2' is int32 in the file, and float32 by its inputs",
    )
    refused(
        add(tensors=[T(shape=(4,), dtype="string")] * 3), tmp_path, "element type string is not supported"
    )
    refused(
        add(tensors=[T(shape=(4,)), constant(f(4).view(np.uint32), "uint32"), T()]),
        tmp_path,
        "element type uint32",
    )


def test_shapes_that_do_not_fit(tmp_path: Path) -> None:
    refused(add(tensors=[T(shape=(3,)), constant(f(4), "float32"), T()]), tmp_path, "ADD 't2'")


def test_everything_that_is_unsupported_is_told_at_once(tmp_path: Path) -> None:
    tensors = [T(shape=(4,), name=n) for n in ("x", "odd", "after", "drawn", "hashed", "y")]
    nodes = [
        Node(op="CUSTOM", custom="Frobnicate", inputs=[0], outputs=[1]),
        Node(op="NEG", inputs=[1], outputs=[2]),
        Node(op="RANDOM_UNIFORM", inputs=[0], outputs=[3], options="RandomOptions"),
        Node(op="STABLEHLO_SORT", inputs=[0], outputs=[4]),
        Node(**ADD, inputs=[0, 2], outputs=[5]),
    ]
    error = refused(write(tensors, nodes, [0], [5]), tmp_path, "3 things stand in the way")
    assert error.problems == (
        "Frobnicate 'odd': the custom op Frobnicate is not known: leave it out of the model",
        "RANDOM_UNIFORM 'drawn': random numbers are not supported: make them an input",
        "STABLEHLO_SORT 'hashed': StableHLO is not supported: convert the model to ops of TensorFlow Lite",
    )
    report = samara.check_model(tmp_path / "m.tflite")
    assert report.problems == error.problems
    assert report.nodes["ADD"] == 1
    assert "cannot be exported, for 3 reasons" in str(report)


def test_a_kind_that_is_newer_than_the_schema(tmp_path: Path) -> None:
    data = bytearray(write([T(shape=(4,))] * 2, [Node(op="GELU", inputs=[0], outputs=[1])], [0], [1]))
    place = data.index(struct.pack("<i", 150))
    data[place : place + 4] = struct.pack("<i", 999)
    refused(bytes(data), tmp_path, "operator 999 't1': the op is not supported")


def test_what_must_be_constant(tmp_path: Path) -> None:
    tensors = [T(shape=(2, 3)), T(shape=(2,), dtype="int32"), T()]
    data = write(tensors, [Node(op="TRANSPOSE", inputs=[0, 1], outputs=[2])], [0, 1], [2])
    refused(data, tmp_path, "the permutation must be constant, the graph computes it")


def test_repeating_without_end_takes_no_memory(tmp_path: Path) -> None:
    """What would unfold into gigabytes is not computed to see how large it is."""
    tensors = [
        constant([1.0], "float32"),
        constant([1 << 30], "int32"),
        T(shape=(1 << 30,)),
        T(shape=(1,)),
        T(),
    ]
    nodes = [Node(op="TILE", inputs=[0, 1], outputs=[2]), Node(**ADD, inputs=[2, 3], outputs=[4])]
    (tmp_path / "m.tflite").write_bytes(write(tensors, nodes, [3], [4]))
    tracemalloc.start()
    report = samara.check_model(tmp_path / "m.tflite")
    assert tracemalloc.get_traced_memory()[1] < 1 << 26
    tracemalloc.stop()
    assert report.ops["tile"] == 1


def test_a_model_that_does_not_run(tmp_path: Path) -> None:
    tensors = [T(shape=(4, 2)), constant([[9]], "int32"), T()]
    data = write(tensors, [Node(op="GATHER_ND", inputs=[0, 1], outputs=[2])], [0], [2])
    (tmp_path / "m.tflite").write_bytes(data)
    with pytest.raises(ExportError, match=r"does not run on seeded random samples.*index 9 is outside"):
        samara.export_model(tmp_path / "m.tflite", tmp_path / "m.smr")
    assert not (tmp_path / "m.smr").exists()


# Odd but readable ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"Min": np.float32([-1]), "Max": np.float32([1])},
        {"Scale": np.float32([])},
        {"Scale": np.float32([0])},
        {"Scale": np.float32([0.5])},
        {"Scale": np.float32([0.5]), "ZeroPoint": np.int64([]), "QuantizedDimension": 9},
        {"Scale": np.float32([0.5] * 4), "ZeroPoint": np.int64([0])},
        {"ZeroPoint": np.int64([0, 0])},
    ],
    ids=str,
)
def test_records_of_quantization_on_real_numbers(record: dict[str, Any], tmp_path: Path) -> None:
    tensors = [
        T(shape=(4,), record=record),
        constant(f(4), "float32", record=record),
        T(shape=(4,), record=record),
    ]
    # Some of these LiteRT does not take.
    x = f(4)
    _, path = export(add(tensors=tensors), tmp_path, inputs=[x])
    np.testing.assert_array_equal(samara.load(path)(x), x + tensors[1].data)


@pytest.mark.parametrize(
    ("record", "match"),
    [
        ({"Scale": np.float32([np.nan])}, "a scale that is negative or no number"),
        ({"Scale": np.float32([-1])}, "a scale that is negative or no number"),
        ({"Scale": np.float32([1, 1, 1])}, "has 3 scales along axis 0"),
        ({"Scale": np.float32([1] * 4), "QuantizedDimension": 1}, "has 4 scales along axis 1"),
        ({"Scale": np.float32([1] * 4), "ZeroPoint": np.int64([0, 0])}, "has 4 scales and 2 zero points"),
    ],
    ids=str,
)
def test_records_that_cannot_be(record: dict[str, Any], match: str, tmp_path: Path) -> None:
    tensors = [T(shape=(4,)), constant(f(4), "float32", record=record), T(shape=(4,))]
    refused(add(tensors=tensors), tmp_path, match)


def test_integers_with_a_record_that_says_nothing(tmp_path: Path) -> None:
    record = {"Min": np.float32([0]), "Max": np.float32([6])}
    tensors = [T(shape=(2, 3), dtype="uint8", record=record), constant([3, 2], "int32"), T(dtype="uint8")]
    node = Node(
        op="RESHAPE", inputs=[0, 1], outputs=[2], options="ReshapeOptions", values={"NewShape": [3, 2]}
    )
    agree(write(tensors, [node], [0], [2]), tmp_path, [[np.arange(6, dtype=np.uint8).reshape(2, 3)]])


def test_names_that_are_missing_or_shared(tmp_path: Path) -> None:
    tensors = [T(shape=(4,), name="same"), constant(f(4), "float32", name="same"), T(shape=(4,), name="same")]
    agree(add(tensors=tensors), tmp_path, [[f(4)]])
    (tmp_path / "m.tflite").write_bytes(add(tensors=[T(shape=(4,), name="a")] * 3, ends=((0, 1), (2,))))
    assert list(samara.import_model(tmp_path / "m.tflite").inputs) == ["a", "a_"]


def test_an_output_that_is_an_input_and_one_that_is_constant(tmp_path: Path) -> None:
    tensors = [T(shape=(4,)), constant(f(4), "float32"), T(shape=(4,))]
    _, path = export(add(tensors=tensors, ends=((0,), (2, 1))), tmp_path)
    x = f(4)
    found = samara.load(path)(x)
    np.testing.assert_array_equal(list(found.values())[1], tensors[1].data)
    _, path = export(add(tensors=tensors, ends=((0,), (2, 0))), tmp_path)
    np.testing.assert_array_equal(list(samara.load(path)(x).values())[1], x)


# Sparse weights --------------------------------------------------------------------------------------------------


def sparse_model(sparse: Sparse, stored: Any, shape: Sequence[int]) -> bytes:
    weights = T(shape=shape, data=np.asarray(stored, np.float32), sparse=sparse)
    tensors = [T(shape=(2, shape[1])), weights, T(shape=shape), T()]
    nodes = [
        Node(op="DENSIFY", inputs=[1], outputs=[2], options="DensifyOptions"),
        Node(op="FULLY_CONNECTED", inputs=[0, 2, -1], outputs=[3], options="FullyConnectedOptions"),
    ]
    return write(tensors, nodes, [0], [3])


def compressed(matrix: Any) -> tuple[list[int], list[int], list[float]]:
    """Segments, indices and elements of a matrix, row by row."""
    segments, indices, elements = [0], [], []
    for row in matrix:
        found = [int(i) for i in np.flatnonzero(row)]
        indices += found
        elements += [float(row[i]) for i in found]
        segments.append(len(indices))
    return segments, indices, elements


@pytest.mark.parametrize("kind", ["int32", "uint16", "uint8"])
def test_sparse_rows(kind: str, tmp_path: Path) -> None:
    matrix = f(5, 8) * (RANDOM.random((5, 8)) < 0.3)
    segments, indices, elements = compressed(matrix)
    sparse = Sparse(order=(0, 1), levels=(5, (segments, indices)), stored=kind)
    x = f(2, 8)
    report, path = export(sparse_model(sparse, elements, (5, 8)), tmp_path, inputs=[x])
    assert "densify" not in report.programs[0].ops
    np.testing.assert_allclose(samara.load(path)(x), x @ matrix.T, rtol=1e-5, atol=1e-5)
    agree(sparse_model(sparse, elements, (5, 8)), tmp_path, [[x]])


def test_sparse_blocks(tmp_path: Path) -> None:
    """Blocks of 1 x 4: a matrix of blocks in compressed rows, each block dense."""
    there = RANDOM.random((5, 3)) < 0.5
    there[0, 0] = True
    matrix = f(5, 12) * np.repeat(there, 4, axis=1)
    segments, indices, _ = compressed(there)
    blocks = np.concatenate([matrix[r, 4 * c : 4 * c + 4] for r, c in np.argwhere(there)])
    sparse = Sparse(order=(0, 1, 2), blocks=(1,), levels=(5, (segments, indices), 4))
    x = f(2, 12)
    _, path = export(sparse_model(sparse, blocks, (5, 12)), tmp_path, inputs=[x])
    np.testing.assert_allclose(samara.load(path)(x), x @ matrix.T, rtol=1e-5, atol=1e-5)
    agree(sparse_model(sparse, blocks, (5, 12)), tmp_path, [[x]])


@pytest.mark.parametrize(
    ("sparse", "stored", "match"),
    [
        (Sparse(order=(0, 0), levels=(2, 3)), 6, "the order of traversal"),
        (Sparse(order=(0, 1), levels=(2,)), 6, "the order of traversal"),
        (Sparse(order=(0, 1, 2), blocks=(4,), levels=(2, 3, 1)), 6, "blocks along the axes"),
        (Sparse(order=(0, 1, 2), blocks=(1,), levels=(2, 3, 2)), 6, "blocks of 2 along an axis of 3"),
        (Sparse(order=(0, 1), levels=(2, 4)), 8, "has 4 indices, expected 3"),
        (Sparse(order=(0, 1), levels=(2, ([0, 1, 2], [0, 3]))), 2, "indices outside 0..2"),
        (Sparse(order=(0, 1), levels=(2, ([0, 2, 1], [0, 1]))), 2, "segments that do not fit"),
        (Sparse(order=(0, 1), levels=(2, ([0, 1], [0]))), 1, "segments that do not fit"),
        (Sparse(order=(0, 1), levels=(2, ([0, 1, 2], [0, 1]))), 5, "for 2 stored elements"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_sparse_records_that_cannot_be(sparse: Sparse, stored: int, match: str, tmp_path: Path) -> None:
    refused(sparse_model(sparse, f(stored), (2, 3)), tmp_path, match)


# Flipped bytes ---------------------------------------------------------------------------------------------------

SMALL = {
    "conv": CASES["conv_2d_relu"].model()[0],
    "slice": CASES["strided_slice"].model()[0],
    "lstm": lstm(steps=2, units=2, inputs=2)[0],
    "hybrid": lstm(steps=2, units=2, inputs=2, hybrid=True)[0],
    "variables": counter(),
    "loop": loop(3),
    "sparse": sparse_model(Sparse(order=(0, 1), levels=(2, ([0, 1, 2], [0, 2]))), f(2), (2, 3)),
}


@pytest.mark.parametrize("name", SMALL)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    flips=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_flipped_bytes_give_a_result_or_one_error(
    name: str, flips: list[tuple[int, int]], tmp_path: Path
) -> None:
    data = bytearray(SMALL[name])
    for place, bits in flips:
        data[place % len(data)] ^= bits
    path = tmp_path / "flipped.tflite"
    path.write_bytes(data)
    start = time.monotonic()
    report = samara.check_model(path)
    assert time.monotonic() - start < 30
    if not report:
        assert report.problems
    elif report.arena_bytes < 1 << 20:
        # LiteRT itself may not survive such a file.
        model = dataclasses.replace(samara.import_model(path), oracle=None)
        try:
            samara.export_model(model, tmp_path / "m.smr")
        except ExportError:
            return
        samara.load(tmp_path / "m.smr").context()


# The command line, and the package that is not there -------------------------------------------------------------


def test_check_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(add())
    assert main(["check", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "ADD" in printed
    assert not list(tmp_path.glob("*.smr"))
    path.write_bytes(add(tensors=[T(shape=(4,))] * 3))
    assert main(["check", str(path)]) == 1
    assert "ADD 't2': input 't1' has no value when the node runs" in capsys.readouterr().out


def test_export_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, target = tmp_path / "m.tflite", tmp_path / "m.smr"
    path.write_bytes(CASES["conv_2d_relu"].model()[0])
    assert main(["export", str(path), str(target), "--shape", "t0=2,5,5,2"]) == 0
    assert "conv2d" in capsys.readouterr().out
    assert samara.load(target).signatures["main"].inputs[0].shape == (2, 5, 5, 2)
    path.write_bytes(path.read_bytes()[:100])
    assert main(["export", str(path), str(tmp_path / "n.smr")]) == 1
    assert "samara export: m.tflite is damaged" in capsys.readouterr().err
    assert not (tmp_path / "n.smr").exists()


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.tflite").write_bytes(add())
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(ImportError, match=r"needs tflite: pip install samara\[tflite\]"):
        samara.import_model(tmp_path / "m.tflite")


def test_without_litert_the_file_is_compared_with_the_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    report, _ = export(add(), tmp_path)
    assert not report.oracle
    assert not report.outputs
