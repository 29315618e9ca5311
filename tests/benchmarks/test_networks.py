"""The networks have the sizes that are published, and mean the same to every reader of their layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.network import Builder
from benchmarks.networks import NETWORKS
from tests.benchmarks.layers import image_layers, row_layers

# Millions of multiplications and of weights, and the shapes of the results.
SIZES = {
    "nothing": (0.0, 0.0, [(1,)]),
    "autoencoder": (0.264, 0.2659, [(640,)]),
    "ds_cnn": (2.66, 0.0226, [(12,)]),
    "resnet8": (12.50, 0.0777, [(10,)]),
    "mobilenet_v1_025": (7.49, 0.2108, [(2,)]),
    "lstm": (21.84, 0.2193, [(100, 10)]),
    "mobilenet_v3_small": (56.5, 2.537, [(1000,)]),
    "mobilenet_v2": (300.8, 3.488, [(1000,)]),
    "squeezenet": (349.5, 1.235, [(1000,)]),
    "efficientnet_b0": (385.8, 5.268, [(1000,)]),
    "detector": (558.5, 1.867, [(255, 40, 40), (255, 20, 20), (255, 10, 10)]),
    "encoder": (1434.5, 10.648, [(128, 384)]),
    "resnet18": (1814.1, 11.685, [(1000,)]),
    "resnet50": (4089.2, 25.53, [(1000,)]),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes(name: str) -> None:
    network = NETWORKS[name]()
    macs, weights, shapes = SIZES[name]
    assert network.macs / 1e6 == pytest.approx(macs, rel=2e-3)
    assert network.weight_count / 1e6 == pytest.approx(weights, rel=2e-3)
    assert [network.values()[output].shape for output in network.outputs] == shapes
    assert len({layer.name for layer in network.layers}) == len(network.layers)


def test_borders() -> None:
    b = Builder("borders", (1, 49, 10))
    assert b.shape(b.conv("input", 64, (10, 4), stride=2, same=True)) == (64, 25, 5)
    network = b.finish(b.conv("input", 2, 3, stride=2))
    assert [layer.attributes["pads"] for layer in network.layers] == [(4, 1, 5, 1), (1, 1, 1, 1)]


def test_refusals() -> None:
    b = Builder("refused", (3, 4, 4))
    with pytest.raises(ValueError, match="activation 'gulp' is none of relu"):
        b.conv("input", 2, 3, activation="gulp")
    with pytest.raises(ValueError, match=r"input has \[4, 4\] pixels"):
        b.flatten("input")


def test_every_layer_as_samara_runs_it(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from benchmarks import source
    from benchmarks.formats import onnx_file
    from samara.exporter.export import export_model
    from samara.pyruntime.model import load

    for network in (image_layers(), row_layers()):
        network.draw()
        source.settle(network)
        given = network.example(3)
        path = tmp_path / f"{network.name}.smr"
        export_model(onnx_file.model(network), path, golden=0)
        found = load(path).run(given)
        found = list(found.values()) if isinstance(found, dict) else [found]
        for mine, theirs in zip(found, source.run(network, [given])[0], strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def test_settled_weights_keep_values_in_range() -> None:
    pytest.importorskip("torch")
    from benchmarks import source

    network = NETWORKS["resnet8"]()
    network.draw(4)
    source.settle(network)
    found = source.ranges(network, [network.example(7)])
    assert {name for name in found if not name.endswith(".linear")} == network.values().keys()
    assert all(-20 < low <= 0 <= high < 20 for low, high in found.values())
    assert max(high - low for low, high in found.values()) > 2
