"""A network as an MNN model, built with the expressions of its Python module.

MNN's converter is not used: it reports its use over the network. It would fuse activations into convolutions, which
expressions cannot say; here they are ops of their own.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import MNN.expr as F  # noqa: N812 (as its manual has it)
import numpy as np

from benchmarks.network import Layer, Network, same_pads


def write(network: Network, path: Path) -> None:
    """Float32."""
    F.lazy_eval(True)
    images = len(network.input.shape) == 3
    given = F.placeholder([1, *network.input.shape], F.NCHW)
    given.name = network.input.name
    values = {network.input.name: F.convert(given, F.NC4HW4) if images else given}
    for layer in network.layers:
        values[layer.name] = _activated(layer, _linear(network, layer, [values[n] for n in layer.inputs]))
    outputs = []
    for name in network.outputs:
        value = values[name]
        if len(network.values()[name].shape) == 3:
            value = F.convert(value, F.NCHW)
        value.name = name
        outputs.append(value)
    F.save(outputs, str(path))


def _constant(array: Any) -> Any:
    array = np.ascontiguousarray(array, np.float32)
    return F.const(array, list(array.shape), F.NCHW)


def _activated(layer: Layer, x: Any) -> Any:
    match layer.activation:
        case "":
            return x
        case "relu":
            return F.relu(x)
        case "relu6":
            return F.relu6(x)
        case "sigmoid":
            return F.sigmoid(x)
        case "tanh":
            return F.tanh(x)
        case "silu":
            return x * F.sigmoid(x)
        case "gelu":
            return F.gelu(x)
        case "hard_sigmoid":
            return F.relu6(x + _constant([3.0])) * _constant([1 / 6])
        case "hard_swish":
            return x * (F.relu6(x + _constant([3.0])) * _constant([1 / 6]))
    raise ValueError(f"activation {layer.activation!r}")


def _linear(network: Network, layer: Layer, inputs: list[Any]) -> Any:
    x, attributes = inputs[0], layer.attributes
    match layer.kind:
        case "conv":
            weight, bias = _constant(network.of(layer, "weight")), _constant(network.of(layer, "bias"))
            (sh, sw), groups = attributes["strides"], attributes["groups"]
            mode, pads = _padding(network, layer)
            return F.conv2d(x, weight, bias, (sw, sh), pads, (1, 1), groups, mode)
        case "dense":
            return F.matmul(x, _constant(network.of(layer, "weight").T)) + _constant(
                network.of(layer, "bias")
            )
        case "add":
            return x + inputs[1]
        case "multiply":
            return x * inputs[1]
        case "activate":
            return x
        case "max_pool":
            mode, (left, top) = _padding(network, layer)
            if top or left:
                # Caffe's pooling rounds sizes up. Behind a ReLU, zeros do not change the largest value.
                pads = np.array([[0, 0], [0, 0], [top, top], [left, left]], np.int32)
                x, mode = F.pad(x, F.const(pads, [4, 2], F.NCHW, F.int), F.CONSTANT), F.VALID
            return F.max_pool(x, attributes["kernel"], attributes["strides"], mode, (0, 0))
        case "global_average":
            _, height, width = network.values()[layer.inputs[0]].shape
            return F.avg_pool(x, (width, height), (width, height), F.VALID, (0, 0))
        case "flatten":
            return F.reshape(F.convert(x, F.NCHW), [1, layer.output.shape[0]])
        case "concat":
            return F.concat(inputs, 1)
        case "softmax":
            return F.softmax(x, -1)
        case "layer_norm":
            mean = F.reduce_mean(x, [-1], True)
            centred = x - mean
            variance = F.reduce_mean(centred * centred, [-1], True)
            scaled = centred * F.rsqrt(variance + _constant([attributes["epsilon"]]))
            return scaled * _constant(network.of(layer, "gamma")) + _constant(network.of(layer, "beta"))
        case "attention":
            return _attention(layer, inputs)
    raise NotImplementedError(f"{layer.kind} has no expression")


def _padding(network: Network, layer: Layer) -> tuple[Any, tuple[int, int]]:
    attributes = layer.attributes
    top, left, bottom, right = attributes["pads"]
    _, height, width = network.values()[layer.inputs[0]].shape
    if attributes["pads"] == same_pads((height, width), attributes["kernel"], attributes["strides"]):
        return F.SAME, (0, 0)
    if not any(attributes["pads"]):
        return F.VALID, (0, 0)
    if (top, left) != (bottom, right):
        raise NotImplementedError(f"{layer.name} pads its sides differently")
    return F.CAFFE, (left, top)


def _attention(layer: Layer, inputs: list[Any]) -> Any:
    heads = layer.attributes["heads"]
    rows, width = layer.output.shape
    q, k, v = (F.transpose(F.reshape(x, [1, rows, heads, width // heads]), [0, 2, 1, 3]) for x in inputs)
    scores = F.matmul(q, k, False, True) * _constant([math.sqrt(heads / width)])
    mixed = F.matmul(F.softmax(scores, -1), v)
    return F.reshape(F.transpose(mixed, [0, 2, 1, 3]), [1, rows, width])
