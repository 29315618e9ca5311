"""What an export costs, and that nothing of torch's layout is left in a convolutional network."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from samara.exporter.export import export_model

torch = pytest.importorskip("torch")

nn = torch.nn

# Exports a small model, so that everything is loaded, then a larger one; prints what the memory grew to beyond what
# was taken before, over the size of the weights. VmHWM and not ru_maxrss: the latter carries over what the process that
# started this one held.
MEMORY = r"""
import re, sys, warnings
warnings.simplefilter("ignore")
import torch
from samara.exporter.export import export_model

def network(channels, layers):
    made = [torch.nn.Conv2d(3, channels, 3, padding=1)]
    for _ in range(layers):
        made += [torch.nn.Conv2d(channels, channels, 3, padding=1), torch.nn.BatchNorm2d(channels), torch.nn.ReLU()]
    return torch.nn.Sequential(*made).eval()

def kilobytes(name):
    return int(re.search(name + r":\s*(\d+)", open("/proc/self/status").read())[1])

def export(module):
    export_model(module, sys.argv[1], inputs=torch.randn(1, 3, 8, 8))

export(network(4, 1))
module = network(512, 6)
weights = sum(p.numel() * p.element_size() for p in module.parameters())
before = kilobytes("VmRSS")
export(module)
print((kilobytes("VmHWM") - before) * 1024 / weights)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
def test_memory_stays_under_four_times_the_model(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "m.smr")]
    found = subprocess.run(command, text=True, capture_output=True, check=False)
    assert found.returncode == 0, found.stderr
    assert float(found.stdout.split()[-1]) < 4


class Fire(nn.Module):
    def __init__(self, channels: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, narrow, 1)
        self.one, self.three = nn.Conv2d(narrow, wide, 1), nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.one(x)), torch.relu(self.three(x))], 1)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 (Iandola and others, 2016), with a quarter of its channels."""

    def __init__(self) -> None:
        super().__init__()
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 16, 3, 2), nn.ReLU(), pool, Fire(16, 4, 16), Fire(32, 4, 16), pool),
            *(Fire(32, 8, 32), Fire(64, 8, 32), pool, Fire(64, 12, 48), Fire(96, 12, 48)),
            *(Fire(96, 16, 64), Fire(128, 16, 64)),
        )
        self.last = nn.Sequential(nn.Dropout(), nn.Conv2d(128, 10, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x: Any) -> Any:
        return torch.flatten(self.last(self.features(x)), 1)


@pytest.mark.parametrize("kept", [True, False])
def test_squeezenet_has_no_transposes_but_at_its_input(kept: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    report = export_model(
        SqueezeNet().eval(),
        tmp_path / "m.smr",
        inputs=torch.randn(1, 3, 96, 96),
        channels_last=not kept,
    )
    assert report.programs[0].ops["transpose"] == kept
    layers = Counter(layer.op for layer in report.layers)
    assert layers["conv2d"] + layers["winograd_conv2d"] == 26
    assert all(o.error < 1e-4 for o in report.outputs)
