"""What an export holds at a time: a few of a model's activations, however many layers it has."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.exporter.report import ExportReport
from samara.graph.backends import numpy as numpy_backend
from samara.graph.graph import Graph, Tensor

SIDE, CHANNELS, LAYERS = 160, 8, 8
ACTIVATION = SIDE * SIDE * CHANNELS * 4


def network(side: int) -> Tensor:
    """Layers with few weights and large activations, between an input and an output that are small."""
    random = np.random.default_rng(0)

    def weights(*shape: int) -> Any:
        return random.standard_normal(shape).astype(np.float32)

    graph = Graph()
    b = graph.b
    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": (1, side, side, 1)}, name="x").outputs[0]
    y: Tensor = b.conv2d(x, weights(3, 3, 1, CHANNELS), weights(CHANNELS), padding="same")
    for _ in range(LAYERS):
        y = b.depthwise_conv2d(y, weights(3, 3, CHANNELS, 1), weights(CHANNELS), padding="same")
        y = b.relu6(y)
    mean: Tensor = b.reduce_mean(y, axes=(1, 2))
    return mean


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_a_few_activations_are_held(
    quantize: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a convolution has on the way does not count beside layers of this size.
    monkeypatch.setattr(numpy_backend, "_BLOCK_BYTES", ACTIVATION // 8)

    def export(side: int) -> ExportReport:
        image = np.random.default_rng(1).standard_normal((1, side, side, 1)).astype(np.float32)
        options: dict[str, Any] = {"samples": [[image]], "quantize": quantize, "tolerance": 1.0}
        return export_model(network(side), tmp_path / "m.smr", **options)

    # What is loaded once does not count either.
    export(4)
    tracemalloc.start()
    try:
        report = export(SIDE)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(report.layers) >= LAYERS
    # An input and an output of a layer in the source and as many in the file's graph, and what compares them.
    assert most < 6.5 * ACTIVATION
    # The arena is not among what Python allocates.
    assert report.arena_bytes < 3 * ACTIVATION
