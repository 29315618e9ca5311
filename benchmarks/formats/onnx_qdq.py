"""A network as an ONNX model quantized by ONNX Runtime: int8 weights for each channel, uint8 activations, QDQ nodes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks.formats import onnx_file
from benchmarks.formats.samples import calibration
from benchmarks.network import Network


class _Samples(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, network: Network) -> None:
        self._left = iter([{network.input.name: x} for x in calibration(network)])

    def get_next(self) -> Any:
        return next(self._left, None)


def write(network: Network, path: Path) -> None:
    """Static, by the least and the largest value of each tensor."""
    with tempfile.TemporaryDirectory() as folder:
        plain, ready = Path(folder) / "plain.onnx", Path(folder) / "ready.onnx"
        onnx_file.write(network, plain)
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(path),
            _Samples(network),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
