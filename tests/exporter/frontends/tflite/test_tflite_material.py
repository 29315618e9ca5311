"""Integer models from the wild, when their files are there: the bits of LiteRT, and as many right answers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara
from tests.conftest import ROOT

pytest.importorskip("tflite")

Array = np.ndarray[Any, Any]
MATERIAL = ROOT.parent / "shared" / "material"
MODELS = (
    "hello_world_int8",
    "kws_dscnn_int8",
    "micro_speech_int8",
    "mnist_lstm_int8",
    "mobilenet_v1_025_128_u8",
)

pytestmark = pytest.mark.skipif(not MATERIAL.exists(), reason=f"{MATERIAL} is not there")


def outputs_of(found: Any) -> list[Array]:
    """The outputs of a loaded model, in order."""
    return list(found.values()) if isinstance(found, dict) else [found]


def exported(name: str, folder: Path) -> Any:
    """A model of the material, through its file."""
    samara.export_model(MATERIAL / "models" / name / "model.tflite", folder / "m.smr")
    return samara.load(folder / "m.smr")


@pytest.mark.parametrize("name", MODELS)
def test_model(name: str, tmp_path: Path) -> None:
    folder = MATERIAL / "models" / name
    meta = json.loads((folder / "meta.json").read_text())
    imported = samara.import_model(folder / "model.tflite")
    report = samara.export_model(imported, tmp_path / "m.smr")
    assert imported.oracle is None or (imported.oracle.exact and "LiteRT" in report.oracle)
    assert all(o.error == 0.0 for o in report.outputs)
    # The goldens are of a model that was just started; LiteRT and a session keep state from case to case.
    fresh, kept = samara.load(tmp_path / "m.smr"), samara.load(tmp_path / "m.smr")
    source = None if imported.oracle is None else imported.oracle.start()
    for case in range(meta["cases"]):
        inputs = [np.load(folder / f"in_{case}_{i}.npy") for i in range(len(meta["inputs"]))]
        feed = dict(zip(imported.inputs, inputs, strict=True))
        fresh.reset()
        for index, (output, tolerance) in enumerate(
            zip(outputs_of(fresh(*inputs)), meta["tolerance"], strict=True)
        ):
            golden = np.load(folder / f"out_{case}_{index}.npy")
            assert (output.dtype, output.shape) == (golden.dtype, golden.shape)
            apart = np.abs(output.astype(np.int64) - golden)
            assert apart.max() <= tolerance["max_lsb"]
            assert apart.mean() <= tolerance["mean_lsb"]
        in_session = list(imported.run(feed).values())
        expected = in_session if source is None else source(imported.signatures[0].name, feed).values()
        for found in (in_session, outputs_of(kept(*inputs))):
            for output, value in zip(found, expected, strict=True):
                np.testing.assert_array_equal(output, value, strict=True)


@pytest.mark.parametrize(("name", "score"), [("kws_dscnn_int8", 0.901), ("kws_dscnn_dynrange", 0.905)])
def test_keywords_are_spotted(name: str, score: float, tmp_path: Path) -> None:
    maps = np.fromfile(MATERIAL / "kws01" / "x_int8_1000x490.bin", np.int8).reshape(-1, 1, 49, 10, 1)
    labels = np.fromfile(MATERIAL / "kws01" / "y_uint8_1000.bin", np.uint8)
    meta = json.loads((MATERIAL / "models" / "kws_dscnn_int8" / "meta.json").read_text())
    given: Array = maps
    if name != "kws_dscnn_int8":
        scale, zero_point = (np.float32(meta["inputs"][0][k][0]) for k in ("scale", "zero_point"))
        given = (maps.astype(np.float32) - zero_point) * scale
    model = exported(name, tmp_path)
    right = np.mean([np.argmax(model(x)) == label for x, label in zip(given, labels, strict=True)])
    assert abs(right - score) <= 0.003


@pytest.mark.parametrize(("name", "score"), [("mnist_lstm_int8", 0.977), ("mnist_lstm_float", 0.978)])
def test_digits_are_told_apart(name: str, score: float, tmp_path: Path) -> None:
    raw, labels = (
        gzip.decompress((MATERIAL / "mnist" / f"t10k-{part}-ubyte.gz").read_bytes())
        for part in ("images-idx3", "labels-idx1")
    )
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:1000]
    expected = np.frombuffer(labels, np.uint8, offset=8)[:1000]
    # The integers stand for 0..1 by steps of 1/255.
    int8 = name == "mnist_lstm_int8"
    given = (images.astype(np.int16) - 128).astype(np.int8) if int8 else images / np.float32(255)
    model = exported(name, tmp_path)
    right = 0
    for image, digit in zip(given, expected, strict=True):
        model.reset()
        right += int(np.argmax(model(image)) == digit)
    assert abs(right / len(expected) - score) <= 0.003


def test_model_can_be_inspected() -> None:
    imported = samara.import_model(MATERIAL / "models" / "kws_dscnn_int8" / "model.tflite")
    assert imported.nodes["DEPTHWISE_CONV_2D"] == 4
    (x,), (y,) = imported.inputs.values(), imported.outputs.values()
    assert imported.quantization[x.name].zero_point == 83
    assert float(imported.quantization[y.name].scale) == 1 / 256
    kinds = [op.type for op in imported.graph.operations]
    assert kinds.count("quantized_conv2d") == 5
    # Every layer between can be fetched.
    middle = [op.outputs[0] for op in imported.graph.operations if op.type == "quantized_conv2d"]
    feed = {x: np.zeros((1, 49, 10, 1), np.int8)}
    assert [a.dtype for a in imported.session.run(middle, feed)] == [np.int8] * 5
