"""The stable text form of a graph: one line for each operation, the same for equal graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph import dims
from samara.graph.dtypes import DType
from samara.graph.graph import Graph, Operation

_LONGEST_VALUE = 8


def dump(graph: Graph) -> str:
    """All operations, in the order of construction, as `outputs = op(inputs; attributes)`, their bodies after them."""
    return "".join(_text(op) for op in graph.operations) or "\n"


def _text(op: Operation) -> str:
    lines = [_line(op)]
    for name, body in op.bodies.items():
        lines.append(f"  {name}:")
        lines += [f"    {line}" for line in dump(body.graph).splitlines() if line]
        lines.append(f"    return {', '.join(f'%{t.name}' for t in body.outputs)}")
    return "\n".join(lines) + "\n"


def _line(op: Operation) -> str:
    outputs = ", ".join(f"%{t.name} {t.dtype.name}{dims.text(t.shape)}" for t in op.outputs)
    inputs = ", ".join("-" if t is None else f"%{t.name}" for t in op.inputs)
    attributes = ", ".join(
        f"{name}={_value(value)}"
        for name, value in op.attributes.items()
        if name not in op.bodies
        and not (name == "dtype" and op.type in ("constant", "placeholder", "variable"))
    )
    control = f" after {', '.join(c.name for c in op.control_inputs)}" if op.control_inputs else ""
    left = outputs or f"%{op.name}"
    return f"{left} = {op.type}({inputs}{'; ' if attributes and inputs else ''}{attributes}){control}"


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size <= _LONGEST_VALUE:
            return np.array2string(value, separator=", ", threshold=_LONGEST_VALUE).replace("\n", "")
        return f"array{list(value.shape)}"
    if isinstance(value, DType):
        return value.name
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


class NodeDef:
    """What an operation is made of: `name`, `op`, `input`, `device` and `attr`; as text its line of the dump.

    Args:
        op: the operation.
    """

    def __init__(self, op: Operation) -> None:
        self.name = op.name
        self.op = op.type
        self.input = [t.name.removesuffix(":0") for t in op.given_inputs]
        self.input += [f"^{c.name}" for c in op.control_inputs]
        self.device = op.device
        self.attr = dict(op.attributes)
        self._text = _text(op)

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


class GraphDef:
    """What a graph is made of: a `NodeDef` for each operation, in `node`; as text the graph's dump.

    Attributes:
        graph: the graph.
        node: the operations.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.node = [NodeDef(op) for op in graph.operations]

    def __str__(self) -> str:
        return "".join(map(str, self.node)) or "\n"

    __repr__ = __str__
