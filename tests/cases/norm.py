"""Cases of normalizations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _batch(a: Any, x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> Any:
    y = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        c = place[-1]
        y[place] = scale[c] * (x[place] - mean[c]) / math.sqrt(variance[c] + a.epsilon) + offset[c]
    return y


def _layer(a: Any, x: Any, scale: Any, offset: Any) -> Any:
    axis = a.axis % x.ndim
    y = np.zeros(x.shape)
    for row in np.ndindex(*x.shape[:axis]):
        values = [float(v) for v in np.ravel(x[row])]
        if not values:
            continue
        mean = math.fsum(values) / len(values)
        variance = math.fsum((v - mean) ** 2 for v in values) / len(values)
        for place in np.ndindex(*x.shape[axis:]):
            normal = (x[row + place] - mean) / math.sqrt(variance + a.epsilon)
            y[row + place] = normal * (1 if scale is None else scale[place]) + (
                0 if offset is None else offset[place]
            )
    return y


def _rms(a: Any, x: Any, scale: Any) -> Any:
    axis = a.axis % x.ndim
    y = np.zeros(x.shape)
    for row in np.ndindex(*x.shape[:axis]):
        values = [float(v) for v in np.ravel(x[row])]
        if not values:
            continue
        root = math.sqrt(math.fsum(v * v for v in values) / len(values) + a.epsilon)
        for place in np.ndindex(*x.shape[axis:]):
            y[row + place] = x[row + place] / root * (1 if scale is None else scale[place])
    return y


ORACLES = {"batch_normalization": _batch, "layer_normalization": _layer, "rms_normalization": _rms}


def _batch_case(shape: Any, *, constant: bool = False, label: str = "", **attributes: Any) -> Case:
    def channels(low: float, high: float) -> Input:
        return Input(shape=shape[-1:], low=low, high=high, constant=constant)

    return Case(
        op="batch_normalization",
        inputs=(Input(shape=shape), channels(0.5, 2), channels(-1, 1), channels(-1, 1), channels(0.1, 2)),
        attributes=attributes,
        label=label + ("constant" if constant else ""),
    )


def _layer_case(
    shape: Any,
    *,
    scale: bool = True,
    offset: bool = True,
    label: str = "",
    low: float = -2,
    high: float = 2,
    tolerance: float = 1e-5,
    **attributes: Any,
) -> Case:
    normalized = shape[attributes.get("axis", -1) :]
    return Case(
        op="layer_normalization",
        inputs=(
            Input(shape=shape, low=low, high=high),
            Input(shape=normalized, low=0.5, high=2) if scale else None,
            Input(shape=normalized, low=-1, high=1) if offset else None,
        ),
        attributes=attributes,
        tolerance=tolerance,
        label=label + ("" if scale else "noscale") + ("" if offset else "nooffset"),
    )


def _rms_case(shape: Any, *, scale: bool = True, label: str = "", **attributes: Any) -> Case:
    normalized = shape[attributes.get("axis", -1) :]
    return Case(
        op="rms_normalization",
        inputs=(Input(shape=shape), Input(shape=normalized, low=0.5, high=2) if scale else None),
        attributes=attributes,
        label=label + ("" if scale else "noscale"),
    )


CASES = [
    *(
        _batch_case(s)
        for s in [
            (3,),
            (1, 1),
            (5, 15),
            (2, 16),
            (70, 17),
            (2, 3, 33),
            (2, 3, 4, 5),
            (2, 1, 3, 1, 2, 2),
            (0, 3),
            (3, 0),
        ]
    ),
    _batch_case((2, 4, 4, 3), constant=True),
    _batch_case((2, 4, 3), epsilon=0.5),
    _batch_case((2, 4, 3), epsilon=0.0),
    *(
        _layer_case(s)
        for s in [(7,), (3, 15), (3, 16), (2, 17), (2, 3, 33), (2, 1, 3, 1, 2, 2), (0, 3), (3, 0)]
    ),
    _layer_case((1, 1), epsilon=1e-3),
    _layer_case((4, 5), scale=False),
    _layer_case((4, 5), offset=False),
    _layer_case((4, 5), scale=False, offset=False),
    *(_layer_case((2, 3, 4, 2), axis=i) for i in (0, 1, 2, 3, -3, -4)),
    _layer_case((3, 8), epsilon=0.5),
    _layer_case((2, 1000), label="long"),
    _layer_case((2, 64), low=10, high=12, label="centred"),
    *(
        _rms_case(s)
        for s in [(7,), (3, 15), (3, 16), (2, 17), (2, 3, 33), (2, 1, 3, 1, 2, 2), (0, 3), (3, 0), (1, 1)]
    ),
    _rms_case((4, 5), scale=False),
    *(_rms_case((2, 3, 4, 2), axis=i) for i in (0, 1, 2, 3, -3, -4)),
    _rms_case((3, 8), epsilon=0.5),
    _rms_case((2, 1000), label="long"),
]
