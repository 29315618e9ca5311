"""The networks of the benchmark, smallest first."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.network import Network
from benchmarks.networks import detection, mobile, residual, sequences, tiny

# The one whose figures are what a call costs.
OVERHEAD = "nothing"

NETWORKS: dict[str, Callable[[], Network]] = {
    OVERHEAD: tiny.nothing,
    "autoencoder": tiny.autoencoder,
    "ds_cnn": tiny.ds_cnn,
    "resnet8": tiny.resnet8,
    "mobilenet_v1_025": tiny.mobilenet_v1_025,
    "lstm": sequences.lstm,
    "mobilenet_v3_small": mobile.mobilenet_v3_small,
    "mobilenet_v2": mobile.mobilenet_v2,
    "squeezenet": residual.squeezenet,
    "efficientnet_b0": mobile.efficientnet_b0,
    "detector": detection.detector,
    "encoder": sequences.encoder,
    "resnet18": residual.resnet18,
    "resnet50": residual.resnet50,
}
