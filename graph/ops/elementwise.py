"""Element-wise ops: arithmetic, comparison, logic, unary functions and activations, with broadcasting."""

from __future__ import annotations

from samara.graph import dtypes
from samara.graph.ops._table import OPS, OpDef

OPS.register(
    OpDef(
        name="add",
        opcode=256,
        inputs=("x: T", "y: T"),
        outputs=("z: T",),
        types={"T": dtypes.NUMBERS},
        doc="The sum x + y, element by element, with broadcasting.",
        shape=lambda op: op.broadcast(op.shapes[0], op.shapes[1]),
        reference=lambda xp, op, x, y: x + y,
        gradient=lambda b, op, dz: [b.unbroadcast(dz, op.inputs[0]), b.unbroadcast(dz, op.inputs[1])],
        quant="add",
        in_place=True,
    ),
    OpDef(
        name="relu",
        opcode=330,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.SIGNED},
        doc="The larger of x and 0.",
        shape=lambda op: op.shapes[0],
        reference=lambda xp, op, x: xp.maximum(x, xp.zeros_like(x)),
        gradient=lambda b, op, dy: [b.where(b.greater(op.outputs[0], b.zeros_like(dy)), dy, b.zeros_like(dy))],
        quant="table",
        in_place=True,
    ),
)
