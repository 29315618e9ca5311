"""A network as an ExecuTorch program: the torch module, exported and lowered to XNNPACK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower

from benchmarks.formats.samples import calibration
from benchmarks.network import Network
from benchmarks.source import Source


def write(network: Network, path: Path) -> None:
    """Float32.

    Raises:
        NotImplementedError: recurrent layers, which would be exported as thousands of nodes, one step after the other.
    """
    _refuse_recurrent(network)
    example = (torch.from_numpy(network.example(0)),)
    _lower(torch.export.export(Source(network).eval(), example), path)


def write_int8(network: Network, path: Path) -> None:
    """Int8 by the quantizer of the backend: static, weights for each channel; refuses as `write`."""
    _refuse_recurrent(network)
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    samples = [torch.from_numpy(x) for x in calibration(network)]
    exported = torch.export.export(Source(network).eval(), (samples[0],)).module()
    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    prepared = prepare_pt2e(exported, quantizer)
    with torch.no_grad():
        for sample in samples:
            prepared(sample)
    _lower(torch.export.export(convert_pt2e(prepared), (samples[0],)), path)


def _refuse_recurrent(network: Network) -> None:
    if any(layer.kind == "lstm" for layer in network.layers):
        raise NotImplementedError("recurrent layers are unrolled into thousands of nodes")


def _lower(exported: Any, path: Path) -> None:
    program = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch()
    path.write_bytes(program.buffer)
