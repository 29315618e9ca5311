"""A network as an ONNX model: read by ONNX Runtime, OpenVINO and Samara's exporter."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.network import Layer, Network

_OPSET = 20
_SIMPLE = {"relu": "Relu", "sigmoid": "Sigmoid", "hard_swish": "HardSwish", "gelu": "Gelu", "tanh": "Tanh"}


class _Writer:
    """Nodes and constants while a model is being written."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, array: Any) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def weight(self, layer: Layer, name: str, array: Any = None) -> str:
        return self.constant(f"{layer.name}.{name}", self.network.of(layer, name) if array is None else array)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def layer(self, layer: Layer) -> None:
        name = layer.name
        result = f"{name}.linear" if layer.activation else name
        if layer.kind == "activate":
            result = layer.inputs[0]
        else:
            self.linear(layer, list(layer.inputs), result)
        match layer.activation:
            case "":
                pass
            case "relu6":
                low, high = self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))
                self.node("Clip", [result, low, high], name)
            case "hard_sigmoid":
                self.node("HardSigmoid", [result], name, alpha=1 / 6, beta=0.5)
            case "silu":
                self.node("Mul", [result, self.node("Sigmoid", [result], f"{name}.sigmoid")], name)
            case other:
                self.node(_SIMPLE[other], [result], name)

    def linear(self, layer: Layer, inputs: list[str], result: str) -> None:
        name, attributes = layer.name, layer.attributes
        match layer.kind:
            case "conv":
                given = [*inputs, self.weight(layer, "weight"), self.weight(layer, "bias")]
                window = {"kernel_shape": attributes["kernel"], "strides": attributes["strides"]}
                self.node(
                    "Conv", given, result, pads=attributes["pads"], group=attributes["groups"], **window
                )
            case "dense" if len(layer.output.shape) == 1:
                given = [*inputs, self.weight(layer, "weight"), self.weight(layer, "bias")]
                self.node("Gemm", given, result, transB=1)
            case "dense":
                turned = self.weight(layer, "weight", self.network.of(layer, "weight").T)
                product = self.node("MatMul", [*inputs, turned], f"{name}.product")
                self.node("Add", [product, self.weight(layer, "bias")], result)
            case "add":
                self.node("Add", inputs, result)
            case "multiply":
                self.node("Mul", inputs, result)
            case "max_pool":
                window = {"kernel_shape": attributes["kernel"], "strides": attributes["strides"]}
                self.node("MaxPool", inputs, result, pads=attributes["pads"], **window)
            case "global_average":
                self.node("GlobalAveragePool", inputs, result)
            case "flatten":
                self.node("Flatten", inputs, result)
            case "concat":
                self.node("Concat", inputs, result, axis=1)
            case "upsample":
                scales = self.constant("twice", np.array([1, 1, 2, 2], np.float32))
                modes = {
                    "mode": "nearest",
                    "coordinate_transformation_mode": "asymmetric",
                    "nearest_mode": "floor",
                }
                self.node("Resize", [*inputs, "", scales], result, **modes)
            case "softmax":
                self.node("Softmax", inputs, result, axis=-1)
            case "layer_norm":
                given = [*inputs, self.weight(layer, "gamma"), self.weight(layer, "beta")]
                self.node("LayerNormalization", given, result, axis=-1, epsilon=attributes["epsilon"])
            case "attention":
                self.attention(layer, inputs, result)
            case "lstm":
                self.lstm(layer, inputs, result)
            case other:
                raise ValueError(f"layer kind {other!r}")

    def attention(self, layer: Layer, inputs: list[str], result: str) -> None:
        name, heads = layer.name, layer.attributes["heads"]
        rows, width = layer.output.shape
        split = self.constant(f"split_{heads}", np.array([1, rows, heads, width // heads], np.int64))
        joined = self.constant("joined", np.array([1, rows, width], np.int64))
        turned = []
        for word, source, order in zip(
            "qkv", inputs, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True
        ):
            part = self.node("Reshape", [source, split], f"{name}.{word}")
            turned.append(self.node("Transpose", [part], f"{name}.{word}_turned", perm=order))
        scores = self.node("MatMul", turned[:2], f"{name}.scores")
        scale = self.constant(f"scale_{heads}", np.float32(math.sqrt(heads / width)))
        scaled = self.node("Mul", [scores, scale], f"{name}.scaled")
        weights = self.node("Softmax", [scaled], f"{name}.weights", axis=-1)
        mixed = self.node("MatMul", [weights, turned[2]], f"{name}.mixed")
        back = self.node("Transpose", [mixed], f"{name}.back", perm=[0, 2, 1, 3])
        self.node("Reshape", [back, joined], result)

    def lstm(self, layer: Layer, inputs: list[str], result: str) -> None:
        name, hidden = layer.name, layer.attributes["hidden"]
        steps, depth = layer.output.shape[0], self.network.of(layer, "weight").shape[1]

        def gates(array: Any) -> Any:
            """Input, output, forget, cell: the order of ONNX."""
            i, f, g, o = np.split(array, 4)
            return np.concatenate([i, o, f, g])[None]

        weight, recurrent, bias = (gates(self.network.of(layer, w)) for w in ("weight", "recurrent", "bias"))
        bias = np.concatenate([bias, np.zeros_like(bias)], 1)
        # A batch of one: (1, steps, depth) and (steps, 1, depth) are the same numbers in the same order.
        first = self.constant(f"{name}.steps_first", np.array([steps, 1, depth], np.int64))
        second = self.constant(f"{name}.batch_first", np.array([1, steps, hidden], np.int64))
        given = [self.node("Reshape", [*inputs, first], f"{name}.rows")]
        given += [self.constant(f"{name}.{w}", a) for w, a in (("w", weight), ("r", recurrent), ("b", bias))]
        self.node("LSTM", given, f"{name}.steps", hidden_size=hidden)
        self.node("Reshape", [f"{name}.steps", second], result)


def model(network: Network) -> onnx.ModelProto:
    """The model; its tensors are called as in the network."""
    writer = _Writer(network)
    for layer in network.layers:
        writer.layer(layer)
    values = network.values()

    def described(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *values[name].shape])

    graph = helper.make_graph(
        writer.nodes,
        network.name,
        [described(network.input.name)],
        [described(name) for name in network.outputs],
        list(writer.constants.values()),
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10)
    onnx.checker.check_model(made)
    return made


def write(network: Network, path: Path) -> None:
    """Writes the model."""
    onnx.save_model(model(network), str(path))
