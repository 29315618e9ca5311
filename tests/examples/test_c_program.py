"""examples/c: built against the installed library, and run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.exporter.frontends.compose import index
from samara.graph.graph import Graph
from samara.pyruntime.model import load
from tests.conftest import ROOT
from tests.repo._builds import build, run

FOLDER = ROOT / "examples" / "c"
MODEL = ROOT / "tests" / "runtime_c" / "data" / "add_relu.smr"


@pytest.fixture(scope="module")
def programs(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("c")
    return build(FOLDER, folder, f"-DCMAKE_PREFIX_PATH={installed}")


@pytest.fixture
def program(programs: Path) -> Path:
    return programs / "run_model"


def outputs(text: str) -> dict[str, np.ndarray]:
    lines = (line.split(": ") for line in text.splitlines())
    return {name: np.array(values.split(), dtype=np.float32) for name, values in lines}


def refused(program: Path, *words: str | Path) -> str:
    done = subprocess.run([program, *words], text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr.strip()


def test_is_short() -> None:
    assert len((FOLDER / "run_model.c").read_text().splitlines()) < 60


def test_runs_on_given_inputs_and_on_zeros(program: Path, tmp_path: Path) -> None:
    model = load(MODEL)
    info = next(iter(model.signatures.values()))
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(t.shape).astype(t.dtype) for t in info.inputs]
    files = [tmp_path / f"{t.name}.bin" for t in info.inputs]
    for array, file in zip(arrays, files, strict=True):
        array.tofile(file)
    arrays_of = {True: arrays, False: [np.zeros_like(a) for a in arrays]}
    for given, values in arrays_of.items():
        found = outputs(run(program, MODEL, *(files if given else ())))
        expected = model.context().run(*values)
        expected = expected if isinstance(expected, dict) else {info.outputs[0].name: expected}
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array.ravel())


def test_refusals(program: Path, tmp_path: Path) -> None:
    (tmp_path / "short.bin").write_bytes(bytes(3))
    (tmp_path / "long.bin").write_bytes(bytes(100_000))
    assert "usage" in refused(program)
    assert "no such file" in refused(program, tmp_path / "none.smr")
    assert "bytes" in refused(program, MODEL, tmp_path / "short.bin")
    assert "bytes" in refused(program, MODEL, tmp_path / "long.bin")
    assert "bytes" in refused(program, MODEL, tmp_path / "none.bin")


def streamed(programs: Path, *words: str | Path, frames: np.ndarray) -> list[str]:
    done = subprocess.run(
        [programs / "stream", *words], input=frames.tobytes(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def test_state_is_kept_from_call_to_call(programs: Path, tmp_path: Path) -> None:
    model = ROOT / "tests" / "runtime_c" / "data" / "state.smr"
    frames = np.float32([[1, 2], [3, -4], [0.5, 6]])
    at_once = streamed(programs, model, tmp_path / "one.bin", frames=frames)
    assert len(set(at_once)) == 3
    parts = [
        streamed(programs, model, tmp_path / "two.bin", frames=part) for part in (frames[:2], frames[2:])
    ]
    assert parts[0] + parts[1] == at_once
    (tmp_path / "two.bin").write_bytes(bytes(7))
    done = subprocess.run(
        [programs / "stream", model, tmp_path / "two.bin"], input=b"", capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"7 bytes for the" in done.stderr


def test_outputs_are_printed_with_the_sizes_that_a_run_computes(programs: Path, tmp_path: Path) -> None:
    graph = Graph()
    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": [6]}, name="x").outputs[0]
    places = index.non_zero(graph.b, x)
    export_model({"places": places}, tmp_path / "m.smr", inputs={"x": x})
    frames = np.float32([[0, 1, 0, 0, 2, 0], [0] * 6, [1] * 6])
    lines = streamed(programs, tmp_path / "m.smr", tmp_path / "none.bin", frames=frames)
    assert lines == ["places [1 2]: 1 4", "places [1 0]:", "places [1 6]: 0 1 2 3 4 5"]
