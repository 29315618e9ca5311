"""The rules: each builds the integer operation that takes the place of a float one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.graph import dims, dtypes
from samara.graph.execution.session import compute
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.rewrite import constant_value
from samara.quantize.scheme import Quantization, linear, multiplier_of

Array = np.ndarray[Any, Any]

# What softmax writes: probabilities in steps of 1/256, as every runtime has them.
PROBABILITY = Quantization(scale=np.float32(1.0 / 256.0), zero_point=np.int32(-128))

_SHARED = ("strides", "padding", "paddings", "dilations")


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where an integer operation is built.

    Attributes:
        op: the float operation of the old graph.
        clamp: the activation after it that it carries out, or None.
        graph: the new graph.
        name: of the operation to add.
        x: the inputs that are read as integers, in the new graph.
        scales: what their integers stand for.
        y: what the output's integers stand for.
        note: called with a new tensor and what its integers stand for.
        weights: the scale of each output channel's weights; chosen by their range when None.
    """

    op: Operation
    clamp: Operation | None
    graph: Graph
    name: str
    x: Sequence[Tensor]
    scales: Sequence[Quantization]
    y: Quantization
    note: Callable[[Tensor, Quantization], None]
    weights: Array | None = None

    def constant(self, array: Array, what: str) -> Tensor:
        """A constant named after the operation."""
        attributes = {"value": np.ascontiguousarray(array), "dtype": dtypes.as_dtype(array.dtype)}
        return self.graph.apply("constant", [], attributes, name=f"{self.name}/{what}").outputs[0]

    def apply(self, type_: str, inputs: Sequence[Any], attributes: dict[str, Any]) -> list[Tensor]:
        """The operation, with the attributes that all of them have."""
        low, high = self.limits()
        common = {
            "output_zero_point": int(self.y.zero_point),
            "activation_min": low,
            "activation_max": high,
            "rounding": "native",
        }
        return self.graph.apply(
            type_, inputs, {**attributes, **common}, name=self.name, exact_name=True
        ).outputs

    def limits(self) -> tuple[int, int]:
        """The range of the output: that of int8, or the part that the activation lets through."""
        low, high = -math.inf, math.inf
        activation = self.op.attributes.get("activation", "none")
        if self.clamp is not None and self.clamp.type == "clip":
            low, high = self.clamp.a.minimum, self.clamp.a.maximum
        elif self.clamp is not None:
            activation = self.clamp.type
        if activation != "none":
            low, high = 0.0, 6.0 if activation == "relu6" else math.inf
        return self._stored(low, -128), self._stored(high, 127)

    def _stored(self, real: float, unlimited: int) -> int:
        if not math.isfinite(real):
            return unlimited
        return min(max(round(real / float(self.y.scale)) + int(self.y.zero_point), -128), 127)


def _linear(site: Site, weights: Array, shape: tuple[int, ...]) -> tuple[list[Tensor], Array]:
    """Filter, bias and multiplier as constants, from weights as a matrix; and the filter's scales."""
    bias = constant_value(site.op.inputs[2]) if len(site.op.inputs) > 2 else None
    what = f"{site.op.type} {site.op.name!r}"
    found = linear(weights, bias, x=site.scales[0], y=site.y, what=what, scale=site.weights)
    tensors = [
        site.constant(found.filter.reshape(shape), "filter"),
        site.constant(found.bias, "bias"),
        site.constant(found.multiplier, "multiplier"),
    ]
    return tensors, found.scale


def _note_filter(site: Site, tensor: Tensor, scale: Array, axis: int) -> None:
    zeros = np.zeros(scale.shape, np.int32)
    site.note(tensor, Quantization(scale=scale, zero_point=zeros, axis=axis))


def _conv2d(site: Site) -> list[Tensor]:
    weights = constant_value(site.op.inputs[1])
    assert weights is not None
    tensors, scale = _linear(site, weights.reshape(-1, weights.shape[3]), weights.shape)
    _note_filter(site, tensors[0], scale, 3)
    attributes = {n: site.op.attributes[n] for n in (*_SHARED, "groups")}
    attributes["input_zero_point"] = int(site.scales[0].zero_point)
    return site.apply("quantized_conv2d", [site.x[0], *tensors], attributes)


def _depthwise(site: Site) -> list[Tensor]:
    weights = constant_value(site.op.inputs[1])
    assert weights is not None
    rows, columns, channels, per_channel = weights.shape
    tensors, scale = _linear(site, weights.reshape(rows * columns, channels * per_channel), weights.shape)
    if 1 in (channels, per_channel):
        _note_filter(site, tensors[0], scale, 2 if per_channel == 1 else 3)
    attributes = {n: site.op.attributes[n] for n in _SHARED}
    attributes["input_zero_point"] = int(site.scales[0].zero_point)
    return site.apply("quantized_depthwise_conv2d", [site.x[0], *tensors], attributes)


def _matmul(site: Site) -> list[Tensor]:
    weights = constant_value(site.op.inputs[1])
    assert weights is not None
    weights = weights.T if site.op.a.transpose_y else weights
    tensors, scale = _linear(site, weights, weights.shape)
    _note_filter(site, tensors[0], scale, 1)
    return site.apply("quantized_matmul", [site.x[0], *tensors], {})


def _sum(site: Site, sign: int) -> list[Tensor]:
    left, right = (float(s.scale) for s in site.scales)
    larger = max(left, right)
    attributes = {
        "x_zero_point": int(site.scales[0].zero_point),
        "y_zero_point": int(site.scales[1].zero_point),
        "x_multiplier": round(left / larger * (1 << 22)),
        "y_multiplier": sign * round(right / larger * (1 << 22)),
        "multiplier": multiplier_of(larger / float(site.y.scale) / (1 << 22)),
    }
    return site.apply("quantized_add", site.x, attributes)


def _product(site: Site) -> list[Tensor]:
    left, right = (float(s.scale) for s in site.scales)
    attributes = {
        "x_zero_point": int(site.scales[0].zero_point),
        "y_zero_point": int(site.scales[1].zero_point),
        "multiplier": multiplier_of(left * right / float(site.y.scale)),
    }
    return site.apply("quantized_multiply", site.x, attributes)


def _rescaling(site: Site) -> dict[str, Any]:
    return {
        "input_zero_point": int(site.scales[0].zero_point),
        "multiplier": multiplier_of(float(site.scales[0].scale) / float(site.y.scale)),
    }


def _average_pool(site: Site) -> list[Tensor]:
    names = ("pool_size", "strides", "padding", "paddings", "count_include_pad")
    attributes = {n: site.op.attributes[n] for n in names if n in site.op.attributes}
    return site.apply("quantized_average_pool2d", site.x, {**attributes, **_rescaling(site)})


def _mean(site: Site) -> list[Tensor]:
    attributes = {"axes": site.op.a.axes, "keepdims": site.op.a.keepdims}
    return site.apply("quantized_mean", site.x, {**attributes, **_rescaling(site)})


def exponentials(scale: float, size: int) -> Array:
    """exp(-scale * d) for d from 0 to 255, in fixed point: `size` of them add up to less than 2^31."""
    peak = min(1 << 23, (2**31 - 1) // max(size, 1))
    table: Array = np.round(np.exp(-scale * np.arange(256)) * peak).astype(np.int32)
    return table


def _softmax(site: Site) -> list[Tensor]:
    shape = site.x[0].shape
    axis = site.op.a.axis
    size = dims.bounds(shape[axis])[1] if shape is not None else 1
    table = site.constant(exponentials(float(site.scales[0].scale), size), "exponentials")
    attributes = {"axis": axis, "multiplier": 1.0 / float(site.y.scale)}
    return site.apply("quantized_softmax", [site.x[0], table], attributes)


def _table(site: Site) -> list[Tensor]:
    """The operation itself, computed in float64 for all 256 inputs."""
    every = site.scales[0].dequantize(np.arange(-128, 128, dtype=np.int8))
    definition = site.op.definition
    wide = (
        dtypes.float64
        if dtypes.float64 in definition.dtypes_of(definition.operands[0].type)
        else dtypes.float32
    )
    scratch = Graph()
    inputs = []
    for tensor in site.op.given_inputs:
        value = constant_value(tensor)
        array = every if value is None else np.full(256, value.ravel()[0])
        attributes = {"value": array.astype(wide.numpy), "dtype": wide}
        inputs.append(scratch.apply("constant", [], attributes).outputs[0])
    op = scratch.apply(definition.name, inputs, site.op.attributes)
    (result,) = compute(op, [t.op.a.value for t in inputs])
    table = site.constant(site.y.quantize(result), "table")
    return site.graph.apply("lookup_table", [site.x[0], table], name=site.name, exact_name=True).outputs


_RULES: dict[str, Callable[[Site], list[Tensor]]] = {
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise,
    "matmul": _matmul,
    "add": lambda site: _sum(site, 1),
    "subtract": lambda site: _sum(site, -1),
    "multiply": _product,
    "average_pool": _average_pool,
    "mean": _mean,
    "softmax": _softmax,
    "table": _table,
}


def build(rule: str, site: Site) -> list[Tensor]:
    """The outputs of the integer operation that a rule makes."""
    return _RULES[rule](site)


def requantized(graph: Graph, tensor: Tensor, x: Quantization, y: Quantization, name: str) -> Tensor:
    """Integers of one scale as integers of another."""
    attributes = {
        "input_zero_point": int(x.zero_point),
        "multiplier": multiplier_of(float(x.scale) / float(y.scale)),
        "output_zero_point": int(y.zero_point),
    }
    return graph.apply("requantize", [tensor], attributes, name=name).outputs[0]


__all__ = ["PROBABILITY", "Site", "build", "exponentials", "requantized"]
