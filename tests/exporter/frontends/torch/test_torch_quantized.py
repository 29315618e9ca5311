"""Quantized programs, as PT2E writes them: marks of quantization in a float program become integers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara import load
from samara.exporter.export import export_model
from tests.exporter.frontends.torch_agreement import agrees, exported

torch = pytest.importorskip("torch")
pytest.importorskip("torch.ao.quantization.fx._decomposed")  # defines the ops


OPS = torch.ops.quantized_decomposed
F = torch.nn.functional


def marked(x: Any, scale: float, zero: int) -> Any:
    q = OPS.quantize_per_tensor(x, scale, zero, -128, 127, torch.int8)
    return OPS.dequantize_per_tensor(q, scale, zero, -128, 127, torch.int8)


class Quantized(torch.nn.Module):
    """A convolution, its relu and a linear layer with int8 weights and marked activations."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.register_buffer(
            "filters", torch.randint(-127, 128, (8, 3, 3, 3), generator=generator, dtype=torch.int8)
        )
        self.register_buffer("scales", torch.linspace(0.002, 0.01, 8))
        self.register_buffer("zeros", torch.zeros(8, dtype=torch.int64))
        self.register_buffer(
            "weights", torch.randint(-127, 128, (5, 8), generator=generator, dtype=torch.int8)
        )
        self.bias = torch.nn.Parameter(torch.linspace(-0.5, 0.5, 8))

    def forward(self, x: Any) -> Any:
        x = marked(x, 0.02, -3)
        w = OPS.dequantize_per_channel(self.filters, self.scales, self.zeros, 0, -127, 127, torch.int8)
        x = marked(torch.relu(F.conv2d(x, w, self.bias, padding=1)), 0.05, -128)
        x = marked(x.mean((2, 3)), 0.02, -128)
        w = OPS.dequantize_per_tensor(self.weights, 0.01, 0, -127, 127, torch.int8)
        return marked(F.linear(x, w), 0.08, 4)


def test_marks_become_integer_arithmetic(tmp_path: Path) -> None:
    module = Quantized().eval()
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    report = export_model(module, tmp_path / "m.smr", inputs=(x,))
    ops = report.programs[0].ops
    assert ops["quantized_conv2d"] == ops["quantized_matmul"] == 1
    assert not ops["conv2d"]
    found, expected = load(tmp_path / "m.smr")(x.numpy()), module(x).detach().numpy()
    # One step of the output's scale, where a sum rounds the other way.
    assert np.abs(found - expected).max() <= 0.08 * 1.001
    assert np.mean(found != expected) < 0.3


def test_single_ops() -> None:
    x = torch.linspace(-3, 3, 24).reshape(2, 3, 4)
    scales, zeros = torch.tensor([0.1, 0.02, 0.5]), torch.tensor([0, 5, -7])

    def ops(x: Any) -> Any:
        q = OPS.quantize_per_tensor(x, 0.03, 2, -127, 127, torch.int8)
        u = OPS.quantize_per_tensor(x, 0.013, 100, 0, 255, torch.uint8)
        c = OPS.quantize_per_channel(x, scales, zeros, 1, -128, 127, torch.int8)
        s, z = OPS.choose_qparams(x, -128, 127, 1e-6, torch.int8)
        d = OPS.quantize_per_tensor.tensor(x, s, z, -128, 127, torch.int8)
        return {
            "tensor": q,
            "unsigned": u,
            "channel": c,
            "scale": s.float().reshape(()),
            "zero": z.reshape(()),
            "dynamic": d,
            "back": OPS.dequantize_per_tensor(q, 0.03, 2, -127, 127, torch.int8),
            "channel_back": OPS.dequantize_per_channel(c, scales, zeros, 1, -128, 127, torch.int8),
            "dynamic_back": OPS.dequantize_per_tensor.tensor(d, s, z, -128, 127, torch.int8),
        }

    agrees(ops, (x,))


def test_weights_alone_are_quantized(tmp_path: Path) -> None:
    class Weights(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weights", torch.arange(-20, 20, dtype=torch.int8).reshape(5, 8))

        def forward(self, x: Any) -> Any:
            return F.linear(x, OPS.dequantize_per_tensor(self.weights, 0.05, 1, -128, 127, torch.int8))

    exported(Weights(), (torch.randn(3, 8),), tmp_path / "m.smr")


class Blocks(torch.nn.Module):
    """A convolution with its norm, a depthwise and a pointwise one, a sum, a pool, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        nn = torch.nn
        self.first, self.norm = nn.Conv2d(3, 16, 3, padding=1, stride=2), nn.BatchNorm2d(16)
        self.each, self.mix = nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Conv2d(16, 16, 1)
        self.pool, self.last = nn.AdaptiveAvgPool2d(1), nn.Linear(16, 10)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.norm(self.first(x)))
        x = x + self.mix(F.hardtanh(self.each(x), 0, 6))
        return self.last(self.pool(x).flatten(1))


@pytest.mark.parametrize("per_channel", [False, True])
def test_what_torchao_quantizes(per_channel: bool, tmp_path: Path) -> None:
    pytest.importorskip("torchao")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
        from torchao.testing.pt2e import _xnnpack_quantizer as xnnpack

        torch.manual_seed(0)
        traced = torch.export.export(Blocks().eval(), (torch.randn(2, 3, 16, 16),)).module()
        quantizer = xnnpack.XNNPACKQuantizer()
        quantizer.set_global(xnnpack.get_symmetric_quantization_config(is_per_channel=per_channel))
        module = prepare_pt2e(traced, quantizer)
        with torch.no_grad():
            for _ in range(4):
                module(torch.randn(2, 3, 16, 16))
        module = convert_pt2e(module)
        x = torch.randn(2, 3, 16, 16)
        program = torch.export.export(module, (x,))
        torch.export.save(program, tmp_path / "m.pt2")
    expected = module(x).detach().numpy()
    for source, inputs in ((module, (x,)), (tmp_path / "m.pt2", None)):
        report = export_model(source, tmp_path / "m.smr", inputs=inputs)
        ops = report.programs[0].ops
        assert (ops["quantized_conv2d"], ops["quantized_depthwise_conv2d"], ops["quantized_matmul"]) == (
            2,
            1,
            1,
        )
        assert ops["quantized_add"] == 1
        assert not ops["conv2d"] + ops["matmul"] + ops["add"] + ops["relu"] + ops["clip"]
        found = load(tmp_path / "m.smr")(x.numpy())
        step = float(np.diff(np.unique(expected)).min())
        assert np.abs(found - expected).max() <= step * 1.01
        assert np.mean(found != expected) < 0.05
