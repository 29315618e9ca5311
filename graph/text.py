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
    return "".join(of_operation(op) for op in graph.operations) or "\n"


def of_operation(op: Operation) -> str:
    """An operation and its bodies."""
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
