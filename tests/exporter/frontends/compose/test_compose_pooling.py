"""Pools whose last windows reach over the end, and windows wider than what they see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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
