"""A network as a TensorFlow Lite model, float or int8, in the ops that TensorFlow's converter writes for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.formats.scales import Scale, activation_scales, quantized_weight, scale_of, weight_scales
from benchmarks.formats.tflite_writer import TfliteWriter
from benchmarks.network import Array, Layer, Network, same_pads

_FUSED = {"": 0, "relu": 1, "relu6": 3}
_SAME, _VALID = 0, 1
_TANH = 4
# The kernels of these ops ask for these scales.
_FIXED = {"softmax": Scale(1 / 256, -128), "sigmoid": Scale(1 / 256, -128), "tanh": Scale(1 / 128, 0)}
_FLOAT_ONLY = ("layer_norm", "attention", "lstm")


def write(network: Network, path: Path) -> None:
    """Float32."""
    _Layers(network, None).save(path)


def write_int8(network: Network, path: Path) -> None:
    """Int8, weights for each channel; inputs and outputs stay float.

    Raises:
        NotImplementedError: a layer that LiteRT runs in float only, or that would need its own recipe.
    """
    for layer in network.layers:
        if layer.kind in _FLOAT_ONLY:
            raise NotImplementedError(f"{layer.kind} is not written in int8")
    _Layers(network, activation_scales(network)).save(path)


class _Layers:
    def __init__(self, network: Network, scales: dict[str, Scale] | None) -> None:
        self.network, self.scales = network, scales
        self.writer = TfliteWriter()
        self.tensors: dict[str, int] = {}
        self.shapes = {v.name: _shape(v.shape) for v in network.values().values()}

    def save(self, path: Path) -> None:
        entry = network_input = self.writer.tensor("input", self.shapes["input"])
        if self.scales is not None:
            entry = self.result("input", "input.int8")
            self.writer.operator("QUANTIZE", [network_input], [entry], "QuantizeOptions")
        self.tensors["input"] = entry
        for layer in self.network.layers:
            self.layer(layer)
        outputs = [self.tensors[name] for name in self.network.outputs]
        if self.scales is not None:
            stored, outputs = outputs, []
            for name, tensor in zip(self.network.outputs, stored, strict=True):
                outputs.append(self.writer.tensor(f"{name}.float", self.shapes[name]))
                self.writer.operator("DEQUANTIZE", [tensor], [outputs[-1]], "DequantizeOptions")
        self.writer.save(path, [network_input], outputs)

    # Tensors ----------------------------------------------------------------------------------------------

    def result(
        self, scaled_as: str, name: str = "", shape: Sequence[int] = (), scale: Scale | None = None
    ) -> int:
        """A tensor with the shape and scale of one of the network, unless told."""
        shape = shape or self.shapes[scaled_as]
        if self.scales is None:
            return self.writer.tensor(name or scaled_as, shape)
        scale = scale or self.scales[scaled_as]
        return self.writer.tensor(
            name or scaled_as, shape, np.int8, scale=[scale.scale], zero_point=[scale.zero_point]
        )

    def integers(self, name: str, values: Any) -> int:
        array = np.asarray(values, np.int32)
        return self.writer.tensor(name, array.shape, np.int32, data=array)

    def number(self, name: str, value: float) -> int:
        """A constant of one number."""
        if self.scales is None:
            return self.writer.tensor(name, [1], data=np.float32([value]))
        scale = scale_of(min(value, 0.0), max(value, 0.0))
        stored = np.int8([round(value / scale.scale) + scale.zero_point])
        return self.writer.tensor(
            name, [1], np.int8, scale=[scale.scale], zero_point=[scale.zero_point], data=stored
        )

    def floats(self, name: str, array: Array) -> int:
        return self.writer.tensor(name, array.shape, data=array)

    def weight_and_bias(self, layer: Layer, weight: Array, axis: int) -> list[int]:
        bias = self.network.of(layer, "bias")
        if self.scales is None:
            return [self.floats(f"{layer.name}.weight", weight), self.floats(f"{layer.name}.bias", bias)]
        scales = weight_scales(weight, axis)
        stored = quantized_weight(weight, scales, axis)
        zeros = [0] * len(scales)
        bias_scales = scales * np.float32(self.scales[layer.inputs[0]].scale)
        return [
            self.writer.tensor(
                f"{layer.name}.weight", weight.shape, np.int8, scale=scales, zero_point=zeros, axis=axis, data=stored
            ),
            self.writer.tensor(
                f"{layer.name}.bias", bias.shape, np.int32, scale=bias_scales, zero_point=zeros,
                data=np.rint(bias / bias_scales),
            ),
        ]  # fmt: skip

    # Layers -----------------------------------------------------------------------------------------------

    def layer(self, layer: Layer) -> None:
        inputs = [self.tensors[name] for name in layer.inputs]
        fused = layer.activation in _FUSED
        fixed = _FIXED.get(layer.kind if layer.kind in _FIXED else layer.activation)
        output = self.result(layer.name, scale=fixed)
        if fixed is not None and self.scales is not None:
            self.scales[layer.name] = fixed
        self.tensors[layer.name] = output
        if layer.kind == "activate":
            self.activation(layer, inputs[0], output)
            return
        linear = output if fused else self.result(f"{layer.name}.linear", shape=self.shapes[layer.name])
        self.linear(layer, inputs, linear, _FUSED.get(layer.activation, 0))
        if not fused:
            self.activation(layer, linear, output)

    def activation(self, layer: Layer, x: int, output: int) -> None:
        name, shape = layer.name, self.shapes[layer.name]
        operator = self.writer.operator
        match layer.activation:
            case "relu" | "relu6" as plain:
                operator(plain.upper(), [x], [output])
            case "sigmoid":
                operator("LOGISTIC", [x], [output])
            case "tanh":
                operator("TANH", [x], [output])
            case "hard_swish":
                operator("HARD_SWISH", [x], [output], "HardSwishOptions")
            case "gelu":
                operator("GELU", [x], [output], "GeluOptions", approximate=False)
            case "silu":
                gate = self.result(name, f"{name}.gate", scale=_FIXED["sigmoid"])
                operator("LOGISTIC", [x], [gate])
                operator("MUL", [x, gate], [output], "MulOptions")
            case "hard_sigmoid":
                cut = self.result(name, f"{name}.cut", shape, scale_of(0, 6))
                three, sixth = self.number(f"{name}.three", 3.0), self.number(f"{name}.sixth", 1 / 6)
                operator("ADD", [x, three], [cut], "AddOptions", fusedActivationFunction=_FUSED["relu6"])
                operator("MUL", [cut, sixth], [output], "MulOptions")
            case other:
                raise ValueError(f"activation {other!r}")

    def linear(self, layer: Layer, inputs: list[int], output: int, fused: int) -> None:
        name, operator = layer.name, self.writer.operator
        match layer.kind:
            case "conv":
                self.conv(layer, inputs[0], output, fused)
            case "dense":
                given = [*inputs, *self.weight_and_bias(layer, self.network.of(layer, "weight"), 0)]
                rows = len(layer.output.shape) > 1
                options = {"fusedActivationFunction": fused, "keepNumDims": rows}
                operator("FULLY_CONNECTED", given, [output], "FullyConnectedOptions", **options)
            case "add":
                operator("ADD", inputs, [output], "AddOptions", fusedActivationFunction=fused)
            case "multiply":
                operator("MUL", inputs, [output], "MulOptions")
            case "max_pool":
                self.max_pool(layer, inputs[0], output)
            case "global_average":
                axes = self.integers(f"{name}.axes", [1, 2])
                operator("MEAN", [*inputs, axes], [output], "ReducerOptions", keepDims=True)
            case "flatten":
                shape = self.integers(f"{name}.shape", self.shapes[name])
                operator(
                    "RESHAPE", [*inputs, shape], [output], "ReshapeOptions", newShape=list(self.shapes[name])
                )
            case "concat":
                operator("CONCATENATION", inputs, [output], "ConcatenationOptions", axis=3)
            case "upsample":
                size = self.integers(f"{name}.size", self.shapes[name][1:3])
                operator("RESIZE_NEAREST_NEIGHBOR", [*inputs, size], [output], "ResizeNearestNeighborOptions")
            case "softmax":
                operator("SOFTMAX", inputs, [output], "SoftmaxOptions", beta=1.0)
            case "layer_norm":
                self.layer_norm(layer, inputs[0], output)
            case "attention":
                self.attention(layer, inputs, output)
            case "lstm":
                self.lstm(layer, inputs[0], output)
            case other:
                raise ValueError(f"layer kind {other!r}")

    def conv(self, layer: Layer, x: int, output: int, fused: int) -> None:
        weight, depth = self.network.of(layer, "weight"), self.shapes[layer.inputs[0]][3]
        by_channel = layer.attributes["groups"] == depth and depth > 1
        x, padding = self.padded(layer, x, 0.0)
        strides = layer.attributes["strides"]
        options = {
            "padding": padding,
            "strideH": strides[0],
            "strideW": strides[1],
            "fusedActivationFunction": fused,
        }
        if by_channel:
            given = [x, *self.weight_and_bias(layer, weight.transpose(1, 2, 3, 0), 3)]
            kind, table = "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"
            options["depthMultiplier"] = 1
        else:
            given = [x, *self.weight_and_bias(layer, weight.transpose(0, 2, 3, 1), 0)]
            kind, table = "CONV_2D", "Conv2DOptions"
        self.writer.operator(kind, given, [output], table, **options)

    def max_pool(self, layer: Layer, x: int, output: int) -> None:
        attributes = layer.attributes
        x, padding = self.padded(layer, x, -math.inf)
        (kh, kw), (sh, sw) = attributes["kernel"], attributes["strides"]
        window = {"filterHeight": kh, "filterWidth": kw, "strideH": sh, "strideW": sw}
        self.writer.operator("MAX_POOL_2D", [x], [output], "Pool2DOptions", padding=padding, **window)

    def padded(self, layer: Layer, x: int, value: float) -> tuple[int, int]:
        """What a window runs over, and how it treats the borders; a pad op where neither SAME nor VALID fits."""
        attributes, source = layer.attributes, layer.inputs[0]
        top, left, bottom, right = attributes["pads"]
        height, width = self.shapes[source][1:3]
        if not any(attributes["pads"]):
            return x, _VALID
        if attributes["pads"] == same_pads((height, width), attributes["kernel"], attributes["strides"]):
            return x, _SAME
        shape = (1, height + top + bottom, width + left + right, self.shapes[source][3])
        name = f"{layer.name}.padded"
        given = [x, self.integers(f"{name}.pads", [[0, 0], [top, bottom], [left, right], [0, 0]])]
        wide = self.result(source, name, shape)
        producer = next((p for p in self.network.layers if p.name == source), None)
        # Behind a ReLU zeros do not change the largest value.
        if value == 0.0 or (producer is not None and producer.activation in ("relu", "relu6")):
            self.writer.operator("PAD", given, [wide], "PadOptions")
        else:
            raise ValueError(f"{layer.name}: pooling over padded negative values is not written")
        return wide, _VALID

    def layer_norm(self, layer: Layer, x: int, output: int) -> None:
        name, operator = layer.name, self.writer.operator
        shape = self.shapes[name]
        narrow = (*shape[:-1], 1)
        axis = self.integers(f"{name}.axis", [len(shape) - 1])
        mean, squares = self.result(name, f"{name}.mean", narrow), self.result(name, f"{name}.squares")
        variance, steady = (self.result(name, f"{name}.{w}", narrow) for w in ("variance", "steady"))
        factor, centred = self.result(name, f"{name}.factor", narrow), self.result(name, f"{name}.centred")
        scaled, weighed = self.result(name, f"{name}.scaled"), self.result(name, f"{name}.weighed")
        operator("MEAN", [x, axis], [mean], "ReducerOptions", keepDims=True)
        operator("SQUARED_DIFFERENCE", [x, mean], [squares], "SquaredDifferenceOptions")
        operator("MEAN", [squares, axis], [variance], "ReducerOptions", keepDims=True)
        epsilon = self.number(f"{name}.epsilon", layer.attributes["epsilon"])
        operator("ADD", [variance, epsilon], [steady], "AddOptions")
        operator("RSQRT", [steady], [factor])
        operator("SUB", [x, mean], [centred], "SubOptions")
        operator("MUL", [centred, factor], [scaled], "MulOptions")
        gamma = self.floats(f"{name}.gamma", self.network.of(layer, "gamma"))
        beta = self.floats(f"{name}.beta", self.network.of(layer, "beta"))
        operator("MUL", [scaled, gamma], [weighed], "MulOptions")
        operator("ADD", [weighed, beta], [output], "AddOptions")

    def attention(self, layer: Layer, inputs: list[int], output: int) -> None:
        name, heads, operator = layer.name, layer.attributes["heads"], self.writer.operator
        _, rows, width = self.shapes[name]
        split, turned = (1, rows, heads, width // heads), (1, heads, rows, width // heads)
        order = self.integers(f"{name}.order", [0, 2, 1, 3])
        parts = []
        for word, x in zip("qkv", inputs, strict=True):
            part, across = (
                self.result(name, f"{name}.{word}", split),
                self.result(name, f"{name}.{word}_turned", turned),
            )
            shape = self.integers(f"{name}.{word}_shape", split)
            operator("RESHAPE", [x, shape], [part], "ReshapeOptions", newShape=list(split))
            operator("TRANSPOSE", [part, order], [across], "TransposeOptions")
            parts.append(across)
        scores, scaled, weights = (
            self.result(name, f"{name}.{word}", (1, heads, rows, rows))
            for word in ("scores", "scaled", "weights")
        )
        mixed, back = self.result(name, f"{name}.mixed", turned), self.result(name, f"{name}.back", split)
        operator("BATCH_MATMUL", parts[:2], [scores], "BatchMatMulOptions", adjY=True)
        operator(
            "MUL", [scores, self.number(f"{name}.scale", math.sqrt(heads / width))], [scaled], "MulOptions"
        )
        operator("SOFTMAX", [scaled], [weights], "SoftmaxOptions", beta=1.0)
        operator("BATCH_MATMUL", [weights, parts[2]], [mixed], "BatchMatMulOptions")
        operator("TRANSPOSE", [mixed, order], [back], "TransposeOptions")
        shape = self.integers(f"{name}.joined", (1, rows, width))
        operator("RESHAPE", [back, shape], [output], "ReshapeOptions", newShape=[1, rows, width])

    def lstm(self, layer: Layer, x: int, output: int) -> None:
        name, hidden = layer.name, layer.attributes["hidden"]
        given = [x]
        for word in ("weight", "recurrent"):
            parts = np.split(self.network.of(layer, word), 4)
            given += [self.floats(f"{name}.{word}_{g}", a) for g, a in zip("ifco", parts, strict=True)]
        given += [-1, -1, -1]
        parts = np.split(self.network.of(layer, "bias"), 4)
        given += [self.floats(f"{name}.bias_{g}", a) for g, a in zip("ifco", parts, strict=True)]
        given += [-1, -1]
        given += [self.writer.tensor(f"{name}.{s}", (1, hidden), variable=True) for s in ("state", "cell")]
        given += [-1, -1, -1, -1]
        options = {"fusedActivationFunction": _TANH, "timeMajor": False}
        self.writer.operator(
            "UNIDIRECTIONAL_SEQUENCE_LSTM", given, [output], "UnidirectionalSequenceLSTMOptions", **options
        )


def _shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """With a batch, and images with their channels last."""
    return (1, *shape[1:], shape[0]) if len(shape) == 3 else (1, *shape)
