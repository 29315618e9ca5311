"""Training images moved about, so that few of them show more."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def shifted(images: Array, most: int, generator: np.random.Generator) -> Array:
    """Each image [h, w, c] of a batch moved by up to `most` pixels along both axes, zeros moving in."""
    around = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)))
    _, height, width, _ = images.shape
    down, right = generator.integers(0, 2 * most + 1, (2, len(images)))
    rows = down[:, None] + np.arange(height)
    columns = right[:, None] + np.arange(width)
    return around[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
