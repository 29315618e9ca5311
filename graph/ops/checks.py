"""Ops that look at values while a graph runs: they check, print, or call Python."""

from __future__ import annotations

import sys
from typing import Any

from samara.graph import dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

_PYTHON = (
    "it needs Python while the graph runs. Make what it gives an input of the export, and compute it in the "
    "application; or write it with operations of the graph."
)


def _initialized(xp: Any, op: Any, ref: Any) -> Any:
    return xp.asarray(op.operation.inputs[0].op.name in op.state.variables)


def _check_all(xp: Any, op: Any, x: Any, condition: Any, *shown: Any) -> Any:
    if not bool(xp.all(condition)):
        listed = "".join(f"; {_text(v, op.a.summarize)}" for v in shown)
        raise ValueError(f"{op.a.message}{listed}")
    return x


def _text(value: Any, most: int) -> str:
    flat = value.reshape(-1)
    few = flat if most < 0 else flat[:most]
    more = "..." if few.shape[0] < flat.shape[0] else ""
    return f"[{' '.join(str(v.item() if hasattr(v, 'item') else v) for v in few)}{more}]"


def _print(xp: Any, op: Any, x: Any, *shown: Any) -> Any:
    state, name = op.state, op.operation.name
    count = state.printed[name] = state.printed.get(name, 0) + 1
    if op.a.first_n < 0 or count <= op.a.first_n:
        listed = "".join(_text(v, op.a.summarize) for v in shown)
        print(f"{op.a.message}{listed}", file=sys.stderr)
    return x


def _call(xp: Any, op: Any, *inputs: Any) -> Any:
    return op.a.function(xp, op.output_dtypes, *inputs)


OPS.register(
    OpDef(
        name="is_variable_initialized",
        opcode=500,
        inputs=("ref: T state",),
        outputs=("initialized: bool",),
        types={"T": dtypes.ALL},
        doc="Whether a variable has a value in the session that runs it.",
        shape=lambda op: (),
        reference=_initialized,
        device="none",
        why_not="the variables of a file always have a value. Leave it out of the graph that is exported.",
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="check_all",
        opcode=501,
        inputs=("x: T", "condition: bool", "shown: any?*"),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(
            attribute("message", "python", doc="What the error says."),
            attribute("summarize", "int", 3, "How many elements of each of `shown` it lists; -1 for all."),
        ),
        doc="x itself, when all elements of the condition are true; else an error of the run.",
        shape=lambda op: op.shapes[0],
        reference=_check_all,
        gradient=lambda b, op, dy: [dy, *[None] * (len(op.inputs) - 1)],
        device="none",
        why_not="a device has no place for the text of the error. Leave it out of the graph that is exported.",
        any_rank=True,
    ),
    OpDef(
        name="print",
        opcode=502,
        inputs=("x: T", "shown: any?*"),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(
            attribute("message", "python", "", "What stands before the values."),
            attribute("first_n", "int", -1, "How many times it prints in a session; -1 for always."),
            attribute("summarize", "int", 3, "How many elements of each tensor it prints; -1 for all."),
        ),
        doc="x itself; prints the values of `shown` to the standard error stream.",
        shape=lambda op: op.shapes[0],
        reference=_print,
        gradient=lambda b, op, dy: [dy, *[None] * (len(op.inputs) - 1)],
        device="none",
        why_not=_PYTHON,
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="python_function",
        opcode=503,
        inputs=("inputs: any?*",),
        outputs=("outputs: any*",),
        attributes=(
            attribute(
                "function", "python", doc="Called as function(xp, dtypes, *arrays); gives a list of arrays."
            ),
            attribute("output_types", "python", doc="The element types of what it gives."),
        ),
        doc="What a Python function gives for the values of the inputs.",
        shape=lambda op: [None] * len(op.a.output_types),
        dtypes=lambda op: list(op.a.output_types),
        reference=_call,
        device="none",
        why_not=_PYTHON,
        stateful=True,
        any_rank=True,
    ),
)
