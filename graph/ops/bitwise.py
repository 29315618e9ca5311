"""Bits of integers, shifts, and division that rounds toward zero; element by element, with broadcasting."""

from __future__ import annotations

from typing import Any

from samara.graph import dtypes
from samara.graph.ops._table import OPS, OpDef, attribute
from samara.graph.ops.elementwise import binary, in_float32, refuse_zero


def _truncate_divide(xp: Any, op: Any, x: Any, y: Any) -> Any:
    refuse_zero(xp, y)
    if xp.isdtype(x.dtype, "real floating"):
        return xp.trunc(x / y)
    floor = x // y
    return floor + xp.astype((floor * y != x) & ((x < 0) != (y < 0)), x.dtype)


def _truncate_mod(xp: Any, op: Any, x: Any, y: Any) -> Any:
    if xp.isdtype(x.dtype, "real floating"):
        # Exact, unlike the rest of numbers of different sign.
        return xp.copysign(xp.abs(x) % xp.abs(y), x)
    return x - _truncate_divide(xp, op, x, y) * y


def _shifted(xp: Any, x: Any, y: Any, left: bool) -> Any:
    if bool(xp.any(y < 0)):
        raise ValueError("a shift by a negative number of bits")
    bits = xp.iinfo(x.dtype).bits
    most = xp.minimum(y, xp.full_like(y, bits - 1))
    shifted = xp.bitwise_left_shift(x, most) if left else xp.bitwise_right_shift(x, most)
    return xp.where((y >= bits) & (left | (x >= 0)), xp.zeros_like(x), shifted)


def _bitcast_shape(op: Any) -> Any:
    (x,) = op.shapes
    old, new = op.dtypes[0], op.a.dtype
    if new is dtypes.bool_ and old is not new:
        op.fail(f"{old.name} has bytes that are no bool: compare with 0 instead")
    if new.size <= old.size:
        return x if new.size == old.size else (*x, old.size // new.size)
    ratio = new.size // old.size
    if not x:
        op.fail(f"a {new.name} has the bytes of {ratio} elements of {old.name}, which a scalar has not")
    op.merge(x[-1], ratio, f"the last axis and the elements of {old.name} in one of {new.name}")
    return x[:-1]


def _bitcast(xp: Any, op: Any, x: Any) -> Any:
    new = op.output_dtypes[0]
    # Joining a list copies, whatever the strides are; `view` is what numpy and torch call it.
    elements = xp.concat([xp.reshape(xp.asarray(x), (-1,))]).view(new)
    if new.itemsize <= x.dtype.itemsize:
        split = () if new.itemsize == x.dtype.itemsize else (x.dtype.itemsize // new.itemsize,)
        return xp.reshape(elements, (*x.shape, *split))
    return xp.reshape(elements, x.shape[:-1])


OPS.register(
    OpDef(
        name="bitcast",
        opcode=57,
        inputs=("x: S",),
        outputs=("y: @dtype",),
        types={"S": dtypes.ALL},
        attributes=(attribute("dtype", "dtype", doc="The element type of the output."),),
        doc="The same bytes, lowest first, as another element type. An element that makes several of a smaller type "
        "becomes a new last axis of them; elements that make one of a larger type are the last axis, which goes. "
        "Source: TensorFlow's bitcast.",
        shape=_bitcast_shape,
        reference=_bitcast,
        view=True,
    ),
    binary(
        "bitwise_and",
        342,
        "The bits that are set in x and in y, with broadcasting.",
        lambda xp, op, x, y: xp.bitwise_and(x, y),
        None,
        types=dtypes.INTEGERS,
    ),
    binary(
        "bitwise_or",
        343,
        "The bits that are set in x or in y, with broadcasting.",
        lambda xp, op, x, y: xp.bitwise_or(x, y),
        None,
        types=dtypes.INTEGERS,
    ),
    binary(
        "bitwise_xor",
        344,
        "The bits that are set in one of x and y, with broadcasting.",
        lambda xp, op, x, y: xp.bitwise_xor(x, y),
        None,
        types=dtypes.INTEGERS,
    ),
    OpDef(
        name="bitwise_not",
        opcode=345,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.INTEGERS},
        doc="The bits that are not set in x.",
        shape=lambda op: op.shapes[0],
        reference=lambda xp, op, x: xp.bitwise_invert(x),
        in_place=True,
    ),
    binary(
        "shift_left",
        346,
        "x * 2**y in the element type: its bits, y places further up, with broadcasting. A shift by as many bits as "
        "the type has, or more, gives 0; one by a negative number is an error of the run.",
        lambda xp, op, x, y: _shifted(xp, x, y, True),
        None,
        types=dtypes.INTEGERS,
    ),
    binary(
        "shift_right",
        347,
        "x / 2**y rounded down, with broadcasting: the sign stays. A shift by as many bits as the type has, or more, "
        "gives 0, or -1 for negative x; one by a negative number is an error of the run.",
        lambda xp, op, x, y: _shifted(xp, x, y, False),
        None,
        types=dtypes.INTEGERS,
    ),
    binary(
        "truncate_divide",
        348,
        "The quotient x / y rounded toward zero, with broadcasting. Division of an integer by zero is an error of the "
        "run.",
        in_float32(_truncate_divide),
        None,
    ),
    binary(
        "truncate_mod",
        353,
        "The rest of truncate_divide, which has the sign of x, with broadcasting: C's fmod and %. Division of an "
        "integer by zero is an error of the run.",
        in_float32(_truncate_mod),
        lambda b, x, y, z, dz: (dz, b.negative(b.multiply(dz, b.truncate_divide(x, y)))),
    ),
)
