"""Ops of the domain com.microsoft, which onnxruntime's quantizer and optimizer write.

What each computes: ContribOperators.md of onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samara.exporter.frontends.compose import normalization
from samara.exporter.frontends.onnx.handlers.quantized import dequantized, quantized
from samara.exporter.frontends.onnx.handlers.reductions import matmul
from samara.exporter.frontends.onnx.node import HANDLERS, Node, op
from samara.graph import dtypes
from samara.graph.graph import Tensor

DOMAIN = "com.microsoft"

# Quantized ops by the op of ONNX that they are, with how many of their inputs are data.
_QUANTIZED = {
    "QLinearAdd": ("Add", 2),
    "QLinearAveragePool": ("AveragePool", 1),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", 1),
    "QLinearLeakyRelu": ("LeakyRelu", 1),
    "QLinearMul": ("Mul", 2),
    "QLinearReduceMean": ("ReduceMean", 1),
    "QLinearSigmoid": ("Sigmoid", 1),
    "QLinearSoftmax": ("Softmax", 1),
}
# Ops with axes as attributes still, as these have them.
_OPSET = 13


def plain(node: Node, type_: str, inputs: list[Tensor | None]) -> Any:
    """What the op of ONNX gives for other inputs, with the node's attributes."""
    opset = int(node.attr("opset", _OPSET))
    inner = Node(node.b, type_, node.name, inputs, node.attributes, opset, node.output_names, node.importer)
    return HANDLERS["", type_](inner)


def _real(node: Node, first: int, axis: int = 1) -> Tensor:
    """The real numbers of an input that its scale and zero point follow."""
    made: Tensor = dequantized(node, node.input(first), node.input(first + 1), node.given(first + 2), axis)
    return made


def _stored(node: Node, y: Tensor, first: int, like: Tensor) -> Any:
    """The output, at the scale and zero point that the inputs from `first` on give."""
    zero = node.given(first + 1)
    return quantized(node, y, node.input(first), zero, like.dtype if zero is None else zero.dtype)


def _quantized(type_: str, count: int) -> Callable[[Node], Any]:
    def handler(node: Node) -> Any:
        if node.attr("channels_last", 0):
            node.fail("channels are last", "quantize a model whose channels are first")
        y = plain(node, type_, [_real(node, 3 * i) for i in range(count)])
        return _stored(node, y, 3 * count, node.input(0))

    return handler


for _name, (_type, _count) in _QUANTIZED.items():
    op(_name, domain=DOMAIN)(_quantized(_type, _count))

for _name in ("QuantizeLinear", "DequantizeLinear"):
    op(_name, domain=DOMAIN)(HANDLERS["", _name])


@op("QLinearConcat", domain=DOMAIN)
def _concat(node: Node) -> Any:
    parts: list[Tensor | None] = [_real(node, i) for i in range(2, len(node.inputs), 3)]
    return _stored(node, plain(node, "Concat", parts), 0, node.input(2))


@op("QLinearWhere", domain=DOMAIN)
def _where(node: Node) -> Any:
    y = node.b.where(node.input(0), _real(node, 1), _real(node, 4))
    return _stored(node, y, 7, node.input(1))


@op("QGemm", domain=DOMAIN)
def _gemm(node: Node) -> Any:
    b = node.b
    x, y = _real(node, 0), _real(node, 3, 0 if node.attr("transB", 0) else 1)
    bias = node.given(6)
    if bias is not None:
        steps = (b.cast(node.input(i), dtype=dtypes.float32) for i in (1, 4))
        step = b.multiply(*steps)
        alpha = node.attr("alpha", 1.0)
        bias = b.multiply(b.cast(bias, dtype=dtypes.float32), step)
        if alpha != 1.0:
            bias = b.multiply(bias, b.like(alpha, bias))
    z = plain(node, "Gemm", [x, y, bias])
    return z if node.given(7) is None else _stored(node, z, 7, node.input(0))


def _integer_product(node: Node, x: list[Tensor | None], y: list[Tensor | None], bias: Tensor | None) -> Any:
    """The product of integers, each with scale and zero point, as real numbers."""
    b = node.b
    centred = plain(node, "MatMulInteger", [x[0], y[0], x[2], y[2]])
    z = b.multiply(b.cast(centred, dtype=dtypes.float32), b.multiply(x[1], y[1]))
    return z if bias is None else b.add(z, bias)


@op("MatMulIntegerToFloat", domain=DOMAIN)
def _matmul_integer_to_float(node: Node) -> Any:
    x, y = ([node.input(i), node.input(i + 2), node.given(i + 4)] for i in (0, 1))
    return _integer_product(node, x, y, node.given(6))


@op("DynamicQuantizeMatMul", domain=DOMAIN)
def _dynamic_matmul(node: Node) -> Any:
    x = plain(node, "DynamicQuantizeLinear", [node.input(0)])
    return _integer_product(node, x, [node.input(1), node.input(2), node.given(3)], node.given(4))


@op("FusedMatMul", domain=DOMAIN)
def _fused_matmul(node: Node) -> Any:
    b = node.b
    if node.attr("transBatchA", 0) or node.attr("transBatchB", 0):
        node.fail("its batches are turned", "save the model before onnxruntime optimizes it")
    factors = []
    for index, flag in enumerate(("transA", "transB")):
        factor = node.input(index)
        rank = len(factor.shape or ())
        if node.attr(flag, 0) and rank > 1:
            factor = b.transpose(factor, permutation=(*range(rank - 2), rank - 1, rank - 2))
        factors.append(factor)
    product = matmul(node, *factors)
    alpha = node.attr("alpha", 1.0)
    return product if alpha == 1.0 else b.multiply(product, b.like(alpha, product))


@op("FusedConv", "FusedGemm", domain=DOMAIN)
def _fused(node: Node) -> Any:
    parameters = [float(p) for p in node.attr("activation_params") or ()]
    kind = node.attr("activation", "")
    inputs: list[Tensor | None] = list(node.inputs[:3])
    y = plain(node, node.type.removeprefix("Fused"), inputs)
    if node.given(3) is not None:
        y = node.b.add(y, node.input(3))
    if not kind:
        return y
    if kind == "Clip":
        return node.b.clip(y, minimum=parameters[0], maximum=parameters[1])
    names = {"LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta")}.get(kind, ())
    if kind not in ("Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSigmoid", "HardSwish"):
        node.fail(f"the activation {kind}", "save the model before onnxruntime optimizes it")
    given = {**dict(zip(names, parameters, strict=False))}
    given.update({n: node.attr(f"activation_{n}") for n in names if node.attr(f"activation_{n}") is not None})
    inner = Node(node.b, kind, node.name, [y], given, _OPSET, node.output_names, node.importer)
    return HANDLERS["", kind](inner)


@op("Gelu", "BiasGelu", "FastGelu", domain=DOMAIN)
def _gelu(node: Node) -> Any:
    x = node.input(0)
    if node.given(1) is not None:
        x = node.b.add(x, node.input(1))
    return node.b.gelu(x, approximate="tanh" if node.type == "FastGelu" else "none")


@op("QuickGelu", domain=DOMAIN)
def _quick_gelu(node: Node) -> Any:
    x, b = node.input(0), node.b
    return b.multiply(x, b.sigmoid(b.multiply(x, b.like(node.attr("alpha", 1.702), x))))


@op("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=DOMAIN)
def _skip_layer_normalization(node: Node) -> list[Any]:
    b = node.b
    simplified = node.type == "SkipSimplifiedLayerNormalization"
    bias = node.given(3 if simplified else 4)
    total = b.add(node.input(0), node.input(1))
    if bias is not None:
        total = b.add(total, bias)
    axes = [len(total.shape or ()) - 1]
    epsilon = node.attr("epsilon", 1e-5)
    if simplified:
        y = normalization.rms_norm(b, total, node.input(2), axes=axes, epsilon=epsilon)
    else:
        y = normalization.layer_norm(b, total, node.input(2), node.given(3), axes=axes, epsilon=epsilon)
    return [y, None, None, total]
