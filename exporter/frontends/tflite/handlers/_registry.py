"""The registry of handlers, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.node import Array, Node, Operand, Reading, Unsupported
from samara.graph import dims, dtypes
from samara.graph.graph import Tensor

Handler = Callable[[Reading, Node], Sequence[Tensor]]
_STORED = (dtypes.int8, dtypes.uint8, dtypes.int16)

_HANDLERS: dict[str, Handler] = {}
# Kinds that give elements of their inputs as they are, or tell about them, so that integers may stand for anything:
# of scales, the reference kernels take no notice there.
_MOVES: set[str] = set()
# What is refused, and what to do instead.
_REFUSED = {
    "HASHTABLE": "tables of strings and numbers are not supported: look values up before the model",
    "HASHTABLE_FIND": "tables of strings and numbers are not supported: look values up before the model",
    "HASHTABLE_IMPORT": "tables of strings and numbers are not supported: look values up before the model",
    "HASHTABLE_SIZE": "tables of strings and numbers are not supported: look values up before the model",
    "HASHTABLE_LOOKUP": "tables of strings and numbers are not supported: look values up before the model",
    "LSH_PROJECTION": "hashes are not supported: compute them before the model",
    "SKIP_GRAM": "strings are not supported: split text before the model",
    "RANDOM_UNIFORM": "random numbers are not supported: make them an input",
    "RANDOM_STANDARD_NORMAL": "random numbers are not supported: make them an input",
    "MULTINOMIAL": "random numbers are not supported: give the logits out and draw from them",
    "RFFT2D": "complex numbers are not supported: write the transform as matrix products",
    "REAL": "complex numbers are not supported: use real ones",
    "IMAG": "complex numbers are not supported: use real ones",
    "COMPLEX_ABS": "complex numbers are not supported: use real ones",
    "EMBEDDING_LOOKUP_SPARSE": "sparse rows are not supported: gather dense rows and add them up",
    "CONCAT_EMBEDDINGS": "the op is not supported: gather rows and concatenate them",
    "REDUCE_WINDOW": "windows of any kind are not supported: use pools or reductions",
    "DELEGATE": "the file was compiled for a delegate: use the file from before that",
}


def handler(*kinds: str, moves: bool = False) -> Callable[[Handler], Handler]:
    """Registers a handler: `handler(reading, node)` returns the outputs."""

    def register(function: Handler) -> Handler:
        for kind in kinds:
            _HANDLERS[kind] = function
            if moves:
                _MOVES.add(kind)
        return function

    return register


def handler_of(node: Node, *, custom: bool) -> tuple[Handler, bool]:
    """The function for a node, and whether it computes with integers as the reference kernels do.

    Raises:
        Unsupported: there is none.
    """
    from samara.exporter.frontends.tflite import integer

    if custom:
        name = f"custom:{node.kind}"
        if name not in _HANDLERS:
            raise Unsupported(f"the custom op {node.kind} is not known", "leave it out of the model")
        return _HANDLERS[name], False
    half = node.kind == "DEQUANTIZE" and node.input(0).dtype is dtypes.float16
    if not half and integer.handles(node):
        return integer.HANDLERS[node.kind], True
    found = _HANDLERS.get(node.kind)
    if found is None:
        reason = _REFUSED.get(node.kind, "the op is not supported")
        if node.kind.startswith("STABLEHLO_"):
            reason = "StableHLO is not supported: convert the model to ops of TensorFlow Lite"
        what, _, mend = reason.partition(": ")
        raise Unsupported(what, mend)
    first = next((o for o in node.inputs if o is not None), None)
    stored = [
        o for o in (first, *node.outputs) if o is not None and o.dtype in _STORED and o.scale is not None
    ]
    if stored and node.kind not in _MOVES:
        if first is not None and first.dtype in _STORED and first.scale is None:
            raise Unsupported(f"input {first.name!r} is {first.dtype.name} without a scale")
        raise Unsupported(
            f"the op is not supported for quantized {stored[0].dtype.name}", "leave it in floating point"
        )
    return found, False


def constant(node: Node, index: int, what: str) -> Array:
    """The value of an input that must be constant."""
    operand = node.input(index)
    if operand.value is None:
        from samara.exporter.frontends.onnx.node import constant_of

        found = None if operand.tensor is None else constant_of(operand.tensor)
        if found is None:
            raise Unsupported(f"{what} must be constant, the graph computes it")
        return found
    return operand.value


def integers(node: Node, index: int, what: str) -> list[int]:
    """The numbers of an input that must be constant."""
    return [int(v) for v in constant(node, index, what).reshape(-1)]


def shape_of(tensor: Tensor) -> tuple[Any, ...]:
    """A shape whose rank must be known."""
    if tensor.shape is None:
        raise Unsupported("the rank of an input is not known")
    return tuple(tensor.shape)


def axis_of(value: int, rank: int, what: str = "the axis") -> int:
    """An axis counted from 0."""
    if not -rank <= value < max(rank, 1):
        raise Unsupported(f"{what} is {value}, outside {-rank}..{rank - 1}")
    return value % rank if rank else 0


def fixed(tensor: Tensor, axes: Sequence[int], what: str) -> list[int]:
    """Sizes that must be numbers."""
    sizes = [shape_of(tensor)[a] for a in axes]
    if not all(isinstance(s, int) for s in sizes):
        raise Unsupported(f"{what} must be known when the model is imported, it is {dims.text(tuple(sizes))}")
    return [int(s) for s in sizes]


def sizes_tensor(r: Reading, sizes: Sequence[Any], x: Tensor) -> Any:
    """Sizes as an operand; those that are None are the sizes of `x` at the same place."""
    found = [shape_of(x)[i] if s is None else s for i, s in enumerate(sizes)]
    if all(isinstance(s, int) for s in found):
        return np.asarray(found, np.int32)
    open_ = [i for i, s in enumerate(found) if not isinstance(s, int)]
    if len(open_) == 1:
        return np.asarray([s if isinstance(s, int) else -1 for s in found], np.int32)
    parts = []
    of_x = r.b.shape(x)
    for _i, s in enumerate(found):
        if isinstance(s, int):
            parts.append(r.b.constant(np.asarray([s], np.int32)))
        else:
            place = next((k for k, d in enumerate(shape_of(x)) if d == s), None)
            if place is None:
                raise Unsupported(f"a size of {dims.text((s,))}")
            parts.append(r.b.strided_slice(of_x, begin=(place,), end=(place + 1,), strides=(1,)))
    return r.b.concat(parts, axis=0)


def activated(r: Reading, node: Node, y: Tensor) -> Tensor:
    """A result with the fused activation of its node."""
    return apply_activation(r, node.options.get("fused_activation_function", "none"), y)


def apply_activation(r: Reading, activation: str, y: Tensor) -> Tensor:
    """A result with an activation by its name in the schema."""
    made: Tensor = y
    if activation == "relu":
        made = r.b.relu(y) if y.dtype.is_floating else r.b.clip(y, minimum=0.0)
    elif activation == "relu6":
        made = r.b.relu6(y) if y.dtype.is_floating else r.b.clip(y, minimum=0.0, maximum=6.0)
    elif activation == "relu_n1_to_1":
        made = r.b.clip(y, minimum=-1.0, maximum=1.0)
    elif activation == "tanh":
        made = r.b.tanh(y)
    elif activation == "sign_bit":
        made = r.b.cast(r.b.less(y, r.b.like(0.0, y)), dtype=y.dtype)
    return made


def fused(node: Node) -> tuple[dict[str, str], bool]:
    """The activation as an attribute of an op, and whether it is still to be applied."""
    activation = node.options.get("fused_activation_function", "none")
    if activation in ("none", "relu", "relu6"):
        return {"activation": activation}, False
    return {}, True


def beneath_casts(r: Reading, tensors: Sequence[Tensor], move: Callable[[list[Tensor]], Tensor]) -> Tensor:
    """Moves elements of tensors; of constants that are cast, before that, so that they can move at export."""
    stored = [t.op.inputs[0] if t.op.type == "cast" else None for t in tensors]
    constants = [t for t in stored if t is not None and t.op.type == "constant"]
    kinds = {t.dtype for t in tensors} | {t.dtype for t in constants}
    if len(constants) < len(tensors) or len(kinds) > 2:
        return move(list(tensors))
    made: Tensor = r.b.cast(move(constants), dtype=tensors[0].dtype)
    return made


def needs_float(*operands: Operand | None) -> None:
    """Refuses operands that are no real numbers."""
    for operand in operands:
        if operand is not None and operand.dtype not in (dtypes.float32, dtypes.float16, dtypes.float64):
            raise Unsupported(f"input {operand.name!r} is {operand.dtype.name}")


__all__ = [
    "activated",
    "apply_activation",
    "axis_of",
    "beneath_casts",
    "constant",
    "fixed",
    "fused",
    "handler",
    "handler_of",
    "integers",
    "needs_float",
    "shape_of",
    "sizes_tensor",
]
