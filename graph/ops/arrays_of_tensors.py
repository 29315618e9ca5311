"""What a TensorArray needs where its shape is known only when it is written: a write that makes room."""

from __future__ import annotations

from typing import Any

from samara.graph import dims, dtypes
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, OpDef, attribute


def _write_shape(op: Any) -> Any:
    array, index, value = op.shapes
    if index:
        op.fail(f"index must be a scalar, not of shape {dims.text(index)}")
    if array == ():
        op.fail("array must have a first axis")
    if array is None:
        return None if value is None else (Dim(), *value)
    count = Dim() if op.a.grows else array[0]
    if value is None:
        return (count, *array[1:])
    if len(value) + 1 != len(array):
        op.fail(f"an array of rank {len(array)} has elements of rank {len(array) - 1}, not {len(value)}")
    sizes = []
    for axis, (held, size) in enumerate(zip(array[1:], value, strict=True)):
        if held != 0 and dims.equal(held, size) is False:
            op.fail(f"axis {axis} of the elements is {held}, of the value {size}")
        sizes.append(held if held != 0 and isinstance(held, int) else size)
    return (count, *sizes)


def _write(xp: Any, op: Any, array: Any, index: Any, value: Any) -> Any:
    place, held = int(index), array.shape[0]
    if place < 0 or (place >= held and not op.a.grows):
        raise ValueError(f"index {place} is outside an array of {held} elements")
    empty = 0 in tuple(array.shape)
    if not empty and tuple(array.shape[1:]) != tuple(value.shape):
        raise ValueError(
            f"an element of shape {list(value.shape)} in an array of elements of shape {list(array.shape[1:])}"
        )
    if not empty and place < held:
        made = xp.asarray(array, copy=True)
    else:
        sizes = (max(held, place + 1), *value.shape)
        made = (
            xp.full(sizes, b"", dtype=object) if array.dtype == object else xp.zeros(sizes, dtype=array.dtype)
        )
        if not empty:
            made[:held, ...] = array
    made[place, ...] = value
    return made


def _write_gradient(b: Any, op: Any, dy: Any) -> list[Any]:
    array, index, value = op.inputs
    rest = b.array_write(dy, index, b.zeros_like(value))
    if array.shape is None or op.a.grows or op.outputs[0].shape != array.shape:
        rank = len(dy.shape)
        rest = b.slice(rest, [0] * rank, b.shape(array), strides=(1,) * rank)
    return [rest, None, b.gather(dy, index, axis=0)]


OPS.register(
    OpDef(
        name="array_write",
        opcode=590,
        inputs=("array: T", "index: I", "value: T"),
        outputs=("written: T",),
        types={"T": dtypes.ALL, "I": (dtypes.int32, dtypes.int64)},
        attributes=(
            attribute("grows", "bool", False, "Whether an index after the last element makes room."),
        ),
        doc="An array of tensors, stacked along the first axis, with one of them replaced. An array without any "
        "element but empty ones takes the shape of the value; else the value has the shape of the elements.",
        shape=_write_shape,
        reference=_write,
        gradient=_write_gradient,
        device="none",
        why_not="how much memory the array needs is known only when it is written. Make the TensorArray with a size, "
        "without dynamic_size, and of elements whose shape is known before the loop.",
        any_rank=True,
        texts=True,
    )
)
