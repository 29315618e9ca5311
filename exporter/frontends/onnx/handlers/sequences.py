"""Ops of sequences and signals, and Einstein summation."""

from __future__ import annotations

from typing import Any

from samara.exporter.frontends.compose import signal
from samara.exporter.frontends.compose.einsum import einsum
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph.dtypes import DType


@op("Einsum")
def _einsum(node: Node) -> Any:
    operands = [node.input(i) for i in range(len(node.inputs))]
    try:
        return einsum(node.b, node.attr("equation"), operands)
    except ValueError as error:
        node.fail(str(error))


def _element_type(node: Node) -> DType:
    from samara.exporter.frontends.onnx.values import DTYPES, type_name

    number = int(node.attr("output_datatype", 1))
    if number not in DTYPES:
        node.fail(f"{type_name(number)} is not supported")
    return DTYPES[number]


def _one(node: Node, index: int, what: str) -> Any:
    """The number that a constant input holds."""
    found = node.constant(index, what)
    if found.size != 1:
        node.fail(f"{what} must be one number, its shape is {list(found.shape)}")
    return found.reshape(-1)[0].item()


@op("DFT")
def _dft(node: Node) -> Any:
    if node.opset < 20:
        axis = int(node.attr("axis", 1))
    else:
        axis = -2 if node.given(2) is None else int(_one(node, 2, "the axis"))
    if not -node.rank() <= axis < node.rank():
        node.fail(f"axis {axis} is outside {-node.rank()}..{node.rank() - 1}")
    options = {name: bool(node.attr(name, 0)) for name in ("inverse", "onesided")}
    length = None if node.given(1) is None else int(_one(node, 1, "the length of the transform"))
    try:
        return signal.dft(node.b, node.input(), axis=axis, length=length, **options)
    except ValueError as error:
        node.fail(str(error))


@op("STFT")
def _stft(node: Node) -> Any:
    x, window = node.input(), node.given(2)
    if node.rank() != 3:
        node.fail(f"the signal has rank {node.rank()}, expected [batch, samples, 1 or 2]")
    step = int(_one(node, 1, "the step between frames"))
    if node.given(3) is not None:
        length: Any = int(_one(node, 3, "the length of a frame"))
    else:
        length = node.shape()[1] if window is None else node.shape(2)[0]
    if not isinstance(length, int):
        node.fail(f"the length of a frame moves, {length}")
    if window is not None and node.shape(2) != (length,):
        node.fail(f"the window {list(node.shape(2))} is not as long as a frame, {length}")
    try:
        return signal.stft(
            node.b, x, step=step, length=length, window=window, onesided=bool(node.attr("onesided", 1))
        )
    except ValueError as error:
        node.fail(str(error))


_WINDOWS = {
    "HannWindow": signal.HANN,
    "HammingWindow": signal.HAMMING,
    "BlackmanWindow": signal.BLACKMAN,
}


@op(*_WINDOWS)
def _window(node: Node) -> Any:
    dtype = _element_type(node)
    size = node.input() if node.value(0) is None else int(_one(node, 0, "the size"))
    periodic = bool(node.attr("periodic", 1))
    return signal.window(node.b, size, _WINDOWS[node.type], periodic=periodic, dtype=dtype)


@op("MelWeightMatrix")
def _mel_weights(node: Node) -> Any:
    names = ("the number of bins", "the length of the transform", "the rate", "the lowest", "the highest")
    numbers = [_one(node, i, name) for i, name in enumerate(names)]
    dtype = _element_type(node)
    try:
        weights = signal.mel_weights(int(numbers[0]), int(numbers[1]), int(numbers[2]), *numbers[3:])
    except ValueError as error:
        node.fail(str(error))
    return node.b.constant(weights.astype(dtype.numpy))
