"""Ops of images, imported from torch: each agrees with torch, at fixed sizes and where height and width move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.graph.dims import Dim
from tests.exporter.frontends.torch_agreement import agrees, close, exported

torch = pytest.importorskip("torch")
F = torch.nn.functional

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
]

IMAGE = torch.arange(2 * 3 * 8 * 6).reshape(2, 3, 8, 6).mul(37).remainder(101).float() / 50 - 1


def _unpooled(x: Any) -> Any:
    y, places = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(y, places, 2, output_size=x.shape[-2:])


FIXED = {
    "indices": lambda x: F.max_pool2d(x, 2, return_indices=True),
    "indices of padded, dilated windows": lambda x: F.max_pool2d(
        x, 3, stride=2, padding=1, dilation=2, return_indices=True
    ),
    "indices along one axis": lambda x: F.max_pool1d(x[:, :, 0], 3, return_indices=True),
    "unpooled": _unpooled,
    "adaptive": lambda x: (F.adaptive_avg_pool2d(x, (3, 4)), F.adaptive_max_pool2d(x, (5, 2))),
    "places of adaptive windows": lambda x: F.adaptive_max_pool2d(x, (5, 4), return_indices=True),
    "shuffled": lambda x: (
        F.pixel_shuffle(torch.cat([x, x, x, x], 1), 2),
        F.pixel_unshuffle(x, 2),
        F.channel_shuffle(x, 3),
    ),
    "unfolded": lambda x: F.fold(F.unfold(x, 3, padding=1, stride=2), (8, 6), 3, padding=1, stride=2),
}


@pytest.mark.parametrize("name", FIXED)
def test_images(name: str) -> None:
    agrees(FIXED[name], (IMAGE,))


RESIZED = {
    "nearest": {"mode": "nearest"},
    "nearest-exact": {"mode": "nearest-exact"},
    "bilinear": {"mode": "bilinear"},
    "corners": {"mode": "bilinear", "align_corners": True},
    "bicubic": {"mode": "bicubic"},
    "antialiased": {"mode": "bilinear", "antialias": True},
}


@pytest.mark.parametrize("name", RESIZED)
def test_resizing_where_sizes_move(name: str, tmp_path: Path) -> None:
    def resized(x: Any) -> Any:
        half = F.interpolate(x, size=(x.shape[2] // 2, x.shape[3] // 2), **RESIZED[name])
        return F.interpolate(x, scale_factor=2.0, **RESIZED[name]), half

    shapes = {"x_0": (2, 3, Dim("height", 4, 20), Dim("width", 4, 16))}
    model = exported(resized, (IMAGE,), tmp_path / "m.smr", shapes=shapes)
    context = model.context()
    for height, width in ((8, 6), (20, 16), (5, 4), (13, 11)):
        x = torch.from_numpy(np.random.default_rng(height).standard_normal((2, 3, height, width), np.float32))
        for found, expected in zip(context.run(x.numpy()).values(), resized(x), strict=True):
            close(found, expected.numpy())


class Sampled(torch.nn.Module):
    """Images read at the places of grids."""

    def forward(self, image: Any, grid: Any) -> Any:
        return [
            F.grid_sample(image, grid, mode, padding, align_corners=corners)
            for mode, padding, corners in (("bilinear", "reflection", False), ("nearest", "zeros", True))
        ]


def test_sampling_where_sizes_move(tmp_path: Path) -> None:
    def drawn(image: tuple[int, int], grid: tuple[int, int]) -> Any:
        random = np.random.default_rng(image[0])
        arrays = random.standard_normal((1, 2, *image)), random.uniform(-1.5, 1.5, (1, *grid, 2))
        return [torch.from_numpy(a.astype(np.float32)) for a in arrays]

    sides = [Dim(name, 1, 12) for name in ("height", "width", "rows", "columns")]
    shapes = {"image": (1, 2, *sides[:2]), "grid": (1, *sides[2:], 2)}
    context = exported(Sampled(), tuple(drawn((5, 6), (4, 3))), tmp_path / "m.smr", shapes=shapes).context()
    for sizes in (((1, 9), (7, 3)), ((12, 1), (1, 12)), ((7, 12), (12, 5))):
        given = drawn(*sizes)
        expected = Sampled()(*given)
        for found, other in zip(context.run(*[x.numpy() for x in given]).values(), expected, strict=True):
            close(found, other.numpy())


class Detector(torch.nn.Module):
    """A fully convolutional network with a pyramid: features of two scales, joined after one is resized."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.stem = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.BatchNorm2d(8), torch.nn.SiLU()
        )
        self.deep = torch.nn.Sequential(
            torch.nn.MaxPool2d(2), torch.nn.Conv2d(8, 16, 3, 1, 1), torch.nn.ReLU()
        )
        self.side = torch.nn.Conv2d(8, 8, 1)
        self.head = torch.nn.Conv2d(24, 5, 3, 1, 1)
        self.small = torch.nn.Conv2d(16, 5, 1)

    def forward(self, image: Any) -> Any:
        x = self.stem(image)
        deep = self.deep(x)
        up = F.interpolate(deep, size=x.shape[-2:], mode="nearest")
        large = self.head(torch.cat([self.side(x), up], 1)).sigmoid()
        return torch.cat([large.flatten(2), self.small(deep).sigmoid().flatten(2)], 2)


SIZES = ((16, 24), (64, 48), (4, 4), (33, 61))


def test_a_detector_at_any_size(tmp_path: Path) -> None:
    module = Detector().eval()
    example = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, 32, 24), np.float32))
    shapes = {"image": (1, 3, Dim("height", 4, 64), Dim("width", 4, 64))}
    model = exported(module, (example,), tmp_path / "m.smr", shapes=shapes)
    context = model.context()
    for high, wide in SIZES:
        image = torch.from_numpy(np.random.default_rng(high).standard_normal((1, 3, high, wide), np.float32))
        close(context.run(image.numpy()), module(image).detach().numpy())
