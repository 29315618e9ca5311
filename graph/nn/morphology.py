"""Greyscale morphology: windows to which a kernel is added before their largest, or smallest, value is taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor
from samara.graph.nn._format import along, every, spatial


def dilation2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    filters: Any = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """The largest of each window of [N, H, W, C] plus a filter [KH, KW, C]; height and width are known numbers.

    Raises:
        ValueError: a size is not known, or the format is not NHWC.
    """
    _require_last(data_format, "dilation2d")
    taps = convert_to_tensor(filter if filter is not None else filters)
    apart = rates if rates is not None else dilations
    return _dilated(convert_to_tensor(input), taps, strides, apart, padding, name or "Dilation2D")


def erosion2d(
    value: Any,
    kernel: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    filters: Any = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """The smallest of each window minus a kernel turned by half: the dual of dilation2d."""
    _require_last(data_format, "erosion2d")
    taps = convert_to_tensor(kernel if kernel is not None else filters)
    tensor = convert_to_tensor(value)
    apart = rates if rates is not None else dilations
    with tensor.graph.name_scope(name or "erosion2d"):
        b = tensor.graph.b
        turned = b.strided_slice(
            taps, begin=(0, 0, 0), end=(0, 0, 0), strides=(-1, -1, 1), begin_mask=7, end_mask=7
        )
        result: Tensor = b.negative(
            _dilated(b.negative(tensor), turned, strides, apart, padding, "Dilation2D")
        )
    return result


def _require_last(data_format: str | None, what: str) -> None:
    if data_format not in (None, "NHWC"):
        raise ValueError(f"{what}: data_format={data_format!r}: use 'NHWC'")


def _dilated(x: Tensor, taps: Tensor, strides: Any, rates: Any, padding: Any, name: str) -> Tensor:
    step, apart = spatial(strides, "strides"), spatial(1 if rates is None else rates, "rates")
    shape, kernel = x.get_shape(), taps.get_shape()
    top, bottom, rows = along(
        padding, shape[1], kernel[0], step[0], apart[0], "the height of dilation2d's input"
    )
    left, right, columns = along(
        padding, shape[2], kernel[1], step[1], apart[1], "the width of dilation2d's input"
    )
    b = x.graph.b
    with x.graph.name_scope(name):
        held = b.pad(x, paddings=(0, 0, top, bottom, left, right, 0, 0), value=-np.inf)
        result: Tensor | None = None
        for ky in range(kernel[0]):
            for kx in range(kernel[1]):
                part = every(held, [1, 2], [ky * apart[0], kx * apart[1]], step, [rows, columns])
                raised = b.add(part, taps[ky, kx])
                result = raised if result is None else b.maximum(result, raised)
    assert result is not None
    return result


__all__ = [
    "dilation2d",
    "erosion2d",
]
