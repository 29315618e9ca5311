"""Keras 3 models on the torch backend are modules of torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")

from samara import Dim, load  # noqa: E402
from samara.exporter.export import export_model  # noqa: E402

pytestmark = pytest.mark.skipif(keras.backend.backend() != "torch", reason="another backend of keras is set")


def called(model: Any, x: Any) -> Any:
    found = model(torch.from_numpy(x), training=False)
    return keras.tree.map_structure(lambda t: t.detach().numpy(), found)


def test_a_convolutional_model(tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((16, 16, 3), name="image"),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3, padding="same", strides=2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    x = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    report = export_model(model, tmp_path / "m.smr", inputs=x)
    # Keras is channels-last, so nothing of torch's layout is left.
    assert report.programs[0].ops["transpose"] == 0
    np.testing.assert_allclose(load(tmp_path / "m.smr")(x), called(model, x), atol=1e-5)


def test_a_model_with_two_outputs_at_any_batch(tmp_path: Path) -> None:
    layers = keras.layers
    tokens = keras.Input((12,), dtype="int32", name="tokens")
    embedded = layers.Embedding(30, 8)(tokens)
    attended = layers.MultiHeadAttention(2, 4)(embedded, embedded)
    normal = layers.LayerNormalization()(attended + embedded)
    pooled = layers.GlobalAveragePooling1D()(normal)
    model = keras.Model(tokens, {"pooled": pooled, "score": layers.Dense(1, activation="sigmoid")(pooled)})
    x = np.random.default_rng(0).integers(0, 30, (2, 12)).astype(np.int32)
    path = tmp_path / "m.smr"
    export_model(model, path, inputs=x, shapes={"tokens": (Dim("batch", 1, 4), 12)})
    file = load(path)
    for batch in (1, 4):
        x = np.random.default_rng(batch).integers(0, 30, (batch, 12)).astype(np.int32)
        expected = called(model, x)
        found = file.context().run(x)
        assert set(found) == {"pooled", "score"}
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5)
