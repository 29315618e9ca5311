"""The training programs: a few steps of each, and what they leave. `make examples` runs them at full length."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.pyruntime.model import load
from tests.conftest import ROOT

FOLDER = ROOT / "examples" / "training"
MATERIAL = ROOT.parent / "shared" / "material"

# Programs and how many steps show that the loss falls.
STEPS = {
    "constrained_minimisation": 60,
    "convolutional_network": 12,
    "deep_dream": 20,
    "linear_regression": 30,
    "logistic_regression": 30,
    "lstm_rows": 45,
    "lstm_spoken_digits": 8,
    "matrix_factorisation": 100,
    "multilayer_perceptron": 25,
    "sequence_to_sequence": 6,
    "softmax": 25,
    "support_vector_machine": 30,
    "word2vec": 40,
}
# Those that take a folder of the user's, and whether they do without one.
DATA = {
    "convolutional_network": True,
    "lstm_rows": True,
    "lstm_spoken_digits": False,
    "multilayer_perceptron": True,
    "softmax": True,
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder can be imported from, and nothing of it is left afterwards."""
    for name in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(name)
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    tf.reset_default_graph()
    for name in [path.stem for path in FOLDER.glob("*.py")]:
        sys.modules.pop(name, None)


def program(name: str) -> Any:
    module = importlib.import_module(name)
    assert Path(module.__file__ or "").parent == FOLDER
    return module


def test_every_program_is_here() -> None:
    found = {path.stem for path in FOLDER.glob("*.py") if "__main__" in path.read_text()}
    # data_parallel.py needs several processes.
    assert found - {"data_parallel"} == set(STEPS)


def words(name: str, *more: str) -> list[str]:
    """The arguments of a short run; skips the test where data is needed that is not there."""
    if name in DATA and not DATA[name]:
        if not MATERIAL.is_dir():
            pytest.skip(f"no {MATERIAL}")
        more = ("--data", str(MATERIAL), *more)
    return ["--steps", str(STEPS[name]), *more]


def falls(losses: list[float]) -> None:
    third = max(1, len(losses) // 3)
    assert np.isfinite(losses).all()
    assert np.mean(losses[-third:]) < np.mean(losses[:third])


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_few_steps(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = program(name).main(words(name, "--output", str(tmp_path)))
    assert len(outcome.losses) == STEPS[name]
    falls(outcome.losses)
    assert outcome.file == tmp_path / f"{name}.smr"
    assert outcome.picture.read_bytes().startswith(b"\x89PNG")
    assert outcome.picture.stat().st_size > 5000
    assert outcome.result in capsys.readouterr().out
    model = load(outcome.file)
    model.verify()
    assert len(outcome.outputs) == 1
    (expected,) = outcome.outputs.values()
    shown = range(0, len(expected), max(1, len(expected) // 40))
    found = [model.run(**{n: a[i : i + 1] for n, a in outcome.inputs.items()})[0] for i in shown]
    if expected.dtype.kind == "f":
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected[list(shown)], rtol=1e-4, atol=1e-5 * scale)
    else:
        # A number that the network decides for may turn where two are as likely.
        assert np.mean(np.array(found) == expected[list(shown)]) > 0.98


@pytest.mark.parametrize("name", ["convolutional_network", "multilayer_perceptron", "softmax"])
def test_mnist_files(name: str, tmp_path: Path) -> None:
    """The same programs on a folder of IDX files; small ones here, in which each digit is a bar of its own."""
    import gzip

    random = np.random.default_rng(3)
    for part, count in (("train", 200), ("t10k", 30)):
        labels = random.integers(0, 10, count).astype(np.uint8)
        images = random.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 2 * label : 2 * label + 3] = 255
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            path = tmp_path / f"{part}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(header + array.tobytes()))
    outcome = program(name).main(
        ["--steps", "15", "--data", str(tmp_path), "--output", str(tmp_path / "out")]
    )
    falls(outcome.losses)
    (expected,) = outcome.outputs.values()
    assert expected.shape == (30, 10)
    assert "on 30 held-back digits" in outcome.result


@pytest.mark.parametrize("name", sorted(DATA))
def test_a_folder_without_data(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program(name).main(["--data", str(tmp_path), "--output", str(tmp_path)])
    assert (
        "has no MNIST files" in (said := capsys.readouterr().err) or "give their folder with --data" in said
    )


def test_steps_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program("softmax").main(["--steps", "0", "--output", str(tmp_path)])
    assert "--steps must be at least 1" in capsys.readouterr().err


def test_a_result_that_is_not_reached() -> None:
    common = program("common")
    bad = common.Outcome([1.0], Path("f"), Path("p"), {}, {}, "result", False)
    with pytest.raises(SystemExit, match="below what the program says"):
        common.leave(bad)
