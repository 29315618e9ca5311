"""Cases of convolutions by minimal filtering: filters that have been transformed."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.ops.winograd import transformed
from tests.cases._case import Case, Input


def _forward(a: Any, x: Any, w: Any, bias: Any) -> Any:
    """The convolution with the filter that `w` has been made of: its first points tell what that was."""

    # Along an axis, point 0 has the first tap, infinity the last one; the sum of those at a and -a the middle one.
    def taps(points: Any) -> Any:
        first, last = points[0], points[5]
        middle = (points[1] - points[2]) / (-4 / 3 * np.sqrt(0.5))
        return np.stack([first, middle, last])

    filter_ = np.swapaxes(taps(np.swapaxes(taps(w), 0, 1)), 0, 1)
    top, bottom, left, right = a.paddings
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    height, width = x.shape[1] - 2, x.shape[2] - 2
    y = np.zeros((x.shape[0], height, width, w.shape[3]))
    for ky, kx in np.ndindex(3, 3):
        y += np.einsum("nyxc,co->nyxo", x[:, ky : ky + height, kx : kx + width], filter_[ky, kx])
    y += 0 if bias is None else bias
    return y if a.activation == "none" else np.clip(y, 0, 6 if a.activation == "relu6" else None)


ORACLES = {"winograd_conv2d": _forward}


def _case(
    size: tuple[int, int, int, int],
    outputs: int,
    paddings: tuple[int, int, int, int],
    *,
    activation: str = "none",
    bias: bool = True,
    dynamic: bool = False,
) -> Case:
    generator = np.random.default_rng(outputs)
    filter_ = generator.uniform(-1, 1, (3, 3, size[3], outputs)).astype(np.float32)
    return Case(
        op="winograd_conv2d",
        inputs=(
            Input(shape=size),
            Input(shape=(6, 6, size[3], outputs), values=transformed(filter_), constant=True),
            Input(shape=(outputs,), constant=True) if bias else None,
        ),
        attributes={"paddings": paddings, "activation": activation},
        gradient=False,
        dynamic=dynamic,
        label="dynamic" if dynamic else "",
    )


CASES = [
    _case((1, 3, 3, 1), 1, (0, 0, 0, 0)),
    _case((2, 4, 4, 16), 16, (1, 1, 1, 1), activation="relu"),
    _case((1, 8, 12, 17), 33, (1, 1, 1, 1)),
    _case((1, 9, 5, 31), 15, (0, 2, 3, 0), activation="relu6"),
    _case((1, 5, 21, 20), 48, (1, 1, 1, 1), bias=False),
    _case((2, 7, 6, 5), 70, (5, 0, 0, 7)),
    _case((1, 16, 16, 24), 24, (1, 1, 1, 1), activation="relu"),
    _case((1, 4, 4, 1100), 16, (1, 1, 1, 1)),
    _case((1, 17, 15, 90), 96, (1, 1, 1, 1)),
    _case((3, 6, 6, 8), 18, (1, 1, 1, 1), dynamic=True),
]
