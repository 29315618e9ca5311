"""What handlers of integer nodes share: the scales of tensors, and bytes of either sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite import tables
from samara.exporter.frontends.tflite.multipliers import (
    Multiplier,
    activation_range,
    limits,
    multiplier_of,
)
from samara.exporter.frontends.tflite.node import Array, Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor

F = np.float32
Handler = Callable[[Reading, Node], Sequence[Tensor]]
HANDLERS: dict[str, Handler] = {}


def handler(*kinds: str) -> Callable[[Handler], Handler]:
    """Registers a function as the handler of kinds of nodes."""

    def register(function: Handler) -> Handler:
        for kind in kinds:
            HANDLERS[kind] = function
        return function

    return register


# Scales ----------------------------------------------------------------------------------------------------------


def scale_of(operand: Operand) -> Any:
    """The one scale of a tensor, as a float32."""
    if operand.scale is None or operand.scale.size != 1:
        raise Unsupported(
            f"tensor {operand.name!r} has {0 if operand.scale is None else operand.scale.size} scales"
        )
    scale = F(operand.scale.reshape(-1)[0])
    if not 0.0 < float(scale) < math.inf:
        raise Unsupported(f"tensor {operand.name!r} has the scale {float(scale):g}")
    return scale


def zero_point_of(operand: Operand) -> int:
    """The one zero point of a tensor."""
    if operand.zero_point is None or operand.zero_point.size == 0:
        return 0
    zero_point = int(operand.zero_point.reshape(-1)[0])
    low, high = limits(operand.dtype)
    if not low <= zero_point <= high:
        raise Unsupported(f"tensor {operand.name!r} has the zero point {zero_point}, outside {low}..{high}")
    return zero_point


def ratio(numerator: Any, denominator: Any) -> Multiplier:
    """The fixed-point multiplier of a quotient of scales, divided in float64."""
    return multiplier_of(float(numerator) / float(denominator))


class Signed:
    """A tensor of uint8 seen as int8, with everything 128 less; int8 and int16 are as they are."""

    def __init__(self, operand: Operand) -> None:
        self.operand = operand
        self.shift = 128 if operand.dtype is dtypes.uint8 else 0
        self.dtype = dtypes.int8 if self.shift else operand.dtype
        self.zero_point = zero_point_of(operand) - self.shift
        self.scale = scale_of(operand)

    def tensor(self, r: Reading) -> Tensor:
        """The numbers of an input."""
        return signed(r, self.operand.data)

    def value(self) -> Array | None:
        """The numbers of a constant."""
        value = self.operand.value
        return None if value is None else (value.astype(np.int32) - self.shift).astype(self.dtype.numpy)

    def range(self, node: Node, activation: str | None = None) -> dict[str, int]:
        """Zero point and activation range of the output of a node, as attributes; None for the fused activation."""
        activation = activation or node.options.get("fused_activation_function", "none")
        try:
            low, high = activation_range(
                activation, self.scale, self.zero_point + self.shift, self.operand.dtype
            )
        except ValueError:
            raise Unsupported(f"the fused activation {activation}") from None
        return {
            "output_zero_point": self.zero_point,
            "activation_min": low - self.shift,
            "activation_max": high - self.shift,
        }

    def written(self, r: Reading, tensor: Tensor) -> list[Tensor]:
        """What a handler returns for an output whose numbers these are."""
        return [unsigned(r, tensor) if self.shift else tensor]


INT32 = {"activation_min": -(2**31), "activation_max": 2**31 - 1, "dtype": dtypes.int32}
_TO_SIGNED = {"input_zero_point": 128, "multiplier": 1.0, "output_zero_point": 0, "dtype": dtypes.int8}
_TO_UNSIGNED = {"input_zero_point": 0, "multiplier": 1.0, "output_zero_point": 128, "dtype": dtypes.uint8}


def signed(r: Reading, x: Tensor) -> Tensor:
    """Bytes of 0..255 as -128..127; others stay."""
    if x.dtype is not dtypes.uint8:
        return x
    if x.op.type == "requantize" and x.op.attributes == {**x.op.attributes, **_TO_UNSIGNED}:
        source = x.op.inputs[0]
        if source is not None and source.dtype is dtypes.int8:
            return source
    made: Tensor = r.b.requantize(x, **_TO_SIGNED)
    return made


def unsigned(r: Reading, x: Tensor) -> Tensor:
    """The way back."""
    made: Tensor = r.b.requantize(x, **_TO_UNSIGNED)
    return made


def same_scale(node: Node, *operands: Operand) -> None:
    """Refuses what only moves integers when their scales differ."""
    scales = {(float(scale_of(o)), zero_point_of(o)) for o in operands}
    if len(scales) > 1:
        raise Unsupported(
            "inputs and outputs of different scales", "quantize the model with one scale for them"
        )


def expect_scale(operand: Operand, scale: float, zero_point: int) -> None:
    """Refuses another scale than the one that the results of a function always have."""
    found, stored = float(scale_of(operand)), zero_point_of(operand)
    if abs(found - scale) > 0.001 * scale or stored != zero_point:
        raise Unsupported(
            f"output {operand.name!r} has the scale {found:g} and the zero point {stored}, expected {scale:g} and "
            f"{zero_point}"
        )


def look_up(r: Reading, node: Node, table: Any) -> list[Tensor]:
    """A function of one byte, by its results for the bytes in rising order."""
    return [r.b.lookup_table(node.input(0).data, np.asarray(table, node.output.dtype.numpy))]


def scales_of(x: Operand, y: Operand) -> tables.Scales:
    """What the numbers of an input and of an output stand for."""
    return tables.Scales(
        dtype=x.dtype,
        scale=scale_of(x),
        zero_point=zero_point_of(x),
        output_scale=scale_of(y),
        output_zero_point=zero_point_of(y),
    )
