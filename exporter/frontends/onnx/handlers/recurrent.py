"""Recurrent layers."""

from __future__ import annotations

from typing import Any

from samara.exporter.frontends.compose import recurrent
from samara.exporter.frontends.onnx.node import Node, op


def _options(node: Node) -> dict[str, Any]:
    """What all three have."""
    steps = node.shape()[1 if node.attr("layout", 0) else 0]
    lengths = node.value(4)
    full = lengths is not None and all(int(n) == steps for n in lengths)
    return {
        "bias": node.given(3),
        "lengths": None if full else node.given(4),
        "h0": node.given(5),
        "direction": node.attr("direction", "forward"),
        "activations": node.attr("activations"),
        "alpha": node.attr("activation_alpha") or (),
        "beta": node.attr("activation_beta") or (),
        "clip": float(node.attr("clip", 0.0)),
        "batch_first": bool(node.attr("layout", 0)),
    }


@op("LSTM", "GRU", "RNN")
def _recurrent(node: Node) -> Any:
    b = node.b
    operands = [node.input(i) for i in range(3)]
    options = _options(node)
    if node.type == "LSTM":
        options.update(c0=node.given(6), peephole=node.given(7))
        options["input_forget"] = bool(node.attr("input_forget", 0))
    if node.type == "GRU":
        options["linear_before_reset"] = bool(node.attr("linear_before_reset", 0))
    return getattr(recurrent, node.type.lower())(b, *operands, **options)
