"""From channels first to the images that ops work on, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.graph.graph import Tensor


def to_image(b: Any, x: Tensor) -> Tensor:
    """[N, C, W] or [N, C, H, W] as [N, H, W, C]; a missing height is 1.

    Raises:
        ValueError: the rank is another one.
    """
    rank = len(x.shape or ())
    if rank not in (3, 4):
        raise ValueError(f"expected one or two spatial axes, found {rank - 2}")
    image = x if rank == 4 else b.expand_dims(x, axis=2)
    turned: Tensor = b.transpose(image, permutation=(0, 2, 3, 1))
    return turned


def from_image(b: Any, y: Tensor, spatial: int) -> Tensor:
    """[N, H, W, C] as [N, C, H, W], or as [N, C, W] when there was one spatial axis."""
    turned: Tensor = b.transpose(y, permutation=(0, 3, 1, 2))
    return turned if spatial == 2 else b.squeeze(turned, axes=(2,))


def two(values: Sequence[int], missing: int) -> tuple[int, int]:
    """Numbers for height and width, from those of one or two spatial axes."""
    return (missing, values[0]) if len(values) == 1 else (values[0], values[1])
