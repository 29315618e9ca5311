"""What a run takes of memory: the arena and little more; weights are read where the file lies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.formats import onnx_file, samara_file
from benchmarks.formats.samples import calibration
from benchmarks.networks import NETWORKS
from samara.exporter.export import export_model
from samara.exporter.report import ExportReport
from samara.graph.graph import Graph, Tensor
from samara.pyruntime import load
from samara.quantize import Int8
from tests.conftest import ROOT

PROGRAM = next(iter((ROOT / "build" / "release").rglob("smr_bench")), None)
LAYERS, WIDTH = 6, 512
WIDTHS = (8, 12, 12, 16, 16, 16, 20, 20, 20, 24, 24, 24, 28, 28, 32)


LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def write_network(path: Path, rows: int) -> Path:
    """Products of a matrix of this many rows of 2 KiB with weights of 1 MiB each."""
    graph = Graph()
    rng = np.random.default_rng(1)
    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": [rows, WIDTH]}, name="x").outputs[0]
    for _ in range(LAYERS):
        weights = (rng.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH)).astype(np.float32)
        x = graph.b.relu(graph.b.matmul(x, weights))
    export_model({"y": x}, path, samples=[{"x": rng.standard_normal((rows, WIDTH)).astype(np.float32)}])
    return path


def measure(network: Path) -> dict[str, Any]:
    """What smr_bench tells of a file."""
    if PROGRAM is None or not sys.platform.startswith("linux"):
        pytest.skip("no smr_bench in build/release: run `make test-c`")
    done = subprocess.run(
        [str(PROGRAM), "--json", "--runs", "3", str(network)], capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("rows", [128, 640])  # 640: the arena has a large page, and small ones
def test_anonymous_memory_is_the_arena_and_little_more(tmp_path: Path, rows: int) -> None:
    network = write_network(tmp_path / "network.smr", rows)
    told = measure(network)
    assert network.stat().st_size > LAYERS * WIDTH * WIDTH * 4
    assert 2 * rows * WIDTH * 4 <= told["arena_bytes"] <= 3 * rows * WIDTH * 4
    assert told["anonymous_bytes"] >= told["arena_bytes"] // 2, "it is not measured"
    assert told["anonymous_bytes"] <= told["arena_bytes"] + 64 * 1024


def test_pages_alone_take_less_than_a_first_result(tmp_path: Path) -> None:
    network = write_network(tmp_path / "network.smr", 128)
    measure(network)
    told = subprocess.run(
        [sys.executable, ROOT / "runtime_c" / "tools" / "footprint.py", "--times", "3", network],
        capture_output=True,
        text=True,
        check=True,
    )
    heads, figures = (line.split() for line in told.stdout.splitlines())
    row = dict(zip(heads[1:], map(float, figures[1:]), strict=True))
    assert row["arena"] * 1024 == pytest.approx(load(network).memory.arena, abs=1024)
    assert 0 < row["pages"] < row["first"]
    assert row["least"] == pytest.approx(1 + row["pages"], abs=0.02)


def test_a_large_arena_takes_few_page_faults(tmp_path: Path) -> None:
    if not LARGE_PAGES.exists() or "[never]" in LARGE_PAGES.read_text():
        pytest.skip("the system has no large pages")
    rows, page = 1024, 4096
    told = measure(write_network(tmp_path / "network.smr", rows))
    assert told["arena_bytes"] >= 2 * rows * WIDTH * 4
    assert 0 < told["page_faults"] < told["arena_bytes"] // page // 2


def write_blocks(path: Path, quantize: Int8 | None) -> ExportReport:
    """Inverted residual blocks with squeeze and excitation, hundreds of ops, in strips and not."""
    graph = Graph()
    rng = np.random.default_rng(1)

    def weights(*shape: int) -> np.ndarray[Any, Any]:
        drawn: np.ndarray[Any, Any] = rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]) + 15)
        return drawn.astype(np.float32)

    def depth_of(x: Tensor) -> int:
        assert x.shape is not None
        assert isinstance(x.shape[-1], int)
        return x.shape[-1]

    def conv(x: Tensor, channels: int, taps: int = 1, stride: int = 1) -> Tensor:
        bias, filters = np.abs(weights(channels)), weights(taps, taps, depth_of(x), channels)
        made: Tensor = graph.b.conv2d(x, filters, bias, strides=(stride, stride), padding="same")
        return made

    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": [1, 160, 160, 3]}, name="x").outputs[0]
    y = graph.b.silu(conv(x, WIDTHS[0], 3, 2))
    for i, width in enumerate(WIDTHS):
        depth = depth_of(y)
        stride = (2, 2) if width != depth and i % 2 == 0 else (1, 1)
        z = graph.b.silu(conv(y, 6 * depth))
        z = graph.b.depthwise_conv2d(
            z, weights(3, 3, 6 * depth, 1), np.abs(weights(6 * depth)), strides=stride, padding="same"
        )
        z = graph.b.silu(z)
        excitation = graph.b.silu(
            conv(graph.b.reduce_mean(z, axes=[1, 2], keepdims=True), max(4, depth // 4))
        )
        z = conv(z * graph.b.sigmoid(conv(excitation, 6 * depth)), width)
        y = y + z if z.shape == y.shape else z
    sample = {"x": rng.standard_normal((1, 160, 160, 3)).astype(np.float32)}
    # Drawn weights carry rounding from block to block, which trained ones do not.
    options: dict[str, Any] = {"tolerance": 1e-3} if quantize is None else {"quantize": quantize}
    result = graph.b.reduce_mean(y, axes=[1, 2])
    return export_model({"y": result}, path, samples=[sample], golden=0, **options)


@pytest.mark.parametrize("quantize", [None, Int8()], ids=["float32", "int8"])
def test_hundreds_of_ops_take_little_beside_their_arena(tmp_path: Path, quantize: Int8 | None) -> None:
    network = tmp_path / "network.smr"
    (plan,) = (program.plan for program in write_blocks(network, quantize).programs)
    memory = load(network).memory
    assert memory.arena == plan.bound_order
    assert memory.arena < memory.context <= memory.arena + 64 * 1024
    told = measure(network)
    assert told["ops"] >= 330
    assert (told["context_bytes"], told["arena_bytes"]) == (memory.context, memory.arena)
    assert told["anonymous_bytes"] <= told["arena_bytes"] + 64 * 1024


@pytest.mark.slow
def test_a_context_has_little_beside_its_arena(tmp_path: Path) -> None:
    """Of a network with hundreds of ops, since it is computed in strips."""
    pytest.importorskip("onnx", reason="the network is read as an ONNX model")
    network = NETWORKS["mobilenet_v2"]()
    network.draw()
    samara_file.write(network, tmp_path / "network.smr")
    memory = load(tmp_path / "network.smr").memory
    assert memory.arena < 2 * 1024 * 1024
    assert memory.arena < memory.context <= memory.arena + 64 * 1024


@pytest.mark.slow
def test_strips_keep_integers_in_little_memory(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the network is read as an ONNX model")
    network = NETWORKS["mobilenet_v2"]()
    network.draw()
    report = export_model(
        onnx_file.model(network),
        tmp_path / "network.smr",
        samples=[[x] for x in calibration(network)[:2]],
        quantize=Int8(inputs="int8", outputs="int8"),
        channels_last=True,
        golden=0,
    )
    (plan,) = (program.plan for program in report.programs)
    assert load(tmp_path / "network.smr").memory.arena == plan.arena == plan.bound_order <= 450 * 1024
