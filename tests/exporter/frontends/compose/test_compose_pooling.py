"""Pools whose last windows reach over the end, and windows wider than what they see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara import Dim, load
from samara.exporter.export import export_model

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402


class Together(nn.Module):
    """What each of several modules makes of one input."""

    def __init__(self, *parts: Any) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Any) -> list[Any]:
        return [part(x) for part in self.parts]


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 3, 7, 9), (1, 1, 8, 5)])
def test_windows_over_the_end(shape: tuple[int, ...], tmp_path: Path) -> None:
    module = Together(
        nn.AvgPool2d(9, ceil_mode=True),
        nn.AvgPool2d((300, 3), (299, 2), (150, 1)),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        nn.AvgPool2d(9, 4, (4, 1), ceil_mode=True),
        nn.AvgPool2d((9, 2), (3, 2), ceil_mode=True),
        nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        nn.MaxPool2d((9, 2), (3, 2), ceil_mode=True),
        nn.LPPool2d(2, 3, 2, ceil_mode=True),
        nn.LPPool2d(3, (2, 1), 3),
    )
    report = export_model(module, tmp_path / "m.smr", inputs=(torch.randn(shape),))
    assert all(o.error < 1e-5 for o in report.outputs)
    # A pool is one op, however many elements its windows have.
    assert sum(report.programs[0].ops[op] for op in ("average_pool2d", "max_pool2d")) == 10


def test_windows_over_an_end_that_moves(tmp_path: Path) -> None:
    module = Together(
        nn.AvgPool2d(3, 2, 1, ceil_mode=True),
        nn.AvgPool2d((3, 2), (2, 3), 1, ceil_mode=True, count_include_pad=False),
        nn.MaxPool2d(2, 3, 1, ceil_mode=True),
        nn.MaxPool2d(3, 2, 1, dilation=2, ceil_mode=True),
    )
    sides = (Dim("height", 5, 16), Dim("width", 5, 16))
    export_model(module, tmp_path / "m.smr", inputs=(torch.randn(1, 2, 8, 9),), shapes={"x": (1, 2, *sides)})
    context = load(tmp_path / "m.smr").context()
    for height, width in ((5, 16), (6, 11), (7, 10), (16, 5)):
        x = torch.randn(1, 2, height, width)
        for found, expected in zip(context.run(x.numpy()).values(), module(x), strict=True):
            np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)
