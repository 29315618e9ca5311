"""Real models in floating point: float32, weights of 16 bits, weights of 8 bits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import samara
from tests.conftest import ROOT
from tests.exporter.frontends.tflite._reference import interpreter, listed, run

MODELS = ROOT.parent / "shared" / "material" / "models"
NAMES = [
    "dtln1_tflite",
    "face_short_range_fp16w",
    "hello_world_float",
    "kws_dscnn_dynrange",
    "mnist_lstm_float",
]

pytestmark = pytest.mark.skipif(not MODELS.exists(), reason=f"{MODELS} is not there")


@pytest.mark.parametrize("name", NAMES)
def test_material_in_float(name: str, tmp_path: Path) -> None:
    folder = MODELS / name
    meta = json.loads((folder / "meta.json").read_text())
    report = samara.export_model(folder / "model.tflite", tmp_path / "m.smr")
    assert "transpose" not in report.programs[0].ops
    loaded = samara.load(tmp_path / "m.smr")
    for case in range(meta["cases"]):
        # Each golden was recorded with fresh state.
        context = loaded.context()
        inputs = [np.load(folder / f"in_{case}_{i}.npy") for i in range(len(meta["inputs"]))]
        for index, output in enumerate(listed(context.run(*inputs))):
            expected = np.load(folder / f"out_{case}_{index}.npy")
            limits = meta["tolerance"][index]
            difference = output - expected
            assert np.abs(difference).max() <= limits["max_abs"]
            assert np.sqrt(np.mean(np.square(difference))) <= limits["rms"]


def test_state_goes_on_as_in_the_reference(tmp_path: Path) -> None:
    path = MODELS / "mnist_lstm_float" / "model.tflite"
    samara.export_model(path, tmp_path / "m.smr")
    context = samara.load(tmp_path / "m.smr").context()
    oracle = interpreter(path.read_bytes())
    for case in range(4):
        given = [np.load(path.parent / f"in_{case}_0.npy")]
        np.testing.assert_allclose(listed(context.run(*given))[0], run(oracle, given)[0], rtol=0, atol=1e-5)


def test_dynamic_range_is_computed_as_the_reference_does(tmp_path: Path) -> None:
    """Data is quantized as the reference kernels quantize it, far nearer than other kernels of LiteRT come."""
    path = MODELS / "kws_dscnn_dynrange" / "model.tflite"
    report = samara.export_model(path, tmp_path / "m.smr")
    # The weights stay bytes in the file.
    assert report.constant_bytes < 40_000
    loaded = samara.load(tmp_path / "m.smr")
    oracle = interpreter(path.read_bytes())
    for case in range(4):
        given = [np.load(path.parent / f"in_{case}_0.npy")]
        np.testing.assert_allclose(listed(loaded(*given))[0], run(oracle, given)[0], rtol=0, atol=1e-6)


def test_the_same_weights_from_tflite_and_onnx(tmp_path: Path) -> None:
    """DTLN in both formats; the states are laid out alike."""
    pytest.importorskip("onnx")
    found = []
    for name, file in (("dtln1_tflite", "model.tflite"), ("dtln1_onnx", "model.onnx")):
        folder = MODELS / name
        inputs = [np.load(MODELS / "dtln1_tflite" / f"in_0_{i}.npy") for i in range(2)]
        samara.export_model(folder / file, tmp_path / f"{name}.smr")
        found.append(listed(samara.load(tmp_path / f"{name}.smr")(*inputs)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * float(np.abs(one).max()))
