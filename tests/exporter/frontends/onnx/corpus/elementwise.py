"""Element by element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import helper

from tests.exporter.frontends.onnx.corpus._case import (
    ANY,
    FLOAT,
    FLOATS,
    INTEGERS,
    NUMBERS,
    Case,
    arrays,
    broadcast_pair,
    case,
    shapes,
    some,
    with_special,
)

UNARY: dict[str, Sequence[str]] = {
    **dict.fromkeys(("Abs", "Sign"), NUMBERS),
    "Neg": (*FLOATS, "int8", "int32", "int64"),
    "Relu": (*FLOATS, "int8", "int32"),
    **dict.fromkeys(("Identity",), ANY),
    **dict.fromkeys(("Ceil", "Floor", "Round", "Sin", "Cos", "Tan", "Atan", "Asinh", "Sinh", "Cosh"), FLOATS),
    **dict.fromkeys(("Tanh", "Sigmoid", "Erf", "Exp", "Softplus", "Softsign", "HardSwish", "Mish"), FLOATS),
    "Not": ("bool",),
    "BitwiseNot": INTEGERS,
    **dict.fromkeys(("IsNaN",), FLOATS),
}
POSITIVE = ("Sqrt", "Log", "Reciprocal", "Acosh")
WITHIN_ONE = ("Asin", "Acos", "Atanh")
# Each attribute with some values, and None for its default.
ACTIVATIONS: dict[str, dict[str, Sequence[Any]]] = {
    "LeakyRelu": {"alpha": (None, 0.3, 0.0, 2.0, -0.5)},
    "Elu": {"alpha": (None, 0.3, 2.0)},
    "Celu": {"alpha": (None, 0.3, 2.0)},
    "Selu": {"alpha": (None, 0.7), "gamma": (None, 2.0)},
    "HardSigmoid": {"alpha": (None, 1 / 6, 0.4), "beta": (None, 0.1)},
    "ThresholdedRelu": {"alpha": (None, 0.5, -1.0)},
    "Shrink": {"lambd": (None, 1.5), "bias": (None, 0.3, -0.2)},
    "Gelu": {"approximate": (None, "tanh", "none")},
    "IsInf": {"detect_negative": (None, 0, 1), "detect_positive": (None, 0, 1)},
}


@st.composite
def unary(draw: Any) -> Case:
    kind = draw(st.sampled_from(["plain", "plain", "positive", "one", "activation"]))
    shape = draw(shapes(smallest=0))
    if kind == "plain":
        op = draw(st.sampled_from(sorted(UNARY)))
        x = draw(with_special(draw(arrays(shape, UNARY[op]))))
        return case(op, [x], outputs=["bool"] if op == "IsNaN" else ())
    if kind == "positive":
        op = draw(st.sampled_from(POSITIVE))
        return case(op, [draw(arrays(shape, FLOATS, 1.1 if op == "Acosh" else 0.1))])
    if kind == "one":
        return case(draw(st.sampled_from(WITHIN_ONE)), [draw(arrays(shape, FLOAT)) / np.float32(4.1)])
    op = draw(st.sampled_from(sorted(ACTIVATIONS)))
    options = {name: draw(st.sampled_from(values)) for name, values in ACTIVATIONS[op].items()}
    x = draw(with_special(draw(arrays(shape, FLOATS))))
    return case(op, [x], outputs=["bool"] if op == "IsInf" else (), **options)


BINARY: dict[str, Sequence[str]] = {
    **dict.fromkeys(("Add", "Sub", "Mul"), NUMBERS),
    **dict.fromkeys(("Equal",), ANY),
    **dict.fromkeys(("Greater", "Less", "GreaterOrEqual", "LessOrEqual"), NUMBERS),
    **dict.fromkeys(("And", "Or", "Xor"), ("bool",)),
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor"), INTEGERS),
    **dict.fromkeys(("Max", "Min"), (*FLOATS, "int8", "uint8", "int32", "int64")),
    **dict.fromkeys(("Sum", "Mean"), FLOATS),
    "PRelu": (*FLOATS, "int32", "int64"),
}
TO_BOOL = ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor", "IsNaN", "IsInf")


@st.composite
def binary(draw: Any) -> Case:
    one, other = draw(broadcast_pair())
    kind = draw(st.sampled_from(["plain", "plain", "plain", "div", "mod", "pow", "shift"]))
    if kind == "plain":
        op = draw(st.sampled_from(sorted(BINARY)))
        types = (draw(st.sampled_from(BINARY[op])),)
        if op == "PRelu":
            # The slope broadcasts to x, and not the other way round.
            one = np.broadcast_shapes(one, other)
        given = [draw(arrays(one, types)), draw(arrays(other, types))]
        if op in ("Max", "Min", "Sum", "Mean"):
            given = draw(st.sampled_from([given, given[:1], [*given, draw(arrays(one, types))]]))
        return case(op, given, some(draw, range(1, len(given))), ["bool"] if op in TO_BOOL else ())
    if kind == "div":
        types = (draw(st.sampled_from(NUMBERS)),)
        y = draw(arrays(other, types, 1))
        if draw(st.booleans()) and y.dtype.kind != "u":
            y = -y
        return case("Div", [draw(arrays(one, types)), y], some(draw, [1]))
    if kind == "mod":
        types = (draw(st.sampled_from(NUMBERS)),)
        y = draw(arrays(other, types, 1))
        if draw(st.booleans()) and y.dtype.kind != "u":
            y = -y
        # Without fmod the operands are integers.
        fmod = 1 if types[0].startswith("float") else draw(st.sampled_from([None, 0, 1]))
        return case("Mod", [draw(arrays(one, types)), y], some(draw, [1]), fmod=fmod)
    if kind == "pow":
        x = draw(arrays(one, ("float32", "float16", "int32", "int64"), 0.1))
        if draw(st.booleans()):
            y = np.asarray(
                draw(st.sampled_from([2, 0.5, 3, 1, 0])), draw(st.sampled_from(["float32", "int64"]))
            )
        else:
            y = draw(arrays(other, ("float32", "int32", "int64"), 0))
        if x.dtype.kind == "i":
            # A power with a fraction of an integer is rounded as the implementation has it.
            x, y = np.minimum(x, 4).astype(x.dtype), np.floor(np.minimum(y, 5)).astype(y.dtype)
        if x.dtype == np.float16:
            y = np.minimum(y, 5).astype(y.dtype)
        return case("Pow", [x, y], some(draw, [1]))
    types = (draw(st.sampled_from(["uint8"])),)
    x, y = draw(arrays(one, types)), draw(arrays(other, types, 0))
    return case(
        "BitShift",
        [x, (y % 8).astype(y.dtype)],
        some(draw, [1]),
        direction=draw(st.sampled_from(["LEFT", "RIGHT"])),
    )


@st.composite
def choices(draw: Any) -> Case:
    one, other = draw(broadcast_pair())
    types = (draw(st.sampled_from(("float32", "float16", "uint8", "int32", "int64"))),)
    where = draw(arrays(draw(st.sampled_from([one, other])), ("bool",)))
    return case(
        "Where",
        [where, draw(arrays(one, types)), draw(arrays(other, types))],
        some(draw, [0, 1, 2]),
        [types[0]],
    )


@st.composite
def clamps(draw: Any) -> Case:
    dtype = draw(st.sampled_from(("float32", "float16", "int8", "uint8", "int32", "int64")))
    x = draw(with_special(draw(arrays(draw(shapes()), (dtype,)))))
    low, high = (np.asarray(draw(st.integers(0, 6)), dtype) for _ in range(2))
    if low.dtype.kind != "u":
        low = np.asarray(low - 3, dtype)
    bounds = [draw(st.sampled_from([None, b, b])) for b in (low, high)]
    present = [i for i, b in enumerate(bounds, 1) if b is not None]
    return case("Clip", [x, *bounds], some(draw, present))


@st.composite
def casts(draw: Any) -> Case:
    target = draw(st.sampled_from(ANY))
    source = draw(st.sampled_from(ANY))
    # What is out of the range of an integer type that floats become is not defined.
    x = draw(arrays(draw(shapes()), (source,), 0 if target == "uint8" and source.startswith("float") else -4))
    if source in ("int32", "int64", "int16") and target == "float16":
        x = np.clip(x, -2000, 2000).astype(source)
    return case("Cast", [x], outputs=[target], to=int(helper.np_dtype_to_tensor_dtype(np.dtype(target))))
