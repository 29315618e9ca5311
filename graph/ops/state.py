"""Ops that hold or order values: constants, placeholders, variables, assignment, no_op."""

from __future__ import annotations

from typing import Any

from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute


def _fed(xp: Any, op: Any, *inputs: Any) -> Any:
    raise AssertionError(f"{op.operation.name} is a source: sessions never compute it")


def _assign(xp: Any, op: Any, ref: Any, value: Any) -> Any:
    op.state.write(op.operation.inputs[0].op, value)
    return value


def _assign_shape(op: Any) -> Any:
    ref, value = op.shapes
    if ref is None or value is None:
        return value
    if len(ref) != len(value):
        op.fail(f"the variable has shape {dims.text(ref)}, the value {dims.text(value)}")
    return tuple(op.merge(a, b, f"axis {i}") for i, (a, b) in enumerate(zip(ref, value, strict=True)))


OPS.register(
    OpDef(
        name="constant",
        opcode=150,
        inputs=(),
        outputs=("value: @dtype",),
        attributes=(
            attribute("value", "array", doc="The array."),
            attribute("dtype", "dtype", doc="Its element type."),
        ),
        doc="A value that never changes.",
        shape=lambda op: tuple(op.a.value.shape),
        reference=lambda xp, op: op.a.value,
        device="tensor",
    ),
    OpDef(
        name="placeholder",
        opcode=151,
        inputs=(),
        outputs=("value: @dtype",),
        attributes=(
            attribute("dtype", "dtype", doc="The element type."),
            attribute("shape", "shape", None, "The shape; None when not even the rank is known."),
        ),
        doc="A value that every run must be fed; an input of an exported model.",
        shape=lambda op: op.a.shape,
        reference=_fed,
        device="tensor",
    ),
    OpDef(
        name="variable",
        opcode=152,
        inputs=(),
        outputs=("value: @dtype",),
        attributes=(
            attribute("dtype", "dtype", doc="The element type."),
            attribute("shape", "shape", None, "The shape."),
        ),
        doc="A value that lives in the session, or in the context of a device, from run to run. Whoever reads it sees "
        "its value at that moment. An export freezes it to a constant unless the model writes it.",
        shape=lambda op: op.a.shape,
        reference=_fed,
        device="tensor",
        stateful=True,
    ),
    OpDef(
        name="assign",
        opcode=401,
        inputs=("ref: T state", "value: T"),
        outputs=("written: T",),
        types={"T": dtypes.ALL},
        doc="Writes a variable; the output is the value written.",
        shape=_assign_shape,
        reference=_assign,
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="no_op",
        opcode=400,
        inputs=(),
        outputs=(),
        doc="Does nothing; runs after its control inputs, so it groups operations.",
        shape=lambda op: [],
        reference=lambda xp, op: (),
        device="none",
        why_not="it only orders other operations; an export leaves it out.",
        stateful=True,
    ),
)
