"""Nodes that change the scale of integers or move them."""

from __future__ import annotations

from samara.exporter.frontends.tflite import tables
from samara.exporter.frontends.tflite.integer_scales import (
    handler,
    ratio,
    scale_of,
    scales_of,
    zero_point_of,
)
from samara.exporter.frontends.tflite.multipliers import (
    limits,
)
from samara.exporter.frontends.tflite.node import Node, Operand, Reading, Unsupported
from samara.graph import dtypes
from samara.graph.graph import Tensor


@handler("QUANTIZE")
def _quantize(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0), node.output
    if x.dtype in (dtypes.float32, dtypes.float16):
        return [
            r.b.quantize(
                x.data,
                scale=float(scale_of(y)),
                zero_point=zero_point_of(y),
                dtype=y.dtype,
                rounding="tflite",
            )
        ]
    low, high = limits(y.dtype)
    return [
        r.b.fixed_point_rescale(
            x.data,
            input_zero_point=zero_point_of(x),
            **ratio(scale_of(x), scale_of(y)).named(),
            output_zero_point=zero_point_of(y),
            activation_min=low,
            activation_max=high,
            dtype=y.dtype,
        )
    ]


@handler("DEQUANTIZE")
def _dequantize(r: Reading, node: Node) -> list[Tensor]:
    x, y = node.input(0), node.output
    if x.dtype is dtypes.float16:
        return [r.b.cast(x.data, dtype=y.dtype)]
    return [r.b.dequantize(x.data, scale=float(scale_of(x)), zero_point=zero_point_of(x), dtype=y.dtype)]


@handler("CONCATENATION")
def _concatenation(r: Reading, node: Node) -> list[Tensor]:
    y = node.output
    axis = int(node.options.get("axis", 0))
    if node.options.get("fused_activation_function", "none") != "none":
        raise Unsupported("a concatenation with an activation")
    return [r.b.concat([_at_scale(r, node.input(i), y) for i in range(len(node.inputs))], axis=axis)]


def _at_scale(r: Reading, x: Operand, y: Operand) -> Tensor:
    """Bytes at another scale by float32, as the concatenation of uint8 does it."""
    if (scale_of(x), zero_point_of(x)) == (scale_of(y), zero_point_of(y)):
        return x.data
    if x.dtype is not dtypes.uint8:
        raise Unsupported("a concatenation of different scales", "quantize the model with one scale for them")
    made: Tensor = r.b.lookup_table(x.data, tables.rescaled_by_float(scales_of(x, y)))
    return made


@handler("PAD", "PADV2")
def _pad(r: Reading, node: Node) -> list[Tensor]:
    x, paddings = node.input(0), node.input(1).value
    if paddings is None:
        raise Unsupported("paddings that are computed")
    value = zero_point_of(node.output)
    if node.kind == "PADV2":
        given = node.input(2).value
        if given is None:
            raise Unsupported("a padding value that is computed")
        value = int(given.reshape(-1)[0])
    return [r.b.pad(x.data, paddings=tuple(int(p) for p in paddings.reshape(-1)), value=float(value))]
