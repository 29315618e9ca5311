"""A network as a Samara file: what `samara.export_model` makes of the ONNX model."""

from __future__ import annotations

from pathlib import Path

import samara
from benchmarks.formats import onnx_file
from benchmarks.formats.samples import calibration
from benchmarks.network import Network


def write(network: Network, path: Path) -> None:
    """Float32."""
    _export(network, path, None)


def write_int8(network: Network, path: Path) -> None:
    """Int8, calibrated as for everyone; inputs and outputs stay float."""
    _export(network, path, "int8")


def _export(network: Network, path: Path, quantize: str | None) -> None:
    samples = [[x] for x in calibration(network)]
    samara.export_model(
        onnx_file.model(network),
        path,
        samples=samples if quantize else samples[:1],
        quantize=quantize,
        channels_last=len(network.input.shape) == 3,
        golden=0,
    )
