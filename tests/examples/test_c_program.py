"""examples/c: built against the installed library, and run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from samara.pyruntime.model import load
from tests.conftest import ROOT
from tests.repo.conftest import build, run

FOLDER = ROOT / "examples" / "c"
MODEL = ROOT / "tests" / "runtime_c" / "data" / "add_relu.smr"


@pytest.fixture(scope="module")
def program(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("c")
    return build(FOLDER, folder, f"-DCMAKE_PREFIX_PATH={installed}") / "run_model"


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
